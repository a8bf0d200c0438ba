--- Redis's protocol (RESP 2) over one of cleat's own sockets, which all coroutines share.
---
--- Commands of several coroutines are sent together, and their replies are read in the same order. A coroutine that
--- waits for a reply has the reader's turn (cleat.socket.turns). What other coroutines want to send meanwhile is sent
--- when it has its reply. A command that is posted costs no wait; an error in its reply is found later, in `problem`.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local connection = require "cleat.https.connection"
local failure = require "cleat.https.failure"
local object = require "cleat.socket.object"
local place = require "cleat.socket.place"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"

local concat, sub = table.concat, string.sub
local pcall = compat.pcall
local const = C.const

local link = {}

-- The longest reply that is read, in bytes: a session is some kilobytes.
local LONGEST = 1048576

-- How many replies may be outstanding before `post` reads them.
local OUTSTANDING = 64

---@class cleat.sessions.redis.Link
---@field connection cleat.https.Connection
---@field queue string[] what is to be sent
---@field asked integer how many commands there were
---@field answered integer how many replies were read
---@field busy boolean whether a coroutine is reading: if a second one sees that, the first was killed
---@field broken string? why the link is of no use any more
---@field problem string? the last error reply to a command that was posted
---@field served boolean? whether a call has succeeded, so that Redis may have closed the connection since
---@field _turns table|false
local Link = {}
Link.__index = Link

function Link._place()
    return waiting.default and place.new(waiting.default)
end

function Link._turns_changed() end

local function encode(queue, ...)
    local count = select("#", ...)
    local text = "*" .. count .. "\r\n"
    for index = 1, count do
        local word = (select(index, ...))
        text = text .. "$" .. #word .. "\r\n" .. word .. "\r\n"
    end
    queue[#queue + 1] = text
end

local function malformed()
    return failure.fail "a malformed reply"
end

local function read_bulk(conn, length)
    if length > LONGEST then
        failure.fail("a reply of %d bytes", length)
    end
    local bytes = conn:read(length + 2)
    local missing = length + 2 - #bytes
    if missing > 0 then
        local parts = { bytes }
        while missing > 0 do
            local piece = conn:read(missing)
            if piece == "" then
                failure.fail "closed"
            end
            parts[#parts + 1] = piece
            missing = missing - #piece
        end
        bytes = concat(parts)
    end
    if sub(bytes, -2) ~= "\r\n" then
        malformed()
    end
    return sub(bytes, 1, -3)
end

-- read_reply returns true and the reply, or false and the text of an error reply. No command that is used here is
-- answered with an array.
local function read_reply(conn)
    local line = conn:line()
    local kind, rest = sub(line, 1, 1), sub(line, 2)
    if kind == "+" then
        return true, rest
    elseif kind == "-" then
        return false, rest
    elseif kind == ":" and rest:find "^%-?%d+$" then
        return true, tonumber(rest)
    elseif rest == "-1" and (kind == "$" or kind == "*") then
        return true, nil
    elseif kind == "$" and rest:find "^%d+$" and #rest < 10 then
        return true, read_bulk(conn, tonumber(rest))
    end
    return malformed()
end

local function flush(self)
    local queue = self.queue
    if queue[1] then
        self.queue = {}
        self.connection:write(concat(queue))
        self.connection:flush()
    end
end

-- exchange sends what there is to send, and reads replies up to the one to command number `last`.
local function exchange(self, last)
    flush(self)
    local ok, reply = true, nil
    while self.answered < last do
        ok, reply = read_reply(self.connection)
        self.answered = self.answered + 1
        if not ok and self.answered < last then -- of a command that was posted, or whose coroutine was killed
            self.problem = reply
        end
    end
    flush(self) -- what others want to send
    return { ok, reply }
end

local NO_TURN = {
    late = "timeout", closed = "closed", cannot = "another coroutine waits for Redis, and there is no default waiter",
    nested = "the connection to Redis uses the sessions that are stored there",
}

-- take_turn returns as ask does; posted: the reply to command number `last` is not the result.
local function take_turn(_, how, self, deadline, last, posted)
    if NO_TURN[how] then
        return nil, NO_TURN[how]
    elseif self.broken then
        return nil, self.broken
    elseif self.busy then
        self.broken = "closed"
        return nil, self.broken
    end
    self.busy = true
    self.connection:limit(deadline)
    local result, err = failure.attempt(exchange, self, last)
    self.busy = false
    if not result then
        self.broken = tostring(err)
        return nil, self.broken
    elseif posted and not result[1] then
        self.problem = result[2]
    end
    return result[1], result[2]
end

--- ask sends a command and waits for its reply. It returns true and the reply (nil for none), false and the text of an
--- error reply, or nil and the text of a failure, after which the link is of no use.
---@param deadline number
---@param ... string the command
function Link:ask(deadline, ...)
    encode(self.queue, ...)
    self.asked = self.asked + 1
    return turns.run(self, "reader", deadline, take_turn, self, deadline, self.asked, false)
end

--- post sends a command and does not wait for its reply. It returns true, or nil and the text of a failure.
---@param deadline number
---@param ... string the command
function Link:post(deadline, ...)
    encode(self.queue, ...)
    self.asked = self.asked + 1
    if turns.busy(self, "reader") then
        return true -- it is sent by the coroutine that has the turn
    end
    local last = self.asked - self.answered > OUTSTANDING and self.asked or 0
    local ok, err = turns.run(self, "reader", deadline, take_turn, self, deadline, last, true)
    if ok == nil then
        return nil, err
    end
    return true
end

function Link:close()
    self.broken = self.broken or "closed"
    self.connection:close()
end

local function connect(to, deadline)
    local conn
    if to.path then
        local sock = object.Socket(const.AF_UNIX, const.SOCK_STREAM, 0)
        sock:settimeout(waiting.remaining_or_nil(deadline))
        sock:connect(to.path)
        conn = connection.over(sock, deadline)
    else
        conn = connection.open(to.host, to.port, deadline)
    end
    if to.context then
        local ok, err = pcall(conn.secure, conn, to.context, to.server_hostname)
        if not ok then
            conn:close()
            error(err, 0)
        end
    end
    return conn
end

--- open connects to Redis.
---@param to table with host and port or path, and with context and server_hostname for TLS
---@param deadline number
---@return cleat.sessions.redis.Link? # nil and a text if it fails
---@return string?
function link.open(to, deadline)
    local conn, err = failure.attempt(connect, to, deadline)
    if not conn then
        return nil, tostring(err)
    end
    return setmetatable({ connection = conn, queue = {}, asked = 0, answered = 0, busy = false, _turns = false }, Link)
end

return link
