-- B-39: sslsocket_class and sslobject_class.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local function contexts()
    local client = ssl.create_default_context { cafile = pki.path("root.pem") }
    local server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server:load_cert_chain(pki.chain("server-ec"))
    return client, server
end

describe("a context's classes of connections:", function()
    handles.watch(before_each, after_each)

    it("B-39 wrap_socket and accept return objects of sslsocket_class, whose methods are called", function()
        local client, server = contexts()
        assert.are.equal(ssl.SSLSocket, client.sslsocket_class)
        local Counting = ssl.SSLSocket:extend("Counting", { count = 0 })
        function Counting:sendall(data)
            self.count = self.count + #data
            return ssl.SSLSocket.sendall(self, data)
        end
        client.sslsocket_class, server.sslsocket_class = Counting, Counting
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        listener:listen(1)
        local plain = socket.create_connection(listener:getsockname())
        local wrapped = server:wrap_socket(listener, { server_side = true, do_handshake_on_connect = false })
        local accepted = wrapped:accept()
        local conn = client:wrap_socket(plain, { server_hostname = "localhost", do_handshake_on_connect = false })
        for _, each in ipairs { conn, accepted, wrapped } do
            assert.is_true(Counting:is(each))
            assert.is_true(ssl.SSLSocket:is(each))
            assert.is_true(socket.socket:is(each))
        end
        assert.is_truthy(tostring(conn):find("Counting", 1, true))
        conn:setblocking(false)
        accepted:setblocking(false)
        assert.are.same({}, link.shake_in_turns(conn, accepted))
        conn:sendall("hello")
        assert.are.equal(5, conn.count)
        assert.are.equal(0, accepted.count)
        accepted:settimeout(10)
        assert.are.equal("hello", accepted:recv(10))
        raises("AttributeError", { match = "Counting' object has no attribute 'number'" }, function()
            conn.number = 1
        end)
        for _, each in ipairs { conn, accepted, wrapped } do
            each:close()
        end
        client.sslsocket_class = ssl.SSLSocket
        local one, two = socket.socketpair()
        local other = client:wrap_socket(one, { server_hostname = "localhost", do_handshake_on_connect = false })
        assert.is_false(Counting:is(other))
        other:close()
        two:close()
    end)

    it("B-39 wrap_bio returns objects of sslobject_class", function()
        local client = contexts()
        local Named = ssl.SSLObject:extend("Named", { label = "none" })
        client.sslobject_class = Named
        local object = client:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), { server_hostname = "localhost" })
        assert.is_true(Named:is(object))
        assert.are.equal("none", object.label)
        object.label = "mine"
        assert.are.equal("mine", object.label)
        assert.are.equal("localhost", object.server_hostname)
        raises("ssl.SSLWantReadError", {}, object.do_handshake, object)
        local Deeper = Named:extend("Deeper")
        client.sslobject_class = Deeper
        local deeper = client:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), { server_hostname = "localhost" })
        assert.is_true(Named:is(deeper))
        assert.are.equal("none", deeper.label)
        object, deeper = nil, nil -- luacheck: ignore 311
        collectgarbage()
        collectgarbage()
    end)

    it("B-39 other classes, and attributes that exist already, are refused", function()
        local client = contexts()
        for _, value in ipairs { ssl.SSLObject, socket.socket, 1, "SSLSocket", {} } do
            raises("TypeError", { match = "sslsocket_class must be ssl.SSLSocket" }, function()
                client.sslsocket_class = value
            end)
        end
        raises("TypeError", { match = "sslobject_class" }, function()
            client.sslobject_class = ssl.SSLSocket
        end)
        raises("ValueError", { match = "'recv'" }, ssl.SSLSocket.extend, ssl.SSLSocket, "A", { recv = 1 })
        raises("ValueError", { match = "'context'" }, ssl.SSLSocket.extend, ssl.SSLSocket, "A", { context = 1 })
        raises("TypeError", { match = "begin with a letter" }, ssl.SSLSocket.extend, ssl.SSLSocket, "A", { _id = 1 })
        raises("TypeError", { match = "do not share" }, ssl.SSLSocket.extend, ssl.SSLSocket, "A", { list = {} })
        raises("TypeError", { match = "name" }, ssl.SSLSocket.extend, ssl.SSLSocket)
        raises("TypeError", {}, ssl.SSLSocket:extend "A") -- no constructor
    end)
end)
