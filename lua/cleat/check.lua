--- Checks of arguments. Each returns the value, or raises TypeError or ValueError with the function, the argument, the
--- type that it must have, and the type that was given: "recv() argument 'bufsize' must be an integer, not string".
---
--- Lua accepts several mistakes that Python refuses: a number where a string is meant, 0 for false, a fraction for an
--- integer. They are refused here, once for both backends. The functions with `optional` in their name accept nil.

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

--- A value for a message: a number as it is, of other values the class or type.
---@param value any
---@return string
function check.kind(value)
    return type(value) == "number" and tostring(value) or class.name_of(value)
end

--- The same, but with the text of a string, for arguments that are not secret: "the string '443'".
---@param value any
---@return string
function check.shown(value)
    if type(value) ~= "string" then
        return check.kind(value)
    end
    return "the string " .. (#value > LONG and repr(value:sub(1, LONG)) .. "..." or repr(value))
end

--- The text of an error that a program's function has raised: its kind if its __tostring fails.
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
---@param hint string? the end of the message
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

--- An array without holes: of a table with one, Lua versions differ in how long it is.
---@param f string
---@param argument string
---@param value table
---@param what string? of what it is an array: "strings" by default
---@return integer # how many entries it has
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

--- A name of a file or directory: it cannot hold a zero byte.
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

--- A name of a file. "" is the name of none: IOError with ENOENT, as from the system.
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

--- A number without a fraction, of the integer subtype on Lua 5.4. low and high default to what an int32_t holds.
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

--- A boolean, and no other value that Lua treats as one: 0 is true in Lua and false in Python.
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

--- Whether a value can be called.
---@param value any
---@return boolean
function check.callable(value)
    local metatable = type(value) ~= "function" and getmetatable(value)
    return type(value) == "function" or (type(metatable) == "table" and rawget(metatable, "__call") ~= nil)
end

--- A timeout that may be negative, as Python's poll takes it.
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

--- A timeout: nil for no limit, 0 does not wait.
---@param f string
---@param value any
---@return number? seconds
function check.timeout(f, value)
    if check.any_timeout(f, value) and (value < 0 or value == math.huge) then
        errors.raise(errors.ValueError, "Timeout value out of range")
    end
    return value
end

return check
