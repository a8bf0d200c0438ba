-- OCSP responses: openssl's are accepted, faulty ones are refused, and a stapled response decides about the server's
-- certificate. Each refusal has a control: the same with a valid response.
local der = require "support.der"
local handles = require "support.handles"
local link = require "support.link"
local ocsp = require "support.ocsp"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local REVOKED, NEEDED, FAILED, UNKNOWN = 23, 73, 74, 75
local DELEGATE = "extendedKeyUsage = OCSPSigning\nkeyUsage = digitalSignature\nbasicConstraints = critical, CA:FALSE"
local MUST_STAPLE = "subjectAltName = DNS:localhost\nextendedKeyUsage = serverAuth\ntlsfeature = status_request"

local function check(response, cert, issuer)
    return ssl.check_ocsp_response(response, pki.read(cert or "server-ec.crt"), pki.read(issuer or "intermediate.crt"))
end

local function refused(reason, response, ...)
    raises("ssl.SSLError", { library = "OCSP", reason = reason }, check, response, ...)
end

describe("OCSP responses:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for name, options in pairs {
        ["signed by the issuer"] = {},
        ["with the issuer's key as the responder"] = { words = { "-resp_key_id", "-ndays", "2" } },
        ["with no certificates"] = { words = { "-resp_no_certs", "-ndays", "2" } },
        ["with SHA-256 in the CertID"] = { before = { "-sha256" } },
        ["signed with SHA-512"] = { words = { "-rmd", "sha512", "-ndays", "2" } },
    } do
        it("made by openssl are accepted: " .. name, function()
            local before = os.time()
            local status = check(ocsp.respond(options))
            assert.are.equal("good", status.status)
            assert.is_true(status.this_update >= before - 1 and status.this_update <= os.time())
            assert.are.equal(status.this_update + 2 * 86400, status.next_update)
            assert.is_nil(status.revoked_at)
            assert.is_nil(status.reason)
        end)
    end

    it("made by openssl: revoked, unknown, and without an end of validity", function()
        local status = check(ocsp.respond { status = "revoked" })
        assert.are.equal("revoked", status.status)
        assert.are.equal(1767268800, status.revoked_at) -- 2026-01-01 12:00
        assert.are.equal(1, status.reason) -- keyCompromise
        assert.are.equal("unknown", check(ocsp.respond { status = "unknown" }).status)
        local open = ocsp.respond { words = {} }
        status = check(open)
        assert.are.equal("good", status.status)
        assert.is_nil(status.next_update)
    end)

    it("of a responder that the issuer has authorized, by name and by key, are accepted", function()
        for _, key in ipairs { "ec.key", "rsa.key" } do
            local cert, keyfile = ocsp.issue("responder", DELEGATE, "intermediate", key)
            for _, words in ipairs { { "-ndays", "1" }, { "-ndays", "1", "-resp_key_id" } } do
                local response = ocsp.respond { signer_cert = cert, signer_key = keyfile, words = words }
                assert.are.equal("good", check(response).status)
            end
            refused("SIGNER_CERTIFICATE_NOT_FOUND", ocsp.respond {
                signer_cert = cert, signer_key = keyfile, words = { "-resp_no_certs", "-ndays", "1" },
            })
        end
    end)

    it("of a responder that is not authorized are refused", function()
        for what, extensions in pairs {
            ["not for OCSP"] = "extendedKeyUsage = serverAuth",
            ["no extended key usage"] = "basicConstraints = CA:FALSE",
            ["any usage"] = "extendedKeyUsage = anyExtendedKeyUsage",
            ["no signatures"] = "extendedKeyUsage = OCSPSigning\nkeyUsage = keyEncipherment",
            ["unknown critical extension"] = "extendedKeyUsage = OCSPSigning\n1.2.3.4 = critical, DER:0500",
        } do
            local cert, key = ocsp.issue("responder", extensions)
            local ok, failure = pcall(check, ocsp.respond { signer_cert = cert, signer_key = key })
            assert.is_false(ok, what)
            assert.are.equal("RESPONDER_NOT_AUTHORIZED", failure.reason, what)
        end
        local cert, key = ocsp.issue("responder", DELEGATE, "root") -- the issuer's issuer cannot authorize it
        refused("RESPONDER_NOT_AUTHORIZED", ocsp.respond { signer_cert = cert, signer_key = key })
        refused("RESPONDER_NOT_AUTHORIZED", ocsp.respond { signer = "server-ec" }) -- the certificate itself
        cert, key = ocsp.issue("intermediate", DELEGATE, "unknown-root")
        refused("RESPONDER_NOT_AUTHORIZED", ocsp.respond { signer_cert = cert, signer_key = key })
    end)

    it("for another certificate, and of another issuer, are refused", function()
        local response = ocsp.respond {}
        assert.are.equal("good", check(response).status)
        refused("CERTIFICATE_NOT_COVERED", response, "server-rsa.crt")
        refused("NOT_ISSUED_BY", response, "server-ec.crt", "root.crt")
        refused("NOT_ISSUED_BY", response, "server-ec.crt", "unknown-root.crt")
        local other = ocsp.respond { issuer = "root.crt", signer = "root" } -- the same serial number
        refused("ISSUER_MISMATCH", other)
    end)

    it("with a wrong signature, a wrong key or a weak key are refused", function()
        local parts = ocsp.parse(ocsp.respond {})
        assert.are.equal("good", check(ocsp.build(parts)).status)
        refused("SIGNATURE_FAILURE", ocsp.respond { words = { "-badsig", "-ndays", "1" } })
        refused("SIGNATURE_FAILURE", ocsp.build(parts, "root.key"))
        refused("SIGNATURE_FAILURE", ocsp.build(parts, "intermediate.key", "sha384"))
        refused("SIGNATURE_ALGORITHM", ocsp.respond { words = { "-rmd", "sha1", "-ndays", "1" } })
        parts.algorithm = der.sequence(der.oid "1.2.3.4")
        refused("SIGNATURE_ALGORITHM", ocsp.build(parts))
        parts.algorithm = der.sequence(der.oid "1.2.840.10045.4.3.2", der.hex "05 00")
        refused("MALFORMED_RESPONSE", ocsp.build(parts))
    end)

    it("that are too old or too new are refused", function()
        local parts = ocsp.parse(ocsp.respond {})
        local function at(this, next)
            parts.this, parts.next = ocsp.time(this), next and der.explicit(0, ocsp.time(next))
            return ocsp.build(parts)
        end
        assert.are.equal("good", check(at(-1000, 1000)).status)
        assert.are.equal("good", check(at(240, 1000)).status)
        assert.are.equal("good", check(at(-1000, -240)).status)
        assert.are.equal("good", check(at(-240)).status)
        refused("STATUS_NOT_YET_VALID", at(360, 1000))
        refused("STATUS_EXPIRED", at(-1000, -360))
        refused("STATUS_EXPIRED", at(-360))
        refused("MALFORMED_RESPONSE", at(-100, -200))
    end)

    it("with extensions, with several statuses, and in other forms", function()
        local original = ocsp.respond {}
        local function changed(change)
            local parts = ocsp.parse(original)
            change(parts)
            return ocsp.build(parts)
        end
        local function extension(critical)
            return der.explicit(1, der.sequence(der.extension("1.2.3.4", "\5\0", critical)))
        end
        assert.are.equal("good", check(changed(function(parts)
            parts.extensions, parts.single_extensions = extension(), extension()
        end)).status)
        refused("UNHANDLED_CRITICAL_EXTENSION", changed(function(parts)
            parts.extensions = extension(true)
        end))
        refused("UNHANDLED_CRITICAL_EXTENSION", changed(function(parts)
            parts.single_extensions = extension(true)
        end))
        local function single(parts, id)
            return der.sequence(id or parts.id, parts.status, parts.this, parts.next)
        end
        assert.are.equal("good", check(changed(function(parts)
            local id = ocsp.parse(ocsp.respond { cert = "server-rsa.crt" }).id
            parts.singles = single(parts, id) .. single(parts)
        end)).status)
        refused("AMBIGUOUS_STATUS", changed(function(parts)
            parts.singles = single(parts) .. single(parts)
        end))
        refused("CERTIFICATE_NOT_COVERED", changed(function(parts)
            parts.singles = ""
        end))
        refused("MALFORMED_RESPONSE", changed(function(parts)
            parts.version = der.explicit(0, der.integer "01")
        end))
        refused("MALFORMED_RESPONSE", changed(function(parts)
            parts.status = der.implicit(3)
        end))
        refused("RESPONSE_STATUS", changed(function(parts)
            parts.response_status = "\6"
        end))
        refused("RESPONSE_STATUS", der.sequence(der.tlv(0x0a, "\3"))) -- tryLater
        for _, bytes in ipairs { "", "\0", "0", der.sequence(), original .. "\0", original:sub(1, -2) } do
            refused("MALFORMED_RESPONSE", bytes)
        end
    end)

    it("with any bit changed are refused", function()
        local response = ocsp.respond { words = { "-resp_no_certs", "-ndays", "1" } }
        local cert, issuer = pki.read("server-ec.crt"), pki.read("intermediate.crt")
        local count = 0
        for index = 1, #response do
            local byte = response:byte(index)
            local bit = index % 8
            local set = math.floor(byte / 2 ^ bit) % 2 == 1
            local changed = response:sub(1, index - 1) .. string.char(set and byte - 2 ^ bit or byte + 2 ^ bit)
                .. response:sub(index + 1)
            local ok, failure = pcall(ssl.check_ocsp_response, changed, cert, issuer)
            assert.is_false(ok, "byte " .. index)
            assert.are.equal("OCSP", failure.library)
            count = count + 1
        end
        assert.is_true(count > 200)
    end)

    it("arguments of wrong types raise", function()
        raises("TypeError", { match = "argument 'response' must be" }, ssl.check_ocsp_response, 1, "", "")
        raises("TypeError", { match = "argument 'issuer' must be" }, ssl.check_ocsp_response, "", pki.read("root.crt"), 3)
        raises("ssl.SSLError", { library = "PEM" }, ssl.check_ocsp_response, "", "-----BEGIN CERTIFICATE-----", "")
        raises("ssl.SSLError", { library = "ASN1" }, ssl.check_ocsp_response, "", "junk", "")
        local response = ocsp.respond {}
        assert.are.equal("good", ssl.check_ocsp_response {
            response = response, certificate = pki.read("server-ec.der"), issuer = pki.read("intermediate.crt"),
        }.status)
    end)
end)

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe("stapled responses, " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        local function client(options)
            local context = link.context { version = version, cafile = "root.pem", verify = ssl.CERT_REQUIRED, check_hostname = true }
            for name, value in pairs(options or {}) do
                context[name] = value
            end
            return context
        end

        local function server(response, certfile)
            local context = link.context { version = version, cert = not certfile and "server-ec" or nil }
            if certfile then
                context:load_cert_chain(certfile, pki.path("ec.key"))
            end
            context.ocsp_response = response
            return context
        end

        local function attempt(ours, theirs, inspect)
            return link.attempt({ context = ours, version = version }, { context = theirs, version = version }, inspect)
        end

        -- response returns the response that a client has received, if it has accepted the server.
        local function accepted(ours, theirs)
            local failures, got = attempt(ours, theirs, function(connected, serving)
                assert.is_nil(serving:ocsp_response())
                return { connected:ocsp_response() }
            end)
            assert.are.same({}, failures)
            return got[1]
        end

        local function fails(code, alert, words, ours, theirs)
            local failures = attempt(ours, theirs)
            raises.check(failures.client, "ssl.SSLCertVerificationError", { verify_code = code, verify_message = words })
            raises.check(failures.server, "ssl.SSLError", { alert = alert })
        end

        it("B-63 arrive as they were sent, at clients that request them", function()
            local response = ocsp.respond {}
            local theirs = server(response)
            assert.are.equal(response, theirs.ocsp_response)
            assert.are.equal(response, accepted(client(), theirs))
            assert.are.equal(response, accepted(client { require_ocsp = true }, theirs))
            assert.are.equal(response, accepted(client { require_ocsp = true, ask_ocsp = false }, theirs))
            assert.is_nil(accepted(client { ask_ocsp = false }, theirs))
            assert.is_nil(accepted(client(), server()))
            local blind = client { check_hostname = false }
            blind.verify_mode, blind.require_ocsp = ssl.CERT_NONE, true
            assert.are.equal(response, accepted(blind, theirs)) -- this client verifies nothing
            assert.is_nil(accepted(blind, server()))
        end)

        it("are required if the context says so", function()
            fails(NEEDED, 113, "OCSP verification needed", client { require_ocsp = true }, server())
            assert.is_nil(accepted(client(), server()))
        end)

        it("with the status revoked refuse the server", function()
            local response = ocsp.respond { status = "revoked" }
            for _, require_ocsp in ipairs { false, true } do
                fails(REVOKED, 44, "certificate revoked", client { require_ocsp = require_ocsp }, server(response))
            end
            assert.is_nil(accepted(client { ask_ocsp = false }, server(response)))
        end)

        it("that are invalid are ignored, unless required", function()
            local parts = ocsp.parse(ocsp.respond {})
            parts.this, parts.next = ocsp.time(-5000), der.explicit(0, ocsp.time(-4000))
            for response, words in pairs {
                [ocsp.build(parts)] = "the OCSP response has expired",
                [ocsp.respond { status = "revoked", words = { "-badsig", "-ndays", "1" } }] = "the OCSP response's signature is wrong",
                [ocsp.respond { signer = "server-ec" }] = "the issuer has not authorized the OCSP responder",
            } do
                assert.are.equal(response, accepted(client(), server(response)))
                fails(FAILED, 113, "OCSP verification failed: " .. words, client { require_ocsp = true }, server(response))
            end
            local unknown = ocsp.respond { status = "unknown" }
            assert.are.equal(unknown, accepted(client(), server(unknown)))
            fails(UNKNOWN, 113, "OCSP unknown cert", client { require_ocsp = true }, server(unknown))
        end)

        it("are required by certificates that promise them", function()
            local cert, _, certfile = ocsp.issue("must-staple", MUST_STAPLE)
            local good = ocsp.respond { cert = cert }
            assert.are.equal(good, accepted(client(), server(good, certfile)))
            fails(NEEDED, 113, "OCSP verification needed", client(), server(nil, certfile))
            local bad = ocsp.respond { cert = cert, words = { "-badsig", "-ndays", "1" } }
            fails(FAILED, 113, "OCSP verification failed: the OCSP response's signature is wrong", client(),
                server(bad, certfile))
            assert.is_nil(accepted(client { ask_ocsp = false }, server(nil, certfile)))
        end)

        it("are verified if the chain is in the cache", function()
            local ours, good = client { require_ocsp = true }, server(ocsp.respond {})
            local function counted(f, ...)
                local before = ours:chain_cache_stats().hits
                f(...)
                return ours:chain_cache_stats().hits - before
            end
            accepted(ours, good)
            assert.are.equal(1, counted(accepted, ours, good))
            assert.are.equal(0, counted(accepted, ours, server(ocsp.respond { before = { "-sha256" } })))
            assert.are.equal(0, counted(fails, REVOKED, 44, "certificate revoked", ours,
                server(ocsp.respond { status = "revoked" })))
            assert.are.equal(0, counted(fails, NEEDED, 113, "OCSP verification needed", ours, server()))
            assert.are.equal(1, counted(accepted, ours, good))
        end)

        it("cannot be requested from clients, who are refused if one is required", function()
            local ours, theirs = client(), server()
            ours:load_cert_chain(pki.chain("client"))
            theirs:load_verify_locations(pki.path("root.pem"))
            theirs.verify_mode = ssl.CERT_REQUIRED
            assert.is_nil(accepted(ours, theirs))
            theirs.require_ocsp = true
            local failures = attempt(ours, theirs)
            raises.check(failures.server, "ssl.SSLCertVerificationError", { verify_code = NEEDED })
            raises.check(failures.client, "ssl.SSLError", { alert = 113 })
        end)

        it("B-63 timestamps arrive as they were sent, at clients that request them", function()
            local theirs = server()
            theirs.scts = { "one", ("2"):rep(300) }
            local failures, got = attempt(client { ask_scts = true }, theirs, function(connected, serving)
                assert.is_nil(serving:scts())
                return connected:scts()
            end)
            assert.are.same({}, failures)
            assert.are.same({ "one", ("2"):rep(300) }, got)
            failures, got = attempt(client(), theirs, function(connected)
                return connected:scts()
            end)
            assert.are.same({}, failures)
            assert.is_nil(got)
        end)
    end)
end

describe("a context's staples:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("belong to the certificate that is loaded", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        local response = ocsp.respond {}
        raises("ValueError", { match = "load a certificate first" }, function()
            context.ocsp_response = response
        end)
        raises("ValueError", { match = "load a certificate first" }, function()
            context.scts = { "x" }
        end)
        context:load_cert_chain(pki.chain("server-ec"))
        context.ocsp_response, context.scts = response, { "x" }
        assert.are.equal(response, context.ocsp_response)
        assert.are.same({ "x" }, context.scts)
        for bytes, reason in pairs {
            [ocsp.respond { cert = "server-rsa.crt" }] = "CERTIFICATE_NOT_COVERED", junk = "MALFORMED_RESPONSE",
            [""] = "MALFORMED_RESPONSE", [der.sequence(der.tlv(0x0a, "\3"))] = "RESPONSE_STATUS",
        } do
            raises("ssl.SSLError", { library = "OCSP", reason = reason }, function()
                context.ocsp_response = bytes
            end)
        end
        assert.are.equal(response, context.ocsp_response)
        context:load_cert_chain(pki.chain("server-rsa"))
        assert.are.equal(response, context.ocsp_response)
        context:load_cert_chain(pki.chain("server-ec"))
        assert.is_nil(context.ocsp_response)
        assert.is_nil(context.scts)
        context.scts = { "y" }
        context.scts = nil
        assert.is_nil(context.scts)
    end)

    it("have checked types and lengths", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context:load_cert_chain(pki.chain("server-ec"))
        local function set(name, value)
            return function()
                context[name] = value
            end
        end
        raises("TypeError", { match = "ocsp_response must be a string or nil, not 1" }, set("ocsp_response", 1))
        raises("ValueError", { match = "more than 65535 bytes" }, set("ocsp_response", ("x"):rep(65536)))
        raises("TypeError", { match = "scts must be an array" }, set("scts", "x"))
        raises("TypeError", { match = "must be an array of strings: 1 is in it" }, set("scts", { 1 }))
        raises("ValueError", { match = "empty string" }, set("scts", { "" }))
        raises("ValueError", { match = "malformed list" }, set("scts", {}))
        raises("ValueError", { match = "more than 65535 bytes" }, set("scts", { ("x"):rep(65534) }))
        context.scts = { ("x"):rep(65000) }
        for _, name in ipairs { "ask_ocsp", "require_ocsp", "ask_scts" } do
            local before = context[name]
            assert.are.equal(name == "ask_ocsp", before)
            raises("TypeError", { match = name .. " must be a boolean" }, set(name, 1))
            context[name] = not before
            assert.are.equal(not before, context[name])
        end
    end)
end)
