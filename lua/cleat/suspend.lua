--- Calls that would block: the one module that waits and repeats a call of the ABI.
---
--- A method makes its first attempt itself. If that would block, suspend.run repeats the call: in the caller's turn
--- (cleat.socket.turns), until it succeeds, fails or the deadline has passed. A call can be suspended for:
---   * WANT_READ, WANT_WRITE: the object's _supply(claim, event, deadline, timeout) waits for it. It returns true to
---     try again, false if the deadline has passed, and nil if the object does not wait;
---   * a pause, in which the Lua layer must act (run a callback of the context): suspend.pauses has a function(object)
---     for each such status.
---
--- kind describes calls of one sort, a table with
---   turn                          the queue
---   field                         the object's field with the id for the call, 0 once it is closed
---   event                         WANT_READ or WANT_WRITE: the status of a call that may not wait for its turn
---   fail(self, result, method)    raises the error for a status, or returns the results of the method
---   gone(self, method)            the same after the object was closed
---   stop                          a status that ends the call like a success, optional
---   begin(self), stepped(self, result)   what is done before the first step and after each, if the object has a field
---                                 _trace; optional

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

--- wait asks a waiter to wait for `object`, on behalf of the call that has the claim.
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
        -- Only a shutdown would end this wait, and the descriptor must not be shut down.
        claim.watch = watch.new(object:fileno(), event)
        object, event = claim.watch, "read"
    end
    claim.waiting, claim.object, claim.waiter = event, object, waiter
    local answer = call(waiter, object, event, timeout)
    turns.leave(claim)
    claim.parallel = nil
    return answer
end

suspend.wait = wait

--- ready is the _supply of objects over a descriptor.
function suspend.ready(self, claim, event, deadline, timeout)
    if timeout == 0 or not self._waiter then
        return nil
    end
    return wait(self, claim, self, event, deadline)
end

-- refused raises the error of a call that does not get its turn.
local function refused(self, kind, how, method, timeout)
    if how == "late" then
        return kind.fail(self, TIMEOUT, method)
    elseif how == "closed" then
        return kind.gone(self, method)
    elseif how == "cannot" and timeout == 0 and not self:_stalled() then
        self._events = kind.event == WANT_WRITE and "w" or "r"
        return kind.fail(self, kind.event, method)
    end
    return self:_occupied(method)
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

--- go_on repeats the call until it ends. claim and how: see turns.run. result: of the first attempt; nil or HANDLE if
--- there was none. f(id, wait, a, b, c, d) makes the call, and returns nil to be called again at once.
function suspend.go_on(claim, how, self, kind, method, timeout, deadline, result, f, a, b, c, d)
    if how ~= "first" and how ~= "waited" then
        return refused(self, kind, how, method, timeout)
    end
    local field, id = kind.field, self[kind.field]
    local polls = self._waiter or (self._wait == 0 and timeout == self._timeout)
    if id == 0 then
        return kind.gone(self, method)
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
            return kind.gone(self, method)
        elseif result then
            local answer = pauses[result]
            if not answer then
                return kind.fail(self, result, method)
            end
            answer(self)
            result = nil
        end
        if claim.closed or self[field] ~= id then
            return kind.gone(self, method)
        elseif result then
            return kind.fail(self, result, method)
        end
    end
end

local go_on = suspend.go_on

--- run repeats a call whose first attempt would block, or was not made, and returns the results of f.
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
        return scope.run(claim, go_on, claim, "first", self, kind, method, timeout, deadline, result, f, a, b, c, d)
    end
    return turns.run(self, kind.turn, deadline, suspend.go_on, self, kind, method, timeout, deadline, result, f, a, b, c, d)
end

--- suspended: whether suspend.run can repeat a call with this status.
---@param result integer
---@return boolean
function suspend.suspended(result)
    return result == WANT_READ or result == WANT_WRITE or pauses[result] ~= nil
end

return suspend
