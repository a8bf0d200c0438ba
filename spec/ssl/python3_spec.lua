-- Contexts' additions in Python 3: names, versions, options, settings. The control is CPython if it has them.
local errors = require "cleat.errors"
local handles = require "support.handles"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local python = require "cleat.python"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local TLSVersion = ssl.TLSVersion

describe("Python 3's names:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("B-04 B-10 enumerations have names and numbers", function()
        for _, case in ipairs {
            { "AlertDescription", 40, "ALERT_DESCRIPTION_HANDSHAKE_FAILURE" }, { "TLSVersion", 0x304, "TLSv1_3" },
            { "TLSVersion", -2, "MINIMUM_SUPPORTED" }, { "Options", 0x4000, "OP_NO_TICKET" }, { "VerifyMode", 2, "CERT_REQUIRED" },
            { "VerifyFlags", 0x20, "VERIFY_X509_STRICT" }, { "SSLErrorNumber", 1, "SSL_ERROR_SSL" },
            { "_SSLMethod", 2, "PROTOCOL_TLS" }, { "_SSLMethod", 16, "PROTOCOL_TLS_CLIENT" },
        } do
            local enumeration = ssl[case[1]]
            assert.are.equal(case[3], enumeration[case[2]])
            assert.are.equal(case[2], enumeration[case[3]])
            assert.is_nil(enumeration[12345])
            raises("AttributeError", { match = case[1] }, function()
                return enumeration.NO_SUCH_NAME
            end)
        end
        for name, value in pairs(ssl.Options) do
            assert.are.equal(ssl[name], value)
        end
    end)

    it("B-07 B-08 B-09 B-15 B-60 B-69 HAS_* say what this library supports", function()
        assert.are.same({ false, false, true, true, true, true, true, false, false }, {
            ssl.HAS_SSLv2, ssl.HAS_SSLv3, ssl.HAS_TLSv1, ssl.HAS_TLSv1_1, ssl.HAS_TLSv1_2, ssl.HAS_TLSv1_3,
            ssl.HAS_NEVER_CHECK_COMMON_NAME, ssl.HAS_PHA, ssl.HAS_PSK_TLS13,
        })
        for _, name in ipairs { "OP_ENABLE_KTLS", "PROTOCOL_DTLS", "enum_certificates", "RAND_egd" } do
            assert.is_nil(rawget(ssl, name))
        end
    end)

    it("B-11 B-12 B-13 B-14 B-16 options and flags have CPython's numbers", function()
        local result = process.run { "/usr/bin/python3", "-I", "-c", [[
import ssl
for name in dir(ssl):
    if name.startswith(("OP_", "VERIFY_")): print(name, int(getattr(ssl, name)))
]] }
        local seen = 0
        -- in OpenSSL 3 some of these are 0, or contain bits of its default behaviour
        local OTHER = { OP_ALL = true, OP_NO_SSLv2 = true, OP_SINGLE_DH_USE = true, OP_SINGLE_ECDH_USE = true }
        for name, number in result.output:gmatch("([%w_]+) (%d+)\n") do
            if not OTHER[name] then
                assert.are.equal(tonumber(number), ssl[name], name)
                seen = seen + 1
            end
        end
        assert.is_true(seen >= 15, result.errors)
        assert.are.same({ 0x4, 0x40000000, 0x80 },
            { ssl.OP_LEGACY_SERVER_CONNECT, ssl.OP_NO_RENEGOTIATION, ssl.OP_IGNORE_UNEXPECTED_EOF })
    end)

    it("B-04 B-05 the range of versions is read back as it was set", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert.are.same({ TLSVersion.TLSv1_2, TLSVersion.MAXIMUM_SUPPORTED }, { context.minimum_version, context.maximum_version })
        context.minimum_version, context.maximum_version = TLSVersion.TLSv1_1, TLSVersion.TLSv1_2
        assert.are.same({ TLSVersion.TLSv1_1, TLSVersion.TLSv1_2 }, { context.minimum_version, context.maximum_version })
        context.minimum_version, context.maximum_version = TLSVersion.MINIMUM_SUPPORTED, TLSVersion.TLSv1
        assert.are.same({ TLSVersion.MINIMUM_SUPPORTED, TLSVersion.TLSv1 }, { context.minimum_version, context.maximum_version })
        context.maximum_version = TLSVersion.MAXIMUM_SUPPORTED
        assert.are.equal(TLSVersion.MAXIMUM_SUPPORTED, context.maximum_version)
        -- a minimum of MAXIMUM_SUPPORTED is read back as the version that it stands for; the maximum likewise
        context.minimum_version = TLSVersion.MAXIMUM_SUPPORTED
        assert.are.same({ TLSVersion.TLSv1_3, TLSVersion.MAXIMUM_SUPPORTED }, { context.minimum_version, context.maximum_version })
        context.minimum_version, context.maximum_version = TLSVersion.MINIMUM_SUPPORTED, TLSVersion.MINIMUM_SUPPORTED
        assert.are.same({ TLSVersion.MINIMUM_SUPPORTED, TLSVersion.TLSv1 }, { context.minimum_version, context.maximum_version })
        context.maximum_version = TLSVersion.MAXIMUM_SUPPORTED
        for _, value in ipairs { TLSVersion.SSLv3, 42, 0x305, -3 } do
            for _, name in ipairs { "minimum_version", "maximum_version" } do
                local text = value == TLSVersion.SSLv3 and "Unsupported protocol version 0x300" or "Unsupported TLS/SSL version"
                raises("ValueError", { match = text }, function()
                    context[name] = value
                end)
            end
        end
        raises("TypeError", {}, function()
            context.minimum_version = "TLSv1_2"
        end)
        assert.are.same({ TLSVersion.MINIMUM_SUPPORTED, TLSVersion.MAXIMUM_SUPPORTED },
            { context.minimum_version, context.maximum_version })
    end)

    it("B-05 the range of a context for one version cannot be set", function()
        for _, protocol in ipairs { ssl.PROTOCOL_TLSv1, ssl.PROTOCOL_TLSv1_1, ssl.PROTOCOL_TLSv1_2 } do
            local context = ssl.SSLContext(protocol)
            assert.are.same({ TLSVersion.MINIMUM_SUPPORTED, TLSVersion.MAXIMUM_SUPPORTED },
                { context.minimum_version, context.maximum_version })
            for _, value in ipairs { TLSVersion.MINIMUM_SUPPORTED, TLSVersion.TLSv1_2, TLSVersion.SSLv3, 42 } do
                raises("ValueError", { match = "The context's protocol doesn't support modification" }, function()
                    context.minimum_version = value
                end)
            end
        end
    end)

    it("B-19 B-49 B-56 functions that BoringSSL lacks raise NotImplementedError", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        assert.are.equal(0, context.security_level)
        raises("AttributeError", { match = "read-only" }, function()
            context.security_level = 2
        end)
        assert.is_false(context.post_handshake_auth)
        context.post_handshake_auth = false
        raises("NotImplementedError", { match = "post-handshake authentication" }, function()
            context.post_handshake_auth = true
        end)
        raises("TypeError", {}, function()
            context.post_handshake_auth = 1
        end)
        raises("NotImplementedError", { match = "TLS 1.3" }, context.set_ciphersuites, context, "TLS_AES_128_GCM_SHA256")
        local object = context:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), { server_hostname = "localhost" })
        raises("NotImplementedError", { match = "post-handshake" }, object.verify_client_post_handshake, object)
        object = nil -- luacheck: ignore 311
        collectgarbage()
        collectgarbage()
    end)

    it("B-46 get_ciphers returns CPython's fields of each suite", function()
        local result = process.run { "/usr/bin/python3", "-I", "-c", [[
import ssl, warnings
warnings.simplefilter("ignore")
context = ssl.SSLContext(ssl.PROTOCOL_TLS)
context.set_ciphers("ALL:PSK:@SECLEVEL=0")
for suite in context.get_ciphers():
    for field, value in suite.items(): print(suite["name"], field, value, sep="\t")
]] }
        local theirs = {}
        for name, field, value in result.output:gmatch("([^\t]+)\t([^\t]+)\t([^\n]*)\n") do
            theirs[name] = theirs[name] or {}
            theirs[name][field] = value
        end
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        context:set_ciphers("ALL:PSK")
        local compared = 0
        for _, suite in ipairs(context:get_ciphers()) do
            local control = theirs[suite.name]
            for field, value in pairs(control or {}) do
                local ours = suite[field]
                local shown = ours == nil and "None" or ours == true and "True" or ours == false and "False" or tostring(ours)
                assert.are.equal(value, shown, suite.name .. " " .. field)
                compared = compared + 1
            end
        end
        assert.is_true(compared >= 20 * 11, compared .. " fields were compared; " .. result.errors)
    end)

    it("B-44 sni_callback gets the name as it was sent, set_servername_callback the decoded one", function()
        local server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server:load_cert_chain(pki.chain("server-ec"))
        local client = ssl._create_unverified_context()
        local got = {}
        local function callback(_, name, context)
            got[#got + 1] = name
            assert.are.equal(server, context)
        end
        local function connect()
            local conn, accepted = link.open({ context = client, server_hostname = "püthon.org" }, { context = server })
            assert.are.equal("TLSv1.3", conn:version())
            conn:close()
            accepted:close()
        end
        assert.is_nil(server.sni_callback)
        server.sni_callback = callback
        assert.are.equal(callback, server.sni_callback)
        connect()
        server:set_servername_callback(callback)
        assert.are.equal(callback, server.sni_callback)
        connect()
        server.sni_callback = nil
        assert.is_nil(server.sni_callback)
        connect()
        assert.are.same({ "xn--pthon-kva.org", "püthon.org" }, got)
        raises("TypeError", { match = "not a callable object" }, function()
            server.sni_callback = 1
        end)
    end)

    it("B-08 a common name is compared only with hostname_checks_common_name", function()
        local client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client:load_verify_locations(pki.path("root.pem"))
        local function attempt(cert)
            local failures = link.attempt({ context = client, server_hostname = "localhost" }, { cert = cert })
            return failures.client or failures.server or "ok"
        end
        assert.is_true(client.hostname_checks_common_name)
        assert.are.equal("ok", attempt("cn-only"))
        client.hostname_checks_common_name = false
        assert.is_false(client.hostname_checks_common_name)
        local refused = attempt("cn-only")
        assert.are.equal("Hostname mismatch, certificate is not valid for 'localhost'.", refused.verify_message)
        assert.are.equal("ok", attempt("server-ec"))
    end)

    it("B-51 get_server_certificate has a timeout", function()
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        listener:listen(1)
        raises("socket.timeout", {}, ssl.get_server_certificate, listener:getsockname(), { timeout = 0.05 })
        listener:close()
        local certfile, keyfile = pki.chain("server-ec")
        local job = peer.serve { tls = true, cert = certfile, key = keyfile, "handshake" }
        assert.is_truthy(ssl.get_server_certificate({ "127.0.0.1", job.port }, { timeout = 20 }):find("BEGIN CERTIFICATE"))
        job:finish()
    end)
end)

describe("an end without close_notify:", function()
    handles.watch(before_each, after_each)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        it("B-13 is a normal end with OP_IGNORE_UNEXPECTED_EOF, " .. version, function()
            for _, ignore in ipairs { false, true } do
                local client, server = ssl._create_unverified_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                server:load_cert_chain(pki.chain("server-ec"))
                server.maximum_version = TLSVersion[version:gsub("%.", "_")]
                if ignore then
                    client.options = python.bor(client.options, ssl.OP_IGNORE_UNEXPECTED_EOF)
                end
                local conn, accepted = link.open({ context = client, server_hostname = false, suppress_ragged_eofs = false },
                    { context = server })
                accepted:sendall("the end")
                accepted:shutdown(socket.SHUT_WR) -- without close_notify
                assert.are.equal("the end", conn:recv(100))
                if ignore then
                    assert.are.equal("", conn:recv(100))
                    assert.are.equal("", conn:recv(100))
                    conn:unwrap():close()
                else
                    raises("SSLEOFError", {}, conn.recv, conn, 100)
                    conn:close()
                end
                accepted:close()
            end
        end)
    end

    it("B-13 is a normal end for SSLObject:read, and earlier data is complete", function()
        for _, ignore in ipairs { false, true } do
            local client, server = ssl._create_unverified_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server:load_cert_chain(pki.chain("server-ec"))
            if ignore then
                client.options = python.bor(client.options, ssl.OP_IGNORE_UNEXPECTED_EOF)
            end
            local to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
            local near = client:wrap_bio(to_client, to_server)
            local far = server:wrap_bio(to_server, to_client, true)
            for _ = 1, 3 do
                pcall(near.do_handshake, near)
                pcall(far.do_handshake, far)
            end
            far:write("the end")
            to_client:write_eof()
            assert.are.equal("the end", near:read(100))
            if ignore then
                assert.are.equal("", near:read(100))
            else
                raises("SSLEOFError", {}, near.read, near, 100)
            end
            near, far = nil, nil -- luacheck: ignore 311
        end
        collectgarbage()
        collectgarbage()
    end)

    it("B-13 is still an error in the handshake", function()
        local near, far = socket.socketpair()
        local client = ssl._create_unverified_context()
        client.options = python.bor(client.options, ssl.OP_IGNORE_UNEXPECTED_EOF)
        far:close()
        local ok, err = pcall(client.wrap_socket, client, near)
        assert.is_false(ok)
        assert.is_true(ssl.SSLEOFError:is(err) or errors.error:is(err), tostring(err))
    end)
end)

describe("bytes before the handshake:", function()
    handles.watch(before_each, after_each)

    it("B-40 are not returned as data of a connection that its peer has reset", function()
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        listener:listen(1)
        local client = socket.create_connection(listener:getsockname())
        client:sendall("GET / HTTP/1.0\r\n\r\n")
        client:setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, "\1\0\0\0\0\0\0\0")
        local plain = listener:accept()
        client:close()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context:load_cert_chain(pki.chain("server-ec"))
        local ok, conn = pcall(context.wrap_socket, context, plain, { server_side = true })
        assert.is_false(ok, "wrapped, although the peer has sent no ClientHello")
        assert.is_true(errors.error:is(conn), tostring(conn))
        -- without a handshake in wrap_socket: no call returns bytes that were sent in plaintext
        client = socket.create_connection(listener:getsockname())
        client:sendall("GET / HTTP/1.0\r\n\r\n")
        client:setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, "\1\0\0\0\0\0\0\0")
        plain = listener:accept()
        client:close()
        conn = context:wrap_socket(plain, { server_side = true, do_handshake_on_connect = false })
        for _ = 1, 3 do
            local done, data = pcall(conn.recv, conn, 100)
            assert.is_false(done, "received " .. tostring(data))
        end
        conn:close()
        plain:close()
        listener:close()
    end)
end)
