--- Calls SSLContext.verify_callback once a peer's certificates were verified, and reports what was found.
---
--- The ABI has no callbacks: the handshake returns WANT_VERIFY and is continued after an answer. So the callback is a
--- Lua function between two calls of the ABI: it may raise, and in a coroutine it may yield.
---
--- A context has its callback and whether that may accept in one table, its verifier, or false. It is replaced when one
--- of both is set, and a connection keeps the one that it was made with, as it keeps all else that verifies its peer.

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

-- The verifier of a context without a callback to which a server has switched.
local ABSENT = {}

--- What a verification has found: the fields of SSLSocket:get_verify_result. nil if there was none.
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

-- chain: the certificates, as objects: those that were verified, or if they were refused, those that the peer has sent.
local function chain(id, found)
    local which = found.verify_code == 0 and const.CHAIN_VERIFIED or const.CHAIN_SENT
    return refusal.certificates(id, which, C.connection_chain_count, C.connection_chain_certificate_guarded)
end

-- interpret returns the answer for a result of the callback, and the error of a wrong one.
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

-- ask returns the answer of one verifier, and unless its callback has chosen it, the error.
local function ask(self, verifier, id)
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

-- decide: where a server has switched its context both callbacks are asked. Each can refuse; only both can accept what
-- the verification refuses.
local function decide(self, id)
    local first, second = self._verifier, self._other_verifier
    local answer, cause = ask(self, first, id)
    if answer > 0 or not second or first == second or self._tls ~= id then
        return answer, cause
    end
    local other
    other, cause = ask(self, second, id)
    if other > 0 then
        return other, cause
    end
    return answer == ACCEPT and other or KEEP
end

-- refused raises the error of a handshake after an alert; cause is nil if the callback has chosen the alert.
local function refused(self, cause)
    local err = refusal.of_handshake(self._tls, errors.SSLCertVerificationError, cause)
    return errors.throw(errors.SSLCertVerificationError:is(err) and refusal.add(err, self._tls) or err)
end

--- switch gives a connection the verifier of another context: a client in place of the first, a server beside it.
---@param context cleat.ssl.SSLContext
function verdict.switch(self, context)
    if self._server_side then
        self._other_verifier = context._verifier or ABSENT
    else
        self._verifier = context._verifier
    end
end

--- answer calls the callback of a connection whose handshake has returned WANT_VERIFY. After it the handshake can
--- continue, unless the callback has closed the connection. If the peer is refused it raises SSLCertVerificationError.
function verdict.answer(self)
    local id = self._tls
    self._in_callback = "verify"
    local answer, cause = decide(self, id)
    self._in_callback = false
    if self._tls == id then
        errors.check(C.connection_answer_verify(id, answer))
        if answer > 0 then
            refused(self, cause)
        end
    end
end

return verdict
