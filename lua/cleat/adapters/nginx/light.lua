--- Calls of cosockets in light threads, and parking places, for nginx.
---
--- Each call has two light threads: one makes the call, and its parent waits for it or kills it, because nginx lets
--- only the parent kill a thread. The coroutine that has started the call waits on a semaphore, and can be killed
--- meanwhile.

local waiting = require "cleat.socket.waiting"

local light = {}

-- The longest wait of a semaphore, in seconds.
local LONGEST = 2147483

local function new_semaphore()
    return require("ngx.semaphore").new()
end

-- wait waits on a semaphore, and returns false once the deadline has passed.
local function wait(semaphore, deadline)
    local left = waiting.remaining(deadline)
    return semaphore:wait(left < LONGEST and left or LONGEST) == true or waiting.remaining(deadline) > 0
end

---@class cleat.adapters.nginx.Call
---@field over boolean whether the call has ended
---@field first any the first result of the call
---@field second any its second result
---@field parent any the coroutine that has started the call
---@field manager any
---@field answered boolean whether the cosocket's method has returned
---@field stopped boolean whether stop() was called
---@field event any a semaphore that wakes the manager
---@field done any a semaphore that is posted when the call has ended
local Call = {}
Call.__index = Call

local function make(call, value, method, ...)
    call.first, call.second = value[method](value, ...)
    call.answered = true
    call.event:post(1)
end

local function manage(call, ...)
    local ngx = ngx -- luacheck: ignore 113
    local worker = ngx.thread.spawn(make, call, ...)
    while not call.answered and not call.stopped do
        call.event:wait(LONGEST)
    end
    if call.answered then
        ngx.thread.wait(worker)
    else
        ngx.thread.kill(worker)
        call.second = "closed"
    end
    call.over = true
    call.done:post(1)
end

--- start starts a call of a cosocket's method.
---@return cleat.adapters.nginx.Call
function light.start(value, method, ...)
    local call = setmetatable({ over = false, answered = false, stopped = false, parent = coroutine.running(),
        event = new_semaphore(), done = new_semaphore() }, Call)
    call.manager = ngx.thread.spawn(manage, call, value, method, ...) -- luacheck: ignore 113
    return call
end

--- wait waits until the call has ended, and returns true, or false once the deadline has passed. Only one coroutine may
--- wait at a time.
---@param deadline number
---@return boolean
function Call:wait(deadline)
    while not self.over do
        if not wait(self.done, deadline) and not self.over then
            return false
        end
    end
    if self.manager and self.parent == coroutine.running() then
        ngx.thread.wait(self.manager) -- luacheck: ignore 113
        self.manager = nil
    end
    return true
end

--- stop kills the call, which closes the cosocket.
function Call:stop()
    if not self.over then
        self.stopped = true
        self.event:post(1)
    end
end

-- The interval, in seconds, at which a parked coroutine checks whether the coroutine that it waits for was killed,
-- which nginx does not report.
local PATIENCE = 0.25

---@class cleat.adapters.nginx.Place see cleat.socket.place
local Place = {}
Place.__index = Place

function light.place()
    return setmetatable({ semaphore = new_semaphore(), woken = false }, Place)
end

function Place:wait(timeout)
    if not self.woken then
        self.semaphore:wait(math.min(timeout or PATIENCE, PATIENCE))
    end
    return self.woken or not timeout or timeout > PATIENCE
end

function Place:wake()
    self.woken = true
    self.semaphore:post(1)
end

return light
