-- The Lua that nginx runs for spec/sessions/nginx_spec.lua. Contexts and stores are made before the workers start.
local compat = require "cleat.compat"
local nginx = require "cleat.sessions.nginx"
local redis = require "cleat.sessions.redis"
local sessions = require "cleat.sessions"
local ssl = require "cleat.ssl"

local app = {}
local ngx = ngx -- luacheck: ignore 113

local function log_errors(store)
    function store.error(err)
        ngx.log(ngx.WARN, "store error: ", tostring(err))
    end
    return store
end

local function server(directory, store)
    local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context:load_cert_chain(directory .. "/server-ec.pem", directory .. "/server-ec.key")
    context:set_session_store(log_errors(store))
    return context
end

-- init_by_lua calls init.
function app.init(directory)
    app.store = nginx.new("sessions", { marks = "marks" })
    app.servers = {
        dict = server(directory, app.store),
        redis = server(directory, redis.new { port = tonumber(os.getenv "REDIS_PORT"), timeout = 5, pause = 0.001 }),
        gone = server(directory, redis.new { port = 1, timeout = 5, pause = 0.001 }),
    }
    local context = ssl.create_default_context { cafile = directory .. "/root.pem" }
    app.wrap, app.keep = sessions.client(context, app.store, { name = "client" })
end

local function answer(f)
    local ok, result = compat.pcall(f)
    ngx.say(ok and result or "error: " .. tostring(result))
end

-- starttls does TLS with the client of this request after a line of plaintext. The response has the worker's process
-- id, and whether the session was resumed.
function app.starttls()
    local raw = assert(ngx.req.socket(true))
    assert(raw:send "220 ready\r\n")
    local ok, failure = pcall(function()
        local sock = app.servers[ngx.var.arg_store]:wrap_socket(raw, { server_side = true })
        sock:sendall(("%d %s\n"):format(ngx.worker.pid(), tostring(sock.session_reused)))
        sock:recv(1)
        sock:close()
    end)
    if not ok then
        ngx.log(ngx.ERR, "starttls: ", tostring(failure))
    end
end

-- client makes a request to ?port. The response says whether the session was resumed.
function app.client()
    answer(function()
        local conn = app.wrap(ngx.socket.tcp(), { server_hostname = "localhost" })
        conn:settimeout(20)
        conn:connect { "127.0.0.1", tonumber(ngx.var.arg_port) }
        conn:sendall "GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        local parts = {}
        repeat
            parts[#parts + 1] = conn:recv(16384)
        until parts[#parts] == ""
        local resumed, kept = conn.session_reused, app.keep(conn)
        conn:close()
        local said = table.concat(parts):match "\r\n\r\n(.)"
        return ("%d %s %s %s"):format(ngx.worker.pid(), said, tostring(resumed), tostring(kept))
    end)
end

-- full fills a dictionary, and returns the results of the store's functions.
function app.full()
    answer(function()
        local small = nginx.new("small", { marks = "small_marks" })
        local bytes = ("x"):rep(2000)
        for index = 1, 200 do
            small.put("key" .. index, bytes .. index, 1000)
        end
        local first, last = small.get "key1", small.get "key200"
        local big, why = pcall(small.put, "big", ("x"):rep(1000000), 1000)
        small.add("mark", 1000)
        local added = 0
        local added_why
        repeat
            local ok, result = pcall(small.add, "mark" .. added, 1000)
            added, added_why = added + 1, result
        until not ok or added > 100000
        return table.concat({ tostring(first), #last, tostring(big), tostring(why), tostring(small.add("mark", 1000)),
            tostring(added_why) }, "|")
    end)
end

-- rules returns the results of the store's functions.
function app.rules()
    answer(function()
        local store, list = app.store, {}
        local function note(...)
            for index = 1, select("#", ...) do
                list[#list + 1] = tostring((select(index, ...)))
            end
        end
        note(store.get "rule")
        store.put("rule", "a\0\r\n", 1000)
        note(#store.get "rule")
        store.put("rule", "late", 0)
        store.put("rule", "late", -1)
        note(#store.get "rule")
        store.remove "rule"
        note(store.get "rule", store.add("rule", 1000), store.add("rule", 1000), store.get "rule")
        store.put("short", "x", 0.05)
        ngx.sleep(0.1)
        note(store.get "short")
        note(pcall(nginx.new, "nothing"))
        note(pcall(nginx.new, "sessions", { marks = "sessions" }))
        note(pcall(nginx.new, "sessions", { mark = "marks" }))
        note(pcall(store.get))
        note(nginx.new("sessions").add)
        return table.concat(list, "|")
    end)
end

return app
