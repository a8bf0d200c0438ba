-- A server's sessions end when the trust changes under which they were made: a setting that clients are verified with
-- changes between a connection and the next one, which offers the session. Python is the client.
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local visits = require "support.server_visits"

local NO_ISSUER, REVOKED = 20, 23

local VARIANTS = {
    visits.VARIANTS[1], visits.VARIANTS[2], visits.VARIANTS[3],
    { name = "TLS 1.2, ticket in a store", version = "1.2", stored = true },
    { name = "TLS 1.2, session id in a store", version = "1.2", no_ticket = true, stored = true },
    { name = "TLS 1.3, in a store", version = "1.3", stored = true },
    { name = "TLS 1.3, one ticket key", version = "1.3", key = ssl.RAND_bytes(80) },
}

-- Ticket keys and stores that all contexts of a variant share; and a session id context, which must not weaken
-- anything.
local kept = {}

-- server returns a server's context. options: cafile (of pki), capath (a path), verify (CERT_REQUIRED), flags, cert
-- (server-ec), files (further paths to load).
local function server(variant, options)
    options = options or {}
    local context = visits.server(variant, { cert = options.cert, verify = options.verify or ssl.CERT_REQUIRED })
    if variant.stored then
        context:set_session_store { get = function(key) return kept[key] end, put = function(key, bytes) kept[key] = bytes end }
        context.session_id_context = "the same"
    elseif variant.key then
        context:set_ticket_keys { variant.key }
    end
    if options.capath then
        context:load_verify_locations { capath = options.capath }
    else
        context:load_verify_locations(pki.path(options.cafile or "root.pem"))
    end
    for _, file in ipairs(options.files or {}) do
        context:load_verify_locations(file)
    end
    if options.flags then
        context.verify_flags = context.verify_flags + options.flags
    end
    return context
end

-- switches makes the context switch connections for b.example to another one.
local function switches(context, other)
    context:set_servername_callback(function(sock, name)
        if name == "b.example" then
            sock.context = other
        end
    end)
    return context
end

-- visit makes one connection to a server of the context. client: cert (of pki), hostname (a.example), resume (offers
-- the session of the previous visit), meanwhile (called when the server's connection has been made, before its
-- handshake). Returns its result: failure (the server's), subject (of the client's certificate), resumed (by both
-- ends), and the client's lines.
local function visit(variant, context, client)
    return visits.visit(variant, context, {
        cert = client.cert, hostname = client.hostname, meanwhile = client.meanwhile, resume = client.resume and "visit" or nil,
    })
end

local function accepted(resumed, subject, outcome)
    assert.are.same({ resumed = resumed, subject = subject },
        { resumed = outcome.resumed, subject = outcome.subject, failure = outcome.failure and tostring(outcome.failure) })
end

-- refused checks that the server has failed as expected, and that the client has received the alert.
local function refused(what, alert, outcome)
    raises.check(outcome.failure, what.verify_code and "CertificateError" or "SSLError", what)
    if what.verify_code then -- for a resumed session too
        assert.is_truthy(outcome.failure.depth and outcome.failure.certificate)
        assert.is_truthy(outcome.failure.chain[1].subject[2][1][2]:find "client$")
    end
    assert.is_truthy(table.concat(outcome.lines, "\n"):find(alert, 1, true), table.concat(outcome.lines, "\n"))
end

local function untrusted(outcome)
    refused({ reason = "CERTIFICATE_VERIFY_FAILED", verify_code = NO_ISSUER }, "ALERT_UNKNOWN_CA", outcome)
end

local function revoked(outcome)
    refused({ reason = "CERTIFICATE_VERIFY_FAILED", verify_code = REVOKED }, "ALERT_CERTIFICATE_REVOKED", outcome)
end

local function missing(variant, outcome)
    refused({ reason = "PEER_DID_NOT_RETURN_A_CERTIFICATE" },
        variant.version == "1.3" and "ALERT_CERTIFICATE_REQUIRED" or "ALERT_HANDSHAKE_FAILURE", outcome)
end

local function openssl(words)
    local command = { "openssl", directory = pki.path(".") }
    for _, word in ipairs(words) do
        command[#command + 1] = word
    end
    local result = process.run(command)
    assert(result.status == 0, result.errors)
    return result.output
end

local serial = 0

-- directory returns a new one with these files of pki, under the names of their hashes.
local function directory(names)
    serial = serial + 1
    local path = ("%s/cas-%d"):format(process.directory(), serial)
    process.run { "mkdir", path }
    for _, name in ipairs(names) do
        process.write_file(("%s/%s.pem"):format(path, (name:gsub("%.", "-"))), pki.read(name))
    end
    openssl { "rehash", path }
    return path
end

describe("sessions and trust:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local old_list, new_list -- the intermediate's revocation lists, without and with the client's certificate

    setup(function()
        local function list(name, index, from)
            local base = process.directory() .. "/" .. name
            process.write_file(base .. ".index", index)
            process.write_file(base .. ".cnf", (pki.read("pki.cnf"):gsub("index%.txt", base .. ".index")))
            openssl { "ca", "-config", base .. ".cnf", "-gencrl", "-cert", "intermediate.crt", "-keyfile", "intermediate.key",
                "-crl_lastupdate", from, "-crl_nextupdate", "20400101000000Z", "-out", base .. ".crl" }
            return base .. ".crl"
        end
        local number = openssl { "x509", "-in", "client.crt", "-noout", "-serial" }:match("=(%x+)")
        old_list = list("old", "", "20200101000000Z")
        new_list = list("new", ("R\t400101000000Z\t200101000000Z\t%s\tunknown\t/CN=client\n"):format(number), "20210101000000Z")
    end)

    for _, variant in ipairs(VARIANTS) do
        describe(variant.name .. ":", function()
            local WITH, WITHOUT = { cert = "client" }, {}

            -- first makes a connection that leaves a session.
            local function first(context, client)
                accepted(false, client.cert, visit(variant, context, client))
            end

            -- again returns the result of the next connection, which offers the session.
            local function again(context, client)
                local copy = { resume = true }
                for name, value in pairs(client) do
                    copy[name] = value
                end
                return visit(variant, context, copy)
            end

            it("a session resumes when nothing changes, and has the client's certificate", function()
                local context = server(variant)
                first(context, WITH)
                accepted(true, "client", again(context, WITH))
                accepted(true, "client", again(context, WITH))
            end)

            it("and one without a certificate if none is required", function()
                for _, mode in ipairs { ssl.CERT_NONE, ssl.CERT_OPTIONAL } do
                    local context = server(variant, { verify = mode })
                    first(context, WITHOUT)
                    accepted(true, nil, again(context, WITHOUT))
                end
            end)

            local UNRELATED = {
                ["the protocols of ALPN"] = function(context)
                    context:set_alpn_protocols { "h2" }
                end,
                ["the protocols of NPN"] = function(context)
                    context:set_npn_protocols { "h2" }
                end,
                ["the certificate, loaded again"] = function(context)
                    context:load_cert_chain(pki.chain("server-ec"))
                end,
                ["the certificate"] = function(context)
                    context:load_cert_chain(pki.chain("other"))
                end,
                ["the ciphers"] = function(context)
                    context:set_ciphers("ECDHE+AESGCM")
                end,
                ["the curve"] = function(context)
                    context:set_ecdh_curve("prime256v1")
                end,
                ["a servername callback"] = function(context)
                    context:set_servername_callback(function() end)
                end,
                ["the options"] = function(context)
                    context.options = context.options - ssl.OP_SINGLE_ECDH_USE
                end,
                ["the least version"] = function(context)
                    context.minimum_version = ssl.TLSVersion.TLSv1_2
                end,
                ["a CA that is loaded a second time"] = function(context)
                    context:load_verify_locations { cadata = pki.read("root.pem") }
                end,
            }
            for what, change in pairs(UNRELATED) do
                it("a session resumes after a change that does not affect verification: " .. what, function()
                    local context = server(variant)
                    first(context, WITH)
                    change(context)
                    accepted(true, "client", again(context, WITH))
                end)
            end

            it("a servername callback switches to a context with other trust", function()
                local context = switches(server(variant), server(variant, { cafile = "unknown-root.pem" }))
                local b = { cert = "client", hostname = "b.example" }
                untrusted(visit(variant, context, b))
                first(context, WITH)
                untrusted(again(context, b))
                -- a client that the other context trusts can resume, and the first client cannot
                local other = { cert = "client-unknown", hostname = "b.example" }
                accepted(false, "nobody's client", visit(variant, context, other))
                accepted(true, "nobody's client", again(context, other))
                untrusted(again(context, { cert = "client-unknown" }))
            end)

            it("and to one with the same trust, where it resumes", function()
                local context = switches(server(variant), server(variant, { cert = "other" }))
                first(context, WITH)
                accepted(true, "client", again(context, { cert = "client", hostname = "b.example" }))
            end)

            for _, from in ipairs { ssl.CERT_NONE, ssl.CERT_OPTIONAL } do
                it(("verify_mode is raised from %d"):format(from), function()
                    local context = server(variant, { verify = from })
                    first(context, WITHOUT)
                    context.verify_mode = ssl.CERT_REQUIRED
                    missing(variant, again(context, WITHOUT))
                    missing(variant, visit(variant, context, WITHOUT))
                    accepted(false, "client", visit(variant, context, WITH))
                end)
            end

            it("verify_mode is raised to CERT_OPTIONAL: the client is asked for its certificate again", function()
                local context = server(variant, { verify = ssl.CERT_NONE })
                accepted(false, nil, visit(variant, context, WITH))
                context.verify_mode = ssl.CERT_OPTIONAL
                accepted(false, "client", again(context, WITH))
                context.verify_mode = ssl.CERT_NONE
                accepted(false, nil, visit(variant, context, { cert = "client-unknown" }))
                context.verify_mode = ssl.CERT_OPTIONAL
                untrusted(again(context, { cert = "client-unknown" }))
            end)

            it("a servername callback switches to a stricter verify_mode", function()
                local context = switches(server(variant, { verify = ssl.CERT_NONE }), server(variant))
                local b = { hostname = "b.example" }
                missing(variant, visit(variant, context, b))
                first(context, WITHOUT)
                accepted(true, nil, again(context, WITHOUT))
                missing(variant, again(context, b))
                accepted(false, "client", visit(variant, context, { cert = "client", hostname = "b.example" }))
                untrusted(visit(variant, context, { cert = "client-unknown", hostname = "b.example" }))
            end)

            it("and to a weaker one: the first context's is used", function()
                local context = switches(server(variant), server(variant, { verify = ssl.CERT_NONE }))
                missing(variant, visit(variant, context, { hostname = "b.example" }))
                untrusted(visit(variant, context, { cert = "client-unknown", hostname = "b.example" }))
                accepted(false, "client", visit(variant, context, { cert = "client", hostname = "b.example" }))
            end)

            it("and to one with stricter flags", function()
                local context = switches(server(variant, { files = { new_list } }),
                    server(variant, { files = { new_list }, flags = ssl.VERIFY_CRL_CHECK_LEAF }))
                first(context, WITH)
                revoked(again(context, { cert = "client", hostname = "b.example" }))
                accepted(false, "client with RSA", visit(variant, context, { cert = "client-rsa", hostname = "b.example" }))
            end)

            it("the CA is absent from a new context", function()
                first(server(variant), WITH)
                untrusted(again(server(variant, { cafile = "unknown-root.pem" }), WITH))
            end)

            it("the CA is removed from a directory", function()
                local path = directory { "root.pem", "unknown-root.pem" }
                local context = server(variant, { capath = path })
                first(context, WITH)
                accepted(true, "client", again(context, WITH))
                os.remove(path .. "/root-pem.pem")
                untrusted(again(context, WITH))
                untrusted(visit(variant, context, WITH))
                accepted(false, "nobody's client", visit(variant, context, { cert = "client-unknown" }))
            end)

            it("the CA is removed from a directory after the connection was made", function()
                local path = directory { "root.pem" }
                local context = server(variant, { capath = path })
                first(context, WITH)
                accepted(true, "client", again(context, WITH))
                untrusted(again(context, { cert = "client", meanwhile = function()
                    os.remove(path .. "/root-pem.pem")
                end }))
            end)

            it("a CA is added to a directory: a full handshake", function()
                local path = directory { "root.pem" }
                local context = server(variant, { capath = path })
                first(context, WITH)
                process.write_file(path .. "/more.pem", pki.read("unknown-root.pem"))
                openssl { "rehash", path }
                accepted(false, "client", again(context, WITH))
            end)

            it("a CA is added: a full handshake", function()
                local context = server(variant)
                first(context, WITH)
                context:load_verify_locations(pki.path("unknown-root.pem"))
                accepted(false, "client", again(context, WITH))
                accepted(true, "client", again(context, WITH))
            end)

            it("a revocation list is loaded and checked", function()
                local context = server(variant)
                first(context, WITH)
                context:load_verify_locations(new_list)
                context.verify_flags = context.verify_flags + ssl.VERIFY_CRL_CHECK_LEAF
                revoked(again(context, WITH))
            end)

            it("a newer revocation list is loaded", function()
                local context = server(variant, { files = { old_list }, flags = ssl.VERIFY_CRL_CHECK_LEAF })
                first(context, WITH)
                accepted(true, "client", again(context, WITH))
                context:load_verify_locations(new_list)
                revoked(again(context, WITH))
                revoked(visit(variant, context, WITH))
            end)

            it("a revocation list is added to a directory", function()
                local path = directory { "root.pem" }
                local context = server(variant, { capath = path, files = { old_list }, flags = ssl.VERIFY_CRL_CHECK_LEAF })
                first(context, WITH)
                process.write_file(path .. "/list.pem", process.read_file(new_list))
                openssl { "rehash", path }
                revoked(again(context, WITH))
            end)

            it("verify_flags lose VERIFY_X509_PARTIAL_CHAIN", function()
                local context = server(variant, { cafile = "intermediate.crt", flags = ssl.VERIFY_X509_PARTIAL_CHAIN })
                first(context, WITH)
                accepted(true, "client", again(context, WITH))
                context.verify_flags = context.verify_flags - ssl.VERIFY_X509_PARTIAL_CHAIN
                local outcome = again(context, WITH)
                raises.check(outcome.failure, "CertificateError", { reason = "CERTIFICATE_VERIFY_FAILED" })
            end)

            it("verify_flags get VERIFY_X509_STRICT: a full handshake", function()
                local context = server(variant)
                first(context, WITH)
                context.verify_flags = context.verify_flags + ssl.VERIFY_X509_STRICT
                assert.is_not_true(again(context, WITH).resumed)
            end)
        end)
    end
end)
