--- SSLContext.minimum_version and maximum_version. As in Python, a minimum of TLSVersion.MINIMUM_SUPPORTED and a
--- maximum of MAXIMUM_SUPPORTED are read back unchanged; the other way round the version itself is read.

local C = require "cleat.backend"
local check = require "cleat.check"
local constants = require "cleat.ssl.constants"
local errors = require "cleat.errors"
local roles = require "cleat.ssl.roles"

local const = C.const
local TLSVersion = constants.TLSVersion
local LOWEST, HIGHEST = TLSVersion.MINIMUM_SUPPORTED, TLSVersion.MAXIMUM_SUPPORTED

local MODIFIABLE = { [const.PROTOCOL_TLS] = true, [roles.CLIENT] = true, [roles.SERVER] = true }

local version_range = {}

-- bound returns the getter and the setter of one end of the range. default: the constant that means the library's own
-- bound of this end.
local function bound(name, default, get, set)
    local place = default == LOWEST and "_lowest" or "_highest"
    return function(self)
        local version = errors.check(get(self._id))
        return (self[place] or not MODIFIABLE[self._protocol]) and default or version
    end, function(self, value)
        if type(value) ~= "number" or value % 1 ~= 0 then
            errors.raise(errors.TypeError, ("%s must be an integer, not %s"):format(name, check.kind(value)))
        end
        local version = value == LOWEST and TLSVersion.TLSv1 or value == HIGHEST and TLSVersion.TLSv1_3 or value
        if not MODIFIABLE[self._protocol] then
            errors.raise(errors.ValueError,
                "The context's protocol doesn't support modification of highest and lowest version.")
        elseif version < TLSVersion.TLSv1 or version > TLSVersion.TLSv1_3 then
            errors.raise(errors.ValueError, (version == TLSVersion.SSLv3 and "Unsupported protocol version %s" or
                "Unsupported TLS/SSL version %s"):format(value > 0 and value <= check.INT_MAX and ("0x%x"):format(value) or
                tostring(value)))
        end
        errors.check(set(self._id, version))
        self[place] = value == default
    end
end

--- add adds the two properties.
---@param getters table<string, function>
---@param setters table<string, function>
function version_range.add(getters, setters)
    getters.minimum_version, setters.minimum_version = bound("minimum_version", LOWEST, C.context_minimum_version,
        C.context_set_minimum_version)
    getters.maximum_version, setters.maximum_version = bound("maximum_version", HIGHEST, C.context_maximum_version,
        C.context_set_maximum_version)
end

return version_range
