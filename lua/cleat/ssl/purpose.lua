--- The purpose of a context: Python's ssl.Purpose (section 17.3.1.5).

local checks = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local strict = require "cleat.strict"

---@class cleat.ssl.Purpose
---@field nid integer the extended key usage that a certificate for it has: OpenSSL's number and names, and its OID
---@field shortname string
---@field longname string
---@field oid string
local Purpose = class.new("ssl.Purpose", function()
    return errors.raise(errors.TypeError, "Purpose has only SERVER_AUTH and CLIENT_AUTH")
end)

local function purpose(nid, shortname, longname, oid)
    return setmetatable({ nid = nid, shortname = shortname, longname = longname, oid = oid }, Purpose.instance)
end

rawset(Purpose, "SERVER_AUTH", purpose(129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"))
rawset(Purpose, "CLIENT_AUTH", purpose(130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"))

strict(Purpose, "type object 'Purpose'", getmetatable(Purpose).__index)

--- Checks an argument `purpose`.
---@param value any nil for SERVER_AUTH
---@param hint string? the end of the message
---@return cleat.ssl.Purpose # raises TypeError for other values
local function check(value, hint)
    if value == nil then
        return Purpose.SERVER_AUTH
    elseif not Purpose:is(value) then
        errors.raise(errors.TypeError, "purpose must be Purpose.SERVER_AUTH or Purpose.CLIENT_AUTH, not " ..
            checks.kind(value) .. (hint or ""))
    end
    return value
end

return { Purpose = Purpose, check = check }
