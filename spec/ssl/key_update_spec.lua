-- SSLSocket:key_update: new keys of either side in the middle of data, and a peer that sends too many updates. With
-- other libraries: spec/peers/keying_spec.lua; with threads: spec/schedule.
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local function echo(from, to, text)
    from:sendall(text)
    assert.are.equal(text, to:recv(#text))
end

-- fill sends until the network accepts no more, and returns how many bytes were accepted.
local function fill(sock)
    local sent = 0
    sock:settimeout(0)
    while true do
        local ok, result = pcall(sock.send, sock, ("x"):rep(16384))
        if not ok then
            assert(ssl.SSLWantWriteError:is(result), tostring(result))
            return sent
        end
        sent = sent + result
    end
end

describe("key_update:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("B-66 data continues in both directions, whichever side changes its keys or requests it", function()
        local client, server = link.open()
        for _, request in ipairs { false, true } do
            for _, side in ipairs { { client, server }, { server, client } } do
                side[1]:key_update(request)
                echo(side[1], side[2], "behind new keys")
                echo(side[2], side[1], "and back")
                side[1]:key_update { request = request }
                side[2]:key_update { request = request }
                echo(side[2], side[1], "from the other side")
                echo(side[1], side[2], "behind both")
            end
        end
        assert.is_nil(client:key_update())
        client:close()
        server:close()
    end)

    it("B-66 the peer changes its keys if it is requested, and not otherwise", function()
        -- Over memory the bytes can be counted: a KeyUpdate is a record of 5 + 5 + 1 + 16 bytes.
        local RECORD = 27
        local client_context, server_context = link.context(link.client_options()), link.context(link.server_options())
        local client = { incoming = ssl.MemoryBIO(), outgoing = ssl.MemoryBIO() }
        local server = { incoming = ssl.MemoryBIO(), outgoing = ssl.MemoryBIO() }
        client.object = client_context:wrap_bio(client.incoming, client.outgoing, { server_hostname = "localhost" })
        server.object = server_context:wrap_bio(server.incoming, server.outgoing, true)
        local function carry(from, to)
            local bytes = from.outgoing:read()
            to.incoming:write(bytes)
            return #bytes
        end
        repeat
            local done = pcall(client.object.do_handshake, client.object)
            carry(client, server)
            local answered = pcall(server.object.do_handshake, server.object)
            carry(server, client)
        until done and answered
        local function send(from, to)
            from.object:write("x")
            local count = carry(from, to)
            assert.are.equal("x", to.object:read(1))
            return count
        end
        send(client, server)
        send(server, client) -- with the session tickets
        local plain = send(server, client)
        for request, more in pairs { [false] = 0, [true] = RECORD } do
            client.object:key_update(request)
            assert.are.equal(RECORD, carry(client, server))
            send(client, server)
            assert.are.equal(plain + more, send(server, client))
            assert.are.equal(plain, send(server, client))
        end
        -- If a request arrives while the side's own KeyUpdate is not sent yet, it still answers.
        client.object:key_update(true)
        carry(client, server)
        send(client, server)
        server.object:key_update(true)
        assert.are.equal(2 * RECORD, carry(server, client))
        send(server, client)
        assert.are.equal(plain + RECORD, send(client, server))
    end)

    it("B-66 raises SSLError in TLS 1.2, and the connection continues", function()
        local client, server = link.open({ version = "TLSv1.2" }, { version = "TLSv1.2" })
        for _, conn in ipairs { client, server } do
            raises("SSLError", { library = "SSL", reason = "WRONG_SSL_VERSION", match = "new keys need TLS 1.3" },
                conn.key_update, conn)
        end
        echo(client, server, "hello")
        client:close()
        server:close()
    end)

    it("B-66 raises before the handshake, after unwrap and after close", function()
        local fresh = link.context({}):wrap_socket(socket.socket())
        raises("socket.error", {}, fresh.key_update, fresh)
        fresh:close()
        local client, server = link.pair()
        raises("ValueError", { match = "handshake not done yet" }, client.key_update, client)
        raises("TypeError", { match = "request" }, client.key_update, client, 1)
        raises("TypeError", { match = "requested" }, client.key_update, client, { requested = true })
        tasks.run {
            function()
                tasks.call(client, "do_handshake")
                tasks.call(client, "key_update")
                tasks.call(client, "unwrap"):close()
            end,
            function()
                tasks.call(server, "do_handshake")
                assert.are.equal("", tasks.receive(server, 1))
                tasks.call(server, "unwrap"):close()
            end,
        }
        raises("ValueError", { match = "closed or unwrapped" }, client.key_update, client)
        client:close()
        raises("socket.error", { errno = 9 }, client.key_update, client)
        server:close()
    end)

    it("B-66 raises SSLWantWriteError while the network accepts nothing, and no byte is lost or sent twice", function()
        local client, server = link.open()
        local sent = fill(client)
        for _ = 1, 40 do -- none of them is sent: the peer would refuse the 33rd
            raises("SSLWantWriteError", {}, client.key_update, client, true)
        end
        local got = 0
        while got < sent do
            got = got + #server:recv(65536)
        end
        assert.are.equal(sent, got)
        -- Bytes that were encrypted and not accepted are still sent first.
        client:settimeout(10)
        client:key_update(true)
        raises("SSLError", { reason = "BAD_WRITE_RETRY" }, client.send, client, "other bytes")
        client:key_update(true)
        client:sendall(("x"):rep(16384) .. "end")
        local text = ""
        while text:sub(-3) ~= "end" do
            text = text .. server:recv(65536)
        end
        assert.are.equal(16384 + 3, #text)
        echo(server, client, "and back")
        client:close()
        server:close()
    end)

    it("B-66 waits for its turn among coroutines that write", function()
        local client, server = link.open()
        client:setblocking(false)
        server:setblocking(false)
        local data = ("0123456789abcdef"):rep(65536)
        local got = tasks.run {
            function()
                return tasks.receive(server, #data)
            end,
            function()
                tasks.send_all(client, data)
            end,
            function()
                for _ = 1, 20 do
                    tasks.call(client, "key_update", true)
                    coroutine.yield(client, "write")
                end
            end,
        }
        assert.is_true(got == data)
        client:close()
        server:close()
    end)

    it("B-66 a peer that sends 33 updates without data is refused with unexpected_message; 32 are accepted", function()
        for _, count in ipairs { 32, 33 } do
            local client, server = link.open()
            for _ = 1, count do
                client:key_update()
            end
            client:sendall("hello")
            if count == 32 then
                assert.are.equal("hello", server:recv(10))
            else
                raises("SSLError", { library = "SSL", reason = "TOO_MANY_KEY_UPDATES" }, server.recv, server, 10)
                raises("SSLError", { alert = 10 }, function()
                    while true do
                        client:recv(10)
                    end
                end)
            end
            client:close()
            server:close()
        end
    end)
end)
