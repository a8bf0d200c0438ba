--- Redis's protocol (RESP 2) over a cleat socket that all coroutines share.
---
--- Commands of several coroutines are sent together, and their replies are read in the same order. A coroutine that
--- waits for a reply has the reader's turn (cleat.socket.turns); it sends the commands of other coroutines after it has
--- received its reply. `post` does not wait for the reply; an error in the reply is stored in `problem`.

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

-- The maximum size of a reply, in bytes: a session has a few kilobytes.
local LONGEST = 1048576

-- The number of outstanding replies from which on `post` reads them.
local OUTSTANDING = 64

---@class cleat.sessions.redis.Link
---@field connection cleat.https.Connection
---@field queue string[] the commands to send
---@field asked integer the number of commands so far
---@field answered integer the number of replies that were read
---@field busy boolean whether a coroutine is reading. If the coroutine with the turn finds it true, the previous one
--- was killed
---@field broken string? the failure after which the link cannot be used
---@field problem string? the last error reply to a command of `post`
---@field served boolean? whether a call has succeeded: then a failure may mean that Redis has closed an idle connection
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

-- read_reply returns true and the reply, or false and the text of an error reply. None of the commands here has an
-- array as reply.
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

-- exchange sends the queue, and reads replies up to that of command number `last`.
local function exchange(self, last)
    flush(self)
    local ok, reply = true, nil
    while self.answered < last do
        ok, reply = read_reply(self.connection)
        self.answered = self.answered + 1
        if not ok and self.answered < last then -- a command of `post`, or of a coroutine that was killed
            self.problem = reply
        end
    end
    flush(self) -- the commands of other coroutines
    return { ok, reply }
end

local NO_TURN = {
    late = "timeout", closed = "closed",
    cannot = "another coroutine waits for Redis, and there is no default waiter (socket.setdefaultwaiter)",
    nested = "the TLS connection to Redis uses this store for its own sessions",
}

-- run_turn returns the results of request. posted: whether the reply to command number `last` is not needed.
local function run_turn(_, how, self, deadline, last, posted)
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

--- request sends a command, and waits for its reply. It returns true and the reply (nil for none); false and the text
--- of an error reply; or nil and the text of a failure, after which the link cannot be used.
---@param deadline number
---@param ... string the command
function Link:request(deadline, ...)
    encode(self.queue, ...)
    self.asked = self.asked + 1
    return turns.run(self, "reader", deadline, run_turn, self, deadline, self.asked, false)
end

--- post sends a command, and does not wait for its reply. It returns true, or nil and the text of a failure.
---@param deadline number
---@param ... string the command
function Link:post(deadline, ...)
    encode(self.queue, ...)
    self.asked = self.asked + 1
    if turns.busy(self, "reader") then
        return true -- the coroutine that has the turn sends it
    end
    local last = self.asked - self.answered > OUTSTANDING and self.asked or 0
    local ok, err = turns.run(self, "reader", deadline, run_turn, self, deadline, last, true)
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
---@return cleat.sessions.redis.Link? # nil and a message if it fails
---@return string?
function link.open(to, deadline)
    local conn, err = failure.attempt(connect, to, deadline)
    if not conn then
        return nil, tostring(err)
    end
    return setmetatable({ connection = conn, queue = {}, asked = 0, answered = 0, busy = false, _turns = false }, Link)
end

return link
