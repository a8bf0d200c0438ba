-- cleat connect with servers of Python's ssl, which follow each test's script, of openssl, GnuTLS and nginx; STARTTLS
-- with the servers of docs/recipes.md, and with scripted servers for other protocols and for attacks.
local optional = require "support.optional"

local missing = optional.module("argparse", "lua-argparse")
if missing then
    return pending("cleat connect: " .. missing, function() end)
end

local command = require "support.command"
local nginx = require "support.nginx"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local recipes = require "support.recipes"
local servers = require "support.servers"

local unpack = table.unpack or unpack
local expect_text = command.expect_text
local CERT, KEY = pki.chain "server-ec"
local CAFILE = pki.path "root.pem"

-- connect runs `cleat connect localhost:PORT` with the test CA, and expects an exit status.
local function connect(status, port, words)
    local all = { "connect", "localhost:" .. port, "--cafile", CAFILE, stdin = words.stdin, environment = words.environment }
    for _, word in ipairs(words) do
        all[#all + 1] = word
    end
    return command.expect(status, all)
end

local function tls_server(steps)
    steps.tls, steps.cert, steps.key = true, CERT, KEY
    return peer.serve(steps)
end

describe("cleat connect", function()
    teardown(process.cleanup)

    for _, version in ipairs { "1.2", "1.3" } do
        it("TLS " .. version .. ": sends its input, prints the response, and ends with close_notify", function()
            local job = tls_server { max = version, "handshake", "echo", "unwrap", "close" }
            local text = peer.pattern(300000)
            local result = connect(0, job.port, { stdin = text })
            assert.is_true(result.output == text)
            expect_text(result.errors, ("cleat: connected to localhost port %d: TLSv%s, "):format(job.port, version))
            expect_text(result.errors, ", verified: CN=localhost, O=cleat tests\n")
            assert.are.equal("echo 300000 end", job:finish()[2])
        end)
    end

    it("sends and receives at the same time", function()
        local job = tls_server { "handshake", "exchange 2000000", "unwrap", "close" }
        local text = peer.pattern(2000000)
        local result = connect(0, job.port, { "-q", stdin = text })
        assert.is_true(result.output == text)
        assert.are.equal("", result.errors)
        assert.are.equal("exchange ok", job:finish()[2])
    end)

    it("exits with status 4 if the connection ends without close_notify, or by a reset", function()
        local job = tls_server { "handshake", "send " .. peer.hex "part", "shutwr", "waiteof" }
        local result = connect(4, job.port, { "--keep-open" })
        assert.are.equal("part", result.output)
        assert.is_nil(result.errors:find("--keep-open", 1, true))
        expect_text(result.errors, "cleat connect: the connection has ended without close_notify: the received data may be truncated")
        job:finish()
        job = tls_server { "handshake", "recv 1", "reset" }
        expect_text(connect(4, job.port, { "--keep-open", stdin = "x" }).errors, "ended without close_notify")
        job:finish()
    end)

    it("ends at the server's close_notify, also if its input is still open", function()
        local job = tls_server { "handshake", "recv 2", "send " .. peer.hex "bye", "notify", "waiteof" }
        local program = process.start { "bash", "-c", 'exec 3> >("$@"; echo "status $?" >&2); printf hi >&3; wait $!', "bash",
            unpack(process.lua { "bin/cleat", "connect", "localhost:" .. job.port, "--cafile", CAFILE, "-q" }) }
        program:wait_for "(status 0)"
        assert.are.equal("bye", program:output())
        assert.are.equal("waiteof end", job:finish()[5])
        program:stop()
    end)

    it("does not send close_notify at the end of its input with --keep-open", function()
        local job = tls_server { "handshake", "recv 3", "await", "send " .. peer.hex "late", "unwrap", "close" }
        local program = command.start { "connect", "localhost:" .. job.port, "--cafile", CAFILE, "--keep-open", stdin = "abc" }
        assert.are.equal("handshake TLSv1.3 TLS_AES_256_GCM_SHA384 -", job:line())
        assert.are.equal("recv 616263", job:line())
        job:go()
        assert.are.equal(0, program:wait())
        assert.are.equal("late", program:output())
        job:finish()
    end)

    it("refuses a server whose certificate does not verify, before it sends input, and names the certificate", function()
        for name, expected in pairs {
            expired = { "certificate has expired: CN=localhost, O=cleat tests (0 in the chain)", "CERTIFICATE_EXPIRED" },
            unknown = { "unable to get local issuer certificate: CN=localhost, O=cleat tests (0 in the chain)", "UNKNOWN_CA" },
            other = { "Hostname mismatch, certificate is not valid for 'localhost'.", "CERTIFICATE" },
        } do
            local certfile, keyfile = pki.chain(name)
            local job = peer.serve { tls = true, cert = certfile, key = keyfile, "handshake", "recvall" }
            local result = connect(3, job.port, { stdin = "secret" })
            expect_text(result.errors, "cleat connect: the certificate was refused: " .. expected[1])
            assert.are.equal("", result.output)
            local lines = job:finish()
            expect_text(lines[#lines], expected[2]) -- the alert that the server has received
        end
    end)

    it("warns about --insecure, and verifies another name with --servername", function()
        local job = tls_server { "handshake", "unwrap", "close" }
        local result = command.expect(0, { "connect", "127.0.0.1:" .. job.port, "--insecure" })
        expect_text(result.errors, "cleat: WARNING: --insecure: the server is not verified")
        expect_text(result.errors, ", NOT VERIFIED: CN=localhost")
        job:finish()
        job = tls_server { "handshake", "unwrap", "close" }
        expect_text(connect(0, job.port, { "--servername", "www.cleat.test" }).errors, "verified")
        job:finish()
        job = tls_server { "handshake" }
        expect_text(connect(3, job.port, { "--servername", "no.cleat.test" }).errors,
            "the name is the host on the command line: use --servername NAME for another one")
        job:finish()
    end)

    it("has --alpn, --tls-version, --crlf and --json", function()
        local job = tls_server { alpn = "other,h2", "handshake", "recv 6", "unwrap", "close" }
        local result = connect(0, job.port, { "--alpn", "h2,http/1.1", "--tls-version", "1.2", "--crlf", "--json", stdin = "a\nb\n" })
        local facts = command.json(result.errors)
        assert.are.equal("TLSv1.2", facts.version)
        assert.are.equal("h2", facts.alpn)
        assert.are.equal(job.port, facts.port)
        assert.are.equal("localhost", facts.server_name)
        assert.is_true(facts.verified)
        assert.are.equal("CN=cleat test intermediate, O=cleat tests", facts.issuer)
        assert.is_truthy(facts.sha256:find("^%x+$") and #facts.sha256 == 64)
        assert.are.equal("recv " .. peer.hex "a\r\nb\r\n", job:finish()[2])
        job = tls_server { max = "1.2", "handshake" }
        expect_text(connect(1, job.port, { "--tls-version", "1.3" }).errors, "TLSV1_ALERT_PROTOCOL_VERSION")
        job:finish()
    end)

    it("sends a client certificate, and reports if the server requires one", function()
        local certfile, keyfile = pki.chain "client"
        local job = tls_server { verify = "required", cafile = CAFILE, "handshake", "peercert", "unwrap", "close" }
        connect(0, job.port, { "--cert", certfile, "--key", keyfile })
        assert.are.equal("peercert client", job:finish()[2])
        for _, version in ipairs { "1.2", "1.3" } do
            job = tls_server { verify = "required", cafile = CAFILE, "handshake" }
            expect_text(connect(1, job.port, { "--tls-version", version }).errors,
                "the server may require a client certificate: --cert, --key")
            job:finish()
        end
    end)

    it("reports servers without TLS, refused connections and silent servers", function()
        local job = peer.serve { "recv 5", "send " .. peer.hex "220 hello\r\n", "waiteof" }
        expect_text(connect(1, job.port, {}).errors, "does the protocol need --starttls?")
        job:finish()
        expect_text(connect(1, process.free_port(), {}).errors, "Connection refused")
        job = peer.serve { "await" }
        expect_text(connect(1, job.port, { "--timeout", "0.3" }).errors, "in time (--timeout)")
        job:abandon()
    end)

    it("refuses wrong command lines", function()
        for _, case in ipairs {
            { { "connect" }, "missing argument" },
            { { "connect", "https://localhost/" }, "is a URL" },
            { { "connect", "localhost:" }, "has no valid port" },
            { { "connect", "localhost:0" }, "has no valid port" },
            { { "connect", "localhost:65536" }, "has no valid port" },
            { { "connect", "localhost:no-such-service" }, "has no valid port" },
            { { "connect", "a b" }, "is not a host" },
            { { "connect", "[::1" }, "is not a host" },
            { { "connect", "localhost", "--starttls", "gopher" }, "must be one of 'smtp'" },
            { { "connect", "localhost", "--starttl", "smtp" }, "Did you mean '--starttls'?" },
            { { "connect", "localhost", "--timeout", "soon" }, "is not a number above 0" },
            { { "connect", "localhost", "--cafile", "/nowhere.pem" }, "--cafile: [Errno 2] No such file or directory: '/nowhere.pem'" },
            { { "connect", "localhost", "--key", KEY }, "--key needs --cert" },
            { { "connect", "localhost", "--servername", "." }, "is not a valid server name" },
        } do
            local result = command.expect(2, case[1])
            expect_text(result.errors, case[2])
            assert.are.equal("", result.output)
        end
    end)

    it("ends without a message if its output is closed", function()
        local job = tls_server { "handshake", "sendn 3000000", "close" }
        local words = process.lua { "bin/cleat", "connect", "localhost:" .. job.port, "--cafile", CAFILE, "-q" }
        local result = process.run { "bash", "-c", 'trap "$1" PIPE; shift; { "$@"; echo "status $?" >&2; } | head -c 8 >/dev/null',
            "bash", "", unpack(words) } -- SIGPIPE is ignored: the write fails
        assert.are.equal("status 1\n", result.errors)
        job:abandon()
    end)

    -- A closed descriptor 1 would otherwise be the socket's number: the decrypted data would be sent to the server in
    -- plaintext, which it refuses as an invalid record.
    for closed, case in pairs {
        ["<&-"] = { 1, "", "cleat connect: cannot read the standard input: [Errno 9] Bad file descriptor\n", "handshake", "waiteof" },
        [">&-"] = { 1, "", "cleat connect: cannot write to the standard output: Bad file descriptor\n", "handshake",
            "send " .. peer.hex "secret", "notify", "waiteof" },
        ["2>&-"] = { 0, "secret", "", "handshake", "send " .. peer.hex "secret", "notify", "waiteof" },
    } do
        it("never uses the number of a closed standard descriptor for its socket: " .. closed, function()
            local job = tls_server { unpack(case, 4) }
            local words = process.lua { "bin/cleat", "connect", "localhost:" .. job.port, "--cafile", CAFILE }
            local result = process.run { "bash", "-c", '"$@" ' .. closed, "bash", unpack(words) }
            local notes, errors = result.errors:match "^(cleat: connected [^\n]*\n)(.*)$"
            assert.are.same({ case[1], case[2], case[3] }, { result.status, result.output, errors or result.errors })
            assert.are.equal(closed ~= "2>&-", notes ~= nil)
            local lines = job:finish()
            assert.are.equal("waiteof end", lines[#lines])
        end)
    end

    -- at_terminal runs cleat connect at a new terminal, and types keys after the result of the handshake. It returns
    -- the exit status, and all that the terminal shows.
    local function at_terminal(port, keys)
        local words = { "/usr/bin/python3", "-I", process.root .. "/spec/support/terminal.py", ", O=cleat tests", peer.hex(keys) }
        for _, word in ipairs(process.lua { "bin/cleat", "connect", "localhost:" .. port, "--cafile", CAFILE }) do
            words[#words + 1] = word
        end
        local result = process.run(words)
        assert.are.same({ 0, "" }, { result.status, result.errors })
        local before, after, status, shown = result.output:match "^(.-)\n(.-)\n(.-)\n(.*)$"
        assert.are.same({ "echo on", "echo on" }, { before, after }) -- it leaves the terminal's modes alone
        return status, shown
    end

    it("in a terminal it sends lines as they are typed, and close_notify after Ctrl-D", function()
        for keys, sent in pairs { ["hello\n\4"] = "hello", ["hel\127\127i\n\4"] = "hi", ["part\4\4"] = "part" } do
            local job = tls_server { "handshake", "echo", "unwrap", "close" }
            local status, shown = at_terminal(job.port, keys)
            assert.are.equal("0", status, shown)
            assert.are.equal(("echo %d end"):format(keys:find "\n" and #sent + 1 or #sent), job:finish()[2])
            expect_text(shown, sent)
        end
    end)

    it("in a terminal it ends at the server's close_notify, and by Ctrl-C", function()
        local job = tls_server { "handshake", "recv 3", "send " .. peer.hex "bye", "notify", "waiteof" }
        local status, shown = at_terminal(job.port, "hi\n")
        assert.are.equal("0", status, shown)
        expect_text(shown, "bye")
        assert.are.equal("waiteof end", job:finish()[5])
        job = tls_server { "handshake", "waiteof" }
        status, shown = at_terminal(job.port, "\3")
        assert.are.equal("130", status, shown)
        assert.is_nil(shown:find("lua", 1, true), shown) -- no traceback
        job:abandon()
    end)

    it("connects to openssl s_server and gnutls-serv", function()
        for _, words in ipairs {
            { "openssl", "s_server", "-cert", CERT, "-key", KEY, "-cert_chain", CERT, "-rev", "-accept" },
            { "gnutls-serv", "--echo", "--quiet", "--x509certfile", CERT, "--x509keyfile", KEY, "--port" },
        } do
            local server, port = process.on_free_port(function(port)
                local all = { unpack(words) }
                all[#all + 1] = tostring(port)
                local program = process.start(all)
                local ok, problem = pcall(servers.listening, program, port)
                if not ok then
                    program:stop()
                    error(problem, 0)
                end
                return program
            end)
            -- the servers end differently after close_notify: only the echo is compared
            local result = command.run { "connect", "localhost:" .. port, "--cafile", CAFILE, stdin = "abc\n" }
            assert.are.equal(words[1] == "openssl" and "cba\n" or "abc\n", result.output)
            assert.is_true(result.status == 0 or result.status == 4, result.errors)
            server:stop()
        end
    end)

    it("makes an HTTP request to nginx", function()
        local server = nginx.start { { cert = "server-ec", lines = 'location = / { return 200 "hello"; }' } }
        local result = command.run { "connect", "localhost:" .. server.ports[1], "--cafile", CAFILE, "--crlf",
            "--keep-open", stdin = "GET / HTTP/1.0\nHost: localhost\n\n" }
        expect_text(result.output, "HTTP/1.1 200 OK\r\n")
        expect_text(result.output, "\r\n\r\nhello")
        assert.are.equal(0, result.status, result.errors)
        server:stop()
    end)
end)

describe("cleat connect --starttls", function()
    teardown(process.cleanup)

    -- real servers: the bytes sent and received over TLS
    for protocol, case in pairs {
        smtp = { "exim4", "EHLO a\nQUIT\n", "250 HELP" },
        imap = { "dovecot", "a LOGOUT\n", "a OK Logout completed" },
        xmpp = { "prosody", "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
            .. "xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'></stream:stream>", "</stream:stream>" },
        ftp = { "vsftpd", "QUIT\n", "221 " },
        ldap = { "slapd", "\48\5\2\1\3\66\0", "" }, -- unbind
        postgres = { "postgresql", "\0\0\0\39\0\3\0\0user\0postgres\0database\0db1\0\0\0\0\0", "E\0\0\0" },
    } do
        optional.tests(it, pending, servers.missing(case[1]))(protocol .. ", with " .. case[1], function()
            -- Prosody accepts its own domain only
            local directory = protocol == "xmpp" and recipes.directory()
            local name = directory and "example.org" or "localhost"
            local server = servers[case[1]](directory and directory .. "/fullchain.pem" or CERT,
                directory and directory .. "/privkey.pem" or KEY)
            local words = { "connect", "localhost:" .. server.port, "--cafile", CAFILE, "--starttls", protocol, "--keep-open",
                "--servername", name, stdin = case[2] }
            words[#words + 1] = case[2]:find "\n$" and "--crlf" or nil
            local result = command.run(words)
            server:stop()
            expect_text(result.output, case[3])
            expect_text(result.errors, "verified: CN=" .. name)
            assert.is_true(result.status == 0 or result.status == 4, result.errors)
        end)
    end

    -- scripted runs cleat connect with a server that follows a script before TLS.
    local function scripted(status, protocol, steps)
        local list = { cert = CERT, key = KEY }
        for _, step in ipairs(steps) do
            list[#list + 1] = step
        end
        local job = peer.serve(list)
        local result = connect(status, job.port, { "--starttls", protocol, "--timeout", "60" })
        return result, job:finish()
    end
    local function send(text)
        return "send " .. peer.hex(text)
    end
    local MYSQL = "\10" .. "8.0.36\0" .. "\1\0\0\0" .. "saltsalt\0" .. "\0\138" .. "\33\2\0\255\193\21" .. ("\0"):rep(10)
        .. "saltsaltsalt\0mysql_native_password\0"

    it("pop3 and mysql, with scripted servers", function()
        local _, lines = scripted(0, "pop3", { send "+OK hello\r\n", "recv 6", send "+OK\r\n", "starttls", "handshake", "unwrap", "close" })
        assert.are.equal("recv " .. peer.hex "STLS\r\n", lines[2])
        _, lines = scripted(0, "mysql", { send(string.char(#MYSQL) .. "\0\0\0" .. MYSQL), "recv 36", "starttls", "handshake",
            "unwrap", "close" })
        assert.are.equal("recv " .. peer.hex("\32\0\0\1\0\138\0\0\0\0\0\1\33" .. ("\0"):rep(23)), lines[2])
    end)

    it("a server that keeps sending extends no deadline, and its text is searched in linear time", function()
        local failure, loop, starttls = require "cleat.cli.failure", require "cleat.cli.loop", require "cleat.cli.starttls"
        for seconds, expected in pairs { [-1] = "xmpp: the server did not reply in time (--timeout)",
            [1e6] = "xmpp: the server's reply is too long: it begins with '" .. ("<"):rep(60) .. "'" } do
            local sock = { settimeout = function() end, sendall = function() end, recv = function() return "<" end }
            local ok, problem = pcall(starttls.begin, sock, "xmpp", "localhost", loop.now() + seconds)
            assert.is_false(ok)
            assert.is_true(failure.is(problem), tostring(problem))
            assert.are.equal(expected, problem.message)
        end
    end)

    it("never continues in plaintext, and refuses plaintext that follows the response to STARTTLS", function()
        local no_tls = MYSQL:gsub("saltsalt%z%z\138", "saltsalt\0\0\130")
        for _, case in ipairs {
            { "smtp", "the server does not offer STARTTLS", send "220 hi\r\n", "recv 16", send "250-hi\r\n250 HELP\r\n", "waiteof" },
            { "smtp", "the server replies '502 no'", send "220 hi\r\n", "recv 16", send "250-hi\r\n250 STARTTLS\r\n", "recv 10",
                send "502 no\r\n", "waiteof" },
            { "smtp", "the server does not respond with TLS", send "220 hi\r\n", "recv 16", send "250-hi\r\n250 STARTTLS\r\n",
                "recv 10", send "220 go\r\n250 evil\r\n", "waiteof" },
            { "smtp", "replies '500 \\x1b[31mred'", send "500 \27[31mred\r\n", "waiteof" },
            { "smtp", "is too long", send(("220"):rep(2000)), "waiteof" },
            { "ftp", "the server replies '534 no'", send "220 hi\r\n", "recv 10", send "534 no\r\n", "waiteof" },
            { "imap", "the server replies 'a NO'", send "* OK hi\r\n", "recv 12", send "* BYE\r\na NO\r\n", "waiteof" },
            { "imap", "greets with '* BYE'", send "* BYE\r\n", "waiteof" },
            { "pop3", "the server replies '-ERR no'", send "+OK hi\r\n", "recv 6", send "-ERR no\r\n", "waiteof" },
            { "xmpp", "the server does not offer STARTTLS", "recv 100",
                send "<stream:stream><stream:features></stream:features>", "waiteof" },
            { "xmpp", "the server replies '<failure", "recv 100",
                send "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>", "recv 51",
                send "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "waiteof" },
            { "xmpp", "<host-unknown/></stream:error>'", "recv 100",
                send "<stream:stream id='1'><stream:error><host-unknown/></stream:error></stream:stream>", "waiteof" },
            { "ldap", "LDAP result code 52", "recv 31", send "\48\12\2\1\1\120\7\10\1\52\4\0\4\0", "waiteof" },
            { "ldap", "does not reply with LDAP", "recv 31", send "HTTP/1.0 400", "waiteof" },
            { "postgres", "the server does not support TLS", "recv 8", send "N", "waiteof" },
            { "postgres", "does not reply as PostgreSQL does", "recv 8", send "HTTP", "waiteof" },
            { "mysql", "the server does not support TLS", send(string.char(#no_tls) .. "\0\0\0" .. no_tls), "waiteof" },
            { "mysql", "the server refuses: 'Host is blocked'", send "\18\0\0\0\255\105\4Host is blocked", "waiteof" },
            { "mysql", "does not reply as MySQL does", send "SSH-2.0-OpenSSH\r\n", "close" },
            { "imap", "closed the connection before TLS", send "* OK hi", "close" },
        } do
            local protocol, expected = table.remove(case, 1), table.remove(case, 1)
            local result, lines = scripted(1, protocol, case)
            expect_text(result.errors, expected)
            assert.are.equal("", result.output)
            if case[#case] == "waiteof" then
                assert.is_truthy(lines[#lines]:find "^waiteof ", lines[#lines])
            end
        end
    end)
end)
