-- Usage: script/soak nginx [SECONDS]
--
-- nginx with two workers and cleat in them, for ten minutes: TLS over cosockets to nginx's own OpenSSL, with client
-- certificates, one request after the other from twenty clients at once; TLS on the request's own connection; and a
-- reload every three seconds.
-- Every answer must be right, nothing may be in the error log, and neither the master's nor the workers' memory may
-- grow.
local cleat_nginx = require "support.cleat_nginx"
local adapters = require "support.adapters"
local process = require "support.process"
local scheduler = require "support.scheduler"
local socket = require "cleat.socket"

local SECONDS = tonumber(arg[1]) or 600
local CLIENTS = 20
local RELOAD = 3 -- seconds between two
local GROWTH = 3000 -- kB of resident memory, of the master; of a worker of a certain age

local function say(format, ...)
    io.stderr:write(os.date "%H:%M:%S  ", format:format(...), "\n")
end

local function resident(pid)
    local file = io.open("/proc/" .. pid .. "/status")
    local text = file and file:read "*a" or ""
    if file then
        file:close()
    end
    return tonumber(text:match "VmRSS:%s+(%d+) kB")
end

local server = cleat_nginx.start(2, SECONDS + 60)
local port = server.ports[1]
local master = process.read_file(server.directory .. "/nginx.pid"):match "%d+"
local loop = scheduler.new()
local finish = process.clock() + SECONDS
local counts = { requests = 0, starttls = 0, reloads = 0 }
local workers = {} -- by process id: what it held at its first and last answers
local first, last -- the master's memory, once it has reloaded a few times, and at the end

local function open()
    local sock = socket.socket()
    sock:setwaiter(loop.waiter)
    sock:settimeout(20)
    sock:connect { "127.0.0.1", port }
    return sock
end

local function get(path)
    local sock = open()
    sock:sendall("GET " .. path .. " HTTP/1.0\r\n\r\n")
    local answer = adapters.receive(sock, math.huge)
    sock:close()
    counts.requests = counts.requests + 1
    return answer:match "\r\n\r\n(.*)$" or answer
end

local function starttls(context)
    local sock = open()
    sock:sendall "GET /starttls HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert(adapters.receive(sock, 11) == "220 ready\r\n")
    sock = context:wrap_socket(sock, { server_hostname = "localhost" })
    sock:sendall "shout"
    assert(sock:recv(10) == "SHOUT")
    sock:unwrap():close()
    counts.starttls = counts.starttls + 1
end

for number = 1, CLIENTS do
    loop:start(function()
        local context = adapters.client()
        local turn = number
        while process.clock() < finish do
            turn = turn + 1
            if turn % 10 == 0 then
                starttls(context)
            elseif turn % 10 == 5 then
                assert(get "/many?count=5" == "5\n")
            elseif turn % 100 == 51 then
                local pid, kib, ids = get "/garbage":match "^(%d+) (%d+) (%d+)"
                local rss = resident(pid)
                if rss then
                    local worker = workers[pid] or { requests = 0, first = rss, ids = tonumber(ids) }
                    workers[pid], worker.last, worker.kib = worker, rss, tonumber(kib)
                end
            else
                local answer = get "/fetch"
                assert(answer:find "CN=client.*|TLSv1.3 http/1.1 localhost", answer)
            end
        end
    end)
end

loop:start(function()
    local reload, report = process.clock() + RELOAD, process.clock() + 10
    while process.clock() < finish do
        coroutine.yield(process.clock() + 0.2)
        if process.clock() >= reload then
            reload = reload + RELOAD
            os.execute("kill -HUP " .. master)
            counts.reloads = counts.reloads + 1
            if counts.reloads == 3 then
                first = resident(master)
            end
        end
        if process.clock() >= report then
            report = report + 10
            say("%.0f s left: %d requests, %d STARTTLS, %d reloads, master %d kB", finish - process.clock(), counts.requests,
                counts.starttls, counts.reloads, resident(master))
        end
    end
end)

local ok, failure = pcall(loop.run, loop, SECONDS + 40)
last = resident(master)
local errors = cleat_nginx.errors_of(server)
server:stop()
process.cleanup()
if not ok then
    error(failure, 0)
end
local grown, seen = 0, 0
for _, worker in pairs(workers) do
    seen = seen + 1
    grown = math.max(grown, worker.last - worker.first)
end
print(("nginx: %d requests and %d STARTTLS in %d s with %d reloads; master %d kB after 3 reloads and %d kB at the end; "
    .. "a worker grew by %d kB at most (%d looked at)"):format(counts.requests, counts.starttls, SECONDS, counts.reloads, first or 0,
    last, grown, seen))
assert(errors == "", errors)
assert(not first or last - first < GROWTH, "the master has grown")
assert(grown < GROWTH, "a worker has grown")
