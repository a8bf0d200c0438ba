--- Checks of arguments. Each function returns the checked value, or raises TypeError or ValueError with the names of
--- the function and the argument, the expected type and the actual one: "recv() argument 'bufsize' must be an integer,
--- not string".
---
--- Lua itself accepts several mistakes that Python refuses: a number in place of a string, 0 for false, a fraction for
--- an integer. They are refused here, for both backends. Functions with `optional` in their names accept nil.

local C = require "cleat.backend"
local class = require "cleat.class"
local errors = require "cleat.errors"
local repr = require "cleat.repr"

local check = {}

check.INT_MAX = 0x7fffffff

local to_integer = math.tointeger or function(number)
    return number
end

local LONG = 40

--- Describes a value for a message: a number by its digits, other values by their class or type.
---@param value any
---@return string
function check.kind(value)
    return type(value) == "number" and tostring(value) or class.name_of(value)
end

--- Describes a value likewise, but a string by its text, for arguments that are not secret: "the string '443'".
---@param value any
---@return string
function check.shown(value)
    if type(value) ~= "string" then
        return check.kind(value)
    end
    return "the string " .. (#value > LONG and repr(value:sub(1, LONG)) .. "..." or repr(value))
end

--- Returns the text of an error that a program's function has raised, or its class or type if its __tostring fails.
---@param cause any
---@return string
function check.text(cause)
    local ok, text = pcall(tostring, cause)
    return ok and type(text) == "string" and text or check.kind(cause)
end

--- Raises TypeError.
---@param f string the function
---@param argument string
---@param expected string "a string"
---@param value any the value that was given
---@param hint string? is appended to the message
function check.fail(f, argument, expected, value, hint)
    return errors.raise(errors.TypeError, ("%s() argument '%s' must be %s, not %s%s"):format(f, argument, expected,
        check.kind(value), hint or ""))
end

---@param f string
---@param argument string
---@param value any
---@return string
function check.string(f, argument, value)
    if type(value) ~= "string" then
        check.fail(f, argument, "a string", value)
    end
    return value
end

--- Checks that a table is an array without holes: for a table with holes, the operator # depends on the version of Lua.
---@param f string
---@param argument string
---@param value table
---@param what string? the type of its elements, for messages: "strings" by default
---@return integer # its length
function check.array(f, argument, value, what)
    local count, wrong = 0, nil
    for key in pairs(value) do
        count = count + 1
        wrong = type(key) ~= "number" and key or wrong -- such as {protocols = {"h2"}}
    end
    if wrong ~= nil then
        errors.raise(errors.TypeError, ("%s() argument '%s' must be an array of %s, not a table with the key '%s'"):format(f,
            argument, what or "strings", tostring(wrong)))
    end
    for index = 1, count do
        if value[index] == nil then
            errors.raise(errors.TypeError, ("%s() argument '%s' must be an array of %s: [%d] is nil"):format(f, argument,
                what or "strings", index))
        end
    end
    return count
end

---@param f string
---@param argument string
---@param value any
---@return string?
function check.optional_string(f, argument, value)
    if value == nil then
        return nil
    end
    return check.string(f, argument, value)
end

--- Checks the name of a file or directory, which cannot contain a zero byte.
---@param f string
---@param argument string
---@param value any
---@return string?
function check.optional_path(f, argument, value)
    if value ~= nil and check.string(f, argument, value):find("\0", 1, true) then
        errors.raise(errors.ValueError, ("%s() argument '%s' has an embedded null byte"):format(f, argument))
    end
    return value
end

--- Checks the name of a file. "" raises IOError with ENOENT, as the system does.
---@param f string
---@param argument string
---@param value any
---@return string?
function check.optional_file(f, argument, value)
    if check.optional_path(f, argument, value) == "" then
        errors.raise(errors.IOError, C.const.ENOENT, errors.strerror(C.const.ENOENT), "")
    end
    return value
end

--- Checks a number without a fraction, and returns it with the integer subtype on Lua 5.3 and later. low and high: the
--- range, by default that of int32_t.
---@param f string
---@param argument string
---@param value any
---@param low integer?
---@param high integer?
---@return integer
function check.integer(f, argument, value, low, high)
    if type(value) ~= "number" or value % 1 ~= 0 then
        check.fail(f, argument, "an integer", value)
    end
    low, high = low or -check.INT_MAX - 1, high or check.INT_MAX
    if value < low or value > high then
        errors.raise(errors.ValueError, ("%s() argument '%s' must be between %d and %d"):format(f, argument, low, high))
    end
    return to_integer(value)
end

---@param f string
---@param argument string
---@param value any
---@param default integer
---@param low integer?
---@param high integer?
---@return integer
function check.optional_integer(f, argument, value, default, low, high)
    if value == nil then
        return default
    end
    return check.integer(f, argument, value, low, high)
end

--- Checks a boolean. Other values are refused, because 0 is true in Lua, and false in Python.
---@param f string
---@param argument string
---@param value any
---@param default boolean
---@return boolean
function check.optional_boolean(f, argument, value, default)
    if value == nil then
        return default
    elseif type(value) ~= "boolean" then
        check.fail(f, argument, "a boolean", value)
    end
    return value
end

--- Returns whether a value can be called.
---@param value any
---@return boolean
function check.callable(value)
    local metatable = type(value) ~= "function" and getmetatable(value)
    return type(value) == "function" or (type(metatable) == "table" and rawget(metatable, "__call") ~= nil)
end

--- Checks a timeout that may be negative, as for Python's poll.
---@param f string
---@param value any
---@return number?
function check.any_timeout(f, value)
    if value ~= nil and type(value) ~= "number" then
        check.fail(f, "timeout", "a number or nil", value)
    elseif value ~= value then
        errors.raise(errors.ValueError, "Invalid value NaN (not a number)")
    end
    return value
end

--- Checks a timeout: nil for no limit, 0 for non-blocking.
---@param f string
---@param value any
---@return number? # in seconds
function check.timeout(f, value)
    if check.any_timeout(f, value) and (value < 0 or value == math.huge) then
        errors.raise(errors.ValueError, "Timeout value out of range")
    end
    return value
end

return check
