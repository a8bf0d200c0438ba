--- Userdata for LuaSec's contexts and connections: programs and event libraries ask `type(object)`, and lua-event takes
--- nothing else.
---
--- The state of an object is a table, which never refers to its object: the weak tables of Lua 5.1 and LuaJIT would
--- keep both then.

local C = require "cleat.backend"

local proxy = {}

--- The address of a table, as its text has it.
---@param state table without __tostring
function proxy.address(state)
    return tostring(state):match "0x%x+" or tostring(state):match "%x+$"
end

--- define makes a kind of userdata.
---@param name string LuaSec's: "SSL:Context"
---@param metatable table
---@return fun(state: table): any new makes an object
---@return table states the state of each object
---@return fun(object: any, method: string): table state raises for a value of another kind
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
