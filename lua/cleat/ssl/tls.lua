--- What an SSLSocket's methods share: how TLS is set up over its descriptor and taken away again, and what its state has to say to
--- a method. The states are told in cleat.ssl.socket.

local C = require "cleat.backend"
local calls = require "cleat.socket.calls"
local errors = require "cleat.errors"
local server_name = require "cleat.ssl.server_name"
local status = require "cleat.status"
local waiting = require "cleat.socket.waiting"

local const = C.const
local WANT_READ = status.WANT_READ
local rawget = rawget

local tls = {}

--- attach sets TLS up over what was wrapped, which is connected by now.
function tls.attach(self)
    local context, side = self._context._id, rawget(self, "_server_side") and 1 or 0
    local hostname = rawget(self, "_sni") or rawget(self, "_server_hostname") or nil
    local id, guard
    if rawget(self, "_stream") then
        id, guard = C.connection_over_memory_guarded(context, side, hostname)
    elseif rawget(self, "_fd") then
        id, guard = C.connection_over_fd_guarded(context, self._fd, side, hostname)
    else
        id, guard = C.connection_over_socket_guarded(context, self._id, side, hostname)
    end
    errors.check(id)
    self._tls_guard = guard
    self._tls = id
    self._state = "open"
end

--- drop takes TLS away, without a word to the peer.
function tls.drop(self, state)
    self._tls = 0
    self._state = state
    if self._tls_guard then
        C.guard_close(self._tls_guard)
        self._tls_guard = false
    end
end

local IO = { read = "Read", recv = "Read", recv_into = "Read", write = "Write", send = "Write", sendall = "Write" }

--- prepare sees to it that the socket is open, or raises what a method has to say to its state.
function tls.prepare(self, method)
    local state = self._state
    local by_name = method == "read" or method == "write"
    if state == "dropped" or state == "unwrapped" or (state == "closed" and by_name) then
        errors.raise(errors.ValueError, (IO[method] or "Handshake") .. " on closed or unwrapped SSL socket.")
    elseif state == "closed" then
        errors.throw(errors.from_errno(const.EBADF))
    elseif state == "new" then
        local result = self._stream and status.sys(const.ENOTCONN) or calls.call(self, C.socket_getpeername)
        if result < 0 and by_name then
            errors.raise(errors.ValueError, IO[method] .. " on a SSL socket that is not connected.")
        elseif result < 0 then
            errors.throw(errors.from_socket(result, method))
        end
        tls.attach(self)
    end
end

--- await lets the socket's waiter wait for what a call of the ABI needs, or raises what its status means. timeout: the call's, false for
--- ever. It returns the deadline, for the next time.
function tls.await(self, result, operation, timeout, deadline)
    if result == status.WANT_READ or result == status.WANT_WRITE then
        self._events = result == status.WANT_WRITE and "w" or "r"
        if self._waiter and timeout ~= 0 then
            deadline = deadline or waiting.deadline(timeout)
            if waiting.ready(self, result == status.WANT_READ and "read" or "write", deadline) then
                return deadline
            end
            result = status.TIMEOUT
        end
    end
    return errors.throw(errors.from_connection(result, operation))
end

-- ask_for_name lets the callback answer a handshake that has stopped for it. It returns what is left of the timeout for the ABI.
local function ask_for_name(self, method, operation, wait, deadline)
    server_name.answer(self)
    if self._tls == 0 then -- the callback has closed the socket
        tls.prepare(self, method)
    elseif deadline then
        local left = waiting.left(deadline)
        if left == 0 then
            errors.throw(errors.from_connection(status.TIMEOUT, operation))
        end
        return wait > 0 and left or wait
    end
    return wait
end

--- handshake does the handshake, or raises. timeout: for all of it, false for ever.
function tls.handshake(self, timeout)
    local deadline = timeout ~= 0 and waiting.deadline(timeout) or nil
    local wait = timeout == self._timeout and self._wait or self._waiter and 0 or timeout or -1
    local result = C.connection_handshake(self._tls, wait)
    while result < 0 do
        if self._tls == 0 then -- closed meanwhile
            tls.prepare(self, "do_handshake")
        elseif result == status.WANT_SERVER_NAME then
            wait = ask_for_name(self, "do_handshake", "handshake", wait, deadline)
        else
            deadline = tls.await(self, result, "handshake", timeout, deadline)
        end
        result = C.connection_handshake(self._tls, wait)
    end
end

--- check_connect: whether the socket can be connected.
function tls.check_connect(self)
    if self._server_side then
        errors.raise(errors.ValueError, "can't connect in server-side mode")
    elseif self._state == "closed" then
        errors.throw(errors.from_errno(const.EBADF))
    elseif self._state ~= "new" then
        errors.raise(errors.ValueError, "attempt to connect already-connected SSLSocket!")
    end
end

--- connected goes on with TLS once what was wrapped is connected.
function tls.connected(self)
    tls.attach(self)
    if self._auto then
        tls.handshake_or_close(self)
    end
end

--- handshake_or_close is the handshake of wrap_socket, connect and accept.
function tls.handshake_or_close(self)
    local ok, err
    if rawget(self, "_stream") then
        ok, err = pcall(self.do_handshake, self)
    else
        ok, err = pcall(tls.handshake, self, self._timeout)
    end
    if not ok then
        if err ~= errors.want_read and err ~= errors.want_write then
            self:close()
        end
        error(err, 0)
    end
end

-- retried: what is to be done where a read or write has stopped. It returns the timeout with which to make the call again, and the
-- deadline, or raises.
local function retried(self, result, method, operation, deadline)
    if self._tls == 0 then
        tls.prepare(self, method)
        return self._wait, deadline
    elseif result == status.WANT_SERVER_NAME then
        local wait = self._wait
        deadline = deadline or self._timeout ~= 0 and waiting.deadline(self._timeout) or nil
        return ask_for_name(self, method, operation, wait, deadline), deadline
    end
    return self._wait, tls.await(self, result, operation, self._timeout, deadline)
end

--- read_failed returns the timeout with which to read again, or false to report the end of the stream, and the deadline; or it raises.
function tls.read_failed(self, result, method, deadline)
    if result == WANT_READ and self._timeout == 0 then -- what a loop that polls meets again and again
        self._events = "r"
        return error(errors.want_read, 0)
    elseif result == status.EOF and self._ragged and self._tls ~= 0 and C.connection_established(self._tls) == 1 then
        return false
    end
    return retried(self, result, method, "read", deadline)
end

--- write_failed returns the timeout with which to write again, and the deadline, or raises.
function tls.write_failed(self, result, method, deadline)
    return retried(self, result, method, "write", deadline)
end

return tls
