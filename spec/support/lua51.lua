-- Functions that the specs use and Lua 5.1 lacks. They are for the specs alone: cleat's own modules see Lua 5.1 as it
-- is. script/busted loads this file on Lua 5.1.
--   * a pcall that a spec's coroutine can yield across
--   * load of a string, and xpcall with arguments, as on LuaJIT
local own = setmetatable({ pcall = pcall, xpcall = xpcall, load = load }, { __index = _G, __newindex = _G })

local find = package.loaders[2] -- along package.path
package.loaders[2] = function(name)
    local chunk = find(name)
    if type(chunk) == "function" and name:find "^cleat%." then
        setfenv(chunk, own)
    end
    return chunk
end

local outer = setmetatable({}, { __mode = "kv" })

local function finish(thread, ok, ...)
    if coroutine.status(thread) == "dead" then
        return ok, ...
    end
    return finish(thread, coroutine.resume(thread, coroutine.yield(...)))
end

function pcall(f, ...) -- luacheck: ignore 121
    local from = coroutine.running()
    if not from then
        return own.pcall(f, ...)
    end
    local thread = coroutine.create(function(...)
        return f(...)
    end)
    outer[thread] = from
    return finish(thread, coroutine.resume(thread, ...))
end

function load(chunk, ...) -- luacheck: ignore 121
    return (type(chunk) == "string" and loadstring or own.load)(chunk, ...)
end

function xpcall(f, handler, ...) -- luacheck: ignore 121
    local function handled(ok, ...)
        if ok then
            return ok, ...
        end
        return false, handler(...)
    end
    return handled(pcall(f, ...))
end

-- A program would use coxpcall instead, which would keep references to the coroutines of a cycle.
package.loaded.coxpcall = { pcall = pcall, xpcall = xpcall, running = function(thread)
    thread = thread or coroutine.running()
    while outer[thread or false] do
        thread = outer[thread]
    end
    return thread
end }

return own
