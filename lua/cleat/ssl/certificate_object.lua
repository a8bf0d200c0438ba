--- Certificates as objects: Python 3.13's _ssl.Certificate, with additional fields.

local C = require "cleat.backend"
local certificate = require "cleat.ssl.certificate"
local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local names = require "cleat.ssl.hostname"
local keywords = require "cleat.keywords"
local pem = require "cleat.ssl.pem"
local timestamps = require "cleat.ssl.sct"

local const = C.const

local text = certificate.text

-- absent_if_empty returns the text of a function of the ABI, or nil if it is empty.
local function absent_if_empty(f, ...)
    local answer = text(f, ...)
    return answer ~= "" and answer or nil
end

local function read_file(path)
    local file, message, number = io.open(path, "rb")
    local data
    if file then
        data, message, number = file:read("*a")
        file:close()
    end
    if not data then
        errors.raise(errors.IOError, number, number and errors.strerror(number) or message, path)
    end
    return data
end

local parse_new = keywords.parser("Certificate", { "data", "file" })

--- A certificate as an object. It is not necessarily verified: an attacker can make one that contains anything. It is
--- immutable, and fields are decoded when they are read. Two certificates are equal (`==`) if their DER bytes are.
---
---     local cert = ssl.Certificate(conn:getpeercert(true))
---     print(cert.version, cert.public_key_algorithm, cert.curve) --> 3	id-ecPublicKey	prime256v1
---     print(cert.not_after > os.time(), cert:matches("localhost")) --> true	true
---     print(#cert:fingerprint("sha256")) --> 64
---
--- Raises: SSLError if the data is not a certificate; IOError if the file cannot be read; ValueError unless exactly one
--- of `data` (PEM or DER) and `file` is given; TypeError. Reading the field of a malformed or repeated extension raises
--- SSLError.
--- Python: none.
---@class cleat.ssl.CertificateObject
---@field subject string[][][] the subject's name, in the format of SSLSocket:getpeercert
---@field issuer string[][][] the issuer's name
---@field serial_number string in upper-case hexadecimal, with an even number of digits
---@field version integer 1 to 3; 3 if it has extensions
---@field not_before number the start of the validity, in seconds since 1970-01-01 UTC; negative before that
---@field not_after number the end of the validity, likewise
---@field not_before_text string "Jan  5 09:34:43 2018 GMT"
---@field not_after_text string in the same format
---@field subject_alt_names string[][] an array of {type, value}; empty if there are none
---@field extensions {oid: string, critical: boolean, value: string}[] all extensions: `oid` in dotted decimals, `value`
--- in DER
---@field key_usage table<string, true>? a set of RFC 5280's names: digitalSignature, keyCertSign …; nil without the
--- extension
---@field extended_key_usage string[]? object identifiers in dotted decimals: "1.3.6.1.5.5.7.3.1" is serverAuth; nil
--- without the extension
---@field basic_constraints {ca: boolean, path_length: integer?}? nil without the extension
---@field is_ca boolean whether it is a CA certificate
---@field ocsp_uris string[] URIs of OCSP responders; empty if there are none, like the next two
---@field ca_issuers_uris string[] URIs of the issuer's certificate
---@field crl_uris string[] URIs of revocation lists
---@field subject_key_id string? as bytes; nil without the extension
---@field authority_key_id string? as bytes; nil without the extension
---@field signature_algorithm string OpenSSL's name: "ecdsa-with-SHA256" …
---@field public_key_algorithm string OpenSSL's name: "rsaEncryption", "id-ecPublicKey", "ED25519" …
---@field public_key_bits integer the size of the key in bits; 0 for a key that BoringSSL does not support
---@field curve string? OpenSSL's name of an EC key's curve: "prime256v1" …; nil for other keys
---@field public_key_der string the SubjectPublicKeyInfo, in DER
---@field scts cleat.ssl.Sct[]? the embedded signed certificate timestamps; nil without the extension
---@field _id integer
---@field _guard cleat.backend.Guard closes the id
---@overload fun(data: string?, file: string?): cleat.ssl.CertificateObject
local Certificate = class.new("ssl.Certificate", function(of, ...)
    local data, file = parse_new(...)
    check.optional_string("Certificate", "data", data)
    check.optional_file("Certificate", "file", file)
    if (data == nil) == (file == nil) then
        errors.raise(errors.ValueError, "Certificate() needs data or file, and not both")
    end
    local id, guard = certificate.open(data or read_file(file))
    return setmetatable({ _id = id, _guard = guard }, of.instance)
end)

local parse_bytes = keywords.parser("public_bytes", { "format" })

--- Returns the encoded certificate.
---
---     local der = conn:getpeercert(true)
---     print(ssl.Certificate(der):public_bytes(ssl.ENCODING_DER) == der) --> true
---
--- Raises: ValueError for other numbers; TypeError.
--- Python: 3.10, of _ssl.Certificate.
---@param format integer? `ENCODING_PEM`, the default, for PEM text, or `ENCODING_DER` for DER bytes
---@return string
function Certificate:public_bytes(format, ...)
    format = check.optional_integer("public_bytes", "format", (parse_bytes(format, ...)), pem.ENCODING_PEM)
    local der = certificate.der(self._id)
    if format == pem.ENCODING_DER then
        return der
    elseif format == pem.ENCODING_PEM then
        return pem.DER_cert_to_PEM_cert(der)
    end
    return errors.raise(errors.ValueError, "Unsupported format")
end

--- Returns the certificate as a table, as SSLSocket:getpeercert does for a verified peer.
---
---     print(ssl.Certificate(conn:getpeercert(true)):get_info().subjectAltName[1][2]) --> localhost
---
--- Python: 3.10, of _ssl.Certificate.
---@return cleat.ssl.Certificate
function Certificate:get_info()
    return certificate.decode(self._id)
end

local parse_fingerprint = keywords.parser("fingerprint", { "digest" })
local parse_spki = keywords.parser("spki_fingerprint", { "digest" })

local function digest_of(self, method, which, digest)
    digest = check.optional_string(method, "digest", digest) or "sha256"
    local bytes = text(C.certificate_fingerprint, self._id, which, digest)
    return (bytes:gsub(".", function(byte)
        return ("%02x"):format(byte:byte())
    end))
end

--- Returns a digest of the certificate's DER bytes in lower-case hexadecimal.
---
---     local cert = ssl.Certificate(conn:getpeercert(true))
---     print(#cert:fingerprint(), cert:fingerprint() == cert:fingerprint("sha256")) --> 64	true
---
--- Raises: ValueError for other digests; TypeError.
--- Python: none.
---@param digest string? "sha256", the default, "sha384", "sha512", "sha224", "sha1" or "md5"
---@return string
function Certificate:fingerprint(digest, ...)
    return digest_of(self, "fingerprint", const.FINGERPRINT_CERTIFICATE, (parse_fingerprint(digest, ...)))
end

--- Returns a digest of the public key (SubjectPublicKeyInfo) in lower-case hexadecimal. It does not change when a
--- certificate is renewed for the same key, so programs use it for pinning.
---
---     local pin = ssl.Certificate(conn:getpeercert(true)):spki_fingerprint()
---     local other = connect()
---     print(ssl.Certificate(other:getpeercert(true)):spki_fingerprint() == pin) --> true
---     other:close()
---
--- Raises: ValueError for other digests; TypeError.
--- Python: none.
---@param digest string? as in fingerprint
---@return string
function Certificate:spki_fingerprint(digest, ...)
    return digest_of(self, "spki_fingerprint", const.FINGERPRINT_SPKI, (parse_spki(digest, ...)))
end

local parse_matches = keywords.parser("matches", { "hostname" }, { required = 1 })

--- Returns whether the certificate is valid for a host, by the rules of `check_hostname`. Nothing else is verified:
--- neither the chain nor the time.
---
---     local cert = ssl.Certificate(conn:getpeercert(true))
---     print(cert:matches("localhost"), cert:matches("example.org")) --> true	false
---
--- Raises: ValueError for an invalid name; TypeError.
--- Python: none.
---@param hostname string a host name or an IP address
---@return boolean
function Certificate:matches(hostname, ...)
    local labels = names.to_ascii("matches", (parse_matches(hostname, ...)))
    return errors.check(C.certificate_matches(self._id, labels)) == 1
end

local USAGES = { "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
    "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly" }

local function uris(which)
    return function(self)
        local list = {}
        for index = 0, errors.check(C.certificate_uri_count(self._id, which)) - 1 do
            list[index + 1] = text(C.certificate_uri, self._id, which, index)
        end
        return list
    end
end

local getters = {
    ocsp_uris = uris(const.URI_OCSP),
    ca_issuers_uris = uris(const.URI_CA_ISSUERS),
    crl_uris = uris(const.URI_CRL),
}

-- Each function gets the ABI's id of the certificate.
for name, get in pairs {
    subject = function(id)
        return certificate.name(id, const.NAME_SUBJECT)
    end,
    issuer = function(id)
        return certificate.name(id, const.NAME_ISSUER)
    end,
    serial_number = function(id)
        return text(C.certificate_serial_number, id)
    end,
    version = function(id)
        return errors.check(C.certificate_version(id))
    end,
    not_before = function(id)
        local _, before = errors.check(C.certificate_validity(id))
        return before
    end,
    not_after = function(id)
        local _, _, after = errors.check(C.certificate_validity(id))
        return after
    end,
    not_before_text = function(id)
        return text(C.certificate_not_before, id)
    end,
    not_after_text = function(id)
        return text(C.certificate_not_after, id)
    end,
    subject_alt_names = function(id)
        errors.check(C.certificate_alt_name_count(id)) -- raises if the extension is malformed
        return certificate.alt_names(id) or {}
    end,
    extensions = function(id)
        local list = {}
        for index = 0, errors.check(C.certificate_extension_count(id)) - 1 do
            local _, oid, critical = errors.check(C.certificate_extension_oid(id, index))
            list[index + 1] = { oid = oid, critical = critical == 1, value = text(C.certificate_extension_value, id, index) }
        end
        return list
    end,
    key_usage = function(id)
        local bits = errors.check(C.certificate_key_usage(id))
        if bits == const.KEY_USAGE_NONE then
            return nil
        end
        local set = {}
        for index, usage in ipairs(USAGES) do
            if bits % 2 ^ index >= 2 ^ (index - 1) then
                set[usage] = true
            end
        end
        return set
    end,
    extended_key_usage = function(id)
        local list = {}
        for index = 0, errors.check(C.certificate_extended_key_usage_count(id)) - 1 do
            list[index + 1] = text(C.certificate_extended_key_usage, id, index)
        end
        return list[1] and list or nil
    end,
    basic_constraints = function(id)
        local present, ca, path_length = errors.check(C.certificate_basic_constraints(id))
        return present == 1 and { ca = ca == 1, path_length = path_length >= 0 and path_length or nil } or nil
    end,
    is_ca = function(id)
        return errors.check(C.certificate_is_ca(id)) == 1
    end,
    subject_key_id = function(id)
        return absent_if_empty(C.certificate_key_id, id, const.KEY_ID_SUBJECT)
    end,
    authority_key_id = function(id)
        return absent_if_empty(C.certificate_key_id, id, const.KEY_ID_ISSUER)
    end,
    signature_algorithm = function(id)
        return text(C.certificate_signature_algorithm, id)
    end,
    public_key_algorithm = function(id)
        return text(C.certificate_public_key, id)
    end,
    public_key_bits = function(id)
        local _, _, bits = errors.check(C.certificate_public_key(id))
        return bits
    end,
    curve = function(id)
        return absent_if_empty(C.certificate_curve, id)
    end,
    public_key_der = function(id)
        return text(C.certificate_public_key_der, id)
    end,
    scts = timestamps.of_certificate,
} do
    getters[name] = function(self)
        return get(self._id)
    end
end

class.properties(Certificate, getters, {})

function Certificate.instance.__eq(one, other)
    return Certificate:is(one) and Certificate:is(other) and certificate.der(one._id) == certificate.der(other._id)
end

return Certificate
