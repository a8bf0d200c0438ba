-- Groups, signature algorithms, GREASE and compliance policies between cleat's own client and server.
-- spec/peers/algorithms_spec.lua has other programs.
local handles = require "support.handles"
local key_types = require "support.key_types"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local is_new = ssl.HAS_POLICY_CNSA

local function join(list)
    return table.concat(list, " ")
end

-- both returns contexts of a client and of a server with certificates of these types; each verifies the other if auth
-- is true.
local function both(version, types, auth)
    local client = link.context(link.client_options { version = version, server_hostname = false })
    local server = key_types.load(link.context { version = version }, types[1], types[2], types[3])
    server:set_ciphers("ECDHE") -- the RSA key exchange has no group and no signature
    if auth then
        key_types.load(client, auth[1], auth[2], auth[3])
        server:load_verify_locations(pki.path("root.pem"))
        server.verify_mode = ssl.CERT_REQUIRED
    end
    return client, server
end

local function facts(client, server)
    assert.are.equal(client:group(), server:group())
    assert.are.equal(client:server_sigalg(), server:server_sigalg())
    assert.are.equal(client:client_sigalg(), server:client_sigalg())
    return {
        group = client:group(), server = client:server_sigalg(), client = client:client_sigalg(),
        reused = client.session_reused, suite = client:cipher()[1], version = client:version(), session = client.session,
    }
end

-- met returns what the handshake of two contexts agrees on, or the failures of both ends.
local function met(client, server)
    local failures, found = link.attempt({ context = client }, { context = server }, facts)
    return found or {}, failures
end

local function reason(failures, side)
    return failures[side] and failures[side].reason or tostring(failures[side])
end

for _, version in ipairs(VERSIONS) do
    describe("algorithms, " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        it("B-53 B-55 set_groups: the server's first group that the client supports is used", function()
            local client, server = both(version, { "rsa" })
            server:set_groups("P-521:SECP384R1/x25519")
            assert.are.equal("secp521r1", met(client, server).group)
            client:set_groups("x25519:P-384")
            assert.are.equal("secp384r1", met(client, server).group)
            server:set_groups("secp256r1")
            local found, failures = met(client, server)
            assert.is_nil(found.group)
            assert.is_truthy(failures.server)
            client:set_groups("?x448:?nonsense:secp521r1:secp521r1:DEFAULT")
            assert.are.equal("secp256r1", met(client, server).group)
            client:set_ecdh_curve("secp521r1")
            server:set_groups("DEFAULT")
            assert.are.equal("secp521r1", met(client, server).group)
        end)

        it("B-53 a client without the NIST curves accepts ECDSA certificates, and uses its own groups only", function()
            local client, server = both(version, { "p256" })
            client:set_groups(is_new and "X25519MLKEM768:x25519" or "x25519")
            assert.are.equal(version == "TLSv1.3" and is_new and "X25519MLKEM768" or "x25519", met(client, server).group)
            server:set_groups("secp256r1:secp384r1")
            local found, failures = met(client, server)
            assert.is_nil(found.group)
            assert.is_truthy(failures.client and failures.server)
            if version == "TLSv1.2" then
                assert.are.equal("WRONG_CURVE", reason(failures, "client"))
            end
        end)

        it("B-58 B-59 server and client algorithms: both sides sign and verify with them, and report them", function()
            local client, server = both(version, { "p256", "rsa" }, { "p384", "rsa" })
            local found = met(client, server)
            assert.are.equal("ecdsa_secp256r1_sha256", found.server)
            -- TLS 1.2 names the curve in the certificate's key only
            local by_curve = version == "TLSv1.3" and "ecdsa_secp384r1_sha384" or "ecdsa_secp256r1_sha256"
            assert.are.equal(by_curve, found.client)
            client:set_server_sigalgs("RSA-PSS+SHA384")
            found = met(client, server)
            assert.are.equal("rsa_pss_rsae_sha384", found.server)
            assert.are.equal(by_curve, found.client)
            client:set_client_sigalgs("rsa_pss_rsae_sha512:?ed448")
            assert.are.equal("rsa_pss_rsae_sha512", met(client, server).client)
            client, server = both(version, { "p256", "rsa" }, { "p384", "rsa" })
            server:set_server_sigalgs("PSS+SHA512")
            server:set_client_sigalgs("rsa_pss_rsae_sha256")
            found = met(client, server)
            assert.are.equal("rsa_pss_rsae_sha512", found.server)
            assert.are.equal("rsa_pss_rsae_sha256", found.client)
            client:set_server_sigalgs("ecdsa_secp256r1_sha256")
            local nothing, failures = met(client, server)
            assert.is_nil(nothing.server)
            assert.is_truthy(failures.client)
            assert.are.equal((version == "TLSv1.3" or not is_new) and "NO_COMMON_SIGNATURE_ALGORITHMS" or "NO_SHARED_CIPHER",
                reason(failures, "server"))
        end)

        it("B-59 Ed25519 and remote keys are reported, and nil without a signature", function()
            local client, server = both(version, { "ed25519" })
            assert.are.equal("ed25519", met(client, server).server)
            local chain, key = key_types.issue("rsa")
            local asked
            server = link.context { version = version }
            server:load_cert_chain(chain, { sign = function(algorithm, data)
                asked = algorithm
                return ssl.sign(key, algorithm, data)
            end })
            server:set_server_sigalgs("rsa_pss_rsae_sha512:rsa_pss_rsae_sha384")
            client:set_server_sigalgs("rsa_pss_rsae_sha384")
            local found = met(client, server)
            assert.are.equal("rsa_pss_rsae_sha384", found.server)
            assert.is_nil(found.client)
            assert.is_truthy(asked)
            if version == "TLSv1.2" then
                client, server = both(version, { "rsa" })
                server:set_ciphers("AES256-GCM-SHA384")
                found = met(client, server)
                assert.are.equal("AES256-GCM-SHA384", found.suite)
                assert.is_nil(found.server)
                assert.is_nil(found.group)
            end
        end)

        it("B-55 B-59 a resumed session has a group, and no signatures; after a change of algorithms it is not offered", function()
            local client, server = both(version, { "p256" }, { "p256" })
            client.session_cache_size = 8
            client.check_hostname = false
            local first = met(client, server)
            assert.is_false(first.reused)
            local again = met(client, server)
            assert.is_true(again.reused)
            assert.are.equal(first.group, again.group)
            assert.is_nil(again.server)
            assert.is_nil(again.client)
            for _, change in ipairs {
                function() client:set_groups("secp256r1") end,
                function() client:set_server_sigalgs("ecdsa_secp256r1_sha256") end,
                function() client:set_client_sigalgs("ecdsa_secp256r1_sha256") end,
                function() client.compliance_policy = ssl.POLICY_FIPS_202205 end,
                function() client.grease = true end,
                function() server:set_client_sigalgs("ecdsa_secp256r1_sha256:ed25519") end,
                function() server.compliance_policy = ssl.POLICY_FIPS_202205 end,
            } do
                change()
                assert.is_false(met(client, server).reused)
                assert.is_true(met(client, server).reused)
            end
            local session = met(client, server).session
            client.compliance_policy = ssl.POLICY_NONE
            local object = client:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), { server_hostname = "localhost" })
            raises("ValueError", { match = "of other algorithms than the context has now" }, function()
                object.session = session
            end)
        end)

        it("B-58 after a switch at the server name the new context's algorithms are used; the policies must be the same", function()
            local client, first = both(version, { "p256" })
            local _, other = both(version, { "p256", "rsa" })
            first:set_server_sigalgs("ecdsa_secp256r1_sha256")
            other:set_server_sigalgs("rsa_pss_rsae_sha384")
            first:set_servername_callback(function(conn)
                conn.context = other
            end)
            assert.are.equal("rsa_pss_rsae_sha384", met(client, first).server)
            first.compliance_policy = ssl.POLICY_FIPS_202205
            local found, failures = met(client, first)
            assert.is_nil(found.server)
            assert.is_truthy(tostring(failures.server.cause):find("compliance policies differ", 1, true))
            other.compliance_policy = ssl.POLICY_FIPS_202205
            found = met(client, first)
            assert.are.equal("rsa_pss_rsae_sha384", found.server)
            assert.are.equal("secp256r1", found.group)
        end)

        it("B-66 GREASE does not affect the result of a handshake", function()
            local client, server = both(version, { "p256" }, { "rsa" })
            local expected = met(client, server)
            assert.is_false(client.grease)
            assert.is_false(ssl.create_default_context().grease)
            client.grease, server.grease = true, true
            local found = met(client, server)
            assert.are.equal(expected.suite, found.suite)
            assert.are.equal(expected.group, found.group)
            assert.are.equal(expected.client, found.client)
            raises("TypeError", { match = "grease must be a boolean" }, function()
                client.grease = 1
            end)
        end)

        it("B-66 policies FIPS_202205 and WPA3_192_202304 restrict group, suite and signatures of each end", function()
            for policy, expected in pairs {
                [ssl.POLICY_FIPS_202205] = { "secp256r1", "AES", "ecdsa_secp256r1_sha256" },
                [ssl.POLICY_WPA3_192_202304] = { "secp384r1", "AES_?-?256[_-]GCM", "ecdsa_secp384r1_sha384" },
            } do
                for _, side in ipairs { "client", "server" } do
                    local client, server = both(version, { "ed25519", "p256", "p384" }, { "ed25519", "p384", "rsa" })
                    local context = side == "client" and client or server
                    context.compliance_policy = policy
                    local found = met(client, server)
                    assert.are.equal(expected[1], found.group)
                    assert.is_truthy(found.suite:gsub("-", "_"):find(expected[2]), found.suite)
                    assert.are.equal(expected[3], found.server)
                    assert.is_truthy(found.client:find("^ecdsa_"), found.client)
                    local other = context == client and server or client
                    other:set_groups("secp521r1:x25519")
                    assert.is_nil(met(client, server).group)
                    context.compliance_policy = ssl.POLICY_NONE
                    assert.is_truthy(met(client, server).group)
                    assert.are.equal(ssl.POLICY_NONE, context.compliance_policy)
                end
            end
        end)
    end)
end

describe("algorithms:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("B-54 get_groups returns the groups of the versions and the policy, with and without aliases", function()
        local context = ssl.create_default_context { cafile = pki.path("root.pem") }
        local old = "x25519 secp256r1 secp384r1 secp521r1"
        assert.are.equal(is_new and "X25519MLKEM768 " .. old .. " MLKEM1024" or old, join(context:get_groups()))
        context.compliance_policy = ssl.POLICY_FIPS_202205
        assert.are.equal("secp256r1 prime256v1 P-256 secp384r1 P-384", join(context:get_groups { include_aliases = true }))
        context.compliance_policy = ssl.POLICY_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert.are.equal(old, join(context:get_groups()))
        for _, name in ipairs(context:get_groups(true)) do
            context:set_groups(name)
        end
        raises("TypeError", {}, context.get_groups, context, 1)
    end)

    it("B-57 each name that get_sigalgs returns can be set", function()
        local names = ssl.get_sigalgs()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        local seen = {}
        for _, name in ipairs(names) do
            context:set_server_sigalgs(name)
            context:set_client_sigalgs(name:upper())
            seen[name] = true
        end
        context:set_server_sigalgs(table.concat(names, ":"))
        assert.is_true(seen.ed25519 and seen.rsa_pss_rsae_sha256 and seen.rsa_pkcs1_sha1)
        assert.is_nil(seen.rsa_pkcs1_md5_sha1)
    end)

    it("B-53 B-58 an error names the unknown algorithm, and the setting is not changed", function()
        local client, server = both("TLSv1.3", { "p256" })
        client:set_groups("secp521r1")
        client:set_server_sigalgs("ecdsa_secp256r1_sha256")
        for list, match in pairs {
            ["x25519:x448"] = "unknown group 'x448'", ["?x448"] = "none of the groups", [""] = "empty name",
            ["x25519::P-256"] = "empty name", ["?"] = "empty name", ["*x25519"] = "malformed name",
            [("x"):rep(5000)] = "malformed name", ["x25519:-P-256"] = "unknown group '-P-256'",
        } do
            raises("SSLError", { reason = "UNSUPPORTED_ELLIPTIC_CURVE", match = match }, client.set_groups, client, list)
        end
        for list, match in pairs {
            ["ed25519:ed448"] = "unknown signature algorithm 'ed448'", ["?ed448"] = "none of the signature algorithms",
            [""] = "empty name", ["RSA+MD5"] = "unknown signature algorithm 'RSA+MD5'",
            rsa_pkcs1_md5_sha1 = "unknown signature algorithm", ["ed25519 "] = "malformed name",
        } do
            for _, name in ipairs { "set_server_sigalgs", "set_client_sigalgs" } do
                raises("SSLError", { reason = "INVALID_SIGNATURE_ALGORITHM", match = match }, client[name], client, list)
            end
        end
        raises("TypeError", {}, client.set_groups, client, nil)
        raises("TypeError", {}, client.set_server_sigalgs, client, 1)
        local found = met(client, server)
        assert.are.equal("secp521r1", found.group)
        assert.are.equal("ecdsa_secp256r1_sha256", found.server)
    end)

    it("B-55 B-59 group and signatures are nil before the handshake", function()
        local object = ssl.SSLContext():wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
        assert.is_nil(object:group())
        assert.is_nil(object:server_sigalg())
        assert.is_nil(object:client_sigalg())
    end)

    -- Each setting both before and after the policy.
    local ORDERS = {
        function(set, context, policy)
            set(context)
            context.compliance_policy = policy
        end,
        function(set, context, policy)
            context.compliance_policy = policy
            set(context)
        end,
    }

    it("B-66 a policy and other settings restrict each other, in any order", function()
        for _, order in ipairs(ORDERS) do
            local client, server = both("TLSv1.2", { "rsa" })
            server.options = server.options - ssl.OP_CIPHER_SERVER_PREFERENCE
            order(function(context)
                context:set_groups("x25519:secp256r1:secp521r1")
                context:set_ciphers("ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256")
                context:set_server_sigalgs("ed25519:rsa_pkcs1_sha1:rsa_pss_rsae_sha512")
            end, client, ssl.POLICY_FIPS_202205)
            local found = met(client, server)
            assert.are.equal("secp256r1", found.group)
            assert.are.equal("ECDHE-RSA-AES256-GCM-SHA384", found.suite)
            assert.are.equal("rsa_pss_rsae_sha512", found.server)
            local context = ssl.SSLContext()
            order(function(self)
                self.minimum_version = ssl.TLSVersion.TLSv1
                self.maximum_version = ssl.TLSVersion.TLSv1_2
            end, context, ssl.POLICY_FIPS_202205)
            server = link.context { version = "TLSv1.1", cert = "server-ec" }
            assert.is_nil(met(context, server).version)
            assert.are.equal("TLSv1.2", met(context, (link.context { version = "TLSv1.2", cert = "server-ec" })).version)
        end
    end)

    it("B-66 a policy refuses a setting that leaves no algorithm, and keeps the old one", function()
        local FIPS = ssl.POLICY_FIPS_202205
        for set, expected in pairs {
            [function(context) context:set_groups("x25519:secp521r1") end] = "COMPLIANCE_POLICY",
            [function(context) context:set_ecdh_curve("X25519") end] = "COMPLIANCE_POLICY",
            [function(context) context:set_client_sigalgs("ed25519") end] = "COMPLIANCE_POLICY",
            [function(context) context:set_server_sigalgs("ed25519") end] = "COMPLIANCE_POLICY",
            [function(context) context.maximum_version = ssl.TLSVersion.TLSv1_1 end] = "COMPLIANCE_POLICY",
            [function(context)
                context.options = context.options + ssl.OP_NO_TLSv1_2 + ssl.OP_NO_TLSv1_3
            end] = "COMPLIANCE_POLICY",
            [function(context) context:set_ciphers("ECDHE+CHACHA20") end] = "NO_CIPHER_MATCH",
        } do
            local context, server = ssl.SSLContext(), link.context { version = "TLSv1.3", cert = "server-ec" }
            context.compliance_policy = FIPS
            raises("SSLError", { reason = expected }, set, context)
            assert.are.equal("secp256r1", met(context, server).group)
            context.compliance_policy = ssl.POLICY_NONE
            set(context)
            raises("SSLError", { reason = expected }, function()
                context.compliance_policy = FIPS
            end)
            assert.are.equal(ssl.POLICY_NONE, context.compliance_policy)
        end
        raises("SSLError", { reason = "COMPLIANCE_POLICY" }, function()
            ssl.SSLContext(ssl.PROTOCOL_TLSv1).compliance_policy = FIPS
        end)
        raises("ValueError", { match = "must be a POLICY_*" }, function()
            ssl.SSLContext().compliance_policy = 6
        end)
        raises("TypeError", { match = "must be a POLICY_*" }, function()
            ssl.SSLContext().compliance_policy = "FIPS"
        end)
    end)

    it("B-66 get_ciphers lists only the suites that a policy allows", function()
        local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.compliance_policy = ssl.POLICY_WPA3_192_202304
        local names = {}
        for i, suite in ipairs(context:get_ciphers()) do
            names[i] = suite.name
        end
        assert.are.equal("TLS_AES_256_GCM_SHA384 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384", join(names))
    end)

    it("B-66 the policies CNSA_202407 and CNSA1_202603 restrict groups and signatures", function()
        local numbers = { ssl.POLICY_CNSA_202407, ssl.POLICY_CNSA1_202603, ssl.POLICY_CNSA2_202603 }
        local groups = { "X25519MLKEM768", "MLKEM1024", "MLKEM1024" }
        for i, number in ipairs(numbers) do
            local client, server = both("TLSv1.3", { "p256", "p384" })
            if not is_new then
                raises("NotImplementedError", { match = "HAS_POLICY_CNSA is false" }, function()
                    server.compliance_policy = number
                end)
            else
                client:set_groups("DEFAULT:MLKEM1024")
                server.compliance_policy = number
                local found = met(client, server)
                assert.are.equal(groups[i], found.group)
                assert.are.equal("TLS_AES_256_GCM_SHA384", found.suite)
                assert.are.equal(i == 1 and "ecdsa_secp256r1_sha256" or "ecdsa_secp384r1_sha384", found.server)
                client.maximum_version = ssl.TLSVersion.TLSv1_2
                assert.is_nil(met(client, server).version)
            end
        end
    end)
end)
