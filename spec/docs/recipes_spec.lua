-- docs/recipes.md: each program, unchanged, with a real server (support.servers).
local nginx = require "support.nginx"
local optional = require "support.optional"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local recipes = require "support.recipes"
local servers = require "support.servers"
local socket = require "cleat.socket"
local softhsm = require "support.softhsm"
local ssl = require "cleat.ssl"

local function expect_text(text, what)
    assert.is_truthy(text:find(what, 1, true), text)
end

local function certificate(name)
    local directory = recipes.directory()
    return directory .. "/" .. (name or "fullchain") .. ".pem", directory .. "/" .. (name or "privkey")
        .. (name and ".key" or ".pem")
end

describe("docs/recipes.md:", function()
    teardown(process.cleanup)

    local all_installed = true

    -- it_with: a test with a server of support.servers.
    local function it_with(name, title, body)
        local missing = name ~= "http" and servers.missing(name)
        all_installed = all_installed and not missing
        optional.tests(it, pending, missing)(title, function()
            local server = servers[name](certificate())
            local ok, failure = pcall(body, server)
            server:stop()
            if not ok then
                error(tostring(failure) .. "\n" .. server:output() .. server:errors(), 0)
            end
        end)
    end

    -- test: a heading's program against a server. With another name in the place of the server's it must fail, and so
    -- it must with each change of refusals: { pattern, replacement, error }.
    -- number: of the program below the heading, 1 by default.
    local function try(heading, server, host, refusals, number)
        local ports = { [host] = server.port }
        number = number or 1
        recipes.run(heading, number, ports)
        -- a name that the certificate does not have
        local wrong = recipes.fails(heading, number, ports, {
            '(server_hostname = )"[^"]+"', '%1"sub.other.example.org"',
        })
        expect_text(wrong, "CERTIFICATE_VERIFY_FAILED")
        expect_text(wrong, "sub.other.example.org")
        for _, case in ipairs(refusals or {}) do
            expect_text(recipes.fails(heading, number, ports, case), case[3])
        end
    end

    local function test(heading, name, host, refusals)
        it_with(name, heading .. ", with " .. name, function(server)
            try(heading, server, host, refusals)
        end)
    end

    describe("HTTPS", function()
        local server
        setup(function()
            local certfile, keyfile = certificate()
            server = nginx.start {
                { certfile = certfile, keyfile = keyfile, lines = 'location = / { return 200 "hello"; }' },
                { certfile = (certificate "expired"), keyfile = select(2, certificate "expired") },
                { cert = "server-ec", lines = 'location = / { return 200 "hello"; }' },
                {
                    certfile = certfile, keyfile = keyfile, lines = "ssl_verify_client on; ssl_verify_depth 2;"
                    .. "ssl_client_certificate " .. pki.path "root.pem" .. '; location = / { return 200 "hello"; }',
                },
                {
                    certfile = certfile, keyfile = keyfile,
                    lines = 'ssl_protocols TLSv1.3; ssl_early_data on; location = / { return 200 "hello"; }',
                },
                { certfile = (certificate "device"), keyfile = select(2, certificate "device") },
            }
        end)

        it("GET, with nginx", function()
            recipes.run("HTTPS GET", 1, { ["www.example.org:443"] = server.ports[1] })
            recipes.run("HTTPS GET", 2, { ["expired.example.org:443"] = server.ports[2] })
        end)

        it("with early data, with nginx", function()
            recipes.run("Early data", 1, { ["www.example.org:443"] = server.ports[5] })
        end)

        it_with("http", "POST, with Python's http.server", function(python)
            recipes.run("HTTPS POST", 1, { ["www.example.org:443"] = python.port })
        end)

        it_with("tinyproxy", "through tinyproxy", function(proxy)
            -- the proxy resolves the name, which therefore is replaced by one of this machine
            local name = { "https://www%.example%.org/", ("https://localhost:%d/"):format(server.ports[3]) }
            recipes.run("HTTPS through a proxy", 1, { ["proxy.example.org:3128"] = proxy.port }, name)
            recipes.run("HTTPS through a proxy", 2, { ["proxy.example.org:3128"] = proxy.port }, name)
        end)

        it("with a client certificate, with nginx", function()
            local ports = { ["api.example.org:443"] = server.ports[4] }
            recipes.run("Client certificate", 1, ports)
            recipes.run("Client certificate", 2, ports)
            expect_text(recipes.fails("Client certificate", 1, ports, { "KEY_PASSWORD", "NONE" }), "password")
        end)

        it("of a device with a self-signed certificate", function()
            local ports = { ["device.example.org:443"] = server.ports[6] }
            recipes.run("Self-signed server", 1, ports)
            recipes.run("Self-signed server", 2, ports)
        end)

        it("with a pinned key", function()
            local ports = { ["www.example.org:443"] = server.ports[1] }
            recipes.run("Pinned key", 1, ports)
            expect_text(recipes.fails("Pinned key", 1, ports, { "fullchain", "device" }), "has another key: ")
        end)

        it("with pins of a context", function()
            local ports = { ["www.example.org:443"] = server.ports[1] }
            recipes.run("Pinned key", 2, ports)
            expect_text(recipes.fails("Pinned key", 2, ports, { "fullchain", "device" }), "no pinned key")
        end)

        it("with a server that need not verify", function()
            recipes.run("A peer that need not verify", 1, { ["expired.example.org:443"] = server.ports[2] })
        end)

        it("with an expired certificate, for a monitor", function()
            recipes.run("When certificates expire", 1, {
                ["www.example.org:443"] = server.ports[1], ["expired.example.org:443"] = server.ports[2],
            })
            recipes.run("When certificates expire", 2, {})
        end)

        it("with a limit for the whole exchange", function()
            recipes.run("Timeouts", 2, { ["www.example.org:443"] = server.ports[1] })
        end)
    end)

    it("a server that is silent", function()
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        listener:listen(1)
        recipes.run("Timeouts", 1, { ["silent.example.org:443"] = listener:getsockname()[2] })
        recipes.run("Ctrl-C", 1, { ["silent.example.org:443"] = listener:getsockname()[2] }, {
            "io%.stderr:write%b()", 'io.popen "sleep 0.1; kill -INT $PPID"', -- it most likely waits by then; it is right if not
        })
        listener:close()
    end)

    it_with("http", "close or unwrap, with Python's http.server", function(server)
        recipes.run("Close or unwrap", 1, { ["python.example.org:443"] = server.port })
    end)

    test("SMTP", "exim4", "mail.example.org:587", { { '"STARTTLS"', '"MAIL FROM:<a@example.org>"', "STARTTLS first" } })
    test("IMAP", "dovecot", "imap.example.org:143", { { '"secret"', '"wrong"', "a NO [AUTHENTICATIONFAILED]" } })
    test("XMPP", "prosody", "example.org:5222")
    it_with("postgresql", "B-62 PostgreSQL, with a binding of the login to the server's certificate and without", function(server)
        local host = "db.example.org:5432"
        try("PostgreSQL", server, host, { { "user\\0postgres", "user\\0nobody", "does not exist" } })
        local heading = "PostgreSQL with SCRAM-SHA-256-PLUS"
        process.write_file(recipes.directory() .. "/scram.lua", recipes.program(heading, 1))
        try(heading, server, host, {
            { '"secret"', '"wrong"', 'password authentication failed for user "alice"' },
            { '%-point", binding', '-point", ("x"):rep(#binding)', "channel binding check failed" },
            { '"tls%-server%-end%-point"%), "', '"tls-exporter"), "', "channel binding check failed" },
            { '"tls%-server%-end%-point", b', '"tls-exporter", b', "unsupported SCRAM channel-binding type" },
        }, 2)
    end)
    test("LDAP", "slapd", "ldap.example.org:389", {
        { '"secret"(.-)print%(answer%(stream%)%)', '"wrong"%1error("code " .. answer(stream))', "code 49" },
    })
    test("FTP", "vsftpd", "ftp.example.org:21", { { ", session = control.session", "", "522 SSL connection failed" } })
    test("Redis", "redis-server", "redis.example.org:6379", { { '"secret"', '"wrong"', "WRONGPASS invalid username-password pair" } })
    test("MQTT", "mosquitto", "mqtt.example.org:8883", { { "\\4\\2\\0", "\\9\\2\\0", "refused" } })
    test("WebSocket", "websockets", "ws.example.org:443", { { "Version: 13", "Version: 99", "HTTP/1.1 400" } })

    describe("STARTTLS:", function()
        local function smtp(...)
            local job = peer.serve {
                "send " .. peer.hex "220 hello\r\n", "recv 25", "send " .. peer.hex "250-hello\r\n250 STARTTLS\r\n", "recv 10", ...,
            }
            local message = recipes.fails("SMTP", 1, { ["mail.example.org:587"] = job.port })
            job:finish()
            return message
        end

        it("the program does not continue in plaintext", function()
            expect_text(smtp("send " .. peer.hex "502 not here\r\n", "waiteof"), "502 not here")
        end)

        it("the program refuses plaintext that follows the server's response", function()
            expect_text(smtp("send " .. peer.hex "220 go\r\n250 evil\r\n", "waiteof"), "WRONG_VERSION_NUMBER")
        end)
    end)

    describe("a server:", function()
        -- serve starts a program that listens on port 8443; and its port.
        local function serve(heading, number, substitute)
            return process.on_free_port(function(port)
                local server = recipes.start(heading, number, { ["0.0.0.0:8443"] = port }, substitute)
                local ok, message = pcall(servers.listening, server, port)
                if not ok then
                    server:stop()
                    error(message, 0)
                end
                return server
            end)
        end

        local function s_client(port, ...)
            return process.run {
                "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-CAfile", pki.path "root.pem",
                "-verify_return_error", "-ign_eof", "-brief", ...,
            }
        end

        it("new certificates appear under load, and no handshake fails", function()
            local directory = recipes.directory()
            local function replace(from, to)
                os.execute(("cp %s/%s %s/new && mv %s/new %s/%s"):format(directory, from, directory, directory, directory, to))
            end
            replace("fullchain.pem", "old.pem")
            replace("privkey.pem", "old.key")
            local server, port = serve("A server that reloads its certificate", 1)
            local crowd = process.start {
                "/usr/bin/python3", "-I", process.root .. "/spec/support/handshakes.py", port, pki.path "root.pem",
                "sub.example.org", timeout = 60,
            }
            crowd:wait_for "first (example.org)"
            process.write_file(directory .. "/new", "no certificate\n")
            os.rename(directory .. "/new", directory .. "/fullchain.pem")
            server:wait_for "certificate not loaded: (%[PEM: NO_START_LINE%])"
            replace("renewed.pem", "fullchain.pem")
            server:wait_for "certificate not loaded: (%[X509: KEY_VALUES_MISMATCH%])"
            replace("renewed.key", "privkey.pem")
            crowd:wait_for "next (renewed.example.org)"
            assert.are.equal(0, crowd:wait())
            expect_text(crowd:output(), "failed 0\n")
            replace("old.pem", "fullchain.pem")
            replace("old.key", "privkey.pem")
            expect_text(s_client(port, "-verify_hostname", "a.example.org").output, "hello")
            server:stop()
        end)

        it("each name has its certificate", function()
            local server, port = serve("A server of several names", 1)
            for _, name in ipairs { "a.example.org", "b.example.org" } do
                local result = s_client(port, "-servername", name, "-verify_hostname", name)
                expect_text(result.output .. result.errors, "Verification: OK")
                expect_text(result.output, "hello")
            end
            expect_text(s_client(port, "-noservername", "-verify_hostname", "a.example.org").output, "hello")
            local refused = s_client(port, "-servername", "c.example.org")
            assert.are_not.equal(0, refused.status)
            expect_text(refused.errors, "unrecognized name")
            server:wait_for "%[SSL: (CALLBACK_FAILED)%]"
            assert.is_nil(server:poll())
            server:stop()
        end)

        it("asks for client certificates", function()
            local server, port = serve("A server that asks for client certificates", 1)
            local certfile, keyfile = pki.chain "client"
            s_client(port, "-cert", certfile, "-cert_chain", certfile, "-key", keyfile)
            server:wait_for "(hello\tclient)"
            s_client(port)
            server:wait_for "(%[SSL: PEER_DID_NOT_RETURN_A_CERTIFICATE%] peer did not return a certificate)"
            local context = ssl.create_default_context { cafile = pki.path "root.pem" }
            local connection = socket.create_connection({ "127.0.0.1", port }, 10)
            local stream = context:wrap_socket(connection, { server_hostname = "sub.example.org" })
            raises("SSLError", { reason = "TLSV1_ALERT_CERTIFICATE_REQUIRED" }, stream.recv, stream, 10)
            assert.is_nil(server:poll())
            server:stop()
        end)

        all_installed = all_installed and not softhsm.missing()
        optional.tests(it, pending, softhsm.missing())("its key is in a PKCS#11 token", function()
            local directory = recipes.directory()
            softhsm.make(directory, "servers", { ["01"] = directory .. "/privkey.pem" })
            process.write_file(directory .. "/pkcs11.lua", process.read_file(process.root .. "/examples/remote_key/pkcs11.lua"))
            local server, port = serve("A server whose key is elsewhere", 1)
            for _, version in ipairs { "-tls1_2", "-tls1_3" } do
                local result = s_client(port, version, "-verify_hostname", "a.example.org")
                expect_text(result.output .. result.errors, "Verification: OK")
                expect_text(result.output, "hello")
            end
            os.rename(directory .. "/tokens", directory .. "/tokens-away") -- the token is pulled out
            local refused = s_client(port)
            assert.are_not.equal(0, refused.status)
            expect_text(refused.errors, "alert internal error")
            server:wait_for "%[SSL: (PRIVATE_KEY_OPERATION_FAILED)%].-pkcs11%-tool does not sign"
            os.rename(directory .. "/tokens-away", directory .. "/tokens")
            expect_text(s_client(port).output, "hello")
            assert.is_nil(server:poll())
            server:stop()
        end)

        it("HTTP in coroutines: a silent client does not delay others, and is disconnected", function()
            process.write_file(recipes.directory() .. "/loop.lua", recipes.program("HTTP server in coroutines", 1))
            local server, port = serve("HTTP server in coroutines", 2, { "settimeout%(10%)", "settimeout(1000)" })
            local silent = socket.create_connection({ "127.0.0.1", port }, 10)
            local words = { "curl", "--silent", "--show-error", "--fail", "--parallel", "--parallel-immediate", "--noproxy", "*",
                "--cacert", pki.path "root.pem", "--resolve", ("www.example.org:%d:127.0.0.1"):format(port) }
            for i = 1, 20 do
                words[#words + 1] = ("https://www.example.org:%d/%d"):format(port, i)
            end
            local result = process.run(words)
            assert.are.equal(0, result.status, result.errors)
            for i = 1, 20 do
                expect_text(result.output, ("you asked for /%d\n"):format(i))
            end
            assert.is_nil(server:errors():find("timed out", 1, true))
            assert.is_nil(server:poll())
            silent:close()
            server:stop()
            server, port = serve("HTTP server in coroutines", 2, { "settimeout%(10%)", "settimeout(1)" })
            silent = socket.create_connection({ "127.0.0.1", port }, 10)
            server:wait_for "(The handshake operation timed out)"
            assert.are.equal("", silent:recv(1)) -- closed
            silent:close()
            server:stop()
        end)
    end)

    if all_installed then
        it("has only programs that these tests run", function()
            assert.are.same({}, recipes.unused())
        end)
    end

    it("has short programs", function()
        for heading, blocks in pairs(recipes.blocks) do
            for _, code in ipairs(blocks) do
                local _, lines = code:gsub("\n", "")
                assert.is_true(lines <= 45, heading .. " has " .. lines)
            end
        end
    end)
end)
