-- cleat.python writes values as Python's pprint does: here, what is in the documentation (sections 17.3.2 and
-- 17.3.5.2).
local python = require "cleat.python"

describe("pprint:", function()
    it("EXA-04 python.org's certificate", function()
        assert.are.equal([[
{'OCSP': ('http://ocsp.digicert.com',),
 'caIssuers': ('http://cacerts.digicert.com/DigiCertSHA2ExtendedValidationServerCA.crt',),
 'crlDistributionPoints': ('http://crl3.digicert.com/sha2-ev-server-g1.crl',
                           'http://crl4.digicert.com/sha2-ev-server-g1.crl'),
 'issuer': ((('countryName', 'US'),),
            (('organizationName', 'DigiCert Inc'),),
            (('organizationalUnitName', 'www.digicert.com'),),
            (('commonName', 'DigiCert SHA2 Extended Validation Server CA'),)),
 'notAfter': 'Sep  9 12:00:00 2016 GMT',
 'notBefore': 'Sep  5 00:00:00 2014 GMT',
 'serialNumber': '01BB6F00122B177F36CAB49CEA8B6B26',
 'subject': ((('businessCategory', 'Private Organization'),),
             (('1.3.6.1.4.1.311.60.2.1.3', 'US'),),
             (('commonName', 'www.python.org'),)),
 'subjectAltName': (('DNS', 'www.python.org'),
                    ('DNS', 'python.org'),
                    ('DNS', 'pypi.org')),
 'version': 3}]], python.pformat {
            OCSP = { "http://ocsp.digicert.com" },
            caIssuers = { "http://cacerts.digicert.com/DigiCertSHA2ExtendedValidationServerCA.crt" },
            crlDistributionPoints = {
                "http://crl3.digicert.com/sha2-ev-server-g1.crl", "http://crl4.digicert.com/sha2-ev-server-g1.crl",
            },
            issuer = {
                { { "countryName", "US" } },
                { { "organizationName", "DigiCert Inc" } },
                { { "organizationalUnitName", "www.digicert.com" } },
                { { "commonName", "DigiCert SHA2 Extended Validation Server CA" } },
            },
            notAfter = "Sep  9 12:00:00 2016 GMT",
            notBefore = "Sep  5 00:00:00 2014 GMT",
            serialNumber = "01BB6F00122B177F36CAB49CEA8B6B26",
            subject = {
                { { "businessCategory", "Private Organization" } },
                { { "1.3.6.1.4.1.311.60.2.1.3", "US" } },
                { { "commonName", "www.python.org" } },
            },
            subjectAltName = { { "DNS", "www.python.org" }, { "DNS", "python.org" }, { "DNS", "pypi.org" } },
            version = 3,
        })
    end)

    it("a pair that does not fit on its line", function()
        assert.are.equal([[
{'issuer': ((('countryName', 'IL'),),
            (('organizationName', 'StartCom Ltd.'),),
            (('organizationalUnitName',
              'Secure Digital Certificate Signing'),),
            (('commonName',
              'StartCom Class 2 Primary Intermediate Server CA'),)),
 'subjectAltName': (('DNS', '*.eff.org'), ('DNS', 'eff.org'))}]], python.pformat({
            issuer = {
                { { "countryName", "IL" } },
                { { "organizationName", "StartCom Ltd." } },
                { { "organizationalUnitName", "Secure Digital Certificate Signing" } },
                { { "commonName", "StartCom Class 2 Primary Intermediate Server CA" } },
            },
            subjectAltName = { { "DNS", "*.eff.org" }, { "DNS", "eff.org" } },
        }, 72))
    end)

    it("short values on one line, with Python's quotes", function()
        assert.are.equal("('TLS_AES_256_GCM_SHA384', 'TLSv1.3', 256)", python.pformat { "TLS_AES_256_GCM_SHA384", "TLSv1.3", 256 })
        assert.are.equal("{}", python.pformat {})
        assert.are.equal("None", python.pformat(nil))
        assert.are.equal("True", python.pformat(true))
        assert.are.equal("('one',)", python.pformat { "one" })
        assert.are.equal([["it's"]], python.pformat("it's"))
        assert.are.equal([['it\'s "this"']], python.pformat([[it's "this"]]))
        assert.are.equal([['\\ \x00 \n \t \x7f']], python.pformat("\\ \0 \n \t \127"))
        assert.are.equal("'Wolfebörö'", python.pformat("Wolfebörö"))
    end)
end)
