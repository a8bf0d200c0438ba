-- The tables that getpeercert returns.
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

-- presented returns the table of a certificate that a server has sent and the client has verified.
local function presented(cert, hostname)
    local failures, result = link.attempt({ server_hostname = hostname }, { cert = cert }, function(client)
        return { client:getpeercert(), client:getpeercert(true) }
    end)
    assert(not failures.client, tostring(failures.client))
    return result[1], result[2]
end

describe("getpeercert:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("SSLS-07 SSLS-10 SSLS-11 SSLS-12 has the fields that every certificate has, and no more", function()
        local cert = presented("server-ec", "localhost")
        local keys = {}
        for key in pairs(cert) do
            keys[#keys + 1] = key
        end
        table.sort(keys)
        assert.are.same({
            "issuer", "notAfter", "notBefore", "serialNumber", "subject", "subjectAltName", "version",
        }, keys)
        assert.are.equal(3, cert.version)
        if math.type then
            assert.are.equal("integer", math.type(cert.version))
        end
        assert.are.equal(0, #cert.serialNumber % 2)
        assert.is_truthy(cert.serialNumber:match("^[0-9A-F]+$"))
        local before, after = ssl.cert_time_to_seconds(cert.notBefore), ssl.cert_time_to_seconds(cert.notAfter)
        assert.are.equal(30 * 86400, after - before)
        assert.is_true(math.abs(os.time() - before) < 2 * 86400)
    end)

    it("SSLS-09 SSLS-13 SSLS-14 EXA-04 has subject and issuer as RDNs of pairs, in order", function()
        local cert = presented("fancy", "www.python.test")
        assert.are.same({
            { { "businessCategory", "Private Organization" } },
            { { "jurisdictionCountryName", "US" } },
            { { "jurisdictionStateOrProvinceName", "Delaware" } },
            { { "serialNumber", "3359300" } },
            { { "streetAddress", "16 Allen Rd" } },
            { { "postalCode", "03894-4801" } },
            { { "countryName", "US" } },
            { { "stateOrProvinceName", "NH" } },
            { { "localityName", "Wolfebörö" } },
            { { "organizationName", "Python Software Foundation" } },
            { { "organizationalUnitName", "Web" }, { "organizationalUnitName", "Servers" } },
            { { "commonName", "www.python.test" } },
            { { "emailAddress", "webmaster@python.test" } },
        }, cert.subject)
        assert.are.same({
            { { "organizationName", "cleat tests" } },
            { { "commonName", "cleat test intermediate" } },
        }, cert.issuer)
    end)

    it("SSLS-10 SSLS-11 keeps the leading zero of the serial number, and pads dates with spaces", function()
        local cert = presented("fancy", "python.test")
        assert.are.equal("01BB6F00122B177F36CAB49CEA8B6B26", cert.serialNumber)
        assert.are.equal("Jan  5 00:00:00 2024 GMT", cert.notBefore)
        assert.are.equal("Sep  9 12:00:00 2044 GMT", cert.notAfter)
        assert.are.equal(1704412800, ssl.cert_time_to_seconds(cert.notBefore))
    end)

    it("SSLS-08 SSLS-16 SSLS-18 SSLS-19 F11 has every kind of name in subjectAltName", function()
        local cert = presented("fancy", "docs.python.test")
        assert.are.same({
            { "DNS", "www.python.test" },
            { "DNS", "python.test" },
            { "email", "webmaster@python.test" },
            { "URI", "https://www.python.test/about" },
            { "IP Address", "192.0.2.7" },
            { "IP Address", "2001:DB8:0:0:0:0:0:1" },
            { "DirName", { { { "countryName", "US" } }, { { "commonName", "A directory" } } } },
            { "Registered ID", "1.2.3.4.5" },
            { "othername", "<unsupported>" },
            { "DNS", "docs.python.test" },
        }, cert.subjectAltName)
    end)

    it("SSLS-17 keeps zero bytes in names", function()
        local failures, cert = link.attempt({ check_hostname = false }, { cert = "nul" }, function(client)
            return client:getpeercert()
        end)
        assert.is_nil(failures.client)
        assert.are.same({
            { "DNS", "altnull.python.org\0example.com" },
            { "email", "null@python.org\0user@example.org" },
            { "URI", "http://null.python.org\0http://example.org" },
            { "IP Address", "192.0.2.1" },
            { "IP Address", "2001:DB8:0:0:0:0:0:1" },
        }, cert.subjectAltName)
        raises("CertificateError", {}, ssl.match_hostname, cert, "altnull.python.org")
        ssl.match_hostname(cert, "altnull.python.org\0example.com")
    end)

    it("SSLS-15 has OCSP, caIssuers and crlDistributionPoints as URIs in order", function()
        local cert = presented("fancy", "www.python.test")
        assert.are.same({ "http://ocsp.cleat.test" }, cert.OCSP)
        assert.are.same({ "http://cacerts.cleat.test/Intermediate.crt" }, cert.caIssuers)
        assert.are.same({
            "http://crl3.cleat.test/ev-server-g1.crl", "http://crl4.cleat.test/ev-server-g1.crl",
        }, cert.crlDistributionPoints)
    end)

    it("SSLS-21 SSLS-22 returns the certificate itself as DER", function()
        local _, der = presented("server-ec", "localhost")
        assert.are.equal(pki.read("server-ec.der"), der)
        assert.are.equal(pki.read("server-ec.crt"):match("(%-%-%-%-%-BEGIN.-END CERTIFICATE%-%-%-%-%-\n)"),
            ssl.DER_cert_to_PEM_cert(der))
    end)

    it("SSLS-20 returns a table that match_hostname accepts", function()
        local cert = presented("fancy", "www.python.test")
        ssl.match_hostname(cert, "docs.python.test")
        raises("CertificateError", { match = "hostname 'python.example' doesn't match either of 'www.python.test', 'python.test', "
            .. "'docs.python.test'" }, ssl.match_hostname, cert, "python.example")
    end)

    it("returns a new table at each call", function()
        link.attempt({}, {}, function(client)
            client:getpeercert().subject[1][1][2] = "changed"
            assert.are.equal("cleat tests", client:getpeercert().subject[1][1][2])
        end)
    end)
end)
