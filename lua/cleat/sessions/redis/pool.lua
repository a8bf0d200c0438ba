--- Links that coroutines share: each call has one of them to itself.
---
--- A pool has a limited number of slots. A slot has a queue (cleat.socket.turns), in which coroutines wait for their
--- turn with the default waiter; a coroutine that is killed in a call gives its turn to the next one.

local errors = require "cleat.errors"
local place = require "cleat.socket.place"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"

local pool = {}

---@class cleat.sessions.redis.Slot the owner of a queue: see cleat.socket.turns
---@field link any? while no call uses it
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

-- choose: a slot with a link if there is one that is free, then a free slot, then the next one's queue.
local function choose(self)
    local free
    for _, slot in ipairs(self) do
        if not turns.busy(slot, "writer") then
            if slot.link then
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
        local link = slot.link
        slot.link = nil
        slot.link = f(link)
    elseif how == "late" then
        errors.raise(errors.timeout, "timed out")
    elseif how == "nested" then
        errors.raise(errors.ValueError, "the connection to Redis uses the sessions that are stored there")
    else -- another coroutine has the turn, and there is no waiter to wait with
        local link = f(nil)
        if link then
            link:close()
        end
    end
end

--- use calls f(link) with a link, or nil if it has to make one. f returns the link if it can be kept, and reports its
--- result by other means. It raises if there is no turn before the deadline.
---@param deadline number
---@param f fun(link: any): any
function Pool:use(deadline, f)
    local slot = choose(self)
    turns.run(slot, "writer", deadline, use, slot, f)
end

--- clear closes the links that are not used now.
function Pool:clear()
    for _, slot in ipairs(self) do
        if slot.link then
            slot.link:close()
            slot.link = nil
        end
    end
end

--- new makes a pool with so many slots.
---@param most integer
---@return cleat.sessions.redis.Pool
function pool.new(most)
    return setmetatable({ most = most, last = 0 }, Pool)
end

return pool
