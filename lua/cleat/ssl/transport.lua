--- What can be wrapped: the one place that knows the kinds of sockets that wrap_socket takes.
---
---   * a socket of cleat.socket: the wrapper closes it;
---   * a descriptor, as an integer: it stays the caller's, must stay open as long as the wrapper, and is not closed with it.

local C = require "cleat.backend"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local errors = require "cleat.errors"
local object = require "cleat.socket.object"

local transport = {}

local const = C.const

-- probe: a socket's type and family, and of a descriptor the protocol; or a status.
local function probe(id, proto)
    local kind = C.socket_type(id)
    if kind < 0 then
        return kind
    end
    return 0, kind, C.socket_family(id), proto or C.socket_protocol(id)
end

--- Looks at what wrap_socket was given.
---@param value any
---@return cleat.Socket? plain the socket, or nil for a descriptor
---@return integer|false fd the descriptor, or false
---@return integer family
---@return integer type always SOCK_STREAM; raises NotImplementedError for others
---@return integer proto
function transport.of(value)
    local plain, fd
    if object.Socket:is(value) then
        if rawget(value, "_context") then
            errors.raise(errors.TypeError, "wrap_socket() argument 'sock' is a TLS connection already")
        end
        plain, fd = value, value._fd
    elseif type(value) == "number" and value % 1 == 0 and value >= 0 then
        fd = value
    else
        errors.raise(errors.TypeError, ("wrap_socket() argument 'sock' must be a socket or a descriptor, not %s"):format(
            check.kind(value)))
    end
    local _, kind, family, proto = calls.settle("wrap_socket",
        calls.call(plain or { _fd = fd }, probe, plain and plain._proto))
    if kind ~= const.SOCK_STREAM then
        errors.raise(errors.NotImplementedError, "only stream sockets are supported")
    end
    return plain, fd, family, kind, proto
end

return transport
