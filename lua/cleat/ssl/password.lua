--- The password of a private key: a string, the result of a function, or read from the terminal.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local status = require "cleat.status"

local const = C.const

local passwords = {}

local PASSWORD_MAX = const.PASSWORD_MAX

local function too_long()
    return errors.raise(errors.ValueError, ("password cannot be longer than %d bytes"):format(PASSWORD_MAX))
end

local function check_password(password)
    return #password <= PASSWORD_MAX and password or too_long()
end

-- prompt_at_terminal reads the password from the controlling terminal, as OpenSSL does.
local function prompt_at_terminal()
    local typed = C.buffer_new(PASSWORD_MAX) -- not the shared scratch memory: this buffer is wiped
    local result = C.terminal_password_into("Enter PEM pass phrase:", typed, 0, PASSWORD_MAX)
    if result >= 0 then
        local password = C.buffer_get(typed, 0, result)
        C.buffer_set(typed, 0, ("\0"):rep(result))
        return password
    elseif result == status.sys(const.ENAMETOOLONG) then
        too_long()
    end
    local why = result == status.sys(const.ECANCELED) and "none was typed" or
        "there is no terminal to read it from: pass a string or a function as password"
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

--- Calls f(given), which reads a private key, and returns its results. If the key is encrypted and the password not
--- known yet, it gets the password and calls f again. given: the password, nil if it is not known yet.
---@param password string|(fun(): string)|nil
---@param f fun(given: string?): integer, any ...
---@return integer, any ...
function passwords.call(password, f)
    local given
    if type(password) == "string" then
        given = check_password(password)
    elseif password ~= nil and not check.callable(password) then
        errors.raise(errors.TypeError, "password should be a string or callable")
    end
    local result, answer = f(given)
    if result == status.NEED_PASSWORD then
        return f(password_from(password))
    end
    return result, answer
end

return passwords
