-- nginx: CPU time of TLS in an nginx worker, with nginx's cosockets and with cleat's.
--
-- usage: script/bench nginx [--rounds N] [ROW…]
--
-- One nginx, on core 0, is the client; another one, on core 1, is the server (TLS 1.3, X25519, AES-128-GCM, ECDSA
-- P-256; both clients verify the chain and the name). A row is measured within one request to the client's worker,
-- which reads its CPU time, and alternates between nginx's cosockets and cleat's in short turns. Each ratio is computed
-- within a round; the output has the median, and half of the interquartile range. Debian's libnginx-mod-http-lua is
-- needed, and the library and the certificates in build/bench, which script/bench makes.
--
-- rows: handshake   connect, full handshake with verification, close
--       visit       the same with a small request; cleat resumes (nginx would with TLS 1.2 only)
--       request     a small request on a kept connection: connect, send, receive by lines and by size, setkeepalive
--       large       the same for 1 MiB
local root = arg[0]:match "^(.*)/bench/nginx/" or "."
package.path = root .. "/bench/?.lua;" .. package.path
local command_line = require "lib.command_line"
local statistics = require "lib.statistics"

local ROWS = {
    { name = "handshake", title = "handshake", other = "cleat", count = 300, turn = 5 },
    { name = "visit", title = "handshake, resumed, and a small request", other = "resuming", count = 300, turn = 5 },
    { name = "request", title = "small request, kept connection", other = "cleat", count = 5000, turn = 50 },
    { name = "large", title = "1 MiB, kept connection", other = "cleat", count = 128, turn = 2 },
}

local options, known, wanted = { rounds = 9 }, {}, {}
for index, row in ipairs(ROWS) do
    known[index], known[row.name] = row.name, true
end
for _, name in ipairs(command_line.read("nginx", options, known)) do
    wanted[name] = known[name] or error("no row " .. name .. " (see --help)", 0)
end

local build = assert(os.getenv "CLEAT_BUILD_DIR", "run it by script/bench nginx")
local pki = build .. "/pki/"
local absolute = io.popen("realpath " .. root):read "*l"

local function line_of(command)
    local pipe = assert(io.popen(command))
    local text = pipe:read "*a"
    pipe:close()
    return (text:gsub("\n$", ""))
end

local folder = line_of "mktemp -d"
local running = {}

local HEAD = [[
daemon off; pid %s/pid; error_log %s/error.log; worker_processes 1; user root;
events { worker_connections 512; }
http {
    access_log off; root %s/www;
    client_body_temp_path %s/body; proxy_temp_path %s/proxy; fastcgi_temp_path %s/fastcgi; uwsgi_temp_path %s/uwsgi;
    scgi_temp_path %s/scgi;
]]

local function free_port()
    return tonumber(line_of [[python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])']])
end

-- start starts nginx on a core, with its files in folder/name.
local function start(name, core, before, text)
    local place = folder .. "/" .. name
    os.execute("mkdir -p " .. place .. "/www")
    local file = assert(io.open(place .. "/nginx.conf", "w"))
    file:write(before, (HEAD:gsub("%%s", place)), text, "}\n")
    file:close()
    local pid = line_of(("taskset -c %d nginx -e %s/error.log -c %s/nginx.conf >%s/output 2>&1 </dev/null & echo $!"):format(core, place,
        place, place))
    running[#running + 1] = pid
    return place
end

local function stop()
    for _, pid in ipairs(running) do
        os.execute("kill -TERM " .. pid .. "; while kill -0 " .. pid .. " 2>/dev/null; do sleep 0.01; done")
    end
    os.execute("rm -rf '" .. folder .. "'")
end

local function ask(port, path)
    return line_of(("curl -s --retry 20 --retry-connrefused --retry-delay 1 'http://127.0.0.1:%d/%s'"):format(port, path))
end

local server_port, client_port = free_port(), free_port()
local server = start("server", 1, "", ([[
    server {
        listen 127.0.0.1:%d ssl; ssl_certificate %s/server-ec.pem; ssl_certificate_key %s/server-ec.key;
        ssl_protocols TLSv1.3; ssl_ecdh_curve X25519; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
        keepalive_requests 100000000; keepalive_timeout 600; tcp_nodelay on;
        location = /small { return 200 "%s"; }
    }
]]):format(server_port, pki, pki, ("x"):rep(200)))
for number = 0, 15 do
    os.execute(("head -c 1048576 /dev/urandom >%s/www/large%d"):format(server, number))
end
start("client", 0, [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
]], ([[
    lua_package_path "%s/lua/?.lua;%s/bench/nginx/?.lua;;"; lua_package_cpath "%s/?.so;;";
    lua_ssl_trusted_certificate %s/root.pem; lua_ssl_verify_depth 3; lua_ssl_protocols TLSv1.3; lua_socket_log_errors off;
    init_by_lua_block { app = require("app"); app.init("%s/root.pem") }
    server { listen 127.0.0.1:%d; location = /run { content_by_lua_block { app.run() } } }
]]):format(absolute, absolute, build, pki, pki, client_port))

local function measure(row)
    local answer = ask(client_port, ("run?operation=%s&other=%s&port=%d&count=%d&turn=%d"):format(row.name, row.other, server_port,
        row.count, row.turn))
    local theirs, ours = answer:match "^(%S+) (%S+)$"
    return tonumber(theirs) or error("the client's nginx says: " .. answer), tonumber(ours)
end

local ok, err = pcall(function()
    print(("%-42s %12s %12s %16s"):format("CPU of the worker, microseconds", "cosocket", "cleat", "ratio"))
    for _, row in ipairs(ROWS) do
        if wanted[row.name] then
            local theirs, ours, ratios = {}, {}, {}
            for round = 1, options.rounds do
                theirs[round], ours[round] = measure(row)
                ratios[round] = ours[round] / theirs[round]
            end
            local ratio, spread = statistics.median(ratios), statistics.spread(ratios)
            print(("%-42s %12.1f %12.1f %9.2f ± %.2f"):format(row.title, statistics.median(theirs), statistics.median(ours), ratio, spread))
        end
    end
end)
if not ok then
    io.stderr:write(tostring(err), "\n", line_of("tail -qn 5 " .. folder .. "/*/error.log"), "\n")
end
stop()
os.exit(ok)
