--- The TLS messages that a connection sends and receives: for Python's private hook SSLContext._msg_callback, and for
--- the flights of SSLSocket:describe.
---
--- The ABI has no callbacks: the core queues the messages, and the Lua layer fetches them after each step of a call. A
--- connection of such a context makes no first attempts (see cleat.ssl.connection), so that each call gets here.

local C = require "cleat.backend"
local check = require "cleat.check"
local compat = require "cleat.compat"
local enumerations = require "cleat.ssl.enumerations"
local errors = require "cleat.errors"
local status = require "cleat.status"

local const = C.const
local pcall = compat.pcall
local WANT_READ, WANT_WRITE = status.WANT_READ, status.WANT_WRITE

local MAIN = {} -- stands for the main coroutine: coroutine.running() returns nil there on Lua 5.1
local FLIGHTS_MAX = 32 -- a handshake has about four; a KeyUpdate may follow at any time

local messages = { getters = {}, setters = {} }

--- The enumerations of the callback's numbers, as CPython defines them.
messages.enumerations = {
    _TLSContentType = enumerations.both({
        CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23, HEADER = 0x100, INNER_CONTENT_TYPE = 0x101,
    }, "_TLSContentType"),
    _TLSMessageType = enumerations.both({
        HELLO_REQUEST = 0, CLIENT_HELLO = 1, SERVER_HELLO = 2, HELLO_VERIFY_REQUEST = 3, NEWSESSION_TICKET = 4,
        END_OF_EARLY_DATA = 5, HELLO_RETRY_REQUEST = 6, ENCRYPTED_EXTENSIONS = 8, CERTIFICATE = 11, SERVER_KEY_EXCHANGE = 12,
        CERTIFICATE_REQUEST = 13, SERVER_DONE = 14, CERTIFICATE_VERIFY = 15, CLIENT_KEY_EXCHANGE = 16, FINISHED = 20,
        CERTIFICATE_URL = 21, CERTIFICATE_STATUS = 22, SUPPLEMENTAL_DATA = 23, KEY_UPDATE = 24, NEXT_PROTO = 67,
        MESSAGE_HASH = 254, CHANGE_CIPHER_SPEC = 0x101,
    }, "_TLSMessageType"),
    _TLSAlertType = enumerations.both({
        CLOSE_NOTIFY = 0, UNEXPECTED_MESSAGE = 10, BAD_RECORD_MAC = 20, DECRYPTION_FAILED = 21, RECORD_OVERFLOW = 22,
        DECOMPRESSION_FAILURE = 30, HANDSHAKE_FAILURE = 40, NO_CERTIFICATE = 41, BAD_CERTIFICATE = 42,
        UNSUPPORTED_CERTIFICATE = 43, CERTIFICATE_REVOKED = 44, CERTIFICATE_EXPIRED = 45, CERTIFICATE_UNKNOWN = 46,
        ILLEGAL_PARAMETER = 47, UNKNOWN_CA = 48, ACCESS_DENIED = 49, DECODE_ERROR = 50, DECRYPT_ERROR = 51,
        EXPORT_RESTRICTION = 60, PROTOCOL_VERSION = 70, INSUFFICIENT_SECURITY = 71, INTERNAL_ERROR = 80,
        INAPPROPRIATE_FALLBACK = 86, USER_CANCELED = 90, NO_RENEGOTIATION = 100, MISSING_EXTENSION = 109,
        UNSUPPORTED_EXTENSION = 110, CERTIFICATE_UNOBTAINABLE = 111, UNRECOGNIZED_NAME = 112,
        BAD_CERTIFICATE_STATUS_RESPONSE = 113, BAD_CERTIFICATE_HASH_VALUE = 114, UNKNOWN_PSK_IDENTITY = 115,
        CERTIFICATE_REQUIRED = 116, NO_APPLICATION_PROTOCOL = 120, ECH_REQUIRED = 121,
    }, "_TLSAlertType"),
}

-- type_of returns what Python's callback gets as version and msg_type.
local function type_of(version, kind, data)
    if kind == const.MESSAGE_CHANGE_CIPHER_SPEC then
        return version, 0x101
    elseif kind == const.MESSAGE_ALERT then
        return version, data:byte(2) or -1
    elseif kind == const.MESSAGE_HEADER then
        return (data:byte(2) or 0) * 256 + (data:byte(3) or 0), data:byte(1) or -1
    end
    return version, data:byte(1) or -1
end

-- add_to_flights records a message of the handshake. A flight is what one side sends until the other side sends.
local function add_to_flights(flights, sent, seconds, kind, message)
    if kind ~= const.MESSAGE_HANDSHAKE then
        return
    end
    local last = flights[#flights]
    if not last or last.sent ~= sent then
        if #flights == FLIGHTS_MAX then
            return
        end
        last = { sent = sent, seconds = seconds, messages = {} }
        flights[#flights + 1] = last
    end
    last.messages[#last.messages + 1] = messages.enumerations._TLSMessageType[message] or tostring(message)
end

local function call(self, callback, sent, version, kind, message, data)
    self._trace.inside = compat.running() or MAIN
    local ok, err = pcall(callback, self, sent and "write" or "read", version, kind, message, data)
    self._trace.inside = false
    return ok, err
end

-- deliver passes the queued messages to the callback, all of them even if it raises, and returns its first error.
local function deliver(self)
    local id, trace = self._tls, self._trace
    local failed, failure
    while self._tls == id do
        local _, data, sent, version, kind, seconds, lost = errors.check(C.connection_next_message(id))
        if lost > 0 and not failed then
            failed, failure = true, errors.MemoryError(("%d messages were lost"):format(lost))
        end
        if data == "" then
            break
        end
        local message
        version, message = type_of(version, kind, data)
        if trace.flights then
            add_to_flights(trace.flights, sent == 1, seconds, kind, message)
        end
        if trace.callback then
            local ok, err = call(self, trace.callback, sent == 1, version, kind, message, data)
            if not ok and not failed then
                failed, failure = true, err
            end
        end
    end
    return failed, failure
end

--- stepped is called after each step of a call, with the step's status. An error of the callback is raised at once if
--- the step has failed or belongs to the handshake. Otherwise the next call raises it, so that no data is lost.
---@param self cleat.ssl.Connection
---@param result integer?
---@param is_handshake boolean
function messages.stepped(self, result, is_handshake)
    local trace = self._trace
    local failed, failure = deliver(self)
    if failed and not trace.failed then
        trace.failed, trace.failure = true, failure
    end
    local ended = result and result ~= WANT_READ and result ~= WANT_WRITE and (result < 0 or is_handshake)
    if trace.failed and ended then
        messages.raise(self)
    end
end

--- begin is called before the first step of a call. It raises ValueError if the callback itself makes the call, and an
--- error of the callback that was deferred to this call.
---@param self cleat.ssl.Connection
function messages.begin(self)
    if self._trace.inside == (compat.running() or MAIN) then
        errors.raise(errors.ValueError, "the message callback has not returned yet")
    end
    messages.raise(self)
end

--- raise raises an error of the callback that was deferred to this call.
function messages.raise(self)
    local trace = self._trace
    if trace.failed then
        local failure = trace.failure
        trace.failed, trace.failure = false, nil
        error(failure, 0)
    end
end

--- trace returns the state for tracing a new connection of the context, false if its messages are not traced.
---@param context cleat.ssl.SSLContext
---@return table|false
function messages.trace(context)
    return { callback = context._on_message, flights = context._trace_handshake and {}, failed = false, inside = false }
end

-- apply sets whether the core queues messages.
local function apply(context, callback, flights)
    local on = (callback or flights) and 1 or 0
    errors.check(C.context_set_message_events(context._id, on))
    context._on_message, context._trace_handshake, context._traces = callback, flights, on == 1
end

function messages.getters:_msg_callback()
    return self._on_message or nil
end

function messages.setters:_msg_callback(value)
    if value ~= nil and not check.callable(value) then
        errors.raise(errors.TypeError, "not a callable object")
    end
    apply(self, value or false, self._trace_handshake)
end

function messages.getters:trace_handshake()
    return self._trace_handshake
end

function messages.setters:trace_handshake(value)
    if type(value) ~= "boolean" then
        errors.raise(errors.TypeError, "trace_handshake must be a boolean, not " .. check.kind(value))
    end
    apply(self, self._on_message, value)
end

return messages
