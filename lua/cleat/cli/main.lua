--- The command `cleat`: parses the command line, runs the command, and converts errors to messages and exit statuses.

local definitions = require "cleat.cli.definitions"
local C = require "cleat.backend"
local failure = require "cleat.cli.failure"
local loop = require "cleat.cli.loop"
local output = require "cleat.cli.output"
local parser = require "cleat.cli.parser"

local main = {}

local INTERRUPTED = 130 -- the status that shells report for SIGINT

-- The files below, for as long as the process runs.
local placeholders = {}

-- Opens those of the descriptors 0, 1 and 2 that are closed. Otherwise the next socket would get such a number, and
-- what is written to the standard output would be sent to the peer in plaintext. The opposite mode makes reads and
-- writes fail with EBADF, as those of a closed descriptor.
local function occupy_standard_descriptors()
    local fds = { 0, 1, 2 }
    local _, revents = C.poll(fds, { 0, 0, 0 }, #fds, 0)
    for index, fd in ipairs(fds) do
        if revents[index] == C.const.POLLNVAL then
            placeholders[#placeholders + 1] = io.open("/dev/null", fd == 0 and "w" or "r")
        end
    end
end

local function version()
    local _, text = C.version()
    return ("cleat %s (%s, %s)"):format(text, (require("cleat.ssl").OPENSSL_VERSION:gsub(" *%b()", "")),
        package.loaded.jit and package.loaded.jit.version or _VERSION)
end

-- safe makes each line of a message safe: it may contain an argument, or text of a server.
local function safe(text)
    return (text:gsub("[^\n]+", output.safe))
end

local function report(name, problem)
    if problem.message then
        output.note(definitions.name, name and " " .. name or "", ": ", safe(problem.message), "\n")
        if problem.detail then
            output.note(safe(problem.detail), "\n")
        end
    end
    return problem.status
end

-- The interpreter raises this text after Ctrl-C.
local function is_interrupt(problem)
    return type(problem) == "string" and problem:find "interrupted!$" ~= nil
end

--- Runs a command line, and returns the exit status.
---@param words string[]
---@return integer
function main.run(words)
    occupy_standard_descriptors()
    local name
    local ok, problem = xpcall(function()
        if #words == 0 then
            words = { "--help" }
        end
        local options = parser.new(version()):parse(words)
        name = options.command
        return loop.run(require("cleat.cli." .. name), options)
    end, function(raised)
        if failure.is(raised) or is_interrupt(raised) then
            return raised
        end
        return { unexpected = debug.traceback(tostring(raised)) }
    end)
    if ok then
        return problem or 0
    elseif failure.is(problem) then
        return report(name, problem)
    elseif is_interrupt(problem) then
        return INTERRUPTED
    end
    output.note(definitions.name, ": this is a mistake in cleat; please report it:\n", problem.unexpected, "\n")
    return 70
end

return main
