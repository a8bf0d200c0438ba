--- Messages in several buffers: Python's sendmsg, recvmsg and recvmsg_into. Ancillary data, such as descriptors, is not
--- supported; the kernel discards what a peer sends. Requiring this file adds the methods to the class of
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

-- joined concatenates strings and buffers.
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

--- Sends the bytes of several strings and buffers with one call: as one datagram, or over a stream as send does,
--- possibly not all of them.
---
---     local one, two = socket.socketpair()
---     print(one:sendmsg { "hel", "lo" }, two:recv(5)) --> 5	hello
---
--- Raises: the same errors as send and sendto; NotImplementedError for ancillary data; TypeError.
--- Python: 3.3.
---@param buffers (string|cleat.Buffer)[]
---@param ancdata table? nil or {}: ancillary data is not supported
---@param flags integer? `MSG_*`; 0 by default
---@param to string|[string, integer]|[string, integer, integer, integer]|nil the destination of a datagram; nil on a
--- connected socket
---@return integer # the number of bytes sent
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

-- The sender's list and its guard are returned as one table, because suspend.run passes four results at most.
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

--- Receives a message, with the flags that the kernel reports for it. Bytes of a datagram beyond `bufsize` are lost.
---
---     local one, two = socket.socketpair(nil, socket.SOCK_DGRAM)
---     one:send("a long message")
---     local data, ancdata, msg_flags = two:recvmsg(6)
---     print(data, #ancdata, msg_flags == socket.MSG_TRUNC) --> a long	0	true
---
--- Raises: the same errors as recv; NotImplementedError if `ancbufsize` is not 0; ValueError for negative sizes;
--- TypeError.
--- Python: 3.3.
---@param bufsize integer the maximum number of bytes
---@param ancbufsize integer? 0 or nil: ancillary data is not supported
---@param flags integer? `MSG_*`; 0 by default
---@return string data
---@return table ancdata always empty
---@return integer msg_flags a sum of `MSG_*`: MSG_TRUNC if the datagram was longer, MSG_CTRUNC if the peer has sent
--- ancillary data
---@return string|[string, integer]|[string, integer, integer, integer]|nil address of the sender; nil if it has none
function Socket:recvmsg(bufsize, ancbufsize, flags)
    if check.integer("recvmsg", "bufsize", bufsize) < 0 then
        errors.raise(errors.ValueError, "negative buffer size in recvmsg()")
    end
    local data, msg_flags, sender = receive(self, "recvmsg", bufsize, ancbufsize, flags)
    return data, {}, msg_flags, sender
end

--- Receives a message into several buffers. Each buffer is filled before the next one is used.
---
---     local one, two = socket.socketpair()
---     local head, body = socket.buffer(2), socket.buffer(10)
---     one:sendall("hello")
---     print((two:recvmsg_into { head, body }), tostring(head), body:sub(1, 3)) --> 5	he	llo
---
--- Raises: the same errors as recvmsg.
--- Python: 3.3.
---@param buffers cleat.Buffer[]
---@param ancbufsize integer? 0 or nil: ancillary data is not supported
---@param flags integer? `MSG_*`; 0 by default
---@return integer nbytes the number of bytes received
---@return table ancdata always empty
---@return integer msg_flags `MSG_*`
---@return string|[string, integer]|[string, integer, integer, integer]|nil address of the sender; nil if it has none
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
