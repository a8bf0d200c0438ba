--- Calls the function that signs for a context without a private key (`sign` of SSLContext:load_cert_chain); and
--- ssl.sign, which signs where the key is.
---
--- The ABI has no callbacks: the handshake returns WANT_SIGNATURE, and is continued after the Lua layer has passed the
--- signature to the core. So `sign` runs between two calls of the ABI: it may raise and yield.
---
--- A context keeps these functions in a table by the type of key (REMOTE_KEY_*), or false. Loading a certificate
--- replaces the table, and a connection keeps the table that its context had when it was made, as it keeps the
--- certificate.

local C = require "cleat.backend"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local passwords = require "cleat.ssl.password"
local refusal = require "cleat.ssl.refusal"

local const = C.const
local pcall = compat.pcall

local signature = { functions = {} }

-- NAMES: the names of the algorithms in TLS, by number. NUMBERS: the numbers by name.
local NAMES, NUMBERS = {}, {}
for name, number in pairs(const) do
    local scheme = name:match "^SIGNATURE_(.+)$"
    if scheme then
        scheme = scheme:lower()
        NAMES[number], NUMBERS[scheme] = scheme, number
    end
end

--- Loads the certificates of a context, and sets the function that signs for their key.
function signature.load(context, certfile, sign)
    local key_type = errors.check(C.context_load_cert_chain_remote_key(context._id, certfile))
    local signers = {}
    for other, f in pairs(context._signers or {}) do
        signers[other] = f
    end
    signers[key_type] = sign
    context._signers = signers
end

-- sign calls the function that signs, with the message and the algorithm that the connection needs.
local function sign(self, id)
    local name = NAMES[errors.check(C.connection_signature_algorithm(id))]
    local signer = self._signers[errors.check(C.connection_signature_key(id))]
    local _, data = errors.check(C.connection_signature_input(id))
    local length, digest = errors.check(C.connection_signature_digest(id))
    local _, public_key = errors.check(C.connection_signature_public_key(id))
    local made, reason = signer(name, data, length > 0 and digest or nil, public_key)
    if made and type(made) ~= "string" then
        errors.raise(errors.TypeError, "sign must return a string, or nil to refuse, not " .. check.kind(made))
    end
    return made or nil, reason
end

-- call returns the signature, or nil and the error.
local function call(self, id)
    local ok, made, reason = pcall(sign, self, id)
    if not ok then
        return nil, made
    end
    return made, reason
end

--- answer calls the function of a connection whose handshake has returned WANT_SIGNATURE, and passes the signature to
--- the core. Then the handshake can continue, unless the function has closed the connection. Without a valid signature
--- it raises SSLError with the reason PRIVATE_KEY_OPERATION_FAILED.
function signature.answer(self)
    local id = self._tls
    self._in_callback = "sign"
    local made, cause = call(self, id)
    self._in_callback = false
    if self._tls ~= id then
        return
    end
    local result = C.connection_answer_signature(id, made)
    if result < 0 then
        cause = errors.from_status(result)
        if C.connection_signature_algorithm(id) > 0 then -- the core still waits for a signature
            C.connection_answer_signature(id, nil)
        end
    end
    if result < 0 or not made then
        errors.throw(refusal.of_handshake(id, errors.SSLError, cause))
    end
end

local parse_sign = keywords.parser("sign", { "key", "algorithm", "data", "password" }, { required = 3 })

--- Makes a signature with a private key, for a server process that has the certificate without the key: see `sign` of
--- SSLContext:load_cert_chain. A process that signs for others should check what it signs: see docs/security.md.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     context:load_cert_chain("cert.pem", { sign = function(algorithm, data)
---         return ssl.sign("key.pem", algorithm, data)
---     end })
---
--- Raises: SSLError with the reason `WRONG_SIGNATURE_TYPE` if the algorithm does not fit the key; ValueError if the
--- algorithm is unknown; the errors of SSLContext:load_cert_chain for the key and the password.
--- Python: none.
---@param key string the private key: the path of a PEM file, or PEM text
---@param algorithm string "rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256", "ed25519" …
---@param data string the message, not its digest
---@param password string|(fun(): string)|nil for an encrypted key: see SSLContext:load_cert_chain
---@return string # the signature; for ECDSA the DER encoding of r and s
function signature.functions.sign(key, algorithm, data, password, ...)
    key, algorithm, data, password = parse_sign(key, algorithm, data, password, ...)
    check.string("sign", "key", key)
    check.string("sign", "data", data)
    local number = NUMBERS[check.string("sign", "algorithm", algorithm)]
    if not number then
        errors.raise(errors.ValueError, "sign() argument 'algorithm' is unknown: " .. check.shown(algorithm))
    end
    local is_text = key:find("-----BEGIN", 1, true)
    if not is_text then
        check.optional_file("sign", "key", key)
    end
    local f = is_text and C.sign_data or C.sign
    local _, made = errors.check(passwords.call(password, function(given)
        return f(key, given, number, data)
    end))
    return made
end

return signature
