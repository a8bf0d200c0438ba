-- Connections over memory, by the functions of the ABI. The test moves the bytes between the two sides, so it can
-- delay, cut and change them at any place.
local backend = require "cleat.backend"
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"
local pump = require "support.pump"

local const = backend.const
local TLS1_2, TLS1_3 = const.TLS1_2_VERSION, const.TLS1_3_VERSION
local VERSIONS = { { "TLSv1.2", TLS1_2 }, { "TLSv1.3", TLS1_3 } }

local function second(_, value)
    return value
end

local function assert_class(name, status)
    if pump.class(status) ~= const[name] then
        error(("expected %s, got class %d, value %d: %s"):format(name, pump.class(status), -status % 65536,
            second(backend.error_message())), 2)
    end
end

-- shaken returns a pair after the handshake.
local function shaken(client, server)
    local pair = pump.pair(client, server)
    local client_status, server_status = pair:handshake()
    assert.are.equal(0, client_status)
    assert.are.equal(0, server_status)
    pair:deliver()
    return pair
end

describe("a connection over memory:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    describe("handshakes", function()
        for _, version in ipairs(VERSIONS) do
            for _, cert in ipairs { "server-ec", "server-rsa" } do
                for _, size in ipairs { 1, 512, 1000000 } do
                    it(("NB-01 NB-03 %s, %s, %d bytes at a time"):format(version[1], cert, size), function()
                        local pair = pump.pair({ max = version[2], min = version[2] }, { cert = cert })
                        local client_status, server_status = pair:handshake(size)
                        assert.are.equal(0, client_status)
                        assert.are.equal(0, server_status)
                        for _, side in ipairs { "client", "server" } do
                            assert.are.equal(version[1], second(backend.connection_version(pair[side])))
                            assert.are.equal(1, backend.connection_established(pair[side]))
                        end
                        local data = ("0123456789abcdef"):rep(64)
                        assert.are.equal(data, pair:transfer("client", data, size))
                        assert.are.equal(data, pair:transfer("server", data, size))
                        pair:close()
                    end)
                end
            end
        end

        it("with client certificates, 1 byte at a time", function()
            for _, version in ipairs(VERSIONS) do
                local pair = pump.pair({ cert = "client", max = version[2] },
                    { cert = "server-ec", cafile = "root.pem", verify = const.CERT_REQUIRED })
                local client_status, server_status = pair:handshake(1)
                assert.are.equal(0, client_status)
                assert.are.equal(0, server_status)
                local certificate = backend.connection_peer_certificate(pair.server)
                assert.is_true(certificate > 0)
                backend.close(certificate)
                pair:close()
            end
        end)

        it("TLS 1.0 and 1.1 are available, as in Python's documentation", function()
            for _, version in ipairs { { "TLSv1", const.TLS1_VERSION }, { "TLSv1.1", const.TLS1_1_VERSION } } do
                local pair = shaken({ max = version[2] }, { cert = "server-rsa" })
                assert.are.equal(version[1], second(backend.connection_version(pair.client)))
                pair:close()
            end
        end)

        it("SSLS-01 are done once", function()
            local pair = shaken()
            assert.are.equal(0, backend.connection_handshake(pair.client, 0))
            assert.are.equal(0, backend.connection_handshake(pair.client, -1))
            assert.are.equal(0, backend.connection_drain_pending(pair.client))
            pair:close()
        end)

        it("SSLS-44 are done by a read or a write, before any data", function()
            for _, version in ipairs(VERSIONS) do
                local pair = pump.pair({ max = version[2] })
                local sent, got, turns = false, nil, 0
                while not got and turns < 100 do
                    if not sent then
                        local status = backend.connection_write(pair.client, "first words", 0)
                        if status < 0 then
                            assert_class("WANT_READ", status)
                        else
                            assert.are.equal(11, status)
                            sent = true
                            assert.are.equal(1, backend.connection_established(pair.client))
                        end
                    end
                    local status, data = backend.connection_read(pair.server, 100, 0)
                    if status < 0 then
                        assert_class("WANT_READ", status)
                    else
                        got = data
                    end
                    pump.move(pair.client, pair.server)
                    pump.move(pair.server, pair.client)
                    turns = turns + 1
                end
                assert.are.equal("first words", got)
                pair:close()
            end
        end)

        it("SSLS-44 that a write starts verify the server's name as well", function()
            local pair = pump.pair({ server_hostname = "elsewhere.example" })
            local status
            for _ = 1, 20 do
                status = backend.connection_write(pair.client, "secret", 0)
                backend.connection_handshake(pair.server, 0)
                if pump.class(status) ~= const.WANT_READ then
                    break
                end
                pair:deliver()
            end
            assert_class("VERIFY", status)
            assert.are.equal(62, -status % 65536)
            local again = backend.connection_write(pair.client, "secret", 0)
            assert.is_true(again < 0)
            assert.are_not.equal(const.WANT_READ, pump.class(again))
            pair:close()
        end)

        it("F2 SSLS-38 SSLS-25 SSLS-05 SSLS-43 have no results before they are done", function()
            local pair = pump.pair()
            for _, side in ipairs { "client", "server" } do
                assert.are.equal(0, backend.connection_established(pair[side]))
                assert.are.equal("", second(backend.connection_version(pair[side])))
                assert.are.equal("", second(backend.connection_cipher(pair[side])))
                assert.are.equal("", second(backend.connection_cipher_version(pair[side])))
                assert.are.equal("", second(backend.connection_alpn_protocol(pair[side])))
                assert.are.equal(0, backend.connection_pending(pair[side]))
                assert_class("USAGE", backend.connection_peer_certificate(pair[side]))
            end
            pair:close()
        end)

        it("F3 SSLS-25 report the suite, its protocol and its bits", function()
            local pair = shaken({ max = TLS1_2, ciphers = "ECDHE-RSA-AES256-GCM-SHA384" }, { cert = "server-rsa" })
            local _, name, bits = backend.connection_cipher(pair.server)
            assert.are.equal("ECDHE-RSA-AES256-GCM-SHA384", name)
            assert.are.equal(256, bits)
            assert.are.equal("TLSv1.2", second(backend.connection_cipher_version(pair.client)))
            pair:close()
            pair = shaken({ max = TLS1_2, ciphers = "ECDHE-RSA-AES128-SHA" }, { cert = "server-rsa" })
            assert.is_truthy(second(backend.connection_cipher_version(pair.client)):match("SSLv3"))
            pair:close()
            pair = shaken()
            assert.is_truthy(second(backend.connection_cipher(pair.client)):match("^TLS_"))
            assert.are.equal("TLSv1.3", second(backend.connection_cipher_version(pair.client)))
            pair:close()
        end)

        it("CWRAP-02 send the server's name, but not an IP address", function()
            local pair = shaken()
            assert.are.equal("localhost", second(backend.connection_server_hostname(pair.client)))
            assert.are.equal("localhost", second(backend.connection_server_hostname(pair.server)))
            pair:close()
            pair = shaken({ server_hostname = "127.0.0.1" })
            assert.are.equal("127.0.0.1", second(backend.connection_server_hostname(pair.client)))
            assert.are.equal("", second(backend.connection_server_hostname(pair.server)))
            pair:close()
        end)

        it("WRAP-10 CIPH-02 without a certificate or a common suite fail on both sides", function()
            local cases = {
                { {}, { cert = false }, "NO_CERTIFICATE_SET" },
                { { max = TLS1_2, ciphers = "ECDHE-RSA-AES128-GCM-SHA256" }, {}, "NO_SHARED_CIPHER" },
            }
            for _, case in ipairs(cases) do
                local pair = pump.pair(case[1], case[2])
                local client_status, server_status, failures = pair:handshake()
                if failures.client or case[3] ~= "NO_CERTIFICATE_SET" then
                    assert_class("ALERT", client_status)
                    assert.are.equal("SSL", failures.client.library)
                else -- a BoringSSL of 2023 sends the client no alert for this
                    assert_class("WANT_READ", client_status)
                end
                assert.is_true(server_status < 0)
                assert.are.equal(const.SSL, failures.server.class)
                assert.are.equal(case[3], failures.server.reason)
                pair:close()
            end
        end)

        it("F10 EXC-06 the error of an alert names the alert", function()
            local pair = pump.pair({ max = TLS1_2, ciphers = "ECDHE-RSA-AES128-GCM-SHA256" })
            local client_status, _, failures = pair:handshake()
            assert_class("ALERT", client_status)
            assert.are.equal(const.ALERT_DESCRIPTION_HANDSHAKE_FAILURE, failures.client.value)
            assert.are.equal("SSLV3_ALERT_HANDSHAKE_FAILURE", failures.client.reason)
            pair:close()
        end)

        it("without a common version fail", function()
            local pair = pump.pair({ min = TLS1_3 }, { max = TLS1_2 })
            local client_status, _, failures = pair:handshake()
            assert_class("ALERT", client_status)
            assert.are.equal("TLSV1_ALERT_PROTOCOL_VERSION", failures.client.reason)
            assert.are.equal(const.ALERT_DESCRIPTION_PROTOCOL_VERSION, failures.client.value)
            assert.are.equal("UNSUPPORTED_PROTOCOL", failures.server.reason)
            pair:close()
        end)

        it("work after their context was closed", function()
            local context = pump.context { cert = "server-ec" }
            local server = backend.connection_over_memory(context, 1, nil)
            backend.close(context)
            local pair = pump.pair()
            backend.close(pair.server)
            pair.server = server
            assert.are.equal(0, (pair:handshake()))
            pair:close()
        end)
    end)

    describe("ALPN", function()
        local H2_HTTP, HTTP_H2, FTP = "\2h2\8http/1.1", "\8http/1.1\2h2", "\3ftp"
        for _, case in ipairs {
            { "ALPN-01 the server's first protocol that the client supports", H2_HTTP, HTTP_H2, "http/1.1" },
            { "ALPN-01 the same with the lists exchanged", HTTP_H2, H2_HTTP, "h2" },
            { "ALPN-04 SSLS-33 without a common protocol none is used", H2_HTTP, FTP, "" },
            { "SSLS-33 only the client has a list", H2_HTTP, nil, "" },
            { "SSLS-33 only the server has a list", nil, H2_HTTP, "" },
        } do
            it(case[1], function()
                for _, version in ipairs(VERSIONS) do
                    local pair = shaken({ alpn = case[2], max = version[2] }, { alpn = case[3] })
                    assert.are.equal(case[4], second(backend.connection_alpn_protocol(pair.client)))
                    assert.are.equal(case[4], second(backend.connection_alpn_protocol(pair.server)))
                    pair:close()
                end
            end)
        end
    end)

    describe("data", function()
        for _, version in ipairs(VERSIONS) do
            it("is sent both ways at once in pieces of any size, " .. version[1], function()
                for _, size in ipairs { 7, 1000, 100000 } do
                    local pair = shaken({ max = version[2] })
                    local data = ("both ways "):rep(5000)
                    local done = { client = { "" }, server = { "" } }
                    local sent = { client = 0, server = 0 }
                    local received = { client = 0, server = 0 }
                    local turns = 0
                    while received.client < #data or received.server < #data do
                        for _, side in ipairs { "client", "server" } do
                            if sent[side] < #data then
                                local count = backend.connection_write(pair[side],
                                    data:sub(sent[side] + 1, sent[side] + 3000), 0)
                                if count > 0 then
                                    sent[side] = sent[side] + count
                                else
                                    assert_class("WANT_WRITE", count)
                                end
                            end
                            local count, bytes = backend.connection_read(pair[side], 5000, 0)
                            if count > 0 then
                                table.insert(done[side], bytes)
                                received[side] = received[side] + count
                            else
                                assert_class("WANT_READ", count)
                            end
                        end
                        pump.move(pair.client, pair.server, size)
                        pump.move(pair.server, pair.client, size)
                        turns = turns + 1
                        assert(turns < 100000)
                    end
                    assert.are.equal(data, table.concat(done.client))
                    assert.are.equal(data, table.concat(done.server))
                    pair:close()
                end
            end)
        end

        it("NB-02 SSLS-43 that is decrypted and not yet read is pending", function()
            local pair = shaken()
            assert.are.equal(11, backend.connection_write(pair.client, "hello world", 0))
            pair:deliver()
            assert.are.equal(0, backend.connection_pending(pair.server))
            assert.are.equal("hello", second(backend.connection_read(pair.server, 5, 0)))
            assert.are.equal(6, backend.connection_pending(pair.server))
            assert.are.equal(" world", second(backend.connection_read(pair.server, 100, 0)))
            assert.are.equal(0, backend.connection_pending(pair.server))
            assert_class("WANT_READ", (backend.connection_read(pair.server, 100, 0)))
            pair:close()
        end)

        it("SOCK-21 F9 of length 0 sends nothing", function()
            local pair = shaken()
            assert.are.equal(0, backend.connection_write(pair.client, "", 0))
            assert.are.equal(0, backend.connection_drain_pending(pair.client))
            assert.are.equal(0, (backend.connection_read(pair.client, 0, 0)))
            assert.are.equal("still fine", pair:transfer("client", "still fine"))
            pair:close()
        end)

        it("NB-01 with an incomplete record read returns WANT_READ until the rest arrives", function()
            local pair = shaken()
            backend.connection_write(pair.client, "a whole record", 0)
            local length, record = backend.connection_drain(pair.client, 10000)
            for i = 1, length - 1 do
                backend.connection_feed(pair.server, record:sub(i, i))
                assert_class("WANT_READ", (backend.connection_read(pair.server, 100, 0)))
            end
            backend.connection_feed(pair.server, record:sub(length))
            assert.are.equal("a whole record", second(backend.connection_read(pair.server, 100, 0)))
            pair:close()
        end)

        it("that was changed in transit is BAD_RECORD_MAC, and the peer receives the alert", function()
            for _, version in ipairs(VERSIONS) do
                local pair = shaken({ max = version[2] })
                backend.connection_write(pair.client, "a whole record", 0)
                local _, record = backend.connection_drain(pair.client, 10000)
                local last = record:byte(-1)
                backend.connection_feed(pair.server, record:sub(1, -2) .. string.char((last + 1) % 256))
                local status = backend.connection_read(pair.server, 100, 0)
                assert_class("SSL", status)
                assert.are.equal("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", pump.failure(status).reason)
                pair:deliver()
                status = backend.connection_read(pair.client, 100, 0)
                assert_class("ALERT", status)
                assert.are.equal(const.ALERT_DESCRIPTION_BAD_RECORD_MAC, -status % 65536)
                assert.are.equal("SSLV3_ALERT_BAD_RECORD_MAC", pump.failure(status).reason)
                pair:close()
            end
        end)
    end)

    describe("the end", function()
        for _, version in ipairs(VERSIONS) do
            it("WRAP-31 EXC-07 after close_notify is 0, " .. version[1], function()
                local pair = shaken({ max = version[2] })
                backend.connection_write(pair.client, "last words", 0)
                assert_class("WANT_READ", backend.connection_shutdown(pair.client, 0))
                pair:deliver()
                assert.are.equal("last words", second(backend.connection_read(pair.server, 100, 0)))
                assert.are.equal(0, (backend.connection_read(pair.server, 100, 0)))
                assert.are.equal(0, (backend.connection_read(pair.server, 100, 0)))
                assert.are.equal(0, backend.connection_shutdown(pair.server, 0))
                pair:deliver()
                assert.are.equal(0, backend.connection_shutdown(pair.client, 0))
                assert_class("CLOSED", backend.connection_write(pair.client, "more", 0))
                assert_class("CLOSED", backend.connection_write(pair.server, "more", 0))
                pair:close()
            end)

            it("half-close: the other side still sends after a close_notify, " .. version[1], function()
                local pair = shaken({ max = version[2] })
                assert_class("WANT_READ", backend.connection_shutdown(pair.client, 0))
                pair:deliver()
                assert.are.equal(0, (backend.connection_read(pair.server, 100, 0)))
                assert.are.equal(5, backend.connection_write(pair.server, "after", 0))
                pair:deliver()
                assert.are.equal("after", second(backend.connection_read(pair.client, 100, 0)))
                pair:close()
            end)

            it("WRAP-29 WRAP-30 EXC-11 without close_notify is EOF, and earlier data is complete, " .. version[1], function()
                local pair = shaken({ max = version[2] })
                backend.connection_write(pair.client, "last words", 0)
                pair:deliver()
                assert.are.equal(0, backend.connection_feed_eof(pair.server))
                assert.are.equal("last words", second(backend.connection_read(pair.server, 100, 0)))
                assert_class("EOF", (backend.connection_read(pair.server, 100, 0)))
                assert_class("EOF", (backend.connection_read(pair.server, 100, 0)))
                pair:close()
            end)

            it("EXC-11 inside a record is EOF too, " .. version[1], function()
                local pair = shaken({ max = version[2] })
                backend.connection_write(pair.client, "half of this", 0)
                local length, record = backend.connection_drain(pair.client, 10000)
                backend.connection_feed(pair.server, record:sub(1, math.floor(length / 2)))
                backend.connection_feed_eof(pair.server)
                assert_class("EOF", (backend.connection_read(pair.server, 100, 0)))
                pair:close()
            end)

            it("SSLS-37 shutdown over unread data is APPLICATION_DATA_ON_SHUTDOWN, " .. version[1], function()
                local pair = shaken({ max = version[2] })
                backend.connection_write(pair.server, "unread", 0)
                pair:deliver()
                assert.is_true(backend.connection_shutdown(pair.client, 0) < 0)
                local status = backend.connection_shutdown(pair.client, 0)
                assert_class("SSL", status)
                assert.are.equal("APPLICATION_DATA_ON_SHUTDOWN", pump.failure(status).reason)
                pair:close()
            end)
        end

        it("EXC-07 a write after the own close_notify returns CLOSED, whether the peer has answered it or not", function()
            local pair = shaken()
            assert_class("WANT_READ", backend.connection_shutdown(pair.client, 0))
            assert_class("CLOSED", backend.connection_write(pair.client, "x", 0))
            pair:deliver()
            assert.are.equal(0, (backend.connection_read(pair.server, 100, 0)))
            assert.are.equal(0, backend.connection_shutdown(pair.server, 0))
            pair:deliver()
            assert_class("CLOSED", backend.connection_write(pair.client, "x", 0))
            pair:close()
        end)

        it("SSLS-36 leaves the bytes after close_notify unread", function()
            local pair = shaken()
            assert_class("WANT_READ", backend.connection_shutdown(pair.client, 0))
            local _, notify = backend.connection_drain(pair.client, 1000)
            backend.connection_feed(pair.server, notify .. "plain text")
            assert.are.equal(0, (backend.connection_read(pair.server, 100, 0)))
            assert.are.equal(#"plain text", backend.connection_fed_pending(pair.server))
            pair:close()
        end)

        it("SSLS-37 shutdown in the middle of a handshake fails", function()
            local pair = pump.pair()
            backend.connection_handshake(pair.client, 0)
            local status = backend.connection_shutdown(pair.client, 0)
            assert.is_true(status < 0)
            pair:close()
        end)

        it("in a handshake is EOF at any byte", function()
            for _, version in ipairs(VERSIONS) do
                -- The server's first flight, cut after each of its bytes.
                local pair = pump.pair({ max = version[2] })
                backend.connection_handshake(pair.client, 0)
                local _, hello = backend.connection_drain(pair.client, 100000)
                backend.connection_feed(pair.server, hello)
                backend.connection_handshake(pair.server, 0)
                local length = backend.connection_drain_pending(pair.server)
                pair:close()
                for cut = 0, length - 1, 41 do
                    pair = pump.pair({ max = version[2] })
                    backend.connection_handshake(pair.client, 0)
                    pump.move(pair.client, pair.server)
                    backend.connection_handshake(pair.server, 0)
                    local _, flight = backend.connection_drain(pair.server, 100000)
                    backend.connection_feed(pair.client, flight:sub(1, cut))
                    assert_class("WANT_READ", backend.connection_handshake(pair.client, 0))
                    backend.connection_feed_eof(pair.client)
                    assert_class("EOF", backend.connection_handshake(pair.client, 0))
                    backend.connection_feed_eof(pair.server)
                    assert_class("EOF", backend.connection_handshake(pair.server, 0))
                    pair:close()
                end
            end
        end)

        it("by garbage in place of TLS is a different error", function()
            for garbage, reason in pairs {
                ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"] = "HTTP_REQUEST",
                ["CONNECT localhost:443 HTTP/1.1\r\n\r\n"] = "HTTPS_PROXY_REQUEST",
                ["\0\1\2\3\4\5\6\7\8\9\10\11\12\13\14\15\16\17\18\19"] = "WRONG_VERSION_NUMBER",
            } do
                local context = pump.context { cert = "server-ec" }
                local server = backend.connection_over_memory(context, 1, nil)
                backend.close(context)
                backend.connection_feed(server, garbage)
                local status = backend.connection_handshake(server, 0)
                assert_class("SSL", status)
                assert.are.equal(reason, pump.failure(status).reason)
                backend.close(server)
            end
            local pair = pump.pair()
            backend.connection_handshake(pair.client, 0)
            backend.connection_feed(pair.client, "HTTP/1.1 400 Bad Request\r\n\r\n")
            local status = backend.connection_handshake(pair.client, 0)
            assert_class("SSL", status)
            assert.are.equal("WRONG_VERSION_NUMBER", pump.failure(status).reason)
            pair:close()
        end)
    end)

    it("changing any byte of the server's flight makes the handshake fail, without a crash", function()
        for _, version in ipairs(VERSIONS) do
            local length = 1
            local position = 1
            while position <= length do
                local pair = pump.pair({ max = version[2] })
                backend.connection_handshake(pair.client, 0)
                pump.move(pair.client, pair.server)
                backend.connection_handshake(pair.server, 0)
                local _, flight = backend.connection_drain(pair.server, 100000)
                -- Flights differ by some bytes in length, because signatures do: this one may end before the position.
                length = #flight
                local at = math.min(position, length)
                local changed = flight:sub(1, at - 1) .. string.char((flight:byte(at) + 1) % 256) .. flight:sub(at + 1)
                backend.connection_feed(pair.client, changed)
                local client_status, server_status = pair:handshake()
                -- Only the minor version in a record's header may change without an error.
                if client_status >= 0 and server_status >= 0 then
                    assert.are.equal("whole", pair:transfer("client", "whole"))
                else
                    assert.are_not.equal("", second(backend.error_message()))
                end
                pair:close()
                position = position + 23
            end
        end
    end)

    describe("sessions", function()
        it("WRAP-24 the server's tickets after the handshake do not affect reads", function()
            local pair = pump.pair()
            pair:handshake()
            pair:deliver()
            assert_class("WANT_READ", (backend.connection_read(pair.client, 100, 0)))
            assert.are.equal("data", pair:transfer("server", "data"))
            assert.are.equal(0, backend.connection_session_reused(pair.client))
            pair:close()
        end)
    end)

    it("keeps its verify mode and sides", function()
        local pair = pump.pair()
        assert.are.equal(const.CERT_REQUIRED, backend.connection_verify_mode(pair.client))
        assert.are.equal(const.CERT_NONE, backend.connection_verify_mode(pair.server))
        assert.are.equal(0, backend.connection_server_side(pair.client))
        assert.are.equal(1, backend.connection_server_side(pair.server))
        pair:close()
    end)

    it("drain and feed_eof work over memory only", function()
        local result, first, other = backend.socket_pair(const.AF_UNIX, const.SOCK_STREAM, 0)
        assert.are.equal(0, result)
        local context = pump.context { cafile = "root.pem" }
        local id = backend.connection_over_socket(context, first, 0, nil)
        assert.is_true(id > 0)
        assert_class("USAGE", backend.connection_feed_eof(id))
        assert_class("USAGE", (backend.connection_drain(id, 100)))
        assert_class("USAGE", backend.connection_drain_pending(id))
        assert_class("USAGE", backend.connection_fed_pending(id))
        for _, each in ipairs { id, context, first, other } do
            backend.close(each)
        end
    end)

    it("over a socket reads first the bytes that another reader has received from it", function()
        local _, first, other = backend.socket_pair(const.AF_UNIX, const.SOCK_STREAM, 0)
        local of_client = pump.context { cafile = "root.pem" }
        local of_server = pump.context { cert = "server-ec" }
        local client = backend.connection_over_socket(of_client, first, 0, "localhost")
        local server = backend.connection_over_socket(of_server, other, 1, nil)
        assert_class("WANT_READ", backend.connection_handshake(client, 0))
        local length, hello = backend.socket_recv(other, 100, 0, 1)
        assert.are.equal(100, length) -- the server reads the rest
        assert.are.equal(100, backend.connection_feed(server, hello))
        assert_class("WANT_READ", backend.connection_handshake(server, 0))
        assert.are.equal(0, backend.connection_handshake(client, 0))
        assert.are.equal(0, backend.connection_handshake(server, 0))
        assert.are.equal(4, backend.connection_write(client, "data", 1))
        assert.are.same({ 4, "data" }, { backend.connection_read(server, 100, 1) })
        for _, each in ipairs { client, server, of_client, of_server, first, other } do
            backend.close(each)
        end
    end)

    it("over a descriptor the owner keeps it", function()
        local _, first, other = backend.socket_pair(const.AF_UNIX, const.SOCK_STREAM, 0)
        local fd = backend.socket_fileno(first)
        local context = pump.context {}
        local id = backend.connection_over_fd(context, fd, 0, "localhost")
        assert.is_true(id > 0)
        assert_class("WANT_READ", backend.connection_handshake(id, 0))
        backend.close(id)
        assert.are.equal(4, backend.socket_send(first, "mine", 0, 1))
        local _, hello = backend.socket_recv(other, 100000, 0, 1)
        assert.are.equal("\22\3", hello:sub(1, 2))
        assert.are.equal("mine", hello:sub(-4))
        for _, each in ipairs { context, first, other } do
            backend.close(each)
        end
    end)

    it("a certificate can be read after the connection was closed", function()
        local pair = shaken()
        local certificate = backend.connection_peer_certificate(pair.client)
        pair:close()
        assert.are.equal(pki.read("server-ec.der"), second(backend.certificate_der(certificate)))
        backend.close(certificate)
    end)
end)
