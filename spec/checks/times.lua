-- times: no test decides by an absolute time, which depends on the machine. It refuses CPU times in tests, except where
-- they are compared with a control, and elapsed times that must be less than a number: limits.bound and load_bound end
-- what hangs (spec/support/limits.lua, spec/c/load.h).

local root = os.getenv "CLEAT_SOURCE_DIR" or "."

local CPU_CLOCKS = { "os%.clock%f[^%w_]", "CLOCK_%u+_CPUTIME_ID", "getrusage", "process_time" }
local ALLOWED = {
    ["spec/support/limits.lua"] = "costs_at_most compares with a control",
    ["spec/support/adapter_tests.lua"] = "compares with the elapsed time",
    ["spec/c/test_handle.c"] = "compares with a control",
    ["spec/soak/handshakes.lua"] = "prints it",
    ["bench/guards/compiled.lua"] = "counts samples for so long",
    ["spec/checks/times.lua"] = "this file",
}
local ELAPSED = { "%f[%w_]clock%(%) %- [%w_.]+", "%f[%w_]now%(%) %- [%w_.]+", "%f[%w_]took", "%f[%w_]elapsed", "%f[%w_]spent" }

local failures, count, needed = 0, 0, {}

local function report(name, line, what)
    failures = failures + 1
    io.stderr:write(("%s:%d: %s\n"):format(name, line, what))
end

local function check(name, number, line)
    for _, pattern in ipairs(CPU_CLOCKS) do
        if line:find(pattern) then
            needed[name] = true
            if not ALLOWED[name] then
                report(name, number, "a CPU time in a test: compare it with a control (limits.costs_at_most), or count")
            end
        end
    end
    for _, pattern in ipairs(ELAPSED) do
        if line:find(pattern .. " <=? [%d.]") then
            report(name, number, "an elapsed time must be less than a number: wait for an event, or use limits.bound (load_bound)")
        end
    end
end

local listing = assert(io.popen(("cd '%s' && find spec bench/guards examples -path spec/abi -prune -o -type f "
    .. "'(' -name '*.lua' -o -name '*.[ch]' -o -name '*.py' ')' -print | sort"):format(root)))
for name in listing:lines() do
    count = count + 1
    local number = 0
    for line in io.lines(root .. "/" .. name) do
        number = number + 1
        check(name, number, line)
    end
end
listing:close()
for name in pairs(ALLOWED) do
    if not needed[name] then
        report("spec/checks/times.lua", 1, name .. " is allowed to measure CPU time, and does not")
    end
end

print(("%d files: %d faults"):format(count, failures))
os.exit(failures == 0 and count > 0)
