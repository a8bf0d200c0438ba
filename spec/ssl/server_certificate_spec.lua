-- ssl.get_server_certificate, with openssl s_server and Python as servers.
local handles = require "support.handles"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local ECONNREFUSED, ENOENT = 111, 2

-- s_server starts one on a free port of an address, with a certificate. Its standard input stays open, because it ends
-- with its input.
local function s_server(address, cert, options)
    local certfile, keyfile = pki.chain(cert)
    local command = {
        "/usr/bin/python3", "-I", process.root .. "/spec/support/hold.py", "/dev/null", "openssl", "s_server",
        "-accept", address .. ":0", "-cert", certfile, "-cert_chain", certfile, "-key", keyfile, timeout = 60,
    }
    for _, word in ipairs(options or {}) do
        command[#command + 1] = word
    end
    local server = process.start(command)
    server.port = tonumber((server:wait_for("ACCEPT [%d.:%[%]]+:(%d+)\n")))
    return server
end

local function with_name(name, cert)
    local certfile, keyfile = pki.chain(cert)
    return { "-servername", name, "-cert2", certfile, "-key2", keyfile }
end

local function der_of(pem)
    return ssl.PEM_cert_to_DER_cert(pem)
end

-- The certificate with a name of pki, in DER.
local function expected(cert)
    return der_of(pki.read(cert .. ".pem"):match("^.-%-%-%-%-%-END CERTIFICATE%-%-%-%-%-\n"))
end

describe("get_server_certificate:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("GSC-01 GSC-04 returns the server's own certificate as PEM text, without verification", function()
        for _, cert in ipairs { "server-ec", "server-rsa", "expired", "unknown", "selfsigned", "other", "v1" } do
            local server = s_server("127.0.0.1", cert)
            local pem = ssl.get_server_certificate { "127.0.0.1", server.port }
            assert.are.equal("-----BEGIN CERTIFICATE-----\n", pem:sub(1, 28))
            assert.are.equal("\n-----END CERTIFICATE-----\n", pem:sub(-27))
            assert.is_true(expected(cert) == der_of(pem), cert)
            -- The text equals OpenSSL's.
            assert.is_truthy(pki.read(cert .. ".pem"):find(pem, 1, true))
            server:stop()
        end
    end)

    it("GSC-01 accepts keyword arguments", function()
        local server = s_server("127.0.0.1", "server-ec")
        local pem = ssl.get_server_certificate {
            addr = { "127.0.0.1", server.port }, ssl_version = ssl.PROTOCOL_TLSv1_2, ca_certs = pki.path("root.pem"),
        }
        assert.is_true(expected("server-ec") == der_of(pem))
        server:stop()
    end)

    it("GSC-02 uses the requested version, and any by default", function()
        for _, case in ipairs {
            { nil, nil, "TLSv1.3" }, { ssl.PROTOCOL_TLS, nil, "TLSv1.3" }, { ssl.PROTOCOL_TLSv1_2, nil, "TLSv1.2" },
            { nil, "1.2", "TLSv1.2" }, { ssl.PROTOCOL_SSLv23, "1.2", "TLSv1.2" },
        } do
            local certfile, keyfile = pki.chain("server-ec")
            local job = peer.serve { tls = true, cert = certfile, key = keyfile, max = case[2], "handshake" }
            local pem = ssl.get_server_certificate({ "127.0.0.1", job.port }, case[1])
            assert.is_true(expected("server-ec") == der_of(pem))
            assert.are.equal(case[3], job:finish()[1]:match("^handshake (%S+)"))
        end
    end)

    it("GSC-02 fails if the server does not support that version", function()
        local server = s_server("127.0.0.1", "server-ec", { "-tls1_3" })
        raises("SSLError", { reason = "TLSV1_ALERT_PROTOCOL_VERSION" }, ssl.get_server_certificate, { "127.0.0.1", server.port },
            ssl.PROTOCOL_TLSv1_2)
        server:stop()
    end)

    it("GSC-02 raises for versions that do not exist, before it connects", function()
        local unused = { "127.0.0.1", process.refusing_port() }
        raises("ValueError", { match = "invalid protocol version" }, ssl.get_server_certificate, unused, 42)
        for _, version in ipairs { ssl.PROTOCOL_SSLv2, ssl.PROTOCOL_SSLv3 } do
            raises("ValueError", { match = "unsupported protocol version" }, ssl.get_server_certificate, unused, version)
        end
        raises("TypeError", {}, ssl.get_server_certificate, unused, "TLSv1.2")
    end)

    it("GSC-03 with ca_certs the certificate is verified, except for its name", function()
        for _, case in ipairs {
            { "server-ec", "root.pem" }, { "server-rsa", "root.pem" }, { "other", "root.pem" },
            { "unknown", "unknown-root.pem" }, { "selfsigned", "selfsigned.pem" },
            { "unknown", "root.pem", 20 }, { "server-ec", "unknown-root.pem", 20 }, { "expired", "root.pem", 10 },
            { "selfsigned", "root.pem", 18 },
        } do
            local server = s_server("127.0.0.1", case[1])
            local addr, ca_certs = { "127.0.0.1", server.port }, pki.path(case[2])
            if case[3] then
                raises({ "SSLError", "SSLCertVerificationError" }, {
                    library = "SSL", reason = "CERTIFICATE_VERIFY_FAILED", verify_code = case[3],
                }, ssl.get_server_certificate, addr, nil, ca_certs)
            else
                assert.is_true(expected(case[1]) == der_of(ssl.get_server_certificate(addr, nil, ca_certs)), case[1])
            end
            server:stop()
        end
    end)

    it("GSC-03 raises for missing or invalid files of CA certificates, before it connects", function()
        local unused = { "127.0.0.1", process.refusing_port() }
        raises("IOError", { errno = ENOENT }, ssl.get_server_certificate, unused, nil, "/no/such/file.pem")
        raises("SSLError", {}, ssl.get_server_certificate, unused, { ca_certs = pki.path("junk.pem") })
        raises("TypeError", {}, ssl.get_server_certificate, unused, { ca_certs = 5 })
    end)

    it("GSC-05 connects over IPv6", function()
        local server = s_server("[::1]", "server-ec")
        for _, addr in ipairs { { "::1", server.port }, { "::1", server.port, 0, 0 }, { "localhost", server.port } } do
            local ok, found = pcall(socket.getaddrinfo, addr[1], addr[2], socket.AF_INET6, socket.SOCK_STREAM)
            if addr[1] == "::1" or (ok and #found > 0) then
                assert.is_true(expected("server-ec") == der_of(ssl.get_server_certificate(addr, nil, pki.path("root.pem"))))
            end
        end
        server:stop()
    end)

    it("GSC-06 sends the host as SNI if it is a name", function()
        local server = s_server("127.0.0.1", "other", with_name("localhost", "server-rsa"))
        assert.is_true(expected("server-rsa") == der_of(ssl.get_server_certificate { "localhost", server.port }))
        assert.is_truthy(server:wait_for('Hostname in TLS extension: "localhost"'))
        assert.is_true(expected("other") == der_of(ssl.get_server_certificate { "127.0.0.1", server.port }))
        local _, count = server:output():gsub("Hostname in TLS extension", "")
        assert.are.equal(1, count)
        server:stop()
        server = s_server("[::1]", "other", with_name("localhost", "server-rsa"))
        assert.is_true(expected("other") == der_of(ssl.get_server_certificate { "::1", server.port }))
        assert.is_nil(server:output():find("Hostname in TLS extension", 1, true))
        server:stop()
    end)

    it("GSC-01 raises for a wrong address, a failed connection and a failed handshake", function()
        raises("TypeError", { match = "argument 'addr'" }, ssl.get_server_certificate)
        raises("TypeError", { match = "get_server_certificate() argument 'addr' must be {host, port}, not string" },
            ssl.get_server_certificate, "localhost", 443)
        raises("TypeError", { match = "{host, port}" }, ssl.get_server_certificate, { "localhost" })
        raises("TypeError", { match = "{host, port}" }, ssl.get_server_certificate, { 1, 2 })
        raises("socket.error", { errno = ECONNREFUSED }, ssl.get_server_certificate, { "127.0.0.1", process.refusing_port() })
        local job = peer.serve { "recv 5", "send " .. peer.hex("220 ready\r\n") }
        raises("SSLError", { reason = "WRONG_VERSION_NUMBER" }, ssl.get_server_certificate, { "127.0.0.1", job.port })
        job:finish()
        job = peer.serve { "recv 5" }
        raises("socket.error", {}, ssl.get_server_certificate, { "127.0.0.1", job.port })
        job:finish()
    end)

    it("GSC-01 waits at most the default timeout", function()
        local job = peer.serve { "await" }
        socket.setdefaulttimeout(0.1)
        local ok, failure = pcall(raises, "socket.timeout", { match = "timed out" }, ssl.get_server_certificate,
            { "127.0.0.1", job.port })
        socket.setdefaulttimeout(nil)
        assert.is_true(ok, tostring(failure))
        job:abandon()
    end)
end)
