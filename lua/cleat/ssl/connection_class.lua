--- Classes that a program derives for the connections of a context: Python 3.7's sslsocket_class and sslobject_class.

local SSLObject = require("cleat.ssl.object").SSLObject
local SSLSocket = require "cleat.ssl.socket"
local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"

local INTERNAL = { class = true, __name = true, __index = true, __newindex = true }

-- check_fields checks the additional attributes of a class and their initial values.
local function check_fields(of, fields)
    local methods = getmetatable(of).__index
    for name, value in pairs(fields) do
        if type(name) ~= "string" or not name:find("^%a[%w_]*$") then
            check.fail("extend", "fields", "a table of names that begin with a letter", name)
        elseif methods[name] ~= nil or of.getters[name] or of.defaults[name] ~= nil then
            errors.raise(errors.ValueError, ("extend() argument 'fields': %s has an attribute '%s'"):format(of.name, name))
        elseif type(value) == "table" then
            check.fail("extend", "fields", "a table of values that objects do not share", value)
        end
    end
    return fields
end

-- extend is SSLSocket.extend and SSLObject.extend: it makes a derived class.
local function extend(of, name, fields)
    name = check.string("extend", "name", name)
    if fields ~= nil and type(fields) ~= "table" then
        check.fail("extend", "fields", "a table", fields)
    end
    local new = class.new(name, getmetatable(of).__call, of)
    class.properties(new, of.getters, of.setters, class.merged(of.defaults, check_fields(of, fields or {})))
    for event, metamethod in pairs(of.instance) do
        if not INTERNAL[event] then
            new.instance[event] = metamethod
        end
    end
    rawset(new, "extend", extend)
    return new
end

rawset(SSLSocket, "extend", extend)
rawset(SSLObject, "extend", extend)

local connection_class = { getters = {}, setters = {} }

for name, base in pairs { sslsocket_class = SSLSocket, sslobject_class = SSLObject } do
    local place = "_" .. name
    connection_class.getters[name] = function(self)
        return self[place] or base
    end
    connection_class.setters[name] = function(self, value)
        local lineage = type(value) == "table" and rawget(value, "lineage")
        if type(lineage) ~= "table" or not lineage[base] then
            errors.raise(errors.TypeError, ("%s must be %s or a class that extends it, not %s"):format(name, base.name,
                check.kind(value)))
        end
        self[place] = value ~= base and value
    end
end

return connection_class
