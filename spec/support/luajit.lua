-- luajit: LuaJIT of August 2026 and later keeps the coroutine alive that used the FFI last. So the coroutine that
-- collects garbage in the specs uses it first.
local ffi = require "ffi"

local collect = collectgarbage

-- luacheck: globals collectgarbage
function collectgarbage(...)
    ffi.typeof "int"
    return collect(...)
end
