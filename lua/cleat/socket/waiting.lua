--- Waiters, timeouts and deadlines; and the optional functions (traits) that an adapter registers for its waiter.
---
--- A waiter is a function(sock, event, timeout) that waits until `sock` may be ready. event is "read" or "write";
--- timeout is a number of seconds above 0, or nil for no limit. The waiter returns true to make the caller try again,
--- and false if the timeout has passed. It may yield. If it raises, the method that was waiting raises the same error,
--- and can be called again.
---
--- `sock` may also be a name resolution (cleat.socket.resolution) or a watch (cleat.socket.watch): they have fileno(),
--- pollfd(), events() and `timeout`, as sockets do.
---
--- A socket with a waiter never waits in the ABI: its calls have a timeout of 0, and are repeated after each wait.
---
--- Inside the Lua layer FOREVER is the timeout and the deadline that never pass; users write nil.

local C = require "cleat.backend"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"

local monotonic, outside, nests = C.monotonic, compat.outside, compat.nests

local waiting = {}

local FOREVER = math.huge
waiting.FOREVER = FOREVER

--- Timeouts of this many seconds and more mean no limit: timers of event loops do not support them.
waiting.HUGE = 1e9

--- internal converts a user's timeout (nil for no limit) to one of the Lua layer.
---@param timeout number?
---@return number
function waiting.internal(timeout)
    return timeout and timeout < waiting.HUGE and timeout or FOREVER
end

--- The default waiter, which new sockets have; false for none.
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
---@field wake (fun(sock: any, event: string))? makes the wait of `sock` for `event` end soon. It must not resume the
--- coroutine itself
---@field place (fun(): cleat.socket.Place)? returns a new parking place, see cleat.socket.place

local NONE = {}
local traits = setmetatable({}, { __mode = "k" })

--- Registers the traits of a waiter, both of which are optional. An adapter does so once.
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

--- The seconds until a deadline, at least 0; FOREVER if there is no deadline.
---@param deadline number
---@return number
function waiting.remaining(deadline)
    if deadline == FOREVER then
        return FOREVER
    end
    local _, now = monotonic()
    return deadline > now and deadline - now or 0
end

--- The same for waiters and event loops, where nil means no limit.
---@param deadline number?
---@return number?
function waiting.remaining_or_nil(deadline)
    if not deadline or deadline == FOREVER then
        return nil
    end
    return waiting.remaining(deadline)
end

return waiting
