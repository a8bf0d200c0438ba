-- SSLContext.set_ciphers: the suites that lists select, the lists that raise, and the suites that handshakes use.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

-- suites returns the names of a context's suites, without those of TLS 1.3.
local function suites(context)
    local old, new = {}, {}
    for _, cipher in ipairs(context:get_ciphers()) do
        table.insert(cipher.protocol == "TLSv1.3" and new or old, cipher.name)
    end
    return old, new
end

local function selected(list, protocol)
    local context = ssl.SSLContext(protocol or ssl.PROTOCOL_TLS)
    context:set_ciphers(list)
    return (suites(context))
end

local TLS13 = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" }

describe("cipher suites:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("CIPH-01 every alias selects the suites that it describes", function()
        for alias, pattern in pairs {
            ALL = "", DEFAULT = "", HIGH = "", FIPS = "", kRSA = "^AES", ["kECDHE"] = "^ECDHE", ["kEECDH"] = "^ECDHE", ["ECDHE"] = "^ECDHE",
            ["EECDH"] = "^ECDHE", ECDH = "^ECDHE", aRSA = "^A?E?C?D?H?E?%-?[RA]", aECDSA = "^ECDHE%-ECDSA", ECDSA = "^ECDHE%-ECDSA",
            RSA = "^AES", AES = "AES", AES128 = "AES128", AES256 = "AES256", AESGCM = "GCM", CHACHA20 = "CHACHA20", SHA = "SHA$",
            SHA1 = "SHA$", ["TLSv1.2"] = "[GP][CO][ML]", TLSv1 = "SHA$", ["3DES"] = "^DES%-CBC3%-SHA$",
        } do
            local names = selected(alias .. ":!PSK" .. (alias == "3DES" and "" or ":!3DES"))
            assert.is_true(#names > 0, alias)
            for _, name in ipairs(names) do
                assert.is_truthy(name:find(pattern), alias .. " has " .. name)
            end
        end
    end)

    it("CIPH-01 operators and order are OpenSSL's", function()
        local a, b = "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"
        assert.are.same({ a, b }, selected(a .. ":" .. b))
        assert.are.same({ b, a }, selected(b .. ":" .. a))
        assert.are.same({ b, a }, selected(a .. ":" .. b .. ":+" .. a))
        assert.are.same({ b }, selected(a .. ":" .. b .. ":-" .. a))
        assert.are.same({ b }, selected("!" .. a .. ":" .. a .. ":" .. b))
        for _, separator in ipairs { ":", ",", " ", ";" } do
            assert.are.same({ a, b }, selected(a .. separator .. b))
        end
        -- unknown names are ignored
        assert.are.same({ a }, selected("NO-SUCH-SUITE:" .. a .. ":CAMELLIA:SEED"))
    end)

    it("CIPH-02 WRAP-25 EXC-06 a list that selects nothing raises SSLError, and changes nothing", function()
        for list, reason in pairs {
            [""] = "NO_CIPHER_MATCH", ["RC4"] = "NO_CIPHER_MATCH", ["eNULL"] = "NO_CIPHER_MATCH", ["aNULL"] = "NO_CIPHER_MATCH",
            ["DHE"] = "NO_CIPHER_MATCH", ["kEDH"] = "NO_CIPHER_MATCH", ["SHA256"] = "NO_CIPHER_MATCH", ["ALL:!ALL"] = "NO_CIPHER_MATCH",
            ["TLS_AES_128_GCM_SHA256"] = "NO_CIPHER_MATCH", ["^$:,;?*'dorothyx"] = "INVALID_COMMAND",
            ["DEFAULT@SECLEVEL=1"] = "INVALID_COMMAND",
        } do
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
            local failure = raises("SSLError", { library = "SSL", reason = reason }, context.set_ciphers, context, list)
            assert.are.equal("No cipher can be selected.", tostring(failure))
            assert.are.equal(ssl.SSL_ERROR_SSL, failure.errno)
            assert.are.same({ "ECDHE-RSA-AES128-GCM-SHA256" }, (suites(context)))
        end
    end)

    it("CTX-05 DCTX-08 DCTX-13 DCTX-14 SEC-08 no context has a weak suite by default", function()
        local function is_strong(context)
            local old, new = suites(context)
            assert.is_true(#old > 4)
            for _, name in ipairs(old) do
                for _, weak in ipairs { "NULL", "MD5", "RC4", "RC2", "DES", "PSK", "EXP", "ADH", "AECDH", "SEED", "IDEA" } do
                    assert.is_nil(name:find(weak, 1, true), name)
                end
                assert.is_truthy(name:find("AES128", 1, true) or name:find("AES256", 1, true) or name:find("CHACHA20", 1, true), name)
            end
            return old, new
        end
        for _, name in ipairs { "TLS", "TLSv1", "TLSv1_1", "TLSv1_2" } do
            is_strong(ssl.SSLContext(ssl["PROTOCOL_" .. name]))
        end
        for _, purpose in ipairs { ssl.Purpose.SERVER_AUTH, ssl.Purpose.CLIENT_AUTH } do
            local old, new = is_strong(ssl.create_default_context(purpose))
            assert.are.same(TLS13, new)
            local all = table.concat(old, " ")
            assert.is_truthy(all:find("ECDHE-RSA-CHACHA20-POLY1305", 1, true))
            assert.is_truthy(all:find("ECDHE-ECDSA-CHACHA20-POLY1305", 1, true))
            assert.is_truthy(old[1]:find("^ECDHE.*GCM"), "forward secrecy first")
        end
    end)

    it("CIPH-03 the suite that was set is used", function()
        local function in_use(client, server)
            return { client:cipher()[1], server:cipher()[1] }
        end
        for _, name in ipairs {
            "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA",
        } do
            local failures, ciphers = link.attempt({ version = "TLSv1.2", ciphers = name }, { cert = "server-rsa" }, in_use)
            assert.is_nil(failures.client)
            assert.are.same({ name, name }, ciphers)
        end
    end)

    it("CIPH-04 SEC-07 TLS 1.3's suites are always enabled together with TLS 1.3", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        for _, list in ipairs { "AES128-SHA", "ECDHE-RSA-AES256-GCM-SHA384", "ALL:!AESGCM:!CHACHA20" } do
            context:set_ciphers(list)
            assert.are.same(TLS13, select(2, suites(context)))
        end
        for _, name in ipairs(TLS13) do
            raises("SSLError", { match = "No cipher can be selected." }, context.set_ciphers, context, name)
        end
        local failures, cipher = link.attempt({ context = context }, { cert = "server-rsa" }, function(sock)
            return sock:cipher()
        end)
        assert.is_nil(failures.client)
        assert.are.equal("TLSv1.3", cipher[2])
        context.options = context.options + ssl.OP_NO_TLSv1_3
        assert.are.same({}, select(2, suites(context)))
    end)

    it("CIPH-02 DCTX-08 without a common suite the handshake fails on both sides", function()
        local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context:load_cert_chain(pki.chain("server-rsa"))
        local failures = link.attempt({ version = "TLSv1.2", ciphers = "3DES" }, { context = context })
        raises.check(failures.server, "SSLError", { library = "SSL", reason = "NO_SHARED_CIPHER" })
        raises.check(failures.client, "SSLError", {
            library = "SSL", reason = "SSLV3_ALERT_HANDSHAKE_FAILURE", alert = ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE,
        })
    end)

    describe("shared_ciphers()", function()
        local function names(list)
            local result = {}
            for index, each in ipairs(list) do
                result[index] = each[1]
            end
            table.sort(result)
            return result
        end

        it("can return every suite that BoringSSL has", function()
            local client, server = link.open({ ciphers = "ALL" }, { ciphers = "ALL" })
            local all = {}
            for _, each in ipairs(server.context:get_ciphers()) do
                if not each.name:find "PSK" then -- not offered without a pre-shared key
                    all[#all + 1] = each.name
                end
            end
            table.sort(all)
            assert.are.same(all, names(server:shared_ciphers()))
            assert.is_nil(client:shared_ciphers())
            client:close()
            server:close()
            assert.is_nil(server:shared_ciphers())
        end)

        it("B-45 returns the common suites, with versions and bits", function()
            local client, server = link.pair(
                { version = "TLSv1.2", ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256" },
                { version = "TLSv1.2", ciphers = "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384" })
            assert.is_nil(server:shared_ciphers())
            client:close()
            server:close()
            client, server = link.open(
                { version = "TLSv1.2", ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256" },
                { version = "TLSv1.2", ciphers = "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384" })
            assert.are.same({
                { "ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2", 256 }, { "ECDHE-ECDSA-AES128-SHA", "TLSv1/SSLv3", 128 },
            }, server:shared_ciphers())
            client:close()
            server:close()
        end)

        it("uses the context that the servername callback has chosen", function()
            local chosen = link.context { cert = "server-ec", version = "TLSv1.2", ciphers = "ECDHE-ECDSA-AES128-SHA" }
            local context = link.context { cert = "server-ec", version = "TLSv1.2" }
            context:set_servername_callback(function(sock)
                sock.context = chosen
            end)
            local client, server = link.open({ version = "TLSv1.2" }, { context = context })
            assert.are.same({ "ECDHE-ECDSA-AES128-SHA" }, names(server:shared_ciphers()))
            client:close()
            server:close()
        end)
    end)
end)
