--- The connection of a request. All its calls share one deadline. Sockets and cleat.https.failure raise the errors.

local C = require "cleat.backend"
local compat = require "cleat.compat"
local address = require "cleat.socket.address"
local errors = require "cleat.errors"
local failure = require "cleat.https.failure"
local object = require "cleat.socket.object"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall

local concat, find, min, sub = table.concat, string.find, math.min, string.sub
local const = C.const

local LINE_MAX = 65536
local PIECE = 16384 -- the size of one receive: a TLS record

---@class cleat.https.Connection
---@field _sock cleat.Socket|cleat.ssl.SSLSocket
---@field _deadline number? see cleat.socket.waiting
---@field _data string received bytes; those before _next were read already
---@field _next integer
---@field _out string[] bytes to send
---@field _waiting integer the number of bytes in _out
---@field _to any[]? {host, port}, until secure() connects to it: see connection.through
local Connection = {}
Connection.__index = Connection

local connection = {}

-- left returns the seconds until the deadline, nil for no limit. It raises socket.timeout once the deadline has passed.
local function left(deadline)
    local seconds = waiting.remaining_or_nil(deadline)
    if seconds == 0 then
        errors.raise(errors.timeout, "timed out")
    end
    return seconds
end

-- wait_by_poll is the waiter for name resolution if there is no default waiter, because getaddrinfo itself has no
-- timeout.
local function wait_by_poll(resolution, _, timeout)
    return errors.check((C.poll({ resolution:fileno() }, { const.POLLIN }, 1, timeout or -1))) > 0
end

local function connect(entry, seconds)
    local sock = object.Socket(entry[1], entry[2], entry[3])
    sock:settimeout(seconds)
    local ok, err = pcall(sock.connect, sock, entry[5])
    if ok then
        return sock
    end
    sock:close()
    return nil, err
end

--- Makes a connection over a connected socket.
---@param sock cleat.Socket
---@param deadline number?
---@return cleat.https.Connection
function connection.over(sock, deadline)
    return setmetatable({ _sock = sock, _deadline = deadline, _data = "", _next = 1, _out = {}, _waiting = 0 }, Connection)
end

--- Connects to a host. Tries each of its addresses, with an equal share of the remaining time.
---@param host string
---@param port integer
---@param deadline number?
---@return cleat.https.Connection
function connection.open(host, port, deadline)
    local entries = address.resolve(host, port, 0, const.SOCK_STREAM, 0, 0, left(deadline), deadline and wait_by_poll)
    local last
    for index, entry in ipairs(entries) do
        local seconds = left(deadline)
        local sock, err = connect(entry, seconds and seconds / (#entries - index + 1))
        if sock then
            return connection.over(sock, deadline)
        elseif not errors.error:is(err) then
            error(err, 0)
        end
        last = err
    end
    return error(last or errors.error("getaddrinfo returns an empty list"), 0)
end

--- Prepares a connection over an event loop's socket; secure() connects it.
---@param sock any an unconnected socket that SSLContext:wrap_socket accepts
---@param host string
---@param port integer
---@param deadline number?
---@return cleat.https.Connection
function connection.through(sock, host, port, deadline)
    local self = connection.over(sock, deadline)
    self._to = { host, port }
    return self
end

--- Does the TLS handshake.
---@param context cleat.ssl.SSLContext
---@param host string the name that the certificate must match
---@param configs string? the server's configurations for Encrypted ClientHello
function Connection:secure(context, host, configs)
    if self._next <= #self._data then
        failure.fail("the proxy has sent bytes before the server could")
    end
    if not self._to then
        self._sock:settimeout(left(self._deadline))
    end
    self._sock = context:wrap_socket(self._sock, {
        server_hostname = host, suppress_ragged_eofs = false, ech_configs = configs,
    })
    local to = self._to
    if to then
        self._to = nil
        self._sock:settimeout(left(self._deadline))
        self._sock:connect(to)
    end
end

--- Buffers bytes. They are sent once there are enough of them, and by flush().
---@param data string
function Connection:write(data)
    self._out[#self._out + 1] = data
    self._waiting = self._waiting + #data
    if self._waiting >= PIECE then
        self:flush()
    end
end

--- Sends the bytes that write() has buffered.
function Connection:flush()
    local data = concat(self._out)
    self._out, self._waiting = {}, 0
    self._sock:settimeout(left(self._deadline))
    self._sock:sendall(data)
end

-- receive returns the next bytes, "" at the end of the stream.
local function receive(self, size)
    local sock = self._sock
    sock:settimeout(left(self._deadline))
    return sock:recv(size)
end

--- Returns 1 to `size` bytes; "" at the end of the stream.
---@param size integer
---@return string
function Connection:read(size)
    local data, from = self._data, self._next
    if from <= #data then
        local chunk = sub(data, from, from + size - 1)
        self._next = from + #chunk
        return chunk
    end
    return receive(self, min(size, PIECE))
end

local function closed()
    return failure.fail("closed")
end

-- finish_line receives the rest of a line whose beginning is buffered.
local function finish_line(self)
    local pieces, length = { sub(self._data, self._next) }, #self._data - self._next + 1
    while true do
        if length > LINE_MAX + 1 then
            failure.fail("malformed response: a line is longer than %d bytes", LINE_MAX)
        end
        local chunk = receive(self, PIECE)
        if chunk == "" then
            closed()
        end
        local at = find(chunk, "\n", 1, true)
        pieces[#pieces + 1] = at and sub(chunk, 1, at - 1) or chunk
        length = length + #pieces[#pieces]
        self._data, self._next = chunk, (at or #chunk) + 1
        if at then
            return concat(pieces)
        end
    end
end

--- Returns the next line without its CRLF or LF.
---@return string
function Connection:line()
    local data, from = self._data, self._next
    local at = find(data, "\n", from, true)
    local line
    if at then
        line, self._next = sub(data, from, at - 1), at + 1
    else
        line = finish_line(self)
    end
    if sub(line, -1) == "\r" then
        line = sub(line, 1, -2)
    end
    if #line > LINE_MAX then
        failure.fail("malformed response: a line is longer than %d bytes", LINE_MAX)
    elseif find(line, "\r", 1, true) or find(line, "\0", 1, true) then
        failure.fail("malformed response: control character in a line")
    end
    return line
end

--- Sets the deadline of later calls.
---@param deadline number?
function Connection:limit(deadline)
    self._deadline = deadline
end

--- Closes the connection. Closing it again has no effect.
function Connection:close()
    if self._to then -- any object
        pcall(function()
            self._sock:close()
        end)
        return
    end
    self._sock:close()
end

return connection
