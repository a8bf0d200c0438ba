-- Revocation lists: in PEM and in DER, from a file, from data and from a directory, and the effect of the verify flags.
local handles = require "support.handles"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local tasks = require "support.tasks"

local UNABLE_TO_GET_CRL, CRL_SIGNATURE_FAILURE, CRL_NOT_YET_VALID, CRL_HAS_EXPIRED, REVOKED = 3, 8, 11, 12, 23

local function openssl(words)
    local command = { "openssl", directory = pki.path(".") }
    for _, word in ipairs(words) do
        command[#command + 1] = word
    end
    local result = process.run(command)
    assert(result.status == 0, result.errors)
end

-- crl makes a list of a CA with the given dates and returns its file.
local function crl(name, ca, last_update, next_update)
    local file = process.directory() .. "/" .. name
    openssl { "ca", "-config", "pki.cnf", "-gencrl", "-cert", ca .. ".crt", "-keyfile", ca .. ".key", "-crl_lastupdate",
        last_update, "-crl_nextupdate", next_update, "-out", file }
    return file
end

-- verifier returns a client's context that trusts the root and checks revocation.
local function verifier(flags, version)
    return link.context(link.client_options {
        flags = flags or ssl.VERIFY_CRL_CHECK_LEAF, version = version, check_hostname = false,
    })
end

-- verify returns the failures of a handshake with a server's certificate.
local function verify(context, cert, version)
    return link.attempt({ context = context, server_hostname = "localhost" }, { cert = cert or "server-ec", version = version })
end

local function accepted(context, cert, version)
    assert.are.same({}, verify(context, cert, version))
end

local MESSAGES = {
    [UNABLE_TO_GET_CRL] = "unable to get certificate CRL", [CRL_SIGNATURE_FAILURE] = "CRL signature failure",
    [CRL_NOT_YET_VALID] = "CRL is not yet valid", [CRL_HAS_EXPIRED] = "CRL has expired", [REVOKED] = "certificate revoked",
}

local function refused(context, code, cert, version)
    local failures = verify(context, cert, version)
    raises.check(failures.client, { "SSLError", "CertificateError" }, {
        library = "SSL", reason = "CERTIFICATE_VERIFY_FAILED", verify_code = code, verify_message = MESSAGES[code],
        match = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " .. MESSAGES[code],
    })
    raises.check(failures.server, "SSLError", {
        reason = code == REVOKED and "SSLV3_ALERT_CERTIFICATE_REVOKED" or code == UNABLE_TO_GET_CRL and "TLSV1_ALERT_UNKNOWN_CA" or nil,
    })
end

describe("revocation lists:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local der = {}
    setup(function()
        for _, name in ipairs { "root", "intermediate" } do
            der[name] = process.directory() .. "/" .. name .. ".crl.der"
            openssl { "crl", "-in", name .. ".crl", "-outform", "DER", "-out", der[name] }
        end
    end)

    -- Each way to load the lists of the CAs named.
    local WAYS = {
        ["PEM, file"] = function(context, name)
            context:load_verify_locations(pki.path(name .. ".crl"))
        end,
        ["DER, file"] = function(context, name)
            context:load_verify_locations { cafile = der[name] }
        end,
        ["PEM, data"] = function(context, name)
            context:load_verify_locations { cadata = "a list:\n" .. pki.read(name .. ".crl") .. "\n" }
        end,
        ["DER, data"] = function(context, name)
            context:load_verify_locations { cadata = process.read_file(der[name]) }
        end,
    }

    for way, load in pairs(WAYS) do
        it("LVL-03 CTX-07 is loaded once: " .. way, function()
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            for count, name in ipairs { "root", "intermediate" } do
                load(context, name)
                load(context, name)
                assert.are.same({ x509 = 0, x509_ca = 0, crl = count }, context:cert_store_stats())
            end
            assert.are.same({}, context:get_ca_certs())
        end)

        for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
            it("LVL-03 VF-02 CONST-05 VERIFY_CRL_CHECK_LEAF, " .. way .. ", " .. version, function()
                local context = verifier(nil, version)
                refused(context, UNABLE_TO_GET_CRL, nil, version)
                load(context, "root") -- not the list that is needed
                refused(context, UNABLE_TO_GET_CRL, nil, version)
                load(context, "intermediate")
                accepted(context, nil, version)
                refused(context, REVOKED, "revoked", version)
            end)

            it("LVL-03 VF-02 CONST-06 VERIFY_CRL_CHECK_CHAIN, " .. way .. ", " .. version, function()
                local context = verifier(ssl.VERIFY_CRL_CHECK_CHAIN, version)
                refused(context, UNABLE_TO_GET_CRL, nil, version)
                load(context, "intermediate")
                refused(context, UNABLE_TO_GET_CRL, nil, version)
                load(context, "root")
                accepted(context, nil, version)
                refused(context, REVOKED, "revoked", version)
            end)
        end
    end

    it("LVL-03 several in one file, with certificates, in PEM and in DER", function()
        local context = verifier(ssl.VERIFY_CRL_CHECK_CHAIN)
        context:load_verify_locations { cadata = pki.read("root-and-crls.pem") }
        assert.are.same({ x509 = 1, x509_ca = 1, crl = 2 }, context:cert_store_stats())
        accepted(context)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        context.verify_mode, context.verify_flags = ssl.CERT_REQUIRED, ssl.VERIFY_CRL_CHECK_CHAIN
        context:load_verify_locations {
            cadata = process.read_file(der.root) .. pki.read("root.der") .. process.read_file(der.intermediate),
        }
        assert.are.same({ x509 = 1, x509_ca = 1, crl = 2 }, context:cert_store_stats())
        accepted(context)
        refused(context, REVOKED, "revoked")
    end)

    it("LVL-03 from a directory, when they are needed", function()
        local directory = process.directory() .. "/crls"
        process.run { "mkdir", directory }
        for _, name in ipairs { "root", "intermediate" } do
            process.write_file(directory .. "/" .. name .. "-crl.pem", pki.read(name .. ".crl"))
        end
        openssl { "rehash", directory }
        local context = verifier(ssl.VERIFY_CRL_CHECK_CHAIN)
        refused(context, UNABLE_TO_GET_CRL)
        context:load_verify_locations { capath = directory }
        assert.are.equal(0, context:cert_store_stats().crl)
        accepted(context)
        assert.are.equal(2, context:cert_store_stats().crl)
        refused(context, REVOKED, "revoked")
    end)

    it("VF-02 CONST-04 VERIFY_DEFAULT checks none", function()
        local context = verifier(ssl.VERIFY_DEFAULT)
        context:load_verify_locations(pki.path("intermediate.crl"))
        accepted(context, "revoked")
        context.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST
        accepted(context, "revoked")
        context.verify_flags = context.verify_flags + ssl.VERIFY_CRL_CHECK_LEAF
        refused(context, REVOKED, "revoked")
        context.verify_flags = context.verify_flags - ssl.VERIFY_CRL_CHECK_LEAF
        accepted(context, "revoked")
    end)

    it("VF-02 CERT_NONE checks none either", function()
        local context = verifier()
        context:load_verify_locations(pki.path("intermediate.crl"))
        refused(context, REVOKED, "revoked")
        context.verify_mode = ssl.CERT_NONE
        accepted(context, "revoked")
    end)

    it("VF-02 a list that has expired, or is not valid yet, is not accepted", function()
        local past, future = "20200101000000Z", "20400101000000Z"
        local cases = {
            [crl("good.crl", "intermediate", past, future)] = REVOKED,
            [crl("expired.crl", "intermediate", past, "20200201000000Z")] = CRL_HAS_EXPIRED,
            [crl("early.crl", "intermediate", "20390101000000Z", future)] = CRL_NOT_YET_VALID,
        }
        for file, code in pairs(cases) do
            local context = verifier()
            context:load_verify_locations(file)
            refused(context, code, "revoked")
            if code ~= REVOKED then
                refused(context, code)
            end
        end
    end)

    it("VF-02 a list that another CA has signed is not accepted", function()
        -- Its issuer has the intermediate's name, and another key.
        local directory = process.directory()
        local forged = directory .. "/forged.crl"
        openssl { "req", "-new", "-x509", "-config", "pki.cnf", "-extensions", "intermediate", "-key", "unknown-root.key", "-subj",
            "/O=cleat tests/CN=cleat test intermediate", "-days", "30", "-out", directory .. "/forger.crt" }
        process.write_file(directory .. "/forger.key", pki.read("unknown-root.key"))
        openssl { "ca", "-config", "pki.cnf", "-gencrl", "-cert", directory .. "/forger.crt", "-keyfile", directory .. "/forger.key",
            "-out", forged }
        local context = verifier()
        context:load_verify_locations(forged)
        refused(context, CRL_SIGNATURE_FAILURE)
        refused(context, CRL_SIGNATURE_FAILURE, "revoked")
    end)

    it("VF-02 a server checks its clients' certificates in the same way; Python is the client", function()
        local list = process.directory() .. "/clients.crl"
        local serial = process.run { "openssl", "x509", "-in", pki.path("client.crt"), "-noout", "-serial" }.output:match("=(%x+)")
        process.write_file(process.directory() .. "/index.txt",
            ("R\t400101000000Z\t200101000000Z\t%s\tunknown\t/CN=client\n"):format(serial))
        local configuration = pki.read("pki.cnf"):gsub("index%.txt", process.directory() .. "/index.txt")
        openssl { "ca", "-config", process.write_file(process.directory() .. "/clients.cnf", configuration), "-gencrl", "-cert",
            "intermediate.crt", "-keyfile", "intermediate.key", "-out", list }
        for _, version in ipairs { "1.2", "1.3" } do
            local context = link.context {
                cert = "server-ec", cafile = "root.pem", verify = ssl.CERT_REQUIRED, version = "TLSv" .. version,
                flags = ssl.VERIFY_CRL_CHECK_LEAF,
            }
            context:load_verify_locations(list)
            for cert, code in pairs { client = REVOKED, ["client-rsa"] = false } do
                local listener = socket.socket()
                listener:settimeout(10)
                listener:bind { "127.0.0.1", 0 }
                listener:listen(1)
                local server = context:wrap_socket(listener, { server_side = true })
                local certfile, keyfile = pki.chain(cert)
                local job = peer.connect { port = listener:getsockname()[2], tls = true, cert = certfile, key = keyfile, "handshake",
                    "recv 2" }
                if code then
                    raises("CertificateError", { verify_code = code, verify_message = "certificate revoked" }, server.accept, server)
                    assert.is_truthy(table.concat(job:finish(), "\n"):find("SSLV3_ALERT_CERTIFICATE_REVOKED", 1, true))
                else
                    local sock = server:accept()
                    sock:sendall("ok")
                    assert.are.equal("recv 6f6b", job:finish()[2])
                    sock:close()
                end
                server:close()
            end
        end
    end)

    it("VM-02 a socket has the flags of the time when it was wrapped", function()
        local context = verifier(ssl.VERIFY_DEFAULT)
        local client, server = link.pair({ context = context }, { cert = "revoked" })
        context:load_verify_locations(pki.path("intermediate.crl"))
        context.verify_flags = ssl.VERIFY_CRL_CHECK_LEAF
        tasks.run {
            function()
                tasks.call(client, "do_handshake")
            end,
            function()
                tasks.call(server, "do_handshake")
            end,
        }
        client:close()
        server:close()
        refused(context, REVOKED, "revoked")
    end)

    it("LVL-03 malformed data adds nothing", function()
        local list = process.read_file(der.intermediate)
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        for _, data in ipairs { list:sub(1, -2), list:sub(1, 100), list .. list:sub(1, 50), list .. "garbage",
            (pki.read("intermediate.crl"):gsub("\n", "\n!!!", 1)) } do
            raises("SSLError", {}, context.load_verify_locations, context, { cadata = data })
            raises("SSLError", {}, context.load_verify_locations, context,
                { cafile = process.write_file(process.directory() .. "/broken.crl", data) })
        end
        assert.are.same({ x509 = 0, x509_ca = 0, crl = 0 }, context:cert_store_stats())
    end)
end)
