-- Pre-shared keys: SSLContext:set_psk_client_callback and set_psk_server_callback.
local backend = require "cleat.backend"
local errors = require "cleat.errors"
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local KEY = "\192\255\238"
local UNKNOWN, FAILURE = ssl.ALERT_DESCRIPTION_UNKNOWN_PSK_IDENTITY, ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
local SUITES = { "ECDHE-PSK-CHACHA20-POLY1305", "ECDHE-PSK-AES128-CBC-SHA", "ECDHE-PSK-AES256-CBC-SHA",
    "PSK-AES128-CBC-SHA", "PSK-AES256-CBC-SHA" }

local function is(class, what, failure)
    return raises.check(failure, class, what)
end

-- client, server: contexts with a callback, or with one that returns these results. ciphers: "PSK" by default.
local function callback(...)
    local results, count = { ... }, select("#", ...)
    if type((...)) == "function" then
        return (...)
    end
    return function()
        return (table.unpack or unpack)(results, 1, count)
    end
end

local function client(ciphers, ...)
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = false
    context.verify_mode = ssl.CERT_NONE
    context:set_ciphers(ciphers or "PSK")
    context:set_psk_client_callback(callback(...))
    return context
end

local function server(ciphers, ...)
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context:set_ciphers(ciphers or "PSK")
    context:set_psk_server_callback(callback(...))
    return context
end

local function facts(here, there)
    return { here:cipher()[1], here:version(), here:psk_identity(), there:psk_identity() }
end

-- attempt calls link.attempt with contexts.
local function attempt(here, there, inspect, name)
    return link.attempt({ context = here, server_hostname = name or false }, { context = there, cert = false }, inspect)
end

local function succeeds(here, there, inspect, name)
    local failures, result = attempt(here, there, inspect or facts, name)
    assert.are.same({}, failures)
    return result
end

describe("B-50 pre-shared keys:", function()
    handles.watch(before_each, after_each)

    it("B-09 B-60 are available, but not in TLS 1.3", function()
        assert.is_true(ssl.HAS_PSK)
        assert.is_false(ssl.HAS_PSK_TLS13)
    end)

    it("work as in the examples of Python's documentation", function()
        -- context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), and so on
        local here = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        here.check_hostname = false
        here.verify_mode = ssl.CERT_NONE
        here.maximum_version = ssl.TLSVersion.TLSv1_2
        here:set_ciphers('PSK')
        local there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        there.maximum_version = ssl.TLSVersion.TLSv1_2
        there:set_ciphers('PSK')

        -- A simple lambda:
        local psk = "\192\255\238"
        here:set_psk_client_callback(function(_hint) return nil, psk end)
        there:set_psk_server_callback(function(_identity) return psk end)
        assert.are.same({ "ECDHE-PSK-CHACHA20-POLY1305", "TLSv1.2" }, succeeds(here, there))

        -- A table using the hint from the server:
        local psk_table = { ServerId_1 = "\192\255\238", ServerId_2 = "\250\202\222" }
        here:set_psk_client_callback(function(hint)
            return 'ClientId_1', psk_table[hint] or ''
        end)
        -- A table using the identity of the client:
        local client_table = { ClientId_1 = "\192\255\238", ClientId_2 = "\250\202\222" }
        local function key_of(identity)
            return client_table[identity] or ''
        end
        there:set_psk_server_callback(key_of, 'ServerId_1')
        assert.are.same({ "ECDHE-PSK-CHACHA20-POLY1305", "TLSv1.2", "ClientId_1", "ClientId_1" }, succeeds(here, there))
        there:set_psk_server_callback(key_of, 'ServerId_3')
        local failures = attempt(here, there)
        is("SSLError", { reason = "PSK_IDENTITY_NOT_FOUND" }, failures.client)
        is("SSLError", { alert = FAILURE }, failures.server)
    end)

    it("are returned by callbacks, which match the context's role", function()
        local here, there = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        local function f() end
        raises("SSLError", { match = "Cannot add PSK server callback to a PROTOCOL_TLS_CLIENT context" },
            here.set_psk_server_callback, here, f)
        raises("SSLError", { match = "Cannot add PSK client callback to a PROTOCOL_TLS_SERVER context" },
            there.set_psk_client_callback, there, f)
        for _, value in ipairs { 1, "f", true, { [1] = f } } do
            raises("TypeError", { match = "callback must be callable" }, here.set_psk_client_callback, here, value)
            raises("TypeError", { match = "callback must be callable" }, there.set_psk_server_callback, there, value)
        end
        raises("TypeError", { match = "unexpected keyword argument 'hint'" }, there.set_psk_server_callback, there,
            { callback = f, hint = "x" })
        raises("TypeError", { match = "'identity_hint' must be a string" }, there.set_psk_server_callback, there, f, 1)
        raises("ValueError", { match = "failed to set identity hint" }, there.set_psk_server_callback, there, f, ("h"):rep(129))
        raises("ValueError", { match = "embedded null character" }, there.set_psk_server_callback, there, f, "a\0b")
        local both = ssl.SSLContext(ssl.PROTOCOL_TLS)
        both:set_psk_client_callback { callback = f }
        both:set_psk_client_callback(nil)
        both:set_psk_server_callback { callback = setmetatable({}, { __call = f }), identity_hint = ("h"):rep(128) }
        both:set_psk_server_callback()
    end)

    for _, suite in ipairs(SUITES) do
        it("have the suite " .. suite .. ", the client's identity and the server's hint", function()
            local hints, claimed = {}, {}
            local result = succeeds(client(suite, function(hint)
                hints[#hints + 1] = hint or "none"
                return "me@example.org", KEY
            end), server(nil, function(identity)
                claimed[#claimed + 1] = identity or "none"
                return KEY
            end))
            assert.are.same({ suite, "TLSv1.2", "me@example.org", "me@example.org" }, result)
            assert.are.same({ { "none" }, { "me@example.org" } }, { hints, claimed })
            local there = server(nil, KEY)
            there:set_psk_server_callback(callback(KEY), "choose")
            succeeds(client(suite, function(hint)
                hints[#hints + 1] = hint
                return nil, KEY
            end), there)
            assert.are.same({ "none", "choose" }, hints)
        end)
    end

    it("are for suites in the cipher list, and contexts with a callback", function()
        local function lacks(here, there)
            is("SSLError", { reason = "NO_SHARED_CIPHER" }, attempt(here, there).server)
        end
        succeeds(client(nil, "me", KEY), server(nil, KEY))
        lacks(client(nil, "me", KEY), server("ECDHE+AESGCM", KEY))
        lacks(client("ECDHE+AESGCM", "me", KEY), server(nil, KEY))
        local removed = server(nil, KEY)
        removed:set_psk_server_callback(nil)
        removed.maximum_version = ssl.TLSVersion.TLSv1_2
        lacks(client(nil, "me", KEY), removed)
        removed = client(nil, "me", KEY)
        removed.maximum_version = ssl.TLSVersion.TLSv1_2
        removed:set_psk_client_callback(nil)
        is("SSLError", { reason = "NO_CIPHERS_AVAILABLE" }, attempt(removed, server(nil, KEY)).client)
    end)

    it("'PSK' selects all of their suites, as in OpenSSL, and '!PSK' none", function()
        local function names(list)
            local context = ssl.SSLContext(ssl.PROTOCOL_TLSv1_2)
            context:set_ciphers(list)
            local found = {}
            for index, suite in ipairs(context:get_ciphers()) do
                found[index] = suite.name
            end
            return found
        end
        assert.are.same(SUITES, names "PSK")
        assert.are.same(SUITES, names "aPSK")
        assert.are.same({ SUITES[4], SUITES[5] }, names "kPSK")
        assert.are.same({ SUITES[3], SUITES[5] }, names "AES256+PSK")
        assert.are.same({ SUITES[4] }, names "PSK-AES128-CBC-SHA")
        for _, list in ipairs { "ALL:!PSK", "ALL:-PSK", "ALL, !PSK", "ALL:!PSK" } do
            for _, name in ipairs(names(list)) do
                assert.is_nil(name:find("PSK", 1, true), list)
            end
        end
    end)

    it("have identities of 1 to 128 bytes, and keys of 1 to 256", function()
        for _, case in ipairs { { ("i"):rep(128), ("k"):rep(256) }, { "\255", "k" }, { nil, "\0\0" } } do
            local identity, key = case[1], case[2]
            assert.are.equal(identity, succeeds(client(nil, identity, key), server(nil, function(claimed)
                assert(claimed == identity)
                return key
            end))[4])
        end
    end)

    -- refusals: a callback's results, and the class of the error's cause, if there is one.
    for role, cases in pairs {
        client = { { "nothing" }, { "no key", "me" }, { "an empty key", "me", "" }, { "a key that is none", "me", 1, "TypeError" },
            { "an identity that is none", 1, KEY, "TypeError" }, { "a boolean", "me", true, "TypeError" },
            { "a long identity", ("i"):rep(129), KEY, "ValueError" }, { "a null byte", "a\0b", KEY, "ValueError" },
            { "a long key", "me", ("k"):rep(257), "ValueError" } },
        server = { { "nothing" }, { "an empty key", "" }, { "a key that is none", 1, nil, "TypeError" },
            { "a long key", ("k"):rep(257), nil, "ValueError" } },
    } do
        for _, case in ipairs(cases) do
            it(("a %s's callback that returns %s refuses the peer"):format(role, case[1]), function()
                for _, suite in ipairs { SUITES[1], SUITES[4] } do
                    local is_client = role == "client"
                    local failures = attempt(is_client and client(suite, callback(case[2], case[3])) or client(suite, "me", KEY),
                        is_client and server(nil, KEY) or server(nil, callback(case[2])))
                    local own = is("SSLError", { reason = "PSK_IDENTITY_NOT_FOUND" }, failures[role])
                    is("SSLError", { alert = is_client and FAILURE or UNKNOWN }, failures[is_client and "server" or "client"])
                    if case[4] then
                        is(case[4], {}, own.cause)
                        assert.is_nil(tostring(own):find("kkk", 1, true)) -- no part of a key
                    else
                        assert.is_nil(own.cause)
                    end
                end
            end)
        end

        it(("a %s's callback that raises refuses the peer, and the handshake raises its error"):format(role), function()
            local reason = { "the token is gone" }
            local function gone()
                error(reason)
            end
            local is_client = role == "client"
            local failures = attempt(is_client and client(nil, gone) or client(nil, "me", KEY),
                is_client and server(nil, KEY) or server(nil, gone))
            local own = is("SSLError", { reason = "PSK_IDENTITY_NOT_FOUND" }, failures[role])
            assert.are.equal(reason, own.cause)
            is("SSLError", { alert = is_client and FAILURE or UNKNOWN }, failures[is_client and "server" or "client"])
        end)

        it(("a %s's callback may close the connection, and may not use it"):format(role), function()
            local kept, failure
            local function f()
                failure = select(2, pcall(kept.recv, kept, 1))
                kept:close()
            end
            local is_client = role == "client"
            local here, there = link.pair({ context = is_client and client(nil, f) or client(nil, "me", KEY),
                server_hostname = false }, { context = is_client and server(nil, KEY) or server(nil, f), cert = false })
            kept = is_client and here or there
            local _, failures = tasks.outcomes { function()
                tasks.call(here, "do_handshake")
            end, function()
                tasks.call(there, "do_handshake")
            end }
            is("ValueError", { match = "the psk callback has not returned yet" }, failure)
            is("socket.error", { errno = 9 }, failures[is_client and 1 or 2])
            is("socket.error", {}, failures[is_client and 2 or 1])
            here:close()
            there:close()
        end)
    end

    it("a wrong key, or a random one for an unknown identity, is a bad MAC on both sides", function()
        for _, suite in ipairs { SUITES[1], SUITES[4] } do
            for _, wrong in ipairs { "other", ssl.RAND_bytes(32) } do
                local failures = attempt(client(suite, "me", KEY), server(nil, wrong))
                is("SSLError", { reason = "DECRYPTION_FAILED_OR_BAD_RECORD_MAC" }, failures.server)
                is("SSLError", { alert = ssl.ALERT_DESCRIPTION_BAD_RECORD_MAC }, failures.client)
            end
        end
    end)

    it("are not needed by suites without them", function()
        local function never()
            error "asked"
        end
        for _, case in ipairs { { "TLSv1.3" }, { "TLSv1.2" } } do
            local here = client("ECDHE+AESGCM:PSK", never)
            local there = server("ECDHE+AESGCM:PSK", never)
            there:load_cert_chain(pki.chain "server-ec")
            if case[1] == "TLSv1.2" then
                here.maximum_version = ssl.TLSVersion.TLSv1_2
            end
            local result = succeeds(here, there)
            assert.are.equal(case[1], result[2])
            assert.are.equal(2, #result)
            -- a server that prefers them uses them
            if case[1] == "TLSv1.2" then
                here = client("ECDHE+AESGCM:PSK", "me", KEY)
                here.maximum_version = ssl.TLSVersion.TLSv1_2
                there = server("PSK:ECDHE+AESGCM", KEY)
                there:load_cert_chain(pki.chain "server-ec")
                assert.are.equal(SUITES[1], succeeds(here, there)[1])
            end
        end
    end)

    it("have the connection's channel bindings, and none of a certificate", function()
        local there = server(nil, KEY)
        there:load_cert_chain(pki.chain "server-ec")
        local here = client(nil, "me", KEY)
        here.maximum_version = ssl.TLSVersion.TLSv1_2
        local found = succeeds(here, there, function(one, other)
            local list = {}
            for _, binding in ipairs { "tls-exporter", "tls-server-end-point" } do
                list[binding] = { one:get_channel_binding(binding) or "none", other:get_channel_binding(binding) or "none" }
            end
            return list
        end)
        assert.are.same({ "none", "none" }, found["tls-server-end-point"])
        assert.are.equal(32, #found["tls-exporter"][1])
        assert.are.equal(found["tls-exporter"][1], found["tls-exporter"][2])
    end)

    it("work in TLS 1.0 and 1.1, which have the suites with SHA-1", function()
        for _, version in ipairs { "TLSv1", "TLSv1.1" } do
            local there = link.context { version = version, ciphers = "PSK" }
            there:set_psk_server_callback(callback(KEY))
            local here = link.context { version = version, ciphers = "PSK" }
            here:set_psk_client_callback(callback("me", KEY))
            assert.are.same({ "ECDHE-PSK-AES128-CBC-SHA", version, "me", "me" }, succeeds(here, there))
        end
    end)

    it("authenticate both sides instead of certificates, even where certificates are required", function()
        local here = ssl.create_default_context()
        here:set_ciphers "PSK"
        here.verify_callback = function()
            error "no certificate was sent"
        end
        here:set_psk_client_callback(callback("me", KEY))
        local there = server(nil, KEY)
        there.verify_mode = ssl.CERT_REQUIRED
        local result = succeeds(here, there, function(one, other)
            return { one:cipher()[1], one:getpeercert() or "none", other:getpeercert() or "none", one:get_verify_result() or "none" }
        end, "localhost")
        assert.are.same({ SUITES[1], "none", "none", "none" }, result)
        -- a peer with another key, or with none, is refused
        here:set_psk_client_callback(callback("me", "other"))
        is("SSLError", { alert = ssl.ALERT_DESCRIPTION_BAD_RECORD_MAC }, attempt(here, there, nil, "localhost").client)
        -- and a certificate is verified as always
        there:load_cert_chain(pki.chain "server-ec")
        there:set_ciphers "ECDHE+AESGCM"
        here:set_ciphers "ECDHE+AESGCM:PSK"
        is("SSLCertVerificationError", { verify_code = 20 }, attempt(here, there, nil, "localhost").client)
    end)

    it("have sessions that do not resume, so that a withdrawn key is useless", function()
        for _, tickets in ipairs { true, false } do
            local here = ssl.create_default_context()
            here:set_ciphers "PSK"
            here:set_psk_client_callback(callback("me", KEY))
            local there = server(nil, KEY)
            local stored = {}
            if not tickets then
                there.options = there.options + ssl.OP_NO_TICKET
            end
            for round = 1, 3 do
                if round == 3 then
                    there:set_session_store { get = function(key)
                        return stored[key]
                    end, put = function(key, bytes)
                        stored[key] = bytes
                    end }
                end
                local result = succeeds(here, there, function(one, other)
                    return { one.session == nil, one.session_reused, other.session_reused }
                end, "localhost")
                assert.are.same({ true, false, false }, result)
            end
            assert.is_nil(next(stored))
            assert.are.equal(0, there:session_stats().number)
            assert.are.equal(0, there:session_stats().hits)
        end
    end)

    it("are those of the context that a server switches to, if both contexts have them", function()
        local first, second = server(nil, "first"), server(nil, KEY)
        second:set_psk_server_callback(callback(KEY), "second")
        local hints = {}
        local here = client(nil, function(hint)
            hints[#hints + 1] = hint or "none"
            return "me", KEY
        end)
        first:set_servername_callback(function(conn, name)
            if name then
                conn.context = second
            end
        end)
        assert.are.equal(SUITES[1], succeeds(here, first, nil, "second.test")[1])
        is("SSLError", { reason = "DECRYPTION_FAILED_OR_BAD_RECORD_MAC" }, attempt(here, first).server)
        assert.are.same({ "second", "none" }, hints)
        second:set_psk_server_callback(nil)
        is("SSLError", { reason = "NO_SHARED_CIPHER" }, attempt(here, first, nil, "second.test").server)
        second:set_psk_server_callback(callback(KEY))
        first:set_psk_server_callback(nil)
        first:load_cert_chain(pki.chain "server-ec")
        here.maximum_version = ssl.TLSVersion.TLSv1_2
        is("SSLError", { reason = "NO_SHARED_CIPHER" }, attempt(here, first, nil, "second.test").server)
    end)

    it("a connection keeps its context's callback, and gets that of another context", function()
        local here, there = client(nil, "me", KEY), server(nil, KEY)
        local one, other = link.pair({ context = here, server_hostname = false }, { context = there, cert = false })
        here:set_psk_client_callback(nil)
        there:set_psk_server_callback(callback "other")
        local function shake()
            tasks.run { function()
                tasks.call(one, "do_handshake")
            end, function()
                tasks.call(other, "do_handshake")
            end }
        end
        shake()
        assert.are.same({ SUITES[1], "TLSv1.2", "me", "me" }, facts(one, other))
        one:close()
        other:close()
        one, other = link.pair({ context = here, server_hostname = false }, { context = there, cert = false })
        one.context = client(nil, "you", KEY)
        other.context = server(nil, KEY)
        shake()
        assert.are.same({ SUITES[1], "TLSv1.2", "you", "you" }, facts(one, other))
        one:close()
        other:close()
    end)

    it("false, nil and '' are no key: the peer is refused, and receives an alert", function()
        for _, key in ipairs { false, "nil", "" } do
            if key == "nil" then
                key = nil
            end
            local failures = attempt(client(nil, "me", KEY), server(nil, key))
            is("SSLError", { reason = "PSK_IDENTITY_NOT_FOUND" }, failures.server)
            is("SSLError", { alert = UNKNOWN }, failures.client)
            failures = attempt(client(nil, "me", key), server(nil, KEY))
            is("SSLError", { reason = "PSK_IDENTITY_NOT_FOUND" }, failures.client)
            is("SSLError", { alert = FAILURE }, failures.server)
        end
    end)

    it("the callbacks may yield", function()
        local turns = 0
        local function slow(...)
            local results = { ... }
            return function()
                for _ = 1, 3 do
                    turns = turns + 1
                    coroutine.yield()
                end
                return (table.unpack or unpack)(results)
            end
        end
        local here, there = link.pair({ context = client(nil, slow("me", KEY)), server_hostname = false },
            { context = server(nil, slow(KEY)), cert = false })
        local running = {}
        for index, conn in ipairs { here, there } do
            running[index] = coroutine.create(function()
                tasks.call(conn, "do_handshake")
            end)
        end
        local rounds = 0
        while coroutine.status(running[1]) ~= "dead" or coroutine.status(running[2]) ~= "dead" do
            rounds = rounds + 1
            assert.is_true(rounds <= 1000, "the handshake does not end")
            for _, thread in ipairs(running) do
                if coroutine.status(thread) ~= "dead" then
                    assert(coroutine.resume(thread))
                end
            end
        end
        assert.are.same({ SUITES[1], "TLSv1.2", "me", "me" }, facts(here, there))
        here:close()
        there:close()
        assert.are.equal(6, turns)
    end)

    it("the ABI returns WANT_PSK until the caller sets a key, whose length it checks", function()
        local const = backend.const
        local function context(is_server)
            local id = errors.check(backend.context_new(const.PROTOCOL_TLS))
            errors.check(backend.context_set_ciphers(id, "PSK"))
            if is_server then
                errors.check(backend.context_set_psk_server(id, 1, "hint"))
            else
                errors.check(backend.context_set_psk_client(id, 1))
            end
            return id
        end
        local there, here = context(true), context(false)
        assert.are.same({ 1, 0, 4, "hint" }, { backend.context_psk_server(there), backend.context_psk_client(there),
            backend.context_psk_identity_hint(there) })
        assert.are.same({ 0, 1, 0, "" }, { backend.context_psk_server(here), backend.context_psk_client(here),
            backend.context_psk_identity_hint(here) })
        local ids = { errors.check(backend.connection_over_memory(here, 0, nil)),
            errors.check(backend.connection_over_memory(there, 1, nil)) }
        local function step(index)
            local result = backend.connection_handshake(ids[index], 0)
            local _, bytes = backend.connection_drain(ids[index], 65536)
            errors.check(backend.connection_feed(ids[3 - index], bytes))
            return result == 0 and 0 or -result / 65536
        end
        local function fails(result, position)
            assert.are.equal(-(const.USAGE * 65536 + position), result)
        end
        fails(backend.connection_answer_psk(ids[1], "me", KEY), 0)
        fails(backend.connection_psk_hint(ids[1]), 0)
        assert.are.equal(const.WANT_READ, step(1))
        assert.are.equal(const.WANT_READ, step(2))
        for _ = 1, 2 do
            assert.are.equal(const.WANT_PSK, step(1))
            assert.are.equal(const.WANT_PSK, -backend.connection_read(ids[1], 1, 0) / 65536)
            assert.are.equal(const.WANT_PSK, -backend.connection_write(ids[1], "x", 0) / 65536)
        end
        assert.are.same({ 4, "hint" }, { backend.connection_psk_hint(ids[1]) })
        assert.are.same({ 0, "" }, { backend.connection_psk_identity(ids[1]) })
        fails(backend.connection_answer_psk(ids[1], ("i"):rep(129), KEY), 3)
        fails(backend.connection_answer_psk(ids[1], "a\0", KEY), 2)
        fails(backend.connection_answer_psk(ids[1], "me", ("k"):rep(257)), 5)
        assert.are.equal(const.WANT_PSK, step(1))
        assert.are.equal(0, backend.connection_answer_psk(ids[1], "me", KEY))
        fails(backend.connection_answer_psk(ids[1], "me", KEY), 0)
        assert.are.equal(const.WANT_READ, step(1))
        assert.are.equal(const.WANT_PSK, step(2))
        fails(backend.connection_psk_hint(ids[2]), 0)
        fails(backend.connection_answer_psk(ids[2], "me", KEY), 2)
        assert.are.same({ 2, "me" }, { backend.connection_psk_identity(ids[2]) })
        assert.are.equal(0, backend.connection_answer_psk(ids[2], nil, KEY))
        assert.are.equal(0, step(2))
        assert.are.equal(0, step(1))
        assert.are.same({ 2, "me" }, { backend.connection_psk_identity(ids[1]) })
        for _, id in ipairs { ids[1], ids[2], here, there } do
            errors.check(backend.close(id))
        end
    end)
end)
