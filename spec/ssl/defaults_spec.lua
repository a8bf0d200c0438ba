-- The defaults of contexts: create_default_context and the constructor SSLContext, and the CA certificates that each
-- trusts.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local NOTHING = { x509 = 0, x509_ca = 0, crl = 0 }

-- settings returns all settings of a context that can be read.
local function settings(context)
    return {
        protocol = context.protocol, options = context.options, verify_mode = context.verify_mode, verify_flags = context.verify_flags,
        check_hostname = context.check_hostname, minimum_version = context.minimum_version, maximum_version = context.maximum_version,
    }
end

local OPTIONS = 0
for _, name in ipairs {
    "OP_ALL", "OP_NO_SSLv2", "OP_NO_SSLv3", "OP_NO_COMPRESSION", "OP_CIPHER_SERVER_PREFERENCE", "OP_SINGLE_DH_USE",
    "OP_SINGLE_ECDH_USE", "OP_ENABLE_MIDDLEBOX_COMPAT",
} do
    OPTIONS = OPTIONS + ssl[name]
end

local FLAGS = ssl.VERIFY_X509_TRUSTED_FIRST + ssl.VERIFY_X509_PARTIAL_CHAIN + ssl.VERIFY_X509_STRICT -- Python 3.13

describe("contexts by default:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("CTX-04 CTX-06 OPT-02 the constructor SSLContext verifies nothing and enables all versions", function()
        assert.are.same({
            protocol = ssl.PROTOCOL_TLS, options = OPTIONS, verify_mode = ssl.CERT_NONE,
            verify_flags = ssl.VERIFY_DEFAULT + ssl.VERIFY_X509_TRUSTED_FIRST, check_hostname = false,
            minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED,
        }, settings(ssl.SSLContext(ssl.PROTOCOL_TLS)))
        assert.are.same(NOTHING, ssl.SSLContext(ssl.PROTOCOL_TLS):cert_store_stats())
    end)

    it("B-17 DCTX-03 DCTX-06 DCTX-07 DCTX-09 SEC-01 for server authentication every check is enabled", function()
        assert.are.same({
            protocol = ssl.PROTOCOL_SSLv23, options = OPTIONS, verify_mode = ssl.CERT_REQUIRED,
            verify_flags = FLAGS, check_hostname = true,
            minimum_version = ssl.TLSVersion.TLSv1_2, maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED,
        }, settings(ssl.create_default_context()))
        assert.are.same(settings(ssl.create_default_context()), settings(ssl.create_default_context(ssl.Purpose.SERVER_AUTH)))
    end)

    it("B-17 DCTX-10 for client authentication clients need no certificate", function()
        assert.are.same({
            protocol = ssl.PROTOCOL_SSLv23, options = OPTIONS, verify_mode = ssl.CERT_NONE,
            verify_flags = FLAGS, check_hostname = false,
            minimum_version = ssl.TLSVersion.TLSv1_2, maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED,
        }, settings(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)))
    end)

    it("DCTX-01 DCTX-04 arguments by position and by name", function()
        local server, client = ssl.Purpose.SERVER_AUTH, ssl.Purpose.CLIENT_AUTH
        local file, directory, data = pki.path("root.pem"), pki.path("capath"), pki.read("unknown-root.pem")
        for _, case in ipairs {
            { 2, ssl.create_default_context(server, file, directory, data) }, { 1, ssl.create_default_context(server, file) },
            { 0, ssl.create_default_context(server, nil, directory) }, { 1, ssl.create_default_context(server, nil, nil, data) },
            { 2, ssl.create_default_context { purpose = server, cafile = file, capath = directory, cadata = data } },
            { 1, ssl.create_default_context(server, { cadata = data }) }, { 2, ssl.create_default_context(client, file, nil, data) },
            { 1, ssl.create_default_context { purpose = client, cadata = data } },
        } do
            assert.are.equal(case[1], #case[2]:get_ca_certs())
        end
    end)

    it("DCTX-02 a value that is not a purpose raises TypeError", function()
        for _, value in ipairs { "SERVER_AUTH", 129, true, ssl.Purpose, "1.3.6.1.5.5.7.3.1", print } do
            raises("TypeError", { match = "purpose" }, ssl.create_default_context, value)
            raises("TypeError", { match = "purpose" }, ssl.create_default_context, { purpose = value })
        end
    end)

    it("DCTX-12 CONST-18 WRAP-19 SSL 3 is not available, whatever the options are", function()
        local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context:load_cert_chain(pki.chain("server-ec"))
        context.options = context.options - ssl.OP_NO_SSLv3 - ssl.OP_NO_SSLv2
        assert.are.equal(OPTIONS - ssl.OP_NO_SSLv3 - ssl.OP_NO_SSLv2, context.options)
        for _, bare in ipairs { context, link.context { cert = "server-ec", version = "TLSv1" } } do
            bare.options = 0
            local first, second = socket.socketpair()
            second:settimeout(10)
            local server = bare:wrap_socket(second, { server_side = true, do_handshake_on_connect = false })
            -- an SSL 3.0 ClientHello: AES128-SHA, no compression
            first:sendall("\22\3\0\0\45\1\0\0\41\3\0" .. ("r"):rep(32) .. "\0\0\2\0\47\1\0")
            raises("SSLError", { library = "SSL", reason = "UNSUPPORTED_PROTOCOL" }, server.do_handshake, server)
            local answer = first:recv(100)
            assert.are.equal("\2\70", answer:sub(-2)) -- a fatal alert: protocol_version
            server:close()
            first:close()
        end
    end)

    local PRELUDE = [[
        local ssl = require "cleat.ssl"
        local function names(context)
            local list = {}
            for i, cert in ipairs(context:get_ca_certs()) do
                list[i] = cert.subject[2][1][2]
            end
            table.sort(list)
            return table.concat(list, "+")
        end
    ]]

    it("DCTX-04 DCTX-05 DCTX-10 PKI-07 the system's CA certificates are loaded only if no others are given", function()
        local output = process.run_code(PRELUDE .. [[
            local file, directory = os.getenv("FILE"), os.getenv("DIRECTORY")
            local handle = io.open(file)
            local data = handle:read("*a")
            handle:close()
            print("bare", names(ssl.SSLContext(ssl.PROTOCOL_TLS)))
            print("server", names(ssl.create_default_context()))
            print("client", names(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)))
            print("file", names(ssl.create_default_context { cafile = file }))
            print("data", names(ssl.create_default_context { cadata = data }))
            print("directory", names(ssl.create_default_context { capath = directory }))
            print("client file", names(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, file)))
        ]], {
            "SSL_CERT_FILE=" .. pki.path("unknown-root.pem"), "SSL_CERT_DIR=/no/such/directory", "FILE=" .. pki.path("root.pem"),
            "DIRECTORY=" .. pki.path("capath"),
        })
        assert.are.equal("bare\t\nserver\tnobody's root\nclient\t\nfile\tcleat test root\ndata\tcleat test root\ndirectory\t\n"
            .. "client file\tcleat test root\n", output)
    end)

    it("DCTX-04 SEC-01 if other CA certificates are given, connections trust only those", function()
        local output = process.run_code([[
            package.path = os.getenv("SPECS") .. "/?.lua;" .. package.path
            local link = require "support.link"
            local ssl = require "cleat.ssl"
            for _, context in ipairs { ssl.create_default_context(), ssl.create_default_context { cafile = os.getenv("FILE") } } do
                for _, cert in ipairs { "unknown", "server-ec" } do
                    local failures = link.attempt({ context = context }, { cert = cert })
                    print(cert, failures.client and failures.client.verify_message or "accepted")
                end
            end
        ]], {
            "SSL_CERT_FILE=" .. pki.path("unknown-root.pem"), "SSL_CERT_DIR=/no/such/directory", "FILE=" .. pki.path("root.pem"),
            "SPECS=" .. process.root .. "/spec", "CLEAT_SOURCE_DIR=" .. process.root,
        })
        local unknown = "unable to get local issuer certificate"
        assert.are.equal(("unknown\taccepted\nserver-ec\t%s\nunknown\t%s\nserver-ec\taccepted\n"):format(unknown, unknown), output)
    end)

    it("DCTX-05 DVP-02 PKI-07 the system's bundle is loaded from the system's path", function()
        local bundle = io.open("/etc/ssl/certs/ca-certificates.crt")
        if bundle and not os.getenv("SSL_CERT_FILE") then
            bundle:close()
            local stats = ssl.create_default_context():cert_store_stats()
            assert.is_true(stats.x509 > 20)
            assert.are.same({ x509 = stats.x509, x509_ca = stats.x509, crl = 0 }, stats)
            assert.is_string(process.read_file(ssl.get_default_verify_paths().cafile))
        end
    end)

    it("LDC-01 LDC-03 LDC-04 load_default_certs for either purpose", function()
        local output = process.run_code(PRELUDE .. [[
            for _, purpose in ipairs { "SERVER_AUTH", "CLIENT_AUTH" } do
                local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
                context:load_default_certs(ssl.Purpose[purpose])
                context:load_default_certs { purpose = ssl.Purpose[purpose] }
                local stats = context:cert_store_stats()
                print(stats.x509, stats.x509_ca, stats.crl)
            end
        ]], { "SSL_CERT_FILE=" .. pki.path("server-ec.crt"), "SSL_CERT_DIR=/no/such/directory" })
        assert.are.equal("1\t0\t0\n1\t0\t0\n", output)
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        for _, value in ipairs { "SERVER_AUTH", 1, true, ssl.Purpose } do
            raises("TypeError", { match = "purpose" }, context.load_default_certs, context, value)
        end
        assert.are.same(NOTHING, context:cert_store_stats())
    end)

    it("CTX-10 LDC-04 GCA-03 the system's directory is used, and its files are read when they are needed", function()
        local output = process.run_code([[
            package.path = os.getenv("SPECS") .. "/?.lua;" .. package.path
            local link = require "support.link"
            local ssl = require "cleat.ssl"
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context.verify_mode = ssl.CERT_REQUIRED
            context:set_default_verify_paths()
            print(#context:get_ca_certs())
            print(link.attempt({ context = context }, { cert = "server-ec" }).client)
            print(#context:get_ca_certs(), context:get_ca_certs()[1].subject[2][1][2])
        ]], {
            "SSL_CERT_FILE=/no/such/file", "SSL_CERT_DIR=" .. pki.path("capath"), "SPECS=" .. process.root .. "/spec",
            "CLEAT_SOURCE_DIR=" .. process.root,
        })
        assert.are.equal("0\nnil\n1\tcleat test root\n", output)
    end)

    it("DVP-01 DVP-05 DVP-07 LIBRE-02 the default paths have Python's names and order", function()
        local output = process.run_code([[
            local paths = require "cleat.ssl".get_default_verify_paths()
            for i, name in ipairs { "cafile", "capath", "openssl_cafile_env", "openssl_cafile", "openssl_capath_env", "openssl_capath" } do
                print(name, paths[name], paths[name] == paths[i])
            end
        ]], { "SSL_CERT_FILE=" .. pki.path("root.pem"), "SSL_CERT_DIR=" .. pki.path("capath") })
        assert.are.equal(("cafile\t%s\ttrue\ncapath\t%s\ttrue\nopenssl_cafile_env\tSSL_CERT_FILE\ttrue\n"
            .. "openssl_cafile\t/etc/ssl/cert.pem\ttrue\nopenssl_capath_env\tSSL_CERT_DIR\ttrue\n"
            .. "openssl_capath\t/etc/ssl/certs\ttrue\n"):format(pki.path("root.pem"), pki.path("capath")), output)
    end)

    it("LVL-05 GCA-03 CTX-09 directories may use either kind of hash", function()
        for _, flag in ipairs { "-subject_hash", "-subject_hash_old" } do
            local result = process.run { "openssl", "x509", "-in", pki.path("root.pem"), "-noout", flag }
            local hash = assert(result.output:match("^(%x+)\n$"), result.errors)
            local directory = process.directory() .. "/by" .. flag
            os.execute("mkdir -p " .. process.quote(directory))
            process.write_file(("%s/%s.0"):format(directory, hash), pki.read("root.pem"))
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context:load_verify_locations { capath = directory }
            context.verify_mode = ssl.CERT_REQUIRED
            assert.are.same({}, context:get_ca_certs())
            local client, server = link.pair({ context = context })
            tasks.run {
                function() tasks.call(client, "do_handshake") end,
                function() tasks.call(server, "do_handshake") end,
            }
            assert.are.equal("cleat test root", context:get_ca_certs()[1].subject[2][1][2])
            assert.are.same({ x509 = 1, x509_ca = 1, crl = 0 }, context:cert_store_stats())
            client:close()
            server:close()
        end
    end)
end)
