--- Socket addresses: conversion between Python's form and the ABI's.
---
--- In Lua an address is {host, port} for IPv4, {host, port, flowinfo, scopeid} for IPv6 (the last two may be omitted),
--- and a path for AF_UNIX. In the ABI it is a host and a port; an IPv6 scope follows the host after "%".
---
--- Python: section 17.2 (socket, address families).

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local resolution = require "cleat.socket.resolution"
local waiting = require "cleat.socket.waiting"

local address = {}

local AF_UNIX, AF_INET6 = C.const.AF_UNIX, C.const.AF_INET6

local function bad(f, expected, value)
    return errors.raise(errors.TypeError, ("%s() argument must be %s, not %s"):format(f, expected, check.kind(value)))
end

local function bad_part(f, part, expected, value)
    return errors.raise(errors.TypeError, ("%s() takes an address {host, port}: %s must be %s, not %s"):format(f, part, expected,
        check.shown(value)))
end

-- check_parts refuses a table with other keys than 1 to `count`, such as names.
local function check_parts(f, value, count)
    for key in pairs(value) do
        if type(key) ~= "number" or key % 1 ~= 0 or key < 1 or key > count then
            errors.raise(errors.TypeError, ("%s() takes an address {host, port%s}: it has a field %s"):format(f,
                count > 2 and ", flowinfo, scopeid" or "", type(key) == "string" and "'" .. key .. "'" or "[" .. tostring(key) .. "]"))
        end
    end
end

local function check_host(f, host)
    if type(host) ~= "string" then
        bad_part(f, "host", "a string", host)
    elseif host:find("\0", 1, true) then
        errors.raise(errors.ValueError, f .. "() host has an embedded null byte")
    end
end

local function check_port(f, port)
    if port < 0 or port > 65535 then
        errors.raise(errors.ValueError, f .. "() port must be 0-65535")
    end
end

local FLOWINFO_MAX = 1048575

-- scoped returns an IPv6 host with its scope appended, and the flow information.
local function scoped(f, host, flowinfo, scope)
    if flowinfo ~= nil and (check.integer(f, "flowinfo", flowinfo) < 0 or flowinfo > FLOWINFO_MAX) then
        errors.raise(errors.ValueError, f .. "() flowinfo must be 0-1048575")
    elseif scope ~= nil and scope ~= 0 and not host:find("%", 1, true) then
        host = host .. "%" .. check.integer(f, "scopeid", scope, 0)
    end
    return host, flowinfo or 0
end

--- Returns the host and port of an address, for the ABI.
---@param f string the function whose argument the address is, for messages
---@param family integer AF_*
---@param value any the address
---@return string host
---@return integer port 0 to 65535
---@return integer flowinfo of an IPv6 address
function address.pack(f, family, value)
    if family == AF_UNIX then
        if type(value) ~= "string" then
            bad(f, "a path", value)
        end
        return value, 0, 0
    end
    if type(value) ~= "table" then
        bad(f, "an address {host, port}", value)
    end
    check_parts(f, value, family == AF_INET6 and 4 or 2)
    local host, port, flowinfo, scope = value[1], value[2], value[3], value[4]
    if type(port) ~= "number" or port % 1 ~= 0 then
        check_host(f, host)
        bad_part(f, "port", "an integer", port)
    end
    check_host(f, host)
    check_port(f, port)
    if family ~= AF_INET6 then
        return host, port, 0
    end
    host, flowinfo = scoped(f, host, flowinfo, scope)
    return host, port, flowinfo
end

--- Returns the host and port of an address that will be resolved: the port may be a string of digits or the name of a
--- service. {host, port, flowinfo, scopeid} is accepted for IPv6 addresses.
---@param f string
---@param value any
---@return string host
---@return integer|string port
---@return integer flowinfo of an IPv6 address
function address.endpoint(f, value)
    if type(value) ~= "table" then
        bad(f, "an address {host, port}", value)
    end
    local host, port = value[1], value[2]
    local numeric = type(host) == "string" and host:find(":", 1, true)
    check_parts(f, value, numeric and 4 or 2)
    check_host(f, host)
    if type(port) == "string" then
        if port == "" or port:find("\0", 1, true) then
            errors.raise(errors.ValueError, f .. "() port must be a number or a service, not " .. check.shown(port))
        elseif port:find("^%d+$") then
            port = #port:match("^0*(%d*)") <= 5 and tonumber(port) or -1
        end
    end
    if type(port) == "number" and port % 1 == 0 then
        check_port(f, port)
    elseif type(port) ~= "string" then
        bad_part(f, "port", "an integer or a string", port)
    end
    local flowinfo = 0
    if numeric then
        host, flowinfo = scoped(f, host, value[3], value[4])
    end
    return host, port, flowinfo
end

--- Returns the address for a result of the ABI.
---@param family integer AF_*
---@param host string
---@param port integer
---@param flowinfo integer
---@param scope integer
---@return string|table
function address.unpack(family, host, port, flowinfo, scope)
    if family == AF_UNIX then
        return host
    elseif family == AF_INET6 then
        return { host, port, flowinfo, scope }
    end
    return { host, port }
end

--- Returns a function that waits for a resolution with a waiter, and false without one.
---@param waiter function|false
---@param timeout number?
---@return (fun(resolution: cleat.socket.Resolution): boolean)|false
function address.waits(waiter, timeout)
    local deadline = waiting.deadline(timeout)
    return waiter and function(object)
        return waiting.remaining(deadline) > 0 and waiting.call(waiter, object, "read", waiting.remaining_or_nil(deadline))
    end
end

--- Resolves a host and a service (Python's socket.getaddrinfo). The default waiter waits for name servers, if there is
--- one.
---@param host string? a name or numeric address; nil for the loopback or wildcard address
---@param port string|integer|nil the name of a service, or a port
---@param family integer? AF_*, 0 for any
---@param type_ integer? SOCK_*, 0 for any
---@param proto integer? 0 for any
---@param flags integer? AI_*
---@param timeout number? in seconds; ignored without a waiter
---@param waiter function? used if there is no default waiter
---@return table[] # {family, type, proto, canonname, address} each. Raises socket.gaierror
function address.resolve(host, port, family, type_, proto, flags, timeout, waiter)
    check.optional_path("getaddrinfo", "host", host)
    if type(port) == "number" then
        port = ("%d"):format(check.integer("getaddrinfo", "port", port))
    else
        check.optional_path("getaddrinfo", "port", port)
    end
    if host == nil and port == nil then
        errors.raise(errors.gaierror, -C.const.EAI_NONAME, "Name or service not known")
    end
    local list, guard = resolution.addrinfo(host, port,
        check.optional_integer("getaddrinfo", "family", family, 0),
        check.optional_integer("getaddrinfo", "type", type_, 0),
        check.optional_integer("getaddrinfo", "proto", proto, 0),
        check.optional_integer("getaddrinfo", "flags", flags, 0), address.waits(waiting.default or waiter, timeout))
    local _, canonname = errors.check(C.addrinfo_canonname(list))
    local entries = {}
    for index = 0, errors.check(C.addrinfo_count(list)) - 1 do
        local _, name, of, kind, protocol, number, flowinfo, scope = errors.check(C.addrinfo_address(list, index))
        entries[index + 1] = { of, kind, protocol, index == 0 and canonname or "",
            address.unpack(of, name, number, flowinfo, scope) }
    end
    C.guard_close(guard)
    return entries
end

return address
