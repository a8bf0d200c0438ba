--- The methods of SSLSocket that move data. They allocate no tables or closures, and accept no keyword arguments.
---
--- Python: section 17.3.2; 17.3.6 for non-blocking sockets.

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

-- read_nothing handles invalid sizes, and reads of 0 bytes.
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

-- raise_want_read raises the shared error, because loops that poll raise it often.
local function raise_want_read(self)
    self._events = "r"
    return error(errors.want_read, 0)
end

-- The first attempts contain no loops: LuaJIT would not compile their callers otherwise.
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

-- write_nothing handles writes of 0 bytes.
local function write_nothing(self, method)
    if self._tls == 0 then
        self:_prepare(method)
    end
    return 0
end

-- The calls that continue a write. work is {data, length, number of bytes written}.

-- write_some_call returns after a part if the ABI accepts only a part: the socket is non-blocking, or its timeout has
-- passed.
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

-- finish_write continues a write whose first attempt has not accepted all bytes. all: whether all bytes must be
-- written.
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

--- Receives at least one byte of decrypted data, and waits until there is one. The first call does the handshake, if it
--- is not done yet. Arguments cannot be given by name.
---
---     local conn = connect()
---     conn:sendall("hello")
---     print(conn:recv(1024)) --> hello
---     conn:close()
---
--- Raises: SSLWantReadError and SSLWantWriteError from a non-blocking socket; after the timeout an SSLError that is
--- also a socket.timeout; SSLEOFError if the connection ends without close_notify and suppress_ragged_eofs is false;
--- SSLError, for example after an alert or a malformed record; socket.error; ValueError if `buflen` is negative or
--- `flags` is not 0.
--- Python: 2.6.
---@param buflen integer? the maximum number of bytes; 1024 by default
---@param flags integer? 0 or nil: TLS has no flags
---@return string # "" once the peer has sent close_notify
function io:recv(buflen, flags)
    if flags ~= nil then
        refuse_flags("recv", flags)
    end
    return read(self, buflen, "recv")
end

-- try_rest continues a try_recv whose first attempt has failed or was not possible.
local function try_rest(self, size, result)
    local answer, data = connection.finish(self, TRY, "try_recv", nil, result, read_call, size or 1024)
    if answer < 0 then
        return nil, data
    end
    return data
end

--- Receives decrypted bytes that have arrived already, and never waits, whatever the timeout and the waiter are. If
--- there are none it returns nil, where recv of a non-blocking socket raises SSLWantReadError: loops that poll many
--- connections save the cost of raising and catching an error. Other errors are raised.
---
---     local conn = connect()
---     print(conn:try_recv(1024)) --> nil	want_read
---     conn:close()
---
--- Raises: the same errors as recv, except SSLWantReadError, SSLWantWriteError and socket.timeout; NotImplementedError
--- over an event loop's handle.
--- Python: none.
---@param buflen integer? the maximum number of bytes; 1024 by default
---@return string? # "" once the peer has sent close_notify; nil if there is nothing to read yet
---@return "want_read"|"want_write"|nil # after nil: what to wait for; "want_write" is possible during a handshake
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

--- Receives at least one byte of decrypted data into a buffer, from its start.
---
---     local conn, buffer = connect(), socket.buffer(16)
---     conn:sendall("hello")
---     print(conn:recv_into(buffer), buffer:sub(1, 5)) --> 5	hello
---     conn:close()
---
--- Raises: the same errors as recv; ValueError if `nbytes` is negative.
--- Python: 2.6.
---@param buffer cleat.Buffer
---@param nbytes integer? the maximum number of bytes; nil and 0 for the buffer's size
---@param flags integer? 0 or nil: TLS has no flags
---@return integer # the number of bytes received; 0 once the peer has sent close_notify
function io:recv_into(buffer, nbytes, flags)
    if flags ~= nil then
        refuse_flags("recv_into", flags)
    end
    return read_into(self, buffer, nbytes, "recv_into")
end

--- Receives bytes as recv does, or with a buffer as recv_into does.
---
---     local conn = connect()
---     conn:write("hello")
---     print(conn:read(5)) --> hello
---     conn:close()
---
--- Raises: the same errors as recv, but ValueError instead of socket.error if the socket is closed or not connected.
--- Python: 2.6.
---@param len integer? the maximum number of bytes; by default 1024, or the size of the buffer
---@param buffer cleat.Buffer?
---@return string|integer # the bytes, or with a buffer their number
function io:read(len, buffer)
    if buffer ~= nil then
        return read_into(self, buffer, len, "read")
    end
    return read(self, len, "read")
end

--- Encrypts bytes and sends them. After SSLWantReadError, SSLWantWriteError or a timeout the next call must pass the
--- same bytes again; more bytes may follow them.
---
---     local conn = connect()
---     print(conn:send("hello")) --> 5
---     conn:close()
---
--- Raises: SSLWantReadError and SSLWantWriteError from a non-blocking socket; after the timeout an SSLError that is
--- also a socket.timeout; SSLError with the reason `BAD_WRITE_RETRY` if the bytes are not those of the unfinished call;
--- socket.error; ValueError if `flags` is not 0; TypeError.
--- Python: 2.6.
---@param data string|cleat.Buffer
---@param flags integer? 0 or nil: TLS has no flags
---@return integer # the number of bytes that were sent: all, unless the socket is non-blocking or has a timeout
function io:send(data, flags)
    if flags ~= nil then
        refuse_flags("send", flags)
    end
    return write(self, data, "send")
end

--- Sends bytes as send does.
---
---     local conn = connect()
---     print(conn:write("hello")) --> 5
---     conn:close()
---
--- Raises: the same errors as send, but ValueError instead of socket.error if the socket is closed or not connected.
--- Python: 2.6.
---@param data string|cleat.Buffer
---@return integer
function io:write(data)
    return write(self, data, "write")
end

-- sendall_deadline returns the deadline of a call that begins now; nil if it has no timeout, or is non-blocking.
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
--- Raises: the same errors as send.
--- Python: 2.6.
---@param data string|cleat.Buffer
---@param flags integer? 0 or nil: TLS has no flags
---@return integer # the number of bytes, which is always all
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

--- Returns the number of decrypted bytes that recv can return without reading from the network. select.select and event
--- loops do not see them: call this before waiting for the descriptor.
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

-- The native module has these methods in C. They call the functions below if the first attempt has not succeeded.

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
