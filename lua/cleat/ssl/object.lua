--- TLS without a network: Python 3.5's ssl.SSLObject, for programs that move the bytes themselves.
---
--- No call waits. One that needs bytes which are not there raises SSLWantReadError, and is to be made again once more was written
--- to the incoming MemoryBIO. What is to be sent stands in the outgoing one after each call, also after one that has raised: an
--- alert, for example. Contexts make these objects: context:wrap_bio(incoming, outgoing, …).
---
--- Python: section 18.2.6 of 3.5 (memory BIO support).

local C = require "cleat.backend"
local MemoryBIO = require "cleat.ssl.memory_bio"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local facts = require "cleat.ssl.facts"
local hostname = require "cleat.ssl.hostname"
local server_name = require "cleat.ssl.server_name"
local status = require "cleat.status"

---@class cleat.ssl.SSLObject
---@field context cleat.ssl.SSLContext another one brings its certificate and authorities; ValueError after the handshake
---@field server_side boolean read-only
---@field server_hostname string? read-only, as it was given
---@field _tls integer the ABI's id of the connection
---@field _tls_guard any
---@field _incoming cleat.ssl.MemoryBIO
---@field _outgoing cleat.ssl.MemoryBIO
---@field _due integer see MemoryBIO:_feed
---@field _origin cleat.ssl.SSLContext the context that it was made from: its servername callback counts
local SSLObject = class.new("ssl.SSLObject", function()
    return errors.raise(errors.TypeError, "SSLObject has no constructor: use SSLContext.wrap_bio()")
end)

for name, method in pairs(facts) do
    SSLObject[name] = method
end

-- deliver moves what is for the network to the outgoing BIO.
local function deliver(self)
    local waiting = C.connection_drain_pending(self._tls)
    if waiting > 0 then
        local _, bytes = errors.check(C.connection_drain(self._tls, waiting))
        self._outgoing:write(bytes)
    end
end

local function answer(self)
    local ok, err = pcall(server_name.answer, self)
    if not ok then
        deliver(self)
        error(err, 0)
    end
end

-- attempt makes a call of the ABI, f(id, …, 0), and gives it what it asks for as long as there is some.
local function attempt(self, operation, f, ...)
    while true do
        local result, data = f(self._tls, ...)
        local due
        if result == status.WANT_SERVER_NAME then
            answer(self)
            due = self._due
        elseif result == status.WANT_READ then
            due = self._incoming:_feed(self._tls, self._due)
        end
        if due then
            self._due = due
        elseif result >= 0 then
            deliver(self)
            return result, data
        else
            local err = errors.from_connection(result, operation)
            deliver(self)
            return errors.throw(err)
        end
    end
end

--- Does the handshake, as far as the incoming bytes allow, and verifies the peer as the context asks.
function SSLObject:do_handshake()
    attempt(self, "handshake", C.connection_handshake, 0)
end

--- Decrypted bytes, up to len of them; "" once the peer has said goodbye. With a buffer, how many were put into it.
---@param len integer? 1024 by default; of a buffer, its size
---@param buffer cleat.Buffer?
---@return string|integer # raises SSLWantReadError; SSLEOFError if incoming ends without a goodbye
function SSLObject:read(len, buffer)
    if buffer ~= nil then
        local contents, size = calls.into("read", buffer, len)
        return (attempt(self, "read", C.connection_read_into, contents, 0, size, 0))
    end
    len = check.optional_integer("read", "len", len, 1024, 0)
    local result, data = attempt(self, "read", C.connection_read, len, 0)
    return result > 0 and data or ""
end

--- Encrypts bytes.
---@param data string|cleat.Buffer
---@return integer # how many they are, which is all
function SSLObject:write(data)
    local contents, size = calls.source("write", data)
    local sent = 0
    while sent < size do
        sent = sent + attempt(self, "write", C.connection_write_from, contents, sent, 0)
    end
    return size
end

--- Says goodbye to the peer, and raises SSLWantReadError until its goodbye has come.
function SSLObject:unwrap()
    attempt(self, "read", C.connection_shutdown, 0)
end

--- How many decrypted bytes can be read without more of incoming.
---@return integer
function SSLObject:pending()
    return errors.check(C.connection_pending(self._tls))
end

local getters, setters = {}, {}

function getters:context()
    return self._context
end

function setters:context(value)
    if getmetatable(value) ~= getmetatable(self._context) then
        errors.raise(errors.TypeError, "The value must be a SSLContext, not " .. class.name_of(value))
    end
    errors.check(C.connection_set_context(self._tls, value._id))
    self._context = value
end

function getters:server_side()
    return self._server_side
end

function getters:server_hostname()
    return self._server_hostname or nil
end

class.properties(SSLObject, getters, setters)

--- Ends TLS without a goodbye: see unwrap.
function SSLObject.instance:__close()
    C.guard_close(self._tls_guard)
end

local function check_bio(argument, value)
    if not MemoryBIO:is(value) then
        check.fail("wrap_bio", argument, "a MemoryBIO", value)
    end
    return value
end

--- SSLContext.wrap_bio with its arguments in order.
---@param context cleat.ssl.SSLContext
---@return cleat.ssl.SSLObject
local function wrap(context, incoming, outgoing, server_side, server_hostname)
    check_bio("incoming", incoming)
    check_bio("outgoing", outgoing)
    server_side = check.optional_boolean("wrap_bio", "server_side", server_side, false)
    local name, labels = hostname.check(context, "wrap_bio", server_side, server_hostname)
    local id, guard = errors.check(C.connection_over_memory_guarded(context._id, server_side and 1 or 0, labels or name or nil))
    return setmetatable({
        _tls = id, _tls_guard = guard, _context = context, _origin = context, _incoming = incoming,
        _outgoing = outgoing, _due = 0, _server_side = server_side, _server_hostname = name, _asking = false,
    }, SSLObject.instance)
end

return { SSLObject = SSLObject, wrap = wrap }
