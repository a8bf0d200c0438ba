--- Internationalised host names: conversion between U-labels and A-labels ("püthon.org" and "xn--pthon-kva.org") by RFC
--- 3490 and Punycode (RFC 3492).
---
--- Of nameprep (RFC 3491) only the parts that need no Unicode tables are implemented: letters of the Latin, Greek,
--- Cyrillic and Armenian scripts are converted to lower case, "ß" to "ss" and a final sigma to a plain one, as in
--- Python, and the other full stops count as dots. Names with other characters (combining marks, full-width forms …)
--- are refused: pass their A-labels.

local compat = require "cleat.compat"
local errors = require "cleat.errors"

local unpack = compat.unpack

local idna = {}

local function fail(name, why)
    return errors.raise(errors.ValueError, ("host name '%s' %s"):format(name, why))
end

-- The non-ASCII letters that are accepted, as pairs of the first and the last code point: nameprep changes these only
-- to lower case, and they do not combine with preceding characters.
local LETTERS = {
    0xc0, 0xd6, 0xd8, 0xf6, 0xf8, 0x12f, 0x131, 0x131, 0x134, 0x13e, 0x141, 0x148, 0x14a, 0x17e, -- Latin
    0x1a0, 0x1a1, 0x1af, 0x1b0, 0x218, 0x21b, 0x1e00, 0x1e99, 0x1ea0, 0x1ef9,
    0x386, 0x386, 0x388, 0x38a, 0x38c, 0x38c, 0x38e, 0x3a1, 0x3a3, 0x3ce, -- Greek
    0x400, 0x481, 0x48a, 0x4bf, 0x4d0, 0x4f5, 0x4f8, 0x4f9, 0x500, 0x50f, -- Cyrillic
    0x531, 0x556, 0x561, 0x586, -- Armenian
    0x5d0, 0x5ea, -- Hebrew
    0x621, 0x63a, 0x641, 0x64a, 0x671, 0x674, 0x679, 0x6d3, 0x6d5, 0x6d5, -- Arabic
    0xe01, 0xe2e, 0x10d0, 0x10f8, -- Thai consonants, Georgian
    0x3005, 0x3006, 0x3041, 0x3096, 0x309d, 0x309e, 0x30a1, 0x30fe, -- Kana
    0x3400, 0x4db5, 0x4e00, 0x9fa5, 0x20000, 0x2a6d6, -- Han
    0xac00, 0xd7a3, -- Hangul
}

local function is_in(ranges, code)
    for index = 1, #ranges, 2 do
        if code >= ranges[index] and code <= ranges[index + 1] then
            return true
        end
    end
    return false
end

local DOTS = { [0x2e] = true, [0x3002] = true, [0xff0e] = true, [0xff61] = true }

-- Returns the code points of UTF-8 text.
local function code_points(name)
    local list = {}
    local at = 1
    while at <= #name do
        local byte = name:byte(at)
        local length = byte < 0x80 and 1 or byte >= 0xc2 and byte < 0xe0 and 2 or byte >= 0xe0 and byte < 0xf0 and 3 or
            byte >= 0xf0 and byte < 0xf5 and 4
        if not length or at + length - 1 > #name then
            fail(name, "is not UTF-8")
        end
        local code = length == 1 and byte or byte % 2 ^ (7 - length)
        for index = at + 1, at + length - 1 do
            local more = name:byte(index)
            if more < 0x80 or more > 0xbf then
                fail(name, "is not UTF-8")
            end
            code = code * 64 + more % 64
        end
        if (length == 3 and code < 0x800) or (length == 4 and (code < 0x10000 or code > 0x10ffff)) then
            fail(name, "is not UTF-8")
        end
        list[#list + 1] = math.floor(code)
        at = at + length
    end
    return list
end

local function lower(code)
    if (code >= 0x41 and code <= 0x5a) or (code >= 0xc0 and code <= 0xde and code ~= 0xd7) or
        (code >= 0x391 and code <= 0x3ab) or (code >= 0x410 and code <= 0x42f) then
        return code + 32
    elseif code >= 0x400 and code <= 0x40f then
        return code + 80
    elseif code >= 0x531 and code <= 0x556 then
        return code + 48
    elseif code == 0x178 then
        return 0xff
    elseif code == 0x386 then
        return 0x3ac
    elseif code >= 0x388 and code <= 0x38a then
        return code + 37
    elseif code == 0x38c then
        return 0x3cc
    elseif code == 0x38e or code == 0x38f then
        return code + 63
    elseif code == 0x3c2 then
        return 0x3c3
    elseif (code >= 0x139 and code <= 0x148) or (code >= 0x179 and code <= 0x17e) then
        return code + code % 2
    elseif code == 0x1af then
        return 0x1b0
    elseif (code >= 0x100 and code <= 0x137) or (code >= 0x14a and code <= 0x177) or
        (code >= 0x1a0 and code <= 0x1a1) or (code >= 0x218 and code <= 0x21b) or
        (code >= 0x460 and code <= 0x481) or (code >= 0x48a and code <= 0x4bf) or (code >= 0x4d0 and code <= 0x52f) or
        (code >= 0x1e00 and code <= 0x1e95) or (code >= 0x1ea0 and code <= 0x1ef9) then
        return code + 1 - code % 2
    end
    return code
end

-- Returns the bias for the next delta (RFC 3492 section 6.1).
local function adapt(delta, points, first)
    delta = math.floor(delta / (first and 700 or 2))
    delta = delta + math.floor(delta / points)
    local k = 0
    while delta > 455 do
        delta = math.floor(delta / 35)
        k = k + 36
    end
    return k + math.floor(36 * delta / (delta + 38))
end

local function digit(value)
    return string.char(value < 26 and value + 97 or value + 22)
end

--- Encodes code points in Punycode, without "xn--" (RFC 3492 section 6.3).
---@param points integer[]
---@return string
function idna.punycode(points)
    local out = {}
    for _, code in ipairs(points) do
        if code < 0x80 then
            out[#out + 1] = string.char(code)
        end
    end
    local basic = #out
    local handled = basic
    if basic > 0 then
        out[#out + 1] = "-"
    end
    local n, delta, bias = 0x80, 0, 72
    while handled < #points do
        local smallest = math.huge
        for _, code in ipairs(points) do
            if code >= n and code < smallest then
                smallest = code
            end
        end
        delta = delta + (smallest - n) * (handled + 1)
        n = smallest
        for _, code in ipairs(points) do
            if code < n then
                delta = delta + 1
            elseif code == n then
                local q, k = delta, 36
                while true do
                    local t = math.min(math.max(k - bias, 1), 26)
                    if q < t then
                        break
                    end
                    out[#out + 1] = digit(t + (q - t) % (36 - t))
                    q = math.floor((q - t) / (36 - t))
                    k = k + 36
                end
                out[#out + 1] = digit(q)
                bias = adapt(delta, handled + 1, handled == basic)
                delta = 0
                handled = handled + 1
            end
        end
        delta = delta + 1
        n = n + 1
    end
    return table.concat(out)
end

-- Returns whether a letter is Hebrew or Arabic, which are written from right to left.
local function is_rtl(code)
    return code >= 0x590 and code <= 0x6ff
end

-- A label must not mix directions of writing, and from right to left not begin or end with a digit (RFC 3454 section
-- 6).
local function check_direction(name, points)
    local rtl, ltr = false, false
    for _, code in ipairs(points) do
        rtl = rtl or is_rtl(code)
        ltr = ltr or (code >= 0x61 and not is_rtl(code))
    end
    if rtl and (ltr or not is_rtl(points[1]) or not is_rtl(points[#points])) then
        fail(name, "has a label that mixes directions of writing")
    end
end

local function a_label(name, points)
    local is_ascii = true
    for _, code in ipairs(points) do
        is_ascii = is_ascii and code < 0x80
    end
    if is_ascii then
        return string.char(unpack(points))
    end
    check_direction(name, points)
    if points[1] == 0x78 and points[2] == 0x6e and points[3] == 0x2d and points[4] == 0x2d then
        fail(name, "has a label that begins with xn-- and is not ASCII")
    end
    return "xn--" .. idna.punycode(points)
end

--- Converts a host name to A-labels. ASCII names are returned unchanged.
---@param name string UTF-8
---@return string # Raises ValueError for names that are not UTF-8, and for those that would need the tables of nameprep
function idna.encode(name)
    if not name:find("[\128-\255]") then
        return name
    end
    local labels, points = {}, {}
    local function finish()
        local label = a_label(name, points)
        if #label > 63 then
            fail(name, "has a label of more than 63 bytes")
        end
        labels[#labels + 1] = label
        points = {}
    end
    for _, code in ipairs(code_points(name)) do
        if DOTS[code] then
            finish()
        elseif code == 0xdf then
            points[#points + 1] = 0x73
            points[#points + 1] = 0x73
        else
            if code >= 0x80 and not is_in(LETTERS, code) then
                fail(name, ("has the character U+%04X: pass its A-label (xn--…)"):format(code))
            end
            points[#points + 1] = lower(code)
        end
    end
    finish()
    return table.concat(labels, ".")
end

-- The characters that nameprep forbids or maps to others, approximately, in pairs as above: control characters, spaces,
-- compatibility forms, characters that map to nothing, private use. Capital letters are handled by `lower`.
local REFUSED = {
    0x80, 0xa0, 0xa8, 0xa8, 0xaa, 0xaa, 0xad, 0xad, 0xaf, 0xaf, 0xb2, 0xb5, 0xb8, 0xba, 0xbc, 0xbe, 0xdf, 0xdf,
    0x132, 0x133, 0x13f, 0x140, 0x149, 0x149, 0x17f, 0x17f, 0x1c4, 0x1cc, 0x1f1, 0x1f3, 0x2b0, 0x2b8, 0x2d8, 0x2dd,
    0x2e0, 0x2e4, 0x340, 0x345, 0x34f, 0x34f, 0x37a, 0x37e, 0x384, 0x387, 0x3d0, 0x3d6, 0x3f0, 0x3f2, 0x587, 0x587,
    0x675, 0x678, 0x6dd, 0x6dd, 0x70f, 0x70f, 0x1680, 0x1680, 0x180b, 0x180e, 0x1e9a, 0x1e9b, 0x1fbd, 0x1fc1,
    0x1fcd, 0x1fcf, 0x1fdd, 0x1fdf, 0x1fed, 0x1fef, 0x1ffd, 0x209f, 0x2100, 0x2182, 0x2460, 0x24ea, 0x2e80, 0x2fff,
    0x3000, 0x3000, 0x3002, 0x3002, 0x3131, 0x318e, 0x3192, 0x319f, 0x3200, 0x33ff, 0xd800, 0xfa0d, 0xfa15, 0xfdff,
    0xfe00, 0xfe0f, 0xfe30, 0xffff, 0x1d15e, 0x1d17a, 0x1d400, 0x1d7ff, 0x2f800, 0x2fa1f, 0xe0001, 0xe007f,
    0xefffe, 0x10ffff,
}

local function from_digit(byte)
    if byte >= 0x61 and byte <= 0x7a then
        return byte - 0x61
    elseif byte >= 0x30 and byte <= 0x39 then
        return byte - 0x30 + 26
    end
    return nil
end

-- Decodes Punycode in lower case to code points; nil if it is invalid (RFC 3492 section 6.2).
local function from_punycode(text)
    local basic, extended = text:match("^(.*)%-(.-)$")
    local points = { (basic or ""):byte(1, -1) }
    extended = extended or text
    local n, i, bias, at = 0x80, 0, 72, 1
    while at <= #extended do
        local before, weight, k = i, 1, 36
        while true do
            local value = at <= #extended and from_digit(extended:byte(at))
            if not value then
                return nil
            end
            at = at + 1
            i = i + value * weight
            if i > 0x7fffffff then
                return nil
            end
            local t = math.min(math.max(k - bias, 1), 26)
            if value < t then
                break
            end
            weight = weight * (36 - t)
            k = k + 36
        end
        local count = #points + 1
        bias = adapt(i - before, count, before == 0)
        n = n + math.floor(i / count)
        i = i % count
        if n > 0x10ffff then
            return nil
        end
        table.insert(points, i + 1, n)
        i = i + 1
    end
    return points
end

local function utf8_of(code)
    if code < 0x80 then
        return string.char(code)
    end
    local tail = {}
    local limit = 0x40
    repeat
        table.insert(tail, 1, string.char(0x80 + code % 64))
        code = math.floor(code / 64)
        limit = limit / 2
    until code < limit
    return string.char(0x100 - 2 * limit + code) .. table.concat(tail)
end

-- Returns the U-label of an A-label, if `encode` would return this A-label for it.
local function u_label(name, label)
    local points = #label <= 63 and from_punycode(label:sub(5):lower())
    if not points or idna.punycode(points) ~= label:sub(5):lower() then
        fail(name, "has a label that is not valid Punycode")
    end
    local letters, plain = {}, true
    for index, code in ipairs(points) do
        if code >= 0x80 and (lower(code) ~= code or is_in(REFUSED, code)) then
            fail(name, ("has the character U+%04X in a label"):format(code))
        end
        plain = plain and code < 0x80
        letters[index] = utf8_of(code)
    end
    if plain then
        fail(name, "has a label that begins with xn-- and is plain ASCII")
    end
    check_direction(name, points)
    return table.concat(letters)
end

--- Converts the A-labels of a host name to U-labels. Other labels are unchanged.
---@param name string
---@return string # UTF-8. Raises ValueError for names that are not ASCII, and for A-labels that `encode` would not
--- return
function idna.decode(name)
    if name:find("[\128-\255]") then
        fail(name, "is not ASCII")
    end
    return (name:gsub("[^.]+", function(label)
        return label:lower():sub(1, 4) == "xn--" and u_label(name, label) or nil
    end))
end

return idna
