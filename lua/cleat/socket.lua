--- Sockets: Python's socket module (2.7.16, section 17.2, with the additions up to 3.13). docs/python-to-lua.md lists
--- what is missing.
---
---     local sock = socket.create_connection({ "127.0.0.1", port }, 5)
---     print(sock:gettimeout()) --> 5
---     sock:close()
---
--- A socket's timeout decides how long its calls wait. nil waits without a limit. 0 does not wait: calls raise
--- socket.error with EAGAIN, and connect with EINPROGRESS. A positive number is a limit in seconds, after which calls
--- raise socket.timeout. A socket is closed when it is garbage-collected, and at the end of its scope if it is a
--- `<close>` variable. All functions accept arguments by name, except recv, send and similar methods that move data.

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

--- SOCK_*: socket types: SOCK_STREAM, SOCK_DGRAM …
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

--- MSG_*: flags of recv, send and similar methods.
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

--- Creates two sockets that are connected to each other.
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

--- Resolves a host and a service to a list of addresses, in the order in which a client should try them. With a default
--- waiter (setdefaultwaiter) other coroutines run during the lookup; without one it blocks the thread.
---
---     for _, entry in ipairs(socket.getaddrinfo("127.0.0.1", 443, { type = socket.SOCK_STREAM })) do
---         local family, kind, proto, canonname, address = unpack(entry)
---         print(address[1], address[2]) --> 127.0.0.1	443
---     end
---
--- Raises: socket.gaierror if the host is unknown; TypeError.
--- Python: 2.2.
---@param host string? a name or a numeric address; nil for the loopback address, or with AI_PASSIVE the wildcard
--- address
---@param port string|integer|nil a number, a string of digits or the name of a service; nil for 0
---@param family integer? return only this `AF_*`; 0, the default, for all
---@param type integer? return only this `SOCK_*`; 0, the default, for all
---@param proto integer? return only this `IPPROTO_*`; 0, the default, for all
---@param flags integer? `AI_*`; 0 by default
---@return [integer, integer, integer, string, [string, integer]][] # each entry is {family, type, proto, canonname,
--- address}: the first three and the last are for socket.socket and connect; canonname is "" without AI_CANONNAME
function socket.getaddrinfo(host, port, family, type, proto, flags, ...)
    return addresses.resolve(parse_getaddrinfo(host, port, family, type, proto, flags, ...))
end

local parse_create_connection = keywords.parser("create_connection", { "address", "timeout", "source_address" },
    { required = 1 })

--- Connects to a host over TCP. Tries each address of the host in turn, and returns the first socket that connects.
---
---     local sock = socket.create_connection({ "localhost", port }, 10)
---     print(sock:gettimeout()) --> 10
---     sock:close()
---
--- Raises: socket.error of the last attempt if no address accepts; socket.gaierror if the host is unknown;
--- socket.timeout; TypeError and ValueError for a malformed address.
--- Python: 2.6.
---@param address [string, integer|string] {host, port}; the port may also be a string of digits or the name of a
--- service
---@param timeout number? in seconds, for each attempt and for the later calls of the socket; nil for the default
--- timeout
---@param source_address [string, integer]? {host, port} to bind the socket to before it connects
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

--- Returns the default timeout, which new sockets have.
---
---     socket.setdefaulttimeout(30)
---     print(socket.getdefaulttimeout(), socket.socket():gettimeout()) --> 30	30
---     socket.setdefaulttimeout(nil)
---
--- Python: 2.3.
---@return number? # in seconds; nil for no limit
function socket.getdefaulttimeout()
    return object.default_timeout
end

--- Sets the default timeout, for sockets that are created later.
---
---     socket.setdefaulttimeout(30)
---     print(socket.socket():gettimeout()) --> 30
---     socket.setdefaulttimeout(nil)
---
--- Raises: ValueError for negative numbers and NaN; TypeError.
--- Python: 2.3.
---@param timeout number? in seconds; nil for no limit, which is the initial value
function socket.setdefaulttimeout(timeout)
    object.default_timeout = check.timeout("setdefaulttimeout", timeout)
end

--- Returns the default waiter, which new sockets have.
---
---     local before = socket.getdefaultwaiter()
---     socket.setdefaultwaiter(function() return false end) -- a waiter that times out at once
---     print(pcall(socket.socketpair().recv, (socket.socketpair()), 1)) --> false	timed out
---     socket.setdefaultwaiter(before)
---
--- Python: none.
---@return (fun(sock: cleat.Socket, event: "read"|"write", timeout: number?): boolean)?
function socket.getdefaultwaiter()
    return waiting.default or nil
end

--- Sets the default waiter, for sockets that this Lua state creates later, and for name resolution. See
--- Socket:setwaiter.
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
--- Raises: TypeError if the waiter is not callable.
--- Python: none.
---@param waiter (fun(sock: cleat.Socket, event: "read"|"write", timeout: number?): boolean)? nil for none: calls block
--- the thread
function socket.setdefaultwaiter(waiter)
    waiting.default = waiting.check("setdefaultwaiter", waiter)
end

return strict(socket, "module 'socket'")
