--- Functions that make sockets for servers, and over descriptors (Python's create_server and fromfd).

local C = require "cleat.backend"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local object = require "cleat.socket.object"
local repr = require "cleat.repr"

local pcall = compat.pcall
local const = C.const
local INET6, STREAM = const.AF_INET6, const.SOCK_STREAM

local server = {}

-- shown: an address in an error's message.
local function shown(address)
    if type(address) ~= "table" then
        return repr(tostring(address))
    end
    local parts = {}
    for index, part in ipairs(address) do
        parts[index] = type(part) == "string" and repr(part) or tostring(part)
    end
    return "{" .. table.concat(parts, ", ") .. "}"
end

local function bind(sock, address)
    local ok, err = pcall(sock.bind, sock, address)
    if not ok then
        if errors.error:is(err) and not errors.gaierror:is(err) and err.errno then
            err = errors.error(err.errno, ("%s (while attempting to bind on address %s)"):format(err.strerror, shown(address)))
            return errors.throw(err)
        end
        error(err, 0)
    end
end

local parse_create_server = keywords.parser("create_server", { "address", "family", "backlog", "reuse_port", "dualstack_ipv6" },
    { required = 1, positional = 1 })

--- Makes a TCP socket that listens at an address. It sets SO_REUSEADDR, and for IPv6 IPV6_V6ONLY.
---
---     local listener = socket.create_server({ "127.0.0.1", 0 })
---     local client = socket.create_connection(listener:getsockname())
---     client:close()
---
--- Raises: socket.error, for example with EADDRINUSE; ValueError if `dualstack_ipv6` is impossible; TypeError,
--- ValueError for a malformed address.
--- Python: 3.8.
---@param address table {host, port}; "" is the wildcard address, 0 any free port
---@param family integer? by name, as all that follow: `AF_INET`, the default, or `AF_INET6`
---@param backlog integer? how many connections may wait to be accepted; see Socket:listen
---@param reuse_port boolean? whether several processes may listen at the port
---@param dualstack_ipv6 boolean? whether the IPv6 socket accepts IPv4 connections too
---@return cleat.Socket
function server.create_server(address, family, backlog, reuse_port, dualstack_ipv6, ...)
    address, family, backlog, reuse_port, dualstack_ipv6 =
        parse_create_server(address, family, backlog, reuse_port, dualstack_ipv6, ...)
    family = check.optional_integer("create_server", "family", family, const.AF_INET)
    reuse_port = check.optional_boolean("create_server", "reuse_port", reuse_port, false)
    dualstack_ipv6 = check.optional_boolean("create_server", "dualstack_ipv6", dualstack_ipv6, false)
    if dualstack_ipv6 and not server.has_dualstack_ipv6() then
        errors.raise(errors.ValueError, "dualstack_ipv6 not supported on this platform")
    elseif dualstack_ipv6 and family ~= INET6 then
        errors.raise(errors.ValueError, "dualstack_ipv6 requires AF_INET6 family")
    end
    local sock = object.Socket(family, STREAM)
    local ok, err = pcall(function()
        sock:setsockopt(const.SOL_SOCKET, const.SO_REUSEADDR, 1)
        if reuse_port then
            sock:setsockopt(const.SOL_SOCKET, const.SO_REUSEPORT, 1)
        end
        if family == INET6 then
            sock:setsockopt(const.IPPROTO_IPV6, const.IPV6_V6ONLY, dualstack_ipv6 and 0 or 1)
        end
        bind(sock, address)
        sock:listen(backlog)
    end)
    if not ok then
        sock:close()
        error(err, 0)
    end
    return sock
end

--- Returns whether an IPv6 socket of this machine can accept IPv4 connections too: see create_server.
---
---     print(type(socket.has_dualstack_ipv6())) --> boolean
---
--- Python: 3.8.
---@return boolean
function server.has_dualstack_ipv6()
    local id, guard = C.socket_new_guarded(INET6, STREAM, 0)
    if id < 0 then
        return false
    end
    local result = C.socket_setsockopt(id, const.IPPROTO_IPV6, const.IPV6_V6ONLY, 0)
    C.guard_close(guard)
    return result >= 0
end

local parse_fromfd = keywords.parser("fromfd", { "fd", "family", "type", "proto" }, { required = 1 })

--- Makes a socket over a duplicate of a descriptor; the descriptor stays open. socket.socket { fileno = fd } takes the
--- descriptor over instead.
---
---     local one, two = socket.socketpair()
---     local copy = socket.fromfd(one:fileno(), socket.AF_UNIX, socket.SOCK_STREAM)
---     copy:sendall("hello")
---     print(two:recv(5)) --> hello
---
--- Raises: socket.error with EBADF, ENOTSOCK; ValueError if the socket has another family or type; TypeError.
--- Python: 1.4.
---@param fd integer
---@param family integer? `AF_*`; what the descriptor has, if it is nil, as the next two
---@param type integer? `SOCK_*`
---@param proto integer? a number that is not 0 must be the descriptor's
---@return cleat.Socket
function server.fromfd(fd, family, type, proto, ...)
    local kind
    fd, family, kind, proto = parse_fromfd(fd, family, type, proto, ...)
    local id, guard = errors.check(C.socket_duplicate_guarded(check.integer("fromfd", "fd", fd)))
    local found = { C.socket_family(id), C.socket_type(id), C.socket_protocol(id) }
    local ok, err = pcall(function()
        for index, part in ipairs { { "family", family }, { "type", kind }, { "proto", proto ~= 0 and proto or nil } } do
            if part[2] ~= nil and check.integer("fromfd", part[1], part[2]) ~= found[index] then
                errors.raise(errors.ValueError, ("fromfd() argument '%s' is %d, but the socket's is %d"):format(part[1], part[2],
                    found[index]))
            end
        end
    end)
    if not ok then
        C.guard_close(guard)
        error(err, 0)
    end
    return object.open(id, guard, found[1], found[2], found[3])
end

return server
