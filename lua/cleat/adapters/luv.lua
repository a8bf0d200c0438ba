--- luv: a waiter for coroutines under its loop, and its TCP and pipe handles as transports for wrap_socket.
---
---     socket.setdefaultwaiter(require("cleat.adapters.luv").waiter)
---
--- In a coroutine a wait yields until luv's loop resumes it. Outside of coroutines the loop is run until the wait is
--- over.

local methods = require "cleat.adapters.methods"
local poll = require "cleat.adapters.luv.poll"
local stream = require "cleat.adapters.luv.stream"
local wait = require "cleat.adapters.luv.wait"
local waiting = require "cleat.socket.waiting"

local luv = {}

--- Waits as luv's loop goes on.
function luv.waiter(sock, event, timeout)
    return poll.wait(require "luv", sock, event, timeout) == true
end

waiting.register(luv.waiter, { wake = poll.wake, place = wait.place })

function luv.accepts(value)
    return methods.has(value, "read_start", "read_stop", "write", "fileno", "is_closing")
end

function luv.take(value)
    return { stream = stream.new(value) }
end

return luv
