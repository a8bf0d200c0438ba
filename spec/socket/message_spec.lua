-- sendmsg, recvmsg and recvmsg_into.
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local raises = require "support.raises"
local scheduler = require "support.scheduler"
local socket = require "cleat.socket"

local EAGAIN, EBADF = 11, 9

local function datagrams()
    local one, two = socket.socket(nil, socket.SOCK_DGRAM), socket.socket(nil, socket.SOCK_DGRAM)
    two:bind { "127.0.0.1", 0 }
    two:settimeout(10)
    return one, two, two:getsockname()
end

describe("messages:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("of several parts are one datagram, or bytes of a stream", function()
        local one, two, address = datagrams()
        local buffer = socket.buffer(3)
        buffer:set(0, "\0b\255")
        assert.are.equal(7, one:sendmsg({ "a", "", buffer, "end" }, {}, 0, address))
        assert.are.equal(0, one:sendmsg({}, nil, nil, address))
        local data, ancdata, flags, from = two:recvmsg(100)
        local _
        assert.are.equal("a\0b\255end", data)
        assert.are.same({}, ancdata)
        assert.are.equal(0, flags)
        assert.are.same(one:getsockname()[2], from[2])
        data, _, flags = two:recvmsg(100, 0, 0)
        assert.are.equal("", data)
        assert.are.equal(0, flags)
        one:connect(address)
        assert.are.equal(2, one:sendmsg { "x", "y" })
        assert.are.equal("xy", (two:recvmsg(5)))
        one:close()
        two:close()
        one, two = socket.socketpair()
        assert.are.equal(10, one:sendmsg { "hello", "there" })
        data, _, flags, from = two:recvmsg(7)
        assert.are.equal("helloth", data)
        assert.are.equal(0, flags)
        assert.is_nil(from)
        one:close()
        assert.are.equal("ere", (two:recvmsg(100)))
        assert.are.equal("", (two:recvmsg(100)))
        two:close()
    end)

    it("are received into several buffers, one after the other", function()
        local one, two, address = datagrams()
        local first, second, third = socket.buffer(2), socket.buffer(3), socket.buffer(4)
        third:set(0, "keep")
        one:sendto("1234", address)
        local _
        local count, ancdata, flags, from = two:recvmsg_into { first, second, third }
        assert.are.equal(4, count)
        assert.are.same({}, ancdata)
        assert.are.equal(0, flags)
        assert.are.equal("127.0.0.1", from[1])
        assert.are.same({ "12", "34\0", "keep" }, { tostring(first), tostring(second), tostring(third) })
        one:sendto("1234567890", address)
        count, _, flags = two:recvmsg_into({ first, second }, 0, 0)
        assert.are.equal(5, count)
        assert.are.equal(socket.MSG_TRUNC, flags)
        assert.are.same({ "12", "345" }, { tostring(first), tostring(second) })
        one:close()
        two:close()
    end)

    it("report truncation, and discard descriptors that a peer sends", function()
        local one, two, address = datagrams()
        one:sendto("123456", address)
        local data, _, flags = two:recvmsg(2, 0, socket.MSG_PEEK)
        assert.are.same({ "12", socket.MSG_TRUNC }, { data, flags })
        data, _, flags = two:recvmsg(6)
        assert.are.same({ "123456", 0 }, { data, flags })
        one:close()
        two:close()
        local path = process.directory() .. "/rights"
        local listener = socket.socket(socket.AF_UNIX)
        listener:bind(path)
        listener:listen()
        listener:settimeout(30)
        local sender = process.start { "/usr/bin/python3", "-E", "-s", "-c", [[
import socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
socket.send_fds(sock, [b"with rights"], [0, 1])
sock.recv(1)]], path }
        local peer = listener:accept()
        peer:settimeout(30)
        data, _, flags = peer:recvmsg(100)
        assert.are.same({ "with rights", socket.MSG_CTRUNC }, { data, flags })
        local probe = socket.socket() -- no descriptor was received: the lowest free number is still free
        assert.are.equal(peer:fileno() + 1, probe:fileno())
        probe:close()
        peer:close()
        listener:close()
        assert.are.equal(0, sender:wait())
    end)

    it("wait until the timeout, and by the waiter", function()
        local one, two = socket.socketpair()
        two:settimeout(0)
        raises("socket.error", { errno = EAGAIN }, two.recvmsg, two, 1)
        two:settimeout(0.01)
        raises("socket.timeout", {}, two.recvmsg, two, 1)
        local loop = scheduler.new()
        two:settimeout(10)
        two:setwaiter(loop.waiter)
        local got
        local buffer = socket.buffer(5)
        loop:start(function()
            two:recvmsg_into { buffer }
            got = tostring(buffer)
        end)
        assert.is_nil(got)
        loop:start(function()
            one:sendmsg { "he", "llo" }
        end)
        loop:run(10)
        assert.are.equal("hello", got)
        one:close()
        two:close()
    end)

    it("refuse wrong arguments, and ancillary data", function()
        local one, two = socket.socketpair()
        raises("NotImplementedError", { match = "sendmsg() supports no ancillary data" }, one.sendmsg, one, { "x" },
            { { socket.SOL_SOCKET, 1, "\0\0\0\0" } })
        raises("NotImplementedError", { match = "recvmsg() supports no ancillary data" }, one.recvmsg, one, 1, 100)
        raises("NotImplementedError", { match = "recvmsg_into() supports no ancillary data" }, one.recvmsg_into, one,
            { socket.buffer(1) }, 1)
        raises("ValueError", { match = "invalid ancillary data buffer size in recvmsg()" }, one.recvmsg, one, 1, -1)
        raises("ValueError", { match = "negative buffer size in recvmsg()" }, one.recvmsg, one, -1)
        raises("TypeError", { match = "sendmsg() argument 'buffers' must be an array of strings and buffers" }, one.sendmsg, one, "x")
        raises("TypeError", { match = "sendmsg() argument 'buffers'" }, one.sendmsg, one, { "x", 7 })
        raises("TypeError", { match = "[1] is nil" }, one.sendmsg, one, { nil, "x" })
        raises("TypeError", { match = "'buffers'" }, one.sendmsg, one, socket.buffer(1))
        raises("TypeError", { match = "'ancdata'" }, one.sendmsg, one, { "x" }, 0)
        raises("TypeError", { match = "must be a path" }, one.sendmsg, one, { "x" }, {}, 0, 7)
        raises("TypeError", { match = "recvmsg_into() argument 'buffers' must be an array of buffers" }, one.recvmsg_into, one, { "x" })
        raises("TypeError", { match = "recvmsg_into() argument 'buffers'" }, one.recvmsg_into, one, socket.buffer(1))
        two:settimeout(0)
        raises("socket.error", { errno = EAGAIN }, two.recv, two, 1) -- nothing was sent
        one:close()
        raises("socket.error", { errno = EBADF }, one.sendmsg, one, { "x" })
        raises("socket.error", { errno = EBADF }, one.recvmsg, one, 1)
        two:close()
    end)

    it("B-38 are refused by TLS sockets in every state: they would be plaintext", function()
        local client, server = link.open()
        local text = "%s not allowed on instances of <class 'ssl.SSLSocket'>"
        local fresh = link.context {}:wrap_socket(socket.socket())
        for _, conn in ipairs { client, fresh } do
            for name, argument in pairs { sendmsg = { "secret" }, recvmsg = 1, recvmsg_into = { socket.buffer(1) } } do
                raises("NotImplementedError", { match = text:format(name) }, conn[name], conn, argument)
            end
        end
        client:sendall("x")
        assert.are.equal("x", server:recv(10))
        fresh:close()
        client:close()
        server:close()
        raises("NotImplementedError", { match = text:format("sendmsg") }, client.sendmsg, client, { "x" })
    end)

    it("B-38 detach ends the socket object, and leaves a descriptor with the connection", function()
        local client, server = link.open()
        local fd = client:detach()
        for _, name in ipairs { "send", "recv", "fileno", "detach", "unwrap" } do
            local class = name == "unwrap" and "ValueError" or "socket.error"
            raises(class, { errno = class == "socket.error" and EBADF or nil }, client[name], client, name == "send" and "x" or 1)
        end
        client:close()
        local again = socket.socket { fileno = fd }
        assert.are.equal(socket.SOCK_STREAM, again.type)
        again:sendall("\23\3\3\0\5plain") -- not a record of the connection, so the peer must not accept it as data
        raises("ssl.SSLError", {}, server.recv, server, 10)
        again:close()
        server:close()
    end)
end)
