--- Buffers between a network and TLS: Python's ssl.MemoryBIO (3.5, section 18.2.6).

local C = require "cleat.backend"
local Buffer = require "cleat.buffer"
local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"

local byte, concat, select, sub = string.byte, table.concat, select, string.sub -- select: see keywords.lua

--- Makes an empty MemoryBIO.
---
---     local bio = ssl.MemoryBIO()
---     print(bio.pending, bio.eof) --> 0	false
---
--- Raises: TypeError for arguments.
--- Python: 3.5.
---@class cleat.ssl.MemoryBIO
---@field pending integer the number of bytes in it; read-only
---@field eof boolean whether write_eof() was called and all bytes were read; read-only
---@field _chunks string[] the bytes; those of the first before _offset + 1 have been read
---@field _first integer the index of the first chunk
---@field _last integer
---@field _offset integer
---@field _pending integer
---@field _ended boolean
---@overload fun(): cleat.ssl.MemoryBIO
local MemoryBIO = class.new("ssl.MemoryBIO", function(of, ...)
    if select("#", ...) > 0 then
        errors.raise(errors.TypeError, "MemoryBIO() takes no arguments")
    end
    return setmetatable({ _chunks = {}, _first = 1, _last = 0, _offset = 0, _pending = 0, _ended = false }, of.instance)
end)

--- Appends bytes.
---
---     local bio = ssl.MemoryBIO()
---     print(bio:write("hello"), bio.pending) --> 5	5
---
--- Raises: SSLError after write_eof(); TypeError for other types.
--- Python: 3.5.
---@param bytes string|cleat.Buffer
---@return integer # their number, which is always all
function MemoryBIO:write(bytes)
    if type(bytes) ~= "string" then
        if not Buffer._contents(bytes) then
            check.fail("write", "bytes", "a string or a buffer", bytes)
        end
        bytes = tostring(bytes)
    end
    if self._ended then
        errors.raise(errors.SSLError, "cannot write() after write_eof()")
    end
    if bytes ~= "" then
        self._last = self._last + 1
        self._chunks[self._last] = bytes
        self._pending = self._pending + #bytes
    end
    return #bytes
end

--- Marks the end of the bytes: a reader that has read all of them is at the end of the stream.
---
---     local bio = ssl.MemoryBIO()
---     bio:write_eof()
---     print(bio.eof) --> true
---
--- Python: 3.5.
function MemoryBIO:write_eof()
    self._ended = true
end

-- pop returns up to size bytes, 1 or more, as one string. Nothing is removed before the string is made, which may fail.
local function pop(self, size)
    local chunks, first, offset = self._chunks, self._first, self._offset
    local parts, count = {}, 0
    size = size < self._pending and size or self._pending
    local pending = self._pending - size
    while size > 0 do
        local chunk = chunks[first]
        local there = #chunk - offset
        count = count + 1
        if there <= size then
            parts[count] = offset == 0 and chunk or sub(chunk, offset + 1)
            size = size - there
            first, offset = first + 1, 0
        else
            parts[count] = sub(chunk, offset + 1, offset + size)
            offset, size = offset + size, 0
        end
    end
    local bytes = count == 1 and parts[1] or concat(parts)
    for index = self._first, first - 1 do
        chunks[index] = nil
    end
    self._first, self._offset, self._pending = first, offset, pending
    return bytes
end

--- Removes bytes from the beginning and returns them.
---
---     local bio = ssl.MemoryBIO()
---     bio:write("hello")
---     print(bio:read(2), bio:read()) --> he	llo
---
--- Raises: TypeError if `size` is no integer.
--- Python: 3.5.
---@param size integer? at most so many bytes; nil and negative numbers for all
---@return string # "" if there are none
function MemoryBIO:read(size)
    size = check.optional_integer("read", "size", size, -1)
    if size < 0 then
        size = self._pending
    end
    return pop(self, size)
end

-- The header of a record, which is read before the record is removed: RFC 8446 section 5.1.
local HEADER = 5

local function peek(self)
    local bytes = sub(self._chunks[self._first], self._offset + 1, self._offset + HEADER)
    for index = self._first + 1, self._last do
        if #bytes >= HEADER then
            break
        end
        bytes = bytes .. sub(self._chunks[index], 1, HEADER - #bytes)
    end
    return bytes
end

--- Feeds a connection over memory with the bytes it needs next, at most one record, so that bytes after the last TLS
--- record stay here. due: how many bytes of the current record are missing, 0 if none.
---@param id integer the connection
---@param due integer
---@return integer? due nil if there was nothing to feed
function MemoryBIO:_feed(id, due)
    if self._pending == 0 then
        if not self._ended then
            return nil
        end
        errors.check(C.connection_feed_eof(id))
        return 0
    end
    if due == 0 then
        local header = peek(self)
        due = #header < HEADER and #header or HEADER + header:byte(4) * 256 + header:byte(5)
    end
    local piece = pop(self, due)
    errors.check(C.connection_feed(id, piece))
    return due - #piece
end

--- Appends bytes and feeds as _feed does. One record, which is what usually arrives, is not copied.
---@param id integer
---@param due integer
---@param bytes string
---@return integer? due
function MemoryBIO:_deliver(id, due, bytes)
    if due == 0 and self._pending == 0 and #bytes >= HEADER then
        local high, low = byte(bytes, 4, 5)
        if #bytes == HEADER + high * 256 + low then
            local result = C.connection_feed(id, bytes)
            if result < 0 then
                self:write(bytes)
            end
            errors.check(result)
            return 0
        end
    end
    self:write(bytes)
    return self:_feed(id, due)
end

class.properties(MemoryBIO, {
    pending = function(self)
        return self._pending
    end,
    eof = function(self)
        return self._ended and self._pending == 0
    end,
}, {})

return MemoryBIO
