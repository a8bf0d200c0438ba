-- SSLContext and the module's constants: the values that can be set, and that are read back.
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local function context(protocol)
    return ssl.SSLContext(protocol or ssl.PROTOCOL_TLS)
end

-- set assigns a field, for raises.
local function set(object, field, value)
    object[field] = value
end

-- Bit operations that every Lua has.
local function has(bits, bit)
    return math.floor(bits / bit) % 2 == 1
end

-- assert_integer checks the integer subtype where there is one.
local function assert_integer(value)
    assert.are.equal("number", type(value))
    if math.type then
        assert.are.equal("integer", math.type(value))
    else
        assert.are.equal(math.floor(value), value)
    end
end

local DEFAULT_BITS = {
    "OP_ALL", "OP_NO_SSLv2", "OP_NO_SSLv3", "OP_NO_COMPRESSION", "OP_CIPHER_SERVER_PREFERENCE", "OP_SINGLE_DH_USE",
    "OP_SINGLE_ECDH_USE", "OP_ENABLE_MIDDLEBOX_COMPAT",
}

local function default_options()
    local total = 0
    for _, name in ipairs(DEFAULT_BITS) do
        total = total + ssl[name] -- the bits are distinct: see CONST-28
    end
    return total
end

describe("ssl constants:", function()
    for _, case in ipairs {
        { "CONST-01 CERT_NONE", 0 }, { "CONST-02 CERT_OPTIONAL", 1 }, { "CONST-03 CERT_REQUIRED", 2 },
        { "CONST-04 VERIFY_DEFAULT", 0 }, { "CONST-05 VERIFY_CRL_CHECK_LEAF", 0x4 },
        { "CONST-06 VERIFY_CRL_CHECK_CHAIN", 0xc }, { "CONST-07 VERIFY_X509_STRICT", 0x20 },
        { "CONST-08 VERIFY_X509_TRUSTED_FIRST", 0x8000 }, { "CONST-09 PROTOCOL_TLS", 2 },
        { "CONST-10 PROTOCOL_SSLv23", 2 }, { "CONST-13 PROTOCOL_TLSv1", 3 }, { "CONST-14 PROTOCOL_TLSv1_1", 4 },
        { "CONST-15 PROTOCOL_TLSv1_2", 5 }, { "CONST-19 OP_NO_TLSv1", 0x04000000 },
        { "CONST-20 OP_NO_TLSv1_1", 0x10000000 }, { "CONST-21 OP_NO_TLSv1_2", 0x08000000 },
        { "CONST-22 OP_NO_TLSv1_3", 0x20000000 }, { "CONST-23 OP_CIPHER_SERVER_PREFERENCE", 0x00400000 },
        { "CONST-39 ALERT_DESCRIPTION_HANDSHAKE_FAILURE", 40 }, { "CONST-40 ALERT_DESCRIPTION_INTERNAL_ERROR", 80 },
    } do
        it(case[1], function()
            local name = case[1]:match("%S+$")
            assert.are.equal(case[2], ssl[name])
            assert_integer(ssl[name])
        end)
    end

    it("CONST-16 CONST-17 CONST-18 CONST-24 CONST-25 CONST-26 CONST-27 the other options exist", function()
        for _, name in ipairs(DEFAULT_BITS) do
            assert_integer(ssl[name])
            assert.is_true(ssl[name] >= 0)
        end
    end)

    it("CONST-28 options that are not zero are distinct bits", function()
        local seen = {}
        for _, name in ipairs {
            "OP_NO_SSLv2", "OP_NO_SSLv3", "OP_NO_TLSv1", "OP_NO_TLSv1_1", "OP_NO_TLSv1_2", "OP_NO_TLSv1_3",
            "OP_CIPHER_SERVER_PREFERENCE", "OP_SINGLE_DH_USE", "OP_SINGLE_ECDH_USE", "OP_ENABLE_MIDDLEBOX_COMPAT",
            "OP_NO_COMPRESSION",
        } do
            local bit = ssl[name]
            if bit ~= 0 then
                assert.is_nil(seen[bit], name)
                seen[bit] = true
                local exponent = math.log(bit) / math.log(2)
                assert.is_true(math.abs(exponent - math.floor(exponent + 0.5)) < 1e-9, name)
                assert.is_false(has(ssl.OP_ALL, bit), name .. " is not in OP_ALL")
            end
        end
    end)

    it("B-07 B-15 CONST-29 CONST-30 CONST-31 CONST-33 ALPN-03 features", function()
        for _, name in ipairs { "HAS_ALPN", "HAS_ECDH", "HAS_SNI", "HAS_TLSv1_3" } do
            assert.is_true(ssl[name], name)
        end
    end)

    it("CONST-32 NPN-02 LIBRE-01 HAS_NPN says whether set_npn_protocols works", function()
        assert.are.equal("boolean", type(ssl.HAS_NPN))
        local ctx = context()
        if ssl.HAS_NPN then
            ctx:set_npn_protocols { "http/1.1" }
        else
            raises("NotImplementedError", {}, ctx.set_npn_protocols, ctx, { "http/1.1" })
        end
    end)

    it("CONST-35 CONST-36 CONST-37 the version as text, as a tuple and as a number", function()
        assert.is_truthy(ssl.OPENSSL_VERSION:match("BoringSSL"))
        assert_integer(ssl.OPENSSL_VERSION_NUMBER)
        local info = ssl.OPENSSL_VERSION_INFO
        assert.are.equal(5, #info)
        local number = 0
        for i, factor in ipairs { 0x10000000, 0x100000, 0x1000, 0x10, 1 } do
            assert_integer(info[i])
            number = number + info[i] * factor
        end
        assert.are.equal(number, ssl.OPENSSL_VERSION_NUMBER)
    end)

    it("CONST-38 all alerts have their numbers", function()
        local count = 0
        for name, number in pairs {
            CLOSE_NOTIFY = 0, UNEXPECTED_MESSAGE = 10, BAD_RECORD_MAC = 20, RECORD_OVERFLOW = 22,
            DECOMPRESSION_FAILURE = 30, HANDSHAKE_FAILURE = 40, BAD_CERTIFICATE = 42, UNSUPPORTED_CERTIFICATE = 43,
            CERTIFICATE_REVOKED = 44, CERTIFICATE_EXPIRED = 45, CERTIFICATE_UNKNOWN = 46, ILLEGAL_PARAMETER = 47,
            UNKNOWN_CA = 48, ACCESS_DENIED = 49, DECODE_ERROR = 50, DECRYPT_ERROR = 51, PROTOCOL_VERSION = 70,
            INSUFFICIENT_SECURITY = 71, INTERNAL_ERROR = 80, USER_CANCELLED = 90, NO_RENEGOTIATION = 100,
            UNSUPPORTED_EXTENSION = 110, CERTIFICATE_UNOBTAINABLE = 111, UNRECOGNIZED_NAME = 112,
            BAD_CERTIFICATE_STATUS_RESPONSE = 113, BAD_CERTIFICATE_HASH_VALUE = 114, UNKNOWN_PSK_IDENTITY = 115,
        } do
            assert.are.equal(number, ssl["ALERT_DESCRIPTION_" .. name], name)
            count = count + 1
        end
        assert.are.equal(27, count)
    end)

    it("CONST-42 CONST-43 purposes", function()
        local server, client = ssl.Purpose.SERVER_AUTH, ssl.Purpose.CLIENT_AUTH
        assert.are_not.equal(server, client)
        assert.are.equal("1.3.6.1.5.5.7.3.1", server.oid)
        assert.are.equal("serverAuth", server.shortname)
        assert.are.equal(129, server.nid)
        assert.are.equal("1.3.6.1.5.5.7.3.2", client.oid)
        assert.are.equal("TLS Web Client Authentication", client.longname)
    end)

    it("EXC-16 SSL_ERROR_*", function()
        for name, number in pairs {
            SSL = 1, WANT_READ = 2, WANT_WRITE = 3, WANT_X509_LOOKUP = 4, SYSCALL = 5, ZERO_RETURN = 6,
            WANT_CONNECT = 7, EOF = 8, INVALID_ERROR_CODE = 10,
        } do
            assert.are.equal(number, ssl["SSL_ERROR_" .. name], name)
        end
    end)

    it("EXC-10 EXC-13 the errors of SSL I/O are SSLErrors", function()
        for _, name in ipairs {
            "SSLZeroReturnError", "SSLWantReadError", "SSLWantWriteError", "SSLSyscallError", "SSLEOFError",
        } do
            local err = ssl[name](1, "words")
            assert.is_true(ssl.SSLError:is(err), name)
            assert.is_true(socket.error:is(err), name)
            assert.is_true(ssl[name]:is(err), name)
            assert.is_false(ssl[name]:is(ssl.SSLError(1, "words")), name)
        end
    end)

    it("WIN-01 WIN-02 LDC-02 the functions for Windows are absent", function()
        local function absent(name)
            return rawget(ssl, name) == nil and not pcall(function() return ssl[name] end)
        end
        assert.is_true(absent("enum_certificates"))
        assert.is_true(absent("enum_crls"))
    end)

    it("MOD-04 get_protocol_name", function()
        assert.are.equal("PROTOCOL_TLS", ssl.get_protocol_name(2))
        assert.are.equal("PROTOCOL_TLSv1", ssl.get_protocol_name(3))
        assert.are.equal("PROTOCOL_TLSv1_2", ssl.get_protocol_name(5))
        assert.are.equal("<unknown>", ssl.get_protocol_name(99))
    end)
end)

describe("SSLContext:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    describe("creation", function()
        it("CTX-02 PROT-01 for each protocol", function()
            for _, name in ipairs { "TLS", "SSLv23", "TLSv1", "TLSv1_1", "TLSv1_2" } do
                local ctx = context(ssl["PROTOCOL_" .. name])
                assert.are.equal(ssl["PROTOCOL_" .. name], ctx.protocol)
            end
        end)

        it("CTX-02 raises for other values", function()
            context()
            for _, value in ipairs { -1, 42 } do
                raises("ValueError", { match = "protocol" }, context, value)
            end
            for _, value in ipairs { "TLS", 1.5, true } do
                raises("TypeError", {}, context, value)
            end
        end)

        it("CONST-11 CONST-12 WRAP-18 WRAP-19 F5 SSL 2 and 3 are not available", function()
            assert.are.equal(0, ssl.PROTOCOL_SSLv2)
            assert.are.equal(1, ssl.PROTOCOL_SSLv3)
            raises("ValueError", { match = "protocol" }, context, ssl.PROTOCOL_SSLv2)
            raises("ValueError", { match = "protocol" }, context, ssl.PROTOCOL_SSLv3)
        end)

        it("PROT-02 the protocol cannot be changed, and unknown fields raise", function()
            local ctx = context()
            raises("AttributeError", { match = "protocol" }, set, ctx, "protocol", ssl.PROTOCOL_TLSv1)
            raises("AttributeError", { match = "no_such_field" }, set, ctx, "no_such_field", 1)
            raises("AttributeError", { match = "no_such_field" }, function()
                return ctx.no_such_field
            end)
            assert.are.equal(ssl.PROTOCOL_TLS, ctx.protocol)
        end)

        it("CTX-06 verifies nothing by default", function()
            local ctx = context()
            assert.are.equal(ssl.CERT_NONE, ctx.verify_mode)
            assert.is_false(ctx.check_hostname)
            assert.are.same({ x509 = 0, x509_ca = 0, crl = 0 }, ctx:cert_store_stats())
            assert.are.same({}, ctx:get_ca_certs())
        end)

        it("MOD-03 many contexts can exist and be collected", function()
            for _ = 1, 200 do
                context()
            end
            collectgarbage()
            collectgarbage()
        end)
    end)

    describe("options", function()
        it("CTX-04 OPT-02 F1 are the secure defaults exactly", function()
            assert.are.equal(default_options(), context().options)
            assert_integer(context().options)
        end)

        it("OPT-01 OPT-03 can be set, cleared and read back", function()
            local ctx = context()
            local options = ctx.options
            ctx.options = options + ssl.OP_NO_TLSv1
            assert.are.equal(options + ssl.OP_NO_TLSv1, ctx.options)
            ctx.options = options
            assert.are.equal(options, ctx.options)
            ctx.options = 0
            assert.are.equal(0, ctx.options)
        end)

        it("F7 unknown bits are read back", function()
            local ctx = context()
            ctx.options = 0x1
            assert.are.equal(0x1, ctx.options)
        end)

        it("OPT-04 values of wrong types raise", function()
            local ctx = context()
            for _, value in ipairs { "1", 1.5, true, {} } do
                raises("TypeError", {}, set, ctx, "options", value)
            end
            raises("TypeError", {}, set, ctx, "options", nil)
            raises("ValueError", { match = "options" }, set, ctx, "options", -1)
            assert.are.equal(default_options(), ctx.options)
        end)

        it("DCTX-12 clearing OP_NO_SSLv3 is accepted", function()
            local ctx = ssl.create_default_context()
            ctx.options = ctx.options - ssl.OP_NO_SSLv3
            assert.is_false(has(ctx.options, 0x02000000))
        end)
    end)

    describe("verification", function()
        it("VM-01 verify_mode", function()
            local ctx = context()
            for _, mode in ipairs { ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED, ssl.CERT_NONE } do
                ctx.verify_mode = mode
                assert.are.equal(mode, ctx.verify_mode)
            end
            raises("ValueError", { match = "verify_mode" }, set, ctx, "verify_mode", 42)
            raises("TypeError", {}, set, ctx, "verify_mode", nil)
            raises("TypeError", {}, set, ctx, "verify_mode", "a")
            raises("TypeError", {}, set, ctx, "verify_mode", 1.5)
            assert.are.equal(ssl.CERT_NONE, ctx.verify_mode)
        end)

        it("VF-01 CONST-07 CONST-08 verify_flags", function()
            local ctx = context()
            assert.are.equal(ssl.VERIFY_DEFAULT + ssl.VERIFY_X509_TRUSTED_FIRST, ctx.verify_flags)
            for _, flags in ipairs {
                ssl.VERIFY_CRL_CHECK_LEAF, ssl.VERIFY_CRL_CHECK_CHAIN, ssl.VERIFY_DEFAULT,
                ssl.VERIFY_CRL_CHECK_LEAF + ssl.VERIFY_X509_STRICT,
                ssl.VERIFY_CRL_CHECK_LEAF + ssl.VERIFY_X509_STRICT + ssl.VERIFY_X509_TRUSTED_FIRST,
            } do
                ctx.verify_flags = flags
                assert.are.equal(flags, ctx.verify_flags)
            end
            raises("TypeError", {}, set, ctx, "verify_flags", nil)
            raises("TypeError", {}, set, ctx, "verify_flags", "4")
        end)

        it("B-26 CHK-01 CHK-02 check_hostname sets a verify_mode that verifies", function()
            local ctx = context()
            assert.is_false(ctx.check_hostname)
            ctx.check_hostname = false
            assert.are.equal(ssl.CERT_NONE, ctx.verify_mode)
            ctx.check_hostname = true
            assert.is_true(ctx.check_hostname)
            assert.are.equal(ssl.CERT_REQUIRED, ctx.verify_mode)
            ctx.check_hostname = false
            assert.are.equal(ssl.CERT_REQUIRED, ctx.verify_mode)
            ctx.verify_mode = ssl.CERT_OPTIONAL -- a verify_mode that was set is kept
            ctx.check_hostname = true
            assert.are.equal(ssl.CERT_OPTIONAL, ctx.verify_mode)
            ctx.check_hostname = false
            raises("TypeError", {}, set, ctx, "check_hostname", 1)
            ctx.verify_mode = ssl.CERT_REQUIRED
            ctx.check_hostname = true
            assert.is_true(ctx.check_hostname)
            ctx.check_hostname = false
            assert.is_false(ctx.check_hostname)
            ctx.verify_mode = ssl.CERT_OPTIONAL
            ctx.check_hostname = true
        end)

        it("CHK-03 verify_mode cannot be CERT_NONE while it is set", function()
            local ctx = context()
            ctx.verify_mode = ssl.CERT_REQUIRED
            ctx.check_hostname = true
            raises("ValueError", { match = "Cannot set verify_mode to CERT_NONE when check_hostname is enabled" },
                set, ctx, "verify_mode", ssl.CERT_NONE)
            assert.are.equal(ssl.CERT_REQUIRED, ctx.verify_mode)
            ctx.check_hostname = false
            ctx.verify_mode = ssl.CERT_NONE
        end)
    end)

    describe("set_ciphers", function()
        it("CIPH-01 CTX-05 accepts lists", function()
            local ctx = context()
            ctx:set_ciphers("ALL")
            ctx:set_ciphers("DEFAULT")
            ctx:set_ciphers("HIGH:!aNULL:!eNULL:!MD5")
            ctx:set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
        end)

        it("CIPH-02 WRAP-25 F13 raises for a list that selects nothing", function()
            local ctx = context()
            ctx:set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
            for _, list in ipairs { "^$:,;?*'dorothyx", "", "RC4", "eNULL", "DHE" } do
                raises("SSLError", { match = "No cipher can be selected", library = "SSL" }, ctx.set_ciphers, ctx, list)
            end
            raises("TypeError", {}, ctx.set_ciphers, ctx, 7)
        end)
    end)

    describe("set_alpn_protocols", function()
        it("ALPN-01 ALPN-02 accepts lists of names of 1 to 255 bytes", function()
            local ctx = context()
            ctx:set_alpn_protocols { "http/1.1", "h2" }
            ctx:set_alpn_protocols { ("x"):rep(255) }
            ctx:set_alpn_protocols {}
            raises("SSLError", { match = "ALPN protocols must be 1 to 255 in length" }, ctx.set_alpn_protocols, ctx,
                { "h2", "" })
            raises("SSLError", { match = "ALPN protocols must be 1 to 255 in length" }, ctx.set_alpn_protocols, ctx,
                { ("x"):rep(256) })
            raises("TypeError", { match = "alpn_protocols" }, ctx.set_alpn_protocols, ctx, { 7 })
            raises("TypeError", { match = "alpn_protocols" }, ctx.set_alpn_protocols, ctx, "h2")
        end)
    end)

    describe("create_default_context", function()
        it("DCTX-01 DCTX-03 DCTX-06 DCTX-09 SEC-01 makes contexts for server authentication", function()
            local ctx = ssl.create_default_context()
            assert.are.equal(ssl.PROTOCOL_SSLv23, ctx.protocol)
            assert.are.equal(ssl.CERT_REQUIRED, ctx.verify_mode)
            assert.is_true(ctx.check_hostname)
        end)

        it("DCTX-07 forbids SSL 2 and 3", function()
            local options = ssl.create_default_context().options
            assert.is_true(has(options, ssl.OP_NO_SSLv2))
            assert.is_true(has(options, ssl.OP_NO_SSLv3))
            assert.is_true(has(options, ssl.OP_NO_COMPRESSION))
        end)

        it("DCTX-10 makes contexts for client authentication", function()
            local ctx = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            assert.are.equal(ssl.PROTOCOL_SSLv23, ctx.protocol)
            assert.are.equal(ssl.CERT_NONE, ctx.verify_mode)
            assert.is_false(ctx.check_hostname)
            assert.are.same({ x509 = 0, x509_ca = 0, crl = 0 }, ctx:cert_store_stats())
            ctx = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, pki.path("root.pem"))
            assert.are.equal(ssl.CERT_NONE, ctx.verify_mode)
            assert.are.same({ x509 = 1, x509_ca = 1, crl = 0 }, ctx:cert_store_stats())
        end)

        it("DCTX-04 given CA certificates replace the system's", function()
            local by_file = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, pki.path("root.pem"))
            local by_keyword = ssl.create_default_context { cafile = pki.path("root.pem") }
            local by_data = ssl.create_default_context { cadata = pki.read("root.pem") }
            for _, ctx in ipairs { by_file, by_keyword, by_data } do
                assert.are.same({ x509 = 1, x509_ca = 1, crl = 0 }, ctx:cert_store_stats())
            end
            local by_path = ssl.create_default_context { capath = pki.path("capath") }
            assert.are.same({ x509 = 0, x509_ca = 0, crl = 0 }, by_path:cert_store_stats())
        end)

        it("DCTX-08 DCTX-13 DCTX-14 SEC-08 enables strong suites only", function()
            for _, purpose in ipairs { ssl.Purpose.SERVER_AUTH, ssl.Purpose.CLIENT_AUTH } do
                local found
                for _, cipher in ipairs(ssl.create_default_context(purpose):get_ciphers()) do
                    for _, weak in ipairs { "RC4", "DES", "NULL", "PSK", "MD5", "EXP" } do
                        assert.is_nil(cipher.name:find(weak, 1, true), cipher.name)
                    end
                    found = found or cipher.name:match("^ECDHE.*CHACHA20%-POLY1305$")
                end
                assert.is_truthy(found)
            end
        end)

        it("DCTX-02 raises for other purposes", function()
            raises("TypeError", {}, ssl.create_default_context, "SERVER_AUTH")
            raises("TypeError", {}, ssl.create_default_context, { purpose = 7 })
        end)

        it("accepts keywords, and raises for unknown ones", function()
            raises("TypeError", { match = "cafiles" }, ssl.create_default_context, { cafiles = "x" })
        end)
    end)

    describe("wrap_socket", function()
        it("CWRAP-03 server_hostname is for clients only", function()
            local first, second = socket.socketpair()
            local ctx = context()
            ctx:load_cert_chain(pki.path("server-ec.pem"), pki.path("server-ec.key"))
            raises("ValueError", { match = "server_hostname can only be specified in client mode" }, ctx.wrap_socket,
                ctx, first, { server_side = true, server_hostname = "localhost" })
            first:close()
            second:close()
        end)

        it("CWRAP-04 CHK-04 check_hostname requires server_hostname", function()
            local sock = socket.socket()
            local ctx = ssl.create_default_context()
            raises("ValueError", { match = "check_hostname requires server_hostname" }, ctx.wrap_socket, ctx, sock)
            local wrapped = ctx:wrap_socket(sock, { server_hostname = "localhost" })
            assert.are.equal("localhost", wrapped.server_hostname)
            wrapped:close()
            sock:close()
        end)

        it("B-27 CWRAP-02 CWRAP-05 names that cannot be sent are refused, IP addresses are not", function()
            local ctx = context()
            for _, name in ipairs { "", ("x"):rep(256), "nul\0.example" } do
                local sock = socket.socket()
                raises("ValueError", { match = "server_hostname" }, ctx.wrap_socket, ctx, sock, { server_hostname = name })
                sock:close()
            end
            for _, name in ipairs { "127.0.0.1", "::1", "localhost" } do
                local sock = socket.socket()
                local wrapped = ctx:wrap_socket(sock, { server_hostname = name })
                wrapped:close()
                sock:close()
            end
        end)

        it("WRAP-03 datagram sockets raise NotImplementedError", function()
            local sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            local ctx = context()
            raises("NotImplementedError", { match = "only stream sockets are supported" }, ctx.wrap_socket, ctx, sock)
            raises("NotImplementedError", { match = "only stream sockets are supported" }, ssl.wrap_socket, sock)
            sock:close()
        end)

        it("WRAP-12 server_side is a boolean", function()
            local sock = socket.socket()
            local ctx = context()
            raises("TypeError", {}, ctx.wrap_socket, ctx, sock, { server_side = 0 })
            local wrapped = ctx:wrap_socket(sock, { server_side = false })
            assert.is_false(wrapped.server_side)
            wrapped:close()
            sock:close()
        end)

        it("values that are not sockets raise TypeError", function()
            local ctx = context()
            raises("TypeError", {}, ctx.wrap_socket, ctx, "socket")
            raises("TypeError", {}, ctx.wrap_socket, ctx, {})
        end)
    end)

    it("HTTPS-05 the environment can disable the verification", function()
        local code = [[
            local ssl = require "cleat.ssl"
            local context = ssl._create_default_https_context()
            print(context.verify_mode == ssl.CERT_REQUIRED, context.check_hostname)
        ]]
        assert.are.equal("true\ttrue\n", process.run_code(code))
        assert.are.equal("true\ttrue\n", process.run_code(code, { "PYTHONHTTPSVERIFY=1" }))
        assert.are.equal("false\tfalse\n", process.run_code(code, { "PYTHONHTTPSVERIFY=0" }))
    end)

    it("HTTPS-01 HTTPS-02 HTTPS-03 HTTPS-04 _https_verify_certificates", function()
        finally(function()
            ssl._https_verify_certificates(true)
        end)
        assert.are.equal(ssl.CERT_REQUIRED, ssl._create_default_https_context().verify_mode)
        assert.is_true(ssl._create_default_https_context().check_hostname)
        ssl._https_verify_certificates(false)
        local ctx = ssl._create_default_https_context()
        assert.are.equal(ssl.CERT_NONE, ctx.verify_mode)
        assert.is_false(ctx.check_hostname)
        ssl._https_verify_certificates()
        assert.are.equal(ssl.CERT_REQUIRED, ssl._create_default_https_context().verify_mode)
    end)

    describe("random numbers", function()
        it("RAND-01 RAND_status is true", function()
            assert.is_true(ssl.RAND_status())
        end)

        it("RAND-03 RAND_add accepts Python's arguments", function()
            assert.is_nil(ssl.RAND_add("some bytes", 0.0))
            raises("TypeError", {}, ssl.RAND_add, {}, 0.0)
            raises("TypeError", {}, ssl.RAND_add, "some bytes", "75.0x")
        end)

        it("B-20 RAND-04 RAND_bytes", function()
            local first, second = ssl.RAND_bytes(16), ssl.RAND_bytes(16)
            assert.are.equal(16, #first)
            assert.are_not.equal(first, second)
            assert.are.equal("", ssl.RAND_bytes(0))
            assert.are.equal(100000, #ssl.RAND_bytes(100000))
            raises("ValueError", { match = "num must be positive" }, ssl.RAND_bytes, -1)
        end)

        it("B-28 RAND-05 RAND_pseudo_bytes reports strong bytes", function()
            local bytes, good = ssl.RAND_pseudo_bytes(16)
            assert.are.equal(16, #bytes)
            assert.is_true(good)
            raises("ValueError", {}, ssl.RAND_pseudo_bytes, -1)
        end)

        it("RAND-02 RAND_egd does not exist", function()
            assert.is_nil(rawget(ssl, "RAND_egd"))
            raises("AttributeError", { match = "module 'ssl' has no attribute 'RAND_egd'" }, function() return ssl.RAND_egd end)
        end)
    end)
end)
