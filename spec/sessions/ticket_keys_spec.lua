-- cleat.sessions.ticket_keys: ticket keys in a store, which all machines rotate at the same time.
local handles = require "support.handles"
local memory = require "cleat.sessions.memory"
local raises = require "support.raises"
local sessions = require "cleat.sessions"
local ssl = require "cleat.ssl"

local PERIOD = 1000

describe("cleat.sessions.ticket_keys", function()
    handles.watch(before_each, after_each)

    local clock, now = os.time, 0
    before_each(function()
        now = 50 * PERIOD + 10
        os.time = function() -- luacheck: ignore 122
            return now
        end
    end)
    after_each(function()
        os.time = clock -- luacheck: ignore 122
    end)

    -- machine returns refresh(), and the keys that were last set in its context. The context is a fake, because the
    -- keys of a real one cannot be read.
    local function machine(store, options)
        local self = { calls = 0 }
        local context = {}
        function context.set_ticket_keys(_, keys)
            self.calls, self.keys = self.calls + 1, keys
        end
        options = options or {}
        options.period = options.period or PERIOD
        self.refresh = sessions.ticket_keys(context, store, options)
        return self
    end

    -- A store that counts its calls, and can be made to fail.
    local function counted()
        local store, down = memory.new(), nil
        local self = { gets = 0, puts = 0, errors = {} }
        function self.get(key)
            self.gets = self.gets + 1
            if down then
                error(down, 0)
            end
            return store.get(key)
        end
        function self.put(key, bytes, lifetime)
            self.puts = self.puts + 1
            if down then
                error(down, 0)
            end
            self.lifetime = lifetime
            store.put(key, bytes, lifetime)
        end
        function self.error(err)
            self.errors[#self.errors + 1] = err
        end
        function self.fail(message)
            down = message
        end
        self.inner = store
        return self
    end

    it("sets the same keys on all machines, and reads the store four times in a period", function()
        local store = counted()
        local first, second = machine(store), machine(store)
        assert.is_true(first.refresh())
        assert.is_true(second.refresh())
        assert.are.same(first.keys, second.keys)
        assert.are.equal(2, #first.keys)
        assert.are.equal(80, #first.keys[1])
        assert.are_not.equal(first.keys[1], first.keys[2])
        assert.are.equal(2, store.puts)
        local gets = store.gets
        for _ = 1, 10 do
            assert.is_false(first.refresh())
        end
        assert.are.equal(gets, store.gets)
        now = now + PERIOD / 4
        assert.is_true(first.refresh())
        assert.is_true(store.gets > gets)
        assert.are.equal(1, first.calls) -- the keys are the same, and are not set again
    end)

    it("encrypts with the next key in the next period, and accepts the older ones", function()
        local store = counted()
        local first, second = machine(store, { keep = 2 }), machine(store, { keep = 2 })
        first.refresh()
        second.refresh()
        local seen = { first.keys[1], first.keys[2] }
        for number = 2, 6 do
            now = now + PERIOD
            first.refresh()
            assert.are.equal(seen[number], first.keys[1]) -- was the next key in the last period
            second.refresh()
            assert.are.same(first.keys, second.keys)
            seen[number + 1] = first.keys[2]
            assert.are.equal(seen[number - 1], first.keys[3])
            assert.are.equal(math.min(2 + number - 1, 4), #first.keys)
        end
        assert.are.equal(seen[4], first.keys[4])
        -- a machine that starts later accepts the same keys
        local third = machine(store, { keep = 2 })
        third.refresh()
        assert.are.same(first.keys, third.keys)
    end)

    it("accepts tickets of machines whose clocks differ", function()
        local store = counted()
        local first, ahead = machine(store), machine(store)
        first.refresh()
        now = now + PERIOD
        ahead.refresh()
        local function accepts(of, key)
            for _, each in ipairs(of.keys) do
                if each == key then
                    return true
                end
            end
        end
        assert.are_not.equal(first.keys[1], ahead.keys[1])
        assert.is_true(accepts(first, ahead.keys[1]))
        assert.is_true(accepts(ahead, first.keys[1]))
    end)

    it("converges after two machines have stored a key at the same time", function()
        local store = counted()
        local put, second = store.put, nil
        local first = machine(store)
        store.put = function(...)
            store.put = put
            put(...)
            second = machine(store)
            store.inner.remove "ticket-key:50" -- the state in which it reads before the first machine stores its key
            second.refresh()
        end
        first.refresh()
        assert.are.equal(first.keys[1], second.keys[1])
        now = now + PERIOD / 4
        first.refresh()
        second.refresh()
        assert.are.same(first.keys, second.keys)
    end)

    it("stores a key again that the store has lost", function()
        local store = counted()
        local first = machine(store)
        first.refresh()
        local key = first.keys[1]
        store.inner.remove "ticket-key:50"
        now = now + PERIOD / 4
        first.refresh()
        assert.are.equal(key, first.keys[1])
        assert.are.equal(key, store.inner.get "ticket-key:50")
    end)

    it("keeps its keys while the store fails", function()
        local store = counted()
        local first, second = machine(store), machine(store)
        first.refresh()
        second.refresh()
        local following = first.keys[2]
        store.fail "down"
        now = now + PERIOD
        assert.is_false(first.refresh())
        assert.are.same({ "down" }, store.errors)
        assert.is_false(first.refresh())
        assert.are.equal(1, #store.errors) -- it does not retry at once
        second.refresh()
        assert.are.equal(following, first.keys[1])
        assert.are.equal(following, second.keys[1])
        now = now + PERIOD
        first.refresh()
        second.refresh()
        assert.are.equal(following, first.keys[1])
        assert.are.same(first.keys, second.keys)
        store.fail(nil)
        now = now + 20
        assert.is_true(first.refresh())
        assert.is_true(second.refresh())
        assert.are_not.equal(following, first.keys[1])
        assert.are.equal(following, first.keys[3])
        assert.are.same(first.keys, second.keys)
    end)

    it("refuses malformed keys, and a store that does not return what was stored", function()
        local store = counted()
        for number = 40, 51 do
            store.inner.put("ticket-key:" .. number, "x", 100)
        end
        local first = machine(store)
        assert.is_true(first.refresh())
        assert.are.equal(2, #first.keys)
        assert.are.equal(80, #store.inner.get "ticket-key:50")
        local silent = machine { get = function() end, put = function() end }
        assert.is_false(silent.refresh())
        assert.are.equal(0, silent.calls)
    end)

    it("stores keys that expire when no machine accepts them any more", function()
        local store = counted()
        machine(store, { keep = 3 }).refresh()
        assert.are.equal((51 + 3 + 2) * PERIOD - now, store.lifetime)
    end)

    it("sets keys that a real context accepts", function()
        local store = counted()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        local refresh = sessions.ticket_keys(context, store, { period = PERIOD, keep = 14 })
        for _ = 1, 20 do
            assert.is_true(refresh())
            now = now + PERIOD
        end
    end)

    it("checks its arguments", function()
        local context, store = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), memory.new()
        raises("TypeError", { match = "'context' must be an SSLContext" }, sessions.ticket_keys, {}, store)
        raises("TypeError", { match = "'store' must be a table with functions get and put" }, sessions.ticket_keys, context, {})
        raises("TypeError", { match = "missing required argument 'store'" }, sessions.ticket_keys, context)
        raises("ValueError", { match = "'keep' must be between 0 and 14" }, sessions.ticket_keys, context, store, { keep = 15 })
        raises("ValueError", { match = "'period' must be between 1" }, sessions.ticket_keys, context, store, { period = 0 })
        raises("TypeError", { match = "unexpected keyword argument 'periods'" }, sessions.ticket_keys, context, store, { periods = 1 })
    end)
end)
