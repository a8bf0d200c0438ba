-- nginx in the foreground, in a separate directory.
--
--   local server = nginx.start { { cert = "server-ec", lines = "..." }, ... }
--   server.ports[1]
local check_options = require "support.check_options"
local pki = require "support.pki"
local limits = require "support.limits"
local process = require "support.process"

local nginx = {}

local count = 0

local CONFIGURATION = [[
%suser root;
%s
daemon off;
worker_processes %d;
pid nginx.pid;
error_log error.log info;
events {
    worker_connections %d;
}
http {
    %s
    access_log off;
    default_type text/plain;
    types {
        text/html html;
    }
    root www;
    client_max_body_size 20m;
    client_body_temp_path temporary/body;
    proxy_temp_path temporary/proxy;
    fastcgi_temp_path temporary/fastcgi;
    uwsgi_temp_path temporary/uwsgi;
    scgi_temp_path temporary/scgi;
%s}
]]

local SERVER = [[
    server {
        listen 127.0.0.1:%d %s;
        server_name localhost;
        ssl_certificate %s;
        ssl_certificate_key %s;
        ssl_protocols %s;
        %s
    }
]]

local function is_root()
    local pipe = io.popen("id -u")
    local id = pipe:read("*l")
    pipe:close()
    return id == "0"
end

-- wait_until_ready waits for the first worker. If another process has a port, nginx ends with an error.
local function wait_until_ready(program, directory)
    local deadline = process.clock() + limits.bound(10)
    while true do
        local log = io.open(directory .. "/error.log")
        local text = log and log:read("*a") or ""
        if log then
            log:close()
        end
        if text:find("start worker process ", 1, true) then
            return
        elseif program:poll() or process.clock() > deadline then
            error("nginx does not start:\n" .. text .. program:errors(), 0)
        end
        process.sleep(0.005)
    end
end

-- lua adds to servers what nginx needs to run cleat; app is the name of a module that is loaded before the workers
-- start. nginx's Lua is LuaJIT, whichever Lua runs the specs.
function nginx.lua(servers, app)
    local build = os.getenv("CLEAT_BUILD_DIR") or process.root .. "/build/release"
    servers.main = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
]]
    servers.http = ([[
    lua_package_path "%s/lua/?.lua;%s/spec/?.lua;;";
    lua_package_cpath "%s/?.so;;";
    init_by_lua_block { %s app = require("%s"); app.init("%s") }
]]):format(process.root, process.root, build, process.count_lines, app, pki.path("."))
    return servers
end

-- start starts nginx. servers: an array of tables with cert (a name of pki) or certfile and keyfile, protocols
-- ("TLSv1.2 TLSv1.3"), listen ("ssl", or ""), and lines (more configuration); beside them main and http (more
-- configuration), workers (1) and connections (64). Pages are files in server.www. seconds: nginx's maximal
-- lifetime, 60 by default.
function nginx.start(servers, seconds)
    check_options("nginx.start", servers, "main http workers connections")
    for _, server in ipairs(servers) do
        check_options("nginx.start: a server", server, "cert certfile keyfile protocols listen lines")
    end
    count = count + 1
    local directory = ("%s/nginx-%d"):format(process.directory(), count)
    os.execute(("mkdir -p %s/temporary %s/www"):format(process.quote(directory), process.quote(directory)))
    local message
    for _ = 1, 5 do
        local blocks, ports = {}, {}
        for i, server in ipairs(servers) do
            ports[i] = process.free_port()
            local certfile, keyfile = pki.chain(server.cert or "server-ec")
            blocks[i] = SERVER:format(ports[i], server.listen or "ssl", server.certfile or certfile, server.keyfile or keyfile,
                server.protocols or "TLSv1.2 TLSv1.3", server.lines or "")
        end
        process.write_file(directory .. "/nginx.conf",
            CONFIGURATION:format(is_root() and "" or "#", servers.main or "", servers.workers or 1, servers.connections or 64,
                servers.http or "", table.concat(blocks)))
        os.remove(directory .. "/error.log")
        local program = process.start {
            "nginx", "-p", directory, "-e", directory .. "/error.log", "-c", directory .. "/nginx.conf", timeout = seconds or 60,
        }
        local ok, failure = pcall(wait_until_ready, program, directory)
        if ok then
            program.ports, program.www, program.directory = ports, directory .. "/www", directory
            return program
        end
        message = failure
        program:stop()
    end
    error(message, 2)
end

return nginx
