--- Suggestions for misspelt names.

local NEAR = 3 -- the maximum number of edits, which is also limited to a third of the name's length

-- distance returns the Damerau-Levenshtein distance of two names (optimal string alignment), limit + 1 if it is larger
-- than limit.
local function distance(a, b, limit)
    if math.abs(#a - #b) > limit then
        return limit + 1
    end
    local before, row = {}, {}
    for j = 0, #b do
        row[j] = j
    end
    for i = 1, #a do
        local next_row = { [0] = i }
        local least = i
        for j = 1, #b do
            local same = a:byte(i) == b:byte(j)
            local edits = math.min(row[j] + 1, next_row[j - 1] + 1, row[j - 1] + (same and 0 or 1))
            if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
                edits = math.min(edits, before[j - 2] + 1)
            end
            next_row[j] = edits
            least = math.min(least, edits)
        end
        if least > limit then
            return limit + 1
        end
        before, row = row, next_row
    end
    return row[#b]
end

--- suggest returns the end of a message about an unknown name: "; did you mean 'CERT_REQUIRED'?", or "" if no existing
--- name is similar.
---@param name any
---@param ... table tables whose keys are the existing names
---@return string
return function(name, ...)
    if type(name) ~= "string" or name == "" or #name > 64 then
        return ""
    end
    local limit = math.max(1, math.min(NEAR, math.floor(#name / 3)))
    local best, least = nil, limit + 1
    local wanted = name:lower()
    for index = 1, select("#", ...) do
        for key in pairs((select(index, ...))) do
            if type(key) == "string" and (key:sub(1, 1) ~= "_" or name:sub(1, 1) == "_") then
                local edits = distance(wanted, key:lower(), limit)
                if edits < least or (edits == least and best and key > best) then
                    best, least = key, edits
                end
            end
        end
    end
    return best and least <= limit and ("; did you mean '%s'?"):format(best) or ""
end
