-- Revoked certificates, and revocation lists that cannot be used. The verifier has the lists, and VERIFY_CRL_CHECK_LEAF
-- unless the case says otherwise.
local certificate = require "support.badssl.certificate"
local der = require "support.der"

local LEAF, CHAIN = 4, 12

-- lists: changes of the intermediate's list; with chain = true there is also a list of the root's.
local function with(intermediate, options)
    options = options or {}
    return {
        flags = options.root and CHAIN or LEAF, intermediate = options.intermediate,
        crls = function(make, root, issuing)
            local lists = {}
            lists[1] = intermediate and make.crl(issuing, intermediate)
            lists[#lists + 1] = options.root and make.crl(root, options.root)
            return lists
        end,
    }
end

local EMPTY = with {}

local function flip(signature)
    return signature:sub(1, -2) .. string.char((signature:byte(-1) + 1) % 256)
end

local CRITICAL = der.extension(certificate.OID.unknown, der.hex "05 00", true)

return {
    { name = "revoked", what = "the leaf is revoked",
        server = "CERT_REVOKED", wrong = with { revoked = { "03" } }, right = with { revoked = { "04" } } },
    { name = "revoked-intermediate", what = "the intermediate is revoked, and the chain is checked",
        server = "CERT_REVOKED",
        wrong = with({}, { root = { revoked = { "02" } } }), right = with({}, { root = { revoked = { "04" } } }) },
    { name = "crl-missing", what = "there is no list",
        server = "UNABLE_TO_GET_CRL", wrong = { flags = LEAF }, right = EMPTY },
    { name = "crl-missing-of-root", what = "there is no list for the intermediate, and the chain is checked",
        server = "UNABLE_TO_GET_CRL",
        wrong = { flags = CHAIN, crls = EMPTY.crls }, right = with({}, { root = {} }) },
    { name = "crl-expired", what = "the list has expired",
        server = "CRL_HAS_EXPIRED", wrong = with { from = -30, to = -1 }, right = EMPTY },
    { name = "crl-not-yet-valid", what = "the list is not valid yet",
        server = "CRL_NOT_YET_VALID", wrong = with { from = 1, to = 30 }, right = EMPTY },
    { name = "crl-of-another", what = "the list is signed by another with the intermediate's name",
        server = "CRL_SIGNATURE_FAILURE", wrong = with { signer = "other" },
        right = EMPTY },
    { name = "crl-broken", what = "the list's signature is broken",
        server = "CRL_SIGNATURE_FAILURE", wrong = with { tamper = flip }, right = EMPTY },
    { name = "crl-sha1", what = "the list is signed with SHA-1",
        server = "accepted", wrong = with { digest = "sha1" }, right = EMPTY },
    { name = "crl-no-crlsign", what = "the intermediate's key may not sign lists",
        server = "KEYUSAGE_NO_CRL_SIGN",
        wrong = with({}, { intermediate = { usage = { 5 } } }), right = EMPTY },
    { name = "crl-critical", what = "the list has an unknown critical extension",
        server = "UNHANDLED_CRITICAL_CRL_EXTENSION", wrong = with { extra = { CRITICAL } }, right = EMPTY },
    { name = "crl-entry-critical", what = "an entry of the list has an unknown critical extension",
        server = "UNHANDLED_CRITICAL_CRL_EXTENSION",
        wrong = with { revoked = { "04" }, entry_extra = CRITICAL }, right = with { revoked = { "04" } } },
    { name = "crl-of-cas", what = "the list is for CA certificates only",
        server = "DIFFERENT_CRL_SCOPE", wrong = with {
        extra = { der.extension(certificate.OID.crl_point, der.sequence(der.implicit(2, "\255")), true) } },
        right = with { extra = { der.extension(certificate.OID.crl_point, der.sequence(der.implicit(1, "\255")), true) } } },
}
