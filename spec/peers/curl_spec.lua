-- curl against our server.
local handles = require "support.handles"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local serve = require "support.serve"

local MEGABYTES_10 = 10 * 1024 * 1024
local FLAGS = {
    ["TLSv1.2"] = { "--tlsv1.2", "--tls-max", "1.2" }, ["TLSv1.3"] = { "--tlsv1.3" },
}

local function curl(version, port, path, options)
    local command = { "curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "300", timeout = 30 }
    for _, word in ipairs(FLAGS[version]) do
        command[#command + 1] = word
    end
    local trusted = false
    for _, word in ipairs(options or {}) do
        trusted = trusted or word == "--cacert"
        command[#command + 1] = word
    end
    if not trusted then
        command[#command + 1] = "--cacert"
        command[#command + 1] = pki.path("root.pem")
    end
    command[#command + 1] = "--resolve"
    command[#command + 1] = "localhost:" .. port .. ":127.0.0.1"
    command[#command + 1] = ("https://localhost:%d%s"):format(port, path)
    return process.run(command)
end

local function page(size)
    return ("0123456789abcdef"):rep(math.ceil(size / 16)):sub(1, size)
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe("curl and " .. version .. ":", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        for _, cert in ipairs { "server-ec", "server-rsa" } do
            it("fetches 1 byte to 10 MB from our server, " .. cert, function()
                local server = serve { mode = "http", cert = cert }
                for _, size in ipairs { 1, 16384, 100000, MEGABYTES_10 } do
                    local result = curl(version, server.port, "/" .. size)
                    assert.are.equal(0, result.status, result.errors)
                    assert.is_true(result.output == page(size), #result.output .. " bytes")
                end
                assert.is_truthy(server:output():find("connected\t" .. version, 1, true))
                server:stop()
            end)
        end

        it("sends 10 MB and gets them back at the same time", function()
            local server = serve { mode = "http" }
            local file = process.write_file(process.directory() .. "/upload", peer.pattern(MEGABYTES_10))
            local result = curl(version, server.port, "/", { "--data-binary", "@" .. file, "-H", "Expect:" })
            assert.are.equal(0, result.status, result.errors)
            assert.is_true(result.output == peer.pattern(MEGABYTES_10), #result.output .. " bytes")
            server:stop()
        end)

        it("SEC-05 with a client certificate", function()
            local certfile, keyfile = pki.chain("client")
            local server = serve { mode = "http", cafile = "root.pem", verify = "required" }
            local result = curl(version, server.port, "/5", { "--cert", certfile, "--key", keyfile })
            assert.are.equal("01234", result.output, result.errors)
            result = curl(version, server.port, "/5")
            assert.are_not.equal(0, result.status)
            server:wait_for("failed\t%[SSL: PEER_DID_NOT_RETURN_A_CERTIFICATE%]")
            server:stop()
        end)

        it("refuses bad certificates, and our server keeps serving", function()
            local server = serve { mode = "http", cert = "unknown" }
            local result = curl(version, server.port, "/5")
            assert.are.equal(60, result.status)
            server:wait_for("failed\t%[SSL: TLSV1_ALERT_UNKNOWN_CA%]")
            result = curl(version, server.port, "/5", { "--cacert", pki.path("unknown-root.pem") })
            assert.are.equal("01234", result.output, result.errors)
            server:stop()
        end)

        it("plain HTTP on our TLS port is reported as such", function()
            local server = serve { mode = "http" }
            local result = process.run {
                "curl", "--silent", "--noproxy", "*", "--max-time", "300", "http://127.0.0.1:" .. server.port .. "/",
            }
            assert.are_not.equal(0, result.status)
            server:wait_for("failed\t%[SSL: HTTP_REQUEST%]")
            server:stop()
        end)
    end)
end
