-- Several coroutines use one connection, and their calls take turns: over a descriptor with a waiter, over a stream,
-- and without TLS.
local adapter_stream = require "support.adapter_stream"
local errors = require "cleat.errors"
local handles = require "support.handles"
local link = require "support.link"
local peer = require "support.peer"
local process = require "support.process"
local raises = require "support.raises"
local scheduler = require "support.scheduler"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local waiting = require "cleat.socket.waiting"
local wrap = require "cleat.ssl.wrap"

local EBADF = 9
local SMALL = 8192 -- the size of the sockets' buffers, so that writes have to wait

local function small(...)
    for _, sock in ipairs { ... } do
        sock:setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    end
    return ...
end

-- waits returns the function `wait` of an adapter_stream, which waits by the scheduler.
local function waits(loop)
    return function(object, event, timeout)
        return loop.waiter(object, event, timeout)
    end
end

-- Each kind makes two connected ends, which wait by the loop; shaken: after the handshake.
local KINDS = {}

function KINDS.plain(loop)
    local first, second = small(socket.socketpair())
    for _, sock in ipairs { first, second } do
        sock:setwaiter(loop.waiter)
        sock:settimeout(20)
    end
    return first, second
end

local function tls_pair(loop, version)
    local first, second = small(socket.socketpair())
    local client = link.context(link.client_options { version = version })
    local server = link.context(link.server_options { version = version })
    local options = { server_hostname = "localhost", do_handshake_on_connect = false }
    local one, two = client:wrap_socket(first, options), server:wrap_socket(second,
        { server_side = true, do_handshake_on_connect = false })
    for _, sock in ipairs { one, two } do
        sock:setwaiter(loop.waiter)
        sock:settimeout(20)
    end
    return one, two
end

function KINDS.TLSv12(loop)
    return tls_pair(loop, "TLSv1.2")
end

function KINDS.TLSv13(loop)
    return tls_pair(loop, "TLSv1.3")
end

function KINDS.stream(loop)
    local first, second = small(socket.socketpair())
    local client = link.context(link.client_options())
    local one = wrap.stream(client, adapter_stream(first, waits(loop)),
        { server_hostname = "localhost", do_handshake_on_connect = false })
    second:setwaiter(loop.waiter)
    local two = link.context(link.server_options()):wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
    one:settimeout(20)
    two:settimeout(20)
    one:connect { "ignored", 0 }
    return one, two
end

local function pause(seconds)
    coroutine.yield(process.clock() + (seconds or 0.001))
end

-- ended waits until threads of the loop have ended.
local function ended(...)
    for _, thread in ipairs { ... } do
        while not thread.done do
            pause()
        end
    end
end

local function shake(loop, one, two)
    if not ssl.SSLSocket:is(one) then
        return one, two
    end
    local other = loop:start(function()
        two:do_handshake()
    end)
    one:do_handshake()
    ended(other)
    return one, two
end

local function run(body, seconds)
    local loop = scheduler.new()
    loop:start(function()
        body(loop)
    end)
    loop:run(seconds or 30)
end

local function each_kind_it(name, body)
    for kind, make in pairs(KINDS) do
        it(("%s (%s)"):format(name, kind), function()
            run(function(loop)
                body(loop, function()
                    return shake(loop, make(loop))
                end, kind)
            end, 60)
        end)
    end
end

local function receive(sock, count)
    local parts, got = {}, 0
    while got < count do
        local data = sock:recv(math.min(65536, count - got))
        assert(data ~= "", "the stream ended early")
        parts[#parts + 1], got = data, got + #data
    end
    return table.concat(parts)
end

-- failure_of returns what f raises.
local function failure_of(f, ...)
    local ok, failure = pcall(f, ...)
    assert(not ok, "it succeeded")
    return failure
end

describe("turns:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    each_kind_it("writes of several coroutines are not mixed, and are sent in the order of the calls", function(loop, connected)
        local one, two = connected()
        local sizes = { 1, 2, 100, 16384, 16385, 70000, 300000, 1048576 }
        local rounds, total, order = 3, 0, {}
        for who = 1, 5 do
            loop:start(function()
                for round = 1, rounds do
                    local size = sizes[(who * 3 + round) % #sizes + 1]
                    local message = ("%d:%08d:"):format(who, size) .. string.char(96 + who):rep(size)
                    total = total + #message
                    order[#order + 1] = who
                    if round % 2 == 0 then
                        one:sendall(message)
                    elseif ssl.SSLSocket:is(one) then
                        assert.are.equal(#message, one:send(message))
                    else
                        one:sendall(message)
                    end
                end
            end)
        end
        for _ = 1, 5 * rounds do
            local who, size = receive(two, 11):match "^(%d):(%d+):$"
            assert.are.equal(string.char(96 + who):rep(tonumber(size)), receive(two, tonumber(size)))
        end
        assert.are.equal(5 * rounds, #order)
        one:close()
        two:close()
    end)

    each_kind_it("several readers receive the bytes in the order of the calls", function(loop, connected)
        local one, two = connected()
        local got = {}
        for who = 1, 4 do
            loop:start(function()
                local message = one:recv(100)
                got[#got + 1] = { who, message }
            end)
        end
        for index = 1, 4 do
            two:sendall("message " .. index)
            while #got < index do
                pause()
            end
        end
        for index = 1, 4 do
            assert.are.same({ index, "message " .. index }, got[index])
        end
        one:close()
        two:close()
    end)

    each_kind_it("one reads while another one writes", function(loop, connected)
        local one, two = connected()
        local data = peer.pattern(1500000)
        local echo = loop:start(function()
            local got = 0
            while got < #data do
                local piece = two:recv(65536)
                got = got + #piece
                two:sendall(piece)
            end
        end)
        local writer = loop:start(function()
            one:sendall(data)
        end)
        assert.are.equal(data, receive(one, #data))
        ended(echo, writer)
        one:close()
        two:close()
    end)

    for _, kind in ipairs { "TLSv12", "TLSv13", "stream" } do
        it("each coroutine may do the handshake, several at once: " .. kind, function()
            run(function(loop)
                local one, two = KINDS[kind](loop)
                local got, written, shaken = nil, 0, 0
                loop:start(function()
                    got = receive(one, 100000)
                end)
                for _ = 1, 3 do
                    loop:start(function()
                        one:sendall(("w"):rep(40000))
                        written = written + 1
                    end)
                    loop:start(function()
                        one:do_handshake()
                        shaken = shaken + 1
                    end)
                end
                local server = loop:start(function()
                    two:sendall(("s"):rep(100000))
                end)
                assert.are.equal(("w"):rep(120000), receive(two, 120000))
                ended(server)
                while not got or written < 3 or shaken < 3 do
                    pause()
                end
                assert.are.equal(("s"):rep(100000), got)
                one:close()
                two:close()
            end)
        end)

        it("a failed handshake fails for all coroutines: " .. kind, function()
            run(function(loop)
                local one, two = KINDS[kind](loop)
                if kind == "stream" then
                    one, two = two, one
                end
                local failures = {}
                for _, call in ipairs { { "do_handshake" }, { "recv", 10 }, { "sendall", "x" }, { "do_handshake" } } do
                    loop:start(function()
                        local failure = failure_of(one[call[1]], one, call[2])
                        failures[#failures + 1] = failure
                    end)
                end
                two:close()
                while #failures < 4 do
                    pause()
                end
                for _, failure in ipairs(failures) do
                    assert.is_true(socket.error:is(failure), tostring(failure))
                end
                one:close()
            end)
        end)

        it("unwrap ends a waiting reader, too: " .. kind, function()
            run(function(loop)
                local one, two = shake(loop, KINDS[kind](loop))
                local ok, result
                local reader = loop:start(function()
                    ok, result = pcall(one.recv, one, 10)
                end)
                local below, other
                local unwrapper = loop:start(function()
                    below = one:unwrap()
                end)
                assert.are.equal("", two:recv(10))
                pause(0.02)
                other = two:unwrap()
                ended(reader, unwrapper)
                assert(ok and result == "" or ssl.SSLZeroReturnError:is(result), tostring(result))
                below:close()
                other:close()
            end)
        end)

        it("unwrap ends a waiting reader after the peer's close_notify: " .. kind, function()
            run(function(loop)
                local one, two = shake(loop, KINDS[kind](loop))
                local ok, result
                local reader = loop:start(function()
                    ok, result = pcall(one.recv, one, 10)
                end)
                local other
                local theirs = loop:start(function()
                    other = two:unwrap()
                end)
                local below = one:unwrap() -- close_notify has arrived, and the reader was not resumed yet
                ended(reader, theirs)
                assert(ok and result == "" or ssl.SSLZeroReturnError:is(result), tostring(result))
                below:close()
                other:close()
            end)
        end)
    end

    each_kind_it("a call's timeout covers the wait for its turn", function(loop, connected)
        local one, two = connected()
        local first, second
        loop:start(function()
            first = failure_of(one.sendall, one, ("x"):rep(4000000))
        end)
        one:settimeout(0.1)
        local before = process.clock()
        second = failure_of(one.sendall, one, "y")
        assert.is_true(socket.timeout:is(second), tostring(second))
        local took = process.clock() - before
        assert.is_true(took >= 0.09, tostring(took))
        assert.is_nil(first)
        local reader = loop:start(function()
            raises.check(failure_of(one.recv, one, 1), "socket.error", { match = "timed out" })
        end)
        raises.check(failure_of(one.recv, one, 1), "socket.error", { match = "timed out" })
        ended(reader)
        one:close()
        pause(0.01)
        while not first do
            pcall(two.recv, two, 65536) -- see the next test
            pause()
        end
        raises.check(first, "socket.error", { errno = EBADF })
        two:close()
    end)

    each_kind_it("close ends others' calls with EBADF, and the descriptor's number is free once they have ended",
        function(loop, connected, kind)
        local one, two = connected()
        one:settimeout(nil)
        local failures, threads = {}, {}
        for who = 1, 6 do
            threads[who] = loop:start(function()
                if who % 2 == 0 then
                    failures[who] = failure_of(one.recv, one, 1)
                else
                    failures[who] = failure_of(one.sendall, one, ("x"):rep(4000000))
                end
            end)
        end
        pause(0.01)
        local fd = kind ~= "stream" and one:fileno() or -1
        one:close()
        local next_one, other = socket.socketpair()
        assert.are_not.equal(fd, next_one:fileno())
        assert.are_not.equal(fd, other:fileno())
        -- A Unix socket that is full is not writable for select once it is shut down: reading the rest is what wakes
        -- such a waiter.
        two:settimeout(5)
        local rest = loop:start(function()
            pcall(function()
                while two:recv(65536) ~= "" do end
            end)
        end)
        for who = 1, 6 do
            ended(threads[who])
        end
        for who = 1, 6 do
            raises.check(failures[who], "socket.error", { errno = EBADF })
        end
        ended(rest)
        next_one:close()
        other:close()
        two:close()
    end)

    it("close ends accept and connect too", function()
        run(function(loop)
            local listener = socket.socket()
            listener:bind { "127.0.0.1", 0 }
            listener:listen(0)
            local fillers = {}
            for index = 1, 3 do
                fillers[index] = socket.socket()
                fillers[index]:settimeout(0)
                fillers[index]:connect_ex(listener:getsockname())
            end
            local late = socket.socket()
            late:setwaiter(loop.waiter)
            local failure, code
            local threads = { loop:start(function()
                failure = failure_of(late.connect, late, listener:getsockname())
            end), loop:start(function()
                code = late:connect_ex(listener:getsockname())
            end) }
            pause(0.01)
            late:close()
            ended(threads[1], threads[2])
            raises.check(failure, "socket.error", { errno = EBADF })
            assert.are.equal(EBADF, code)
            for index = 1, 3 do
                fillers[index]:close()
            end
            listener:close()

            listener = socket.socket()
            listener:setwaiter(loop.waiter)
            listener:bind { "127.0.0.1", 0 }
            listener:listen(5)
            local failures = {}
            for who = 1, 2 do
                threads[who] = loop:start(function()
                    failures[who] = failure_of(listener.accept, listener)
                end)
            end
            pause(0.01)
            listener:close()
            ended(threads[1], threads[2])
            for who = 1, 2 do
                raises.check(failures[who], "socket.error", { errno = EBADF })
            end
        end)
    end)

    it("close() wakes coroutines by the functions that an adapter has registered", function()
        run(function(loop)
            local parked, woken = {}, 0
            local function park(object, event, timeout)
                local token = {}
                parked[object] = parked[object] or {}
                parked[object][event] = token
                local finish = process.clock() + (timeout or 30)
                while not token.woken do
                    if process.clock() > finish then
                        return false
                    end
                    pause()
                end
                return true
            end
            local places = 0
            local function waiter(sock, event, timeout)
                return park(sock, event, timeout)
            end
            waiting.register(waiter, {
                wake = function(sock, event)
                    woken = woken + 1
                    parked[sock][event].woken = true
                end,
                place = function()
                    places = places + 1
                    return {
                        wait = function(self, timeout)
                            local finish = process.clock() + (timeout or 30)
                            while not self.woken and process.clock() < finish do
                                pause()
                            end
                            return self.woken or false
                        end,
                        wake = function(self)
                            self.woken = true
                        end,
                    }
                end,
            })
            local one, two = shake(loop, KINDS.TLSv13(loop))
            one:setwaiter(waiter)
            one:settimeout(nil)
            local failures, threads = {}, {}
            for who = 1, 3 do
                threads[who] = loop:start(function()
                    failures[who] = failure_of(one.recv, one, 1)
                end)
            end
            pause(0.01)
            one:close()
            ended(threads[1], threads[2], threads[3])
            for who = 1, 3 do
                raises.check(failures[who], "socket.error", { errno = EBADF })
            end
            assert.are.equal(1, woken)
            assert.are.equal(2, places)
            parked = {} -- registered functions live as long as the waiter, and refer to it
            two:close()
        end)
    end)

    it("a wrapper around a descriptor ends its waits without shutting the connection down", function()
        run(function(loop)
            local first, second = socket.socketpair()
            local context = link.context(link.client_options())
            local one = context:wrap_socket(first:fileno(), { server_hostname = "localhost", do_handshake_on_connect = false })
            one:setwaiter(loop.waiter)
            one:settimeout(nil)
            second:setwaiter(loop.waiter)
            local two = link.context(link.server_options()):wrap_socket(second,
                { server_side = true, do_handshake_on_connect = false })
            shake(loop, one, two)
            local failure
            local reader = loop:start(function()
                failure = failure_of(one.recv, one, 1)
            end)
            pause(0.01)
            one:close()
            ended(reader)
            raises.check(failure, "socket.error", { errno = EBADF })
            first:sendall "it is still there"
            assert.are.equal("it is still there", second:recv(100))
            first:close()
            two:close()
        end)
    end)

    it("a wrapper never writes to another file that has got its descriptor's number", function()
        run(function(loop)
            local first, second = socket.socketpair()
            local fd = first:detach()
            local context = link.context(link.client_options())
            local one = context:wrap_socket(fd, { server_hostname = "localhost", do_handshake_on_connect = false })
            one:setwaiter(loop.waiter)
            second:setwaiter(loop.waiter)
            local two = link.context(link.server_options()):wrap_socket(second,
                { server_side = true, do_handshake_on_connect = false })
            shake(loop, one, two)
            socket.socket({ fileno = fd }):close() -- without the wrapper
            local a, b = socket.socketpair()
            assert(a:fileno() == fd or b:fileno() == fd)
            one:sendall "secret"
            assert.are.equal("secret", two:recv(10))
            for _, sock in ipairs { a, b } do
                sock:settimeout(0)
                raises("socket.error", { errno = 11 }, sock.recv, sock, 100)
            end
            a:close()
            b:close()
            one:close()
            two:close()
        end)
    end)

    it("a socket can be wrapped only once", function()
        local first, second = socket.socketpair()
        local context = link.context(link.client_options())
        local options = { server_hostname = "localhost", do_handshake_on_connect = false }
        local one = context:wrap_socket(first, options)
        raises("ValueError", { match = "wrapped already" }, context.wrap_socket, context, first, options)
        raises("ValueError", { match = "wrapped already" }, ssl.wrap_socket, first, { do_handshake_on_connect = false })
        assert.is_true(one:fileno() >= 0)
        one:close()
        second:close()
    end)

    it("a hundred senders whose peer does not read need memory for one piece", function()
        run(function(loop)
            local one, two = shake(loop, KINDS.stream(loop))
            one:settimeout(nil)
            local piece = ("x"):rep(65536)
            collectgarbage()
            collectgarbage()
            local before = collectgarbage "count"
            local taken, failures = 0, 0
            for _ = 1, 100 do
                loop:start(function()
                    local ok = pcall(function()
                        while true do
                            one:sendall(piece)
                            taken = taken + 1
                        end
                    end)
                    failures = failures + (ok and 0 or 1)
                end)
            end
            pause(0.05)
            collectgarbage()
            collectgarbage()
            assert.is_true(collectgarbage "count" - before < 2048)
            assert.is_true(taken < 40, taken .. " pieces")
            one:close()
            two:settimeout(5)
            pcall(function()
                while two:recv(65536) ~= "" do end
            end)
            while failures < 100 do
                pause()
            end
            two:close()
        end)
    end)

    describe("files", function()
        each_kind_it("that two coroutines write and flush send each line once and whole", function(loop, connected)
            local one, two = connected()
            local file = one:makefile "w"
            local writers = {}
            for who = 1, 3 do
                writers[who] = loop:start(function()
                    for number = 1, 40 do
                        file:write(("%d:%03d:"):format(who, number), ("x"):rep(1993), "\n")
                        file:flush()
                    end
                end)
            end
            local reading, seen, count = two:makefile "r", {}, 0
            repeat -- no `for`: Lua 5.1 cannot yield in an iterator
                local line = reading()
                assert.are.equal(2000, #line)
                local key = line:sub(1, 5)
                assert.is_nil(seen[key])
                seen[key], count = true, count + 1
            until count == 120
            ended(writers[1], writers[2], writers[3])
            file:close()
            reading:close()
            one:close()
            two:close()
        end)

        each_kind_it("that two coroutines read return each line to one of them, whole", function(loop, connected)
            local one, two = connected()
            local file = two:makefile "r"
            local seen, count = {}, 0
            for _ = 1, 2 do
                loop:start(function()
                    while true do
                        local line = file:readline()
                        if line == "stop\n" then
                            return
                        end
                        assert(line:find "^<%d+x*>\n$", line)
                        assert(not seen[line])
                        seen[line], count = true, count + 1
                    end
                end)
            end
            for number = 1, 100 do
                one:sendall("<" .. number .. ("x"):rep(number * 7 % 50))
                pause(0)
                one:sendall(">\n")
            end
            one:sendall("stop\nstop\n")
            while count < 100 do
                pause()
            end
            pause(0.01)
            file:close()
            one:close()
            two:close()
        end)

        each_kind_it("return the rest of the stream if the socket is closed while a coroutine waits", function(loop, connected)
            local one, two = connected()
            local file = two:makefile "r"
            local line
            local reader = loop:start(function()
                line = file:readline()
            end)
            pause(0.01)
            two:close()
            raises("socket.error", { errno = EBADF }, two.recv, two, 1)
            one:sendall "still here\n"
            ended(reader)
            assert.are.equal("still here\n", line)
            file:close()
            one:close()
        end)
    end)
end)

-- Coroutines that are killed while they have a turn, or wait for one.
describe("the turn of a coroutine that is killed", function()
    handles.watch(before_each, after_each)

    local function yields(sock, event)
        coroutine.yield(sock, event)
        return true
    end

    local WAYS = { dropped = function() end }
    if coroutine.close then
        function WAYS.closed(thread)
            assert(coroutine.close(thread))
        end
    end

    -- started returns a coroutine that has run until it waits.
    local function started(f, ...)
        local thread = coroutine.create(f)
        local ok, failure = coroutine.resume(thread, ...)
        assert(ok, tostring(failure))
        assert.are.equal("suspended", coroutine.status(thread))
        return thread
    end

    local function collect()
        collectgarbage()
        collectgarbage()
        collectgarbage()
    end

    for way, kill in pairs(WAYS) do
        it("goes to the next reader: " .. way, function()
            local one, two = socket.socketpair()
            one:setwaiter(yields)
            local got
            local threads = {}
            for who = 1, 3 do
                threads[who] = started(function()
                    got = { who, one:recv(10) }
                end)
            end
            kill(threads[1])
            threads[1] = nil
            kill(threads[2]) -- it only waited for its turn
            threads[2] = nil
            collect()
            two:sendall "x"
            for _ = 1, 10 do
                if coroutine.status(threads[3]) ~= "dead" then
                    assert(coroutine.resume(threads[3]))
                end
            end
            assert.are.same({ 3, "x" }, got)
            one:close()
            two:close()
        end)

        it("goes to the next writer of a plain socket, without an error: " .. way, function()
            local one, two = small(socket.socketpair())
            one:setwaiter(yields)
            local done = false
            local first = started(function()
                one:sendall(("a"):rep(1000000))
            end)
            local second = started(function()
                one:sendall("bbb")
                done = true
            end)
            kill(first)
            first = nil -- luacheck: ignore
            collect()
            two:settimeout(0)
            local text = ""
            while not done do
                local ok, data = pcall(two.recv, two, 65536)
                text = text .. (ok and data or "")
                assert(coroutine.resume(second))
            end
            text = text .. two:recv(65536)
            assert.is_truthy(text:find "^a+bbb$")
            one:close()
            two:close()
        end)

        it("over TLS goes to a writer of the same bytes only: " .. way, function()
            local one, two = link.open { transport = function()
                return small(socket.socketpair())
            end }
            one:settimeout(10)
            one:setwaiter(yields)
            two:settimeout(0)
            local data = peer.pattern(100000)
            local first = started(function()
                one:sendall(data)
            end)
            local failure
            local second = started(function()
                failure = failure_of(one.sendall, one, "other bytes")
            end)
            kill(first)
            first = nil -- luacheck: ignore
            collect()
            for _ = 1, 3 do
                if coroutine.status(second) ~= "dead" then
                    assert(coroutine.resume(second))
                end
            end
            raises.check(failure, "ssl.SSLError", { reason = "BAD_WRITE_RETRY" })
            one:close()
            two:close()
        end)

        it("in a file's flush leaves the buffered bytes: " .. way, function()
            local one, two = small(socket.socketpair())
            one:setwaiter(yields)
            local file = one:makefile "w"
            local data = peer.pattern(200000)
            file:write(data:sub(1, 100))
            local first = started(function()
                file:write(data:sub(101))
            end)
            kill(first)
            first = nil -- luacheck: ignore
            collect()
            two:settimeout(0)
            local second = coroutine.create(function()
                file:flush()
            end)
            local text = ""
            while #text < #data do
                if coroutine.status(second) ~= "dead" then
                    assert(coroutine.resume(second))
                end
                local ok, piece = pcall(two.recv, two, 65536)
                text = text .. (ok and piece or "")
            end
            assert.are.equal(data, text)
            file:close()
            one:close()
            two:close()
        end)

        it("does not prevent the descriptor from being closed: " .. way, function()
            local one, two = socket.socketpair()
            one:setwaiter(yields)
            local thread = started(function()
                one:recv(1)
            end)
            one:close() -- the waiter still has the descriptor
            kill(thread)
            thread = nil -- luacheck: ignore
            collect()
            two:settimeout(5)
            assert.are.equal("", two:recv(1))
            two:close()
        end)
    end

    it("goes to the next if the waiter raises", function()
        local one, two = socket.socketpair()
        one:setwaiter(yields)
        local first = started(function()
            local ok, failure = pcall(one.recv, one, 1)
            assert(not ok and failure == "stop")
        end)
        local got
        local second = started(function()
            got = one:recv(1)
        end)
        local waiter = one:getwaiter()
        assert.are.equal(yields, waiter)
        -- the first one waits in a function that raises when it is resumed
        assert.are.equal("suspended", coroutine.status(first))
        two:sendall "xy"
        assert(coroutine.resume(first) == false or true)
        for _ = 1, 3 do
            if coroutine.status(second) ~= "dead" then
                assert(coroutine.resume(second))
            end
        end
        assert.are.equal("y", got)
        one:close()
        two:close()
    end)
end)

describe("a call that has returned", function()
    handles.watch(before_each, after_each)

    -- Later calls use the records of earlier ones again: these must not refer to objects of the first call.
    it("keeps no reference to its coroutine or its socket", function()
        local gone = setmetatable({}, { __mode = "k" })
        local function waited(kind)
            local one, two = link.open()
            one:setwaiter(function()
                coroutine.yield()
                return true
            end)
            local thread = coroutine.create(function()
                return one:recv(10)
            end)
            assert(coroutine.resume(thread))
            if kind == "answered" then
                two:sendall "hello"
                assert.are.same({ true, "hello" }, { coroutine.resume(thread) })
                one:close()
            elseif kind == "closed" then
                one:close()
                local ok, failure = coroutine.resume(thread)
                assert.is_false(ok)
                assert.are.equal(9, failure.errno)
            end
            two:close()
            gone[thread], gone[one] = true, true
        end
        for _ = 1, 3 do
            waited "dropped"
            waited "closed"
            waited "answered"
        end
        collectgarbage()
        collectgarbage()
        collectgarbage()
        assert.is_nil(next(gone))
    end)
end)

describe("shared error objects", function()
    it("cannot be changed", function()
        for _, name in ipairs { "want_read", "want_write", "would_block", "in_progress" } do
            local err = errors[name]
            local message, errno = err.message, err.errno
            raises("AttributeError", { match = "shared" }, function()
                err.message = "other"
            end)
            raises("AttributeError", { match = "shared" }, function()
                err.anything = 1
            end)
            err.args[1] = "other"
            assert.are.equal(errno, err.args[1])
            assert.is_false(pcall(setmetatable, err, {}))
            assert.is_false(type(getmetatable(err)) == "table")
            assert.are.equal(message, err.message)
            assert.are.equal(message, tostring(err))
            assert.are.equal(message .. "!", err .. "!")
            assert.is_true(socket.error:is(err))
        end
        assert.is_true(ssl.SSLWantReadError:is(errors.want_read))
        assert.is_false(ssl.SSLWantWriteError:is(errors.want_read))
    end)
end)

describe("timeouts", function()
    handles.watch(before_each, after_each)

    it("that are not numbers are refused, and huge ones are infinite", function()
        local one, two = socket.socketpair()
        local asked
        one:setwaiter(function(_, _, timeout)
            asked = timeout
            return false
        end)
        raises("ValueError", { match = "NaN" }, one.settimeout, one, 0 / 0)
        raises("ValueError", {}, one.settimeout, one, math.huge)
        raises("ValueError", {}, one.settimeout, one, -1)
        for _, huge in ipairs { 1e9, 1e30, 2 ^ 63, 1e300 } do
            one:settimeout(huge)
            asked = 0
            pcall(one.recv, one, 1)
            assert.is_nil(asked)
            socket.setdefaulttimeout(huge)
            local third, fourth = socket.socketpair()
            fourth:sendall "x"
            assert.are.equal("x", third:recv(1))
            third:close()
            fourth:close()
            socket.setdefaulttimeout(nil)
        end
        one:settimeout(5)
        pcall(one.recv, one, 1)
        assert.is_true(asked > 4 and asked <= 5)
        one:close()
        two:close()
    end)
end)
