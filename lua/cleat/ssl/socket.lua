--- TLS sockets: Python's ssl.SSLSocket (section 17.3.2). Contexts make them: `context:wrap_socket(sock, …)`.
---
--- An SSLSocket is a socket: it has all methods of cleat.socket's, over the same descriptor. It is in one of these states:
---
---   new        there is no connection yet: TLS waits for connect() or, on a server, accept(). Nothing is ever sent or received
---              in the clear: until then send and recv raise ENOTCONN
---   open       TLS was set up; the handshake is done, or done by the first call that needs it, and verifies the peer in full
---   dropped    after shutdown(): only the socket is left
---   unwrapped  after unwrap(): the socket has been given back
---   closed
---
--- close() ends both, TLS and the socket, without a word to the peer: unwrap() says goodbye (close_notify). A handshake that fails in
--- wrap_socket, connect or accept closes the socket too, so that nothing goes on in the clear by mistake. Around a plain
--- descriptor only TLS is closed: the descriptor stays the caller's.

local C = require "cleat.backend"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local facts = require "cleat.ssl.facts"
local file = require "cleat.socket.file"
local idna = require "cleat.idna"
local keywords = require "cleat.keywords"
local object = require "cleat.socket.object"
local status = require "cleat.status"
local stream = require "cleat.ssl.stream"
local tls = require "cleat.ssl.tls"
local transport = require "cleat.ssl.transport"

local const = C.const
local Socket = object.Socket

---@class cleat.ssl.SSLSocket: cleat.Socket
---@field context cleat.ssl.SSLContext another one brings its certificate and authorities; ValueError after the handshake
---@field server_side boolean read-only
---@field server_hostname string? read-only, as it was given
---@field do_handshake_on_connect boolean
---@field suppress_ragged_eofs boolean
---@field _plain cleat.Socket|false what was wrapped
---@field _tls integer the ABI's id of the connection, 0 unless open
---@field _tls_guard any
---@field _state "new"|"open"|"dropped"|"unwrapped"|"closed"
---@field _sni string|false the A-labels of server_hostname
---@field _origin cleat.ssl.SSLContext|false the context when TLS was set up: its servername callback counts
---@field _asking boolean while the servername callback runs
---@field _arguments table what ssl.wrap_socket was called with: keyfile, certfile …
local SSLSocket = class.new("ssl.SSLSocket", function()
    return errors.raise(errors.TypeError, "SSLSocket has no constructor: use SSLContext.wrap_socket()")
end, Socket)

for _, methods in ipairs { stream, facts } do
    for name, method in pairs(methods) do
        SSLSocket[name] = method
    end
end

local parse_handshake = keywords.parser("do_handshake", { "block" })

--- do_handshake(block) does the handshake, and verifies the peer as the context asks; once done it does nothing. With block a
--- non-blocking socket waits until it is done. Raises SSLError, SSLCertVerificationError, SSLWantReadError …
function SSLSocket:do_handshake(...)
    local block = check.optional_boolean("do_handshake", "block", (parse_handshake(...)), false)
    if self._tls == 0 then
        tls.prepare(self, "do_handshake")
    end
    tls.handshake(self, block and self._wait == 0 and -1 or self._wait)
end

local function connect(self, method, to)
    if self._server_side then
        errors.raise(errors.ValueError, "can't connect in server-side mode")
    elseif self._state == "closed" then
        errors.throw(errors.from_errno(const.EBADF))
    elseif self._state ~= "new" then
        errors.raise(errors.ValueError, "attempt to connect already-connected SSLSocket!")
    end
    local result = Socket[method](self, to) or 0
    if result == 0 then
        tls.attach(self)
        if self._auto then
            tls.handshake_or_close(self)
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
    return connect(self, "connect_ex", to)
end

--- Waits for a connection and wraps it with the same context and settings.
---@return cleat.ssl.SSLSocket
---@return string|table address
function SSLSocket:accept()
    local plain, from = Socket.accept(self)
    local ok, wrapped = pcall(self._context.wrap_socket, self._context, plain, true, self._auto, self._ragged)
    if not ok then
        plain:close()
        error(wrapped, 0)
    end
    return wrapped, from
end

-- give_back makes the wrapped socket whole again, and returns it.
local function give_back(self)
    local plain = self._plain
    if not plain then
        return self._fd
    elseif plain._id == 0 then -- closed by the user, while the wrapper lived on
        plain = object.adopt(self._id, self._guard, self._family, self._type, self._proto)
    end
    plain._lent, plain._timeout, plain._wait = false, self._timeout, self._wait
    self._guard = false
    return plain
end

--- Says goodbye to the peer and waits for its goodbye (close_notify); what follows is plain. The wrapper is of no more use.
---@return cleat.Socket|integer # what was wrapped
function SSLSocket:unwrap()
    if self._state ~= "open" then
        errors.raise(errors.ValueError, "No SSL wrapper around " .. tostring(self))
    end
    local result = C.connection_shutdown(self._tls, self._wait)
    if result < 0 then
        errors.throw(errors.from_connection(result, "read"))
    end
    tls.drop(self, "unwrapped")
    return give_back(self)
end

--- Takes TLS away without a goodbye, and ends one or both directions of the connection.
---@param how integer socket.SHUT_*
function SSLSocket:shutdown(how)
    if self._state == "open" then
        tls.drop(self, "dropped")
    end
    Socket.shutdown(self, how)
end

--- Closes TLS and the socket, without a goodbye: see unwrap. Once is enough, more does no harm.
function SSLSocket:close()
    if self._state == "closed" then
        return
    end
    file.inherit(self)
    tls.drop(self, "closed")
    if self._guard then
        C.guard_close(self._guard)
        self._guard = false
        local plain = self._plain
        plain._id, plain._guard, plain._lent = 0, false, false
    end
    self._id = 0
end

--- The system's number of the descriptor.
---@return integer
function SSLSocket:fileno()
    if self._state == "closed" then
        errors.throw(errors.from_errno(const.EBADF))
    end
    return Socket.fileno(self)
end

-- Datagrams cannot be encrypted. Where there is no connection yet the system says so.
for _, name in ipairs { "sendto", "recvfrom", "recvfrom_into" } do
    SSLSocket[name] = function(self)
        if self._state == "closed" then
            errors.throw(errors.from_errno(const.EBADF))
        elseif self._state == "new" then
            calls.settle(name, calls.call(self, C.socket_getpeername))
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

function getters:server_side()
    return self._server_side
end

function getters:server_hostname()
    return self._server_hostname or nil
end

function getters:context()
    return self._context
end

function setters:context(value)
    if getmetatable(value) ~= getmetatable(self._context) then
        errors.raise(errors.TypeError, "The value must be a SSLContext, not " .. class.name_of(value))
    elseif self._state == "open" then
        errors.check(C.connection_set_context(self._tls, value._id))
    end
    self._context = value
end

for _, name in ipairs { "keyfile", "certfile", "cert_reqs", "ssl_version", "ca_certs", "ciphers" } do
    getters[name] = function(self)
        return self._arguments[name]
    end
end

class.properties(SSLSocket, class.merged(Socket.getters, getters), setters)
SSLSocket.instance.__tostring = Socket.instance.__tostring
SSLSocket.instance.__close = Socket.instance.__close

-- check_hostname returns the A-label of a server_hostname.
local function check_hostname(hostname)
    check.string("wrap_socket", "server_hostname", hostname)
    if hostname == "" or hostname:sub(1, 1) == "." then
        errors.raise(errors.ValueError, "server_hostname cannot be an empty string or start with a leading dot.")
    elseif hostname:find("\0", 1, true) then
        errors.raise(errors.ValueError, "server_hostname has an embedded null byte")
    end
    local name = idna.encode(hostname)
    if #name > 255 then
        errors.raise(errors.ValueError, "server_hostname is longer than 255 bytes")
    end
    return name
end

---@class cleat.ssl.WrapOptions
---@field server_side boolean?
---@field do_handshake_on_connect boolean?
---@field suppress_ragged_eofs boolean?
---@field server_hostname string?

--- SSLContext.wrap_socket with its arguments by name.
---@param context cleat.ssl.SSLContext
---@param sock cleat.Socket|integer see cleat.ssl.transport
---@param options cleat.ssl.WrapOptions
---@param arguments table? those of ssl.wrap_socket
---@return cleat.ssl.SSLSocket
local function wrap(context, sock, options, arguments)
    local server_side = check.optional_boolean("wrap_socket", "server_side", options.server_side, false)
    local auto = check.optional_boolean("wrap_socket", "do_handshake_on_connect", options.do_handshake_on_connect, true)
    local ragged = check.optional_boolean("wrap_socket", "suppress_ragged_eofs", options.suppress_ragged_eofs, true)
    local hostname = options.server_hostname
    local plain, fd, family, kind, proto = transport.of(sock)
    if server_side and hostname ~= nil then
        errors.raise(errors.ValueError, "server_hostname can only be specified in client mode")
    elseif context.check_hostname and hostname == nil then
        errors.raise(errors.ValueError, "check_hostname requires server_hostname")
    end
    local sni = hostname ~= nil and check_hostname(hostname)
    local timeout = object.default_timeout
    if plain then
        timeout = plain._timeout
    end
    local self = setmetatable({
        _id = plain and plain._id or 0, _guard = plain and plain._guard or false, _fd = fd, _family = family,
        _type = kind, _proto = proto, _timeout = timeout or false, _wait = timeout or -1, _lent = false,
        _shared = false, _plain = plain or false, _tls = 0, _tls_guard = false, _state = "new", _context = context,
        _server_side = server_side, _server_hostname = hostname or false, _sni = sni, _auto = auto, _ragged = ragged,
        _arguments = arguments or {}, _origin = false, _asking = false,
    }, SSLSocket.instance)

    local result = calls.call(self, C.socket_getpeername)
    if result >= 0 then
        if auto and self._wait == 0 then
            errors.raise(errors.ValueError, "do_handshake_on_connect should not be specified for non-blocking sockets")
        end
        tls.attach(self)
    elseif result ~= status.sys(const.ENOTCONN) then
        errors.throw(errors.from_socket(result, "getpeername"))
    end
    if plain then
        plain._lent = true
    end
    if self._state == "open" and auto then
        tls.handshake_or_close(self)
    end
    return self
end

return { SSLSocket = SSLSocket, wrap = wrap }
