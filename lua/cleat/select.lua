--- Waiting for several descriptors: Python's select module (2.7.16, section 16.1). The calls block the whole program;
--- in an event loop use the methods of sockets, which wait without blocking other coroutines.
---
---     local one, two = socket.socketpair()
---     one:sendall("x")
---     local readable = select.select({ two }, {}, {}, 5)
---     print(#readable) --> 1

local C = require "cleat.backend"
local check = require "cleat.check"
local Epoll = require "cleat.select.epoll"
local Poll = require "cleat.select.poll"
local errors = require "cleat.errors"
local fileno = require "cleat.select.descriptor"
local keywords = require "cleat.keywords"
local strict = require "cleat.strict"

local const = C.const
local arguments = select -- Lua's function

--- error: socket.error.
--- Python: 1.4.
local select = { error = errors.error, poll = Poll, epoll = Epoll }

-- In a program that has assigned the module to the global variable of the same name, other code still calls Lua's
-- function, cleat's modules among it.
setmetatable(select, {
    __call = function(_, ...)
        return arguments(...)
    end,
})

--- POLL*: events of select.poll: POLLIN (readable), POLLPRI and POLLOUT (writable) to wait for; POLLERR, POLLHUP and
--- POLLNVAL (not open) are always reported.
--- Python: 2.2.

--- EPOLL*: events of select.epoll, with the meanings of POLL*; and the flags EPOLLET, to report each change once, and
--- EPOLLONESHOT, to report the next event only.
--- Python: 2.6.
for name, value in pairs(const) do
    if name:find("^POLL%u") then
        select[name] = value
    elseif name:find("^EPOLL%u") then
        select[name] = value < 0 and value + 4294967296 or value
    end
end
--- EPOLL_CLOEXEC: a value of the argument `flags` of epoll. It has no effect, because exec always closes the
--- descriptor.
--- Python: 3.3.
select.EPOLL_CLOEXEC = 0x80000
--- PIPE_BUF: the number of bytes that can be written without blocking to a pipe that is reported as writable.
--- Python: 2.7.
select.PIPE_BUF = 4096

-- The events that Linux's select reports in its three sets.
local READABLE = { const.POLLIN, const.POLLHUP, const.POLLERR }
local WRITABLE = { const.POLLOUT, const.POLLERR }
local EXCEPTIONAL = { const.POLLPRI }

local function has(events, bit)
    return events % (bit * 2) >= bit
end

local function has_any(events, bits)
    for _, bit in ipairs(bits) do
        if has(events, bit) then
            return true
        end
    end
    return false
end

local parse = keywords.parser("select", { "rlist", "wlist", "xlist", "timeout" },
    { required = 3, tables = { rlist = true, wlist = true, xlist = true } })

--- Waits until one of several objects is readable, is writable, or has an exceptional condition. The lists contain
--- sockets, other objects with a method `fileno`, or descriptors. A TLS connection may have decrypted bytes that the
--- descriptor does not report: call SSLSocket:pending first.
---
---     local one, two = socket.socketpair()
---     one:sendall("x")
---     local readable, writable = select.select({ two }, { two }, {}, 5)
---     print(readable[1] == two, writable[1] == two) --> true	true
---
--- Raises: select.error with EBADF if an object is closed; ValueError for a negative timeout; TypeError.
--- Python: 1.4.
---@param rlist any[] wait until one of these is readable
---@param wlist any[] wait until one of these is writable
---@param xlist any[] wait until one of these has an exceptional condition, such as out-of-band data
---@param timeout number? in seconds; 0 does not wait, nil waits without a limit
---@return any[] readable the elements of `rlist` that are ready; empty after a timeout, like the next two
---@return any[] writable the elements of `wlist` that are ready
---@return any[] exceptional the elements of `xlist` that are ready
function select.select(rlist, wlist, xlist, timeout, ...)
    rlist, wlist, xlist, timeout = parse(rlist, wlist, xlist, timeout, ...)
    timeout = check.timeout("select", timeout)
    local fds, events, place = {}, {}, {}
    local function watch(name, list, event)
        if type(list) ~= "table" then
            check.fail("select", name, "an array", list)
        end
        local numbers = {}
        for index, value in ipairs(list) do
            local fd = fileno(value)
            local at = place[fd]
            if not at then
                at = #fds + 1
                place[fd], fds[at], events[at] = at, fd, 0
            end
            if not has(events[at], event) then
                events[at] = events[at] + event
            end
            numbers[index] = at
        end
        return numbers
    end
    local to_read = watch("rlist", rlist, const.POLLIN)
    local to_write = watch("wlist", wlist, const.POLLOUT)
    local to_except = watch("xlist", xlist, const.POLLPRI)

    local _, revents = errors.check(C.poll(fds, events, #fds, timeout or -1))

    local function ready(list, numbers, bits)
        local found = {}
        for index, value in ipairs(list) do
            local reported = revents[numbers[index]]
            if has(reported, const.POLLNVAL) then
                errors.throw(errors.from_errno(const.EBADF))
            elseif has_any(reported, bits) then
                found[#found + 1] = value
            end
        end
        return found
    end
    return ready(rlist, to_read, READABLE), ready(wlist, to_write, WRITABLE), ready(xlist, to_except, EXCEPTIONAL)
end

return strict(select, "module 'select'")
