--- Parses signed certificate timestamps (RFC 6962). Their signatures are not verified.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local const = C.const

local timestamps = { functions = {} }

-- The names of RFC 5246 section 7.4.1.4.1 and RFC 8422 section 5.1.3.
local HASHES = { [0] = "none", "md5", "sha1", "sha224", "sha256", "sha384", "sha512", [8] = "intrinsic" }
local SIGNATURES = { [0] = "anonymous", "rsa", "dsa", "ecdsa", [7] = "ed25519", [8] = "ed448" }

--- A signed certificate timestamp: the statement of a log that it has received a certificate. In versions other than 1
--- the other fields are nil.
---
---     local function print_timestamps(certificate)
---         for _, timestamp in ipairs(certificate.scts or {}) do
---             print(os.date("!%c", math.floor(timestamp.timestamp)), #timestamp.log_id)
---         end
---     end
---     print_timestamps(ssl.Certificate(conn:getpeercert(true)))
---
--- Python: none.
---@class cleat.ssl.Sct
---@field version integer 1
---@field log_id string? the SHA-256 digest of the log's public key, 32 bytes
---@field timestamp number? in seconds since 1970-01-01 UTC
---@field extensions string? the extensions as bytes
---@field hash_algorithm string? "sha256"; the number in TLS as text, if it has no name
---@field signature_algorithm string? "ecdsa" or "rsa"; likewise
---@field signature string? the signature as bytes

local function bytes(data, which)
    local _, answer = errors.check(C.sct_bytes(data, which))
    return answer
end

local function parse(data)
    local version, time, hash, signer = errors.check(C.sct_read(data))
    if version ~= 1 then
        return { version = version }
    end
    return {
        version = version,
        timestamp = time,
        hash_algorithm = HASHES[hash] or tostring(hash),
        signature_algorithm = SIGNATURES[signer] or tostring(signer),
        log_id = bytes(data, const.SCT_LOG_ID),
        extensions = bytes(data, const.SCT_EXTENSIONS),
        signature = bytes(data, const.SCT_SIGNATURE),
    }
end

--- Splits a SignedCertificateTimestampList into its timestamps, as bytes. Raises SSLError if it is malformed.
---@param list string
---@return string[]
function timestamps.split(list)
    errors.check(C.scts_count(list))
    local scts = {}
    local at = 3
    while at < #list do
        local high, low = list:byte(at, at + 1)
        local length = high * 256 + low
        scts[#scts + 1] = list:sub(at + 2, at + 1 + length)
        at = at + 2 + length
    end
    return scts
end

--- Returns the parsed timestamps in a certificate; nil if it has none.
---@param id integer of the certificate
---@return cleat.ssl.Sct[]?
function timestamps.of_certificate(id)
    local length, list = errors.check(C.certificate_scts(id))
    if length == 0 then
        return nil
    end
    local parsed = timestamps.split(list)
    for index = 1, #parsed do
        parsed[index] = parse(parsed[index])
    end
    return parsed
end

local parse_arguments = keywords.parser("parse_sct", { "sct" }, { required = 1 })

--- Parses a signed certificate timestamp, which SSLSocket:scts or the field `scts` of SSLContext has. Its signature is
--- not verified.
---
---     for _, bytes in ipairs(conn:scts() or {}) do
---         local timestamp = ssl.parse_sct(bytes)
---         print(timestamp.version, timestamp.timestamp, timestamp.signature_algorithm)
---     end
---
--- Raises: SSLError with the reason `SCT_INVALID` if it is malformed; TypeError.
--- Python: none.
---@param sct string a SignedCertificateTimestamp of RFC 6962
---@return cleat.ssl.Sct
function timestamps.functions.parse_sct(sct, ...)
    return parse(check.string("parse_sct", "sct", (parse_arguments(sct, ...))))
end

return timestamps
