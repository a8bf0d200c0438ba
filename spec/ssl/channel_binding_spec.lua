-- SSLSocket.get_channel_binding: its types, and "tls-unique" (RFC 5929), the same at both ends, with cleat and with
-- Python's ssl. The other types are in exporter_spec.lua and spec/peers/keying_spec.lua.
local handles = require "support.handles"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

describe("get_channel_binding:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("CONST-34 CHANNEL_BINDING_TYPES has the supported types", function()
        assert.are.same({ "tls-unique", "tls-exporter", "tls-server-end-point" }, ssl.CHANNEL_BINDING_TYPES)
        local sock = link.context({}):wrap_socket(socket.socket())
        for _, cb_type in ipairs(ssl.CHANNEL_BINDING_TYPES) do
            assert.is_nil(sock:get_channel_binding(cb_type))
        end
        sock:close()
    end)

    it("SSLS-31 another type raises ValueError in every state, before the state's error", function()
        local function refuses(sock)
            for _, cb_type in ipairs { "unknown-type", "tls_exporter", "TLS-UNIQUE", "" } do
                raises("ValueError", { match = "Unsupported channel binding type" }, sock.get_channel_binding, sock, cb_type)
                raises("ValueError", { match = "Unsupported channel binding type" }, sock.get_channel_binding, sock,
                    { cb_type = cb_type })
            end
            for _, cb_type in ipairs { 1, true } do
                raises("TypeError", { match = "cb_type" }, sock.get_channel_binding, sock, cb_type)
            end
        end
        local fresh = link.context({}):wrap_socket(socket.socket())
        refuses(fresh)
        fresh:close()
        refuses(fresh)
        for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
            local client, server = link.pair({ version = version }, { version = version })
            refuses(client)
            client:close()
            server:close()
            client, server = link.open({ version = version }, { version = version })
            refuses(client)
            refuses(server)
            client:close()
            server:close()
        end
    end)

    it("SSLS-29 is nil without a connection, before the handshake, and after unwrap()", function()
        local fresh = link.context({}):wrap_socket(socket.socket())
        assert.is_nil(fresh:get_channel_binding())
        fresh:close()
        assert.is_nil(fresh:get_channel_binding())
        local client, server = link.pair({ version = "TLSv1.2" }, { version = "TLSv1.2" })
        assert.is_nil(client:get_channel_binding())
        raises("SSLWantReadError", {}, client.do_handshake, client)
        raises("SSLWantReadError", {}, server.do_handshake, server)
        assert.is_nil(client:get_channel_binding())
        assert.is_nil(server:get_channel_binding("tls-unique"))
        client:close()
        server:close()
        client, server = link.open({ version = "TLSv1.2" }, { version = "TLSv1.2" })
        assert.are.equal("string", type(client:get_channel_binding()))
        client:shutdown(socket.SHUT_RDWR)
        assert.is_nil(client:get_channel_binding())
        client:close()
        assert.is_nil(client:get_channel_binding())
        server:close()
    end)

    for _, version in ipairs { "TLSv1", "TLSv1.1", "TLSv1.2" } do
        it("SSLS-28 is 12 bytes on " .. version .. ", the same at both ends, and different on every connection", function()
            local seen = {}
            for _ = 1, 4 do
                local client, server = link.open({ version = version }, { version = version, cert = "server-rsa" })
                assert.are.equal(version, client:version())
                local binding = client:get_channel_binding()
                assert.are.equal(12, #binding)
                assert.are.equal(binding, server:get_channel_binding())
                assert.are.equal(binding, client:get_channel_binding("tls-unique"))
                assert.are.equal(binding, server:get_channel_binding { cb_type = "tls-unique" })
                server:sendall("x")
                assert.are.equal("x", client:recv(1))
                assert.are.equal(binding, client:get_channel_binding())
                assert.is_nil(seen[binding])
                seen[binding] = true
                client:close()
                server:close()
            end
        end)
    end

    it("SSLS-30 F8 is nil in TLS 1.3, which does not define it", function()
        local client, server = link.open()
        assert.are.equal("TLSv1.3", client:version())
        assert.is_nil(client:get_channel_binding())
        assert.is_nil(server:get_channel_binding("tls-unique"))
        client:close()
        server:close()
    end)

    it("SSLS-28 equals Python's, in both roles", function()
        local certfile, keyfile = pki.chain("server-ec")
        local job = peer.serve { tls = true, cert = certfile, key = keyfile, max = "1.2", "handshake", "binding", "recv 1" }
        local sock = ssl.wrap_socket(socket.create_connection({ "127.0.0.1", job.port }, 10))
        local binding = sock:get_channel_binding()
        sock:sendall("x")
        assert.are.equal("binding " .. peer.hex(binding), job:finish()[2])
        sock:close()

        local plain = socket.socket()
        plain:settimeout(10)
        plain:bind { "127.0.0.1", 0 }
        plain:listen(1)
        local listener = link.context({ cert = "server-ec" }):wrap_socket(plain, { server_side = true })
        job = peer.connect { port = listener:getsockname()[2], tls = true, max = "1.2", "handshake", "binding" }
        sock = listener:accept()
        binding = sock:get_channel_binding()
        assert.are.equal("binding " .. peer.hex(binding), job:finish()[2])
        sock:close()
        listener:close()
    end)

    it("SSLS-28 detects a man in the middle: his two connections have different bindings", function()
        -- A man in the middle has two connections with different bindings.
        local client, to_client = link.open({ version = "TLSv1.2" }, { version = "TLSv1.2" })
        local to_server, server = link.open({ version = "TLSv1.2" }, { version = "TLSv1.2" })
        client:setblocking(false)
        to_client:setblocking(false)
        local _, got = tasks.run {
            function()
                tasks.send_all(client, client:get_channel_binding())
            end,
            function()
                return tasks.receive(to_client, 12)
            end,
        }
        to_server:sendall(got)
        assert.are_not.equal(server:get_channel_binding(), server:recv(12))
        for _, sock in ipairs { client, to_client, to_server, server } do
            sock:close()
        end
    end)
end)
