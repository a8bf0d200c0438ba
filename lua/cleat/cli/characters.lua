--- The characters of a text in UTF-8, and which of them could deceive the reader of a terminal.

local characters = {}

local function is_tail(byte)
    return byte and byte >= 0x80 and byte <= 0xbf
end

--- Returns the number of bytes of the character at a position; nil for bytes that are not UTF-8, such as surrogates and
--- overlong forms.
---@param text string
---@param at integer
---@return integer?
function characters.size(text, at)
    local a, b, c, d = text:byte(at, at + 3)
    if a < 0x80 then
        return 1
    elseif a < 0xc2 or not is_tail(b) then
        return nil
    elseif a <= 0xdf then
        return 2
    elseif not is_tail(c) then
        return nil
    elseif a <= 0xef then
        return (a ~= 0xe0 or b >= 0xa0) and (a ~= 0xed or b <= 0x9f) and 3 or nil
    elseif a <= 0xf4 and is_tail(d) then
        return (a ~= 0xf0 or b >= 0x90) and (a ~= 0xf4 or b <= 0x8f) and 4 or nil
    end
    return nil
end

-- Characters of more than one byte: control characters (U+0080 to U+009F), those that change the direction of text
-- (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and line separators (U+2028, U+2029).
local UNSAFE = { "\194[\128-\159]", "\216\156", "\226\128[\142\143\168-\174]", "\226\129[\166-\169]" }

--- Replaces control characters, and those that change the direction of text, by escape(character).
---@param text string
---@param escape fun(character: string): string
---@return string
function characters.replace_unsafe(text, escape)
    text = text:gsub("[%z\1-\31\127]", escape)
    if text:find "[\194\216\226]" then
        for _, pattern in ipairs(UNSAFE) do
            text = text:gsub(pattern, escape)
        end
    end
    return text
end

return characters
