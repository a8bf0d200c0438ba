-- The examples of Python's documentation, examples/doc_*.lua, as a user runs them: offline, with look-alikes of the
-- servers.
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local select = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

-- What pprint prints of the certificate in the documentation; it ends later here, and the jurisdiction attributes have
-- their names.
local CERTIFICATE = [[
{'OCSP': ('http://ocsp.digicert.com',),
 'caIssuers': ('http://cacerts.digicert.com/DigiCertSHA2ExtendedValidationServerCA.crt',),
 'crlDistributionPoints': ('http://crl3.digicert.com/sha2-ev-server-g1.crl',
                           'http://crl4.digicert.com/sha2-ev-server-g1.crl'),
 'issuer': ((('countryName', 'US'),),
            (('organizationName', 'DigiCert Inc'),),
            (('organizationalUnitName', 'www.digicert.com'),),
            (('commonName', 'DigiCert SHA2 Extended Validation Server CA'),)),
 'notAfter': 'Sep  9 12:00:00 2046 GMT',
 'notBefore': 'Sep  5 00:00:00 2014 GMT',
 'serialNumber': '01BB6F00122B177F36CAB49CEA8B6B26',
 'subject': ((('businessCategory', 'Private Organization'),),
             (('jurisdictionCountryName', 'US'),),
             (('jurisdictionStateOrProvinceName', 'Delaware'),),
             (('serialNumber', '3359300'),),
             (('streetAddress', '16 Allen Rd'),),
             (('postalCode', '03894-4801'),),
             (('countryName', 'US'),),
             (('stateOrProvinceName', 'NH'),),
             (('localityName', 'Wolfeboro,'),),
             (('organizationName', 'Python Software Foundation'),),
             (('commonName', 'www.python.org'),)),
 'subjectAltName': (('DNS', 'www.python.org'),
                    ('DNS', 'python.org'),
                    ('DNS', 'pypi.org'),
                    ('DNS', 'docs.python.org'),
                    ('DNS', 'testpypi.python.org'),
                    ('DNS', 'bugs.python.org'),
                    ('DNS', 'wiki.python.org'),
                    ('DNS', 'hg.python.org'),
                    ('DNS', 'mail.python.org'),
                    ('DNS', 'packaging.python.org'),
                    ('DNS', 'pythonhosted.org'),
                    ('DNS', 'www.pythonhosted.org'),
                    ('DNS', 'test.pythonhosted.org'),
                    ('DNS', 'us.pycon.org'),
                    ('DNS', 'id.python.org')),
 'version': 3}
]]

local REQUEST = "HEAD / HTTP/1.0\r\nHost: linuxfr.org\r\n\r\n"
local ANSWER = "HTTP/1.1 200 OK\r\nDate: Sat, 18 Oct 2014 18:27:20 GMT\r\nServer: nginx\r\nContent-Length: 45679\r\n"
    .. "Connection: close\r\n\r\n"
local ANSWER_PRINTED = [[
('HTTP/1.1 200 OK',
 'Date: Sat, 18 Oct 2014 18:27:20 GMT',
 'Server: nginx',
 'Content-Length: 45679',
 'Connection: close',
 '',
 '')
]]

describe("the documentation's examples:", function()
    teardown(process.cleanup)

    local directory
    setup(function()
        directory = process.directory() .. "/python.org"
        local made = process.run { "sh", process.root .. "/spec/support/python_org.sh", directory }
        assert.are.equal(0, made.status, made.output .. made.errors)
    end)

    -- serve: a job of Python's for a look-alike of the host (or with another certificate), with steps.
    local function serve(name, ...)
        local cert, key = directory .. "/" .. name .. ".pem", directory .. "/key.pem"
        if name == "server-ec" then
            cert, key = pki.chain(name)
        end
        return peer.serve { tls = true, cert = cert, key = key, ... }
    end

    -- run: an example to its end, trusting a file of CA certificates.
    local function run(cafile, ...)
        return process.run(process.lua { "SSL_CERT_FILE=" .. cafile, "SSL_CERT_DIR=/nowhere", ... })
    end

    describe("testing for SSL support", function()
        it("MOD-01 finds cleat", function()
            local result = process.run(process.lua { "examples/doc_testing.lua" })
            assert.are.equal("", result.errors)
            assert.are.equal(ssl.OPENSSL_VERSION .. "\n", result.output)
            assert.is_truthy(result.output:find("BoringSSL", 1, true))
        end)

        it("MOD-01 continues without cleat", function()
            -- Once without cleat, once without the shared objects below it.
            for _, lua_path in ipairs { "", process.root .. "/lua/?.lua" } do
                local result = process.run {
                    "env", "-u", "LUA_PATH_5_4", "-u", "LUA_CPATH_5_4", "LUA_PATH=" .. lua_path, "LUA_CPATH=/nowhere/?.so",
                    "CLEAT_LIBRARY=/nowhere/libcleat.so", process.interpreter(), process.root .. "/examples/doc_testing.lua",
                }
                assert.are.equal("", result.errors)
                assert.are.equal("no SSL support\n", result.output)
                assert.are.equal(0, result.status)
            end
        end)
    end)

    it("MOD-01 modules in globals, as in Python, do not affect other modules", function()
        local output = process.run_code(([[
            require "cleat.python"
            errno, select, socket, ssl = require "errno", require "select", require "socket", require "ssl"
            local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, { cafile = %q })
            local a, b = socket.socketpair()
            a:makefile("w", 0):write("x", "y")
            print(b:recv(10), #select.select({ b }, {}, {}, 0), errno.ENOENT, context:cert_store_stats().x509)
            print(pcall(error, socket.error(errno.ENOENT, "none", "file")))
        ]]):format(pki.path("root.pem")))
        assert.are.equal("xy\t0\t2\t1\nfalse\t[Errno 2] none: 'file'\n", output)
    end)

    describe("the client", function()
        it("EXA-01 EXA-03 EXA-04 EXA-05 prints python.org's certificate and the answer", function()
            local job = serve("www.python.org", "handshake", "recv " .. #REQUEST, "send " .. peer.hex(ANSWER))
            local result = run(directory .. "/root.pem", "examples/doc_client.lua", "127.0.0.1", job.port)
            assert.are.equal("", result.errors)
            assert.are.equal(0, result.status)
            assert.are.equal(CERTIFICATE .. ANSWER_PRINTED, result.output)
            assert.are.equal("recv " .. peer.hex(REQUEST), job:finish()[2])
        end)

        it("EXA-01 EXA-03 refuses a certificate of another CA, and of another host", function()
            for _, case in ipairs {
                { "www.python.org", pki.path("root.pem"), "unable to get local issuer certificate" },
                { "www.verisign.com", directory .. "/root.pem", "'www.python.org'" },
                { "server-ec", pki.path("root.pem"), "'www.python.org'" },
            } do
                local job = serve(case[1], "handshake")
                local result = run(case[2], "examples/doc_client.lua", "127.0.0.1", job.port)
                assert.are.equal(1, result.status)
                assert.are.equal("", result.output)
                assert.is_truthy(result.errors:find("CERTIFICATE_VERIFY_FAILED", 1, true), result.errors)
                assert.is_truthy(result.errors:find(case[3], 1, true), result.errors)
                job:finish()
            end
        end)

        it("EXA-02 EXA-03 tunes its security settings itself", function()
            local job = serve("www.python.org", "handshake")
            local script = "examples/doc_client_manual.lua"
            local result = run("/nowhere", script, directory .. "/root.pem", "127.0.0.1", job.port)
            assert.are.equal("", result.errors)
            assert.are.equal("TLSv1.3\twww.python.org\n", result.output)
            job:finish()
            for _, case in ipairs {
                { "www.python.org", pki.path("root.pem"), "unable to get local issuer certificate" },
                { "www.verisign.com", directory .. "/root.pem", "'www.python.org'" },
            } do
                job = serve(case[1], "handshake")
                result = run("/nowhere", script, case[2], "127.0.0.1", job.port)
                assert.are.equal(1, result.status)
                assert.is_truthy(result.errors:find(case[3], 1, true), result.errors)
                job:finish()
            end
            -- "If not, you'll get an error and have to adjust the location."
            result = run("/nowhere", script, "/etc/ssl/certs/not-here.crt")
            assert.are.equal(1, result.status)
            assert.is_truthy(result.errors:find("[Errno 2] No such file or directory: '/etc/ssl/certs/not-here.crt'", 1, true))
        end)

        it("CHK-05 checks the host name", function()
            local script = "examples/doc_check_hostname.lua"
            local job = serve("www.verisign.com", "handshake")
            local result = run(directory .. "/root.pem", script, "127.0.0.1", job.port)
            assert.are.equal("", result.errors)
            assert.are.equal("TLSv1.3\twww.verisign.com\n", result.output)
            job:finish()
            job = serve("www.python.org", "handshake")
            result = run(directory .. "/root.pem", script, "127.0.0.1", job.port)
            assert.are.equal(1, result.status)
            assert.is_truthy(result.errors:find("CERTIFICATE_VERIFY_FAILED", 1, true))
            assert.is_truthy(result.errors:find("'www.verisign.com'", 1, true), result.errors)
            job:finish()
        end)
    end)

    describe("the server", function()
        local server, port
        setup(function()
            local certfile, keyfile = pki.chain("server-ec")
            server = process.start(process.lua { "examples/doc_server.lua", certfile, keyfile, "127.0.0.1", "0" })
            port = tonumber((server:wait_for("listening on (%d+)\n")))
        end)
        teardown(function()
            server:stop()
        end)

        local function connect()
            local plain = socket.create_connection({ "127.0.0.1", port }, 10)
            return ssl.create_default_context({ cafile = pki.path("root.pem") }):wrap_socket(plain, {
                server_hostname = "localhost", suppress_ragged_eofs = false,
            })
        end

        it("EXA-06 EXA-07 serves one client after the other", function()
            for round = 1, 3 do
                local sock = connect()
                for _, words in ipairs { "hello", "null data means the client is finished with us", tostring(round) } do
                    sock:sendall(words)
                    assert.are.equal(words:upper(), sock:recv(1000))
                end
                -- The client is finished with it: it reads the empty string, and closes.
                sock:setblocking(false)
                pcall(sock.unwrap, sock) -- sends close_notify
                select.select({ sock }, {}, {}, 10)
                raises("SSLEOFError", {}, sock.unwrap, sock) -- it shuts the socket down without one
                sock:close()
                server:wait_for(("a client from 127.0.0.1\n"):rep(round))
            end
            assert.is_nil(server:poll())
        end)

        it("EXA-06 EXA-07 ends a connection itself, and accepts an end without close_notify", function()
            local sock = connect()
            sock:sendall("bye")
            assert.are.equal("BYE", sock:recv(1000))
            raises("SSLEOFError", {}, sock.recv, sock, 1000)
            sock:close()
            sock = connect()
            sock:sendall("early")
            assert.are.equal("EARLY", sock:recv(1000)) -- with the session tickets, which unread would reset the connection
            sock:shutdown(socket.SHUT_WR)
            sock:close()
            sock = connect()
            sock:sendall("still there")
            assert.are.equal("STILL THERE", sock:recv(1000))
            sock:close()
        end)
    end)

    it("NB-03 NB-01 NB-02 the loops for non-blocking sockets work", function()
        local certfile, keyfile = pki.chain("server-rsa")
        local text = peer.pattern(50000)
        -- The server's words come in pieces, with pauses between them.
        local job = peer.serve {
            tls = true, cert = certfile, key = keyfile, "sleep 0.1", "handshake", "recv " .. #text, "send 6f6e65", "sleep 0.1",
            "send 74776f", "sleep 0.1", "sendn 100000", "notify",
        }
        local result = process.run(process.lua {
            "SSL_CERT_FILE=" .. pki.path("root.pem"), "examples/doc_nonblocking.lua", "127.0.0.1", job.port, "localhost",
            stdin = text,
        })
        assert.are.equal("connected by TLSv1.3\n", result.errors)
        assert.is_true(result.output == "onetwo" .. peer.pattern(100000))
        assert.are.equal("recv " .. peer.hex(text), job:finish()[3])
    end)

    it("NB-03 the loops raise other errors", function()
        local job = serve("www.verisign.com", "handshake")
        local result = run(directory .. "/root.pem", "examples/doc_nonblocking.lua", "127.0.0.1", job.port)
        assert.are.equal(1, result.status)
        assert.is_truthy(result.errors:find("CERTIFICATE_VERIFY_FAILED", 1, true), result.errors)
        assert.is_truthy(result.errors:find("'127.0.0.1'", 1, true), result.errors)
        job:finish()
    end)

    it("EXA-04 the certificate in this process has the documentation's table", function()
        local job = serve("www.python.org", "handshake")
        local context = ssl.create_default_context { cafile = directory .. "/root.pem" }
        local sock = context:wrap_socket(socket.create_connection({ "127.0.0.1", job.port }, 10), {
            server_hostname = "docs.python.org",
        })
        local cert = sock:getpeercert()
        assert.are.same({ "http://crl3.digicert.com/sha2-ev-server-g1.crl", "http://crl4.digicert.com/sha2-ev-server-g1.crl" },
            cert.crlDistributionPoints)
        assert.are.equal(15, #cert.subjectAltName)
        assert.are.same({ "DNS", "id.python.org" }, cert.subjectAltName[15])
        assert.are.same({ { "localityName", "Wolfeboro," } }, cert.subject[9])
        assert.are.equal("01BB6F00122B177F36CAB49CEA8B6B26", cert.serialNumber)
        sock:close()
        job:finish()
    end)
end)
