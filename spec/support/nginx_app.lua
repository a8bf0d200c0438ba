-- The Lua code that nginx runs for the specs: locations have `content_by_lua_block { app.fetch() }` and the like.
-- Contexts are made before the workers start; the location's variables have the ports.
local https = require "cleat.https"
local ssl = require "cleat.ssl"
local ffi = require "ffi"

ffi.cdef "const char *OpenSSL_version(int type);"

local app = {}
local ngx = ngx -- luacheck: ignore 113

-- init_by_lua calls init.
function app.init(directory)
    app.client = ssl.create_default_context { cafile = directory .. "/root.pem" }
    app.client:load_cert_chain(directory .. "/client.pem", directory .. "/client.key")
    app.client:set_alpn_protocols { "http/1.1" }
    app.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    app.server:load_cert_chain(directory .. "/server-ec.pem", directory .. "/server-ec.key")
    local ok, failure = pcall(app.client.wrap_socket, app.client, { receive = print }, { server_hostname = "localhost" })
    app.early = tostring(not ok and failure)
end

-- answer sends the results of f, or its error.
local function answer(f, ...)
    local ok, result = pcall(f, ...)
    ngx.say(ok and result or ("%s: %s"):format(ssl.SSLError:is(result) and "SSLError" or "error", tostring(result)))
end

local function connect(port, options, prepare)
    local tcp = ngx.socket.tcp()
    if prepare then
        prepare(tcp)
    end
    local sock = app.client:wrap_socket(tcp, { server_hostname = options.name or "localhost" })
    if options.timeout then
        sock:settimeout(options.timeout)
    end
    sock:connect { "127.0.0.1", tonumber(port) }
    return sock, tcp
end

local function read_all(sock)
    local parts = {}
    repeat
        parts[#parts + 1] = sock:recv(16384)
    until parts[#parts] == ""
    return table.concat(parts)
end

-- get makes one request, and closes the connection.
local function get(port, path, options)
    local sock = connect(port, options or {})
    sock:sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"):format(path))
    local body = read_all(sock):match "\r\n\r\n(.*)$"
    local facts = ("%s %s %s"):format(sock:version(), sock:selected_alpn_protocol() or "-", sock:getpeercert().subject[2][1][2])
    sock:close()
    return body, facts
end

-- fetch sends the upstream's response, and the properties of the TLS connection that cleat returns.
function app.fetch()
    answer(function()
        local body, facts = get(ngx.var.upstream, ngx.var.arg_path or "/who", { name = ngx.var.arg_name })
        return ("%s|%s"):format((body:gsub("\n$", "")), facts)
    end)
end

-- request sends the results of cleat.https over a cosocket.
function app.request()
    answer(function()
        local pieces = {}
        local result, code = https.request { url = ("https://127.0.0.1:%s/who"):format(ngx.var.upstream), context = app.client,
            transport = ngx.socket.tcp, sink = function(piece)
                pieces[#pieces + 1] = piece
                return 1
            end }
        return ("%s %s %s"):format(tostring(result), tostring(code), table.concat(pieces))
    end)
end

-- libraries sends the version texts of the TLS libraries in the process.
function app.libraries()
    ngx.say(ffi.string(ffi.C.OpenSSL_version(0)), "|", ssl.OPENSSL_VERSION)
end

-- many makes ?count requests at the same time.
function app.many()
    local port = ngx.var.upstream
    local threads = {}
    for i = 1, tonumber(ngx.var.arg_count) do
        threads[i] = ngx.thread.spawn(get, port, "/who")
    end
    local done = 0
    for _, thread in ipairs(threads) do
        local ok, body = ngx.thread.wait(thread)
        done = done + (ok and body:find "CN=client" and 1 or 0)
    end
    ngx.say(done)
end

-- line sends "go" to a peer, and responds with the line that it receives.
function app.line()
    answer(function()
        local sock = connect(ngx.var.arg_port, { timeout = tonumber(ngx.var.arg_timeout) }, function(tcp)
            if ngx.var.arg_own then -- nginx's own timeouts of the cosocket, in milliseconds
                tcp:settimeouts(60000, 60000, tonumber(ngx.var.arg_own))
            end
        end)
        sock:sendall "go\n"
        local file = sock:makefile "r"
        local line = file:read "*l"
        file:close()
        sock:close()
        return tostring(line)
    end)
end

-- echo sends ?size bytes and reads them back, at the same time.
function app.echo()
    answer(function()
        local sock = connect(ngx.var.arg_port, { timeout = 60 })
        local data = ("0123456789abcdef"):rep(tonumber(ngx.var.arg_size) / 16)
        local writer = ngx.thread.spawn(function()
            sock:sendall(data)
        end)
        local parts, got = {}, 0
        while got < #data do
            parts[#parts + 1] = sock:recv(16384)
            got = got + #parts[#parts]
        end
        ngx.thread.wait(writer)
        sock:unwrap():close()
        return tostring(table.concat(parts) == data)
    end)
end

-- pool tests setkeepalive().
function app.pool()
    answer(function()
        local sock, tcp = connect(ngx.var.arg_port, { timeout = 60 })
        local _, refused = pcall(sock.setkeepalive, sock, 1000, 10)
        local plain = sock:unwrap()
        local same = plain == tcp
        local kept = plain:setkeepalive(1000, 10)
        return ("%s|%s|%s"):format(tostring(refused), tostring(same), tostring(kept))
    end)
end

-- starttls does TLS as the server, on the connection of the request, after a line of plaintext.
function app.starttls()
    local raw = assert(ngx.req.socket(true))
    assert(raw:send "220 ready\r\n")
    local ok, failure = pcall(function()
        local sock = app.server:wrap_socket(raw, { server_side = true })
        local got = sock:recv(100)
        sock:sendall(got:upper())
        sock:unwrap()
    end)
    if not ok then
        ngx.log(ngx.ERR, "starttls: ", tostring(failure))
    end
end

-- garbage sends the size of Lua's memory in this worker in KiB after a full collection, and the number of ids.
function app.garbage()
    collectgarbage()
    collectgarbage()
    ngx.say(("%d %d %d"):format(ngx.worker.pid(), collectgarbage "count", require("cleat.backend").handle_count()))
end

return app
