-- SSLSocket:export_keying_material, and the channel binding "tls-exporter". spec/peers/keying_spec.lua compares their
-- values with other libraries', and tests "tls-server-end-point".
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local visits = require "support.visits"

local LABEL = "EXPERIMENTAL cleat"

describe("export_keying_material:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, version in ipairs { "TLSv1", "TLSv1.2", "TLSv1.3" } do
        it("B-62 the bytes are the same at both ends of a connection, and different on other connections, " .. version, function()
            local seen = {}
            for _ = 1, 2 do
                local client, server = link.open({ version = version }, { version = version })
                for _, context in ipairs { false, "", "\0", ("c"):rep(65535) } do
                    for _, length in ipairs { 1, 32, 33, 8160 } do
                        local bytes = client:export_keying_material(LABEL, length, context or nil)
                        assert.are.equal(length, #bytes)
                        assert.are.equal(bytes, server:export_keying_material(LABEL, length, { context = context or nil }))
                        if length > 1 then -- an empty context equals none in TLS 1.3, and differs from none in TLS 1.2
                            assert.are.equal(context == "" and version == "TLSv1.3" and client or nil, seen[bytes])
                            seen[bytes] = client
                        end
                    end
                end
                assert.are_not.equal(client:export_keying_material("a", 32), client:export_keying_material("b", 32))
                assert.are.equal(32, #client:export_keying_material(("l"):rep(249), 32))
                client:close()
                server:close()
            end
        end)
    end

    it("B-62 an invalid label, length or context raises ValueError or TypeError with the reason", function()
        local client, server = link.open()
        local function refuses(class, match, ...)
            raises(class, { match = match }, client.export_keying_material, client, ...)
        end
        refuses("ValueError", "label must have 1 to 249 bytes, not 0", "", 32)
        refuses("ValueError", "label must have 1 to 249 bytes, not 250", ("l"):rep(250), 32)
        for _, label in ipairs { "client finished", "server finished", "master secret", "extended master secret",
            "key expansion" } do
            refuses("ValueError", "TLS itself uses this label", label, 32)
            assert.are.equal(32, #client:export_keying_material(label .. " 2", 32))
        end
        for _, length in ipairs { 0, -1, 8161, 2 ^ 31 } do
            refuses("ValueError", "length", LABEL, length)
        end
        refuses("ValueError", "context must have at most 65535 bytes", LABEL, 32, ("c"):rep(65536))
        refuses("TypeError", "label", 1, 32)
        refuses("TypeError", "length", LABEL, "many")
        refuses("TypeError", "length", LABEL)
        refuses("TypeError", "context", LABEL, 32, 5)
        refuses("TypeError", "contxt", LABEL, 32, { contxt = "x" })
        assert.are.equal(32, #client:export_keying_material { label = LABEL, length = 32, context = "x" })
        client:close()
        server:close()
    end)

    it("B-62 raises before the handshake is done, and in early data", function()
        local fresh = link.context({}):wrap_socket(socket.socket())
        raises("socket.error", {}, fresh.export_keying_material, fresh, LABEL, 32)
        fresh:close()
        for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
            local client, server = link.pair({ version = version }, { version = version })
            raises("ValueError", { match = "handshake not done yet" }, client.export_keying_material, client, LABEL, 32)
            raises("SSLWantReadError", {}, client.do_handshake, client)
            raises("SSLWantReadError", {}, server.do_handshake, server)
            for _, conn in ipairs { client, server } do
                raises("ValueError", { match = "handshake not done yet" }, conn.export_keying_material, conn, LABEL, 32)
                assert.is_nil(conn:get_channel_binding("tls-exporter"))
                assert.is_nil(conn:get_channel_binding("tls-server-end-point"))
            end
            client:close()
            server:close()
        end

        local client_context, server_context = visits.client(), visits.server()
        server_context.max_early_data = 14336
        local session = visits.visit({ client = client_context, server = server_context }).session
        local function side(context, options)
            local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            return { object = context:wrap_bio(incoming, outgoing, options), incoming = incoming, outgoing = outgoing }
        end
        local client = side(client_context, { server_hostname = "localhost", session = session, early_data = "early" })
        local server = side(server_context, { server_side = true })
        raises("SSLWantReadError", {}, client.object.do_handshake, client.object)
        server.incoming:write(client.outgoing:read())
        assert.are.equal("early", server.object:recv_early(10))
        for _, conn in ipairs { client.object, server.object } do
            raises("ValueError", { match = "handshake not done yet" }, conn.export_keying_material, conn, LABEL, 32)
            assert.is_nil(conn:get_channel_binding("tls-exporter"))
        end
        client.incoming:write(server.outgoing:read())
        client.object:do_handshake()
        server.incoming:write(client.outgoing:read())
        server.object:do_handshake()
        assert.are.equal("accepted", client.object.early_data)
        assert.are.equal(client.object:export_keying_material(LABEL, 32), server.object:export_keying_material(LABEL, 32))
        assert.are.equal(client.object:get_channel_binding("tls-exporter"),
            server.object:get_channel_binding("tls-exporter"))
    end)

    it("B-62 the bytes stay the same, whatever is sent, until the connection is closed", function()
        local client, server = link.open()
        local bytes, binding = client:export_keying_material(LABEL, 32), client:get_channel_binding("tls-exporter")
        assert.are.equal(32, #binding)
        assert.are.equal(binding, client:export_keying_material("EXPORTER-Channel-Binding", 32, ""))
        client:sendall("x")
        server:recv(1)
        assert.are.equal(bytes, server:export_keying_material(LABEL, 32))
        assert.are.equal(binding, server:get_channel_binding { cb_type = "tls-exporter" })
        client:close()
        server:close()
        assert.is_nil(client:get_channel_binding("tls-exporter"))
        raises("socket.error", { errno = 9 }, client.export_keying_material, client, LABEL, 32)
    end)
end)
