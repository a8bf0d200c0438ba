--- cqueues: a waiter for its coroutines, and its sockets as sockets for wrap_socket.
---
---     socket.setdefaultwaiter(require("cleat.adapters.cqueues").waiter)
---
--- The wrapper uses a duplicate of the cqueues socket's descriptor; close() closes the cqueues socket too. The wrapper
--- first reads the bytes that cqueues has buffered, and cqueues first sends the bytes that it has not sent yet.

local C = require "cleat.backend"
local errors = require "cleat.errors"
local methods = require "cleat.adapters.methods"
local probe = require "cleat.socket.probe"
local waiting = require "cleat.socket.waiting"

local cqueues = {}

-- The waiting coroutines, by controller and descriptor; and the condition variables for wake(), by event and socket.
local controllers = setmetatable({}, { __mode = "k" })
local conditions = { read = setmetatable({}, { __mode = "k" }), write = setmetatable({}, { __mode = "k" }) }

-- add records that the running coroutine waits for a descriptor.
local function add(controller, fd, thread)
    local descriptors = controllers[controller]
    if not descriptors then
        descriptors = {}
        controllers[controller] = descriptors
    end
    local threads = descriptors[fd]
    if not threads then
        threads = setmetatable({}, { __mode = "k" })
        descriptors[fd] = threads
    end
    threads[thread] = true
    return descriptors, threads
end

-- remove removes a descriptor from the controller if no other coroutine waits for it, because the descriptor may be
-- closed next, and its number reused.
local function remove(runtime, descriptors, fd, threads, thread)
    threads[thread] = nil
    for other in pairs(threads) do
        if coroutine.status(other) ~= "dead" then
            return
        end
    end
    if descriptors[fd] == threads then
        descriptors[fd] = nil
    end
    runtime.cancel(fd)
end

--- The waiter for cqueues. In a coroutine of a controller it yields to the controller. Elsewhere it blocks the thread.
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
---@param timeout number? in seconds; nil for no limit
---@return boolean # false after the timeout
function cqueues.waiter(sock, event, timeout)
    local runtime = require "cqueues"
    local deadline = waiting.deadline(timeout)
    local fd = sock:fileno()
    local request = { pollfd = fd, events = event == "read" and "r" or "w" }
    local controller = runtime.running()
    if not controller then
        return type(runtime.poll(request, timeout)) == "table" or waiting.remaining(deadline) ~= 0
    end
    local condition = require("cqueues.condition").new()
    local thread = coroutine.running()
    local descriptors, threads = add(controller, fd, thread)
    conditions[event][sock] = condition
    local ready = runtime.poll(request, condition, timeout)
    conditions[event][sock] = nil
    remove(runtime, descriptors, fd, threads, thread)
    return type(ready) == "table" or type(ready) == "userdata" or waiting.remaining(deadline) ~= 0
end

local function wake(sock, event)
    local condition = conditions[event][sock]
    if condition then
        condition:signal()
    end
end

-- A parking place, see cleat.socket.place.
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

--- Returns whether a value is a socket of cqueues. SSLContext:wrap_socket calls it.
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

function Owner:restore()
    return self.sock
end

function Owner:close()
    self.sock:close()
end

--- Prepares a socket of cqueues for SSLContext:wrap_socket, which calls this function itself: programs call
--- `wrap_socket(value)`.
---
--- Raises: socket.error if the socket is closed.
--- Python: none.
---@param sock any
---@return table # internal: see cleat.ssl.wrappable
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

--- Starts TLS on a socket of cqueues, in place of cqueues' own `sock:starttls(context)`. It does the handshake, and
--- returns an object with the methods of such a socket: read, write, xread, xwrite, lines, flush, shutdown, close and
--- the others. They yield to the controller while they wait, and report errors as cqueues does. The object owns the
--- socket from then on. Its method `sslsocket()` returns the SSLSocket, and `tlserror()` cleat's error of the last
--- failure. docs/lua-http.md has an example.
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
--- Raises: the errors of wrap_socket for invalid arguments; TypeError if `sock` is not an open socket of cqueues, or
--- `context` not an SSLContext.
--- Python: none.
---@param sock userdata a socket of cqueues, which may still be connecting
---@param context cleat.ssl.SSLContext
---@param options table? the arguments of SSLContext:wrap_socket by name, and `timeout`, the limit for connecting and
--- the handshake in seconds
---@return cleat.adapters.cqueues.Socket? # nil if it fails, followed by the results of the socket's onerror() handler:
--- with most handlers a text and a number of cqueues.errno, EPROTO for TLS. The socket is then closed
function cqueues.starttls(sock, context, options)
    return require("cleat.adapters.cqueues.tls").starttls(sock, context, options)
end

return cqueues
