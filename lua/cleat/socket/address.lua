--- Socket addresses, as Python writes them and as the ABI takes them.
---
--- In Lua an address is {host, port} for IPv4, {host, port, flowinfo, scopeid} for IPv6 (the last two may be left out), and a path for
--- AF_UNIX. Below it is a host and a port; an IPv6 scope stands in the host, behind "%".
---
--- Python: section 17.2 (socket, address families).

local C = require "cleat.backend"
local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local resolution = require "cleat.socket.resolution"
local waiting = require "cleat.socket.waiting"

local address = {}

local AF_UNIX, AF_INET6 = C.const.AF_UNIX, C.const.AF_INET6

local function bad(f, expected, value)
    return errors.raise(errors.TypeError, ("%s() argument must be %s, not %s"):format(f, expected, class.name_of(value)))
end

--- The host and port that the ABI takes for an address.
---@param f string the function that was given it
---@param family integer AF_*
---@param value any the address
---@return string host
---@return integer port 0 to 65535
function address.pack(f, family, value)
    if family == AF_UNIX then
        if type(value) ~= "string" then
            bad(f, "a path", value)
        end
        return value, 0
    end
    if type(value) ~= "table" then
        bad(f, "an address {host, port}", value)
    end
    local host, port, flowinfo, scope = value[1], value[2], value[3], value[4]
    if type(host) ~= "string" or type(port) ~= "number" or port % 1 ~= 0 then
        bad(f, "an address {host, port} of a string and an integer", value)
    elseif port < 0 or port > 65535 then
        errors.raise(errors.ValueError, f .. "() port must be 0-65535")
    elseif host:find("\0", 1, true) then
        errors.raise(errors.ValueError, f .. "() host has an embedded null byte")
    end
    if family == AF_INET6 then
        if flowinfo ~= nil and flowinfo ~= 0 then
            errors.raise(errors.NotImplementedError, f .. "() flowinfo other than 0 is not supported")
        elseif scope ~= nil and scope ~= 0 and not host:find("%", 1, true) then
            host = host .. "%" .. check.integer(f, "scopeid", scope, 0)
        end
    end
    return host, port
end

--- The address that the ABI's answer stands for.
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

--- Resolves a host and a service (Python's socket.getaddrinfo). It may wait for name servers, by the
--- default waiter if there is one.
---@param host string? a name or numeric address; nil is this machine
---@param port string|integer|nil a service's name or a port
---@param family integer? AF_*, 0 for any
---@param type_ integer? SOCK_*, 0 for any
---@param proto integer? 0 for any
---@param flags integer? AI_*
---@param timeout number? in seconds, where there is a default waiter to keep it
---@return table[] # {family, type, proto, canonname, address} each; raises socket.gaierror
function address.resolve(host, port, family, type_, proto, flags, timeout)
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
        check.optional_integer("getaddrinfo", "flags", flags, 0), waiting.default, waiting.deadline(timeout))
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
