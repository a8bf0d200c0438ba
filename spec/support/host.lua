-- The use of cleat by scripts in programs that embed Lua (spec/hosts/programs_spec.lua): they load this file and call
-- the function, which returns a line of text for each result.
--
-- folder: the copy of cleat that the spec has made; port: the port of a TLS echo server for "localhost".
return function(folder, port)
    package.path = folder .. "/lua/?.lua;" .. package.path
    package.cpath = folder .. "/build/lua/" .. _VERSION:match "[%d.]+" .. "/?.so;" .. package.cpath
    local ssl, socket = require "cleat.ssl", require "cleat.socket"
    local lines = { _VERSION .. ", " .. require("cleat.backend").name }

    local context = ssl.create_default_context { cafile = folder .. "/root.pem" }
    local function connect(name)
        local plain = socket.create_connection({ "127.0.0.1", port }, 20)
        return context:wrap_socket(plain, { server_hostname = name })
    end
    local stream = connect "localhost"
    stream:sendall("from the host\n")
    lines[#lines + 1] = stream:version() .. ", " .. stream:getpeercert().subject[1][1][2] .. ", " .. stream:recv(100)
    stream:close()

    local ok, err = pcall(connect, "elsewhere.example")
    lines[#lines + 1] = tostring(ok) .. ", " .. tostring(err.reason) .. ", " .. tostring(err.verify_code)
    context = ssl.create_default_context { cafile = folder .. "/unknown-root.pem" }
    ok, err = pcall(connect, "localhost")
    lines[#lines + 1] = tostring(ok) .. ", " .. tostring(err.reason) .. ", " .. tostring(err.verify_code)

    local maps = io.open "/proc/self/maps"
    local text = maps:read "*a"
    maps:close()
    lines[#lines + 1] = "OpenSSL of the host: " .. tostring(text:find("/libssl.so.", 1, true) ~= nil)
    lines[#lines + 1] = ssl.OPENSSL_VERSION:match "^%a+"
    return table.concat(lines, "\n"):gsub("\n\n", "\n") .. "\n"
end
