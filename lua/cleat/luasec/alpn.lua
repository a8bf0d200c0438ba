--- LuaSec's parameter `alpn`: a list of protocols or, on a server, a function that gets the client's list.

local C = require "cleat.backend"
local context = require "cleat.luasec.context"
local errors = require "cleat.errors"
local server_names = require "cleat.luasec.server_names"

local alpn = {}

-- check returns nil and a reason if a list of protocols is invalid.
local function check(list)
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

-- to_wire and from_wire convert to and from the format of the extension, in which a length byte precedes each name.
local function to_wire(list)
    local parts = {}
    for _, name in ipairs(list) do
        parts[#parts + 1] = string.char(#name) .. name
    end
    return table.concat(parts)
end

local function from_wire(bytes)
    local list, at = {}, 1
    while at <= #bytes do
        local length = bytes:byte(at)
        list[#list + 1] = bytes:sub(at + 1, at + length)
        at = at + 1 + length
    end
    return list
end

--- choose calls the function of a server's context, and sets the protocols that it returns for the connection.
---@param f function
---@param sock cleat.ssl.SSLSocket at the ClientHello
local function choose(f, sock)
    local length, offered = errors.check(C.connection_offered_alpn(sock._tls))
    if length == 0 then
        return
    end
    local list = f(from_wire(offered))
    if type(list) == "string" then
        list = { list }
    end
    local wire = type(list) == "table" and check(list) and to_wire(list) or ""
    errors.check(C.connection_set_alpn_protocols(sock._tls, wire))
end

-- set sets the list in the SSLContext. If there is a function, the list only enables ALPN, and is not used.
local function set(self, list)
    local plain = {}
    for index, name in ipairs(list) do
        plain[index] = name
    end
    return context.attempt("error setting ALPN", self.cleat.set_alpn_protocols, self.cleat, plain)
end

--- configure handles the parameter of newcontext.
function alpn.configure(object, cfg)
    local self, value = context.state(object), cfg.alpn
    if not value then
        return true
    elseif type(value) == "string" and cfg.mode == "client" then
        value = { value }
    elseif type(value) == "function" and cfg.mode == "server" then
        self.choose_alpn = function(sock)
            choose(value, sock)
        end
        server_names.listen(self)
        return set(self, { "-" })
    elseif type(value) ~= "table" then
        return nil, "invalid ALPN parameter"
    end
    local ok, reason = check(value)
    if not ok then
        return nil, reason
    end
    return set(self, value)
end

--- setalpn(context, list) and setalpncb(context, f) of ssl.context use the format of the extension.
function context.functions.setalpn(object, wire)
    local self = context.check(object, "setalpn")
    return context.attempt("error setting ALPN", function()
        errors.check(C.context_set_alpn_protocols(self.cleat._id, context.text("setalpn", 2, wire)))
    end)
end

function context.functions.setalpncb(object, f)
    local self = context.check(object, "setalpncb")
    self.choose_alpn = function(sock)
        local length, offered = errors.check(C.connection_offered_alpn(sock._tls))
        if length > 0 then
            local wire = f(offered)
            errors.check(C.connection_set_alpn_protocols(sock._tls, type(wire) == "string" and wire or ""))
        end
    end
    server_names.listen(self)
    return set(self, { "-" })
end

return alpn
