--- Usage: script/lua bench/guards/run.lua [--update] [syscalls|allocations|compiled|instructions|memory]…
---
--- Counts system calls, allocations and so on, and compares them with bench/guards/figures.txt: see bench/README.md,
--- "Guards". Exits with 1 if a figure differs, and with 77 if nothing can be counted on this machine. --update writes
--- the counts to figures.txt. CLEAT_BUILD_DIR names the build tree, as for script/lua.

local here = arg[0]:match "^(.*)/" or "."
local root, build = os.getenv "CLEAT_SOURCE_DIR", os.getenv "CLEAT_BUILD_DIR"
package.path = here .. "/../?.lua;" .. package.path

local command_line = require "lib.command_line"
local machine = require "lib.machine"
local process = require "lib.process"
local quote, first_line = process.quote, process.first_line

local FIGURES = here .. "/figures.txt"
local TOLERANCE = 0.03 -- of instructions in C, which vary by 0.01 %, and of memory
local LUA_TOLERANCE = 0.08 -- Lua seeds its hashes with the time: a run may take 3 % more or less
local pki = root .. "/build/spec-pki"
local api = machine.boringssl_api(build)
local failures, counted = 0, 0

local function say(...)
    print(string.format(...))
end

local function fail(...)
    failures = failures + 1
    say("NOT AS IT SHOULD BE: %s", string.format(...))
end

local function skip(what, why)
    say("SKIPPED: %s: %s", what, why)
end

-- lines returns the lines of a command's output, or nil if the command fails.
local function lines_of(command)
    local pipe = assert(io.popen(command .. " 2>&1"))
    local lines = {}
    for line in pipe:lines() do
        lines[#lines + 1] = line
    end
    local ok, how, number = pipe:close()
    if not ok then
        fail("%s: %s", command, lines[#lines] or ("it said nothing, and ended by %s %s"):format(how or "?", number or "?"))
        return nil
    end
    return lines
end

local function exists(name)
    local file = io.open(name)
    return file ~= nil and file:close()
end

-- Figures: "name figure" in each line.
local figures, order, heading = {}, {}, {}
for line in io.lines(FIGURES) do
    local name, figure = line:match "^([^#%s]%S*) +(.*)$"
    if name then
        figures[name] = figure
        order[#order + 1] = name
    else
        heading[#heading + 1] = line
    end
end

local update = false

-- note compares a figure, or with --update stores it. who: the counting program, if several share the figure.
local function note(name, figure, tolerance, who)
    local known = figures[name]
    local label = who and name .. " (" .. who .. ")" or name
    counted = counted + 1
    if update then
        if not known then
            order[#order + 1] = name
        end
        if known ~= figure then
            say("%s: %s, was %s", label, figure, known or "not there")
        end
        figures[name] = figure
    elseif not known then
        skip(label, "there is no figure for it; here it is " .. figure)
    elseif tolerance then
        local change = tonumber(figure) / tonumber(known) - 1
        if math.abs(change) > tolerance then
            fail("%s: %s, and not %s (%+.1f %%)", label, figure, known, change * 100)
        else
            say("%s: %s (%+.2f %%)", label, figure, change * 100)
        end
    elseif known ~= figure then
        fail("%s\n    is       %s\n    and not  %s", label, figure, known)
    else
        say("%s: %s", label, figure)
    end
end

-- System calls.

local WATCHED = "%net,poll,ppoll,select,pselect6,epoll_wait,epoll_pwait,fcntl,ioctl,read,write,readv,writev,close,openat,open,"
    .. "nanosleep,clock_nanosleep,dup,dup3,pipe2,eventfd2,kill,tgkill,rt_sigaction,rt_sigprocmask"

-- Conditions that figures.txt cannot change.
local DEMANDS = {
    { "send%-65536$", "^sendto$", "one sendto" },
    { "sendall%-131072$", "^sendto×2$", "a sendto for each 64 KiB" },
    { "send%-64$", "^sendto$", "one sendto" },
    { "recv%-%d+$", "^recvfrom×?%d*$", "recvfrom only: no poll, no fcntl" },
    { "recv_into%-%d+$", "^recvfrom×?%d*$", "recvfrom only: no poll, no fcntl" },
    { "want%-read$", "^recvfrom$", "recvfrom only" },
    { "close$", "^close$", "nothing is said at the end" },
    { "^handshake$", "^socket connect setsockopt sendto recvfrom×2 sendto$", "no more than one for a record, and no poll" },
    { "^accept$", "^accept4 setsockopt recvfrom sendto recvfrom$", "one for each flight, and no poll" },
    { "^echo$", "^sendto recvfrom×2$", "what the raw loop needs, and no poll" },
}

-- joined merges equal neighbours into one word.
local function joined(calls)
    local parts, index = {}, 1
    while calls[index] do
        local last = index
        while calls[last + 1] == calls[index] do
            last = last + 1
        end
        parts[#parts + 1] = calls[index] .. (last > index and "×" .. last - index + 1 or "")
        index = last + 1
    end
    return #parts > 0 and table.concat(parts, " ") or "none"
end

local function check_syscalls(kind, interpreter, folder)
    local log = folder .. "/strace." .. kind
    local slowly = "-e trace=recvfrom -e inject=recvfrom:delay_exit=30000" -- microseconds
    local server = io.popen(("exec timeout 900 strace -f -o %s %s %s %s/server.lua"):format(quote(folder .. "/strace.server"), slowly,
        quote(os.getenv "CLEAT_LUA"), quote(here)))
    local port = (server:read "l" or ""):match "^port (%d+)"
    local visitor = ("%s %s/visitor.lua"):format(quote(os.getenv "CLEAT_LUA"), quote(here))
    local lines = port and lines_of(("timeout 900 strace -o %s -e trace=%s %s %s/operations.lua %s %s"):format(quote(log), WATCHED,
        interpreter, quote(here), port, quote(visitor)))
    server:close()
    if not port then
        return fail("the server for the handshake does not start")
    elseif not lines then
        return
    end
    local name, calls
    for line in io.lines(log) do
        local marked = line:match '^openat%(AT_FDCWD, "/guard/([^"]*)"'
        if marked == "-" then
            local figure = joined(calls)
            note("syscalls." .. name, figure, nil, kind)
            for _, demand in ipairs(DEMANDS) do
                if name:find(demand[1]) and not figure:find(demand[2]) then
                    fail("syscalls.%s (%s): %s; it should be %s", name, kind, figure, demand[3])
                end
            end
            calls = nil
        elseif marked then
            name, calls = marked, {}
        elseif calls then
            calls[#calls + 1] = line:match "^(%w+)%("
        end
    end
end

local LUAS = { { "lua54", os.getenv "CLEAT_LUA" }, { "luajit", "luajit" } }

local guards = {}

function guards.syscalls(folder)
    if not first_line "strace -o /dev/null true && echo yes" then
        return skip("syscalls", "strace does not work here")
    end
    for _, lua in ipairs(LUAS) do
        check_syscalls(lua[1], lua[2], folder)
    end
end

-- Allocations.

-- The limits of blocks, and of kept bytes. Lua 5.4 allocates or frees a call frame when an error is caught, depending
-- on the stack, so only the kept bytes of a WantRead are a figure.
local ALLOCATION_DEMANDS = {
    { "^recv%-", 1, false, "the string that is returned" }, { "^recv_into", 0, true, "nothing" }, { "^send", 0, true, "nothing" },
    { "^want%-read", 1, true, "at most a call frame" }, { "^method%-call", 0, true, "nothing" },
    { "^try_recv", 0, true, "nothing" },
}

local function check_allocations(kind, command)
    for _, line in ipairs(lines_of(command) or {}) do
        local name, blocks, bytes, kept = line:match "^(%S+) (%-?%d+) (%-?%d+) (%-?%d+)$"
        if not name then
            fail("allocations.%s: not a line of figures: %s", kind, line)
            return
        end
        kept = math.max(tonumber(kept), 0)
        local figure = ("%d bytes"):format(kept)
        if kind == "lua54" and name ~= "want-read" then
            figure = ("%s blocks, %s bytes, %d kept"):format(blocks, bytes, kept)
        end
        note(("allocations.%s.%s"):format(kind, name), figure)
        for _, demand in ipairs(ALLOCATION_DEMANDS) do
            if name:find(demand[1]) and (tonumber(blocks) > demand[2] or demand[3] and kept > 0) then
                fail("allocations.%s.%s: %s blocks, %d bytes kept; it should allocate %s", kind, name, blocks, kept, demand[4])
            end
        end
    end
end

function guards.allocations()
    local program = build .. "/bench/guard_allocations"
    if exists(program) then
        check_allocations("lua54", ("timeout 900 %s %s/allocations.lua"):format(quote(program), quote(here)))
    else
        skip("allocations in Lua 5.4", program .. " is not built (script/build --tests)")
    end
    check_allocations("luajit", ("timeout 900 luajit %s/allocations.lua"):format(quote(here)))
end

-- Machine code.

local COMPILED = 95 -- per cent of the samples: the profiler's clock may strike in the loop around

function guards.compiled()
    for _, line in ipairs(lines_of(("timeout 900 luajit %s/compiled.lua"):format(quote(here))) or {}) do
        local name, share, given_up = line:match "^(%S+) ([%d.]+) (%d+)$"
        counted = counted + 1
        if given_up and given_up ~= "0" then
            fail("compiled.%s: LuaJIT meets something that it cannot compile (jit.v: NYI), %s times", name, given_up)
        elseif not share or tonumber(share) < COMPILED then
            fail("compiled.%s: LuaJIT is in machine code for %s %% of the time; it should be all", name or line, share or "?")
        else
            say("compiled.%s: %s %%", name, share)
        end
    end
end

-- Instructions.

-- Valgrind shows every processor that has AVX2 as the same one, except for RDRAND and RDSEED: OPENSSL_ia32cap hides
-- both from BoringSSL.
local SAME_PROCESSOR = "OPENSSL_ia32cap='~0x4000000000000000:~0x40000'"

local function callgrind(folder, options, command)
    local format = "%s timeout 1800 valgrind --tool=callgrind --callgrind-out-file=%s/callgrind.out %s %s"
    local lines = lines_of(format:format(SAME_PROCESSOR, quote(folder), options, command))
    for _, line in ipairs(lines or {}) do
        local sum = line:match "Collected : (%d+)"
        if sum then
            return tonumber(sum)
        end
    end
end

-- The limits of a handshake's instructions, relative to the raw loop, which verifies its peer's chain each time: with a
-- peer that cleat verifies too, with one that it has verified before, and with a resumed session. The clients of
-- "server" send a certificate, those of "accept" none.
local DEMANDS_OF = {
    client = { raw = { { "unknown", 1.03 }, { "known", 0.60 } }, ["raw-resumed"] = { { "resumed", 1.05 } } },
    server = { raw = { { "unknown", 1.05 }, { "known", 0.65 } } },
    accept = { raw = { { "known", 1.03 } }, ["raw-resumed"] = { { "resumed", 1.05 } } },
}
local HANDSHAKES = 8
local FEW, MANY = 5, 45 -- handshakes in Lua: the difference is counted

-- compared notes a client's instructions, and compares them with the raw loop's.
local function compared(name, where, sum, raw, most)
    local share = sum / raw
    note("instructions." .. name .. where, tostring(sum), TOLERANCE)
    say("instructions.%s: %.2f of the raw loop's %d", name, share, raw)
    if share > most then
        fail("instructions.%s: %.2f of the raw loop's; it should be at most %.2f", name, share, most)
    end
end

-- check_lua_client counts the handshakes of a whole program in Lua 5.4, with a known server in another process.
local function check_lua_client(folder, where, raw)
    local lua = quote(os.getenv "CLEAT_LUA")
    local server = io.popen(("exec timeout 900 %s %s/server.lua %d"):format(lua, quote(here), FEW + MANY))
    local port = (server:read "l" or ""):match "^port (%d+)"
    local function handshakes(count)
        return port and callgrind(folder, "", ("%s %s/handshakes.lua %s %d"):format(lua, quote(here), port, count))
    end
    local few = handshakes(FEW)
    local many = few and handshakes(MANY)
    server:close()
    if many then
        compared("lua54.known", where, math.floor((many - few) / (MANY - FEW) + 0.5), raw, 0.60)
    elseif not port then
        fail "the server for the handshakes does not start"
    end
end

-- check_end counts the handshakes of a client or a server in C, and returns the raw loop's count of a full one.
local function check_end(folder, where, program, name)
    local function handshake(way)
        local sum = callgrind(folder, "--collect-atstart=no --toggle-collect=measured",
            ("%s %s %s %d %s"):format(quote(program), name, way, HANDSHAKES, quote(pki)))
        return sum and math.floor(sum / HANDSHAKES + 0.5)
    end
    local function compare(way)
        local raw = handshake(way)
        for _, demand in ipairs(raw and DEMANDS_OF[name][way] or {}) do
            local sum = handshake(demand[1])
            if sum then
                compared(name .. "." .. demand[1], where, sum, raw, demand[2])
            end
        end
        return raw
    end
    if DEMANDS_OF[name]["raw-resumed"] then
        compare "raw-resumed"
    end
    return compare "raw"
end

local function check_handshakes(folder, where)
    local program = build .. "/bench/guard_handshakes"
    if not exists(program) then
        return skip("instructions of handshakes", program .. " is not built (script/build --tests)")
    end
    check_end(folder, where, program, "server")
    check_end(folder, where, program, "accept")
    local raw = check_end(folder, where, program, "client")
    if raw then
        check_lua_client(folder, where, raw)
    end
end

-- The counted calls in Lua (calls.lua), and their number: large enough that the start of the program does not matter.
-- It has 10^8 instructions, which vary by 1 %, since its hashes have a random seed.
local CALLS = { { "echo", 1500 }, { "waiting", 500 }, { "want-read", 20000 }, { "context", 15000 } }

function guards.instructions(folder)
    local program = build .. "/bench/guard_instructions"
    if not first_line "valgrind -q --tool=none true && echo yes" then
        return skip("instructions", "valgrind does not work here")
    elseif not exists(program) then
        return skip("instructions", program .. " is not built (script/build --tests)")
    elseif not (process.read_file "/proc/cpuinfo" or ""):find " avx2" then
        return skip("instructions", "the figures are for processors with AVX2")
    end
    local where = (".api%d.%s"):format(api, first_line "uname -m" or "unknown")
    local function measured(work, count)
        local sum = callgrind(folder, "--collect-atstart=no --toggle-collect=measured",
            ("%s %s %d %s"):format(quote(program), work, count, quote(pki)))
        if sum then
            note("instructions.c." .. work .. where, tostring(math.floor(sum / count + 0.5)), TOLERANCE)
        end
    end
    measured("handshake", 20)
    measured("echo", 500)
    check_handshakes(folder, where)
    -- in Lua: the cost of many more calls
    local function calls(kind, count)
        return callgrind(folder, "", ("%s %s/calls.lua %s %d"):format(os.getenv "CLEAT_LUA", quote(here), kind, count))
    end
    local none = calls("none", 0)
    for _, each in ipairs(none and CALLS or {}) do
        local kind, count = each[1], each[2]
        local sum = calls(kind, count)
        if sum then
            note("instructions.lua54." .. kind .. where, tostring(math.floor((sum - none) / count + 0.5)), LUA_TOLERANCE)
        end
    end
end

-- Memory.

local IDLE = 64 -- connections

function guards.memory()
    local program = build .. "/bench/guard_handshakes"
    if not exists(program) then
        return skip("memory", program .. " is not built (script/build --tests)")
    end
    local where = (".api%d.%s"):format(api, first_line "uname -m" or "unknown")
    for _, name in ipairs { "client", "accept" } do
        local lines = lines_of(("timeout 900 %s %s idle %d %s"):format(quote(program), name, IDLE, quote(pki)))
        local bytes = lines and lines[1] and lines[1]:match "^bytes (%d+)$"
        if bytes then
            note("memory.c." .. name .. where, bytes, TOLERANCE)
        elseif lines then
            fail("memory.c.%s: not a number of bytes: %s", name, lines[1] or "nothing")
        end
    end
end

local NAMES = { "syscalls", "allocations", "compiled", "instructions", "memory" }
local chosen = {}
for _, word in ipairs(arg) do
    if word == "--update" then
        update = true
    elseif guards[word] then
        chosen[#chosen + 1] = word
    else
        command_line.usage()
        os.exit(word == "--help" or word == "-h")
    end
end

local folder = first_line "mktemp -d"
if not os.execute(("sh %s/spec/support/pki.sh %s"):format(quote(root), quote(pki))) then
    fail "there are no certificates"
end
for _, name in ipairs(#chosen > 0 and chosen or NAMES) do
    guards[name](folder)
end
os.execute("rm -rf " .. quote(folder))

if update then
    table.sort(order)
    local file = assert(io.open(FIGURES, "w"))
    for _, line in ipairs(heading) do
        file:write(line, "\n")
    end
    for _, key in ipairs(order) do
        file:write(("%-44s %s\n"):format(key, figures[key]))
    end
    file:close()
end
os.exit(failures > 0 and 1 or counted == 0 and 77 or 0)
