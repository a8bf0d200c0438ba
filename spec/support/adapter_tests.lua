-- Tests of every adapter: several coroutines use one connection. Each test is a function(runtime, tls) that is called
-- in a coroutine of a runtime (support.runtimes), and raises if the connection does not behave. It does not need
-- busted, because nginx runs it too.
--
-- A runtime has these fields besides those of support.runtimes: client and server (SSLContexts), directory (with the
-- files of support.pki), and factor, by which limits are multiplied on a slow machine.
local backend = require "cleat.backend"
local socket = require "cleat.socket"
local errors = require "cleat.errors"
local ssl = require "cleat.ssl"

local tests = {}

local EBADF, EAGAIN = 9, 11

local function fail(format, ...)
    error(format:format(...), 2)
end

-- expect_equal raises unless two values are equal.
local function expect_equal(want, got)
    if want ~= got then
        error(("expected %s, got %s"):format(tostring(want):sub(1, 200), tostring(got):sub(1, 200)), 2)
    end
end

local function raises(class, errno, ok, failure)
    if ok then
        fail("expected %s, but it succeeded", class)
    elseif not errors[class]:is(failure) or (errno and failure.errno ~= errno) then
        fail("expected %s %s, got: %s", class, errno or "", tostring(failure))
    end
end

-- connected: both ends of a TCP connection with small buffers.
local function connected()
    local listener, first = socket.socket(), socket.socket()
    listener:setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    first:setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    listener:bind { "127.0.0.1", 0 }
    listener:listen(1)
    first:connect(listener:getsockname())
    local second = listener:accept()
    listener:close()
    return first, second
end

-- ends returns the object to wrap on the tested side, and the peer's plain socket.
local function ends(runtime)
    if runtime.ends then
        return runtime:ends()
    end
    local first, second = connected()
    second:setwaiter(runtime.waiter)
    if runtime.adopt then
        return runtime:adopt(first), second
    end
    first:setwaiter(runtime.waiter)
    return first, second
end

-- wrap makes the tested connection over an object, before the handshake.
local function wrap(runtime, object)
    local sock = runtime.client:wrap_socket(object, { server_hostname = "localhost", do_handshake_on_connect = false })
    if runtime.sets_waiter then
        sock:setwaiter(runtime.waiter)
    end
    return sock
end

-- open returns the tested connection, its peer, and the object below it, after the handshake if tls is true. early:
-- before the handshake on the tested side, while the peer's has begun.
local function open(runtime, tls, early)
    local object, second = ends(runtime)
    if not tls then
        return object, second, object
    end
    local sock = wrap(runtime, object)
    local peer = runtime.server:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
    local task = runtime:start(function()
        peer:do_handshake()
    end)
    if not early then
        sock:do_handshake()
        runtime:join(task)
    end
    return sock, peer, object
end

-- within waits until tasks have ended, and raises if that takes too long.
local function within(runtime, seconds, what, ...)
    local pauses = math.ceil(seconds * (runtime.factor or 1) / 0.005)
    for _ = 1, pauses do
        local left = false
        for _, task in ipairs { ... } do
            left = left or not task.done
        end
        if not left then
            return
        end
        runtime:pause(0.005)
    end
    local places = {}
    for i, task in ipairs { ... } do
        places[#places + 1] = not task.done and task.thread and debug.traceback(task.thread, "coroutine " .. i) or nil
    end
    fail("%s does not end\n%s", what, table.concat(places, "\n"))
end

-- unwrap ends TLS, and closes the object below it.
local function unwrap(runtime, sock)
    local object = sock:unwrap()
    if runtime.close_object then
        runtime:close_object(object)
    else
        object:close()
    end
end

local function receive(sock, count)
    local parts, got = {}, 0
    while got < count do
        local data = sock:recv(math.min(65536, count - got))
        if data == "" then
            break
        end
        parts[#parts + 1], got = data, got + #data
    end
    return table.concat(parts)
end

local function pattern(count)
    local parts = {}
    for i = 1, math.ceil(count / 8) do
        parts[i] = ("%08d"):format(i)
    end
    return table.concat(parts):sub(1, count)
end

local SIZE = 300000

local function read_beside_write(runtime, tls, early)
    local sock, peer = open(runtime, tls, early)
    local data = pattern(SIZE)
    local echo = runtime:start(function()
        local got = 0
        while got < SIZE do
            local piece = peer:recv(20000)
            assert(piece ~= "", "the stream ended early")
            got = got + #piece
            peer:sendall(piece)
        end
    end)
    local got
    local reader = runtime:start(function()
        got = receive(sock, SIZE)
    end)
    local writer = runtime:start(function()
        sock:sendall(data)
    end)
    within(runtime, 10, "reading beside writing", reader, writer, echo)
    runtime:join(reader, writer, echo)
    expect_equal(data, got)
    sock:close()
    peer:close()
end

tests["one coroutine reads while another writes"] = read_beside_write
tests["a reader and a writer do the handshake"] = function(runtime, tls)
    if tls then
        read_beside_write(runtime, tls, true)
    end
end

tests["two coroutines do the handshake"] = function(runtime, tls)
    if not tls then
        return
    end
    local object, second = ends(runtime)
    local sock = wrap(runtime, object)
    local first = runtime:start(function()
        sock:do_handshake()
    end)
    local other = runtime:start(function()
        sock:do_handshake()
    end)
    local peer
    local serving = runtime:start(function()
        runtime:pause(0.01)
        peer = runtime.server:wrap_socket(second, { server_side = true })
    end)
    within(runtime, 10, "the handshake", first, other, serving)
    runtime:join(first, other, serving)
    peer:sendall "x"
    expect_equal("x", sock:recv(10))
    sock:close()
    peer:close()
end

-- with_verify_callback calls a function with a runtime whose client asks a verify callback.
local function with_verify_callback(runtime, callback, f)
    runtime.client.verify_callback = callback
    local ok, failure = pcall(f)
    runtime.client.verify_callback = nil
    if not ok then
        error(failure, 0)
    end
end

tests["a verify callback waits, while others read and write"] = function(runtime, tls)
    if not tls then
        return
    end
    local calls, read_early = 0, false
    local sock, peer, reading
    local function callback(conn, chain, verdict)
        calls = calls + 1
        runtime:pause(0.01)
        expect_equal(sock, conn)
        expect_equal(true, chain[1]:matches("localhost"))
        expect_equal(0, verdict.verify_code)
        read_early = reading.done
        return true
    end
    with_verify_callback(runtime, callback, function()
        local object, second = ends(runtime)
        sock = wrap(runtime, object)
        peer = runtime.server:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
        reading = runtime:start(function()
            return sock:recv(5)
        end)
        local writing = runtime:start(function()
            sock:sendall "hello"
        end)
        local serving = runtime:start(function()
            peer:do_handshake()
            peer:sendall(receive(peer, 5))
        end)
        within(runtime, 10, "a handshake with a verify callback", reading, writing, serving)
        runtime:join(reading, writing, serving)
    end)
    expect_equal("hello", reading.results[2])
    expect_equal(1, calls)
    expect_equal(false, read_early)
    sock:close()
    peer:close()
end

-- with_session_store calls a function with a runtime whose server has a session store.
local function with_session_store(runtime, store, f)
    runtime.server:set_session_store(store)
    local ok, failure = pcall(f)
    runtime.server:set_session_store(nil)
    if not ok then
        error(failure, 0)
    end
end

-- serve: a reader and a writer use a server on the tested side from the beginning, and its client offers a session.
-- Returns the client's new session and whether the offered one was resumed.
local function serve(runtime, session)
    local object, second = ends(runtime)
    local sock = runtime.server:wrap_socket(object, { server_side = true, do_handshake_on_connect = false })
    if runtime.sets_waiter then
        sock:setwaiter(runtime.waiter)
    end
    local peer = runtime.client:wrap_socket(second, {
        server_hostname = "localhost", do_handshake_on_connect = false, session = session,
    })
    local reading = runtime:start(function()
        return sock:recv(5)
    end)
    local writing = runtime:start(function()
        sock:sendall "tick!"
    end)
    local client = runtime:start(function()
        peer:do_handshake()
        peer:sendall "hello"
        return receive(peer, 5), peer.session, peer.session_reused
    end)
    within(runtime, 10, "a handshake with a session store", reading, writing, client)
    runtime:join(reading, writing, client)
    expect_equal("hello", reading.results[2])
    expect_equal("tick!", client.results[2])
    sock:close()
    peer:close()
    return client.results[3], client.results[4]
end

tests["a session store waits, while others read and write"] = function(runtime, tls)
    if not tls then
        return
    end
    local kept, gets, puts = {}, 0, 0
    with_session_store(runtime, {
        get = function(key)
            gets = gets + 1
            runtime:pause(0.01)
            return kept[key]
        end,
        put = function(key, bytes)
            runtime:pause(0.01)
            puts, kept[key] = puts + 1, bytes
        end,
    }, function()
        local session, reused = serve(runtime)
        expect_equal(false, reused)
        expect_equal(0, gets)
        expect_equal(2, puts)
        session, reused = serve(runtime, session)
        expect_equal(true, reused)
        expect_equal(1, gets)
        expect_equal(4, puts)
        kept = {}
        expect_equal(false, (select(2, serve(runtime, session))))
        expect_equal(2, gets)
    end)
end

tests["a session store raises, and closes the connection"] = function(runtime, tls)
    if not tls then
        return
    end
    local problems, sock = 0, nil
    local function fail_after_a_while()
        runtime:pause(0.01)
        error "no store"
    end
    with_session_store(runtime, { get = fail_after_a_while, put = fail_after_a_while, error = function()
        problems = problems + 1
    end }, function()
        local session = serve(runtime)
        expect_equal(2, problems)
        expect_equal(false, (select(2, serve(runtime, session))))
        expect_equal(5, problems)
    end)
    with_session_store(runtime, { get = fail_after_a_while, put = function()
        runtime:pause(0.01)
        sock:close()
    end }, function()
        local object, second = ends(runtime)
        sock = runtime.server:wrap_socket(object, { server_side = true, do_handshake_on_connect = false })
        if runtime.sets_waiter then
            sock:setwaiter(runtime.waiter)
        end
        local peer = runtime.client:wrap_socket(second, { server_hostname = "localhost", do_handshake_on_connect = false })
        local client = runtime:start(function()
            peer:do_handshake()
            return peer:recv(1)
        end)
        raises("error", EBADF, pcall(sock.do_handshake, sock))
        within(runtime, 10, "the client", client)
        runtime:join(client)
        peer:close()
    end)
end

tests["a verify callback waits, and refuses the certificate"] = function(runtime, tls)
    if not tls then
        return
    end
    local function callback()
        runtime:pause(0.01)
        error "not pinned"
    end
    with_verify_callback(runtime, callback, function()
        local object, second = ends(runtime)
        local sock = wrap(runtime, object)
        local peer = runtime.server:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
        local serving = runtime:start(function()
            peer:recv(1)
        end)
        local ok, failure = pcall(sock.do_handshake, sock)
        raises("SSLCertVerificationError", nil, ok, failure)
        expect_equal(50, failure.verify_code)
        expect_equal(true, tostring(failure.cause):find("not pinned", 1, true) ~= nil)
        expect_equal(0, failure.depth)
        expect_equal(true, failure.certificate:matches("localhost"))
        within(runtime, 10, "the peer", serving)
        raises("SSLError", nil, serving.ok, serving.results[2])
        expect_equal(46, serving.results[2].alert)
        sock:close()
        peer:close()
    end)
end

tests["a verify callback waits, and the connection is closed"] = function(runtime, tls)
    if not tls then
        return
    end
    local waits, closed = false, false
    local function callback()
        waits = true
        repeat
            runtime:pause(0.005)
        until closed
    end
    with_verify_callback(runtime, callback, function()
        local object, second = ends(runtime)
        local sock = wrap(runtime, object)
        local peer = runtime.server:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
        local serving = runtime:start(function()
            pcall(peer.recv, peer, 1)
        end)
        local shaking = runtime:start(function()
            sock:do_handshake()
        end)
        while not waits do
            runtime:pause(0.005)
        end
        sock:close()
        closed = true
        within(runtime, 10, "the handshake of a closed connection", shaking)
        raises("error", EBADF, shaking.ok, shaking.results[2])
        peer:close()
        within(runtime, 10, "the peer", serving)
    end)
end

-- The callback runs in a coroutine that is killed while it waits: the next coroutine calls it again.
tests["a coroutine is killed in a callback, and the next coroutine calls it again"] = function(runtime, tls)
    if not tls or not runtime.kill then
        return
    end
    local calls
    local function callback()
        calls = calls + 1
        runtime:pause(calls == 1 and 3600 or 0.001)
        return true
    end
    -- attempt: callback runs on the side under test
    local function attempt(is_server)
        calls = 0
        local object, second = ends(runtime)
        local here, there = is_server and runtime.server or runtime.client, is_server and runtime.client or runtime.server
        local function wrapped(context, plain, server_side)
            return context:wrap_socket(plain, { server_side = server_side, do_handshake_on_connect = false,
                server_hostname = not server_side and "localhost" or nil })
        end
        local sock, peer = wrapped(here, object, is_server), wrapped(there, second, not is_server)
        if runtime.sets_waiter then
            sock:setwaiter(runtime.waiter)
        end
        local killed = runtime:start(function()
            sock:do_handshake()
        end)
        local other = runtime:start(function()
            peer:do_handshake()
            peer:sendall "hello"
        end)
        while calls == 0 do
            runtime:pause(0.001)
        end
        local reader = runtime:start(function()
            return sock:recv(5)
        end)
        runtime:pause(0.005)
        assert(not reader.done)
        runtime:kill(killed)
        within(runtime, 2, "the reader", reader)
        runtime:join(reader, other)
        expect_equal("hello", reader.results[2])
        assert(calls > 1)
        sock:close()
        peer:close()
    end
    with_verify_callback(runtime, callback, function()
        attempt(false)
    end)
    with_session_store(runtime, { get = callback, put = callback }, function()
        attempt(true)
    end)
end

-- with_contexts calls a function while the runtime has other contexts, and closes these.
local function with_contexts(runtime, client, server, f)
    local old_client, old_server = runtime.client, runtime.server
    runtime.client, runtime.server = client, server
    local ok, failure = pcall(f)
    for _, context in ipairs { client, server } do
        getmetatable(context).__close(context) -- the runtime may keep tasks that refer to connections
    end
    runtime.client, runtime.server = old_client, old_server
    if not ok then
        error(failure, 0)
    end
end

-- with_remote_keys calls a function with a runtime whose contexts sign by callback, on both sides. signs(side) is
-- called before each signature.
local function with_remote_keys(runtime, signs, f)
    local function load(context, side, name)
        context:load_cert_chain(runtime.directory .. "/" .. name .. ".pem", { sign = function(algorithm, data)
            signs(side)
            return ssl.sign(runtime.directory .. "/" .. name .. ".key", algorithm, data)
        end })
        return context
    end
    local cafile = runtime.directory .. "/root.pem"
    local client = load(ssl.create_default_context { cafile = cafile }, "client", "client")
    local server = load(ssl.create_default_context { purpose = ssl.Purpose.CLIENT_AUTH, cafile = cafile }, "server",
        "server-ec")
    server.verify_mode = ssl.CERT_REQUIRED
    with_contexts(runtime, client, server, f)
end

tests["sign callbacks wait on both sides, while others read and write"] = function(runtime, tls)
    if not tls then
        return
    end
    local order, early = {}, false
    local reading
    with_remote_keys(runtime, function(side)
        order[#order + 1] = side
        runtime:pause(0.01)
        early = early or reading.done
    end, function()
        local object, second = ends(runtime)
        local sock = wrap(runtime, object)
        local peer = runtime.server:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
        reading = runtime:start(function()
            return sock:recv(5)
        end)
        local writing = runtime:start(function()
            sock:sendall "hello"
        end)
        local serving = runtime:start(function()
            peer:sendall(receive(peer, 5))
        end)
        within(runtime, 10, "a handshake with sign callbacks", reading, writing, serving)
        runtime:join(reading, writing, serving)
        expect_equal("hello", reading.results[2])
        expect_equal("server client", table.concat(order, " "))
        expect_equal(false, early)
        sock:close()
        peer:close()
    end)
end

tests["a sign callback raises"] = function(runtime, tls)
    if not tls then
        return
    end
    for _, refuser in ipairs { "client", "server" } do
        with_remote_keys(runtime, function(side)
            runtime:pause(0.01)
            assert(side ~= refuser, "not today")
        end, function()
            local object, second = ends(runtime)
            local sock = wrap(runtime, object)
            local peer = runtime.server:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
            local results = {}
            local tasks = {}
            for side, one in pairs { client = sock, server = peer } do
                tasks[#tasks + 1] = runtime:start(function()
                    results[side] = { pcall(one.recv, one, 1) }
                end)
            end
            within(runtime, 10, "both sides", tasks[1], tasks[2])
            runtime:join(tasks[1], tasks[2])
            local refused, other = results[refuser], results[refuser == "client" and "server" or "client"]
            raises("SSLError", nil, refused[1], refused[2])
            expect_equal("PRIVATE_KEY_OPERATION_FAILED", refused[2].reason)
            expect_equal(true, tostring(refused[2].cause):find("not today", 1, true) ~= nil)
            raises("SSLError", nil, other[1], other[2])
            expect_equal(80, other[2].alert)
            sock:close()
            peer:close()
        end)
    end
end

tests["a sign callback waits, and the connection is closed"] = function(runtime, tls)
    if not tls then
        return
    end
    local waits, closed = false, false
    with_remote_keys(runtime, function(side)
        if side == "client" then
            waits = true
            repeat
                runtime:pause(0.005)
            until closed
        end
    end, function()
        local object, second = ends(runtime)
        local sock = wrap(runtime, object)
        local peer = runtime.server:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
        local serving = runtime:start(function()
            pcall(peer.recv, peer, 1)
        end)
        local shaking = runtime:start(function()
            sock:do_handshake()
        end)
        while not waits do
            runtime:pause(0.005)
        end
        sock:close()
        closed = true
        within(runtime, 10, "the handshake of a closed connection", shaking)
        raises("error", EBADF, shaking.ok, shaking.results[2])
        peer:close()
        within(runtime, 10, "the peer", serving)
    end)
end

-- with_psk calls a function with a runtime whose contexts have a pre-shared key and no certificates. refuses(side) is
-- called in each PSK callback, and returns whether the callback returns no key.
local function with_psk(runtime, refuses, f)
    local client, server = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client:set_ciphers "PSK"
    server:set_ciphers "PSK"
    client:set_psk_client_callback(function(hint)
        expect_equal("hint", hint)
        return "name", not refuses "client" and "key" or nil
    end)
    server:set_psk_server_callback(function(identity)
        expect_equal("name", identity)
        return not refuses "server" and "key" or nil
    end, "hint")
    with_contexts(runtime, client, server, f)
end

tests["PSK callbacks wait on both sides, or return no key, while others read and write"] = function(runtime, tls)
    if not tls then
        return
    end
    for _, refuser in ipairs { "no side", "client", "server" } do
        local order, early = {}, false
        local reading
        with_psk(runtime, function(side)
            order[#order + 1] = side
            runtime:pause(0.01)
            early = early or reading.done
            return side == refuser
        end, function()
            local object, second = ends(runtime)
            local sock = wrap(runtime, object)
            local peer = runtime.server:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
            reading = runtime:start(function()
                return pcall(sock.recv, sock, 5)
            end)
            local writing = runtime:start(function()
                return pcall(sock.sendall, sock, "hello")
            end)
            local serving = runtime:start(function()
                return pcall(function()
                    peer:sendall(receive(peer, 5))
                    return peer:psk_identity()
                end)
            end)
            within(runtime, 10, "a handshake with a pre-shared key", reading, writing, serving)
            runtime:join(reading, writing, serving)
            expect_equal(false, early)
            if refuser == "no side" then
                expect_equal("client server", table.concat(order, " "))
                expect_equal("hello", reading.results[3])
                expect_equal("name", serving.results[3])
            else
                local own = refuser == "client" and reading.results[3] or serving.results[3]
                raises("SSLError", nil, false, own)
                expect_equal(refuser == "client" and "client" or "client server", table.concat(order, " "))
                expect_equal(refuser == "client" and 40 or 115, (own == reading.results[3] and serving or reading).results[3].alert)
            end
            sock:close()
            peer:close()
        end)
    end
end

tests["unwrap during another coroutine's read"] = function(runtime, tls)
    if not tls then
        return
    end
    local sock, peer = open(runtime, tls)
    local reader = runtime:start(function()
        return sock:recv(10)
    end)
    runtime:pause(0.01)
    local unwrapping = runtime:start(function()
        unwrap(runtime, sock)
    end)
    local answer = runtime:start(function()
        expect_equal("", peer:recv(10))
        peer:unwrap():close()
    end)
    within(runtime, 5, "unwrap during a read", reader, unwrapping, answer)
    runtime:join(unwrapping, answer)
    -- The peer's close_notify wakes the reader, and there is no data to read after it.
    if not reader.ok and not errors.SSLZeroReturnError:is(reader.results[2]) then
        raises("ValueError", nil, false, reader.results[2])
    end
    sock:close()
end

-- closed_beside closes the connection while each body waits in a coroutine.
local function closed_beside(runtime, sock, peer, ...)
    local tasks = {}
    for i, body in ipairs { ... } do
        tasks[i] = runtime:start(body)
    end
    runtime:pause(0.03)
    for _, task in ipairs(tasks) do
        assert(not task.done, "the coroutine has ended before close(): " .. tostring(task.results and task.results[2]))
    end
    sock:close()
    local decoys = { socket.socketpair() }
    within(runtime, 1, "a wait during close()", (table.unpack or unpack)(tasks))
    for _, task in ipairs(tasks) do
        raises("error", EBADF, task.ok, task.results[2])
    end
    for _, decoy in ipairs(decoys) do
        decoy:close()
    end
    peer:close()
end

tests["close during a read"] = function(runtime, tls)
    local sock, peer = open(runtime, tls)
    closed_beside(runtime, sock, peer, function()
        sock:recv(10)
    end)
end

tests["close during a write, and a read"] = function(runtime, tls)
    local sock, peer = open(runtime, tls)
    closed_beside(runtime, sock, peer, function()
        sock:sendall(("x"):rep(10000000))
    end, function()
        sock:recv(10)
    end)
end

tests["close while coroutines wait for their turn"] = function(runtime, tls)
    local sock, peer = open(runtime, tls)
    local function send()
        sock:sendall(("x"):rep(10000000))
    end
    local function recv()
        sock:recv(10)
    end
    closed_beside(runtime, sock, peer, send, recv, send, recv)
end

tests["close during a handshake"] = function(runtime, tls)
    if tls then
        local object, second = ends(runtime)
        local sock = wrap(runtime, object)
        closed_beside(runtime, sock, second, function()
            sock:do_handshake()
        end, function()
            sock:recv(1)
        end)
    end
end

tests["close during accept"] = function(runtime, tls)
    if tls or runtime.adopt or runtime.stream then
        return
    end
    local listener, other = socket.socket(), socket.socket()
    listener:bind { "127.0.0.1", 0 }
    listener:listen(1)
    listener:setwaiter(runtime.waiter)
    closed_beside(runtime, listener, other, function()
        listener:accept()
    end)
end

tests["a waiting reader is killed, and another reader continues"] = function(runtime, tls)
    if not runtime.kill then
        return
    end
    local sock, peer = open(runtime, tls)
    for round = 1, 3 do
        local killed = runtime:start(function()
            sock:recv(10)
        end)
        runtime:pause(0.01)
        assert(not killed.done)
        runtime:kill(killed)
        local reader = runtime:start(function()
            return sock:recv(10)
        end)
        runtime:pause(0.01)
        peer:sendall("later" .. round)
        within(runtime, 2, "the other reader", reader)
        runtime:join(reader)
        expect_equal("later" .. round, reader.results[2])
    end
    -- The reader is killed while it waits for data and another reader waits for its turn.
    local killed = runtime:start(function()
        sock:recv(10)
    end)
    local parked = runtime:start(function()
        return sock:recv(10)
    end)
    runtime:pause(0.01)
    runtime:kill(killed)
    peer:sendall "for the one that waited"
    within(runtime, 2, "the parked reader", parked)
    runtime:join(parked)
    expect_equal("for the on", parked.results[2])
    expect_equal("e that waited", sock:recv(100))
    local last = runtime:start(function()
        sock:recv(10)
    end)
    runtime:pause(0.01)
    runtime:kill(last)
    sock:close()
    local first, second = socket.socketpair() -- they may get the number of the closed descriptor
    if runtime.waiter then
        first:setwaiter(runtime.waiter)
        local reader = runtime:start(function()
            return first:recv(10)
        end)
        runtime:pause(0.01)
        second:sendall "x"
        within(runtime, 2, "a reader of the next socket", reader)
        expect_equal("x", reader.results[2])
    end
    first:close()
    second:close()
    peer:close()
end

tests["several senders, and a peer that reads late"] = function(runtime, tls)
    local sock, peer = open(runtime, tls)
    local sizes = { 1, 1000, 16385, 100000, 300000, 70000, 16384 }
    local total, senders, taken = 0, {}, 0
    for i, size in ipairs(sizes) do
        total = total + size
        senders[i] = runtime:start(function()
            sock:sendall(string.char(64 + i):rep(size))
            taken = taken + size
        end)
    end
    runtime:pause(0.05)
    if tls and not runtime.large_buffers then
        assert(taken < total, "everything was sent, though the peer does not read")
    end
    local got
    local reader = runtime:start(function()
        got = receive(peer, total)
    end)
    within(runtime, 10, "a sender", reader, (table.unpack or unpack)(senders))
    runtime:join(reader, (table.unpack or unpack)(senders))
    expect_equal(total, #got)
    local at = 1
    while at <= total do
        local letter = got:sub(at, at)
        local size = sizes[letter:byte() - 64]
        assert(size and got:sub(at, at + size - 1) == letter:rep(size), "the bytes of one call do not follow each other")
        at = at + size
    end
    sock:close()
    peer:close()
end

tests["a file is sent to a peer that reads late"] = function(runtime, tls)
    local sock, peer = open(runtime, tls)
    local data, position = pattern(SIZE), 0
    local file = {
        read = function(_, count)
            local piece = data:sub(position + 1, position + count)
            position = position + #piece
            return piece
        end,
        seek = function(_, _, to)
            position = to
            return to
        end,
    }
    local sent, got
    local sender = runtime:start(function()
        sent = sock:sendfile(file, 5)
    end)
    local reader = runtime:start(function()
        got = receive(peer, SIZE - 5)
    end)
    within(runtime, 10, "sending a file", sender, reader)
    runtime:join(sender, reader)
    expect_equal(SIZE - 5, sent)
    expect_equal(data:sub(6), got)
    expect_equal(SIZE, position)
    sock:close()
    peer:close()
end

tests["two coroutines write and flush one file"] = function(runtime, tls)
    local sock, peer = open(runtime, tls)
    local file = sock:makefile("w", 512)
    local LINES = 300
    local function writer(who)
        return function()
            for i = 1, LINES do
                file:write(who, " ", ("%05d"):format(i), (who .. "\n"):rep(1 + i % 40 * 3))
                if i % 3 == 0 then
                    file:flush()
                end
            end
            file:flush()
        end
    end
    local counts, lines = { a = 0, b = 0 }, 0
    local reader = runtime:start(function()
        local input = peer:makefile "r"
        local next_line = input:lines()
        local line = next_line()
        while line do -- no `for`: Lua 5.1 cannot yield in an iterator
            local who, number = line:match "^(%a) (%d+)%a$"
            if who then
                counts[who] = counts[who] + 1
                assert(tonumber(number) == counts[who], line .. " is not the expected line")
            else
                assert(line == "a" or line == "b", "a broken line: " .. line)
            end
            lines = lines + 1
            line = next_line()
        end
        input:close()
        if tls then
            peer:unwrap():close()
        end
    end)
    local first, second = runtime:start(writer "a"), runtime:start(writer "b")
    within(runtime, 10, "a writer", first, second)
    runtime:join(first, second)
    file:close()
    if tls then
        unwrap(runtime, sock)
    end
    sock:close()
    within(runtime, 5, "the reader", reader)
    runtime:join(reader)
    expect_equal(LINES, counts.a)
    expect_equal(LINES, counts.b)
    peer:close()
end

tests["the event loop's object is closed without the wrapper"] = function(runtime, tls)
    if not tls or not runtime.close_object then
        return
    end
    local sock, peer, object = open(runtime, tls)
    sock:settimeout(2)
    runtime:close_object(object)
    local decoys = {}
    for i = 1, 20, 2 do
        decoys[i], decoys[i + 1] = socket.socketpair()
    end
    pcall(sock.sendall, sock, ("secret"):rep(1000)) -- this may fail, or send to the peer
    sock:settimeout(0.05)
    pcall(sock.recv, sock, 1)
    for i, decoy in ipairs(decoys) do
        decoy:settimeout(0)
        local ok, got = pcall(decoy.recv, decoy, 10)
        if ok then
            fail("socket %d has received %q", i, got)
        end
        raises("error", EAGAIN, ok, got)
    end
    sock:close()
    for _, decoy in ipairs(decoys) do
        decoy:sendall "x" -- they are still open
    end
    for _, decoy in ipairs(decoys) do
        decoy:close()
    end
    peer:close()
end

tests["timeouts of any size"] = function(runtime, tls)
    local sock, peer = open(runtime, tls)
    raises("ValueError", nil, pcall(sock.settimeout, sock, 0 / 0))
    raises("ValueError", nil, pcall(sock.settimeout, sock, -1))
    for _, timeout in ipairs { 1e30, 1e300, 1e18, 1e12, 2147484, 4294968, 1e9, 3600, 0.0000001 } do
        sock:settimeout(timeout)
        if timeout < 1 then
            local ok, failure = pcall(sock.recv, sock, 4)
            raises("error", nil, ok, failure)
            assert(tostring(failure):find "timed out", tostring(failure))
            sock:settimeout(nil)
        end
        local sender = runtime:start(function()
            runtime:pause(0.01)
            peer:sendall "late"
        end)
        local ok, got = pcall(sock.recv, sock, 4)
        if not ok then
            error(("with a timeout of %g: %s"):format(timeout, tostring(got)), 0)
        end
        expect_equal("late", got)
        sock:sendall "and back"
        expect_equal("and back", peer:recv(8))
        runtime:join(sender)
    end
    if runtime.stream then
        raises("NotImplementedError", nil, pcall(sock.settimeout, sock, 0))
    else
        sock:settimeout(0)
        local ok, failure = pcall(sock.recv, sock, 4)
        if tls then
            raises("SSLWantReadError", nil, ok, failure)
        else
            raises("error", EAGAIN, ok, failure)
        end
    end
    sock:close()
    peer:close()
end

tests["a reader is woken during another coroutine's write"] = function(runtime, tls)
    local sock, peer = open(runtime, tls)
    local writer = runtime:start(function()
        sock:sendall(("x"):rep(10000000))
    end)
    runtime:pause(0.02)
    for round = 1, 3 do
        local reader = runtime:start(function()
            return sock:recv(10)
        end)
        runtime:pause(0.01)
        peer:sendall("for you " .. round)
        within(runtime, 2, "a read during a write", reader)
        runtime:join(reader)
        expect_equal("for you " .. round, reader.results[2])
    end
    assert(not writer.done)
    sock:close()
    within(runtime, 1, "the writer", writer)
    raises("error", EBADF, writer.ok, writer.results[2])
    peer:close()
end

-- share_of returns which share of a processor this process takes while the runtime pauses.
local function share_of(runtime)
    local _, began = backend.monotonic()
    local before = os.clock()
    local now
    repeat
        runtime:pause(0.1)
        now = select(2, backend.monotonic())
    until now - began >= 0.1
    return (os.clock() - before) / (now - began)
end

tests["a wait costs no processor time"] = function(runtime, tls)
    local least, control = math.huge, math.huge -- the control: pauses during which nothing waits
    for _ = 1, 5 do
        control = math.min(control, share_of(runtime))
        local sock, peer = open(runtime, tls)
        local reader = runtime:start(function()
            sock:recv(10)
        end)
        local writer = runtime:start(function()
            sock:sendall(("x"):rep(10000000))
        end)
        runtime:pause(0.05)
        least = math.min(least, share_of(runtime))
        sock:close()
        within(runtime, 1, "a wait during close()", reader, writer)
        peer:close()
        if least <= math.max(4 * control, 0.3) then
            return
        end
    end
    fail("a wait takes %.2f of the processor, and a pause %.2f", least, control)
end

tests["close during connect"] = function(runtime, tls)
    if not runtime.fresh or (runtime.stream and not tls) then
        return
    end
    local listener, others = socket.socket(), {}
    listener:bind { "127.0.0.1", 0 }
    listener:listen(0)
    for i = 1, 4 do -- they fill the backlog
        others[i] = socket.socket()
        others[i]:settimeout(0)
        others[i]:connect_ex(listener:getsockname())
    end
    local sock = runtime:fresh()
    if tls then
        sock = wrap(runtime, sock)
    end
    closed_beside(runtime, sock, listener, function()
        sock:connect(listener:getsockname())
    end)
    for _, other in ipairs(others) do
        other:close()
    end
end

tests["a sender is killed, and a write of other bytes is refused"] = function(runtime, tls)
    if not runtime.kill or not tls then
        return
    end
    local sock, peer = open(runtime, tls)
    local killed = runtime:start(function()
        sock:sendall(("x"):rep(10000000))
    end)
    runtime:pause(0.03)
    assert(not killed.done)
    runtime:kill(killed)
    local draining = runtime:start(function() -- without it the write might wait before it is refused
        pcall(receive, peer, math.huge)
    end)
    local other = runtime:start(function()
        sock:sendall "other bytes"
    end)
    within(runtime, 2, "another sender", other)
    raises("SSLError", nil, other.ok, other.results[2])
    expect_equal("BAD_WRITE_RETRY", other.results[2].reason)
    peer:sendall "reading continues"
    expect_equal("reading continues", sock:recv(100))
    sock:close()
    within(runtime, 2, "the peer", draining)
    peer:close()
end

tests["sessions are resumed"] = function(runtime, tls)
    if not tls then
        return
    end
    local client = runtime.client
    local function visit(session)
        local object, second = ends(runtime)
        local sock = wrap(runtime, object)
        if session then
            sock.session = session
        end
        local peer = runtime.server:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
        local task = runtime:start(function()
            peer:do_handshake()
            peer:sendall("s")
        end)
        sock:do_handshake()
        expect_equal("s", sock:recv(1))
        runtime:join(task)
        local reused, newest = sock.session_reused, sock.session
        expect_equal(0, sock:get_verify_result().verify_code)
        expect_equal(reused, peer.session_reused)
        local cached = rawget(sock, "_stream") ~= nil -- the cache key has the port, which differs for each socket; a stream has none
        sock:close()
        peer:close()
        return reused, newest, cached
    end
    local size = client.session_cache_size
    client.session_cache_size = 0
    local reused, session = visit()
    expect_equal(false, reused)
    expect_equal(false, (visit()))
    reused, session = visit(session)
    expect_equal(true, reused)
    client.session_cache_size = 8 -- this empties the cache
    local _, _, cached = visit(session)
    reused = visit()
    client.session_cache_size = size
    expect_equal(cached, reused)
end

-- early_contexts enables early data in the runtime's contexts, and returns a session for it, made in memory.
local function early_contexts(runtime)
    local client_in, client_out, server_in, server_out = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
    runtime.server.max_early_data = 14336
    local one = runtime.client:wrap_bio(client_in, client_out, { server_hostname = "localhost" })
    local other = runtime.server:wrap_bio(server_in, server_out, { server_side = true })
    for _ = 1, 4 do
        pcall(one.do_handshake, one)
        server_in:write(client_out:read())
        pcall(other.do_handshake, other)
        client_in:write(server_out:read())
    end
    other:write "x"
    client_in:write(server_out:read())
    expect_equal("x", one:read(1))
    return one.session
end

-- receive_early returns a server's early data, and `count` bytes of the data after it.
local function receive_early(sock, count)
    local early = {}
    repeat
        early[#early + 1] = sock:recv_early(100)
    until early[#early] == ""
    return table.concat(early), receive(sock, count)
end

-- Early data, accepted and refused; the tested side is the client or the server. Other coroutines use the connection,
-- too.
local function early_data(accepts, as_server)
    return function(runtime, tls)
        if not tls then
            return
        end
        local session = early_contexts(runtime)
        local object, second = ends(runtime)
        runtime.server.max_early_data = accepts and 14336 or 0
        local client_options = { server_hostname = "localhost", session = session, early_data = "early",
            do_handshake_on_connect = false }
        local server_options = { server_side = true, do_handshake_on_connect = false }
        local sock = (as_server and runtime.server or runtime.client):wrap_socket(object, as_server and server_options or
            client_options)
        if runtime.sets_waiter then
            sock:setwaiter(runtime.waiter)
        end
        local peer = (as_server and runtime.client or runtime.server):wrap_socket(second, as_server and client_options or
            server_options)
        local client, server = as_server and peer or sock, as_server and sock or peer
        local early, late
        local serving = runtime:start(function()
            early, late = receive_early(server, accepts and 4 or 9)
            server:sendall "answer"
        end)
        local reading = runtime:start(function()
            expect_equal("answer", receive(client, 6))
        end)
        local writing = runtime:start(function()
            client:sendall "tail"
        end)
        within(runtime, 5, "early data", serving, reading, writing)
        for _, task in ipairs { serving, reading, writing } do
            if not task.ok then
                error(task.results[2], 0)
            end
        end
        runtime.server.max_early_data = 0
        expect_equal(accepts and "early" or "", early)
        expect_equal(accepts and "tail" or "earlytail", late)
        expect_equal(accepts and "accepted" or "refused", client.early_data)
        expect_equal(accepts and "accepted" or "refused", server.early_data)
        sock:close()
        peer:close()
    end
end

tests["a client's early data arrives once if the server accepts it"] = early_data(true, false)
tests["a client's early data arrives once if the server refuses it"] = early_data(false, false)
tests["a server receives early data that it accepts"] = early_data(true, true)
tests["a server receives early data that it refuses"] = early_data(false, true)

-- This side refuses the certificate of another program in the handshake. The caller checks whether that program has
-- received the alert.
tests["the peer receives the alert for its refused certificate"] = function(runtime, tls)
    if not runtime.port or not tls then
        return
    end
    local object
    if runtime.connect then
        object = runtime:connect(runtime.port)
    else
        object = socket.create_connection { "127.0.0.1", runtime.port }
        if runtime.adopt then
            object = runtime:adopt(object)
        else
            object:setwaiter(runtime.waiter)
        end
    end
    local ok, failure = pcall(runtime.client.wrap_socket, runtime.client, object, { server_hostname = "elsewhere.example" })
    raises("SSLCertVerificationError", nil, ok, failure)
    -- The failure has closed the connection.
    expect_equal(62, failure.verify_code)
    expect_equal(0, failure.depth)
    expect_equal(true, failure.certificate:matches("localhost"))
    expect_equal(true, failure.chain[1] == failure.certificate)
end

return tests
