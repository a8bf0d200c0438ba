-- A TLS echo server under copas: copas.lua CERTFILE KEYFILE [PORT]
--
-- copas accepts the connections, and wrap_socket wraps its sockets. While a connection waits, copas runs other threads.
local copas = require "copas"
local luasocket = require "socket"
local ssl = require "cleat.ssl"

local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain(arg[1], arg[2])
local listener = assert(luasocket.bind("127.0.0.1", tonumber(arg[3] or 0), 128))
io.stdout:setvbuf "line"
print("listening on " .. select(2, listener:getsockname()))

local function serve(accepted)
    local stream = context:wrap_socket(copas.wrap(accepted), { server_side = true })
    repeat
        local data = stream:recv(4096)
        stream:sendall(data)
    until data == "" -- the client has sent close_notify
    stream:unwrap().socket:close()
end

copas.addserver(listener, function(accepted)
    local ok, failure = pcall(serve, accepted)
    if not ok then
        print(failure)
    end
end)
copas.loop()
