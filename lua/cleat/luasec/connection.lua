--- LuaSec's connections: wrap, the handshake, and the methods that move data.
---
--- The state of a connection is a table with
---   context   the state of its context
---   plain     the cleat socket that owns the descriptor, false once closed
---   sock      the SSLSocket, false until the handshake begins, because the server's name is not known before
---   id        the id of the ABI's connection, false until the handshake is done, and once closed
---   fd        the descriptor, -1 once closed
---   wait, total   timeouts in seconds: of one wait, math.huge for none; of a method, false for none
---   want      "nothing", "read" or "write"
---   buffer, at    decrypted bytes, and the position of the first one that was not returned yet
---   received, sent, birthday   the values for getstats
---   name      a client's server name; hosts, strict: the arguments of sni on a server; chosen: the state of the
---             context that was selected by these, or false

local C = require "cleat.backend"
local compat = require "cleat.compat"
local contexts = require "cleat.luasec.context"
local environment = require "cleat.luasec.environment"
local errors = require "cleat.errors"
local io = require "cleat.luasec.io"
local message = require "cleat.luasec.message"
local newcontext = require "cleat.luasec.newcontext"
local object_of = require "cleat.socket.object"
local proxy = require "cleat.luasec.proxy"
local server_names = require "cleat.luasec.server_names"
local status = require "cleat.status"
local tls = require "cleat.ssl.connection"
local trust = require "cleat.luasec.trust"
local waiting = require "cleat.socket.waiting"

local connection_handshake, connection_pending = C.connection_handshake, C.connection_pending
local receive, send = io.receive, io.send
local WANT_READ, WANT_WRITE, TIMEOUT = status.WANT_READ, status.WANT_WRITE, status.TIMEOUT
local FOREVER = waiting.FOREVER
local pcall = compat.pcall

local connection = {}

local methods = {}
local metatable = { __index = methods }
local new, states, check = proxy.define("SSL:Connection", metatable)
connection.methods, connection.check = methods, check

local function now()
    local _, seconds = C.monotonic()
    return seconds
end

--- create(context) of ssl.core: makes a connection without a descriptor.
---@param object any
---@return userdata? connection nil if it fails
---@return string? reason
function connection.create(object)
    local context = contexts.state(object)
    if not context then
        error("bad argument #1 to 'create' (invalid context)", 2)
    elseif not context.mode then
        return nil, "invalid mode"
    end
    return new {
        context = context, plain = false, sock = false, id = false, fd = -1, wait = FOREVER, total = false, want = "nothing",
        buffer = "", at = 1, received = 0, sent = 0, birthday = now(), name = nil, hosts = false, strict = false,
        chosen = false,
    }
end

-- own_descriptor makes a socket that owns a descriptor.
local function own_descriptor(fd)
    local id, guard = errors.check(C.socket_from_fd_guarded(fd))
    return object_of.adopt(id, guard, C.socket_family(id), C.socket_type(id), C.socket_protocol(id))
end

--- setfd(connection, descriptor) of ssl.core: sets the descriptor, which the connection owns from then on.
---@param object any
---@param fd integer
function connection.setfd(object, fd)
    local self = check(object, "setfd")
    if self.sock or self.id then
        error("bad argument #1 to 'setfd' (invalid SSL object state)", 2)
    end
    if self.plain then
        self.plain:detach()
    end
    self.plain, self.fd = false, -1
    if fd >= 0 then
        self.plain, self.fd = own_descriptor(fd), fd
    end
end

--- Makes a connection over a LuaSocket socket, out of which it takes the descriptor, or over a descriptor. The
--- connection owns the descriptor, and closes it. Call dohandshake() next.
---
---     local luasec, sock = require "cleat.luasec", socket.create_connection({ "127.0.0.1", port })
---     local conn = luasec.wrap(sock:detach(), { mode = "client", protocol = "any" })
---     print(conn:dohandshake(), conn:info("protocol"))
---     --> true	TLSv1.3
---     conn:close()
---
--- Raises: an error if `sock` is not a socket, or `cfg` not a context.
--- Python: none.
---@param sock userdata|integer a socket of LuaSocket, or a descriptor
---@param cfg userdata|table a context, or the parameters of newcontext
---@return userdata? connection nil if it fails
---@return string? reason
function connection.wrap(sock, cfg)
    if type(cfg) == "table" then
        local context, why = newcontext(cfg)
        if not context then
            return nil, why
        end
        cfg = context
    end
    local object, reason = connection.create(cfg)
    if not object then
        return nil, reason
    end
    local is_number = type(sock) == "number"
    local ok, err = pcall(connection.setfd, object, is_number and sock or sock:getfd())
    if not ok then
        return nil, message.of_error(err)
    elseif not is_number then
        sock:setfd(-1)
    end
    return object
end

-- begin makes the TLS connection.
local function begin(self)
    local context = self.context
    if not self.plain then
        return nil, "closed"
    end
    local server = context.mode == "server"
    if environment.verify then
        trust.complete(context)
    end
    if environment.verify and self.name == nil and context.cleat.check_hostname then
        return nil, "CLEAT_LUASEC_VERIFY=peer needs the server's name: call sni(name) before dohandshake()"
    end
    local ok, sock = pcall(context.cleat.wrap_socket, context.cleat, self.plain, {
        do_handshake_on_connect = false, server_side = server, server_hostname = not server and self.name or nil,
    })
    if not ok then
        return nil, message.of_error(sock)
    end
    server_names.attach(sock, self)
    self.sock = sock
    return sock
end

local function want(self, result)
    if result == WANT_WRITE then
        self.want = "write"
        return false, "wantwrite"
    end
    self.want = "read"
    return false, "wantread"
end

-- continue_handshake continues a handshake that must call a function of the program, or that has failed.
local function continue_handshake(self, sock, wait, result)
    sock._timeout, sock._wait = wait, wait
    local ok, err = pcall(tls.handshake, sock, wait, result)
    if ok then
        return 0
    elseif err == errors.want_read then
        return WANT_READ
    elseif err == errors.want_write then
        return WANT_WRITE
    elseif errors.timeout:is(err) then
        return TIMEOUT
    end
    return nil, message.of_error(err)
end

--- dohandshake(): does the handshake.
function methods.dohandshake(object)
    local self = check(object, "dohandshake")
    local sock = self.sock
    if self.id then
        return true
    elseif not sock then
        local reason
        sock, reason = begin(self)
        if not sock then
            return false, reason
        end
    end
    local wait = self.total and math.min(self.wait, self.total) or self.wait
    local result, reason = connection_handshake(sock._read_id, wait), nil
    if result ~= 0 and result ~= WANT_READ and result ~= WANT_WRITE and result ~= TIMEOUT then
        result, reason = continue_handshake(self, sock, wait, result)
    end
    if result == TIMEOUT then
        result = connection_handshake(sock._read_id, 0)
    end
    if result == 0 and sock._tls ~= 0 then
        self.id, self.want = sock._tls, "nothing"
        return true
    elseif result == WANT_READ or result == WANT_WRITE then
        return want(self, result)
    end
    self.want = "nothing"
    return false, reason or "closed"
end

--- receive(pattern, prefix): receives a line ("*l", the default), all bytes up to the end of the stream ("*a"), or a
--- number of bytes, and returns them after the prefix.
function methods.receive(object, pattern, prefix)
    return receive(states[object] or check(object, "receive"), pattern, prefix)
end

--- send(data, first, last): sends the bytes from `first` to `last`.
function methods.send(object, data, first, last)
    return send(states[object] or check(object, "send"), data, first, last)
end

--- close(): closes the connection. It sends close_notify if the handshake is done and it need not wait.
function methods.close(object)
    local self = check(object, "close")
    if self.id then
        C.connection_shutdown(self.id, 0)
    end
    self.id, self.fd, self.buffer, self.at, self.want = false, -1, "", 1, "nothing"
    local owner = self.sock or self.plain
    self.plain, self.closed = false, true
    if owner then
        owner:close()
    end
end

--- settimeout(seconds, mode): sets a timeout; nil and negative numbers for none. mode: "b" for each wait, "t" for each
--- method.
function methods.settimeout(object, seconds, mode)
    local self = check(object, "settimeout")
    mode = mode and mode:sub(1, 1) or "b"
    seconds = seconds ~= nil and tonumber(seconds) or -1
    if mode == "b" then
        self.wait = seconds >= 0 and seconds or FOREVER
    elseif mode == "t" or mode == "r" then
        self.total = seconds >= 0 and seconds
    else
        error("bad argument #2 to 'settimeout' (invalid timeout mode)", 2)
    end
    return 1
end

--- dirty(): whether receive can return bytes without reading from the network.
function methods.dirty(object)
    local self = check(object, "dirty")
    return self.buffer ~= "" or self.id ~= false and connection_pending(self.id) > 0
end

--- want(): the event that the last call needs: "nothing", "read" or "write".
function methods.want(object)
    return check(object, "want").want
end

--- getfd(): the descriptor, -1 once it is closed.
function methods.getfd(object)
    return check(object, "getfd").fd
end

--- sni(name, strict): on a client the server's name; on a server a table of contexts by name, and whether other names
--- are refused.
function methods.sni(object, name, strict)
    server_names.set(check(object, "sni"), name, strict)
end

function metatable.__tostring(object)
    local self = states[object]
    return ("SSL connection: %s%s"):format(self and proxy.address(self) or "0x0", self and self.closed and " (closed)" or "")
end

function metatable.__gc(object)
    local self = states[object]
    if self then
        -- Without close_notify: a call that fails would overwrite the thread's error record, which other code may be
        -- reading. And the collector may have closed the id before.
        self.id = false
        pcall(methods.close, object)
        states[object] = nil -- without this Lua 5.1 would keep the state for another cycle
    end
end

metatable.__close = methods.close

return connection
