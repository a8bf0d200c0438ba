-- Our clients resume sessions of real servers: from the context's cache, given by the program, and from bytes. Each
-- server answers a request; where it can, with whether the session was resumed.
local handles = require "support.handles"
local nginx = require "support.nginx"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local servers = require "support.servers"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local FLAGS = { ["TLSv1.2"] = "-tls1_2", ["TLSv1.3"] = "-tls1_3" }
local VERSIONS = { ["TLSv1.2"] = ssl.TLSVersion.TLSv1_2, ["TLSv1.3"] = ssl.TLSVersion.TLSv1_3 }
local PRIORITIES = { ["TLSv1.2"] = "NORMAL:-VERS-ALL:+VERS-TLS1.2", ["TLSv1.3"] = "NORMAL:-VERS-ALL:+VERS-TLS1.3" }

local function context(version)
    local made = ssl.create_default_context { cafile = pki.path("root.pem") }
    made.minimum_version, made.maximum_version = VERSIONS[version], VERSIONS[version]
    return made
end

-- started: a program that listens on a port.
local function started(words)
    return process.on_free_port(function(port)
        local command = {}
        for key, word in pairs(words) do
            command[key] = type(word) == "string" and word:gsub("@PORT", tostring(port)) or word
        end
        command.timeout = 120
        local program = process.start(command)
        program.port = port
        local ok, message = pcall(servers.listening, program, port)
        if not ok then
            program:stop()
            error(message, 0)
        end
        return program
    end)
end

-- Each starts a server; what it is asked; and a function that finds in its answer whether it has resumed, true or
-- false; nil if it does not say.
local PEERS = {}

PEERS["openssl s_server"] = { program = "openssl", start = function(version, no_ticket)
    local certfile, keyfile = pki.chain("server-ec")
    return started {
        "openssl", "s_server", "-accept", "127.0.0.1:@PORT", "-cert", certfile, "-cert_chain", certfile, "-key", keyfile, "-www",
        "-quiet", FLAGS[version], no_ticket and "-no_ticket" or nil,
    }
end, resumed = function(answer)
    return answer:find("\nReused, ", 1, true) ~= nil or answer:find("\nNew, ", 1, true) == nil and error(answer, 0)
end }

PEERS["gnutls-serv"] = { program = "gnutls-serv", start = function(version, no_ticket)
    local certfile, keyfile = pki.chain("server-ec")
    return started {
        "gnutls-serv", "--http", "--port", "@PORT", "--x509certfile", certfile, "--x509keyfile", keyfile, "--priority",
        PRIORITIES[version], no_ticket and "--noticket" or nil,
    }
end }

PEERS.nginx = { program = "nginx", start = function(version, no_ticket)
    local server = nginx.start { {
        cert = "server-ec", protocols = version, lines = "location = / { return 200 \"resumed: $ssl_session_reused\"; }"
        .. (no_ticket and "ssl_session_tickets off; ssl_session_cache shared:test:1m;" or ""),
    } }
    server.port = server.ports[1]
    return server
end, resumed = function(answer)
    return answer:match("resumed: (.)") == "r"
end }

local NODE = [[
const https = require('https'), fs = require('fs'), constants = require('constants');
const [port, version, cert, key, plain] = process.argv.slice(2);
const sessions = new Map();
const server = https.createServer({
    cert: fs.readFileSync(cert), key: fs.readFileSync(key), minVersion: version, maxVersion: version,
    secureOptions: plain ? constants.SSL_OP_NO_TICKET : 0,
}, (request, response) => {
    response.setHeader('Connection', 'close');
    response.end('resumed: ' + request.socket.isSessionReused());
});
if (plain) server.on('newSession', (id, data, done) => { sessions.set(id.toString('hex'), data); done(); });
if (plain) server.on('resumeSession', (id, done) => done(null, sessions.get(id.toString('hex')) || null));
server.listen(Number(port), '127.0.0.1');
]]

PEERS["Node.js"] = { program = "node", start = function(version, no_ticket)
    local certfile, keyfile = pki.chain("server-ec")
    local script = process.write_file(process.directory() .. "/server.js", NODE)
    return started { "node", script, "@PORT", version, certfile, keyfile, no_ticket and "plain" or nil }
end, resumed = function(answer)
    return answer:match("resumed: (%a+)") == "true"
end }

local PYTHON = [[
import socket, ssl, sys
port, version, cert, key = sys.argv[1:5]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version.replace(".", "_"))
if len(sys.argv) > 5:
    context.options |= ssl.OP_NO_TICKET
listener = socket.create_server(("127.0.0.1", int(port)))
while True:
    plain, _ = listener.accept()
    try:
        with context.wrap_socket(plain, server_side=True) as conn:
            conn.recv(1000)
            conn.sendall(b"HTTP/1.0 200 OK\r\n\r\nresumed: %s" % str(conn.session_reused).encode())
            conn.unwrap()
    except OSError:
        pass
]]

PEERS.Python = { program = "python3", start = function(version, no_ticket)
    local certfile, keyfile = pki.chain("server-ec")
    local script = process.write_file(process.directory() .. "/server.py", PYTHON)
    return started { "/usr/bin/python3", "-I", script, "@PORT", version, certfile, keyfile, no_ticket and "plain" or nil }
end, resumed = function(answer)
    return answer:match("resumed: (%a+)") == "True"
end }

local NAMES = { "openssl s_server", "gnutls-serv", "nginx", "Node.js", "Python" }

-- visit: one connection. Returns whether it has resumed, and its session.
local function visit(peer, server, client, options)
    options = options or {}
    local conn = client:wrap_socket(socket.create_connection({ "127.0.0.1", server.port }, 20), {
        server_hostname = options.hostname or "localhost", session = options.session,
    })
    conn:sendall("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
    local answer = ""
    while true do
        local ok, data = pcall(conn.recv, conn, 65536)
        if not ok or data == "" then
            break
        end
        answer = answer .. data
    end
    local reused, session = conn.session_reused, conn.session
    assert.equal(3, conn:getpeercert().version)
    assert.equal(0, conn:get_verify_result().verify_code)
    pcall(conn.unwrap, conn) -- without close_notify OpenSSL's servers forget a session that they keep
    conn:close()
    if peer.resumed then
        assert.equal(reused, peer.resumed(answer), answer)
    end
    return reused, session
end

for _, name in ipairs(NAMES) do
    local peer = PEERS[name]
    describe("sessions of " .. name .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        for _, case in ipairs {
            { "TLSv1.2", "a ticket" }, { "TLSv1.2", "a session id", no_ticket = true }, { "TLSv1.3", "tickets" },
            { "TLSv1.3", "tickets that are names in the server's cache", no_ticket = true },
        } do
            local version = case[1]
            -- Node.js resumes none of its store with TLS 1.3, not even those of openssl s_client.
            local is_known = not (name == "Node.js" and case.no_ticket and version == "TLSv1.3")
            local test = is_known and optional.tests(it, pending, optional.program(peer.program)) or function() end
            test(("%s, %s"):format(version, case[2]), function()
                local server = peer.start(version, case.no_ticket)
                local ok, failure = pcall(function()
                    local client = context(version)
                    local first, session = visit(peer, server, client)
                    assert.is_false(first)
                    if not session then -- it gives none
                        assert(case.no_ticket and version == "TLSv1.3", "no session")
                        assert.is_false(visit(peer, server, client))
                        return
                    end
                    -- Node.js gives no new tickets to a client that resumes, and one of TLS 1.3 is used once
                    local always = version == "TLSv1.2" or name ~= "Node.js"
                    for index = 1, 3 do
                        local reused = visit(peer, server, client)
                        assert(reused or (index > 2 and not always), "not resumed")
                    end
                    -- given, in a context without a cache
                    local second = context(version)
                    second.session_cache_size = 0
                    local copy = second:session_from_bytes(session:tobytes())
                    local _, newest = visit(peer, server, second, { session = copy })
                    if not newest then
                        _, newest = visit(peer, server, second)
                    end
                    assert.is_true((visit(peer, server, second, { session = newest })))
                    -- and still verified
                    raises("SSLCertVerificationError", { verify_code = 62 }, visit, peer, server, second, {
                        session = select(2, visit(peer, server, second)), hostname = "other.example",
                    })
                end)
                server:stop()
                if not ok then
                    error(tostring(failure) .. "\n" .. server:output():sub(1, 2000) .. server:errors():sub(1, 2000), 0)
                end
            end)
        end
    end)
end
