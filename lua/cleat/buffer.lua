--- Mutable bytes for recv_into and read (Python's bytearray): `local b = socket.buffer(4096)`.
---
--- A buffer has a fixed size, and is all zero bytes at first. `#b` is its size, `b:sub(i, j)` and `tostring(b)` copy
--- bytes out as string.sub does, `b:set(offset, s)` copies bytes in. send and sendall take buffers as well as strings.
--- Its bytes are wiped when it is collected, which those of strings are not.

local C = require "cleat.backend"
local check = require "cleat.check"
local class = require "cleat.class"
local compat = require "cleat.compat"
local errors = require "cleat.errors"

-- Lua 5.1 and LuaJIT call __len of userdata only, so there a buffer is an empty userdata. Its bytes are kept in a table,
-- by buffer.
local newproxy = compat.newproxy
local contents = setmetatable({}, { __mode = "k" })
local sizes = setmetatable({}, { __mode = "k" })

---@class cleat.Buffer
local Buffer

local first -- the userdata that the others share their metatable with

local function make(_, size)
    size = check.integer("buffer", "size", size, 0)
    local object
    if newproxy then
        object = newproxy(first)
    else
        object = setmetatable({}, Buffer.instance)
    end
    contents[object], sizes[object] = C.buffer_new(size), size
    return object
end

--- Buffer(size) is a new buffer. size: in bytes, 0 or more.
Buffer = class.new("cleat.buffer", make)

--- The size in bytes.
---@return integer
function Buffer:len()
    return C.buffer_size(contents[self])
end

--- The bytes from the i-th to the j-th, counted as string.sub does.
---@param i integer
---@param j integer?
---@return string
function Buffer:sub(i, j)
    local size = self:len()
    i = check.integer("sub", "i", i)
    j = check.optional_integer("sub", "j", j, -1)
    i = i < 0 and math.max(size + i + 1, 1) or math.max(i, 1)
    j = j < 0 and size + j + 1 or math.min(j, size)
    if i > j then
        return ""
    end
    return C.buffer_get(contents[self], i - 1, j - i + 1)
end

--- Puts the bytes of text at an offset, counted from 0 as nbytes and counts are.
---@param offset integer 0 to the size
---@param text string it must fit: ValueError
function Buffer:set(offset, text)
    offset = check.integer("set", "offset", offset, 0, self:len())
    if offset + #check.string("set", "text", text) > self:len() then
        errors.raise(errors.ValueError, ("set() of %d bytes at %d in a buffer of %d"):format(#text, offset, self:len()))
    end
    C.buffer_set(contents[self], offset, text)
end

--- The argument for a backend function with _into or _from in its name, and its size in bytes; nil if value is not a
--- buffer.
---@param value any
---@return any
---@return integer? size
function Buffer._contents(value)
    return contents[value], sizes[value]
end

-- The two tables, for cleat.ssl.io, where a function call would be measurable.
rawset(Buffer, "_all", contents)
rawset(Buffer, "_sizes", sizes)

class.properties(Buffer, {}, {})
Buffer.instance.__len = Buffer.len
Buffer.instance.__tostring = function(self)
    return self:sub(1)
end

if newproxy then
    first = newproxy(true)
    local metatable = getmetatable(first)
    for name, value in pairs(Buffer.instance) do
        metatable[name] = value
    end
end

return Buffer
