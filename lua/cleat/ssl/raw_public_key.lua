--- Raw public keys in place of certificates (RFC 7250): this side's, and those that peers may have.

local C = require "cleat.backend"
local base64 = require "cleat.base64"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local passwords = require "cleat.ssl.password"
local status = require "cleat.status"

local const = C.const

---@class cleat.ssl.SSLContext
local methods = {}

---@class cleat.ssl.Connection
local connection_methods = {}

local raw_public_key = { methods = methods, connection_methods = connection_methods }

local parse_load = keywords.parser("load_raw_public_key", { "keyfile", "password" }, { required = 1 })

--- Loads this side's private key. Later connections present its public key in place of a certificate to peers that
--- accept raw public keys (RFC 7250). Other peers get the certificate; if there is none, the handshake fails. A second
--- call replaces the key. Needs `HAS_RAW_PUBLIC_KEYS`.
---
---     if ssl.HAS_RAW_PUBLIC_KEYS then
---         local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---         context:load_raw_public_key("key.pem")
---     end
---
--- Raises: IOError if the file cannot be read; SSLError if it contains no key, or a key that is neither RSA, EC nor
--- Ed25519, or if the password is wrong (reason `BAD_DECRYPT`) or missing (`BAD_PASSWORD_READ`); NotImplementedError
--- without `HAS_RAW_PUBLIC_KEYS`; TypeError.
--- Python: none.
---@param keyfile string path of a PEM file
---@param password string|(fun(): string)|nil for an encrypted key: see load_cert_chain
function methods:load_raw_public_key(keyfile, password, ...)
    keyfile, password = parse_load(keyfile, password, ...)
    check.optional_file("load_raw_public_key", "keyfile", keyfile)
    errors.check(passwords.call(password, function(given)
        return C.context_load_raw_public_key(self._id, keyfile, given)
    end))
end

-- der returns a public key as DER; it may be given as PEM.
local function der(key, index)
    key = check.string("set_peer_public_keys", ("keys[%d]"):format(index), key)
    local text = key:match "%-%-%-%-%-BEGIN PUBLIC KEY%-%-%-%-%-(.-)%-%-%-%-%-END PUBLIC KEY%-%-%-%-%-"
    if text then
        return base64.decode(text) or ""
    elseif key:find("-----BEGIN", 1, true) then
        errors.raise(errors.ValueError, ("keys[%d] is not a public key in PEM (BEGIN PUBLIC KEY)"):format(index))
    end
    return key
end

local parse_keys = keywords.parser("set_peer_public_keys", { "keys", "certificates" }, { tables = { keys = true } })

--- Sets the raw public keys (RFC 7250) that peers of later connections may present in place of certificates. Peers with
--- certificates are refused from then on, unless `certificates` is true. A peer is accepted if it has the private key
--- of one of the keys; its name is not checked. The keys are checked again when a session is resumed. Other keys are
--- refused with a `verify_code` of 95, and an empty list refuses all, unless `verify_callback` accepts them
--- (`verify_callback_may_accept`): the callback gets an empty chain, and SSLSocket:peer_public_key returns the key.
--- With CERT_NONE nothing is verified. nil, as in a new context, accepts no raw public keys. Clients resume sessions
--- with servers that have raw public keys with TLS 1.3 only. Needs `HAS_RAW_PUBLIC_KEYS`.
---
---     if ssl.HAS_RAW_PUBLIC_KEYS then
---         local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---         context:set_peer_public_keys { conn:peer_public_key() }
---     end
---
--- Raises: SSLError if a key cannot be parsed; ValueError for PEM of other things, and for `certificates` without
--- `keys`; NotImplementedError without `HAS_RAW_PUBLIC_KEYS`; TypeError.
--- Python: none.
---@param keys string[]? each a SubjectPublicKeyInfo in DER or PEM, as `openssl pkey -pubout` writes it; nil for none
---@param certificates boolean? whether certificates are accepted too; false by default
function methods:set_peer_public_keys(keys, certificates, ...)
    keys, certificates = parse_keys(keys, certificates, ...)
    certificates = check.optional_boolean("set_peer_public_keys", "certificates", certificates, false)
    local which, bytes = const.PEER_KEYS_NONE, {}
    if keys ~= nil then
        which = certificates and const.PEER_KEYS_ALSO or const.PEER_KEYS_ONLY
        if type(keys) ~= "table" then
            check.fail("set_peer_public_keys", "keys", "an array of public keys", keys)
        end
        for index = 1, check.array("set_peer_public_keys", "keys", keys, "public keys") do
            bytes[index] = der(keys[index], index)
            if bytes[index] == "" then
                errors.raise(errors.ValueError, ("keys[%d] is not a public key in PEM or DER"):format(index))
            end
        end
    elseif certificates then -- it would look like a restriction
        errors.raise(errors.ValueError, "certificates without keys: without keys only certificates are accepted")
    end
    errors.check(C.context_set_peer_public_keys(self._id, which, table.concat(bytes)))
end

--- Returns the peer's public key: its raw public key, or the key of its certificate. Until the handshake is done the
--- peer has not proved that it has the private key.
---
---     print(conn:peer_public_key() == ssl.Certificate(conn:getpeercert(true)).public_key_der) --> true
---
--- Raises: SSLError if the certificate cannot be parsed.
--- Python: none.
---@return string? # SubjectPublicKeyInfo in DER; nil before the peer has sent it, if the peer has none, and after
--- close()
function connection_methods:peer_public_key()
    local length, bytes = 0, nil
    if self._tls ~= 0 then
        length, bytes = C.connection_peer_public_key(self._tls)
        if length < 0 and length ~= status.HANDLE then
            errors.check(length)
        end
    end
    return length > 0 and bytes or nil
end

return raw_public_key
