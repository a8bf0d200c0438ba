--- URLs: the parts of RFC 3986 that a client needs. All functions take linear time.

local failure = require "cleat.https.failure"

local uri = {}

---@class cleat.https.Uri the five components (section 3); nil for those that the text does not have
---@field scheme string?
---@field netloc string? userinfo, host and port, as Python's urlparse names them
---@field path string possibly ""
---@field query string?
---@field fragment string?

--- Splits a URL, or a relative reference, into its components (appendix B).
---@param text string
---@return cleat.https.Uri
function uri.split(text)
    local parts = {}
    local at = text:find("#", 1, true)
    if at then
        parts.fragment, text = text:sub(at + 1), text:sub(1, at - 1)
    end
    at = text:find("?", 1, true)
    if at then
        parts.query, text = text:sub(at + 1), text:sub(1, at - 1)
    end
    local scheme = text:match("^(%a[%w+.-]*):")
    if scheme then
        parts.scheme, text = scheme:lower(), text:sub(#scheme + 2)
    end
    if text:sub(1, 2) == "//" then
        at = text:find("/", 3, true) or #text + 1
        parts.netloc, text = text:sub(3, at - 1), text:sub(at)
    end
    parts.path = text
    return parts
end

-- without_dots removes the segments "." and ".." of an absolute path (section 5.2.4).
local function without_dots(path)
    local kept, count = {}, 0
    local last
    for segment in path:gmatch("/([^/]*)") do
        last = segment
        if segment == ".." then
            kept[count] = nil
            count = math.max(0, count - 1)
        elseif segment ~= "." then
            count = count + 1
            kept[count] = segment
        end
    end
    if last == "." or last == ".." then
        kept[count + 1] = ""
    end
    return "/" .. table.concat(kept, "/")
end

--- Resolves a reference relative to a base URL (section 5.2.2).
---@param base cleat.https.Uri with a netloc
---@param reference cleat.https.Uri
---@return cleat.https.Uri
function uri.resolve(base, reference)
    if reference.scheme then
        return reference
    elseif reference.netloc then
        return { scheme = base.scheme, netloc = reference.netloc, path = reference.path, query = reference.query }
    end
    local target = { scheme = base.scheme, netloc = base.netloc, path = base.path, query = reference.query }
    if reference.path == "" then
        target.query = reference.query or base.query
    elseif reference.path:sub(1, 1) == "/" then
        target.path = without_dots(reference.path)
    else
        target.path = without_dots((base.path:match("^(.*/)") or "/") .. reference.path)
    end
    return target
end

--- Decodes percent-encoded text.
---@param text string
---@return string
function uri.unescape(text)
    return (text:gsub("%%(%x%x)", function(digits)
        return string.char(tonumber(digits, 16))
    end))
end

--- Percent-encodes spaces and non-ASCII bytes (RFC 3987).
---@param text string
---@return string
function uri.escape(text)
    return (text:gsub("[ \128-\255]", function(byte)
        return ("%%%02X"):format(byte:byte())
    end))
end

--- Converts digits or a number to a port. For anything else the request fails.
---@param port any
---@return integer # 1 to 65535
function uri.port(port)
    local number = port
    if type(port) == "string" then
        number = port:find("^%d+$") and tonumber((port:gsub("^0+", ""))) or nil
    end
    if type(number) ~= "number" or number % 1 ~= 0 or number < 1 or number > 65535 then
        failure.fail("invalid port %s", type(port) == "number" and tostring(port) or failure.show(port))
    end
    return math.floor(number)
end

--- Returns a host as it is connected to: a name, or an address without brackets. For anything else the request fails.
---@param host string
---@return string
function uri.host(host)
    local address = host:match("^%[(.*)%]$")
    if address then
        address = address:gsub("%%25", "%%", 1) -- RFC 6874: the zone of a link-local address
    elseif host:find(":", 1, true) then
        address = host
    end
    if address then
        local digits, zone = address:match("^([^%%]*)(%%?[%w._~-]*)$")
        if not digits or zone == "%" or not digits:find(":", 1, true) or digits:find("[^%x:.]") then
            failure.fail("invalid host %s", failure.show(host))
        end
        return address
    elseif host:find("[^%w._\128-\255-]") or #host > 255 then
        failure.fail("invalid host %s", failure.show(host))
    end
    return host
end

--- Splits a netloc (userinfo, host and port, section 3.2) into its parts. If it is malformed the request fails.
---@param netloc string
---@return string host "" if there is none
---@return string? port its digits; nil for the default port
---@return string? user
---@return string? password
function uri.netloc(netloc)
    local userinfo, rest = netloc:match("^([^@]*)@(.*)$")
    rest = rest or netloc
    if rest:find("@", 1, true) or (userinfo and userinfo:find("[][\\/?#<>\"^`{|}]")) then
        failure.fail("invalid user in URL")
    end
    local host, port
    if rest:sub(1, 1) == "[" then
        host, port = rest:match("^(%[[^%]]*%])(.*)$")
        if not host or (port ~= "" and port:sub(1, 1) ~= ":") then
            failure.fail("invalid host %s", failure.show(rest))
        end
        port = port:sub(2)
    else
        local at = rest:find(":", 1, true)
        host, port = rest:sub(1, (at or 0) - 1), at and rest:sub(at + 1) or ""
    end
    local user, password
    if userinfo then
        user, password = userinfo:match("^([^:]*):(.*)$")
        user, password = uri.unescape(user or userinfo), password and uri.unescape(password) or nil
    end
    return host ~= "" and uri.host(host) or "", port ~= "" and port or nil, user, password
end

return uri
