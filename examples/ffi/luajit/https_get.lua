--- Fetches a page over HTTPS by the C ABI: luajit https_get.lua [--cafile FILE] HOST PORT PATH
---
--- The server must have a certificate for HOST from a CA of the system, or of FILE. The sockets are cleat's.
package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path
local ffi = require "ffi"
local cleat = require "cleat"
local check = cleat.check

local function client_context(cafile)
    local context = check(cleat.cleat_context_new(cleat.CLEAT_PROTOCOL_TLS))
    check(cleat.cleat_context_set_minimum_version(context, cleat.CLEAT_TLS1_2_VERSION))
    check(cleat.cleat_context_set_verify_mode(context, cleat.CLEAT_CERT_REQUIRED))
    check(cleat.cleat_context_set_check_hostname(context, 1))
    if cafile then
        check(cleat.cleat_context_load_verify_file(context, cafile, #cafile))
    else
        check(cleat.cleat_context_set_default_verify_paths(context))
    end
    return context
end

--- A socket that is connected to the first address of the host that answers.
local function connect(host, port, timeout)
    local list = check(cleat.cleat_addrinfo_resolve(host, #host, port, #port, cleat.CLEAT_AF_UNSPEC,
        cleat.CLEAT_SOCK_STREAM, 0, 0))
    local address, number = ffi.new("char[256]"), ffi.new("int32_t[6]")
    local status
    for index = 0, check(cleat.cleat_addrinfo_count(list)) - 1 do
        local length = check(cleat.cleat_addrinfo_address(list, index, address, 256, number, number + 1, number + 2,
            number + 3, number + 4, number + 5))
        local socket = check(cleat.cleat_socket_new(number[0], number[1], number[2]))
        status = cleat.cleat_socket_connect(socket, address, length, number[3], timeout)
        if status == cleat.CLEAT_OK then
            cleat.cleat_close(list)
            return socket
        end
        cleat.cleat_close(socket) -- keeps the text of the failure
    end
    cleat.cleat_close(list)
    check(status)
end

local function main(...)
    local words = { ... }
    local cafile
    if words[1] == "--cafile" then
        cafile = words[2]
        words = { unpack(words, 3) }
    end
    local host, port, path = unpack(words)
    if not path then
        error("usage: https_get.lua [--cafile FILE] HOST PORT PATH", 0)
    end

    local context = client_context(cafile)
    local socket = connect(host, port, 30)
    local connection = check(cleat.cleat_connection_over_socket(context, socket, 0, host, #host))
    check(cleat.cleat_connection_handshake(connection, 30))
    io.stderr:write(cleat.text(cleat.cleat_connection_version, connection), "\n")
    local request = ("GET %s HTTP/1.0\r\nHost: %s\r\n\r\n"):format(path, host)
    while request ~= "" do
        request = request:sub(check(cleat.cleat_connection_write(connection, request, #request, 30)) + 1)
    end
    local buffer = ffi.new("char[16384]")
    repeat
        -- 0: the server has sent close_notify; a connection that was cut off is CLEAT_EOF
        local count = check(cleat.cleat_connection_read(connection, buffer, 16384, 30))
        io.write(ffi.string(buffer, count))
    until count == 0
    cleat.cleat_close(connection)
    cleat.cleat_close(socket)
    cleat.cleat_close(context)
end

cleat.run("https_get", main, ...)
