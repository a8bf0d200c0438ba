--- How the methods of a TLS socket for cqueues report errors: by the handler that onerror() has set, as cqueues' do.

local cqueues_errno = require "cqueues.errno"
local compat = require "cleat.compat"

local EPIPE = cqueues_errno.EPIPE

local failure = {}

-- Errors of these are stored until clearerr(), by direction.
local STORED = { read = "r", lines = "r", fill = "r", write = "w", flush = "w" }

-- with_text appends the text of TLS's failure to that of the handler.
local function with_text(self, number, ok, message, ...)
    local err = self._failure_number == number and self._failure
    if err and type(message) == "string" then
        message = message .. ": " .. tostring(err)
    end
    if not ok then
        return error(message, 0)
    end
    return message, ...
end

--- report stores an error, and returns what the handler returns: for lua-http a text and the number. Nothing for the
--- end of the data.
---@param self cleat.adapters.cqueues.Socket
---@param operation string
---@param number integer
function failure.report(self, operation, number)
    local direction = STORED[operation]
    if number == EPIPE and direction == "r" then
        return
    elseif direction then
        self:seterror(direction, number)
    end
    return with_text(self, number, compat.pcall(self._handler, self, operation, number, 3))
end

return failure
