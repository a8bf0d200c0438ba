-- DER written by hand, for certificates that no tool would make. Every function returns bytes.
local der = {}

local unpack = table.unpack or unpack

-- tlv: a value with its tag and length. The value is the concatenation of the parts.
function der.tlv(tag, ...)
    local value = table.concat({ ... })
    local length = string.char(#value % 128)
    if #value > 127 then
        local bytes, rest = "", #value
        while rest > 0 do
            bytes = string.char(rest % 256) .. bytes
            rest = math.floor(rest / 256)
        end
        length = string.char(128 + #bytes) .. bytes
    end
    return string.char(tag) .. length .. value
end

-- tagged returns a function that encodes values with a tag.
local function tagged(tag)
    return function(...)
        return der.tlv(tag, ...)
    end
end

der.sequence = tagged(0x30)
der.set = tagged(0x31)
der.octets = tagged(0x04)
der.utf8 = tagged(0x0c)
der.numeric = tagged(0x12)
der.printable = tagged(0x13)
der.t61 = tagged(0x14)
der.ia5 = tagged(0x16)
der.visible = tagged(0x1a)
der.universal = tagged(0x1c)
der.bmp = tagged(0x1e)

-- bits: a BIT STRING of whole bytes.
function der.bits(bytes)
    return der.tlv(0x03, "\0", bytes)
end

function der.boolean(value)
    return der.tlv(0x01, value and "\255" or "\0")
end

-- hex: the bytes of hexadecimal digits. Spaces are ignored.
function der.hex(digits)
    return (digits:gsub("%s", ""):gsub("%x%x", function(pair)
        return string.char(tonumber(pair, 16))
    end))
end

-- integer: an INTEGER of the bytes in hexadecimal, as they are: two's complement, possibly with superfluous bytes.
function der.integer(digits)
    return der.tlv(0x02, der.hex(digits))
end

-- arc: one number of an OID, as a decimal string (some do not fit a float), plus a number that is added to it.
local function arc(text, plus)
    local digits = {}
    for digit in text:gmatch("%d") do
        digits[#digits + 1] = tonumber(digit)
    end
    digits[#digits] = digits[#digits] + plus -- the division below works with digits above 9 too
    local bytes = {}
    repeat
        local rest, quotient = 0, {}
        for _, digit in ipairs(digits) do
            rest = rest * 10 + digit
            quotient[#quotient + 1] = math.floor(rest / 128)
            rest = rest % 128
        end
        while #quotient > 0 and quotient[1] == 0 do
            table.remove(quotient, 1)
        end
        table.insert(bytes, 1, string.char(#bytes == 0 and rest or rest + 128))
        digits = quotient
    until #digits == 0
    return table.concat(bytes)
end

-- oid_value: an OID without its tag, for implicit tags.
function der.oid_value(dotted)
    local arcs = {}
    for text in dotted:gmatch("%d+") do
        arcs[#arcs + 1] = text
    end
    local out = { arc(arcs[2], tonumber(arcs[1]) * 40) }
    for i = 3, #arcs do
        out[#out + 1] = arc(arcs[i], 0)
    end
    return table.concat(out)
end

function der.oid(dotted)
    return der.tlv(0x06, der.oid_value(dotted))
end

-- explicit: a whole value inside [number]; implicit: a primitive value with [number] in place of its universal tag.
function der.explicit(number, ...)
    return der.tlv(0xa0 + number, ...)
end

function der.implicit(number, ...)
    return der.tlv(0x80 + number, ...)
end

-- time: UTCTime for "YYMMDDHHMMSSZ", GeneralizedTime for anything longer. A time in DER is returned unchanged.
function der.time(text)
    if text:find "^[\23\24]" then
        return text
    end
    return der.tlv(#text <= 13 and 0x17 or 0x18, text)
end

-- attribute: one attribute of a name, of an OID and a value: DER, or the text of a UTF8String.
function der.attribute(oid, value)
    return der.sequence(der.oid(oid), value)
end

-- name: a Name of RDNs, each an array of {oid, value}. The members of each set are sorted as DER requires.
function der.name(rdns)
    local out = {}
    for i, rdn in ipairs(rdns) do
        local attributes = {}
        for j, attribute in ipairs(rdn) do
            attributes[j] = der.attribute(attribute[1], attribute[2])
        end
        table.sort(attributes)
        out[i] = der.set(unpack(attributes))
    end
    return der.sequence(unpack(out))
end

-- extension: value is the extension's DER, which goes into an OCTET STRING.
function der.extension(oid, value, critical)
    return der.sequence(der.oid(oid), critical and der.boolean(true) or "", der.octets(value))
end

local ECDSA_SHA256 = der.sequence(der.oid "1.2.840.10045.4.3.2")

-- certificate: fields: key (a SubjectPublicKeyInfo), serial (hex digits), subject and issuer (names; the issuer is the
-- subject by default), not_before, not_after, version (the bytes of that field, v3 by default), extensions (an array),
-- sign (a function that signs bytes; without it the signature is invalid).
function der.certificate(fields)
    local tbs = der.sequence(
        fields.version or der.explicit(0, der.integer "02"),
        der.integer(fields.serial or "01"),
        ECDSA_SHA256,
        fields.issuer or fields.subject,
        der.sequence(der.time(fields.not_before or "240105093443Z"), der.time(fields.not_after or "440105093443Z")),
        fields.subject,
        fields.key,
        fields.extensions and der.explicit(3, der.sequence(unpack(fields.extensions))) or "")
    local signature = fields.sign and fields.sign(tbs) or der.sequence(der.integer "01", der.integer "01")
    return der.sequence(tbs, ECDSA_SHA256, der.bits(signature))
end

return der
