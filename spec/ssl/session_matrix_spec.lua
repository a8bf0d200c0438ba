-- Every difference between two connections of a client, and the result of the second: whether it resumes the first
-- one's session, which the program sets or the context's cache has, and whether its server is verified.
local handles = require "support.handles"
local pki = require "support.pki"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local visits = require "support.visits"

local NO_ISSUER, NO_LIST, NOT_YET, EXPIRED, LONG_CHAIN, REVOKED, WRONG_NAME, NO_OCSP, APPLICATION = 20, 3, 9, 10, 22, 23, 62,
    73, 50
local TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

-- A result is "resumed" or "full", both of them verified (or with "unverified" after it); the verify code of a refusal;
-- or a table with the message of a ValueError. { [TLS12] = …, [TLS13] = … } differs by version. change(given) is called
-- between the connections: given has client, server (contexts) and second, the options of the second visit.
-- setup(given) is called before both. The field given: the result with the session as an option; cached: with the
-- session in the cache.
local ROWS = {
    { "nothing", given = "resumed", cached = "resumed" },
    { "the host name", change = function(given)
        given.second.hostname = "www.cleat.test"
    end, given = "resumed", cached = "full" },
    { "the case of the host name", change = function(given)
        given.second.hostname = "LocalHost"
    end, given = "resumed", cached = "resumed" },
    { "the host name: one that the certificate lacks", change = function(given)
        given.second.hostname = "other.example"
    end, given = WRONG_NAME, cached = WRONG_NAME },
    { "check_hostname, and the host name", change = function(given)
        given.client.check_hostname = false
        given.second.hostname = "other.example"
    end, given = "resumed", cached = "full" },
    { "check_hostname is set", setup = function(given)
        given.client.check_hostname = false
        given.first.hostname, given.second.hostname = "other.example", "other.example"
    end, change = function(given)
        given.client.check_hostname = true
    end, given = WRONG_NAME, cached = WRONG_NAME },
    { "no host name", setup = function(given)
        given.client.check_hostname = false
        given.first.hostname, given.second.hostname = false, false
    end, given = "resumed", cached = "full" },
    { "more trust", change = function(given)
        given.client:load_verify_locations(pki.path("unknown-root.pem"))
    end, given = "resumed", cached = "full" },
    { "trust: the session was made without verification", setup = function(given)
        given.client = visits.client(given.version, false)
        given.client.check_hostname = false
        given.client.verify_mode = ssl.CERT_NONE
    end, change = function(given)
        given.client.verify_mode = ssl.CERT_REQUIRED
    end, given = NO_ISSUER, cached = NO_ISSUER },
    { "trust: another context, by bytes", change = function(given)
        given.client = visits.client(given.version, "unknown-root.pem")
        given.by_bytes = true
    end, given = NO_ISSUER },
    { "another context, by bytes", change = function(given)
        given.client = visits.client(given.version)
        given.by_bytes = true
    end, given = "resumed" },
    { "another context", change = function(given)
        given.client = visits.client(given.version)
    end, given = { "Session refers to a different SSLContext." } },
    { "verify_mode: from CERT_NONE", setup = function(given)
        given.client.check_hostname = false
        given.client.verify_mode = ssl.CERT_NONE
    end, change = function(given)
        given.client.check_hostname = true
    end, given = "resumed", cached = "full" },
    { "verify_mode: CERT_NONE for both", setup = function(given)
        given.client.check_hostname = false
        given.client.verify_mode = ssl.CERT_NONE
    end, given = "resumed unverified", cached = "full unverified" },
    { "verify_mode: to CERT_NONE", change = function(given)
        given.client.check_hostname = false
        given.client.verify_mode = ssl.CERT_NONE
    end, given = "resumed unverified", cached = "full unverified" },
    { "verify_mode: CERT_OPTIONAL", change = function(given)
        given.client.verify_mode = ssl.CERT_OPTIONAL
    end, given = "resumed", cached = "full" },
    { "verify_flags: revocation lists are required, and there are none", change = function(given)
        given.client.verify_flags = given.client.verify_flags + ssl.VERIFY_CRL_CHECK_LEAF
    end, given = NO_LIST, cached = NO_LIST },
    { "verify_flags: the server was revoked", setup = function(given)
        given.server:load_cert_chain(pki.chain("revoked"))
    end, change = function(given)
        given.client:load_verify_locations(pki.path("root-and-crls.pem"))
        given.client.verify_flags = given.client.verify_flags + ssl.VERIFY_CRL_CHECK_LEAF
    end, given = REVOKED, cached = REVOKED },
    { "verify_flags: the server was not revoked", change = function(given)
        given.client:load_verify_locations(pki.path("root-and-crls.pem"))
        given.client.verify_flags = given.client.verify_flags + ssl.VERIFY_CRL_CHECK_LEAF
    end, given = "resumed", cached = "full" },
    { "verify_depth", change = function(given)
        given.client.verify_depth = 0
    end, given = LONG_CHAIN, cached = LONG_CHAIN },
    { "the clock: before the certificate", change = function(given)
        given.client.verify_time = 1e9
    end, given = NOT_YET, cached = NOT_YET },
    { "the clock: after the certificate", change = function(given)
        given.client.verify_time = 4e9
    end, given = EXPIRED, cached = EXPIRED },
    { "require_ocsp", change = function(given)
        given.client.require_ocsp = true
    end, given = NO_OCSP, cached = NO_OCSP },
    { "hostname_checks_common_name", setup = function(given)
        given.server:load_cert_chain(pki.chain("cn-only"))
    end, change = function(given)
        given.client.hostname_checks_common_name = false
    end, given = WRONG_NAME, cached = WRONG_NAME },
    { "enforce_verification", change = function(given)
        given.client.enforce_verification = false
    end, given = "resumed", cached = "full" },
    { "enforce_verification is false for both", setup = function(given)
        given.client.enforce_verification = false
    end, given = "resumed", cached = "full" },
    { "enforce_verification is set", setup = function(given)
        given.client.enforce_verification = false
        given.first.hostname, given.second.hostname = "other.example", "other.example"
    end, change = function(given)
        given.client.enforce_verification = true
    end, given = WRONG_NAME, cached = WRONG_NAME },
    { "verify_callback: accepts", change = function(given)
        given.client.verify_callback = function(_, chain)
            given.asked = #chain
            return true
        end
    end, given = "resumed", cached = "full", asked = 3 },
    { "verify_callback: for both", setup = function(given)
        given.client.verify_callback = function(_, chain)
            given.asked = #chain
            return true
        end
    end, change = function(given)
        given.asked = nil
    end, given = "resumed", cached = "resumed", asked = 3 },
    { "verify_callback: refuses", change = function(given)
        given.client.verify_callback = function()
            return false
        end
    end, given = APPLICATION, cached = APPLICATION },
    { "verify_callback: refuses the second", setup = function(given)
        given.client.verify_callback = function()
            return not given.changed
        end
    end, given = APPLICATION, cached = APPLICATION },
    { "verify_callback: accepts an untrusted server", setup = function(given)
        given.client.verify_callback_may_accept = true
        given.client.verify_callback = function(_, _, verdict)
            given.asked = verdict.verify_code
            return not given.changed or nil
        end
        given.first.hostname, given.second.hostname = "other.example", "other.example"
    end, change = function(given)
        given.asked = nil
    end, given = WRONG_NAME, cached = WRONG_NAME, asked = WRONG_NAME },
    { "verify_callback: accepts an untrusted server, twice", setup = function(given)
        given.client.verify_callback_may_accept = true
        given.client.verify_callback = function()
            return true
        end
        given.first.hostname, given.second.hostname = "other.example", "other.example"
    end, given = "resumed", cached = "full", code = WRONG_NAME },
    { "enforce_verification is false, and the server is untrusted", setup = function(given)
        given.client.enforce_verification = false
        given.first.hostname, given.second.hostname = "other.example", "other.example"
    end, given = "resumed", cached = "full", code = WRONG_NAME },
    { "the client's certificate: another one", setup = function(given)
        given.client:load_cert_chain(pki.chain("client"))
    end, change = function(given)
        given.client:load_cert_chain(pki.chain("client-rsa"))
    end, given = { "Session is of another certificate or of other algorithms than the context has now." }, cached = "full" },
    { "the client's certificate: the first", change = function(given)
        given.client:load_cert_chain(pki.chain("client"))
    end, given = { "Session is of another certificate or of other algorithms than the context has now." }, cached = "full" },
    { "the client's certificate: the same again", setup = function(given)
        given.client:load_cert_chain(pki.chain("client"))
    end, change = function(given)
        given.client:load_cert_chain(pki.chain("client"))
    end, given = "resumed", cached = "full" },
    { "the client's versions", change = function(given)
        local other = given.version == TLS12 and TLS13 or TLS12
        given.server.minimum_version, given.server.maximum_version = TLS12, TLS13
        given.client.minimum_version, given.client.maximum_version = TLS12, TLS13
        given.client.minimum_version, given.client.maximum_version = other, other
    end, given = "full", cached = "full" },
    { "the client's versions: a wider range", change = function(given)
        given.client.minimum_version, given.client.maximum_version = TLS12, TLS13
    end, given = "resumed", cached = "full" },
    { "the server's versions", setup = function(given)
        given.client.minimum_version, given.client.maximum_version = TLS12, TLS13
    end, change = function(given)
        local other = given.version == TLS12 and TLS13 or TLS12
        given.server.minimum_version, given.server.maximum_version = TLS12, TLS13
        given.server.minimum_version, given.server.maximum_version = other, other
    end, given = "full", cached = "full" },
    { "the client's ciphers", change = function(given)
        given.client:set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    end, given = { [TLS12] = "full", [TLS13] = "resumed" }, cached = "full" },
    { "the server's ciphers", change = function(given)
        given.server:set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    end, given = { [TLS12] = "full", [TLS13] = "resumed" }, cached = { [TLS12] = "full", [TLS13] = "resumed" } },
    { "the client's curve", change = function(given)
        given.client:set_ecdh_curve("prime256v1")
    end, given = "resumed", cached = "full" },
    { "the client's ALPN", setup = function(given)
        given.server:set_alpn_protocols { "one", "two" }
        given.client:set_alpn_protocols { "one" }
    end, change = function(given)
        given.client:set_alpn_protocols { "two" }
    end, given = "resumed", cached = "full", alpn = "two" },
    { "the server's ALPN", setup = function(given)
        given.client:set_alpn_protocols { "one", "two" }
        given.server:set_alpn_protocols { "one" }
    end, change = function(given)
        given.server:set_alpn_protocols { "two" }
    end, given = "resumed", cached = "resumed", alpn = "two" },
    { "the client's OP_NO_TICKET", change = function(given)
        given.client.options = given.client.options + ssl.OP_NO_TICKET
    end, given = { [TLS12] = "full", [TLS13] = "resumed" }, cached = "full" },
    { "the server's keys", change = function(given)
        given.server = visits.server(given.version)
    end, given = "full", cached = "full" },
    { "the server's certificate", change = function(given)
        given.server:load_cert_chain(pki.chain("revoked"))
    end, given = "resumed", cached = "resumed" },
    { "the server's key types", change = function(given)
        given.server:load_cert_chain(pki.chain("server-rsa"))
    end, given = "resumed", cached = "resumed" },
    { "the server's certificate, and its keys", change = function(given)
        given.server = visits.server(given.version, "expired")
    end, given = EXPIRED, cached = EXPIRED },
    { "chain_cache_seconds", change = function(given)
        given.client.chain_cache_seconds = 0
    end, given = "resumed", cached = "full" },
    { "session_cache_size", change = function(given)
        given.client.session_cache_size = 3
    end, given = "resumed", cached = "full" },
    { "the cache is off", change = function(given)
        given.client.session_cache_size = 0
    end, given = "resumed", cached = "full" },
}

local function check(row, given, want, session)
    given.second.client, given.second.server, given.second.session = given.client, given.server, session
    if type(want) == "table" and want[given.version] then
        want = want[given.version]
    end
    if type(want) == "table" then
        raises("ValueError", { match = want[1] }, visits.visit, given.second)
        return
    end
    local second = visits.visit(given.second)
    if type(want) == "number" then
        raises.check(second.failure, "SSLCertVerificationError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = want })
        assert.is_true(second.client.session == session)
    else
        assert.is_nil(second.failure)
        assert.equal(want:match("^%a+"), second.reused and "resumed" or "full")
        if want:find("unverified", 1, true) then
            assert.is_nil(second.verified)
            assert.same({}, second.cert)
        elseif row.code then
            assert.equal(row.code, second.verified.verify_code)
            assert.same({}, second.cert)
        else
            assert.equal(0, second.verified.verify_code)
            assert.equal(3, second.cert.version)
            assert.equal(3, #second.client:get_verified_chain())
        end
        assert.equal(row.alpn, second.alpn)
    end
    assert.equal(row.asked, given.asked)
end

local function begin(row, version, size)
    local given = { version = version, first = {}, second = {}, client = visits.client(version), server = visits.server(version) }
    if row.setup then
        row.setup(given)
    end
    given.client.session_cache_size = size
    given.first.client, given.first.server = given.client, given.server
    local first = visits.visit(given.first)
    assert.is_nil(first.failure)
    assert.is_false(first.reused)
    assert.is_true(ssl.SSLSession:is(first.session))
    return given, first.session
end

local function change(row, given)
    given.changed = true
    if row.change then
        row.change(given)
    end
end

describe("Two connections differ in", function()
    handles.watch(before_each, after_each)

    for _, row in ipairs(ROWS) do
        for _, version in ipairs(visits.VERSIONS) do
            local name = ("%s: %s, "):format(row[1], visits.NAMES[version])
            it(name .. "the session is an option", function()
                local given, session = begin(row, version, 0)
                change(row, given)
                if given.by_bytes then
                    session = given.client:session_from_bytes(session:tobytes())
                end
                check(row, given, row.given, session)
            end)
            if row.cached then
                it(name .. "the session is in the cache", function()
                    local given = begin(row, version, 8)
                    change(row, given)
                    check(row, given, row.cached)
                end)
            end
        end
    end
end)
