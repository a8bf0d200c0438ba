-- Certificates and revocation lists written part by part, so that any part can be wrong. make.lua computes the
-- signatures.
--
-- A certificate is a table of fields; certificate.make adds the field der, its bytes. The fields, and their defaults:
--   key         the name of its key (see make.lua); spki: a SubjectPublicKeyInfo in place of that key's
--   subject     a common name, or a whole Name in DER; issuer: the certificate above, none for a self-signed one;
--               issuer_name: a Name in place of the issuer's subject
--   signer      the name of the key that signs (the issuer's); digest: "sha256"; algorithm: an AlgorithmIdentifier
--   from, to    days from now, or a Time in DER; serial: an INTEGER's hexadecimal digits; version: DER
--   ca          true or false; pathlen; usage: bits; extended: OIDs; names: GeneralNames;
--               constraints: {permitted=, excluded=}
--   key_id, authority_key_id   false for none
--   extra       further extensions; extensions: in place of all
--   edit(parts) changes the parts of the TBSCertificate, in their order, before they are signed
--   outer(tbs, algorithm, signature) joins the signed certificate; tamper(signature) changes the signature
--   finish(bytes) changes the whole
local der = require "support.der"

local certificate = {}

local unpack = table.unpack or unpack

certificate.OID = {
    server = "1.3.6.1.5.5.7.3.1", client = "1.3.6.1.5.5.7.3.2", code = "1.3.6.1.5.5.7.3.3", any = "2.5.29.37.0",
    subject_key_id = "2.5.29.14", usage = "2.5.29.15", names = "2.5.29.17", basic = "2.5.29.19", crl_number = "2.5.29.20",
    crl_point = "2.5.29.28", constraints = "2.5.29.30", authority_key_id = "2.5.29.35", extended = "2.5.29.37",
    common_name = "2.5.4.3", organization = "2.5.4.10", unknown = "1.3.6.1.4.1.99999.1",
}
local OID = certificate.OID

local NULL = der.hex "05 00"

-- By a key's type and a digest.
local ALGORITHMS = {
    ec = { sha256 = { "1.2.840.10045.4.3.2", "" }, sha1 = { "1.2.840.10045.4.1", "" } },
    rsa = {
        sha256 = { "1.2.840.113549.1.1.11", NULL }, sha1 = { "1.2.840.113549.1.1.5", NULL },
        md5 = { "1.2.840.113549.1.1.4", NULL },
    },
}

function certificate.algorithm(key, digest)
    local found = ALGORITHMS[key:match("^rsa") or "ec"][digest]
    return der.sequence(der.oid(found[1]), found[2])
end

-- GeneralNames.
function certificate.dns(text)
    return der.implicit(2, text)
end

function certificate.ip(digits)
    return der.implicit(7, der.hex(digits))
end

function certificate.email(text)
    return der.implicit(1, text)
end

function certificate.uri(text)
    return der.implicit(6, text)
end

function certificate.directory(name)
    return der.explicit(4, name)
end

-- name: O=cleat tests, and the common name unless it is nil.
function certificate.name(common)
    local rdns = { { { OID.organization, der.utf8 "cleat tests" } } }
    rdns[2] = common and { { OID.common_name, der.utf8(common) } }
    return der.name(rdns)
end

local function time(now, value)
    if type(value) == "string" then
        return value
    end
    return der.time(os.date("!%y%m%d%H%M%SZ", now + value * 86400))
end

-- bits: the bits of a KeyUsage, numbered as in RFC 5280: 0 digitalSignature, 2 keyEncipherment, 5 keyCertSign, 6
-- cRLSign.
function certificate.bits(numbers)
    local value, last = 0, 0
    for _, bit in ipairs(numbers) do
        value, last = value + 2 ^ (7 - bit), math.max(last, bit)
    end
    return der.tlv(0x03, string.char(7 - last, value))
end

local function subtrees(number, names)
    local out = {}
    for i, name in ipairs(names or {}) do
        out[i] = der.sequence(name)
    end
    return names and der.explicit(number, unpack(out)) or ""
end

local function basic(fields)
    local value = der.sequence(fields.ca and der.boolean(true) or "",
        fields.pathlen and der.integer(("%02x"):format(fields.pathlen)) or "")
    return der.extension(OID.basic, value, true)
end

-- extensions: the extensions that the fields ask for, in order, each with the name of its field.
function certificate.extensions(fields)
    local out = {}
    local function add(wanted, make)
        if wanted then
            out[#out + 1] = make()
        end
    end
    add(fields.ca ~= nil and fields.ca ~= "absent", function()
        return basic(fields)
    end)
    add(fields.usage, function()
        return der.extension(OID.usage, certificate.bits(fields.usage), true)
    end)
    add(fields.extended, function()
        local oids = {}
        for i, oid in ipairs(fields.extended) do
            oids[i] = der.oid(oid)
        end
        return der.extension(OID.extended, der.sequence(unpack(oids)))
    end)
    add(fields.names, function()
        return der.extension(OID.names, der.sequence(unpack(fields.names)))
    end)
    add(fields.constraints, function()
        return der.extension(OID.constraints, der.sequence(subtrees(0, fields.constraints.permitted),
            subtrees(1, fields.constraints.excluded)), true)
    end)
    add(fields.key_id, function()
        return der.extension(OID.subject_key_id, der.octets(fields.key_id))
    end)
    add(fields.authority_key_id, function()
        return der.extension(OID.authority_key_id, der.sequence(der.implicit(0, fields.authority_key_id)))
    end)
    for _, extension in ipairs(fields.extra or {}) do
        out[#out + 1] = extension
    end
    return out
end

local function subject(fields)
    local text = fields.subject
    return text:sub(1, 1) == "\48" and text or certificate.name(text)
end

-- sign: tbs as a signed SEQUENCE. world: see certificate.make.
local function sign(world, fields, signer, tbs)
    local algorithm = fields.algorithm or certificate.algorithm(signer, fields.digest or "sha256")
    local signature = world.sign(signer, fields.digest or "sha256", tbs)
    if fields.tamper then
        signature = fields.tamper(signature)
    end
    local outer = fields.outer or function(...)
        return der.sequence(...)
    end
    local bytes = outer(tbs, fields.outer_algorithm or algorithm, der.bits(signature))
    return fields.finish and fields.finish(bytes) or bytes
end

-- make sets the field der, and returns the fields. world: now, spki (of keys, by name) and sign(key, digest, bytes).
function certificate.make(world, fields)
    local issuer = fields.issuer or fields
    local signer = fields.signer or issuer.key
    local extensions = fields.extensions or certificate.extensions(fields)
    local parts = {
        fields.version or der.explicit(0, der.integer "02"),
        der.integer(fields.serial),
        fields.algorithm or certificate.algorithm(signer, fields.digest or "sha256"),
        fields.issuer_name or subject(issuer),
        der.sequence(time(world.now, fields.from), time(world.now, fields.to)),
        subject(fields),
        fields.spki or world.spki[fields.key],
        #extensions > 0 and der.explicit(3, der.sequence(unpack(extensions))) or "",
    }
    if fields.edit then
        fields.edit(parts)
    end
    fields.der = sign(world, fields, signer, der.sequence(unpack(parts)))
    return fields
end

-- crl: a revocation list. fields: issuer (a certificate), signer, digest, from, to, revoked (serial numbers), extra,
-- entry_extra, tamper.
function certificate.crl(world, fields)
    local signer = fields.signer or fields.issuer.key
    local entries = {}
    for i, serial in ipairs(fields.revoked or {}) do
        entries[i] = der.sequence(der.integer(serial), time(world.now, -1),
            fields.entry_extra and der.sequence(fields.entry_extra) or "")
    end
    local tbs = der.sequence(
        der.integer "01",
        certificate.algorithm(signer, fields.digest or "sha256"),
        subject(fields.issuer),
        time(world.now, fields.from or -1), time(world.now, fields.to or 30),
        #entries > 0 and der.sequence(unpack(entries)) or "",
        der.explicit(0, der.sequence(
            der.extension(OID.authority_key_id, der.sequence(der.implicit(0, fields.authority_key_id or fields.issuer.key_id))),
            der.extension(OID.crl_number, der.integer "01"), unpack(fields.extra or {}))))
    return sign(world, fields, signer, tbs)
end

return certificate
