--- LuaSec's API over cleat: the table that `require "ssl"` returns with LuaSec 1.3.
---
---     local ssl = require("cleat.luasec").install()
---     print(ssl == require "ssl") --> true

local config = require "cleat.luasec.config"
local connection = require "cleat.luasec.connection"
local newcontext = require "cleat.luasec.newcontext"
require "cleat.luasec.information"

local luasec = {
    _VERSION = "1.3.0",
    _COPYRIGHT = "LuaSec's API over cleat",
    config = config.public,
    newcontext = newcontext,
    wrap = connection.wrap,
}

function luasec.loadcertificate(pem)
    return require("cleat.luasec.x509").load(pem)
end

local MODULES = {
    ["ssl"] = "cleat.luasec", ["ssl.https"] = "cleat.luasec.https", ["ssl.x509"] = "cleat.luasec.x509",
    ["ssl.context"] = "cleat.luasec.context_module", ["ssl.core"] = "cleat.luasec.core",
    ["ssl.config"] = "cleat.luasec.config_module",
}

--- Makes require return these modules under LuaSec's names, except for those that the program has loaded already.
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
