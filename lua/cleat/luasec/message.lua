--- LuaSec's error messages for statuses of the ABI and errors of the Lua layer.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local status = require "cleat.status"

local const = C.const

local message = {}

-- OpenSSL 3's message for a connection that the peer (or an attacker) has ended without close_notify.
local UNEXPECTED_EOF = "unexpected eof while reading"

-- LuaSocket's messages for errors of sockets; other errors have the system's message.
local SYSTEM = {
    [const.ECONNRESET] = "closed", [const.ECONNABORTED] = "closed", [const.EPIPE] = "closed", [const.EBADF] = "closed",
    [const.ETIMEDOUT] = "timeout", [const.ECONNREFUSED] = "connection refused",
}

-- OpenSSL's names of alerts that differ from BoringSSL's.
local ALERTS = {
    TLSV1_ALERT_UNRECOGNIZED_NAME = "tlsv1 unrecognized name",
    TLSV1_ALERT_UNSUPPORTED_EXTENSION = "tlsv1 unsupported extension",
    TLSV1_ALERT_CERTIFICATE_UNOBTAINABLE = "tlsv1 certificate unobtainable",
    TLSV1_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE = "tlsv1 bad certificate status response",
    TLSV1_ALERT_BAD_CERTIFICATE_HASH_VALUE = "tlsv1 bad certificate hash value",
    TLSV1_ALERT_CERTIFICATE_REQUIRED = "tlsv13 alert certificate required",
}

-- reason returns BoringSSL's reason in OpenSSL's format: "certificate verify failed".
local function reason(err)
    local name = err.reason
    return ALERTS[name] or name and (name:lower():gsub("_", " ")) or err.message
end

--- Returns the message of an error, or of any other value that was raised.
---@param err any
---@return string
function message.of_error(err)
    if err == errors.want_read then
        return "wantread"
    elseif err == errors.want_write then
        return "wantwrite"
    elseif errors.SSLZeroReturnError:is(err) then
        return "closed"
    elseif errors.SSLEOFError:is(err) then
        return UNEXPECTED_EOF
    elseif errors.SSLError:is(err) then
        return reason(err)
    elseif errors.EnvironmentError:is(err) then
        return SYSTEM[err.errno] or err.strerror or err.message
    end
    return check.text(err)
end

--- Returns the text in parentheses of LuaSec's messages "error loading … (…)".
---@param err any
---@return string
function message.cause(err)
    if errors.SSLError:is(err) then
        return reason(err)
    end
    return errors.EnvironmentError:is(err) and err.strerror or check.text(err)
end

local USUAL = {
    [0] = "closed", [status.EOF] = UNEXPECTED_EOF, [status.CLOSED] = "closed", [status.HANDLE] = "closed",
    [status.WANT_READ] = "wantread", [status.WANT_WRITE] = "wantwrite",
}

--- Returns the message for a failed read or write.
---@param result integer a status, or 0 for the end of the stream
---@param operation "read"|"write"
---@return string
function message.of_status(result, operation)
    return USUAL[result] or result == status.TIMEOUT and "want" .. operation
        or message.of_error(errors.from_connection(result, operation))
end

return message
