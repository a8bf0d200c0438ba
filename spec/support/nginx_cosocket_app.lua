-- The Lua that nginx runs for spec/adapters/nginx_cosocket_spec.lua: scripts that use cosockets. Each runs with nginx's
-- cosockets and with cleat's, against the same server, and returns a log of the results.
local ngx = ngx -- luacheck: ignore 113
local nginx = require "cleat.adapters.nginx"

local ngx_tcp = ngx.socket.tcp
local app = { scripts = {} }
local scripts = app.scripts

-- load_libraries loads Debian's libraries with a function in place of ngx.socket.tcp.
local function load_libraries(tcp)
    local loaded = {}
    ngx.socket.tcp = tcp
    for _, name in ipairs { "nginx.redis", "nginx.websocket.client" } do
        package.loaded[name] = nil
        loaded[name] = require(name)
    end
    ngx.socket.tcp = ngx_tcp
    return loaded
end

-- The timers of the pools do not run; sweep calls their functions.
local sweeps = {}
local timer_at = ngx.timer.at
function ngx.timer.at(delay, f, ...)
    if delay == 10 then
        sweeps[#sweeps + 1] = { f, ... }
        return true
    end
    return timer_at(delay, f, ...)
end

-- sweep makes ?times periods of 10 seconds pass for the pools.
function app.sweep()
    for _ = 1, tonumber(ngx.var.arg_times) do
        local due = sweeps
        sweeps = {}
        for _, list in ipairs(due) do
            list[1](false, unpack(list, 2))
        end
    end
    ngx.say(#sweeps)
end

function app.init(directory)
    local ca = directory .. "/root.pem"
    app.ca = ca
    local function read(name)
        local file = assert(io.open(directory .. "/" .. name))
        local text = file:read "*a"
        file:close()
        return text
    end
    app.client_chain, app.client_key = read "client.pem", read "client.key"
    app.other_key = read "server-ec.key"
    app.tcp = {
        nginx = ngx_tcp,
        cleat = nginx.make_tcp { cafile = ca },
        other = nginx.make_tcp { cafile = ca },
        unverified = nginx.make_tcp { cafile = ca, keep_unverified = true },
        always = nginx.make_tcp { cafile = ca, always_verify = true },
        unknown = nginx.make_tcp { cafile = directory .. "/unknown-root.pem" },
    }
    app.libraries = { nginx = load_libraries(ngx_tcp), cleat = load_libraries(app.tcp.always) }
    local ok, err = pcall(app.tcp.cleat)
    app.early = tostring(not ok and err)
end

local function show(...)
    local list = {}
    for index = 1, select("#", ...) do
        local value = select(index, ...)
        list[index] = type(value) == "string" and ("%q"):format(value) or type(value) == "table" and "session" or
            type(value) == "cdata" and "session" or tostring(value)
    end
    return table.concat(list, " ")
end

local Log = {}
Log.__index = Log
function Log:add(...)
    self[#self + 1] = show(...)
    return ...
end

-- connect connects, does the handshake, and sends the first line of a request.
local function connect(tcp, log, case)
    local sock = tcp()
    sock:settimeout(60000)
    assert(sock:connect("127.0.0.1", tonumber(ngx.var.upstream)))
    if sock:getreusedtimes() == 0 then
        log:add((assert(sock:sslhandshake(nil, "localhost", true))))
    end
    if case then
        assert(sock:send { "GET /serve?", case, " HTTP/1.1\r\nHost: localhost\r\n\r\n" })
    end
    return sock
end

function scripts.lines(tcp, log)
    local sock = connect(tcp, log, "lines")
    for _ = 1, 7 do
        log:add(sock:receive())
    end
    log:add(sock:receive "*l")
    log:add(sock:receive "*l")
    log:add(sock:send "x")
end

function scripts.sizes(tcp, log)
    local sock = connect(tcp, log, "lines")
    log:add(sock:receive(0))
    log:add(sock:receive(3))
    log:add(sock:receive "2")
    log:add(sock:receive(4.7))
    log:add(sock:receive "*a")
    log:add(sock:receive "*a")
    sock = connect(tcp, log, "lines")
    log:add(sock:receive(1000))
    log:add(sock:receive(1))
end

function scripts.large(tcp, log)
    local sock = connect(tcp, log, "large")
    for _, size in ipairs { 1, 16384, 100000, 40000, 5 } do
        log:add(ngx.md5(assert(sock:receive(size))))
    end
    log:add(ngx.md5(assert(sock:receive "*a")))
    sock = connect(tcp, log, "large")
    local line = assert(sock:receive "*l")
    log:add(#line, ngx.md5(line))
    sock = connect(tcp, log, "large")
    log:add(#assert(sock:receive(300001)))
end

function scripts.any(tcp, log)
    local sock = connect(tcp, log, "lines")
    log:add(sock:receiveany(4))
    log:add(sock:receiveany(2))
    local all = {}
    while true do
        local data, err, partial = sock:receiveany(1000)
        if not data then
            log:add(err, partial)
            break
        end
        all[#all + 1] = data
    end
    log:add(table.concat(all))
    log:add(sock:receiveany(5))
end

scripts["until"] = function(tcp, log)
    for _, options in ipairs { { inclusive = false }, { inclusive = true } } do
        local sock = connect(tcp, log, "until")
        local reader = sock:receiveuntil("--END", options)
        log:add(reader())
        for _ = 1, 9 do
            log:add(reader(4))
        end
        log:add(sock:receive(2))
        log:add(reader())
        log:add(reader())
        log:add(reader(3))
    end
    local sock = connect(tcp, log, "until")
    log:add(sock:receiveuntil "")
    log:add(sock:receiveuntil("abc")())
    sock = connect(tcp, log, "wait")
    log:add(sock:receive(1))
    sock:settimeout(50)
    local reader = sock:receiveuntil "cz"
    log:add(reader())
    log:add(reader(2))
end

function scripts.timeouts(tcp, log)
    local sock = connect(tcp, log, "wait")
    log:add(sock:receive(1)) -- then the rest has arrived, too
    sock:settimeout(50)
    log:add(sock:receive(10))
    log:add(sock:receive())
    log:add(sock:receive "*a")
    log:add(sock:receiveany(10))
    sock:settimeouts(60000, 60000, 20)
    log:add(sock:receive(1))
    log:add(sock:send "still here")
    log:add(sock:close())
    log:add(sock:close())
end

function scripts.sends(tcp, log)
    local sock = connect(tcp, log, "echo=70")
    for _, data in ipairs { "text", 12, 1.5, true, { "a", { "b", 3, { 0.5 } }, "c" }, {}, "", 1e20, -0.25 } do
        log:add(sock:send(data))
    end
    log:add(sock:send(nil))
    for _, data in ipairs { print, { name = "x" }, { print }, { "a", { true } } } do
        local ok, err = pcall(sock.send, sock, data)
        log:add(ok, (tostring(err):gsub("^bad argument .- %(", "(")))
    end
    log:add(sock:send(("y"):rep(100)))
    log:add(sock:receive(70))
end

function scripts.arguments(tcp, log)
    local sock = connect(tcp, log)
    for _, pattern in ipairs { "*x", "nonsense", -1, {}, "-2" } do
        log:add((pcall(sock.receive, sock, pattern)))
    end
    log:add((pcall(sock.receiveany, sock)))
    log:add((pcall(sock.receiveany, sock, 0)))
    log:add((pcall(sock.receiveuntil, sock)))
    log:add((pcall(sock.receiveuntil, sock, "x", { inclusive = 1 })))
    log:add((pcall(sock.connect, sock)))
    log:add((pcall(sock.connect, sock, "127.0.0.1", 1, { pool_size = 0 })))
    log:add((pcall(sock.connect, sock, "127.0.0.1", 1, { pool = {} })))
    log:add(tcp():connect "127.0.0.1")
    log:add(tcp():connect("127.0.0.1", 70000))
end

function scripts.closed(tcp, log)
    local sock = connect(tcp, log, "lines")
    log:add(sock:receive())
    log:add(sock:close())
    log:add(sock:receive())
    log:add(sock:receive(5))
    log:add(sock:receiveany(5))
    log:add(sock:send "x")
    log:add(sock:setkeepalive())
    log:add(sock:getreusedtimes())
    log:add(sock:close())
    sock = tcp()
    log:add(sock:receive())
    log:add(sock:send "x")
    log:add(sock:getreusedtimes())
    log:add(sock:close())
end

function scripts.left(tcp, log)
    local sock = connect(tcp, log, "wait")
    log:add(sock:receive(1))
    log:add(sock:setkeepalive(1000, 5))
    log:add(sock:receive(2))
end

function scripts.handshakes(tcp, log)
    local function try(port, ...)
        local sock = tcp()
        sock:settimeout(60000)
        log:add(sock:connect("127.0.0.1", tonumber(port)))
        local session, err = sock:sslhandshake(...)
        log:add(session, err)
        if not session then
            log:add(sock:send "x")
            log:add(sock:close())
        end
        return session
    end
    local session = try(ngx.var.upstream, nil, "localhost", true)
    log:add(session ~= nil)
    try(ngx.var.upstream, session, "localhost", true)
    try(ngx.var.upstream, false, "localhost", true)
    try(ngx.var.upstream, false, "localhost", true, true)
    try(ngx.var.upstream, nil, nil, true)
    try(ngx.var.upstream, nil, "example.org", false)
    try(ngx.var.upstream, nil, "example.org", true)
    try(ngx.var.plain, nil, "localhost", true)
    log:add(tcp():connect("127.0.0.1", tonumber(ngx.var.arg_closed)))
end

-- try_handshake: a handshake, and whether the cosocket can be used after it.
local function try_handshake(tcp, log, name, chain, key)
    local sock = tcp()
    sock:settimeout(60000)
    if chain then
        log:add(sock:setclientcert(chain, key))
    end
    for _ = 1, 2 do
        log:add(sock:connect("127.0.0.1", tonumber(ngx.var.upstream)))
        log:add(pcall(sock.sslhandshake, sock, nil, name, true))
        log:add(sock:send "x")
        log:add(sock:close())
        sock:setclientcert()
        name = "localhost"
    end
end

function scripts.names(tcp, log)
    for _, name in ipairs { "foo bar", "a..b", "-x", "*.example.org", ("a"):rep(64), "b\195\188cher.example" } do
        try_handshake(tcp, log, name)
    end
end

function scripts.mismatch(tcp, log)
    local parsed = require "ngx.ssl"
    local chain, key = assert(parsed.parse_pem_cert(app.client_chain)), assert(parsed.parse_pem_priv_key(app.other_key))
    try_handshake(tcp, log, "localhost", chain, key)
end

-- refused: names that no server can have. nginx's own cosocket sends some of them.
function scripts.refused(tcp, log)
    for _, name in ipairs { ("a."):rep(200), "localhost\0.example.org", ".", ".localhost", "\255" } do
        try_handshake(tcp, log, name)
    end
end

function scripts.numbers(tcp, log)
    for _, number in ipairs { 1 / 0, -1 / 0, 0 / 0, 2 ^ 31, 2 ^ 40, "1e3", "0x10", " 5 ", "*", "", "5x", 0.5 } do
        for _, method in ipairs { "receive", "receiveany" } do
            local sock = connect(tcp, log, "lines")
            local ok, result, err = pcall(sock[method], sock, number)
            log:add(method, number, ok, ok and err, ok and method == "receive" and result)
            sock:close()
        end
    end
    local unlogged = setmetatable({}, Log) -- nginx has kept the first one in the pool
    local sock = connect(tcp, unlogged)
    log:add((pcall(sock.setkeepalive, sock, "x")))
    sock = connect(tcp, unlogged)
    log:add(pcall(sock.setkeepalive, sock, "1000"))
end

-- Calls that other light threads may make while one waits for the server in a handshake, or after it was killed there.
function scripts.shaking(tcp, log)
    local arguments = {
        { "send", "x" }, { "receive", 1 }, { "receiveany", 1 }, { "close" }, { "setkeepalive" }, { "getreusedtimes" },
        { "sslhandshake", nil, "localhost", true }, { "connect", "127.0.0.1", 1 }, { "setoption", "keepalive", true },
        { "settimeout", 5000 },
    }
    local sock = tcp()
    sock:settimeout(100)
    log:add(sock:connect("127.0.0.1", tonumber(ngx.var.arg_silent)))
    local waiting = ngx.thread.spawn(function()
        return sock:sslhandshake(nil, "localhost", true)
    end)
    for _, list in ipairs(arguments) do
        log:add(list[1], pcall(sock[list[1]], sock, unpack(list, 2, list[1] == "sslhandshake" and 4 or #list)))
    end
    log:add(ngx.thread.wait(waiting))
    log:add(sock:close())
    sock:settimeout(60000)
    log:add(sock:connect("127.0.0.1", tonumber(ngx.var.arg_silent)))
    waiting = ngx.thread.spawn(function()
        return sock:sslhandshake(nil, "localhost", true)
    end)
    ngx.thread.kill(waiting)
    log:add(sock:close())
end

-- settings: arguments of make_tcp, and sslhandshake on a socket without a connection or with TLS already.
function scripts.settings(_, log)
    local port = tonumber(ngx.var.upstream)
    for _, configure in ipairs {
        function(context) context.maximum_version = require("cleat.ssl").TLSVersion.TLSv1_2 end,
        function(context) context.check_hostname = false end,
        function(context) context.verify_mode = require("cleat.ssl").CERT_OPTIONAL end,
        function() error "a mistake" end,
        5,
    } do
        local ok, tcp = pcall(nginx.make_tcp, { cafile = app.ca, configure = configure })
        log:add(ok, not ok and tostring(tcp):match "[^:]*$" or nil)
        if ok then
            local sock = tcp()
            sock:connect("127.0.0.1", port)
            log:add(sock:sslhandshake(nil, "localhost", true))
            sock:send "GET /who HTTP/1.0\r\n\r\n"
            log:add((sock:receive "*a":match "\r\n\r\n(.*)"))
        end
    end
    for _, list in ipairs { { "pool_size", 0 }, { "keepalive_timeout", 0 }, { "keepalive_timeout", "x" } } do
        local ok, err = pcall(nginx.make_tcp, { cafile = app.ca, [list[1]] = list[2] })
        log:add(ok, tostring(err))
    end
    local sock = app.tcp.cleat()
    log:add(sock:sslhandshake(nil, "localhost", true))
    sock:connect("127.0.0.1", port)
    log:add(sock:sslhandshake(nil, "localhost", true))
    log:add(sock:sslhandshake(nil, "example.org", false))
    log:add(sock:sslhandshake(nil, "localhost", true))
    sock:send "GET /who HTTP/1.0\r\n\r\n"
    log:add(sock:sslhandshake(nil, "localhost", true))
    log:add(sock:sslhandshake(nil, "example.org", true))
    log:add(sock:receive "*l")
end

-- hostile: the spec's server sends malformed bytes, in several ways.
function scripts.hostile(tcp, log)
    local sock = tcp()
    sock:settimeout(60000)
    log:add(sock:connect("127.0.0.1", tonumber(ngx.var.arg_hostile)))
    local session, err = sock:sslhandshake(nil, "localhost", true)
    log:add(session, err)
    if not session then
        return log:add(sock:close())
    end
    log:add(sock:send "go")
    for _, call in ipairs { { "receive", 1 }, { "receive", "*l" }, { "receive", 1000 }, { "receive", 20000 }, { "receive", "*a" } } do
        local data, why, partial = sock[call[1]](sock, call[2])
        log:add(call[1], call[2], data and #data .. ngx.md5(data), why, partial and #partial .. ngx.md5(partial))
    end
    log:add((sock:setkeepalive()))
end

function scripts.silent(tcp, log)
    local sock = tcp()
    sock:settimeouts(100, 60000, 60000)
    log:add(sock:connect("127.0.0.1", tonumber(ngx.var.arg_silent)))
    log:add(sock:sslhandshake(nil, "localhost", true))
    log:add(sock:receive(1))
end

function scripts.certificate(tcp, log)
    local parsed = require "ngx.ssl"
    local chain, key = assert(parsed.parse_pem_cert(app.client_chain)), assert(parsed.parse_pem_priv_key(app.client_key))
    local sock = tcp()
    log:add(sock:setclientcert(chain, key))
    log:add(sock:setclientcert(chain))
    log:add(sock:setclientcert("x", key))
    sock:connect("127.0.0.1", tonumber(ngx.var.upstream))
    log:add(sock:sslhandshake(nil, "localhost", true))
    sock:send "GET /who HTTP/1.0\r\n\r\n"
    log:add((sock:receive "*a":match "\r\n\r\n(.*)"))
    sock = tcp()
    sock:setclientcert(chain, key)
    log:add(sock:setclientcert())
    sock:connect("127.0.0.1", tonumber(ngx.var.upstream))
    log:add(sock:sslhandshake(nil, "localhost", true))
    sock:send "GET /who HTTP/1.0\r\n\r\n"
    log:add((sock:receive "*a":match "\r\n\r\n(.*)"))
end

-- One light thread reads while another writes; a second reader and writer are refused; a killed thread closes.
function scripts.threads(tcp, log)
    local sock = connect(tcp, log, "echo=300000")
    local data = ("0123456789"):rep(30000)
    local writer = ngx.thread.spawn(function()
        return sock:send(data)
    end)
    local parts, got = {}, 0
    while got < #data do
        parts[#parts + 1] = assert(sock:receiveany(10000))
        got = got + #parts[#parts]
    end
    log:add(select(2, ngx.thread.wait(writer)))
    log:add(table.concat(parts) == data)
    sock = connect(tcp, log, "wait")
    log:add(sock:receive(3))
    local reader = ngx.thread.spawn(function()
        return sock:receive(10)
    end)
    log:add(sock:receive(1))
    log:add(sock:close())
    log:add(sock:setkeepalive())
    log:add(sock:send "x")
    ngx.thread.kill(reader)
    log:add(sock:receive(1))
    log:add(sock:send "x")
end

function scripts.options(tcp, log)
    local sock = connect(tcp, log, "lines")
    log:add(sock:setoption("tcp-nodelay", true))
    log:add(sock:setoption("keepalive", true))
    log:add(sock:getoption "keepalive")
    log:add(sock:setoption("nonsense", true))
    log:add(sock:receive())
end

function scripts.timer(tcp, log)
    local done = require("ngx.semaphore").new()
    local upstream = tonumber(ngx.var.upstream)
    ngx.timer.at(0, function()
        local sock = tcp()
        log:add(sock:connect("127.0.0.1", upstream))
        log:add(sock:sslhandshake(nil, "localhost", true))
        log:add(sock:send "GET /serve?lines HTTP/1.0\r\n\r\n")
        log:add(sock:receive())
        done:post(1)
    end)
    done:wait(5)
end

function scripts.plain(tcp, log)
    local port = tonumber(ngx.var.plain)
    for _ = 1, 2 do
        local sock = tcp()
        log:add(sock:connect("127.0.0.1", port, { pool = "plain" }))
        log:add(sock:getreusedtimes())
        log:add(sock:send "HEAD /who HTTP/1.1\r\nHost: x\r\n\r\n")
        log:add(sock:receive())
        log:add(#sock:receiveuntil "\r\n\r\n"() > 0)
        log:add(sock:setkeepalive(5000, 5))
    end
end

function scripts.backlog(tcp, log)
    local port = tonumber(ngx.var.plain)
    local function open(timeout, options)
        local sock = tcp()
        sock:settimeout(timeout)
        return sock, sock:connect("127.0.0.1", port, options)
    end
    local options = { pool = "backlog", pool_size = 1, backlog = 1 }
    local first, ok = open(5000, options)
    log:add(ok)
    log:add(select(2, open(50, options)))
    local waiting = ngx.thread.spawn(function()
        local sock, connected, err = open(5000, options)
        log:add(connected, err, sock:getreusedtimes())
        log:add(sock:close())
    end)
    log:add(select(2, open(5000, options)))
    log:add(first:setkeepalive(5000))
    ngx.thread.wait(waiting)
end

function scripts.redis(_, log, libraries)
    for _ = 1, 3 do
        local client = libraries["nginx.redis"]:new()
        client:set_timeout(60000)
        log:add(client:connect("127.0.0.1", tonumber(ngx.var.arg_redis)))
        log:add(client:get_reused_times())
        log:add(client._sock:sslhandshake(false, "localhost", true))
        log:add(client:set("key", ("value"):rep(5000)))
        client:init_pipeline()
        client:get "key"
        client:exists "none"
        client:lpush("list", "x")
        local answers = assert(client:commit_pipeline())
        log:add(#answers[1], answers[2], type(answers[3]))
        log:add(client:get "none" == ngx.null)
        log:add(client:incr "key")
        log:add(client:set_keepalive(5000, 5))
    end
end

function scripts.websocket(_, log, libraries)
    for _ = 1, 3 do
        local client = libraries["nginx.websocket.client"]:new { timeout = 60000, max_payload_len = 100000 }
        log:add(client:connect("wss://127.0.0.1:" .. ngx.var.upstream .. "/websocket", { pool = "websocket" }))
        for _, size in ipairs { 1, 1000, 70000 } do
            assert(client:send_binary(("w"):rep(size)))
            local data, kind = client:recv_frame()
            log:add(data and #data, kind)
        end
        assert(client:send_ping "there?")
        log:add(client:recv_frame())
        log:add(client:set_keepalive(5000, 5))
    end
end

-- kept responds with how often the connections of ?n requests were used before. ?tcp names the function that makes the
-- cosocket; ?pool, ?name and ?verify are its arguments.
function app.kept()
    local arg = ngx.var
    local answers = {}
    for _ = 1, tonumber(arg.arg_n or 1) do
        local sock = app.tcp[arg.arg_tcp or "cleat"]()
        sock:settimeout(60000)
        if arg.arg_certificate then
            sock:setclientcert(app.client_chain, app.client_key)
        end
        local ok, err = sock:connect("127.0.0.1", tonumber(arg.arg_port or arg.upstream), { pool = arg.arg_pool })
        if not ok then
            return ngx.say("connect: ", err)
        end
        local reused = sock:getreusedtimes()
        if reused == 0 or not arg.arg_skip then
            ok, err = sock:sslhandshake(nil, arg.arg_name ~= "" and (arg.arg_name or "localhost") or nil, arg.arg_verify ~= "no")
        end
        if not ok then
            answers[#answers + 1] = reused .. ":" .. err
        else
            answers[#answers + 1] = sock:getreusedtimes()
            if not arg.arg_mute then
                assert(sock:send "GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n")
                local head = assert(sock:receiveuntil "\r\n\r\n"())
                answers[#answers] = answers[#answers] .. assert(sock:receive(tonumber(head:match "Content%-Length: (%d+)")))
            end
            if arg.arg_hold then
                ngx.sleep(tonumber(arg.arg_hold))
            end
            local kept, why = sock:setkeepalive(tonumber(arg.arg_idle or 5000), tonumber(arg.arg_size or 10))
            if not kept then
                answers[#answers] = answers[#answers] .. "," .. why
            end
            if arg.arg_after then
                ngx.sleep(tonumber(arg.arg_after))
            end
        end
    end
    ngx.say(table.concat(answers, " "))
end

-- ids responds with the number of open ids, after a full collection.
function app.ids()
    collectgarbage()
    collectgarbage()
    ngx.say(require("cleat.backend").handle_count())
end

-- websocket is an echo server over nginx's TLS.
function app.websocket()
    local server = assert(require("nginx.websocket.server"):new { timeout = 60000, max_payload_len = 100000 })
    while true do
        local data, kind = server:recv_frame()
        if kind == "binary" then
            server:send_binary(data)
        elseif kind == "ping" then
            server:send_pong(data)
        else
            return
        end
    end
end

--- both runs a script with nginx's cosockets, unless ?only is "cleat", and with cleat's.
function app.both()
    local name = ngx.var.arg_script
    for _, which in ipairs { ngx.var.arg_only or "nginx", "cleat" } do
        local log = setmetatable({}, Log)
        local ok, err = pcall(scripts[name], app.tcp[which], log, app.libraries[which])
        if not ok then
            log:add("error", (tostring(err):gsub("^.-:%d+: ", "")))
        end
        ngx.say(table.concat(log, "\n"))
        ngx.say "----"
    end
end

-- serve writes to the request's connection; the query says what.
function app.serve()
    local case = ngx.var.args
    local raw = assert(ngx.req.socket(true))
    if case == "lines" then
        raw:send "one\r\ntwo\n"
        raw:send "\r\nth\rree\r\r\n\nlast"
    elseif case == "large" then
        raw:send(("0123456789abcdef"):rep(20000))
    elseif case == "until" then
        raw:send "first--END"
        raw:send "hello, --EN-world!--END!!"
        raw:send "--E--ENDrest"
    elseif case == "wait" then
        raw:send "abc"
        raw:settimeout(60000)
        raw:receive(1)
    elseif case:find "^echo" then
        local left = tonumber(case:match "%d+")
        while left > 0 do
            local data = raw:receiveany(8000)
            if not data then
                break
            end
            left = left - #data
            raw:send(data)
        end
        ngx.sleep(0.02)
    end
end

return app
