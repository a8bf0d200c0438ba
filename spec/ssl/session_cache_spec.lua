-- session_cache_size: the sessions that a context stores for its clients. session_matrix_spec.lua tests what makes a
-- stored session unusable; spec/c/test_client_sessions.c tests clocks, forks and threads.
local handles = require "support.handles"
local pki = require "support.pki"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"
local visits = require "support.visits"

local TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

local function contexts(version, size)
    local client, server = visits.client(version), visits.server(version)
    client.session_cache_size = size or 8
    return client, server
end

-- series returns a letter for each of several visits: "r" if it resumed, "f" for a full handshake. The client reads
-- nothing, so that it receives no new tickets.
local function series(count, options)
    local marks = {}
    options.quiet = true
    for index = 1, count do
        local result = visits.visit(options)
        assert.is_nil(result.failure)
        marks[index] = result.reused and "r" or "f"
    end
    return table.concat(marks)
end

describe("session_cache_size", function()
    handles.watch(before_each, after_each)

    it("is 0 except in default contexts of clients, and accepts 0 to 65536", function()
        assert.equal(64, ssl.create_default_context().session_cache_size)
        assert.equal(64, ssl.create_default_context({ cafile = pki.path("root.pem") }).session_cache_size)
        assert.equal(0, ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).session_cache_size)
        assert.equal(0, ssl._create_unverified_context().session_cache_size)
        for _, protocol in ipairs { ssl.PROTOCOL_TLS, ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER } do
            local context = ssl.SSLContext(protocol)
            assert.equal(0, context.session_cache_size)
            for _, size in ipairs { 1, 65536, 0 } do
                context.session_cache_size = size
                assert.equal(size, context.session_cache_size)
            end
            for _, wrong in ipairs { -1, 65537, 2 ^ 40 } do
                raises("ValueError", { match = "session_cache_size must be 0 to 65536" }, function()
                    context.session_cache_size = wrong
                end)
            end
            for _, wrong in ipairs { "1", 1.5, true } do
                raises("TypeError", { match = "session_cache_size must be an integer" }, function()
                    context.session_cache_size = wrong
                end)
            end
            assert.equal(0, context.session_cache_size)
        end
    end)

    it("a ticket of TLS 1.3 is used once", function()
        local client, server = contexts(TLS13)
        assert.is_nil(visits.visit({ client = client, server = server }).failure) -- two tickets
        assert.equal("rrf", series(3, { client = client, server = server }))
    end)

    it("a session of TLS 1.2 is used again", function()
        local client, server = contexts(TLS12)
        assert.is_nil(visits.visit({ client = client, server = server }).failure)
        assert.equal("rrr", series(3, { client = client, server = server }))
        server.options = server.options + ssl.OP_NO_TICKET
        client, server = contexts(TLS12)
        server.options = server.options + ssl.OP_NO_TICKET
        assert.is_nil(visits.visit({ client = client, server = server }).failure)
        assert.equal("rrr", series(3, { client = client, server = server }))
    end)

    it("keeps four sessions of a server", function()
        local client, server = contexts(TLS13)
        for _ = 1, 4 do
            assert.is_nil(visits.visit({ client = client, server = server }).failure)
        end
        assert.equal("rrrrf", series(5, { client = client, server = server }))
    end)

    it("removes the least recently used sessions", function()
        local client, server = contexts(TLS13, 3)
        local function at(name)
            return { client = client, server = server, hostname = name }
        end
        visits.visit(at "localhost")
        visits.visit(at "www.cleat.test")
        assert.equal("rf", series(2, at "localhost"))
        assert.equal("rrf", series(3, at "www.cleat.test"))
        client, server = contexts(TLS12, 2)
        visits.visit(at "localhost")
        visits.visit(at "www.cleat.test")
        assert.equal("r", series(1, at "localhost"))
        visits.visit(at "a.wild.cleat.test")
        assert.equal("r", series(1, at "localhost"))
        assert.equal("r", series(1, at "a.wild.cleat.test"))
        assert.equal("f", series(1, at "www.cleat.test"))
    end)

    it("has no session of a server that closes before the client reads", function()
        local client, server = contexts(TLS13)
        assert.equal("ff", series(2, { client = client, server = server }))
    end)

    for _, version in ipairs(visits.VERSIONS) do
        local name = visits.NAMES[version]

        it("counts in session_stats: " .. name, function()
            local client, server = contexts(version)
            visits.visit { client = client, server = server }
            visits.visit { client = client, server = server }
            local stats = client:session_stats()
            assert.same({ 1, 0 }, { stats.hits, stats.misses })
            visits.visit { client = client, server = visits.server(version) }
            stats = client:session_stats()
            assert.same({ 1, 1 }, { stats.hits, stats.misses })
        end)

        it("a session that the program sets is used first, and only once: " .. name, function()
            local client, server = contexts(version)
            local session = visits.visit({ client = client, server = server }).session
            assert.equal("r", series(1, { client = client, server = server, session = session }))
            assert.equal(version == TLS13 and "rf" or "rr", series(2, { client = client, server = server }))
        end)

        it("a connection from before a change of settings stores no session: " .. name, function()
            local client, server = contexts(version)
            local result = visits.visit { client = client, server = server, before = function()
                client.verify_depth = 5
            end }
            assert.is_nil(result.failure)
            assert.equal("f", series(1, { client = client, server = server }))
            -- control
            visits.visit { client = client, server = server }
            assert.equal("r", series(1, { client = client, server = server }))
        end)

        it("a connection from before a change of settings finds no session: " .. name, function()
            local client, server = contexts(version)
            visits.visit { client = client, server = server }
            local result = visits.visit { client = client, server = server, before = function()
                client.verify_depth = 5
                visits.visit { client = client, server = server }
            end }
            assert.is_nil(result.failure)
            assert.is_false(result.reused)
            assert.equal("r", series(1, { client = client, server = server }))
        end)

        it("a fatal alert discards the server's sessions: " .. name, function()
            local client, server = contexts(version)
            local function at(hostname)
                return { client = client, server = server, hostname = hostname }
            end
            visits.visit(at "localhost")
            visits.visit(at "www.cleat.test")
            local one, two = visits.pair(at "localhost")
            assert.is_nil(one.failure)
            assert.is_true(one.object.session_reused)
            two:try("write", "s")
            local bytes = two.outgoing:read()
            one.incoming:write(bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256))
            while one:try("read", 1) do end
            raises.check(one.failure, "SSLError", { reason = "DECRYPTION_FAILED_OR_BAD_RECORD_MAC" })
            assert.is_nil(one.object.session)
            assert.equal("f", series(1, at "localhost"))
            assert.equal("r", series(1, at "www.cleat.test"))
        end)

        it("an alert of the server discards its sessions: " .. name, function()
            local client, server = contexts(version)
            visits.visit { client = client, server = server }
            local one, two = visits.pair { client = client, server = server }
            assert.is_true(one.object.session_reused)
            one:try("write", "c")
            local bytes = one.outgoing:read()
            two.incoming:write(bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256))
            while two:try("read", 1) do end
            one.incoming:write(two.outgoing:read())
            while one:try("read", 1) do end
            raises.check(one.failure, "SSLError", { alert = ssl.ALERT_DESCRIPTION_BAD_RECORD_MAC })
            assert.equal("f", series(1, { client = client, server = server }))
        end)

        it("a server that closes in the handshake discards its sessions: " .. name, function()
            local client, server = contexts(version)
            visits.visit { client = client, server = server }
            local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            local object = client:wrap_bio(incoming, outgoing, { server_hostname = "localhost" })
            raises("SSLWantReadError", {}, object.do_handshake, object)
            incoming:write_eof()
            raises("SSLError", {}, object.do_handshake, object)
            assert.equal("f", series(1, { client = client, server = server }))
        end)

        it("a client that closes in the handshake leaves the other sessions: " .. name, function()
            local client, server = contexts(version)
            visits.visit { client = client, server = server }
            local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            local object = client:wrap_bio(incoming, outgoing, { server_hostname = "localhost" })
            raises("SSLWantReadError", {}, object.do_handshake, object)
            getmetatable(object).__close(object)
            assert.equal(version == TLS13 and "rf" or "rr", series(2, { client = client, server = server }))
        end)

        it("the port is part of the key: " .. name, function()
            local client, server = contexts(version)
            local listeners = {}
            for index = 1, 2 do
                listeners[index] = socket.socket()
                listeners[index]:bind { "127.0.0.1", 0 }
                listeners[index]:listen(4)
            end
            local function connect(index)
                local plain = socket.socket()
                plain:connect(listeners[index]:getsockname())
                local conn = client:wrap_socket(plain, { server_hostname = "localhost", do_handshake_on_connect = false })
                local accepted = server:wrap_socket(listeners[index]:accept(), {
                    server_side = true, do_handshake_on_connect = false,
                })
                conn:settimeout(0)
                accepted:settimeout(0)
                tasks.run {
                    function()
                        tasks.call(conn, "do_handshake")
                        assert(tasks.receive(conn, 1) == "s")
                    end,
                    function()
                        tasks.call(accepted, "do_handshake")
                        tasks.send_all(accepted, "s")
                    end,
                }
                local reused = conn.session_reused
                conn:close()
                accepted:close()
                return reused
            end
            assert.is_false(connect(1))
            assert.is_true(connect(1))
            assert.is_false(connect(2))
            assert.is_true(connect(2))
            assert.is_true(connect(1))
            for index = 1, 2 do
                listeners[index]:close()
            end
        end)
    end
end)
