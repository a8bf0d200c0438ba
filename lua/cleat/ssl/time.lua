--- Times in certificates (Python's ssl.cert_time_to_seconds, section 17.3.1.4).
---
--- The calendar is computed with integers, independent of the process's time zone and locale.

local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local repr = require "cleat.repr"

local MONTHS = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10, nov = 11,
    dec = 12 }
local PATTERN = "^%s+(%d%d?)%s+(%d%d?):(%d%d?):(%d%d?)%s+(%d%d%d%d)%s+[Gg][Mm][Tt]$"

-- The number of days from 1970-01-01 to the first day of a month, in the Gregorian calendar.
local function days_before(year, month)
    -- Years begin in March here, so that a leap day is the last day of its year.
    if month <= 2 then
        year, month = year - 1, month + 12
    end
    local leap_days = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    return 365 * year + leap_days + math.floor((153 * (month - 3) + 2) / 5) - 719468
end

local parse = keywords.parser("cert_time_to_seconds", { "cert_time" }, { required = 1 })

--- Converts a time of a certificate, such as `notAfter` of SSLSocket:getpeercert, to seconds since 1970-01-01 UTC.
---
---     print(ssl.cert_time_to_seconds("Jan  5 09:34:43 2018 GMT")) --> 1515144883
---     local cert = conn:getpeercert()
---     print(ssl.cert_time_to_seconds(cert.notAfter) > os.time()) --> true
---
--- Raises: ValueError if the text has another format or time zone, or is not a valid date; TypeError.
--- Python: 2.6.
---@param cert_time string "Jan  5 09:34:43 2018 GMT"
---@return integer # in seconds since 1970-01-01 UTC
local function cert_time_to_seconds(cert_time, ...)
    local text = check.string("cert_time_to_seconds", "cert_time", (parse(cert_time, ...)))
    local month = MONTHS[text:sub(1, 3):lower()]
    local day, hour, minute, second, year = text:sub(4):match(PATTERN)
    day, hour, minute, second, year = tonumber(day), tonumber(hour), tonumber(minute), tonumber(second), tonumber(year)
    if not (month and year) or day < 1 or day > 31 or hour > 23 or minute > 59 or second > 61 or year < 1 then
        errors.raise(errors.ValueError, ("time data %s does not match format \"%%b %%d %%H:%%M:%%S %%Y GMT\""):format(
            repr(text)))
    end
    return (((days_before(year, month) + day - 1) * 24 + hour) * 60 + minute) * 60 + second
end

return { cert_time_to_seconds = cert_time_to_seconds }
