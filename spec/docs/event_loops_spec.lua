-- The echo servers of examples/event_loops, each with 1,000 connections of Python's at once in its one thread.
local adapters = require "support.adapters"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"

-- A thousand where it is about the thousand; fewer where it is about memory errors or another BoringSSL.
local build = os.getenv "CLEAT_BUILD_DIR" or "release"
local COUNT = build:find "release$" and 1000 or 50
local BYTES = 4 * 3000 -- of each, see crowd.py

local function resident(pid)
    return tonumber(process.read_file("/proc/" .. pid .. "/status"):match "VmRSS:%s+(%d+) kB")
end

-- child_of: the program that timeout(1) runs.
local function child_of(pid)
    return process.read_file(("/proc/%s/task/%s/children"):format(pid, pid)):match "%d+"
end

-- start runs an example, and returns it, its port, and its process id.
local function start(name)
    local certfile, keyfile = pki.chain "server-ec"
    local command = process.lua { "LUA_PATH=" .. adapters.path(), "examples/event_loops/" .. name .. ".lua", certfile, keyfile }
    command.timeout = 120
    local server = process.start(command)
    return server, server:wait_for "listening on (%d+)", child_of(server.pid)
end

describe("under", function()
    teardown(process.cleanup)

    for _, name in ipairs { "cqueues", "copas", "luv", "luasocket" } do
        local missing = optional.code(process.read_file(("%s/examples/event_loops/%s.lua"):format(process.root, name)))
        optional.tests(it, pending, missing)(("%s, %d connections are served by one thread"):format(name, COUNT), function()
            local server, port, pid = start(name)
            local before = resident(pid)
            local fifo = process.directory() .. "/go-" .. name
            os.execute("mkfifo " .. fifo)
            local crowd = process.start { "sh", "-c", "exec /usr/bin/python3 -I '" .. process.root ..
                "/spec/support/crowd.py' " .. port .. " " .. COUNT .. " '" .. pki.path "root.pem" .. "' <'" .. fifo .. "'",
                timeout = 120 }
            local go = assert(io.open(fifo, "w"))
            assert.are.equal(tostring(COUNT), (crowd:wait_for("held (%d+)", 100)))
            local threads = process.read_file("/proc/" .. pid .. "/status"):match "Threads:%s+(%d+)"
            local per_connection = math.floor((resident(pid) - before) * 1024 / COUNT)
            go:write "go\n"
            go:close()
            assert.are.equal(tostring(COUNT * BYTES), (crowd:wait_for("echoed (%d+)", 100)))
            assert.are.equal(0, crowd:wait(20))
            assert.are.equal("1", threads)
            -- one that does not trust us is reported, and disturbs no other client
            local sock = socket.create_connection({ "127.0.0.1", tonumber(port) }, 10)
            local context = adapters.client { cafile = "unknown-root.pem" }
            assert.is_false(pcall(context.wrap_socket, context, sock, { server_hostname = "localhost" }))
            server:wait_for "TLSV1_ALERT_UNKNOWN_CA"
            assert.is_nil(server:poll())
            server:stop()
            assert.is_true(per_connection < 60000 or not build:find "release$", per_connection .. " bytes for each connection")
            print(("\n    %s, %s: %d bytes of memory for each of %d connections"):format(name,
                rawget(_G, "jit") and "LuaJIT" or _VERSION, per_connection, COUNT))
        end)
    end
end)
