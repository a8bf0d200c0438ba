--- The settings of a TLS socket for cqueues: modes, buffers, timeout, stored errors, handler. Each setter returns what
--- was set before.

local cqueues_errno = require "cqueues.errno"
local errors = require "cleat.errors"
local modes = require "cleat.adapters.cqueues.mode"
local Socket = require "cleat.adapters.cqueues.socket"

local BUFFERS = { no = "no", nobuf = "no", line = "line", full = "full" }

function Socket:setmode(reading, writing)
    local before, before_writing = modes.reading(self._read_mode), modes.writing(self._write_mode)
    if reading then
        self._read_mode = modes.change(modes.INITIAL, reading)
    end
    if writing then
        self._write_mode = modes.change(modes.INITIAL, writing)
    end
    return before, before_writing
end

local BUFFER = 4096

function Socket:setvbuf(buffer, size)
    local before, size_before = self._write_mode.buffer, self._write_size
    buffer = BUFFERS[buffer or "line"] or errors.raise(errors.ValueError, "setvbuf() argument 'mode' must be no, line or full")
    self._write_mode = modes.with_buffer(self._write_mode, buffer)
    if buffer ~= "no" then
        self._write_size = size or BUFFER
    end
    return before, size_before
end

function Socket:setbufsiz(reading, writing)
    local before, before_writing = self._read_size, self._write_size
    self._read_size, self._write_size = reading or before, writing or before_writing
    return before, before_writing
end

function Socket:setmaxline(reading, writing)
    local before, before_writing = self._read_line, self._write_line
    self._read_line, self._write_line = reading or before, writing or before_writing
    return before, before_writing
end

function Socket:settimeout(timeout)
    local before = self._timeout or nil
    self._timeout = timeout or false
    return before
end

function Socket:timeout()
    return self._timeout or nil
end

--- The functions for errors by direction: each takes "r", "w" or "rw", and returns one value for each letter.
local function each(what, f)
    local results, count = {}, 0
    for letter in (what or "rw"):gmatch "." do
        if letter ~= "r" and letter ~= "w" then
            errors.raise(errors.ValueError, "only 'r' and 'w' name a direction")
        end
        count = count + 1
        results[count] = f(letter)
    end
    return results[1], results[2]
end

function Socket:error(what)
    return each(what, function(letter)
        return self[letter .. "_error"] or nil
    end)
end

function Socket:seterror(what, number)
    return each(what, function(letter)
        local before = self[letter .. "_error"] or nil
        self[letter .. "_error"] = number ~= 0 and number or false
        if not self[letter .. "_error"] then
            self[letter .. "_errors"] = 0
        end
        return before
    end)
end

function Socket:clearerr(what)
    return self:seterror(what or "rw", 0)
end

function Socket:setmaxerrs(what, first, second)
    if type(what) ~= "string" then
        what, first, second = "rw", what, first
    end
    local limits = { first, second }
    local index = 0
    return each(what, function(letter)
        index = index + 1
        local before = self[letter .. "_limit"]
        self[letter .. "_limit"] = limits[index] or before
        return before
    end)
end

-- What cqueues does without a handler, see cqueues.socket.
local function raise(_, operation, number)
    if number == cqueues_errno.EPIPE or number == cqueues_errno.ETIMEDOUT then
        return number
    end
    return error(("socket:%s: %s"):format(operation, cqueues_errno.strerror(number)), 0)
end

function Socket:onerror(...)
    local before = self._handler
    if select("#", ...) > 0 then
        self._handler = ... or raise
    end
    return before
end

function Socket:eof(what)
    return each(what, function(letter)
        return self[letter == "r" and "_input" or "_output"].ended
    end)
end

function Socket:pollfd()
    return not self._closed and self._request.pollfd or nil
end

function Socket:events()
    return self._events
end

function Socket:clear()
    self._events = ""
    return true
end

--- Methods of the cqueues socket itself.
for _, name in ipairs { "localname", "peereid", "peername", "peerpid", "stat", "uncork" } do
    Socket[name] = function(self)
        if self._closed then
            return nil, cqueues_errno.EBADF
        end
        return self._plain[name](self._plain)
    end
end

for _, name in ipairs { "accept", "listen", "pack", "recvfd", "sendfd", "unpack" } do
    Socket[name] = function()
        errors.raise(errors.NotImplementedError, ("a TLS socket for cqueues has no %s()"):format(name))
    end
end

return Socket
