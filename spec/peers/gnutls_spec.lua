-- Against gnutls-serv and gnutls-cli.
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
local PRIORITIES = {
    ["TLSv1.2"] = "NORMAL:-VERS-ALL:+VERS-TLS1.2", ["TLSv1.3"] = "NORMAL:-VERS-ALL:+VERS-TLS1.3",
    ["without RFC 5746"] = "NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION",
}

-- gnutls_serv: started on a free port; it echoes.
local function gnutls_serv(version, cert, options)
    local certfile, keyfile = pki.chain(cert)
    return process.on_free_port(function(port)
        local command = {
            "gnutls-serv", "--echo", "--port", port, "--x509certfile", certfile, "--x509keyfile", keyfile, "--priority",
            PRIORITIES[version], timeout = 60,
        }
        for _, word in ipairs(options or {}) do
            command[#command + 1] = word
        end
        local server = process.start(command)
        server:wait_for("listening on IPv4 [%d.]+ port %d+[.]*(done)")
        server.port = port
        return server
    end)
end

local function connect(port, context)
    context = context or ssl.create_default_context { cafile = pki.path("root.pem") }
    return context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, 20), { server_hostname = "localhost" })
end

-- gnutls_cli runs gnutls-cli with a port until it ends; the bytes that it has received are in the field data.
local function gnutls_cli(version, port, options, text)
    local command = {
        "gnutls-cli", "--x509cafile", pki.path("root.pem"), "--priority", PRIORITIES[version], "--port", port,
        "--logfile", process.directory() .. "/gnutls.log", "--sni-hostname", "localhost", "--verify-hostname", "localhost",
        stdin = text, timeout = 30,
    }
    for _, word in ipairs(options or {}) do
        command[#command + 1] = word
    end
    command[#command + 1] = "127.0.0.1"
    return process.run(command)
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe("gnutls and " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        for _, cert in ipairs { "server-ec", "server-rsa" } do
            it("our client echoes with gnutls-serv, 2 bytes to 10 MB both ways at once, " .. cert, function()
                local server = gnutls_serv(version, cert)
                for _, size in ipairs { 2, 1000, 100000, MEGABYTES_10 } do
                    local sock = connect(server.port)
                    assert.are.equal(version, sock:version())
                    local data = peer.pattern(size):gsub("%z", "x"):sub(1, -2) .. "\n" -- it echoes text, by lines
                    assert.is_true(exchange(sock, data) == data, size .. " bytes")
                    sock:close()
                end
                server:stop()
            end)

            it("our server echoes with gnutls-cli, 1 byte to 1 MB both ways at once, " .. cert, function()
                -- gnutls-cli writes byte by byte: 10 MB would take ten seconds.
                for _, size in ipairs { 1, 16385, 1000000 } do
                    local server = serve { cert = cert, bytes = size }
                    local data = peer.pattern(size)
                    local result = gnutls_cli(version, server.port, {}, data)
                    assert.is_true(result.output == data, ("%d bytes came back: %s"):format(#result.output, result.errors))
                    server:wait_for("served\t" .. size .. "\tlimit")
                    assert.is_truthy(server:output():find("connected\t" .. version, 1, true))
                    server:stop()
                end
            end)
        end

        it("our client reads pages from its web server, one connection after the other", function()
            local certfile, keyfile = pki.chain("server-ec")
            local server, port = process.on_free_port(function(port)
                local program = process.start {
                    "gnutls-serv", "--http", "--port", port, "--x509certfile", certfile, "--x509keyfile", keyfile,
                    "--priority", PRIORITIES[version], timeout = 60,
                }
                program:wait_for("listening on IPv4 [%d.]+ port %d+[.]*(done)")
                return program
            end)
            for _ = 1, 20 do
                local sock = connect(port)
                sock:sendall("GET / HTTP/1.0\r\n\r\n")
                local page = ""
                while true do
                    local data = sock:recv(65536)
                    if data == "" then
                        break
                    end
                    page = page .. data
                end
                assert.is_truthy(page:match("^HTTP/1.0 200 OK"))
                assert.is_truthy(page:match("</HTML>"))
                sock:close()
            end
            server:stop()
        end)

        it("SEC-05 client certificates in both roles", function()
            local certfile, keyfile = pki.chain("client")
            local server = gnutls_serv(version, "server-ec", {
                "--x509cafile", pki.path("root.pem"), "--require-client-cert", "--verify-client-cert",
            })
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            context:load_cert_chain(certfile, keyfile)
            local sock = connect(server.port, context)
            assert.are.equal("hello\n", exchange(sock, "hello\n"))
            sock:close()
            raises("SSLError", { library = "SSL" }, function()
                local refused = connect(server.port)
                refused:sendall("hello\n")
                refused:recv(10)
            end)
            server:stop()
            server = serve { cafile = "root.pem", verify = "required", bytes = 5 }
            local result = gnutls_cli(version, server.port, { "--x509certfile", certfile, "--x509keyfile", keyfile }, "hello")
            assert.are.equal("hello", result.output)
            server:wait_for("connected\t[%w.]+\t[%w_-]+\t%-\tclient")
            server:stop()
        end)

        it("ALPN in both roles", function()
            local server = gnutls_serv(version, "server-ec", { "--alpn", "http/1.1" })
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            context:set_alpn_protocols { "h2", "http/1.1" }
            local sock = connect(server.port, context)
            assert.are.equal("http/1.1", sock:selected_alpn_protocol())
            sock:close()
            server:stop()
            server = serve { alpn = "http/1.1", bytes = 1 }
            gnutls_cli(version, server.port, { "--alpn", "http/1.1" }, "x")
            server:wait_for("connected\t[%w.]+\t[%w_-]+\thttp/1%.1")
            server:stop()
        end)

        it("gnutls-cli refuses a bad certificate, and our server receives the alert", function()
            local server = serve { cert = "unknown" }
            local result = gnutls_cli(version, server.port, {}, "x")
            assert.are_not.equal(0, result.status)
            server:wait_for("failed\t(.*)")
            server:stop()
        end)

        it("gnutls-serv killed in the middle is an end without close_notify", function()
            local server = gnutls_serv(version, "server-ec")
            local plain = socket.create_connection({ "127.0.0.1", server.port }, 20)
            local sock = ssl.wrap_socket(plain, { suppress_ragged_eofs = false })
            assert.are.equal("hello\n", exchange(sock, "hello\n"))
            server:kill()
            local failure = raises("socket.error", {}, sock.recv, sock, 10)
            assert.is_true(ssl.SSLEOFError:is(failure) or failure.errno == 104, tostring(failure))
            sock:close()
            server:stop()
        end)
    end)
end

describe("gnutls without RFC 5746:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("B-14 our client connects with OP_LEGACY_SERVER_CONNECT only", function()
        local server = gnutls_serv("without RFC 5746", "server-ec")
        local control = gnutls_serv("TLSv1.2", "server-ec")
        local function client(legacy)
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            context.options = legacy and context.options or context.options - ssl.OP_LEGACY_SERVER_CONNECT
            return context
        end
        for _, port in ipairs { server.port, control.port } do
            local sock = connect(port, client(true))
            assert.are.equal("hello\n", exchange(sock, "hello\n"))
            sock:close()
        end
        local context = client(false)
        for _ = 1, 2 do
            raises("SSLError", { reason = "UNSAFE_LEGACY_RENEGOTIATION_DISABLED" }, connect, server.port, context)
        end
        local sock = connect(control.port, context)
        assert.are.equal("hello\n", exchange(sock, "hello\n"))
        sock:close()
        server:stop()
        control:stop()
    end)
end)
