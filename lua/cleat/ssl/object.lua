--- TLS without a network: Python 3.5's ssl.SSLObject, for programs that move the bytes themselves.
---
--- No call waits. One that needs bytes which are not there raises SSLWantReadError, and is to be made again once more
--- was written to the incoming MemoryBIO. What is to be sent stands in the outgoing one after each call, also after one
--- that has raised: an alert, for example. Contexts make these objects: context:wrap_bio(incoming, outgoing, …).
---
--- Python: section 18.2.6 of 3.5 (memory BIO support).

local C = require "cleat.backend"
local MemoryBIO = require "cleat.ssl.memory_bio"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local class = require "cleat.class"
local connection = require "cleat.ssl.connection"
local connection_info = require "cleat.ssl.connection_info"
local errors = require "cleat.errors"
local hostname = require "cleat.ssl.hostname"
local memory = require "cleat.ssl.transport.memory"

---@class cleat.ssl.SSLObject: cleat.ssl.Connection
---@field context cleat.ssl.SSLContext see SSLSocket
---@field server_side boolean read-only
---@field server_hostname string? read-only, as it was given
---@field _incoming cleat.ssl.MemoryBIO
---@field _outgoing cleat.ssl.MemoryBIO
---@field _due integer see MemoryBIO:_feed
local SSLObject = class.new("ssl.SSLObject", function()
    return errors.raise(errors.TypeError, "SSLObject has no constructor: use SSLContext.wrap_bio()")
end, connection.Connection)

for name, method in pairs(connection_info) do
    SSLObject[name] = method
end

local READ, WRITE = connection.READ, connection.WRITE

local function read_call(id, _, len)
    return C.connection_read(id, len, 0)
end

local function read_into_call(id, _, contents, size)
    return C.connection_read_into(id, contents, 0, size, 0)
end

-- write_call: work is {data, length, number of bytes encrypted}.
local function write_call(id, _, _, work)
    local result = C.connection_write_from(id, work[1], work[3], 0)
    if result < 0 then
        return result
    end
    work[3] = work[3] + result
    return work[3] >= work[2] and work[3] or nil
end

--- Does the handshake, as far as the incoming bytes allow, and verifies the peer as the context asks.
function SSLObject:do_handshake()
    connection.handshake(self, 0)
end

--- Decrypted bytes, up to len of them; "" once the peer has sent close_notify. With a buffer, how many were put into
--- it.
---@param len integer? 1024 by default; of a buffer, its size
---@param buffer cleat.Buffer?
---@return string|integer # raises SSLWantReadError; SSLEOFError if incoming ends without close_notify
function SSLObject:read(len, buffer)
    if buffer ~= nil then
        local contents, size = calls.into("read", buffer, len, true)
        return (connection.finish(self, READ, "read", nil, nil, read_into_call, contents, size))
    end
    len = check.optional_integer("read", "len", len, 1024, 0)
    local result, data = connection.finish(self, READ, "read", nil, nil, read_call, len)
    return result > 0 and data or ""
end

--- Encrypts bytes.
---@param data string|cleat.Buffer
---@return integer # how many they are, which is all
function SSLObject:write(data)
    local contents, size = calls.source("write", data)
    if size > 0 then
        connection.finish(self, WRITE, "write", nil, nil, write_call, self, { contents, size, 0 })
    end
    return size
end

--- Sends close_notify, and raises SSLWantReadError until the peer's has come.
function SSLObject:unwrap()
    connection.close_notify(self)
end

--- How many decrypted bytes can be read without more of incoming.
---@return integer
function SSLObject:pending()
    return errors.check(C.connection_pending(self._tls))
end

function SSLObject:_prepare()
    return errors.throw(errors.from_errno(C.const.EBADF))
end

SSLObject._gone = SSLObject._prepare

class.properties(SSLObject, connection.getters, connection.setters, connection.defaults)

--- Ends TLS without close_notify: see unwrap.
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
    local self = setmetatable({
        _tls = 0, _tls_guard = false, _read_id = 0, _write_id = 0, _transport = memory, _context = context, _origin = context,
        _incoming = incoming, _outgoing = outgoing, _due = 0, _timeout = 0, _wait = 0, _waiter = false, _events = "r", _turns = false,
        _server_side = server_side, _server_hostname = name, _in_callback = false, _failed = false,
    }, SSLObject.instance)
    connection.open(self, labels or name)
    return self
end

return { SSLObject = SSLObject, wrap = wrap }
