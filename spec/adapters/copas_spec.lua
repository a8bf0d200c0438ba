-- wrap_socket under copas: over copas's wrapped sockets, LuaSocket's sockets, and cleat's with the waiter.
local optional = require "support.optional"

local missing = optional.file("/usr/share/lua/5.*/copas.lua", "lua-copas")
if missing then
    return pending("under copas: " .. missing, function() end)
end

local luasocket = require "socket"
local backend = require "cleat.backend"
local handles = require "support.handles"
local limits = require "support.limits"
local adapters = require "support.adapters"
local peer = require "support.peer"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local copas = adapters.copas()
local waiter = require("cleat.adapters.copas").waiter

local const = backend.const
local WAIT = 0.05

-- pause suspends this thread for a moment.
local function pause()
    local one, other = socket.socketpair()
    one:setwaiter(waiter)
    one:settimeout(0.005)
    pcall(one.recv, one, 1)
    one:close()
    other:close()
end

-- run runs bodies as threads of copas until they have ended.
local function run(...)
    local left, failures = select("#", ...), {}
    local finish = process.clock() + limits.bound(20)
    for _, body in ipairs { ... } do
        copas.addthread(function()
            local ok, failure = xpcall(body, debug.traceback)
            left = left - 1
            if not ok then
                failures[#failures + 1] = failure
            end
        end)
    end
    while left > 0 do
        copas.step(1)
        assert(process.clock() < finish, "the threads do not end")
    end
    if failures[1] then
        error(failures[1], 0)
    end
end

local function connect(port)
    local sock = assert(luasocket.tcp())
    assert(copas.connect(sock, "127.0.0.1", port))
    return sock
end

describe("under copas, wrap_socket", function()
    handles.watch(before_each, after_each)
    after_each(function()
        socket.setdefaultwaiter(nil)
    end)

    for _, kind in ipairs { "copas's wrapped object", "LuaSocket's object and the waiter" } do
        it("wraps " .. kind .. ", and lets other threads run while it waits", function()
            local job = adapters.python("await", "echo", "unwrap", "send 706c61696e0a")
            local data = peer.pattern(500000)
            run(function()
                local plain = connect(job.port)
                if kind:find "wrapped" then
                    plain = copas.wrap(plain)
                else
                    socket.setdefaultwaiter(waiter)
                end
                local sock = adapters.client():wrap_socket(plain,
                    { server_hostname = "localhost", do_handshake_on_connect = false })
                if not kind:find "wrapped" then
                    sock:settimeout(nil) -- copas has set it to 0
                end
                assert.are.equal(waiter, sock:getwaiter())
                sock:do_handshake()
                assert.are.equal(data, adapters.by_turns(sock, data))
                local back = sock:unwrap()
                assert.are.equal(plain, back)
                sock:close() -- has no effect on the object that unwrap() has returned
                local inner = kind:find "wrapped" and back.socket or back
                inner:settimeout(0)
                assert.are.equal("plain", copas.receive(inner, "*l"))
                inner:close()
            end, adapters.after_pauses(pause, job))
            assert.are.equal("echo 500000 end", job:finish()[3])
        end)
    end

    it("works in a handler of copas.addserver", function()
        local listener = assert(luasocket.bind("127.0.0.1", 0))
        local _, port = listener:getsockname()
        local context = adapters.server()
        local served = 0
        copas.addserver(listener, function(accepted)
            local sock = context:wrap_socket(copas.wrap(accepted), true)
            sock:sendall(sock:recv(100):upper())
            sock:unwrap().socket:close()
            served = served + 1
        end)
        local jobs = {}
        for i = 1, 3 do
            jobs[i] = peer.connect { tls = true, port = port, hostname = "localhost", "handshake", "send 6869", "recv 2", "unwrap" }
        end
        local finish = process.clock() + limits.bound(10)
        while served < 3 and process.clock() < finish do
            copas.step(0.1)
        end
        assert.are.equal(3, served)
        context = nil -- copas 1 keeps references to servers until the process ends
        for i = 1, 3 do
            assert.are.equal("recv " .. peer.hex "HI", jobs[i]:finish()[3])
        end
    end)

    it("has timeouts, although copas 1 has none", function()
        local job = adapters.python("send 61", "recv 1")
        local ticker, other = adapters.ticker(pause), false
        run(function()
            local sock = adapters.client():wrap_socket(copas.wrap(connect(job.port)), { server_hostname = "localhost" })
            assert.are.equal("a", sock:recv(10))
            sock:settimeout(WAIT)
            other = ticker.is_beside(function()
                local before = process.clock()
                raises("ssl.SSLError", { match = "timed out" }, sock.recv, sock, 10)
                assert.is_true(process.clock() - before >= WAIT * 0.9)
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
            local sock = adapters.client():wrap_socket(socket.create_connection({ "localhost", job.port }, 5),
                { server_hostname = "localhost" })
            assert.are.equal("hi", sock:recv(10))
            sock:unwrap():close()
        end, adapters.after_pauses(pause, job))
        job:finish()
        job = adapters.python("send 6869", "unwrap")
        local sock = adapters.client():wrap_socket(socket.create_connection({ "127.0.0.1", job.port }, 5),
            { server_hostname = "localhost" })
        assert.are.equal("hi", sock:recv(10)) -- outside of coroutines, it blocks
        sock:settimeout(WAIT)
        sock:unwrap():close()
        job:finish()
    end)
end)

describe("a watch", function()
    handles.watch(before_each, after_each)

    local function ready(fd, timeout)
        return backend.poll({ fd }, { const.POLLIN }, 1, timeout) == 1
    end

    it("is readable when the descriptor is ready, or after the timeout", function()
        local first, second = socket.socketpair()
        local id = backend.watch_new(first:fileno(), const.POLLIN, -1)
        local fd = backend.watch_fileno(id)
        assert.is_false(ready(fd, 0.02))
        second:sendall "x"
        assert.is_true(ready(fd, 5))
        backend.close(id)
        id = backend.watch_new(second:fileno(), const.POLLIN, WAIT)
        local before = process.clock()
        assert.is_true(ready(backend.watch_fileno(id), 5))
        assert.is_true(process.clock() - before >= WAIT * 0.9)
        backend.close(id)
        id = backend.watch_new(second:fileno(), const.POLLIN, 0)
        assert.is_true(ready(backend.watch_fileno(id), 5))
        backend.close(id)
        id = backend.watch_new(second:fileno(), const.POLLOUT, 100)
        assert.is_true(ready(backend.watch_fileno(id), 5))
        backend.close(id)
        first:close()
        second:close()
    end)

    it("refuses values that are not descriptors", function()
        for _, case in ipairs { { -1, const.POLLIN, 1, const.EBADF }, { 999, const.POLLIN, 1, const.EBADF } } do
            local result = backend.watch_new(case[1], case[2], case[3])
            assert.are.equal(-(const.SYS * 65536 + case[4]), result)
        end
        local file = process.write_file(process.directory() .. "/watched", "x")
        assert.is_truthy(file)
        assert.is_true(backend.watch_new(0, -1, 1) < 0)
        assert.is_true(backend.watch_new(0, const.POLLIN, 0 / 0) < 0)
    end)
end)
