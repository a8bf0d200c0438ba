-- cleat.sessions.client: a client that keeps its sessions in a store.
local handles = require "support.handles"
local memory = require "cleat.sessions.memory"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local serve = require "support.serve"
local sessions = require "cleat.sessions"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

-- A store that records its calls.
local function counted()
    local inner = memory.new()
    local self = { log = {}, errors = {}, inner = inner }
    for _, name in ipairs { "get", "put", "remove" } do
        self[name] = function(key, ...)
            self.log[#self.log + 1] = name .. " " .. key
            if self.down then
                error(self.down, 0)
            end
            if name == "put" then
                self.lifetime = select(2, ...)
            end
            return inner[name](key, ...)
        end
    end
    function self.error(err)
        self.errors[#self.errors + 1] = err
    end
    return self
end

describe("cleat.sessions.client", function()
    handles.watch(before_each, after_each)

    local server
    setup(function()
        server = serve { mode = "echo" }
    end)
    teardown(process.cleanup)

    local function client_context(version, cafile)
        local context = ssl.create_default_context { cafile = pki.path(cafile or "root.pem") }
        context.session_cache_size = 0
        context.minimum_version, context.maximum_version = version, version
        return context
    end

    -- visit connects, and returns whether the connection was resumed, and whether a session was stored.
    local function visit(wrap, keep, options)
        local sock = socket.create_connection({ "127.0.0.1", server.port }, 20)
        local ok, conn = pcall(wrap, sock, options or { server_hostname = "localhost" })
        if not ok then
            sock:close()
            error(conn, 0)
        end
        conn:sendall "hello"
        assert(conn:recv(5) == "hello")
        local resumed, kept = conn.session_reused, keep(conn)
        assert.is_false(keep(conn)) -- once
        conn:close()
        return resumed, kept
    end

    for _, version in ipairs { ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3 } do
        local is_13 = version == ssl.TLSVersion.TLSv1_3
        local name = is_13 and "TLS 1.3" or "TLS 1.2"

        it("resumes sessions that another context has stored, " .. name, function()
            local store = counted()
            local wrap, keep = sessions.client(client_context(version), store)
            local resumed, kept = visit(wrap, keep)
            assert.are.same({ false, true }, { resumed, kept })
            assert.are.same({ "get client:localhost", "put client:localhost" }, store.log)
            assert.is_true(store.lifetime > 0 and store.lifetime <= 172800)
            store.log = {}
            wrap, keep = sessions.client(client_context(version), store)
            for _ = 1, 3 do
                resumed, kept = visit(wrap, keep)
                assert.are.same({ true, is_13 }, { resumed, kept })
            end
            if is_13 then -- each is used once
                assert.are.same({ "get client:localhost", "remove client:localhost", "put client:localhost" },
                    { store.log[1], store.log[2], store.log[3] })
            else
                assert.are.same({ "get client:localhost", "get client:localhost", "get client:localhost" }, store.log)
            end
            assert.are.same({}, store.errors)
        end)
    end

    local V13 = ssl.TLSVersion.TLSv1_3

    it("stores a session for no longer than its timeout if os.time() is behind", function()
        local store = counted()
        local wrap, keep = sessions.client(client_context(V13), store)
        local time = os.time
        finally(function()
            os.time = time -- luacheck: ignore 122
        end)
        os.time = function() -- luacheck: ignore 122
            return time() - 3600
        end
        visit(wrap, keep)
        assert.are.equal(172800, store.lifetime)
    end)

    it("uses a session of TLS 1.3 only once, also if the store has no remove()", function()
        local inner = memory.new()
        local wrap, keep = sessions.client(client_context(V13), { get = inner.get, put = inner.put })
        visit(wrap, keep)
        assert.is_true((visit(wrap, function() return false end)))
        assert.is_false((visit(wrap, keep)))
        assert.is_true((visit(wrap, keep)))
    end)

    it("uses no session of another name or server", function()
        local store = counted()
        local wrap, keep = sessions.client(client_context(V13), store, { name = "one" })
        visit(wrap, keep)
        local other, keep_other = sessions.client(client_context(V13), store, { name = "two" })
        assert.is_false((visit(other, keep_other)))
        assert.is_false((visit(wrap, keep, { server_hostname = "127.0.0.1" })))
        assert.is_true((visit(wrap, keep)))
        assert.is_true((visit(other, keep_other)))
    end)

    it("verifies the server again, and fails if it is no longer trusted", function()
        local store = counted()
        visit(sessions.client(client_context(V13), store))
        local wrap, keep = sessions.client(client_context(V13, "unknown-root.pem"), store)
        raises("SSLCertVerificationError", {}, visit, wrap, keep)
    end)

    it("connects without a session if the store fails, or returns other bytes", function()
        local store = counted()
        local wrap, keep = sessions.client(client_context(V13), store)
        store.inner.put("client:localhost", "no session", 100)
        assert.is_false((visit(wrap, keep)))
        store.inner.put("client:localhost", "", 100)
        assert.is_false((visit(wrap, keep)))
        assert.is_true((visit(wrap, keep)))
        store.down = "down"
        local resumed, kept = visit(wrap, keep)
        assert.are.same({ false, false }, { resumed, kept })
        assert.are.same({ "down", "down" }, store.errors)
        store.down = nil
        assert.is_true((visit(wrap, keep)))
    end)

    it("checks its arguments", function()
        local context, store = client_context(V13), counted()
        raises("TypeError", { match = "'context' must be an SSLContext" }, sessions.client, {}, store)
        raises("TypeError", { match = "'store' must be a table with functions get and put" }, sessions.client, context, "x")
        raises("TypeError", { match = "'name' must be a string" }, sessions.client, context, store, { name = 1 })
        local wrap, keep = sessions.client(context, store)
        raises("ValueError", { match = "needs a server_hostname" }, wrap, socket.socket())
        raises("ValueError", { match = "needs a server_hostname" }, wrap, socket.socket(), { server_side = true })
        raises("ValueError", { match = "needs a connection that wrap() has returned" }, keep, {})
    end)
end)
