--- A store of sessions in Redis, for SSLContext:set_session_store and cleat.sessions: servers on many machines resume
--- each other's sessions.
---
---     local store = require("cleat.sessions.redis").new { host = "10.0.0.5", password = "secret" }
---
--- No handshake fails because of Redis. Each call ends within the timeout, and if Redis is down, slow or full, a
--- handshake is a full one. After a failure the store pauses, so that only one handshake in each pause waits for a
--- Redis that does not respond. It reconnects automatically.
---
--- The stored sessions contain the keys of connections: protect Redis as well as the server's private key.
--- docs/fleet.md describes the effect of a stolen copy.

local C = require "cleat.backend"
local check = require "cleat.check"
local client = require "cleat.sessions.redis.client"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local link = require "cleat.sessions.redis.link"
local place = require "cleat.socket.place"
local pool = require "cleat.sessions.redis.pool"
local ssl = require "cleat.ssl"
local strict = require "cleat.strict"
local turns = require "cleat.socket.turns"
local waiting = require "cleat.socket.waiting"

local pcall, unpack = compat.pcall, compat.unpack

local redis = {}

local function now()
    local _, seconds = C.monotonic()
    return seconds
end

---@class cleat.sessions.redis.Store
---@field to table the address of Redis, see link.open
---@field login table[] the first commands of a new connection
---@field connect function? returns a new client
---@field link cleat.sessions.redis.Link?
---@field problem string? an error reply that was not raised yet
---@field _turns table|false
---@field nginx boolean whether the connections are cosockets of nginx
---@field most integer the maximum number of connections
---@field timeout number
---@field pause number
---@field pool cleat.sessions.redis.Pool
---@field paused_until number no requests are made before this time, on the clock of timeouts
---@field failing boolean whether the last call has failed
---@field read_only_until number nothing is written before this time
local Store = {}
Store.__index = Store

local function fail(self, command, text)
    return errors.raise(errors.error, C.const.EIO, ("%s: %s: %s"):format(self.name, command, text))
end

-- Coroutines that find no connection wait for the coroutine that connects.
function Store._place()
    return waiting.default and place.new(waiting.default)
end

function Store._turns_changed() end

local function log_in(self, request)
    for _, words in ipairs(self.login) do
        local ok, reply = request(unpack(words))
        if not ok then
            return ("%s: %s"):format(words[1], tostring(reply))
        end
    end
end

local function open_link(_, how, self, deadline)
    if how ~= "first" and how ~= "waited" then
        return nil, how == "late" and "timeout" or "the connection to Redis uses the sessions that are stored there"
    elseif self.link then
        return self.link
    end
    local new, err = link.open(self.to, deadline)
    if not new then
        return nil, err
    end
    err = log_in(self, function(...)
        return new:request(deadline, ...)
    end)
    if err then
        new:close()
        return nil, err
    end
    self.link = new
    return new
end

-- request_by_link makes a request over the connection that all coroutines share, and repeats it once if Redis has
-- closed the connection since the last request. method: "request" or "post". Returns the results of Link:request.
local function request_by_link(self, method, deadline, ...)
    while true do
        local current, err = self.link, nil
        if not current then
            current, err = turns.run(self, "handshake", deadline, open_link, self, deadline)
        end
        if not current then
            return nil, err
        end
        local ok, reply = current[method](current, deadline, ...)
        if ok ~= nil then
            current.served = true
            self.problem, current.problem = current.problem or self.problem, nil
            return ok, reply
        end
        if self.link == current then
            self.link = nil
        end
        current:close()
        if not current.served or waiting.remaining(deadline) == 0 then
            return nil, reply
        end
    end
end

local function make_client(self, deadline)
    local new, err
    if self.connect then
        local value
        value, err = self.connect()
        if not value then
            return nil, "the function 'connect' has returned no client: " .. tostring(err)
        end
        new = client.wrap(value, self.most)
        return new, "the function 'connect' has returned " .. check.kind(value)
            .. ", and no client of redis-lua or lua-resty-redis"
    end
    new, err = client.open(self.to, deadline, self.most)
    if not new or new.used then -- connections from nginx's pool are logged in already
        return new, err
    end
    err = log_in(self, function(...)
        return new:call(deadline, ...)
    end)
    if err then
        new:close()
        return nil, err
    end
    return new
end

-- request_by_client makes a request with a client, if necessary with a second one. Returns the client if it can be
-- kept, and the results of client:call.
local function request_by_client(self, kept, deadline, ...)
    local current, err = kept, nil
    if not current then
        current, err = make_client(self, deadline)
    end
    if not current then
        return nil, nil, err
    end
    local was_used = current.used
    local ok, reply = current:call(deadline, ...)
    if ok ~= nil then
        return current:release() and current or nil, ok, reply
    end
    current:close()
    if was_used and waiting.remaining(deadline) > 0 then
        self.pool:clear()
        return request_by_client(self, nil, deadline, ...)
    end
    return nil, nil, reply
end

-- request returns the results of Link:request.
local function request(self, method, ...)
    local deadline = waiting.deadline(self.timeout)
    if not self.nginx and not self.connect then
        return request_by_link(self, method, deadline, ...)
    elseif self.nginx then -- nginx has a pool
        return select(2, request_by_client(self, nil, deadline, ...))
    end
    local words, ok, reply = { ... }, nil, nil
    self.pool:use(deadline, function(kept)
        local result
        result, ok, reply = request_by_client(self, kept, deadline, unpack(words))
        return result
    end)
    return ok, reply
end

-- raise_problem raises the error reply to an earlier command of `post`, which did not wait for the reply.
local function raise_problem(self)
    local text = self.problem
    if text then
        self.problem, self.read_only_until = nil, now() + self.pause
        fail(self, "SET", text)
    end
end

-- perform makes a request unless the store pauses. It returns whether the request was made, and the reply; or it
-- raises.
local function perform(self, writes, method, ...)
    if writes then
        raise_problem(self)
    end
    local time = now()
    if time < self.paused_until or (writes and time < self.read_only_until) then
        return false
    elseif self.failing then
        self.paused_until = time + self.timeout + self.pause -- only one of several calls tries again
    end
    local asked, ok, reply = pcall(request, self, method, ...)
    if asked and ok then
        self.paused_until, self.failing = 0, false
        if writes then
            raise_problem(self)
        end
        return true, reply
    elseif asked and ok == false and writes then
        self.paused_until, self.failing = 0, false
        self.read_only_until = now() + self.pause -- out of memory, read-only, …: reading may still be possible
    else
        self.paused_until, self.failing = now() + self.pause, true
    end
    return fail(self, (...), tostring(not asked and ok or reply))
end

local function seconds(f, lifetime)
    if type(lifetime) ~= "number" or lifetime ~= lifetime then
        check.fail(f, "lifetime", "a number", lifetime)
    end
    return math.max(0, math.min(2147483647, math.floor(lifetime)))
end

local NAMES = { "host", "port", "path", "username", "password", "database", "context", "server_hostname", "connect",
    "prefix", "timeout", "pause", "connections" }
local parse_new = keywords.parser("new", NAMES)

local function positive(name, value, default)
    value = check.timeout("new", value)
    if value == nil then
        return default
    elseif value == 0 then
        errors.raise(errors.ValueError, ("new() argument '%s' must be above 0"):format(name))
    end
    return value
end

-- place_of returns the address of Redis, and its name in messages.
local function place_of(host, port, path, context, server_hostname)
    local to = { path = check.optional_path("new", "path", path), context = context }
    if to.path then
        if host ~= nil or port ~= nil then
            errors.raise(errors.ValueError, "new() takes host and port, or path")
        end
        to.server_hostname = check.optional_string("new", "server_hostname", server_hostname)
        return to, "redis " .. to.path
    end
    to.host = check.optional_string("new", "host", host) or "127.0.0.1"
    to.port = check.optional_integer("new", "port", port, 6379, 1, 65535)
    to.server_hostname = check.optional_string("new", "server_hostname", server_hostname) or to.host
    return to, ("redis %s:%d"):format(to.host, to.port)
end

local function login_of(username, password, database)
    local login = {}
    if check.optional_string("new", "username", username) and password == nil then
        errors.raise(errors.ValueError, "new() argument 'username' needs a password")
    end
    if check.optional_string("new", "password", password) then
        login[1] = username and { "AUTH", username, password } or { "AUTH", password }
    end
    if check.optional_integer("new", "database", database, 0, 0) ~= 0 then
        login[#login + 1] = { "SELECT", ("%d"):format(database) }
    end
    return login
end

-- store_of returns the functions of the store.
local function store_of(self, prefix)
    local store = {}
    function store.get(key)
        local _, reply = perform(self, false, "request", "GET", prefix .. check.string("get", "key", key))
        return type(reply) == "string" and reply or nil
    end
    function store.put(key, bytes, lifetime)
        key = prefix .. check.string("put", "key", key)
        lifetime = seconds("put", lifetime)
        if lifetime > 0 then
            perform(self, true, "post", "SET", key, check.string("put", "bytes", bytes), "EX", ("%d"):format(lifetime))
        end
    end
    function store.remove(key)
        perform(self, false, "post", "DEL", prefix .. check.string("remove", "key", key))
    end
    function store.add(key, lifetime)
        key = prefix .. "+" .. check.string("add", "key", key)
        lifetime = ("%d"):format(math.max(1, seconds("add", lifetime)))
        local asked, reply = perform(self, true, "request", "SET", key, "", "NX", "EX", lifetime)
        return asked and (reply == "OK" or reply == true)
    end
    return store
end

--- Makes a store with the functions get, put, remove and add. Set its field `error` to a function that is called with
--- each failure.
---
---     local store = require("cleat.sessions.redis").new { host = "10.0.0.5", timeout = 0.1 }
---     function store.error(err)
---         print("no session from Redis", err)
---     end
---
--- It connects when it is first used. Outside of nginx it uses cleat's sockets: with a default waiter
--- (socket.setdefaultwaiter) other coroutines run while one waits for Redis; without one the thread blocks. In nginx it
--- uses lua-resty-redis (`resty.redis`, or Debian's `nginx.redis`) and nginx's connection pool. For another client pass
--- `connect`: a function that returns a client of redis-lua or lua-resty-redis, connected and logged in, which the
--- store calls again after a failure.
---
--- The store uses the commands GET, SET with EX, SET with NX and EX, DEL, and after connecting AUTH and SELECT. Over
--- cleat's sockets all coroutines share one connection, and put and remove do not wait for the reply: a later put
--- raises an error in it. Otherwise get, put, remove and add raise socket.error if the request fails. During a pause
--- they do nothing: get returns nil, and add false. After an error reply to SET, for example because Redis is out of
--- memory, only put and add pause.
---
--- Raises: ValueError, TypeError.
--- Python: none.
---@param host string? "127.0.0.1" by default
---@param port integer? 6379 by default
---@param path string? the path of a Unix socket, instead of `host` and `port`
---@param username string? for Redis 6 with ACLs; needs `password`
---@param password string?
---@param database integer? 0 by default
---@param context cleat.ssl.SSLContext? a client's context, to connect to Redis with TLS; not in nginx
---@param server_hostname string? the name that Redis's certificate must match; `host` by default
---@param connect (fun(): any)? returns a client; only the arguments below can be combined with it
---@param prefix string? the prefix of all keys in Redis; "cleat:" by default
---@param timeout number? in seconds, for a whole call including connecting, in nginx for each of its steps; 0.25 by
--- default
---@param pause number? for how many seconds the store pauses after a failure; 1 by default
---@param connections integer? the maximum number of connections of a process, in nginx and with `connect`; 16 by
--- default
---@return cleat.sessions.Store
function redis.new(host, port, path, username, password, database, context, server_hostname, connect, prefix, timeout,
    pause, connections, ...)
    host, port, path, username, password, database, context, server_hostname, connect, prefix, timeout, pause, connections =
        parse_new(host, port, path, username, password, database, context, server_hostname, connect, prefix, timeout,
            pause, connections, ...)
    if connect ~= nil then
        if not check.callable(connect) then
            check.fail("new", "connect", "a function or nil", connect)
        elseif host or port or path or username or password or database or context or server_hostname then
            errors.raise(errors.ValueError,
                "new() argument 'connect' is given: its client has the address and the password, so omit the others")
        end
    end
    prefix = check.optional_string("new", "prefix", prefix) or "cleat:"
    connections = check.optional_integer("new", "connections", connections, 16, 1)
    local nginx = client.is_nginx()
    if context ~= nil and not ssl.SSLContext:is(context) then
        check.fail("new", "context", "an SSLContext or nil", context)
    elseif context ~= nil and nginx then
        errors.raise(errors.NotImplementedError,
            "new() argument 'context' is not supported in nginx: pass 'connect', a function that makes a client with TLS")
    end
    local to, name = place_of(host, port, path, context, server_hostname)
    -- Connections with different logins must not share a pool.
    to.pool = ("cleat %s %s %d"):format(name, username or "", database or 0)
    local self = setmetatable({
        to = to, name = connect and "redis" or name, login = login_of(username, password, database), connect = connect,
        nginx = nginx, most = connections, timeout = positive("timeout", timeout, 0.25), pause = positive("pause", pause, 1),
        pool = pool.new(connections), paused_until = 0, failing = false, read_only_until = 0, _turns = false,
    }, Store)
    return store_of(self, prefix)
end

return strict(redis, "module 'cleat.sessions.redis'")
