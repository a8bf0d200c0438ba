--- Waiting for several descriptors: Python's select module (2.7.16, section 16.1).
---
---     local one, two = socket.socketpair()
---     one:sendall("x")
---     local readable = select.select({ two }, {}, {}, 5)
---     print(#readable) --> 1

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local strict = require "cleat.strict"

local const = C.const

--- error: socket.error.
--- Python: 1.4.
local select = { error = errors.error }

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

local function method_of(value)
    return value.fileno
end

local function fileno(value)
    local number = value
    if type(value) == "table" or type(value) == "userdata" then
        local ok, method = pcall(method_of, value)
        number = nil
        if ok and check.callable(method) then
            number = method(value)
        end
    end
    if type(number) ~= "number" or number % 1 ~= 0 then
        errors.raise(errors.TypeError, "argument must be an integer, or have a fileno() method, not " .. check.kind(value))
    elseif number < 0 then
        errors.raise(errors.ValueError, ("file descriptor cannot be a negative integer (%d)"):format(number))
    elseif number > check.INT_MAX then
        errors.raise(errors.ValueError, ("file descriptor is out of range (%.0f)"):format(number))
    end
    return number
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
---@overload fun(rlist, wlist, xlist, keywords: cleat.keywords.select.select): any[], any[], any[]
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
