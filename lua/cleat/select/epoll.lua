--- Python's select.epoll (2.7.16, section 16.1.1): Linux's epoll.

local C = require "cleat.backend"
local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local fileno = require "cleat.select.descriptor"
local keywords = require "cleat.keywords"

local const = C.const

local CLOEXEC = 0x80000
local MASK_MAX = 0xffffffff
local DEFAULT = const.EPOLLIN + const.EPOLLOUT + const.EPOLLPRI
local MOST = 1023 -- as Python: FD_SETSIZE - 1
local FEW = 64 -- the initial number of events per wait; the next wait reports the others

local parse_new = keywords.parser("epoll", { "sizehint", "flags" })

--- Makes an epoll object, which waits for registered descriptors. The cost of a wait does not grow with the number of
--- descriptors. A closed descriptor is unregistered automatically, unless it has a duplicate.
---
---     local one, two = socket.socketpair()
---     local epoll = select.epoll()
---     epoll:register(two, select.EPOLLIN)
---     one:sendall("x")
---     local ready = epoll:poll(5)
---     print(#ready, ready[1][1] == two:fileno(), ready[1][2] == select.EPOLLIN) --> 1	true	true
---     epoll:close()
---
--- Raises: IOError (EMFILE, ENFILE); ValueError, TypeError for `sizehint` and `flags`, which have no effect.
--- Python: 2.6, without `fromfd`.
---@class cleat.select.Epoll
---@field closed boolean whether close() was called; read-only
---@field _id integer
---@field _guard cleat.backend.Guard|false closes the id
---@overload fun(sizehint?: integer, flags?: integer): cleat.select.Epoll
local Epoll = class.new("select.epoll", function(of, sizehint, ...)
    local flags
    sizehint, flags = parse_new(sizehint, ...)
    sizehint = check.optional_integer("epoll", "sizehint", sizehint, -1)
    flags = check.optional_integer("epoll", "flags", flags, CLOEXEC)
    if sizehint < 1 and sizehint ~= -1 then
        errors.raise(errors.ValueError, "sizehint must be positive or -1")
    elseif flags ~= 0 and flags ~= CLOEXEC then
        errors.raise(errors.ValueError, "invalid flags")
    end
    local id, guard = errors.check(C.epoll_new_guarded())
    return setmetatable({ _id = id, _guard = guard }, of.instance)
end)

local function id_of(self)
    if self._id == 0 then
        errors.raise(errors.ValueError, "I/O operation on closed epoll object")
    end
    return self._id
end

-- control calls epoll_ctl. The ABI passes the 32 bits of the events in a signed integer.
local function control(self, operation, fd, events)
    if events > check.INT_MAX then
        events = events - (MASK_MAX + 1)
    end
    errors.check(C.epoll_control(id_of(self), operation, fd, events))
end

--- Closes the epoll object and its descriptor; the registered descriptors stay open. Closing it again has no effect.
---
---     local epoll = select.epoll()
---     epoll:close()
---     print(epoll.closed) --> true
---
--- Python: 2.6.
function Epoll:close()
    if self._id ~= 0 then
        C.guard_close(self._guard)
        self._id, self._guard = 0, false
    end
end

--- Returns the descriptor of the epoll object, which is readable while there are events.
---
---     local epoll = select.epoll()
---     print(epoll:fileno() > 2) --> true
---
--- Raises: ValueError if the epoll object is closed.
--- Python: 2.6.
---@return integer
function Epoll:fileno()
    return errors.check(C.epoll_fileno(id_of(self)))
end

local parse_register = keywords.parser("register", { "fd", "eventmask" }, { required = 1 })

--- Registers a descriptor, so that poll() waits for it.
---
---     local one, two = socket.socketpair()
---     local epoll = select.epoll()
---     epoll:register(one, { eventmask = select.EPOLLOUT })
---     print(pcall(epoll.register, epoll, one)) --> false	[Errno 17] File exists
---
--- Raises: IOError with EEXIST if the descriptor is registered already, and with EPERM for a file; ValueError if the
--- epoll object is closed; TypeError and ValueError for other arguments.
--- Python: 2.6.
---@param fd any a descriptor, or an object with a method `fileno`
---@param eventmask integer? a sum of `EPOLL*`; EPOLLIN, EPOLLOUT and EPOLLPRI by default
function Epoll:register(fd, eventmask, ...)
    fd, eventmask = parse_register(fd, eventmask, ...)
    eventmask = check.optional_integer("register", "eventmask", eventmask, DEFAULT, 0, MASK_MAX)
    control(self, const.EPOLL_CTL_ADD, fileno(fd), eventmask)
end

local parse_modify = keywords.parser("modify", { "fd", "eventmask" }, { required = 2 })

--- Changes the events of a registered descriptor.
---
---     local one, two = socket.socketpair()
---     local epoll = select.epoll()
---     epoll:register(one, select.EPOLLIN)
---     epoll:modify(one, select.EPOLLOUT)
---     print(#epoll:poll(0)) --> 1
---
--- Raises: IOError with ENOENT if the descriptor is not registered; otherwise as register.
--- Python: 2.6.
---@param fd any
---@param eventmask integer
function Epoll:modify(fd, eventmask, ...)
    fd, eventmask = parse_modify(fd, eventmask, ...)
    eventmask = check.integer("modify", "eventmask", eventmask, 0, MASK_MAX)
    control(self, const.EPOLL_CTL_MOD, fileno(fd), eventmask)
end

--- Unregisters a descriptor.
---
---     local one, two = socket.socketpair()
---     local epoll = select.epoll()
---     epoll:register(one)
---     epoll:unregister(one)
---     print(#epoll:poll(0)) --> 0
---
--- Raises: IOError with ENOENT if the descriptor is not registered; ValueError if the epoll object is closed;
--- TypeError.
--- Python: 2.6.
---@param fd any
function Epoll:unregister(fd)
    control(self, const.EPOLL_CTL_DEL, fileno(fd), 0)
end

local parse_poll = keywords.parser("poll", { "timeout", "maxevents" })

--- Waits until a registered descriptor is ready. A TLS connection may have decrypted bytes that the descriptor does not
--- report: call SSLSocket:pending first.
---
---     local epoll = select.epoll()
---     print(#epoll:poll(0.01)) --> 0
---
--- Raises: ValueError if the epoll object is closed, or `maxevents` is 0; TypeError.
--- Python: 2.6.
---@param timeout number? in seconds; nil and negative numbers wait without a limit
---@param maxevents integer? the maximum number of descriptors in the result; 1023 by default
---@return [integer, integer][] # an array of {descriptor, events}, where events is a sum of `EPOLL*`; empty after a
--- timeout
function Epoll:poll(timeout, maxevents, ...)
    timeout, maxevents = parse_poll(timeout, maxevents, ...)
    check.any_timeout("poll", timeout)
    maxevents = check.optional_integer("poll", "maxevents", maxevents, -1)
    if maxevents < -1 or maxevents == 0 then
        errors.raise(errors.ValueError, ("maxevents must be greater than 0, got %d"):format(maxevents))
    end
    local room = maxevents == -1 and self._room or math.min(maxevents, MOST)
    local count, fds, events = errors.check(C.epoll_wait(id_of(self), room, room,
        (timeout == nil or timeout < 0) and -1 or timeout))
    if count == room and maxevents == -1 then
        self._room = math.min(room * 2, MOST)
    end
    local found = {}
    for index = 1, count do
        local mask = events[index]
        found[index] = { fds[index], mask < 0 and mask + (MASK_MAX + 1) or mask }
    end
    return found
end

class.properties(Epoll, {
    closed = function(self)
        return self._id == 0
    end,
}, {}, { _guard = false, _room = FEW })

function Epoll.instance:__close()
    self:close()
end

return Epoll
