-- Python's documentation, 17.3.6: notes on non-blocking sockets. A client that sends its input, and prints the
-- response.
--
-- Usage: doc_nonblocking.lua HOST PORT [SERVER_HOSTNAME]; SSL_CERT_FILE may name the trusted CAs.
require "cleat.python"

local select, socket, ssl = require "select", require "socket", require "ssl"

local plain = socket.create_connection { arg[1], tonumber(arg[2]) }
plain:setblocking(false)
local sock = ssl.create_default_context():wrap_socket(plain, {
    server_hostname = arg[3] or arg[1], do_handshake_on_connect = false,
})

-- The SSL handshake itself will be non-blocking: do_handshake() has to be retried until it returns successfully.
while true do
    local ok, err = pcall(sock.do_handshake, sock)
    if ok then
        break
    elseif ssl.SSLWantReadError:is(err) then
        select.select({ sock }, {}, {})
    elseif ssl.SSLWantWriteError:is(err) then
        select.select({}, { sock }, {})
    else
        error(err, 0)
    end
end
io.stderr:write("connected by ", sock:version(), "\n")

-- You must be ready to handle recv() and send() failures, and retry after another call to select(). First call recv()
-- to drain any potentially available data, and then only block on a select() call if still necessary.
local function retry(method, ...)
    while true do
        local ok, result = pcall(sock[method], sock, ...)
        if ok then
            return result
        elseif ssl.SSLWantReadError:is(result) then
            select.select({ sock }, {}, {})
        elseif ssl.SSLWantWriteError:is(result) then
            select.select({}, { sock }, {})
        else
            error(result, 0)
        end
    end
end

local data = io.read("*a")
while data ~= "" do
    data = data:sub(retry("send", data) + 1)
end
data = retry("recv", 4096)
while data ~= "" do
    io.write(data)
    data = retry("recv", 4096)
end
sock:close()
