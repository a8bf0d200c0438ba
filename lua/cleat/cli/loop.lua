--- A scheduler of coroutines with poll, in which the commands run. cleat's sockets wait through its waiter, and a
--- coroutine may wait for descriptors of any kind. Ctrl-C ends it.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local failure = require "cleat.cli.failure"
local socket = require "cleat.socket"

local loop = {}

local const = C.const
local READ, WRITE = const.POLLIN, const.POLLOUT

-- maps each coroutine to what it waits for: { fds = {[fd] = "read", …}, deadline = }
local waits = {}
local endings = {}

function loop.now()
    local _, now = C.monotonic()
    return now
end

--- Waits until a descriptor is ready. fds maps descriptors to "read", "write" or "both". Returns a table whose keys are
--- the ready descriptors, or nil after the timeout.
---@param fds table<integer, string>
---@param timeout number?
---@return table<integer, boolean>?
function loop.wait(fds, timeout)
    return coroutine.yield { fds = fds, deadline = timeout and loop.now() + timeout }
end

--- Suspends the coroutine for a number of seconds, while others run.
---@param seconds number
function loop.sleep(seconds)
    loop.wait({}, seconds)
end

--- The waiter of all sockets, see Socket:setwaiter.
function loop.waiter(sock, event, timeout)
    return loop.wait({ [sock:fileno()] = event }, timeout) ~= nil
end

local function resume(thread, ...)
    waits[thread] = nil
    local ok, wait = coroutine.resume(thread, ...)
    if not ok then
        waits[thread] = nil
        error(wait, 0)
    elseif coroutine.status(thread) ~= "dead" then
        waits[thread] = wait
    end
end

--- Starts a coroutine. An error of it ends the program.
---@param f function
function loop.spawn(f, ...)
    resume(coroutine.create(f), ...)
end

-- is_interrupted returns whether a signal has interrupted the wait, or a second has passed: see cleat/interrupt.h.
local function is_interrupted(err)
    return errors.error:is(err) and err.errno == const.EINTR
end

local function poll(fds, events, timeout)
    local ok, count, revents = pcall(function()
        return errors.check(C.poll(fds, events, #fds, timeout))
    end)
    if ok then
        return count, revents
    elseif is_interrupted(count) then
        return 0, nil
    end
    return error(count, 0)
end

-- run_once waits until a descriptor is ready, and resumes the coroutines that have waited for it.
local function run_once()
    local fds, events, owners, first = {}, {}, {}, math.huge
    for thread, wait in pairs(waits) do
        for fd, event in pairs(wait.fds) do
            fds[#fds + 1] = fd
            events[#events + 1] = event == "both" and READ + WRITE or event == "write" and WRITE or READ
            owners[#owners + 1] = thread
        end
        first = math.min(first, wait.deadline or math.huge)
    end
    local timeout = first == math.huge and -1 or math.max(0, first - loop.now())
    local count, revents = poll(fds, events, timeout)
    local ready = {}
    for i = 1, count > 0 and #fds or 0 do
        if revents[i] ~= 0 then
            local thread = owners[i]
            ready[thread] = ready[thread] or {}
            ready[thread][fds[i]] = true
        end
    end
    local now, due = loop.now(), {}
    for thread, wait in pairs(waits) do
        if ready[thread] or wait.deadline and wait.deadline <= now then
            due[#due + 1] = thread
        end
    end
    for _, thread in ipairs(due) do
        if waits[thread] then
            resume(thread, ready[thread])
        end
    end
end

--- at_end makes run() call f when it ends, for whatever reason. After Ctrl-C the coroutines are not resumed.
---@param f function
function loop.at_end(f)
    endings[#endings + 1] = f
end

--- Runs f(...) in a coroutine, and the coroutines that it spawns, until f returns. The others are then abandoned. An
--- error of f is raised.
---@param f function
function loop.run(f, ...)
    local before = socket.getdefaultwaiter()
    socket.setdefaultwaiter(loop.waiter)
    local was = C.set_interruptible(1)
    local arguments, done, results = { n = select("#", ...), ... }, false, nil
    local ok, problem = pcall(function()
        loop.spawn(function()
            results = { compat.pcall(f, compat.unpack(arguments, 1, arguments.n)) }
            done = true
        end)
        while not done do
            if next(waits) == nil then
                failure.raise(70, "internal error: no coroutine waits for anything")
            end
            run_once()
        end
    end)
    C.set_interruptible(was)
    socket.setdefaultwaiter(before)
    waits = {}
    for _, ending in ipairs(endings) do
        ending()
    end
    endings = {}
    if not ok then
        error(problem, 0)
    elseif not results[1] then
        error(results[2], 0)
    end
    return compat.unpack(results, 2)
end

--- all runs f(item, index) for each item, each in a coroutine, with at most `limit` of them at the same time, and
--- returns the results in order. f must not raise errors.
---@param items any[]
---@param limit integer
---@param f function
---@return any[]
function loop.all(items, limit, f)
    local results, index, left = {}, 0, #items
    local signal = {}
    local function worker()
        while index < #items do
            index = index + 1
            local at = index
            results[at] = f(items[at], at)
            left = left - 1
        end
        if left == 0 and signal.thread then
            waits[signal.thread] = { fds = {}, deadline = 0 }
        end
    end
    for _ = 1, math.min(limit, #items) do
        loop.spawn(worker)
    end
    if left > 0 then
        signal.thread = compat.running()
        coroutine.yield { fds = {} }
    end
    return results
end

return loop
