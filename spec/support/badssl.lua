-- The chains of badssl/cases.lua, which are made once for all specs, in build/spec-badssl. For each case and variant
-- ("wrong", "right") there are
--   NAME.VARIANT.leaf.pem, .chain.pem   what the peer sends
--   NAME.VARIANT.trust.pem              the verifier's CA certificates
--   NAME.VARIANT.crl.pem                its revocation lists, if there are any
--   NAME.VARIANT.message                the chain as TLS 1.2 sends it
-- and KEY.key for each private key.
local chain = require "support.badssl.chain"
local process = require "support.process"

local badssl = { cases = require "support.badssl.cases" }

-- make fills the directory unless it is filled, and returns it.
function badssl.make()
    if not badssl.directory then
        local directory = process.root .. "/build/spec-badssl"
        process.run { "mkdir", "-p", directory }
        local command = { "flock", "-w", "1000", directory .. "/../spec-badssl.lock", timeout = 110 }
        for _, word in ipairs(process.lua { "spec/support/badssl/make.lua", directory }) do
            command[#command + 1] = word
        end
        local result = process.run(command)
        if result.status ~= 0 then
            error("make.lua failed:\n" .. result.output .. result.errors, 2)
        end
        badssl.directory = directory
    end
    return badssl.directory
end

-- A world without keys (see certificate.make): chain.build returns a case's host and flags. The certificates are in
-- the files.
local DRY = {
    now = 0, spki = setmetatable({}, { __index = function()
        return "spki"
    end }), sign = function()
        return "signature"
    end,
}

-- files returns a table for a case's variant: host (the name that the client verifies), flags (verify flags), key (its
-- file), and the files leaf, chain, trust, message, and crl if there is one.
function badssl.files(case, variant)
    local built = chain.build(DRY, case[variant] or {})
    local base = ("%s/%s.%s."):format(badssl.make(), case.name, variant)
    return {
        host = built.host, flags = built.flags, key = badssl.directory .. "/" .. built.key .. ".key",
        leaf = base .. "leaf.pem", chain = base .. "chain.pem", trust = base .. "trust.pem", message = base .. "message",
        crl = #built.crls > 0 and base .. "crl.pem" or nil,
    }
end

return badssl
