--- Encodes JSON (RFC 8259). The names of objects are sorted, so that the text is reproducible.

local characters = require "cleat.cli.characters"

local json = {}

--- array marks a table as an array, even if it is empty.
local ARRAY = {}

---@param list table
---@return table
function json.array(list)
    return setmetatable(list, ARRAY)
end

--- null is written as null; a nil omits the name.
json.null = setmetatable({}, { __tostring = function() return "null" end })

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

-- Returns whether a text is UTF-8 without surrogates and overlong forms.
local function is_utf8(text)
    local at = 1
    while at <= #text do
        local size = characters.size(text, at)
        if not size then
            return false
        end
        at = at + size
    end
    return true
end

-- Control characters, and those that change the direction of text, are escaped too: the reader may be a terminal.
local function escape(character)
    local a, b, c = character:byte(1, 3)
    local code = c and (a - 0xe0) * 4096 + (b - 0x80) * 64 + c - 0x80 or b and (a - 0xc0) * 64 + b - 0x80 or a
    return ESCAPES[character] or ("\\u%04x"):format(code)
end

-- JSON has text only: bytes that are not UTF-8 are treated as Latin-1.
local function string_of(text)
    if not is_utf8(text) then
        text = text:gsub("[\128-\255]", function(char)
            local byte = char:byte()
            return string.char(0xc0 + math.floor(byte / 64), 0x80 + byte % 64)
        end)
    end
    return '"' .. characters.replace_unsafe(text:gsub('["\\]', ESCAPES), escape) .. '"'
end

local function number_of(number)
    if number % 1 == 0 and math.abs(number) < 2 ^ 53 then
        return ("%.0f"):format(number)
    end
    return ("%.3f"):format(number)
end

local encode

local function list_of(list, between, indent, inner)
    local parts = {}
    for _, value in ipairs(list) do
        parts[#parts + 1] = inner .. encode(value, indent and inner)
    end
    return #parts == 0 and "[]" or "[" .. between .. table.concat(parts, "," .. between) .. between .. (indent or "") .. "]"
end

local function object_of(object, between, indent, inner)
    local names, parts = {}, {}
    for name in pairs(object) do
        names[#names + 1] = name
    end
    table.sort(names)
    for _, name in ipairs(names) do
        parts[#parts + 1] = inner .. string_of(name) .. (indent and ": " or ":") .. encode(object[name], indent and inner)
    end
    return #parts == 0 and "{}" or "{" .. between .. table.concat(parts, "," .. between) .. between .. (indent or "") .. "}"
end

function encode(value, indent)
    local kind = type(value)
    if value == json.null then
        return "null"
    elseif kind == "string" then
        return string_of(value)
    elseif kind == "number" then
        return number_of(value)
    elseif kind == "boolean" then
        return tostring(value)
    end
    assert(kind == "table", kind)
    local is_list = getmetatable(value) == ARRAY or value[1] ~= nil
    return (is_list and list_of or object_of)(value, indent and "\n" or "", indent, indent and indent .. "  " or "")
end

--- Encodes a value on several lines, or on one.
---@param value any
---@param one_line boolean?
---@return string
function json.encode(value, one_line)
    return encode(value, not one_line and "" or nil)
end

return json
