-- What specs take for granted and Lua 5.1 does not have, for the specs alone: cleat's own modules keep Lua 5.1 as it is.
-- script/busted loads it on Lua 5.1.
--   * pcall, across which a spec's coroutine yields
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

pcall = require("cleat.compat").pcall -- luacheck: ignore 121

function load(chunk, ...) -- luacheck: ignore 121
    return (type(chunk) == "string" and loadstring or own.load)(chunk, ...)
end

function xpcall(f, handler, ...) -- luacheck: ignore 121
    local arguments, count = { ... }, select("#", ...)
    return own.xpcall(function()
        return f(unpack(arguments, 1, count))
    end, handler)
end
