--- Calls the function of SSLContext.set_servername_callback when a client has sent its ClientHello (section 17.3.3).
---
--- The ABI has no callbacks: the handshake returns WANT_SERVER_NAME, and is continued after the Lua layer has passed
--- the answer to the core. So the callback runs between two calls of the ABI: it may raise and yield.

local C = require "cleat.backend"
local alerts = require "cleat.ssl.alerts"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local idna = require "cleat.idna"
local refusal = require "cleat.ssl.refusal"

local pcall = compat.pcall

local const = C.const

local server_name = {}

local CONTINUE = -1

-- decide calls the callback. It returns CONTINUE, or the alert for the client and, unless the callback has chosen the
-- alert, the error. raw: whether the callback gets the name as the client has sent it.
local function decide(self, callback, context, name, raw)
    local decoded = raw and name ~= "" and name or nil
    if name ~= "" and not raw then
        local ok, result = pcall(idna.decode, name)
        if not ok then
            return const.ALERT_DESCRIPTION_INTERNAL_ERROR, result
        end
        decoded = result
    end
    local ok, answer = pcall(callback, self, decoded, context)
    if not ok then
        return const.ALERT_DESCRIPTION_HANDSHAKE_FAILURE, answer
    elseif answer == nil then
        return CONTINUE
    end
    local alert = type(answer) == "number" and alerts[answer]
    if alert then
        return alert
    end
    return const.ALERT_DESCRIPTION_INTERNAL_ERROR, errors.TypeError(
        "servername callback must return nil or an ALERT_DESCRIPTION_*, not " .. check.kind(answer))
end

--- answer calls the callback of a connection whose handshake has returned WANT_SERVER_NAME, and passes its result to
--- the core. Then the handshake can continue, unless the callback has closed the connection. If the client is refused
--- it raises SSLError with the reason CALLBACK_FAILED.
function server_name.answer(self)
    local id, context = self._tls, self._origin
    local alert, cause = CONTINUE, nil
    local callback = context._servername_callback
    if callback then
        local _, name = errors.check(C.connection_server_hostname(id))
        self._in_callback = "servername"
        alert, cause = decide(self, callback, context, name, context._sni_callback)
        self._in_callback = false
    end
    if self._tls == id then
        errors.check(C.connection_answer_server_name(id, alert))
        if alert ~= CONTINUE then
            errors.throw(refusal.of_handshake(id, errors.SSLError, cause))
        end
    end
end

return server_name
