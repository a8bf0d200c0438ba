--- The common part of the generators of bindings. They read the document of cleat.json (script/generator/json.lua)
--- only.

local languages = {}

---@param snake string
---@return string
function languages.camel(snake)
    return (snake:gsub("^%l", string.upper):gsub("_(%w)", string.upper))
end

--- Wraps a text into lines of at most that many columns, not counting their prefix.
---@param prose string
---@param columns integer
---@return string[]
function languages.lines(prose, columns)
    local lines = {}
    for paragraph in (prose .. "\n\n"):gmatch("(.-)\n\n") do
        local current
        for word in paragraph:gmatch("%S+") do
            if current and #current + 1 + #word > columns then
                lines[#lines + 1], current = current, nil
            end
            current = current and current .. " " .. word or word
        end
        lines[#lines + 1] = current
        lines[#lines + 1] = ""
    end
    lines[#lines] = nil
    return lines
end

---@class cleat.Place where a function belongs in an object-oriented binding
---@field f table the function
---@field kind string? the kind of object whose method or constructor it is
---@field method boolean whether its first parameter is the object
---@field name string

--- Assigns each function to a class. Guarded forms, and functions for ids of any kind, have none: a binding calls them
--- in its classes.
---@param document table
---@return cleat.Place[]
function languages.places(document)
    local kinds, list = {}, {}
    for _, kind in ipairs(document.kinds) do
        kinds[kind.name] = true
    end
    for _, f in ipairs(document.functions) do
        local short = f.name:gsub("^cleat_", "")
        local first = f.parameters[1]
        local kind, rest = short:match("^(%l+)_(.+)$")
        local skipped = f.guards or first and first.of == "any"
        if not skipped and kinds[kind] then
            list[#list + 1] = { f = f, kind = kind, method = first ~= nil and first.of == kind and first.direction == "in", name = rest }
        elseif not skipped then
            list[#list + 1] = { f = f, method = false, name = short }
        end
    end
    return list
end

return languages
