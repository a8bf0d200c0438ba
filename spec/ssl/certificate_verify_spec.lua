-- Certificate:verify(): verification without a connection. bad_certificates_spec shows for all chains of support/badssl
-- that its results equal a handshake's; this file tests its arguments, and which settings of the context it uses.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local NO_ROOT, NOT_YET, EXPIRED, CRL_NOT_YET, CRL_EXPIRED, NO_ISSUER, TOO_LONG = 2, 9, 10, 11, 12, 20, 22
local REVOKED, PURPOSE, WRONG_NAME, WRONG_ADDRESS = 23, 26, 62, 64
local DAY = 86400

local function certificate(name)
    return ssl.Certificate { file = pki.path(name) }
end

local function openssl(words)
    local command = { "openssl", directory = pki.path "." }
    for _, word in ipairs(words) do
        command[#command + 1] = word
    end
    local result = process.run(command)
    assert(result.status == 0, result.errors)
end

local function trusting(...)
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for _, name in ipairs { ... } do
        context:load_verify_locations(pki.path(name))
    end
    return context
end

local leaf, intermediate, root, context

local function names(chain)
    local list = {}
    for index, each in ipairs(chain) do
        assert.is_true(ssl.Certificate:is(each))
        list[index] = each.subject[#each.subject][1][2]
    end
    return list
end

local CHAIN = { "localhost", "cleat test intermediate", "cleat test root" }

-- refused checks the failure of a verification, and returns it. keywords: those of verify; untrusted is the
-- intermediate by default.
local function refused(code, depth, cert, keywords, with)
    keywords.untrusted = keywords.untrusted or { intermediate }
    return raises({ "SSLCertVerificationError", "CertificateError" },
        { verify_code = code, depth = depth, reason = "CERTIFICATE_VERIFY_FAILED", library = "SSL" }, cert.verify, cert,
        with or context, keywords)
end

describe("Certificate:verify():", function()
    after_each(function()
        leaf, intermediate, root, context = nil, nil, nil, nil
    end)
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    before_each(function()
        leaf, intermediate, root = certificate "server-ec.crt", certificate "intermediate.crt", certificate "root.pem"
        context = trusting "root.pem"
    end)

    it("returns the verified chain, with untrusted certificates in each form", function()
        for _, untrusted in ipairs {
            pki.read "intermediate.crt", pki.read "other.crt" .. "a comment\n" .. pki.read "server-ec.pem",
            intermediate:public_bytes(ssl.ENCODING_DER),
            leaf:public_bytes(ssl.ENCODING_DER) .. intermediate:public_bytes(ssl.ENCODING_DER),
        } do
            assert.are.same(CHAIN, names(leaf:verify(context, { untrusted = untrusted })))
        end
        for _, untrusted in ipairs { { intermediate }, { root, leaf, leaf, intermediate } } do
            local chain = leaf:verify(context, { untrusted = untrusted, hostname = "localhost" })
            assert.are.equal(leaf, chain[1])
            assert.are.equal(intermediate, chain[2])
            assert.are.equal(root, chain[3])
            assert.is_nil(chain[4])
        end
        assert.are.same(CHAIN, names(leaf:verify(context, ssl.Purpose.SERVER_AUTH, "localhost", os.time(), { intermediate })))
    end)

    it("needs no untrusted certificates if the context trusts the issuer, or the certificate itself", function()
        assert.are.same(CHAIN, names(leaf:verify(trusting("root.pem", "intermediate.crt"))))
        local own = certificate "selfsigned.pem"
        assert.are.same({ "localhost" }, names(own:verify(trusting "selfsigned.pem", { untrusted = {} })))
        local failure = raises("SSLCertVerificationError", { verify_code = NO_ISSUER, depth = 0 }, leaf.verify, leaf, context)
        assert.are.equal(leaf, failure.certificate)
        assert.are.equal(1, #failure.chain)
    end)

    it("raises an error with the certificate, the depth and the given certificates", function()
        local failure = refused(EXPIRED, 0, certificate "expired.crt", { hostname = "localhost" })
        assert.are.equal("Feb  1 00:00:00 2020 GMT", failure.certificate.not_after_text)
        assert.are.equal("certificate has expired", failure.verify_message)
        assert.is_truthy(tostring(failure):find("certificate verify failed: certificate has expired", 1, true))
        assert.are.equal(2, #failure.chain)
        assert.are.equal(certificate "expired.crt", failure.chain[1])
        assert.are.equal(intermediate, failure.chain[2])
        failure = refused(NO_ISSUER, 1, leaf, {}, trusting "unknown-root.pem")
        assert.are.equal(intermediate, failure.certificate)
    end)

    it("verifies the name if one is given, as a client does", function()
        for _, name in ipairs { "localhost", "LOCALHOST", "a.wild.cleat.test", "127.0.0.1", "::1" } do
            leaf:verify(context, { hostname = name, untrusted = { intermediate } })
        end
        refused(WRONG_NAME, 0, leaf, { hostname = "example.org" })
        local failure = refused(WRONG_NAME, 0, leaf, { hostname = "wild.cleat.test" })
        assert.are.equal("Hostname mismatch, certificate is not valid for 'wild.cleat.test'.", failure.verify_message)
        failure = refused(WRONG_ADDRESS, 0, leaf, { hostname = "127.0.0.2" })
        assert.are.equal("IP address mismatch, certificate is not valid for '127.0.0.2'.", failure.verify_message)
        context.hostname_checks_common_name = false
        refused(WRONG_NAME, 0, certificate "cn-only.crt", { hostname = "localhost" })
        context.hostname_checks_common_name = true
        certificate "cn-only.crt":verify(context, { hostname = "localhost", untrusted = { intermediate } })
    end)

    it("verifies the purpose", function()
        local client = certificate "client.crt"
        refused(PURPOSE, 0, client, {})
        refused(PURPOSE, 0, client, { purpose = ssl.Purpose.SERVER_AUTH })
        refused(PURPOSE, 0, certificate "wrong-purpose.crt", {})
        refused(PURPOSE, 0, leaf, { purpose = ssl.Purpose.CLIENT_AUTH })
        assert.are.equal(3, #client:verify(context, { purpose = ssl.Purpose.CLIENT_AUTH, untrusted = { intermediate } }))
    end)

    it("uses the given time, else the context's, else the present", function()
        local ended, early = leaf.not_after + 1, leaf.not_before - DAY
        refused(EXPIRED, 2, leaf, { time = ended }) -- all three have expired; the trusted one is checked first
        refused(NOT_YET, 2, leaf, { time = early })
        refused(NOT_YET, 2, leaf, { time = 0 })
        refused(EXPIRED, 2, leaf, { time = 253402300799 })
        leaf:verify(context, { time = leaf.not_after - 60.5, untrusted = { intermediate } })
        context.verify_time = ended
        refused(EXPIRED, 2, leaf, {})
        leaf:verify(context, { time = os.time(), untrusted = { intermediate } })
        context.verify_time = nil
        leaf:verify(context, { untrusted = { intermediate } })
    end)

    it("checks the context's revocation lists, at that time", function()
        local revoked = certificate "revoked.crt"
        context = trusting("root.pem", "intermediate.crl", "root.crl")
        revoked:verify(context, { untrusted = { intermediate } }) -- the flags do not require the check
        context.verify_flags = ssl.VERIFY_CRL_CHECK_CHAIN
        local failure = refused(REVOKED, 0, revoked, {})
        assert.are.equal(revoked, failure.certificate)
        leaf:verify(context, { untrusted = { intermediate } })

        local function date(days)
            return os.date("!%Y%m%d%H%M%SZ", os.time() + days * DAY)
        end
        local path = process.directory() .. "/later.crl"
        openssl { "ca", "-config", "pki.cnf", "-gencrl", "-cert", "intermediate.crt", "-keyfile", "intermediate.key",
            "-crl_lastupdate", date(10), "-crl_nextupdate", date(20), "-out", path }
        context = trusting "root.pem"
        context:load_verify_locations(path)
        context.verify_flags = ssl.VERIFY_CRL_CHECK_LEAF
        refused(CRL_NOT_YET, 0, leaf, {})
        leaf:verify(context, { time = os.time() + 15 * DAY, untrusted = { intermediate } })
        refused(REVOKED, 0, revoked, { time = os.time() + 15 * DAY })
        refused(CRL_EXPIRED, 0, leaf, { time = os.time() + 25 * DAY })
    end)

    it("uses the context's depth and flags, and no settings that are for handshakes", function()
        context.verify_depth = 0
        refused(TOO_LONG, 1, leaf, {})
        context.verify_depth = 1
        leaf:verify(context, { untrusted = { intermediate } })
        context = trusting "intermediate.crt"
        refused(NO_ROOT, 1, leaf, {})
        context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
        assert.are.same({ CHAIN[1], CHAIN[2] }, names(leaf:verify(context)))
        context = trusting "root.pem"
        context.require_ocsp = true
        context.check_hostname = false
        context.verify_mode = ssl.CERT_NONE
        leaf:verify(context, { untrusted = { intermediate } })
        refused(EXPIRED, 0, certificate "expired.crt", {})
    end)

    it("loads CA certificates from the context's directories", function()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context:load_verify_locations { capath = pki.path "capath" }
        assert.are.same(CHAIN, names(leaf:verify(context, { untrusted = { intermediate } })))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context:load_verify_locations { capath = pki.path "capath-empty" }
        refused(NO_ISSUER, 1, leaf, {})
    end)

    it("neither uses nor fills the cache of verified chains", function()
        context = link.context(link.client_options())
        local function stats()
            local found = context:chain_cache_stats()
            return { found.hits, found.misses }
        end
        leaf:verify(context, { hostname = "localhost", untrusted = { intermediate } })
        assert.are.same({ 0, 0 }, stats())
        assert.are.same({}, (link.attempt({ context = context }, {})))
        local before = stats()
        refused(EXPIRED, 2, leaf, { time = leaf.not_after + 1, hostname = "localhost" })
        assert.are.same(before, stats())
    end)

    it("refuses arguments of wrong types", function()
        local function fails(class, what, ...)
            raises(class, what, leaf.verify, leaf, ...)
        end
        fails("TypeError", { match = "missing required argument 'context'" })
        for _, value in ipairs { 1, "x", true, leaf } do
            fails("TypeError", { match = "'context' must be an SSLContext" }, value)
        end
        fails("TypeError", { match = "hostnam" }, context, { hostnam = "localhost" })
        fails("TypeError", { match = "purpose must be" }, context, { purpose = "serverAuth" })
        fails("TypeError", {}, context, { hostname = 1 })
        fails("TypeError", { match = "'time' must be a number" }, context, { time = "now" })
        fails("TypeError", { match = "'untrusted'" }, context, { untrusted = 1 })
        fails("TypeError", { match = "'untrusted'" }, context, { untrusted = intermediate })
        fails("TypeError", { match = "index 2" }, context, { untrusted = { intermediate, "x" } })
        fails("TypeError", { match = "array of certificates, not a table with the key 'chain'" }, context,
            { untrusted = { chain = intermediate } })
        fails("TypeError", { match = "array of certificates: [1] is nil" }, context, { untrusted = { [2] = intermediate } })
        for _, name in ipairs { "", ".localhost", "local\0host", ("a"):rep(256) } do
            fails("ValueError", { match = "hostname" }, context, { hostname = name })
        end
        for _, time in ipairs { -1, 0 / 0, 1e12, -1e300, 1 / 0 } do
            fails("ValueError", { match = "seconds since 1970" }, context, { time = time })
        end
        fails("SSLError", { reason = "NO_START_LINE" }, context, { untrusted = "" })
        fails("SSLError", { reason = "NO_START_LINE" }, context, { untrusted = "no certificate" })
        fails("SSLError", {}, context, { untrusted = intermediate:public_bytes(ssl.ENCODING_DER) .. "x" })
        fails("ValueError", { match = "revocation lists" }, context, { untrusted = pki.read "intermediate.crl" })
        fails("ValueError", { match = "revocation lists" }, context, {
            untrusted = pki.read "intermediate.crt" .. pki.read "intermediate.crl" })
        getmetatable(context).__close(context)
        fails("socket.error", { errno = 9 }, context)
    end)
end)
