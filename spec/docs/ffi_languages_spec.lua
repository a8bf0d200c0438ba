-- The examples for other languages as their users run them: each a client that verifies, and a server.
local nginx = require "support.nginx"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local root = process.root
local library = os.getenv("CLEAT_LIBRARY") or root .. "/build/release/libcleat.so"

local function lines_of(command)
    local pipe = assert(io.popen(command))
    local text = pipe:read("*a")
    pipe:close()
    return text
end

if lines_of("readelf -d " .. process.quote(library)):find("lib[at]san") then
    describe("the examples for other languages", function()
        pending("a library with a sanitizer can only be loaded by programs that have it")
    end)
    return
end

local koffi = process.run { root .. "/script/koffi", timeout = 70 }
local node_path = koffi.status == 0 and koffi.output:match("^(.-)\n") or nil
local no_node = not node_path and "koffi is not available: " .. koffi.errors:gsub("%s+", " ") or nil

local directory = library:match("^(.*)/")
if directory:sub(1, 1) ~= "/" then
    directory = root .. "/" .. directory
end
local source = root .. "/examples/ffi/"

local function succeeds(command)
    local result = process.run(command)
    assert(result.status == 0, table.concat(command, " ") .. "\n" .. result.output .. result.errors)
end

-- build builds a C or C++ program as a user would, with cleat in its build tree.
local function build(file, program, compiler, standard)
    succeeds { compiler or os.getenv("CC") or "gcc", standard or "-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror",
        "-I" .. root .. "/include", "-o", program, file, "-pthread", "-L" .. directory, "-lcleat", "-Wl,-rpath," .. directory }
    return program
end

-- absent returns nil, or the reason of pending tests if one of the programs is missing.
local function absent(package, ...)
    for _, program in ipairs { ... } do
        if process.run { "sh", "-c", program:find("/", 1, true) and "test -e " .. program or "command -v " .. program }.status ~= 0 then
            return ("there is no %s: script/packages languages installs %s"):format(program, package)
        end
    end
end

local JNA = "/usr/share/java/jna.jar"
-- The others need time to build, and do not differ from one Lua to the other: once is enough.
local once = _VERSION == "Lua 5.4" and not directory:find("/floor$") and not directory:find("/coverage$")

-- How each language runs an example, with a folder for what is built. parallel: whether its server serves several
-- clients at once. build: builds them, where that is done once. generated: whether spec/docs/ffi has a
-- program for its binding.
local LANGUAGES = {
    { name = "C", parallel = true, command = function(example, folder)
        return { build(source .. "c/" .. example .. ".c", folder .. "/" .. example) }
    end },
    { name = "LuaJIT", command = function(example)
        return { "luajit", "examples/ffi/luajit/" .. example .. ".lua" }
    end },
    { name = "Node", parallel = true, missing = no_node, command = function(example)
        return { "env", "NODE_PATH=" .. tostring(node_path), "node", "examples/ffi/node/" .. example .. ".js" }
    end },
    { name = "Python", parallel = true, command = function(example)
        return { "/usr/bin/python3", "-E", "-s", "-B", "examples/ffi/python/" .. example .. ".py" }
    end },
    once and { name = "C++", parallel = true, build = function(folder)
        for _, example in ipairs { "https_get", "echo_server" } do
            build(source .. "cpp/" .. example .. ".cpp", folder .. "/" .. example, os.getenv("CXX") or "g++", "-std=c++17")
        end
    end, command = function(example, folder)
        return { folder .. "/" .. example }
    end },
    once and { name = "Go", parallel = true, missing = absent("golang-go", "go"), build = function(folder)
        succeeds { "env", "-C", source .. "go", "GOCACHE=" .. folder .. "/cache", "GOFLAGS=-mod=mod", "GOPROXY=off", "CC=gcc",
            "CGO_CFLAGS=-I" .. root .. "/include", ("CGO_LDFLAGS=-L%s -Wl,-rpath,%s"):format(directory, directory),
            "go", "build", "-o", folder .. "/", "./https_get", "./echo_server" }
    end, command = function(example, folder)
        return { folder .. "/" .. example }
    end },
    once and { name = "Java", generated = true, parallel = true,
        missing = absent("default-jdk-headless and libjna-java", "java", "javac", JNA),
        build = function(folder)
            local compile = "exec javac -Xlint:all -Werror -cp " .. JNA .. ' -d "$1" "$2"/*.java "$3"'
            succeeds { "sh", "-c", compile, "sh", folder, source .. "java", root .. "/spec/docs/ffi/Binding.java" }
        end,
        command = function(example, folder)
            local classes = { https_get = "HttpsGet", echo_server = "EchoServer", binding = "Binding" }
            -- flags for a fast start
            return { "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", JNA .. ":" .. folder, classes[example] }
        end },
    once and { name = "Ruby", parallel = true, missing = absent("ruby", "ruby"), command = function(example)
        return { "ruby", "--disable=gems", "-w", "examples/ffi/ruby/" .. example .. ".rb" }
    end },
    once and { name = "Rust", generated = true, parallel = true, missing = absent("rustc", "rustc"), build = function(folder)
        for name, example in pairs { https_get = source .. "rust/https_get.rs", echo_server = source .. "rust/echo_server.rs",
            binding = root .. "/spec/docs/ffi/binding.rs" } do
            succeeds { "rustc", "--edition", "2021", "-D", "warnings", "-L", directory, "-C", "link-arg=-Wl,-rpath," .. directory,
                "-o", folder .. "/" .. name, example }
        end
    end, command = function(example, folder)
        return { folder .. "/" .. example }
    end },
}
for i = #LANGUAGES, 1, -1 do
    if not LANGUAGES[i] then
        table.remove(LANGUAGES, i)
    end
end

local REQUEST = "GET /page HTTP/1.0\r\nHost: localhost\r\n\r\n"

local function with(command, ...)
    local words = { "env", "LUA_PATH=;;", "CLEAT_LIBRARY=" .. library }
    for _, list in ipairs { command, { ... } } do
        for _, word in ipairs(list) do
            words[#words + 1] = word
        end
    end
    return words
end

for _, language in ipairs(LANGUAGES) do
    local function example(about, body)
        if language.missing then
            pending(about .. ": " .. language.missing)
        else
            it(about, body)
        end
    end

    local folder
    local function command_of(name)
        return language.command(name, folder)
    end

    describe(language.name .. ":", function()
        teardown(process.cleanup)
        setup(function()
            if not language.missing then
                folder = process.directory() .. "/built"
                succeeds { "mkdir", folder }
                if language.build then
                    language.build(folder)
                end
            end
        end)

        if language.generated then
            example("its generated binding closes ids, and has errors, absent texts, arrays and buffers of any length", function()
                local certfile, keyfile = pki.chain("server-ec")
                local result = process.run(with(command_of("binding"), certfile, keyfile))
                assert.are.equal("as promised\n", result.output .. result.errors)
            end)
        end

        describe("https_get", function()
            local server, command
            setup(function()
                if not language.missing then
                    command = command_of("https_get")
                    server = nginx.start {
                        { cert = "server-ec", lines = "location = /page { return 200 \"a page\\n\"; }" },
                        { cert = "other" }, { cert = "expired" }, { cert = "unknown" }, { listen = "" },
                    }
                end
            end)

            -- run: against the nginx server of that number, with the file or the environment that names the CA
            local function get(number, words, environment)
                local line = with(command)
                for _, word in ipairs(words) do
                    line[#line + 1] = word
                end
                table.insert(line, 2, environment or "SSL_CERT_FILE=/none")
                table.insert(line, 2, "SSL_CERT_DIR=/none")
                for _, word in ipairs { "localhost", type(number) == "string" and number or server.ports[number], "/page" } do
                    line[#line + 1] = word
                end
                return process.run(line)
            end

            example("fetches a page from a server that it verified", function()
                local result = get(1, { "--cafile", pki.path("root.pem") })
                assert.are.equal(0, result.status, result.errors)
                assert.are.equal("TLSv1.3\n", result.errors)
                assert.is_truthy(result.output:find("^HTTP/1.1 200 OK\r\n"))
                assert.is_truthy(result.output:find("\r\n\r\na page\n$"))
            end)

            example("trusts the system's CA certificates by default", function()
                local result = get(1, {}, "SSL_CERT_FILE=" .. pki.path("root.pem"))
                assert.are.equal(0, result.status, result.errors)
                assert.is_truthy(result.output:find("\r\n\r\na page\n$"))
                result = get(1, {})
                assert.are.equal(1, result.status)
                assert.is_truthy(result.errors:find("unable to get local issuer certificate", 1, true), result.errors)
            end)

            for i, reason in ipairs {
                "Hostname mismatch", "certificate has expired", "unable to get local issuer certificate",
                "WRONG_VERSION_NUMBER",
            } do
                example("refuses: " .. reason, function()
                    local result = get(i + 1, { "--cafile", pki.path("root.pem") })
                    assert.are.equal(1, result.status)
                    assert.are.equal("", result.output)
                    assert.is_truthy(result.errors:find("^https_get: [^\n]+\n$"), result.errors)
                    assert.is_truthy(result.errors:find(reason, 1, true), result.errors)
                end)
            end

            example("reports a page that was cut off", function()
                local certfile, keyfile = pki.chain("server-ec")
                local page = peer.hex("HTTP/1.0 200 OK\r\n\r\nhalf a p")
                for ending, status in pairs { close = 1, notify = 0 } do
                    local job = peer.serve {
                        tls = true, cert = certfile, key = keyfile, "handshake", "recv " .. #REQUEST, "send " .. page, ending,
                    }
                    local result = get(tostring(job.port), { "--cafile", pki.path("root.pem") })
                    job:abandon()
                    assert.are.equal(status, result.status, ending .. result.errors)
                    assert.is_truthy(result.output:find("half a p", 1, true))
                    assert.are.equal(status == 1, result.errors:find("EOF occurred", 1, true) ~= nil, result.errors)
                end
            end)
        end)

        describe("echo_server", function()
            local server, port, context
            setup(function()
                if not language.missing then
                    local certfile, keyfile = pki.chain("server-ec")
                    server = process.start(with(command_of("echo_server"), certfile, keyfile))
                    port = tonumber((server:wait_for("^listening on (%d+)\n")))
                    context = ssl.create_default_context { cafile = pki.path("root.pem") }
                end
            end)

            local function connect(with_context)
                return (with_context or context):wrap_socket(socket.create_connection({ "127.0.0.1", port }, 10),
                    { server_hostname = "localhost" })
            end

            local function echo(stream, text)
                stream:sendall(text)
                local answer = {}
                local missing = #text
                while missing > 0 do
                    local data = stream:recv(missing)
                    assert.are_not.equal("", data)
                    answer[#answer + 1] = data
                    missing = missing - #data
                end
                assert.are.equal(text, table.concat(answer))
            end

            example("echoes, and sends close_notify", function()
                local stream = connect()
                echo(stream, "hello\0\255\n")
                echo(stream, peer.pattern(60000))
                echo(stream, "world")
                stream:unwrap():close() -- waits for the server's close_notify
            end)

            example("echoes much, while more comes", function()
                local lines = peer.connect {
                    port = port, tls = true, verify = "required", cafile = pki.path("root.pem"), hostname = "localhost",
                    check_hostname = true, "handshake", "exchange 3000000", "unwrap",
                }:finish()
                assert.is_truthy(lines[1]:find("^handshake TLSv1.3 "), table.concat(lines, "\n"))
                assert.are.same({ "exchange ok", "unwrap" }, { lines[2], lines[3] }, table.concat(lines, "\n"))
            end)

            example("continues after clients that do not", function()
                assert.has_error(function()
                    connect(ssl.create_default_context { cafile = pki.path("unknown-root.pem") })
                end)
                server:wait_for("echo_server: %[SSL: (TLSV1_ALERT_UNKNOWN_CA)%]")
                local plain = socket.create_connection({ "127.0.0.1", port }, 10)
                plain:sendall("GET / HTTP/1.0\r\n\r\n")
                server:wait_for("echo_server: %[SSL: (HTTP_REQUEST)%]")
                plain:close()
                connect():close() -- without close_notify
                server:wait_for("echo_server: (EOF occurred)")
                local stream = connect()
                echo(stream, "still there")
                stream:unwrap():close()
                assert.is_nil(server:poll())
            end)

            if language.parallel then
                example("serves others while one is silent", function()
                    local silent = socket.create_connection({ "127.0.0.1", port }, 10)
                    local first, second = connect(), connect()
                    echo(second, "second")
                    echo(first, "first")
                    first:unwrap():close()
                    second:unwrap():close()
                    silent:close()
                end)
            end

            example("says what is wrong with its certificate", function()
                local result = process.run(with(command_of("echo_server"), pki.path("root.pem"), pki.path("ec.key")))
                assert.are.equal(1, result.status)
                assert.are.equal("", result.output)
                assert.is_truthy(result.errors:find("KEY_VALUES_MISMATCH", 1, true), result.errors)
                result = process.run(with(command_of("echo_server"), "/no/such/file", pki.path("ec.key")))
                assert.are.equal(1, result.status)
                assert.are.equal("echo_server: No such file or directory: /no/such/file\n", result.errors)
            end)
        end)
    end)
end

describe("docs/ffi.md:", function()
    local page = process.read_file(root .. "/docs/ffi.md")
    local code, wanted = {}, page:match("What each of these prints:\n\n(.-)\n\n###"):gsub("%f[^\n%z]    ", "") .. "\n"
    for name, block in page:gmatch("```(%l+)\n(.-)```") do
        assert(not code[name])
        code[name] = block
    end
    teardown(process.cleanup)

    local function prints(suffix, command)
        local file = process.write_file(process.directory() .. "/page." .. suffix, code[suffix])
        local result = process.run(with({ "LD_LIBRARY_PATH=" .. library:match("^(.*)/") }, (unpack or table.unpack)(command(file))))
        assert.are.equal(0, result.status, result.errors)
        assert.are.equal(wanted, result.output)
    end

    it("has C with the right output", function()
        prints("c", function(file)
            return { build(file, file .. ".out") }
        end)
    end)

    it("has Lua with the right output", function()
        prints("lua", function(file)
            return { "luajit", file }
        end)
    end)

    it("has Python with the right output", function()
        prints("python", function(file)
            return { "/usr/bin/python3", "-I", file }
        end)
    end)

    if node_path then
        it("has JavaScript with the right output", function()
            prints("js", function(file)
                return { "env", "NODE_PATH=" .. node_path, "node", file }
            end)
        end)
    else
        pending("has JavaScript that prints what it says: " .. no_node)
    end

    it("names every event and every class with its number", function()
        local const = require "cleat.backend.constants"
        local status = process.read_file(root .. "/include/cleat/status.h"):match("^(.-)CLEAT_ALERT_DESCRIPTION_%* are")
        local count = 0
        for name, value in status:gmatch("#define (CLEAT_[%u_]+) (%d+)") do
            assert.are.equal(tonumber(value), const[name:sub(7)])
            assert.is_truthy(page:find("`" .. name .. "`", 1, true), "docs/ffi.md does not say what to do about " .. name)
            count = count + 1
        end
        assert.is_true(count > 14)
        for text, names in page:gmatch("\n| ([%d, to]+) | ([%u_`, ]+) |") do
            local first = names:match("`CLEAT_([%u_]+)`")
            assert.are.equal(tonumber(text:match("%d+")), const[first])
        end
    end)

    it("names files that exist", function()
        for name in page:gmatch("%]%(([%w_./-]+)%)") do
            assert(io.open(root .. "/docs/" .. name), name):close()
        end
    end)
end)
