--- The arguments of Socket:makefile: those of Python 2.7 (mode, bufsize) and of Python 3 (mode, buffering, encoding,
--- errors, newline). Lua's strings are bytes, which files return and accept unchanged. Arguments that would convert
--- text are refused.

local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local file_mode = {}

local parse = keywords.parser("makefile", { "mode", "bufsize", "encoding", "errors", "newline", "buffering" }, { positional = 2 })

local function refuse(argument, text)
    return errors.raise(errors.NotImplementedError, ("makefile() argument '%s' %s"):format(argument, text))
end

-- check_text checks the arguments for text files. Binary files ignore them.
local function check_text(binary, writes_only, encoding, handler, newline)
    check.optional_string("makefile", "encoding", encoding)
    check.optional_string("makefile", "errors", handler)
    check.optional_string("makefile", "newline", newline)
    if newline ~= nil and newline ~= "" and newline ~= "\n" and newline ~= "\r" and newline ~= "\r\n" then
        errors.raise(errors.ValueError, "illegal newline value: " .. newline)
    elseif binary then
        return
    elseif encoding ~= nil and not encoding:lower():find("^utf[-_]?8$") then
        refuse("encoding", "can be 'utf-8' only: strings are bytes, and are not converted")
    elseif handler ~= nil then
        refuse("errors", "has no meaning: strings are bytes, and are not decoded")
    elseif newline ~= nil and newline ~= "\n" and not (writes_only and newline == "") then
        refuse("newline", "can be '\\n' only: lines end with a line feed, and are not converted")
    end
end

--- Parses the arguments.
---@return string mode
---@return integer bufsize -1 for the default
---@return boolean reads
---@return boolean writes
function file_mode.parse(...)
    local mode, bufsize, encoding, handler, newline, buffering = parse(...)
    mode = mode == nil and "r" or check.string("makefile", "mode", mode)
    if bufsize ~= nil and buffering ~= nil then
        errors.raise(errors.TypeError, "makefile() takes either 'bufsize' or 'buffering', which is Python 3's name for it")
    end
    local argument = buffering ~= nil and "buffering" or "bufsize"
    if buffering ~= nil then
        bufsize = buffering
    end
    bufsize = check.optional_integer("makefile", argument, bufsize, -1)
    if mode:find("[^rwb]") then
        errors.raise(errors.ValueError, ("invalid mode '%s' (only r, w and b are allowed)"):format(mode))
    end
    local writes = mode:find("w", 1, true) ~= nil
    local reads = not writes or mode:find("r", 1, true) ~= nil
    local binary = mode:find("b", 1, true) ~= nil
    if argument == "buffering" and bufsize == 0 and not binary then
        errors.raise(errors.ValueError, "unbuffered streams must be binary")
    end
    check_text(binary, writes and not reads, encoding, handler, newline)
    return mode, bufsize, reads, writes
end

return file_mode
