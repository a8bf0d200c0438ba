--- Errors of arguments, worded as the functions of Lua's C API word them, which LuaSec calls.

local argument = {}

local METHODS_CALLER = 4 -- levels: the place that has called the function that calls one of these

-- fail is called by the functions of this module directly, and by no tail call: see the level.
local function fail(index, name, message)
    error(("bad argument #%d to '%s' (%s)"):format(index, name, message), METHODS_CALLER)
end

local function expected(wanted, value)
    local metatable = type(value) == "table" and getmetatable(value)
    local given = type(metatable) == "table" and rawget(metatable, "__name")
    return ("%s expected, got %s"):format(wanted, type(given) == "string" and given or value == nil and "no value" or type(value))
end

--- A string; a number is converted, as Lua does.
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

--- A number without a fraction; a string is converted, as Lua does.
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

--- An object with a metatable.
---@param index integer
---@param name string
---@param value any
---@param metatable table whose __name says what it is
---@return any
function argument.object(index, name, value, metatable)
    if getmetatable(value) ~= metatable then
        fail(index, name, expected(metatable.__name, value))
    end
    return value
end

return argument
