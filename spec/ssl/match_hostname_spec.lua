-- ssl.match_hostname: the rules of Python 2.7.16, each as a row of {certificate's names, host name, result}.
local raises = require "support.raises"
local ssl = require "cleat.ssl"

-- san: DNS names of subjectAltName; cn: common names, each in a separate RDN.
local function certificate(san, cn)
    local cert = { version = 3, subject = { { { "countryName", "DE" } } } }
    for _, name in ipairs(cn or {}) do
        table.insert(cert.subject, { { "organizationName", "x" }, { "commonName", name } })
    end
    if san then
        cert.subjectAltName = {}
        for _, name in ipairs(san) do
            table.insert(cert.subjectAltName, type(name) == "table" and name or { "DNS", name })
        end
    end
    return cert
end

local function matches(cert, host)
    assert.are.equal(0, select("#", ssl.match_hostname(cert, host)))
end

local function mismatch(cert, host, message)
    local failure = raises({ "CertificateError", "ValueError" }, {}, ssl.match_hostname, cert, host)
    assert.is_false(ssl.SSLError:is(failure)) -- EXC-13: it is not an error of the library
    if message then
        assert.are.equal(message, tostring(failure))
    end
end

-- Each row: name of the certificate, host, whether it matches.
local TABLE = {
    { "MATCH-09 the case of ASCII letters is ignored", {
        { "example.com", "EXAMPLE.com", true },
        { "EXAMPLE.COM", "example.com", true },
        { "*.EXAMPLE.com", "a.example.COM", true },
        { "\195\132.com", "\195\164.com", false },
    } },
    { "MATCH-01 a name matches only itself", {
        { "example.com", "example.com", true },
        { "example.com", "www.example.com", false },
        { "www.example.com", "example.com", false },
        { "example.com", "example.com.", false },
        { "example.com", "exampleXcom", false },
        { "a.b-c.com", "a.b-c.com", true },
        { "a.b%c.com", "a.b%c.com", true },
        { "example.com", "", false },
        { "", "", false },
        { "", "example.com", false },
    } },
    { "MATCH-10 a wildcard for a whole label", {
        { "*.a.com", "foo.a.com", true },
        { "*.a.com", "bar.foo.a.com", false },
        { "*.a.com", "a.com", false },
        { "*.a.com", ".a.com", false },
        { "*.a.com", "Xa.com", false },
        { "*.com", "a.com", true },
        { "*", "a", true },
        { "*", "a.com", false },
        { "*", "", false },
        { "*.", "a.", true },
    } },
    { "MATCH-10 a wildcard for part of a label", {
        { "f*.com", "foo.com", true },
        { "f*.com", "f.com", true },
        { "f*.com", "bar.com", false },
        { "f*.com", "foo.a.com", false },
        { "*oo.com", "foo.com", true },
        { "*oo.com", "oo.com", true },
        { "a*b.com", "ab.com", true },
        { "a*b.com", "aXYb.com", true },
        { "a*b.com", "a.com", false },
        { "ab*ba.com", "aba.com", false },
        { "www*.com", "www1.com", true },
        { "f-*.com", "f-1.com", true },
        { "f.*.com", "f.a.com", false },
    } },
    { "MATCH-10 a wildcard in a later label is an ordinary character", {
        { "a.*.com", "a.foo.com", false },
        { "a.*.com", "a.*.com", true },
        { "*.*.com", "b.a.com", false },
        { "*.*.com", "b.*.com", true },
    } },
    { "MATCH-12 parts of A-labels are not matched by wildcards", {
        { "xn--pthon-kva.org", "xn--pthon-kva.org", true },
        { "x*.python.org", "xn--pthon-kva.python.org", false },
        { "xn--p*.python.org", "xn--pthon-kva.python.org", false },
        { "xn--p*.python.org", "xn--p*.python.org", true },
        { "*.python.org", "xn--pthon-kva.python.org", true },
        { "www*.xn--pthon-kva.org", "www1.xn--pthon-kva.org", true },
        { "www.xn--pthon-kva.org", "www.xn--pthon-kva.org", true },
        { "X*.python.org", "XN--a.python.org", true }, -- Python looks for the prefix before it ignores case
    } },
    { "MATCH-13 zero bytes are ordinary characters", {
        { "null.python.org\0example.org", "null.python.org\0example.org", true },
        { "null.python.org\0example.org", "null.python.org", false },
        { "null.python.org\0example.org", "example.org", false },
        { "*.org", "a\0b.org", true },
    } },
}

describe("ssl.match_hostname:", function()
    for _, group in ipairs(TABLE) do
        it(group[1], function()
            for _, row in ipairs(group[2]) do
                for _, cert in ipairs { certificate({ row[1] }), certificate(nil, { row[1] }) } do
                    local ok, failure = pcall(ssl.match_hostname, cert, row[2])
                    if ok ~= row[3] then
                        error(("%q and %q: %s"):format(row[1], row[2], tostring(failure)), 0)
                    end
                end
            end
        end)
    end

    it("MATCH-02 the error names the one name that does not match", function()
        -- The example in Python's documentation.
        local cert = { subject = { { { "commonName", "example.com" } } } }
        matches(cert, "example.com")
        mismatch(cert, "example.org", "hostname 'example.org' doesn't match 'example.com'")
    end)

    it("MATCH-03 the error names several names", function()
        mismatch(certificate { "a", "b" }, "x", "hostname 'x' doesn't match either of 'a', 'b'")
        mismatch(certificate(nil, { "a'b", "c\0\n\255" }), "x",
            "hostname 'x' doesn't match either of \"a'b\", 'c\\x00\\n\\xff'")
    end)

    it("MATCH-04 the error reports a certificate without names", function()
        local none = "no appropriate commonName or subjectAltName fields were found"
        mismatch(certificate(), "x", none)
        mismatch(certificate { { "email", "x" }, { "URI", "x" } }, "x", none)
        mismatch({ version = 3 }, "x", none)
    end)

    it("MATCH-05 refuses a certificate that was not verified, and nil", function()
        for _, cert in ipairs { {}, false } do
            local failure = raises("ValueError", { match = "empty or no certificate" }, ssl.match_hostname, cert or nil, "x")
            assert.is_false(ssl.CertificateError:is(failure))
        end
    end)

    it("MATCH-06 ignores the subject if subjectAltName has DNS names", function()
        mismatch(certificate({ "a.com" }, { "b.com" }), "b.com", "hostname 'b.com' doesn't match 'a.com'")
        matches(certificate({ { "email", "a@b.com" } }, { "b.com" }), "b.com")
        matches(certificate({ { "IP Address", "1.2.3.4" } }, { "b.com" }), "b.com")
    end)

    it("MATCH-07 tries every commonName", function()
        local cert = certificate(nil, { "a.com", "b.com" })
        matches(cert, "a.com")
        matches(cert, "b.com")
        matches({ subject = { { { "commonName", "a.com" }, { "commonName", "b.com" } } } }, "b.com")
    end)

    it("MATCH-08 does not compare IP addresses", function()
        mismatch(certificate({ { "IP Address", "127.0.0.1" } }), "127.0.0.1")
        matches(certificate { "127.0.0.1" }, "127.0.0.1")
        matches(certificate(nil, { "127.0.0.1" }), "127.0.0.1")
    end)

    it("MATCH-11 refuses several wildcards in a name, even before a name that would match", function()
        mismatch(certificate { "a*b*.com" }, "axxb.com", "too many wildcards in certificate DNS name: 'a*b*.com'")
        mismatch(certificate { "*a*.com", "x.com" }, "x.com")
        matches(certificate { "x.com", "*a*.com" }, "x.com")
        matches(certificate { "a.*.*.com" }, "a.*.*.com")
    end)

    it("MATCH-01 accepts keywords, and checks its arguments", function()
        ssl.match_hostname { cert = certificate { "a.com" }, hostname = "a.com" }
        ssl.match_hostname(certificate { "a.com" }, { hostname = "a.com" })
        raises("TypeError", { match = "hostname" }, ssl.match_hostname, certificate { "a.com" }, 1)
        raises("TypeError", { match = "hostname" }, ssl.match_hostname, certificate { "a.com" })
        raises("TypeError", { match = "cert" }, ssl.match_hostname, "cert", "a.com")
    end)
end)
