-- Python's documentation, 17.3.5.3: server-side operation.
--
-- Usage: doc_server.lua CERTFILE KEYFILE [HOST [PORT]]
require "cleat.python"

local socket, ssl = require "socket", require "ssl"

local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain { certfile = arg[1], keyfile = arg[2] }

local bindsocket = socket.socket()
bindsocket:bind { arg[3] or "127.0.0.1", tonumber(arg[4] or 10023) }
bindsocket:listen(5)
io.stderr:write("listening on ", bindsocket:getsockname()[2], "\n")

-- Sends the data back in capitals, and closes when a client sends "bye".
local function do_something(connstream, data)
    connstream:sendall(data:upper())
    return not data:find("bye", 1, true)
end

local function deal_with_client(connstream)
    local data = connstream:read()
    -- null data means the client is finished with us
    while data ~= "" do
        if not do_something(connstream, data) then
            -- we'll assume do_something returns false when we're finished with client
            break
        end
        data = connstream:read()
    end
    -- finished with client
end

while true do
    local newsocket, fromaddr = bindsocket:accept()
    io.stderr:write("a client from ", fromaddr[1], "\n")
    local connstream = context:wrap_socket(newsocket, { server_side = true })
    local ok, err = pcall(deal_with_client, connstream)
    connstream:shutdown(socket.SHUT_RDWR)
    connstream:close()
    if not ok then
        error(err, 0)
    end
end
