-- ssl.Certificate, compared with the openssl command's output on the same certificate, and the chains of connections.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

-- openssl returns the output of a command.
local function openssl(...)
    local result = process.run { "openssl", ... }
    assert(result.status == 0, result.errors)
    return result.output
end

-- x509 returns the output of `openssl x509` on a file, without the line end.
local function x509(path, ...)
    return (openssl("x509", "-in", path, "-noout", ...):gsub("%s+$", ""))
end

local function plain(digest)
    return (digest:gsub("^.*=", ""):gsub(":", ""):lower())
end

local function hex(bytes)
    return (bytes:gsub(".", function(byte)
        return ("%02X"):format(byte:byte())
    end))
end

-- made makes a self-signed certificate with a new key, by options of `openssl req`, and returns its path.
local function made(key, ...)
    local directory = process.directory()
    local path = directory .. "/made.pem"
    local words = { "req", "-x509", "-nodes", "-keyout", directory .. "/made.key", "-out", path, "-subj", "/CN=made" }
    for _, list in ipairs { key, { ... } } do
        for _, word in ipairs(list) do
            words[#words + 1] = word
        end
    end
    openssl((table.unpack or unpack)(words))
    return path
end

local EC = { "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384" }

describe("ssl.Certificate", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("has the values that openssl prints", function()
        local keys = {
            { EC, "id-ecPublicKey", 384, "secp384r1", "ecdsa-with-SHA256" },
            { { "-newkey", "rsa:2048" }, "rsaEncryption", 2048, nil, "sha256WithRSAEncryption" },
            { { "-newkey", "ed25519" }, "ED25519", nil, nil, "ED25519" },
        }
        for _, expected in ipairs(keys) do
            local path = made(expected[1], "-addext", "keyUsage=critical,digitalSignature,keyCertSign",
                "-addext", "extendedKeyUsage=serverAuth,1.2.3.4", "-addext", "subjectAltName=DNS:made.test,IP:192.0.2.7",
                "-addext", "authorityInfoAccess=OCSP;URI:http://o.test/,caIssuers;URI:http://i.test/",
                "-addext", "crlDistributionPoints=URI:http://c.test/", "-addext", "1.2.3.5=critical,DER:0500")
            local cert = ssl.Certificate { file = path }
            assert.are.equal(x509(path, "-serial"), "serial=" .. cert.serial_number)
            assert.are.equal(x509(path, "-startdate"), "notBefore=" .. cert.not_before_text)
            assert.are.equal(x509(path, "-enddate"), "notAfter=" .. cert.not_after_text)
            assert.are.equal(ssl.cert_time_to_seconds(cert.not_after_text), cert.not_after)
            assert.are.equal(30 * 86400, cert.not_after - cert.not_before)
            for _, digest in ipairs { "sha256", "sha384", "sha512", "sha224", "sha1", "md5" } do
                assert.are.equal(plain(x509(path, "-fingerprint", "-" .. digest)), cert:fingerprint(digest))
            end
            local public = process.directory() .. "/public.der"
            process.write_file(public .. ".pem", x509(path, "-pubkey") .. "\n")
            openssl("pkey", "-pubin", "-in", public .. ".pem", "-outform", "DER", "-out", public)
            assert.are.equal(process.read_file(public), cert.public_key_der)
            assert.are.equal(openssl("dgst", "-sha256", "-r", public):match("^%x+"), cert:spki_fingerprint())
            assert.are.equal(expected[2], cert.public_key_algorithm)
            assert.are.equal(expected[3] or cert.public_key_bits, cert.public_key_bits)
            assert.are.equal(expected[4], cert.curve)
            assert.are.equal(expected[5], cert.signature_algorithm)
            assert.are.same({ { { "commonName", "made" } } }, cert.subject)
            assert.are.same(cert.subject, cert.issuer)
            assert.are.equal(3, cert.version)
            assert.are.same({ { "DNS", "made.test" }, { "IP Address", "192.0.2.7" } }, cert.subject_alt_names)
            assert.are.same({ digitalSignature = true, keyCertSign = true }, cert.key_usage)
            assert.are.same({ "1.3.6.1.5.5.7.3.1", "1.2.3.4" }, cert.extended_key_usage)
            assert.are.same({ ca = true }, cert.basic_constraints)
            assert.is_true(cert.is_ca)
            assert.are.same({ "http://o.test/" }, cert.ocsp_uris)
            assert.are.same({ "http://i.test/" }, cert.ca_issuers_uris)
            assert.are.same({ "http://c.test/" }, cert.crl_uris)
            assert.are.equal(x509(path, "-ext", "subjectKeyIdentifier"):match("([%x:]+)$"):gsub(":", ""),
                hex(cert.subject_key_id))
            local unknown = cert.extensions[#cert.extensions]
            for _, extension in ipairs(cert.extensions) do
                if extension.oid == "1.2.3.5" then
                    unknown = extension
                end
            end
            assert.are.same({ oid = "1.2.3.5", critical = true, value = "\5\0" }, unknown)
        end
    end)

    it("names each key usage", function()
        local names = { "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
            "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly" }
        local all = {}
        for _, name in ipairs(names) do
            all[name] = true
            local cert = ssl.Certificate { file = made(EC, "-addext", "keyUsage=" .. name) }
            assert.are.same({ [name] = true }, cert.key_usage)
        end
        local cert = ssl.Certificate { file = made(EC, "-addext", "keyUsage=" .. table.concat(names, ",")) }
        assert.are.same(all, cert.key_usage)
        for _, extension in ipairs(cert.extensions) do
            if extension.oid == "2.5.29.15" then
                assert.are.same({ oid = "2.5.29.15", critical = false, value = "\3\3\7\255\128" }, extension)
            end
        end
    end)

    it("has its issuer's key identifier, and the fields of getpeercert()", function()
        local cert = ssl.Certificate { file = pki.path "server-ec.crt" }
        local issuer = ssl.Certificate { file = pki.path "intermediate.crt" }
        local path = made(EC)
        local own = ssl.Certificate { file = path }
        assert.are.equal(20, #own.subject_key_id)
        assert.are.equal(own.subject_key_id, own.authority_key_id)
        assert.are.equal(issuer.subject_key_id, cert.authority_key_id)
        local _, info = link.attempt({}, {}, function(client)
            return client:getpeercert()
        end)
        assert.are.same(info, cert:get_info())
        assert.are.equal("localhost", info.subject[#info.subject][1][2])
        assert.are.same(cert.subject_alt_names, info.subjectAltName)
        assert.are.same(issuer.subject, cert.issuer)
    end)

    it("has version 1 and no extensions if it is of X.509 version 1", function()
        local cert = ssl.Certificate { file = pki.path "v1.crt" }
        assert.are.equal(1, cert.version)
        assert.are.same({}, cert.extensions)
        for _, name in ipairs { "key_usage", "extended_key_usage", "basic_constraints", "subject_key_id", "authority_key_id",
            "scts" } do
            assert.is_nil(cert[name])
        end
    end)

    it("has nil or empty tables for absent fields", function()
        local cert = ssl.Certificate { file = pki.path "root.pem" }
        assert.is_nil(cert.extended_key_usage)
        assert.is_nil(cert.authority_key_id)
        assert.are.same({}, cert.subject_alt_names)
        assert.are.same({}, cert.ocsp_uris)
        assert.are.equal(0, ssl.Certificate { file = pki.path "intermediate.crt" }.basic_constraints.path_length)
    end)

    it("reads huge and negative serial numbers, and dates before 1970 and after 2049", function()
        local huge = ("7F"):rep(20)
        local path = made(EC, "-set_serial", "0x" .. huge)
        assert.are.equal(huge, ssl.Certificate { file = path }.serial_number)
        local negative = ssl.Certificate { file = made(EC, "-set_serial", "-0x1234567890") }
        assert.are.equal("-1234567890", negative.serial_number) -- as openssl x509 -serial
        path = made(EC, "-set_serial", "0x" .. huge)
        local der = ssl.Certificate { file = path }:public_bytes(ssl.ENCODING_DER)
        local cert = ssl.Certificate(der)
        -- The dates are two consecutive UTCTime values; only their digits are changed, so the signature is wrong.
        local function dated(before, after)
            local first = der:find("\23\13%d+Z\23\13%d+Z")
            return ssl.Certificate(der:sub(1, first + 1) .. before .. "\23\13" .. after .. der:sub(first + 30))
        end
        local old = dated("500101000000Z", "491231235959Z")
        assert.are.equal(-631152000, old.not_before)
        assert.are.equal("Jan  1 00:00:00 1950 GMT", old.not_before_text)
        assert.are.equal(2524607999, old.not_after)
        assert.are_not.equal(cert, old)
        local long = ssl.Certificate { file = made(EC, "-days", "36500") }
        assert.is_true(long.not_after > 2524608000)
        assert.are.equal(36500 * 86400, long.not_after - long.not_before)
    end)

    it("is made from PEM, DER and files, and returns PEM and DER", function()
        local text = pki.read "server-ec.crt"
        local cert = ssl.Certificate(text)
        local der = cert:public_bytes(ssl.ENCODING_DER)
        assert.are.equal(ssl.PEM_cert_to_DER_cert(cert:public_bytes()), der)
        assert.are.equal(cert, ssl.Certificate(der))
        assert.are.equal(cert, ssl.Certificate { file = pki.path "server-ec.crt" })
        assert.are_not.equal(cert, ssl.Certificate { file = pki.path "root.pem" })
        assert.are.equal(cert.serial_number, cert:get_info().serialNumber)
    end)

    it("refuses data that is not a certificate", function()
        local der = ssl.Certificate(pki.read "server-ec.crt"):public_bytes(ssl.ENCODING_DER)
        raises("SSLError", { reason = "TRAILING_DATA" }, function() return ssl.Certificate(der .. "x") end)
        raises("SSLError", {}, function() return ssl.Certificate(der:sub(1, -2)) end)
        for _, text in ipairs { "", "x", "0", "\48\130" } do
            raises("SSLError", {}, function() return ssl.Certificate(text) end)
        end
        raises("ValueError", {}, function() return ssl.Certificate() end)
        raises("ValueError", {}, function() return ssl.Certificate { data = der, file = "x" } end)
        raises("TypeError", {}, function() return ssl.Certificate(1) end)
        raises("IOError", {}, function() return ssl.Certificate { file = "/nowhere" } end)
        raises("ValueError", {}, function() return ssl.Certificate(der):fingerprint "sha3" end)
        raises("ValueError", {}, function() return ssl.Certificate(der):public_bytes(3) end)
        raises("AttributeError", {}, function() return ssl.Certificate(der).serialNumber end)
        raises("AttributeError", {}, function() ssl.Certificate(der).version = 1 end)
    end)

    it("raises for a malformed extension when the field is read, not before", function()
        local path = made(EC, "-addext", "keyUsage=DER:0500", "-addext", "subjectAltName=DER:0500",
            "-addext", "extendedKeyUsage=DER:0500")
        local cert = ssl.Certificate { file = path }
        for _, name in ipairs { "key_usage", "subject_alt_names", "extended_key_usage" } do
            raises("SSLError", {}, function() return cert[name] end)
        end
        assert.are.equal(384, cert.public_key_bits)
        assert.is_false(cert:matches "made")
    end)

    it("matches host names as a connection does", function()
        local cert = ssl.Certificate { file = pki.path "server-ec.crt" }
        for _, name in ipairs { "localhost", "LOCALHOST", "a.wild.cleat.test", "127.0.0.1", "::1" } do
            assert.is_true(cert:matches(name), name)
        end
        for _, name in ipairs { "wild.cleat.test", "a.b.wild.cleat.test", "example.org", "127.0.0.2", "::2" } do
            assert.is_false(cert:matches(name), name)
        end
        raises("ValueError", {}, function() return cert:matches "" end)
    end)
end)

describe("the chains of a connection:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local function der(name)
        return ssl.Certificate { file = pki.path(name) }:public_bytes(ssl.ENCODING_DER)
    end

    local function chains(client_options, server_options, of)
        local failures, result = link.attempt(client_options, server_options, of or function(client)
            return { client:get_unverified_chain(), client:get_verified_chain(), client:getpeercert() }
        end)
        assert(not failures.client and not failures.server, tostring(failures.client or failures.server))
        return result
    end

    it("B-29 B-30 are the one that was sent, and the verified one up to the trusted certificate, also on a hit of the cache", function()
        local context = link.context(link.client_options({}))
        for i = 1, 2 do
            local hits = context:chain_cache_stats().hits
            local result = chains({ context = context }, {})
            assert.are.same({ der "server-ec.crt", der "intermediate.crt" }, result[1])
            assert.are.same({ der "server-ec.crt", der "intermediate.crt", der "root.pem" }, result[2])
            if i == 2 then assert.are.equal(hits + 1, context:chain_cache_stats().hits) end
        end
    end)

    it("are what the peer has sent with CERT_NONE, where getpeercert() is empty", function()
        local result = chains({ verify = ssl.CERT_NONE, check_hostname = false }, { cert = "expired" })
        assert.are.equal(der "expired.crt", result[1][1])
        assert.are.same(result[1], result[2])
        assert.are.same({}, result[3])
    end)

    it("are the client's on a server", function()
        local result = chains({ cert = "client" }, { cafile = "root.pem", verify = ssl.CERT_REQUIRED },
            function(_, server)
                return { server:get_unverified_chain(), server:get_verified_chain() }
            end)
        assert.are.same({ der "client.crt", der "intermediate.crt" }, result[1])
        assert.are.same({ der "client.crt", der "intermediate.crt", der "root.pem" }, result[2])
        result = chains({}, { cafile = "root.pem", verify = ssl.CERT_OPTIONAL }, function(_, server)
            return { server:get_unverified_chain(), server:get_verified_chain() }
        end)
        assert.are.same({ {}, {} }, result)
    end)

    it("are empty before the handshake", function()
        local client, server = link.pair({}, {})
        assert.are.same({}, client:get_unverified_chain())
        assert.are.same({}, client:get_verified_chain())
        client:close()
        server:close()
    end)
end)
