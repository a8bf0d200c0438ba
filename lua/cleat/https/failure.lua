--- How requests fail: which errors are returned after nil, and which are raised.
---
--- Inside cleat.https all errors are raised, and only failure.attempt catches them. Errors of the caller's functions
--- (source, sink, step) are raised again unchanged.

local C = require "cleat.backend"
local class = require "cleat.class"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local repr = require "cleat.repr"

local pcall = compat.pcall

local failure = {}

-- Failed: an invalid request or a malformed response. Raised: an error of the caller's function.
local Failed, Raised = {}, {}

local WORDS = { [C.const.ECONNREFUSED] = "connection refused", [C.const.EBADF] = "closed" }

--- Makes the request fail: it returns nil and this message.
---@param message string
---@param ... any for string.format
function failure.fail(message, ...)
    return error(setmetatable({ message = select("#", ...) > 0 and message:format(...) or message }, Failed), 0)
end

--- Makes the request fail: it returns nil and this error, which one of the caller's functions has returned.
---@param err any
function failure.report(err)
    return error(setmetatable({ message = err }, Failed), 0)
end

--- Raises TypeError for a wrong argument of request().
---@param message string
---@param ... any for string.format
function failure.bad(message, ...)
    return errors.raise(errors.TypeError, "request() " .. message:format(...))
end

local LONG = 64

--- Formats a value for a message: quoted, and at most one line.
---@param value any
---@return string
function failure.show(value)
    if type(value) ~= "string" then
        return class.name_of(value)
    end
    return #value > LONG and repr(value:sub(1, LONG)) .. "..." or repr(value)
end

local function finish(ok, ...)
    if ok then
        return ...
    end
    local err = ...
    local metatable = getmetatable(err)
    if metatable == Failed then
        return nil, err.message
    elseif metatable == Raised then
        return error(err.value, 0)
    elseif errors.timeout:is(err) then
        return nil, "timeout"
    elseif errors.SSLZeroReturnError:is(err) then
        return nil, "closed"
    elseif errors.EnvironmentError:is(err) then
        return nil, not errors.SSLError:is(err) and WORDS[err.errno] or err
    elseif errors.ValueError:is(err) then -- a malformed name
        return nil, err
    end
    return error(err, 0)
end

--- Returns the results of f(...), or nil and the error: LuaSocket's word if programs compare it ("closed", "timeout",
--- "connection refused"), a message, or the error object. Mistakes in the program are raised.
---@param f function
---@return any ...
function failure.attempt(f, ...)
    return finish(pcall(f, ...))
end

local function passed(ok, ...)
    if ok then
        return ...
    end
    return error(setmetatable({ value = (...) }, Raised), 0)
end

--- Returns the results of a function that the caller has passed. failure.attempt raises its errors again.
---@param f function
---@return any ...
function failure.call(f, ...)
    return passed(pcall(f, ...))
end

return failure
