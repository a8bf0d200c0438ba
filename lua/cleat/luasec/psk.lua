--- LuaSec's parameter `psk`: pre-shared keys.

local context = require "cleat.luasec.context"

local psk = {}

--- configure handles the parameter of newcontext.
function psk.configure(object, cfg)
    local value = cfg.psk
    if not value then
        return true
    end
    local made = context.state(object).cleat
    if cfg.mode == "client" then
        if type(value) ~= "function" then
            return nil, "invalid PSK configuration"
        end
        return context.attempt("error setting PSK", made.set_psk_client_callback, made, function(hint)
            return value(hint, 128, 256)
        end)
    end
    local callback, hint = value, nil
    if type(value) == "table" then
        callback, hint = value.callback, value.hint
        if type(hint) ~= "string" then
            return nil, "invalid PSK configuration"
        end
    end
    if type(callback) ~= "function" then
        return nil, "invalid PSK configuration"
    end
    return context.attempt("error setting PSK", made.set_psk_server_callback, made, function(identity)
        return callback(identity or "", 256)
    end, hint)
end

return psk
