--- Errors with which a command ends early: an exit status, and a message that main.lua writes.

local failure = {}

local Failure = {}
Failure.__index = Failure

function Failure.__tostring(self)
    return self.message or "exit " .. self.status
end

--- Ends the command with a status and a message on the standard error. detail: further lines.
---@param status integer
---@param message string
---@param detail string?
function failure.raise(status, message, detail)
    return error(setmetatable({ status = status, message = message, detail = detail }, Failure), 0)
end

--- Ends the command with a status, without a message.
---@param status integer
function failure.exit(status)
    return error(setmetatable({ status = status }, Failure), 0)
end

---@param value any
---@return boolean
function failure.is(value)
    return getmetatable(value) == Failure
end

return failure
