-- cleat.luasec: what LuaSec 1.2 lacks, and the differences from it. beside_spec.lua compares the rest with LuaSec.
local backend = require "cleat.backend"
local handles = require "support.handles"
local limits = require "support.limits"
local luasec = require "cleat.luasec"
local pair = require "support.luasec_pair"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "socket"
local sockets = require "cleat.socket"

local client, server, open, wrap, shake = pair.client, pair.server, pair.open, pair.wrap, pair.shake

local function refused(cfg)
    local context, reason = luasec.newcontext(cfg)
    assert.is_nil(context)
    return reason
end

describe("cleat.luasec", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("returns contexts and connections that are userdata, as LuaSec's are", function()
        local context = assert(luasec.newcontext(client()))
        assert.are.equal("userdata", type(context))
        local c, s = wrap(context)
        assert.are.equal("userdata", type(c))
        assert.is_truthy(tostring(c):match "^SSL connection: 0?x?%x+$")
        c:close()
        c:close()
        s:close()
        assert.is_truthy(tostring(c):match " %(closed%)$")
        assert.is_false(pcall(c.receive, {}))
        assert.is_false(pcall(c.send, context, "x"))
    end)

    it("returns the own certificate and chain", function()
        local rsa, rsa_key = pki.chain "server-rsa"
        local ec, ec_key = pki.chain "server-ec"
        local own, own_key = pki.chain "client"
        local c, s = open(client { key = own_key, certificate = own, ciphers = "ECDHE-RSA-AES128-GCM-SHA256", protocol = "tlsv1_2" },
            server { certificates = { { certificate = ec, key = ec_key }, { certificate = rsa, key = rsa_key } },
                verify = "peer", cafile = pki.path "root.pem" })
        assert.are.equal(c:getpeercertificate():digest(), s:getlocalcertificate():digest())
        assert.are.equal("RSA", (select(2, s:getlocalcertificate():pubkey())))
        assert.are.equal(2, #s:getlocalchain())
        assert.are.equal(c:getpeerchain()[2]:digest(), s:getlocalchain()[2]:digest())
        assert.are.equal(s:getpeercertificate():digest(), c:getlocalcertificate():digest())
        c:close()
        s:close()
        assert.are.same({ nil, "closed" }, { s:getlocalcertificate() })
        c, s = open()
        assert.is_nil(c:getlocalcertificate())
        assert.are.same({}, c:getlocalchain())
        c:close()
        s:close()
    end)

    it("exports keying material", function()
        local c, s = open()
        local key = c:exportkeyingmaterial("EXPERIMENTAL cleat", 40, "context")
        assert.are.equal(40, #key)
        assert.are.equal(key, s:exportkeyingmaterial("EXPERIMENTAL cleat", 40, "context"))
        assert.are_not.equal(key, s:exportkeyingmaterial("EXPERIMENTAL cleat", 40))
        assert.is_truthy(select(2, c:exportkeyingmaterial("", 40)):find "error exporting keying material")
        c:close()
        s:close()
        assert.are.same({ nil, "closed" }, { c:exportkeyingmaterial("EXPERIMENTAL cleat", 40) })
    end)

    it("returns the first Finished message up to TLS 1.2, and nil for the second and with TLS 1.3", function()
        local c, s = open(client { protocol = "tlsv1_2" })
        assert.are.equal(12, #c:getfinished())
        assert.are.equal(c:getfinished(), s:getpeerfinished())
        assert.is_nil(s:getfinished())
        assert.is_nil(c:getpeerfinished())
        c:close()
        s:close()
        c, s = open()
        assert.is_nil(c:getfinished())
        assert.is_nil(s:getpeerfinished())
        c:close()
        s:close()
    end)

    it("uses pre-shared keys", function()
        local seen = {}
        local c, s = open(client { protocol = "tlsv1_2", ciphers = "PSK", psk = function(hint, identity_max, key_max)
            seen.hint, seen.maxima = hint, { identity_max, key_max }
            return "me", "secret"
        end }, server { ciphers = "PSK", protocol = "tlsv1_2", psk = { hint = "a hint", callback = function(identity)
            seen.identity = identity
            return "secret"
        end } })
        assert.are.same({ hint = "a hint", identity = "me", maxima = { 128, 256 } }, seen)
        c:send "x"
        s:settimeout(limits.bound(5))
        assert.are.equal("x", s:receive(1))
        c:close()
        s:close()
        assert.are.equal("invalid PSK configuration", refused(client { psk = {} }))
        assert.are.equal("invalid PSK configuration", refused(server { psk = { callback = print } }))
    end)

    it("refuses DANE, renegotiation options and lists of unknown curves, and ignores unknown curves in a longer list", function()
        assert.are.equal("dane is not supported: BoringSSL has no DANE", refused(client { dane = true }))
        assert.are.equal("option allow_unsafe_legacy_renegotiation: BoringSSL has no renegotiation",
            refused(client { options = "allow_unsafe_legacy_renegotiation" }))
        assert.are.equal('unknown elliptic curve in "X448"', refused(client { curveslist = "X448" }))
        local c, s = open(client { curveslist = "X448:P-384", ciphers = "HIGH:@SECLEVEL=2", dane = false })
        assert.are.equal("TLSv1.3", c:info "protocol")
        c:close()
        s:close()
        assert.is_nil(luasec.config.capabilities.dane)
        assert.is_nil(luasec.config.curves.X448)
        assert.is_true(luasec.config.curves["P-384"])
    end)

    it("allows TLS 1.0 and 1.1 only if protocol names them", function()
        local c, s = wrap(client { protocol = "tlsv1_1" })
        assert.are.equal("unsupported protocol", (select(2, shake(c, s))))
        c:close()
        s:close()
        c, s = open(client { protocol = "tlsv1_1" }, server { protocol = "tlsv1_1" })
        assert.are.equal("TLSv1.1", c:info "protocol")
        c:close()
        s:close()
    end)

    it("wraps a descriptor, and closes it", function()
        local one, other = pair.sockets()
        local fd = one:getfd()
        one:setfd(-1)
        local c, s = assert(luasec.wrap(fd, client())), assert(luasec.wrap(other, server()))
        c:settimeout(0)
        s:settimeout(0)
        assert.is_nil(shake(c, s))
        assert.are.equal(fd, c:getfd())
        c:close()
        assert.are.equal(-1, c:getfd())
        s:settimeout(limits.bound(5))
        assert.are.same({ nil, "closed", "" }, { s:receive(1) })
        s:close()
        assert.are.same({ false, "closed" }, { luasec.wrap(-1, client()):dohandshake() })
    end)

    it("has a timeout for each wait, and one for the whole call", function()
        local c, s = open()
        c:settimeout(0.02)
        assert.are.same({ nil, "wantread", "" }, { c:receive(5) })
        c:settimeout(nil)
        c:settimeout(0.02, "t")
        s:send "ab"
        assert.are.same({ nil, "wantread", "ab" }, { c:receive(5) })
        c:settimeout(0)
        c:settimeout(-1, "t")
        local sent, why, last
        repeat
            sent, why, last = c:send(("x"):rep(1000000))
        until not sent
        assert.are.equal("wantwrite", why)
        assert.is_true(last >= 0 and last < 1000000)
        assert.are.equal("write", c:want())
        c:close()
        s:close()
    end)

    it("fails the handshake if a callback raises", function()
        local c, s = wrap(client { alpn = { "a" } }, server { alpn = function()
            error("no protocol today", 0)
        end })
        local why, reason = shake(c, s)
        assert.are.equal("callback failed", reason)
        assert.is_truthy(why == "wantread" or why:find "handshake failure")
        assert.are.same({ nil, "closed", "" }, { s:receive() })
        c:close()
        s:close()
    end)

    it("lets callbacks yield", function()
        local c, s = wrap(client { alpn = { "a", "b" } }, server { alpn = function(list)
            return coroutine.yield(#list)
        end })
        local thread = coroutine.create(function()
            repeat
                local done, why = s:dohandshake()
                if not done and why:find "^want" then
                    coroutine.yield "again"
                end
            until done or not why:find "^want"
            return s:getalpn()
        end)
        local finished, answer = false, nil
        while coroutine.status(thread) ~= "dead" do
            finished = finished or c:dohandshake()
            local ok, result = coroutine.resume(thread, answer)
            assert.is_true(ok, tostring(result))
            answer = result == 2 and "b" or nil
            if coroutine.status(thread) == "dead" then
                assert.are.equal("b", result)
            end
        end
        repeat
            finished = finished or c:dohandshake()
        until finished
        assert.are.equal("b", c:getalpn())
        c:close()
        s:close()
    end)

    it("closes connections that are collected", function()
        local before, during = backend.handle_count(), nil
        local function make()
            local c, s = open()
            during = backend.handle_count()
            return c == s
        end
        make()
        for _ = 1, 3 do
            collectgarbage()
        end
        assert.is_true(during > before)
        assert.are.equal(before, backend.handle_count())
    end)

    it("sends no close_notify for what is collected, and leaves the thread's error record", function()
        local s = select(2, open())
        assert.is_true(backend.context_new(-1) < 0)
        local _, record = backend.error_message()
        assert.is_true(#record > 0)
        for _ = 1, 3 do
            collectgarbage()
        end
        assert.are.equal(record, select(2, backend.error_message()))
        assert.are.same({ nil, "unexpected eof while reading", "" }, { s:receive(1) })
        s:close()
    end)

    it("send refuses bounds that are not numbers, and receive(math.huge) waits for more bytes", function()
        local c, s = open()
        local no_number = 0 / 0
        for _, bounds in ipairs { { no_number }, { 1, no_number }, { "x" }, { 1, {} }, { true } } do
            local ok, reason = pcall(c.send, c, "hello", bounds[1], bounds[2])
            assert.is_false(ok)
            assert.is_truthy(reason:find("number expected", 1, true), reason)
        end
        assert.are.equal(3, (c:send("hello", 2.5, 3.5)))
        assert.are.equal(5, (c:send("hello", -1, math.huge)))
        assert.are.same({ nil, "wantread", "elo" }, { s:receive(math.huge) })
        c:close()
        s:close()
    end)

    it("works with socket.select", function()
        local c, s = open()
        local readable = socket.select({ s }, nil, 0)
        assert.is_nil(readable[1])
        c:send(("line\n"):rep(3))
        readable = socket.select({ s }, nil, limits.bound(5))
        assert.are.equal(s, readable[1])
        assert.are.equal("line", s:receive())
        assert.is_true(s:dirty())
        assert.are.equal("line", s:receive())
        assert.are.equal("line", s:receive())
        assert.is_false(s:dirty())
        for _ = 1, 20 do -- either dirty() or select() reports each of several records that arrive together
            c:send(("x"):rep(1000))
        end
        for _ = 1, 20 do
            assert.is_true(s:dirty() or socket.select({ s }, nil, limits.bound(5))[1] == s)
            assert.are.equal(1000, #s:receive(1000))
        end
        c:close()
        s:close()
    end)

    it("has the functions of ssl.core and ssl.context", function()
        local core, functions = require "cleat.luasec.core", require "cleat.luasec.context_module"
        local context = assert(functions.create "any")
        assert.are.same({ nil, "invalid mode" }, { core.create(context) })
        assert.is_true(functions.setmode(context, "client"))
        assert.are.same({ false, "invalid mode (no)" }, { functions.setmode(context, "no") })
        assert.is_true(functions.setalpn(context, "\1a"))
        assert.is_true(functions.setcipher(context, "HIGH"))
        assert.is_true(context:setverifyext("lsec_continue"))
        local of_server = assert(functions.create "any")
        functions.setmode(of_server, "server")
        local certificate, key = pki.chain "server-ec"
        assert.is_true(functions.loadcert(of_server, certificate))
        assert.is_true(functions.loadkey(of_server, key))
        assert.is_true(functions.checkkey(of_server))
        functions.setalpncb(of_server, function(offered)
            return offered
        end)
        local one, other = pair.sockets()
        local c, s = assert(core.create(context)), assert(core.create(of_server))
        core.setfd(c, one:getfd())
        core.setfd(s, other:getfd())
        one:setfd(core.SOCKET_INVALID)
        other:setfd(core.SOCKET_INVALID)
        c:settimeout(0)
        s:settimeout(0)
        assert.is_nil(shake(c, s))
        assert.are.equal("a", c:getalpn())
        assert.is_nil(core.compression(c))
        assert.are.equal("TLSv1.3", (select(4, core.info(c))))
        core.setmethod("double", function(_, number)
            return 2 * number
        end)
        assert.are.equal(6, c:double(3))
        c:close()
        s:close()
    end)

    it("returns closed from the handshake of a closed connection", function()
        local c, s = wrap()
        c:dohandshake()
        c:close()
        assert.are.same({ false, "closed" }, { c:dohandshake() })
        assert.are.equal("nothing", c:want())
        s:settimeout(limits.bound(5))
        assert.are.same({ false, "unexpected eof while reading" }, { s:dohandshake() })
        s:close()
    end)

    it("reports an end without close_notify, unless the option ignore_unexpected_eof is set", function()
        for _, option in ipairs { "all", "ignore_unexpected_eof" } do
            local c, s = open(client { options = option })
            s:send "part"
            local plain = sockets.socket { fileno = s:getfd() }
            plain:shutdown(sockets.SHUT_WR)
            plain:detach()
            c:settimeout(limits.bound(5))
            if option == "all" then
                assert.are.same({ nil, "unexpected eof while reading", "part" }, { c:receive "*a" })
                assert.are.same({ nil, "unexpected eof while reading", "" }, { c:receive(1) })
            else
                assert.are.equal("part", c:receive "*a")
                assert.are.same({ nil, "closed", "" }, { c:receive(1) })
            end
            c:close()
            s:close()
        end
    end)
end)
