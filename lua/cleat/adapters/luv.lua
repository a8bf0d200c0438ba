--- luv: a waiter for coroutines in its loop, and its TCP and pipe handles as sockets for wrap_socket.
---
---     socket.setdefaultwaiter(require("cleat.adapters.luv").waiter)
---
--- In a coroutine a wait yields until luv's loop resumes it. Outside of coroutines it runs the loop until the wait has
--- ended.

local methods = require "cleat.adapters.methods"
local poll = require "cleat.adapters.luv.poll"
local stream = require "cleat.adapters.luv.stream"
local wait = require "cleat.adapters.luv.wait"
local waiting = require "cleat.socket.waiting"

local luv = {}

--- The waiter for luv. In a coroutine it yields until the socket is ready, and luv's loop resumes the coroutine.
--- Outside of coroutines it runs the loop until then.
---
---     local luv = require "cleat.adapters.luv"
---     socket.setdefaultwaiter(luv.waiter)
---     local sock = socket.create_connection({ "127.0.0.1", port })
---     sock:close()
---
--- Raises: socket.error if the loop cannot wait, for example in a callback of the loop.
--- Python: none.
---@param sock cleat.Socket
---@param event "read"|"write"
---@param timeout number? in seconds; nil for no limit
---@return boolean # false after the timeout
function luv.waiter(sock, event, timeout)
    return poll.wait(require "luv", sock, event, timeout) == true
end

waiting.register(luv.waiter, { wake = poll.wake, place = wait.place })

--- Returns whether a value is a TCP or pipe handle of luv. SSLContext:wrap_socket calls it.
---
---     print(require("cleat.adapters.luv").accepts(1)) --> false
---
--- Python: none.
---@param value any
---@return boolean
function luv.accepts(value)
    return methods.has(value, "read_start", "read_stop", "write", "fileno", "is_closing")
end

--- Prepares a TCP or pipe handle of luv for SSLContext:wrap_socket, which calls this function itself: programs call
--- `wrap_socket(value)`.
---
--- Raises: socket.error if the handle is closed.
--- Python: none.
---@param value any
---@return table # internal: see cleat.ssl.wrappable
function luv.take(value)
    return { stream = stream.new(value) }
end

return luv
