-- A helper for busted (script/busted FILE --helper=spec/support/classes.lua): ends the program if a function of the ABI
-- returns a status of a class that its header comment does not list, as spec/c/expect.h does in the C tests.
local backend = require "cleat.backend"
local signatures = require "support.signatures"

local names = {} -- of the classes, by number
for _, signature in ipairs(signatures) do
    for name in pairs(signature.classes) do
        names[backend.const[name]] = name
    end
end

-- check returns the results of a call of the function, after it has checked the status's class.
local function check(signature, status, ...)
    if status < 0 and signature.name ~= "error_status" then
        local class = math.floor(-status / 65536)
        if not signature.classes[names[class]] then
            io.stderr:write(("cleat_%s returned a status of class %s, which its comment does not list\n%s\n"):format(signature.name,
                names[class] or class, debug.traceback()))
            os.exit(1)
        end
    end
    return status, ...
end

for _, signature in ipairs(signatures) do
    local f = backend[signature.name]
    backend[signature.name] = function(...)
        return check(signature, f(...))
    end
end
