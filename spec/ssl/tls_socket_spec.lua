-- SSLSocket: the socket methods, the TLS methods, and how connections end.
local handles = require "support.handles"
local limits = require "support.limits"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local select = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local EBADF, ENOTCONN = 9, 107

-- both calls the same method on both sides at once, because each needs the other.
local function both(client, server, method, ...)
    local arguments = { ... }
    client:settimeout(0)
    server:settimeout(0)
    local first, second = tasks.run {
        function()
            return (tasks.call(client, method, arguments[1]))
        end,
        function()
            return (tasks.call(server, method, arguments[1]))
        end,
    }
    return first, second
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe("an SSLSocket with " .. version .. ":", function()
        local client, server

        after_each(function()
            if client then
                client:close()
                server:close()
                client, server = nil, nil
            end
        end)

        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        -- open returns a connected pair, which is closed after the test.
        local function open(client_options, server_options)
            local options = client_options or {}
            options.version = version
            client, server = link.open(options, server_options)
            return client, server
        end

        describe("data", function()
            it("SOCK-15 SOCK-18 SSLS-42 send, recv, read and write", function()
                open()
                assert.are.equal(5, client:send("hello"))
                assert.are.equal("hello", server:recv(100))
                assert.are.equal(5, server:write("world"))
                assert.are.equal("world", client:read(100))
                client:sendall(("x"):rep(3000))
                assert.are.equal(1024, #server:recv())
                assert.are.equal(1024, #server:read())
                assert.are.equal(952, #server:read())
            end)

            it("SOCK-16 SOCK-18 SOCK-20 flags must be 0", function()
                open()
                assert.are.equal(1, client:send("a", 0))
                client:sendall("b", 0)
                assert.are.equal("a", server:recv(1, 0))
                assert.are.equal("b", server:recv(1, 0))
                raises("ValueError", { match = "non-zero flags not allowed in calls to recv()" }, client.recv, client, 1, 2)
                raises("ValueError", { match = "non-zero flags not allowed in calls to send()" }, client.send, client, "x", 2)
                raises("ValueError", { match = "non-zero flags not allowed in calls to sendall()" }, client.sendall, client,
                    "x", 2)
                local buffer = socket.buffer(10)
                raises("ValueError", { match = "non-zero flags not allowed in calls to recv_into()" }, client.recv_into,
                    client, buffer, 10, 2)
            end)

            it("B-37 SOCK-17 recv_into fills a buffer", function()
                open()
                local buffer = socket.buffer(8)
                client:sendall("into the buffer")
                assert.are.equal(8, server:recv_into(buffer))
                assert.are.equal("into the", tostring(buffer))
                assert.are.equal(4, server:recv_into(buffer, 4))
                assert.are.equal(" buf the", tostring(buffer))
                assert.are.equal(3, server:recv_into(buffer))
                assert.are.equal("fer", buffer:sub(1, 3))
                client:close()
                assert.are.equal(0, server:recv_into(buffer))
            end)

            it("B-36 SOCK-21 reads and writes of no bytes do no I/O", function()
                open()
                client:setblocking(false)
                assert.are.equal("", client:recv(0))
                assert.are.equal("", client:read(0))
                assert.are.equal(0, client:send(""))
                assert.are.equal(0, client:write(""))
                client:sendall("")
                assert.are.equal(0, client:recv_into(socket.buffer(0)))
                client:setblocking(true)
                client:settimeout(10)
                client:sendall("still there")
                assert.are.equal("still there", server:recv(100))
            end)

            it("SOCK-22 negative lengths raise ValueError", function()
                open()
                raises("ValueError", {}, client.recv, client, -1)
                raises("ValueError", {}, client.read, client, -1)
            end)

            it("wrong types raise TypeError", function()
                open()
                for _, value in ipairs { 7, true, {} } do
                    raises("TypeError", {}, client.send, client, value)
                    raises("TypeError", {}, client.sendall, client, value)
                    raises("TypeError", {}, client.write, client, value)
                end
                raises("TypeError", {}, client.recv, client, "10")
                raises("TypeError", {}, client.recv, client, 1.5)
                client:sendall("x")
                assert.are.equal("x", server:recv(10))
            end)

            it("SOCK-23 datagram calls send nothing", function()
                open()
                for _, name in ipairs { "sendto", "recvfrom", "recvfrom_into" } do
                    raises("ValueError", { match = name .. " not allowed on instances of" }, client[name], client,
                        name == "sendto" and "secret" or 10, { "127.0.0.1", 9 })
                end
                raises("NotImplementedError", {}, client.dup, client)
                server:setblocking(false)
                raises("SSLWantReadError", {}, server.recv, server, 1)
            end)

            it("NB-02 SSLS-43 SOCK-26 pending counts decrypted bytes, which select does not report", function()
                open()
                client:sendall("hello world")
                assert.are.equal(0, server:pending())
                assert.are.equal("hello", server:recv(5))
                assert.are.equal(6, server:pending())
                assert.are.same({}, (select.select({ server }, {}, {}, 0)))
                assert.are.equal(" world", server:recv(100))
                assert.are.equal(0, server:pending())
            end)

            it("is binary", function()
                open()
                local bytes = {}
                for i = 0, 255 do
                    bytes[#bytes + 1] = string.char(i)
                end
                local data = table.concat(bytes)
                client:sendall(data)
                assert.are.equal(data, server:recv(1000))
            end)

            it("of 1 MB arrives completely, with small and large reads", function()
                open()
                client:settimeout(0)
                server:settimeout(0)
                local data = ("cleat"):rep(200000)
                for _, bite in ipairs { 1000, 65536, 16384 } do
                    local _, got = tasks.run {
                        function()
                            tasks.send_all(client, data)
                        end,
                        function()
                            return tasks.receive(server, #data, bite)
                        end,
                    }
                    assert.is_true(got == data)
                end
            end)
        end)

        describe("as a socket", function()
            it("SOCK-08 SOCK-09 SOCK-10 has a descriptor, names and options", function()
                open { transport = link.tcp }
                assert.is_true(client:fileno() > 2)
                assert.are.same(client:getsockname(), server:getpeername())
                assert.are.same(server:getsockname(), client:getpeername())
                assert.are.equal(socket.SOCK_STREAM, client:getsockopt(socket.SOL_SOCKET, socket.SO_TYPE))
                client:setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                assert.are_not.equal(0, client:getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                assert.are.equal(socket.AF_INET, client.family)
                assert.are.equal(socket.SOCK_STREAM, client.type)
            end)

            it("SOCK-11 SOCK-12 EXC-08 EXC-14 timeouts and blocking can change at any time", function()
                open()
                client:settimeout(0.05)
                raises("socket.error", { match = "timed out" }, client.recv, client, 1)
                client:setblocking(false)
                local failure = raises({ "SSLWantReadError", "SSLError", "socket.error" }, {
                    errno = ssl.SSL_ERROR_WANT_READ, match = "The operation did not complete (read)",
                }, client.recv, client, 1)
                assert.is_nil(failure.library)
                assert.is_nil(failure.reason)
                client:settimeout(5)
                server:sendall("x")
                assert.are.equal("x", client:recv(1))
            end)

            it("SOCK-14 makes a file", function()
                open()
                local file = client:makefile()
                server:sendall("first line\nsecond line\nrest")
                assert.are.equal("first line", file:read("l"))
                assert.are.equal("second line\n", file:read("L"))
                assert.are.equal("re", file:read(2))
                server:close()
                assert.are.equal("st", file:read("a"))
                file:close()
                assert.is_true(client:fileno() > 2)
            end)

            it("SOCK-03 SOCK-04 after close methods raise, and attributes remain", function()
                open()
                client:close()
                client:close()
                raises("ValueError", { match = "closed or unwrapped SSL socket" }, client.read, client)
                raises("ValueError", { match = "closed or unwrapped SSL socket" }, client.write, client, "x")
                for _, name in ipairs { "recv", "send", "sendall", "fileno", "do_handshake", "getpeername" } do
                    raises("socket.error", { errno = EBADF }, client[name], client,
                        (name == "send" or name == "sendall") and "x" or nil)
                end
                assert.is_nil(client:version())
                assert.is_nil(client:cipher())
                assert.is_nil(client:compression())
                assert.is_nil(client:selected_alpn_protocol())
                assert.are.equal(0, client:pending())
                raises("socket.error", { errno = EBADF }, client.getpeercert, client)
                raises("ValueError", { match = "No SSL wrapper around" }, client.unwrap, client)
            end)

            it("has no other attributes", function()
                open()
                for name, what in pairs { no_such_field = "no attribute", server_side = "read-only" } do
                    raises("AttributeError", { match = what }, function()
                        client[name] = true
                    end)
                end
                raises("AttributeError", { match = "no attribute" }, function()
                    return client.no_such_field
                end)
            end)
        end)

        describe("properties", function()
            it("SSLS-25 SSLS-27 SSLS-38 WRAP-34 of the connection", function()
                open()
                for _, sock in ipairs { client, server } do
                    assert.are.equal(version, sock:version())
                    local cipher = sock:cipher()
                    assert.are.equal(3, #cipher)
                    assert.are.equal("string", type(cipher[1]))
                    assert.are.equal(version, cipher[2])
                    assert.is_true(cipher[3] == 128 or cipher[3] == 256)
                    assert.is_nil(sock:compression())
                end
                assert.are.same(client:cipher(), server:cipher())
                assert.is_false(client.server_side)
                assert.is_true(server.server_side)
                assert.are.equal("localhost", client.server_hostname)
                assert.is_nil(server.server_hostname)
            end)

            it("SSLS-32 SSLS-33 ALPN-01 selected_alpn_protocol", function()
                open({ alpn = { "h2", "http/1.1" } }, { alpn = { "http/1.1", "h2" } })
                assert.are.equal("http/1.1", client:selected_alpn_protocol())
                assert.are.equal("http/1.1", server:selected_alpn_protocol())
                client:close()
                server:close()
                open({ alpn = { "h2" } }, { alpn = { "ftp" } })
                assert.is_nil(client:selected_alpn_protocol())
                assert.is_nil(server:selected_alpn_protocol())
                client:close()
                server:close()
                open()
                assert.is_nil(client:selected_alpn_protocol())
            end)

            it("SSLS-34 selected_npn_protocol is nil without NPN", function()
                open()
                assert.is_nil(client:selected_npn_protocol())
            end)

            it("SSLS-39 SSLS-41 context", function()
                open()
                assert.is_true(ssl.SSLContext:is(client.context))
                assert.are_not.equal(client.context, server.context)
                raises("TypeError", {}, function()
                    client.context = "no context"
                end)
            end)

            it("SSLS-06 SSLS-21 SSLS-22 an unverified certificate is {} and its DER", function()
                open({ verify = ssl.CERT_NONE, check_hostname = false })
                assert.are.same({}, client:getpeercert())
                assert.are.equal(pki.read("server-ec.der"), client:getpeercert(true))
                assert.are.equal(pki.read("server-ec.der"), client:getpeercert { binary_form = true })
                assert.is_nil(server:getpeercert())
                assert.is_nil(server:getpeercert(true))
            end)
        end)

        describe("the handshake", function()
            it("SSLS-01 is done once", function()
                open()
                assert.is_nil(client:do_handshake())
                client:do_handshake()
                client:sendall("x")
                assert.are.equal("x", server:recv(1))
            end)

            it("SSLS-02 do_handshake(true) blocks and restores the timeout", function()
                local certfile, keyfile = pki.chain("server-ec")
                local job = peer.serve { tls = true, cert = certfile, key = keyfile, "await", "handshake" }
                local plain = socket.create_connection({ "127.0.0.1", job.port }, 10)
                plain:settimeout(0)
                local sock = link.context { version = version }:wrap_socket(plain, { do_handshake_on_connect = false })
                raises("SSLWantReadError", {}, sock.do_handshake, sock)
                job:go()
                sock:do_handshake(true)
                assert.are.equal(version, sock:version())
                assert.are.equal(0, sock:gettimeout())
                sock:close()
                job:finish()
            end)

            it("SSLS-44 is done by send and recv, and verifies the host name", function()
                local sock, other = link.pair({ version = version })
                local _, got = tasks.run {
                    function()
                        tasks.send_all(sock, "first words")
                    end,
                    function()
                        return tasks.receive(other, 11)
                    end,
                }
                assert.are.equal("first words", got)
                assert.are.equal(version, sock:version())
                assert.are.equal("localhost", sock:getpeercert().subject[2][1][2])
                sock:close()
                other:close()

                sock, other = link.pair({ version = version }, { cert = "other" })
                local results, failures = tasks.outcomes {
                    function()
                        tasks.send_all(sock, "secret")
                    end,
                    function()
                        return tasks.receive(other, 6)
                    end,
                }
                raises.check(failures[1], "CertificateError", { verify_code = 62 })
                raises.check(failures[2], "SSLError", {})
                assert.is_nil(results[2])
                raises("SSLError", {}, sock.send, sock, "secret")
                raises("SSLError", {}, sock.recv, sock, 10)
                sock:close()
                other:close()
            end)

            it("that has failed prevents reads and writes", function()
                local sock, other = link.pair({ version = version }, { cert = "unknown" })
                local _, failures = tasks.outcomes {
                    function()
                        tasks.call(sock, "do_handshake")
                    end,
                    function()
                        tasks.call(other, "do_handshake")
                        tasks.receive(other, 1)
                    end,
                }
                raises.check(failures[1], "SSLError", { reason = "CERTIFICATE_VERIFY_FAILED" })
                for _, name in ipairs { "send", "sendall", "write" } do
                    raises("socket.error", {}, sock[name], sock, "secret")
                end
                raises("socket.error", {}, sock.recv, sock, 10)
                raises("socket.error", {}, sock.do_handshake, sock)
                assert.is_nil(sock:version())
                assert.is_nil(sock:cipher())
                sock:close()
                other:close()
            end)
        end)

        describe("the end", function()
            it("WRAP-29 WRAP-30 SOCK-03 a close sends no close_notify: the peer reads an end, or SSLEOFError if it wants", function()
                open()
                server:sendall("last")
                server:close()
                assert.are.equal("last", client:recv(100))
                assert.are.equal("", client:recv(100))
                assert.are.equal("", client:recv(100))
                assert.are.equal(0, client:recv_into(socket.buffer(10)))
                client:close()
                open({ suppress_ragged_eofs = false })
                server:sendall("last")
                server:close()
                assert.are.equal("last", client:recv(100))
                raises("SSLEOFError", { errno = ssl.SSL_ERROR_EOF, match = "EOF occurred in violation of protocol" },
                    client.recv, client, 100)
                raises("SSLEOFError", {}, client.read, client, 100)
            end)

            it("WRAP-31 after close_notify is a normal end with either setting", function()
                for _, suppress in ipairs { true, false } do
                    open({ suppress_ragged_eofs = suppress })
                    server:setblocking(false)
                    server:sendall("last")
                    raises("SSLWantReadError", {}, server.unwrap, server)
                    assert.are.equal("last", client:recv(100))
                    assert.are.equal("", client:recv(100))
                    assert.are.equal("", client:recv(100))
                    client:close()
                    server:close()
                end
            end)

            it("EXC-07 SSLZeroReturnError once both sides have closed", function()
                open()
                client:setblocking(false)
                raises("SSLWantReadError", {}, client.unwrap, client)
                assert.are.equal("", server:recv(10))
                local plain = server:unwrap()
                raises("SSLZeroReturnError", { errno = ssl.SSL_ERROR_ZERO_RETURN }, client.write, client, "x")
                plain:close()
            end)

            it("half-close: data still arrives after the own close_notify", function()
                open()
                client:setblocking(false)
                raises("SSLWantReadError", {}, client.unwrap, client)
                assert.are.equal("", server:recv(10))
                server:sendall("the answer")
                assert.are.equal("the answer", client:recv(100))
            end)

            it("SSLS-35 SSLS-36 unwrap returns the plain socket, and both sides continue in plaintext", function()
                open()
                local fd = client:fileno()
                local plain_client, plain_server = both(client, server, "unwrap")
                assert.is_true(socket.socket:is(plain_client))
                assert.is_false(ssl.SSLSocket:is(plain_client))
                assert.are.equal(fd, plain_client:fileno())
                plain_client:settimeout(10)
                plain_server:settimeout(10)
                plain_client:sendall("plain words")
                assert.are.equal("plain words", plain_server:recv(100))
                plain_server:sendall("and back")
                assert.are.equal("and back", plain_client:recv(100))
                assert.is_nil(client:version())
                assert.is_nil(client:cipher())
                raises("ValueError", { match = "closed or unwrapped SSL socket" }, client.read, client)
                raises("ValueError", { match = "closed or unwrapped SSL socket" }, client.write, client, "x")
                raises("ValueError", { match = "No SSL wrapper around" }, client.unwrap, client)
                client:close() -- it does not close the socket that unwrap() has returned
                server:close()
                plain_client:sendall("still there")
                assert.are.equal("still there", plain_server:recv(100))
                plain_client:close()
                assert.are.equal("", plain_server:recv(100)) -- at once, not when the object is collected
                plain_server:close()
            end)

            it("SSLS-36 plaintext directly after close_notify is not lost", function()
                open()
                client:setblocking(false)
                raises("SSLWantReadError", {}, client.unwrap, client)
                -- The server unwraps and sends plaintext at once: its close_notify and the text arrive together.
                local plain_server = server:unwrap()
                plain_server:sendall("220 ready\r\n")
                local plain_client = client:unwrap()
                plain_client:settimeout(10)
                assert.are.equal("220 ready\r\n", plain_client:recv(100))
                plain_client:close()
                plain_server:close()
            end)

            it("SSLS-35 and the socket can be wrapped again", function()
                open()
                local plain_client, plain_server = both(client, server, "unwrap")
                local again_client, again_server = link.pair({
                    version = version,
                    transport = function()
                        return plain_client, plain_server
                    end,
                })
                both(again_client, again_server, "do_handshake")
                again_client:settimeout(10)
                again_server:settimeout(10)
                again_client:sendall("once more")
                assert.are.equal("once more", again_server:recv(100))
                again_client:close()
                again_server:close()
                plain_client:close()
                plain_server:close()
            end)

            it("SSLS-37 unwrap waits at most the timeout", function()
                open()
                client:settimeout(0.1)
                local start = process.clock()
                raises("socket.error", { match = "timed out" }, client.unwrap, client)
                assert.is_true(process.clock() - start < limits.bound(2))
            end)

            it("SSLS-37 unwrap of a socket that is not connected raises ValueError", function()
                local sock = link.context {}:wrap_socket(socket.socket())
                raises("ValueError", { match = "No SSL wrapper around" }, sock.unwrap, sock)
                sock:close()
            end)

            it("SOCK-25 shutdown ends TLS without close_notify, and the transport", function()
                open({ suppress_ragged_eofs = false })
                server:shutdown(socket.SHUT_RDWR)
                assert.is_nil(server:version())
                assert.is_nil(server:cipher())
                raises("ValueError", { match = "closed or unwrapped SSL socket" }, server.read, server)
                raises("ValueError", { match = "closed or unwrapped SSL socket" }, server.write, server, "x")
                raises("ValueError", { match = "No SSL wrapper around" }, server.unwrap, server)
                raises("SSLEOFError", {}, client.recv, client, 10)
            end)

            it("EXC-15 a reset raises ECONNRESET, and is not an end", function()
                local certfile, keyfile = pki.chain("server-ec")
                local job = peer.serve {
                    tls = true, cert = certfile, key = keyfile, max = version == "TLSv1.2" and "1.2" or "1.3", "handshake",
                    "send 61", "recv 1", "reset",
                }
                local sock = ssl.wrap_socket(socket.create_connection({ "127.0.0.1", job.port }, 10))
                assert.are.equal("a", sock:recv(1))
                sock:sendall("x")
                job:finish()
                local failure = raises("socket.error", { errno = 104 }, sock.recv, sock, 10)
                assert.is_false(ssl.SSLError:is(failure))
                raises("socket.error", {}, function()
                    for _ = 1, 100 do
                        sock:send("after the reset")
                    end
                end)
                sock:close()
            end)

            it("EXC-15 writing to a peer that has closed raises EPIPE or ECONNRESET, without a signal", function()
                open { transport = link.tcp }
                server:close()
                local failure
                for _ = 1, 200 do
                    local ok, raised = pcall(client.send, client, "anyone?")
                    if not ok then
                        failure = raised
                        break
                    end
                    process.sleep(0.002)
                end
                raises.check(failure, "socket.error", {})
                assert.is_true(failure.errno == 32 or failure.errno == 104, tostring(failure))
            end)

            it("SOCK-24 calls before the connection raise ENOTCONN", function()
                local sock = link.context {}:wrap_socket(socket.socket())
                raises("socket.error", { errno = ENOTCONN }, sock.recv, sock, 10)
                raises("socket.error", {}, sock.send, sock, "x")
                sock:close()
            end)
        end)
    end)
end

describe("the server loop of Python's documentation:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("EXA-06 EXA-07 reads until the client has finished", function()
        local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        local certfile, keyfile = pki.chain("server-ec")
        context:load_cert_chain { certfile = certfile, keyfile = keyfile }
        local bindsocket = socket.socket()
        bindsocket:settimeout(10)
        bindsocket:bind { "127.0.0.1", 0 }
        bindsocket:listen(5)
        local job = peer.connect {
            port = bindsocket:getsockname()[2], tls = true, cafile = pki.path("root.pem"), verify = "required",
            hostname = "localhost", check_hostname = "yes", "handshake", "sendn 5000", "notify", "waiteof",
        }
        local received = {}
        local newsocket = bindsocket:accept()
        local connstream = context:wrap_socket(newsocket, { server_side = true })
        local data = connstream:read()
        while data ~= "" do
            received[#received + 1] = data
            data = connstream:read()
        end
        connstream:shutdown(socket.SHUT_RDWR)
        connstream:close()
        bindsocket:close()
        assert.are.equal(peer.pattern(5000), table.concat(received))
        job:finish()
    end)
end)

describe("require:", function()
    teardown(process.cleanup)

    it("MOD-01 cleat.python makes require find ssl, socket and select", function()
        assert.are.equal("true true true\n", process.run_code [[
            require "cleat.python"
            local ssl, socket, select = require "ssl", require "socket", require "select"
            print(tostring(ssl == require "cleat.ssl") .. " " .. tostring(socket == require "cleat.socket") .. " "
                .. tostring(select == require "cleat.select"))
        ]])
    end)

    it("MOD-01 cleat.python leaves loaded modules unchanged", function()
        assert.are.equal("mine true\n", process.run_code [[
            package.loaded.socket = "mine"
            require "cleat.python"
            print(require "socket", require "ssl" == require "cleat.ssl")
        ]]:gsub("\t", " "))
    end)

    it("MOD-01 a missing library raises an error in require", function()
        local output = process.run_code([[
            local ok, message = pcall(require, "cleat.ssl")
            print(ok, type(message))
        ]], { "CLEAT_LIBRARY=/no/such/library.so", "LUA_CPATH=/no/such/?.so" })
        assert.are.equal("false\tstring\n", output)
    end)
end)
