--- cqueues: a waiter for its coroutines, and its sockets as transports for wrap_socket.
---
---     socket.setdefaultwaiter(require("cleat.adapters.cqueues").waiter)
---
--- The wrapper works with the descriptor of the cqueues socket, which that object keeps: close() closes the object.
--- Bytes that cqueues has read ahead are the first that the wrapper reads; bytes that it has not sent are sent first.

local C = require "cleat.backend"
local errors = require "cleat.errors"
local methods = require "cleat.adapters.methods"
local probe = require "cleat.socket.probe"
local waiting = require "cleat.socket.waiting"

local cqueues = {}

local runtime -- cqueues itself, which the program has loaded

local OTHER = { read = "write", write = "read" }

-- Waiting coroutines, by controller, event and descriptor.
local controllers = setmetatable({}, { __mode = "k" })

local function coroutines_of(controller)
    local weak = { __mode = "v" }
    local coroutines = { read = setmetatable({}, weak), write = setmetatable({}, weak) }
    controllers[controller] = coroutines
    return coroutines
end

-- leave ends a coroutine's wait. It removes the descriptor from the controller if no coroutine waits for the other
-- event: the descriptor may be closed next, and its number reused. A coroutine that waits for the same event is woken
-- by that, and waits again.
local function leave(coroutines, event, fd, thread)
    if coroutines[event][fd] == thread then
        coroutines[event][fd] = nil
    end
    local other = coroutines[OTHER[event]][fd]
    if not other or coroutine.status(other) == "dead" then
        runtime.cancel(fd)
    end
end

-- What a coroutine polls for an event of a socket, which is made once for both: a request, and the condition that wake()
-- signals.
local polled = { read = setmetatable({}, { __mode = "k" }), write = setmetatable({}, { __mode = "k" }) }

local function poll_of(sock, event)
    local poll = { condition = require("cqueues.condition").new(), events = event == "read" and "r" or "w" }
    polled[event][sock] = poll
    return poll
end

--- The waiter for cqueues. In a coroutine of a controller it yields to the controller; elsewhere it blocks.
---
---     local runtime = require "cqueues"
---     local waiter = require("cleat.adapters.cqueues").waiter
---     local one, two = socket.socketpair()
---     one:setwaiter(waiter)
---     local loop = runtime.new()
---     loop:wrap(function()
---         print(one:recv(5)) --> hello
---     end)
---     loop:wrap(function()
---         two:sendall("hello")
---     end)
---     assert(loop:loop())
---
--- Python: none.
---@param sock cleat.Socket
---@param event "read"|"write"
---@param timeout number? seconds; nil for no limit
---@return boolean # false after the timeout
function cqueues.waiter(sock, event, timeout)
    runtime = runtime or require "cqueues"
    local deadline = timeout and waiting.deadline(timeout)
    local fd = sock:fileno()
    local poll = polled[event][sock] or poll_of(sock, event)
    poll.pollfd = fd
    local controller = runtime.running()
    local ready
    if controller then
        local coroutines = controllers[controller] or coroutines_of(controller)
        local thread = coroutine.running()
        coroutines[event][fd] = thread
        ready = runtime.poll(poll, poll.condition, timeout)
        leave(coroutines, event, fd, thread)
    else
        ready = runtime.poll(poll, timeout)
    end
    return ready == poll or type(ready) == "userdata" or not deadline or waiting.remaining(deadline) ~= 0
end

local function wake(sock, event)
    local poll = polled[event][sock]
    if poll then
        poll.condition:signal()
    end
end

-- Place is a parking place, see cleat.socket.place.
local Place = {}
Place.__index = Place

function Place:wait(timeout)
    if not self.woken then
        require("cqueues").poll(self.condition, timeout)
    end
    return self.woken
end

function Place:wake()
    self.woken = true
    self.condition:signal()
end

local function place()
    return setmetatable({ condition = require("cqueues.condition").new(), woken = false }, Place)
end

waiting.register(cqueues.waiter, { wake = wake, place = place })

--- Whether a value is a socket of cqueues. SSLContext:wrap_socket calls it.
---
---     print(require("cleat.adapters.cqueues").accepts(1)) --> false
---
--- Python: none.
---@param value any
---@return boolean
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

--- Prepares a socket of cqueues for SSLContext:wrap_socket, which calls it. Programs do not: `wrap_socket(value)` is
--- enough.
---
--- Raises: socket.error if it is closed.
--- Python: none.
---@param sock any
---@return table # see cleat.ssl.wrappable
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

--- Begins TLS on a socket of cqueues, in place of cqueues' own `sock:starttls(context)`, and returns an object that has
--- the methods of such a socket: read, write, xread, xwrite, lines, flush, shutdown, close and the others. They let the
--- controller run, and report errors as cqueues does. The socket belongs to the object from then on. `sslsocket()`
--- returns the SSLSocket below, `tlserror()` cleat's error of the last failure. docs/lua-http.md has an example.
---
---     local runtime, sockets = require "cqueues", require "cqueues.socket"
---     local starttls = require("cleat.adapters.cqueues").starttls
---     local loop = runtime.new()
---     loop:wrap(function()
---         local context = ssl.create_default_context { cafile = "ca.pem" }
---         local plain = sockets.connect("127.0.0.1", port)
---         local sock = assert(starttls(plain, context, { server_hostname = "localhost" }))
---         sock:xwrite("hello", "n")
---         print(sock:xread(5)) --> hello
---         sock:close()
---     end)
---     assert(loop:loop())
---
--- Raises: what wrap_socket raises for its arguments; TypeError if `sock` is no open socket of cqueues, or `context` no
--- SSLContext.
--- Python: none.
---@param sock any it may be connecting still
---@param context cleat.ssl.SSLContext
---@param options table? those of SSLContext:wrap_socket, and `timeout` of connecting and handshake, in seconds
---@return cleat.adapters.cqueues.Socket? # nil if that has failed; then come what the socket's onerror() returns: a
--- text and a number of cqueues.errno, EPROTO for TLS, with most handlers. The socket is closed
function cqueues.starttls(sock, context, options)
    return require("cleat.adapters.cqueues.tls").starttls(sock, context, options)
end

return cqueues
