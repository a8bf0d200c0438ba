--- LuaSec's newcontext, which makes a context from a table of parameters.

local alpn = require "cleat.luasec.alpn"
local compat = require "cleat.compat"
local context = require "cleat.luasec.context"
local psk = require "cleat.luasec.psk"

local functions = context.functions
local unpack = compat.unpack

-- spread calls f with the context and the elements of a parameter, which is a value or an array.
local function spread(f, object, parameter)
    if not parameter then
        return true
    elseif type(parameter) == "table" then
        return f(object, unpack(parameter))
    end
    return f(object, parameter)
end

local function certificates(object, cfg)
    local list = cfg.certificates or { { certificate = cfg.certificate, key = cfg.key, password = cfg.password } }
    for _, pair in ipairs(list) do
        if pair.key then
            local kind = type(pair.password)
            if pair.password and kind ~= "function" and kind ~= "string" then
                return nil, "invalid password type"
            end
            local ok, reason = functions.loadkey(object, pair.key, pair.password or nil)
            if not ok then
                return nil, reason
            end
        end
        if pair.certificate then
            local ok, reason = functions.loadcert(object, pair.certificate)
            if not ok then
                return nil, reason
            elseif pair.key and not functions.checkkey(object) then
                return nil, "private key does not match public key"
            end
        end
    end
    return true
end

-- if_present calls f with the context and a parameter, if it is not nil.
local function if_present(f, object, parameter, ...)
    if not parameter then
        return true
    end
    return f(object, parameter, ...)
end

local function dhparam(object, cfg)
    if cfg.dhparam and type(cfg.dhparam) ~= "function" then
        return nil, "invalid DH parameter type"
    elseif cfg.dhparam then
        functions.setdhparam(object, cfg.dhparam)
    end
    return true
end

local function curves(object, cfg)
    if cfg.curveslist then
        return functions.setcurveslist(object, cfg.curveslist)
    end
    return if_present(functions.setcurve, object, cfg.curve)
end

local function locations(object, cfg)
    if cfg.cafile or cfg.capath then
        return functions.locations(object, cfg.cafile, cfg.capath)
    end
    return true
end

local function no_dane(_, cfg)
    if cfg.dane then
        return nil, "dane is not supported: BoringSSL has no DANE"
    end
    return true
end

local function by_name(f, name, call)
    return function(object, cfg)
        return call(f, object, cfg[name])
    end
end

-- The steps, in LuaSec's order. Each gets the context and all parameters, and returns nil or false and a reason if it
-- fails.
local STEPS = {
    function(object, cfg)
        return functions.setmode(object, cfg.mode)
    end,
    certificates, locations,
    by_name(functions.setcipher, "ciphers", if_present), by_name(functions.setciphersuites, "ciphersuites", if_present),
    by_name(functions.setverify, "verify", spread), by_name(functions.setoptions, "options", spread),
    by_name(functions.setdepth, "depth", if_present), dhparam, curves,
    function(object, cfg)
        return spread(object.setverifyext, object, cfg.verifyext)
    end,
    alpn.configure, psk.configure, no_dane,
}

--- Makes a context from LuaSec's parameters: mode, protocol, key, certificate, certificates, password, cafile, capath,
--- verify, verifyext, options, ciphers, ciphersuites, curve, curveslist, depth, dhparam, alpn, psk and dane.
---
--- DANGEROUS in newcontext is the default of `verify`, "none", as in LuaSec: an attacker can pose as the server. "peer"
--- verifies the certificate, but not the name. The environment variable CLEAT_LUASEC_VERIFY=peer enables both.
---
---     local luasec = require "cleat.luasec"
---     print(luasec.newcontext { mode = "client", protocol = "sslv9" })
---     --> nil	invalid protocol (sslv9)
---
--- Python: none.
---@param cfg table the parameters
---@return userdata? context nil if it fails
---@return string? reason
local function newcontext(cfg)
    local object, reason = functions.create(cfg.protocol)
    if not object then
        return nil, reason
    end
    for _, step in ipairs(STEPS) do
        local ok, why = step(object, cfg)
        if not ok then
            return nil, why
        end
    end
    return object
end

return newcontext
