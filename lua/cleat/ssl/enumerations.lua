--- Python 3's enumerations: tables from names to numbers, and back as in `ssl.AlertDescription[40]`.

local strict = require "cleat.strict"

local enumerations = {}

-- The enumeration for each prefix of names. If two names have the same number, the number's name is the one in
-- CANONICAL.
local PREFIXES = {
    OP = "Options", CERT = "VerifyMode", VERIFY = "VerifyFlags", ALERT_DESCRIPTION = "AlertDescription",
    SSL_ERROR = "SSLErrorNumber", PROTOCOL = "_SSLMethod",
}
local CANONICAL = { PROTOCOL_TLS = true }

--- both makes a table of numbers by name also return the name for a number, and raise for misspelt names.
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
    return strict(members, ("type object '%s'"):format(name), names) -- pairs() iterates over the names only
end

--- add adds the enumerations of a table's constants to the table.
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
