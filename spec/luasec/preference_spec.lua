-- A LuaSec server follows the client's cipher order, unless it has the option cipher_server_preference.
local luasec = require "cleat.luasec"
local pki = require "support.pki"
local socket = require "cleat.socket"

local AES128, AES256 = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"

-- negotiate returns the cipher of a connection between a server that prefers AES-128 and a client that prefers AES-256.
local function negotiate(options)
    local certfile, keyfile = pki.chain "server-ec"
    local one, other = socket.socketpair()
    local server = assert(luasec.wrap(one:detach(), {
        mode = "server", protocol = "tlsv1_2", certificate = certfile, key = keyfile, ciphers = AES128 .. ":" .. AES256,
        options = options,
    }))
    local client = assert(luasec.wrap(other:detach(), {
        mode = "client", protocol = "tlsv1_2", verify = "none", ciphers = AES256 .. ":" .. AES128,
    }))
    server:settimeout(0)
    client:settimeout(0)
    local done, finished
    repeat
        local reason
        done, reason = client:dohandshake()
        assert(done or reason == "wantread", reason)
        finished, reason = server:dohandshake()
        assert(finished or reason == "wantread", reason)
    until done and finished
    local cipher = server:info "cipher"
    assert.are.equal(cipher, (client:info "cipher"))
    server:close()
    client:close()
    return cipher
end

describe("the cipher of a cleat.luasec server", function()
    it("is the first in the client's order", function()
        assert.are.equal(AES256, negotiate())
        assert.are.equal(AES256, negotiate { "all", "no_ticket" })
    end)

    it("is the first in the server's order with cipher_server_preference", function()
        assert.are.equal(AES128, negotiate "cipher_server_preference")
        assert.are.equal(AES128, negotiate { "all", "cipher_server_preference" })
    end)
end)
