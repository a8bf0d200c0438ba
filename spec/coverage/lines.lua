-- luajit lines.lua FILE: the lines that have code, in the form of luac's listing.
local util = require "jit.util"

local function list(f)
    local info = util.funcinfo(f)
    for pc = 1, info.bytecodes - 1 do
        print("\t[" .. (util.funcinfo(f, pc).currentline or 0) .. "]\t")
    end
    for index = -1, -info.gcconsts, -1 do
        local constant = util.funck(f, index)
        if type(constant) == "proto" then
            list(constant)
        end
    end
end

list(assert(loadfile(arg[1])))
