-- ssl.cert_time_to_seconds, with the vectors of Python's test suite and more.
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local GOOD = {
    { "Jan  5 09:34:43 2018 GMT", 1515144883 },
    { "Jan  1 00:00:00 1970 GMT", 0 },
    { "Dec 31 23:59:59 1969 GMT", -1 },
    { "May  9 00:00:00 2007 GMT", 1178668800 },
    { "Feb 16 16:54:50 2013 GMT", 1361033690 },
    { "Feb 28 23:59:59 2100 GMT", 4107542399 },
    { "Mar  1 00:00:00 2100 GMT", 4107542400 },
    { "Feb 29 00:00:00 2000 GMT", 951782400 },
    { "Dec 31 23:59:59 9999 GMT", 253402300799 },
    { "Jan  1 00:00:00 0001 GMT", -62135596800 },
    { "Jan 05 09:34:43 2018 GMT", 1515144883 },
    { "Jan 5 9:34:43 2018 GMT", 1515144883 },
    { "JAN  5 09:34:43 2018 GmT", 1515144883 },
    { "Jan  5  09:34:43  2018  gmt", 1515144883 },
    { "Jan  5 09:34:60 2018 GMT", 1515144900 }, -- leap seconds
    { "Jan  5 09:34:61 2018 GMT", 1515144901 },
}

local BAD = {
    "Jan  5 09:34 2018 GMT", "Jan  5 09:34:43 2018", "Jan  5 09:34:43 2018 UTC", "Jan  5 09:34:43 2018 EST",
    "Jan 35 09:34:43 2018 GMT", "Jan  0 09:34:43 2018 GMT", "Jan 00 09:34:43 2018 GMT", "Jan 32 09:34:43 2018 GMT",
    "Jon  5 09:34:43 2018 GMT", "January  5 09:34:43 2018 GMT", "Jan  5 24:34:43 2018 GMT", "Jan  5 09:60:43 2018 GMT",
    "Jan  5 09:34:62 2018 GMT", "Jan  5 09:34:43 18 GMT", "Jan  5 09:34:43 0000 GMT", "Jan  5 09:34:43 20180 GMT",
    "Jan  5 09:34:43 2018 GMTx", "Jan  5 09:34:43 2018 GMT ", " Jan  5 09:34:43 2018 GMT", "Jan5 09:34:43 2018 GMT",
    "Jan  5 09:34:43 2018GMT", "Jan  5 09:34:43.5 2018 GMT", "Jan  5 -9:34:43 2018 GMT", "2018-01-05 09:34:43", "Jan", "",
}

describe("ssl.cert_time_to_seconds:", function()
    teardown(process.cleanup)

    it("TIME-01 TIME-02 converts the times of certificates", function()
        for _, row in ipairs(GOOD) do
            assert.are.equal(row[2], ssl.cert_time_to_seconds(row[1]), row[1])
        end
        assert.are.equal(1515144883, ssl.cert_time_to_seconds { cert_time = "Jan  5 09:34:43 2018 GMT" })
    end)

    it("TIME-03 TIME-06 raises for other time zones, and for anything that is not such a time", function()
        for _, text in ipairs(BAD) do
            local ok, failure = pcall(ssl.cert_time_to_seconds, text)
            assert.is_false(ok, text)
            raises.check(failure, "ValueError", { match = "does not match format" })
        end
        raises("TypeError", {}, ssl.cert_time_to_seconds)
        raises("TypeError", {}, ssl.cert_time_to_seconds, 1515144883)
    end)

    it("TIME-04 is right for each month and leap year of four centuries", function()
        local names = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }
        local expected = 0
        for year = 1970, 2400 do
            local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
            for month, days in ipairs { 31, leap and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 } do
                local text = ("%s  1 00:00:00 %d GMT"):format(names[month], year)
                assert.are.equal(expected, ssl.cert_time_to_seconds(text), text)
                expected = expected + days * 86400
            end
        end
    end)

    it("TIME-04 has the same result in every time zone and locale", function()
        for _, zone in ipairs { "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", ":bad" } do
            local output = process.run_code([[
                os.setlocale("")
                local ssl = require "cleat.ssl"
                print(("%.0f %.0f"):format(ssl.cert_time_to_seconds("Jan  5 09:34:43 2018 GMT"),
                    ssl.cert_time_to_seconds("Jul  5 09:34:43 2018 GMT")))
            ]], { "TZ=" .. zone, "LC_ALL=de_DE.UTF-8" })
            assert.are.equal("1515144883 1530783283\n", output, zone)
        end
    end)

    it("TIME-01 TIME-03 TIME-06 equals Python's, for valid times and others", function()
        local lines, expected = {}, {}
        for _, row in ipairs(GOOD) do
            lines[#lines + 1] = row[1]
        end
        for _, text in ipairs(BAD) do
            lines[#lines + 1] = text
        end
        for i, text in ipairs(lines) do
            local ok, seconds = pcall(ssl.cert_time_to_seconds, text)
            expected[i] = ok and ("%.0f"):format(seconds) or "ValueError"
        end
        local result = process.run {
            "/usr/bin/python3", "-I", "-c", [[
import ssl, sys
for line in sys.stdin.read().split("\n"):
    try:
        print(ssl.cert_time_to_seconds(line))
    except ValueError:
        print("ValueError")
]], stdin = table.concat(lines, "\n"),
        }
        local i = 0
        for answer in result.output:gmatch("[^\n]+") do
            i = i + 1
            assert.are.equal(answer, expected[i], lines[i])
        end
        assert.are.equal(#lines, i, result.errors)
    end)

    it("TIME-05 returns an integer", function()
        if math.type then
            for _, row in ipairs(GOOD) do
                assert.are.equal("integer", math.type(ssl.cert_time_to_seconds(row[1])))
            end
        end
    end)
end)
