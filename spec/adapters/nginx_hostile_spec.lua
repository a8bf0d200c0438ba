-- Servers that send malformed bytes, or bytes in parts, to a cosocket with cleat's TLS: a program gets the same results
-- as with nginx's own TLS.
local adapters = require "support.adapters"
local cleat_nginx = require "support.cleat_nginx"
local link = require "support.link"
local nginx = require "support.nginx"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local missing = cleat_nginx.missing()
local it = optional.tests(it, pending, missing)

local LINES = [[
    lua_socket_log_errors off;
    lua_ssl_trusted_certificate %s; lua_ssl_verify_depth 3; lua_ssl_protocols TLSv1.2 TLSv1.3;
    location = /both { content_by_lua_block { app.both() } }
]]

describe("cosockets with cleat's TLS", function()
    local port
    setup(function()
        if not missing then
            local server = nginx.start(nginx.lua({ { listen = "", lines = LINES:format(pki.path "root.pem") } },
                "support.nginx_cosocket_app"))
            port = server.ports[1]
        end
    end)
    teardown(process.cleanup)

    -- hostile returns the script's log with nginx's cosocket and with cleat's. A server of this process accepts both
    -- connections: act(sock, tls, outgoing) is called after the handshake; begin(sock), if given, in place of the
    -- handshake.
    local function hostile(act, begin)
        local listening = socket.create_server { "127.0.0.1", 0 }
        local client = socket.create_connection({ "127.0.0.1", port }, 20)
        client:sendall(("GET /both?script=hostile&hostile=%d HTTP/1.0\r\n\r\n"):format(listening:getsockname()[2]))
        for _ = 1, 2 do
            local sock = listening:accept()
            sock:settimeout(20)
            if begin then
                begin(sock)
            else
                local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                local tls = link.context { cert = "server-ec" }:wrap_bio(incoming, outgoing, true)
                repeat
                    local ok = pcall(tls.do_handshake, tls)
                    sock:sendall(outgoing:read())
                    if not ok then
                        incoming:write(sock:recv(10000))
                    end
                until ok
                local got, data
                repeat
                    got, data = pcall(tls.read, tls, 10)
                    if not got then
                        incoming:write(sock:recv(10000))
                    end
                until got
                assert.are.equal("go", data)
                act(sock, tls, outgoing)
            end
            sock:close()
        end
        local page = adapters.receive(client, math.huge)
        client:close()
        listening:close()
        local theirs, ours = page:match "\r\n\r\n(.-)\n%-%-%-%-\n(.-)\n%-%-%-%-\n$"
        return theirs or page, ours
    end

    -- encrypt returns a text in encrypted records of a size.
    local function encrypt(tls, outgoing, text, size)
        for first = 1, #text, size do
            tls:write(text:sub(first, first + size - 1))
        end
        return outgoing:read()
    end

    local TEXT = ("0123456789abcdef\r\n"):rep(4000)

    for _, size in ipairs { 1, 3, 18, 100, 1369, 4096, 16384 } do
        it("read records of as many bytes as nginx's do: " .. size, function()
            local theirs, ours = hostile(function(sock, tls, outgoing)
                local bytes = encrypt(tls, outgoing, TEXT:sub(1, size < 50 and 6000 or nil), size)
                sock:sendall(bytes)
            end)
            assert.are.equal(theirs, ours)
        end)
    end

    it("read records whose headers arrive in parts", function()
        local theirs, ours = hostile(function(sock, tls, outgoing)
            sock:setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            local bytes = encrypt(tls, outgoing, TEXT:sub(1, 1000), 20)
            for first = 1, #bytes, 7 do
                sock:sendall(bytes:sub(first, first + 6))
            end
        end)
        assert.are.equal(theirs, ours)
    end)

    it("report the end of a connection in the middle of a record", function()
        local theirs, ours = hostile(function(sock, tls, outgoing)
            local bytes = encrypt(tls, outgoing, TEXT:sub(1, 3000), 1000)
            sock:sendall(bytes:sub(1, -500))
        end)
        assert.are.equal(theirs, ours)
    end)

    for name, act in pairs {
        ["no record"] = function(sock)
            sock:sendall(("hello, world\n"):rep(100))
        end,
        ["a record of the longest length"] = function(sock)
            sock:sendall("\23\3\3\255\255" .. ("x"):rep(65535))
        end,
        ["a changed record"] = function(sock, tls, outgoing)
            sock:sendall(encrypt(tls, outgoing, TEXT:sub(1, 1500), 1000):gsub(".$", function(last)
                return string.char((last:byte() + 1) % 256)
            end))
        end,
        ["close_notify and more"] = function(sock, tls, outgoing)
            local bytes = encrypt(tls, outgoing, TEXT:sub(1, 1500), 1000)
            pcall(tls.unwrap, tls)
            sock:sendall(bytes .. outgoing:read() .. "\23\3\3\0\5hello")
        end,
        ["empty records"] = function(sock)
            sock:sendall(("\23\3\3\0\0"):rep(100))
        end,
    } do
        it("close a connection on which the server sends " .. name, function()
            local theirs, ours = hostile(act)
            assert.are.equal(theirs, ours)
        end)
    end

    for name, bytes in pairs {
        ["nothing"] = "",
        ["no TLS"] = "HTTP/1.1 400 Bad Request\r\n\r\n",
        ["an alert"] = "\21\3\3\0\2\2\40",
        ["a long message in parts"] = ("\22\3\3\64\0\2\255\255\255" .. ("x"):rep(16380)):rep(20),
    } do
        it("refuse a server that begins with " .. name, function()
            local theirs, ours = hostile(nil, function(sock)
                sock:recv(10000)
                pcall(sock.sendall, sock, bytes)
            end)
            assert.are.equal(theirs, ours)
        end)
    end
end)
