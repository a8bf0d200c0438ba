-- cleat.luasec.https: what LuaSec's ssl.https lacks. spec/programs/luasec_spec.lua compares the results of both.
local pki = require "support.pki"
local process = require "support.process"
local serve = require "support.serve"

-- run returns the output of a program in which cleat provides LuaSec's modules.
local function run(code, ...)
    return process.run_code('require("cleat.luasec").install()\nlocal https = require "ssl.https"\n' .. code, { ... })
end

describe("cleat.luasec.https", function()
    local server
    setup(function()
        server = serve { mode = "http" }
    end)
    teardown(process.cleanup)

    -- answer returns the output of a request with LuaSec's default, which is no verification.
    local function answer(name, ...)
        return run(([[
            local body, code = https.request("https://%s:%d/4")
            print(body and #body, code)
        ]]):format(name, server.port), ...)
    end

    it("verifies no server by default, as LuaSec, but every one with CLEAT_LUASEC_VERIFY=peer", function()
        local trusted, untrusted = "SSL_CERT_FILE=" .. pki.path "root.pem", "SSL_CERT_FILE=" .. pki.path "unknown-root.pem"
        assert.are.equal("4\t200\n", answer("localhost", untrusted))
        assert.are.equal("nil\tcertificate verify failed\n", answer("localhost", untrusted, "CLEAT_LUASEC_VERIFY=peer"))
        assert.are.equal("4\t200\n", answer("localhost", trusted, "CLEAT_LUASEC_VERIFY=peer"))
    end)

    it("verifies the host name with CLEAT_LUASEC_VERIFY=peer", function()
        local code = [[
            local socket = require "socket"
            local tcp = socket.tcp
            function socket.tcp() -- www.example.org is the server
                local sock = tcp()
                local index = getmetatable(sock).__index
                local connect = index.connect
                index.connect = function(self) return connect(self, "127.0.0.1", %d) end
                return sock
            end
            print((select(2, https.request("https://www.example.org/4"))))
        ]]
        local trusted = "SSL_CERT_FILE=" .. pki.path "root.pem"
        assert.are.equal("certificate verify failed\n", run(code:format(server.port), trusted, "CLEAT_LUASEC_VERIFY=peer"))
        assert.are.equal("200\n", run(code:format(server.port), trusted))
    end)

    it("raises an error for another value of CLEAT_LUASEC_VERIFY", function()
        local ok, message = pcall(answer, "localhost", "CLEAT_LUASEC_VERIFY=yes")
        assert.is_false(ok)
        assert.is_truthy(message:find("cleat.luasec: CLEAT_LUASEC_VERIFY must be peer, not yes", 1, true), message)
    end)

    it("install() does not replace modules that are loaded", function()
        local output = process.run_code([[
            local theirs = {}
            package.loaded["ssl.https"] = theirs
            require("cleat.luasec").install()
            print(require "ssl.https" == theirs, require "ssl" == require "cleat.luasec", require "ssl.x509" == require "cleat.luasec.x509")
        ]])
        assert.are.equal("true\ttrue\ttrue\n", output)
    end)

    it("-l and LUA_INIT install it without a change to the program", function()
        if process.interpreter():find "/asan/" then
            return pending "the interpreter of a build with a sanitizer knows neither"
        end
        local script = process.write_file(process.directory() .. "/program.lua", 'print(require "ssl"._COPYRIGHT)\n')
        local variable = _VERSION > "Lua 5.1" and "LUA_INIT_" .. _VERSION:match "%d.*":gsub("%.", "_") or "LUA_INIT"
        local command = process.lua { variable .. '=require "cleat.luasec.install"', script }
        local result = process.run(command)
        assert.are.equal("LuaSec's API over cleat\n", result.output, result.errors)
        command = process.lua { script }
        table.insert(command, #command, "-lcleat.luasec.install")
        result = process.run(command)
        assert.are.equal("LuaSec's API over cleat\n", result.output, result.errors)
    end)

    it("closes the descriptor of a connection whose handshake fails at once", function()
        local output = run(([[
            local function descriptors()
                local pipe = io.popen "ls /proc/$PPID/fd | wc -l"
                local count = pipe:read "*n"
                pipe:close()
                return count
            end
            collectgarbage "stop"
            local request = { url = "https://localhost:%d/", verify = "peer", cafile = %q }
            local function attempt()
                request.create = nil
                return (select(2, https.request(request)))
            end
            print(attempt())
            local before = descriptors()
            for _ = 1, 10 do attempt() end
            print(descriptors() - before < 5) -- io.popen may add one
        ]]):format(server.port, pki.path "unknown-root.pem"))
        assert.are.equal("certificate verify failed\ntrue\n", output)
    end)
end)
