-- The fields of SSLCertVerificationError about the refused certificate: depth, certificate, chain.
local handles = require "support.handles"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"
local visits = require "support.visits"

local visit = visits.visit

local DEPTH_ZERO_SELF_SIGNED, EXPIRED, NO_ISSUER, APPLICATION, WRONG_NAME = 18, 10, 20, 50, 62

local function certificate(name)
    return ssl.Certificate { file = pki.path(name) }
end

local function run(...)
    local result = process.run { "openssl", ... }
    assert(result.status == 0, result.errors)
end

-- refused checks the fields of an error. what: code, depth, certificate, sent: files of pki; or certificates.
local function refused(failure, what)
    raises.check(failure, { "SSLCertVerificationError", "CertificateError" }, { verify_code = what.code, depth = what.depth })
    local function of(value)
        return type(value) == "string" and certificate(value) or value
    end
    assert.is_true(ssl.Certificate:is(failure.certificate))
    assert.are.equal(of(what.certificate), failure.certificate)
    assert.are.equal(failure.certificate, failure.certificate)
    assert.is_true(rawequal(failure.certificate, failure.certificate))
    assert.is_true(rawequal(failure.chain, failure.chain))
    assert.are.equal(#what.sent, #failure.chain)
    for index, sent in ipairs(what.sent) do
        assert.are.equal(of(sent), failure.chain[index])
    end
end

local SENT = { "expired.crt", "intermediate.crt" }
local EXPECTED = { code = EXPIRED, depth = 0, certificate = "expired.crt", sent = SENT }

describe("the error of a refused certificate:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        it("has the certificate, its depth and the chain, which can be used after the connection was closed, with " .. version, function()
            for _, case in ipairs {
                { { "expired" }, EXPECTED },
                { { "server-ec", server_hostname = "example.org" },
                    { code = WRONG_NAME, depth = 0, certificate = "server-ec.crt",
                        sent = { "server-ec.crt", "intermediate.crt" } } },
                { { "selfsigned" },
                    { code = DEPTH_ZERO_SELF_SIGNED, depth = 0, certificate = "selfsigned.crt", sent = { "selfsigned.crt" } } },
                { { "server-ec", cafile = "unknown-root.pem" },
                    { code = NO_ISSUER, depth = 1, certificate = "intermediate.crt",
                        sent = { "server-ec.crt", "intermediate.crt" } } },
            } do
                local options = case[1]
                local failures = link.attempt({
                    version = version, server_hostname = options.server_hostname, cafile = options.cafile or "root.pem",
                }, { cert = options[1], version = version })
                refused(failures.client, case[2])
                assert.is_nil(failures.server.certificate)
            end
        end)

        it("has a client's certificate on a server, with " .. version, function()
            local server = { cafile = "root.pem", verify = ssl.CERT_REQUIRED, version = version }
            refused(link.attempt({ cert = "client-expired", version = version }, server).server, {
                code = EXPIRED, depth = 0, certificate = "client-expired.crt",
                sent = { "client-expired.crt", "intermediate.crt" },
            })
            refused(link.attempt({ cert = "client-unknown", version = version }, server).server, {
                code = NO_ISSUER, depth = 0, certificate = "client-unknown.crt", sent = { "client-unknown.crt" },
            })
        end)

        it("has them in each call that does the handshake, and when it is repeated, with " .. version, function()
            for _, call in ipairs { { "do_handshake" }, { "recv", 1 }, { "send", "x" } } do
                local client, server = link.pair({ version = version }, { cert = "expired", version = version })
                local _, failures = tasks.outcomes {
                    function() tasks.call(client, (table.unpack or unpack)(call)) end,
                    function() tasks.call(server, "do_handshake") tasks.receive(server, 1) end,
                }
                refused(failures[1], EXPECTED)
                refused(select(2, pcall(client.do_handshake, client)), EXPECTED)
                client:close()
                server:close()
                refused(failures[1], EXPECTED)
            end
        end)
    end

    it("has them when a resumed session is refused", function()
        for _, version in ipairs(visits.VERSIONS) do
            local server = visits.server(version)
            local bytes = visit({ client = visits.client(version), server = server }).session:tobytes()
            local function again(client)
                return visit { client = client, server = server, session = client:session_from_bytes(bytes) }
            end
            assert.is_true(again(visits.client(version)).reused) -- a control
            local result = again(visits.client(version, "unknown-root.pem"))
            refused(result.failure, {
                code = NO_ISSUER, depth = 1, certificate = "intermediate.crt",
                sent = { "server-ec.crt", "intermediate.crt" },
            })
        end
    end)

    it("has them when the failure has closed the connection", function()
        local certfile, keyfile = pki.chain "expired"
        local job = peer.serve { tls = true, cert = certfile, key = keyfile, "handshake" }
        local failure = raises("SSLCertVerificationError", {}, function()
            local sock = socket.create_connection({ "127.0.0.1", job.port }, 10)
            link.context(link.client_options()):wrap_socket(sock, { server_hostname = "localhost" })
        end)
        refused(failure, EXPECTED)
        assert.are.equal("Feb  1 00:00:00 2020 GMT", failure.certificate.not_after_text)
        assert.is_truthy(job:finish()[1]:lower():find "certificate.?expired")
    end)

    it("has them over memory", function()
        local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        local context = link.context(link.client_options())
        local client = context:wrap_bio(incoming, outgoing, { server_hostname = "localhost" })
        local server = link.context { cert = "expired" }:wrap_bio(outgoing, incoming, { server_side = true })
        local failure
        for _ = 1, 10 do
            local ok, err = pcall(client.do_handshake, client)
            if not ok and not ssl.SSLWantReadError:is(err) then
                failure = err
                break
            end
            pcall(server.do_handshake, server)
        end
        refused(failure, EXPECTED)
    end)

    it("has the certificate of the chain that was built, whatever was sent, and in which order", function()
        local directory = process.directory()
        local path = directory .. "/mixed.pem"
        process.write_file(path, pki.read "server-ec.crt" .. pki.read "other.crt" .. pki.read "intermediate.crt")
        local server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server:load_cert_chain(path, pki.path "ec.key")
        local failures = link.attempt({ cafile = "unknown-root.pem" }, { context = server })
        refused(failures.client, {
            code = NO_ISSUER, depth = 1, certificate = "intermediate.crt",
            sent = { "server-ec.crt", "other.crt", "intermediate.crt" },
        })
    end)

    it("may have a trusted certificate that was not sent", function()
        local directory = process.directory()
        local root, leaf = directory .. "/root", directory .. "/leaf"
        local EC = { "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes" }
        local function req(name, ...)
            local words = { "req", "-x509", "-keyout", name .. ".key", "-out", name .. ".crt" }
            for _, list in ipairs { EC, { ... } } do
                for _, word in ipairs(list) do words[#words + 1] = word end
            end
            run((table.unpack or unpack)(words))
        end
        req(root, "-subj", "/CN=short root", "-days", "1", "-addext", "keyUsage=critical,keyCertSign")
        req(leaf, "-subj", "/CN=localhost", "-days", "9", "-addext", "subjectAltName=DNS:localhost", "-addext",
            "basicConstraints=CA:FALSE", "-CA", root .. ".crt", "-CAkey", root .. ".key")
        local anchor = ssl.Certificate { file = root .. ".crt" }
        local client = ssl.create_default_context { cafile = root .. ".crt" }
        local server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server:load_cert_chain(leaf .. ".crt", leaf .. ".key")
        assert.are.same({}, (link.attempt({ context = client }, { context = server }))) -- a control
        client.verify_time = anchor.not_after + 1
        refused(link.attempt({ context = client }, { context = server }).client, {
            code = EXPIRED, depth = 1, certificate = anchor, sent = { ssl.Certificate { file = leaf .. ".crt" } },
        })
    end)

    it("has the peer's own certificate if a verify callback refuses, with and without an error", function()
        for _, callback in ipairs {
            function() return false end,
            function() error "no such pin" end,
        } do
            local context = link.context(link.client_options())
            context.verify_callback = callback
            local failure = link.attempt({ context = context }, {}).client
            refused(failure, {
                code = APPLICATION, depth = 0, certificate = "server-ec.crt",
                sent = { "server-ec.crt", "intermediate.crt" },
            })
        end
    end)

    it("has nil in errors that a program makes, and in other errors", function()
        local err = ssl.SSLCertVerificationError(1, "made")
        assert.is_nil(err.depth)
        assert.is_nil(err.certificate)
        assert.is_nil(err.chain)
        assert.are.equal("made", tostring(err))
        local failures = link.attempt({}, { cafile = "root.pem", verify = ssl.CERT_REQUIRED })
        raises.check(failures.server, "SSLError", { reason = "PEER_DID_NOT_RETURN_A_CERTIFICATE" })
        assert.is_nil(failures.server.certificate)
    end)

    it("keeps no ids open except those of its certificates, until it is collected", function()
        local backend = require "cleat.backend"
        local function count()
            collectgarbage()
            collectgarbage()
            return backend.handle_count()
        end
        local before = count()
        local failures = link.attempt({}, { cert = "expired" })
        assert.are.equal(before + 1, count())
        assert.are.equal(2, #failures.client.chain)
        assert.are.equal(0, failures.client.depth)
        failures = nil -- luacheck: ignore
    end)
end)
