--- nginx: cosockets (lua-nginx-module's ngx.socket.tcp and ngx.req.socket) as something to wrap.
---
---     local stream = context:wrap_socket(ngx.socket.tcp(), {server_hostname = "example.org"})
---     stream:connect {"example.org", 443}
---
--- Each call lets nginx serve others while it waits. The socket's timeout, in seconds, is given to the cosocket; without one the
--- cosocket's own timeouts hold. close() closes the cosocket. TLS is cleat's: nginx's OpenSSL, its certificates and its lua_ssl_*
--- settings have no part in it.

local errors = require "cleat.errors"
local methods = require "cleat.adapters.methods"

local nginx = {}

-- The most that is received at once: two full records.
local PIECE = 2 * (16384 + 256 + 5)

function nginx.accepts(value)
    return type(value) == "table" and methods.has(value, "receive", "receiveany", "send", "settimeout", "settimeouts")
end

---@class cleat.adapters.nginx.Stream
---@field value any the cosocket
local Stream = {}
Stream.__index = Stream

local function fail(what, message)
    return methods.failed("cosocket", what, message)
end

-- limit gives the cosocket a timeout for its next call: milliseconds, and no 0.
local function limit(self, timeout)
    if timeout then
        local milliseconds = math.max(1, math.ceil(timeout * 1000))
        self.value:settimeouts(milliseconds, milliseconds, milliseconds)
    end
end

-- ngx.req.socket's have a peer from the beginning, and no connect.
function Stream:connected()
    local value = self.value
    return value.connect == nil or value:getreusedtimes() ~= nil
end

function Stream:connect(to, timeout)
    local host, where = methods.endpoint(to)
    limit(self, timeout)
    local ok, message
    if host then
        ok, message = self.value:connect(host:find(":", 1, true) and "[" .. host .. "]" or host, where)
    else
        ok, message = self.value:connect("unix:" .. where)
    end
    if not ok and message == "timeout" then
        errors.throw(errors.timeout("timed out"))
    elseif not ok then
        fail("connect", message)
    end
end

function Stream:receive(timeout)
    limit(self, timeout)
    local bytes, message = self.value:receiveany(PIECE)
    if bytes then
        return bytes
    elseif message == "closed" then
        return ""
    elseif message ~= "timeout" then
        fail("receive", message)
    end
end

function Stream:send(bytes, timeout)
    limit(self, timeout)
    local sent, message = self.value:send(bytes)
    if not sent and message ~= "timeout" then
        fail("send", message)
    end
    return sent and true or nil
end

function Stream:close()
    if self.value.close then
        self.value:close()
    end
end

function nginx.take(value)
    return { stream = setmetatable({ value = value }, Stream) }
end

return nginx
