--- Parking places: where a coroutine waits for its turn (cleat.socket.turns).
---
--- A place is a table with
---   place:wait(timeout)   waits until wake() was called, or for timeout seconds, nil for ever. It may yield, and may
---   return early.
---   place:wake()          may come at any time, before wait() too, from any coroutine and from a finalizer. It must
---   not resume the coroutine
---                         that waits: it lets the event loop do so.
---   place:close()         optional: the wait is over.
--- An adapter may have places of its own; here is the one that works with any waiter.

local waiting = require "cleat.socket.waiting"
local watch = require "cleat.socket.watch"

local place = {}

---@class cleat.socket.Place
local Place = {}
Place.__index = Place

function Place:wait(timeout)
    return waiting.ask(self.waiter, self.watch, "read", timeout)
end

function Place:wake()
    self.watch:signal()
end

function Place:close()
    self.watch:close()
end

--- new makes a place for a coroutine that waits with a waiter.
---@param waiter function
---@return cleat.socket.Place
function place.new(waiter)
    local make = waiting.traits(waiter).place
    if make then
        return make()
    end
    return setmetatable({ waiter = waiter, watch = watch.new(-1) }, Place)
end

return place
