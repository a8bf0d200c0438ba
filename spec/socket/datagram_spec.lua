-- Datagrams: sendto, recvfrom and recvfrom_into of plain sockets, and their errors on TLS sockets.
local handles = require "support.handles"
local limits = require "support.limits"
local link = require "support.link"
local process = require "support.process"
local raises = require "support.raises"
local select = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local EAGAIN, EBADF, EMSGSIZE, ENOENT, ENOTCONN, EDESTADDRREQ = 11, 9, 90, 2, 107, 89

-- bound returns a datagram socket that is bound to an address.
local function bound(family, host)
    local sock = socket.socket(family, socket.SOCK_DGRAM)
    sock:settimeout(10)
    sock:bind(family == socket.AF_UNIX and host or { host, 0 })
    return sock, sock:getsockname()
end

local FAMILIES = {
    { "IPv4", socket.AF_INET, "127.0.0.1" },
    { "IPv6", socket.AF_INET6, "::1" },
    { "Unix", socket.AF_UNIX },
}

for _, case in ipairs(FAMILIES) do
    local name, family = case[1], case[2]

    describe("datagrams over " .. name .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        local count = 0
        -- test declares a test that gets two sockets and their addresses.
        local function test(title, body)
            it(title .. ", " .. name, function()
                count = count + 1
                local host = case[3] or ("%s/%d-"):format(process.directory(), count)
                local first, here = bound(family, case[3] or host .. "a")
                local second, there = bound(family, case[3] or host .. "b")
                body(first, second, here, there)
                first:close()
                second:close()
            end)
        end

        test("are received one by one, with the sender's address", function(first, second, here, there)
            assert.are.equal(family == socket.AF_INET and 2 or family == socket.AF_INET6 and 4 or #there, #there)
            assert.are.equal(5, first:sendto("hello", there))
            assert.are.equal(6, first:sendto("\0two\255\n", 0, there))
            assert.are.equal(0, first:sendto("", there))
            local data, from = second:recvfrom(100)
            assert.are.equal("hello", data)
            assert.are.same(here, from)
            data, from = second:recvfrom(100, 0)
            assert.are.equal("\0two\255\n", data)
            assert.are.same(here, from)
            data, from = second:recvfrom(100)
            assert.are.equal("", data)
            assert.are.same(here, from)
            second:sendto("answer", from)
            assert.are.equal("answer", (first:recvfrom(100)))
        end)

        test("are truncated if they do not fit, and can be peeked at", function(first, second, here, there)
            first:sendto("123456789", there)
            first:sendto("next", there)
            local data, from = second:recvfrom(4, socket.MSG_PEEK)
            assert.are.equal("1234", data)
            assert.are.same(here, from)
            assert.are.equal("12345", (second:recvfrom(5)))
            assert.are.equal("next", (second:recvfrom(0x10000)))
            first:sendto("gone", there)
            first:sendto("last", there)
            data, from = second:recvfrom(0)
            assert.are.equal("", data)
            assert.are.same(here, from)
            assert.are.equal("last", (second:recvfrom(10)))
        end)

        test("are received into buffers, and sent from buffers", function(first, second, here, there)
            local buffer = socket.buffer(6)
            buffer:set(0, "\0\1\2\3\4\5")
            assert.are.equal(6, first:sendto(buffer, there))
            assert.are.equal(6, first:sendto(buffer, 0, there))
            assert.are.equal(4, first:sendto("abcd", there))
            local into = socket.buffer(10)
            local size, from = second:recvfrom_into(into)
            assert.are.equal(6, size)
            assert.are.same(here, from)
            assert.are.equal("\0\1\2\3\4\5\0\0\0\0", tostring(into))
            size, from = second:recvfrom_into(into, 2)
            assert.are.equal(2, size)
            assert.are.same(here, from)
            size = second:recvfrom_into(into, 0, socket.MSG_PEEK)
            assert.are.equal(4, size)
            assert.are.equal("abcd\4\5\0\0\0\0", tostring(into))
            assert.are.equal("abcd", second:recv(100))
        end)

        test("wait until the timeout", function(first, second, _, there)
            second:settimeout(0)
            local into = socket.buffer(1)
            raises("socket.error", { errno = EAGAIN }, second.recvfrom, second, 10)
            raises("socket.error", { errno = EAGAIN }, second.recvfrom_into, second, into)
            second:settimeout(0.05)
            local start = process.clock()
            raises("socket.timeout", { match = "timed out" }, second.recvfrom, second, 10)
            local took = process.clock() - start
            assert.is_true(took >= 0.045 and took < limits.bound(2))
            first:sendto("x", there)
            assert.are.equal(second, select.select({ second }, {}, {}, 5)[1])
            assert.are.equal("x", (second:recvfrom(10)))
        end)

        test("need no address on a connected socket", function(first, second, here, there)
            raises("socket.error", {}, first.send, first, "to no peer")
            first:connect(there)
            second:connect(here)
            assert.are.equal(3, first:send("one"))
            assert.are.equal("one", second:recv(10))
            first:send("two")
            local data, from = second:recvfrom(10)
            assert.are.equal("two", data)
            assert.are.same(here, from)
        end)

        test("of a closed socket raise EBADF", function(first, _, _, there)
            first:close()
            raises("socket.error", { errno = EBADF }, first.sendto, first, "x", there)
            raises("socket.error", { errno = EBADF }, first.recvfrom, first, 1)
            raises("socket.error", { errno = EBADF }, first.recvfrom_into, first, socket.buffer(1))
        end)

        test("with wrong arguments raise, and send nothing", function(first, second, _, there)
            raises("TypeError", { match = "sendto() argument 'data' must be a string or a buffer, not 7" }, first.sendto, first, 7, there)
            raises("TypeError", { match = "sendto() argument" }, first.sendto, first, "x")
            raises("TypeError", { match = "sendto() argument 'flags' must be an integer, not 1.5" }, first.sendto, first, "x", 1.5, there)
            raises("TypeError", { match = "recvfrom() argument 'bufsize' must be an integer, not string" }, second.recvfrom, second, "1")
            raises("TypeError", { match = "recvfrom() argument 'bufsize'" }, second.recvfrom, second)
            raises("TypeError", { match = "recvfrom() argument 'flags'" }, second.recvfrom, second, 1, "0")
            raises("ValueError", { match = "negative buffersize in recvfrom" }, second.recvfrom, second, -1)
            raises("TypeError", { match = "recvfrom_into() argument 'buffer' must be a buffer, not string" },
                second.recvfrom_into, second, "x")
            raises("ValueError", { match = "negative buffersize in recvfrom_into" }, second.recvfrom_into, second, socket.buffer(1), -1)
            raises("ValueError", { match = "buffer too small" }, second.recvfrom_into, second, socket.buffer(1), 2)
            second:settimeout(0)
            raises("socket.error", { errno = EAGAIN }, second.recvfrom, second, 10)
        end)
    end)
end

describe("datagrams:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("accept addresses of their family only", function()
        local sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        raises("TypeError", { match = "sendto() argument must be an address {host, port}, not string" }, sock.sendto, sock, "x", "path")
        raises("ValueError", { match = "port must be 0-65535" }, sock.sendto, sock, "x", { "127.0.0.1", 65536 })
        raises("socket.gaierror", {}, sock.sendto, sock, "x", { "::1", 5 })
        raises("socket.error", { errno = EMSGSIZE }, sock.sendto, sock, ("x"):rep(70000), { "127.0.0.1", 9 })
        raises("socket.error", { errno = EDESTADDRREQ }, sock.send, sock, "x")
        sock:close()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        raises("TypeError", { match = "must be a path, not table" }, sock.sendto, sock, "x", { "127.0.0.1", 1 })
        raises("socket.error", { errno = ENOENT }, sock.sendto, sock, "x", process.directory() .. "/absent")
        sock:close()
    end)

    it("can be sent to host names", function()
        local receiver, address = bound(socket.AF_INET, "127.0.0.1")
        local sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender:sendto("by name", { "localhost", address[2] })
        local data, from = receiver:recvfrom(100)
        assert.are.equal("by name", data)
        assert.are.same({ "127.0.0.1", sender:getsockname()[2] }, from)
        sender:close()
        receiver:close()
    end)

    it("of a Unix socket without a name have the sender nil", function()
        local path = process.directory() .. "/receiver"
        local receiver = bound(socket.AF_UNIX, path)
        local sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender:sendto("anonymous", path)
        local data, from = receiver:recvfrom(100)
        assert.are.equal("anonymous", data)
        assert.is_nil(from)
        sender:sendto("again", path)
        assert.are.same({ 5 }, { receiver:recvfrom_into(socket.buffer(10)) })
        sender:close()
        receiver:close()
    end)

    it("recvfrom of a stream returns no sender", function()
        local first, second = link.tcp()
        first:sendall("stream")
        second:settimeout(10)
        local data, from = second:recvfrom(100)
        assert.are.equal("stream", data)
        assert.is_nil(from)
        first:close()
        assert.are.equal("", (second:recvfrom(100)))
        second:close()
    end)

    it("leave no descriptor open, after a thousand sockets", function()
        local receiver, address = bound(socket.AF_INET, "127.0.0.1")
        local sender, from_address = bound(socket.AF_INET, "127.0.0.1")
        for number = 1, 1000 do
            sender:sendto(tostring(number), address)
            local data, from = receiver:recvfrom(100)
            assert.are.equal(tostring(number), data)
            assert.are.equal(from_address[2], from[2])
        end
        sender:close()
        receiver:close()
    end)

    it("WRAP-03 cannot be wrapped", function()
        local sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        raises("NotImplementedError", { match = "only stream sockets are supported" }, ssl.wrap_socket, sock)
        sock:close()
    end)

    -- The name and the function of each call, and its arguments.
    local function calls(sock, address)
        return {
            { "sendto", sock.sendto, sock, "plaintext", address },
            { "sendto", sock.sendto, sock, "plaintext", 0x20000000, address }, -- MSG_FASTOPEN connects and sends
            { "recvfrom", sock.recvfrom, sock, 1 },
            { "recvfrom_into", sock.recvfrom_into, sock, socket.buffer(1) },
        }
    end

    it("SOCK-23 are not allowed on a TLS connection, and nothing is sent", function()
        local client, server = link.open()
        for _, case in ipairs(calls(client, { "127.0.0.1", 1 })) do
            raises("ValueError", { match = case[1] .. " not allowed on instances of <class 'ssl.SSLSocket'>" }, case[2], case[3],
                case[4], case[5], case[6])
        end
        client:sendall("over TLS")
        assert.are.equal("over TLS", server:recv(100))
        -- Nor after unwrap().
        client:shutdown(socket.SHUT_WR)
        for _, case in ipairs(calls(client, { "127.0.0.1", 1 })) do
            raises("ValueError", { match = "not allowed" }, case[2], case[3], case[4], case[5], case[6])
        end
        client:close()
        server:close()
    end)

    it("SOCK-23 are not allowed before the handshake either", function()
        local client, server = link.pair()
        for _, sock in ipairs { client, server } do
            for _, case in ipairs(calls(sock, { "127.0.0.1", 1 })) do
                raises("ValueError", { match = "not allowed" }, case[2], case[3], case[4], case[5], case[6])
            end
            sock:close()
        end
    end)

    it("SOCK-24 raise the system's error without a connection, and do not connect", function()
        local listener = socket.socket()
        listener:settimeout(0)
        listener:bind { "127.0.0.1", 0 }
        listener:listen(1)
        local address = listener:getsockname()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        local sock = context:wrap_socket(socket.socket())
        for _, case in ipairs(calls(sock, address)) do
            raises("socket.error", { errno = ENOTCONN }, case[2], case[3], case[4], case[5], case[6])
        end
        raises("socket.error", { errno = EAGAIN }, listener.accept, listener)
        -- The same after the descriptor has been connected without cleat.
        local plain = socket.socket()
        sock:close()
        sock = context:wrap_socket(plain)
        plain:connect(address)
        for _, case in ipairs(calls(sock, address)) do
            raises("ValueError", { match = "not allowed" }, case[2], case[3], case[4], case[5], case[6])
        end
        listener:settimeout(5)
        local peer = listener:accept()
        sock:close()
        assert.are.equal("", peer:recv(100))
        peer:close()
        listener:close()
    end)

    it("SOCK-04 SOCK-23 of a closed TLS socket raise EBADF", function()
        local client, server = link.pair()
        client:close()
        for _, case in ipairs(calls(client, { "127.0.0.1", 1 })) do
            raises("socket.error", { errno = EBADF }, case[2], case[3], case[4], case[5], case[6])
        end
        server:close()
    end)
end)
