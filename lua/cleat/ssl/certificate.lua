--- Certificates as tables, which getpeercert() and get_ca_certs() return (section 17.3.2).

local C = require "cleat.backend"
local errors = require "cleat.errors"
local status = require "cleat.status"

local const = C.const
local check = errors.check

local INVALID = "<invalid>"

--- A certificate as a table, which SSLSocket:getpeercert and SSLContext:get_ca_certs return. A name is an array of
--- relative distinguished names, each of which is an array of {type, value}: `cert.subject[1][1][2]` is the value of
--- the first attribute.
---
---     local cert = conn:getpeercert()
---     print(cert.version, cert.subjectAltName[1][2]) --> 3	localhost
---     print(ssl.cert_time_to_seconds(cert.notAfter) > os.time()) --> true
---
--- Malformed parts do not make the rest unreadable: a malformed or repeated extension is omitted, an attribute value
--- that is not a string is given as its encoded contents, and an object identifier of more than 586 bytes as
--- "<invalid>". The DER bytes contain everything.
---
--- Python: 2.6; `OCSP`, `caIssuers`, `crlDistributionPoints` 2.7.9, 3.4.
---@class cleat.ssl.Certificate
---@field subject string[][][] the subject's name
---@field issuer string[][][] the issuer's name
---@field version integer 1 to 3; 3 if it has extensions
---@field serialNumber string in upper-case hexadecimal, with an even number of digits
---@field notBefore string "Jan  5 09:34:43 2018 GMT"
---@field notAfter string in the same format
---@field subjectAltName string[][]? an array of {type, value}, with the types "DNS", "email", "URI", "IP Address",
--- "DirName" (whose value is a name) …
---@field OCSP string[]? URIs of OCSP responders
---@field caIssuers string[]? URIs of the issuer's certificate
---@field crlDistributionPoints string[]? URIs of revocation lists

local certificate = {}

-- readable returns the results of a function of the ABI, or nil if the field of the certificate is malformed. Other
-- failures are raised.
local function readable(result, ...)
    if result < 0 and status.class(result) == const.SSL then
        return nil
    end
    return check(result, ...)
end

--- Calls a function of the ABI that returns a text or bytes, and returns these.
---@param f function of the backend
---@param ... any its arguments
---@return string
function certificate.text(f, ...)
    local _, answer = check(f(...))
    return answer
end
local text = certificate.text

--- Opens a certificate in PEM or DER. DER begins with a SEQUENCE whose length takes more than one byte, which PEM text
--- does not.
---@param data string
---@return integer id
---@return cleat.backend.Guard guard the id's
function certificate.open(data)
    if data:find("-----BEGIN ", 1, true) and not data:find("^0[\128-\255]") then
        return check(C.certificate_from_pem_guarded(data))
    end
    return check(C.certificate_from_der_guarded(data))
end

-- readable_text returns the text likewise, or INVALID for an object identifier that is too long.
local function readable_text(f, ...)
    local length, answer = readable(f(...))
    return length and answer or INVALID
end

--- Returns a distinguished name.
---@param id integer
---@param which integer NAME_*
---@return string[][][]
function certificate.name(id, which)
    local rdns = {}
    for index = 0, check(C.certificate_name_count(id, which)) - 1 do
        local rdn = check(C.certificate_name_rdn(id, which, index)) + 1
        rdns[rdn] = rdns[rdn] or {}
        table.insert(rdns[rdn], { readable_text(C.certificate_name_type, id, which, index),
            text(C.certificate_name_value, id, which, index) })
    end
    return rdns
end

--- Returns the subject alternative names; nil or false if there are none, or if they are malformed.
---@param id integer
---@return string[][]|false|nil
function certificate.alt_names(id)
    local names = {}
    for index = 0, (readable(C.certificate_alt_name_count(id)) or 0) - 1 do
        local kind = text(C.certificate_alt_name_type, id, index)
        names[index + 1] = { kind, kind == "DirName" and certificate.name(id, const.NAME_ALT + index) or
            readable_text(C.certificate_alt_name_value, id, index) }
    end
    return names[1] and names
end

local function uris(id, which)
    local list = {}
    for index = 0, (readable(C.certificate_uri_count(id, which)) or 0) - 1 do
        list[index + 1] = text(C.certificate_uri, id, which, index)
    end
    return list[1] and list
end

--- Returns the fields of a certificate, as getpeercert() does.
---@param id integer of the ABI
---@return cleat.ssl.Certificate
function certificate.decode(id)
    return {
        subject = certificate.name(id, const.NAME_SUBJECT),
        issuer = certificate.name(id, const.NAME_ISSUER),
        version = check(C.certificate_version(id)),
        serialNumber = text(C.certificate_serial_number, id),
        notBefore = text(C.certificate_not_before, id),
        notAfter = text(C.certificate_not_after, id),
        subjectAltName = certificate.alt_names(id) or nil,
        OCSP = uris(id, const.URI_OCSP) or nil,
        caIssuers = uris(id, const.URI_CA_ISSUERS) or nil,
        crlDistributionPoints = uris(id, const.URI_CRL) or nil,
    }
end

--- Returns a certificate's DER bytes.
---@param id integer
---@return string
function certificate.der(id)
    return text(C.certificate_der, id)
end

--- Returns f(id), and closes the id.
---@generic T
---@param id integer
---@param guard cleat.backend.Guard the id's
---@param f fun(id: integer): T
---@return T
function certificate.consume(id, guard, f)
    local answer = f(id)
    C.guard_close(guard)
    return answer
end

return certificate
