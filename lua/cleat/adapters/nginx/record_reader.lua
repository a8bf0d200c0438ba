--- Reads the plaintext of a TLS connection over an nginx cosocket: receives the bytes of the next record, and decrypts
--- it.
---
--- The connection is in memory. The record headers are parsed (RFC 8446 section 5.1), in order to receive exactly the
--- rest of a record, and to know when nothing is left to decrypt. Both save calls.
---
--- The state (see cleat.adapters.nginx.tls) has these fields for it:
---   drained          whether all received bytes were decrypted
---   due              the number of bytes of the current record that were not received yet
---   head             the bytes of an incomplete header
---   single           whether the last received bytes were exactly one record

local C = require "cleat.backend"
local raw = require("cleat.adapters.nginx.raw").methods
local status = require "cleat.status"

local connection_read, connection_read_into = C.connection_read, C.connection_read_into
local connection_feed, connection_feed_eof = C.connection_feed, C.connection_feed_eof
local byte, sub = string.byte, string.sub
local WANT_READ, EOF = status.WANT_READ, status.EOF

local reader = {}

local RECORD = 16384 -- the plaintext of the longest record
local OVERHEAD = 21 -- the minimum overhead of a record: its header and the AEAD's tag
local HEADER = 5
-- The size of one receive. LuaJIT's luaL_Buffer, with which nginx makes the string, has this size; longer strings are
-- concatenated from pieces, which copies them again.
local PIECE = 8192

-- follow parses the record headers in received bytes.
local function follow(s, bytes)
    local at = s.due
    if s.head ~= "" then
        bytes = s.head .. bytes
        s.head = ""
    end
    local size, first = #bytes, at
    while at < size do
        if size - at < HEADER then
            s.head = sub(bytes, at + 1)
            s.due, s.single = 0, false
            return
        end
        local high, low = byte(bytes, at + 4, at + 5)
        first = at
        at = at + HEADER + high * 256 + low
    end
    s.due = at - size
    s.single = first == 0 and at == size
end

-- amount returns how many bytes to receive: never more than are needed for `need` bytes of plaintext. nil for any
-- number.
local function amount(s, need)
    local due = s.due
    if due > 0 then
        return due < PIECE and due or PIECE
    elseif need > PIECE / 2 and s.head == "" then
        return need > PIECE and PIECE or need + OVERHEAD
    end
end

--- feed passes received bytes to the TLS connection, and returns its status.
function reader.feed(s, bytes)
    local result = connection_feed(s.id, bytes)
    if result >= 0 then
        follow(s, bytes)
        s.drained = false
    end
    return result
end

-- receive returns the next bytes of ciphertext, or the cosocket's error. The cosocket's read timeout applies.
local function receive(o, s, need)
    if s.reading then -- another light thread is reading, or was killed: the cosocket's error says which
        local bytes, err = raw.receiveany(o, 1)
        if bytes then
            s.dead, err = true, "closed"
        end
        return nil, err
    end
    local bytes, err, partial
    local size = amount(s, need)
    s.reading = true
    if size then
        bytes, err, partial = raw.receive(o, size)
    else
        bytes, err, partial = raw.receiveany(o, PIECE)
    end
    s.reading = false
    return bytes, err, partial
end

--- more returns the plaintext of a record. If it fails it returns nil and the cosocket's error, and also true if the
--- cosocket was not read at all, because it was closed before or another light thread reads. need: the minimum number
--- of bytes for the caller. buffer: if given, up to `need` bytes are stored there at the offset, and their number is
--- returned.
---@param o table the cosocket
---@param s table its state
---@param need integer
---@param buffer cleat.backend.Buffer?
---@param offset integer?
---@return string|integer|nil, string?, true?
function reader.more(o, s, need, buffer, offset)
    local late
    while true do
        if not s.drained then
            local result, data
            if buffer then
                result = connection_read_into(s.id, buffer, offset, need, 0)
                data = result
            else
                result, data = connection_read(s.id, RECORD, 0)
            end
            if result > 0 then
                s.drained = s.single and result < RECORD and (not buffer or result < need)
                return data
            elseif result ~= WANT_READ then
                if result ~= 0 and result ~= EOF then
                    return nil, s.failed(o, s, result)
                end
                s.over = true
                return nil, "closed"
            end
            s.drained = true
        end
        if late then
            return nil, late
        elseif s.unsent and not s.writing then
            local ok, err = s.flush(o, s)
            if not ok then
                return nil, err
            end
        end
        local bytes, err, partial = receive(o, s, need)
        bytes = bytes or partial
        if not bytes then
            return nil, err, true
        elseif bytes ~= "" then
            local result = reader.feed(s, bytes)
            if result < 0 then
                return nil, s.failed(o, s, result)
            end
        end
        if err == "closed" and not s.ended then
            s.ended = true
            connection_feed_eof(s.id)
            s.drained = false
        elseif err then
            late = err
        end
    end
end

return reader
