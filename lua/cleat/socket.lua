--- Sockets: Python's socket module (2.7.16, section 17.2), as far as ssl needs it.
---
---     local socket = require "cleat.socket"
---     local sock = socket.create_connection({"example.org", 80}, 5)
---     sock:sendall("HEAD / HTTP/1.0\r\n\r\n")
---     print(sock:recv(1024))
---
--- A socket's timeout decides how its calls wait: nil for ever, 0 not at all (they raise socket.error with EAGAIN,
--- connect with EINPROGRESS), otherwise so many seconds (they raise socket.timeout). A socket is closed when it is
--- collected, and at the end of its scope if it is a <close> variable. recv, send and their like take no keyword
--- arguments; all other functions do.

local C = require "cleat.backend"
local Buffer = require "cleat.buffer"
local compat = require "cleat.compat"
local address = require "cleat.socket.address"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local object = require "cleat.socket.object"
local strict = require "cleat.strict"
local waiting = require "cleat.socket.waiting"
require "cleat.socket.datagram"

local pcall = compat.pcall

local const = C.const
local Socket = object.Socket

local socket = {}

-- The constants keep their names; those of getaddrinfo's errors are negative, as in Python on Linux.
for name, value in pairs(const) do
    local prefix = name:match("^%u+%d?_")
    if prefix == "AF_" or prefix == "AI_" or prefix == "SOCK_" or prefix == "SOL_" or prefix == "SO_" or
        prefix == "IPPROTO_" or prefix == "TCP_" or prefix == "IPV6_" or prefix == "MSG_" or prefix == "SHUT_" then
        socket[name] = value
    elseif prefix == "EAI_" then
        socket[name] = -value
    end
end
socket.SOMAXCONN = const.SOMAXCONN
socket.has_ipv6 = true

socket.error = errors.error
socket.gaierror = errors.gaierror
socket.herror = errors.herror
socket.timeout = errors.timeout
socket.buffer = Buffer
socket.socket = Socket
socket.SocketType = Socket

local parse_socketpair = keywords.parser("socketpair", { "family", "type", "proto" })

--- socketpair(family, type, proto) makes two sockets that are connected to each other. family: AF_UNIX.
---@return cleat.Socket, cleat.Socket
function socket.socketpair(...)
    local family, kind, proto = parse_socketpair(...)
    family = check.optional_integer("socketpair", "family", family, const.AF_UNIX)
    kind = check.optional_integer("socketpair", "type", kind, const.SOCK_STREAM)
    proto = check.optional_integer("socketpair", "proto", proto, 0)
    local _, first, second, first_guard, second_guard = errors.check(C.socket_pair_guarded(family, kind, proto))
    return object.open(first, first_guard, family, kind, proto), object.open(second, second_guard, family, kind, proto)
end

local parse_getaddrinfo = keywords.parser("getaddrinfo", { "host", "port", "family", "type", "proto", "flags" })

--- getaddrinfo(host, port, family, type, proto, flags) returns {family, type, proto, canonname, address} for each
--- address, in the order in which to try them. Raises socket.gaierror.
function socket.getaddrinfo(...)
    return address.resolve(parse_getaddrinfo(...))
end

local parse_create_connection = keywords.parser("create_connection", { "address", "timeout", "source_address" },
    { required = 1 })

--- create_connection(address, timeout, source_address) connects to {host, port}, trying each of the host's addresses
--- until one answers; raises the last error if none does. port: an integer, and here, not in other functions'
--- addresses, a string of digits or a service's name too. timeout: for each of the attempts and for the socket
--- afterwards, nil for the default one.
---@return cleat.Socket
function socket.create_connection(...)
    local to, timeout, source_address = parse_create_connection(...)
    local host, port = address.endpoint("create_connection", to)
    timeout = check.timeout("create_connection", timeout)
    local last
    for _, entry in ipairs(address.resolve(host, port, 0, const.SOCK_STREAM, 0, 0, timeout or object.default_timeout)) do
        local sock
        local ok, err = pcall(function()
            sock = Socket(entry[1], entry[2], entry[3])
            if timeout ~= nil then
                sock:settimeout(timeout)
            end
            if source_address ~= nil then
                sock:bind(source_address)
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

--- The timeout of new sockets.
---@return number? seconds
function socket.getdefaulttimeout()
    return object.default_timeout
end

---@param timeout number? seconds, nil for ever (as at the start)
function socket.setdefaulttimeout(timeout)
    object.default_timeout = check.timeout("setdefaulttimeout", timeout)
end

--- The waiter of new sockets.
---@return function?
function socket.getdefaultwaiter()
    return waiting.default or nil
end

--- Gives all sockets that this Lua state makes from now on a waiter: see Socket:setwaiter.
---@param waiter (fun(sock: cleat.Socket, event: "read"|"write", timeout: number?): boolean)? nil for none
function socket.setdefaultwaiter(waiter)
    waiting.default = waiting.check("setdefaultwaiter", waiter)
end

return strict(socket, "module 'socket'")
