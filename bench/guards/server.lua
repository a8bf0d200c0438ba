-- A server for handshakes (run.lua, syscalls and instructions): prints its port, echoes on each connection, one
-- after the other, and ends after the last. Argument: the number of connections (1).
local pair = dofile(arg[0]:match "^(.*/)" .. "pair.lua")
local socket = require "cleat.socket"

local context = pair.server_context()
local listener = socket.socket()
listener:bind { "127.0.0.1", 0 }
listener:listen(8)
print("port " .. listener:getsockname()[2])
io.stdout:flush()
listener:settimeout(30)
for _ = 1, tonumber(arg[1] or 1) do
    local plain = listener:accept()
    plain:settimeout(30)
    local conn = context:wrap_socket(plain, { server_side = true })
    pcall(function()
        repeat
            local data = conn:recv(16384)
            conn:sendall(data)
        until data == ""
    end)
    conn:close()
end
