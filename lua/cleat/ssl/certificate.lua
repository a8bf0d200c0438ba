--- Certificates as getpeercert() and get_ca_certs() return them (section 17.3.2).

local C = require "cleat.backend"
local errors = require "cleat.errors"
local status = require "cleat.status"

local const = C.const
local check = errors.check

local INVALID = "<invalid>"

--- A certificate, as SSLSocket:getpeercert and SSLContext:get_ca_certs return it. A name is an array of relative
--- distinguished names, each an array of {type, value}: `cert.subject[1][1][2]` is the value of the first attribute.
---
---     local cert = conn:getpeercert()
---     print(cert.version, cert.subjectAltName[1][2]) --> 3	localhost
---     print(ssl.cert_time_to_seconds(cert.notAfter) > os.time()) --> true
---
--- Malformed parts do not hide the rest: a malformed or repeated extension is left out, an attribute value that is not
--- a string is given as its encoded contents, and an object identifier of more than 586 bytes as "<invalid>". The DER
--- bytes have everything.
---
--- Python: 2.6; `OCSP`, `caIssuers`, `crlDistributionPoints` 2.7.9, 3.4.
---@class cleat.ssl.Certificate
---@field subject string[][][] the name
---@field issuer string[][][] the issuer's name
---@field version integer 3 if it has extensions
---@field serialNumber string upper-case hexadecimal, an even number of digits
---@field notBefore string "Jan  5 09:34:43 2018 GMT"
---@field notAfter string in the same form
---@field subjectAltName string[][]? of {type, value}: "DNS", "email", "URI", "IP Address", "DirName" (its value is a
--- name) …
---@field OCSP string[]? URIs
---@field caIssuers string[]? URIs
---@field crlDistributionPoints string[]? URIs

local certificate = {}

-- readable: the results of a function of the ABI, or nil where a field of the certificate is malformed. Other failures
-- are raised.
local function readable(result, ...)
    if result < 0 and status.class(result) == const.SSL then
        return nil
    end
    return check(result, ...)
end

-- text: the only result of a function of the ABI.
local function text(f, ...)
    local _, answer = check(f(...))
    return answer
end

-- readable_text: the same, or INVALID for an object identifier that is too long.
local function readable_text(f, ...)
    local length, answer = readable(f(...))
    return length and answer or INVALID
end

--- The attributes of a distinguished name.
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

--- The subject alternative names, nil or false if there are none that are well-formed.
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

--- The fields of a certificate.
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

--- A certificate's DER bytes.
---@param id integer
---@return string
function certificate.der(id)
    return text(C.certificate_der, id)
end

--- f(id), after which the id is closed.
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
