--- A TLS connection with the methods of LuaSocket's TCP clients, for modules that make their sockets by a `create`
--- hook.
---
--- A method that fails returns nil and an error, as in LuaSocket. "closed", "timeout" and "connection refused" are
--- LuaSocket's words, which programs compare. Other errors are cleat's error objects, which have more details, and can
--- be concatenated with strings. "closed" means that the peer has sent close_notify: a truncated connection must not
--- look like the end of a page.
---
--- Sent bytes are buffered until something is received.

local check = require "cleat.check"
local class = require "cleat.class"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local failure = require "cleat.https.failure"
local socket = require "cleat.socket"

local pcall = compat.pcall

local client = {}

---@class cleat.https.Client
---@field _context cleat.ssl.SSLContext|false false once closed
---@field _line (fun(line: string))|false is called with each received line
---@field _timeout number?
---@field _sock cleat.ssl.SSLSocket|false
---@field _file cleat.File|false
local Client = class.new("cleat.https.client", function()
    return errors.raise(errors.TypeError, "Client has no constructor: use client.new()")
end)

local attempt = failure.attempt

--- Makes a client, which is not connected yet.
---@param context cleat.ssl.SSLContext
---@param line fun(line: string)? called with each received line
---@return cleat.https.Client
function client.new(context, line)
    return setmetatable({ _context = context, _line = line or false, _timeout = false, _sock = false, _file = false }, Client.instance)
end

---@param timeout number? in seconds, for each wait; nil and negative numbers for no limit
---@return integer 1
function Client:settimeout(timeout)
    self._timeout = timeout and timeout >= 0 and timeout or false
    if self._sock then
        self._sock:settimeout(self._timeout or nil)
    end
    return 1
end

local function connect(self, host, port)
    if not self._context then
        return nil, "closed"
    end
    port = check.integer("connect", "port", tonumber(port) or port)
    local plain = socket.create_connection({ host, port }, self._timeout or nil)
    plain:settimeout(self._timeout or nil)
    local ok, sock = pcall(self._context.wrap_socket, self._context, plain, {
        server_hostname = host, suppress_ragged_eofs = false,
    })
    if not ok then
        plain:close()
        error(sock, 0)
    end
    self._sock, self._file = sock, sock:makefile("rw")
    return 1
end

--- Connects to a host, and does the handshake.
---@param host string
---@param port integer|string
---@return integer? 1
---@return any error
function Client:connect(host, port)
    return attempt(connect, self, host, port)
end

local function write(self, data)
    if not self._file then
        return nil, "closed"
    end
    self._file:write(data)
    return true
end

--- Sends data, or its bytes from the i-th to the j-th.
---@param data string
---@param i integer?
---@param j integer?
---@return integer? # the index of the last byte that was sent
---@return any error
---@return integer? # the same, after an error
function Client:send(data, i, j)
    i, j = i or 1, j or -1
    i = i < 0 and math.max(1, #data + i + 1) or math.max(1, i)
    j = j < 0 and #data + j + 1 or math.min(j, #data)
    local ok, err = attempt(write, self, data:sub(i, j))
    if not ok then
        return nil, err, i - 1
    end
    return j
end

local function read(self, pattern, prefix)
    local file = self._file
    if not file then
        return nil, "closed", prefix
    end
    file:flush()
    if type(pattern) == "number" then
        local wanted = pattern - #prefix
        local data = wanted > 0 and file:read(wanted) or ""
        if #data < wanted then
            return nil, "closed", prefix .. data
        end
        return prefix .. data
    elseif pattern:find("^%*?a") then
        return prefix .. file:read()
    end
    local line = file:readline()
    if line:sub(-1) ~= "\n" then
        return nil, "closed", prefix .. line
    end
    line = prefix .. line:sub(1, -2):gsub("\r", "")
    if self._line then
        self._line(line)
    end
    return line
end

--- Receives a line ("*l"), all bytes up to the end of the stream ("*a"), or a number of bytes. Bytes that were received
--- before an error are kept for the next call.
---@param pattern string|integer|nil "*l" by default
---@param prefix string? is prepended to the result, and counted
---@return string?
---@return any error
---@return string? # after an error, the prefix; at the end of the stream, with the received bytes
function Client:receive(pattern, prefix)
    prefix = prefix or ""
    local data, err, partial = attempt(read, self, pattern or "*l", prefix)
    if data then
        return data
    end
    return nil, err, partial or prefix
end

--- Closes the connection. Closing it again has no effect.
---@return integer 1
function Client:close()
    local file, sock = self._file, self._sock
    self._file, self._sock, self._line = false, false, false
    self._context = false -- LuaJIT's traces may keep the closures of a request, and the objects they refer to
    if file then
        sock:close()
        pcall(file.close, file)
    end
    return 1
end

--- Returns the descriptor, for select; -1 if there is none.
---@return integer
function Client:getfd()
    return self._sock and self._sock:fileno() or -1
end

--- Returns whether there are buffered bytes, which select does not report.
---@return boolean
function Client:dirty()
    return self._sock and (self._sock:pending() > 0 or self._file._held > 0) or false
end

class.properties(Client, {}, {})

return client
