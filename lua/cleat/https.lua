--- HTTPS requests as LuaSocket's socket.http makes them, which does the work here, over cleat's TLS.
---
---     local https = require "cleat.https"
---     local body, code, headers, status = https.request("https://example.org/")
---
--- The server's certificate and its name are verified, unless ssl._https_verify_certificates(false) or the environment variable
--- PYTHONHTTPSVERIFY=0 says otherwise; the field `context` overrides either. Where a request fails, request returns nil and the error
--- (see cleat.https.client). How long it waits is LuaSocket's to say: require("socket.http").TIMEOUT, 60 seconds.
---
--- It needs LuaSocket, and loads it, as "socket" too if nothing else has that name: `require "cleat.python"` comes before it where
--- "socket" is to be cleat's.
---
--- Python: section 17.3.1.2 (_https_verify_certificates), PEP 493.

local class = require "cleat.class"
local client = require "cleat.https.client"
local errors = require "cleat.errors"
local ssl = require "cleat.ssl"

local PORT = 443
local REDIRECTS = 5 -- LuaSocket's limit
local REDIRECTING = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local MISSING = [[cleat.https needs LuaSocket, which was not found: install the Debian package lua-socket, or the rock with
    luarocks install luasocket
It says:
%s]]

local https = {}

local function load_luasocket()
    return require "socket.http", require "socket.url", require "ltn12"
end

-- find_luasocket: its modules require "socket" and must find LuaSocket there, also where that is cleat's name for its own.
local function find_luasocket()
    local loaded, preloaded = package.loaded.socket, package.preload.socket
    local taken
    if loaded ~= nil then
        taken = type(loaded) ~= "table" or rawget(loaded, "newtry") == nil
    else
        taken = preloaded ~= nil and package.loaded["cleat.python"] ~= nil
    end
    if taken then
        package.loaded.socket, package.preload.socket = nil, nil
    end
    local ok, http, url, ltn12 = pcall(load_luasocket)
    if taken then
        package.loaded.socket, package.preload.socket = loaded, preloaded
    end
    if not ok then
        package.loaded["cleat.https"] = nil -- for LuaJIT, so that another require says the same
        error(MISSING:format(tostring(http)), 0)
    end
    return http, url, ltn12
end

local http, url, ltn12 = find_luasocket()

---@class cleat.https.Request
---@field url string?
---@field scheme string? "https"; this and the next ones override what the URL says
---@field host string?
---@field port integer|string|nil 443 by default
---@field path string?
---@field params string?
---@field query string?
---@field user string?
---@field password string?
---@field method string? "GET" by default
---@field headers table<string, string>? to be added, or sent in place of the usual ones
---@field source function? what the request's body comes from (LTN12)
---@field sink function? where the answer's body goes to (LTN12); dropped by default
---@field step function? moves a piece from source to sink (LTN12)
---@field redirect boolean? false not to follow redirects
---@field maxredirects integer|false|nil how many redirects to follow, 5 by default; false for no limit
---@field context cleat.ssl.SSLContext? in place of ssl._create_default_https_context()

-- stray finds what would let a part of a request pass for another one; LuaSocket sends what it is given.
local function stray(place)
    for _, name in ipairs { "url", "host", "path", "params", "query", "uri", "method" } do
        if tostring(place[name] or ""):find("%c") then
            return name
        end
    end
    for name, value in pairs(place.headers or {}) do
        if (name .. value):find("[\r\n]") then
            return "headers"
        end
    end
end

-- locate fills in where a request goes to, or returns nil and why not.
local function locate(request)
    local place = request.url and url.parse(request.url, { scheme = "https", path = "/" }) or {}
    for name, value in pairs(request) do
        place[name] = value
    end
    local scheme = tostring(place.scheme or "https"):lower()
    local part = stray(place)
    if scheme ~= "https" then
        return nil, ("scheme '%s' not supported, only https"):format(scheme)
    elseif place.proxy or http.PROXY then
        return nil, "proxy not supported"
    elseif place.create then
        return nil, "create function not permitted"
    elseif part then
        return nil, "control character in " .. part
    end
    place.scheme = "https"
    place.port = place.port ~= "" and place.port or PORT
    if tostring(place.host):find(":", 1, true) then -- LuaSocket forgets the brackets
        local port = tonumber(place.port) ~= PORT and ":" .. place.port or ""
        place.headers = { host = "[" .. place.host .. "]" .. port }
        for name, value in pairs(request.headers or {}) do
            place.headers[tostring(name):lower()] = value
        end
    end
    return place
end

-- head_reader is shown the lines of an answer's head, and calls done(code, location) at the end of it.
local function head_reader(done)
    local code, location, last
    return function(line)
        if done == nil then
            return
        elseif not code then
            code = tonumber(line:match("^HTTP/%d*%.%d* (%d%d%d)"))
        elseif line == "" and code == 100 then -- another one follows
            code, location, last = nil, nil, nil
        elseif line == "" then
            done(code, location)
            done = nil
        elseif line:find("^%s") then
            location = last == "location" and location .. line or location
        else
            local value
            last, value = line:match("^(.-):%s*(.*)")
            last = last and last:lower()
            location = last == "location" and value or location
        end
    end
end

-- target_of: where the answer to a request sends the client, nil if it is not to go there. That is never anything but https.
local function target_of(request, place, code, location)
    location = (location or ""):gsub("%s", "")
    local method = request.method
    local limit = request.maxredirects == nil and REDIRECTS or request.maxredirects
    if location == "" or not REDIRECTING[code] or request.redirect == false or request.source ~= nil
        or not (method == nil or method == "" or method == "GET" or method == "HEAD")
        or (limit and (request.nredirects or 0) >= limit) then
        return nil
    end
    local target = url.absolute(url.build {
        scheme = "https", host = place.host, port = place.port, path = place.path, params = place.params, query = place.query,
    }, location)
    local parsed = url.parse(target)
    if parsed and (parsed.scheme or ""):lower() == "https" and (parsed.host or "") ~= "" then
        return target
    end
end

-- What is meant for one server, and is not told to another one.
local PRIVATE = { authorization = true, ["proxy-authorization"] = true, cookie = true, host = true }

-- redirected: the request that follows one.
local function redirected(request, place, target)
    local parsed = url.parse(target)
    local new = {
        url = target, method = request.method, sink = request.sink, step = request.step, redirect = request.redirect,
        maxredirects = request.maxredirects, nredirects = (request.nredirects or 0) + 1, headers = request.headers,
    }
    if parsed.host:lower() == place.host:lower() and tonumber(parsed.port or PORT) == tonumber(place.port) then
        new.user, new.password = place.user, place.password
    elseif request.headers then
        new.headers = {}
        for name, value in pairs(request.headers) do
            if not PRIVATE[tostring(name):lower()] then
                new.headers[name] = value
            end
        end
    end
    return new
end

-- perform makes a request and those that it is redirected to.
local function perform(request, context)
    local place, why = locate(request)
    if not place then
        return nil, why
    end
    local connection, target
    local sink = place.sink or ltn12.sink.null()
    connection = client.new(context, head_reader(function(code, location)
        target = target_of(request, place, code, location)
        if target then
            connection:close() -- what comes is not what was asked for
        end
    end))
    function place.create()
        return connection
    end
    function place.sink(...)
        if target then
            return nil, "redirected"
        end
        return sink(...)
    end
    place.redirect = false -- LuaSocket would follow only some
    local ok, result, code, headers, status = pcall(http.request, place)
    connection:close()
    local new = ok and target and redirected(request, place, target)
    request, place, connection, sink = nil, nil, nil, nil -- LuaJIT's traces may keep the closures
    if not ok then
        error(result, 0)
    elseif new then
        result, code, headers, status = perform(new, context)
        if headers then -- as LuaSocket does: a hint that this is another page
            headers.location = headers.location or target
        end
    end
    if not result then
        return nil, code
    end
    return result, code, headers, status
end

local function generic(request)
    local context = request.context
    if context == nil then
        local err
        context, err = client.attempt(ssl._create_default_https_context)
        if not context then
            return nil, err
        end
    elseif not ssl.SSLContext:is(context) then
        errors.raise(errors.TypeError, "request() field 'context' must be an ssl.SSLContext, not " .. class.name_of(context))
    end
    return perform(request, context)
end

local function simple(address, body)
    local pieces = {}
    local request = { url = address, sink = ltn12.sink.table(pieces) }
    if body ~= nil then
        if type(body) ~= "string" then
            errors.raise(errors.TypeError, "request() argument 'body' must be a string, not " .. class.name_of(body))
        end
        request.method, request.source = "POST", ltn12.source.string(body)
        request.headers = { ["content-length"] = tostring(#body), ["content-type"] = "application/x-www-form-urlencoded" }
    end
    local result, code, headers, status = generic(request)
    if not result then
        return nil, code
    end
    return table.concat(pieces), code, headers, status
end

--- Makes a request: request(url) GETs a page, request(url, body) POSTs a form and returns its answer, request{url = …, sink = …} does
--- what its fields say. Redirects of GET and HEAD are followed, but never from https to anything else: then the
--- answer that says so is the result.
---@param request string|cleat.https.Request
---@param body string?
---@return string|integer|nil # the page; 1 in the form with fields; nil if the request failed
---@return integer|any code the status code, 200 for success; the error if the request failed
---@return table<string, string>? headers of the answer, their names in lower case
---@return string? status the answer's first line
function https.request(request, body)
    if type(request) == "string" then
        return simple(request, body)
    elseif type(request) ~= "table" then
        errors.raise(errors.TypeError, "request() argument must be a URL or a table, not " .. class.name_of(request))
    end
    return generic(request)
end

return https
