-- Echoes of 64 bytes within this process, for callgrind (run.lua, instructions). Argument: how many.
local pair = dofile(arg[0]:match "^(.*/)" .. "pair.lua")

local client, server = pair.open()
collectgarbage "stop" -- where its cycles fall decides over more instructions than an echo's methods have
local message = ("\0"):rep(64)
for _ = 1, tonumber(arg[1]) do
    client:sendall(message)
    server:sendall(server:recv(64))
    client:recv(64)
end
-- Without lua_close: how long it takes to free all strings at once depends on where they are, even on the path of this
-- file, and would count as up to 5 % of the echoes.
os.exit(true, false)
