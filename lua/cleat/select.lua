--- Waiting for several descriptors: Python's select module (2.7.16, section 16.1). They block the whole program:
--- coroutines of an event loop wait in the sockets' own calls.
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

--- error: socket.error.
--- Python: 1.4.
local select = { error = errors.error, poll = Poll, epoll = Epoll }

--- POLL*: events of select.poll: POLLIN, POLLPRI, POLLOUT to wait for; POLLERR, POLLHUP, POLLNVAL are always reported.
--- Python: 2.2.

--- EPOLL*: events of select.epoll, as POLL*; EPOLLET reports each change once, EPOLLONESHOT only the next event.
--- Python: 2.6.
for name, value in pairs(const) do
    if name:find("^POLL%u") then
        select[name] = value
    elseif name:find("^EPOLL%u") then
        select[name] = value < 0 and value + 4294967296 or value
    end
end
--- EPOLL_CLOEXEC: for the argument `flags` of epoll. The descriptor is always closed by exec.
--- Python: 3.3.
select.EPOLL_CLOEXEC = 0x80000
--- PIPE_BUF: how many bytes can be written to a pipe that is writable without waiting.
--- Python: 2.7.
select.PIPE_BUF = 4096

-- Linux's select reports these events in its three sets.
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

--- Waits until one of several objects can be read or written, or has an exceptional condition. The lists hold sockets,
--- other objects with a method `fileno`, or descriptors. A TLS connection may have decrypted bytes that no descriptor
--- reports: look at SSLSocket:pending first.
---
---     local one, two = socket.socketpair()
---     one:sendall("x")
---     local readable, writable = select.select({ two }, { two }, {}, 5)
---     print(readable[1] == two, writable[1] == two) --> true	true
---
--- Raises: select.error with EBADF if one is closed; ValueError for a negative timeout; TypeError.
--- Python: 1.4.
---@param rlist any[] wait until one can be read
---@param wlist any[] wait until one can be written
---@param xlist any[] wait for an exceptional condition
---@param timeout number? seconds; 0 does not wait, nil waits without a limit
---@return any[] readable those of `rlist` that are ready; empty after a timeout
---@return any[] writable
---@return any[] exceptional
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
