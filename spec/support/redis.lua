-- Real Redis servers in the background, and the clients of other libraries.
local process = require "support.process"
local servers = require "support.servers"

local redis = {}

-- missing: nil, or why there can be no server: for pending().
function redis.missing()
    return servers.missing "redis-server"
end

-- tests: busted's it, for tests that are pending where there can be no server.
function redis.tests(it, pending)
    local excuse = redis.missing()
    return function(name, body)
        it(name, function()
            if excuse then
                pending(excuse)
            end
            body()
        end)
    end
end

-- start: a server without files. words: more of its arguments, such as "--requirepass", "secret"; port: nil for a free
-- one.
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

-- fake: a server in its place, see fake_redis.py.
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

-- library: redis-lua, nil without it. Debian installs it for Lua 5.1 to 5.3, but it is written in plain Lua; its
-- LuaSocket must be this Lua's.
function redis.library()
    local path = package.path
    package.path = path .. ";/usr/share/lua/5.3/?.lua"
    local ok, library = pcall(require, "redis")
    package.path = path
    return ok and pcall(require, "socket") and library or nil
end

return redis
