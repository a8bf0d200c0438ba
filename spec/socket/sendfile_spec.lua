-- sendfile: of plain and of TLS sockets, with and without an event loop.
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local raises = require "support.raises"
local scheduler = require "support.scheduler"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local pcall = require("cleat.compat").pcall
local EBADF, EISDIR, ENOENT, ENOTCONN, EPIPE = 9, 21, 2, 107, 32

local function plain_pair()
    local first, second = socket.socketpair()
    first:settimeout(10)
    second:settimeout(10)
    return first, second
end

local function content(count)
    local parts = {}
    for index = 1, count do
        parts[index] = ("%d\0\r\n"):format(index)
    end
    return table.concat(parts)
end

-- written returns the name of a file with these bytes.
local function written(bytes)
    local name = process.directory() .. "/sent"
    local file = assert(io.open(name, "wb"))
    file:write(bytes)
    file:close()
    return name
end

local function receive(sock, count)
    local parts, got = {}, 0
    while got < count do
        local data = sock:recv(math.min(65536, count - got))
        assert(data ~= "", "the end of the stream")
        parts[#parts + 1], got = data, got + #data
    end
    return table.concat(parts)
end

for _, kind in ipairs { { "plain", plain_pair }, { "TLS", link.open } } do
    local tls = kind[1] == "TLS"
    describe("sendfile over " .. kind[1] .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        -- test declares a test that gets both ends, a file's bytes, the file and its name.
        local function test(name, body)
            it("B-34 B-61 " .. name, function()
                local sock, peer = kind[2]()
                local bytes = content(1000)
                local path = written(bytes)
                local file = assert(io.open(path, "rb"))
                body(sock, peer, bytes, file, path)
                pcall(file.close, file)
                sock:close()
                peer:close()
            end)
        end

        test("sends the whole file from its start, and moves its position to the end", function(sock, peer, bytes, file)
            assert.are.equal(#bytes, sock:sendfile(file))
            assert.are.equal(bytes, receive(peer, #bytes))
            assert.are.equal(#bytes, file:seek())
            file:seek("set", 7)
            assert.are.equal(#bytes, sock:sendfile(file)) -- from offset 0, whatever the file's position
            assert.are.equal(bytes, receive(peer, #bytes))
        end)

        test("sends a part of a file, by offset and count", function(sock, peer, bytes, file, path)
            assert.are.equal(100, sock:sendfile(file, 10, 100))
            assert.are.equal(110, file:seek())
            assert.are.equal(bytes:sub(11, 110), receive(peer, 100))
            assert.are.equal(#bytes - 110, sock:sendfile(file, file:seek()))
            assert.are.equal(bytes:sub(111), receive(peer, #bytes - 110))
            assert.are.equal(5, sock:sendfile(file, #bytes - 5, 1000)) -- the file is shorter
            assert.are.equal(bytes:sub(-5), receive(peer, 5))
            assert.are.equal(#bytes, file:seek())
            assert.are.equal(0, sock:sendfile(file, #bytes))
            assert.are.equal(0, sock:sendfile(file, #bytes + 10, 1))
            assert.are.equal(3, sock:sendfile(path, 2, 3))
            assert.are.equal(bytes:sub(3, 5), receive(peer, 3))
        end)

        test("accepts file names, pipes, and objects with a method read", function(sock, peer, bytes, _, path)
            assert.are.equal(#bytes, sock:sendfile(path))
            assert.are.equal(bytes, receive(peer, #bytes))
            local pipe = assert(io.popen(("cat '%s'"):format(path), "r"))
            pipe:read(3)
            assert.are.equal(20, sock:sendfile(pipe, 0, 20))
            assert.are.equal(bytes:sub(4, 23), receive(peer, 20))
            raises("IOError", { errno = 29 }, sock.sendfile, sock, pipe, 1) -- ESPIPE
            pipe:close()
            local one, two = socket.socketpair()
            two:sendall("from a socket")
            two:close()
            local incoming = one:makefile("rb")
            assert.are.equal(13, sock:sendfile(incoming))
            assert.are.equal("from a socket", receive(peer, 13))
            raises("ValueError", { match = "offset' must be 0 for a file without seek()" }, sock.sendfile, sock, incoming, 1)
            incoming:close()
            one:close()
            local asked = {}
            local object = { read = function(_, count)
                asked[#asked + 1] = count
                return #asked == 1 and "abc" or nil
            end }
            assert.are.equal(3, sock:sendfile(object, 0, 5))
            assert.are.same({ 5, 2 }, asked)
            assert.are.equal("abc", receive(peer, 3))
            sock:sendfile(written("")) -- nothing
            peer:settimeout(0)
            raises(tls and "ssl.SSLWantReadError" or "socket.error", {}, peer.recv, peer, 1)
        end)

        test("raises Python's errors and messages for wrong arguments", function(sock, peer, _, file, path)
            raises("ValueError", { match = "count must be a positive integer (got 0)" }, sock.sendfile, sock, file, 0, 0)
            raises("ValueError", { match = "count must be a positive integer (got -1)" }, sock.sendfile, sock, file, 0, -1)
            raises("TypeError", { match = "count must be a positive integer (got 1.5)" }, sock.sendfile, sock, file, 0, 1.5)
            raises("TypeError", { match = "count must be a positive integer (got the string '1')" }, sock.sendfile, sock, file, 0, "1")
            raises("TypeError", { match = "'offset' must be an integer" }, sock.sendfile, sock, file, "1")
            raises("ValueError", { match = "'offset' must not be negative" }, sock.sendfile, sock, file, -1)
            for _, wrong in ipairs { 7, true, {}, { read = 1 }, function() end } do
                raises("TypeError", { match = "sendfile() argument 'file' must be a file or its name" }, sock.sendfile, sock, wrong)
            end
            raises("TypeError", { match = "'file' must be a file or its name, not nil" }, sock.sendfile, sock)
            raises("IOError", { errno = ENOENT, match = path .. ".none" }, sock.sendfile, sock, path .. ".none")
            raises("IOError", { errno = ENOENT }, sock.sendfile, sock, "")
            raises("ValueError", { match = "null byte" }, sock.sendfile, sock, "a\0b")
            raises("IOError", { errno = EISDIR }, sock.sendfile, sock, process.directory())
            raises("TypeError", { match = "read() must return a string, not 5" }, sock.sendfile, sock, { read = function() return 5 end })
            local failure = raises("ValueError", {}, sock.sendfile, sock, { read = function()
                error(require("cleat.errors").ValueError("mine"), 0)
            end })
            assert.are.equal("mine", tostring(failure))
            file:close()
            raises("ValueError", { match = "I/O operation on closed file" }, sock.sendfile, sock, file)
            sock:settimeout(0)
            raises("ValueError", { match = "non-blocking sockets are not supported" }, sock.sendfile, sock, path)
            sock:settimeout(10)
            assert.are.equal(1, sock:sendfile(path, 0, 1)) -- the control
            assert.are.equal("1", peer:recv(10))
            sock:close()
            raises("socket.error", { errno = EBADF }, sock.sendfile, sock, path)
        end)

        test("can be continued after a timeout: no byte is lost or sent twice", function(sock, peer, _, _, path)
            local bytes = content(100000)
            written(bytes)
            local file = assert(io.open(path, "rb"))
            sock:settimeout(0.05)
            raises("socket.timeout", {}, sock.sendfile, sock, file) -- the peer does not read
            local position = file:seek()
            assert.is_true(position > 0 and position < #bytes)
            local loop = scheduler.new()
            local got
            sock:settimeout(30)
            sock:setwaiter(loop.waiter)
            peer:settimeout(30)
            peer:setwaiter(loop.waiter)
            local sent
            loop:start(function()
                sent = sock:sendfile(file, position)
            end)
            loop:start(function()
                got = receive(peer, #bytes)
            end)
            loop:run(60)
            assert.are.equal(#bytes - position, sent)
            assert.is_true(bytes == got)
            assert.are.equal(#bytes, file:seek())
            file:close()
        end)

        test("lets other coroutines run, and reports how many bytes a closed connection has accepted", function(sock, peer, _, _, path)
            local bytes = content(100000)
            written(bytes)
            local loop = scheduler.new()
            sock:setwaiter(loop.waiter)
            peer:setwaiter(loop.waiter)
            local file = assert(io.open(path, "rb"))
            local failure
            loop:start(function()
                failure = select(2, pcall(sock.sendfile, sock, file))
            end)
            assert.is_true(loop.waits > 0) -- the peer does not read, so sendfile has yielded
            local first
            loop:start(function()
                first = receive(peer, 50000)
                peer:close()
            end)
            loop:run(60)
            assert.is_true(bytes:sub(1, 50000) == first)
            assert.is_true(socket.error:is(failure), tostring(failure))
            assert.is_true(failure.errno == EPIPE or failure.errno == 104 or ssl.SSLError:is(failure), tostring(failure))
            assert.is_true(file:seek() >= 50000 and file:seek() < #bytes)
            file:close()
        end)
    end)
end

describe("sendfile", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("B-34 raises the error of sending, not the error of the file after it", function()
        local sock, peer = plain_pair()
        local calls = 0
        local file = { read = function()
            sock:close()
            return "x"
        end, seek = function()
            calls = calls + 1
            assert(calls == 1, "the file is closed")
            return 0
        end }
        raises("socket.error", { errno = EBADF }, sock.sendfile, sock, file)
        assert.are.equal(2, calls)
        local other, reader = plain_pair()
        calls, file.read = 0, function() end
        local ok, failure = pcall(other.sendfile, other, file)
        assert.is_false(ok)
        assert.is_truthy(tostring(failure):find("the file is closed", 1, true))
        other:close()
        reader:close()
        peer:close()
    end)

    it("B-34 needs a stream socket", function()
        local one, two = socket.socketpair(nil, socket.SOCK_DGRAM)
        raises("ValueError", { match = "only SOCK_STREAM type sockets are supported" }, one.sendfile, one, written("x"))
        one:close()
        two:close()
    end)

    it("B-34 sends nothing in plaintext through a TLS socket that is not connected", function()
        local conn = link.context {}:wrap_socket(socket.socket())
        raises("socket.error", { errno = ENOTCONN }, conn.sendfile, conn, written("secret"))
        conn:close()
        local client, server = link.open()
        client:shutdown(socket.SHUT_RD)
        raises("ValueError", { match = "Write on closed or unwrapped SSL socket" }, client.sendfile, client, written("secret"))
        client:close()
        server:close()
    end)
end)
