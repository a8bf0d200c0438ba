--- Mutable bytes for recv_into and read, in place of Python's bytearray.

local C = require "cleat.backend"
local check = require "cleat.check"
local class = require "cleat.class"
local compat = require "cleat.compat"
local errors = require "cleat.errors"

-- Lua 5.1 and LuaJIT call __len of userdata only, so there a buffer is an empty userdata. A weak table maps each buffer
-- to its bytes.
local newproxy = compat.newproxy
local contents = setmetatable({}, { __mode = "k" })
local sizes = setmetatable({}, { __mode = "k" })

--- Mutable bytes of a fixed size, for recv_into, read and send, which avoid making a string for each call.
--- socket.buffer makes them.
---
---     local buffer = socket.buffer(4)
---     buffer:set(0, "ab")
---     print(#buffer, tostring(buffer) == "ab\0\0") --> 4	true
---
--- Python: none; `bytearray` in its place.
---@class cleat.Buffer
---@overload fun(size: integer): cleat.Buffer
local Buffer

local first -- the first userdata: the others share its metatable

--- Makes a buffer of a fixed size, filled with zero bytes. `#buffer` is its size, and `tostring(buffer)` its bytes as a
--- string. When the buffer is garbage-collected its memory is overwritten with zeros.
---
---     local buffer = socket.buffer(4)
---     print(#buffer, buffer:sub(1, 2) == "\0\0") --> 4	true
---
--- Raises: ValueError if the size is negative; TypeError.
--- Python: none; `bytearray(size)`.
---@param size integer in bytes
---@return cleat.Buffer
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

Buffer = class.new("cleat.buffer", make)

--- Returns the size in bytes.
---
---     local buffer = socket.buffer(16)
---     print(buffer:len(), #buffer) --> 16	16
---
--- Python: none; `len(bytearray)`.
---@return integer
function Buffer:len()
    return C.buffer_size(contents[self])
end

--- Returns the bytes from the i-th to the j-th, with the same indices as string.sub: they begin at 1, and negative ones
--- count from the end.
---
---     local buffer = socket.buffer(5)
---     buffer:set(0, "hello")
---     print(buffer:sub(2, 3), buffer:sub(-2)) --> el	lo
---
--- Raises: TypeError.
--- Python: none; slices.
---@param i integer
---@param j integer? -1 by default
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

--- Copies a string into the buffer, at an offset.
---
---     local buffer = socket.buffer(5)
---     buffer:set(1, "abc")
---     print(tostring(buffer) == "\0abc\0") --> true
---
--- Raises: ValueError if the string does not fit; TypeError.
--- Python: none; slices.
---@param offset integer in bytes, counted from 0
---@param text string
function Buffer:set(offset, text)
    offset = check.integer("set", "offset", offset, 0, self:len())
    if offset + #check.string("set", "text", text) > self:len() then
        errors.raise(errors.ValueError, ("set() of %d bytes at %d in a buffer of %d"):format(#text, offset, self:len()))
    end
    C.buffer_set(contents[self], offset, text)
end

--- Returns the argument for the backend's functions with _into or _from in their names, and its size in bytes; nil if
--- `value` is not a buffer.
---@param value any
---@return any
---@return integer? size
function Buffer._contents(value)
    return contents[value], sizes[value]
end

-- The two tables for cleat.ssl.io, where the cost of a function call would be measurable.
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
