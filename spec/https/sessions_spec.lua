-- https.request resumes sessions where it may: nginx says whether it did.
local nginx = require "support.nginx"
local pki = require "support.pki"
local process = require "support.process"

local PROGRAM = [[
local https, ssl = require "cleat.https", require "cleat.ssl"
local url, cafile, certfile, keyfile = ...
local context = ssl.create_default_context()
local function get(name, fields)
    local bodies = {}
    for index = 1, 3 do
        local parts = {}
        local request = { url = url, sink = function(chunk)
            parts[#parts + 1] = chunk
            return 1
        end }
        for key, value in pairs(fields) do
            request[key] = value
        end
        assert(https.request(request))
        bodies[index] = table.concat(parts)
    end
    print(name, table.concat(bodies, " "))
end
get("default", {})
get("context", { context = context })
get("cafile", { cafile = cafile })
get("certificate", { certificate = certfile, key = keyfile })
get("unverified", { verify = false })
get("default again", {})
local make = ssl._create_default_https_context
ssl._create_default_https_context = function()
    return make { cafile = cafile }
end
get("another default", {})
get("verify", { verify = true })
ssl._create_default_https_context = make
ssl._https_verify_certificates(false)
get("unverified default", {})
ssl._https_verify_certificates(true)
get("default at last", {})
]]

describe("https.request", function()
    teardown(process.cleanup)

    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        it("resumes sessions: " .. version, function()
            local server = nginx.start { {
                cert = "server-ec", protocols = version, lines = 'location = / { return 200 "$ssl_session_reused"; }',
            } }
            local script = process.write_file(process.directory() .. "/program.lua", PROGRAM)
            local certfile, keyfile = pki.chain("client")
            local words = process.lua {
                "SSL_CERT_FILE=" .. pki.path("root.pem"), "SSL_CERT_DIR=/nowhere", script,
                ("https://localhost:%d/"):format(server.ports[1]), pki.path("root.pem"), certfile, keyfile,
            }
            words.timeout = 60
            local result = process.run(words)
            server:stop()
            assert.equal("", result.errors)
            assert.equal(table.concat({
                "default\t. r r", "context\t. r r", "cafile\t. . .", "certificate\t. . .", "unverified\t. . .",
                "default again\tr r r", "another default\t. . .", "verify\tr r r",
                "unverified default\t. . .", "default at last\tr r r", "",
            }, "\n"), result.output)
        end)
    end
end)
