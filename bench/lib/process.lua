--- Runs the programs that are measured: each pinned to a core, none longer than a limit.

local process = {}

local LIMIT = 3600 -- seconds

local pinning = os.execute "taskset -c 0,1 true 2>/dev/null" and true or false
process.pinning = pinning

--- What a file says, nil if it cannot be read.
---@param name string
---@return string?
function process.read_file(name)
    local file = io.open(name)
    local content = file and file:read "a"
    if file then
        file:close()
    end
    return content
end

---@param word string
---@return string
function process.quote(word)
    return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

local function command(core, words, environment)
    local parts = { "exec" }
    if environment then
        parts[#parts + 1] = "env"
        for name, value in pairs(environment) do
            parts[#parts + 1] = process.quote(name .. "=" .. value)
        end
    end
    if pinning then
        parts[#parts + 1] = "taskset -c " .. core
    end
    parts[#parts + 1] = "timeout " .. LIMIT
    for _, word in ipairs(words) do
        parts[#parts + 1] = process.quote(word)
    end
    return table.concat(parts, " ")
end

--- The first line of a command's standard output, nil if it fails.
---@param line string
---@return string?
function process.first_line(line)
    local pipe = assert(io.popen(line .. " 2>/dev/null"))
    local answer = pipe:read "l"
    return pipe:close() and answer or nil
end

--- Starts a program; output(pattern) reads lines until one matches and returns what it captured, or nil and the last
--- line; finish() waits for its end.
function process.start(core, words, environment)
    local pipe = assert(io.popen(command(core, words, environment) .. " 2>&1 </dev/null"))
    local started = {}
    function started.output(pattern)
        local last = "it says nothing"
        for line in pipe:lines() do
            local found = line:match(pattern)
            if found then
                return found
            end
            last = line:match "%S" and line or last
        end
        return nil, last
    end
    function started.finish()
        pipe:read "a"
        return pipe:close()
    end
    return started
end

--- Runs a program to its end. Returns its output, or nil and what it said last.
---@return string?, string?
function process.run(core, words, environment)
    local pipe = assert(io.popen(command(core, words, environment) .. " 2>&1 </dev/null"))
    local output = pipe:read "a"
    local ok, _, code = pipe:close()
    if ok then
        return output
    end
    local message = output:match "([^\n]*error:[^\n]*)" or output:match "([^\n]*)\n*$"
    return nil, message ~= "" and message or "exit status " .. tostring(code)
end

--- Starts a server that ends when its standard input does, and so with this process. Returns its port and what to
--- close.
---@param folder string for a pipe
function process.serve(core, words, folder, environment)
    local place = folder .. "/port"
    os.execute("rm -f " .. process.quote(place) .. " && mkfifo " .. process.quote(place))
    local pipe = assert(io.popen(command(core, words, environment):gsub("timeout %d+ ", "") .. " >" .. process.quote(place), "w"))
    local file = assert(io.open(place)) -- once the server has opened its end
    local answer = file:read "l"
    file:close()
    return tonumber((answer or ""):match "^port (%d+)"), pipe
end

return process
