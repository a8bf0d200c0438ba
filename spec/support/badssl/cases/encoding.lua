-- Malformed DER, in each part of a certificate. Certificates that no TLS library would load as its own are put into the
-- handshake's bytes: see attempt.lua.
local certificate = require "support.badssl.certificate"
local der = require "support.der"

local OID = certificate.OID

local function leaf(changes)
    return { leaf = changes }
end

local function edit(place, f)
    return leaf { edit = function(parts)
        parts[place] = f(parts[place])
    end }
end

local VERSION, ALGORITHM, ISSUER, VALIDITY, SUBJECT, KEY, EXTENSIONS = 1, 3, 4, 5, 6, 7, 8 -- places in the certificate

local function always(bytes)
    return function()
        return bytes
    end
end

local function finish(f)
    return leaf { finish = f }
end

-- value returns a leaf that has an extension with these bytes as its value.
local function value(oid, bytes, field)
    local extension = der.extension(oid, bytes, oid == OID.basic or oid == OID.usage)
    return leaf { [field] = field == "ca" and "absent" or false, extra = { extension } }
end

local NAMES = der.sequence(certificate.dns "localhost")

return {
    { name = "empty", what = "a certificate of no bytes",
        server = "CERT_LENGTH_MISMATCH", wrong = finish(always "") },
    { name = "junk", what = "bytes that are no DER",
        server = "CANNOT_PARSE_LEAF_CERT", wrong = finish(always "this is no certificate") },
    { name = "truncated", what = "the certificate's last byte is missing",
        server = "CANNOT_PARSE_LEAF_CERT", wrong = finish(function(bytes)
        return bytes:sub(1, -2)
    end) },
    { name = "trailing", what = "a byte behind the certificate",
        server = "CANNOT_PARSE_LEAF_CERT", wrong = finish(function(bytes)
        return bytes .. "\0"
    end) },
    { name = "length-indefinite", what = "the certificate has an indefinite length (BER)",
        server = "CANNOT_PARSE_LEAF_CERT", wrong = finish(function(bytes)
        return "\48\128" .. bytes:sub(5) .. "\0\0"
    end) },
    { name = "length-not-minimal", what = "the certificate's length has a byte too many",
        server = "CANNOT_PARSE_LEAF_CERT", wrong = finish(function(bytes)
        return "\48\131\0" .. bytes:sub(3)
    end) },
    { name = "part-behind", what = "a fourth part in the certificate",
        server = "DECODE_ERROR", wrong = leaf { outer = function(tbs, algorithm, signature)
        return der.sequence(tbs, algorithm, signature, der.hex "05 00")
    end } },
    { name = "part-missing", what = "no signature in the certificate",
        server = "DECODE_ERROR", wrong = leaf { outer = function(tbs, algorithm)
        return der.sequence(tbs, algorithm)
    end } },
    { name = "signature-bits", what = "the signature is not of whole bytes",
        server = "CERT_SIGNATURE_FAILURE", wrong = leaf { outer = function(tbs, algorithm, signature)
        local last = signature:byte(-1)
        return der.sequence(tbs, algorithm, signature:sub(1, 2) .. "\1" .. signature:sub(4, -2) .. string.char(last - last % 2))
    end } },
    { name = "signature-octets", what = "the signature is an OCTET STRING",
        server = "DECODE_ERROR", wrong = leaf { outer = function(tbs, algorithm, signature)
        return der.sequence(tbs, algorithm, "\4" .. signature:sub(2))
    end } },
    { name = "tbs-trailing", what = "a value behind the extensions",
        server = "DECODE_ERROR", wrong = edit(EXTENSIONS, function(part)
        return part .. der.hex "05 00"
    end) },
    { name = "version-4", what = "version 4",
        server = "DECODE_ERROR", wrong = edit(VERSION, always(der.explicit(0, der.integer "03"))) },
    { name = "version-default", what = "version 1, which must be left out, and no extensions",
        server = "accepted",
        wrong = leaf { version = der.explicit(0, der.integer "00"), extensions = {}, subject = "localhost" },
        right = leaf { version = "", extensions = {}, subject = "localhost" } },
    { name = "version-1-extensions", what = "version 1 with extensions",
        server = "DECODE_ERROR", wrong = leaf { version = "" } },
    { name = "version-2-extensions", what = "version 2 with extensions",
        server = "DECODE_ERROR", wrong = leaf { version = der.explicit(0, der.integer "01") } },
    { name = "version-1", what = "version 1, without extensions: as good as its issuer says",
        server = "accepted",
        wrong = { leaf = { version = "", extensions = {}, subject = "localhost" } } },
    { name = "serial-negative", what = "a negative serial number",
        server = "accepted", wrong = leaf { serial = "83" }, right = leaf { serial = "0083" } },
    { name = "serial-zero", what = "serial number 0",
        server = "accepted", wrong = leaf { serial = "00" } },
    { name = "serial-21-bytes", what = "a serial number of 21 bytes",
        server = "accepted", wrong = leaf { serial = ("11"):rep(21) },
        right = leaf { serial = ("11"):rep(20) } },
    { name = "serial-1000-bytes", what = "a serial number of 1000 bytes",
        server = "accepted", wrong = leaf { serial = ("11"):rep(1000) } },
    { name = "serial-empty", what = "a serial number of no bytes",
        server = "DECODE_ERROR", wrong = leaf { serial = "" } },
    { name = "serial-not-minimal", what = "a serial number with a zero byte too many",
        server = "DECODE_ERROR", wrong = leaf { serial = "0003" } },
    { name = "algorithm-no-oid", what = "an algorithm without an OID",
        server = "DECODE_ERROR", wrong = edit(ALGORITHM, always(der.sequence())) },
    { name = "oid-padded", what = "an algorithm's OID with a padded number",
        server = "DECODE_ERROR",
        wrong = edit(ALGORITHM, always(der.sequence(der.tlv(6, der.hex "2a 80 86 48 ce 3d 04 03 02")))) },
    { name = "issuer-no-sequence", what = "an issuer that is a SET",
        server = "CANNOT_PARSE_LEAF_CERT", wrong = edit(ISSUER, function(part)
        return "\49" .. part:sub(2)
    end) },
    { name = "issuer-empty", what = "an empty issuer",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = edit(ISSUER, always(der.sequence())) },
    { name = "validity-one-date", what = "a validity of one date",
        server = "DECODE_ERROR", wrong = edit(VALIDITY, always(der.sequence(der.time "200101000000Z"))) },
    { name = "subject-empty-set", what = "an empty set in the subject",
        server = "DECODE_ERROR", floor = { server = "accepted", client = "accepted" },
        wrong = edit(SUBJECT, always(der.sequence(der.set()))) },
    { name = "subject-bad-utf8", what = "a UTF8String that is no UTF-8 in the subject",
        server = "DECODE_ERROR",
        wrong = edit(SUBJECT, always(der.name { { { OID.common_name, der.utf8 "\255" } } })) },
    { name = "subject-bad-printable", what = "a PrintableString with an asterisk in the subject",
        server = "accepted",
        wrong = edit(SUBJECT, always(der.name { { { OID.common_name, der.printable "*" } } })) },
    { name = "subject-odd-bmp", what = "a BMPString of an odd length in the subject",
        server = "DECODE_ERROR",
        wrong = edit(SUBJECT, always(der.name { { { OID.common_name, der.bmp "abc" } } })) },
    { name = "key-no-bits", what = "a key that is no BIT STRING",
        server = "DECODE_ERROR", wrong = edit(KEY, always(der.sequence(der.sequence(
        der.oid "1.2.840.10045.2.1", der.oid "1.2.840.10045.3.1.7"), der.octets "key"))) },
    { name = "key-missing", what = "no key",
        server = "CANNOT_PARSE_LEAF_CERT", floor = { server = "DECODE_ERROR", client = "DECODE_ERROR" }, wrong = edit(KEY, always "") },
    { name = "extensions-empty", what = "an empty list of extensions",
        server = "accepted", wrong = leaf { subject = "localhost", edit = function(parts)
        parts[EXTENSIONS] = der.explicit(3, der.sequence())
    end }, right = leaf { extensions = {}, subject = "localhost" } },
    { name = "extension-no-value", what = "an extension without a value",
        server = "DECODE_ERROR", wrong = leaf { extra = { der.sequence(der.oid(OID.unknown)) } } },
    { name = "extension-critical-false", what = "an extension that says it is not critical, which must be left out",
        server = "accepted",
        wrong = leaf { extra = { der.sequence(der.oid(OID.unknown), der.boolean(false), der.octets "") } },
        right = leaf { extra = { der.sequence(der.oid(OID.unknown), der.octets "") } } },
    { name = "extension-critical-1", what = "a BOOLEAN that is 1, where DER wants 255",
        server = "accepted",
        wrong = leaf { ca = "absent", extra = { der.sequence(der.oid(OID.basic), der.tlv(1, "\1"), der.octets(der.sequence())) } } },
    { name = "basic-constraints-junk", what = "basic constraints that cannot be read",
        server = "INVALID_EXTENSION", wrong = value(OID.basic, "junk", "ca") },
    { name = "basic-constraints-trailing", what = "a byte behind the basic constraints",
        server = "INVALID_EXTENSION", wrong = value(OID.basic, der.sequence() .. "\0", "ca") },
    { name = "basic-constraints-negative", what = "a negative path length",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = { intermediate = { ca = "absent", extra = {
        der.extension(OID.basic, der.sequence(der.boolean(true), der.integer "ff"), true) } } } },
    { name = "usage-junk", what = "a key usage that cannot be read",
        server = "INVALID_EXTENSION", wrong = value(OID.usage, "junk", "usage") },
    { name = "extended-usage-junk", what = "an extended key usage that cannot be read",
        server = "INVALID_EXTENSION", wrong = value(OID.extended, "junk", "extended") },
    { name = "names-junk", what = "alternative names that cannot be read",
        server = "INVALID_EXTENSION", wrong = value(OID.names, "junk", "names") },
    { name = "names-trailing", what = "a byte behind the alternative names",
        server = "INVALID_EXTENSION", wrong = value(OID.names, NAMES .. "\0", "names") },
    { name = "names-not-ascii", what = "an alternative name that is not ASCII",
        server = "accepted",
        wrong = leaf { names = { certificate.dns "localhost", certificate.dns "caf\195\169.test" } } },
    { name = "constraints-junk", what = "name constraints that cannot be read",
        server = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", wrong = { intermediate = {
        extra = { der.extension(OID.constraints, "junk", true) } } } },
    { name = "key-id-junk", what = "an authority key identifier that cannot be read",
        server = "INVALID_EXTENSION",
        wrong = leaf { authority_key_id = false, extra = { der.extension(OID.authority_key_id, "junk") } } },
    { name = "intermediate-junk", what = "the intermediate is no DER",
        server = "DECODE_ERROR", wrong = { intermediate = { finish = always "this is no certificate" } } },
    { name = "intermediate-empty", what = "the intermediate is of no bytes",
        server = "CERT_LENGTH_MISMATCH", wrong = { intermediate = { finish = always "" } } },
    { name = "intermediate-trailing", what = "a byte behind the intermediate",
        server = "DECODE_ERROR", wrong = { intermediate = { finish = function(bytes)
        return bytes .. "\0"
    end } } },
    { name = "intermediate-key-junk", what = "the intermediate's key cannot be read",
        server = "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY", wrong = { intermediate = { spki = der.sequence(
        der.sequence(der.oid "1.2.840.10045.2.1", der.oid "1.2.840.10045.3.1.7"), der.bits "junk") } } },
}
