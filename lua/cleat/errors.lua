--- What is raised: Python's tree of exceptions, and the one place where a status of the ABI becomes one of them.
---
--- An error is an object with Python's fields: `args`, `errno`, `strerror`, `filename`, `library`, `reason`,
--- `verify_code`, `verify_message`, nil where it has no such thing. `tostring(err)` is Python's str(err), and never
--- empty; `..` joins it to strings. `ssl.SSLError:is(value)` tells whether any value is such an error, and stands where
--- Python's except clause would. Calling a class makes an error to raise with `error(err)`. What the layer raises has
--- `traceback` too, but for the objects that non-blocking calls raise (SSLWantReadError, EAGAIN …): those are made once
--- and raised again and again.
---
---     EnvironmentError
---       IOError
---         socket.error                     (errno, strerror)
---           socket.gaierror, socket.herror, socket.timeout
---           ssl.SSLError                   library, reason
---             SSLZeroReturnError, SSLWantReadError, SSLWantWriteError, SSLSyscallError, SSLEOFError
---             SSLCertVerificationError     verify_code, verify_message; also a CertificateError
---       OSError
---     ValueError
---       ssl.CertificateError
---     TypeError, AttributeError, NotImplementedError, MemoryError
---
--- Python: section 17.3.1 (exceptions of ssl), 6 (built-in exceptions), 17.2 (exceptions of socket).

local C = require "cleat.backend"
local class = require "cleat.class"
local repr = require "cleat.repr"
local status = require "cleat.status"
local strict = require "cleat.strict"

---@class cleat.Error
---@field class cleat.Class
---@field args any[] what the class was called with; of an EnvironmentError errno and strerror
---@field message string what tostring gives
---@field errno integer? an E* number, EAI_* for gaierror, SSL_ERROR_* for SSLError
---@field strerror string?
---@field filename string? the file or directory that the error is about
---@field library string? where in BoringSSL it arose: "SSL", "PEM", "X509" …
---@field reason string? what it was: "CERTIFICATE_VERIFY_FAILED" …
---@field alert integer? the fatal alert that the peer sent, an ALERT_DESCRIPTION_*
---@field verify_code integer? why a certificate was refused, OpenSSL's X509_V_ERR_*
---@field verify_message string? the same in words
---@field cause any what was raised first, where this error only follows from that (a servername callback's error)
---@field traceback string? where it was raised, from the caller's frame on: the first that is not cleat's
---@field position string? "file:line:" of that frame

local errors = {}

local const = C.const
local select = select -- see keywords.lua

-- Functions through which a program reads an error's text.
local TEXTUAL = { [tostring] = true, [print] = true, [string.format] = true }

-- is_uncaught: whether the interpreter asks for the text of an error that ends the program: its message handler is
-- called by the function that raised.
local function is_uncaught()
    local by = debug.getinfo(3, "Sf") -- behind this function and the metamethod
    local raised = by and by.what == "C" and not TEXTUAL[by.func] and debug.getinfo(4, "S")
    return raised and raised.what == "C" -- error(), assert(), or what runs a coroutine
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

local function define(name, ...)
    local new = class.new(name, make, ...)
    new.instance.__tostring = to_text
    new.instance.__concat = join
    new.instance.__index = { class = new }
    return new
end

errors.EnvironmentError = define("EnvironmentError")
errors.IOError = define("IOError", errors.EnvironmentError)
errors.OSError = define("OSError", errors.EnvironmentError)
errors.ValueError = define("ValueError")
errors.TypeError = define("TypeError")
errors.AttributeError = define("AttributeError")
errors.NotImplementedError = define("NotImplementedError")
errors.MemoryError = define("MemoryError")

errors.error = define("socket.error", errors.IOError)
errors.gaierror = define("socket.gaierror", errors.error)
errors.herror = define("socket.herror", errors.error)
errors.timeout = define("socket.timeout", errors.error)

errors.SSLError = define("ssl.SSLError", errors.error)
errors.SSLZeroReturnError = define("ssl.SSLZeroReturnError", errors.SSLError)
errors.SSLWantReadError = define("ssl.SSLWantReadError", errors.SSLError)
errors.SSLWantWriteError = define("ssl.SSLWantWriteError", errors.SSLError)
errors.SSLSyscallError = define("ssl.SSLSyscallError", errors.SSLError)
errors.SSLEOFError = define("ssl.SSLEOFError", errors.SSLError)
errors.CertificateError = define("ssl.CertificateError", errors.ValueError)
errors.SSLCertVerificationError = define("ssl.SSLCertVerificationError", errors.SSLError, errors.CertificateError)

--- derive makes a class with several base classes.
errors.derive = define

-- A TLS operation that timed out: Python 2 raises SSLError, Python 3 socket.timeout; this is both.
local TLSTimeout = define("ssl.SSLError", errors.SSLError, errors.timeout)

-- SSL_ERROR_* are Python's: the first field of an SSLError.
errors.SSL_ERROR_SSL = 1
errors.SSL_ERROR_WANT_READ = 2
errors.SSL_ERROR_WANT_WRITE = 3
errors.SSL_ERROR_WANT_X509_LOOKUP = 4
errors.SSL_ERROR_SYSCALL = 5
errors.SSL_ERROR_ZERO_RETURN = 6
errors.SSL_ERROR_WANT_CONNECT = 7
errors.SSL_ERROR_EOF = 8
errors.SSL_ERROR_INVALID_ERROR_CODE = 10

-- text: one field of the thread's error record, nil if it is empty.
local function text(read)
    local length, value = read()
    return length > 0 and value or nil
end

--- The system's message for an error number.
---@param number integer
---@return string
function errors.strerror(number)
    local length, words = C.strerror(number)
    return length > 0 and words or "Unknown error " .. number
end

--- A socket.error for an error number of the operating system.
---@param number integer
---@return cleat.Error
function errors.from_errno(number)
    return errors.error(number, errors.strerror(number))
end

-- shared: the errors that are made once, see below.
local shared = {}

-- The common prefix of the names of cleat's sources.
local OWN = debug and debug.getinfo(1, "S").source:match("^(@.*)errors%.lua$")

-- caller finds the first Lua frame outside of cleat: its level for throw, and its position.
local function caller()
    local level = 3
    local info = OWN and debug.getinfo(level, "Sl")
    -- "tail" is what Lua 5.1 has of a function that has returned with the call of another one.
    while info and (info.what == "C" or info.what == "tail" or info.source:sub(1, #OWN) == OWN) do
        level = level + 1
        info = debug.getinfo(level, "Sl")
    end
    if info then
        return level - 1, ("%s:%d:"):format(info.short_src, info.currentline)
    end
    return 2
end

-- A mistake in the program; a program handles the others.
local function is_program_error(of)
    local lineage = of.lineage
    return (lineage[errors.TypeError] or lineage[errors.ValueError] or lineage[errors.AttributeError])
        and not lineage[errors.EnvironmentError]
end

--- Raises an error, with a traceback.
---@param err cleat.Error
function errors.throw(err)
    if debug and not shared[err] then
        local level, position = caller()
        err.traceback = debug.traceback(err.message, level)
        err.position = is_program_error(err.class) and position or nil
    end
    return error(err, 0)
end

--- Makes and raises an error: errors.raise(errors.ValueError, "message").
---@param of cleat.Class
---@param ... any
function errors.raise(of, ...)
    return errors.throw(of(...))
end

errors.want_read = errors.SSLWantReadError(errors.SSL_ERROR_WANT_READ, "The operation did not complete (read)")
errors.want_write = errors.SSLWantWriteError(errors.SSL_ERROR_WANT_WRITE, "The operation did not complete (write)")
errors.would_block = errors.from_errno(const.EAGAIN)
errors.in_progress = errors.from_errno(const.EINPROGRESS)
for _, name in ipairs { "want_read", "want_write", "would_block", "in_progress" } do
    -- These objects are raised again and again, so they are read-only.
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
        return ssl_error(errors.SSLError)
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

--- The error for a negative result of the ABI. It reads the thread's error record, which the next failing call
--- overwrites.
---@param result integer
---@return cleat.Error
function errors.from_status(result)
    local from = from_class[status.class(result)]
    if from then
        return from(status.value(result))
    end
    return errors.SSLError(errors.SSL_ERROR_INVALID_ERROR_CODE, ("unexpected status %d"):format(result))
end

--- Raises the error for a negative result; any other is returned, with what follows it.
---@param result integer
---@param ... any
---@return integer, any ...
function errors.check(result, ...)
    if result < 0 then
        return errors.throw(errors.from_status(result))
    end
    return result, ...
end

--- The error for a negative result of an operation on a plain socket.
---@param result integer
---@param operation string the method
---@return cleat.Error
function errors.from_socket(result, operation)
    if result == status.WANT_READ or result == status.WANT_WRITE then
        return operation == "connect" and errors.in_progress or errors.would_block
    elseif result == status.CLOSED then -- by another thread
        return errors.from_errno(const.EBADF)
    end
    return errors.from_status(result)
end

--- The error for a negative result of an operation on a TLS connection.
---@param result integer
---@param operation "handshake"|"read"|"write"
---@return cleat.Error
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
