--- Early data of clients: the argument `early_data` of wrap_socket and wrap_bio.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"

local ACCEPTED, REFUSED = C.const.EARLY_DATA_ACCEPTED, C.const.EARLY_DATA_REFUSED

local early_write = {}

--- check checks the argument early_data, and returns it, or false for none.
---@param method string
---@param server_side boolean
---@param data any
---@return string|false
function early_write.check(method, server_side, data)
    if data == nil then
        return false
    elseif server_side then
        errors.raise(errors.ValueError, "early_data can only be specified in client mode")
    end
    data = check.string(method, "early_data", data)
    return data ~= "" and data
end

--- call does the handshake of a connection with early data. What did not reach the server as early data it sends after
--- the handshake, still in the handshake's turn, so that these bytes come before all others and exactly once. _early_at
--- counts the bytes that were sent, as early data until the handshake is done. For the parameters see cleat.suspend. It
--- returns nil to be called again at once.
---@param id integer
---@param wait number
---@param self cleat.ssl.Connection
---@return integer?
function early_write.call(id, wait, self)
    local data = self._early
    if not data then -- another coroutine's call has sent it
        return C.connection_handshake(id, wait)
    elseif not self._early_at then
        local result = C.connection_write_early(id, data, wait)
        if result < 0 then
            return result
        end
        self._early_at = result
        return nil
    elseif C.connection_established(id) ~= 1 then
        local result = C.connection_handshake(id, wait)
        return result < 0 and result or nil
    elseif not self._early_answered then
        self._early_answered = true
        if C.connection_early_data(id) ~= ACCEPTED then
            self._early_at = 0
        end
    end
    if self._early_at < #data then
        local result = C.connection_write_from(id, data, self._early_at, wait)
        if result < 0 then
            return result
        end
        self._early_at = self._early_at + result
    end
    if self._early_at < #data then
        return nil
    end
    self._early = false
    return 0
end

local STATES = { [ACCEPTED] = "accepted", [REFUSED] = "refused" }

--- state returns the value of the field early_data.
---@param self cleat.ssl.Connection
---@return "accepted"|"refused"|nil
function early_write.state(self)
    local id = self._tls
    if id == 0 then
        return nil
    end
    local state = C.connection_early_data(id)
    if state == C.const.EARLY_DATA_OPEN and self._server_side then
        state = ACCEPTED
    end
    return STATES[state]
end

return early_write
