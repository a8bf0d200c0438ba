--- The values of ASN.1 strings in LuaSec's formats: the encoded bytes ("ai5"), or UTF-8 text ("utf8").

local der = require "cleat.luasec.der"

local asn1_string = {}

local BIT_STRING, NULL, OBJECT, BOOLEAN, UTF8, UNIVERSAL, BMP = 3, 5, 6, 1, 12, 28, 30
local CONSTRUCTED = 32

-- The number of bytes of a character, by tag: NumericString, PrintableString, T61String, IA5String, UTCTime,
-- GeneralizedTime, VisibleString. Like OpenSSL it treats T61String as Latin-1.
local WIDTHS = { [18] = 1, [19] = 1, [20] = 1, [22] = 1, [23] = 1, [24] = 1, [26] = 1, [UNIVERSAL] = 4, [BMP] = 2 }

local function encode(code)
    if code < 0x80 then
        return string.char(code)
    elseif code < 0x800 then
        return string.char(0xc0 + math.floor(code / 64), 0x80 + code % 64)
    elseif code < 0x10000 then
        return string.char(0xe0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
    end
    return string.char(0xf0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64,
        0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

local function is_character(code)
    return code <= 0x10ffff and (code < 0xd800 or code > 0xdfff)
end

-- valid_utf8 returns the text, nil if it is not valid UTF-8.
local function valid_utf8(text)
    local at = 1
    while at <= #text do
        local first = text:byte(at)
        local more = first < 0x80 and 0 or first >= 0xc0 and first < 0xe0 and 1 or first >= 0xe0 and first < 0xf0 and 2
            or first >= 0xf0 and first < 0xf8 and 3
        if not more or at + more > #text then
            return nil
        end
        local code = more == 0 and first or first % 2 ^ (6 - more)
        for index = at + 1, at + more do
            local byte = text:byte(index)
            if byte < 0x80 or byte > 0xbf then
                return nil
            end
            code = code * 64 + byte % 64
        end
        if not is_character(code) or encode(code) ~= text:sub(at, at + more) then
            return nil
        end
        at = at + more + 1
    end
    return text
end

local function widen(text, width)
    if #text % width ~= 0 then
        return nil
    end
    local parts = {}
    for at = 1, #text, width do
        local code = 0
        for index = at, at + width - 1 do
            code = code * 256 + text:byte(index)
        end
        if not is_character(code) then
            return nil
        end
        parts[#parts + 1] = encode(code)
    end
    return table.concat(parts)
end

local function bits(contents)
    local unused = contents:byte(1)
    local bytes = contents:sub(2)
    if not unused or unused == 0 or bytes == "" then
        return bytes
    end
    local last = bytes:byte(-1)
    return bytes:sub(1, -2) .. string.char(last - last % 2 ^ unused)
end

--- Returns the value of a string with a tag.
---@param contents string
---@param tag integer the tag of the ASN.1 type
---@param utf8 boolean
---@return string? # nil if `utf8` is true and it is not text
function asn1_string.text(contents, tag, utf8)
    if not utf8 then
        return contents
    elseif tag == UTF8 then
        return valid_utf8(contents)
    end
    return WIDTHS[tag] and widen(contents, WIDTHS[tag])
end

--- Returns the value of an element of any type.
---@param bytes string
---@param element cleat.luasec.Element
---@param utf8 boolean
---@return string?
function asn1_string.value(bytes, element, utf8)
    local tag = element.tag
    if tag == BOOLEAN or tag == NULL or tag == OBJECT then
        return nil
    elseif utf8 then
        return asn1_string.text(der.contents(bytes, element), tag, true)
    elseif tag == BIT_STRING then
        return bits(der.contents(bytes, element))
    elseif tag >= CONSTRUCTED then
        return bytes:sub(element.start, element.to)
    end
    return der.contents(bytes, element)
end

return asn1_string
