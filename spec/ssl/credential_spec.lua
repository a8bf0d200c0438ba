-- SSLContext.load_cert_chain: files in every form, passwords, and the reasons of failures.
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"
local pump = require "support.pump"
local raises = require "support.raises"
local backend = require "cleat.backend"
local ssl = require "cleat.ssl"

local ENOENT = 2
local PASSWORD = "somepass"

local function context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS)
end

-- load calls load_cert_chain on a new context.
local function load(...)
    local ctx = context()
    ctx:load_cert_chain(...)
    return ctx
end

describe("load_cert_chain:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local certfile, keyfile
    setup(function()
        certfile, keyfile = pki.chain("server-ec")
    end)

    it("LCC-01 loads a certificate and a key, by position and by keyword", function()
        load(certfile, keyfile)
        load { certfile = certfile, keyfile = keyfile }
        load(certfile, { keyfile = keyfile })
        load(pki.chain("server-rsa"))
        raises("TypeError", {}, load)
        raises("TypeError", {}, load, nil, keyfile)
        raises("TypeError", {}, load, 7)
        raises("TypeError", {}, load, { certfile = certfile, keyfiles = keyfile })
    end)

    it("LCC-03 PKI-08 loads both from one file, in either order", function()
        load(pki.path("server-ec.key-first.pem"))
        load(pki.path("server-ec.key-last.pem"))
        load(pki.path("server-ec.key-last.pem"), pki.path("server-ec.key-last.pem"))
        raises("SSLError", {}, load, certfile)
    end)

    it("WRAP-11 LCC-13 EXC-15 a missing file is ENOENT", function()
        local missing = pki.path("no-such-file.pem")
        for _, names in ipairs { { missing }, { missing, keyfile }, { certfile, missing }, { missing, missing } } do
            local failure = raises("IOError", { errno = ENOENT }, load, names[1], names[2])
            assert.is_false(ssl.SSLError:is(failure))
        end
    end)

    it("LCC-13 EXC-04 EXC-05 EXC-06 files without PEM are SSLError PEM NO_START_LINE", function()
        for _, name in ipairs { "empty.pem", "junk.pem" } do
            local failure = raises("SSLError", { library = "PEM", reason = "NO_START_LINE" }, load, pki.path(name), keyfile)
            assert.is_truthy(tostring(failure):match("^%[PEM: NO_START_LINE%]"), tostring(failure))
            raises("SSLError", { library = "PEM", reason = "NO_START_LINE" }, load, certfile, pki.path(name))
        end
    end)

    it("LCC-13 bad base64 is reported", function()
        raises("SSLError", { library = "PEM", reason = "BAD_BASE64_DECODE" }, load, pki.path("bad.pem"), keyfile)
    end)

    it("LCC-13 a key without a certificate, and a certificate without a key, raise", function()
        raises("SSLError", { library = "PEM", reason = "NO_START_LINE" }, load, keyfile)
        raises("SSLError", { library = "PEM", reason = "NO_START_LINE" }, load, certfile, certfile)
    end)

    it("LCC-12 a key of another certificate is X509 KEY_VALUES_MISMATCH", function()
        load(certfile, pki.path("ec.key"))
        raises("SSLError", { library = "X509", reason = "KEY_VALUES_MISMATCH" }, load, certfile, pki.path("client.key"))
        raises("SSLError", { library = "X509", reason = "KEY_TYPE_MISMATCH" }, load, certfile, pki.path("rsa.key"))
    end)

    describe("with a password", function()
        local cases = {
            { "PKCS#8", "server-ec", "ec.pkcs8-encrypted.key" },
            { "traditional AES", "server-rsa", "rsa.encrypted.key" },
            { "traditional DES3", "server-rsa", "rsa.des3.key" },
        }
        for _, case in ipairs(cases) do
            it("LCC-07 F17 decrypts a " .. case[1] .. " key", function()
                local cert, key = pki.path(case[2] .. ".pem"), pki.path(case[3])
                load(cert, key, PASSWORD)
                load { certfile = cert, keyfile = key, password = PASSWORD }
            end)

            it("LCC-04 LCC-05 calls a function for that of a " .. case[1] .. " key", function()
                local calls, arguments = 0, nil
                load(pki.path(case[2] .. ".pem"), pki.path(case[3]), function(...)
                    calls = calls + 1
                    arguments = select("#", ...)
                    return PASSWORD
                end)
                assert.are.equal(1, calls)
                assert.are.equal(0, arguments)
            end)

            it("LCC-10 reports a wrong one for a " .. case[1] .. " key", function()
                local cert, key = pki.path(case[2] .. ".pem"), pki.path(case[3])
                for _, wrong in ipairs { "wrong", "", "somepas", "somepass " } do
                    raises("SSLError", {}, load, cert, key, wrong)
                    raises("SSLError", {}, load, cert, key, function()
                        return wrong
                    end)
                end
                load(cert, key, PASSWORD)
            end)
        end

        it("LCC-10 the reason is BAD_DECRYPT", function()
            local cert, key = pki.path("server-ec.pem"), pki.path("ec.pkcs8-encrypted.key")
            raises("SSLError", { library = "CIPHER", reason = "BAD_DECRYPT" }, load, cert, key, "wrong")
        end)

        -- for one wrong password in 256 the decrypted bytes have valid padding, but are no key
        for _, case in ipairs { { "server-ec", "ec.pkcs8-encrypted.key", 700 }, { "server-rsa", "rsa.encrypted.key", 1500 } } do
            it("LCC-10 the reason is BAD_DECRYPT for each of many wrong ones: " .. case[2], function()
                local cert, key = pki.path(case[1] .. ".pem"), pki.path(case[2])
                for number = 1, case[3] do
                    raises("SSLError", { library = "CIPHER", reason = "BAD_DECRYPT" }, load, cert, key, "wrong" .. number)
                end
            end)
        end

        it("LCC-06 is bytes, such as UTF-8", function()
            local cert, key = pki.path("server-ec.pem"), pki.path("ec.utf8-encrypted.key")
            load(cert, key, "p\195\164ssw\195\182rd")
            raises("SSLError", {}, load, cert, key, "p\228ssw\246rd")
        end)

        it("LCC-03 decrypts a key in the certificate's file", function()
            load { certfile = pki.path("server-ec.encrypted.pem"), password = PASSWORD }
        end)

        it("LCC-04 may be anything that can be called", function()
            local callable = setmetatable({}, {
                __call = function()
                    return PASSWORD
                end,
            })
            load(pki.path("server-ec.pem"), pki.path("ec.pkcs8-encrypted.key"), callable)
        end)

        it("LCC-05 an error in the function is raised unchanged", function()
            local mine = { "my error" }
            local ok, failure = pcall(load, pki.path("server-ec.pem"), pki.path("ec.pkcs8-encrypted.key"), function()
                error(mine)
            end)
            assert.is_false(ok)
            assert.are.equal(mine, failure)
        end)

        it("LCC-05 the function can yield", function()
            local thread = coroutine.create(function()
                load(pki.path("server-ec.pem"), pki.path("ec.pkcs8-encrypted.key"), function()
                    return coroutine.yield("the password, please")
                end)
                return "done"
            end)
            local _, question = coroutine.resume(thread)
            assert.are.equal("the password, please", question)
            local ok, answer = coroutine.resume(thread, PASSWORD)
            assert.is_true(ok, tostring(answer))
            assert.are.equal("done", answer)
        end)

        it("LCC-05 a function that returns no string raises TypeError", function()
            for _, value in ipairs { 9, true, {} } do
                raises("TypeError", { match = "password callback must return a string" }, load, pki.path("server-ec.pem"),
                    pki.path("ec.pkcs8-encrypted.key"), function()
                        return value
                    end)
            end
            raises("TypeError", { match = "must return a string" }, load, pki.path("server-ec.pem"),
                pki.path("ec.pkcs8-encrypted.key"), function() end)
        end)

        it("LCC-07 other types raise TypeError", function()
            local cert, key = pki.path("server-ec.pem"), pki.path("ec.pkcs8-encrypted.key")
            for _, value in ipairs { true, 9 } do
                raises("TypeError", { match = "password should be a string or callable" }, load, cert, key, value)
            end
            raises("TypeError", { match = "password should be a string or callable" }, load, cert, key, { password = {} })
        end)

        it("LCC-08 is ignored for a key without encryption", function()
            load(certfile, keyfile, "whatever")
            load(certfile, keyfile, function()
                error("called")
            end)
            load(pki.path("server-ec.key-first.pem"), nil, "whatever")
        end)

        it("LCC-11 cannot be longer than 1024 bytes", function()
            local cert, key = pki.path("server-ec.pem"), pki.path("ec.pkcs8-encrypted.key")
            raises("SSLError", {}, load, cert, key, ("a"):rep(1024))
            raises("ValueError", { match = "password cannot be longer than 1024 bytes" }, load, cert, key, ("a"):rep(1025))
            raises("ValueError", { match = "password cannot be longer than 1024 bytes" }, load, cert, key, function()
                return ("a"):rep(102400)
            end)
        end)
    end)

    it("LCC-15 a failure leaves the context usable", function()
        local ctx = context()
        raises("SSLError", {}, ctx.load_cert_chain, ctx, pki.path("junk.pem"), keyfile)
        raises("SSLError", {}, ctx.load_cert_chain, ctx, certfile, pki.path("client.key"))
        ctx:load_cert_chain(certfile, keyfile)
    end)

    describe("the peer is sent", function()
        -- presented returns the result of a handshake with a client that trusts only the root, and the certificate that
        -- it has received.
        local function presented(context_id, options)
            local server = backend.connection_over_memory(context_id, 1, nil)
            backend.close(context_id)
            local pair = pump.pair(options)
            backend.close(pair.server)
            pair.server = server
            local client_status, server_status, failures = pair:handshake()
            local der
            if client_status >= 0 then
                local certificate = backend.connection_peer_certificate(pair.client)
                der = select(2, backend.certificate_der(certificate))
                backend.close(certificate)
            end
            pair:close()
            return client_status, der, failures, server_status
        end

        local function loaded(cert, key)
            local id = backend.context_new(backend.const.PROTOCOL_TLS)
            assert.are.equal(0, backend.context_load_cert_chain(id, cert, key, nil))
            return id
        end

        it("LCC-02 PKI-04 the whole chain", function()
            local status, der = presented(loaded(pki.chain("server-ec")))
            assert.are.equal(0, status)
            assert.are.equal(pki.read("server-ec.der"), der)
            local failures
            status, der, failures = presented(loaded(pki.path("server-ec.crt"), pki.path("server-ec.key")))
            assert.are.equal(backend.const.VERIFY, pump.class(status))
            assert.is_nil(der)
            assert.are.equal("CERTIFICATE_VERIFY_FAILED", failures.client.reason)
        end)

        it("LCC-14 F12 the ECDSA certificate, if an RSA one was loaded before or after", function()
            for _, names in ipairs { { "server-rsa", "server-ec" }, { "server-ec", "server-rsa" } } do
                local id = loaded(pki.chain(names[1]))
                assert.are.equal(0, backend.context_load_cert_chain(id, pki.path(names[2] .. ".pem"),
                    pki.path(names[2] .. ".key"), nil))
                local status, der = presented(id)
                assert.are.equal(0, status)
                assert.are.equal(pki.read("server-ec.der"), der)
            end
        end)

        it("the certificates that were loaded before a load that failed", function()
            local id = loaded(pki.chain("server-ec"))
            assert.is_true(backend.context_load_cert_chain(id, pki.path("server-rsa.pem"), pki.path("client.key"), nil) < 0)
            assert.is_true(backend.context_load_cert_chain(id, pki.path("junk.pem"), pki.path("client.key"), nil) < 0)
            local status, der = presented(id)
            assert.are.equal(0, status)
            assert.are.equal(pki.read("server-ec.der"), der)
        end)

        it("and the same from memory", function()
            local id = backend.context_new(backend.const.PROTOCOL_TLS)
            assert.are.equal(0, backend.context_load_cert_chain_data(id, pki.read("server-ec.pem"),
                pki.read("server-ec.key"), nil))
            local status, der = presented(id)
            assert.are.equal(0, status)
            assert.are.equal(pki.read("server-ec.der"), der)
            id = backend.context_new(backend.const.PROTOCOL_TLS)
            local result = backend.context_load_cert_chain_data(id, pki.read("server-ec.pem"),
                pki.read("ec.pkcs8-encrypted.key"), nil)
            assert.are.equal(backend.const.NEED_PASSWORD, pump.class(result))
            assert.are.equal(0, backend.context_load_cert_chain_data(id, pki.read("server-ec.encrypted.pem"), nil,
                PASSWORD))
            result = backend.context_load_cert_chain_data(id, pki.read("server-ec.pem"), pki.read("client.key"), nil)
            assert.are.equal(backend.const.SSL, pump.class(result))
            assert.are.equal("KEY_VALUES_MISMATCH", pump.failure(result).reason)
            backend.close(id)
        end)
    end)
end)
