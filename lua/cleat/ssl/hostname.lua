--- Checks the argument server_hostname of wrap_socket and wrap_bio, and that the context is for that side.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local idna = require "cleat.idna"
local roles = require "cleat.ssl.roles"

local hostname = {}

--- Returns a name with its labels as A-labels.
---@param method string
---@param name any
---@return string
function hostname.to_ascii(method, name)
    check.string(method, "server_hostname", name)
    if name == "" or name:sub(1, 1) == "." then
        errors.raise(errors.ValueError, "server_hostname cannot be an empty string or start with a leading dot.")
    elseif name:find("\0", 1, true) then
        errors.raise(errors.ValueError, "server_hostname has an embedded null byte")
    end
    local labels = idna.encode(name)
    if #labels > 255 then
        errors.raise(errors.ValueError, "server_hostname is longer than 255 bytes")
    end
    return labels
end

-- plain is the last valid name that needs no conversion: programs often connect to the same host again.
local plain

--- check checks that the name is valid for the context.
---@param context cleat.ssl.SSLContext
---@param method string
---@param server_side boolean
---@param name any
---@return string|false name as it was given, false for none
---@return string? labels the name with A-labels, if it differs
function hostname.check(context, method, server_side, name)
    roles.check(context._protocol, server_side)
    if server_side and name ~= nil then
        errors.raise(errors.ValueError, "server_hostname can only be specified in client mode")
    elseif name == nil then
        if errors.check(C.context_check_hostname(context._id)) == 1 then
            errors.raise(errors.ValueError, "check_hostname requires server_hostname")
        end
        return false
    elseif name ~= plain then
        local labels = hostname.to_ascii(method, name)
        if labels ~= name then
            return name, labels
        end
        plain = name
    end
    return name
end

return hostname
