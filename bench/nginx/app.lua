-- app: what the measured worker of nginx does, for run.lua beside this file.
local ngx = ngx -- luacheck: ignore 113
local nginx = require "cleat.adapters.nginx"

local app = {}
local functions = { nginx = ngx.socket.tcp }

function app.init(ca)
    functions.cleat = nginx.make_tcp { cafile = ca, configure = function(context)
        context.session_cache_size = 0
        context.ech_grease = false -- which nginx's does not have
    end }
    functions.resuming = nginx.make_tcp { cafile = ca, configure = function(context)
        context.ech_grease = false
    end }
end

local operations = {}

local function open(tcp, port, options)
    local sock = tcp()
    sock:settimeout(5000)
    assert(sock:connect("127.0.0.1", port, options))
    return sock
end

local function exchange(sock, path)
    assert(sock:send { "GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n" })
    local length
    while true do
        local line = assert(sock:receive())
        if line == "" then
            break
        end
        length = line:match "^Content%-Length: (%d+)" or length
    end
    return assert(sock:receive(tonumber(length)))
end

function operations.handshake(tcp, port)
    local sock = open(tcp, port)
    assert(sock:sslhandshake(false, "localhost", true))
    sock:close()
end

-- visit: a connection for one request, as programs without a pool do it; the next one may resume.
function operations.visit(tcp, port, state)
    local sock = open(tcp, port)
    state.session = assert(sock:sslhandshake(state.session, "localhost", true))
    exchange(sock, "/small")
    sock:close()
end

local POOL = { pool = "bench", pool_size = 10 }

local function request(path)
    return function(tcp, port)
        local sock = open(tcp, port, POOL)
        if sock:getreusedtimes() == 0 then
            assert(sock:sslhandshake(false, "localhost", true))
        end
        exchange(sock, path)
        assert(sock:setkeepalive(10000, 10))
    end
end

operations.request = request "/small"
operations.large = request "/large"

-- spent: for how many microseconds this worker has been on a processor.
local function spent()
    local file = assert(io.open "/proc/self/schedstat")
    local nanoseconds = file:read "*n"
    file:close()
    return nanoseconds / 1000
end

--- run does an operation ?count times, and says how many microseconds each took.
function app.run()
    if ngx.var.arg_jit then jit[ngx.var.arg_jit]() end
    local arg = ngx.var
    local operation, tcp, port, count = operations[arg.arg_operation], functions[arg.arg_tcp], tonumber(arg.arg_port),
        tonumber(arg.arg_count)
    local state = {}
    for _ = 1, count / 10 do
        operation(tcp, port, state)
    end
    collectgarbage()
    local before = spent()
    for _ = 1, count do
        operation(tcp, port, state)
    end
    ngx.say((spent() - before) / count)
end

return app
