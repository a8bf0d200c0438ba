--- SSLContext.keylog_filename: the file to which connections append their secrets.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"

-- Properties of contexts.
local key_log = { getters = {}, setters = {} }

function key_log.getters:keylog_filename()
    local length, path = errors.check(C.context_key_log_file(self._id))
    return length > 0 and path or nil
end

function key_log.setters:keylog_filename(value)
    if value ~= nil and type(value) ~= "string" then
        errors.raise(errors.TypeError, "keylog_filename must be a string or nil, not " .. check.kind(value))
    end
    errors.check(C.context_set_key_log_file(self._id, check.optional_file("keylog_filename", "value", value)))
end

--- from_environment sets the file that SSLKEYLOGFILE names, unless the process is setuid or setgid.
---@param context cleat.ssl.SSLContext
function key_log.from_environment(context)
    local length, path = errors.check(C.key_log_path())
    if length > 0 then
        context.keylog_filename = path
    end
end

return key_log
