--- Redis's protocol (RESP 2) over cleat's own sockets: five commands of it.
---
--- A link is a connection that one call uses at a time. There are three sorts: this one, and those over clients of
--- other libraries (cleat.sessions.redis.client). Each has
---   link:call(deadline, command, ...)  true and the reply (nil for none), false and the text of an error reply, or nil
---                                      and the text of a failure, after which the link is of no use
---   link:release()                     whether the link can be kept for the next call
---   link:close()
---   link.used                          whether it has served a call before, so that Redis may have closed it since

local C = require "cleat.backend"
local connection = require "cleat.https.connection"
local failure = require "cleat.https.failure"
local object = require "cleat.socket.object"
local waiting = require "cleat.socket.waiting"

local concat, sub = table.concat, string.sub
local const = C.const

local link = {}

-- The longest reply that is read, in bytes: a session is some kilobytes.
local LONGEST = 1048576

---@class cleat.sessions.redis.Link
---@field connection cleat.https.Connection
---@field used boolean
local Link = {}
Link.__index = Link

local function encode(...)
    local parts = { "*" .. select("#", ...) .. "\r\n" }
    for index = 1, select("#", ...) do
        local word = tostring((select(index, ...)))
        parts[#parts + 1] = "$" .. #word .. "\r\n"
        parts[#parts + 1] = word
        parts[#parts + 1] = "\r\n"
    end
    return concat(parts)
end

local function malformed()
    return failure.fail "a malformed reply"
end

local function read_bulk(conn, length)
    if length > LONGEST then
        failure.fail("a reply of %d bytes", length)
    end
    local parts, missing = {}, length + 2
    while missing > 0 do
        local piece = conn:read(missing)
        if piece == "" then
            failure.fail "closed"
        end
        parts[#parts + 1] = piece
        missing = missing - #piece
    end
    local bytes = concat(parts)
    if sub(bytes, -2) ~= "\r\n" then
        malformed()
    end
    return sub(bytes, 1, -3)
end

-- read_reply: no command that is used here is answered with an array.
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

local function talk(conn, ...)
    conn:write(encode(...))
    conn:flush()
    return { read_reply(conn) }
end

function Link:call(deadline, ...)
    self.connection:limit(deadline)
    local reply, err = failure.attempt(talk, self.connection, ...)
    if not reply then
        return nil, tostring(err)
    end
    return reply[1], reply[2]
end

function Link:release()
    self.used = true
    return true
end

function Link:close()
    self.connection:close()
end

local function connect(to, deadline)
    if not to.path then
        return connection.open(to.host, to.port, deadline)
    end
    local sock = object.Socket(const.AF_UNIX, const.SOCK_STREAM, 0)
    sock:settimeout(waiting.left(deadline))
    sock:connect(to.path)
    return connection.over(sock, deadline)
end

--- open connects to Redis.
---@param to table with host and port or path, and with context and server_hostname for TLS
---@param deadline number
---@return cleat.sessions.redis.Link? # nil and a text if it fails
---@return string?
function link.open(to, deadline)
    local conn, err = failure.attempt(connect, to, deadline)
    if conn and to.context then
        local ok
        ok, err = failure.attempt(function()
            conn:secure(to.context, to.server_hostname)
            return true
        end)
        if not ok then
            conn:close()
            conn = nil
        end
    end
    if not conn then
        return nil, tostring(err)
    end
    return setmetatable({ connection = conn, used = false }, Link)
end

return link
