-- Other programs: they run to the end, or in the background as peers. Each has a separate process group under
-- timeout(1), writes its output to files, and is ended by process.cleanup at the latest.
local backend = require "cleat.backend"
local check_options = require "support.check_options"
local limits = require "support.limits"
local select = require "cleat.select"
local socket = require "cleat.socket"

local process = {}

local Process = {}
Process.__index = Process

local running = {}
local temporary
local serial = 0

-- root is the folder of the source tree.
process.root = os.getenv("CLEAT_SOURCE_DIR") or os.getenv("PWD") or "."

-- count_lines is Lua code for a program that does not read LUA_INIT: script/coverage records the lines that it
-- executes.
process.count_lines = os.getenv("CLEAT_LINES") and ("dofile %q;"):format(process.root .. "/spec/coverage/init.lua") or ""

function process.clock()
    local _, seconds = backend.monotonic()
    return seconds
end

function process.sleep(seconds)
    select.select({}, {}, {}, seconds)
end

function process.read_file(name)
    local file, message = io.open(name, "rb")
    if not file then
        error(message, 2)
    end
    local data = file:read("*a")
    file:close()
    return data
end

function process.write_file(name, data)
    local file = assert(io.open(name, "wb"))
    assert(file:write(data))
    assert(file:close())
    return name
end

function process.quote(word)
    return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

-- capture returns the first line of a shell command's output.
local function capture(command)
    local pipe = assert(io.popen(command))
    local line = pipe:read("*l")
    pipe:close()
    return line
end

-- If this process ends without process.cleanup, a watchdog ends the programs that it has started and removes the
-- directory.
local WATCHDOG = [[
trap "" INT HUP TERM
while [ -d "$2" ] && kill -0 "$1"; do sleep 1; done
for file in "$2"/*.pid; do [ -f "$file" ] && kill -KILL "-$(cat "$file")"; done
rm -rf "$2"
]]

-- directory returns the temporary directory of this run.
function process.directory()
    if not temporary then
        temporary = assert(capture("mktemp -d \"${TMPDIR:-/tmp}/cleat-spec.XXXXXX\""), "mktemp failed")
        os.execute(("sh -c %s watchdog %s %s >/dev/null 2>&1 </dev/null &"):format(process.quote(WATCHDOG),
            capture("echo $PPID"), process.quote(temporary)))
    end
    return temporary
end

-- interpreter returns the command that runs a Lua script on the same Lua as this process.
function process.interpreter()
    local name = os.getenv("CLEAT_LUA")
    if name and name ~= "" then
        return name
    end
    local lowest = 0
    while arg and arg[lowest - 1] do
        lowest = lowest - 1
    end
    if lowest < 0 then
        return arg[lowest]
    end
    return rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "[%d.]+"
end

-- lua returns an argument list that runs a script, named from the root of the source tree, on the Lua of this process.
-- Words that start with NAME= before the script are for its environment.
function process.lua(words)
    local command = {
        "env", "-u", "LUA_PATH_5_4", "-u", "LUA_CPATH_5_4",
        "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath,
    }
    for name, value in pairs(words) do
        if type(name) == "string" then
            command[name] = value
        end
    end
    local script
    for _, word in ipairs(words) do
        if not script and not word:match("^[%w_]+=") then
            script = true
            command[#command + 1] = process.interpreter()
            if package.loaded["support.lua51"] then
                command[#command + 1] = "-lsupport.lua51"
            end
            word = word:match("^/") and word or process.root .. "/" .. word
        end
        command[#command + 1] = word
    end
    return command
end

-- run_code runs a piece of Lua in a separate process and returns its output; words as for process.lua, without the
-- script.
function process.run_code(code, words)
    serial = serial + 1
    local script = process.write_file(("%s/%d.lua"):format(process.directory(), serial), code)
    local command = { timeout = 20 }
    for _, word in ipairs(words or {}) do
        command[#command + 1] = word
    end
    command[#command + 1] = script
    local result = process.run(process.lua(command))
    if result.status ~= 0 then
        error(("the code ended with %d:\n%s%s"):format(result.status, result.output, result.errors), 2)
    end
    return result.output
end

-- start runs a command in the background. command: an array of words, with
--   stdin    the text of its standard input (nothing)
--   timeout  seconds after which it is killed (30), on a free machine: see support.limits
--   directory  where it runs
function process.start(command)
    check_options("process.start", command, "stdin timeout directory")
    serial = serial + 1
    local base = process.directory() .. "/" .. serial
    local words = {}
    for _, word in ipairs(command) do
        words[#words + 1] = process.quote(word)
    end
    local stdin = "/dev/null"
    if command.stdin then
        stdin = process.write_file(base .. ".in", command.stdin)
    end
    local line = ("cd %s && { timeout -k 1 %d %s <%s >%s.out 2>%s.err & echo $! >%s.pid.new; "
        .. "mv %s.pid.new %s.pid; wait $!; echo $? >%s.status.new; mv %s.status.new %s.status; }"):format(
        process.quote(command.directory or process.root), math.ceil(limits.bound(command.timeout or 30)), table.concat(words, " "),
        process.quote(stdin), base, base, base, base, base, base, base, base)
    os.execute("sh -c " .. process.quote(line) .. " >/dev/null 2>&1 </dev/null &")
    local self = setmetatable({ base = base, name = command[1] }, Process)
    running[self] = true
    local deadline = process.clock() + limits.bound(10)
    while not self.pid do
        local file = io.open(base .. ".pid")
        if file then
            self.pid = file:read("*l")
            file:close()
        elseif process.clock() > deadline then
            error(command[1] .. " was not started", 2)
        else
            process.sleep(0.002)
        end
    end
    return self
end

local function slurp(name)
    local file = io.open(name, "rb")
    if not file then
        return ""
    end
    local data = file:read("*a")
    file:close()
    return data or ""
end

function Process:output()
    return slurp(self.base .. ".out")
end

function Process:errors()
    return slurp(self.base .. ".err")
end

-- poll returns the exit status, or nil while the program runs. 124 means that timeout(1) ended it.
function Process:poll()
    if not self.status then
        local file = io.open(self.base .. ".status")
        if file then
            self.status = tonumber(file:read("*l"))
            file:close()
            os.remove(self.base .. ".pid")
            running[self] = nil
        end
    end
    return self.status
end

-- wait returns the exit status. It raises if the program does not end in time.
function Process:wait(timeout)
    local deadline = process.clock() + limits.bound(timeout or 30)
    while not self:poll() do
        if process.clock() > deadline then
            error(self.name .. " does not end; its output:\n" .. self:output() .. self:errors(), 2)
        end
        process.sleep(0.005)
    end
    return self.status
end

-- wait_for returns the captures of the pattern in the output or in the error output, as soon as it matches.
function Process:wait_for(pattern, timeout)
    local deadline = process.clock() + limits.bound(timeout or 10)
    while true do
        local ended = self:poll()
        for _, text in ipairs { self:output(), self:errors() } do
            local first, second = text:match(pattern)
            if first then
                return first, second
            end
        end
        if ended or process.clock() > deadline then
            error(("%s %s without the output %q; its output:\n%s%s"):format(self.name,
                ended and "ended (" .. ended .. ")" or "runs", pattern, self:output(), self:errors()), 2)
        end
        process.sleep(0.005)
    end
end

-- kill ends the program and all programs that it has started, so that they cannot close their connections.
function Process:kill()
    os.execute("kill -KILL -" .. self.pid .. " 2>/dev/null")
    return self:wait(5)
end

-- stop ends the program by SIGTERM, and by SIGKILL if it does not end.
function Process:stop()
    if not self:poll() then
        os.execute("kill -TERM " .. self.pid .. " 2>/dev/null")
        local deadline = process.clock() + limits.bound(1)
        while not self:poll() and process.clock() < deadline do
            process.sleep(0.002)
        end
    end
    -- Processes that the program has left in its process group are ended too.
    os.execute("kill -KILL -" .. self.pid .. " 2>/dev/null")
    return self:wait(5)
end

-- run runs a command to the end and returns { status=, output=, errors= }.
function process.run(command)
    local self = process.start(command)
    self:wait((command.timeout or 30) + 5)
    return { status = self.status, output = self:output(), errors = self:errors() }
end

-- bound returns a socket that is bound to a free port, and the port.
local function bound()
    local probe = socket.socket()
    probe:bind { "127.0.0.1", 0 }
    return probe, probe:getsockname()[2]
end

local given = {} -- the ports that free_port has returned

-- free_port returns a port on which no process listened a moment ago, for programs that cannot report the port that
-- they listen on. It returns each port once, so that those of one program differ.
function process.free_port()
    local probe, port
    repeat
        probe, port = bound()
        probe:close()
    until not given[port]
    given[port] = true
    return port
end

local refusing

-- refusing_port returns a port that refuses connections. It is bound, so that no other process can listen on it.
function process.refusing_port()
    if not refusing then
        local probe
        probe, refusing = bound()
        probe:detach() -- its descriptor stays open
    end
    return refusing
end

-- on_free_port calls start(port), which starts a program and waits until it listens, until one call succeeds.
function process.on_free_port(start)
    local message
    for _ = 1, 5 do
        local port = process.free_port()
        local ok, result = pcall(start, port)
        if ok then
            return result, port
        end
        message = result
    end
    error(message, 2)
end

-- stop_all ends all programs that still run.
function process.stop_all()
    for self in pairs(running) do
        self:stop()
    end
end

-- cleanup ends all programs and removes the temporary directory.
function process.cleanup()
    process.stop_all()
    if temporary then
        os.execute("rm -rf " .. process.quote(temporary))
        temporary = nil
    end
end

return process
