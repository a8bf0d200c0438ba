--- TLS over a descriptor: the ABI reads and writes it, and waits for it unless the socket has a waiter.

local C = require "cleat.backend"
local place = require "cleat.socket.place"
local suspend = require "cleat.suspend"

local const = C.const

-- steady: the ABI sends and receives, so that a call that is repeated needs nothing else.
local descriptor = { supply = suspend.ready, steady = true }

function descriptor.open(self, context, server_side, hostname)
    return C.connection_over_socket_guarded(context, self._id, server_side, hostname)
end

-- The ABI has sent the encrypted bytes already.
function descriptor.emit()
    return true
end

function descriptor.place(self)
    if self._waiter and self._timeout ~= 0 then
        return place.new(self._waiter)
    end
end

--- readable: whether bytes have arrived that were not read.
function descriptor.readable(self)
    local fd = C.socket_fileno(self._id)
    return fd >= 0 and C.poll({ fd }, { const.POLLIN }, 1, 0) > 0
end

return descriptor
