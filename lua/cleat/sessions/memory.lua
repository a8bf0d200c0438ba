--- A store of sessions in the memory of this process, for SSLContext:set_session_store and cleat.sessions.
---
---     local memory = require "cleat.sessions.memory"
---     local store = memory.new { entries = 1000 }
---     store.put("key", "bytes", 300)
---     print(store.get("key")) --> bytes
---
--- It is for one Lua state: for several contexts of a program, and for tests. To share sessions between processes use
--- tickets (SSLContext:set_ticket_secret) or cleat.sessions.redis: see docs/fleet.md.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local strict = require "cleat.strict"

local memory = {}

local monotonic = C.monotonic

-- The overhead of an entry in Lua: tables and headers of strings (measured).
local OVERHEAD = 384

local function now()
    local _, seconds = monotonic()
    return seconds
end

-- A list of entries, from the least recently used (list.after) to the most recently used (list.before).
local function unlink(entry)
    entry.before.after, entry.after.before = entry.after, entry.before
end

-- link_last allocates no memory, because a new entry has both fields already.
local function link_last(list, entry)
    local last = list.before
    entry.before, entry.after = last, list
    last.after, list.before = entry, entry
end

local function new_list()
    local list = {}
    list.before, list.after = list, list
    return list
end

---@class cleat.sessions.memory.Sessions
---@field most integer the maximum number of entries
---@field room integer the maximum number of bytes
---@field count integer
---@field used integer the number of bytes
---@field by_key table<string, table>
---@field list table
local Sessions = {}
Sessions.__index = Sessions

function Sessions:forget(key)
    local entry = self.by_key[key]
    if entry then
        unlink(entry)
        self.by_key[key] = nil
        self.count, self.used = self.count - 1, self.used - entry.size
    end
end

function Sessions:put(key, bytes, lifetime)
    self:forget(key)
    local size = #key + #bytes + OVERHEAD
    if size > self.room or self.most == 0 or lifetime <= 0 then
        return
    end
    while self.count >= self.most or self.used + size > self.room do
        self:forget(self.list.after.key)
    end
    local entry = { key = key, bytes = bytes, size = size, ends = now() + lifetime, before = false, after = false }
    self.by_key[key] = entry -- raises if memory runs out
    link_last(self.list, entry)
    self.count, self.used = self.count + 1, self.used + size
end

function Sessions:get(key)
    local entry = self.by_key[key]
    if not entry then
        return nil
    elseif entry.ends <= now() then
        self:forget(key)
        return nil
    end
    unlink(entry)
    link_last(self.list, entry)
    return entry.bytes
end

-- Marks are the keys of `add`. A mark must exist until it expires: if it were removed before, early data could be
-- replayed. So marks are never evicted, and none is added when the table is full.
---@class cleat.sessions.memory.Marks
---@field most integer
---@field count integer
---@field ends table<string, number>
---@field list table the marks, in the order of their creation
local Marks = {}
Marks.__index = Marks

function Marks:expire()
    local time = now()
    local oldest = self.list.after
    while oldest.key and oldest.ends <= time do
        unlink(oldest)
        self.by_key[oldest.key] = nil
        self.count = self.count - 1
        oldest = self.list.after
    end
end

function Marks:add(key, lifetime)
    self:expire()
    local old = self.by_key[key]
    if old and old.ends > now() then
        return false
    elseif old then
        unlink(old)
        self.by_key[key] = nil
        self.count = self.count - 1
    elseif self.count >= self.most then
        return false
    end
    local mark = { key = key, ends = now() + lifetime, before = false, after = false }
    self.by_key[key] = mark
    link_last(self.list, mark)
    self.count = self.count + 1
    return true
end

local parse_new = keywords.parser("new", { "entries", "bytes" })

local function check_lifetime(f, lifetime)
    if type(lifetime) ~= "number" then
        check.fail(f, "lifetime", "a number", lifetime)
    elseif lifetime ~= lifetime then
        errors.raise(errors.ValueError, "Invalid value NaN (not a number)")
    end
    return lifetime
end

--- Makes a store with these functions. Set its field `error` to a function that is called with each failure.
---
--- * `get(key)` returns the bytes that were stored, or nil;
--- * `put(key, bytes, lifetime)` stores bytes for `lifetime` seconds; when the store is full, it evicts the least
---   recently used entries;
--- * `remove(key)` removes an entry;
--- * `add(key, lifetime)` returns true the first time, and false for `lifetime` seconds after that, so that early data
---   is accepted once only. put does not evict the keys of `add`; there are at most `entries` of them, beyond which
---   `add` returns false.
---
--- The second result is a function that returns the number of entries, and the number of bytes that they use.
---
---     local memory = require "cleat.sessions.memory"
---     local store, usage = memory.new { entries = 2, bytes = 100000 }
---     for _, key in ipairs { "a", "b", "c" } do
---         store.put(key, "bytes of " .. key, 300)
---     end
---     print(store.get("a"), store.get("c"), (usage())) --> nil	bytes of c	2
---     print(store.add("ticket", 10), store.add("ticket", 10)) --> true	false
---
--- Raises: ValueError for negative numbers; TypeError.
--- Python: none.
---@param entries integer? the maximum number of sessions; 10,000 by default
---@param bytes integer? the maximum memory in bytes; 16 MiB by default
---@return cleat.sessions.Store
---@return (fun(): integer, integer) # returns the number of entries and of bytes
function memory.new(entries, bytes, ...)
    entries, bytes = parse_new(entries, bytes, ...)
    entries = check.optional_integer("new", "entries", entries, 10000, 0)
    bytes = check.optional_integer("new", "bytes", bytes, 16 * 1048576, 0)
    local sessions = setmetatable({ most = entries, room = bytes, count = 0, used = 0, by_key = {}, list = new_list() },
        Sessions)
    local marks = setmetatable({ most = entries, count = 0, by_key = {}, list = new_list() }, Marks)
    local store = {}
    function store.get(key)
        return sessions:get(check.string("get", "key", key))
    end
    function store.put(key, data, lifetime)
        return sessions:put(check.string("put", "key", key), check.string("put", "bytes", data),
            check_lifetime("put", lifetime))
    end
    function store.remove(key)
        return sessions:forget(check.string("remove", "key", key))
    end
    function store.add(key, lifetime)
        return marks:add(check.string("add", "key", key), check_lifetime("add", lifetime))
    end
    return store, function()
        return sessions.count, sessions.used
    end
end

return strict(memory, "module 'cleat.sessions.memory'")
