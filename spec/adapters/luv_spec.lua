-- wrap_socket over luv's handles, and luv's waiter.
local optional = require "support.optional"

local missing = optional.module("luv", "lua-luv")
if missing then
    return pending("over luv: " .. missing, function() end)
end

local handles = require "support.handles"
local adapters = require "support.adapters"
local backend = require "cleat.backend"
local compat = require "cleat.compat"
local limits = require "support.limits"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local uv = require "luv"
local waiter = require("cleat.adapters.luv").waiter

local WAIT = 0.05

-- pause suspends this coroutine for a moment.
local function pause()
    local thread, timer = compat.running(), uv.new_timer()
    timer:start(5, 0, function()
        timer:close()
        assert(coroutine.resume(thread))
    end)
    coroutine.yield()
end

-- run runs bodies as coroutines under luv's loop until they have ended.
local function run(...)
    local left, failures = select("#", ...), {}
    local guard = uv.new_timer()
    for _, body in ipairs { ... } do
        local thread = coroutine.create(function()
            local ok, failure = xpcall(body, debug.traceback)
            left = left - 1
            if not ok then
                failures[#failures + 1] = failure
            end
            if left == 0 then
                guard:close()
            end
        end)
        assert(coroutine.resume(thread))
    end
    if left > 0 then
        guard:start(math.ceil(limits.bound(20) * 1000), 0, function()
            uv.stop()
        end)
    end
    uv.run()
    if failures[1] then
        error(failures[1], 0)
    end
    assert.are.equal(0, left)
end

-- connect returns a connected handle. It yields.
local function connect(port)
    local handle = uv.new_tcp()
    local thread = compat.running()
    handle:connect("127.0.0.1", port, function(err)
        assert(coroutine.resume(thread, err))
    end)
    assert.is_nil((coroutine.yield()))
    return handle
end

describe("over luv, wrap_socket", function()
    handles.watch(before_each, after_each)
    after_each(function()
        socket.setdefaultwaiter(nil)
    end)

    it("wraps the handle, and lets the loop run while it waits", function()
        local job = adapters.python("await", "echo", "unwrap", "send 706c61696e")
        local data = peer.pattern(500000)
        run(function()
            local handle = connect(job.port)
            local sock = adapters.client():wrap_socket(handle, { server_hostname = "localhost" })
            assert.are.equal("TLSv1.3", sock:version())
            assert.are.equal(handle:fileno(), sock:fileno())
            assert.are.same({ "127.0.0.1", job.port }, sock:getpeername())
            assert.are.equal("127.0.0.1", sock:getsockname()[1])
            assert.are.equal(data, adapters.by_turns(sock, data))
            local back, rest = sock:unwrap()
            assert.are.equal(handle, back)
            sock:close() -- has no effect on the handle that unwrap() has returned
            while #rest < 5 do
                local thread = compat.running()
                back:read_start(function(_, bytes)
                    back:read_stop()
                    assert(coroutine.resume(thread, bytes))
                end)
                rest = rest .. coroutine.yield()
            end
            assert.are.equal("plain", rest)
            back:close()
        end, adapters.after_pauses(pause, job))
        assert.are.equal("echo 500000 end", job:finish()[3])
    end)

    it("stops reading from the handle at unwrap(), so that the program can read", function()
        local job = adapters.python("unwrap", "recv 1", "send 706c61696e")
        run(function()
            local sock = adapters.client():wrap_socket(connect(job.port), { server_hostname = "localhost" })
            assert.are.equal("", sock:recv(1))
            local back, rest = sock:unwrap()
            local thread = compat.running()
            -- reading starts in the callback that has received the peer's close_notify
            assert(back:read_start(function(_, bytes)
                rest = rest .. (bytes or "")
                if #rest >= 5 or not bytes then
                    back:read_stop()
                    assert(coroutine.resume(thread))
                end
            end))
            back:write "x"
            coroutine.yield()
            assert.are.equal("plain", rest)
            back:close()
        end)
        job:finish()
    end)

    it("connects by name, and closes the handle", function()
        local job = adapters.python("send 6869", "waiteof")
        run(function()
            local handle = uv.new_tcp()
            local sock = adapters.client():wrap_socket(handle, { server_hostname = "localhost" })
            raises("socket.error", { errno = 107 }, sock.recv, sock, 1) -- ENOTCONN
            sock:connect { "localhost", job.port }
            assert.are.equal("hi", sock:recv(10))
            assert.is_false(handle:is_closing())
            sock:close()
            assert.is_true(handle:is_closing())
            sock:close()
            raises("socket.error", { errno = 9 }, sock.recv, sock, 1)
        end)
        job:finish()
    end)

    it("raises the loop's errors, with their messages", function()
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        local port = listener:getsockname()[2] -- no process listens there
        run(function()
            local context = adapters.client()
            local sock = context:wrap_socket(uv.new_tcp(), { server_hostname = "localhost" })
            raises("socket.error", { errno = 111, match = "ECONNREFUSED" }, sock.connect, sock, { "127.0.0.1", port })
            sock:close()
            sock = context:wrap_socket(uv.new_tcp(), { server_hostname = "localhost" })
            assert.are.equal(111, sock:connect_ex { "127.0.0.1", port })
            sock:close()
            sock = context:wrap_socket(uv.new_tcp(), { server_hostname = "localhost" })
            raises("socket.error", { match = "getaddrinfo of the luv handle" }, sock.connect, sock, { "unknown.invalid", port })
            raises("TypeError", { match = "address" }, sock.connect, sock, 17)
            sock:close()
        end)
        listener:close()
        -- libuv reports a reset after unread bytes as the end of the stream, so the peer resets once everything is read
        local job = adapters.python("send 61", "recv 1", "reset")
        run(function()
            local sock = adapters.client():wrap_socket(connect(job.port), { server_hostname = "localhost" })
            assert.are.equal("a", sock:recv(10))
            sock:sendall("b")
            raises("socket.error", { errno = 104, match = "ECONNRESET" }, sock.recv, sock, 10)
            sock:close()
        end)
        job:finish()
    end)

    it("has timeouts", function()
        local job = adapters.python("send 61", "recv 1")
        local ticker, other = adapters.ticker(pause), false
        run(function()
            local sock = adapters.client():wrap_socket(connect(job.port), { server_hostname = "localhost" })
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
        local silent = peer.serve { "waiteof" }
        run(function()
            socket.setdefaulttimeout(WAIT)
            local handle = connect(silent.port)
            local context = adapters.client()
            raises("ssl.SSLError", { match = "timed out" }, context.wrap_socket, context, handle, { server_hostname = "localhost" })
            socket.setdefaulttimeout(nil)
            assert.is_true(handle:is_closing())
        end)
        silent:finish()
    end)

    it("works over pipes, and reports the reason of a refusal", function()
        local path = process.directory() .. "/luv"
        local listener = uv.new_pipe(false)
        assert(listener:bind(path))
        local got, refused
        run(function()
            local thread = compat.running()
            listener:listen(1, function()
                local accepted = uv.new_pipe(false)
                listener:accept(accepted)
                assert(coroutine.resume(thread, accepted))
            end)
            local server = adapters.server():wrap_socket(coroutine.yield(), { server_side = true })
            got = server:recv(10)
            server:unwrap():close()
            local other = coroutine.yield()
            local ok, failure = pcall(adapters.server().wrap_socket, adapters.server(), other, { server_side = true })
            assert.is_false(ok)
            refused = failure
            listener:close()
        end, function()
            local sock = adapters.client():wrap_socket(uv.new_pipe(false), { server_hostname = "localhost" })
            sock:connect(path)
            sock:sendall "by pipe"
            assert.are.equal("", sock:recv(10))
            sock:unwrap():close()
            sock = adapters.client { cafile = "unknown-root.pem" }:wrap_socket(uv.new_pipe(false), { server_hostname = "localhost" })
            raises("ssl.SSLCertVerificationError", { verify_code = 20 }, sock.connect, sock, path)
        end)
        assert.are.equal("by pipe", got)
        raises.check(refused, "ssl.SSLError", { reason = "TLSV1_ALERT_UNKNOWN_CA" })
    end)

    it("lets one coroutine read while another writes", function()
        local data = peer.pattern(2000000)
        local job = adapters.python("echo", "unwrap")
        local sock, got, reader
        run(function()
            sock = adapters.client():wrap_socket(connect(job.port), { server_hostname = "localhost" })
            assert(coroutine.resume(reader))
            sock:sendall(data)
        end, function()
            reader = compat.running()
            coroutine.yield()
            got = adapters.receive(sock, #data)
            sock:close()
        end)
        assert.are.equal(data, got)
        job:finish()
    end)

    it("refuses methods that a handle does not have", function()
        local handle = uv.new_tcp()
        local context = adapters.client()
        local sock = context:wrap_socket(handle, { server_hostname = "localhost" })
        for _, method in ipairs { "accept", "bind", "detach", "getsockopt", "listen", "recvfrom", "sendto", "setsockopt",
            "setkeepalive" } do
            raises("NotImplementedError", { match = "event loop" }, sock[method], sock)
        end
        raises("NotImplementedError", { match = "non-blocking" }, sock.settimeout, sock, 0)
        raises("NotImplementedError", { match = "event loop" }, sock.setwaiter, sock, print)
        sock:close()
        uv.run()
    end)

    it("wraps cleat's sockets, with the waiter", function()
        local job = adapters.python("await", "send 6869", "unwrap")
        socket.setdefaultwaiter(waiter)
        run(function()
            local plain = socket.create_connection { "localhost", job.port }
            local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost" })
            assert.are.equal("hi", sock:recv(10))
            sock:settimeout(WAIT)
            sock:unwrap():close()
        end, adapters.after_pauses(pause, job))
        job:finish()
        job = adapters.python("sleep 0.1", "send 6869", "unwrap")
        local plain = socket.create_connection { "127.0.0.1", job.port }
        local sock = adapters.client():wrap_socket(plain, { server_hostname = "localhost" })
        assert.are.equal("hi", sock:recv(10)) -- outside of coroutines: the waiter runs the loop
        sock:unwrap():close()
        job:finish()
    end)

    it("raises an error with the reason if it would wait in a callback of the loop", function()
        local first, second = socket.socketpair()
        first:setwaiter(waiter)
        local failure
        local timer = uv.new_timer()
        timer:start(1, 0, function()
            failure = select(2, pcall(first.recv, first, 1))
            timer:close()
        end)
        uv.run()
        raises.check(failure, "socket.error", { match = "call this in a coroutine" })
        first:close()
        second:close()
    end)

    it("lets a program without coroutines exit normally", function()
        assert.are.equal("x\n", process.run_code [[
            local socket = require "cleat.socket"
            socket.setdefaultwaiter(require("cleat.adapters.luv").waiter)
            local first, second = socket.socketpair()
            second:sendall "x"
            print(first:recv(1))
            first:settimeout(0.01)
            pcall(first.recv, first, 1)
        ]])
    end)

    it("raises errors that the loop can print", function()
        local script = process.write_file(process.directory() .. "/uncaught.lua", [[
            local socket, uv = require "cleat.socket", require "luv"
            local first, second = socket.socketpair()
            first:setwaiter(require("cleat.adapters.luv").waiter)
            first:settimeout(0.01)
            coroutine.wrap(function() first:recv(1) end)()
            uv.run()
        ]])
        local result = process.run(process.lua { script })
        assert.are_not.equal(0, result.status)
        assert.is_truthy(result.errors:find("timed out", 1, true), result.errors)
        assert.is_falsy(result.errors:find("(null)", 1, true), result.errors)
    end)

    for _, where in ipairs { "main", "coroutine", "timer" } do
        it("lets a program exit normally that has closed a handle, or a socket with a pending wait: " .. where, function()
            assert.are.equal("the end\n", process.run_code(([[
                local where = %q
                local socket, ssl, uv = require "cleat.socket", require "cleat.ssl", require "luv"
                local function body()
                    ssl.create_default_context():wrap_socket(uv.new_tcp(), { server_hostname = "localhost" }):close()
                    local first, second = socket.socketpair()
                    first:setwaiter(require("cleat.adapters.luv").waiter)
                    first:settimeout(5)
                    coroutine.wrap(function() pcall(first.recv, first, 1) end)()
                    first:close()
                end
                if where == "main" then
                    body()
                elseif where == "coroutine" then
                    coroutine.wrap(body)()
                else
                    local timer = uv.new_timer()
                    timer:start(1, 0, function() coroutine.wrap(body)() end)
                    uv.run "once"
                end
                print "the end"
            ]]):format(where)))
        end)
    end

    it("waits for the whole timeout, also if the loop's clock is behind", function()
        local first, second = socket.socketpair()
        first:setwaiter(waiter)
        first:settimeout(0.2)
        process.sleep(0.3) -- the loop's clock is not updated
        local began = process.clock()
        raises("socket.timeout", {}, first.recv, first, 1)
        assert.is_true(process.clock() - began > 0.19)
        first:close()
        second:close()
    end)

    it("shares a descriptor with a poll handle of the program", function()
        local watched = os.getenv "CLEAT_WATCHED"
        if watched == "address" or watched == "memcheck" then
            return pending("luv 1.44 loses a poll handle that libuv refuses")
        end
        local first, second = socket.socketpair()
        first:setwaiter(waiter)
        local own = uv.new_poll(first:fileno())
        own:start("w", function()
            own:stop()
            own:close()
        end)
        local got
        run(function()
            got = first:recv(10)
        end, function()
            second:sendall "x"
        end)
        assert.are.equal("x", got)
        first:close()
        second:close()
    end)

    it("sets nodelay", function()
        local job = adapters.python("send 61", "recv 1")
        run(function()
            local handle = connect(job.port)
            handle:nodelay(false)
            local sock = adapters.client():wrap_socket(handle, { server_hostname = "localhost" })
            local duplicate = backend.socket_duplicate(handle:fileno())
            local _, value = backend.socket_getsockopt(duplicate, socket.IPPROTO_TCP, socket.TCP_NODELAY)
            backend.close(duplicate)
            assert.are_not.equal(0, value)
            sock:close()
        end)
        job:finish()
    end)

    it("uses no more memory for a hundred senders than for one", function()
        local cert, key = pki.chain "server-ec"
        local function resident(count)
            return tonumber(process.run_code(([[
                local uv, ssl, count = require "luv", require "cleat.ssl", %d
                local server, client = ssl.SSLContext(ssl.PROTOCOL_TLS), ssl.SSLContext(ssl.PROTOCOL_TLS)
                server:load_cert_chain(%q, %q)
                local fds = uv.socketpair("stream", nil, { nonblock = true }, { nonblock = true })
                local a, b = uv.new_tcp(), uv.new_tcp()
                a:open(fds[1])
                b:open(fds[2])
                local tx, rx
                coroutine.wrap(function() rx = server:wrap_socket(b, { server_side = true }) end)()
                coroutine.wrap(function() tx = client:wrap_socket(a) end)()
                while not (tx and rx) do uv.run "once" end
                local chunk = ("x"):rep(65536)
                for _ = 1, count do
                    coroutine.wrap(function()
                        while true do tx:sendall(chunk) end
                    end)()
                end
                local timer = uv.new_timer()
                timer:start(200, 0, uv.stop)
                uv.run()
                print(uv.resident_set_memory())
                os.exit(0)
            ]]):format(count, cert, key)))
        end
        local one, hundred = resident(1), resident(100)
        assert.is_true(hundred - one < 2 * 1024 * 1024, ("%d bytes for one, %d for a hundred"):format(one, hundred))
    end)
end)
