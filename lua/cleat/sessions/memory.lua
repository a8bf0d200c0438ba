--- A store of sessions in the memory of this process, for SSLContext:set_session_store.
---
---     local memory = require "cleat.sessions.memory"
---     local store = memory.new { entries = 1000 }
---     store.put("key", "bytes", 300)
---     print(store.get("key")) --> bytes
---
--- It serves one Lua state: the contexts of a program that should resume each other's sessions, and tests. Processes
--- that have nothing in common but a secret use tickets, or cleat.sessions.redis: see docs/fleet.md.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local strict = require "cleat.strict"

local memory = {}

local monotonic = C.monotonic

-- What Lua needs for an entry beside its key and bytes: tables and headers of strings (measured).
local OVERHEAD = 384

local function now()
    local _, seconds = monotonic()
    return seconds
end

-- A list of entries, from the least recently used (list.after) to the most recently used (list.before).
local function unlink(entry)
    entry.before.after, entry.after.before = entry.after, entry.before
end

-- link_last needs no memory: a new entry has both fields.
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
---@field most integer entries
---@field room integer bytes
---@field count integer
---@field used integer bytes
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
    self.by_key[key] = entry -- which may raise, out of memory
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

-- Marks are what `add` makes. Each must stay until it expires: one that is forgotten before would let early data be
-- replayed. So nothing displaces them, and none is made where there is no room.
---@class cleat.sessions.memory.Marks
---@field most integer
---@field count integer
---@field ends table<string, number>
---@field list table in the order in which they were made
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

--- Makes a store: a table with the functions that SSLContext:set_session_store takes. A field `error` may be added.
---
--- * `get(key)` returns the bytes that `put` was given, or nil;
--- * `put(key, bytes, lifetime)` stores bytes for so many seconds. The least recently used entries make room;
--- * `remove(key)` forgets an entry;
--- * `add(key, lifetime)` returns true the first time, and false for as long as `lifetime` lasts: for early data,
---   accepted once only. Entries do not displace what `add` remembers; `entries` limits how much that is, and
---   `add` returns false beyond it.
---
--- The second result is a function that returns how many entries there are, and how many bytes they use.
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
---@param entries integer? how many sessions at most; 10,000 by default
---@param bytes integer? how much memory at most; 16 MiB by default
---@return table
---@return function # returns two integers
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
