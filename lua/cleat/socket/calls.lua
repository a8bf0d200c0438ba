--- How the methods of sockets call the ABI: calls.fail raises every error, and calls.finish repeats calls that would
--- block.

local Buffer = require "cleat.buffer"
local check = require "cleat.check"
local const = require("cleat.backend").const
local errors = require "cleat.errors"
local status = require "cleat.status"
local suspend = require "cleat.suspend"
local turns = require "cleat.socket.turns"

local WANT_READ, WANT_WRITE, HANDLE = status.WANT_READ, status.WANT_WRITE, status.HANDLE

local calls = {}

--- fail raises the error for a negative result of a method.
function calls.fail(result, method)
    return errors.throw(errors.from_socket(result, method))
end

--- expect returns the results of a call, or raises the error for a negative status.
function calls.expect(method, result, ...)
    if result < 0 then
        return calls.fail(result, method)
    end
    return result, ...
end

--- into checks the arguments of recv_into, and returns the backend's buffer and the number of bytes to receive. clamp:
--- a number above the buffer's size means its size, as in Python for TLS sockets, but not for plain ones.
function calls.into(method, buffer, nbytes, clamp)
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
    elseif nbytes > size and clamp then
        return contents, size
    elseif nbytes > size then
        errors.raise(errors.ValueError, "buffer too small for requested bytes")
    end
    return contents, nbytes
end

--- source returns the bytes to send, for the backend, and their number.
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

local function kind(turn, event)
    return {
        turn = turn, field = "_id", event = event,
        fail = function(_, result, method)
            return calls.fail(result, method)
        end,
        closed = function()
            return errors.throw(errors.from_errno(const.EBADF))
        end,
    }
end

--- The kinds of calls of plain sockets, see cleat.suspend.
calls.READ, calls.WRITE = kind("reader", WANT_READ), kind("writer", WANT_WRITE)

--- first makes the first attempt of a call, f(id, wait, ...). It returns HANDLE if another call has the turn.
local function first(self, of, f, ...)
    if self._wait == 0 and turns.busy(self, of.turn) then
        return HANDLE
    end
    return f(self._id, self._wait, ...)
end
calls.first = first

--- finish_by repeats a call, f(id, wait, ...), whose first attempt has not succeeded. deadline: nil if the timeout
--- begins now. result: the attempt's result, nil if there was no attempt.
function calls.finish_by(self, of, method, deadline, result, f, ...)
    local timeout = self._timeout
    if result == WANT_READ or result == WANT_WRITE then
        if timeout == 0 or not self._waiter then
            self._events = result == WANT_WRITE and "w" or "r"
            return calls.fail(result, method)
        end
    elseif result and (self._id == 0 or result ~= HANDLE or not turns.busy(self, of.turn)) then
        return calls.fail(result, method)
    end
    return suspend.run(self, of, method, timeout, deadline, result, f, ...)
end

--- finish does the same, with a timeout that begins now.
function calls.finish(self, of, method, result, f, ...)
    return calls.finish_by(self, of, method, nil, result, f, ...)
end

--- complete makes a call, f(id, wait, ...), and repeats it until it succeeds or fails.
function calls.complete(self, of, method, f, ...)
    local result, second, third, fourth = first(self, of, f, ...)
    if result < 0 then
        return calls.finish(self, of, method, result, f, ...)
    end
    return result, second, third, fourth
end

return calls
