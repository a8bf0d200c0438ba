-- Calls on Lua 5.4 within one process, for callgrind (run.lua, instructions): some of each kind, then COUNT of one.
-- Arguments: the kind, or "none"; COUNT.
--   echo       64 bytes there and back
--   waiting    the same between two coroutines, whose sockets have a waiter: two waits
--   want-read  a WantRead of a socket that does not block, raised and caught
--   context    an empty context
local pair = dofile(arg[0]:match "^(.*/)" .. "pair.lua")
local ssl = require "cleat.ssl"

local client, server = pair.open()
local message = ("\0"):rep(64)
collectgarbage "stop" -- a cycle has more instructions than an echo

local kinds = {}

function kinds.echo(count)
    for _ = 1, count do
        client:sendall(message)
        server:sendall(server:recv(64))
        client:recv(64)
    end
end

local near, far = pair.open()
local function waiter()
    coroutine.yield()
    return true
end
near:setwaiter(waiter)
far:setwaiter(waiter)
local echoing = coroutine.wrap(function()
    while true do
        far:sendall(far:recv(64))
    end
end)

function kinds.waiting(count)
    local asking = coroutine.wrap(function()
        for _ = 1, count do
            near:sendall(message)
            near:recv(64)
        end
        return true
    end)
    while not asking() do
        echoing()
    end
end

function kinds.context(count)
    for _ = 1, count do
        ssl.SSLContext(ssl.PROTOCOL_TLS)
    end
end

local idle = pair.open()
idle:settimeout(0)

kinds["want-read"] = function(count)
    local recv, WantRead = idle.recv, ssl.SSLWantReadError
    for _ = 1, count do
        local ok, err = pcall(recv, idle, 64)
        assert(not ok and WantRead:is(err))
    end
end

for _, kind in ipairs { "echo", "waiting", "want-read", "context" } do
    kinds[kind](100)
end
if kinds[arg[1]] then
    kinds[arg[1]](tonumber(arg[2]))
end
-- Without lua_close: the cost of freeing all strings depends on their addresses, even on the path of this file, and is
-- up to 5 % of the echoes.
os.exit(true, false)
