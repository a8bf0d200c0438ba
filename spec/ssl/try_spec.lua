-- try_recv and try_read: reads that neither wait nor raise if they would block; and the methods that the native module
-- implements in C (lua/cleat/backend/native_io.c), whose results equal those in Lua.
local adapter_stream = require "support.adapter_stream"
local backend = require "cleat.backend"
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local pump = require "support.pump"
local raises = require "support.raises"
local readiness = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local wrap = require "cleat.ssl.wrap"

-- half_open returns a client's SSLSocket before the handshake, the other end of its transport, and a connection over
-- memory as the server.
local function half_open(blocking)
    local first, wire = socket.socketpair()
    wire:settimeout(0)
    local sock = link.context(link.client_options()):wrap_socket(first, {
        do_handshake_on_connect = false, server_hostname = "localhost", suppress_ragged_eofs = false,
    })
    if not blocking then
        sock:settimeout(0)
    end
    return sock, wire, pump.connection { server = true, cert = "server-ec" }
end

-- shaken returns the same after the handshake, which try_recv has done.
local function shaken(blocking)
    local sock, wire, id = half_open(blocking)
    local peer_done
    for _ = 1, 20 do
        assert.are.same({ nil, "want_read" }, { sock:try_recv(10) })
        peer_done = backend.connection_handshake(id, 0) == 0
        local received, sent = pump.bridge(wire, id)
        if peer_done and received + sent == 0 then
            return sock, wire, id
        end
    end
    error "the handshake does not end"
end

local function arrives(sock)
    assert.are.equal(sock, readiness.select({ sock }, {}, {}, 5)[1])
end

local function close(sock, wire, id)
    sock:close()
    wire:close()
    backend.close(id)
end

describe("try_recv", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, blocking in ipairs { false, true } do
        it("B-70 does the handshake and receives without waiting, timeout " .. (blocking and "nil" or "0"), function()
            local sock, wire, id = shaken(blocking)
            assert.are.equal("TLSv1.3", sock:version())
            assert.are.equal("r", sock:events())
            backend.connection_write(id, "hello", 0)
            local _, record = backend.connection_drain(id, 10000)
            wire:sendall(record:sub(1, 10))
            arrives(sock)
            assert.are.same({ nil, "want_read" }, { sock:try_recv(10) })
            wire:sendall(record:sub(11))
            arrives(sock)
            assert.are.same({ "hel" }, { sock:try_recv(3) })
            assert.are.same({ "lo" }, { sock:try_recv() })
            assert.are.same({ nil, "want_read" }, { sock:try_recv() })
            backend.connection_shutdown(id, 0)
            pump.bridge(wire, id)
            arrives(sock)
            assert.are.equal("", sock:try_recv(10))
            close(sock, wire, id)
        end)
    end

    it("raises all other errors as recv does", function()
        local sock, wire, id = shaken()
        assert.are.equal("", sock:try_recv(0))
        raises("ValueError", { message = "size should not be negative" }, sock.try_recv, sock, -1)
        raises("TypeError", { message = "try_recv() argument 'buflen' must be an integer, not string" }, sock.try_recv, sock, "x")
        wire:close()
        arrives(sock)
        raises("SSLEOFError", { errno = ssl.SSL_ERROR_EOF }, sock.try_recv, sock, 10)
        sock:close()
        raises("error", { errno = 9 }, sock.try_recv, sock, 10)
        backend.close(id)
        local refused, other, peer = half_open()
        other:sendall "GET / HTTP/1.0\r\n\r\n"
        arrives(refused)
        assert.are.same({ nil, "want_read" }, { refused:try_recv(10) }) -- the ClientHello was sent
        raises("SSLError", { reason = "WRONG_VERSION_NUMBER" }, refused.try_recv, refused, 10)
        close(refused, other, peer)
    end)

    it("returns want_write if the handshake must write first", function()
        local first, second = socket.socketpair() -- TCP might accept more bytes a moment later
        first:settimeout(0)
        while pcall(first.send, first, ("x"):rep(4096)) do end
        local sock = link.context(link.client_options()):wrap_socket(first, {
            do_handshake_on_connect = false, server_hostname = "localhost",
        })
        assert.are.same({ nil, "want_write" }, { sock:try_recv(10) })
        assert.are.equal("w", sock:events())
        sock:close()
        second:close()
    end)

    it("does not take the data for which another coroutine waits", function()
        local sock, server = link.open()
        sock:setwaiter(function()
            coroutine.yield()
            return true
        end)
        local reader = coroutine.create(function()
            return sock:recv(100)
        end)
        assert(coroutine.resume(reader))
        assert.are.same({ nil, "want_read" }, { sock:try_recv(100) })
        server:sendall "hello"
        arrives(sock)
        assert.are.same({ nil, "want_read" }, { sock:try_recv(100) })
        assert.are.same({ true, "hello" }, { coroutine.resume(reader) })
        server:sendall "again"
        arrives(sock)
        assert.are.equal("again", sock:try_recv(100))
        sock:close()
        server:close()
    end)

    it("is not possible over an event loop's handle", function()
        local first, second = socket.socketpair()
        local sock = wrap.stream(link.context(link.client_options()), adapter_stream(first, function() end),
            { server_hostname = "localhost" })
        raises("NotImplementedError", { message = "try_recv() is not possible over an event loop's handle" }, sock.try_recv, sock, 10)
        sock:close()
        second:close()
    end)

    it("works on a plain socket", function()
        local one, two = socket.socketpair()
        assert.are.same({ nil, "want_read" }, { two:try_recv(10) })
        one:sendall "hello"
        arrives(two)
        assert.are.same({ "hel" }, { two:try_recv(3) })
        assert.are.equal("", two:try_recv(0))
        raises("ValueError", { message = "negative buffersize in try_recv" }, two.try_recv, two, -1)
        raises("TypeError", {}, two.try_recv, two)
        one:close()
        assert.are.equal("lo", two:try_recv(10))
        assert.are.equal("", two:try_recv(10))
        two:close()
        raises("error", { errno = 9 }, two.try_recv, two, 10)
    end)
end)

describe("try_read", function()
    handles.watch(before_each, after_each)

    it("B-70 returns nil where read raises", function()
        local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        local object = link.context(link.client_options()):wrap_bio(incoming, outgoing, { server_hostname = "localhost" })
        local id = pump.connection { server = true, cert = "server-ec" }
        -- carry moves the bytes that each has for the other.
        local function carry()
            backend.connection_feed(id, outgoing:read())
            backend.connection_handshake(id, 0)
            local pending = backend.connection_drain_pending(id)
            if pending > 0 then
                local _, bytes = backend.connection_drain(id, pending)
                incoming:write(bytes)
            end
        end
        for _ = 1, 3 do
            assert.are.same({ nil, "want_read" }, { object:try_read(10) })
            carry()
        end
        backend.connection_write(id, "hello", 0)
        carry()
        assert.are.same({ "hel" }, { object:try_read(3) })
        assert.are.same({ "lo" }, { object:try_read() })
        assert.are.same({ nil, "want_read" }, { object:try_read() })
        raises("TypeError", {}, object.try_read, object, "x")
        incoming:write_eof()
        raises("SSLEOFError", { errno = ssl.SSL_ERROR_EOF }, object.try_read, object)
        backend.close(id)
    end)
end)

describe("methods in C and in Lua", function()
    handles.watch(before_each, after_each)

    -- in_lua returns the Lua method that a C method calls for unusual arguments; or the method itself if it is in Lua.
    local function in_lua(method)
        if debug.getinfo(method, "S").what ~= "C" then
            return method
        end
        local _, f = debug.getupvalue(method, 2)
        return f
    end

    it("have the same results", function()
        local sock, server = link.open()
        local fast = backend.name == "native" and tonumber(_VERSION:match "%d%.%d") >= 5.3
        for _, name in ipairs { "recv", "recv_into", "send", "sendall", "try_recv" } do
            assert.are.equal(fast, debug.getinfo(sock[name], "S").what == "C")
        end
        for _, each in ipairs {
            { "recv", "x" }, { "recv", -1 }, { "recv", 1.5 }, { "recv", 2 ^ 40 }, { "recv", 1, 1 }, { "recv", 0 }, { "recv", 1, "x" },
            { "recv_into" }, { "recv_into", "x" }, { "recv_into", socket.buffer(0) }, { "recv_into", socket.buffer(4), -1 },
            { "recv_into", socket.buffer(4), 1, 1 }, { "send" }, { "send", "" }, { "send", 5 }, { "send", "x", 1 },
            { "send", socket.buffer(0) }, { "sendall" }, { "sendall", "" }, { "sendall", {} }, { "sendall", "x", 1 },
            { "try_recv", 2 ^ 40 }, { "try_recv", 8 }, { "try_recv" },
        } do
            local method = sock[each[1]]
            local ok, answer = pcall(method, sock, each[2], each[3], each[4])
            local ok_too, other = pcall(in_lua(method), sock, each[2], each[3], each[4])
            assert.are.equal(ok_too, ok)
            assert.are.equal(tostring(other), tostring(answer))
        end
        local buffer = socket.buffer(5)
        for turn = 1, 2 do
            local function call(name, ...)
                local method = turn == 1 and sock[name] or in_lua(sock[name])
                return method(sock, ...)
            end
            buffer:set(0, "hello")
            assert.are.equal(5, call("send", buffer))
            assert.are.equal(5, call("sendall", buffer))
            assert.are.equal(3, call("send", "abc"))
            assert.are.equal(3, call("sendall", "abc"))
            local got = ""
            while #got < 16 do
                got = got .. server:recv(100)
            end
            assert.are.equal("hellohelloabcabc", got)
            server:sendall "abcdefgh"
            assert.are.equal("ab", call("recv", 2))
            assert.are.equal(5, call("recv_into", buffer))
            assert.are.equal("cdefg", tostring(buffer))
            assert.are.equal("h", call("try_recv", 2))
        end
        sock:close()
        for _, name in ipairs { "recv", "send", "sendall", "try_recv" } do
            raises("error", { errno = 9 }, sock[name], sock, name:find "send" and "x" or 1)
            raises("error", { errno = 9 }, in_lua(sock[name]), sock, name:find "send" and "x" or 1)
        end
        server:close()
    end)
end)
