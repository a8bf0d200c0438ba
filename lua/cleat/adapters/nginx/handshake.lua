--- sslhandshake of a cosocket: the contexts for the different settings, and the handshake in memory.

local C = require "cleat.backend"
local defaults = require "cleat.ssl.defaults"
local errors = require "cleat.errors"
local hostname = require "cleat.ssl.hostname"
local pem = require "cleat.adapters.nginx.pem"
local raw = require("cleat.adapters.nginx.raw").methods
local timeouts = require("cleat.adapters.nginx.raw").timeouts
local reader = require "cleat.adapters.nginx.record_reader"
local status = require "cleat.status"
local tls = require "cleat.adapters.nginx.tls"

local const = C.const
local WANT_READ = status.WANT_READ
local HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH = 62, 64 -- OpenSSL's X509_V_ERR_*

local handshake = {}

-- The timeout of a handshake in milliseconds, if the program has set none.
local PATIENCE = 60000

-- The maximum number of client certificates with contexts.
local CERTIFICATES = 100

---@class cleat.adapters.nginx.Contexts
---@field options table see make_tcp
---@field by_certificate table<string, table>
---@field certificates integer
local Contexts = {}
Contexts.__index = Contexts


-- make makes a context. certificate: the PEM texts of a client certificate and its key; false for none.
local function make(self, mode, certificate)
    local options = self.options
    local context
    if mode == "none" then
        context = defaults._create_unverified_context()
    else
        context = defaults.create_default_context { cafile = options.cafile, capath = options.capath, cadata = options.cadata }
        context.check_hostname = mode == "name"
    end
    if certificate then
        errors.check(C.context_load_cert_chain_data(context._id, certificate.chain, certificate.key, nil))
    end
    if options.configure then
        local verify_mode, check_hostname = context.verify_mode, context.check_hostname
        options.configure(context)
        if context.verify_mode ~= verify_mode or context.check_hostname ~= check_hostname then
            errors.raise(errors.ValueError, "make_tcp(): configure must not change verify_mode or check_hostname: sslhandshake " ..
                "says what is verified, and the option always_verify")
        end
    end
    return context
end

--- get returns the context for a mode: "name" verifies the server's chain and name, "chain" the chain only, "none"
--- nothing.
function Contexts:get(mode, certificate)
    local key = certificate and certificate.name or ""
    local contexts = self.by_certificate[key]
    if not contexts then
        if self.certificates >= CERTIFICATES then
            self.by_certificate, self.certificates = {}, 0
        end
        contexts = {}
        self.by_certificate[key] = contexts
        self.certificates = self.certificates + 1
    end
    local context = contexts[mode]
    if not context then
        context = make(self, mode, certificate)
        contexts[mode] = context
    end
    return context
end

--- contexts makes the contexts of one replacement for ngx.socket.tcp. It makes the usual one at once, so that it is
--- shared by all workers after the fork, and mistakes are reported early. It makes the others when they are first
--- needed.
---@param options table
---@return cleat.adapters.nginx.Contexts
function handshake.contexts(options)
    local self = setmetatable({ options = options, by_certificate = {}, certificates = 0 }, Contexts)
    self:get("name", false)
    return self
end

-- explain returns the cosocket's error for a status, and logs the details.
local function explain(state, result)
    local err = errors.from_connection(result, "handshake")
    if status.class(result) == const.WANT_VERIFY or result == status.WANT_SIGNATURE or result == status.WANT_PSK then
        err = "callbacks of contexts are not supported here: set no callbacks in configure"
    end
    ngx.log(ngx.ERR, "cleat: sslhandshake with ", state.host, ": ", tostring(err)) -- luacheck: ignore 113
    local code = type(err) == "table" and rawget(err, "verify_code")
    if not code then
        return "handshake failed"
    elseif code == HOSTNAME_MISMATCH or code == IP_ADDRESS_MISMATCH then
        return "certificate host mismatch"
    end
    return ("%d: %s"):format(code, err.verify_message)
end

-- do_handshake does the handshake in memory, and returns true, or nil and the error. Its last message is sent with the
-- first data.
local function do_handshake(o, state, milliseconds)
    local id = state.id
    local deadline = ngx.now() + milliseconds / 1000 -- luacheck: ignore 113
    while true do
        local result = C.connection_handshake(id, 0)
        if result >= 0 then
            state.unsent = true
            return true
        elseif result ~= WANT_READ then
            local message = explain(state, result)
            tls.flush(o, state) -- the alert
            return nil, message
        end
        local sent, err = tls.flush(o, state)
        if not sent then
            return nil, err == "timeout" and err or "handshake failed"
        end
        local bytes
        state.reading = true -- close() by another light thread sends no close_notify now, and nginx refuses it
        bytes, err = raw.receiveany(o, 65536)
        state.reading = false
        if not bytes then
            return nil, err == "closed" and "handshake failed" or err
        elseif ngx.now() > deadline then -- luacheck: ignore 113
            return nil, "timeout"
        end
        result = reader.feed(state, bytes)
        if result < 0 then
            return nil, "handshake failed"
        end
    end
end

-- labels converts a name to A-labels.
local function labels(name)
    if name:find("^[%w%-%.]+$") and #name <= 253 and name:sub(1, 1) ~= "." then
        return name
    end
    return hostname.to_ascii("sslhandshake", name)
end

--- mode returns what to verify, for Contexts:get.
function handshake.mode(verify, name)
    return not verify and "none" or name and "name" or "chain"
end

-- connection returns the id and the guard of a new connection.
local function connection(context, name)
    return errors.check(C.connection_over_memory_guarded(context._id, 0, name and labels(name) or nil))
end

-- refused logs an error of a class, and returns the cosocket's. It raises others.
local function refused(state, err, class, message)
    if not class:is(err) then
        error(err, 0)
    end
    ngx.log(ngx.ERR, "cleat: sslhandshake with ", state.host, ": ", tostring(err)) -- luacheck: ignore 113
    return nil, message
end

--- begin makes a state one of TLS, and returns true; or nil and the error, for a client certificate with the key of
--- another one, or a name that no server can have. The cosocket can be used as before then.
function handshake.begin(o, state, contexts)
    local name = state.server_name
    local ok, context = pcall(contexts.get, contexts, handshake.mode(state.verify, name), state.certificate and o.certificate)
    if not ok then
        return refused(state, context, errors.SSLError, "ssl set client private key failed")
    end
    local id, guard
    ok, id, guard = pcall(connection, context, name)
    if not ok then
        return refused(state, id, errors.ValueError, "SSL_set_tlsext_host_name failed")
    end
    tls.start(state, id, guard)
    return true
end

--- run does the handshake of a connected cosocket, and returns true, or nil and the error. The cosocket is closed after
--- an error.
function handshake.run(o, state)
    local connect, send, read = timeouts(o)
    if connect ~= read then
        raw.settimeouts(o, connect, send, connect)
    end
    local ok, err = do_handshake(o, state, connect > 0 and connect or PATIENCE)
    if connect ~= read then
        raw.settimeouts(o, connect, send, read)
    end
    if not ok then
        tls.discard(state)
        if o.state == state then
            raw.close(o)
        end
    end
    return ok, err
end

--- set_certificate is setclientcert of a cosocket. chain and key: the objects that ngx.ssl has parsed, or PEM texts.
function handshake.set_certificate(o, chain, key)
    if not chain and not key then
        o.certificate = nil
        return true
    elseif not chain or not key then
        return nil, "client certificate must be supplied with corresponding private key"
    end
    local certificate, err = pem.certificate(chain, key)
    if not certificate then
        return nil, err
    end
    o.certificate = certificate
    return true
end

return handshake
