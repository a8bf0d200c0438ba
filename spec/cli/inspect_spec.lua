-- cleat inspect with seventeen servers in one nginx, a server without TLS, a silent one, and STARTTLS. One command
-- inspects most of them, and the tests compare its JSON server by server.
local optional = require "support.optional"

local missing = optional.module("argparse", "lua-argparse")
if missing then
    return pending("cleat inspect: " .. missing, function() end)
end

local command = require "support.command"
local nginx = require "support.nginx"
local ocsp = require "support.ocsp"
local pki = require "support.pki"
local process = require "support.process"
local servers = require "support.servers"
local socket = require "cleat.socket"

local expect_text = command.expect_text
local CAFILE = pki.path "root.pem"

local function stapling(name, response)
    local file = process.write_file(("%s/%s.der"):format(process.directory(), name), response)
    return ("ssl_stapling on; ssl_stapling_file %s;"):format(file)
end

describe("cleat inspect", function()
    local silent, ports, results, status, server
    local LAX = "ssl_ciphers ALL:@SECLEVEL=0;"

    setup(function()
        local cases = {
            good = { cert = "server-ec" },
            http2 = { cert = "server-ec", listen = "ssl http2" },
            expired = { cert = "expired" }, future = { cert = "future" }, other = { cert = "other" }, unknown = { cert = "unknown" },
            selfsigned = { cert = "selfsigned" }, purpose = { cert = "wrong-purpose" },
            revoked = { cert = "server-ec", lines = stapling("revoked", ocsp.respond { status = "revoked" }) },
            stapled = { cert = "server-ec", lines = stapling("good", ocsp.respond {}) },
            stale = { cert = "server-ec", lines = stapling("other", ocsp.respond { cert = "server-rsa.crt" }) },
            tls12 = { cert = "server-ec", protocols = "TLSv1.2" },
            tls13 = { cert = "server-ec", protocols = "TLSv1.3", lines = "ssl_ecdh_curve secp384r1;" },
            old = { cert = "server-rsa", protocols = "TLSv1 TLSv1.1 TLSv1.2", lines = LAX },
            both = { cert = "server-ec",
                lines = ("ssl_certificate %s; ssl_certificate_key %s;"):format(pki.chain "server-rsa") },
            forgetful = { cert = "server-ec", lines = "ssl_session_tickets off; ssl_session_cache off;" },
            client = { cert = "server-ec", protocols = "TLSv1.2 TLSv1.3",
                lines = ("ssl_verify_client on; ssl_client_certificate %s;"):format(CAFILE) },
            plain = { listen = "" },
        }
        local names, list = {}, {}
        for name, case in pairs(cases) do
            names[#names + 1], list[#list + 1] = name, case
        end
        server = nginx.start(list)
        ports = {}
        local by_port = {}
        local words = { "inspect", "--json", "--cafile", CAFILE, "--limit", "100", "--timeout", "50", timeout = 120 }
        for index, name in ipairs(names) do
            ports[name] = server.ports[index]
        end
        silent = socket.socket()
        silent:bind { "127.0.0.1", 0 }
        silent:listen(5)
        ports.closed = process.free_port()
        for name, port in pairs(ports) do
            words[#words + 1] = "localhost:" .. port
            by_port[port] = name
        end
        words[#words + 1] = "no-such-host.invalid"
        local result = command.run(words)
        status, results = result.status, {}
        assert.are.equal("", result.errors)
        for _, each in ipairs(command.json(result.output)) do
            results[by_port[each.port] or "unresolved"] = each
        end
    end)
    teardown(process.cleanup)

    local function problems(name)
        local list = {}
        for _, problem in ipairs(results[name].problems) do
            list[#list + 1] = problem.status .. ": " .. problem.message
        end
        return list
    end

    it("exits with the worst status of all servers", function()
        assert.are.equal(2, status)
        assert.are.equal(0, command.run({ "inspect", "--brief", "--cafile", CAFILE, "localhost:" .. ports.good }).status)
        assert.are.equal(1, command.run({ "inspect", "--cafile", CAFILE, "localhost:" .. ports.good, "localhost:" .. ports.old }).status)
        assert.are.equal(3, command.run({ "inspect", "--brief", "--cafile", CAFILE, "localhost:" .. ports.good,
            "no-such-host.invalid" }).status)
    end)

    it("reports all facts about a server without problems", function()
        local of = results.good
        assert.are.equal("ok", of.status)
        assert.are.same({}, of.problems)
        assert.are.same({ code = 0, message = "ok" }, of.verify)
        assert.is_true(of.verified)
        assert.are.same({ "localhost", ports.good, "127.0.0.1", "localhost" }, { of.host, of.port, of.address, of.server_name })
        assert.are.equal("TLSv1.3", of.version)
        assert.are.equal("http/1.1", of.alpn)
        assert.is_true(of.groups[of.group])
        assert.are.equal("ecdsa_secp256r1_sha256", of.signature)
        assert.are.same({ supported = false }, of.ech)
        assert.are.same({ ["TLSv1.3"] = true, ["TLSv1.2"] = true, ["TLSv1.1"] = false, ["TLSv1"] = false }, of.versions)
        for _, group in ipairs { "x25519", "secp256r1", "secp384r1" } do
            assert.is_true(of.groups[group])
        end
        assert.is_true(of.resumption)
        assert.are.equal(2, of.sent)
        assert.are.equal(3, #of.chain)
        assert.are.same({ "CN=localhost, O=cleat tests", "CN=cleat test intermediate, O=cleat tests", "CN=cleat test root, O=cleat tests" },
            { of.chain[1].subject, of.chain[2].subject, of.chain[3].subject })
        assert.are.same({ true, true, false }, { of.chain[1].sent, of.chain[2].sent, of.chain[3].sent })
        assert.is_true(of.days_left >= 28 and of.days_left <= 30)
        assert.are.same({ stapled = false }, of.ocsp)
        assert.are.same({ certificate = 0, handshake = 0 }, of.scts)
        assert.is_true(of.seconds.connect >= 0 and of.seconds.handshake > 0)
        assert.are.equal("h2", results.http2.alpn)
    end)

    for name, expected in pairs {
        expired = { 10, 0, "certificate has expired", "CN=localhost, O=cleat tests" },
        future = { 9, 0, "certificate is not yet valid", "CN=localhost, O=cleat tests" },
        other = { 62, 0, "Hostname mismatch", "CN=other.example, O=cleat tests" },
        unknown = { 20, 0, "unable to get local issuer certificate", "CN=localhost, O=cleat tests" },
        selfsigned = { 18, 0, "self signed certificate", "CN=localhost, O=cleat tests" },
        purpose = { 26, 0, "unsupported certificate purpose", "CN=localhost, O=cleat tests" },
        revoked = { 23, 0, "certificate revoked", "CN=localhost, O=cleat tests" },
    } do
        it(name .. ": reports why the certificate is refused, and inspects the server all the same", function()
            local of = results[name]
            assert.are.equal("critical", of.status)
            assert.is_false(of.verified)
            assert.are.same({ expected[1], expected[2], expected[4] }, { of.verify.code, of.verify.depth, of.verify.subject })
            expect_text(problems(name)[1]:gsub("self%-signed", "self signed"), "critical: refused: " .. expected[3])
            expect_text(problems(name)[1], expected[4] .. " (0 in the chain)")
            assert.are.equal("TLSv1.3", of.version)
            assert.is_true(of.versions["TLSv1.2"])
            assert.is_false(of.versions["TLSv1.1"])
        end)
    end

    it("reports a missing intermediate, and an unknown CA", function()
        local other = command.run { "inspect", "--brief", "--json", "--cafile", pki.path "unknown-root.pem", "localhost:" .. ports.good }
        assert.are.equal(2, other.status)
        local of = command.json(other.output)[1]
        assert.are.same({ 20, 1, "CN=cleat test intermediate, O=cleat tests" }, { of.verify.code, of.verify.depth, of.verify.subject })
        assert.is_nil(of.versions)
    end)

    it("reports stapled OCSP responses: good, revoked, and invalid", function()
        assert.are.equal("ok", results.stapled.status)
        assert.are.equal("good", results.stapled.ocsp.status)
        assert.is_truthy(results.stapled.ocsp.next_update:find "^%d%d%d%d%-%d%d%-%d%dT")
        assert.are.equal("revoked", results.revoked.ocsp.status)
        assert.are.equal("2026-01-01T12:00:00Z", results.revoked.ocsp.revoked_at)
        assert.are.equal("warning", results.stale.status)
        expect_text(problems("stale")[1], "warning: the stapled OCSP response is not valid: [OCSP: ")
    end)

    it("reports versions and groups", function()
        assert.are.equal("ok", results.tls12.status)
        assert.are.equal("TLSv1.2", results.tls12.version)
        assert.are.same({ ["TLSv1.3"] = false, ["TLSv1.2"] = true, ["TLSv1.1"] = false, ["TLSv1"] = false }, results.tls12.versions)
        assert.are.equal("TLSv1.3", results.tls13.version)
        assert.is_false(results.tls13.versions["TLSv1.2"])
        for group, accepted in pairs(results.tls13.groups) do
            assert.are.equal(group == "secp384r1", accepted, group)
        end
        assert.are.equal("warning", results.old.status)
        assert.are.same({ "warning: accepts TLSv1 and TLSv1.1, which RFC 8996 forbids" }, problems "old")
        assert.are.same({ ["TLSv1.3"] = false, ["TLSv1.2"] = true, ["TLSv1.1"] = true, ["TLSv1"] = true }, results.old.versions)
    end)

    it("reports certificates of two types, and resumption", function()
        assert.are.equal("EC", results.both.chain[1].key.type)
        assert.are.equal("RSA", results.old.chain[1].key.type)
        assert.is_true(results.tls12.resumption and results.tls13.resumption)
        assert.is_false(results.forgetful.resumption)
    end)

    it("reports servers without TLS, refused connections, silent servers and unknown hosts", function()
        assert.are.equal("critical", results.plain.status)
        expect_text(problems("plain")[1], "does the protocol need --starttls?")
        expect_text(problems("closed")[1], "critical: [Errno 111] Connection refused")
        local result = command.expect(2, { "inspect", "--timeout", "0.3", "localhost:" .. silent:getsockname()[2] })
        expect_text(result.output, "The handshake operation timed out")
        result = command.expect(2, { "inspect", "--limit", "0.3", "localhost:" .. silent:getsockname()[2] })
        expect_text(result.output, "The handshake operation timed out")
        assert.are.equal("unknown", results.unresolved.status)
        assert.is_nil(results.closed.version)
    end)

    it("prints ECH configurations, with which cleat connect hides the name", function()
        local code = process.write_file(process.directory() .. "/ech.lua", [[
local socket, ssl = require "cleat.socket", require "cleat.ssl"
local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain(arg[1], arg[2])
context:set_ech_keys { ssl.ECHKey { public_name = "localhost" } }
local listener = socket.socket()
listener:bind { "127.0.0.1", 0 }
listener:listen(16)
print("port " .. listener:getsockname()[2])
io.stdout:flush()
while true do
    pcall(function()
        local conn = context:wrap_socket((listener:accept()), { server_side = true })
        conn:sendall(tostring(conn.ech_accepted))
        conn:unwrap()
    end)
end
]])
        local certfile, keyfile = pki.chain "server-ec"
        local hidden = process.start(process.lua { code, certfile, keyfile })
        local port = hidden:wait_for "port (%d+)"
        local function inspect()
            return command.json(command.expect(0, { "inspect", "--json", "--cafile", CAFILE, "localhost:" .. port }).output)[1]
        end
        local of = inspect()
        assert.is_true(of.ech.supported)
        local function connect(expected, configs, ...)
            return command.expect(expected, { "connect", "localhost:" .. port, "--cafile", CAFILE, "--servername", "www.cleat.test",
                "--ech", configs, ... })
        end
        local result = connect(0, of.ech.configs)
        assert.are.equal("true", result.output)
        expect_text(result.errors, ", ECH, ")
        hidden:stop()
        -- another server, with another ECH key
        hidden = process.start(process.lua { code, certfile, keyfile })
        port = hidden:wait_for "port (%d+)"
        result = connect(1, of.ech.configs)
        expect_text(result.errors, "the server cannot decrypt the ClientHello")
        local present = result.errors:match "%-%-ech (%S+)\n"
        assert.are.equal("true", connect(0, present).output)
        hidden:stop()
        expect_text(connect(2, "not base64!").errors, "--ech is not valid Base64")
        expect_text(connect(2, "AAAA").errors, "--ech: [SSL: ")
    end)

    it("reports a server that requires a client certificate", function()
        local certfile, keyfile = pki.chain "client"
        local result = command.expect(0, { "inspect", "--json", "--cafile", CAFILE, "--cert", certfile, "--key", keyfile,
            "localhost:" .. ports.client })
        local of = command.json(result.output)[1]
        assert.is_true(of.versions["TLSv1.2"] and of.versions["TLSv1.3"] and not of.versions["TLSv1.1"])
    end)

    it("has --warn-days and --critical-days", function()
        local words = { "inspect", "--brief", "--cafile", CAFILE, "localhost:" .. ports.good }
        for name, expected in pairs { ["--warn-days"] = { 1, "WARNING" }, ["--critical-days"] = { 2, "CRITICAL" } } do
            words[6], words[7] = name, 40
            local result = command.expect(expected[1], words)
            expect_text(result.output, ("localhost:%d (127.0.0.1)  %s\n"):format(ports.good, expected[2]))
            expect_text(result.output, " expires in ")
        end
    end)

    optional.tests(it, pending, servers.missing "exim4")("has --alpn, --servername and --starttls", function()
        local certfile, keyfile = pki.chain "server-ec"
        local exim = servers.exim4(certfile, keyfile)
        -- Exim's GnuTLS accepts old versions
        local result = command.expect(1, { "inspect", "--json", "--cafile", CAFILE, "--starttls", "smtp", "--servername",
            "www.cleat.test", "localhost:" .. exim.port })
        local of = command.json(result.output)[1]
        assert.are.same({ "smtp", "www.cleat.test" }, { of.starttls, of.server_name })
        assert.is_true(of.verified and of.versions["TLSv1.2"])
        assert.is_nil(of.alpn)
        exim:stop()
        result = command.run { "inspect", "--brief", "--json", "--alpn", "http/1.1", "--cafile", CAFILE, "localhost:" .. ports.http2 }
        assert.are.equal("http/1.1", command.json(result.output)[1].alpn)
    end)
end)
