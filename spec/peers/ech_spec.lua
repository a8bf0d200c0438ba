-- Encrypted ClientHello against NSS, the library of Firefox: its test programs selfserv and tstclnt.
local base64 = require "cleat.base64"
local handles = require "support.handles"
local limits = require "support.limits"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local PUBLIC = "www.cleat.test"

local it = optional.tests(it, pending, optional.program "selfserv" or optional.program "tstclnt")

local function run(command)
    local result = process.run(command)
    assert(result.status == 0, command[1] .. ": " .. result.output .. result.errors)
    return result.output
end

local made

-- database: the directory of NSS's database, with the root, and the server's certificate and key.
local function database()
    if made then
        return made
    end
    local directory = process.directory() .. "/nss"
    local certfile, keyfile = pki.chain "server-ec"
    made = "sql:" .. directory
    run { "mkdir", directory }
    run { "certutil", "-N", "-d", made, "--empty-password" }
    run { "certutil", "-A", "-d", made, "-n", "root", "-t", "C,,", "-a", "-i", pki.path "root.crt" }
    run { "openssl", "pkcs12", "-export", "-in", certfile, "-inkey", keyfile, "-name", "server", "-passout", "pass:x", "-out",
        directory .. "/server.p12" }
    run { "pk12util", "-i", directory .. "/server.p12", "-d", made, "-W", "x" }
    return made
end

-- parameter: a key as selfserv takes it: the length of the PKCS #8 key, in which the curve is named as it was before
-- RFC 8410, the key, and the list of configurations.
local function parameter(key)
    local file = process.write_file(process.directory() .. "/ech.pem", key:tobytes())
    local private = run({ "openssl", "pkey", "-in", file, "-outform", "DER" }):sub(-32)
    local public = key.config:sub(10, 41)
    local der = "\48\103\2\1\0\48\20\6\7\42\134\72\206\61\2\1\6\9\43\6\1\4\1\218\71\15\1\4\76\48\74\2\1\1\4\32" .. private
        .. "\161\35\3\33\0" .. public
    return base64.encode("\0" .. string.char(#der) .. der .. ssl.ech_config_list { key })
end

local function selfserv(key)
    local server, port = process.on_free_port(function(port)
        local started = process.start {
            "selfserv", "-n", "server", "-d", database(), "-p", port, "-V", "tls1.2:tls1.3", "-v", "-X", parameter(key), timeout = 60,
        }
        started:wait_for "About to call (accept)"
        return started
    end)
    server.port = port
    return server
end

local function connect(port, configs)
    local context = ssl.create_default_context { cafile = pki.path "root.pem" }
    return context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, limits.bound(20)), {
        server_hostname = "localhost", ech_configs = configs,
    })
end

local function page(sock)
    sock:sendall "GET / HTTP/1.0\r\n\r\n"
    local text = ""
    while not text:find("200 OK", 1, true) do
        local data = sock:recv(4096)
        assert(data ~= "", "the end came too early")
        text = text .. data
    end
    sock:close()
end

-- accept: our server, for one client that NSS's tstclnt is. Returns the server's connection, or its error, the name
-- that its callback saw, and the client.
local function accept(key, arguments)
    local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context:load_cert_chain(pki.chain "server-ec")
    context:set_ech_keys { key }
    local seen
    context:set_servername_callback(function(_, name)
        seen = name
    end)
    local listener = socket.socket()
    listener:bind { "127.0.0.1", 0 }
    listener:listen(1)
    listener:settimeout(limits.bound(20))
    local command = {
        "tstclnt", "-h", "127.0.0.1", "-a", "localhost", "-p", listener:getsockname()[2], "-d", database(), "-V", "tls1.2:tls1.3",
        stdin = "hello", timeout = 60,
    }
    for _, word in ipairs(arguments) do
        command[#command + 1] = word
    end
    local client = process.start(command)
    local plain = listener:accept()
    listener:close()
    plain:settimeout(limits.bound(20))
    local ok, conn = pcall(function()
        local made_of = context:wrap_socket(plain, { server_side = true })
        assert(made_of:recv(5) == "hello")
        return made_of
    end)
    return ok, conn, seen, client
end

describe("NSS: Encrypted ClientHello,", function()
    handles.watch(before_each, after_each)
    teardown(function()
        made = nil
        process.cleanup()
    end)

    it("B-65 our client with selfserv", function()
        local key = ssl.ECHKey { public_name = PUBLIC }
        local server = selfserv(key)
        local sock = connect(server.port, ssl.ech_config_list { key })
        assert.is_true(sock.ech_accepted)
        page(sock)
        local err = raises("SSLECHRejectedError", { reason = "ECH_REJECTED", ech_public_name = PUBLIC }, connect, server.port,
            ssl.ech_config_list { ssl.ECHKey { public_name = PUBLIC } })
        assert.equal(ssl.ech_config_list { key }, err.ech_retry_configs)
        sock = connect(server.port, err.ech_retry_configs)
        assert.is_true(sock.ech_accepted)
        page(sock)
        raises("SSLCertVerificationError", { verify_code = 62 }, connect, server.port,
            ssl.ech_config_list { ssl.ECHKey { public_name = "public.test" } })
        sock = connect(server.port) -- with the extension that only looks like it
        assert.is_false(sock.ech_accepted)
        page(sock)
        server:stop()
    end)

    it("B-65 tstclnt with our server", function()
        local key = ssl.ECHKey { public_name = PUBLIC }
        local function configs(of)
            return base64.encode(ssl.ech_config_list { of })
        end
        local ok, conn, seen, client = accept(key, { "-N", configs(key) })
        assert.is_true(ok, tostring(conn))
        assert.is_true(conn.ech_accepted)
        assert.equal("localhost", seen)
        conn:close()
        client:stop()
        -- with another key: it reports the configurations that we have sent
        ok, conn, seen, client = accept(key, { "-N", configs(ssl.ECHKey { public_name = PUBLIC }) })
        assert.is_false(ok)
        raises.check(conn, "SSLError", { alert = 121 })
        assert.equal(PUBLIC, seen)
        assert.equal(configs(key), client:wait_for "Received ECH retry_configs:%s+(%S+)")
        assert.is_truthy(client:wait_for "(SSL_ERROR_ECH_RETRY_WITH_ECH)")
        client:stop()
        -- with the extension that only looks like it
        ok, conn, seen, client = accept(key, { "-i", "100" })
        assert.is_true(ok, tostring(conn))
        assert.is_false(conn.ech_accepted)
        assert.equal("localhost", seen)
        conn:close()
        client:stop()
    end)
end)
