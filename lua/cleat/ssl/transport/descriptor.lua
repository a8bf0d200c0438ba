--- The transport over a descriptor: the core reads and writes it, and waits for it unless the socket has a waiter.

local C = require "cleat.backend"
local place = require "cleat.socket.place"
local suspend = require "cleat.suspend"

local const = C.const

-- steady: the core does the I/O, so a repeated call needs no further steps.
local descriptor = { supply = suspend.ready, steady = true }

function descriptor.open(self, context, server_side, hostname)
    return C.connection_over_socket_guarded(context, self._id, server_side, hostname)
end

-- The core has sent the encrypted bytes already.
function descriptor.emit()
    return true
end

function descriptor.place(self)
    if self._waiter and self._timeout ~= 0 then
        return place.new(self._waiter)
    end
end

--- readable returns whether unread bytes have arrived.
function descriptor.readable(self)
    local fd = C.socket_fileno(self._id)
    return fd >= 0 and C.poll({ fd }, { const.POLLIN }, 1, 0) > 0
end

return descriptor
