-- Non-blocking TLS: the loops of Python's documentation, partial reads and writes, large amounts of data in both
-- directions at once, and connections that are cut at any byte. By a bridge (support.pump) the test controls the bytes
-- between an SSLSocket and a connection over memory.
local backend = require "cleat.backend"
local handles = require "support.handles"
local limits = require "support.limits"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local pump = require "support.pump"
local raises = require "support.raises"
local select = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local const = backend.const
local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local NUMBERS = { ["TLSv1.2"] = const.TLS1_2_VERSION, ["TLSv1.3"] = const.TLS1_3_VERSION }

-- half_open returns a non-blocking SSLSocket in the role, the other end of its transport, and a connection over memory
-- as its peer.
local function half_open(role, version, cert)
    local first, second = socket.socketpair()
    first:settimeout(0)
    second:settimeout(0)
    local sock, id
    if role == "client" then
        local context = link.context(link.client_options { version = version })
        sock = context:wrap_socket(first, {
            do_handshake_on_connect = false, server_hostname = "localhost", suppress_ragged_eofs = false,
        })
        id = pump.connection { server = true, cert = cert or "server-ec" }
    else
        local context = link.context { version = version, cert = cert or "server-ec" }
        sock = context:wrap_socket(first, {
            server_side = true, do_handshake_on_connect = false, suppress_ragged_eofs = false,
        })
        id = pump.connection {
            cafile = "root.pem", verify = const.CERT_REQUIRED, hostname = true, server_hostname = "localhost",
            max = NUMBERS[version],
        }
    end
    return sock, second, id
end

-- wants returns what a call needs, "read" or "write"; nil if it has succeeded.
local function wants(sock, name, ...)
    local ok, failure = pcall(sock[name], sock, ...)
    if ok then
        return nil, failure
    elseif ssl.SSLWantReadError:is(failure) then
        return "read"
    elseif ssl.SSLWantWriteError:is(failure) then
        return "write"
    end
    error(failure, 0)
end

-- shake finishes both handshakes over a bridge, size bytes at a time.
local function shake(sock, wire, id, size)
    local done = false
    for _ = 1, 100000 do
        if not done then
            done = wants(sock, "do_handshake") == nil
        end
        local status = backend.connection_handshake(id, 0)
        local peer_done = status == 0
        if status < 0 and pump.class(status) ~= const.WANT_READ then
            error(pump.failure(status).message, 2)
        end
        local received, sent = pump.bridge(wire, id, size)
        if done then
            assert.are.equal("read", wants(sock, "recv", 1)) -- this receives the session tickets, or sends them
        end
        if done and peer_done and received + sent == 0 then
            return
        end
    end
    error("the handshake does not end", 2)
end

for _, version in ipairs(VERSIONS) do
    describe("non-blocking " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        for _, role in ipairs { "client", "server" } do
            for _, size in ipairs { 1, 512 } do
                it(("NB-01 NB-03 the %s's handshake with %d bytes at a time"):format(role, size), function()
                    for _, cert in ipairs { "server-ec", "server-rsa" } do
                        local sock, wire, id = half_open(role, version, cert)
                        shake(sock, wire, id, size)
                        assert.are.equal(version, sock:version())
                        if role == "client" then
                            assert.are.equal("localhost", sock:getpeercert().subject[2][1][2])
                        end
                        backend.close(id)
                        wire:close()
                        sock:close()
                    end
                end)
            end

            it("EXC-11 EXC-15 the " .. role .. "'s handshake cut after any number of bytes", function()
                -- First without a cut, to count the bytes.
                local sock, wire, id = half_open(role, version)
                local total = 0
                for _ = 1, 20 do
                    wants(sock, "do_handshake")
                    backend.connection_handshake(id, 0)
                    local _, sent = pump.bridge(wire, id)
                    total = total + sent
                end
                wants(sock, "do_handshake")
                sock:close()
                wire:close()
                backend.close(id)
                assert.is_true(total > 100)
                for cut = 0, total, 37 do
                    sock, wire, id = half_open(role, version)
                    local left, done = cut, false
                    for _ = 1, 50 do
                        if not done then
                            done = wants(sock, "do_handshake") == nil
                        end
                        backend.connection_handshake(id, 0)
                        local _, sent = pump.bridge(wire, id, math.max(left, 1))
                        -- bridge sends at least one byte if it has a piece size: stop before that.
                        left = left - sent
                        if left <= 0 then
                            break
                        end
                    end
                    wire:shutdown(socket.SHUT_WR)
                    if not done then
                        local ok, failure = pcall(function()
                            while wants(sock, "do_handshake") do end
                        end)
                        if not ok then
                            raises.check(failure, "SSLEOFError", { errno = ssl.SSL_ERROR_EOF })
                        else
                            done = true
                        end
                    end
                    if done then
                        raises("SSLEOFError", {}, sock.recv, sock, 1)
                    end
                    sock:close()
                    wire:close()
                    backend.close(id)
                end
            end)
        end

        it("NB-01 an incomplete record is WANT_READ until the last byte", function()
            local sock, wire, id = half_open("client", version)
            shake(sock, wire, id)
            backend.connection_write(id, "a whole record", 0)
            local length, record = backend.connection_drain(id, 10000)
            for i = 1, length - 1 do
                wire:sendall(record:sub(i, i))
                assert.are.equal(sock, select.select({ sock }, {}, {}, 5)[1])
                assert.are.equal("read", wants(sock, "recv", 100))
                assert.are.same({}, (select.select({ sock }, {}, {}, 0)))
            end
            wire:sendall(record:sub(length))
            assert.are.equal("a whole record", sock:recv(100))
            sock:close()
            wire:close()
            backend.close(id)
        end)

        it("EXC-11 a truncated record raises SSLEOFError", function()
            local sock, wire, id = half_open("client", version)
            shake(sock, wire, id)
            backend.connection_write(id, "a whole record", 0)
            backend.connection_write(id, "half a record", 0)
            local length, record = backend.connection_drain(id, 10000)
            wire:sendall(record:sub(1, length - 10))
            wire:close()
            assert.are.equal("a whole record", sock:recv(100))
            raises("SSLEOFError", {}, sock.recv, sock, 100)
            sock:close()
            backend.close(id)
        end)

        it("EXC-08 EXC-09 waiting allocates no error objects: they are made once", function()
            local sock, server = link.open { version = version }
            sock:setblocking(false)
            local _, first = pcall(sock.recv, sock, 10)
            local _, again = pcall(sock.recv, sock, 10)
            assert.is_true(rawequal(first, again))
            for _ = 1, 10 do
                pcall(sock.recv, sock, 10)
            end
            collectgarbage()
            collectgarbage("stop")
            local before = collectgarbage("count")
            for _ = 1, 1000 do
                pcall(sock.recv, sock, 10)
            end
            local after = collectgarbage("count")
            collectgarbage("restart")
            assert.is_true(after - before < 20, ("%.1f KiB for 1000 calls"):format(after - before))
            sock:close()
            server:close()
        end)

        it("NB-03 the loop of Python's documentation works with select", function()
            local certfile, keyfile = pki.chain("server-ec")
            local job = peer.serve {
                tls = true, cert = certfile, key = keyfile, max = version == "TLSv1.2" and "1.2" or "1.3", "await",
                "handshake", "send 6869",
            }
            local plain = socket.create_connection({ "127.0.0.1", job.port }, 10)
            plain:setblocking(false)
            local sock = ssl.wrap_socket(plain, { do_handshake_on_connect = false })
            local waited = { read = 0, write = 0 }
            while true do
                local ok, failure = pcall(sock.do_handshake, sock)
                if ok then
                    break
                elseif ssl.SSLWantReadError:is(failure) then
                    waited.read = waited.read + 1
                    if waited.read == 1 then
                        job:go()
                    end
                    assert.are.equal(1, #select.select({ sock }, {}, {}, 10))
                elseif ssl.SSLWantWriteError:is(failure) then
                    waited.write = waited.write + 1
                    select.select({}, { sock }, {}, 10)
                else
                    error(failure)
                end
            end
            assert.is_true(waited.read >= 1)
            assert.are.equal(version, sock:version())
            select.select({ sock }, {}, {}, 10)
            assert.are.equal("hi", tasks.run { function()
                return tasks.receive(sock, 2)
            end })
            sock:close()
            job:finish()
        end)

        it("NB-04 it works with poll on the descriptor", function()
            local client, server = link.pair { version = version }
            local sides = { client, server }
            local done = {}
            for _ = 1, 100 do
                local fds, events = {}, {}
                for i, sock in ipairs(sides) do
                    if not done[i] then
                        local want = wants(sock, "do_handshake")
                        done[i] = want == nil
                        if want then
                            fds[#fds + 1] = sock:fileno()
                            events[#events + 1] = want == "read" and const.POLLIN or const.POLLOUT
                        end
                    end
                end
                if done[1] and done[2] then
                    break
                end
                if #fds == 2 - (done[1] and 1 or 0) - (done[2] and 1 or 0) then
                    assert.is_true((backend.poll(fds, events, #fds, 5)) >= 1)
                end
            end
            assert.are.equal(version, client:version())
            assert.are.equal(version, server:version())
            client:close()
            server:close()
        end)

        it("a client whose connect is in progress finishes connect and handshake", function()
            local certfile, keyfile = pki.chain("server-ec")
            local job = peer.serve { tls = true, cert = certfile, key = keyfile, "handshake", "send 6869" }
            local plain = socket.socket()
            plain:setblocking(false)
            local sock = link.context(link.client_options { version = version }):wrap_socket(plain, {
                do_handshake_on_connect = false, server_hostname = "localhost",
            })
            local code = sock:connect_ex { "127.0.0.1", job.port }
            assert.is_true(code == 0 or code == const.EINPROGRESS, tostring(code))
            select.select({}, { sock }, {}, 10)
            assert.are.equal(0, sock:getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            local got = tasks.run { function()
                tasks.call(sock, "do_handshake")
                return tasks.receive(sock, 2)
            end }
            assert.are.equal("hi", got)
            sock:close()
            job:finish()
        end)

        describe("partial writes", function()
            local TOTAL = 10 * 1024 * 1024

            -- Over a Unix socket only the sender's buffer limits the bytes in transit; over TCP the receiver's window
            -- and its timers do, too.
            -- window and its timers would.
            local function small_buffers()
                local first, second = socket.socketpair()
                first:setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
                return first, second
            end

            it("SOCK-19 EXC-09 a full socket raises SSLWantWriteError, and the retry may be longer", function()
                local client, server = link.open { version = version, transport = small_buffers }
                client:setblocking(false)
                server:setblocking(false)
                local chunk = ("0123456789abcdef"):rep(4096)
                local sent, failure = 0, nil
                for _ = 1, 1000 do
                    local ok, result = pcall(client.send, client, chunk)
                    if not ok then
                        failure = result
                        break
                    end
                    sent = sent + result
                end
                raises.check(failure, { "SSLWantWriteError", "SSLError", "socket.error" }, {
                    errno = ssl.SSL_ERROR_WANT_WRITE, match = "The operation did not complete (write)",
                })
                -- The retry continues the stream: the same bytes first, in another string, and more of them.
                local offset = sent % #chunk
                local rest = (chunk .. chunk):sub(offset + 1, offset + #chunk) .. (chunk .. chunk):sub(offset + 1, offset + 77)
                assert.are.equal(0, offset % 16)
                local expected = ("0123456789abcdef"):rep(math.floor((sent + #rest) / 16) + 1):sub(1, sent + #chunk)
                local _, got = tasks.run {
                    function()
                        tasks.send_all(client, rest:sub(1, #chunk))
                    end,
                    function()
                        return tasks.receive(server, sent + #chunk)
                    end,
                }
                assert.is_true(got == expected)
                client:close()
                server:close()
            end)

            it("NB-01 10 MB go through a small buffer with retries of any length", function()
                local client, server = link.open { version = version, transport = small_buffers }
                client:settimeout(0)
                server:settimeout(0)
                local data = peer.pattern(TOTAL)
                local lengths = { 1, 40000, 17, 16384, 16385, 100000, 3, 65536, 5000 }
                local retries = 0
                local _, got = tasks.run({
                    function()
                        local position, i = 1, 0
                        while position <= #data do
                            i = i + 1
                            local length = lengths[i % #lengths + 1]
                            local ok, result = pcall(client.send, client, data:sub(position, position + length - 1))
                            if ok then
                                assert(result > 0 and result <= length)
                                position = position + result
                            elseif ssl.SSLWantWriteError:is(result) then
                                retries = retries + 1
                                coroutine.yield(client, "write")
                            else
                                error(result, 0)
                            end
                        end
                    end,
                    function()
                        return tasks.receive(server, TOTAL, 50000)
                    end,
                }, 60)
                assert.is_true(got == data)
                assert.is_true(retries > 10, retries .. " retries")
                client:close()
                server:close()
            end)

            it("10 MB both ways at once", function()
                local client, server = link.open { version = version, transport = link.tcp }
                client:settimeout(0)
                server:settimeout(0)
                local data = peer.pattern(TOTAL)
                local other = data:reverse()
                local _, _, first, second = tasks.run({
                    function()
                        tasks.send_all(client, data, 100000)
                    end,
                    function()
                        tasks.send_all(server, other, 65536)
                    end,
                    function()
                        return tasks.receive(client, TOTAL)
                    end,
                    function()
                        return tasks.receive(server, TOTAL)
                    end,
                }, 60)
                assert.is_true(first == other)
                assert.is_true(second == data)
                client:close()
                server:close()
            end)

            it("SOCK-20 sendall blocks until 10 MB are sent", function()
                local certfile, keyfile = pki.chain("server-ec")
                local job = peer.serve {
                    tls = true, cert = certfile, key = keyfile, max = version == "TLSv1.2" and "1.2" or "1.3",
                    "handshake", "sleep 0.1", "recvall",
                }
                local sock = ssl.wrap_socket(socket.create_connection({ "127.0.0.1", job.port }, limits.bound(15)))
                sock:sendall(peer.pattern(TOTAL))
                sock:setblocking(false)
                raises("SSLWantReadError", {}, sock.unwrap, sock)
                assert.are.equal(tostring(TOTAL), job:finish()[3]:match("^recvall (%d+) %x+ end$"))
                sock:close()
            end)
        end)

        it("a read that must write first raises SSLWantWriteError", function()
            -- The transport is full when the handshake must send: the ClientHello does not fit.
            local first, second = link.tcp()
            first:setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            first:setblocking(false)
            second:setblocking(false)
            pcall(function()
                for _ = 1, 100000 do
                    first:send(("x"):rep(4096))
                end
            end)
            local sock = link.context(link.client_options { version = version }):wrap_socket(first, {
                do_handshake_on_connect = false, server_hostname = "localhost",
            })
            assert.are.equal("write", wants(sock, "recv", 10))
            assert.are.equal("write", wants(sock, "do_handshake"))
            local drained = 0
            for _ = 1, 1000 do
                local ok, data = pcall(second.recv, second, 1000000)
                if ok then
                    drained = drained + #data
                end
                if wants(sock, "do_handshake") == "read" then
                    break
                end
                process.sleep(0.001)
            end
            assert.are.equal("read", wants(sock, "do_handshake"))
            assert.is_true(drained > 0)
            sock:close()
            second:close()
        end)
    end)
end

describe("a connection over memory", function()
    handles.watch(before_each, after_each)

    it("stops writing at the limit of buffered bytes, and continues afterwards", function()
        local pair = pump.pair()
        pair:handshake()
        pair:deliver()
        assert.are.equal(0, backend.connection_set_drain_limit(pair.client, 1000))
        assert.are.equal(2000, backend.connection_write(pair.client, ("x"):rep(2000), 0))
        assert.are.equal(const.WANT_WRITE, pump.class(backend.connection_write(pair.client, "y", 0)))
        assert.are.equal(const.WANT_WRITE, pump.class(backend.connection_write(pair.client, "z", -1))) -- other bytes, too
        pair:deliver()
        assert.are.equal(1, backend.connection_write(pair.client, "y", 0))
        pair:close()
    end)
end)
