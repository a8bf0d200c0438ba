-- Coroutines that are killed while they wait: closed (coroutine.close, Lua 5.4), or collected without a reference. Each
-- operation is killed at each place where it waits; then another coroutine continues with the same object, or the
-- object is closed. No id and no descriptor stays open.
local handles = require "support.handles"
local adapter_stream = require "support.adapter_stream"
local link = require "support.link"
local limits = require "support.limits"
local process = require "support.process"
local raises = require "support.raises"
local select = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local wrap = require "cleat.ssl.wrap"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }

-- waiter waits by yielding: the code that resumes the coroutine does the waiting.
local function waiter(sock, event)
    coroutine.yield(sock, event)
    return true
end

local WAYS = { dropped = function() end }
if coroutine.close then
    function WAYS.closed(thread)
        assert(coroutine.close(thread))
    end
end

-- begin runs body until it has waited count times, with step() before each resumption. It returns the coroutine, or nil
-- if body ended before; it raises body's failure.
local function begin(body, count, step)
    local thread = coroutine.create(body)
    for turn = 1, count do
        if turn > 1 then
            step()
        end
        local ok, failure = coroutine.resume(thread)
        if not ok then
            error(failure, 0)
        elseif coroutine.status(thread) == "dead" then
            return nil
        end
    end
    return thread
end

-- finish runs body to its end, with step() each time that it waits, and returns body's results. step receives what body
-- yields.
local function finish(body, step)
    local thread = coroutine.create(body)
    local deadline = process.clock() + limits.bound(10)
    while true do
        local ok, result = coroutine.resume(thread)
        if not ok then
            error(result, 0)
        elseif coroutine.status(thread) == "dead" then
            return result
        end
        assert(process.clock() < deadline, "the coroutine does not end")
        step(result)
    end
end

local function nothing() end

-- killed_everywhere kills a coroutine at each place where it waits, at most at `most` places, and returns the number of
-- places. make() returns the body to kill, step() for the peer's part meanwhile, and after(way), which checks the
-- objects and closes them.
local function killed_everywhere(make, most)
    local places = 0
    for _, kill in pairs(WAYS) do
        local place = 0
        repeat
            place = place + 1
            local body, step, after = make()
            local thread = begin(body, place, step)
            local waits = thread ~= nil
            if waits then
                kill(thread)
                thread, body = nil, nil -- luacheck: ignore
                collectgarbage()
                collectgarbage()
                places = places + 1
            end
            after()
        until not waits or place == most
    end
    return places
end

-- attempt calls a method of a non-blocking socket, which may fail.
local function attempt(sock, method, ...)
    local ok, failure = pcall(sock[method], sock, ...)
    if not ok and not ssl.SSLWantReadError:is(failure) and not ssl.SSLWantWriteError:is(failure) then
        error(failure, 0)
    end
end

local function with_waiter(sock)
    sock:settimeout(10)
    sock:setwaiter(waiter)
    return sock
end

-- The two ends exchange data.
local function talk(sock, peer)
    peer:settimeout(10)
    finish(function()
        sock:sendall("there")
    end, nothing)
    assert.are.equal("there", peer:recv(5))
    peer:sendall("back")
    assert.are.equal("back", finish(function()
        return sock:recv(4)
    end, nothing))
    sock:close()
    peer:close()
end

describe("A coroutine that is killed", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, version in ipairs(VERSIONS) do
        for _, role in ipairs { "client", "server" } do
            it(("in a %s's handshake, %s, leaves a handshake that can continue"):format(role, version), function()
                local places = killed_everywhere(function()
                    local client, server = link.pair({ version = version })
                    local sock, peer = client, server
                    if role == "server" then
                        sock, peer = server, client
                    end
                    with_waiter(sock)
                    local function shake()
                        sock:do_handshake()
                    end
                    local function step()
                        attempt(peer, "do_handshake")
                    end
                    return shake, step, function()
                        finish(shake, step)
                        step()
                        assert.are.equal(version, sock:version())
                        talk(sock, peer)
                    end
                end)
                assert(places >= 1, "the operation never waited")
            end)
        end
    end

    it("in wrap_socket leaves the plain socket unchanged", function()
        local context = link.context(link.client_options())
        local places = killed_everywhere(function()
            local plain, other = link.tcp()
            with_waiter(plain)
            other:settimeout(0)
            local peer = link.context { cert = "server-ec" }:wrap_socket(other,
                { server_side = true, do_handshake_on_connect = false })
            return function()
                context:wrap_socket(plain, { server_hostname = "localhost" })
            end, function()
                attempt(peer, "do_handshake")
            end, function()
                plain:close()
                collectgarbage()
                peer:settimeout(10)
                raises({ "socket.error" }, {}, function() -- the peer is gone
                    peer:do_handshake()
                    assert(peer:recv(1) == "")
                    error(socket.error(0, "the end"), 0)
                end)
                peer:close()
            end
        end)
        assert(places >= 1, "the operation never waited")
    end)

    it("in recv leaves later bytes to the next reader", function()
        killed_everywhere(function()
            local sock, peer = link.open()
            with_waiter(sock)
            return function()
                return sock:recv(10)
            end, nothing, function()
                talk(sock, peer)
            end
        end, 3)
    end)

    it("in readline of a file loses no bytes", function()
        killed_everywhere(function()
            local sock, peer = link.open()
            with_waiter(sock)
            local file = sock:makefile("r")
            peer:sendall("the first half, ")
            local function read()
                return file:readline()
            end
            return read, nothing, function()
                peer:sendall("the second\n")
                assert.are.equal("the first half, the second\n", finish(read, nothing))
                file:close()
                talk(sock, peer)
            end
        end, 3)
    end)

    it("in sendall has sent a part of the data, and the connection can be closed", function()
        local data = ("0123456789abcdef"):rep(262144)
        local places = killed_everywhere(function()
            local sock, peer = link.open()
            with_waiter(sock)
            local got, count = {}, 0
            local function take()
                local ok, bytes = pcall(peer.recv, peer, 65536)
                if not ok then
                    assert(ssl.SSLWantReadError:is(bytes), tostring(bytes))
                    return false
                end
                got[#got + 1], count = bytes, count + #bytes
                return bytes ~= ""
            end
            local function take_all()
                while take() do end
            end
            peer:settimeout(0)
            return function()
                sock:sendall(data)
            end, take_all, function()
                sock:close()
                peer:settimeout(10)
                take_all()
                assert.are.equal(data:sub(1, count), table.concat(got))
                peer:close()
            end
        end, 3)
        assert(places >= 3, "the operation never waited")
    end)

    it("in unwrap leaves close_notify to the next unwrap", function()
        killed_everywhere(function()
            local sock, peer = link.open()
            with_waiter(sock)
            peer:settimeout(0)
            local plain
            local function closing()
                plain = sock:unwrap()
            end
            return closing, nothing, function()
                local other
                finish(closing, function()
                    local ok, result = pcall(peer.unwrap, peer)
                    other = ok and result or other
                end)
                other = other or peer:unwrap()
                plain:close()
                other:close()
            end
        end, 3)
    end)

    it("in connect leaves a socket that can be closed, and a listener that works", function()
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        listener:listen(5)
        local places = killed_everywhere(function()
            local sock = link.context(link.client_options()):wrap_socket(with_waiter(socket.socket()),
                { server_hostname = "localhost" })
            local peer
            return function()
                sock:connect(listener:getsockname())
            end, function()
                if not peer then
                    peer = listener:accept()
                    peer:settimeout(0)
                    peer = link.context { cert = "server-ec" }:wrap_socket(peer,
                        { server_side = true, do_handshake_on_connect = false })
                end
                attempt(peer, "do_handshake")
            end, function()
                sock:close()
                if not peer then
                    peer = listener:accept()
                end
                peer:close()
            end
        end)
        listener:close()
        assert(places >= 2, "the operation never waited")
    end)

    it("in connect while a name is looked up leaves a socket that can connect", function()
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        listener:listen(5)
        local places = killed_everywhere(function()
            local sock = with_waiter(socket.socket())
            local function connect()
                sock:connect { "localhost", listener:getsockname()[2] }
            end
            return connect, nothing, function()
                finish(connect, function(object)
                    if object ~= sock then -- the object of the name resolution
                        select.select({ object }, {}, {}, 5)
                    end
                end)
                local peer = listener:accept()
                talk(sock, peer)
            end
        end, 1)
        listener:close()
        assert(places >= 1, "the operation never waited")
    end)

    it("in accept leaves a listener that works", function()
        local context = link.context { cert = "server-ec" }
        local places = killed_everywhere(function()
            local plain = socket.socket()
            plain:bind { "127.0.0.1", 0 }
            plain:listen(5)
            local listener = context:wrap_socket(with_waiter(plain), { server_side = true })
            local client
            local function open()
                local sock = socket.create_connection(listener:getsockname(), 10)
                sock:settimeout(0)
                return link.context(link.client_options()):wrap_socket(sock,
                    { server_hostname = "localhost", do_handshake_on_connect = false })
            end
            local function step()
                client = client or open()
                attempt(client, "do_handshake")
            end
            local function accept()
                return (listener:accept())
            end
            return accept, step, function()
                if client then
                    client:close()
                end
                client = open()
                local server = finish(accept, function()
                    step()
                end)
                step()
                talk(server, client)
                listener:close()
            end
        end)
        assert(places >= 2, "the operation never waited")
    end)

    it("in the servername callback leaves a handshake that calls it again", function()
        killed_everywhere(function()
            local context, calls = link.context { cert = "server-ec" }, 0
            context:set_servername_callback(function()
                calls = calls + 1
                if calls == 1 then
                    coroutine.yield()
                end
            end)
            local client, server = link.pair({}, { context = context })
            attempt(client, "do_handshake")
            with_waiter(server)
            return function()
                server:do_handshake()
            end, nothing, function()
                finish(function()
                    server:do_handshake()
                end, function()
                    attempt(client, "do_handshake")
                end)
                assert.are.equal(2, calls)
                talk(server, client)
            end
        end, 1)
    end)
end)

-- A socket over a stream waits in the stream's methods receive and send. Encrypted bytes are kept by the stream, and
-- the next call that sends sends them first; that call is refused if it has other bytes than the killed write.
describe("A coroutine that is killed while an adapter's socket", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    -- open returns a socket over a stream and its peer, a TLS server that does not block. wait is called where the
    -- stream waits.
    local function open(wait, slow)
        local plain, other = link.tcp()
        local stream = adapter_stream(plain, wait)
        if slow then
            local send = stream.send
            function stream:send(bytes, timeout)
                self.pending = self.pending .. bytes
                coroutine.yield() -- nothing is sent while the stream waits
                return send(self, "", timeout)
            end
        end
        local sock = wrap.stream(link.context(link.client_options()), stream, { server_hostname = "localhost" })
        other:settimeout(0)
        local peer = link.context { cert = "server-ec" }:wrap_socket(other,
            { server_side = true, do_handshake_on_connect = false })
        return sock, peer, stream
    end

    local function connected(wait)
        local sock, peer, stream = open(wait)
        finish(function()
            sock:connect { "ignored", 0 }
        end, function()
            attempt(peer, "do_handshake")
        end)
        return sock, peer, stream
    end

    it("receives leaves later bytes to the next reader", function()
        killed_everywhere(function()
            local sock, peer = connected(waiter)
            return function()
                sock:recv(10)
            end, nothing, function()
                talk(sock, peer)
            end
        end, 3)
    end)

    it("does the handshake leaves a handshake that can continue", function()
        local places = killed_everywhere(function()
            local sock, peer = open(waiter, true)
            return function()
                sock:connect { "ignored", 0 }
            end, function()
                attempt(peer, "do_handshake")
            end, function()
                finish(function()
                    sock:do_handshake()
                end, function()
                    attempt(peer, "do_handshake")
                end)
                attempt(peer, "do_handshake")
                talk(sock, peer)
            end
        end)
        assert(places >= 2, "it never waited")
    end)

    it("sends leaves a write that can only continue with the same bytes", function()
        for _, kill in pairs(WAYS) do
            local sock, peer, stream = connected(waiter)
            local send, held = stream.send, true
            function stream:send(bytes, timeout)
                self.pending = self.pending .. bytes
                if held then
                    coroutine.yield()
                end
                return send(self, "", timeout)
            end
            local thread = begin(function()
                sock:sendall("the first half")
            end, 1)
            kill(thread)
            thread = nil -- luacheck: ignore
            collectgarbage()
            collectgarbage()
            held = false
            for _, method in ipairs { "sendall", "send", "write" } do
                for _, other in ipairs { "x", "the first hal", "the second half, which is longer" } do
                    raises("ssl.SSLError", { reason = "BAD_WRITE_RETRY", library = "SSL" }, sock[method], sock, other)
                end
            end
            assert.are.equal(27, sock:sendall("the first half, the second."))
            peer:settimeout(10)
            local got = ""
            while #got < 27 do
                got = got .. peer:recv(100)
            end
            assert.are.equal("the first half, the second.", got)
            talk(sock, peer)
        end
    end)
end)
