-- Raw public keys (RFC 7250) with GnuTLS, which has them, and with openssl, whose version in Debian 12 has not.
local handles = require "support.handles"
local key_types = require "support.key_types"
local link = require "support.link"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

if not ssl.HAS_RAW_PUBLIC_KEYS then
    describe("raw public keys with other programs:", function()
        it("B-66 need BoringSSL of 2026: spec/ssl/raw_public_key_spec.lua tests that the others say so", function()
            assert.is_false(ssl.HAS_RAW_PUBLIC_KEYS)
        end)
    end)
    return
end

local UNTRUSTED = 95

-- pair: the files of a private key and of its public key, and the latter.
local function pair(name)
    local _, file = key_types.issue("p256", { name = name })
    local public = process.directory() .. "/" .. name .. ".pub"
    local made = process.run { "openssl", "pkey", "-in", file, "-pubout", "-out", public }
    assert(made.status == 0, made.errors)
    return file, public, process.read_file(public)
end

local function priority(version)
    return "NORMAL:-VERS-ALL:+VERS-" .. version:gsub("v", "")
        .. ":-CTYPE-SRV-ALL:+CTYPE-SRV-RAWPK:-CTYPE-CLI-ALL:+CTYPE-CLI-RAWPK"
end

local function connect(context, port)
    return context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, 20), { server_hostname = "localhost" })
end

local function listener()
    local sock = socket.socket()
    sock:bind { "127.0.0.1", 0 }
    sock:listen(1)
    sock:settimeout(20)
    return sock, sock:getsockname()[2]
end

local function accept(sock, context)
    local plain = sock:accept()
    plain:settimeout(20)
    return context:wrap_socket(plain, { server_side = true })
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe("raw public keys with GnuTLS, " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        it("B-66 our client verifies gnutls-serv by its key, and presents its own", function()
            local file, public, text = pair "theirs"
            local mine, _, other = pair "mine"
            local server, port = process.on_free_port(function(port)
                local program = process.start {
                    "gnutls-serv", "--echo", "--port", port, "--rawpkkeyfile", file, "--rawpkfile", public, "--priority",
                    priority(version), "--require-client-cert", timeout = 60,
                }
                program:wait_for("listening on IPv4 [%d.]+ port %d+[.]*(done)")
                return program
            end)
            local context = ssl.create_default_context { cafile = pki.path "root.pem" }
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context:load_raw_public_key(mine)
            context:set_peer_public_keys { text }
            for n = 1, 2 do
                local sock = connect(context, port)
                assert.are.equal(version, sock:version())
                assert.are.equal(91, #sock:peer_public_key())
                assert.are.equal(n == 2 and version == "TLSv1.3", sock.session_reused)
                sock:sendall("hello\n")
                assert.are.equal("hello\n", sock:recv(10))
                sock:close()
            end
            context:set_peer_public_keys { other }
            raises("SSLCertVerificationError", { verify_code = UNTRUSTED }, connect, context, port)
            server:stop()
        end)

        it("B-66 our server verifies gnutls-cli by its key, and presents its own", function()
            local mine = pair "mine"
            local file, public, text = pair "theirs"
            local _, _, other = pair "other"
            local context = link.context { version = version, verify = ssl.CERT_REQUIRED }
            context:load_raw_public_key(mine)
            for _, expected in ipairs { text, other } do
                context:set_peer_public_keys { expected }
                local sock, port = listener()
                local client = process.start {
                    -- It cannot verify raw public keys: --insecure lets it print that, and go on.
                    "gnutls-cli", "--insecure", "--rawpkfile", public, "--rawpkkeyfile", file, "--priority", priority(version),
                    "--port", port, "127.0.0.1", stdin = "hello\n", timeout = 30,
                }
                if expected == text then
                    local conn = accept(sock, context)
                    assert.are.equal(version, conn:version())
                    assert.are.equal(91, #conn:peer_public_key())
                    assert.are.equal("hello\n", conn:recv(10))
                    conn:close()
                    client:wait_for("Successfully sent 1 (certificate)")
                    assert.is_truthy(client:output():find("Got 1 Raw public-key", 1, true))
                else
                    raises("SSLCertVerificationError", { verify_code = UNTRUSTED }, accept, sock, context)
                end
                client:wait(20)
                sock:close()
            end
        end)
    end)

    describe("raw public keys with openssl, " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        it("B-66 a peer without them is refused in both roles, or gets the certificate if there is one", function()
            local mine, _, text = pair "mine"
            local flag = version == "TLSv1.2" and "-tls1_2" or "-tls1_3"
            local certfile, keyfile = pki.chain "server-ec"
            local server = process.start {
                "/usr/bin/python3", "-I", process.root .. "/spec/support/hold.py", "/dev/null",
                "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certfile, "-cert_chain", certfile, "-key", keyfile,
                flag, timeout = 60,
            }
            local port = tonumber((server:wait_for("ACCEPT [%d.]+:(%d+)")))
            local context = ssl.create_default_context { cafile = pki.path "root.pem" }
            context:set_peer_public_keys { text }
            raises("SSLError", { library = "SSL", reason = "UNSUPPORTED_CERTIFICATE" }, connect, context, port)
            context:set_peer_public_keys({ text }, true)
            local sock = connect(context, port)
            assert.are.equal("DNS", sock:getpeercert().subjectAltName[1][1])
            sock:close()
            server:stop()

            local own = link.context { version = version }
            own:load_raw_public_key(mine)
            for _, with in ipairs { false, true } do
                if with then
                    own:load_cert_chain(certfile, keyfile)
                end
                local listening
                listening, port = listener()
                local client = process.start { "openssl", "s_client", "-connect", "127.0.0.1:" .. port, flag, "-CAfile",
                    pki.path "root.pem", "-verify_return_error", timeout = 30 }
                if with then
                    accept(listening, own):unwrap():close()
                    client:wait(20)
                    assert.is_truthy(client:output():find("Verify return code: 0 (ok)", 1, true), client:output())
                else
                    raises("SSLError", { reason = "UNKNOWN_CERTIFICATE_TYPE" }, accept, listening, own)
                    assert.are_not.equal(0, client:wait(20))
                end
                listening:close()
            end
        end)
    end)
end
