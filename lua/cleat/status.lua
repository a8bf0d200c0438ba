--- Statuses: the negative results of the ABI, -(class << 16 | value). cleat/status.h describes them.
---
--- status.EOF, status.WANT_READ and the others are complete statuses, for the classes whose value is always 0.
--- status.class and status.value return the two parts.

local C = require "cleat.backend"

local status = {}

for _, name in ipairs { "WANT_READ", "WANT_WRITE", "WANT_SERVER_NAME", "WANT_SESSION", "WANT_VERIFY", "WANT_SIGNATURE", "WANT_PSK",
    "NEED_PASSWORD", "CLOSED", "EOF",
    "TIMEOUT", "HANDLE", "UNSUPPORTED" } do
    status[name] = -C.const[name] * 65536
end

--- Returns the class of a negative result, one of the backend's constants.
---@param result integer
---@return integer
function status.class(result)
    return math.floor(-result / 65536)
end

--- Returns the value of a negative result. Its meaning depends on the class: an errno, an alert …
---@param result integer
---@return integer
function status.value(result)
    return -result % 65536
end

--- Returns the status for an error number of the system.
---@param number integer
---@return integer
function status.sys(number)
    return -(C.const.SYS * 65536 + number)
end

return status
