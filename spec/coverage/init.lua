-- Run by LUA_INIT in every interpreter that script/coverage starts: installs the hook of hook.c.
local kind = jit and "luajit" or ("lua" .. _VERSION:match("%d.%d"):gsub("%.", ""))
local open = package.loadlib(os.getenv "CLEAT_BUILD_DIR" .. "/spec/coverage/hook-" .. kind .. ".so", "luaopen_hook")
if open then
    local install = open()
    local sethook = debug.sethook
    if jit then
        jit.off() -- compiled code calls no hook
    end
    -- luacheck: globals debug.sethook
    function debug.sethook(...)
        if select(2, ...) == "external hook" then
            return -- what gethook has returned: the coroutine has it already
        end
        sethook(...)
        if select("#", ...) == 0 then
            install()
        end
    end
    install()
end
