-- Waiters: straight-line code in coroutines, with the scheduler of support.scheduler. No call may block the thread.
local Buffer = require "cleat.buffer"
local backend = require "cleat.backend"
local handles = require "support.handles"
local limits = require "support.limits"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local scheduler = require "support.scheduler"
local socket = require "cleat.socket"

local WAIT = 0.05 -- seconds

-- listen returns a listening socket with the waiter.
local function listen(loop)
    local listener = socket.socket()
    listener:setwaiter(loop.waiter)
    listener:bind { "127.0.0.1", 0 }
    listener:listen(5)
    return listener
end

-- ticker counts the turns of the loop, until it is stopped.
local function ticker(loop)
    local ticks = { count = 0 }
    loop:start(function()
        while not ticks.stopped do
            ticks.count = ticks.count + 1
            coroutine.yield(process.clock() + 0.002)
        end
    end)
    return ticks
end

-- connected returns both ends of a TLS connection over TCP with the waiter, after the handshake. Call it in a coroutine
-- of the loop.
local function connected(loop, client_options, server_options)
    local first, second = link.pair(client_options, server_options)
    for _, sock in ipairs { first, second } do
        sock:setwaiter(loop.waiter)
        sock:settimeout(10)
    end
    local other = loop:start(function()
        second:do_handshake()
    end)
    first:do_handshake()
    while not other.done do
        coroutine.yield(process.clock() + 0.001)
    end
    return first, second
end

local function run(body)
    local loop = scheduler.new()
    loop:start(function()
        body(loop)
    end)
    loop:run(20)
    return loop
end

describe("a socket with a waiter", function()
    handles.watch(before_each, after_each)
    after_each(function()
        socket.setdefaultwaiter(nil)
    end)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        it("runs straight-line code on both sides of " .. version, function()
            local loop = scheduler.new()
            local data = peer.pattern(1500000)
            local listener = listen(loop)
            local port = listener:getsockname()[2]
            local served, answered, plain
            local ticks = ticker(loop)
            loop:start(function()
                local server = link.context { version = version, cert = "server-ec" }:wrap_socket(listener, true)
                local connection = server:accept()
                assert.are.equal(loop.waiter, connection:getwaiter())
                served = {}
                local got = 0
                while got < #data do
                    served[#served + 1] = connection:recv(30000)
                    got = got + #served[#served]
                end
                connection:sendall(data)
                local below = connection:unwrap()
                assert.are.equal(loop.waiter, below:getwaiter())
                below:sendall "plain"
                below:close()
                server:close()
            end)
            loop:start(function()
                local client = link.context(link.client_options { version = version }):wrap_socket(socket.socket(),
                    { server_hostname = "localhost" })
                client:setwaiter(loop.waiter)
                client:connect { "localhost", port }
                client:sendall(data)
                local buffer, parts, got = Buffer(50000), {}, 0
                while got < #data do
                    local count = client:recv_into(buffer)
                    parts[#parts + 1] = buffer:sub(1, count)
                    got = got + count
                end
                answered = table.concat(parts)
                local below = client:unwrap()
                plain = below:recv(100)
                below:close()
                ticks.stopped = true
            end)
            loop:run(30)
            assert.are.equal(data, table.concat(served))
            assert.are.equal(data, answered)
            assert.are.equal("plain", plain)
            assert.is_true(loop.waits >= 5, loop.waits .. " waits")
            assert.is_true(ticks.count > 1)
        end)
    end

    it("reads and writes the files of makefile()", function()
        run(function(loop)
            local client, server = connected(loop)
            loop:start(function()
                local file = server:makefile "rw"
                local lines = file:lines()
                local line = lines()
                while line do -- no `for`: Lua 5.1 cannot yield in an iterator
                    file:write(line:upper() .. "\n")
                    file:flush()
                    line = lines()
                end
                file:close()
                server:close()
            end)
            local file = client:makefile "rw"
            for _, word in ipairs { "one", "two", "three" } do
                file:write(word .. "\n")
                file:flush()
                assert.are.equal(word:upper(), (file:read "*l"))
            end
            file:close()
            client:close()
        end)
    end)

    describe("keeps its timeout in", function()
        -- late checks that f raises a timeout, no earlier than the timeout, while other coroutines run.
        local function late(loop, class, f)
            local ticks
            for _ = 1, 10 do -- a machine that stands still for so long runs no other coroutine; f must be repeatable
                ticks = ticker(loop)
                local before = process.clock()
                raises(class, { match = "timed out" }, f)
                assert.is_true(process.clock() - before >= WAIT * 0.9)
                ticks.stopped = true
                if ticks.count > 1 then
                    break
                end
            end
            assert.is_true(ticks.count > 1)
        end

        it("accept and connect", function()
            run(function(loop)
                local listener = listen(loop)
                listener:listen(0)
                listener:settimeout(WAIT)
                late(loop, "socket.timeout", function()
                    listener:accept()
                end)
                -- a full backlog: the next client's SYN is not answered
                local fillers = {}
                for i = 1, 3 do
                    fillers[i] = socket.socket()
                    fillers[i]:settimeout(0)
                    fillers[i]:connect_ex(listener:getsockname())
                end
                local sock = socket.socket()
                sock:setwaiter(loop.waiter)
                sock:settimeout(WAIT)
                late(loop, "socket.timeout", function()
                    sock:connect(listener:getsockname())
                end)
                sock:close()
                sock = socket.socket()
                sock:setwaiter(loop.waiter)
                sock:settimeout(WAIT)
                assert.are.equal(11, sock:connect_ex(listener:getsockname())) -- EAGAIN
                for _, each in ipairs { sock, listener, fillers[1], fillers[2], fillers[3] } do
                    each:close()
                end
            end)
        end)

        it("the handshake, and wrap_socket closes the socket", function()
            run(function(loop)
                local context = link.context(link.client_options())
                late(loop, "ssl.SSLError", function()
                    local first, second = socket.socketpair()
                    first:setwaiter(loop.waiter)
                    first:settimeout(WAIT)
                    local ok, failure = pcall(context.wrap_socket, context, first, { server_hostname = "localhost" })
                    raises("socket.error", { errno = 9 }, first.fileno, first)
                    second:close()
                    if not ok then
                        error(failure, 0)
                    end
                end)
            end)
        end)

        it("recv, recv_into, read, and unwrap", function()
            run(function(loop)
                local client, server = connected(loop)
                client:settimeout(WAIT)
                local buffer = Buffer(10)
                for _, call in ipairs { { "recv", 10 }, { "recv_into", buffer }, { "read", 10 }, { "unwrap" } } do
                    late(loop, "ssl.SSLError", function()
                        client[call[1]](client, call[2])
                    end)
                end
                server:close()
                client:close()
            end)
        end)

        it("send, write and sendall", function()
            run(function(loop)
                for _, method in ipairs { "send", "write", "sendall" } do
                    local client, server = connected(loop)
                    client:settimeout(WAIT)
                    late(loop, "ssl.SSLError", function()
                        client[method](client, ("x"):rep(8000000))
                    end)
                    server:close()
                    client:close()
                end
            end)
        end)

        it("recv, recv_into and sendall of a plain socket", function()
            run(function(loop)
                local first, second = socket.socketpair()
                first:setwaiter(loop.waiter)
                first:settimeout(WAIT)
                late(loop, "socket.timeout", function()
                    first:recv(10)
                end)
                late(loop, "socket.timeout", function()
                    first:recv_into(Buffer(10))
                end)
                late(loop, "socket.timeout", function()
                    first:sendall(("x"):rep(8000000))
                end)
                first:close()
                second:close()
            end)
        end)
    end)

    it("applies one timeout to the whole call, however often it waits", function()
        run(function(loop)
            local client, server = connected(loop)
            client:settimeout(0.3)
            local stop = false
            loop:start(function()
                while not stop do -- one byte from time to time lets the client's writes progress a little
                    pcall(server.recv, server, 20000)
                    coroutine.yield(process.clock() + 0.05)
                end
                server:close()
            end)
            local before = process.clock()
            raises("ssl.SSLError", { match = "timed out" }, client.sendall, client, ("x"):rep(30000000))
            local took = process.clock() - before
            assert.is_true(took >= 0.27 and took < limits.bound(5), tostring(took))
            stop = true
            client:close()
        end)
    end)

    it("raises the waiter's error, and works afterwards", function()
        run(function(loop)
            local client, server = connected(loop)
            local reason = setmetatable({}, { __tostring = function()
                return "the user changed his mind"
            end })
            for _, failure in ipairs { reason, "a text", 42 } do
                client:setwaiter(function()
                    error(failure, 0)
                end)
                local ok, got = pcall(client.recv, client, 10)
                assert.is_false(ok)
                assert.are.equal(failure, got)
            end
            client:setwaiter(loop.waiter)
            server:sendall "still here"
            assert.are.equal("still here", client:recv(10))
            client:close()
            server:close()
        end)
    end)

    it("raises the waiter's error in a handshake, which can continue", function()
        run(function(loop)
            local client, server = link.pair()
            client:settimeout(5)
            server:settimeout(5)
            server:setwaiter(loop.waiter)
            client:setwaiter(function()
                error("not now", 0)
            end)
            local ok, failure = pcall(client.do_handshake, client)
            assert.is_false(ok)
            assert.are.equal("not now", failure)
            client:setwaiter(loop.waiter)
            local other = loop:start(function()
                server:do_handshake()
            end)
            client:do_handshake()
            assert.are.equal("TLSv1.3", client:version())
            while not other.done do
                coroutine.yield(process.clock() + 0.001)
            end
            client:close()
            server:close()
        end)
    end)

    it("refuses results of a waiter other than true and false", function()
        local client, server = link.open()
        local answer
        client:setwaiter(function()
            return answer
        end)
        for _, garbage in ipairs { "yes", 1, 0, {}, print } do
            answer = garbage
            raises("TypeError", { match = "a waiter must return true or false, not " }, client.recv, client, 10)
        end
        answer = nil
        raises("TypeError", { match = "not nil" }, client.recv, client, 10)
        answer = false
        raises("ssl.SSLError", { match = "timed out" }, client.recv, client, 10)
        client:setwaiter(nil)
        server:sendall "fine"
        assert.are.equal("fine", client:recv(10))
        client:close()
        server:close()
    end)

    it("keeps its timeout even if its waiter always returns true", function()
        local client, server = link.open()
        client:settimeout(WAIT)
        local waits = 0
        client:setwaiter(function()
            waits = waits + 1
            assert(waits < 1e8)
            return true
        end)
        raises("ssl.SSLError", { match = "timed out" }, client.recv, client, 10)
        assert.is_true(waits > 1)
        client:close()
        server:close()
    end)

    it("works if the waiter closes the socket", function()
        for _, call in ipairs { { "recv", 10 }, { "do_handshake" }, { "sendall", ("x"):rep(8000000) }, { "unwrap" } } do
            local client, server
            if call[1] == "do_handshake" then
                client, server = link.pair()
                client:settimeout(5)
            else
                client, server = link.open()
            end
            client:setwaiter(function(sock)
                sock:close()
                return true
            end)
            local failure = raises({ "socket.error" }, {}, client[call[1]], client, call[2])
            assert.is_true(#tostring(failure) > 0)
            client:close()
            server:close()
        end
    end)

    it("does not call the waiter if the socket is non-blocking", function()
        local client, server = link.pair()
        client:setwaiter(function()
            error "asked"
        end)
        raises("ssl.SSLWantReadError", {}, client.do_handshake, client)
        assert.are.equal(0, client:gettimeout())
        client:close()
        server:close()
    end)

    it("gets the default waiter if it is new; its wrapper gets the socket's", function()
        local loop = scheduler.new()
        assert.is_nil(socket.getdefaultwaiter())
        socket.setdefaultwaiter(loop.waiter)
        assert.are.equal(loop.waiter, socket.getdefaultwaiter())
        local first, second = socket.socketpair()
        assert.are.equal(loop.waiter, first:getwaiter())
        local bare = link.context(link.client_options()):wrap_socket(second:fileno(),
            { server_hostname = "localhost", do_handshake_on_connect = false })
        assert.are.equal(loop.waiter, bare:getwaiter())
        bare:close()
        first:setwaiter(nil)
        assert.is_nil(first:getwaiter())
        local wrapped = link.context { cert = "server-ec" }:wrap_socket(first, { server_side = true, do_handshake_on_connect = false })
        assert.is_nil(wrapped:getwaiter())
        wrapped:close()
        second:close()
        for _, wrong in ipairs { 1, "x", {}, true } do
            raises("TypeError", { match = "waiter" }, socket.setdefaultwaiter, wrong)
        end
        raises("TypeError", { match = "waiter" }, first.setwaiter, first, "x")
        socket.setdefaultwaiter(setmetatable({}, { __call = loop.waiter }))
        socket.setdefaultwaiter(nil)
    end)

    it("lets the servername callback and the password function yield", function()
        run(function(loop)
            local chosen = link.context { cert = "server-ec" }
            local context = link.context { cert = "other" }
            local ticks = ticker(loop)
            local between
            context:set_servername_callback(function(sock)
                local before = ticks.count
                repeat
                    coroutine.yield(process.clock() + WAIT)
                    between = ticks.count - before
                until between > 1
                sock.context = chosen
            end)
            local client, server = connected(loop, {}, { context = context })
            assert.are.same({ { "commonName", "localhost" } }, client:getpeercert().subject[2])
            assert.is_true(between > 1)
            client:close()
            server:close()

            local certfile, keyfile = pki.path "server-ec.pem", pki.path "ec.pkcs8-encrypted.key"
            local asked = 0
            link.context {}:load_cert_chain(certfile, keyfile, function()
                local before = ticks.count
                repeat
                    coroutine.yield(process.clock() + WAIT)
                    asked = ticks.count - before
                until asked > 1
                return "somepass"
            end)
            assert.is_true(asked > 1)
            ticks.stopped = true
        end)
    end)

    it("times out a callback that yields for too long", function()
        run(function(loop)
            local context = link.context { cert = "server-ec" }
            context:set_servername_callback(function()
                coroutine.yield(process.clock() + 3 * WAIT)
            end)
            local client, server = link.pair({}, { context = context })
            for _, sock in ipairs { client, server } do
                sock:setwaiter(loop.waiter)
                sock:settimeout(5)
            end
            server:settimeout(WAIT)
            local other = loop:start(function()
                pcall(client.do_handshake, client)
            end)
            raises("ssl.SSLError", { match = "timed out" }, server.do_handshake, server)
            server:close()
            while not other.done do
                coroutine.yield(process.clock() + 0.001)
            end
            client:close()
        end)
    end)

    it("has pollfd, events and timeout while it waits", function()
        local client, server = link.pair()
        raises("ssl.SSLWantReadError", {}, client.do_handshake, client)
        assert.are.equal("r", client:events())
        assert.are.equal(client:fileno(), client:pollfd())
        assert.are.equal(0, client.timeout)
        client:close()
        server:close()
        local first, second = socket.socketpair()
        first:settimeout(0)
        pcall(first.sendall, first, ("x"):rep(8000000))
        assert.are.equal("w", first:events())
        raises("socket.error", { errno = 11 }, first.recv, first, 1)
        assert.are.equal("r", first:events())
        first:close()
        second:close()
    end)
end)

describe("a name, under a waiter,", function()
    handles.watch(before_each, after_each)
    after_each(function()
        socket.setdefaultwaiter(nil)
    end)

    it("is resolved to the same addresses as without a waiter", function()
        local expected = socket.getaddrinfo("localhost", 80, 0, socket.SOCK_STREAM)
        local numeric = socket.getaddrinfo("127.0.0.1", 80, 0, socket.SOCK_STREAM)
        local _, unknown = pcall(socket.getaddrinfo, "unknown.invalid", 80)
        local loop = scheduler.new()
        socket.setdefaultwaiter(loop.waiter)
        loop:start(function()
            assert.are.same(numeric, socket.getaddrinfo("127.0.0.1", 80, 0, socket.SOCK_STREAM))
            assert.are.equal(0, loop.waits)
            assert.are.same(expected, socket.getaddrinfo("localhost", 80, 0, socket.SOCK_STREAM))
            assert.is_true(loop.waits <= 1)
            raises("socket.gaierror", { errno = unknown.errno }, socket.getaddrinfo, "unknown.invalid", 80)
            local sock = socket.socket()
            raises("socket.gaierror", { errno = unknown.errno }, sock.connect, sock, { "unknown.invalid", 80 })
            sock:close()
        end)
        loop:run(20)
    end)

    -- A slow getaddrinfo, in a separate process.
    it("does not delay other coroutines, and respects the timeout", function()
        local directory = process.directory()
        process.write_file(directory .. "/slow.c", [[
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <netdb.h>
            #include <string.h>
            #include <time.h>
            int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **list) {
                int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
                struct timespec pause = {0, 300000000};
                *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
                if (host != NULL && strcmp(host, "localhost") == 0) nanosleep(&pause, NULL);
                return next(host, service, hints, list);
            }
        ]])
        local built = process.run { "cc", "-shared", "-fPIC", "-o", directory .. "/slow.so", directory .. "/slow.c", "-ldl" }
        assert.are.equal("", built.errors)
        local output = process.run_code([[
            local loop = require("support.scheduler").new()
            local process, socket = require "support.process", require "cleat.socket"
            local listener = socket.socket()
            listener:bind { "127.0.0.1", 0 }
            listener:listen(5)
            local ticks, stopped = 0, false
            loop:start(function()
                while not stopped do
                    ticks = ticks + 1
                    coroutine.yield(process.clock() + 0.002)
                end
            end)
            loop:start(function()
                local sock = socket.socket()
                sock:setwaiter(loop.waiter)
                sock:connect { "localhost", listener:getsockname()[2] }
                print("connected", ticks > 1)
                sock:close()
                sock = socket.socket()
                sock:setwaiter(loop.waiter)
                sock:settimeout(0.02)
                local ok, failure = pcall(sock.connect, sock, { "localhost", listener:getsockname()[2] })
                print(ok, socket.timeout:is(failure), tostring(failure))
                print(sock:connect_ex { "localhost", listener:getsockname()[2] })
                stopped = true
            end)
            loop:run(10)
        ]], {
            "LD_PRELOAD=" .. (os.getenv "LD_PRELOAD" or "") .. " " .. directory .. "/slow.so",
            "ASAN_OPTIONS=verify_asan_link_order=0", -- in a build with ASan, another library is loaded first here
        })
        assert.are.equal("connected\ttrue\nfalse\ttrue\ttimed out\n11\n", output)
    end)

    it("can be closed before its result is read; and the result can be read again", function()
        for _ = 1, 20 do
            local id = backend.resolution_new("localhost", "80", 0, socket.SOCK_STREAM, 0, 0)
            assert.is_true(id > 0)
            assert.is_true(backend.resolution_fileno(id) >= 0)
            assert.are.equal(0, backend.close(id))
        end
        local id = backend.resolution_new("localhost", "80", 0, socket.SOCK_STREAM, 0, 0)
        local list = backend.resolution_addrinfo(id, 10)
        assert.is_true(backend.addrinfo_count(list) > 0)
        local again = backend.resolution_addrinfo(id, 0)
        assert.is_true(again > 0 and again ~= list)
        for _, each in ipairs { id, list, again } do
            backend.close(each)
        end
    end)
end)
