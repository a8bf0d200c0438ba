--- Prints tables as Python's pprint does: pprint(value) to standard output, pprint.format(value, width) as a string.
---
--- Arrays are tuples, other tables dicts with their keys in order. An empty table is a dict.

local pprint = {}

local WIDTH = 80 -- Python's default

local function is_array(value)
    return #value > 0
end

local function sorted_keys(value)
    local keys = {}
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b)
        return tostring(a) < tostring(b)
    end)
    return keys
end

-- A string as Python 3 writes it: single quotes unless there are only such inside.
local function quote(text)
    local mark = text:find("'", 1, true) and not text:find('"', 1, true) and '"' or "'"
    local escapes = { ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", [mark] = "\\" .. mark }
    return mark .. text:gsub("[%c\\" .. mark .. "]", function(char)
        return escapes[char] or ("\\x%02x"):format(char:byte())
    end) .. mark
end

local function repr(value)
    if type(value) == "string" then
        return quote(value)
    elseif type(value) == "boolean" then
        return value and "True" or "False"
    elseif value == nil then
        return "None"
    elseif type(value) ~= "table" then
        return tostring(value)
    end
    local parts = {}
    if is_array(value) then
        for i, item in ipairs(value) do
            parts[i] = repr(item)
        end
        return "(" .. table.concat(parts, ", ") .. (#value == 1 and ",)" or ")")
    end
    for i, key in ipairs(sorted_keys(value)) do
        parts[i] = repr(key) .. ": " .. repr(value[key])
    end
    return "{" .. table.concat(parts, ", ") .. "}"
end

-- layout writes a value at a column; allowance is what must still fit behind it on its last line.
local function layout(value, width, column, allowance)
    local line = repr(value)
    if type(value) ~= "table" or #line <= width - 1 - column - allowance then
        return line
    end
    local parts = {}
    local separator = ",\n" .. (" "):rep(column + 1)
    if is_array(value) then
        for i, item in ipairs(value) do
            parts[i] = layout(item, width, column + 1, allowance + 1)
        end
        return "(" .. table.concat(parts, separator) .. (#value == 1 and ",)" or ")")
    end
    for i, key in ipairs(sorted_keys(value)) do
        local name = repr(key) .. ": "
        parts[i] = name .. layout(value[key], width, column + 1 + #name, allowance + 1)
    end
    return "{" .. table.concat(parts, separator) .. "}"
end

function pprint.format(value, width)
    return layout(value, width or WIDTH, 0, 0)
end

return setmetatable(pprint, {
    __call = function(_, value)
        io.write(pprint.format(value), "\n")
    end,
})
