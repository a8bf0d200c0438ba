-- The helpers of the specs refuse a misspelt option: it would be a default that the spec does not mean.
local link = require "support.link"
local nginx = require "support.nginx"
local peer = require "support.peer"
local process = require "support.process"
local pump = require "support.pump"
local serve = require "support.serve"

local unpack = table.unpack or unpack

describe("A misspelt option of", function()
    teardown(process.cleanup)

    local function refuses(name, f, ...)
        local arguments = { ... }
        it(name .. " is an error", function()
            local ok, message = pcall(f, unpack(arguments))
            assert.is_false(ok)
            assert.matches('no option "chiphers"; there are: .*ciphers', message)
        end)
    end

    refuses("link.context", link.context, { chiphers = "ALL" })
    refuses("link.open's client", link.open, { chiphers = "ALL" })
    refuses("link.open's server", link.open, {}, { chiphers = "ALL" })
    refuses("link.attempt", link.attempt, { chiphers = "ALL" })
    refuses("pump.pair", pump.pair, { chiphers = "ALL" })
    refuses("peer.serve", peer.serve, { chiphers = "ALL", "handshake" })

    it("the helpers that start programs is an error", function()
        for _, case in ipairs {
            { "process.start", process.start, { "true", stdim = "" } },
            { "serve", serve, { cyphers = "ALL" } },
            { "nginx.start", nginx.start, { { certificate = "server-ec" } } },
        } do
            local ok, message = pcall(case[2], case[3])
            assert.is_false(ok)
            assert.matches("no option \"%a+\"; there are: ", message, case[1])
        end
    end)

    it("a version is an error that names it", function()
        local ok, message = pcall(link.context, { version = "TLSv1_2" })
        assert.is_false(ok)
        assert.matches('no version "TLSv1_2"', message)
        assert.is_truthy(link.context { version = "TLSv1.2" })
    end)
end)
