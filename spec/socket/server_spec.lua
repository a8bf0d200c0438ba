-- create_server, has_dualstack_ipv6, fromfd, dup, and addresses with scopes and flow information.
local handles = require "support.handles"
local process = require "support.process"
local raises = require "support.raises"
local scheduler = require "support.scheduler"
local socket = require "cleat.socket"

local EADDRINUSE, EBADF, EINVAL, ENOTSOCK = 98, 9, 22, 88
local FLOWLABEL_MGR, FLOWINFO_SEND = 32, 33 -- options that Python has no names for either

local function option(sock, level, name)
    return sock:getsockopt(socket[level], socket[name])
end

-- reaches returns whether the listener accepts a connection to its port at that host.
local function reaches(listener, host)
    local client = socket.create_connection({ host, listener:getsockname()[2] }, 10)
    local accepted, from = listener:accept()
    client:sendall("x")
    assert.are.equal("x", accepted:recv(1))
    client:close()
    accepted:close()
    return from[1]
end

describe("create_server:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("listens at an IPv4 address, which can be reused", function()
        local listener = socket.create_server { "127.0.0.1", 0 }
        assert.are.equal(socket.AF_INET, listener.family)
        assert.are.equal(1, option(listener, "SOL_SOCKET", "SO_REUSEADDR"))
        assert.are.equal(0, option(listener, "SOL_SOCKET", "SO_REUSEPORT"))
        assert.are.equal(1, option(listener, "SOL_SOCKET", "SO_ACCEPTCONN"))
        assert.is_nil(listener:gettimeout())
        assert.are.equal("127.0.0.1", reaches(listener, "127.0.0.1"))
        listener:close()
    end)

    it("listens at IPv6 addresses only, or at IPv4 ones too", function()
        local only = socket.create_server({ "::1", 0 }, { family = socket.AF_INET6, backlog = 1 })
        assert.are.equal(1, option(only, "IPPROTO_IPV6", "IPV6_V6ONLY"))
        assert.are.equal("::1", reaches(only, "::1"))
        only:close()
        assert.is_true(socket.has_dualstack_ipv6())
        local both = socket.create_server({ "", 0 }, { family = socket.AF_INET6, dualstack_ipv6 = true })
        assert.are.equal(0, option(both, "IPPROTO_IPV6", "IPV6_V6ONLY"))
        assert.are.equal("::1", reaches(both, "::1"))
        assert.are.equal("::ffff:127.0.0.1", reaches(both, "127.0.0.1"))
        both:close()
        raises("ValueError", { match = "dualstack_ipv6 requires AF_INET6 family" }, socket.create_server, { "", 0 },
            { dualstack_ipv6 = true })
    end)

    it("shares a port with reuse_port", function()
        local first = socket.create_server({ "127.0.0.1", 0 }, { reuse_port = true })
        local address = first:getsockname()
        local second = socket.create_server(address, { reuse_port = true })
        assert.are.same(address, second:getsockname())
        local err = raises("socket.error", { errno = EADDRINUSE }, socket.create_server, address)
        assert.are.equal(("[Errno 98] Address already in use (while attempting to bind on address {'127.0.0.1', %d})"):format(
            address[2]), tostring(err))
        first:close()
        second:close()
    end)

    it("refuses wrong arguments, and leaks no descriptor", function()
        raises("TypeError", { match = "takes at most 1 positional argument (2 given)" }, socket.create_server, { "", 0 }, 2)
        raises("TypeError", { match = "takes at most 1 positional argument (2 given)" }, socket.create_server, { "", 0 }, 2, {})
        raises("TypeError", { match = "missing required argument 'address'" }, socket.create_server)
        raises("TypeError", { match = "'reuse_port' must be a boolean" }, socket.create_server, { "", 0 }, { reuse_port = 1 })
        raises("TypeError", { match = "'dualstack_ipv6' must be a boolean" }, socket.create_server, { "", 0 }, { dualstack_ipv6 = 0 })
        raises("TypeError", { match = "'backlog' must be an integer" }, socket.create_server, { "", 0 }, { backlog = "5" })
        raises("TypeError", { match = "unexpected keyword argument 'backlogs'" }, socket.create_server, { "", 0 }, { backlogs = 5 })
        raises("ValueError", { match = "port must be 0-65535" }, socket.create_server, { "", 65536 })
        raises("socket.gaierror", {}, socket.create_server, { ("unknown."):rep(40), 0 })
    end)
end)

describe("fromfd and dup:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("duplicate a descriptor: each is closed separately", function()
        local one, two = socket.socketpair()
        local copy = socket.fromfd(one:fileno(), socket.AF_UNIX, socket.SOCK_STREAM)
        local bare = socket.fromfd(one:fileno())
        local again = copy:dup()
        assert.are.same({ socket.AF_UNIX, socket.SOCK_STREAM, 0 }, { again.family, again.type, again.proto })
        assert.are.equal(socket.AF_UNIX, bare.family)
        local fds = {}
        for _, sock in ipairs { one, copy, bare, again } do
            assert.is_nil(fds[sock:fileno()])
            fds[sock:fileno()] = true
            local flags = process.read_file("/proc/self/fdinfo/" .. sock:fileno()):match("flags:%s*(%d+)")
            assert(flags:match("2%d%d%d%d%d%d$"), "close-on-exec")
        end
        for _, sock in ipairs { one, copy, bare } do
            sock:sendall("x")
            sock:close()
        end
        again:sendall("y")
        assert.are.equal("xxxy", two:recv(10))
        again:close()
        assert.are.equal("", two:recv(1))
        two:close()
    end)

    it("dup keeps timeout and waiter", function()
        local one, two = socket.socketpair()
        local loop = scheduler.new()
        one:settimeout(5)
        one:setwaiter(loop.waiter)
        local copy = one:dup()
        assert.are.equal(5, copy:gettimeout())
        assert.are.equal(loop.waiter, copy:getwaiter())
        one:settimeout(0)
        local polling = one:dup()
        assert.are.equal(0, polling:gettimeout())
        assert.is_false(polling:getblocking())
        assert.is_true(copy:getblocking())
        assert.is_true(two:getblocking())
        raises("socket.error", { errno = 11 }, polling.recv, polling, 1)
        for _, sock in ipairs { one, two, copy, polling } do
            sock:close()
        end
    end)

    it("fromfd refuses a wrong family or type", function()
        local one, two = socket.socketpair()
        raises("ValueError", { match = "fromfd() argument 'family' is 2, but the socket's is 1" }, socket.fromfd, one:fileno(),
            socket.AF_INET, socket.SOCK_STREAM)
        raises("ValueError", { match = "fromfd() argument 'type' is 2, but the socket's is 1" }, socket.fromfd, one:fileno(),
            socket.AF_UNIX, socket.SOCK_DGRAM)
        raises("ValueError", { match = "'proto' is 6" }, socket.fromfd, one:fileno(), { proto = 6 })
        raises("TypeError", { match = "'family' must be an integer" }, socket.fromfd, one:fileno(), "x")
        raises("TypeError", { match = "'fd' must be an integer" }, socket.fromfd, one)
        raises("socket.error", { errno = EBADF }, socket.fromfd, -1)
        raises("socket.error", { errno = ENOTSOCK }, socket.fromfd, 2) -- stderr, which is a file or a pipe in tests
        socket.fromfd(one:fileno(), { proto = 0 }):close()
        one:close()
        two:close()
        raises("socket.error", { errno = EBADF }, one.dup, one)
    end)
end)

describe("IPv6 addresses:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("have a scope id, in both directions", function()
        local scope = socket.if_nametoindex("lo")
        local one, two = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        two:bind { "::1", 0 }
        one:sendto("x", { "::1", two:getsockname()[2], 0, scope })
        local _, from = two:recvfrom(1)
        assert.are.same({ "::1", one:getsockname()[2], 0, 0 }, from)
        local listed = socket.getaddrinfo("fe80::1%lo", 80, 0, socket.SOCK_STREAM)[1][5]
        assert.are.same({ "fe80::1", 80, 0, scope }, listed)
        assert.are.same({ "fe80::1%lo", "80" }, { socket.getnameinfo(listed, socket.NI_NUMERICHOST + socket.NI_NUMERICSERV) })
        one:close()
        two:close()
    end)

    it("have flow information, in both directions", function()
        local listener = socket.create_server({ "::1", 0 }, { family = socket.AF_INET6 })
        local port = listener:getsockname()[2]
        local label = 0x10000 + port
        local client = socket.socket(socket.AF_INET6)
        client:setsockopt(socket.IPPROTO_IPV6, FLOWINFO_SEND, 1)
        -- struct in6_flowlabel_req: the address, the label, GET, EXCL, CREATE, 6 and 6 seconds, padding
        local request = ("\0"):rep(15) .. "\1" .. ("\0\1%c%c"):format(math.floor(port / 256), port % 256) .. "\0\1" .. "\1\0"
            .. "\6\0" .. "\6\0" .. "\0\0\0\0"
        if not pcall(client.setsockopt, client, socket.IPPROTO_IPV6, FLOWLABEL_MGR, request) then
            client:close()
            listener:close()
            return pending("this system has no flow labels")
        end
        client:connect { "::1", port, label, 0 }
        assert.are.same({ "::1", port, label, 0 }, client:getpeername())
        local accepted = listener:accept()
        client:sendall("x")
        assert.are.equal("x", accepted:recv(1))
        accepted:close()
        -- The system refuses the client's flow label to other processes, which shows that the listener received it from
        -- the client.
        local to = { "::1", port, label, 0 }
        local other, datagram = socket.socket(socket.AF_INET6), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        for _, sock in ipairs { other, datagram } do
            sock:setsockopt(socket.IPPROTO_IPV6, FLOWINFO_SEND, 1)
        end
        raises("socket.error", { errno = EINVAL }, other.connect, other, to)
        assert.are.equal(EINVAL, other:connect_ex(to))
        raises("socket.error", { errno = EINVAL }, datagram.sendto, datagram, "x", to)
        raises("socket.error", { errno = EINVAL }, datagram.sendmsg, datagram, { "x" }, {}, 0, to)
        assert.are.equal(1, datagram:sendto("x", { "::1", port, 0, 0 }))
        for _, sock in ipairs { client, other, datagram, listener } do
            sock:close()
        end
    end)

    it("accept flow information in each call, within its range", function()
        local listener = socket.create_server({ "::1", 0, 5, 0 }, { family = socket.AF_INET6 })
        local port = listener:getsockname()[2]
        local client = socket.create_connection({ "::1", port, 1048575, 0 }, 10)
        local accepted = listener:accept()
        assert.are.equal(port, client:getpeername()[2])
        accepted:close()
        client:close()
        local sock = socket.socket(socket.AF_INET6)
        for _, method in ipairs { "connect", "connect_ex", "bind" } do
            raises("ValueError", { match = method .. "() flowinfo must be 0-1048575" }, sock[method], sock, { "::1", port, 1048576, 0 })
            raises("ValueError", { match = method .. "() flowinfo must be 0-1048575" }, sock[method], sock, { "::1", port, -1, 0 })
            raises("TypeError", { match = "argument 'flowinfo' must be an integer" }, sock[method], sock, { "::1", port, "0", 0 })
        end
        local loop = scheduler.new()
        sock:setwaiter(loop.waiter)
        loop:start(function()
            sock:connect { "::1", port, 1, 0 }
        end)
        loop:run(10)
        assert.are.equal(port, sock:getpeername()[2])
        sock:close()
        listener:close()
    end)
end)
