-- Real clients move from one server process to another and back, behind one port: they resume by a ticket secret that
-- the processes have in common, and by a store.
local handles = require "support.handles"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"

local NAMES = { ["TLSv1.2"] = "TLSv1_2", ["TLSv1.3"] = "TLSv1_3" }
local FLAGS = { ["TLSv1.2"] = "-tls1_2", ["TLSv1.3"] = "-tls1_3" }
local PRIORITIES = { ["TLSv1.2"] = "NORMAL:-VERS-ALL:+VERS-TLS1.2", ["TLSv1.3"] = "NORMAL:-VERS-ALL:+VERS-TLS1.3" }
local REQUEST = "GET / HTTP/1.0\r\n\r\n"

-- Each makes so many connections to a port, one after the other.
local CLIENTS = {}

CLIENTS["openssl s_client"] = { program = "openssl", connect = function(version, port, count)
    local file = ("%s/session-%d"):format(process.directory(), port)
    for round = 1, count do
        local result = process.run { "openssl", "s_client", "-connect", "127.0.0.1:" .. port, FLAGS[version], "-quiet",
            "-CAfile", pki.path("root.pem"), "-sess_out", file, round > 1 and "-sess_in" or nil, round > 1 and file or nil,
            stdin = REQUEST, timeout = 30 }
        assert(result.output:find("200 OK", 1, true), result.output .. result.errors)
    end
end }

CLIENTS["gnutls-cli"] = { program = "gnutls-cli", most = 2, connect = function(version, port)
    local result = process.run { "gnutls-cli", "--x509cafile", pki.path("root.pem"), "--priority", PRIORITIES[version],
        "--port", tostring(port), "--resume", "--waitresumption", "localhost", stdin = REQUEST, timeout = 30 }
    assert(result.output:find("200 OK", 1, true), result.output .. result.errors)
end }

-- With TLS 1.2 it accepts no tickets, and offers session ids, which servers find in a store only.
CLIENTS.curl = { program = "curl", by_id = "TLSv1.2", connect = function(version, port, count)
    local command = { "curl", "--silent", "--show-error", "--noproxy", "*", "--http1.1", "--cacert", pki.path("root.pem"),
        version == "TLSv1.3" and "--tlsv1.3" or "--tls-max", version == "TLSv1.3" and "--no-keepalive" or "1.2", timeout = 30 }
    for round = 1, count do
        command[#command + 1] = ("https://localhost:%d/%d"):format(port, round)
    end
    local result = process.run(command)
    assert.are.equal(0, result.status, result.errors)
end }

local PYTHON = [[
import socket, ssl, sys
port, version, ca, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
context = ssl.create_default_context(cafile=ca)
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
session = None
for _ in range(count):
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20), server_hostname="localhost", session=session) as conn:
        conn.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while conn.recv(1000):
            pass
        session = conn.session
]]

CLIENTS.Python = { program = "python3", connect = function(version, port, count)
    local script = process.write_file(process.directory() .. "/client.py", PYTHON)
    local result = process.run { "/usr/bin/python3", "-I", script, tostring(port), NAMES[version], pki.path("root.pem"),
        tostring(count), timeout = 30 }
    assert.are.equal(0, result.status, result.errors)
end }

local NODE = [[
const tls = require('tls'), fs = require('fs');
const [port, version, ca, count] = process.argv.slice(2);
let session, left = Number(count);
function visit() {
    if (left-- === 0) return;
    const conn = tls.connect({ host: '127.0.0.1', port: Number(port), servername: 'localhost', ca: fs.readFileSync(ca),
        minVersion: version, maxVersion: version, session }, () => conn.write('GET / HTTP/1.0\r\n\r\n'));
    conn.on('session', (found) => { session = found; });
    conn.on('data', () => {});
    conn.on('close', visit);
}
visit();
]]

CLIENTS["Node.js"] = { program = "node", connect = function(version, port, count)
    local script = process.write_file(process.directory() .. "/client.js", NODE)
    local result = process.run { "node", script, tostring(port), version, pki.path("root.pem"), tostring(count), timeout = 30 }
    assert.are.equal(0, result.status, result.errors)
end }

local BY_STORE = { ["openssl s_client"] = true, curl = true, Python = true } -- it is the same for all: these are enough
local ORDER = { "openssl s_client", "gnutls-cli", "curl", "Python", "Node.js" }

-- fleet: two server processes and a relay that sends connections to the one and the other in turn.
local function fleet(version, options)
    local certfile, keyfile = pki.chain("server-ec")
    local list = {}
    for index = 1, 2 do
        local words = { "spec/support/fleet_server.lua", "cert=" .. certfile, "key=" .. keyfile, "min=" .. NAMES[version],
            "max=" .. NAMES[version], timeout = 120 }
        for name, value in pairs(options[index] or options) do
            words[#words + 1] = name .. "=" .. value
        end
        list[index] = process.start(process.lua(words))
        list[index].port = list[index]:wait_for("listening on (%d+)")
    end
    list.relay = process.start { "/usr/bin/python3", "-I", process.root .. "/spec/support/relay.py", list[1].port, list[2].port,
        timeout = 120 }
    list.port = tonumber((list.relay:wait_for("listening on (%d+)")))
    return list
end

-- kinds returns the lines of a fleet's servers about their handshakes.
local function kinds(list)
    local result = {}
    for index = 1, 2 do
        local said = {}
        for line in list[index]:output():gmatch("[^\n]+") do
            local version, kind = line:match("^(TLSv1%.%d)%s+(%a+)$")
            if version then
                said[#said + 1] = kind
            elseif not line:find("^listening") then
                said[#said + 1] = line
            end
        end
        result[index] = table.concat(said, " ")
    end
    list.relay:stop()
    list[1]:stop()
    list[2]:stop()
    return result
end

local serial = 0
local function directory()
    serial = serial + 1
    local name = ("%s/store-%d"):format(process.directory(), serial)
    os.execute("mkdir " .. process.quote(name))
    return name
end

local SECRET = ("s"):rep(32)

describe("two server processes:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        for _, name in ipairs(ORDER) do
            local client = CLIENTS[name]
            local it = optional.tests(it, pending, optional.program(client.program))
            local count = client.most or 4
            local expected = count == 4 and { "full resumed", "resumed resumed" } or { "full", "resumed" }
            local by_secret = client.by_id == version and { "full full", "full full" } or expected

            it(("%s, %s resumes on the other by a shared secret"):format(version, name), function()
                local list = fleet(version, { secret = SECRET })
                client.connect(version, list.port, count)
                assert.are.same(by_secret, kinds(list))
            end)

            local try = BY_STORE[name] and it or function() end
            try(("%s, %s resumes on the other by a store"):format(version, name), function()
                local list = fleet(version, { secret = SECRET, store = directory() })
                client.connect(version, list.port, count)
                assert.are.same(expected, kinds(list))
            end)
        end

        it(version .. ": handshakes are full without both", function()
            local list = fleet(version, {})
            CLIENTS.Python.connect(version, list.port, 4)
            assert.are.same({ "full full", "full full" }, kinds(list))
        end)

        it(version .. ": handshakes are full with different secrets", function()
            local list = fleet(version, { { secret = SECRET }, { secret = SECRET .. "x" } })
            CLIENTS.Python.connect(version, list.port, 4)
            assert.are.same({ "full full", "full full" }, kinds(list))
        end)

        it(version .. ": handshakes succeed if keys change each second", function()
            local list = fleet(version, { secret = SECRET, period = 1 })
            CLIENTS.Python.connect(version, list.port, 40)
            local said = kinds(list)
            assert.are.equal("full" .. (" resumed"):rep(19), said[1])
            assert.are.equal(("resumed "):rep(20), said[2] .. " ")
        end)

        it(version .. ": handshakes succeed with an empty store", function()
            local list = fleet(version, { store = "/nowhere" })
            CLIENTS.Python.connect(version, list.port, 2)
            for _, said in ipairs(kinds(list)) do
                assert.is_truthy(said:find("store: ", 1, true) and said:find("full", 1, true), said)
                assert.is_nil(said:find("failed", 1, true))
            end
        end)
    end

    it("TLSv1.2: Python resumes on the other by session ids in a store", function()
        local list = fleet("TLSv1.2", { store = directory(), tickets = "no" })
        CLIENTS.Python.connect("TLSv1.2", list.port, 4)
        assert.are.same({ "full resumed", "resumed resumed" }, kinds(list))
    end)
end)
