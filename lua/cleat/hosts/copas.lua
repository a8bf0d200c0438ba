--- copas: a waiter for its threads, and its wrapped sockets as something to wrap.
---
---     socket.setdefaultwaiter(require("cleat.hosts.copas").waiter)
---
--- copas is not changed, and no matter of its inside is relied on: the waiter lets copas receive from (or send to) an object whose
--- first answer is "timeout", so that copas waits for its descriptor. Outside of copas's threads the waiter blocks.

local C = require "cleat.backend"
local errors = require "cleat.errors"
local luasocket = require "cleat.hosts.luasocket"
local methods = require "cleat.hosts.methods"
local waiting = require "cleat.socket.waiting"

local const = C.const

local copas = {}

-- Turnstile: what copas takes for a LuaSocket object. It lets nobody through the first time.
local Turnstile = {}
Turnstile.__index = Turnstile

function Turnstile:getfd()
    return self.fd
end

function Turnstile.dirty()
    return false
end

function Turnstile:receive()
    if self.passed then
        return ""
    end
    self.passed = true
    return nil, "timeout", ""
end

function Turnstile:send()
    if self.passed then
        return 0
    end
    self.passed = true
    return nil, "timeout", 0
end

function Turnstile.settimeout()
    return 1
end

-- copas 1 closes what a thread has waited for last when that ends (copas.autoclose): this is not the connection.
function Turnstile.close()
    return 1
end

local function pass(fd, event)
    local host = require "copas"
    local turnstile = setmetatable({ fd = fd }, Turnstile)
    local result, message
    if event == "read" then
        result, message = host.receive(turnstile, 1)
    else
        result, message = host.send(turnstile, "\0")
    end
    if result == nil and message ~= "timeout" then
        errors.raise(errors.error, "copas: " .. tostring(message))
    end
end

local function block(fd, event, timeout)
    local result = C.poll({ fd }, { event == "read" and const.POLLIN or const.POLLOUT }, 1, timeout or -1)
    return errors.check(result) > 0
end

--- Waits as a thread of copas does; outside of coroutines it blocks.
function copas.waiter(sock, event, timeout)
    local fd = sock:fileno()
    local thread, is_main = coroutine.running()
    if is_main or not thread then
        return block(fd, event, timeout)
    elseif not timeout then
        pass(fd, event)
        return true
    end
    -- copas 1 has no timers: it waits for one descriptor that stands for both.
    local deadline = waiting.deadline(timeout)
    local id, guard = errors.check(C.watch_new_guarded(fd, event == "read" and const.POLLIN or const.POLLOUT, timeout))
    local ok, failure = pcall(pass, errors.check(C.watch_fileno(id)), "read")
    C.guard_close(guard)
    if not ok then
        error(failure, 0)
    end
    return waiting.left(deadline) > 0
end

function copas.accepts(value)
    return type(value) == "table" and luasocket.accepts(rawget(value, "socket")) and methods.has(value, "send", "receive")
end

-- Owner gives back the wrapped object, around LuaSocket's.
local Owner = {}
Owner.__index = Owner

function Owner:give_back(plain)
    self.inner:give_back(plain)
    return self.value
end

function Owner:close()
    self.inner:close()
end

function copas.take(value)
    local taken = luasocket.take(value.socket)
    taken.owner = setmetatable({ inner = taken.owner, value = value }, Owner)
    taken.timeout = false -- copas's own, 0, is how copas keeps LuaSocket from waiting
    taken.waiter = copas.waiter
    return taken
end

return copas
