-- Keys that are elsewhere, against OpenSSL, GnuTLS, curl and Python, in both roles.
local exchange = require "support.exchange"
local handles = require "support.handles"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local serve = require "support.serve"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local OPENSSL = { ["1.2"] = "-tls1_2", ["1.3"] = "-tls1_3" }
local CURL = { ["1.2"] = { "--tlsv1.2", "--tls-max", "1.2" }, ["1.3"] = { "--tlsv1.3" } }

local function priority(version)
    return "NORMAL:-VERS-ALL:+VERS-TLS" .. version
end

-- clients: each connects to our server, and returns its output, and whether it has succeeded.
local clients = {}

function clients.openssl(version, port, ...)
    local result = process.run { "openssl", "s_client", OPENSSL[version], "-connect", "127.0.0.1:" .. port, "-CAfile",
        pki.path "root.pem", "-verify_return_error", "-verify_hostname", "localhost", "-ign_eof", stdin = "hello", timeout = 30,
        ... }
    local said = result.output .. result.errors
    return said, said:find("Verification: OK", 1, true) and said:find "hello" and result.status == 0
end

function clients.gnutls(version, port)
    local log = process.directory() .. "/gnutls.log"
    os.remove(log)
    local result = process.run { "gnutls-cli", "--x509cafile", pki.path "root.pem", "--priority", priority(version), "--port",
        port, "--logfile", log, "--sni-hostname", "localhost", "--verify-hostname",
        "localhost", "127.0.0.1", stdin = "hello", timeout = 30 }
    return result.output .. result.errors .. process.read_file(log), result.output == "hello"
end

function clients.python(version, port)
    local job = peer.connect { port = port, tls = true, cafile = pki.path "root.pem", verify = "required",
        hostname = "localhost", check_hostname = "yes", min = version, max = version, "handshake", "send 68656c6c6f", "recv 5" }
    local said = table.concat(job:finish(), "\n")
    return said, said:find "68656c6c6f" ~= nil
end

function clients.curl(version, port)
    local command = { "curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "300", "--cacert", pki.path "root.pem",
        "--resolve", ("localhost:%d:127.0.0.1"):format(port), ("https://localhost:%d/5"):format(port), timeout = 30 }
    for _, word in ipairs(CURL[version]) do
        command[#command + 1] = word
    end
    local result = process.run(command)
    return result.output .. result.errors, result.output == "01234"
end

-- The text of the alert internal_error in each program.
local ALERTS = { openssl = "alert internal error", gnutls = "[80]: Internal error", python = "internal error",
    curl = "alert internal error" }

-- servers: each starts a server that requires a client's certificate, and returns its port.
local servers = {}
local echoes = { gnutls = true, python = true }

function servers.openssl(version, certfile, keyfile)
    local words = { "/usr/bin/python3", "-I", process.root .. "/spec/support/hold.py", process.write_file(
        process.directory() .. "/s_server.in", ""), "openssl", "s_server", OPENSSL[version], "-accept", "127.0.0.1:0", "-cert",
        certfile, "-cert_chain", certfile, "-key", keyfile, "-Verify", "3", "-verify_return_error", "-CAfile",
        pki.path "root.pem", timeout = 60 }
    local server = process.start(words)
    return server:wait_for "ACCEPT [%d.]+:(%d+)", server
end

function servers.gnutls(version, certfile, keyfile)
    local found
    local server = process.on_free_port(function(port)
        local program = process.start { "gnutls-serv", "--echo", "--port", port, "--x509certfile", certfile, "--x509keyfile",
            keyfile, "--priority", priority(version), "--x509cafile", pki.path "root.pem", "--require-client-cert",
            "--verify-client-cert", timeout = 60 }
        program:wait_for "listening on IPv4 [%d.]+ port %d+[.]*(done)"
        found = port
        return program
    end)
    return found, server
end

function servers.python(version, certfile, keyfile)
    local job = peer.serve { tls = true, cert = certfile, key = keyfile, min = version, max = version, verify = "required",
        cafile = pki.path "root.pem", "handshake", "echo" }
    return job.port, job
end

for _, version in ipairs { "1.2", "1.3" } do
    for _, cert in ipairs { "server-ec", "server-rsa" } do
        local algorithm = cert == "server-ec" and "ecdsa_secp256r1_sha256" or "rsa_pss_rsae_sha256"
        describe(("a remote key, %s, TLS %s:"):format(cert, version), function()
            handles.watch(before_each, after_each)
            teardown(process.cleanup)

            for name, client in pairs(clients) do
                it("our server, and " .. name, function()
                    local mode = name == "curl" and "http" or nil
                    local server = serve { cert = cert, remote = "yes", mode = mode, bytes = not mode and 5 or nil }
                    local said, content = client(version, server.port)
                    assert.is_truthy(content, said)
                    assert.is_truthy(server:output():find("signs\t" .. algorithm .. "\nconnected\tTLSv" .. version, 1, true))
                    server:stop()
                    server = serve { cert = cert, remote = "refuse", mode = mode }
                    said, content = client(version, server.port)
                    assert.is_falsy(content)
                    assert.is_truthy(said:find(ALERTS[name], 1, true), said)
                    server:wait_for "failed\t%[SSL: (PRIVATE_KEY_OPERATION_FAILED)%]"
                    server:stop()
                end)
            end

            for name, start in pairs(servers) do
                it("our client, and the server of " .. name, function()
                    local certfile, keyfile = pki.chain(cert == "server-ec" and "client" or "client-rsa")
                    local port, server = start(version, pki.chain(cert))
                    local names = {}
                    local context = ssl.create_default_context { cafile = pki.path "root.pem" }
                    context:load_cert_chain(certfile, { sign = function(asked, data)
                        names[#names + 1] = asked
                        return ssl.sign(keyfile, asked, data)
                    end })
                    local sock = context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, 20),
                        { server_hostname = "localhost" })
                    assert.are.equal("TLSv" .. version, sock:version())
                    if echoes[name] then
                        assert.are.equal("hello\n", exchange(sock, "hello\n"))
                    else
                        sock:sendall "hello\n"
                        server:wait_for "hello"
                    end
                    assert.are.equal(1, #names)
                    assert.is_truthy(names[1]:find(cert == "server-ec" and "^ecdsa_secp256r1_" or "^rsa_"))
                    sock:close()
                    local _ = server.stop and server:stop() or server.finish and server:finish()
                end)
            end
        end)
    end
end

describe("a remote key", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("signs with the algorithms that openssl requires: RSA PKCS#1, and other hashes", function()
        local server = serve { cert = "server-rsa", remote = "yes", bytes = 5 }
        for asked, algorithm in pairs {
            ["RSA+SHA256"] = "rsa_pkcs1_sha256", ["RSA+SHA384"] = "rsa_pkcs1_sha384", ["RSA+SHA512"] = "rsa_pkcs1_sha512",
            ["RSA+SHA1"] = "rsa_pkcs1_sha1", ["RSA-PSS+SHA384"] = "rsa_pss_rsae_sha384",
            ["RSA-PSS+SHA512"] = "rsa_pss_rsae_sha512",
        } do
            local said, content = clients.openssl("1.2", server.port, "-sigalgs", asked .. ":ECDSA+SHA256", "-cipher",
                "ALL:@SECLEVEL=0")
            assert.is_truthy(content, said)
            assert.is_truthy(server:output():find("signs\t" .. algorithm .. "\n", 1, true), server:output())
        end
        server:stop()
    end)
end)
