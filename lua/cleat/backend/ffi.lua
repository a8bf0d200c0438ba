--- The module cleat.backend.ffi for LuaJIT (see backend.lua): finds libcleat, and provides buffers, guards and the
--- helpers of ffi_abi.lua.

local ffi = require "ffi"
local tobit = require("bit").tobit
local const = require "cleat.backend.constants"

local new, cast, str, istype, typeof, gc = ffi.new, ffi.cast, ffi.string, ffi.istype, ffi.typeof, ffi.gc
local type, rawget = type, rawget

local SONAME = "libcleat.so.0"
local SCRATCH = 64 * 1024 + 512 -- reads up to this length need no separate allocation
local MANY = 4096 -- arrays up to this length reuse their memory

---@param name string
---@return boolean
local function exists(name)
    local file = io.open(name, "rb")
    if file then
        file:close()
    end
    return file ~= nil
end

--- Returns the possible paths of libcleat, in the order in which they are tried.
---@return string[]
local function candidates()
    local chosen = os.getenv "CLEAT_LIBRARY"
    if chosen and chosen ~= "" then
        return { chosen }
    end
    local list = {}
    for template in package.cpath:gmatch "[^;]+" do
        list[#list + 1] = template:gsub("%?", "libcleat")
    end
    local prefix = debug.getinfo(1, "S").source:match "^@(.*)/share/lua/[^/]+/cleat/backend/ffi%.lua$"
    if prefix then
        list[#list + 1] = prefix .. "/lib/" .. SONAME
    end
    return list
end

---@return table library
---@return string where the path that was loaded
local function load()
    local tried = {}
    local function try(name)
        local ok, library = pcall(ffi.load, name)
        if ok then
            return library
        end
        tried[#tried + 1] = ("\n    %s: %s"):format(name, library)
    end
    for _, name in ipairs(candidates()) do
        if exists(name) then
            local library = try(name)
            if library then
                return library, name
            end
        else
            tried[#tried + 1] = ("\n    %s: no such file"):format(name)
        end
    end
    if not os.getenv "CLEAT_LIBRARY" then
        local library = try(SONAME)
        if library then
            return library, SONAME
        end
    end
    error("cleat.backend: libcleat was not found (set the environment variable CLEAT_LIBRARY to its path); tried:" ..
        table.concat(tried), 0)
end

ffi.cdef(require "cleat.backend.cdef")
local lib, where = load()
do
    local abi = lib.cleat_abi_version()
    if abi < const.ABI then
        error(("cleat.backend: the libcleat found at %s has ABI %d, this needs %d"):format(where, abi,
            const.ABI), 0)
    end
end

---@param name string
---@param position integer
---@param what string
local function refuse(name, position, what)
    error(("cleat.backend: %s: argument %d %s"):format(name, position, what), 0)
end

---@class cleat.backend.ffi_runtime
local rt = {}

rt.SCRATCH = SCRATCH
rt.TEXT = 512 -- text up to this length needs one call
rt.text = new("char[?]", rt.TEXT)

---@param name string
---@param position integer
---@param what string
function rt.bad(name, position, what)
    refuse(name, position, "must be " .. what)
end

--- Returns the length of a string, 0 for nil.
---@return integer
function rt.length(data, name, position)
    if type(data) == "string" then
        return #data
    elseif data ~= nil then
        refuse(name, position, "must be a string or nil")
    end
    return 0
end

--- Makes a string of bytes that were returned with an id. If the allocation fails, the id is closed.
function rt.str_or_close(id, bytes, size)
    local ok, made = pcall(str, bytes, size)
    if not ok then
        lib.cleat_close(id)
        error(made, 0)
    end
    return made
end

local function wipe(bytes)
    ffi.fill(bytes, ffi.sizeof(bytes))
end

--- Memory for received plaintext, which is overwritten with zeros before it is freed.
local function new_scratch(size)
    return gc(new("char[?]", size), wipe)
end

local scratch, scratch_size = new_scratch(4096), 4096

--- Returns memory for `size` bytes, which is valid until the next call.
function rt.room(size)
    if size <= scratch_size then
        return scratch
    elseif size > SCRATCH then
        return new_scratch(size)
    end
    local grown = scratch_size
    repeat
        grown = grown * 2
    until grown >= size
    grown = math.min(grown, SCRATCH)
    local fresh = new_scratch(grown) -- may run a finalizer that calls this function too
    scratch, scratch_size = fresh, grown
    return fresh
end

--- Returns memory for `size` integers, all 0. place keeps it for the next call.
---@param place table
---@param size integer
local function ints_room(place, size)
    if size > MANY then
        return new("int32_t[?]", size)
    elseif size > (place.size or 0) then
        local grown = math.max(64, size)
        place.room = new("int32_t[?]", grown)
        place.size = grown
    elseif size > 0 then
        ffi.fill(place.room, size * 4)
    end
    return place.room
end
rt.ints_room = ints_room

--- Returns the integers of an array, and their number.
function rt.ints(list, place, name, position)
    if type(list) ~= "table" then
        refuse(name, position, "must be an array of integers")
    end
    local size = #list
    local room = ints_room(place, size)
    for i = 1, size do
        local value = rawget(list, i)
        if type(value) ~= "number" or tobit(value) ~= value then
            refuse(name, position, "must be an array of integers")
        end
        room[i - 1] = value
    end
    return room, size
end

---@return integer[]
function rt.ints_table(room, size)
    local list = {}
    for i = 1, size do
        list[i] = room[i - 1]
    end
    return list
end

local buffer_type = typeof "struct { int32_t size; char data[?]; }"
local bytes_type = typeof "const char *"

local function wipe_buffer(buffer)
    ffi.fill(buffer.data, buffer.size)
end

local function check_buffer(buffer, name)
    if not istype(buffer_type, buffer) then
        refuse(name, 1, "must be a buffer")
    end
end

---@return integer
local function check_int(value, name, position)
    if type(value) ~= "number" or tobit(value) ~= value then
        refuse(name, position, "must be an integer")
    end
    return value
end

--- Returns the address of an offset in a buffer, after checking that the capacity fits. position: the number of the
--- argument that is the buffer.
local function within(buffer, offset, capacity, name, position)
    if not istype(buffer_type, buffer) then
        refuse(name, position, "must be a buffer")
    end
    check_int(offset, name, position + 1)
    if offset < 0 or offset > buffer.size then
        refuse(name, position + 1, "is out of bounds")
    end
    check_int(capacity, name, position + 2)
    if capacity < 0 or capacity > buffer.size - offset then
        refuse(name, position + 2, "is out of bounds")
    end
    return buffer.data + offset
end
rt.within = within

--- Returns the bytes of a string or buffer from the offset on, and their number.
function rt.source(data, offset, name, position)
    local bytes, size
    if type(data) == "string" then
        bytes, size = cast(bytes_type, data), #data
    elseif istype(buffer_type, data) then
        bytes, size = cast(bytes_type, data.data), data.size
    else
        refuse(name, position, "must be a string or a buffer")
    end
    check_int(offset, name, position + 1)
    if offset < 0 or offset > size then
        refuse(name, position + 1, "is out of bounds")
    end
    return bytes + offset, size - offset
end

--- Closes its id when it is garbage-collected. It is made before its id, which the ABI stores in it, because a debug
--- hook may raise an error between any two instructions. For the same reason it is cleared after its id was closed;
--- closing an id twice is harmless.
local guard_type = typeof "struct { int32_t id; }"
rt.guard_type = guard_type

local function close_guard(guard)
    local id = guard.id
    if id == 0 then
        return 0
    end
    local result = lib.cleat_close(id)
    guard.id = 0
    return result
end
ffi.metatype(guard_type, { __gc = close_guard })

local backend = { name = "ffi" }
require "cleat.backend.ffi_abi"(lib, rt, backend)

function backend.buffer_new(size)
    if check_int(size, "buffer_new", 1) < 0 then
        refuse("buffer_new", 1, "is out of bounds")
    end
    local buffer = new(buffer_type, size)
    buffer.size = size
    return gc(buffer, wipe_buffer)
end

function backend.buffer_size(buffer)
    check_buffer(buffer, "buffer_size")
    return buffer.size
end

function backend.buffer_get(buffer, offset, length)
    return str(within(buffer, offset, length, "buffer_get", 1), length)
end

function backend.buffer_set(buffer, offset, data)
    check_buffer(buffer, "buffer_set")
    check_int(offset, "buffer_set", 2)
    if offset < 0 or offset > buffer.size then
        refuse("buffer_set", 2, "is out of bounds")
    elseif type(data) ~= "string" then
        refuse("buffer_set", 3, "must be a string")
    elseif #data > buffer.size - offset then
        refuse("buffer_set", 3, "is out of bounds")
    end
    ffi.copy(buffer.data + offset, data, #data)
end

local function check_guard(guard, name)
    if not istype(guard_type, guard) then
        refuse(name, 1, "must be a guard")
    end
end

function backend.guard_new(id)
    local ok, guard = pcall(new, guard_type, check_int(id, "guard_new", 1))
    if not ok then
        lib.cleat_close(id)
        error(guard, 0)
    end
    return guard
end

function backend.guard_set(guard, id)
    check_guard(guard, "guard_set")
    guard.id = check_int(id, "guard_set", 2)
end

function backend.guard_close(guard)
    check_guard(guard, "guard_close")
    return close_guard(guard)
end

function backend.guard_release(guard)
    check_guard(guard, "guard_release")
    guard.id = 0
end

local prototypes = setmetatable({}, { __mode = "k" })

function backend.proxy_new(metatable)
    local first = prototypes[metatable]
    if not first then
        if type(metatable) ~= "table" then
            refuse("proxy_new", 1, "must be a table")
        end
        first = newproxy(true)
        local copy = getmetatable(first)
        for name, value in pairs(metatable) do
            copy[name] = value
        end
        prototypes[metatable] = first
    end
    return newproxy(first)
end

return backend
