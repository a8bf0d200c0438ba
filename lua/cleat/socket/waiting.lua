--- Waiters, deadlines, and what an adapter registers about its waiter: see Socket:setwaiter.
---
--- A waiter is a function(sock, event, timeout) that returns once `sock` may be ready: event is "read" or "write", timeout a
--- number of seconds above 0, or nil for ever. It returns true if it is worth trying again, and false if the time is
--- over. In a
--- coroutine it may yield, and it may raise: its error passes through the method that was waiting, which can be called
--- again.
---
--- In place of a socket it may be given the resolution of a name (cleat.socket.resolution) or a watch
--- (cleat.socket.watch), which have the
--- same fileno(), pollfd(), events() and timeout.
---
--- A socket with a waiter never waits in the ABI: its calls are made with a timeout of 0, and made again after each wait.
---
--- Inside of the Lua layer a timeout and a deadline of FOREVER never pass; users write nil.

local C = require "cleat.backend"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"

local monotonic, outside = C.monotonic, compat.outside

local waiting = {}

local FOREVER = math.huge
waiting.FOREVER = FOREVER

--- A timeout of so many seconds is for ever too: no event loop's timers are made for it.
waiting.HUGE = 1e9

--- inside turns a timeout as users write it into what it is here.
---@param timeout number?
---@return number
function waiting.inside(timeout)
    return timeout and timeout < waiting.HUGE and timeout or FOREVER
end

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

--- Asks a waiter to wait.
---@param waiter function
---@param object any
---@param event "read"|"write"
---@param timeout number? above 0, nil for ever
---@return boolean
function waiting.ask(waiter, object, event, timeout)
    local answer = outside(waiter, object, event, timeout)
    if type(answer) ~= "boolean" then
        errors.raise(errors.TypeError, "a waiter must return true or false, not " .. check.kind(answer))
    end
    return answer
end

---@class cleat.socket.WaiterTraits
---@field wake (fun(sock: any, event: string))? ends the wait of `sock` for `event` soon, and does not resume its coroutine itself
---@field place (fun(): cleat.socket.Place)? makes a parking place, see cleat.socket.place

local NONE = {}
local traits = setmetatable({}, { __mode = "k" })

--- What is known of a waiter beside that it waits: an adapter registers this once. Both fields may be missing.
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

--- The same for a waiter or an event loop, for which nil is for ever.
---@param deadline number?
---@return number?
function waiting.left(deadline)
    if not deadline or deadline == FOREVER then
        return nil
    end
    return waiting.remaining(deadline)
end

return waiting
