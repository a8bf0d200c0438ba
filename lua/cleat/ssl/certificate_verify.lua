--- The method of certificates that verifies them without a connection.

local C = require "cleat.backend"
local Certificate = require "cleat.ssl.certificate_object"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local names = require "cleat.ssl.hostname"
local pem = require "cleat.ssl.pem"
local purposes = require "cleat.ssl.purpose"
local refusal = require "cleat.ssl.refusal"

local const = C.const

---@class cleat.ssl.CertificateObject
local methods = {}

local parse = keywords.parser("verify", { "context", "purpose", "hostname", "time", "untrusted" }, { required = 1 })

-- to_bytes converts certificates, which may be PEM text, DER bytes or an array of objects, to bytes.
local function to_bytes(untrusted)
    if untrusted == nil or type(untrusted) == "string" then
        return untrusted
    elseif type(untrusted) ~= "table" or Certificate:is(untrusted) then
        check.fail("verify", "untrusted", "a string or an array of certificates", untrusted)
    end
    local parts = {}
    for index = 1, check.array("verify", "untrusted", untrusted, "certificates") do
        if not Certificate:is(untrusted[index]) then
            check.fail("verify", "untrusted", "an array of certificates", untrusted[index], (" at index %d"):format(index))
        end
        parts[index] = untrusted[index]:public_bytes(pem.ENCODING_DER)
    end
    return parts[1] and table.concat(parts) or nil
end

local function to_time(time)
    if time ~= nil and type(time) ~= "number" then
        check.fail("verify", "time", "a number", time)
    elseif time ~= nil and not (time >= 0 and time <= 253402300799) then
        errors.raise(errors.ValueError, "time must be seconds since 1970, up to the end of the year 9999")
    end
    return time or -1
end

--- Verifies the certificate as a handshake would, and returns the verified chain: this certificate is the first, and
--- the trusted certificate the last one. The context has the trusted certificates, revocation lists, `verify_flags`,
--- `verify_depth`, `verify_time` and `hostname_checks_common_name`. Its `verify_mode`, `check_hostname` and
--- `require_ocsp` have no effect here. Without `hostname`, any certificate of a trusted CA is accepted, whatever its
--- names are.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local sent = conn:get_unverified_chain()
---     local certificate = ssl.Certificate(sent[1])
---     local chain = certificate:verify(context, { hostname = "localhost", untrusted = table.concat(sent) })
---     print(chain[1] == certificate, chain[#chain].is_ca) --> true	true
---     local ok, err = pcall(certificate.verify, certificate, context, { hostname = "example.org", untrusted = chain })
---     print(err.verify_code, err.depth, err.certificate == certificate) --> 62	0	true
---
--- Raises: SSLCertVerificationError, with the same code and message as a handshake; SSLError if `untrusted` cannot be
--- parsed; ValueError for an invalid `hostname` or `time`; TypeError.
--- Python: none.
---@param context cleat.ssl.SSLContext
---@param purpose cleat.ssl.Purpose? `Purpose.SERVER_AUTH`, the default, for a server's certificate;
--- `Purpose.CLIENT_AUTH` for a client's
---@param hostname string? the host name or IP address that the certificate must be valid for; nil does not check it
---@param time number? the time at which the chain must be valid, in seconds since 1970; by default the context's
--- `verify_time`, or else the current time
---@param untrusted string|cleat.ssl.CertificateObject[]|nil intermediate certificates: PEM text, concatenated DER, or
--- an array
---@return cleat.ssl.CertificateObject[]
function methods:verify(context, purpose, hostname, time, untrusted)
    local purpose_of
    context, purpose, hostname, time, untrusted = parse(context, purpose, hostname, time, untrusted)
    -- Required here to avoid a cycle: contexts require connections, and these require certificates.
    if not require("cleat.ssl.context"):is(context) then
        check.fail("verify", "context", "an SSLContext", context)
    end
    purpose_of = purposes.check(purpose) == purposes.Purpose.CLIENT_AUTH and const.PURPOSE_CLIENT_AUTH
        or const.PURPOSE_SERVER_AUTH
    local name = hostname ~= nil and names.to_ascii("verify", hostname) or nil
    local id, guard = errors.check(C.verification_new_guarded(context._id, self._id, purpose_of, name, to_time(time),
        to_bytes(untrusted)))
    local result = C.verification_result(id)
    if result < 0 then
        errors.throw(refusal.describe(errors.from_status(result), id, guard))
    end
    local chain = refusal.chain(id, const.CHAIN_VERIFIED)
    C.guard_close(guard)
    return chain
end

for name, method in pairs(methods) do
    Certificate[name] = method
end

return methods
