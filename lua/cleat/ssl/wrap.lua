--- SSLContext.wrap_socket with its arguments by name: how an SSLSocket comes to be.

local C = require "cleat.backend"
local HostSocket = require "cleat.ssl.host_socket"
local SSLSocket = require "cleat.ssl.socket"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local errors = require "cleat.errors"
local hostname = require "cleat.ssl.hostname"
local object = require "cleat.socket.object"
local status = require "cleat.status"
local tls = require "cleat.ssl.tls"
local transport = require "cleat.ssl.transport"
local waiting = require "cleat.socket.waiting"

local const = C.const

---@class cleat.ssl.WrapOptions
---@field server_side boolean?
---@field do_handshake_on_connect boolean?
---@field suppress_ragged_eofs boolean?
---@field server_hostname string?

-- settings puts what was asked for into a new SSLSocket; what is the usual takes no field.
local function settings(self, options)
    for name, value in pairs(options) do
        if value ~= SSLSocket.defaults[name] then
            rawset(self, name, value)
        end
    end
    return self
end

-- over makes the SSLSocket for what is wrapped, and returns whether that is connected.
local function over(context, wrapped, options)
    if wrapped.stream then
        return HostSocket.over(context, wrapped.stream, settings({}, options))
    end
    local plain, fd = wrapped.plain, wrapped.fd
    local timeout = wrapped.timeout
    if timeout == nil then
        timeout = object.default_timeout or false
    end
    local waiter = wrapped.waiter
    if waiter == nil then
        waiter = waiting.default
    end
    local self = setmetatable({
        _id = plain and plain._id or 0, _guard = plain and plain._guard or false, _timeout = timeout,
        _wait = waiter and 0 or timeout or -1, _plain = plain or nil, _tls = 0, _tls_guard = false, _state = "new",
        _context = context,
    }, SSLSocket.instance)
    settings(self, options)
    self._fd, self._waiter, self._owner = fd or nil, waiter or nil, wrapped.owner
    if fd then
        rawset(self, "_family", wrapped.family)
        rawset(self, "_type", wrapped.type)
        rawset(self, "_proto", wrapped.proto)
    end
    local result = calls.call(self, C.socket_getpeername)
    if result < 0 and result ~= status.sys(const.ENOTCONN) then
        errors.throw(errors.from_socket(result, "getpeername"))
    end
    return self, result >= 0
end

-- set_up does what can fail before the wrapper has anything in its hands.
local function set_up(context, wrapped, options)
    local self, connected = over(context, wrapped, options)
    if connected then
        if options._auto and self._timeout == 0 then
            errors.raise(errors.ValueError, "do_handshake_on_connect should not be specified for non-blocking sockets")
        end
        tls.attach(self)
        if wrapped.ahead and wrapped.ahead ~= "" then
            errors.check(C.connection_feed(self._tls, wrapped.ahead))
        end
    end
    return self
end

---@param context cleat.ssl.SSLContext
---@param sock any see cleat.ssl.transport
---@param options cleat.ssl.WrapOptions
---@param arguments table? those of ssl.wrap_socket
---@return cleat.ssl.SSLSocket
return function(context, sock, options, arguments)
    local server_side = check.optional_boolean("wrap_socket", "server_side", options.server_side, false)
    local auto = check.optional_boolean("wrap_socket", "do_handshake_on_connect", options.do_handshake_on_connect, true)
    local ragged = check.optional_boolean("wrap_socket", "suppress_ragged_eofs", options.suppress_ragged_eofs, true)
    local host = transport.of(sock)
    local name, sni = hostname.check(context, "wrap_socket", server_side, options.server_hostname)
    local wrapped = host.take(sock)
    local ok, self = pcall(set_up, context, wrapped, {
        _server_side = server_side, _auto = auto, _ragged = ragged, _server_hostname = name, _arguments = arguments,
        _sni = sni,
    })
    if not ok then
        if wrapped.owner then
            wrapped.owner:give_back(wrapped.plain)
        end
        error(self, 0)
    elseif wrapped.plain then
        wrapped.plain._lent = true
    end
    if auto and self._state == "open" then
        tls.handshake_or_close(self)
    end
    return self
end
