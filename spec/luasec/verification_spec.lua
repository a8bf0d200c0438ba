-- Which peers cleat.luasec verifies, and the environment variable CLEAT_LUASEC_VERIFY.
local pki = require "support.pki"
local process = require "support.process"

local CODE = [[
    local luasec = require "cleat.luasec"
    local pair = require "support.luasec_pair"
    local client, server = pair.client, pair.server
    local function visit(name, of_client, of_server)
        local c, s = pair.wrap(of_client, of_server)
        if name then
            c:sni(name)
        end
        local why, reason = pair.shake(c, s)
        return tostring(why or "good") .. " " .. tostring(c:getpeerverification())
    end
]]

-- environment runs code with CLEAT_LUASEC_VERIFY (nil: unset), and SSL_CERT_FILE as the system's CA certificates.
local function environment(value, code)
    local words = { "SSL_CERT_FILE=" .. pki.path "root.pem" }
    if value then
        words[2] = "CLEAT_LUASEC_VERIFY=" .. value
    end
    return process.run_code(CODE .. code, words)
end

describe("cleat.luasec", function()
    teardown(process.cleanup)

    it("verifies no server by default, as LuaSec, and getpeerverification returns false", function()
        local bad = ('server { certificate = %q, key = %q }'):format(pki.chain "unknown")
        assert.are.equal("good false\ngood false\n", environment(nil, ([[
            print(visit("localhost", client(), %s))
            print(visit("other.example", client()))
        ]]):format(bad)))
        assert.are.equal("certificate verify failed false\ngood true\n", environment(nil, ([[
            local verifies = client { verify = "peer", cafile = %q }
            print(visit("other.example", verifies, %s))
            print(visit("other.example", verifies))
        ]]):format(pki.path "root.pem", bad)))
    end)

    it("verifies every server and its name with CLEAT_LUASEC_VERIFY=peer", function()
        local found = environment("peer", ([[
            local unknown = server { certificate = %q, key = %q }
            print(visit("localhost", client()))
            print(visit("localhost", client { verify = "none" }))
            print(visit("other.example", client()))
            print(visit("localhost", client(), unknown))
            print(visit("127.0.0.1", client()))
            print(visit(nil, client()))
            print(visit("other.example", client { verify = "peer", cafile = %q }))
            print(visit("localhost", client { verify = "peer", cafile = %q }))
            print(visit("localhost", client { verify = "peer", cafile = %q }))
            print(visit("other.example", client { verify = "peer", verifyext = "lsec_continue" }, unknown))
        ]]):format(pki.path "unknown.pem", pki.path "unknown.key", pki.path "root.pem", pki.path "root.pem", pki.path "unknown-root.pem"))
        assert.are.equal(table.concat({
            "good true", "good true", "certificate verify failed false", "certificate verify failed false", "good true",
            "CLEAT_LUASEC_VERIFY=peer needs the server's name: call sni(name) before dohandshake() false",
            "certificate verify failed false", "good true", "certificate verify failed false", "good false", "",
        }, "\n"), found)
    end)

    it("does not request client certificates because of CLEAT_LUASEC_VERIFY=peer", function()
        assert.are.equal("good true\n", environment("peer", 'print(visit("localhost", client(), server()))'))
    end)

    it("raises an error for another value of CLEAT_LUASEC_VERIFY", function()
        local result = process.run(process.lua { "CLEAT_LUASEC_VERIFY=pear", process.write_file(process.directory() .. "/pear.lua",
            'require "cleat.luasec"') })
        assert.are.equal(1, result.status)
        assert.is_truthy(result.errors:find("cleat.luasec: CLEAT_LUASEC_VERIFY must be peer, not pear", 1, true), result.errors)
    end)

    it("checks revocation with crl_check, and the depth", function()
        local lists = pki.path "root-and-crls.pem"
        assert.are.equal("certificate verify failed false\ngood true\ncertificate verify failed false\ngood true\n", environment(nil, ([[
            local revoked = server { certificate = %q, key = %q }
            print(visit(nil, client { verify = "peer", verifyext = "crl_check", cafile = %q }, revoked))
            print(visit(nil, client { verify = "peer", cafile = %q }, revoked))
            print(visit(nil, client { verify = "peer", depth = 0, cafile = %q }))
            print(visit(nil, client { verify = "peer", depth = 1, cafile = %q }))
        ]]):format(pki.path "revoked.pem", pki.path "revoked.key", lists, lists, lists, lists)))
    end)
end)

describe("cleat.luasec.install", function()
    teardown(process.cleanup)

    it("provides the modules under LuaSec's names", function()
        assert.are.equal("true true true true true true\n", process.run_code [[
            local luasec = require("cleat.luasec").install()
            local function is(name, ours)
                return tostring(require(name) == require(ours))
            end
            print(tostring(require "ssl" == luasec), is("ssl.x509", "cleat.luasec.x509"), is("ssl.https", "cleat.luasec.https"),
                is("ssl.context", "cleat.luasec.context_module"), is("ssl.core", "cleat.luasec.core"),
                tostring(require "ssl.config" == luasec.config))
        ]]:gsub("\t", " "))
    end)

    it("does not replace modules that are loaded", function()
        assert.are.equal("mine\tfunction\n", process.run_code [[
            package.loaded.ssl = "mine"
            require "cleat.luasec.install"
            print(require "ssl", type(require("ssl.x509").load))
        ]])
    end)
end)
