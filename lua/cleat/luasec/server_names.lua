--- LuaSec's connection:sni in both forms.

local contexts = require "cleat.luasec.context"
local ssl = require "cleat.ssl"

local server_names = {}

-- choose is the servername callback of a server's contexts.
local function choose(sock, name)
    local self = rawget(sock, "_luasec")
    local hosts = self and self.hosts
    if not hosts or not name then
        return nil
    end
    local other = contexts.state(hosts[name])
    if other then
        sock.context = other.cleat
    elseif self.strict then
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    end
    return nil
end

local function listen(context)
    if not context.listens then
        context.listens = true
        context.cleat.sni_callback = choose
    end
end

--- attach lets the callback find a connection's state.
function server_names.attach(sock, self)
    rawset(sock, "_luasec", self)
end

--- set takes the arguments of sni.
---@param self table the connection's state
---@param name string|table
---@param strict any
function server_names.set(self, name, strict)
    if self.context.mode == "client" then
        self.name = contexts.text("sni", 1, name)
        return
    elseif type(name) ~= "table" then
        error(("bad argument #1 to 'sni' (table expected, got %s)"):format(name == nil and "no value" or type(name)), 3)
    end
    for host, context in next, name do
        if type(host) ~= "string" then
            error("bad argument #1 to 'sni' (its keys must be names)", 3)
        end
        contexts.check(context, "sni")
    end
    listen(self.context)
    self.hosts, self.strict = name, strict and true or false
end

return server_names
