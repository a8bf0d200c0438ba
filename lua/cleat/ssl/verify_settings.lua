--- The fields of a context that decide how peers are verified, except verify_mode, verify_flags and check_hostname.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"

local const = C.const

local getters, setters = {}, {}

local function boolean(name, value)
    if type(value) ~= "boolean" then
        errors.raise(errors.TypeError, ("%s must be a boolean, not %s"):format(name, check.kind(value)))
    end
    return value
end

-- apply sets the verifications after which the core pauses the handshake for the callback.
local function apply(self, callback, may_accept)
    local on = callback and (may_accept and const.VERDICTS_ALL or const.VERDICTS_GOOD) or const.VERDICTS_NONE
    errors.check(C.context_set_verify_events(self._id, on))
    self._verify_callback, self._verify_callback_may_accept = callback, may_accept
    self._verifier = callback and { callback = callback, may_accept = may_accept }
end

function getters:verify_callback()
    return self._verify_callback or nil
end

function setters:verify_callback(value)
    if value ~= nil and not check.callable(value) then
        errors.raise(errors.TypeError, "verify_callback must be a function or nil, not " .. check.kind(value))
    end
    apply(self, value or false, self._verify_callback_may_accept)
end

function getters:verify_callback_may_accept()
    return self._verify_callback_may_accept
end

function setters:verify_callback_may_accept(value)
    apply(self, self._verify_callback, boolean("verify_callback_may_accept", value))
end

function getters:enforce_verification()
    return errors.check(C.context_verify_enforced(self._id)) == 1
end

function setters:enforce_verification(value)
    errors.check(C.context_set_verify_enforced(self._id, boolean("enforce_verification", value) and 1 or 0))
end

function getters:hostname_checks_common_name()
    return errors.check(C.context_checks_common_name(self._id)) == 1
end

function setters:hostname_checks_common_name(value)
    errors.check(C.context_set_checks_common_name(self._id, boolean("hostname_checks_common_name", value) and 1 or 0))
end

function getters:verify_depth()
    return errors.check(C.context_verify_depth(self._id))
end

function setters:verify_depth(value)
    if type(value) ~= "number" or value % 1 ~= 0 then
        errors.raise(errors.TypeError, "verify_depth must be an integer, not " .. check.kind(value))
    elseif value < 0 or value > const.DEPTH_MAX then
        errors.raise(errors.ValueError, ("verify_depth must be 0 to %d"):format(const.DEPTH_MAX))
    end
    errors.check(C.context_set_verify_depth(self._id, value))
end

function getters:verify_time()
    local _, time = errors.check(C.context_verify_time(self._id))
    return time >= 0 and time or nil
end

function setters:verify_time(value)
    if value ~= nil and type(value) ~= "number" then
        errors.raise(errors.TypeError, "verify_time must be a number or nil, not " .. check.kind(value))
    elseif value ~= nil and not (value >= 0 and value <= 253402300799) then
        errors.raise(errors.ValueError, "verify_time must be seconds since 1970, up to the end of the year 9999")
    end
    errors.check(C.context_set_verify_time(self._id, value or -1))
end

return { getters = getters, setters = setters }
