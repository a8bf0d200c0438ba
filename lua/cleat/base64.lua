--- Base64 (RFC 4648, section 4).

local base64 = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local letter, sextet = {}, {}
for index = 1, #ALPHABET do
    letter[index - 1] = ALPHABET:sub(index, index)
    sextet[ALPHABET:byte(index)] = index - 1
end

--- Encodes bytes as Base64, without newlines.
---@param bytes string
---@return string
function base64.encode(bytes)
    local out = {}
    for index = 1, #bytes, 3 do
        local a, b, c = bytes:byte(index, index + 2)
        local group = a * 65536 + (b or 0) * 256 + (c or 0)
        out[#out + 1] = letter[math.floor(group / 262144)] .. letter[math.floor(group / 4096) % 64] ..
            (b and letter[math.floor(group / 64) % 64] or "=") .. (c and letter[group % 64] or "=")
    end
    return table.concat(out)
end

--- Decodes Base64 text. Other characters, such as newlines, are skipped. Returns nil if the padding is missing or
--- followed by data.
---@param text string
---@return string?
function base64.decode(text)
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

return base64
