--- The command `cleat`: parses the command line, runs the command, and converts errors to messages and exit statuses.

local definitions = require "cleat.cli.definitions"
local failure = require "cleat.cli.failure"
local loop = require "cleat.cli.loop"
local output = require "cleat.cli.output"
local parser = require "cleat.cli.parser"

local main = {}

local INTERRUPTED = 130 -- the status that shells report for SIGINT

local function version()
    local C = require "cleat.backend"
    local _, text = C.version()
    return ("cleat %s (%s, %s)"):format(text, (require("cleat.ssl").OPENSSL_VERSION:gsub(" *%b()", "")),
        package.loaded.jit and package.loaded.jit.version or _VERSION)
end

local function report(name, problem)
    if problem.message then
        output.note(definitions.name, name and " " .. name or "", ": ", problem.message, "\n")
        if problem.detail then
            output.note(problem.detail, "\n")
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
