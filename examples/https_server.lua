--- Serves one page over HTTPS: the server example of Python's documentation (section 17.3.5.3), in Lua. One
--- client at a time.

local USAGE = [[
Usage: https_server.lua --cert FILE --key FILE [--port PORT]

Prints "listening on PORT" and answers each request with a small page, until it is ended by a signal.

    --cert FILE   the certificate and its issuers, in PEM
    --key FILE    its private key, in PEM
    --port PORT   a free one unless given
]]

local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local options = {}
for i = 1, #arg, 2 do
    local name = arg[i]:match("^%-%-(%l+)$")
    if arg[i] == "-h" or name == "help" then
        io.write(USAGE)
        os.exit(0)
    elseif not arg[i + 1] or not (name == "cert" or name == "key" or name == "port") then
        io.stderr:write(USAGE)
        os.exit(2)
    end
    options[name] = arg[i + 1]
end
if not options.cert or not options.key then
    io.stderr:write(USAGE)
    os.exit(2)
end

local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain { certfile = options.cert, keyfile = options.key }

local bindsocket = socket.socket()
bindsocket:setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
bindsocket:bind { "127.0.0.1", tonumber(options.port or 0) }
bindsocket:listen(5)
print("listening on " .. bindsocket:getsockname()[2])
io.stdout:flush()

local PAGE = [[
<!DOCTYPE html>
<title>cleat</title>
<p>Made fast by %s with %s.
]]

local function deal_with_client(connstream)
    local request = ""
    local data = connstream:read()
    -- null data means the client is finished with us
    while data ~= "" do
        request = request .. data
        if request:find("\r?\n\r?\n") then
            break
        end
        data = connstream:read()
    end
    local page = PAGE:format(connstream:version(), connstream:cipher()[1])
    connstream:sendall(("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s"):format(#page, page))
    pcall(connstream.unwrap, connstream) -- sends close_notify; raises if the client has disconnected
end

while true do
    local newsocket = bindsocket:accept()
    newsocket:settimeout(10)
    local ok, err = pcall(function()
        local connstream = context:wrap_socket(newsocket, { server_side = true })
        deal_with_client(connstream)
    end)
    newsocket:close()
    if not ok then
        io.stderr:write("https_server: ", tostring(err), "\n")
    end
end
