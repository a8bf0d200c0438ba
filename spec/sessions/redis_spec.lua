-- cleat.sessions.redis with a real Redis, and with one that fails: each call returns in time, and the store reconnects.
local backend = require "cleat.backend"
local handles = require "support.handles"
local limits = require "support.limits"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local redis = require "cleat.sessions.redis"
local servers = require "support.servers"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local support = require "support.redis"
local tasks = require "support.tasks"
local visits = require "support.visits"

local missing = support.missing()
local it = optional.tests(it, pending, missing)
local BYTES = "session\0\r\n\255" .. ("x"):rep(20000)

-- A store whose timeout is long enough for a loaded machine.
local function store_of(options)
    options.timeout = options.timeout or limits.bound(5)
    return redis.new(options)
end

describe("cleat.sessions.redis", function()
    handles.watch(before_each, after_each)

    local server
    setup(function()
        if not missing then
            server = support.start()
        end
    end)
    teardown(process.cleanup)

    -- ask runs a command with redis-cli, and returns its reply.
    local function ask(port, ...)
        local command = { "redis-cli", "-p", tostring(port), ... }
        local result = process.run(command)
        assert.are.equal(0, result.status, result.errors)
        return (result.output:gsub("\n$", ""))
    end

    -- exercise tests the functions that every store has, with a key.
    local function exercise(store, name)
        assert.is_nil(store.get(name))
        store.put(name, BYTES, 86400.9)
        assert.are.equal(BYTES, store.get(name))
        store.put(name, "", 86400)
        assert.are.equal("", store.get(name))
        store.put(name, "kept", 86400)
        store.put(name, "late", 0.9)
        store.put(name, "late", -1)
        assert.are.equal("kept", store.get(name))
        store.remove(name)
        store.remove(name)
        assert.is_nil(store.get(name))
        assert.is_true(store.add(name, 86400))
        assert.is_false(store.add(name, 86400))
        assert.is_nil(store.get(name))
    end

    it("stores, returns and removes sessions", function()
        exercise(store_of { port = server.port }, "a\0\r\n$9\r\n*")
    end)

    it("accepts early data of a ticket once on all servers", function()
        local client_context, contexts = visits.client(), { visits.server(), visits.server() }
        for _, context in ipairs(contexts) do
            local store = store_of { port = server.port, prefix = "early:" }
            store.remove = nil -- so that both servers find the session
            context.max_early_data = 14336
            context:set_session_store(store)
        end
        local session = visits.visit({ client = client_context, server = contexts[1] }).session
        for round = 1, 2 do
            local to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
            local client = client_context:wrap_bio(to_client, to_server, { server_hostname = "localhost", session = session,
                early_data = "early" })
            local peer = contexts[round]:wrap_bio(to_server, to_client, { server_side = true })
            for _ = 1, 3 do
                pcall(client.do_handshake, client)
                pcall(peer.do_handshake, peer)
            end
            assert.is_true(client.session_reused)
            assert.are.equal(round == 1 and "accepted" or "refused", client.early_data)
            assert.are.equal(round == 1 and "early" or "", peer:recv_early(100))
            assert.are.equal(round == 1 and "" or "early", peer:recv_early(100) .. (round == 2 and peer:read(100) or ""))
        end
    end)

    it("stores all keys with an expiry and a prefix", function()
        local store = store_of { port = server.port, prefix = "mine:" }
        store.put("key", "x", 77000.9)
        store.add("key", 33000)
        store.add("short", 0.1)
        local ttl = tonumber(ask(server.port, "ttl", "mine:key"))
        assert.is_true(ttl > 70000 and ttl <= 77000, ttl)
        ttl = tonumber(ask(server.port, "ttl", "mine:+key"))
        assert.is_true(ttl > 25000 and ttl <= 33000, ttl)
        ttl = tonumber(ask(server.port, "pttl", "mine:+short"))
        assert.is_true(ttl <= 1000, ttl)
        assert.is_nil(store_of({ port = server.port }).get "key")
        assert.are.equal("x", store_of({ port = server.port, prefix = "mine:" }).get "key")
    end)

    it("authenticates, and selects a database", function()
        local locked = support.start { "--requirepass", "secret", "--user", "app", "on", ">word", "~*", "+@all" }
        local port = locked.port
        for _, login in ipairs { { password = "secret" }, { username = "app", password = "word" },
            { password = "secret", database = 3 } } do
            login.port = port
            exercise(store_of(login), "key of " .. tostring(login.username) .. tostring(login.database))
        end
        assert.are.equal("1", ask(port, "-a", "secret", "--no-auth-warning", "-n", "3", "dbsize"))
        raises("socket.error", { match = ("redis 127.0.0.1:%d: GET: NOAUTH"):format(port) }, store_of({ port = port }).get, "key")
        raises("socket.error", { match = "AUTH: WRONGPASS" }, store_of({ port = port, password = "wrong" }).get, "key")
        raises("socket.error", { match = "SELECT: ERR" }, store_of({ port = port, password = "secret", database = 9999 }).get, "key")
        locked:stop()
    end)

    it("connects over a Unix socket", function()
        local path = process.directory() .. "/redis.sock"
        local other = support.start { "--unixsocket", path }
        exercise(store_of { path = path }, "key")
        other:stop()
        raises("socket.error", { match = "redis " .. path .. ": GET: " }, store_of({ path = path }).get, "key")
    end)

    it("connects over TLS, and verifies the server", function()
        local certfile, keyfile = pki.chain "server-ec"
        local other = servers["redis-server"](certfile, keyfile)
        local trust = ssl.create_default_context { cafile = pki.path "root.pem" }
        local options = { port = other.port, password = "secret", context = trust, server_hostname = "localhost" }
        exercise(store_of(options), "key")
        options.server_hostname = "example.org"
        raises("socket.error", { match = "hostname mismatch" }, store_of(options).get, "key")
        options.server_hostname = nil -- 127.0.0.1, which the certificate has, too
        options.context = ssl.create_default_context { cafile = pki.path "unknown-root.pem" }
        raises("socket.error", { match = "CERTIFICATE_VERIFY_FAILED" }, store_of(options).get, "key")
        other:stop()
    end)

    it("uses a client of redis-lua, and replaces it after a failure", function()
        local library = support.library()
        if not library then
            return pending "lua-redis is not installed (script/packages test), or there is no LuaSocket for this Lua"
        end
        local made = 0
        local other = support.start()
        local store = store_of { pause = 0.001, connect = function()
            made = made + 1
            return library.connect { host = "127.0.0.1", port = other.port, timeout = limits.bound(5) }
        end }
        exercise(store, "key")
        assert.are.equal(1, made)
        other:kill()
        raises("socket.error", { match = "redis: GET: " }, store.get, "key")
        other = support.start(nil, other.port)
        process.sleep(0.01)
        exercise(store, "other")
        assert.are.equal(3, made)
        other:stop()
    end)

    it("bounds a client of redis-lua by the timeout", function()
        local library = support.library()
        if not library then
            return pending "lua-redis is not installed (script/packages test), or there is no LuaSocket for this Lua"
        end
        local slow = support.fake "silent"
        local store = redis.new { timeout = 0.1, connect = function()
            return library.connect { host = "127.0.0.1", port = slow.port }
        end }
        local before = process.clock()
        raises("socket.error", { match = "timeout" }, store.get, "key")
        assert.is_true(process.clock() - before < limits.bound(2))
        slow:kill()
    end)

    it("refuses a value that is not a client, and includes the reason if the function returns none", function()
        local store = redis.new { pause = 0.001, connect = function()
            return {}
        end }
        raises("socket.error", { match = "the function 'connect' has returned table, and no client of" }, store.get, "key")
        store = redis.new { connect = function()
            return nil, "no network"
        end }
        raises("socket.error", { match = "no network" }, store.get, "key")
        store = redis.new { connect = function()
            error "broken"
        end }
        raises("socket.error", { match = "broken" }, store.get, "key")
    end)

    it("checks its arguments", function()
        for _, case in ipairs {
            { "TypeError", "unexpected keyword argument 'hots'", { hots = "x" } },
            { "TypeError", "'host' must be a string", { host = 1 } },
            { "ValueError", "'port' must be between 1 and 65535", { port = 0 } },
            { "ValueError", "'timeout' must be above 0", { timeout = 0 } },
            { "ValueError", "'pause' must be above 0", { pause = 0 } },
            { "ValueError", "'connections' must be between 1", { connections = 0 } },
            { "ValueError", "'username' needs a password", { username = "x" } },
            { "ValueError", "takes host and port, or path", { path = "/x", port = 1 } },
            { "TypeError", "'context' must be an SSLContext or nil", { context = {} } },
            { "TypeError", "'connect' must be a function or nil", { connect = {} } },
            { "ValueError", "'connect' is given", { connect = print, host = "x" } },
        } do
            raises(case[1], { match = case[2] }, redis.new, case[3])
        end
        local store = redis.new { port = 1 }
        raises("TypeError", { match = "get() argument 'key' must be a string" }, store.get)
        raises("TypeError", { match = "put() argument 'bytes' must be a string" }, store.put, "key", 1, 1)
        raises("TypeError", { match = "put() argument 'lifetime' must be a number" }, store.put, "key", "x", "1")
        raises("TypeError", { match = "add() argument 'lifetime' must be a number" }, store.add, "key")
    end)
end)

describe("cleat.sessions.redis with a Redis that", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local PAUSE = 3600 -- seconds: it lasts until a test moves the clock

    -- with_clock runs a test that moves the store's clock, to end its pauses.
    local clock, shift = backend.monotonic, 0
    local function rest()
        shift = shift + PAUSE + 1
    end
    before_each(function()
        shift = 0
        -- only the store uses this clock's value: sockets' timeouts are differences
        backend.monotonic = function()
            local status, now = clock()
            return status, now + shift
        end
    end)
    after_each(function()
        backend.monotonic = clock
    end)

    local function new(port, options)
        options = options or {}
        options.port, options.pause = port, PAUSE
        return store_of(options)
    end

    it("was restarted reconnects without an error", function()
        local server = support.start()
        local store = new(server.port)
        store.put("key", "x", 86400)
        assert.are.equal("x", store.get "key")
        server:kill()
        server = support.start(nil, server.port)
        assert.is_nil(store.get "key") -- over a new connection
        store.put("key", "y", 86400)
        assert.are.equal("y", store.get "key")
        server:stop()
    end)

    it("was killed tries to connect once in each pause, and reconnects once it is started", function()
        local server = support.start()
        local store = new(server.port)
        store.put("key", "x", 86400)
        server:kill()
        local err = raises("socket.error", { match = ("redis 127.0.0.1:%d: GET: "):format(server.port) }, store.get, "key")
        assert.are.equal(5, err.errno)
        server = support.start(nil, server.port)
        assert.is_nil(store.get "key")
        store.put("key", "y", 86400)
        store.remove "key"
        assert.is_false(store.add("key", 86400))
        assert.is_truthy(process.run({ "redis-cli", "-p", tostring(server.port), "dbsize" }).output:find "^0")
        rest()
        store.put("key", "y", 86400)
        assert.are.equal("y", store.get "key")
        assert.is_true(store.add("key", 86400))
        server:stop()
    end)

    it("is out of memory returns stored sessions, and reports that it cannot store", function()
        local server = support.start { "--maxmemory", "3mb", "--maxmemory-policy", "noeviction" }
        local store = new(server.port)
        store.put("key", "x", 86400)
        local function fill()
            for index = 1, 10000 do
                store.put("filling " .. index, BYTES, 86400)
            end
        end
        raises("socket.error", { match = "SET: OOM command not allowed" }, fill)
        assert.are.equal("x", store.get "key")
        store.put("other", "x", 86400) -- not sent: the store pauses
        assert.is_false(store.add("key", 86400))
        assert.is_nil(store.get "other")
        rest()
        store.put("other", BYTES, 86400) -- does not wait for the reply
        assert.are.equal("x", store.get "key")
        raises("socket.error", { match = "SET: OOM" }, store.put, "other", BYTES, 86400)
        rest()
        raises("socket.error", { match = "SET: OOM" }, store.add, "other", 86400)
        assert.are.equal("x", store.get "key")
        process.run { "redis-cli", "-p", tostring(server.port), "config", "set", "maxmemory", "0" }
        rest()
        store.put("other", "y", 86400)
        assert.are.equal("y", store.get "other")
        server:stop()
    end)

    it("is stopped returns after the timeout, and at once during the pause", function()
        local server = support.start()
        local store = new(server.port, { timeout = 0.2 })
        os.execute("kill -STOP -" .. server.pid)
        local before = process.clock()
        raises("socket.error", { match = "timeout" }, store.get, "key")
        local took = process.clock() - before
        assert.is_true(took >= 0.19 and took < limits.bound(2), took)
        -- during the pause calls return at once
        assert.is_nil(store.get "key")
        store.put("key", "x", 86400)
        os.execute("kill -CONT -" .. server.pid)
        rest()
        local last = limits.bound(10) + process.clock() - shift
        local found
        repeat -- Redis continues, some time later
            pcall(store.put, "key", "x", 86400)
            local ok, bytes = pcall(store.get, "key")
            found = ok and bytes
            rest()
        until found or process.clock() - shift > last
        assert.are.equal("x", found)
        server:stop()
    end)

    for _, case in ipairs {
        { "answers nothing", "silent", nil, "timeout" },
        { "answers a byte at a time", "drip", "$1000\r\n" .. ("x"):rep(1000), "timeout" },
        { "accepts no connection", "deaf", nil, "timeout" },
        { "closes connections", "close", nil, "closed" },
    } do
        it(case[1] .. " costs one timeout in each pause", function()
            local fake = support.fake(case[2], case[3])
            local store = new(fake.port, { timeout = case[2] ~= "close" and 0.2 or nil })
            for _ = 1, 2 do
                local before = process.clock()
                raises("socket.error", { match = case[4] }, store.get, "key")
                assert.is_true(process.clock() - before < limits.bound(2))
                for _ = 1, 20 do
                    assert.is_nil(store.get "key")
                    store.put("key", "x", 86400)
                    assert.is_false(store.add("key", 86400))
                end
                rest()
            end
            if case[2] ~= "deaf" then
                fake:wait_for "connection.-(connection)"
                assert.are.equal(2, fake.connections())
            end
            fake:kill()
        end)
    end

    local GARBAGE = {
        { "HTTP/1.1 400 Bad Request\r\n\r\n", "malformed" }, { "\r\n", "malformed" }, { "\0\0\0\0\r\n", "control character" },
        { "$5\r\nabcdefg\r\n", "malformed" }, { "$99999999\r\n", "a reply of 99999999 bytes" }, { "$-2\r\n", "malformed" },
        { "$999999999999999999999\r\n", "malformed" }, { "$0x10\r\n", "malformed" }, { "$1e3\r\n", "malformed" },
        { "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "malformed" }, { ":ten\r\n", "malformed" }, { ("x"):rep(100), "longer than", "flood" },
        { "-LOADING Redis is loading the dataset in memory\r\n", "GET: LOADING" }, { "-\r\n", "GET: " },
        { "-BUSY\r\n", "GET: BUSY" },
    }
    for index, case in ipairs(GARBAGE) do
        it(("answers garbage, %d, is refused"):format(index), function()
            local fake = support.fake(case[3] or "reply", case[1])
            local store = new(fake.port)
            raises("socket.error", { match = case[2] }, store.get, "key")
            assert.is_nil(store.get "key")
            rest()
            pcall(store.put, "key", "x", 86400) -- does not wait for the reply
            raises("socket.error", {}, store.get, "key")
            rest()
            assert.is_false(select(2, pcall(store.add, "key", 86400)) == true)
            fake:kill()
        end)
    end

    it("sends another type returns nil", function()
        for _, bytes in ipairs { ":5\r\n", "*-1\r\n", "$-1\r\n" } do
            local fake = support.fake("reply", bytes)
            local store = new(fake.port)
            assert.is_nil(store.get "key")
            assert.is_false(store.add("key", 86400))
            fake:kill()
        end
    end)
end)

describe("cleat.sessions.redis in coroutines", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    -- The waiter yields to support.tasks, the scheduler.
    local function waiter(sock, event)
        coroutine.yield(sock, event)
        return true
    end
    before_each(function()
        socket.setdefaultwaiter(waiter)
    end)
    after_each(function()
        socket.setdefaultwaiter(nil)
    end)

    it("gets several sessions at the same time over one connection", function()
        local server = support.start()
        local store = store_of { port = server.port }
        local list = {}
        for index = 1, 40 do
            list[index] = function()
                local key = "key" .. index
                for round = 1, 5 do
                    store.put(key, BYTES .. key .. round, 86400)
                    assert.are.equal(BYTES .. key .. round, store.get(key))
                end
                return key
            end
        end
        assert.are.equal("key1", (tasks.run(list, 30)))
        socket.setdefaultwaiter(nil)
        local clients = process.run({ "redis-cli", "-p", tostring(server.port), "info", "stats" }).output
        assert.are.equal(2, tonumber(clients:match "total_connections_received:(%d+)")) -- with redis-cli's
        server:stop()
    end)

    it("lets other coroutines run while Redis is stopped, and fails for all after one timeout", function()
        local fake = support.fake "silent"
        local store = redis.new { port = fake.port, timeout = 0.3, pause = 3600 }
        local list, failures, turns = {}, 0, 0
        for index = 1, 10 do
            list[index] = function()
                local ok = pcall(store.get, "key") -- yields
                failures = failures + (ok and 0 or 1)
            end
        end
        local done
        list[11] = function()
            while failures < 10 do
                turns = turns + 1
                local one, two = socket.socketpair()
                coroutine.yield(two, "write")
                one:close()
                two:close()
            end
            done = true
        end
        local before = process.clock()
        -- support.tasks has no timers: it resumes the task every second, and the waiter checks the deadline
        socket.setdefaultwaiter(function(sock, event, timeout)
            local started = process.clock()
            coroutine.yield(sock, event)
            return process.clock() - started < timeout
        end)
        tasks.run(list, 30)
        assert.is_true(done and turns > 1)
        assert.are.equal(10, failures)
        assert.is_true(process.clock() - before < limits.bound(5))
        fake:kill()
    end)

    it("works after a coroutine was collected during a call", function()
        local server = support.start()
        local store = store_of { port = server.port }
        local thread = coroutine.create(function()
            store.get "key"
        end)
        assert.is_true((coroutine.resume(thread)))
        assert.are.equal("suspended", coroutine.status(thread))
        thread = nil -- luacheck: ignore 311
        collectgarbage()
        collectgarbage()
        tasks.run({ function()
            store.put("key", "x", 86400)
            assert.are.equal("x", store.get "key")
        end })
        server:stop()
    end)
end)
