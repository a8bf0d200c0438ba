--- Pre-shared keys (TLS-PSK): the methods of SSLContext, and the calls of their functions.
---
--- The ABI has no callbacks: the handshake returns WANT_PSK and is continued after an answer. So these functions are
--- Lua functions between two calls of the ABI: they may raise, and in a coroutine they may yield.
---
--- A context has its functions in a table, `client` and `server`, or false. It is replaced when one is set, and a
--- connection keeps the one that it was made with. A server that switches its context takes the other's.

local C = require "cleat.backend"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local refusal = require "cleat.ssl.refusal"
local roles = require "cleat.ssl.roles"

local const = C.const
local pcall = compat.pcall

---@class cleat.ssl.SSLContext
local methods = {}

local psk = { methods = methods }

-- keep replaces one of a context's functions.
local function keep(context, role, callback)
    local old = context._psk or {}
    local new = { client = old.client, server = old.server }
    new[role] = callback
    context._psk = new
end

-- callable checks a function, and that the context is not for the other role only.
local function callable(context, role, callback)
    local other = role == "client" and roles.SERVER or roles.CLIENT
    if context._protocol == other then
        errors.raise(errors.SSLError, errors.SSL_ERROR_SSL, ("Cannot add PSK %s callback to a %s context"):format(role,
            role == "client" and "PROTOCOL_TLS_SERVER" or "PROTOCOL_TLS_CLIENT"))
    elseif callback ~= nil and not check.callable(callback) then
        errors.raise(errors.TypeError, "callback must be callable")
    end
    return callback
end

local parse_client = keywords.parser("set_psk_client_callback", { "callback" })

--- Sets the function that a client calls when it needs a pre-shared key (TLS-PSK): `callback(hint)` with the server's
--- hint, nil if it has sent none, returns an identity, or nil for an empty one, and the key: `identity, key`. Without a
--- key, nil or "", the connection is refused. An identity has at most 128 bytes, a key 256. In a coroutine the function
--- may yield. If it raises, the handshake raises SSLError with its error in `cause`.
---
--- The suites must be named as well, and TLS 1.3 has none of them. The key authenticates the server in place of a
--- certificate, also where `verify_mode` is CERT_REQUIRED. DANGEROUS in set_psk_client_callback is a key that can be
--- guessed, as a password can, or that several clients have: an attacker who has it can pose as the server.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---     context.check_hostname = false
---     context.verify_mode = ssl.CERT_NONE
---     context.maximum_version = ssl.TLSVersion.TLSv1_2
---     context:set_ciphers "PSK"
---     context:set_psk_client_callback(function(hint)
---         return "ClientId_1", "\192\255\238"
---     end)
---
--- Raises: TypeError "callback must be callable"; SSLError on a context for servers.
--- Python: 3.13.
---@param callback (fun(hint: string?): string?, string?)? nil for none
function methods:set_psk_client_callback(callback, ...)
    callback = callable(self, "client", (parse_client(callback, ...)))
    errors.check(C.context_set_psk_client(self._id, callback and 1 or 0))
    keep(self, "client", callback)
end

local parse_server = keywords.parser("set_psk_server_callback", { "callback", "identity_hint" })

--- Sets the function that a server calls when it needs a pre-shared key (TLS-PSK): `callback(identity)` with the
--- client's identity, nil if it is empty, returns its key of at most 256 bytes. Without a key, nil or "", the client is
--- refused with the alert UNKNOWN_PSK_IDENTITY; a server that does not want to say which identities it knows returns
--- random bytes. In a coroutine the function may yield. If it raises, the handshake raises SSLError with its error in
--- `cause`. The client has proved nothing yet: SSLSocket:psk_identity is for afterwards.
---
--- The suites must be named as well. Without a certificate the server does not speak TLS 1.3, which has none of them.
--- The key authenticates the client in place of a certificate, also where `verify_mode` is CERT_REQUIRED. DANGEROUS in
--- set_psk_server_callback is a key that can be guessed: with a suite without ECDHE, what an observer records of a
--- handshake is enough to try them.
---
---     local keys = { ClientId_1 = "\192\255\238" }
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     context:set_ciphers "PSK"
---     context:set_psk_server_callback(function(identity)
---         return keys[identity or ""]
---     end, "ServerId_1")
---
--- Raises: TypeError "callback must be callable"; ValueError if the hint has more than 128 bytes, or a null byte;
--- SSLError on a context for clients.
--- Python: 3.13.
---@param callback (fun(identity: string?): string?)? nil for none
---@param identity_hint string? helps clients to choose an identity; it is sent in plaintext
function methods:set_psk_server_callback(callback, identity_hint, ...)
    callback, identity_hint = parse_server(callback, identity_hint, ...)
    callable(self, "server", callback)
    check.optional_string("set_psk_server_callback", "identity_hint", identity_hint)
    if identity_hint and identity_hint:find("\0", 1, true) then
        errors.raise(errors.ValueError, "embedded null character")
    elseif identity_hint and #identity_hint > const.PSK_IDENTITY_MAX then
        errors.raise(errors.ValueError, "failed to set identity hint")
    end
    errors.check(C.context_set_psk_server(self._id, callback and 1 or 0, identity_hint))
    keep(self, "server", callback)
end

-- text checks a result of a function: a string of at most so many bytes. What it is is no part of the message.
local function text(role, what, value, most)
    if type(value) ~= "string" then
        errors.raise(errors.TypeError, ("psk %s callback must return %s that is a string, not %s"):format(role, what,
            check.kind(value)))
    elseif #value > most then
        errors.raise(errors.ValueError, ("psk %s callback must return %s of at most %d bytes, not %d"):format(role, what, most,
            #value))
    end
    return value
end

local function some(value)
    return value ~= "" and value or nil
end

-- ask returns the identity, which a server does not choose, and the key; nil without one.
local function ask(self, id)
    local callbacks = self._psk or {}
    local identity, key
    if self._server_side then
        local _, claimed = errors.check(C.connection_psk_identity(id))
        key = callbacks.server and callbacks.server(some(claimed))
        return nil, key and text("server", "a key", key, const.PSK_KEY_MAX)
    end
    local _, hint = errors.check(C.connection_psk_hint(id))
    if callbacks.client then
        identity, key = callbacks.client(some(hint))
    end
    if not key then
        return nil, nil
    elseif identity ~= nil then
        text("client", "an identity", identity, const.PSK_IDENTITY_MAX)
        if identity:find("\0", 1, true) then
            errors.raise(errors.ValueError, "psk client callback has returned an identity with a null byte")
        end
    end
    return identity, text("client", "a key", key, const.PSK_KEY_MAX)
end

--- answer calls the function of a connection whose handshake has returned WANT_PSK. After it the handshake can
--- continue, unless the function has closed the connection. Without a key it raises SSLError, reason
--- PSK_IDENTITY_NOT_FOUND.
function psk.answer(self)
    local id = self._tls
    self._in_callback = "psk"
    local ok, identity, key = pcall(ask, self, id)
    self._in_callback = false
    if self._tls ~= id then
        return
    end
    local cause
    if not ok then
        cause, identity, key = identity, nil, nil
    end
    key = key and some(key) or nil -- a function may say false
    errors.check(C.connection_answer_psk(id, key and identity, key))
    if not key then
        errors.throw(refusal.of_handshake(id, errors.SSLError, cause))
    end
end

return psk
