--- starttls() for cqueues' sockets: it makes an object with their methods, see cleat.adapters.cqueues.socket.

local compat = require "cleat.compat"
local cqueues = require "cqueues"
local cqueues_errno = require "cqueues.errno"
local cqueues_socket = require "cqueues.socket"
local SSLContext = require "cleat.ssl.context"
local check = require "cleat.check"
local errors = require "cleat.errors"
local input = require "cleat.adapters.cqueues.input"
local modes = require "cleat.adapters.cqueues.mode"
local output = require "cleat.adapters.cqueues.output"
local report = require("cleat.adapters.cqueues.failure").report
local Socket = require "cleat.adapters.cqueues.waits"
require "cleat.adapters.cqueues.settings"

local monotime = cqueues.monotime
local ECONNRESET, EPROTO, ETIMEDOUT = cqueues_errno.ECONNRESET, cqueues_errno.EPROTO, cqueues_errno.ETIMEDOUT

local ERRORS = 100 -- how often cqueues returns a stored error before it raises it

local tls = {}

local instance = { __index = Socket, __name = "cleat TLS over a cqueues socket" }

function instance:__tostring()
    return ("<TLS over %s>"):format(tostring(self._plain))
end

function instance:__close()
    self:close()
end

-- Before starttls() an object forwards all methods to its cqueues socket.
local before = { __name = "cqueues socket, for TLS by cleat" }

local forwards = {}

local function returned(self, first, ...)
    if first == self._plain then
        return self, ...
    end
    return first, ...
end

-- forward returns a method that calls the cqueues socket's method of that name.
local function forward(name)
    forwards[name] = forwards[name] or function(self, ...)
        return returned(self, self._plain[name](self._plain, ...))
    end
    return forwards[name]
end

function before:__index(name)
    if name == "starttls" then
        return Socket.starttls
    elseif type(name) == "string" and name:sub(1, 1) ~= "_" and self._plain[name] then
        return forward(name)
    end
end

function before:__tostring()
    return ("<%s, before TLS>"):format(tostring(self._plain))
end

--- wrap makes the object, which has no TLS yet.
---@param plain any a socket of cqueues
---@param options cleat.ssl.WrapOptions for the SSLContext's wrap_socket
function tls.wrap(plain, options)
    return setmetatable({ _plain = plain, _options = options }, before)
end

-- attach makes the TLS connection, and copies the settings of the cqueues socket.
local function attach(self, context)
    local plain = self._plain
    if plain:checktls() then
        errors.raise(errors.ValueError, "starttls() on a cqueues socket that has TLS already")
    end
    local options = { do_handshake_on_connect = false }
    for name, value in pairs(self._options) do
        options[name] = value
    end
    local reading, writing = plain:setmode(nil, nil)
    self._read_mode, self._write_mode = modes.change(modes.INITIAL, reading), modes.change(modes.INITIAL, writing)
    self._read_size, self._write_size = plain:setbufsiz(nil, nil)
    self._read_line, self._write_line = plain:setmaxline(nil, nil)
    self._timeout, self._handler = plain:timeout() or false, plain:onerror()
    self._request = { pollfd = plain:pollfd(), events = "" }
    self._connection = context:wrap_socket(plain, options)
    self._input, self._output = input.new(), output.new()
    self._read_error, self._write_error = { count = 0, limit = ERRORS }, { count = 0, limit = ERRORS }
    self._closed, self._broken, self._shut_read, self._notified = false, false, false, false
    self._id, self._reads, self._writes, self._failure, self._failure_number = 0, "", "", nil, nil
    self._waiting = setmetatable({}, { __mode = "k" }) -- the coroutines that poll
    self._more = function(limit)
        return self:_fill(limit)
    end
    setmetatable(self, instance)
end

-- number_of returns cqueues' error number for an error of cleat.
local function number_of(err)
    if errors.timeout:is(err) then
        return ETIMEDOUT
    elseif errors.SSLEOFError:is(err) then
        return ECONNRESET
    elseif errors.SSLError:is(err) or not errors.EnvironmentError:is(err) then
        return EPROTO
    end
    return type(err.errno) == "number" and err.errno or EPROTO
end

local function do_handshake(self, timeout)
    local connection = self._connection
    if timeout and timeout <= 0 then
        return nil, report(self, "starttls", ETIMEDOUT)
    end
    connection:settimeout(timeout or nil)
    local ok, err = compat.pcall(connection.do_handshake, connection)
    if ok then
        connection:settimeout(0) -- from now on the methods of this object do the waiting
        self._id = connection._tls
        return self
    end
    local number = number_of(err)
    if number ~= ETIMEDOUT then
        self._failure, self._failure_number, self._broken = err, number, true
    end
    return nil, report(self, "starttls", number)
end

--- Does the handshake with a context. After a timeout another call continues it. Returns the object, or nil and the
--- error.
---@param context cleat.ssl.SSLContext
---@param timeout number?
function Socket:starttls(context, timeout)
    if type(context) == "number" then
        context, timeout = timeout, context
    end
    if getmetatable(self) == before then
        if not SSLContext:is(context) then
            check.fail("starttls", "context", "an SSLContext of cleat.ssl", context)
        end
        local deadline = timeout and monotime() + timeout
        if (self._plain:peername() or 0) == 0 then -- not connected yet
            local ok, err, number = self._plain:connect(timeout)
            if not ok then
                return nil, err, number
            end
        end
        local ok, err = compat.pcall(attach, self, context)
        if not ok and errors.EnvironmentError:is(err) then -- the peer may have disconnected already
            return nil, report(self, "starttls", number_of(err))
        elseif not ok then
            error(err, 0)
        end
        timeout = deadline and deadline - monotime()
    elseif self._id ~= 0 or self._closed then
        return self
    end
    return do_handshake(self, timeout or self._timeout)
end

local function or_close(self, ok, ...)
    if not ok then
        self:close()
    end
    return ok, ...
end

--- start calls starttls, and closes the object if it fails.
function tls.start(self, context, timeout)
    return or_close(self, self:starttls(context, timeout))
end

--- The function starttls of cleat.adapters.cqueues.
function tls.starttls(plain, context, options)
    if cqueues_socket.type(plain) ~= "socket" then
        check.fail("starttls", "sock", "an open socket of cqueues", plain)
    end
    local timeout
    local wrap = {}
    for name, value in pairs(options or {}) do
        if name == "timeout" then
            timeout = value
        else
            wrap[name] = value
        end
    end
    return tls.start(tls.wrap(plain, wrap), context, timeout)
end

return tls
