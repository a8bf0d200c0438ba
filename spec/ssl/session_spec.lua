-- Sessions of clients as objects: Python's ssl.SSLSession, and bytes.
local der = require "support.der"
local errors = require "cleat.errors"
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"
local visits = require "support.visits"

local visit = visits.visit

-- each declares the test for TLS 1.2 with tickets and without, and for TLS 1.3.
local VARIANTS = {
    { name = "TLS 1.2, ticket", version = ssl.TLSVersion.TLSv1_2 },
    { name = "TLS 1.2, session id", version = ssl.TLSVersion.TLSv1_2, no_ticket = true },
    { name = "TLS 1.3", version = ssl.TLSVersion.TLSv1_3 },
}

local function contexts(variant)
    local client, server = visits.client(variant.version), visits.server(variant.version)
    if variant.no_ticket then
        server.options = server.options + ssl.OP_NO_TICKET
    end
    return client, server
end

describe("ssl.SSLSession", function()
    handles.watch(before_each, after_each)

    for _, variant in ipairs(VARIANTS) do
        it("resumes: " .. variant.name, function()
            local client, server = contexts(variant)
            local first = visit { client = client, server = server }
            assert.is_nil(first.failure)
            assert.is_false(first.reused)
            local second = visit { client = client, server = server, session = first.session }
            assert.is_nil(second.failure)
            assert.is_true(second.reused)
            assert.same({ first.version, first.cert }, { second.version, second.cert })
            local third = visit { client = client, server = server, session = second.session }
            assert.is_true(third.reused)
            local control = visit { client = client, server = server }
            assert.is_false(control.reused)
            -- In TLS 1.2 the same session stays, unless the server sends a new ticket; in TLS 1.3 each is for one use.
            assert.equal(variant.version == ssl.TLSVersion.TLSv1_2, second.session == first.session)
        end)

        it("B-41 has Python's fields: " .. variant.name, function()
            local client, server = contexts(variant)
            local before = os.time()
            local session = visit({ client = client, server = server }).session
            assert.is_true(ssl.SSLSession:is(session))
            assert.equal(32, #session.id)
            assert.is_true(session.time >= before - 1 and session.time <= os.time() + 1)
            assert.is_true(session.timeout > 0)
            assert.equal(not variant.no_ticket, session.has_ticket)
            assert.equal(not variant.no_ticket, session.ticket_lifetime_hint > 0)
            assert.equal(visits.NAMES[variant.version], session.version)
            assert.equal(variant.version == ssl.TLSVersion.TLSv1_3, session.single_use)
            assert.equal(("<ssl.SSLSession %s>"):format(session.version), tostring(session))
            raises("AttributeError", { match = "read-only" }, function()
                session.timeout = 1
            end)
            raises("AttributeError", { match = "has no attribute 'ids'" }, function()
                return session.ids
            end)
        end)

        it("is nil until the client has one: " .. variant.name, function()
            local client, server = contexts(variant)
            local first = visit { client = client, server = server, quiet = true, before = function(object)
                assert.is_nil(object.session)
                assert.is_false(object.session_reused)
            end }
            -- A ticket of TLS 1.3 is received with the first data.
            assert.equal(variant.version == ssl.TLSVersion.TLSv1_3, first.session == nil)
            assert.is_nil(first.server.session)
            local offered = visit({ client = client, server = server }).session
            visit { client = client, server = server, session = offered, before = function(object)
                assert.is_true(object.session == offered)
            end }
        end)

        it("B-42 can be set before the handshake only: " .. variant.name, function()
            local client, server = contexts(variant)
            local session = visit({ client = client, server = server }).session
            local second = visit { client = client, server = server, before = function(object)
                object.session = session
                assert.is_true(object.session == session)
            end }
            assert.is_true(second.reused)
            raises("ValueError", { match = "Cannot set session after handshake." }, function()
                second.client.session = session
            end)
            raises("TypeError", { match = "Value is not a SSLSession." }, function()
                second.client.session = nil
            end)
        end)

        it("B-67 can be converted to bytes and back, in another context: " .. variant.name, function()
            local client, server = contexts(variant)
            local session = visit({ client = client, server = server }).session
            local bytes = session:tobytes()
            local other = visits.client(variant.version)
            raises("ValueError", { match = "Session refers to a different SSLContext." }, visit,
                { client = other, server = server, session = session })
            local copy = other:session_from_bytes(bytes)
            assert.is_true(copy == session)
            assert.equal(bytes, copy:tobytes())
            for _, name in ipairs { "id", "time", "timeout", "ticket_lifetime_hint", "has_ticket", "version" } do
                assert.equal(session[name], copy[name])
            end
            assert.is_true(visit({ client = other, server = server, session = copy }).reused)
        end)

        it("belongs to the context's client certificate: " .. variant.name, function()
            local client, server = contexts(variant)
            server:load_verify_locations(pki.path("root.pem"))
            server.verify_mode = ssl.CERT_REQUIRED
            client:load_cert_chain(pki.chain("client"))
            local first = visit { client = client, server = server }
            assert.is_nil(first.failure)
            local bytes = first.session:tobytes()
            client:load_cert_chain(pki.chain("client")) -- the same certificate again
            local second = visit { client = client, server = server, session = first.session }
            assert.is_true(second.reused)
            assert.equal(first.seen, second.seen)
            client:load_cert_chain(pki.chain("server-ec")) -- another certificate
            raises("ValueError", { match = "Session is of another certificate or of other algorithms than the context has now." }, visit,
                { client = client, server = server, session = first.session })
            raises("SSLError", { library = "SSL", reason = "SESSION_CERTIFICATE_MISMATCH" }, client.session_from_bytes,
                client, bytes)
            local bare = visits.client(variant.version)
            raises("SSLError", { reason = "SESSION_CERTIFICATE_MISMATCH" }, bare.session_from_bytes, bare, bytes)
        end)

        it("is ignored by a server with another context: " .. variant.name, function()
            local client, server = contexts(variant)
            local session = visit({ client = client, server = server }).session
            local other = visits.client(variant.version)
            local second = visit { client = client, server = server, session = session, before = function(object)
                object.context = other
                assert.is_nil(object.session)
            end }
            assert.is_nil(second.failure)
            assert.is_false(second.reused)
        end)

        it("a failed connection has none: " .. variant.name, function()
            local client, server = contexts(variant)
            local one, two = visits.pair { client = client, server = server }
            assert.is_nil(one.failure)
            two:try("write", "s")
            one.incoming:write(two.outgoing:read())
            assert.is_true(one:try("read", 1))
            assert.is_true(ssl.SSLSession:is(one.object.session))
            two:try("write", "more")
            local bytes = two.outgoing:read()
            one.incoming:write(bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256))
            local _, failure = one:try("read", 1)
            raises.check(failure, "SSLError", { reason = "DECRYPTION_FAILED_OR_BAD_RECORD_MAC" })
            assert.is_nil(one.object.session)
        end)
    end

    it("B-42 must be an SSLSession", function()
        local client, server = visits.client(), visits.server()
        raises("TypeError", { match = "Value is not a SSLSession." }, visit, { client = client, server = server, session = "x" })
        raises("TypeError", { match = "SSLSession has no constructor" }, ssl.SSLSession)
        raises("TypeError", {}, client.session_from_bytes, client, 1)
        local sock = socket.socket()
        raises("TypeError", { match = "Value is not a SSLSession." }, client.wrap_socket, client, sock,
            { server_hostname = "localhost", session = 1 })
        sock:close()
    end)

    it("is for clients only", function()
        local client, server = visits.client(), visits.server()
        local session = visit({ client = client, server = server }).session
        raises("ValueError", { match = "session can only be specified in client mode" }, server.wrap_bio, server,
            ssl.MemoryBIO(), ssl.MemoryBIO(), { server_side = true, session = session })
        local sock = socket.socket()
        raises("ValueError", { match = "session can only be specified in client mode" }, server.wrap_socket, server, sock,
            { server_side = true, session = session })
        local conn = server:wrap_socket(sock, { server_side = true })
        raises("ValueError", { match = "Cannot set session for server-side SSLSocket." }, function()
            conn.session = session
        end)
        conn:close()
    end)

    it("can be set on a socket that is not connected yet", function()
        local client, server = visits.client(), visits.server()
        local session = visit({ client = client, server = server }).session
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        listener:listen(1)
        for _, way in ipairs { "argument", "field", "position" } do
            local sock = socket.socket()
            local conn
            if way == "argument" then
                conn = client:wrap_socket(sock, { server_hostname = "localhost", session = session, do_handshake_on_connect = false })
            elseif way == "position" then
                conn = client:wrap_socket(sock, false, false, true, "localhost", session)
            else
                conn = client:wrap_socket(sock, { server_hostname = "localhost", do_handshake_on_connect = false })
                conn.session = session
            end
            assert.is_true(conn.session == session)
            assert.is_nil(conn.session_reused)
            conn:connect(listener:getsockname())
            local accepted = server:wrap_socket(listener:accept(), { server_side = true, do_handshake_on_connect = false })
            conn:settimeout(0)
            raises("SSLWantReadError", {}, conn.do_handshake, conn)
            raises("ValueError", { match = "Cannot set session after handshake." }, function()
                conn.session = session
            end)
            accepted:settimeout(0)
            pcall(accepted.do_handshake, accepted)
            conn:settimeout(10)
            conn:do_handshake()
            assert.is_true(conn.session_reused)
            conn:close()
            assert.is_nil(conn.session)
            assert.is_nil(conn.session_reused)
            raises("ValueError", {}, function()
                conn.session = session
            end)
            accepted:close()
        end
        listener:close()
    end)

    it("of another context raises when the connection is made", function()
        local client, server, other = visits.client(), visits.server(), visits.client()
        local session = visit({ client = other, server = server }).session
        local one, two = socket.socketpair()
        raises("ValueError", { match = "Session refers to a different SSLContext." }, client.wrap_socket, client, one,
            { server_hostname = "localhost", session = session, do_handshake_on_connect = false })
        -- The socket still belongs to the caller.
        one:send("x")
        assert.equal("x", two:recv(1))
        one:close()
        two:close()
    end)

    it("refuses other bytes", function()
        local client, server = visits.client(), visits.server()
        local bytes = visit({ client = client, server = server }).session:tobytes()
        for _, other in ipairs { "", "x", bytes .. "x", bytes:sub(2), bytes:sub(41), ("\0"):rep(100) } do
            raises("SSLError", { library = "SSL", reason = "INVALID_SSL_SESSION" }, client.session_from_bytes, client, other)
        end
        for length = 0, #bytes - 1 do
            local reason = length < 40 and "INVALID_SSL_SESSION" or nil
            raises("SSLError", { reason = reason }, client.session_from_bytes, client, bytes:sub(1, length))
        end
    end)

    it("without the server's certificate is refused", function()
        -- DER: a session of TLS 1.2, and the same without the field [3], the certificate.
        local client = visits.client()
        local head = ("\2\1\1\2\2\3\3\4\2\192\47\4\32%s\4\48%s\161\6\2\4\101\83\241\0\162\4\2\2\28\32"):format(
            ("i"):rep(32), ("s"):rep(48))
        local tail = "\164\2\4\0\170\8\4\6ticket\177\3\1\1\255\182\3\1\1\0"
        local function encode(certificate)
            return "cleatss1" .. ("\0"):rep(32) .. der.tlv(0x30, head, certificate, tail)
        end
        local certificate = ssl.PEM_cert_to_DER_cert(pki.read("server-ec.crt"))
        local session = client:session_from_bytes(encode(der.tlv(0xa3, certificate)))
        assert.equal("TLSv1.2", session.version)
        assert.same({ ("i"):rep(32), 1700000000, 7200, true }, { session.id, session.time, session.timeout, session.has_ticket })
        raises("SSLError", { reason = "INVALID_SSL_SESSION" }, client.session_from_bytes, client, encode(""))
    end)

    it("of changed bytes results in a handshake or in an error", function()
        local client = visits.client()
        local server = visits.server()
        local bytes = visit({ client = client, server = server }).session:tobytes()
        local parsed, done = 0, 0
        for index = 1, #bytes do
            local changed = bytes:sub(1, index - 1) .. string.char((bytes:byte(index) + 85) % 256) .. bytes:sub(index + 1)
            local ok, session = pcall(client.session_from_bytes, client, changed)
            if not ok then
                assert.is_true(errors.SSLError:is(session))
            else
                parsed = parsed + 1
                if parsed % 40 == 0 then
                    local result = visit { client = client, server = server, session = session }
                    done = done + (result.failure and 0 or 1)
                    assert.is_true(result.failure == nil or errors.SSLError:is(result.failure))
                end
            end
        end
        assert.is_true(parsed > 0 and done > 0)
    end)

    it("is resumed over sockets, and counted", function()
        local context = link.context { cert = "server-ec" }
        local options = { context = link.context(link.client_options()) }
        local client, server = link.open(options, { context = context })
        server:sendall("s")
        client:recv(1)
        local session = client.session
        client:close()
        server:close()
        local hits = options.context:session_stats().hits
        local one, two = socket.socketpair()
        local accepted = context:wrap_socket(two, { server_side = true, do_handshake_on_connect = false })
        local conn = options.context:wrap_socket(one, { server_hostname = "localhost", session = session,
            do_handshake_on_connect = false })
        conn:settimeout(0)
        accepted:settimeout(0)
        tasks.run {
            function()
                tasks.call(conn, "do_handshake")
            end,
            function()
                tasks.call(accepted, "do_handshake")
            end,
        }
        assert.is_true(conn.session_reused)
        assert.is_true(accepted.session_reused)
        assert.equal(hits + 1, options.context:session_stats().hits)
        conn:close()
        accepted:close()
    end)
end)
