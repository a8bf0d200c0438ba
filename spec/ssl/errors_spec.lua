-- The exception classes, and how statuses become exceptions.
local backend = require "cleat.backend"
local errors = require "cleat.errors"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local status = require "cleat.status"

local const = backend.const

describe("exceptions:", function()
    it("EXC-01 EXC-13 have Python's class hierarchy", function()
        local tree = {
            { ssl.SSLError, { socket.error, errors.IOError, errors.EnvironmentError } },
            { ssl.SSLZeroReturnError, { ssl.SSLError, socket.error, errors.IOError } },
            { ssl.SSLWantReadError, { ssl.SSLError } },
            { ssl.SSLWantWriteError, { ssl.SSLError } },
            { ssl.SSLSyscallError, { ssl.SSLError } },
            { ssl.SSLEOFError, { ssl.SSLError } },
            { ssl.SSLCertVerificationError, { ssl.SSLError, ssl.CertificateError, errors.ValueError, socket.error } },
            { ssl.CertificateError, { errors.ValueError } },
            { socket.error, { errors.IOError, errors.EnvironmentError } },
            { socket.gaierror, { socket.error } },
            { socket.herror, { socket.error } },
            { socket.timeout, { socket.error } },
            { errors.IOError, { errors.EnvironmentError } },
            { errors.OSError, { errors.EnvironmentError } },
        }
        for _, row in ipairs(tree) do
            local err = row[1](1, "x")
            assert.is_true(row[1]:is(err))
            for _, ancestor in ipairs(row[2]) do
                assert.is_true(ancestor:is(err), row[1].name .. " is no " .. ancestor.name)
            end
        end
        for _, row in ipairs {
            { ssl.SSLError, ssl.CertificateError }, { ssl.SSLError, errors.ValueError }, { socket.timeout, ssl.SSLError },
            { ssl.SSLZeroReturnError, ssl.SSLEOFError }, { ssl.CertificateError, ssl.SSLError }, { errors.IOError, errors.OSError },
            { socket.error, ssl.SSLError }, { errors.TypeError, errors.ValueError },
        } do
            assert.is_false(row[2]:is(row[1](1, "x")), row[1].name .. " is a " .. row[2].name)
        end
    end)

    it("EXC-01 are not recognised in other values", function()
        for _, value in ipairs { "text", 5, true, {}, print, io.stdout, setmetatable({}, { class = "x" }),
            setmetatable({}, { __metatable = false }), setmetatable({}, { class = { lineage = 5 } }),
            socket.buffer(1), coroutine.create(function() end) } do
            assert.is_false(ssl.SSLError:is(value))
        end
        assert.is_false(ssl.SSLError:is(nil))
        assert.is_false(ssl.SSLError:is(ssl.SSLError))
    end)

    it("EXC-02 EXC-03 have a code and a message", function()
        for _, class in ipairs { ssl.SSLError, ssl.SSLZeroReturnError, ssl.SSLCertVerificationError } do
            local err = class(1, "foo")
            assert.are.equal("foo", tostring(err))
            assert.are.equal(1, err.errno)
            assert.are.equal("foo", err.strerror)
            assert.are.same({ 1, "foo" }, err.args)
            assert.is_nil(err.library)
            assert.is_nil(err.reason)
        end
    end)

    it("EXC-02 EXC-03 have Python's texts", function()
        for text, err in pairs {
            ["[Errno 2] No such file or directory"] = socket.error(2, "No such file or directory"),
            ["[Errno 2] No such file or directory: 'a\\x00b'"] = errors.IOError(2, "No such file or directory", "a\0b"),
            ["[Errno -2] Name or service not known"] = socket.gaierror(-2, "Name or service not known"),
            ["timed out"] = socket.timeout("timed out"),
            ["words"] = errors.ValueError("words"),
            ["('a', 2)"] = errors.ValueError("a", 2),
            ["ValueError"] = errors.ValueError(), -- the class's name, where Python's text is empty
            ["ssl.SSLError"] = ssl.SSLError(""),
        } do
            assert.are.equal(text, tostring(err))
            assert.are.equal("error: " .. text .. "!", "error: " .. err .. "!")
        end
        local err = errors.IOError(2, "words", "name")
        assert.are.equal("name", err.filename)
        assert.are.same({ 2, "words" }, err.args)
        assert.are.equal(errors.IOError, err.class)
        assert.are.equal("<class 'ssl.SSLError'>", tostring(ssl.SSLError))
    end)

    it("have the position where they were raised", function()
        local err = raises("ValueError", {}, errors.raise, errors.ValueError, "here")
        assert.is_truthy(err.traceback:find("errors_spec.lua", 1, true))
        assert.are.equal("here", tostring(err))
    end)

    it("EXC-16 the SSL_ERROR_ constants are Python's", function()
        for name, value in pairs { SSL = 1, WANT_READ = 2, WANT_WRITE = 3, WANT_X509_LOOKUP = 4, SYSCALL = 5,
            ZERO_RETURN = 6, WANT_CONNECT = 7, EOF = 8, INVALID_ERROR_CODE = 10 } do
            assert.are.equal(value, ssl["SSL_ERROR_" .. name])
        end
    end)
end)

describe("statuses become exceptions:", function()
    local function from(class, value)
        return errors.from_status(-(class * 65536 + (value or 0)))
    end

    it("EXC-07 EXC-08 EXC-09 EXC-11 of waits and of ends of streams", function()
        for _, row in ipairs {
            { const.WANT_READ, "SSLWantReadError", 2, "The operation did not complete (read)" },
            { const.WANT_WRITE, "SSLWantWriteError", 3, "The operation did not complete (write)" },
            { const.CLOSED, "SSLZeroReturnError", 6, "TLS/SSL connection has been closed (EOF)" },
            { const.EOF, "SSLEOFError", 8, "EOF occurred in violation of protocol" },
        } do
            local err = raises.check(from(row[1]), { row[2], "SSLError", "socket.error" }, { errno = row[3] })
            assert.are.equal(row[4], tostring(err))
            assert.is_nil(err.library)
            assert.is_nil(err.reason)
        end
    end)

    it("EXC-08 EXC-09 of waits are always the same objects", function()
        assert.are.equal(from(const.WANT_READ), from(const.WANT_READ))
        assert.are.equal(from(const.WANT_WRITE), from(const.WANT_WRITE))
        local first = errors.from_socket(status.WANT_READ, "recv")
        assert.are.equal(first, errors.from_socket(status.WANT_WRITE, "send"))
        raises.check(first, "socket.error", { errno = const.EAGAIN, match = "temporarily unavailable" })
        raises.check(errors.from_socket(status.WANT_WRITE, "connect"), "socket.error", { errno = const.EINPROGRESS })
    end)

    it("EXC-14 of timeouts", function()
        for _, operation in ipairs { "handshake", "read", "write" } do
            local err = raises.check(errors.from_connection(status.TIMEOUT, operation), { "SSLError", "socket.timeout" }, {})
            assert.are.equal("The " .. operation .. " operation timed out", tostring(err))
            assert.is_nil(err.errno)
        end
        local err = raises.check(errors.from_socket(status.TIMEOUT, "recv"), "socket.timeout", {})
        assert.are.equal("timed out", tostring(err))
        assert.is_nil(err.errno)
        assert.is_false(ssl.SSLError:is(err))
    end)

    it("EXC-15 of system errors", function()
        local err = raises.check(errors.from_status(backend.socket_from_fd(999999)), "socket.error", { errno = const.EBADF })
        assert.are.equal("[Errno 9] Bad file descriptor", tostring(err))
        assert.is_false(ssl.SSLError:is(err))
        local context = backend.context_new(const.PROTOCOL_TLS)
        err = errors.from_status(backend.context_load_verify_file(context, "/does not/exist"))
        raises.check(err, "IOError", { errno = const.ENOENT, filename = "/does not/exist" })
        assert.are.equal("[Errno 2] No such file or directory: '/does not/exist'", tostring(err))
        assert.is_false(socket.error:is(err))
        backend.close(context)
    end)

    it("EXC-04 EXC-05 EXC-06 of library errors, with library and reason", function()
        local err = errors.from_status(backend.certificate_from_pem("nothing"))
        raises.check(err, "SSLError", { errno = 1, library = "PEM", reason = "NO_START_LINE" })
        assert.is_truthy(tostring(err):find("^%[PEM: NO_START_LINE%] .+"))
    end)

    it("of stale ids, wrong calls and missing features", function()
        raises.check(errors.from_status(backend.socket_fileno(0)), "socket.error", { errno = const.EBADF })
        raises.check(errors.from_status(backend.random_bytes(-1)), "ValueError", {})
        raises.check(errors.from_status(backend.context_new(const.PROTOCOL_SSLV3)), "NotImplementedError", {})
        raises.check(from(const.NOMEM), "MemoryError", {})
    end)

    it("each with a class and a message", function()
        for class = 1, 255 do
            local err = from(class)
            assert.is_truthy(errors.EnvironmentError:is(err) or errors.ValueError:is(err) or errors.MemoryError:is(err) or
                errors.NotImplementedError:is(err))
            assert.are_not.equal("", tostring(err))
        end
    end)
end)
