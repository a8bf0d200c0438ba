--- Watches: descriptors that become readable when another descriptor is ready, or when signal() is called.
---
--- A waiter can wait for a watch in place of a socket. signal() ends that wait with any waiter, and does not affect the
--- connection.

local C = require "cleat.backend"
local class = require "cleat.class"
local errors = require "cleat.errors"
local waiting = require "cleat.socket.waiting"

local const = C.const

---@class cleat.socket.Watch
---@field timeout number? in seconds, for cqueues
---@field _id integer
---@field _guard any
local Watch = class.new("socket.Watch", function()
    return errors.raise(errors.TypeError, "Watch has no constructor: a socket that waits makes one")
end)

--- Returns the descriptor, which a waiter waits for until it is readable.
---@return integer
function Watch:fileno()
    return errors.check(C.watch_fileno(self._id))
end

Watch.pollfd = Watch.fileno

function Watch.events()
    return "r"
end

--- Makes the descriptor readable. It may be called at any time, even from a finalizer.
function Watch:signal()
    C.watch_signal(self._id)
end

function Watch:close()
    C.guard_close(self._guard)
end

class.properties(Watch, {
    timeout = function()
        return nil
    end,
}, {})

local watch = {}

--- new returns a watch of a descriptor, or with -1 one that only signal() makes readable. event: "read" or "write".
---@param fd integer
---@param event string?
---@return cleat.socket.Watch
function watch.new(fd, event)
    local events = event == "write" and const.POLLOUT or event == "read" and const.POLLIN or 0
    local id, guard = errors.check(C.watch_new_guarded(fd, events, waiting.FOREVER))
    return setmetatable({ _guard = guard, _id = id }, Watch.instance)
end

return watch
