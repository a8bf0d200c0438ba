-- TLS sockets for cqueues: the same results as cqueues' own sockets, and the additions of TLS.
local optional = require "support.optional"

local missing = optional.module("cqueues", "lua-cqueues")
if missing then
    return pending("TLS sockets for cqueues: " .. missing, function() end)
end

local cqueues = require "cqueues"
local cqueues_errno = require "cqueues.errno"
local cqueues_socket = require "cqueues.socket"
local adapters = require "support.adapters"
local handles = require "support.handles"
local limits = require "support.limits"
local link = require "support.link"
local peer = require "support.peer"
local process = require "support.process"
local raises = require "support.raises"
local support = require "support.cqueues_tls"
local ssl = require "cleat.ssl"
local starttls = require("cleat.adapters.cqueues").starttls
local tls = require "cleat.adapters.cqueues.tls"

local run, pair = support.run, support.pair

-- lua-http's error handler for connections: it returns a message and the number.
local function handler(_, operation, number)
    return operation .. ": " .. cqueues_errno.strerror(number), number
end

local function pick(list)
    return list[math.random(#list)]
end

local function words(list, most)
    local all = {}
    for i = 1, math.random(most) do
        all[i] = pick(list)
    end
    return table.concat(all)
end

-- A plain connection of cqueues and a TLS connection, for the same calls.
local function beside()
    local plain = { cqueues_socket.pair() }
    local client, server = pair()
    local both = { plain = plain, tls = { client, server } }
    function both.close()
        for _, sock in ipairs { plain[1], plain[2], client, server } do
            sock:close()
        end
    end
    return both
end

-- same calls a method at one end of both connections, and checks that the results are equal.
local function same(both, log, index, name, ...)
    local wanted = { both.plain[index][name](both.plain[index], ...) }
    local got = { both.tls[index][name](both.tls[index], ...) }
    for i = 1, 2 do
        if wanted[i] == both.plain[index] then
            wanted[i], got[i] = "itself", got[i] == both.tls[index] and "itself" or got[i]
        end
    end
    log[#log + 1] = ("%s(%s)"):format(name, table.concat({ tostring((...)), tostring((select(2, ...))) }, ", "))
    assert.are.same(wanted, got, table.concat(log, "\n"))
end

-- read_ahead makes both connections buffer the same number of received bytes.
local function read_ahead(both)
    for _, ends in ipairs { both.plain, both.tls } do
        ends[2]:fill(1e6, 0)
        ends[2]:clearerr "r"
    end
end

local TEXT = { "a", "b", "c: d", "\n", "\r\n", "\r\n", "\n", ":", "x", "k: v\r\n", "long text " }

describe("a TLS socket for cqueues", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("reads as a socket of cqueues does, in all formats and modes", function()
        local formats = { "*l", "*L", "*h", "*H", "*a", 1, 2, 5, 17, -1, -4, -30, 0 }
        for _ = 1, 25 do
            local both, log, ended = beside(), {}, false
            for _, ends in ipairs { both.plain, both.tls } do
                ends[1]:setmode("bn", "bn")
            end
            local line = pick { 4096, 16, 8 }
            same(both, log, 2, "setmode", pick { "b", "t", "bp", "tP" }, "bn")
            same(both, log, 2, "setmaxline", line, line)
            for _ = 1, 30 do
                local kind = math.random(10)
                if kind <= 5 and not ended then
                    same(both, log, 1, "xwrite", words(TEXT, 12), "n")
                elseif kind == 6 and math.random(5) == 1 and not ended then
                    ended = true
                    same(both, log, 1, "shutdown", "w")
                elseif kind == 7 then
                    same(both, log, 2, "unget", pick(TEXT))
                else
                    read_ahead(both)
                    same(both, log, 2, "recv", pick(formats), pick { "b", "t", "bn", "tn", "" })
                    same(both, log, 2, "eof", "r")
                end
            end
            both.close()
        end
    end)

    it("sends as a socket of cqueues does, in all modes", function()
        local data = { "a", "bb\n", "c\r\n", "\n", "long text without end ", ("z"):rep(3000), "\n\n" }
        for _ = 1, 25 do
            local both, log = beside(), {}
            for _, ends in ipairs { both.plain, both.tls } do
                ends[2]:setmode("bn", "bn")
            end
            for _ = 1, 25 do
                local kind = math.random(10)
                if kind == 1 then
                    same(both, log, 1, "setmode", "b", pick { "b", "t", "bn", "tn", "bl", "tl", "bf", "tf", "bfA" })
                elseif kind == 2 then
                    same(both, log, 1, "setvbuf", pick { "full", "line" }, 4096)
                elseif kind == 3 then
                    same(both, log, 1, "flush", pick { "n", "l", "f", "" })
                elseif kind == 4 then
                    same(both, log, 1, "recv", 1)
                elseif kind == 5 then
                    same(both, log, 1, "write", "q", 7, "\n")
                else
                    same(both, log, 1, "xwrite", pick(data), pick { "n", "l", "f", "bn", "tl", "" })
                end
                read_ahead(both)
                same(both, log, 2, "recv", -1000000)
            end
            both.close()
        end
    end)

    it("joins folded headers, and waits for the second byte of the empty line", function()
        local client, server = pair()
        client:setmode("bn", "bn")
        server:setmode("b", "bn")
        client:xwrite "a: b\r\n c\r\n\td\r\ne: f\r\n\r"
        assert.are.equal("a: b c\td", server:xread("*h", 1))
        assert.are.equal("e: f", server:xread("*h", 1))
        assert.are.same({ nil, cqueues_errno.EAGAIN }, { server:recv "*h" })
        client:xwrite "\nx"
        assert.is_nil((server:recv "*h"))
        assert.are.equal("\r\n", server:xread(2, 1))
        client:close()
        server:close()
    end)

    it("reads up to a MIME boundary", function()
        local client, server = pair()
        client:xwrite("first\r\n--part\r\n", "bn")
        server:setmode("b", "bn")
        assert.are.equal("first", server:xread("--part", 1))
        assert.is_nil((server:xread("--part", 1)))
        assert.are.equal("--part\r\n", server:xread("*L", 1))
        client:close()
        server:close()
    end)

    it("reads lines one after the other, and several formats at once", function()
        local client, server = pair()
        server:settimeout(5)
        client:write("one\ntwo\nthree 5 end\nlast")
        client:close()
        local lines = server:lines()
        assert.are.equal("one", lines())
        assert.are.equal("two", lines())
        assert.are.same({ "three", " 5 ", "end" }, { server:read(5, 3, "*l") })
        assert.are.equal("last", server:xlines("*L")())
        assert.is_nil(lines())
        server:close()
    end)

    it("lets one coroutine read while another writes, in both directions", function()
        local client, server = pair()
        local data = peer.pattern(700000)
        local got = {}
        local function write(sock)
            return function()
                assert(sock:xwrite(data, "bn", limits.bound(5)))
            end
        end
        local function read(sock)
            return function()
                got[sock] = assert(sock:xread(#data, "bn", limits.bound(5)))
            end
        end
        run(write(client), read(client), write(server), read(server))
        assert.is_true(got[client] == data and got[server] == data)
        client:close()
        server:close()
    end)

    it("keeps the bytes of each of several writers together, with an unlimited buffer", function()
        local client, server = pair()
        client:setvbuf("full", math.huge)
        local writers, got = {}, nil
        for i = 1, 5 do
            writers[i] = function()
                assert(client:xwrite(tostring(i):rep(300000), "bn", limits.bound(5)))
            end
        end
        writers[6] = function()
            got = assert(server:xread(1500000, "b", limits.bound(5)))
        end
        run((table.unpack or unpack)(writers))
        for i = 1, 5 do
            local first = got:sub(300000 * i, 300000 * i)
            assert.is_true(got:sub(300000 * i - 299999, 300000 * i) == first:rep(300000))
        end
        client:close()
        server:close()
    end)

    it("times out with the handler's results, and can be used further", function()
        local client, server = pair()
        client:onerror(handler)
        run(function()
            assert.are.same({ nil, "read: " .. cqueues_errno.strerror(cqueues_errno.ETIMEDOUT), cqueues_errno.ETIMEDOUT },
                { client:xread(5, 0.01) })
            -- the error is stored, as by cqueues
            assert.are.equal(cqueues_errno.ETIMEDOUT, (select(3, client:xread(5, 1))))
            assert.are.equal(cqueues_errno.ETIMEDOUT, client:clearerr "r")
            assert.are.same({ false, "fill: " .. cqueues_errno.strerror(cqueues_errno.ETIMEDOUT), cqueues_errno.ETIMEDOUT },
                { client:fill(1, 0) })
            client:clearerr()
            server:xwrite("hello", "bn")
            assert.are.equal("hello", client:xread(5, "b", 5))
        end)
        client:close()
        server:close()
    end)

    it("raises if a stored error was ignored too often", function()
        local client, server = pair()
        client:onerror(handler)
        assert.are.equal(100, (client:setmaxerrs("r", 2)))
        run(function()
            client:xread(5, 0)
            client:xread(5, 0)
            client:xread(5, 0)
            local ok, message = pcall(client.xread, client, 5, 0)
            assert.is_false(ok)
            assert.is_truthy(message:find("exceeded unchecked error limit", 1, true))
        end)
        client:close()
        server:close()
    end)

    it("waits at most the timeout for a peer that does not read, and loses no bytes", function()
        local client, server = pair()
        client:onerror(handler)
        local data, got = peer.pattern(3000000), nil
        run(function()
            local ok, _, number = client:xwrite(data, "bn", 0.05)
            assert.is_nil(ok)
            assert.are.equal(cqueues_errno.ETIMEDOUT, number)
            client:clearerr()
            assert.is_true(select(2, client:pending()) > 0)
        end)
        local accepted = #data
        run(function()
            -- the bytes that were accepted arrive, and more may follow
            local _, left = client:pending()
            assert.is_true(left > 0 and left <= accepted)
            assert(client:flush("n", limits.bound(5)))
            client:shutdown "w"
        end, function()
            got = assert(server:xread("*a", "b", limits.bound(5)))
        end)
        assert.is_true(data:sub(1, #got) == got and #got > 0)
        client:close()
        server:close()
    end)

    it("sends no close_notify after a write that has failed", function()
        local client, server = pair()
        client:onerror(handler)
        server:onerror(handler)
        client:setvbuf("full", math.huge)
        run(function()
            client:xwrite(peer.pattern(3000000), "bn", 0.01)
            client:close()
        end)
        run(function()
            local data, _, number = server:xread("*a", "b", limits.bound(5))
            assert.is_nil(data)
            assert.are.equal(cqueues_errno.ECONNRESET, number)
        end)
        server:close()
    end)

    it("returns the end of the stream for close_notify, and an error for an end without it", function()
        for _, way in ipairs { "close", "cut" } do
            local client, server, _, plain = pair()
            client:onerror(handler)
            run(function()
                server:xwrite("all", "bn")
                if way == "close" then
                    server:close()
                else
                    plain:shutdown "w"
                end
            end)
            run(function()
                local results = { client:xread("*a", "b", 5) }
                if way == "close" then
                    assert.are.same({ "all" }, results)
                    assert.is_nil(client:xread(1))
                    assert.is_true(client:eof "r")
                    assert.is_nil(client:tlserror())
                else
                    assert.is_nil(results[1])
                    assert.are.equal(cqueues_errno.ECONNRESET, results[3])
                    assert.is_truthy(results[2]:find("EOF occurred in violation of protocol", 1, true))
                    assert.is_true(ssl.SSLEOFError:is(client:tlserror()))
                    assert.is_false(client:eof "r")
                end
            end)
            client:close()
            server:close()
        end
    end)

    it("shuts down one direction, and reads the other", function()
        local client, server = pair()
        local answer
        run(function()
            assert(client:xwrite("question", "bn"))
            assert.is_true(client:shutdown "w")
            answer = client:xread("*a", "b", 5)
        end, function()
            assert.are.equal("question", server:xread("*a", "b", 5))
            assert(server:xwrite("answer", "bn"))
            server:shutdown()
        end)
        assert.are.equal("answer", answer)
        client:onerror(handler)
        assert.are.equal(cqueues_errno.EPIPE, (select(3, client:xwrite("more", "bn"))))
        assert.are.same({ true, true }, { client:eof() })
        client:close()
        server:close()
    end)

    it("ends the calls of other coroutines when it is closed", function()
        local client, server = pair()
        client:onerror(handler)
        local read, write
        run(function()
            read = { client:xread(1, limits.bound(5)) }
        end, function()
            write = { client:xwrite(peer.pattern(3000000), "bn", limits.bound(5)) }
        end, function()
            cqueues.poll(0.01)
            client:close()
            client:close()
        end)
        for _, results in ipairs { read, write } do
            assert.is_nil(results[1])
            assert.are.equal(cqueues_errno.EBADF, results[3])
        end
        assert.is_nil(client:pollfd())
        assert.is_nil(client:checktls())
        assert.are.same({ nil, cqueues_errno.EBADF }, { client:peername() })
        server:close()
    end)

    it("works after a coroutine that waited for it was collected", function()
        local client, server = pair()
        client:setvbuf("full", math.huge)
        do
            local abandoned = cqueues.new()
            abandoned:wrap(function()
                client:xread(1)
            end)
            abandoned:wrap(function()
                client:xwrite(peer.pattern(3000000), "bn")
            end)
            assert(abandoned:step(0))
            assert(abandoned:step(0.01))
            abandoned:close()
        end
        collectgarbage()
        local got
        run(function()
            assert(server:xread(3000000, "b", limits.bound(5)))
            server:xwrite("x", "bn")
        end, function()
            client:flush(limits.bound(5))
            got = client:xread(1, "b", limits.bound(5))
        end)
        assert.are.equal("x", got)
        client:close()
        server:close()
    end)

    it("is polled as a socket of cqueues is, also while another coroutine writes", function()
        local client, server = pair()
        assert.are.equal("", client:events())
        local order = {}
        run(function()
            assert.are.same({ nil, cqueues_errno.EAGAIN }, { client:recv(1) })
            assert(client:xwrite("question", "bn"))
            assert.are.equal("r", client:events())
            assert.are.equal(client, cqueues.poll(client, limits.bound(5)))
            order[#order + 1] = client:recv(6, "b")
            client:settimeout(0.01)
            assert.are.equal(client, cqueues.poll(client)) -- the socket's timeout
            order[#order + 1] = "timeout"
        end, function()
            assert.are.equal("question", server:xread(8, "b"))
            assert(server:xwrite("answer", "bn"))
        end)
        assert.are.same({ "answer", "timeout" }, order)
        client:setvbuf("full", math.huge)
        run(function()
            client:xwrite(peer.pattern(3000000), "bn", 0)
            assert.are.equal("w", client:events():match "w")
            client:clear()
            assert.are.equal("", client:events())
        end)
        client:close()
        server:close()
    end)

    it("starts after plaintext, on both sides", function()
        local left, right = cqueues_socket.pair()
        local got
        run(function()
            left:xwrite("STARTTLS\n", "bn")
            assert.are.equal("go\n", left:xread("*L", "b"))
            local client = assert(starttls(left, adapters.client(), { server_hostname = "localhost", timeout = 5 }))
            client:xwrite("over TLS\n", "bn")
            client:close()
        end, function()
            right:setmode("b", "bf")
            assert.are.equal("STARTTLS\n", right:xread "*L")
            right:xwrite("go\n", "f") -- must be sent before TLS begins
            local server = assert(starttls(right, adapters.server(), { server_side = true }))
            got = server:xread "*L"
            server:close()
        end)
        assert.are.equal("over TLS\n", got)
    end)

    it("keeps the modes, the timeout and the handler of the plain socket", function()
        local left, right = cqueues_socket.pair()
        left:setmode("bP", "bfA")
        left:settimeout(3)
        left:onerror(handler)
        left:setmaxline(100, 200)
        left:setvbuf("full", 500)
        local client
        run(function()
            client = assert(starttls(left, adapters.client(), { server_hostname = "localhost" }))
        end, function()
            assert(starttls(right, adapters.server(), { server_side = true })):close()
        end)
        assert.are.same({ "b-P", "bfA" }, { client:setmode() })
        assert.are.equal(3, client:timeout())
        assert.are.equal(handler, client:onerror())
        assert.are.same({ 100, 200 }, { client:setmaxline() })
        assert.are.same({ "full", 500 }, { client:setvbuf("no") })
        client:close()
    end)

    it("returns the version, cipher and ALPN protocol of the handshake", function()
        local alpn = { "h2", "http/1.1" }
        local client, server = pair { client = adapters.client { alpn = alpn }, server = link.context { cert = "server-ec", alpn = alpn } }
        local facts = client:checktls()
        assert.are.equal("h2", facts:getAlpnSelected())
        assert.are.equal(0x304, facts:getVersion())
        assert.are.equal("localhost", facts:getHostName())
        assert.are.same({ 0, "ok" }, { facts:getVerifyResult() })
        assert.are.equal(client:sslsocket():cipher()[1], facts:getCipherInfo().name)
        assert.are.equal(client:sslsocket():getpeercert(true), facts:getPeerCertificate():public_bytes(ssl.ENCODING_DER))
        assert.is_nil(server:checktls():getPeerCertificate())
        assert.are.equal(cqueues_socket.AF_UNIX, (client:peername()))
        client:close()
        server:close()
    end)

    it("verifies, reports the reason of a refusal, and sends the peer an alert", function()
        local left, right = cqueues_socket.pair()
        left:onerror(handler)
        right:onerror(handler)
        local results, object
        run(function()
            results = { starttls(left, adapters.client { cafile = "unknown-root.pem" }, { server_hostname = "localhost" }) }
            assert.are.equal("closed socket", cqueues_socket.type(left))
        end, function()
            object = tls.wrap(right, { server_side = true })
            local ok, message, number = object:starttls(adapters.server())
            assert.is_nil(ok)
            assert.are.equal(cqueues_errno.EPROTO, number)
            assert.is_truthy(message:find("TLSV1_ALERT_UNKNOWN_CA", 1, true), message)
            assert.are.equal(ssl.ALERT_DESCRIPTION_UNKNOWN_CA, object:tlserror().alert)
            object:close()
        end)
        assert.is_nil(results[1])
        assert.is_truthy(results[2]:find("^starttls: .*CERTIFICATE_VERIFY_FAILED"), results[2])
        assert.are.equal(cqueues_errno.EPROTO, results[3])
    end)

    it("raises the errors of cqueues' default handler, with the reason", function()
        local left, right = cqueues_socket.pair()
        run(function()
            local ok, message = pcall(starttls, left, adapters.client(), { server_hostname = "localhost" })
            if _VERSION ~= "Lua 5.1" or jit then
                assert.is_false(ok)
                assert.is_truthy(message:find("WRONG_VERSION_NUMBER", 1, true), message)
            end
        end, function()
            right:xwrite("no TLS at all\n", "bn")
        end)
        left:close()
        right:close()
    end)

    it("returns from a handshake with a silent peer after the timeout, and can continue it", function()
        local left, right = cqueues_socket.pair()
        left:onerror(handler)
        local client = tls.wrap(left, { server_hostname = "localhost" })
        run(function()
            assert.are.equal(cqueues_errno.ETIMEDOUT, (select(3, client:starttls(adapters.client(), 0.01))))
        end)
        run(function()
            assert(client:starttls(5))
        end, function()
            assert(starttls(right, adapters.server(), { server_side = true })):close()
        end)
        client:close()
    end)

    it("ends a handshake when another coroutine closes it", function()
        local left, right = cqueues_socket.pair()
        left:onerror(handler)
        local client, results = tls.wrap(left, { server_hostname = "localhost" }), nil
        run(function()
            results = { client:starttls(adapters.client(), limits.bound(5)) }
        end, function()
            cqueues.poll(0.01)
            client:close()
        end)
        assert.is_nil(results[1])
        assert.are.equal(cqueues_errno.EBADF, results[3])
        right:close()
    end)

    it("connects, and reports errors of the network", function()
        run(function()
            local sock = cqueues_socket.connect("127.0.0.1", process.refusing_port())
            sock:onerror(handler)
            local ok, message, number = starttls(sock, adapters.client(), { server_hostname = "localhost" })
            assert.is_nil(ok)
            assert.are.same({ "connect: " .. cqueues_errno.strerror(cqueues_errno.ECONNREFUSED), cqueues_errno.ECONNREFUSED },
                { message, number })
        end)
        local job = adapters.python("send 6869", "unwrap")
        run(function()
            local sock = cqueues_socket.connect("127.0.0.1", job.port)
            local client = assert(starttls(sock, adapters.client(), { server_hostname = "localhost", timeout = limits.bound(5) }))
            assert.are.equal("hi", client:xread("*a", "b"))
            client:close()
        end)
        job:finish()
    end)

    it("refuses arguments of wrong types, and methods that TLS does not support", function()
        local left, right = cqueues_socket.pair()
        local context = adapters.client()
        raises("TypeError", { match = "an open socket of cqueues, not 5" }, starttls, 5, context)
        raises("TypeError", { match = "an SSLContext of cleat.ssl, not table" }, starttls, left, {}, { server_hostname = "x" })
        raises("ValueError", { match = "check_hostname requires" }, starttls, left, context)
        raises("TypeError", { match = "server_hostnam" }, starttls, left, context, { server_hostnam = "localhost" })
        right:close()
        left:close()
        raises("TypeError", { match = "an open socket of cqueues" }, starttls, left, context, { server_hostname = "localhost" })
        local client, server = pair()
        raises("NotImplementedError", { match = "no sendfd()" }, client.sendfd, client, "x", 1)
        raises("ValueError", { match = "recv() argument must be" }, client.recv, client, "*n")
        raises("ValueError", { match = "no, line or full" }, client.setvbuf, client, "fully")
        raises("ValueError", { match = "direction" }, client.clearerr, client, "q")
        client:close()
        server:close()
    end)
end)
