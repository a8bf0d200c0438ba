-- Real and fake Redis servers in the background, and the module lua-redis.
local optional = require "support.optional"
local process = require "support.process"

local redis = {}

-- missing: nil, or why no server can be started.
function redis.missing()
    return optional.program "redis-server"
end

-- start starts a server that writes no files. words: further arguments, such as "--requirepass", "secret"; port: nil
-- for a free one.
function redis.start(words, port)
    local function start(at)
        local command = { "redis-server", "--bind", "127.0.0.1", "--port", tostring(at), "--save", "", "--appendonly", "no",
            "--dir", process.directory(), timeout = 120 }
        for _, word in ipairs(words or {}) do
            command[#command + 1] = word
        end
        local server = process.start(command)
        local ok, message = pcall(server.wait_for, server, "(Ready to accept connections)", 20)
        if not ok then
            server:stop()
            error(message, 0)
        end
        return server
    end
    local server
    if port then
        server = start(port)
    else
        server, port = process.on_free_port(start)
    end
    server.port = port
    return server
end

-- fake starts a program that misbehaves in place of Redis: see fake_redis.py.
function redis.fake(mode, bytes)
    local hex = bytes and (bytes:gsub(".", function(byte)
        return ("%02x"):format(byte:byte())
    end))
    local server = process.start { "/usr/bin/python3", "-I", process.root .. "/spec/support/fake_redis.py", mode, hex, timeout = 120 }
    server.port = tonumber((server:wait_for "port (%d+)"))
    function server.connections()
        return select(2, server:output():gsub("connection", ""))
    end
    return server
end

-- library returns the module lua-redis, or nil. Debian installs it for Lua 5.1 to 5.3, but it is plain Lua, and runs on
-- each Lua for which LuaSocket is installed.
function redis.library()
    local path = package.path
    package.path = path .. ";/usr/share/lua/5.3/?.lua"
    local ok, library = pcall(require, "redis")
    package.path = path
    return ok and pcall(require, "socket") and library or nil
end

return redis
