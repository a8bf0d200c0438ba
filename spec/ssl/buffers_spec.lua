-- Empty and large writes, and reads into buffers, over TLS: rows B-36 and B-37 of Python 3's ssl.
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local raises = require "support.raises"
local scheduler = require "support.scheduler"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe(version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        it("B-36 an empty write returns 0 and sends nothing", function()
            local client, server = link.open({ version = version }, { version = version })
            local empty = socket.buffer(0)
            for _, name in ipairs { "send", "write", "sendall" } do
                assert.are.equal(0, client[name](client, ""))
                assert.are.equal(0, client[name](client, empty))
            end
            server:settimeout(0)
            raises("ssl.SSLWantReadError", {}, server.recv, server, 1)
            server:settimeout(10)
            client:sendall("x") -- the control
            assert.are.equal("x", server:recv(10))
            client:close()
            raises("socket.error", { errno = 9 }, client.send, client, "x")
            server:close()
        end)

        it("B-36 a write of many records arrives unchanged, and an empty write may follow one that would block", function()
            local client, server = link.open({ version = version }, { version = version })
            local loop = scheduler.new()
            local data = ("0123456789abcdef"):rep(3 * 65536) .. "end"
            client:setwaiter(loop.waiter)
            server:setwaiter(loop.waiter)
            local sent, got
            loop:start(function()
                sent = client:send(data)
                assert.are.equal(0, client:send(""))
                client:sendall("!")
            end)
            loop:start(function()
                local parts, count = {}, 0
                while count < #data + 1 do
                    parts[#parts + 1] = server:recv(1000000)
                    count = count + #parts[#parts]
                end
                got = table.concat(parts)
            end)
            loop:run(60)
            assert.are.equal(#data, sent)
            assert.is_true(data .. "!" == got)
            client:close()
            server:close()
        end)

        it("B-37 recv_into and read fill a buffer from its start, with at most nbytes", function()
            local client, server = link.open({ version = version }, { version = version })
            local buffer = socket.buffer(8)
            buffer:set(0, "--------")
            client:sendall("0123456789")
            assert.are.equal(3, server:recv_into(buffer, 3))
            assert.are.equal("012-----", tostring(buffer))
            assert.are.equal(7, server:recv_into(buffer, 100)) -- as in Python: at most the buffer's size, and the available bytes
            assert.are.equal("3456789-", tostring(buffer))
            client:sendall("0123456789")
            assert.are.equal(8, server:recv_into(buffer))
            assert.are.equal(2, server:read(0, buffer))
            assert.are.equal("89234567", tostring(buffer))
            raises("ValueError", { match = "negative buffersize in recv_into" }, server.recv_into, server, buffer, -1)
            raises("TypeError", { match = "recv_into() argument 'buffer' must be a buffer, not string" }, server.recv_into, server, "x")
            assert.are.equal(0, server:recv_into(socket.buffer(0)))
            client:settimeout(0)
            pcall(client.unwrap, client)
            assert.are.equal(0, server:recv_into(buffer))
            assert.are.equal("89234567", tostring(buffer))
            assert.is_true(ssl.SSLSocket:is(server))
            client:close()
            server:close()
        end)
    end)
end
