--- How a socket's methods call the ABI: every failure goes through `calls.fail`, and every call but those that move data through
--- `calls.call`.

local C = require "cleat.backend"
local Buffer = require "cleat.buffer"
local check = require "cleat.check"
local errors = require "cleat.errors"
local status = require "cleat.status"
local waiting = require "cleat.socket.waiting"

local rawget = rawget
local WANT_READ, WANT_WRITE = status.WANT_READ, status.WANT_WRITE

local calls = {}

--- fail raises the error for a negative result of a method.
function calls.fail(result, method)
    return errors.throw(errors.from_socket(result, method))
end

--- settle returns the results of a call whose status is not negative.
function calls.settle(method, result, ...)
    if result < 0 then
        return calls.fail(result, method)
    end
    return result, ...
end

local function closing(guard, ...)
    C.guard_close(guard)
    return ...
end

--- call: function(id, ...) of the ABI on the socket's id. A descriptor that belongs to somebody else (ssl.SSLSocket's _fd) has
--- an id for the length of the call only, so that nothing can close it.
function calls.call(self, f, ...)
    local fd = rawget(self, "_fd")
    if not fd then
        return f(self._id, ...)
    end
    local id, guard = C.socket_over_fd_guarded(fd)
    if id < 0 then
        return id
    end
    return closing(guard, f(id, ...))
end

--- into checks the arguments of recv_into and returns the backend's buffer and how many bytes to ask for.
function calls.into(method, buffer, nbytes)
    local contents, size = Buffer._contents(buffer)
    if not contents then
        check.fail(method, "buffer", "a buffer", buffer)
    end
    if nbytes == nil or nbytes == 0 then
        return contents, size
    end
    check.integer(method, "nbytes", nbytes)
    if nbytes < 0 then
        errors.raise(errors.ValueError, "negative buffersize in " .. method)
    elseif nbytes > size then
        errors.raise(errors.ValueError, "buffer too small for requested bytes")
    end
    return contents, nbytes
end

--- source returns what is to be sent as the backend takes it, and its length.
function calls.source(method, data)
    if type(data) == "string" then
        return data, #data
    end
    local contents, size = Buffer._contents(data)
    if not contents then
        check.fail(method, "data", "a string or a buffer", data)
    end
    return contents, size
end

-- wait lets the socket's waiter wait for what a call needs, or raises. It returns the deadline.
local function wait(self, result, method, deadline)
    self._events = result == WANT_WRITE and "w" or "r"
    if (result ~= WANT_READ and result ~= WANT_WRITE) or self._timeout == 0 or not self._waiter then
        return calls.fail(result, method)
    end
    deadline = deadline or waiting.deadline(self._timeout)
    if not waiting.ready(self, result == WANT_READ and "read" or "write", deadline) then
        return calls.fail(status.TIMEOUT, method)
    end
    return deadline
end

--- retry goes on where a call of the ABI, f(id, ...), has answered with a status: the socket's waiter waits, and the call is made again,
--- as often as it takes. It returns the results of the call that succeeds.
function calls.retry(self, method, result, f, ...)
    local deadline, first, second, third
    repeat
        deadline = wait(self, result, method, deadline)
        result, first, second, third = calls.call(self, f, ...)
    until result >= 0
    return result, first, second, third
end

--- complete: f(id, ...) on a socket, with retry.
function calls.complete(self, method, f, ...)
    local result, first, second, third = calls.call(self, f, ...)
    if result < 0 then
        return calls.retry(self, method, result, f, ...)
    end
    return result, first, second, third
end

calls.wait = wait

return calls
