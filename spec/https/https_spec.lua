-- cleat.https: requests as LuaSocket makes them, over cleat's TLS, against nginx and Python. Fields and proxies are in
-- request_spec.lua, answers that are wrong in answers_spec.lua.
local client = require "cleat.https.client"
local handles = require "support.handles"
local limits = require "support.limits"
local https = require "cleat.https"
local nginx = require "support.nginx"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local support = require "support.https"

-- LuaSocket's own modules, which cleat.https does not need.
local http = require "socket.http"
local ltn12 = require "ltn12"

local CODES = { 301, 302, 303, 307, 308 }

local answer, fetch, trusting = support.answer, support.fetch, support.trusting

describe("cleat.https:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local server, urls
    setup(function()
        local go = {}
        for _, code in ipairs(CODES) do
            go[#go + 1] = ("location = /go/%d { return %d $arg_to; }"):format(code, code)
        end
        local lines = table.concat(go, " ") .. [[
            absolute_redirect off;
            location = /hello { return 200 "hello from $host\n"; }
            location = /what { return 200 "$request_method $content_type $content_length $http_x_test [$http_authorization]"; }
            location = /private { return 200 "[$http_authorization] [$http_cookie] [$http_x_test] [$http_host]"; }
            location = /agent { return 200 "$http_user_agent|$http_connection|$http_host"; }
            location = /loop { return 302 /loop; }
            location = /gone { return 404 "no such page"; }
            location = /empty { return 204; }
            location /files { dav_methods PUT; create_full_put_path on; }
        ]]
        server = nginx.start {
            { cert = "server-ec", lines = lines }, { cert = "server-rsa", lines = lines }, { cert = "expired", lines = lines },
            { cert = "other", lines = lines }, { cert = "unknown", lines = lines }, { cert = "selfsigned", lines = lines },
            { listen = "", lines = lines },
        }
        process.write_file(server.www .. "/page", peer.pattern(300000))
        urls = {}
        for i, port in ipairs(server.ports) do
            urls[i] = ("https://localhost:%d"):format(port)
        end
    end)

    describe("the simple form", function()
        before_each(function()
            ssl._create_default_https_context = trusting
        end)
        after_each(function()
            ssl._https_verify_certificates(true)
        end)

        it("HTTPS-04 returns the page, the code, the headers and the status", function()
            local body, code, headers, status = https.request(urls[1] .. "/hello")
            assert.are.equal("hello from localhost\n", body)
            assert.are.equal(200, code)
            assert.are.equal("text/plain", headers["content-type"])
            assert.are.equal("HTTP/1.1 200 OK", status)
        end)

        it("posts a form", function()
            local body, code = https.request(urls[1] .. "/what", "a=b&c=\0")
            assert.are.equal(200, code)
            assert.are.equal("POST application/x-www-form-urlencoded 7  []", body)
            body = https.request(urls[1] .. "/what", "")
            assert.are.equal("POST application/x-www-form-urlencoded 0  []", body)
        end)

        it("returns pages that are errors, and empty ones", function()
            local body, code, _, status = https.request(urls[1] .. "/gone")
            assert.are.same({ "no such page", 404, "HTTP/1.1 404 Not Found" }, { body, code, status })
            body, code = https.request(urls[1] .. "/empty")
            assert.are.same({ "", 204 }, { body, code })
        end)

        it("sends LuaSocket's User-Agent", function()
            local body = https.request(urls[1] .. "/agent")
            assert.are.equal(("%s|close, TE|localhost:%d"):format(http.USERAGENT, server.ports[1]), body)
        end)

        it("accepts names, addresses, user and password in the URL", function()
            assert.are.equal("hello from 127.0.0.1\n", (https.request(("https://127.0.0.1:%d/hello"):format(server.ports[1]))))
            assert.are.equal("hello from localhost\n", (https.request(("HTTPS://LocalHost:%d/hello"):format(server.ports[1]))))
            local body = https.request(("https://user:pass@localhost:%d/what"):format(server.ports[1]))
            assert.are.equal("GET    [Basic dXNlcjpwYXNz]", body)
        end)
    end)

    describe("the generic form", function()
        it("sends the body from a source, in chunks or with a length", function()
            for _, length in ipairs { "unknown", "known" } do
                local data = peer.pattern(300000):reverse()
                local ok, code, headers, status = https.request {
                    url = urls[1] .. "/files/" .. length, method = "PUT", context = trusting(),
                    source = ltn12.source.string(data),
                    headers = length == "known" and { ["Content-Length"] = #data } or nil,
                }
                assert.are.equal(1, ok, tostring(code))
                assert.is_true(code == 201 or code == 204)
                assert.are.equal("table", type(headers))
                assert.is_truthy(status:find("^HTTP/1.1 20"))
                local body
                body, code = fetch { url = urls[1] .. "/files/" .. length }
                assert.are.equal(200, code)
                assert.is_true(body == data)
            end
        end)

        it("sends headers and other methods, and takes the place from fields", function()
            local body, code = fetch {
                host = "localhost", port = server.ports[1], path = "/what", method = "DELETE", headers = { ["X-Test"] = "yes" },
            }
            assert.are.same({ "DELETE   yes []", 200 }, { body, code })
            body = fetch { url = urls[1] .. "/nowhere", path = "/hello" }
            assert.are.equal("hello from localhost\n", body)
            body, code = fetch { url = urls[1] .. "/hello", method = "HEAD" }
            assert.are.same({ "", 200 }, { body, code })
        end)

        it("discards the page without a sink, and ends if the sink returns nil", function()
            assert.are.same({ 1, 200 }, { (https.request { url = urls[1] .. "/page", context = trusting() }), 200 })
            local count = 0
            local ok, why = https.request {
                url = urls[1] .. "/page", context = trusting(),
                sink = function()
                    count = count + 1
                    if count == 3 then
                        return nil, "enough"
                    end
                    return 1
                end,
            }
            assert.is_nil(ok)
            assert.are.equal("enough", why)
            assert.are.equal(3, count)
        end)

        it("raises the sink's errors, and closes the connection", function()
            local failure = { "mine" }
            local ok, raised = pcall(https.request, {
                url = urls[1] .. "/hello", context = trusting(), sink = function() error(failure) end,
            })
            assert.is_false(ok)
            assert.are.equal(failure, raised)
        end)

        it("reads chunked answers, and 100 Continue before them", function()
            local job, address = answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                .. "5\r\nhello\r\n1;x=y\r\n,\r\n6\r\n world\r\n0\r\nX-Trailer: end\r\n\r\n")
            local body, code = fetch { url = address }
            assert.are.equal("hello, world", body)
            assert.are.equal(200, code)
            job:finish()
        end)

        it("reads pages that end with the connection, if it is closed properly", function()
            local job, address = answer("HTTP/1.0 200 OK\r\n\r\nto the end", "notify")
            assert.are.equal("to the end", (fetch { url = address }))
            job:finish()
        end)
    end)

    it("accepts IPv6 addresses in URLs, and sends the right Host", function()
        for _, redirected in ipairs { false, true } do
            local certfile, keyfile = pki.chain("server-ec")
            local length = #"GET / HTTP/1.1  User-Agent:   Host: [::1]:12345  Connection: close, TE  TE: trailers    " + #http.USERAGENT
            local job = peer.serve {
                host = "::1", tls = true, cert = certfile, key = keyfile, "handshake", "recv " .. length,
                "send " .. peer.hex("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsix!"),
            }
            local address = ("https://[::1]:%d/"):format(job.port)
            local body, code = fetch { url = redirected and urls[1] .. "/go/302?to=" .. address or address }
            assert.are.equal("six!", body, tostring(code))
            local request = job:finish()[2]:match("^recv (%x+)"):gsub("%x%x", function(byte)
                return string.char(tonumber(byte, 16))
            end)
            assert.is_truthy(request:lower():find(("host: [::1]:%d\r\n"):format(job.port), 1, true), request)
        end
    end)

    describe("trust:", function()
        after_each(function()
            ssl._https_verify_certificates(true)
        end)

        -- The failure of a request to a server, nil if there is none.
        local function failure(index, context)
            local ok, err = https.request { url = urls[index] .. "/hello", context = context }
            return not ok and err or nil
        end

        it("HTTPS-02 HTTPS-04 verifies chain and name by default", function()
            assert.are.equal(ssl.create_default_context, ssl._create_default_https_context)
            for index = 1, 6 do -- the system does not know root.pem either
                raises.check(failure(index), { "SSLError", "SSLCertVerificationError" }, { reason = "CERTIFICATE_VERIFY_FAILED" })
            end
            assert.is_nil((https.request(urls[1] .. "/hello")))
        end)

        it("HTTPS-04 the system's CA certificates decide, and the name must be the certificate's", function()
            local script = process.write_file(process.directory() .. "/trust.lua", [[
                local https = require "cleat.https"
                for _, url in ipairs(arg) do
                    local body, code = https.request(url .. "/hello")
                    io.write(body and body or code.reason .. " " .. code.verify_code .. "\n")
                end
            ]])
            local result = process.run(process.lua {
                "SSL_CERT_FILE=" .. pki.path("root.pem"), "SSL_CERT_DIR=/nowhere", script, urls[1], urls[2],
                urls[3], urls[4], urls[5], urls[6],
            })
            local failed = "CERTIFICATE_VERIFY_FAILED "
            assert.are.equal("", result.errors)
            assert.are.equal("hello from localhost\nhello from localhost\n" .. failed .. "10\n" .. failed .. "62\n" .. failed
                .. "20\n" .. failed .. "18\n", result.output)
        end)

        it("HTTPS-01 HTTPS-03 _https_verify_certificates(false) accepts all, until it is called again", function()
            ssl._https_verify_certificates(false)
            for index = 1, 6 do
                local body, code = https.request(urls[index] .. "/hello")
                assert.are.equal("hello from localhost\n", body, tostring(code))
                assert.is_nil(failure(index))
            end
            ssl._https_verify_certificates()
            raises.check(failure(6), "SSLError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = 18 })
        end)

        it("HTTPS-05 an explicit context takes precedence", function()
            assert.is_nil(failure(1, trusting()))
            raises.check(failure(5, trusting()), "SSLError", { verify_code = 20 })
            raises.check(failure(4, trusting()), "CertificateError", { verify_code = 62 })
            assert.is_nil(failure(5, ssl._create_unverified_context()))
            ssl._https_verify_certificates(false)
            raises.check(failure(5, trusting()), "SSLError", { verify_code = 20 })
            raises.check(failure(5, ssl.create_default_context()), "SSLError", { verify_code = 20 })
            raises("TypeError", { match = "field 'context' must be an ssl.SSLContext, not table" }, https.request,
                { url = urls[1], context = {} })
        end)

        it("HTTPS-05 only PYTHONHTTPSVERIFY=0 turns verification off at load", function()
            local code = ([[
                local https, ssl = require "cleat.https", require "cleat.ssl"
                local function try(context)
                    local ok, err = https.request { url = %q, context = context }
                    io.write(ok and "accepted" or err.reason, "\n")
                end
                try()
                try(ssl.create_default_context())
                ssl._https_verify_certificates(true)
                try()
            ]]):format(urls[6] .. "/hello")
            local refused = "CERTIFICATE_VERIFY_FAILED\n"
            assert.are.equal("accepted\n" .. refused .. refused, process.run_code(code, { "PYTHONHTTPSVERIFY=0" }))
            for _, value in ipairs { "1", "", "00", "false" } do
                assert.are.equal(refused:rep(3), process.run_code(code, { "PYTHONHTTPSVERIFY=" .. value }))
            end
        end)
    end)

    describe("redirects", function()
        local function go(code, to, from)
            return ("%s/go/%d?to=%s"):format(urls[from or 1], code, to)
        end

        it("are followed, relative and absolute, to the same server and to others", function()
            for _, code in ipairs(CODES) do
                for _, to in ipairs {
                    "/hello", "../hello", urls[1] .. "/hello", urls[2] .. "/hello", urls[1]:gsub("^https:", "") .. "/hello",
                } do
                    local body, got, headers, status = fetch { url = go(code, to) }
                    assert.are.equal("hello from localhost\n", body, to)
                    assert.are.equal(200, got)
                    assert.are.equal("HTTP/1.1 200 OK", status)
                    assert.is_truthy(headers.location:find("^https://localhost:%d+/hello$"), headers.location)
                end
            end
        end)

        it("of HEAD stay HEAD", function()
            local body, code = fetch { url = go(302, "/hello"), method = "HEAD" }
            assert.are.same({ "", 200 }, { body, code })
        end)

        it("never leave https", function()
            local plain = "http://localhost:" .. server.ports[7]
            assert.are.equal("hello from localhost\n", (http.request(plain .. "/hello"))) -- the page exists
            for _, code in ipairs(CODES) do
                for _, to in ipairs { plain .. "/hello", "HTTP" .. plain:sub(5) .. "/hello", "ftp://localhost/hello", "https:",
                    "http:" } do
                    local body, got, headers = fetch { url = go(code, to) }
                    assert.are.equal(code, got)
                    assert.is_truthy(body:find("nginx") and not body:find("hello from"), body)
                    assert.are.equal(to, headers.location)
                end
            end
        end)

        it("are verified like the first server", function()
            for index, code in pairs { [3] = 10, [4] = 62, [5] = 20, [6] = 18 } do
                local body, err = fetch { url = go(302, urls[index] .. "/hello") }
                assert.is_nil(body or nil)
                raises.check(err, "SSLError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = code })
            end
            local body = fetch { url = go(302, urls[1] .. "/hello", 5), context = ssl._create_unverified_context() }
            assert.are.equal("hello from localhost\n", body)
        end)

        it("are not followed if disabled, after a limit, or with a body from a source", function()
            local body, code, headers = fetch { url = go(302, "/hello"), redirect = false }
            assert.are.same({ 302, "/hello" }, { code, headers.location })
            assert.is_truthy(body:find("302 Found"))
            body, code = fetch { url = urls[1] .. "/loop" }
            assert.are.equal(302, code)
            assert.is_truthy(body:find("302 Found"))
            code = select(2, fetch { url = go(302, go(302, "/hello")), maxredirects = 1 })
            assert.are.equal(302, code)
            code = select(2, fetch { url = go(302, go(302, "/hello")), maxredirects = 2 })
            assert.are.equal(200, code)
            code = select(2, fetch { url = go(302, "/hello"), method = "POST", source = ltn12.source.string("body") })
            assert.are.equal(302, code)
            code = select(2, fetch { url = go(302, "/hello"), method = "DELETE" })
            assert.are.equal(302, code)
        end)

        it("do not forward credentials and bodies to other servers", function()
            local headers = { Authorization = "secret", COOKIE = "crumbs", ["X-Test"] = "all may know" }
            local body = fetch { url = urls[1] .. "/private", headers = headers }
            local here = ("[secret] [crumbs] [all may know] [localhost:%d]"):format(server.ports[1])
            assert.are.equal(here, body)
            assert.are.equal(here, (fetch { url = go(302, "/private"), headers = headers }))
            assert.are.equal(("[] [] [all may know] [localhost:%d]"):format(server.ports[2]),
                (fetch { url = go(302, urls[2] .. "/private"), headers = headers }))
            assert.are.equal(("[] [] [all may know] [127.0.0.1:%d]"):format(server.ports[1]),
                (fetch { url = go(302, ("https://127.0.0.1:%d/private"):format(server.ports[1])), headers = headers }))
            -- Nor the user and password of the URL.
            local from = go(302, urls[2] .. "/private"):gsub("//", "//user:pass@", 1)
            assert.are.equal(("[] [] [] [localhost:%d]"):format(server.ports[2]), (fetch { url = from }))
            from = go(302, "/private"):gsub("//", "//user:pass@", 1)
            assert.are.equal(("[Basic dXNlcjpwYXNz] [] [] [localhost:%d]"):format(server.ports[1]), (fetch { url = from }))
        end)

        it("do not read the page of a redirect", function()
            local job, address = answer(("HTTP/1.1 302 Found\r\nlocation:\r\n %s/hello\r\nContent-Length: 1000000\r\n\r\nnot all")
                :format(urls[1]), "await")
            local start = process.clock()
            assert.are.equal("hello from localhost\n", (fetch { url = address }))
            assert.is_true(process.clock() - start < limits.bound(3))
            job:abandon()
        end)
    end)

    describe("what fails", function()
        local function why(request)
            local ok, err, more = https.request(request)
            assert.is_nil(ok)
            assert.is_nil(more)
            return err
        end

        it("returns nil and LuaSocket's message, or cleat's error", function()
            assert.are.equal("connection refused", why("https://127.0.0.1:" .. process.refusing_port() .. "/"))
            assert.are.equal("connection refused", why { url = "https://127.0.0.1:" .. process.refusing_port() .. "/" })
            raises.check(why("https://no.such.host.invalid/"), "socket.gaierror", {})
            local err = why(("https://localhost:%d/"):format(server.ports[7]))
            raises.check(err, "SSLError", { library = "SSL", reason = "WRONG_VERSION_NUMBER" })
            assert.is_truthy(("it says: " .. err):find("WRONG_VERSION_NUMBER", 1, true))
        end)

        it("is a URL of another scheme", function()
            assert.are.equal("scheme 'http' not supported, only https", why("http://localhost/"))
            assert.are.equal("scheme 'ftp' not supported, only https", why { url = "ftp://localhost/" })
            assert.are.equal("scheme 'http' not supported, only https", why { url = urls[1], scheme = "http" })
            assert.are.equal("invalid host 'nil'", why("/path"))
            assert.are.equal("invalid host 'nil'", why("https://"))
            assert.are.equal("create function not permitted", why { url = urls[1], create = print })
            raises("TypeError", { match = "must be a URL or a table, not nil" }, https.request)
            raises("TypeError", { match = "argument 'body' must be a string, not number" }, https.request, urls[1], 5)
        end)

        it("is a request with line breaks in a header or the URL", function()
            for _, case in ipairs {
                { url = urls[1] .. "/hello HTTP/1.1\r\nX-Evil: 1\r\n\r\n" }, { url = urls[1], path = "/\n" },
                { host = "local\rhost" }, { url = urls[1] .. "/?a=\0" }, { url = urls[1], method = "GET / HTTP/1.1\r\n" },
                { url = urls[1], headers = { ["X-Test"] = "a\r\nX-Evil: 1" } }, { url = urls[1], headers = { ["X\n"] = 1 } },
            } do
                assert.is_truthy(why(case):find("^control character in %l+$"))
            end
        end)

        it("is a server that does not respond before the timeout", function()
            local job = peer.serve { "await" }
            local timeout = http.TIMEOUT
            http.TIMEOUT = 0.1
            local start = process.clock()
            local ok, err = pcall(why, { url = ("https://localhost:%d/"):format(job.port), context = trusting() })
            local took = process.clock() - start
            local second, address = answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "await")
            local _, late = pcall(why, { url = address, context = trusting() })
            http.TIMEOUT = timeout
            assert.is_true(ok)
            assert.are.equal("timeout", err)
            assert.is_true(took < limits.bound(1.5))
            assert.are.equal("timeout", late)
            job:abandon()
            second:abandon()
        end)

        it("is a page that is cut off, by the server or an attacker", function()
            -- Nothing says how long it is: without close_notify an attacker could have ended it.
            local job, address = answer("HTTP/1.1 200 OK\r\n\r\nnot the e", "close")
            raises.check(why { url = address, context = trusting() }, "SSLEOFError", {})
            job:finish()
            for _, ending in ipairs { "close", "notify", "reset" } do
                job, address = answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nnot the e", ending)
                local err = why { url = address, context = trusting() }
                if ending == "notify" then
                    assert.are.equal("closed", err)
                else
                    raises.check(err, "socket.error", {})
                end
                job:finish()
            end
            job, address = answer("HTTP/1.1 200 OK\r\n\r\nnot the e", "reset")
            raises.check(why { url = address, context = trusting() }, "socket.error", {})
            job:finish()
            job, address = answer("HTTP/1.1 200 OK\r\nX-He", "notify")
            assert.are.equal("closed", why { url = address, context = trusting() })
            job:finish()
        end)

        it("is a response that is not HTTP", function()
            local job, address = answer("HTTP/1.1 200 OK\r\nno header\r\n\r\n", "notify")
            assert.is_truthy(why { url = address, context = trusting() }:find("malformed"))
            job:finish()
            job, address = answer("HTTP/1.1 what?\r\n\r\n", "notify")
            why { url = address, context = trusting() }
            job:finish()
        end)
    end)

    describe("beside other modules", function()
        it("does not replace LuaSocket's and LuaSec's modules", function()
            local output = process.run_code([[
                local sec, sec_https = {}, {}
                package.preload.ssl = function() return sec end
                package.preload["ssl.https"] = function() return sec_https end
                local socket, http = require "socket", require "socket.http"
                local tcp, request, schemes = socket.tcp, http.request, http.schemes
                local https = require "cleat.https"
                print(require "socket" == socket, require "socket.http" == http, package.loaded.ssl == nil)
                print(socket.tcp == tcp, http.request == request, http.schemes == schemes)
                print(require "ssl" == sec, require "ssl.https" == sec_https, https.request ~= request)
            ]])
            assert.are.equal(("true\ttrue\ttrue\n"):rep(3), output)
        end)

        it("works with any module \"socket\"", function()
            for _, code in ipairs {
                [[require "cleat.python"; want = "cleat"]],
                [[require "cleat.python"; require "socket"; want = "cleat"]],
                [[require "socket"; require "cleat.python"; want = "LuaSocket"]],
                [[require "cleat.socket"; want = "LuaSocket"]],
                [[package.loaded.socket = { another = true }; want = "another"]],
                [[package.loaded.socket = true; want = true]],
            } do
                local output = process.run_code(code .. ([[
                    local https = require "cleat.https"
                    local socket = require "socket"
                    local is = socket == require "cleat.socket" and "cleat" or socket == true or socket.another and "another"
                        or socket._VERSION:match("^LuaSocket")
                    print(is == want, (https.request { url = %q, sink = function() return 1 end }))
                ]]):format(urls[1] .. "/hello"), { "SSL_CERT_FILE=" .. pki.path("root.pem") })
                assert.are.equal("true\t1\n", output, code)
            end
        end)

    end)
end)

describe("cleat.https.client:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local function connected(...)
        local certfile, keyfile = pki.chain("server-ec")
        local job = peer.serve { tls = true, cert = certfile, key = keyfile, "handshake", ... }
        local sock = client.new(trusting())
        assert.are.equal(1, sock:settimeout(10))
        assert.are.equal(1, sock:connect("localhost", tostring(job.port)))
        return sock, job
    end

    it("sends as LuaSocket does", function()
        local sock, job = connected("recv 8", "await", "recv 1")
        assert.are.equal(3, sock:send("123"))
        assert.are.equal(3, sock:send("x45", 2, -1))
        assert.are.equal(3, sock:send("x67y", 2, 3))
        assert.are.equal(3, sock:send("xy8", -1))
        assert.are.equal(0, sock:send(""))
        assert.are.equal(1, sock:settimeout(0.05))
        assert.are.same({ nil, "timeout", "" }, { sock:receive(1) })
        job:go()
        assert.are.equal(1, sock:send("9"))
        assert.are.equal(1, sock:settimeout(nil))
        raises.check(select(2, sock:receive(1)), "SSLEOFError", {})
        local lines = job:finish()
        assert.are.same({ "recv " .. peer.hex("12345678"), "await", "recv " .. peer.hex("9") }, { lines[2], lines[3], lines[4] })
        sock:close()
    end)

    it("receives as LuaSocket does", function()
        local sock, job = connected("send " .. peer.hex("line\r\nsecond\n\r\n12345rest\r\nof it"), "notify", "sleep 0.3")
        assert.are.equal("line", (sock:receive()))
        assert.is_true(sock:dirty())
        assert.are.equal("a second", (sock:receive("*l", "a ")))
        assert.are.equal("", (sock:receive("l")))
        assert.are.equal("12", (sock:receive(2)))
        assert.are.equal("x345", (sock:receive(4, "x")))
        assert.are.equal("long enough", (sock:receive(3, "long enough")))
        assert.are.equal("a rest\r\nof it", (sock:receive("*a", "a ")))
        assert.are.same({ "" }, { (sock:receive("*a")) })
        assert.are.same({ nil, "closed", "p" }, { sock:receive("*l", "p") })
        assert.are.same({ nil, "closed", "" }, { sock:receive(1) })
        assert.is_false(sock:dirty())
        job:finish()
        sock:close()
    end)

    it("returns the bytes that arrived before the end", function()
        local sock, job = connected("send " .. peer.hex("no newline"), "notify")
        assert.are.same({ nil, "closed", "> no newline" }, { sock:receive("*l", "> ") })
        job:finish()
        sock:close()
        sock, job = connected("send " .. peer.hex("abc"), "notify")
        assert.are.same({ nil, "closed", "abc" }, { sock:receive(10) })
        job:finish()
        sock:close()
    end)

    it("can be closed more than once, and returns closed afterwards", function()
        local sock, job = connected()
        assert.is_true(sock:getfd() >= 0)
        assert.are.equal(1, sock:close())
        assert.are.equal(1, sock:close())
        assert.are.equal(-1, sock:getfd())
        assert.is_false(sock:dirty())
        assert.are.same({ nil, "closed", 0 }, { sock:send("x") })
        assert.are.same({ nil, "closed", "" }, { sock:receive() })
        job:finish()
    end)

    it("returns errors before it is connected", function()
        local sock = client.new(trusting())
        assert.are.same({ nil, "closed", 0 }, { sock:send("x") })
        assert.are.same({ nil, "connection refused" }, { sock:connect("127.0.0.1", process.refusing_port()) })
        raises("TypeError", {}, sock.connect, sock, "127.0.0.1", "no port")
        assert.are.equal(1, sock:close())
        assert.are.same({ nil, "closed" }, { sock:connect("127.0.0.1", 1) })
        raises("AttributeError", {}, function() return sock.accept end)
    end)
end)
