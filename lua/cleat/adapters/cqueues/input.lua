--- The receive buffer of a socket, and the formats of cqueues' sockets.
---
--- An Input has the field `size`, the number of its bytes. Methods that read take fill(limit), which receives until
--- there are `limit` bytes and returns nil, or the number of an error: EAGAIN if more bytes may come, EPIPE at the end.
---
--- The bytes are a string, of which a part was returned already, and a list of later strings. They are joined once for
--- each read, so that a large body is not copied again for each record.

local cqueues_errno = require "cqueues.errno"

local EFAULT, EPIPE = cqueues_errno.EFAULT, cqueues_errno.EPIPE

local Input = {}
Input.__index = Input

local input = {}

function input.new()
    return setmetatable({ head = "", at = 1, later = {}, count = 0, size = 0, ended = false }, Input)
end

function Input:append(data)
    self.count = self.count + 1
    self.later[self.count] = data
    self.size = self.size + #data
end

-- join concatenates all bytes.
local function join(self)
    if self.count > 0 then
        local later = self.count == 1 and self.later[1] or table.concat(self.later, "", 1, self.count)
        self.head = self.at > #self.head and later or self.head:sub(self.at) .. later
        self.at, self.count, self.later = 1, 0, {}
    end
end

--- take removes the first `count` bytes, and returns them.
function Input:take(count)
    if count > #self.head - self.at + 1 then
        join(self)
    end
    local at = self.at
    self.at, self.size = at + count, self.size - count
    if at == 1 and count == #self.head then
        local all = self.head
        self.head, self.at = "", 1
        return all
    end
    return self.head:sub(at, at + count - 1)
end

function Input:unget(data)
    join(self)
    self.head, self.at = data .. self.head:sub(self.at), 1
    self.size = self.size + #data
    self.ended = false
end

-- line returns the length of the first line, including its newline.
local function line(self)
    join(self)
    local stop = self.head:find("\n", self.at, true)
    return stop and stop - self.at + 1
end

-- is_last returns whether a read with this limit would not wait for more bytes.
local function is_last(self, limit)
    return self.ended or self.size >= limit
end

-- Each of these methods returns the number of bytes to take, where 0 makes the read return nil; or nil and the error.

function Input:line(fill, limit)
    local length = line(self)
    while not length do
        local err = fill(math.min(limit, self.size + 1)) -- to receive more than necessary would cost another system call
        length = line(self)
        if not length and self.size > 0 and is_last(self, limit) then
            length = self.size
        elseif not length and err then
            return nil, err
        end
    end
    return math.min(length, limit)
end

-- header returns the length of a header with its continuation lines; 0 if the bytes are not a header; nil if more bytes
-- are needed.
local function header(self, limit)
    join(self)
    local bytes, at, last = self.head, self.at, math.min(#self.head, self.at + limit - 1)
    local stop = bytes:match("^[!-9;-~]*()", at)
    if stop > last + 1 then
        stop = last + 1
    end
    if stop == at and at <= last then
        if bytes:sub(at) == "\r" and not self.ended then
            return nil -- the next bytes show whether it is the empty line after the headers
        end
        return 0
    end
    stop = bytes:match("^[ \t]*()", stop)
    if stop <= last and bytes:sub(stop, stop) ~= ":" then
        return 0
    end
    while stop <= last do
        local newline = bytes:find("\n", stop, true)
        if not newline or newline >= last then
            break
        end
        stop = newline + 1
        if not bytes:find("^[ \t]", stop) then
            return stop - at
        end
    end
    if is_last(self, limit) then
        return 0 -- an incomplete header is not a header
    end
    return nil
end

function Input:header(fill, limit)
    local length = header(self, limit)
    while not length do
        local err = fill(math.min(limit, self.size + 1))
        length = header(self, limit)
        if not length and err then
            return nil, err
        end
    end
    return length
end

-- text returns how many bytes are at least `least` and at most `most` characters, where CR LF counts as one character
-- and is not split. A result above the number of buffered bytes means that so many are needed.
local function text(self, least, most)
    join(self)
    local bytes, at, last, count = self.head, self.at, #self.head, 0
    local cr = false
    while at <= last and count < most do
        cr = bytes:byte(at) == 13
        if cr and bytes:byte(at + 1) == 10 then
            cr, at = false, at + 1
        end
        at, count = at + 1, count + 1
    end
    local length = at - self.at
    if count < most and not self.ended then
        if count > least and cr then
            length = length - 1
        elseif count < least or cr then
            length = length + most - count
        end
    elseif count >= most and cr and not self.ended then
        length = count > least and length - 1 or length + 1
    end
    return length
end

function Input:text(fill, least, most)
    local wanted = most
    while true do
        local err = fill(wanted)
        local length = text(self, least, most)
        if length <= self.size and (length > 0 or self.ended) then
            return length
        elseif err and wanted >= length then
            return nil, err
        end
        wanted = length
    end
end

function Input:block(fill, least, most)
    -- A read of "up to n bytes" returns one record, so that its bytes are not copied.
    local err = self.size < least and fill(least) or nil
    local length = math.min(self.size, most)
    if length >= least or self.ended and length > 0 then
        return length
    end
    return nil, err or EFAULT
end

function Input:all(fill)
    local err = fill(math.huge)
    if not self.ended then
        return nil, err or EFAULT
    end
    return self.size
end

--- body reads up to a boundary line of MIME, and also returns whether it has found the boundary, whose bytes are not
--- taken.
function Input:body(fill, boundary, size, is_text)
    size = math.max(size, 2)
    local most = size + 2 + #boundary
    local err = fill(most)
    join(self)
    local found = self.head:find(boundary, self.at, true)
    if found and found - self.at + #boundary <= most then
        return found - self.at, nil, true
    elseif self.size >= most then
        local part = self.head:sub(self.at, self.at + size - 1)
        local newline = is_text and part:match "^.*\n()"
        local length = newline and newline - 1 or size
        if is_text and part:sub(length, length) == "\r" then
            length = length - 1
        end
        return length
    elseif err and err ~= EPIPE then
        return nil, err
    end
    return self.size
end

return input
