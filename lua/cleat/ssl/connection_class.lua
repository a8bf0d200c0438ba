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

--- Makes a class that derives from SSLSocket, or from SSLObject, for SSLContext.sslsocket_class and sslobject_class.
--- Its objects have the methods that the program adds to the class, and may have further fields.
---
---     local Counted = ssl.SSLSocket:extend("Counted", { sent = 0 })
---     function Counted:sendall(data)
---         self.sent = self.sent + #data
---         return ssl.SSLSocket.sendall(self, data)
---     end
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     context.sslsocket_class = Counted
---     local plain = socket.create_connection { "localhost", port }
---     local counted = context:wrap_socket(plain, { server_hostname = "localhost" })
---     counted:sendall("hello")
---     print(counted.sent) --> 5
---     counted:close()
---
--- Raises: ValueError for a field whose name SSLSocket has; TypeError.
--- Python: none (a class statement).
---@param name string as tostring of the class shows it
---@param fields table? names and values of further fields, as in new objects; no tables, which objects would share
---@return cleat.Class
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
