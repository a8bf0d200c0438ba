--- TLS sockets: Python's ssl.SSLSocket (section 17.3.2). Contexts make them: `context:wrap_socket(sock, …)`.
---
--- An SSLSocket is a socket: it has all methods of cleat.socket's, over the same descriptor. It is in one of these
--- states:
---
---   new        there is no connection yet: TLS waits for connect() or, on a server, accept(). Nothing is ever sent or
---   received
---              in plaintext: until then send and recv raise ENOTCONN
---   open       TLS was set up; the handshake is done, or done by the first call that needs it, and verifies the peer
---   in full
---   dropped    after shutdown(): only the socket is left
---   unwrapped  after unwrap(): the socket has been given back
---   closed
---
--- close() closes both, TLS and the socket, without close_notify, which unwrap() sends; after a failure of TLS the
--- alert still reaches the peer. A handshake that fails in wrap_socket, connect or accept closes the socket too, so
--- that nothing goes on in plaintext by mistake. Around a descriptor only TLS is closed: the wrapper works with a
--- duplicate, and the descriptor stays the caller's. What can be wrapped is listed in cleat.ssl.wrappable.
---
--- Several coroutines may use one SSLSocket at the same time: see cleat.socket.turns.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local class = require "cleat.class"
local connection = require "cleat.ssl.connection"
local connection_info = require "cleat.ssl.connection_info"
local descriptor = require "cleat.ssl.transport.descriptor"
local errors = require "cleat.errors"
local file = require "cleat.socket.file"
local io = require "cleat.ssl.io"
local keywords = require "cleat.keywords"
local object = require "cleat.socket.object"
local status = require "cleat.status"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall

local const = C.const
local Socket = object.Socket

---@class cleat.ssl.SSLSocket: cleat.Socket, cleat.ssl.Connection
---@field context cleat.ssl.SSLContext another one brings its certificate and CAs, before the handshake and in a
--- servername callback; after
--- the handshake only the attribute changes, as in Python; ValueError while a client shakes hands
---@field server_side boolean read-only
---@field server_hostname string? read-only, as it was given
---@field do_handshake_on_connect boolean
---@field suppress_ragged_eofs boolean
---@field _state "new"|"open"|"dropped"|"unwrapped"|"closed"
---@field _ascii_hostname string|false the A-labels of server_hostname
local SSLSocket = class.new("ssl.SSLSocket", function()
    return errors.raise(errors.TypeError, "SSLSocket has no constructor: use SSLContext.wrap_socket()")
end, connection.Connection, Socket)

for _, methods in ipairs { io, connection_info } do
    for name, method in pairs(methods) do
        SSLSocket[name] = method
    end
end

local IO = { read = "Read", recv = "Read", recv_into = "Read", write = "Write", send = "Write", sendall = "Write" }

-- _attach makes the TLS connection; the transport is connected.
function SSLSocket:_attach()
    connection.open(self, self._ascii_hostname or self._server_hostname)
    self._state = "open"
end

-- _prepare makes the TLS connection if there is none, or raises the error for the socket's state.
function SSLSocket:_prepare(method)
    local state = self._state
    local by_name = method == "read" or method == "write"
    if state == "dropped" or state == "unwrapped" or (state == "closed" and by_name) then
        errors.raise(errors.ValueError, (IO[method] or "Handshake") .. " on closed or unwrapped SSL socket.")
    elseif state == "closed" then
        errors.throw(errors.from_errno(const.EBADF))
    elseif state == "new" then
        local result = self._stream and status.sys(const.ENOTCONN) or C.socket_getpeername(self._id)
        if result < 0 and by_name then
            errors.raise(errors.ValueError, IO[method] .. " on a SSL socket that is not connected.")
        elseif result < 0 then
            errors.throw(errors.from_socket(result, method))
        end
        self:_attach()
    end
end

-- _gone raises the error of a call during which the connection was closed or unwrapped.
function SSLSocket:_gone(method)
    if self._state == "dropped" or self._state == "unwrapped" then
        return self:_prepare(method)
    end
    return errors.throw(errors.from_errno(const.EBADF))
end

function SSLSocket:_refuse(result, operation)
    self._events = result == status.WANT_WRITE and "w" or "r"
    return errors.throw(errors.from_connection(result, operation))
end

function SSLSocket:_yields()
    return (self._waiter or self._stream) ~= false
end

local parse_handshake = keywords.parser("do_handshake", { "block" })

--- do_handshake(block) does the handshake, and verifies the peer as the context asks; once done it does nothing. With
--- block a non-blocking socket waits until it is done. Raises SSLError, SSLCertVerificationError, SSLWantReadError …
function SSLSocket:do_handshake(...)
    local block = select("#", ...) > 0 and check.optional_boolean("do_handshake", "block", (parse_handshake(...)), false) or false
    if self._tls == 0 then
        self:_prepare("do_handshake")
    end
    connection.handshake(self, block and self._timeout == 0 and waiting.FOREVER or self._timeout)
end

-- _handshake_or_close does the handshake for wrap_socket, connect and accept: if it fails the socket is closed.
function SSLSocket:_handshake_or_close()
    local ok, err = pcall(connection.handshake, self, self._timeout)
    if not ok then
        if err ~= errors.want_read and err ~= errors.want_write then
            self:close()
        end
        error(err, 0)
    end
end

-- connect_stream connects an event loop's handle.
local function connect_stream(_, how, self, to, deadline)
    if how ~= "first" then
        return self:_occupied("connect")
    end
    self._stream:connect(to, waiting.left(deadline))
    if self._state ~= "new" then
        self:_gone("connect")
    end
    return 0
end

local function connect(self, method, to)
    if self._server_side then
        errors.raise(errors.ValueError, "can't connect in server-side mode")
    elseif self._state == "closed" then
        errors.throw(errors.from_errno(const.EBADF))
    elseif self._state ~= "new" then
        errors.raise(errors.ValueError, "attempt to connect already-connected SSLSocket!")
    end
    local result
    if self._stream then
        local deadline = waiting.deadline(self._timeout)
        result = turns.run(self, "writer", deadline, connect_stream, self, to, deadline)
    else
        result = Socket[method](self, to) or 0
    end
    if result == 0 then
        self:_attach()
        if self._auto then
            self:_handshake_or_close()
        end
    end
    return result
end

--- Connects, then does the handshake if do_handshake_on_connect says so.
---@param to string|table address
function SSLSocket:connect(to)
    connect(self, "connect", to)
end

--- The same, but returns an errno if the connection fails. A handshake that fails is raised.
---@param to string|table address
---@return integer # 0 or an errno
function SSLSocket:connect_ex(to)
    if not self._stream then
        return connect(self, "connect_ex", to)
    end
    local ok, err = pcall(connect, self, "connect_ex", to)
    if ok then
        return 0
    elseif errors.error:is(err) and not errors.SSLError:is(err) and type(err.errno) == "number" then
        return err.errno
    end
    return error(err, 0)
end

local USUAL = { server_side = true } -- the usual options for accepted connections

--- Waits for a connection and wraps it with the same context and settings.
---@return cleat.ssl.SSLSocket
---@return string|table address
function SSLSocket:accept()
    self:_check_descriptor("accept")
    local plain, from = Socket.accept(self)
    local options = USUAL
    if rawget(self, "_auto") ~= nil or rawget(self, "_ragged") ~= nil then
        options = { server_side = true, do_handshake_on_connect = self._auto, suppress_ragged_eofs = self._ragged }
    end
    local ok, wrapped = pcall(self._context.wrap_socket, self._context, plain, options)
    if not ok then
        plain:close()
        error(wrapped, 0)
    end
    return wrapped, from
end

-- give_back returns the wrapped socket, usable again.
local function give_back(self)
    local plain, owner, guard = self._plain, self._owner, self._guard
    self._guard, self._owner = false, false
    if not plain then -- the descriptor was duplicated
        turns.close(self, guard)
        return owner and owner:give_back() or self._wrapped
    end
    turns.close(self, false)
    if plain._id == 0 then -- closed by the user before unwrap()
        plain = object.adopt(self._id, guard, self._family, self._type, self._proto)
    end
    plain:_restore(self)
    return owner and owner:give_back(plain) or plain
end

--- Sends close_notify and waits for the peer's; what follows is plaintext. The wrapper is of no more use.
---@return any # what was wrapped
---@return string? # of an event loop's handle: what was received behind the peer's close_notify
function SSLSocket:unwrap()
    if self._state ~= "open" then
        errors.raise(errors.ValueError, "No SSL wrapper around " .. tostring(self))
    end
    connection.close_notify(self)
    if self._state ~= "open" then
        self:_gone("unwrap")
    end
    connection.drop(self)
    self._state = "unwrapped"
    if self._stream then
        turns.close(self, false)
        return self._stream.value, self._incoming:read()
    end
    return give_back(self)
end

--- Takes TLS away without close_notify, and ends one or both directions of the connection. An event loop's handle is
--- closed.
---@param how integer socket.SHUT_*
function SSLSocket:shutdown(how)
    if self._stream then
        check.integer("shutdown", "how", how, const.SHUT_RD, const.SHUT_RDWR)
        return self:close()
    end
    if self._state == "open" then
        connection.drop(self)
        self._state = "dropped"
        turns.close(self, false)
    end
    Socket.shutdown(self, how)
end

--- Closes TLS and the socket, without close_notify: see unwrap. Once is enough, more does no harm. Coroutines that wait
--- in the socket get socket.error with EBADF at once.
function SSLSocket:close()
    if self._state == "closed" then
        return
    end
    local id, guard, plain, below, owner = self._id, self._guard, self._plain, self._stream, self._owner
    local failed = self._failed
    if file.inherit(self, "_guard", "_tls_guard", "_plain", "_owner", "_stream") then
        guard, plain, below, owner, failed = false, false, false, false, false
    end
    if failed and below then
        self._transport.finish_sending(self)
    end
    connection.drop(self)
    self._state, self._id, self._guard, self._owner = "closed", 0, false, false
    if plain then
        plain._id, plain._guard, plain._borrowed = 0, false, false
    end
    turns.close(self, guard, guard and not self._foreign and object.shut_down(id))
    if below then
        below:close()
    end
    if owner then
        owner:close()
    end
end

function SSLSocket:_check_open()
    if self._state == "closed" then
        errors.throw(errors.from_errno(const.EBADF))
    end
end

-- _check_descriptor raises for methods that need a descriptor.
function SSLSocket:_check_descriptor(method)
    if self._stream then
        errors.raise(errors.NotImplementedError, ("%s() is not possible over an event loop's handle"):format(method))
    end
end

for _, name in ipairs { "bind", "detach", "getsockopt", "listen", "setsockopt", "setwaiter" } do
    SSLSocket[name] = function(self, ...)
        self:_check_descriptor(name)
        return Socket[name](self, ...)
    end
end

--- Over an event loop's handle the loop's own timeouts hold where there is none; there it cannot be 0, since the loop
--- has no calls that do not wait.
---@param timeout number? seconds
function SSLSocket:settimeout(timeout)
    if not self._stream then
        return Socket.settimeout(self, timeout)
    end
    timeout = check.timeout("settimeout", timeout)
    if timeout == 0 then
        errors.raise(errors.NotImplementedError, "a socket over an event loop's handle cannot be non-blocking: wrap_bio can")
    end
    self._timeout = waiting.inside(timeout)
end

for _, name in ipairs { "fileno", "getpeername", "getsockname" } do
    SSLSocket[name] = function(self)
        self:_check_open()
        local below = self._stream
        if not below then
            return Socket[name](self)
        elseif not below[name] then
            errors.raise(errors.NotImplementedError, ("the event loop's handle has no %s()"):format(name))
        end
        return below[name](below)
    end
end

--- Always refused: a pool of connections, such as nginx has, is for those without TLS. unwrap() returns the object that
--- can be kept.
function SSLSocket:setkeepalive()
    return errors.raise(errors.NotImplementedError,
        "a TLS connection cannot go into the event loop's pool: unwrap() it first, and keep what that returns")
end

-- Datagrams cannot be encrypted. Without a connection the system's error is raised.
for _, name in ipairs { "sendto", "recvfrom", "recvfrom_into" } do
    SSLSocket[name] = function(self)
        self:_check_descriptor(name)
        if self._state == "closed" then
            errors.throw(errors.from_errno(const.EBADF))
        elseif self._state == "new" then
            calls.expect(name, C.socket_getpeername(self._id))
        end
        return errors.raise(errors.ValueError, ("%s not allowed on instances of %s"):format(name, tostring(SSLSocket)))
    end
end

--- Not possible: TLS has one end here.
function SSLSocket:dup()
    return errors.raise(errors.NotImplementedError, "Can't dup() " .. class.name_of(self) .. " instances")
end

local function flag(name, field)
    return function(self)
        return self[field]
    end, function(self, value)
        if type(value) ~= "boolean" then
            errors.raise(errors.TypeError, ("%s must be a boolean, not %s"):format(name, check.kind(value)))
        end
        self[field] = value
    end
end

local getters, setters = {}, {}
getters.do_handshake_on_connect, setters.do_handshake_on_connect = flag("do_handshake_on_connect", "_auto")
getters.suppress_ragged_eofs, setters.suppress_ragged_eofs = flag("suppress_ragged_eofs", "_ragged")

for _, name in ipairs { "keyfile", "certfile", "cert_reqs", "ssl_version", "ca_certs", "ciphers" } do
    getters[name] = function(self)
        return self._arguments[name]
    end
end

-- Fields that most sockets do not store.
for name, over_stream in pairs { _family = const.AF_UNSPEC, _type = const.SOCK_STREAM, _proto = 0 } do
    getters[name] = function(self)
        local plain = self._plain
        return plain and plain[name] or over_stream
    end
end

class.properties(SSLSocket, class.merged(class.merged(Socket.getters, connection.getters), getters),
    class.merged(connection.setters, setters),
    class.merged(class.merged(object.defaults, connection.defaults), {
        _plain = false, -- the cleat.Socket that was wrapped
        _wrapped = false, -- the descriptor that was wrapped, of which this is a duplicate
        _stream = false, -- moves bytes in place of a descriptor, see cleat.ssl.transport.stream
        _owner = false, -- another library's socket object, see cleat.ssl.wrappable
        _transport = descriptor,
        _ascii_hostname = false,
        _auto = true, -- do_handshake_on_connect
        _ragged = true, -- suppress_ragged_eofs
        _begun = false, -- bytes that a write has encrypted and perhaps not sent, over a stream
        _unsent = false, -- whether the stream has bytes that it has perhaps not sent
        _arguments = {}, -- the arguments of ssl.wrap_socket: keyfile, certfile …
    }))

--- "<ssl.SSLSocket fd=3, …>", or "<ssl.SSLSocket over uv_tcp_t: 0x…>"
function SSLSocket.instance:__tostring()
    if self._stream then
        return ("<ssl.SSLSocket%s over %s>"):format(self._state == "closed" and " [closed]" or "", tostring(self._stream.value))
    end
    return Socket.instance.__tostring(self)
end

function SSLSocket.instance:__close()
    self:close()
end

return SSLSocket
