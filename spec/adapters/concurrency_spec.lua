-- Runs each test of support.adapter_tests with each event loop: several coroutines on one connection.
local adapters = require "support.adapters"
local handles = require "support.handles"
local limits = require "support.limits"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local tests = require "support.adapter_tests"
local runtimes = require "support.runtimes"

local SECONDS = 20

local client, server = adapters.client(), adapters.server()
local names = {}
for name in pairs(tests) do
    names[#names + 1] = name
end
table.sort(names)
local REFUSAL = "the peer receives the alert for its refused certificate"

for _, kind in ipairs(runtimes.names) do
    describe("in " .. kind, function()
        local it = optional.tests(it, pending, runtimes.missing(kind))
        local runtime
        handles.watch(before_each, after_each)
        before_each(function()
            runtime = runtimes[kind]()
            runtime.client, runtime.server, runtime.factor = client, server, limits.factor()
            runtime.directory = pki.path("root.pem"):match "^(.*)/"
        end)
        after_each(function()
            if runtime.finish then
                runtime:finish()
            end
            runtime = nil
        end)
        -- Without TLS, only cleat's sockets are tested.
        for _, tls in ipairs(kind:find "waiter" and { true, false } or { true }) do
            for _, name in ipairs(names) do
                it(("%s%s"):format(name, tls and ", with TLS" or ""), function()
                    local job = name == REFUSAL and tls and adapters.python "recv 1"
                    runtime.port = job and job.port
                    runtime:run(function()
                        tests[name](runtime, tls)
                    end, limits.bound(SECONDS))
                    if job then
                        assert.is_truthy(job:finish()[1]:find "ALERT")
                    end
                end)
            end
        end
    end)
end

describe("the former name of an adapter", function()
    for _, name in ipairs { "copas", "cqueues", "luasocket", "luv", "nginx" } do
        it("loads the same module: " .. name, function()
            assert.are.equal(require("cleat.adapters." .. name), require("cleat.hosts." .. name))
        end)
    end
end)

teardown(process.cleanup)
