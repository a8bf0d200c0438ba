--- The family, type and protocol of descriptors and sockets, and the check that they are streams, which TLS needs.

local C = require "cleat.backend"
local calls = require "cleat.socket.calls"
local errors = require "cleat.errors"

local const = C.const

local probe = {}

local function of(id, proto)
    local kind = C.socket_type(id)
    if kind < 0 then
        return kind
    end
    return 0, kind, C.socket_family(id), proto or C.socket_protocol(id)
end

local function checked(...)
    local _, kind, family, proto = calls.expect("wrap_socket", ...)
    if kind ~= const.SOCK_STREAM then
        errors.raise(errors.NotImplementedError, "only stream sockets are supported")
    end
    return family, kind, proto
end

--- socket returns the family, type and protocol of a socket. It raises NotImplementedError if the socket is not a
--- stream.
---@param sock cleat.Socket
---@return integer family, integer type, integer proto
function probe.socket(sock)
    return checked(of(sock._id, sock._proto))
end

local function closing(guard, ...)
    C.guard_close(guard)
    return ...
end

--- stream does the same for a descriptor, which stays open.
---@param fd integer
---@return integer family, integer type, integer proto
function probe.stream(fd)
    local id, guard = C.socket_over_fd_guarded(fd)
    if id < 0 then
        return calls.fail(id, "wrap_socket")
    end
    return checked(closing(guard, of(id)))
end

return probe
