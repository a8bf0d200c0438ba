-- Raw public keys (RFC 7250): the peers that are accepted and those that are refused, with the reason, in both roles,
-- also for resumed sessions. With GnuTLS: spec/peers/raw_public_key_spec.lua.
local backend = require "cleat.backend"
local handles = require "support.handles"
local key_types = require "support.key_types"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local visits = require "support.visits"

local UNTRUSTED, APPLICATION = 95, 50
local BAD_CERTIFICATE, UNSUPPORTED_CERTIFICATE = ssl.ALERT_DESCRIPTION_BAD_CERTIFICATE, ssl.ALERT_DESCRIPTION_UNSUPPORTED_CERTIFICATE

local public = {}

-- key returns a private key's file, and its public key in PEM.
local function key(key_type, name)
    local _, file = key_types.issue(key_type, { name = name })
    if not public[file] then
        local made = process.run { "openssl", "pkey", "-in", file, "-pubout" }
        assert(made.status == 0, made.errors)
        public[file] = made.output
    end
    return file, public[file]
end

-- holder returns a context with the key.
local function holder(file, version, options)
    options = options or {}
    options.version = version
    local context = link.context(options)
    context:load_raw_public_key(file)
    return context
end

-- client returns a context that expects the keys. certificates: as in set_peer_public_keys.
local function client(keys, version, certificates)
    local context = link.context { version = version, verify = ssl.CERT_REQUIRED, check_hostname = true }
    if certificates then
        context:load_verify_locations(pki.path "root.pem")
    end
    context:set_peer_public_keys(keys, { certificates = certificates })
    return context
end

-- server returns one that has a certificate, and requests keys from clients.
local function server(keys, version, mode)
    local context = link.context { version = version, cert = "server-ec", verify = mode or ssl.CERT_REQUIRED }
    context:set_peer_public_keys(keys)
    return context
end

local function attempt(client_context, server_context, inspect)
    return link.attempt({ context = client_context }, { context = server_context }, inspect)
end

local function untrusted(failure)
    return raises.check(failure, "SSLCertVerificationError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = UNTRUSTED,
        match = "raw public key untrusted" })
end

describe("raw public keys, in every build:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("B-66 peer_public_key is that of the peer's certificate", function()
        local conn, peer = link.open({}, { cert = "server-rsa" })
        assert.are.equal(ssl.Certificate(conn:getpeercert(true)).public_key_der, conn:peer_public_key())
        assert.is_nil(peer:peer_public_key())
        conn:close()
        peer:close()
        assert.is_nil(conn:peer_public_key())
        local fresh, other = link.pair()
        assert.is_nil(fresh:peer_public_key())
        fresh:close()
        other:close()
    end)

    it("B-66 without BoringSSL's support the functions raise NotImplementedError", function()
        assert.are.equal("boolean", type(ssl.HAS_RAW_PUBLIC_KEYS))
        local context = link.context {}
        context:set_peer_public_keys(nil)
        if not ssl.HAS_RAW_PUBLIC_KEYS then
            local file, text = key "p256"
            raises("NotImplementedError", { match = "need BoringSSL of 2026" }, context.load_raw_public_key, context, file)
            raises("NotImplementedError", { match = "need BoringSSL of 2026" }, context.set_peer_public_keys, context, { text })
        end
    end)
end)

if not ssl.HAS_RAW_PUBLIC_KEYS then
    return
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe("raw public keys, " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        for _, key_type in ipairs { "p256", "p384", "ed25519", "rsa" } do
            it("B-66 a client accepts its server by its key, " .. key_type, function()
                local file, text = key(key_type)
                local failures = attempt(client({ text }, version), holder(file, version), function(conn, peer)
                    local der = ssl.PEM_cert_to_DER_cert((text:gsub("PUBLIC KEY", "CERTIFICATE")))
                    assert.are.equal(der, conn:peer_public_key())
                    assert.is_nil(conn:getpeercert())
                    assert.is_nil(conn:getpeercert(true))
                    assert.are.same({}, conn:get_verified_chain())
                    assert.are.same({}, conn:get_unverified_chain())
                    assert.are.same({ verify_code = 0, verify_message = "ok", errors = {} }, conn:get_verify_result())
                    assert.is_nil(conn:get_channel_binding("tls-server-end-point"))
                    assert.is_nil(peer:get_channel_binding("tls-server-end-point"))
                    assert.are.equal(peer:get_channel_binding("tls-exporter"), conn:get_channel_binding("tls-exporter"))
                end)
                assert.are.same({}, failures)
            end)
        end

        it("B-66 a key that is not expected is refused, also if none is expected", function()
            local file, text = key "p256"
            local _, other = key("p256", "other")
            for _, keys in ipairs { { other }, {} } do
                local failures = attempt(client(keys, version), holder(file, version))
                local err = untrusted(failures.client)
                assert.is_nil(err.certificate)
                assert.are.same({}, err.chain)
                raises.check(failures.server, "SSLError", { alert = BAD_CERTIFICATE })
            end
            assert.are.same({}, (attempt(client({ other, text }, version), holder(file, version))))
        end)

        it("B-66 certificates are accepted besides keys only if the program allows them", function()
            local file, text = key "p256"
            local both = client({ text }, version, true)
            local certified = link.context { version = version, cert = "server-ec" }
            assert.are.same({}, (attempt(both, certified, function(conn)
                assert.are.equal("DNS", conn:getpeercert().subjectAltName[1][1])
            end)))
            assert.are.same({}, (attempt(both, holder(file, version), function(conn)
                assert.is_nil(conn:getpeercert())
            end)))
            local failures = attempt(client({ text }, version), certified)
            raises.check(failures.server, "SSLError", { reason = "UNKNOWN_CERTIFICATE_TYPE" })
            raises.check(failures.client, "SSLError", { alert = ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE })
            -- the certificate is verified as always
            failures = attempt(both, link.context { version = version, cert = "unknown" })
            raises.check(failures.client, "SSLCertVerificationError", { verify_code = 20 })
        end)

        it("B-66 a server with a key and a certificate sends each client what it accepts", function()
            local file, text = key "p256"
            local mixed = holder(file, version, { cert = "server-rsa" })
            mixed:set_server_sigalgs("ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256")
            assert.are.same({}, (attempt(client({ text }, version), mixed)))
            assert.are.same({}, (link.attempt({ version = version }, { context = mixed }, function(conn)
                assert.are.equal("DNS", conn:getpeercert().subjectAltName[1][1])
            end)))
        end)

        it("B-66 a server accepts its clients by their keys", function()
            local file, text = key "p256"
            local other = key("p256", "other")
            local function knows(options)
                options.cafile, options.verify = "root.pem", ssl.CERT_REQUIRED
                return link.context(options)
            end
            local mine = knows { version = version }
            mine:load_raw_public_key(file)
            assert.are.same({}, (attempt(mine, server({ text }, version), function(_, peer)
                assert.are.equal(91, #peer:peer_public_key())
                assert.is_nil(peer:getpeercert())
            end)))
            local stranger = knows { version = version }
            stranger:load_raw_public_key(other)
            local failures = attempt(stranger, server({ text }, version))
            untrusted(failures.server)
            raises.check(failures.client, "SSLError", { alert = BAD_CERTIFICATE })
            -- a client with a certificate only, and one with neither: both offer no raw public key
            for _, cert in ipairs { "client", false } do
                failures = attempt(knows { version = version, cert = cert or nil }, server({ text }, version))
                raises.check(failures.server, "SSLError", { reason = "UNSUPPORTED_CERTIFICATE" })
                raises.check(failures.client, "SSLError", { alert = UNSUPPORTED_CERTIFICATE })
            end
            -- a server that requests nothing accepts any client
            assert.are.same({}, (attempt(knows { version = version }, server({ text }, version, ssl.CERT_NONE))))
        end)

        it("B-66 verify_callback can refuse expected keys, and accept others only if the context allows it", function()
            local file, text = key "p256"
            local calls, answer = 0, nil
            local function ask(keys, may_accept)
                local context = client(keys, version)
                context.verify_callback_may_accept = may_accept
                context.verify_callback = function(conn, chain, verdict)
                    calls = calls + 1
                    assert(#chain == 0 and #conn:peer_public_key() == 91)
                    assert(verdict.verify_code == (#keys == 0 and UNTRUSTED or 0))
                    return answer
                end
                return attempt(context, holder(file, version))
            end
            assert.are.same({}, (ask({ text }, false)))
            answer = false
            raises.check(ask({ text }, false).client, "SSLCertVerificationError", { verify_code = APPLICATION })
            assert.are.equal(2, calls)
            answer = true
            untrusted(ask({}, false).client) -- it is not called
            assert.are.equal(2, calls)
            assert.are.same({}, (ask({}, true)))
            answer = nil
            untrusted(ask({}, true).client)
            answer = 0 / 0
            untrusted(ask({}, true).client)
            assert.are.equal(5, calls)
        end)

        it("B-66 with enforce_verification = false the handshake continues, and the verdict can be read", function()
            local file = key "p256"
            local context = client({}, version)
            context.enforce_verification = false
            assert.are.same({}, (attempt(context, holder(file, version), function(conn)
                local result = conn:get_verify_result()
                assert.are.equal(UNTRUSTED, result.verify_code)
                assert.are.same({ depth = 0, code = UNTRUSTED, message = result.verify_message }, result.errors[1])
            end)))
        end)

        it("B-66 a client that resumes verifies the key again", function()
            local file, text = key "p256"
            local context, peer = client({ text }, version), holder(file, version)
            local asked = 0
            context.verify_callback = function(conn)
                asked = asked + 1
                return #conn:peer_public_key() == 91
            end
            local first = visits.visit { client = context, server = peer }
            assert.is_nil(first.failure)
            if version == "TLSv1.2" then -- no session: GnuTLS's servers could not resume it
                assert.is_nil(first.session)
                assert.is_false(visits.visit({ client = context, server = peer }).reused)
                return
            end
            local second = visits.visit { client = context, server = peer, session = first.session }
            assert.is_true(second.reused)
            assert.are.equal(2, asked)
            assert.are.equal(first.client:peer_public_key(), second.client:peer_public_key())
            context:set_peer_public_keys {}
            untrusted(visits.visit({ client = context, server = peer, session = second.session }).failure)
            context:set_peer_public_keys(nil)
            local refused = visits.visit { client = context, server = peer, session = second.session }
            assert.is_true(ssl.SSLError:is(refused.failure), tostring(refused.failure))
        end)

        it("B-66 a session with a certificate does not resume if only keys are accepted", function()
            local _, text = key "p256"
            local context = link.context(link.client_options { version = version, server_hostname = false })
            local peer = link.context { version = version, cert = "server-ec" }
            local first = visits.visit { client = context, server = peer }
            assert.is_nil(first.failure)
            assert.is_true(visits.visit({ client = context, server = peer, session = first.session }).reused)
            first = visits.visit { client = context, server = peer }
            context:set_peer_public_keys { text }
            local again = visits.visit { client = context, server = peer, session = first.session }
            assert.is_true(ssl.SSLError:is(again.failure), tostring(again.failure))
        end)

        it("B-66 a server's session resumes only if the same keys are expected, and the key is verified again", function()
            local file, text = key "p256"
            local _, other = key("p256", "other")
            local mine = link.context { version = version, cafile = "root.pem", verify = ssl.CERT_REQUIRED }
            mine:load_raw_public_key(file)
            local peer = server({ text }, version)
            local asked = 0
            peer.verify_callback = function(conn)
                asked = asked + 1
                return #conn:peer_public_key() == 91
            end
            local function visit(session)
                return visits.visit { client = mine, server = peer, session = session }
            end
            local session = visit().session
            local second = visit(session)
            assert.is_true(second.reused)
            assert.are.equal(2, asked)
            assert.are.equal(91, #second.server:peer_public_key())
            peer:set_peer_public_keys { other, text }
            local third = visit(second.session)
            assert.is_nil(third.failure)
            assert.is_false(third.reused)
            peer:set_peer_public_keys { other }
            local _, refusing = visits.pair { client = mine, server = peer, session = third.session }
            untrusted(refusing.failure)
        end)

        it("B-66 a server that switches its context expects the new context's keys", function()
            local file, text = key "p256"
            local _, other = key("p256", "other")
            local mine = link.context { version = version, cafile = "root.pem", verify = ssl.CERT_REQUIRED }
            mine:load_raw_public_key(file)
            for _, case in ipairs { { { text }, true }, { { other }, false }, { {}, false }, { false, false } } do
                local first = link.context { version = version, cert = "server-ec" }
                local second = link.context { version = version, cert = "server-ec", verify = ssl.CERT_REQUIRED,
                    cafile = "root.pem" }
                if case[1] then
                    second:set_peer_public_keys(case[1])
                end
                first:set_servername_callback(function(conn)
                    conn.context = second
                end)
                local failures = attempt(mine, first)
                assert.are.equal(case[2], failures.server == nil, tostring(failures.server))
            end
        end)
    end)
end

describe("set_peer_public_keys and load_raw_public_key:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("B-66 raise for texts that are not keys, and change nothing then", function()
        local file, text = key "p256"
        local context = client({ text })
        local function refuses(class, what, ...)
            raises(class, what, context.set_peer_public_keys, context, ...)
        end
        refuses("SSLError", {}, { "no key" })
        refuses("SSLError", {}, { text, "\48\3\2\1" })
        refuses("ValueError", { match = "keys[1] is not a public key" }, { "" })
        refuses("ValueError", { match = "keys[2] is not a public key" }, { text, process.read_file(file) })
        refuses("ValueError", { match = "certificates without keys" }, nil, true)
        refuses("TypeError", { match = "keys" }, text)
        refuses("TypeError", { match = "keys[1]" }, { 5 })
        refuses("TypeError", { match = "certificates" }, { text }, 1)
        assert.are.same({}, (attempt(context, holder(file))))
        local other = link.context { cert = "server-ec" }
        raises("IOError", { errno = 2 }, other.load_raw_public_key, other, "/nowhere")
        raises("SSLError", { reason = "NO_START_LINE" }, other.load_raw_public_key, other, pki.path "root.pem")
        raises("ValueError", { match = "PEM data in place of a file name" }, other.load_raw_public_key, other,
            process.read_file(file))
        raises("TypeError", { match = "keyfile" }, other.load_raw_public_key, other, 1)
        raises("ValueError", { match = "load a certificate first" }, function()
            holder(file).ocsp_response = "x"
        end)
        raises("ValueError", { match = "load a certificate first" }, function()
            holder(file).scts = { "x" }
        end)
        assert.is_nil(holder(file).scts)
        assert.is_nil(holder(file).ocsp_response)
        local encrypted = process.directory() .. "/encrypted.key"
        assert(process.run { "openssl", "pkey", "-in", file, "-aes256", "-passout", "pass:correct", "-out", encrypted }.status == 0)
        raises("SSLError", { reason = "BAD_DECRYPT" }, other.load_raw_public_key, other, encrypted, "wrong")
        other:load_raw_public_key(encrypted, function()
            return "correct"
        end)
        assert.are.same({}, (attempt(context, other)))
        -- the ABI also accepts the key as a text
        local third = link.context {}
        assert.are.equal(0, backend.context_load_raw_public_key_data(third._id, process.read_file(encrypted), "correct"))
        assert.are.same({}, (attempt(context, third)))
        -- a second key replaces the first
        other:load_raw_public_key((key("p256", "other")))
        untrusted(attempt(context, other).client)
    end)

    it("B-66 a context with a session cache, as default contexts have, resumes with keys", function()
        local file, text = key "p256"
        local context = ssl.create_default_context()
        context:set_peer_public_keys { text }
        local peer = holder(file)
        assert.is_false(visits.visit({ client = context, server = peer }).reused)
        assert.is_true(visits.visit({ client = context, server = peer }).reused)
        context:set_peer_public_keys {}
        untrusted(visits.visit({ client = context, server = peer }).failure)
    end)
end)
