--- cleat on LuaJIT with cleat.cdef and libcleat only, without the Lua layer.
---
--- The functions and constants are fields of what this returns, under the names that the reference has.
local ffi = require "ffi"

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
for line in io.lines(here .. "../cleat.cdef") do
    ffi.cdef(line)
end
local library = ffi.load(os.getenv "CLEAT_LIBRARY" or "libcleat.so.0")
assert(library.cleat_abi_version() >= library.CLEAT_ABI, "the libcleat found is older than cleat.cdef")

local cleat = setmetatable({}, { __index = library })

--- What a function with a last pair (output, output_cap) returns.
---@return string
function cleat.text(f, ...)
    local room = 256
    while true do
        local out = ffi.new("char[?]", room)
        local arguments = { ... }
        arguments[#arguments + 1] = out
        arguments[#arguments + 1] = room
        local length = cleat.check(f(unpack(arguments)))
        if length <= room then
            return ffi.string(out, length)
        end
        room = length
    end
end

--- The answer of a call; raises the text of the failure if it is a status.
---@param result integer
---@return integer
function cleat.check(result)
    if result < 0 then
        local message, filename = cleat.text(library.cleat_error_message), cleat.text(library.cleat_error_filename)
        error({ class = bit.rshift(-result, 16), value = bit.band(-result, 0xffff),
            message = filename ~= "" and message .. ": " .. filename or message }, 0)
    end
    return result
end

--- Runs a program: ends with 1 and the reason where it fails.
function cleat.run(name, main, ...)
    local ok, problem = pcall(main, ...)
    if not ok then
        io.stderr:write(name, ": ", type(problem) == "table" and problem.message or tostring(problem), "\n")
        os.exit(1)
    end
end

return cleat
