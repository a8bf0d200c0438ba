-- cleat.luasec and Debian's LuaSec: the same calls return the same values.
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"

local SCRIPT = "spec/support/luasec_calls.lua"

local function run(module)
    local result = process.run(process.lua { SCRIPT, pki.path "root.pem":match "^(.*)/", module })
    assert.are.equal("0", tostring(result.status), result.errors .. result.output)
    return result.output
end

describe("cleat.luasec", function()
    teardown(process.cleanup)

    local mine
    setup(function()
        mine = run "cleat.luasec.install"
    end)

    local it_with_luasec = optional.tests(it, pending, optional.file("/usr/lib/*/lua/5.*/ssl.so", "lua-sec"))

    it_with_luasec("returns what LuaSec returns", function()
        local theirs = run():gmatch "[^\n]+"
        for line in mine:gmatch "[^\n]+" do
            assert.are.equal(theirs(), line)
        end
        assert.is_nil(theirs())
    end)

    it("returns these values, among others", function()
        for _, line in ipairs {
            'mismatch: nil "private key does not match public key"', 'option: nil "invalid option (no_such)"',
            'partly: nil "wantread" "234"', 'lines: "3one" "two" ""', 'all: "end"',
            'bad: "certificate verify failed" "tlsv1 alert unknown ca"',
            'no answer: false "wantread"', 'function: "b" {1="a", 2="b"}', "bad, client: false \"closed\"", "good, client: true",
            'bad, go on, client: false {2={1="unable to get local issuer certificate"}}', 'suites: "no shared cipher"',
            'a server\'s as a client\'s, ignored: "done" "done"', 'known: "RSA" "known.example" "done"', 'finished: true 12',
            'the rest: nil "unexpected eof while reading" "rest"',
        } do
            assert.is_truthy(mine:find("\n" .. line .. "\n", 1, true), line .. " is not in\n" .. mine)
        end
    end)
end)
