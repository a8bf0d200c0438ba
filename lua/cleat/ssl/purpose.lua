--- The purpose of a context: Python's ssl.Purpose (section 17.3.1.5).

local checks = require "cleat.check"
local class = require "cleat.class"
local errors = require "cleat.errors"
local strict = require "cleat.strict"

--- What a context verifies peers for: `ssl.Purpose.SERVER_AUTH` for clients, which verify servers;
--- `ssl.Purpose.CLIENT_AUTH` for servers, which may verify clients.
---
---     print(ssl.Purpose.SERVER_AUTH.shortname) --> serverAuth
---
--- Python: 2.7.9, 3.4.
---@class cleat.ssl.Purpose
---@field SERVER_AUTH cleat.ssl.Purpose
---@field CLIENT_AUTH cleat.ssl.Purpose
---@field nid integer OpenSSL's NID of the extended key usage
---@field shortname string OpenSSL's short name
---@field longname string OpenSSL's long name
---@field oid string the object identifier
local Purpose = class.new("ssl.Purpose", function()
    return errors.raise(errors.TypeError, "Purpose has no constructor: use Purpose.SERVER_AUTH or Purpose.CLIENT_AUTH")
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
---@return cleat.ssl.Purpose # Raises TypeError for other values
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
