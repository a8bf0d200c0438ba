--- Python 3's enumerations: tables of names and of numbers, as `ssl.AlertDescription[40]`.

local strict = require "cleat.strict"

local enumerations = {}

-- The enumeration of each prefix of names. Of two names with one number, the one in CANONICAL is the number's.
local PREFIXES = {
    OP = "Options", CERT = "VerifyMode", VERIFY = "VerifyFlags", ALERT_DESCRIPTION = "AlertDescription",
    SSL_ERROR = "SSLErrorNumber", PROTOCOL = "_SSLMethod",
}
local CANONICAL = { PROTOCOL_TLS = true }

--- both makes a table of numbers by name, in which a misspelt name is an error, have the names by number as well.
---@param members table<string, integer>
---@param name string
---@return table
function enumerations.both(members, name)
    local names = {}
    for member, number in pairs(members) do
        if not names[number] or CANONICAL[member] then
            names[number] = member
        end
    end
    return strict(members, ("type object '%s'"):format(name), names) -- pairs() finds the names only
end

--- add adds the enumerations of all constants of a table to it.
---@param constants table
function enumerations.add(constants)
    for prefix, name in pairs(PREFIXES) do
        local members = {}
        for member, value in pairs(constants) do
            if member:find("^" .. prefix .. "_%u") and type(value) == "number" then
                members[member] = value
            end
        end
        constants[name] = enumerations.both(members, name)
    end
end

return enumerations
