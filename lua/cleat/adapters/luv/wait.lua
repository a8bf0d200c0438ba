--- Waits in luv's loop: a coroutine yields until a callback of the loop ends its wait. Outside of coroutines the loop
--- is run.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local errors = require "cleat.errors"

local coroutine_status = coroutine.status

local wait = {}

-- Tasks by coroutine. A task resumes its coroutine and may cancel it: see cleat.adapters.neovim. A task refers to its
-- coroutine, so both keys and values are weak.
local tasks = setmetatable({}, { __mode = "kv" })

--- set_task lets a task resume a coroutine, in place of luv's callbacks.
---@param thread thread
---@param task table with a method resume(wait), and the fields current (the coroutine's wait) and cancelled (an error
--- or nil)
function wait.set_task(thread, task)
    tasks[thread] = task
end

--- task_of returns the task of the running coroutine; nil if it has none.
function wait.task_of()
    local thread = compat.running()
    return thread and tasks[thread]
end

--- editor_of returns Neovim's functions if the loop is Neovim's: then Neovim, and not luv, runs the loop.
function wait.editor_of(uv)
    local editor = rawget(_G, "vim")
    return type(editor) == "table" and editor.in_fast_event and editor.loop == uv and editor or nil
end

local function in_loop(uv)
    local editor = wait.editor_of(uv)
    if editor then
        return editor.in_fast_event()
    end
    return uv.loop_mode and uv.loop_mode() ~= nil
end

--- is_ending returns whether the program has ended and luv closes its loop. Then luv closes all handles and ends their
--- requests, but a coroutine that waits must not continue.
---@param uv table
---@param handle any
---@return boolean
function wait.is_ending(uv, handle)
    if not uv.loop_mode or in_loop(uv) or wait.editor_of(uv) then
        return false
    end
    local ok, closing = pcall(handle.is_closing, handle)
    return not ok or closing -- luv refuses a handle that was closed
end

--- soon calls f in the next iteration of the loop, before luv frees closed handles.
function wait.soon(uv, f)
    local idle = uv.new_idle()
    idle:start(function()
        idle:close()
        f()
    end)
end

local pending = {} -- handles to close in the next iteration of the loop

--- close closes a handle. luv (1.44) crashes at the end of a program if a handle was closed after the last iteration of
--- its loop. So outside of the loop, and where there may be no further iteration (uv.run "once" ends with the timers),
--- the handle is only stopped. It is closed in the next iteration, or by luv at the end.
---@param uv table
---@param handle any
function wait.close(uv, handle)
    if handle:is_closing() then
        return
    elseif not uv.loop_mode or uv.loop_mode() == "default" then
        handle:close()
        return
    end
    if handle.stop then
        handle:stop()
    elseif handle.read_stop then
        handle:read_stop()
    end
    pending[#pending + 1] = handle
    if #pending == 1 then
        wait.soon(uv, function()
            local handles = pending
            pending = {}
            for _, each in ipairs(handles) do
                if not each:is_closing() then
                    each:close()
                end
            end
        end)
    end
end

---@class cleat.adapters.luv.Wait
---@field uv table
---@field thread thread|false false outside of coroutines
---@field done boolean
---@field answer any the result of the wait; nil after a timeout
---@field timer any
---@field task table? see wait.set_task
---@field cleanup function? is called when the wait has ended, for whatever reason
local Wait = {}
Wait.__index = Wait

local function close_timer(self)
    local timer = self.timer
    if timer then
        self.timer = nil
        wait.close(self.uv, timer)
    end
end

-- clean_up is called when a wait has ended, and by Lua 5.4 when its coroutine is closed.
local function clean_up(self)
    self.done = true
    close_timer(self)
    local cleanup = self.cleanup
    if cleanup then
        self.cleanup = nil
        cleanup(self)
    end
end
Wait.__close = clean_up

-- resume resumes the coroutine. luv ends the program after an uncaught error, and prints strings only.
local function resume(self)
    local thread = self.thread
    if self.task then
        self.task:resume(self)
    elseif thread and coroutine_status(thread) == "suspended" then
        local ok, failure = coroutine.resume(thread)
        if not ok then
            error(debug.traceback(thread, tostring(failure)), 0)
        end
    end
end

--- finish ends the wait. Callbacks of the loop call it.
function Wait:finish(answer)
    if not self.done then
        self.done, self.answer = true, answer
        close_timer(self)
        resume(self)
    end
end

--- defer ends the wait in the next iteration of the loop. It may be called from anywhere.
function Wait:defer(answer)
    if not self.done then
        self.done, self.answer = true, answer
        close_timer(self)
        wait.soon(self.uv, function()
            resume(self)
        end)
    end
end

--- new makes a wait for the running coroutine. cleanup: see the class.
---@param uv table
---@param cleanup function?
---@return cleat.adapters.luv.Wait
function wait.new(uv, cleanup)
    local thread, is_main = compat.running()
    if is_main or not thread then
        thread = false
        if in_loop(uv) then
            errors.raise(errors.error, "a callback of luv's loop cannot wait: call this in a coroutine")
        end
    end
    local task = thread and tasks[thread]
    return setmetatable({ uv = uv, thread = thread, task = task, done = false, cleanup = cleanup }, Wait)
end

-- parked is the iterator of the loop below.
local function parked(self)
    while not self.done do
        coroutine.yield()
    end
end

-- For vim.wait: the maximum time and the interval of its checks in ms, and its result after Ctrl-C.
local LONGEST, INTERVAL, INTERRUPTED = 2147483647, 200, -2

-- vim.wait runs Neovim's loop until Ctrl-C.
local function run_loop(self)
    local uv = self.uv
    local editor = wait.editor_of(uv)
    if editor then
        local _, why = editor.wait(LONGEST, function()
            return self.done
        end, INTERVAL, true)
        if why == INTERRUPTED then
            errors.raise(errors.error, C.const.EINTR, "interrupted")
        end
    end
    while not self.done do
        if not uv.run "once" and not self.done then
            errors.raise(errors.error, "luv's loop has ended, so nothing can end this wait")
        end
    end
end

--- sweep closes the pending handles, if the caller is not in a coroutine.
function wait.sweep(uv)
    local thread, is_main = compat.running()
    if (is_main or not thread) and uv.loop_mode and not wait.editor_of(uv) and not in_loop(uv) then
        uv.run "nowait"
    end
end

--- Waits until finish or defer is called, or for `timeout` seconds; nil waits without a limit.
---@param timeout number?
---@return any # their argument; nil after a timeout
function Wait:wait(timeout)
    if timeout and not self.done then
        self.uv.update_time() -- the loop's clock stops between its iterations
        self.timer = self.uv.new_timer()
        self.timer:start(math.ceil(timeout * 1000), 0, function()
            self:finish(nil)
        end)
    end
    local task = self.task
    if task then
        task.current = self
        self.done = self.done or task.cancelled ~= nil
    end
    if self.thread and compat.has_close then
        -- The loop closes its last value, the wait, however it ends: also if the coroutine is closed.
        for _ in parked, self, nil, self do end
    elseif self.thread then
        parked(self)
    else
        local ok, failure = pcall(run_loop, self)
        if not ok then
            clean_up(self)
            error(failure, 0)
        end
    end
    clean_up(self)
    if not self.thread then
        wait.sweep(self.uv)
    elseif task then
        task.current = nil
        if task.cancelled then
            errors.throw(task.cancelled)
        end
    end
    return self.answer
end

---@class cleat.adapters.luv.Place see cleat.socket.place
local Place = {}
Place.__index = Place

--- place returns a new parking place.
function wait.place()
    return setmetatable({ woken = false }, Place)
end

function Place:wait(timeout)
    if not self.woken then
        local current = wait.new(require "luv")
        self.current = current
        local woken = current:wait(timeout)
        self.current = nil
        return woken == true
    end
    return true
end

function Place:wake()
    self.woken = true
    if self.current then
        self.current:defer(true)
    end
end

return wait
