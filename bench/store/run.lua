-- store: CPU time of a server's handshakes with a store of sessions in Redis, and with tickets.
--
-- usage: script/lua bench/store/run.lua [--rounds N] [--clients N] [--count N] [--interpreter lua5.4|luajit]
--        [--handshakes resumed|full] [KIND…]
--
-- Each measurement starts a server (bench/store/server.lua, under cqueues) on core 0, and Redis and clients in plain C
-- on core 1. Each client resumes the session of its last connection, or none. The server's CPU time is measured. The
-- kinds alternate in each round, and each ratio is computed within a round: the output has medians, and half of the
-- interquartile range. Clients connect at the same time, so that several handshakes wait for Redis. Debian's
-- redis-server and lua-cqueues are needed, and the programs that `script/bench --quick context` builds.
local root = arg[0]:match "^(.*)/bench/store/" or "."
package.path = root .. "/bench/?.lua;" .. package.path
local socket = require "cleat.socket"
local command_line = require "lib.command_line"
local statistics = require "lib.statistics"

local options = { rounds = 9, clients = 8, count = 250, interpreter = "luajit", handshakes = "resumed" }
local kinds = command_line.read("store", options, { "tickets", "redis", "redis-1", "redis-once" })
local line_of = command_line.line_of

local folder = line_of "mktemp -d"
local client = os.getenv "BENCH_CLIENT" or root .. "/build/bench/bench/raw_client"
local certfile, keyfile, ca = line_of(("sh '%s/spec/support/pki.sh' '%s/pki' && echo '%s/pki/server-ec.pem'"):format(root, folder,
    folder)), folder .. "/pki/server-ec.key", folder .. "/pki/root.pem"

local function sleep(seconds)
    os.execute("sleep " .. seconds)
end

local running = {}

-- start starts a program, and returns its process id and the first match in its output.
local function start(core, command, pattern)
    local log = os.tmpname()
    local pid = line_of(("taskset -c %d %s >%s 2>&1 </dev/null & echo $!"):format(core, command, log))
    for _ = 1, 1000 do
        for line in io.lines(log) do
            local found = line:match(pattern)
            if found then
                running[pid] = { pid = pid, log = log, found = found }
                return running[pid]
            end
        end
        sleep "0.02"
    end
    local file = io.open(log)
    error(command .. ":\n" .. file:read "*a")
end

local function stop(program)
    os.execute(("kill -TERM %s; while kill -0 %s 2>/dev/null; do sleep 0.01; done"):format(program.pid, program.pid))
    os.remove(program.log)
    running[program.pid] = nil
end

-- on_processor returns a process's CPU time in microseconds.
local function on_processor(pid)
    local file = assert(io.open("/proc/" .. pid .. "/schedstat"))
    local nanoseconds = file:read "*n"
    file:close()
    return nanoseconds / 1000
end

local SETTINGS = "BENCH_NAME=localhost BENCH_GROUPS=X25519 BENCH_VERSION=1.3 BENCH_CLIENT_CERT= BENCH_NEW_CHAINS=none "
    .. "BENCH_EARLY_DATA=0"

-- visit lets all clients connect, and raises an error if a connection was not resumed.
local function visit(server, count)
    local command = ("BENCH_CA=%s %s taskset -c 1 %s %s %s %d"):format(ca, SETTINGS, client,
        options.handshakes == "full" and "visit" or "resume", server.found, count)
    local one = ("{ %s || echo failed; } &"):format(command)
    local answer = line_of(("{ %s wait; } 2>&1 | grep -v '^cpu' | head -n 1"):format(one:rep(options.clients, " ")))
    assert(not answer, answer)
end

local function now()
    return tonumber(line_of "date +%s.%N")
end

local function free_port()
    local probe = socket.socket()
    probe:bind { "127.0.0.1", 0 }
    local port = probe:getsockname()[2]
    probe:close()
    return port
end

local redis_port = free_port()
local redis = start(1, ("redis-server --bind 127.0.0.1 --port %d --save '' --appendonly no"):format(redis_port), "(Ready to accept)")

-- measure returns CPU microseconds for each handshake, of the server and of Redis, and handshakes a second.
local function measure(kind)
    local server = start(0, ("%s %s/bench/store/server.lua %s %s %s %d %s"):format(options.interpreter, root, kind, certfile,
        keyfile, redis_port, options.handshakes), "port (%d+)")
    visit(server, math.ceil(options.count / 5))
    local cpu, of_redis, began = on_processor(server.pid), on_processor(redis.pid), now()
    visit(server, options.count)
    local took = now() - began
    -- raw_client begins with a warm-up of a tenth of the connections, and one more
    local beside = options.handshakes == "full" and 0 or math.floor(options.count / 10) + 1
    local handshakes = options.clients * (options.count + beside)
    cpu, of_redis = (on_processor(server.pid) - cpu) / handshakes, (on_processor(redis.pid) - of_redis) / handshakes
    stop(server)
    return { cpu = cpu, redis = of_redis, rate = handshakes / took }
end

local found = {}
for _, kind in ipairs(kinds) do
    found[kind] = { cpu = {}, redis = {}, rate = {} }
end
local ok, err = xpcall(function()
    for round = 1, options.rounds do
        for offset = 0, #kinds - 1 do
            local kind = kinds[(round + offset) % #kinds + 1]
            for name, value in pairs(measure(kind)) do
                found[kind][name][round] = value
            end
        end
        io.stderr:write(("round %d of %d\n"):format(round, options.rounds))
    end
end, debug.traceback)
for _, program in pairs(running) do
    stop(program)
end
os.execute("rm -rf " .. folder)
if not ok then
    io.stderr:write(err, "\n")
    os.exit(1)
end

local base = found[kinds[1]]
print(("%-12s %10s %18s %16s %10s %8s"):format("", "server us", "handshakes/core-s", "of " .. kinds[1], "wall /s", "Redis us"))
for _, kind in ipairs(kinds) do
    local of = found[kind]
    local ratios = statistics.ratios(base.cpu, of.cpu)
    print(("%-12s %10.1f %18.0f %8.3f ± %4.1f%% %10.0f %8.1f"):format(kind, statistics.median(of.cpu),
        1e6 / statistics.median(of.cpu), statistics.median(ratios), statistics.spread(ratios) * 100,
        statistics.median(of.rate), statistics.median(of.redis)))
end
