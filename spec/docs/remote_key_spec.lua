-- examples/remote_key: a server and a process that signs for it, and signatures by a PKCS#11 token.
local adapters = require "support.adapters"
local handles = require "support.handles"
local kinds = require "support.kinds"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"
local softhsm = require "support.softhsm"
local ssl = require "cleat.ssl"

local TLS13 = (" "):rep(64) .. "TLS 1.3, server CertificateVerify\0"
local TLS12 = ("r"):rep(64) .. "\3\0\29\32" .. ("p"):rep(32)

local count = 0

-- start: signer and server of the examples; path: of the Unix socket.
local function signer(keyfile, path)
    if not path then
        count = count + 1
        path = ("%s/signer-%d"):format(process.directory(), count)
    end
    local job = process.start(process.lua { "examples/remote_key/signer.lua", keyfile, path })
    job:wait_for "(ready)"
    return job, path
end

local function server(certfile, path)
    local job = process.start(process.lua { "LUA_PATH=" .. adapters.path(), "examples/remote_key/server.lua", certfile, path })
    return job, job:wait_for "listening on (%d+)"
end

local function s_client(port, ...)
    return process.run { "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-CAfile", pki.path "root.pem",
        "-verify_return_error", "-verify_hostname", "localhost", timeout = 20, ... }
end

local function verified(result)
    local said = result.output .. result.errors
    assert.is_truthy(said:find("Verification: OK", 1, true), said)
end

-- ask returns the signer's response to bytes.
local function ask(path, bytes)
    local sock = socket.socket(socket.AF_UNIX)
    sock:settimeout(10)
    sock:connect(path)
    sock:sendall(bytes)
    sock:shutdown(socket.SHUT_WR)
    local answer = ""
    local piece
    repeat
        piece = sock:recv(4096)
        answer = answer .. piece
    until piece == ""
    sock:close()
    return answer
end

local function request(algorithm, data)
    return ("%s %d\n%s"):format(algorithm, #data, data)
end

local missing = optional.module("luv", "lua-luv") -- server.lua uses it

describe("examples/remote_key:", function()
    local it = optional.tests(it, pending, missing)
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    for _, cert in ipairs { "server-ec", "server-rsa" } do
        it("a server uses a key in another process, " .. cert, function()
            local certfile, keyfile = pki.chain(cert)
            local signing, path = signer(keyfile)
            local serving, port = server(certfile, path)
            for _, version in ipairs { "-tls1_2", "-tls1_3" } do
                verified(s_client(port, version))
            end
            signing:wait_for(cert == "server-ec" and "true\t(ecdsa_secp256r1_sha256)" or "true\t(rsa_pss_rsae_sha256)")
            -- Without the signer the server sends an alert, and keeps serving.
            signing:stop()
            local refused = s_client(port, "-tls1_3")
            assert.are_not.equal(0, refused.status)
            assert.is_truthy(refused.errors:find("alert internal error", 1, true), refused.errors)
            serving:wait_for "(PRIVATE_KEY_OPERATION_FAILED)"
            signing = signer(keyfile, path)
            verified(s_client(port, "-tls1_3"))
            -- The signatures of a signer with another key do not reach the client.
            signing:stop()
            signing = signer(select(2, kinds.files(cert == "server-ec" and "P-256" or "RSA 1024")), path)
            assert.is_truthy(s_client(port, "-tls1_3").errors:find("alert internal error", 1, true))
            serving:wait_for "(BAD_SIGNATURE)"
            assert.is_nil(serving:poll())
            assert.is_nil(signing:poll())
            signing:stop()
            serving:stop()
        end)
    end

    it("connections wait for the signer, but not for each other", function()
        local certfile, keyfile = pki.chain "server-ec"
        local path = process.directory() .. "/slow-signer"
        local listener = socket.socket(socket.AF_UNIX)
        listener:settimeout(10)
        listener:bind(path)
        listener:listen(5)
        local serving, port = server(certfile, path)
        local clients, requests = {}, {}
        for i = 1, 3 do
            clients[i] = process.start { "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-CAfile", pki.path "root.pem",
                "-verify_return_error", "-quiet", "-no_ign_eof", timeout = 20 }
            requests[i] = listener:accept()
        end
        for i = 3, 1, -1 do -- the last one first
            local sock = requests[i]
            sock:settimeout(10)
            local file = sock:makefile "rw"
            local algorithm, length = file:readline():match "^(%S+) (%d+)"
            local signature = ssl.sign(keyfile, algorithm, file:read(tonumber(length)))
            file:write(#signature .. "\n" .. signature)
            file:close()
            sock:close()
            assert.are.equal(0, clients[i]:wait())
        end
        listener:close()
        serving:stop()
    end)

    it("the signer signs handshakes of TLS servers only", function()
        local certfile, keyfile = pki.chain "server-ec"
        local job, path = signer(keyfile)
        local hash = ("h"):rep(32)
        for _, data in ipairs { TLS13 .. hash, TLS13 .. ("h"):rep(48), TLS12, ("r"):rep(64) .. "\3\0\23\65" .. ("p"):rep(65) } do
            local length, signature = ask(path, request("ecdsa_secp256r1_sha256", data)):match "^(%d+)\n(.*)$"
            assert.are.equal(tonumber(length), #signature)
            assert.is_true(#signature > 64)
        end
        for what, bytes in pairs {
            ["a client's handshake"] = request("ecdsa_secp256r1_sha256", TLS13:gsub("server", "client") .. hash),
            ["more bytes"] = request("ecdsa_secp256r1_sha256", TLS13 .. hash .. "x"),
            ["fewer bytes"] = request("ecdsa_secp256r1_sha256", TLS13 .. hash:sub(2)),
            ["a short message"] = request("ecdsa_secp256r1_sha256", "x"),
            ["no message"] = request("ecdsa_secp256r1_sha256", ""),
            ["another curve type"] = request("ecdsa_secp256r1_sha256", TLS12:gsub("\3", "\1")),
            ["another point"] = request("ecdsa_secp256r1_sha256", TLS12 .. "p"),
            ["a digest"] = request("ecdsa_secp256r1_sha256", hash),
            ["a certificate"] = request("ecdsa_secp256r1_sha256", pki.read "server-ec.der":sub(1, 900)),
            ["SHA-1"] = request("ecdsa_sha1", TLS13 .. hash), ["no algorithm"] = request("none", TLS13 .. hash), ["nothing"] = "",
            ["a half line"] = "ed25519", ["no number"] = "ed25519 x\n",
            ["a long message"] = request("ecdsa_secp256r1_sha256", ("x"):rep(1000)),
        } do
            assert.are.equal("0\n", ask(path, bytes), what)
        end
        assert.are.equal("", ask(path, request("ed25519", TLS13 .. hash))) -- for another key
        assert.is_truthy(ask(path, request("ecdsa_secp256r1_sha256", TLS13 .. hash)):find "^%d%d\n") -- it still runs
        -- One that asks and says nothing holds it up for a second.
        local silent = socket.socket(socket.AF_UNIX)
        silent:connect(path)
        assert.is_truthy(ask(path, request("ecdsa_secp256r1_sha256", TLS13 .. hash)):find "^%d%d\n")
        silent:close()
        local serving, port = server(certfile, path)
        verified(s_client(port))
        job:stop()
        serving:stop()
    end)

    describe("pkcs11.lua:", function()
        local pkcs11 = assert(loadfile(process.root .. "/examples/remote_key/pkcs11.lua"))()

        it("makes the DER of r and s", function()
            for raw, der in pairs {
                ["\1\2"] = "\48\6\2\1\1\2\1\2", ["\0\0"] = "\48\6\2\1\0\2\1\0",
                ["\128\0\0\127"] = "\48\8\2\3\0\128\0\2\1\127", ["\0\128\0\1"] = "\48\7\2\2\0\128\2\1\1",
            } do
                assert.are.equal(der, pkcs11.der(raw))
            end
            local long = ("\1"):rep(132) -- P-521's
            assert.are.equal("\48\129\136\2\66" .. long:sub(1, 66) .. "\2\66" .. long:sub(67), pkcs11.der(long))
        end)

        optional.tests(it, pending, softhsm.missing())("signs with a token, for each kind of key and with TLS 1.2 and 1.3", function()
            local directory = process.directory() .. "/token"
            os.execute("mkdir " .. directory)
            local ids = { RSA = "01", ["P-256"] = "02", ["P-384"] = "03", ["P-521"] = "04", Ed25519 = "05" }
            local keys = {}
            for kind, id in pairs(ids) do
                keys[id] = select(2, kinds.files(kind))
            end
            local conf = softhsm.make(directory, "cleat", keys)
            local program = process.write_file(directory .. "/program.lua", [[
                package.path = "spec/?.lua;examples/remote_key/?.lua;" .. package.path
                local link, pkcs11, ssl = require "support.link", require "pkcs11", require "cleat.ssl"
                for i = 1, #arg, 2 do
                    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
                        local context = link.context { version = version }
                        local seen
                        local sign = pkcs11.signer { module = "]] .. softhsm.MODULE .. [[", token = "cleat", id = arg[i + 1] }
                        context:load_cert_chain(arg[i], { sign = function(algorithm, ...)
                            seen = algorithm
                            return sign(algorithm, ...)
                        end })
                        local client = link.context { version = version, verify = ssl.CERT_REQUIRED }
                        client:load_verify_locations(arg[i])
                        local failures = link.attempt({ context = client }, { context = context })
                        print(seen, failures.client, failures.server)
                    end
                    -- Few servers and clients require RSA PKCS#1.
                    local sign = pkcs11.signer { module = "]] .. softhsm.MODULE .. [[", token = "cleat", id = arg[i + 1] }
                    if arg[i]:find "RSA" then
                        local file = io.open(arg[i] .. ".sig", "wb")
                        file:write(sign("rsa_pkcs1_sha256", nil, "0123456789abcdef0123456789abcdef"))
                        file:close()
                    end
                end
            ]])
            local words = process.lua { "SOFTHSM2_CONF=" .. conf, "PKCS11_PIN=correct", program }
            for kind, id in pairs(ids) do
                words[#words + 1], words[#words + 2] = (kinds.files(kind)), id
            end
            words.directory, words.timeout = process.root, 60
            local result = process.run(words)
            assert.are.equal(0, result.status, result.errors)
            local lines = {}
            for line in result.output:gmatch "[^\n]+" do
                lines[#lines + 1] = line
            end
            table.sort(lines)
            assert.are.same({
                "ecdsa_secp256r1_sha256\tnil\tnil", "ecdsa_secp256r1_sha256\tnil\tnil", "ecdsa_secp256r1_sha256\tnil\tnil",
                "ecdsa_secp256r1_sha256\tnil\tnil", "ecdsa_secp384r1_sha384\tnil\tnil", "ecdsa_secp521r1_sha512\tnil\tnil",
                "ed25519\tnil\tnil", "ed25519\tnil\tnil", "rsa_pss_rsae_sha256\tnil\tnil", "rsa_pss_rsae_sha256\tnil\tnil",
            }, lines)
            local certfile = kinds.files "RSA"
            local verify = process.run { "sh", "-c", ("openssl x509 -in %s -noout -pubkey >%s.pub; printf %s | openssl pkeyutl "
                .. "-verify -pubin -inkey %s.pub -pkeyopt digest:sha256 -sigfile %s.sig"):format(certfile, certfile,
                "0123456789abcdef0123456789abcdef", certfile, certfile) }
            assert.is_truthy(verify.output:find "Signature Verified Successfully", verify.output .. verify.errors)
        end)
    end)
end)
