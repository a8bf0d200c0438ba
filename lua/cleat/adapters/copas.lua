--- copas: a waiter for its threads, and its wrapped sockets as something to wrap.
---
---     socket.setdefaultwaiter(require("cleat.adapters.copas").waiter)
---
--- copas's public functions are used only: the waiter lets copas receive from (or send to) an object whose first answer
--- is "timeout", so that copas waits for its descriptor. Outside of copas's threads the waiter blocks.

local C = require "cleat.backend"
local errors = require "cleat.errors"
local luasocket = require "cleat.adapters.luasocket"
local methods = require "cleat.adapters.methods"
local scope = require "cleat.scope"
local waiting = require "cleat.socket.waiting"

local const = C.const

local copas = {}

-- Turnstile: what copas takes for a LuaSocket object. It makes its thread wait once.
---@field fd integer what copas waits for: a descriptor, or one that stands for it
---@field event "read"|"write" how copas waits
---@field guard any of that descriptor, if it is the turnstile's
---@field sock any what waits, and for what; nil if it is a parking place
---@field wanted "read"|"write"
---@field direct integer? the descriptor, if it is waited for itself
local Turnstile = {}

-- LuaSocket's select knows one object for a descriptor, whatever it waits for. So one turnstile waits for a descriptor
-- itself; others wait for a watch of it.
local direct = setmetatable({}, { __mode = "v" })
local waits = { read = setmetatable({}, { __mode = "k" }), write = setmetatable({}, { __mode = "k" }) }

function Turnstile:end_scope()
    self.open = false
    if self.direct and direct[self.direct] == self then
        direct[self.direct] = nil
    end
    if self.sock and waits[self.wanted][self.sock] == self then
        waits[self.wanted][self.sock] = nil
    end
    self.sock = nil
    if self.guard then
        C.guard_close(self.guard)
        self.guard = nil
    end
end

function Turnstile.abandoned() end

local TURNSTILE = scope.metatable(Turnstile)

function Turnstile:getfd()
    return self.open and self.fd or -1
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

local function pass(turnstile)
    local runtime = require "copas"
    local result, message
    if turnstile.event == "read" then
        result, message = runtime.receive(turnstile, 1)
    else
        result, message = runtime.send(turnstile, "\0")
    end
    if result == nil and message ~= "timeout" then
        errors.raise(errors.error, "copas: " .. tostring(message))
    end
end

local function new(fields)
    fields.event = fields.event or "read"
    return scope.make(fields, TURNSTILE, true)
end

-- stand_in makes the turnstile wait for an id of the ABI's.
local function stand_in(turnstile, fileno, id, guard)
    errors.check(id)
    turnstile.guard, turnstile.id = guard, id
    turnstile.fd = errors.check(fileno(id))
end

local function poll_events(event)
    return event == "read" and const.POLLIN or const.POLLOUT
end

local function block(fd, event, timeout)
    local result = C.poll({ fd }, { poll_events(event) }, 1, timeout or -1)
    return errors.check(result) > 0
end

local function in_thread()
    local thread, is_main = coroutine.running()
    return thread and not is_main
end

--- Waits as a thread of copas does; outside of coroutines it blocks.
function copas.waiter(sock, event, timeout)
    local fd = sock:fileno()
    if not in_thread() then
        return block(fd, event, timeout)
    end
    local deadline = waiting.deadline(timeout)
    local turnstile = new { sock = sock, wanted = event }
    if timeout or direct[fd] then
        -- copas 1 has no timers: it waits for one descriptor that stands for both.
        stand_in(turnstile, C.watch_fileno, C.watch_new_guarded(fd, poll_events(event), timeout or -1))
    else
        turnstile.fd, turnstile.event, turnstile.direct = fd, event, fd
        direct[fd] = turnstile
    end
    waits[event][sock] = turnstile
    scope.run(turnstile, pass, turnstile)
    return waiting.remaining(deadline) > 0
end

-- wake lets the turnstile wait for something that is ready. An error means that only a shutdown of the connection is
-- left.
local function wake(sock, event)
    local turnstile = waits[event][sock]
    if not turnstile then
        return
    elseif turnstile.id then
        errors.check(C.watch_signal(turnstile.id))
    elseif turnstile.event == "read" then
        stand_in(turnstile, C.watch_fileno, C.watch_new_guarded(-1, 0, 0))
    else -- a socket that nothing was sent with can be written
        stand_in(turnstile, C.socket_fileno, C.socket_new_guarded(const.AF_UNIX, const.SOCK_DGRAM, 0))
    end
end

-- Place is a parking place, see cleat.socket.place.
local Place = {}
Place.__index = Place

function Place:wait(timeout)
    if self.woken then
        return true
    end
    local turnstile = new {}
    stand_in(turnstile, C.watch_fileno, C.watch_new_guarded(-1, 0, timeout or -1))
    self.turnstile = turnstile
    if in_thread() then
        scope.run(turnstile, pass, turnstile)
    else
        scope.run(turnstile, block, turnstile.fd, "read")
    end
    self.turnstile = nil
    return self.woken
end

function Place:wake()
    self.woken = true
    if self.turnstile and self.turnstile.open then
        C.watch_signal(self.turnstile.id)
    end
end

local function place()
    return setmetatable({ woken = false }, Place)
end

waiting.register(copas.waiter, { wake = wake, place = place })

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
