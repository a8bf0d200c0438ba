-- haproxy with the configuration and the scripts of docs/haproxy.md, while it serves other clients, and with failures.
local limits = require "support.limits"
local optional = require "support.optional"
local page = require "support.page"
local pki = require "support.pki"
local process = require "support.process"
local serve = require "support.serve"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local HAPROXY = "/usr/sbin/haproxy"
local build = os.getenv "CLEAT_BUILD_DIR" or process.root .. "/build/release"
local MODULES = build .. "/lua/5.3/?.so"

local missing = optional.file(HAPROXY)
    or optional.file(process.quote(build) .. "/lua/5.3/cleat/backend/native.so", "liblua5.3-dev")
if missing then
    return pending("haproxy: " .. missing, function() end)
end

-- A script that is loaded first: it makes example.org a server on this machine, and trusts its certificate.
local BEFORE = [[
require("support.example_org") { ["example.org:443"] = %d }
local ssl = require "cleat.ssl"
local create = ssl.create_default_context
rawset(ssl, "create_default_context", function(purpose)
    return create(purpose or { cafile = %q })
end)
]]

-- The beginning of each test's service.
local SCRIPT = [[
local https, socket, ssl = require "cleat.https", require "cleat.socket", require "cleat.ssl"
local waiter = require("cleat.adapters.haproxy").waiter
local context = ssl.create_default_context { cafile = %q }
local function answer(applet, ...)
    local words = {}
    for index = 1, select("#", ...) do
        words[index] = tostring((select(index, ...)))
    end
    local text = table.concat(words, " ")
    applet:set_status(200)
    applet:add_header("content-length", tostring(#text))
    applet:start_response()
    applet:send(text)
end
]]

local HEAD = [[
global
    nbthread 1
    tune.lua.forced-yield 20
    lua-prepend-path %s/lua/?.lua
    lua-prepend-path %s cpath
    lua-load %s
defaults
    mode http
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend web
    bind 127.0.0.1:%d
]]

-- start starts haproxy with a configuration and waits until it listens on all of the ports.
local function start(config, ...)
    local server = process.start { "env", "CLEAT_LIBRARY=" .. build .. "/libcleat.so",
        "LUA_PATH=" .. process.root .. "/spec/?.lua;;", HAPROXY, "-db", "-f", config, timeout = 120 }
    local deadline = process.clock() + limits.bound(60)
    for _, port in ipairs { ... } do
        while true do
            local sock = socket.socket()
            local ok = pcall(sock.connect, sock, { "127.0.0.1", port })
            sock:close()
            if ok then
                break
            elseif server:poll() or process.clock() > deadline then
                error("haproxy does not listen: " .. server:output() .. server:errors())
            end
            process.sleep(0.01)
        end
    end
    return server
end

-- ask sends a request and returns the socket; get returns status and body.
local function ask(port, path)
    local sock = socket.create_connection({ "127.0.0.1", port }, 60)
    sock:sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"):format(path))
    return sock
end

local function result_of(sock)
    local parts = {}
    repeat
        parts[#parts + 1] = sock:recv(65536)
    until parts[#parts] == ""
    sock:close()
    local status, body = table.concat(parts):match "^HTTP/1.1 (%d+).-\r\n\r\n(.*)$"
    return tonumber(status), body
end

local function get(port, path)
    return result_of(ask(port, path))
end

describe("haproxy", function()
    teardown(process.cleanup)

    it("runs the configuration and scripts of docs/haproxy.md, with two threads", function()
        local certfile, keyfile = page.certificate()
        local origin = process.start(process.lua { "spec/support/server.lua", "mode=http", "cert=" .. certfile,
            "key=" .. keyfile, timeout = 120 })
        local folder = process.directory() .. "/"
        process.write_file(folder .. "before.lua", BEFORE:format(tonumber((origin:wait_for "listening on (%d+)")), certfile))
        process.write_file(folder .. "server.pem", process.read_file(certfile) .. process.read_file(keyfile))
        for _, block in ipairs(page.blocks("docs/haproxy.md", "lua")) do
            local name = block.code:match "^%-%- /etc/haproxy/(%S+)"
            process.write_file(folder .. name, (block.code:gsub("/etc/haproxy/", folder)
                :gsub("timeout = 2 ", "timeout = 60 "):gsub("settimeout%(2%)", "settimeout(60)"))) -- timeouts for a busy machine
        end
        local web, echo = process.free_port(), process.free_port()
        local text = page.blocks("docs/haproxy.md", "haproxy")[1].code
        text = text:gsub("/usr/local/share/lua/5.3/%?.lua", process.root .. "/lua/?.lua")
            :gsub("/usr/local/lib/lua/5.3/%?.so", MODULES)
            :gsub("lua%-load%-per%-thread", "lua-load-per-thread " .. folder .. "before.lua\n    %0", 1)
            :gsub("/etc/haproxy/", folder):gsub(":8080", "127.0.0.1:" .. web):gsub(":8443", "127.0.0.1:" .. echo)
        local server = start(process.write_file(folder .. "haproxy.cfg", text), web, echo)

        for _ = 1, 3 do
            local status, body = get(web, "/")
            assert.are.equal("allowed", body)
            assert.are.equal(200, status)
        end
        assert.are.same({ 200, "TLSv1.3 HTTP/1.1 200 OK" }, { get(web, "/probe") })

        local context = ssl.create_default_context { cafile = certfile }
        for _ = 1, 4 do
            local plain = socket.create_connection({ "127.0.0.1", echo }, 60)
            local stream = context:wrap_socket(plain, { server_hostname = "example.org" })
            local data = ("0123456789"):rep(10000)
            stream:sendall(data)
            local parts, count = {}, 0
            while count < #data do
                parts[#parts + 1] = stream:recv(65536)
                count = count + #parts[#parts]
            end
            assert.is_true(table.concat(parts) == data)
            stream:unwrap():close()
        end
        -- the controls: the same service under another name, and without TLS, is refused
        local plain = socket.create_connection({ "127.0.0.1", echo }, 60)
        local ok, err = pcall(context.wrap_socket, context, plain, { server_hostname = "example.com" })
        assert.are.same({ false, "CERTIFICATE_VERIFY_FAILED", 62 }, { ok, err.reason, err.verify_code })
        plain = socket.create_connection({ "127.0.0.1", echo }, 60)
        plain:sendall "GET / HTTP/1.0\r\n\r\n"
        assert.are.equal("", plain:recv(100))
        plain:close()

        -- without the origin requests are denied, and the error is logged
        origin:kill()
        assert.are.equal(403, (get(web, "/")))
        assert.is_nil(server:poll())
        server:kill()
        assert.is_truthy(server:errors():find("allow: ", 1, true), server:errors())
    end)

    local function case(body)
        local file = process.directory() .. "/case.lua"
        process.write_file(file, SCRIPT:format(pki.path "root.pem") .. body)
        local port = process.free_port()
        local config = HEAD:format(process.root, MODULES, file, port)
        for name in body:gmatch 'register_service%("(%w+)"' do
            config = config .. ("    http-request use-service lua.%s if { path /%s }\n"):format(name, name)
        end
        return start(process.write_file(process.directory() .. "/case.cfg", config), port), port
    end

    it("serves other clients while a script waits, also with frequent forced yields", function()
        local silent = socket.socket()
        silent:bind { "127.0.0.1", 0 }
        silent:listen(16)
        silent:settimeout(60)
        local web = serve { mode = "http" }
        local server, port = case(([[
            core.register_service("slow", "http", function(applet)
                socket.setdefaultwaiter(waiter)
                answer(applet, https.request { url = "https://127.0.0.1:%d/", context = context, timeout = 60 })
            end)
            core.register_service("own", "http", function(applet)
                answer(applet, https.request { url = "https://127.0.0.1:%d/", context = context, transport = core.tcp, timeout = 60 })
            end)
            core.register_service("large", "http", function(applet)
                local count = 0
                local result, code = https.request { url = "https://localhost:%d/300000", context = context, sink = function(piece)
                    count = count + #(piece or "")
                    return 1
                end }
                answer(applet, result, code, count)
            end)
        ]]):format(silent:getsockname()[2], silent:getsockname()[2], web.port))
        local waiting, held = {}, {}
        for index, path in ipairs { "/slow", "/own", "/slow", "/own" } do
            waiting[index] = ask(port, path)
            held[index] = silent:accept()
        end
        for _ = 1, 2 do
            assert.are.same({ 200, "1 200 300000" }, { get(port, "/large") })
        end
        for index = 1, 4 do
            local request = held[index]
            request:settimeout(60)
            assert.is_true(#request:recv(65536) > 100)
            request:close()
            local status, body = result_of(waiting[index])
            assert.are.equal(200, status)
            assert.is_truthy(body:find("EOF occurred in violation of protocol", 1, true) or body:find("reset by peer", 1, true), body)
        end
        server:kill()
        silent:close()
    end)

    it("reports wrong names, unknown CAs, timeouts and refused connections", function()
        local web = serve { mode = "http" }
        local silent = socket.socket()
        silent:bind { "127.0.0.1", 0 }
        silent:listen(16)
        local refusing = process.refusing_port()
        local server, port = case(([[
            local strange = ssl.create_default_context { cafile = %q }
            local function try(context, transport, url)
                local result, err = https.request { url = url, context = context, transport = transport, timeout = %s }
                return result or type(err) == "table" and (err.verify_code or err.reason) or err
            end
            local function all(transport)
                local web, silent = "https://localhost:%d/5", "https://127.0.0.1:%d/"
                return try(context, transport, web), try(strange, transport, web),
                    try(context, transport, (web:gsub("localhost", "127.0.0.3"))),
                    try(context, transport, "https://127.0.0.1:%d/")
            end
            local function late(transport)
                return https.request { url = "https://127.0.0.1:%d/", context = context, transport = transport, timeout = 0.05 }
            end
            core.register_service("waiter", "http", function(applet)
                socket.setdefaultwaiter(waiter)
                answer(applet, all())
            end)
            core.register_service("tcp", "http", function(applet)
                answer(applet, all(core.tcp))
            end)
            core.register_service("late", "http", function(applet)
                answer(applet, select(2, late()), select(2, late(core.tcp)))
            end)
        ]]):format(pki.path "unknown-root.pem", "60", web.port, 0, refusing, silent:getsockname()[2]))
        local _, body = get(port, "/waiter")
        assert.are.equal("1 20 connection refused connection refused", body)
        _, body = get(port, "/tcp")
        assert.are.equal("1 20 connect of the socket of haproxy: Can't connect connect of the socket of haproxy: Can't connect", body)
        _, body = get(port, "/late")
        assert.are.equal("timeout timeout", body)
        server:kill()
        silent:close()
    end)
end)
