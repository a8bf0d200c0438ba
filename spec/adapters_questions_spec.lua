-- Every adapter, and every question of support.adapter_questions: what several coroutines may do on one connection.
local adapters = require "support.adapters"
local handles = require "support.handles"
local process = require "support.process"
local questions = require "support.adapter_questions"
local runtimes = require "support.runtimes"

local SECONDS = 30
local factor = tonumber(os.getenv "CLEAT_TEST_SLOW") or 1

local client, server = adapters.client(), adapters.server()
local names = {}
for name in pairs(questions) do
    if name ~= "refused" then
        names[#names + 1] = name
    end
end
table.sort(names)

for _, kind in ipairs(runtimes.names) do
    describe("in " .. kind, function()
        local runtime
        handles.watch(before_each, after_each)
        before_each(function()
            runtime = runtimes[kind]()
            runtime.client, runtime.server, runtime.factor = client, server, factor
        end)
        after_each(function()
            if runtime.finish then
                runtime:finish()
            end
            runtime = nil
        end)
        for _, tls in ipairs(runtimes[kind .. "_only_tls"] and { true } or { true, false }) do
            for _, name in ipairs(names) do
                it(("%s%s"):format(name, tls and ", with TLS" or ""), function()
                    if not tls and runtime.own then
                        return -- without TLS it is the event loop's own business
                    end
                    runtime:run(function()
                        questions[name](runtime, tls)
                    end, SECONDS * factor)
                end)
            end
        end
    end)
end

teardown(process.cleanup)
