--- Tables of names in which a misspelt one is an error: the modules that programs require, and enumerations.
---
--- In Lua a field that is not there is nil, and a nil in a table of keyword arguments is no argument: `{cert_reqs =
--- ssl.CERT_REQIRED}` verifies nothing. Reading an unknown name raises AttributeError, as in Python. Names that are
--- there are found as in any table, and pairs and rawget work; rawget is how a program asks whether there is a name:
--- `rawget(ssl, "RAND_egd")`.

local suggest = require "cleat.suggest"

--- strict makes reading an unknown name raise.
---@generic T: table
---@param names T
---@param what string its name in messages: "module 'ssl'"
---@param also table? another table in which names are looked up
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
