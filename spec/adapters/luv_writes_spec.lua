-- How bytes are written to luv's handles: at once if the handle accepts them (try_write), and the rest by a request.
-- The handle is a table that calls luv's handle, and limits, refuses and holds back what is written.
local optional = require "support.optional"

local missing = optional.module("luv", "lua-luv")
if missing then
    return pending("writes over luv: " .. missing, function() end)
end

local adapters = require "support.adapters"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local handles = require "support.handles"
local limits = require "support.limits"
local process = require "support.process"
local runtimes = require "support.runtimes"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local EPIPE, ECONNRESET, EBADF = 32, 104, 9

local function proxy(handle)
    local made = { tried = {}, requests = {}, limit = nil, holds = false }
    setmetatable(made, { __index = function(_, name)
        return handle[name] and function(_, ...)
            return handle[name](handle, ...)
        end
    end })
    -- limit: nil for none, a number of bytes, or the message of an error; or a function that returns these
    function made:try_write(bytes)
        local limit = self.limit
        if type(limit) == "function" then
            limit = limit(#bytes)
        end
        self.tried[#self.tried + 1] = #bytes
        if type(limit) == "string" then
            return nil, limit
        elseif limit == 0 then
            return nil, "EAGAIN: resource temporarily unavailable"
        end
        return handle:try_write(limit and bytes:sub(1, limit) or bytes)
    end
    function made:write(bytes, done)
        self.requests[#self.requests + 1] = #bytes
        if self.refuses then
            return nil, self.refuses
        elseif not self.holds then
            return handle:write(bytes, done)
        end
        self.held = function(failed)
            self.held = nil
            if failed then
                return done(failed)
            end
            assert(handle:write(bytes, done))
        end
        return {}
    end
    return made
end

describe("writes over luv", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    -- with runs f(sock, peer, handle, runtime) in luv's loop: two ends of a TLS connection, and what is under the
    -- first.
    local function with(f)
        local runtime = runtimes.luv_handle()
        runtime:run(function()
            local first, second = socket.socketpair()
            second:setwaiter(runtime.waiter)
            local handle = proxy(runtime:adopt(first))
            local sock = adapters.client():wrap_socket(handle, { server_hostname = "localhost", do_handshake_on_connect = false })
            local peer = adapters.server():wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
            local task = runtime:start(function()
                peer:do_handshake()
            end)
            sock:do_handshake()
            runtime:join(task)
            handle.tried, handle.requests = {}, {}
            f(sock, peer, handle, runtime)
            sock:close()
            peer:close()
        end, limits.bound(20))
    end

    -- start_send starts a sendall that waits for a held request.
    local function start_send(runtime, sock, handle, data)
        handle.limit, handle.holds = 0, true
        local task = runtime:start(function()
            return sock:sendall(data)
        end)
        assert.is_false(task.done)
        assert.is_function(handle.held)
        return task
    end

    -- finish runs the loop until a task has ended, and expects this error, or the result of a success.
    local function finish(runtime, task, expected)
        while not task.done do
            runtime:pause(0.001)
        end
        local result = task.results[2]
        if type(expected) == "number" and task.ok then
            return assert.are.equal(expected, result)
        end
        assert.is_false(task.ok)
        assert.is_true(errors.error:is(result), tostring(result))
        return result
    end

    it("make no request if the handle accepts all bytes", function()
        with(function(sock, peer, handle)
            assert.are.equal(5, sock:sendall "hello")
            assert.are.equal("hello", peer:recv(10))
            assert.are.equal(1, #handle.tried)
            assert.are.same({}, handle.requests)
        end)
    end)

    it("keep the order of the bytes, however much the handle accepts at once", function()
        with(function(sock, peer, handle, runtime)
            local seed = 1
            local function random(least, most)
                seed = seed * 16807 % 2147483647
                return least + seed % (most - least + 1)
            end
            handle.limit = function(size)
                local kind = random(1, 4)
                return kind == 1 and 0 or kind == 2 and random(1, size) or kind == 3 and size - 1 or nil
            end
            local sent, total = {}, 0
            for i = 1, 60 do
                sent[i] = ("%08d"):format(i):rep(random(1, i % 10 == 0 and 20000 or 500))
                total = total + #sent[i]
            end
            local reader = runtime:start(function()
                return adapters.receive(peer, total)
            end)
            for _, data in ipairs(sent) do
                sock:sendall(data)
            end
            runtime:join(reader)
            assert.is_true(reader.results[2] == table.concat(sent))
            assert.is_true(#handle.requests > 10 and #handle.tried > #handle.requests)
        end)
    end)

    it("wait for the request of an earlier write", function()
        with(function(sock, peer, handle, runtime)
            local one = start_send(runtime, sock, handle, "one")
            handle.limit = nil
            local two = runtime:start(function()
                return sock:sendall "two"
            end)
            runtime:pause(0.002)
            assert.are.same({ 1, 1 }, { #handle.tried, #handle.requests }) -- nothing of the second
            handle.held()
            finish(runtime, one, 3)
            finish(runtime, two, 3)
            assert.are.same({ 2, 1 }, { #handle.tried, #handle.requests })
            assert.are.equal("onetwo", adapters.receive(peer, 6))
        end)
    end)

    it("report the error of a request to the call that waits for it, and to later ones", function()
        with(function(sock, _, handle, runtime)
            local one = start_send(runtime, sock, handle, "one")
            local two = runtime:start(function()
                return sock:sendall "one"
            end)
            handle.limit, handle.holds = nil, false
            handle.held "ECONNRESET: connection reset by peer"
            assert.are.equal(ECONNRESET, finish(runtime, one).errno)
            assert.are.equal(ECONNRESET, finish(runtime, two).errno)
            assert.are.same({ 1, 1 }, { #handle.tried, #handle.requests }) -- nothing is written after the gap
        end)
    end)

    it("report errors of try_write, and of making a request", function()
        with(function(sock, _, handle, runtime)
            handle.limit, handle.holds = "EPIPE: broken pipe", true
            local one = runtime:start(function()
                return sock:sendall "one"
            end)
            handle.held "EPIPE: broken pipe" -- as libuv does, because the request meets the same error
            assert.are.equal(EPIPE, finish(runtime, one).errno)
        end)
        with(function(sock, _, handle, runtime)
            handle.limit, handle.refuses = 0, "EBADF: bad file descriptor"
            assert.are.equal(EBADF, finish(runtime, runtime:start(function()
                return sock:sendall "one"
            end)).errno)
        end)
    end)

    it("continue after a timeout with the same bytes, which are sent once, and refuse others", function()
        with(function(sock, peer, handle, runtime)
            sock:settimeout(0.01)
            local late = finish(runtime, start_send(runtime, sock, handle, "one"))
            assert.is_true(socket.timeout:is(late), tostring(late))
            sock:settimeout(nil)
            local ok, refused = pcall(sock.sendall, sock, "two")
            assert.is_false(ok)
            assert.are.same({ true, "BAD_WRITE_RETRY" }, { ssl.SSLError:is(refused), refused.reason })
            handle.limit, handle.holds = nil, false
            local again = runtime:start(function()
                return sock:sendall "one, and more"
            end)
            runtime:pause(0.002)
            assert.is_false(again.done)
            handle.held()
            finish(runtime, again, 13)
            assert.are.equal("one, and more", adapters.receive(peer, 13))
        end)
    end)

    for _, when in ipairs(compat.has_close and { "closed", "killed" } or { "closed" }) do
        it("end if they are " .. when .. " while they wait for a request, which may end later", function()
            with(function(sock, _, handle, runtime)
                local one = start_send(runtime, sock, handle, "one")
                if when == "killed" then
                    runtime:kill(one)
                end
                sock:close()
                if when == "closed" then
                    assert.are.equal(EBADF, finish(runtime, one).errno)
                end
                handle.held "ECANCELED: operation canceled"
                runtime:pause(0.002)
            end)
        end)
    end

    it("that are pending at the end of a program are abandoned, and so is connect()", function()
        assert.are.equal("waiting\nthe end\n", process.run_code [[
            local uv, adapters, socket = require "luv", require "support.adapters", require "cleat.socket"
            local fds = uv.socketpair("stream", nil, { nonblock = true }, { nonblock = true })
            local first, handle = socket.socket { fileno = fds[1] }, uv.new_tcp()
            handle:open(fds[2])
            first:setwaiter(require("cleat.adapters.luv").waiter)
            local server
            coroutine.wrap(function()
                server = adapters.server():wrap_socket(first, { server_side = true })
            end)()
            coroutine.wrap(function()
                local sock = adapters.client():wrap_socket(handle, { server_hostname = "localhost" })
                print "waiting"
                uv.stop()
                sock:sendall(("x"):rep(10000000))
                print "sent"
            end)()
            uv.run()
            uv.run "nowait"
            coroutine.wrap(function()
                adapters.client():wrap_socket(uv.new_tcp(), { server_hostname = "localhost" }):connect { "127.0.0.1", 1 }
            end)()
            print "the end"
        ]])
    end)

    -- libuv writes without MSG_NOSIGNAL, and luv leaves SIGPIPE alone.
    it("do not end the process if the peer has disconnected", function()
        local script = process.write_file(process.directory() .. "/disconnected.lua", [[
            local uv, ssl, errors = require "luv", require "cleat.ssl", require "cleat.errors"
            local adapters, socket = require "support.adapters", require "cleat.socket"
            local waiter = require("cleat.adapters.luv").waiter
            local fds = uv.socketpair("stream", nil, { nonblock = true }, { nonblock = true })
            local first, handle = socket.socket { fileno = fds[1] }, uv.new_tcp()
            handle:open(fds[2])
            first:setwaiter(waiter)
            coroutine.wrap(function()
                adapters.server():wrap_socket(first, { server_side = true }):close()
            end)()
            coroutine.wrap(function()
                local sock = adapters.client():wrap_socket(handle, { server_hostname = "localhost" })
                print(#sock:recv(1)) -- the end
                for _ = 1, 2 do
                    local ok, failure = pcall(sock.sendall, sock, "x")
                    print(ok, errors.error:is(failure) and failure.errno)
                end
                sock:close()
            end)()
            uv.run()
            print "the loop has ended"
        ]])
        local words = process.lua { script }
        table.insert(words, 2, "--default-signal=PIPE") -- an option of env
        local result = process.run(words)
        assert.are.same({ 0, ("0\nfalse\t%d\nfalse\t%d\nthe loop has ended\n"):format(EPIPE, EPIPE), "" },
            { result.status, result.output, result.errors })
    end)
end)
