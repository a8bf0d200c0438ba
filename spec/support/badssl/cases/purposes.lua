-- For what: key usage and extended key usage. Bits: 0 digitalSignature, 2 keyEncipherment, 4 keyAgreement, 5 keyCertSign, 6 cRLSign.
local certificate = require "support.badssl.certificate"
local der = require "support.der"

local OID = certificate.OID

local function leaf(changes)
    return { leaf = changes }
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
    { name = "leaf-is-authority", what = "the leaf is an authority",
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
