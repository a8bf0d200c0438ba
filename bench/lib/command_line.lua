--- The command line of a benchmark that is a separate script: --help prints its first comment.

local command_line = {}

local function usage()
    for line in io.lines(arg[0]) do
        local text = line:match "^%-%- ?(.*)$"
        if not text then
            return
        end
        print(text)
    end
end

--- Reads "--NAME VALUE" into the table of options, and returns the other words, or the usual ones if there are none.
--- --help and unknown options end the program.
---@param program string for messages
---@param options table<string, string|number> with their defaults; numbers where they can be
---@param usual string[]
---@return string[]
function command_line.read(program, options, usual)
    local words, index = {}, 1
    while arg[index] do
        local name = arg[index]:match "^%-%-(%l+)$"
        if arg[index] == "--help" then
            usage()
            os.exit(0)
        elseif name and options[name] then
            options[name] = tonumber(arg[index + 1]) or arg[index + 1]
            index = index + 1
        elseif name then
            io.stderr:write(program, ": unknown option ", arg[index], " (see --help)\n")
            os.exit(2)
        else
            words[#words + 1] = arg[index]
        end
        index = index + 1
    end
    return words[1] and words or usual
end

--- The first line that a command prints.
---@param command string
---@return string?
function command_line.line_of(command)
    local pipe = assert(io.popen(command))
    local line = pipe:read "*l"
    pipe:close()
    return line
end

return command_line
