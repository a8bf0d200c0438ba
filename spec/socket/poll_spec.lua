-- select.poll, select.epoll and the selectors module, compared with Python's (the names of errors have Python's
-- messages).
local const = require("cleat.backend").const
local errors = require "cleat.errors"
local handles = require "support.handles"
local link = require "support.link"
local python = require "cleat.python"
local raises = require "support.raises"
local select = require "cleat.select"
local selectors = require "cleat.selectors"
local socket = require "cleat.socket"

local bor, closing = python.bor, python.closing

local one, two -- a pair of sockets

local function with_pair(name, body)
    it(name, function()
        one, two = socket.socketpair()
        closing(one, function()
            closing(two, body)
        end)
    end)
end

describe("select.poll:", function()
    handles.watch(before_each, after_each)

    it("has Python's constants", function()
        assert.are.same({ 1, 2, 4, 8, 16, 32 }, { select.POLLIN, select.POLLPRI, select.POLLOUT, select.POLLERR, select.POLLHUP,
            select.POLLNVAL })
        assert.are.same({ 2147483648, 1073741824, 0x2000 }, { select.EPOLLET, select.EPOLLONESHOT, select.EPOLLRDHUP })
    end)

    with_pair("reports what is ready, by descriptor, in the order of the descriptors", function()
        local poller = select.poll()
        assert.are.same({}, poller:poll(0))
        poller:register(two) -- all three events
        poller:register(one, select.POLLIN)
        assert.are.same({ { two:fileno(), select.POLLOUT } }, poller:poll())
        one:sendall("x")
        assert.are.same({ { two:fileno(), bor(select.POLLIN, select.POLLOUT) } }, poller:poll(-1))
        poller:modify(two, select.POLLIN)
        poller:register(one, select.POLLOUT)
        local first, second = one:fileno(), two:fileno()
        assert.are.same({ { first, select.POLLOUT }, { second, select.POLLIN } }, poller:poll(1000))
        poller:unregister(one)
        two:recv(1)
        assert.are.same({}, poller:poll(1))
        one:close()
        assert.are.same({ { second, bor(select.POLLIN, select.POLLHUP) } }, poller:poll())
        two:close()
        assert.are.same({ { second, select.POLLNVAL } }, poller:poll())
    end)

    with_pair("raises Python's errors for wrong arguments", function()
        local poller = select.poll()
        local number = one:fileno()
        raises("KeyError", { match = tostring(number) }, poller.unregister, poller, one)
        raises("IOError", { errno = const.ENOENT }, poller.modify, poller, one, 1)
        raises("TypeError", { match = "missing required argument 'eventmask'" }, poller.modify, poller, one)
        raises("TypeError", { match = "have a fileno() method" }, poller.register, poller, "x")
        raises("ValueError", { match = "negative" }, poller.register, poller, -1)
        raises("ValueError", { match = "'eventmask'" }, poller.register, poller, one, 0x8000)
        raises("ValueError", { match = "'eventmask'" }, poller.register, poller, one, { eventmask = -1 })
        raises("TypeError", { match = "timeout" }, poller.poll, poller, "1")
        raises("ValueError", { match = "NaN" }, poller.poll, poller, 0 / 0)
        raises("TypeError", {}, select.poll, 1)
        raises("AttributeError", {}, function()
            poller.timeout = 1
        end)
    end)
end)

describe("select.epoll:", function()
    handles.watch(before_each, after_each)

    local epoll
    local function opened(name, body)
        with_pair(name, function()
            epoll = select.epoll()
            closing(epoll, body)
        end)
    end

    opened("reports what is ready, and unregisters a descriptor that was closed", function()
        epoll:register(two, select.EPOLLIN)
        assert.are.same({}, epoll:poll(0))
        one:sendall("x")
        assert.are.same({ { two:fileno(), select.EPOLLIN } }, epoll:poll())
        assert.are.same({ { two:fileno(), select.EPOLLIN } }, epoll:poll(nil, 1)) -- level-triggered
        epoll:modify(two, select.EPOLLOUT)
        assert.are.same({ { two:fileno(), select.EPOLLOUT } }, epoll:poll { timeout = 10, maxevents = 5 })
        one:close()
        assert.are.same({ { two:fileno(), bor(select.EPOLLOUT, select.EPOLLHUP) } }, epoll:poll(-1))
        two:close()
        assert.are.same({}, epoll:poll(0))
    end)

    opened("EPOLLET reports each change once, EPOLLONESHOT one event", function()
        epoll:register(two, bor(select.EPOLLIN, select.EPOLLET))
        one:sendall("x")
        assert.are.equal(1, #epoll:poll(10))
        assert.are.same({}, epoll:poll(0))
        one:sendall("y")
        assert.are.equal(1, #epoll:poll(10))
        epoll:modify(two, bor(select.EPOLLIN, select.EPOLLONESHOT))
        assert.are.equal(1, #epoll:poll(10))
        assert.are.same({}, epoll:poll(0))
    end)

    opened("reports all of many descriptors, in several calls if maxevents is smaller", function()
        local pairs_of = {}
        for index = 1, 100 do
            local near, far = socket.socketpair()
            pairs_of[index] = { near, far }
            epoll:register(near, select.EPOLLOUT)
        end
        assert.are.equal(7, #epoll:poll(1, 7))
        local seen, count = {}, 0
        for _ = 1, 4 do
            for _, each in ipairs(epoll:poll(0)) do
                count = count + (seen[each[1]] and 0 or 1)
                seen[each[1]] = true
            end
        end
        assert.are.equal(100, count)
        assert.are.equal(100, #epoll:poll(0))
        for _, each in ipairs(pairs_of) do
            each[1]:close()
            each[2]:close()
        end
    end)

    opened("raises Python's errors for wrong arguments", function()
        epoll:register(one)
        raises("IOError", { errno = const.EEXIST }, epoll.register, epoll, one)
        raises("IOError", { errno = const.ENOENT }, epoll.modify, epoll, two, 1)
        raises("IOError", { errno = const.ENOENT }, epoll.unregister, epoll, two)
        raises("ValueError", { match = "maxevents must be greater than 0, got 0" }, epoll.poll, epoll, 1, 0)
        raises("ValueError", { match = "maxevents must be greater than 0, got -2" }, epoll.poll, epoll, 1, -2)
        raises("ValueError", { match = "sizehint" }, select.epoll, 0)
        raises("ValueError", { match = "flags" }, select.epoll, -1, 1)
        raises("ValueError", { match = "NaN" }, epoll.poll, epoll, 0 / 0)
        assert.is_false(epoll.closed)
        epoll:close()
        epoll:close()
        assert.is_true(epoll.closed)
        for _, call in ipairs { { "poll" }, { "fileno" }, { "register", one }, { "modify", one, 1 }, { "unregister", one } } do
            raises("ValueError", { match = "I/O operation on closed epoll object" }, epoll[call[1]], epoll, call[2], call[3])
        end
    end)
end)

for _, name in ipairs { "SelectSelector", "PollSelector", "EpollSelector", "DefaultSelector" } do
    describe("selectors." .. name .. ":", function()
        handles.watch(before_each, after_each)

        local selector
        local function opened(about, body)
            with_pair(about, function()
                selector = selectors[name]()
                closing(selector, body)
            end)
        end

        opened("reports keys and events", function()
            local key = selector:register(two, selectors.EVENT_READ, "reader")
            assert.are.same({ two, two:fileno(), 1, "reader" }, { key.fileobj, key.fd, key.events, key.data })
            assert.are.same({}, selector:select(0))
            assert.are.same({}, selector:select(-1))
            one:sendall("x")
            local ready = selector:select()
            assert.are.equal(1, #ready)
            assert.are.equal(key, ready[1][1])
            assert.are.equal(selectors.EVENT_READ, ready[1][2])
            local changed = selector:modify(two, 3)
            assert.is_nil(changed.data)
            ready = selector:select(5)
            assert.are.equal(changed, ready[1][1])
            assert.are.equal(3, ready[1][2])
            assert.are.equal(changed, selector:get_key(two))
            assert.are.equal(changed, selector:get_map()[two])
            assert.are.equal("data", selector:modify(two, 2, { data = "data" }).data)
            assert.are.equal(2, selector:select()[1][2])
            assert.are.equal(two, selector:unregister(two).fileobj)
            assert.are.same({}, selector:select(0))
        end)

        opened("reports the end of a stream as readable, and as writable if that was registered", function()
            selector:register(two, 3)
            one:close()
            assert.are.equal(3, selector:select(5)[1][2])
            selector:modify(two, 1)
            assert.are.equal(1, selector:select(5)[1][2])
        end)

        opened("unregisters a closed socket", function()
            selector:register(two, 1)
            two:close()
            assert.are.equal(two, selector:unregister(two).fileobj)
            raises("ValueError", { match = "Invalid file object" }, selector.unregister, selector, two)
        end)

        opened("raises Python's errors for wrong arguments", function()
            selector:register(one, 1)
            raises("KeyError", { match = "is already registered" }, selector.register, selector, one, 2)
            raises("KeyError", { match = "is not registered" }, selector.unregister, selector, two)
            raises("KeyError", { match = "is not registered" }, selector.modify, selector, two, 1)
            raises("KeyError", { match = "is not registered" }, selector.get_key, selector, two)
            for _, events in ipairs { 0, 4, 1.5, "1" } do
                raises("ValueError", { match = "Invalid events" }, selector.register, selector, two, events)
            end
            raises("ValueError", { match = "Invalid file object: string" }, selector.register, selector, "x", 1)
            raises("ValueError", { match = "Invalid file descriptor: -1" }, selector.register, selector, -1, 1)
            raises("TypeError", { match = "timeout" }, selector.select, selector, "1")
            raises("AttributeError", {}, function()
                return selector:get_key(one).fdd
            end)
            selector:close()
            assert.is_nil(selector:get_map())
            raises("RuntimeError", { match = "Selector is closed" }, selector.select, selector)
            raises("RuntimeError", { match = "Selector is closed" }, selector.register, selector, one, 1)
        end)
    end)
end

describe("select as a global variable", function()
    it("still is Lua's function, for other modules", function()
        local lua = _G.select
        _G.select = select
        local ok, err = pcall(function()
            assert.are.same({ 3, "b", "c" }, { _G.select("#", 1, nil, 3), _G.select(2, "a", "b", "c") })
            local client, server = link.open()
            client:sendall("hello")
            assert.are.equal("hello", server:recv(5))
            client:close()
            server:close()
        end)
        _G.select = lua
        assert.is_true(ok, tostring(err))
        assert.is_false(pcall(lua, select))
    end)
end)

describe("selectors:", function()
    it("is strict, and has an abstract base", function()
        raises("AttributeError", { match = "did you mean 'EVENT_READ'" }, function()
            return selectors.EVENT_REED
        end)
        raises("TypeError", { match = "abstract" }, selectors.BaseSelector)
        local selector = selectors.DefaultSelector()
        assert.is_true(selectors.BaseSelector:is(selector))
        assert.is_true(selectors.EpollSelector:is(selector))
        selector:close()
        assert.is_true(errors.KeyError:is(errors.KeyError("x")))
    end)
end)
