-- Runs tests of support.adapter_tests in nginx: a location has `content_by_lua_block { app.run() }`.
local Runtime = require "support.runtime"
local tests = require "support.adapter_tests"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local backend = require "cleat.backend"

local nginx_adapter_tests = {}
local ngx = ngx -- luacheck: ignore 113
local const = backend.const

local function now()
    local _, seconds = backend.monotonic()
    return seconds
end

-- waiter is for the peer, which is a socket of cleat.
local function waiter(sock, event, timeout)
    local finish = timeout and now() + timeout
    local events = event == "read" and const.POLLIN or const.POLLOUT
    while backend.poll({ sock:fileno() }, { events }, 1, 0) == 0 do
        if finish and now() > finish then
            return false
        end
        ngx.sleep(0.001)
    end
    return true
end

local function connected_cosocket()
    local listener = socket.socket()
    listener:setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    listener:bind { "127.0.0.1", 0 }
    listener:listen(1)
    local tcp = ngx.socket.tcp()
    assert(tcp:connect("127.0.0.1", listener:getsockname()[2]))
    local peer = listener:accept()
    listener:close()
    peer:setwaiter(waiter)
    return tcp, peer
end

local client, server, files

-- init_by_lua calls init.
function nginx_adapter_tests.init(directory)
    files = directory
    client = ssl.create_default_context { cafile = directory .. "/root.pem" }
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server:load_cert_chain(directory .. "/server-ec.pem", directory .. "/server-ec.key")
end

local function runtime()
    return Runtime:new {
        name = "nginx", stream = true, client = client, server = server, directory = files,
        factor = tonumber(ngx.var.arg_factor) or 1,
        large_buffers = true, -- the buffers of a cosocket are the system's
        launch = function(_, task)
            task.thread = ngx.thread.spawn(task.main)
        end,
        pause = function(_, seconds)
            ngx.sleep(seconds)
        end,
        ends = connected_cosocket,
        fresh = function()
            return ngx.socket.tcp()
        end,
        close_object = function(_, tcp)
            tcp:close()
        end,
        kill = function(_, task)
            assert(ngx.thread.kill(task.thread))
            task.ok, task.results, task.done = true, {}, true
        end,
        port = tonumber(ngx.var.arg_port),
        connect = function(_, port)
            local tcp = ngx.socket.tcp()
            assert(tcp:connect("127.0.0.1", port))
            return tcp
        end,
    }
end

-- run runs the test ?test=NAME with TLS, and responds with "right" or the error.
function nginx_adapter_tests.run()
    local name = ngx.unescape_uri(ngx.var.arg_test)
    local ok, failure = pcall(tests[name], runtime(), true)
    ngx.say(ok and "right" or "wrong: " .. tostring(failure))
end

return nginx_adapter_tests
