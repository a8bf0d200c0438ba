-- cleat.luasec beside Debian's LuaSec: the same calls return the same.
local pki = require "support.pki"
local process = require "support.process"

local SCRIPT = "spec/support/luasec_calls.lua"

local function installed()
    local pipe = io.popen("ls /usr/lib/*/lua/5.*/ssl.so 2>/dev/null")
    local line = pipe:read "*l"
    pipe:close()
    return line ~= nil
end

local function run(install)
    local command = process.lua { SCRIPT, pki.path "root.pem":match "^(.*)/" }
    if install then
        for index, word in ipairs(command) do
            if word == process.interpreter() then
                table.insert(command, index + 1, "-lcleat.luasec.install")
                break
            end
        end
    end
    local result = process.run(command)
    assert.are.equal("0", tostring(result.status), result.errors .. result.output)
    return result.output
end

describe("cleat.luasec:", function()
    teardown(process.cleanup)

    local mine
    setup(function()
        mine = run(true)
    end)

    if installed() then
        it("the calls return what LuaSec's return", function()
            local theirs = run(false):gmatch "[^\n]+"
            for line in mine:gmatch "[^\n]+" do
                assert.are.equal(theirs(), line)
            end
            assert.is_nil(theirs())
        end)
    else
        pending("the calls return what LuaSec's return: LuaSec (lua-sec) is not installed", function() end)
    end

    it("these are some of them", function()
        for _, line in ipairs {
            'mismatch: nil "private key does not match public key"', 'option: nil "invalid option (no_such)"',
            'partly: nil "wantread" "234"', 'lines: "12one" "two" ""', 'all: "end"', 'bad: "certificate verify failed" "tlsv1 alert unknown ca"',
            'nobody answers: false "wantread"', 'function: "b" {1="a", 2="b"}', "bad, client: false \"closed\"", "good, client: true",
            'bad, go on, client: false {2={1="unable to get local issuer certificate"}}', 'suites: "no shared cipher"',
            'a server\'s as a client\'s, ignored: "done" "done"', 'known: "RSA" "known.example" "done"', 'finished: true 12',
        } do
            assert.is_truthy(mine:find("\n" .. line .. "\n", 1, true), line .. " is not in\n" .. mine)
        end
    end)
end)
