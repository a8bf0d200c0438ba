--- A TLS connection with the methods of a cqueues socket (cqueues.socket), for programs that use those: lua-http, and
--- programs that call starttls(). cleat.adapters.cqueues.starttls makes it.
---
--- TLS uses a duplicate of the socket's descriptor, and never waits: a method that would block polls the descriptor of
--- the cqueues socket, and tries again. So several coroutines may use one object, and close() wakes those that wait in
--- it.
---
--- Errors are reported as by cqueues: a method returns nil and the results of the onerror() handler for a number of
--- cqueues.errno. A TLS error is EPROTO, and an end of the connection without close_notify ECONNRESET, both with
--- cleat's text (failure.lua). This file has the methods that do not wait.

local C = require "cleat.backend"
local cqueues_errno = require "cqueues.errno"
local errors = require "cleat.errors"
local facts = require "cleat.adapters.cqueues.facts"
local modes = require "cleat.adapters.cqueues.mode"
local status = require "cleat.status"

local connection_read, connection_shutdown = C.connection_read, C.connection_shutdown
local EAGAIN, EBADF, ECONNRESET, EPIPE, EPROTO = cqueues_errno.EAGAIN, cqueues_errno.EBADF, cqueues_errno.ECONNRESET,
    cqueues_errno.EPIPE, cqueues_errno.EPROTO
local WANT_READ, WANT_WRITE = status.WANT_READ, status.WANT_WRITE

local RECORD = 16384 -- the maximum payload of a TLS record

local DRAINED = 65536 -- the maximum that close() and shutdown() read, so that unread bytes do not cause a reset before close_notify arrives

---@class cleat.adapters.cqueues.Socket
---@field _id integer the ABI's connection; 0 once it is closed
---@field _reads ""|"r"|"w" the event that the last attempt to read needs
---@field _writes ""|"r"|"w" the event that the last attempt to send needs
---@field _failure cleat.Error? the error of TLS or of the network
local Socket = {}

-- failed returns the error number for a negative status of the connection, and stores the error or the event.
local function failed(self, result, operation)
    if result == WANT_READ or result == WANT_WRITE then
        self[operation == "read" and "_reads" or "_writes"] = result == WANT_READ and "r" or "w"
        return EAGAIN
    elseif result == status.HANDLE then
        return EBADF
    elseif result == status.CLOSED or result == status.EOF and self._shut_read then
        return EPIPE
    end
    local class = status.class(result)
    local err = errors.from_connection(result, operation)
    local number = class == C.const.SYS and status.value(result) or result == status.EOF and ECONNRESET or EPROTO
    if number ~= EPIPE then
        self._failure, self._failure_number = err, number
    end
    self._broken = true
    if class ~= C.const.SYS then
        self._connection._failed = true -- close() makes sure that the alert arrives
    end
    return number
end

-- fill receives until the input has `limit` bytes.
local function fill(self, limit)
    local bytes, id = self._input, self._id
    self._reads = ""
    while bytes.size < limit do
        local result, data = connection_read(id, RECORD, 0)
        if result > 0 then
            bytes:append(data)
        elseif result == 0 then
            bytes.ended = true
            return EPIPE
        else
            local number = failed(self, result, "read")
            bytes.ended = bytes.ended or number == EPIPE
            return number
        end
    end
    return nil
end

Socket._fill = fill

-- flush sends the bytes that the mode sends now.
local function flush(self, mode)
    self._writes = ""
    local result = self._output:flush(self._id, mode, self._write_size, self._write_line)
    local number = result and failed(self, result, "write")
    if number == EPIPE then
        self._output.ended = true
    end
    return number
end

local ALL = modes.change(modes.INITIAL, "n")

-- stored returns the number of an error that an earlier call has stored. of: _read_error or _write_error. As in
-- cqueues, it raises if the error was ignored too often.
local function stored(of)
    of.count = of.count + 1
    if of.count > of.limit then
        error(("exceeded unchecked error limit (%s)"):format(cqueues_errno.strerror(of.number)), 0)
    end
    return of.number
end

-- prepare_read sends the written bytes before a read.
local function prepare_read(self)
    local err = self._read_error
    if err.number then
        return stored(err)
    end
    if self._output.size > 0 and self._write_mode.autoflush then
        local number = flush(self, ALL)
        if number and number ~= EAGAIN and number ~= EPIPE then
            return number
        end
    end
    return nil
end

local function chomp(data)
    return (data:gsub("\r?\n$", ""))
end

local function to_text(data)
    return (data:gsub("\r\n", "\n"))
end

-- The formats: each function returns how many bytes to take, or nil and the error.
local FORMATS = {
    ["*a"] = function(self, more)
        return self._input:all(more)
    end,
    ["*L"] = function(self, more)
        return self._input:line(more, self._read_line)
    end,
    ["*H"] = function(self, more)
        return self._input:header(more, self._read_line)
    end,
}
FORMATS["*l"], FORMATS["*h"] = FORMATS["*L"], FORMATS["*H"]

local CONVERT = {
    ["*l"] = function(data, text)
        return text and chomp(data) or (data:gsub("\n$", ""))
    end,
    ["*h"] = function(data)
        return (data:gsub("\r?\n", ""))
    end,
}

local function receive_number(self, size, text)
    local least, most = size, size
    if size < 0 then
        least, most = 1, -size
    end
    return self._input[text and "text" or "block"](self._input, self._more, least, most)
end

local function receive_body(self, boundary, text)
    local length, number, found = self._input:body(self._more, boundary, math.max(self._read_size, text and self._read_line or 0), text)
    if not length or length == 0 then
        return nil, number
    end
    local data = self._input:take(length)
    if found then
        data = chomp(data)
    end
    if data == "" then
        return nil
    end
    return text and to_text(data) or data
end

--- recv and send do not wait. They return the data or the number of accepted bytes, or nil and an error number.
function Socket:recv(what, letters)
    local number = prepare_read(self)
    if number then
        return nil, number
    end
    local text = modes.change(self._read_mode, letters).text
    local size, length = tonumber(what), nil
    if size == 0 then
        return ""
    elseif size then
        length, number = receive_number(self, size, text)
    elseif FORMATS[what or "*l"] then
        length, number = FORMATS[what or "*l"](self, self._more)
    elseif type(what) == "string" and what:sub(1, 2) == "--" then
        return receive_body(self, what, text)
    else
        errors.raise(errors.ValueError, ("recv() argument must be a number, *a, *l, *L, *h, *H or a boundary, not %q"):format(
            tostring(what)))
    end
    if not length then
        return nil, number
    elseif length == 0 then
        return nil
    end
    local data = self._input:take(length)
    local convert = CONVERT[what or "*l"]
    if convert then
        return convert(data, text)
    end
    return text and to_text(data) or data
end

function Socket:send(data, first, last, letters)
    local err = self._write_error
    if err.number then
        return 0, stored(err)
    end
    self._writes = ""
    local mode = modes.change(self._write_mode, letters)
    local by_lines = mode.text or mode.buffer == "line" or self._write_mode.buffer == "line"
    local count, result = self._output:send(self._id, data, first or 1, last or #data, mode, by_lines, self._write_size,
        self._write_line)
    local number = result and failed(self, result, "write") or nil
    if number == EPIPE then
        self._output.ended = true
    end
    return count, number
end

--- _try_fill and _try_flush make one attempt, for the methods that wait. They return true, or false and the error
--- number.
function Socket:_try_fill(limit)
    local number = prepare_read(self) or fill(self, limit)
    return not number, number
end

function Socket:_try_flush(letters)
    local err = self._write_error
    if err.number then
        return false, stored(err)
    end
    local number = flush(self, modes.change(self._write_mode, letters or "n"))
    return not number, number
end

function Socket:unget(data)
    self._input:unget(data)
    return true
end

function Socket:pending()
    return self._input.size, self._output.size
end

--- _notify sends close_notify, unless unsent data was lost: close_notify would tell the peer that the data is complete.
function Socket:_notify()
    if self._broken or self._notified or C.connection_established(self._id) ~= 1 then
        return
    elseif self._output.size > 0 and flush(self, ALL) then
        return
    elseif not self._input.ended then
        fill(self, self._input.size + DRAINED)
    end
    self._notified = true
    connection_shutdown(self._id, 0)
end

function Socket:shutdown(how)
    how = how or "rw"
    if self._id == 0 then
        return false, EBADF
    end
    if how:find("w", 1, true) then
        self:_notify()
        self._output.ended = true
    end
    if how:find("r", 1, true) then
        self._shut_read = true
    end
    return self._plain:shutdown(how)
end

--- Returns cleat's error of the last TLS failure; nil if there was none.
function Socket:tlserror()
    return self._failure
end

--- Returns the results of the handshake, as an object with some of luaossl's methods; nil before it is done.
function Socket:checktls()
    return facts.of(self)
end

--- Returns the SSLSocket, for its getters: getpeercert(), describe(), session …
function Socket:sslsocket()
    return self._connection
end

return Socket
