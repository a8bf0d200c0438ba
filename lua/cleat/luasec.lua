--- LuaSec's API over cleat: the module that LuaSec 1.3 returns for `require "ssl"`. docs/luasec.md explains how to
--- migrate programs, and lists the differences. LuaSec's documentation describes contexts and connections.

local config = require "cleat.luasec.config"
local connection = require "cleat.luasec.connection"
local newcontext = require "cleat.luasec.newcontext"
require "cleat.luasec.information"

local luasec = {
    _VERSION = "1.3.0",
    _COPYRIGHT = "LuaSec's API over cleat",
    --- config: the protocols, options, curves and algorithms that newcontext accepts, in the format of LuaSec's
    --- `ssl.config`.
    --- Python: none.
    config = config.public,
    newcontext = newcontext,
    wrap = connection.wrap,
}

--- Parses a certificate in PEM: see cleat.luasec.x509.
---
---     local luasec = require "cleat.luasec"
---     print(luasec.loadcertificate("no certificate"))
---     --> nil
---
--- Python: none.
---@param pem string
---@return table? certificate with LuaSec's methods; nil if it cannot be parsed
---@return string? reason
function luasec.loadcertificate(pem)
    return require("cleat.luasec.x509").load(pem)
end

local MODULES = {
    ["ssl"] = "cleat.luasec", ["ssl.https"] = "cleat.luasec.https", ["ssl.x509"] = "cleat.luasec.x509",
    ["ssl.context"] = "cleat.luasec.context_module", ["ssl.core"] = "cleat.luasec.core",
    ["ssl.config"] = "cleat.luasec.config_module",
}

--- Makes `require` return cleat's modules under LuaSec's names: `ssl`, `ssl.https`, `ssl.x509`, `ssl.context`,
--- `ssl.core` and `ssl.config`. Modules that are loaded already are not replaced. Requiring `cleat.luasec.install` does
--- the same, as in `lua -lcleat.luasec.install program.lua`.
---
---     local luasec = require("cleat.luasec").install()
---     print(require "ssl" == luasec)
---     --> true
---
--- Python: none.
---@return table # the module cleat.luasec
function luasec.install()
    for name, ours in pairs(MODULES) do
        if package.loaded[name] == nil then
            package.preload[name] = function()
                return require(ours)
            end
        end
    end
    return luasec
end

return luasec
