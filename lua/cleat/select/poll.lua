--- Python's select.poll (2.7.16, section 16.1.2).

local C = require "cleat.backend"
local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local fileno = require "cleat.select.descriptor"
local keywords = require "cleat.keywords"

local const = C.const
local select = select -- see keywords.lua

local MASK_MAX = 0x7fff
local DEFAULT = const.POLLIN + const.POLLPRI + const.POLLOUT

--- Makes a polling object, which waits for registered descriptors. It stores their numbers only, and does not keep
--- sockets open.
---
---     local one, two = socket.socketpair()
---     local poller = select.poll()
---     poller:register(two, select.POLLIN)
---     one:sendall("x")
---     local ready = poller:poll(5000)
---     print(#ready, ready[1][1] == two:fileno(), ready[1][2] == select.POLLIN) --> 1	true	true
---
--- Raises: TypeError if arguments are given.
--- Python: 2.2.
---@class cleat.select.Poll
---@field _masks table<integer, integer> the events by descriptor
---@field _order integer[]|false the descriptors, in order; false after a change
---@overload fun(): cleat.select.Poll
local Poll = class.new("select.poll", function(of, ...)
    if select("#", ...) > 0 then
        errors.raise(errors.TypeError, "poll() takes no arguments")
    end
    return setmetatable({ _masks = {}, _order = false }, of.instance)
end)

local parse_register = keywords.parser("register", { "fd", "eventmask" }, { required = 1 })

--- Registers a descriptor, so that poll() waits for it. If it is registered already, its events are replaced.
---
---     local sock = socket.socket()
---     local poller = select.poll()
---     poller:register(sock, select.POLLIN)
---     poller:register(sock, select.POLLOUT)
---     print(#poller:poll(0)) --> 1
---
--- Raises: TypeError and ValueError if `fd` is not a descriptor and has none, or if `eventmask` is not a sum of
--- `POLL*`.
--- Python: 2.2.
---@param fd any a descriptor, or an object with a method `fileno`
---@param eventmask integer? a sum of `POLL*`; POLLIN, POLLPRI and POLLOUT by default
function Poll:register(fd, eventmask, ...)
    fd, eventmask = parse_register(fd, eventmask, ...)
    eventmask = check.optional_integer("register", "eventmask", eventmask, DEFAULT, 0, MASK_MAX)
    self._masks[fileno(fd)] = eventmask
    self._order = false
end

local parse_modify = keywords.parser("modify", { "fd", "eventmask" }, { required = 2 })

--- Changes the events of a registered descriptor.
---
---     local poller = select.poll()
---     print(pcall(poller.modify, poller, 3, select.POLLIN)) --> false	[Errno 2] No such file or directory
---
--- Raises: IOError with ENOENT if the descriptor is not registered; otherwise as register.
--- Python: 2.6.
---@param fd any
---@param eventmask integer
function Poll:modify(fd, eventmask, ...)
    fd, eventmask = parse_modify(fd, eventmask, ...)
    eventmask = check.integer("modify", "eventmask", eventmask, 0, MASK_MAX)
    fd = fileno(fd)
    if not self._masks[fd] then
        errors.throw(errors.IOError(const.ENOENT, "No such file or directory"))
    end
    self._masks[fd] = eventmask
end

--- Unregisters a descriptor. Do this before the descriptor is closed, because its number may be reused.
---
---     local poller = select.poll()
---     print(pcall(poller.unregister, poller, 3)) --> false	3
---
--- Raises: KeyError if the descriptor is not registered; TypeError, ValueError.
--- Python: 2.2.
---@param fd any
function Poll:unregister(fd)
    fd = fileno(fd)
    if not self._masks[fd] then
        errors.raise(errors.KeyError, fd)
    end
    self._masks[fd] = nil
    self._order = false
end

local function ordered(self)
    local list = self._order
    if not list then
        list = {}
        for fd in pairs(self._masks) do
            list[#list + 1] = fd
        end
        table.sort(list)
        self._order = list
    end
    return list
end

local parse_poll = keywords.parser("poll", { "timeout" })

--- Waits until a registered descriptor is ready. A TLS connection may have decrypted bytes that the descriptor does not
--- report: call SSLSocket:pending first.
---
---     local poller = select.poll()
---     print(#poller:poll(10)) --> 0
---
--- Raises: TypeError; ValueError if `timeout` is NaN.
--- Python: 2.2.
---@param timeout number? in milliseconds; nil and negative numbers wait without a limit
---@return [integer, integer][] # an array of {descriptor, events}, where events is a sum of `POLL*`, and POLLNVAL for a
--- descriptor that is not open; empty after a timeout
function Poll:poll(timeout, ...)
    timeout = parse_poll(timeout, ...)
    check.any_timeout("poll", timeout)
    local fds, events = ordered(self), {}
    for index, fd in ipairs(fds) do
        events[index] = self._masks[fd]
    end
    local seconds = (timeout == nil or timeout < 0) and -1 or timeout / 1000
    local _, revents = errors.check(C.poll(fds, events, #fds, seconds))
    local found = {}
    for index, fd in ipairs(fds) do
        if revents[index] ~= 0 then
            found[#found + 1] = { fd, revents[index] }
        end
    end
    return found
end

class.properties(Poll, {}, {}, { _masks = false, _order = false })

return Poll
