--- The decisions of LuaSec's servers at the ClientHello: connection:sni with a table, and `alpn` with a function.

local contexts = require "cleat.luasec.context"
local ssl = require "cleat.ssl"

local server_names = {}

-- by_name sets the context for the client's name, or returns an alert to refuse the client.
local function by_name(self, sock, name)
    local hosts = self.hosts
    local other = contexts.state(hosts[name])
    if other then
        self.chosen = other
        sock.context = other.cleat
    elseif self.strict then
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    end
    return nil
end

-- at_hello is the servername callback.
local function at_hello(sock, name)
    local self = rawget(sock, "_luasec")
    if not self then
        return nil
    end
    local alert = name and self.hosts and by_name(self, sock, name)
    local choose = (self.chosen or self.context).choose_alpn
    if not alert and choose then
        choose(sock)
    end
    return alert or nil
end

--- listen sets the servername callback of a context.
---@param context table its state
function server_names.listen(context)
    if not context.listens then
        context.listens = true
        context.cleat.sni_callback = at_hello
    end
end

--- attach maps a connection to its state, for the callback.
---@param sock cleat.ssl.SSLSocket
---@param self table the connection's state
function server_names.attach(sock, self)
    rawset(sock, "_luasec", self)
end

--- set handles the arguments of sni.
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
    server_names.listen(self.context)
    self.hosts, self.strict = name, strict and true or false
end

return server_names
