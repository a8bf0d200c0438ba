-- B-48: SSLContext._msg_callback, and the flights of describe().
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local const = require("cleat.backend").const
local Content, Message, Alert = ssl._TLSContentType, ssl._TLSMessageType, ssl._TLSAlertType

-- connected returns a client and a server after the handshake, over sockets; prepare(client context, server context).
local function connected(version, prepare, expect_failure)
    local client, server = ssl.create_default_context { cafile = pki.path("root.pem") }, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.ech_grease = false
    server:load_cert_chain(pki.chain("server-ec"))
    server.maximum_version = ssl.TLSVersion[version:gsub("%.", "_")]
    prepare(client, server)
    local conn, accepted = link.pair({ context = client, server_hostname = expect_failure and "other.test" or "localhost" },
        { context = server })
    return conn, accepted, link.shake_in_turns(conn, accepted)
end

-- handshake_of returns the recorded messages of a handshake, as "write CLIENT_HELLO".
local function handshake_of(noted)
    local list = {}
    for _, each in ipairs(noted) do
        if each[3] == Content.HANDSHAKE then
            list[#list + 1] = each[1] .. " " .. Message[each[4]]
        end
    end
    return list
end

local function noting(noted)
    return function(_, direction, version, content_type, msg_type, data)
        noted[#noted + 1] = { direction, version, content_type, msg_type, data }
    end
end

describe("_msg_callback:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("B-48 its enumerations are CPython's", function()
        local result = process.run { "/usr/bin/python3", "-I", "-c", [[
import ssl
for name in "_TLSContentType", "_TLSMessageType", "_TLSAlertType":
    for member in getattr(ssl, name): print(name, member.name, int(member))
]] }
        local count = 0
        for name, member, number in result.output:gmatch("(%S+) (%S+) (%d+)\n") do
            assert.are.equal(tonumber(number), ssl[name][member])
            count = count + 1
        end
        assert.is_true(count > 45, count .. " " .. result.errors)
    end)

    for version, expected in pairs {
        ["TLSv1.2"] = { "write CLIENT_HELLO", "read SERVER_HELLO", "read CERTIFICATE", "read SERVER_KEY_EXCHANGE",
            "read SERVER_DONE", "write CLIENT_KEY_EXCHANGE", "write FINISHED", "read NEWSESSION_TICKET", "read FINISHED" },
        ["TLSv1.3"] = { "write CLIENT_HELLO", "read SERVER_HELLO", "read ENCRYPTED_EXTENSIONS", "read CERTIFICATE",
            "read CERTIFICATE_VERIFY", "read FINISHED", "write FINISHED", "read NEWSESSION_TICKET", "read NEWSESSION_TICKET" },
    } do
        it("B-48 gets each message in order, with CPython's arguments, " .. version, function()
            local noted, theirs, conns = {}, {}, {}
            local conn, accepted, failures = connected(version, function(client, server)
                assert.is_nil(client._msg_callback)
                local callback = noting(noted)
                client._msg_callback = function(connection, ...)
                    conns[connection] = true
                    return callback(connection, ...)
                end
                server._msg_callback = noting(theirs)
            end)
            assert.are.same({}, failures)
            accepted:sendall("data")
            assert.are.equal("data", conn:recv(10))
            assert.are.same(expected, handshake_of(noted))
            assert.is_true(conns[conn])
            local mirrored = {}
            for index, line in ipairs(handshake_of(theirs)) do
                mirrored[index] = line:find("^read") and line:gsub("^read", "write") or line:gsub("^write", "read")
            end
            table.sort(mirrored)
            table.sort(expected)
            assert.are.same(expected, mirrored)
            local first, second = noted[1], noted[2]
            if first[3] == Content.HEADER then -- the record's header, if it is written before the message
                first, second = second, first
            end
            assert.are.equal(Content.HANDSHAKE, first[3])
            assert.are.equal(1, first[5]:byte(1)) -- the whole message, with its header
            assert.are.equal(#first[5] - 4, first[5]:byte(2) * 65536 + first[5]:byte(3) * 256 + first[5]:byte(4))
            assert.are.equal(Content.HEADER, second[3])
            assert.are.equal(Content.HANDSHAKE, second[4])
            assert.are.equal(5, #second[5])
            conn:close()
            accepted:close()
        end)

        it("B-48 gets the alert of a refusal, " .. version, function()
            local noted, theirs = {}, {}
            local conn, accepted, failures = connected(version, function(client, server)
                client._msg_callback, server._msg_callback = noting(noted), noting(theirs)
            end, true)
            raises.check(failures[conn], "SSLCertVerificationError", { verify_code = 62 })
            for side, list in pairs { write = noted, read = theirs } do
                local last
                for _, each in ipairs(list) do
                    last = each[3] == Content.ALERT and each or last
                end
                assert.are.equal(side, last[1])
                assert.are.equal("BAD_CERTIFICATE", Alert[last[4]])
                assert.are.equal(2, #last[5])
            end
            conn:close()
            accepted:close()
        end)

        it("B-48 its errors are raised by the handshake, and after it by the call that follows one with data, " .. version, function()
            local conn, accepted, failures = connected(version, function(client)
                client._msg_callback = function()
                    error("the reason", 0)
                end
            end)
            assert.are.equal("the reason", failures[conn])
            accepted:sendall("data")
            local got, reasons = nil, 0
            for _ = 1, 6 do
                local ok, result = pcall(conn.recv, conn, 10)
                if ok then
                    got = result
                elseif result == "the reason" then
                    reasons = reasons + 1
                end
            end
            assert.are.equal("data", got) -- the data is not lost
            assert.is_true(reasons >= 1)
            conn:close()
            accepted:close()
        end)
    end

    it("B-48 may close the connection, which cannot be used in the callback", function()
        local used
        local conn, accepted, failures = connected("TLSv1.3", function(client)
            client._msg_callback = function(connection, direction)
                if direction == "read" then
                    used = used or { pcall(connection.send, connection, "x") }
                    connection:close()
                end
            end
        end)
        assert.is_false(used[1])
        assert.is_truthy(tostring(used[2]):find("message callback has not returned", 1, true), tostring(used[2]))
        raises.check(failures[conn], "socket.error", { errno = const.EBADF })
        accepted:close()
    end)

    it("B-48 may yield, over two MemoryBIOs too", function()
        local client = ssl._create_unverified_context()
        client._msg_callback = function(_, direction)
            coroutine.yield(direction)
        end
        local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        local object = client:wrap_bio(incoming, outgoing)
        local thread = coroutine.create(function()
            return pcall(object.do_handshake, object)
        end)
        local yields = {}
        local results = { coroutine.resume(thread) }
        while coroutine.status(thread) ~= "dead" do
            yields[#yields + 1] = results[2]
            results = { coroutine.resume(thread) }
        end
        assert.are.same({ "write", "write" }, yields)
        assert.is_true(ssl.SSLWantReadError:is(results[3]))
        assert.is_true(outgoing.pending > 100)
        object, thread, results = nil, nil, nil -- luacheck: ignore 311
        collectgarbage()
        collectgarbage()
    end)

    it("B-48 gets the inner ClientHello of Encrypted ClientHello, which has the name", function()
        local noted, theirs = {}, {}
        local key = ssl.ECHKey { public_name = "www.cleat.test" }
        local client, server = ssl.create_default_context { cafile = pki.path("root.pem") }, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server:load_cert_chain(pki.chain("server-ec"))
        server:set_ech_keys { key }
        client._msg_callback, server._msg_callback = noting(noted), noting(theirs)
        local one, two = socket.socketpair()
        one:settimeout(0)
        two:settimeout(0)
        local conn = client:wrap_socket(one, {
            server_hostname = "localhost", ech_configs = ssl.ech_config_list { key }, do_handshake_on_connect = false,
        })
        local accepted = server:wrap_socket(two, { server_side = true, do_handshake_on_connect = false })
        assert.are.same({}, link.shake_in_turns(conn, accepted))
        assert.is_true(conn.ech_accepted)
        local function hellos(list)
            local names = {}
            for _, each in ipairs(list) do
                if each[3] ~= Content.HEADER and each[4] == Message.CLIENT_HELLO then
                    names[#names + 1] = each[1] .. " " .. each[3] .. " " .. (each[5]:match("localhost") or each[5]:match("www.cleat.test"))
                end
            end
            return names
        end
        assert.are.same({ "write 257 localhost", "write 22 www.cleat.test" }, hellos(noted))
        assert.are.same({ "read 22 www.cleat.test", "read 257 localhost" }, hellos(theirs))
        assert.are.same({ 257, 0 }, { const.MESSAGE_CLIENT_HELLO_INNER, const.MESSAGE_SSL2_CLIENT_HELLO })
        conn:close()
        accepted:close()
    end)

    it("B-48 gets a ClientHello in the format of SSL 2", function()
        local noted = {}
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context:load_cert_chain(pki.chain("server-rsa"))
        context:set_ciphers("AES128-GCM-SHA256")
        context._msg_callback = noting(noted)
        local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        local object = context:wrap_bio(incoming, outgoing, { server_side = true })
        -- version 3.3, one suite in three bytes, no session, a challenge
        local hello = "\1\3\3\0\3\0\0\0\32\0\0\156" .. ("c"):rep(32)
        incoming:write("\128" .. string.char(#hello) .. hello)
        raises("SSLWantReadError", {}, object.do_handshake, object)
        assert.are.same({ "read", 0, Message.CLIENT_HELLO, hello }, { noted[1][1], noted[1][3], noted[1][4], noted[1][5] })
    end)

    it("B-48 is the context's when the connection is made, and its type is checked", function()
        local noted = {}
        local context
        local conn, accepted = connected("TLSv1.3", function(client)
            context = client
            client._msg_callback = noting(noted)
            assert.are.equal("function", type(client._msg_callback))
        end)
        context._msg_callback = nil
        assert.is_nil(context._msg_callback)
        local before = #noted
        conn:sendall("x")
        assert.is_true(#noted > before)
        raises("TypeError", { match = "not a callable object" }, function()
            context._msg_callback = 1
        end)
        conn:close()
        accepted:close()
    end)
end)

describe("trace_handshake:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("makes describe() return the flights and their times", function()
        local conn, accepted, failures = connected("TLSv1.3", function(client, server)
            assert.is_false(client.trace_handshake)
            client.trace_handshake, server.trace_handshake = true, true
            raises("TypeError", {}, function()
                client.trace_handshake = 1
            end)
        end)
        assert.are.same({}, failures)
        local flights = conn:describe().flights
        assert.are.same({ "CLIENT_HELLO" }, flights[1].messages)
        assert.is_true(flights[1].sent)
        assert.are.equal(0, flights[1].seconds)
        assert.are.same({ "SERVER_HELLO", "ENCRYPTED_EXTENSIONS", "CERTIFICATE", "CERTIFICATE_VERIFY", "FINISHED" }, flights[2].messages)
        assert.is_false(flights[2].sent)
        assert.is_true(flights[2].seconds > 0 and flights[3].seconds >= flights[2].seconds)
        assert.are.same({ "FINISHED" }, flights[3].messages)
        assert.is_truthy(tostring(conn:describe()):find("\nflight 2: +[%d.]+ ms received SERVER_HELLO ENCRYPTED_EXTENSIONS"))
        assert.are.same({ "CLIENT_HELLO" }, accepted:describe().flights[1].messages)
        assert.is_false(accepted:describe().flights[1].sent)
        conn:close()
        accepted:close()
        conn, accepted = connected("TLSv1.3", function() end)
        assert.is_nil(conn:describe().flights) -- a control
        conn:close()
        accepted:close()
    end)
end)
