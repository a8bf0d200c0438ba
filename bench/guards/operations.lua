-- Does each operation once, for strace (run.lua, syscalls). Before and after each is a mark, an attempt to open a file
-- that does not exist. Arguments: the port of a server for the handshake; the command of a client for accept.
local pair = dofile(arg[0]:match "^(.*/)" .. "pair.lua")
local select = require "cleat.select"
local socket = require "cleat.socket"

local open = io.open

local function mark(name)
    open("/guard/" .. name)
end

local function measured(name, operation, ...)
    mark(name)
    local result = operation(...)
    mark "-"
    return result
end

collectgarbage "stop" -- a finalizer closes descriptors

-- A client's whole connection. The server responds late, so that the client always has to wait.
local context, address, options = pair.client_context(), { "127.0.0.1", tonumber(arg[1]) }, { server_hostname = "localhost" }
context:set_ecdh_curve "X25519" -- both versions of BoringSSL have it; a ServerHello with X25519MLKEM768 needs a separate recv
local conn = measured("handshake", function()
    local sock = socket.socket()
    sock:connect(address)
    return context:wrap_socket(sock, options)
end)
conn:sendall "."
conn:recv(1) -- and the session tickets
measured("echo", function()
    conn:sendall "."
    return conn:recv(1)
end)
conn:settimeout(10)
conn:sendall "."
measured("timeout-read-and-wait", conn.recv, conn, 1)
measured("close", conn.close, conn)

-- A server's whole connection. The client is late as well.
local listener = socket.socket()
listener:bind { "127.0.0.1", 0 }
listener:listen(1)
local listening = pair.server_context():wrap_socket(listener, { server_side = true })
local visitor = io.popen(arg[2] .. " " .. listener:getsockname()[2])
local visited = measured("accept", listening.accept, listening)
visited:close()
visitor:close()
listening:close()

local client, server = pair.open()
local piece, record, message = ("\0"):rep(65536), ("\0"):rep(16384), ("\0"):rep(64)
local buffer = socket.buffer(16384)

local function drain(length)
    while length > 0 do
        length = length - #server:recv(length)
    end
end

local function arrive(data)
    server:sendall(data)
    pair.await(client)
end

for _, kind in ipairs { "", "timeout-" } do
    if kind ~= "" then
        client:settimeout(10)
    end
    measured(kind .. "send-65536", client.send, client, piece)
    drain(65536)
    measured(kind .. "sendall-131072", client.sendall, client, piece .. piece)
    drain(131072)
    arrive(record)
    measured(kind .. "recv-16384", client.recv, client, 16384)
    arrive(record)
    measured(kind .. "recv_into-16384", client.recv_into, client, buffer)
    measured(kind .. "send-64", client.send, client, message)
    drain(64)
    arrive(message)
    measured(kind .. "recv-64", client.recv, client, 64)
end

client:settimeout(0)
measured("want-read", pcall, client.recv, client, 16384)
measured("nonblocking-send-65536", client.send, client, piece)
drain(65536)
arrive(record)
measured("nonblocking-recv-16384", client.recv, client, 16384)
measured("poll", select.select, { client }, {}, {}, 0)
measured("close-pair", client.close, client)
