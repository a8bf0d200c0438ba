--- copas: a waiter for its threads, and its wrapped sockets as something to wrap.
---
---     socket.setdefaultwaiter(require("cleat.hosts.copas").waiter)
---
--- copas is not changed, and no matter of its inside is relied on: the waiter lets copas receive from (or send to) an object whose
--- first answer is "timeout", so that copas waits for its descriptor. Outside of copas's threads the waiter blocks.

local C = require "cleat.backend"
local errors = require "cleat.errors"
local luasocket = require "cleat.hosts.luasocket"

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

local function block(fd, event, timeout)
    local result = C.poll({ fd }, { event == "read" and const.POLLIN or const.POLLOUT }, 1, timeout or -1)
    return errors.check(result) > 0
end

--- Waits as a thread of copas does. A timeout needs a copas that has them (copas.settimeout, since version 3); with an older one
--- it is looked at when the descriptor is ready, and a peer that says nothing is waited for.
function copas.waiter(sock, event, timeout)
    local fd = sock:fileno()
    local _, is_main = coroutine.running()
    if is_main or not coroutine.running() then
        return block(fd, event, timeout)
    end
    local host = require "copas"
    local turnstile = setmetatable({ fd = fd }, Turnstile)
    if timeout and host.settimeout then
        host.settimeout(turnstile, timeout)
    end
    local result, message
    if event == "read" then
        result, message = host.receive(turnstile, 1)
    else
        result, message = host.send(turnstile, "\0")
    end
    if result == nil and message ~= "timeout" then
        errors.raise(errors.error, "copas: " .. tostring(message))
    end
    return result ~= nil
end

function copas.accepts(value)
    return type(value) == "table" and tostring(value):find("copas wrapped", 1, true) ~= nil and
        luasocket.accepts(rawget(value, "socket"))
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
