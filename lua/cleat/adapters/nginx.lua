--- nginx: cosockets (ngx.socket.tcp and ngx.req.socket of lua-nginx-module) as sockets for wrap_socket.
---
---     -- in nginx
---     local stream = context:wrap_socket(ngx.socket.tcp(), {server_hostname = "example.org"})
---     stream:connect {"example.org", 443}
---
--- While a call waits, nginx serves other requests. The socket's timeout, in seconds, becomes the cosocket's; without
--- one the cosocket's own timeouts apply. close() closes the cosocket. cleat does TLS itself: nginx's OpenSSL, its
--- certificates and the lua_ssl_* directives are not used.
---
--- nginx closes a cosocket if a coroutine is killed while it waits in one of its calls, and refuses to close it while
--- another coroutine waits. Therefore the adapter makes the calls in light threads, and the caller waits for these: it
--- can be killed, woken or time out, and the next call continues.

local const = require("cleat.backend").const
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local light = require "cleat.adapters.nginx.light"
local methods = require "cleat.adapters.methods"
local waiting = require "cleat.socket.waiting"

local nginx = {}

-- The maximum size of one receive: two full records.
local PIECE = 2 * (16384 + 256 + 5)

-- How many pieces are read, at most, before a connection is closed.
local MOST = 8

-- How long drain() waits for bytes, in seconds.
local INSTANT = 0.001

-- The longest timeout of a cosocket, in milliseconds.
local LONGEST = 2147483647

-- How long nginx continues to send after a call has timed out, in seconds.
local GRACE = 60

--- Returns whether a value is a cosocket of ngx.socket.tcp or ngx.req.socket. SSLContext:wrap_socket calls it.
---
---     print(require("cleat.adapters.nginx").accepts(1)) --> false
---
--- Python: none.
---@param value any
---@return boolean
function nginx.accepts(value)
    return type(value) == "table" and methods.has(value, "receive", "receiveany", "send", "settimeout", "settimeouts")
end

---@class cleat.adapters.nginx.Stream
---@field value any the cosocket
---@field calls table<string, cleat.adapters.nginx.Call> the calls in progress: "connect", "receive", "send"
---@field queue string[] the bytes to send
---@field closed boolean?
---@field broken string? the error after which nothing can be sent
local Stream = {}
Stream.__index = Stream

local function fail(what, message)
    return methods.failed("cosocket", what, message)
end

local function milliseconds(seconds)
    return math.max(1, math.min(LONGEST, math.ceil(seconds * 1000)))
end

-- limit sets the cosocket's timeout for its next call.
local function limit(self, timeout)
    if timeout then
        local short = milliseconds(timeout)
        self.value:settimeouts(short, milliseconds(timeout + GRACE), short)
    end
end

-- perform starts a call of the cosocket, unless it is in progress already, and waits for it. It returns true and the
-- results of the call, or false once the deadline has passed.
local function perform(self, name, deadline, ...)
    local call = self.calls[name]
    if not call then
        limit(self, waiting.remaining_or_nil(deadline))
        call = light.start(self.value, ...)
        self.calls[name] = call
    end
    if not call:wait(deadline) then
        return false
    end
    if self.calls[name] == call then
        self.calls[name] = nil
    end
    return true, call.first, call.second
end

-- Cosockets of ngx.req.socket are always connected, and have no connect.
function Stream:connected()
    local value = self.value
    return value.connect == nil or value:getreusedtimes() ~= nil
end

function Stream:connect(to, timeout)
    local host, where = methods.endpoint(to)
    local deadline = waiting.deadline(timeout)
    local done, ok, message
    if host then
        host = host:find(":", 1, true) and "[" .. host .. "]" or host
        done, ok, message = perform(self, "connect", deadline, "connect", host, where)
    else
        done, ok, message = perform(self, "connect", deadline, "connect", "unix:" .. where)
    end
    if self.closed then
        errors.throw(errors.from_errno(const.EBADF))
    elseif not done then
        self.calls.connect:stop()
        self.calls.connect = nil
    end
    if not done or (not ok and message == "timeout") then
        errors.throw(errors.timeout("timed out"))
    elseif not ok then
        fail("connect", message)
    end
end

function Stream:receive(timeout)
    local deadline = waiting.deadline(timeout)
    while true do
        local done, bytes, message = perform(self, "receive", deadline, "receiveany", PIECE)
        if not done then
            return nil
        elseif bytes then
            return bytes
        elseif message == "closed" then
            return ""
        elseif message ~= "timeout" then
            fail("receive", message)
        elseif not timeout or waiting.remaining(deadline) == 0 then
            return nil
        end -- otherwise the call that has timed out was an earlier one
    end
end

function Stream:send(bytes, timeout)
    local deadline = waiting.deadline(timeout)
    local queue = self.queue
    if bytes ~= "" then
        queue[#queue + 1] = bytes
    end
    while self.calls.send or queue[1] do
        if self.broken then
            errors.raise(errors.error, const.ECONNABORTED, "send of the cosocket: " .. self.broken)
        end
        local next_bytes
        if not self.calls.send then
            next_bytes = table.concat(queue)
            self.queue = {}
            queue = self.queue
        end
        local done, sent, message = perform(self, "send", deadline, "send", next_bytes)
        if not done then
            return nil
        elseif not sent then
            self.broken = message
            queue[1] = queue[1] or "" -- the next call returns the error
            if message == "timeout" then
                return nil
            end
            fail("send", message)
        end
    end
    return true
end

--- drain reads the bytes that have arrived. The last call may remain in progress; close() ends it.
function Stream:drain()
    for _ = 1, MOST do
        local call = self.calls.receive or light.start(self.value, "receiveany", PIECE)
        self.calls.receive = call
        if not call:wait(waiting.deadline(INSTANT)) or not call.first then
            return
        end
        self.calls.receive = nil
    end
end

function Stream:close()
    local busy = false
    self.closed = true
    for name, call in pairs(self.calls) do
        if not call.over then
            busy = true
            call:stop() -- closes the cosocket
        end
        self.calls[name] = nil
    end
    if not busy and self.value.close then
        self.value:close()
    end
end

Stream.place = light.place

--- Prepares a cosocket of ngx.socket.tcp or ngx.req.socket for SSLContext:wrap_socket, which calls this function
--- itself: programs call `wrap_socket(value)`.
---
--- Raises: socket.error if the cosocket is closed.
--- Python: none.
---@param value any
---@return table # internal: see cleat.ssl.wrappable
function nginx.take(value)
    return { stream = setmetatable({ value = value, calls = {}, queue = {} }, Stream) }
end

local default_tcp

--- A replacement for ngx.socket.tcp: it returns cosockets whose sslhandshake uses cleat's TLS. After the following line
--- in init_by_lua, libraries that are loaded later and use cosockets (lua-resty-http, lua-resty-redis, lua-resty-mysql,
--- pgmoon …) use cleat's TLS:
---
---     -- in nginx
---     ngx.socket.tcp = require("cleat.adapters.nginx").tcp
---
--- The cosockets have nginx's methods, results and errors; see docs/cosockets.md. The function is the same as make_tcp
--- {}.
---
--- Raises: the errors of ngx.socket.tcp where nginx does not allow cosockets (init_by_lua, init_worker_by_lua,
--- log_by_lua …).
--- Python: none.
---@return any # a cosocket
function nginx.tcp()
    default_tcp = default_tcp or nginx.make_tcp {}
    return default_tcp()
end

local parse_make_tcp = keywords.parser("make_tcp", { "cafile", "capath", "cadata", "configure", "always_verify", "keep_unverified",
    "pool_size", "keepalive_timeout" })

--- Makes a replacement for ngx.socket.tcp with settings, and with its own contexts and its own pool of connections that
--- are kept alive. Servers are verified against the given CA certificates, or else the system's;
--- `lua_ssl_trusted_certificate` is not used.
---
---     -- in nginx
---     local tcp = require("cleat.adapters.nginx").make_tcp { cafile = "ca.pem", always_verify = true }
---     ngx.socket.tcp = tcp
---
--- sslhandshake verifies the server if its argument `ssl_verify` is true, and with `always_verify` in any case.
--- setkeepalive closes connections that were not verified. `keep_unverified` keeps them: DANGEROUS, because connect may
--- return such a connection to a caller that wants a verified one, and that does not call sslhandshake for reused
--- connections.
---
--- Raises: TypeError; ValueError for a `pool_size` or `keepalive_timeout` that is not positive; NotImplementedError
--- outside of nginx.
--- Python: none.
---@param cafile string? see SSLContext:load_verify_locations, also for the next two
---@param capath string?
---@param cadata string?
---@param configure (fun(context: cleat.ssl.SSLContext))? is called with each new context, to set versions, cipher
--- suites, application protocols …
---@param always_verify boolean? false by default
---@param keep_unverified boolean? false by default
---@param pool_size integer? the default for how many connections to a server are kept alive, which connect and
--- setkeepalive can override; 30 by default
---@param keepalive_timeout number? the default for how many seconds a connection is kept alive; 60 by default
---@return function
function nginx.make_tcp(cafile, capath, cadata, configure, always_verify, keep_unverified, pool_size, keepalive_timeout, ...)
    cafile, capath, cadata, configure, always_verify, keep_unverified, pool_size, keepalive_timeout =
        parse_make_tcp(cafile, capath, cadata, configure, always_verify, keep_unverified, pool_size, keepalive_timeout, ...)
    if configure ~= nil and not check.callable(configure) then
        check.fail("make_tcp", "configure", "a function", configure)
    end
    pool_size = check.optional_integer("make_tcp", "pool_size", pool_size, 30)
    keepalive_timeout = keepalive_timeout == nil and 60 or keepalive_timeout
    if type(keepalive_timeout) ~= "number" then
        check.fail("make_tcp", "keepalive_timeout", "a number", keepalive_timeout)
    elseif pool_size < 1 then
        errors.raise(errors.ValueError, "make_tcp() argument 'pool_size' must be positive")
    elseif keepalive_timeout ~= keepalive_timeout or keepalive_timeout <= 0 then
        errors.raise(errors.ValueError, "make_tcp() argument 'keepalive_timeout' must be positive")
    elseif type(rawget(_G, "ngx")) ~= "table" then
        errors.raise(errors.NotImplementedError, "cleat.adapters.nginx.make_tcp works in nginx only (lua-nginx-module)")
    end
    return require("cleat.adapters.nginx.tcp").make {
        cafile = check.optional_string("make_tcp", "cafile", cafile), capath = check.optional_string("make_tcp", "capath", capath),
        cadata = check.optional_string("make_tcp", "cadata", cadata), configure = configure,
        always_verify = check.optional_boolean("make_tcp", "always_verify", always_verify, false),
        keep_unverified = check.optional_boolean("make_tcp", "keep_unverified", keep_unverified, false),
        pool_size = pool_size, keepalive_timeout = keepalive_timeout,
    }
end

return nginx
