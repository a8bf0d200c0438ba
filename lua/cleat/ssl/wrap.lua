--- Makes SSLSockets: SSLContext.wrap_socket, after its arguments were parsed.

local C = require "cleat.backend"
local MemoryBIO = require "cleat.ssl.memory_bio"
local SSLSocket = require "cleat.ssl.socket"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local connection = require "cleat.ssl.connection"
local early_write = require "cleat.ssl.early_write"
local ech = require "cleat.ssl.ech"
local errors = require "cleat.errors"
local hostname = require "cleat.ssl.hostname"
local object = require "cleat.socket.object"
local resumption = require "cleat.ssl.resumption"
local stream_transport = require "cleat.ssl.transport.stream"
local waiting = require "cleat.socket.waiting"
local wrappable = require "cleat.ssl.wrappable"

local rawget, rawset = rawget, rawset
local recv, recv_into, send, sendall = SSLSocket.recv, SSLSocket.recv_into, SSLSocket.send, SSLSocket.sendall
local socket_connected, connection_handshake = C.socket_connected, C.connection_handshake
local FOREVER = waiting.FOREVER
local Plain, STREAM = object.Socket.instance, C.const.SOCK_STREAM

---@class cleat.ssl.WrapOptions
---@field server_side boolean?
---@field do_handshake_on_connect boolean?
---@field suppress_ragged_eofs boolean?
---@field server_hostname string?
---@field session cleat.ssl.SSLSession?
---@field early_data string?
---@field ech_configs string?

-- settings stores the options in a new SSLSocket. Default values are not stored, which keeps the object small.
local function settings(self, options)
    for name, value in pairs(options) do
        if value ~= SSLSocket.defaults[name] then
            rawset(self, name, value)
        end
    end
    return self
end

-- new returns an SSLSocket that is not connected. The methods that move data are fields of the object, because on Lua
-- 5.4 a lookup in the class takes longer than the rest of such a method. Lua allocates 16 fields for this table in any
-- case.
local function new(context, id, guard, timeout, wait, plain, name)
    local self = setmetatable({
        _id = id, _guard = guard, _timeout = timeout, _wait = wait, _plain = plain, _tls = 0, _tls_guard = false, _read_id = 0,
        _write_id = 0, _state = "new", _context = context, _server_hostname = name, recv = recv, recv_into = recv_into, send = send,
        sendall = sendall,
    }, SSLSocket.instance)
    local of = context._has_inherited and context._sslsocket_class
    if of then
        self.recv, self.recv_into, self.send, self.sendall = of.recv, of.recv_into, of.send, of.sendall
        setmetatable(self, of.instance)
    end
    return self
end

-- over makes the SSLSocket over what `take` of cleat.ssl.wrappable has returned.
local function over(context, wrapped, options)
    local plain, stream, fd = wrapped.plain, wrapped.stream, wrapped.fd
    local timeout, waiter = wrapped.timeout, wrapped.waiter
    if timeout == nil then
        timeout = object.default_timeout
    end
    timeout = waiting.internal(timeout)
    if stream then
        waiter = false
    elseif waiter == nil then
        waiter = waiting.default
    end
    local id, guard = plain and plain._id or 0, plain and plain._guard or false
    if fd then
        id, guard = errors.check(C.socket_duplicate_guarded(fd))
    end
    local self = settings(new(context, id, guard, timeout, (waiter or stream) and 0 or timeout, plain), options)
    self._waiter, self._owner = waiter or nil, wrapped.owner
    if fd then
        self._wrapped, self._foreign = fd, true
        rawset(self, "_family", wrapped.family)
        rawset(self, "_type", wrapped.type)
        rawset(self, "_proto", wrapped.proto)
    elseif stream then
        self._stream, self._transport = stream, stream_transport
        rawset(self, "_incoming", MemoryBIO())
        rawset(self, "_due", 0)
    end
    return self
end

-- set_up does every step that can fail before the wrapper takes ownership. connected: the result of
-- cleat_socket_connected.
local function set_up(self, connected, auto, ahead)
    if connected < 0 then
        calls.fail(connected, "wrap_socket")
    elseif connected > 0 then
        if auto and self._timeout == 0 then
            errors.raise(errors.ValueError, "do_handshake_on_connect should not be specified for non-blocking sockets")
        end
        self:_attach()
        if ahead and ahead ~= "" then
            errors.check(C.connection_feed(self._tls, ahead))
        end
    end
    return self
end

local function make(context, wrapped, options)
    local self = over(context, wrapped, options)
    local stream = wrapped.stream
    return set_up(self, stream and (stream:connected() and 1 or 0) or C.socket_connected(self._id), options._auto, wrapped.ahead)
end

-- wrap_any wraps a socket of any kind.
local function wrap_any(context, sock, options)
    local wrapped = wrappable.of(sock).take(sock)
    local ok, self = pcall(make, context, wrapped, options)
    if not ok then
        if wrapped.owner then
            wrapped.owner:restore(wrapped.plain)
        end
        error(self, 0)
    elseif wrapped.plain then
        wrapped.plain:_borrow()
    end
    return self
end

-- wrap_plain wraps an open stream socket of cleat.socket: the fast path.
local function wrap_plain(context, sock, server_side, auto, ragged, name, session, early, configs)
    local self = new(context, sock._id, sock._guard, sock._timeout, sock._wait, sock, name or nil)
    local waiter = rawget(sock, "_waiter")
    if waiter then
        rawset(self, "_waiter", waiter)
    end
    if server_side then
        rawset(self, "_server_side", true)
    end
    if not auto then
        rawset(self, "_auto", false)
    end
    if not ragged then
        rawset(self, "_ragged", false)
    end
    if session then
        rawset(self, "_session", session)
    end
    if early then
        rawset(self, "_early", early)
    end
    if configs then
        rawset(self, "_ech_configs", configs)
    end
    if rawget(sock, "_borrowed") then
        sock:_borrow() -- which raises
    end
    local connected = socket_connected(sock._id)
    if connected > 0 and not early and not configs and (not auto or sock._timeout ~= 0) then
        -- the steps of set_up that a new socket needs
        connection.open_new(self, context, server_side, name, session)
        self._state = "open"
    else
        set_up(self, connected, auto)
    end
    rawset(sock, "_borrowed", true)
    return self
end

local wrap = {}

--- stream makes an SSLSocket over a stream that is not connected yet. options: see wrap_socket.
---@param context cleat.ssl.SSLContext
---@param stream table see cleat.ssl.transport.stream
---@param options cleat.ssl.WrapOptions
---@return cleat.ssl.SSLSocket
function wrap.stream(context, stream, options)
    local name, ascii = hostname.check(context, "wrap_socket", options.server_side or false, options.server_hostname)
    return over(context, { stream = stream }, {
        _server_side = options.server_side, _server_hostname = name, _ascii_hostname = ascii,
        _auto = options.do_handshake_on_connect, _session = resumption.check(options.server_side or false, options.session),
        _early = early_write.check("wrap_socket", options.server_side or false, options.early_data),
        _ech_configs = ech.check("wrap_socket", options.server_side or false, options.ech_configs),
    })
end

--- Does the work of SSLContext.wrap_socket and ssl.wrap_socket.
---@param context cleat.ssl.SSLContext
---@param sock any see cleat.ssl.wrappable
---@param options cleat.ssl.WrapOptions
---@param arguments table? those of ssl.wrap_socket
---@return cleat.ssl.SSLSocket
function wrap.wrap(context, sock, options, arguments)
    local server_side, auto, ragged = options.server_side, options.do_handshake_on_connect, options.suppress_ragged_eofs
    if server_side ~= true then
        server_side = check.optional_boolean("wrap_socket", "server_side", server_side, false)
    end
    if auto == nil then
        auto = true
    else
        check.optional_boolean("wrap_socket", "do_handshake_on_connect", auto)
    end
    if ragged == nil then
        ragged = true
    else
        check.optional_boolean("wrap_socket", "suppress_ragged_eofs", ragged)
    end
    local name, ascii = hostname.check(context, "wrap_socket", server_side, options.server_hostname)
    local session = resumption.check(server_side, options.session)
    local early = early_write.check("wrap_socket", server_side, options.early_data)
    local configs = ech.check("wrap_socket", server_side, options.ech_configs)
    local self
    if getmetatable(sock) == Plain and sock._id ~= 0 and sock._type == STREAM and not ascii and not arguments then
        self = wrap_plain(context, sock, server_side, auto, ragged, name, session, early, configs)
    else
        self = wrap_any(context, sock, {
            _server_side = server_side, _auto = auto, _ragged = ragged, _server_hostname = name, _arguments = arguments,
            _ascii_hostname = ascii, _session = session, _early = early, _ech_configs = configs,
        })
    end
    if auto and self._state == "open" then
        -- The usual handshake succeeds in one call of the ABI that waits without a limit.
        local result = self._wait == FOREVER and connection_handshake(self._read_id, FOREVER) or nil
        if not result or result < 0 then
            self:_handshake_or_close(result)
        end
    end
    return self
end

return wrap
