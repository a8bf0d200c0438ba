-- Chains: what a peer sends, what is trusted, and the host name to verify.
--
-- The plain chain is a leaf for servers and clients, an intermediate and a root. A case changes fields of these three:
--   { leaf = {...}, intermediate = {...}, root = {...}, host = "localhost", flags = 0, key = ... }
-- or is a function of make (below), which returns
--   { chain = { certificates as sent }, trust = { certificates }, crls = { bytes }, host, flags, key (the
--   name of the leaf's key) }
local certificate = require "support.badssl.certificate"
local merge = require "support.merge"

local OID = certificate.OID

local chain = {}

local DEFAULTS = {
    root = {
        key = "root", subject = "root", serial = "01", from = -100, to = 100, ca = true, usage = { 5, 6 }, key_id = "the root's key",
    },
    intermediate = {
        key = "intermediate", subject = "intermediate", serial = "02", from = -50, to = 50, ca = true, usage = { 5, 6 },
        key_id = "the intermediate's key",
    },
    leaf = {
        key = "leaf", subject = "leaf", serial = "03", from = -10, to = 10, ca = false, usage = { 0 },
        extended = { OID.server, OID.client }, key_id = "the leaf's key",
        names = { certificate.dns "localhost", certificate.ip "7f000001", certificate.email "leaf@cleat.test" },
    },
}

-- make: functions that make the certificates of a world (see certificate.make): make.leaf(issuer, changes) and so on.
function chain.make(world)
    local make = {}
    for _, kind in ipairs { "root", "intermediate", "leaf" } do
        make[kind] = function(issuer, changes)
            local fields = merge(DEFAULTS[kind], changes)
            fields.issuer = fields.issuer or issuer
            if fields.authority_key_id == nil and fields.issuer then
                fields.authority_key_id = fields.issuer.key_id
            end
            return certificate.make(world, fields)
        end
    end
    function make.crl(issuer, changes)
        return certificate.crl(world, merge({ issuer = issuer }, changes))
    end
    -- plain: the three certificates with changes; the changes' function crls(make, root, intermediate) makes the lists.
    function make.plain(changes)
        local root = make.root(nil, changes.root)
        local intermediate = make.intermediate(root, changes.intermediate)
        local leaf = make.leaf(intermediate, changes.leaf)
        return {
            chain = { leaf, intermediate }, trust = { root }, crls = changes.crls and changes.crls(make, root, intermediate),
            host = changes.host, flags = changes.flags,
        }
    end
    return make
end

-- build makes a case's variant in a world.
function chain.build(world, variant)
    local make = chain.make(world)
    local result = type(variant) == "function" and variant(make) or make.plain(variant)
    result.host = result.host or "localhost"
    result.flags = result.flags or 0
    result.crls = result.crls or {}
    result.key = result.key or result.chain[1].key
    return result
end

return chain
