-- The cache of verified chains: chain_cache_stats counts its hits and misses. spec/c/test_chain_cache.c tests what must
-- not match an entry, with clocks that can be set.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local WRONG_NAME, NO_ISSUER, REVOKED = 62, 20, 23

-- count returns the context's numbers of hits and misses while f ran, and f's result.
local function count(context, f)
    local before = context:chain_cache_stats()
    local result = f()
    local after = context:chain_cache_stats()
    return { hits = after.hits - before.hits, misses = after.misses - before.misses }, result
end

local HIT, MISS, NEITHER = { hits = 1, misses = 0 }, { hits = 0, misses = 1 }, { hits = 0, misses = 0 }

-- visit does a client's handshake with a server, and returns the failures.
local function visit(way, context, server, name)
    local counted, failures = count(context, function()
        return (link.attempt({ context = context, server_hostname = name or "localhost" }, server))
    end)
    assert.are.same(way, counted)
    return failures
end

-- known returns a client's context, and the options of a server that it has verified.
local function known(options, server)
    local context = link.context(link.client_options(options))
    server = server or { cert = "server-ec" }
    assert.are.same({}, (link.attempt({ context = context, server_hostname = "localhost" }, server)))
    assert.are.same({}, visit(HIT, context, server))
    return context, server
end

local function refused(failures, code, side)
    raises.check(failures[side or "client"], { "SSLError", "CertificateError" },
        { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = code })
end

describe("chain_cache_seconds", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("is 300 in a new context, and 0 to 86400", function()
        for _, make in ipairs { ssl.create_default_context, function()
            return ssl.SSLContext(ssl.PROTOCOL_TLS)
        end } do
            local context = make()
            assert.are.equal(300, context.chain_cache_seconds)
            for _, seconds in ipairs { 0, 1, 86400 } do
                context.chain_cache_seconds = seconds
                assert.are.equal(seconds, context.chain_cache_seconds)
            end
            local function set(value)
                context.chain_cache_seconds = value
            end
            raises("ValueError", { match = "chain_cache_seconds is at most 86400" }, set, 86401)
            raises("ValueError", { match = "chain_cache_seconds is out of range" }, set, -1)
            raises("TypeError", { match = "chain_cache_seconds must be an integer, not string" }, set, "300")
            raises("TypeError", {}, set, nil)
            raises("TypeError", {}, set, 0.5)
            assert.are.equal(86400, context.chain_cache_seconds)
        end
    end)

    it("0 verifies each chain, and caches none", function()
        local context = known()
        context.chain_cache_seconds = 0
        assert.are.same({}, visit(NEITHER, context, { cert = "server-ec" }))
        local other = link.context(link.client_options { cafile = "roots.pem" })
        other.chain_cache_seconds = 0
        assert.are.same({}, visit(NEITHER, other, { cert = "server-ec" }))
        other.chain_cache_seconds = 300
        assert.are.same({}, visit(MISS, other, { cert = "server-ec" }))
    end)

    it("has no effect without verification", function()
        local context = link.context { verify = ssl.CERT_NONE }
        for _ = 1, 2 do
            assert.are.same({}, visit(NEITHER, context, { cert = "server-ec" }))
        end
    end)
end)

describe("A server that was verified recently", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        for _, cert in ipairs { "server-ec", "server-rsa" } do
            it(("is not verified again: %s, %s"):format(version, cert), function()
                local context, server = known({ version = version }, { cert = cert, version = version })
                -- the certificate is the same object each time
                local seen = {}
                for index = 1, 2 do
                    link.attempt({ context = context, server_hostname = "localhost" }, server, function(client)
                        seen[index] = { client:getpeercert(), client:getpeercert(true), client:getpeercert() }
                    end)
                end
                assert.are.equal("localhost", seen[1][1].subject[2][1][2])
                assert.are.same(seen[1][1], seen[1][3])
                assert.are.same(seen[1], seen[2])
            end)
        end
    end

    it("is refused under another name", function()
        local context, server = known()
        refused(visit(MISS, context, server, "other.example"), WRONG_NAME)
        refused(visit(MISS, context, server, "other.example"), WRONG_NAME)
        assert.are.same({}, visit(HIT, context, server))
    end)

    it("is refused by a context with other CA certificates", function()
        local _, server = known()
        local other = link.context(link.client_options { cafile = "unknown-root.pem" })
        refused(visit(MISS, other, server), NO_ISSUER)
    end)

    it("is refused after a revocation list with it was loaded", function()
        local context, server = known({ flags = ssl.VERIFY_CRL_CHECK_LEAF, cafile = "root-and-crls.pem" })
        assert.are.same({}, visit(HIT, context, server))
        local plain, revoked = known({ flags = ssl.VERIFY_DEFAULT }, { cert = "revoked" })
        plain.verify_flags = ssl.VERIFY_CRL_CHECK_LEAF
        plain:load_verify_locations(pki.path "root-and-crls.pem")
        refused(visit(MISS, plain, revoked), REVOKED)
    end)

    it("is not verified again by other contexts with the same trust", function()
        local _, server = known()
        local other = link.context(link.client_options())
        assert.are.same({}, visit(HIT, other, server))
    end)
end)

describe("A client that was verified recently", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local function meet(server, client, inspect)
        return count(server, function()
            return (link.attempt(client, { context = server }, inspect))
        end)
    end

    it("is not verified again, and the server has its certificate", function()
        local server = link.context(link.server_options { cafile = "root.pem", verify = ssl.CERT_REQUIRED })
        local client = { cert = "client" }
        meet(server, client)
        local seen
        local counted, failures = meet(server, client, function(_, peer)
            seen = peer:getpeercert()
        end)
        assert.are.same({ HIT, {} }, { counted, failures })
        assert.are.equal("client", seen.subject[2][1][2])
    end)

    it("is refused by the context of another server name that does not trust its CA", function()
        local first = link.context(link.server_options { cafile = "root.pem", verify = ssl.CERT_REQUIRED })
        local second = link.context(link.server_options { cafile = "unknown-root.pem", verify = ssl.CERT_REQUIRED })
        local client = { cert = "client" }
        meet(first, client)
        assert.are.same(HIT, (meet(first, client)))
        first:set_servername_callback(function(sock)
            sock.context = second
        end)
        local before = first:chain_cache_stats()
        local counted, failures = count(second, function()
            return (link.attempt(client, { context = first }))
        end)
        assert.are.same(MISS, counted)
        assert.are.same(before, first:chain_cache_stats())
        refused(failures, NO_ISSUER, "server")
    end)

    it("is not accepted as a server", function()
        local context = link.context(link.client_options { check_hostname = false, server_hostname = false })
        local server = link.context(link.server_options { cafile = "root.pem", verify = ssl.CERT_REQUIRED })
        meet(server, { cert = "client" })
        local failures = visit(MISS, context, { cert = "client" })
        refused(failures, 26)
    end)
end)
