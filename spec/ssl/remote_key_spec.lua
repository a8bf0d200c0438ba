-- Remote private keys: SSLContext:load_cert_chain with `sign`, and ssl.sign.
local handles = require "support.handles"
local kinds = require "support.kinds"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local INTERNAL = ssl.ALERT_DESCRIPTION_INTERNAL_ERROR

local function is(class, what, failure)
    return raises.check(failure, class, what)
end

-- remote returns a context that signs by callback. options: of link.context, with kind (of support.kinds) or cert (of
-- pki). sign: a callback that signs with the right key by default.
local function remote(options, sign)
    local given = {}
    for name, value in pairs(options) do
        given[name] = value
    end
    given.kind, given.cert = nil, nil
    local context = link.context(given)
    local certfile, keyfile
    if options.kind then
        certfile, keyfile = kinds.files(options.kind)
    else
        certfile, keyfile = pki.chain(options.cert or "server-ec")
    end
    context:load_cert_chain(certfile, { sign = sign or function(algorithm, data)
        return ssl.sign(keyfile, algorithm, data)
    end })
    return context
end

-- client returns options of link for a client that trusts a self-signed certificate of a key type.
local function trusting(kind, version)
    local context = link.context { version = version, verify = ssl.CERT_REQUIRED, check_hostname = true }
    context:load_verify_locations((kinds.files(kind)))
    return { context = context }
end

local EXPECTED = {
    ["P-256"] = { ["TLSv1.2"] = "ecdsa_secp256r1_sha256", ["TLSv1.3"] = "ecdsa_secp256r1_sha256" },
    -- In TLS 1.2 the hash is any that the peer accepts.
    ["P-384"] = { ["TLSv1.2"] = "ecdsa_secp256r1_sha256", ["TLSv1.3"] = "ecdsa_secp384r1_sha384" },
    ["P-521"] = { ["TLSv1.2"] = "ecdsa_secp256r1_sha256", ["TLSv1.3"] = "ecdsa_secp521r1_sha512" },
    Ed25519 = { ["TLSv1.2"] = "ed25519", ["TLSv1.3"] = "ed25519" },
    RSA = { ["TLSv1"] = "rsa_pkcs1_md5_sha1", ["TLSv1.2"] = "rsa_pss_rsae_sha256", ["TLSv1.3"] = "rsa_pss_rsae_sha256" },
}
EXPECTED["P-256"]["TLSv1.1"] = "ecdsa_sha1"

local DIGESTS = { sha256 = 32, sha384 = 48, sha512 = 64, sha1 = 20, md5_sha1 = 36 }

local function digest_length(algorithm)
    return DIGESTS[algorithm:match "md5_sha1" or algorithm:match "sha%d+$"]
end

describe("load_cert_chain with sign:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("accepts a function, and neither a key nor a password beside it", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        local certfile, keyfile = pki.chain "server-ec"
        local function sign() end
        for _, value in ipairs { 1, "key", true, {} } do
            raises("TypeError", { match = "argument 'sign' must be a function" }, context.load_cert_chain, context, certfile,
                { sign = value })
        end
        raises("ValueError", { match = "private key, or keyfile" }, context.load_cert_chain, context, certfile, keyfile, nil, sign)
        raises("ValueError", { match = "private key, or password" }, context.load_cert_chain, context,
            { certfile = certfile, password = "x", sign = sign })
        raises("IOError", { errno = 2, filename = "/none" }, context.load_cert_chain, context, "/none", { sign = sign })
        raises("SSLError", { reason = "NO_START_LINE" }, context.load_cert_chain, context, keyfile, { sign = sign })
        raises("SSLError", { reason = "UNKNOWN_CERTIFICATE_TYPE" }, context.load_cert_chain, context,
            (kinds.files "Ed448"), { sign = sign })
        context:load_cert_chain(certfile, { sign = setmetatable({}, { __call = sign }) })
        context:load_cert_chain { certfile = certfile, sign = sign }
    end)

    for kind, versions in pairs(EXPECTED) do
        for version, algorithm in pairs(versions) do
            it(("signs as a server, %s, %s: %s"):format(kind, version, algorithm), function()
                local calls = {}
                local certfile, keyfile = kinds.files(kind)
                local options = { kind = kind, version = version }
                local context = remote(options, function(...)
                    calls[#calls + 1] = { ... }
                    return ssl.sign(keyfile, (...), (select(2, ...)))
                end)
                assert.are.same({}, (link.attempt(trusting(kind, version), { context = context })))
                assert.are.equal(1, #calls)
                local name, data, digest, public_key = (table.unpack or unpack)(calls[1], 1, 4)
                assert.are.equal(algorithm, name)
                assert.are.equal(digest_length(algorithm), digest and #digest)
                assert.is_true(#data >= 100)
                if version == "TLSv1.3" then -- RFC 8446 section 4.4.3
                    assert.are.equal((" "):rep(64) .. "TLS 1.3, server CertificateVerify\0", data:sub(1, 98))
                end
                local der = ssl.Certificate(process.read_file(certfile)):public_bytes(ssl.ENCODING_DER)
                assert.is_truthy(der:find(public_key, 1, true))
            end)

            it(("signs as a client, %s, %s: %s"):format(kind, version, algorithm), function()
                local names = {}
                local certfile, keyfile = kinds.files(kind)
                local client = remote({ kind = kind, version = version, cafile = "root.pem" }, function(name, data, digest)
                    names[#names + 1] = name
                    assert(digest and #digest == digest_length(name) or not digest and name == "ed25519")
                    return ssl.sign(process.read_file(keyfile), name, data)
                end)
                local server = link.context { version = version, cert = "server-ec", verify = ssl.CERT_REQUIRED }
                server:load_verify_locations(certfile)
                local _, seen = link.attempt({ context = client }, { context = server }, function(_, there)
                    return there:getpeercert(true)
                end)
                assert.are.equal(ssl.PEM_cert_to_DER_cert(process.read_file(certfile)), seen)
                assert.are.same({ algorithm }, names)
            end)
        end
    end

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        for _, side in ipairs { "client", "server" } do
            -- attempt returns the failures of this side and of the other.
            local function attempt(sign)
                local failures
                if side == "client" then
                    failures = link.attempt({ context = remote({ cert = "client", version = version, cafile = "root.pem" }, sign) },
                        { version = version, verify = ssl.CERT_REQUIRED, cafile = "root.pem" })
                    return failures.client, failures.server
                end
                failures = link.attempt({ version = version }, { context = remote({ version = version }, sign) })
                return failures.server, failures.client
            end

            it(("a %s whose callback returns no signature sends an alert, and raises, with %s"):format(side, version), function()
                local keyfile = select(2, pki.chain(side == "client" and "client" or "server-ec"))
                local reason = { "the token is gone" }
                local own, other = attempt(function()
                    error(reason)
                end)
                is("SSLError", { reason = "PRIVATE_KEY_OPERATION_FAILED" }, own)
                assert.are.equal(reason, own.cause)
                is("SSLError", { alert = INTERNAL }, other)
                for _, case in ipairs {
                    { { n = 1 } }, { { false, n = 1 } }, { { nil, "not today", n = 2 }, "string" },
                    { { 4, n = 1 }, "TypeError", { match = "must return a string, or nil to refuse, not 4" } },
                    { { {}, n = 1 }, "TypeError", { match = "must return a string" } },
                    { { "", n = 1 }, "SSLError", { reason = "BAD_SIGNATURE" } },
                    { { ("x"):rep(64), n = 1 }, "SSLError", { reason = "BAD_SIGNATURE", match = "DER of r and s" } },
                    { { ("x"):rep(100000), n = 1 }, "SSLError", { reason = "BAD_SIGNATURE" } },
                } do
                    own, other = attempt(function()
                        return (table.unpack or unpack)(case[1], 1, case[1].n)
                    end)
                    is("SSLError", { reason = "PRIVATE_KEY_OPERATION_FAILED", library = "SSL" }, own)
                    is("SSLError", { alert = INTERNAL }, other)
                    if case[2] == "string" then
                        assert.are.equal("not today", own.cause)
                    elseif case[2] then
                        is(case[2], case[3], own.cause)
                    else
                        assert.is_nil(own.cause)
                    end
                end
                own, other = attempt(function(algorithm, data)
                    local signature = ssl.sign(keyfile, algorithm, data)
                    return signature:sub(1, -2) .. string.char((signature:byte(-1) + 1) % 256)
                end)
                is("SSLError", { reason = "BAD_SIGNATURE" }, own.cause)
                is("SSLError", { alert = INTERNAL }, other)
                own, other = attempt(function(algorithm, data) -- a signature of another message
                    return ssl.sign(keyfile, algorithm, data .. "\0")
                end)
                is("SSLError", { reason = "BAD_SIGNATURE" }, own.cause)
                is("SSLError", { alert = INTERNAL }, other)
                own, other = attempt(function(algorithm, data)
                    return ssl.sign(keyfile, algorithm, data)
                end)
                assert.is_nil(own)
                assert.is_nil(other)
            end)
        end
    end

    it("may yield in the callback, during handshake, read and write", function()
        for _, beginning in ipairs { "do_handshake", "recv", "sendall" } do
            local steps = 0
            local keyfile = select(2, pki.chain "server-ec")
            local context = remote({}, function(algorithm, data)
                for _ = 1, 3 do
                    coroutine.yield()
                    steps = steps + 1
                end
                return ssl.sign(keyfile, algorithm, data)
            end)
            local here, there = link.pair(nil, { context = context })
            local got
            tasks.run {
                function()
                    if beginning == "recv" then
                        tasks.call(here, "sendall", "hello")
                    end
                    got = tasks.call(here, "recv", 5)
                end,
                function()
                    if beginning == "recv" then
                        tasks.call(there, "sendall", tasks.call(there, "recv", 5))
                    else
                        if beginning == "do_handshake" then
                            tasks.call(there, "do_handshake")
                        end
                        tasks.call(there, "sendall", "hello")
                    end
                end,
            }
            assert.are.same({ 3, "hello" }, { steps, got })
            here:close()
            there:close()
        end
    end)

    it("ends the handshake if the callback closes the connection", function()
        local here, there
        here, there = link.pair(nil, { context = remote({}, function()
            there:close()
        end) })
        raises("SSLWantReadError", {}, here.do_handshake, here)
        raises("error", { errno = 9 }, there.do_handshake, there)
        here:close()
    end)

    it("raises if the callback uses its connection", function()
        local here, there, failure
        here, there = link.pair(nil, { context = remote({}, function()
            failure = select(2, pcall(there.recv, there, 1))
            error(failure, 0)
        end) })
        raises("SSLWantReadError", {}, here.do_handshake, here)
        raises("SSLError", { reason = "PRIVATE_KEY_OPERATION_FAILED" }, there.do_handshake, there)
        is("ValueError", { match = "the sign callback has not returned yet" }, failure)
        here:close()
        there:close()
    end)

    it("works over two MemoryBIOs", function()
        local answer
        local keyfile = select(2, pki.chain "server-ec")
        local context = remote({}, function(algorithm, data)
            return answer and ssl.sign(keyfile, algorithm, data)
        end)
        local function shake()
            local to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
            local here = link.context(link.client_options()):wrap_bio(to_client, to_server, { server_hostname = "localhost" })
            local there = context:wrap_bio(to_server, to_client, { server_side = true })
            local first, second
            for _ = 1, 3 do
                first = { pcall(here.do_handshake, here) }
                second = { pcall(there.do_handshake, there) }
            end
            return first, second
        end
        local first, second = shake()
        is("SSLError", { alert = INTERNAL }, first[2])
        is("SSLError", { reason = "PRIVATE_KEY_OPERATION_FAILED" }, second[2])
        answer = true
        first, second = shake()
        assert.is_true(first[1] and second[1])
    end)

    it("uses the callback of the context when the connection was made", function()
        local order = {}
        local function signer(name, kind)
            local certfile, keyfile = kinds.files(kind)
            return certfile, { sign = function(algorithm, data, _, public_key)
                order[#order + 1] = name
                assert(ssl.Certificate(process.read_file(certfile)):public_bytes(ssl.ENCODING_DER):find(public_key, 1, true))
                return ssl.sign(keyfile, algorithm, data)
            end }
        end
        local context = link.context {}
        context:load_cert_chain(signer("first", "P-256"))
        local function pair()
            return link.pair({ verify = ssl.CERT_NONE, check_hostname = false }, { context = context })
        end
        local function shake(here, there)
            tasks.run {
                function()
                    tasks.call(here, "do_handshake")
                end,
                function()
                    tasks.call(there, "do_handshake")
                end,
            }
            here:close()
            there:close()
        end
        local one, two = pair()
        context:load_cert_chain(signer("second", "P-256 second"))
        local three, four = pair()
        context:load_cert_chain(signer("third", "P-256 third"))
        local five, six = pair()
        context:load_cert_chain(pki.chain "server-ec")
        local seven, eight = pair()
        shake(seven, eight)
        shake(one, two)
        shake(five, six)
        shake(three, four)
        assert.are.same({ "first", "third", "second" }, order)
    end)

    it("has one callback for each type of key, together with local keys", function()
        local calls = {}
        local function load(context, kind)
            local certfile, keyfile = kinds.files(kind)
            context:load_cert_chain(certfile, { sign = function(algorithm, data)
                calls[#calls + 1] = kind
                return ssl.sign(keyfile, algorithm, data)
            end })
        end
        -- shown returns the certificate that a client with these cipher suites or curves receives, in TLS 1.2.
        local function shown(context, ciphers)
            local client = link.context { version = "TLSv1.2", ciphers = ciphers }
            calls = {}
            local failures, der = link.attempt({ context = client, server_hostname = false }, { context = context },
                function(here)
                    return here:getpeercert(true)
                end)
            assert.are.same({}, failures)
            return der
        end
        local function der_of(certfile)
            return ssl.PEM_cert_to_DER_cert(process.read_file(certfile))
        end
        local context = link.context { version = "TLSv1.2" }
        load(context, "RSA")
        load(context, "P-384")
        load(context, "P-256")
        assert.are.equal(der_of((kinds.files "P-256")), shown(context))
        assert.are.same({ "P-256" }, calls)
        assert.are.equal(der_of((kinds.files "RSA")), shown(context, "ECDHE-RSA-AES128-GCM-SHA256"))
        assert.are.same({ "RSA" }, calls)
        is("SSLError", { reason = "NO_SHARED_CIPHER" },
            link.attempt({ version = "TLSv1.2", ciphers = "AES128-GCM-SHA256" }, { context = context }).server)
        -- P-256's key is local now: the next handshake is signed with it, and RSA's still by callback.
        context:load_cert_chain(kinds.files "P-256")
        assert.are.equal(der_of((kinds.files "P-256")), shown(context))
        assert.are.same({}, calls)
        assert.are.equal(der_of((kinds.files "RSA")), shown(context, "ECDHE-RSA-AES128-GCM-SHA256"))
        assert.are.same({ "RSA" }, calls)
        -- RSA's key is local as well, so the server may use RSA key exchange.
        context:load_cert_chain(kinds.files "RSA")
        assert.are.equal(der_of((kinds.files "RSA")), shown(context, "AES128-GCM-SHA256"))
        assert.are.same({}, calls)
        -- Two curves: in TLS 1.2 the algorithm does not tell which key is meant.
        context = link.context { version = "TLSv1.2" }
        load(context, "P-384")
        assert.are.equal(der_of((kinds.files "P-384")), shown(context))
        load(context, "P-256")
        assert.are.equal(der_of((kinds.files "P-256")), shown(context))
        assert.are.same({ "P-256" }, calls)
        local client = link.context { version = "TLSv1.2" }
        client:set_ecdh_curve "secp384r1"
        calls = {}
        assert.are.same({}, (link.attempt({ context = client, server_hostname = false }, { context = context })))
        assert.are.same({ "P-384" }, calls)
    end)

    it("is called after the servername callback, by its new context, and before and after the verify callbacks", function()
        local order = {}
        local function noting(name, answer)
            return function(...)
                order[#order + 1] = name
                return answer(...)
            end
        end
        local function accept() end
        local function sign(name)
            local keyfile = select(2, pki.chain(name))
            return function(algorithm, data)
                return ssl.sign(keyfile, algorithm, data)
            end
        end
        for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
            order = {}
            local first = link.context { version = version, cert = "server-rsa" }
            local second = remote({ version = version, cafile = "root.pem", verify = ssl.CERT_REQUIRED },
                noting("server signs", sign "server-ec"))
            second.verify_callback = noting("server verifies", accept)
            first:set_servername_callback(noting("name", function(conn)
                conn.context = second
            end))
            local client = remote({ cert = "client", version = version, cafile = "root.pem", verify = ssl.CERT_REQUIRED },
                noting("client signs", sign "client"))
            client.verify_callback = noting("client verifies", accept)
            assert.are.same({}, (link.attempt({ context = client }, { context = first })))
            assert.are.same({ "name", "server signs", "client verifies", "client signs", "server verifies" }, order)
        end
        -- And a switch away from a context with a remote key.
        order = {}
        local first = remote({}, noting("signs", sign "server-ec"))
        local second = link.context { cert = "server-rsa" }
        first:set_servername_callback(noting("name", function(conn)
            conn.context = second
        end))
        assert.are.same({}, (link.attempt(nil, { context = first })))
        assert.are.same({ "name" }, order)
    end)

    it("an RSA key with a callback signs, and is not used for RSA key exchange", function()
        local calls = 0
        local keyfile = select(2, pki.chain "server-rsa")
        local function sign(algorithm, data)
            calls = calls + 1
            return ssl.sign(keyfile, algorithm, data)
        end
        local function client(ciphers)
            return { version = "TLSv1.2", ciphers = ciphers }
        end
        local context = remote({ cert = "server-rsa", version = "TLSv1.2" }, sign)
        is("SSLError", { reason = "NO_SHARED_CIPHER" }, link.attempt(client "AES128-GCM-SHA256", { context = context }).server)
        assert.are.equal(0, calls)
        assert.are.same({}, (link.attempt(client "ECDHE-RSA-AES128-GCM-SHA256", { context = context })))
        assert.are.equal(1, calls)
        -- The control: with the local key.
        assert.are.same({}, (link.attempt(client "AES128-GCM-SHA256", { cert = "server-rsa", version = "TLSv1.2" })))
        -- A list with only such suites, and one with others too.
        context = remote({ cert = "server-rsa", version = "TLSv1.2", ciphers = "AES128-GCM-SHA256:AES256-GCM-SHA384" }, sign)
        raises("SSLError", { reason = "NO_CIPHER_MATCH" }, link.pair, nil, { context = context })
        context:set_ciphers "AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
        local _, name = link.attempt({ version = "TLSv1.2" }, { context = context }, function(here)
            return here:cipher()[1]
        end)
        assert.are.equal("ECDHE-RSA-AES256-GCM-SHA384", name)
        -- A key of another type, or a local one, needs no change.
        context = remote({ version = "TLSv1.2", ciphers = "AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256" })
        assert.are.same({}, (link.attempt({ version = "TLSv1.2" }, { context = context })))
    end)
end)

describe("ssl.sign:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local OPTIONS = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"

    local count = 0

    -- command returns a shell command that prints "Verified OK" or "Signature Verified Successfully" if openssl
    -- verifies a signature.
    local function command(public_key, algorithm, data, signature)
        count = count + 1
        local base = ("%s/verify-%d"):format(process.directory(), count)
        process.write_file(base .. ".data", data)
        process.write_file(base .. ".sig", signature)
        local hash = algorithm:match "sha%d+$"
        return hash and ("openssl dgst -%s -verify %s %s -signature %s.sig %s.data"):format(hash, public_key,
            algorithm:find "_pss_" and OPTIONS or "", base, base) or
            ("openssl pkeyutl -verify -pubin -inkey %s -rawin -in %s.data -sigfile %s.sig"):format(public_key, base, base)
    end

    for kind, algorithms in pairs {
        RSA = { "rsa_pkcs1_sha1", "rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha512", "rsa_pss_rsae_sha256",
            "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512" },
        ["P-256"] = { "ecdsa_secp256r1_sha256", "ecdsa_sha1" }, ["P-384"] = { "ecdsa_secp384r1_sha384" },
        ["P-521"] = { "ecdsa_secp521r1_sha512" }, Ed25519 = { "ed25519" },
    } do
        it("makes signatures that openssl verifies, " .. kind, function()
            local certfile, keyfile = kinds.files(kind)
            local public_key = certfile .. ".pub"
            local commands, wanted = { ("openssl x509 -in %s -noout -pubkey >%s"):format(certfile, public_key) }, 0
            for _, algorithm in ipairs(algorithms) do
                local data = "message for " .. algorithm .. "\0\255"
                for _, key in ipairs { keyfile, process.read_file(keyfile) } do
                    commands[#commands + 1] = command(public_key, algorithm, data, ssl.sign(key, algorithm, data))
                    wanted = wanted + 1
                end
                commands[#commands + 1] = command(public_key, algorithm, data .. "x", ssl.sign(keyfile, algorithm, data))
            end
            local result = process.run { "sh", "-c", table.concat(commands, "\n") }
            local _, good = result.output:gsub("Verified", "")
            assert.are.equal(wanted, good, result.output .. result.errors)
            local _, bad = result.output:lower():gsub("verification failure", "")
            assert.are.equal(#algorithms, bad, result.output .. result.errors)
        end)
    end

    it("refuses an algorithm that does not match the key, and an unknown one", function()
        for kind, algorithm in pairs {
            RSA = "ed25519", ["P-256"] = "rsa_pss_rsae_sha256", Ed25519 = "ecdsa_secp256r1_sha256",
        } do
            raises("SSLError", { reason = "WRONG_SIGNATURE_TYPE" }, ssl.sign, select(2, kinds.files(kind)), algorithm, "data")
        end
        local _, keyfile = kinds.files "RSA"
        for _, name in ipairs { "", "rsa", "RSA_PSS_RSAE_SHA256", "rsa_pss_pss_sha256", "ed448" } do
            raises("ValueError", { match = "argument 'algorithm' is unknown" }, ssl.sign, keyfile, name, "data")
        end
        raises("TypeError", { match = "argument 'algorithm' must be a string" }, ssl.sign, keyfile, 0x804, "data")
        raises("TypeError", { match = "argument 'data' must be a string" }, ssl.sign, keyfile, "rsa_pkcs1_sha256", 1)
        raises("TypeError", { match = "argument 'key' must be a string" }, ssl.sign, {}, "rsa_pkcs1_sha256", "data")
        raises("TypeError", { match = "missing required argument 'data'" }, ssl.sign, keyfile, "rsa_pkcs1_sha256")
        -- A PSS signature with SHA-512 is longer than this RSA key.
        raises("SSLError", { library = "RSA" }, ssl.sign, select(2, kinds.files "RSA 1024"), "rsa_pss_rsae_sha512", "data")
    end)

    it("accepts keys and passwords as load_cert_chain does", function()
        raises("IOError", { errno = 2, filename = "/none" }, ssl.sign, "/none", "ed25519", "data")
        raises("IOError", { errno = 2 }, ssl.sign, "", "ed25519", "data")
        raises("ValueError", { match = "null byte" }, ssl.sign, "a\0b", "ed25519", "data")
        raises("SSLError", { reason = "NO_START_LINE" }, ssl.sign, pki.path "root.pem", "ed25519", "data")
        local certfile, name = pki.path "server-ec.pem", pki.path "ec.pkcs8-encrypted.key"
        local calls = 0
        local function password()
            calls = calls + 1
            return "somepass"
        end
        local context = link.context {}
        for i, key in ipairs { name, process.read_file(name) } do
            context:load_cert_chain(certfile, { sign = function(algorithm, data)
                return ssl.sign(key, algorithm, data, password)
            end })
            assert.are.same({}, (link.attempt(nil, { context = context })))
            assert.are.equal(i, calls)
            assert.is_true(#ssl.sign { key = key, algorithm = "ecdsa_sha1", data = "", password = "somepass" } > 64)
            raises("SSLError", { reason = "BAD_DECRYPT" }, ssl.sign, key, "ecdsa_sha1", "data", "wrong")
            raises("TypeError", { match = "password callback must return a string" }, ssl.sign, key, "ecdsa_sha1", "data",
                function() end)
            raises("TypeError", { match = "password should be a string or callable" }, ssl.sign, key, "ecdsa_sha1", "data", 1)
            raises("ValueError", { match = "password cannot be longer than 1024 bytes" }, ssl.sign, key, "ecdsa_sha1", "data",
                ("x"):rep(1025))
        end
        assert.is_true(#ssl.sign(select(2, pki.chain "server-ec"), "ecdsa_sha1", "data", function()
            error "called"
        end) > 64)
    end)
end)

describe("a server with a remote key", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, version in ipairs { "-tls1_2", "-tls1_3" } do
        it("resumes sessions without a signature, " .. version, function()
            local calls = 0
            local keyfile = select(2, pki.chain "server-ec")
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context:load_cert_chain((pki.chain "server-ec"), { sign = function(algorithm, data)
                calls = calls + 1
                return ssl.sign(keyfile, algorithm, data)
            end })
            local listener = socket.socket()
            listener:settimeout(10)
            listener:bind { "127.0.0.1", 0 }
            listener:listen(5)
            local listening = context:wrap_socket(listener, { server_side = true })
            local session = process.directory() .. "/session"
            for _, word in ipairs { "-sess_out", "-sess_in" } do
                local openssl = process.start {
                    "openssl", "s_client", version, "-connect", "127.0.0.1:" .. listening:getsockname()[2], "-CAfile",
                    pki.path "root.pem", "-verify_return_error", "-ign_eof", word, session, timeout = 20,
                }
                local conn = listening:accept()
                conn:sendall "hello\n"
                openssl:wait_for "hello"
                if word == "-sess_in" then
                    assert.is_truthy(openssl:output():find("Reused, ", 1, true), openssl:output())
                end
                conn:close()
                openssl:wait()
            end
            assert.are.equal(1, calls)
            listening:close()
        end)
    end
end)
