-- Several certificates in one context, against programs that know fewer algorithms than our client. The control is
-- Python's server with the same certificates: it presents the same one.
local handles = require "support.handles"
local key_types = require "support.key_types"
local pki = require "support.pki"
local process = require "support.process"
local serve = require "support.serve"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local FLAGS = { ["TLSv1.2"] = "-tls1_2", ["TLSv1.3"] = "-tls1_3" }

-- chains: the files of { chain, key } for each type.
local function chains(...)
    local list = {}
    for i, key_type in ipairs { ... } do
        list[i] = { key_types.issue(key_type) }
    end
    return list
end

local function python(list)
    local words = { "/usr/bin/python3", "-I", process.root .. "/spec/support/several_certificates.py", timeout = 120 }
    for _, files in ipairs(list) do
        words[#words + 1] = files[1]
        words[#words + 1] = files[2]
    end
    local server = process.start(words)
    server.port = tonumber((server:wait_for("listening on (%d+)")))
    return server
end

local function words_of(command, more)
    for _, word in ipairs(more) do
        command[#command + 1] = word
    end
    return command
end

-- s_client: its words. Without -brief it says whether it has resumed a session.
local function s_client(version, port, options)
    return words_of({
        "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-servername", "localhost", "-CAfile",
        pki.path("root.pem"), "-verify_return_error", "-verify_hostname", "localhost", FLAGS[version], "-ign_eof",
        stdin = "x", timeout = 30,
    }, options)
end

-- presented: the common name of the certificate that a server presents to s_client; "none" if the handshake fails.
local function presented(version, port, options)
    local result = process.run(s_client(version, port, options))
    return result.status == 0 and result.output:match("\nsubject=CN ?= ?(%w+)") or "none"
end

-- What a client knows, which it gets of all five, and, for some, of three that OpenSSL can have in one context.
local CASES = {
    ["TLSv1.3"] = {
        { {}, "p256", "p256" },
        { { "-sigalgs", "RSA-PSS+SHA256" }, "rsa", "rsa" },
        { { "-sigalgs", "ECDSA+SHA256" }, "p256" },
        { { "-sigalgs", "ECDSA+SHA384" }, "p384" },
        { { "-sigalgs", "ECDSA+SHA512" }, "p521" },
        { { "-sigalgs", "ed25519" }, "ed25519", "ed25519" },
        { { "-sigalgs", "RSA-PSS+SHA256:ed25519" }, "ed25519" },
        { { "-sigalgs", "ed448" }, "none", "none" },
    },
    ["TLSv1.2"] = {
        { {}, "p256", "p256" },
        { { "-cipher", "aRSA" }, "rsa", "rsa" },
        { { "-cipher", "aECDSA" }, "p256" },
        { { "-cipher", "kRSA" }, "rsa" },
        { { "-sigalgs", "RSA-PSS+SHA256" }, "rsa" },
        { { "-sigalgs", "RSA+SHA256" }, "rsa" },
        { { "-sigalgs", "ed25519" }, "ed25519", "ed25519" },
        { { "-curves", "P-384" }, "p384" },
        { { "-curves", "X25519", "-sigalgs", "ECDSA+SHA256:RSA+SHA256" }, "rsa", "rsa" },
    },
}

for version, cases in pairs(CASES) do
    describe("several certificates, " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        it("s_client gets our server's first certificate that it can verify", function()
            local server = serve { bytes = 1, chains = chains("rsa", "p521", "ed25519", "p256", "p384") }
            for _, case in ipairs(cases) do
                assert.are.equal(case[2], presented(version, server.port, case[1]), table.concat(case[1], " "))
            end
            server:stop()
        end)

        it("our server presents the same as Python's, the control", function()
            local list = chains("ed25519", "p256", "rsa")
            local ours, theirs = serve { bytes = 1, chains = list }, python(list)
            for _, case in ipairs(cases) do
                local name = table.concat(case[1], " ")
                if case[3] then
                    assert.are.equal(case[3], presented(version, theirs.port, case[1]), "Python, " .. name)
                    assert.are.equal(case[3], presented(version, ours.port, case[1]), "cleat, " .. name)
                end
            end
            ours:stop()
            theirs:stop()
        end)

        it("gnutls-cli gets the certificate that it can verify", function()
            local server = serve { bytes = 1, chains = chains("p256", "rsa", "p384") }
            local base = "NORMAL:-VERS-ALL:+VERS-TLS" .. version:sub(5) .. ":-SIGN-ALL"
            for sign, expected in pairs {
                ["+SIGN-RSA-PSS-RSAE-SHA256"] = "rsa", ["+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP256R1-SHA256"] = "p256",
            } do
                local result = process.run {
                    "gnutls-cli", "--x509cafile", pki.path("root.pem"), "--priority", base .. ":" .. sign, "--port",
                    server.port, "--sni-hostname", "localhost", "--verify-hostname", "localhost", "127.0.0.1", stdin = "x",
                    timeout = 30,
                }
                assert.are.equal(expected, result.output:match("subject `CN=(%w+)'"), result.output .. result.errors)
            end
            server:stop()
        end)

        it("sessions resume after a certificate was added or replaced, and full handshakes use the preferred one", function()
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            key_types.load(context, "rsa")
            local listener = socket.socket()
            listener:bind { "127.0.0.1", 0 }
            listener:listen(1)
            local session = process.directory() .. "/session-" .. version
            local rsa_only = version == "TLSv1.2" and { "-cipher", "aRSA" } or { "-sigalgs", "RSA-PSS+SHA256" }
            local function connect(file, options)
                local port = listener:getsockname()[2]
                local client = process.start(words_of(s_client(version, port, { file, session }), options))
                local plain = listener:accept()
                plain:settimeout(20)
                local conn = context:wrap_socket(plain, { server_side = true })
                conn:sendall(conn:recv(1))
                pcall(conn.unwrap, conn)
                conn:close()
                plain:close() -- s_client waits half a second for it
                client:wait(20)
                local output = client:output()
                return output:match("\n(%a+), TLSv"), output:match("\nsubject=CN ?= ?(%w+)")
            end
            assert.are.same({ "New", "rsa" }, { connect("-sess_out", rsa_only) })
            key_types.load(context, "p256")
            assert.are.same({ "Reused", "rsa" }, { connect("-sess_in", rsa_only) })
            local how, name = connect("-sess_in", {})
            if version == "TLSv1.2" then -- its suite is one for RSA, and the server prefers ECDSA
                assert.are.same({ "New", "p256" }, { how, name })
            else
                assert.are.same({ "Reused", "rsa" }, { how, name })
            end
            context:load_cert_chain(key_types.issue("rsa", { name = "renewed" }))
            assert.are.same({ "New", "renewed" }, { connect("-sess_out", rsa_only) })
            assert.are.same({ "Reused", "renewed" }, { connect("-sess_in", rsa_only) })
            listener:close()
        end)

        it("our client presents a certificate that s_server can verify, of a CA that s_server names", function()
            local function sent(options)
                local certfile, keyfile = pki.chain("server-ec")
                local input = process.write_file(process.directory() .. "/s_server.in", "x")
                local server = process.start(words_of({
                    "/usr/bin/python3", "-I", process.root .. "/spec/support/hold.py", input, "openssl", "s_server",
                    "-accept", "127.0.0.1:0", "-cert", certfile, "-cert_chain", certfile, "-key", keyfile, "-naccept", "1",
                    "-verify", "2", FLAGS[version], timeout = 60,
                }, options))
                local port = tonumber((server:wait_for("ACCEPT [%d.]+:(%d+)")))
                local context = ssl.create_default_context { cafile = pki.path("root.pem") }
                key_types.load(context, "rsa", "ed25519", "p384")
                context:load_cert_chain(key_types.issue("p256", { name = "other", ca = "unknown-root" }))
                local plain = socket.create_connection({ "127.0.0.1", port }, 20)
                local ok, conn = pcall(context.wrap_socket, context, plain, { server_hostname = "localhost" })
                if not ok then
                    plain:close()
                    server:stop()
                    return conn.reason
                end
                assert.are.equal("x", conn:recv(1))
                conn:close()
                server:wait(20)
                return ((server:output() .. server:errors()):match("depth=0 CN ?= ?(%w+)"))
            end
            assert.are.equal("other", sent {})
            assert.are.equal("rsa", sent { "-client_sigalgs", "RSA-PSS+SHA256" })
            assert.are.equal("ed25519", sent { "-client_sigalgs", "ed25519:RSA-PSS+SHA256" })
            assert.are.equal("p384", sent { "-CAfile", pki.path("root-and-leaf.pem") })
            assert.are.equal("other", sent { "-CAfile", pki.path("unknown-root.crt") })
            assert.are.equal("rsa", sent { "-CAfile", pki.path("unknown-root.crt"), "-client_sigalgs", "RSA-PSS+SHA256" })
            -- the reason is that of one of them
            assert.is_truthy(({ NO_COMMON_SIGNATURE_ALGORITHMS = true, UNKNOWN_CERTIFICATE_TYPE = version == "TLSv1.2" })
                [sent { "-client_sigalgs", "ed448" }])
        end)
    end)
end

describe("several certificates:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("curl gets the certificate for its cipher suites", function()
        local server = serve { mode = "http", chains = chains("p256", "rsa") }
        for ciphers, expected in pairs { ["ECDHE-RSA-AES128-GCM-SHA256"] = "rsa", ["ECDHE-ECDSA-AES128-GCM-SHA256"] = "p256" } do
            local result = process.run {
                "curl", "--silent", "--show-error", "--verbose", "--noproxy", "*", "--tls-max", "1.2", "--ciphers", ciphers,
                "--cacert", pki.path("root.pem"), "--resolve", "localhost:" .. server.port .. ":127.0.0.1",
                "https://localhost:" .. server.port .. "/10", timeout = 30,
            }
            assert.are.equal(0, result.status, result.errors)
            assert.are.equal("0123456789", result.output)
            assert.are.equal(expected, result.errors:match("subject: CN=(%w+)"))
        end
        server:stop()
    end)
end)
