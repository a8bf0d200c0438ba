--- Looking at foreign objects: whether they have certain methods, whatever else they are.

local errors = require "cleat.errors"

local methods = {}

local function index(value, name)
    return value[name]
end

--- has: whether a value answers to all of the methods.
---@param value any
---@param ... string
---@return boolean
function methods.has(value, ...)
    for _, name in ipairs { ... } do
        local ok, method = pcall(index, value, name)
        if not ok or type(method) ~= "function" then
            return false
        end
    end
    return true
end

--- failed raises a socket.error for what a host has said.
---@param host string who said it
---@param what string "receive", "send" …
---@param message any
function methods.failed(host, what, message)
    return errors.raise(errors.error, ("%s of the %s: %s"):format(what, host, tostring(message)))
end

return methods
