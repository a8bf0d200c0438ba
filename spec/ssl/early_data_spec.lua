-- Early data of TLS 1.3: the early_data of a client's wrap_socket reaches the server once, as early data or after the
-- handshake; a server never mixes it with other data.
local handles = require "support.handles"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"
local visits = require "support.visits"

local LIMIT = 14336

local function contexts(cert)
    local client, server = visits.client(), visits.server(nil, cert)
    server.max_early_data = LIMIT
    return client, server
end

local function session_of(client, server)
    local result = visits.visit { client = client, server = server }
    assert(result.failure == nil, tostring(result.failure))
    return result.session
end

local function side(context, options)
    local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    return { object = context:wrap_bio(incoming, outgoing, options), incoming = incoming, outgoing = outgoing }
end

local function move(from, to)
    local bytes = from.outgoing:read()
    to.incoming:write(bytes)
    return bytes
end

local function pair(client, server, data, session)
    return side(client, { server_hostname = "localhost", session = session, early_data = data }),
        side(server, { server_side = true })
end

local function waits(f, ...)
    return (raises("SSLWantReadError", {}, f, ...))
end

-- read_all reads as a server's application does: early data to its end, then until it has `count` bytes in all.
local function read_all(conn, count, call)
    local early, parts = {}, {}
    repeat
        early[#early + 1] = call(conn, "recv_early", 1000)
    until early[#early] == ""
    early = table.concat(early)
    local got = #early
    while got < count do
        parts[#parts + 1] = call(conn, "recv", 1000)
        assert(parts[#parts] ~= "", "the stream ended early")
        got = got + #parts[#parts]
    end
    return early, table.concat(parts)
end

-- Every result of early data. prepare(client, server, session) returns the server, and the expected results: the
-- client's early_data, the server's, and how many bytes arrive early.
local LARGE = ("0123456789abcdef"):rep(2000)
local CASES = {
    { name = "accepted", prepare = function(_, server)
        return server, "accepted", "accepted"
    end },
    { name = "more than the ticket allows", data = LARGE, early = LIMIT, prepare = function(_, server)
        return server, "accepted", "accepted"
    end },
    { name = "more than the context allows", early = 3, prepare = function(client, server)
        client.max_early_data = 3
        return server, "accepted", "accepted"
    end },
    { name = "refused by a server that resumes", early = 0, prepare = function(_, server)
        server.max_early_data = 0
        return server, "refused", "refused"
    end },
    { name = "much, refused", data = LARGE, early = 0, prepare = function(_, server)
        server.max_early_data = 0
        return server, "refused", "refused"
    end },
    { name = "refused by a server without the ticket's key", early = 0, prepare = function()
        local _, other = contexts()
        return other, "refused", "refused"
    end },
    { name = "refused for another protocol", early = 0, prepare = function(client, server)
        client:set_alpn_protocols { "h2" }
        server:set_alpn_protocols { "h2" }
        return server, "refused", "refused"
    end },
    { name = "refused for another key exchange", early = 0, prepare = function(_, server)
        server:set_ecdh_curve "secp384r1"
        return server, "refused", "refused"
    end },
    { name = "no session", early = 0, session = false, prepare = function(_, server)
        return server
    end },
    { name = "a session without early data", early = 0, session = false, prepare = function(client, server)
        server.max_early_data = 0
        local session = session_of(client, server)
        server.max_early_data = LIMIT
        return server, nil, nil, session
    end },
    { name = "TLS 1.2", early = 0, session = false, prepare = function(_, server)
        server.maximum_version = ssl.TLSVersion.TLSv1_2
        return server
    end },
}

describe("early data", function()
    handles.watch(before_each, after_each)

    it("B-64 a server can read it before the handshake is done", function()
        local client_context, server_context = contexts()
        local client, server = pair(client_context, server_context, "GET /", session_of(client_context, server_context))
        waits(client.object.do_handshake, client.object)
        assert.is_nil(client.object.early_data)
        assert.is_nil(client.object:version())
        raises("ValueError", {}, client.object.getpeercert, client.object)
        move(client, server)
        assert.equal("GET /", server.object:recv_early(100))
        assert.equal("accepted", server.object.early_data)
        assert.is_nil(server.object:version())
        waits(server.object.recv_early, server.object)
        waits(server.object.read, server.object, 1)
        move(server, client)
        client.object:write "more"
        assert.equal("accepted", client.object.early_data)
        assert.is_true(client.object.session_reused)
        assert.equal("localhost", client.object:getpeercert().subjectAltName[1][2])
        move(client, server)
        assert.equal("", server.object:recv_early())
        assert.equal("more", server.object:read(100))
    end)

    for _, case in ipairs(CASES) do
        local data = case.data or "GET / HTTP/1.1\r\n"
        local function prepared()
            local client, server = contexts()
            local session = case.session ~= false and session_of(client, server) or nil
            local theirs, ours, as_server, other = case.prepare(client, server)
            return client, theirs, session or other, ours, as_server
        end
        local function check(early, rest, client, server, ours, as_server)
            assert.equal(case.early or #data, #early)
            assert.is_true(early .. rest == data .. "tail", "bytes are lost, mixed or duplicated")
            assert.equal(ours, client.early_data)
            assert.equal(as_server, server.early_data)
        end

        it("arrives once, in memory: " .. case.name, function()
            local client_context, server_context, session, ours, as_server = prepared()
            local client, server = pair(client_context, server_context, data, session)
            local sent, early, rest = false, "", ""
            local ended = false
            for _ = 1, 6 do
                sent = sent or pcall(client.object.write, client.object, "tail")
                move(client, server)
                while true do
                    local ok, bytes
                    if ended then
                        ok, bytes = pcall(server.object.read, server.object, 1000)
                        rest = rest .. (ok and bytes or "")
                    else
                        ok, bytes = pcall(server.object.recv_early, server.object, 1000)
                        early, ended = early .. (ok and bytes or ""), ok and bytes == ""
                    end
                    if not ok then
                        assert.is_true(ssl.SSLWantReadError:is(bytes), tostring(bytes))
                        break
                    end
                end
                move(server, client)
            end
            check(early, rest, client.object, server.object, ours, as_server)
        end)

        for _, first in ipairs { "do_handshake", "sendall" } do
            it(("arrives once, over sockets, %s first: %s"):format(first, case.name), function()
                local client_context, server_context, session, ours, as_server = prepared()
                local one, two = socket.socketpair()
                one:settimeout(0)
                two:settimeout(0)
                local client = client_context:wrap_socket(one, { server_hostname = "localhost", session = session,
                    early_data = data, do_handshake_on_connect = false })
                local server = server_context:wrap_socket(two, { server_side = true, do_handshake_on_connect = false })
                local early, rest
                tasks.run {
                    function()
                        if first == "do_handshake" then
                            tasks.call(client, "do_handshake")
                        end
                        tasks.send_all(client, "tail")
                        assert.equal("answer", tasks.receive(client, 6))
                    end,
                    function()
                        if first == "do_handshake" then
                            tasks.call(server, "do_handshake")
                        end
                        early, rest = read_all(server, #data + 4, tasks.call)
                        tasks.send_all(server, "answer")
                    end,
                }
                check(early, rest, client, server, ours, as_server)
                client:close()
                server:close()
            end)
        end
    end

    it("that a server does not read is an error, and can still be read", function()
        local client_context, server_context = contexts()
        local client, server = pair(client_context, server_context, "early", session_of(client_context, server_context))
        waits(client.object.do_handshake, client.object)
        move(client, server)
        waits(server.object.do_handshake, server.object)
        move(server, client)
        client.object:write "late"
        move(client, server)
        server.object:do_handshake()
        raises("ValueError", { match = "early data must be read first" }, server.object.read, server.object, 10)
        assert.equal("early", server.object:recv_early(100))
        assert.equal("late", server.object:read(100))
    end)

    it("is received by a server that reads first: it is sent before the client's first read", function()
        local client_context, server_context = contexts()
        local client, server = pair(client_context, server_context, "early", session_of(client_context, server_context))
        waits(client.object.read, client.object, 1)
        move(client, server)
        assert.equal("early", server.object:recv_early(100))
        move(server, client)
        waits(client.object.read, client.object, 1)
        move(client, server)
        server.object:write "answer"
        move(server, client)
        assert.equal("answer", client.object:read(100))
        assert.equal("accepted", client.object.early_data)
    end)

    it("is not sent to a server with another certificate", function()
        local client_context, server_context = contexts()
        local session = session_of(client_context, server_context)
        local asked = 0
        client_context.verify_callback = function(conn)
            asked = asked + 1
            assert.is_nil(conn.early_data)
            return false
        end
        local client, server = pair(client_context, server_context, "secret", session)
        raises("SSLCertVerificationError", {}, client.object.do_handshake, client.object)
        assert.equal(1, asked)
        move(client, server)
        raises("SSLError", {}, server.object.recv_early, server.object) -- the client has sent an alert
        -- the control: the callback returns true, and is called once
        client_context.verify_callback = nil
        session = session_of(client_context, server_context)
        client_context.verify_callback = function()
            asked = asked + 1
        end
        client, server = pair(client_context, server_context, "secret", session)
        waits(client.object.do_handshake, client.object)
        move(client, server)
        assert.equal("secret", server.object:recv_early())
        assert.equal(2, asked)
    end)

    it("is not sent to a host that the session's certificate does not name", function()
        local client_context, server_context = contexts()
        local session = session_of(client_context, server_context)
        local client = side(client_context, { server_hostname = "other.test", session = session, early_data = "secret" })
        raises("SSLCertVerificationError", { verify_code = 62 }, client.object.do_handshake, client.object)
    end)

    it("of a recorded client is accepted again: DANGEROUS", function()
        local client_context, server_context = contexts()
        local client = pair(client_context, server_context, "pay 5", session_of(client_context, server_context))
        waits(client.object.do_handshake, client.object)
        local recorded = client.outgoing:read()
        for _ = 1, 2 do
            local server = side(server_context, { server_side = true })
            server.incoming:write(recorded)
            assert.equal("pay 5", server.object:recv_early())
        end
    end)

    -- stored returns a store in a table, with further fields.
    local function stored(more)
        local sessions, keys = {}, {}
        local store = {
            get = function(key)
                return sessions[key]
            end,
            put = function(key, bytes)
                sessions[key] = bytes
            end,
            add = function(key, lifetime)
                assert.equal(32, #key)
                assert.is_nil(sessions[key])
                assert.is_true(lifetime > 0)
                local new = not keys[key]
                keys[key] = true
                return new
            end,
        }
        for name, value in pairs(more or {}) do
            store[name] = value or nil
        end
        return store
    end

    for _, removes in ipairs { true, false } do
        it("of a ticket is accepted once if a store adds its key; sessions removed: " .. tostring(removes), function()
            local client_context, server_context = contexts()
            server_context:set_session_store(stored(removes and { remove = function() end } or {}))
            local client, server = pair(client_context, server_context, "pay 5", session_of(client_context, server_context))
            waits(client.object.do_handshake, client.object)
            local recorded = client.outgoing:read()
            server.incoming:write(recorded)
            assert.equal("pay 5", server.object:recv_early())
            move(server, client)
            client.object:do_handshake()
            move(client, server)
            server.object:do_handshake()
            assert.equal("accepted", client.object.early_data)
            local session = session_of(client_context, server_context)
            for _ = 1, 2 do
                local other = side(server_context, { server_side = true })
                other.incoming:write(recorded)
                waits(other.object.recv_early, other.object)
                assert.is_nil(other.object.early_data)
            end
            -- the same client offers a ticket twice
            for round = 1, 2 do
                client, server = pair(client_context, server_context, "early", session)
                waits(client.object.do_handshake, client.object)
                move(client, server)
                pcall(server.object.do_handshake, server.object)
                move(server, client)
                client.object:do_handshake()
                assert.equal(round == 1 and "accepted" or "refused", client.object.early_data)
                assert.is_true(client.object.session_reused)
                move(client, server)
                server.object:do_handshake()
                assert.equal(round == 1 and "early" or "", server.object:recv_early(100))
                if round == 2 then
                    assert.equal("early", server.object:read(100))
                end
            end
        end)
    end

    it("of a ticket that two connections offer at the same time is accepted once, though both resume", function()
        local client_context, server_context = contexts()
        local removed, sessions, slow = 0, {}, false
        server_context:set_session_store(stored {
            get = function(key)
                local found = sessions[key]
                if slow then
                    coroutine.yield() -- the other connection calls it meanwhile
                end
                return found
            end,
            put = function(key, bytes) sessions[key] = bytes end,
            remove = function(key)
                removed = removed + 1
                sessions[key] = nil
            end,
        })
        local session = session_of(client_context, server_context)
        local all, accepted = {}, {}
        slow = true
        for index = 1, 2 do
            local client, server = pair(client_context, server_context, "pay 5", session)
            waits(client.object.do_handshake, client.object)
            move(client, server)
            local thread = coroutine.create(server.object.recv_early)
            assert.is_true(coroutine.resume(thread, server.object))
            assert.equal("suspended", coroutine.status(thread))
            all[index] = { client, server, thread }
        end
        assert.equal(0, removed)
        for index, ends in ipairs(all) do
            local client, server = ends[1], ends[2]
            coroutine.resume(ends[3])
            assert.equal("dead", coroutine.status(ends[3]))
            move(server, client)
            client.object:do_handshake()
            move(client, server)
            server.object:do_handshake()
            accepted[index] = client.object.early_data
            assert.is_true(client.object.session_reused)
        end
        assert.same({ "accepted", "refused" }, accepted)
        assert.equal(2, removed)
    end)

    for name, add in pairs {
        ["no function"] = false,
        ["one that raises"] = function()
            error "no connection to the database"
        end,
        ["one that returns no boolean"] = function()
            return "yes"
        end,
    } do
        it("is refused if a store cannot determine whether a ticket is new: " .. name, function()
            local client_context, server_context = contexts()
            server_context:set_session_store(stored { add = add })
            local client, server = pair(client_context, server_context, "early", session_of(client_context, server_context))
            waits(client.object.do_handshake, client.object)
            move(client, server)
            waits(server.object.recv_early, server.object)
            move(server, client)
            client.object:do_handshake()
            assert.equal("refused", client.object.early_data)
            assert.is_true(client.object.session_reused)
            move(client, server)
            assert.equal("", server.object:recv_early())
            assert.equal("early", server.object:read(100))
        end)
    end

    it("of a session in the context's cache is sent once", function()
        local client_context, server_context = contexts()
        client_context.session_cache_size = 8
        server_context.num_tickets = 1
        assert(session_of(client_context, server_context))
        local client, server = pair(client_context, server_context, "early")
        waits(client.object.do_handshake, client.object)
        move(client, server)
        assert.equal("early", server.object:recv_early())
        local other = pair(client_context, server_context, "early")
        waits(other.object.do_handshake, other.object)
        local fresh = side(server_context, { server_side = true })
        move(other, fresh)
        waits(fresh.object.recv_early, fresh.object)
        assert.is_nil(fresh.object.early_data) -- the cache had no other session
    end)

    it("raises an error with advice if the server now has TLS 1.2 only", function()
        local client_context, server_context = contexts()
        local session = session_of(client_context, server_context)
        server_context.maximum_version = ssl.TLSVersion.TLSv1_2
        local client, server = pair(client_context, server_context, "early", session)
        waits(client.object.do_handshake, client.object)
        move(client, server)
        pcall(server.object.do_handshake, server.object)
        move(server, client)
        raises("SSLError", { reason = "WRONG_VERSION_ON_EARLY_DATA", match = "connect again without early data" },
            client.object.do_handshake, client.object)
    end)

    it("is not sent by the next connection to such a server: its cached sessions are removed", function()
        local client_context, server_context = contexts()
        client_context.session_cache_size = 8
        server_context.num_tickets = 4
        assert(session_of(client_context, server_context))
        server_context.maximum_version = ssl.TLSVersion.TLSv1_2
        local client, server = pair(client_context, server_context, "early")
        waits(client.object.do_handshake, client.object)
        move(client, server)
        pcall(server.object.do_handshake, server.object)
        move(server, client)
        raises("SSLError", { reason = "WRONG_VERSION_ON_EARLY_DATA" }, client.object.do_handshake, client.object)
        client, server = pair(client_context, server_context, "early")
        for _ = 1, 4 do
            pcall(client.object.do_handshake, client.object)
            move(client, server)
            pcall(server.object.do_handshake, server.object)
            move(server, client)
        end
        assert.equal("TLSv1.2", client.object:version())
        assert.is_false(client.object.session_reused)
        assert.equal("early", server.object:read(100))
    end)

    it("waits for the servername callback, and both contexts must allow it", function()
        local client_context, server_context = contexts()
        local _, other = contexts()
        for _, most in ipairs { LIMIT, 0 } do
            server_context:set_servername_callback(nil)
            local session = session_of(client_context, server_context)
            other.max_early_data = most
            server_context:set_servername_callback(function(conn, name)
                assert.equal("localhost", name)
                conn.context = other
            end)
            local client, server = pair(client_context, server_context, "early", session)
            waits(client.object.do_handshake, client.object)
            move(client, server)
            if most > 0 then
                assert.equal("early", server.object:recv_early())
            else
                waits(server.object.recv_early, server.object)
                move(server, client)
                client.object:do_handshake()
                assert.equal("refused", client.object.early_data)
                move(client, server)
                assert.equal("", server.object:recv_early())
                assert.equal("early", server.object:read(100))
                assert.equal("refused", server.object.early_data)
            end
        end
    end)

    it("ends with the connection", function()
        local client_context, server_context = contexts()
        local client, server = pair(client_context, server_context, "early", session_of(client_context, server_context))
        waits(client.object.do_handshake, client.object)
        move(client, server)
        server.incoming:write_eof()
        assert.equal("early", server.object:recv_early())
        raises("SSLEOFError", {}, server.object.recv_early, server.object)
    end)

    it("has validated arguments", function()
        local client, server = contexts()
        assert.equal(0, client.max_early_data)
        assert.equal(LIMIT, server.max_early_data)
        for _, value in ipairs { "1", true, 1.5 } do
            raises("TypeError", {}, function()
                client.max_early_data = value
            end)
        end
        for _, value in ipairs { -1, LIMIT + 1 } do
            raises("ValueError", {}, function()
                client.max_early_data = value
            end)
        end
        local bio = ssl.MemoryBIO()
        raises("ValueError", { match = "client mode" }, server.wrap_bio, server, bio, bio,
            { server_side = true, early_data = "x" })
        raises("TypeError", {}, client.wrap_bio, client, bio, bio, { server_hostname = "localhost", early_data = 5 })
        local one, two = socket.socketpair()
        raises("ValueError", { match = "client mode" }, server.wrap_socket, server, one,
            { server_side = true, early_data = "x" })
        raises("TypeError", {}, client.wrap_socket, client, one, { server_hostname = "localhost", early_data = {} })
        raises("TypeError", {}, client.wrap_socket, client, one, { server_hostname = "localhost", early_date = "x" })
        one:close()
        two:close()
        local object = client:wrap_bio(bio, bio, { server_hostname = "localhost", early_data = "" })
        raises("ValueError", {}, object.recv_early, object)
        assert.is_nil(object.early_data)
    end)

    it("is not sent if the server's certificate is not trusted any more", function()
        local client_context, server_context = contexts()
        local session = session_of(client_context, server_context)
        local bytes = session:tobytes()
        local stranger = visits.client(nil, "unknown-root.pem")
        local client, server = pair(stranger, server_context, "secret", stranger:session_from_bytes(bytes))
        raises("SSLCertVerificationError", {}, client.object.do_handshake, client.object)
        move(client, server)
        waits(server.object.recv_early, server.object)
    end)
end)
