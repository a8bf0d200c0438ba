-- cleat.https: the effects of a request's fields, wrong fields, and proxies.
local excepted = require("cleat.https.proxy").excepted
local handles = require "support.handles"
local https = require "cleat.https"
local limits = require "support.limits"
local nginx = require "support.nginx"
local peer = require "support.peer"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local support = require "support.https"
local uri = require "cleat.https.uri"

local fetch = support.fetch

describe("cleat.https, requests:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local server, url, root
    setup(function()
        root = pki.path("root.pem")
        local lines = [[
            absolute_redirect off;
            location = / { return 200 "[$request_uri] [$http_host]"; }
            location = /hello { return 200 "hello from $host\n"; }
            location = /login { return 200 "[$http_authorization]"; }
            location = /seen { return 200 "[$http_authorization] [$http_cookie] [$http_proxy_authorization] [$ssl_client_s_dn]"; }
            location = /go { return 302 $arg_to; }
            location = /what { return 200 "$request_method [$content_length] [$http_transfer_encoding] [$http_x_test]"; }
            location = /put { client_body_in_single_buffer on; dav_methods PUT; return 200 "$request_method"; }
            location /files { dav_methods PUT; create_full_put_path on; }
            location /any/ { return 200 "$request_uri"; }
        ]]
        local asks = ("ssl_verify_client optional_no_ca; ssl_client_certificate %s;\n"):format(root) .. lines
        server = nginx.start {
            { cert = "server-ec", lines = lines }, { cert = "server-ec", lines = asks }, { cert = "other", lines = lines },
            { cert = "server-ec", lines = asks },
        }
        url = "https://localhost:" .. server.ports[1]
    end)

    local function at(index, path)
        return ("https://localhost:%d%s"):format(server.ports[index], path)
    end

    local function why(request)
        local ok, err, more = https.request(request)
        assert.is_nil(ok)
        assert.is_nil(more)
        return err
    end

    describe("fields", function()
        it("that do not exist raise an error, which suggests a name", function()
            for name, meant in pairs {
                verfy = "verify", cafiles = "cafile", certifcate = "certificate", tiemout = "timeout", Url = "url", header = "headers",
            } do
                raises("TypeError", { match = ("unexpected field '%s'; did you mean '%s'?"):format(name, meant) }, https.request,
                    { url = url, [name] = "x" })
            end
            -- LuaSec's that would choose the versions and options: a context does that.
            for _, name in ipairs { "protocol", "options", "mode", "ciphers", "nonsense", "verifyext" } do
                raises("TypeError", { match = ("unexpected field '%s'"):format(name) }, https.request, { url = url, [name] = "any" })
            end
            raises("TypeError", { match = "unexpected field [1]" }, https.request, { url })
            raises("TypeError", { match = "unexpected field [true]" }, https.request, { url = url, [true] = 1 })
        end)

        it("of the wrong type raise an error, which names the type", function()
            for name, case in pairs {
                url = { 5, "must be a string, not 5" }, host = { {}, "must be a string, not table" }, port = { {},
                    "an integer or a string, not table" },
                method = { true, "must be a string, not boolean" }, headers = { "a", "must be a table, not string" },
                source = { "body", "must be a function, not string" }, sink = { {}, "must be a function, not table" },
                redirect = { 0, "must be a boolean, not 0" }, maxredirects = { -1, "or false, not -1" }, cafile = { 1,
                    "must be a string, not 1" },
                cadata = { false, "must be a string, not boolean" }, certificate = { true, "must be a string, not boolean" },
                password = { 5, "must be a string or a function, not 5" }, timeout = { "5", "must be a number or nil, not string" },
                proxy = { true, "must be a URL or false, not boolean" }, context = { {}, "must be an ssl.SSLContext, not table" },
                verify = { 1, "must be true, false, \"peer\" or \"none\", not 1" },
            } do
                raises("TypeError", { match = case[2] }, https.request, { url = name ~= "url" and url or nil, [name] = case[1] })
                raises("TypeError", { match = name }, https.request, { url = name ~= "url" and url or nil, [name] = case[1] })
            end
            raises("TypeError", { match = "\"none\", not 'pear'" }, https.request, { url = url, verify = "pear" })
            raises("TypeError", { match = "\"none\", not table" }, https.request, { url = url, verify = { "peer", "none" } })
            raises("TypeError", { match = "\"none\", not table" }, https.request, { url = url, verify = {} })
            for _, timeout in ipairs { -1, 0 / 0, math.huge } do
                raises("ValueError", {}, https.request, { url = url, timeout = timeout })
            end
            raises("TypeError", { match = "header 'X' must be a string or a number, not table" }, https.request,
                { url = url, headers = { X = {} } })
            raises("TypeError", { match = "must have strings for names, not 1" }, https.request, { url = url, headers = { "X: y" } })
        end)

        it("that contradict each other raise an error", function()
            local context = ssl.create_default_context()
            for _, name in ipairs { "cafile", "capath", "cadata", "certificate", "verify" } do
                raises("TypeError", { match = ("field '%s' cannot be used with field 'context'"):format(name) }, https.request,
                    { url = url, context = context, [name] = name == "verify" and true or root })
            end
            raises("TypeError", { match = "'cafile' cannot be used where 'verify' is off" }, https.request,
                { url = url, cafile = root, verify = false })
            raises("TypeError", { match = "field 'key' needs field 'certificate'" }, https.request, { url = url, key = root })
            raises("TypeError", { match = "is ambiguous with 'user' and 'certificate'" }, https.request,
                { url = url, user = "me", password = "x", certificate = root, key = root })
        end)

        it("for trust: cafile, capath, cadata and verify", function()
            local function code(fields, index)
                fields.url = at(index or 1, "/hello")
                local ok, result = https.request(fields)
                return ok and result or result.verify_code
            end
            assert.are.equal(20, code {}) -- the system does not know it
            assert.are.equal(200, code { cafile = root })
            assert.are.equal(20, code { cafile = pki.path("unknown-root.pem") })
            assert.are.equal(200, code { cadata = pki.read("root.pem") })
            assert.are.equal(200, code { cafile = root, verify = true })
            assert.are.equal(200, code { cafile = root, verify = { "peer", "fail_if_no_peer_cert" } })
            assert.are.equal(62, code({ cafile = root }, 3))
            assert.are.equal(62, code({ cafile = root, verify = "peer" }, 3))
            for _, off in ipairs { false, "none", { "none" } } do
                assert.are.equal(200, code { verify = off })
                assert.are.equal(200, code({ verify = off }, 3))
            end
            raises.check(why { url = url, cafile = "/no/such/file" }, "IOError", { errno = 2, filename = "/no/such/file" })
            raises.check(why { url = url, cadata = "nonsense" }, "SSLError", {})
            local directory = process.directory() .. "/ca_certs"
            os.execute(("mkdir -p %s && cp %s %s && openssl rehash %s"):format(directory, root, directory, directory))
            assert.are.equal(200, code { capath = directory })
            assert.are.equal(20, code { capath = process.directory() })
        end)

        it("for trust take precedence over the default context", function()
            ssl._https_verify_certificates(false)
            local codes = {}
            for _, fields in ipairs { { cafile = pki.path("unknown-root.pem") }, { verify = true }, {} } do
                fields.url = url .. "/hello"
                local ok, code = https.request(fields)
                codes[#codes + 1] = ok and code or code.verify_code
            end
            ssl._https_verify_certificates(true)
            assert.are.same({ 20, 20, 200 }, codes)
        end)

        it("for identification: certificate, key and password", function()
            local certfile, keyfile = pki.chain("client")
            local body = fetch { url = at(2, "/seen"), cafile = root, certificate = certfile, key = keyfile }
            assert.are.equal("[] [] [] [CN=client,O=cleat tests]", body)
            assert.are.equal("[] [] [] []", (fetch { url = at(2, "/seen"), cafile = root }))
            local locked = process.directory() .. "/locked.key"
            os.execute(("openssl pkey -aes128 -passout pass:secret -in %s -out %s"):format(keyfile, locked))
            for _, password in ipairs { "secret", function() return "secret" end } do
                body = fetch { url = at(2, "/seen"), cafile = root, certificate = certfile, key = locked, password = password }
                assert.are.equal("[] [] [] [CN=client,O=cleat tests]", body)
            end
            raises.check(why { url = at(2, "/"), cafile = root, certificate = certfile, key = locked, password = "wrong" },
                "SSLError", {})
            raises.check(why { url = at(2, "/"), cafile = root, certificate = "/none.pem", key = keyfile }, "IOError", { errno = 2 })
            raises.check(why { url = at(2, "/"), cafile = root, certificate = certfile, key = root }, "SSLError", {})
            -- Another server is shown none; the same one is, again.
            local login = { url = at(2, "/go?to=/seen"), cafile = root, certificate = certfile, key = keyfile }
            assert.are.equal("[] [] [] [CN=client,O=cleat tests]", (fetch(login)))
            login.url = at(2, "/go?to=" .. at(4, "/seen"))
            assert.are.equal("[] [] [] []", (fetch(login)))
        end)

        it("user and password are sent, also where the password is a key's in other requests", function()
            assert.are.equal("[Basic bWU6eA==]", (fetch { url = url .. "/login", user = "me", password = "x" }))
            assert.are.equal("[Basic bWU6eA==]", (fetch { url = url:gsub("//", "//me:y@", 1) .. "/login", password = "x" }))
            assert.are.equal("[Basic bWU6QGEvYg==]", (fetch { url = url:gsub("//", "//me:%%40a%%2fb@", 1) .. "/login" }))
            assert.are.equal("[]", (fetch { url = url:gsub("//", "//me@", 1) .. "/login" }))
            assert.are.equal("colon in user", why { url = url, user = "a:b", password = "x", cafile = root })
        end)

        it("url, host, port, path, params and query", function()
            local host = "localhost:" .. server.ports[1]
            for _, case in ipairs {
                { { url = url }, "[/] [" .. host .. "]" },
                { { url = url .. "?a=b" }, "[/?a=b] [" .. host .. "]" },
                { { url = url .. "#top" }, "[/] [" .. host .. "]" },
                { { url = url .. "?a=b?c/d#e?f" }, "[/?a=b?c/d] [" .. host .. "]" },
                { { url = url .. "/any/ü" }, "/any/%C3%BC" },
                { { url = url .. "/any/;p?q=ü" }, "/any/;p?q=%C3%BC" },
                { { url = url .. "/any/;p;r?q", params = "s", query = "t" }, "/any/;s?t" },
                { { url = url .. "/any/../any/./%7e" }, "/any/../any/./%7e" },
                { { host = "localhost", port = tostring(server.ports[1]), path = "any/x" }, "/any/x" },
                { { host = "localhost", port = server.ports[1] + 0.0 }, "[/] [" .. host .. "]" },
                { { url = "//" .. host .. "/any/x" }, "/any/x" },
                { { url = "https://nowhere.invalid:1/any/x", host = "LOCALHOST", port = server.ports[1] }, "/any/x" },
            } do
                assert.are.equal(case[2], (fetch(case[1])))
            end
        end)
    end)

    it("bad ports are nil and a message, in a request and in a redirect", function()
        for _, port in ipairs { "abc", "1.5", "-1", "0", "65536", "1;x", "1e3", "0x1f", "1_", ("9"):rep(5000), "443:", "+1" } do
            assert.is_truthy(why("https://127.0.0.1:" .. port .. "/"):find("^invalid port '"), port)
            assert.is_truthy(why { host = "127.0.0.1", port = port }:find("^invalid port '"), port)
            local job, address = support.answer("HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:" .. port .. "/\r\n\r\n", "notify")
            local ok, err = fetch { url = address }
            assert.is_nil(ok or nil)
            assert.is_truthy(err:find("^invalid port '"), err)
            assert.is_true(#err < 100)
            job:finish()
        end
        for _, port in ipairs { 0, -1, 1.5, 65536, 1e300, 0 / 0, math.huge } do
            assert.is_truthy(why { host = "127.0.0.1", port = port }:find("^invalid port "))
        end
        for _, address in ipairs { "https://127.0.0.1:1", "https://127.0.0.1:1?x", "https://127.0.0.1:1#x",
            "https://127.0.0.1:00001/x" } do
            assert.are.equal("connection refused", why(address), address)
        end
        local job, address = support.answer("HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1?x\r\n\r\n", "notify")
        assert.are.equal("connection refused", select(2, fetch { url = address }))
        job:finish()
    end)

    it("malformed hosts are nil and a message", function()
        for _, host in ipairs { "[::1", "[::1]x", "[127.0.0.1]", "[::1%]", "[::g]", "a%62c", "a b", "a\\b", "a!b", "a|b",
            ("a"):rep(256), "a@b@c", "<a>",
            "::1%", "a,b" } do
            local err = why("https://" .. host .. "/")
            assert.is_truthy(tostring(err):find("^invalid") or tostring(err):find("^blank in url"), host .. ": " .. tostring(err))
        end
        -- A reader that takes "\" for "/" would go to the first of them.
        assert.are.equal("invalid user in URL", why("https://good.example\\@127.0.0.1:1/"))
        assert.are.equal("invalid user in URL", why("https://good.example[]@127.0.0.1:1/"))
        raises.check(why("https://.localhost/"), { "EnvironmentError" }, {})
        raises.check(why("https://x\255.invalid/"), "ValueError", { match = "is not UTF-8" })
    end)

    it("blanks and control characters are refused, and nothing is sent", function()
        local job = peer.serve { "recv 1" }
        local host = ("https://localhost:%d"):format(job.port)
        for words, cases in pairs {
            ["blank in url"] = { { url = host .. "/a b" }, { url = " " .. host }, { url = host .. " " } },
            ["blank in host"] = { { url = host, host = "local host" } },
            ["blank in port"] = { { url = host, port = "1 " } },
            ["blank in path"] = { { url = host, path = "/ HTTP/1.1" } },
            ["blank in params"] = { { url = host, params = " " } },
            ["blank in query"] = { { url = host, query = "a b" } },
            ["blank in method"] = { { url = host, method = "GET /" }, { url = host, method = " " } },
            ["blank in headers"] = { { url = host, headers = { ["X Y"] = "z" } }, { url = host, headers = { ["X "] = "z" } } },
            ["control character in url"] = { { url = host .. "/\t" }, { url = host .. "/\127" }, { url = host .. "/\0" },
                { url = "\n" .. host } },
            ["control character in method"] = { { url = host, method = "G\0T" } },
            ["control character in headers"] = {
                { url = host, headers = { X = "y\r\nZ: 1" } }, { url = host, headers = { X = "y\nZ: 1" } }, { url = host,
                    headers = { X = "y\0" } },
                { url = host, headers = { X = "\127" } }, { url = host, headers = { ["X\r\nY"] = "z" } }, { url = host,
                    headers = { X = "\27[31m" } },
            },
            ["header name"] = { { url = host, headers = { ["X:"] = "z" } }, { url = host, headers = { [""] = "z" } }, { url = host,
                headers = { ["Ä"] = "z" } } },
            ["is there twice"] = { { url = host, headers = { Host = "a", host = "b" } } },
            ["method '"] = { { url = host, method = "G(T)" }, { url = host, method = "CONNECT" }, { url = host, method = "GÄT" } },
            ["fragment in path"] = { { url = host, path = "/a#b" }, { url = host, query = "a#b" } },
            ["both Transfer-Encoding and Content-Length"] = {
                { url = host, source = print, headers = { ["Content-Length"] = 1, ["transfer-encoding"] = "chunked" } },
            },
            ["Transfer-Encoding"] = {
                { url = host, source = print, headers = { ["transfer-encoding"] = "gzip" } }, { url = host,
                    headers = { ["transfer-encoding"] = "chunked" } },
            },
            ["Content-Length"] = {
                { url = host, headers = { ["Content-Length"] = 5 } }, { url = host, source = print,
                    headers = { ["Content-Length"] = "x" } },
                { url = host, source = print, headers = { ["Content-Length"] = -1 } }, { url = host, source = print,
                    headers = { ["Content-Length"] = 1.5 } },
            },
        } do
            for _, case in ipairs(cases) do
                assert.is_truthy(tostring(why(case)):find(words, 1, true), words .. ": " .. tostring(why(case)))
            end
        end
        local select, socket = require "cleat.select", require "cleat.socket"
        assert.is_nil(select.select({}, {}, {}, 0)[1])
        local probe = socket.create_connection({ "127.0.0.1", job.port }, 10) -- the first that comes
        probe:sendall("x")
        assert.are.same({ "recv 78" }, job:finish())
        probe:close()
        assert.are.equal("a b\tc", (fetch { url = url .. "/what", headers = { ["X-Test"] = "a b\tc" } }):match("%[([^%[]*)%]$"))
    end)

    describe("bodies", function()
        local function put(source, length, name)
            return https.request {
                url = url .. "/files/" .. (name or "body"), method = "PUT", cafile = root, source = source,
                headers = length and { ["Content-Length"] = length } or nil,
            }
        end

        local function pieces(...)
            local list, index = { ... }, 0
            return function()
                index = index + 1
                return list[index]
            end
        end

        it("must have the length of Content-Length", function()
            assert.are.equal(1, (put(pieces("one", "", "two"), 6)))
            assert.are.equal("onetwo", (fetch { url = url .. "/files/body" }))
            assert.are.same({ nil, "source has returned more than the 5 bytes of Content-Length" }, { put(pieces("one", "two"), 5) })
            assert.are.same({ nil, "source has returned less than the 7 bytes of Content-Length" }, { put(pieces("one", "two"), 7) })
            assert.are.equal("onetwo", (fetch { url = url .. "/files/body" }))
        end)

        it("in chunks end with the source, not at its empty pieces", function()
            assert.are.equal(1, (put(pieces("", "one", "", ("x"):rep(20000), "two"), nil, "chunks")))
            assert.are.equal("one" .. ("x"):rep(20000) .. "two", (fetch { url = url .. "/files/chunks" }))
        end)

        it("are strings", function()
            raises("TypeError", { match = "source must return strings, not number" }, put, pieces(5))
            raises("TypeError", { match = "source must return strings, not table" }, put, pieces {}, 5)
            assert.are.same({ nil, "no more" }, { put(function() return nil, "no more" end) })
            local mine = {}
            local ok, err = pcall(put, function() error(mine) end)
            assert.are.same({ false, mine }, { ok, err })
        end)

        it("are sent by the caller's step function", function()
            local moved = 0
            local ok = https.request {
                url = url .. "/hello", cafile = root, sink = function() return 1 end,
                step = function(source, sink)
                    local chunk = source()
                    moved = moved + (chunk and #chunk or 0)
                    return sink(chunk) and chunk and 1
                end,
            }
            assert.are.same({ 1, #"hello from localhost\n" }, { ok, moved })
        end)
    end)

    describe("redirects", function()
        it("do not forward credentials to another port", function()
            local certfile, keyfile = pki.chain("client")
            local headers = { Authorization = "secret", Cookie = "crumbs", ["Proxy-Authorization"] = "through" }
            local request = { url = at(2, "/seen"), headers = headers, cafile = root, certificate = certfile, key = keyfile }
            assert.are.equal("[secret] [crumbs] [] [CN=client,O=cleat tests]", (fetch(request)))
            request.url = at(2, "/go?to=" .. at(4, "/seen"))
            assert.are.equal("[] [] [] []", (fetch(request)))
            -- Nor does coming back bring them again.
            request.url = at(2, "/go?to=" .. at(4, "/go?to=" .. at(2, "/seen")))
            assert.are.equal("[] [] [] [CN=client,O=cleat tests]", (fetch(request)))
            assert.are.equal("secret", headers.Authorization)
        end)

        it("with a Location or URL of 100,000 bytes take linear time", function()
            -- ten times the bytes cost ten times as much; at quadratic cost it would be a hundred times
            local function is_linear(f, start, part)
                local function with(length)
                    local text = start .. part:rep(math.floor(length / #part))
                    return function()
                        f(text)
                    end
                end
                assert.is_true(limits.costs_at_most(40, with(100000), with(10000)), start .. part)
            end
            for _, case in ipairs { { "", "/.." }, { "", "a/../" }, { "", "?" }, { "", "a" }, { "", "@" }, { "//", ":" }, { "", "%41" },
                { "", "./" }, { "", "//" }, { "", "." }, { ";", ";a" } } do
                local base = uri.split("https://localhost/a/b/c")
                is_linear(function(text)
                    uri.resolve(base, uri.split(text))
                end, case[1], case[2])
                is_linear(function(text)
                    why { url = "https://127.0.0.1:1/" .. text }
                end, case[1], case[2])
                is_linear(function(text)
                    why { url = "https://" .. text }
                end, case[1], case[2])
            end
            -- Folded, since a line may have 64 KiB.
            local long = ("a/../"):rep(10000)
            local job, address = support.answer("HTTP/1.1 302 Found\r\nLocation: " .. long .. "\r\n " .. long .. "\r\n\r\n", "notify")
            local body, err = fetch { url = address, timeout = limits.bound(5) }
            assert.is_nil(body or nil)
            assert.are.equal("connection refused", err)
            job:finish()
        end)

        it("resolve as RFC 3986 says (section 5.4)", function()
            local base = uri.split("http://a/b/c/d;p?q")
            local function written(parts)
                return parts.scheme .. ":" .. (parts.netloc and "//" .. parts.netloc or "") .. parts.path
                    .. (parts.query and "?" .. parts.query or "")
            end
            for reference, wanted in pairs {
                ["g:h"] = "g:h", g = "http://a/b/c/g", ["./g"] = "http://a/b/c/g", ["g/"] = "http://a/b/c/g/", ["/g"] = "http://a/g",
                ["//g"] = "http://g", ["?y"] = "http://a/b/c/d;p?y", ["g?y"] = "http://a/b/c/g?y", ["#s"] = "http://a/b/c/d;p?q",
                ["g#s"] = "http://a/b/c/g", ["g?y#s"] = "http://a/b/c/g?y", [";x"] = "http://a/b/c/;x", ["g;x"] = "http://a/b/c/g;x",
                [""] = "http://a/b/c/d;p?q", ["."] = "http://a/b/c/", ["./"] = "http://a/b/c/", [".."] = "http://a/b/",
                    ["../"] = "http://a/b/",
                ["../g"] = "http://a/b/g", ["../.."] = "http://a/", ["../../"] = "http://a/", ["../../g"] = "http://a/g",
                ["../../../g"] = "http://a/g", ["../../../../g"] = "http://a/g", ["/./g"] = "http://a/g", ["/../g"] = "http://a/g",
                ["g."] = "http://a/b/c/g.", [".g"] = "http://a/b/c/.g", ["g.."] = "http://a/b/c/g..", ["..g"] = "http://a/b/c/..g",
                ["./../g"] = "http://a/b/g", ["./g/."] = "http://a/b/c/g/", ["g/./h"] = "http://a/b/c/g/h", ["g/../h"] = "http://a/b/c/h",
                ["g;x=1/./y"] = "http://a/b/c/g;x=1/y", ["g;x=1/../y"] = "http://a/b/c/y", ["g?y/./x"] = "http://a/b/c/g?y/./x",
                ["g?y/../x"] = "http://a/b/c/g?y/../x", ["g#s/../x"] = "http://a/b/c/g", ["http:g"] = "http:g",
            } do
                assert.are.equal(wanted, written(uri.resolve(base, uri.split(reference))), reference)
            end
        end)

        it("with odd Locations", function()
            for location, wanted in pairs {
                ["https://[::1/"] = "invalid host", ["https://a\tb/"] = "control character in Location",
                    ["https://a@b@c/"] = "invalid user",
                ["https://x!y/"] = "invalid host",
            } do
                local job, address = support.answer("HTTP/1.1 302 Found\r\nLocation: " .. location .. "\r\n\r\n", "notify")
                local ok, err = fetch { url = address }
                assert.is_nil(ok or nil)
                assert.is_truthy(err:find(wanted, 1, true), err)
                job:finish()
            end
            -- Blanks and letters of other scripts are encoded, as browsers do.
            local to = url .. "/any/a b ü"
            local job, address = support.answer("HTTP/1.1 302 Found\r\nLocation: " .. to .. "\r\n\r\n", "notify")
            assert.are.equal("/any/a%20b%20%C3%BC", (fetch { url = address }))
            job:finish()
        end)
    end)

    describe("proxies", function()
        local proxies = {}
        setup(function()
            for _, how in ipairs { "good", "lengths", "interim", "eager", "forbids", "garbage", "redirects", "gone", "silent" } do
                proxies[how] = support.python("connect_proxy", how)
            end
            proxies.login = support.python("connect_proxy", "good", "me:se cret")
        end)

        local function through(how, login)
            return ("http://%s127.0.0.1:%d"):format(login or "", proxies[how].port)
        end

        local function asked(how)
            local requests = {}
            for line in proxies[how]:output():gmatch("(CONNECT[^\n]*)\n") do
                requests[#requests + 1] = line
            end
            return requests
        end

        it("receive a CONNECT request, and see encrypted bytes only", function()
            local body, code = fetch { url = url .. "/login", proxy = through("good"), headers = { Authorization = "secret" } }
            assert.are.same({ "[secret]", 200 }, { body, code })
            local request = asked("good")[1]
            assert.is_truthy(request:find("^CONNECT localhost:" .. server.ports[1] .. " HTTP/1.1\\r\\nHost: localhost:"), request)
            assert.is_nil(request:find("secret", 1, true))
            for _, how in ipairs { "lengths", "interim" } do
                assert.are.equal("hello from localhost\n", (fetch { url = url .. "/hello", proxy = through(how) }))
            end
            assert.are.equal("hello from localhost\n", (fetch { url = url .. "/hello", proxy = through("good"):sub(8) }))
        end)

        it("resolve the name, with which the server is verified", function()
            local port = server.ports[3] -- the certificate is that of another name
            raises.check(why { url = at(3, "/hello"), proxy = through("good"), cafile = root }, "CertificateError", { verify_code = 62 })
            raises.check(why { url = "https://nowhere.invalid:" .. port, proxy = through("good"), cafile = root }, "CertificateError", {})
            local requests = asked("good")
            assert.is_truthy(requests[#requests]:find("^CONNECT nowhere.invalid:" .. port))
            why { url = "https://[::1]:" .. port, proxy = through("good"), cafile = root }
            why { url = "https://püthon.invalid:" .. port, proxy = through("good"), cafile = root }
            requests = asked("good")
            assert.is_truthy(requests[#requests - 1]:find("^CONNECT %[::1%]:" .. port))
            assert.is_truthy(requests[#requests]:find("^CONNECT xn%-%-pthon%-kva.invalid:" .. port), requests[#requests])
        end)

        it("receive the user and password of their URL", function()
            local answer = why { url = url, proxy = through("login"), cafile = root }
            assert.are.equal("the proxy refuses: 'HTTP/1.1 407 Proxy Authentication Required'", answer)
            assert.are.equal("hello from localhost\n", (fetch { url = url .. "/hello", proxy = through("login", "me:se%20cret@") }))
            -- And the server is not.
            local seen = fetch { url = at(2, "/seen"), proxy = through("login", "me:se%20cret@") }
            assert.are.equal("[] [] [] []", seen)
            -- The same as a header, which stays with the proxy for the servers that follow.
            seen = fetch {
                url = at(1, "/go?to=" .. at(2, "/seen")), proxy = through("login"),
                headers = { ["Proxy-Authorization"] = "Basic bWU6c2UgY3JldA==", Authorization = "secret" },
            }
            assert.are.equal("[] [] [] []", seen)
        end)

        it("that refuse, or respond with garbage, end the request", function()
            assert.are.equal("the proxy refuses: 'HTTP/1.1 403 Forbidden'", why { url = url, proxy = through("forbids") })
            assert.are.equal("the proxy refuses: 'HTTP/1.1 302 Found'", why { url = url, proxy = through("redirects") })
            assert.is_truthy(why { url = url, proxy = through("garbage") }:find("^malformed response: "))
            assert.are.equal("closed", why { url = url, proxy = through("gone") })
            assert.are.equal("the proxy has sent bytes before the server could", why { url = url, proxy = through("eager") })
            assert.are.equal("timeout", why { url = url, proxy = through("silent"), timeout = 0.2 })
            assert.are.equal("connection refused", why { url = url, proxy = "http://127.0.0.1:" .. process.refusing_port() })
            for text, words in pairs {
                ["https://localhost"] = "proxy scheme 'https' not supported, only http",
                    ["socks5://localhost:1"] = "proxy scheme 'socks5'",
                ["http://"] = "has no host", ["http://a b"] = "blank in proxy", ["http://a\r\n"] = "control character",
                    ["http://a:x"] = "invalid port 'x'",
                ["http://a!"] = "invalid host",
            } do
                local err = why { url = url, proxy = text }
                assert.is_truthy(err:find(words, 1, true), err)
            end
        end)

        optional.tests(it, pending, optional.program "tinyproxy")("tinyproxy, with and without a password", function()
            local proxy, port = process.on_free_port(function(port)
                local file = process.write_file(process.directory() .. "/tinyproxy.conf",
                    ("Port %d\nListen 127.0.0.1\nBasicAuth me secret\nTimeout 60\n"):format(port))
                local started = process.start { "tinyproxy", "-d", "-c", file, timeout = 60 }
                started:wait_for("Accepting connections")
                return started
            end)
            local through_it = { url = url .. "/hello", proxy = ("http://me:secret@127.0.0.1:%d"):format(port) }
            assert.are.equal("hello from localhost\n", (fetch(through_it)))
            through_it.proxy = "127.0.0.1:" .. port
            through_it.cafile = root
            assert.is_truthy(why(through_it):find("the proxy refuses: 'HTTP/1.%d 407"))
            proxy:stop()
        end)

        it("are LuaSocket's PROXY, unless the request overrides it", function()
            local http = require "socket.http"
            http.PROXY = through("good")
            local before = #asked("good")
            local first = fetch { url = url .. "/hello" }
            local second = fetch { url = url .. "/hello", proxy = false }
            local third = fetch { url = url .. "/go?to=" .. at(2, "/hello") } -- of each server
            http.PROXY = nil
            assert.are.same({ "hello from localhost\n", "hello from localhost\n", "hello from localhost\n" }, { first, second, third })
            assert.are.equal(before + 3, #asked("good"))
        end)

        it("are the environment's, except for hosts in no_proxy", function()
            local code = ([[
                local https = require "cleat.https"
                local body, err = https.request(%q)
                io.write(tostring(body or err))
            ]]):format(url .. "/hello")
            local function run(...)
                local before = #asked("good")
                local output = process.run_code(code, { "SSL_CERT_FILE=" .. root, ... })
                return output, #asked("good") - before
            end
            local good, bad = through("good"), "http://127.0.0.1:" .. process.refusing_port()
            local hello = "hello from localhost\n"
            for _, case in ipairs {
                { { "https_proxy=" .. good }, 1 }, { { "HTTPS_PROXY=" .. good }, 1 }, { { "all_proxy=" .. good }, 1 },
                    { { "ALL_PROXY=" .. good }, 1 },
                { { "https_proxy=" .. good, "HTTPS_PROXY=" .. bad, "all_proxy=" .. bad }, 1 }, { { "https_proxy=",
                    "HTTPS_PROXY=" .. good }, 1 },
                { { "http_proxy=" .. bad, "HTTP_PROXY=" .. bad }, 0 }, { { "https_proxy=" }, 0 },
                { { "https_proxy=" .. bad, "no_proxy=localhost" }, 0 }, { { "https_proxy=" .. bad, "NO_PROXY=a, .localhost" }, 0 },
                { { "https_proxy=" .. bad, "no_proxy=*" }, 0 }, { { "https_proxy=" .. good, "no_proxy=calhost" }, 1 },
                { { "https_proxy=" .. bad, ("no_proxy=localhost:%d"):format(server.ports[1]) }, 0 },
                { { "https_proxy=" .. good, "no_proxy=localhost:1" }, 1 },
            } do
                local output, count = run((table.unpack or unpack)(case[1]))
                assert.are.same({ hello, case[2] }, { output, count }, table.concat(case[1], " "))
            end
            assert.are.same({ "connection refused", 0 }, { run("https_proxy=" .. bad) })
        end)

        it("no_proxy matches hosts, their subdomains, and addresses", function()
            for list, hosts in pairs {
                ["example.org"] = { ["example.org"] = true, ["www.example.org"] = true, ["EXAMPLE.ORG."] = true,
                    ["notexample.org"] = false },
                [".example.org"] = { ["example.org"] = true, ["a.b.example.org"] = true, ["example.com"] = false },
                ["*.example.org, other"] = { ["example.org"] = true, other = true, ["the.other"] = true, another = false },
                ["127.0.0.1,::1"] = { ["127.0.0.1"] = true, ["::1"] = true, ["1.127.0.0.1"] = false, ["::2"] = false },
                ["0.1 [::1]:443"] = { ["127.0.0.1"] = false, ["::1"] = true },
                ["*"] = { anything = true, ["::1"] = true },
                [""] = { anything = false }, [","] = { anything = false }, ["."] = { anything = false },
            } do
                for host, wanted in pairs(hosts) do
                    assert.are.equal(wanted, excepted(list, host, 443), list .. " and " .. host)
                end
            end
        end)
    end)

    it("works without LuaSocket, and while other coroutines run", function()
        local output = process.run_code(([[
            package.path = os.getenv("CLEAT_SOURCE_DIR") .. "/lua/?.lua"
            package.cpath = os.getenv("CLEAT_BUILD_DIR") .. "/lua/" .. _VERSION:match("[%%d.]+") .. "/?.so"
            local https, select, socket = require "cleat.https", require "cleat.select", require "cleat.socket"
            socket.setdefaultwaiter(function(sock, event, timeout)
                return coroutine.yield(sock, event, timeout)
            end)
            local running, out = {}, {}
            for i = 1, 5 do
                running[i] = coroutine.create(function()
                    out[i] = select ~= nil and https.request { url = %q, timeout = 20, sink = function() return 1 end }
                end)
            end
            local turns = 0
            repeat
                local alive = false
                for i = 1, 5 do
                    if coroutine.status(running[i]) ~= "dead" then
                        assert(coroutine.resume(running[i], true))
                        alive, turns = true, turns + 1
                    end
                end
                select.select({}, {}, {}, 0.001)
            until not alive
            print(table.concat(out, " "), turns > 10, package.loaded.socket == nil, package.loaded["socket.http"] == nil)
        ]]):format(url .. "/hello"), { "SSL_CERT_FILE=" .. root })
        assert.are.equal("1 1 1 1 1\ttrue\ttrue\ttrue\n", output)
    end)
end)
