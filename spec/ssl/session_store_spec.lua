-- SSLContext:set_session_store: servers' sessions in a table of the program, which two servers share. CPython is the
-- client.
local errors = require "cleat.errors"
local handles = require "support.handles"
local peer = require "support.peer"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local visits = require "support.server_visits"

local visit, resumes = visits.visit, visits.resumes

-- store: a table with the functions of a store, `kept` (values by key), `log` (of calls), `errors`.
local function store()
    local self = { kept = {}, log = {}, errors = {}, lifetimes = {} }
    function self.get(key)
        self.log[#self.log + 1] = "get"
        self.asked = key
        return self.kept[key]
    end
    function self.put(key, bytes, lifetime)
        self.log[#self.log + 1] = "put"
        self.kept[key] = bytes
        self.lifetimes[#self.lifetimes + 1] = lifetime
    end
    function self.error(err)
        self.errors[#self.errors + 1] = err
    end
    return self
end

-- with returns a server's context over a store, whose functions may be replaced.
local function with(variant, over, options)
    local context = visits.server(variant, options)
    context:set_session_store { get = over.get, put = over.put, remove = over.remove, error = over.error }
    return context
end

local function count(values)
    local number = 0
    for _ in pairs(values) do
        number = number + 1
    end
    return number
end

-- change replaces all values of the store by f(value).
local function change(over, f)
    for key, value in pairs(over.kept) do
        over.kept[key] = f(value)
    end
end

describe("session store:", function()
    handles.watch(before_each, after_each)
    teardown(peer.cleanup)

    for _, variant in ipairs(visits.VARIANTS) do
        local full = variant.version == "1.3" and { "put", "put" } or { "put" }
        describe(variant.name .. ":", function()
            it("is queried only for clients that offer a session; the sessions of all clients are stored", function()
                local over = store()
                local context = with(variant, over)
                assert.is_false(visit(variant, context).resumed)
                assert.are.same(full, over.log)
                assert.are.equal(#full, count(over.kept))
                for key, value in pairs(over.kept) do
                    assert.are.equal(32, #key)
                    assert.is_truthy(#value > 60)
                end
                local whole = variant.version == "1.3" and 172800 or 7200
                for _, lifetime in ipairs(over.lifetimes) do -- some of which has passed
                    assert.is_true(lifetime > whole - 60 and lifetime <= whole, tostring(lifetime))
                end
            end)

            it("lets a client resume on another server", function()
                local over = store()
                local first, second = with(variant, over), with(variant, over)
                visit(variant, first)
                over.log = {}
                assert.is_true(resumes(variant, second))
                assert.are.same(variant.version == "1.3" and { "get", "put", "put" } or { "get" }, over.log)
                assert.is_true(resumes(variant, first))
                assert.are.equal(1, second:session_stats().hits)
                assert.are.equal(0, second:session_stats().number)
                assert.are.equal(0, first:session_stats().store_errors)
            end)

            it("that has lost its sessions causes a full handshake", function()
                local over = store()
                local context = with(variant, over)
                visit(variant, context)
                over.kept = {}
                assert.is_false(resumes(variant, context))
                assert.are.equal(1, context:session_stats().misses)
                assert.are.same({}, over.errors)
                assert.is_true(resumes(variant, context)) -- the new one
            end)

            for name, f in pairs {
                ["half of the stored bytes"] = function(value) return value:sub(1, 70) end,
                ["a changed byte"] = function(value)
                    local at = #value - 20
                    return value:sub(1, at - 1) .. string.char((value:byte(at) + 1) % 256) .. value:sub(at + 1)
                end,
                ["only zeros"] = function(value) return ("\0"):rep(#value) end,
                ["an empty string"] = function() return "" end,
                ["a very long string"] = function() return ("x"):rep(300000) end,
                ["false"] = function() return false end,
            } do
                it("that returns " .. name .. " causes a full handshake", function()
                    local over = store()
                    local context = with(variant, over)
                    visit(variant, context)
                    change(over, f)
                    assert.is_false(resumes(variant, context))
                    assert.are.same({}, over.errors)
                    assert.are.equal(1, context:session_stats().misses)
                end)
            end

            it("that returns another client's session causes a full handshake", function()
                local over = store()
                local context = with(variant, over)
                visit(variant, context)
                local mine = over.kept
                over.kept = {}
                visit(variant, context, { save = "other" })
                local _, others = next(over.kept)
                over.kept = mine
                change(over, function() return others end)
                assert.is_false(resumes(variant, context))
            end)

            it("raises errors to its error function, and the handshake continues", function()
                local over = store()
                local context = with(variant, over)
                visit(variant, context)
                local problem = errors.IOError(111, "Connection refused")
                local function fail()
                    errors.throw(problem)
                end
                context:set_session_store { get = fail, put = fail, error = over.error }
                assert.is_false(resumes(variant, context))
                assert.are.equal(1 + #full, #over.errors)
                assert.are.equal(problem, over.errors[1])
                assert.are.equal(1 + #full, context:session_stats().store_errors)
            end)

            it("that returns a wrong type: the error function is called", function()
                local over = store()
                local context = with(variant, over)
                visit(variant, context)
                over.get = function() return 42 end
                context:set_session_store { get = over.get, put = over.put, error = over.error }
                assert.is_false(resumes(variant, context))
                raises.check(over.errors[1], "TypeError", { match = "get must return a string or nil, not 42" })
                assert.are.equal(1, #over.errors)
            end)

            it("without an error function, and when that raises, counts the errors", function()
                local over = store()
                local context = with(variant, over)
                visit(variant, context)
                local function fail() error("no store") end
                context:set_session_store { get = fail, put = over.put }
                assert.is_false(resumes(variant, context))
                assert.are.equal(1, context:session_stats().store_errors)
                context:set_session_store { get = fail, put = over.put, error = fail }
                assert.is_false(resumes(variant, context))
                assert.are.equal(2, context:session_stats().store_errors)
            end)

            it("sends clients no secret: a ticket is only a name", function()
                local over = store()
                local context = with(variant, over)
                visit(variant, context)
                assert.is_true(resumes(variant, context))
                assert.is_truthy(over.kept[over.asked]) -- it has 32 bytes of the ticket, and only the store has the rest of the session
            end)

            it("can be removed; then the context stores its sessions itself", function()
                local over = store()
                local context = with(variant, over)
                visit(variant, context)
                for _, none in ipairs { false, nil } do
                    context:set_session_store(none)
                end
                context:set_session_store()
                over.log = {}
                assert.is_false(resumes(variant, context))
                assert.is_true(resumes(variant, context))
                assert.are.same({}, over.log)
            end)

            it("has values that ticket keys encrypt, and that are useless without them", function()
                local over = store()
                local secret = ssl.RAND_bytes(32)
                local first, second, third = with(variant, over), with(variant, over), with(variant, over)
                first:set_ticket_secret(secret)
                second:set_ticket_secret(secret)
                visit(variant, first)
                assert.is_true(resumes(variant, second))
                assert.is_false(resumes(variant, third)) -- the store has an unencrypted session now
                assert.is_true(resumes(variant, third))
                assert.is_false(resumes(variant, first)) -- which a server with keys refuses
                third:set_ticket_secret(ssl.RAND_bytes(32))
                assert.is_false(resumes(variant, third))
            end)
        end)
    end

    for _, variant in ipairs(visits.VARIANTS) do
        it(variant.name .. ": clients are verified again, and the verify callback is called", function()
            local over, calls, refuses = store(), 0, false
            local options = { cafile = "root.pem", verify = ssl.CERT_REQUIRED }
            local context = with(variant, over, options)
            context.verify_callback = function(_, chain, verdict)
                calls = calls + 1
                return not refuses and #chain > 0 and verdict.verify_code == 0
            end
            visit(variant, context, { cert = "client" })
            local outcome = visit(variant, context, { cert = "client", resume = "visit" })
            assert.is_true(outcome.resumed)
            assert.are.equal("client", outcome.subject)
            assert.are.equal(2, calls)
            refuses = true
            over.log = {}
            outcome = visit(variant, context, { cert = "client", resume = "visit" })
            raises.check(outcome.failure, "SSLCertVerificationError", { verify_code = 50 })
            assert.are.same({ "get" }, over.log) -- no session of a refused client is stored
        end)
    end

    it("is not queried for the random session id of a TLS 1.3 client", function()
        local over = store()
        local variant = visits.VARIANTS[1]
        local context = with(variant, over)
        visit(variant, context, { max = "1.3" })
        assert.are.same({ "put" }, over.log)
        assert.is_true(resumes(variant, context, { max = "1.3" }))
        assert.are.same({ "put", "get" }, over.log)
    end)

    it("is queried for the session id of a TLS 1.3 client if tickets are disabled", function()
        local over = store()
        local variant = visits.VARIANTS[2]
        local context = with(variant, over)
        visit(variant, context, { max = "1.3" })
        assert.is_true(resumes(variant, context, { max = "1.3" }))
    end)

    it("is not queried for tickets that are not names", function()
        local variant = visits.VARIANTS[3]
        local plain = visits.server(variant)
        visit(variant, plain)
        local over = store()
        assert.is_false(resumes(variant, with(variant, over)))
        assert.are.same({ "put", "put" }, over.log)
    end)

    it("with remove lets a session of TLS 1.3 resume once", function()
        local over = store()
        local variant = visits.VARIANTS[3]
        function over.remove(key)
            over.log[#over.log + 1] = "remove"
            over.kept[key] = nil
        end
        local context = with(variant, over)
        visit(variant, context)
        over.log = {}
        assert.is_true(resumes(variant, context, { save = "new" }))
        assert.are.same({ "get", "put", "put", "remove" }, over.log)
        assert.is_false(resumes(variant, context, { save = "newer" }))
        assert.is_true(resumes(variant, context, { resume = "new" }))
    end)

    it("with remove lets a session of TLS 1.2 resume again", function()
        local over = store()
        function over.remove()
            error("not called")
        end
        for index = 1, 2 do
            local variant = visits.VARIANTS[index]
            local context = with(variant, over)
            visit(variant, context)
            assert.is_true(resumes(variant, context))
            assert.is_true(resumes(variant, context))
        end
        assert.are.same({}, over.errors)
    end)

    it("is that of the context from which a connection was made", function()
        for _, variant in ipairs(visits.VARIANTS) do
            local over, others = store(), store()
            local context, other = with(variant, over), with(variant, others)
            context:set_servername_callback(function(sock)
                sock.context = other
            end)
            visit(variant, context)
            assert.is_true(resumes(variant, context))
            assert.are.same({}, others.log)
            assert.is_true(#over.log >= 2)
        end
    end)

    it("is that of a context that is assigned to a connection before its handshake", function()
        for _, variant in ipairs(visits.VARIANTS) do
            local over = store()
            local context, other = visits.server(variant), with(variant, over)
            visit(variant, context, { meanwhile = function(sock)
                sock.context = other
            end })
            assert.are.same(variant.version == "1.3" and { "put", "put" } or { "put" }, over.log)
        end
    end)

    it("is that of the time when a connection was made, even if the context gets another one", function()
        for _, variant in ipairs(visits.VARIANTS) do
            for _, later in ipairs { "another", "none" } do
                local over, others = store(), store()
                local context = with(variant, over)
                visit(variant, context)
                assert.is_true(resumes(variant, context, { meanwhile = function()
                    context:set_session_store(later == "another" and { get = others.get, put = others.put } or nil)
                end }))
                assert.are.same({}, others.log)
                context:set_session_store { get = over.get, put = over.put }
                assert.is_true(resumes(variant, context)) -- that connection's session is stored
            end
        end
    end)

    it("may close the connection for which it is called", function()
        for _, variant in ipairs(visits.VARIANTS) do
            local over = store()
            local context = with(variant, over)
            visit(variant, context)
            local current
            over.get = function()
                current:close()
            end
            context:set_session_store { get = over.get, put = over.put, error = over.error }
            local outcome = visit(variant, context, { resume = "visit", meanwhile = function(sock) current = sock end })
            raises.check(outcome.failure, "socket.error", { errno = 9 })
        end
    end)

    it("cannot use the connection", function()
        local variant = visits.VARIANTS[3]
        local over = store()
        local context, current = with(variant, over), nil
        visit(variant, context)
        context:set_session_store { get = function() current:recv(1) end, put = over.put, error = over.error }
        local outcome = visit(variant, context, { resume = "visit", meanwhile = function(sock) current = sock end })
        assert.is_false(outcome.resumed)
        raises.check(over.errors[1], "ValueError", { match = "the session store callback has not returned yet" })
    end)

    it("needs its two functions, and refuses unknown ones", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        local function f() end
        raises("TypeError", { match = "missing required argument 'put'" }, context.set_session_store, context, { get = f })
        raises("TypeError", { match = "missing required argument 'get'" }, context.set_session_store, context, { put = f })
        raises("TypeError", { match = "unexpected keyword argument 'putt'" }, context.set_session_store, context, { get = f, putt = f })
        raises("TypeError", { match = "argument 'remove' must be a function, not 1" }, context.set_session_store, context,
            { get = f, put = f, remove = 1 })
        raises("TypeError", { match = "argument 'get' must be a function" }, context.set_session_store, context, "store")
    end)
end)
