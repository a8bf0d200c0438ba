--- cqueues: a waiter for its coroutines, and its sockets as something to wrap.
---
---     socket.setdefaultwaiter(require("cleat.adapters.cqueues").waiter)
---
--- The wrapper works with the descriptor of the cqueues socket, which stays that object's: close() closes the object. What cqueues has
--- read ahead is the first that the wrapper reads; what it has not sent yet is sent first.

local C = require "cleat.backend"
local errors = require "cleat.errors"
local methods = require "cleat.adapters.methods"
local probe = require "cleat.socket.probe"
local waiting = require "cleat.socket.waiting"

local cqueues = {}

--- Waits as a coroutine of cqueues does; outside of a controller it blocks.
function cqueues.waiter(sock, event, timeout)
    local runtime = require "cqueues"
    local deadline = waiting.deadline(timeout)
    local fd = sock:fileno()
    local ready = runtime.poll({ pollfd = fd, events = event == "read" and "r" or "w" }, timeout)
    if runtime.running() and not rawget(sock, "_owner") then
        -- The controller is to forget a descriptor that is closed without its knowledge. Whoever else waits for it wakes, and tries
        -- again.
        runtime.cancel(fd)
    end
    return type(ready) == "table" or waiting.left(deadline) ~= 0
end

function cqueues.accepts(value)
    return methods.has(value, "pollfd", "events", "timeout", "starttls", "pending", "setmode")
end

local Owner = {}
Owner.__index = Owner

function Owner:give_back()
    return self.sock
end

function Owner:close()
    self.sock:close()
end

function cqueues.take(sock)
    local open, fd = pcall(sock.pollfd, sock)
    if not open or type(fd) ~= "number" or fd < 0 then
        errors.raise(errors.error, C.const.EBADF, "the cqueues socket is closed")
    end
    local ok, message = sock:flush("n")
    if not ok then
        methods.failed("cqueues socket", "flush", message)
    end
    local ahead = sock:pending()
    ahead = ahead > 0 and sock:xread(-ahead, "bn") or ""
    local family, kind, proto = probe.stream(fd)
    return { fd = fd, family = family, type = kind, proto = proto, timeout = sock:timeout() or false,
        waiter = cqueues.waiter, owner = setmetatable({ sock = sock }, Owner), ahead = ahead }
end

return cqueues
