--- Turns: coroutines that use one object at the same time run one after the other.
---
--- An object (its owner) has queues by name: "reader" and "writer", and a TLS connection "handshake" too. The first of
--- a queue has the turn; the others are parked (cleat.socket.place). A turn ends with the call that has it, however
--- that ends: see cleat.scope. So a coroutine that is closed or collected gives its turn to the next one.
---
--- An owner has a field _turns, false at first, and the methods
---   _place()           a parking place, nil if a call cannot wait now
---   _turns_changed()   is called when a queue became empty or non-empty
---
--- A call that waits for the network sets claim.waiting, so that close() can wake it: see turns.close.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local scope = require "cleat.scope"
local waiting = require "cleat.socket.waiting"

local rawget = rawget
local running, status_of = compat.running, coroutine.status
local outside, nests = compat.outside, compat.nests

local turns = {}

local NAMES = { "handshake", "reader", "writer" }
local MAIN = {} -- in place of the main coroutine, which LuaJIT has no value for
local WEAK = { __mode = "v" } -- a queue must not keep a coroutine alive that no program refers to any more

---@class cleat.socket.Turn the claims by number, from `first` to `last`; the first that is not nil has the turn
---@field first integer
---@field last integer
---@field owner table
---@field gate string? see GATES

---@class cleat.socket.Claim a call's place in a queue
---@field turn cleat.socket.Turn
---@field at integer
---@field owner table
---@field thread any its coroutine
---@field inner thread? where compat.pcall makes coroutines, the one that its call runs in
---@field closed boolean? whether the owner was closed
---@field place cleat.socket.Place? where it is parked
---@field waiting string? the event that it waits for: "read", "write"
---@field object any? the argument of its waiter
---@field waiter function?
---@field watch cleat.socket.Watch?
---@field lease table? see turns.close
local Claim = {}

local release -- of a claim: see below

-- killed: whether a claim's coroutine is dead although its call has not ended, as after nginx kills a light thread; or,
-- on Lua 5.1, whether its call was left by an error that a waiter has raised.
local function killed(claim)
    local thread = claim.thread
    return thread ~= MAIN and status_of(thread) == "dead" or nests and compat.left(claim.inner)
end

local function head(turn)
    local first, last = turn.first, turn.last
    if last == 0 then
        return nil
    end
    while first <= last do
        local claim = turn[first]
        if claim and not killed(claim) then
            turn.first = first
            return claim
        elseif claim then
            turn[first] = nil
            release(claim)
        end
        first = first + 1
    end
    turn.first, turn.last = 1, 0
end

local function wake(place)
    pcall(place.wake, place) -- it raises if the event loop has ended
end

-- wake_joined wakes the coroutines that wait for the same event as another one: see suspend.wait.
local function wake_joined(owner)
    local queues = owner and owner._turns
    local joined = queues and queues.joined
    if joined then
        queues.joined = nil
        for _, place in ipairs(joined) do
            wake(place)
        end
    end
end

-- GATES: the field of a connection that has its id while the turn is free, 0 otherwise. Where nothing else decides that,
-- its queues are `steady`: true, or the name of the one gate that opens. See cleat.ssl.connection.
local GATES = { reader = "_read_id", writer = "_write_id" }

-- changed is called when a queue became empty or non-empty.
local function changed(owner, turn, is_busy)
    local gate = turn.gate
    local queues = gate and owner._turns
    local steady = queues and queues.steady
    if steady then
        owner[gate] = (is_busy or steady ~= true and steady ~= gate) and 0 or owner._tls
    else
        owner:_turns_changed()
    end
end

-- advance wakes the first of the queue.
local function advance(turn)
    local claim = head(turn)
    if claim and claim.place and not claim.woken then
        claim.woken = true
        wake(claim.place)
    end
    local owner = turn.owner
    if owner then
        changed(owner, turn, claim ~= nil)
    end
end

--- leave is called once a claim's wait for the network is over.
---@param claim cleat.socket.Claim
function turns.leave(claim)
    if not claim.waiting then
        return
    end
    claim.waiting, claim.object, claim.waiter = nil, nil, nil
    if claim.watch then
        claim.watch:close()
        claim.watch = nil
    end
    wake_joined(claim.owner)
    local lease = claim.lease
    if lease then
        claim.lease = nil
        lease.count = lease.count - 1
        if lease.count == 0 then
            C.guard_close(lease.guard)
        end
    end
end

local function unpark(claim)
    local place = claim.place
    if place then
        claim.place = nil
        if place.close then
            place:close()
        end
    end
end

function release(claim)
    claim.open = false
    turns.leave(claim)
    unpark(claim)
end

function Claim:end_scope()
    if not self.open then
        return
    end
    release(self)
    local turn, at = self.turn, self.at
    if turn[at] ~= self then
        return
    elseif at ~= turn.last or at ~= turn.first then
        turn[at] = nil
        return advance(turn)
    end
    turn.first, turn.last = 1, 0
    if at == 1 and not self.closed and not self.parallel then
        self.thread, self.inner, self.woken = nil, nil, nil -- stays at 1, see occupy
    else
        turn[at] = nil
    end
    return changed(self.owner, turn, false)
end

-- abandoned is called by a finalizer, for a claim whose coroutine was collected.
function Claim.abandoned(turn)
    wake_joined(turn.owner)
    advance(turn)
end

local METATABLE = scope.metatable(Claim)

-- occupy gives a free turn to a call. The claim of the call before is used again, if the collector has left it: a free
-- turn has it at 1, where no loop over the queue looks.
local function occupy(owner, turn)
    local claim = turn[1]
    if claim then
        claim.thread = running() or MAIN
        scope.again(claim, turn)
    else
        claim = scope.make({ turn = turn, at = 1, owner = owner, thread = running() or MAIN }, METATABLE, turn)
    end
    turn.last, turn[1] = 1, claim
    changed(owner, turn, true)
    return claim
end

local function enqueue(owner, name)
    local queues = owner._turns
    if not queues then
        queues = {}
        owner._turns = queues
    end
    local turn = queues[name]
    if not turn then
        turn = setmetatable({ first = 1, last = 0, owner = owner, gate = GATES[name] }, WEAK)
        queues[name] = turn
    end
    if not head(turn) then
        return occupy(owner, turn)
    end
    local last = turn.last + 1
    local claim = scope.make({ turn = turn, at = last, owner = owner, thread = running() or MAIN }, METATABLE, turn)
    turn.last, turn[last] = last, claim
    return claim
end

-- The functions below return no claims: a parked coroutine must not keep claims of other coroutines alive in its
-- registers.

local function is_first(claim)
    return head(claim.turn) == claim
end

-- is_nested: whether the claim's own coroutine is before it.
local function is_nested(claim)
    local turn = claim.turn
    for index = turn.first, claim.at - 1 do
        local other = turn[index]
        if other and other.thread == claim.thread then
            return true
        end
    end
    return false
end

-- await waits for the claim's turn, and returns how it went: see turns.run.
local function await(claim, deadline)
    if is_first(claim) then
        return "first"
    elseif is_nested(claim) then
        return "nested"
    end
    local place = claim.owner:_place()
    if not place then
        return "cannot"
    end
    claim.place = place
    while true do
        local woken = waiting.remaining(deadline) > 0 and outside(place.wait, place, waiting.left(deadline))
        if claim.closed then
            return "closed"
        elseif is_first(claim) then
            unpark(claim)
            return "waited"
        elseif not woken then
            return "late"
        end
    end
end

local function start(claim, deadline, f, ...)
    claim.inner = nests and coroutine.running() or nil
    return f(claim, await(claim, deadline), ...)
end

--- run calls f(claim, how, ...) when it has the turn, and returns its results. how:
---   "first"    the turn was free
---   "waited"   another call had it
---   "late"     no turn: the deadline has passed
---   "closed"   no turn: the owner was closed
---   "cannot"   no turn: another call has it, and the owner cannot wait
---   "nested"   no turn: the same coroutine has it
---@param owner table
---@param name string the queue
---@param deadline number
---@param f function
function turns.run(owner, name, deadline, f, ...)
    local claim = enqueue(owner, name)
    return scope.run(claim, start, claim, deadline, f, ...)
end

--- enter gives a free turn to a call, and returns its claim, for scope.run; nil if the call has to come by run.
---@param owner table
---@param name string the queue
---@return cleat.socket.Claim?
function turns.enter(owner, name)
    local queues = owner._turns
    local turn = queues and queues[name]
    return turn and turn.last == 0 and not nests and occupy(owner, turn) or nil
end

--- busy: whether a call has the turn.
---@param owner table
---@param name string
---@return boolean
function turns.busy(owner, name)
    local queues = owner._turns
    local turn = queues and queues[name]
    return turn and turn.last > 0 and head(turn) ~= nil or false
end

--- is_free: whether no call has a turn of an owner's queues.
---@param turn cleat.socket.Turn?
---@return boolean
function turns.is_free(turn)
    return not turn or turn.last == 0 or head(turn) == nil
end

local function waits_in(turn, own, event)
    if turn and turn ~= own and turn.last > 0 then
        local other = head(turn)
        return other and other.waiting == event and not other.parallel
    end
end

--- waits: whether another claim waits for an event of the owner's descriptor.
---@param claim cleat.socket.Claim
---@param event string
---@return boolean
function turns.waits(claim, event)
    local queues, own = claim.owner._turns, claim.turn
    return waits_in(queues.reader, own, event) or waits_in(queues.writer, own, event)
        or waits_in(queues.handshake, own, event)
end

--- join makes a claim wait until the network wait of another claim has ended, or for a timeout.
---@param claim cleat.socket.Claim
---@param timeout number? as waiters take it
function turns.join(claim, timeout)
    local place = claim.owner:_place()
    local queues = claim.owner._turns
    queues.joined = queues.joined or {}
    table.insert(queues.joined, place)
    claim.place, claim.woken = place, true
    outside(place.wait, place, timeout)
    unpark(claim)
end

-- interrupt ends a claim's wait for the network, and returns false if only a shutdown of the descriptor can.
local function interrupt(claim)
    local known = claim.waiter and waiting.traits(claim.waiter).wake
    if known then
        return pcall(known, claim.object, claim.waiting)
    elseif claim.watch then
        claim.watch:signal()
        return true
    end
    return not claim.waiter
end

--- close marks the claims of an owner that is being closed, and wakes them. guard: of its descriptor, false if that is
--- not to be closed. While waiters use the descriptor it stays open, and the last of them closes it, so that its number
--- is not reused before. shut() is called if a wait can be ended in no other way.
---@param owner table
---@param guard any
---@param shut function?
function turns.close(owner, guard, shut)
    local queues = rawget(owner, "_turns")
    if not queues then
        return guard and C.guard_close(guard)
    end
    local lease, deaf
    for _, name in ipairs(NAMES) do
        local turn = queues[name]
        for index = turn and turn.first or 1, turn and turn.last or 0 do
            local claim = turn[index]
            if claim and compat.left(claim.inner) then
                turn[index] = nil
                release(claim)
            elseif claim then
                claim.closed = true
                if claim.waiting and guard then
                    lease = lease or { guard = guard, count = 0 }
                    lease.count = lease.count + 1
                    claim.lease = lease
                end
                if claim.place then
                    wake(claim.place)
                end
                if claim.waiting and not interrupt(claim) then
                    deaf = true
                end
            end
        end
    end
    if deaf and shut then
        shut(owner)
    end
    if guard and not lease then
        C.guard_close(guard)
    end
end

--- wake wakes all parked coroutines of an owner, which check its state again.
function turns.wake(owner)
    wake_joined(owner)
    local queues = rawget(owner, "_turns")
    for _, name in ipairs(queues and NAMES or {}) do
        local turn = queues[name]
        for index = turn and turn.first or 1, turn and turn.last or 0 do
            local claim = turn[index]
            if claim and claim.place then
                wake(claim.place)
            end
        end
    end
end

return turns
