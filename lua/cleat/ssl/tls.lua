--- What an SSLSocket's methods share: how TLS is set up over its descriptor and taken away again, and what its state has to say to
--- a method. The states are told in cleat.ssl.socket.

local C = require "cleat.backend"
local calls = require "cleat.socket.calls"
local errors = require "cleat.errors"
local server_name = require "cleat.ssl.server_name"
local status = require "cleat.status"

local const = C.const

local tls = {}

--- attach sets TLS up over the descriptor, which is connected by now.
function tls.attach(self)
    local context, side = self._context._id, self._server_side and 1 or 0
    local hostname = self._sni or nil
    local id
    if self._fd then
        id = C.connection_over_fd(context, self._fd, side, hostname)
    else
        id = C.connection_over_socket(context, self._id, side, hostname)
    end
    self._tls = errors.check(id)
    self._tls_guard = C.guard_new(id)
    self._origin = self._context
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
        local result = calls.call(self, C.socket_getpeername)
        if result < 0 and by_name then
            errors.raise(errors.ValueError, IO[method] .. " on a SSL socket that is not connected.")
        elseif result < 0 then
            errors.throw(errors.from_socket(result, method))
        end
        tls.attach(self)
    end
end

-- ask_for_name lets the callback answer a handshake that has stopped for it. It returns what is left of the timeout.
local function ask_for_name(self, method, operation, wait, deadline)
    server_name.answer(self)
    if self._tls == 0 then -- the callback has closed the socket
        tls.prepare(self, method)
    elseif deadline then
        wait = deadline - calls.now()
        if wait <= 0 then
            errors.throw(errors.from_connection(status.TIMEOUT, operation))
        end
    end
    return wait
end

--- handshake does the handshake, or raises. wait: the timeout for all of it.
function tls.handshake(self, wait)
    local deadline = wait > 0 and calls.now() + wait
    local result = C.connection_handshake(self._tls, wait)
    if result == status.WANT_SERVER_NAME then
        wait = ask_for_name(self, "do_handshake", "handshake", wait, deadline)
        result = C.connection_handshake(self._tls, wait)
    end
    if result < 0 then
        errors.throw(errors.from_connection(result, "handshake"))
    end
end

--- handshake_or_close is the handshake of wrap_socket, connect and accept.
function tls.handshake_or_close(self)
    local ok, err = pcall(tls.handshake, self, self._wait)
    if not ok then
        if err ~= errors.want_read and err ~= errors.want_write then
            self:close()
        end
        error(err, 0)
    end
end

-- for_name is the rest of what stopped for the callback in read or write.
local function for_name(self, method, operation)
    local wait = self._wait
    return ask_for_name(self, method, operation, wait, wait > 0 and calls.now() + wait)
end

--- read_failed returns the timeout with which to read again, or false to report the end of the stream; or it raises.
function tls.read_failed(self, result, method)
    if self._tls == 0 then
        tls.prepare(self, method)
        return self._wait
    elseif result == status.EOF and self._ragged and C.connection_established(self._tls) == 1 then
        return false
    elseif result == status.WANT_SERVER_NAME then
        return for_name(self, method, "read")
    end
    return errors.throw(errors.from_connection(result, "read"))
end

--- write_failed returns the timeout with which to write again, or raises.
function tls.write_failed(self, result, method)
    if self._tls == 0 then
        tls.prepare(self, method)
        return self._wait
    elseif result == status.WANT_SERVER_NAME then
        return for_name(self, method, "write")
    end
    return errors.throw(errors.from_connection(result, "write"))
end

return tls
