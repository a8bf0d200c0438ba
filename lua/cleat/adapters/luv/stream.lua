--- luv's TCP and pipe handles as streams for cleat.ssl.transport.stream.
---
--- Handles are read with read_start, one piece at a time. Bytes that arrive after a call has timed out or was killed
--- are kept for the next call.

local C = require "cleat.backend"
local errors = require "cleat.errors"
local methods = require "cleat.adapters.methods"
local wait = require "cleat.adapters.luv.wait"
local waiting = require "cleat.socket.waiting"

local const = C.const

---@class cleat.adapters.luv.Stream
---@field value any luv's handle
---@field uv table
---@field arrived string[] received bytes that no call has returned yet
---@field reading boolean whether luv reads from the handle
---@field closed boolean?
---@field writes integer the number of pending write requests
---@field waits table<string, cleat.adapters.luv.Wait> the waits, by method: "receive", "send", "connect"
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

-- forget is the cleanup of the waits below.
local function forget(current)
    local waits, method = current.waits, current.method
    if waits[method] == current then
        waits[method] = nil
    end
end

-- wait_as waits for the callback of a method.
local function wait_as(self, method, timeout)
    local current = wait.new(self.uv, forget)
    current.waits, current.method = self.waits, method
    self.waits[method] = current
    return current:wait(timeout)
end

local function finish(self, method)
    local current = self.waits[method]
    if current and not wait.is_ending(self.uv, self.value) then
        self.waits[method] = nil
        current:finish(true)
    end
end

-- prepare turns off Nagle's algorithm: see docs/adapters.md.
local function prepare(self)
    if self.value.nodelay then
        self.value:nodelay(true)
    end
end

function Stream:connected()
    local connected = self.value:is_readable()
    if connected then
        prepare(self)
    end
    return connected
end

local function check_open(self)
    if self.closed or self.value:is_closing() then
        errors.throw(errors.from_errno(const.EBADF))
    end
end

-- resolve returns an address of a host, because luv's connect accepts no names: the first IPv4 address, as cleat's
-- sockets prefer by default, or else the first address. A handle can be connected only once, so other addresses are not
-- tried.
local function resolve(self, host, timeout)
    local answered, list, message
    local request, err = self.uv.getaddrinfo(host, nil, { socktype = "stream" }, function(failed, found)
        answered, list, message = true, found, failed
        finish(self, "connect")
    end)
    if not request then
        fail("getaddrinfo", err)
    end
    wait_as(self, "connect", timeout)
    check_open(self)
    if not answered then
        request:cancel()
        errors.throw(errors.timeout("timed out"))
    elseif message then
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
    check_open(self)
    local answered, failed
    local function connected(err)
        answered, failed = true, err
        finish(self, "connect")
    end
    local started, err
    if host then
        started, err = value:connect(host, where, connected)
    else
        started, err = value:connect(where, connected)
    end
    if not started then
        fail("connect", err)
    end
    wait_as(self, "connect", waiting.remaining_or_nil(deadline))
    check_open(self)
    if not answered then
        errors.throw(errors.timeout("timed out"))
    elseif failed then
        fail("connect", failed)
    end
    prepare(self)
end

local function stop_reading(self)
    if not self.value:is_closing() then
        self.value:read_stop()
    end
    self.reading = false
end

local function start_reading(self)
    local started, err = self.value:read_start(function(failed, piece)
        if piece then
            self.arrived[#self.arrived + 1] = piece
            finish(self, "receive")
            -- The coroutine that has received the piece usually waits for the next one already. Then reading continues,
            -- because stopping and starting costs two system calls.
            if self.reading and not self.waits.receive then
                stop_reading(self)
            end
            return
        end
        stop_reading(self)
        self.read_failed, self.ended = failed, not failed
        finish(self, "receive")
    end)
    if not started then
        fail("receive", err)
    end
    self.reading = true
end

local function next_piece(self)
    if self.arrived[1] then
        return table.remove(self.arrived, 1)
    elseif self.read_failed then
        fail("receive", self.read_failed)
    end
    return self.ended and "" or nil
end

function Stream:receive(timeout)
    local piece = next_piece(self)
    if piece then
        return piece
    elseif not self.reading then
        start_reading(self)
    end
    if wait_as(self, "receive", timeout) then
        return next_piece(self)
    elseif self.reading then
        stop_reading(self)
    end
end

--- release is called before unwrap() returns the handle.
function Stream:release()
    if self.reading then
        stop_reading(self)
    end
end

function Stream:try_send(bytes)
    if bytes ~= "" and self.writes == 0 and not self.write_failed then
        local sent = self.value:try_write(bytes) -- needs no callback, and usually sends everything
        if sent == #bytes then
            return true
        end
        bytes = sent and bytes:sub(sent + 1) or bytes
    end
    if bytes ~= "" then
        local request, err = self.value:write(bytes, function(failed)
            self.writes = self.writes - 1
            self.write_failed = self.write_failed or failed
            if failed or self.writes == 0 then
                finish(self, "send")
            end
        end)
        if not request then
            fail("send", err)
        end
        self.writes = self.writes + 1
    end
    if self.write_failed then
        fail("send", self.write_failed)
    end
    return self.writes == 0 or nil
end

function Stream:send(bytes, timeout)
    if self:try_send(bytes) then
        return true
    elseif wait_as(self, "send", timeout) then
        return self:try_send ""
    end
end

function Stream:close()
    self.closed = true
    wait.close(self.uv, self.value)
    for _, method in ipairs { "receive", "send", "connect" } do
        local current = self.waits[method]
        if current then
            current:defer(true)
        end
    end
    wait.sweep(self.uv)
end

function Stream:shutdown_write()
    methods.finish_sending(self.value:fileno())
end

function Stream.place()
    return wait.place()
end

function Stream:fileno()
    return self.value:fileno()
end

local function address_of(name)
    return function(self)
        local address, message = self.value[name](self.value)
        if not address then
            fail(name, message)
        elseif type(address) == "string" then -- the name of a pipe
            return address
        end
        return { address.ip, address.port }
    end
end

Stream.getpeername, Stream.getsockname = address_of "getpeername", address_of "getsockname"

local stream = {}

local sigpipe -- luv's handle of the signal

-- catch_sigpipe makes luv handle SIGPIPE. libuv's writes raise it if the peer has disconnected, and its default action
-- would end the process. Neovim handles it already.
local function catch_sigpipe(uv)
    if (not sigpipe or sigpipe:is_closing()) and not wait.editor_of(uv) then
        local handle, message = uv.new_signal()
        local started = handle
        if handle then
            started, message = handle:start("sigpipe", function() end)
        end
        if not started then
            fail("signal", message)
        end
        handle:unref() -- the loop may end
        sigpipe = handle
    end
end

function stream.new(value)
    local uv = require "luv"
    catch_sigpipe(uv)
    return setmetatable({ value = value, uv = uv, arrived = {}, reading = false, writes = 0, waits = {} }, Stream)
end

return stream
