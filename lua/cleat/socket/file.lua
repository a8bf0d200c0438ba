--- Buffered files over sockets: what Socket:makefile returns.

local Buffer = require "cleat.buffer"
local check = require "cleat.check"
local class = require "cleat.class"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local file_mode = require "cleat.socket.file_mode"
local status = require "cleat.status"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall

local find, max, min, select, sub = string.find, math.max, math.min, select, string.sub

local DEFAULT_SIZE = 8192
local PIECE = 65536 -- the maximum number of bytes in one call of the socket

local file = {}

-- Shared is what a socket and its files have in common.
---@class cleat.socket.Shared
---@field sock cleat.Socket the socket; once that is closed, its successor, which only the files use
---@field inherited boolean whether `sock` is the successor
---@field files table<cleat.File, true> the open files

--- A buffered file over a socket, made by Socket:makefile. It has the methods of Python's file objects (2.7.16,
--- sections 17.2.1 and 5.9), and also lines() and the formats "l", "L" and "a" of Lua's files. Iterating over the file
--- yields its lines.
---
---     local one, two = socket.socketpair()
---     local file = one:makefile("rw")
---     file:write("question\n")
---     file:flush()
---     print(two:recv(100) == "question\n") --> true
---     two:sendall("answer\n")
---     two:close()
---     for line in file do
---         print(#line) --> 7
---     end
---
--- A file waits as its socket does. Several coroutines may use it: their calls run one after the other. No bytes are
--- lost by an error such as a timeout: received bytes stay in the file, so that the call can be repeated, and written
--- bytes stay in it, so that flush() can continue.
---
--- Closing a file does not close the socket. After the socket is closed its open files can still be used; the
--- descriptor is closed with the last of them. A file that is garbage-collected sends nothing: bytes that were not
--- flushed are lost.
---
--- Python: 1.4.
---@class cleat.File
---@field closed boolean read-only, like all fields
---@field mode string the argument of makefile
---@field bufsize integer in bytes; 0: unbuffered; 1: a write sends at each newline
---@field name string "<socket>"
---@field _shared cleat.socket.Shared|false false once closed
---@field _reads boolean
---@field _writes boolean
---@field _mode string
---@field _bufsize integer
---@field _data string received bytes; those before _next were returned already
---@field _next integer
---@field _more string[] bytes received after _data
---@field _held integer number of buffered bytes
---@field _clean integer how many bytes at the beginning of the buffer are known to contain no newline
---@field _out string[] strings to send; the first _sent bytes of the first one were sent
---@field _sent integer
---@field _waiting integer number of bytes to send
local File = class.new("socket._fileobject", function()
    return errors.raise(errors.TypeError, "file objects have no constructor: use Socket.makefile()")
end)

local function open_socket(self)
    local shared = self._shared
    if not shared then
        return errors.raise(errors.ValueError, "I/O operation on closed file")
    end
    return shared.sock
end

-- call_socket calls a method of the socket. If the socket is closed meanwhile, it calls the method of the successor.
local function call_socket(self, method, argument)
    local shared = open_socket(self) and self._shared
    local sock = shared.sock
    if not sock:_yields() then
        return sock[method](sock, argument)
    end
    local ok, result = pcall(sock[method], sock, argument)
    if ok then
        return result
    elseif self._shared and shared.sock ~= sock then
        return call_socket(self, method, argument)
    end
    return error(result, 0)
end

local OPERATIONS = { reader = "read", writer = "write" }
local EVENTS = { reader = status.WANT_READ, writer = status.WANT_WRITE }

local function proceed(_, how, self, turn, f, ...)
    if how == "first" or how == "waited" then
        return f(self, ...)
    elseif how == "closed" then
        return errors.raise(errors.ValueError, "I/O operation on closed file")
    end
    local sock = open_socket(self)
    if how == "nested" or (how == "cannot" and sock:gettimeout() ~= 0) then
        return sock:_raise_busy(turn == "reader" and "read" or "flush")
    end
    return sock:_raise_status(how == "late" and status.TIMEOUT or EVENTS[turn], OPERATIONS[turn])
end

-- in_turn calls f(self, ...) once no other coroutine reads from (or writes to) the file.
local function in_turn(self, turn, f, ...)
    local sock = open_socket(self)
    if not sock:_yields() and not turns.busy(self, turn) then
        return f(self, ...)
    end
    return turns.run(self, turn, waiting.deadline(sock:gettimeout()), proceed, self, turn, f, ...)
end

local function readable(self)
    local sock = open_socket(self)
    if not self._reads then
        errors.raise(errors.IOError, "File not open for reading")
    end
    return sock
end

local function writable(self)
    local sock = open_socket(self)
    if not self._writes then
        errors.raise(errors.IOError, "File not open for writing")
    end
    return sock
end

-- receive returns at most `size` bytes from the socket, "" at the end of the stream.
local function receive(self, size)
    local chunk = call_socket(self, "recv", size)
    if chunk ~= "" then
        self._more[#self._more + 1] = chunk
        self._held = self._held + #chunk
    end
    return chunk
end

-- coalesce joins the received strings.
local function coalesce(self)
    local more = self._more
    if more[1] then
        if self._next <= #self._data then
            table.insert(more, 1, sub(self._data, self._next))
        end
        self._data, self._next = more[2] and table.concat(more) or more[1], 1
        self._more = {}
    end
end

-- pop removes the first `count` buffered bytes, and returns them.
local function pop(self, count)
    coalesce(self)
    local data, first = self._data, self._next
    self._held = self._held - count
    self._clean = max(0, self._clean - count)
    if self._held == 0 then
        self._data, self._next = "", 1
        return first == 1 and data or sub(data, first)
    end
    self._next = first + count
    return sub(data, first, first + count - 1)
end

-- line_end receives until there is a newline after the first `skip` bytes, and returns the length up to and including
-- the newline. It returns `limit` if that many bytes contain none, and the number of buffered bytes at the end of the
-- stream.
local function line_end(self, skip, limit)
    local from = max(skip, self._clean)
    local unbroken = skip <= self._clean
    if from < self._held then
        coalesce(self)
        local at = find(self._data, "\n", self._next + from, true)
        if at then
            return min(at - self._next + 1, limit)
        end
        if unbroken then
            self._clean = self._held
        end
    end
    while self._held < limit do
        local before = self._held
        local chunk = receive(self, self._bufsize == 0 and 1 or min(PIECE, max(2, self._bufsize)))
        if chunk == "" then
            break
        end
        local at = find(chunk, "\n", max(1, skip - before + 1), true)
        if at then
            return min(before + at, limit)
        end
        if unbroken then
            self._clean = self._held
        end
    end
    return min(self._held, limit)
end

-- size_of checks a number of bytes; nil and negative numbers mean all.
local function size_of(method, argument, value)
    if value == nil then
        return math.huge
    end
    value = check.integer(method, argument, value)
    return value >= 0 and value or math.huge
end

local function read_line(self, format)
    local line = self:readline()
    if line == "" then
        return nil
    elseif format == "l" and line:sub(-1) == "\n" then
        return line:sub(1, -2)
    end
    return line
end

-- read_some returns `size` bytes, or fewer at the end of the stream.
local function read_some(self, size)
    while self._held < size do
        -- Receive no more than requested, so that the bytes after it stay in the socket.
        local chunk = receive(self, min(PIECE, size - self._held))
        if chunk == "" then
            break
        end
    end
    return pop(self, min(size, self._held))
end

local function read_to_newline(self, skip, limit)
    return pop(self, line_end(self, skip, limit))
end

--- Reads bytes, and waits until all of them have arrived. The formats of Lua's files are accepted too.
---
---     local file = incoming("first\nsecond\n")
---     print(file:read(3), file:read("l"), #file:read()) --> fir	st	7
---
--- Raises: the errors of Socket:recv, after which received bytes are kept for the next call; IOError if the file is not
--- open for reading; ValueError if it is closed, and for other formats.
--- Python: 1.4; the formats are Lua's.
---@param size integer|"l"|"L"|"a"|nil the number of bytes; nil, negative numbers and "a" read up to the end of the
--- stream; "l" reads a line and returns it without its newline, "L" with it
---@return string? # fewer than `size` bytes only at the end of the stream. After the last byte: "", but nil for "l" and
--- "L"
function File:read(size)
    if type(size) == "string" then
        local format = size:match("^%*?([lLa])$")
        if not format then
            errors.raise(errors.ValueError, ("read() format must be 'l', 'L' or 'a', not '%s'"):format(size))
        elseif format ~= "a" then
            return read_line(self, format)
        end
        size = nil
    end
    size = size_of("read", "size", size)
    readable(self)
    return in_turn(self, "reader", read_some, size)
end

--- Reads a line, and returns it with its newline.
---
---     local file = incoming("first\nsecond")
---     print(#file:readline(), #file:readline(), #file:readline()) --> 6	6	0
---
--- Raises: the same errors as read.
--- Python: 1.4.
---@param size integer? the maximum number of bytes; nil and negative numbers for no limit
---@return string # without a newline only after `size` bytes or at the end of the stream; "" after the last line
function File:readline(size)
    size = size_of("readline", "size", size)
    readable(self)
    return in_turn(self, "reader", read_to_newline, 0, size)
end

--- Reads all lines up to the end of the stream.
---
---     local lines = incoming("first\nsecond\n"):readlines()
---     print(#lines, lines[2] == "second\n") --> 2	true
---
--- Raises: the same errors as read.
--- Python: 1.4.
---@param sizehint integer? stop after the line that reaches this many bytes; nil and 0 for no limit
---@return string[] # the lines, with their newlines
function File:readlines(sizehint)
    sizehint = check.optional_integer("readlines", "sizehint", sizehint, 0)
    local text
    if sizehint > 0 then
        readable(self)
        text = in_turn(self, "reader", read_to_newline, sizehint - 1, math.huge)
    else
        text = self:read()
    end
    local lines = {}
    for line in text:gmatch("[^\n]*\n?") do
        if line ~= "" then
            lines[#lines + 1] = line
        end
    end
    return lines
end

--- Returns an iterator over the lines without their newlines, as Lua's files do; with "L", it keeps the newlines.
--- Iterating over the file itself keeps them too, as in Python.
---
---     for line in incoming("first\nsecond\n"):lines() do
---         print(#line) --> 5 --> 6
---     end
---
--- Raises: the same errors as read.
--- Python: none; Lua's `file:lines`.
---@param format "l"|"L"|nil "l" by default
---@return fun(): string?
function File:lines(format)
    format = format == nil and "l" or check.string("lines", "format", format)
    readable(self)
    return function()
        return self:read(format)
    end
end

local function send_out(self)
    while self._waiting > 0 do
        local data = self._out[2] and table.concat(self._out) or self._out[1]
        self._out = { data }
        local from = self._sent + 1
        local sent = call_socket(self, "send", self._waiting <= PIECE and from == 1 and data or sub(data, from, self._sent + PIECE))
        self._sent, self._waiting = self._sent + sent, self._waiting - sent
    end
    self._out, self._sent = {}, 0
end

--- Sends all bytes that write() has buffered, including those of other coroutines.
---
---     local one, two = socket.socketpair()
---     local file = one:makefile("w")
---     file:write("hello")
---     file:flush()
---     print(two:recv(5)) --> hello
---
--- Raises: the errors of Socket:sendall, after which another flush() continues where the first one stopped; ValueError
--- if the file is closed.
--- Python: 1.4.
function File:flush()
    open_socket(self)
    if self._waiting > 0 or turns.busy(self, "writer") then
        in_turn(self, "writer", send_out)
    end
end

-- bytes_of returns a string, or the contents of a buffer; nil for other values.
local function bytes_of(value)
    return type(value) == "string" and value or Buffer._contents(value) and tostring(value) or nil
end

-- digits_of formats a number as Lua's files write it.
local function digits_of(number)
    if _VERSION > "Lua 5.4" then -- Lua 5.5 writes as many digits as the number needs
        return tostring(number)
    end
    return (math.type and math.type(number) == "integer" and "%d" or "%.14g"):format(number)
end

local function append(self, list)
    for _, data in ipairs(list) do
        if data ~= "" then
            self._out[#self._out + 1] = data
            self._waiting = self._waiting + #data
        end
    end
end

--- Writes strings, buffers or numbers into the file's buffer. The bytes are sent once `bufsize` bytes are buffered
--- (with a `bufsize` of 1 at each newline), and by flush() and close().
---
---     local one, two = socket.socketpair()
---     local file = one:makefile("w", 0)
---     file:write("answer: ", 42)
---     print(two:recv(20)) --> answer: 42
---
--- Raises: the same errors as flush; IOError if the file is not open for writing; TypeError for other types.
--- Python: 1.4, with one string.
---@param ... string|cleat.Buffer|number
---@return cleat.File # this file
function File:write(...)
    writable(self)
    local list, newline = {}, false
    for index = 1, select("#", ...) do
        local value = (select(index, ...))
        local data = type(value) == "number" and digits_of(value) or bytes_of(value)
        if not data then
            errors.raise(errors.TypeError, "write() takes strings, buffers or numbers, not " .. check.kind(value))
        end
        list[index] = data
        newline = newline or find(data, "\n", 1, true) ~= nil
    end
    append(self, list)
    if self._bufsize == 0 or (self._bufsize == 1 and newline) or (self._bufsize > 1 and self._waiting >= self._bufsize) then
        self:flush()
    end
    return self
end

--- Writes the strings of an array, without adding newlines.
---
---     local one, two = socket.socketpair()
---     local file = one:makefile("w")
---     file:writelines { "first\n", "second\n" }
---     file:close()
---     print(#two:recv(100)) --> 13
---
--- Raises: the same errors as write.
--- Python: 1.5.
---@param list (string|cleat.Buffer)[]
function File:writelines(list)
    writable(self)
    if type(list) ~= "table" or getmetatable(list) ~= nil then
        check.fail("writelines", "list", "an array", list)
    end
    local texts = {}
    for index, data in ipairs(list) do
        texts[index] = bytes_of(data) or check.fail("writelines", "list", "a string or a buffer", data)
    end
    append(self, texts)
    if self._bufsize <= 1 or self._waiting >= self._bufsize then
        self:flush()
    end
end

--- Sends the buffered bytes and closes the file, but not the socket. The file is closed even if sending fails, so call
--- flush() first if the socket is non-blocking. Closing it again has no effect.
---
---     local file = incoming("x")
---     file:close()
---     print(pcall(file.read, file)) --> false	I/O operation on closed file
---
--- Raises: the same errors as flush.
--- Python: 1.4.
function File:close()
    local shared = self._shared
    if not shared then
        return
    end
    local ok, err = pcall(self.flush, self)
    if not self._shared then -- closed by another coroutine meanwhile
        return
    end
    self._shared = false
    turns.close(self, false)
    self._data, self._more, self._out, self._held, self._waiting = "", {}, {}, 0, 0
    shared.files[self] = nil
    if shared.inherited and next(shared.files) == nil then
        shared.sock:close()
    end
    if not ok then
        error(err, 0)
    end
end

--- Returns the socket's descriptor.
---
---     print(incoming("x"):fileno() > 2) --> true
---
--- Raises: ValueError if the file is closed.
--- Python: 1.4.
---@return integer
function File:fileno()
    return open_socket(self):fileno()
end

--- Returns false: a socket is not a terminal.
---
---     print(incoming("x"):isatty()) --> false
---
--- Raises: ValueError if the file is closed.
--- Python: not in the files of `makefile`; a method of Python's other files.
---@return boolean
function File:isatty()
    open_socket(self)
    return false
end

local function attribute(name)
    return function(self)
        return self[name]
    end
end

class.properties(File, {
    closed = function(self)
        return not self._shared
    end,
    mode = attribute("_mode"),
    bufsize = attribute("_bufsize"),
    name = function()
        return "<socket>"
    end,
}, {}, { _turns = false })

function File:_place()
    return open_socket(self):_place()
end

function File:_turns_changed() end

--- Returns the next line with its newline, nil at the end of the stream, for `for line in file do`.
function File.instance:__call()
    return read_line(self, "L")
end

--- "<open file '<socket>', mode 'r'>"
function File.instance:__tostring()
    return ("<%s file '<socket>', mode '%s'>"):format(self._shared and "open" or "closed", self._mode)
end

function File.instance:__close(err)
    if err ~= nil then -- the error that ended the scope matters more than one of close()
        pcall(self.close, self)
    else
        self:close()
    end
end

--- Socket.makefile.
---@param sock cleat.Socket
---@return cleat.File
function file.open(sock, ...)
    local mode, bufsize, reads, writes = file_mode.parse(...)
    sock:_check_open()
    local shared = sock._shared
    if not shared then
        shared = { sock = sock, inherited = false, files = setmetatable({}, { __mode = "k" }) }
        sock._shared = shared
    end
    local self = setmetatable({
        _shared = shared, _mode = mode, _bufsize = bufsize < 0 and DEFAULT_SIZE or bufsize, _reads = reads, _writes = writes,
        _data = "", _next = 1, _more = {}, _held = 0, _clean = 0, _out = {}, _sent = 0, _waiting = 0,
    }, File.instance)
    shared.files[self] = true
    return self
end

--- Called for a socket that is being closed. If it has open files, it gets a successor with its fields, for these
--- files, and must no longer close the objects in the fields. Returns whether there is a successor.
---@param sock cleat.Socket
---@param ... string the fields with objects that the socket would close
---@return boolean
function file.inherit(sock, ...)
    local shared = rawget(sock, "_shared")
    if not shared then
        return false
    end
    sock._shared = false
    if next(shared.files) == nil then
        return false
    end
    local heir = {}
    for name, value in pairs(sock) do
        heir[name] = value
    end
    heir._turns = nil
    shared.sock, shared.inherited = setmetatable(heir, getmetatable(sock)), true
    heir:_turns_changed()
    for index = 1, select("#", ...) do
        local name = select(index, ...)
        if rawget(sock, name) then
            sock[name] = false
        end
    end
    return true
end

return file
