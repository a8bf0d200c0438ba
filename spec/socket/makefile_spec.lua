-- Files over sockets: makefile() of plain and of TLS sockets.
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local raises = require "support.raises"
local select = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local EAGAIN, EBADF, EPIPE = 11, 9, 32

local function plain_pair()
    local first, second = socket.socketpair()
    first:settimeout(10)
    second:settimeout(10)
    return first, second
end

local function tls_pair(version)
    return function()
        return link.open({ version = version }, { version = version })
    end
end

-- flush flushes a file as a task (support.tasks), until all is sent.
local function flush(file)
    while true do
        local ok, failure = pcall(file.flush, file)
        if ok then
            return
        end
        assert(failure.errno == EAGAIN or ssl.SSLWantWriteError:is(failure), tostring(failure))
        coroutine.yield(file, "write")
    end
end

-- descriptor_is_open returns whether this process has the descriptor open. Another file may get the number later, so
-- call this at once.
local function descriptor_is_open(number)
    local file = io.open("/proc/self/fdinfo/" .. number)
    if file then
        file:close()
    end
    return file ~= nil
end

for _, kind in ipairs {
    { "plain", plain_pair }, { "TLSv1.2", tls_pair("TLSv1.2") }, { "TLSv1.3", tls_pair("TLSv1.3") },
} do
    local plain, pair = kind[1] == "plain", kind[2]

    describe("makefile, " .. kind[1] .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        -- test declares a test that gets both ends of a connection.
        local function test(name, body)
            it(name, function()
                local sock, peer = pair()
                body(sock, peer)
                sock:close()
                peer:close()
            end)
        end

        -- finish ends the peer's stream.
        local function finish(peer)
            if plain then
                peer:shutdown(socket.SHUT_WR)
            else
                peer:settimeout(0)
                pcall(peer.unwrap, peer) -- sends close_notify
            end
        end

        test("SOCK-14 reads lines, sizes and the rest, and the empty string at the end", function(sock, peer)
            peer:sendall("first line\nsecond\r\n\n12345\0\255rest\nand more")
            finish(peer)
            local file = sock:makefile()
            assert.are.equal("first line\n", file:readline())
            assert.are.equal("sec", file:readline(3))
            assert.are.equal("ond\r\n", file:readline(100))
            assert.are.equal("\n", file:readline())
            assert.are.equal("", file:readline(0))
            assert.are.equal("", file:read(0))
            assert.are.equal("12345", file:read(5))
            assert.are.equal("\0\255rest\n", file:readline(-1))
            assert.are.equal("and more", file:read())
            assert.are.equal("", file:read())
            assert.are.equal("", file:read(5))
            assert.are.equal("", file:readline())
            assert.are.same({}, file:readlines())
            file:close()
        end)

        test("SOCK-14 reads the last line without a newline, and fewer bytes than requested at the end", function(sock, peer)
            peer:sendall("12345last")
            finish(peer)
            local file = sock:makefile("rb")
            assert.are.equal("12345", file:read(5))
            assert.are.equal("last", file:readline())
            assert.are.equal("", file:readline())
            file:close()
            local other, far = pair()
            far:sendall("four")
            finish(far)
            file = other:makefile("rb")
            assert.are.equal("four", file:read(5))
            file:close()
            other:close()
            far:close()
        end)

        test("SOCK-14 readlines returns all lines, or lines up to a number of bytes", function(sock, peer)
            peer:sendall("one\ntwo\n\nfour\nfive")
            finish(peer)
            local file = sock:makefile()
            assert.are.same({ "one\n" }, file:readlines(1))
            assert.are.same({ "two\n", "\n" }, file:readlines(5))
            assert.are.same({ "four\n", "five" }, file:readlines())
            assert.are.same({}, file:readlines(10))
            file:close()
        end)

        test("SOCK-14 readlines counts the bytes of lines as Python does", function(sock, peer)
            peer:sendall("a\nbb\nccc\ndddd\n")
            finish(peer)
            local file = sock:makefile { bufsize = 2 }
            assert.are.same({ "a\n", "bb\n" }, file:readlines(3))
            assert.are.same({ "ccc\n" }, file:readlines(4))
            assert.are.same({ "dddd\n" }, file:readlines(100))
            file:close()
        end)

        test("SOCK-14 iterates over lines, with newlines as Python does and without as Lua does", function(sock, peer)
            peer:sendall("a\n\nc\nd\ne")
            finish(peer)
            local file = sock:makefile()
            local got = {}
            for line in file do
                got[#got + 1] = line
                if #got == 2 then
                    break
                end
            end
            got[#got + 1] = file:lines("L")()
            for line in file:lines() do
                got[#got + 1] = line
            end
            assert.are.same({ "a\n", "\n", "c\n", "d", "e" }, got)
            assert.is_nil(file())
            assert.is_nil(file:lines()())
            file:close()
        end)

        test("SOCK-14 read accepts Lua's formats as well", function(sock, peer)
            peer:sendall("one\ntwo\nthree\nfour\nfive\nsix")
            finish(peer)
            local file = sock:makefile()
            assert.are.equal("one", file:read("l"))
            assert.are.equal("two", file:read("*l"))
            assert.are.equal("three\n", file:read("L"))
            assert.are.equal("four\n", file:read("*L"))
            raises("ValueError", { match = "'n'" }, file.read, file, "n")
            assert.are.equal("five\nsix", file:read("a"))
            assert.are.equal("", file:read("*a"))
            assert.is_nil(file:read("l"))
            assert.is_nil(file:read("L"))
            file:close()
        end)

        test("SOCK-14 buffers written bytes until bufsize, flush or close", function(sock, peer)
            local file = sock:makefile("w", 10)
            assert.are.equal(10, file.bufsize)
            peer:settimeout(0)
            assert.are.equal(file, file:write("12345"))
            raises("socket.error", {}, peer.recv, peer, 100)
            file:write("678", "9a") -- as in Lua
            peer:settimeout(10)
            assert.are.equal("123456789a", peer:recv(100))
            file:write("bc")
            peer:settimeout(0)
            raises("socket.error", {}, peer.recv, peer, 100)
            file:flush()
            file:flush()
            peer:settimeout(10)
            assert.are.equal("bc", peer:recv(100))
            file:write("de")
            file:write("")
            file:close()
            assert.are.equal("de", peer:recv(100))
        end)

        test("SOCK-14 buffers 8192 bytes by default", function(sock, peer)
            for _, given in ipairs { -1, "none" } do
                local file = given == -1 and sock:makefile("w", -1) or sock:makefile("w")
                assert.are.equal(8192, file.bufsize)
                peer:settimeout(0)
                file:write(("x"):rep(8191))
                raises("socket.error", {}, peer.recv, peer, 100)
                file:write("y")
                peer:settimeout(10)
                assert.are.equal(("x"):rep(8191) .. "y", tasks.receive(peer, 8192))
                file:close()
            end
        end)

        test("SOCK-14 buffers nothing with bufsize 0, and incomplete lines only with 1", function(sock, peer)
            local file = sock:makefile("wb", 0)
            file:write("at once")
            assert.are.equal("at once", peer:recv(100))
            file:writelines { "a", "b\n", "c" }
            assert.are.equal("ab\nc", peer:recv(100))
            file:close()
            file = sock:makefile { mode = "w", bufsize = 1 }
            peer:settimeout(0)
            file:write("half a ")
            raises("socket.error", {}, peer.recv, peer, 100)
            file:write("line\nand")
            peer:settimeout(10)
            assert.are.equal("half a line\nand", peer:recv(100))
            file:close()
        end)

        test("SOCK-14 unbuffered reading does not read ahead of what it returns", function(sock, peer)
            peer:sendall("line\nsock+file sock")
            local file = sock:makefile("r", 0)
            assert.are.equal("line\n", file:readline())
            assert.are.equal("sock", sock:recv(4))
            assert.are.equal("+file", file:read(5))
            assert.are.equal(" sock", sock:recv(100))
            file:close()
        end)

        test("SOCK-14 read(size) does not read ahead, buffered or not", function(sock, peer)
            peer:sendall("file then socket")
            local file = sock:makefile()
            assert.are.equal("file", file:read(4))
            assert.are.equal(" then socket", sock:recv(100))
            file:close()
        end)

        test("SOCK-14 reads and writes, also from and to buffers", function(sock, peer)
            local file, far = sock:makefile("rw"), peer:makefile("rwb")
            local buffer = socket.buffer(4)
            buffer:set(0, "\0\1\2\n")
            file:write("hello ", buffer)
            file:flush()
            assert.are.equal("hello \0\1\2\n", far:readline())
            far:writelines { "two\n", buffer }
            far:flush()
            assert.are.equal("two\n", file:readline())
            assert.are.equal("\0\1\2\n", file:readline())
            file:close()
            far:close()
        end)

        test("SOCK-14 carries a megabyte of lines of every length", function(sock, peer)
            local parts = {}
            for length = 0, 1400 do
                parts[length + 1] = ("\r\0x"):rep(500):sub(1, length) .. "\n"
            end
            local data = table.concat(parts)
            sock:settimeout(0)
            peer:settimeout(0)
            local reader, writer = sock:makefile(), peer:makefile("w", 3000)
            local count = 0
            tasks.run({
                function()
                    for _, line in ipairs(parts) do
                        if not pcall(writer.write, writer, line) then -- the bytes are in the file now
                            flush(writer)
                        end
                    end
                    flush(writer)
                end,
                function()
                    while count < #parts do
                        assert.are.equal(parts[count + 1], tasks.call(reader, "readline"))
                        count = count + 1
                    end
                end,
            }, 30)
            assert.are.equal(1401, count)
            assert.is_true(#data > 980000)
            reader:close()
            writer:close()
        end)

        test("SOCK-14 NB-01 keeps the received bytes when it would block", function(sock, peer)
            sock:settimeout(0)
            local file = sock:makefile()
            local want = plain and "socket.error" or "SSLWantReadError"
            raises(want, {}, file.readline, file)
            peer:sendall("the begin")
            select.select({ sock }, {}, {}, 10)
            raises(want, {}, file.readline, file)
            raises(want, {}, file.read, file)
            raises(want, {}, file.readlines, file)
            raises(want, {}, file.read, file, 100)
            local failure = raises(want, {}, file.readlines, file, 5)
            if plain then
                assert.are.equal(EAGAIN, failure.errno)
            end
            peer:sendall("ning\nof")
            select.select({ sock }, {}, {}, 10)
            assert.are.equal("the beginning\n", file:readline())
            raises(want, {}, file.readline, file)
            assert.are.equal("of", file:read(2))
            file:close()
        end)

        test("SOCK-14 SOCK-11 keeps the received bytes after a timeout", function(sock, peer)
            sock:settimeout(0.05)
            local file = sock:makefile()
            peer:sendall("half a")
            local failure = raises("socket.timeout", { match = "timed out" }, file.readline, file)
            assert.are.equal(not plain, ssl.SSLError:is(failure))
            raises("socket.timeout", {}, file.read, file, 10)
            peer:sendall(" line\n")
            assert.are.equal("half a line\n", file:readline())
            file:close()
        end)

        test("SOCK-14 NB-01 continues with the bytes that it could not send", function(sock, peer)
            sock:settimeout(0)
            peer:settimeout(10)
            local file = sock:makefile("w", 5000)
            local parts, blocked = {}, false
            for number = 1, 4000 do
                local line = ("%d "):format(number):rep(100)
                parts[number] = line
                local ok, failure = pcall(file.write, file, line)
                if not ok then
                    assert.is_true(plain and failure.errno == EAGAIN or ssl.SSLWantWriteError:is(failure), tostring(failure))
                    blocked = true
                    break
                end
            end
            assert.is_true(blocked)
            file.write(sock:makefile("w"), "of another file")
            pcall(file.write, file, "\nmore, written while the buffer waits")
            parts[#parts + 1] = "\nmore, written while the buffer waits"
            local data = table.concat(parts)
            peer:settimeout(0)
            local _, got = tasks.run {
                function()
                    flush(file)
                end,
                function()
                    return tasks.receive(peer, #data)
                end,
            }
            assert.is_true(got == data)
            file:close()
        end)

        test("SOCK-14 closing the file leaves the socket open", function(sock, peer)
            local file = sock:makefile("rw")
            assert.is_false(file.closed)
            file:write("buffered")
            file:close()
            assert.is_true(file.closed)
            file:close()
            assert.are.equal("buffered", peer:recv(100))
            sock:sendall("still here")
            assert.are.equal("still here", peer:recv(100))
            peer:sendall("you too")
            assert.are.equal("you too", sock:makefile():read(7))
        end)

        test("SOCK-03 SOCK-14 closing the socket keeps the descriptor until the last file is closed", function(sock, peer)
            local reader, writer = sock:makefile("r"), sock:makefile("w")
            local number = sock:fileno()
            sock:close()
            sock:close()
            assert.is_true(descriptor_is_open(number))
            raises("socket.error", { errno = EBADF }, sock.fileno, sock)
            raises("socket.error", { errno = EBADF }, sock.recv, sock, 1)
            raises("socket.error", { errno = EBADF }, sock.send, sock, "x")
            raises("socket.error", { errno = EBADF }, sock.makefile, sock)
            assert.are.equal(number, reader:fileno())
            peer:sendall("to the file\n")
            assert.are.equal("to the file\n", reader:readline())
            writer:write("from the file")
            writer:flush()
            assert.are.equal("from the file", peer:recv(100))
            reader:close()
            assert.is_true(descriptor_is_open(number))
            writer:write("last words")
            writer:close()
            assert.is_false(descriptor_is_open(number))
            assert.are.equal("last words", peer:recv(100))
            if not plain then
                peer.suppress_ragged_eofs = false
                raises("SSLEOFError", {}, peer.recv, peer, 1) -- close() sends no close_notify
            else
                assert.are.equal("", peer:recv(1))
            end
        end)

        test("SOCK-03 the socket's close closes the descriptor if all files were closed before", function(sock)
            local number = sock:fileno()
            sock:makefile():close()
            local file = sock:makefile("w")
            file:close()
            sock:close()
            assert.is_false(descriptor_is_open(number))
        end)

        test("SOCK-03 the file keeps the socket's timeout", function(sock)
            local file = sock:makefile()
            sock:settimeout(0.05)
            sock:close()
            raises("socket.timeout", {}, file.read, file, 1)
            file:close()
        end)

        test("SOCK-03 files that are not closed are collected, and the descriptor is closed", function(sock, peer)
            local number = sock:fileno()
            local file = sock:makefile("rw")
            file:write("never sent")
            sock:close()
            assert.is_true(descriptor_is_open(number))
            file = nil -- luacheck: ignore
            collectgarbage()
            collectgarbage()
            assert.is_false(descriptor_is_open(number))
            assert.are.equal("", peer:recv(100))
        end)

        test("SOCK-03 a file keeps a socket open that has no other references", function()
            local first, second = pair()
            local file = first:makefile("rw")
            first = nil -- luacheck: ignore
            collectgarbage()
            collectgarbage()
            second:sendall("hello\n")
            assert.are.equal("hello\n", file:readline())
            file:close()
            file = nil -- luacheck: ignore
            collectgarbage()
            collectgarbage()
            assert.are.equal("", second:recv(1))
            second:close()
        end)

        test("SOCK-14 closes even if the last bytes cannot be sent, and raises the error", function(sock, peer)
            local file = sock:makefile("w")
            file:write("no peer will read this")
            if plain then
                peer:close()
                raises("socket.error", { errno = EPIPE }, file.close, file)
            else
                sock:shutdown(socket.SHUT_RDWR)
                raises("ValueError", { match = "Write on closed or unwrapped SSL socket" }, file.close, file)
            end
            assert.is_true(file.closed)
            file:close()
        end)

        test("SOCK-14 refuses operations on a closed file, or of another mode", function(sock)
            local file = sock:makefile("r")
            raises("IOError", { match = "File not open for writing" }, file.write, file, "x")
            raises("IOError", { match = "File not open for writing" }, file.writelines, file, { "x" })
            file:flush()
            file:close()
            local writer = sock:makefile("w")
            for _, name in ipairs { "read", "readline", "readlines", "lines" } do
                raises("IOError", { match = "File not open for reading" }, writer[name], writer)
                raises("ValueError", { match = "I/O operation on closed file" }, file[name], file)
            end
            raises("IOError", { match = "File not open for reading" }, writer)
            for _, name in ipairs { "fileno", "flush", "isatty", "write" } do
                raises("ValueError", { match = "I/O operation on closed file" }, file[name], file)
            end
            raises("ValueError", { match = "I/O operation on closed file" }, file)
            writer:close()
        end)

        test("accepts Python 3's modes and arguments as well as 2.7's", function(sock, peer)
            for _, case in ipairs {
                { "r", true, false }, { "rb", true, false }, { "br", true, false }, { "w", false, true }, { "wb", false, true },
                { "rw", true, true }, { "rwb", true, true }, { "bwr", true, true }, { "", true, false }, { "b", true, false },
            } do
                local file = sock:makefile(case[1])
                assert.are.equal(case[1], file.mode)
                if case[3] then
                    file:write(case[1])
                    file:flush()
                    assert.are.equal(case[1], peer:recv(10))
                else
                    raises("IOError", { match = "File not open for writing" }, file.write, file, "x")
                end
                if case[2] then
                    peer:sendall("line\n")
                    assert.are.equal("line\n", file:readline())
                else
                    raises("IOError", { match = "File not open for reading" }, file.read, file, 1)
                end
                file:close()
            end
            assert.are.equal(0, sock:makefile("r", 0).bufsize) -- 2.7
            assert.are.equal(0, sock:makefile("rb", { buffering = 0 }).bufsize)
            assert.are.equal(100, sock:makefile { mode = "w", buffering = 100 }.bufsize)
            for _, arguments in ipairs {
                { encoding = "utf-8" }, { encoding = "UTF8", newline = "\n" }, { mode = "w", newline = "" },
                { mode = "rb", encoding = "latin-1", errors = "strict", newline = "\r\n" }, -- as in Python, without effect
            } do
                sock:makefile(arguments):close()
            end
            local file = sock:makefile("rw", { encoding = "utf-8", newline = "\n" })
            file:write("caf\195\169\r\n\255")
            file:flush()
            assert.are.equal("caf\195\169\r\n\255", peer:recv(100)) -- bytes are neither converted nor validated
            file:close()
        end)

        test("refuses arguments that would convert bytes, with Python's errors where Python has them", function(sock)
            raises("ValueError", { match = "unbuffered streams must be binary" }, sock.makefile, sock, { buffering = 0 })
            raises("ValueError", { match = "illegal newline value: x" }, sock.makefile, sock, { newline = "x" })
            raises("NotImplementedError", { match = "'encoding' can be 'utf-8' only" }, sock.makefile, sock, { encoding = "latin-1" })
            raises("NotImplementedError", { match = "'errors' has no meaning" }, sock.makefile, sock, { errors = "ignore" })
            for _, newline in ipairs { "", "\r", "\r\n" } do
                raises("NotImplementedError", { match = "'newline' can be '\\n' only" }, sock.makefile, sock, { newline = newline })
            end
            raises("TypeError", { match = "takes at most 2 positional arguments (3 given)" }, sock.makefile, sock, "r", 0, "utf-8")
            raises("TypeError", { match = "takes at most 2 positional arguments (3 given)" }, sock.makefile, sock, "r", 0, "utf-8", {})
            raises("TypeError", { match = "either 'bufsize' or 'buffering'" }, sock.makefile, sock, "rb", 0, { buffering = 0 })
            raises("TypeError", { match = "'buffering' must be an integer" }, sock.makefile, sock, { buffering = "0" })
            raises("TypeError", { match = "'newline' must be a string" }, sock.makefile, sock, { newline = 1 })
        end)

        test("SOCK-14 refuses wrong arguments, and writes nothing then", function(sock, peer)
            raises("ValueError", { match = "invalid mode 'x'" }, sock.makefile, sock, "x")
            raises("ValueError", { match = "invalid mode 'r+'" }, sock.makefile, sock, "r+")
            raises("TypeError", { match = "makefile() argument 'mode' must be a string, not 7" }, sock.makefile, sock, 7)
            raises("TypeError", { match = "'bufsize'" }, sock.makefile, sock, "r", "8")
            raises("TypeError", { match = "unexpected keyword argument 'bufsiz'" }, sock.makefile, sock, { bufsiz = 0 })
            local file = sock:makefile("rw")
            raises("TypeError", { match = "write() takes strings, buffers or numbers, not table" }, file.write, file, "a", {})
            raises("TypeError", { match = "write() takes strings, buffers or numbers, not nil" }, file.write, file, nil)
            raises("TypeError", { match = "writelines() argument 'list' must be a string or a buffer, not boolean" },
                file.writelines, file, { "b", true })
            raises("TypeError", { match = "writelines() argument 'list' must be an array, not string" }, file.writelines, file, "abc")
            raises("TypeError", { match = "read() argument 'size' must be an integer, not 1.5" }, file.read, file, 1.5)
            raises("TypeError", { match = "readline() argument 'size'" }, file.readline, file, "l")
            raises("TypeError", { match = "readlines() argument 'sizehint'" }, file.readlines, file, {})
            raises("AttributeError", { match = "no attribute 'seek'" }, function() return file.seek end)
            raises("AttributeError", { match = "'closed' is read-only" }, function() file.closed = true end)
            file:write("only this")
            file:flush()
            assert.are.equal("only this", peer:recv(100))
            file:close()
        end)

        test("SOCK-14 has the attributes of Python's file, and a description", function(sock)
            local file = sock:makefile("rb", 100)
            assert.are.equal("rb", file.mode)
            assert.are.equal(100, file.bufsize)
            assert.are.equal("<socket>", file.name)
            assert.is_false(file:isatty())
            assert.are.equal(sock:fileno(), file:fileno())
            assert.are.equal("<open file '<socket>', mode 'rb'>", tostring(file))
            file:close()
            assert.are.equal("<closed file '<socket>', mode 'rb'>", tostring(file))
        end)

        if _VERSION > "Lua 5.3" then
            test("SOCK-14 closes at the end of its scope (<close>)", function(sock, peer)
                local scope = assert(load([[
                    local sock, fail = ...
                    local file <close> = sock:makefile("w")
                    file:write("in time")
                    if fail then
                        sock:close()
                        error(fail)
                    end
                ]]))
                scope(sock)
                assert.are.equal("in time", peer:recv(100))
                local ok, failure = pcall(scope, sock, { "the reason" })
                assert.is_false(ok)
                assert.are.same({ "the reason" }, failure)
                assert.are.equal("in time", peer:recv(100))
            end)
        end
    end)
end

describe("makefile, TLS:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("SOCK-14 reports an end without close_notify if suppress_ragged_eofs is false", function()
        for _, suppress in ipairs { true, false } do
            local client, server = link.open({ suppress_ragged_eofs = suppress })
            local file = client:makefile()
            server:sendall("no newline")
            server:close()
            if suppress then
                assert.are.equal("no newline", file:readline())
                assert.are.equal("", file:readline())
            else
                raises("SSLEOFError", {}, file.readline, file)
                assert.are.equal("no newline", file:read(10)) -- the bytes before the end are not lost
            end
            file:close()
            client:close()
        end
    end)

    it("SOCK-14 files of the plain socket and of the TLS socket are independent", function()
        local first, second = plain_pair()
        local before = first:makefile("rw", 0)
        second:sendall("STARTTLS\n")
        assert.are.equal("STARTTLS\n", before:readline())
        before:close()
        first:settimeout(0)
        second:settimeout(0)
        local client = link.context(link.client_options()):wrap_socket(first, {
            server_hostname = "localhost", do_handshake_on_connect = false,
        })
        local server = link.context(link.server_options()):wrap_socket(second, {
            server_side = true, do_handshake_on_connect = false,
        })
        local file = client:makefile("r")
        client:close() -- even before the handshake, which the file does
        local _, got = tasks.run {
            function()
                tasks.call(server, "do_handshake")
                tasks.send_all(server, "over TLS\n")
            end,
            function()
                return tasks.call(file, "readline")
            end,
        }
        assert.are.equal("over TLS\n", got)
        file:close()
        server:close()
    end)

    it("SOCK-14 of a TLS socket around a descriptor does not close the descriptor", function()
        local first, second = plain_pair()
        second:settimeout(0)
        local client = link.context(link.client_options()):wrap_socket(first:fileno(), {
            server_hostname = "localhost", do_handshake_on_connect = false,
        })
        client:settimeout(0)
        local server = link.context(link.server_options()):wrap_socket(second, {
            server_side = true, do_handshake_on_connect = false,
        })
        local file = client:makefile("r")
        client:close()
        local _, got = tasks.run {
            function()
                tasks.call(server, "do_handshake")
                tasks.send_all(server, "over TLS\n")
            end,
            function()
                return tasks.call(file, "readline")
            end,
        }
        assert.are.equal("over TLS\n", got)
        file:close()
        assert.is_true(descriptor_is_open(first:fileno()))
        first:close()
        server:close()
    end)

    it("SOCK-14 of an unconnected socket raises the errors of the socket's methods", function()
        local sock = ssl.SSLContext(ssl.PROTOCOL_TLS):wrap_socket(socket.socket())
        local file = sock:makefile("rw")
        raises("socket.error", { errno = 107 }, file.readline, file)
        file:write("not sent as plaintext")
        raises("socket.error", { errno = 107 }, file.flush, file)
        pcall(file.close, file)
        sock:close()
    end)

    it("SOCK-14 has no constructor", function()
        local first, second = plain_pair()
        local file = first:makefile()
        local of = getmetatable(file).class
        assert.is_true(of:is(file))
        assert.is_false(of:is(first))
        raises("TypeError", { match = "use Socket.makefile()" }, of)
        file:close()
        first:close()
        second:close()
    end)
end)
