--- haproxy: a waiter for cleat's sockets in its coroutines; and the sockets of core.tcp(), and the applets of services
--- of TCP, as transports for wrap_socket.
---
---     -- in haproxy
---     socket.setdefaultwaiter(require("cleat.adapters.haproxy").waiter)
---
--- Each call lets haproxy go on while it waits, as those of haproxy do: in actions, services and tasks, not in
--- sample fetches and converters. TLS is cleat's: haproxy's OpenSSL and its ssl settings are not used.
---
--- haproxy returns received bytes in lines, or so many as were asked for. So over its objects the adapter asks for a
--- record's head and then for the rest of the record. haproxy closes a connection on which nothing has moved for the
--- socket's timeout: after a timeout nothing else can be done with it.

local C = require "cleat.backend"
local address = require "cleat.socket.address"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local methods = require "cleat.adapters.methods"
local waiting = require "cleat.socket.waiting"
local wrappable = require "cleat.ssl.wrappable"

local const = C.const

local haproxy = {}

-- A record: its head, types (change_cipher_spec to heartbeat) and longest content.
local HEAD, FIRST, LAST, LONGEST_RECORD = 5, 20, 24, 16384 + 256

-- The longest timeout of a socket, in seconds, and what its timer gets more, so that it ends after our deadline.
local LONGEST, MARGIN = 2147483, 0.01

-- How long, in milliseconds, a wait is that haproxy cannot end: at first, and at most.
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

--- The waiter for haproxy, whose Lua waits for no other descriptors than haproxy's. So while a coroutine waits, the
--- waiter looks whether the socket is ready, after 1, 2, 4, 8 ms and then every 16 ms, and sleeps in between
--- (core.msleep). While haproxy loads its scripts the waiter blocks.
---
---     -- in haproxy
---     socket.setdefaultwaiter(require("cleat.adapters.haproxy").waiter)
---
--- Raises: an error of haproxy's in sample fetches and converters, which may not wait.
--- Python: none.
---@param sock cleat.Socket
---@param event "read"|"write"
---@param timeout number? seconds; nil for no limit
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

--- Whether a value is a socket of core.tcp(), or the applet of a service of TCP. SSLContext:wrap_socket calls it.
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
---@field is_socket boolean whether it is of core.tcp()
---@field rest integer how many bytes of the record are to come, 0 if its head is
---@field ended boolean?
---@field closed boolean?
---@field broken boolean? whether nothing can be sent any more
local Stream = {}
Stream.__index = Stream

-- An applet has a peer from the beginning.
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
        pcall(self.value.settimeout, self.value, math.min(LONGEST, timeout + MARGIN)) -- it raises once closed
    end
end

local function check_open(self)
    if self.closed then
        errors.throw(errors.from_errno(const.EBADF))
    end
end

-- resolve returns an address of a host and its port: the first of IPv4, as cleat's sockets connect by default, or else
-- the first. There is no second try.
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

-- open connects a new socket. haproxy (2.6) gives up a socket if its coroutine yields between core.tcp() and connect,
-- as it does while a name is resolved, and by its hook, after so many instructions. The hook is set again with the
-- next resume.
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

-- take returns so many bytes, fewer at the end of the stream, "" after that; nil if the deadline is over.
local function take(self, count, deadline)
    local bytes = self.value:receive(count)
    if not bytes or #bytes < count then
        if not bytes and waiting.remaining(deadline) == 0 then
            return nil
        end
        self.ended = true
    end
    return bytes or ""
end

-- follows returns how many bytes follow the head of a record; 0 for what is none, which TLS refuses.
local function follows(head)
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
        head = take(self, HEAD, deadline)
        self.rest = head and follows(head) or 0
    end
    if not head or self.rest == 0 or self.ended then
        return head
    end
    local body = take(self, self.rest, deadline)
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

-- An applet's connection is closed when its service returns.
function Stream:close()
    self.closed = true
    if self.is_socket then
        self.value:close()
    end
end

--- Prepares a socket of core.tcp(), or the applet of a service of TCP, for SSLContext:wrap_socket, which calls it.
--- Programs do not: `wrap_socket(value)` is enough.
---
--- Python: none.
---@param value any
---@return table # see cleat.ssl.wrappable
function haproxy.take(value)
    local socket = is_socket(value)
    -- What limits an applet is the frontend's timeout, not the default of cleat's sockets.
    local timeout
    if not socket then
        timeout = false
    end
    return { stream = setmetatable({ value = value, is_socket = socket, rest = 0 }, Stream), timeout = timeout }
end

-- haproxy may give up its rights and its file system (chroot) once it has started: nothing can be loaded then.
wrappable.load()

return haproxy
