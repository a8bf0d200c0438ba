-- SSLContext.set_servername_callback: its arguments, its effects, and what the client receives.
local handles = require "support.handles"
local limits = require "support.limits"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local EBADF = 9

-- named returns a server's context with a callback.
local function named(callback, options)
    options = options or {}
    options.cert = options.cert or "server-ec"
    local context = link.context(options)
    context:set_servername_callback(callback)
    return context
end

-- unverified returns options for a client that accepts any certificate and sends this server name.
local function unverified(name, options)
    options = options or {}
    options.cafile, options.verify, options.check_hostname = false, ssl.CERT_NONE, false
    options.server_hostname = name or false
    return options
end

-- asked checks that the client receives the certificate with this name of pki from the server's context.
local function presented(context, options)
    local failures, der = link.attempt(options, { context = context }, function(client)
        return client:getpeercert(true)
    end)
    assert.is_nil(failures.server)
    assert.is_nil(failures.client)
    return der
end

-- refusals returns both failures of a handshake in which this callback is set.
local function refusals(callback, options)
    return link.attempt(options or {}, { context = named(callback, options and { version = options.version }) })
end

-- half returns a server socket whose client has sent its ClientHello and waits.
local function half(context, options)
    local client, server = link.pair(options or {}, { context = context })
    raises("SSLWantReadError", {}, client.do_handshake, client)
    return client, server
end

-- complete does the handshakes of both, which do not block.
local function complete(client, server)
    tasks.run {
        function()
            tasks.call(client, "do_handshake")
        end,
        function()
            tasks.call(server, "do_handshake")
        end,
    }
end

-- listening returns a listening socket and its port.
local function listening()
    local listener = socket.socket()
    listener:settimeout(10)
    listener:bind { "127.0.0.1", 0 }
    listener:listen(5)
    return listener, listener:getsockname()[2]
end

local function s_client(port, words)
    local command = { "openssl", "s_client", "-connect", "127.0.0.1:" .. port, timeout = 20 }
    for _, word in ipairs(words) do
        command[#command + 1] = word
    end
    return process.start(command)
end

describe("set_servername_callback:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local other_der
    setup(function()
        other_der = ssl.PEM_cert_to_DER_cert(pki.read("other.crt"))
    end)

    it("SNI-01 CONST-31 SNI-13 is available, and accepts anything that can be called", function()
        assert.is_true(ssl.HAS_SNI)
        local context = link.context { cert = "server-ec" }
        for _, value in ipairs { 4, "", true, {}, false } do
            raises("TypeError", { match = "not a callable object" }, context.set_servername_callback, context, value)
        end
        local calls = 0
        context:set_servername_callback(setmetatable({}, {
            __call = function()
                calls = calls + 1
            end,
        }))
        assert.are.equal(pki.read("server-ec.der"), presented(context))
        assert.are.equal(1, calls)
    end)

    it("SNI-01 a wrong value leaves the previous callback", function()
        local calls = 0
        local context = named(function()
            calls = calls + 1
        end)
        raises("TypeError", {}, context.set_servername_callback, context, "other")
        presented(context)
        assert.are.equal(1, calls)
    end)

    it("SNI-02 a second one replaces the first, nil removes it", function()
        local first, second = 0, 0
        local context = named(function()
            first = first + 1
        end)
        presented(context)
        context:set_servername_callback(function()
            second = second + 1
        end)
        presented(context)
        assert.are.same({ 1, 1 }, { first, second })
        context:set_servername_callback(nil)
        presented(context)
        assert.are.same({ 1, 1 }, { first, second })
    end)

    it("SNI-02 nil also removes it from sockets that are wrapped already", function()
        local context = named(function()
            error("called")
        end)
        local client, server = half(context)
        context:set_servername_callback(nil)
        raises("SSLWantReadError", {}, server.do_handshake, server)
        client:do_handshake()
        server:do_handshake()
        client:close()
        server:close()
    end)

    it("SNI-01 is not called for clients", function()
        local context = link.context(link.client_options())
        context:set_servername_callback(function()
            error("called")
        end)
        assert.is_nil(link.attempt({ context = context }).client)
    end)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        describe(version .. ":", function()
            it("SNI-01 SNI-03 SNI-08 is called once, with the socket, the name and the context", function()
                local calls = {}
                local context
                context = named(function(...)
                    calls[#calls + 1] = { n = select("#", ...), ... }
                end, { version = version })
                local client, server = link.open({ version = version }, { context = context })
                assert.are.equal(version, server:version())
                assert.are.equal(1, #calls)
                assert.are.equal(3, calls[1].n)
                assert.is_true(rawequal(server, calls[1][1]))
                assert.are.equal("localhost", calls[1][2])
                assert.is_true(rawequal(context, calls[1][3]))
                server:sendall("hello")
                assert.are.equal("hello", client:recv(5))
                client:close()
                server:close()
            end)

            it("SNI-04 the name is nil if the client sends none, as for an IP address", function()
                for _, name in ipairs { false, "127.0.0.1", "::1" } do
                    local calls, got = 0, "nothing"
                    presented(named(function(_, server_name)
                        calls, got = calls + 1, server_name
                    end), unverified(name, { version = version }))
                    assert.are.equal(1, calls)
                    assert.is_nil(got)
                end
            end)

            it("SNI-06 after sock.context = other the other context's certificate is sent", function()
                local other = link.context { cert = "other", version = version }
                local context
                context = named(function(sock, name, original)
                    assert(sock.context == context and original == context)
                    if name == "other.example" then
                        sock.context = other
                        assert(sock.context == other)
                    end
                end, { version = version })
                local client, server = link.open({ version = version, server_hostname = "other.example" },
                    { context = context })
                assert.are.equal(other_der, client:getpeercert(true))
                assert.are.equal(other, server.context)
                client:close()
                server:close()
                client, server = link.open({ version = version }, { context = context })
                assert.are.equal(pki.read("server-ec.der"), client:getpeercert(true))
                assert.are.equal(context, server.context)
                client:close()
                server:close()
            end)

            it("SNI-06 and its protocols are used, but the first context decides about client certificates", function()
                local other = link.context { cert = "other", version = version, alpn = { "other" }, cafile = "unknown-root.pem" }
                local context = named(function(sock)
                    sock.context = other
                end, { version = version, alpn = { "first" }, cafile = "root.pem", verify = ssl.CERT_REQUIRED })
                local client, server
                local failures = link.attempt(unverified("x.example", {
                    version = version, alpn = { "first", "other" }, cert = "client",
                }), { context = context })
                raises.check(failures.server, "SSLError", { reason = "CERTIFICATE_VERIFY_FAILED" })
                client, server = link.open(unverified("x.example", {
                    version = version, alpn = { "first", "other" }, cert = "client-unknown",
                }), { context = context })
                assert.are.equal("other", client:selected_alpn_protocol())
                assert.are.equal("other", server:selected_alpn_protocol())
                assert.are.equal("nobody's client", server:getpeercert().subject[2][1][2])
                client:close()
                server:close()
            end)

            it("SNI-06 and the same for NPN", function()
                local other = link.context { cert = "other", version = version }
                other:set_npn_protocols { "other" }
                local context = named(function(sock)
                    sock.context = other
                end, { version = version })
                context:set_npn_protocols { "first" }
                local client_context = link.context { version = version }
                client_context:set_npn_protocols { "first", "other" }
                local client, server = link.open({ context = client_context }, { context = context })
                assert.are.equal(version == "TLSv1.2" and "other" or nil, client:selected_npn_protocol())
                assert.are.equal(version == "TLSv1.2" and "other" or nil, server:selected_npn_protocol())
                client:close()
                server:close()
            end)

            it("SNI-07 cannot read results of the handshake yet", function()
                local seen
                presented(named(function(sock)
                    raises("ValueError", { match = "handshake not done yet" }, sock.getpeercert, sock)
                    seen = { cipher = sock:cipher(), version = sock:version(), compression = sock:compression(),
                        alpn = sock:selected_alpn_protocol(), npn = sock:selected_npn_protocol(),
                        binding = sock:get_channel_binding(), pending = sock:pending(), side = sock.server_side }
                end, { version = version }), { version = version })
                assert.are.same({ pending = 0, side = true }, seen)
            end)

            it("SNI-07 cannot send, receive or do the handshake", function()
                local raised = {}
                presented(named(function(sock)
                    for _, method in ipairs { "do_handshake", "recv", "read", "send", "sendall", "write" } do
                        raised[#raised + 1] = select(2, pcall(sock[method], sock, method:find("^[sw]") and "x" or nil))
                    end
                    raises("ValueError", {}, sock.unwrap, sock)
                end, { version = version }), { version = version })
                assert.are.equal(6, #raised)
                for _, failure in ipairs(raised) do
                    raises.check(failure, "ValueError", { match = "the servername callback has not returned yet" })
                end
            end)

            it("SNI-09 CONST-41 an alert that it returns is sent to the client", function()
                local REASONS = {
                    ACCESS_DENIED = "TLSV1_ALERT_ACCESS_DENIED", UNRECOGNIZED_NAME = "TLSV1_ALERT_UNRECOGNIZED_NAME",
                    HANDSHAKE_FAILURE = "SSLV3_ALERT_HANDSHAKE_FAILURE", INTERNAL_ERROR = "TLSV1_ALERT_INTERNAL_ERROR",
                    UNKNOWN_CA = "TLSV1_ALERT_UNKNOWN_CA", BAD_CERTIFICATE = "SSLV3_ALERT_BAD_CERTIFICATE",
                    PROTOCOL_VERSION = "TLSV1_ALERT_PROTOCOL_VERSION", USER_CANCELLED = "TLSV1_ALERT_USER_CANCELLED",
                    UNSUPPORTED_EXTENSION = "TLSV1_ALERT_UNSUPPORTED_EXTENSION", CLOSE_NOTIFY = "SSLV3_ALERT_CLOSE_NOTIFY",
                }
                local count = 0
                for name, alert in pairs(ssl) do
                    local short = name:match("^ALERT_DESCRIPTION_(.*)$")
                    if short then
                        count = count + 1
                        local failures = refusals(function()
                            return alert
                        end, { version = version })
                        raises.check(failures.client, "SSLError", { alert = alert, reason = REASONS[short], library = "SSL" })
                        raises.check(failures.server, "SSLError", { library = "SSL", reason = "CALLBACK_FAILED" })
                        assert.is_nil(failures.server.cause)
                    end
                end
                assert.are.equal(28, count)
            end)

            it("SNI-10 CONST-40 any other value is INTERNAL_ERROR", function()
                for _, value in ipairs { 255, 1, -1, 256, 49.5, 0 / 0, 1 / 0, "", "49", "foo", true, false, {}, print } do
                    local failures = refusals(function()
                        return value
                    end, { version = version })
                    raises.check(failures.client, "SSLError", { alert = 80, reason = "TLSV1_ALERT_INTERNAL_ERROR" })
                    raises.check(failures.server, "SSLError", {
                        reason = "CALLBACK_FAILED", match = "servername callback must return nil or an ALERT_DESCRIPTION_*",
                    })
                    raises.check(failures.server.cause, "TypeError", {})
                end
            end)

            it("SNI-12 CONST-39 its error is HANDSHAKE_FAILURE for the client, and is raised to the caller", function()
                local object = ssl.SSLError(1, "mine")
                for _, raised in ipairs { "a string", object, { 1 } } do
                    local failures = refusals(function()
                        error(raised, 0)
                    end, { version = version })
                    raises.check(failures.client, "SSLError", { alert = 40, reason = "SSLV3_ALERT_HANDSHAKE_FAILURE" })
                    raises.check(failures.server, "SSLError", {
                        errno = 1, library = "SSL", reason = "CALLBACK_FAILED", cause = raised,
                        match = "[SSL: CALLBACK_FAILED] callback failed: " .. tostring(raised),
                    })
                end
                local failures = refusals(function()
                    error(nil)
                end, { version = version })
                raises.check(failures.client, "SSLError", { alert = 40 })
                raises.check(failures.server, "SSLError", { reason = "CALLBACK_FAILED" })
            end)

            it("SNI-12 a handshake that it has refused cannot be continued", function()
                local context = named(function()
                    error("no")
                end, { version = version })
                local client, server = half(context, { version = version })
                raises("SSLError", { reason = "CALLBACK_FAILED" }, server.do_handshake, server)
                raises("SSLError", { reason = "CALLBACK_FAILED" }, server.do_handshake, server)
                raises("SSLError", { reason = "CALLBACK_FAILED" }, server.recv, server, 1)
                raises("SSLError", { reason = "SSLV3_ALERT_HANDSHAKE_FAILURE" }, client.do_handshake, client)
                client:close()
                server:close()
            end)

            it("SNI-01 is called by any method that does the handshake first", function()
                local uses = {
                    recv = { 1 }, read = { 1 }, recv_into = { socket.buffer(1) }, send = { "s" }, write = { "s" },
                    sendall = { "s" }, do_handshake = {},
                }
                for method, arguments in pairs(uses) do
                    local calls = 0
                    local client, server = link.pair({ version = version }, { context = named(function(_, name)
                        calls = calls + 1
                        assert(name == "localhost")
                    end, { version = version }) })
                    tasks.run {
                        function()
                            tasks.send_all(client, "c")
                            if method:find("^[sw]") then
                                assert.are.equal("s", tasks.receive(client, 1))
                            end
                        end,
                        function()
                            local result = tasks.call(server, method, (table.unpack or unpack)(arguments))
                            assert.is_true(result == nil or result == "c" or result == 1, method)
                        end,
                    }
                    assert.are.equal(1, calls, method)
                    client:close()
                    server:close()
                end
            end)

            it("SNI-12 its error is raised by any method that does the handshake first", function()
                for method, argument in pairs { recv = 1, read = 1, send = "s", write = "s", sendall = "s" } do
                    local client, server = half(named(function()
                        error("my error")
                    end, { version = version }), { version = version })
                    raises("SSLError", { reason = "CALLBACK_FAILED", match = "my error" }, server[method], server, argument)
                    raises("SSLError", { alert = 40 }, client.do_handshake, client)
                    client:close()
                    server:close()
                end
            end)

            it("may yield", function()
                local client, server = half(named(function(sock, name)
                    assert(coroutine.yield(name) == "go on")
                    sock.context = link.context { cert = "other", version = version }
                end, { version = version }), unverified("name.example", { version = version }))
                local thread = coroutine.create(function()
                    return pcall(server.do_handshake, server)
                end)
                assert.are.same({ true, "name.example" }, { coroutine.resume(thread) })
                -- No other call can continue the handshake meanwhile.
                raises("ValueError", { match = "has not returned yet" }, server.do_handshake, server)
                raises("SSLWantReadError", {}, client.do_handshake, client)
                local _, ok, failure = coroutine.resume(thread, "go on")
                assert.is_false(ok)
                assert.is_true(ssl.SSLWantReadError:is(failure), tostring(failure))
                complete(client, server)
                assert.are.equal(other_der, client:getpeercert(true))
                client:close()
                server:close()
            end)

            it("may do another handshake, also one that calls a callback", function()
                local depth = 0
                local function look_up()
                    depth = depth + 1
                    if depth < 4 then
                        assert(presented(named(look_up, { version = version }), { version = version }))
                    end
                end
                presented(named(look_up, { version = version }), { version = version })
                assert.are.equal(4, depth)
            end)

            it("may close its socket", function()
                local client, server = half(named(function(sock)
                    sock:close()
                end, { version = version }), { version = version })
                raises("socket.error", { errno = EBADF }, server.do_handshake, server)
                client:close()
                client, server = half(named(function(sock)
                    sock:shutdown(socket.SHUT_RDWR)
                end, { version = version }), { version = version })
                raises("ValueError", { match = "closed or unwrapped SSL socket" }, server.do_handshake, server)
                client:close()
                server:close()
                client, server = half(named(function(sock)
                    sock:close()
                    error("and raises")
                end, { version = version }), { version = version })
                raises("socket.error", { errno = EBADF }, server.recv, server, 1)
                client:close()
            end)
        end)
    end

    describe("names", function()
        -- received returns the name that the callback gets for a name on the wire; "refused" if the client is refused.
        local function received(name)
            local calls, got = 0, nil
            local failures = link.attempt(unverified(name), { context = named(function(_, server_name)
                calls, got = calls + 1, server_name
            end) })
            if failures.client then
                raises.check(failures.client, "SSLError", { alert = 80, reason = "TLSV1_ALERT_INTERNAL_ERROR" })
                raises.check(failures.server, "SSLError", { reason = "CALLBACK_FAILED", match = "host name" })
                raises.check(failures.server.cause, "ValueError", {})
                assert.are.equal(0, calls)
                return "refused"
            end
            assert.are.equal(1, calls)
            return got
        end

        it("SNI-05 are decoded to U-labels", function()
            local names = {
                ["xn--pthon-kva.org"] = "püthon.org", ["püthon.org"] = "püthon.org", ["PÜTHON.org"] = "püthon.org",
                ["XN--pthon-KVA.org"] = "püthon.org", ["xn--hxajbheg2az3al.xn--jxalpdlp"] = "παράδειγμα.δοκιμή",
                ["xn--fsqu00a.xn--0zwm56d"] = "例子.测试", ["xn--mgbh0fb.xn--kgbechtv"] = "مثال.إختبار",
                ["xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g"] = "उदाहरण.परीक्षा", ["xn--9n2bp8q.xn--9t4b11yi5a"] = "실례.테스트",
                ["a.xn--i-7iq.ws"] = "a.i❤.ws", ["xn--ls8h.la"] = "💩.la", ["xn--tda.xn--tda"] = "ü.ü",
            }
            for wire, name in pairs(names) do
                assert.are.equal(name, received(wire))
            end
        end)

        it("SNI-05 in ASCII are unchanged", function()
            for _, name in ipairs { "localhost", "LocalHost", "a-b.c_d.example", "a..b", "trailing.", "xn-pthon-kva.org", "x",
                ("a"):rep(63) .. "." .. ("b"):rep(63) .. "." .. ("c"):rep(63) .. "." .. ("d"):rep(63) } do
                assert.are.equal(name, received(name))
            end
        end)

        it("SNI-11 that cannot be decoded are INTERNAL_ERROR, and the callback is not called", function()
            assert.are.equal("püthon.org", received("xn--pthon-kva.org"))
            assert.are.equal(("a"):rep(55) .. "ü.org", received("xn--" .. ("a"):rep(55) .. "-8yf.org"))
            local bad = {
                "xn--.org", "xn--a.org", "xn--pthon-kv.org", "xn--pthon-kv!.org", "xn--99999999999.org", -- no Punycode
                "xn--abc-.org", "xn--pthon-kva-.org", -- plain ASCII
                "xn---kva.org", -- an empty ASCII part has no hyphen
                "xn--" .. ("a"):rep(56) .. "-t2f.org", -- 64 bytes
                "xn--wca.org", "xn--zca.org", "xn--jm6c.org", "xn--mi7c.org", -- Ü, ß, ﬁ, a full-width a
                "xn--5g7c.org", "xn--1ug.org", "xn--0y0c.org", -- a full-width stop, a joiner, a private character
                "xn--a-zhc.org", -- Hebrew and Latin in one label
                "good.xn--pthon-kva.xn--a", -- the last label
            }
            for _, name in ipairs(bad) do
                assert.are.equal("refused", received(name), name)
            end
        end)

        -- sent returns the same for a name that no client would send: one of its letters is changed in transit.
        local function sent(name, letter, byte)
            local near, far = socket.socketpair()
            local client = link.context({}):wrap_socket(near, { do_handshake_on_connect = false, server_hostname = name })
            client:setblocking(false)
            raises("SSLWantReadError", {}, client.do_handshake, client)
            local hello, count = far:recv(65536):gsub(letter, byte)
            assert.are.equal(1, count)
            client:close()
            far:close()

            local got = "not called"
            near, far = socket.socketpair()
            near:sendall(hello)
            local server = named(function(_, server_name)
                got = server_name
                return ssl.ALERT_DESCRIPTION_ACCESS_DENIED
            end):wrap_socket(far, { do_handshake_on_connect = false, server_side = true })
            local failure = raises("SSLError", { reason = "CALLBACK_FAILED" }, server.do_handshake, server)
            local alert = near:recv(7):byte(-1)
            server:close()
            near:close()
            return got, alert, failure
        end

        it("SNI-11 that are not ASCII are INTERNAL_ERROR", function()
            local name, alert = sent("aaaQ.example", "aaaQ", "aaaz")
            assert.are.same({ "aaaz.example", 49 }, { name, alert })
            for _, byte in ipairs { "\255", "\195", "\128" } do
                local failure
                name, alert, failure = sent("aaaQ.example", "aaaQ", "aaa" .. byte)
                assert.are.same({ "not called", 80 }, { name, alert })
                raises.check(failure.cause, "ValueError", { match = "is not ASCII" })
            end
        end)
    end)

    describe("timeouts", function()
        it("cover the callback", function()
            local calls = 0
            local client, server = half(named(function()
                calls = calls + 1
                process.sleep(0.3)
            end))
            server:settimeout(0.2)
            local start = process.clock()
            raises("socket.error", { match = "The handshake operation timed out" }, server.do_handshake, server)
            local time = process.clock() - start
            assert(time >= 0.3 and time < limits.bound(2), "it took " .. time)
            -- The callback has returned: the handshake continues.
            raises("socket.error", { match = "timed out" }, server.do_handshake, server)
            client:do_handshake()
            server:do_handshake()
            assert.are.equal(1, calls)
            client:close()
            server:close()
        end)

        it("include the time before and after it", function()
            for _, method in ipairs { "do_handshake", "recv", "sendall" } do
                local rest -- of the timeout, after the callback
                local timeout = 0.6
                for _ = 1, 6 do
                    local answered
                    local client, server = half(named(function()
                        process.sleep(timeout * 0.8)
                        answered = process.clock()
                    end))
                    server:settimeout(timeout)
                    local start = process.clock()
                    raises("socket.error", { match = "timed out" }, server[method], server, method == "sendall" and "x" or nil)
                    local finish = process.clock()
                    client:close()
                    server:close()
                    assert(finish - start >= timeout * 0.97, method)
                    rest = finish - answered
                    if rest < timeout then
                        break
                    end
                    timeout = timeout * 2 -- a machine that stood still for so long
                end
                assert(rest < timeout, ("%s waited %g s after the callback"):format(method, rest))
            end
        end)

        it("are those that were set before it; a timeout that it sets is for later calls", function()
            local client, server = half(named(function(sock)
                sock:settimeout(0)
            end))
            server:settimeout(0.1)
            local start = process.clock()
            raises("socket.error", { match = "timed out" }, server.do_handshake, server)
            assert(process.clock() - start >= 0.1)
            raises("SSLWantReadError", {}, server.do_handshake, server)
            client:close()
            server:close()
        end)
    end)

    describe("the context of a socket", function()
        it("SSLS-41 CTX-06 is an SSLContext, and assigning another one after the handshake has no effect", function()
            local context, other = link.context { cert = "server-ec" }, link.context { cert = "other" }
            local client, server = link.pair({}, { context = context })
            for _, value in ipairs { "context", 7, true, {}, ssl } do
                raises("TypeError", { match = "SSLContext" }, function()
                    server.context = value
                end)
            end
            raises("TypeError", {}, function()
                server.context = nil
            end)
            assert.are.equal(context, server.context)
            complete(client, server)
            local subject = client:getpeercert().subject
            for _, sock in ipairs { client, server } do -- as in Python, only the attribute changes
                sock.context = other
                assert.are.equal(other, sock.context)
            end
            assert.are.same(subject, client:getpeercert().subject)
            server:sendall "as before"
            client:settimeout(10)
            assert.are.equal("as before", client:recv(20))
            client:close()
            server:close()
        end)

        it("SSLS-41 cannot be changed once a client's handshake has begun", function()
            local options = link.client_options
            local first, second, third = link.context(options()), link.context(options()), link.context(options())
            local client, server = link.pair({ context = first }, {})
            client.context = second
            raises("SSLWantReadError", {}, client.do_handshake, client)
            raises("ValueError", {}, function()
                client.context = third
            end)
            assert.are.equal(second, client.context)
            complete(client, server)
            client.context = third
            assert.are.equal(third, client.context)
            client:close()
            server:close()
        end)

        it("SSLS-41 can be changed before the handshake: the new context's certificate and the first one's callback are used", function()
            local calls = {}
            local other = named(function()
                calls[#calls + 1] = "other"
            end, { cert = "other" })
            local context = named(function(sock, _, original)
                assert(sock.context == other)
                calls[#calls + 1] = original
            end)
            local client, server = link.pair(unverified("x.example"), { context = context })
            server.context = other
            complete(client, server)
            assert.are.equal(other_der, client:getpeercert(true))
            assert.are.same({ context }, calls)
            client:close()
            server:close()
        end)

        it("SSLS-41 the callback is called if either of the two contexts has one", function()
            for _, case in ipairs { { "first", false }, { "other", false }, { "other", true } } do
                local has, begins = case[1], case[2]
                local calls = {}
                local function refuse(sock, name)
                    calls[#calls + 1] = name
                    assert(sock.context:cert_store_stats()) -- sock.context is a context
                    return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
                end
                local context, other = named(has == "first" and refuse or nil), named(has == "other" and refuse or nil, { cert = "other" })
                local client, server = link.pair(unverified("x.example"), { context = context })
                if begins then -- but the ClientHello has not arrived
                    raises("SSLWantReadError", {}, server.do_handshake, server)
                end
                server.context = other
                local _, failures = tasks.outcomes {
                    function()
                        tasks.call(client, "do_handshake")
                    end,
                    function()
                        tasks.call(server, "do_handshake")
                    end,
                }
                raises.check(failures[2], "SSLError", { reason = "CALLBACK_FAILED" })
                raises.check(failures[1], "SSLError", { alert = ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME })
                assert.are.same({ "x.example" }, calls)
                client:close()
                server:close()
            end
        end)

        it("SSLS-41 the callback of the context that is switched to is not called", function()
            local other = named(function()
                error("called")
            end, { cert = "other" })
            assert.are.equal(other_der, presented(named(function(sock)
                sock.context = other
            end), unverified("x.example")))
        end)

        it("SNI-06 assigning another value raises in the callback, and refuses the client", function()
            local failures = refusals(function(sock)
                sock.context = "other"
            end)
            raises.check(failures.client, "SSLError", { alert = 40 })
            raises.check(failures.server.cause, "TypeError", { match = "The value must be a SSLContext" })
        end)

        it("STAT-03 SNI-06 counts a handshake that was switched to another context", function()
            local other = link.context { cert = "other" }
            local context = named(function(sock)
                sock.context = other
            end)
            presented(context, unverified("x.example"))
            local stats = context:session_stats()
            assert.are.same({ 1, 1 }, { stats.accept, stats.accept_good })
            assert.are.equal(0, other:session_stats().accept_good)
        end)
    end)

    describe("wrap_socket and accept", function()
        it("SNI-03 SNI-06 pass the callback the socket that they return", function()
            local other = link.context { cert = "other" }
            local listener, port = listening()
            local seen
            local context = named(function(sock, name)
                seen = sock
                assert(name == "other.example")
                sock.context = other
            end)
            local server = context:wrap_socket(listener, { server_side = true })
            local options = {
                port = port, tls = true, cafile = pki.path("root.pem"), verify = "required", hostname = "other.example",
                check_hostname = "yes", "handshake", "recv 2",
            }
            local job = peer.connect(options)
            local sock = server:accept()
            assert.is_true(rawequal(sock, seen))
            assert.are.equal(other, sock.context)
            assert.are.equal(context, server.context)
            sock:sendall("ok")
            assert.are.equal("recv 6f6b", job:finish()[2])
            sock:close()

            job = peer.connect(options)
            local plain = listener:accept()
            sock = context:wrap_socket(plain, { server_side = true })
            assert.is_true(rawequal(sock, seen))
            sock:sendall("ok")
            assert.are.equal("recv 6f6b", job:finish()[2])
            sock:close()
            server:close()
        end)

        it("SNI-09 SNI-12 close the socket of a refused client; Python receives the alert", function()
            local listener, port = listening()
            local answer = ssl.ALERT_DESCRIPTION_ACCESS_DENIED
            local seen
            local context = named(function(sock)
                seen = sock
                if answer then
                    return answer
                end
                error("refused")
            end)
            local server = context:wrap_socket(listener, { server_side = true })
            for _, case in ipairs { { 49, "TLSV1_ALERT_ACCESS_DENIED" }, { 255, "TLSV1_ALERT_INTERNAL_ERROR" },
                { false, "SSLV3_ALERT_HANDSHAKE_FAILURE" } } do
                answer = case[1]
                local job = peer.connect { port = port, tls = true, hostname = "x.example", "handshake", "recv 1" }
                raises("SSLError", { reason = "CALLBACK_FAILED" }, server.accept, server)
                assert.is_truthy(job:finish()[1]:find("error SSLError " .. case[2], 1, true))
                raises("socket.error", { errno = EBADF }, seen.fileno, seen)
            end
            server:close()
        end)

        it("may wait in a callback that yields", function()
            local listener, port = listening()
            local server = named(function(_, name)
                coroutine.yield(name)
            end):wrap_socket(listener, { server_side = true })
            local job = peer.connect { port = port, tls = true, hostname = "x.example", "handshake", "recv 2" }
            local thread = coroutine.wrap(function()
                return (server:accept())
            end)
            assert.are.equal("x.example", thread())
            local sock = thread()
            sock:sendall("ok")
            assert.are.equal("recv 6f6b", job:finish()[2])
            sock:close()
            server:close()
        end)

        it("SNI-04 SNI-06 SNI-09 openssl s_client receives the certificate for its name", function()
            local other = link.context { cert = "other" }
            local listener, port = listening()
            local names = {}
            local server = named(function(sock, name)
                names[#names + 1] = name or "none"
                if name == "other.example" then
                    sock.context = other
                elseif name == "denied.example" then
                    return ssl.ALERT_DESCRIPTION_ACCESS_DENIED
                end
            end):wrap_socket(listener, { server_side = true })
            for _, version in ipairs { "-tls1_2", "-tls1_3" } do
                for name, subject in pairs { ["other.example"] = "CN = other.example", ["localhost"] = "CN = localhost" } do
                    local client = s_client(port, { version, "-servername", name })
                    local sock = server:accept()
                    client:wait_for("subject=O = cleat tests, (CN = [%w.]+)")
                    assert.is_truthy(client:output():find(subject .. "\n", 1, true), client:output())
                    sock:close()
                    client:stop()
                    assert.are.equal(name, names[#names])
                end
                local client = s_client(port, { version, "-servername", "denied.example" })
                raises("SSLError", { reason = "CALLBACK_FAILED" }, server.accept, server)
                client:wait_for("tlsv1 alert (access denied)")
                client:stop()
                client = s_client(port, { version, "-noservername" })
                server:accept():close()
                client:stop()
                assert.are.equal("none", names[#names])
            end
            server:close()
        end)
    end)

    it("SNI-12 nothing is written to standard error", function()
        local code = [[
            local link = require "support.link"
            local context = link.context { cert = "server-ec" }
            for _, answer in ipairs { 49, 255, "x", false } do
                context:set_servername_callback(function()
                    return answer or error("a secret")
                end)
                local failures = link.attempt({}, { context = context })
                assert(failures.client and failures.server.reason == "CALLBACK_FAILED")
            end
            print("done")
        ]]
        local script = process.write_file(process.directory() .. "/silent.lua", code)
        local result = process.run(process.lua { script })
        assert.are.same({ 0, "done\n", "" }, { result.status, result.output, result.errors })
    end)

    describe("SNI-14 lifetime:", function()
        it("SNI-14 a callback that refers to its context is collected with it", function()
            local weak = setmetatable({}, { __mode = "k" })
            do
                local context = link.context { cert = "server-ec" }
                context:set_servername_callback(function(sock)
                    sock.context = context
                end)
                presented(context)
                weak[context] = true
            end
            collectgarbage()
            collectgarbage()
            assert.is_nil(next(weak))
        end)

        it("SNI-14 SNI-02 a callback that was removed is collected", function()
            local weak = setmetatable({}, { __mode = "k" })
            local context = link.context { cert = "server-ec" }
            do
                local thing = {}
                context:set_servername_callback(function()
                    return thing
                end)
                weak[thing] = true
            end
            collectgarbage()
            assert.is_not_nil(next(weak))
            context:set_servername_callback(nil)
            collectgarbage()
            collectgarbage()
            assert.is_nil(next(weak))
        end)

        it("SNI-14 a coroutine that is never resumed is collected with its socket", function()
            local weak = setmetatable({}, { __mode = "k" })
            do
                local client, server = half(named(coroutine.yield))
                local thread = coroutine.create(server.do_handshake)
                assert.is_true(coroutine.resume(thread, server))
                weak[thread], weak[server] = true, true
                client:close()
            end
            collectgarbage()
            collectgarbage()
            collectgarbage()
            assert.is_nil(next(weak))
        end)
    end)
end)
