--- A pool of clients of other libraries (cleat.sessions.redis.client), which one call at a time can use.
---
--- A pool has a fixed number of slots. Each slot has a queue (cleat.socket.turns), in which coroutines wait for their
--- turn with the default waiter. A coroutine that is killed in a call gives its turn to the next one.

local errors = require "cleat.errors"
local place = require "cleat.socket.place"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"

local pool = {}

---@class cleat.sessions.redis.Slot the owner of a queue, see cleat.socket.turns
---@field client any? the client, while no call uses it
local Slot = {}
Slot.__index = Slot

function Slot._place()
    return waiting.default and place.new(waiting.default)
end

function Slot._turns_changed() end

---@class cleat.sessions.redis.Pool
---@field most integer
---@field last integer
local Pool = {}
Pool.__index = Pool

-- choose returns a free slot with a client if there is one, then a free slot, then the slot whose queue is next.
local function choose(self)
    local free
    for _, slot in ipairs(self) do
        if not turns.busy(slot, "writer") then
            if slot.client then
                return slot
            end
            free = free or slot
        end
    end
    if not free and #self < self.most then
        free = setmetatable({ _turns = false }, Slot)
        self[#self + 1] = free
    end
    if not free then
        self.last = self.last % #self + 1
        free = self[self.last]
    end
    return free
end

local function use(_, how, slot, f)
    if how == "first" or how == "waited" then
        local client = slot.client
        slot.client = nil
        slot.client = f(client)
    elseif how == "late" then
        errors.raise(errors.timeout, "timed out")
    elseif how == "nested" then
        errors.raise(errors.ValueError, "the TLS connection to Redis uses this store for its own sessions")
    else -- another coroutine has the turn, and there is no waiter: use a temporary client
        local client = f(nil)
        if client then
            client:close()
        end
    end
end

--- use calls f(client) with a client, or with nil if f must connect. f returns the client if it can be kept, and passes
--- its own results to the caller by upvalues. use raises socket.timeout if there is no turn before the deadline.
---@param deadline number
---@param f fun(client: any): any
function Pool:use(deadline, f)
    local slot = choose(self)
    turns.run(slot, "writer", deadline, use, slot, f)
end

--- clear closes the clients that no call uses.
function Pool:clear()
    for _, slot in ipairs(self) do
        if slot.client then
            slot.client:close()
            slot.client = nil
        end
    end
end

--- new makes a pool with `most` slots.
---@param most integer
---@return cleat.sessions.redis.Pool
function pool.new(most)
    return setmetatable({ most = most, last = 0 }, Pool)
end

return pool
