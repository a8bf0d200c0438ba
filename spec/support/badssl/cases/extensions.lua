-- Extensions that are unknown, or that occur twice.
local certificate = require "support.badssl.certificate"
local der = require "support.der"

local OID = certificate.OID

local function unknown(critical)
    return der.extension(OID.unknown, der.hex "05 00", critical)
end

local function extra(...)
    return { leaf = { extra = { ... } } }
end

local NAMES = der.extension(OID.names, der.sequence(certificate.dns "www.cleat.test"))
local BASIC = der.extension(OID.basic, der.sequence(der.boolean(true)), true)
local USAGE = der.extension(OID.extended, der.sequence(der.oid(OID.server), der.oid(OID.client)))

return {
    { name = "unknown-critical", what = "the leaf has an unknown critical extension",
        server = "UNHANDLED_CRITICAL_EXTENSION", wrong = extra(unknown(true)), right = extra(unknown(false)) },
    { name = "unknown-critical-intermediate", what = "the intermediate has an unknown critical extension",
        server = "UNHANDLED_CRITICAL_EXTENSION",
        wrong = { intermediate = { extra = { unknown(true) } } }, right = { intermediate = { extra = { unknown(false) } } } },
    { name = "unknown-critical-root", what = "the trusted root has an unknown critical extension",
        server = "UNHANDLED_CRITICAL_EXTENSION",
        wrong = { root = { extra = { unknown(true) } } }, right = { root = { extra = { unknown(false) } } } },
    { name = "duplicate-names", what = "alternative names twice",
        server = "INVALID_EXTENSION", wrong = extra(NAMES) },
    { name = "duplicate-extended-usage", what = "extended key usage twice",
        server = "INVALID_EXTENSION", wrong = extra(USAGE) },
    { name = "duplicate-basic-constraints", what = "basic constraints twice in the intermediate",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        wrong = { intermediate = { extra = { BASIC } } } },
    { name = "duplicate-unknown", what = "an unknown extension twice",
        server = "accepted", wrong = extra(unknown(false), unknown(false)),
        right = extra(unknown(false)) },
}
