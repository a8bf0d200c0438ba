-- cleat.sessions.memory: bounds, expiry, and the marks of tickets with early data.
local backend = require "cleat.backend"
local memory = require "cleat.sessions.memory"
local raises = require "support.raises"

describe("cleat.sessions.memory", function()
    local clock, shift = backend.monotonic, 0
    local function new(options)
        -- the module reads os.time when it is loaded
        package.loaded["cleat.sessions.memory"] = nil
        backend.monotonic = function()
            local status, now = clock()
            return status, now + shift
        end
        local fresh = require "cleat.sessions.memory"
        backend.monotonic = clock
        return fresh.new(options)
    end
    before_each(function()
        shift = 0
    end)
    teardown(function()
        package.loaded["cleat.sessions.memory"] = memory
    end)

    it("returns a session until it is removed", function()
        local store, usage = memory.new()
        assert.is_nil(store.get "key")
        local bytes = "a\0b\r\n\255"
        store.put("key\0", bytes, 100)
        assert.are.equal(bytes, store.get "key\0")
        assert.is_nil(store.get "key")
        store.put("key\0", "new", 100)
        assert.are.equal("new", store.get "key\0")
        assert.are.equal(1, (usage()))
        store.remove "key\0"
        store.remove "key\0"
        assert.is_nil(store.get "key\0")
        assert.are.same({ 0, 0 }, { usage() })
    end)

    it("removes expired sessions", function()
        local store, usage = new()
        store.put("short", "1", 10)
        store.put("long", "2", 20)
        store.put("none", "3", 0)
        store.put("past", "4", -1)
        assert.are.same({ "1", "2" }, { store.get "short", store.get "long", store.get "none", store.get "past" })
        shift = 9.5
        assert.are.equal("1", store.get "short")
        shift = 10.5
        assert.is_nil(store.get "short")
        assert.are.equal("2", store.get "long")
        assert.are.equal(1, (usage()))
        store.put("long", "again", 20)
        shift = 25
        assert.are.equal("again", store.get "long")
    end)

    it("removes the least recently used sessions if there are too many", function()
        local store, usage = memory.new { entries = 3 }
        for _, key in ipairs { "a", "b", "c" } do
            store.put(key, key, 100)
        end
        assert.are.equal("a", store.get "a") -- now b is the oldest
        store.put("d", "d", 100)
        assert.are.same({ "a", nil, "c", "d" }, { store.get "a", store.get "b", store.get "c", store.get "d" })
        assert.are.equal(3, (usage()))
        store.put("c", "C", 100) -- replaces the old value
        assert.are.equal(3, (usage()))
        store.put("e", "e", 100)
        assert.are.same({ nil, "C", "d", "e" }, { store.get "a", store.get "c", store.get "d", store.get "e" })
    end)

    it("removes the least recently used sessions if they have too many bytes", function()
        local store, usage = memory.new { bytes = 10000 }
        for index = 1, 50 do
            store.put("key" .. index, ("x"):rep(1000), 100)
            local count, bytes = usage()
            assert.is_true(bytes <= 10000 and bytes >= count * 1000)
        end
        assert.are.equal(7, (usage()))
        assert.is_nil(store.get "key43")
        assert.is_string(store.get "key44")
        store.put("key44", ("x"):rep(10000), 100) -- does not fit; the old value is removed
        assert.is_nil(store.get "key44")
        assert.are.equal(6, (usage()))
        local none = memory.new { entries = 0 }
        none.put("key", "x", 100)
        assert.is_nil(none.get "key")
    end)

    it("keeps marks until they expire, however many sessions are stored", function()
        local store = new { entries = 3 }
        assert.is_true(store.add("ticket", 10))
        assert.is_false(store.add("ticket", 10))
        for index = 1, 10 do
            store.put("key" .. index, "x", 100)
        end
        assert.is_false(store.add("ticket", 10))
        assert.is_nil(store.get "ticket")
        shift = 5
        assert.is_true(store.add("second", 10))
        assert.is_true(store.add("third", 10))
        assert.is_false(store.add("fourth", 10)) -- full: refused, and no mark is removed
        assert.is_false(store.add("ticket", 10))
        shift = 10.5
        assert.is_true(store.add("fourth", 10))
        assert.is_false(store.add("second", 10))
        assert.is_false(store.add("ticket", 10)) -- full again
        shift = 15.5
        assert.is_true(store.add("ticket", 10))
    end)

    it("checks its arguments", function()
        raises("ValueError", { match = "between 0 and" }, memory.new, { entries = -1 })
        raises("TypeError", { match = "unexpected keyword argument 'size'" }, memory.new, { size = 1 })
        local store = memory.new()
        raises("TypeError", { match = "get() argument 'key' must be a string, not 1" }, store.get, 1)
        raises("TypeError", { match = "put() argument 'bytes'" }, store.put, "key", nil, 1)
        raises("TypeError", { match = "put() argument 'lifetime' must be a number" }, store.put, "key", "x")
        raises("ValueError", { match = "NaN" }, store.add, "key", 0 / 0)
    end)

    it("makes independent stores", function()
        local first, second = memory.new(), memory.new()
        first.put("key", "x", 100)
        assert.is_nil(second.get "key")
        assert.is_true(first.add("key", 1) and second.add("key", 1))
    end)
end)
