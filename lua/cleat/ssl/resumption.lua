--- Sessions of connections: the one that a client offers, the current one, and sessions from bytes.

local C = require "cleat.backend"
local SSLSession = require "cleat.ssl.session"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local const = C.const

-- getters and setters: of connections; context_getters and context_setters: of contexts.
local resumption = { getters = {}, setters = {}, context_getters = {}, context_setters = {} }

-- new_session returns an SSLSession for a new id.
local function new_session(id, guard)
    return setmetatable({ _id = id, _guard = guard }, SSLSession.instance)
end

local function check_session(value)
    if getmetatable(value) ~= SSLSession.instance then
        errors.raise(errors.TypeError, "Value is not a SSLSession.")
    end
    return value
end

--- check checks the argument `session` of wrap_socket and wrap_bio, and returns it, or false for none.
---@param server_side boolean
---@param session any
---@return cleat.ssl.SSLSession|false
function resumption.check(server_side, session)
    if session == nil then
        return false
    elseif server_side then
        errors.raise(errors.ValueError, "session can only be specified in client mode")
    end
    return check_session(session)
end

--- offer passes the session that the program has set to a connection whose id was just made.
---@param self cleat.ssl.Connection
---@return integer status
function resumption.offer(self)
    return self._session and C.connection_set_session(self._tls, self._session._id) or 0
end

function resumption.getters:session()
    if self._tls ~= 0 then
        local id, guard = errors.check(C.connection_session_guarded(self._tls))
        if id ~= 0 then
            return new_session(id, guard)
        elseif C.connection_established(self._tls) == 1 then
            return nil
        end
        return self._session or nil
    end
    return self._state == "new" and self._session or nil
end

function resumption.setters:session(value)
    check_session(value)
    if self._server_side then
        errors.raise(errors.ValueError, "Cannot set session for server-side SSLSocket.")
    elseif self._tls ~= 0 then
        errors.check(C.connection_set_session(self._tls, value._id))
    elseif self._state ~= "new" then
        errors.raise(errors.ValueError, "Cannot set session after handshake.")
    end
    self._session = value
end

function resumption.getters:session_reused()
    if self._tls == 0 then
        return nil
    end
    return C.connection_session_reused(self._tls) == 1
end

function resumption.context_getters:session_cache_size()
    return errors.check(C.context_client_sessions(self._id))
end

function resumption.context_setters:session_cache_size(value)
    if type(value) ~= "number" or value % 1 ~= 0 then
        errors.raise(errors.TypeError, "session_cache_size must be an integer, not " .. check.kind(value))
    elseif value < 0 or value > const.CLIENT_SESSIONS_MAX then
        errors.raise(errors.ValueError, ("session_cache_size must be 0 to %d"):format(const.CLIENT_SESSIONS_MAX))
    end
    errors.check(C.context_set_client_sessions(self._id, value))
end

---@class cleat.ssl.SSLContext
local methods = {}
resumption.methods = methods

local parse_bytes = keywords.parser("session_from_bytes", { "data" }, { required = 1 })

--- Decodes a session from the bytes of SSLSession:tobytes, for connections of this context. DANGEROUS: the bytes are
--- not authenticated. An attacker who can modify them can pose as the server, because a session replaces the server's
--- proof that it has the private key.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local bytes = new_session(context):tobytes()
---     print(context:session_from_bytes(bytes).version) --> TLSv1.3
---
--- Raises: SSLError if the bytes are not a session (INVALID_SSL_SESSION), or if the session was made with another
--- client certificate than the context has (SESSION_CERTIFICATE_MISMATCH); TypeError.
--- Python: none.
---@param data string
---@return cleat.ssl.SSLSession
function methods:session_from_bytes(data, ...)
    data = check.string("session_from_bytes", "data", (parse_bytes(data, ...)))
    return new_session(errors.check(C.session_from_bytes_guarded(self._id, data)))
end

return resumption
