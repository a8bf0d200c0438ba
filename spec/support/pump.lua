-- TLS connections over memory; the test moves the bytes between them. This calls the functions of the ABI, without the
-- Lua layer.
local backend = require "cleat.backend"
local check_options = require "support.check_options"
local pki = require "support.pki"

local const = backend.const

local pump = {}

-- class returns the class of a status, 0 for a result that is no status.
function pump.class(status)
    return status < 0 and math.floor(-status / 65536) or 0
end

-- failure returns the error record of the last failure.
function pump.failure(status)
    local function text(name)
        local _, value = backend["error_" .. name]()
        return value
    end
    return { class = pump.class(status), value = -status % 65536, message = text "message",
        library = text "library", reason = text "reason", verify_message = text "verify_message" }
end

local function check(status, what)
    if status < 0 then
        error(("%s: %d: %s"):format(what, status, pump.failure(status).message), 3)
    end
    return status
end

-- context returns the id of a context. options: cert (a name of pki), cafile (a file of pki), verify, hostname (true to
-- verify it), min, max (0x0303, 0x0304), alpn (wire form), ciphers; for a connection server and server_hostname too.
function pump.context(options)
    check_options("pump.context", options, "min max cert cafile verify hostname ciphers alpn server server_hostname")
    local id = check(backend.context_new(const.PROTOCOL_TLS), "context_new")
    if options.min then
        check(backend.context_set_minimum_version(id, options.min), "minimum")
    end
    if options.max then
        check(backend.context_set_maximum_version(id, options.max), "maximum")
    end
    if options.cert then
        local certfile, keyfile = pki.chain(options.cert)
        check(backend.context_load_cert_chain(id, certfile, keyfile, nil), "load_cert_chain")
    end
    if options.cafile then
        check(backend.context_load_verify_file(id, pki.path(options.cafile)), "load_verify_file")
    end
    if options.verify then
        check(backend.context_set_verify_mode(id, options.verify), "verify_mode")
    end
    if options.hostname then
        check(backend.context_set_check_hostname(id, 1), "check_hostname")
    end
    if options.ciphers then
        check(backend.context_set_ciphers(id, options.ciphers), "ciphers")
    end
    if options.alpn then
        check(backend.context_set_alpn_protocols(id, options.alpn), "alpn")
    end
    return id
end

-- connection returns the id of a connection over memory. It closes the id of the context, which the connection keeps
-- alive.
function pump.connection(options)
    local context = pump.context(options)
    local id = backend.connection_over_memory(context, options.server and 1 or 0, options.server_hostname)
    check(backend.close(context), "close")
    return check(id, "connection_over_memory")
end

-- pair returns a client and a server over memory that trust each other's test certificates. The caller closes it.
local Pair = {}
Pair.__index = Pair

function pump.pair(client, server)
    client = client or {}
    server = server or {}
    local function with(given, defaults)
        for name, value in pairs(defaults) do
            if given[name] == nil then
                given[name] = value
            end
        end
        return given
    end
    return setmetatable({
        client = pump.connection(with(client, {
            cafile = "root.pem", verify = const.CERT_REQUIRED, hostname = true, server_hostname = "localhost",
        })),
        server = pump.connection(with(server, { cert = "server-ec", server = true })),
    }, Pair)
end

function Pair:close()
    backend.close(self.client)
    backend.close(self.server)
end

-- move moves at most `size` bytes (by default all) from one to the other, and returns how many it has moved.
function pump.move(from, to, size)
    local pending = check(backend.connection_drain_pending(from), "drain_pending")
    local count = math.min(size or pending, pending)
    if count == 0 then
        return 0
    end
    local drained, bytes = backend.connection_drain(from, count)
    check(drained, "drain")
    check(backend.connection_feed(to, bytes), "feed")
    return drained
end

-- handshake does both sides' handshakes with pieces of `size` bytes, and returns the status of each and their failures.
function Pair:handshake(size)
    local status = { client = -1, server = -1 }
    local failures = {}
    local done = {}
    local idle = 0
    local turns = 0
    while not (done.client and done.server) and idle < 4 do
        local moved = 0
        for _, side in ipairs { "client", "server" } do
            if not done[side] then
                local id = self[side]
                local result = backend.connection_handshake(id, 0)
                local class = pump.class(result)
                if class ~= const.WANT_READ and class ~= const.WANT_WRITE then
                    done[side] = true
                    if result < 0 then
                        failures[side] = pump.failure(result)
                    end
                end
                status[side] = result
            end
        end
        moved = moved + pump.move(self.client, self.server, size) + pump.move(self.server, self.client, size)
        idle = moved == 0 and idle + 1 or 0
        turns = turns + 1
        assert(turns < 200000, "the handshake does not end")
    end
    return status.client, status.server, failures
end

-- deliver moves all bytes that either side has encrypted.
function Pair:deliver(size)
    while pump.move(self.client, self.server, size) + pump.move(self.server, self.client, size) > 0 do end
end

-- transfer sends data from one side ("client" or "server") and returns what the other one has read.
function Pair:transfer(from, data, size)
    local source, sink = self[from], self[from == "client" and "server" or "client"]
    local position, parts, got, turns = 1, {}, 0, 0
    while got < #data do
        if position <= #data then
            local count = backend.connection_write(source, data:sub(position, position + 16383), 0)
            if count > 0 then
                position = position + count
            elseif pump.class(count) ~= const.WANT_WRITE and pump.class(count) ~= const.WANT_READ then
                check(count, "write")
            end
        end
        pump.move(source, sink, size)
        while true do
            local count, bytes = backend.connection_read(sink, 65536, 0)
            if pump.class(count) == const.WANT_READ then
                break
            end
            check(count, "read")
            assert(count > 0, "end of stream in the middle")
            parts[#parts + 1] = bytes
            got = got + count
        end
        turns = turns + 1
        assert(turns < 2000000, "the transfer does not end")
    end
    return table.concat(parts)
end

-- bridge moves received bytes from a plain non-blocking socket into a connection over memory, and the connection's
-- output to the socket, at most `size` bytes each way, and returns the two counts. The end of the socket's stream is
-- the end of the connection's.
local socket = require "cleat.socket"

local function blocked(failure)
    return socket.error:is(failure) and failure.errno == const.EAGAIN
end

function pump.bridge(plain, id, size)
    local received, sent = 0, 0
    local ok, data = pcall(plain.recv, plain, size or 65536)
    if ok then
        if data == "" then
            check(backend.connection_feed_eof(id), "feed_eof")
        else
            received = check(backend.connection_feed(id, data), "feed")
        end
    elseif not blocked(data) then
        error(data, 0)
    end
    local pending = backend.connection_drain_pending(id)
    if pending > 0 then
        local count, bytes = backend.connection_drain(id, math.min(size or pending, pending))
        check(count, "drain")
        plain:sendall(bytes)
        sent = count
    end
    return received, sent
end

return pump
