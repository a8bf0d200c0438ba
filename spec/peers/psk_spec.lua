-- Pre-shared keys with OpenSSL and GnuTLS, in both roles.
local handles = require "support.handles"
local process = require "support.process"
local raises = require "support.raises"
local serve = require "support.serve"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local KEY, DIGITS, WRONG = "\192\255\238\1\2\3", "c0ffee010203", "facade010203"
local SUITES = { "ECDHE-PSK-CHACHA20-POLY1305", "ECDHE-PSK-AES128-CBC-SHA", "PSK-AES128-CBC-SHA", "PSK-AES256-CBC-SHA" }

-- GnuTLS's names of a suite's parts.
local function priority(suite)
    local cipher = suite:find "CHACHA20" and "CHACHA20-POLY1305:+AEAD" or suite:match "AES(%d+)" .. "-CBC"
    cipher = cipher:gsub("^(%d+)", "AES-%1") .. (suite:find "SHA$" and ":+SHA1" or "")
    return ("NONE:+VERS-TLS1.2:+%s:+%s:+GROUP-ALL:+SIGN-ALL:+COMP-NULL:+CTYPE-X509"):format(
        suite:find "^ECDHE" and "ECDHE-PSK" or "PSK", cipher)
end

-- clients: each connects to our server, and returns its output and the echo of "hello".
local clients = {}

function clients.openssl(port, suite, identity, key, ...)
    local result = process.run { "openssl", "s_client", "-cipher", suite, "-psk_identity", identity, "-psk", key,
        "-connect", "127.0.0.1:" .. port, "-ign_eof", stdin = "hello", timeout = 30, ... }
    local said = result.output .. result.errors
    return said, result.status == 0 and said:find("hello", 1, true) ~= nil
end

function clients.gnutls(port, suite, identity, key)
    local log = process.directory() .. "/gnutls.log"
    os.remove(log)
    local result = process.run { "gnutls-cli", "--priority", priority(suite), "--pskusername", identity, "--pskkey", key,
        "--logfile", log, "--port", port, "127.0.0.1", stdin = "hello", timeout = 30 }
    return result.output .. result.errors .. process.read_file(log), result.output == "hello"
end

-- gnutls-cli 3.7 ends with a segmentation fault where it describes a connection with an ECDHE-PSK suite.
local CLIENT_SUITES = { openssl = SUITES, gnutls = { SUITES[3], SUITES[4] } }

-- The texts of alerts in each program.
local ALERTS = {
    openssl = { [20] = "alert bad record mac", [115] = "alert unknown psk identity" },
    gnutls = { [20] = "[20]: Bad record MAC", [115] = "[115]: " },
}

-- servers: each starts a server with the key of one identity, and returns its port.
local servers = {}

function servers.openssl(suite)
    local server = process.start { "/usr/bin/python3", "-I", process.root .. "/spec/support/hold.py",
        process.write_file(process.directory() .. "/s_server.in", ""), "openssl", "s_server", "-tls1_2", "-cipher", suite,
        "-nocert", "-psk_identity", "me", "-psk", DIGITS, "-psk_hint", "choose", "-accept", "127.0.0.1:0", "-rev",
        timeout = 60 }
    return server:wait_for "ACCEPT [%d.]+:(%d+)", server
end

function servers.gnutls(suite)
    local found
    local passwords = process.write_file(process.directory() .. "/psk.txt", "me:" .. DIGITS .. "\n")
    local server = process.on_free_port(function(port)
        local program = process.start { "gnutls-serv", "--echo", "--port", port, "--priority", priority(suite), "--pskpasswd",
            passwords, "--pskhint", "choose", timeout = 60 }
        program:wait_for "listening on IPv4 [%d.]+ port %d+[.]*(done)"
        found = port
        return program
    end)
    return found, server
end

-- What a server of each kind answers "hello\n" with, and the alerts that it sends for an unknown identity: GnuTLS goes
-- on with a random key, and s_server with its only one.
local ECHO = { openssl = "olleh\n", gnutls = "hello\n" }
local UNKNOWN = { gnutls = ssl.ALERT_DESCRIPTION_BAD_RECORD_MAC }

local function connect(port, suite, callback)
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = false
    context.verify_mode = ssl.CERT_NONE
    context:set_ciphers(suite)
    context:set_psk_client_callback(callback)
    return context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, 20))
end

describe("B-50 pre-shared keys with openssl:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("its client offers the session, with a ticket or by its id, and our server does not resume it", function()
        for _, ticket in ipairs { "-legacy_renegotiation", "-no_ticket" } do
            local server = serve { psk = "me:" .. DIGITS, ciphers = "PSK", bytes = 5 }
            local file = process.directory() .. "/session.pem"
            for _, option in ipairs { "-sess_out", "-sess_in" } do
                local said, came = clients.openssl(server.port, SUITES[1], "me", DIGITS, "-tls1_2", ticket, option, file)
                assert.is_true(came, said)
                assert.is_truthy(said:find("New, TLSv1.2, Cipher is " .. SUITES[1], 1, true), said)
            end
            local asked = select(2, server:output():gsub("asks\tme", ""))
            assert.are.equal(2, asked)
            server:stop()
        end
    end)
end)

for name in pairs(clients) do
    describe("B-50 pre-shared keys with " .. name .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        it("its client, our server", function()
            local server = serve { psk = "me:" .. DIGITS, hint = "choose", ciphers = "PSK", bytes = 5 }
            for _, suite in ipairs(CLIENT_SUITES[name]) do
                local said, came = clients[name](server.port, suite, "me", DIGITS)
                assert.is_true(came, said)
                server:wait_for("asks\tme\nconnected\tTLSv1.2\t(" .. suite:gsub("%-", "%%-") .. ")")
            end
            local said, came = clients[name](server.port, SUITES[3], "me", WRONG)
            assert.is_false(came)
            assert.is_truthy(said:find(ALERTS[name][20], 1, true), said)
            server:wait_for "failed\t%[SSL: (DECRYPTION_FAILED_OR_BAD_RECORD_MAC)%]"
            said, came = clients[name](server.port, SUITES[3], "you", DIGITS)
            assert.is_false(came)
            assert.is_truthy(said:find(ALERTS[name][115], 1, true), said)
            server:wait_for "failed\t%[SSL: (PSK_IDENTITY_NOT_FOUND)%]"
            server:stop()
        end)

        for _, suite in ipairs(SUITES) do
            it("its server, our client, " .. suite, function()
                local port, server = servers[name](suite)
                local hints = {}
                local conn = connect(port, suite, function(hint)
                    hints[#hints + 1] = hint
                    return "me", KEY
                end)
                assert.are.same({ suite, "TLSv1.2", "me" }, { conn:cipher()[1], conn:version(), conn:psk_identity() })
                assert.are.same({ "choose" }, hints)
                conn:sendall "hello\n"
                assert.are.equal(ECHO[name], conn:recv(6))
                conn:close()
                if suite == SUITES[1] then
                    raises("SSLError", { alert = ssl.ALERT_DESCRIPTION_BAD_RECORD_MAC }, connect, port, suite, function()
                        return "me", "another"
                    end)
                    if UNKNOWN[name] then
                        raises("SSLError", { alert = UNKNOWN[name] }, connect, port, suite, function()
                            return "you", KEY
                        end)
                    end
                end
                server:stop()
            end)
        end
    end)
end
