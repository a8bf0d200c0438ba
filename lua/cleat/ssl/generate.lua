--- Self-signed certificates, for tests, for development, and for peers that know each other's certificate.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local idna = require "cleat.idna"
local keywords = require "cleat.keywords"

local const = C.const

local generate = { functions = {} }

local KEY_TYPES = {
    prime256v1 = const.REMOTE_KEY_P256, secp384r1 = const.REMOTE_KEY_P384, secp521r1 = const.REMOTE_KEY_P521,
    ed25519 = const.REMOTE_KEY_ED25519,
}

local parse = keywords.parser("self_signed_certificate", { "names", "lifetime", "key_type" }, { required = 1,
    tables = { names = true } })

local function to_labels(names)
    if type(names) == "string" then
        names = { names }
    elseif type(names) ~= "table" then
        check.fail("self_signed_certificate", "names", "a string or an array of strings", names)
    end
    local labels = {}
    for index, name in ipairs(names) do
        check.string("self_signed_certificate", "names", name)
        if name == "" or name:find(",", 1, true) then
            errors.raise(errors.ValueError, "self_signed_certificate() argument 'names': no host name or IP address: "
                .. check.shown(name))
        end
        labels[index] = idna.encode(name)
    end
    if not labels[1] then
        errors.raise(errors.ValueError, "self_signed_certificate() argument 'names' is empty")
    end
    return table.concat(labels, ",")
end

--- Generates a private key and a self-signed certificate for it, which is valid for servers and for clients. A peer
--- that trusts the certificate as a CA certificate accepts it; it cannot issue other certificates.
---
---     local certificate, key = ssl.self_signed_certificate({ "localhost", "127.0.0.1" }, { lifetime = 3600 })
---     local context = ssl.create_default_context { cadata = certificate }
---     print(ssl.Certificate(certificate):matches "localhost", #key > 100) --> true	true
---
--- A server's context loads certificate and key from files. To keep the key out of files, write the certificate to a
--- file only, and sign with the key: see `sign` of SSLContext:load_cert_chain, and ssl.sign.
---
--- Raises: ValueError for a name that is neither a host name nor an IP address, for a lifetime that is not 1 to
--- 2147483647, and for other types of keys; TypeError.
--- Python: none.
---@param names string|string[] one or more host names, which may begin with "*.", and IP addresses
---@param lifetime integer? for how many seconds the certificate is valid; a day by default
---@param key_type string? "prime256v1", the default, "secp384r1", "secp521r1" or "ed25519"
---@return string certificate PEM text
---@return string key PEM text
function generate.functions.self_signed_certificate(names, lifetime, key_type, ...)
    names, lifetime, key_type = parse(names, lifetime, key_type, ...)
    local labels = to_labels(names)
    lifetime = check.optional_integer("self_signed_certificate", "lifetime", lifetime, 86400)
    if key_type ~= nil then
        check.string("self_signed_certificate", "key_type", key_type)
    end
    local number = KEY_TYPES[key_type or "prime256v1"]
    if not number then
        errors.raise(errors.ValueError, "self_signed_certificate() argument 'key_type' is unknown: " .. check.shown(key_type))
    elseif lifetime < 1 then
        errors.raise(errors.ValueError, "self_signed_certificate() argument 'lifetime' must be 1 to 2147483647")
    end
    local _, key = errors.check(C.generate_key(number))
    local _, certificate = errors.check(C.generate_certificate(key, labels, lifetime))
    return certificate, key
end

return generate
