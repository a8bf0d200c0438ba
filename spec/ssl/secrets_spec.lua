-- Secrets: those that are wiped from the memory of a Lua program, and those that errors do not contain.
-- spec/c/test_secrets.c tests the library below in the same way, and docs/security.md lists the guarantees.
local handles = require "support.handles"
local link = require "support.link"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"

local unpack = table.unpack or unpack

-- A secret must not be in the searched program's source: it is read from elsewhere, or computed where it is used.
local function random(length)
    local bytes = ssl.RAND_bytes(length)
    return (bytes:gsub(".", function(byte)
        return string.char(97 + byte:byte() % 26)
    end))
end

-- search runs a piece of Lua whose look(label) makes its memory be searched for the secrets, and returns the counts by
-- label.
local function search(secrets, code, ...)
    local script = process.write_file(process.directory() .. "/searched.lua", [[
        local function look(label)
            collectgarbage()
            collectgarbage()
            print("look " .. label)
            io.stdout:flush()
            io.read("*l")
        end
    ]] .. code:format(...))
    local command = { "/usr/bin/python3", "-I", process.root .. "/spec/support/memory.py", timeout = 60 }
    for _, secret in ipairs(secrets) do
        command[#command + 1] = peer.hex(secret)
    end
    command[#command + 1] = "--"
    for _, word in ipairs(process.lua { script }) do
        command[#command + 1] = word
    end
    local result = process.run(command)
    assert(result.status == 0, result.output .. result.errors)
    local counts = {}
    for label, rest in result.output:gmatch("(%w+) ([%d ]+)\n") do
        local list = {}
        for number in rest:gmatch("%d+") do
            list[#list + 1] = tonumber(number)
        end
        counts[label] = list
    end
    return counts
end

describe("memory:", function()
    teardown(process.cleanup)

    it("a buffer is wiped when it is collected", function()
        local secret = random(200)
        local job = peer.serve { "send " .. peer.hex(secret) }
        local counts = search({ secret, secret:sub(40, 60) }, [[
            local socket = require "cleat.socket"
            local conn = socket.create_connection({ "127.0.0.1", %d }, 10)
            local buffer = socket.buffer(8192)
            local got = 0
            look "before"
            while got < 200 do
                got = got + conn:recv_into(buffer)
            end
            look "there"
            buffer = nil
            look "collected"
        ]], job.port)
        assert.are.same({ 0, 0 }, counts.before)
        assert.are.equal(1, counts.there[1])
        assert.are.same({ 0, 0 }, counts.collected)
        job:abandon()
    end)

    it("receive buffers are wiped when they are released; Lua strings are not", function()
        local secret = random(200)
        local job = peer.serve { "send " .. peer.hex(secret), "recv 1", "sendn 200000" }
        local counts = search({ secret }, [[
            local socket = require "cleat.socket"
            local conn = socket.create_connection({ "127.0.0.1", %d }, 10)
            local data = conn:recv(200)
            assert(#data == 200)
            look "there"
            conn:send("x")
            conn:recv(60000) -- the buffer grows
            look "grown"
            assert(#data == 200)
        ]], job.port)
        assert.are.same({ 2 }, counts.there) -- the string, and the receive buffer
        assert.are.same({ 1 }, counts.grown)
        job:abandon()
    end)

    it("a key is in memory once while a context has it, and not afterwards", function()
        local body = pki.read("rsa.key"):match("%-\n(.*)\n%-")
        local text = process.run { "openssl", "rsa", "-in", pki.path("rsa.key"), "-text", "-noout" }.output
        local prime = text:match("prime1:(.-)prime2:"):gsub("[%s:]", ""):gsub("%x%x", function(digits)
            return string.char(tonumber(digits, 16))
        end):sub(-128) -- openssl prints a zero byte first
        assert.are.equal(128, #prime)
        local secrets = { body:sub(66, 90), body:sub(-300, -270), prime, prime:reverse() }
        for _, keyfile in ipairs { "rsa.key", "rsa.encrypted.key" } do
            local counts = search(secrets, [[
                local ssl = require "cleat.ssl"
                local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
                context:load_cert_chain(%q, %q, "somepass")
                look "open"
                context = nil
                look "collected"
            ]], pki.path("server-rsa.pem"), pki.path(keyfile))
            assert.are.same({ 0, 0, 0 }, { unpack(counts.open, 1, 3) }) -- neither the file's text nor its base64
            assert(counts.open[4] > 0, "the key was not found: is it searched in the form in which it is stored?")
            assert.are.same({ 0, 0, 0, 0 }, counts.collected)
        end
    end)
end)

describe("errors do not contain", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    -- expect_silence checks all fields of an error that can be read.
    local function expect_silence(failure, secret)
        local seen = {}
        local function look(value)
            if type(value) == "table" and not seen[value] then
                seen[value] = true
                for key, field in pairs(value) do
                    look(key)
                    look(field)
                end
            elseif type(value) == "string" then
                assert(not value:find(secret, 1, true), "the secret is in: " .. value)
            end
        end
        look(failure)
        look(tostring(failure))
        assert(failure.traceback and #tostring(failure) > 0)
    end

    it("a wrong password, in any form of an encrypted key", function()
        local secret = random(30)
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        for _, name in ipairs { "ec.pkcs8-encrypted.key", "rsa.encrypted.key", "rsa.des3.key" } do
            local cert = pki.path(name:match("^rsa") and "server-rsa.pem" or "server-ec.pem")
            for _, password in ipairs { secret, function() return secret end } do
                expect_silence(raises("SSLError", {}, context.load_cert_chain, context, cert, pki.path(name), password), secret)
            end
        end
    end)

    it("a password of the wrong type or length", function()
        local secret = random(30)
        local long = secret:rep(40)
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        local cert, key = pki.path("server-ec.pem"), pki.path("ec.pkcs8-encrypted.key")
        for _, case in ipairs {
            { "ValueError", long }, { "ValueError", function() return long end },
            { "TypeError", { secret } }, { "TypeError", function() return { secret } end },
        } do
            expect_silence(raises(case[1], {}, context.load_cert_chain, context, cert, key, case[2]), secret)
        end
    end)

    it("a key that is malformed, or does not match", function()
        local body = pki.read("ec.key"):match("%-\n(.*)\n%-")
        local secret = body:sub(20, 50)
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        for _, text in ipairs {
            pki.read("ec.key"):sub(1, -40), pki.read("ec.key"):gsub("=*\n%-", "\n-", 1), (pki.read("ec.key"):gsub("EC PRIVATE", "PRIVATE")),
            "-----BEGIN PRIVATE KEY-----\n" .. body:sub(1, 64) .. "\n" .. body:sub(1, 64) .. "\n-----END PRIVATE KEY-----\n",
        } do
            local key = process.write_file(process.directory() .. "/broken.key", text)
            expect_silence(raises("SSLError", {}, context.load_cert_chain, context, pki.path("server-ec.pem"), key), secret)
        end
        expect_silence(raises("SSLError", { reason = "KEY_TYPE_MISMATCH" }, context.load_cert_chain, context,
            pki.path("server-rsa.pem"), pki.path("ec.key")), secret)
    end)

    it("a key that was passed as a file's name", function()
        local key = pki.read("ec.key")
        local secret = key:match("%-\n(.*)\n%-"):sub(1, 30)
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        local what = { match = "PEM data in place of a file name" }
        expect_silence(raises("ValueError", what, context.load_cert_chain, context, pki.path("server-ec.pem"), key), secret)
        expect_silence(raises("ValueError", what, context.load_cert_chain, context, pki.read("server-ec.pem") .. key), secret)
        expect_silence(raises("ValueError", what, context.load_cert_chain, context, " \n" .. key, nil), secret)
        local plain = require "cleat.socket".socketpair()
        expect_silence(raises("ValueError", what, ssl.wrap_socket, plain, { certfile = pki.path("server-ec.pem"), keyfile = key }),
            secret)
        plain:close()
    end)

    it("the data that was sent, when the connection breaks", function()
        local secret = random(100)
        local client, server = link.open()
        server:close()
        local failure
        for _ = 1, 1000 do
            local ok
            ok, failure = pcall(client.sendall, client, secret:rep(100))
            if not ok then
                break
            end
        end
        expect_silence(failure, secret:sub(1, 30))
        client:close()
    end)

    it("secrets in tostring() of an object", function()
        local secret = random(30)
        local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
        pcall(context.load_cert_chain, context, pki.path("server-ec.pem"), pki.path("ec.pkcs8-encrypted.key"), secret)
        assert.is_nil(tostring(context):find(secret, 1, true))
        for _, value in pairs(context) do
            assert.are_not.equal(secret, value)
        end
    end)
end)

describe("SSLKEYLOGFILE", function()
    teardown(process.cleanup)

    it("is read by create_default_context() only, as in Python: other contexts log no keys", function()
        local name = process.directory() .. "/keys"
        local certfile, keyfile = pki.chain("server-ec")
        local job = peer.serve { tls = true, cert = certfile, key = keyfile, "handshake", "echo" }
        local output = process.run_code(([[
            local socket, ssl = require "cleat.socket", require "cleat.ssl"
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context:load_verify_locations(%q)
            local conn = context:wrap_socket(socket.create_connection({ "127.0.0.1", %d }, 10), { server_hostname = "localhost" })
            conn:sendall("hello")
            print(conn:recv(5), os.getenv "SSLKEYLOGFILE" ~= nil)
        ]]):format(pki.path("root.pem"), job.port), { "SSLKEYLOGFILE=" .. name })
        assert.are.equal("hello\ttrue\n", output)
        assert.is_nil(io.open(name))
        job:finish()
    end)
end)
