-- Keys and signatures.
local certificate = require "support.badssl.certificate"
local der = require "support.der"

local function leaf(changes)
    return { leaf = changes }
end

local RSA = { key = "rsa-2048", usage = { 0, 2 } }

local function rsa(changes)
    changes.usage = { 0, 2 }
    return leaf(changes)
end

-- root_rsa: a chain whose root has an RSA key, with which it signs the intermediate.
local function signed(digest)
    return { root = { key = "rsa-2048", digest = "sha256" }, intermediate = { digest = digest } }
end

local function flip(signature)
    return signature:sub(1, -2) .. string.char((signature:byte(-1) + 1) % 256)
end

-- An RSA key of 2048 bits whose public exponent is 1.
local function exponent_one(key)
    return key:sub(1, -4) .. "\0\0\1" -- instead of 65537
end

local POINT = der.sequence(der.sequence(der.oid "1.2.840.10045.2.1", der.oid "1.2.840.10045.3.1.7"), der.bits("\4" .. ("\1"):rep(64)))

-- A signature algorithm that does not exist: ecdsa-with-SHA256 is 1.2.840.10045.4.3.2.
local UNKNOWN = der.sequence(der.oid "1.2.840.10045.4.3.99")

return {
    { name = "rsa-1024", what = "the leaf has an RSA key of 1024 bits",
        server = "EE_KEY_TOO_SMALL", wrong = rsa { key = "rsa-1024" }, right = leaf(RSA) },
    { name = "rsa-512", what = "the leaf has an RSA key of 512 bits",
        server = "EE_KEY_TOO_SMALL", version = 0x0303, wrong = rsa { key = "rsa-512" }, right = leaf(RSA) },
    { name = "rsa-1024-intermediate", what = "the intermediate has an RSA key of 1024 bits",
        server = "CA_KEY_TOO_SMALL", wrong = { intermediate = { key = "rsa-1024" } },
        right = { intermediate = { key = "rsa-2048" } } },
    { name = "rsa-1024-root", what = "the trusted root has an RSA key of 1024 bits",
        server = "CA_KEY_TOO_SMALL", wrong = { root = { key = "rsa-1024" } },
        right = { root = { key = "rsa-2048" } } },
    { name = "md5-leaf", what = "the leaf is signed with MD5",
        server = "CERT_SIGNATURE_FAILURE", wrong = { intermediate = { key = "rsa-2048" }, leaf = { digest = "md5" } },
        right = { intermediate = { key = "rsa-2048" } } },
    { name = "md5-intermediate", what = "the intermediate is signed with MD5",
        server = "CERT_SIGNATURE_FAILURE", wrong = signed "md5", right = signed "sha256" },
    { name = "sha1-leaf", what = "the leaf is signed with SHA-1 and RSA",
        server = "CA_MD_TOO_WEAK",
        wrong = { intermediate = { key = "rsa-2048" }, leaf = { digest = "sha1" } }, right = { intermediate = { key = "rsa-2048" } } },
    { name = "sha1-leaf-ecdsa", what = "the leaf is signed with SHA-1 and ECDSA",
        server = "CA_MD_TOO_WEAK", wrong = leaf { digest = "sha1" } },
    { name = "sha1-intermediate", what = "the intermediate is signed with SHA-1",
        server = "CA_MD_TOO_WEAK", wrong = signed "sha1", right = signed "sha256" },
    { name = "sha1-root", what = "the trusted root is signed with SHA-1, by itself",
        server = "accepted", wrong = { root = { digest = "sha1" } } },
    { name = "signature-broken-leaf", what = "the leaf's signature is broken",
        server = "CERT_SIGNATURE_FAILURE", wrong = leaf { tamper = flip } },
    { name = "signature-broken-intermediate", what = "the intermediate's signature is broken",
        server = "CERT_SIGNATURE_FAILURE", wrong = { intermediate = { tamper = flip } } },
    { name = "signature-broken-root", what = "the trusted root's own signature is broken",
        server = "accepted", wrong = { root = { tamper = flip } } },
    { name = "signature-empty", what = "the leaf's signature is empty",
        server = "CERT_SIGNATURE_FAILURE", wrong = leaf { tamper = function()
        return ""
    end } },
    { name = "signature-trailing", what = "a byte behind the leaf's signature",
        server = "CERT_SIGNATURE_FAILURE", wrong = leaf { tamper = function(signature)
        return signature .. "\0"
    end } },
    { name = "algorithm-differs", what = "the signature's algorithm differs inside and outside",
        server = "CERT_SIGNATURE_FAILURE",
        wrong = leaf { outer_algorithm = der.sequence(der.oid "1.2.840.10045.4.3.3") } },
    { name = "algorithm-unknown", what = "the signature's algorithm is unknown",
        server = "CERT_SIGNATURE_FAILURE", wrong = leaf { algorithm = UNKNOWN } },
    { name = "algorithm-parameters", what = "the signature's algorithm has parameters that it must not have",
        server = "accepted",
        wrong = leaf { algorithm = der.sequence(der.oid "1.2.840.10045.4.3.2", der.hex "05 00") } },
    { name = "rsa-exponent-1", what = "an RSA key whose exponent is 1",
        server = "BAD_ENCODING", wrong = function(make)
        local root = make.root()
        local issuing = make.intermediate(root)
        local honest = make.leaf(issuing, RSA)
        return { chain = { make.leaf(issuing, { key = "rsa-2048", usage = { 0, 2 }, edit = function(parts)
            parts[7] = exponent_one(parts[7])
        end }), issuing }, trust = { root }, key = honest.key }
    end, right = leaf(RSA) },
    { name = "point-off-curve", what = "the key is a point that is not on the curve",
        server = "POINT_IS_NOT_ON_CURVE", wrong = leaf { spki = POINT } },
    { name = "curve-explicit", what = "an EC key with the curve's numbers in place of its name",
        server = "DECODE_ERROR", wrong = leaf { key = "explicit" } },
    { name = "curve-unknown", what = "an EC key on secp256k1",
        server = "UNSUPPORTED_ALGORITHM", floor = { server = "UNKNOWN_GROUP", client = "UNKNOWN_GROUP" }, wrong = leaf { key = "k1" } },
    { name = "key-unknown", what = "a key of an unknown kind",
        server = "UNSUPPORTED_ALGORITHM",
        wrong = leaf { spki = der.sequence(der.sequence(der.oid(certificate.OID.unknown)), der.bits "key") } },
}
