--- Waiting for several registered objects: Python's selectors module (3.4, section 18.4).
---
---     local selectors = require "cleat.selectors"
---     local one, two = socket.socketpair()
---     local selector = selectors.DefaultSelector()
---     selector:register(two, selectors.EVENT_READ, "a reader")
---     one:sendall("x")
---     for _, ready in ipairs(selector:select(5)) do
---         local key, events = ready[1], ready[2]
---         print(key.data, key.fileobj == two, events == selectors.EVENT_READ) --> a reader	true	true
---     end
---     selector:close()

local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local fileno = require "cleat.select.descriptor"
local keywords = require "cleat.keywords"
local select = require "cleat.select"
local strict = require "cleat.strict"

local pcall = require("cleat.compat").pcall

local READ, WRITE = 1, 2

--- EVENT_*: the events to wait for, EVENT_READ and EVENT_WRITE; their sum is both.
--- Python: 3.4.
local selectors = { EVENT_READ = READ, EVENT_WRITE = WRITE }

--- The entry of a registered object in a selector. It is immutable.
---@class cleat.selectors.SelectorKey
---@field fileobj any the object that was registered
---@field fd integer the descriptor of the object
---@field events integer a sum of `EVENT_*`
---@field data any the argument `data` of register
---@field _fileobj any
---@field _fd integer
---@field _events integer
---@field _data any
local SelectorKey = class.new("selectors.SelectorKey", function()
    return errors.raise(errors.TypeError, "SelectorKey has no constructor: register() returns one")
end)

local fields = {}
for _, name in ipairs { "fileobj", "fd", "events", "data" } do
    local place = "_" .. name
    fields[name] = function(self)
        return rawget(self, place)
    end
end
class.properties(SelectorKey, fields, {})

local function new_key(fileobj, fd, events, data)
    return setmetatable({ _fileobj = fileobj, _fd = fd, _events = events, _data = data }, SelectorKey.instance)
end

--- Selectors wait until registered objects are readable or writable. SelectSelector, PollSelector and EpollSelector use
--- different system calls; DefaultSelector is the best one. The calls block the whole program; in an event loop use the
--- methods of sockets, which wait without blocking other coroutines.
---@class cleat.selectors.Selector
---@field _keys table<integer, cleat.selectors.SelectorKey>|false the entries by descriptor; false once closed
---@field _poller any
local Selector = class.new("selectors.BaseSelector", function()
    return errors.raise(errors.TypeError, "Can't instantiate abstract class BaseSelector")
end)

local function keys_of(self)
    if not self._keys then
        errors.raise(errors.RuntimeError, "Selector is closed")
    end
    return self._keys
end

-- lookup returns the descriptor of an object. For a closed object it is the descriptor with which it was registered.
local function lookup(self, fileobj)
    local ok, fd = pcall(fileno, fileobj)
    if ok then
        return fd
    end
    for known, key in pairs(keys_of(self)) do
        if key.fileobj == fileobj then
            return known
        end
    end
    if type(fileobj) == "number" then
        errors.raise(errors.ValueError, "Invalid file descriptor: " .. tostring(fileobj))
    end
    return errors.raise(errors.ValueError, "Invalid file object: " .. check.kind(fileobj))
end

local function check_events(f, events)
    if events ~= READ and events ~= WRITE and events ~= READ + WRITE then
        errors.raise(errors.ValueError, ("%s() argument 'events': Invalid events: %s"):format(f, check.shown(events)))
    end
    return events
end

local function registered(self, fileobj)
    local fd = lookup(self, fileobj)
    local key = keys_of(self)[fd]
    if not key then
        errors.raise(errors.KeyError, ("%s is not registered"):format(tostring(fileobj)))
    end
    return key
end

local parse_register = keywords.parser("register", { "fileobj", "events", "data" }, { required = 2, tables = { data = true } })

--- Registers an object, so that select() waits for it.
---
---     local selectors = require "cleat.selectors"
---     local one = socket.socketpair()
---     local selector = selectors.DefaultSelector()
---     local key = selector:register(one, selectors.EVENT_WRITE)
---     print(key.fileobj == one, #selector:select()) --> true	1
---     selector:close()
---
--- Raises: ValueError for other events, and for an object without a descriptor; KeyError if the object is registered
--- already; RuntimeError if the selector is closed.
--- Python: 3.4.
---@param fileobj any a descriptor, or an object with a method `fileno`
---@param events integer a sum of `EVENT_*`
---@param data any? any value of the program, which select() returns in the entry
---@return cleat.selectors.SelectorKey
function Selector:register(fileobj, events, data, ...)
    fileobj, events, data = parse_register(fileobj, events, data, ...)
    check_events("register", events)
    local keys, fd = keys_of(self), lookup(self, fileobj)
    if keys[fd] then
        errors.raise(errors.KeyError, ("%s (FD %d) is already registered"):format(tostring(fileobj), fd))
    end
    local key = new_key(fileobj, fd, events, data)
    self:_add(fd, events)
    keys[fd] = key
    return key
end

--- Unregisters an object, which may be closed already, and returns its entry.
---
---     local selectors = require "cleat.selectors"
---     local one = socket.socketpair()
---     local selector = selectors.DefaultSelector()
---     selector:register(one, selectors.EVENT_READ)
---     one:close()
---     print(selector:unregister(one).events == selectors.EVENT_READ) --> true
---     selector:close()
---
--- Raises: KeyError if the object is not registered; ValueError if it has no descriptor; RuntimeError if the selector
--- is closed.
--- Python: 3.4.
---@param fileobj any
---@return cleat.selectors.SelectorKey
function Selector:unregister(fileobj)
    local key = registered(self, fileobj)
    self._keys[key.fd] = nil
    self:_remove(key.fd)
    return key
end

local parse_modify = keywords.parser("modify", { "fileobj", "events", "data" }, { required = 2, tables = { data = true } })

--- Changes the events and the data of a registered object.
---
---     local selectors = require "cleat.selectors"
---     local one = socket.socketpair()
---     local selector = selectors.DefaultSelector()
---     selector:register(one, selectors.EVENT_READ)
---     selector:modify(one, selectors.EVENT_WRITE, "data")
---     print(selector:get_key(one).data) --> data
---     selector:close()
---
--- Raises: the same errors as register; KeyError if the object is not registered.
--- Python: 3.4.
---@param fileobj any
---@param events integer
---@param data any?
---@return cleat.selectors.SelectorKey
function Selector:modify(fileobj, events, data, ...)
    fileobj, events, data = parse_modify(fileobj, events, data, ...)
    check_events("modify", events)
    local old = registered(self, fileobj)
    local key = new_key(old.fileobj, old.fd, events, data)
    if events ~= old.events then
        self:_change(old.fd, events)
    end
    self._keys[old.fd] = key
    return key
end

local parse_select = keywords.parser("select", { "timeout" })

--- Waits until registered objects are ready, or the timeout has passed. A TLS connection may have decrypted bytes that
--- the descriptor does not report: call SSLSocket:pending first.
---
---     local selectors = require "cleat.selectors"
---     local selector = selectors.PollSelector()
---     print(#selector:select(0)) --> 0
---     selector:close()
---
--- Raises: RuntimeError if the selector is closed; TypeError.
--- Python: 3.4.
---@param timeout number? in seconds; 0 and negative numbers do not wait, nil waits without a limit
---@return [cleat.selectors.SelectorKey, integer][] # an array of {entry, events}, where events is a sum of the
--- `EVENT_*` that are ready; empty after a timeout
function Selector:select(timeout, ...)
    timeout = parse_select(timeout, ...)
    check.any_timeout("select", timeout)
    local keys = keys_of(self)
    if timeout and timeout < 0 then
        timeout = 0
    end
    local found = {}
    for _, each in ipairs(self:_wait(timeout)) do
        local key = keys[each[1]]
        local events = key and self._ready(each[2], key.events) or 0
        if events ~= 0 then
            found[#found + 1] = { key, events }
        end
    end
    return found
end

--- Closes the selector; the registered objects stay open. Closing it again has no effect.
---
---     local selectors = require "cleat.selectors"
---     local selector = selectors.DefaultSelector()
---     selector:close()
---     print(selector:get_map()) --> nil
---
--- Python: 3.4.
function Selector:close()
    if self._keys then
        self._keys = false
        local poller = self._poller
        self._poller = false
        if select.epoll:is(poller) then
            poller:close()
        end
    end
end

--- Returns the entry of a registered object.
---
---     local selectors = require "cleat.selectors"
---     local selector = selectors.DefaultSelector()
---     local one = socket.socketpair()
---     local key = selector:register(one, selectors.EVENT_READ)
---     print(selector:get_key(one:fileno()) == key) --> true
---     selector:close()
---
--- Raises: KeyError if the object is not registered; RuntimeError if the selector is closed; ValueError if the object
--- has no descriptor.
--- Python: 3.4.
---@param fileobj any
---@return cleat.selectors.SelectorKey
function Selector:get_key(fileobj)
    return registered(self, fileobj)
end

--- Returns the entries of all registered objects.
---
---     local selectors = require "cleat.selectors"
---     local one = socket.socketpair()
---     local selector = selectors.DefaultSelector()
---     selector:register(one, selectors.EVENT_READ)
---     print(selector:get_map()[one].fd == one:fileno()) --> true
---     selector:close()
---
--- Python: 3.4.
---@return table<any, cleat.selectors.SelectorKey>? # the entries by object; nil once the selector is closed
function Selector:get_map()
    if not self._keys then
        return nil
    end
    local map = {}
    for _, key in pairs(self._keys) do
        map[key.fileobj] = key
    end
    return map
end

-- derive makes a class of selectors from a constructor of its poller, and methods that translate events.
local function derive(name, make, methods)
    local new = class.new("selectors." .. name, function(of)
        return setmetatable({ _keys = {}, _poller = make() }, of.instance)
    end, Selector)
    for key, method in pairs(methods) do
        new[key] = method
    end
    class.properties(new, {}, {}, { _keys = false, _poller = false })
    function new.instance:__close()
        self:close()
    end
    selectors[name] = new
    return new
end

local function has(events, bit)
    return events % (bit * 2) >= bit
end

local function within(readable, writable, wanted)
    return (readable and has(wanted, READ) and READ or 0) + (writable and has(wanted, WRITE) and WRITE or 0)
end

selectors.BaseSelector, selectors.SelectorKey = Selector, SelectorKey

--- SelectSelector: a selector that uses select.select.
--- Python: 3.4.
derive("SelectSelector", function()
    return false
end, {
    _add = function() end,
    _change = function() end,
    _remove = function() end,
    _wait = function(self, timeout)
        local readers, writers, reported, found = {}, {}, {}, {}
        for fd, key in pairs(self._keys) do
            if has(key.events, READ) then
                readers[#readers + 1] = fd
            end
            if has(key.events, WRITE) then
                writers[#writers + 1] = fd
            end
        end
        local readable, writable = select.select(readers, writers, {}, timeout)
        for index, list in ipairs { readable, writable } do
            for _, fd in ipairs(list) do
                reported[fd] = (reported[fd] or 0) + index
            end
        end
        for fd, events in pairs(reported) do
            found[#found + 1] = { fd, events }
        end
        return found
    end,
    _ready = function(events)
        return events
    end,
})

-- poll(2) and epoll(7) have the same numbers. As in Python, an event that is neither readable nor writable counts as
-- both.
local function mask_of(events)
    return (has(events, READ) and select.POLLIN or 0) + (has(events, WRITE) and select.POLLOUT or 0)
end

local POLLING = {
    _add = function(self, fd, events)
        self._poller:register(fd, mask_of(events))
    end,
    _change = function(self, fd, events)
        self._poller:modify(fd, mask_of(events))
    end,
    _remove = function(self, fd)
        pcall(self._poller.unregister, self._poller, fd) -- a closed descriptor may be unregistered already
    end,
    _ready = function(events, wanted)
        local other = events % 8 ~= events or has(events, select.POLLPRI)
        return within(has(events, select.POLLIN) or other, has(events, select.POLLOUT) or other, wanted)
    end,
}

--- PollSelector: a selector that uses select.poll.
--- Python: 3.4.
local Polling = derive("PollSelector", select.poll, POLLING)
function Polling:_wait(timeout)
    return self._poller:poll(timeout and math.ceil(timeout * 1000))
end

--- EpollSelector: a selector that uses select.epoll.
--- Python: 3.4.
local Epolling = derive("EpollSelector", select.epoll, POLLING)
function Epolling:_wait(timeout)
    return self._poller:poll(timeout)
end

--- DefaultSelector: the best selector, EpollSelector.
--- Python: 3.4.
selectors.DefaultSelector = selectors.EpollSelector

return strict(selectors, "module 'selectors'")
