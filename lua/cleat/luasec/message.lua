--- LuaSec's error strings, for the statuses of the ABI and the errors of the Lua layer.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local status = require "cleat.status"

local const = C.const

local message = {}

-- As LuaSocket names the errors of sockets; all others have the system's text.
local SYSTEM = {
    [const.ECONNRESET] = "closed", [const.ECONNABORTED] = "closed", [const.EPIPE] = "closed", [const.EBADF] = "closed",
    [const.ETIMEDOUT] = "timeout", [const.ECONNREFUSED] = "connection refused",
}

-- reason: BoringSSL's, in OpenSSL's form: "certificate verify failed".
local function reason(err)
    local name = err.reason
    return name and (name:lower():gsub("_", " ")) or err.message
end

--- The text of an error, or of any other value that was raised.
---@param err any
---@return string
function message.of_error(err)
    if err == errors.want_read then
        return "wantread"
    elseif err == errors.want_write then
        return "wantwrite"
    elseif errors.SSLZeroReturnError:is(err) or errors.SSLEOFError:is(err) then
        return "closed"
    elseif errors.SSLError:is(err) then
        return reason(err)
    elseif errors.EnvironmentError:is(err) then
        return SYSTEM[err.errno] or err.strerror or err.message
    end
    return check.text(err)
end

--- The text of an error for LuaSec's "error loading … (…)".
---@param err any
---@return string
function message.cause(err)
    if errors.SSLError:is(err) then
        return reason(err)
    end
    return errors.EnvironmentError:is(err) and err.strerror or check.text(err)
end

local USUAL = {
    [0] = "closed", [status.EOF] = "closed", [status.CLOSED] = "closed", [status.HANDLE] = "closed",
    [status.WANT_READ] = "wantread", [status.WANT_WRITE] = "wantwrite",
}

--- The text for a failed read or write.
---@param result integer a status, or 0 for the end of what is read
---@param operation "read"|"write"
---@return string
function message.of_status(result, operation)
    return USUAL[result] or result == status.TIMEOUT and "want" .. operation
        or message.of_error(errors.from_connection(result, operation))
end

return message
