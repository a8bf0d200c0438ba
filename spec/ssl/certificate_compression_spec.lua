-- Certificate compression (RFC 8879). The length of a server's first flight shows whether the certificate was
-- compressed. Malformed compressed certificates are in spec/c/test_compression.c.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local function context(role, compression, version)
    local made = link.context { version = version or "TLSv1.3", cert = role == "server" and "server-rsa" or nil,
        cafile = role == "client" and "root.pem" or nil }
    if role == "client" then
        made.verify_mode = ssl.CERT_REQUIRED
        made.check_hostname = true
    end
    made.certificate_compression = compression
    return made
end

-- flight returns the length of a server's answer to the ClientHello. Both sides then finish the handshake.
local function flight(client_context, server_context)
    local ends = {}
    for index, which in ipairs { client_context, server_context } do
        local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends[index] = { incoming = incoming, outgoing = outgoing, object = which:wrap_bio(incoming, outgoing,
            index == 1 and { server_hostname = "localhost" } or { server_side = true }) }
    end
    local client, server = ends[1], ends[2]
    local first
    for _ = 1, 4 do
        for _, pair in ipairs { { client, server }, { server, client } } do
            local from, to = pair[1], pair[2]
            local ok, failure = pcall(from.object.do_handshake, from.object)
            if not ok then
                raises.check(failure, "ssl.SSLWantReadError")
            end
            if from == server then
                first = first or from.outgoing.pending
            end
            to.incoming:write(from.outgoing:read())
        end
    end
    assert.are.equal("TLS", client.object:version():sub(1, 3))
    assert.are.equal(pki.read("server-ec.der") ~= nil, client.object:getpeercert(true) ~= nil)
    assert.is_truthy(client.object:getpeercert().subjectAltName)
    return first
end

describe("certificate compression:", function()
    handles.watch(before_each, after_each)

    it("is off by default, and enabled separately", function()
        local made = ssl.create_default_context()
        assert.is_false(made.certificate_compression)
        made.certificate_compression = false
        raises("TypeError", { match = "certificate_compression must be a boolean" }, function()
            made.certificate_compression = 1
        end)
        if ssl.HAS_CERTIFICATE_COMPRESSION then
            made.certificate_compression = true
            assert.is_true(made.certificate_compression)
        else
            raises("NotImplementedError", { match = "no zlib" }, function()
                made.certificate_compression = true
            end)
        end
    end)

    if not ssl.HAS_CERTIFICATE_COMPRESSION then
        return pending("no zlib")
    end

    it("makes a flight shorter if both sides enable it", function()
        local plain = flight(context("client", false), context("server", false))
        assert.is_true(math.abs(plain - flight(context("client", true), context("server", false))) < 20)
        assert.is_true(math.abs(plain - flight(context("client", false), context("server", true))) < 20)
        local server = context("server", true)
        for _ = 1, 3 do -- the first is compressed, the others use the cached result
            assert.is_true(flight(context("client", true), server) < plain - 200)
        end
    end)

    it("has no effect in TLS 1.2", function()
        local plain = flight(context("client", false, "TLSv1.2"), context("server", false, "TLSv1.2"))
        assert.is_true(math.abs(plain - flight(context("client", true, "TLSv1.2"), context("server", true, "TLSv1.2"))) < 20)
    end)

    it("works for clients' certificates, too", function()
        local client, server = context("client", true), context("server", true)
        client:load_cert_chain(pki.chain("client"))
        server:load_verify_locations(pki.path("root.pem"))
        server.verify_mode = ssl.CERT_REQUIRED
        local failures, name = link.attempt({ context = client }, { context = server }, function(_, serving)
            return serving:getpeercert().subject
        end)
        assert.are.same({}, failures)
        assert.is_truthy(name)
    end)
end)
