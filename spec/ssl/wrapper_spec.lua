-- The attributes of a wrapped socket, the settings that it has from its context, the results of its methods before,
-- during and after a connection, and the sockets after wrapping has failed.
local handles = require "support.handles"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local select = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local EBADF, EINPROGRESS = 9, 115

-- is_open returns whether this process has the descriptor.
local function is_open(fd)
    local file = io.open("/proc/self/fdinfo/" .. fd)
    if file then
        file:close()
    end
    return file ~= nil
end

-- serve starts Python as a server with a certificate.
local function serve(options)
    options.tls = true
    options.cert, options.key = pki.chain("server-ec")
    return peer.serve(options)
end

describe("a wrapped socket:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    describe("attributes", function()
        it("WRAP-01 WRAP-12 WRAP-14 WRAP-17 WRAP-34 have defaults", function()
            local sock = ssl.wrap_socket(socket.socket())
            for name, value in pairs {
                server_side = false, do_handshake_on_connect = true, suppress_ragged_eofs = true, cert_reqs = ssl.CERT_NONE,
                ssl_version = ssl.PROTOCOL_SSLv23,
            } do
                assert.are.equal(value, sock[name], name)
            end
            for _, name in ipairs { "server_hostname", "keyfile", "certfile", "ca_certs", "ciphers" } do
                assert.is_nil(sock[name], name)
            end
            assert.are.equal(ssl.CERT_NONE, sock.context.verify_mode)
            assert.is_false(sock.context.check_hostname)
            sock:close()
        end)

        it("WRAP-01 WRAP-34 have the given values, by position or by name", function()
            local certfile, keyfile = pki.chain("client")
            local ciphers, cafile = "ECDHE-ECDSA-AES256-GCM-SHA384", pki.path("root.pem")
            local given = {
                keyfile = keyfile, certfile = certfile, server_side = true, cert_reqs = ssl.CERT_OPTIONAL,
                ssl_version = ssl.PROTOCOL_TLSv1_2, ca_certs = cafile, do_handshake_on_connect = false, suppress_ragged_eofs = false,
                ciphers = ciphers,
            }
            for _, sock in ipairs {
                ssl.wrap_socket(socket.socket(), given),
                ssl.wrap_socket(socket.socket(), keyfile, certfile, true, ssl.CERT_OPTIONAL, ssl.PROTOCOL_TLSv1_2, cafile, false, false,
                    ciphers),
            } do
                for name, value in pairs(given) do
                    assert.are.equal(value, sock[name], name)
                end
                assert.are.equal(ssl.CERT_OPTIONAL, sock.context.verify_mode)
                assert.are.equal(ssl.PROTOCOL_TLSv1_2, sock.context.protocol)
                assert.are.same({ x509 = 1, x509_ca = 1, crl = 0 }, sock.context:cert_store_stats())
                assert.are.equal(1, #sock.context:get_ciphers())
                assert.are.equal(ciphers, sock.context:get_ciphers()[1].name)
                sock:close()
            end
        end)

        it("WRAP-08 WRAP-34 keyfile is certfile by default, and the key is read from there", function()
            local combined = pki.path("server-ec.key-first.pem")
            local listener = socket.socket()
            listener:settimeout(10)
            listener:bind { "127.0.0.1", 0 }
            listener:listen(1)
            local server = ssl.wrap_socket(listener, { server_side = true, certfile = combined })
            assert.are.equal(combined, server.keyfile)
            assert.are.equal(combined, server.certfile)
            local job = peer.connect {
                port = listener:getsockname()[2], tls = true, cafile = pki.path("root.pem"), verify = "required", hostname = "localhost",
                "handshake", "recv 2",
            }
            local sock = server:accept()
            sock:sendall("ok")
            assert.are.equal("recv 6f6b", job:finish()[2])
            sock:close()
            server:close()
        end)

        it("CWRAP-01 of a context's sockets", function()
            local context = link.context {}
            local sock = context:wrap_socket(socket.socket(), false, false, false, "localhost")
            assert.are.same({ false, false, false, "localhost" },
                { sock.server_side, sock.do_handshake_on_connect, sock.suppress_ragged_eofs, sock.server_hostname })
            sock:close()
            sock = context:wrap_socket(socket.socket(), { server_side = true })
            assert.are.same({ true, true, true }, { sock.server_side, sock.do_handshake_on_connect, sock.suppress_ragged_eofs })
            assert.is_nil(sock.server_hostname)
            assert.are.equal(context, sock.context)
            sock:close()
        end)

        it("B-27 B-52 WRAP-34 CWRAP-02 server_hostname is unchanged", function()
            local sock = link.context {}:wrap_socket(socket.socket(), { server_hostname = "PÜTHON.org" })
            assert.are.equal("PÜTHON.org", sock.server_hostname)
            sock:close()
        end)

        it("CWRAP-02 server_hostname must be a name, or raises ValueError", function()
            local context, plain = link.context {}, socket.socket()
            for _, name in ipairs { "", ".example.org", "a\0b", ("x"):rep(256), "\255.org", ("ü"):rep(300) .. ".org" } do
                raises("ValueError", {}, context.wrap_socket, context, plain, { server_hostname = name })
            end
            context:wrap_socket(plain, { server_hostname = ("x"):rep(63) .. ("." .. ("x"):rep(63)):rep(3) }):close()
        end)

        it("CWRAP-04 CHK-04 a server with such a context needs a name too, as in Python 2.7", function()
            local context, plain = ssl.create_default_context { cafile = pki.path("root.pem") }, socket.socket()
            raises("ValueError", { match = "check_hostname requires server_hostname" }, context.wrap_socket, context, plain,
                { server_side = true })
            plain:close()
        end)
    end)

    describe("settings", function()
        it("MOD-03 of the context apply to its sockets and to those that they accept", function()
            local context = link.context { cert = "server-ec" }
            context:set_alpn_protocols { "h2" }
            context.options = context.options + ssl.OP_NO_TLSv1_3
            local listener = socket.socket()
            listener:settimeout(10)
            listener:bind { "127.0.0.1", 0 }
            listener:listen(1)
            local server = context:wrap_socket(listener, { server_side = true })
            local job = peer.connect { port = listener:getsockname()[2], tls = true, alpn = "h2", "handshake" }
            local sock = server:accept()
            assert.are.equal(context, sock.context)
            assert.are.equal("TLSv1.2", sock:version())
            assert.are.equal("h2", sock:selected_alpn_protocol())
            job:finish()
            sock:close()
            server:close()
        end)

        it("SSLS-41 of another context apply if it is assigned before the connection", function()
            local job = serve { cafile = pki.path("root.pem"), verify = "required", "handshake", "peercert", "send 78" }
            local sock = ssl.wrap_socket(socket.socket())
            sock.context = link.context { cert = "client" }
            sock:connect { "127.0.0.1", job.port }
            assert.are.equal("x", sock:recv(1))
            assert.are.equal("peercert client", job:finish()[2])
            sock:close()
        end)

        it("SSLS-41 an assigned context presents its certificate, before the handshake", function()
            local client, server = link.pair({ server_hostname = "other.example" })
            local other = link.context { cert = "other" }
            server.context = other
            assert.are.equal(other, server.context)
            tasks.run {
                function()
                    tasks.call(client, "do_handshake")
                end,
                function()
                    tasks.call(server, "do_handshake")
                end,
            }
            assert.are.equal("other.example", client:getpeercert().subject[2][1][2])
            local third = link.context { cert = "server-ec" }
            server.context = third -- this changes the attribute only
            assert.are.equal(third, server.context)
            assert.are.equal("other.example", client:getpeercert().subject[2][1][2])
            client:close()
            server:close()
        end)

        it("SSLS-41 assigning a value that is not an SSLContext raises TypeError", function()
            local sock = ssl.wrap_socket(socket.socket())
            local context = sock.context
            for _, value in ipairs { "context", 1, true, {}, sock, ssl.SSLContext } do
                raises("TypeError", { match = "The value must be a SSLContext" }, function()
                    sock.context = value
                end)
            end
            raises("TypeError", { match = "The value must be a SSLContext" }, function()
                sock.context = nil
            end)
            assert.are.equal(context, sock.context)
            sock:close()
        end)
    end)

    describe("a failure", function()
        it("WRAP-07 in wrap_socket closes the socket, and the peer receives the alert", function()
            local job = serve { "handshake" }
            local plain = socket.create_connection({ "127.0.0.1", job.port }, 10)
            local fd = plain:fileno()
            raises("SSLError", { reason = "CERTIFICATE_VERIFY_FAILED" }, ssl.wrap_socket, plain,
                { cert_reqs = ssl.CERT_REQUIRED, ca_certs = pki.path("unknown-root.pem") })
            raises("socket.error", { errno = EBADF }, plain.fileno, plain)
            raises("socket.error", { errno = EBADF }, plain.send, plain, "plaintext")
            assert.is_false(is_open(fd))
            assert.is_truthy(job:finish()[1]:match("^error SSLError TLSV1_ALERT_UNKNOWN_CA"))
        end)

        it("WRAP-07 SOCK-05 in connect does the same", function()
            local job = serve { "handshake" }
            local plain = socket.socket()
            plain:settimeout(10)
            local sock = ssl.wrap_socket(plain, { cert_reqs = ssl.CERT_REQUIRED, ca_certs = pki.path("unknown-root.pem") })
            local fd = sock:fileno()
            raises("SSLError", { reason = "CERTIFICATE_VERIFY_FAILED" }, sock.connect, sock, { "127.0.0.1", job.port })
            raises("socket.error", { errno = EBADF }, sock.fileno, sock)
            raises("socket.error", { errno = EBADF }, sock.send, sock, "x")
            raises("socket.error", { errno = EBADF }, plain.fileno, plain)
            assert.is_false(is_open(fd))
            job:finish()
        end)

        it("WRAP-07 SOCK-01 in accept closes the accepted socket, and the listener continues", function()
            local listener = socket.socket()
            listener:settimeout(10)
            listener:bind { "127.0.0.1", 0 }
            listener:listen(2)
            local server = link.context { cert = "server-ec" }:wrap_socket(listener, { server_side = true })
            local job = peer.connect { port = listener:getsockname()[2], "send " .. peer.hex("GET / HTTP/1.0\r\n\r\n"), "waiteof" }
            raises("SSLError", { reason = "HTTP_REQUEST" }, server.accept, server)
            job:finish() -- it has received the end
            assert.is_true(is_open(server:fileno()))
            server:close()
        end)

        it("WRAP-07 of the arguments leaves the socket unchanged", function()
            local first, second = socket.socketpair()
            first:setblocking(false)
            local context = link.context {}
            for _, f in ipairs {
                function() ssl.wrap_socket(first) end, -- the socket is non-blocking
                function() ssl.wrap_socket(first, { server_side = true }) end,
                function() ssl.wrap_socket(first, { certfile = "/no/such/file" }) end,
                function() ssl.wrap_socket(first, { ca_certs = "/no/such/file" }) end,
                function() ssl.wrap_socket(first, { ciphers = "RC4" }) end,
                function() ssl.wrap_socket(first, { cert_reqs = 3 }) end,
                function() ssl.wrap_socket(first, { ssl_version = 1 }) end,
                function() context:wrap_socket(first) end,
                function() context:wrap_socket(first, { server_hostname = "" }) end,
                function() context:wrap_socket(first, { server_hostname = "x", server_side = true }) end,
                function() context:wrap_socket(first, { suppress_ragged_eofs = 0 }) end,
            } do
                assert.is_false((pcall(f)))
                first:sendall("still there")
                assert.are.equal("still there", second:recv(100))
            end
            first:close()
            second:close()
        end)
    end)

    it("SOCK-07 connect_ex of a socket that does not block, finished by select and do_handshake", function()
        local job = serve { "handshake", "send 6869" }
        local plain = socket.socket()
        plain:setblocking(false)
        local sock = ssl.wrap_socket(plain, { do_handshake_on_connect = false })
        local code = sock:connect_ex { "127.0.0.1", job.port }
        assert.is_true(code == EINPROGRESS or code == 0, "connect_ex: " .. code)
        assert.is_nil(sock:version())
        select.select({}, { sock }, {}, 10)
        sock:settimeout(10)
        sock:do_handshake()
        assert.are.equal("hi", sock:recv(2))
        sock:close()
        job:finish()
    end)

    it("SOCK-03 is closed when it is collected, without close_notify", function()
        local client, server = link.open()
        local fd = client:fileno()
        client = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        assert.is_false(is_open(fd))
        server.suppress_ragged_eofs = false
        raises("SSLEOFError", {}, server.recv, server, 1)
        server:close()
    end)

    it("WRAP-33 SOCK-11 has the timeout of the plain socket, and unwrap returns one with its own", function()
        local context = link.context {}
        for _, timeout in ipairs { false, 0, 0.5, 5 } do
            local plain = socket.socket()
            plain:settimeout(timeout or nil)
            local sock = ssl.wrap_socket(plain)
            assert.are.equal(timeout or nil, sock:gettimeout())
            assert.are.equal(timeout or nil, sock.timeout)
            sock:close()
        end
        socket.setdefaulttimeout(3)
        local sock = context:wrap_socket(socket.socket())
        socket.setdefaulttimeout(nil)
        assert.are.equal(3, sock:gettimeout())
        sock:close()
    end)
end)

for _, version in ipairs { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" } do
    describe("a connection of " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        -- open returns a connection with a cipher suite; the certificate is an RSA one by default.
        local function open(ciphers, cert)
            return link.open({ version = version, ciphers = ciphers }, { cert = cert or "server-rsa" })
        end

        it("SSLS-25 SSLS-26 SSLS-38 the suite, the version that defined it and its bits", function()
            local suites = {
                ["TLSv1"] = { { "ECDHE-RSA-AES128-SHA", "TLSv1/SSLv3", 128 }, { "AES256-SHA", "TLSv1/SSLv3", 256 } },
                ["TLSv1.2"] = {
                    { "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2", 128 }, { "ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.2", 256 },
                    { "ECDHE-RSA-CHACHA20-POLY1305", "TLSv1.2", 256 }, { "AES128-GCM-SHA256", "TLSv1.2", 128 },
                    { "ECDHE-RSA-AES256-SHA", "TLSv1/SSLv3", 256 }, { "ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", 128, "server-ec" },
                },
            }
            suites["TLSv1.1"] = suites["TLSv1"]
            for _, suite in ipairs(suites[version] or {}) do
                local client, server = open(suite[1], suite[4])
                for _, sock in ipairs { client, server } do
                    assert.are.same({ suite[1], suite[2], suite[3] }, sock:cipher())
                    assert.are.equal(version, sock:version())
                end
                client:close()
                server:close()
                assert.is_nil(client:cipher())
                assert.is_nil(client:version())
            end
            if version == "TLSv1.3" then
                local client, server = open()
                local name, defined, bits = (table.unpack or unpack)(client:cipher())
                assert.are.equal("TLSv1.3", defined)
                assert.are.equal(({ TLS_AES_128_GCM_SHA256 = 128, TLS_AES_256_GCM_SHA384 = 256, TLS_CHACHA20_POLY1305_SHA256 = 256 })[name],
                    bits)
                client:close()
                server:close()
            end
        end)

        it("SOCK-16 SOCK-18 SOCK-20 SOCK-22 SOCK-23 SSLS-42 the messages and results of the methods that move data", function()
            local client, server = open()
            assert.are.equal(11, client:sendall("hello world"))
            assert.are.equal(0, client:sendall(""))
            assert.are.equal(2, client:write("!!"))
            local buffer = socket.buffer(8)
            assert.are.equal(5, server:read(5, buffer))
            assert.are.equal("hello\0\0\0", tostring(buffer))
            assert.are.equal(6, server:read(nil, buffer))
            assert.are.equal(" world\0\0", tostring(buffer))
            assert.are.equal("!!", server:read())
            for _, case in ipairs { { "recv", 1, 2 }, { "send", "x", 2 }, { "sendall", "x", 2 }, { "recv_into", buffer, 1, 2 } } do
                local failure = raises("ValueError", {}, client[case[1]], client, case[2], case[3], case[4])
                assert.are.equal(("non-zero flags not allowed in calls to %s() on <class 'ssl.SSLSocket'>"):format(case[1]),
                    tostring(failure))
            end
            for _, name in ipairs { "recv", "read" } do
                assert.are.equal("size should not be negative", tostring(raises("ValueError", {}, client[name], client, -1)))
            end
            for _, name in ipairs { "sendto", "recvfrom", "recvfrom_into" } do
                assert.are.equal(name .. " not allowed on instances of <class 'ssl.SSLSocket'>",
                    tostring(raises("ValueError", {}, client[name], client, "secret", { "127.0.0.1", 9 })))
            end
            assert.are.equal("Can't dup() ssl.SSLSocket instances", tostring(raises("NotImplementedError", {}, client.dup, client)))
            server:setblocking(false)
            raises("SSLWantReadError", {}, server.recv, server, 1)
            client:close()
            server:close()
        end)

        it("SSLS-04 SSLS-05 SSLS-32 SSLS-34 SSLS-43 the results before, during and after a connection", function()
            local client, server = link.pair({ version = version }, { cert = "server-rsa" })
            for _, sock in ipairs { client, server } do
                raises("ValueError", { match = "handshake not done yet" }, sock.getpeercert, sock)
                raises("ValueError", { match = "handshake not done yet" }, sock.getpeercert, sock, true)
                raises("SSLWantReadError", {}, sock.do_handshake, sock)
                raises("ValueError", { match = "handshake not done yet" }, sock.getpeercert, sock)
                for _, name in ipairs {
                    "version", "cipher", "compression", "selected_alpn_protocol", "selected_npn_protocol", "get_channel_binding",
                } do
                    assert.is_nil(sock[name](sock), name)
                end
                assert.are.equal(0, sock:pending())
            end
            client:close()
            server:close()
        end)
    end)
end
