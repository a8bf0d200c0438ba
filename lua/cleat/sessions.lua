--- Sharing of sessions between processes and machines by a store: ticket keys of servers, and sessions of clients.
---
---     local sessions = require "cleat.sessions"
---     local store = require("cleat.sessions.memory").new()
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     local refresh = sessions.ticket_keys(context, store)
---     refresh() -- before each accept, or in a timer
---
--- A store is a table with the functions `get(key)` and `put(key, bytes, lifetime)`, and optionally `remove(key)` and
--- `add(key, lifetime)`: see SSLContext:set_session_store, which keeps the sessions of servers in a store.
--- cleat.sessions.memory, cleat.sessions.redis and cleat.sessions.nginx make stores.

local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local random = require "cleat.ssl.random"
local strict = require "cleat.strict"

local pcall = compat.pcall

local sessions = {}

local KEY_SIZE = 80 -- of a ticket key, see SSLContext:set_ticket_keys
local KEEP_MAX = 14 -- in addition to the current key and the next one
local RETRY = 10 -- seconds between attempts, as long as the store has failed

local function check_store(f, store)
    if type(store) ~= "table" or not check.callable(store.get) or not check.callable(store.put) then
        check.fail(f, "store", "a table with functions get and put", store)
    end
    return store
end

local function check_method(f, context, method)
    local ok, found = pcall(function()
        return context[method]
    end)
    if not ok or not check.callable(found) then
        check.fail(f, "context", "an SSLContext", context)
    end
    return context
end

-- report passes an error of the store to its function `error`, if there is one.
local function report(store, err)
    if store.error then
        pcall(store.error, err)
    end
end

--- A store of sessions: what cleat.sessions.memory, cleat.sessions.redis and cleat.sessions.nginx make, or a table of
--- the program's functions, which SSLContext:set_session_store describes.
---
--- Python: none.
---@class cleat.sessions.Store
---@field get fun(key: string): string?
---@field put fun(key: string, bytes: string, lifetime: number)
---@field remove (fun(key: string))?
---@field add (fun(key: string, lifetime: number): boolean)?
---@field error (fun(err: any))?

---@class cleat.sessions.TicketKeys
---@field context cleat.ssl.SSLContext
---@field store table
---@field period integer
---@field keep integer
---@field known table<integer, string> keys, by the number of their period
---@field next number the time of the next access to the store
---@field current integer? the period of the last access
---@field set string? the keys that the context has now
local TicketKeys = {}
TicketKeys.__index = TicketKeys

local function name_of(number)
    return ("ticket-key:%d"):format(number)
end

-- fetch returns the key of a period from the store, or nil.
local function fetch(self, number)
    local key = self.store.get(name_of(number))
    return type(key) == "string" and #key == KEY_SIZE and key or nil
end

-- publish makes sure that the store has a key for a period, and returns whether it does. If several machines store a
-- key at the same time, the last one wins, and the others get it when they read again, now or in the next access.
local function publish(self, number, now)
    local key = fetch(self, number)
    if not key then
        local new = self.known[number] or random.RAND_bytes(KEY_SIZE)
        self.store.put(name_of(number), new, (number + self.keep + 2) * self.period - now)
        key = fetch(self, number)
    end
    self.known[number] = key or self.known[number]
    return key ~= nil
end

-- use sets the context's keys: the key of this period encrypts; those of the next period, for clocks that differ, and
-- of earlier periods are accepted.
local function use(self, current)
    local keys = { self.known[current], self.known[current + 1] }
    for number = current - 1, current - self.keep, -1 do
        keys[#keys + 1] = self.known[number]
    end
    local all = table.concat(keys)
    if self.known[current] and all ~= self.set then
        self.context:set_ticket_keys(keys)
        self.set = all
    end
end

local function update(self, current, now)
    local agreed = publish(self, current, now)
    agreed = publish(self, current + 1, now) and agreed
    for number = current - self.keep, current - 1 do
        self.known[number] = self.known[number] or fetch(self, number)
    end
    return agreed
end

function TicketKeys:refresh()
    local now = os.time()
    local current = math.floor(now / self.period)
    if now < self.next and current == self.current then
        return false
    end
    self.next, self.current = now + RETRY, current -- so that other coroutines do not access the store at the same time
    local ok, agreed = pcall(update, self, current, now)
    if not ok then
        report(self.store, agreed)
    elseif agreed then
        self.next = now + math.max(1, self.period / 4)
    end
    for number in pairs(self.known) do
        if number < current - self.keep then
            self.known[number] = nil
        end
    end
    use(self, current)
    return ok and agreed
end

local parse_ticket_keys = keywords.parser("ticket_keys", { "context", "store", "period", "keep" },
    { required = 2, tables = { store = true } })

--- Shares the ticket keys of a server's context through a store: all machines with the same store accept each other's
--- tickets, and rotate the keys together. It returns a function that updates the context's keys. Call that function
--- before each accept, or in a timer: usually it only reads the clock, and it accesses the store four times per period.
---
--- Each period has a random key. The first machine that needs it stores it, one period before it is used for
--- encryption. If the store fails, machines continue with the keys that they have. Errors are passed to
--- `store.error(err)`, if there is such a function.
---
---     local sessions = require "cleat.sessions"
---     local store = require("cleat.sessions.memory").new()
---     local first, second = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     local refresh = sessions.ticket_keys(first, store, { period = 3600 })
---     print(refresh(), refresh()) --> true	false
---     print(sessions.ticket_keys(second, store, { period = 3600 })()) --> true
---
--- An attacker who can read the store can decrypt all tickets. If the machines can share a secret in a file,
--- SSLContext:set_ticket_secret is better, and needs no store. It must also be used if a store of sessions is not
--- trusted.
---
--- Raises: ValueError, TypeError.
--- Python: none.
---@param context cleat.ssl.SSLContext
---@param store cleat.sessions.Store
---@param period integer? for how many seconds a key encrypts; half a day by default
---@param keep integer? how many older keys are accepted: 0 to 14, 4 by default
---@return fun(): boolean # returns true if it has stored or read the keys; false if there was nothing to do, or the
--- store has failed
function sessions.ticket_keys(context, store, period, keep, ...)
    context, store, period, keep = parse_ticket_keys(context, store, period, keep, ...)
    local self = setmetatable({
        context = check_method("ticket_keys", context, "set_ticket_keys"), store = check_store("ticket_keys", store),
        period = check.optional_integer("ticket_keys", "period", period, 43200, 1),
        keep = check.optional_integer("ticket_keys", "keep", keep, 4, 0, KEEP_MAX), known = {}, next = 0,
    }, TicketKeys)
    return function()
        return self:refresh()
    end
end

-- forget removes a session from the store, so that no other connection uses it.
local function forget(store, key)
    if store.remove then
        store.remove(key)
    else
        store.put(key, "", 1)
    end
end

local function load_session(context, store, key)
    local bytes = store.get(key)
    if type(bytes) ~= "string" or bytes == "" then
        return nil
    end
    local ok, session = pcall(context.session_from_bytes, context, bytes)
    if not ok then
        return nil
    end
    if session.single_use then
        forget(store, key)
    end
    return session
end

local parse_client = keywords.parser("client", { "context", "store", "name" }, { required = 2, tables = { store = true } })

--- Keeps the sessions of a client in a store, so that other processes, such as nginx's workers or a later run of the
--- program, resume them. It returns two functions:
---
--- * `wrap(sock, options)` calls context:wrap_socket with these arguments and the session that is stored for
---   `server_hostname`;
--- * `keep(conn)` stores the session of a connection of `wrap`, and returns whether there was a new one. With TLS 1.3
---   the server sends the session after the handshake, so call it after the first data was received.
---
--- If the store fails, the connection is made without a session; errors are passed to `store.error(err)`, if there is
--- such a function. A session of TLS 1.3 is used once. Servers are verified again in each connection, as the context
--- requires.
---
---     local sessions = require "cleat.sessions"
---     local store = require("cleat.sessions.memory").new()
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local wrap, keep = sessions.client(context, store)
---     for _ = 1, 2 do
---         local conn = wrap(socket.create_connection({ "localhost", port }), { server_hostname = "localhost" })
---         conn:sendall("hello")
---         conn:recv(5)
---         print(conn.session_reused, keep(conn))
---         conn:close()
---     end
---     --> false	true
---     --> true	true
---
--- Protect the store like a private key: an attacker who can read it can pose as the client, and one who can write to
--- it can pose as the server. Use different names for contexts with different client certificates.
---
--- Raises: TypeError.
--- Python: none.
---@param context cleat.ssl.SSLContext
---@param store cleat.sessions.Store with the functions get and put, and optionally remove
---@param name string? the prefix of the keys in the store; "client" by default
---@return fun(sock: any, options: table): cleat.ssl.SSLSocket # `wrap`
---@return fun(conn: cleat.ssl.SSLSocket): boolean # `keep`
--- table): cleat.ssl.SSLSocket, fun(conn: cleat.ssl.SSLSocket): boolean
function sessions.client(context, store, name, ...)
    context, store, name = parse_client(context, store, name, ...)
    check_method("client", context, "session_from_bytes")
    check_store("client", store)
    name = check.optional_string("client", "name", name) or "client"
    local made = setmetatable({}, { __mode = "k" }) -- {key, offered session}, by connection

    local function wrap(sock, options)
        if type(options) ~= "table" or type(options.server_hostname) ~= "string" then
            errors.raise(errors.ValueError, "wrap() needs a server_hostname, which is the key of the stored session")
        end
        local key = name .. ":" .. options.server_hostname
        local ok, session = pcall(load_session, context, store, key)
        if not ok then
            report(store, session)
            session = nil
        end
        local all = {}
        for field, value in pairs(options) do
            all[field] = value
        end
        all.session = session
        local conn = context:wrap_socket(sock, all)
        made[conn] = { key = key, session = session }
        return conn
    end

    local function keep(conn)
        local of = made[conn] or errors.raise(errors.ValueError, "keep() needs a connection that wrap() has returned")
        local session = conn.session
        if not session or session == of.session then
            return false
        end
        of.session = session
        -- os.time() is up to 4 ms behind the clock that session.time is read from
        local lifetime = math.min(session.timeout, session.time + session.timeout - os.time())
        local ok, err = pcall(store.put, of.key, session:tobytes(), lifetime)
        if not ok then
            report(store, err)
        end
        return ok
    end

    return wrap, keep
end

return strict(sessions, "module 'cleat.sessions'")
