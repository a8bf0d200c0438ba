--- Formats values as Python's repr() and pprint.pformat() do.
---
--- Arrays become tuples, and other tables dicts with sorted keys; an empty table becomes a dict.

local class = require "cleat.class"

local WIDTH = 80 -- Python's default

local pprint = {}

local function is_array(value)
    return #value > 0
end

-- sorted_keys returns the keys of a table: numbers before strings before others.
local function sorted_keys(value)
    local keys = {}
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b)
        local one, other = type(a), type(b)
        if one ~= other then
            return one < other
        elseif one == "number" or one == "string" then
            return a < b
        end
        return tostring(a) < tostring(b)
    end)
    return keys
end

-- Formats a string as Python 3 does: in single quotes, unless it contains only single ones.
local function quote(text)
    local mark = text:find("'", 1, true) and not text:find('"', 1, true) and '"' or "'"
    local escapes = { ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", [mark] = "\\" .. mark }
    return mark .. text:gsub("[%c\\" .. mark .. "]", function(char)
        return escapes[char] or ("\\x%02x"):format(char:byte())
    end) .. mark
end

local write -- a table, see below

-- simple formats values other than plain tables.
local function simple(value)
    if type(value) == "string" then
        return quote(value)
    elseif type(value) == "boolean" then
        return value and "True" or "False"
    elseif value == nil then
        return "None"
    elseif type(value) == "table" and type(rawget(value, "args")) == "table" then -- an error
        local parts = {}
        for index, argument in ipairs(value.args) do
            parts[index] = write(argument, {})
        end
        return ("%s(%s)"):format(class.name_of(value):match("[^.]*$"), table.concat(parts, ", "))
    end
    return tostring(value)
end

-- open: the tables that are being formatted, to detect a table that contains itself.
function write(value, open)
    if type(value) ~= "table" or getmetatable(value) ~= nil then
        return simple(value)
    elseif open[value] then
        return is_array(value) and "(...)" or "{...}"
    end
    open[value] = true
    local parts = {}
    local text
    if is_array(value) then
        for index = 1, #value do
            parts[index] = write(value[index], open)
        end
        text = "(" .. table.concat(parts, ", ") .. (#value == 1 and ",)" or ")")
    else
        for index, key in ipairs(sorted_keys(value)) do
            parts[index] = write(key, open) .. ": " .. write(value[key], open)
        end
        text = "{" .. table.concat(parts, ", ") .. "}"
    end
    open[value] = nil
    return text
end

-- layout formats a value at a column. allowance: the number of characters that must fit after it on its last line.
local function layout(value, width, column, allowance, open)
    local line = write(value, open)
    if type(value) ~= "table" or getmetatable(value) ~= nil or open[value] or #line <= width - 1 - column - allowance then
        return line
    end
    open[value] = true
    local parts = {}
    local text
    local separator = ",\n" .. (" "):rep(column + 1)
    if is_array(value) then
        for index = 1, #value do
            parts[index] = layout(value[index], width, column + 1, allowance + 1, open)
        end
        text = "(" .. table.concat(parts, separator) .. (#value == 1 and ",)" or ")")
    else
        for index, key in ipairs(sorted_keys(value)) do
            local name = write(key, open) .. ": "
            parts[index] = name .. layout(value[key], width, column + 1 + #name, allowance + 1, open)
        end
        text = "{" .. table.concat(parts, separator) .. "}"
    end
    open[value] = nil
    return text
end

--- Formats a value as Python's repr() does.
---@param value any
---@return string
function pprint.repr(value)
    return write(value, {})
end

--- Formats a value as Python's pprint.pformat() does.
---@param value any
---@param width integer? 80 by default
---@return string
function pprint.pformat(value, width)
    return layout(value, width or WIDTH, 0, 0, {})
end

return pprint
