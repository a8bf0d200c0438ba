--- LuaSec's module `ssl.https`: HTTPS requests with LuaSocket's http module, over connections of cleat.luasec.
---
--- After `require("cleat.luasec").install()` it is what `require "ssl.https"` returns. DANGEROUS, as there: it verifies
--- no certificate, unless the request says `verify = "peer"`, or the environment CLEAT_LUASEC_VERIFY=peer, which
--- verifies the host name too. New programs are better off with cleat.https, which verifies.

local https = {
    --- PORT: the port for URLs without one.
    PORT = 443,
    --- TIMEOUT: the timeout of each wait, in seconds.
    TIMEOUT = 60,

    _VERSION = "1.3.0",
}

-- LuaSec's defaults for the settings of a request.
local SETTINGS = { protocol = "any", options = { "all", "no_sslv2", "no_sslv3", "no_tlsv1" }, verify = "none" }

local function with_port(address)
    local url = require "socket.url"
    return url.build(url.parse(address, { port = https.PORT }))
end

-- simple makes the request table for a URL, with a sink that collects the body in an array.
local function simple(address, body, received)
    local ltn12 = require "ltn12"
    local request = { url = with_port(address), method = body and "POST" or "GET", sink = ltn12.sink.table(received) }
    if body then
        request.source = ltn12.source.string(body)
        request.headers = { ["content-length"] = #body, ["content-type"] = "application/x-www-form-urlencoded" }
    end
    return request
end

-- forward adds methods to an object that call the methods of its connection.
local function forward(object)
    for name, method in pairs(getmetatable(object.sock).__index) do
        if type(method) == "function" then
            object[name] = function(self, ...)
                return method(self.sock, ...)
            end
        end
    end
end

--- Returns a function that makes connections, for LuaSocket's `create` hook. As in LuaSec, missing settings are added
--- to the table `params`, and its mode is set.
---
---     local create = require("cleat.luasec.https").tcp { verify = "none" }
---     print(type(create)) --> function
---
--- Raises: the error of LuaSocket's try, if the connection fails.
--- Python: none.
---@param params table? parameters of newcontext
---@return fun(): table
function https.tcp(params)
    local luasec, socket = require "cleat.luasec", require "socket"
    params = params or {}
    for key, value in pairs(SETTINGS) do
        params[key] = params[key] or value
    end
    params.mode = "client"
    return function()
        local object = { sock = socket.try(socket.tcp()) }
        local settimeout = getmetatable(object.sock).__index.settimeout
        local try = socket.newtry(function() -- LuaSec does not close a failed connection
            object.sock:close()
        end)
        function object:settimeout()
            return settimeout(self.sock, https.TIMEOUT)
        end
        function object:connect(host, port)
            try(self.sock:connect(host, port))
            self.sock = try(luasec.wrap(self.sock, params))
            self.sock:sni(host)
            self.sock:settimeout(https.TIMEOUT)
            try(self.sock:dohandshake())
            forward(self)
            return 1
        end
        return object
    end
end

--- Makes a request, and returns the body (or 1 if the request is a table), the status code, the headers and the status
--- line. If it fails it returns nil and a message. Proxies and `redirect` are refused, as in LuaSec.
---
---     local body, code = require("cleat.luasec.https").request(url)
---     print(#body, code) --> 4	200
---
--- Python: none.
---@param url string|table a URL, or a request table of LuaSocket, which can also contain the parameters of newcontext
---@param body string? the body of a POST request, if `url` is a string
---@return string|integer|nil
---@return integer|string
---@return table? headers
---@return string? status
function https.request(url, body)
    local http = require "socket.http"
    local received = {}
    local is_simple = type(url) == "string"
    if is_simple then
        url = simple(url, body, received)
    else
        url.url = with_port(url.url)
    end
    if http.PROXY or url.proxy then
        return nil, "proxy not supported"
    elseif url.redirect then
        return nil, "redirect not supported"
    elseif url.create then
        return nil, "create function not permitted"
    end
    url.create = https.tcp(url)
    local result, code, headers, status = http.request(url)
    if result and is_simple then
        return table.concat(received), code, headers, status
    end
    return result, code, headers, status
end

return https
