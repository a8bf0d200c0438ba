-- wrap_socket over cqueues' sockets, and cqueues' waiter.
local optional = require "support.optional"

local missing = optional.module("cqueues", "lua-cqueues")
if missing then
    return pending("over cqueues: " .. missing, function() end)
end

local cqueues = require "cqueues"
local cqueues_socket = require "cqueues.socket"
local backend = require "cleat.backend"
local handles = require "support.handles"
local adapters = require "support.adapters"
local limits = require "support.limits"
local peer = require "support.peer"
local raises = require "support.raises"
local socket = require "cleat.socket"
local waiter = require("cleat.adapters.cqueues").waiter

local WAIT = 0.05

-- pause suspends this coroutine for a moment.
local function pause()
    cqueues.sleep(0.005)
end

-- run runs bodies as coroutines of one controller.
local function run(...)
    local controller = cqueues.new()
    local left = select("#", ...)
    for _, body in ipairs { ... } do
        controller:wrap(function()
            local ok, failure = xpcall(body, debug.traceback)
            left = left - 1
            if not ok then
                error(failure, 0)
            end
        end)
    end
    assert(controller:loop(limits.bound(20)))
    assert.are.equal(0, left)
end

local function connect(port)
    local sock = assert(cqueues_socket.connect("127.0.0.1", port))
    assert(sock:connect(5))
    return sock
end

describe("over cqueues, wrap_socket", function()
    handles.watch(before_each, after_each)
    after_each(function()
        socket.setdefaultwaiter(nil)
    end)

    it("wraps the object, and lets the controller run while it waits", function()
        local job = adapters.python("await", "echo", "unwrap")
        local data = peer.pattern(500000)
        run(function()
            local plain = connect(job.port)
            local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost" })
            assert.are.equal(waiter, sock:getwaiter())
            assert.are_not.equal(plain:pollfd(), sock:fileno()) -- a duplicate
            assert.are.equal(data, adapters.by_turns(sock, data))
            assert.are.equal(plain, sock:unwrap())
            assert.is_nil((plain:read(1)))
            plain:close()
        end, adapters.after_pauses(pause, job))
        assert.are.equal("echo 500000 end", job:finish()[3])
    end)

    it("first reads the bytes that cqueues has read ahead of an accepted connection", function()
        local listener = cqueues_socket.listen("127.0.0.1", 0)
        local remote = adapters.remote()
        remote:try "do_handshake"
        local client = socket.socket()
        local got
        run(function()
            assert(listener:listen())
            local _, _, port = listener:localname()
            client:setwaiter(waiter)
            client:connect { "127.0.0.1", port }
            client:sendall("STARTTLS\r\n" .. remote.outgoing:read())
            while not remote:try "do_handshake" do
                remote.incoming:write(client:recv(65536))
            end
            remote.object:write "over TLS"
            client:sendall(remote.outgoing:read())
        end, function()
            local accepted = assert(listener:accept(5))
            accepted:setmode("bl", "bf")
            assert.are.equal("STARTTLS\r", accepted:read "*l")
            local server = adapters.server():wrap_socket(accepted, true)
            got = server:recv(100)
            server:close()
            local closed = pcall(accepted.pollfd, accepted)
            assert.is_true(not closed or accepted:pollfd() == -1 or accepted:pollfd() == nil)
        end)
        assert.are.equal("over TLS", got)
        client:close()
        listener:close()
    end)

    it("first sends the bytes that cqueues has buffered", function()
        local job = peer.serve { "recv 7" }
        run(function()
            local plain = connect(job.port)
            plain:setmode("bf", "bf")
            plain:setvbuf("full", 4096)
            plain:write "before\n"
            local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost", do_handshake_on_connect = false })
            sock:close()
        end)
        assert.are.equal("recv " .. peer.hex "before\n", job:finish()[1])
    end)

    it("uses the object's timeout, and the wrapper's own", function()
        local job = adapters.python("send 61", "recv 1")
        local ticker, other = adapters.ticker(pause), false
        run(function()
            local plain = connect(job.port)
            plain:settimeout(5)
            local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost" })
            assert.are.equal(5, sock:gettimeout())
            assert.are.equal("a", sock:recv(10))
            sock:settimeout(WAIT)
            other = ticker.is_beside(function()
                raises("ssl.SSLError", { match = "timed out" }, sock.recv, sock, 10)
            end)
            sock:sendall "x"
            sock:close()
            ticker.stop()
        end, ticker.run)
        job:finish()
        assert.is_true(other)
    end)

    it("wraps cleat's sockets, with the default waiter", function()
        local job = adapters.python("await", "send 6869", "unwrap")
        socket.setdefaultwaiter(waiter)
        run(function()
            local plain = socket.create_connection { "localhost", job.port }
            local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost" })
            assert.are.equal("hi", sock:recv(10))
            sock:unwrap():close()
        end, adapters.after_pauses(pause, job))
        job:finish()
        -- outside of a controller it blocks
        job = adapters.python("send 6869", "unwrap")
        local plain = socket.create_connection { "127.0.0.1", job.port }
        local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost" })
        assert.are.equal("hi", sock:recv(10))
        sock:unwrap():close()
        job:finish()
    end)

    it("lets one coroutine read while another writes", function()
        local data = peer.pattern(3000000)
        for _, of_cqueues in ipairs { true, false } do
            local job = adapters.python("echo", "unwrap")
            socket.setdefaultwaiter(waiter)
            local sock
            local got
            run(function()
                sock = adapters.client():wrap_socket(
                    of_cqueues and connect(job.port) or socket.create_connection { "127.0.0.1", job.port },
                    { server_hostname = "localhost" })
                sock:settimeout(15)
                sock:sendall(data)
            end, function()
                while not sock do
                    cqueues.sleep(0.001)
                end
                got = adapters.receive(sock, #data)
            end)
            assert.are.equal(data, got)
            sock:close()
            job:finish()
        end
    end)

    it("does not close the object's descriptor if the wrapper is collected", function()
        local job = adapters.python("send 6869", "recv 2")
        run(function()
            local plain = connect(job.port)
            local context = adapters.client()
            raises("ValueError", { match = "check_hostname requires" }, context.wrap_socket, context, plain)
            local sock = context:wrap_socket(plain, { server_hostname = "localhost" })
            local fd = plain:pollfd()
            assert.are_not.equal(fd, sock:fileno()) -- the wrapper has a duplicate
            sock = nil -- luacheck: ignore
            collectgarbage()
            collectgarbage()
            assert.are.equal(fd, plain:pollfd())
            local id = backend.socket_from_fd(fd)
            assert.is_true(id > 0)
            backend.socket_detach(id)
            plain:close()
            raises("socket.error", { errno = 9 }, context.wrap_socket, context, plain, { server_hostname = "localhost" })
        end)
        job:finish()
    end)
end)
