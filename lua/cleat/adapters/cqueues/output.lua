--- The send buffer of a socket, and the rules by which cqueues' sockets send it.
---
--- An Output has the field `size`, the number of its bytes. `eol` is the number of bytes up to the last newline, for
--- line buffering.

local C = require "cleat.backend"

local connection_write, connection_write_from = C.connection_write, C.connection_write_from

local JOINED = 65536 -- pieces are joined up to this size, because each piece makes at least one record
local PIECE = 16384 -- a buffer with a limit is filled in pieces of this size

local Output = {}
Output.__index = Output

local output = {}

function output.new()
    -- head: the bytes that are being sent, of which the first `at` were sent; later: the pieces first to last
    return setmetatable({ head = "", at = 0, later = {}, first = 1, last = 0, size = 0, eol = 0, ended = false }, Output)
end

--- push appends bytes, and sends nothing.
function Output:push(data)
    local last = self.last + 1
    self.last = last
    self.later[last] = data
    self.size = self.size + #data
end

local push = Output.push

-- push_lines appends bytes for line buffering. text: each newline becomes CR LF.
local function push_lines(self, data, text)
    if text then
        data = data:gsub("\n", "\r\n")
    end
    local stop = data:match "^.*\n()" -- anchored: without a newline an unanchored pattern would be tried at each position
    if stop then
        self.eol = self.size + stop - 1
    end
    push(self, data)
end

-- next_head makes the next pieces the head, joined.
local function next_head(self)
    local first, last, length = self.first, self.first, #self.later[self.first]
    while last < self.last and length + #self.later[last + 1] <= JOINED do
        last = last + 1
        length = length + #self.later[last]
    end
    self.head, self.at = last == first and self.later[first] or table.concat(self.later, "", first, last), 0
    for index = first, last do
        self.later[index] = nil
    end
    self.first = last + 1
    if self.first > self.last then
        self.first, self.last = 1, 0
    end
end

-- due returns how many bytes the mode sends now.
local function due(self, mode, limit, maxline)
    if mode.buffer == "no" then
        return self.size
    elseif mode.buffer == "full" then
        return limit == math.huge and 0 or self.size - self.size % limit
    elseif self.eol > 0 then
        return self.eol
    end
    return self.size - self.size % maxline
end

--- flush sends the bytes that are due, and returns nil, or the negative status of a write that has failed.
---@param id integer the connection
---@param mode table see mode.lua
---@param limit number the size of the buffer
---@param maxline number
---@return integer?
function Output:flush(id, mode, limit, maxline)
    local left = due(self, mode, limit, maxline)
    while left > 0 do
        if self.at >= #self.head then
            next_head(self)
        end
        local result
        if left >= #self.head - self.at then
            result = connection_write_from(id, self.head, self.at, 0)
        else
            result = connection_write(id, self.head:sub(self.at + 1, self.at + left), 0)
        end
        if result < 0 then
            return result
        end
        self.at, self.size, left = self.at + result, self.size - result, left - result
        self.eol = math.max(0, self.eol - result)
        if self.at >= #self.head then
            self.head, self.at = "", 0
        end
    end
    return nil
end

-- send_all sends bytes directly, when the buffer is empty, and buffers the rest.
local function send_all(self, id, data)
    local result = connection_write(id, data, 0)
    if result == #data then
        return result
    end
    push(self, data)
    if result < 0 then
        return #data, result
    end
    next_head(self)
    self.at, self.size = result, self.size - result
    return #data, false
end

--- send buffers the bytes from `first` to `last`, and sends those that are due. It returns how many it has accepted,
--- and the status of a failed write.
function Output:send(id, data, first, last, mode, by_lines, limit, maxline)
    if self.size == 0 and mode.buffer == "no" and not by_lines and first == 1 and last == #data and last > 0 then
        local count, status = send_all(self, id, data)
        if status ~= false then
            return count, status
        end
        return count, self:flush(id, mode, limit, maxline)
    end
    local at = first
    while at <= last do
        local stop = limit == math.huge and last or math.min(last, at + PIECE - 1)
        local piece = at == 1 and stop == #data and data or data:sub(at, stop)
        if by_lines then
            push_lines(self, piece, mode.text)
        else
            push(self, piece)
        end
        at = stop + 1
        local status = self.size > limit and self:flush(id, mode, limit, maxline)
        if status then
            return at - first, status
        end
    end
    return at - first, self:flush(id, mode, limit, maxline)
end

return output
