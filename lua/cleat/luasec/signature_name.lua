--- OpenSSL's short names of signature algorithms by object identifier, for LuaSec's cert:getsignaturename().

local SHA3 = "2.16.840.1.101.3.4.3."

return {
    ["1.2.840.113549.1.1.2"] = "RSA-MD2", ["1.2.840.113549.1.1.3"] = "RSA-MD4", ["1.2.840.113549.1.1.4"] = "RSA-MD5",
    ["1.2.840.113549.1.1.5"] = "RSA-SHA1", ["1.3.14.3.2.29"] = "RSA-SHA1-2", ["1.2.840.113549.1.1.10"] = "RSASSA-PSS",
    ["1.2.840.113549.1.1.11"] = "RSA-SHA256", ["1.2.840.113549.1.1.12"] = "RSA-SHA384",
    ["1.2.840.113549.1.1.13"] = "RSA-SHA512", ["1.2.840.113549.1.1.14"] = "RSA-SHA224",
    ["1.2.840.113549.1.1.15"] = "RSA-SHA512/224", ["1.2.840.113549.1.1.16"] = "RSA-SHA512/256",
    ["1.2.840.10040.4.3"] = "DSA-SHA1", ["1.3.14.3.2.27"] = "DSA-SHA1-old",
    [SHA3 .. "1"] = "dsa_with_SHA224", [SHA3 .. "2"] = "dsa_with_SHA256", [SHA3 .. "3"] = "id-dsa-with-sha384",
    [SHA3 .. "4"] = "id-dsa-with-sha512",
    [SHA3 .. "9"] = "id-ecdsa-with-sha3-224", [SHA3 .. "10"] = "id-ecdsa-with-sha3-256",
    [SHA3 .. "11"] = "id-ecdsa-with-sha3-384", [SHA3 .. "12"] = "id-ecdsa-with-sha3-512",
    [SHA3 .. "13"] = "RSA-SHA3-224", [SHA3 .. "14"] = "RSA-SHA3-256", [SHA3 .. "15"] = "RSA-SHA3-384",
    [SHA3 .. "16"] = "RSA-SHA3-512",
    ["1.2.840.10045.4.1"] = "ecdsa-with-SHA1", ["1.2.840.10045.4.3.1"] = "ecdsa-with-SHA224",
    ["1.2.840.10045.4.3.2"] = "ecdsa-with-SHA256", ["1.2.840.10045.4.3.3"] = "ecdsa-with-SHA384",
    ["1.2.840.10045.4.3.4"] = "ecdsa-with-SHA512",
    ["1.3.101.112"] = "ED25519", ["1.3.101.113"] = "ED448", ["1.2.156.10197.1.501"] = "SM2-SM3",
}
