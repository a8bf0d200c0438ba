--- Contexts for one role, PROTOCOL_TLS_CLIENT and PROTOCOL_TLS_SERVER (Python 3.6). The ABI has no such protocols: the
--- Lua layer makes a context for both roles with TLS 1.2 and later and strong cipher suites, and refuses the other
--- role.

local C = require "cleat.backend"
local errors = require "cleat.errors"

local const = C.const

local roles = {
    CLIENT = 16, -- Python's numbers
    SERVER = 17,
}

-- Suites with forward secrecy and authenticated encryption come first. Excluded are RC4, 3DES, MD5, pre-shared keys,
-- and suites without authentication or encryption.
local CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!MD5:!RC4:!3DES:!aPSK"

--- Sets the versions and cipher suites of default contexts: TLS 1.2 and later (Python 3.10).
---@param id integer of the ABI's context
function roles.harden(id)
    errors.check(C.context_set_minimum_version(id, const.TLS1_2_VERSION))
    errors.check(C.context_set_ciphers(id, CIPHERS))
end

--- Sets up a context for the role of its protocol. A client's context verifies the server's chain and name.
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

-- The error for a context of the wrong role. It is an SSLError as in Python 3 and, because it is a mistake in the
-- program, also a ValueError.
local WrongRole = errors.derive("ssl.SSLError", errors.SSLError, errors.ValueError)

--- Raises SSLError, which is also a ValueError, if a context is for the other role.
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
