--- SSLSockets over a stream of the host's: a socket object that has no descriptor to work with, only calls of its own to receive and send,
--- which wait in the host's own way (nginx's cosockets, luv's handles).
---
--- TLS is done in memory; the stream is what the socket's waiter waits with. A stream (see cleat.adapters) is a table with
---   connected()                  whether there is a peer
---   connect(to, timeout)         to: an address as Socket:connect takes it
---   receive(timeout)             the next bytes; "" at their end; nil if the timeout ran out
---   send(bytes, timeout)         true once all were taken; nil if the timeout ran out
---   close()
---   fileno(), getpeername(), getsockname()   where the host has them
---   value                        the host's object, which unwrap() returns
--- timeout is in seconds, nil if the socket has none: then the host's own timeouts hold. What the host reports is raised, with its message.

local C = require "cleat.backend"
local MemoryBIO = require "cleat.ssl.memory_bio"
local SSLSocket = require "cleat.ssl.socket"
local class = require "cleat.class"
local check = require "cleat.check"
local errors = require "cleat.errors"
local file = require "cleat.socket.file"
local object = require "cleat.socket.object"
local status = require "cleat.status"
local tls = require "cleat.ssl.tls"
local waiting = require "cleat.socket.waiting"

local const = C.const

-- How much of a large string is encrypted before it is sent.
local PIECE = 65536

---@class cleat.ssl.HostSocket: cleat.ssl.SSLSocket
---@field _stream table
---@field _incoming cleat.ssl.MemoryBIO what was received and not given to TLS yet
---@field _due integer see MemoryBIO:_feed
---@field _sending boolean whether a coroutine is in flush: one is enough, it sends what others add
---@field _sender table that coroutine, weakly
local HostSocket = class.new("ssl.SSLSocket", function()
    return errors.raise(errors.TypeError, "SSLSocket has no constructor: use SSLContext.wrap_socket()")
end, SSLSocket)

local function time_out(operation)
    return errors.throw(errors.from_connection(status.TIMEOUT, operation))
end

-- check_sender raises if the coroutine in flush was killed: what it had in its hands is lost, and with it the connection.
local function check_sender(self)
    local thread = self._sender[1]
    if thread == nil or (thread ~= true and coroutine.status(thread) == "dead") then
        errors.raise(errors.error, const.ECONNABORTED, "The coroutine that was sending has ended before all was sent")
    end
end

-- flush sends what TLS has for the network.
local function flush(self, deadline)
    if self._tls == 0 then
        return
    elseif self._sending then
        return check_sender(self)
    end
    local id = self._tls
    self._sending = true
    self._sender[1] = coroutine.running() or true -- nil is LuaJIT's main coroutine, which cannot be killed
    while self._tls == id do
        local waits = C.connection_drain_pending(id)
        if waits <= 0 then
            break
        end
        local _, bytes = errors.check(C.connection_drain(id, waits))
        local ok, sent = pcall(self._stream.send, self._stream, bytes, waiting.left(deadline))
        if not ok or not sent then
            self._sending = false
            return not ok and error(sent, 0) or time_out("write")
        end
    end
    self._sending = false
end

-- pump is the waiter of these sockets: it sends what is to be sent, and receives what TLS has to read.
local function pump(self, event, timeout)
    local deadline = waiting.deadline(timeout)
    local id = self._tls
    flush(self, deadline)
    if event == "write" or self._tls ~= id then
        return true
    end
    local incoming = self._incoming
    local due = incoming:_feed(id, self._due)
    if not due then
        local bytes = self._stream:receive(waiting.left(deadline))
        if bytes == nil then
            return false
        elseif bytes == "" then
            incoming:write_eof()
        else
            incoming:write(bytes)
        end
        due = self._tls == id and incoming:_feed(id, self._due)
    end
    self._due = due or 0
    return true
end

local function settle(self, ok, ...)
    if not ok then
        pcall(flush, self, waiting.deadline(self._timeout)) -- the alert that goes with the error
        error((...), 0)
    end
    flush(self, waiting.deadline(self._timeout))
    return ...
end

-- Whatever a method has put into TLS is sent before it returns.
for _, name in ipairs { "do_handshake", "recv", "recv_into", "read", "send", "write" } do
    local method = SSLSocket[name]
    HostSocket[name] = function(self, ...)
        return settle(self, pcall(method, self, ...))
    end
end

--- Encrypts and sends all of the bytes.
---@param data string|cleat.Buffer
---@param flags integer? 0
---@return integer # how many they were
function HostSocket:sendall(data, flags)
    local bytes = type(data) == "string" and data or tostring(data)
    if #bytes <= PIECE then
        return settle(self, pcall(SSLSocket.sendall, self, data, flags))
    end
    for first = 1, #bytes, PIECE do
        settle(self, pcall(SSLSocket.sendall, self, bytes:sub(first, first + PIECE - 1), flags))
    end
    return #bytes
end

--- Says goodbye to the peer and waits for its goodbye.
---@return any # the host's object
---@return string # what has come behind the peer's goodbye, and is not for TLS
function HostSocket:unwrap()
    settle(self, pcall(SSLSocket._say_goodbye, self))
    tls.drop(self, "unwrapped")
    return self._stream.value, self._incoming:read()
end

local function connect(self, to)
    tls.check_connect(self)
    self._stream:connect(to, self._timeout or nil)
    tls.connected(self)
end

--- Connects in the host's way, then does the handshake if do_handshake_on_connect says so.
---@param to string|table an address {host, port}, or a path for a Unix socket
function HostSocket:connect(to)
    connect(self, to)
end

--- The same, but returns an errno if the connection fails and the host has told one.
---@param to string|table
---@return integer
function HostSocket:connect_ex(to)
    local ok, err = pcall(connect, self, to)
    if ok then
        return 0
    elseif errors.error:is(err) and not errors.SSLError:is(err) and type(err.errno) == "number" then
        return err.errno
    end
    return error(err, 0)
end

function HostSocket:close()
    if self._state ~= "closed" then
        file.inherit(self)
        tls.drop(self, "closed")
        if self._stream then
            self._stream:close()
        end
    end
end

--- Takes TLS away and closes the connection: the host has no half of it to close.
---@param how integer socket.SHUT_*
function HostSocket:shutdown(how)
    check.integer("shutdown", "how", how, const.SHUT_RD, const.SHUT_RDWR)
    self:close()
end

--- The host's timeouts are taken where there is none; it cannot be 0, since the host has no calls that do not wait.
---@param timeout number? seconds
function HostSocket:settimeout(timeout)
    timeout = check.timeout("settimeout", timeout)
    if timeout == 0 then
        errors.raise(errors.NotImplementedError, "a socket of the host's cannot be non-blocking: wrap_bio can")
    end
    self._timeout = timeout or false
end

--- They wait with the host.
function HostSocket:setwaiter()
    return errors.raise(errors.NotImplementedError, "a socket of the host's waits in the host's own way")
end

for _, name in ipairs { "fileno", "getpeername", "getsockname" } do
    HostSocket[name] = function(self)
        self:_check_open()
        local f = self._stream[name]
        if not f then
            errors.raise(errors.NotImplementedError, ("the host's socket has no %s()"):format(name))
        end
        return f(self._stream)
    end
end

for _, name in ipairs { "accept", "bind", "detach", "getsockopt", "listen", "recvfrom", "recvfrom_into", "sendto", "setsockopt" } do
    HostSocket[name] = function()
        return errors.raise(errors.NotImplementedError, ("%s() is not possible with a socket of the host's"):format(name))
    end
end

--- Always refused: a pool of the host's holds connections without TLS. unwrap() gives back the object that can be kept.
function HostSocket:setkeepalive()
    return errors.raise(errors.NotImplementedError,
        "a TLS connection cannot go into the host's pool: unwrap() it first, and keep what that returns")
end

local WEAK = { __mode = "v" }

local function constant(value)
    return function()
        return value
    end
end

class.properties(HostSocket, class.merged(SSLSocket.getters, {
    _family = constant(const.AF_UNSPEC), _type = constant(const.SOCK_STREAM), _proto = constant(0),
}), SSLSocket.setters, class.merged(SSLSocket.defaults, { _sending = false, _waiter = pump }))
HostSocket.instance.__close = HostSocket.close

--- "<ssl.SSLSocket over table: 0x…>"
function HostSocket.instance:__tostring()
    return ("<ssl.SSLSocket%s over %s>"):format(self._state == "closed" and " [closed]" or "", tostring(self._stream.value))
end

--- over makes the socket; settings: the fields that are not as usual.
---@return cleat.ssl.HostSocket
---@return boolean connected
function HostSocket.over(context, stream, settings)
    local self = settings
    self._id, self._guard, self._timeout, self._wait = 0, false, object.default_timeout or false, 0
    self._tls, self._tls_guard, self._state, self._context = 0, false, "new", context
    self._stream, self._incoming, self._due = stream, MemoryBIO(), 0
    self._sender = setmetatable({}, WEAK)
    return setmetatable(self, HostSocket.instance), stream:connected()
end

return HostSocket
