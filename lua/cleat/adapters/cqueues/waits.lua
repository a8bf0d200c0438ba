--- The waiting methods of a TLS socket for cqueues. Each makes an attempt, polls, and repeats the attempt. A timeout is
--- in seconds, and limits the whole call; by default it is the socket's (settimeout).

local cqueues = require "cqueues"
local cqueues_errno = require "cqueues.errno"
local report = require("cleat.adapters.cqueues.failure").report
local Socket = require "cleat.adapters.cqueues.socket"

local monotime, poll = cqueues.monotime, cqueues.poll
local EAGAIN, ETIMEDOUT = cqueues_errno.EAGAIN, cqueues_errno.ETIMEDOUT
local unpack = table.unpack or unpack

local MAIN = {} -- stands for the main coroutine: coroutine.running() returns nil there on Lua 5.1

local function deadline_of(self, timeout)
    timeout = timeout or self._timeout
    return timeout and monotime() + timeout
end

-- wait polls for the event that the last attempt needs; a reader also waits to send buffered bytes. It returns false
-- once the deadline has passed.
local function wait(self, deadline, reads)
    if self._closed then
        return true -- closed: the next attempt returns the error
    end
    local left = deadline and deadline - monotime()
    if left and left <= 0 then
        return false
    end
    local request, thread = self._request, coroutine.running() or MAIN
    if reads then
        request.events = self._write_mode.autoflush and self:events() or self._reads
    else
        request.events = self._writes
    end
    self._waiting[thread] = true
    poll(request, left or nil)
    self._waiting[thread] = nil
    if self._closed and not next(self._waiting) then
        self._connection:close()
    end
    return true
end

local function is_waiting(self)
    for thread in pairs(self._waiting) do
        if type(thread) ~= "thread" or coroutine.status(thread) ~= "dead" then
            return true
        end
    end
    return false
end

--- Closes the connection. Coroutines that wait in it get EBADF. The last of them closes the descriptor: cqueues fails
--- if a descriptor is closed while it is in a controller's list.
function Socket:close()
    if self._closed then
        return
    end
    self:_notify()
    self._closed, self._id = true, 0
    if is_waiting(self) then
        self._plain:shutdown()
        cqueues.cancel(self._request.pollfd)
    else
        self._connection:close() -- closes the cqueues socket too, which wakes the coroutines that poll it
    end
end

-- options returns the letters of a mode and a timeout, which may be in any order.
local function options(first, second)
    if tonumber(first) then
        return second, first
    end
    return first, second
end

-- receive reads one format. It returns nothing at the end of the stream.
local function receive(self, operation, what, letters, timeout)
    local data, number = self:recv(what, letters)
    if data then
        return data
    end
    local deadline = number == EAGAIN and timeout ~= 0 and deadline_of(self, timeout)
    while number == EAGAIN do
        if timeout == 0 or not wait(self, deadline, true) then
            return nil, report(self, operation, ETIMEDOUT)
        end
        data, number = self:recv(what, letters)
    end
    if data then
        return data
    elseif number then
        return nil, report(self, operation, number)
    end
end

function Socket:xread(what, first, second)
    return receive(self, "read", what, options(first, second))
end

local function read_each(self, operation, what, ...)
    if what == nil then
        return
    end
    local data = { receive(self, operation, what) }
    if data[1] == nil then
        return unpack(data, 1, 3)
    end
    return data[1], read_each(self, operation, ...)
end

function Socket:read(what, ...)
    return read_each(self, "read", what or "*l", ...)
end

function Socket:lines(...)
    local formats, count = { ... }, select("#", ...)
    return function()
        if count < 2 then
            return receive(self, "lines", formats[1] or "*l")
        end
        return read_each(self, "lines", unpack(formats, 1, count))
    end
end

function Socket:xlines(what, ...)
    local letters, timeout = options(...)
    return function()
        return receive(self, "read", what, letters, timeout)
    end
end

-- repeat_until_done calls self[method](self, argument) until it returns true.
local function repeat_until_done(self, operation, method, argument, timeout)
    local done, number = self[method](self, argument)
    local deadline = number == EAGAIN and timeout ~= 0 and deadline_of(self, timeout)
    while not done do
        if number ~= EAGAIN then
            return false, report(self, operation, number)
        elseif timeout == 0 or not wait(self, deadline, operation == "fill") then
            return false, report(self, operation, ETIMEDOUT)
        end
        done, number = self[method](self, argument)
    end
    return true
end

function Socket:fill(size, timeout)
    return repeat_until_done(self, "fill", "_try_fill", size, timeout)
end

function Socket:flush(...)
    local letters, timeout = options(...)
    return repeat_until_done(self, "flush", "_try_flush", letters or "n", timeout)
end

-- accept adds all bytes to the output, and returns true, or nil and the error.
local function accept(self, data, letters, timeout)
    local at = 1
    local deadline
    while true do
        local count, number = self:send(data, at, #data, letters)
        at = at + count
        if at > #data then
            return true, deadline
        elseif number ~= EAGAIN then
            return nil, report(self, "write", number)
        end
        deadline = deadline or deadline_of(self, timeout)
        if not wait(self, deadline) then
            return nil, report(self, "write", ETIMEDOUT)
        end
    end
end

local function result(self, ok, ...)
    if ok then
        return self
    end
    return nil, ...
end

-- finish_write flushes after accept.
local function finish_write(self, letters, timeout, ok, deadline, ...)
    if not ok then
        return nil, deadline, ...
    elseif self._output.size == 0 then
        return self
    elseif deadline then
        timeout = math.max(0, deadline - monotime())
    end
    return result(self, repeat_until_done(self, "flush", "_try_flush", letters, timeout))
end

function Socket:xwrite(data, first, second)
    local letters, timeout = options(first, second)
    local mode = letters == "f" and self._write_mode
    if mode and self._write_size == math.huge and not mode.text and mode.buffer ~= "line" and not self._write_error.number then
        self._output:push(data) -- the fast path for most writes of lua-http
        return self
    end
    return finish_write(self, letters or "", timeout, accept(self, data, letters, timeout))
end

function Socket:write(...)
    local pieces = { ... }
    for index = 1, select("#", ...) do
        pieces[index] = tostring(pieces[index])
    end
    return finish_write(self, "", nil, accept(self, table.concat(pieces), "f"))
end

return Socket
