--- The method of SSLContext that loads the certificate and key of this side (section 17.3.3).

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local passwords = require "cleat.ssl.password"
local signature = require "cleat.ssl.signature"

---@class cleat.ssl.SSLContext
local credential = {}

local parse_chain = keywords.parser("load_cert_chain", { "certfile", "keyfile", "password", "sign" }, { required = 1 })

--- Loads this side's certificate, its chain and the private key, for later connections. The key may be elsewhere, for
--- example in another process, a PKCS#11 token or a key service: then `sign` makes the signatures for handshakes.
---
--- A context can have one certificate for each type of key: ECDSA with P-256, P-384 and P-521, Ed25519, and RSA.
--- Loading another certificate for the same type replaces the first one; if loading fails nothing changes. A connection
--- presents the first certificate, in the order above, that the peer supports. Certificates cannot be removed: make a
--- new context.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     context:load_cert_chain("cert.pem", "key.pem")
---
---     -- an encrypted key
---     context:load_cert_chain { certfile = "cert.pem", keyfile = "encrypted.pem", password = "swordfish" }
---
---     -- an RSA certificate in addition, for clients that do not support ECDSA
---     context:load_cert_chain("rsa.pem", "rsa.key")
---
---     -- a key in another process, which calls ssl.sign
---     context:load_cert_chain("cert.pem", { sign = function(algorithm, data, digest, public_key)
---         return ssl.sign("key.pem", algorithm, data) -- in the process that has the key
---     end })
---
--- `sign` is called in each full handshake, with the name of the algorithm in TLS ("ecdsa_secp256r1_sha256",
--- "rsa_pss_rsae_sha256", "ed25519" …), the message, its digest (nil for ed25519, which signs the message itself) and
--- the public key (SubjectPublicKeyInfo in DER). It returns the signature as ssl.sign does; for ECDSA this is the DER
--- encoding of r and s. It may yield. If it raises, returns nil and optionally a reason, or returns a signature that is
--- not valid for the certificate, the peer gets the alert internal_error, and the handshake raises SSLError with the
--- reason `PRIVATE_KEY_OPERATION_FAILED` and the error in `cause`. For an RSA key the cipher suites with RSA key
--- exchange (TLS 1.2) are disabled, because they would need decryption.
---
--- Raises: IOError if a file cannot be read; SSLError if a file contains no certificate or key, if the key does not
--- match, or if the password is wrong (reason `BAD_DECRYPT`) or missing (`BAD_PASSWORD_READ`); ValueError if the
--- password is too long, and for `sign` with `keyfile` or `password`; TypeError if the password is neither a string nor
--- callable, or if `sign` is not callable.
--- Python: 2.7.9, 3.2; `password` 3.3; `sign` none.
---@param certfile string path of a PEM file with the certificate, followed by its intermediate certificates
---@param keyfile string? path of a PEM file with the private key; `certfile` by default
---@param password string|(fun(): string)|nil the password of an encrypted key, or a function that returns it, which is
--- called only if the key is encrypted. nil reads it from the terminal of the process, if it has one
---@param sign (fun(algorithm: string, data: string, digest: string?, public_key: string): string?, any)? makes
--- signatures if the private key is not in a file
function credential:load_cert_chain(certfile, keyfile, password, sign, ...)
    certfile, keyfile, password, sign = parse_chain(certfile, keyfile, password, sign, ...)
    check.optional_file("load_cert_chain", "certfile", certfile)
    if sign ~= nil then
        if not check.callable(sign) then
            check.fail("load_cert_chain", "sign", "a function", sign)
        elseif keyfile ~= nil or password ~= nil then
            errors.raise(errors.ValueError, ("load_cert_chain() takes either sign, which replaces the private key, or %s")
                :format(keyfile ~= nil and "keyfile" or "password"))
        end
        return signature.load(self, certfile, sign)
    end
    check.optional_file("load_cert_chain", "keyfile", keyfile)
    errors.check(passwords.call(password, function(given)
        return C.context_load_cert_chain(self._id, certfile, keyfile, given)
    end))
end

return credential
