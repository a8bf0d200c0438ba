-- nginx with cleat in it (support.nginx_app), and TLS of nginx's own beside it.
local nginx = require "support.nginx"
local pki = require "support.pki"
local process = require "support.process"

local cleat_nginx = {}

-- excuse: nil, or why there are no tests in nginx. Its Lua is LuaJIT whatever runs the specs, so once is enough; and it
-- cannot load a library with a sanitizer in it.
cleat_nginx.excuse = (os.getenv "CLEAT_BUILD_DIR" or ""):find "[at]san$" and "nginx does not load a library with a sanitizer"
    or not rawget(_G, "jit") and "nginx's Lua is LuaJIT: see there" or nil

local LOCATIONS = [[
    location = /fetch { set $upstream %d; content_by_lua_block { app.fetch() } }
    location = /many { set $upstream %d; content_by_lua_block { app.many() } }
    location = /request { set $upstream %d; content_by_lua_block { app.request() } }
    location = /line { content_by_lua_block { app.line() } }
    location = /echo { content_by_lua_block { app.echo() } }
    location = /pool { content_by_lua_block { app.pool() } }
    location = /starttls { content_by_lua_block { app.starttls() } }
    location = /libraries { content_by_lua_block { app.libraries() } }
    location = /garbage { content_by_lua_block { app.garbage() } }
    location = /early { content_by_lua_block { ngx.say(app.early) } }
]]

-- The TLS that nginx does itself, with its OpenSSL, and which asks for a certificate.
local UPSTREAM = [[
    ssl_verify_client on; ssl_client_certificate %s; ssl_verify_depth 2;
    location = /who { return 200 "$ssl_client_s_dn $ssl_protocol $ssl_alpn_protocol $ssl_server_name"; }
]]

-- start: a server of plain HTTP on ports[1] whose pages ask the TLS server on ports[2].
function cleat_nginx.start(workers, seconds)
    local upstream = process.free_port()
    local servers = nginx.lua({
        { listen = "", lines = LOCATIONS:format(upstream, upstream, upstream) },
        { lines = "listen 127.0.0.1:" .. upstream .. " ssl; " .. UPSTREAM:format(pki.path "root.pem") },
        workers = workers, connections = 256,
    }, "support.nginx_app")
    return nginx.start(servers, seconds)
end

-- errors_of: what its log has of errors that are worse than a request's.
function cleat_nginx.errors_of(server)
    local log = process.read_file(server.directory .. "/error.log")
    local found = {}
    for line in log:gmatch "[^\n]+" do
        if line:find "%[emerg%]" or line:find "%[alert%]" or line:find "%[crit%]" or line:find "exited on signal" then
            found[#found + 1] = line
        end
    end
    return table.concat(found, "\n")
end

return cleat_nginx
