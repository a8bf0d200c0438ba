--- Python's names for the modules: after `require "cleat.python"`, `require "ssl"`, "socket", "select" and "errno" find
--- cleat's, so that a script reads as in Python's documentation.
---
--- Names of modules that are loaded already are left alone: LuaSocket, if loaded before, stays "socket". The module is
--- a table of cleat's four, under the same names.

local strict = require "cleat.strict"

local python = {}

for _, name in ipairs { "ssl", "socket", "select", "errno" } do
    local module = require("cleat." .. name)
    python[name] = module
    if package.loaded[name] == nil and package.preload[name] == nil then
        package.preload[name] = function()
            return module
        end
    end
end

return strict(python, "module 'cleat.python'")
