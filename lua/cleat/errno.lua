--- Error numbers by their POSIX names, and `errorcode`, their names by number (Python's errno module, section 15.18).

local C = require "cleat.backend"
local strict = require "cleat.strict"

local errno = { errorcode = {} }

for name, number in pairs(C.const) do
    if name:find("^E%u[%u%d]*$") and name ~= "EOF" then -- EOF is a class of statuses
        errno[name] = number
        errno.errorcode[number] = name
    end
end
errno.EWOULDBLOCK = errno.EAGAIN

return strict(errno, "module 'errno'")
