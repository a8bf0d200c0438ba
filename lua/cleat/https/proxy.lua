--- Proxies: which one a request uses, and the CONNECT request (RFC 9110, section 9.3.6).

local base64 = require "cleat.base64"
local failure = require "cleat.https.failure"
local message = require "cleat.https.message"
local uri = require "cleat.https.uri"

local proxy = {}

local PORT = 3128 -- LuaSocket's default

---@class cleat.https.Proxy
---@field host string
---@field port integer
---@field authorization string? Basic, from the URL

-- parse parses the URL of a proxy; the scheme may be omitted.
local function parse(text)
    if text:find("[%c ]") then
        failure.fail("control character or blank in proxy")
    end
    local parts = uri.split(text)
    if not parts.netloc then
        parts = uri.split("http://" .. text)
    end
    if parts.scheme ~= nil and parts.scheme ~= "http" then
        failure.fail("proxy scheme %s not supported, only http", failure.show(parts.scheme))
    end
    local host, port, user, password = uri.netloc(parts.netloc)
    if host == "" then
        failure.fail("proxy %s has no host", failure.show(text))
    end
    return {
        host = host, port = port and uri.port(port) or PORT,
        authorization = user and "Basic " .. base64.encode(user .. ":" .. (password or "")) or nil,
    }
end

local function environment(name)
    local value = os.getenv(name:lower())
    if value == nil or value == "" then
        value = os.getenv(name:upper())
    end
    return value ~= "" and value or nil
end

--- Returns whether a list in the format of the variable no_proxy contains a host. Its entries are domains (which
--- include their subdomains) and addresses, for one port or for all ports, and "*" for every host.
---@param list string
---@param host string
---@param port integer
---@return boolean
function proxy.excepted(list, host, port)
    host = host:lower():gsub("%.$", "")
    local numeric = host:find(":", 1, true) or not host:find("[^%d.]")
    for entry in list:lower():gmatch("[^,%s]+") do
        local name, its = entry:match("^%[(.-)%]:?(%d*)$")
        if not name then
            name, its = entry:match("^([^:]*):(%d+)$")
        end
        name = (name or entry):gsub("^%*?%.", ""):gsub("%.$", "")
        if (its == nil or its == "" or tonumber(its) == port)
            and (name == "*" or host == name or (not numeric and name ~= "" and host:sub(-#name - 1) == "." .. name)) then
            return true
        end
    end
    return false
end

--- Returns the proxy for a host: that of the field `proxy`, of the field PROXY of LuaSocket's http, or of the
--- environment: https_proxy or else all_proxy, in lower or upper case, unless no_proxy contains the host.
---@param asked string|false|nil the field `proxy`; false for none
---@param host string
---@param port integer
---@return cleat.https.Proxy?
function proxy.of(asked, host, port)
    if asked == nil then
        local http = package.loaded["socket.http"]
        asked = type(http) == "table" and rawget(http, "PROXY") or nil
    end
    if asked == nil then
        asked = environment("https_proxy") or environment("all_proxy")
        if asked and proxy.excepted(environment("no_proxy") or "", host, port) then
            asked = nil
        end
    end
    if not asked or asked == "" then
        return nil
    elseif type(asked) ~= "string" then
        failure.fail("proxy must be a URL, not %s", failure.show(asked))
    end
    return parse(asked)
end

--- Requests the proxy at the other end of a connection to connect to the server.
---@param connection cleat.https.Connection
---@param to cleat.https.Proxy
---@param netloc string host and port of the server
---@param agent string the User-Agent
function proxy.connect(connection, to, netloc, agent)
    local lines = { ("CONNECT %s HTTP/1.1"):format(netloc), "Host: " .. netloc, "User-Agent: " .. agent }
    if to.authorization then
        lines[#lines + 1] = "Proxy-Authorization: " .. to.authorization
    end
    connection:write(table.concat(lines, "\r\n") .. "\r\n\r\n")
    connection:flush()
    local code, status = message.read_tunnel(connection)
    if code > 299 then
        failure.fail("the proxy refuses: %s", failure.show(status))
    end
end

return proxy
