-- wrap_socket over LuaSocket's objects.
local backend = require "cleat.backend"
local handles = require "support.handles"
local adapters = require "support.adapters"
local luasocket = require "socket"
local peer = require "support.peer"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local const = backend.const

-- is_open returns whether a number is the descriptor of an open socket.
local function is_open(fd)
    local id = backend.socket_from_fd(fd)
    if id < 0 then
        return false
    end
    backend.socket_detach(id)
    return true
end

local function connect(port)
    local sock = assert(luasocket.tcp())
    sock:settimeout(10)
    assert(sock:connect("127.0.0.1", port))
    return sock
end

describe("over LuaSocket, wrap_socket", function()
    handles.watch(before_each, after_each)

    it("wraps the object, and unwrap() returns it", function()
        local job = adapters.python("echo", "unwrap", "send 706c61696e")
        local plain = connect(job.port)
        local fd = plain:getfd()
        local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost" })
        assert.are.equal("TLSv1.3", sock:version())
        assert.are.equal(-1, plain:getfd())
        assert.are.equal(fd, sock:fileno())
        local data = peer.pattern(300000)
        assert.are.equal(data, adapters.by_turns(sock, data))
        assert.are.equal(plain, sock:unwrap())
        sock:close() -- has no effect on the object that unwrap() has returned
        assert.are.equal(fd, plain:getfd())
        assert.are.equal("plain", plain:receive(5))
        assert.is_nil(plain:receive(1))
        plain:close()
        assert.are.equal("echo 300000 end", job:finish()[2])
        assert.is_false(is_open(fd))
    end)

    it("first reads the bytes that LuaSocket has read ahead", function()
        local listener = assert(luasocket.bind("127.0.0.1", 0))
        local client = connect(select(2, listener:getsockname()))
        local accepted = assert(listener:accept())
        listener:close()
        accepted:settimeout(5)
        local remote = adapters.remote()
        remote:try "do_handshake"
        client:send("STARTTLS\r\n" .. remote.outgoing:read())
        assert.are.equal("STARTTLS", accepted:receive "*l")
        assert.is_true(accepted:dirty())
        local server = adapters.server():wrap_socket(accepted, { server_side = true, do_handshake_on_connect = false })
        server:settimeout(0)
        raises("ssl.SSLWantReadError", {}, server.do_handshake, server)
        client:settimeout(0)
        local _, _, answer = client:receive "*a"
        remote.incoming:write(answer)
        assert.is_true((remote:try "do_handshake"))
        remote.object:write "early"
        client:settimeout(5)
        client:send(remote.outgoing:read())
        server:settimeout(5)
        server:do_handshake()
        assert.are.equal("early", server:recv(10))
        server:close()
        assert.is_nil(client:receive(1e6))
        client:close()
    end)

    it("keeps the object's timeout", function()
        local silent = peer.serve { "waiteof" }
        local plain = connect(silent.port)
        plain:settimeout(0.05)
        local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost", do_handshake_on_connect = false })
        if plain.gettimeout then
            assert.are.equal(0.05, sock:gettimeout())
        else
            sock:settimeout(0.05)
        end
        raises("ssl.SSLError", { match = "timed out" }, sock.do_handshake, sock)
        sock:close()
        silent:finish()
        -- a timeout leaves the connection as it is
        local job = adapters.python("await", "sendn 1")
        sock = adapters.client():wrap_socket(connect(job.port), { server_hostname = "localhost" })
        sock:settimeout(0.05)
        raises("ssl.SSLError", { match = "timed out" }, sock.recv, sock, 1)
        job:go()
        sock:settimeout(nil)
        assert.are.equal(1, #sock:recv(1))
        sock:close()
        job:finish()
    end)

    it("connects and listens with objects that were wrapped first", function()
        local listener = assert(luasocket.bind("127.0.0.1", 0))
        local _, port = listener:getsockname()
        local server = adapters.server():wrap_socket(listener, true)
        local python = peer.connect { tls = true, port = port, hostname = "localhost", "handshake", "send 6869", "unwrap" }
        local connection = server:accept()
        assert.are.equal("hi", connection:recv(10))
        connection:unwrap():close()
        python:finish()
        server:close()

        local job = adapters.python("send 6869")
        local fresh = assert(luasocket.tcp4())
        local sock = adapters.client():wrap_socket(fresh, { server_hostname = "localhost" })
        sock:connect { "127.0.0.1", job.port }
        assert.are.equal("hi", sock:recv(10))
        sock:close()
        job:finish()
    end)

    it("wraps Unix sockets", function()
        local unix = require "socket.unix"
        local path = process.directory() .. "/luasocket"
        local listener = assert(unix.stream())
        assert(listener:bind(path))
        assert(listener:listen())
        local client = assert(unix.stream())
        assert(client:connect(path))
        local accepted = assert(listener:accept())
        local context = adapters.client()
        local one = context:wrap_socket(client, { server_hostname = "localhost", do_handshake_on_connect = false })
        local two = adapters.server():wrap_socket(accepted, { server_side = true, do_handshake_on_connect = false })
        one:settimeout(0)
        raises("ssl.SSLWantReadError", {}, one.do_handshake, one)
        two:settimeout(0)
        raises("ssl.SSLWantReadError", {}, two.do_handshake, two)
        one:do_handshake()
        two:do_handshake()
        assert.are.equal("TLSv1.3", two:version())
        one:close()
        two:close()
        listener:close()
        os.remove(path)
    end)

    it("closes the descriptor, once", function()
        local job = adapters.python("waiteof")
        local plain = connect(job.port)
        local fd = plain:getfd()
        local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost" })
        sock:close()
        assert.is_false(is_open(fd))
        assert.are.equal(-1, plain:getfd())
        plain:close()
        sock:close()
        job:finish()
    end)

    it("closes the descriptor when the wrapper is collected, not when LuaSocket's object is", function()
        local job = adapters.python("send 6869", "waiteof")
        local plain = connect(job.port)
        local fd = plain:getfd()
        local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost" })
        plain = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        assert.are.equal("hi", sock:recv(10))
        sock = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        if jit then
            jit.flush()
            collectgarbage()
            collectgarbage()
        end
        assert.is_false(is_open(fd))
        job:finish()
    end)

    it("leaves the object unchanged if an argument is wrong, and closes it if the handshake fails", function()
        local job = adapters.python("send 6869")
        local plain = connect(job.port)
        local fd = plain:getfd()
        local context = adapters.client()
        raises("ValueError", { match = "check_hostname requires server_hostname" }, context.wrap_socket, context, plain)
        raises("ValueError", { match = "client mode" }, context.wrap_socket, context, plain, true, true, true, "localhost")
        plain:settimeout(0)
        raises("ValueError", { match = "non-blocking" }, context.wrap_socket, context, plain, { server_hostname = "localhost" })
        assert.are.equal(fd, plain:getfd())
        plain:settimeout(10)
        raises("ssl.SSLCertVerificationError", { verify_code = 62 }, context.wrap_socket, context, plain,
            { server_hostname = "example.org" })
        assert.is_false(is_open(fd))
        assert.are.equal(-1, plain:getfd())
        job:finish()
        raises("socket.error", { errno = const.EBADF, match = "LuaSocket's object has no descriptor" }, context.wrap_socket,
            context, plain, { server_hostname = "localhost" })
        local udp = luasocket.udp4()
        fd = udp:getfd()
        raises("NotImplementedError", { match = "only stream sockets" }, context.wrap_socket, context, udp,
            { server_hostname = "localhost" })
        assert.are.equal(fd, udp:getfd())
        udp:close()
    end)

    it("refuses other values, and the error lists what can be wrapped", function()
        local context = adapters.client()
        for _, wrong in ipairs { "text", true, 1.5, -1, print, {}, { getfd = true }, setmetatable({}, { __index = error }),
            io.stdout, coroutine.create(function() end) } do
            raises("TypeError", { match = "LuaSocket, copas, cqueues, luv, nginx (ngx.socket.tcp) or haproxy (core.tcp), not " },
                context.wrap_socket, context, wrong, false, true, true, "localhost")
        end
        assert.is_true(ssl.SSLContext:is(context))
    end)

    it("uses the shorter of the object's two timeouts", function()
        local listener = assert(luasocket.bind("127.0.0.1", 0))
        local _, port = listener:getsockname()
        for _, case in ipairs { { 3, nil, 3 }, { nil, 2, 2 }, { 3, 2, 2 }, { 1, 5, 1 }, { nil, nil, nil } } do
            local plain = assert(luasocket.connect("127.0.0.1", port))
            plain:settimeout(case[1])
            plain:settimeout(case[2], "t")
            local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost", do_handshake_on_connect = false })
            assert.are.equal(case[3], sock:gettimeout())
            sock:close()
        end
        listener:close()
    end)
end)
