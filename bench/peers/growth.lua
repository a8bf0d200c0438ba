-- Whether a connection costs the same when there are many (cleat, on either Lua). growth.lua idle|handshakes PORT COUNT
-- prints "step N bytes CPU" for growing numbers N: of idle connections held, the memory of one and the CPU time of the
-- handshakes since the last step; of handshakes done one after the other, the process's memory and the CPU time of one.
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local operation, port, count = arg[1], tonumber(arg[2]), tonumber(arg[3])
local context = ssl.create_default_context { cafile = os.getenv "BENCH_CA" }
context.minimum_version = ssl.TLSVersion.TLSv1_3
context:set_ecdh_curve(os.getenv "BENCH_GROUPS")
context.session_cache_size = 0 -- full handshakes
local options, address = { server_hostname = os.getenv "BENCH_NAME" }, { "127.0.0.1", port }

local IP, IP_BIND_ADDRESS_NO_PORT, PORTS = 0, 24, 5000

-- With 20,000 ports in use the system takes longer and longer to find a free one: each 5,000 connections have
-- another address.
local function handshake(number)
    local sock = socket.socket()
    sock:setsockopt(IP, IP_BIND_ADDRESS_NO_PORT, 1)
    sock:bind { "127.0.0." .. 1 + math.floor(number / PORTS) % 200, 0 }
    sock:connect(address)
    return context:wrap_socket(sock, options)
end

local function hold(number)
    local conn = handshake(number)
    conn:sendall(("I%015d"):format(0))
    assert(conn:recv(1) == ".")
    return conn
end

local function resident()
    collectgarbage()
    collectgarbage()
    local file = assert(io.open "/proc/self/statm")
    local pages = file:read("*a"):match "^%d+ (%d+)"
    file:close()
    return pages * 4096
end

local STEPS = { 100, 1000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000 }
local held = {} -- luacheck: ignore 241
for number = 1, operation == "idle" and count or 0 do -- room in the table is the program's, not the connections'
    held[number] = false
end

local function work(number)
    if operation == "idle" then
        held[number] = hold(number)
    else
        handshake(number):close()
    end
end

for _ = 1, 50 do -- what is made once
    hold(0):close()
end

local base = resident()
local done = 0
for index, step in ipairs(STEPS) do
    step = math.min(step, count)
    if step <= done then
        break
    end
    local before, start = done, os.clock()
    for number = done + 1, step do
        work(number)
    end
    done = step
    local seconds = os.clock() - start
    local bytes = resident()
    print(("step %d %.0f %.9f"):format(step, operation == "idle" and (bytes - base) / step or bytes, seconds / (step - before)))
    io.stdout:flush()
    if not STEPS[index + 1] then
        break
    end
end
os.exit(0, false)
