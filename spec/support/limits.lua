-- The factor by which calls may be slower here and now than on a free machine: the one factor for the upper bounds of
-- the specs. Such a bound ends a test that hangs, and decides nothing else: the machine may be slow, busy, or stand
-- still for seconds. To test that a call is fast, compare it with a control (costs_at_most), count, or wait for an
-- event.
local limits = {}

local LEAST = 20 -- the load average lags behind, and shows neither a slow machine nor a quota of CPU time
local MOST = 1500 -- seconds; ctest ends a test after 1800
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
    return math.max(seconds, math.min(seconds * limits.factor(), MOST))
end

local function cpu_time(f)
    local start = os.clock()
    f()
    return os.clock() - start
end

-- costs_at_most returns whether f needs at most `times` the CPU time of the control, each by the shortest of several
-- measurements in turn. Both functions must be repeatable. Choose `times` several times larger than the expected ratio,
-- and several times smaller than the ratio with the fault.
function limits.costs_at_most(times, f, control)
    local least, least_of_control = math.huge, math.huge
    for _ = 1, 5 do
        least_of_control = math.min(least_of_control, math.max(cpu_time(control), 1e-5))
        least = math.min(least, cpu_time(f))
        if least <= times * least_of_control then
            return true
        end
    end
    return false
end

return limits
