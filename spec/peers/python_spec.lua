-- Against Python's ssl (OpenSSL), in both roles.
local exchange = require "support.exchange"
local handles = require "support.handles"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local serve = require "support.serve"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local MEGABYTES_10 = 10 * 1024 * 1024
local SIZES = { 1, 100, 16384, 16385, 1000000, MEGABYTES_10 }

-- python: a Python TLS server that does the steps.
local function python(version, cert, options)
    options.tls = true
    options.cert, options.key = pki.chain(cert)
    options.min, options.max = version, version
    return peer.serve(options)
end

-- connect returns a verified connection of cleat to a port.
local function connect(port, options)
    local context = ssl.create_default_context { cafile = pki.path("root.pem") }
    local plain = socket.create_connection({ "127.0.0.1", port }, 15)
    return context:wrap_socket(plain, {
        server_hostname = "localhost", suppress_ragged_eofs = not (options and options.ragged),
    })
end

for _, version in ipairs { "1.2", "1.3" } do
    describe("Python and TLS " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        for _, cert in ipairs { "server-ec", "server-rsa" } do
            it("our client echoes with its server, 1 byte to 10 MB both ways at once, " .. cert, function()
                for _, size in ipairs(SIZES) do
                    local job = python(version, cert, { "handshake", "echo" })
                    local sock = connect(job.port)
                    assert.are.equal("TLSv" .. version, sock:version())
                    local data = peer.pattern(size)
                    assert.is_true(exchange(sock, data) == data, size .. " bytes")
                    sock:setblocking(false)
                    raises("SSLWantReadError", {}, sock.unwrap, sock)
                    assert.are.equal("echo " .. size .. " end", job:finish()[2])
                    sock:close()
                end
            end)

            it("our server echoes with its client, 1 byte to 10 MB both ways at once, " .. cert, function()
                local server = serve { cert = cert, version = "TLSv" .. version }
                for _, size in ipairs(SIZES) do
                    local job = peer.connect {
                        port = server.port, tls = true, cafile = pki.path("root.pem"), verify = "required",
                        hostname = "localhost", check_hostname = "yes", min = version, max = version, "handshake",
                        "exchange " .. size, "notify",
                    }
                    local lines = job:finish()
                    assert.is_truthy((lines[1] or ""):match("^handshake TLSv" .. version:gsub("%.", "%%.")), lines[1])
                    assert.are.equal("exchange ok", lines[2])
                    server:wait_for("served\t" .. size .. "\tend")
                end
                server:stop()
            end)
        end

        it("SEC-05 client certificates in both roles", function()
            local certfile, keyfile = pki.chain("client")
            local job = python(version, "server-ec", {
                cafile = pki.path("root.pem"), verify = "required", "handshake", "peercert", "send 78",
            })
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            context:load_cert_chain(certfile, keyfile)
            local sock = context:wrap_socket(socket.create_connection({ "127.0.0.1", job.port }, 10),
                { server_hostname = "localhost" })
            assert.are.equal("x", sock:recv(1))
            sock:close()
            assert.are.equal("peercert client", job:finish()[2])

            local server = serve { cafile = "root.pem", verify = "required" }
            local lines = peer.connect({
                port = server.port, tls = true, min = version, max = version, cert = certfile, key = keyfile,
                "handshake", "exchange 100",
            }):finish()
            assert.are.equal("exchange ok", lines[2])
            server:wait_for("connected\tTLSv" .. version:gsub("%.", "%%.") .. "\t[%w_-]+\t%-\tclient")
            server:stop()
        end)

        it("SEC-05 a missing client certificate is reported on both sides", function()
            local job = python(version, "server-ec", {
                cafile = pki.path("root.pem"), verify = "required", "handshake", "send 78",
            })
            local failure = raises("SSLError", { library = "SSL" }, function()
                local sock = connect(job.port)
                sock:recv(1)
            end)
            assert.are.equal(version == "1.3" and "TLSV1_ALERT_CERTIFICATE_REQUIRED" or "SSLV3_ALERT_HANDSHAKE_FAILURE",
                failure.reason)
            assert.is_truthy(job:finish()[1]:match("^error SSLError PEER_DID_NOT_RETURN_A_CERTIFICATE"))
        end)

        it("its server receives an alert if our client refuses its certificate", function()
            for cert, alert in pairs {
                unknown = "TLSV1_ALERT_UNKNOWN_CA", expired = "SSLV3_ALERT_CERTIFICATE_EXPIRED",
                other = "SSLV3_ALERT_BAD_CERTIFICATE",
            } do
                local job = python(version, cert, { "handshake", "recv 1" })
                raises("SSLError", { reason = "CERTIFICATE_VERIFY_FAILED" }, connect, job.port)
                local line = job:finish()[1]
                assert.are.equal("error SSLError " .. alert, line:match("^error %S+ %S+"), line)
            end
        end)

        it("our server receives an alert if its client refuses our certificate", function()
            local server = serve { cert = "unknown", version = "TLSv" .. version }
            local lines = peer.connect({
                port = server.port, tls = true, cafile = pki.path("root.pem"), verify = "required", min = version,
                max = version, "handshake",
            }):finish()
            assert.is_truthy(lines[1]:match("^error SSLCertVerificationError CERTIFICATE_VERIFY_FAILED"), lines[1])
            -- (With TLS 1.3 OpenSSL sends this alert without encryption, which is not what a server expects there.)
            server:wait_for("failed\t%[SSL: TLSV1_ALERT_UNKNOWN_CA%]")
            server:stop()
        end)

        it("ALPN in both roles", function()
            local job = python(version, "server-ec", { alpn = "ftp,http/1.1", "handshake" })
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            context:set_alpn_protocols { "h2", "http/1.1" }
            local sock = context:wrap_socket(socket.create_connection({ "127.0.0.1", job.port }, 10),
                { server_hostname = "localhost" })
            assert.are.equal("http/1.1", sock:selected_alpn_protocol())
            sock:close()
            job:finish()
            local server = serve { alpn = "http/1.1" }
            local lines = peer.connect({
                port = server.port, tls = true, alpn = "h2,http/1.1", min = version, max = version, "handshake",
            }):finish()
            assert.is_truthy(lines[1]:match(" http/1%.1$"), lines[1])
            server:stop()
        end)

        it("half-close: we send close_notify, and keep reading", function()
            local job = python(version, "server-ec", { "handshake", "recvall", "sendn 100000", "notify", "waiteof" })
            local sock = connect(job.port, { ragged = true })
            sock:sendall("the question")
            sock:setblocking(false)
            raises("SSLWantReadError", {}, sock.unwrap, sock)
            sock:settimeout(10)
            local parts = {}
            local ok, data = true, nil
            while ok do
                parts[#parts + 1] = data
                ok, data = pcall(sock.recv, sock, 65536)
            end
            assert.is_true(ssl.SSLZeroReturnError:is(data), tostring(data)) -- as Python's, once both have sent close_notify
            assert.is_true(table.concat(parts) == peer.pattern(100000))
            sock:close()
            assert.is_truthy(job:finish()[2]:match("^recvall 12 %x+ end$"))
        end)

        it("half-close: it sends close_notify, and we keep writing", function()
            local job = python(version, "server-ec", { "handshake", "send 71", "notify", "recv 100000" })
            local sock = connect(job.port)
            assert.are.equal("q", sock:recv(10))
            assert.are.equal("", sock:recv(10))
            repeat -- Python looks for our close_notify once, and must not find data then
                local line = assert(job:line())
            until line:find "^notify"
            sock:sendall(peer.pattern(100000))
            assert.are.equal("recv " .. peer.hex(peer.pattern(100000)), job:finish()[1])
            sock:close()
        end)

        it("SSLS-35 SSLS-36 both unwrap and continue in plaintext", function()
            local job = python(version, "server-ec", {
                "handshake", "recv 5", "unwrap", "send " .. peer.hex("plain"), "recv 5",
            })
            local sock = connect(job.port)
            sock:sendall("hello")
            local plain = sock:unwrap()
            plain:settimeout(10)
            assert.are.equal("plain", plain:recv(100))
            plain:sendall("clear")
            assert.are.equal("recv " .. peer.hex("clear"), job:finish()[5])
            plain:close()
        end)

        it("STARTTLS: plaintext first, then TLS on the same socket", function()
            local certfile, keyfile = pki.chain("server-ec")
            local job = peer.serve {
                cert = certfile, key = keyfile, min = version, max = version, "send " .. peer.hex("220 hello\r\n"), "recv 10",
                "starttls", "handshake", "send " .. peer.hex("secure"),
            }
            local plain = socket.create_connection({ "127.0.0.1", job.port }, 10)
            assert.are.equal("220 hello\r\n", plain:recv(100))
            plain:sendall("STARTTLS\r\n")
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            local sock = context:wrap_socket(plain, { server_hostname = "localhost" })
            assert.are.equal("secure", sock:recv(100))
            sock:close()
            job:finish()
        end)

        it("EXC-11 WRAP-29 its ragged end and its clean end are different errors", function()
            local job = python(version, "server-ec", { "handshake", "send 6869", "close" })
            local sock = connect(job.port, { ragged = true })
            assert.are.equal("hi", sock:recv(10))
            raises("SSLEOFError", {}, sock.recv, sock, 10)
            sock:close()
            job:finish()
            job = python(version, "server-ec", { "handshake", "send 6869", "close" })
            sock = connect(job.port)
            assert.are.equal("hi", sock:recv(10))
            assert.are.equal("", sock:recv(10))
            sock:close()
            job:finish()
            job = python(version, "server-ec", { "handshake", "send 6869", "notify", "close" })
            sock = connect(job.port, { ragged = true })
            assert.are.equal("hi", sock:recv(10))
            assert.are.equal("", sock:recv(10))
            sock:close()
            job:finish()
        end)

        describe("cut by a proxy:", function()
            for _, how in ipairs { "close", "reset" } do
                it("our client in mid-handshake, " .. how, function()
                    for _, bytes in ipairs { 1, 5, 60, 500, 900 } do
                        local job = python(version, "server-ec", { "handshake" })
                        local proxy = peer.proxy { port = job.port, down = bytes, cut = how }
                        local ok, failure = pcall(connect, proxy.port)
                        assert.is_false(ok, bytes .. " bytes")
                        assert.is_true(socket.error:is(failure), tostring(failure))
                        assert.is_true(ssl.SSLEOFError:is(failure) or failure.errno == 104 or failure.errno == 32,
                            tostring(failure))
                        proxy:finish()
                        job:finish()
                    end
                end)

                it("our client in mid-record, " .. how, function()
                    local job = python(version, "server-ec", { "handshake", "sendn 1000000", "waiteof" })
                    local proxy = peer.proxy { port = job.port, down = 100000, cut = how }
                    local sock = connect(proxy.port, { ragged = true })
                    local count = 0
                    local failure = raises("socket.error", {}, function()
                        while true do
                            local data = sock:recv(65536)
                            assert(data ~= "")
                            count = count + #data
                        end
                    end)
                    assert.is_true(ssl.SSLEOFError:is(failure) or failure.errno == 104, tostring(failure))
                    assert.is_true(count < 100000)
                    sock:close()
                    proxy:finish()
                    job:finish()
                end)
            end

            it("our server in mid-handshake and in mid-record; the next client is served", function()
                local server = serve { version = "TLSv" .. version }
                for _, bytes in ipairs { 1, 5, 100, 300, 5000 } do
                    local proxy = peer.proxy { port = server.port, up = bytes, cut = bytes % 2 == 0 and "reset" or "close" }
                    peer.connect({
                        port = proxy.port, tls = true, min = version, max = version, "handshake", "exchange 100000",
                    }):finish()
                    proxy:finish()
                end
                local lines = peer.connect({
                    port = server.port, tls = true, min = version, max = version, "handshake", "exchange 1000", "notify",
                }):finish()
                assert.are.equal("exchange ok", lines[2])
                server:wait_for("served\t1000\tend")
                local _, failed = server:output():gsub("failed\t", "")
                assert.are.equal(5, failed, server:output())
                server:stop()
            end)

            it("everything in pieces of one byte", function()
                local job = python(version, "server-rsa", { "handshake", "echo" })
                local proxy = peer.proxy { port = job.port, piece = 1 }
                local sock = connect(proxy.port)
                local data = peer.pattern(2000)
                assert.is_true(exchange(sock, data) == data)
                sock:close()
                proxy:finish()
                job:finish()
            end)
        end)
    end)
end
