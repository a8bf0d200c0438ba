-- Servers, requests and event loops of lua-http for specs. Debian installs lua-http for Lua 5.1 and 5.2; it is plain
-- Lua, and its C libraries are installed for 5.4 too.
local adapters = require "support.adapters"
local cqueues = require "cqueues"
local limits = require "support.limits"
local pki = require "support.pki"
local process = require "support.process"

package.path = adapters.path()

local lua_http = require "cleat.adapters.lua_http"
local new_headers = require("http.headers").new
local ssl = require "cleat.ssl"

local support = {}

-- context returns a client context that trusts the CA of pki.
function support.context()
    return ssl.create_default_context { cafile = pki.path "root.pem" }
end

function support.server_context(cert)
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context:load_cert_chain(pki.chain(cert or "server-ec"))
    return context
end

-- request returns the headers of a request.
function support.request(path)
    return require("http.request").new_from_uri("https://localhost" .. path).headers
end

-- answer sends a status and a body.
function support.answer(stream, status, body, more)
    local headers = new_headers()
    headers:append(":status", tostring(status))
    for name, value in pairs(more or {}) do
        headers:append(name, value)
    end
    assert(stream:write_headers(headers, body == nil))
    if body then
        assert(stream:write_body_from_string(body))
    end
end

-- page returns N bytes, which servers of the specs send for /N.
function support.page(size)
    return ("0123456789abcdef"):rep(math.ceil(size / 16)):sub(1, size)
end

-- serve starts a server that sends N bytes for /N, and echoes a request's body; options are lua-http's. It returns the
-- server, its port, and a list of the errors that went to onerror.
function support.serve(options)
    options = options or {}
    local errors = {}
    local settings = {
        host = "127.0.0.1", port = 0, ctx = options.ctx or support.server_context(),
        onstream = function(_, stream)
            local headers = assert(stream:get_headers(10))
            local size = headers:get(":path"):match "^/(%d+)$"
            if headers:get ":method" == "POST" then
                support.answer(stream, 200, stream:get_body_as_string(10))
            else
                support.answer(stream, size and 200 or 404, size and support.page(tonumber(size)) or "no such page")
            end
        end,
        onerror = function(_, _, operation, err, number)
            errors[#errors + 1] = { operation = operation, message = tostring(err), number = number }
        end,
    }
    for name, value in pairs(options) do
        settings[name] = value
    end
    local server = assert(lua_http.listen(settings))
    assert(server:listen())
    local _, _, port = server:localname()
    return server, port, errors
end

-- run runs bodies and servers in one controller until all bodies have ended.
function support.run(servers, ...)
    local controller, left, deadline = cqueues.new(), select("#", ...), process.clock() + limits.bound(10)
    for _, body in ipairs { ... } do
        controller:wrap(function()
            body()
            left = left - 1
        end)
    end
    for _, server in ipairs(servers) do
        controller:wrap(function()
            while left > 0 do
                assert(server:step(0.05))
            end
        end)
    end
    while left > 0 do
        assert(controller:step(0.05))
        assert(process.clock() < deadline, "it takes too long")
    end
end

-- wait runs the controller until a program has ended, and returns its output.
function support.wait(program)
    while not program:poll() do
        cqueues.sleep(0.01)
    end
    return program:output(), program:errors(), program:poll()
end

return support
