-- cleat's verdicts on bad chains, by the names in cases.lua: the verify code, its message, and the alert that the peer
-- is sent; or, if the certificates cannot be parsed, the reason of the error in place of a code.
local verdicts = {}

-- X509_V_ERR_*, without that prefix.
local CODES = {
    UNABLE_TO_GET_ISSUER_CERT = { 2, "unable to get issuer certificate", "unknown_ca" },
    UNABLE_TO_GET_CRL = { 3, "unable to get certificate CRL", "unknown_ca" },
    UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY = { 6, "unable to decode issuer public key", "bad_certificate" },
    CERT_SIGNATURE_FAILURE = { 7, "certificate signature failure", "decrypt_error" },
    CRL_SIGNATURE_FAILURE = { 8, "CRL signature failure", "decrypt_error" },
    CERT_NOT_YET_VALID = { 9, "certificate is not yet valid", "certificate_expired" },
    CERT_HAS_EXPIRED = { 10, "certificate has expired", "certificate_expired" },
    CRL_NOT_YET_VALID = { 11, "CRL is not yet valid", "certificate_expired" },
    CRL_HAS_EXPIRED = { 12, "CRL has expired", "certificate_expired" },
    ERROR_IN_CERT_NOT_AFTER_FIELD = { 14, "format error in certificate's notAfter field", "bad_certificate" },
    DEPTH_ZERO_SELF_SIGNED_CERT = { 18, "self signed certificate", "unknown_ca" },
    SELF_SIGNED_CERT_IN_CHAIN = { 19, "self signed certificate in certificate chain", "unknown_ca" },
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY = { 20, "unable to get local issuer certificate", "unknown_ca" },
    CERT_REVOKED = { 23, "certificate revoked", "certificate_revoked" },
    INVALID_CA = { 24, "invalid CA certificate", "unknown_ca" },
    PATH_LENGTH_EXCEEDED = { 25, "path length constraint exceeded", "unknown_ca" },
    INVALID_PURPOSE = { 26, "unsupported certificate purpose", "unsupported_certificate" },
    UNHANDLED_CRITICAL_EXTENSION = { 34, "unhandled critical extension", "certificate_unknown" },
    KEYUSAGE_NO_CRL_SIGN = { 35, "key usage does not include CRL signing", "certificate_unknown" },
    UNHANDLED_CRITICAL_CRL_EXTENSION = { 36, "unhandled critical CRL extension", "certificate_unknown" },
    INVALID_EXTENSION = { 41, "invalid or inconsistent certificate extension", "certificate_unknown" },
    DIFFERENT_CRL_SCOPE = { 44, "Different CRL scope", "certificate_unknown" },
    PERMITTED_VIOLATION = { 47, "permitted subtree violation", "certificate_unknown" },
    EXCLUDED_VIOLATION = { 48, "excluded subtree violation", "certificate_unknown" },
    SUBTREE_MINMAX = { 49, "name constraints minimum and maximum not supported", "certificate_unknown" },
    UNSUPPORTED_CONSTRAINT_TYPE = { 51, "unsupported name constraint type", "certificate_unknown" },
    UNSUPPORTED_CONSTRAINT_SYNTAX = { 52, "unsupported or invalid name constraint syntax", "certificate_unknown" },
    UNSUPPORTED_NAME_SYNTAX = { 53, "Issuer has name constraints but leaf has no SANs", "certificate_unknown" },
    ["UNSUPPORTED_NAME_SYNTAX 53"] = { 53, "unsupported or invalid name syntax", "certificate_unknown" },
    HOSTNAME_MISMATCH = { 62, "Hostname mismatch, certificate is not valid for '%s'.", "bad_certificate" },
    IP_ADDRESS_MISMATCH = { 64, "IP address mismatch, certificate is not valid for '%s'.", "bad_certificate" },
    EE_KEY_TOO_SMALL = { 66, "certificate's key is too weak", "bad_certificate" },
    CA_KEY_TOO_SMALL = { 67, "issuer's key is too weak", "bad_certificate" },
    CA_MD_TOO_WEAK = { 68, "signature's digest is too weak", "bad_certificate" },
    SIGNATURE_ALGORITHM_INCONSISTENCY = { 78, "cert info signature and signature algorithm mismatch", "certificate_unknown" },
    ["INVALID_CA 79"] = { 79, "invalid CA certificate", "certificate_unknown" }, -- by VERIFY_X509_STRICT; see INVALID_CA
    PATHLEN_WITHOUT_KU_KEY_CERT_SIGN = { 81, "Path length given without key usage keyCertSign", "certificate_unknown" },
    KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA = { 82, "Key usage keyCertSign invalid for non-CA cert", "certificate_unknown" },
    ISSUER_NAME_EMPTY = { 83, "Issuer name empty", "certificate_unknown" },
    MISSING_AUTHORITY_KEY_IDENTIFIER = { 85, "Missing Authority Key Identifier", "certificate_unknown" },
    MISSING_SUBJECT_KEY_IDENTIFIER = { 86, "Missing Subject Key Identifier", "certificate_unknown" },
    EMPTY_SUBJECT_SAN_NOT_CRITICAL = { 88, "Subject empty and Subject Alt Name extension not critical", "certificate_unknown" },
    CA_BCONS_NOT_CRITICAL = { 89, "Basic Constraints of CA cert not marked critical", "certificate_unknown" },
    AUTHORITY_KEY_IDENTIFIER_CRITICAL = { 90, "Authority Key Identifier marked critical", "certificate_unknown" },
    SUBJECT_KEY_IDENTIFIER_CRITICAL = { 91, "Subject Key Identifier marked critical", "certificate_unknown" },
    CA_CERT_MISSING_KEY_USAGE = { 92, "CA cert does not include key usage extension", "certificate_unknown" },
}

-- Reasons of class CLEAT_SSL.
local REASONS = {
    BAD_ENCODING = "decode_error", CANNOT_PARSE_LEAF_CERT = "decode_error", CERT_LENGTH_MISMATCH = "decode_error",
    DECODE_ERROR = "decode_error", EXCESSIVE_MESSAGE_SIZE = "illegal_parameter", KEY_USAGE_BIT_INCORRECT = "illegal_parameter",
    POINT_IS_NOT_ON_CURVE = "decode_error", UNKNOWN_GROUP = "decode_error", UNSUPPORTED_ALGORITHM = "decode_error",
}

-- RFC 8446 section 6.
verdicts.ALERTS = {
    bad_certificate = 42, unsupported_certificate = 43, certificate_revoked = 44, certificate_expired = 45, certificate_unknown = 46,
    illegal_parameter = 47, unknown_ca = 48, decode_error = 50, decrypt_error = 51,
}

-- get returns { name, code, message, alert } or { name, reason, alert }; nil for "accepted".
function verdicts.get(name)
    if name == "accepted" then
        return nil
    end
    local code, alert = CODES[name], REASONS[name]
    if code then
        return { name = "X509_V_ERR_" .. name, code = code[1], message = code[2], alert = code[3] }
    end
    return { name = name, reason = name, alert = alert or error("no verdict " .. tostring(name), 2) }
end

-- named returns the name of a verify code without X509_V_ERR_; nil if no chain here has it.
function verdicts.named(number)
    for name, code in pairs(CODES) do
        if code[1] == number then
            return (name:gsub(" %d+$", ""))
        end
    end
end

return verdicts
