-- Bad input, for each function, method and attribute of cleat.ssl and cleat.socket, and each of their arguments: a
-- wrong type raises a TypeError that names the argument and the value, a wrong value a ValueError, a missing file an
-- IOError with errno and filename. The object is unchanged afterwards.
local errors = require "cleat.errors"
local handles = require "support.handles"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local select_module = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local unpack = table.unpack or unpack

local ENOENT, ENOTDIR, EISDIR = 2, 20, 21
local NAN, INFINITE = 0 / 0, 1 / 0
local NO_FILES = { ["/no/such/file"] = ENOENT, [""] = ENOENT, ["/proc/version/x"] = ENOTDIR, ["/proc"] = EISDIR }

-- The kinds of arguments: values of other types, and values of the right type that are invalid: {value, class, words of
-- the message}. {1} and not {}, which would be an empty table of keyword arguments.
local STRING = { wrong = { 5, 1.5, true, { 1 }, print }, bad = {} }
local PATH = { wrong = STRING.wrong, bad = { { "a\0b", "ValueError", "embedded null byte" } } }
local FILE = { wrong = STRING.wrong, file = true, bad = PATH.bad }
local INTEGER = { wrong = { "5", true, { 1 }, print, 1.5, NAN, INFINITE }, bad = { { 2 ^ 40, "ValueError" }, { -2 ^ 40, "ValueError" } } }
local BOOLEAN = { wrong = { 0, 1, "true", { 1 }, print }, bad = {} }
local TIMEOUT = {
    wrong = { "1", true, { 1 }, print },
    bad = {
        { -1, "ValueError", "Timeout value out of range" }, { INFINITE, "ValueError", "Timeout value out of range" },
        { NAN, "ValueError", "Invalid value NaN" },
    },
}
local PURPOSE = { wrong = { 129, true, "SERVER_AUTH", { 1 }, print, ssl.Purpose }, bad = {} }
local PASSWORD = {
    wrong = { 5, true, { 1 } }, says = "password should be a string or callable",
    bad = {
        { ("x"):rep(1025), "ValueError", "password cannot be longer than 1024 bytes" }, { "wrong", "SSLError" },
        { function() return "wrong" end, "SSLError" },
        { function() return 9 end, "TypeError", "password callback must return a string" },
        { function() end, "TypeError", "password callback must return a string" },
        { function() return ("x"):rep(1025) end, "ValueError", "password cannot be longer than 1024 bytes" },
    },
}
local CADATA = {
    wrong = { 5, true, { 1 }, print }, says = "cadata should be an ASCII string or a bytes-like object",
    bad = { { "", "ValueError", "Empty certificate data" }, { "nothing", "SSLError" }, { "\48\130\1\2", "SSLError" } },
}
local CALLBACK = { wrong = { 5, "callback", true, { 1 } }, says = "not a callable object", bad = {} }
local NUMBER = { wrong = { "1", true, { 1 }, print }, bad = {} }
local PROTOCOLS = {
    wrong = { 5, "h2", true, print }, bad = {
        { { "h2", 5 }, "TypeError", "must be a string, not 5" }, { { true }, "TypeError", "must be a string, not boolean" },
        { { "h2", "" }, "SSLError", "protocols must be 1 to 255 in length" },
        { { ("x"):rep(256) }, "SSLError", "protocols must be 1 to 255 in length" },
    },
}
local ADDRESS = {
    wrong = { 5, "127.0.0.1", true, print, { 1 }, { "127.0.0.1" }, { "127.0.0.1", "80" }, { "127.0.0.1", 1.5 }, { 80, "127.0.0.1" } },
    says = "an address {host, port}",
    bad = {
        { { "127.0.0.1", -1 }, "ValueError", "port must be 0-65535" }, { { "127.0.0.1", 65536 }, "ValueError", "port must be 0-65535" },
        { { "a\0b", 80 }, "ValueError", "embedded null byte" },
    },
}
local ENDPOINT = { -- the port may be a service
    wrong = { 5, "127.0.0.1", true, print, { 1 }, { "127.0.0.1" }, { "127.0.0.1", 1.5 }, { 80, "127.0.0.1" }, { "127.0.0.1", 80, 0 } },
    says = "an address {host, port}",
    bad = {
        { { "127.0.0.1", "-1" }, "socket.gaierror" }, { { "127.0.0.1", "65536" }, "ValueError", "port must be 0-65535" },
        { { "a\0b", 80 }, "ValueError", "embedded null byte" },
    },
}
local BUFFER = { wrong = { 5, "buffer", true, { 1 }, print }, bad = {} }
local SESSION = { wrong = { 5, "session", true, print, ssl.SSLSession }, says = "Value is not a SSLSession.", bad = {} }
local DATA = { wrong = { 5, 1.5, true, { 1 }, print }, bad = {} }
local SOCK = {
    wrong = { "sock", true, { 1 }, print, 1.5 }, bad = { { -1, "TypeError" }, { 999999, "socket.error" } },
}

-- with: a kind with further invalid values.
local function with(kind, ...)
    local more = { wrong = kind.wrong, says = kind.says, file = kind.file, bad = { ... } }
    for _, bad in ipairs(kind.bad) do
        table.insert(more.bad, bad)
    end
    return more
end

-- state returns everything that can be read of a context.
local function state(context)
    local result = { stats = context:cert_store_stats(), ca_certs = context:get_ca_certs(true), ciphers = context:get_ciphers(),
        sessions = context:session_stats() }
    for _, name in ipairs {
        "protocol", "options", "verify_mode", "verify_flags", "check_hostname", "minimum_version", "maximum_version",
    } do
        result[name] = context[name]
    end
    return result
end

-- A subject is the object of a method. make returns it, and the objects to close; same returns whether it is unchanged.
local function busy_context()
    local context = link.context {
        cert = "server-ec", cafile = "root.pem", verify = ssl.CERT_REQUIRED,
        ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
    }
    context:set_alpn_protocols { "h2" }
    context.check_hostname = true
    context.options = context.options + ssl.OP_NO_TLSv1
    return context
end

local SUBJECTS = {
    context = function()
        local context = busy_context()
        local before = state(context)
        return context, function()
            assert.are.same(before, state(context))
            -- settings without getters: the certificate, the protocols and the CA certificates, which a handshake shows
            local failures, facts = link.attempt({ context = context }, { cert = "server-ec", alpn = { "ftp", "h2" } }, function(client)
                return { client:getpeercert().subject[2][1][2], client:selected_alpn_protocol() }
            end)
            assert.is_nil(failures.client)
            assert.are.same({ "localhost", "h2" }, facts)
            local bare = link.context { cafile = "root.pem", verify = ssl.CERT_REQUIRED }
            context.check_hostname = false
            context.verify_mode = ssl.CERT_NONE
            failures = link.attempt({ context = bare, server_hostname = "localhost" }, { context = context })
            assert.is_nil(failures.client)
            context.verify_mode = before.verify_mode
            context.check_hostname = before.check_hostname
        end
    end,
    tls = function()
        local client, server = link.open()
        return client, function()
            assert.are.equal(11, client:sendall("still there"))
            assert.are.equal("still there", server:recv(100))
            server:sendall("and back")
            assert.are.equal("and back", client:recv(100))
            assert.are.equal(10, client:gettimeout())
            client:close()
            server:close()
        end
    end,
    unconnected = function()
        local sock = ssl.wrap_socket(socket.socket())
        return sock, function()
            raises("socket.error", { errno = 107 }, sock.getpeername, sock)
            assert.is_nil(sock:version())
            sock:close()
        end
    end,
    plain = function()
        local first, second = socket.socketpair()
        first:settimeout(10)
        second:settimeout(10)
        return first, function()
            first:sendall("still there")
            assert.are.equal("still there", second:recv(100))
            assert.are.equal(10, first:gettimeout())
            first:close()
            second:close()
        end
    end,
    inet = function()
        local sock = socket.socket()
        sock:settimeout(10)
        return sock, function()
            assert.are.same({ "0.0.0.0", 0 }, sock:getsockname())
            assert.are.equal(10, sock:gettimeout())
            sock:close()
        end
    end,
    buffer = function()
        local buffer = socket.buffer(4)
        buffer:set(0, "abcd")
        return buffer, function()
            assert.are.equal("abcd", tostring(buffer))
        end
    end,
}

-- Targets: {rows and name, function or the subject and the method's name, arguments}. An argument is {name, kind, a
-- valid value}. A target's required = n: so many may not be nil; keywords = false: it takes no keyword arguments.
local function targets()
    local certfile, keyfile = pki.chain("server-ec")
    local plain = socket.socket -- a new one for each call: see good()
    local cafile = pki.path("root.pem")
    local context = "context"
    return {
        { "CTX-02 ssl.SSLContext", ssl.SSLContext, { { "protocol", with(INTEGER, { 42, "ValueError", "invalid protocol version" },
            { -1, "ValueError", "invalid protocol version" }, { 0, "ValueError", "unsupported protocol version" },
            { 1, "ValueError", "unsupported protocol version" }, { 6, "ValueError", "invalid protocol version" },
            { 15, "ValueError", "invalid protocol version" }, { 18, "ValueError", "invalid protocol version" }), 2 } } },
        { "WRAP-01 WRAP-09 WRAP-11 WRAP-14 WRAP-16 WRAP-17 ssl.wrap_socket", ssl.wrap_socket, {
            { "sock", SOCK, plain }, { "keyfile", FILE, keyfile }, { "certfile", FILE, certfile }, { "server_side", BOOLEAN, false },
            { "cert_reqs", with(INTEGER, { 3, "ValueError", "invalid value for verify_mode" },
                { -1, "ValueError" }), 0 },
            { "ssl_version", with(INTEGER, { 42, "ValueError", "invalid protocol version" },
                { 1, "ValueError", "unsupported protocol version" }), 2 },
            { "ca_certs", FILE, cafile }, { "do_handshake_on_connect", BOOLEAN, true }, { "suppress_ragged_eofs", BOOLEAN, true },
            { "ciphers", with(STRING, { "RC4", "SSLError", "No cipher can be selected." }), "HIGH" },
        }, required = 1 },
        { "DCTX-01 DCTX-02 DCTX-04 ssl.create_default_context", ssl.create_default_context, {
            { "purpose", PURPOSE, ssl.Purpose.SERVER_AUTH }, { "cafile", FILE, cafile }, { "capath", PATH, "/tmp" },
            { "cadata", CADATA, pki.read("root.pem") },
        } },
        { "HTTPS-03 ssl._create_unverified_context", ssl._create_unverified_context, {
            { "protocol", with(INTEGER, { 42, "ValueError", "invalid protocol version" }), 2 },
            { "cert_reqs", with(INTEGER, { 3, "ValueError", "invalid value for verify_mode" }), 0 }, { "check_hostname", BOOLEAN, false },
            { "purpose", PURPOSE, ssl.Purpose.SERVER_AUTH }, { "certfile", FILE, certfile },
            { "keyfile", FILE, keyfile }, { "cafile", FILE, cafile }, { "capath", PATH, "/tmp" },
            { "cadata", CADATA, pki.read("root.pem") },
        } },
        { "HTTPS-01 ssl._https_verify_certificates", ssl._https_verify_certificates, { { "enable", BOOLEAN, true } } },
        { "RAND-03 ssl.RAND_add", ssl.RAND_add, { { "bytes", STRING, "x" }, { "entropy", NUMBER, 0.0 } }, required = 2 },
        { "RAND-04 ssl.RAND_bytes", ssl.RAND_bytes, { { "n", with(INTEGER, { -1, "ValueError", "num must be positive" }), 1 } },
            keywords = false },
        { "RAND-05 ssl.RAND_pseudo_bytes", ssl.RAND_pseudo_bytes, {
            { "n", with(INTEGER, { -1, "ValueError", "num must be positive" }), 1 },
        }, keywords = false },
        { "MATCH-01 MATCH-05 ssl.match_hostname", ssl.match_hostname, {
            { "cert", { wrong = { 5, "cert", true, print }, bad = {} }, { subject = { { { "commonName", "a" } } } } },
            { "hostname", STRING, "a" },
        }, tables = { "argument 'hostname' must be a string, not nil" } },
        { "TIME-06 ssl.cert_time_to_seconds", ssl.cert_time_to_seconds, {
            { "cert_time", with(STRING, { "", "ValueError", "does not match format" }), "Jan  5 09:34:43 2018 GMT" },
        }, required = 1 },
        { "PEM-01 ssl.DER_cert_to_PEM_cert", ssl.DER_cert_to_PEM_cert, { { "der_cert_bytes", STRING, "x" } }, required = 1 },
        { "PEM-02 PEM-03 ssl.PEM_cert_to_DER_cert", ssl.PEM_cert_to_DER_cert, {
            { "pem_cert_string", with(STRING, { "x", "ValueError", "Invalid PEM encoding; must start with -----BEGIN CERTIFICATE-----" }),
                pki.read("root.pem") },
        }, required = 1 },
        { "GSC-01 GSC-03 ssl.get_server_certificate", ssl.get_server_certificate, {
            { "addr", { wrong = { 5, "localhost", true, print },
                bad = { { { "127.0.0.1", 65536 }, "ValueError", "port must be 0-65535" } } } },
            { "ssl_version", with(INTEGER, { 42, "ValueError", "invalid protocol version" }) }, { "ca_certs", FILE },
            { "timeout", TIMEOUT, 1 },
        }, required = 1, good = { { "127.0.0.1", 1 } } },

        { "LCC-01 LCC-05 LCC-07 LCC-10 LCC-11 LCC-13 LCC-15 SSLContext.load_cert_chain", { context, "load_cert_chain" }, {
            { "certfile", FILE, certfile }, { "keyfile", FILE, pki.path("ec.pkcs8-encrypted.key") }, { "password", PASSWORD, "somepass" },
        }, required = 1, most = 4 }, -- the fourth, sign, excludes two of them: remote_key_spec.lua
        { "LVL-01 LVL-04 LVL-05 LVL-09 LVL-10 SSLContext.load_verify_locations", { context, "load_verify_locations" }, {
            { "cafile", FILE, cafile }, { "capath", with(PATH, { "", "ValueError" }), "/tmp" },
            { "cadata", CADATA, pki.read("root.pem") },
        } },
        { "LDC-03 SSLContext.load_default_certs", { context, "load_default_certs" }, { { "purpose", PURPOSE } } },
        { "GCA-01 SSLContext.get_ca_certs", { context, "get_ca_certs" }, { { "binary_form", BOOLEAN, true } } },
        { "CIPH-01 CIPH-02 SSLContext.set_ciphers", { context, "set_ciphers" }, {
            { "ciphers", with(STRING, { "", "SSLError", "No cipher can be selected." }, { "RC4", "SSLError", "No cipher can be selected." },
                { "^$:,;?*'dorothyx", "SSLError", "No cipher can be selected." }, { "AES\0", "SSLError", "No cipher can be selected." }) },
        }, required = 1 },
        { "ALPN-02 SSLContext.set_alpn_protocols", { context, "set_alpn_protocols" }, { { "alpn_protocols", PROTOCOLS } }, required = 1,
            tables = { "an array of strings, not a table with the key 'no_such_argument'" } },
        { "NPN-01 SSLContext.set_npn_protocols", { context, "set_npn_protocols" }, { { "npn_protocols", PROTOCOLS } }, required = 1,
            tables = { "an array of strings, not a table with the key 'no_such_argument'" } },
        { "SNI-01 SSLContext.set_servername_callback", { context, "set_servername_callback" }, { { "callback", CALLBACK } },
            keywords = false },
        { "DH-01 SSLContext.load_dh_params", { context, "load_dh_params" }, { { "dhfile", with(FILE,
            { certfile, "SSLError", "[PEM: NO_START_LINE]" }) } }, required = 1 },
        { "ECDH-01 ECDH-02 SSLContext.set_ecdh_curve", { context, "set_ecdh_curve" }, { { "curve_name", with(STRING,
            { "foo", "ValueError", "unknown elliptic curve name 'foo'" }, { "", "ValueError" }, { "secp256k1", "SSLError" }) } },
            required = 1 },
        { "CWRAP-01 CWRAP-02 SSLContext.wrap_socket", { context, "wrap_socket" }, {
            { "sock", SOCK, plain }, { "server_side", BOOLEAN, false }, { "do_handshake_on_connect", BOOLEAN, true },
            { "suppress_ragged_eofs", BOOLEAN, true },
            { "server_hostname", with(STRING, { "", "ValueError" }, { ".x", "ValueError" }, { "a\0b", "ValueError" },
                { ("x"):rep(256), "ValueError" }, { "\255", "ValueError" }), "localhost" },
            { "session", SESSION }, { "early_data", STRING },
        }, required = 1, most = 8 }, -- the eighth, ech_configs: ech_spec.lua

        { "SSLS-02 SSLSocket.do_handshake", { "tls", "do_handshake" }, { { "block", BOOLEAN, false } } },
        { "SSLS-04 SSLSocket.getpeercert", { "tls", "getpeercert" }, { { "binary_form", BOOLEAN, false } } },
        { "SSLS-31 SSLSocket.get_channel_binding", { "tls", "get_channel_binding" }, {
            { "cb_type", with(STRING, { "unknown", "ValueError", "Unsupported channel binding type" }), "tls-unique" },
        } },
        { "SSLS-42 SSLSocket.read", { "tls", "read" }, {
            { "buflen", with(INTEGER, { -1, "ValueError", "size should not be negative" }) },
        }, keywords = false },
        { "SSLS-42 SSLSocket.read into a buffer", { "tls", "read" }, {
            { "nbytes", with(INTEGER, { -1, "ValueError" }), 1 },
            { "buffer", BUFFER, socket.buffer(10) },
        }, keywords = false },
        { "SSLS-42 SSLSocket.write", { "tls", "write" }, { { "data", DATA } }, keywords = false, required = 1 },
        { "SOCK-15 SOCK-16 SOCK-22 SSLSocket.recv", { "tls", "recv" }, {
            { "buflen", with(INTEGER, { -1, "ValueError", "size should not be negative" }), 0 },
            { "flags", with(INTEGER, { 1, "ValueError", "non-zero flags not allowed in calls to recv()" }), 0 },
        }, keywords = false },
        { "SOCK-17 SSLSocket.recv_into", { "tls", "recv_into" }, {
            { "buffer", BUFFER, socket.buffer(0) },
            { "nbytes", with(INTEGER, { -1, "ValueError" }), 0 },
            { "flags", with(INTEGER, { 1, "ValueError", "non-zero flags not allowed in calls to recv_into()" }), 0 },
        }, keywords = false, required = 1 },
        { "SOCK-18 SSLSocket.send", { "tls", "send" }, {
            { "data", DATA, "" }, { "flags", with(INTEGER, { 1, "ValueError", "non-zero flags not allowed in calls to send()" }), 0 },
        }, keywords = false, required = 1 },
        { "SOCK-20 SSLSocket.sendall", { "tls", "sendall" }, {
            { "data", DATA, "" }, { "flags", with(INTEGER, { 1, "ValueError", "non-zero flags not allowed in calls to sendall()" }), 0 },
        }, keywords = false, required = 1 },
        { "SOCK-11 SSLSocket.settimeout", { "tls", "settimeout" }, { { "timeout", TIMEOUT } }, keywords = false },
        { "SOCK-12 SSLSocket.setblocking", { "tls", "setblocking" }, { { "flag", BOOLEAN } }, keywords = false, required = 1 },
        { "SOCK-14 SSLSocket.makefile", { "tls", "makefile" }, {
            { "mode", with(STRING, { "x", "ValueError", "invalid mode" }, { "r+", "ValueError", "invalid mode" }) }, { "bufsize", INTEGER },
        } },
        { "SOCK-05 SSLSocket.connect", { "unconnected", "connect" }, { { "to", ADDRESS } }, keywords = false, required = 1 },
        { "SOCK-07 SSLSocket.connect_ex", { "unconnected", "connect_ex" }, { { "to", ADDRESS } }, keywords = false, required = 1 },

        { "socket.socket", socket.socket, { { "family", INTEGER, 2 }, { "type", INTEGER, 1 }, { "proto", INTEGER, 0 },
            { "fileno", with(INTEGER, { -1, "ValueError" }, { 999999, "socket.error" }) } }, good = {} },
        { "socket.socketpair", socket.socketpair, { { "family", INTEGER, 1 }, { "type", INTEGER, 1 }, { "proto", INTEGER, 0 } } },
        { "socket.getaddrinfo", socket.getaddrinfo, {
            { "host", PATH, "127.0.0.1" }, { "port", { wrong = { true, { 1 }, print, 1.5 }, bad = { { 2 ^ 40, "ValueError" } } }, 80 },
            { "family", INTEGER, 0 }, { "type", INTEGER, 0 }, { "proto", INTEGER, 0 }, { "flags", INTEGER, 0 },
        } },
        { "socket.create_connection", socket.create_connection, {
            { "address", ENDPOINT }, { "timeout", TIMEOUT, 1 }, { "source_address", ADDRESS },
        }, required = 1, good = { { "127.0.0.1", 1 } } },
        { "socket.setdefaulttimeout", socket.setdefaulttimeout, { { "timeout", TIMEOUT } }, keywords = false },
        { "socket.buffer", socket.buffer, { { "size", with(INTEGER, { -1, "ValueError" }) } }, keywords = false, required = 1 },
        { "SOCK-11 socket.settimeout", { "plain", "settimeout" }, { { "timeout", TIMEOUT } }, keywords = false },
        { "SOCK-12 socket.setblocking", { "plain", "setblocking" }, { { "flag", BOOLEAN } }, keywords = false, required = 1 },
        { "SOCK-13 socket.listen", { "inet", "listen" }, { { "backlog", INTEGER } }, keywords = false },
        { "SOCK-02 socket.bind", { "inet", "bind" }, { { "to", ADDRESS } }, keywords = false, required = 1 },
        { "SOCK-05 socket.connect", { "inet", "connect" }, { { "to", ADDRESS } }, keywords = false, required = 1 },
        { "SOCK-07 socket.connect_ex", { "inet", "connect_ex" }, { { "to", ADDRESS } }, keywords = false, required = 1 },
        { "socket.connect of a path", { "plain", "connect" }, { { "to", { wrong = { 5, true, { 1 }, print, { "127.0.0.1", 80 } },
            says = "a path", bad = {} } } }, keywords = false, required = 1 },
        { "SOCK-15 socket.recv", { "plain", "recv" }, {
            { "bufsize", with(INTEGER, { -1, "ValueError", "negative buffersize in recv" }), 0 }, { "flags", INTEGER, 0 },
        }, keywords = false, required = 1 },
        { "SOCK-17 socket.recv_into", { "plain", "recv_into" }, {
            { "buffer", BUFFER, socket.buffer(0) }, { "nbytes", with(INTEGER, { -1, "ValueError" }, { 1, "ValueError" }), 0 },
            { "flags", INTEGER, 0 },
        }, keywords = false, required = 1 },
        { "SOCK-18 socket.send", { "plain", "send" }, { { "data", DATA, "" }, { "flags", INTEGER, 0 } }, keywords = false, required = 1 },
        { "SOCK-20 socket.sendall", { "plain", "sendall" }, { { "data", DATA, "" }, { "flags", INTEGER, 0 } }, keywords = false,
            required = 1 },
        { "SOCK-25 socket.shutdown", { "inet", "shutdown" }, {
            { "how", with(INTEGER, { -1, "ValueError" }, { 3, "ValueError" }) },
        }, keywords = false, required = 1 },
        { "SOCK-10 socket.getsockopt", { "inet", "getsockopt" }, {
            { "level", INTEGER, socket.SOL_SOCKET }, { "option", INTEGER, socket.SO_TYPE },
            { "buflen", with(INTEGER, { -1, "ValueError" }, { 1025, "ValueError" }), 4 },
        }, keywords = false, required = 2 },
        { "SOCK-10 socket.setsockopt", { "inet", "setsockopt" }, {
            { "level", INTEGER, socket.SOL_SOCKET }, { "option", INTEGER, socket.SO_KEEPALIVE },
            { "value", { wrong = { true, { 1 }, print, 1.5 }, bad = { { 2 ^ 40, "ValueError" } } }, 1 },
        }, keywords = false, required = 3 },
        { "SOCK-14 socket.makefile", { "plain", "makefile" }, {
            { "mode", with(STRING, { "x", "ValueError", "invalid mode" }) }, { "bufsize", INTEGER },
        } },
        { "buffer.set", { "buffer", "set" }, {
            { "offset", with(INTEGER, { -1, "ValueError" }, { 5, "ValueError" }), 0 },
            { "text", with(STRING, { "12345", "ValueError" }), "ab" },
        }, keywords = false, required = 2 },
        { "buffer.sub", { "buffer", "sub" }, { { "i", INTEGER, 1 }, { "j", INTEGER, 2 } }, keywords = false, required = 1 },
        { "select.select", select_module.select, {
            { "rlist", { wrong = { 5, "list", true, print }, bad = { { { "x" }, "TypeError" }, { { -1 }, "ValueError" } } }, {} },
            { "wlist", { wrong = { 5, "list", true, print }, bad = { { { true }, "TypeError" } } }, {} },
            { "xlist", { wrong = { 5, "list", true, print }, bad = { { { 1.5 }, "TypeError" } } }, {} }, { "timeout", TIMEOUT, 0 },
        }, required = 3, tables = { "missing required argument 'wlist'" } },
    }
end

-- come returns a value as messages show it.
local function come(value)
    return type(value) == "number" and tostring(value) or type(value)
end

-- problems: the faults in the results of one target's calls.
local problems

local function complain(format, ...)
    problems[#problems + 1] = format:format(...)
end

local function show(value)
    return type(value) == "string" and ("%q"):format(#value > 40 and value:sub(1, 40) .. "…" or value) or tostring(value)
end

-- expect checks that a call's failure is of the class and contains each of the words.
local function expect(what, class, words, ok, failure)
    if ok then
        return complain("%s was taken", what)
    end
    local of = errors[class:match("[^.]+$")]
    if not of:is(failure) then
        return complain("%s: expected %s, got %s: %s", what, class, type(failure) == "table" and failure.class and failure.class.name
            or type(failure), tostring(failure))
    end
    for _, word in ipairs(words) do
        if not tostring(failure):find(word, 1, true) then
            complain("%s: %q is not in: %s", what, word, tostring(failure))
        end
    end
    return failure
end

describe("bad input:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local list = targets()

    for _, target in ipairs(list) do
        it(target[1] .. " refuses it", function()
            problems = {}
            local subject, check
            local f = target[2]
            if type(f) == "table" and SUBJECTS[f[1]] then
                subject, check = SUBJECTS[f[1]]()
                f = subject[f[2]]
            end
            local parameters = target[3]
            local offset = subject and 1 or 0

            -- arguments: valid ones except for one; as many as are required, or all of them.
            local made = {}
            local function good(parameter)
                local value = parameter[3]
                if value == socket.socket then
                    value = socket.socket()
                    made[#made + 1] = value
                elseif type(value) == "function" then
                    value = value()
                end
                return value
            end

            local function call(index, value, by_name)
                local arguments, named = { subject }, {}
                local last = offset
                for i, parameter in ipairs(parameters) do
                    local argument
                    if i == index then
                        argument = value
                    else
                        argument = good(parameter)
                        if argument == nil and target.good then
                            argument = target.good[i]
                        end
                    end
                    if by_name then
                        named[parameter[1]] = argument
                    elseif i <= index or argument ~= nil then
                        arguments[offset + i] = argument
                        last = offset + i
                    end
                end
                if by_name then
                    last = offset + 1
                    arguments[last] = named
                end
                local ok, failure = pcall(f, unpack(arguments, 1, last))
                for _, sock in ipairs(made) do
                    -- a refused socket still belongs to the caller, and is open
                    local fine, number = pcall(sock.fileno, sock)
                    if not fine or number < 0 then
                        complain("%s of a refused call was closed", tostring(sock))
                    end
                    sock:close()
                end
                made = {}
                if ok and type(failure) == "table" or type(failure) == "userdata" then
                    pcall(function()
                        failure:close()
                    end)
                end
                return ok, failure
            end

            local ways = target.keywords == false and { false } or { false, true }
            for index, parameter in ipairs(parameters) do
                local name, kind = parameter[1], parameter[2]
                for _, by_name in ipairs(ways) do
                    local where = (by_name and "%s = " or "argument %s: "):format(name)
                    for _, value in ipairs(kind.wrong) do
                        local words = kind.says and { kind.says } or { name, come(value) }
                        expect(where .. show(value), "TypeError", words, call(index, value, by_name))
                    end
                    for _, bad in ipairs(kind.bad) do
                        expect(where .. show(bad[1]), bad[2], { bad[3] }, call(index, bad[1], by_name))
                    end
                    if kind.file then
                        for path, number in pairs(NO_FILES) do
                            local failure = expect(where .. path, "IOError", {}, call(index, path, by_name))
                            if failure and (failure.errno ~= number or failure.filename ~= path) then
                                complain("%s%s: errno %s, filename %s", where, path, tostring(failure.errno),
                                    tostring(failure.filename))
                            end
                        end
                    end
                end
                if index <= (target.required or 0) then
                    local ok, failure = call(index, nil, false)
                    local words = kind.says and tostring(failure):find(kind.says, 1, true) and kind.says or name
                    expect(name .. " left out", "TypeError", { words }, ok, failure)
                end
            end

            if target.keywords ~= false then
                -- if the first argument is a table itself, the table of keywords is taken for it
                local arguments, words = { subject }, target.tables or { "unexpected keyword argument 'no_such_argument'" }
                arguments[offset + 1] = { no_such_argument = 1 }
                expect("an unknown name", "TypeError", words, pcall(f, unpack(arguments, 1, offset + 1)))
                local many, most = { subject }, target.most or #parameters
                for i = 1, most + 1 do
                    many[offset + i] = 1
                end
                expect("too many", "TypeError", { ("takes at most %d "):format(most) },
                    pcall(f, unpack(many, 1, offset + most + 1)))
            end
            if check then
                check()
            end
            assert(#problems == 0, ("%d problems:\n  %s"):format(#problems, table.concat(problems, "\n  ")))
        end)
    end

    -- Attributes: {subject, name, kind}; "read-only" for a read-only attribute.
    local FLAGS = with(INTEGER, { -1, "ValueError" })
    local VERSION = with(INTEGER, { 0x300, "ValueError", "Unsupported protocol version 0x300" }, { 0, "ValueError" },
        { 0x305, "ValueError" })
    local CONTEXT = { wrong = { 5, "context", true, { 1 }, print }, says = "The value must be a SSLContext", bad = {} }
    for _, case in ipairs {
        { "OPT-01 OPT-04", "context", "options", FLAGS }, { "VF-01", "context", "verify_flags", FLAGS },
        { "VM-01 CHK-03", "context", "verify_mode", with(INTEGER, { 42, "ValueError", "invalid value for verify_mode" },
            { -1, "ValueError" }, { ssl.CERT_NONE, "ValueError", "Cannot set verify_mode to CERT_NONE when check_hostname is enabled." }) },
        { "CHK-01", "context", "check_hostname", BOOLEAN }, { "Python 3.7's", "context", "minimum_version", VERSION },
        { "Python 3.7's", "context", "maximum_version", VERSION }, { "PROT-02", "context", "protocol", "read-only" },
        { "SSLS-41", "unconnected", "context", CONTEXT },
        { "WRAP-34", "unconnected", "do_handshake_on_connect", BOOLEAN }, { "WRAP-34", "unconnected", "suppress_ragged_eofs", BOOLEAN },
        { "WRAP-12", "unconnected", "server_side", "read-only" }, { "CWRAP-02", "unconnected", "server_hostname", "read-only" },
        { "SOCK-10", "inet", "family", "read-only" }, { "SOCK-10", "inet", "type", "read-only" },
        { "SOCK-10", "inet", "proto", "read-only" },
        { "SOCK-11", "inet", "timeout", "read-only" },
    } do
        it(("%s attribute %s refuses it"):format(case[1], case[3]), function()
            problems = {}
            local subject, check = SUBJECTS[case[2]]()
            local name, kind = case[3], case[4]
            local before = subject[name]
            local function set(value)
                return pcall(function()
                    subject[name] = value
                end)
            end
            if kind == "read-only" then
                for _, value in ipairs { 1, "x", true, { 1 } } do
                    expect(show(value), "AttributeError", { name, "read-only" }, set(value))
                end
                expect("nil", "AttributeError", { name, "read-only" }, set(nil))
            else
                for _, value in ipairs(kind.wrong) do
                    expect(show(value), "TypeError", kind.says and { kind.says } or { name, come(value) }, set(value))
                end
                expect("nil", "TypeError", kind.says and { kind.says } or { name, "nil" }, set(nil))
                for _, bad in ipairs(kind.bad) do
                    expect(show(bad[1]), bad[2], { bad[3] }, set(bad[1]))
                end
            end
            assert.are.equal(before, subject[name])
            check()
            assert(#problems == 0, ("%d problems:\n  %s"):format(#problems, table.concat(problems, "\n  ")))
        end)
    end

    it("PROT-02 reading or writing an unknown attribute raises AttributeError", function()
        for name, make in pairs(SUBJECTS) do
            local subject, check = make()
            raises("AttributeError", { match = "no attribute 'no_such_field'" }, function()
                return subject.no_such_field
            end)
            raises("AttributeError", { match = "no attribute 'no_such_field'" }, function()
                subject.no_such_field = 1
            end)
            check()
            assert.is_string(name)
        end
    end)

    it("LCC-12 LCC-13 LCC-15 LVL-04 files with the wrong content leave the context unchanged", function()
        local context, check = SUBJECTS.context()
        for _, case in ipairs {
            { "PEM", "NO_START_LINE", "load_cert_chain", "empty.pem" }, { "PEM", "NO_START_LINE", "load_cert_chain", "junk.pem" },
            { "PEM", "NO_START_LINE", "load_cert_chain", "ec.key" }, { "PEM", "NO_START_LINE", "load_cert_chain", "server-ec.pem" },
            { "PEM", "BAD_BASE64_DECODE", "load_cert_chain", "bad.pem" },
            { "PEM", "NO_START_LINE", "load_cert_chain", "server-ec.pem", "junk.pem" },
            { "PEM", "NO_START_LINE", "load_cert_chain", "server-ec.pem", "root.pem" },
            { "X509", "KEY_VALUES_MISMATCH", "load_cert_chain", "server-ec.pem", "client.key" },
            { "X509", "KEY_TYPE_MISMATCH", "load_cert_chain", "server-ec.pem", "rsa.key" },
            { "X509", "NO_CERTIFICATE_OR_CRL_FOUND", "load_verify_locations", "empty.pem" },
            { "X509", "NO_CERTIFICATE_OR_CRL_FOUND", "load_verify_locations", "junk.pem" },
            { "X509", "NO_CERTIFICATE_OR_CRL_FOUND", "load_verify_locations", "ec.key" },
            { "PEM", "BAD_BASE64_DECODE", "load_verify_locations", "bad.pem" },
            { "PEM", "NO_START_LINE", "load_dh_params", "junk.pem" }, { "PEM", "NO_START_LINE", "load_dh_params", "root.pem" },
        } do
            local names = { pki.path(case[4]), case[5] and pki.path(case[5]) }
            raises("SSLError", { library = case[1], reason = case[2], errno = ssl.SSL_ERROR_SSL }, context[case[3]], context,
                unpack(names))
        end
        check()
    end)

    it("LVL-01 LVL-09 if one of several arguments is wrong, none is used", function()
        local context, check = SUBJECTS.context()
        local file, data = pki.path("unknown-root.pem"), pki.read("unknown-root.pem")
        raises("IOError", { errno = ENOENT }, context.load_verify_locations, context, "/no/such/file", nil, data)
        raises("SSLError", {}, context.load_verify_locations, context, file, nil, "junk")
        raises("ValueError", {}, context.load_verify_locations, context, file, nil, "")
        raises("ValueError", {}, context.load_verify_locations, context, file, "", data)
        raises("TypeError", {}, context.load_verify_locations, context, file, 5)
        raises("TypeError", {}, context.load_verify_locations, context)
        check()
    end)

    it("methods called with a dot, or on the wrong object, raise errors and do not crash", function()
        for _, class in ipairs { ssl.SSLContext, ssl.SSLSocket, socket.socket, socket.buffer } do
            for name, method in pairs(getmetatable(class).__index) do
                if type(method) == "function" and name:sub(1, 1) ~= "_" then
                    pcall(method)
                    for _, wrong in ipairs { 5, "x", true, {}, print, ssl.SSLContext(ssl.PROTOCOL_TLS), socket.buffer(1) } do
                        pcall(method, wrong)
                        pcall(method, wrong, wrong)
                    end
                end
            end
        end
    end)
end)
