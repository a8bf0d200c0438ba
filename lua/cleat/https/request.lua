--- The fields of a request: checks them, and makes a place to connect to, a request head and a context from them.
--- Errors in the fields are raised before anything is sent.

local base64 = require "cleat.base64"
local check = require "cleat.check"
local class = require "cleat.class"
local failure = require "cleat.https.failure"
local idna = require "cleat.idna"
local message = require "cleat.https.message"
local ssl = require "cleat.ssl"
local suggest = require "cleat.suggest"
local uri = require "cleat.https.uri"

local bad, fail, show = failure.bad, failure.fail, failure.show

local request = {}

local PORT = 443
local AGENT = "cleat/0.1"

---@class cleat.https.Request
---@field url string? the URL
---@field scheme string? "https"; this and the fields up to `password` override the parts of the URL
---@field host string?
---@field port integer|string|nil 443 by default
---@field path string?
---@field params string?
---@field query string?
---@field user string?
---@field password string|(fun(): string)|nil the password of `user`; without `user`, the password of the encrypted
--- `key`
---@field method string? "GET" by default
---@field headers table<string, string|number>? additional headers, which also replace the default ones
---@field source (fun(): string?, string?)? an LTN12 source of the request's body
---@field sink (fun(chunk: string?, err: string?): any, string?)? an LTN12 sink for the response's body, which is
--- discarded by default
---@field step (fun(source: function, sink: function): any, string?)? an LTN12 step, which moves a chunk from a source
--- to a sink
---@field redirect boolean? whether redirects are followed; true by default
---@field maxredirects integer|false|nil the maximum number of redirects, 5 by default; false for no limit
---@field timeout number|false|nil in seconds, for the whole request including redirects; 60 by default, false for no
--- limit
---@field proxy string|false|nil the URL of a proxy; false for none. By default the proxy of LuaSocket's PROXY or of the
--- environment variables https_proxy, all_proxy and no_proxy
---@field transport (fun(): any)? returns a new, unconnected socket of an event loop that SSLContext:wrap_socket
--- accepts: `core.tcp` in haproxy, `ngx.socket.tcp` in nginx, `uv.new_tcp`. No proxy is used then
---@field cafile string? path of a PEM file with CA certificates, which replace the system's
---@field capath string? path of a directory with CA certificates
---@field cadata string? PEM text or DER bytes of CA certificates
---@field verify boolean|string|string[]|nil true or "peer" verifies the server, which is the default. false and "none"
--- are DANGEROUS: any attacker can pose as the server
---@field certificate string? path of a PEM file with the client's certificate, for servers that request one
---@field key string? path of a PEM file with its private key; `certificate` by default
---@field context cleat.ssl.SSLContext? a client's context, instead of the six fields above
---@field ech_configs string? the ECHConfigList of the URL's server, for Encrypted ClientHello: see
--- SSLContext:wrap_socket. After a redirect the names of other servers are sent in plaintext

local function text(name, value)
    if type(value) ~= "string" then
        bad("field '%s' must be a string, not %s", name, check.kind(value))
    end
end

local function callable(name, value)
    if not check.callable(value) then
        bad("field '%s' must be a function, not %s", name, check.kind(value))
    end
end

local function any() end

local CHECKS = {
    url = text, scheme = text, host = text, path = text, params = text, query = text, user = text, method = text, ech_configs = text,
    cafile = text, capath = text, cadata = text, certificate = text, key = text,
    source = callable, sink = callable, step = callable, transport = callable, create = any, verify = any,
    port = function(name, value)
        if type(value) ~= "string" and type(value) ~= "number" then
            bad("field '%s' must be an integer or a string, not %s", name, check.kind(value))
        end
    end,
    password = function(name, value)
        if type(value) ~= "string" and not check.callable(value) then
            bad("field '%s' must be a string or a function, not %s", name, check.kind(value))
        end
    end,
    headers = function(name, value)
        if type(value) ~= "table" then
            bad("field '%s' must be a table, not %s", name, check.kind(value))
        end
    end,
    redirect = function(name, value)
        if type(value) ~= "boolean" then
            bad("field '%s' must be a boolean, not %s", name, check.kind(value))
        end
    end,
    maxredirects = function(name, value)
        if value ~= false and (type(value) ~= "number" or value ~= value or value < 0) then
            bad("field '%s' must be an integer of 0 or more, or false, not %s", name, check.kind(value))
        end
    end,
    timeout = function(_, value)
        if value ~= false then
            check.timeout("request", value)
        end
    end,
    proxy = function(name, value)
        if value ~= false and type(value) ~= "string" then
            bad("field '%s' must be a URL or false, not %s", name, check.kind(value))
        end
    end,
    context = function(name, value)
        if not ssl.SSLContext:is(value) then
            bad("field '%s' must be an ssl.SSLContext, not %s", name, class.name_of(value))
        end
    end,
}

local TRUST = { "cafile", "capath", "cadata" }
local OF_CONTEXT = { "cafile", "capath", "cadata", "certificate", "key", "verify" }

--- Raises TypeError or ValueError for fields that are unknown, of a wrong type, or contradict each other.
---@param fields cleat.https.Request
function request.check(fields)
    for name, value in pairs(fields) do
        local of = CHECKS[name]
        if not of then
            bad("got an unexpected field %s%s", type(name) == "string" and "'" .. name .. "'" or "[" .. tostring(name) .. "]",
                suggest(name, CHECKS))
        end
        of(name, value)
    end
    for _, name in ipairs(OF_CONTEXT) do
        if fields.context ~= nil and fields[name] ~= nil then
            bad("field '%s' cannot be used with field 'context': set it in the context", name)
        end
    end
    if fields.transport and fields.proxy then
        bad("field 'proxy' cannot be used with field 'transport'")
    end
    if fields.key and not fields.certificate then
        bad("field 'key' needs field 'certificate'")
    elseif fields.password ~= nil and not fields.certificate and type(fields.password) ~= "string" then
        bad("field 'password' must be a string, not %s", check.kind(fields.password))
    elseif fields.password ~= nil and fields.certificate and fields.user then
        bad("field 'password' is ambiguous with 'user' and 'certificate': put the user's password into the URL")
    end
end

-- The values of LuaSec's field verify.
local VERIFY = { none = false, peer = true, client_once = true, fail_if_no_peer_cert = true }

-- verifies returns the meaning of the field verify as a boolean; nil if it is not given.
local function verifies(value)
    if value == nil or type(value) == "boolean" then
        return value
    end
    local result
    for _, word in ipairs(type(value) == "table" and value or { value }) do
        local one = VERIFY[word]
        if one == nil or (result ~= nil and result ~= one) then
            result = nil
            break
        end
        result = one
    end
    if result == nil then
        bad("field 'verify' must be true, false, \"peer\" or \"none\", not %s",
            type(value) == "string" and show(value) or check.kind(value))
    end
    return result
end

-- The context of requests without special settings, which share it to resume sessions. It is replaced after a while,
-- because the system's CA certificates may change.
local LIFETIME = 300
local shared, since = nil, 0

--- forget makes the next request create a new context.
function request.forget()
    shared = nil
end

local function default_context(make)
    if make ~= ssl.create_default_context then
        return make()
    end
    local now = os.time()
    if not shared or now < since or now - since >= LIFETIME then
        shared, since = make(), now
    end
    return shared
end

--- Returns the context for a request. redirected: whether the request goes to another server than the first one, which
--- gets no client certificate then.
---@param fields cleat.https.Request
---@param redirected boolean
---@return cleat.ssl.SSLContext
function request.context(fields, redirected)
    if fields.context then
        return fields.context
    end
    local verify, trust = verifies(fields.verify), fields.cafile or fields.capath or fields.cadata
    local certificate = not redirected and fields.certificate
    if verify ~= false and not certificate and not trust then
        return default_context(verify and ssl.create_default_context or ssl._create_default_https_context)
    end
    local context
    if verify == false then
        for _, name in ipairs(TRUST) do
            if fields[name] then
                bad("field '%s' cannot be used where 'verify' is off", name)
            end
        end
        context = ssl._create_unverified_context()
    elseif verify or trust then
        context = ssl.create_default_context { cafile = fields.cafile, capath = fields.capath, cadata = fields.cadata }
    else
        context = ssl._create_default_https_context()
    end
    if certificate then
        context:load_cert_chain(certificate, fields.key, fields.password)
    end
    return context
end

---@class cleat.https.Place the server and the resource of a request
---@field host string the host to connect to and to verify, with A-labels, or an IP address
---@field port integer
---@field netloc string host and port as in the header Host; without the default port
---@field path string
---@field query string?
---@field user string?
---@field password string?

-- Refuses characters that would allow request splitting and header injection.
local function refuse_blanks(name, value)
    if type(value) == "string" then
        if value:find("%c") then
            fail("control character in %s", name)
        elseif value:find(" ", 1, true) then
            fail("blank in %s", name)
        end
    end
end

--- Makes a place.
---@param host string
---@param port any
---@return cleat.https.Place
function request.place(host, port)
    host = uri.host(host)
    if host:find("[\128-\255]") then
        host = idna.encode(host)
    end
    local place = { host = host, port = port and port ~= "" and uri.port(port) or PORT }
    local written = host:find(":", 1, true) and "[" .. host:gsub("%%.*", "") .. "]" or host
    place.netloc = place.port == PORT and written or written .. ":" .. place.port
    place.name = written
    return place
end

--- Returns the place of a request.
---@param fields cleat.https.Request
---@return cleat.https.Place
function request.locate(fields)
    for _, name in ipairs { "url", "scheme", "host", "port", "path", "params", "query", "method" } do
        refuse_blanks(name, fields[name])
    end
    local url = uri.split(fields.url or "")
    local scheme = (fields.scheme or url.scheme or "https"):lower()
    if scheme ~= "https" then
        fail("scheme %s not supported, only https", show(scheme))
    elseif fields.create ~= nil then
        fail("create function not permitted")
    end
    local host, port, user, password = uri.netloc(url.netloc or "")
    host = fields.host or host
    if host == "" then
        fail("invalid host 'nil'")
    end
    local place = request.place(host, fields.port or port)
    local path, params = url.path:match("^([^;]*);?(.*)$")
    path, params = fields.path or path, fields.params or params
    place.path = uri.escape((path:sub(1, 1) == "/" and "" or "/") .. path .. (params ~= "" and ";" .. params or ""))
    local query = fields.query or url.query
    place.query = query and uri.escape(query)
    if (place.path .. (query or "")):find("#", 1, true) then
        fail("fragment in path or query")
    end
    place.user, place.password = fields.user or user, fields.user and fields.password or password
    if not fields.certificate and fields.password then
        place.password = fields.password
    end
    return place
end

--- Returns the User-Agent: LuaSocket's if that is loaded.
---@return string
function request.agent()
    local http = package.loaded["socket.http"]
    local agent = type(http) == "table" and rawget(http, "USERAGENT") or nil
    return type(agent) == "string" and not agent:find("%c") and agent or AGENT
end

local CANONIC = { ["user-agent"] = "User-Agent", host = "Host", connection = "Connection", te = "TE", authorization = "Authorization",
    ["transfer-encoding"] = "Transfer-Encoding" }

local function value_of(name, value)
    if type(value) == "number" then
        return value % 1 == 0 and ("%d"):format(value) or tostring(value)
    elseif type(value) ~= "string" then
        bad("header '%s' must be a string or a number, not %s", name, check.kind(value))
    elseif value:gsub("\t", " "):find("%c") then
        fail("control character in headers")
    end
    return value
end

-- The header for the proxy, which is not sent to the server.
local FOR_PROXY = "proxy-authorization"

-- add_headers adds the caller's headers to those to send. It returns the value of the header for the proxy.
local function add_headers(fields, headers, written)
    local seen = {}
    for name, value in pairs(fields.headers or {}) do
        if type(name) ~= "string" then
            bad("field 'headers' must have strings for names, not %s", check.kind(name))
        elseif name:find("%c") then
            fail("control character in headers")
        elseif not name:find(message.TOKEN) then
            fail(name:find(" ", 1, true) and "blank in headers" or "header name %s", show(name))
        end
        local lower = name:lower()
        if seen[lower] then
            fail("header %s is there twice", show(name))
        end
        seen[lower] = true
        headers[lower], written[lower] = value_of(name, value), name
    end
    local for_proxy = headers[FOR_PROXY]
    headers[FOR_PROXY] = nil
    return for_proxy
end

-- body_length returns the length of the body by the request's headers: nil for chunks, 0 if there is no body.
local function body_length(fields, headers)
    local length, coding = headers["content-length"], headers["transfer-encoding"]
    if length and (not length:find("^%d+$") or #length > 15) then
        fail("Content-Length %s", show(length))
    elseif length and coding then
        fail("both Transfer-Encoding and Content-Length")
    elseif coding and (coding:lower() ~= "chunked" or not fields.source) then
        fail(fields.source and "Transfer-Encoding %s" or "Transfer-Encoding without a source", show(coding))
    elseif length and tonumber(length) ~= 0 and not fields.source then
        fail("Content-Length without a source")
    elseif fields.source and not length then
        headers["transfer-encoding"] = coding or "chunked"
        return nil
    end
    return tonumber(length or 0)
end

--- Returns the head of a request.
---@param fields cleat.https.Request
---@param place cleat.https.Place
---@return string head
---@return integer? length of the body; nil for chunks
---@return string? authorization the caller's header for the proxy
function request.head(fields, place)
    local method = fields.method == nil and "GET" or fields.method == "" and "GET" or fields.method
    if not method:find(message.TOKEN) or method == "CONNECT" then
        fail("method %s", show(method))
    end
    local headers = { ["user-agent"] = request.agent(), host = place.netloc, connection = "close, TE", te = "trailers" }
    local written = {}
    if place.user and place.password then
        if place.user:find(":", 1, true) then
            fail("colon in user")
        end
        headers.authorization = "Basic " .. base64.encode(place.user .. ":" .. place.password)
    end
    local for_proxy = add_headers(fields, headers, written)
    local length = body_length(fields, headers)
    local lines = { ("%s %s%s HTTP/1.1"):format(method, place.path, place.query and "?" .. place.query or "") }
    for name, value in pairs(headers) do
        lines[#lines + 1] = (CANONIC[name] or written[name]) .. ": " .. value
    end
    return table.concat(lines, "\r\n") .. "\r\n\r\n", length, for_proxy
end

return request
