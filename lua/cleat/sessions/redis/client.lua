--- Redis clients of other libraries. A client is used by one call at a time. A wrapped client has
---   client:call(deadline, command, ...)  returns true and the reply (nil for none); false and the text of an error
---                                        reply; or nil and a failure, after which the client cannot be used
---   client:release()                     returns whether the client can be kept for the next call
---   client:close()
---   client.used                          whether a call has succeeded: Redis may have closed the connection since
---
--- * lua-resty-redis (Debian's lua-nginx-redis) returns a value, nil and a failure, or false and an error reply. A
---   cosocket belongs to a request, so it goes to nginx's pool after each call.
--- * redis-lua (Debian's lua-redis) returns a value, and raises everything else as a string.

local compat = require "cleat.compat"
local waiting = require "cleat.socket.waiting"

local pcall = compat.pcall

local client = {}

-- How long a connection stays in nginx's pool, in milliseconds.
local IDLE = 60000

local function has(value, ...)
    for index = 1, select("#", ...) do
        local ok, method = pcall(function(name)
            return value[name]
        end, (select(index, ...)))
        if not ok or type(method) ~= "function" then
            return false
        end
    end
    return true
end

local Resty = {}
Resty.__index = Resty

function Resty:call(deadline, command, ...)
    local left = waiting.remaining(deadline)
    if left == 0 then
        self.client:close()
        return nil, "timeout"
    end
    self.client:set_timeout(math.max(1, math.ceil(left * 1000)))
    local value, err = self.client[command:lower()](self.client, ...)
    if value == nil then
        return nil, tostring(err)
    elseif value == false then
        return false, tostring(err)
    elseif value == ngx.null then -- luacheck: ignore 113
        return true, nil
    end
    return true, value
end

function Resty:release()
    self.client:set_keepalive(IDLE, self.most)
    return false
end

function Resty:close()
    self.client:close()
end

local RedisLua = {}
RedisLua.__index = RedisLua

-- limit sets the timeout of LuaSocket's object to the remaining time. redis-lua reads in several calls.
local function limit(self, deadline)
    local sock = self.client.network and self.client.network.socket
    if sock and sock.settimeout then
        local left = waiting.remaining(deadline)
        if left == 0 then
            error("timeout", 0)
        end
        sock:settimeout(left, "t")
    end
end

local function bounded(network, self)
    local read, write = network.read, network.write
    function network.read(...)
        limit(self, self.deadline)
        return read(...)
    end
    function network.write(...)
        limit(self, self.deadline)
        return write(...)
    end
end

function RedisLua:call(deadline, command, ...)
    self.deadline = deadline
    local ok, value = pcall(self.client[command:lower()], self.client, ...)
    if ok then
        return true, value
    end
    local text = tostring(value)
    local reply = text:match "redis error: (.*)$"
    if reply then
        return false, reply
    end
    return nil, text
end

function RedisLua:release()
    self.used = true
    return true
end

function RedisLua:close()
    local sock = self.client.network and self.client.network.socket
    if sock and sock.close then
        pcall(sock.close, sock)
    end
end

--- wrap wraps the client of a library. most: the maximum number of connections in nginx's pool.
---@param value any
---@param most integer
---@return table? # nil if it is not a client of one of the libraries
function client.wrap(value, most)
    if has(value, "set_timeout", "set_keepalive", "get_reused_times", "get", "set") then
        local used = value:get_reused_times()
        return setmetatable({ client = value, most = most, used = (used or 0) > 0 }, Resty)
    elseif has(value, "raw_cmd", "get", "set", "del") then
        local self = setmetatable({ client = value, used = false }, RedisLua)
        if type(value.network) == "table" then
            bounded(value.network, self)
        end
        return self
    end
end

--- is_nginx returns whether this Lua state belongs to nginx.
---@return boolean
function client.is_nginx()
    local nginx = rawget(_G, "ngx")
    return type(nginx) == "table" and type(nginx.socket) == "table"
end

--- open connects with the client for nginx.
---@param to table with host and port or path, and pool, a name
---@param deadline number
---@param most integer
---@return table? # nil and a message if it fails
---@return string?
function client.open(to, deadline, most)
    local found, library = pcall(require, "resty.redis")
    if not found then
        found, library = pcall(require, "nginx.redis")
    end
    if not found then
        return nil, "neither lua-resty-redis (resty.redis) nor lua-nginx-redis (nginx.redis) is installed"
    end
    local new, err = library:new()
    if not new then
        return nil, tostring(err)
    end
    new:set_timeout(math.max(1, math.ceil(waiting.remaining(deadline) * 1000)))
    local options = { pool = to.pool, pool_size = most, backlog = 65536 }
    local ok
    if to.path then
        ok, err = new:connect("unix:" .. to.path, options)
    else
        ok, err = new:connect(to.host, to.port, options)
    end
    if not ok then
        return nil, tostring(err)
    end
    return client.wrap(new, most)
end

return client
