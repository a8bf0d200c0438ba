--- OCSP responses and signed certificate timestamps, which peers send with their certificates.

local C = require "cleat.backend"
local certificates = require "cleat.ssl.certificate"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local timestamps = require "cleat.ssl.sct"

local const = C.const

local staple = { functions = {}, getters = {}, setters = {} }

local STATUSES = { [const.OCSP_GOOD] = "good", [const.OCSP_REVOKED] = "revoked", [const.OCSP_UNKNOWN] = "unknown" }

local parse_check = keywords.parser("check_ocsp_response", { "response", "certificate", "issuer" }, { required = 3 })

local function open(name, data)
    return certificates.open(check.string("check_ocsp_response", name, data))
end

--- The status of a certificate in an OCSP response. Times are in seconds since 1970.
---
---     local function is_good(response, certificate, issuer)
---         return ssl.check_ocsp_response(response, certificate, issuer).status == "good"
---     end
---
--- Python: none.
---@class cleat.ssl.OcspStatus
---@field status string "good", "revoked" or "unknown": the responder does not know the certificate
---@field this_update number the time at which the responder knew this status
---@field next_update number? the time by which a newer response will be available
---@field revoked_at number? the time of the revocation, if it is revoked
---@field reason integer? the CRLReason of RFC 5280, if the response has one

--- Verifies an OCSP response (RFC 6960), and returns the status that it reports for a certificate. The response must be
--- signed by the issuer, or by a certificate in it that the issuer has issued for OCSP signing, and must be current,
--- with a tolerance of 300 seconds. A response without nextUpdate is current for 300 seconds only. A nonce is ignored.
---
---     local function check_status(response, certificate, issuer)
---         local status = ssl.check_ocsp_response(response, certificate, issuer)
---         return status.status == "good", status.next_update
---     end
---
--- Raises: SSLError if the response is not valid: `library` is "OCSP", and `reason` says why (`SIGNATURE_FAILURE`,
--- `STATUS_EXPIRED`, `RESPONDER_NOT_AUTHORIZED` …); SSLError if `issuer` has not issued the certificate
--- (`NOT_ISSUED_BY`), or if a certificate is malformed; TypeError.
--- Python: none.
---@param response string the OCSP response, in DER
---@param certificate string the certificate, in PEM or DER
---@param issuer string the certificate of its issuer, in PEM or DER
---@return cleat.ssl.OcspStatus
function staple.functions.check_ocsp_response(response, certificate, issuer, ...)
    response, certificate, issuer = parse_check(response, certificate, issuer, ...)
    check.string("check_ocsp_response", "response", response)
    local id, guard = open("certificate", certificate)
    local issuer_id, issuer_guard = open("issuer", issuer)
    local status, this_update, next_update, revoked_at, reason =
        errors.check(C.ocsp_check(response, id, issuer_id))
    C.guard_close(guard)
    C.guard_close(issuer_guard)
    return {
        status = STATUSES[status],
        this_update = this_update,
        next_update = next_update ~= 0 and next_update or nil,
        revoked_at = status == const.OCSP_REVOKED and revoked_at or nil,
        reason = reason >= 0 and reason or nil,
    }
end

-- flag adds a getter and a setter for a boolean.
local function flag(name, get, set)
    staple.getters[name] = function(self)
        return errors.check(get(self._id)) == 1
    end
    staple.setters[name] = function(self, value)
        if type(value) ~= "boolean" then
            errors.raise(errors.TypeError, ("%s must be a boolean, not %s"):format(name, check.kind(value)))
        end
        errors.check(set(self._id, value and 1 or 0))
    end
end

flag("ask_ocsp", C.context_ask_ocsp, C.context_set_ask_ocsp)
flag("require_ocsp", C.context_require_ocsp, C.context_set_require_ocsp)
flag("ask_scts", C.context_ask_scts, C.context_set_ask_scts)
flag("certificate_compression", C.context_certificate_compression, C.context_set_certificate_compression)

function staple.getters:ocsp_response()
    local length, response = errors.check(C.context_ocsp_response(self._id))
    return length > 0 and response or nil
end

function staple.setters:ocsp_response(value)
    if value ~= nil and type(value) ~= "string" then
        errors.raise(errors.TypeError, "ocsp_response must be a string or nil, not " .. check.kind(value))
    end
    errors.check(C.context_set_ocsp_response(self._id, value))
end

local function with_length(bytes)
    return string.char((#bytes - #bytes % 256) / 256, #bytes % 256) .. bytes
end

function staple.getters:scts()
    local length, list = errors.check(C.context_scts(self._id))
    return length > 0 and timestamps.split(list) or nil
end

function staple.setters:scts(value)
    if value == nil then
        errors.check(C.context_set_scts(self._id, nil))
        return
    elseif type(value) ~= "table" then
        errors.raise(errors.TypeError, "scts must be an array of strings or nil, not " .. check.kind(value))
    end
    local parts, total, count = {}, 0, 0
    for _ in pairs(value) do
        count = count + 1
    end
    for index = 1, count do -- count includes other keys, for which an index is nil
        local sct = value[index]
        if type(sct) ~= "string" then
            errors.raise(errors.TypeError, "scts must be an array of strings: " .. check.kind(sct) .. " is in it")
        end
        total = total + 2 + #sct
        if #sct == 0 or total > const.STAPLE_MAX - 2 then
            errors.raise(errors.ValueError, #sct == 0 and "scts has an empty string" or
                ("scts has more than %d bytes"):format(const.STAPLE_MAX))
        end
        parts[index] = with_length(sct)
    end
    errors.check(C.context_set_scts(self._id, with_length(table.concat(parts))))
end

return staple
