--- TLS sockets: Python's ssl.SSLSocket (section 17.3.2).

local C = require "cleat.backend"
local algorithms = require "cleat.ssl.algorithms"
local compat = require "cleat.compat"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local class = require "cleat.class"
local connection = require "cleat.ssl.connection"
local connection_info = require "cleat.ssl.connection_info"
local description = require "cleat.ssl.description"
local descriptor = require "cleat.ssl.transport.descriptor"
local early_data = require "cleat.ssl.early_data"
local errors = require "cleat.errors"
local exporter = require "cleat.ssl.exporter"
local file = require "cleat.socket.file"
local io = require "cleat.ssl.io"
local keywords = require "cleat.keywords"
local object = require "cleat.socket.object"
local raw_public_key = require "cleat.ssl.raw_public_key"
local status = require "cleat.status"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"
require "cleat.socket.sendfile" -- for sockets of both kinds

local pcall = compat.pcall
local rawget, rawset = rawget, rawset

local const = C.const
local Socket = object.Socket

--- A TLS connection over a socket, made by SSLContext:wrap_socket. It has all methods of Socket; those that differ or
--- concern TLS are listed here. TLS needs a stream, so sendto, recvfrom and recvfrom_into raise ValueError, and
--- sendmsg, recvmsg and recvmsg_into NotImplementedError. Over an event loop's handle bind, detach, getsockopt, listen,
--- setsockopt and setwaiter raise NotImplementedError too.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local sock = socket.create_connection({ "localhost", port })
---     local conn = context:wrap_socket(sock, { server_hostname = "localhost" })
---     print(conn.server_hostname, conn.server_side, conn.context == context) --> localhost	false	true
---     conn:close()
---
--- A TLS socket is in one of these states:
---
---   * new: not connected. Calls that send or receive raise socket.error with ENOTCONN; nothing is sent in plaintext.
---   * open: connected. If the handshake is not done, the first call that sends or receives does it.
---   * dropped: after shutdown(). TLS has ended, and the socket is still open.
---   * unwrapped: after unwrap(), which has returned the socket.
---   * closed.
---
--- close() sends no close_notify; unwrap() does. After a TLS error the alert is sent to the peer before the connection
--- is closed. If the handshake of wrap_socket, connect or accept fails, the socket is closed, so that a program cannot
--- continue in plaintext by mistake. Several coroutines may use one TLS socket at the same time: calls that read run
--- one after the other, and so do calls that write.
---
--- Python: 2.6; `context` 2.7.9, 3.2; `server_side`, `server_hostname` 3.2; `session`, `session_reused` 3.6.
---@class cleat.ssl.SSLSocket: cleat.Socket, cleat.ssl.Connection
---@field context cleat.ssl.SSLContext the context. A servername callback may set it: before the handshake is done, the
--- connection then uses the new context's certificate and CA certificates; later only the attribute changes. Setting it
--- raises TypeError, and ValueError during the handshake of a client
---@field server_side boolean whether this is the server's side; read-only
---@field server_hostname string? the argument of wrap_socket; read-only
---@field session cleat.ssl.SSLSession? the newest session of a client. nil before the handshake is done (unless one was
--- set), with TLS 1.3 until the server's ticket was received with the first data, after a fatal alert, if the server
--- does not resume sessions, and on servers. Setting it before the handshake offers that session to the server, as the
--- argument of wrap_socket does; setting `context` afterwards discards it. Setting it raises TypeError; ValueError on a
--- server, once the handshake has begun, and if the session belongs to another context or to another client certificate
--- than the context has
---@field session_reused boolean? whether the handshake has resumed a session, on clients and servers; nil before the
--- handshake and after TLS has ended. Read-only
---@field early_data "accepted"|"refused"|nil what happened to early data. On a client: whether the server has accepted
--- it; nil if none was sent early. On a server: whether the client has sent some, and it can be read by recv_early.
--- Read-only
---@field alert_sent integer? the last alert that this side has sent, an `ALERT_DESCRIPTION_*` (0 is close_notify); nil
--- if there was none, and after TLS has ended. `ssl.AlertDescription[conn.alert_sent]` is its name. Read-only
---@field alert_received integer? the last alert that the peer has sent, likewise. Read-only
---@field ech_accepted boolean? whether the client has encrypted its ClientHello (ECH) and the server has decrypted it.
--- It is known on a client after the handshake, and on a server from the servername callback on; nil before the
--- handshake and after TLS has ended. Read-only
---@field ech_public_name string? on a client, the public name for which the server's certificate is verified, because
--- the server could not decrypt the ClientHello; otherwise nil. Such a handshake fails, so that only a verify_callback
--- sees it. Read-only
---@field do_handshake_on_connect boolean whether connect() and accept() do the handshake. Setting it raises TypeError
---@field suppress_ragged_eofs boolean whether an end of the connection without close_notify is read as the end of the
--- data, or raises SSLEOFError: see wrap_socket. Setting it raises TypeError
---@field keyfile string? this and the next five are the arguments of ssl.wrap_socket; nil for sockets of
--- SSLContext:wrap_socket
---@field certfile string?
---@field cert_reqs integer?
---@field ssl_version integer?
---@field ca_certs string?
---@field ciphers string?
---@field _state "new"|"open"|"dropped"|"unwrapped"|"closed"
---@field _ascii_hostname string|false the A-labels of server_hostname
local SSLSocket = class.new("ssl.SSLSocket", function()
    return errors.raise(errors.TypeError, "SSLSocket has no constructor: use SSLContext.wrap_socket()")
end, connection.Connection, Socket)

for _, methods in ipairs { io, connection_info, algorithms.methods, description.methods, early_data.methods,
    exporter.methods, raw_public_key.connection_methods } do
    for name, method in pairs(methods) do
        SSLSocket[name] = method
    end
end

local IO = { read = "Read", recv = "Read", recv_into = "Read", try_recv = "Read", write = "Write", send = "Write", sendall = "Write" }

-- _attach makes the TLS connection over a connected transport.
function SSLSocket:_attach()
    connection.open(self, self._ascii_hostname or self._server_hostname)
    self._state = "open"
end

-- _prepare makes the TLS connection if there is none yet, or raises the error for the socket's state.
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

-- _raise_closed raises the error of a call during which the connection was closed or unwrapped.
function SSLSocket:_raise_closed(method)
    if self._state == "dropped" or self._state == "unwrapped" then
        return self:_prepare(method)
    end
    return errors.throw(errors.from_errno(const.EBADF))
end

function SSLSocket:_raise_status(result, operation)
    self._events = result == status.WANT_WRITE and "w" or "r"
    return errors.throw(errors.from_connection(result, operation))
end

function SSLSocket:_yields()
    return (self._waiter or self._stream) ~= false
end

local parse_handshake = keywords.parser("do_handshake", { "block" })

--- Does the handshake, and verifies the peer as the context requires. If the handshake is done already, it does
--- nothing. wrap_socket, connect and accept call it unless `do_handshake_on_connect` is false; in that case the first
--- call that reads or writes does.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local sock = socket.create_connection({ "localhost", port })
---     local conn = context:wrap_socket(sock, { server_hostname = "localhost", do_handshake_on_connect = false })
---     conn:do_handshake()
---     print(conn:version()) --> TLSv1.3
---     conn:close()
---
--- Raises: SSLCertVerificationError if the peer's certificate is refused; SSLError; SSLEOFError if the peer closes the
--- connection; SSLWantReadError and SSLWantWriteError from a non-blocking socket; socket.error and socket.timeout;
--- ValueError after shutdown() and unwrap().
--- Python: 2.6.
---@param block boolean? true makes a non-blocking socket wait until the handshake is done; false by default
function SSLSocket:do_handshake(block, ...)
    if block ~= nil or select("#", ...) > 0 then
        block = check.optional_boolean("do_handshake", "block", (parse_handshake(block, ...)), false)
    end
    if self._tls == 0 then
        self:_prepare("do_handshake")
    end
    connection.handshake(self, block and self._timeout == 0 and waiting.FOREVER or self._timeout)
end

-- _handshake_or_close does the handshake for wrap_socket, connect and accept, and closes the socket if it fails.
-- result: see connection.handshake.
function SSLSocket:_handshake_or_close(result)
    local ok, err = pcall(connection.handshake, self, self._timeout, result)
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
        return self:_raise_busy("connect")
    end
    self._stream:connect(to, waiting.remaining_or_nil(deadline))
    if self._state ~= "new" then
        self:_raise_closed("connect")
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

--- Connects to a server, and does the handshake, unless `do_handshake_on_connect` is false. If the handshake fails, the
--- socket is closed.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local conn = context:wrap_socket(socket.socket(), { server_hostname = "localhost" })
---     conn:connect { "localhost", port }
---     print(conn:getpeercert().version) --> 3
---     conn:close()
---
--- Raises: the errors of Socket:connect and do_handshake; ValueError on a server, and if the socket is connected
--- already.
--- Python: 2.6.
---@param to string|[string, integer]|[string, integer, integer, integer] the address: see Socket:connect
function SSLSocket:connect(to)
    connect(self, "connect", to)
end

--- Connects as connect does, but returns the error number if the connection fails. If the handshake fails, it raises
--- the error.
---
---     local closed = socket.socket()
---     closed:bind { "127.0.0.1", 0 }
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local conn = context:wrap_socket(socket.socket(), { server_hostname = "localhost" })
---     print(conn:connect_ex(closed:getsockname()) == errno.ECONNREFUSED) --> true
---
--- Raises: the errors of do_handshake; socket.gaierror if the host is unknown; ValueError as connect.
--- Python: 2.7.9, 3.2.
---@param to string|[string, integer]|[string, integer, integer, integer] the address: see Socket:connect
---@return integer # 0 for success, or an error number of cleat.errno
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

local USUAL = { server_side = true } -- the usual options of accepted connections
-- Fields that a listening socket stores, because it reads them in each accept.
local ACCEPTING = { "_family", "_type", "_proto", "_waiter", "_stream" }

--- Accepts a connection, wraps it with this socket's context and options, and does the handshake unless
--- `do_handshake_on_connect` is false.
---
---     local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
---     context:load_cert_chain("cert.pem", "key.pem")
---     local listener = socket.socket()
---     listener:bind { "127.0.0.1", 0 }
---     listener:listen()
---     local server = context:wrap_socket(listener, { server_side = true })
---     server:settimeout(0.01)
---     print(pcall(server.accept, server)) --> false	timed out
---
--- Raises: the errors of Socket:accept; those of do_handshake, after which the connection is closed;
--- NotImplementedError over an event loop's handle.
--- Python: 2.6.
---@return cleat.ssl.SSLSocket
---@return string|[string, integer]|[string, integer, integer, integer] address the peer's
function SSLSocket:accept()
    self:_check_descriptor("accept")
    if rawget(self, "_family") == nil then
        for _, name in ipairs(ACCEPTING) do
            rawset(self, name, self[name])
        end
    end
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

-- restore returns the wrapped socket, which the program owns again.
local function restore(self)
    local plain, owner, guard = self._plain, self._owner, self._guard
    self._guard, self._owner = false, false
    if not plain then -- the descriptor was duplicated
        turns.close(self, guard)
        return owner and owner:restore() or self._wrapped
    end
    turns.close(self, false)
    if plain._id == 0 then -- the program has closed the wrapped socket
        plain = object.adopt(self._id, guard, self._family, self._type, self._proto)
    end
    plain:_restore(self)
    return owner and owner:restore(plain) or plain
end

--- Ends TLS: sends close_notify, waits for the peer's, and returns the wrapped socket, which sends and receives
--- plaintext from then on. The TLS socket cannot be used any more. Many peers close the connection without
--- close_notify, so that this raises SSLEOFError; if the connection is not needed any more, call close() instead.
---
---     local conn = connect()
---     conn:sendall("bye")
---     conn:recv(3)
---     local sock = conn:unwrap()
---     print(socket.socket:is(sock)) --> true
---     sock:close()
---
--- Raises: SSLEOFError if the connection ends without close_notify; SSLWantReadError and SSLWantWriteError from a
--- non-blocking socket until the peer's close_notify has arrived; socket.timeout; ValueError if there is no TLS
--- connection.
--- Python: 2.6.
---@return any # the wrapped socket, handle or descriptor
---@return string? # for an event loop's handle: the bytes that were received after close_notify
function SSLSocket:unwrap()
    if self._state ~= "open" then
        errors.raise(errors.ValueError, "No SSL wrapper around " .. tostring(self))
    end
    connection.close_notify(self)
    if self._state ~= "open" then
        self:_raise_closed("unwrap")
    end
    connection.discard(self)
    self._state = "unwrapped"
    if self._stream then
        turns.close(self, false)
        local stream = self._stream
        if stream.release then
            stream:release()
        end
        return stream.value, self._incoming:read()
    end
    return restore(self)
end

--- Ends TLS without close_notify, and shuts down one or both directions of the connection. Over an event loop's handle
--- it closes the handle.
---
---     local conn = connect()
---     conn:shutdown(socket.SHUT_RDWR)
---     print(pcall(conn.recv, conn, 1)) --> false	Read on closed or unwrapped SSL socket.
---
--- Raises: socket.error, with ENOTCONN if the socket is not connected; ValueError for other numbers.
--- Python: 2.6.
---@param how integer `socket.SHUT_*`
function SSLSocket:shutdown(how)
    if self._stream then
        check.integer("shutdown", "how", how, const.SHUT_RD, const.SHUT_RDWR)
        return self:close()
    end
    if self._state == "open" then
        connection.discard(self)
        self._state = "dropped"
        turns.close(self, false)
    end
    Socket.shutdown(self, how)
end

--- Closes the connection and the socket, without close_notify: unwrap() sends it. Closing it again has no effect. Calls
--- of other coroutines that are waiting raise socket.error with EBADF.
---
---     local conn = connect()
---     conn:close()
---     print(pcall(conn.send, conn, "x")) --> false	[Errno 9] Bad file descriptor
---
--- Python: 2.6.
function SSLSocket:close()
    if self._state == "closed" then
        return
    end
    local guard, plain = self._guard, self._plain
    local below, owner, failed = rawget(self, "_stream"), rawget(self, "_owner"), rawget(self, "_failed")
    local shut = guard and rawget(self, "_turns") and not self._foreign and object.shut_down(self._id)
    if self._state == "unwrapped" -- the caller owns the wrapped socket again
        or rawget(self, "_shared") and file.inherit(self, "_guard", "_tls_guard", "_plain", "_owner", "_stream") then
        guard, plain, below, owner, failed = false, false, false, false, false
    end
    if failed and below then
        self._transport.finish_sending(self)
    end
    connection.discard(self)
    self._state, self._id, self._guard = "closed", 0, false
    if rawget(self, "_owner") then
        self._owner = false
    end
    if plain then
        plain._id, plain._guard, plain._borrowed = 0, false, false
    end
    turns.close(self, guard, guard and shut)
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

-- _check_descriptor raises the error of methods that need a descriptor.
function SSLSocket:_check_descriptor(method)
    if self._stream then
        errors.raise(errors.NotImplementedError, ("%s() is not possible over an event loop's handle"):format(method))
    end
end

for _, name in ipairs { "bind", "getsockopt", "listen", "setsockopt", "setwaiter" } do
    SSLSocket[name] = function(self, ...)
        self:_check_descriptor(name)
        return Socket[name](self, ...)
    end
end

--- Closes the TLS connection, without close_notify, and the socket object, but not the descriptor, which the caller
--- owns from then on. The peer does not know that TLS has ended: bytes that are sent through the descriptor are invalid
--- records for it. unwrap() ends TLS on both sides.
---
---     local conn = connect()
---     local sock = socket.socket { fileno = conn:detach() }
---     print(pcall(conn.recv, conn, 1)) --> false	[Errno 9] Bad file descriptor
---     sock:close()
---
--- Raises: socket.error with EBADF if the socket is closed; ValueError while another thread uses it;
--- NotImplementedError over an event loop's handle.
--- Python: 3.2.
---@return integer # the descriptor; if a descriptor was wrapped, its duplicate, which fileno() returns
function SSLSocket:detach()
    self:_check_descriptor("detach")
    self:_check_open()
    if self._state == "open" then
        connection.discard(self)
        self._state = "dropped"
    end
    if rawget(self, "_owner") then
        self._owner = false
    end
    local plain, fd = self._plain, Socket.detach(self) -- no call may allocate memory from here on: an error would leak fd
    if plain then
        plain._id, plain._guard, plain._borrowed = 0, false, false
    end
    self._state = "closed"
    return fd
end

--- Sets the timeout: see Socket:settimeout. Over an event loop's handle nil means the loop's own timeouts, and 0 is not
--- possible.
---
---     local conn = connect()
---     conn:settimeout(0.01)
---     print(pcall(conn.recv, conn, 1)) --> false	The read operation timed out
---     conn:close()
---
--- Raises: ValueError for negative numbers; NotImplementedError for 0 over an event loop's handle.
--- Python: 2.6.
---@param timeout number? in seconds; nil for no limit
function SSLSocket:settimeout(timeout)
    if not self._stream then
        return Socket.settimeout(self, timeout)
    end
    timeout = check.timeout("settimeout", timeout)
    if timeout == 0 then
        errors.raise(errors.NotImplementedError, "a socket over an event loop's handle cannot be non-blocking: use wrap_bio")
    end
    self._timeout = waiting.internal(timeout)
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

--- Raises NotImplementedError: nginx's connection pool cannot keep a TLS connection of wrap_socket. unwrap() returns a
--- cosocket, whose setkeepalive works; the cosockets of cleat.adapters.nginx.tcp can be kept with TLS.
---
---     local ok, err = pcall(conn.setkeepalive, conn)
---     print(errors.NotImplementedError:is(err)) --> true
---
--- Raises: NotImplementedError.
--- Python: none; a method of nginx's cosockets.
function SSLSocket:setkeepalive()
    return errors.raise(errors.NotImplementedError,
        "the event loop's pool cannot keep a TLS connection: call unwrap(), and setkeepalive() of the object that it returns")
end

-- TLS cannot encrypt datagrams. Without a TLS connection the kernel's error is raised.
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

-- Messages with ancillary data would bypass TLS, in plaintext.
for _, name in ipairs { "sendmsg", "recvmsg", "recvmsg_into" } do
    SSLSocket[name] = function()
        return errors.raise(errors.NotImplementedError, ("%s not allowed on instances of %s"):format(name, tostring(SSLSocket)))
    end
end

--- Raises NotImplementedError: a TLS connection cannot be duplicated.
---
---     print(pcall(conn.dup, conn)) --> false	Can't dup() ssl.SSLSocket instances
---
--- Raises: NotImplementedError.
--- Python: 2.7.9, 3.2.
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

-- Defaults of the fields that most sockets do not store.
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
        _stream = false, -- an object that moves the bytes without a descriptor, see cleat.ssl.transport.stream
        _owner = false, -- another library's socket object, see cleat.ssl.wrappable
        _transport = descriptor,
        _ascii_hostname = false,
        _auto = true, -- do_handshake_on_connect
        _ragged = true, -- suppress_ragged_eofs
        _begun = false, -- over a stream: bytes that a write has encrypted and possibly not sent
        _unsent = false, -- whether the stream may still have bytes to send
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
