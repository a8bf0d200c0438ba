--- Encrypted ClientHello (ECH) in connections: the argument ech_configs of wrap_socket and wrap_bio, its result, and
--- the error of a handshake in which the server could not decrypt.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"

-- getters: of connections; context_getters and context_setters: of contexts.
local ech = { getters = {}, context_getters = {}, context_setters = {} }

--- check checks the argument ech_configs, and returns it, or false for none.
---@param method string
---@param server_side boolean
---@param configs any
---@return string|false
function ech.check(method, server_side, configs)
    if configs == nil then
        return false
    elseif server_side then
        errors.raise(errors.ValueError, "ech_configs can only be specified in client mode")
    end
    return check.string(method, "ech_configs", configs)
end

--- offer passes the argument ech_configs to a connection whose id was just made.
---@param self cleat.ssl.Connection
---@return integer status
function ech.offer(self)
    return self._ech_configs and C.connection_set_ech_configs(self._tls, self._ech_configs) or 0
end

-- absent_if_empty returns a text of the connection, nil if it is empty or there is no TLS.
local function absent_if_empty(f, id)
    if id == 0 then
        return nil
    end
    local length, text = f(id)
    return length > 0 and text or nil
end

--- add stores the server's retry configurations in the error of a refused handshake.
---@param err cleat.Error
---@param id integer the connection's
---@return cleat.Error
function ech.add(err, id)
    err.ech_public_name = absent_if_empty(C.connection_ech_public_name, id)
    err.ech_retry_configs = absent_if_empty(C.connection_ech_retry_configs, id)
    return err
end

function ech.getters:ech_accepted()
    if self._tls == 0 then
        return nil
    end
    return C.connection_ech_accepted(self._tls) == 1
end

function ech.getters:ech_public_name()
    return absent_if_empty(C.connection_ech_public_name, self._tls)
end

function ech.context_getters:ech_grease()
    return errors.check(C.context_ech_grease(self._id)) == 1
end

function ech.context_setters:ech_grease(value)
    if type(value) ~= "boolean" then
        errors.raise(errors.TypeError, "ech_grease must be a boolean, not " .. check.kind(value))
    end
    errors.check(C.context_set_ech_grease(self._id, value and 1 or 0))
end

return ech
