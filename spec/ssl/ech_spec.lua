-- Encrypted ClientHello (RFC 9849): what is encrypted, servers that cannot decrypt it and their retry configurations,
-- keys.
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"
local visits = require "support.visits"

-- The certificate server-ec has both names.
local NAME, PUBLIC = "localhost", "www.cleat.test"
local ECH_REQUIRED = 121
local HOSTNAME_MISMATCH = 62

local function key(public_name)
    return ssl.ECHKey { public_name = public_name or PUBLIC }
end

local function server(keys, version, cert)
    local context = visits.server(version, cert)
    context:set_ech_keys(keys or {})
    return context
end

-- visit makes a connection to the server with these configurations, and returns its result.
local function visit(client, to, configs, options)
    options = options or {}
    options.client, options.server, options.ech_configs = client, to, configs
    return visits.visit(options)
end

local function rejected(result)
    return raises.check(result.failure, { "SSLECHRejectedError", "SSLError" }, { library = "SSL", reason = "ECH_REJECTED" })
end

local function u16(number)
    return string.char((number - number % 256) / 256, number % 256)
end

local function vector(bytes)
    return u16(#bytes) .. bytes
end

-- list returns an ECHConfigList with one configuration, valid except for the given fields.
local function list(fields)
    fields = fields or {}
    local name = fields.name or PUBLIC
    local contents = "\7" .. u16(fields.kem or 0x20) .. vector(fields.key or ("k"):rep(32)) .. vector(fields.suites or "\0\1\0\1")
        .. "\0" .. string.char(#name) .. name .. vector(fields.extensions or "") .. (fields.rest or "")
    return vector(u16(fields.version or 0xfe0d) .. vector(contents))
end

local function join(...)
    local parts = {}
    for index, each in ipairs { ... } do
        parts[index] = each:sub(3)
    end
    return vector(table.concat(parts))
end

-- hello returns the first bytes that a client sends.
local function hello(client, configs)
    local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    local object = client:wrap_bio(incoming, outgoing, { server_hostname = NAME, ech_configs = configs })
    raises("SSLWantReadError", {}, object.do_handshake, object)
    return outgoing:read()
end

-- extension_size returns the length of the client's extension with this number, 0 if it is absent.
local function extension_size(bytes, number)
    local at = 5 + 4 + 2 + 32 + 1 -- after the headers, the version and the random: the session id
    at = at + 1 + bytes:byte(at)
    local function pair(where)
        return bytes:byte(where) * 256 + bytes:byte(where + 1)
    end
    at = at + 2 + pair(at)
    at = at + 1 + bytes:byte(at) + 2
    while at < #bytes do
        if pair(at) == number then
            return pair(at + 2)
        end
        at = at + 4 + pair(at + 2)
    end
    return 0
end

local function has(bytes, piece)
    return bytes:find(piece, 1, true) ~= nil
end

describe("Encrypted ClientHello", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("B-65 encrypts the server's name, which the server decrypts", function()
        local ours, to = key(), visits.server()
        local seen, accepted
        to:set_servername_callback(function(conn, name)
            seen, accepted = name, conn.ech_accepted
        end)
        to:set_ech_keys { ours }
        local client = visits.client()
        local result = visit(client, to, ssl.ech_config_list { ours })
        assert.is_nil(result.failure)
        assert.equal(NAME, seen)
        assert.is_true(accepted)
        assert.is_true(result.client.ech_accepted)
        assert.is_true(result.server.ech_accepted)
        assert.is_nil(result.client.ech_public_name)
        assert.equal(NAME, result.client.server_hostname)
        assert.equal("TLSv1.3", result.version)
        local bytes = hello(client, ssl.ech_config_list { ours })
        assert.is_true(has(bytes, PUBLIC))
        assert.is_false(has(bytes, NAME))
        assert.is_true(has(hello(client), NAME))
        result = visit(client, to)
        assert.is_nil(result.failure)
        assert.is_false(result.client.ech_accepted)
        assert.is_false(result.server.ech_accepted)
    end)

    it("B-65 reports a server with other keys, and its retry configurations", function()
        local old, new = key(), key()
        local to = server { new }
        local client = visits.client()
        local result = visit(client, to, ssl.ech_config_list { old })
        local err = rejected(result)
        assert.equal(PUBLIC, err.ech_public_name)
        assert.equal(ssl.ech_config_list { new }, err.ech_retry_configs)
        assert.equal(PUBLIC, result.client.ech_public_name)
        assert.is_false(result.client.ech_accepted)
        result = visit(client, to, err.ech_retry_configs)
        assert.is_nil(result.failure)
        assert.is_true(result.client.ech_accepted)
    end)

    it("B-65 sends nothing to a server with other keys: no data, and no client certificate", function()
        local client = visits.client()
        client:load_cert_chain(pki.chain "client")
        local to = server { key() }
        to:load_verify_locations(pki.path "root.pem")
        to.verify_mode = ssl.CERT_OPTIONAL
        local one, other = visits.pair { client = client, server = to, ech_configs = ssl.ech_config_list { key() } }
        raises.check(one.failure, "SSLECHRejectedError")
        assert.is_nil(other.failure) -- for the server the handshake has succeeded
        assert.is_nil(other.object:getpeercert(true))
        other:try("read", 1)
        raises.check(other.failure, "SSLError", { alert = ECH_REQUIRED })
        raises("SSLECHRejectedError", {}, one.object.write, one.object, "secret")
        assert.equal(0, one.outgoing.pending)
        -- the control
        local ours = key()
        to:set_ech_keys { ours }
        local result = visit(client, to, ssl.ech_config_list { ours })
        assert.equal("client", ssl.Certificate(result.seen).subject[#ssl.Certificate(result.seen).subject][1][2])
    end)

    for _, version in ipairs(visits.VERSIONS) do
        it("B-65 verifies a server with other keys for the public name, " .. visits.NAMES[version], function()
            local to = server({ key() }, version)
            local client = visits.client()
            local configs = ssl.ech_config_list { key "public.test" }
            local err = raises.check(visit(client, to, configs).failure, "SSLCertVerificationError", {
                verify_code = HOSTNAME_MISMATCH,
                verify_message = "Hostname mismatch, certificate is not valid for 'public.test'.",
            })
            assert.is_nil(rawget(err, "ech_retry_configs"))
            -- names are compared although the context compares none
            client.check_hostname = false
            raises.check(visit(client, to, configs).failure, "SSLCertVerificationError", { verify_code = HOSTNAME_MISMATCH })
            -- the certificate has the public name, and not the encrypted one
            err = rejected(visit(visits.client(), to, ssl.ech_config_list { key() }, { hostname = "hidden.test" }))
            assert.equal(PUBLIC, err.ech_public_name)
        end)
    end

    it("B-65 returns no retry configurations of a server that was not verified", function()
        local to = server { key "public.test" }
        local configs = ssl.ech_config_list { key "public.test" }
        local client = visits.client()
        client.enforce_verification = false
        local err = rejected(visit(client, to, configs))
        assert.equal("public.test", err.ech_public_name)
        assert.is_nil(err.ech_retry_configs)
        client = visits.client()
        client.verify_callback_may_accept = true
        local seen
        client.verify_callback = function(conn)
            seen = conn.ech_public_name
            return true
        end
        err = rejected(visit(client, to, configs))
        assert.equal("public.test", seen)
        assert.is_nil(err.ech_retry_configs)
        client = visits.client()
        client.check_hostname = false
        client.verify_mode = ssl.CERT_NONE
        err = rejected(visit(client, to, configs))
        assert.is_nil(err.ech_retry_configs)
        -- the control
        assert.is_string(rejected(visit(visits.client(), server { key() }, ssl.ech_config_list { key() })).ech_retry_configs)
    end)

    it("B-65 fails with a server that has no ECH, or no TLS 1.3", function()
        for _, version in ipairs(visits.VERSIONS) do
            local client = visits.client()
            client.session_cache_size = 8
            local to = server({}, version)
            local result = visit(client, to, ssl.ech_config_list { key() })
            local err = rejected(result)
            assert.equal(PUBLIC, err.ech_public_name)
            assert.is_nil(err.ech_retry_configs)
            assert.is_nil(result.client.session)
            -- no session was stored: the next connection is a full handshake, without ECH if the caller chooses so
            result = visit(client, to)
            assert.is_nil(result.failure)
            assert.is_false(result.reused)
        end
    end)

    it("B-65 refuses configurations that BoringSSL would ignore", function()
        local client = visits.client()
        local function wrap(configs, context, options)
            options = options or { server_hostname = NAME }
            options.ech_configs = configs
            return context or client, ssl.MemoryBIO(), ssl.MemoryBIO(), options
        end
        local good = list()
        for _, bytes in ipairs {
            "", "\0", "\0\0", good .. "\0", good:sub(1, -2), u16(#good) .. good:sub(3), list { key = "" }, list { suites = "" },
            list { suites = "\0\1\0" }, list { name = "" }, list { rest = "\0" }, list { extensions = "\0\1\0" },
            good:sub(1, 4) .. "\0\0", ("x"):rep(70000),
        } do
            raises("SSLError", { library = "SSL", reason = "INVALID_ECH_CONFIG_LIST" }, client.wrap_bio, wrap(bytes))
        end
        for _, fields in ipairs {
            { version = 0xfe0a }, { kem = 0x10 }, { suites = "\0\2\0\1" }, { suites = "\0\1\0\4\0\3\0\1" }, { key = ("k"):rep(31) },
            { extensions = "\128\1\0\0" }, { name = "a..test" }, { name = "-a.test" }, { name = "10.0.0.1" }, { name = "a_b.test" },
            { name = "a.test." }, { name = "a.0x7f" },
        } do
            raises("SSLError", { library = "SSL", reason = "NO_SUPPORTED_ECH_CONFIG" }, client.wrap_bio, wrap(list(fields)))
        end
        local old = visits.client(ssl.TLSVersion.TLSv1_2)
        raises("ValueError", { match = "needs TLS 1.3" }, client.wrap_bio, wrap(good, old))
        raises("ValueError", { match = "client mode" }, client.wrap_bio, wrap(good, visits.server(), { server_side = true }))
        raises("TypeError", {}, client.wrap_bio, wrap(1))
        raises("TypeError", {}, client.wrap_socket, client, socket.socket(), { server_hostname = NAME, ech_configs = {} })
        local plain = socket.socketpair()
        raises("SSLError", { reason = "INVALID_ECH_CONFIG_LIST" }, client.wrap_socket, client, plain, {
            server_hostname = NAME, ech_configs = "x",
        })
        -- the control: the supported configuration is chosen among others, and unknown extensions are allowed
        local ours = key()
        local result = visit(client, server { ours }, join(list { version = 0xfe0a }, list { kem = 0x10 }, list { suites = "\0\2\0\1" },
            list { name = "10.0.0.1" }, list { extensions = "\128\1\0\0" }, ssl.ech_config_list { ours }, good))
        assert.is_nil(result.failure)
        assert.is_true(result.client.ech_accepted)
        assert.is_true(has(hello(client, list { extensions = "\1\1\0\0" }), PUBLIC))
    end)

    it("B-65 sends a GREASE extension in default contexts, which servers ignore", function()
        assert.is_true(ssl.create_default_context().ech_grease)
        assert.is_false(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).ech_grease)
        local client = visits.client()
        assert.is_false(client.ech_grease)
        assert.equal(0, extension_size(hello(client), 0xfe0d))
        raises("TypeError", {}, function()
            client.ech_grease = 1
        end)
        client.ech_grease = true
        assert.is_true(extension_size(hello(client), 0xfe0d) > 150)
        for _, version in ipairs(visits.VERSIONS) do
            for _, keys in ipairs { {}, { key() } } do
                local result = visit(client, server(keys, version))
                assert.is_nil(result.failure)
                assert.is_false(result.client.ech_accepted)
                assert.is_false(result.server.ech_accepted)
                assert.is_nil(result.client.ech_public_name)
            end
        end
        client.ech_grease = false
        assert.equal(0, extension_size(hello(client), 0xfe0d))
    end)

    it("B-65 works with HelloRetryRequest, and with servers that switch their context", function()
        local ours = key()
        local other = server { key() }
        other:set_ecdh_curve "secp384r1"
        for _, early in ipairs { true, false } do
            local to = server { ours }
            if early then
                to:set_ecdh_curve "secp384r1"
            end
            local names = {}
            to:set_servername_callback(function(conn, name)
                names[#names + 1] = name
                if not early then
                    conn.context = other
                end
            end)
            local client = visits.client()
            local result = visit(client, to, ssl.ech_config_list { ours })
            assert.is_nil(result.failure)
            assert.is_true(result.client.ech_accepted)
            assert.same({ NAME }, names)
            -- the keys of the first context are used
            result = visit(client, to, ssl.ech_config_list { key() })
            assert.equal(ssl.ech_config_list { ours }, rejected(result).ech_retry_configs)
            assert.same({ NAME, PUBLIC }, names)
        end
    end)

    it("B-65 rotates keys: clients get the newest, older ones still decrypt", function()
        local old, new = key(), key()
        local to, client = server { old }, visits.client()
        local incoming = ssl.MemoryBIO()
        local made = to:wrap_bio(incoming, ssl.MemoryBIO(), { server_side = true })
        to:set_ech_keys { new, old }
        for _, each in ipairs { old, new } do
            assert.is_true(visit(client, to, ssl.ech_config_list { each }).client.ech_accepted)
        end
        assert.equal(ssl.ech_config_list { new }, rejected(visit(client, to, ssl.ech_config_list { key() })).ech_retry_configs)
        to:set_ech_keys { new }
        assert.equal(ssl.ech_config_list { new }, rejected(visit(client, to, ssl.ech_config_list { old })).ech_retry_configs)
        to:set_ech_keys {}
        assert.is_nil(rejected(visit(client, to, ssl.ech_config_list { new })).ech_retry_configs)
        -- a connection keeps the keys of its context when it was made
        incoming:write(hello(client, ssl.ech_config_list { old }))
        raises("SSLWantReadError", {}, made.do_handshake, made)
        assert.is_true(made.ech_accepted)
        raises("TypeError", {}, to.set_ech_keys, to, old)
        raises("TypeError", {}, to.set_ech_keys, to, { old, "x" })
        raises("TypeError", {}, to.set_ech_keys, to, nil)
        local many = {}
        for index = 1, 17 do
            many[index] = old
        end
        raises("ValueError", {}, to.set_ech_keys, to, many)
    end)

    it("B-65 resumes sessions of TLS 1.3, and no others", function()
        local ours = key()
        local to, client = server { ours }, visits.client()
        client.session_cache_size = 8
        local configs = ssl.ech_config_list { ours }
        assert.is_false(visit(client, to, configs).reused)
        local result = visit(client, to, configs)
        assert.is_nil(result.failure)
        assert.is_true(result.reused)
        assert.is_true(result.client.ech_accepted)
        to.maximum_version = ssl.TLSVersion.TLSv1_2
        local session = visit(client, to).session
        assert.equal("TLSv1.2", session.version)
        to.maximum_version = ssl.TLSVersion.TLSv1_3
        result = visit(client, to, configs, { session = session })
        assert.is_nil(result.failure)
        assert.is_false(result.reused)
        assert.is_true(result.client.ech_accepted)
    end)

    it("B-65 encrypts early data for the hidden server only", function()
        local ours = key()
        local to, client = server { ours }, visits.client()
        to.max_early_data = 14336
        local function once(configs)
            local session = visit(client, to, ssl.ech_config_list { ours }).session
            return visits.pair { client = client, server = to, ech_configs = configs, session = session, early_data = "GET /" }
        end
        local one, other = once(ssl.ech_config_list { ours })
        assert.is_nil(one.failure)
        assert.equal("accepted", one.object.early_data)
        assert.is_true(one.object.ech_accepted)
        assert.equal("GET /", other.object:recv_early(100))
        one, other = once(ssl.ech_config_list { key() })
        raises.check(one.failure, "SSLECHRejectedError", { ech_public_name = PUBLIC, ech_retry_configs = ssl.ech_config_list { ours } })
        assert.equal("", other.object:recv_early(100))
        other:try("read", 1)
        raises.check(other.failure, "SSLError", { alert = ECH_REQUIRED })
        one = once(ssl.ech_config_list { key "public.test" })
        raises.check(one.failure, "SSLCertVerificationError", { verify_code = HOSTNAME_MISMATCH })
    end)

    it("B-65 keeps its configurations when the context of a client's connection is set", function()
        local ours = key()
        local result = visit(visits.client(), server { ours }, ssl.ech_config_list { ours }, { before = function(object)
            raises("ValueError", { match = "needs TLS 1.3" }, function()
                object.context = visits.client(ssl.TLSVersion.TLSv1_2)
            end)
            object.context = visits.client()
        end })
        assert.is_nil(result.failure)
        assert.is_true(result.client.ech_accepted)
    end)

    it("B-65 works over sockets", function()
        local ours = key()
        local one, other = socket.socketpair()
        local client = visits.client():wrap_socket(one, {
            server_hostname = NAME, ech_configs = ssl.ech_config_list { ours }, do_handshake_on_connect = false,
        })
        local to = server({ ours }):wrap_socket(other, { server_side = true, do_handshake_on_connect = false })
        client:settimeout(0)
        to:settimeout(0)
        tasks.run {
            function()
                tasks.call(client, "do_handshake")
            end,
            function()
                tasks.call(to, "do_handshake")
            end,
        }
        assert.is_true(client.ech_accepted)
        assert.is_true(to.ech_accepted)
        client:close()
        to:close()
        assert.is_nil(client.ech_accepted)
        assert.is_nil(client.ech_public_name)
    end)

    describe("keys", function()
        it("B-65 are generated, written and read", function()
            local one = ssl.ECHKey { public_name = PUBLIC, config_id = 200, max_name_length = 0 }
            assert.equal(PUBLIC, one.public_name)
            assert.equal(200, one.config_id)
            assert.equal(0, one.max_name_length)
            assert.equal("<ssl.ECHKey " .. PUBLIC .. ">", tostring(one))
            assert.equal(vector(one.config), ssl.ech_config_list { one })
            assert.equal(vector(one.config .. one.config), ssl.ech_config_list { one, one })
            assert.equal(64, ssl.ECHKey(PUBLIC).max_name_length)
            local ids = {}
            for _ = 1, 20 do
                ids[key().config_id] = true
            end
            local first = next(ids)
            assert.is_truthy(next(ids, first), "at random")
            raises("ValueError", {}, ssl.ech_config_list, {})
            raises("TypeError", {}, ssl.ech_config_list, one)
            raises("AttributeError", {}, function()
                return one.private_key
            end)
            for _, name in ipairs { "", "a b", "10.0.0.1", "a.", ".a", "b\195\188cher.test", ("a"):rep(64), ("a."):rep(130) .. "a" } do
                raises("SSLError", { library = "SSL", reason = "INVALID_ECH_PUBLIC_NAME" }, ssl.ECHKey, { public_name = name })
            end
            raises("ValueError", {}, ssl.ECHKey, { public_name = "a\0b" })
            raises("ValueError", {}, ssl.ECHKey, { public_name = PUBLIC, config_id = 256 })
            raises("ValueError", {}, ssl.ECHKey, { public_name = PUBLIC, max_name_length = -1 })
            raises("ValueError", {}, ssl.ECHKey)
            raises("ValueError", {}, ssl.ECHKey, { public_name = PUBLIC, data = "x" })
            raises("ValueError", {}, ssl.ECHKey, { data = "x", config_id = 1 })
            raises("TypeError", {}, ssl.ECHKey, { public_name = 1 })
            raises("TypeError", {}, ssl.ECHKey, { data = 1 })
        end)

        it("B-65 are written as PEM, which other programs read", function()
            local one = key()
            local text = one:tobytes()
            local file = process.write_file(process.directory() .. "/ech.pem", text)
            for _, again in ipairs {
                ssl.ECHKey { data = text }, ssl.ECHKey { file = file }, ssl.ECHKey { data = "\239\187\191" .. text },
            } do
                assert.equal(one.config, again.config)
                local result = visit(visits.client(), server { again }, ssl.ech_config_list { one })
                assert.is_true(result.client.ech_accepted)
            end
            -- the blocks may be in any order
            local private, configs = text:match "^(.-END PRIVATE KEY%-%-%-%-%-\n)(.*)$"
            assert.equal(one.config, ssl.ECHKey { data = configs .. private }.config)
            local shown = process.run { "openssl", "pkey", "-in", file, "-noout", "-text" }
            assert.equal(0, shown.status)
            local public = shown.output:match "pub:(.*)$":gsub("%X", "")
            local held = one.config:sub(10, 41):gsub(".", function(byte)
                return ("%02x"):format(byte:byte())
            end)
            assert.equal(held, public)
            local other = key():tobytes():match "^(.-END PRIVATE KEY%-%-%-%-%-\n)"
            raises("SSLError", { library = "SSL", reason = "NO_ECH_CONFIG_OF_THE_KEY" }, ssl.ECHKey, { data = other .. configs })
            raises("SSLError", { library = "PEM", reason = "NO_START_LINE" }, ssl.ECHKey, { data = private })
            raises("SSLError", { library = "PEM", reason = "NO_START_LINE" }, ssl.ECHKey, { data = configs })
            raises("SSLError", { library = "PEM", reason = "NO_START_LINE" }, ssl.ECHKey, { data = "" })
            raises("SSLError", { library = "SSL", reason = "INVALID_ECH_CONFIG_LIST" }, ssl.ECHKey, {
                data = private .. "-----BEGIN ECHCONFIG-----\nAAAA\n-----END ECHCONFIG-----\n",
            })
            raises("SSLError", { library = "SSL", reason = "UNKNOWN_KEY_TYPE" }, ssl.ECHKey, { data = pki.read "ec.key" .. configs })
            raises("ValueError", { match = "PEM data" }, ssl.ECHKey, { file = text })
            raises("IOError", { errno = 2, filename = "missing.pem" }, ssl.ECHKey, { file = "missing.pem" })
            local encrypted = process.run { "openssl", "pkey", "-in", file, "-aes128", "-passout", "pass:x" }
            raises("SSLError", { library = "SSL", reason = "ENCRYPTED_ECH_KEY" }, ssl.ECHKey, { data = encrypted.output .. configs })
        end)
    end)
end)
