-- examples/fleet/simulate.lua: its results are those of the formulas, and the same for the same seed.
local process = require "support.process"

local unpack = table.unpack or unpack

local SCRIPT = process.root .. "/examples/fleet/simulate.lua"

local function run(...)
    local command = process.lua { SCRIPT, ... }
    command.timeout = 60
    return process.run(command)
end

-- rows returns the numbers of each line: machines, lifetime and so on, and the three percentages.
local function rows(...)
    local result = run("--connections", "20000", ...)
    assert.are.equal(0, result.status, result.errors)
    local list = {}
    for line in result.output:gmatch "\n([^\n]+)" do
        local numbers = {}
        for word in line:gmatch "[%d.-]+" do
            numbers[#numbers + 1] = tonumber(word)
        end
        local capacity = line:find " %- |"
        list[#list + 1] = { machines = numbers[1], line = line, own = numbers[capacity and 5 or 6], shared = numbers[capacity and 6 or 7],
            store = numbers[capacity and 7 or 8], live = numbers[capacity and 8 or 9], calls = numbers[#numbers] }
    end
    return list
end

local function near(wanted, found, by)
    assert.is_true(math.abs(wanted - found) <= (by or 1.5), ("wanted %g, found %g"):format(wanted, found))
end

describe("examples/fleet/simulate.lua", function()
    teardown(process.cleanup)

    it("agrees with the formulas for clients that connect at random", function()
        -- 1000 clients make 10 connections a second: each connects every 100 s on average
        for _, lifetime in ipairs { 50, 100, 300 } do
            local of = { "--clients", "1000", "--rate", "10", "--lifetime", tostring(lifetime), "--machines", "1,8" }
            local visits = lifetime / 100
            local newer = rows(unpack(of))
            near(100 * (1 - math.exp(-visits)), newer[1].shared)
            near(newer[1].shared / 8, newer[2].own)
            assert.are.equal(newer[1].shared, newer[1].own)
            assert.are.equal(newer[2].shared, newer[2].store)
            of[#of + 1], of[#of + 2] = "--version", "1.2"
            local older = rows(unpack(of))
            near(100 * visits / (1 + visits), older[1].shared)
        end
    end)

    it("shows that affinity helps if machines share no sessions", function()
        local list = rows("--clients", "1000", "--rate", "10", "--lifetime", "1000", "--machines", "10", "--affinity", "0.9")
        near(100 * (0.9 + 0.1 / 10), list[1].own)
    end)

    it("shows that a small store helps only clients that connect often", function()
        local list = rows("--clients", "1000", "--rate", "10", "--lifetime", "1000", "--capacity", "200,4000", "--tickets", "1")
        assert.is_true(list[1].store < 30 and list[1].live <= 200, list[1].line)
        near(list[2].shared, list[2].store)
        local skewed = rows("--clients", "1000", "--rate", "10", "--lifetime", "1000", "--capacity", "200", "--tickets", "1",
            "--skew", "1")
        assert.is_true(skewed[1].store > list[1].store + 20, skewed[1].line)
    end)

    it("counts the calls of a store: get and remove of a resumed session, put of each new one", function()
        local list = rows("--clients", "100", "--rate", "10", "--lifetime", "1000")
        near(40, list[1].calls, 1)
        list = rows("--clients", "100", "--rate", "10", "--lifetime", "1000", "--version", "1.2")
        near(10, list[1].calls, 1)
    end)

    it("prints the same for the same seed", function()
        local first, second = run("--connections", "2000", "--lifetime", "60"), run("--connections", "2000", "--lifetime", "60")
        assert.are.equal(first.output, second.output)
        assert.are_not.equal(first.output, run("--connections", "2000", "--lifetime", "60", "--seed", "2").output)
    end)

    it("has --help, and refuses unknown options", function()
        local help = run "--help"
        assert.are.equal(0, help.status)
        assert.is_truthy(help.output:find("usage: lua simulate.lua", 1, true))
        for _, case in ipairs {
            { "unknown option --machine", "--machine", "1" }, { "--rate needs a value", "--rate" },
            { "--rate: x is not a number", "--rate", "x" }, { "--lifetime must be above 0", "--lifetime", "0" },
            { "--seed takes one value", "--seed", "1,2" }, { "--version must be 1.2 or 1.3", "--version", "1" },
            { "--affinity must be 0 to 1", "--affinity", "2" },
        } do
            local result = run(case[2], case[3])
            assert.are.equal(2, result.status)
            assert.is_truthy(result.errors:find(case[1], 1, true), result.errors)
        end
    end)
end)
