-- load_verify_locations: it loads all of its arguments or none; directories with either of OpenSSL's hashes; the
-- environment's paths.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local ENOENT = 2
local NOTHING = { x509 = 0, x509_ca = 0, crl = 0 }

-- hash returns the name of a certificate in a directory, by one of openssl's options.
local function hash(cert, option)
    return process.run { "openssl", "x509", "-in", pki.path(cert), "-noout", option }.output:match("^(%x+)\n$")
end

local serial = 0

-- directory returns a new one with files by name.
local function directory(files)
    serial = serial + 1
    local path = process.directory() .. "/capath" .. serial
    process.run { "mkdir", path }
    for name, text in pairs(files) do
        process.write_file(path .. "/" .. name, text)
    end
    return path
end

local function verifier(...)
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context.verify_mode = ssl.CERT_REQUIRED
    context:load_verify_locations(...)
    return context
end

-- verified returns whether a client with the context accepts a certificate.
local function verified(context, cert)
    local failures = link.attempt({ context = context }, { cert = cert or "server-ec" })
    if failures.client then
        raises.check(failures.client, "CertificateError", { reason = "CERTIFICATE_VERIFY_FAILED", verify_code = 20 })
    end
    return failures.client == nil
end

describe("load_verify_locations adds all or nothing:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local missing = "/no/such/file.pem"

    it("LVL-01 LVL-04 LVL-09 none is loaded if any argument fails", function()
        local root, junk = pki.path("root.pem"), pki.path("junk.pem")
        local cases = {
            { "IOError", { errno = ENOENT, filename = missing }, { cafile = missing, cadata = pki.read("root.pem") } },
            { "IOError", { errno = ENOENT }, { cafile = missing, capath = pki.path("capath") } },
            { "IOError", { errno = ENOENT }, { cafile = missing, capath = pki.path("capath"), cadata = pki.read("root.der") } },
            { "SSLError", { library = "X509", reason = "NO_CERTIFICATE_OR_CRL_FOUND" }, { cafile = junk, cadata = pki.read("root.pem") } },
            { "SSLError", { library = "PEM", reason = "NO_START_LINE" }, { cafile = root, cadata = "no certificate" } },
            { "SSLError", { library = "ASN1", reason = "NOT_ENOUGH_DATA" }, { cafile = root, cadata = "\255\0" } },
            { "SSLError", {}, { cafile = root, cadata = pki.read("root.pem") .. pki.read("bad.pem") } },
            { "SSLError", {}, { cafile = pki.path("bad.pem"), cadata = pki.read("unknown-root.pem") } },
            { "TypeError", { match = "cadata" }, { cafile = root, cadata = 7 } },
            { "ValueError", { match = "Empty certificate data" }, { cafile = root, cadata = "" } },
            { "TypeError", { match = "capath" }, { cafile = root, capath = 7 } },
            { "TypeError", { match = "cafile" }, { cafile = true, cadata = pki.read("root.pem") } },
        }
        for _, case in ipairs(cases) do
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            raises(case[1], case[2], context.load_verify_locations, context, case[3])
            assert.are.same(NOTHING, context:cert_store_stats())
            assert.are.same({}, context:get_ca_certs())
            -- and the certificates that were loaded before are still there
            context:load_verify_locations(pki.path("roots.pem"))
            raises(case[1], case[2], context.load_verify_locations, context, case[3])
            assert.are.same({ x509 = 2, x509_ca = 2, crl = 0 }, context:cert_store_stats())
            assert.are.equal(2, #context:get_ca_certs())
        end
    end)

    it("LVL-05 a directory is not searched if another argument fails", function()
        local context = verifier(pki.path("unknown-root.pem"))
        raises("IOError", {}, context.load_verify_locations, context, missing, pki.path("capath"))
        assert.is_false(verified(context))
        context:load_verify_locations(pki.path("unknown-root.pem"), pki.path("capath"))
        assert.is_true(verified(context))
        assert.is_true(verified(context, "unknown"))
    end)

    it("LVL-01 LVL-11 all are loaded if none fails", function()
        local context = verifier {
            cafile = pki.path("root-and-crls.pem"), cadata = pki.read("unknown-root.der"), capath = pki.path("capath"),
        }
        assert.are.same({ x509 = 2, x509_ca = 2, crl = 2 }, context:cert_store_stats())
        assert.is_true(verified(context))
        assert.is_true(verified(context, "unknown"))
        assert.are.same({ x509 = 2, x509_ca = 2, crl = 2 }, context:cert_store_stats())
    end)
end)

describe("capath:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for style, option in pairs { ["of OpenSSL 1.0 and later"] = "-subject_hash", ["of OpenSSL before 1.0"] = "-subject_hash_old" } do
        it("LVL-05 GCA-03 CTX-09 finds a certificate by the hash " .. style, function()
            local name = hash("root.pem", option)
            local context = verifier { capath = directory { [name .. ".0"] = pki.read("root.pem") } }
            assert.are.same({}, context:get_ca_certs())
            assert.are.same(NOTHING, context:cert_store_stats())
            assert.is_false(verified(context, "unknown"))
            assert.are.same({}, context:get_ca_certs())
            assert.is_true(verified(context))
            assert.are.same({ pki.read("root.der") }, context:get_ca_certs(true))
            assert.are.equal("cleat test root", context:get_ca_certs()[1].subject[2][1][2])
            assert.are.same({ x509 = 1, x509_ca = 1, crl = 0 }, context:cert_store_stats())
            assert.is_true(verified(context))
            assert.are.equal(1, #context:get_ca_certs())
        end)

        it("LVL-05 tries all certificates with the same hash " .. style, function()
            local name = hash("root.pem", option)
            assert.is_true(verified(verifier { capath = directory {
                [name .. ".0"] = pki.read("unknown-root.pem"), [name .. ".1"] = pki.read("root.pem"),
            } }))
        end)
    end

    it("LVL-05 ignores other names", function()
        local name = hash("root.pem", "-subject_hash")
        assert.are_not.equal(name, hash("root.pem", "-subject_hash_old"))
        local text = pki.read("root.pem")
        assert.is_true(verified(verifier { capath = directory { [name .. ".0"] = text } }))
        assert.is_false(verified(verifier { capath = directory { ["root.pem"] = text, [name] = text, [name .. ".pem"] = text } }))
        assert.is_false(verified(verifier { capath = directory { [hash("unknown-root.pem", "-subject_hash") .. ".0"] = text } }))
        assert.is_false(verified(verifier { capath = directory { [name .. ".0"] = "junk" } }))
    end)

    it("LVL-05 finds files that are added later, and searches several directories", function()
        local name = hash("root.pem", "-subject_hash")
        local first, second = directory {}, directory {}
        local context = verifier { capath = first }
        context:load_verify_locations { capath = second }
        assert.is_false(verified(context))
        process.write_file(second .. "/" .. name .. ".0", pki.read("root.pem"))
        assert.is_true(verified(context))
    end)
end)

describe("the environment:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    -- The program prints the default paths, and the servers that a context with the defaults accepts.
    local PROGRAM = [[
        local link = require "support.link"
        local ssl = require "cleat.ssl"
        local paths = ssl.get_default_verify_paths()
        print(paths.cafile, paths.capath, paths[1] == paths.cafile, paths[2] == paths.capath)
        local words = {}
        for _, cert in ipairs { "server-ec", "unknown" } do
            local context = ssl.create_default_context()
            context.check_hostname = false
            words[#words + 1] = tostring(link.attempt({ context = context }, { cert = cert }).client == nil)
        end
        print(table.concat(words, " "))
    ]]

    local function says(...)
        return process.run_code(PROGRAM, { ... })
    end

    it("DVP-02 DVP-03 DVP-08 LDC-04 CTX-10 SSL_CERT_FILE and SSL_CERT_DIR are trusted by default", function()
        local file, path = pki.path("unknown-root.pem"), pki.path("capath")
        assert.are.equal(file .. "\tnil\ttrue\ttrue\nfalse true\n", says("SSL_CERT_FILE=" .. file, "SSL_CERT_DIR=/nowhere"))
        assert.are.equal("nil\t" .. path .. "\ttrue\ttrue\ntrue false\n", says("SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=" .. path))
        assert.are.equal(file .. "\t" .. path .. "\ttrue\ttrue\ntrue true\n", says("SSL_CERT_FILE=" .. file, "SSL_CERT_DIR=" .. path))
        assert.are.equal("nil\tnil\ttrue\ttrue\nfalse false\n", says("SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=/nowhere"))
    end)

    it("DVP-08 a directory may have hashes of either style, and the variable may list several", function()
        local old = directory { [hash("root.pem", "-subject_hash_old") .. ".0"] = pki.read("root.pem") }
        local new = directory { [hash("unknown-root.pem", "-subject_hash") .. ".0"] = pki.read("unknown-root.pem") }
        assert.are.equal("nil\t" .. old .. "\ttrue\ttrue\ntrue false\n", says("SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=" .. old))
        assert.are.equal("nil\t" .. new .. "\ttrue\ttrue\nfalse true\n", says("SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=" .. new))
        -- As in Python a list of directories is not an existing path, but it is searched.
        assert.are.equal("nil\tnil\ttrue\ttrue\ntrue true\n",
            says("SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=/nowhere:" .. old .. ":" .. new))
        -- Empty names in a list are skipped.
        assert.are.equal("nil\tnil\ttrue\ttrue\ntrue true\n",
            says("SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=:" .. old .. "::" .. new .. ":"))
        assert.are.equal("nil\tnil\ttrue\ttrue\nfalse false\n", says("SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=:"))
    end)

    it("SNI-06 a servername callback switches from the default CA certificates to others, and to them", function()
        local program = [[
            local link = require "support.link"
            local pki = require "support.pki"
            local ssl = require "cleat.ssl"
            for _, case in ipairs { { "default", "own" }, { "own", "default" } } do
                local contexts = {}
                for _, kind in ipairs(case) do
                    local context = link.context { cert = "server-ec", verify = ssl.CERT_REQUIRED }
                    if kind == "default" then
                        context:load_default_certs()
                    else
                        context:load_verify_locations(pki.path("root.pem"))
                    end
                    contexts[#contexts + 1] = context
                end
                contexts[1]:set_servername_callback(function(sock)
                    sock.context = contexts[2]
                end)
                local words = {}
                for _, cert in ipairs { "client", "client-unknown" } do
                    local failures = link.attempt({ cert = cert }, { context = contexts[1] })
                    words[#words + 1] = failures.server and failures.server.reason or "ok"
                end
                print(case[2], table.concat(words, " "))
            end
        ]]
        assert.are.equal("own\tok CERTIFICATE_VERIFY_FAILED\ndefault\tCERTIFICATE_VERIFY_FAILED ok\n", process.run_code(program, {
            "SSL_CERT_FILE=" .. pki.path("unknown-root.pem"), "SSL_CERT_DIR=/nowhere",
        }))
    end)
end)
