--- Functions that create listening sockets, and sockets over descriptors (Python's create_server and fromfd).

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

-- shown formats an address for an error message.
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

--- Creates a TCP socket that is bound to an address and listens. It sets SO_REUSEADDR, and for IPv6 also IPV6_V6ONLY
--- unless `dualstack_ipv6` is true.
---
---     local listener = socket.create_server({ "127.0.0.1", 0 })
---     local client = socket.create_connection(listener:getsockname())
---     client:close()
---
--- Raises: socket.error, for example with EADDRINUSE; ValueError if `dualstack_ipv6` is true without IPv6; TypeError
--- and ValueError for a malformed address.
--- Python: 3.8.
---@param address [string, integer] {host, port}; the host "" is the wildcard address, the port 0 any free port
---@param family integer? `AF_INET`, the default, or `AF_INET6`. This and the following arguments are given by name
---@param backlog integer? see Socket:listen
---@param reuse_port boolean? sets SO_REUSEPORT, so that several processes can listen at the same port; false by default
---@param dualstack_ipv6 boolean? whether an IPv6 socket accepts IPv4 connections too; false by default
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

--- Returns whether IPv6 sockets of this machine can accept IPv4 connections: see `dualstack_ipv6` of create_server.
---
---     if socket.has_dualstack_ipv6() then
---         local listener = socket.create_server({ "::", 0 }, { family = socket.AF_INET6, dualstack_ipv6 = true })
---         listener:close()
---     end
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

--- Creates a socket over a duplicate of a descriptor. The original descriptor stays open, and the caller closes it. To
--- hand over the descriptor itself, use socket.socket { fileno = fd }.
---
---     local one, two = socket.socketpair()
---     local copy = socket.fromfd(one:fileno(), socket.AF_UNIX, socket.SOCK_STREAM)
---     copy:sendall("hello")
---     print(two:recv(5)) --> hello
---
--- Raises: socket.error with EBADF or ENOTSOCK; ValueError if the descriptor has another family, type or protocol;
--- TypeError.
--- Python: 1.4.
---@param fd integer
---@param family integer? `AF_*`. This and the next two are only compared with those of the descriptor; nil for any
---@param type integer? `SOCK_*`
---@param proto integer? `IPPROTO_*`; 0 for any too
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
