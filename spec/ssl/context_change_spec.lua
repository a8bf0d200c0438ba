-- A connection keeps the settings that its context had when it was made: each setter, in both roles, before the
-- handshake and in it. And assigning another context to a connection: when it is allowed, and what it changes.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local NO_ISSUER, HOSTNAME = 20, 62

-- contexts returns a client's and a server's, with many settings that the handshake checks.
local function contexts(version, client, server)
    local function with(options, more)
        for name, value in pairs(more or {}) do
            options[name] = value
        end
        return link.context(options)
    end
    local first = with({
        cafile = "root.pem", verify = ssl.CERT_REQUIRED, check_hostname = true, alpn = { "h2", "y" }, cert = "client",
    }, client)
    local second = with({ cafile = "root.pem", verify = ssl.CERT_OPTIONAL, alpn = { "h2", "y" }, cert = "server-ec" }, server)
    first.options, second.options = ssl.OP_NO_SSLv2, ssl.OP_NO_SSLv2
    first.minimum_version, first.maximum_version = ssl.TLSVersion[version], ssl.TLSVersion[version]
    second.minimum_version, second.maximum_version = ssl.TLSVersion[version], ssl.TLSVersion[version]
    return first, second
end

local function facts(sock)
    local certificate = sock:getpeercert()
    return { version = sock:version(), cipher = sock:cipher()[1], alpn = sock:selected_alpn_protocol(), npn = sock:selected_npn_protocol(),
        subject = certificate and certificate.subject and certificate.subject[2][1][2] }
end

-- finish returns the result of a pair: facts of both ends, or the reasons of their failures.
local function finish(client, server)
    local function shake(sock)
        local ok, failure = pcall(tasks.call, sock, "do_handshake")
        if not ok then
            pcall(sock.shutdown, sock, socket.SHUT_WR) -- so that the other one ends if no alert was sent
            error(failure, 0)
        end
    end
    local _, failures = tasks.outcomes {
        function()
            shake(client)
            assert(tasks.receive(client, 1) == "s", "end of stream")
        end,
        function()
            shake(server)
            tasks.send_all(server, "s")
        end,
    }
    local outcome = {}
    for i, sock in ipairs { client, server } do
        local failure = failures[i]
        outcome[i] = failure and { reason = failure.reason, code = failure.verify_code } or not failures[3 - i] and facts(sock) or {}
    end
    client:close()
    server:close()
    return outcome
end

-- The steps of a handshake after which a setter may be called.
local STEPS = {
    function() end, -- nothing has been sent
    function(client)
        raises("SSLWantReadError", {}, client.do_handshake, client)
    end, -- the ClientHello has been sent
    function(client, server)
        raises("SSLWantReadError", {}, client.do_handshake, client)
        pcall(server.do_handshake, server)
    end, -- the server has answered
}

local function refusing(name)
    return function(context)
        context:set_servername_callback(function()
            error(name .. " was called")
        end)
    end
end

-- Changes whose effect the next handshake shows, with either role's context, or with that of the role named.
local CHANGES = {
    { "options", function(context)
        context.options = context.options + ssl.OP_NO_TLSv1_2 + ssl.OP_NO_TLSv1_3
    end },
    { "minimum_version and maximum_version", function(context)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    end },
    { "set_ciphers", function(context)
        context:set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    end, version = "TLSv1_2" },
    { "set_alpn_protocols", function(context)
        context:set_alpn_protocols { "y" }
    end },
    { "set_alpn_protocols, none", function(context)
        context:set_alpn_protocols {}
    end },
    { "load_cert_chain", function(context)
        context:load_cert_chain(pki.chain("other"))
    end },
    { "verify_flags", function(context)
        context.verify_flags = context.verify_flags + ssl.VERIFY_CRL_CHECK_CHAIN
    end },
    { "a servername callback", refusing("the callback"), role = "server" },
}

describe("a connection and its context:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, version in ipairs { "TLSv1_2", "TLSv1_3" } do
        local undisturbed

        before_each(function()
            local client, server = contexts(version)
            undisturbed = finish(link.pair({ context = client }, { context = server }))
            assert.are.equal("h2", undisturbed[1].alpn)
            assert.are.equal("localhost", undisturbed[1].subject)
            assert.are.equal("client", undisturbed[2].subject)
        end)

        for _, change in ipairs(CHANGES) do
            for number, role in ipairs { "client", "server" } do
                if (change.version or version) == version and (change.role or role) == role then
                    it(("%s of a %s's context: affects the next connection only, %s"):format(change[1], role, version), function()
                        for _, step in ipairs(STEPS) do
                            local pair = { contexts(version) }
                            local client, server = link.pair({ context = pair[1] }, { context = pair[2] })
                            step(client, server)
                            change[2](pair[number])
                            assert.are.same(undisturbed, finish(client, server))
                            assert.are_not.same(undisturbed, finish(link.pair({ context = pair[1] }, { context = pair[2] })))
                        end
                    end)
                end
            end
        end

        -- A connection that fails continues to fail after a change of its context that would make it succeed.
        local FAILING = {
            { "load_verify_locations", { cafile = "unknown-root.pem" }, nil, "client", NO_ISSUER, function(context)
                context:load_verify_locations(pki.path("root.pem"))
            end },
            { "capath", { cafile = "unknown-root.pem" }, nil, "client", NO_ISSUER, function(context)
                context:load_verify_locations { capath = pki.path("capath") }
            end },
            { "verify_mode", { cafile = "unknown-root.pem" }, nil, "client", NO_ISSUER, function(context)
                context.check_hostname = false
                context.verify_mode = ssl.CERT_NONE
            end },
            { "check_hostname", nil, { cert = "other" }, "client", HOSTNAME, function(context)
                context.check_hostname = false
            end },
            { "load_verify_locations", nil, { cafile = "unknown-root.pem" }, "server", NO_ISSUER, function(context)
                context:load_verify_locations { cadata = pki.read("root.pem") }
            end },
            { "verify_mode", nil, { cafile = "unknown-root.pem" }, "server", NO_ISSUER, function(context)
                context.verify_mode = ssl.CERT_NONE
            end },
        }
        for _, case in ipairs(FAILING) do
            local what, client_options, server_options, role, code, change = (table.unpack or unpack)(case, 1, 6)
            it(("%s of a %s's context: only the next connection accepts the refused peer, %s"):format(what, role, version), function()
                local number = role == "client" and 1 or 2
                for _, step in ipairs(STEPS) do
                    local pair = { contexts(version, client_options, server_options) }
                    local client, server = link.pair({ context = pair[1] }, { context = pair[2] })
                    step(client, server)
                    change(pair[number])
                    assert.are.same({ reason = "CERTIFICATE_VERIFY_FAILED", code = code }, finish(client, server)[number])
                    assert.is_nil(finish(link.pair({ context = pair[1] }, { context = pair[2] }))[number].reason)
                end
            end)
        end

        it("raising a server's verify_mode affects the next connection only, " .. version, function()
            for _, step in ipairs(STEPS) do
                local client_context = link.context(link.client_options {})
                local _, server_context = contexts(version)
                local client, server = link.pair({ context = client_context }, { context = server_context })
                step(client, server)
                server_context.verify_mode = ssl.CERT_REQUIRED
                assert.is_nil(finish(client, server)[2].reason)
                assert.are.equal("PEER_DID_NOT_RETURN_A_CERTIFICATE",
                    finish(link.pair({ context = client_context }, { context = server_context }))[2].reason)
            end
        end)

        describe("assigning another context, " .. version .. ":", function()
            local client_context, server_context, other_client, other_server

            before_each(function()
                client_context, server_context = contexts(version)
                other_client, other_server = contexts(version, { cafile = "unknown-root.pem", alpn = { "y" } },
                    { cert = "other", alpn = { "y" } })
            end)

            after_each(function()
                client_context, server_context, other_client, other_server = nil, nil, nil, nil
            end)

            it("to a client and a server, before the handshake: all settings change", function()
                local client, server = link.pair({ context = client_context }, { context = server_context })
                client.context = other_client
                assert.are.equal(other_client, client.context)
                assert.are.same({ reason = "CERTIFICATE_VERIFY_FAILED", code = NO_ISSUER }, finish(client, server)[1])

                client, server = link.pair({ context = client_context }, { context = server_context })
                server.context = other_server
                assert.are.same({ reason = "CERTIFICATE_VERIFY_FAILED", code = HOSTNAME }, finish(client, server)[1])

                client, server = link.pair({ context = other_client }, { context = other_server })
                client.context, server.context = client_context, server_context
                assert.are.same(undisturbed, finish(client, server))
            end)

            it("to a client is refused once the ClientHello has been sent, and the handshake continues", function()
                for _, step in ipairs { STEPS[2], STEPS[3] } do
                    local client, server = link.pair({ context = client_context }, { context = server_context })
                    step(client, server)
                    raises("ValueError", { match = "the handshake has begun" }, function()
                        client.context = other_client
                    end)
                    assert.are.equal(client_context, client.context)
                    assert.are.same(undisturbed, finish(client, server))
                end
            end)

            it("to a server is allowed until it has read the ClientHello", function()
                local client, server = link.pair({ context = client_context }, { context = server_context })
                raises("SSLWantReadError", {}, server.do_handshake, server)
                server.context = other_server
                assert.are.same({ reason = "CERTIFICATE_VERIFY_FAILED", code = HOSTNAME }, finish(client, server)[1])

                client, server = link.pair({ context = client_context }, { context = server_context })
                STEPS[3](client, server)
                raises("ValueError", { match = "the handshake has begun" }, function()
                    server.context = other_server
                end)
                assert.are.equal(server_context, server.context)
                assert.are.same(undisturbed, finish(client, server))
            end)

            it("after the handshake changes the attribute only", function()
                local client, server = link.open({ context = client_context }, { context = server_context })
                local before = { facts(client), facts(server) }
                client.context, server.context = other_client, other_server
                assert.are.equal(other_client, client.context)
                assert.are.equal(other_server, server.context)
                assert.are.same(before, { facts(client), facts(server) })
                assert.are.same(undisturbed, before)
                client:sendall("x")
                assert.are.equal("x", server:recv(1))
                client:close()
                server:close()
            end)

            it("works in the same way for connections over memory", function()
                local a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
                local client = client_context:wrap_bio(a, b, { server_hostname = "localhost" })
                local server = server_context:wrap_bio(b, a, { server_side = true })
                client.context = other_client
                client.context = client_context
                raises("SSLWantReadError", {}, client.do_handshake, client)
                raises("ValueError", { match = "the handshake has begun" }, function()
                    client.context = other_client
                end)
                for _ = 1, 4 do
                    pcall(server.do_handshake, server)
                    pcall(client.do_handshake, client)
                end
                assert.are.same(undisturbed, { facts(client), facts(server) })
                client.context = other_client
                assert.are.equal(other_client, client.context)
                assert.are.same(undisturbed[1], facts(client))
            end)

            it("values that are not contexts raise TypeError", function()
                local client, server = link.pair({ context = client_context }, { context = server_context })
                for _, value in ipairs { false, 1, "context", {}, client } do
                    raises("TypeError", { match = "SSLContext" }, function()
                        client.context = value
                    end)
                end
                assert.are.same(undisturbed, finish(client, server))
            end)

            it("later changes of the other context have no effect", function()
                local client, server = link.pair({ context = other_client }, { context = server_context })
                client.context = client_context
                client_context:set_alpn_protocols { "y" }
                client_context.verify_flags = ssl.VERIFY_CRL_CHECK_CHAIN
                assert.are.same(undisturbed, finish(client, server))
            end)
        end)
    end

    it("WRAP-26 an NPN list may be emptied while the client waits for the server's", function()
        local client_context, server_context = contexts("TLSv1_2", { alpn = false }, { alpn = false })
        client_context:set_npn_protocols { "http/1.1" }
        server_context:set_npn_protocols { "spdy/2", "http/1.1" }
        for _, step in ipairs(STEPS) do
            local client, server = link.pair({ context = client_context }, { context = server_context })
            step(client, server)
            client_context:set_npn_protocols {}
            server_context:set_npn_protocols {}
            assert.are.equal("http/1.1", finish(client, server)[1].npn)
            client_context:set_npn_protocols { "http/1.1" }
            server_context:set_npn_protocols { "spdy/2", "http/1.1" }
        end
    end)
end)
