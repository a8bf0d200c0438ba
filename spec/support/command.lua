-- Runs the command `cleat` in a process, on the interpreter that runs the specs.
--
--   local result = command.run { "cert", file }               status, output, errors
--   local program = command.start { "serve", "--echo" }       a process of support.process
local process = require "support.process"

local command = {}

-- words: the command line, and as fields: those of process.start (stdin, timeout, directory), and `environment`, an
-- array of NAME=value.
local function line(words)
    local all = {}
    for _, setting in ipairs(words.environment or {}) do
        all[#all + 1] = setting
    end
    all[#all + 1] = "bin/cleat"
    for _, word in ipairs(words) do
        all[#all + 1] = tostring(word)
    end
    for _, name in ipairs { "stdin", "timeout", "directory" } do
        all[name] = words[name]
    end
    return process.lua(all)
end

function command.run(words)
    return process.run(line(words))
end

function command.start(words)
    return process.start(line(words))
end

-- expect runs a command, and compares its exit status.
function command.expect(status, words)
    local result = command.run(words)
    if result.status ~= status then
        error(("cleat %s: status %s, not %d:\n%s%s"):format(table.concat(words, " "), result.status, status, result.output,
            result.errors), 2)
    end
    return result
end

-- expect_text raises an error that shows the text if it does not contain `part`.
function command.expect_text(text, part)
    if not text:find(part, 1, true) then
        error(("%q is not in:\n%s"):format(part, text), 2)
    end
end

local JSON = [[
import json, sys
def lua(value):
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return '"' + "".join("\\%03d" % byte for byte in value.encode()) + '"'
    if isinstance(value, list):
        return "{" + ", ".join(map(lua, value)) + "}"
    return "{" + ", ".join("[%s] = %s" % (lua(name), lua(each)) for name, each in value.items()) + "}"
print("return " + lua(json.load(sys.stdin)))
]]

-- json decodes a text with Python's parser, so that JSON which breaks the standard is an error.
function command.json(text)
    local result = process.run { "/usr/bin/python3", "-I", "-c", JSON, stdin = text }
    if result.status ~= 0 then
        error("no JSON:\n" .. text .. result.errors, 2)
    end
    return assert((loadstring or load)(result.output))()
end

return command
