-- app: the Lua of the measured nginx worker, for bench/nginx/run.lua.
local ngx = ngx -- luacheck: ignore 113
local nginx = require "cleat.adapters.nginx"

local app = {}
local functions = { nginx = ngx.socket.tcp }

-- likewise, as nginx's OpenSSL offers them.
local function likewise(context)
    context:set_groups "X25519"
    context.ech_grease = false
end

function app.init(ca)
    functions.cleat = nginx.make_tcp { cafile = ca, configure = function(context)
        likewise(context)
        context.session_cache_size = 0
    end }
    functions.resuming = nginx.make_tcp { cafile = ca, configure = likewise }
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

-- visit makes a connection for one request, as programs without a pool do. The next connection may resume.
function operations.visit(tcp, port, state)
    local sock = open(tcp, port)
    state.session = assert(sock:sslhandshake(state.session, "localhost", true))
    exchange(sock, "/small")
    sock:close()
end

local POOL = { pool = "bench", pool_size = 10 }

local function request(path, files)
    return function(tcp, port, state)
        state.number = (state.number or 0) + 1
        local sock = open(tcp, port, POOL)
        if sock:getreusedtimes() == 0 then
            assert(sock:sslhandshake(false, "localhost", true))
        end
        exchange(sock, files and path .. state.number % files or path)
        assert(sock:setkeepalive(10000, 10))
    end
end

operations.request = request "/small"
operations.large = request("/large", 16) -- contents differ, as LuaJIT would find the string of the last response

-- spent returns this worker's CPU time in microseconds.
local function spent()
    local file = assert(io.open "/proc/self/schedstat")
    local nanoseconds = file:read "*n"
    file:close()
    return nanoseconds / 1000
end

-- run does an operation ?count times with nginx's cosockets and as often with ?other, alternating after ?turn
-- operations, and responds with the microseconds that each took. The turns are short, so that other load on the machine
-- affects both.
function app.run()
    local arg = ngx.var
    local operation, port, turn = operations[arg.arg_operation], tonumber(arg.arg_port), tonumber(arg.arg_turn)
    local sides = { { tcp = functions.nginx, state = {}, spent = 0 }, { tcp = functions[arg.arg_other], state = {}, spent = 0 } }
    for number = 0, tonumber(arg.arg_count) / turn do
        for place = 1, 2 do
            local side = sides[(number + place) % 2 + 1]
            local before = spent()
            for _ = 1, turn do
                operation(side.tcp, port, side.state)
            end
            if number > 0 then -- the first turn is a warm-up
                side.spent = side.spent + spent() - before
            end
        end
    end
    ngx.say(sides[1].spent / arg.arg_count, " ", sides[2].spent / arg.arg_count)
end

return app
