--- Certificates as PEM text and as DER bytes (section 17.3.1.4; the text form is RFC 7468). The contents are not looked at.

local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local pem = {
    PEM_HEADER = "-----BEGIN CERTIFICATE-----",
    PEM_FOOTER = "-----END CERTIFICATE-----",
}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local LINE = 64

local letter, sextet = {}, {}
for index = 1, #ALPHABET do
    letter[index - 1] = ALPHABET:sub(index, index)
    sextet[ALPHABET:byte(index)] = index - 1
end

local function encode(bytes)
    local out = {}
    for index = 1, #bytes, 3 do
        local a, b, c = bytes:byte(index, index + 2)
        local group = a * 65536 + (b or 0) * 256 + (c or 0)
        out[#out + 1] = letter[math.floor(group / 262144)] .. letter[math.floor(group / 4096) % 64] ..
            (b and letter[math.floor(group / 64) % 64] or "=") .. (c and letter[group % 64] or "=")
    end
    return table.concat(out)
end

-- decode passes over what is not base64, such as line ends; nil if padding is missing or has letters behind it.
local function decode(text)
    local out = {}
    local group, letters = 0, 0
    for index = 1, #text do
        local byte = text:byte(index)
        local value = sextet[byte]
        if value then
            group, letters = group * 64 + value, letters + 1
            if letters == 4 then
                out[#out + 1] = string.char(math.floor(group / 65536), math.floor(group / 256) % 256, group % 256)
                group, letters = 0, 0
            end
        elseif byte == 61 and letters >= 2 then -- "="
            local rest, padding = text:sub(index):gsub("[^=]", ""), 4 - letters
            if #rest < padding or text:find("[%w+/]", index) then
                return nil
            elseif letters == 2 then
                out[#out + 1] = string.char(math.floor(group / 16))
            else
                out[#out + 1] = string.char(math.floor(group / 1024), math.floor(group / 4) % 256)
            end
            return table.concat(out)
        end
    end
    return letters == 0 and table.concat(out) or nil
end

local parse_der = keywords.parser("DER_cert_to_PEM_cert", { "der_cert_bytes" }, { required = 1 })

--- DER_cert_to_PEM_cert(der_cert_bytes) returns the PEM text of a certificate's DER bytes.
---@return string # lines of 64 characters between PEM_HEADER and PEM_FOOTER, with a newline at the end
function pem.DER_cert_to_PEM_cert(...)
    local text = encode(check.string("DER_cert_to_PEM_cert", "der_cert_bytes", (parse_der(...))))
    local lines = { pem.PEM_HEADER }
    for index = 1, math.max(1, #text), LINE do
        lines[#lines + 1] = text:sub(index, index + LINE - 1)
    end
    lines[#lines + 1] = pem.PEM_FOOTER
    return table.concat(lines, "\n") .. "\n"
end

local parse_pem = keywords.parser("PEM_cert_to_DER_cert", { "pem_cert_string" }, { required = 1 })

--- PEM_cert_to_DER_cert(pem_cert_string) returns the DER bytes of a certificate's PEM text, which must begin with PEM_HEADER and end,
--- but for white space, with PEM_FOOTER. Raises ValueError.
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
    local der = decode(text:sub(#pem.PEM_HEADER + 1, -#pem.PEM_FOOTER - 1))
    if not der then
        errors.raise(errors.ValueError, "Invalid PEM encoding; incorrect base64 padding")
    end
    return der
end

return pem
