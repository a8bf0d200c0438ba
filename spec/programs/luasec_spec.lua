-- Other projects' programs, unchanged, over cleat in place of LuaSec: they print the same as over LuaSec.
-- docs/luasec.md has a table of all that were tried.
local nginx = require "support.nginx"
local optional = require "support.optional"
local pki = require "support.pki"
local process = require "support.process"
local servers = require "support.servers"

local SCRIPT = "spec/support/luasec_programs.lua"

-- Debian does not install lua-redis for Lua 5.4.
local FURTHER = ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.1/?.lua"

-- run runs a script over LuaSec, or with `install` over cleat, and returns its output and its errors.
local function run(install, words)
    local command = process.lua { "LUA_PATH=" .. package.path .. FURTHER, "HOME=" .. process.directory(), words[1],
        directory = words.folder }
    if install then
        for index, word in ipairs(command) do
            if word == process.interpreter() then
                table.insert(command, index + 1, "-lcleat.luasec.install")
                break
            end
        end
    end
    for index = 2, #words do
        command[#command + 1] = tostring(words[index])
    end
    local result = process.run(command)
    assert.are.equal(0, result.status, result.errors .. result.output)
    return result.output, result.errors
end

-- compare runs a program over LuaSec and over cleat, compares the outputs, and returns them.
local function compare(...)
    local theirs = run(false, { ... })
    local mine = run(true, { ... })
    assert.are.equal(theirs, mine)
    return mine
end

-- it_with: a test that needs LuaSec, and a program.
local function it_with(program, name, body)
    local missing = optional.file("/usr/lib/*/lua/5.*/ssl.so", "lua-sec") or optional.program(program)
    optional.tests(it, pending, missing)(name, body)
end

describe("over cleat and over LuaSec, the same results:", function()
    teardown(process.cleanup)

    local directory
    setup(function()
        directory = pki.path "root.pem":match "^(.*)/"
    end)

    it_with("nginx", "LuaSocket's http", function()
        local server = nginx.start { {
            cert = "server-ec",
            lines = [[location = /hello { return 200 "hello"; }
                location = /method { return 200 "$request_method $content_type $content_length"; }
                location = /redirect { return 302 https://localhost:$server_port/hello; }
                location = /plain { return 302 http://localhost:$server_port/hello; }
                location = /loop { return 302 /loop; }]],
        } }
        local output = compare(SCRIPT, "http", server.ports[1], directory)
        assert.is_truthy(output:find("get: hello 200 {content-length=5, location=nil} HTTP/1.1 200 OK\n", 1, true), output)
        server:stop()
    end)

    it_with("exim4", "LuaSocket's smtp", function()
        local server = servers.exim4(pki.path "server-ec.pem", pki.path "server-ec.key", "tls_on_connect_ports = @PORT\n")
        local output = compare(SCRIPT, "smtp", server.port, directory)
        assert.is_truthy(output:find("sent: 1\n", 1, true), output)
        server:stop()
    end)

    local function rocks_server()
        local server = nginx.start { { cert = "server-ec" } }
        for _, version in ipairs { "5.1", "5.2", "5.3", "5.4" } do
            process.write_file(server.www .. "/manifest-" .. version,
                'commands = {} modules = {} repository = { hello = { ["1.0-1"] = { { arch = "src" } } } }\n')
        end
        process.write_file(server.www .. "/hello-1.0-1.src.rock", ("rock"):rep(50000))
        return server
    end

    -- rock returns the file that luarocks has downloaded.
    local function rock(install, server)
        local folder = ("%s/rocks-%s"):format(process.directory(), tostring(install))
        os.execute("mkdir " .. process.quote(folder))
        local output, errors = run(install, {
            "/usr/bin/luarocks", "download", "--source", "hello", "1.0-1",
            "--only-server=https://localhost:" .. server.ports[1] .. "/", folder = folder,
        })
        assert.is_nil(errors:find("falling back", 1, true), errors .. output)
        return process.read_file(folder .. "/hello-1.0-1.src.rock")
    end

    it_with("luarocks", "luarocks, downloading over https", function()
        local server = rocks_server()
        assert.are.equal(("rock"):rep(50000), rock(false, server))
        assert.are.equal(("rock"):rep(50000), rock(true, server))
        server:stop()
    end)

    it_with("redis-server", "lua-redis", function()
        local server = servers["redis-server"](pki.path "server-ec.pem", pki.path "server-ec.key")
        local output = compare(SCRIPT, "redis", server.port, directory)
        assert.is_truthy(output:find("auth: true", 1, true), output)
        server:stop()
    end)
end)
