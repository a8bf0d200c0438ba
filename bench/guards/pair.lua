-- A client and a server that are connected over loopback in one process, after the handshake, for the guards' programs.
local select = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local pair = {}

local pki = assert(os.getenv "CLEAT_SOURCE_DIR", "use script/lua bench/guards/run.lua") .. "/build/spec-pki"

function pair.client_context()
    local context = ssl.create_default_context { cafile = pki .. "/root.pem" }
    context.session_cache_size = 0 -- full handshakes
    return context
end

function pair.server_context()
    local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context:load_cert_chain(pki .. "/server-ec.pem", pki .. "/server-ec.key")
    return context
end

--- Waits until sock is readable, and all that was sent has arrived.
function pair.await(sock)
    select.select({ sock }, {}, {}, 10)
    select.select({}, {}, {}, 0.02)
end

--- A connected pair. Both block.
function pair.open()
    local listener = socket.socket()
    listener:bind { "127.0.0.1", 0 }
    listener:listen(1)
    local near = socket.socket()
    near:connect(listener:getsockname())
    local far = listener:accept()
    listener:close()
    near:settimeout(0)
    far:settimeout(0)
    local client = pair.client_context():wrap_socket(near, { do_handshake_on_connect = false, server_hostname = "localhost" })
    local server = pair.server_context():wrap_socket(far, { do_handshake_on_connect = false, server_side = true })
    local client_done, server_done
    for _ = 1, 1000 do
        client_done = client_done or pcall(client.do_handshake, client)
        server_done = server_done or pcall(server.do_handshake, server)
        if client_done and server_done then
            break
        end
    end
    assert(client_done and server_done, "the handshake does not end")
    client:settimeout(nil)
    server:settimeout(nil)
    -- the server sends the session tickets with its first bytes, and the client reads them
    server:send "."
    assert(client:recv(1) == ".")
    return client, server
end

return pair
