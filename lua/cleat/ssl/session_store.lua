--- Sessions of servers: the fields and methods of SSLContext, and the calls of the store that set_session_store sets.
---
--- The ABI has no callbacks: the handshake returns WANT_SESSION, and is continued after the Lua layer has passed the
--- answer to the core. So the functions of a store run between two calls of the ABI: they may raise and yield. A
--- session is stored before the handshake returns, and before the client has received all that it needs to resume it. A
--- connection keeps the store that its context had when it was made: a ticket that was looked up in one store must not
--- be marked as used in another.

local C = require "cleat.backend"
local check = require "cleat.check"
local compat = require "cleat.compat"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local roles = require "cleat.ssl.roles"

local const = C.const
local pcall = compat.pcall

---@class cleat.ssl.SSLContext
local methods = {}

local session_store = { methods = methods, getters = {}, setters = {} }
local getters, setters = session_store.getters, session_store.setters

-- report counts an error of a function of the store, and passes it to the store's function `error`. The handshake
-- continues.
local function report(context, store, err)
    context._store_errors = context._store_errors + 1
    if store.error then
        pcall(store.error, err)
    end
end

-- run calls a function of the store, and returns its result; nil if it raises.
local function run(context, store, f, ...)
    local ok, result = pcall(f, ...)
    if not ok then
        report(context, store, result)
        return nil
    end
    return result
end

local function find(context, store, key)
    local found = run(context, store, store.get, key)
    if found == nil or found == false then
        return nil
    elseif type(found) ~= "string" then
        report(context, store, errors.TypeError("the session store's get must return a string or nil, not " .. check.kind(found)))
        return nil
    end
    return found
end

-- call makes one request of a connection to the store, and returns the result for the core.
local function call(context, store, id, question)
    local _, key = errors.check(C.connection_wanted_session(id))
    if not store then
        return nil
    elseif question == const.SESSION_QUESTION_GET then
        return find(context, store, key)
    elseif question == const.SESSION_QUESTION_PUT then
        local _, bytes, lifetime = errors.check(C.connection_stored_session(id))
        run(context, store, store.put, key, bytes, lifetime)
    elseif question == const.SESSION_QUESTION_ADD then
        local _, _, lifetime = errors.check(C.connection_stored_session(id))
        return store.add and run(context, store, store.add, key, lifetime) == true and "1" or nil
    elseif store.remove then
        run(context, store, store.remove, key)
    end
    return nil
end

--- answer calls the store of a connection whose handshake has returned WANT_SESSION, until the connection has no more
--- requests. Then the handshake can continue, unless a function of the store has closed the connection.
function session_store.answer(self)
    local id, context = self._tls, self._origin
    local question = errors.check(C.connection_session_question(id))
    while question ~= const.SESSION_QUESTION_NONE do
        self._in_callback = "session store"
        local ok, answer = pcall(call, context, self._session_store, id, question)
        self._in_callback = false
        if not ok then -- out of memory
            error(answer, 0)
        end
        if self._tls ~= id then
            return
        end
        errors.check(C.connection_answer_session(id, answer))
        question = errors.check(C.connection_session_question(id))
    end
end

-- check_functions checks the functions of a store.
local function check_functions(store)
    for name, f in pairs(store) do
        if not check.callable(f) then
            check.fail("set_session_store", name, "a function", f)
        end
    end
    if not store.get or not store.put then
        errors.raise(errors.TypeError, ("set_session_store() missing required argument '%s'"):format(store.get and "put" or "get"))
    end
    return store
end

local parse_store = keywords.parser("set_session_store", { "get", "put", "remove", "add", "error" })

--- Keeps the sessions of a server in a store of the program, such as a database that several machines share: sessions
--- of TLS 1.3, and of TLS 1.2 with and without tickets. A ticket is then a random key of the store, and contains no
--- secret. The functions get such keys of 32 bytes. They may raise and yield. They may close the connection, but not
--- use it otherwise.
---
--- `get(key)` returns the bytes that were stored under the key, or nil. If it returns nil or other bytes, or raises,
--- the handshake is a full one. `put(key, bytes, lifetime)` stores bytes for `lifetime` seconds; it is called for each
--- ticket, before the handshake returns. `remove(key)` is optional: it is called when a session of TLS 1.3 was resumed,
--- so that each is resumed once only. `add(key, lifetime)` is optional: it must store the key and return true if the
--- key is not stored yet, otherwise return false, in one atomic step. Early data (`max_early_data`) is accepted if it
--- returns true, once for each ticket; without `add` early data is refused. Errors of these functions are passed to
--- `error(err)`, which is optional, and counted in `session_stats().store_errors`; the handshake continues.
---
---     local sessions = {}
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     context:set_session_store {
---         get = function(key) return sessions[key] end,
---         put = function(key, bytes, lifetime) sessions[key] = bytes end,
---     }
---
--- DANGEROUS is set_session_store with a store that others can access: who can read the bytes can decrypt connections
--- of TLS 1.2, and who can write them can pose as any client. With set_ticket_secret or set_ticket_keys the bytes are
--- encrypted and authenticated, so the store need not be trusted.
---
--- Raises: TypeError if `get` or `put` is missing, or if one of them is not a function.
--- Python: none.
---@param get (fun(key: string): string?)|false? nil or false, without other arguments, for no store
---@param put fun(key: string, bytes: string, lifetime: integer)?
---@param remove fun(key: string)?
---@param add (fun(key: string, lifetime: integer): boolean)?
---@param error fun(err: any)?
function methods:set_session_store(get, put, remove, add, error, ...)
    get, put, remove, add, error = parse_store(get, put, remove, add, error, ...)
    local store = false
    if get or put ~= nil or remove ~= nil or add ~= nil or error ~= nil then
        store = check_functions { get = get, put = put, remove = remove, add = add, error = error }
    end
    errors.check(C.context_set_session_events(self._id, not store and const.SESSIONS_OWN or store.remove and
        const.SESSIONS_SINGLE_USE or const.SESSIONS_STORED))
    self._session_store = store
end

-- list returns an argument, which is a string or an array of strings, as an array.
local function list(method, argument, value)
    if type(value) == "string" then
        return { value }
    elseif type(value) ~= "table" then
        check.fail(method, argument, "a string or an array of strings", value)
    end
    local copy = {} -- without a metatable
    for index = 1, check.array(method, argument, value) do
        local entry = value[index]
        if type(entry) ~= "string" then
            check.fail(method, argument, "an array of strings", entry)
        end
        copy[index] = entry
    end
    return copy
end

local function count(method, argument, values, most)
    if #values < 1 or #values > most then
        errors.raise(errors.ValueError, ("%s() argument '%s' must have 1 to %d entries, not %d"):format(method, argument,
            most, #values))
    end
end

local parse_keys = keywords.parser("set_ticket_keys", { "keys" }, { tables = { keys = true } })

--- Sets the keys of a server's session tickets, for all connections from now on. The first key encrypts new tickets;
--- tickets of all keys are accepted. To rotate keys, put a new one first, and keep the old ones until their sessions
--- have expired. Servers with the same keys accept each other's tickets. set_ticket_secret rotates keys automatically.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     local old, new = ssl.RAND_bytes(80), ssl.RAND_bytes(80)
---     context:set_ticket_keys { old }
---     context:set_ticket_keys { new, old }
---
--- DANGEROUS are keys that are used for a long time, or that others can read: they decrypt tickets, and with those the
--- recorded connections of TLS 1.2.
---
--- Raises: ValueError for keys that do not have 80 bytes, for two keys that begin with the same 16 bytes, and for more
--- than 16 keys; TypeError.
--- Python: none.
---@param keys string[]? each of 80 random bytes: 16 for its name, 32 for HMAC-SHA256, 32 for AES-256. nil for random
--- keys that BoringSSL changes every two days
function methods:set_ticket_keys(keys, ...)
    keys = parse_keys(keys, ...)
    if keys == nil then
        errors.check(C.context_set_ticket_keys(self._id, nil))
        return
    end
    keys = list("set_ticket_keys", "keys", keys)
    count("set_ticket_keys", "keys", keys, const.TICKET_KEY_COUNT_MAX)
    for _, key in ipairs(keys) do
        if #key ~= const.TICKET_KEY_SIZE then
            errors.raise(errors.ValueError, ("a ticket key must have %d bytes, not %d"):format(const.TICKET_KEY_SIZE, #key))
        end
    end
    errors.check(C.context_set_ticket_keys(self._id, table.concat(keys)))
end

local DAY = 86400

local parse_secret = keywords.parser("set_ticket_secret", { "secret", "period" }, { tables = { secret = true } })

--- Derives the keys of a server's session tickets from a secret and the time: each period of the wall clock has its
--- key, and tickets are accepted for as long as `session_timeout` allows. So machines with the same secret rotate their
--- keys together and accept each other's tickets, without any communication. To change the secret, put a new one before
--- the old one: `{new, old}`.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     context:set_ticket_secret(ssl.RAND_bytes(32), { period = 3600 })
---
--- DANGEROUS is a secret that is not random, or that others can read: it decrypts the tickets of all periods, and with
--- those the recorded connections of TLS 1.2.
---
--- Raises: ValueError for a secret that does not have 32 to 65535 bytes, for more than 16 secrets, and for a period
--- that is not 1 to 604800; TypeError.
--- Python: none.
---@param secret (string|string[])? at least 32 random bytes, or an array of secrets, the newest first. nil for random
--- keys that BoringSSL changes every two days
---@param period integer? in seconds; a day by default
function methods:set_ticket_secret(secret, period, ...)
    secret, period = parse_secret(secret, period, ...)
    period = check.optional_integer("set_ticket_secret", "period", period, DAY)
    if period < 1 or period > const.TICKET_SECRET_PERIOD_MAX then
        errors.raise(errors.ValueError, ("set_ticket_secret() argument 'period' must be 1 to %d seconds"):format(
            const.TICKET_SECRET_PERIOD_MAX))
    elseif secret == nil then
        errors.check(C.context_set_ticket_secrets(self._id, nil, period))
        return
    end
    secret = list("set_ticket_secret", "secret", secret)
    count("set_ticket_secret", "secret", secret, const.TICKET_SECRET_COUNT_MAX)
    local parts = {}
    for index, bytes in ipairs(secret) do
        if #bytes < const.TICKET_SECRET_MIN or #bytes > 65535 then
            errors.raise(errors.ValueError, ("a ticket secret must have %d to 65535 bytes, not %d"):format(
                const.TICKET_SECRET_MIN, #bytes))
        end
        parts[index] = string.char((#bytes - #bytes % 256) / 256, #bytes % 256) .. bytes
    end
    errors.check(C.context_set_ticket_secrets(self._id, table.concat(parts), period))
end

-- integer checks the value of a property. most: the maximum.
local function integer(name, value, most)
    if type(value) ~= "number" or value % 1 ~= 0 then
        errors.raise(errors.TypeError, ("%s must be an integer, not %s"):format(name, check.kind(value)))
    elseif value < 0 or value > most then
        errors.raise(errors.ValueError, value < 0 and "value must be non-negative" or ("%s is at most %d"):format(name, most))
    end
    return value
end

function getters:num_tickets()
    return errors.check(C.context_num_tickets(self._id))
end

function setters:num_tickets(value)
    value = integer("num_tickets", value, const.TICKETS_MAX)
    if self._protocol == roles.CLIENT then
        errors.raise(errors.ValueError, "SSLContext is not a server context.")
    end
    errors.check(C.context_set_num_tickets(self._id, value))
end

function getters:session_timeout()
    local seconds = errors.check(C.context_session_timeout(self._id))
    return seconds > 0 and seconds or nil
end

function setters:session_timeout(value)
    value = value == nil and 0 or integer("session_timeout", value, const.SESSION_TIMEOUT_MAX)
    errors.check(C.context_set_session_timeout(self._id, value))
end

function getters:session_id_context()
    local length, bytes = errors.check(C.context_session_id_context(self._id))
    return length > 0 and bytes or nil
end

function setters:session_id_context(value)
    if value ~= nil and type(value) ~= "string" then
        errors.raise(errors.TypeError, "session_id_context must be a string or nil, not " .. check.kind(value))
    elseif value and (#value < 1 or #value > const.SESSION_ID_CONTEXT_MAX) then
        errors.raise(errors.ValueError, ("session_id_context must have 1 to %d bytes, not %d"):format(
            const.SESSION_ID_CONTEXT_MAX, #value))
    end
    errors.check(C.context_set_session_id_context(self._id, value))
end

return session_store
