--- luv: a waiter for coroutines under its loop, and its TCP and pipe handles as something to wrap.
---
---     socket.setdefaultwaiter(require("cleat.adapters.luv").waiter)
---
--- In a coroutine a wait yields until luv's loop resumes it; the coroutine is to be resumed by nobody else meanwhile. Outside of
--- coroutines the loop is run until the wait is over.
---
--- The wrapper reads a handle with read_start, one piece at a time, and writes with write. close() closes the handle.

local C = require "cleat.backend"
local errors = require "cleat.errors"
local methods = require "cleat.adapters.methods"
local waiting = require "cleat.socket.waiting"

local const = C.const

local luv = {}

-- wait_for calls start(done) and returns what done is called with; or nil if the timeout runs out first. Then stop() is called.
local function wait_for(uv, timeout, start, stop)
    local thread, is_main = coroutine.running()
    local can_yield = thread ~= nil and not is_main
    local finished, parked, first, second = false, false, nil, nil
    local timer
    local function done(...)
        if finished then
            return
        end
        finished, first, second = true, ...
        if timer then
            timer:close()
        end
        if parked then
            local ok, err = coroutine.resume(thread)
            if not ok then
                error(err, 0) -- nobody else is there to see it
            end
        end
    end
    if not can_yield and uv.loop_mode and uv.loop_mode() then
        errors.raise(errors.error, "a callback of luv's loop cannot wait: do this in a coroutine")
    end
    start(done)
    if timeout and not finished then
        timer = uv.new_timer()
        timer:start(math.ceil(timeout * 1000), 0, function()
            done(nil, "timeout")
        end)
    end
    if can_yield and not finished then
        parked = true
        coroutine.yield()
    end
    while not finished do
        uv.run("once")
    end
    if stop then
        stop()
    end
    if not can_yield then
        uv.run "nowait" -- luv (1.44) does not survive the end of a program that has closed a handle, and has not run its loop since
    end
    return first, second
end

--- Waits as luv's loop goes on.
function luv.waiter(sock, event, timeout)
    local uv = require "luv"
    local poll = assert(uv.new_poll(sock:fileno()))
    local ready, message = wait_for(uv, timeout, function(done)
        poll:start(event == "read" and "r" or "w", function(err)
            done(not err, err)
        end)
    end, function()
        poll:stop()
        poll:close()
    end)
    return ready ~= nil or message ~= "timeout"
end

function luv.accepts(value)
    return methods.has(value, "read_start", "read_stop", "write", "fileno", "is_closing")
end

---@class cleat.adapters.luv.Stream
---@field value any luv's handle
---@field uv table
local Stream = {}
Stream.__index = Stream

local function fail(what, message)
    -- libuv's messages are "ECONNRESET: connection reset by peer"
    local name = tostring(message):match "^(E%w+)"
    local number = name and const[name]
    if number then
        return errors.raise(errors.error, number, ("%s of the luv handle: %s"):format(what, message))
    end
    return methods.failed("luv handle", what, message)
end

function Stream:connected()
    return self.value:is_readable()
end

-- resolve returns an address of a host, since luv's connect takes no names: the first of IPv4, as cleat's sockets connect unless they are
-- told otherwise, or else the first. A handle can be connected once, so there is no second try.
local function resolve(self, host, timeout)
    local list, message = wait_for(self.uv, timeout, function(done)
        local request, err = self.uv.getaddrinfo(host, nil, { socktype = "stream" }, function(failed, found)
            done(not failed and found, failed)
        end)
        if not request then
            done(false, err)
        end
    end)
    if list == nil then
        errors.throw(errors.timeout("timed out"))
    elseif not list then
        fail("getaddrinfo", message)
    end
    for _, each in ipairs(list) do
        if each.family == "inet" then
            return each.addr
        end
    end
    return list[1].addr
end

function Stream:connect(to, timeout)
    local value = self.value
    local deadline = waiting.deadline(timeout)
    local host, where = methods.endpoint(to)
    if host then
        host = resolve(self, host, timeout)
    end
    local ok, message = wait_for(self.uv, waiting.left(deadline), function(done)
        local function connected(err)
            done(not err, err)
        end
        local started, err
        if host then
            started, err = value:connect(host, where, connected)
        else
            started, err = value:connect(where, connected)
        end
        if not started then
            done(false, err)
        end
    end)
    if ok == nil then
        errors.throw(errors.timeout("timed out"))
    elseif not ok then
        fail("connect", message)
    end
end

function Stream:receive(timeout)
    local value = self.value
    local bytes, message = wait_for(self.uv, timeout, function(done)
        local started, err = value:read_start(function(failed, piece)
            value:read_stop()
            done(not failed and (piece or ""), failed)
        end)
        if not started then
            done(false, err)
        end
    end, function()
        if not value:is_closing() then
            value:read_stop()
        end
    end)
    if bytes == false then
        fail("receive", message)
    end
    return bytes
end

function Stream:send(bytes, timeout)
    local value = self.value
    local sent, message = wait_for(self.uv, timeout, function(done)
        local request, err = value:write(bytes, function(failed)
            done(not failed, failed)
        end)
        if not request then
            done(false, err)
        end
    end)
    if sent == false then
        fail("send", message)
    end
    return sent
end

function Stream:close()
    if not self.value:is_closing() then
        self.value:close()
    end
end

function Stream:fileno()
    return self.value:fileno()
end

local function address_of(name)
    return function(self)
        local address, message = self.value[name](self.value)
        if not address then
            fail(name, message)
        elseif type(address) == "string" then -- a pipe's
            return address
        end
        return { address.ip, address.port }
    end
end

Stream.getpeername, Stream.getsockname = address_of "getpeername", address_of "getsockname"

function luv.take(value)
    return { stream = setmetatable({ value = value, uv = require "luv" }, Stream) }
end

return luv
