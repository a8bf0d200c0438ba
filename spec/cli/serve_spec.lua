-- cleat serve: which files it serves, and its certificate, which curl, openssl, GnuTLS and Python verify.
local optional = require "support.optional"

local missing = optional.module("argparse", "lua-argparse")
if missing then
    return pending("cleat serve: " .. missing, function() end)
end

local command = require "support.command"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local expect_text = command.expect_text

local FILES = [[
set -e
mkdir -p "$1"/site/sub/.hidden "$1"/site/empty
cd "$1"/site
printf 'hello\n' >a.txt
printf '<p>index</p>' >index.html
printf 'index of sub' >sub/index.html
printf 'with blank' >'sub/a b.txt'
printf 'secret' >.env
printf 'secret' >sub/.hidden/file
printf 'secret' >../outside.txt
head -c 3000000 /dev/urandom >large
mkfifo sub/fifo
]]

-- serve starts `cleat serve`, and returns the process, its port and the file of its certificate.
local function serve(words)
    local all = { "serve", timeout = 60 }
    for _, word in ipairs(words) do
        all[#all + 1] = word
    end
    local program = command.start(all)
    program.port = tonumber((program:wait_for "^serving [^\n]*:(%d+)/?\n"))
    program.certificate = program:output():match "\ncertificate (%S+)\n"
    return program
end

describe("cleat serve", function()
    local directory, server
    setup(function()
        directory = process.directory() .. "/serve"
        os.execute("mkdir " .. directory)
        local made = process.run { "sh", "-c", FILES, "sh", directory }
        assert.are.equal(0, made.status, made.errors)
        server = serve { directory .. "/site", "--cert-out", directory .. "/server.pem" }
        server:wait_for "(certificate )"
    end)
    teardown(process.cleanup)

    local function url(path)
        return ("https://localhost:%d%s"):format(server.port, path)
    end

    -- curl makes a request, and returns the status and the body
    local function curl(...)
        local result = process.run { "curl", "--silent", "--show-error", "--noproxy", "*", "--path-as-is", "--cacert",
            directory .. "/server.pem", "--write-out", "\n%{http_code} %{content_type} %{redirect_url}", ... }
        local body, status, more = result.output:match "^(.*)\n(%d+) (.*)$"
        return tonumber(status), body, more, result
    end

    it("serves files with their types, and index.html for directories", function()
        for path, expected in pairs {
            ["/a.txt"] = { "hello\n", "text/plain; charset=utf-8 " }, ["/"] = { "<p>index</p>", "text/html; charset=utf-8 " },
            ["/sub/"] = { "index of sub", "text/html; charset=utf-8 " },
            ["/sub/a%20b.txt?x=1"] = { "with blank", "text/plain; charset=utf-8 " },
        } do
            local status, body, more = curl(url(path))
            assert.are.same({ 200, expected[1], expected[2] }, { status, body, more })
        end
        local status, _, more = curl(url "/sub")
        assert.are.same({ 301, "text/plain " .. url "/sub/" }, { status, more })
        assert.are.equal(process.read_file(directory .. "/site/large"), select(2, curl(url "/large")))
    end)

    it("supports GET and HEAD, and refuses other methods and malformed requests", function()
        local status, body = curl("--head", url "/large")
        assert.are.equal(200, status)
        expect_text(body, "Content-Length: 3000000\r\n")
        expect_text(body, "X-Content-Type-Options: nosniff\r\n")
        status, body = curl("--data", "a=b", "--include", url "/a.txt")
        assert.are.equal(405, status)
        expect_text(body, "Allow: GET, HEAD\r\n")
        local context = ssl.create_default_context { cafile = directory .. "/server.pem" }
        for request, expected in pairs {
            ["nonsense\r\n\r\n"] = "HTTP/1.1 400 ", ["GET / HTTP/2.0\r\n\r\n"] = "HTTP/1.1 505 ",
            ["GET /" .. ("a"):rep(20000) .. " HTTP/1.1\r\n\r\n"] = "HTTP/1.1 431 ", ["GET a.txt HTTP/1.0\r\n\r\n"] = "HTTP/1.1 404 ",
        } do
            local conn = context:wrap_socket(socket.create_connection({ "127.0.0.1", server.port }, 20), { server_hostname = "localhost" })
            conn:sendall(request)
            expect_text(conn:recv(4096), expected)
            conn:close()
        end
    end)

    it("serves no file outside of the directory, and none whose name begins with a dot", function()
        for _, path in ipairs {
            "/.env", "/sub/.hidden/file", "/../outside.txt", "/..%2foutside.txt", "/%2e%2e/outside.txt", "/sub/../../outside.txt",
            "/%2eenv", "/a.txt%00", "/a.txt%00.png", "/%zz", "/%2", "/empty/", "/missing", "/a.txt/", "//..//outside.txt",
            "/sub%2f..%2f..%2foutside.txt", "/.", "/..",
        } do
            local status, body = curl(url(path))
            assert.are.same({ 404, "Not Found\n" }, { status, body }, path)
        end
    end)

    it("makes a certificate that other clients verify by its file, for its names only", function()
        for _, host in ipairs { "localhost", "127.0.0.1" } do
            assert.are.equal(200, (curl(("https://%s:%d/"):format(host, server.port))))
        end
        local _, _, _, result = curl("--connect-to", ("example.org:443:127.0.0.1:%d"):format(server.port), "https://example.org/")
        assert.are.equal(60, result.status)
        result = process.run { "curl", "--silent", "--noproxy", "*", url "/" }
        assert.are.equal(60, result.status)
        result = process.run { "openssl", "s_client", "-connect", "127.0.0.1:" .. server.port, "-CAfile", directory .. "/server.pem",
            "-verify_return_error", "-verify_hostname", "localhost", "-brief" }
        expect_text(result.errors, "Verification: OK")
        result = process.run { "gnutls-cli", "--x509cafile", directory .. "/server.pem", "-p", tostring(server.port), "localhost" }
        expect_text(result.output .. result.errors, "The certificate is trusted.")
        local job = peer.connect { tls = true, port = server.port, verify = "required", cafile = directory .. "/server.pem",
            hostname = "localhost", check_hostname = true, "handshake", "close" }
        assert.is_truthy(job:finish()[1]:find "^handshake TLSv1.3 ")
    end)

    it("serves many clients at the same time, and silent ones do not delay them", function()
        local silent = {}
        for i = 1, 20 do
            silent[i] = socket.create_connection({ "127.0.0.1", server.port }, 20)
        end
        local words = { "curl", "--silent", "--show-error", "--fail", "--parallel", "--parallel-immediate", "--noproxy", "*",
            "--cacert", directory .. "/server.pem" }
        for i = 1, 30 do
            words[#words + 1] = url("/a.txt?" .. i)
        end
        local result = process.run(words)
        assert.are.equal(0, result.status, result.errors)
        assert.are.equal(("hello\n"):rep(30), result.output)
        for _, each in ipairs(silent) do
            each:close()
        end
        assert.is_nil(server:poll())
    end)

    it("a client that keeps sending extends no deadline, and an empty line may arrive in parts", function()
        local errors, http, loop = require "cleat.errors", require "cleat.cli.http", require "cleat.cli.loop"
        local now, time = loop.now, 0
        loop.now = function()
            time = time + 1
            return time
        end
        local function serve_text(text)
            local log, sent, at = {}, {}, 0
            local conn = { settimeout = function() end, sendall = function(_, data)
                sent[#sent + 1] = data
            end, recv = function()
                at = at + 1
                return text:sub(at, at)
            end }
            local ok, err = pcall(http.serve, conn, "/nowhere", 100, function(line)
                log[#log + 1] = line
            end)
            return ok, err, log, at
        end
        local late, err, _, bytes = serve_text(("x"):rep(1000))
        local ok, _, log = serve_text "GET /a HTTP/1.0\r\nHost: a\r\n\r\n"
        local ended, _, log_of_lines = serve_text "GET /b HTTP/1.0\nHost: a\n\n"
        loop.now = now
        assert.is_true(not late and errors.timeout:is(err), tostring(err))
        assert.is_true(bytes < 100)
        assert.are.same({ true, true }, { ok, ended })
        assert.are.same({ "GET /a 404", "GET /b 404" }, { log[1], log_of_lines[1] })
    end)

    it("has --echo, --client-ca and --timeout, and removes its file when Ctrl-C ends it", function()
        local certfile, keyfile = pki.chain "client"
        local program = serve { "--echo", "--client-ca", pki.path "root.pem", "--name", "echo.example" }
        local function connect(status, ...)
            return command.expect(status, { "connect", "localhost:" .. program.port, "--cafile", program.certificate,
                "--servername", "echo.example", ... })
        end
        local text = peer.pattern(200000)
        local result = command.expect(0, { "connect", "localhost:" .. program.port, "--cafile", program.certificate, "--servername",
            "echo.example", "--cert", certfile, "--key", keyfile, stdin = text })
        assert.is_true(result.output == text)
        expect_text(connect(1).errors, "CERTIFICATE_REQUIRED")
        connect(3, "--servername", "other.example")
        local hasty = serve { "--timeout", "0.3" }
        local silent = socket.create_connection({ "127.0.0.1", hasty.port })
        assert.are.equal("", silent:recv(1)) -- disconnected
        silent:close()
        hasty:wait_for "(The handshake operation timed out)"
        hasty:stop()
        -- SIGINT goes to the command alone: timeout(1), which runs it, would forward another, which would kill it
        os.execute(("kill -INT $(cat /proc/%s/task/%s/children)"):format(program.pid, program.pid))
        assert.are.equal(130, program:wait())
        assert.is_nil(io.open(program.certificate))
    end)

    it("uses the certificate of --cert, and refuses wrong command lines", function()
        local certfile, keyfile = pki.chain "server-ec"
        local program = serve { "--echo", "--cert", certfile, "--key", keyfile, "--listen", "::1" }
        assert.is_nil(program.certificate)
        command.expect(0, { "connect", ("[::1]:%d"):format(program.port), "--cafile", pki.path "root.pem" })
        expect_text(command.expect(1, { "serve", "--listen", "::1", "--port", program.port }).errors, "cannot listen on ::1 port ")
        program:stop()
        for _, case in ipairs {
            { { "--port", "65536" }, "is not a number from 0 to 65535" }, { { "--listen", "example.org" }, "is not an IP address" },
            { { "--cert", "/nowhere" }, "--cert: [Errno 2]" }, { { "--key", keyfile }, "--key needs --cert" },
            { { "--cert", certfile, "--key", keyfile, "--name", "a" }, "--name and --cert-out" }, { { "--name", "a b" }, "--name: " },
            { { "--client-ca", keyfile }, "--client-ca: [X509: NO_CERTIFICATE_OR_CRL_FOUND]" },
            { { "--cert-out", "/nowhere/a" }, "--cert-out: " }, { { "--cert-out", "/dev/full" }, ": No space left on device" },
        } do
            table.insert(case[1], 1, "serve")
            expect_text(command.expect(2, case[1]).errors, case[2])
        end
    end)
end)
