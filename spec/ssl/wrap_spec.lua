-- ssl.wrap_socket and SSLContext.wrap_socket: when the handshake is done, with which settings, and its failures. The
-- peer is Python's ssl if a call blocks, and cleat itself for versions that Python no longer supports.
local handles = require "support.handles"
local limits = require "support.limits"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local ENOENT, ECONNREFUSED = 2, 111

-- serve starts Python as a server with a certificate.
local function serve(options)
    local name = options.name or "server-ec"
    options.name = nil
    options.tls = true
    options.cert, options.key = pki.chain(name)
    return peer.serve(options)
end

local function connected(job)
    return socket.create_connection({ "127.0.0.1", job.port }, 10)
end

-- listening returns a plain listening socket and its port.
local function listening()
    local listener = socket.socket()
    listener:settimeout(10)
    listener:bind { "127.0.0.1", 0 }
    listener:listen(5)
    return listener, listener:getsockname()[2]
end

describe("wrap_socket:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    describe("a client", function()
        it("WRAP-02 WRAP-05 MOD-02 that is connected does the handshake at once", function()
            local job = serve { "handshake", "send 6869", "recv 2" }
            local sock = ssl.wrap_socket(connected(job))
            assert.is_true(ssl.SSLSocket:is(sock))
            assert.is_true(socket.socket:is(sock))
            assert.are.equal("TLSv1.3", sock:version())
            assert.are.equal("hi", sock:recv(2))
            sock:sendall("ho")
            assert.are.equal("recv 686f", job:finish()[3])
            sock:close()
        end)

        it("WRAP-04 SOCK-05 WRAP-26 that is not connected does the handshake in connect", function()
            local job = serve { "handshake", "send 6869" }
            local plain = socket.socket()
            plain:settimeout(10)
            local sock = ssl.wrap_socket(plain)
            assert.is_nil(sock:version())
            assert.is_nil(sock:cipher())
            sock:connect { "127.0.0.1", job.port }
            assert.are.equal("TLSv1.3", sock:version())
            assert.are.equal("hi", sock:recv(2))
            sock:close()
            job:finish()
        end)

        it("WRAP-27 SSLS-01 SSLS-05 SSLS-24 without do_handshake_on_connect waits for do_handshake", function()
            local job = serve { "handshake", "send 6869" }
            local plain = socket.socket()
            plain:settimeout(10)
            local sock = ssl.wrap_socket(plain, { do_handshake_on_connect = false })
            sock:connect { "127.0.0.1", job.port }
            assert.is_nil(sock:cipher())
            assert.is_nil(sock:version())
            raises("ValueError", { match = "handshake not done yet" }, sock.getpeercert, sock)
            sock:do_handshake()
            assert.are.equal("table", type(sock:cipher()))
            assert.are.same({}, sock:getpeercert())
            sock:do_handshake()
            assert.are.equal("hi", sock:recv(2))
            sock:close()
            job:finish()
        end)

        it("SSLS-01 SSLS-05 SSLS-26 SSLS-29 SSLS-43 that was never connected has no results", function()
            local sock = ssl.wrap_socket(socket.socket())
            raises("socket.error", { errno = 107 }, sock.do_handshake, sock)
            raises("socket.error", { errno = 107 }, sock.getpeercert, sock)
            raises("socket.error", { errno = 107 }, sock.getpeername, sock)
            raises("socket.error", {}, sock.recv, sock, 1)
            raises("socket.error", {}, sock.send, sock, "x")
            raises("ValueError", {}, sock.unwrap, sock)
            assert.is_nil(sock:cipher())
            assert.is_nil(sock:version())
            assert.is_nil(sock:compression())
            assert.is_nil(sock:selected_alpn_protocol())
            assert.are.equal(0, sock:pending())
            sock:close()
        end)

        it("SOCK-06 cannot be connected twice", function()
            local job = serve { "handshake", "recv 1" }
            local sock = ssl.wrap_socket(connected(job))
            raises("ValueError", { match = "attempt to connect already-connected SSLSocket!" }, sock.connect, sock,
                { "127.0.0.1", job.port })
            raises("ValueError", { match = "attempt to connect already-connected SSLSocket!" }, sock.connect_ex, sock,
                { "127.0.0.1", job.port })
            sock:close()
            job:finish()
        end)

        it("SOCK-07 connect_ex returns errors of TCP and raises errors of TLS", function()
            local job = serve { "handshake" }
            local sock = ssl.wrap_socket(socket.socket())
            assert.are.equal(0, sock:connect_ex { "127.0.0.1", job.port })
            assert.are.equal("TLSv1.3", sock:version())
            sock:close()
            job:finish()
            sock = ssl.wrap_socket(socket.socket())
            assert.are.equal(ECONNREFUSED, sock:connect_ex { "127.0.0.1", job.port })
            sock:close()
            job = serve { "handshake" }
            sock = ssl.wrap_socket(socket.socket(), { cert_reqs = ssl.CERT_REQUIRED, ca_certs = pki.path("unknown-root.pem") })
            raises("SSLError", { reason = "CERTIFICATE_VERIFY_FAILED" }, sock.connect_ex, sock, { "127.0.0.1", job.port })
            sock:close()
            job:finish()
        end)

        it("EXC-15 EXC-01 to a closed port raises ECONNREFUSED, which is not an SSLError", function()
            local listener, port = listening()
            listener:close()
            local sock = ssl.wrap_socket(socket.socket())
            local failure = raises({ "socket.error", "IOError" }, { errno = ECONNREFUSED }, sock.connect, sock,
                { "127.0.0.1", port })
            assert.is_false(ssl.SSLError:is(failure))
            sock:close()
        end)

        it("WRAP-16 WRAP-07 with ca_certs verifies, and is closed if that fails", function()
            local job = serve { "handshake", "recv 1" }
            local sock = ssl.wrap_socket(connected(job), {
                cert_reqs = ssl.CERT_REQUIRED, ca_certs = pki.path("root.pem"),
            })
            assert.are.equal("localhost", sock:getpeercert().subject[2][1][2])
            sock:close()
            job:finish()
            job = serve { "handshake", "recv 1" }
            local plain = connected(job)
            raises("SSLError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = 20 }, ssl.wrap_socket, plain,
                { cert_reqs = ssl.CERT_REQUIRED, ca_certs = pki.path("unknown-root.pem") })
            assert.is_truthy(job:finish()[1]:match("^error SSLError TLSV1_ALERT_UNKNOWN_CA"))
            plain:close()
        end)

        it("WRAP-15 that requires a certificate, without ca_certs, does not connect", function()
            local job = serve { "handshake", "recv 1" }
            local plain = connected(job)
            raises("SSLError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = 20 }, ssl.wrap_socket, plain,
                { cert_reqs = ssl.CERT_REQUIRED })
            plain:close()
            job:finish()
        end)

        it("WRAP-08 WRAP-34 sends certfile's certificate, with the key in keyfile", function()
            local certfile, keyfile = pki.chain("client")
            local job = serve { cafile = pki.path("root.pem"), verify = "required", "handshake", "peercert", "send 78" }
            local sock = ssl.wrap_socket(connected(job), keyfile, certfile)
            assert.are.equal("x", sock:recv(1))
            sock:close()
            assert.are.equal("peercert client", job:finish()[2])
            job = serve { cafile = pki.path("root.pem"), verify = "required", "handshake", "peercert", "send 78" }
            sock = ssl.wrap_socket(connected(job), { certfile = certfile, keyfile = keyfile })
            assert.are.equal("x", sock:recv(1))
            sock:close()
            assert.are.equal("peercert client", job:finish()[2])
        end)

        it("WRAP-25 WRAP-32 CIPH-03 with ciphers offers those only", function()
            local job = serve { max = "1.2", "handshake" }
            local sock = ssl.wrap_socket(connected(job), { ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384" })
            assert.are.same({ "ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2", 256 }, sock:cipher())
            sock:close()
            job:finish()
            local plain = socket.socket()
            raises("SSLError", { match = "No cipher can be selected" }, function()
                local wrapped = ssl.wrap_socket(plain, { ciphers = "^$:,;?*'dorothyx" })
                wrapped:connect { "127.0.0.1", 1 }
            end)
            plain:close()
        end)

        it("WRAP-17 CONST-15 with ssl_version uses that version", function()
            local job = serve { "handshake" }
            local sock = ssl.wrap_socket(connected(job), { ssl_version = ssl.PROTOCOL_TLSv1_2 })
            assert.are.equal("TLSv1.2", sock:version())
            sock:close()
            assert.is_truthy(job:finish()[1]:match("^handshake TLSv1.2 "))
        end)

        it("WRAP-35 SSLS-40 SSLS-39 has its own context", function()
            local first, other = ssl.wrap_socket(socket.socket()), ssl.wrap_socket(socket.socket())
            assert.is_true(ssl.SSLContext:is(first.context))
            assert.are_not.equal(first.context, other.context)
            assert.are.equal(ssl.PROTOCOL_SSLv23, first.context.protocol)
            first:close()
            other:close()
            local context = link.context {}
            local sock = context:wrap_socket(socket.socket())
            assert.are.equal(context, sock.context)
            sock:close()
        end)

        it("GSC-01 GSC-02 GSC-03 GSC-04 GSC-06 get_server_certificate", function()
            local job = serve { "handshake" }
            local pem = ssl.get_server_certificate { "127.0.0.1", job.port }
            job:finish()
            assert.are.equal(pki.read("server-ec.der"), ssl.PEM_cert_to_DER_cert(pem))
            job = serve { "handshake" }
            pem = ssl.get_server_certificate({ "127.0.0.1", job.port }, { ca_certs = pki.path("root.pem") })
            job:finish()
            assert.are.equal(pki.read("server-ec.der"), ssl.PEM_cert_to_DER_cert(pem))
            job = serve { "handshake" }
            raises("SSLError", { reason = "CERTIFICATE_VERIFY_FAILED" }, ssl.get_server_certificate,
                { "127.0.0.1", job.port }, { ca_certs = pki.path("unknown-root.pem") })
            job:finish()
            job = serve { "handshake" }
            ssl.get_server_certificate({ "127.0.0.1", job.port }, ssl.PROTOCOL_TLSv1_2)
            assert.is_truthy(job:finish()[1]:match("^handshake TLSv1.2 "))
        end)

        it("GSC-05 get_server_certificate over IPv6", function()
            local job = serve { host = "::1", "handshake" }
            local pem = ssl.get_server_certificate { "::1", job.port }
            job:finish()
            assert.are.equal(pki.read("server-ec.der"), ssl.PEM_cert_to_DER_cert(pem))
        end)
    end)

    describe("a server", function()
        it("WRAP-06 SOCK-01 that listens wraps the sockets that it accepts", function()
            local certfile, keyfile = pki.chain("server-ec")
            local listener, port = listening()
            local server = ssl.wrap_socket(listener, keyfile, certfile, true)
            assert.is_true(server.server_side)
            local job = peer.connect {
                port = port, tls = true, cafile = pki.path("root.pem"), verify = "required", hostname = "localhost",
                check_hostname = "yes", "handshake", "send 68656c6c6f", "recv 5",
            }
            local sock, address = server:accept()
            assert.is_true(ssl.SSLSocket:is(sock))
            assert.is_true(sock.server_side)
            assert.are.equal("127.0.0.1", address[1])
            assert.are.equal("TLSv1.3", sock:version())
            assert.are.equal(server.context, sock.context)
            sock:settimeout(10)
            assert.are.equal("hello", sock:recv(5))
            sock:sendall("world")
            assert.are.equal("recv 776f726c64", job:finish()[3])
            sock:close()
            server:close()
        end)

        it("SOCK-13 SOCK-02 can be bound and listen after it is wrapped", function()
            local certfile, keyfile = pki.chain("server-rsa")
            local plain = socket.socket()
            plain:settimeout(10)
            local server = ssl.wrap_socket(plain, { server_side = true, certfile = certfile, keyfile = keyfile })
            server:bind { "127.0.0.1", 0 }
            server:listen(1)
            local job = peer.connect { port = server:getsockname()[2], tls = true, "handshake", "recv 2" }
            local sock = server:accept()
            sock:sendall("ok")
            assert.are.equal("recv 6f6b", job:finish()[2])
            sock:close()
            server:close()
        end)

        it("SOCK-01 that accepts a client passes on do_handshake_on_connect", function()
            local listener, port = listening()
            local certfile, keyfile = pki.chain("server-ec")
            local server = ssl.wrap_socket(listener, {
                server_side = true, certfile = certfile, keyfile = keyfile, do_handshake_on_connect = false,
                suppress_ragged_eofs = false,
            })
            local job = peer.connect { port = port, tls = true, "handshake", "recv 2", "close" }
            local sock = server:accept()
            assert.is_nil(sock:version())
            sock:settimeout(10)
            sock:do_handshake()
            sock:sendall("ok")
            assert.are.equal("recv 6f6b", job:finish()[2])
            raises("SSLEOFError", {}, sock.recv, sock, 10)
            sock:close()
            server:close()
        end)

        it("a client that fails does not end the listener", function()
            local listener, port = listening()
            local certfile, keyfile = pki.chain("server-ec")
            local server = ssl.wrap_socket(listener, { server_side = true, certfile = certfile, keyfile = keyfile })
            local job = peer.connect { port = port, "send " .. peer.hex("GET / HTTP/1.0\r\n\r\n"), "recv 100" }
            raises("SSLError", { library = "SSL", reason = "HTTP_REQUEST" }, server.accept, server)
            job:finish()
            job = peer.connect { port = port, tls = true, "handshake", "recv 2" }
            local sock = server:accept()
            sock:sendall("ok")
            assert.are.equal("recv 6f6b", job:finish()[2])
            sock:close()
            server:close()
        end)

        it("WRAP-13 cannot connect", function()
            local certfile, keyfile = pki.chain("server-ec")
            local sock = ssl.wrap_socket(socket.socket(), { server_side = true, certfile = certfile, keyfile = keyfile })
            raises("ValueError", { match = "can't connect in server-side mode" }, sock.connect, sock, { "127.0.0.1", 1 })
            raises("ValueError", { match = "can't connect in server-side mode" }, sock.connect_ex, sock, { "127.0.0.1", 1 })
            sock:close()
        end)

        it("WRAP-10 needs a certfile in the module's function", function()
            local sock = socket.socket()
            for _, certfile in ipairs { false, "" } do
                raises("ValueError", { match = "certfile must be specified for server-side operations" }, ssl.wrap_socket,
                    sock, { server_side = true, certfile = certfile or nil })
            end
            local context = link.context {}
            local wrapped = context:wrap_socket(sock, { server_side = true })
            wrapped:close()
            sock:close()
        end)

        it("WRAP-10 without a certificate fails in the handshake", function()
            local failures = link.attempt({}, { cert = false })
            raises.check(failures.server, "SSLError", { library = "SSL", reason = "NO_CERTIFICATE_SET" })
            raises.check(failures.client, "SSLError", {}) -- an alert, or with BoringSSL of 2023 only an end
        end)
    end)

    describe("arguments", function()
        it("WRAP-09 a keyfile needs a certfile", function()
            local sock = socket.socket()
            raises("ValueError", { match = "certfile must be specified" }, ssl.wrap_socket, sock, pki.path("ec.key"))
            sock:close()
        end)

        it("WRAP-11 missing files are ENOENT", function()
            local sock = socket.socket()
            local certfile, keyfile = pki.chain("server-ec")
            local missing = pki.path("no-such-file")
            for _, names in ipairs { { missing, keyfile }, { certfile, missing }, { missing, missing } } do
                raises("IOError", { errno = ENOENT }, ssl.wrap_socket, sock, { certfile = names[1], keyfile = names[2] })
            end
            raises("IOError", { errno = ENOENT }, ssl.wrap_socket, sock, {
                cert_reqs = ssl.CERT_REQUIRED, ca_certs = missing,
            })
            sock:close()
        end)

        it("WRAP-14 cert_reqs and WRAP-17 ssl_version are checked", function()
            local sock = socket.socket()
            raises("ValueError", {}, ssl.wrap_socket, sock, { cert_reqs = 7 })
            raises("ValueError", { match = "protocol" }, ssl.wrap_socket, sock, { ssl_version = 99 })
            raises("ValueError", { match = "protocol" }, ssl.wrap_socket, sock, { ssl_version = ssl.PROTOCOL_SSLv3 })
            raises("TypeError", { match = "certfiles" }, ssl.wrap_socket, sock, { certfiles = "x" })
            sock:close()
        end)

        it("WRAP-01 can be positional as in Python", function()
            local certfile, keyfile = pki.chain("client")
            local sock = ssl.wrap_socket(socket.socket(), keyfile, certfile, false, ssl.CERT_REQUIRED,
                ssl.PROTOCOL_TLSv1_2, pki.path("root.pem"), false, false, "ECDHE-ECDSA-AES256-GCM-SHA384")
            assert.are.equal(ssl.CERT_REQUIRED, sock.context.verify_mode)
            assert.are.equal(ssl.PROTOCOL_TLSv1_2, sock.context.protocol)
            assert.are.same({ x509 = 1, x509_ca = 1, crl = 0 }, sock.context:cert_store_stats())
            assert.is_false(sock.server_side)
            sock:close()
        end)

        it("CWRAP-01 can be positional as in Python for the method", function()
            local context = link.context {}
            local sock = context:wrap_socket(socket.socket(), false, false, false, "localhost")
            assert.are.equal("localhost", sock.server_hostname)
            assert.is_false(sock.server_side)
            sock:close()
        end)

        it("WRAP-28 a non-blocking connected socket raises with do_handshake_on_connect", function()
            local first, second = socket.socketpair()
            first:setblocking(false)
            local context = link.context {}
            raises("ValueError", { match = "do_handshake_on_connect should not be specified for non-blocking sockets" },
                context.wrap_socket, context, first)
            local sock = context:wrap_socket(first, { do_handshake_on_connect = false })
            raises("SSLWantReadError", {}, sock.do_handshake, sock)
            sock:close()
            first:close()
            second:close()
        end)

        it("WRAP-33 SOCK-11 the timeout is kept", function()
            local context = link.context {}
            for _, timeout in ipairs { false, 0, 5 } do
                local plain = socket.socket()
                plain:settimeout(timeout or nil)
                local sock = context:wrap_socket(plain, { do_handshake_on_connect = false })
                assert.are.equal(timeout or nil, sock:gettimeout())
                sock:close()
            end
        end)
    end)

    describe("versions", function()
        -- negotiated returns the version between a context with these options and one with all versions.
        local function negotiated(options)
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            for _, name in ipairs(options) do
                context.options = context.options + ssl[name]
            end
            local failures, version = link.attempt({ context = context }, { cert = "server-rsa" }, function(sock)
                return sock:version()
            end)
            return version, failures
        end

        it("CONST-19 CONST-20 CONST-21 CONST-22 F15 are disabled by options", function()
            assert.are.equal("TLSv1.3", (negotiated {}))
            assert.are.equal("TLSv1.2", (negotiated { "OP_NO_TLSv1_3" }))
            assert.are.equal("TLSv1.1", (negotiated { "OP_NO_TLSv1_3", "OP_NO_TLSv1_2" }))
            assert.are.equal("TLSv1", (negotiated { "OP_NO_TLSv1_3", "OP_NO_TLSv1_2", "OP_NO_TLSv1_1" }))
            assert.are.equal("TLSv1.3", (negotiated { "OP_NO_TLSv1" }))
            assert.are.equal("TLSv1.3", (negotiated { "OP_NO_TLSv1", "OP_NO_TLSv1_1", "OP_NO_TLSv1_2" }))
            -- the versions above a gap are enabled
            assert.are.equal("TLSv1.3", (negotiated { "OP_NO_TLSv1_2" }))
            assert.are.equal("TLSv1.3", (negotiated { "OP_NO_TLSv1_1" }))
        end)

        it("CONST-19 are all disabled by all options", function()
            local version, failures = negotiated { "OP_NO_TLSv1_3", "OP_NO_TLSv1_2", "OP_NO_TLSv1_1", "OP_NO_TLSv1" }
            assert.is_nil(version)
            raises.check(failures.client, "SSLError", { library = "SSL" })
        end)

        it("B-06 SEC-07 DCTX-11 are at least TLS 1.2 with create_default_context", function()
            for version, reason in pairs { ["TLSv1"] = true, ["TLSv1.1"] = true, ["TLSv1.2"] = false } do
                local context = ssl.create_default_context { cafile = pki.path("root.pem") }
                local failures = link.attempt({ context = context }, { version = version, cert = "server-rsa" })
                if reason then
                    raises.check(failures.client, "SSLError", { library = "SSL" })
                else
                    assert.is_nil(failures.client)
                end
            end
        end)

        it("SEC-07 CIPH-04 set_ciphers does not affect TLS 1.3", function()
            local failures, cipher = link.attempt({ ciphers = "ECDHE-RSA-AES256-GCM-SHA384" }, { cert = "server-rsa" },
                function(sock)
                    return sock:cipher()
                end)
            assert.is_nil(failures.client)
            assert.are.equal("TLSv1.3", cipher[2])
            assert.is_truthy(cipher[1]:match("^TLS_"))
        end)

        it("CONST-23 DCTX-08 DCTX-14 the server's order of suites is used", function()
            local chosen = select(2, link.attempt(
                { version = "TLSv1.2", ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384" },
                { cert = "server-rsa", ciphers = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256" },
                function(sock)
                    return sock:cipher()[1]
                end))
            assert.are.equal("ECDHE-RSA-AES256-GCM-SHA384", chosen)
            local failures
            failures, chosen = link.attempt(
                { context = ssl.create_default_context { cafile = pki.path("root.pem") } },
                { version = "TLSv1.2", cert = "server-rsa", ciphers = "ECDHE-RSA-CHACHA20-POLY1305" },
                function(sock)
                    return sock:cipher()[1]
                end)
            assert.is_nil(failures.client)
            assert.are.equal("ECDHE-RSA-CHACHA20-POLY1305", chosen)
            failures = link.attempt(
                { context = ssl.create_default_context { cafile = pki.path("root.pem") } },
                { version = "TLSv1.2", cert = "server-rsa", ciphers = "DES-CBC3-SHA" })
            raises.check(failures.client, "SSLError", { reason = "SSLV3_ALERT_HANDSHAKE_FAILURE" })
        end)
    end)

    describe("timeouts", function()
        it("B-21 EXC-14 SOCK-11 end a handshake", function()
            local job = peer.serve { "waiteof" }
            local plain = socket.create_connection({ "127.0.0.1", job.port }, 0.1)
            local start = process.clock()
            raises("socket.error", { match = "timed out" }, ssl.wrap_socket, plain)
            assert.is_true(process.clock() - start < limits.bound(2))
            plain:close()
            job:finish()
        end)

        it("B-35 EXC-14 end a handshake in which the peer sends a byte at a time", function()
            -- The deadline is for the whole call: a byte from time to time does not extend it.
            local job = peer.serve { "drip 100000 0.05 16030100ff" }
            local plain = socket.create_connection({ "127.0.0.1", job.port }, 0.3)
            local start = process.clock()
            raises("socket.error", { match = "timed out" }, ssl.wrap_socket, plain)
            local time = process.clock() - start
            assert(0.25 < time and time < limits.bound(1.5), "it took " .. time)
            plain:close()
            job:abandon()
        end)

        it("EXC-14 end a read, and the connection continues to work", function()
            local job = serve { "handshake", "await", "send 6c617465" }
            local sock = ssl.wrap_socket(connected(job))
            sock:settimeout(0.1)
            raises("socket.error", { match = "timed out" }, sock.recv, sock, 10)
            sock:settimeout(10)
            job:go()
            assert.are.equal("late", sock:recv(10))
            sock:close()
            job:finish()
        end)

        it("EXC-14 end a write", function()
            local stalled = serve { rcvbuf = 4096, "handshake", "await" }
            local sock = ssl.wrap_socket(connected(stalled))
            sock:settimeout(0.2)
            local start = process.clock()
            raises("socket.error", { match = "timed out" }, sock.sendall, sock, ("x"):rep(20000000))
            local time = process.clock() - start
            assert(0.19 < time and time < limits.bound(2), "it took " .. time)
            sock:close()
            stalled:abandon()
        end)
    end)

    describe("errors of the peer", function()
        it("EXC-11 WRAP-30 an end in the handshake is SSLEOFError", function()
            local job = peer.serve { "recv 10", "shutwr", "waiteof" }
            local plain = connected(job)
            raises("SSLEOFError", { errno = 8, match = "EOF occurred in violation of protocol" }, ssl.wrap_socket, plain)
            plain:close()
            job:finish()
        end)

        it("EXC-15 a reset in the handshake is ECONNRESET", function()
            local job = peer.serve { "recv 1", "reset" }
            local plain = connected(job)
            local failure = raises("socket.error", { errno = 104 }, ssl.wrap_socket, plain)
            assert.is_false(ssl.SSLError:is(failure))
            plain:close()
            job:finish()
        end)

        it("EXC-06 plain HTTP on the port is WRONG_VERSION_NUMBER", function()
            local job = peer.serve { "send " .. peer.hex("HTTP/1.1 400 Bad Request\r\n\r\n"), "waiteof" }
            local plain = connected(job)
            local failure = raises("SSLError", { library = "SSL", reason = "WRONG_VERSION_NUMBER", errno = 1 },
                ssl.wrap_socket, plain)
            assert.is_truthy(tostring(failure):match("^%[SSL: WRONG_VERSION_NUMBER%]"), tostring(failure))
            plain:close()
            job:finish()
        end)
    end)

    it("can be dropped in the middle of a handshake", function()
        local sock, server = link.pair()
        raises("SSLWantReadError", {}, sock.do_handshake, sock)
        raises("SSLWantReadError", {}, server.do_handshake, server)
        -- handles.watch checks that their ids are closed.
    end)
end)
