-- cqueues' waiter: the polls of several coroutines, controllers and sockets that use one descriptor, or one number of a
-- descriptor.
local optional = require "support.optional"

local missing = optional.module("cqueues", "lua-cqueues")
if missing then
    return pending("waits under cqueues: " .. missing, function() end)
end

local cqueues = require "cqueues"
local handles = require "support.handles"
local limits = require "support.limits"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local waiter = require("cleat.adapters.cqueues").waiter

local function pair()
    local one, two = socket.socketpair()
    one:setwaiter(waiter)
    two:setwaiter(waiter)
    return one, two
end

-- finish steps controllers until they are empty.
local function finish(...)
    local deadline = process.clock() + limits.bound(10)
    for _, controller in ipairs { ... } do
        while not controller:empty() do
            for _, each in ipairs { ... } do
                assert(each:step(0.001))
            end
            assert(process.clock() < deadline, "a coroutine does not end")
        end
    end
end

-- fill writes until the peer's buffer is full.
local function fill(sock)
    sock:settimeout(0)
    while pcall(sock.send, sock, ("x"):rep(65536)) do end
    sock:settimeout(nil)
end

describe("waits under cqueues", function()
    handles.watch(before_each, after_each)

    it("of a reader and a writer end independently", function()
        local controller, one, two = cqueues.new(), pair()
        fill(one)
        local events = {}
        controller:wrap(function()
            events[#events + 1] = one:recv(1)
        end)
        controller:wrap(function()
            one:sendall "y"
            events[#events + 1] = "sent"
        end)
        assert(controller:step(0))
        two:sendall "a"
        while #events == 0 do
            assert(controller:step(0.001))
        end
        assert.are.same({ "a" }, events) -- the writer still waits
        controller:wrap(function()
            repeat
                local got = two:recv(65536)
            until got:find "y"
        end)
        finish(controller)
        assert.are.same({ "a", "sent" }, events)
        one:close()
        two:close()
    end)

    it("leave nothing in the controller when they end: the next socket may get the same number", function()
        local controller, numbers = cqueues.new(), {}
        controller:wrap(function()
            for round = 1, 8 do
                local one, two = pair()
                numbers[round] = one:fileno()
                one:settimeout(0.001)
                raises("socket.timeout", {}, one.recv, one, 1)
                one:settimeout(nil)
                local reader
                controller:wrap(function()
                    reader = one:recv(1)
                end)
                cqueues.sleep(0)
                two:sendall "x"
                while not reader do
                    cqueues.sleep(0)
                end
                one:close()
                two:close()
            end
        end)
        finish(controller)
        for round = 2, 8 do
            assert.are.equal(numbers[1], numbers[round])
        end
    end)

    it("in two controllers, and in one inside another", function()
        local first, second, one, two = cqueues.new(), cqueues.new(), pair()
        local got = {}
        fill(one)
        first:wrap(function()
            got.read = one:recv(1)
        end)
        second:wrap(function()
            one:sendall "y"
            got.sent = true
        end)
        assert(first:step(0) and second:step(0))
        two:sendall "a"
        local outer = cqueues.new()
        outer:wrap(function()
            assert(first:loop())
        end)
        finish(outer)
        assert.are.same({ read = "a" }, got)
        two:close() -- also ends the writer
        second:loop()
        assert.is_nil(got.sent)
        one:close()
    end)

    it("go on if the program cancels the polls of the descriptor, and end if the socket is closed", function()
        local controller, one, two = cqueues.new(), pair()
        local results = {}
        controller:wrap(function()
            results[1] = one:recv(1)
            results[2] = { pcall(one.recv, one, 1) }
        end)
        for _ = 1, 3 do
            assert(controller:step(0))
            cqueues.cancel(one:fileno())
        end
        assert(controller:step(0))
        assert.is_nil(results[1])
        two:sendall "x"
        while not results[1] do
            assert(controller:step(0.001))
        end
        one:close()
        finish(controller)
        assert.are.equal("x", results[1])
        assert.are.same({ false, 9 }, { results[2][1], results[2][2].errno })
        two:close()
    end)

    it("of a controller that is collected do not hinder those of the next one", function()
        local one, two = pair()
        do
            local controller = cqueues.new()
            controller:wrap(function()
                one:recv(1)
            end)
            assert(controller:step(0))
        end
        collectgarbage()
        collectgarbage()
        local controller, got = cqueues.new(), nil
        controller:wrap(function()
            got = one:recv(1)
        end)
        two:sendall "x"
        finish(controller)
        assert.are.equal("x", got)
        one:close()
        two:close()
    end)
end)
