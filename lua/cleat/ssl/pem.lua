--- Certificates as PEM text and as DER bytes (section 17.3.1.4; the text form is RFC 7468). The contents are not
--- parsed.

local base64 = require "cleat.base64"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local pem = {
    PEM_HEADER = "-----BEGIN CERTIFICATE-----",
    PEM_FOOTER = "-----END CERTIFICATE-----",
}

local LINE = 64

local parse_der = keywords.parser("DER_cert_to_PEM_cert", { "der_cert_bytes" }, { required = 1 })

--- DER_cert_to_PEM_cert(der_cert_bytes) returns the PEM text of a certificate's DER bytes.
---@return string # lines of 64 characters between PEM_HEADER and PEM_FOOTER, with a newline at the end
function pem.DER_cert_to_PEM_cert(...)
    local text = base64.encode(check.string("DER_cert_to_PEM_cert", "der_cert_bytes", (parse_der(...))))
    local lines = { pem.PEM_HEADER }
    for index = 1, math.max(1, #text), LINE do
        lines[#lines + 1] = text:sub(index, index + LINE - 1)
    end
    lines[#lines + 1] = pem.PEM_FOOTER
    return table.concat(lines, "\n") .. "\n"
end

local parse_pem = keywords.parser("PEM_cert_to_DER_cert", { "pem_cert_string" }, { required = 1 })

--- PEM_cert_to_DER_cert(pem_cert_string) returns the DER bytes of a certificate's PEM text, which must begin with
--- PEM_HEADER and end, but for white space, with PEM_FOOTER. Raises ValueError.
---@return string
function pem.PEM_cert_to_DER_cert(...)
    local text = check.string("PEM_cert_to_DER_cert", "pem_cert_string", (parse_pem(...)))
    if text:sub(1, #pem.PEM_HEADER) ~= pem.PEM_HEADER then
        errors.raise(errors.ValueError, "Invalid PEM encoding; must start with " .. pem.PEM_HEADER)
    end
    text = text:match("^(.-)%s*$")
    if text:sub(-#pem.PEM_FOOTER) ~= pem.PEM_FOOTER then
        errors.raise(errors.ValueError, "Invalid PEM encoding; must end with " .. pem.PEM_FOOTER)
    end
    local der = base64.decode(text:sub(#pem.PEM_HEADER + 1, -#pem.PEM_FOOTER - 1))
    if not der then
        errors.raise(errors.ValueError, "Invalid PEM encoding; incorrect base64 padding")
    end
    return der
end

return pem
