--- Error numbers of the system: Python's errno module (2.7.16, section 15.18).
---
---     print(errno.errorcode[errno.ENOENT]) --> ENOENT

local C = require "cleat.backend"
local strict = require "cleat.strict"

--- E*: error numbers, under their POSIX names.
--- Python: 1.4.
local errno = { errorcode = {} }

--- errorcode: a table from error numbers to names.
--- Python: 1.4.
for name, number in pairs(C.const) do
    if name:find("^E%u[%u%d]*$") and name ~= "EOF" and not name:find("^EPOLL") then -- EOF is a class of the ABI's statuses
        errno[name] = number
        errno.errorcode[number] = name
    end
end
errno.EWOULDBLOCK = errno.EAGAIN

return strict(errno, "module 'errno'")
