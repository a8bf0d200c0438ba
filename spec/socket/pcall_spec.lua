-- Waiting inside pcall, which Lua 5.1 cannot yield across: cleat.compat. The tests pass on every Lua.
local compat = require "cleat.compat"
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local scheduler = require "support.scheduler"
local socket = require "cleat.socket"

-- Lua's own pcall: on Lua 5.1 the global one is replaced for specs.
local lua51 = package.loaded["support.lua51"]
local plain = type(lua51) == "table" and lua51.pcall or pcall

local function pack(...)
    return { n = select("#", ...), ... }
end

-- drive resumes a coroutine with the numbers 1, 2, and so on, and returns all that it has yielded and returned.
local function drive(f, ...)
    local thread, yielded = coroutine.create(f), {}
    local results = pack(coroutine.resume(thread, ...))
    while coroutine.status(thread) ~= "dead" do
        yielded[#yielded + 1] = results[2]
        results = pack(coroutine.resume(thread, #yielded))
    end
    assert(results[1], tostring(results[2]))
    return yielded, results
end

describe("pcall of the Lua layer:", function()
    it("lets its function yield, at any depth", function()
        local yielded, results = drive(function(...)
            return compat.pcall(function(a, b)
                local one = coroutine.yield "outer"
                local inner = pack(compat.pcall(function()
                    local two = coroutine.yield "inner"
                    return two, nil, coroutine.yield "inner again", nil
                end))
                return a, b, one, inner
            end, ...)
        end, "a", nil)
        assert.are.same({ "outer", "inner", "inner again" }, yielded)
        assert.are.same({ true, true, "a", nil, 1, { true, 2, nil, 3, nil, n = 5 }, n = 6 }, results)
    end)

    it("returns errors, before and after a yield", function()
        local reason = {}
        for _, waits in ipairs { true, false } do
            local _, results = drive(function()
                return compat.pcall(function()
                    if waits then
                        coroutine.yield(1)
                    end
                    error(reason)
                end)
            end)
            assert.are.equal(3, results.n)
            assert.is_false(results[2])
            assert.are.equal(reason, results[3])
        end
    end)

    it("calls functions of C, and is Lua's pcall outside of coroutines", function()
        local _, results = drive(function()
            return compat.pcall(select, 2, "a", nil, "c")
        end)
        assert.are.same({ true, true, nil, "c", n = 4 }, results)
        assert.are.same({ true, nil, "c", n = 3 }, pack(compat.pcall(select, 2, "a", nil, "c")))
        local ok, err = compat.pcall(error, "what", 0)
        assert.is_false(ok)
        assert.are.equal("what", err)
    end)

    it("finds the program's coroutine, and calls functions in it, at any depth", function()
        local thread
        local function deep(levels)
            if levels > 0 then
                return select(2, assert(compat.pcall(deep, levels - 1)))
            end
            assert.are.equal(thread, (compat.running()))
            return compat.outside(function(...)
                assert.are.equal(thread, (coroutine.running()))
                return coroutine.yield(...)
            end, "word", "more")
        end
        thread = coroutine.create(deep)
        assert.are.same({ true, "word", "more" }, { coroutine.resume(thread, 3) })
        assert.are.same({ true, "answer" }, { coroutine.resume(thread, "answer") })
        assert.are.equal("dead", coroutine.status(thread))
    end)
end)

describe("a waiter", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    -- with_loop runs body(start, watched) in a coroutine. start(f) starts another one; watched is a waiter, which
    -- checks that its caller is one of these coroutines.
    local function with_loop(body)
        local loop = scheduler.new()
        local calls = 0
        local threads = {}
        local function start(f)
            local entry
            entry = loop:start(function()
                threads[coroutine.running()] = true
                f()
            end)
            return entry
        end
        local function watched(...)
            calls = calls + 1
            assert(threads[coroutine.running()], "the waiter was called in a coroutine that the program has not created")
            return loop.waiter(...)
        end
        start(function()
            body(start, watched)
        end)
        loop:run(30)
        assert.is_true(calls > 0)
    end

    it("is called in the coroutine that calls the method", function()
        with_loop(function(start, waiter)
            local one, two = link.pair()
            one:setwaiter(waiter)
            two:setwaiter(waiter)
            one:settimeout(10)
            two:settimeout(10)
            local done
            start(function()
                two:do_handshake()
                local file = two:makefile "rw"
                assert.are.equal("line\n", file:read "*L")
                file:write "answer\n"
                file:close()
                two:sendall(("x"):rep(1000000))
                two:close()
                done = true
            end)
            one:do_handshake()
            local file = one:makefile "rw"
            file:write "line\n"
            file:flush()
            assert.are.equal("answer\n", file:read "*L")
            file:close()
            local count = 0
            repeat
                local data = one:recv(65536)
                count = count + #data
            until data == ""
            assert.are.equal(1000000, count)
            one:close()
            assert.is_true(done)
        end)
        with_loop(function(start, waiter)
            local listener = socket.socket()
            listener:bind { "127.0.0.1", 0 }
            listener:listen(1)
            listener:setwaiter(waiter)
            start(function()
                local client = socket.socket()
                client:setwaiter(waiter)
                assert.are.equal(0, client:connect_ex { "localhost", listener:getsockname()[2] }) -- a name: resolved in a thread
                client:close()
            end)
            listener:accept():close()
            listener:close()
        end)
    end)

    it("may raise, also in Lua's pcall, and the socket and the waiting coroutines continue", function()
        local first, second = socket.socketpair()
        local loop = scheduler.new()
        local got
        local other
        loop:start(function()
            first:setwaiter(function()
                -- This error is raised while the first coroutine has the turn and this one waits for its own.
                first:setwaiter(loop.waiter)
                other = loop:start(function()
                    got = first:recv(3)
                end)
                error("not now", 0)
            end)
            local ok, failure = plain(first.recv, first, 10)
            assert.is_false(ok)
            assert.are.equal("not now", failure)
            second:sendall "onetwo"
            collectgarbage() -- Lua 5.1 detects by collection that the call was abandoned
            while not other.done do
                coroutine.yield(process.clock() + 0.001)
            end
            assert.are.equal("one", got)
            assert.are.equal("two", first:recv(3))
            first:setwaiter(function()
                error("nor now", 0)
            end)
            for _ = 1, 3 do
                ok, failure = plain(first.recv, first, 10)
                assert.is_false(ok)
                assert.are.equal("nor now", failure)
            end
            second:sendall "end"
            assert.are.equal("end", first:recv(3))
        end)
        loop:run(20)
        first:close()
        second:close()
    end)
end)
