-- A client's full handshakes with a server in another process, for callgrind (run.lua, instructions). Arguments: the
-- server's port; how many.
local pair = dofile(arg[0]:match "^(.*/)" .. "pair.lua")
local socket = require "cleat.socket"

local context, address, options = pair.client_context(), { "127.0.0.1", tonumber(arg[1]) }, { server_hostname = "localhost" }
context:set_ecdh_curve "X25519" -- as in handshakes.c, and without GREASE, which costs 0.2 million instructions
context.ech_grease = false
collectgarbage "stop" -- a cycle would be counted
for _ = 1, tonumber(arg[2]) do
    local sock = socket.socket()
    sock:connect(address)
    context:wrap_socket(sock, options):close()
end
os.exit(true, false) -- see calls.lua
