--- haproxy: a waiter for cleat's sockets in its coroutines; and sockets of core.tcp() and applets of TCP services as
--- sockets for wrap_socket.
---
---     -- in haproxy
---     socket.setdefaultwaiter(require("cleat.adapters.haproxy").waiter)
---
--- While a call waits, haproxy continues to work, as during its own calls: in actions, services and tasks, but not in
--- sample fetches and converters. cleat does TLS itself: haproxy's OpenSSL and its ssl settings are not used.
---
--- haproxy can receive a line or an exact number of bytes. So the adapter receives the header of a TLS record, and then
--- the rest of the record. haproxy closes a connection that was idle for the socket's timeout: a connection cannot be
--- used after a timeout.

local C = require "cleat.backend"
local address = require "cleat.socket.address"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local methods = require "cleat.adapters.methods"
local waiting = require "cleat.socket.waiting"
local wrappable = require "cleat.ssl.wrappable"

local const = C.const

local haproxy = {}

-- A TLS record: the size of its header, its types (change_cipher_spec to heartbeat) and the maximum size of its
-- content.
local HEAD, FIRST, LAST, LONGEST_RECORD = 5, 20, 24, 16384 + 256

-- The maximum timeout of a socket, in seconds, and what is added to the timer of haproxy, so that it fires after
-- cleat's deadline.
local LONGEST, MARGIN = 2147483, 0.01

-- For waits that haproxy cannot wake: the shortest and the longest sleep, in milliseconds.
local SHORTEST_NAP, LONGEST_NAP = 1, 16

local function nap(milliseconds)
    core.msleep(milliseconds) -- luacheck: ignore 113
    return math.min(LONGEST_NAP, milliseconds * 2)
end

---@class cleat.adapters.haproxy.Place see cleat.socket.place
local Place = {}
Place.__index = Place

local function new_place()
    return setmetatable({ woken = false }, Place)
end

function Place:wait(timeout)
    local deadline, pause = waiting.deadline(timeout), SHORTEST_NAP
    while not self.woken and waiting.remaining(deadline) > 0 do
        pause = nap(pause)
    end
    return self.woken
end

function Place:wake()
    self.woken = true
end

--- The waiter for haproxy. haproxy's Lua cannot wait for other descriptors than haproxy's own, so the waiter polls the
--- socket after 1, 2, 4 and 8 ms, then every 16 ms, and sleeps in between (core.msleep). While haproxy loads its
--- scripts the waiter blocks.
---
---     -- in haproxy
---     socket.setdefaultwaiter(require("cleat.adapters.haproxy").waiter)
---
--- Raises: an error of haproxy in sample fetches and converters, which must not wait.
--- Python: none.
---@param sock cleat.Socket
---@param event "read"|"write"
---@param timeout number? in seconds; nil for no limit
---@return boolean # false after the timeout
function haproxy.waiter(sock, event, timeout)
    local deadline, pause = waiting.deadline(timeout), SHORTEST_NAP
    local fds, events = { sock:fileno() }, { event == "read" and const.POLLIN or const.POLLOUT }
    local thread, is_main = compat.running()
    if is_main or not thread then
        return errors.check((C.poll(fds, events, 1, timeout or -1))) > 0
    end
    while errors.check((C.poll(fds, events, 1, 0))) == 0 do
        local left = waiting.remaining(deadline)
        if left == 0 then
            return false
        end
        pause = nap(math.min(pause, math.ceil(left * 1000)))
    end
    return true
end

waiting.register(haproxy.waiter, { place = new_place })

local function is_socket(value)
    return methods.has(value, "connect_ssl", "receive", "send", "settimeout")
end

--- Returns whether a value is a socket of core.tcp() or the applet of a TCP service. SSLContext:wrap_socket calls it.
---
---     print(require("cleat.adapters.haproxy").accepts(1)) --> false
---
--- Python: none.
---@param value any
---@return boolean
function haproxy.accepts(value)
    return type(value) == "table" and (is_socket(value)
        or methods.has(value, "getline", "receive", "send", "get_priv") and not methods.has(value, "start_response"))
end

---@class cleat.adapters.haproxy.Stream
---@field value any haproxy's object
---@field is_socket boolean whether it is a socket of core.tcp()
---@field rest integer the number of missing bytes of the current record; 0 before its header
---@field ended boolean?
---@field closed boolean?
---@field broken boolean? whether sending has failed
local Stream = {}
Stream.__index = Stream

-- An applet is always connected.
function Stream:connected()
    if not self.is_socket then
        return true
    end
    local ok, name = pcall(self.value.getpeername, self.value)
    return ok and name ~= nil
end

local function limit(self, timeout)
    if timeout and not self.is_socket then
        errors.raise(errors.NotImplementedError, "an applet of haproxy has no timeouts: set 'timeout client' of its frontend")
    elseif timeout then
        pcall(self.value.settimeout, self.value, math.min(LONGEST, timeout + MARGIN)) -- raises if the socket is closed
    end
end

local function check_open(self)
    if self.closed then
        errors.throw(errors.from_errno(const.EBADF))
    end
end

-- resolve returns an address and a port of a host: the first IPv4 address, as cleat's sockets prefer by default, or
-- else the first address. Other addresses are not tried.
local function resolve(host, port, timeout)
    local entries = address.resolve(host, port, 0, const.SOCK_STREAM, 0, 0, timeout, haproxy.waiter)
    local best = entries[1]
    for _, entry in ipairs(entries) do
        if entry[1] == const.AF_INET then
            best = entry
            break
        end
    end
    return best[5][1], best[5][2]
end

-- open makes a socket and connects it. haproxy (2.6) destroys a socket if its coroutine yields between core.tcp() and
-- connect, which happens in a name resolution, and by haproxy's instruction hook. So the hook is removed until the next
-- resume sets it again.
local function open(self, timeout, ...)
    self.value:close()
    debug.sethook()
    self.value = core.tcp() -- luacheck: ignore 113
    limit(self, timeout)
    local ok, connected, message = pcall(self.value.connect, self.value, ...)
    return ok and connected, ok and message or connected or "not connected"
end

function Stream:connect(to, timeout)
    local deadline = waiting.deadline(timeout)
    local host, where = methods.endpoint(to)
    local connected, message
    if host then
        host, where = resolve(host, where, timeout)
        check_open(self)
        connected, message = open(self, waiting.remaining_or_nil(deadline), host, where)
    else
        connected, message = open(self, timeout, "unix@" .. where)
    end
    if self.closed then
        self.value:close()
        check_open(self)
    elseif not connected and waiting.remaining(deadline) == 0 then
        errors.throw(errors.timeout("timed out"))
    elseif not connected then
        methods.failed("socket of haproxy", "connect", message)
    end
end

-- receive_bytes returns `count` bytes, fewer at the end of the stream, "" after that; nil once the deadline has passed.
local function receive_bytes(self, count, deadline)
    local bytes = self.value:receive(count)
    if not bytes or #bytes < count then
        if not bytes and waiting.remaining(deadline) == 0 then
            return nil
        end
        self.ended = true
    end
    return bytes or ""
end

-- content_size returns the size of a record's content from its header; 0 for an invalid header, which TLS refuses.
local function content_size(head)
    local kind, major, _, high, low = head:byte(1, HEAD)
    local length = low and high * 256 + low
    return length and kind >= FIRST and kind <= LAST and major == 3 and length <= LONGEST_RECORD and length or 0
end

function Stream:receive(timeout)
    local deadline = waiting.deadline(timeout)
    check_open(self)
    if self.ended then
        return ""
    end
    limit(self, timeout)
    local head = ""
    if self.rest == 0 then
        head = receive_bytes(self, HEAD, deadline)
        self.rest = head and content_size(head) or 0
    end
    if not head or self.rest == 0 or self.ended then
        return head
    end
    local body = receive_bytes(self, self.rest, deadline)
    if not body then
        return head ~= "" and head or nil
    end
    self.rest = 0
    return head .. body
end

function Stream:send(bytes, timeout)
    local deadline = waiting.deadline(timeout)
    check_open(self)
    if self.broken then
        errors.raise(errors.error, const.ECONNABORTED, "send of haproxy: the connection is closed")
    elseif bytes == "" then
        return true
    end
    limit(self, timeout)
    local sent = self.value:send(bytes)
    if sent == #bytes then
        return true
    end
    self.broken = true
    if timeout and waiting.remaining(deadline) == 0 then
        return nil
    end
    return errors.raise(errors.error, const.EPIPE, "send of haproxy: the connection is closed")
end

Stream.place = new_place

-- haproxy closes an applet's connection when its service returns.
function Stream:close()
    self.closed = true
    if self.is_socket then
        self.value:close()
    end
end

--- Prepares a socket of core.tcp(), or the applet of a TCP service, for SSLContext:wrap_socket, which calls this
--- function itself: programs call `wrap_socket(value)`.
---
--- Python: none.
---@param value any
---@return table # internal: see cleat.ssl.wrappable
function haproxy.take(value)
    local socket = is_socket(value)
    -- The frontend's timeout applies to applets, and not the default timeout of cleat's sockets.
    local timeout
    if not socket then
        timeout = false
    end
    return { stream = setmetatable({ value = value, is_socket = socket, rest = 0 }, Stream), timeout = timeout }
end

-- After its start haproxy may drop its privileges and change its root (chroot), so that no file can be loaded later.
wrappable.load()

return haproxy
