--- TLS over a descriptor: the ABI reads and writes it, and waits for it unless the socket has a waiter.

local C = require "cleat.backend"
local place = require "cleat.socket.place"
local suspend = require "cleat.suspend"

local const = C.const

local descriptor = { supply = suspend.ready }

function descriptor.open(self, context, server_side, hostname)
    return C.connection_over_socket_guarded(context, self._id, server_side, hostname)
end

-- What TLS has for the network, the ABI has sent.
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

-- The most that is read off before a connection is closed.
local MOST, PIECE = 16, 65536

--- finish_sending lets what TLS has said last reach the peer although the descriptor is closed next: the kernel answers
--- unread input with a
--- reset, which overtakes it. It does not wait.
function descriptor.finish_sending(self)
    local id = self._id
    C.socket_shutdown(id, const.SHUT_WR)
    for _ = 1, MOST do
        if C.socket_recv(id, PIECE, 0, 0) <= 0 then
            break
        end
    end
end

return descriptor
