-- Tests that need a program, a file or a module that may not be installed. Without it they are pending, with a reason.
-- script/test installs all of them, and sets CLEAT_TEST_COMPLETE, which makes a missing one an error. Tests may assume
-- that openssl, Python, nginx, curl, GnuTLS and LuaSocket are installed.
--
--   local it = optional.tests(it, pending, optional.program "nginx")
local quote = require("support.process").quote

local optional = {}

local function output_of(command)
    local pipe = assert(io.popen(command))
    local text = pipe:read "*a"
    pipe:close()
    return text
end

-- reason returns the reason of a pending test; `name` says what is not installed.
local function reason(name)
    local text = name .. " is not installed (script/packages test)"
    if os.getenv "CLEAT_TEST_COMPLETE" then
        error(text, 0)
    end
    return text
end

-- program returns nil, or the reason of a pending test if neither PATH nor /usr/sbin has such a program.
function optional.program(name)
    return output_of(("PATH=$PATH:/usr/sbin; command -v %s"):format(quote(name))) == "" and reason(name) or nil
end

-- file does the same for a file, or a pattern of the shell that must match at least one; `name` is for the reason.
function optional.file(pattern, name)
    return output_of(("ls -d %s 2>/dev/null"):format(pattern)) == "" and reason(name or pattern) or nil
end

-- module does the same for a Lua module, which it loads; `name` is that of its package.
function optional.module(module, name)
    return not pcall(require, module) and reason(name or module) or nil
end

-- The packages of modules that adapters and examples need. Some are plain Lua, and not installed for each Lua.
local PACKAGES = {
    copas = function() return optional.file("/usr/share/lua/5.*/copas.lua", "lua-copas") end,
    cqueues = function() return optional.module("cqueues", "lua-cqueues") end,
    http = function() return optional.file("/usr/share/lua/5.*/http", "lua-http") end,
    luv = function() return optional.module("luv", "lua-luv") end,
}
PACKAGES.lua_http = PACKAGES.http

-- code does the same for all modules that a piece of Lua requires, also through cleat's adapters.
function optional.code(text)
    for name in text:gmatch "require[ %(]*[\"']([%w_.]+)" do
        local package_of = PACKAGES[name:match "^cleat%.adapters%.([%w_]+)" or name:match "^[^.]+"]
        local missing = package_of and package_of()
        if missing then
            return missing
        end
    end
end

-- tests returns busted's `it`, or with a reason a function that declares pending tests. Only spec files know `it` and
-- `pending`, so they pass both.
function optional.tests(it, pending, why)
    if not why then
        return it
    end
    return function(name)
        pending(("%s: %s"):format(name, why), function() end)
    end
end

return optional
