--- Parking places: objects on which a coroutine waits for its turn (cleat.socket.turns).
---
--- A place is a table with these methods:
---   place:wait(timeout)   waits until wake() is called or timeout seconds have passed (nil: no limit). It may yield,
---                         and may return early.
---   place:wake()          may be called at any time, before wait() too, from any coroutine and from finalizers. It
---                         must not resume the waiting coroutine itself: the event loop does.
---   place:close()         optional: called when the wait has ended.
--- Adapters may implement their own places. This one works with any waiter.

local waiting = require "cleat.socket.waiting"
local watch = require "cleat.socket.watch"

local place = {}

---@class cleat.socket.Place
local Place = {}
Place.__index = Place

function Place:wait(timeout)
    return waiting.call(self.waiter, self.watch, "read", timeout)
end

function Place:wake()
    self.watch:signal()
end

function Place:close()
    self.watch:close()
end

--- new returns a place for a coroutine that waits with the given waiter.
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
