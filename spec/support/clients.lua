-- TLS clients of three libraries, to be used side by side in one Lua state. Each function connects to 127.0.0.1,
-- verifies the server's certificate, and returns { echo = function(data) -> the response, version = "TLSv1.3", close =
-- function() }.
local clients = {}

local function read_file(name)
    local file = assert(io.open(name, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

function clients.cleat(port, cafile)
    local socket = require "cleat.socket"
    local ssl = require "cleat.ssl"
    local context = ssl.create_default_context { cafile = cafile }
    local plain = socket.create_connection({ "127.0.0.1", port }, 20)
    local conn = context:wrap_socket(plain, { server_hostname = "localhost" })
    return {
        version = conn:version(),
        echo = function(data)
            conn:sendall(data)
            local got = ""
            repeat
                local more = conn:recv(#data - #got)
                got = got .. more
            until more == "" or #got == #data
            return got
        end,
        close = function()
            conn:close()
        end,
    }
end

-- LuaSec over LuaSocket.
function clients.luasec(port, cafile)
    local socket = require "socket"
    local ssl = require "ssl"
    local plain = assert(socket.connect("127.0.0.1", port))
    plain:settimeout(300)
    local conn = assert(ssl.wrap(plain, { mode = "client", protocol = "any", cafile = cafile, verify = "peer" }))
    conn:sni("localhost")
    assert(conn:dohandshake())
    return {
        version = conn:info("protocol"),
        echo = function(data)
            assert(conn:send(data))
            return assert(conn:receive(#data))
        end,
        close = function()
            conn:close()
        end,
    }
end

-- luaossl over cqueues.
function clients.luaossl(port, cafile)
    local context = require "openssl.ssl.context".new("TLS", false)
    local trusted = require "openssl.x509.store".new()
    trusted:add(require "openssl.x509".new(read_file(cafile)))
    context:setStore(trusted)
    context:setVerify(require "openssl.ssl.context".VERIFY_PEER)
    local conn = require "cqueues.socket".connect("127.0.0.1", port)
    conn:setmode("bn", "bn")
    conn:settimeout(300)
    assert(conn:starttls(context))
    return {
        version = ({ [0x303] = "TLSv1.2", [0x304] = "TLSv1.3" })[conn:checktls():getVersion()],
        echo = function(data)
            assert(conn:write(data))
            return assert(conn:read(#data))
        end,
        close = function()
            conn:close()
        end,
    }
end

return clients
