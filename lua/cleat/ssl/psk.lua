--- Pre-shared keys (TLS-PSK): the methods of SSLContext, and the calls of the callbacks that they set.
---
--- The ABI has no callbacks: the handshake returns WANT_PSK, and is continued after the Lua layer has passed the key to
--- the core. So a callback runs between two calls of the ABI: it may raise and yield.
---
--- A context keeps its callbacks in a table with the fields `client` and `server`, or false. Setting a callback
--- replaces the table, and a connection keeps the table that its context had when it was made. A server that switches
--- its context uses the other context's table.

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

-- set replaces one callback of a context.
local function set(context, role, callback)
    local old = context._psk or {}
    local new = { client = old.client, server = old.server }
    new[role] = callback
    context._psk = new
end

-- check_callback checks a callback, and that the context is not for the other role only.
local function check_callback(context, role, callback)
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

--- Sets the function that a client calls when it needs a pre-shared key (TLS-PSK). `callback(hint)` gets the server's
--- hint, nil if it has sent none, and returns `identity, key`; nil is an empty identity. An identity has at most 128
--- bytes, a key at most 256. Without a key (nil or "") the handshake fails. The callback may yield. If it raises, the
--- handshake raises SSLError with the callback's error in `cause`.
---
--- The cipher suites with PSK must be enabled by set_ciphers, and TLS 1.3 has none of them. The key authenticates the
--- server in place of a certificate, even if `verify_mode` is CERT_REQUIRED. DANGEROUS in set_psk_client_callback is a
--- key that can be guessed, such as a password, or that several clients share: an attacker who has the key can pose as
--- the server.
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
--- Raises: TypeError if the callback is not callable; SSLError on a context for servers.
--- Python: 3.13.
---@param callback (fun(hint: string?): string?, string?)? nil for none
function methods:set_psk_client_callback(callback, ...)
    callback = check_callback(self, "client", (parse_client(callback, ...)))
    errors.check(C.context_set_psk_client(self._id, callback and 1 or 0))
    set(self, "client", callback)
end

local parse_server = keywords.parser("set_psk_server_callback", { "callback", "identity_hint" })

--- Sets the function that a server calls when it needs a pre-shared key (TLS-PSK). `callback(identity)` gets the
--- client's identity, nil if it is empty, and returns the client's key of at most 256 bytes. Without a key (nil or "")
--- the client is refused with the alert UNKNOWN_PSK_IDENTITY. To hide which identities exist, return random bytes for
--- unknown ones. The callback may yield. If it raises, the handshake raises SSLError with the callback's error in
--- `cause`. The client is not authenticated yet when the callback runs: use SSLSocket:psk_identity after the handshake.
---
--- The cipher suites with PSK must be enabled by set_ciphers. A server without a certificate does not negotiate TLS
--- 1.3, which has none of them. The key authenticates the client in place of a certificate, even if `verify_mode` is
--- CERT_REQUIRED. DANGEROUS in set_psk_server_callback is a key that can be guessed: with a suite without ECDHE, an
--- observer of one handshake can try keys offline.
---
---     local keys = { ClientId_1 = "\192\255\238" }
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     context:set_ciphers "PSK"
---     context:set_psk_server_callback(function(identity)
---         return keys[identity or ""]
---     end, "ServerId_1")
---
--- Raises: TypeError if the callback is not callable; ValueError if the hint has more than 128 bytes, or a null byte;
--- SSLError on a context for clients.
--- Python: 3.13.
---@param callback (fun(identity: string?): string?)? nil for none
---@param identity_hint string? is sent to clients in plaintext, to help them choose an identity; nil for none
function methods:set_psk_server_callback(callback, identity_hint, ...)
    callback, identity_hint = parse_server(callback, identity_hint, ...)
    check_callback(self, "server", callback)
    check.optional_string("set_psk_server_callback", "identity_hint", identity_hint)
    if identity_hint and identity_hint:find("\0", 1, true) then
        errors.raise(errors.ValueError, "embedded null character")
    elseif identity_hint and #identity_hint > const.PSK_IDENTITY_MAX then
        errors.raise(errors.ValueError, "failed to set identity hint")
    end
    errors.check(C.context_set_psk_server(self._id, callback and 1 or 0, identity_hint))
    set(self, "server", callback)
end

-- check_result checks a result of a callback: a string of at most `most` bytes. Its value is secret, and not in the
-- message.
local function check_result(role, what, value, most)
    if type(value) ~= "string" then
        errors.raise(errors.TypeError, ("psk %s callback must return %s that is a string, not %s"):format(role, what,
            check.kind(value)))
    elseif #value > most then
        errors.raise(errors.ValueError, ("psk %s callback must return %s of at most %d bytes, not %d"):format(role, what, most,
            #value))
    end
    return value
end

local function non_empty(value)
    return value ~= "" and value or nil
end

-- call returns the identity that a client has chosen, and the key; nil if there is none.
local function call(self, id)
    local callbacks = self._psk or {}
    local identity, key
    if self._server_side then
        local _, claimed = errors.check(C.connection_psk_identity(id))
        key = callbacks.server and callbacks.server(non_empty(claimed))
        return nil, key and check_result("server", "a key", key, const.PSK_KEY_MAX)
    end
    local _, hint = errors.check(C.connection_psk_hint(id))
    if callbacks.client then
        identity, key = callbacks.client(non_empty(hint))
    end
    if not key then
        return nil, nil
    elseif identity ~= nil then
        check_result("client", "an identity", identity, const.PSK_IDENTITY_MAX)
        if identity:find("\0", 1, true) then
            errors.raise(errors.ValueError, "psk client callback has returned an identity with a null byte")
        end
    end
    return identity, check_result("client", "a key", key, const.PSK_KEY_MAX)
end

--- answer calls the callback of a connection whose handshake has returned WANT_PSK, and passes its results to the core.
--- Then the handshake can continue, unless the callback has closed the connection. Without a key it raises SSLError
--- with the reason PSK_IDENTITY_NOT_FOUND.
function psk.answer(self)
    local id = self._tls
    self._in_callback = "psk"
    local ok, identity, key = pcall(call, self, id)
    self._in_callback = false
    if self._tls ~= id then
        return
    end
    local cause
    if not ok then
        cause, identity, key = identity, nil, nil
    end
    key = key and non_empty(key) or nil -- the callback may return false
    errors.check(C.connection_answer_psk(id, key and identity, key))
    if not key then
        errors.throw(refusal.of_handshake(id, errors.SSLError, cause))
    end
end

return psk
