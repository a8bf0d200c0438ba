--- Python's names for the modules: after `require "cleat.python"`, `require "ssl"`, "socket", "select" and "errno"
--- return cleat's, so that a script looks as in Python's documentation. The module is a table of the four, under the
--- same names.
---
---     local python = require "cleat.python"
---     print(python.ssl == ssl, python.errno == errno) --> true	true
---
--- Names of modules that are loaded already are left alone: LuaSocket, if loaded before, stays "socket".

local strict = require "cleat.strict"

--- ssl: the module cleat.ssl.
--- Python: 2.6.

--- socket: the module cleat.socket.
--- Python: 1.4.

--- select: the module cleat.select.
--- Python: 1.4.

--- errno: the module cleat.errno.
--- Python: 1.4.
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
