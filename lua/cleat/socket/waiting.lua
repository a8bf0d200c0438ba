--- Waiters, deadlines, and the traits that an adapter registers for its waiter: see Socket:setwaiter.
---
--- A waiter is a function(sock, event, timeout) that returns once `sock` may be ready: event is "read" or "write",
--- timeout a number of seconds above 0, or nil without a limit. It returns true to try again, and false if the timeout
--- has passed. In a coroutine it may yield, and it may raise: its error is raised by the method that was waiting, which
--- can be called again.
---
--- `sock` may be a name resolution (cleat.socket.resolution) or a watch (cleat.socket.watch), which have the same
--- fileno(), pollfd(), events() and timeout.
---
--- A socket with a waiter never waits in the ABI: its calls are made with a timeout of 0, and repeated after each wait.
---
--- Inside of the Lua layer a timeout and a deadline of FOREVER never pass; users write nil.

local C = require "cleat.backend"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"

local monotonic, outside, nests = C.monotonic, compat.outside, compat.nests

local waiting = {}

local FOREVER = math.huge
waiting.FOREVER = FOREVER

--- Timeouts from here on, in seconds, mean no limit: timers of event loops do not support them.
waiting.HUGE = 1e9

--- inside converts a timeout of a user (nil for no limit) to one of the Lua layer.
---@param timeout number?
---@return number
function waiting.inside(timeout)
    return timeout and timeout < waiting.HUGE and timeout or FOREVER
end

--- The waiter of new sockets, false for none.
---@type function|false
waiting.default = false

--- Checks a waiter.
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

--- Calls a waiter.
---@param waiter function
---@param object any
---@param event "read"|"write"
---@param timeout number? above 0, nil for no limit
---@return boolean
function waiting.call(waiter, object, event, timeout)
    local answer
    if nests then
        answer = outside(waiter, object, event, timeout)
    else
        answer = waiter(object, event, timeout)
    end
    if answer ~= true and answer ~= false then
        errors.raise(errors.TypeError, "a waiter must return true or false, not " .. check.kind(answer))
    end
    return answer
end

---@class cleat.socket.WaiterTraits
---@field wake (fun(sock: any, event: string))? ends the wait of `sock` for `event` soon, without resuming its
--- coroutine inside the call
---@field place (fun(): cleat.socket.Place)? makes a parking place, see cleat.socket.place

local NONE = {}
local traits = setmetatable({}, { __mode = "k" })

--- Registers the traits of a waiter; an adapter does so once. Both fields are optional.
---@param waiter function
---@param of cleat.socket.WaiterTraits
function waiting.register(waiter, of)
    traits[waiter] = of
end

---@param waiter function
---@return cleat.socket.WaiterTraits
function waiting.traits(waiter)
    return traits[waiter] or NONE
end

--- The deadline of a timeout that begins now, on the clock of timeouts.
---@param timeout number? in seconds; FOREVER or nil for never
---@return number
function waiting.deadline(timeout)
    if not timeout or timeout >= waiting.HUGE then
        return FOREVER
    end
    local _, now = monotonic()
    return now + timeout
end

--- How many seconds there are until a deadline, 0 at least; FOREVER if it never comes.
---@param deadline number
---@return number
function waiting.remaining(deadline)
    if deadline == FOREVER then
        return FOREVER
    end
    local _, now = monotonic()
    return deadline > now and deadline - now or 0
end

--- The same for a waiter or an event loop, where nil means no limit.
---@param deadline number?
---@return number?
function waiting.left(deadline)
    if not deadline or deadline == FOREVER then
        return nil
    end
    return waiting.remaining(deadline)
end

return waiting
