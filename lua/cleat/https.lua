--- HTTPS requests, with the arguments and results of LuaSocket's socket.http, and with cleat's TLS. LuaSocket is not
--- needed; if its http module is loaded, its settings PROXY, TIMEOUT and USERAGENT apply here too.
---
---     https.TIMEOUT = 10
---     local result, code, headers = https.request { url = url, cafile = "ca.pem" }
---     print(result, code) --> 1	200
---
--- The server's certificate and name are verified, unless ssl._https_verify_certificates(false) or the environment
--- variable PYTHONHTTPSVERIFY=0 disables that; the fields verify, cafile, capath, cadata and context override both.
---
--- Redirects to other schemes than https are not followed. Authorization, cookies, the field host and the client's
--- certificate (if it was given by a field) are not forwarded to another origin, which is another host or port.
---
--- The field TIMEOUT can be set: the timeout of requests without a field timeout, in seconds; 60 by default, and
--- LuaSocket's if that is loaded.
---@field TIMEOUT number? see above

local class = require "cleat.class"
local compat = require "cleat.compat"
local connection = require "cleat.https.connection"
local failure = require "cleat.https.failure"
local message = require "cleat.https.message"
local proxy = require "cleat.https.proxy"
local request = require "cleat.https.request"
local uri = require "cleat.https.uri"
local strict = require "cleat.strict"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall

local REDIRECTS = 5 -- LuaSocket's limit
local REDIRECTING = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }
local TIMEOUT = 60

local https = {}

-- is_get returns whether a request may be repeated at the target of a redirect.
local function is_get(fields)
    local method = fields.method
    return fields.source == nil and (method == nil or method == "" or method == "GET" or method == "HEAD")
end

-- target_of returns the target of a redirect, nil if it is not followed. Only https targets are followed.
local function target_of(fields, hops, place, code, location)
    local limit = fields.maxredirects == nil and REDIRECTS or fields.maxredirects
    if not location or location == "" or not REDIRECTING[code] or fields.redirect == false or not is_get(fields)
        or (limit and hops >= limit) then
        return nil
    elseif location:find("%c") then
        failure.fail("control character in Location")
    end
    local base = { scheme = "https", netloc = place.netloc, path = place.path, query = place.query }
    local target = uri.resolve(base, uri.split(location))
    if target.scheme ~= "https" or (target.netloc or "") == "" then
        return nil
    end
    local host, port, user, password = uri.netloc(target.netloc)
    if host == "" then
        return nil
    end
    local new = request.place(host, port)
    new.path = uri.escape((target.path:sub(1, 1) == "/" and "" or "/") .. target.path)
    new.query = target.query and uri.escape(target.query)
    new.user, new.password = user, password
    return new
end

-- Headers for one server, which are not forwarded to other servers.
local PRIVATE = { authorization = true, cookie = true, host = true }

local function same_server(a, b)
    return a.host:lower() == b.host:lower() and a.port == b.port
end

-- redirected returns the fields of the request to the target of a redirect.
local function redirected(fields, place, target)
    if same_server(place, target) then
        if not target.user then
            target.user, target.password = place.user, place.password
        end
        return fields
    end
    local new = {}
    for name, value in pairs(fields) do
        new[name] = value
    end
    new.headers = {}
    for name, value in pairs(fields.headers or {}) do
        if not PRIVATE[tostring(name):lower()] then
            new.headers[name] = value
        end
    end
    return new
end

-- open connects to a place, through a proxy if there is one. configs: the place's configurations for Encrypted
-- ClientHello.
local function open(fields, place, context, deadline, authorization, configs)
    local through = not fields.transport and proxy.of(fields.proxy, place.host, place.port) or nil
    local to = through or place
    local link
    if fields.transport then
        link = connection.through(failure.call(fields.transport), to.host, to.port, deadline)
    else
        link = connection.open(to.host, to.port, deadline)
    end
    local ok, err = pcall(function()
        if through then
            through.authorization = through.authorization or authorization
            proxy.connect(link, through, place.name .. ":" .. place.port, request.agent())
        end
        link:secure(context, (place.host:gsub("%%.*", "")), configs)
    end)
    if not ok then
        link:close()
        error(err, 0)
    end
    return link
end

local function ignore()
    return 1
end

local function has_body(fields, code)
    return fields.method ~= "HEAD" and code ~= 204 and code ~= 304
end

-- exchange sends a request, and receives the response. It returns the target of a redirect instead of the body.
local function exchange(link, fields, place, hops, head, length)
    link:write(head)
    if fields.source then
        message.send_body(link, length, fields.source, fields.step)
    end
    link:flush()
    local code, headers, status, size = message.read_head(link)
    local target = target_of(fields, hops, place, code, headers.location)
    if not target and has_body(fields, code) then
        message.receive_body(link, size, fields.sink or ignore, fields.step)
    end
    return target, code, headers, status
end

local function finish(link, ok, ...)
    link:close()
    if not ok then
        error(..., 0)
    end
    return ...
end

-- perform makes a request, and follows its redirects.
local function perform(fields, deadline)
    local place = request.locate(fields)
    local first, hops, from = place, 0, nil
    local contexts = {} -- one for the first server, one for others
    while true do
        local head, length, for_proxy = request.head(fields, place)
        local elsewhere = not same_server(first, place)
        contexts[elsewhere] = contexts[elsewhere] or request.context(fields, elsewhere)
        local link = open(fields, place, contexts[elsewhere], deadline, for_proxy, not elsewhere and fields.ech_configs or nil)
        local target, code, headers, status = finish(link, pcall(exchange, link, fields, place, hops, head, length))
        if not target then
            headers.location = headers.location or from -- as LuaSocket does, to tell that this is another page
            return 1, code, headers, status
        end
        fields, place, hops = redirected(fields, place, target), target, hops + 1
        from = "https://" .. place.netloc .. place.path .. (place.query and "?" .. place.query or "")
    end
end

-- seconds_for returns the timeout of a request, false for no limit.
local function seconds_for(fields)
    if fields.timeout ~= nil then
        return fields.timeout
    end
    local http = package.loaded["socket.http"]
    local seconds = rawget(https, "TIMEOUT")
    if seconds == nil and type(http) == "table" then
        seconds = rawget(http, "TIMEOUT") or false
    elseif seconds == nil then
        seconds = TIMEOUT
    end
    return type(seconds) == "number" and seconds >= 0 and seconds or false
end

local function generic(fields)
    request.check(fields)
    local result, code, headers, status = failure.attempt(perform, fields, waiting.deadline(seconds_for(fields)))
    if not result then
        return nil, code
    end
    return result, code, headers, status
end

local function simple(address, body)
    local pieces = {}
    local fields = { url = address, sink = function(chunk)
        pieces[#pieces + 1] = chunk
        return 1
    end }
    if body ~= nil then
        if type(body) ~= "string" then
            failure.bad("argument 'body' must be a string, not %s", class.name_of(body))
        end
        fields.method = "POST"
        fields.source = function()
            local all = body
            body = nil
            return all
        end
        fields.headers = { ["Content-Length"] = #body, ["Content-Type"] = "application/x-www-form-urlencoded" }
    end
    local result, code, headers, status = generic(fields)
    if not result then
        return nil, code
    end
    return table.concat(pieces), code, headers, status
end

--- Makes an HTTPS request, and returns the response. `request(url)` gets a page; `request(url, body)` posts a form;
--- `request(fields)` has all options: see the class Request. Redirects of GET and HEAD to https URLs are followed;
--- other redirecting responses are returned.
---
---     local body, code, headers, status = https.request { url = url, cafile = "ca.pem" }
---     print(body, code) --> 1	200
---
---     -- a sink receives the body in pieces
---     local pieces = {}
---     local result, code = https.request { url = url, cafile = "ca.pem", timeout = 10, sink = function(piece)
---         pieces[#pieces + 1] = piece
---         return 1
---     end }
---     print(result, code) --> 1	200
---
--- Raises: TypeError for unknown fields, and for fields with a wrong type. Errors of the network, of TLS and of HTTP
--- are not raised but returned after nil, as LuaSocket does: "timeout", "closed", "connection refused", another
--- message, or an error object.
--- Python: none; `socket.http.request` of LuaSocket.
---@param fields string|cleat.https.Request a URL, or the fields
---@param body string? the body of a POST request, if the first argument is a URL
---@return string|integer|nil # the body of the response; with `fields` 1, because the sink receives the body; nil if
--- the request has failed
---@return integer|any code the status code, such as 200; after nil the error
---@return table<string, string>? headers of the response, with names in lower case
---@return string? status the first line of the response
function https.request(fields, body)
    if type(fields) == "string" then
        return simple(fields, body)
    elseif type(fields) ~= "table" then
        failure.bad("argument must be a URL or a table, not %s", class.name_of(fields))
    end
    return generic(fields)
end

return strict(https, "module 'cleat.https'")
