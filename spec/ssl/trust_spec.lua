-- The CA certificates of a context: from files, directories, data and the system's store, and their lists and counters.
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"
local pump = require "support.pump"
local raises = require "support.raises"
local backend = require "cleat.backend"
local ssl = require "cleat.ssl"

local ENOENT = 2

local function context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS)
end

-- stats returns the counters of a new context after load_verify_locations.
local function stats(...)
    local ctx = context()
    ctx:load_verify_locations(...)
    return ctx:cert_store_stats()
end

local function refuse(class, what, ...)
    local ctx = context()
    local failure = raises(class, what, ctx.load_verify_locations, ctx, ...)
    assert.are.same({ x509 = 0, x509_ca = 0, crl = 0 }, ctx:cert_store_stats())
    return failure
end

local ONE, TWO = { x509 = 1, x509_ca = 1, crl = 0 }, { x509 = 2, x509_ca = 2, crl = 0 }
local NOTHING = { x509 = 0, x509_ca = 0, crl = 0 }

describe("load_verify_locations:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    describe("cafile", function()
        it("LVL-01 LVL-04 PKI-05 loads all certificates of a file", function()
            assert.are.same(ONE, stats(pki.path("root.pem")))
            assert.are.same(ONE, stats { cafile = pki.path("root.pem") })
            assert.are.same(ONE, stats { cafile = pki.path("root.pem"), capath = nil })
            assert.are.same(TWO, stats(pki.path("roots.pem")))
            assert.are.same(TWO, stats(pki.path("with-text.pem")))
        end)

        it("LVL-03 loads revocation lists with them", function()
            assert.are.same({ x509 = 1, x509_ca = 1, crl = 2 }, stats(pki.path("root-and-crls.pem")))
            assert.are.same({ x509 = 0, x509_ca = 0, crl = 1 }, stats(pki.path("root.crl")))
        end)

        it("LVL-04 EXC-15 WRAP-16 a missing file is ENOENT", function()
            for _, name in ipairs { pki.path("no-such-file.pem"), "" } do
                local failure = refuse("IOError", { errno = ENOENT }, name)
                assert.is_false(ssl.SSLError:is(failure))
            end
        end)

        it("LVL-04 a file without certificates raises SSLError", function()
            refuse("SSLError", { library = "X509", reason = "NO_CERTIFICATE_OR_CRL_FOUND" }, pki.path("empty.pem"))
            refuse("SSLError", { library = "X509", reason = "NO_CERTIFICATE_OR_CRL_FOUND" }, pki.path("junk.pem"))
            refuse("SSLError", { library = "X509", reason = "NO_CERTIFICATE_OR_CRL_FOUND" }, pki.path("ec.key"))
            refuse("SSLError", {}, pki.path("bad.pem"))
        end)
    end)

    describe("capath", function()
        it("LVL-05 CTX-09 counts no certificate until it is used", function()
            assert.are.same(NOTHING, stats { capath = pki.path("capath") })
            assert.are.same(NOTHING, stats(nil, pki.path("capath")))
        end)

        it("LVL-05 accepts a directory that does not exist", function()
            assert.are.same(NOTHING, stats { capath = pki.path("no-such-directory") })
        end)

        it("LVL-05 GCA-03 CTX-09 finds the issuer when a verification needs it, and counts it from then on", function()
            local id = backend.context_new(backend.const.PROTOCOL_TLS)
            assert.are.equal(0, backend.context_load_verify_directory(id, pki.path("capath")))
            assert.are.equal(0, backend.context_set_verify_mode(id, backend.const.CERT_REQUIRED))
            assert.are.equal(0, backend.context_ca_count(id))
            local client = backend.connection_over_memory(id, 0, "localhost")
            local pair = pump.pair()
            backend.close(pair.client)
            pair.client = client
            local client_status, server_status = pair:handshake()
            pair:close()
            assert.are.equal(0, client_status)
            assert.are.equal(0, server_status)
            assert.are.equal(1, backend.context_ca_count(id))
            local result, x509, x509_ca, crl = backend.context_cert_store_stats(id)
            assert.are.same({ 0, 1, 1, 0 }, { result, x509, x509_ca, crl })
            backend.close(id)
        end)

        it("LVL-05 with an empty directory no certificate is trusted", function()
            local id = backend.context_new(backend.const.PROTOCOL_TLS)
            assert.are.equal(0, backend.context_load_verify_directory(id, pki.path("capath-empty")))
            assert.are.equal(0, backend.context_set_verify_mode(id, backend.const.CERT_REQUIRED))
            local client = backend.connection_over_memory(id, 0, "localhost")
            backend.close(id)
            local pair = pump.pair()
            backend.close(pair.client)
            pair.client = client
            local client_status, _, failures = pair:handshake()
            pair:close()
            assert.are.equal(backend.const.VERIFY, pump.class(client_status))
            assert.are.equal("CERTIFICATE_VERIFY_FAILED", failures.client.reason)
        end)
    end)

    describe("cadata", function()
        it("LVL-06 accepts PEM", function()
            assert.are.same(ONE, stats { cadata = pki.read("root.pem") })
            assert.are.same(ONE, stats(nil, nil, pki.read("root.pem")))
            assert.are.same(TWO, stats { cadata = pki.read("roots.pem") })
        end)

        it("LVL-07 accepts DER", function()
            assert.are.same(ONE, stats { cadata = pki.read("root.der") })
            assert.are.same(TWO, stats { cadata = pki.read("roots.der") })
        end)

        it("LVL-08 ignores text around PEM", function()
            assert.are.same(TWO, stats { cadata = pki.read("with-text.pem") })
        end)

        it("LVL-09 raises for data without a certificate", function()
            refuse("ValueError", { match = "Empty certificate data" }, { cadata = "" })
            refuse("SSLError", { library = "PEM", reason = "NO_START_LINE" }, { cadata = "broken text" })
            refuse("SSLError", { library = "ASN1", reason = "NOT_ENOUGH_DATA" }, { cadata = "\0broken\1bytes" })
        end)

        it("LVL-10 raises for wrong types and trailing bytes", function()
            for _, value in ipairs { 7, {}, true } do
                refuse("TypeError", { match = "cadata should be" }, { cadata = value })
            end
            local ctx = context()
            raises("SSLError", {}, ctx.load_verify_locations, ctx, { cadata = pki.read("root.der") .. "\1garbage" })
        end)

        it("LVL-11 CTX-08 loads a certificate only once", function()
            local ctx = context()
            ctx:load_verify_locations(pki.path("root.pem"))
            ctx:load_verify_locations { cadata = pki.read("root.der") }
            ctx:load_verify_locations { cadata = pki.read("root.pem") .. pki.read("root.pem") }
            assert.are.same(ONE, ctx:cert_store_stats())
            ctx:load_verify_locations(pki.path("roots.pem"))
            assert.are.same(TWO, ctx:cert_store_stats())
        end)
    end)

    it("LVL-02 raises without any argument", function()
        refuse("TypeError", { match = "cafile, capath and cadata cannot be all omitted" })
        refuse("TypeError", { match = "cafile, capath and cadata cannot be all omitted" }, {})
    end)

    it("LVL-05 LVL-10 raises for wrong types", function()
        refuse("TypeError", {}, 7)
        refuse("TypeError", {}, nil, 7)
        refuse("TypeError", {}, { cafile = {} })
        refuse("TypeError", { match = "cafiles" }, { cafiles = pki.path("root.pem") })
    end)

    it("LVL-01 accepts all three at once", function()
        assert.are.same(TWO, stats {
            cafile = pki.path("root.pem"), capath = pki.path("capath"), cadata = pki.read("unknown-root.pem"),
        })
    end)

    it("CTX-07 CTX-08 certificates that are not CAs are counted separately", function()
        assert.are.same({ x509 = 2, x509_ca = 1, crl = 0 }, stats(pki.path("root-and-leaf.pem")))
        assert.are.same(ONE, stats(pki.path("v1.pem")))
        local ctx = context()
        ctx:load_cert_chain(pki.path("server-ec.pem"), pki.path("server-ec.key"))
        assert.are.same(NOTHING, ctx:cert_store_stats())
    end)
end)

describe("get_ca_certs:", function()
    handles.watch(before_each, after_each)

    it("GCA-01 lists the CA certificates as tables like those of getpeercert", function()
        local ctx = context()
        assert.are.same({}, ctx:get_ca_certs())
        ctx:load_verify_locations(pki.path("root-and-leaf.pem"))
        local list = ctx:get_ca_certs()
        assert.are.equal(1, #list)
        local name = { { { "organizationName", "cleat tests" } }, { { "commonName", "cleat test root" } } }
        assert.are.same(name, list[1].subject)
        assert.are.same(name, list[1].issuer)
        assert.are.equal(3, list[1].version)
        assert.is_truthy(list[1].notAfter:match("^%a%a%a [ %d]%d %d%d:%d%d:%d%d %d%d%d%d GMT$"))
        assert.is_truthy(list[1].serialNumber:match("^%x+$"))
        assert.is_nil(list[1].subjectAltName)
    end)

    it("GCA-02 lists them as DER", function()
        local ctx = context()
        ctx:load_verify_locations(pki.path("root-and-leaf.pem"))
        assert.are.same({ pki.read("root.der") }, ctx:get_ca_certs(true))
        assert.are.same({ pki.read("root.der") }, ctx:get_ca_certs { binary_form = true })
        assert.are.equal(3, ctx:get_ca_certs(false)[1].version)
    end)
end)

describe("the system's CA certificates:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local PRELUDE = [[
        local ssl = require "cleat.ssl"
        local function show(...)
            local words = {}
            for i = 1, select("#", ...) do
                words[i] = tostring((select(i, ...)))
            end
            print(table.concat(words, " "))
        end
    ]]

    it("DVP-01 LIBRE-02 DVP-04 DVP-05 DVP-06 DVP-07 get_default_verify_paths returns their paths", function()
        local paths = ssl.get_default_verify_paths()
        assert.are.equal("SSL_CERT_FILE", paths.openssl_cafile_env)
        assert.are.equal("SSL_CERT_DIR", paths.openssl_capath_env)
        assert.is_truthy(paths.openssl_cafile:match("^/"))
        assert.is_truthy(paths.openssl_capath:match("^/"))
    end)

    it("DVP-02 DVP-03 DVP-08 the environment overrides the paths; a path that does not exist is nil", function()
        local code = PRELUDE .. [[
            local paths = ssl.get_default_verify_paths()
            show(paths.cafile, paths.capath)
        ]]
        assert.are.equal(pki.path("root.pem") .. " " .. pki.path("capath") .. "\n", process.run_code(code, {
            "SSL_CERT_FILE=" .. pki.path("root.pem"), "SSL_CERT_DIR=" .. pki.path("capath"),
        }))
        assert.are.equal("nil nil\n", process.run_code(code, {
            "SSL_CERT_FILE=/no/such/file", "SSL_CERT_DIR=/no/such/directory",
        }))
        assert.are.equal("nil nil\n", process.run_code(code, {
            "SSL_CERT_FILE=" .. pki.path("capath"), "SSL_CERT_DIR=" .. pki.path("root.pem"),
        }))
    end)

    it("LDC-01 LDC-04 CTX-10 DCTX-05 PKI-07 are loaded by default", function()
        local code = PRELUDE .. [[
            for _, ctx in ipairs {
                ssl.create_default_context(),
                ssl.SSLContext(ssl.PROTOCOL_TLS),
                ssl.SSLContext(ssl.PROTOCOL_TLS),
            } do
                if _ == 2 then
                    ctx:load_default_certs()
                elseif _ == 3 then
                    ctx:set_default_verify_paths()
                end
                local stats = ctx:cert_store_stats()
                show(stats.x509, stats.x509_ca, stats.crl)
            end
            local given = ssl.create_default_context { cafile = os.getenv("SSL_CERT_FILE") }
            show(#given:get_ca_certs())
        ]]
        assert.are.equal("2 2 0\n2 2 0\n2 2 0\n2\n", process.run_code(code, {
            "SSL_CERT_FILE=" .. pki.path("roots.pem"), "SSL_CERT_DIR=/no/such/directory",
        }))
    end)

    it("CTX-10 DCTX-05 a system without any is no error", function()
        local code = PRELUDE .. [[
            local stats = ssl.create_default_context():cert_store_stats()
            show(stats.x509, stats.x509_ca, stats.crl)
        ]]
        assert.are.equal("0 0 0\n", process.run_code(code, {
            "SSL_CERT_FILE=/no/such/file", "SSL_CERT_DIR=/no/such/directory",
        }))
        assert.are.equal("0 0 0\n", process.run_code(code, {
            "SSL_CERT_FILE=" .. pki.path("junk.pem"), "SSL_CERT_DIR=/no/such/directory",
        }))
    end)

    it("contexts that share them do not share later additions", function()
        local code = PRELUDE .. [[
            local function counts(ctx)
                return ctx:cert_store_stats().x509
            end
            local first, second, third = ssl.create_default_context(), ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS)
            first:load_verify_locations(os.getenv("EXTRA"))
            third:load_verify_locations(os.getenv("EXTRA"))
            third:load_default_certs()
            show(counts(first), counts(second), counts(third), counts(ssl.create_default_context()))
        ]]
        assert.are.equal("4 2 4 2\n", process.run_code(code, {
            "SSL_CERT_FILE=" .. pki.path("roots.pem"), "SSL_CERT_DIR=/no/such/directory",
            "EXTRA=" .. pki.path("server-ec.pem"),
        }))
    end)

    it("a changed bundle is loaded again", function()
        local code = PRELUDE .. [[
            local function copy(from)
                local source, target = assert(io.open(from, "rb")), assert(io.open(os.getenv("SSL_CERT_FILE"), "wb"))
                target:write(source:read("*a"))
                source:close()
                target:close()
            end
            local counts = {}
            for i, from in ipairs { os.getenv("ONE"), os.getenv("TWO"), os.getenv("ONE") } do
                copy(from)
                local ctx = ssl.create_default_context()
                counts[i] = ctx:cert_store_stats().x509
            end
            show(counts[1], counts[2], counts[3])
        ]]
        assert.are.equal("1 2 1\n", process.run_code(code, {
            "SSL_CERT_FILE=" .. process.directory() .. "/changing.pem", "SSL_CERT_DIR=/no/such/directory",
            "ONE=" .. pki.path("root.pem"), "TWO=" .. pki.path("roots.pem"),
        }))
    end)

    it("LDC-03 the purpose is checked", function()
        local ctx = context()
        ctx:load_default_certs(ssl.Purpose.SERVER_AUTH)
        ctx:load_default_certs(ssl.Purpose.CLIENT_AUTH)
        raises("TypeError", {}, ctx.load_default_certs, ctx, "SERVER_AUTH")
    end)
end)
