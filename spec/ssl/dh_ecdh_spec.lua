-- SSLContext.load_dh_params and set_ecdh_curve.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local ENOENT, EACCES, EISDIR = 2, 13, 21

-- The group ffdhe2048 of RFC 7919.
local DH_PARAMETERS = [[
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
]]

local function file(name, text)
    return process.write_file(process.directory() .. "/" .. name, text)
end

describe("load_dh_params:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("DH-01 accepts a file with parameters, for servers and for clients", function()
        local dhfile = file("dh.pem", DH_PARAMETERS)
        local context = link.context { cert = "server-ec" }
        context:load_dh_params(dhfile)
        context:load_dh_params { dhfile = dhfile }
        context:load_dh_params(file("text.pem", "some text\n" .. DH_PARAMETERS .. "and more\n"))
        context:load_dh_params(file("both.pem", pki.read("server-ec.pem") .. DH_PARAMETERS))
    end)

    it("DH-01 a missing file raises IOError with its name", function()
        local context = link.context {}
        local failure = raises("IOError", { errno = ENOENT, filename = "/no/such/file.pem" }, context.load_dh_params, context,
            "/no/such/file.pem")
        assert.is_false(ssl.SSLError:is(failure))
        raises("IOError", { errno = ENOENT }, context.load_dh_params, context, "")
        failure = raises("IOError", {}, context.load_dh_params, context, process.directory())
        assert.is_true(failure.errno == EISDIR or failure.errno == EACCES)
    end)

    it("DH-01 a file without parameters raises SSLError", function()
        local context = link.context {}
        for _, name in ipairs { "server-ec.pem", "ec.key", "empty.pem", "junk.pem", "root.crl", "root.der" } do
            local failure = raises("SSLError", { library = "PEM", reason = "NO_START_LINE" }, context.load_dh_params, context,
                pki.path(name))
            assert.is_truthy(tostring(failure):match("^%[PEM: NO_START_LINE%]"))
        end
        raises("SSLError", { library = "PEM", reason = "BAD_BASE64_DECODE" }, context.load_dh_params, context,
            file("bad.pem", (DH_PARAMETERS:gsub("MIIB", "!!!!"))))
        raises("SSLError", {}, context.load_dh_params, context, file("bad.pem", (DH_PARAMETERS:gsub("MIIB", "AAAA"))))
        raises("SSLError", {}, context.load_dh_params, context, file("cut.pem", DH_PARAMETERS:sub(1, 200)))
    end)

    it("DH-01 other types raise TypeError", function()
        local context = link.context {}
        raises("TypeError", {}, context.load_dh_params, context)
        raises("TypeError", {}, context.load_dh_params, context, nil)
        for _, value in ipairs { 7, true } do
            raises("TypeError", { match = "dhfile" }, context.load_dh_params, context, value)
        end
        raises("ValueError", { match = "null byte" }, context.load_dh_params, context, "a\0b")
    end)

    it("DH-01 DH-02 changes nothing: there is no suite with finite-field Diffie-Hellman", function()
        local context = link.context { cert = "server-rsa", version = "TLSv1.2" }
        raises("SSLError", { match = "No cipher can be selected" }, context.set_ciphers, context, "DHE")
        local before = context:get_ciphers()
        context:load_dh_params(file("dh.pem", DH_PARAMETERS))
        raises("SSLError", { match = "No cipher can be selected" }, context.set_ciphers, context, "kEDH")
        assert.are.same(before, context:get_ciphers())
        local client = link.context(link.client_options { version = "TLSv1.2" })
        client:load_dh_params(file("dh.pem", DH_PARAMETERS))
        local failures, suite = link.attempt({ context = client }, { context = context }, function(sock)
            return sock:cipher()[1]
        end)
        assert.is_nil(failures.client)
        assert.is_truthy(suite:match("^ECDHE%-RSA%-"))
    end)

    it("DH-01 an openssl s_client that has DHE only is refused", function()
        local context = link.context { cert = "server-rsa", version = "TLSv1.2" }
        context:load_dh_params(file("dh.pem", DH_PARAMETERS))
        local plain = socket.socket()
        plain:settimeout(10)
        plain:bind { "127.0.0.1", 0 }
        plain:listen(1)
        local listener = context:wrap_socket(plain, { server_side = true })
        local client = process.start { "openssl", "s_client", "-connect", "127.0.0.1:" .. listener:getsockname()[2], "-tls1_2",
            "-cipher", "DHE-RSA-AES128-GCM-SHA256" }
        raises("SSLError", { reason = "NO_SHARED_CIPHER" }, listener.accept, listener)
        client:wait_for("(handshake failure)")
        client:stop()
        listener:close()
    end)
end)

describe("set_ecdh_curve:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    -- agrees returns whether the two contexts have a group in common. In TLS 1.2 an ECDSA certificate would also need
    -- its own curve, and RSA key exchange would need no group without kECDHE.
    local function agrees(client_curve, server_curve, version)
        local client_context = link.context(link.client_options { version = version })
        local server_context = link.context { cert = "server-rsa", version = version, ciphers = "kECDHE" }
        if client_curve then
            client_context:set_ecdh_curve(client_curve)
        end
        if server_curve then
            server_context:set_ecdh_curve(server_curve)
        end
        local failures = link.attempt({ context = client_context }, { context = server_context })
        if failures.server then
            raises.check(failures.client, "SSLError", { library = "SSL" })
            raises.check(failures.server, "SSLError", { library = "SSL" })
        else
            assert.is_nil(failures.client)
        end
        return not failures.server, failures
    end

    it("ECDH-04 CONST-30 is available", function()
        assert.is_true(ssl.HAS_ECDH)
        assert.are.equal("function", type(link.context({}).set_ecdh_curve))
    end)

    it("ECDH-01 accepts OpenSSL's short names", function()
        local context = link.context {}
        for _, name in ipairs { "prime256v1", "secp384r1", "secp521r1", "X25519" } do
            context:set_ecdh_curve(name)
            context:set_ecdh_curve { curve_name = name }
        end
    end)

    it("ECDH-01 other types raise TypeError", function()
        local context = link.context {}
        raises("TypeError", {}, context.set_ecdh_curve, context)
        raises("TypeError", {}, context.set_ecdh_curve, context, nil)
        for _, value in ipairs { 415, true } do
            raises("TypeError", { match = "curve_name" }, context.set_ecdh_curve, context, value)
        end
    end)

    it("ECDH-02 an unknown name raises ValueError", function()
        local context = link.context {}
        for _, name in ipairs { "foo", "P-256", "secp256r1", "PRIME256V1", "" } do
            raises("ValueError", { message = ("unknown elliptic curve name '%s'"):format(name) }, context.set_ecdh_curve,
                context, name)
        end
        raises("ValueError", {}, context.set_ecdh_curve, context, "prime256v1\0")
    end)

    it("ECDH-02 the name of something else, or of a curve that BoringSSL does not support in TLS, raises SSLError", function()
        local context = link.context {}
        for _, name in ipairs { "rsaEncryption", "SHA256", "CN", "secp256k1" } do
            local ok, failure = pcall(context.set_ecdh_curve, context, name)
            assert.is_false(ok, name)
            if name ~= "secp256k1" then -- BoringSSL may not even know its name
                raises.check(failure, "SSLError", { library = "SSL", reason = "UNSUPPORTED_ELLIPTIC_CURVE" })
            end
        end
    end)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        it("ECDH-01 ECDH-03 both ends must allow the same curve, " .. version, function()
            for _, name in ipairs { "prime256v1", "secp384r1", "secp521r1", "X25519" } do
                assert.is_true(agrees(name, name, version), name)
            end
            assert.is_true(agrees("secp384r1", nil, version))
            assert.is_true(agrees(nil, "secp384r1", version))
            local ok, failures = agrees("secp384r1", "X25519", version)
            assert.is_false(ok)
            raises.check(failures.client, "SSLError", { reason = "SSLV3_ALERT_HANDSHAKE_FAILURE" })
        end)

        it("ECDH-02 a call that fails leaves the curve unchanged, " .. version, function()
            local context = link.context { cert = "server-rsa", version = version, ciphers = "kECDHE" }
            context:set_ecdh_curve("secp384r1")
            pcall(context.set_ecdh_curve, context, "foo")
            pcall(context.set_ecdh_curve, context, "rsaEncryption")
            for curve, fails in pairs { secp384r1 = false, X25519 = true } do
                local client = link.context(link.client_options { version = version })
                client:set_ecdh_curve(curve)
                assert.are.equal(fails, link.attempt({ context = client }, { context = context }).server ~= nil)
            end
        end)

        it("ECDH-01 openssl reports the curve, " .. version, function()
            local WORDS = {
                prime256v1 = "ECDH, prime256v1, 256 bits", secp384r1 = "ECDH, secp384r1, 384 bits",
                secp521r1 = "ECDH, secp521r1, 521 bits", X25519 = "X25519, 253 bits",
            }
            local plain = socket.socket()
            plain:settimeout(10)
            plain:bind { "127.0.0.1", 0 }
            plain:listen(1)
            local context = link.context { cert = "server-ec", version = version }
            local listener = context:wrap_socket(plain, { server_side = true })
            for curve, words in pairs(WORDS) do
                context:set_ecdh_curve(curve)
                local client = process.start { "openssl", "s_client", "-connect", "127.0.0.1:" .. listener:getsockname()[2],
                    version == "TLSv1.2" and "-tls1_2" or "-tls1_3" }
                local sock = listener:accept()
                assert.are.equal(words, (client:wait_for("Server Temp Key: ([^\n]+)")))
                sock:close()
                client:stop()
            end
            listener:close()
        end)
    end
end)
