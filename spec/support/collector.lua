-- A helper for busted (script/busted --gc): the garbage collector at its most aggressive. Whatever the Lua layer or a
-- spec does not hold on to is gone by the next call of the ABI, and its id with it.
--
-- A cycle begins as soon as the last one is over, and a full one runs before and after each of the first calls of the
-- ABI in a test. Later they thin out, one for each 1/64 of the calls so far, or a test of a hundred thousand calls
-- would take an hour.
--
-- The classes of the statuses are checked too: spec/support/classes.lua.
local backend = require "cleat.backend"
local busted = require "busted"
require "support.classes"

local THINNING = 64

require "support.collector_settings"(0, 1000)

local calls, due = 0, 0

busted.subscribe({ "test", "start" }, function()
    calls, due = 0, 0
    return nil, true -- other subscribers receive it as well
end)

local function collect()
    calls = calls + 1
    if calls >= due then
        due = calls + 1 + math.floor(calls / THINNING)
        collectgarbage()
    end
end

local function finish(...)
    collect()
    return ...
end

for name, f in pairs(backend) do
    if type(f) == "function" then
        backend[name] = function(...)
            collect()
            return finish(f(...))
        end
    end
end
