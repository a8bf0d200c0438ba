--- Neovim: runs functions in the background, which wait for the network without blocking the editor. They run in
--- coroutines, which the editor's event loop (vim.loop, that is luv) resumes.
---
---     -- in Neovim
---     local https, neovim = require "cleat.https", require "cleat.adapters.neovim"
---     neovim.run(function()
---         local body, code = assert(https.request "https://example.org/")
---         vim.notify(("%d: %d bytes"):format(code, #body))
---     end)
---
--- In such a function the calls of cleat.socket, cleat.ssl and cleat.https wait without blocking the editor, including
--- name resolution, and all functions of Neovim may be called, also after a wait. Elsewhere in the editor cleat's calls
--- block as usual.

local compat = require "cleat.compat"
local check = require "cleat.check"
local errors = require "cleat.errors"
local luv = require "cleat.adapters.luv"
local strict = require "cleat.strict"
local wait = require "cleat.adapters.luv.wait"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall

local neovim = {}

local function editor()
    local vim = rawget(_G, "vim")
    if type(vim) ~= "table" or not vim.in_fast_event then
        errors.raise(errors.RuntimeError, "cleat.adapters.neovim works in Neovim only")
    end
    return vim
end

--- A task, which run() returns.
--- Python: none.
---@class cleat.adapters.neovim.Task
---@field status "running"|"done"|"failed"|"cancelled"
---@field error any the error of the function, if the status is "failed"
local Task = {} -- with `thread`, `current` (its wait) and `cancelled` (the error that its waits raise after cancel())
Task.__index = Task

-- step resumes the task's coroutine. Sockets that are made meanwhile get luv's waiter.
local function step(self)
    local before = waiting.default
    waiting.default = luv.waiter
    coroutine.resume(self.thread)
    waiting.default = before
end

--- resume continues the task after a wait, in the editor's next iteration: in callbacks of the loop most functions of
--- Neovim are forbidden.
---@package
---@param over cleat.adapters.luv.Wait
function Task:resume(over)
    editor().schedule(function()
        if self.current == over and coroutine.status(self.thread) == "suspended" then
            step(self)
        end
    end)
end

--- Cancels the task: the call that it is waiting in raises RuntimeError, and so do all later calls that would wait. The
--- function should close its sockets when it gets an error, as cleat.https does with its connections. A task that has
--- ended does not change.
---
---     -- in Neovim
---     local task = neovim.run(download)
---     task:cancel()
---
--- Python: none; `asyncio.Task.cancel` is similar.
---@return boolean # whether the task was running
function Task:cancel()
    if self.status ~= "running" then
        return false
    end
    self.cancelled = self.cancelled or errors.RuntimeError("the task was cancelled")
    local current = self.current
    if current then
        current:finish(nil)
    end
    return true
end

local function finish(self, ok, failure)
    if ok then
        self.status = "done"
    elseif self.cancelled then
        self.status = "cancelled"
    else
        self.status, self.error = "failed", failure
        local vim = editor()
        vim.schedule(function()
            vim.notify(tostring(failure), vim.log.levels.ERROR)
        end)
    end
end

--- Runs a function in the background. It runs at once up to its first wait, and continues in the editor's event loop.
--- An uncaught error is shown by vim.notify. Any number of tasks may run at the same time.
---
---     -- in Neovim
---     neovim.run(function(url)
---         print(assert(https.request(url)))
---     end, "https://example.org/")
---
--- Raises: RuntimeError outside of Neovim.
--- Python: none; `asyncio.create_task` is similar.
---@param f function
---@param ... any its arguments
---@return cleat.adapters.neovim.Task
function neovim.run(f, ...)
    local vim = editor()
    if not check.callable(f) then
        check.fail("run", "f", "a function", f)
    end
    local arguments, count = { ... }, select("#", ...)
    local task = setmetatable({ status = "running" }, Task)
    task.thread = coroutine.create(function()
        finish(task, pcall(f, compat.unpack(arguments, 1, count)))
    end)
    wait.set_task(task.thread, task)
    if vim.in_fast_event() then
        vim.schedule(function()
            step(task)
        end)
    else
        step(task)
    end
    return task
end

--- Waits, in a function that run() runs, until a function of Neovim calls its callback, such as vim.ui.input.
---
---     -- in Neovim
---     local name = neovim.await(function(done)
---         vim.ui.input({ prompt = "Host: " }, done)
---     end)
---
--- Raises: RuntimeError outside of functions that run() runs, and after cancel().
--- Python: none.
---@param begin fun(done: fun(...: any)) is called at once with the callback; only the first call of the callback has an
--- effect
---@return any ... # the arguments of the callback
function neovim.await(begin)
    local vim = editor()
    if not wait.task_of() then
        errors.raise(errors.RuntimeError, "await() works only in a function that run() runs")
    end
    local current = wait.new(vim.loop)
    local results, count
    begin(function(...)
        if not results then
            results, count = { ... }, select("#", ...)
            current:finish(true)
        end
    end)
    current:wait()
    return compat.unpack(results, 1, count)
end

return strict(neovim, "module 'cleat.adapters.neovim'")
