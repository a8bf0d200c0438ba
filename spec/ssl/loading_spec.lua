-- Loading CA certificates, chains and keys from real-world texts: a block that cannot be parsed, byte order marks,
-- pipes.
local backend = require "cleat.backend"
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local BOM = "\239\187\191"
local NOTHING = { x509 = 0, x509_ca = 0, crl = 0 }

local function run(...)
    local result = process.run { ... }
    assert(result.status == 0, result.errors)
    return result.output
end

local serial = 0

local function write(data)
    serial = serial + 1
    return process.write_file(("%s/%d.pem"):format(process.directory(), serial), data)
end

-- encode returns a PEM block of the bytes.
local function encode(der, label)
    local file = write(der)
    local text = run("openssl", "base64", "-in", file)
    return ("-----BEGIN %s-----\n%s-----END %s-----\n"):format(label, text, label)
end

-- Blocks that BoringSSL refuses, and its reasons.
local function odd_blocks()
    local der, count = pki.read("root.der"):gsub("\160\3\2\1\2", "\160\3\2\1\1", 1)
    assert(count == 1)
    local text = pki.read("root.pem")
    return {
        ["extensions in version 2"] = encode(der, "CERTIFICATE"),
        ["a truncated DER"] = encode(pki.read("root.der"):sub(1, -20), "CERTIFICATE"),
        ["not DER"] = encode("what is this?", "CERTIFICATE"),
        ["no base64"] = pki.read("bad.pem"),
        ["no end"] = text:gsub("%-%-%-%-%-END.*", ""),
        ["a truncated list"] = encode("\48\130\1\1\48", "X509 CRL"),
    }
end

local function line_of(text, pattern)
    local position = assert(text:find(pattern, 1, true))
    local _, lines = text:sub(1, position - 1):gsub("\n", "")
    return lines + 1
end

-- A process in which a file is the system's bundle. It prints the loaded and skipped blocks, and the servers that a
-- client accepts.
local CODE = [[
    package.path = os.getenv("SPECS") .. "/?.lua;" .. package.path
    local link = require "support.link"
    local process = require "support.process"
    local ssl = require "cleat.ssl"
    local context = ssl.create_default_context()
    print(context:cert_store_stats().x509)
    for _, skipped in ipairs(context:get_skipped_certs()) do
        print(skipped.ordinal, skipped.line, skipped.reason ~= "" and skipped.reason == skipped.reason:upper())
    end
    for _, cert in ipairs { "server-ec", "unknown" } do
        local failure = link.attempt({ context = context, server_hostname = "localhost" }, { cert = cert }).client
        print(cert, failure and failure.verify_message or "accepted")
    end
    process.cleanup()
]]

local function with_bundle(text)
    return process.run_code(CODE, { "SSL_CERT_FILE=" .. write(text), "SSL_CERT_DIR=/no/such/directory",
        "SPECS=" .. process.root .. "/spec", "CLEAT_SOURCE_DIR=" .. process.root })
end

describe("loading:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local odd

    setup(function()
        odd = odd_blocks()
    end)

    describe("a block that cannot be parsed", function()
        it("in the system's bundle is skipped and reported, and the others are loaded", function()
            for what, block in pairs(odd) do
                local text = "a bundle\n" .. pki.read("root.pem") .. "# odd\n" .. block .. pki.read("unknown-root.pem")
                local line = line_of(text, "# odd") + 1
                assert.are.equal(what .. ("\n2\n2\t%d\ttrue\nserver-ec\taccepted\nunknown\taccepted\n"):format(line),
                    what .. "\n" .. with_bundle(text))
            end
        end)

        it("the same with several of them, and in a bundle without any valid block", function()
            local first, second = odd["extensions in version 2"], odd["a truncated DER"]
            local text = first .. pki.read("root.pem") .. second .. second
            local no_issuer = "unable to get local issuer certificate"
            local function lines(s)
                return select(2, s:gsub("\n", ""))
            end
            local at = { 1, 1 + lines(first .. pki.read("root.pem")), 1 + lines(first .. pki.read("root.pem") .. second) }
            assert.are.equal(("1\n1\t%d\ttrue\n3\t%d\ttrue\n4\t%d\ttrue\nserver-ec\taccepted\nunknown\t%s\n"):format(
                at[1], at[2], at[3], no_issuer), with_bundle(text))
            assert.are.equal(("0\n1\t1\ttrue\nserver-ec\t%s\nunknown\t%s\n"):format(no_issuer, no_issuer), with_bundle(first))
        end)

        it("is reported with BoringSSL's reason", function()
            raises("SSLError", { library = "PEM", reason = "BAD_BASE64_DECODE" }, ssl.create_default_context, { cadata = odd["no base64"] })
            local failure = raises("SSLError", {}, ssl.create_default_context, { cadata = odd["extensions in version 2"] })
            -- BoringSSL of 2023 has a more precise reason
            assert.is_true(failure.reason == "DECODE_ERROR" or failure.reason == "INVALID_FIELD_FOR_VERSION", failure.reason)
        end)

        it("in a file or data that the caller names is an error with its number and line, and nothing is loaded", function()
            for _, block in pairs(odd) do
                local text = pki.read("root.pem") .. "text between\n" .. block .. pki.read("unknown-root.pem")
                local where = ("block 2, which begins in line %d"):format(line_of(text, "text between") + 1)
                local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
                local file = write(text)
                raises("SSLError", { match = where }, context.load_verify_locations, context, file)
                raises("SSLError", { match = where }, context.load_verify_locations, context, { cadata = text })
                -- also among valid blocks
                raises("SSLError", { match = where }, context.load_verify_locations, context,
                    { cafile = file, cadata = pki.read("unknown-root.pem"), capath = pki.path("capath") })
                assert.are.same(NOTHING, context:cert_store_stats())
                assert.are.same({}, context:get_skipped_certs())
                context.verify_mode = ssl.CERT_REQUIRED
                assert.is_truthy(link.attempt({ context = context, server_hostname = "localhost" }, {}).client)
                context:load_verify_locations(pki.path("root.pem"))
                assert.are.same({}, link.attempt({ context = context, server_hostname = "localhost" }, {}))
            end
        end)

        it("does not include blocks of another type: keys and parameters among CA certificates are skipped", function()
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_verify_locations(write(pki.read("ec.key") .. pki.read("root.pem") .. "-----BEGIN X-----\n!\n-----END X-----\n"))
            assert.are.same({ x509 = 1, x509_ca = 1, crl = 0 }, context:cert_store_stats())
        end)
    end)

    describe("a byte order mark", function()
        local function loaded(...)
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_verify_locations(...)
            return context:cert_store_stats()
        end

        it("is allowed before CA certificates, in a file and in data", function()
            local text = BOM .. pki.read("root-and-crls.pem")
            for _, form in ipairs { text, (text:gsub("\n", "\r\n")), BOM .. "a comment\n" .. text:sub(4) } do
                assert.are.same({ x509 = 1, x509_ca = 1, crl = 2 }, loaded(write(form)))
                assert.are.same({ x509 = 1, x509_ca = 1, crl = 2 }, loaded { cadata = form })
            end
            assert.are.equal("1\nserver-ec\taccepted\nunknown\tunable to get local issuer certificate\n",
                with_bundle(BOM .. pki.read("root.pem")))
        end)

        it("is allowed in the middle, where files that have one were joined", function()
            local text = BOM .. pki.read("root.pem") .. BOM .. pki.read("unknown-root.pem")
            assert.are.equal(2, loaded(write(text)).x509)
            assert.are.equal(2, loaded({ cadata = text }).x509)
        end)

        it("alone, or twice, is an empty text", function()
            raises("SSLError", { reason = "NO_CERTIFICATE_OR_CRL_FOUND" }, loaded, write(BOM))
            raises("SSLError", { reason = "NO_CERTIFICATE_OR_CRL_FOUND" }, loaded, write(BOM .. BOM))
            raises("SSLError", { reason = "NO_CERTIFICATE_OR_CRL_FOUND" }, loaded, write(BOM:sub(1, 2)))
            raises("SSLError", {}, loaded, { cadata = BOM })
        end)

        it("is allowed before a chain and before a key, in files", function()
            local chain, key = pki.read("server-ec.pem"), pki.read("ec.key")
            for _, case in ipairs {
                { write(BOM .. chain), write(BOM .. key) }, { write(chain), write(BOM .. key) }, { write(BOM .. chain), write(key) },
                { write(BOM .. key .. chain) }, { write(BOM .. chain .. key) },
                { write((BOM .. chain):gsub("\n", "\r\n")), write((BOM .. key):gsub("\n", "\r\n")) },
                { write(BOM .. chain), write(BOM .. pki.read("ec.pkcs8-encrypted.key")), "somepass" },
            } do
                local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
                context:load_cert_chain(case[1], case[2], case[3])
                -- the whole chain is sent: the client has the root only
                assert.are.same({}, link.attempt({}, { context = context }))
            end
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            local nothing = { library = "PEM", reason = "NO_START_LINE" }
            raises("SSLError", nothing, context.load_cert_chain, context, write(BOM), write(BOM .. key))
            raises("SSLError", nothing, context.load_cert_chain, context, write(BOM .. chain), write(BOM))
        end)

        it("is allowed before them in data", function()
            local chain, key = BOM .. pki.read("server-ec.pem"), BOM .. pki.read("ec.key")
            local id = backend.context_new(backend.const.PROTOCOL_TLS)
            assert.are.equal(0, backend.context_load_cert_chain_data(id, chain, key, nil))
            assert.are.equal(0, backend.context_load_cert_chain_data(id, chain .. key:sub(4), nil, nil))
            assert.is_true(backend.context_load_cert_chain_data(id, chain, BOM, nil) < 0)
            backend.close(id)
        end)
    end)

    describe("a pipe", function()
        -- pipe returns a FIFO into which another process writes the text once.
        local function pipe(text)
            serial = serial + 1
            local name = ("%s/%d.fifo"):format(process.directory(), serial)
            run("mkfifo", name)
            return name, process.start { "cp", write(text), name }
        end

        it("works as a cafile: it is opened once", function()
            local name, writer = pipe(pki.read("roots.pem"))
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_verify_locations(name)
            assert.are.equal(0, writer:wait())
            assert.are.equal(2, context:cert_store_stats().x509)
        end)

        it("works as a cafile together with invalid data: nothing is loaded", function()
            local name, writer = pipe(pki.read("roots.pem"))
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            raises("SSLError", {}, context.load_verify_locations, context, { cafile = name, cadata = pki.read("bad.pem") })
            assert.are.same(NOTHING, context:cert_store_stats())
            writer:stop()
        end)

        it("B-68 works as a chain, and as a key", function()
            local chain, first = pipe(pki.read("server-ec.pem"))
            local key, second = pipe(BOM .. pki.read("ec.key"))
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_cert_chain(chain, key)
            assert.are.equal(0, first:wait())
            assert.are.equal(0, second:wait())
            assert.are.same({}, link.attempt({}, { context = context }))
        end)

        it("works as a chain with an encrypted key, whose password is asked for", function()
            local name, writer = pipe(pki.read("server-ec.encrypted.pem"))
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_cert_chain { certfile = name, password = "somepass" }
            assert.are.equal(0, writer:wait())
            assert.are.same({}, link.attempt({}, { context = context }))
        end)
    end)
end)
