-- Lua's allocator fails at the n-th allocation of an operation and at all after it, for n = 1 until there are no more.
-- Each time the operation must raise Lua's "not enough memory" and no other error, leak no id and no descriptor after a
-- garbage collection, and, if it changes nothing, succeed when it is called again.
local only = ...
local failing = rawget(_G, "failing")
local unpack = table.unpack or unpack

if jit then
    jit.off() -- a trace refers to the objects that it was compiled for, and the moment of its compilation is unknown
    -- LuaJIT itself crashes if one of its fast functions has no memory for a string: here they are replaced by slow
    -- ones.
    -- luacheck: push ignore 121 122
    local ffi = require "ffi"
    function string.sub(text, from, to)
        from, to = from or 1, to or -1
        from = from < 0 and math.max(#text + from + 1, 1) or math.max(from, 1)
        to = to < 0 and #text + to + 1 or math.min(to, #text)
        return from > to and "" or ffi.string(ffi.cast("const char *", text) + (from - 1), to - from + 1)
    end
    for _, name in ipairs { "lower", "upper" } do
        local letters = {}
        for byte = 0, 255 do
            letters[string.char(byte)] = string[name](string.char(byte))
        end
        string[name] = function(text)
            return (text:gsub(".", letters))
        end
    end
    function tostring(value)
        return ("%s"):format(value)
    end
    -- luacheck: pop
end

local backend = require "cleat.backend"

local function collected()
    collectgarbage()
    collectgarbage()
    return backend.handle_count(), failing.descriptors()
end

local function say(format, ...)
    io.stderr:write(format:format(...), "\n")
end

-- run makes allocation number n fail. It returns whether there was one.
local function run(operation, n)
    local name, before, act, after = unpack(operation)
    local given = before()
    collectgarbage "stop"
    failing.arm(n)
    local ok, failure = pcall(act, given)
    local happened = failing.disarm()
    collectgarbage "restart"
    if not happened then
        assert(ok, failure)
    elseif not ok and failure ~= "not enough memory" then
        error(("%s, allocation %d: %s"):format(name, n, tostring(failure)), 0)
    end
    if not ok and operation.again then
        act(given)
    end
    after(given)
    return happened, ok
end

local total = 0
for _, operation in ipairs(require "operations") do
    if not only or operation[1]:find(only, 1, true) then
        run(operation, 0)
        run(operation, 0) -- this fills caches
        local ids, descriptors = collected()
        local n, survived = 0, 0
        repeat
            n = n + 1
            local happened, ok = run(operation, n)
            survived = survived + (happened and ok and 1 or 0)
            local ids_now, descriptors_now = collected()
            if ids_now ~= ids or descriptors_now ~= descriptors then
                error(("%s, allocation %d: %d ids and %d descriptors left"):format(operation[1], n, ids_now - ids,
                    descriptors_now - descriptors), 0)
            end
        until not happened
        total = total + n - 1
        say("%-40s %6d refused %6d done without", operation[1], n - 1 - survived, survived)
    end
end

-- The same for loading cleat in a new state, which needs more memory than LuaJIT's own libraries.
local text = 'require "cleat.ssl"; require "cleat.socket"; require "cleat.select"; require "cleat.python"'
local step = 37 -- there are thousands of allocations
if not only and not jit then
    local ids, descriptors = collected()
    local n = 1
    local happened, message = failing.fresh(n, text)
    while happened do
        if message ~= "not enough memory" and message ~= "no state" then
            error(("loading, allocation %d: %s"):format(n, tostring(message)), 0)
        end
        n = n + step
        happened, message = failing.fresh(n, text)
    end
    assert(message == nil, message)
    assert(n > 1000, "too few allocations: cleat was not loaded")
    local ids_now, descriptors_now = collected()
    assert(ids_now == ids and descriptors_now == descriptors)
    say("%-40s %6d of them tried, of %d", "loading", (n - 1) / step, n)
end
say("%-40s %6d", "all", total)
