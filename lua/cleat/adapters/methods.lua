--- Helpers for adapters: tests for methods of other libraries' objects, addresses, and errors.

local C = require "cleat.backend"
local errors = require "cleat.errors"

local methods = {}

local function index(value, name)
    return value[name]
end

--- has returns whether a value has all of the methods.
---@param value any
---@param ... string
---@return boolean
function methods.has(value, ...)
    for _, name in ipairs { ... } do
        local ok, method = pcall(index, value, name)
        if not ok or type(method) ~= "function" then
            return false
        end
    end
    return true
end

--- endpoint splits an address into a host and a port, or returns the path of a Unix socket.
---@param to any
---@return string? host nil for a Unix socket
---@return integer|string where the port, or the path; raises TypeError
function methods.endpoint(to)
    if type(to) == "table" and type(to[1]) == "string" and type(to[2]) == "number" then
        return to[1], to[2]
    elseif type(to) == "string" then
        return nil, to
    end
    return errors.raise(errors.TypeError, "connect() argument must be an address {host, port} or a path")
end

--- failed raises socket.error for an error that an event loop has reported.
---@param from string what reported it: "cosocket" …
---@param what string "receive", "send" …
---@param message any
function methods.failed(from, what, message)
    return errors.raise(errors.error, ("%s of the %s: %s"):format(what, from, tostring(message)))
end

-- The maximum number of pieces to read, and their size.
local MOST, PIECE = 16, 65536

--- finish_sending shuts down the sending direction of an event loop's connection that will be closed, and reads the
--- bytes that have arrived. Otherwise the kernel would send a reset for unread bytes, and the peer might not receive an
--- alert. It does not wait.
---@param fd integer?
function methods.finish_sending(fd)
    if not fd then
        return
    end
    local id, guard = C.socket_duplicate_guarded(fd)
    if id < 0 then
        return
    end
    C.socket_shutdown(id, C.const.SHUT_WR)
    for _ = 1, MOST do
        if C.socket_recv(id, PIECE, 0, 0) <= 0 then
            break
        end
    end
    C.guard_close(guard)
end

return methods
