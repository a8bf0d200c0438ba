-- Every name in Python's documentation; and the effects of the constants (context_spec has their values).
local handles = require "support.handles"
local link = require "support.link"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

-- All names that sections 17.3.1 to 17.3.8 define or mention, and their kinds.
local NAMES = {
    ["class"] = [[
        SSLSocket SSLContext SSLError SSLZeroReturnError SSLWantReadError SSLWantWriteError SSLSyscallError SSLEOFError CertificateError
        Purpose ]],
    ["function"] = [[
        wrap_socket create_default_context _https_verify_certificates _create_default_https_context _create_unverified_context
        RAND_status RAND_add RAND_bytes RAND_pseudo_bytes match_hostname cert_time_to_seconds get_server_certificate
        DER_cert_to_PEM_cert PEM_cert_to_DER_cert get_default_verify_paths get_protocol_name ]],
    ["integer"] = [[
        CERT_NONE CERT_OPTIONAL CERT_REQUIRED VERIFY_DEFAULT VERIFY_CRL_CHECK_LEAF VERIFY_CRL_CHECK_CHAIN VERIFY_X509_STRICT
        VERIFY_X509_TRUSTED_FIRST PROTOCOL_TLS PROTOCOL_SSLv23 PROTOCOL_SSLv2 PROTOCOL_SSLv3 PROTOCOL_TLSv1 PROTOCOL_TLSv1_1
        PROTOCOL_TLSv1_2 OP_ALL OP_NO_SSLv2 OP_NO_SSLv3 OP_NO_TLSv1 OP_NO_TLSv1_1 OP_NO_TLSv1_2 OP_NO_TLSv1_3
        OP_CIPHER_SERVER_PREFERENCE OP_SINGLE_DH_USE OP_SINGLE_ECDH_USE OP_ENABLE_MIDDLEBOX_COMPAT OP_NO_COMPRESSION
        OPENSSL_VERSION_NUMBER SSL_ERROR_SSL SSL_ERROR_WANT_READ SSL_ERROR_WANT_WRITE SSL_ERROR_WANT_X509_LOOKUP SSL_ERROR_SYSCALL
        SSL_ERROR_ZERO_RETURN SSL_ERROR_WANT_CONNECT SSL_ERROR_EOF SSL_ERROR_INVALID_ERROR_CODE
        ALERT_DESCRIPTION_CLOSE_NOTIFY ALERT_DESCRIPTION_UNEXPECTED_MESSAGE ALERT_DESCRIPTION_BAD_RECORD_MAC
        ALERT_DESCRIPTION_RECORD_OVERFLOW ALERT_DESCRIPTION_DECOMPRESSION_FAILURE ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        ALERT_DESCRIPTION_BAD_CERTIFICATE ALERT_DESCRIPTION_UNSUPPORTED_CERTIFICATE ALERT_DESCRIPTION_CERTIFICATE_REVOKED
        ALERT_DESCRIPTION_CERTIFICATE_EXPIRED ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN ALERT_DESCRIPTION_ILLEGAL_PARAMETER
        ALERT_DESCRIPTION_UNKNOWN_CA ALERT_DESCRIPTION_ACCESS_DENIED ALERT_DESCRIPTION_DECODE_ERROR ALERT_DESCRIPTION_DECRYPT_ERROR
        ALERT_DESCRIPTION_PROTOCOL_VERSION ALERT_DESCRIPTION_INSUFFICIENT_SECURITY ALERT_DESCRIPTION_INTERNAL_ERROR
        ALERT_DESCRIPTION_USER_CANCELLED ALERT_DESCRIPTION_NO_RENEGOTIATION ALERT_DESCRIPTION_UNSUPPORTED_EXTENSION
        ALERT_DESCRIPTION_CERTIFICATE_UNOBTAINABLE ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        ALERT_DESCRIPTION_BAD_CERTIFICATE_STATUS_RESPONSE ALERT_DESCRIPTION_BAD_CERTIFICATE_HASH_VALUE
        ALERT_DESCRIPTION_UNKNOWN_PSK_IDENTITY ]],
    ["boolean"] = "HAS_ALPN HAS_ECDH HAS_SNI HAS_NPN HAS_TLSv1_3 ",
    ["array"] = "CHANNEL_BINDING_TYPES OPENSSL_VERSION_INFO ",
    ["string"] = "OPENSSL_VERSION PEM_HEADER PEM_FOOTER ",
}

local CONTEXT_METHODS = [[
    cert_store_stats load_cert_chain load_default_certs load_verify_locations get_ca_certs set_default_verify_paths set_ciphers
    set_alpn_protocols set_npn_protocols set_servername_callback load_dh_params set_ecdh_curve wrap_socket session_stats ]]
local CONTEXT_PROPERTIES = "check_hostname options protocol verify_flags verify_mode "

local PLAIN_METHODS = [[
    accept bind close connect connect_ex fileno getpeername getsockname getsockopt setsockopt gettimeout settimeout setblocking listen
    makefile recv recv_into send sendall shutdown ]]
local SOCKET_METHODS = [[
    do_handshake getpeercert cipher compression get_channel_binding selected_alpn_protocol selected_npn_protocol unwrap version read
    write pending ]]
local SOCKET_PROPERTIES = "context server_side server_hostname do_handshake_on_connect suppress_ragged_eofs "

-- kind returns the kind of a value as NAMES has it.
local function kind(value)
    if type(value) == "number" then
        return (math.type and math.type(value) or value % 1 == 0 and "integer") or "float"
    elseif type(value) == "table" and type(rawget(value, "lineage")) == "table" then
        return "class"
    elseif type(value) == "table" then
        return "array"
    end
    return type(value)
end

describe("the names of the documentation:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for wanted, names in pairs(NAMES) do
        it(("MOD-01 each %s is there"):format(wanted), function()
            for name in names:gmatch("%S+") do
                assert.are.equal(wanted, kind(ssl[name]), name)
            end
        end)
    end

    it("MOD-03 SSLContext has Python's methods and attributes", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        for name in CONTEXT_METHODS:gmatch("%S+") do
            assert.are.equal("function", type(ssl.SSLContext[name]), name)
            assert.are.equal(ssl.SSLContext[name], context[name], name)
        end
        for name in CONTEXT_PROPERTIES:gmatch("%S+") do
            assert.is_not_nil(context[name], name)
        end
    end)

    it("MOD-02 SOCK-26 SSLSocket has Python's methods and attributes, and those of sockets", function()
        local sock = ssl.SSLContext(ssl.PROTOCOL_TLS):wrap_socket(socket.socket(), { server_hostname = "localhost" })
        for name in (SOCKET_METHODS .. PLAIN_METHODS):gmatch("%S+") do
            assert.are.equal("function", type(ssl.SSLSocket[name]), name)
            assert.are.equal(ssl.SSLSocket[name], sock[name], name)
        end
        for name in PLAIN_METHODS:gmatch("%S+") do
            assert.are.equal("function", type(socket.socket[name]), name)
        end
        for name in SOCKET_PROPERTIES:gmatch("%S+") do
            assert.is_not_nil(sock[name], name)
        end
        assert.is_true(socket.socket:is(sock))
        assert.is_true(ssl.SSLSocket.lineage[socket.socket])
        sock:close()
    end)

    it("MOD-02 SSLSocket has every method of plain sockets", function()
        local count = 0
        for name, method in pairs(getmetatable(socket.socket).__index) do
            if type(method) == "function" and name:sub(1, 1) ~= "_" then
                assert.are.equal("function", type(ssl.SSLSocket[name]), name)
                count = count + 1
            end
        end
        assert.is_true(count > 20)
    end)

    it("CONST-42 CONST-43 Purpose.SERVER_AUTH and Purpose.CLIENT_AUTH", function()
        for name, fields in pairs {
            SERVER_AUTH = { nid = 129, shortname = "serverAuth", longname = "TLS Web Server Authentication", oid = "1.3.6.1.5.5.7.3.1" },
            CLIENT_AUTH = { nid = 130, shortname = "clientAuth", longname = "TLS Web Client Authentication", oid = "1.3.6.1.5.5.7.3.2" },
        } do
            for field, value in pairs(fields) do
                assert.are.equal(value, ssl.Purpose[name][field])
            end
            assert.is_true(ssl.Purpose:is(ssl.Purpose[name]))
        end
        raises("TypeError", {}, ssl.Purpose, "SERVER_AUTH")
    end)

    it("WIN-01 WIN-02 RAND-02 names that Python does not have on this system are absent", function()
        for _, name in ipairs { "enum_certificates", "enum_crls", "RAND_egd" } do
            assert.is_nil(rawget(ssl, name), name)
        end
    end)

    it("MOD-04 get_protocol_name", function()
        for code, name in pairs {
            [2] = "PROTOCOL_TLS", [3] = "PROTOCOL_TLSv1", [4] = "PROTOCOL_TLSv1_1", [5] = "PROTOCOL_TLSv1_2", [0] = "<unknown>",
            [1] = "<unknown>", [6] = "<unknown>", [-1] = "<unknown>", ["TLS"] = "<unknown>",
        } do
            assert.are.equal(name, ssl.get_protocol_name(code))
        end
    end)
end)

describe("the constants' effects:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("CONST-16 CONST-17 CONST-18 CONST-24 CONST-25 CONST-26 CONST-27 options have OpenSSL's numbers", function()
        for name, number in pairs {
            OP_ALL = 0x54, OP_NO_SSLv2 = 0x01000000, OP_NO_SSLv3 = 0x02000000, OP_SINGLE_DH_USE = 0x00200000,
            OP_SINGLE_ECDH_USE = 0x00080000, OP_ENABLE_MIDDLEBOX_COMPAT = 0x00100000, OP_NO_COMPRESSION = 0x00020000,
        } do
            assert.are.equal(number, ssl[name], name)
        end
    end)

    it("CTX-04 CONST-16 CONST-26 CONST-27 the defaults are the same for every protocol", function()
        for _, name in ipairs { "TLS", "TLSv1", "TLSv1_1", "TLSv1_2" } do
            assert.are.equal(0x037a0054, ssl.SSLContext(ssl["PROTOCOL_" .. name]).options, name)
        end
    end)

    it("CONST-28 OPT-01 OPT-03 bits are set and cleared by operators as in Python's documentation", function()
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        local defaults = context.options
        local set, clear, any
        local bit = rawget(_G, "jit") and require "bit" or rawget(_G, "bit32")
        if bit then
            set, any = bit.bor, bit.band
            clear = function(value, bits)
                return bit.band(value, bit.bnot(bits))
            end
        elseif _VERSION == "Lua 5.1" then -- which has no bit operators
            function any(a, b)
                local result = 0
                for place = 0, 31 do
                    local value = 2 ^ place
                    if math.floor(a / value) % 2 == 1 and math.floor(b / value) % 2 == 1 then
                        result = result + value
                    end
                end
                return result
            end
            function set(a, b)
                return a + b - any(a, b)
            end
            function clear(a, b)
                return a - any(a, b)
            end
        else -- operators that the other versions cannot parse
            set, clear, any = load [[return function(a, b) return a | b end, function(a, b) return a & ~b end,
                function(a, b) return a & b end]]()
        end
        context.options = set(context.options, ssl.OP_NO_TLSv1)
        assert.are.equal(ssl.OP_NO_TLSv1, any(context.options, ssl.OP_NO_TLSv1))
        context.options = set(context.options, ssl.OP_NO_SSLv3) -- it was set
        assert.are.equal(set(defaults, ssl.OP_NO_TLSv1), context.options)
        context.options = clear(context.options, set(ssl.OP_NO_TLSv1, ssl.OP_NO_SSLv3))
        assert.are.equal(clear(defaults, ssl.OP_NO_SSLv3), context.options)
        context.verify_flags = set(context.verify_flags, ssl.VERIFY_CRL_CHECK_LEAF)
        assert.are.equal(ssl.VERIFY_X509_TRUSTED_FIRST + ssl.VERIFY_CRL_CHECK_LEAF, context.verify_flags)
    end)

    it("CONST-23 without the option the client's order of suites is used", function()
        local client = { version = "TLSv1.2", ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384" }
        local function chosen(server_options, client_options)
            local server = link.context {
                cert = "server-rsa", ciphers = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256",
            }
            server.options = server.options + (server_options or 0)
            local context = link.context(link.client_options(client))
            context.options = context.options + (client_options or 0)
            local failures, name = link.attempt({ context = context }, { context = server }, function(sock)
                return sock:cipher()[1]
            end)
            assert.is_nil(failures.client)
            return name
        end
        assert.are.equal("ECDHE-RSA-AES256-GCM-SHA384", chosen())
        assert.are.equal("ECDHE-RSA-AES128-GCM-SHA256", chosen(-ssl.OP_CIPHER_SERVER_PREFERENCE))
        -- and a client's option does nothing
        assert.are.equal("ECDHE-RSA-AES256-GCM-SHA384", chosen(0, -ssl.OP_CIPHER_SERVER_PREFERENCE))
    end)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        it("CONST-38 CONST-39 CONST-40 CONST-41 SNI-09 every alert of a servername callback reaches the client, " .. version, function()
            local count = 0
            for name, number in pairs(ssl) do
                local what = name:match("^ALERT_DESCRIPTION_(.*)$")
                if what then
                    local server = link.context { cert = "server-ec" }
                    server:set_servername_callback(function()
                        return number
                    end)
                    local failures = link.attempt({ version = version }, { context = server })
                    local failure = raises.check(failures.client, "SSLError", { library = "SSL", alert = number })
                    assert.are.equal(what, failure.reason:match("^%u+%d_ALERT_(.*)$"))
                    raises.check(failures.server, "SSLError", { library = "SSL", reason = "CALLBACK_FAILED" })
                    count = count + 1
                end
            end
            assert.are.equal(28, count)
        end)
    end
end)
