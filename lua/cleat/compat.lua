--- What Lua 5.1 to 5.5 and LuaJIT do differently, as far as the Lua layer needs it. The other modules are written in
--- what they have in common.
---
--- Lua 5.1 (not LuaJIT) cannot yield inside pcall. There compat.pcall runs its function in an additional coroutine. It
--- passes on what that coroutine yields, and what it is resumed with. Two functions hide this coroutine:
---   * compat.running() returns the coroutine that the program has made;
---   * compat.outside(f, ...) calls f in that one: for waiters and parking places, which ask coroutine.running() which
---     coroutine to wake.
--- Elsewhere the three are pcall, coroutine.running and a plain call. docs/lua-versions.md says what users notice.

local compat = {}

local select = select -- see keywords.lua
local is_luajit = type(package.loaded.jit) == "table" -- in knot-resolver the global of that name is inherited

compat.unpack = table.unpack or unpack

--- Whether the language has `local x <close>`, which also ends what a closed coroutine has begun.
compat.has_close = not is_luajit and _VERSION ~= "Lua 5.1" and _VERSION ~= "Lua 5.2" and _VERSION ~= "Lua 5.3"

--- newproxy where only a userdata has finalizers (__gc) and a length (__len), nil where tables have.
---@type fun(from: any): any
compat.newproxy = _VERSION == "Lua 5.1" and newproxy or nil

--- pcall, across which f may yield.
---@type fun(f: function, ...: any): boolean, any
compat.pcall = pcall

--- The running coroutine, as the program knows it; nil or the main coroutine outside of all.
---@type fun(): thread?, boolean?
compat.running = coroutine.running

--- outside returns f(...), called in compat.running(). What it raises does not pass through the pcalls on the way: then
--- they do not return, and compat.left(t) is true of their coroutines t.
function compat.outside(f, ...)
    return f(...)
end

--- Whether compat.pcall makes coroutines.
compat.nests = _VERSION == "Lua 5.1" and not is_luajit

--- left: whether a coroutine that compat.pcall has made will never go on: see compat.outside.
---@param thread thread?
---@return boolean
function compat.left(thread) -- luacheck: ignore 212
    return false
end

if not compat.nests then
    return compat
end

local create, resume, running, status, yield = coroutine.create, coroutine.resume, coroutine.running, coroutine.status,
    coroutine.yield
local protected = pcall

local CALL = {} -- yielded with a function and its arguments: see compat.outside
local outer = setmetatable({}, { __mode = "kv" }) -- of each coroutine of pcall's, the one that resumes it
local calling = setmetatable({}, { __mode = "kv" }) -- the same, while that is calling a function for it

local step

local function go_on(thread, ...)
    return step(thread, resume(thread, ...))
end

local function called(thread, ...)
    calling[thread] = nil
    return go_on(thread, ...)
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
    return go_on(thread, yield(...))
end

-- A coroutine of Lua 5.1 begins with a function of Lua.
local function run(f, ...)
    return f(...)
end

function compat.pcall(f, ...)
    local from = running()
    if not from then
        return protected(f, ...) -- outside of coroutines nothing yields
    end
    local thread = create(run)
    outer[thread] = from
    return go_on(thread, f, ...)
end

-- A program may use coxpcall for the same purpose: its coroutines are not the program's either.
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

function compat.left(thread)
    local by = thread and calling[thread]
    if not by or not debug then
        return false
    elseif status(by) == "dead" or compat.left(by) then
        return true
    end
    -- It is called for as long as `call` stands on the other's stack, with the coroutine as its first argument.
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
