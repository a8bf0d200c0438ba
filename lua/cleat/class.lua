--- Classes: methods, properties and inheritance for all objects of the Lua layer.
---
--- A class is a callable table: calling it makes an object. It contains the methods, and `Class:is(value)` tests a
--- value. Objects have no other attributes than those of their class: reading or writing an unknown one raises
--- AttributeError, so that a misspelt `ctx.verify_mod = …` is an error. Names that begin with "_" are internal.

local select = select -- see keywords.lua

local class = {}

---@class cleat.Class
---@field name string the name in Python: "ssl.SSLContext"
---@field lineage table<cleat.Class, true> the class itself and all its base classes
---@field instance table the metatable of its objects
---@field getters table<string, function>? reads the properties
---@field setters table<string, function>? writes the properties that are not read-only
---@field defaults table<string, any>? values of fields that an object does not store
local Class = {}

-- frozen maps each object that hides its metatable to its class.
local frozen = setmetatable({}, { __mode = "k" })

-- class_of returns the class of a value, nil if the value is not an object.
local function class_of(value)
    local metatable = getmetatable(value)
    if metatable == false then
        return frozen[value]
    end
    return type(metatable) == "table" and rawget(metatable, "class") or nil
end

--- Returns whether a value, of any type, is an object of this class or of a class derived from it (Python's
--- isinstance).
---@param value any
---@return boolean
function Class:is(value)
    local of = frozen[value]
    if of then -- a fast path for the shared errors, which loops that poll test often
        return of.lineage[self] == true
    end
    of = class_of(value)
    local lineage = type(of) == "table" and rawget(of, "lineage") or nil
    return type(lineage) == "table" and lineage[self] == true
end

--- Returns the name of a value's class, or Lua's name of its type.
---@param value any
---@return string
function class.name_of(value)
    local of = class_of(value)
    local name = type(of) == "table" and rawget(of, "name") or nil
    return type(name) == "string" and name or type(value)
end

-- unknown raises AttributeError; errors.lua sets it, since errors are themselves objects of classes.
local unknown = function(name, message)
    error(name .. message, 3)
end

function class.on_unknown_attribute(raise)
    unknown = raise
end

--- Makes a class.
---@param name string
---@param make fun(class: cleat.Class, ...): any the constructor
---@param ... cleat.Class the base classes; methods of the first ones have precedence
---@return cleat.Class
function class.new(name, make, ...)
    local methods = {}
    local lineage = {}
    for index = select("#", ...), 1, -1 do
        local parent = select(index, ...)
        for key, method in pairs(getmetatable(parent).__index) do
            methods[key] = method
        end
        for ancestor in pairs(parent.lineage) do
            lineage[ancestor] = true
        end
    end
    local new = { name = name, lineage = lineage, is = Class.is }
    new.instance = { class = new, __name = name, __index = methods }
    lineage[new] = true
    return setmetatable(new, {
        __index = methods,
        __newindex = methods, -- so that `function Name:method()` defines one
        __call = make,
        __tostring = function()
            return "<class '" .. name .. "'>"
        end,
    })
end

--- Defines the properties of a class, and makes other attributes errors. Call it after the methods are defined.
---@param of cleat.Class
---@param getters table<string, fun(object: table): any>
---@param setters table<string, fun(object: table, value: any)> a property without one is read-only
---@param defaults table<string, any>? values of fields that an object does not store, which keeps objects small
function class.properties(of, getters, setters, defaults)
    local methods = getmetatable(of).__index
    local instance = of.instance
    defaults = defaults or {}
    rawset(of, "getters", getters)
    rawset(of, "setters", setters)
    rawset(of, "defaults", defaults)

    function instance.__index(object, key)
        local method = methods[key]
        if method ~= nil then
            return method
        end
        local default = defaults[key]
        if default ~= nil then
            return default
        end
        local get = getters[key]
        if get then
            return get(object)
        end
        return unknown(of.name, (" object has no attribute '%s'"):format(tostring(key)))
    end

    function instance.__newindex(object, key, value)
        local set = setters[key]
        if set then
            return set(object, value)
        elseif defaults[key] ~= nil then
            return rawset(object, key, value)
        end
        local known = getters[key] or methods[key]
        return unknown(of.name, ((known and " attribute '%s' is read-only" or " object has no attribute '%s'"):format(
            tostring(key))))
    end
end

--- frozen returns a read-only view of an object. Its fields and its metatable are not accessible; reading a field that
--- is a table returns a copy. refuse(name) is called when a field is set.
---@generic T: table
---@param object T
---@param refuse fun(name: string)
---@return T
function class.frozen(object, refuse)
    local metatable = getmetatable(object)
    local inherited = metatable.__index
    local view = setmetatable({}, {
        __index = function(_, key)
            local value = object[key]
            if type(value) ~= "table" or value == inherited[key] then
                return value
            end
            local copy = {}
            for name, each in pairs(value) do
                copy[name] = each
            end
            return copy
        end,
        __newindex = function(_, key)
            return refuse(tostring(key))
        end,
        __tostring = function()
            return tostring(object)
        end,
        __concat = metatable.__concat,
        __metatable = false,
    })
    frozen[view] = metatable.class
    return view
end

--- Returns a table with the entries of two tables. Those of the second one have precedence.
---@generic T: table
---@param base T
---@param more T
---@return T
function class.merged(base, more)
    local all = {}
    for key, value in pairs(base) do
        all[key] = value
    end
    for key, value in pairs(more) do
        all[key] = value
    end
    return all
end

return class
