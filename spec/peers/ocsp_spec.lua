-- OCSP responses, stapled to and by openssl s_client and s_server.
local handles = require "support.handles"
local ocsp = require "support.ocsp"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local FLAGS = { ["TLSv1.2"] = "-tls1_2", ["TLSv1.3"] = "-tls1_3" }

for version, flag in pairs(FLAGS) do
    describe("openssl and " .. version .. ", stapled responses:", function()
        handles.watch(before_each, after_each)
        teardown(process.cleanup)

        -- s_server with a response, or with none; f(port) while it runs.
        local function with_server(response, f)
            local certfile, keyfile = pki.chain("server-ec")
            local words = { "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certfile, "-cert_chain", certfile,
                "-key", keyfile, flag, "-www" }
            if response then
                words[#words + 1] = "-status_file"
                words[#words + 1] = process.write_file(process.directory() .. "/staple.der", response)
            end
            local server = process.start(words)
            local port = tonumber((server:wait_for("ACCEPT [%d.]+:(%d+)")))
            local ok, failure = pcall(f, port)
            server:stop()
            assert.is_true(ok, failure)
        end

        local function connect(port, require_ocsp)
            local context = ssl.create_default_context { cafile = pki.path("root.pem") }
            context.require_ocsp = require_ocsp
            local conn = context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, 20), { server_hostname = "localhost" })
            local response = conn:ocsp_response()
            conn:close()
            return response
        end

        it("our client and s_server", function()
            local response = ocsp.respond {}
            with_server(response, function(port)
                assert.are.equal(response, connect(port, true))
            end)
            with_server(nil, function(port)
                raises("ssl.SSLCertVerificationError", { verify_code = 73, verify_message = "OCSP verification needed" },
                    connect, port, true)
                assert.is_nil(connect(port, false))
            end)
            with_server(ocsp.respond { status = "revoked" }, function(port)
                raises("ssl.SSLCertVerificationError", { verify_code = 23 }, connect, port, false)
            end)
        end)

        it("s_client and our server", function()
            local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context:load_cert_chain(pki.chain("server-ec"))
            for _, status in ipairs { "good", "revoked" } do
                context.ocsp_response = ocsp.respond { status = status }
                local listener = socket.socket()
                listener:settimeout(20)
                listener:bind { "127.0.0.1", 0 }
                listener:listen(1)
                local client = process.start { "openssl", "s_client", "-connect", "127.0.0.1:" .. listener:getsockname()[2],
                    "-servername", "localhost", "-CAfile", pki.path("root.pem"), "-verify_return_error", "-status", flag,
                    timeout = 30 }
                local plain = listener:accept()
                listener:close()
                plain:settimeout(20)
                local conn = context:wrap_socket(plain, { server_side = true })
                conn:sendall("done")
                conn:unwrap():close()
                client:wait(20)
                local output = client:output()
                assert.is_truthy(output:find("OCSP Response Status: successful", 1, true), output .. client:errors())
                assert.is_truthy(output:find("Cert Status: " .. status, 1, true), output)
            end
        end)
    end)
end
