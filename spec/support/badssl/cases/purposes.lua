-- Key usage and extended key usage. Bits: 0 digitalSignature, 2 keyEncipherment, 4 keyAgreement, 5 keyCertSign, 6
-- cRLSign.
local certificate = require "support.badssl.certificate"
local der = require "support.der"

local OID = certificate.OID

local function leaf(changes)
    return { leaf = changes }
end

local UNKNOWN = { der.extension(OID.unknown, der.hex "05 00", true) }

-- pinned: a self-signed certificate that is trusted itself, and is both a CA's and a server's.
local function pinned(changes)
    return function(make)
        local one = make.leaf(nil, {
            authority_key_id = false, ca = true, usage = { 0, 5 }, extended = changes.extended or { OID.server, OID.client },
            extra = changes.extra,
        })
        return { chain = { one }, trust = { one } }
    end
end

-- trusted: the leaf of a chain is trusted itself, with VERIFY_X509_PARTIAL_CHAIN.
local function trusted(changes)
    return function(make)
        local issuing = make.intermediate(make.root())
        local one = make.leaf(issuing, changes)
        return { chain = { one, issuing }, trust = { one }, flags = 0x80000 }
    end
end

local EMPTY = der.extension(OID.extended, der.sequence())

return {
    { name = "client-as-server", what = "for clients only",
        server = "INVALID_PURPOSE", client = "accepted", wrong = leaf { extended = { OID.client } } },
    { name = "server-as-client", what = "for servers only",
        server = "accepted", client = "INVALID_PURPOSE", wrong = leaf { extended = { OID.server } } },
    { name = "code-signing", what = "for code signing only",
        server = "INVALID_PURPOSE", wrong = leaf { extended = { OID.code } } },
    { name = "any-extended-usage", what = "for any purpose, and none named",
        server = "INVALID_PURPOSE", wrong = leaf { extended = { OID.any } },
        right = leaf { extended = { OID.any, OID.server, OID.client } } },
    { name = "extended-usage-empty", what = "an extended key usage without a purpose",
        server = "INVALID_PURPOSE", wrong = leaf { extended = false, extra = { EMPTY } },
        right = leaf { extended = false } },
    { name = "usage-no-signature", what = "an EC key for key agreement only",
        server = "KEY_USAGE_BIT_INCORRECT", wrong = leaf { usage = { 4 } }, right = leaf { usage = { 0, 4 } } },
    { name = "usage-certsign-only", what = "the leaf's key may only sign certificates",
        server = "INVALID_PURPOSE", wrong = leaf { usage = { 5 } },
        right = leaf { usage = { 0, 5 }, ca = true } },
    { name = "usage-none", what = "a key usage without a bit",
        server = "INVALID_PURPOSE", wrong = leaf { usage = {} } },
    { name = "leaf-trusted-as-another", what = "the leaf is trusted itself, and for code signing only",
        server = "INVALID_PURPOSE", wrong = pinned({ extended = { OID.code } }), right = pinned {} },
    { name = "leaf-trusted-as-another-issued", what = "the same with a partial chain, and the leaf's issuer sent beside it",
        server = "INVALID_PURPOSE", wrong = trusted { extended = { OID.code } }, right = trusted {} },
    { name = "leaf-trusted-unknown-critical", what = "the leaf is trusted itself, and has an unknown critical extension",
        server = "UNHANDLED_CRITICAL_EXTENSION", wrong = pinned { extra = UNKNOWN }, right = pinned {} },
    { name = "leaf-trusted-unknown-critical-issued", what = "the same with a partial chain, and the leaf's issuer sent beside it",
        server = "UNHANDLED_CRITICAL_EXTENSION", wrong = trusted { extra = UNKNOWN }, right = trusted {} },
    { name = "leaf-is-ca", what = "the leaf is a CA",
        server = "accepted", wrong = leaf { ca = true, usage = { 0, 5, 6 } } },
    { name = "ca-no-certsign", what = "the intermediate's key may not sign certificates",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = { intermediate = { usage = { 6 } } } },
    { name = "root-no-certsign", what = "the trusted root's key may not sign certificates",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = { root = { usage = { 6 } } } },
    { name = "ca-for-clients", what = "the intermediate is for clients' certificates only",
        server = "INVALID_PURPOSE", client = "accepted", wrong = {
        intermediate = { extended = { OID.client } } } },
    { name = "ca-for-servers", what = "the intermediate is for servers' certificates only",
        server = "accepted", client = "INVALID_PURPOSE", wrong = {
        intermediate = { extended = { OID.server } } } },
    { name = "ca-for-code", what = "the intermediate is for code signing only",
        server = "INVALID_PURPOSE", wrong = { intermediate = { extended = { OID.code } } },
        right = { intermediate = { extended = { OID.server, OID.client } } } },
    { name = "root-for-clients", what = "the trusted root is for clients' certificates only",
        server = "INVALID_PURPOSE", client = "accepted", wrong = {
        root = { extended = { OID.client } } } },
}
