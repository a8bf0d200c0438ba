-- The errors of real failures: class, fields and message of each, in a table. The classes themselves are in
-- errors_spec.
local errors = require "cleat.errors"
local handles = require "support.handles"
local link = require "support.link"
local merge = require "support.merge"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local ENOENT, EISDIR, ENOTDIR, EBADF, ENOTCONN, ECONNREFUSED = 2, 21, 20, 9, 107, 111

local function context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS)
end

-- loading calls load_cert_chain, or another method, of a new context with files of pki.
local function loading(method, ...)
    local names = { ... }
    return function()
        local ctx = context()
        for i, name in ipairs(names) do
            names[i] = name:match("^/") and name or pki.path(name)
        end
        ctx[method](ctx, names[1], names[2], names[3])
    end
end

local function with_data(data)
    return function()
        context():load_verify_locations { cadata = data }
    end
end

-- shaking does one side of a handshake that fails.
local function shaking(side, client, server)
    return function()
        error(link.attempt(client, server)[side], 0)
    end
end

-- on calls a method of one side of a connection, after before(client, server).
local function on(side, before, method, ...)
    local arguments = { ... }
    return function()
        local ends = {}
        ends.client, ends.server = link.open()
        local ok, failure = pcall(function()
            before(ends.client, ends.server)
            ends[side][method](ends[side], arguments[1])
        end)
        ends.client:close()
        ends.server:close()
        if not ok then
            error(failure, 0)
        end
    end
end

-- unconnected calls a method of a wrapper without a connection.
local function unconnected(method, argument)
    return function()
        local sock = ssl.wrap_socket(socket.socket())
        local ok, failure = pcall(sock[method], sock, argument)
        sock:close()
        if not ok then
            error(failure, 0)
        end
    end
end

local function close_notify(sock)
    sock:setblocking(false)
    pcall(sock.unwrap, sock)
end

local VERIFY = { library = "SSL", reason = "CERTIFICATE_VERIFY_FAILED" }

-- Each row: rows and name, the function that fails, its classes, its fields. Messages of BoringSSL begin with [LIBRARY:
-- REASON]; text is the rest, without regard to case and underscores.
local SSL_FAILURES = {
    { "EXC-05 EXC-06 LCC-13 a file without PEM", loading("load_cert_chain", "junk.pem", "ec.key"), "SSLError",
        { library = "PEM", reason = "NO_START_LINE" }, "no start line" },
    { "EXC-06 LCC-13 bad base64", loading("load_cert_chain", "bad.pem", "ec.key"), "SSLError",
        { library = "PEM", reason = "BAD_BASE64_DECODE" }, "bad base64 decode" },
    { "EXC-05 LCC-12 another's key", loading("load_cert_chain", "server-ec.pem", "client.key"), "SSLError",
        { library = "X509", reason = "KEY_VALUES_MISMATCH" }, "key values mismatch" },
    { "EXC-05 LCC-10 a wrong password", loading("load_cert_chain", "server-ec.pem", "ec.pkcs8-encrypted.key", "/wrong"), "SSLError",
        { library = "CIPHER", reason = "BAD_DECRYPT" }, "bad decrypt" },
    { "EXC-05 LVL-04 a file without CA certificates", loading("load_verify_locations", "empty.pem"), "SSLError",
        { library = "X509", reason = "NO_CERTIFICATE_OR_CRL_FOUND" }, "no certificate or crl found" },
    { "EXC-05 LVL-09 data without a certificate", with_data("no certificate"), "SSLError",
        { library = "PEM", reason = "NO_START_LINE" }, "no start line" },
    { "EXC-05 LVL-09 bytes that are not a certificate", with_data("\128\1\2"), "SSLError",
        { library = "ASN1", reason = "NOT_ENOUGH_DATA" }, "not enough data" },
    { "EXC-02 EXC-04 EXC-06 a CA that is not trusted", shaking("client", {}, { cert = "unknown" }),
        { "SSLCertVerificationError", "SSLError", "CertificateError" }, merge(VERIFY, { verify_code = 20 }),
        "certificate verify failed: unable to get local issuer certificate" },
    { "EXC-04 EXC-06 a certificate that has expired", shaking("client", {}, { cert = "expired" }),
        { "SSLCertVerificationError", "SSLError", "CertificateError" }, merge(VERIFY, { verify_code = 10 }),
        "certificate verify failed: certificate has expired" },
    { "EXC-04 EXC-12 SSLS-03 another host's certificate", shaking("client", {}, { cert = "other" }),
        { "CertificateError", "ValueError", "SSLError", "socket.error" }, merge(VERIFY, { verify_code = 62 }),
        "certificate verify failed: Hostname mismatch, certificate is not valid for 'localhost'." },
    { "EXC-06 an alert: the CA is unknown", shaking("server", {}, { cert = "unknown" }), "SSLError",
        { library = "SSL", reason = "TLSV1_ALERT_UNKNOWN_CA", alert = ssl.ALERT_DESCRIPTION_UNKNOWN_CA }, "tlsv1 alert unknown ca" },
    { "EXC-06 an alert in reply to the ClientHello", shaking("client", { version = "TLSv1.2", ciphers = "ECDHE-RSA-AES128-GCM-SHA256" },
        {}), "SSLError", { library = "SSL", reason = "SSLV3_ALERT_HANDSHAKE_FAILURE", alert = ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE },
        "sslv3 alert handshake failure" },
    { "EXC-06 no suite in common", shaking("server", { version = "TLSv1.2", ciphers = "ECDHE-RSA-AES128-GCM-SHA256" }, {}), "SSLError",
        { library = "SSL", reason = "NO_SHARED_CIPHER" }, "no shared cipher" },
    { "EXC-06 a server without a certificate", shaking("server", {}, { cert = false }), "SSLError",
        { library = "SSL", reason = "NO_CERTIFICATE_SET" }, "no certificate set" },
}

-- The others: the whole message; library and reason are absent.
local OTHERS = {
    { "EXC-08 nothing to read yet", on("client", function(client)
        client:setblocking(false)
    end, "recv", 1), { "SSLWantReadError", "SSLError" }, { errno = ssl.SSL_ERROR_WANT_READ }, "The operation did not complete (read)" },
    { "EXC-09 no room to write", on("client", function(client)
        client:setblocking(false)
        for _ = 1, 1000 do
            client:send(("x"):rep(100000))
        end
    end, "recv", 1), { "SSLWantWriteError", "SSLError" }, { errno = ssl.SSL_ERROR_WANT_WRITE }, "The operation did not complete (write)" },
    { "EXC-07 a write after both have sent close_notify", on("client", function(client, server)
        close_notify(client)
        server:recv(1)
        close_notify(server)
    end, "write", "x"), { "SSLZeroReturnError", "SSLError" }, { errno = ssl.SSL_ERROR_ZERO_RETURN },
        "TLS/SSL connection has been closed (EOF)" },
    { "EXC-11 the end without close_notify", on("client", function(client, server)
        client.suppress_ragged_eofs = false
        server:close()
    end, "recv", 1), { "SSLEOFError", "SSLError" }, { errno = ssl.SSL_ERROR_EOF }, "EOF occurred in violation of protocol" },
    { "EXC-14 a read that takes too long", on("client", function(client)
        client:settimeout(0.02)
    end, "recv", 1), { "SSLError", "socket.timeout" }, {}, "The read operation timed out" },
    { "EXC-14 a write that takes too long", on("client", function(client)
        client:settimeout(0.02)
    end, "sendall", ("x"):rep(10000000)), { "SSLError", "socket.timeout" }, {}, "The write operation timed out" },
    { "EXC-14 SSLS-37 a close_notify that is not answered", on("client", function(client)
        client:settimeout(0.02)
    end, "unwrap"), { "SSLError", "socket.timeout" }, {}, "The read operation timed out" },
    { "EXC-14 a handshake that takes too long", function()
        local first, second = socket.socketpair()
        first:settimeout(0.02)
        local ok, failure = pcall(ssl.wrap_socket, first)
        second:close()
        if not ok then
            error(failure, 0)
        end
    end, { "SSLError", "socket.timeout" }, {}, "The handshake operation timed out" },
    { "EXC-15 a certificate's file that is missing", loading("load_cert_chain", "/no/such/file"), "IOError",
        { errno = ENOENT, filename = "/no/such/file" }, "[Errno 2] No such file or directory: '/no/such/file'" },
    { "EXC-15 LVL-04 a file without a name", function()
        context():load_verify_locations("")
    end, "IOError", { errno = ENOENT, filename = "" }, "[Errno 2] No such file or directory: ''" },
    { "EXC-15 a directory in a file's place", loading("load_verify_locations", "/proc"), "IOError",
        { errno = EISDIR, filename = "/proc" }, "[Errno 21] Is a directory: '/proc'" },
    { "EXC-15 a file in a directory's place", loading("load_cert_chain", "/proc/version/x"), "IOError",
        { errno = ENOTDIR, filename = "/proc/version/x" }, "[Errno 20] Not a directory: '/proc/version/x'" },
    { "EXC-15 SSLS-01 a handshake without a connection", unconnected("do_handshake"), "socket.error", { errno = ENOTCONN },
        "[Errno 107] Transport endpoint is not connected" },
    { "EXC-15 SSLS-05 a certificate without a connection", unconnected("getpeercert"), "socket.error", { errno = ENOTCONN },
        "[Errno 107] Transport endpoint is not connected" },
    { "EXC-15 SOCK-09 a peer's name without a connection", unconnected("getpeername"), "socket.error", { errno = ENOTCONN },
        "[Errno 107] Transport endpoint is not connected" },
    { "EXC-15 SOCK-24 recv without a connection", unconnected("recv", 1), "socket.error", { errno = ENOTCONN },
        "[Errno 107] Transport endpoint is not connected" },
    { "EXC-15 SOCK-24 send without a connection", unconnected("send", "x"), "socket.error", { errno = ENOTCONN },
        "[Errno 107] Transport endpoint is not connected" },
    { "EXC-15 SOCK-24 recvfrom without a connection", unconnected("recvfrom", 1), "socket.error", { errno = ENOTCONN },
        "[Errno 107] Transport endpoint is not connected" },
    { "EXC-15 SOCK-24 sendto without a connection", unconnected("sendto", "x"), "socket.error", { errno = ENOTCONN },
        "[Errno 107] Transport endpoint is not connected" },
    { "EXC-15 a port where no process listens", function()
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        local address = listener:getsockname()
        local sock = ssl.wrap_socket(socket.socket())
        local ok, failure = pcall(sock.connect, sock, address)
        listener:close()
        sock:close()
        if not ok then
            error(failure, 0)
        end
    end, "socket.error", { errno = ECONNREFUSED }, "[Errno 111] Connection refused" },
}

for _, method in ipairs { "recv", "send", "sendall", "recv_into", "fileno", "do_handshake", "getpeercert", "getpeername", "getsockname" } do
    OTHERS[#OTHERS + 1] = { ("EXC-15 SOCK-04 %s after close"):format(method), function()
        local sock = ssl.wrap_socket(socket.socket())
        sock:close()
        sock[method](sock, method == "recv_into" and socket.buffer(1) or method:find("send") and "x" or nil)
    end, "socket.error", { errno = EBADF }, "[Errno 9] Bad file descriptor" }
end

for method, text in pairs { read = "Read on closed or unwrapped SSL socket.", write = "Write on closed or unwrapped SSL socket." } do
    local argument = method == "write" and "x" or nil
    for state, before in pairs {
        ["close"] = function(client)
            client:close()
        end,
        ["shutdown"] = function(client)
            client:shutdown(socket.SHUT_RDWR)
        end,
        ["unwrap"] = function(client, server)
            close_notify(server)
            client:recv(1)
            client:unwrap()
        end,
    } do
        OTHERS[#OTHERS + 1] = { ("SOCK-04 SOCK-25 SSLS-36 %s after %s"):format(method, state), on("client", before, method, argument),
            "ValueError", {}, text }
    end
end

describe("failures:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, case in ipairs(SSL_FAILURES) do
        it(case[1], function()
            local failure = raises(case[3], merge(case[4], { errno = ssl.SSL_ERROR_SSL }), case[2])
            assert.is_true(ssl.SSLError:is(failure))
            assert.is_true(socket.error:is(failure))
            assert.is_true(errors.IOError:is(failure))
            local prefix, text = tostring(failure):match("^(%[[^%]]+%]) (.*)$")
            assert.are.equal(("[%s: %s]"):format(case[4].library, case[4].reason), prefix)
            text = text:gsub("_", " ")
            assert.are.equal(case[5]:lower(), text:sub(1, #case[5]):lower())
            -- code and message are `args`, as in Python, and tostring returns the message alone
            assert.are.same({ ssl.SSL_ERROR_SSL, tostring(failure) }, failure.args)
            assert.are.equal(failure.args[2], failure.strerror)
            assert.are.equal(case[4].verify_code == nil, failure.verify_message == nil)
            assert.are.equal(case[4].verify_code, failure.verify_code)
            assert.are.equal(case[4].alert, failure.alert)
            assert.is_nil(failure.filename)
        end)
    end

    for _, case in ipairs(OTHERS) do
        it(case[1], function()
            local failure = raises(case[3], case[4], case[2])
            assert.are.equal(case[5], tostring(failure))
            for _, name in ipairs { "library", "reason", "alert", "verify_code", "verify_message" } do
                assert.is_nil(failure[name], name)
            end
            assert.are.equal(case[4].errno, failure.errno)
            assert.are.equal(case[4].filename, failure.filename)
            assert.are.same(failure.errno and { failure.errno, failure.strerror } or { case[5] }, failure.args)
            local wanted = type(case[3]) == "table" and case[3][1] or case[3]
            assert.are.equal(wanted:find("SSL", 1, true) ~= nil, ssl.SSLError:is(failure))
        end)
    end

    it("EXC-12 EXC-13 match_hostname's CertificateError is a ValueError and not an error of the library", function()
        local failure = raises({ "CertificateError", "ValueError" }, {}, ssl.match_hostname,
            { subject = { { { "commonName", "a" } } } }, "b")
        assert.is_false(ssl.SSLError:is(failure))
        assert.is_false(socket.error:is(failure))
        assert.is_false(ssl.SSLCertVerificationError:is(failure))
    end)

    it("EXC-06 CONST-01 a failure does not affect later calls", function()
        local ctx = context()
        for _, case in ipairs(SSL_FAILURES) do
            pcall(case[2])
            -- a remaining error would show in a call that reads the error queue, and in one that succeeds
            raises("SSLError", { library = "PEM", reason = "NO_START_LINE" }, ctx.load_cert_chain, ctx, pki.path("junk.pem"),
                pki.path("ec.key"))
            local client, server = link.open({ verify = ssl.CERT_NONE, check_hostname = false }, { cert = "unknown" })
            client:setblocking(false)
            raises("SSLWantReadError", {}, client.recv, client, 1)
            server:sendall("x")
            client:settimeout(10)
            assert.are.equal("x", client:recv(1))
            client:close()
            server:close()
        end
    end)
end)
