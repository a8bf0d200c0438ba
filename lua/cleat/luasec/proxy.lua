--- Userdata for LuaSec's contexts and connections. Programs and event libraries test `type(object)`, and lua-event
--- accepts userdata only.
---
--- The state of an object is a table, which must not refer to the object: with the weak tables of Lua 5.1 and LuaJIT
--- neither would be garbage-collected.

local C = require "cleat.backend"

local proxy = {}

--- Returns the address of a table, from its tostring().
---@param state table without __tostring
function proxy.address(state)
    return tostring(state):match "0x%x+" or tostring(state):match "%x+$"
end

--- define makes a type of userdata.
---@param name string its name in LuaSec: "SSL:Context"
---@param metatable table
---@return fun(state: table): any new makes an object
---@return table states maps objects to their states
---@return fun(object: any, method: string): table state returns an object's state, or raises an error for other values
function proxy.define(name, metatable)
    local states = setmetatable({}, { __mode = "k" })
    metatable.__name = name
    local function new(state)
        local object = C.proxy_new(metatable)
        states[object] = state
        return object
    end
    local function check(object, method)
        local state = states[object]
        if not state then
            error(("bad argument #1 to '%s' (%s expected, got %s)"):format(method, name,
                object == nil and "no value" or type(object)), 3)
        end
        return state
    end
    return new, states, check
end

return proxy
