--- lua-http's client and server with cleat's TLS: HTTP/2 and HTTP/1.1, selected by ALPN, in cqueues' loop.
---
---     require("cleat.adapters.lua_http").install()
---     local request = require "http.request"
---     local headers, stream = request.new_from_uri("https://example.org/"):go(10)
---
--- lua-http's connections use a socket of cleat.adapters.cqueues.starttls, which has the methods of cqueues' sockets.
--- lua-http still loads luaossl, but does no TLS with it. docs/lua-http.md has more examples.

local check = require "cleat.check"
local errors = require "cleat.errors"
local SSLContext = require "cleat.ssl.context"
local ssl = require "cleat.ssl"

local lua_http = {}

local ALPN = { any = { "h2", "http/1.1" }, [2] = { "h2" }, [1.1] = { "http/1.1" }, [1] = { "http/1.0" } }

-- The protocols that the adapter has set in each context: setting them again would discard the context's cached
-- sessions.
local offered = setmetatable({}, { __mode = "k" })

-- offer sets the protocols of a context for a version of HTTP.
local function offer(context, version)
    local protocols = ALPN[version or "any"]
    if not protocols then
        errors.raise(errors.ValueError, ("the HTTP version must be 1, 1.1, 2 or nil, not %s"):format(check.shown(version)))
    end
    if offered[context] ~= protocols then
        context:set_alpn_protocols(protocols)
        offered[context] = protocols
    end
end

local default

local function context_of(options)
    local context = options.ctx
    if context == nil then
        default = default or ssl.create_default_context()
        context = default
    elseif not SSLContext:is(context) then
        check.fail("connect", "options.ctx", "an SSLContext of cleat.ssl", context)
    end
    return context
end

-- name_of returns the server name that is sent and verified.
local function name_of(options, context)
    if options.sendname == false then
        errors.raise(errors.NotImplementedError, "sendname = false is not supported: cleat always sends the name that it verifies")
    end
    local name = options.sendname or options.host
    if name == nil and context.check_hostname then
        errors.raise(errors.ValueError, "there is no server name to verify: set host or sendname")
    end
    return name
end

-- prepare checks the options for TLS. It returns the context, with the protocols set, and the server name.
local function prepare(options)
    local context = context_of(options)
    offer(context, options.version)
    return context, name_of(options, context)
end

-- version_of returns the version of HTTP that ALPN has selected; nil and a message if it is not the requested one.
local function version_of(sock, version)
    local chosen = sock:checktls():getAlpnSelected()
    if chosen and version and not (chosen == "h2" and version == 2 or chosen == "http/" .. version) then
        return nil, ("the server has chosen %s by ALPN, not HTTP %s"):format(chosen, version)
    end
    return version or chosen == "h2" and 2 or 1.1
end

-- is_too_weak returns whether HTTP/2 forbids the cipher suite (RFC 9113 appendix A). lua-http would raise an error for
-- it, which ends a server.
local function is_too_weak(sock)
    return require("http.tls").banned_ciphers[sock:checktls():getCipherInfo().name]
end

local WEAK = "a cipher suite that HTTP/2 forbids"

local function refused(sock, message)
    sock:close()
    return nil, "negotiate: " .. message, require("cqueues.errno").EPROTO
end

-- connection_over makes lua-http's connection for the version that the handshake has selected.
local function connection_over(sock, options)
    local version, message = version_of(sock, options.version)
    if not version then
        return refused(sock, message)
    elseif version == 2 and is_too_weak(sock) then
        return refused(sock, WEAK)
    elseif version == 2 then
        return require("http.h2_connection").new(sock, "client", options.h2_settings)
    end
    return require("http.h1_connection").new(sock, "client", version)
end

-- originals holds lua-http's functions that install() has replaced.
local originals

local function original(name)
    return originals and originals[name] or require("http.client")[name]
end

-- uses_cleat returns whether the options request TLS by cleat. With a luaossl context lua-http does TLS itself.
local function uses_cleat(options)
    return options.tls and (options.ctx == nil or SSLContext:is(options.ctx))
end

--- Does the TLS handshake over a connected socket, and returns lua-http's connection: http.client.negotiate with
--- cleat's TLS. The server is verified for `sendname`, or else for `host`; this name is also sent to it.
---
---     local runtime, sockets = require "cqueues", require "cqueues.socket"
---     local negotiate = require("cleat.adapters.lua_http").negotiate
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local loop = runtime.new()
---     loop:wrap(function()
---         local sock = sockets.connect("127.0.0.1", port)
---         local connection = assert(negotiate(sock, { tls = true, host = "localhost", ctx = context }, 10))
---         print(connection.version, connection:checktls():getVersion() == 0x304) --> 1.1	true
---         connection:close()
---     end)
---     assert(loop:loop())
---
--- Raises: TypeError if `ctx` is not an SSLContext; ValueError if there is no name to verify.
--- Python: none.
---@param sock userdata a socket of cqueues, which may still be connecting
---@param options table lua-http's options: `tls`; `ctx`, an SSLContext, by default one of create_default_context;
--- `host`; `sendname`; `version`, 1.1 or 2, by default the one that ALPN selects; `h2_settings`
---@param timeout number? in seconds; nil for no limit
---@return table? # an http.h1_connection or http.h2_connection. If it fails: nil, a text and a number of cqueues.errno;
--- the socket is then closed
function lua_http.negotiate(sock, options, timeout)
    if not options.tls then
        return original "negotiate"(sock, options, timeout)
    end
    local context, name = prepare(options)
    sock:onerror(require("http.connection_common").onerror)
    local starttls = require("cleat.adapters.cqueues").starttls
    local over, message, number = starttls(sock, context, { server_hostname = name, timeout = timeout })
    if not over then
        return nil, message, number
    end
    return connection_over(over, options)
end

--- Connects to a server, and returns lua-http's connection: http.client.connect with cleat's TLS.
---
---     local connect = require("cleat.adapters.lua_http").connect
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local loop = require("cqueues").new()
---     loop:wrap(function()
---         local connection = assert(connect({ host = "localhost", port = port, tls = true, ctx = context }, 10))
---         print(connection.version) --> 1.1
---         connection:close()
---     end)
---     assert(loop:loop())
---
--- Raises: the same errors as negotiate.
--- Python: none.
---@param options table the options of negotiate, and lua-http's `port`, `path`, `bind`, `family` and `v6only`
---@param timeout number? in seconds; nil for no limit
---@return table? # as negotiate
function lua_http.connect(options, timeout)
    if not options.tls then
        return original "connect"(options, timeout)
    end
    prepare(options)
    local plain = {}
    for name, value in pairs(options) do
        plain[name] = value
    end
    plain.tls, plain.ctx, plain.version = false, nil, 1.1
    local connection, message, number = original "connect"(plain, timeout) -- starts connecting, and returns
    if not connection then
        return nil, message, number
    end
    return lua_http.negotiate(connection:take_socket(), options, timeout)
end

local function check_server(name, options)
    if not SSLContext:is(options.ctx) then
        check.fail(name, "options.ctx", "an SSLContext of cleat.ssl, with a certificate", options.ctx)
    end
    offer(options.ctx, options.version)
end

local PREFACE = "PRI * HTTP/2.0\r\n\r\n"

-- refuse_preface makes a server refuse HTTP/2 from a client that has not selected it by ALPN.
local function refuse_preface(sock)
    local seen = ""
    function sock.xread(self, ...)
        self.xread = nil
        local data, message, number = self:xread(...)
        seen = seen .. (data or "")
        if seen:sub(1, #PREFACE) == PREFACE then
            return refused(self, WEAK)
        elseif seen == PREFACE:sub(1, #seen) then
            refuse_preface(self)
        end
        return data, message, number
    end
end

-- with_tls makes a server of lua-http use cleat's TLS on the sockets that it accepts.
local function with_tls(server, ...)
    if not server then
        return nil, ...
    end
    local add_socket, wrap = server.add_socket, require("cleat.adapters.cqueues.tls").wrap
    local function starttls(self, context, timeout)
        self.starttls = nil
        local ok, message, number = self:starttls(context, timeout)
        if not ok then
            return nil, message, number
        elseif is_too_weak(self) and self:checktls():getAlpnSelected() == "h2" then
            return refused(self, WEAK)
        elseif is_too_weak(self) then
            refuse_preface(self)
        end
        return self
    end
    function server.add_socket(self, sock)
        sock = wrap(sock, { server_side = true })
        sock.starttls = starttls
        return add_socket(self, sock)
    end
    return server
end

local function server_original(name)
    return originals and originals["server_" .. name] or require("http.server")[name]
end

--- Makes a server of lua-http with cleat's TLS: http.server.new. ALPN selects HTTP/2 or HTTP/1.1.
---
---     local lua_http = require "cleat.adapters.lua_http"
---     local server = lua_http.new { ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), onstream = print }
---     print(server:empty()) --> true
---
--- Raises: TypeError if `ctx` is not an SSLContext; the errors of lua-http.
--- Python: none.
---@param options table lua-http's options, with an SSLContext as `ctx`
---@return table # an http.server
function lua_http.new(options)
    check_server("new", options)
    return with_tls(server_original "new"(options))
end

--- Makes a listening server of lua-http with cleat's TLS: http.server.listen. `ctx` is required, because there is no
--- default certificate.
---
---     local lua_http = require "cleat.adapters.lua_http"
---     local ok, message = pcall(lua_http.listen, { host = "127.0.0.1", port = 0, onstream = print })
---     print(ok, message)
---     --> false	listen() argument 'options.ctx' must be an SSLContext of cleat.ssl, with a certificate, not nil
---
--- Raises: the same errors as new.
--- Python: none.
---@param options table lua-http's options, with an SSLContext as `ctx`
---@return table? # an http.server. If it cannot listen: nil, a text and a number of cqueues.errno
function lua_http.listen(options)
    check_server("listen", options)
    return with_tls(server_original "listen"(options))
end

--- Makes all of lua-http use cleat's TLS: http.request, http.websocket and http.client without a context or with an
--- SSLContext, and http.server with an SSLContext. With luaossl's contexts lua-http does TLS itself, as before.
---
---     require("cleat.adapters.lua_http").install()
---     local request = require "http.request"
---     local loop = require("cqueues").new()
---     loop:wrap(function()
---         local wanted = request.new_from_uri(url)
---         wanted.ctx = ssl.create_default_context { cafile = "ca.pem" }
---         local headers, stream = assert(wanted:go(10))
---         print(headers:get ":status", stream:get_body_as_string()) --> 200	0123
---     end)
---     assert(loop:loop())
---
--- Python: none.
function lua_http.install()
    if originals then
        return
    end
    local client, server = require "http.client", require "http.server"
    originals = { connect = client.connect, negotiate = client.negotiate, server_new = server.new,
        server_listen = server.listen }
    function client.connect(options, timeout)
        return (uses_cleat(options) and lua_http or originals).connect(options, timeout)
    end
    function client.negotiate(sock, options, timeout)
        return (uses_cleat(options) and lua_http or originals).negotiate(sock, options, timeout)
    end
    for _, name in ipairs { "new", "listen" } do
        server[name] = function(options)
            local ours = SSLContext:is(options.ctx)
            return (ours and lua_http[name] or originals["server_" .. name])(options)
        end
    end
end

return lua_http
