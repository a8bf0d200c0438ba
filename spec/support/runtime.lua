-- The common part of the event loops of support.runtimes.
local backend = require "cleat.backend"

local Runtime = {}
Runtime.__index = Runtime

local function clock()
    local _, seconds = backend.monotonic()
    return seconds
end

local function pack(...)
    return { n = select("#", ...), ... }
end

-- task: the body of a coroutine, and its results.
local function new_task(body)
    local task = { done = false }
    function task.main()
        local results = pack(pcall(body))
        task.ok, task.results, task.done = results[1], results, true
    end
    return task
end

function Runtime:start(body)
    local task = new_task(body)
    self.tasks[#self.tasks + 1] = task
    self:launch(task)
    return task
end

function Runtime:all_done()
    for _, task in ipairs(self.tasks) do
        if not task.done then
            return false
        end
    end
    return true
end

-- stuck raises an error that has a traceback of each waiting coroutine.
function Runtime:stuck()
    local places = { "the coroutines do not end:" }
    for _, task in ipairs(self.tasks) do
        if not task.done then
            places[#places + 1] = task.thread and debug.traceback(task.thread) or "a coroutine"
        end
    end
    self.tasks = {}
    error(table.concat(places, "\n"), 0)
end

function Runtime:run(body, seconds)
    self.tasks = {}
    local finish = clock() + seconds
    local main = self:start(body)
    while not self:all_done() do
        self:step()
        if main.done and not main.ok then
            break
        end
        if clock() > finish then
            self:stuck()
        end
    end
    self.tasks = {}
    if not main.ok then
        error(main.results[2], 0)
    end
end

-- join waits in a coroutine until tasks have ended, and raises the error of any.
function Runtime:join(...)
    for _, task in ipairs { ... } do
        while not task.done do
            self:pause(0.002)
        end
        if not task.ok then
            error(task.results[2], 0)
        end
    end
end

function Runtime:new(fields)
    fields.tasks = {}
    return setmetatable(fields, self)
end

return Runtime
