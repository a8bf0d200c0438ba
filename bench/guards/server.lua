-- A server for one handshake (run.lua, syscalls): prints its port, echoes what comes on the first connection, and ends
-- with it.
local pair = dofile(arg[0]:match "^(.*/)" .. "pair.lua")
local socket = require "cleat.socket"

local listener = socket.socket()
listener:bind { "127.0.0.1", 0 }
listener:listen(1)
print("port " .. listener:getsockname()[2])
io.stdout:flush()
listener:settimeout(30)
local plain = listener:accept()
plain:settimeout(30)
local conn = pair.server_context():wrap_socket(plain, { server_side = true })
pcall(function()
    repeat
        local data = conn:recv(16384)
        conn:sendall(data)
    until data == ""
end)
