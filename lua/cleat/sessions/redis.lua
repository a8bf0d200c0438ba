--- A store of sessions in Redis, for SSLContext:set_session_store: servers on many machines resume each other's
--- sessions.
---
---     local store = require("cleat.sessions.redis").new { host = "10.0.0.5", password = "secret" }
---
--- No handshake fails because of Redis. Each call ends within the timeout, and where Redis is down, slow or full, a
--- handshake is a full one. After a failure the store rests for a while, so that one handshake in that time waits for a
--- Redis that does not answer, and then connects again by itself.
---
--- What is stored are keys of connections: Redis must be as well protected as the server's private key. docs/fleet.md
--- says what a stolen copy of it costs.

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
---@field to table where Redis is, see link.open
---@field login table[] the commands that a new connection begins with
---@field connect function? makes a client
---@field link cleat.sessions.redis.Link?
---@field problem string? an error reply that was not reported yet
---@field _turns table|false
---@field nginx boolean whether connections are nginx's
---@field most integer connections
---@field timeout number
---@field pause number
---@field pool cleat.sessions.redis.Pool
---@field rests number until when nothing is asked, on the clock of timeouts
---@field failing boolean whether the last call has failed
---@field full number until when nothing is written
local Store = {}
Store.__index = Store

local function fail(self, command, text)
    return errors.raise(errors.error, C.const.EIO, ("%s: %s: %s"):format(self.name, command, text))
end

-- Several coroutines that find no connection wait for the one that connects.
function Store._place()
    return waiting.default and place.new(waiting.default)
end

function Store._turns_changed() end

local function log_in(self, ask)
    for _, words in ipairs(self.login) do
        local ok, reply = ask(unpack(words))
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
        return new:ask(deadline, ...)
    end)
    if err then
        new:close()
        return nil, err
    end
    self.link = new
    return new
end

-- ask_link asks over the connection that all coroutines share. A second attempt is made if Redis has closed it since it
-- was used. method: "ask" or "post". It returns as Link:ask does.
local function ask_link(self, method, deadline, ...)
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
    if not new or new.used then -- nginx's pool returns connections that have logged in
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

-- attempt makes the call with a client, if need be with a second one. Returns the client if it can be kept, and as
-- client:call does.
local function attempt(self, kept, deadline, ...)
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
        return attempt(self, nil, deadline, ...)
    end
    return nil, nil, reply
end

-- ask returns as Link:ask does.
local function ask(self, method, ...)
    local deadline = waiting.deadline(self.timeout)
    if not self.nginx and not self.connect then
        return ask_link(self, method, deadline, ...)
    elseif self.nginx then -- which has a pool
        return select(2, attempt(self, nil, deadline, ...))
    end
    local words, ok, reply = { ... }, nil, nil
    self.pool:use(deadline, function(kept)
        local result
        result, ok, reply = attempt(self, kept, deadline, unpack(words))
        return result
    end)
    return ok, reply
end

-- report_problem raises the error reply to an earlier command whose reply no call has waited for.
local function report_problem(self)
    local text = self.problem
    if text then
        self.problem, self.full = nil, now() + self.pause
        fail(self, "SET", text)
    end
end

-- perform asks Redis; it returns whether it was asked, and the reply, or raises.
local function perform(self, writes, method, ...)
    if writes then
        report_problem(self)
    end
    local time = now()
    if time < self.rests or (writes and time < self.full) then
        return false
    elseif self.failing then
        self.rests = time + self.timeout + self.pause -- of several calls, one tries
    end
    local asked, ok, reply = pcall(ask, self, method, ...)
    if asked and ok then
        self.rests, self.failing = 0, false
        if writes then
            report_problem(self)
        end
        return true, reply
    elseif asked and ok == false and writes then
        self.rests, self.failing = 0, false
        self.full = now() + self.pause -- no memory, read-only, …: reading may be possible
    else
        self.rests, self.failing = now() + self.pause, true
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

-- place_of: where Redis is, and how messages name it.
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

-- store_of: the functions that set_session_store takes.
local function store_of(self, prefix)
    local store = {}
    function store.get(key)
        local _, reply = perform(self, false, "ask", "GET", prefix .. check.string("get", "key", key))
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
        local asked, reply = perform(self, true, "ask", "SET", key, "", "NX", "EX", lifetime)
        return asked and (reply == "OK" or reply == true)
    end
    return store
end

--- Makes a store. It is a table with the functions get, put, remove and add that SSLContext:set_session_store takes; a
--- field `error`, a function that is called with each failure, may be added to it.
---
---     local store = require("cleat.sessions.redis").new { host = "10.0.0.5", timeout = 0.1 }
---     function store.error(err)
---         print("no session from Redis", err)
---     end
---
--- It connects when it is first used. Outside of nginx it speaks to Redis over cleat's sockets: with a default waiter
--- (socket.setdefaultwaiter) other coroutines run while one waits for Redis, and without one the thread waits. In nginx
--- it uses lua-resty-redis (`resty.redis`, or Debian's `nginx.redis`) and nginx's pool of connections. Another client
--- can be used with `connect`, a function that returns a client of redis-lua or of lua-resty-redis, connected and
--- logged in; the store calls it again after a failure.
---
--- Redis is asked GET, SET with EX, SET with NX and EX, DEL, and at the beginning AUTH and SELECT. Over cleat's sockets
--- all coroutines share one connection, and put and remove do not wait for the reply: an error in it is raised by a
--- later put. get, put, remove and add raise socket.error for a failure. While the store rests they do not: get returns
--- nil and add false. `timeout` is for a whole call, with connecting (in nginx for each of its steps). After an error
--- in reply to SET, such as that the memory of Redis is full, only put and add rest.
---
--- Raises: ValueError, TypeError.
--- Python: none.
---@param host string? "127.0.0.1" by default
---@param port integer? 6379 by default
---@param path string? of a Unix socket, in place of host and port
---@param username string? for an ACL of Redis 6
---@param password string?
---@param database integer? 0 by default
---@param context cleat.ssl.SSLContext? a client's context, for TLS to Redis; not in nginx
---@param server_hostname string? the name in Redis's certificate; `host` by default
---@param connect function? returns a client; then only the arguments below are used
---@param prefix string? of all keys in Redis; "cleat:" by default
---@param timeout number? seconds for a call; 0.25 by default
---@param pause number? for how many seconds the store rests after a failure; 1 by default
---@param connections integer? at most, for each process, in nginx and with `connect`; 16 by default
---@return table
function redis.new(host, port, path, username, password, database, context, server_hostname, connect, prefix, timeout,
    pause, connections, ...)
    host, port, path, username, password, database, context, server_hostname, connect, prefix, timeout, pause, connections =
        parse_new(host, port, path, username, password, database, context, server_hostname, connect, prefix, timeout,
            pause, connections, ...)
    if connect ~= nil then
        if not check.callable(connect) then
            check.fail("new", "connect", "a function or nil", connect)
        elseif host or port or path or username or password or database or context or server_hostname then
            errors.raise(errors.ValueError, "new() argument 'connect' is given, so the client has the address and the password")
        end
    end
    prefix = check.optional_string("new", "prefix", prefix) or "cleat:"
    connections = check.optional_integer("new", "connections", connections, 16, 1)
    local nginx = client.is_nginx()
    if context ~= nil and not ssl.SSLContext:is(context) then
        check.fail("new", "context", "an SSLContext or nil", context)
    elseif context ~= nil and nginx then
        errors.raise(errors.NotImplementedError, "in nginx TLS to Redis is up to the client: give a function as 'connect'")
    end
    local to, name = place_of(host, port, path, context, server_hostname)
    -- Connections that have logged in differently are not exchanged.
    to.pool = ("cleat %s %s %d"):format(name, username or "", database or 0)
    local self = setmetatable({
        to = to, name = connect and "redis" or name, login = login_of(username, password, database), connect = connect,
        nginx = nginx, most = connections, timeout = positive("timeout", timeout, 0.25), pause = positive("pause", pause, 1),
        pool = pool.new(connections), rests = 0, failing = false, full = 0, _turns = false,
    }, Store)
    return store_of(self, prefix)
end

return strict(redis, "module 'cleat.sessions.redis'")
