--- Sessions of clients: Python 3.6's ssl.SSLSession.

local C = require "cleat.backend"
local class = require "cleat.class"
local errors = require "cleat.errors"

--- A client's TLS session, from the field `session` of a connection. A later connection of the same context can resume
--- it with a shorter handshake, in which the context verifies the server again. Sessions are immutable, and equal
--- (`==`) if their ids are.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local sock = socket.create_connection({ "localhost", port })
---     local first = context:wrap_socket(sock, { server_hostname = "localhost" })
---     first:sendall("hello")
---     first:recv(5) -- with TLS 1.3 the server sends the session after the handshake
---     local second = context:wrap_socket(socket.create_connection({ "localhost", port }), {
---         server_hostname = "localhost", session = first.session,
---     })
---     print(first.session_reused, second.session_reused) --> false	true
---     first:close()
---     second:close()
---
--- Use a session of TLS 1.3 once (`single_use`): an observer of two connections with the same session knows that they
--- belong to the same client. A session belongs to the client certificate that the context had: a server that resumes
--- it identifies the client by this certificate.
---
--- tobytes() is DANGEROUS: the bytes contain the session's secret.
---
--- Python: 3.6; `version`, `single_use` and `tobytes` none.
---@class cleat.ssl.SSLSession
---@field id string bytes that identify the session; they are not secret
---@field time number when the session was made, in seconds since 1970
---@field timeout integer for how many seconds after `time` it can be resumed
---@field ticket_lifetime_hint integer for how many seconds the server accepts the ticket, as it says; 0 if it does not
---@field has_ticket boolean whether the client has a ticket; otherwise the session is in the server's cache
---@field version string "TLSv1.2", "TLSv1.3" …: the version of the connections that can resume it
---@field single_use boolean whether it should be used once only: true with TLS 1.3
---@field _id integer
---@field _guard cleat.backend.Guard closes the id
local SSLSession = class.new("ssl.SSLSession", function()
    return errors.raise(errors.TypeError, "SSLSession has no constructor: use the field session of a connection")
end)

--- Encodes the session as bytes, for SSLContext:session_from_bytes in this or another process. DANGEROUS: the bytes
--- contain the session's secret. An attacker who reads them can pose as the client, and decrypt connections that resume
--- the session without a new key exchange. Protect them like a private key.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local session = new_session(context)
---     print(context:session_from_bytes(session:tobytes()) == session) --> true
---
--- Raises: MemoryError.
--- Python: none.
---@return string
function SSLSession:tobytes()
    local _, bytes = errors.check(C.session_bytes(self._id))
    return bytes
end

local getters = {}

function getters:id()
    local _, id = errors.check(C.session_identifier(self._id))
    return id
end

function getters:time()
    local _, time = errors.check(C.session_time(self._id))
    return time
end

function getters:timeout()
    return errors.check(C.session_timeout(self._id))
end

function getters:ticket_lifetime_hint()
    return errors.check(C.session_ticket_lifetime_hint(self._id))
end

function getters:has_ticket()
    return errors.check(C.session_has_ticket(self._id)) == 1
end

function getters:single_use()
    return errors.check(C.session_single_use(self._id)) == 1
end

function getters:version()
    local _, version = errors.check(C.session_version(self._id))
    return version
end

class.properties(SSLSession, getters, {})

function SSLSession.instance.__eq(one, other)
    return SSLSession:is(one) and SSLSession:is(other) and one.id == other.id
end

--- "<ssl.SSLSession TLSv1.3>"
function SSLSession.instance:__tostring()
    return ("<ssl.SSLSession %s>"):format(self.version)
end

return SSLSession
