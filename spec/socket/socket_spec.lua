-- Plain sockets: Python's socket module. Peers are in this process if one thread can be both ends, else they are jobs
-- of peer.py.
local C = require "cleat.backend"
local errors = require "cleat.errors"
local handles = require "support.handles"
local limits = require "support.limits"
local peer = require "support.peer"
local process = require "support.process"
local raises = require "support.raises"
local select = require "cleat.select"
local socket = require "cleat.socket"

local EADDRINUSE, ECONNREFUSED, ECONNRESET, EAGAIN, EBADF, ENOENT = 98, 111, 104, 11, 9, 2
local EINPROGRESS, EISCONN, ENOPROTOOPT, ENOTCONN, EPIPE, ENOTSOCK = 115, 106, 92, 107, 32, 88

-- listening returns a listening socket and its address.
local function listening(family, host, backlog)
    local listener = socket.socket(family or socket.AF_INET, socket.SOCK_STREAM)
    listener:settimeout(10)
    listener:bind { host or "127.0.0.1", 0 }
    listener:listen(backlog or 5)
    return listener, listener:getsockname()
end

-- connected returns both ends of a TCP connection.
local function connected(family, host)
    local listener, address = listening(family, host)
    local client = socket.socket(family or socket.AF_INET, socket.SOCK_STREAM)
    client:settimeout(10)
    client:connect(address)
    local server, from = listener:accept()
    server:settimeout(10)
    listener:close()
    return client, server, from
end

-- elapsed returns how long a call took.
local function elapsed(f, ...)
    local start = process.clock()
    f(...)
    return process.clock() - start
end

local function assert_between(low, high, value)
    high = limits.bound(high)
    assert(low <= value and value <= high, ("%.3f is not between %.3f and %.3f"):format(value, low, high))
end

describe("socket:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    describe("creation", function()
        it("makes an IPv4 stream by default", function()
            local sock = socket.socket()
            assert.are.equal(socket.AF_INET, sock.family)
            assert.are.equal(socket.SOCK_STREAM, sock.type)
            assert.are.equal(socket.SOCK_STREAM, sock:getsockopt(socket.SOL_SOCKET, socket.SO_TYPE))
            assert.is_true(sock:fileno() >= 0)
            assert.is_nil(sock:gettimeout())
            sock:close()
        end)

        it("makes IPv6, Unix and datagram sockets", function()
            for _, case in ipairs {
                { socket.AF_INET6, socket.SOCK_STREAM }, { socket.AF_UNIX, socket.SOCK_STREAM },
                { socket.AF_INET, socket.SOCK_DGRAM },
            } do
                local sock = socket.socket(case[1], case[2])
                assert.are.equal(case[1], sock.family)
                assert.are.equal(case[2], sock.type)
                sock:close()
            end
        end)

        it("refuses a family that does not exist with the system's error", function()
            raises("socket.error", {}, socket.socket, 9999, socket.SOCK_STREAM)
        end)

        it("sets close-on-exec on every descriptor", function()
            local client, server = connected()
            local first, second = socket.socketpair()
            local listener = listening()
            for _, sock in ipairs { client, server, first, second, listener } do
                local flags = process.read_file("/proc/self/fdinfo/" .. sock:fileno()):match("flags:%s*(%d+)")
                assert(flags:match("2%d%d%d%d%d%d$"), "O_CLOEXEC is 02000000, the flags are " .. flags)
                sock:close()
            end
        end)
    end)

    describe("a stream", function()
        for _, case in ipairs {
            { "IPv4", socket.AF_INET, "127.0.0.1" },
            { "IPv6", socket.AF_INET6, "::1" },
        } do
            it("SOCK-05 SOCK-09 over " .. case[1] .. " carries data both ways and returns the addresses of its ends", function()
                local client, server, from = connected(case[2], case[3])
                assert.are.equal(case[3], from[1])
                assert.are.equal(client:getsockname()[2], from[2])
                assert.are.same(client:getsockname(), server:getpeername())
                assert.are.same(server:getsockname(), client:getpeername())
                assert.are.equal(case[2] == socket.AF_INET and 2 or 4, #client:getsockname())
                assert.are.equal(5, client:send("hello"))
                assert.are.equal("hello", server:recv(100))
                server:sendall("\0binary\255")
                assert.are.equal("\0binary\255", client:recv(100))
                client:close()
                server:close()
            end)
        end

        it("over a Unix path carries data and returns the addresses of its ends", function()
            local path = process.directory() .. "/stream"
            local listener = socket.socket(socket.AF_UNIX)
            listener:bind(path)
            listener:listen(1)
            assert.are.equal(path, listener:getsockname())
            local client = socket.socket(socket.AF_UNIX)
            client:connect(path)
            assert.are.equal(path, client:getpeername())
            assert.are.equal("", client:getsockname())
            local server = listener:accept()
            client:sendall("over a path")
            assert.are.equal("over a path", server:recv(100))
            local other = socket.socket(socket.AF_UNIX)
            raises("socket.error", { errno = EADDRINUSE }, other.bind, other, path)
            raises("socket.error", { errno = ENOENT }, other.connect, other, path .. ".none")
            for _, sock in ipairs { listener, client, server, other } do
                sock:close()
            end
        end)

        it("over an abstract Unix name needs no file", function()
            local name = "\0cleat-spec-" .. process.directory()
            local listener = socket.socket(socket.AF_UNIX)
            listener:bind(name)
            listener:listen(1)
            assert.are.equal(name, listener:getsockname())
            local client = socket.socket(socket.AF_UNIX)
            client:connect(name)
            local server = listener:accept()
            client:sendall("x")
            assert.are.equal("x", server:recv(1))
            for _, sock in ipairs { listener, client, server } do
                sock:close()
            end
        end)

        it("returns the peer's address of an accepted connection, also after the peer has reset it", function()
            local listener, address = listening()
            local client = socket.socket()
            client:connect(address)
            local own = client:getsockname()
            client:setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, "\1\0\0\0\0\0\0\0") -- close() resets the connection
            client:close()
            local server, from = listener:accept()
            raises("socket.error", { errno = ECONNRESET }, server.recv, server, 1)
            assert.are.same(own, from)
            assert.are.same(own, server:getpeername())
            server:close()
            listener:close()
        end)

        it("returns the peer's path of an accepted connection, short or long", function()
            local own = process.directory():match "[^/]*$"
            for _, name in ipairs { own:sub(-20), own .. ("long"):rep(15) } do
                local listener, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
                listener:bind("\0cleat-" .. process.directory())
                listener:listen(1)
                client:bind("\0" .. name)
                client:connect(listener:getsockname())
                local server, from = listener:accept()
                assert.are.equal("\0" .. name, from)
                assert.are.equal("\0" .. name, server:getpeername())
                for _, sock in ipairs { listener, client, server } do
                    sock:close()
                end
            end
        end)

        it("is connected, as the ABI reports, once it has had a peer", function()
            local listener, address = listening()
            local client = socket.socket()
            assert.are.equal(0, C.socket_connected(client._id))
            client:connect(address)
            local server = listener:accept()
            for _, sock in ipairs { client, server } do
                assert.are.equal(1, C.socket_connected(sock._id))
            end
            local first, second = socket.socketpair() -- the backend asks the system whether these are connected
            assert.are.equal(1, C.socket_connected(first._id))
            assert.are.equal(0, C.socket_connected(listener._id))
            assert.is_true(C.socket_connected(0) < 0)
            for _, sock in ipairs { listener, client, server, first, second } do
                sock:close()
            end
        end)

        it("accepts its address as a table, and a name as the host", function()
            local listener, address = listening()
            local client = socket.socket()
            client:connect { "localhost", address[2] }
            assert.are.equal("127.0.0.1", client:getpeername()[1])
            client:close()
            listener:close()
        end)

        it("receives at most the requested size, and nothing for 0", function()
            local client, server = connected()
            client:sendall("abcdef")
            assert.are.equal("", server:recv(0))
            assert.are.equal("ab", server:recv(2))
            assert.are.equal("cdef", server:recv(100))
            raises("ValueError", {}, server.recv, server, -1)
            client:close()
            server:close()
        end)

        it("returns an empty string at the end, repeatedly", function()
            local client, server = connected()
            client:sendall("last")
            client:close()
            assert.are.equal("last", server:recv(100))
            assert.are.equal("", server:recv(100))
            assert.are.equal("", server:recv(100))
            server:close()
        end)

        it("can be shut down in one direction, and used in the other", function()
            local client, server = connected()
            client:sendall("question")
            client:shutdown(socket.SHUT_WR)
            assert.are.equal("question", server:recv(100))
            assert.are.equal("", server:recv(100))
            server:sendall("answer")
            assert.are.equal("answer", client:recv(100))
            raises("socket.error", { errno = EPIPE }, client.send, client, "more")
            client:close()
            server:close()
        end)

        it("peeks with MSG_PEEK", function()
            local client, server = connected()
            client:sendall("peek")
            assert.are.equal("pe", server:recv(2, socket.MSG_PEEK))
            assert.are.equal("peek", server:recv(100))
            client:close()
            server:close()
        end)

        it("sends 10 MB to a peer that reads slowly", function()
            local job = peer.serve { "sleep 0.2", "recvall" }
            local sock = socket.create_connection({ "127.0.0.1", job.port }, 15)
            sock:sendall(("0123456789"):rep(1000000))
            sock:shutdown(socket.SHUT_WR)
            assert.are.equal("10000000", job:finish()[2]:match("^recvall (%d+) "))
            sock:close()
        end)
    end)

    describe("errors", function()
        it("EXC-15 a refused connection is ECONNREFUSED", function()
            local listener, address = listening()
            local good = socket.socket()
            good:connect(address)
            good:close()
            listener:close()
            local sock = socket.socket()
            local failure = raises({ "socket.error", "IOError" }, { errno = ECONNREFUSED }, sock.connect, sock, address)
            assert.are.equal("Connection refused", failure.strerror)
            assert.are.equal("[Errno 111] Connection refused", tostring(failure))
            sock:close()
        end)

        it("SOCK-07 connect_ex returns the number instead", function()
            local listener, address = listening()
            local sock = socket.socket()
            assert.are.equal(0, sock:connect_ex(address))
            assert.are.equal(EISCONN, sock:connect_ex(address))
            sock:close()
            listener:close()
            sock = socket.socket()
            assert.are.equal(ECONNREFUSED, sock:connect_ex(address))
            sock:close()
        end)

        it("an address in use is EADDRINUSE", function()
            local listener, address = listening()
            local second = socket.socket()
            raises("socket.error", { errno = EADDRINUSE }, second.bind, second, address)
            second:bind { "127.0.0.1", 0 }
            second:close()
            listener:close()
        end)

        it("EXC-15 an unconnected socket raises ENOTCONN", function()
            local sock = socket.socket()
            raises("socket.error", { errno = ENOTCONN }, sock.getpeername, sock)
            raises("socket.error", { errno = ENOTCONN }, sock.recv, sock, 1)
            raises("socket.error", { errno = ENOTCONN }, sock.shutdown, sock, socket.SHUT_RDWR)
            raises("socket.error", { errno = EPIPE }, sock.send, sock, "x")
            sock:close()
        end)

        it("EXC-15 a closed socket raises EBADF, and close can be repeated", function()
            local client, server = connected()
            client:close()
            client:close()
            for _, name in ipairs { "recv", "send", "fileno", "getpeername", "getsockname", "accept" } do
                raises("socket.error", { errno = EBADF }, client[name], client, name == "send" and "x" or 1)
            end
            raises("socket.error", { errno = EBADF }, client.connect, client, { "127.0.0.1", 1 })
            raises("socket.error", { errno = EBADF }, client.setsockopt, client, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            server:close()
        end)

        it("a connection that the peer resets is ECONNRESET", function()
            local job = peer.serve { "recv 1", "reset" }
            local sock = socket.create_connection({ "127.0.0.1", job.port }, 10)
            sock:sendall("x")
            job:finish()
            raises("socket.error", { errno = ECONNRESET }, sock.recv, sock, 10)
            sock:close()
        end)

        it("sending to a peer that has closed raises EPIPE, without a signal", function()
            local client, server = connected()
            server:close()
            local failure
            for _ = 1, 100 do
                local ok, raised = pcall(client.send, client, "into the void")
                if not ok then
                    failure = raised
                    break
                end
                process.sleep(0.005)
            end
            assert(failure, "no error")
            assert(failure.errno == EPIPE or failure.errno == ECONNRESET, tostring(failure))
            raises("socket.error", { errno = EPIPE }, client.send, client, "again")
            client:close()
        end)

        it("wrong types of arguments raise TypeError", function()
            local client, server = connected()
            raises("TypeError", {}, client.send, client, {})
            raises("TypeError", {}, client.send, client)
            raises("TypeError", {}, client.recv, client, "x")
            raises("TypeError", {}, client.connect, client, 7)
            client:sendall("still good")
            assert.are.equal("still good", server:recv(100))
            client:close()
            server:close()
        end)

        it("an unknown field raises an error", function()
            local sock = socket.socket()
            raises("AttributeError", { match = "no_such_field" }, function()
                return sock.no_such_field
            end)
            raises("AttributeError", { match = "no_such_field" }, function()
                sock.no_such_field = 1
            end)
            sock:close()
        end)

        it("belong to IOError, and timeouts to socket.error", function()
            local client, server = connected()
            client:settimeout(0.01)
            local failure = raises({ "socket.timeout", "socket.error", "IOError" }, { match = "timed out" }, client.recv,
                client, 1)
            assert.is_false(errors.ValueError:is(failure))
            client:close()
            server:close()
        end)
    end)

    describe("timeouts", function()
        it("SOCK-11 are None, 0 or seconds", function()
            local sock = socket.socket()
            assert.is_nil(sock:gettimeout())
            sock:settimeout(1.5)
            assert.are.equal(1.5, sock:gettimeout())
            sock:settimeout(0)
            assert.are.equal(0, sock:gettimeout())
            sock:settimeout(nil)
            assert.is_nil(sock:gettimeout())
            sock:setblocking(false)
            assert.are.equal(0, sock:gettimeout())
            sock:setblocking(true)
            assert.is_nil(sock:gettimeout())
            raises("ValueError", {}, sock.settimeout, sock, -1)
            raises("TypeError", {}, sock.settimeout, sock, "1")
            sock:close()
        end)

        it("an accepted socket blocks, whatever the listener's timeout", function()
            local listener, address = listening()
            listener:settimeout(5)
            local client = socket.socket()
            client:connect(address)
            local server = listener:accept()
            assert.is_nil(server:gettimeout())
            for _, sock in ipairs { listener, client, server } do
                sock:close()
            end
        end)

        it("setdefaulttimeout applies to sockets that are created afterwards", function()
            finally(function()
                socket.setdefaulttimeout(nil)
            end)
            assert.is_nil(socket.getdefaulttimeout())
            socket.setdefaulttimeout(2)
            assert.are.equal(2, socket.getdefaulttimeout())
            local sock = socket.socket()
            assert.are.equal(2, sock:gettimeout())
            sock:close()
        end)

        it("end recv, accept and send in time", function()
            local client, server = connected()
            local listener = listening()
            client:settimeout(0.1)
            listener:settimeout(0.1)
            assert_between(0.09, 1, elapsed(raises, "socket.timeout", { match = "timed out" }, client.recv, client, 1))
            assert_between(0.09, 1, elapsed(raises, "socket.timeout", { match = "timed out" }, listener.accept, listener))
            local block = ("x"):rep(1000000)
            assert_between(0.09, 2, elapsed(raises, "socket.timeout", { match = "timed out" }, function()
                for _ = 1, 100 do
                    client:send(block)
                end
            end))
            for _, sock in ipairs { client, server, listener } do
                sock:close()
            end
        end)

        it("end connect in time", function()
            -- A Unix listener with a full backlog blocks further clients.
            local path = process.directory() .. "/full"
            local listener = socket.socket(socket.AF_UNIX)
            listener:bind(path)
            listener:listen(0)
            local clients = { socket.socket(socket.AF_UNIX) }
            clients[1]:connect(path)
            local late = socket.socket(socket.AF_UNIX)
            late:settimeout(0.2)
            local time = elapsed(raises, "socket.error", {}, late.connect, late, path)
            assert_between(0, 2, time)
            for _, sock in ipairs { listener, clients[1], late } do
                sock:close()
            end
        end)

        it("end connect to a TCP listener that does not answer", function()
            local listener, address = listening(nil, nil, 0)
            local clients, refused = {}, nil
            local time = elapsed(function()
                for i = 1, 20 do
                    clients[i] = socket.socket()
                    clients[i]:settimeout(0.15)
                    local ok, failure = pcall(clients[i].connect, clients[i], address)
                    if not ok then
                        refused = failure
                        break
                    end
                end
            end)
            raises.check(refused, "socket.timeout", { match = "timed out" })
            assert_between(0.14, 3, time)
            for _, sock in ipairs(clients) do
                sock:close()
            end
            listener:close()
        end)

        it("apply to a whole sendall, not to each part of it", function()
            local job = peer.serve { "slowread 100000 65536 0.05" }
            local sock = socket.create_connection({ "127.0.0.1", job.port })
            sock:setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            sock:settimeout(0.4)
            local data = ("x"):rep(20000000)
            assert_between(0.39, 2, elapsed(raises, "socket.timeout", { match = "timed out" }, sock.sendall, sock, data))
            sock:close()
            job:abandon()
        end)

        it("leave the socket usable", function()
            local client, server = connected()
            client:settimeout(0.01)
            raises("socket.timeout", {}, client.recv, client, 1)
            server:sendall("late")
            client:settimeout(5)
            assert.are.equal("late", client:recv(10))
            client:close()
            server:close()
        end)
    end)

    describe("non-blocking", function()
        it("recv, accept and send raise EAGAIN instead of waiting", function()
            local client, server = connected()
            local listener = listening()
            client:setblocking(false)
            listener:setblocking(false)
            raises("socket.error", { errno = EAGAIN }, client.recv, client, 1)
            raises("socket.error", { errno = EAGAIN }, listener.accept, listener)
            local sent = 0
            raises("socket.error", { errno = EAGAIN }, function()
                for _ = 1, 10000 do
                    sent = sent + client:send(("x"):rep(65536))
                end
            end)
            assert.is_true(sent > 0)
            local got = 0
            while got < sent do
                got = got + #server:recv(1000000)
            end
            client:send("on again")
            assert.are.equal("on again", server:recv(100))
            for _, sock in ipairs { client, server, listener } do
                sock:close()
            end
        end)

        it("connect is in progress or finished, and select reports its end", function()
            local listener, address = listening()
            local client = socket.socket()
            client:setblocking(false)
            local code = client:connect_ex(address)
            assert(code == 0 or code == EINPROGRESS, "connect_ex: " .. code)
            local _, writable = select.select({}, { client }, {}, 5)
            assert.are.equal(client, writable[1])
            assert.are.equal(0, client:getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            local server = listener:accept()
            client:send("hello")
            assert.are.equal("hello", server:recv(100))
            for _, sock in ipairs { client, server, listener } do
                sock:close()
            end
        end)

        it("a refused connection is reported after select", function()
            local listener, address = listening()
            listener:close()
            local client = socket.socket()
            client:setblocking(false)
            local code = client:connect_ex(address)
            if code == EINPROGRESS then
                select.select({}, { client }, {}, 5)
                code = client:getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            end
            assert.are.equal(ECONNREFUSED, code)
            client:close()
        end)
    end)

    describe("options", function()
        it("SOCK-10 that are numbers", function()
            local sock = socket.socket()
            assert.are.equal(0, sock:getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
            sock:setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            assert.are_not.equal(0, sock:getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
            sock:setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            assert.are_not.equal(0, sock:getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            sock:setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            assert.is_true(sock:getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) >= 8192)
            sock:close()
        end)

        it("SOCK-10 that are bytes", function()
            local sock = socket.socket()
            local linger = "\1\0\0\0\5\0\0\0" -- struct linger { 1, 5 } on a little-endian machine
            sock:setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            assert.are.equal(linger, sock:getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
            sock:close()
        end)

        it("that do not exist are ENOPROTOOPT", function()
            local sock = socket.socket()
            raises("socket.error", { errno = ENOPROTOOPT }, sock.getsockopt, sock, socket.SOL_SOCKET, 9999)
            raises("socket.error", { errno = ENOPROTOOPT }, sock.setsockopt, sock, socket.SOL_SOCKET, 9999, 1)
            sock:close()
        end)

        it("IPV6_V6ONLY refuses IPv4 connections", function()
            local listener = socket.socket(socket.AF_INET6)
            listener:setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener:bind { "::", 0 }
            listener:listen(1)
            local port = listener:getsockname()[2]
            local client = socket.socket()
            assert.are.equal(ECONNREFUSED, client:connect_ex { "127.0.0.1", port })
            client:close()
            client = socket.socket(socket.AF_INET6)
            assert.are.equal(0, client:connect_ex { "::1", port })
            client:close()
            listener:close()
        end)
    end)

    describe("descriptors", function()
        -- number_of returns the descriptor by which this process has a file open.
        local function number_of(name)
            local pipe = io.popen("ls -l /proc/$PPID/fd")
            local list = pipe:read("*a")
            pipe:close()
            return tonumber(list:match("(%d+) %-> " .. name:gsub("%p", "%%%0")))
        end

        it("SOCK-08 fileno returns the system's number", function()
            local sock = socket.socket()
            local pipe = assert(io.popen("readlink /proc/$PPID/fd/" .. sock:fileno()))
            assert.is_truthy(pipe:read("*l"):match("^socket:"))
            pipe:close()
            sock:close()
        end)

        it("detach returns the descriptor and leaves a closed socket", function()
            local client, server = connected()
            local fd = client:detach()
            raises("socket.error", { errno = EBADF }, client.fileno, client)
            client:close()
            server:sendall("still open")
            local again = socket.socket { fileno = fd }
            assert.are.equal(socket.AF_INET, again.family)
            again:settimeout(5)
            assert.are.equal("still open", again:recv(100))
            again:close()
            server:close()
        end)

        it("of files raise ENOTSOCK, and closed ones EBADF", function()
            local file = assert(io.open("/proc/version"))
            local fd = number_of("/proc/version")
            raises("socket.error", { errno = ENOTSOCK }, socket.socket, { fileno = fd })
            assert.is_truthy(file:read("*l"):match("Linux"))
            file:close()
            raises("socket.error", { errno = EBADF }, socket.socket, { fileno = 999999 })
        end)

        it("are closed when the socket is collected", function()
            local first, second = socket.socketpair()
            local fd = first:fileno()
            first = nil -- luacheck: ignore
            collectgarbage()
            collectgarbage()
            assert.are.equal("", second:recv(1))
            assert.is_nil(io.open("/proc/self/fdinfo/" .. fd))
            second:close()
        end)
    end)

    describe("socketpair", function()
        it("makes two connected sockets", function()
            local first, second = socket.socketpair()
            assert.are.equal(socket.AF_UNIX, first.family)
            first:sendall("there")
            assert.are.equal("there", second:recv(10))
            second:sendall("and back")
            assert.are.equal("and back", first:recv(10))
            first:close()
            assert.are.equal("", second:recv(10))
            second:close()
        end)
    end)

    describe("getaddrinfo", function()
        it("returns numeric addresses without a lookup", function()
            local list = socket.getaddrinfo("127.0.0.1", 443, socket.AF_UNSPEC, socket.SOCK_STREAM)
            assert.are.equal(1, #list)
            assert.are.same({ socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", { "127.0.0.1", 443 } }, list[1])
            list = socket.getaddrinfo("::1", 80, 0, socket.SOCK_STREAM)
            assert.are.equal(socket.AF_INET6, list[1][1])
            assert.are.same({ "::1", 80, 0, 0 }, list[1][5])
        end)

        it("returns the addresses of names and services, and of an empty host", function()
            local list = socket.getaddrinfo("localhost", "https", socket.AF_INET, socket.SOCK_STREAM)
            assert.are.same({ "127.0.0.1", 443 }, list[1][5])
            list = socket.getaddrinfo(nil, 80, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
            assert.are.same({ "0.0.0.0", 80 }, list[1][5])
            list = socket.getaddrinfo(nil, 80, socket.AF_INET, socket.SOCK_STREAM)
            assert.are.same({ "127.0.0.1", 80 }, list[1][5])
        end)

        it("raises gaierror for malformed addresses", function()
            local failure = raises({ "socket.gaierror", "socket.error" }, {}, socket.getaddrinfo, "no address", 80, 0,
                socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
            assert.are.equal(socket.EAI_NONAME, failure.errno)
            local sock = socket.socket()
            raises("socket.gaierror", {}, sock.connect, sock, { "in valid", 80 })
            sock:close()
        end)
    end)

    describe("create_connection", function()
        it("connects, with a timeout", function()
            local listener, address = listening()
            local sock = socket.create_connection(address, 3)
            assert.are.equal(3, sock:gettimeout())
            local server, from = listener:accept()
            assert.are.same(sock:getsockname(), from)
            for _, each in ipairs { listener, sock, server } do
                each:close()
            end
        end)

        it("tries each address of a name in turn", function()
            -- localhost is ::1 as well as 127.0.0.1 on most machines; the listener is only on one of the two.
            for _, case in ipairs { { socket.AF_INET, "127.0.0.1" }, { socket.AF_INET6, "::1" } } do
                local known = pcall(socket.getaddrinfo, "localhost", 0, case[1], socket.SOCK_STREAM)
                if known then
                    local listener, address = listening(case[1], case[2])
                    local sock = socket.create_connection({ "localhost", address[2] }, 5)
                    assert.are.equal(case[2], sock:getpeername()[1])
                    sock:close()
                    listener:close()
                end
            end
        end)

        it("accepts a source address", function()
            local listener, address = listening()
            local sock = socket.create_connection(address, 3, { "127.0.0.1", 0 })
            local server, from = listener:accept()
            assert.are.same(sock:getsockname(), from)
            for _, each in ipairs { listener, sock, server } do
                each:close()
            end
        end)

        it("raises the last error if no address accepts, and closes its sockets", function()
            local listener, address = listening()
            listener:close()
            raises("socket.error", { errno = ECONNREFUSED }, socket.create_connection, address, 3)
            raises("socket.error", { errno = ECONNREFUSED }, socket.create_connection, { "localhost", address[2] }, 3)
        end)
    end)

    describe("select", function()
        it("reports readable and writable sockets", function()
            local first, second = socket.socketpair()
            local readable, writable, exceptional = select.select({ first, second }, { first }, {}, 0)
            assert.are.same({}, readable)
            assert.are.equal(1, #writable)
            assert.are.equal(first, writable[1])
            assert.are.same({}, exceptional)
            first:sendall("x")
            readable, writable = select.select({ first, second }, {}, {}, 5)
            assert.are.equal(1, #readable)
            assert.are.equal(second, readable[1])
            assert.are.same({}, writable)
            first:close()
            second:close()
        end)

        it("accepts descriptors as well as sockets", function()
            local first, second = socket.socketpair()
            first:sendall("x")
            local readable = select.select({ second:fileno() }, {}, {}, 5)
            assert.are.same({ second:fileno() }, readable)
            first:close()
            second:close()
        end)

        it("waits until its timeout", function()
            local first, second = socket.socketpair()
            local lists
            local time = elapsed(function()
                lists = { select.select({ first }, {}, {}, 0.1) }
            end)
            assert.are.same({ {}, {}, {} }, lists)
            assert_between(0.09, 1, time)
            assert.are.same({ {}, {}, {} }, { select.select({ first }, {}, {}, 0) }) -- returns
            first:close()
            second:close()
        end)

        it("reports the end of a stream as readable", function()
            local first, second = socket.socketpair()
            first:close()
            assert.are.equal(second, select.select({ second }, {}, {}, 5)[1])
            second:close()
        end)

        it("refuses closed sockets", function()
            local first, second = socket.socketpair()
            first:close()
            raises("socket.error", { errno = EBADF }, select.select, { first }, {}, {}, 0)
            second:close()
        end)
    end)
end)
