-- A stricter setting never makes the result weaker: versions by options, minimum, maximum and protocol in all
-- combinations; verify modes; verify flags; cipher lists.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local VERSIONS = { "TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3" }
local NAMES = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" } -- as version() returns them
local ALL = { min = 1, max = 4 }

-- A setting: min and max, indices of VERSIONS; no, the set of those that options forbid; protocol, the index of its
-- only version.

local function describe_setting(setting)
    local words = {}
    for v = 1, 4 do
        words[#words + 1] = setting.no[v] and "OP_NO_" .. VERSIONS[v] or nil
    end
    words[#words + 1] = setting.protocol and "PROTOCOL_" .. VERSIONS[setting.protocol] or
        VERSIONS[setting.min] .. " to " .. VERSIONS[setting.max]
    return table.concat(words, " ")
end

-- subsets calls f with each subset of four.
local function subsets(f)
    for bits = 0, 15 do
        local set = {}
        for v = 1, 4 do
            set[v] = math.floor(bits / 2 ^ (v - 1)) % 2 == 1 or nil
        end
        f(set)
    end
end

local function settings()
    local list = {}
    subsets(function(no)
        for min = 1, 4 do
            for max = 1, 4 do
                list[#list + 1] = { no = no, min = min, max = max }
            end
        end
        for protocol = 1, 3 do
            list[#list + 1] = { no = no, min = protocol, max = protocol, protocol = protocol }
        end
    end)
    return list
end

local function apply(setting)
    local context = ssl.SSLContext(setting.protocol and ssl["PROTOCOL_" .. VERSIONS[setting.protocol]] or ssl.PROTOCOL_TLS)
    context:load_cert_chain(pki.chain("server-rsa"))
    for v = 1, 4 do
        if setting.no[v] then
            context.options = context.options + ssl["OP_NO_" .. VERSIONS[v]]
        end
    end
    if not setting.protocol then
        context.minimum_version, context.maximum_version = ssl.TLSVersion[VERSIONS[setting.min]], ssl.TLSVersion[VERSIONS[setting.max]]
    end
    return context
end

-- expected returns the versions that a setting enables: the highest allowed one, and those below it without a gap.
local function expected(setting)
    local set = {}
    local function allows(v)
        return v >= setting.min and v <= setting.max and not setting.no[v]
    end
    local v = 4
    while v > 0 and not allows(v) do
        v = v - 1
    end
    while v > 0 and allows(v) do
        set[v] = true
        v = v - 1
    end
    return set
end

local function text(set)
    local list = {}
    for v = 1, 4 do
        list[#list + 1] = set[v] and NAMES[v] or nil
    end
    return #list == 0 and "none" or table.concat(list, " ")
end

local function is_subset(one, other)
    for v = 1, 4 do
        if one[v] and not other[v] then
            return false
        end
    end
    return true
end

-- shake returns the version on which a client's and a server's context agree, or nil.
local function shake(client_context, server_context)
    local a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    local client = client_context:wrap_bio(a, b, { server_hostname = "localhost" })
    local server = server_context:wrap_bio(b, a, { server_side = true })
    local ends, done = { client, server }, {}
    for _ = 1, 6 do
        for i, side in ipairs(ends) do
            local ok, failure = pcall(side.do_handshake, side)
            done[i] = ok
            if not ok and not ssl.SSLWantReadError:is(failure) then
                return nil
            end
        end
        if done[1] and done[2] then
            assert.are.equal(client:version(), server:version())
            return client:version()
        end
    end
    error("the handshake does not end")
end

describe("versions:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local only = {} -- contexts for one version each

    setup(function()
        for v = 1, 4 do
            only[v] = apply { no = {}, min = v, max = v }
        end
    end)

    -- spoken returns the versions that a context negotiates, in a role.
    local function spoken(context, role)
        local set = {}
        for v = 1, 4 do
            local version
            if role == "client" then
                version = shake(context, only[v])
            else
                version = shake(only[v], context)
            end
            assert(version == nil or version == NAMES[v])
            set[v] = version and true or nil
        end
        return set
    end

    for _, role in ipairs { "client", "server" } do
        it(("CONST-19 CONST-20 CONST-21 CONST-22 each combination, as a %s: the versions above a gap are enabled"):format(role), function()
            for _, setting in ipairs(settings()) do
                assert.are.equal(describe_setting(setting) .. ": " .. text(expected(setting)),
                    describe_setting(setting) .. ": " .. text(spoken(apply(setting), role)))
            end
        end)
    end

    it("forbidding a version other than the highest enabled one, or raising the minimum, enables no further version", function()
        local count = 0
        for _, setting in ipairs(settings()) do
            local before = expected(setting)
            local top = before[4] and 4 or before[3] and 3 or before[2] and 2 or before[1] and 1 or 0
            for v = 1, 4 do
                if not setting.no[v] and v ~= top then
                    local no = { [v] = true }
                    for other in pairs(setting.no) do
                        no[other] = true
                    end
                    local stricter = { no = no, min = setting.min, max = setting.max, protocol = setting.protocol }
                    assert.is_true(is_subset(expected(stricter), before), describe_setting(stricter))
                    count = count + 1
                end
            end
            if not setting.protocol and setting.min < 4 then
                local stricter = { no = setting.no, min = setting.min + 1, max = setting.max }
                assert.is_true(is_subset(expected(stricter), before), describe_setting(stricter))
                count = count + 1
            end
        end
        assert.is_true(count > 500)
    end)

    it("other options do not change the versions", function()
        for _, name in ipairs {
            "OP_ALL", "OP_NO_SSLv2", "OP_NO_SSLv3", "OP_NO_COMPRESSION", "OP_CIPHER_SERVER_PREFERENCE", "OP_SINGLE_DH_USE",
            "OP_SINGLE_ECDH_USE", "OP_NO_TICKET", "OP_ENABLE_MIDDLEBOX_COMPAT",
        } do
            local context = apply { no = {}, min = 1, max = 4 }
            context.options = ssl.OP_NO_TLSv1_1
            assert.are.equal("TLSv1.2 TLSv1.3", text(spoken(context, "server")))
            context.options = ssl.OP_NO_TLSv1_1 + ssl[name]
            assert.are.equal("TLSv1.2 TLSv1.3", text(spoken(context, "server")), name)
        end
    end)

    it("a context that a servername callback switches to can only restrict the versions", function()
        local cases = {
            { ALL, ALL }, { ALL, { min = 4, max = 4 } }, { { min = 3, max = 4 }, ALL }, { { min = 1, max = 3 }, { min = 3, max = 4 } },
            { { min = 1, max = 2 }, { min = 3, max = 4 } }, { { min = 1, max = 4, no = { [2] = true } }, { min = 1, max = 3 } },
        }
        for i, case in ipairs(cases) do
            local sets, contexts = {}, {}
            for k, setting in ipairs(case) do
                setting = { no = setting.no or {}, min = setting.min, max = setting.max }
                sets[k], contexts[k] = expected(setting), apply(setting)
            end
            contexts[1]:set_servername_callback(function(sock)
                sock.context = contexts[2]
            end)
            local both = {}
            for v = 1, 4 do
                both[v] = sets[1][v] and sets[2][v]
            end
            assert.are.equal(text(both), text(spoken(contexts[1], "server")), i)
        end
    end)

    local SAMPLE = {
        { no = {}, min = 1, max = 4 }, { no = { [1] = true }, min = 1, max = 4 }, { no = { [2] = true }, min = 1, max = 4 },
        { no = { [3] = true }, min = 1, max = 4 }, { no = { true, nil, true }, min = 1, max = 4 },
        { no = { [4] = true }, min = 1, max = 4 },
        { no = { [2] = true, [4] = true }, min = 1, max = 4 }, { no = { [3] = true }, min = 1, max = 3 },
        { no = { [2] = true }, min = 2, max = 4 },
    }
    local FLAGS = { "-tls1", "-tls1_1", "-tls1_2", "-tls1_3" }
    -- Today's openssl supports TLS 1.0 and 1.1 only at security level 0.
    local OPENSSL = { "env", "OPENSSL_CONF=/dev/null", "openssl" }

    local function command(...)
        local words = { timeout = 60 }
        for _, list in ipairs { ... } do
            for _, word in ipairs(list) do
                words[#words + 1] = word
            end
        end
        return words
    end

    it("some combinations with openssl s_client", function()
        for _, setting in ipairs(SAMPLE) do
            local context, set = apply(setting), {}
            for v = 1, 4 do
                local listener = socket.socket()
                listener:settimeout(30)
                listener:bind { "127.0.0.1", 0 }
                listener:listen(1)
                local client = process.start(command(OPENSSL, { "s_client", "-connect", "127.0.0.1:" .. listener:getsockname()[2],
                    "-cipher", "ALL:@SECLEVEL=0", FLAGS[v] }))
                local plain = listener:accept()
                plain:settimeout(30)
                local ok, result = pcall(context.wrap_socket, context, plain, { server_side = true })
                if ok then
                    assert.are.equal(NAMES[v], result:version())
                else
                    raises.check(result, "SSLError", { library = "SSL" })
                end
                set[v] = ok or nil
                (ok and result or plain):close()
                listener:close()
                client:stop()
            end
            assert.are.equal(describe_setting(setting) .. ": " .. text(expected(setting)), describe_setting(setting) .. ": " .. text(set))
        end
    end)

    it("some combinations with openssl s_server", function()
        local certfile, keyfile = pki.chain("server-rsa")
        local servers = {}
        for v = 1, 4 do
            local hold = { "/usr/bin/python3", "-I", process.root .. "/spec/support/hold.py", "/dev/null" }
            local program = process.start(command(hold, OPENSSL, { "s_server", "-accept", "127.0.0.1:0", "-cert", certfile,
                "-key", keyfile, "-cipher", "ALL:@SECLEVEL=0", FLAGS[v] }))
            servers[v] = { program = program, port = tonumber((program:wait_for("ACCEPT [%d.]+:(%d+)"))) }
        end
        for _, setting in ipairs(SAMPLE) do
            local context, set = apply(setting), {}
            for v = 1, 4 do
                local plain = socket.create_connection({ "127.0.0.1", servers[v].port }, 30)
                local ok, result = pcall(context.wrap_socket, context, plain)
                set[v] = ok or nil
                if ok then
                    assert.are.equal(NAMES[v], result:version())
                    result:close()
                else
                    raises.check(result, "SSLError", { library = "SSL" })
                    plain:close()
                end
            end
            assert.are.equal(describe_setting(setting) .. ": " .. text(expected(setting)), describe_setting(setting) .. ": " .. text(set))
        end
        for v = 1, 4 do
            servers[v].program:stop()
        end
    end)
end)

describe("a stricter setting accepts no peer that was refused before:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local SERVERS = { "server-ec", "server-rsa", "unknown", "expired", "future", "selfsigned", "wrong-purpose", "revoked", "other" }
    local CLIENTS = { false, "client", "client-rsa", "client-unknown", "client-expired", "server-ec" }
    local MODES = { ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED }

    -- admitted returns the servers' certificates that a client's context accepts.
    local function admitted(context)
        local set = {}
        for _, cert in ipairs(SERVERS) do
            local failures = link.attempt({ context = context }, { cert = cert })
            set[cert] = not failures.client or nil
            if failures.client then
                raises.check(failures.client, "CertificateError", { reason = "CERTIFICATE_VERIFY_FAILED" })
            end
        end
        return set
    end

    local function included(small, large, message)
        for name in pairs(small) do
            assert.is_true(large[name], message .. " admits " .. tostring(name))
        end
    end

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        it("VM-01 a client's verify_mode and check_hostname, " .. version, function()
            local sets = {}
            for _, mode in ipairs(MODES) do
                sets[mode] = admitted(link.context { version = version, cafile = "root.pem", verify = mode })
            end
            sets.hostname = admitted(link.context {
                version = version, cafile = "root.pem", verify = ssl.CERT_REQUIRED, check_hostname = true,
            })
            for _, cert in ipairs(SERVERS) do
                assert.is_true(sets[ssl.CERT_NONE][cert])
            end
            assert.are.same({ ["server-ec"] = true, ["server-rsa"] = true, revoked = true, other = true }, sets[ssl.CERT_OPTIONAL])
            assert.are.same(sets[ssl.CERT_OPTIONAL], sets[ssl.CERT_REQUIRED])
            assert.are.same({ ["server-ec"] = true, ["server-rsa"] = true, revoked = true }, sets.hostname)
        end)

        it("VM-01 a server's verify_mode, " .. version, function()
            local sets = {}
            for _, mode in ipairs(MODES) do
                local context = link.context { version = version, cert = "server-ec", cafile = "root.pem", verify = mode }
                sets[mode] = {}
                for _, cert in ipairs(CLIENTS) do
                    local failures = link.attempt({ version = version, cert = cert or nil }, { context = context })
                    sets[mode][cert] = not failures.server or nil
                end
            end
            assert.are.same({ [false] = true, client = true, ["client-rsa"] = true }, sets[ssl.CERT_OPTIONAL])
            assert.are.same({ client = true, ["client-rsa"] = true }, sets[ssl.CERT_REQUIRED])
            included(sets[ssl.CERT_OPTIONAL], sets[ssl.CERT_NONE], "CERT_OPTIONAL")
        end)
    end

    it("VF-01 verify_flags: only VERIFY_X509_PARTIAL_CHAIN accepts more chains", function()
        local FLAGS = { "VERIFY_CRL_CHECK_LEAF", "VERIFY_CRL_CHECK_CHAIN", "VERIFY_X509_STRICT", "VERIFY_X509_TRUSTED_FIRST",
            "VERIFY_X509_PARTIAL_CHAIN" }
        for _, trust in ipairs { { "root.pem" }, { "intermediate.crt" }, { "root.pem", "intermediate.crl" },
            { "intermediate.crt", "intermediate.crl" }, { "root-and-crls.pem" } } do
            -- by the names of the flags, because VERIFY_CRL_CHECK_CHAIN contains LEAF's bit
            local sets = {}
            for bits = 0, 31 do
                local flags, crl = 0, 0
                for i, name in ipairs(FLAGS) do
                    if math.floor(bits / 2 ^ (i - 1)) % 2 == 1 then
                        if i <= 2 then
                            crl = math.max(crl, ssl[name])
                        else
                            flags = flags + ssl[name]
                        end
                    end
                end
                local context = link.context { verify = ssl.CERT_REQUIRED, cafile = trust[1] }
                if trust[2] then
                    context:load_verify_locations(pki.path(trust[2]))
                end
                context.verify_flags = flags + crl
                sets[bits] = admitted(context)
            end
            for bits = 0, 31 do
                for i, name in ipairs(FLAGS) do
                    local bit = 2 ^ (i - 1)
                    if math.floor(bits / bit) % 2 == 0 then
                        local before, after = sets[bits], sets[bits + bit]
                        if name == "VERIFY_X509_PARTIAL_CHAIN" then
                            before, after = after, before
                        end
                        included(after, before, ("%s, %d and %s"):format(table.concat(trust, ", "), bits, name))
                    end
                end
            end
            assert.is_nil(sets[31].unknown)
            assert.is_nil(sets[31].expired)
        end
    end)

    it("CIPH-01 a list of ciphers: suites after \"!\" or \"-\" are removed", function()
        local function suites(list)
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            local ok, failure = pcall(context.set_ciphers, context, list)
            if not ok then
                raises.check(failure, "SSLError", { reason = "NO_CIPHER_MATCH" })
                return {}
            end
            local set = {}
            for _, cipher in ipairs(context:get_ciphers()) do
                set[cipher.name] = true
            end
            return set
        end
        local BASES = { "ALL", "DEFAULT", "HIGH", "ECDHE+AESGCM:ECDHE+CHACHA20:RSA", "AES128:AES256", "HIGH:!aNULL", "ALL:-SHA1" }
        local CLASSES = { "aNULL", "eNULL", "MD5", "3DES", "PSK", "aPSK", "kRSA", "RSA", "aRSA", "ECDSA", "aECDSA", "SHA1", "SHA",
            "AES128", "AES256", "AESGCM", "CHACHA20", "TLSv1", "TLSv1.2", "ECDHE", "kECDHE", "NO-SUCH-SUITE",
            "ECDHE-RSA-AES128-GCM-SHA256", "RC4", "DES", "EXPORT" }
        for _, base in ipairs(BASES) do
            local before = suites(base)
            for _, operator in ipairs { "!", "-" } do
                for _, class in ipairs(CLASSES) do
                    local list = base .. ":" .. operator .. class
                    included(suites(list), before, list)
                    if operator == "!" then -- permanently
                        included(suites(list .. ":" .. class), suites(list), list .. ":" .. class)
                    end
                end
            end
            included(suites(base .. ":@STRENGTH"), before, base .. ":@STRENGTH")
        end
    end)

    it("CIPH-01 the default ciphers all authenticate and encrypt, without MD5 and 3DES", function()
        for _, cipher in ipairs(ssl.SSLContext(ssl.PROTOCOL_TLS):get_ciphers()) do
            for _, weak in ipairs { "NULL", "MD5", "DES", "PSK", "RC4", "EXP", "ADH" } do
                assert.is_nil(cipher.name:find(weak, 1, true), cipher.name)
            end
        end
    end)
end)
