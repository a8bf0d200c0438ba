--- Classes: methods, properties and inheritance for all objects of the Lua layer.
---
--- A class is a table that is called to make an object, holds its methods and answers `Class:is(value)`. Objects have
--- no other attributes than their class says: reading or writing an unknown one raises AttributeError, so that a
--- misspelt `ctx.verify_mod = …` is an error. Names that begin with "_" are internal.

local select = select -- see keywords.lua

local class = {}

---@class cleat.Class
---@field name string as Python writes it: "ssl.SSLContext"
---@field lineage table<cleat.Class, true> the class itself and all that it derives from
---@field instance table the metatable of its objects
---@field getters table<string, function>? its properties
---@field setters table<string, function>? those that can be set
---@field defaults table<string, any>? the fields that an object stores only if they differ from these values
local Class = {}

-- frozen: the class of each object that hides its metatable.
local frozen = setmetatable({}, { __mode = "k" })

-- class_of returns the class of a value, nil if it is no object.
local function class_of(value)
    local metatable = getmetatable(value)
    if metatable == false then
        return frozen[value]
    end
    return type(metatable) == "table" and rawget(metatable, "class") or nil
end

--- Whether a value, of any type, is an object of this class or of one that derives from it (Python's isinstance).
---@param value any
---@return boolean
function Class:is(value)
    local of = frozen[value]
    if of then -- the shared errors, which polling loops ask about
        return of.lineage[self] == true
    end
    of = class_of(value)
    local lineage = type(of) == "table" and rawget(of, "lineage") or nil
    return type(lineage) == "table" and lineage[self] == true
end

--- The name of a value's class, or Lua's name of its type.
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

--- A new class.
---@param name string
---@param make fun(class: cleat.Class, ...): any called by calling the class
---@param ... cleat.Class those that it derives from; methods are looked for in this order
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

--- Gives the objects of a class properties, and makes it refuse other attributes. Called once the methods are defined.
---@param of cleat.Class
---@param getters table<string, fun(object: table): any>
---@param setters table<string, fun(object: table, value: any)> a property without one is read-only
---@param defaults table<string, any>? the values of fields that an object does not store, which keeps it small
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

--- frozen returns a read-only view of an object: its fields and its metatable cannot be reached, and reading a table
--- from it returns a copy. refuse(name) is called for an attempt to set a field.
---@generic T: table
---@param object T
---@param refuse fun(name: string)
---@return T
function class.frozen(object, refuse)
    local metatable = getmetatable(object)
    local inherited = metatable.__index
    local front = setmetatable({}, {
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
    frozen[front] = metatable.class
    return front
end

--- The properties of two tables in one; those of the second come first.
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
