-- A helper for busted (script/busted --gc) that runs the garbage collector as often as possible. An object without
-- references is collected by the next call of the ABI, and its id is closed.
--
-- A collection cycle begins as soon as the last one is over. A full collection runs before and after each of a test's
-- first calls of the ABI; then once for each 1/64 of the calls so far, because a test of a hundred thousand calls would
-- take an hour otherwise.
--
-- It also checks the classes of the statuses: spec/support/classes.lua.
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
