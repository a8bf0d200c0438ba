-- Several certificates in one context, one for each type of key. For each choice there is a control that chooses
-- another one. spec/peers/several_certificates_spec.lua has clients that support fewer algorithms than cleat's.
local der = require "support.der"
local handles = require "support.handles"
local key_types = require "support.key_types"
local link = require "support.link"
local ocsp = require "support.ocsp"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }

local function context(version, ...)
    return key_types.load(link.context { version = version }, ...)
end

-- presented returns the common name of the certificate that a server of the context sends, and the result of inspect,
-- if given, for the connected client. client: options of link.pair.
local function presented(server_context, client, inspect)
    local conn, server = link.open(client, { context = server_context })
    local name = key_types.name(conn:getpeercert())
    local more = inspect and inspect(conn, server)
    conn:close()
    server:close()
    return name, more
end

for _, version in ipairs(VERSIONS) do
    describe("several certificates, " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        it("B-66 the order of preference is ECDSA by curve, Ed25519, RSA; the order of loading has no effect", function()
            local names = key_types.names
            for first = 1, #names do
                local forward, backward = link.context { version = version }, link.context { version = version }
                for i = first, #names do
                    key_types.load(forward, names[i])
                    key_types.load(backward, names[#names + first - i])
                end
                assert.are.equal(names[first], presented(forward, { version = version }))
                assert.are.equal(names[first], presented(backward, { version = version }))
            end
        end)

        it("LCC-14 loading the same type replaces, and another type adds a certificate", function()
            local server = context(version, "p384", "rsa")
            local chain, key = key_types.issue("p384", { name = "renewed" })
            assert.are.equal("p384", presented(server, { version = version }))
            server:load_cert_chain(chain, key)
            assert.are.equal("renewed", presented(server, { version = version }))
            server:load_cert_chain(key_types.issue("ed25519"))
            assert.are.equal("renewed", presented(server, { version = version }))
            server:load_cert_chain(key_types.issue("p256"))
            assert.are.equal("p256", presented(server, { version = version }))
        end)

        it("a load that fails leaves all of them unchanged", function()
            local server = context(version, "p384", "rsa")
            local chain, key = key_types.issue("p384")
            local rsa, rsa_key = key_types.issue("rsa")
            raises("SSLError", { library = "X509", reason = "KEY_TYPE_MISMATCH" }, server.load_cert_chain, server, rsa, key)
            raises("SSLError", { library = "X509", reason = "KEY_TYPE_MISMATCH" }, server.load_cert_chain, server, chain,
                rsa_key)
            raises("SSLError", { library = "PEM", reason = "NO_START_LINE" }, server.load_cert_chain, server, rsa, rsa)
            assert.are.equal("p384", presented(server, { version = version }))
        end)

        it("a connection has those of its context when it was made", function()
            local server_context = context(version, "p384", "rsa")
            local conn, server = link.pair({ version = version }, { context = server_context })
            key_types.load(server_context, "p256")
            tasks.run {
                function()
                    tasks.call(conn, "do_handshake")
                end,
                function()
                    tasks.call(server, "do_handshake")
                end,
            }
            assert.are.equal("p384", key_types.name(conn:getpeercert()))
            conn:close()
            server:close()
            assert.are.equal("p256", presented(server_context, { version = version }))
        end)

        it("after a switch at the server name all of the other context's are used, and none of the first's", function()
            local first = context(version, "p256", "rsa")
            local other = context(version, "rsa", "ed25519", "p384")
            local asked = {}
            first:set_servername_callback(function(conn, name)
                asked[#asked + 1] = name
                conn.context = other
            end)
            local client = { version = version }
            assert.are.equal("p384", presented(first, client))
            if version == "TLSv1.2" then
                assert.are.equal("rsa", presented(first, { version = version, ciphers = "aRSA" }))
            end
            first:set_servername_callback(nil)
            assert.are.equal("p256", presented(first, client))
            assert.are.equal("localhost", asked[1])
            other = context(version, "rsa")
            first:set_servername_callback(function(conn)
                conn.context = other
            end)
            assert.are.equal("rsa", presented(first, client))
        end)

        it("a client with several sends the preferred one to a server that accepts all", function()
            local server_context = context(version, "p256")
            server_context:load_verify_locations(pki.path("root.pem"))
            server_context.verify_mode = ssl.CERT_REQUIRED
            for names, expected in pairs { [{ "rsa", "p384", "ed25519" }] = "p384", [{ "rsa", "ed25519" }] = "ed25519" } do
                local client_context = link.context { version = version, cafile = "root.pem" }
                key_types.load(client_context, names[1], names[2], names[3])
                local name
                presented(server_context, { context = client_context }, function(conn, server)
                    server:sendall("x")
                    conn:recv(1)
                    name = key_types.name(server:getpeercert())
                end)
                assert.are.equal(expected, name)
            end
        end)

        it("an OCSP response is stapled to the certificate that it is about, until that certificate is replaced", function()
            local server = context(version, "p384", "rsa")
            local function respond(key_type)
                local _, _, certificate = key_types.issue(key_type)
                return ocsp.respond { cert = certificate }
            end
            local p384, rsa = respond("p384"), respond("rsa")
            local function stapled(conn)
                return conn:ocsp_response()
            end
            server.ocsp_response = rsa
            assert.are.equal(rsa, server.ocsp_response)
            assert.are.same({ "p384", nil }, { presented(server, { version = version }, stapled) })
            server.ocsp_response = p384
            assert.are.equal(p384, server.ocsp_response)
            assert.are.same({ "p384", p384 }, { presented(server, { version = version }, stapled) })
            if version == "TLSv1.2" then
                assert.are.same({ "rsa", rsa }, { presented(server, { version = version, ciphers = "aRSA" }, stapled) })
            end
            raises("ssl.SSLError", { library = "OCSP", reason = "CERTIFICATE_NOT_COVERED" }, function()
                server.ocsp_response = respond("p256")
            end)
            key_types.load(server, "ed25519")
            assert.are.same({ "p384", p384 }, { presented(server, { version = version }, stapled) })
            key_types.load(server, "p384")
            assert.are.same({ "p384", nil }, { presented(server, { version = version }, stapled) })
            assert.are.equal(rsa, server.ocsp_response)
            server.ocsp_response = p384
            server.ocsp_response = nil
            assert.is_nil(server.ocsp_response)
            assert.are.same({ "p384", nil }, { presented(server, { version = version }, stapled) })
        end)

        it("timestamps are for the certificate that was loaded last", function()
            local server = context(version, "p384")
            local function received(conn)
                return conn:scts()
            end
            local client_context = link.context { version = version, cafile = "root.pem" }
            client_context.verify_mode, client_context.ask_scts = ssl.CERT_REQUIRED, true
            local client = { context = client_context }
            server.scts = { "of p384" }
            key_types.load(server, "rsa")
            assert.is_nil(server.scts)
            server.scts = { "of rsa", "too" }
            assert.are.same({ "of rsa", "too" }, server.scts)
            assert.are.same({ "p384", { "of p384" } }, { presented(server, client, received) })
            if version == "TLSv1.2" then
                client_context:set_ciphers("aRSA")
                assert.are.same({ "rsa", { "of rsa", "too" } }, { presented(server, client, received) })
                client_context:set_ciphers("aECDSA")
            end
            key_types.load(server, "p384")
            assert.are.same({ "p384", nil }, { presented(server, client, received) })
            server.scts = nil
            assert.is_nil(server.scts)
        end)

        it("each is compressed separately", function()
            if not ssl.HAS_CERTIFICATE_COMPRESSION then
                return pending("this build has no zlib")
            end
            local server, client = context(version, "p384", "rsa"), link.context { version = version, cafile = "root.pem" }
            server.certificate_compression, client.certificate_compression = true, true
            client.verify_mode = ssl.CERT_REQUIRED
            for _ = 1, 3 do
                assert.are.equal("p384", presented(server, { context = client }))
            end
            key_types.load(server, "p256")
            assert.are.equal("p256", presented(server, { context = client }))
        end)
    end)
end

describe("several certificates:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("a client's cipher suites choose among them in TLS 1.2", function()
        local server = context("TLSv1.2", "rsa", "p384", "ed25519", "p256")
        local function with(ciphers)
            return (presented(server, { version = "TLSv1.2", ciphers = ciphers }))
        end
        assert.are.equal("rsa", with("aRSA"))
        assert.are.equal("rsa", with("kRSA")) -- without ephemeral Diffie-Hellman
        assert.are.equal("p256", with("aECDSA"))
        assert.are.equal("p256", with("aRSA:aECDSA"))
        server = context("TLSv1.2", "rsa", "ed25519")
        assert.are.equal("ed25519", with("aECDSA"))
        assert.are.equal("rsa", with("aRSA"))
    end)

    it("a client's curves choose among them in TLS 1.2", function()
        local server = context("TLSv1.2", "rsa", "p384", "p256")
        for curve, expected in pairs { secp384r1 = "p384", prime256v1 = "p256", secp521r1 = "rsa" } do
            local client = link.context { version = "TLSv1.2", cafile = "root.pem" }
            client.verify_mode = ssl.CERT_REQUIRED
            client:set_ecdh_curve(curve)
            assert.are.equal(expected, presented(server, { context = client }))
        end
    end)

    it("a server's own group does not depend on its certificates' curves", function()
        local server = context("TLSv1.2", "rsa", "p384")
        server:set_ecdh_curve("prime256v1")
        assert.are.equal("p384", presented(server, { version = "TLSv1.2" }))
    end)

    it("in TLS 1.0 and 1.1 Ed25519 is not used", function()
        for _, version in ipairs { "TLSv1", "TLSv1.1" } do
            local server = context(version, "ed25519", "rsa")
            assert.are.equal("rsa", presented(server, { version = version }))
            key_types.load(server, "p256")
            assert.are.equal("p256", presented(server, { version = version }))
        end
    end)

    it("a handshake fails if the client can verify none of them", function()
        local server = context("TLSv1.2", "p384", "ed25519")
        local failures = link.attempt({ version = "TLSv1.2", ciphers = "aRSA" }, { context = server })
        assert.are.equal("NO_SHARED_CIPHER", failures.server.reason)
        assert.are.equal("SSLV3_ALERT_HANDSHAKE_FAILURE", failures.client.reason)
        assert.are.same({}, (link.attempt({ version = "TLSv1.2", ciphers = "aECDSA" }, { context = server })))
    end)

    it("certificates of two CAs with the same serial number get the response of the right CA", function()
        local server = link.context {}
        local cases = { p256 = "intermediate", rsa = "root" }
        local responses = {}
        for key_type, ca in pairs(cases) do
            local chain, key, certificate = key_types.issue(key_type, { name = "twin-" .. key_type, ca = ca, serial = "77" })
            server:load_cert_chain(chain, key)
            responses[key_type] = ocsp.respond { cert = certificate, issuer = ca .. ".crt", signer = ca }
        end
        local function stapled(conn)
            return conn:ocsp_response()
        end
        server.ocsp_response = responses.rsa
        assert.are.same({ "twin-p256", nil }, { presented(server, nil, stapled) })
        server.ocsp_response = responses.p256
        assert.are.same({ "twin-p256", responses.p256 }, { presented(server, nil, stapled) })
        -- a response without a status is refused
        local junk = der.sequence(der.tlv(0x0a, "\3"))
        raises("ssl.SSLError", { library = "OCSP", reason = "RESPONSE_STATUS" }, function()
            server.ocsp_response = junk
        end)
        assert.are.equal(responses.p256, server.ocsp_response)
    end)
end)
