-- Certificates for localhost with keys of all types that TLS has. The common name of each is its type.
local ocsp = require "support.ocsp"
local process = require "support.process"

local key_types = {}

local COMMANDS = {
    rsa = { "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048" },
    p256 = { "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256" },
    p384 = { "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384" },
    p521 = { "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521" },
    ed25519 = { "-algorithm", "ED25519" },
}

-- In the order of preference.
key_types.names = { "p256", "p384", "p521", "ed25519", "rsa" }

local made = {}

-- issue returns the names of a chain and of its key, which the first call makes. options: name (the common name; by
-- default the type), ca (a file's name of pki; by default intermediate), serial (a number). The same name returns the
-- same files.
function key_types.issue(key_type, options)
    options = options or {}
    local name = options.name or key_type
    local id = process.directory() .. "/" .. name
    if not made[id] then
        local key = id .. ".key"
        local words = { "openssl", "genpkey", "-out", key, timeout = 30 }
        for _, word in ipairs(COMMANDS[key_type]) do
            words[#words + 1] = word
        end
        assert(process.run(words).status == 0, "openssl genpkey failed")
        local certificate, _, chain = ocsp.issue(name,
            "subjectAltName = DNS:localhost\nextendedKeyUsage = serverAuth, clientAuth", options.ca, key, options.serial)
        made[id] = { chain, key, certificate }
    end
    return made[id][1], made[id][2], made[id][3]
end

-- load loads certificates into a context, in the order of the arguments.
function key_types.load(context, ...)
    for _, key_type in ipairs { ... } do
        local chain, key = key_types.issue(key_type)
        context:load_cert_chain(chain, key)
    end
    return context
end

-- name returns the common name of a certificate in the form of getpeercert(), or nil without a certificate.
function key_types.name(certificate)
    for _, part in ipairs(certificate and certificate.subject or {}) do
        if part[1][1] == "commonName" then
            return part[1][2]
        end
    end
end

return key_types
