--- How the methods of a TLS socket for cqueues report errors: they call the handler of onerror(), as cqueues' methods
--- do.

local cqueues_errno = require "cqueues.errno"
local compat = require "cleat.compat"

local EPIPE = cqueues_errno.EPIPE

local failure = {}

local READS = { read = true, lines = true, fill = true }
local WRITES = { write = true, flush = true }

-- with_text appends the text of the TLS error to the handler's text.
local function with_text(err, ok, message, ...)
    if type(message) == "string" then
        message = message .. ": " .. tostring(err)
    end
    if not ok then
        return error(message, 0)
    end
    return message, ...
end

--- report stores an error until clearerr(), and returns the results of the handler: for lua-http a text and the number.
--- At the end of the data it returns nothing.
---@param self cleat.adapters.cqueues.Socket
---@param operation string
---@param number integer
function failure.report(self, operation, number)
    if READS[operation] then
        if number == EPIPE then
            return
        end
        self._read_error.number = number
    elseif WRITES[operation] then
        self._write_error.number = number
    end
    if self._failure and self._failure_number == number then
        return with_text(self._failure, compat.pcall(self._handler, self, operation, number, 3))
    end
    return self._handler(self, operation, number, 3)
end

return failure
