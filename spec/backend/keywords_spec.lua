-- Keyword arguments, and the checks of arguments that all functions share.
local check = require "cleat.check"
local keywords = require "cleat.keywords"
local raises = require "support.raises"
local socket = require "cleat.socket"

local parse = keywords.parser("f", { "a", "b", "c" })
local strict = keywords.parser("g", { "name", "list", "cert" }, { required = 1, tables = { list = true, cert = true } })

local function results(...)
    return { n = select("#", ...), ... }
end

describe("keywords:", function()
    it("positional arguments are returned unchanged", function()
        assert.are.same({ n = 0 }, results(parse()))
        assert.are.same({ n = 2, 1, 2 }, results(parse(1, 2)))
        assert.are.same({ n = 3, 1, nil, false }, results(parse(1, nil, false)))
    end)

    it("WRAP-01 a last table with names holds keyword arguments", function()
        assert.are.same({ n = 3, 1, nil, 3 }, results(parse(1, { c = 3 })))
        assert.are.same({ n = 3, 1, 2, 3 }, results(parse { a = 1, b = 2, c = 3 }))
        assert.are.same({ n = 3, nil, 2 }, results(parse(nil, { b = 2 })))
        assert.are.same({ n = 3, 1, 2, false }, results(parse(1, 2, { c = false })))
        assert.are.same({ n = 3, 1, 2, 3 }, results(parse(1, 2, 3, {})))
        assert.are.same({ n = 3 }, results(parse {}))
    end)

    it("arrays and objects are not keyword arguments", function()
        local array, object = { 1, 2 }, setmetatable({ b = 1 }, {})
        assert.are.equal(array, (parse(array)))
        assert.are.equal(object, (parse(object)))
        assert.are.equal(array, (select(2, parse(1, array))))
    end)

    it("a parameter that is a table takes tables whose keys are not names of parameters", function()
        local cert = { subject = {} }
        assert.are.same({ n = 2, "x", {} }, results(strict("x", {})))
        assert.are.equal(cert, (select(3, strict("x", nil, cert))))
        assert.are.same({ n = 3, "x", { 1 }, nil }, results(strict("x", { list = { 1 } })))
        assert.are.same({ n = 3, "x", { 1 }, cert }, results(strict("x", { 1 }, { cert = cert })))
    end)

    it("WRAP-01 mistakes raise TypeErrors that name the argument", function()
        for message, arguments in pairs {
            ["f() got an unexpected keyword argument 'd'"] = { n = 1, { d = 1 } },
            ["f() got multiple values for keyword argument 'a'"] = { n = 2, 1, { a = 2 } },
            ["f() takes at most 3 arguments (4 given)"] = { n = 4, 1, 2, 3, 4 },
        } do
            local failure = raises("TypeError", {}, parse, (table.unpack or unpack)(arguments, 1, arguments.n))
            assert.are.equal(message, tostring(failure))
        end
        for _, arguments in ipairs { {}, { { list = {} } } } do
            local failure = raises("TypeError", {}, strict, arguments[1])
            assert.are.equal("g() missing required argument 'name' (pos 1)", tostring(failure))
        end
    end)
end)

describe("checks:", function()
    it("their messages name the function, the argument, the expected type and the value", function()
        for message, call in pairs {
            ["f() argument 'x' must be a string, not 5"] = { check.string, 5 },
            ["f() argument 'x' must be a string, not nil"] = { check.string },
            ["f() argument 'x' must be an integer, not string"] = { check.integer, "1" },
            ["f() argument 'x' must be an integer, not 1.5"] = { check.integer, 1.5 },
            ["f() argument 'x' must be a boolean, not 0"] = { check.optional_boolean, 0 },
        } do
            assert.are.equal(message, tostring(raises("TypeError", {}, call[1], "f", "x", call[2])))
        end
        local sock = socket.socket()
        assert.are.equal("f() argument 'x' must be a string, not socket.socket",
            tostring(raises("TypeError", {}, check.string, "f", "x", sock)))
        sock:close()
    end)

    it("accept integers of either subtype, within their range", function()
        for _, value in ipairs { 0, 5, 5.0, -2147483648, 2147483647 } do
            local checked = check.integer("f", "x", value)
            assert.are.equal(value, checked)
            assert.is_true(not math.type or math.type(checked) == "integer")
        end
        for _, value in ipairs { 2147483648, -2147483649, 1e300 } do
            raises("ValueError", {}, check.integer, "f", "x", value)
        end
        for _, value in ipairs { 1 / 0, 0 / 0 } do
            raises("TypeError", {}, check.integer, "f", "x", value)
        end
        raises("ValueError", { match = "between 0 and 9" }, check.integer, "f", "x", 10, 0, 9)
    end)

    it("SOCK-11 of timeouts are Python's", function()
        assert.is_nil(check.timeout("f", nil))
        assert.are.equal(0, check.timeout("f", 0))
        assert.are.equal(2.5, check.timeout("f", 2.5))
        raises("ValueError", { match = "Timeout value out of range" }, check.timeout, "f", -1)
        raises("ValueError", { match = "Timeout value out of range" }, check.timeout, "f", 1 / 0)
        raises("ValueError", { match = "nan" }, check.timeout, "f", 0 / 0)
        raises("TypeError", {}, check.timeout, "f", "1")
        raises("TypeError", {}, check.timeout, "f", true)
    end)
end)
