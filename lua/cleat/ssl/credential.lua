--- The method of an SSLContext that loads the certificate and key of this side, and asks for the key's password
--- (section 17.3.3).

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local passwords = require "cleat.ssl.password"
local signature = require "cleat.ssl.signature"

---@class cleat.ssl.SSLContext
local credential = {}

local parse_chain = keywords.parser("load_cert_chain", { "certfile", "keyfile", "password", "sign" }, { required = 1 })

--- Loads this side's certificate, its chain and the private key. Later connections use them; existing ones keep theirs.
--- The key may be elsewhere: then `sign` makes the signatures that handshakes need, in another process, by a PKCS#11
--- token or a key service.
---
--- A context has one certificate for each type of key: ECDSA with P-256, with P-384, with P-521, Ed25519, RSA. Another
--- type adds, the same type replaces, and nothing changes if loading fails. Each connection presents the first of them,
--- in this order, that the peer can verify, whatever the order of loading. None can be removed: make a new context.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     context:load_cert_chain("cert.pem", "key.pem")
---
---     -- an encrypted key
---     context:load_cert_chain { certfile = "cert.pem", keyfile = "encrypted.pem", password = "swordfish" }
---
---     -- beside ECDSA, which costs a server a fraction, RSA for the clients that know nothing else
---     context:load_cert_chain("rsa.pem", "rsa.key")
---
---     -- a key that is elsewhere
---     context:load_cert_chain("cert.pem", { sign = function(algorithm, data, digest, public_key)
---         return ssl.sign("key.pem", algorithm, data) -- in the process that has the key
---     end })
---
--- `sign` is called in each handshake that is not resumed, with the algorithm's name in TLS
--- ("ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256", "ed25519" …), the message, its digest (nil for ed25519, which
--- signs the message itself) and the public key (SubjectPublicKeyInfo in DER). It returns the signature as ssl.sign
--- does: for ECDSA the DER of r and s. In a coroutine it may yield. If it raises, or returns nil and perhaps a
--- reason, or a signature that the certificate's key does not verify, the peer gets the alert internal_error, and the
--- handshake raises SSLError with the reason `PRIVATE_KEY_OPERATION_FAILED` and the error in `cause`. With an RSA key
--- the cipher suites of TLS 1.2 with RSA key exchange are left out, because they decrypt with it.
---
--- Raises: IOError if a file cannot be read; SSLError if a file has no certificate or key, if the key does not match,
--- or if the password is wrong (reason `BAD_DECRYPT`) or missing (`BAD_PASSWORD_READ`); ValueError if the password is
--- too long, and if `sign` is given with `keyfile` or `password`; TypeError if the password is neither a string nor
--- callable, or `sign` is not callable.
--- Python: 2.7.9, 3.2; `password` 3.3; `sign` none.
---@param certfile string path of a PEM file: the certificate first, then its issuers
---@param keyfile string? path of a PEM file; `certfile` by default
---@param password string|(fun(): string)|nil for an encrypted key: the password, or a function that returns it, which
--- is called only if the key is encrypted. nil prompts at the process's terminal, if it has one
---@param sign (fun(algorithm: string, data: string, digest: string?, public_key: string): string?, any)? signs, if the
--- private key is elsewhere
function credential:load_cert_chain(certfile, keyfile, password, sign, ...)
    certfile, keyfile, password, sign = parse_chain(certfile, keyfile, password, sign, ...)
    check.optional_file("load_cert_chain", "certfile", certfile)
    if sign ~= nil then
        if not check.callable(sign) then
            check.fail("load_cert_chain", "sign", "a function", sign)
        elseif keyfile ~= nil or password ~= nil then
            errors.raise(errors.ValueError, ("load_cert_chain() takes sign, for a private key that is elsewhere, or %s")
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
