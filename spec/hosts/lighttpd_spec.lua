-- lighttpd with the configuration and the scripts of docs/lighttpd.md.
local limits = require "support.limits"
local optional = require "support.optional"
local page = require "support.page"
local process = require "support.process"
local serve = require "support.serve"
local socket = require "cleat.socket"

local LIGHTTPD, MAGNET = "/usr/sbin/lighttpd", "/usr/lib/lighttpd/mod_magnet.so"
local build = os.getenv "CLEAT_BUILD_DIR" or process.root .. "/build/release"
local MODULES = build .. "/lua/5.4/?.so"

local missing = optional.file(LIGHTTPD) or optional.file(MAGNET)
if missing then
    return pending("lighttpd: " .. missing, function() end)
end

-- get waits until a port listens, and returns the status and the body of a page.
local function get(server, port, path)
    local deadline = process.clock() + limits.bound(60)
    while true do
        local ok, sock = pcall(socket.create_connection, { "127.0.0.1", port }, 60)
        if ok then
            sock:sendall(("GET %s HTTP/1.0\r\n\r\n"):format(path))
            local parts = {}
            repeat
                parts[#parts + 1] = sock:recv(65536)
            until parts[#parts] == ""
            sock:close()
            local status, body = table.concat(parts):match "^HTTP/1.%d (%d+).-\r\n\r\n(.*)$"
            return tonumber(status), body
        elseif server:poll() or process.clock() > deadline then
            error("lighttpd does not listen: " .. server:output() .. server:errors())
        end
        process.sleep(0.01)
    end
end

describe("lighttpd", function()
    teardown(process.cleanup)

    it("runs the configuration and scripts of docs/lighttpd.md", function()
        local certfile, keyfile = page.certificate()
        local function new_origin()
            local origin = process.start(process.lua { "spec/support/server.lua", "mode=http", "cert=" .. certfile,
                "key=" .. keyfile, timeout = 120 })
            return origin, tonumber((origin:wait_for "listening on (%d+)"))
        end
        local origin, origin_port = new_origin()
        local silent = socket.socket()
        silent:bind { "127.0.0.1", 0 }
        silent:listen(1)
        local folder = process.directory() .. "/"
        -- example.org is a server on this machine: a module that maps it, and time that the test moves
        process.write_file(folder .. "before.lua", ([[
            local target = { ["example.org:443"] = %d }
            require("support.example_org")(target)
            local function line(name)
                local file = io.open(%q .. name)
                local value = file and tonumber(file:read "*l")
                return value, file and file:close()
            end
            local time = os.time
            os.time = function()
                target["example.org:443"] = (line "port") or target["example.org:443"]
                return time() + ((line "clock") or 0)
            end
            return function()
                return (line "timeout") or 60
            end
        ]]):format(origin_port, folder))
        for _, block in ipairs(page.blocks("docs/lighttpd.md", "lua")) do
            local name = block.code:match "^%-%- /etc/lighttpd/(%S+)"
            process.write_file(folder .. name, "local seconds = require 'before' " .. block.code:gsub("/etc/lighttpd/", folder)
                :gsub("timeout = 1,", "timeout = seconds(),"))
        end
        local port = process.free_port()
        local config = page.blocks("docs/lighttpd.md", "lighttpd")[1].code
        config = config:gsub("/etc/lighttpd/", folder):gsub("/var/www/html", folder)
            :gsub("server.port = 8080", 'server.bind = "127.0.0.1"\nserver.errorlog = "/dev/stderr"\nserver.port = ' .. port)
        local server = process.start { "env", "CLEAT_LIBRARY=" .. build .. "/libcleat.so", "SSL_CERT_FILE=" .. certfile,
            "SSL_CERT_DIR=/nowhere", ("LUA_PATH=%s?.lua;%s/lua/?.lua;%s/spec/?.lua;;"):format(folder, process.root, process.root),
            "LUA_CPATH=" .. MODULES, LIGHTTPD, "-D", "-f", process.write_file(folder .. "lighttpd.conf", config), timeout = 120 }

        assert.are.same({ 200, "0123456789\n" }, { get(server, port, "/news") })
        origin:kill()
        assert.are.same({ 200, "0123456789\n" }, { get(server, port, "/news") }) -- kept
        process.write_file(folder .. "clock", "61\n")
        assert.are.same({ 200, "0123456789\n" }, { get(server, port, "/news") }) -- the request fails: the old answer
        -- a server that never answers: the request times out, and lighttpd continues to serve
        process.write_file(folder .. "port", silent:getsockname()[2] .. "\n")
        process.write_file(folder .. "clock", "72\n")
        process.write_file(folder .. "timeout", "0.2\n")
        assert.are.same({ 200, "0123456789\n" }, { get(server, port, "/news") })
        process.write_file(folder .. "timeout", "60\n")
        -- and one that is not trusted
        process.write_file(folder .. "port", serve({ mode = "http" }).port .. "\n")
        process.write_file(folder .. "clock", "83\n")
        assert.are.same({ 200, "0123456789\n" }, { get(server, port, "/news") })

        assert.are.same({ 503, "[Errno 2] No such file or directory: '" .. folder .. "server.pem'\n" },
            { get(server, port, "/certificate") })
        process.write_file(folder .. "server.pem", process.read_file(certfile))
        assert.are.same({ 503, "example.org: 1 days\n" }, { get(server, port, "/certificate") })
        process.write_file(folder .. "clock", 3600 - 30 * 86400 .. "\n")
        assert.are.same({ 200, "example.org: 31 days\n" }, { get(server, port, "/certificate") })
        assert.are.equal(404, (get(server, port, "/other")))
        assert.is_nil(server:poll())
        server:kill()
        local log = server:errors()
        -- a process that was killed may still be ending, and its kernel resets the connection
        assert.is_truthy(log:find("news.lua: connection refused", 1, true) or log:find("news.lua: [Errno 104]", 1, true), log)
        assert.is_truthy(log:find("news.lua: timeout", 1, true), log)
        assert.is_truthy(log:find("news.lua: [SSL: CERTIFICATE_VERIFY_FAILED]", 1, true), log)
        silent:close()
    end)
end)
