-- handles.watch(before_each, after_each) checks that each test ends with as many open ids as it began with.
local backend = require "cleat.backend"

local handles = {}

local function count()
    local request = package.loaded["cleat.https.request"]
    if request then
        request.forget()
    end
    collectgarbage()
    collectgarbage()
    return backend.handle_count()
end

function handles.watch(before_each, after_each)
    local before
    before_each(function()
        before = count()
    end)
    after_each(function()
        local after = count()
        if after ~= before and jit then
            jit.flush() -- a compiled trace refers to the objects that it was compiled for
            after = count()
        end
        if after ~= before then
            error(("the test began with %d open ids and ended with %d"):format(before, after), 0)
        end
    end)
end

return handles
