-- cleat.sessions.nginx and cleat.sessions.redis in nginx: two workers resume each other's sessions.
local cleat_nginx = require "support.cleat_nginx"
local limits = require "support.limits"
local nginx = require "support.nginx"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local sessions = require "cleat.sessions.nginx"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local support = require "support.redis"

local missing = cleat_nginx.missing()
local it_anywhere, it = it, optional.tests(it, pending, missing)

local LOCATIONS = [[
    location = /starttls { content_by_lua_block { app.starttls() } }
    location = /client { content_by_lua_block { app.client() } }
    location = /full { content_by_lua_block { app.full() } }
    location = /rules { content_by_lua_block { app.rules() } }
]]

local DICTIONARIES = [[
    lua_shared_dict sessions 1m;
    lua_shared_dict marks 100k;
    lua_shared_dict small 64k;
    lua_shared_dict small_marks 16k;
]]

local function open(port)
    return socket.create_connection({ "127.0.0.1", port }, 20)
end

local function get(port, path)
    local sock = open(port)
    sock:sendall(("GET %s HTTP/1.0\r\n\r\n"):format(path))
    local parts = {}
    repeat
        parts[#parts + 1] = sock:recv(65536)
    until parts[#parts] == ""
    sock:close()
    return (table.concat(parts):match "\r\n\r\n(.*)$" or "no answer"):gsub("\n$", "")
end

describe("sessions in nginx", function()
    local server, port, redis, context
    setup(function()
        if not missing then
            redis = not support.missing() and support.start()
            local servers = nginx.lua({
                { listen = "reuseport", lines = LOCATIONS },
                { lines = "location = /who { return 200 \"$ssl_session_reused\"; }" },
                workers = 2,
            }, "support.nginx_sessions_app")
            servers.http = DICTIONARIES .. servers.http
            servers.main = servers.main .. ("env REDIS_PORT=%d;\n"):format(redis and redis.port or 1)
            server = nginx.start(servers, 120)
            port = server.ports[1]
            context = ssl.create_default_context { cafile = pki.path "root.pem" }
            context.session_cache_size = 0
        end
    end)
    teardown(process.cleanup)

    after_each(function()
        if server then
            cleat_nginx.check_log(server)
        end
    end)

    local function log()
        return process.read_file(server.directory .. "/error.log")
    end

    -- visit connects, and returns the worker's process id, whether the session was resumed, and the next session.
    local function visit(store, session)
        local sock = open(port)
        sock:sendall(("GET /starttls?store=%s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(store))
        assert.are.equal("220 ready\r\n", sock:recv(11))
        sock = context:wrap_socket(sock, { server_hostname = "localhost", session = session })
        local pid, resumed = sock:recv(100):match "^(%d+) (%l+)\n$"
        assert.are.equal(resumed, tostring(sock.session_reused))
        session = sock.session
        sock:close()
        return pid, resumed == "true", session
    end

    -- moves visits until each worker has resumed a session of the other worker.
    local function moves(store)
        local before, _, session = visit(store)
        local seen, deadline = {}, process.clock() + limits.bound(20)
        while not seen.first or not seen.second do
            local pid, resumed
            pid, resumed, session = visit(store, session)
            assert.is_true(resumed, log())
            if pid ~= before then
                seen[seen.first and "second" or "first"] = true
            end
            before = pid
            assert.is_true(process.clock() < deadline, "one worker has all connections")
        end
    end

    it("resume in the other worker, from the shared dictionary", function()
        moves "dict"
        assert.is_falsy(log():find "store error")
    end)

    local no_redis = support.missing() or optional.file("/usr/share/lua/5.1/nginx/redis.lua", "lua-nginx-redis")
    optional.tests(it, pending, not missing and no_redis)("resume in the other worker, from Redis over pooled cosockets", function()
        moves "redis"
        for _ = 1, 10 do
            visit "redis"
        end
        assert.is_falsy(log():find "store error", log())
        local stats = process.run({ "redis-cli", "-p", tostring(redis.port), "info", "stats" }).output
        assert.is_true(tonumber(stats:match "total_connections_received:(%d+)") <= 3, stats) -- one for each worker, and redis-cli's
        -- without Redis each handshake is a full one
        redis:kill()
        local _, _, session = visit "redis"
        for _ = 1, 4 do
            local _, resumed = visit("redis", session)
            assert.is_false(resumed)
        end
        redis = support.start(nil, redis.port)
        local deadline = process.clock() + limits.bound(20)
        repeat
            local _, resumed, new = visit("redis", session)
            session = new
            assert.is_true(process.clock() < deadline, log())
        until resumed
    end)

    it("do not resume without Redis, and the error is logged", function()
        local _, resumed, session = visit "gone"
        assert.is_false(resumed)
        _, resumed = visit("gone", session)
        assert.is_false(resumed)
        assert.is_truthy(log():find("store error: [Errno 5] redis 127.0.0.1:1: ", 1, true), log())
    end)

    it("are shared by clients in both workers", function()
        local before, first, _, kept = get(port, "/client?port=" .. server.ports[2]):match "^(%d+) (%S) (%l+) (%l+)$"
        assert.are.same({ ".", "true" }, { first, kept })
        local deadline = process.clock() + limits.bound(20)
        local pid
        repeat
            local page = get(port, "/client?port=" .. server.ports[2])
            local said, resumed
            pid, said, resumed, kept = page:match "^(%d+) (%S) (%l+) (%l+)$"
            assert.are.same({ "r", "true", "true" }, { said, resumed, kept }, page)
            assert.is_true(process.clock() < deadline, "one worker has all connections")
        until pid ~= before
    end)

    it("are evicted from a full dictionary, but marks are not", function()
        local first, last, big, why, again, added = get(port, "/full"):match "^(.-)|(.-)|(.-)|(.-)|(.-)|(.-)$"
        assert.are.same({ "nil", "2003", "false", "set of the lua_shared_dict small: no memory" }, { first, last, big, why })
        assert.are.same({ "false", "safe_add of the lua_shared_dict small_marks: no memory" }, { again, added })
    end)

    it("behave as every store does, and raise for wrong arguments and settings", function()
        local wanted = {
            "nil", "4", "4", "nil", "true", "false", "nil", "nil",
            "false", "new() argument 'name': there is no lua_shared_dict nothing in nginx's configuration",
            "false", "new() argument 'marks' must be another dictionary: sessions would evict the marks of early data",
            "false", "new() got an unexpected keyword argument 'mark'",
            "false", "get() argument 'key' must be a string, not nil", "nil",
        }
        assert.are.equal(table.concat(wanted, "|"), (get(port, "/rules")))
    end)

    it_anywhere("need nginx: new() raises NotImplementedError elsewhere", function()
        raises("NotImplementedError", { match = "needs the Lua of nginx" }, sessions.new, "sessions")
    end)
end)
