--- LuaSec's module `ssl.x509`: certificates as objects, with LuaSec's methods and the values that these return.
---
--- After `require("cleat.luasec").install()` it is what `require "ssl.x509"` returns. An object is a view of a
--- certificate of cleat.ssl: `wrap` and `unwrap` convert between them.

local C = require "cleat.backend"
local Certificate = require "cleat.ssl.certificate_object"
local argument = require "cleat.luasec.argument"
local asn1_string = require "cleat.luasec.asn1_string"
local base64 = require "cleat.base64"
local der = require "cleat.luasec.der"
local errors = require "cleat.errors"
local pem = require "cleat.ssl.pem"
local public_key = require "cleat.luasec.public_key"
local signature_names = require "cleat.luasec.signature_name"
local verify_text = require "cleat.luasec.verify_text"

local const = C.const

local x509 = {}

local instance = { __name = "SSL:Certificate" }
local methods = {}
instance.__index = methods

local SUBJECT_ALT_NAME = "2.5.29.17"

-- OpenSSL's names of object identifiers for which BoringSSL has other names or none.
local NAMES = {
    [SUBJECT_ALT_NAME] = "X509v3 Subject Alternative Name",
    ["1.3.6.1.4.1.311.20.2.2"] = "Microsoft Smartcard Login",
    ["1.3.6.1.4.1.311.20.2.3"] = "Microsoft User Principal Name",
    ["1.3.6.1.5.5.7.8.1"] = "id-on-personalData", ["1.3.6.1.5.5.7.8.3"] = "Permanent Identifier",
    ["1.3.6.1.5.5.7.8.5"] = "XmppAddr", ["1.3.6.1.5.5.7.8.7"] = "SRVName", ["1.3.6.1.5.5.7.8.8"] = "NAIRealm",
    ["1.3.6.1.5.5.7.8.9"] = "Smtp UTF8 Mailbox",
}

-- The parts of a TBSCertificate, counted from the serial number.
local ISSUER, SUBJECT = 2, 4
local VERSION_TAG = 0xa0

local function this(name, object)
    -- Not a tail call, which would change the level of the error.
    if getmetatable(object) ~= instance then
        error(("bad argument #1 to '%s' (SSL:Certificate expected, got %s)"):format(name, object == nil and "no value"
            or type(object)), 3)
    end
    return object
end

-- layout returns the certificate's DER bytes, its parts, and the index of the serial number among them. They are parsed
-- once.
local function layout(self)
    local found = self.layout
    if not found then
        local bytes = self.certificate:public_bytes(pem.ENCODING_DER)
        local outer = der.children(bytes, der.read(bytes, 1, #bytes))
        local parts = outer and der.children(bytes, outer[1]) or {}
        found = { bytes = bytes, parts = parts, signature = outer and outer[2],
            serial = parts[1] and parts[1].tag == VERSION_TAG and 2 or 1 }
        self.layout = found
    end
    return found
end

-- oid_of returns the object identifier of an element, and OpenSSL's name for it. known: BoringSSL's name.
local function oid_of(bytes, element, known)
    local oid = element and der.oid(der.contents(bytes, element)) or "<invalid>"
    return oid, NAMES[oid] or known or oid
end

local function name_of(self, which, names)
    local found = layout(self)
    local bytes, list = found.bytes, {}
    local element = found.parts[found.serial + which]
    for number, rdn in ipairs(der.children(bytes, element) or {}) do
        for index, attribute in ipairs(der.children(bytes, rdn) or {}) do
            local parts = der.children(bytes, attribute) or {}
            local known = names[number] and names[number][index]
            local oid, name = oid_of(bytes, parts[1], known and known[1])
            list[#list + 1] = { oid = oid, name = name, value = parts[2] and asn1_string.value(bytes, parts[2], self.utf8) }
        end
    end
    return list
end

-- cert:subject(): an array of {oid =, name =, value =}.
function methods.subject(self)
    self = this("subject", self)
    return name_of(self, SUBJECT, self.certificate.subject)
end

-- cert:issuer(): the same for the issuer.
function methods.issuer(self)
    self = this("issuer", self)
    return name_of(self, ISSUER, self.certificate.issuer)
end

-- add appends a value to an array in a table, and creates the array if necessary.
local function add(to, key, value)
    local list = to[key] or {}
    to[key] = list
    list[#list + 1] = value
    return list
end

local IA5 = 22
local STRINGS = { [0x81] = "rfc822Name", [0x82] = "dNSName", [0x86] = "uniformResourceIdentifier" }
local ADDRESS, OTHER_NAME = 0x87, 0xa0
local WITHOUT_VALUE = { [0x88] = true, [0xa3] = true, [0xa4] = true, [0xa5] = true }

local function address_text(contents)
    local socket = require "cleat.socket"
    local family = #contents == 4 and socket.AF_INET or #contents == 16 and socket.AF_INET6
    return family and socket.inet_ntop(family, contents) or nil
end

-- add_other_name adds an otherName, {type-id, [0] EXPLICIT value}. It returns whether the name is well-formed.
local function add_other_name(to, bytes, element, utf8)
    local parts = der.children(bytes, element)
    local values = parts and #parts == 2 and parts[1].tag == 6 and parts[2].tag == 0xa0 and der.children(bytes, parts[2])
    if not values or #values ~= 1 then
        return false
    end
    local oid, name = oid_of(bytes, parts[1])
    add(to, oid, asn1_string.value(bytes, values[1], utf8)).name = name
    return true
end

-- names_of returns the general names in the value of an extension; nil if it is malformed.
local function names_of(value, utf8)
    local sequence = der.read(value, 1, #value)
    local names = sequence and sequence.tag == 0x30 and sequence.to == #value and der.children(value, sequence)
    if not names then
        return nil
    end
    local found = { name = NAMES[SUBJECT_ALT_NAME] }
    for _, element in ipairs(names) do
        local kind = STRINGS[element.tag]
        local contents = der.contents(value, element)
        if kind then
            add(found, kind, asn1_string.text(contents, IA5, utf8))
        elseif element.tag == ADDRESS then
            add(found, "iPAddress", address_text(contents))
        elseif element.tag == OTHER_NAME then
            if not add_other_name(found, value, element, utf8) then
                return nil
            end
        elseif not WITHOUT_VALUE[element.tag] then
            return nil
        end
    end
    return found
end

-- cert:extensions(): the subject's alternative names, as {["2.5.29.17"] = {name =, dNSName = {...}, ...}}.
function methods.extensions(self)
    self = this("extensions", self)
    for _, extension in ipairs(self.certificate.extensions) do
        if extension.oid == SUBJECT_ALT_NAME then
            return { [SUBJECT_ALT_NAME] = names_of(extension.value, self.utf8) }
        end
    end
    return {}
end

-- cert:pem()
function methods.pem(self)
    return this("pem", self).certificate:public_bytes(pem.ENCODING_PEM)
end

-- cert:pubkey(): the public key in PEM, "RSA", "DSA", "DH", "EC" or "Unknown", and its bits.
function methods.pubkey(self)
    local spki = this("pubkey", self).certificate.public_key_der
    local kind, bits = public_key.describe(spki)
    if not kind then
        return nil
    end
    local text = base64.encode(spki):gsub(("."):rep(64), "%0\n"):gsub("\n$", "")
    return "-----BEGIN PUBLIC KEY-----\n" .. text .. "\n-----END PUBLIC KEY-----\n", kind, bits
end

local DIGESTS = { sha1 = true, sha256 = true, sha512 = true }

-- cert:digest(algorithm): in hexadecimal; "sha1" by default.
function methods.digest(self, algorithm)
    self = this("digest", self)
    algorithm = algorithm == nil and "sha1" or argument.string(2, "digest", algorithm)
    if not DIGESTS[algorithm] then
        return nil, ("digest algorithm not supported (%s)"):format(algorithm)
    end
    return self.certificate:fingerprint(algorithm)
end

-- cert:validat(time): whether the certificate is valid at a time, in seconds since 1970.
function methods.validat(self, time)
    self = this("validat", self)
    time = argument.integer(2, "validat", time)
    -- An invalid date raises SSLError; OpenSSL treats the certificate as not valid.
    local ok, before = pcall(function() return self.certificate.not_before end)
    return ok and before <= time and time <= self.certificate.not_after
end

-- cert:serial(): in hexadecimal, "0" for zero.
function methods.serial(self)
    local digits = this("serial", self).certificate.serial_number
    return digits == "00" and "0" or digits
end

-- cert:notbefore() and cert:notafter(): as in "Jan  5 09:34:43 2018 GMT".
function methods.notbefore(self)
    return this("notbefore", self).certificate.not_before_text
end

function methods.notafter(self)
    return this("notafter", self).certificate.not_after_text
end

-- cert:setencode(encoding): sets the encoding of strings, "ai5" or "utf8", and returns whether it is known.
function methods.setencode(self, encoding)
    self = this("setencode", self)
    encoding = argument.string(2, "setencode", encoding)
    if encoding:find("^ai5") then
        self.utf8 = false
    elseif encoding:find("^utf8") then
        self.utf8 = true
    else
        return false
    end
    return true
end

-- cert:getsignaturename(): OpenSSL's short name, "UNDEF" if it has none.
function methods.getsignaturename(self)
    local found = layout(this("getsignaturename", self))
    local parts = found.signature and der.children(found.bytes, found.signature)
    return signature_names[parts and parts[1] and der.oid(der.contents(found.bytes, parts[1]))] or "UNDEF"
end

local NOW = -1

-- cert:issued(subject, intermediates...): returns true if this certificate, as the only trusted one, verifies the
-- subject; otherwise nil and OpenSSL's message. The purpose is not checked.
function methods.issued(self, subject, ...)
    local ssl = require "cleat.ssl"
    self = this("issued", self)
    subject = argument.object(2, "issued", subject, instance)
    local untrusted = {}
    for index = 1, select("#", ...) do
        local between = argument.object(index + 2, "issued", (select(index, ...)), instance)
        untrusted[index] = between.certificate:public_bytes(pem.ENCODING_DER)
    end
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context:load_verify_locations { cadata = self.certificate:public_bytes(pem.ENCODING_DER) }
    context.verify_flags = ssl.VERIFY_DEFAULT
    local id, guard = errors.check(C.verification_new_guarded(context._id, subject.certificate._id, const.PURPOSE_ANY, nil,
        NOW, untrusted[1] and table.concat(untrusted) or nil))
    if C.verification_result(id) == 0 then
        C.guard_close(guard)
        return true
    end
    local _, text, code = errors.check(C.verification_error(id, 0))
    C.guard_close(guard)
    return nil, verify_text(code, text)
end

function instance.__tostring(self)
    self.address = self.address or tostring({}):match("0x%x+") or "0x0"
    return "X509 certificate: " .. self.address
end

-- In LuaSec this frees the certificate, and no method may be called afterwards. Here the garbage collector frees it.
function instance.__close() end

--- Parses the first certificate in PEM text.
---
---     local x509 = require "cleat.luasec.x509"
---     local cert = x509.load(ssl.DER_cert_to_PEM_cert(conn:getpeercert(true)))
---     print(cert:extensions()["2.5.29.17"].dNSName[1], x509.load("a text")) --> localhost	nil
---
--- Raises: a string with Lua's message "bad argument" if `data` is not a string.
--- Python: none.
---@param data string
---@return table? # an object with LuaSec's methods; nil, without a message as in LuaSec, if it cannot be parsed
function x509.load(data)
    data = argument.string(1, "load", data)
    if not data:find("-----BEGIN ", 1, true) or data:find("^0[\128-\255]") then
        return nil
    end
    local ok, found = pcall(Certificate, data)
    if not ok and errors.MemoryError:is(found) then
        error(found, 0)
    end
    return ok and x509.wrap(found) or nil
end

--- Converts a certificate of cleat.ssl to an object with LuaSec's methods.
---
---     local x509 = require "cleat.luasec.x509"
---     local object = x509.wrap(ssl.Certificate(conn:getpeercert(true)))
---     print(#object:digest("sha256"), object:validat(os.time())) --> 64	true
---
--- Raises: a string with Lua's message "bad argument" if `object` is not a certificate of cleat.ssl.
--- Python: none.
---@param object cleat.ssl.CertificateObject
---@return table
function x509.wrap(object)
    if not Certificate:is(object) then
        argument.object(1, "wrap", object, Certificate.instance)
    end
    return setmetatable({ certificate = object, utf8 = false }, instance)
end

--- Converts an object with LuaSec's methods to a certificate of cleat.ssl.
---
---     local x509 = require "cleat.luasec.x509"
---     local object = x509.wrap(ssl.Certificate(conn:getpeercert(true)))
---     print(x509.unwrap(object):matches("localhost")) --> true
---
--- Raises: a string with Lua's message "bad argument" if `object` is not such an object.
--- Python: none.
---@param object table
---@return cleat.ssl.CertificateObject
function x509.unwrap(object)
    return argument.object(1, "unwrap", object, instance).certificate
end

return x509
