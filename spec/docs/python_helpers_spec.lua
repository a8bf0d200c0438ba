-- cleat.python: functions that programs translated from Python need, and Lua lacks.
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local handles = require "support.handles"
local python = require "cleat.python"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local function closable()
    local thing = { count = 0 }
    function thing:close()
        self.count = self.count + 1
    end
    return thing
end

local function results(...)
    return { n = select("#", ...), ... }
end

describe("python.closing:", function()
    handles.watch(before_each, after_each)

    it("closes once, after f has returned, and returns its results", function()
        local thing = closable()
        assert.are.same({ n = 3, 1, nil, 3 }, results(python.closing(thing, function(given)
            assert.are.equal(thing, given)
            assert.are.equal(0, thing.count)
            return 1, nil, 3
        end)))
        assert.are.equal(1, thing.count)
    end)

    it("closes after an error, and raises it again", function()
        local thing = closable()
        local ok, err = pcall(python.closing, thing, function()
            error("the reason", 0)
        end)
        assert.are.same({ false, "the reason", 1 }, { ok, err, thing.count })
        local sock = socket.socket()
        raises("ValueError", { match = "x" }, python.closing, sock, function()
            error(errors.ValueError "x")
        end)
        raises("socket.error", {}, sock.fileno, sock)
    end)

    it("f may yield", function()
        local thing = closable()
        local thread = coroutine.create(python.closing)
        assert.are.same({ true, "yielded" }, { coroutine.resume(thread, thing, function()
            return coroutine.yield("yielded")
        end) })
        assert.are.equal(0, thing.count)
        assert.are.same({ true, "answer" }, { coroutine.resume(thread, "answer") })
        assert.are.equal(1, thing.count)
    end)

    it("closes when its coroutine is closed, or collected", function()
        local thing = closable()
        local thread = coroutine.create(python.closing)
        coroutine.resume(thread, thing, coroutine.yield)
        if compat.has_close then
            coroutine.close(thread)
        else
            thread = nil -- luacheck: ignore 311
            collectgarbage()
            collectgarbage()
        end
        assert.are.equal(1, thing.count)
    end)

    it("refuses values without close()", function()
        raises("TypeError", { match = "method close" }, python.closing, {}, print)
        raises("TypeError", { match = "method close" }, python.closing, nil, print)
        local thing = closable()
        raises("TypeError", { match = "a function" }, python.closing, thing)
        assert.are.equal(0, thing.count)
    end)
end)

describe("python.suppress:", function()
    it("returns f's results, nothing for errors of the classes, and raises others", function()
        assert.are.same({ n = 2, 1, 2 }, results(python.suppress(errors.ValueError, function(...)
            return ...
        end, 1, 2)))
        local function fail(class)
            error(class("reason"))
        end
        assert.are.same({ n = 0 }, results(python.suppress(errors.ValueError, fail, errors.ValueError)))
        assert.are.same({ n = 0 }, results(python.suppress({ errors.TypeError, errors.ValueError }, fail, ssl.CertificateError)))
        raises("TypeError", { match = "reason" }, python.suppress, errors.ValueError, fail, errors.TypeError)
        local ok, err = pcall(python.suppress, errors.ValueError, error, "a string", 0)
        assert.are.same({ false, "a string" }, { ok, err })
    end)

    it("f may yield", function()
        local yielded = {}
        local thread = coroutine.wrap(function()
            return python.suppress(errors.ValueError, function()
                yielded[1] = coroutine.yield(1)
                error(errors.ValueError "x")
            end)
        end)
        assert.are.equal(1, thread())
        assert.is_nil((thread("back")))
        assert.are.same({ "back" }, yielded)
    end)

    it("refuses values that are not classes", function()
        for _, class in ipairs { false, "ValueError", {}, { "x" }, 1 } do
            raises("TypeError", { match = "class of errors" }, python.suppress, class, print)
        end
        raises("TypeError", { match = "a function" }, python.suppress, errors.ValueError)
    end)
end)

describe("python.iter, dict, repr:", function()
    it("iter ends with the sentinel, and with nil", function()
        local list, got = { "a", "b", "", "c" }, {}
        local at = 0
        for value in python.iter(function()
            at = at + 1
            return list[at]
        end, "") do
            got[#got + 1] = value
        end
        assert.are.same({ "a", "b" }, got)
        for value in python.iter(function()
            at = at + 1
            return list[at]
        end, "never") do
            got[#got + 1] = value
        end
        assert.are.same({ "a", "b", "c" }, got)
        raises("TypeError", { match = "a function" }, python.iter, 1, 2)
    end)

    it("dict takes pairs and the names of certificates; the last of a key counts", function()
        local subject = { { { "countryName", "US" } }, { { "commonName", "one" }, { "serialNumber", "7" } }, { { "commonName", "two" } } }
        assert.are.same({ countryName = "US", serialNumber = "7", commonName = "two" }, python.dict(subject))
        assert.are.same({ a = 1, b = 2 }, python.dict { { "a", 1 }, { "b", 2 } })
        assert.are.same({}, python.dict {})
        for _, bad in ipairs { 1, { 1 }, { {} }, { { {} } } } do
            raises("TypeError", { match = "a list of pairs" }, python.dict, bad)
        end
    end)

    it("repr writes what Python's does", function()
        local itself = { 1 }
        itself[2] = itself
        for _, case in ipairs {
            { "('a', 1)", { "a", 1 } }, { "(1,)", { 1 } }, { "{}", {} }, { "{'a': True, 'b': (False,)}", { b = { false }, a = true } },
            { "'it\\'s \"quoted\"\\n'", "it's \"quoted\"\n" }, { '"it\'s"', "it's" }, { "'\\x00\\x7f'", "\0\127" }, { "1.5", 1.5 },
            { "(1, (...))", itself }, { "ValueError('x', 2)", errors.ValueError("x", 2) }, { "{2: 'a', 'b': 2}", { [2] = "a", b = 2 } },
        } do
            assert.are.equal(case[1], python.repr(case[2]))
        end
        assert.are.equal("None", python.repr(nil))
        assert.are.equal("('a',\n (1,\n  2))", python.pformat({ "a", { 1, 2 } }, 5))
        raises("TypeError", {}, python.pformat, {}, "x")
    end)
end)

describe("python.bor, band, bxor, bnot:", function()
    it("give what Python's operators give", function()
        assert.are.equal(7, python.bor(1, 2, 4))
        assert.are.equal(5, python.bor(5))
        assert.are.equal(2, python.band(6, 3))
        assert.are.equal(5, python.bxor(6, 3))
        assert.are.equal(-7, python.bnot(6))
        assert.are.equal(6, python.bnot(-7))
        assert.are.equal(0x80000000, python.bor(0x80000000, 0))
        assert.are.equal(0x80000FFF, python.band(0x180000FFF, 0xFFFFFFFF))
        assert.are.equal(0x4000, python.band(0x80004000, python.bnot(0x80000000)))
        assert.are.equal(-1, python.bor(-1, 5))
        assert.are.equal(-6, python.bxor(-1, 5))
        assert.are.equal(2 ^ 52, python.band(2 ^ 52 + 5, python.bnot(5)))
        if math.type then
            assert.are.equal("integer", math.type(python.bor(1.0, 2)))
        end
    end)

    it("change options of a context", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        local before = context.options
        context.options = python.bor(before, ssl.OP_NO_TICKET)
        assert.are_not.equal(0, python.band(context.options, ssl.OP_NO_TICKET))
        context.options = python.band(context.options, python.bnot(ssl.OP_NO_TICKET))
        assert.are.equal(before, context.options)
    end)

    it("refuse values that are not integers", function()
        raises("TypeError", { match = "an integer" }, python.bor, 1, "2")
        raises("TypeError", { match = "an integer" }, python.bnot, 1.5)
        raises("TypeError", { match = "an integer" }, python.band)
        raises("ValueError", {}, python.bxor, 1, 2 ^ 60)
    end)
end)
