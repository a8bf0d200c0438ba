-- Our client against nginx.
local handles = require "support.handles"
local link = require "support.link"
local nginx = require "support.nginx"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local MEGABYTES_10 = 10 * 1024 * 1024

local function connect(port, context, hostname)
    context = context or ssl.create_default_context { cafile = pki.path("root.pem") }
    local plain = socket.create_connection({ "127.0.0.1", port }, 20)
    return context:wrap_socket(plain, { server_hostname = hostname or "localhost", suppress_ragged_eofs = false })
end

-- read_all returns the bytes up to the end of the stream, which must have close_notify.
local function read_all(sock)
    local parts = {}
    while true do
        local data = sock:recv(65536)
        if data == "" then
            return table.concat(parts)
        end
        parts[#parts + 1] = data
    end
end

local function fetch(sock, path)
    sock:sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"):format(path))
    local head, body = read_all(sock):match("^(.-\r\n)\r\n(.*)$")
    sock:close()
    return body, head
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe("nginx and " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        local server
        setup(function()
            local lines = "location = /hello { return 200 \"hello from nginx over $ssl_protocol\\n\"; }\n"
                .. "location /files { dav_methods PUT; create_full_put_path on; }\n"
                .. "location = /slow { alias www/page; limit_rate 100k; }"
            server = nginx.start {
                { cert = "server-ec", protocols = version, lines = lines },
                { cert = "server-rsa", protocols = version, lines = lines },
                { cert = "expired", protocols = version }, { cert = "other", protocols = version },
                { cert = "unknown", protocols = version },
                {
                    cert = "server-ec", protocols = version, lines = "ssl_verify_client on; ssl_client_certificate "
                    .. pki.path("root.pem") .. "; ssl_verify_depth 2; location = /who { return 200 \"$ssl_client_s_dn\"; }",
                },
                { cert = "server-ec", protocols = version, listen = "ssl http2" },
                { cert = "server-ec", protocols = version, listen = "", lines = "location = /hello { return 200 x; }" },
            }
            process.write_file(server.www .. "/page", peer.pattern(MEGABYTES_10))
        end)

        for i, cert in ipairs { "server-ec", "server-rsa" } do
            it("EXA-01 EXA-05 fetches a page and 10 MB, " .. cert, function()
                local sock = connect(server.ports[i])
                assert.are.equal(version, sock:version())
                assert.are.equal("localhost", sock:getpeercert().subject[2][1][2])
                local body, head = fetch(sock, "/hello")
                assert.are.equal("hello from nginx over " .. version .. "\n", body)
                assert.is_truthy(head:match("^HTTP/1%.1 200 OK\r\n"))
                assert.is_true(fetch(connect(server.ports[i]), "/page") == peer.pattern(MEGABYTES_10))
            end)
        end

        it("puts 10 MB and gets them back", function()
            local sock = connect(server.ports[1])
            local data = peer.pattern(MEGABYTES_10):reverse()
            sock:sendall(("PUT /files/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nConnection: close\r\n\r\n")
                :format(#data))
            sock:sendall(data)
            assert.is_truthy(read_all(sock):match("^HTTP/1%.1 20[14] "))
            sock:close()
            assert.is_true(fetch(connect(server.ports[1]), "/files/upload") == data)
        end)

        it("serves several requests on one connection", function()
            local sock = connect(server.ports[1])
            for _ = 1, 5 do
                sock:sendall("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
                local got = ""
                while not got:find("hello from nginx over [^\n]*\n") do
                    local data = sock:recv(65536)
                    assert(data ~= "")
                    got = got .. data
                end
            end
            sock:close()
        end)

        it("ten connections at once, without blocking", function()
            local functions, socks = {}, {}
            for i = 1, 10 do
                functions[i] = function()
                    local plain = socket.socket()
                    plain:setblocking(false)
                    local context = ssl.create_default_context { cafile = pki.path("root.pem") }
                    local sock = context:wrap_socket(plain, {
                        server_hostname = "localhost", do_handshake_on_connect = false,
                    })
                    socks[i] = sock
                    local code = sock:connect_ex { "127.0.0.1", server.ports[1] }
                    if code ~= 0 then
                        assert.are.equal(115, code)
                        coroutine.yield(sock, "write")
                    end
                    tasks.call(sock, "do_handshake")
                    tasks.send_all(sock, "GET /page HTTP/1.0\r\n\r\n")
                    local head = tasks.receive(sock, 100)
                    assert(head:match("^HTTP/1.1 200 OK"))
                    return tasks.receive(sock, 20000000)
                end
            end
            local results = { tasks.run(functions, 30) }
            for i = 1, 10 do
                assert.is_true(results[i]:sub(-1000) == peer.pattern(MEGABYTES_10):sub(-1000))
                socks[i]:close()
            end
        end)

        it("PKI-02 refuses certificates that are not good", function()
            for i, case in ipairs { { 10, "SSLError" }, { 62, "CertificateError" }, { 20, "SSLError" } } do
                raises(case[2], { library = "SSL", reason = "CERTIFICATE_VERIFY_FAILED", verify_code = case[1] }, connect,
                    server.ports[i + 2])
            end
            connect(server.ports[4], nil, "other.example"):close()
        end)

        it("SEC-02 SEC-05 accepts a client certificate", function()
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            context:load_cert_chain(pki.chain("client"))
            local body = fetch(connect(server.ports[6], context), "/who")
            assert.is_truthy(body:match("CN=client"), body)
            body = fetch(connect(server.ports[6]), "/who")
            assert.is_truthy(body:match("No required SSL certificate was sent"))
        end)

        it("ALPN-01 chooses the application protocol", function()
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            context:set_alpn_protocols { "h2", "http/1.1" }
            local sock = connect(server.ports[7], context)
            assert.are.equal("h2", sock:selected_alpn_protocol())
            sock:close()
            sock = connect(server.ports[1], context)
            assert.are.equal("http/1.1", sock:selected_alpn_protocol())
            sock:close()
        end)

        it("EXC-06 reports plain HTTP on a TLS port, and TLS on a plain port", function()
            raises("SSLError", { library = "SSL", reason = "WRONG_VERSION_NUMBER" }, connect, server.ports[8])
            local plain = socket.create_connection({ "127.0.0.1", server.ports[1] }, 10)
            plain:sendall("GET / HTTP/1.0\r\n\r\n")
            assert.is_truthy(plain:recv(10000):match("plain HTTP request was sent to HTTPS port"))
            plain:close()
        end)

        it("unwrap ends cleanly after a response", function()
            local sock = connect(server.ports[1])
            sock:sendall("GET /hello HTTP/1.0\r\n\r\n")
            assert.is_truthy(read_all(sock):find("hello from nginx"))
            -- nginx does not wait for our close_notify.
            local ok, failure = pcall(sock.unwrap, sock)
            assert.is_true(ok or socket.error:is(failure))
            sock:close()
        end)

        it("a worker killed in mid-transfer is an end without close_notify", function()
            local own = nginx.start {
                { cert = "server-ec", protocols = version, lines = "location = /slow { alias www/page; limit_rate 500k; }" },
            }
            process.write_file(own.www .. "/page", peer.pattern(MEGABYTES_10))
            local sock = connect(own.ports[1])
            sock:sendall("GET /slow HTTP/1.0\r\n\r\n")
            assert.is_truthy(sock:recv(1000):match("^HTTP/1.1 200 OK"))
            own:kill()
            local failure = raises("socket.error", {}, read_all, sock)
            assert.is_true(ssl.SSLEOFError:is(failure) or failure.errno == 104, tostring(failure))
            sock:close()
            own:stop()
        end)
    end)
end

describe("nginx:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("WRAP-20 WRAP-21 an old server accepts the bare context only", function()
        local server = nginx.start {
            {
                cert = "server-rsa", protocols = "TLSv1 TLSv1.1",
                lines = "ssl_ciphers ALL:@SECLEVEL=0; location = /hello { return 200 $ssl_protocol; }",
            },
        }
        raises("SSLError", { library = "SSL", reason = "TLSV1_ALERT_PROTOCOL_VERSION" }, connect, server.ports[1])
        local context = link.context { cafile = "root.pem", verify = ssl.CERT_REQUIRED, check_hostname = true }
        local sock = connect(server.ports[1], context)
        assert.are.equal("TLSv1.1", sock:version())
        assert.are.equal("TLSv1.1", (fetch(sock, "/hello")))
        server:stop()
    end)
end)
