--- The methods for datagrams: sendto, recvfrom and recvfrom_into (section 17.2.1). Requiring this file adds them to the
--- class of cleat.socket.object.

local C = require "cleat.backend"
local address = require "cleat.socket.address"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local errors = require "cleat.errors"
local object = require "cleat.socket.object"

---@class cleat.Socket
local Socket = object.Socket

local complete = calls.complete

local datagram = {}

--- The ABI's call of sendto and sendmsg. to: {host, port, flowinfo}.
local function sendto_call(id, wait, data, flags, to)
    return C.socket_sendto_flow(id, data, flags, to[1], to[2], to[3], wait)
end

local function recvfrom_call(id, wait, size, flags)
    return C.socket_recvfrom_guarded(id, size, flags, wait)
end

local function recvfrom_into_call(id, wait, contents, size, flags)
    return C.socket_recvfrom_into_guarded(id, contents, 0, size, flags, wait)
end

-- sender_of returns the sender's address from the list that the ABI returns with a datagram; nil if the sender has
-- none.
local function sender_of(self, list, guard)
    local length, host, _, _, _, port, flowinfo, scope = C.addrinfo_address(list, 0)
    C.guard_close(guard)
    if length >= 0 then
        return address.unpack(self._family, host, port, flowinfo, scope)
    end
end

datagram.sendto_call, datagram.sender_of = sendto_call, sender_of

--- Sends one datagram to an address: `sendto(data, address)` or `sendto(data, flags, address)`.
---
---     local one, two = socket.socket(nil, socket.SOCK_DGRAM), socket.socket(nil, socket.SOCK_DGRAM)
---     two:bind { "127.0.0.1", 0 }
---     print(one:sendto("hello", two:getsockname())) --> 5
---
--- Raises: socket.error, with EMSGSIZE if the datagram is too long, and with EAGAIN from a non-blocking socket;
--- socket.gaierror if a host is unknown; socket.timeout; TypeError and ValueError for a malformed address.
--- Python: 1.4.
---@param data string|cleat.Buffer
---@param flags integer|string|[string, integer]|[string, integer, integer, integer] `MSG_*`; or the address, if there
--- are no flags
---@param to string|[string, integer]|[string, integer, integer, integer]|nil the address
---@return integer # the number of bytes sent
---@overload fun(self: cleat.Socket, data: string|cleat.Buffer, address: string|[string, integer]|[string, integer,
--- integer, integer]): integer
function Socket:sendto(data, flags, to)
    if to == nil then
        flags, to = 0, flags
    end
    calls.source("sendto", data)
    flags = check.integer("sendto", "flags", flags)
    to = { address.pack("sendto", self._family, to) }
    return (complete(self, calls.WRITE, "sendto", sendto_call, tostring(data), flags, to))
end

--- Receives one datagram, and returns it with the sender's address. Bytes beyond `bufsize` are lost.
---
---     local one, two = socket.socket(nil, socket.SOCK_DGRAM), socket.socket(nil, socket.SOCK_DGRAM)
---     two:bind { "127.0.0.1", 0 }
---     one:sendto("hello", two:getsockname())
---     local data, address = two:recvfrom(1024)
---     print(data, address[1]) --> hello	127.0.0.1
---
--- Raises: the same errors as recv.
--- Python: 1.4.
---@param bufsize integer the maximum number of bytes
---@param flags integer? `MSG_*`; 0 by default
---@return string data
---@return string|[string, integer]|[string, integer, integer, integer]|nil address of the sender; nil if it has none
function Socket:recvfrom(bufsize, flags)
    if check.integer("recvfrom", "bufsize", bufsize) < 0 then
        errors.raise(errors.ValueError, "negative buffersize in recvfrom")
    end
    flags = check.optional_integer("recvfrom", "flags", flags, 0)
    local _, data, sender, guard = complete(self, calls.READ, "recvfrom", recvfrom_call, bufsize, flags)
    return data, sender_of(self, sender, guard)
end

--- Receives one datagram into a buffer, from its start. Bytes that do not fit are lost.
---
---     local one, two = socket.socket(nil, socket.SOCK_DGRAM), socket.socket(nil, socket.SOCK_DGRAM)
---     local buffer = socket.buffer(1024)
---     two:bind { "127.0.0.1", 0 }
---     one:sendto("hello", two:getsockname())
---     print((two:recvfrom_into(buffer)), buffer:sub(1, 5)) --> 5	hello
---
--- Raises: the same errors as recv_into.
--- Python: 2.5.
---@param buffer cleat.Buffer
---@param nbytes integer? the maximum number of bytes; nil and 0 for the buffer's size
---@param flags integer? `MSG_*`; 0 by default
---@return integer count the number of bytes received
---@return string|[string, integer]|[string, integer, integer, integer]|nil address of the sender; nil if it has none
function Socket:recvfrom_into(buffer, nbytes, flags)
    local contents, size = calls.into("recvfrom_into", buffer, nbytes)
    flags = check.optional_integer("recvfrom_into", "flags", flags, 0)
    local count, sender, guard = complete(self, calls.READ, "recvfrom_into", recvfrom_into_call, contents, size, flags)
    return count, sender_of(self, sender, guard)
end

return datagram
