--- Calls SSLContext.verify_callback after a peer's certificates were verified, and returns the results of
--- verifications.
---
--- The ABI has no callbacks: the handshake returns WANT_VERIFY, and is continued after the Lua layer has passed the
--- verdict to the core. So the callback runs between two calls of the ABI: it may raise and yield.
---
--- A context keeps its callback, and whether that may accept a failed verification, in one table, its verifier, or
--- false. Setting either replaces the table, and a connection keeps the verifier that its context had when it was made.

local C = require "cleat.backend"
local alerts = require "cleat.ssl.alerts"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local refusal = require "cleat.ssl.refusal"

local const = C.const
local pcall = compat.pcall

local verdict = {}

local ACCEPT, KEEP = const.VERDICT_ACCEPT, const.VERDICT_KEEP

-- The verifier of a context without a callback that a server has switched to.
local ABSENT = {}

--- The result of a connection's verification, as SSLSocket:get_verify_result returns it; nil if there was no
--- verification.
---@param id integer
---@return {verify_code: integer, verify_message: string, errors: table[]}?
function verdict.of(id)
    local code = C.connection_verify_result(id)
    if code < 0 then
        return nil
    end
    local list = {}
    for index = 0, errors.check(C.connection_verify_error_count(id)) - 1 do
        local _, message, number, depth = errors.check(C.connection_verify_error(id, index))
        list[index + 1] = { depth = depth, code = number, message = message }
    end
    return { verify_code = code, verify_message = list[1] and list[1].message or "ok", errors = list }
end

-- chain returns the verified chain as objects or, if the verification failed, the certificates that the peer has sent.
local function chain(id, found)
    local which = found.verify_code == 0 and const.CHAIN_VERIFIED or const.CHAIN_SENT
    return refusal.certificates(id, which, C.connection_chain_count, C.connection_chain_certificate_guarded)
end

-- interpret returns the verdict for a result of the callback, and an error if the result is invalid.
local function interpret(verifier, answer)
    if answer == nil then
        return KEEP
    elseif answer == true then
        return verifier.may_accept and ACCEPT or KEEP
    elseif answer == false then
        return const.ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN
    end
    local alert = type(answer) == "number" and answer ~= const.ALERT_DESCRIPTION_CLOSE_NOTIFY and alerts[answer]
    if alert then
        return alert
    end
    return const.ALERT_DESCRIPTION_INTERNAL_ERROR, errors.TypeError(
        "verify_callback must return a boolean, nil or an ALERT_DESCRIPTION_* other than CLOSE_NOTIFY, not "
        .. check.kind(answer))
end

-- call returns the verdict of one verifier, and the error if the callback has raised or its result is invalid.
local function call(self, verifier, id)
    if not verifier or verifier == ABSENT then
        return KEEP
    end
    local ok, answer = pcall(function()
        local found = verdict.of(id)
        return verifier.callback(self, chain(id, found), found)
    end)
    if not ok then
        return const.ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN, answer
    end
    return interpret(verifier, answer)
end

-- decide returns the final verdict, and the error as call does. If a server has switched its context, both callbacks
-- are called: either can refuse the peer, and a failed verification is accepted only if both accept it.
local function decide(self, id)
    local first, second = self._verifier, self._other_verifier
    local answer, cause = call(self, first, id)
    if answer > 0 or not second or first == second or self._tls ~= id then
        return answer, cause
    end
    local other
    other, cause = call(self, second, id)
    if other > 0 then
        return other, cause
    end
    return answer == ACCEPT and other or KEEP
end

-- raise_refused raises the error of a handshake after an alert. cause: nil if the callback has chosen the alert.
local function raise_refused(self, cause)
    local err = refusal.of_handshake(self._tls, errors.SSLCertVerificationError, cause)
    return errors.throw(errors.SSLCertVerificationError:is(err) and refusal.add(err, self._tls) or err)
end

--- switch sets the verifier of a connection whose context was changed: a client uses it instead of the first one, a
--- server in addition.
---@param context cleat.ssl.SSLContext
function verdict.switch(self, context)
    if self._server_side then
        self._other_verifier = context._verifier or ABSENT
    else
        self._verifier = context._verifier
    end
end

--- answer calls the callback of a connection whose handshake has returned WANT_VERIFY, and passes the verdict to the
--- core. Then the handshake can continue, unless the callback has closed the connection. If the peer is refused it
--- raises SSLCertVerificationError.
function verdict.answer(self)
    local id = self._tls
    self._in_callback = "verify"
    local answer, cause = decide(self, id)
    self._in_callback = false
    if self._tls == id then
        errors.check(C.connection_answer_verify(id, answer))
        if answer > 0 then
            raise_refused(self, cause)
        end
    end
end

return verdict
