-- An nginx that runs cleat (support.nginx_app), and serves TLS by its own OpenSSL.
local nginx = require "support.nginx"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local assert = require "luassert"

local cleat_nginx = {}

-- missing returns nil, or why tests in nginx are pending. nginx's Lua is LuaJIT whichever Lua runs the specs, so these
-- tests run with the specs on LuaJIT. And nginx cannot load a library that has a sanitizer.
function cleat_nginx.missing()
    return (os.getenv "CLEAT_BUILD_DIR" or ""):find "[at]san$" and "nginx does not load a library with a sanitizer"
        or not rawget(_G, "jit") and "nginx's Lua is LuaJIT: run by the specs on LuaJIT"
        or optional.program "nginx"
        or optional.file("/usr/lib/nginx/modules/ngx_http_lua_module.so", "libnginx-mod-http-lua")
end

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

-- nginx's own TLS server, which requires a client certificate.
local UPSTREAM = [[
    ssl_verify_client on; ssl_client_certificate %s; ssl_verify_depth 2;
    location = /who { return 200 "$ssl_client_s_dn $ssl_protocol $ssl_alpn_protocol $ssl_server_name"; }
]]

-- start starts an HTTP server on ports[1], whose pages make requests to the TLS server on ports[2].
function cleat_nginx.start(workers, seconds)
    local upstream = process.free_port()
    local servers = nginx.lua({
        { listen = "", lines = LOCATIONS:format(upstream, upstream, upstream) },
        { lines = "listen 127.0.0.1:" .. upstream .. " ssl; " .. UPSTREAM:format(pki.path "root.pem") },
        workers = workers, connections = 256,
    }, "support.nginx_app")
    return nginx.start(servers, seconds)
end

-- check_log raises an error if a server has logged an error that concerns more than one request, or a crash.
function cleat_nginx.check_log(server)
    local log = process.read_file(server.directory .. "/error.log")
    local found = {}
    for line in log:gmatch "[^\n]+" do
        if line:find "%[emerg%]" or line:find "%[alert%]" or line:find "%[crit%]" or line:find "exited on signal" then
            found[#found + 1] = line
        end
    end
    assert.are.equal("", table.concat(found, "\n"))
end

return cleat_nginx
