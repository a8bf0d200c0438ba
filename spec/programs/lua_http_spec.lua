-- lua-http over cleat, with nghttpd, nginx, curl and h2load as peers, and as both client and server.
local optional = require "support.optional"

local missing = optional.module("cqueues", "lua-cqueues") or optional.file("/usr/share/lua/5.*/http", "lua-http")
if missing then
    return pending("lua-http: " .. missing, function() end)
end

local cqueues = require "cqueues"
local cqueues_errno = require "cqueues.errno"
local cqueues_socket = require "cqueues.socket"
local handles = require "support.handles"
local limits = require "support.limits"
local nginx = require "support.nginx"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local support = require "support.lua_http"
local lua_http = require "cleat.adapters.lua_http"
local request = require "http.request"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local run = support.run
local SECONDS = limits.bound(5)

lua_http.install()

-- it_with: a test that needs a program.
local function it_with(program, name, body)
    optional.tests(it, pending, optional.program(program))(name, body)
end

-- new returns a request for a URL on this machine; `fields` are set in it.
local function new(port, path, fields)
    local wanted = request.new_from_uri(("https://localhost:%d%s"):format(port, path))
    wanted.ctx = support.context()
    for name, value in pairs(fields or {}) do
        wanted[name] = value
    end
    return wanted
end

-- get returns status, body and HTTP version.
local function get(...)
    local headers, stream = new(...):go(SECONDS)
    if not headers then
        return nil, stream
    end
    local body = assert(stream:get_body_as_string(SECONDS))
    local version = stream.connection.version
    stream:shutdown()
    return headers:get ":status", body, version
end

-- failure returns the error message and number of a request that must fail.
local function failure(...)
    local headers, message, number = new(...):go(SECONDS)
    assert.is_nil(headers)
    return message, number
end

local function curl(port, path, ...)
    return process.start { "curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", tostring(math.ceil(SECONDS)),
        "--cacert", pki.path "root.pem", "--resolve", "localhost:" .. port .. ":127.0.0.1", "--write-out",
        "\n%{http_version} %{http_code}", ("https://localhost:%d%s"):format(port, path), timeout = 30, ... }
end

describe("lua-http", function()
    setup(function()
        pcall(lua_http.connect, { host = "", port = 0, tls = true }) -- makes the default context
    end)
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it_with("nghttpd", "fetches over HTTP/2 from nghttpd, several streams of one connection at once", function()
        local www = process.directory() .. "/nghttpd"
        os.execute("mkdir -p " .. www)
        local sizes = { 1, 16384, 100000, 1000000 }
        for _, size in ipairs(sizes) do
            process.write_file(www .. "/" .. size, support.page(size))
        end
        local cert, key = pki.chain "server-ec"
        local server, port = process.on_free_port(function(port)
            local program = process.start { "nghttpd", "-v", "-d", www, "-a", "127.0.0.1", tostring(port), key, cert }
            program:wait_for "listen 127.0.0.1"
            return program
        end)
        run({}, function()
            local context = support.context()
            local connection = assert(lua_http.connect({ host = "localhost", port = port, tls = true, ctx = context }, SECONDS))
            assert.are.equal(2, connection.version)
            assert.are.equal("h2", connection:checktls():getAlpnSelected())
            local left, done = 2 * #sizes, require("cqueues.condition").new()
            for i = 1, left do
                cqueues.running():wrap(function()
                    local size = sizes[1 + i % #sizes]
                    local stream = assert(connection:new_stream())
                    assert(stream:write_headers(support.request("/" .. size), true, SECONDS))
                    assert.are.equal("200", assert(stream:get_headers(SECONDS)):get ":status")
                    assert.is_true(assert(stream:get_body_as_string(SECONDS)) == support.page(size))
                    left = left - 1
                    done:signal()
                end)
            end
            while left > 0 do
                done:wait(SECONDS)
            end
            assert(connection:ping(SECONDS))
            connection:close()
        end, function()
            assert.are.same({ "200", support.page(100000), 2 }, { get(port, "/100000") })
            assert.are.equal("404", (get(port, "/nothing")))
        end)
        server:stop()
    end)

    it_with("nginx", "fetches from nginx over HTTP/2 or HTTP/1.1, as chosen by ALPN or the program", function()
        local server = nginx.start { { listen = "ssl http2", cert = "server-rsa" }, { protocols = "TLSv1.2" } }
        process.write_file(server.www .. "/page", support.page(300000))
        run({}, function()
            for _, asked in ipairs { { nil, 2, 1 }, { 1.1, 1.1, 1 }, { 2, 2, 1 }, { nil, 1.1, 2 }, { 1.1, 1.1, 2 } } do
                local status, body, version = get(server.ports[asked[3]], "/page", { version = asked[1] })
                assert.are.same({ "200", asked[2] }, { status, version })
                assert.is_true(body == support.page(300000))
            end
            local message = failure(server.ports[2], "/page", { version = 2 })
            assert.is_string(message)
        end)
        server:stop()
    end)

    it_with("nginx", "uses luaossl if the program passes a context of luaossl", function()
        local server = nginx.start { {} }
        process.write_file(server.www .. "/page", "page")
        local context = require("http.tls").new_client_context()
        context:getStore():add(require("openssl.x509").new(pki.read "root.pem"))
        run({}, function()
            assert.are.same({ "200", "page", 1.1 }, { get(server.ports[1], "/page", { ctx = context }) })
        end)
        server:stop()
    end)

    it_with("curl", "serves curl: HTTP/2 and HTTP/1.1, uploads, both versions of TLS", function()
        local server, port, errors = support.serve()
        run({ server }, function()
            local upload = process.write_file(process.directory() .. "/upload", peer.pattern(300000))
            for _, case in ipairs {
                { "/1000", "2 200", "--http2" }, { "/1000", "1.1 200", "--http1.1" }, { "/200000", "2 200", "--tlsv1.3" },
                { "/200000", "2 200", "--tls-max", "1.2" }, { "/none", "2 404" },
                { "/", "2 200", "--data-binary", "@" .. upload, "-H", "Expect:" },
                { "/", "1.1 200", "--http1.1", "--data-binary", "@" .. upload },
            } do
                local output, message, status = support.wait(curl(port, case[1], (table.unpack or unpack)(case, 3)))
                assert.are.equal(0, status, message)
                local body, facts = output:match "^(.*)\n([^\n]*)$"
                assert.are.equal(case[2], facts)
                local size = tonumber(case[1]:match "%d+")
                assert.is_true(body == (size and support.page(size) or case[1] == "/" and peer.pattern(300000) or "no such page"))
            end
        end)
        assert.are.same({}, errors)
        server:close()
    end)

    it_with("h2load", "serves h2load: many streams of several connections", function()
        local server, port, errors = support.serve()
        run({ server }, function()
            for _, how in ipairs { {}, { "--h1" } } do
                local command = { "h2load", "-n", "300", "-c", "6", "-m", "10", timeout = 60, (table.unpack or unpack)(how) }
                command[#command + 1] = ("https://localhost:%d/2000"):format(port)
                local output = support.wait(process.start(command))
                assert.is_truthy(output:find("300 total, 300 started, 300 done, 300 succeeded, 0 failed, 0 errored", 1, true), output)
            end
        end)
        assert.are.same({}, errors)
        server:close()
    end)

    it("chooses the certificate by SNI, and serves plaintext on the same port", function()
        local first, second = support.server_context "server-ec", support.server_context "cn-only"
        second:set_alpn_protocols { "h2", "http/1.1" }
        first:set_servername_callback(function(sock, name)
            if name == "cn-only.example" then
                sock.context = second
            end
        end)
        local server, port = support.serve { ctx = first }
        run({ server }, function()
            assert.are.same({ "200", "0123", 2 }, { get(port, "/4") })
            local headers, stream = request.new_from_uri(("http://localhost:%d/4"):format(port)):go(SECONDS)
            assert.are.same({ "200", "0123" }, { headers:get ":status", stream:get_body_as_string(SECONDS) })
            local message = failure(port, "/4", { sendname = "cn-only.example" })
            assert.is_truthy(message:find("CERTIFICATE_VERIFY_FAILED", 1, true), message)
            local context = support.context()
            context.check_hostname = false
            local connection = assert(lua_http.connect({ host = "localhost", port = port, tls = true, ctx = context,
                sendname = "cn-only.example" }, SECONDS))
            assert.is_falsy(connection.socket:sslsocket():getpeercert().subjectAltName)
            assert.are.equal(2, connection.version)
            connection:close()
        end)
        server:close()
    end)

    it("verifies the server, by default with the system's certificates", function()
        local server, port, errors = support.serve()
        run({ server }, function()
            local message, number = failure(port, "/4", { ctx = ssl.create_default_context() })
            assert.is_truthy(message:find("^starttls: .*CERTIFICATE_VERIFY_FAILED"), message)
            assert.are.equal(cqueues_errno.EPROTO, number)
            local wanted = new(port, "/4")
            wanted.ctx = nil
            local headers, text = wanted:go(SECONDS)
            assert.is_nil(headers)
            assert.is_truthy(text:find("CERTIFICATE_VERIFY_FAILED", 1, true))
            message = failure(port, "/4", { sendname = "elsewhere.example" })
            assert.is_truthy(message:find("elsewhere.example", 1, true), message)
            assert.are.equal("200", (get(port, "/4")))
        end)
        -- the server keeps running, and reports the errors to onerror
        assert.are.equal(3, #errors)
        assert.are.equal("wrap", errors[1].operation)
        assert.is_truthy(errors[1].message:find("ALERT", 1, true), errors[1].message)
        server:close()
    end)

    it("verifies the host name behind a proxy", function()
        local proxy = process.start { "python3", "spec/support/connect_proxy.py", "good", timeout = 60 }
        local at = "http://127.0.0.1:" .. proxy:wait_for "port (%d+)"
        local server, port = support.serve()
        run({ server }, function()
            assert.are.same({ "200", "0123", 2 }, { get(port, "/4", { proxy = at }) })
            local message = failure(port, "/4", { proxy = at, host = "elsewhere.example" })
            assert.is_truthy(message:find("elsewhere.example", 1, true), message)
        end)
        server:close()
        proxy:stop()
    end)

    it("verifies the host name behind a SOCKS proxy, unlike lua-http alone", function()
        local server, port = support.serve()
        local listener = cqueues_socket.listen("127.0.0.1", 0)
        assert(listener:listen())
        local _, _, at = listener:localname()
        local function move(from, to)
            return function()
                local data = from:xread(-65536, "b")
                while data do -- Lua 5.1 cannot yield in an iterator
                    to:xwrite(data, "bn")
                    data = from:xread(-65536, "b")
                end
                to:shutdown "w"
            end
        end
        run({ server }, function()
            cqueues.running():wrap(function()
                for _ = 1, 2 do
                    local sock = listener:accept()
                    assert.are.equal("\5\1\0", sock:xread(3, "b"))
                    sock:xwrite("\5\0", "bn")
                    local length = sock:xread(5, "b"):byte(5)
                    assert.are.equal(length + 2, #sock:xread(length + 2, "b"))
                    sock:xwrite("\5\0\0\1\127\0\0\1\0\1", "bn")
                    local onward = cqueues_socket.connect("127.0.0.1", port)
                    cqueues.running():wrap(move(sock, onward))
                    cqueues.running():wrap(move(onward, sock))
                end
            end)
            local proxy = "socks5h://127.0.0.1:" .. at
            assert.are.same({ "200", "0123", 2 }, { get(port, "/4", { proxy = proxy }) })
            local message = failure(port, "/4", { proxy = proxy, host = "elsewhere.example" })
            assert.is_truthy(message:find("elsewhere.example", 1, true), message)
            listener:close()
        end)
        server:close()
    end)

    it("resumes sessions, and serves through lua-http's own functions after install()", function()
        lua_http.install()
        local http_server = require "http.server"
        local server = assert(http_server.listen {
            host = "127.0.0.1", port = 0, tls = true, ctx = support.server_context(), onstream = function(_, stream)
                assert(stream:get_headers(SECONDS))
                support.answer(stream, 200, tostring(stream:checktls():getVersion()))
            end,
        })
        assert(server:listen())
        local _, _, port = server:localname()
        run({ server }, function()
            local context, resumed = support.context(), {}
            for i = 1, 2 do
                local headers, stream = new(port, "/", { ctx = context }):go(SECONDS)
                resumed[i] = stream.connection.socket:sslsocket().session_reused
                assert.are.same({ "200", "772" }, { headers:get ":status", stream:get_body_as_string(SECONDS) })
                stream.connection:close()
            end
            assert.are.same({ false, true }, resumed)
        end)
        server:close()
    end)

    it("closes a server whose clients are in the handshake, in a request, or idle", function()
        local started
        local server, port = support.serve { tls = true, onstream = function(_, stream)
            assert(stream:get_headers(SECONDS))
            started = true
            stream:get_body_as_string()
        end }
        run({ server }, function()
            local silent = cqueues_socket.connect("127.0.0.1", port)
            assert(silent:connect(SECONDS))
            local open = { host = "localhost", port = port, tls = true, ctx = support.context() }
            local idle, busy = assert(lua_http.connect(open, SECONDS)), assert(lua_http.connect(open, SECONDS))
            local stream = busy:new_stream()
            assert(stream:write_headers(support.request "/", false, SECONDS))
            while not started do
                cqueues.sleep(0.005)
            end
            for _, sock in ipairs { silent, idle, busy } do
                sock:close()
            end
        end)
        server:close()
    end)

    it("returns nil, a message and a number for errors, as lua-http does", function()
        local silent = cqueues_socket.listen("127.0.0.1", 0)
        assert(silent:listen())
        local _, _, port = silent:localname()
        run({}, function()
            local message, number = failure(process.refusing_port(), "/")
            assert.are.same({ "connect: " .. cqueues_errno.strerror(cqueues_errno.ECONNREFUSED), cqueues_errno.ECONNREFUSED },
                { message, number })
            local headers, text
            headers, text, number = new(port, "/"):go(0.05)
            assert.is_nil(headers)
            assert.are.same({ "starttls: " .. cqueues_errno.strerror(cqueues_errno.ETIMEDOUT), cqueues_errno.ETIMEDOUT }, { text, number })
            silent:close()
        end)
    end)

    it("returns an error for a body that ends without close_notify", function()
        for _, way in ipairs { "whole", "cut" } do
            local server, port = support.serve { version = 1.1, onstream = function(_, stream)
                assert(stream:get_headers(SECONDS))
                local sock = stream.connection.socket
                sock:xwrite("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it", "n")
                if way == "cut" then
                    sock._plain:shutdown() -- as a device between both may do
                end
                stream.connection:take_socket():close()
            end }
            run({ server }, function()
                local headers, stream = new(port, "/"):go(SECONDS)
                assert.are.equal("200", headers:get ":status")
                local body, message, number = stream:get_body_as_string(SECONDS)
                if way == "whole" then
                    assert.are.equal("half of it", body)
                else
                    assert.is_nil(body)
                    assert.are.equal(cqueues_errno.ECONNRESET, number)
                    assert.is_truthy(message:find("EOF occurred in violation of protocol", 1, true))
                end
                stream.connection:close()
            end)
            server:close()
        end
    end)

    it("serves other clients while one does not read, and disconnects that one after the timeout", function()
        local given_up
        local server, port = support.serve { onstream = function(_, stream)
            local headers = assert(stream:get_headers(SECONDS))
            if headers:get ":path" == "/slow" then
                local answer = require("http.headers").new()
                answer:append(":status", "200")
                assert(stream:write_headers(answer, false, SECONDS))
                given_up = { stream:write_body_from_string(peer.pattern(8000000), 0.2) }
                return stream.connection:close()
            end
            support.answer(stream, 200, "quick")
        end }
        run({ server }, function()
            local slow = assert(lua_http.connect({ host = "localhost", port = port, tls = true, ctx = support.context(),
                version = 1.1 }, SECONDS))
            local stream = slow:new_stream()
            assert(stream:write_headers(support.request "/slow", true, SECONDS))
            for _ = 1, 3 do
                assert.are.same({ "200", "quick", 2 }, { get(port, "/quick") })
            end
            while not given_up do
                cqueues.sleep(0.01)
            end
            slow:close()
        end)
        assert.is_nil(given_up[1])
        assert.are.equal(cqueues_errno.ETIMEDOUT, given_up[3])
        server:close()
    end)

    it("keeps serving after clients that do not speak TLS, leave in the handshake, or send half a request", function()
        local server, port, errors = support.serve { tls = true }
        local hasty, its_port = support.serve { tls = true, connection_setup_timeout = 0.05 }
        run({ server, hasty }, function()
            local waiting = cqueues_socket.connect("127.0.0.1", its_port)
            assert(waiting:connect(SECONDS))
            for _, data in ipairs { "GET / HTTP/1.1\r\n\r\n", ("\22\3\1\1\0"):rep(3), "" } do
                local sock = cqueues_socket.connect("127.0.0.1", port)
                sock:onerror(function(_, _, number)
                    return number -- the server may close with unread bytes, which resets the connection
                end)
                sock:xwrite(data, "bn")
                sock:shutdown "w"
                sock:read "*a"
                sock:close()
            end
            for _ = 1, 5 do -- clients that reset the connection at once
                local sock = socket.create_connection { "127.0.0.1", port }
                sock:setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, "\1\0\0\0\0\0\0\0")
                sock:close()
            end
            local half = assert(lua_http.connect({ host = "localhost", port = port, tls = true, ctx = support.context(),
                version = 1.1 }, SECONDS))
            half.socket:xwrite("GET / HT", "n")
            half.socket:close()
            assert.are.equal("200", (get(port, "/1")))
            assert.is_nil((waiting:xread(1, SECONDS))) -- closed after connection_setup_timeout
            waiting:close()
        end)
        local operations = {}
        for _, err in ipairs(errors) do
            operations[err.operation] = true
        end
        assert.is_true(operations.wrap and operations.onstream) -- no TLS; half a request
        server:close()
        hasty:close()
    end)

    it("carries websockets, as a client and as a server", function()
        local websocket = require "http.websocket"
        local server, port = support.serve { version = 1.1, onstream = function(_, stream)
            local headers = assert(stream:get_headers(SECONDS))
            local ws = assert(websocket.new_from_stream(stream, headers))
            assert(ws:accept({}, SECONDS))
            while true do
                local data = ws:receive(SECONDS)
                if not data then
                    break
                end
                assert(ws:send(data:upper(), "text", SECONDS))
            end
            ws:close()
        end }
        run({ server }, function()
            local ws = websocket.new_from_uri(("wss://localhost:%d/"):format(port))
            ws.request.ctx, ws.request.version = support.context(), 1.1
            assert(ws:connect(SECONDS))
            for _, text in ipairs { "first", ("long "):rep(20000) } do
                assert(ws:send(text, "text", SECONDS))
                assert.are.equal(text:upper(), (ws:receive(SECONDS)))
            end
            assert(ws:close(1000, "bye", SECONDS))
        end)
        server:close()
    end)

    it("refuses HTTP/2 with a cipher suite that RFC 9113 forbids", function()
        local context = support.server_context "server-rsa"
        context.options = context.options + ssl.OP_NO_TLSv1_3
        context:set_ciphers "ECDHE-RSA-AES128-SHA"
        local server, port, errors = support.serve { ctx = context, tls = true }
        local client = support.context()
        client:set_ciphers "ECDHE-RSA-AES128-SHA"
        run({ server }, function()
            local message, number = failure(port, "/4", { ctx = client })
            assert.are.equal("negotiate: a cipher suite that HTTP/2 forbids", message)
            assert.are.equal(cqueues_errno.EPROTO, number)
            assert.are.same({ "200", "0123", 1.1 }, { get(port, "/4", { ctx = client, version = 1.1 }) })
        end)
        -- likewise with a client that sends no ALPN
        run({ server }, function()
            local sock = cqueues_socket.connect("127.0.0.1", port)
            local plain = support.context()
            plain:set_ciphers "ECDHE-RSA-AES128-SHA"
            local over = assert(require("cleat.adapters.cqueues").starttls(sock, plain, { server_hostname = "localhost" }))
            over:xwrite(require("http.h2_connection").preface, "bn")
            assert.is_nil((over:xread(1, "b", SECONDS)))
            over:close()
        end)
        assert.is_true(#errors >= 1)
        for _, err in ipairs(errors) do
            assert.are.equal("wrap", err.operation)
        end
        server:close()
    end)

    it("raises errors for arguments that lua-http would accept and cleat cannot honour", function()
        raises("TypeError", { match = "an SSLContext of cleat.ssl, with a certificate, not nil" }, lua_http.listen,
            { host = "127.0.0.1", port = 0, onstream = print })
        raises("TypeError", { match = "an SSLContext of cleat.ssl, not table" }, lua_http.connect,
            { host = "localhost", port = 1, tls = true, ctx = {} })
        raises("NotImplementedError", { match = "the name that it verifies" }, lua_http.connect,
            { host = "localhost", port = 1, tls = true, sendname = false })
        raises("ValueError", { match = "1, 1.1, 2 or nil, not 3" }, lua_http.connect,
            { host = "localhost", port = 1, tls = true, version = 3 })
        raises("ValueError", { match = "set host or sendname" }, lua_http.connect, { path = "/nothing", tls = true })
    end)
end)
