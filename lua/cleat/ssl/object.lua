--- TLS without a network: Python's ssl.SSLObject (3.5, section 18.2.6).

local C = require "cleat.backend"
local algorithms = require "cleat.ssl.algorithms"
local MemoryBIO = require "cleat.ssl.memory_bio"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local class = require "cleat.class"
local connection = require "cleat.ssl.connection"
local connection_info = require "cleat.ssl.connection_info"
local early_data = require "cleat.ssl.early_data"
local early_write = require "cleat.ssl.early_write"
local description = require "cleat.ssl.description"
local ech = require "cleat.ssl.ech"
local errors = require "cleat.errors"
local exporter = require "cleat.ssl.exporter"
local hostname = require "cleat.ssl.hostname"
local memory = require "cleat.ssl.transport.memory"
local raw_public_key = require "cleat.ssl.raw_public_key"
local resumption = require "cleat.ssl.resumption"

--- A TLS connection between two MemoryBIOs, for programs that move the bytes themselves. SSLContext:wrap_bio makes it.
--- No call waits: a call that needs more bytes raises SSLWantReadError, and must be repeated after the program has
--- written bytes to `incoming`. After each call, even one that has raised, the program must send what is in `outgoing`,
--- which may be an alert.
---
---     local object, incoming, outgoing = connected_object()
---     object:write("hello")
---     print(outgoing.pending > 0, object:version()) --> true	TLSv1.3
---
--- It has the methods getpeercert, cipher, shared_ciphers, compression, version, selected_alpn_protocol,
--- selected_npn_protocol, get_channel_binding, export_keying_material and key_update of SSLSocket.
---
--- Python: 3.5.
---@class cleat.ssl.SSLObject: cleat.ssl.Connection
---@field context cleat.ssl.SSLContext see SSLSocket
---@field server_side boolean read-only
---@field server_hostname string? as it was given; read-only
---@field session cleat.ssl.SSLSession? see SSLSocket
---@field session_reused boolean? see SSLSocket
---@field early_data string? see SSLSocket
---@field alert_sent integer? see SSLSocket
---@field alert_received integer? see SSLSocket
---@field ech_accepted boolean? see SSLSocket
---@field ech_public_name string? see SSLSocket
---@field _incoming cleat.ssl.MemoryBIO
---@field _outgoing cleat.ssl.MemoryBIO
---@field _due integer see MemoryBIO:_feed
local SSLObject = class.new("ssl.SSLObject", function()
    return errors.raise(errors.TypeError, "SSLObject has no constructor: use SSLContext.wrap_bio()")
end, connection.Connection)

for _, methods in ipairs { connection_info, algorithms.methods, description.methods, early_data.methods, exporter.methods,
    raw_public_key.connection_methods } do
    for name, method in pairs(methods) do
        SSLObject[name] = method
    end
end

local READ, TRY, WRITE = connection.READ, connection.TRY, connection.WRITE

local function read_call(id, _, len)
    return C.connection_read(id, len, 0)
end

local function read_into_call(id, _, contents, size)
    return C.connection_read_into(id, contents, 0, size, 0)
end

-- write_call encrypts the rest of the data. work is {data, length, number of bytes encrypted}.
local function write_call(id, _, _, work)
    local result = C.connection_write_from(id, work[1], work[3], 0)
    if result < 0 then
        return result
    end
    work[3] = work[3] + result
    return work[3] >= work[2] and work[3] or nil
end

--- Does the handshake as far as the bytes in `incoming` allow, and verifies the peer as the context requires. Call it
--- again after SSLWantReadError.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
---     local object = context:wrap_bio(incoming, outgoing, { server_hostname = "localhost" })
---     local sock = socket.create_connection({ "localhost", port })
---     while true do
---         local ok, err = pcall(object.do_handshake, object)
---         sock:sendall(outgoing:read())
---         if ok then
---             break
---         elseif not ssl.SSLWantReadError:is(err) then
---             error(err, 0)
---         end
---         incoming:write(sock:recv(16384))
---     end
---     print(object:version()) --> TLSv1.3
---     sock:close()
---
--- Raises: SSLWantReadError if more bytes are needed; SSLCertVerificationError if the peer's certificate is refused;
--- SSLError.
--- Python: 3.5.
function SSLObject:do_handshake()
    connection.handshake(self, 0)
end

--- Returns decrypted bytes, at least one; "" once the peer has sent close_notify. With a buffer, it stores the bytes
--- there, and returns their number.
---
---     local object = connected_object()
---     local ok, err = pcall(object.read, object, 1024)
---     print(ok, ssl.SSLWantReadError:is(err)) --> false	true
---
--- Raises: SSLWantReadError if more bytes are needed; SSLEOFError if `incoming` ends without close_notify; SSLError.
--- Python: 3.5.
---@param len integer? the maximum number of bytes; by default 1024, or the size of the buffer
---@param buffer cleat.Buffer?
---@return string|integer
function SSLObject:read(len, buffer)
    if buffer ~= nil then
        local contents, size = calls.into("read", buffer, len, true)
        return (connection.finish(self, READ, "read", nil, nil, read_into_call, contents, size))
    end
    len = check.optional_integer("read", "len", len, 1024, 0)
    local result, data = connection.finish(self, READ, "read", nil, nil, read_call, len)
    return result > 0 and data or ""
end

--- Returns decrypted bytes as read does, but nil instead of raising SSLWantReadError: loops that poll save the cost of
--- raising and catching an error.
---
---     local object = connected_object()
---     print(object:try_read(1024)) --> nil	want_read
---
--- Raises: SSLEOFError if `incoming` ends without close_notify; SSLError.
--- Python: none.
---@param len integer? the maximum number of bytes; 1024 by default
---@return string? # "" once the peer has sent close_notify; nil if more bytes are needed
---@return "want_read"|nil # after nil
function SSLObject:try_read(len)
    len = check.optional_integer("try_read", "len", len, 1024, 0)
    local result, data = connection.finish(self, TRY, "try_read", nil, nil, read_call, len)
    if result < 0 then
        return nil, data
    end
    return result > 0 and data or ""
end

--- Encrypts bytes, and writes them to the outgoing MemoryBIO.
---
---     local object, incoming, outgoing = connected_object()
---     print(object:write("hello"), outgoing.pending > 5) --> 5	true
---
--- Raises: SSLWantReadError if the handshake is not done yet; TypeError for other types.
--- Python: 3.5.
---@param data string|cleat.Buffer
---@return integer # the number of bytes, which is always all
function SSLObject:write(data)
    local contents, size = calls.source("write", data)
    if size > 0 then
        connection.finish(self, WRITE, "write", nil, nil, write_call, self, { contents, size, 0 })
    end
    return size
end

--- Writes close_notify to the outgoing MemoryBIO, and returns once the peer's close_notify was read. Send `outgoing`
--- before each repetition.
---
---     local object, incoming, outgoing = connected_object()
---     local ok, err = pcall(object.unwrap, object)
---     print(ssl.SSLWantReadError:is(err), outgoing.pending > 0) --> true	true
---
--- Raises: SSLWantReadError until the peer's close_notify has arrived; SSLEOFError if `incoming` ends without it;
--- ValueError before the handshake; SSLError.
--- Python: 3.5.
function SSLObject:unwrap()
    connection.close_notify(self)
end

--- Returns the number of decrypted bytes that read() can return without more bytes in `incoming`.
---
---     local object = connected_object()
---     print(object:pending()) --> 0
---
--- Python: 3.5.
---@return integer
function SSLObject:pending()
    return errors.check(C.connection_pending(self._tls))
end

function SSLObject:_prepare()
    return errors.throw(errors.from_errno(C.const.EBADF))
end

SSLObject._raise_closed = SSLObject._prepare

class.properties(SSLObject, connection.getters, connection.setters, connection.defaults)

--- Ends TLS without close_notify; unwrap sends it.
function SSLObject.instance:__close()
    C.guard_close(self._tls_guard)
end

local function check_bio(argument, value)
    if not MemoryBIO:is(value) then
        check.fail("wrap_bio", argument, "a MemoryBIO", value)
    end
    return value
end

--- Does the work of SSLContext.wrap_bio, with its arguments in order.
---@param context cleat.ssl.SSLContext
---@return cleat.ssl.SSLObject
local function wrap(context, incoming, outgoing, server_side, server_hostname, session, early, configs)
    check_bio("incoming", incoming)
    check_bio("outgoing", outgoing)
    server_side = check.optional_boolean("wrap_bio", "server_side", server_side, false)
    local name, labels = hostname.check(context, "wrap_bio", server_side, server_hostname)
    session = resumption.check(server_side, session)
    early = early_write.check("wrap_bio", server_side, early)
    configs = ech.check("wrap_bio", server_side, configs)
    local self = setmetatable({
        _tls = 0, _tls_guard = false, _read_id = 0, _write_id = 0, _transport = memory, _context = context, _origin = context,
        _incoming = incoming, _outgoing = outgoing, _due = 0, _timeout = 0, _wait = 0, _waiter = false, _events = "r", _turns = false,
        _server_side = server_side, _server_hostname = name, _in_callback = false, _failed = false,
        _session = session, _early = early, _ech_configs = configs,
    }, (context._sslobject_class or SSLObject).instance)
    connection.open(self, labels or name)
    return self
end

return { SSLObject = SSLObject, wrap = wrap }
