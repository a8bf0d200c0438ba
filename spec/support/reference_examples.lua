-- Runs the examples of a page of docs/lua/, each with the variables that docs/lua/README.md lists. Arguments: a file
-- that returns {line, code} of each; the ports of an echo server and of an HTTPS server. It prints the line of each
-- example before its output.
local file, port, https_port = ...
local errors = require "cleat.errors"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

port, https_port = tonumber(port), tonumber(https_port)
socket.setdefaulttimeout(nil)

local names = {
    ssl = ssl, socket = socket, errors = errors, port = port, unpack = table.unpack or unpack,
    select = require "cleat.select", errno = require "cleat.errno", https = require "cleat.https",
    url = ("https://localhost:%d/4"):format(https_port),
}

function names.connect()
    local context = ssl.create_default_context { cafile = "ca.pem" }
    return context:wrap_socket(socket.create_connection({ "localhost", port }), { server_hostname = "localhost" })
end

function names.new_session(context)
    local sock = socket.create_connection({ "localhost", port })
    local client = context:wrap_socket(sock, { server_hostname = "localhost" })
    client:sendall("hello")
    client:recv(5)
    local session = client.session
    client:close()
    return session
end

function names.connected_object()
    local context = ssl.create_default_context { cafile = "ca.pem" }
    local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    local object = context:wrap_bio(incoming, outgoing, { server_hostname = "localhost" })
    local sock = socket.create_connection({ "localhost", port })
    while true do
        local ok, err = pcall(object.do_handshake, object)
        sock:sendall(outgoing:read())
        if ok then
            return object, incoming, outgoing
        elseif not ssl.SSLWantReadError:is(err) then
            error(err, 0)
        end
        incoming:write(sock:recv(16384))
    end
end

function names.incoming(text)
    local one, two = socket.socketpair()
    two:sendall(text)
    two:close()
    return one:makefile("r")
end

for _, example in ipairs(dofile(file)) do
    local line, code = example[1], example[2]
    io.write(("#### %d\n"):format(line))
    local scope = setmetatable({}, { __index = function(_, name)
        if name == "conn" then
            names.conn = names.connect()
        end
        local value = names[name]
        if value == nil then
            value = rawget(_G, name)
        end
        if name == "conn" then
            names.conn = nil
        end
        return value
    end })
    local chunk
    if setfenv then
        chunk = assert(loadstring(code, "=example"))
        setfenv(chunk, scope)
    else
        chunk = assert(load(code, "=example", "t", scope))
    end
    local ok, err = pcall(chunk)
    if not ok then
        print("error: " .. tostring(err))
    end
    io.stdout:flush()
end
