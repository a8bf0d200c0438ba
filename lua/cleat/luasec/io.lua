--- LuaSec's send and receive over the ABI's connections. They allocate no closures, and raise errors for wrong
--- arguments only.
---
--- They return exactly three values, as LuaSocket's do: programs print them, or put them into arrays.

local C = require "cleat.backend"
local message = require "cleat.luasec.message"
local status = require "cleat.status"
local waiting = require "cleat.socket.waiting"

local connection_read, connection_write_from = C.connection_read, C.connection_write_from
local WANT_READ, WANT_WRITE = status.WANT_READ, status.WANT_WRITE
local find, sub, gsub, concat = string.find, string.sub, string.gsub, table.concat
local huge, min, tonumber, type = math.huge, math.min, tonumber, type

local PIECE = 16384 -- the maximum payload of a TLS record
local ENDLESS = 2 ^ 53 -- more bytes than any connection transfers

local io = {}

-- left returns how long the next call of the ABI may wait. deadline: that of the whole method, false for none.
local function left(self, deadline)
    return deadline and min(self.wait, waiting.remaining(deadline)) or self.wait
end

local function deadline_of(self)
    return self.total and waiting.deadline(self.total)
end

local function failed(self, result, operation)
    if result == WANT_READ then
        self.want = "read"
        return "wantread"
    elseif result == WANT_WRITE then
        self.want = "write"
        return "wantwrite"
    end
    local text = message.of_status(result, operation)
    self.want = text == "wantread" and "read" or text == "wantwrite" and "write" or "nothing"
    return text
end

-- read returns bytes from the network, or nil and the reason why there are none.
local function read(self, size, deadline)
    local result, data = connection_read(self.id, size, left(self, deadline))
    if result > 0 then
        self.want = "nothing"
        return data
    end
    return nil, failed(self, result, "read")
end

-- pop removes at most `count` bytes from the buffer, and returns them.
local function pop(self, count)
    local buffer, at = self.buffer, self.at
    if count >= #buffer - at + 1 then
        self.buffer, self.at = "", 1
        return at == 1 and buffer or sub(buffer, at)
    end
    self.at = at + count
    return sub(buffer, at, at + count - 1)
end

-- receive_bytes returns the prefix and `wanted` bytes. With 0 it waits until there are any bytes, as LuaSocket does.
local function receive_bytes(self, wanted, prefix, deadline)
    local data = self.buffer ~= "" and pop(self, wanted) or ""
    local total, parts = #data, nil
    while total < wanted or wanted == 0 and self.buffer == "" do
        local missing = wanted - total
        local more, reason = read(self, missing > PIECE and min(missing, 4 * PIECE) or PIECE, deadline)
        if not more then
            self.received = self.received + total
            data = parts and concat(parts) or data
            return nil, reason, prefix == "" and data or prefix .. data
        elseif #more > missing then
            self.buffer, self.at = more, 1
            more = pop(self, missing)
        end
        total = total + #more
        if parts then
            parts[#parts + 1] = more
        elseif data == "" then
            data = more
        else
            parts = { data, more }
        end
    end
    self.received = self.received + total
    data = parts and concat(parts) or data
    return prefix == "" and data or prefix .. data, nil, nil
end

local function without_cr(line)
    return find(line, "\r", 1, true) and (gsub(line, "\r", "")) or line
end

local function receive_line(self, prefix, deadline)
    local line = prefix
    local parts
    while true do
        local buffer, at = self.buffer, self.at
        if buffer == "" then
            local reason
            buffer, reason = read(self, PIECE, deadline)
            if not buffer then
                return nil, reason, parts and concat(parts) or line
            end
            self.buffer, self.at, at = buffer, 1, 1
        end
        local stop = find(buffer, "\n", at, true)
        local piece
        if stop then
            piece = without_cr(sub(buffer, at, stop - 1))
            self.received = self.received + stop - at + 1
            if stop == #buffer then
                self.buffer, self.at = "", 1
            else
                self.at = stop + 1
            end
        else
            piece = without_cr(at == 1 and buffer or sub(buffer, at))
            self.received = self.received + #buffer - at + 1
            self.buffer, self.at = "", 1
        end
        if parts then
            parts[#parts + 1] = piece
        elseif line == "" then
            line = piece
        else
            parts = { line, piece }
        end
        if stop then
            return parts and concat(parts) or line, nil, nil
        end
    end
end

local function receive_all(self, prefix, deadline)
    local parts, count, total = { prefix }, 1, 0
    local data = self.buffer ~= "" and pop(self, #self.buffer) or ""
    local reason
    repeat
        count, total = count + 1, total + #data
        parts[count] = data
        data, reason = read(self, 4 * PIECE, deadline)
    until not data
    self.received = self.received + total
    if reason == "closed" and total > 0 then
        return concat(parts), nil, nil
    end
    return nil, reason, concat(parts)
end

local function invalid(position, what)
    error(("bad argument #%d to 'receive' (%s)"):format(position, what), 3)
end

--- LuaSec's receive.
---@param self table the connection's state
---@param pattern string|number|nil
---@param prefix string?
function io.receive(self, pattern, prefix)
    if prefix == nil then
        prefix = ""
    elseif type(prefix) == "number" then
        prefix = tostring(prefix)
    elseif type(prefix) ~= "string" then
        invalid(2, "string expected, got " .. type(prefix))
    end
    local count = type(pattern) == "number" and pattern or tonumber(pattern)
    if not self.id then
        return nil, "closed", prefix
    elseif count then
        if count < 0 or count ~= count then
            invalid(1, "invalid receive pattern")
        end
        count = count < huge and count - count % 1 or ENDLESS
        if prefix ~= "" and count <= #prefix then
            return prefix, nil, nil
        end
        return receive_bytes(self, count - #prefix, prefix, deadline_of(self))
    elseif pattern == nil or pattern == "*l" or pattern == "l" then
        return receive_line(self, prefix, deadline_of(self))
    elseif pattern == "*a" or pattern == "a" then
        return receive_all(self, prefix, deadline_of(self))
    end
    return invalid(1, type(pattern) == "string" and "invalid receive pattern" or "string expected, got " .. type(pattern))
end

-- bound converts an argument of send to an integer, or to infinity.
local function bound(position, value)
    local number = type(value) ~= "boolean" and tonumber(value)
    if not number or number ~= number then
        error(("bad argument #%d to 'send' (number expected, got %s)"):format(position, number and "nan" or type(value)), 4)
    elseif number == huge or number == -huge then
        return number
    end
    return number < 0 and number + -number % 1 or number - number % 1
end

--- LuaSec's send.
---@param self table the connection's state
---@param data string|number
---@param first integer?
---@param last integer?
function io.send(self, data, first, last)
    if type(data) ~= "string" then
        if type(data) ~= "number" then
            error(("bad argument #1 to 'send' (string expected, got %s)"):format(data == nil and "no value" or type(data)), 3)
        end
        data = tostring(data)
    end
    local size = #data
    first, last = first == nil and 1 or bound(2, first), last == nil and -1 or bound(3, last)
    first = first < 0 and size + first + 1 or first
    last = last < 0 and size + last + 1 or last
    first = first < 1 and 1 or first
    last = last > size and size or last
    local at = first - 1
    if first > last then
        return at, nil, nil
    elseif not self.id then
        return nil, "closed", at
    end
    if last < size then
        data = sub(data, 1, last)
    end
    local id, deadline = self.id, self.total and deadline_of(self)
    repeat
        local result = connection_write_from(id, data, at, left(self, deadline))
        if result < 0 then
            self.sent = self.sent + at - first + 1
            return nil, failed(self, result, "write"), at
        end
        at = at + result
    until at >= last
    self.want = "nothing"
    self.sent = self.sent + at - first + 1
    return at, nil, nil
end

return io
