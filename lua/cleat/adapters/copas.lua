--- copas: a waiter for its threads, and its wrapped sockets as sockets for wrap_socket.
---
---     socket.setdefaultwaiter(require("cleat.adapters.copas").waiter)
---
--- The waiter uses copas's public functions only: it makes copas receive from (or send to) an object that returns
--- "timeout" the first time, so that copas waits for the object's descriptor. Outside of copas's threads the waiter
--- blocks.

local C = require "cleat.backend"
local errors = require "cleat.errors"
local luasocket = require "cleat.adapters.luasocket"
local methods = require "cleat.adapters.methods"
local scope = require "cleat.scope"
local waiting = require "cleat.socket.waiting"

local const = C.const

local copas = {}

-- A Turnstile has the methods of a LuaSocket object, and makes its thread wait once.
---@field fd integer the descriptor that copas waits for: the socket's or a watch's
---@field event "read"|"write" how copas waits
---@field guard any the guard of that descriptor, if the turnstile owns it
---@field sock any the socket; nil for a parking place
---@field wanted "read"|"write"
---@field direct integer? the socket's descriptor, if no watch is used
local Turnstile = {}

-- LuaSocket's select accepts one object per descriptor. So one turnstile waits for the descriptor itself, and the
-- others for watches of it.
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

-- copas 1 closes the last object that a thread has waited for when the thread ends (copas.autoclose). A turnstile is
-- not the connection, so it does nothing.
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

-- wait_for_id makes the turnstile wait for the descriptor of an ABI's id.
local function wait_for_id(turnstile, fileno, id, guard)
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

--- The waiter for copas. In a thread of copas it yields. Elsewhere it blocks.
---
---     local runtime = require "copas"
---     local waiter = require("cleat.adapters.copas").waiter
---     local one, two = socket.socketpair()
---     local done
---     one:setwaiter(waiter)
---     runtime.addthread(function()
---         print(one:recv(5)) --> hello
---         done = true
---     end)
---     runtime.addthread(function()
---         two:sendall("hello")
---     end)
---     while not done do
---         runtime.step()
---     end
---
--- Raises: socket.error if copas reports an error.
--- Python: none.
---@param sock cleat.Socket
---@param event "read"|"write"
---@param timeout number? in seconds; nil for no limit
---@return boolean # false after the timeout
function copas.waiter(sock, event, timeout)
    local fd = sock:fileno()
    if not in_thread() then
        return block(fd, event, timeout)
    end
    local deadline = waiting.deadline(timeout)
    local turnstile = new { sock = sock, wanted = event }
    if timeout or direct[fd] then
        -- copas 1 has no timers, so the watch becomes readable after the event and after the timeout.
        wait_for_id(turnstile, C.watch_fileno, C.watch_new_guarded(fd, poll_events(event), timeout or -1))
    else
        turnstile.fd, turnstile.event, turnstile.direct = fd, event, fd
        direct[fd] = turnstile
    end
    waits[event][sock] = turnstile
    scope.run(turnstile, pass, turnstile)
    return waiting.remaining(deadline) > 0
end

-- wake replaces the descriptor that the turnstile waits for by one that is ready. If that fails, only a shutdown of the
-- connection ends the wait.
local function wake(sock, event)
    local turnstile = waits[event][sock]
    if not turnstile then
        return
    elseif turnstile.id then
        errors.check(C.watch_signal(turnstile.id))
    elseif turnstile.event == "read" then
        wait_for_id(turnstile, C.watch_fileno, C.watch_new_guarded(-1, 0, 0))
    else -- a new datagram socket is always writable
        wait_for_id(turnstile, C.socket_fileno, C.socket_new_guarded(const.AF_UNIX, const.SOCK_DGRAM, 0))
    end
end

-- A parking place, see cleat.socket.place.
local Place = {}
Place.__index = Place

function Place:wait(timeout)
    if self.woken then
        return true
    end
    local turnstile = new {}
    wait_for_id(turnstile, C.watch_fileno, C.watch_new_guarded(-1, 0, timeout or -1))
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

--- Returns whether a value is a socket that copas.wrap has returned. SSLContext:wrap_socket calls it.
---
---     print(require("cleat.adapters.copas").accepts(1)) --> false
---
--- Python: none.
---@param value any
---@return boolean
function copas.accepts(value)
    return type(value) == "table" and luasocket.accepts(rawget(value, "socket")) and methods.has(value, "send", "receive")
end

-- The owner for wrappable: it returns the object of copas.wrap, with LuaSocket's object inside.
local Owner = {}
Owner.__index = Owner

function Owner:restore(plain)
    self.inner:restore(plain)
    return self.value
end

function Owner:close()
    self.inner:close()
end

--- Prepares a socket of copas.wrap for SSLContext:wrap_socket, which calls this function itself: programs call
--- `wrap_socket(value)`.
---
--- Raises: socket.error if the socket is closed.
--- Python: none.
---@param value any
---@return table # internal: see cleat.ssl.wrappable
function copas.take(value)
    local taken = luasocket.take(value.socket)
    taken.owner = setmetatable({ inner = taken.owner, value = value }, Owner)
    taken.timeout = false -- copas sets 0, so that LuaSocket does not block
    taken.waiter = copas.waiter
    return taken
end

return copas
