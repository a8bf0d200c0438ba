--- Turns: coroutines that use one object at the same time run one after the other.
---
--- An object (the owner) has queues by name: "reader" and "writer", and a TLS connection also "handshake". The first
--- claim in a queue has the turn; the other coroutines are parked (cleat.socket.place). A turn ends when its call ends,
--- also if the coroutine is closed or garbage-collected (cleat.scope), and the next claim gets it.
---
--- An owner has a field _turns, false at first, and the methods
---   _place()           returns a parking place, nil if calls cannot wait for a turn
---   _turns_changed()   is called after a queue has become empty or non-empty
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
local MAIN = {} -- stands for the main coroutine: coroutine.running() returns nil there on LuaJIT
local WEAK = { __mode = "v" } -- a queue must not keep a coroutine alive that the program has dropped

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
---@field guard_ref table? {guard, count}: closed with the last waiting claim, see turns.close
local Claim = {}

local release -- of a claim: see below

-- killed returns whether the call of a claim will never return: its coroutine is dead, as after nginx kills a light
-- thread, or, on Lua 5.1, a waiter has raised an error past the call (compat.is_abandoned).
local function killed(claim)
    local thread = claim.thread
    return thread ~= MAIN and status_of(thread) == "dead" or nests and compat.is_abandoned(claim.inner)
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
    pcall(place.wake, place) -- raises if the event loop has ended
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

-- GATES names the fields of a connection that are its id while the turn is free, and 0 while a call has it, if its
-- queues are `steady`: true, or the name of the only field for which this holds. See cleat.ssl.connection.
local GATES = { reader = "_read_id", writer = "_write_id" }

-- changed reports that a queue has become empty or non-empty.
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

-- advance wakes the coroutine whose claim is first in the queue.
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

--- end_wait must be called when a claim's wait for the network has ended.
---@param claim cleat.socket.Claim
function turns.end_wait(claim)
    if not claim.waiting then
        return
    end
    claim.waiting, claim.object, claim.waiter = nil, nil, nil
    if claim.watch then
        claim.watch:close()
        claim.watch = nil
    end
    wake_joined(claim.owner)
    local guard_ref = claim.guard_ref
    if guard_ref then
        claim.guard_ref = nil
        guard_ref.count = guard_ref.count - 1
        if guard_ref.count == 0 then
            C.guard_close(guard_ref.guard)
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
    turns.end_wait(claim)
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
        self.thread, self.inner, self.woken = nil, nil, nil -- the claim stays at 1, for occupy
    else
        turn[at] = nil
    end
    return changed(self.owner, turn, false)
end

-- abandoned is called by the finalizer of a claim whose coroutine was garbage-collected.
function Claim.abandoned(turn)
    wake_joined(turn.owner)
    advance(turn)
end

local METATABLE = scope.metatable(Claim)

-- occupy claims a free turn for a call. It reuses the claim of the previous call, if that was not garbage-collected: a
-- free turn has it at index 1, which no loop over the queue visits.
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
        -- with a first element, so that occupy needs no memory for it
        turn = setmetatable({ false, first = 1, last = 0, owner = owner, gate = GATES[name] }, WEAK)
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

-- The functions below return no claims: in the registers of a parked coroutine they would keep other coroutines' claims
-- alive.

local function is_first(claim)
    return head(claim.turn) == claim
end

-- is_nested returns whether the same coroutine has an earlier claim in the queue: waiting would be a deadlock.
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

-- await waits for the claim's turn, and returns `how` of turns.run.
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
        local woken = waiting.remaining(deadline) > 0 and outside(place.wait, place, waiting.remaining_or_nil(deadline))
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

--- run waits for the turn, calls f(claim, how, ...) and returns its results. how:
---   "first"    the call has the turn, which was free
---   "waited"   the call has the turn, after another call
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

--- enter claims a turn that is free, and returns the claim for scope.run. nil if it is not free: the caller uses run.
---@param owner table
---@param name string the queue
---@return cleat.socket.Claim?
function turns.enter(owner, name)
    local queues = owner._turns
    local turn = queues and queues[name]
    return turn and turn.last == 0 and not nests and occupy(owner, turn) or nil
end

--- busy returns whether a call has the turn.
---@param owner table
---@param name string
---@return boolean
function turns.busy(owner, name)
    local queues = owner._turns
    local turn = queues and queues[name]
    return turn and turn.last > 0 and head(turn) ~= nil or false
end

--- is_free returns whether no call has the turn.
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

--- waits returns whether another claim is waiting for the event on the owner's descriptor.
---@param claim cleat.socket.Claim
---@param event string
---@return boolean
function turns.waits(claim, event)
    local queues, own = claim.owner._turns, claim.turn
    return waits_in(queues.reader, own, event) or waits_in(queues.writer, own, event)
        or waits_in(queues.handshake, own, event)
end

--- join parks a claim until the network wait of another claim has ended, or the timeout has passed.
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

-- interrupt ends a claim's wait for the network. It returns false if only a shutdown of the descriptor can end it.
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

--- close marks the claims of an owner as closed, and wakes them. guard: the guard of the descriptor, or false not to
--- close it. While a waiter uses the descriptor it stays open, so that its number is not reused; the last claim closes
--- it. shut() is called if a wait can be ended in no other way.
---@param owner table
---@param guard any
---@param shut function?
function turns.close(owner, guard, shut)
    local queues = rawget(owner, "_turns")
    if not queues then
        return guard and C.guard_close(guard)
    end
    local guard_ref, uninterruptible
    for _, name in ipairs(NAMES) do
        local turn = queues[name]
        for index = turn and turn.first or 1, turn and turn.last or 0 do
            local claim = turn[index]
            if claim and compat.is_abandoned(claim.inner) then
                turn[index] = nil
                release(claim)
            elseif claim then
                claim.closed = true
                if claim.waiting and guard then
                    guard_ref = guard_ref or { guard = guard, count = 0 }
                    guard_ref.count = guard_ref.count + 1
                    claim.guard_ref = guard_ref
                end
                if claim.place then
                    wake(claim.place)
                end
                if claim.waiting and not interrupt(claim) then
                    uninterruptible = true
                end
            end
        end
    end
    if uninterruptible and shut then
        shut(owner)
    end
    if guard and not guard_ref then
        C.guard_close(guard)
    end
end

--- wake wakes all parked coroutines of an owner, so that they check its state again.
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
