--- Tables in which a misspelt name is an error: the modules that programs require, and enumerations.
---
--- In Lua a missing field is nil, and a nil in a table of keyword arguments is no argument: with a misspelt `{cert_reqs
--- = ssl.CERT_REQURED}` nothing would be verified. Therefore reading an unknown name raises AttributeError, as in
--- Python. Known names, pairs and rawget work as in other tables; a program tests for a name with rawget: `rawget(ssl,
--- "RAND_egd")`.

local suggest = require "cleat.suggest"

--- strict makes reading an unknown name of a table raise AttributeError.
---@generic T: table
---@param names T
---@param what string the table's name in messages: "module 'ssl'"
---@param also table? another table with names
---@return T # the same table
return function(names, what, also)
    local metatable = getmetatable(names) or {}
    function metatable.__index(_, name)
        local value = also and also[name]
        if value ~= nil or type(name) ~= "string" then -- ipairs and # read numbers
            return value
        end
        local errors = require "cleat.errors" -- itself one of these tables
        return errors.raise(errors.AttributeError, ("%s has no attribute '%s'%s"):format(what, name, suggest(name, names, also or {})))
    end
    return setmetatable(names, metatable)
end
