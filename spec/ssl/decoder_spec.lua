-- The tables that certificates are decoded to, compared with Python's for the same bytes: one it() for each
-- certificate.
--
-- The Python here is 3.11 with OpenSSL 3. Each difference from cleat is one of these. They are applied to Python's
-- result before the comparison, and at least one certificate shows each of them:
--
--   SSLS-07  an empty subjectAltName is () in Python, and no key here
--   SSLS-10  Python cuts a serial number of more than 35 bytes (RFC 5280 allows 20) where OpenSSL breaks the line
--   SSLS-19  OpenSSL 3 prints some kinds of othername; Python 2.7 and cleat have <unsupported> for all
--
-- Certificates that only one of the two decodes are in the lists at the end: those that cleat refuses because they are
-- not DER (for some of them Python has "Bad time value"), values that are not strings and texts that are not UTF-8 (an
-- error in Python; bytes here), and extensions that BoringSSL finds malformed and OpenSSL does not (absent here).
--
-- Python 2.7 differed from both: a line end after IPv6 addresses (SSLS-16), and an SSLError for BIT STRINGs in names
-- (SSLS-14).
local backend = require "cleat.backend"
local certificate = require "cleat.ssl.certificate"
local der = require "support.der"
local errors = require "cleat.errors"
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local unpack = table.unpack or unpack

local COMMON_NAME = "2.5.4.3"
local SAN, AIA, CRL = "2.5.29.17", "1.3.6.1.5.5.7.1.1", "2.5.29.31"
local OCSP, CA_ISSUERS = "1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2"
local CONSTRAINTS = der.extension("2.5.29.19", der.sequence(der.boolean(true)), true)
-- a number of 128 bits: X.667 makes identifiers of UUIDs
local UUID_OID = "2.25.329800735698586629295641978511506172918"
local LONG_OID = "1.3.6.1.4.1" .. (".1234567890"):rep(30)

local function rdn(oid, value)
    return { { oid, value } }
end

-- named: a name with one attribute.
local function named(oid, value)
    return der.name { rdn(oid, value) }
end

local function dns(name)
    return der.implicit(2, name)
end

local function uri(text)
    return der.implicit(6, text)
end

local function directory(name)
    return der.explicit(4, name)
end

local function other_name(oid, value)
    return der.explicit(0, der.oid(oid), der.explicit(0, value))
end

-- san, access, points: certificate fields with one such extension.
local function san(...)
    return { extensions = { der.extension(SAN, der.sequence(...)) } }
end

local function access(...)
    return { extensions = { der.extension(AIA, der.sequence(...)) } }
end

local function at(method, location)
    return der.sequence(der.oid(method), location)
end

local function points(...)
    return { extensions = { der.extension(CRL, der.sequence(...)) } }
end

-- full: the full name of a distribution point.
local function full(...)
    return der.explicit(0, der.explicit(0, ...))
end

-- common: certificate fields with a subject that has one common name.
local function common(value)
    return { subject = named(COMMON_NAME, value) }
end

-- A case is {rows and name, fields of der.certificate}, with
--   pki        a certificate of pki.sh in place of the fields
--   request    in their place: sections of an openssl configuration, for openssl req
--   mask       of a request: string_mask
--   differs    rows of the differences that it shows
--   handshake  whether a server sends it, too
--   ca         false: it is not a CA certificate, and get_ca_certs does not list it
local CASES = {}

local function case(name, fields, more)
    more = more or {}
    more.name, more.fields = name, fields
    CASES[#CASES + 1] = more
end

for _, name in ipairs { "server-ec", "server-rsa", "expired", "future", "other", "client", "revoked", "cn-only" } do
    case("SSLS-07 SSLS-10 SSLS-11 openssl's certificate " .. name, nil, { pki = name, ca = false })
end
case("SSLS-08 SSLS-09 SSLS-13 SSLS-15 openssl's certificate with every kind of name", nil,
    { pki = "fancy", ca = false, differs = { "SSLS-19" } })
case("SSLS-17 openssl's certificate with zero bytes in its names", nil, { pki = "nul", ca = false })
case("SSLS-12 openssl's certificate of version 1", nil, { pki = "v1" })
case("GCA-01 openssl's roots", nil, { pki = "root" })

-- Attributes by openssl's names for them, several in each certificate.
case("SSLS-13 attributes of persons", nil, { handshake = true, request = [[
C = DE
ST = Schleswig-Holstein
L = Kiel
street = Kai 1
postalCode = 24103
O = cleat
OU = test
title = Dr
GN = Ada
SN = Lovelace
initials = A. K.
name = Ada Lovelace
generationQualifier = I
pseudonym = enchantress
serialNumber = 1815-12-10
dnQualifier = q
description = what it says
role = member
CN = Ada King
emailAddress = ada@cleat.test
]] })
case("SSLS-13 attributes of directories and older ones", nil, { request = [[
0.DC = test
1.DC = cleat
UID = ada
rfc822Mailbox = ada@cleat.test
unstructuredName = no structure
unstructuredAddress = none either
houseIdentifier = 1
member = m
businessCategory = Private Organization
CN = cleat
]] })
case("SSLS-13 attributes of extended validation", nil, { handshake = true, request = [[
businessCategory = Private Organization
jurisdictionL = Wilmington
jurisdictionST = Delaware
jurisdictionC = US
serialNumber = 3359300
CN = www.python.test
]] })
case("SSLS-09 several attributes in one RDN", nil, { request = [[
O = cleat
0.OU = first
1.+OU = second
2.+CN = third
CN = fourth
1.+O = fifth
]] })
case("SSLS-14 UTF8String", nil, { mask = "utf8only", request = "O = Wolfebörö Ελλάδα Київ 東京 😀\nCN = é\n" })
case("SSLS-14 T61String and BMPString, as openssl chooses them", nil,
    { mask = "default", request = "O = Wolfebörö\nOU = Ελλάδα\nCN = plain\n" })
case("SSLS-14 BMPString and no UTF8String", nil, { mask = "pkix", request = "O = Wolfebörö\nOU = 東京\nCN = plain\n" })

-- Attribute types by number. BoringSSL's and OpenSSL's lists of names differ.
local function types(oids)
    local rdns = {}
    for i, oid in ipairs(oids) do
        rdns[i] = rdn(oid, der.utf8("value " .. i))
    end
    return { subject = der.name(rdns) }
end

local function numbered(first, last)
    local oids = {}
    for i = first, last do
        oids[#oids + 1] = "2.5.4." .. i
    end
    return oids
end

case("SSLS-13 the types 2.5.4.0 to 2.5.4.96", types(numbered(0, 96)))
case("SSLS-13 the types 2.5.4.97 to 2.5.4.127", types(numbered(97, 127)))
case("SSLS-13 types of PKCS 9, COSINE and other lists", types {
    "1.2.840.113549.1.9.1", "1.2.840.113549.1.9.2", "1.2.840.113549.1.9.7", "1.2.840.113549.1.9.8",
    "0.9.2342.19200300.100.1.1", "0.9.2342.19200300.100.1.3", "0.9.2342.19200300.100.1.25", "2.5.29.17", "1.3.6.1.5.5.7.9.3",
})
case("SSLS-13 types for which OpenSSL 3 has names", types {
    "1.3.6.1.4.1.311.60.2.1.1", "1.3.6.1.4.1.311.60.2.1.2", "1.3.6.1.4.1.311.60.2.1.3", "1.2.643.3.131.1.1", "1.2.643.100.1",
    "1.2.643.100.3", "1.2.643.100.5", "0.9.2342.19200300.100.1.44",
})
case("SSLS-13 types next to those", types {
    "1.3.6.1.4.1.311.60.2.1.0", "1.3.6.1.4.1.311.60.2.1.4", "1.3.6.1.4.1.311.60.2.1", "1.3.6.1.4.1.311.60.2.1.3.0", "1.2.643.100.2",
    "2.5.4.97.0",
})
case("SSLS-13 types without names", types {
    "1.3.6.1.4.1.99999.1", "0.0", "0.39", "1.0", "1.39.5", "2.0", "2.39", "2.40", "2.47", "2.48", "2.999.1", "2.1000000000",
    "2.1000000079", "2.4294967295", "2.18446744073709551615", "2.18446744073709551616.1",
    "1.3.6.1.4.1.4294967296.1", "1.3.6.1.4.1.18446744073709551615.1", "1.3.6.1.4.1.18446744073709551616.0.1",
    "1.3.6.1.4.1.1000000000000000000000000000000000000000.7", UUID_OID, "2.0." .. UUID_OID, LONG_OID,
    "1.2" .. (".1"):rep(400),
})

-- Strings.
case("SSLS-14 every type of string", {
    subject = der.name {
        rdn("2.5.4.10", der.utf8 "h\195\169\226\130\172\240\159\152\128"), rdn("2.5.4.11", der.printable "plain"),
        rdn("2.5.4.11", der.t61 "caf\233"), rdn("2.5.4.11", der.bmp "\0h\0\233\32\172"),
        rdn("2.5.4.11", der.universal "\0\0\0h\0\1\246\0"), rdn("2.5.4.11", der.ia5 "a@b"), rdn("2.5.4.11", der.numeric "12"),
        rdn("2.5.4.11", der.printable "not_of@PrintableString*"), rdn("2.5.4.11", der.ia5 "\233"), rdn("2.5.4.3", der.utf8 ""),
    },
}, { handshake = true })
case("SSLS-14 MATCH-13 zero bytes in every type of string", {
    subject = der.name {
        rdn("2.5.4.10", der.utf8 "a\0b"), rdn("2.5.4.11", der.printable "a\0b"), rdn("2.5.4.11", der.t61 "\0"),
        rdn("2.5.4.11", der.bmp "\0a\0\0\0b"), rdn("2.5.4.11", der.universal "\0\0\0\0\0\0\0b"), rdn("2.5.4.3", der.ia5 "a\0"),
    },
}, { handshake = true })
case("SSLS-14 a BIT STRING, which is not text", { subject = named("2.5.4.45", der.bits "\1\2\3") })
case("SSLS-14 BIT STRINGs with unused bits", { subject = der.name {
    rdn("2.5.4.45", der.tlv(0x03, "\4\1\240")), rdn("2.5.4.45", der.tlv(0x03, "\7\128")),
} })
case("SSLS-14 empty strings of every type", { subject = der.name {
    rdn("2.5.4.10", der.utf8 ""), rdn("2.5.4.11", der.printable ""), rdn("2.5.4.11", der.t61 ""), rdn("2.5.4.11", der.bmp ""),
    rdn("2.5.4.11", der.universal ""), rdn("2.5.4.11", der.ia5 ""), rdn("2.5.4.11", der.numeric ""),
} })
case("SSLS-14 strings of characters that their type does not allow", { subject = der.name {
    rdn("2.5.4.11", der.numeric "1a"), rdn("2.5.4.11", der.numeric "\233"), rdn("2.5.4.11", der.printable "\233"),
    rdn("2.5.4.11", der.ia5 "\255\0\128"), rdn("2.5.4.11", der.t61 "\27$B"),
} })
case("SSLS-14 the first and last characters of BMPString and UniversalString", { subject = der.name {
    rdn("2.5.4.11", der.bmp "\0\1\255\253"), rdn("2.5.4.11", der.universal "\0\0\0\1\0\16\255\253"),
    rdn("2.5.4.11", der.universal "\0\1\0\0"),
} })

-- The structure of names.
case("SSLS-09 an empty name", { subject = der.name {}, issuer = named(COMMON_NAME, der.utf8 "issuer") })
case("SSLS-09 two empty names", { subject = der.name {} })
case("SSLS-09 RDNs of several attributes", {
    subject = der.name {
        { { "2.5.4.3", der.utf8 "a" }, { "2.5.4.10", der.utf8 "b" }, { "2.5.4.11", der.utf8 "c" } },
        { { "2.5.4.3", der.utf8 "d" } },
        { { "2.5.4.3", der.utf8 "e" }, { "2.5.4.3", der.utf8 "f" } },
    },
}, { handshake = true })
case("SSLS-09 subject and issuer that differ", {
    subject = named(COMMON_NAME, der.utf8 "the subject"), issuer = named(COMMON_NAME, der.utf8 "the issuer"),
})

-- Serial numbers.
for _, serial in ipairs {
    "00", "01", "7f", "0080", "0100", "0fff", "0a0b0c", "80", "ff", "ff7f", ("7f"):rep(20), "00" .. ("ff"):rep(20), "80" .. ("00"):rep(19),
    ("11"):rep(35),
} do
    case("SSLS-10 the serial number " .. serial, { serial = serial })
end
case("SSLS-10 a serial number of 100 bytes", { serial = ("12"):rep(100) }, { differs = { "SSLS-10" } })
case("SSLS-10 a serial number of 4000 bytes", { serial = ("7e"):rep(4000) }, { differs = { "SSLS-10" } })

-- Dates.
for _, time in ipairs {
    "500101000000Z", "991231235959Z", "000101000000Z", "491231235959Z", "19500101000000Z", "20491231235959Z", "20500101000000Z",
    "99991231235959Z", "19491231235959Z", "00000101000000Z", "18580101120000Z", "240229235959Z", "20000229000000Z",
} do
    case("SSLS-11 the date " .. time, { not_before = time, not_after = time })
end
-- BoringSSL accepts an offset in a UTCTime. OpenSSL converts it to UTC.
for _, time in ipairs {
    "240105093443+0000", "240105093443-0000", "240105093443+0100", "240105093443-0130", "240105003443+1200", "240105233443-1200",
    "240105003443+1159", "500101000000+0001", "491231235959-0001", "240229233000-0030", "991231235959-0001", "240105093443+1300",
    "240105093443-2359",
} do
    case("SSLS-11 the date " .. time, { not_before = der.tlv(0x17, time), not_after = der.tlv(0x17, time) })
end
case("SSLS-11 a date with an offset and one without", { not_before = der.tlv(0x17, "240105093443+0200") })

-- Versions.
case("SSLS-12 version 1", { version = "" })
case("SSLS-12 version 2", { version = der.explicit(0, der.integer "01") }, { ca = false })
case("SSLS-12 version 3 without extensions", {}, { bare = true, ca = false })

-- Alternative names.
case("SSLS-08 DNS names", san(dns "a.b", dns "*.x", dns "", dns "UPPER.case", dns "xn--pthon-kva.org", dns "a b"))
case("SSLS-17 zero bytes", san(dns "altnull.python.org\0example.com", der.implicit(1, "null@python.org\0user@example.org"),
    uri "http://null.python.org\0http://example.org", dns "\0", uri "\0\0"), { handshake = true })
case("SSLS-17 letters beyond ASCII", san(dns "\195\169.b", der.implicit(1, "\195\169@b"), uri "http://\195\169"))
case("SSLS-08 e-mail addresses and URIs", san(der.implicit(1, "a@b"), uri "https://x/?y#z", uri "", der.implicit(1, "")))
case("SSLS-16 IP addresses", san(der.implicit(7, "\192\0\2\1"), der.implicit(7, der.hex "20010db8000000000000000000000001"),
    der.implicit(7, ("\0"):rep(16)), der.implicit(7, ("\255"):rep(16)), der.implicit(7, der.hex "00000000000000000000ffffc0000201"),
    der.implicit(7, "\0\0\0\0"), der.implicit(7, "\255\255\255\255")))
case("SSLS-16 IP addresses of other lengths", san(der.implicit(7, "\192\0\2\1\5"), der.implicit(7, ""),
    der.implicit(7, "\192\0\2\1\255\255\255\0"), der.implicit(7, ("\1"):rep(32))))
case("SSLS-16 IP addresses of every length up to 20", (function()
    local addresses = {}
    for length = 0, 20 do
        addresses[length + 1] = der.implicit(7, ("\171"):rep(length))
    end
    return san(unpack(addresses))
end)())
case("SSLS-18 registered IDs", san(der.implicit(8, der.oid_value "1.2.3.4.5"), der.implicit(8, der.oid_value "1.3.6.1.5.5.7.3.1"),
    der.implicit(8, der.oid_value "2.5.4.3"), der.implicit(8, der.oid_value(UUID_OID)), der.implicit(8, der.oid_value(LONG_OID))))
case("SSLS-08 directory names", san(directory(der.name {
    { { "2.5.4.3", der.utf8 "a" }, { "2.5.4.10", der.bmp "\0b\32\172" } }, rdn("2.5.4.6", der.printable "DE"),
    rdn(UUID_OID, der.t61 "\233\0"),
}), directory(der.name {}), dns "x.y", directory(named(COMMON_NAME, der.utf8 "second"))))
case("SSLS-13 a directory name with a type that OpenSSL 3 has a name for", san(directory(named("2.5.4.97", der.utf8 "id"))))
case("SSLS-19 othername", san(other_name("1.2.3.4", der.utf8 "x"), other_name("1.3.6.1.4.1.99999.2", der.sequence(der.utf8 "x"))))
for _, kind in ipairs {
    { "UPN", "1.3.6.1.4.1.311.20.2.3" }, { "XmppAddr", "1.3.6.1.5.5.7.8.5" }, { "SRVName", "1.3.6.1.5.5.7.8.7", der.ia5 },
    { "NAIRealm", "1.3.6.1.5.5.7.8.8" }, { "SmtpUTF8Mailbox", "1.3.6.1.5.5.7.8.9" },
} do
    case("SSLS-19 othername " .. kind[1], san(other_name(kind[2], (kind[3] or der.utf8) "user@cleat.test"), dns "a.b"),
        { differs = { "SSLS-19" } })
end
case("SSLS-19 EDI party and X.400", san(der.explicit(5, der.explicit(0, der.utf8 "assigner"), der.explicit(1, der.utf8 "party")),
    der.explicit(5, der.explicit(1, der.utf8 "party")), der.explicit(3, der.sequence(der.tlv(0x61, der.printable "DE")))))
case("SSLS-08 every kind of name in one certificate", san(
    other_name("1.2.3.4", der.utf8 "x"), der.implicit(1, "a@b"), dns "localhost",
    der.explicit(3, der.sequence(der.tlv(0x61, der.printable "DE"))), directory(named(COMMON_NAME, der.utf8 "a")),
    der.explicit(5, der.explicit(1, der.utf8 "party")), uri "http://x", der.implicit(7, "\127\0\0\1"),
    der.implicit(8, der.oid_value "1.2.3.4.5")), { handshake = true })
case("SSLS-08 a critical extension", { extensions = { der.extension(SAN, der.sequence(dns "x.y"), true) } })
case("SSLS-07 an empty extension", san(), { differs = { "SSLS-07" } })
case("SSLS-07 issuerAltName is another extension", { extensions = { der.extension("2.5.29.18", der.sequence(dns "x.y")) } })
for name, bytes in pairs {
    ["no DER"] = "junk", ["NULL"] = der.tlv(5), ["a SET"] = der.set(dns "x.y"), ["nothing"] = "", ["cut short"] = "\48\5\130\9x",
    ["a name of a type that does not exist"] = der.sequence(der.implicit(9, "x")),
    ["a primitive DirName"] = der.sequence(der.implicit(4, "x")),
    ["a bare string"] = der.sequence(der.utf8 "x"), ["an empty registered ID"] = der.sequence(der.implicit(8, "")),
    ["an empty otherName"] = der.sequence(der.explicit(0)), ["a bad name after good ones"] = der.sequence(dns "x", der.implicit(9, "x")),
} do
    case("SSLS-07 SSLS-08 a malformed subjectAltName: " .. name, { extensions = { der.extension(SAN, bytes) } }, { ca = false })
end
case("SSLS-07 SSLS-08 two subjectAltNames", { extensions = {
    der.extension(SAN, der.sequence(dns "x.y")), der.extension(SAN, der.sequence(dns "z")),
} }, { ca = false })
case("SSLS-07 SSLS-15 a malformed subjectAltName hides no other extension", { extensions = {
    der.extension(SAN, "junk"), der.extension(AIA, der.sequence(at(OCSP, uri "http://o"), at(CA_ISSUERS, uri "http://c"))),
    der.extension(CRL, der.sequence(der.sequence(full(uri "http://l")))),
} }, { ca = false })

-- URIs.
case("SSLS-15 OCSP and caIssuers", access(at(OCSP, uri "http://o1"), at(CA_ISSUERS, uri "http://c1"), at(OCSP, uri "http://o2"),
    at(CA_ISSUERS, uri "http://c2"), at("1.3.6.1.5.5.7.48.3", uri "http://time")), { handshake = true })
case("SSLS-15 access by other names than URIs", access(at(CA_ISSUERS, dns "x.y"), at(OCSP, directory(named(COMMON_NAME, der.utf8 "a")))))
case("SSLS-15 access with zero bytes", access(at(OCSP, uri "http://o\0x"), at(CA_ISSUERS, uri "")))
case("SSLS-15 no access at all", access())
case("SSLS-15 distribution points", points(der.sequence(full(uri "http://1", uri "http://2")), der.sequence(full(uri "ldap://3"))),
    { handshake = true })
case("SSLS-15 an empty distribution point (CVE-2019-5010)", points(der.sequence(), der.sequence(full(uri "http://1"))))
case("SSLS-15 a single, empty distribution point", points(der.sequence()))
case("SSLS-15 a distribution point relative to the issuer", points(
    der.sequence(der.explicit(0, der.explicit(1, der.attribute(COMMON_NAME, der.utf8 "relative")))), der.sequence(full(uri "http://1"))))
case("SSLS-15 distribution points with reasons and issuers", points(der.sequence(der.implicit(1, "\1\6")),
    der.sequence(full(uri "http://1"), der.implicit(1, "\1\6"), der.explicit(2, directory(named(COMMON_NAME, der.utf8 "a")))),
    der.sequence(der.explicit(2, directory(named(COMMON_NAME, der.utf8 "a"))))))
case("SSLS-15 distribution points by other names than URIs", points(
    der.sequence(full(directory(named(COMMON_NAME, der.utf8 "a")), dns "x")),
    der.sequence(full())))
case("SSLS-15 no distribution points", points())
for name, bytes in pairs {
    ["no DER"] = "junk", ["NULL"] = der.tlv(5), ["a SET"] = der.set(at(OCSP, uri "http://o")), ["nothing"] = "",
    ["without a method"] = der.sequence(der.sequence(uri "http://o")), ["without a location"] = der.sequence(der.sequence(der.oid(OCSP))),
    ["a bad element after a good one"] = der.sequence(at(OCSP, uri "http://o"), at(OCSP, der.implicit(9, "x"))),
} do
    case("SSLS-07 SSLS-15 malformed access: " .. name, { extensions = {
        der.extension(AIA, bytes), der.extension(SAN, der.sequence(dns "x.y")),
        der.extension(CRL, der.sequence(der.sequence(full(uri "http://l")))),
    } }, { handshake = name == "NULL" })
end
case("SSLS-07 SSLS-15 access twice", { extensions = {
    der.extension(AIA, der.sequence(at(OCSP, uri "http://1"))), der.extension(AIA, der.sequence(at(OCSP, uri "http://2"))),
} })
for name, bytes in pairs {
    ["no DER"] = "junk", ["NULL"] = der.tlv(5), ["a SET"] = der.set(), ["nothing"] = "", ["points that are names"] = der.sequence(dns "x"),
    ["a bad element after a good one"] = der.sequence(der.sequence(full(uri "http://l")), der.sequence(full(der.implicit(9, "x")))),
} do
    case("SSLS-07 SSLS-15 malformed distribution points: " .. name, { extensions = {
        der.extension(CRL, bytes), der.extension(SAN, der.sequence(dns "x.y")), der.extension(AIA, der.sequence(at(OCSP, uri "http://o"))),
    } }, { ca = false })
end
case("SSLS-07 SSLS-15 distribution points twice", { extensions = {
    der.extension(CRL, der.sequence(der.sequence(full(uri "http://1")))),
    der.extension(CRL, der.sequence(der.sequence(full(uri "http://2")))),
} }, { ca = false })
case("SSLS-15 freshestCRL is another extension", {
    extensions = { der.extension("2.5.29.46", der.sequence(der.sequence(full(uri "http://1")))) },
})
case("SSLS-07 SSLS-15 everything at once", {
    extensions = {
        der.extension(CRL, der.sequence(der.sequence(full(uri "http://crl")))), der.extension(SAN, der.sequence(dns "x.y")),
        der.extension(AIA, der.sequence(at(OCSP, uri "http://ocsp"), at(CA_ISSUERS, uri "http://issuer"))),
        der.extension("1.3.6.1.4.1.99999.3", "anything"),
    },
}, { handshake = true })

-- Certificates that cleat refuses: {rows and name, fields, library and reason of the error}. Without a library it is
-- ASN1 or X509, and the reason depends on BoringSSL's version. younger: BoringSSL of 2023 accepts it, with the same
-- result as Python.
local REFUSED = {
    { "SSLS-11 a date without seconds", { not_before = "2401050934Z" } },
    { "SSLS-11 a date with a zone", { not_before = "240105093443+0100" } },
    { "SSLS-11 a date with a fraction", { not_before = "20240105093443.5Z" } },
    { "SSLS-11 a date that does not exist", { not_before = "230229000000Z" } },
    { "SSLS-11 a second of 60", { not_before = "20240105093460Z" } },
    { "SSLS-12 version 4", { version = der.explicit(0, der.integer "03") }, "X509", "INVALID_VERSION" },
    { "SSLS-12 version 1 with extensions", { version = "", extensions = { CONSTRAINTS } } },
    { "SSLS-09 an empty RDN", { subject = der.sequence(der.set()) }, younger = true },
    { "SSLS-10 a serial number with a superfluous zero byte", { serial = "0001" }, "ASN1", "INVALID_INTEGER" },
    { "SSLS-10 a serial number with a superfluous sign byte", { serial = "ff80" }, "ASN1", "INVALID_INTEGER" },
    { "SSLS-10 a serial number of no bytes", { serial = "" }, "ASN1", "INVALID_INTEGER" },
    { "SSLS-14 a BMPString of half a character", common(der.bmp "\0h\0"), "ASN1", "INVALID_BMPSTRING" },
    { "SSLS-14 a BMPString with surrogates", common(der.bmp "\216\61\222\0"), "ASN1", "INVALID_BMPSTRING" },
    { "SSLS-14 a UTF8String that is not UTF-8", common(der.utf8 "\255\254"), "ASN1", "INVALID_UTF8STRING" },
    { "SSLS-14 a UTF8String with a surrogate", common(der.utf8 "\237\160\128"), "ASN1", "INVALID_UTF8STRING" },
}

-- Certificates whose tables differ from Python's: {rows and name, fields, key, value, python = its value}; python is
-- nil where Python raises. The key is absent if the field is. younger: BoringSSL of 2023 refuses such a name; in an
-- extension the extension is malformed.
local LONG_TYPE = "1.2" .. (".1"):rep(600)
local ODD = {
    { "SSLS-07 SSLS-08 bytes after the names", { extensions = { der.extension(SAN, der.sequence(dns "x") .. "zz") } }, "subjectAltName",
        nil, python = { { "DNS", "x" } } },
    { "SSLS-07 SSLS-15 bytes after the list", { extensions = { der.extension(AIA, der.sequence(at(OCSP, uri "http://o")) .. "zz") } },
        "OCSP", nil, python = { "http://o" } },
    { "SSLS-13 a type of more than 586 bytes", types { LONG_TYPE }, "subject", { { { "<invalid>", "value 1" } } } },
    { "SSLS-18 a registered ID of more than 586 bytes", san(dns "x", der.implicit(8, der.oid_value(LONG_TYPE))), "subjectAltName",
        { { "DNS", "x" }, { "Registered ID", "<invalid>" } } },
    { "SSLS-14 an empty BIT STRING", { subject = named("2.5.4.45", der.bits "") }, "subject", { { { "x500UniqueIdentifier", "" } } },
        python = { { { "x500UniqueIdentifier" } } } }, -- None
}
for name, row in pairs {
    ["an INTEGER"] = { der.integer "05", "\5" }, ["an INTEGER of zero"] = { der.integer "00", "\0" },
    ["a negative INTEGER"] = { der.integer "ff7f", "\255\127" }, ["an INTEGER with a sign"] = { der.integer "0080", "\0\128" },
    ["an ENUMERATED"] = { der.tlv(0x0a, "\3"), "\3" }, ["an OCTET STRING"] = { der.octets "r\0w", "r\0w" },
    ["an empty OCTET STRING"] = { der.octets "", "" }, ["a SEQUENCE"] = { der.sequence(der.utf8 "x"), der.utf8 "x" },
    ["an empty SEQUENCE"] = { der.sequence(), "" }, ["a SET"] = { der.set(der.utf8 "x"), der.utf8 "x" }, ["NULL"] = { der.tlv(5), "" },
    ["an OBJECT IDENTIFIER"] = { der.oid "1.2.3", der.oid_value "1.2.3" }, ["a BOOLEAN"] = { der.boolean(true), "\255" },
    ["a value of a private type"] = { der.implicit(0, "raw"), "raw" },
    ["an explicit tag"] = { der.explicit(0, der.utf8 "x"), der.utf8 "x" },
} do
    local elder = name:find "SEQUENCE" ~= nil
    ODD[#ODD + 1] = { "SSLS-14 " .. name, common(row[1]), "subject", { { { "commonName", row[2] } } }, younger = not elder }
    ODD[#ODD + 1] = { "SSLS-14 " .. name .. " in a directory name", san(directory(named(COMMON_NAME, row[1]))), "subjectAltName",
        { { "DirName", { { { "commonName", row[2] } } } } }, younger = not elder }
end

-- Certificates that Python refuses: {rows and name, fields, key, value}. younger: BoringSSL of 2023 refuses them too.
local WIDER = {
    { "SSLS-14 a VisibleString", common(der.visible "visible"), "subject", { { { "commonName", "visible" } } }, younger = true },
    { "SSLS-14 a UTCTime", common(der.time "240105093443Z"), "subject", { { { "commonName", "240105093443Z" } } },
        younger = true },
    { "SSLS-14 a GeneralizedTime", common(der.time "20240105093443Z"), "subject", { { { "commonName", "20240105093443Z" } } },
        younger = true },
    { "SSLS-17 a DNS name that is not UTF-8", san(dns "\233.b"), "subjectAltName", { { "DNS", "\233.b" } } },
}

-- The differences: each changes Python's table to cleat's, and returns whether it has changed anything.
local DIFFERENCES = {
    ["SSLS-07"] = function(cert)
        local empty = cert.subjectAltName ~= nil and #cert.subjectAltName == 0
        if empty then
            cert.subjectAltName = nil
        end
        return empty
    end,
    ["SSLS-10"] = function(cert, fields)
        local cut = cert.serialNumber:find("\n", 1, true) ~= nil
        if cut then
            cert.serialNumber = fields.serial:upper()
        end
        return cut
    end,
    ["SSLS-19"] = function(cert)
        local found = false
        for _, entry in ipairs(cert.subjectAltName or {}) do
            if entry[1] == "othername" and entry[2] ~= "<unsupported>" then
                entry[2] = "<unsupported>"
                found = true
            end
        end
        return found
    end,
}

-- to_cleats changes Python's table to cleat's, by the differences that the case names and no others.
local function to_cleats(cert, differs, fields)
    local expected = {}
    for _, row in ipairs(differs or {}) do
        expected[row] = true
    end
    for row, apply in pairs(DIFFERENCES) do
        local found = apply(cert, fields)
        if found ~= (expected[row] or false) then
            error(("the difference %s is %s"):format(row, found and "not expected" or "not there"), 2)
        end
    end
    return cert
end

local load = loadstring or load

-- by_python returns the results of Python's ssl for DER certificates, {cert=…} or {error=…} each.
local function by_python(list)
    local command = { "/usr/bin/python3", "-I", process.root .. "/spec/support/decode.py", timeout = 60 }
    for i, bytes in ipairs(list) do
        command[i + 3] = process.write_file(("%s/decode-%d.der"):format(process.directory(), i), bytes)
    end
    local result = process.run(command)
    assert(result.status == 0, result.errors)
    return assert(load(result.output))()
end

-- decoded returns cleat's table for a certificate.
local function decoded(bytes)
    local id = errors.check(backend.certificate_from_der(bytes))
    local guard = backend.guard_new(id)
    local ok, result = pcall(certificate.decode, id)
    backend.guard_close(guard)
    if not ok then
        error(result, 0)
    end
    return result
end

local function openssl(words)
    table.insert(words, 1, "openssl")
    local result = process.run(words)
    assert(result.status == 0, result.errors)
end

-- requested returns DER made by openssl req.
local function requested(item)
    local base = process.directory() .. "/request"
    process.write_file(base .. ".cnf", ("[req]\nprompt = no\nutf8 = yes\nstring_mask = %s\nx509_extensions = v3\ndistinguished_name = dn\n"
        .. "[v3]\nbasicConstraints = critical, CA:TRUE\nsubjectKeyIdentifier = none\nauthorityKeyIdentifier = none\n[dn]\n%s"):format(
        item.mask or "utf8only", item.request))
    openssl { "req", "-new", "-x509", "-config", base .. ".cnf", "-key", pki.path("ec.key"), "-days", "30", "-outform", "DER", "-out",
        base .. ".der" }
    return process.read_file(base .. ".der")
end

local public_key

local function sign(bytes)
    local base = process.directory() .. "/tbs"
    process.write_file(base, bytes)
    openssl { "dgst", "-sha256", "-sign", pki.path("ec.key"), "-out", base .. ".sig", base }
    return process.read_file(base .. ".sig")
end

-- built returns DER made of fields. It is a CA certificate, unless it is bare or of a version without extensions.
local function built(fields, item)
    local all = { key = public_key, subject = named(COMMON_NAME, der.utf8 "cleat") }
    for name, value in pairs(fields) do
        all[name] = value
    end
    if not all.version and not item.bare then
        all.extensions = { CONSTRAINTS }
        for _, extension in ipairs(fields.extensions or {}) do
            table.insert(all.extensions, extension)
        end
    end
    if item.handshake then
        all.sign = sign
    end
    return der.certificate(all)
end

describe("cleat's decoder and Python's:", function()
    handles.watch(before_each, after_each)

    local python

    setup(function()
        local name = process.directory() .. "/public.der"
        openssl { "pkey", "-in", pki.path("ec.key"), "-pubout", "-outform", "DER", "-out", name }
        public_key = process.read_file(name)
        local all = {}
        for _, item in ipairs(CASES) do
            if item.pki then
                item.der = ssl.PEM_cert_to_DER_cert(pki.read(item.pki .. ".crt"):match("%-%-%-%-%-BEGIN.*$"))
            else
                item.der = item.request and requested(item) or built(item.fields, item)
            end
            all[#all + 1] = item.der
        end
        for _, list in ipairs { REFUSED, ODD, WIDER } do
            for _, item in ipairs(list) do
                item.der = built(item[2], item)
                all[#all + 1] = item.der
            end
        end
        python = {}
        for i, answer in ipairs(by_python(all)) do
            python[all[i]] = answer
        end
    end)
    teardown(process.cleanup)

    -- theirs returns Python's table, changed to cleat's; a new one at every call.
    local function theirs(item)
        local function copy(value)
            if type(value) ~= "table" then
                return value
            end
            local result = {}
            for key, part in pairs(value) do
                result[key] = copy(part)
            end
            return result
        end
        local answer = python[item.der]
        assert(answer.cert, answer.error)
        return to_cleats(copy(answer.cert), item.differs, item.fields)
    end

    for _, item in ipairs(CASES) do
        it(item.name, function()
            assert.are.same(theirs(item), decoded(item.der))
            -- and as the CA certificate that it is
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_verify_locations { cadata = item.der }
            local listed = context:get_ca_certs()
            assert.are.same(item.ca == false and {} or { theirs(item) }, listed)
            assert.are.same(item.ca == false and {} or { item.der }, context:get_ca_certs(true))
            assert.are.same({ x509 = 1, x509_ca = #listed, crl = 0 }, context:cert_store_stats())
        end)
    end

    for _, item in ipairs(CASES) do
        if item.handshake then
            it("SSLS-07 SSLS-21 from a server: " .. item.name:gsub("%u+%-%d+ ", ""), function()
                local certfile = process.write_file(process.directory() .. "/server.pem", ssl.DER_cert_to_PEM_cert(item.der))
                local server = ssl.SSLContext(ssl.PROTOCOL_TLS)
                server:load_cert_chain(certfile, pki.path("ec.key"))
                local client = ssl.SSLContext(ssl.PROTOCOL_TLS)
                client:load_verify_locations(certfile)
                client.verify_mode = ssl.CERT_REQUIRED
                local failures, answer = link.attempt({ context = client, server_hostname = false }, { context = server },
                    function(sock)
                        return { sock:getpeercert(), sock:getpeercert(true) }
                    end)
                assert.is_nil(failures.client)
                assert.is_nil(failures.server)
                assert.are.same({ theirs(item), item.der }, answer)
            end)
        end
    end

    -- decode_or_refuse returns the table of a certificate that some versions of BoringSSL refuse; nil if it is refused.
    local function decode_or_refuse(item)
        local ok, result = pcall(decoded, item.der)
        if ok then
            return result
        end
        local failure = raises.check(result, "SSLError", { library = item[3], reason = item[4] })
        assert.is_truthy(failure.library == "ASN1" or failure.library == "X509" or failure.library == "X509V3", tostring(failure))
        assert.is_string(failure.reason)
    end

    for _, item in ipairs(REFUSED) do
        it(item[1] .. " is refused", function()
            local result = decode_or_refuse(item)
            if result then
                assert.is_true(item.younger)
                assert.are.same(python[item.der].cert, result)
                return
            end
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            raises("SSLError", {}, context.load_verify_locations, context, { cadata = item.der })
            assert.are.same({ x509 = 0, x509_ca = 0, crl = 0 }, context:cert_store_stats())
        end)
    end

    for _, item in ipairs(ODD) do
        it(item[1] .. " does not hide the other fields", function()
            local answer = python[item.der].cert
            assert.are.same(item.python, answer and answer[item[3]])
            local ok, result = pcall(decoded, item.der)
            if not ok and item.younger then
                raises.check(result, "SSLError", { library = "ASN1" })
                return
            end
            assert.is_true(ok, tostring(result))
            if result[item[3]] ~= nil or not item.younger then
                assert.are.same(item[4], result[item[3]])
            end
            assert.are.equal("Jan  5 09:34:43 2024 GMT", result.notBefore)
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_verify_locations { cadata = item.der }
            for _, listed in ipairs(context:get_ca_certs()) do
                assert.are.same(result, listed)
            end
        end)
    end

    for _, item in ipairs(WIDER) do
        it(item[1] .. " is accepted", function()
            assert.is_nil(python[item.der].cert)
            local ok, result = pcall(decoded, item.der)
            if ok then
                assert.are.same(item[4], result[item[3]])
            else
                assert.is_true(item.younger, tostring(result))
                raises.check(result, "SSLError", { library = "ASN1" })
            end
        end)
    end

    it("SSLS-07 SSLS-22 a certificate with odd fields is returned, as a table and as DER", function()
        local bytes = built({ extensions = { der.extension(AIA, "junk") }, subject = named(COMMON_NAME, der.sequence()) },
            { handshake = true })
        local certfile = process.write_file(process.directory() .. "/server.pem", ssl.DER_cert_to_PEM_cert(bytes))
        local server = ssl.SSLContext(ssl.PROTOCOL_TLS)
        server:load_cert_chain(certfile, pki.path("ec.key"))
        for _, mode in ipairs { ssl.CERT_NONE, ssl.CERT_REQUIRED } do
            local client = ssl.SSLContext(ssl.PROTOCOL_TLS)
            client:load_verify_locations(certfile)
            client.verify_mode = mode
            local failures = link.attempt({ context = client, server_hostname = false }, { context = server }, function(sock)
                assert.are.equal(bytes, sock:getpeercert(true))
                assert.are.same(mode == ssl.CERT_NONE and {} or decoded(bytes), sock:getpeercert())
            end)
            assert.is_nil(failures.client)
            assert.are.same({ decoded(bytes) }, client:get_ca_certs())
        end
    end)

    it("SSLS-07 get_ca_certs returns the others if one CA is malformed", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        for _, fields in ipairs {
            { subject = named(COMMON_NAME, der.sequence()) }, access(), { extensions = { der.extension(AIA, "junk") } },
            types { LONG_TYPE }, { not_before = der.tlv(0x17, "240105093443+0000") },
        } do
            context:load_verify_locations { cadata = built(fields, {}) }
        end
        assert.are.equal(5, #context:get_ca_certs())
        assert.are.equal(5, #context:get_ca_certs(true))
    end)
end)
