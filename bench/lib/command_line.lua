--- The command line of a benchmark that is a separate script.

local command_line = {}

--- Prints the first comment of the script.
function command_line.usage()
    for line in io.lines(arg[0]) do
        local text = line:match "^%-%-%-? ?(.*)$"
        if not text then
            return
        end
        print(text)
    end
end

--- Reads "--NAME VALUE" into the table of options, and returns the other words, or the usual ones if there are none.
--- --help and wrong options end the program.
---@param program string for messages
---@param options table<string, string|number> the defaults; an option whose default is a number takes numbers only
---@param usual string[]
---@return string[]
function command_line.read(program, options, usual)
    local words, index = {}, 1
    local function fail(...)
        io.stderr:write(program, ": ", ...)
        io.stderr:write " (see --help)\n"
        os.exit(2)
    end
    while arg[index] do
        local name = arg[index]:match "^%-%-(%l+)$"
        if arg[index] == "--help" then
            command_line.usage()
            os.exit(0)
        elseif name and options[name] then
            local value = arg[index + 1]
            if type(options[name]) == "number" then
                value = tonumber(value) or fail(arg[index], " needs a number")
            end
            options[name] = value or fail(arg[index], " needs a value")
            index = index + 1
        elseif arg[index]:find "^%-" then
            fail("unknown option ", arg[index])
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
