--- LuaSec's parameter `alpn`.

local context = require "cleat.luasec.context"

local alpn = {}

-- names checks a list of protocols.
local function names(list)
    for _, name in ipairs(list) do
        if type(name) ~= "string" then
            return nil
        elseif name == "" then
            return nil, "invalid ALPN name (empty string)"
        elseif #name > 255 then
            return nil, "invalid ALPN name (length > 255)"
        end
    end
    if list[1] == nil then
        return nil, "invalid ALPN list (empty)"
    end
    return true
end

local function set(object, list)
    local self = context.state(object)
    local plain = {}
    for index, name in ipairs(list) do
        plain[index] = name
    end
    return context.attempt("error setting ALPN", self.cleat.set_alpn_protocols, self.cleat, plain)
end

--- configure takes the parameter of newcontext.
function alpn.configure(object, cfg)
    local value = cfg.alpn
    if not value then
        return true
    elseif type(value) == "string" and cfg.mode == "client" then
        value = { value }
    elseif type(value) == "function" and cfg.mode == "server" then
        return nil, "alpn functions are not supported yet"
    elseif type(value) ~= "table" then
        return nil, "invalid ALPN parameter"
    end
    local ok, reason = names(value)
    if not ok then
        return nil, reason
    end
    return set(object, value)
end

return alpn
