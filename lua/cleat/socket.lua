--- Sockets: Python's socket module (2.7.16, section 17.2, with what 3.13 has beyond it); what it does not have is in
--- docs/python-to-lua.md.
---
---     local sock = socket.create_connection({ "127.0.0.1", port }, 5)
---     print(sock:gettimeout()) --> 5
---     sock:close()
---
--- A socket's timeout decides how its calls wait: nil without a limit, 0 not at all (they raise socket.error with
--- EAGAIN, connect with EINPROGRESS), otherwise so many seconds (then they raise socket.timeout). A socket is closed
--- when it is collected, and at the end of its scope if it is a `<close>` variable. recv, send and their like accept no
--- arguments by name; all other functions do.

local C = require "cleat.backend"
local Buffer = require "cleat.buffer"
local compat = require "cleat.compat"
local addresses = require "cleat.socket.address"
local check = require "cleat.check"
local constants = require "cleat.socket.constants"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local names = require "cleat.socket.names"
local object = require "cleat.socket.object"
local server = require "cleat.socket.server"
local strict = require "cleat.strict"
local waiting = require "cleat.socket.waiting"
require "cleat.socket.message"
require "cleat.socket.sendfile"

local pcall = compat.pcall

local const = C.const
local Socket = object.Socket

local socket = {}

--- AF_*: address families: AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC.
--- Python: 1.4.
for name, value in pairs(const) do
    local prefix = name:match("^%u+%d?_")
    if prefix == "AF_" or prefix == "AI_" or prefix == "SOCK_" or prefix == "SOL_" or prefix == "SO_" or
        prefix == "IPPROTO_" or prefix == "TCP_" or prefix == "IPV6_" or prefix == "MSG_" or prefix == "SHUT_" or
        prefix == "NI_" then
        socket[name] = value
    elseif prefix == "EAI_" then
        socket[name] = -value
    end
end
for _, part in ipairs { constants, names, server } do
    for name, value in pairs(part) do
        socket[name] = value
    end
end
socket.SOMAXCONN = const.SOMAXCONN
socket.has_ipv6 = true

socket.error = errors.error
socket.gaierror = errors.gaierror
socket.herror = errors.herror
socket.timeout = errors.timeout
socket.TimeoutError = errors.timeout
socket.buffer = Buffer
socket.socket = Socket
socket.SocketType = Socket

--- SOCK_*: types of sockets: SOCK_STREAM, SOCK_DGRAM …
--- Python: 1.4.

--- AI_*: flags of getaddrinfo.
--- Python: 2.2.

--- EAI_*: the field `errno` of a gaierror; negative, as in Python on Linux.
--- Python: 2.2.

--- SOL_*: levels of getsockopt and setsockopt.
--- Python: 1.4.

--- SO_*: options of the level SOL_SOCKET.
--- Python: 1.4.

--- IPPROTO_*: protocols, and levels of options.
--- Python: 1.4.

--- TCP_*: options of the level IPPROTO_TCP.
--- Python: 2.2.

--- IPV6_*: options of the level IPPROTO_IPV6.
--- Python: 2.4.

--- MSG_*: flags of recv, send and their like.
--- Python: 1.4.

--- SHUT_*: the argument of Socket:shutdown: SHUT_RD, SHUT_WR, SHUT_RDWR.
--- Python: 2.4.

--- SOMAXCONN: the largest backlog of Socket:listen.
--- Python: 1.6.

--- has_ipv6: true.
--- Python: 2.3.

--- socket: the class of sockets, see below.
--- Python: 1.4.

--- SocketType: the same class.
--- Python: 1.4.

--- buffer: the class of mutable buffers, see below.
--- Python: none; `bytearray`.

local parse_socketpair = keywords.parser("socketpair", { "family", "type", "proto" })

--- Makes two sockets that are connected to each other.
---
---     local one, two = socket.socketpair()
---     one:sendall("hello")
---     print(two:recv(5)) --> hello
---
--- Raises: socket.error.
--- Python: 2.4.
---@param family integer? `AF_*`; `AF_UNIX` by default
---@param type integer? `SOCK_*`; `SOCK_STREAM` by default
---@param proto integer? 0 by default
---@return cleat.Socket
---@return cleat.Socket
function socket.socketpair(family, type, proto, ...)
    local kind
    family, kind, proto = parse_socketpair(family, type, proto, ...)
    family = check.optional_integer("socketpair", "family", family, const.AF_UNIX)
    kind = check.optional_integer("socketpair", "type", kind, const.SOCK_STREAM)
    proto = check.optional_integer("socketpair", "proto", proto, 0)
    local _, first, second, first_guard, second_guard = errors.check(C.socket_pair_guarded(family, kind, proto))
    return object.open(first, first_guard, family, kind, proto), object.open(second, second_guard, family, kind, proto)
end

local parse_getaddrinfo = keywords.parser("getaddrinfo", { "host", "port", "family", "type", "proto", "flags" })

--- Resolves a host and a service to addresses, in the order in which to try them. In a coroutine with a default waiter
--- other coroutines run meanwhile.
---
---     for _, entry in ipairs(socket.getaddrinfo("127.0.0.1", 443, { type = socket.SOCK_STREAM })) do
---         local family, kind, proto, canonname, address = unpack(entry)
---         print(address[1], address[2]) --> 127.0.0.1	443
---     end
---
--- Raises: socket.gaierror if the host is unknown; TypeError.
--- Python: 2.2.
---@param host string? a name or a numeric address; nil for this machine
---@param port string|integer|nil a number, digits or the name of a service
---@param family integer? `AF_*`; 0, the default, for any
---@param type integer? `SOCK_*`; 0, the default, for any
---@param proto integer? 0, the default, for any
---@param flags integer? `AI_*`; 0 by default
---@return table[] # of {family, type, proto, canonname, address}
function socket.getaddrinfo(host, port, family, type, proto, flags, ...)
    return addresses.resolve(parse_getaddrinfo(host, port, family, type, proto, flags, ...))
end

local parse_create_connection = keywords.parser("create_connection", { "address", "timeout", "source_address" },
    { required = 1 })

--- Connects to a host, trying each of its addresses in turn.
---
---     local sock = socket.create_connection({ "localhost", port }, 10)
---     print(sock:gettimeout()) --> 10
---     sock:close()
---
--- Raises: the error of the last attempt, a socket.error; socket.gaierror if the host is unknown; socket.timeout;
--- TypeError, ValueError for a malformed address.
--- Python: 2.6.
---@param address table {host, port}; the port may also be digits or the name of a service
---@param timeout number? seconds, for each attempt and for the socket afterwards; nil for the default timeout
---@param source_address table? the address to connect from
---@return cleat.Socket
function socket.create_connection(address, timeout, source_address, ...)
    address, timeout, source_address = parse_create_connection(address, timeout, source_address, ...)
    local host, port, flowinfo = addresses.endpoint("create_connection", address)
    timeout = check.timeout("create_connection", timeout)
    local last
    for _, entry in ipairs(addresses.resolve(host, port, 0, const.SOCK_STREAM, 0, 0, timeout or object.default_timeout)) do
        local sock
        local ok, err = pcall(function()
            sock = Socket(entry[1], entry[2], entry[3])
            if timeout ~= nil then
                sock:settimeout(timeout)
            end
            if source_address ~= nil then
                sock:bind(source_address)
            end
            if entry[1] == const.AF_INET6 then
                entry[5][3] = flowinfo
            end
            sock:connect(entry[5])
        end)
        if ok then
            return sock
        elseif sock then
            sock:close()
        end
        last = err
        if not errors.error:is(err) then
            break
        end
    end
    return error(last or errors.error("getaddrinfo returns an empty list"), 0)
end

--- Returns the timeout of new sockets.
---
---     print(socket.getdefaulttimeout()) --> nil
---
--- Python: 2.3.
---@return number? # seconds; nil for no limit
function socket.getdefaulttimeout()
    return object.default_timeout
end

--- Sets the timeout of new sockets.
---
---     socket.setdefaulttimeout(30)
---     print(socket.socket():gettimeout()) --> 30
---     socket.setdefaulttimeout(nil)
---
--- Raises: ValueError for negative numbers; TypeError.
--- Python: 2.3.
---@param timeout number? seconds; nil, the default, for no limit
function socket.setdefaulttimeout(timeout)
    object.default_timeout = check.timeout("setdefaulttimeout", timeout)
end

--- Returns the waiter of new sockets.
---
---     print(socket.getdefaultwaiter()) --> nil
---
--- Python: none.
---@return (fun(sock: cleat.Socket, event: "read"|"write", timeout: number?): boolean)?
function socket.getdefaultwaiter()
    return waiting.default or nil
end

--- Sets the waiter of all sockets that this Lua state makes from now on: see Socket:setwaiter.
---
---     local function waiter(sock, event, timeout)
---         local readable, writable = select.select(
---             event == "read" and { sock } or {}, event == "write" and { sock } or {}, {}, timeout)
---         return #readable + #writable > 0
---     end
---     socket.setdefaultwaiter(waiter)
---     print(socket.socket():getwaiter() == waiter) --> true
---     socket.setdefaultwaiter(nil)
---
--- Raises: TypeError unless it can be called.
--- Python: none.
---@param waiter (fun(sock: cleat.Socket, event: "read"|"write", timeout: number?): boolean)? nil for none
function socket.setdefaultwaiter(waiter)
    waiting.default = waiting.check("setdefaultwaiter", waiter)
end

return strict(socket, "module 'socket'")
