-- The factor by which calls may be slower than on a free machine: the one factor for the upper bounds of the specs. On
-- a working machine no such bound decides a test, whatever the load; it ends a test that hangs.
--   assert.is_true(took >= 0.1 and took < limits.bound(2))
local backend = require "cleat.backend"

local limits = {}

local LEAST = 4 -- the load average lags behind
local given = tonumber(os.getenv "CLEAT_TEST_SLOW" or "") or 1 -- of the build: a sanitizer, valgrind

local function first_number(name)
    local file = io.open(name)
    local number = file and file:read "*n"
    if file then
        file:close()
    end
    return number or 0
end

local function count_processors()
    local count = 0
    local file = io.open "/proc/cpuinfo"
    for line in file and file:lines() or function() end do
        if line:find "^processor" then
            count = count + 1
        end
    end
    if file then
        file:close()
    end
    return math.max(count, 1)
end

local processors = count_processors()

function limits.factor()
    return given * math.max(LEAST, 2 * first_number "/proc/loadavg" / processors)
end

-- bound: an upper bound, in seconds, for a call that takes so many seconds on a free machine.
function limits.bound(seconds)
    return seconds * limits.factor()
end

-- best is for a bound that tells right from wrong, which no factor may move: the machine may stand still in one try,
-- and not in all of them. f, called anew for each try, must be repeatable, and its time is taken. Returns the time of
-- the first try within the bound, or the shortest.
function limits.best(bound, f, ...)
    local shortest
    for _ = 1, 10 do
        local _, start = backend.monotonic()
        f(...)
        local _, finish = backend.monotonic()
        shortest = math.min(shortest or math.huge, finish - start)
        if shortest <= bound then
            break
        end
    end
    return shortest
end

return limits
