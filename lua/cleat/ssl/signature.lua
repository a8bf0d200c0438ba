--- Calls the function that signs for a context whose private key is elsewhere (SSLContext:load_cert_chain with `sign`),
--- and signs for such contexts where the key is.
---
--- The ABI has no callbacks: the handshake returns WANT_SIGNATURE and is continued after an answer. So `sign` is a Lua
--- function between two calls of the ABI: it may raise, and in a coroutine it may yield.
---
--- A context has a table of these functions by the type of key (REMOTE_KEY_*), or false. It is replaced when a
--- certificate is loaded, and a connection keeps the one that it was made with, as it keeps the certificate.

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

-- NAMES: TLS's name of each algorithm by its number; NUMBERS: the reverse.
local NAMES, NUMBERS = {}, {}
for name, number in pairs(const) do
    local scheme = name:match "^SIGNATURE_(.+)$"
    if scheme then
        scheme = scheme:lower()
        NAMES[number], NUMBERS[scheme] = scheme, number
    end
end

--- Loads the certificates of a context, and sets the function that signs by their key.
function signature.load(context, certfile, sign)
    local key_type = errors.check(C.context_load_cert_chain_remote_key(context._id, certfile))
    local signers = {}
    for other, f in pairs(context._signers or {}) do
        signers[other] = f
    end
    signers[key_type] = sign
    context._signers = signers
end

-- sign calls the function that signs with what the connection is to sign.
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

-- ask returns the signature, or nil and the error; nil if there is none.
local function ask(self, id)
    local ok, made, reason = pcall(sign, self, id)
    if not ok then
        return nil, made
    end
    return made, reason
end

--- answer calls the function of a connection whose handshake has returned WANT_SIGNATURE. After it the handshake can
--- continue, unless the function has closed the connection. Without a good signature it raises SSLError, reason
--- PRIVATE_KEY_OPERATION_FAILED.
function signature.answer(self)
    local id = self._tls
    self._in_callback = "sign"
    local made, cause = ask(self, id)
    self._in_callback = false
    if self._tls ~= id then
        return
    end
    local result = C.connection_answer_signature(id, made)
    if result < 0 then
        cause = errors.from_status(result)
        if C.connection_signature_algorithm(id) > 0 then -- it still waits
            C.connection_answer_signature(id, nil)
        end
    end
    if result < 0 or not made then
        errors.throw(refusal.of_handshake(id, errors.SSLError, cause))
    end
end

local parse_sign = keywords.parser("sign", { "key", "algorithm", "data", "password" }, { required = 3 })

--- Signs for a process that has a certificate and not its key: see SSLContext:load_cert_chain. Before it signs, the
--- process should look at what it is asked for: docs/security.md.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     context:load_cert_chain("cert.pem", { sign = function(algorithm, data)
---         return ssl.sign("key.pem", algorithm, data)
---     end })
---
--- Raises: SSLError with the reason `WRONG_SIGNATURE_TYPE` if the algorithm does not fit the key; ValueError if there
--- is no such algorithm; for the key and the password as SSLContext:load_cert_chain.
--- Python: none.
---@param key string the private key: path of a PEM file, or PEM text
---@param algorithm string "rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256", "ed25519" …
---@param data string the message, not its digest
---@param password string|(fun(): string)|nil for an encrypted key
---@return string # the signature; for ECDSA the DER of r and s
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
