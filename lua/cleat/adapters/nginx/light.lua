--- Calls of a cosocket in light threads, and parking places, in nginx.
---
--- A call has two threads: one makes it, and its parent waits for that or ends it, since nginx lets only the parent
--- kill a thread. The coroutine that started the call waits on a semaphore, and can be killed meanwhile.

local waiting = require "cleat.socket.waiting"

local light = {}

-- The longest wait of a semaphore, in seconds.
local LONGEST = 2147483

local function new_semaphore()
    return require("ngx.semaphore").new()
end

-- wait waits on a semaphore, and returns false once the deadline is over.
local function wait(semaphore, deadline)
    local left = waiting.remaining(deadline)
    return semaphore:wait(left < LONGEST and left or LONGEST) == true or waiting.remaining(deadline) > 0
end

---@class cleat.adapters.nginx.Call
---@field over boolean whether it has ended
---@field first any what it has returned
---@field second any
---@field parent any the coroutine that has started it
---@field manager any
---@field answered boolean whether the cosocket has answered
---@field stopped boolean whether it is to be ended
---@field event any a semaphore: posted when the manager is to look
---@field done any a semaphore: posted when the call is over
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

--- start calls a method of a cosocket.
---@return cleat.adapters.nginx.Call
function light.start(value, method, ...)
    local call = setmetatable({ over = false, answered = false, stopped = false, parent = coroutine.running(),
        event = new_semaphore(), done = new_semaphore() }, Call)
    call.manager = ngx.thread.spawn(manage, call, value, method, ...) -- luacheck: ignore 113
    return call
end

--- wait returns whether the call is over, and waits for that until the deadline. One coroutine waits at a time.
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

--- stop ends the call, and closes the cosocket.
function Call:stop()
    if not self.over then
        self.stopped = true
        self.event:post(1)
    end
end

-- How often, in seconds, a parked coroutine checks whether the coroutine it waits for was killed: nginx does not report
-- it.
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
