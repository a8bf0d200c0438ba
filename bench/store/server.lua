-- A TLS 1.3 server under cqueues, for bench/store/run.lua: server.lua KIND CERTFILE KEYFILE REDIS_PORT. KIND says where
-- sessions are stored: "tickets", "tickets-1" (one ticket), "redis", "redis-1", "redis-once" (each resumes once),
-- "memory", "memory-1". With the argument "full" at the end it closes after each handshake.
local cqueues = require "cqueues"
local cqueues_socket = require "cqueues.socket"
local redis = require "cleat.sessions.redis"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local kind, certfile, keyfile, port = arg[1], arg[2], arg[3], tonumber(arg[4])
socket.setdefaultwaiter(require("cleat.adapters.cqueues").waiter)

local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain(certfile, keyfile)
if kind:find "%-1$" then
    context.num_tickets = 1
end
if kind:find "^memory" then
    local store = require("cleat.sessions.memory").new()
    store.remove = nil
    context:set_session_store(store)
elseif kind:find "^redis" then
    local store = redis.new { port = port, timeout = 5 }
    if kind ~= "redis-once" then
        store.remove = nil
    end
    function store.error(err)
        print("error " .. tostring(err))
    end
    context:set_session_store(store)
end

io.stdout:setvbuf "line"
local listener = cqueues_socket.listen { host = "127.0.0.1", port = 0, nodelay = true }
assert(listener:listen())
print("port " .. select(3, listener:localname()))

local function serve(accepted)
    local stream = context:wrap_socket(accepted, { server_side = true })
    if arg[5] ~= "full" then
        stream:recv(16)
        stream:sendall "."
        stream:recv(1)
    end
    stream:close()
end

local loop = cqueues.new()
loop:wrap(function()
    for accepted in listener:clients() do
        loop:wrap(function()
            local ok, failure = pcall(serve, accepted)
            if not ok then
                print("error " .. tostring(failure))
            end
        end)
    end
end)
assert(loop:loop())
