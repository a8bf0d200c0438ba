--- Waiting by other means than blocking the thread: what Socket:setwaiter is about.
---
--- A waiter is a function(sock, event, timeout) that returns once `sock` may be ready: event is "read" or "write", timeout a
--- number of seconds, or nil for ever. It returns true if it is worth trying again, and false if the time is over. In a coroutine
--- it may yield, and it may raise: its error passes through the method that was waiting, which can be called again.
---
--- In place of a socket it may be given the resolution of a name (cleat.socket.resolution), which has the same fileno().
---
--- A socket with a waiter never waits in the ABI: its calls are made with no timeout, and made again after each wait.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"

local waiting = {}

--- The waiter of new sockets, false for none.
---@type function|false
waiting.default = false

--- Checks what is to be a waiter.
---@param method string
---@param waiter any
---@return function|false
function waiting.check(method, waiter)
    if waiter == nil then
        return false
    elseif not check.callable(waiter) then
        check.fail(method, "waiter", "a function or nil", waiter)
    end
    return waiter
end

--- deadline: when a timeout that begins now runs out, on the clock of timeouts; nil for never.
---@param timeout number|false|nil
---@return number?
function waiting.deadline(timeout)
    if not timeout then
        return nil
    end
    local _, now = C.monotonic()
    return now + timeout
end

--- left: how many seconds there are until a deadline, 0 at least; nil for one that never comes.
---@param deadline number?
---@return number?
function waiting.left(deadline)
    if not deadline then
        return nil
    end
    local _, now = C.monotonic()
    return math.max(0, deadline - now)
end

--- ready asks the socket's waiter to wait, and returns false once the deadline is over.
---@param sock cleat.Socket
---@param event "read"|"write"
---@param deadline number?
---@return boolean
function waiting.ready(sock, event, deadline)
    local left = waiting.left(deadline)
    if left == 0 then
        return false
    end
    sock._events = event == "write" and "w" or "r"
    local answer = sock._waiter(sock, event, left)
    if type(answer) ~= "boolean" then
        errors.raise(errors.TypeError, "a waiter must return true or false, not " .. check.kind(answer))
    end
    return answer
end

return waiting
