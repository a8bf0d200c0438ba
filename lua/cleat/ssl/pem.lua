--- Converts certificates between PEM text and DER bytes (section 17.3.1.4; RFC 7468). The contents are not parsed.

local base64 = require "cleat.base64"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local pem = {
    --- PEM_*: PEM_HEADER and PEM_FOOTER, the first and the last line of a certificate in PEM.
    --- Python: 2.6.
    PEM_HEADER = "-----BEGIN CERTIFICATE-----",
    PEM_FOOTER = "-----END CERTIFICATE-----",

    --- ENCODING_*: the encodings for Certificate:public_bytes, ENCODING_PEM and ENCODING_DER.
    --- Python: 3.10, in _ssl.
    ENCODING_PEM = 1,
    ENCODING_DER = 2,
}

local LINE = 64

local parse_der = keywords.parser("DER_cert_to_PEM_cert", { "der_cert_bytes" }, { required = 1 })

--- Converts a certificate from DER bytes to PEM text. The bytes are not parsed.
---
---     local der = conn:getpeercert(true)
---     print(ssl.PEM_cert_to_DER_cert(ssl.DER_cert_to_PEM_cert(der)) == der) --> true
---
--- Raises: TypeError.
--- Python: 2.6.
---@param der_cert_bytes string
---@return string # lines of 64 characters between `PEM_HEADER` and `PEM_FOOTER`, with a newline at the end
function pem.DER_cert_to_PEM_cert(der_cert_bytes, ...)
    local text = base64.encode(check.string("DER_cert_to_PEM_cert", "der_cert_bytes", (parse_der(der_cert_bytes, ...))))
    local lines = { pem.PEM_HEADER }
    for index = 1, math.max(1, #text), LINE do
        lines[#lines + 1] = text:sub(index, index + LINE - 1)
    end
    lines[#lines + 1] = pem.PEM_FOOTER
    return table.concat(lines, "\n") .. "\n"
end

local parse_pem = keywords.parser("PEM_cert_to_DER_cert", { "pem_cert_string" }, { required = 1 })

--- Converts a certificate from PEM text to DER bytes. The bytes are not parsed.
---
---     local text = ssl.PEM_HEADER .. "\nAAEC\n" .. ssl.PEM_FOOTER
---     print(ssl.PEM_cert_to_DER_cert(text) == "\0\1\2") --> true
---
--- Raises: ValueError if the text does not begin with `PEM_HEADER` and end with `PEM_FOOTER` (white space may follow),
--- or is not Base64 in between; TypeError.
--- Python: 2.6.
---@param pem_cert_string string
---@return string
function pem.PEM_cert_to_DER_cert(pem_cert_string, ...)
    local text = check.string("PEM_cert_to_DER_cert", "pem_cert_string", (parse_pem(pem_cert_string, ...)))
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
