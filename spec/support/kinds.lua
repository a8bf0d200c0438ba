-- Self-signed certificates for "localhost", for clients and servers, one for each type of key.
local pki = require "support.pki"
local process = require "support.process"

local kinds = {}

-- GENERATE: arguments of openssl genpkey.
local GENERATE = {
    ["P-256"] = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", ["P-384"] = "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    ["P-256 second"] = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    ["P-256 third"] = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    ["P-521"] = "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", Ed25519 = "-algorithm ED25519",
    Ed448 = "-algorithm ED448",
    ["RSA 1024"] = "-algorithm RSA -pkeyopt rsa_keygen_bits:1024",
}

local made = {}

-- files returns the names of a certificate and its key. The first call makes them; after process.cleanup they are made
-- again.
function kinds.files(kind)
    local base = process.directory() .. "/kind-" .. kind:gsub(" ", "-")
    if not made[base] then
        local make = kind == "RSA" and ("cp '%s' "):format(pki.path "rsa.key") or
            ("openssl genpkey %s -out "):format(assert(GENERATE[kind], kind))
        local result = process.run { "sh", "-ec", ("%s %s.key; openssl req -x509 -new -key %s.key -days 9 -subj /CN=localhost "
            .. "-addext subjectAltName=DNS:localhost -out %s.pem"):format(make, base, base, base) }
        assert(result.status == 0, result.errors)
        made[base] = true
    end
    return base .. ".pem", base .. ".key"
end

return kinds
