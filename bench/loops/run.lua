-- loops: CPU time of an echo of 64 bytes, for a server with a thousand TLS connections, under each event loop.
--
-- usage: script/lua bench/loops/run.lua [--rounds N] [--connections N] [--echoes N] [--interpreter lua5.4|luajit]
--        [LOOP…]
--
-- LOOP is copas, cqueues, luasocket (its select) or luv. Each measurement starts a server on core 0, one of
-- examples/event_loops (cleat) or bench/loops/luasec.lua (LuaSec; luaossl with cqueues), and opens the connections from
-- core 1. All of them send 64 bytes, then all receive them, repeatedly. The output has the server's CPU time in
-- microseconds for each echo, without the handshakes, and its memory for each connection. The servers alternate in each
-- round, and each ratio is computed within a round: the output has medians, and half of the interquartile range.
-- Debian's lua-copas, lua-cqueues, lua-luaossl, lua-luv, lua-sec and lua-socket are needed. select supports about 1,000
-- connections.
local root = arg[0]:match "^(.*)/bench/loops/" or "."
package.path = root .. "/bench/?.lua;" .. package.path
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local command_line = require "lib.command_line"
local statistics = require "lib.statistics"

local LOOPS = { "copas", "cqueues", "luasocket", "luv" }
-- The servers of a loop. Debian's copas 1 cannot wait for LuaSec's connections.
local SIDES = { cqueues = { "cleat", "luasec" }, luasocket = { "cleat", "luasec" }, luv = { "cleat", "luasec" }, copas = { "cleat" } }

local options = { rounds = 5, connections = 1000, echoes = 20, interpreter = "lua5.4" }
local loops = command_line.read("loops", options, LOOPS)
local line_of = command_line.line_of

local folder = line_of "mktemp -d"
os.execute(("sh '%s/spec/support/pki.sh' '%s'"):format(root, folder))
local context = ssl.create_default_context { cafile = folder .. "/root.pem" }
context:set_groups "X25519"

local started = 0

-- start starts a server, and returns its process id and port.
local function start(side, loop)
    local script = side == "cleat" and ("%s/examples/event_loops/%s.lua"):format(root, loop)
        or ("%s/bench/loops/luasec.lua %s"):format(root, loop)
    started = started + 1
    local log = ("%s/log-%d"):format(folder, started) -- a separate log, as each has a port
    -- Debian has copas for Lua 5.1 and 5.2; it is plain Lua
    local pid = line_of(("LUA_PATH=\"$LUA_PATH;/usr/share/lua/5.2/?.lua\" taskset -c 0 %s %s %s/server-ec.pem %s/server-ec.key " ..
        ">%s 2>&1 </dev/null & echo $!"):format(options.interpreter, script, folder, folder, log))
    for _ = 1, 500 do
        local file = io.open(log)
        local text = file and file:read "*a" or ""
        if file then
            file:close()
        end
        local port = text:match "listening on (%d+)"
        if port then
            return { pid = pid, port = tonumber(port) }
        end
        os.execute "sleep 0.02"
    end
    return error(side .. " under " .. loop .. ":\n" .. io.open(log):read "*a", 0)
end

local function number_of(file, pattern)
    local opened = assert(io.open(file))
    local text = opened:read "*a"
    opened:close()
    return tonumber(text:match(pattern))
end

local function on_processor(pid) -- in microseconds
    return number_of("/proc/" .. pid .. "/schedstat", "^(%d+)") / 1000
end

local function resident(pid) -- in bytes
    return number_of("/proc/" .. pid .. "/status", "VmRSS:%s+(%d+) kB") * 1024
end

local function echo(streams)
    local data = ("x"):rep(64)
    for _, stream in ipairs(streams) do
        stream:sendall(data)
    end
    for _, stream in ipairs(streams) do
        local count = 0
        while count < #data do
            local piece = stream:recv(#data)
            assert(piece ~= "", "the server has closed a connection")
            count = count + #piece
        end
    end
end

local function measure(side, loop)
    local server = start(side, loop)
    local ok, result = pcall(function()
        local before, streams = resident(server.pid), {}
        for each = 1, options.connections do
            local plain = socket.create_connection({ "127.0.0.1", server.port }, 30)
            streams[each] = context:wrap_socket(plain, { server_hostname = "localhost" })
        end
        echo(streams) -- the first echo reads the session tickets, too
        local memory = (resident(server.pid) - before) / #streams
        local began = on_processor(server.pid)
        for _ = 1, options.echoes do
            echo(streams)
        end
        local cpu = (on_processor(server.pid) - began) / (options.echoes * #streams)
        for _, stream in ipairs(streams) do
            stream:close()
        end
        return { cpu = cpu, memory = memory }
    end)
    os.execute(("kill -TERM %s; while kill -0 %s 2>/dev/null; do sleep 0.01; done"):format(server.pid, server.pid))
    return ok and result or error(("%s under %s: %s"):format(side, loop, tostring(result)), 0)
end

os.execute(("taskset -cp 1 %s >/dev/null"):format(line_of "echo $PPID"))
local found = {}
for _, loop in ipairs(loops) do
    found[loop] = {}
    for _, side in ipairs(SIDES[loop] or error("no event loop " .. loop, 0)) do
        found[loop][side] = { cpu = {}, memory = {} }
    end
end
local ok, err = pcall(function()
    for round = 1, options.rounds do
        for _, loop in ipairs(loops) do
            local sides = SIDES[loop]
            for offset = 1, #sides do
                local side = sides[(round + offset) % #sides + 1]
                for name, value in pairs(measure(side, loop)) do
                    found[loop][side][name][round] = value
                end
            end
        end
        io.stderr:write(("round %d of %d\n"):format(round, options.rounds))
    end
end)
os.execute("rm -rf " .. folder)
if not ok then
    io.stderr:write("loops: ", tostring(err), "\n")
    os.exit(1)
end

print(("%-10s %10s %10s %16s %12s %12s"):format("", "cleat us", "LuaSec us", "ratio", "cleat bytes", "LuaSec bytes"))
for _, loop in ipairs(loops) do
    local cleat, luasec = found[loop].cleat, found[loop].luasec
    local function middle(values)
        return ("%.1f"):format(statistics.median(values))
    end
    local ratios = luasec and statistics.ratios(cleat.cpu, luasec.cpu)
    print(("%-10s %10s %10s %16s %12s %12s"):format(loop, middle(cleat.cpu), luasec and middle(luasec.cpu) or "-",
        ratios and ("%.2f ± %.1f%%"):format(statistics.median(ratios), statistics.spread(ratios) * 100) or "-",
        middle(cleat.memory), luasec and middle(luasec.memory) or "-"))
end
