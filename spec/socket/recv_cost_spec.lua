-- A receive allocates memory for the bytes that arrive, not for the size that is requested. Measured by Lua's memory.
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local TURNS, HUGE = 20, 2 ^ 30
local SCRATCH = 200 -- KiB: the buffer that all receives share grows once

-- allocated returns how many KiB f allocates in TURNS calls.
local function allocated(f, size)
    f(4096) -- for the objects that are made once
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    for _ = 1, TURNS do
        f(size)
    end
    local after = collectgarbage "count"
    collectgarbage "restart"
    return after - before
end

-- cheap checks that receive(size) of one byte allocates little more with a large size than with a small one.
local function cheap(send, receive)
    local function turn(size)
        send "x"
        assert.are.equal("x", (receive(size)))
    end
    local small = allocated(turn, 4096)
    for _, size in ipairs { 65536, 70000, 2 ^ 20, HUGE } do
        local large = allocated(turn, size)
        assert.is_true(large < small + SCRATCH, ("%d of %d bytes: %.0f KiB, %.0f with 4096"):format(TURNS, size, large, small))
    end
end

local function sender(sock)
    return function(data)
        return sock:send(data)
    end
end

local function receiver(sock, name)
    return function(size)
        return sock[name](sock, size)
    end
end

-- ends returns two datagram sockets that are connected to each other over IPv4.
local function ends()
    local one, two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one:bind { "127.0.0.1", 0 }
    two:bind { "127.0.0.1", 0 }
    one:connect(two:getsockname())
    two:connect(one:getsockname())
    return one, two
end

local PAIRS = {
    { "a stream", socket.socketpair },
    { "a Unix datagram socket", function()
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    end },
    { "an Internet datagram socket", ends },
}

-- shaken returns two SSLObjects after their handshake.
local function shaken()
    local a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context:load_cert_chain(pki.chain "server-ec")
    local server = context:wrap_bio(b, a, true)
    local client = ssl.SSLContext(ssl.PROTOCOL_TLS):wrap_bio(a, b)
    local done = 0
    while done < 2 do
        done = 0
        for _, object in ipairs { client, server } do
            done = done + (pcall(object.do_handshake, object) and 1 or 0)
        end
    end
    return client, server
end

describe("receiving allocates memory for the bytes that arrive:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, case in ipairs(PAIRS) do
        for _, method in ipairs { "recv", "recvfrom" } do
            it(method .. " from " .. case[1], function()
                local one, two = case[2]()
                two:settimeout(10)
                cheap(sender(one), receiver(two, method))
            end)
        end
    end

    it("SSLObject:read", function()
        local client, server = shaken()
        cheap(function(data)
            client:write(data)
        end, receiver(server, "read"))
    end)

    it("read and recv of an SSLSocket", function()
        local one, two = socket.socketpair()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        context:load_cert_chain(pki.chain "server-ec")
        local client = ssl.SSLContext(ssl.PROTOCOL_TLS):wrap_socket(one, { do_handshake_on_connect = false })
        local server = context:wrap_socket(two, { server_side = true, do_handshake_on_connect = false })
        client:settimeout(0)
        server:settimeout(0)
        local done = 0
        while done < 2 do
            done = 0
            for _, object in ipairs { client, server } do
                done = done + (pcall(object.do_handshake, object) and 1 or 0)
            end
        end
        cheap(sender(client), receiver(server, "read"))
        cheap(sender(client), receiver(server, "recv"))
    end)

    it("a datagram of any size is received as a whole", function()
        local one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        one:setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200000)
        for _, length in ipairs { 1, 65536, 65537, 70000, 150000 } do
            local data = ("d"):rep(length - 1) .. "e"
            for _, method in ipairs { "recv", "recvfrom" } do
                one:send(data)
                assert.are.equal(data, (two[method](two, 2 ^ 20)))
                one:send(data)
                assert.are.equal(data:sub(1, 66000), (two[method](two, 66000)))
            end
        end
        one, two = ends()
        local data = ("u"):rep(65507)
        one:send(data)
        assert.are.equal(data, (two:recv(2 ^ 20)))
    end)

    it("MSG_WAITALL returns the full size", function()
        local one, two = socket.socketpair()
        one:setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 ^ 20)
        local data = ("w"):rep(150000)
        one:sendall(data)
        assert.are.equal(data, two:recv(#data, socket.MSG_WAITALL))
        one:sendall(data)
        one:shutdown(socket.SHUT_WR)
        assert.are.equal(data, two:recv(2 ^ 20, socket.MSG_WAITALL))
    end)

    it("a stream returns at least 64 KiB if they have arrived", function()
        local one, two = socket.socketpair()
        one:setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 ^ 20)
        one:sendall(("s"):rep(150000))
        assert.are.equal(65536, #two:recv(2 ^ 20))
        assert.are.equal(65536, #two:recv(HUGE))
        assert.are.equal(150000 - 2 * 65536, #two:recv(HUGE))
    end)
end)
