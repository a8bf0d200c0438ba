-- Loads cleat and makes sure that what was loaded lies below the folder given, and is the backend given, if any.
local prefix = assert(arg[1])
local ssl = require "cleat.ssl"
local backend = require("cleat.backend").name
assert(arg[2] == nil or backend == arg[2], backend)
local found
for line in io.lines("/proc/self/maps") do
    local path = line:match("%S*libcleat%.so%S*")
    if path then
        assert(path:sub(1, #prefix) == prefix, "loaded " .. path .. ", not what is below " .. prefix)
        found = path
    end
end
assert(found, "no libcleat is loaded")
print(jit and jit.version or _VERSION, backend, ssl.OPENSSL_VERSION, found:sub(#prefix + 2))
