-- Groups and signature algorithms as OpenSSL and GnuTLS see them, at both ends.
local handles = require "support.handles"
local key_types = require "support.key_types"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local FLAGS = { ["TLSv1.2"] = "-tls1_2", ["TLSv1.3"] = "-tls1_3" }

-- start: starts a program with words added to those of a command.
local function start(words, more)
    for _, word in ipairs(more) do
        words[#words + 1] = word
    end
    words.timeout = 60
    return process.start(words)
end

-- s_server: with a certificate for P-256; it asks for one of the client.
local function s_server(version, options)
    local certfile, keyfile = key_types.issue("p256")
    return process.on_free_port(function(port)
        local server = start({ "openssl", "s_server", "-accept", "127.0.0.1:" .. port, "-cert", certfile, "-cert_chain",
            certfile, "-key", keyfile, "-CAfile", pki.path("root.pem"), "-Verify", "3", "-www", FLAGS[version] }, options)
        server:wait_for("(ACCEPT)")
        server.port = port
        return server
    end)
end

local function client_context()
    local context = ssl.create_default_context { cafile = pki.path("root.pem") }
    return key_types.load(context, "rsa", "p384")
end

local function server_context(version)
    local context = ssl.create_default_context { purpose = ssl.Purpose.CLIENT_AUTH, cafile = pki.path("root.pem") }
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion[(version:gsub("%.", "_"))]
    return key_types.load(context, "p384", "rsa")
end

local function facts(conn)
    return ("%s %s %s"):format(conn:group(), conn:server_sigalg(), conn:client_sigalg())
end

-- served returns the server's connection to a program, and the program's output.
local function served(context, words, more)
    local listener = socket.socket()
    listener:bind { "127.0.0.1", 0 }
    listener:listen(1)
    listener:settimeout(20)
    local client = start(words(listener:getsockname()[2]), more)
    local plain = listener:accept()
    listener:close()
    plain:settimeout(20)
    local conn = context:wrap_socket(plain, { server_side = true })
    local found = facts(conn)
    conn:sendall("done\n")
    pcall(conn.unwrap, conn)
    conn:close()
    client:wait()
    return found, client:output()
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe("algorithms with other programs, " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        it("B-53 B-55 B-58 B-59 our client and s_server", function()
            local server = s_server(version, { "-groups", "P-384:X25519" })
            local context = client_context()
            context:set_groups("secp521r1:secp384r1:P-256")
            context:set_client_sigalgs("rsa_pss_rsae_sha512")
            context:set_server_sigalgs("ECDSA+SHA256:rsa_pkcs1_sha1")
            context.grease = true
            local conn = context:wrap_socket(socket.create_connection({ "127.0.0.1", server.port }, 20),
                { server_hostname = "localhost" })
            assert.are.equal("secp384r1 ecdsa_secp256r1_sha256 rsa_pss_rsae_sha512", facts(conn))
            conn:sendall("GET / HTTP/1.0\r\n\r\n") -- a page with what the server knows
            local page, part = "", ""
            repeat
                page = page .. part
                part = conn:recv(4096)
            until part == ""
            conn:close()
            assert.is_truthy(page:find("\nSignature Algorithms: ECDSA+SHA256:RSA+SHA1\n", 1, true), page)
            assert.is_truthy(page:find("\nPeer signing digest: SHA512\nPeer signature type: RSA-PSS\n", 1, true), page)
            local grease, groups = page:match("\nSupported groups: ([^:]+):([^\n]*)") -- OpenSSL has no name for the first
            assert.are.equal("secp521r1:secp384r1:secp256r1", groups)
            assert.is_nil(grease:find("^secp"))
            server:stop()
        end)

        it("B-53 B-55 B-58 B-59 s_client and our server", function()
            local context = server_context(version)
            context:set_groups("secp521r1:secp384r1:x25519")
            context:set_client_sigalgs("rsa_pss_rsae_sha384:ECDSA+SHA256")
            context:set_server_sigalgs("rsa_pss_rsae_sha512")
            local certfile, keyfile = key_types.issue("rsa")
            local found, text = served(context, function(port)
                return { "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-CAfile", pki.path("root.pem"), "-cert",
                    certfile, "-cert_chain", certfile, "-key", keyfile, FLAGS[version], "-ign_eof", stdin = "" }
            end, { "-groups", "X25519:P-384" })
            assert.are.equal("secp384r1 rsa_pss_rsae_sha512 rsa_pss_rsae_sha384", found)
            assert.is_truthy(text:find("Server Temp Key: ECDH, secp384r1", 1, true) or
                text:find("Server Temp Key: ECDH, P-384", 1, true), text)
            assert.is_truthy(text:find("Peer signing digest: SHA512\nPeer signature type: RSA-PSS", 1, true), text)
            assert.is_truthy(text:find("\nRequested Signature Algorithms: RSA-PSS+SHA384:ECDSA+SHA256\n", 1, true), text)
        end)

        it("B-55 B-59 gnutls-cli and our server", function()
            local context = server_context(version)
            context.compliance_policy = ssl.POLICY_WPA3_192_202304
            local certfile, keyfile = key_types.issue("p384")
            local found, text = served(context, function(port)
                return { "gnutls-cli", "--x509cafile", pki.path("root.pem"), "--port", port, "--sni-hostname", "localhost",
                    "--verify-hostname", "localhost", "--x509certfile", certfile, "--x509keyfile", keyfile, "--priority",
                    "NORMAL:-VERS-ALL:+VERS-TLS" .. version:sub(5), stdin = "" }
            end, { "127.0.0.1" })
            assert.are.equal("secp384r1 ecdsa_secp384r1_sha384 ecdsa_secp384r1_sha384", found)
            assert.is_truthy(text:find("-(ECDHE-SECP384R1)-(ECDSA-", 1, true) and text:find("-SHA384)-(AES-256-GCM)", 1, true),
                text)
        end)
    end)
end
