-- Against openssl s_server and s_client.
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
local FLAGS = { ["TLSv1.2"] = "-tls1_2", ["TLSv1.3"] = "-tls1_3" }

-- s_server starts openssl s_server on a free port. Its input is a text, and stays open; its output is what it receives.
local function s_server(version, cert, options, text)
    local certfile, keyfile = pki.chain(cert)
    local command = {
        "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certfile, "-cert_chain", certfile, "-key", keyfile,
    }
    if FLAGS[version] then
        command[#command + 1] = FLAGS[version]
    end
    for _, word in ipairs(options or {}) do
        command[#command + 1] = word
    end
    local input = process.write_file(process.directory() .. "/s_server.in", text or "")
    local words = { "/usr/bin/python3", "-I", process.root .. "/spec/support/hold.py", input, timeout = 60 }
    for _, word in ipairs(command) do
        words[#words + 1] = word
    end
    local server = process.start(words)
    server.port = tonumber((server:wait_for("ACCEPT [%d.]+:(%d+)")))
    return server
end

local function connect(port, context)
    context = context or ssl.create_default_context { cafile = pki.path("root.pem") }
    return context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, 20), { server_hostname = "localhost" })
end

-- s_client: run to the end against a port, with text as its input.
local function s_client(port, options, text)
    local command = {
        "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-servername", "localhost", "-CAfile",
        pki.path("root.pem"), "-verify_return_error", "-verify_hostname", "localhost", stdin = text, timeout = 30,
    }
    for _, word in ipairs(options) do
        command[#command + 1] = word
    end
    return process.run(command)
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe("openssl and " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        for _, cert in ipairs { "server-ec", "server-rsa" } do
            it("our client and s_server, 10 MB both ways at once, " .. cert, function()
                local theirs = ("s_server's words "):rep(MEGABYTES_10 / 16):sub(1, MEGABYTES_10)
                -- Without -quiet, which hides the port, lines that begin with Q, P and so on would be commands.
                local server = s_server(version, cert, { "-naccept", "1" }, theirs)
                local sock = connect(server.port)
                assert.are.equal(version, sock:version())
                local mine = peer.pattern(MEGABYTES_10)
                local got = exchange(sock, mine, #theirs)
                assert.is_true(got == theirs)
                sock:setblocking(false)
                pcall(sock.unwrap, sock)
                sock:close()
                server:wait(20)
                assert.is_truthy(server:output():find(mine, 1, true))
                server:stop()
            end)

            it("our server and s_client, 1 byte to 10 MB both ways at once, " .. cert, function()
                for _, size in ipairs { 1, 16385, MEGABYTES_10 } do
                    local server = serve { cert = cert, bytes = size }
                    local data = peer.pattern(size)
                    local result = s_client(server.port, { FLAGS[version], "-quiet" }, data)
                    assert.is_true(result.output == data, ("%d bytes came back: %s"):format(#result.output, result.errors))
                    server:wait_for("served\t" .. size .. "\tlimit")
                    assert.is_truthy(server:output():find("connected\t" .. version, 1, true))
                    server:stop()
                end
            end)
        end

        it("PKI-04 s_client verifies our chain and name", function()
            local server = serve { cert = "server-ec", bytes = 1 }
            local result = s_client(server.port, { FLAGS[version], "-brief", "-ign_eof" }, "x")
            assert.are.equal(0, result.status, result.errors)
            assert.is_truthy((result.output .. result.errors):find("Verification: OK", 1, true), result.errors)
            assert.is_truthy((result.output .. result.errors):find("Verified peername: localhost", 1, true), result.errors)
            server:stop()
            server = serve { cert = "other" }
            result = s_client(server.port, { FLAGS[version], "-brief" }, "x")
            assert.are_not.equal(0, result.status)
            server:wait_for("failed\t%[SSL: SSLV3_ALERT_BAD_CERTIFICATE%]")
            server:stop()
        end)

        it("ALPN in both roles", function()
            local server = s_server(version, "server-ec", { "-alpn", "http/1.1" })
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            context:set_alpn_protocols { "h2", "http/1.1" }
            local sock = connect(server.port, context)
            assert.are.equal("http/1.1", sock:selected_alpn_protocol())
            sock:close()
            server:stop()
            server = serve { alpn = "http/1.1" }
            local result = s_client(server.port, { FLAGS[version], "-alpn", "h2,http/1.1" })
            assert.is_truthy(result.output:find("ALPN protocol: http/1.1", 1, true), result.output)
            server:stop()
        end)

        it("SEC-05 client certificates in both roles", function()
            local certfile, keyfile = pki.chain("client-rsa")
            local server = s_server(version, "server-ec", {
                "-Verify", "2", "-verify_return_error", "-CAfile", pki.path("root.pem"),
            }, "x")
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            context:load_cert_chain(certfile, keyfile)
            local sock = connect(server.port, context)
            assert.are.equal("x", sock:recv(1))
            sock:close()
            server:wait_for("CN = (client with RSA)")
            server:stop()
            server = serve { cafile = "root.pem", verify = "required", bytes = 1 }
            local result = s_client(server.port, {
                FLAGS[version], "-quiet", "-cert", certfile, "-cert_chain", certfile, "-key", keyfile,
            }, "x")
            assert.are.equal("x", result.output)
            server:wait_for("connected\t[%w.]+\t[%w_-]+\t%-\tclient with RSA")
            server:stop()
        end)

        it("s_server killed while it sends: the end is reported and nothing read is lost", function()
            local server = s_server(version, "server-ec", {}, ("words "):rep(1000000))
            local plain = socket.create_connection({ "127.0.0.1", server.port }, 20)
            local sock = ssl.wrap_socket(plain, { suppress_ragged_eofs = false })
            assert.are.equal("words ", sock:recv(6))
            server:kill()
            local failure = raises("socket.error", {}, function()
                while true do
                    local data = sock:recv(65536)
                    assert(data ~= "", "a clean end")
                end
            end)
            assert.is_true(ssl.SSLEOFError:is(failure) or failure.errno == 104, tostring(failure))
            sock:close()
            server:stop()
        end)
    end)
end

describe("openssl and old versions:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("SEC-07 a server of TLS 1.0 only is refused by the default context", function()
        local server = s_server(nil, "server-rsa", { "-tls1", "-cipher", "ALL:@SECLEVEL=0" })
        raises("SSLError", { library = "SSL", reason = "TLSV1_ALERT_PROTOCOL_VERSION" }, connect, server.port)
        server:stop()
    end)

    it("WRAP-20 WRAP-21 the bare context speaks TLS 1.0 and 1.1 to it", function()
        for flag, version in pairs { ["-tls1"] = "TLSv1", ["-tls1_1"] = "TLSv1.1" } do
            local server = s_server(nil, "server-rsa", { flag, "-cipher", "ALL:@SECLEVEL=0" })
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_verify_locations(pki.path("root.pem"))
            context.verify_mode = ssl.CERT_REQUIRED
            context.check_hostname = true
            local sock = connect(server.port, context)
            assert.are.equal(version, sock:version())
            sock:close()
            server:stop()
        end
    end)
end)
