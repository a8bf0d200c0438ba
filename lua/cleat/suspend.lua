--- Repeats calls that would block: the only module in which the Lua layer waits and calls the ABI again.
---
--- A method makes the first attempt itself. If that would block, suspend.run repeats the call in the method's turn
--- (cleat.socket.turns), until it succeeds, fails, or the deadline has passed. A call is suspended by one of these
--- statuses:
---   * WANT_READ, WANT_WRITE: the object's _supply(claim, event, deadline, timeout) waits for it. It returns true to
---     try again, false if the deadline has passed, and nil if the object does not wait;
---   * a pause, in which the Lua layer must act (run a callback of the context): suspend.pauses has a function(object)
---     for each such status.
---
--- kind describes the calls of a method. It is a table with
---   turn                          the queue
---   field                         the object's field with the id that the call uses, 0 once it is closed
---   event                         WANT_READ or WANT_WRITE: the status of a non-blocking call that another one blocks
---   fail(self, result, method)    raises the error for a status, or returns the results of the method
---   closed(self, method)          the same for an object that was closed during the call
---   stop                          optional: a status that ends the call as a success does
---   begin(self), stepped(self, result)   optional: called before the first step and after each one, if the object
---                                 has a field _trace

local errors = require "cleat.errors"
local scope = require "cleat.scope"
local status = require "cleat.status"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"
local watch = require "cleat.socket.watch"

local WANT_READ, WANT_WRITE, TIMEOUT, HANDLE = status.WANT_READ, status.WANT_WRITE, status.TIMEOUT, status.HANDLE
local rawget = rawget
local FOREVER = waiting.FOREVER
local call, remaining = waiting.call, waiting.remaining

local suspend = {}

--- The action for each pause: function(object) by status. It may yield.
---@type table<integer, fun(object: table)>
suspend.pauses = {}
local pauses = suspend.pauses

--- wait makes the owner's waiter wait for `object`, on behalf of the call that has the claim.
---@param self table the owner of the claim
---@param claim cleat.socket.Claim
---@param object any the owner, or a name resolution
---@param event "read"|"write"
---@param deadline number
---@return boolean # false once the deadline has passed
local function wait(self, claim, object, event, deadline)
    local waiter = self._waiter
    local timeout
    if deadline ~= FOREVER then
        timeout = remaining(deadline)
        if timeout == 0 then
            return false
        end
    end
    if object == self then
        self._events = event == "write" and "w" or "r"
        if turns.waits(claim, event) then
            turns.join(claim, timeout)
            return true
        end
    else
        claim.parallel = true
    end
    if not waiting.traits(waiter).wake and (object ~= self or self._foreign) then
        -- close() could end this wait by a shutdown only, which would affect the program's own descriptor.
        claim.watch = watch.new(object:fileno(), event)
        object, event = claim.watch, "read"
    end
    claim.waiting, claim.object, claim.waiter = event, object, waiter
    local answer = call(waiter, object, event, timeout)
    turns.end_wait(claim)
    claim.parallel = nil
    return answer
end

suspend.wait = wait

--- ready is the method _supply of objects over a descriptor.
function suspend.ready(self, claim, event, deadline, timeout)
    if timeout == 0 or not self._waiter then
        return nil
    end
    return wait(self, claim, self, event, deadline)
end

--- raise_busy raises the error of a call that cannot get its turn, and cannot wait for it.
---@param method string
function suspend.raise_busy(method)
    return errors.raise(errors.ValueError, method .. "() while another call of the same kind has not returned: use a waiter that " ..
        "yields (setwaiter), and do not call it from that call")
end

-- fail_turn raises the error of a call that did not get its turn, or returns what the kind returns.
local function fail_turn(self, kind, how, method, timeout)
    if how == "late" then
        return kind.fail(self, TIMEOUT, method)
    elseif how == "closed" then
        return kind.closed(self, method)
    elseif how == "cannot" and timeout == 0 and not self:_stalled() then
        self._events = kind.event == WANT_WRITE and "w" or "r"
        return kind.fail(self, kind.event, method)
    end
    return self:_raise_busy(method)
end

-- supply returns nil to try again, or the status to fail with.
local function supply(self, claim, result, deadline, timeout, steady)
    local event = result == WANT_WRITE and "write" or "read"
    local supplied
    if steady ~= true then
        supplied = self:_supply(claim, event, deadline, timeout)
    elseif timeout ~= 0 and self._waiter then
        supplied = wait(self, claim, self, event, deadline)
    end
    if supplied then
        return nil
    end
    self._events = result == WANT_WRITE and "w" or "r"
    return supplied == nil and result or TIMEOUT
end

--- repeat_call repeats a call until it ends. claim, how: see turns.run. result: the first attempt's; nil or HANDLE if
--- there was none. f(id, wait, a, b, c, d) makes the call, and returns nil to be called again at once.
function suspend.repeat_call(claim, how, self, kind, method, timeout, deadline, result, f, a, b, c, d)
    if how ~= "first" and how ~= "waited" then
        return fail_turn(self, kind, how, method, timeout)
    end
    local field, id = kind.field, self[kind.field]
    local polls = self._waiter or (self._wait == 0 and timeout == self._timeout)
    if id == 0 then
        return kind.closed(self, method)
    elseif how == "waited" or result == HANDLE then
        result = nil
    end
    local steady = self._turns.steady -- then there is no trace
    local traced = not steady and kind.begin and rawget(self, "_trace")
    if traced then
        kind.begin(self)
    end
    local first, second, third
    while true do
        if not result then
            local time = polls and 0 or remaining(deadline)
            if time == 0 and not polls and timeout ~= 0 then
                return kind.fail(self, TIMEOUT, method)
            end
            result, first, second, third = f(id, time, a, b, c, d)
            if traced then
                kind.stepped(self, result)
            end
        end
        if result and (result >= 0 or result == kind.stop) then
            return result, first, second, third
        elseif result == WANT_READ or result == WANT_WRITE then
            result = supply(self, claim, result, deadline, timeout, steady)
        elseif claim.closed or self[field] ~= id then
            return kind.closed(self, method)
        elseif result then
            local answer = pauses[result]
            if not answer then
                return kind.fail(self, result, method)
            end
            answer(self)
            result = nil
        end
        if claim.closed or self[field] ~= id then
            return kind.closed(self, method)
        elseif result then
            return kind.fail(self, result, method)
        end
    end
end

local repeat_call = suspend.repeat_call

--- run repeats a call whose first attempt would block or was not made, and returns the results of f.
---@param self table
---@param kind table
---@param method string its name, for messages
---@param timeout number of the whole call
---@param deadline number? the deadline, if the timeout has begun already
---@param result integer? the result of the first attempt
---@param f function
function suspend.run(self, kind, method, timeout, deadline, result, f, a, b, c, d)
    deadline = deadline or waiting.deadline(timeout)
    local claim = turns.enter(self, kind.turn)
    if claim then
        return scope.run(claim, repeat_call, claim, "first", self, kind, method, timeout, deadline, result, f, a, b, c, d)
    end
    return turns.run(self, kind.turn, deadline, suspend.repeat_call, self, kind, method, timeout, deadline, result, f, a, b, c, d)
end

--- suspended returns whether suspend.run can repeat a call that has returned this status.
---@param result integer
---@return boolean
function suspend.suspended(result)
    return result == WANT_READ or result == WANT_WRITE or pauses[result] ~= nil
end

return suspend
