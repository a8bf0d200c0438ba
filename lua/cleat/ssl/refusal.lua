--- The errors of refused handshakes: the cause if a callback has refused, and the refused certificate if the
--- verification failed.
---
--- SSLCertVerificationError has the refused certificate in the fields depth, certificate and chain. The error keeps the
--- id of the verification, which has the certificates in DER. They are parsed when the program reads the fields, even
--- after the connection was closed, which a failed wrap_socket does itself.

local C = require "cleat.backend"
local Certificate = require "cleat.ssl.certificate_object"
local check = require "cleat.check"
local errors = require "cleat.errors"
local status = require "cleat.status"

local const = C.const

local refusal = {}

local function to_object(id, guard)
    return setmetatable({ _id = id, _guard = guard }, Certificate.instance)
end

--- Returns the error of a handshake after an alert, with the cause if there is one.
---@param connection integer the connection's id
---@param class table SSLError, or a class derived from it
---@param cause any the error of a callback; nil if the callback has refused without an error
---@return cleat.Error
function refusal.of_handshake(connection, class, cause)
    local found = errors.from_connection(C.connection_handshake(connection, 0), "handshake")
    if cause == nil or not class:is(found) then
        return found
    end
    local err = class(found.errno, ("%s: %s"):format(found.strerror, check.text(cause)))
    err.library, err.reason, err.cause = found.library, found.reason, cause
    err.verify_code, err.verify_message = found.verify_code, found.verify_message
    return err
end

--- Returns the certificates of a chain as objects.
---@param id integer of a verification or a connection
---@param which integer CHAIN_*
---@param count function of the backend: returns how many there are
---@param certificate function of the backend: returns the id and the guard of one
---@return cleat.ssl.CertificateObject[]
function refusal.certificates(id, which, count, certificate)
    local list = {}
    for index = 0, errors.check(count(id, which)) - 1 do
        list[index + 1] = to_object(errors.check(certificate(id, which, index)))
    end
    return list
end

--- Returns the certificates of a verification as objects.
---@param id integer of the verification
---@param which integer CHAIN_*
---@return cleat.ssl.CertificateObject[]
function refusal.chain(id, which)
    return refusal.certificates(id, which, C.verification_chain_count, C.verification_chain_certificate_guarded)
end

-- Each function gets the verification's id.
local fields = {}

function fields.certificate(id)
    local certificate, guard = errors.check(C.verification_error_certificate_guarded(id, 0))
    return certificate ~= 0 and to_object(certificate, guard) or nil
end

function fields.chain(id)
    return refusal.chain(id, const.CHAIN_SENT)
end

local instance = errors.SSLCertVerificationError.instance
local inherited = instance.__index

function instance.__index(err, key)
    local read = fields[key]
    local verification = read and rawget(err, "_verification")
    if verification then
        local value = read(verification.id)
        rawset(err, key, value)
        return value
    end
    return inherited[key]
end

--- Adds the fields of a verification to an error.
---@param err cleat.Error
---@param id integer of the verification
---@param guard cleat.backend.Guard the id's
---@return cleat.Error
function refusal.describe(err, id, guard)
    local _, _, _, depth = errors.check(C.verification_error(id, 0))
    err.depth = depth
    err._verification = { id = id, guard = guard }
    return err
end

--- Adds the fields of the peer's verification to the error of a connection. If the connection was closed meanwhile, the
--- fields are nil.
---@param err cleat.Error
---@param connection integer the connection's id
---@return cleat.Error
function refusal.add(err, connection)
    local id, guard = C.connection_verification_guarded(connection)
    if id > 0 then
        return refusal.describe(err, id, guard)
    elseif status.class(id) == const.NOMEM then
        return errors.from_status(id)
    end
    return err
end

return refusal
