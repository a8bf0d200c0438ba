--- Errors for wrong arguments, with the messages of Lua's C API, which LuaSec uses.

local argument = {}

local METHODS_CALLER = 4 -- the level of the caller of the method that has called one of these functions

-- The functions of this module call fail directly, and not as a tail call, which would change the level.
local function fail(index, name, message)
    error(("bad argument #%d to '%s' (%s)"):format(index, name, message), METHODS_CALLER)
end

local function expected(wanted, value)
    local metatable = type(value) == "table" and getmetatable(value)
    local given = type(metatable) == "table" and rawget(metatable, "__name")
    return ("%s expected, got %s"):format(wanted, type(given) == "string" and given or value == nil and "no value" or type(value))
end

--- Checks a string. A number is converted, as in Lua.
---@param index integer
---@param name string
---@param value any
---@return string
function argument.string(index, name, value)
    if type(value) == "number" then
        return tostring(value)
    elseif type(value) ~= "string" then
        fail(index, name, expected("string", value))
    end
    return value
end

--- Checks a number without a fraction. A string is converted, as in Lua.
---@param index integer
---@param name string
---@param value any
---@return number
function argument.integer(index, name, value)
    local number = (type(value) == "string" or type(value) == "number") and tonumber(value)
    if not number then
        fail(index, name, expected("number", value))
    elseif number ~= math.floor(number) then
        fail(index, name, "number has no integer representation")
    end
    return number
end

--- Checks an object with a given metatable.
---@param index integer
---@param name string
---@param value any
---@param metatable table its __name is the name in messages
---@return any
function argument.object(index, name, value, metatable)
    if getmetatable(value) ~= metatable then
        fail(index, name, expected(metatable.__name, value))
    end
    return value
end

return argument
