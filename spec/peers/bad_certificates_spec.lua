-- Bad certificates of a peer that we did not write: Python's ssl sees the alert that cleat sends, and cleat finds the
-- reason that it finds in support/badssl/cases, over TCP. One chain for each verdict, and those that only OpenSSL loads
-- as its own.
local badssl = require "support.badssl"
local handles = require "support.handles"
local peer = require "support.peer"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local verdicts = require "support.badssl.verdicts"

-- Chains that Python loads, with security level 0 for weak keys.
local CHAINS = {
    "expired", "not-yet-valid", "intermediate-expired", "date-with-offset", "wrong-host", "wrong-ip", "self-signed", "unknown-root",
    "unknown-root-sent", "same-name-other-key", "ca-false", "path-length-root", "client-as-server", "server-as-client",
    "constraint-dns-permitted", "constraint-dns-excluded", "constraint-ip-permitted", "constraint-common-name", "revoked", "crl-missing",
    "crl-expired", "crl-of-another", "rsa-1024", "sha1-leaf", "md5-leaf", "signature-broken-leaf", "unknown-critical", "huge",
    -- cleat does not load these
    "date-month-13", "version-4", "version-1-extensions", "version-2-extensions",
}

-- The names of alerts in Python, that is OpenSSL.
local REASONS = {
    bad_certificate = "SSLV3_ALERT_BAD_CERTIFICATE", unsupported_certificate = "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    certificate_revoked = "SSLV3_ALERT_CERTIFICATE_REVOKED", certificate_expired = "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    certificate_unknown = "SSLV3_ALERT_CERTIFICATE_UNKNOWN", illegal_parameter = "SSLV3_ALERT_ILLEGAL_PARAMETER",
    unknown_ca = "TLSV1_ALERT_UNKNOWN_CA", decode_error = "TLSV1_ALERT_DECODE_ERROR", decrypt_error = "TLSV1_ALERT_DECRYPT_ERROR",
}

local by_name = {}
for _, case in ipairs(badssl.cases) do
    by_name[case.name] = case
end

local function verifier(files, side)
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context:load_verify_locations(files.trust)
    if files.crl then
        context:load_verify_locations(files.crl)
    end
    context.verify_mode, context.verify_flags = ssl.CERT_REQUIRED, files.flags
    context.check_hostname = side == "client"
    return context
end

-- talk does the handshake over a plain socket, and exchanges a byte in each direction, the server's first.
-- Returns the failure, nil for none.
local function talk(plain, context, options)
    options.do_handshake_on_connect = false
    plain:settimeout(15)
    local sock = context:wrap_socket(plain:fileno(), options)
    sock:settimeout(15)
    local ok, failure = pcall(function()
        sock:do_handshake()
        if options.server_side then
            sock:sendall("x")
            assert(sock:recv(1) == "y")
        else
            assert(sock:recv(1) == "x")
            sock:sendall("y")
        end
    end)
    sock:close()
    -- The peer's bytes are read: unread bytes would cause a reset, which would overtake the alert.
    pcall(function()
        plain:shutdown(socket.SHUT_WR)
        while plain:recv(4096) ~= "" do end
    end)
    plain:close()
    return not ok and failure or nil
end

-- as_server tests a chain with a server of Python, and returns our error or nil, and Python's output.
local function as_server(files, version)
    local job = peer.serve {
        tls = true, cert = files.chain, key = files.key, min = version, max = version, ciphers = "DEFAULT:@SECLEVEL=0",
        "handshake", "send 78", "recv 1",
    }
    local plain = socket.create_connection({ "127.0.0.1", job.port }, 15)
    return talk(plain, verifier(files, "client"), { server_hostname = files.host }), job:finish()
end

-- as_client: Python's client has it.
local function as_client(files, version)
    local listener = socket.socket()
    listener:settimeout(15)
    listener:bind { "127.0.0.1", 0 }
    listener:listen(1)
    local job = peer.connect {
        port = listener:getsockname()[2], tls = true, cert = files.chain, key = files.key, min = version, max = version,
        ciphers = "DEFAULT:@SECLEVEL=0", "handshake", "recv 1", "send 79",
    }
    local plain = listener:accept()
    listener:close()
    local own = badssl.files(by_name.expired, "right")
    local context = verifier(files, "server")
    context:load_cert_chain(own.chain, own.key)
    return talk(plain, context, { server_side = true }), job:finish()
end

local function check(case, variant, role, version, verdict)
    local files = badssl.files(case, variant)
    local failure, lines = (role == "server" and as_server or as_client)(files, version)
    local said = table.concat(lines, "; ")
    if not verdict then
        assert.is_nil(failure, tostring(failure) .. ": " .. said)
        assert.is_truthy(said:find(role == "server" and "recv 79" or "recv 78; send", 1, true), said)
        return
    end
    raises.check(failure, "SSLError", verdict.code and {
        reason = "CERTIFICATE_VERIFY_FAILED", verify_code = verdict.code, verify_message = verdict.message:gsub("%%s", files.host),
    } or { reason = verdict.reason })
    local reason = REASONS[verdict.alert]
    if not said:find("error SSLError " .. reason, 1, true) then
        error(("expected Python to see %s: %s"):format(reason, said), 0)
    end
end

for _, version in ipairs { "1.2", "1.3" } do
    describe("bad certificates of Python, TLS " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        for _, name in ipairs(CHAINS) do
            local case = by_name[name]
            it(name .. ": " .. case.what, function()
                for _, role in ipairs { "server", "client" } do
                    check(case, "wrong", role, version, verdicts.get(case[role]))
                end
            end)
        end

        it("a good one is accepted", function()
            for _, role in ipairs { "server", "client" } do
                check(by_name.expired, "right", role, version, nil)
            end
        end)
    end)
end
