-- The keys that a peer's certificate may have, and the effect of set_ecdh_curve.
local attempt = require "support.badssl.attempt"
local handles = require "support.handles"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local VERSIONS = { ["TLS 1.2"] = 0x0303, ["TLS 1.3"] = 0x0304 }

-- Arguments of openssl genpkey.
local KEYS = {
    ["P-256"] = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", ["P-384"] = "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    ["P-521"] = "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", Ed25519 = "-algorithm ED25519",
    RSA = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
}

describe("keys of certificates:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local made = {}

    -- files returns those of a self-signed certificate with a key of that type.
    local function files(kind)
        if not made[kind] then
            local base = process.directory() .. "/" .. kind
            local result = process.run { "sh", "-ec", ("openssl genpkey %s -out %s.key; openssl req -x509 -new -key %s.key -days 9 "
                .. "-subj /CN=localhost -addext subjectAltName=DNS:localhost -out %s.pem"):format(KEYS[kind], base, base, base) }
            assert.are.equal(0, result.status, result.errors)
            made[kind] = { chain = base .. ".pem", trust = base .. ".pem", key = base .. ".key", host = "localhost", flags = 0 }
        end
        return made[kind]
    end

    for kind in pairs(KEYS) do
        it(kind .. " is accepted from a server and from a client, with TLS 1.2 and 1.3", function()
            for _, version in pairs(VERSIONS) do
                for _, role in ipairs { "server", "client" } do
                    local result = attempt.handshake(files(kind), role, version)
                    assert(result.established, kind .. role .. (result.failure or result.peer_failure or { message = "" }).message)
                    assert.is_nil(result.failure)
                end
            end
        end)

        it(kind .. " with a signature of another key is refused", function()
            local strangers = files(kind == "RSA" and "P-256" or "RSA").trust
            for _, version in pairs(VERSIONS) do
                local mixed = {}
                for name, value in pairs(files(kind)) do
                    mixed[name] = value
                end
                mixed.trust = strangers
                local result = attempt.handshake(mixed, "server", version)
                assert.are.equal(18, result.failure.value)
            end
        end)
    end

    -- handshake returns the error of each end, and the client, over memory.
    local function handshake(client, server)
        local there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        local ends = {
            client:wrap_bio(there, back, { server_hostname = "localhost" }), server:wrap_bio(back, there, { server_side = true }),
        }
        local failures = {}
        for _ = 1, 8 do
            for i, one in ipairs(ends) do
                local ok, err = pcall(one.do_handshake, one)
                if not ok and not ssl.SSLWantReadError:is(err) then
                    failures[i] = failures[i] or err
                end
            end
        end
        return failures[1], failures[2]
    end

    local function contexts(kind, client_curve, server_curve, version)
        local of = files(kind)
        local client = ssl.create_default_context { cafile = of.trust }
        local server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server:load_cert_chain(of.chain, of.key)
        client.maximum_version, client.minimum_version = version, version
        if client_curve then
            client:set_ecdh_curve(client_curve)
        end
        if server_curve then
            server:set_ecdh_curve(server_curve)
        end
        return client, server
    end

    it("set_ecdh_curve('X25519') does not restrict the curve of a certificate", function()
        for _, version in pairs { ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3 } do
            for kind in pairs(KEYS) do
                local client, server = contexts(kind, "X25519", nil, version)
                assert.are.same({}, { handshake(client, server) }, kind)
                client, server = contexts(kind, "X25519", "X25519", version)
                assert.are.same({}, { handshake(client, server) }, kind)
            end
        end
    end)

    it("and refuses a server that chooses another group for the key exchange", function()
        for _, version in pairs { ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3 } do
            for _, curve in ipairs { "prime256v1", "secp384r1", "secp521r1" } do
                local client, server = contexts("P-256", "X25519", curve, version)
                local failure, peers = handshake(client, server)
                if version == ssl.TLSVersion.TLSv1_2 then
                    raises.check(failure, "SSLError", { library = "SSL", reason = "WRONG_CURVE" })
                    raises.check(peers, "SSLError", { reason = "SSLV3_ALERT_HANDSHAKE_FAILURE" })
                else
                    raises.check(failure, "SSLError", { reason = "SSLV3_ALERT_HANDSHAKE_FAILURE" })
                end
            end
        end
        -- also if the client supports TLS 1.3
        local client, server = contexts("P-256", "X25519", "secp384r1", ssl.TLSVersion.TLSv1_3)
        client.minimum_version = ssl.TLSVersion.TLSv1_2
        local failure = handshake(client, server)
        raises.check(failure, "SSLError", { reason = "WRONG_CURVE" })
    end)

    it("a NIST curve restricts the certificate too, in TLS 1.2", function()
        local client, server = contexts("P-256", "secp384r1", nil, ssl.TLSVersion.TLSv1_2)
        local failure = handshake(client, server)
        raises.check(failure, "SSLError", { library = "SSL" })
        assert.are.same({}, { handshake(contexts("P-384", "secp384r1", nil, ssl.TLSVersion.TLSv1_2)) })
        assert.are.same({}, { handshake(contexts("P-256", "secp384r1", nil, ssl.TLSVersion.TLSv1_3)) })
    end)
end)
