-- Sends its input to a TLS echo server, line by line: echo_client.lua CAFILE HOST PORT
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local context = ssl.create_default_context { cafile = arg[1] }
local connection = socket.create_connection({ arg[2], tonumber(arg[3]) }, 10)
local stream = context:wrap_socket(connection, { server_hostname = arg[2] })
io.stderr:write(stream:version(), " ", stream:cipher()[1], "\n")

for line in io.lines() do
    stream:sendall(line .. "\n")
    local reply = ""
    repeat
        local data = stream:recv(4096)
        reply = reply .. data
    until data == "" or reply:sub(-1) == "\n"
    io.write(reply)
end
pcall(stream.unwrap, stream) -- sends close_notify; raises if the server closes without its own
stream:close()
