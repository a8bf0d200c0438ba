-- A fleet: two server processes that resume each other's sessions, by Redis or by shared keys, and clients that move
-- between them. If Redis fails, handshakes are full ones, and succeed.
local limits = require "support.limits"
local optional = require "support.optional"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local support = require "support.redis"
local VARIANTS = require("support.server_visits").VARIANTS

local it = optional.tests(it, pending, support.missing())

-- start starts a server of the fleet; options are those of spec/support/store_server.lua.
local function start(options)
    local command = { "spec/support/store_server.lua", timeout = 120 }
    options.cert, options.key = pki.chain "server-ec"
    options.cafile = pki.path "root.pem"
    options.replied = options.store == "redis" and not options.timeout and 1 or nil -- in tests of a Redis that works
    for name, value in pairs(options) do
        command[#command + 1] = name .. "=" .. tostring(value)
    end
    local server = process.start(process.lua(command))
    server.port = tonumber((server:wait_for("listening on (%d+)")))
    return server
end

-- visit connects with CPython, which with `resume` offers the session of the last visit, and returns whether it was
-- resumed.
local function visit(variant, server, resume, cert)
    local options = {
        port = server.port, tls = true, min = variant.version, max = variant.version, hostname = "localhost",
        resume = resume and "fleet" or nil, "handshake", "reused", "recv 5", "save fleet", "notify",
    }
    if cert then
        options.cert, options.key = pki.chain(cert)
    end
    local lines = peer.connect(options):finish()
    assert.is_truthy(lines[1]:find("handshake TLSv" .. variant.version, 1, true), lines[1])
    assert.are.equal("recv 68656c6c6f", lines[3])
    return lines[2] == "reused yes"
end

-- last returns the last line that a server has printed about a connection.
local function last(server)
    local kind
    for word in server:output():gmatch "connection (%l+)" do
        kind = word
    end
    return kind
end

local function errors_of(server)
    local list = {}
    for text in server:output():gmatch "store error: ([^\n]+)" do
        list[#list + 1] = text
    end
    return list
end

local function sum(values)
    local all = 0
    for _, value in ipairs(values) do
        all = all + value
    end
    return all
end

-- until_resumes visits until a connection is resumed, and raises an error after a timeout.
local function until_resumes(variant, server)
    local deadline = process.clock() + limits.bound(10)
    while not visit(variant, server, true) do
        assert.is_true(process.clock() < deadline, server:output())
    end
end

describe("a fleet with Redis", function()
    teardown(process.cleanup)

    for _, variant in ipairs(VARIANTS) do
        local function options(redis, more)
            local all = { store = "redis", port = redis.port, version = variant.version, no_ticket = variant.no_ticket }
            for name, value in pairs(more or {}) do
                all[name] = value
            end
            return all
        end

        it(variant.name .. ": resumes on each machine, also on a new one", function()
            local redis = support.start()
            local first, second = start(options(redis)), start(options(redis))
            assert.is_false(visit(variant, first))
            for _, server in ipairs { second, first, second, second } do
                assert.is_true(visit(variant, server, true))
                assert.are.equal("resumed", last(server))
            end
            first:kill()
            local third = start(options(redis))
            assert.is_true(visit(variant, third, true))
            assert.are.equal("resumed", last(third))
            for _, server in ipairs { first, second, third } do
                assert.are.same({}, errors_of(server))
                server:stop()
            end
            redis:stop()
        end)

        it(variant.name .. ": resumes with the client's certificate, and not on a machine that trusts other CAs", function()
            local redis = support.start()
            local first, second = start(options(redis, { verify = 1 })), start(options(redis, { verify = 1 }))
            local open = start(options(redis))
            assert.is_false(visit(variant, first, false, "client"))
            assert.is_true(visit(variant, second, true, "client"))
            assert.is_false(visit(variant, open, true, "client")) -- a server that does not verify clients
            for _, server in ipairs { first, second, open } do
                server:stop()
            end
            redis:stop()
        end)

        it(variant.name .. ": makes full handshakes while Redis is killed, and resumes after its restart", function()
            local redis = support.start()
            local first, second = start(options(redis)), start(options(redis))
            visit(variant, first)
            assert.is_true(visit(variant, second, true))
            redis:kill()
            for _ = 1, 2 do
                assert.is_false(visit(variant, first, true))
                assert.is_false(visit(variant, second, true))
            end
            assert.is_truthy(errors_of(first)[1]:find("redis 127.0.0.1:" .. redis.port, 1, true))
            assert.is_truthy(#errors_of(second) > 0)
            redis = support.start(nil, redis.port)
            visit(variant, first)
            until_resumes(variant, second)
            until_resumes(variant, first)
            for _, server in ipairs { first, second } do
                assert.is_falsy(server:output():find "failure")
                server:stop()
            end
            redis:stop()
        end)
    end

    -- One variant is enough for faults of the store.
    local variant = VARIANTS[3]
    local function with(port, more)
        local all = { store = "redis", port = port, version = variant.version, timeout = 0.2 }
        for name, value in pairs(more or {}) do
            all[name] = value
        end
        return start(all)
    end

    it("makes full handshakes while Redis is stopped, and resumes after it continues", function()
        local redis = support.start()
        local server = with(redis.port, { pause = 3600 })
        local patient = with(redis.port, { timeout = limits.bound(5) })
        visit(variant, patient)
        assert.is_true(visit(variant, patient, true))
        os.execute("kill -STOP -" .. redis.pid)
        for _ = 1, 5 do
            assert.is_false(visit(variant, server, true))
        end
        local errors = errors_of(server)
        assert.are.equal(1, #errors) -- only one handshake has waited for Redis
        assert.is_truthy(errors[1]:find "timeout")
        os.execute("kill -CONT -" .. redis.pid)
        visit(variant, patient)
        until_resumes(variant, patient)
        server:stop()
        patient:stop()
        redis:stop()
    end)

    it("makes full handshakes if Redis is out of memory", function()
        local redis = support.start { "--maxmemory", "1", "--maxmemory-policy", "noeviction" }
        local server = with(redis.port, { timeout = limits.bound(5) })
        for _ = 1, 3 do
            assert.is_false(visit(variant, server, true))
        end
        assert.is_truthy(errors_of(server)[1]:find "SET: OOM")
        process.run { "redis-cli", "-p", tostring(redis.port), "config", "set", "maxmemory", "0" }
        until_resumes(variant, server)
        server:stop()
        redis:stop()
    end)

    it("makes full handshakes on a machine with a wrong password", function()
        local redis = support.start { "--requirepass", "secret" }
        local wrong = with(redis.port, { password = "wrong", timeout = limits.bound(5) })
        local right = with(redis.port, { password = "secret", timeout = limits.bound(5) })
        visit(variant, right)
        assert.is_true(visit(variant, right, true))
        assert.is_false(visit(variant, wrong, true))
        assert.is_truthy(errors_of(wrong)[1]:find "AUTH: WRONGPASS")
        wrong:stop()
        right:stop()
        redis:stop()
    end)

    for _, case in ipairs {
        { "answers another protocol", "reply", "HTTP/1.1 400 Bad Request\r\n\r\n" },
        { "answers bytes that are not a session", "reply", "$300\r\n" .. ("x"):rep(300) .. "\r\n" },
        { "answers an empty session", "reply", "$0\r\n\r\n" },
        { "answers slowly", "drip", "$1000\r\n" .. ("x"):rep(1000) },
        { "answers nothing", "silent" }, { "accepts nothing", "deaf" }, { "closes connections", "close" },
    } do
        it("makes full handshakes if the server in place of Redis " .. case[1], function()
            local fake = support.fake(case[2], case[3])
            local server = with(fake.port)
            for _ = 1, 3 do
                assert.is_false(visit(variant, server, true))
                assert.are.equal("full", last(server))
            end
            assert.is_falsy(server:output():find "failure", server:output())
            server:stop()
            fake:kill()
        end)
    end
end)

-- CLIENTS connect once to a server, and return whether the connection was resumed. session: a table, empty at first, in
-- which a client keeps its session.
local CLIENTS = {}

function CLIENTS.openssl(variant, server, session)
    local file = process.directory() .. "/session.pem"
    local command = { "openssl", "s_client", "-connect", "127.0.0.1:" .. server.port, "-servername", "localhost",
        variant.version == "1.2" and "-tls1_2" or "-tls1_3", "-sess_out", file .. ".new", "-ign_eof", timeout = 20 }
    if variant.no_ticket then
        command[#command + 1] = "-no_ticket"
    end
    if session.file then
        command[#command + 1], command[#command + 2] = "-sess_in", session.file
    end
    -- the client ends when the server has sent "hello" and closes
    local result = process.run(command)
    os.rename(file .. ".new", file)
    session.file = file
    return result.output:match "\n(%u%l+), TLSv1" == "Reused"
end

function CLIENTS.cleat(variant, server, session)
    local context = session.context
    if not context then
        context = ssl.create_default_context { cafile = pki.path "root.pem" }
        context.session_cache_size = 0
        local version = variant.version == "1.2" and ssl.TLSVersion.TLSv1_2 or ssl.TLSVersion.TLSv1_3
        context.minimum_version, context.maximum_version = version, version
        session.context = context
    end
    local conn = context:wrap_socket(socket.create_connection({ "127.0.0.1", server.port }, 20),
        { server_hostname = "localhost", session = session.session })
    assert.are.equal("hello", conn:recv(5))
    session.session = conn.session
    local resumed = conn.session_reused
    conn:close()
    return resumed
end

describe("clients of a fleet with Redis", function()
    teardown(process.cleanup)

    for name, connect in pairs(CLIENTS) do
        for _, variant in ipairs(VARIANTS) do
            it(("%s resumes on another server, %s"):format(name, variant.name), function()
                local redis = support.start()
                local options = {
                    store = "redis", port = redis.port, version = variant.version, no_ticket = variant.no_ticket,
                    brief = name == "openssl" and 1 or nil,
                }
                local first, second = start(options), start(options)
                local session = {}
                assert.is_false(connect(variant, first, session))
                for _, server in ipairs { second, second, first } do
                    assert.is_true(connect(variant, server, session))
                    assert.are.equal("resumed", last(server))
                end
                for _, server in ipairs { first, second } do
                    assert.are.same({}, errors_of(server))
                    server:stop()
                end
                redis:stop()
            end)
        end
    end
end)

describe("a fleet whose ticket keys are in Redis", function()
    teardown(process.cleanup)

    for _, variant in ipairs { VARIANTS[1], VARIANTS[3] } do
        it(variant.name .. ": resumes on each machine, also after Redis has ended", function()
            local redis = support.start()
            local function machine()
                return start { port = redis.port, version = variant.version, keys = 3600 }
            end
            local first, second = machine(), machine()
            visit(variant, first)
            assert.is_true(visit(variant, second, true))
            assert.is_true(visit(variant, first, true))
            redis:kill()
            assert.is_true(visit(variant, second, true))
            local late = machine()
            assert.is_false(visit(variant, late, true))
            assert.is_truthy(errors_of(late)[1]:find "redis")
            for _, server in ipairs { first, second, late } do
                server:stop()
            end
        end)
    end
end)

describe("a fleet with one ticket secret", function()
    teardown(process.cleanup)

    for _, variant in ipairs { VARIANTS[1], VARIANTS[3] } do
        it(variant.name .. ": resumes on machines that share nothing else", function()
            local secret = ("0123456789abcdef"):rep(2)
            local first = start { version = variant.version, secret = secret }
            local second = start { version = variant.version, secret = secret }
            local other = start { version = variant.version, secret = secret:reverse() }
            assert.is_false(visit(variant, first))
            assert.is_true(visit(variant, second, true))
            assert.is_true(visit(variant, first, true))
            assert.is_false(visit(variant, other, true))
            for _, server in ipairs { first, second, other } do
                server:stop()
            end
        end)
    end
end)

describe("a session in Redis, with a ticket secret", function()
    teardown(process.cleanup)

    it("resumes on machines with the secret only", function()
        local redis = support.start()
        local function server(secret)
            return start { store = "redis", port = redis.port, version = "1.3", secret = secret }
        end
        local secret = ("fedcba9876543210"):rep(2)
        local first, second, other, bare = server(secret), server(secret), server(secret:reverse()), server()
        local variant = VARIANTS[3]
        visit(variant, first)
        assert.is_true(visit(variant, second, true))
        local resumed = {}
        for _, each in ipairs { other, bare } do
            visit(variant, first)
            resumed[#resumed + 1] = visit(variant, each, true) and 1 or 0
        end
        assert.are.equal(0, sum(resumed))
        for _, each in ipairs { first, second, other, bare } do
            each:stop()
        end
        redis:stop()
    end)
end)
