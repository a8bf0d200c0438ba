-- The sections of Python's documentation on security (17.3.7) and on certificates (17.3.4): forged chains, files with
-- several chains, and equivalent modes.
local der = require "support.der"
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local serve = require "support.serve"
local ssl = require "cleat.ssl"

local function openssl(words)
    table.insert(words, 1, "openssl")
    local result = process.run(words)
    assert(result.status == 0, result.errors)
    return result.output
end

-- issue makes a certificate for localhost, or another CA, with the key ec.key, signed by a certificate of the run's
-- directory or of pki's.
local function issue(name, issuer_cert, issuer_key, extensions)
    local base = process.directory() .. "/" .. name
    process.write_file(base .. ".cnf", "[req]\nprompt = no\ndistinguished_name = dn\n[dn]\nO = cleat tests\n[v3]\n" .. extensions)
    openssl { "req", "-new", "-x509", "-config", base .. ".cnf", "-extensions", "v3", "-key", pki.path("ec.key"), "-subj",
        "/O=cleat tests/CN=" .. name, "-days", "3", "-CA", issuer_cert, "-CAkey", issuer_key, "-out", base .. ".crt" }
    return base .. ".crt"
end

local LEAF = "basicConstraints = critical, CA:FALSE\nsubjectAltName = DNS:localhost\n"
local CA = "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n"

-- presenting returns a server's context with a chain of files and the key ec.key.
local function presenting(...)
    local chain = {}
    for _, name in ipairs { ... } do
        chain[#chain + 1] = process.read_file(name)
    end
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context:load_cert_chain(process.write_file(process.directory() .. "/chain.pem", table.concat(chain)), pki.path("ec.key"))
    return context
end

local function refused(context, code, alert)
    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        local failures = link.attempt({ version = version }, { context = context })
        raises.check(failures.client, "SSLError", { library = "SSL", reason = "CERTIFICATE_VERIFY_FAILED", verify_code = code })
        raises.check(failures.server, "SSLError", { library = "SSL", reason = alert })
    end
end

local function accepted(client, server)
    local failures = link.attempt(client, server)
    assert.is_nil(failures.client)
    assert.is_nil(failures.server)
end

describe("forged chains:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("PKI-02 a certificate whose signature is not its issuer's is refused", function()
        local bytes = pki.read("server-ec.der")
        local forged = bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256)
        local name = process.write_file(process.directory() .. "/forged.pem", ssl.DER_cert_to_PEM_cert(forged))
        refused(presenting(name, pki.path("intermediate.crt")), 7, "TLSV1_ALERT_DECRYPT_ERROR")
    end)

    it("PKI-02 a certificate that was changed after it was signed is refused", function()
        local bytes, count = pki.read("server-ec.der"):gsub("www%.cleat%.test", "www.evil.test.")
        assert(count > 0)
        local name = process.write_file(process.directory() .. "/changed.pem", ssl.DER_cert_to_PEM_cert(bytes))
        refused(presenting(name, pki.path("intermediate.crt")), 7, "TLSV1_ALERT_DECRYPT_ERROR")
    end)

    it("PKI-02 a certificate that was signed by a server's certificate is refused", function()
        -- server-ec's key usage forbids signing; `other` has no key usage, and its basic constraints say that it is not
        -- a CA
        for issuer, code in pairs { ["server-ec"] = 20, ["other"] = 24 } do
            local name = issue("below", pki.path(issuer .. ".crt"), pki.path("ec.key"), LEAF)
            refused(presenting(name, pki.path(issuer .. ".crt"), pki.path("intermediate.crt")), code, "TLSV1_ALERT_UNKNOWN_CA")
        end
    end)

    it("PKI-02 a CA below a CA whose path length is 0 is refused", function()
        local ca = issue("second", pki.path("intermediate.crt"), pki.path("intermediate.key"), CA)
        local name = issue("third", ca, pki.path("ec.key"), LEAF)
        refused(presenting(name, ca, pki.path("intermediate.crt")), 25, "TLSV1_ALERT_UNKNOWN_CA")
    end)

    it("PKI-02 PKI-09 an untrusted root at the end of the chain is refused", function()
        refused(presenting(pki.path("unknown.crt"), pki.path("unknown-root.crt")), 19, "TLSV1_ALERT_UNKNOWN_CA")
    end)

    it("PKI-02 a root with the trusted root's name and another key is refused", function()
        local base = process.directory() .. "/namesake"
        process.write_file(base .. ".cnf", "[req]\nprompt = no\ndistinguished_name = dn\n[dn]\nO = x\n[v3]\n" .. CA)
        openssl { "req", "-new", "-x509", "-config", base .. ".cnf", "-extensions", "v3", "-key", pki.path("client.key"), "-subj",
            "/O=cleat tests/CN=cleat test root", "-days", "3", "-out", base .. ".crt" }
        local name = issue("under-namesake", base .. ".crt", pki.path("client.key"), LEAF)
        local failures = link.attempt({}, { context = presenting(name, base .. ".crt") })
        raises.check(failures.client, "SSLError", { library = "SSL", reason = "CERTIFICATE_VERIFY_FAILED" })
        raises.check(failures.server, "SSLError", { library = "SSL" })
    end)
end)

describe("certificate files:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("PKI-03 PKI-04 LCC-02 the chain is sent in the file's order, the own certificate first", function()
        local certfile = process.write_file(process.directory() .. "/long.pem",
            "text before\n" .. pki.read("server-ec.pem") .. "text between\n" .. pki.read("root.pem"))
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        context:load_cert_chain(certfile, pki.path("ec.key"))
        local server = serve { cert = "server-ec", bytes = 1 }
        server:stop()
        server = process.start(process.lua {
            "spec/support/server.lua", "cert=" .. certfile, "key=" .. pki.path("ec.key"), "bytes=1", timeout = 30,
        })
        local port = server:wait_for("listening on (%d+)")
        local output = openssl { "s_client", "-connect", "127.0.0.1:" .. port, "-showcerts", "-ign_eof", stdin = "x", timeout = 20 }
        local subjects = {}
        for subject in output:gmatch("\n %d s:([^\n]*)") do
            subjects[#subjects + 1] = subject:match("CN = (.*)$")
        end
        assert.are.same({ "localhost", "cleat test intermediate", "cleat test root" }, subjects)
        server:stop()
    end)

    it("PKI-05 PKI-06 LVL-08 CA certificates are loaded from any position in a file", function()
        local root, unknown = pki.read("root.pem"), pki.read("unknown-root.pem")
        local other = pki.read("selfsigned.pem")
        for _, text in ipairs { root .. unknown, unknown .. root, other .. unknown .. "\ncomment\n" .. other .. root .. root } do
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_verify_locations(process.write_file(process.directory() .. "/cas.pem", text))
            context.verify_mode = ssl.CERT_REQUIRED
            context.check_hostname = true
            accepted({ context = context }, { cert = "server-ec" })
            accepted({ context = context }, { cert = "unknown" })
        end
    end)

    it("PKI-06 with two CAs of one name the certificates of both are trusted", function()
        -- a second root with the first one's name, and another key
        local base = process.directory() .. "/twin"
        process.write_file(base .. ".cnf", "[req]\nprompt = no\ndistinguished_name = dn\n[dn]\nO = x\n[v3]\n" .. CA)
        openssl { "req", "-new", "-x509", "-config", base .. ".cnf", "-extensions", "v3", "-key", pki.path("client.key"), "-subj",
            "/O=cleat tests/CN=cleat test root", "-days", "3", "-out", base .. ".crt" }
        local name = issue("localhost", base .. ".crt", pki.path("client.key"), LEAF)
        local twin, root = process.read_file(base .. ".crt"), pki.read("root.pem")
        for _, text in ipairs { twin .. root, root .. twin } do
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_verify_locations { cadata = text }
            context.verify_mode = ssl.CERT_REQUIRED
            accepted({ context = context }, { cert = "server-ec" })
            accepted({ context = context }, { context = presenting(name) })
        end
    end)

    it("PKI-08 WRAP-08 LCC-03 one file with key and chain is enough, in either order", function()
        for _, name in ipairs { "server-ec.key-first.pem", "server-ec.key-last.pem" } do
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_cert_chain(pki.path(name))
            accepted({}, { context = context })
        end
    end)

    it("PKI-09 a self-signed certificate is its own root, and no other certificate's", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        context:load_verify_locations(pki.path("selfsigned.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = true
        accepted({ context = context }, { cert = "selfsigned" })
        local failures = link.attempt({ context = context }, { cert = "server-ec" })
        raises.check(failures.client, "SSLError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = 20 })
        -- and it cannot sign: it is not a CA
        local name = issue("signed", pki.path("selfsigned.crt"), pki.path("selfsigned.key"), LEAF)
        for _, mode in ipairs { ssl.CERT_REQUIRED, ssl.CERT_OPTIONAL } do
            context.verify_mode = mode
            failures = link.attempt({ context = context }, { context = presenting(name) })
            raises.check(failures.client, "SSLError", {
                reason = "CERTIFICATE_VERIFY_FAILED", verify_code = 24, verify_message = "invalid CA certificate",
            })
            raises.check(failures.server, "SSLError", { reason = "TLSV1_ALERT_UNKNOWN_CA" })
        end
    end)

    it("PKI-09 CTX-08 a root of X.509 version 1 is a CA", function()
        local base = process.directory() .. "/v1-leaf"
        process.write_file(base .. ".ext", LEAF)
        openssl { "req", "-new", "-key", pki.path("ec.key"), "-subj", "/CN=localhost", "-out", base .. ".csr" }
        openssl { "x509", "-req", "-in", base .. ".csr", "-CA", pki.path("v1.crt"), "-CAkey", pki.path("v1.key"), "-set_serial", "5",
            "-days", "3", "-extfile", base .. ".ext", "-out", base .. ".crt" }
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        context:load_verify_locations(pki.path("v1.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = true
        accepted({ context = context }, { context = presenting(base .. ".crt") })
    end)
end)

describe("verification modes:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        it("SEC-06 CONST-02 CONST-03 CERT_OPTIONAL and CERT_REQUIRED are the same on a client, " .. version, function()
            for _, case in ipairs {
                { {}, "server-ec" }, { {}, "unknown", 20 }, { {}, "expired", 10 }, { {}, "future", 9 }, { {}, "selfsigned", 18 },
                { {}, "other", 62 }, { { cafile = false }, "server-ec", 20 }, { {}, "wrong-purpose", 26 },
                { { server_hostname = "127.0.0.2" }, "server-ec", 64 },
                { { flags = ssl.VERIFY_CRL_CHECK_LEAF, cafile = "root-and-crls.pem" }, "revoked", 23 },
            } do
                for _, mode in ipairs { ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED } do
                    local options = { version = version, verify = mode }
                    for name, value in pairs(case[1]) do
                        options[name] = value
                    end
                    local failures = link.attempt(options, { cert = case[2] })
                    if case[3] then
                        raises.check(failures.client, "SSLError", {
                            library = "SSL", reason = "CERTIFICATE_VERIFY_FAILED", verify_code = case[3],
                        })
                        assert.is_not_nil(failures.server)
                    else
                        assert.is_nil(failures.client)
                    end
                end
            end
        end)
    end

    it("SEC-03 SEC-07 a bare context connects to any server with TLS 1.0 and later", function()
        for _, version in ipairs { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" } do
            local context = ssl.SSLContext(ssl.PROTOCOL_SSLv23)
            for _, name in ipairs { "OP_NO_SSLv2", "OP_NO_SSLv3" } do
                if context.options % (2 * ssl[name]) < ssl[name] then
                    context.options = context.options + ssl[name]
                end
            end
            local server = link.context { version = version, cert = "server-rsa" }
            local failures, spoken = link.attempt({ context = context, server_hostname = false }, { context = server }, function(sock)
                return sock:version()
            end)
            assert.is_nil(failures.client)
            assert.are.equal(version, spoken)
        end
    end)

    it("SEC-04 MATCH-01 SSLS-20 match_hostname refuses a certificate for another name", function()
        local failures = link.attempt({ check_hostname = false, server_hostname = "localhost" }, { cert = "other" }, function(sock)
            local cert = sock:getpeercert()
            local failure = raises("CertificateError", {}, ssl.match_hostname, cert, "localhost")
            assert.are.equal("hostname 'localhost' doesn't match 'other.example'", tostring(failure))
            assert.are.equal(0, select("#", ssl.match_hostname(cert, "other.example")))
        end)
        assert.is_nil(failures.client)
    end)

    it("SSLS-06 MATCH-05 match_hostname refuses an unverified certificate", function()
        local failures = link.attempt({ verify = ssl.CERT_NONE, check_hostname = false }, { cert = "other" }, function(sock)
            raises("ValueError", { match = "empty or no certificate" }, ssl.match_hostname, sock:getpeercert(), "other.example")
        end)
        assert.is_nil(failures.client)
    end)

    it("LVL-10 LVL-09 data of which only a part is valid adds nothing", function()
        local root = pki.read("root.der")
        for _, data in ipairs {
            root .. "\1garbage", root .. "0", root .. root:sub(1, -2), pki.read("root.pem") .. pki.read("bad.pem"),
            pki.read("root.pem") .. pki.read("root.pem"):sub(1, -30), root .. der.sequence(der.integer "01"),
        } do
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            raises("SSLError", {}, context.load_verify_locations, context, { cadata = data })
            assert.are.same({ x509 = 0, x509_ca = 0, crl = 0 }, context:cert_store_stats())
        end
    end)
end)
