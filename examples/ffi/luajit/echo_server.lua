--- A TLS echo server by the C ABI: luajit echo_server.lua CERTFILE KEYFILE [PORT]
---
--- The sockets are cleat's. It serves one client after the other, and waits for none longer than ten seconds.
package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path
local ffi = require "ffi"
local cleat = require "cleat"
local check = cleat.check

local TIMEOUT = 10
local buffer = ffi.new("char[16384]")

local function echo(connection)
    check(cleat.cleat_connection_handshake(connection, TIMEOUT))
    while true do
        local count = check(cleat.cleat_connection_read(connection, buffer, 16384, TIMEOUT))
        if count == 0 then -- the client has sent close_notify
            check(cleat.cleat_connection_shutdown(connection, TIMEOUT))
            return
        end
        local written = 0
        while written < count do
            written = written + check(cleat.cleat_connection_write(connection, buffer + written, count - written, TIMEOUT))
        end
    end
end

local function main(certfile, keyfile, port)
    if not keyfile then
        error("usage: echo_server.lua CERTFILE KEYFILE [PORT]", 0)
    end
    local context = check(cleat.cleat_context_new(cleat.CLEAT_PROTOCOL_TLS))
    check(cleat.cleat_context_set_minimum_version(context, cleat.CLEAT_TLS1_2_VERSION))
    check(cleat.cleat_context_load_cert_chain(context, certfile, #certfile, keyfile, #keyfile, nil, 0))

    local listener = check(cleat.cleat_socket_new(cleat.CLEAT_AF_INET, cleat.CLEAT_SOCK_STREAM, 0))
    check(cleat.cleat_socket_setsockopt(listener, cleat.CLEAT_SOL_SOCKET, cleat.CLEAT_SO_REUSEADDR, 1))
    check(cleat.cleat_socket_bind(listener, "127.0.0.1", 9, tonumber(port or 0)))
    check(cleat.cleat_socket_listen(listener, 16))
    local number = ffi.new("int32_t[3]")
    check(cleat.cleat_socket_getsockname(listener, nil, 0, number, number + 1, number + 2))
    print("listening on " .. number[0])
    io.stdout:flush()

    while true do
        local socket = check(cleat.cleat_socket_accept(listener, -1))
        local connection = check(cleat.cleat_connection_over_socket(context, socket, 1, nil, 0))
        local ok, problem = pcall(echo, connection)
        if not ok then
            io.stderr:write("echo_server: ", type(problem) == "table" and problem.message or problem, "\n")
        end
        cleat.cleat_close(connection)
        cleat.cleat_close(socket)
    end
end

cleat.run("echo_server", main, ...)
