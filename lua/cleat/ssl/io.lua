--- The methods of an SSLSocket that move data. They make no tables or closures, and accept no keyword arguments.
---
--- Python: section 17.3.2; 17.3.6 for sockets that do not block.

local C = require "cleat.backend"
local Buffer = require "cleat.buffer"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local connection = require "cleat.ssl.connection"
local errors = require "cleat.errors"
local status = require "cleat.status"
local stream = require "cleat.ssl.transport.stream"
local waiting = require "cleat.socket.waiting"

local connection_read, connection_read_into = C.connection_read, C.connection_read_into
local connection_write, connection_write_from = C.connection_write, C.connection_write_from
local READ, TRY, WRITE = connection.READ, connection.TRY, connection.WRITE
local WANT_READ = status.WANT_READ
local FOREVER = waiting.FOREVER
local INT_MAX = check.INT_MAX
local buffers, sizes = Buffer._all, Buffer._sizes

---@class cleat.ssl.SSLSocket
local io = {}

local function refuse_flags(method, flags)
    if check.integer(method, "flags", flags) ~= 0 then
        errors.raise(errors.ValueError, ("non-zero flags not allowed in calls to %s() on <class 'ssl.SSLSocket'>"):format(
            method))
    end
end

-- read_nothing handles invalid sizes, and a request for 0 bytes.
local function read_nothing(self, method, size)
    check.integer(method, "buflen", size)
    if size < 0 then
        errors.raise(errors.ValueError, "size should not be negative")
    elseif self._tls == 0 then
        self:_prepare(method)
    end
end

local function read_call(id, wait, size)
    return connection_read(id, size, wait)
end

local function read_into_call(id, wait, contents, size)
    return connection_read_into(id, contents, 0, size, wait)
end

local function second(_, data)
    return data
end

-- raise_want_read raises the shared error: polling loops get it often.
local function raise_want_read(self)
    self._events = "r"
    return error(errors.want_read, 0)
end

-- The first attempts are made without loops, since LuaJIT would not compile their callers otherwise.
local function read(self, size, method)
    if size == nil then
        size = 1024
    elseif type(size) ~= "number" or size % 1 ~= 0 or size <= 0 or size > INT_MAX then
        read_nothing(self, method, size)
        return ""
    end
    local result, data = connection_read(self._read_id, size, self._wait)
    if result >= 0 then
        return data
    end
    if result == WANT_READ and self._timeout == 0 then
        return raise_want_read(self)
    end
    return second(connection.finish(self, READ, method, nil, result, read_call, size))
end

local function read_into(self, buffer, nbytes, method)
    local contents, size = buffers[buffer], sizes[buffer]
    if nbytes ~= nil or not contents then
        contents, size = calls.into(method, buffer, nbytes, true)
    end
    if size == 0 then
        read_nothing(self, method, 0)
        return 0
    end
    local result = connection_read_into(self._read_id, contents, 0, size, self._wait)
    if result >= 0 then
        return result
    end
    if result == WANT_READ and self._timeout == 0 then
        return raise_want_read(self)
    end
    return (connection.finish(self, READ, method, nil, result, read_into_call, contents, size))
end

-- write_nothing handles a write of 0 bytes.
local function write_nothing(self, method)
    if self._tls == 0 then
        self:_prepare(method)
    end
    return 0
end

-- The calls that continue a write. work: {data, length, number of bytes written}.

-- A part, if the ABI accepts only a part: the socket is non-blocking, or its timeout has passed.
local function write_some_call(id, wait, _, work)
    return connection_write_from(id, work[1], 0, wait)
end

local function write_all_call(id, wait, _, work)
    local result = connection_write_from(id, work[1], work[3], wait)
    if result < 0 then
        return result
    end
    work[3] = work[3] + result
    return work[3] >= work[2] and work[3] or nil
end

-- finish_write continues a write whose first call has not accepted all bytes. all: whether it must write all.
local function finish_write(self, data, length, method, result, deadline, all)
    local call = write_all_call
    if self._transport == stream then
        if stream.write_at_once(self, data, length) then
            return length
        end
        call = stream.write_call
    elseif not all and (not self._waiter or self._timeout == 0) then
        if result >= 0 then
            return result
        end
        call = write_some_call
    end
    local work = { data, length, result > 0 and result or 0 }
    return (connection.finish(self, WRITE, method, deadline, result < 0 and result or nil, call, self, work))
end

local function write_from(self, data, method)
    local contents, size = calls.source(method, data)
    if size == 0 then
        return write_nothing(self, method)
    end
    local result = connection_write_from(self._write_id, contents, 0, self._wait)
    if result == size then
        return result
    end
    return finish_write(self, contents, size, method, result)
end

local function write(self, data, method)
    if type(data) ~= "string" then
        return write_from(self, data, method)
    elseif data == "" then
        return write_nothing(self, method)
    end
    local result = connection_write(self._write_id, data, self._wait)
    if result == #data then
        return result
    end
    return finish_write(self, data, #data, method, result)
end

--- Receives decrypted bytes, at least one.
---
---     local conn = connect()
---     conn:sendall("hello")
---     print(conn:recv(1024)) --> hello
---     conn:close()
---
--- Raises: SSLWantReadError and SSLWantWriteError from a non-blocking socket; SSLError that is also a socket.timeout
--- after the timeout; SSLError, SSLEOFError if the connection is cut and suppress_ragged_eofs is false; socket.error;
--- ValueError if `buflen` is negative or `flags` is not 0.
--- Python: 2.6.
---@param buflen integer? at most so many bytes; 1024 by default
---@param flags integer? 0
---@return string # "" at the end of the stream
function io:recv(buflen, flags)
    if flags ~= nil then
        refuse_flags("recv", flags)
    end
    return read(self, buflen, "recv")
end

-- try_rest continues a try_recv whose first attempt was refused, or has failed.
local function try_rest(self, size, result)
    local answer, data = connection.finish(self, TRY, "try_recv", nil, result, read_call, size or 1024)
    if answer < 0 then
        return nil, data
    end
    return data
end

--- Receives decrypted bytes if some have arrived, and does not wait, whatever the timeout and the waiter: for loops
--- that poll. Where recv of a non-blocking socket raises SSLWantReadError it returns nil, which costs less than to
--- raise and to catch. All other errors are raised.
---
---     local conn = connect()
---     print(conn:try_recv(1024)) --> nil	want_read
---     conn:close()
---
--- Raises: as recv, but neither SSLWantReadError nor SSLWantWriteError nor socket.timeout; NotImplementedError over an
--- event loop's handle.
--- Python: none.
---@param buflen integer? at most so many bytes; 1024 by default
---@return string? # "" at the end of the stream; nil if there is nothing to be read yet
---@return string? # "want_read", or "want_write", which a handshake can need: what to wait for
function io:try_recv(buflen)
    self:_check_descriptor "try_recv"
    if buflen == nil then
        buflen = 1024
    elseif type(buflen) ~= "number" or buflen % 1 ~= 0 or buflen <= 0 or buflen > INT_MAX then
        read_nothing(self, "try_recv", buflen)
        return ""
    end
    local result, data = connection_read(self._read_id, buflen, 0)
    if result >= 0 then
        return data
    elseif result == WANT_READ then
        self._events = "r"
        return nil, "want_read"
    end
    return try_rest(self, buflen, result)
end

--- Receives decrypted bytes into a buffer, from its start.
---
---     local conn, buffer = connect(), socket.buffer(16)
---     conn:sendall("hello")
---     print(conn:recv_into(buffer), buffer:sub(1, 5)) --> 5	hello
---     conn:close()
---
--- Raises: as recv; ValueError if `nbytes` is negative.
--- Python: 2.6.
---@param buffer cleat.Buffer
---@param nbytes integer? at most so many bytes; nil and 0 for the buffer's size
---@param flags integer? 0
---@return integer # the number of bytes, 0 at the end of the stream
function io:recv_into(buffer, nbytes, flags)
    if flags ~= nil then
        refuse_flags("recv_into", flags)
    end
    return read_into(self, buffer, nbytes, "recv_into")
end

--- Receives as recv does, or with a buffer as recv_into.
---
---     local conn = connect()
---     conn:write("hello")
---     print(conn:read(5)) --> hello
---     conn:close()
---
--- Raises: as recv; ValueError instead of socket.error if the socket is closed or not connected.
--- Python: 2.6.
---@param len integer? at most so many bytes; 1024 by default, with a buffer its size
---@param buffer cleat.Buffer?
---@return string|integer # the bytes; with a buffer their number
function io:read(len, buffer)
    if buffer ~= nil then
        return read_into(self, buffer, len, "read")
    end
    return read(self, len, "read")
end

--- Encrypts bytes and sends them. After SSLWantReadError, SSLWantWriteError or a timeout the next call must continue
--- with the same bytes, or more.
---
---     local conn = connect()
---     print(conn:send("hello")) --> 5
---     conn:close()
---
--- Raises: SSLWantReadError and SSLWantWriteError from a non-blocking socket; SSLError that is also a socket.timeout
--- after the timeout; SSLError with the reason `BAD_WRITE_RETRY` for other bytes than those of an unfinished call;
--- socket.error; ValueError if `flags` is not 0; TypeError.
--- Python: 2.6.
---@param data string|cleat.Buffer
---@param flags integer? 0
---@return integer # how many bytes were accepted: all, unless the socket is non-blocking or has a timeout
function io:send(data, flags)
    if flags ~= nil then
        refuse_flags("send", flags)
    end
    return write(self, data, "send")
end

--- Sends as send does, without flags.
---
---     local conn = connect()
---     print(conn:write("hello")) --> 5
---     conn:close()
---
--- Raises: as send; ValueError instead of socket.error if the socket is closed or not connected.
--- Python: 2.6.
---@param data string|cleat.Buffer
---@return integer
function io:write(data)
    return write(self, data, "write")
end

-- sendall_deadline: of a call that begins now; nil if it has none, or does not wait.
local function sendall_deadline(self)
    local timeout = self._timeout
    return timeout ~= FOREVER and timeout ~= 0 and waiting.deadline(timeout) or nil
end

--- Encrypts and sends all bytes. The timeout applies to the whole call.
---
---     local conn = connect()
---     print(conn:sendall(("x"):rep(100000))) --> 100000
---     conn:close()
---
--- Raises: as send.
--- Python: 2.6.
---@param data string|cleat.Buffer
---@param flags integer? 0
---@return integer # the number of bytes
function io:sendall(data, flags)
    if flags ~= nil then
        refuse_flags("sendall", flags)
    end
    local bytes, length = calls.source("sendall", data)
    if length == 0 then
        return write_nothing(self, "sendall")
    end
    local deadline = sendall_deadline(self)
    local result = connection_write_from(self._write_id, bytes, 0, self._wait)
    if result == length then
        return length
    end
    return finish_write(self, bytes, length, "sendall", result, deadline, true)
end

--- Returns the number of decrypted bytes that recv returns without reading from the network. select.select does not
--- report them.
---
---     local conn = connect()
---     conn:sendall("hello")
---     conn:recv(2)
---     print(conn:pending()) --> 3
---     conn:close()
---
--- Python: 2.6.
---@return integer
function io:pending()
    return self._tls == 0 and 0 or errors.check(C.connection_pending(self._tls))
end

-- The methods in C, where there are any: they call these functions after a first attempt.

local fast_method = C.fast_method

if fast_method then
    local function recv_rest(self, size, result)
        return second(connection.finish(self, READ, "recv", nil, result, read_call, size or 1024))
    end

    local function recv_into_rest(self, buffer, result)
        return (connection.finish(self, READ, "recv_into", nil, result, read_into_call, buffers[buffer], sizes[buffer]))
    end

    local function send_rest(self, data, result)
        local bytes, length = calls.source("send", data)
        return finish_write(self, bytes, length, "send", result)
    end

    local function sendall_rest(self, data, result)
        local bytes, length = calls.source("sendall", data)
        return finish_write(self, bytes, length, "sendall", result, sendall_deadline(self), true)
    end

    for name, rest in pairs { recv = recv_rest, recv_into = recv_into_rest, send = send_rest, sendall = sendall_rest,
        try_recv = try_rest } do
        io[name] = fast_method(name, io[name], rest, errors.want_read, buffers)
    end
end

return io
