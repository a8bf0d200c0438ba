-- A scheduler of coroutines and its waiter, as a program may have them.
--
--   local loop = scheduler.new()
--   loop:start(function() ... end)
--   sock:setwaiter(loop.waiter)
--   loop:run(10)
local limits = require "support.limits"
local process = require "support.process"
local select = require "cleat.select"

local scheduler = {}

local Scheduler = {}
Scheduler.__index = Scheduler

-- new returns a scheduler. `waits` counts the calls of its waiter.
function scheduler.new()
    local self = setmetatable({ threads = {}, waits = 0 }, Scheduler)
    function self.waiter(sock, event, timeout)
        self.waits = self.waits + 1
        return coroutine.yield(sock:fileno(), event, timeout and process.clock() + timeout)
    end
    return self
end

local function step(self, thread, answer)
    local ok, fd, event, deadline = coroutine.resume(thread.co, answer)
    if not ok then
        self.failures[#self.failures + 1] = fd
        thread.failure = fd
    elseif coroutine.status(thread.co) ~= "dead" then
        if event then
            thread.fd, thread.event, thread.deadline = fd, event, deadline
        else
            thread.fd, thread.deadline = nil, fd or 0 -- a yield without a wait: resumed at the next turn, or after a time
        end
        return
    else
        thread.result = fd
    end
    thread.done = true
end

-- start starts a coroutine, which runs until its first wait.
function Scheduler:start(body)
    local thread = { co = coroutine.create(body) }
    self.failures = self.failures or {}
    self.threads[#self.threads + 1] = thread
    step(self, thread)
    return thread
end

-- turn resumes each thread whose descriptor is ready or whose deadline has passed. It waits at most `limit` seconds for
-- the first.
function Scheduler:turn(limit)
    local readers, writers, first = {}, {}, limit
    for _, thread in ipairs(self.threads) do
        if thread.fd then
            table.insert(thread.event == "write" and writers or readers, thread.fd)
        end
        if thread.deadline then
            first = math.min(first, math.max(0, thread.deadline - process.clock()))
        end
    end
    local readable, writable = select.select(readers, writers, {}, first)
    local ready = {}
    for _, fd in ipairs(readable) do
        ready[fd .. "read"] = true
    end
    for _, fd in ipairs(writable) do
        ready[fd .. "write"] = true
    end
    local now = process.clock()
    local going = {}
    for _, thread in ipairs(self.threads) do
        if thread.fd and ready[thread.fd .. thread.event] then
            going[#going + 1] = { thread, true }
        elseif thread.deadline and thread.deadline <= now then
            going[#going + 1] = { thread, false }
        end
    end
    for _, each in ipairs(going) do
        step(self, each[1], each[2])
    end
    local alive = {}
    for _, thread in ipairs(self.threads) do
        if not thread.done then
            alive[#alive + 1] = thread
        end
    end
    self.threads = alive
end

-- run runs until all threads have ended, at most for `seconds`. It raises the first failure, unless the caller reads
-- loop.failures.
function Scheduler:run(seconds, quiet)
    local finish = process.clock() + limits.bound(seconds)
    while #self.threads > 0 and (quiet or not self.failures[1]) do
        self:turn(1)
        if process.clock() > finish then
            error("the coroutines do not end:\n" .. debug.traceback(self.threads[1].co), 2)
        end
    end
    if self.failures and self.failures[1] ~= nil and not quiet then
        error(self.failures[1], 0)
    end
end

return scheduler
