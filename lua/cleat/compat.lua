--- The differences between Lua 5.1 to 5.5 and LuaJIT that concern the Lua layer. The other modules use only what all of
--- them have in common.
---
--- Lua 5.1 (but not LuaJIT) cannot yield inside pcall. There compat.pcall runs its function in an additional coroutine,
--- and passes its yields and resumes through. Two functions hide this coroutine:
---   * compat.running() returns the coroutine that the program has created;
---   * compat.outside(f, ...) calls f in that coroutine: waiters and parking places use coroutine.running() to know
---     which coroutine to wake.
--- With other versions the three are pcall, coroutine.running and a plain call. docs/lua-versions.md describes the
--- effects for users.

local compat = {}

local select = select -- see keywords.lua
local is_luajit = type(package.loaded.jit) == "table" -- in knot-resolver the global of that name is inherited

compat.unpack = table.unpack or unpack

--- Whether the language has `local x <close>`, which also runs when a coroutine is closed.
compat.has_close = not is_luajit and _VERSION ~= "Lua 5.1" and _VERSION ~= "Lua 5.2" and _VERSION ~= "Lua 5.3"

--- newproxy, where only userdata support finalizers (__gc) and __len; nil where tables do.
---@type fun(from: any): any
compat.newproxy = _VERSION == "Lua 5.1" and newproxy or nil

--- pcall, inside which f may yield.
---@type fun(f: function, ...: any): boolean, any
compat.pcall = pcall

--- The running coroutine of the program; nil or the main coroutine outside of coroutines.
---@type fun(): thread?, boolean?
compat.running = coroutine.running

--- outside calls f(...) in the coroutine compat.running(), and returns its results. An error of f bypasses the pcalls
--- in between: they never return, and compat.is_abandoned(t) is true for their coroutines t.
function compat.outside(f, ...)
    return f(...)
end

--- Whether compat.pcall creates coroutines.
compat.nests = _VERSION == "Lua 5.1" and not is_luajit

--- is_abandoned returns whether a coroutine of compat.pcall will never be resumed again: see compat.outside.
---@param thread thread?
---@return boolean
function compat.is_abandoned(thread) -- luacheck: ignore 212
    return false
end

if not compat.nests then
    return compat
end

local create, resume, running, status, yield = coroutine.create, coroutine.resume, coroutine.running, coroutine.status,
    coroutine.yield
local protected = pcall

local CALL = {} -- compat.outside yields it, followed by a function and its arguments
local outer = setmetatable({}, { __mode = "kv" }) -- maps each coroutine of compat.pcall to the coroutine that resumes it
local calling = setmetatable({}, { __mode = "kv" }) -- the same, while the resuming coroutine runs a function of compat.outside

local step

local function resume_and_step(thread, ...)
    return step(thread, resume(thread, ...))
end

local function called(thread, ...)
    calling[thread] = nil
    return resume_and_step(thread, ...)
end

local function call(thread, _, f, ...)
    calling[thread] = outer[thread]
    return called(thread, compat.outside(f, ...))
end

function step(thread, ok, ...)
    if status(thread) == "dead" then
        return ok, ...
    elseif (...) == CALL then
        return call(thread, ...)
    end
    return resume_and_step(thread, yield(...))
end

-- The main function of a coroutine must be a Lua function in Lua 5.1.
local function run(f, ...)
    return f(...)
end

function compat.pcall(f, ...)
    local from = running()
    if not from then
        return protected(f, ...) -- nothing yields outside of coroutines
    end
    local thread = create(run)
    outer[thread] = from
    return resume_and_step(thread, f, ...)
end

-- A program may use coxpcall for the same purpose: its additional coroutines are skipped too.
function compat.running()
    local others = package.loaded.coxpcall
    local thread, last = running(), nil
    while thread ~= last do
        last = thread
        thread = outer[thread] or others and others.running(thread) or thread
    end
    return thread
end

function compat.outside(f, ...)
    if outer[running() or false] then
        return yield(CALL, f, ...)
    end
    return f(...)
end

function compat.is_abandoned(thread)
    local by = thread and calling[thread]
    if not by or not debug then
        return false
    elseif status(by) == "dead" or compat.is_abandoned(by) then
        return true
    end
    -- The function is still running if `call` is on the stack of the other coroutine, with this one as its first
    -- argument.
    local level = 0
    local info = debug.getinfo(by, level, "f")
    while info do
        if info.func == call and select(2, debug.getlocal(by, level, 1)) == thread then
            return false
        end
        level = level + 1
        info = debug.getinfo(by, level, "f")
    end
    return true
end

return compat
