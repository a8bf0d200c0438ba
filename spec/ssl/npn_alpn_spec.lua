-- Protocol negotiation: ALPN (RFC 7301) and its predecessor NPN, between cleat's client and server and with openssl.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local serve = require "support.serve"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

-- context returns a context for one version with protocols by "alpn" and "npn".
local function context(options)
    local ctx = link.context(options)
    if options.npn then
        ctx:set_npn_protocols(options.npn)
    end
    return ctx
end

-- selected returns the protocols that a client and a server have selected, as { client's, server's }; options are the
-- protocols of each.
local function selected(what, version, client, server)
    client, server = link.client_options(client), link.server_options(server)
    client.version, server.version = version, version
    client.context, server.context = context(client), context(server)
    local failures, answers = link.attempt(client, server, function(first, second)
        local method = "selected_" .. what .. "_protocol"
        return { first[method](first) or "none", second[method](second) or "none" }
    end)
    assert.is_nil(failures.client)
    assert.is_nil(failures.server)
    return answers
end

local function both(protocol)
    return { protocol, protocol }
end

local FLAGS = { ["TLSv1.2"] = "-tls1_2", ["TLSv1.3"] = "-tls1_3" }

local function s_server(version, options)
    local certfile, keyfile = pki.chain("server-ec")
    local command = { "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certfile, "-cert_chain", certfile, "-key", keyfile,
        "-WWW", FLAGS[version], timeout = 30 }
    for _, word in ipairs(options) do
        command[#command + 1] = word
    end
    local server = process.start(command)
    server.port = tonumber((server:wait_for("ACCEPT [%d.]+:(%d+)")))
    return server
end

describe("protocols:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    describe("ALPN", function()
        for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
            it("ALPN-01 SSLS-32 the server's first protocol that the client supports is selected, " .. version, function()
                local server = { alpn = { "foo", "bar", "milkshake" } }
                local cases = {
                    { { "foo", "bar" }, "foo" }, { { "bar", "foo" }, "foo" }, { { "milkshake" }, "milkshake" },
                    { { "http/3.0", "http/4.0" }, "none" }, { { "milkshake", "bar" }, "bar" },
                    { { ("a"):rep(255), "\0\255", "bar" }, "bar" },
                }
                for _, case in ipairs(cases) do
                    assert.are.same(both(case[2]), selected("alpn", version, { alpn = case[1] }, server))
                end
                assert.are.same(both(("a"):rep(255)), selected("alpn", version, { alpn = { ("a"):rep(255) } },
                    { alpn = { "x", ("a"):rep(255) } }))
                assert.are.same(both("\0\255"), selected("alpn", version, { alpn = { "\0\255" } }, { alpn = { "\0\255" } }))
            end)

            it("ALPN-04 SSLS-33 without a common protocol the result is nil, and the handshake succeeds, " .. version, function()
                assert.are.same(both "h2", selected("alpn", version, { alpn = { "h2" } }, { alpn = { "h2" } }))
                assert.are.same(both "none", selected("alpn", version, { alpn = { "h2" } }, { alpn = { "ftp" } }))
                assert.are.same(both "none", selected("alpn", version, { alpn = { "h2" } }, {}))
                assert.are.same(both "none", selected("alpn", version, {}, { alpn = { "h2" } }))
                assert.are.same(both "none", selected("alpn", version, {}, {}))
                assert.are.same(both "none", selected("alpn", version, { alpn = {} }, { alpn = { "h2" } }))
            end)

            it("ALPN-01 works with openssl in both roles, " .. version, function()
                local server = s_server(version, { "-alpn", "http/1.1,h2" })
                local ctx = link.context { version = version, alpn = { "h2", "http/1.1" } }
                local sock = ctx:wrap_socket(socket.create_connection({ "127.0.0.1", server.port }, 10))
                assert.are.equal("http/1.1", sock:selected_alpn_protocol())
                sock:close()
                server:stop()
                local mine = serve { alpn = "http/1.1" }
                local result = process.run { "openssl", "s_client", "-connect", "127.0.0.1:" .. mine.port, FLAGS[version],
                    "-alpn", "h2,http/1.1" }
                assert.is_truthy(result.output:find("ALPN protocol: http/1.1", 1, true), result.output)
                result = process.run { "openssl", "s_client", "-connect", "127.0.0.1:" .. mine.port, FLAGS[version], "-alpn", "ftp" }
                assert.is_truthy(result.output:find("No ALPN negotiated", 1, true), result.output)
                mine:stop()
            end)
        end

        it("ALPN-01 an empty list removes the protocols, a later list replaces them", function()
            local ctx = context { cert = "server-ec", alpn = { "h2" } }
            local function chosen()
                return select(2, link.attempt({ alpn = { "h2", "ftp" } }, { context = ctx }, function(client)
                    return client:selected_alpn_protocol() or "none"
                end))
            end
            assert.are.equal("h2", chosen())
            ctx:set_alpn_protocols { "ftp" }
            assert.are.equal("ftp", chosen())
            ctx:set_alpn_protocols {}
            assert.are.equal("none", chosen())
        end)

        it("ALPN-02 a refused list leaves the previous one", function()
            local ctx = context { cert = "server-ec", alpn = { "h2" } }
            for _, list in ipairs { { "ftp", "" }, { "ftp", ("a"):rep(256) }, { "" } } do
                raises("SSLError", { match = "ALPN protocols must be 1 to 255 in length" }, ctx.set_alpn_protocols, ctx, list)
            end
            raises("TypeError", {}, ctx.set_alpn_protocols, ctx, { "ftp", 7 })
            raises("TypeError", {}, ctx.set_alpn_protocols, ctx, "ftp")
            raises("TypeError", {}, ctx.set_alpn_protocols, ctx)
            assert.are.equal("h2", select(2, link.attempt({ alpn = { "ftp", "h2" } }, { context = ctx }, function(client)
                return client:selected_alpn_protocol()
            end)))
        end)
    end)

    describe("NPN", function()
        it("NPN-01 NPN-02 CONST-32 LIBRE-01 is available", function()
            assert.is_true(ssl.HAS_NPN)
            local ctx = context {}
            ctx:set_npn_protocols { "http/1.1", "spdy/2" }
            ctx:set_npn_protocols({ npn_protocols = { "http/1.1" } })
            ctx:set_npn_protocols {}
        end)

        it("NPN-01 refuses the lists that ALPN refuses", function()
            local ctx = context { cert = "server-ec", version = "TLSv1.2", npn = { "spdy/2" } }
            for _, list in ipairs { { "" }, { "http/1.1", "" }, { ("a"):rep(256) } } do
                raises("SSLError", { match = "NPN protocols must be 1 to 255 in length" }, ctx.set_npn_protocols, ctx, list)
            end
            raises("TypeError", {}, ctx.set_npn_protocols, ctx)
            raises("TypeError", { match = "npn_protocols" }, ctx.set_npn_protocols, ctx, "spdy/2")
            raises("TypeError", {}, ctx.set_npn_protocols, ctx, { 1 })
            local client = context(link.client_options { version = "TLSv1.2", npn = { "http/1.1" } })
            local _, chosen = link.attempt({ context = client }, { context = ctx }, function(sock)
                return sock:selected_npn_protocol()
            end)
            assert.are.equal("http/1.1", chosen) -- the client's own first: the server has spdy/2 only, as before
        end)

        it("NPN-01 SSLS-34 F6 the server's first protocol that the client supports is selected, or else the client's first", function()
            local server = { npn = { "http/1.1", "spdy/2" } }
            local cases = {
                { { "http/1.1", "spdy/2" }, "http/1.1" }, { { "spdy/2", "http/1.1" }, "http/1.1" },
                { { "spdy/2", "test" }, "spdy/2" }, { { "abc", "def" }, "abc" }, { { ("a"):rep(255) }, ("a"):rep(255) },
            }
            for _, version in ipairs { "TLSv1", "TLSv1.1", "TLSv1.2" } do
                for _, case in ipairs(cases) do
                    assert.are.same(both(case[2]), selected("npn", version,
                        { npn = case[1] }, { npn = server.npn, cert = "server-rsa" }))
                end
            end
        end)

        it("SSLS-34 is nil if either side has none, before the handshake, and with TLS 1.3", function()
            local list = { "http/1.1" }
            assert.are.same(both "http/1.1", selected("npn", "TLSv1.2", { npn = list }, { npn = list }))
            assert.are.same(both "none", selected("npn", "TLSv1.2", { npn = list }, {}))
            assert.are.same(both "none", selected("npn", "TLSv1.2", {}, { npn = list }))
            assert.are.same(both "none", selected("npn", "TLSv1.2", {}, {}))
            assert.are.same(both "none", selected("npn", "TLSv1.3", { npn = list }, { npn = list }))
            local client, server = link.pair({ context = context(link.client_options { npn = list }) }, {})
            assert.is_nil(client:selected_npn_protocol())
            assert.is_nil(server:selected_npn_protocol())
            client:close()
            server:close()
            assert.is_nil(client:selected_npn_protocol())
        end)

        it("NPN-01 is not used if both sides have ALPN", function()
            local options = { alpn = { "h2" }, npn = { "spdy/2" } }
            assert.are.same(both "h2", selected("alpn", "TLSv1.2", options, options))
            assert.are.same(both "none", selected("npn", "TLSv1.2", options, options))
            assert.are.same(both "none", selected("npn", "TLSv1.2", options, { alpn = { "ftp" }, npn = { "spdy/2" } }))
            assert.are.same(both "spdy/2", selected("npn", "TLSv1.2", options, { npn = { "spdy/2" } }))
            assert.are.same(both "spdy/2", selected("npn", "TLSv1.2", { npn = { "spdy/2" } }, options))
        end)

        it("NPN-01 works with openssl in both roles", function()
            local server = s_server("TLSv1.2", { "-nextprotoneg", "http/1.1,spdy/2" })
            local ctx = context { version = "TLSv1.2", npn = { "spdy/2", "http/1.1" } }
            local sock = ctx:wrap_socket(socket.create_connection({ "127.0.0.1", server.port }, 10))
            assert.are.equal("http/1.1", sock:selected_npn_protocol())
            sock:close()
            server:stop()

            local plain = socket.socket()
            plain:settimeout(10)
            plain:bind { "127.0.0.1", 0 }
            plain:listen(1)
            ctx = context { version = "TLSv1.2", cert = "server-ec", npn = { "http/1.1", "spdy/2" } }
            local listener = ctx:wrap_socket(plain, { server_side = true })
            local client = process.start { "openssl", "s_client", "-connect", "127.0.0.1:" .. listener:getsockname()[2], "-tls1_2",
                "-nextprotoneg", "spdy/2,http/1.1" }
            sock = listener:accept()
            assert.are.equal("http/1.1", sock:selected_npn_protocol())
            assert.is_nil(sock:selected_alpn_protocol())
            assert.are.equal("http/1.1", (client:wait_for("Next protocol: %(1%) ([^\n]+)")))
            assert.is_truthy(client:output():find("Protocols advertised by server: http/1.1, spdy/2", 1, true))
            sock:close()
            listener:close()
            client:stop()
        end)
    end)

    it("SSLS-27 CONST-27 compression is never used", function()
        for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
            local client, server = link.pair({ version = version }, { version = version })
            assert.is_nil(client:compression())
            client:close()
            server:close()
            client, server = link.open({ version = version }, { version = version })
            assert.is_nil(client:compression())
            assert.is_nil(server:compression())
            client:close()
            server:close()
            assert.is_nil(client:compression())
        end
    end)
end)
