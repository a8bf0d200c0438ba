--- Python's |, &, ^ and ~ for integers, on every Lua: 5.1 has no such operators, and LuaJIT's functions have 32 bits.
--- Negative integers behave as in Python: ~x is -x - 1. The results are exact for operands of up to 53 bits.

local check = require "cleat.check"

local select = select -- see keywords.lua

local bits = {}

local WORD = 4294967296
local MOST = 9007199254740992 -- 2^53

local to_integer = math.tointeger or function(number)
    return number
end

local function integer(name, value)
    return check.integer(name, "value", value, -MOST, MOST)
end

-- halves returns floor(value / 2^32), modulo 2^32 and with its sign, and the remainder.
local function halves(value)
    local high = math.floor(value / WORD)
    return high % WORD, value - high * WORD
end

-- each combines two words of 32 bits by a truth table: results[2 * a + b + 1] for the bits a and b.
local function each(one, other, results)
    local sum, place = 0, 1
    for _ = 1, 32 do
        local a, b = one % 2, other % 2
        sum = sum + results[2 * a + b + 1] * place
        one, other, place = (one - a) / 2, (other - b) / 2, place * 2
    end
    return sum
end

local function combine(one, other, results)
    local high, low = halves(one)
    local other_high, other_low = halves(other)
    high = each(high, other_high, results)
    if high >= WORD / 2 then
        high = high - WORD
    end
    return to_integer(high * WORD + each(low, other_low, results))
end

local function fold(name, results)
    return function(first, ...)
        local value = integer(name, first)
        for index = 1, select("#", ...) do
            value = combine(value, integer(name, (select(index, ...))), results)
        end
        return to_integer(value)
    end
end

bits.bor = fold("bor", { 0, 1, 1, 1 })
bits.band = fold("band", { 0, 0, 0, 1 })
bits.bxor = fold("bxor", { 0, 1, 1, 0 })

function bits.bnot(value)
    return to_integer(-integer("bnot", value) - 1)
end

return bits
