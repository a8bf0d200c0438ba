--- Contexts for one role only, PROTOCOL_TLS_CLIENT and PROTOCOL_TLS_SERVER (Python 3.6). The ABI has no such protocols:
--- a context for a role supports all versions from TLS 1.2 on, with strong suites, and refuses the other role.

local C = require "cleat.backend"
local errors = require "cleat.errors"

local const = C.const

local roles = {
    CLIENT = 16, -- Python's numbers
    SERVER = 17,
}

-- Forward secrecy and authenticated encryption first; none with RC4, 3DES, MD5 or a pre-shared key, none without
-- authentication or encryption.
local CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!MD5:!RC4:!3DES:!aPSK"

--- Sets the versions and suites of default contexts: TLS 1.2 and later (Python 3.10).
---@param id integer the ABI's
function roles.harden(id)
    errors.check(C.context_set_minimum_version(id, const.TLS1_2_VERSION))
    errors.check(C.context_set_ciphers(id, CIPHERS))
end

--- Sets up a context for the role of its protocol: a client's verifies the server's chain and name.
---@param id integer
---@param protocol integer
function roles.apply(id, protocol)
    if protocol == roles.CLIENT or protocol == roles.SERVER then
        roles.harden(id)
    end
    if protocol == roles.CLIENT then
        errors.check(C.context_set_verify_mode(id, const.CERT_REQUIRED))
        errors.check(C.context_set_check_hostname(id, 1))
    end
end

-- A context of the wrong role: Python 3 raises SSLError; it is a mistake in the program, and so a ValueError too.
local WrongRole = errors.derive("ssl.SSLError", errors.SSLError, errors.ValueError)

--- Raises SSLError, which is a ValueError as well, if a context is for the other role.
---@param protocol integer
---@param server_side boolean
function roles.check(protocol, server_side)
    if protocol ~= (server_side and roles.CLIENT or roles.SERVER) then
        return
    end
    local err = WrongRole(errors.SSL_ERROR_SSL, server_side and "Cannot create a server socket with a PROTOCOL_TLS_CLIENT context" or
        "Cannot create a client socket with a PROTOCOL_TLS_SERVER context")
    err.library, err.reason = "SSL", "CALLED_A_FUNCTION_YOU_SHOULD_NOT_CALL"
    errors.throw(err)
end

return roles
