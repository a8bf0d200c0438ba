-- cleat.luasec.x509 and Debian's LuaSec: each method returns the same values for many certificates.
local certificates = require "support.luasec_certificates"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local ssl = require "cleat.ssl"
local x509 = require "cleat.luasec.x509"

-- luasec runs code with LuaSec in another process, and returns its output.
local function luasec(code)
    return process.run_code('local certificates, x509 = require "support.luasec_certificates", require "ssl.x509"\n' .. code)
end

local function file_of(name, text)
    return process.write_file(process.directory() .. "/" .. name, text)
end

-- both returns two descriptions of the certificates in a text: by cleat's objects, and by LuaSec's.
local function both(name, text)
    local file = file_of(name, text)
    local theirs = luasec(("io.write(certificates.describe_all(x509, io.open(%q):read '*a'))"):format(file))
    return certificates.describe_all(x509, text), theirs
end

-- same compares texts line by line, so that a failure shows the line that differs.
local function same(theirs, mine)
    local others = theirs:gmatch "[^\n]*"
    for line in mine:gmatch "[^\n]*" do
        assert.are.equal(others(), line)
    end
    assert.are.equal(#theirs, #mine)
end

local it_with_luasec = optional.tests(it, pending, optional.file("/usr/lib/*/lua/5.*/ssl.so", "lua-sec"))

describe("cleat.luasec.x509", function()
    teardown(process.cleanup)

    it_with_luasec("returns what LuaSec returns, for certificates made by openssl", function()
        local text = {}
        for _, name in ipairs { "root.pem", "intermediate.crt", "server-ec.crt", "server-rsa.crt", "client.crt",
            "expired.crt", "other.crt", "v1.crt", "fancy.crt",
            "nul.crt", "wrong-purpose.crt" } do
            text[#text + 1] = pki.read(name):match "%-+BEGIN CERT.-\n%-+END[^\n]+\n"
        end
        local mine, theirs = both("openssl.pem", table.concat(text))
        assert.is_truthy(theirs:find('{[1]="localhost",[2]="www.cleat.test",', 1, true))
        same(theirs, mine)
    end)

    it_with_luasec("returns what LuaSec returns, for random certificates with all types of strings, names, keys and dates", function()
        local mine, theirs = both("random.pem", certificates.pem(certificates.random(250)))
        assert.are.equal(250, (select(2, theirs:gsub('digest md5: nil; "digest algorithm not supported %(md5%)"; ', ''))))
        same(theirs, mine)
    end)

    it_with_luasec("returns what LuaSec returns, for malformed alternative names", function()
        local mine, theirs = both("odd.pem", certificates.pem(certificates.odd()))
        same(theirs, mine)
    end)

    it_with_luasec("reads object identifiers of up to 64 bytes, and returns <invalid> for longer ones", function()
        local mine, theirs = both("long.pem", certificates.pem { certificates.long(60), certificates.long(64) })
        same(theirs, mine)
        local subject = x509.load(certificates.pem { certificates.long(60000) }):subject()
        assert.are.same({ { oid = "<invalid>", name = "<invalid>", value = "x" } }, subject)
    end)

    it("ignores alternative names that are followed by other bytes", function()
        assert.are.same({}, x509.load(certificates.pem { certificates.trailing() }):extensions())
    end)

    -- issued_by_no_ca returns a certificate that is signed by the key of a trusted certificate without CA:TRUE.
    local function issued_by_no_ca()
        local request = process.directory() .. "/request.pem"
        local made = process.run { "openssl", "req", "-new", "-key", pki.path "ec.key", "-subj", "/CN=below", "-out", request }
        assert.are.equal(0, made.status, made.errors)
        made = process.run { "openssl", "x509", "-req", "-in", request, "-CA", pki.path "selfsigned.crt", "-CAkey",
            pki.path "selfsigned.key", "-set_serial", "5", "-days", "2" }
        assert.are.equal(0, made.status, made.errors)
        return made.output
    end

    it_with_luasec("issued() returns what LuaSec returns", function()
        local code = [[
            local function load(name, number)
                local file = assert(io.open(%q .. name))
                local text = file:read "*a"
                file:close()
                return assert(x509.load(text))
            end
            local lines = {}
            local names = { "root.pem", "unknown-root.pem", "intermediate.crt", "server-ec.crt", "client.crt", "expired.crt",
                "selfsigned.crt" }
            for _, issuer in ipairs(names) do
                for _, subject in ipairs(names) do
                    for _, between in ipairs { "none", "intermediate.crt", "server-ec.crt" } do
                        local found = certificates.text_of(load(issuer):issued(load(subject), between ~= "none" and load(between) or nil))
                        lines[#lines + 1] = table.concat({ issuer, subject, between, found }, " ")
                    end
                end
            end
            return table.concat(lines, "\n")
        ]]
        code = code:format(pki.path "root.pem":match "^(.*/)")
        code = code:gsub("load%(between%) or nil", "load(between) or load(subject)") -- no nil as an argument
        local theirs = luasec(("io.write((function() %s end)())"):format(code))
        local mine = (loadstring or load)("local certificates, x509 = ... " .. code)(certificates, x509)
        assert.is_truthy(theirs:find("root.pem server-ec.crt intermediate.crt true; ", 1, true))
        same(theirs, mine)
    end)

    it_with_luasec("issued() refuses an issuer that is not a CA", function()
        local below = issued_by_no_ca()
        local theirs = luasec(([[
            local function load(name) return x509.load(io.open(name):read "*a") end
            io.write(certificates.text_of(load(%q):issued(load(%q))))
        ]]):format(pki.path "selfsigned.crt", file_of("below.pem", below)))
        assert.are.equal('nil; "invalid CA certificate"; ', theirs)
        assert.are.equal(theirs, certificates.text_of(x509.load(pki.read "selfsigned.crt"):issued(x509.load(below))))
    end)

    it("load() returns nil for text that is not a PEM certificate", function()
        for _, text in ipairs { "", "text", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", pki.read "ec.key" } do
            assert.are.equal(1, select("#", x509.load(text)))
            assert.is_nil(x509.load(text))
        end
        assert.is_nil(x509.load(ssl.PEM_cert_to_DER_cert(pki.read "server-ec.crt":match "%-+BEGIN.*%S"))) -- DER is not read
        assert.is_truthy(x509.load("text before it\n" .. pki.read "server-ec.pem"))
    end)

    it("raises Lua's errors for wrong arguments, with the caller's line", function()
        local cert = x509.load(pki.read "server-ec.crt")
        local function message(f, ...)
            local ok, text = pcall(f, ...)
            assert.is_false(ok)
            return text
        end
        local function refuses(argument, f, ...)
            assert.is_truthy(message(f, ...):find("bad argument " .. argument, 1, true), argument)
        end
        refuses("#2 to 'digest' (string expected, got table)", cert.digest, cert, {})
        assert.is_truthy(message(function()
            local result = cert:digest {}
            return result
        end):find("x509_spec.lua:%d+: bad argument"))
        for name, count in pairs { digest = 1, pem = 1, pubkey = 1, serial = 1, subject = 1, issuer = 1, extensions = 1,
            notbefore = 1, notafter = 1, getsignaturename = 1, validat = 2, setencode = 2, issued = 2 } do
            refuses(("#1 to '%s' (SSL:Certificate expected, got no value)"):format(name), cert[name])
            refuses(("#1 to '%s' (SSL:Certificate expected, got table)"):format(name), cert[name], {})
            if count == 2 then
                refuses(("#2 to '%s' ("):format(name), cert[name], cert)
            end
        end
        refuses("#2 to 'validat' (number has no integer representation)", cert.validat, cert, 1.5)
        refuses("#3 to 'issued' (SSL:Certificate expected, got string)", cert.issued, cert, cert, "text")
        refuses("#1 to 'load' (string expected, got table)", x509.load, {})
        refuses("#1 to 'wrap' (ssl.Certificate expected, got SSL:Certificate)", x509.wrap, cert)
        refuses("#1 to 'unwrap' (SSL:Certificate expected, got number)", x509.unwrap, 1)
    end)

    it("converts to and from ssl.Certificate", function()
        local certificate = ssl.Certificate { file = pki.path "server-ec.crt" }
        local object = x509.wrap(certificate)
        assert.are.equal(certificate, x509.unwrap(object))
        assert.are.equal(certificate:fingerprint "sha512", object:digest "sha512")
        assert.are.equal(certificate, x509.unwrap(x509.load(object:pem())))
    end)

    it("returns objects with LuaSec's text and metatable, and no further attributes", function()
        local one, other = x509.load(pki.read "server-ec.crt"), x509.load(pki.read "server-ec.crt")
        assert.is_truthy(tostring(one):find("^X509 certificate: 0x%x+$"))
        assert.are.equal(tostring(one), tostring(one))
        assert.are_not.equal(tostring(one), tostring(other))
        assert.is_nil(one.misspelt)
        assert.are.equal(one.digest, getmetatable(one).__index.digest)
        assert.is_false(one == other) -- as LuaSec's
    end)
end)
