--- The settings of a TLS socket for cqueues: modes, buffers, timeout, stored errors and handler. Each setter returns
--- the previous value.

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

local ERRORS = { r = "_read_error", w = "_write_error" }

-- each calls f for each letter of `what`, which names a direction, and returns the results.
local function each(what, f, ...)
    local results, count = {}, 0
    for letter in (what or "rw"):gmatch "." do
        if letter ~= "r" and letter ~= "w" then
            errors.raise(errors.ValueError, "a direction must be 'r' or 'w'")
        end
        count = count + 1
        results[count] = f(letter, count, ...)
    end
    return results[1], results[2]
end

local function get(letter, _, self)
    return self[ERRORS[letter]].number
end

local function set(letter, _, self, number)
    local of = self[ERRORS[letter]]
    local number_before = of.number
    of.number = number ~= 0 and number or nil
    if not of.number then
        of.count = 0
    end
    return number_before
end

function Socket:error(what)
    return each(what, get, self)
end

function Socket:seterror(what, number)
    return each(what, set, self, number)
end

function Socket:clearerr(what)
    if what == "r" or what == "w" then
        return set(what, nil, self)
    end
    return each(what, set, self)
end

function Socket:setmaxerrs(what, ...)
    if type(what) ~= "string" then
        return self:setmaxerrs("rw", what, ...)
    end
    return each(what, function(letter, index, limits)
        local of = self[ERRORS[letter]]
        local limit_before = of.limit
        of.limit = limits[index] or limit_before
        return limit_before
    end, { ... })
end

-- cqueues' default handler, see cqueues.socket.
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
        return (letter == "r" and self._input or self._output).ended
    end)
end

function Socket:pollfd()
    return not self._closed and self._request.pollfd or nil
end

--- The events that suspended calls wait for, for cqueues.poll. In contrast to cqueues' sockets, a reader's event
--- remains when another coroutine writes: a coroutine that was woken for another reason may poll again.
function Socket:events()
    local reads, writes = self._reads, self._writes
    if reads == "" or reads == writes then
        return writes
    end
    return writes == "" and reads or "rw"
end

function Socket:clear()
    self._reads, self._writes = "", ""
    return true
end

--- These methods call those of the cqueues socket.
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
