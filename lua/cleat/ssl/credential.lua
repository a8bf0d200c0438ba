--- The method of an SSLContext that loads the certificate and key of this side, and asks for the key's password
--- (section 17.3.3).

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local status = require "cleat.status"

local const = C.const

---@class cleat.ssl.SSLContext
local credential = {}

local PASSWORD_MAX = const.PASSWORD_MAX

local function too_long()
    return errors.raise(errors.ValueError, ("password cannot be longer than %d bytes"):format(PASSWORD_MAX))
end

local function check_password(password)
    return #password <= PASSWORD_MAX and password or too_long()
end

-- prompt_at_terminal reads the password from the controlling terminal, as OpenSSL does.
local function prompt_at_terminal()
    local typed = C.buffer_new(PASSWORD_MAX) -- a separate buffer, which is wiped
    local result = C.terminal_password_into("Enter PEM pass phrase:", typed, 0, PASSWORD_MAX)
    if result >= 0 then
        local password = C.buffer_get(typed, 0, result)
        C.buffer_set(typed, 0, ("\0"):rep(result))
        return password
    elseif result == status.sys(const.ENAMETOOLONG) then
        too_long()
    end
    local why = result == status.sys(const.ECANCELED) and "none was typed" or
        "there is no terminal to ask at: pass password, a string or a function"
    local err = errors.SSLError(errors.SSL_ERROR_SSL, "[PEM: BAD_PASSWORD_READ] the private key is encrypted, " ..
        "no password was given, and " .. why)
    err.library, err.reason = "PEM", "BAD_PASSWORD_READ"
    return errors.throw(err)
end

local function password_from(password)
    if password == nil then
        return prompt_at_terminal()
    end
    local given = password()
    if type(given) ~= "string" then
        errors.raise(errors.TypeError, "password callback must return a string")
    end
    return check_password(given)
end

local parse_chain = keywords.parser("load_cert_chain", { "certfile", "keyfile", "password" }, { required = 1 })

--- Loads this side's certificate, its chain and the private key. Later connections use them; existing ones keep theirs.
--- A context has one certificate for each type of key: ECDSA with P-256, with P-384, with P-521, Ed25519, RSA. Another
--- type adds, the same type replaces, and nothing changes if loading fails. Each connection presents the first of them,
--- in this order, that the peer can verify, whatever the order of loading. None can be removed: make a new context.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     context:load_cert_chain("cert.pem", "key.pem")
---
---     -- an encrypted key
---     context:load_cert_chain { certfile = "cert.pem", keyfile = "encrypted.pem", password = "swordfish" }
---
---     -- beside ECDSA, which costs a server a fraction, RSA for the clients that know nothing else
---     context:load_cert_chain("rsa.pem", "rsa.key")
---
--- Raises: IOError if a file cannot be read; SSLError if a file has no certificate or key, if the key does not match,
--- or if the password is wrong (reason `BAD_DECRYPT`) or missing (`BAD_PASSWORD_READ`); ValueError if the password is
--- too long; TypeError if it is neither a string nor callable.
--- Python: 2.7.9, 3.2; `password` 3.3.
---@param certfile string path of a PEM file: the certificate first, then its issuers
---@param keyfile string? path of a PEM file; `certfile` by default
---@param password string|(fun(): string)|nil for an encrypted key: the password, or a function that returns it, which
--- is called only if the key is encrypted. nil prompts at the process's terminal, if it has one
---@overload fun(self, certfile, keywords: cleat.keywords.SSLContext.load_cert_chain)
function credential:load_cert_chain(certfile, keyfile, password, ...)
    certfile, keyfile, password = parse_chain(certfile, keyfile, password, ...)
    check.optional_file("load_cert_chain", "certfile", certfile)
    check.optional_file("load_cert_chain", "keyfile", keyfile)
    local given
    if type(password) == "string" then
        given = check_password(password)
    elseif password ~= nil and not check.callable(password) then
        errors.raise(errors.TypeError, "password should be a string or callable")
    end
    local result = C.context_load_cert_chain(self._id, certfile, keyfile, given)
    if result == status.NEED_PASSWORD then
        result = C.context_load_cert_chain(self._id, certfile, keyfile, password_from(password))
    end
    errors.check(result)
end

return credential
