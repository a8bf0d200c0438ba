-- https.request with Encrypted ClientHello: for the server that was asked for, and for no other.
local handles = require "support.handles"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local ssl = require "cleat.ssl"
local support = require "support.https"

-- A server that redirects to a URL, and prints whether it has accepted each client's ECH.
local SERVER = [[
local socket, ssl = require "cleat.socket", require "cleat.ssl"
local certfile, keyfile, key, url = ...
local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context:load_cert_chain(certfile, keyfile)
context:set_ech_keys { ssl.ECHKey { file = key } }
local listener = socket.socket()
listener:bind { "127.0.0.1", 0 }
listener:listen(5)
print("port " .. listener:getsockname()[2])
io.stdout:flush()
while true do
    local plain = listener:accept()
    local ok, conn = pcall(context.wrap_socket, context, plain, { server_side = true })
    print(ok and "accepted " .. tostring(conn.ech_accepted) or conn.reason)
    io.stdout:flush()
    if ok and pcall(conn.recv, conn, 1000) then
        conn:sendall("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " .. url .. "\r\n\r\n")
        conn:close()
    end
end
]]

describe("https.request with ech_configs", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("B-65 encrypts the name for that server, and not for one that it redirects to", function()
        local key = ssl.ECHKey { public_name = "www.cleat.test" }
        local file = process.write_file(process.directory() .. "/ech.pem", key:tobytes())
        local script = process.write_file(process.directory() .. "/redirect.lua", SERVER)
        local certfile, keyfile = pki.chain "server-ec"
        local job, target = support.answer "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"
        local server = process.start(process.lua { script, certfile, keyfile, file, target })
        local url = "https://localhost:" .. server:wait_for "port (%d+)"
        local body, code = support.fetch { url = url, ech_configs = ssl.ech_config_list { key } }
        assert.equal("page", body)
        assert.equal(200, code)
        assert.equal("true", (server:wait_for "accepted (%a+)"))
        job:finish()
        local other = ssl.ech_config_list { ssl.ECHKey { public_name = "www.cleat.test" } }
        local _, err = support.fetch { url = url, ech_configs = other }
        raises.check(err, "SSLECHRejectedError", { ech_public_name = "www.cleat.test" })
        assert.equal(ssl.ech_config_list { key }, err.ech_retry_configs)
        _, err = support.fetch { url = url, ech_configs = "x" }
        raises.check(err, "SSLError", { reason = "INVALID_ECH_CONFIG_LIST" })
        raises("TypeError", { match = "field 'ech_configs' must be a string" }, support.fetch, { url = url, ech_configs = 1 })
        server:stop()
    end)
end)
