--- Keyword arguments: Python's f(a, x=1) is f(a, {x = 1}) here.
---
--- If the last argument is a table whose keys are names, it contains keyword arguments. Addresses and lists are arrays,
--- and objects have a metatable, so these are not keyword arguments. If a parameter is itself a table with names (such
--- as a certificate), a table in its place contains keyword arguments only if all its keys are names of parameters.
---
--- Python: section 5.3.4 of the language reference (calls).

local compat = require "cleat.compat"
local errors = require "cleat.errors"

local select = select -- a program may set the global `select` to the module cleat.select, as in Python
local unpack = compat.unpack

local keywords = {}

local function bad(f, ...)
    return errors.raise(errors.TypeError, f .. "() " .. string.format(...))
end

--- Returns a function that sorts the arguments of a call into the order of the parameters: `local a, b = parse(...)`.
--- Parameters that were not given are nil. It raises TypeError for an unknown keyword, a parameter that is given twice,
--- too many arguments, and a missing one.
---@param f string the function's name
---@param names string[] its parameters in order, without self
---@param options {required: integer?, positional: integer?, tables: table<string, true>?}? required: how many
--- parameters, from the first, must not be nil; positional: how many can be given without their names; tables: the
--- parameters that are tables
---@return fun(...): any ...
function keywords.parser(f, names, options)
    local count = #names
    local required = options and options.required or 0
    local positional = options and options.positional or count
    local tables = options and options.tables or {}
    local position = {}
    for index, name in ipairs(names) do
        position[name] = index
    end

    -- Returns whether the last of `given` arguments is a table of keyword arguments.
    local function is_keywords(last, given)
        if type(last) ~= "table" or getmetatable(last) ~= nil then
            return false
        end
        local key = next(last)
        if not tables[names[given]] then
            return key == nil or type(key) == "string"
        end
        while key ~= nil do
            if not position[key] then
                return false
            end
            key = next(last, key)
        end
        return next(last) ~= nil
    end

    local function check_required(...)
        for index = 1, required do
            if (select(index, ...)) == nil then
                bad(f, "missing required argument '%s' (pos %d)", names[index], index)
            end
        end
        return ...
    end

    local function too_many(given)
        bad(f, "takes at most %d %sargument%s (%d given)", positional, positional < count and "positional " or "",
            positional == 1 and "" or "s", given)
    end

    return function(...)
        -- Functions pass all their parameters, so trailing nils are parameters that were not given.
        local given = select("#", ...)
        local last
        while given > 0 do
            last = (select(given, ...))
            if last ~= nil then
                break
            end
            given = given - 1
        end
        if is_keywords(last, given) then
            local values = { ... }
            values[given] = nil
            given = given - 1
            if given > positional then
                too_many(given)
            end
            for name, value in pairs(last) do
                local index = position[name]
                if not index then
                    bad(f, "got an unexpected keyword argument '%s'", tostring(name))
                elseif values[index] ~= nil then
                    bad(f, "got multiple values for keyword argument '%s'", name)
                end
                values[index] = value
            end
            if given <= count then
                return check_required(unpack(values, 1, count))
            end
        end
        if given > positional then
            too_many(given)
        end
        if given < required then
            return check_required(unpack({ ... }, 1, count))
        end
        return check_required(...)
    end
end

return keywords
