-- Makes certificates, and describes them as text by the methods of `ssl.x509`, of LuaSec or of cleat.
local der = require "support.der"
local pem_text = require "support.pem_text"

local certificates = {}

local unpack = table.unpack or unpack
local SAN = "2.5.29.17"

local function rdn(oid, value)
    return { { oid, value } }
end

local function name(text)
    return der.name { rdn("2.5.4.3", der.utf8(text)) }
end

local function san(...)
    return { der.extension(SAN, der.sequence(...)) }
end

local function other(oid, value)
    return der.explicit(0, der.oid(oid), der.explicit(0, value))
end

local function key(oid, parameters, bits)
    return der.sequence(der.sequence(der.oid(oid), parameters), der.bits(bits))
end

-- The parts of random certificates: strings of subjects, alternative names and keys.
local STRINGS = {
    der.utf8 "h\195\169\226\130\172\240\159\152\128", der.utf8 "", der.utf8 "a\0b", der.printable "plain",
    der.printable "not_of@PrintableString*", der.t61 "caf\233", der.bmp "\0h\0\233\32\172", der.universal "\0\0\0h\0\1\246\0",
    der.ia5 "a@b", der.ia5 "\233", der.numeric "12", der.numeric "1a", der.bits "\1\2\3", der.tlv(0x03, "\4\1\240"),
    der.t61 "",
}
local OIDS = { "2.5.4.3", "2.5.4.6", "2.5.4.10", "2.5.4.11", "2.5.4.97", "1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.25",
    "1.3.6.1.4.1.311.60.2.1.3", "1.3.6.1.5.5.7.8.5", "1.2.3.4.5", "2.25.329800735698586629295641978511506172918", "2.999.1", "0.39",
    "1.39.16384.2097152" }
local NAMES = {
    der.implicit(2, "localhost"), der.implicit(2, "*.example.org"), der.implicit(2, ""), der.implicit(2, "a\0b"),
    der.implicit(2, "\233\255"), der.implicit(1, "me@example.org"), der.implicit(6, "https://example.org/?\195\169"),
    der.implicit(7, "\127\0\0\1"), der.implicit(7, "\255\255\255\255"), der.implicit(7, "\32\1\13\184" .. ("\0"):rep(11) .. "\1"),
    der.implicit(7, ("\0"):rep(16)), der.implicit(7, ("\0"):rep(10) .. "\255\255\1\2\3\4"), der.implicit(7, "\1\2\3"),
    der.implicit(7, ("\0"):rep(12) .. "\1\2\3\4"), der.implicit(7, "\0\1\0\0\0\0\0\1\0\0\0\0\0\0\0\1"),
    der.implicit(8, der.oid_value "1.2.3.4"), der.explicit(4, name "directory"),
    other("1.3.6.1.5.5.7.8.5", der.utf8 "juliet@im.example.com"), other("1.3.6.1.5.5.7.8.7", der.ia5 "_xmpp-server.example.com"),
    other("1.3.6.1.4.1.311.20.2.3", der.utf8 "user@example.org"), other("1.2.3.4", der.octets "\0\1octets"),
    other("1.2.3.4", der.utf8 "second"), other("1.2.3.4", der.bmp "\0h\0\233"), other("1.2.3.5", der.sequence(der.integer "05")),
    other("1.3.6.1.5.5.7.8.4", der.sequence(der.oid "1.2.3", der.octets "serial")), other("2.999.3", der.bits "\1\2"),
}
local POINT = "\4" .. der.hex "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" ..
    der.hex "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5" -- P-256's generator
local EC = key("1.2.840.10045.2.1", der.oid "1.2.840.10045.3.1.7", POINT)
local NUMBER = "00" .. ("c7"):rep(128)
local NULL = der.tlv(5)
local KEYS = {
    EC,
    key("1.2.840.113549.1.1.1", NULL, der.sequence(der.integer(NUMBER), der.integer "010001")),
    key("1.2.840.113549.1.1.1", NULL, der.sequence(der.integer("1f" .. ("55"):rep(255)), der.integer "010001")),
    key("1.3.101.112", "", ("\1"):rep(32)), key("1.3.101.113", "", ("\1"):rep(57)),
    key("1.3.101.110", "", ("\1"):rep(32)), key("1.3.101.111", "", ("\1"):rep(56)),
    key("1.2.840.10040.4.1", der.sequence(der.integer(NUMBER), der.integer("00" .. ("b3"):rep(20)), der.integer "05"), der.integer "07"),
    key("1.2.840.113549.1.3.1", der.sequence(der.integer(NUMBER), der.integer "02"), der.integer "07"),
    key("1.2.840.10045.2.1", der.oid "1.3.132.0.10", "\4" ..
        der.hex "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" ..
        der.hex "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"), -- secp256k1
    key("1.2.840.10045.2.1", der.oid "1.3.36.3.3.2.8.1.1.7", "\4" ..
        der.hex "8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262" ..
        der.hex "547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997"), -- brainpoolP256r1
    key("1.2.3.4", NULL, "unknown"),
}
local DATES = { "240105093443Z", "19500101000000Z", "491231235959Z", "20500101000000Z", "99991231235959Z", "700101000000Z",
    "19691231235959Z", "000229120000Z" }
local SERIALS = { "01", "00", "7f", "0080", "ff", "80", "8000", "00ffffffffffffffffffffffffffffffffffffff", "0102" }

-- A pseudo-random number generator that returns the same numbers in every Lua.
local function generator(seed)
    return function(most)
        seed = (seed * 16807) % 2147483647
        return seed % most + 1
    end
end

local function choose(roll, list, make)
    local picked = {}
    for index = 1, roll(5) - 1 do
        picked[index] = make(list[roll(#list)])
    end
    return picked
end

-- random: `count` certificates in DER.
function certificates.random(count)
    local roll, list = generator(20261129), {}
    local function attribute(value)
        return rdn(OIDS[roll(#OIDS)], value)
    end
    local function same(value)
        return value
    end
    for index = 1, count do
        local names = choose(roll, NAMES, same)
        list[index] = der.certificate {
            key = KEYS[index <= #KEYS and index or roll(#KEYS)], serial = SERIALS[roll(#SERIALS)],
            subject = der.name(choose(roll, STRINGS, attribute)), issuer = der.name(choose(roll, STRINGS, attribute)),
            not_before = der.time(DATES[roll(#DATES)]), not_after = der.time(DATES[roll(#DATES)]),
            extensions = roll(4) > 1 and san(unpack(names)) or nil,
        }
    end
    return list
end

-- odd: certificates with alternative names that are malformed, repeated, or of an unknown kind.
function certificates.odd()
    local list = {}
    for _, extensions in ipairs {
        { der.extension(SAN, "no sequence") }, { der.extension(SAN, "") }, { der.extension(SAN, der.sequence()) },
        { der.extension(SAN, der.sequence(der.implicit(2, "a"), der.implicit(9, "b"))) },
        { der.extension(SAN, der.sequence(der.implicit(2, "a"), "\130\5b")) },
        { der.extension(SAN, der.sequence(der.explicit(0, der.oid "1.2.3"))) },
        { der.extension(SAN, der.sequence(other("1.2.3", der.utf8 "a\255")), true) },
        { der.extension("2.5.29.18", der.sequence(der.implicit(2, "issuer"))), der.extension(SAN, der.sequence(der.implicit(2, "a"))) },
    } do
        list[#list + 1] = der.certificate { key = EC, subject = name "odd", extensions = extensions }
    end
    return list
end

-- trailing: a byte follows the alternative names. OpenSSL reads the names, and BoringSSL refuses the extension.
function certificates.trailing()
    return der.certificate { key = EC, subject = name "odd",
        extensions = { der.extension(SAN, der.sequence(der.implicit(2, "a")) .. "\0") } }
end

-- long: a certificate whose name has an attribute type with an arc of so many bytes.
function certificates.long(bytes)
    local oid = der.tlv(6, "\42" .. ("\129"):rep(bytes - 1) .. "\1")
    return der.certificate { key = EC, subject = der.sequence(der.set(der.sequence(oid, der.utf8 "x"))) }
end

local function show(value, out)
    if type(value) ~= "table" then
        out[#out + 1] = type(value) == "string" and ("%q"):format(value):gsub("[^ -~]", function(byte)
            return ("\\%03d"):format(byte:byte())
        end) or tostring(value)
        return
    end
    local keys = {}
    for index in pairs(value) do
        keys[#keys + 1] = index
    end
    table.sort(keys, function(one, two)
        return tostring(one) < tostring(two)
    end)
    out[#out + 1] = "{"
    for _, index in ipairs(keys) do
        out[#out + 1] = ("[%s]="):format(tostring(index))
        show(value[index], out)
        out[#out + 1] = ","
    end
    out[#out + 1] = "}"
end

-- text_of: the results of a call, as text.
function certificates.text_of(...)
    local out = {}
    for index = 1, select("#", ...) do
        show((select(index, ...)), out)
        out[#out + 1] = "; "
    end
    return table.concat(out)
end

local text_of = certificates.text_of

local TIMES = { 0, -1, 1, 1704447282, 1704447283, 1704447284, 2524607999, 2524608000, 253402300799, 253402300800, "1704447283", 4e9 }

-- describe: the results of all methods of one certificate, a line for each call.
function certificates.describe(cert)
    local lines = {}
    local function add(label, ...)
        lines[#lines + 1] = label .. ": " .. text_of(...)
    end
    for _, encoding in ipairs { "ai5", "utf8", "ai5", "utf16", "utf8 and more" } do
        add("setencode " .. encoding, cert:setencode(encoding))
        add("subject", cert:subject())
        add("issuer", cert:issuer())
        add("extensions", cert:extensions())
    end
    for _, method in ipairs { "serial", "notbefore", "notafter", "pem", "pubkey", "getsignaturename", "digest" } do
        add(method, cert[method](cert))
    end
    for _, digest in ipairs { "sha1", "sha256", "sha512", "md5", "SHA1", "", 5 } do
        add("digest " .. digest, cert:digest(digest))
    end
    for _, time in ipairs(TIMES) do
        add("validat " .. time, cert:validat(time))
    end
    return table.concat(lines, "\n")
end

-- describe_all: the same for several certificates in one PEM text.
function certificates.describe_all(x509, text)
    local out = {}
    for pem in text:gmatch "%-+BEGIN.-\n%-+END[^\n]+\n" do
        local cert = x509.load(pem)
        out[#out + 1] = cert and certificates.describe(cert) or "no certificate"
    end
    return table.concat(out, "\n\n")
end

-- pem: certificates in DER as one PEM text.
function certificates.pem(list)
    local out = {}
    for index, bytes in ipairs(list) do
        out[index] = pem_text("CERTIFICATE", bytes)
    end
    return table.concat(out)
end

return certificates
