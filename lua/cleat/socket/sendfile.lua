--- Sending files (Python's socket.sendfile): a loop of read and send, for plain and TLS sockets, with any waiter.
--- Requiring this file adds the method to the class of cleat.socket.object.

local C = require "cleat.backend"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local object = require "cleat.socket.object"

local pcall = compat.pcall
local io, type = io, type

---@class cleat.Socket
local Socket = object.Socket

-- The payload of one TLS record: send accepts all of such a piece or nothing, so the number of bytes sent is always
-- known.
local PIECE = 16384

-- failed raises IOError for a message and an error number that a method of a Lua file has returned.
local function failed(message, number, name)
    if type(number) == "number" and number > 0 then
        return errors.raise(errors.IOError, number, errors.strerror(number), name)
    end
    return errors.raise(errors.IOError, tostring(message))
end

-- member returns a method of a file, which may be a userdata or any table; nil if there is none.
local function member(file, name)
    local ok, method = pcall(function()
        return file[name]
    end)
    return ok and method or nil
end

local function check_file(file)
    if type(file) ~= "string" and (file == nil or not check.callable(member(file, "read"))) then
        check.fail("sendfile", "file", "a file or its name", file)
    elseif type(file) == "string" then
        check.optional_file("sendfile", "file", file)
    elseif io.type(file) == "closed file" then
        errors.raise(errors.ValueError, "I/O operation on closed file")
    end
end

local function check_count(count)
    if count ~= nil and (type(count) ~= "number" or count % 1 ~= 0) then
        errors.raise(errors.TypeError, ("count must be a positive integer (got %s)"):format(check.shown(count)))
    elseif count ~= nil and count <= 0 then
        errors.raise(errors.ValueError, ("count must be a positive integer (got %d)"):format(count))
    end
end

local function check_offset(offset)
    if offset == nil then
        return 0
    elseif type(offset) ~= "number" or offset % 1 ~= 0 then
        check.fail("sendfile", "offset", "an integer", offset)
    elseif offset < 0 then
        errors.raise(errors.ValueError, "sendfile() argument 'offset' must not be negative")
    end
    return offset
end

-- seek moves to a position, and returns whether the file supports that: a pipe does not.
local function seek(file, position, name)
    local method = member(file, "seek")
    if not method and position > 0 then
        errors.raise(errors.ValueError, "sendfile() argument 'offset' must be 0 for a file without seek()")
    elseif not method then
        return false
    end
    local at, message, number = method(file, "set", position)
    if not at and (position > 0 or number ~= C.const.ESPIPE) then
        failed(message, number, name)
    end
    return at ~= nil
end

-- read returns the next bytes of the file, nil at its end.
local function read(file, count, name)
    local data, message, number = file:read(count)
    if data == nil and message ~= nil then
        failed(message, number, name)
    elseif data ~= nil and type(data) ~= "string" then
        errors.raise(errors.TypeError, "sendfile() file's read() must return a string, not " .. check.kind(data))
    end
    return data ~= "" and data or nil
end

-- send_all sends up to the end of the file, or work.count bytes, and adds the number of bytes sent to work.total.
local function send_all(sock, file, work, name)
    while not work.count or work.total < work.count do
        local size = work.count and math.min(PIECE, work.count - work.total) or PIECE
        local data = read(file, size, name)
        if not data then
            return
        end
        while data ~= "" do
            local sent = sock:send(data)
            work.total = work.total + sent
            data = data:sub(sent + 1)
        end
    end
end

local function open(name)
    local file, message, number = io.open(name, "rb")
    if not file then
        failed(message, number, name)
    end
    return file
end

--- Sends a file, from `offset` to its end or for `count` bytes. Afterwards, and after an error too, the file's position
--- is after the last byte that was sent, so that `sendfile(file, file:seek())` continues.
---
---     local conn = connect()
---     local file = assert(io.open("ca.pem", "rb"))
---     print(conn:sendfile(file) == file:seek("end")) --> true
---     file:close()
---     conn:close()
---
--- Raises: the errors of send, whose timeout applies to each piece of 16 KiB; IOError if the file cannot be read;
--- ValueError for a non-blocking socket, a socket that is not a stream, a closed file, and a `count` that is not
--- positive; TypeError.
--- Python: 3.5.
---@param file userdata|table|string a Lua file that was opened with "rb", the name of a file, or an object with
--- read(count) and optionally seek(whence, position)
---@param offset integer? the position of the first byte; 0 by default. A file that cannot seek, such as a pipe, is read
--- from its current position
---@param count integer? the maximum number of bytes; nil sends up to the end of the file
---@return integer # the number of bytes sent: less than `count` if the file is shorter
function Socket:sendfile(file, offset, count)
    check_file(file)
    offset = check_offset(offset)
    check_count(count)
    self:_check_open()
    if self.type ~= C.const.SOCK_STREAM then
        errors.raise(errors.ValueError, "only SOCK_STREAM type sockets are supported")
    elseif self._timeout == 0 then
        errors.raise(errors.ValueError, "non-blocking sockets are not supported")
    end
    local name = type(file) == "string" and file or nil
    local source = name and open(name) or file
    local work = { total = 0, count = count }
    local ok, err = pcall(function()
        work.seekable = seek(source, offset, name)
        send_all(self, source, work, name)
    end)
    if name then
        source:close()
    elseif work.seekable then
        local moved, problem = pcall(source.seek, source, "set", offset + work.total)
        if ok and not moved then
            ok, err = false, problem
        end
    end
    if not ok then
        error(err, 0)
    end
    return work.total
end

return Socket
