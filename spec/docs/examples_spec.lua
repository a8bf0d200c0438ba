-- The examples as a user runs them, and the code in README.md, which is theirs.
local nginx = require "support.nginx"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"

local unpack = table.unpack or unpack

-- run: an example to its end.
local function run(...)
    return process.run(process.lua { ... })
end

local function get(...)
    return run("examples/https_get.lua", "--cafile", pki.path("root.pem"), ...)
end

describe("the examples:", function()
    teardown(process.cleanup)

    describe("https_get.lua", function()
        local server
        setup(function()
            local lines = "location = /page { return 200 \"a page\\n\"; } location = /query { return 200 $args; }"
            server = nginx.start {
                { cert = "server-ec", lines = lines }, { cert = "expired" }, { cert = "other" }, { cert = "unknown" },
                { listen = "" },
            }
        end)

        it("EXA-01 prints the certificate, what was negotiated, and the page", function()
            local result = get("--connect", "127.0.0.1:" .. server.ports[1], "https://www.cleat.test/page")
            assert.are.equal(0, result.status, result.errors)
            assert.are.equal("", result.errors)
            assert.is_truthy(result.output:find("^{'issuer': %(%(%('organizationName', 'cleat tests'%),%),\n"))
            assert.is_truthy(result.output:find(" 'subjectAltName': (('DNS', 'localhost'),\n", 1, true))
            assert.is_truthy(result.output:find("\n%('TLS_[%w_]+', 'TLSv1.3', %d+%)\n'TLSv1.3'\n"))
            assert.is_truthy(result.output:find("\nHTTP/1.1 200 OK\r\n", 1, true))
            assert.is_truthy(result.output:find("\r\n\r\na page\n$"))
        end)

        it("takes ports, addresses and queries in URLs", function()
            local port = server.ports[1]
            assert.is_truthy(get(("https://localhost:%d/page"):format(port)).output:find("a page\n$"))
            assert.is_truthy(get(("https://127.0.0.1:%d/page"):format(port)).output:find("a page\n$"))
            assert.is_truthy(get(("https://127.0.0.1:%d/query?a=b#c"):format(port)).output:find("\na=b$"))
            assert.is_truthy(get("--connect", "127.0.0.1:" .. port, "https://[::1]/page").output:find("a page\n$"))
            local root = get("https://localhost:" .. port)
            assert.is_truthy(root.output:find("HTTP/1.1 40[34]"), root.output .. root.errors)
        end)

        it("trusts the system's CA certificates by default", function()
            local url = ("https://localhost:%d/page"):format(server.ports[1])
            local result = process.run(process.lua {
                "SSL_CERT_FILE=" .. pki.path("root.pem"), "examples/https_get.lua", url,
            })
            assert.are.equal(0, result.status, result.errors)
            result = run("examples/https_get.lua", url)
            assert.are.equal(1, result.status)
            assert.is_truthy(result.errors:find("CERTIFICATE_VERIFY_FAILED", 1, true))
        end)

        for i, reason in ipairs {
            "certificate has expired", "'localhost'", "unable to get local issuer certificate", "WRONG_VERSION_NUMBER",
        } do
            it("PKI-01 exits with 1 and reports the reason: " .. reason, function()
                local result = get(("https://localhost:%d/page"):format(server.ports[i + 1]))
                assert.are.equal(1, result.status)
                assert.are.equal("", result.output)
                assert.is_truthy(result.errors:find(reason, 1, true), result.errors)
                assert.is_truthy(result.errors:find("^https_get: [^\n]+\n$"), result.errors)
            end)
        end

        it("reports other errors", function()
            for _, case in ipairs {
                { "Connection refused", "https://127.0.0.1:" .. process.refusing_port() .. "/" },
                { "not an https:// address", "http://localhost/" },
                { "see --help", "--cafile" },
                { "--nonsense", "--nonsense", "https://localhost/" },
                { "No such file", "--cafile", "/no/such/file", "https://localhost/" },
            } do
                local result = run("examples/https_get.lua", unpack(case, 2))
                assert.are.equal(1, result.status)
                assert.is_truthy(result.errors:find(case[1], 1, true), result.errors)
                assert.is_nil(result.errors:find("traceback", 1, true))
            end
            assert.are.equal(2, run("examples/https_get.lua").status)
        end)

        it("fails if what it prints cannot be written", function()
            local command = { "sh", "-c", 'exec "$@" >/dev/full', "sh" }
            for _, word in ipairs(process.lua {
                "examples/https_get.lua", "--cafile", pki.path("root.pem"), ("https://localhost:%d/page"):format(server.ports[1]),
            }) do
                command[#command + 1] = word
            end
            local result = process.run(command)
            assert.are.equal(1, result.status)
            assert.is_truthy(result.errors:find("^https_get: [^\n]*No space left on device\n$"), result.errors)
        end)

        it("has --help", function()
            for _, script in ipairs { "https_get", "https_server" } do
                local result = run("examples/" .. script .. ".lua", "--help")
                assert.are.equal(0, result.status)
                assert.is_truthy(result.output:find("^Usage: " .. script))
            end
        end)
    end)

    it("EXA-06 https_server.lua serves https_get.lua, also after other connections, until SIGTERM", function()
        local certfile, keyfile = pki.chain("server-rsa")
        local server = process.start(process.lua { "examples/https_server.lua", "--cert", certfile, "--key", keyfile })
        local port = server:wait_for("^listening on (%d+)\n")
        local plain = process.run {
            "curl", "--silent", "--noproxy", "*", "--max-time", "300", "http://127.0.0.1:" .. port .. "/",
        }
        assert.are_not.equal(0, plain.status)
        server:wait_for("https_server: %[SSL: HTTP_REQUEST%]")
        local result = get("https://localhost:" .. port .. "/")
        assert.are.equal(0, result.status, result.errors)
        assert.is_truthy(result.output:find("Made fast by TLSv1.3 with TLS_[%w_]+%.\n$"))
        assert.are.equal(143, server:stop())
        assert.are.equal(2, run("examples/https_server.lua", "--cert", certfile).status)
    end)

    it("echo_client.lua and echo_server.lua echo", function()
        local certfile, keyfile = pki.chain("server-ec")
        local server = process.start(process.lua { "examples/echo_server.lua", certfile, keyfile })
        local port = server:wait_for("^listening on (%d+)\n")
        for _ = 1, 2 do
            local client = process.run(process.lua {
                "examples/echo_client.lua", pki.path("root.pem"), "localhost", port, stdin = "hello\nworld\n",
            })
            assert.are.equal("hello\nworld\n", client.output)
            assert.are.equal(0, client.status, client.errors)
            assert.is_truthy(client.errors:find("^TLSv1.3 TLS_"))
        end
        local refused = process.run(process.lua {
            "examples/echo_client.lua", pki.path("unknown-root.pem"), "localhost", port, stdin = "secret\n",
        })
        assert.are_not.equal(0, refused.status)
        assert.are.equal("", refused.output)
        assert.is_truthy(refused.errors:find("CERTIFICATE_VERIFY_FAILED", 1, true), refused.errors)
        server:wait_for("(TLSV1_ALERT_UNKNOWN_CA)", 5)
        assert.is_nil(server:poll())
        server:stop()
    end)

    it("echo_client.lua succeeds also with a server that closes without close_notify", function()
        local certfile, keyfile = pki.chain("server-ec")
        local job = peer.serve { tls = true, cert = certfile, key = keyfile, "handshake", "recv 6", "send 68656c6c6f0a", "close" }
        local client = process.run(process.lua {
            "examples/echo_client.lua", pki.path("root.pem"), "localhost", job.port, stdin = "hello\n",
        })
        assert.are.equal("hello\n", client.output)
        assert.are.equal(0, client.status, client.errors)
        job:finish()
    end)

    it("the demo succeeds", function()
        local result = run("examples/demo/run.lua")
        assert.are.equal(0, result.status, result.output .. result.errors)
        assert.is_truthy(result.output:find("All as it should be", 1, true))
    end)
end)

describe("README.md:", function()
    local readme = process.read_file(process.root .. "/README.md")

    it("has the text of the two echo examples", function()
        for _, name in ipairs { "echo_client", "echo_server" } do
            local code = process.read_file(process.root .. "/examples/" .. name .. ".lua")
            assert.is_truthy(readme:find("```lua\n" .. code .. "```\n", 1, true), name)
            local _, lines = code:gsub("\n", "")
            assert.is_true(lines <= 28, name .. " has " .. lines .. " lines")
        end
    end)

    it("has the text of the Python example", function()
        local code = readme:match("```python\n(.-)```\n")
        assert.is_truthy(process.read_file(process.root .. "/examples/ffi/python/https_get.py"):find(code, 1, true))
    end)

    it("has Lua that compiles", function()
        local count = 0
        for code in readme:gmatch("```lua\n(.-)```") do
            local compiled, message = (loadstring or load)(code)
            assert(compiled, message)
            count = count + 1
        end
        assert.is_true(count >= 2)
    end)

    it("names files that exist", function()
        for name in readme:gmatch("%]%(([%w_./-]+)%)") do
            local file = io.open(process.root .. "/" .. name)
            assert(file, name)
            file:close()
        end
    end)
end)
