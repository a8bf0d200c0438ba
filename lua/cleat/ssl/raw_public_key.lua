--- Raw public keys in place of certificates (RFC 7250): those of this side, and those that peers may have.

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

--- Loads this side's private key, whose public key later connections present to peers that accept raw public keys (RFC
--- 7250), in place of a certificate. Other peers get the certificate; without one the handshake fails. A second call
--- replaces the first. Needs `HAS_RAW_PUBLIC_KEYS`.
---
---     if ssl.HAS_RAW_PUBLIC_KEYS then
---         local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---         context:load_raw_public_key("key.pem")
---     end
---
--- Raises: IOError if the file cannot be read; SSLError if it has no key, one that is neither RSA, nor EC, nor Ed25519,
--- or if the password is wrong (reason `BAD_DECRYPT`) or missing (`BAD_PASSWORD_READ`); NotImplementedError; TypeError.
--- Python: none.
---@param keyfile string path of a PEM file
---@param password string|(fun(): string)|nil for an encrypted key, as in load_cert_chain
function methods:load_raw_public_key(keyfile, password, ...)
    keyfile, password = parse_load(keyfile, password, ...)
    check.optional_file("load_raw_public_key", "keyfile", keyfile)
    errors.check(passwords.call(password, function(given)
        return C.context_load_raw_public_key(self._id, keyfile, given)
    end))
end

-- der: a public key, which may be in PEM.
local function der(key, index)
    key = check.string("set_peer_public_keys", ("keys[%d]"):format(index), key)
    local text = key:match "%-%-%-%-%-BEGIN PUBLIC KEY%-%-%-%-%-(.-)%-%-%-%-%-END PUBLIC KEY%-%-%-%-%-"
    if text then
        return base64.decode(text) or ""
    elseif key:find("-----BEGIN", 1, true) then
        errors.raise(errors.ValueError, ("keys[%d] is no public key (BEGIN PUBLIC KEY)"):format(index))
    end
    return key
end

local parse_keys = keywords.parser("set_peer_public_keys", { "keys", "certificates" }, { tables = { keys = true } })

--- Sets the raw public keys (RFC 7250) that peers of later connections may have, in place of certificates. Only these
--- are accepted then: a peer with a certificate is refused, unless `certificates` is true. A key is verified as a
--- certificate would be, also where a session is resumed, but for the name: a peer with one of the keys is accepted
--- whatever its name is. Another key is refused with a `verify_code` of 95, so an empty list refuses all, unless
--- SSLContext's `verify_callback` accepts it (`verify_callback_may_accept`): it finds the key by
--- SSLSocket:peer_public_key, and gets an empty chain. With CERT_NONE nothing is verified. nil: no raw public keys, as
--- in a new context. Clients of servers with raw public keys resume sessions with TLS 1.3 only. Needs
--- `HAS_RAW_PUBLIC_KEYS`.
---
---     if ssl.HAS_RAW_PUBLIC_KEYS then
---         local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---         context:set_peer_public_keys { conn:peer_public_key() }
---     end
---
--- Raises: SSLError if a key cannot be parsed; ValueError for PEM of something else, and `certificates` without `keys`;
--- NotImplementedError; TypeError.
--- Python: none.
---@param keys string[]? SubjectPublicKeyInfo in DER or PEM, as `openssl pkey -pubout` writes it
---@param certificates boolean? whether certificates are accepted too: false
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
                errors.raise(errors.ValueError, ("keys[%d] is no public key"):format(index))
            end
        end
    elseif certificates then -- it would look like a restriction
        errors.raise(errors.ValueError, "certificates without keys: without keys only certificates are accepted")
    end
    errors.check(C.context_set_peer_public_keys(self._id, which, table.concat(bytes)))
end

--- Returns the public key of the peer: its raw public key, or that of its certificate. Before the handshake is done the
--- peer has not shown that it has the private key.
---
---     print(conn:peer_public_key() == ssl.Certificate(conn:getpeercert(true)).public_key_der) --> true
---
--- Raises: SSLError if the certificate cannot be parsed.
--- Python: none.
---@return string? # SubjectPublicKeyInfo in DER; nil if the peer has none, before it has sent it, and after close()
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
