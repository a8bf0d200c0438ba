-- The certificates that are trusted and those that are not, and the error on each side.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }

local function copy(options)
    local result = {}
    for name, value in pairs(options or {}) do
        result[name] = value
    end
    return result
end

-- accepted checks that the connection works.
local function accepted(client, server, inspect)
    local failures, result = link.attempt(client, server, inspect)
    for _, side in ipairs { "client", "server" } do
        if failures[side] then
            error(side .. " failed: " .. tostring(failures[side]), 2)
        end
    end
    return result
end

-- refused checks that the client does not trust the server, for that reason, and that the server receives that alert.
local function refused(client, server, code, alert, class)
    local failures = link.attempt(client, server)
    local failure = raises.check(failures.client, { "SSLError", "socket.error", class or "SSLError" }, {
        library = "SSL", reason = "CERTIFICATE_VERIFY_FAILED", verify_code = code,
    })
    assert.are.equal("string", type(failure.verify_message))
    assert.are_not.equal("", failure.verify_message)
    assert.is_truthy(tostring(failure):match("CERTIFICATE_VERIFY_FAILED") or class)
    raises.check(failures.server, "SSLError", { library = "SSL", reason = alert })
    return failure
end

for _, version in ipairs(VERSIONS) do
    describe("verification with " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        local function client(options)
            options = copy(options)
            options.version = version
            return options
        end

        for _, cert in ipairs { "server-ec", "server-rsa" } do
            it("PKI-02 EXA-01 EXA-03 a valid chain is accepted (" .. cert .. ")", function()
                accepted(client(), { cert = cert }, function(sock)
                    assert.are.equal(version, sock:version())
                    assert.are.equal("localhost", sock:getpeercert().subject[2][1][2])
                end)
            end)
        end

        describe("the validity", function()
            it("B-22 PKI-02 an expired certificate is refused", function()
                local failure = refused(client(), { cert = "expired" }, 10, "SSLV3_ALERT_CERTIFICATE_EXPIRED")
                assert.is_truthy(failure.verify_message:match("expired"))
            end)

            it("PKI-02 a certificate that is not yet valid is refused", function()
                refused(client(), { cert = "future" }, 9, "SSLV3_ALERT_CERTIFICATE_EXPIRED")
            end)
        end)

        describe("the chain", function()
            it("PKI-02 PKI-03 PKI-06 under an unknown root is refused", function()
                refused(client(), { cert = "unknown" }, 20, "TLSV1_ALERT_UNKNOWN_CA")
                accepted(client { cafile = "unknown-root.pem" }, { cert = "unknown" })
                accepted(client { cafile = "roots.pem" }, { cert = "unknown" })
            end)

            it("PKI-04 without the intermediate is refused", function()
                local context = link.context {}
                context:load_cert_chain(pki.path("server-ec.crt"), pki.path("server-ec.key"))
                refused(client(), { context = context }, 20, "TLSV1_ALERT_UNKNOWN_CA")
                accepted(client(), { cert = "server-ec" })
            end)

            it("WRAP-15 without any trusted CA is refused", function()
                refused(client { cafile = false }, nil, 20, "TLSV1_ALERT_UNKNOWN_CA")
            end)

            it("PKI-09 of a self-signed certificate is accepted only if it is trusted itself", function()
                refused(client(), { cert = "selfsigned" }, 18, "TLSV1_ALERT_UNKNOWN_CA")
                accepted(client { cafile = "selfsigned.pem" }, { cert = "selfsigned" })
            end)

            it("with a certificate for clients only is refused", function()
                refused(client(), { cert = "wrong-purpose" }, 26, "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE")
            end)

            it("PKI-01 SEC-06 CERT_OPTIONAL is the same on a client", function()
                refused(client { verify = ssl.CERT_OPTIONAL }, { cert = "unknown" }, 20, "TLSV1_ALERT_UNKNOWN_CA")
                accepted(client { verify = ssl.CERT_OPTIONAL })
            end)
        end)

        describe("the host name", function()
            it("B-22 B-23 SSLS-03 EXC-12 for another host is a CertificateError inside the handshake", function()
                local failure = refused(client(), { cert = "other" }, 62, "SSLV3_ALERT_BAD_CERTIFICATE", "CertificateError")
                raises.check(failure, "ValueError", {})
                assert.is_truthy(tostring(failure):find("'localhost'", 1, true), tostring(failure))
                accepted(client { server_hostname = "other.example" }, { cert = "other" })
            end)

            it("B-25 can match a wildcard", function()
                accepted(client { server_hostname = "one.wild.cleat.test" })
                accepted(client { server_hostname = "ONE.Wild.Cleat.Test" })
                for _, name in ipairs { "wild.cleat.test", "one.two.wild.cleat.test" } do
                    refused(client { server_hostname = name }, nil, 62, "SSLV3_ALERT_BAD_CERTIFICATE", "CertificateError")
                end
            end)

            it("B-24 MATCH-08 can be an IP address", function()
                accepted(client { server_hostname = "127.0.0.1" })
                accepted(client { server_hostname = "::1" })
                accepted(client { server_hostname = "0:0:0:0:0:0:0:1" })
                accepted(client { server_hostname = "192.0.2.1" }, { cert = "other" })
                for _, name in ipairs { "127.0.0.2", "::2" } do
                    refused(client { server_hostname = name }, nil, 64, "SSLV3_ALERT_BAD_CERTIFICATE", "CertificateError")
                end
            end)

            it("MATCH-06 F16 is compared with the common name if there is no alternative name", function()
                accepted(client(), { cert = "cn-only" })
                refused(client { server_hostname = "www.cleat.test" }, { cert = "cn-only" }, 62,
                    "SSLV3_ALERT_BAD_CERTIFICATE", "CertificateError")
            end)

            it("MATCH-13 SSLS-17 is compared with whole names, beyond a zero byte", function()
                refused(client { server_hostname = "altnull.python.org" }, { cert = "nul" }, 62,
                    "SSLV3_ALERT_BAD_CERTIFICATE", "CertificateError")
                refused(client { server_hostname = "example.com" }, { cert = "nul" }, 62,
                    "SSLV3_ALERT_BAD_CERTIFICATE", "CertificateError")
            end)

            it("SEC-04 is not compared without check_hostname", function()
                accepted(client { check_hostname = false }, { cert = "other" }, function(sock)
                    raises("CertificateError", { match = "doesn't match" }, ssl.match_hostname, sock:getpeercert(), "localhost")
                    ssl.match_hostname(sock:getpeercert(), "other.example")
                end)
            end)

            it("chain errors are reported before host name errors", function()
                refused(client { server_hostname = "elsewhere.example" }, { cert = "unknown" }, 20, "TLSV1_ALERT_UNKNOWN_CA")
            end)
        end)

        describe("CERT_NONE", function()
            it("SEC-03 CONST-01 accepts any server, and does not affect later calls", function()
                for _, cert in ipairs { "unknown", "expired", "selfsigned", "other", "server-ec" } do
                    local options = client { verify = ssl.CERT_NONE, check_hostname = false, cafile = false }
                    accepted(options, { cert = cert }, function(sock)
                        assert.are.same({}, sock:getpeercert())
                        assert.are.equal("string", type(sock:getpeercert(true)))
                    end)
                end
                local ctx = ssl.SSLContext(ssl.PROTOCOL_TLS)
                ctx:load_verify_locations(pki.path("root.pem"))
            end)
        end)

        describe("client certificates", function()
            local function server(options)
                options = copy(options)
                options.cafile = options.cafile or "root.pem"
                options.verify = options.verify or ssl.CERT_REQUIRED
                return options
            end

            it("SEC-02 SEC-05 SSLS-23 a trusted one is accepted and can be read", function()
                for _, mode in ipairs { ssl.CERT_REQUIRED, ssl.CERT_OPTIONAL } do
                    for _, cert in ipairs { "client", "client-rsa" } do
                        accepted(client { cert = cert }, server { verify = mode }, function(_, peer)
                            local seen = peer:getpeercert()
                            assert.are.equal(cert == "client" and "client" or "client with RSA", seen.subject[2][1][2])
                            assert.are.equal("string", type(peer:getpeercert(true)))
                        end)
                    end
                end
            end)

            it("SEC-05 none is refused if one is required", function()
                local failures = link.attempt(client(), server())
                raises.check(failures.server, "SSLError", {
                    library = "SSL", reason = "PEER_DID_NOT_RETURN_A_CERTIFICATE",
                })
                raises.check(failures.client, "SSLError", {
                    library = "SSL",
                    reason = version == "TLSv1.3" and "TLSV1_ALERT_CERTIFICATE_REQUIRED" or "SSLV3_ALERT_HANDSHAKE_FAILURE",
                })
            end)

            it("SSLS-04 CONST-02 none is accepted if it is optional", function()
                accepted(client(), server { verify = ssl.CERT_OPTIONAL }, function(_, peer)
                    assert.is_nil(peer:getpeercert())
                    assert.is_nil(peer:getpeercert(true))
                end)
            end)

            it("SEC-05 CONST-02 one under an unknown root is refused", function()
                for _, mode in ipairs { ssl.CERT_REQUIRED, ssl.CERT_OPTIONAL } do
                    local failures = link.attempt(client { cert = "client-unknown" }, server { verify = mode })
                    raises.check(failures.server, "SSLError", {
                        library = "SSL", reason = "CERTIFICATE_VERIFY_FAILED", verify_code = 20,
                    })
                    raises.check(failures.client, "SSLError", { library = "SSL", reason = "TLSV1_ALERT_UNKNOWN_CA" })
                end
            end)

            it("an expired one is refused", function()
                local failures = link.attempt(client { cert = "client-expired" }, server())
                raises.check(failures.server, "SSLError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = 10 })
                raises.check(failures.client, "SSLError", { reason = "SSLV3_ALERT_CERTIFICATE_EXPIRED" })
            end)

            it("one for servers only is refused", function()
                local failures = link.attempt(client { cert = "server-ec" }, server())
                raises.check(failures.server, "SSLError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = 26 })
                raises.check(failures.client, "SSLError", { reason = "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE" })
            end)

            it("SSLS-23 is not requested with CERT_NONE", function()
                accepted(client { cert = "client-unknown" }, { verify = ssl.CERT_NONE }, function(_, peer)
                    assert.is_nil(peer:getpeercert())
                    assert.is_nil(peer:getpeercert(true))
                end)
            end)
        end)

        describe("revocation", function()
            it("VF-02 CONST-05 CRL_CHECK_LEAF without a list fails", function()
                refused(client { flags = ssl.VERIFY_CRL_CHECK_LEAF }, nil, 3, "TLSV1_ALERT_UNKNOWN_CA")
            end)

            it("VF-02 LVL-03 CONST-05 with the list valid certificates are accepted, and revoked ones refused", function()
                accepted(client { flags = ssl.VERIFY_CRL_CHECK_LEAF, cafile = "root-and-crls.pem" })
                refused(client { flags = ssl.VERIFY_CRL_CHECK_LEAF, cafile = "root-and-crls.pem" }, { cert = "revoked" }, 23,
                    "SSLV3_ALERT_CERTIFICATE_REVOKED")
                accepted(client { cafile = "root-and-crls.pem" }, { cert = "revoked" })
            end)

            it("CONST-06 CRL_CHECK_CHAIN needs a list of every CA", function()
                accepted(client { flags = ssl.VERIFY_CRL_CHECK_CHAIN, cafile = "root-and-crls.pem" })
                local context = link.context(client(link.client_options { flags = ssl.VERIFY_CRL_CHECK_CHAIN }))
                context:load_verify_locations(pki.path("intermediate.crl"))
                refused({ context = context }, nil, 3, "TLSV1_ALERT_UNKNOWN_CA")
            end)
        end)

        it("CHK-05 EXA-02 the context in Python's documentation works", function()
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context.verify_mode = ssl.CERT_REQUIRED
            context.check_hostname = true
            context:load_default_certs()
            context:load_verify_locations(pki.path("root.pem"))
            accepted({ context = context }, { version = version })
            refused({ context = context }, { version = version, cert = "unknown" }, 20, "TLSV1_ALERT_UNKNOWN_CA")
        end)

        it("VM-02 a socket has the settings of the time when it was wrapped", function()
            local context = link.context(client { verify = ssl.CERT_NONE })
            local sock, server = link.pair({ context = context, server_hostname = false }, { cert = "unknown" })
            context.verify_mode = ssl.CERT_REQUIRED
            local tasks = require "support.tasks"
            tasks.run {
                function()
                    tasks.call(sock, "do_handshake")
                end,
                function()
                    tasks.call(server, "do_handshake")
                end,
            }
            sock:close()
            server:close()
        end)
    end)
end
