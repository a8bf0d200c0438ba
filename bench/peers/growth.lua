-- Measures whether cost grows with number (cleat, on either Lua). growth.lua OPERATION PORT COUNT STEP… prints "step N
-- bytes CPU" at each step: the memory, and the mean CPU time since the last step.
--
--   idle        connections held: the memory of one
--   handshakes  done one after the other: the memory of the process
--   received    MB, all through one connection: the memory of the process
--   sent        the same in the other direction
--   objects     connections over memory, half of them clients, half servers, held: the memory of one
--   contexts    with a certificate, a key and a CA, held: the memory of one
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local operation, port, count = arg[1], tonumber(arg[2]), tonumber(arg[3])
local context = ssl.create_default_context { cafile = os.getenv "BENCH_CA" }
context.minimum_version = ssl.TLSVersion.TLSv1_3
context:set_ecdh_curve(os.getenv "BENCH_GROUPS")
context.session_cache_size = 0 -- full handshakes
local options, address = { server_hostname = os.getenv "BENCH_NAME" }, { "127.0.0.1", port }

local IP, IP_BIND_ADDRESS_NO_PORT, PORTS = 0, 24, 5000
local MEGABYTE = 1048576

-- With 20,000 ports in use the system needs long to find a free one, so each 5,000 connections have another address.
local function handshake(number)
    local sock = socket.socket()
    sock:setsockopt(IP, IP_BIND_ADDRESS_NO_PORT, 1)
    sock:bind { "127.0.0." .. 1 + math.floor(number / PORTS) % 200, 0 }
    sock:connect(address)
    return context:wrap_socket(sock, options)
end

local server_context

local function serving()
    local made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, { cafile = os.getenv "BENCH_CA" })
    made:load_cert_chain(os.getenv "BENCH_CERT", os.getenv "BENCH_KEY")
    return made
end

-- pair returns both ends of a connection over memory, after the handshake and a byte in each direction.
local function pair()
    server_context = server_context or serving()
    local to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    local client = context:wrap_bio(to_client, to_server, options)
    local server = server_context:wrap_bio(to_server, to_client, { server_side = true })
    local function step(conn)
        local ok, err = pcall(conn.do_handshake, conn)
        return ok or ssl.SSLWantReadError:is(err) or error(err, 0)
    end
    step(client)
    step(server)
    client:do_handshake()
    server:do_handshake()
    client:write "x"
    server:write "y"
    assert(server:read(1) == "x" and client:read(1) == "y")
    return client, server
end

local function open(letter, number)
    local conn = handshake(0)
    conn:sendall(("%s%015d"):format(letter, number))
    return conn
end

local held = {} -- luacheck: ignore 241
local HOLDS = { idle = true, objects = true, contexts = true }
for number = 1, HOLDS[operation] and count or 0 do -- grows the table in advance
    held[number] = false
end

local work = {}

function work.idle(number)
    local conn = handshake(number)
    conn:sendall(("I%015d"):format(0))
    assert(conn:recv(1) == ".")
    held[number] = conn
end

function work.handshakes(number)
    handshake(number):close()
end

function work.contexts(number)
    held[number] = serving()
end

-- Each call makes two objects, so every second call does nothing.
function work.objects(number)
    if number % 2 == 0 then
        held[number - 1], held[number] = pair()
    end
end

-- One MB on one connection.
local conn
local buffer, piece = socket.buffer(16384), ("\0"):rep(65536)

function work.received()
    conn = conn or open("S", count * MEGABYTE)
    local left = MEGABYTE
    while left > 0 do
        left = left - conn:recv_into(buffer, math.min(left, 16384))
    end
end

function work.sent()
    conn = conn or open("D", count * MEGABYTE)
    for _ = 1, MEGABYTE / #piece do
        conn:sendall(piece)
    end
end

local function resident()
    collectgarbage()
    collectgarbage()
    local file = assert(io.open "/proc/self/statm")
    local pages = file:read("*a"):match "^%d+ (%d+)"
    file:close()
    return pages * 4096
end

for _ = 1, (operation == "received" or operation == "sent") and 0 or 50 do -- warm-up
    work[operation](2)
end
held[2] = HOLDS[operation] and false or nil

local base, done = resident(), 0
for index = 4, #arg do
    local step = math.min(tonumber(arg[index]), count)
    if step <= done then
        break
    end
    local before, start = done, os.clock()
    for number = done + 1, step do
        work[operation](number)
    end
    done = step
    local seconds = os.clock() - start
    local bytes = resident()
    print(("step %d %.0f %.9f"):format(step, HOLDS[operation] and (bytes - base) / step or bytes, seconds / (step - before)))
    io.stdout:flush()
end
os.exit(0, false)
