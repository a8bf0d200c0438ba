--- Early data of servers: the field `max_early_data` of contexts, and the method that reads it.

local C = require "cleat.backend"
local check = require "cleat.check"
local connection = require "cleat.ssl.connection"
local errors = require "cleat.errors"
local suspend = require "cleat.suspend"
local waiting = require "cleat.socket.waiting"

local LIMIT = C.const.EARLY_DATA_LIMIT
local READ = connection.READ

---@class cleat.ssl.Connection
local methods = {}

local early_data = { methods = methods, getters = {}, setters = {} }

local function read_call(id, wait, size)
    return C.connection_read_early(id, size, wait)
end

--- Receives early data (0-RTT), on a server whose context has `max_early_data`: bytes that the client has sent before
--- the handshake was done. It returns "" after the last one, and if there is none. Called before the handshake it
--- returns early data as soon as it arrives, so that the server can begin to process a request; the response must wait
--- for the handshake. Called after the handshake it returns what the handshake has received. As long as there is unread
--- early data, recv raises ValueError, so that early data is never mixed with other data.
---
---     local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
---     context:load_cert_chain("cert.pem", "key.pem")
---     context.max_early_data = 14336
---     local object = context:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), { server_side = true })
---     print(pcall(object.recv_early, object)) --> false	The operation did not complete (read)
---
--- DANGEROUS: an attacker can replay early data any number of times, unless the sessions are in a store with `add`
--- (set_session_store). Do nothing with the result of recv_early that must not be done twice.
---
--- Raises: the same errors as recv; ValueError on a client.
--- Python: none.
---@param buflen integer? the maximum number of bytes; 1024 by default
---@return string
function methods:recv_early(buflen)
    buflen = check.optional_integer("recv_early", "buflen", buflen, 1024, 0)
    if self._tls == 0 then
        self:_prepare("recv_early")
    end
    local timeout = self._timeout
    local deadline = waiting.deadline(timeout)
    local of = C.connection_established(self._tls) == 1 and READ or READ.handshake
    local result, data = suspend.run(self, of, "recv_early", timeout, deadline, nil, read_call, buflen)
    self._transport.emit(self, nil, deadline)
    return result > 0 and data or ""
end

function early_data.getters:max_early_data()
    return errors.check(C.context_early_data(self._id))
end

function early_data.setters:max_early_data(value)
    if type(value) ~= "number" or value % 1 ~= 0 then
        errors.raise(errors.TypeError, "max_early_data must be an integer, not " .. check.kind(value))
    elseif value < 0 or value > LIMIT then
        errors.raise(errors.ValueError, ("max_early_data must be 0 to %d"):format(LIMIT))
    end
    errors.check(C.context_set_early_data(self._id, value))
end

return early_data
