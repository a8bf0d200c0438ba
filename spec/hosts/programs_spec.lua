-- Programs that embed Lua and link another TLS library: haproxy and apache's mod_lua (Lua 5.3), tshark (Lua 5.2). A
-- script in each uses cleat while the program uses its OpenSSL. (spec/adapters has nginx, with LuaJIT.)
local https = require "cleat.https"
local limits = require "support.limits"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local serve = require "support.serve"

local quote = process.quote
local build = os.getenv "CLEAT_BUILD_DIR" or process.root .. "/build/release"

local function output_of(command)
    local pipe = io.popen(command .. " 2>/dev/null")
    local text = pipe:read "*a"
    pipe:close()
    return text
end

local is_root = output_of "id -u" == "0\n"

-- place_of makes a folder that every user may read, with cleat for a version of Lua, and the certificates: some of the
-- programs drop root privileges.
local function place_of(version)
    local folder = process.directory() .. "/host-" .. version
    os.execute(([[
        chmod 755 %s && mkdir -p %s && cd %s && cp -r %s/lua lua && mkdir -p build/lua/%s/cleat/backend &&
        cp %s/lua/%s/cleat/backend/native.so build/lua/%s/cleat/backend/ && cp -L %s/libcleat.so.0 build/ &&
        cp %s %s . && cp %s/spec/support/host.lua . && chmod -R a+rX . && mkdir -p work && chmod 777 work
    ]]):format(quote(process.directory()), quote(folder), quote(folder), quote(process.root), version, quote(build),
        version, version, quote(build), quote(pki.path "root.pem"), quote(pki.path "unknown-root.pem"), quote(process.root)))
    return folder
end

-- it_in: a test in a program, which needs the native module for the program's Lua.
local function it_in(name, path, version, body)
    local missing = optional.file(path) or optional.file(("%s/lua/%s/cleat/backend/native.so"):format(quote(build), version),
        "liblua" .. version .. "-dev")
    optional.tests(it, pending, missing)(name, body)
end

-- expected returns the output of support/host.lua. Not every program has loaded OpenSSL.
local function expected(version, has_openssl)
    return ("Lua %s, native\nTLSv1.3, cleat tests, from the host\nfalse, CERTIFICATE_VERIFY_FAILED, 62\n" ..
        "false, CERTIFICATE_VERIFY_FAILED, 20\nOpenSSL of the host: %s\nBoringSSL\n"):format(version, tostring(has_openssl))
end

-- answer_of returns the response of the program's own HTTPS server, fetched by cleat.
local function answer_of(server, port)
    local deadline = process.clock() + limits.bound(30)
    while true do
        local parts = {}
        local body, code = https.request {
            url = ("https://localhost:%d/cleat"):format(port), cafile = pki.path "root.pem", timeout = 30,
            sink = function(chunk)
                parts[#parts + 1] = chunk
                return 1
            end,
        }
        if body and code == 200 then
            return table.concat(parts)
        elseif body or server:poll() or process.clock() > deadline then
            error(("no answer: %s %s\n%s%s"):format(tostring(body), tostring(code), server:output(), server:errors()), 0)
        end
        process.sleep(0.02)
    end
end

describe("cleat runs in", function()
    local peer
    setup(function()
        peer = serve {}
    end)
    teardown(process.cleanup)

    it_in("a service of haproxy", "/usr/sbin/haproxy", "5.3", function()
        local folder = place_of "5.3"
        local certfile, keyfile = pki.chain "server-ec"
        process.write_file(folder .. "/both.pem", process.read_file(certfile) .. process.read_file(keyfile))
        process.write_file(folder .. "/service.lua", ([[
            local found = dofile(%q)(%q, %d) -- at haproxy's start
            core.register_service("cleat", "http", function(applet)
                local text = found .. dofile(%q)(%q, %d) -- and in a request
                applet:set_status(200)
                applet:add_header("content-length", tostring(#text))
                applet:start_response()
                applet:send(text)
            end)
        ]]):format(folder .. "/host.lua", folder, peer.port, folder .. "/host.lua", folder, peer.port))
        local port = process.free_port()
        process.write_file(folder .. "/haproxy.cfg", ([[
global
    lua-load %s/service.lua
    # the service blocks while it talks to its peer
    tune.lua.service-timeout 60s
defaults
    mode http
    timeout connect 30s
    timeout client 30s
    timeout server 60s
frontend front
    bind 127.0.0.1:%d ssl crt %s/both.pem
    http-request use-service lua.cleat
]]):format(folder, port, folder))
        local server = process.start { "/usr/sbin/haproxy", "-db", "-f", folder .. "/haproxy.cfg", timeout = 120 }
        local wanted = expected("5.3", true)
        assert.are.equal(wanted .. wanted, answer_of(server, port))
        server:kill()
    end)

    it_in("a handler of apache's mod_lua", "/usr/lib/apache2/modules/mod_lua.so", "5.3", function()
        local folder = place_of "5.3"
        local certfile, keyfile = pki.chain "server-ec"
        process.write_file(folder .. "/handler.lua", ([[
            function handle(request)
                request.content_type = "text/plain"
                request:puts((dofile(%q)(%q, %d)))
                return apache2.OK
            end
        ]]):format(folder .. "/host.lua", folder, peer.port))
        os.execute(("chmod a+r %s/handler.lua"):format(quote(folder)))
        local port = process.free_port()
        process.write_file(folder .. "/apache.conf", ([[
ServerRoot %s
ServerName localhost
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule lua_module /usr/lib/apache2/modules/mod_lua.so
%s
DefaultRuntimeDir %s/work
PidFile work/pid
ErrorLog /dev/stderr
DocumentRoot %s/work
Listen 127.0.0.1:%d
SSLEngine on
SSLCertificateFile %s
SSLCertificateKeyFile %s
LuaMapHandler /cleat %s/handler.lua handle
]]):format(folder, is_root and "User www-data\nGroup www-data" or "", folder, folder, port, certfile, keyfile, folder))
        local server = process.start { "/usr/sbin/apache2", "-DFOREGROUND", "-f", folder .. "/apache.conf", timeout = 120 }
        assert.are.equal(expected("5.3", true), answer_of(server, port))
        server:kill()
    end)

    it_in("a script of tshark", "/usr/bin/tshark", "5.2", function()
        local folder = place_of "5.2"
        process.write_file(folder .. "/script.lua", ([[
            io.stdout:write((dofile(%q)(%q, %d)))
        ]]):format(folder .. "/host.lua", folder, peer.port))
        -- a capture without packets
        process.write_file(folder .. "/empty.pcap", "\212\195\178\161\2\0\4\0" .. ("\0"):rep(8) .. "\255\255\0\0\1\0\0\0")
        os.execute(("chmod -R a+r %s"):format(quote(folder)))
        local result = process.run {
            "env", "HOME=" .. folder .. "/work", "/usr/bin/tshark", "-X", "lua_script:" .. folder .. "/script.lua",
            "-r", folder .. "/empty.pcap", timeout = 120,
        }
        local has_openssl = result.output:find("OpenSSL of the host: true", 1, true) ~= nil
        assert.are.equal(expected("5.2", has_openssl), result.output, result.errors)
    end)
end)
