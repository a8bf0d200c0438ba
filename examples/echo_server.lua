-- A TLS echo server: echo_server.lua CERTFILE KEYFILE [PORT]
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain(arg[1], arg[2])
local listener = socket.socket()
listener:bind { "127.0.0.1", tonumber(arg[3] or 0) }
listener:listen(5)
io.stdout:setvbuf("line")
print("listening on " .. listener:getsockname()[2])

local function serve(connection)
    local stream = context:wrap_socket(connection, { server_side = true })
    repeat
        local data = stream:recv(4096)
        stream:sendall(data)
    until data == "" -- the client has sent close_notify
    local ok, plain = pcall(stream.unwrap, stream) -- sends close_notify; raises if the client is gone
    return (ok and plain or stream):close()
end
while true do
    print(pcall(serve, (listener:accept())))
end
