--- The methods of an SSLSocket that move data. They make no tables or closures, and take no keyword arguments.
---
--- Python: section 17.3.2; 17.3.6 for sockets that do not block.

local C = require "cleat.backend"
local Buffer = require "cleat.buffer"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local errors = require "cleat.errors"
local status = require "cleat.status"
local tls = require "cleat.ssl.tls"
local waiting = require "cleat.socket.waiting"

local connection_read, connection_read_into = C.connection_read, C.connection_read_into
local connection_write, connection_write_from = C.connection_write, C.connection_write_from
local prepare, read_failed, write_failed = tls.prepare, tls.read_failed, tls.write_failed
local INT_MAX = check.INT_MAX
local buffers, sizes = Buffer._all, Buffer._sizes

---@class cleat.ssl.SSLSocket
local stream = {}

local function refuse_flags(method, flags)
    if check.integer(method, "flags", flags) ~= 0 then
        errors.raise(errors.ValueError, ("non-zero flags not allowed in calls to %s() on <class 'ssl.SSLSocket'>"):format(
            method))
    end
end

-- The slow way of reading: what is wrong with the size, or a request for nothing.
local function odd_read(self, method, size)
    check.integer(method, "buflen", size)
    if size < 0 then
        errors.raise(errors.ValueError, "size should not be negative")
    elseif self._tls == 0 then
        prepare(self, method)
    end
end

-- The calls below come back here when TLS was set up, a waiter has waited or a servername callback has answered; wait is what is left
-- of the timeout, or false at the end of the stream. There are no loops in them, since LuaJIT would not compile their callers' then.
local function read_again(self, size, method, wait, deadline)
    if not wait then
        return ""
    end
    local result, data = connection_read(self._tls, size, wait)
    if result >= 0 then
        return data
    end
    return read_again(self, size, method, read_failed(self, result, method, deadline))
end

local function read(self, size, method)
    if size == nil then
        size = 1024
    elseif type(size) ~= "number" or size % 1 ~= 0 or size <= 0 or size > INT_MAX then
        odd_read(self, method, size)
        return ""
    end
    local result, data = connection_read(self._tls, size, self._wait)
    if result >= 0 then
        return data
    end
    return read_again(self, size, method, read_failed(self, result, method))
end

local function read_into_again(self, contents, size, method, wait, deadline)
    if not wait then
        return 0
    end
    local result = connection_read_into(self._tls, contents, 0, size, wait)
    if result >= 0 then
        return result
    end
    return read_into_again(self, contents, size, method, read_failed(self, result, method, deadline))
end

local function read_into(self, buffer, nbytes, method)
    local contents, size = buffers[buffer], sizes[buffer]
    if nbytes ~= nil or not contents then
        contents, size = calls.into(method, buffer, nbytes)
    end
    if size == 0 then
        odd_read(self, method, 0)
        return 0
    end
    local result = connection_read_into(self._tls, contents, 0, size, self._wait)
    if result >= 0 then
        return result
    end
    return read_into_again(self, contents, size, method, read_failed(self, result, method))
end

-- nothing_written is what a write of no bytes returns.
local function nothing_written(self, method)
    if self._tls == 0 then
        prepare(self, method)
    end
    return 0
end

-- rest writes what is left of data behind `sent` bytes. A socket with a waiter takes all of it before it returns, as a blocking one.
local function rest(self, data, length, sent, method, deadline)
    while sent < length do
        local result = connection_write_from(self._tls, data, sent, self._wait)
        if result >= 0 then
            sent = sent + result
        else
            local _
            _, deadline = write_failed(self, result, method, deadline)
        end
    end
    return sent
end

local function write_again(self, data, length, method, wait, deadline)
    local result = connection_write_from(self._tls, data, 0, wait)
    if result == length then
        return result
    elseif result >= 0 then
        return self._waiter and self._timeout ~= 0 and rest(self, data, length, result, method, deadline) or result
    end
    return write_again(self, data, length, method, write_failed(self, result, method, deadline))
end

-- stopped goes on where the first call of a write has not taken everything.
local function stopped(self, data, length, method, result)
    if result >= 0 then
        return self._waiter and self._timeout ~= 0 and rest(self, data, length, result, method) or result
    end
    return write_again(self, data, length, method, write_failed(self, result, method))
end

local function write_from(self, data, method)
    local contents, size = calls.source(method, data)
    if size == 0 then
        return nothing_written(self, method)
    end
    local result = connection_write_from(self._tls, contents, 0, self._wait)
    if result == size then
        return result
    end
    return stopped(self, contents, size, method, result)
end

local function write(self, data, method)
    if type(data) ~= "string" then
        return write_from(self, data, method)
    elseif data == "" then
        return nothing_written(self, method)
    end
    local result = connection_write(self._tls, data, self._wait)
    if result == #data then
        return result
    end
    return stopped(self, data, #data, method, result)
end

--- Receives what has been decrypted, up to buflen bytes; "" at the end of the stream.
---@param buflen integer? 0 or more, 1024 by default
---@param flags integer? 0
---@return string # raises SSLWantReadError, SSLWantWriteError; SSLEOFError if suppress_ragged_eofs is off; …
function stream:recv(buflen, flags)
    if flags ~= nil then
        refuse_flags("recv", flags)
    end
    return read(self, buflen, "recv")
end

--- Receives into a buffer, from its start.
---@param buffer cleat.Buffer
---@param nbytes integer? at most so many; 0 or nil for the buffer's size
---@param flags integer? 0
---@return integer # how many bytes, 0 at the end of the stream
function stream:recv_into(buffer, nbytes, flags)
    if flags ~= nil then
        refuse_flags("recv_into", flags)
    end
    return read_into(self, buffer, nbytes, "recv_into")
end

--- Like recv, or with a buffer like recv_into.
---@param len integer? 1024 by default; of a buffer, its size
---@param buffer cleat.Buffer?
---@return string|integer
function stream:read(len, buffer)
    if buffer ~= nil then
        return read_into(self, buffer, len, "read")
    end
    return read(self, len, "read")
end

--- Encrypts and sends bytes. After SSLWantReadError or SSLWantWriteError the next call must go on with the same bytes, or more.
---@param data string|cleat.Buffer
---@param flags integer? 0
---@return integer # how many of the bytes were taken; all of them unless the socket does not block, or timed out
function stream:send(data, flags)
    if flags ~= nil then
        refuse_flags("send", flags)
    end
    return write(self, data, "send")
end

--- The same, without flags.
---@param data string|cleat.Buffer
---@return integer
function stream:write(data)
    return write(self, data, "write")
end

-- send_rest goes on with sendall where its first call has ended with result.
local function send_rest(self, bytes, length, result, deadline)
    local wait = self._wait
    local sent = 0
    while true do
        if result < 0 then
            wait = write_failed(self, result, "sendall", deadline)
        else
            sent = sent + result
            if sent >= length then
                return length
            elseif wait > 0 then
                wait = waiting.left(deadline)
                if wait == 0 then
                    write_failed(self, status.TIMEOUT, "sendall")
                end
            end
        end
        result = connection_write_from(self._tls, bytes, sent, wait)
    end
end

--- Encrypts and sends all of the bytes. The timeout covers the whole call.
---@param data string|cleat.Buffer
---@param flags integer? 0
---@return integer # how many they were
function stream:sendall(data, flags)
    if flags ~= nil then
        refuse_flags("sendall", flags)
    end
    local bytes, length = calls.source("sendall", data)
    if length == 0 then
        return nothing_written(self, "sendall")
    end
    local timeout = self._timeout
    local deadline = timeout and timeout ~= 0 and waiting.deadline(timeout) or nil
    local result = connection_write_from(self._tls, bytes, 0, self._wait)
    if result == length then
        return length
    end
    return send_rest(self, bytes, length, result, deadline)
end

--- How many decrypted bytes can be read without the network.
---@return integer
function stream:pending()
    return self._tls == 0 and 0 or errors.check(C.connection_pending(self._tls))
end

return stream
