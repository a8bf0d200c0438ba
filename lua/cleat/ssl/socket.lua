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
--- descriptor only TLS is closed: the descriptor stays the caller's. What can be wrapped is told in cleat.ssl.transport.

local C = require "cleat.backend"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local facts = require "cleat.ssl.facts"
local file = require "cleat.socket.file"
local keywords = require "cleat.keywords"
local object = require "cleat.socket.object"
local stream = require "cleat.ssl.stream"
local tls = require "cleat.ssl.tls"

local const = C.const
local Socket = object.Socket

---@class cleat.ssl.SSLSocket: cleat.Socket
---@field context cleat.ssl.SSLContext another one brings its certificate and authorities; ValueError after the handshake
---@field server_side boolean read-only
---@field server_hostname string? read-only, as it was given
---@field do_handshake_on_connect boolean
---@field suppress_ragged_eofs boolean
---@field _tls integer the ABI's id of the connection, 0 unless open
---@field _tls_guard any
---@field _state "new"|"open"|"dropped"|"unwrapped"|"closed"
---@field _sni string|false the A-labels of server_hostname
---@field _origin cleat.ssl.SSLContext the context when TLS was set up: its servername callback counts
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
    local block = select("#", ...) > 0 and check.optional_boolean("do_handshake", "block", (parse_handshake(...)), false) or false
    if self._tls == 0 then
        tls.prepare(self, "do_handshake")
    end
    tls.handshake(self, (not block or self._timeout ~= 0) and self._timeout)
end

local function connect(self, method, to)
    tls.check_connect(self)
    local result = Socket[method](self, to) or 0
    if result == 0 then
        tls.connected(self)
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

local wrap -- cleat.ssl.wrap, which requires this file
local USUAL = { server_side = true } -- what an accepted connection is wrapped with, mostly

--- Waits for a connection and wraps it with the same context and settings.
---@return cleat.ssl.SSLSocket
---@return string|table address
function SSLSocket:accept()
    local plain, from = Socket.accept(self)
    local options = USUAL
    if rawget(self, "_auto") ~= nil or rawget(self, "_ragged") ~= nil then
        options = { server_side = true, do_handshake_on_connect = self._auto, suppress_ragged_eofs = self._ragged }
    end
    wrap = wrap or require "cleat.ssl.wrap"
    local ok, wrapped = pcall(wrap, self._context, plain, options)
    if not ok then
        plain:close()
        error(wrapped, 0)
    end
    return wrapped, from
end

-- give_back makes the wrapped socket whole again, and returns it.
local function give_back(self)
    local plain, owner, guard = self._plain, self._owner, self._guard
    self._guard, self._owner = false, false
    if not plain then
        return owner and owner:give_back() or self._fd
    elseif plain._id == 0 then -- closed by the user, while the wrapper lived on
        plain = object.adopt(self._id, guard, self._family, self._type, self._proto)
    end
    plain._lent, plain._timeout = false, self._timeout
    plain:setwaiter(self._waiter or nil)
    plain._wait = self._wait
    return owner and owner:give_back(plain) or plain
end

-- _say_goodbye sends close_notify and waits for the peer's.
function SSLSocket:_say_goodbye()
    if self._state ~= "open" then
        errors.raise(errors.ValueError, "No SSL wrapper around " .. tostring(self))
    end
    local deadline
    local result = C.connection_shutdown(self._tls, self._wait)
    while result < 0 do
        deadline = tls.await(self, result, "read", self._timeout, deadline)
        result = C.connection_shutdown(self._tls, self._wait)
    end
end

--- Says goodbye to the peer and waits for its goodbye (close_notify); what follows is plain. The wrapper is of no more use.
---@return any # what was wrapped
function SSLSocket:unwrap()
    self:_say_goodbye()
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
    local owner = rawget(self, "_owner")
    if owner then
        self._owner = false
        owner:close()
    end
end

function SSLSocket:_check_open()
    if self._state == "closed" then
        errors.throw(errors.from_errno(const.EBADF))
    end
end

--- The system's number of the descriptor.
---@return integer
function SSLSocket:fileno()
    self:_check_open()
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
        rawset(self, "_origin", self._origin)
    end
    self._context = value
end

for _, name in ipairs { "keyfile", "certfile", "cert_reqs", "ssl_version", "ca_certs", "ciphers" } do
    getters[name] = function(self)
        return self._arguments[name]
    end
end

-- What most sockets have no field of their own for.
for _, name in ipairs { "_family", "_type", "_proto" } do
    getters[name] = function(self)
        return self._plain[name]
    end
end

function getters:_sni()
    return self._server_hostname
end

function getters:_origin()
    return self._context
end

class.properties(SSLSocket, class.merged(Socket.getters, getters), setters, class.merged(object.defaults, {
    _plain = false, -- the cleat.Socket that was wrapped
    _stream = false, -- see cleat.ssl.host_socket
    _owner = false, -- what stands for the host's own socket object, see cleat.ssl.transport
    _server_side = false,
    _server_hostname = false,
    _auto = true, -- do_handshake_on_connect
    _ragged = true, -- suppress_ragged_eofs
    _asking = false, -- while the servername callback runs
    _arguments = {}, -- what ssl.wrap_socket was called with: keyfile, certfile …
}))
SSLSocket.instance.__tostring = Socket.instance.__tostring
SSLSocket.instance.__close = Socket.instance.__close

return SSLSocket
