-- What both backends must do besides calling functions: buffers, guards, texts of any length, checks of ranges.
local backend = require "cleat.backend"
local collector = require "support.collector_settings"
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"

local const = backend.const
local HANDLE = -const.HANDLE * 0x10000

-- pair returns two sockets that are connected to each other.
local function pair(type)
    local status, first, second = backend.socket_pair(const.AF_UNIX, type or const.SOCK_STREAM, 0)
    assert.are.equal(0, status)
    return first, second
end

local function close(...)
    for _, id in ipairs { ... } do
        assert.are.equal(const.OK, backend.close(id))
    end
end

local function raises(words, f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    assert.are.equal("cleat.backend: " .. words, message)
end

describe("cleat.backend", function()
    handles.watch(before_each, after_each)

    it("accepts integers of 32 bits, as integers or floats, and refuses other values", function()
        for _, value in ipairs { 5, 5.0, 2 ^ 31 - 1, -2 ^ 31 } do
            assert.are.equal(backend.kind(0), backend.kind(value)) -- CLEAT_HANDLE: no such id
        end
        for _, value in ipairs { 1.5, 2 ^ 31, -2 ^ 31 - 1, 0 / 0, 1 / 0, -1 / 0, "5", true, {} } do
            raises("kind: argument 1 must be an integer", backend.kind, value)
        end
    end)

    it("is the right one for this interpreter", function()
        assert.are.equal(rawget(_G, "jit") and os.getenv "CLEAT_BACKEND" ~= "native" and "ffi" or "native", backend.name)
        assert.are.equal(const.ABI_VERSION, backend.abi_version())
    end)

    it("is the one for this interpreter where the program hides the global `jit`", function()
        local found = process.run_code [[
            jit = nil
            print(require("cleat.backend").name, require("cleat.compat").nests)
        ]]
        local nests = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
        assert.are.equal(("%s\t%s\n"):format(backend.name, tostring(nests)), found)
    end)

    it("reports its kind and versions", function()
        assert.matches("^%d+%.%d+%.%d+$", select(2, backend.version()))
        local _, text = backend.boringssl_version()
        assert.matches("BoringSSL", text, 1, true)
        assert.matches(("API %d"):format(backend.boringssl_api()), text, 1, true)
    end)

    it("has functions that only these tests call", function()
        local context = backend.context_new(const.PROTOCOL_TLSV1_2)
        assert.are.equal(const.PROTOCOL_TLSV1_2, backend.context_protocol(context))
        local root = backend.certificate_from_pem(pki.read "root.pem")
        local server = backend.certificate_from_pem(pki.read "server-ec.crt")
        assert.are.equal(1, backend.certificate_is_ca(root))
        assert.are.equal(0, backend.certificate_is_ca(server))
        close(context, root, server)
    end)

    it("returns a datagram with the id of its sender", function()
        local receiver = backend.socket_new(const.AF_INET, const.SOCK_DGRAM, 0)
        local sender = backend.socket_new(const.AF_INET, const.SOCK_DGRAM, 0)
        assert.are.equal(0, backend.socket_bind(receiver, "127.0.0.1", 0))
        assert.are.equal(0, backend.socket_bind(sender, "127.0.0.1", 0))
        local _, host, port = backend.socket_getsockname(receiver)
        local _, _, own_port = backend.socket_getsockname(sender)
        assert.are.equal(3, backend.socket_sendto(sender, "abc", 0, host, port, 1))
        local status, bytes, from = backend.socket_recvfrom(receiver, 100, 0, 1)
        assert.are.equal(3, status)
        assert.are.equal("abc", bytes)
        local _, from_host, _, _, _, from_port = backend.addrinfo_address(from, 0)
        assert.are.same({ "127.0.0.1", own_port }, { from_host, from_port })
        close(from)

        local buffer = backend.buffer_new(8)
        assert.are.equal(3, backend.socket_sendto(sender, "def", 0, host, port, 1))
        status, from = backend.socket_recvfrom_into(receiver, buffer, 2, 6, 0, 1)
        assert.are.equal(3, status)
        assert.are.equal("\0\0def\0\0\0", backend.buffer_get(buffer, 0, 8))
        close(from, sender, receiver)
    end)

    describe("buffers", function()
        it("contain zeros at first", function()
            local buffer = backend.buffer_new(5)
            assert.are.equal(5, backend.buffer_size(buffer))
            assert.are.equal("\0\0\0\0\0", backend.buffer_get(buffer, 0, 5))
        end)

        it("may be empty", function()
            local buffer = backend.buffer_new(0)
            assert.are.equal(0, backend.buffer_size(buffer))
            assert.are.equal("", backend.buffer_get(buffer, 0, 0))
            backend.buffer_set(buffer, 0, "")
        end)

        it("contain what was written", function()
            local buffer = backend.buffer_new(8)
            backend.buffer_set(buffer, 2, "a\0b")
            backend.buffer_set(buffer, 7, "z")
            backend.buffer_set(buffer, 8, "")
            assert.are.equal("\0\0a\0b\0\0z", backend.buffer_get(buffer, 0, 8))
            assert.are.equal("a\0b", backend.buffer_get(buffer, 2, 3))
        end)

        it("may be large", function()
            local buffer = backend.buffer_new(3000000)
            backend.buffer_set(buffer, 2999990, "0123456789")
            assert.are.equal("789", backend.buffer_get(buffer, 2999997, 3))
            assert.are.equal(3000000, #backend.buffer_get(buffer, 0, 3000000))
        end)

        it("are checked for their size", function()
            local buffer = backend.buffer_new(8)
            raises("buffer_new: argument 1 is out of bounds", backend.buffer_new, -1)
            raises("buffer_new: argument 1 must be an integer", backend.buffer_new, 1.5)
            raises("buffer_get: argument 2 is out of bounds", backend.buffer_get, buffer, -1, 1)
            raises("buffer_get: argument 2 is out of bounds", backend.buffer_get, buffer, 9, 0)
            raises("buffer_get: argument 3 is out of bounds", backend.buffer_get, buffer, 8, 1)
            raises("buffer_get: argument 3 is out of bounds", backend.buffer_get, buffer, 0, -1)
            raises("buffer_get: argument 3 is out of bounds", backend.buffer_get, buffer, 7, 0x7fffffff)
            raises("buffer_set: argument 2 is out of bounds", backend.buffer_set, buffer, -1, "")
            raises("buffer_set: argument 2 is out of bounds", backend.buffer_set, buffer, 9, "")
            raises("buffer_set: argument 3 is out of bounds", backend.buffer_set, buffer, 6, "abc")
            raises("buffer_set: argument 3 must be a string", backend.buffer_set, buffer, 6, 1)
        end)

        it("are the only accepted values", function()
            local guard = backend.guard_new(0)
            for _, other in ipairs { 1, "x", {}, io.stdout, guard, false } do
                raises("buffer_size: argument 1 must be a buffer", backend.buffer_size, other)
                raises("buffer_get: argument 1 must be a buffer", backend.buffer_get, other, 0, 0)
                raises("buffer_set: argument 1 must be a buffer", backend.buffer_set, other, 0, "")
            end
        end)
    end)

    describe("guards", function()
        it("close when they are collected", function()
            local first, second = pair()
            backend.guard_new(first)
            backend.guard_new(second)
            collectgarbage()
            collectgarbage()
            assert.are.equal(HANDLE, backend.kind(first))
            assert.are.equal(HANDLE, backend.kind(second))
        end)

        it("do not close while they are referenced", function()
            local first, second = pair()
            local guard = backend.guard_new(first)
            for _ = 1, 3 do
                collectgarbage()
                backend.guard_new(0)
            end
            assert.are.equal(const.KIND_SOCKET, backend.kind(first))
            assert.are.equal(0, backend.guard_close(guard))
            close(second)
        end)

        it("close at once, and only once", function()
            local first, second = pair()
            local guard = backend.guard_new(first)
            assert.are.equal(0, backend.guard_close(guard))
            assert.are.equal(HANDLE, backend.kind(first))
            assert.are.equal(0, backend.guard_close(guard))
            assert.are.equal(0, backend.guard_close(guard))
            close(second)
        end)

        it("return the result of closing", function()
            local first, second = pair()
            local guard = backend.guard_new(first)
            close(first, second)
            assert.are.equal(HANDLE, backend.guard_close(guard))
            assert.are.equal(0, backend.guard_close(guard))
        end)

        it("can be disarmed, and then close nothing", function()
            local first, second = pair()
            local guard = backend.guard_new(first)
            backend.guard_release(guard)
            assert.are.equal(0, backend.guard_close(guard))
            backend.guard_release(backend.guard_new(second))
            collectgarbage()
            collectgarbage()
            close(first, second)
        end)

        it("can be set to another id", function()
            local first, second = pair()
            local guard = backend.guard_new(0)
            backend.guard_set(guard, first)
            backend.guard_set(guard, second)
            assert.are.equal(const.KIND_SOCKET, backend.kind(first))
            assert.are.equal(0, backend.guard_close(guard))
            assert.are.equal(HANDLE, backend.kind(second))
            backend.guard_set(backend.guard_new(0), first)
            collectgarbage()
            collectgarbage()
            assert.are.equal(HANDLE, backend.kind(first))
        end)

        it("do not change the record of the last failure", function()
            local first, second = pair()
            backend.guard_new(first)
            assert.is_true(backend.strerror(-1) < 0)
            local status, _, message = backend.error_status(), backend.error_message()
            collectgarbage()
            collectgarbage()
            assert.are.equal(HANDLE, backend.kind(first)) -- this call fails for another reason
            assert.is_true(backend.strerror(-1) < 0)
            backend.guard_close(backend.guard_new(first))
            assert.are.equal(status, backend.error_status())
            assert.are.equal(message, select(2, backend.error_message()))
            close(second)
        end)

        it("are the only accepted values", function()
            local buffer = backend.buffer_new(8)
            for _, other in ipairs { 1, "x", {}, io.stdout, buffer, false } do
                raises("guard_close: argument 1 must be a guard", backend.guard_close, other)
                raises("guard_release: argument 1 must be a guard", backend.guard_release, other)
                raises("guard_set: argument 1 must be a guard", backend.guard_set, other, 0)
            end
            raises("guard_new: argument 1 must be an integer", backend.guard_new, "1")
            raises("guard_new: argument 1 must be an integer", backend.guard_new)
            raises("guard_set: argument 2 must be an integer", backend.guard_set, backend.guard_new(0), "1")
        end)

        it("are returned together with new ids", function()
            local function gone(...)
                collectgarbage()
                collectgarbage()
                for i = 1, select("#", ...) do
                    assert.are.equal(HANDLE, backend.kind((select(i, ...))))
                end
            end
            local before = backend.handle_count()
            local id, guard = backend.socket_new_guarded(const.AF_INET, const.SOCK_STREAM, 0)
            assert.are.equal(const.KIND_SOCKET, backend.kind(id))
            collectgarbage()
            assert.are.equal(const.KIND_SOCKET, backend.kind(id))
            assert.are.equal(0, backend.guard_close(guard))
            gone(id)
            guard = nil -- luacheck: ignore
            gone((backend.socket_new_guarded(const.AF_INET, const.SOCK_STREAM, 0)))

            local status, first, second, first_guard, second_guard = -- luacheck: ignore 231
                backend.socket_pair_guarded(const.AF_UNIX, const.SOCK_DGRAM, 0)
            assert.are.equal(0, status)
            assert.are.equal(const.KIND_SOCKET, backend.kind(first))
            assert.are.equal(2, backend.socket_send(first, "ab", 0, 0))
            local length, data, sender, sender_guard = backend.socket_recvfrom_guarded(second, 10, 0, 0)
            assert.are.same({ 2, "ab" }, { length, data })
            assert.are.equal(const.KIND_ADDRINFO, backend.kind(sender))
            assert.are.equal(0, backend.guard_close(sender_guard))
            assert.are.equal(2, backend.socket_send(first, "cd", 0, 0))
            local buffer = backend.buffer_new(4)
            length, sender, sender_guard = -- luacheck: ignore 311
                backend.socket_recvfrom_into_guarded(second, buffer, 1, 3, 0, 0)
            assert.are.equal(2, length)
            assert.are.equal("\0cd\0", backend.buffer_get(buffer, 0, 4))
            assert.are.equal(const.KIND_ADDRINFO, backend.kind(sender))
            assert.are.equal(0, backend.guard_close(first_guard))
            assert.are.equal(HANDLE, backend.kind(first))
            assert.are.equal(const.KIND_SOCKET, backend.kind(second))
            first_guard, second_guard, sender_guard = nil, nil, nil -- luacheck: ignore
            gone(second, sender)
            assert.are.equal(before, backend.handle_count())
        end)

        it("are not returned together with an error status", function()
            local function results(...)
                return select("#", ...), (...)
            end
            local count, status = results(backend.socket_new_guarded(-1, const.SOCK_STREAM, 0))
            assert.are.equal(1, count)
            assert.are.equal(const.SYS, math.floor(-status / 65536))
            count, status = results(backend.socket_recvfrom_guarded(0, 10, 0, 0))
            assert.are.same({ 1, HANDLE }, { count, status })
            count, status = results(backend.socket_pair_guarded(const.AF_UNIX, 0, 0))
            assert.are.equal(1, count)
            assert.are.equal(const.USAGE, math.floor(-status / 65536))
        end)

        it("work in large numbers, under an aggressive collector", function()
            local pause, step = collector(0, 1000)
            for _ = 1, 2000 do
                local first, second = pair()
                backend.guard_new(first)
                backend.guard_close(backend.guard_new(second))
            end
            collector(pause, step)
        end)
    end)

    describe("texts", function()
        it("of any length are returned as a whole", function()
            local bytes = pki.read "server-rsa.crt"
            local certificate = backend.certificate_from_pem(bytes)
            assert.is_true(certificate > 0)
            local length, der = backend.certificate_der(certificate)
            assert.is_true(length > 512)
            assert.are.equal(length, #der)
            local again = backend.certificate_from_der(der)
            assert.are.equal(der, select(2, backend.certificate_der(again)))
            close(certificate, again)
        end)

        it("are returned together with other results", function()
            local socket = backend.socket_new(const.AF_INET, const.SOCK_STREAM, 0)
            assert.are.equal(0, backend.socket_bind(socket, "127.0.0.1", 0))
            local length, host, port, flowinfo, scope_id = backend.socket_getsockname(socket)
            assert.are.equal(9, length)
            assert.are.equal("127.0.0.1", host)
            assert.is_true(port > 0 and port < 65536)
            assert.are.equal(0, flowinfo)
            assert.are.equal(0, scope_id)
            close(socket)
        end)

        it("may be empty", function()
            local context = backend.context_new(const.PROTOCOL_TLS)
            local connection = backend.connection_over_memory(context, 1, nil)
            local length, name = backend.connection_server_hostname(connection)
            assert.are.equal(0, length)
            assert.are.equal("", name)
            close(context, connection)
        end)

        it("are nil after a failure", function()
            assert.are.equal(1, select("#", backend.certificate_der(-1)))
            assert.are.equal(HANDLE, (backend.certificate_der(-1)))
        end)
    end)

    describe("bytes", function()
        it("are received in any number", function()
            for _, count in ipairs { 0, 1, 4095, 4096, 4097, 65536, 66048, 66049, 1000000 } do
                local status, bytes = backend.random_bytes(count)
                assert.are.equal(count, status)
                assert.are.equal(count, #bytes)
            end
        end)

        it("do not include bytes of the previous call", function()
            local first, second = pair()
            local want = {}
            for i = 1, 100 do
                want[i] = ("%d"):format(i):rep(i)
                assert.are.equal(#want[i], backend.socket_send(first, want[i], 0, 1))
                local got, bytes = backend.socket_recv(second, 70000 - i, 0, 1)
                assert.are.equal(#want[i], got)
                assert.are.equal(want[i], bytes)
            end
            close(first, second)
        end)

        it("are written to the right offset of a buffer", function()
            local first, second = pair()
            local buffer = backend.buffer_new(8)
            backend.buffer_set(buffer, 0, "........")
            assert.are.equal(3, backend.socket_send(first, "abc", 0, 0))
            assert.are.equal(2, backend.socket_recv_into(second, buffer, 3, 2, 0, 0))
            assert.are.equal("...ab...", backend.buffer_get(buffer, 0, 8))
            assert.are.equal(1, backend.socket_recv_into(second, buffer, 7, 1, 0, 0))
            assert.are.equal("...ab..c", backend.buffer_get(buffer, 0, 8))
            local into = backend.socket_recv_into
            raises("socket_recv_into: argument 3 is out of bounds", into, second, buffer, 9, 0, 0, 0)
            raises("socket_recv_into: argument 4 is out of bounds", into, second, buffer, 7, 2, 0, 0)
            raises("socket_recv_into: argument 4 is out of bounds", into, second, buffer, 0, -1, 0, 0)
            raises("socket_recv_into: argument 2 must be a buffer", into, second, "x", 0, 1, 0, 0)
            close(first, second)
        end)

        it("are sent from an offset on", function()
            local first, second = pair()
            local buffer = backend.buffer_new(6)
            backend.buffer_set(buffer, 0, "012345")
            local function sent(data, offset)
                local status = backend.socket_send_from(first, data, offset, 0, 0)
                local got, bytes = backend.socket_recv(second, 100, 0, 0)
                return status, got > 0 and bytes or nil
            end
            assert.are.same({ 4, "2345" }, { sent(buffer, 2) })
            assert.are.same({ 6, "012345" }, { sent(buffer, 0) })
            assert.are.same({ 3, "cde" }, { sent("abcde", 2) })
            assert.are.same({ 0 }, { sent("abcde", 5) })
            local from = backend.socket_send_from
            raises("socket_send_from: argument 3 is out of bounds", from, first, "abc", 4, 0, 0)
            raises("socket_send_from: argument 3 is out of bounds", from, first, buffer, -1, 0, 0)
            raises("socket_send_from: argument 2 must be a string or a buffer", from, first, 12, 0, 0, 0)
            close(first, second)
        end)
    end)

    it("takes and returns arrays", function()
        local first, second = pair()
        assert.are.equal(1, backend.socket_send(first, "x", 0, 0))
        for _, count in ipairs { 200, 66, 64, 2 } do
            local descriptors, events = {}, {}
            for i = 1, count do
                descriptors[i] = backend.socket_fileno(i % 2 == 1 and first or second)
                events[i] = const.POLLIN
            end
            local ready, revents = backend.poll(descriptors, events, count, 0)
            assert.are.equal(count / 2, ready)
            assert.are.equal(count, #revents)
            for i = 1, count do
                assert.are.equal(i % 2 == 1 and 0 or const.POLLIN, revents[i])
            end
        end
        assert.are.same({ 0, {} }, { backend.poll({}, {}, 0, 0) })
        close(first, second)
    end)

    it("loads libcleat only from the expected place", function()
        local answer = process.run_code([[
            local ok, answer = pcall(require, "cleat.backend")
            io.write(tostring(ok), "\n", type(answer) == "table" and answer.name or answer)
        ]], { "CLEAT_LIBRARY=/nowhere/libcleat.so" })
        if backend.name == "ffi" then
            assert.matches("^false\ncleat%.backend: libcleat was not found", answer)
            assert.matches("/nowhere/libcleat.so: no such file", answer, 1, true)
        else -- the native module was linked with its libcleat
            assert.are.equal("true\nnative", answer)
        end
    end)
end)
