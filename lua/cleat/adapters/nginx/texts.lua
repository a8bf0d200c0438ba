--- Converts the arguments that a cosocket's send accepts to one string.

local texts = {}

local function gather(parts, list)
    local count = 0
    for key in pairs(list) do
        if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
            error("bad argument #1 to 'send' (non-array table found)", 0)
        end
        count = math.max(count, key)
    end
    for index = 1, count do
        local value = list[index]
        local kind = type(value)
        if kind == "string" then
            parts[#parts + 1] = value
        elseif kind == "table" then
            gather(parts, value)
        elseif kind == "number" then
            parts[#parts + 1] = tostring(value)
        else
            error(("bad argument #1 to 'send' (bad data type %s found)"):format(kind), 0)
        end
    end
end

--- of converts a string, a number, a boolean, nil, or an array of strings and numbers, which may be nested.
---@param data any
---@return string
function texts.of(data)
    local kind = type(data)
    if kind == "table" then
        local size = #data
        for index = 1, size do
            if type(data[index]) ~= "string" then
                size = 0
            end
        end
        if size > 0 then
            return table.concat(data)
        end
        local parts = {}
        gather(parts, data)
        return table.concat(parts)
    elseif kind == "number" or kind == "boolean" or kind == "nil" then
        return tostring(data)
    end
    return error(("bad argument #1 to 'send' (string, number, boolean, nil, or array table expected, got %s)"):format(kind), 0)
end

return texts
