-- What VERIFY_X509_STRICT refuses. Each control is a chain without the fault, verified with the same flag.
local certificate = require "support.badssl.certificate"
local der = require "support.der"

local STRICT, PARTIAL_CHAIN = 0x20, 0x80000
local OID = certificate.OID

local function chain(changes)
    changes.flags = STRICT
    return changes
end

local RIGHT = chain {}

local function case(name, what, server, wrong, right)
    return { name = "strict-" .. name, what = what, server = server, wrong = chain(wrong), right = right or RIGHT }
end

local function loose(value)
    return { ca = "absent", extra = { der.extension(OID.basic, value) } }
end

local function key_id(oid, value)
    return { der.extension(oid, value, true) }
end

-- bare: a self-signed certificate, trusted itself, that lacks everything which STRICT requires of other certificates.
local function bare(make)
    local leaf = make.leaf(nil, { authority_key_id = false, key_id = false, ca = "absent", usage = false })
    return { chain = { leaf }, trust = { leaf }, flags = STRICT }
end

-- trusted: the intermediate is the trust anchor, so that it needs no authority key identifier.
local function trusted(make)
    local issuing = make.intermediate(make.root(), { authority_key_id = false })
    return { chain = { make.leaf(issuing) }, trust = { issuing }, flags = STRICT + PARTIAL_CHAIN }
end

local SHA1 = certificate.algorithm("root", "sha1")

return {
    case("authority-key-missing", "the leaf has no authority key identifier", "MISSING_AUTHORITY_KEY_IDENTIFIER",
        { leaf = { authority_key_id = false } }),
    case("authority-key-missing-intermediate", "the intermediate has none", "MISSING_AUTHORITY_KEY_IDENTIFIER",
        { intermediate = { authority_key_id = false } }, trusted),
    case("subject-key-missing", "the intermediate has no subject key identifier", "MISSING_SUBJECT_KEY_IDENTIFIER",
        { intermediate = { key_id = false }, leaf = { authority_key_id = "any" } }),
    case("subject-key-missing-root", "the trusted root has none", "MISSING_SUBJECT_KEY_IDENTIFIER",
        { root = { key_id = false }, intermediate = { authority_key_id = "any" } }),
    case("authority-key-critical", "the leaf's authority key identifier is critical", "UNHANDLED_CRITICAL_EXTENSION",
        { leaf = { authority_key_id = false,
            extra = key_id(OID.authority_key_id, der.sequence(der.implicit(0, "the intermediate's key"))) } }),
    case("subject-key-critical", "the leaf's subject key identifier is critical", "UNHANDLED_CRITICAL_EXTENSION",
        { leaf = { key_id = false, extra = key_id(OID.subject_key_id, der.octets "the leaf's key") } }),
    case("basic-constraints-not-critical", "the intermediate's basic constraints are not critical", "CA_BCONS_NOT_CRITICAL",
        { intermediate = loose(der.sequence(der.boolean(true))) }, chain { leaf = loose(der.sequence()) }),
    case("usage-missing", "the intermediate has no key usage", "CA_CERT_MISSING_KEY_USAGE", { intermediate = { usage = false } }),
    case("path-length-without-usage", "the intermediate has a path length and no key usage", "PATHLEN_WITHOUT_KU_KEY_CERT_SIGN",
        { intermediate = { pathlen = 0, usage = false } }, chain { intermediate = { pathlen = 0 } }),
    case("certsign-without-ca", "the leaf's key may sign certificates, but it is no CA", "KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA",
        { leaf = { usage = { 0, 5 } } }, chain { leaf = { ca = true, usage = { 0, 5 } } }),
    case("subject-empty", "the leaf's subject is empty, and its alternative names are not critical", "EMPTY_SUBJECT_SAN_NOT_CRITICAL",
        { leaf = { subject = der.sequence() } }, chain { leaf = { subject = der.sequence(), names = false,
            extra = { der.extension(OID.names, der.sequence(certificate.dns "localhost"), true) } } }),
    case("issuer-empty", "the intermediate has no name", "ISSUER_NAME_EMPTY", { intermediate = { subject = der.sequence() } }),
    case("root-version-1", "the trusted root is a certificate of version 1", "INVALID_CA 79",
        { root = { version = "", extensions = {} } }),
    case("root-algorithms-differ", "the trusted root names two signature algorithms", "SIGNATURE_ALGORITHM_INCONSISTENCY",
        { root = { outer_algorithm = SHA1 } }),
    { name = "strict-self-signed", what = "a self-signed certificate, trusted itself, without any of that",
        server = "accepted", wrong = bare },
}
