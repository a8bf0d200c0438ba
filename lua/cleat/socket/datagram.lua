--- The methods of sockets that name the peer at each call, for datagrams (Python's sendto, recvfrom and recvfrom_into,
--- section 17.2.1). Requiring this file gives them to cleat.socket.object's class.

local C = require "cleat.backend"
local address = require "cleat.socket.address"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local errors = require "cleat.errors"
local object = require "cleat.socket.object"

---@class cleat.Socket
local Socket = object.Socket

local complete = calls.complete

local function sendto_call(id, wait, data, flags, host, port)
    return C.socket_sendto(id, data, flags, host, port, wait)
end

local function recvfrom_call(id, wait, size, flags)
    return C.socket_recvfrom_guarded(id, size, flags, wait)
end

local function recvfrom_into_call(id, wait, contents, size, flags)
    return C.socket_recvfrom_into_guarded(id, contents, 0, size, flags, wait)
end

-- sender_of: the address in the list that the ABI gives with a datagram; nil if the sender has none.
local function sender_of(self, list, guard)
    local length, host, _, _, _, port, flowinfo, scope = C.addrinfo_address(list, 0)
    C.guard_close(guard)
    if length >= 0 then
        return address.unpack(self._family, host, port, flowinfo, scope)
    end
end

--- Sends bytes to an address, in one datagram: sendto(data, address) or sendto(data, flags, address).
---@param data string|cleat.Buffer
---@param flags integer|string|table MSG_*, or the address
---@param to string|table? the address
---@return integer # how many bytes were sent
function Socket:sendto(data, flags, to)
    if to == nil then
        flags, to = 0, flags
    end
    calls.source("sendto", data)
    flags = check.integer("sendto", "flags", flags)
    local host, port = address.pack("sendto", self._family, to)
    return (complete(self, calls.WRITE, "sendto", sendto_call, tostring(data), flags, host, port))
end

--- Receives a datagram. What is longer than bufsize is lost.
---@param bufsize integer 0 or more
---@param flags integer? MSG_*
---@return string data
---@return string|table|nil address of the sender, nil if it has none
function Socket:recvfrom(bufsize, flags)
    if check.integer("recvfrom", "bufsize", bufsize) < 0 then
        errors.raise(errors.ValueError, "negative buffersize in recvfrom")
    end
    flags = check.optional_integer("recvfrom", "flags", flags, 0)
    local _, data, sender, guard = complete(self, calls.READ, "recvfrom", recvfrom_call, bufsize, flags)
    return data, sender_of(self, sender, guard)
end

--- Receives a datagram into a buffer, from its start.
---@param buffer cleat.Buffer
---@param nbytes integer? at most so many; 0 or nil for the buffer's size
---@param flags integer? MSG_*
---@return integer count
---@return string|table|nil address of the sender
function Socket:recvfrom_into(buffer, nbytes, flags)
    local contents, size = calls.into("recvfrom_into", buffer, nbytes)
    flags = check.optional_integer("recvfrom_into", "flags", flags, 0)
    local count, sender, guard = complete(self, calls.READ, "recvfrom_into", recvfrom_into_call, contents, size, flags)
    return count, sender_of(self, sender, guard)
end

return Socket
