--- Messages of several parts (Python's sendmsg, recvmsg and recvmsg_into). Ancillary data, such as descriptors, is not
--- supported: a peer's is discarded by the system. Requiring this file gives the methods to the class of
--- cleat.socket.object.

local C = require "cleat.backend"
local Buffer = require "cleat.buffer"
local address = require "cleat.socket.address"
local calls = require "cleat.socket.calls"
local check = require "cleat.check"
local datagram = require "cleat.socket.datagram"
local errors = require "cleat.errors"
local object = require "cleat.socket.object"

---@class cleat.Socket
local Socket = object.Socket

local complete = calls.complete

local function refuse_ancillary(method)
    return errors.raise(errors.NotImplementedError, method .. "() supports no ancillary data")
end

-- joined returns the bytes of strings and buffers, as one string.
local function joined(method, buffers)
    if type(buffers) ~= "table" or getmetatable(buffers) ~= nil then
        check.fail(method, "buffers", "an array of strings and buffers", buffers)
    end
    local parts = {}
    for index = 1, check.array(method, "buffers", buffers, "strings and buffers") do
        local part = buffers[index]
        if type(part) ~= "string" and not Buffer._contents(part) then
            check.fail(method, "buffers", "an array of strings and buffers", part)
        end
        parts[index] = tostring(part)
    end
    return table.concat(parts)
end

local function send_call(id, wait, data, flags)
    return C.socket_send_from(id, data, 0, flags, wait)
end

--- Sends the bytes of several strings and buffers together: as one datagram, or as send does, perhaps not all.
---
---     local one, two = socket.socketpair()
---     print(one:sendmsg { "hel", "lo" }, two:recv(5)) --> 5	hello
---
--- Raises: as send and sendto; NotImplementedError if there is ancillary data; TypeError.
--- Python: 3.3.
---@param buffers (string|cleat.Buffer)[]
---@param ancdata table? nil or {}
---@param flags integer? `MSG_*`; 0 by default
---@param to string|table|nil the address, of a datagram on a socket that is not connected
---@return integer # the number of bytes
function Socket:sendmsg(buffers, ancdata, flags, to)
    local data = joined("sendmsg", buffers)
    if ancdata ~= nil and type(ancdata) ~= "table" then
        check.fail("sendmsg", "ancdata", "an array", ancdata)
    elseif ancdata ~= nil and next(ancdata) ~= nil then
        refuse_ancillary "sendmsg"
    end
    flags = check.optional_integer("sendmsg", "flags", flags, 0)
    if to ~= nil then
        local packed = { address.pack("sendmsg", self._family, to) }
        return (complete(self, calls.WRITE, "sendmsg", datagram.sendto_call, data, flags, packed))
    end
    return (complete(self, calls.WRITE, "sendmsg", send_call, data, flags))
end

-- The sender's list and its guard are one result: calls have four at most.
local function recvmsg_call(id, wait, size, flags)
    local result, data, msg_flags, sender, guard = C.socket_recvmsg_guarded(id, size, flags, wait)
    if result < 0 then
        return result
    end
    return result, data, msg_flags, { sender, guard }
end

local function receive(self, method, size, ancbufsize, flags)
    if check.optional_integer(method, "ancbufsize", ancbufsize, 0) < 0 then
        errors.raise(errors.ValueError, ("invalid ancillary data buffer size in %s()"):format(method))
    elseif ancbufsize ~= nil and ancbufsize > 0 then
        refuse_ancillary(method)
    end
    flags = check.optional_integer(method, "flags", flags, 0)
    local _, data, msg_flags, sender = complete(self, calls.READ, method, recvmsg_call, size, flags)
    return data, msg_flags, datagram.sender_of(self, sender[1], sender[2])
end

--- Receives a message, and what the system says of it. Bytes of a datagram beyond `bufsize` are lost.
---
---     local one, two = socket.socketpair(nil, socket.SOCK_DGRAM)
---     one:send("a long message")
---     local data, ancdata, msg_flags = two:recvmsg(6)
---     print(data, #ancdata, msg_flags == socket.MSG_TRUNC) --> a long	0	true
---
--- Raises: as recv; NotImplementedError if `ancbufsize` is not 0; ValueError for negative sizes; TypeError.
--- Python: 3.3.
---@param bufsize integer the most bytes to return
---@param ancbufsize integer? 0
---@param flags integer? `MSG_*`; 0 by default
---@return string data
---@return table ancdata always empty
---@return integer msg_flags `MSG_*`: MSG_TRUNC if the datagram was longer, MSG_CTRUNC if the peer has sent ancillary data
---@return string|table|nil address of the sender, nil if it has none
function Socket:recvmsg(bufsize, ancbufsize, flags)
    if check.integer("recvmsg", "bufsize", bufsize) < 0 then
        errors.raise(errors.ValueError, "negative buffer size in recvmsg()")
    end
    local data, msg_flags, sender = receive(self, "recvmsg", bufsize, ancbufsize, flags)
    return data, {}, msg_flags, sender
end

--- Receives a message into buffers: each is filled before the next one is used.
---
---     local one, two = socket.socketpair()
---     local head, body = socket.buffer(2), socket.buffer(10)
---     one:sendall("hello")
---     print((two:recvmsg_into { head, body }), tostring(head), body:sub(1, 3)) --> 5	he	llo
---
--- Raises: as recvmsg.
--- Python: 3.3.
---@param buffers cleat.Buffer[]
---@param ancbufsize integer? 0
---@param flags integer? `MSG_*`; 0 by default
---@return integer nbytes the number of bytes
---@return table ancdata always empty
---@return integer msg_flags `MSG_*`
---@return string|table|nil address of the sender, nil if it has none
function Socket:recvmsg_into(buffers, ancbufsize, flags)
    if type(buffers) ~= "table" or getmetatable(buffers) ~= nil then
        check.fail("recvmsg_into", "buffers", "an array of buffers", buffers)
    end
    local size = 0
    for index = 1, check.array("recvmsg_into", "buffers", buffers, "buffers") do
        local contents, length = Buffer._contents(buffers[index])
        if not contents then
            check.fail("recvmsg_into", "buffers", "an array of buffers", buffers[index])
        end
        size = size + length
    end
    local data, msg_flags, sender = receive(self, "recvmsg_into", size, ancbufsize, flags)
    local from = 1
    for _, buffer in ipairs(buffers) do
        local part = data:sub(from, from + #buffer - 1)
        buffer:set(0, part)
        from = from + #part
    end
    return #data, {}, msg_flags, sender
end

return Socket
