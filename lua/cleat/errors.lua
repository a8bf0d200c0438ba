--- Exceptions: Python's classes, and the conversion of the ABI's statuses to errors.
---
---     local ok, err = pcall(socket.create_connection, { "no-such-host.invalid", 443 })
---     print(ok, socket.gaierror:is(err), socket.error:is(err)) --> false	true	true
---
--- `Class:is(value)` replaces Python's except clause: it returns whether a value, of any type, is an error of that
--- class or of a class derived from it. Calling a class makes an error, which `error(err)` raises. `tostring(err)` is
--- Python's str(err), and never empty; `..` concatenates an error with strings.
---
---     EnvironmentError
---       IOError
---         socket.error                     (errno, strerror)
---           socket.gaierror, socket.herror, socket.timeout
---           ssl.SSLError                   library, reason
---             SSLZeroReturnError, SSLWantReadError, SSLWantWriteError, SSLSyscallError, SSLEOFError
---             SSLCertVerificationError     verify_code, verify_message, depth, certificate, chain;
---                                          also a CertificateError
---       OSError
---     ValueError
---       ssl.CertificateError
---     TypeError, AttributeError, NotImplementedError, MemoryError, KeyError, RuntimeError
---
--- Errors have a traceback, except those that non-blocking calls raise often (SSLWantReadError, EAGAIN …): these are
--- shared objects, and read-only.
---
--- Python: sections 17.3.1 (exceptions of ssl), 6 (built-in exceptions), 17.2 (exceptions of socket).

local C = require "cleat.backend"
local class = require "cleat.class"
local repr = require "cleat.repr"
local status = require "cleat.status"
local strict = require "cleat.strict"

--- The fields of errors. A field that does not apply is nil.
---
---     local ok, err = pcall(ssl.create_default_context, { cafile = "missing.pem" })
---     print(err.errno == errno.ENOENT, err.strerror, err.filename) --> true	No such file or directory	missing.pem
---
--- Python: 1.5; `library`, `reason` 2.7.9, 3.3; `verify_code`, `verify_message` 3.7.
---@class cleat.Error
---@field class cleat.Class
---@field args any[] the arguments of the constructor; for EnvironmentError errno and strerror
---@field message string the text that tostring returns
---@field errno integer? a number of cleat.errno; for gaierror an EAI_*, for SSLError an SSL_ERROR_*
---@field strerror string? the text of errno
---@field filename string? the path of the file or directory that could not be used
---@field library string? the part of BoringSSL that has failed: "SSL", "PEM", "X509" …
---@field reason string? BoringSSL's reason: "CERTIFICATE_VERIFY_FAILED" …
---@field alert_sent integer? the alert that this side has sent before the call failed, an ALERT_DESCRIPTION_*
---@field alert integer? the fatal alert that the peer has sent, an ALERT_DESCRIPTION_*
---@field verify_code integer? the reason why a certificate was refused, one of OpenSSL's X509_V_ERR_*
---@field verify_message string? the text of verify_code
---@field depth integer? the position of the refused certificate in its chain: 0 is the peer's own
---@field certificate cleat.ssl.CertificateObject? the refused certificate, which may be a trusted one. Do not trust its
--- contents
---@field chain cleat.ssl.CertificateObject[]? the certificates that the peer has sent, its own first; not verified
--- either
---@field ech_retry_configs string? for SSLECHRejectedError: the configurations that the server has sent, for another
--- attempt
---@field ech_public_name string? for SSLECHRejectedError: the public name that the server's certificate was verified
--- for
---@field cause any the error of a program's callback (servername, verify, sign or PSK) that led to this one
---@field traceback string? a traceback that begins at the caller, which is the first frame outside of cleat
---@field position string? "file:line:" of the caller, for errors that are mistakes in the program

local errors = {}

local const = C.const
local select = select -- see keywords.lua

-- Functions with which programs read the text of an error.
local TEXTUAL = { [tostring] = true, [print] = true, [string.format] = true }

-- is_uncaught returns whether the interpreter reads the text of an error that ends the program: its message handler is
-- called by the function that has raised.
local function is_uncaught()
    local by = debug.getinfo(3, "Sf") -- the caller of the metamethod
    local raised = by and by.what == "C" and not TEXTUAL[by.func] and debug.getinfo(4, "S")
    return raised and raised.what == "C" -- error(), assert(), or a function that resumes coroutines
end

local function to_text(err)
    if err.position and debug and is_uncaught() then
        return err.position .. " " .. err.message
    end
    return err.message
end

local function join(left, right)
    return tostring(left) .. tostring(right)
end

-- Python's str() of a tuple of arguments.
local function describe(args)
    if #args == 0 then
        return ""
    elseif #args == 1 then
        return tostring(args[1])
    end
    local parts = {}
    for index, value in ipairs(args) do
        parts[index] = type(value) == "string" and repr(value) or tostring(value)
    end
    return "(" .. table.concat(parts, ", ") .. ")"
end

local function make(of, ...)
    local err = { args = { ... } }
    local count = select("#", ...)
    local lineage = of.lineage
    local message
    if lineage[errors.EnvironmentError] and (count == 2 or count == 3) then
        err.errno, err.strerror, err.filename = ...
        err.args[3] = nil
        if lineage[errors.SSLError] and type(err.strerror) == "string" then
            message = err.strerror
        elseif err.filename ~= nil then
            message = ("[Errno %s] %s: %s"):format(tostring(err.errno), tostring(err.strerror), repr(tostring(err.filename)))
        else
            message = ("[Errno %s] %s"):format(tostring(err.errno), tostring(err.strerror))
        end
    else
        message = describe(err.args)
    end
    err.message = message ~= "" and message or of.name
    return setmetatable(err, of.instance)
end

---@internal
local function define(name, ...)
    local new = class.new(name, make, ...)
    new.instance.__tostring = to_text
    new.instance.__concat = join
    new.instance.__index = { class = new }
    return new
end

--- EnvironmentError: the base class of errors of the system.
--- Python: 1.5.
errors.EnvironmentError = define("EnvironmentError")
--- IOError: an error of a file or of the network.
--- Python: 1.5.
errors.IOError = define("IOError", errors.EnvironmentError)
--- OSError: a class for compatibility with Python 2; cleat does not raise it.
--- Python: 1.5.
errors.OSError = define("OSError", errors.EnvironmentError)
--- ValueError: an argument has the right type, but an invalid value.
--- Python: 1.5.
errors.ValueError = define("ValueError")
--- TypeError: an argument has the wrong type, is missing, or is unknown.
--- Python: 1.5.
errors.TypeError = define("TypeError")
--- AttributeError: a module or object has no attribute with this name, which is usually misspelt.
--- Python: 1.5.
errors.AttributeError = define("AttributeError")
--- NotImplementedError: a call is not supported by this object or by this build.
--- Python: 1.5.
errors.NotImplementedError = define("NotImplementedError")
--- KeyError: a key does not exist, for example a descriptor that is not registered.
--- Python: 1.5.
errors.KeyError = define("KeyError")
--- RuntimeError: an error for which there is no other class.
--- Python: 1.5.
errors.RuntimeError = define("RuntimeError")
--- MemoryError: an allocation of the core has failed.
--- Python: 1.5.
errors.MemoryError = define("MemoryError")

--- error: socket.error: an error of the system, with `errno` (see cleat.errno) and `strerror`.
--- Python: 1.4.
errors.error = define("socket.error", errors.IOError)
--- gaierror: socket.gaierror: name resolution failed; `errno` is an EAI_*.
--- Python: 2.2.
errors.gaierror = define("socket.gaierror", errors.error)
--- herror: socket.herror: an address has no name; `errno` is 1 (unknown host), 2 (try again), 3 (server failure) or 4
--- (no address).
--- Python: 2.2.
errors.herror = define("socket.herror", errors.error)
--- timeout: socket.timeout: a call did not finish within the socket's timeout.
--- Python: 2.3.
errors.timeout = define("socket.timeout", errors.error)
--- TimeoutError: the same class, under the name that it has in Python 3.
--- Python: 3.3; the same as socket.timeout since 3.10.
errors.TimeoutError = errors.timeout

--- SSLError: ssl.SSLError: TLS has failed. It has the fields `library` and `reason`, and `alert` if the peer has sent
--- one. The timeout of a TLS call is an SSLError and a socket.timeout.
--- Python: 2.6.
errors.SSLError = define("ssl.SSLError", errors.error)
--- SSLZeroReturnError: TLS was shut down by close_notify, so that no data can be read or written.
--- Python: 2.7.9, 3.3.
errors.SSLZeroReturnError = define("ssl.SSLZeroReturnError", errors.SSLError)
--- SSLWantReadError: a non-blocking call needs bytes from the peer: wait until the socket is readable, and repeat the
--- call.
--- Python: 2.7.9, 3.3.
errors.SSLWantReadError = define("ssl.SSLWantReadError", errors.SSLError)
--- SSLWantWriteError: a non-blocking call must send bytes: wait until the socket is writable, and repeat the call.
--- Python: 2.7.9, 3.3.
errors.SSLWantWriteError = define("ssl.SSLWantWriteError", errors.SSLError)
--- SSLSyscallError: not raised by cleat: errors of the system are socket.error.
--- Python: 2.7.9, 3.3.
errors.SSLSyscallError = define("ssl.SSLSyscallError", errors.SSLError)
--- SSLEOFError: the connection has ended without close_notify: what was received may be truncated.
--- Python: 2.7.9, 3.3.
errors.SSLEOFError = define("ssl.SSLEOFError", errors.SSLError)
--- CertificateError: the certificate does not match the host name.
--- Python: 2.7.9, 3.2.
errors.CertificateError = define("ssl.CertificateError", errors.ValueError)
--- SSLCertVerificationError: the peer's certificate was refused; `verify_code` and `verify_message` say why. It is a
--- CertificateError too. `depth`, `certificate` and `chain` identify the refused certificate, even after the connection
--- was closed; they are nil if another thread closes it at the same moment.
--- Python: 3.7.
errors.SSLCertVerificationError = define("ssl.SSLCertVerificationError", errors.SSLError, errors.CertificateError)

--- SSLECHRejectedError: the server could not decrypt an Encrypted ClientHello (see SSLContext:wrap_socket). Its
--- certificate was verified for `ech_public_name`. `ech_retry_configs` has its current configurations for another
--- attempt; nil if it has sent none, and with CERT_NONE.
--- Python: none.
errors.SSLECHRejectedError = define("ssl.SSLECHRejectedError", errors.SSLError)

--- derive makes a class with several base classes.
---@internal
errors.derive = define

-- The timeout of a TLS call: Python 2 raises SSLError, Python 3 socket.timeout; this class is both.
local TLSTimeout = define("ssl.SSLError", errors.SSLError, errors.timeout)

--- SSL_ERROR_*: values of the field `errno` of SSLError.
--- Python: 2.6.
errors.SSL_ERROR_SSL = 1
errors.SSL_ERROR_WANT_READ = 2
errors.SSL_ERROR_WANT_WRITE = 3
errors.SSL_ERROR_WANT_X509_LOOKUP = 4
errors.SSL_ERROR_SYSCALL = 5
errors.SSL_ERROR_ZERO_RETURN = 6
errors.SSL_ERROR_WANT_CONNECT = 7
errors.SSL_ERROR_EOF = 8
errors.SSL_ERROR_INVALID_ERROR_CODE = 10

-- text returns a field of the thread's error record, nil if it is empty.
local function text(read)
    local length, value = read()
    return length > 0 and value or nil
end

--- Returns the system's message for an error number.
---@param number integer
---@return string
---@internal
function errors.strerror(number)
    local length, words = C.strerror(number)
    return length > 0 and words or "Unknown error " .. number
end

--- Returns a socket.error for an error number of the system.
---@param number integer
---@return cleat.Error
---@internal
function errors.from_errno(number)
    return errors.error(number, errors.strerror(number))
end

-- shared holds the errors that are made once, see below.
local shared = {}

-- The common prefix of the paths of cleat's sources.
local PREFIX = debug and debug.getinfo(1, "S").source:match("^(@.*)errors%.lua$")

-- caller returns the first Lua frame outside of cleat: its level, for throw, and its position.
local function caller()
    local level = 3
    local info = PREFIX and debug.getinfo(level, "Sl")
    -- For Lua 5.1 "tail" is the frame of a function that has made a tail call.
    while info and (info.what == "C" or info.what == "tail" or info.source:sub(1, #PREFIX) == PREFIX) do
        level = level + 1
        info = debug.getinfo(level, "Sl")
    end
    if info then
        return level - 1, ("%s:%d:"):format(info.short_src, info.currentline)
    end
    return 2
end

-- Returns whether errors of a class are mistakes in the program. Programs handle the others.
local function is_program_error(of)
    local lineage = of.lineage
    return (lineage[errors.TypeError] or lineage[errors.ValueError] or lineage[errors.AttributeError])
        and not lineage[errors.EnvironmentError]
end

--- Raises an error, with a traceback.
---@param err cleat.Error
---@internal
function errors.throw(err)
    if debug and not shared[err] then
        local level, position = caller()
        err.traceback = debug.traceback(err.message, level)
        err.position = is_program_error(err.class) and position or nil
    end
    return error(err, 0)
end

--- Makes an error and raises it: errors.raise(errors.ValueError, "message").
---@param of cleat.Class
---@param ... any
---@internal
function errors.raise(of, ...)
    return errors.throw(of(...))
end

errors.want_read = errors.SSLWantReadError(errors.SSL_ERROR_WANT_READ, "The operation did not complete (read)")
errors.want_write = errors.SSLWantWriteError(errors.SSL_ERROR_WANT_WRITE, "The operation did not complete (write)")
errors.would_block = errors.from_errno(const.EAGAIN)
errors.in_progress = errors.from_errno(const.EINPROGRESS)
for _, name in ipairs { "want_read", "want_write", "would_block", "in_progress" } do
    -- These objects are raised many times, so they are read-only.
    local err = class.frozen(errors[name], function(key)
        return errors.raise(errors.AttributeError, ("attribute '%s' is read-only: this error is shared"):format(key))
    end)
    errors[name], shared[err] = err, true
end

local function ssl_error(of)
    local err = of(errors.SSL_ERROR_SSL, text(C.error_message) or "unknown TLS error")
    err.library = text(C.error_library)
    err.reason = text(C.error_reason)
    return err
end

local from_class = {
    [const.WANT_READ] = function()
        return errors.want_read
    end,
    [const.WANT_WRITE] = function()
        return errors.want_write
    end,
    [const.CLOSED] = function()
        return errors.SSLZeroReturnError(errors.SSL_ERROR_ZERO_RETURN, "TLS/SSL connection has been closed (EOF)")
    end,
    [const.EOF] = function()
        return errors.SSLEOFError(errors.SSL_ERROR_EOF, "EOF occurred in violation of protocol")
    end,
    [const.TIMEOUT] = function()
        return errors.timeout("timed out")
    end,
    [const.SYS] = function(number)
        local filename = text(C.error_filename)
        if filename then
            return errors.IOError(number, errors.strerror(number), filename)
        end
        return errors.from_errno(number)
    end,
    [const.RESOLVE] = function(number)
        return errors.gaierror(-number, text(C.error_message) or "name resolution failed")
    end,
    [const.SSL] = function()
        return ssl_error(text(C.error_reason) == "ECH_REJECTED" and errors.SSLECHRejectedError or errors.SSLError)
    end,
    [const.ALERT] = function(description)
        local err = ssl_error(errors.SSLError)
        err.alert = description
        return err
    end,
    [const.VERIFY] = function(code)
        local err = ssl_error(errors.SSLCertVerificationError)
        err.verify_code = code
        err.verify_message = text(C.error_verify_message)
        return err
    end,
    [const.HANDLE] = function()
        return errors.from_errno(const.EBADF)
    end,
    [const.USAGE] = function()
        return errors.ValueError(text(C.error_message) or "invalid argument")
    end,
    [const.UNSUPPORTED] = function()
        return errors.NotImplementedError(text(C.error_message) or "not supported by this build")
    end,
    [const.NOMEM] = function()
        return errors.MemoryError("out of memory")
    end,
}

--- Returns the error for a negative result of the ABI. It reads the thread's error record, which the next failing call
--- overwrites.
---@param result integer
---@return cleat.Error
---@internal
function errors.from_status(result)
    local from = from_class[status.class(result)]
    if from then
        return from(status.value(result))
    end
    return errors.SSLError(errors.SSL_ERROR_INVALID_ERROR_CODE, ("unexpected status %d"):format(result))
end

--- Raises the error for a negative result. Returns other results, with the values that follow.
---@param result integer
---@param ... any
---@return integer, any ...
---@internal
function errors.check(result, ...)
    if result < 0 then
        return errors.throw(errors.from_status(result))
    end
    return result, ...
end

--- Returns the error for a negative result of an operation on a plain socket.
---@param result integer
---@param operation string the name of the method
---@return cleat.Error
---@internal
function errors.from_socket(result, operation)
    if result == status.WANT_READ or result == status.WANT_WRITE then
        return operation == "connect" and errors.in_progress or errors.would_block
    elseif result == status.CLOSED then -- closed by another thread
        return errors.from_errno(const.EBADF)
    end
    return errors.from_status(result)
end

--- Returns the error for a negative result of an operation on a TLS connection.
---@param result integer
---@param operation "handshake"|"read"|"write"
---@return cleat.Error
---@internal
function errors.from_connection(result, operation)
    if result == status.TIMEOUT then
        return TLSTimeout("The " .. operation .. " operation timed out")
    end
    return errors.from_status(result)
end

class.on_unknown_attribute(function(name, message)
    return errors.raise(errors.AttributeError, "'" .. name .. "'" .. message)
end)

return strict(errors, "module 'cleat.errors'")
