--- Writes tables as JSON. An array is a table with a first element; keys are sorted, so that files can be compared.

local function text(value)
    return '"' .. value:gsub('[%c"\\]', function(character)
        return ("\\u%04x"):format(character:byte())
    end) .. '"'
end

local function encode(value, indent)
    if type(value) == "string" then
        return text(value)
    elseif type(value) ~= "table" then
        return math.type(value) == "float" and ("%.6g"):format(value) or tostring(value)
    end
    local inner, parts, brackets = indent .. "  ", {}, "{}"
    if value[1] ~= nil then
        brackets = "[]"
        for _, item in ipairs(value) do
            parts[#parts + 1] = encode(item, inner)
        end
        if type(value[1]) == "number" then
            return "[" .. table.concat(parts, ", ") .. "]"
        end
    else
        local keys = {}
        for key in pairs(value) do
            keys[#keys + 1] = key
        end
        table.sort(keys)
        for _, key in ipairs(keys) do
            parts[#parts + 1] = text(key) .. ": " .. encode(value[key], inner)
        end
    end
    if #parts == 0 then
        return brackets
    end
    return brackets:sub(1, 1) .. "\n" .. inner .. table.concat(parts, ",\n" .. inner) .. "\n" .. indent .. brackets:sub(2)
end

---@param value any
---@return string
return function(value)
    return encode(value, "") .. "\n"
end
