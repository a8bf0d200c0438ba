--- The transport over two MemoryBIOs, which the program fills and drains: no call waits.

local C = require "cleat.backend"
local errors = require "cleat.errors"

local memory = {}

function memory.open(_, context, server_side, hostname)
    return C.connection_over_memory_guarded(context, server_side, hostname)
end

function memory.emit(self)
    local pending = C.connection_drain_pending(self._tls)
    if pending > 0 then
        local _, bytes = errors.check(C.connection_drain(self._tls, pending))
        self._outgoing:write(bytes)
        return true, pending
    end
    return true, 0
end

function memory.supply(self, _, event)
    if event == "write" then -- the outgoing buffer is full until it is drained
        local _, emptied = memory.emit(self)
        return emptied > 0 or nil
    end
    local due = self._incoming:_feed(self._tls, self._due)
    if due then
        self._due = due
        return true
    end
end

function memory.place() end

function memory.readable()
    return false
end

return memory
