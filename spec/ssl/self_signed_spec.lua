-- ssl.self_signed_certificate: the fields of the certificate, the peers that accept it, and the arguments that raise.
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local function names_of(certificate)
    local list = {}
    for i, pair in ipairs(certificate.subject_alt_names) do
        list[i] = pair[1] .. ":" .. pair[2]
    end
    return list
end

local serial = 0
local function files(certificate, key)
    serial = serial + 1
    local base = process.directory() .. "/self-signed-" .. serial
    return process.write_file(base .. ".pem", certificate), process.write_file(base .. ".key", key)
end

describe("ssl.self_signed_certificate:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("has the requested names, validity and key usages", function()
        local before = os.time()
        local pem, key = ssl.self_signed_certificate({ "localhost", "*.example.org", "bücher.example", "127.0.0.1", "::1" }, 3600)
        local certificate = ssl.Certificate(pem)
        assert.are.same({ "DNS:localhost", "DNS:*.example.org", "DNS:xn--bcher-kva.example", "IP Address:127.0.0.1",
            "IP Address:0:0:0:0:0:0:0:1" }, names_of(certificate))
        assert.are.same({ { { "commonName", "localhost" } } }, certificate.subject)
        assert.are.same(certificate.subject, certificate.issuer)
        assert.is_true(certificate.not_before >= before - 300 and certificate.not_before <= os.time() - 299) -- os.time() may be behind
        assert.are.equal(3900, certificate.not_after - certificate.not_before)
        assert.are.same({ digitalSignature = true }, certificate.key_usage)
        assert.are.same({ "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2" }, certificate.extended_key_usage)
        assert.are.same({ ca = false }, certificate.basic_constraints)
        assert.are.equal(3, certificate.version)
        assert.are.equal(32, #certificate.serial_number)
        assert.are.equal(20, #certificate.subject_key_id)
        assert.is_true(certificate:matches "www.example.org" and certificate:matches "::1" and not certificate:matches "127.0.0.2")
        assert.is_truthy(key:find "^%-%-%-%-%-BEGIN PRIVATE KEY%-%-%-%-%-\n")
    end)

    it("is different each time", function()
        local one, key = ssl.self_signed_certificate "localhost"
        local two, other = ssl.self_signed_certificate "localhost"
        assert.are_not.equal(ssl.Certificate(one).serial_number, ssl.Certificate(two).serial_number)
        assert.are_not.equal(key, other)
        assert.are.equal(86400 + 300, ssl.Certificate(one).not_after - ssl.Certificate(one).not_before)
    end)

    for key_type, expected in pairs {
        prime256v1 = { "prime256v1", 256, "ecdsa-with-SHA256" }, secp384r1 = { "secp384r1", 384, "ecdsa-with-SHA256" },
        secp521r1 = { "secp521r1", 521, "ecdsa-with-SHA256" }, ed25519 = { nil, 253, "ED25519" },
    } do
        it(key_type .. ": a client that trusts it accepts it, for its names only", function()
            local pem, key = ssl.self_signed_certificate("localhost", { key_type = key_type })
            local certificate = ssl.Certificate(pem)
            assert.are.equal(expected[1], certificate.curve)
            assert.are.equal(expected[2], certificate.public_key_bits)
            assert.are.equal(expected[3], certificate.signature_algorithm)
            local certfile, keyfile = files(pem, key)
            local trusting = ssl.create_default_context { cadata = pem }
            assert.are.equal(1, #certificate:verify(trusting, { hostname = "localhost" }))
            raises("SSLCertVerificationError", { verify_code = 62 }, certificate.verify, certificate, trusting,
                { hostname = "example.org" })
            local other = ssl.create_default_context { cadata = (ssl.self_signed_certificate "localhost") }
            raises("SSLCertVerificationError", { verify_code = 20 }, certificate.verify, certificate, other)
            -- OpenSSL with its strictest flags, also as a client's certificate
            local result = process.run { "openssl", "verify", "-x509_strict", "-CAfile", certfile, "-purpose", "sslclient", certfile }
            assert.are.equal(certfile .. ": OK\n", result.output, result.errors)
            local server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server:load_cert_chain(certfile, keyfile)
        end)
    end

    it("authenticates a server and a client in a handshake", function()
        local pem, key = ssl.self_signed_certificate "localhost"
        local certfile, keyfile = files(pem, key)
        local function context(purpose)
            local made = ssl.create_default_context(purpose, { cafile = certfile })
            made:load_cert_chain(certfile, keyfile)
            made.verify_mode = ssl.CERT_REQUIRED
            return made
        end
        local client, server = link.open({ context = context(), server_hostname = "localhost" },
            { context = context(ssl.Purpose.CLIENT_AUTH) })
        assert.are.equal("localhost", server:getpeercert().subjectAltName[1][2])
        client:close()
        server:close()
    end)

    it("raises for names and validities that a certificate cannot have", function()
        for _, names in ipairs { "", {}, { "a", "" }, "a,b", "a b", ".a", "a.", "a..b", ("a"):rep(254), "[::1]", "a\0b" } do
            raises("ValueError", {}, ssl.self_signed_certificate, names)
        end
        for _, lifetime in ipairs { 0, -1 } do
            raises("ValueError", {}, ssl.self_signed_certificate, "a", lifetime)
        end
        raises("ValueError", {}, ssl.self_signed_certificate, "a", 1, "rsa")
        for _, arguments in ipairs { { 1 }, { nil }, { { 1 } }, { "a", "b" }, { "a", 1, 2 }, { "a", { lifetme = 1 } } } do
            raises("TypeError", {}, ssl.self_signed_certificate, arguments[1], arguments[2], arguments[3])
        end
    end)

    it("a name that is too long for a common name is an alternative name only", function()
        local name = ("a"):rep(60) .. ".example.org"
        local certificate = ssl.Certificate((ssl.self_signed_certificate(name)))
        assert.are.same({}, certificate.subject)
        assert.are.same({ "DNS:" .. name }, names_of(certificate))
    end)
end)
