--- Converts an argument of select, poll and epoll, a number or an object with a method fileno, to a descriptor.

local check = require "cleat.check"
local errors = require "cleat.errors"

local function method_of(value)
    return value.fileno
end

--- Returns the descriptor. Raises TypeError for other values, ValueError for numbers that cannot be descriptors, and
--- the errors of fileno().
---@param value any
---@return integer
return function(value)
    local number = value
    if type(value) == "table" or type(value) == "userdata" then
        local ok, method = pcall(method_of, value)
        number = nil
        if ok and check.callable(method) then
            number = method(value)
        end
    end
    if type(number) ~= "number" or number % 1 ~= 0 then
        errors.raise(errors.TypeError, "argument must be an integer, or have a fileno() method, not " .. check.kind(value))
    elseif number < 0 then
        errors.raise(errors.ValueError, ("file descriptor cannot be a negative integer (%d)"):format(number))
    elseif number > check.INT_MAX then
        errors.raise(errors.ValueError, ("file descriptor is out of range (%.0f)"):format(number))
    end
    return number
end
