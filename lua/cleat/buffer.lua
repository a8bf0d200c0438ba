--- Mutable bytes for recv_into and read: the place of Python's bytearray.

local C = require "cleat.backend"
local check = require "cleat.check"
local class = require "cleat.class"
local compat = require "cleat.compat"
local errors = require "cleat.errors"

-- Lua 5.1 and LuaJIT call __len of userdata only, so there a buffer is an empty userdata. Its bytes are kept in a
-- table, by buffer.
local newproxy = compat.newproxy
local contents = setmetatable({}, { __mode = "k" })
local sizes = setmetatable({}, { __mode = "k" })

--- Bytes of a fixed size that can be modified, for recv_into, read and send: made by socket.buffer.
---
---     local buffer = socket.buffer(4)
---     buffer:set(0, "ab")
---     print(#buffer, tostring(buffer) == "ab\0\0") --> 4	true
---
--- Python: none; the place of `bytearray`.
---@class cleat.Buffer
---@overload fun(size: integer): cleat.Buffer
local Buffer

local first -- the userdata that the others share their metatable with

--- Makes a buffer of a fixed size, filled with zero bytes. `#buffer` is its size and `tostring(buffer)` its bytes. The
--- bytes are wiped when the buffer is collected.
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
---     print(socket.buffer(16):len()) --> 16
---
--- Python: none; `len(bytearray)`.
---@return integer
function Buffer:len()
    return C.buffer_size(contents[self])
end

--- Returns the bytes from the i-th to the j-th, counted as string.sub counts.
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

--- Stores bytes at an offset.
---
---     local buffer = socket.buffer(5)
---     buffer:set(1, "abc")
---     print(tostring(buffer) == "\0abc\0") --> true
---
--- Raises: ValueError if they do not fit; TypeError.
--- Python: none; slices.
---@param offset integer from 0, in bytes
---@param text string
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
