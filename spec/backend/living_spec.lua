-- cleat in a process with other libraries, with unusual descriptors, and without free descriptors. Tests that need
-- threads or fork are in spec/c: test_threads, test_fork, test_loading, test_states.
local optional = require "support.optional"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local serve = require "support.serve"

-- lines returns the output of a piece of Lua in a separate process. In a build with a sanitizer, leaks of OpenSSL and
-- its modules are not cleat's, and a library may be preloaded before the sanitizer's.
local function lines(code, words, ...)
    local command = words or {}
    table.insert(command, 1, "ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0")
    local output = process.run_code(code:format(...), command)
    local result = {}
    for line in output:gmatch("[^\n]+") do
        result[#result + 1] = line
    end
    return result
end

-- echo_server: an echo server for one connection by Python's ssl, which uses the system's OpenSSL.
local function echo_server()
    local certfile, keyfile = pki.chain("server-ec")
    return peer.serve { tls = true, cert = certfile, key = keyfile, "handshake", "echo" }
end

-- The system's OpenSSL, as the openssl command loads it.
local function system_openssl()
    local result = process.run { "sh", "-c", "ldd \"$(command -v openssl)\"" }
    local libssl = result.output:match("libssl[^ ]* => (%S+)")
    local libcrypto = result.output:match("libcrypto[^ ]* => (%S+)")
    assert(libssl and libcrypto, "openssl is linked with neither: " .. result.output)
    return libssl, libcrypto
end

-- Prints which library is which, by their version functions, and connects with both.
local BOTH = [[
    local clients = require "support.clients"
    local cafile, ports = %q, { %d, %d }
    local function both()
        local ours = require "cleat.ssl".OPENSSL_VERSION
        local theirs = require "openssl".version(0)
        print(ours:match("^BoringSSL") and "ours is BoringSSL" or ours)
        print(theirs:match("^OpenSSL %%d") and "theirs is OpenSSL" or theirs)
        for _, name in ipairs { "cleat", "luaossl" } do
            local conn = clients[name](table.remove(ports), cafile)
            print(name, conn.version, conn.echo(("x"):rep(50000)) == ("x"):rep(50000))
            conn.close()
        end
    end
]]
local BOTH_ARE_GOOD = { "ours is BoringSSL", "theirs is OpenSSL", "cleat\tTLSv1.3\ttrue", "luaossl\tTLSv1.3\ttrue" }

local no_luaossl = optional.file("/usr/share/lua/5.*/openssl.lua", "lua-luaossl")

describe("the system's libssl and libcrypto", function()
    local it = optional.tests(it, pending, no_luaossl)
    teardown(process.cleanup)

    local function run_both(code, words)
        local first, second = echo_server(), echo_server()
        local result = lines(BOTH .. code, words, pki.path("root.pem"), first.port, second.port)
        first:finish()
        second:finish()
        return result
    end

    it("do not affect cleat when they are preloaded, nor cleat them", function()
        local libssl, libcrypto = system_openssl()
        local result = run_both([[
            local maps = io.open("/proc/self/maps"):read("*a")
            print(maps:find("/libssl.so.", 1, true) and maps:find("/libcrypto.so.", 1, true) and "preloaded")
            both()
        ]], { ("LD_PRELOAD=%s %s"):format(libssl, libcrypto) })
        assert.are.equal("preloaded", table.remove(result, 1))
        assert.are.same(BOTH_ARE_GOOD, result)
    end)

    -- package.loadlib of Lua 5.1 cannot load with RTLD_GLOBAL
    local it_global = (_VERSION ~= "Lua 5.1" or rawget(_G, "jit")) and it or pending
    it_global("do not affect cleat when they are loaded later with RTLD_GLOBAL, nor cleat them", function()
        local libssl, libcrypto = system_openssl()
        local result = run_both(([[
            require "cleat.ssl"
            print(io.open("/proc/self/maps"):read("*a"):find("/libssl.so.", 1, true) == nil)
            for _, name in ipairs { %q, %q } do
                assert(package.loadlib(name, "*"))
            end
            both()
        ]]):format(libcrypto, libssl))
        assert.are.equal("true", table.remove(result, 1))
        assert.are.same(BOTH_ARE_GOOD, result)
    end)
end)

describe("LuaSec and luaossl in the same state", function()
    local it = optional.tests(it, pending, no_luaossl or optional.file("/usr/lib/*/lua/5.*/ssl.so", "lua-sec"))
    teardown(process.cleanup)

    -- orders of loading
    for _, order in ipairs {
        { "cleat", "luasec", "luaossl" }, { "luasec", "luaossl", "cleat" }, { "luaossl", "cleat", "luasec" },
    } do
        it(table.concat(order, ", ") .. ": all three have a connection open at the same time, and again", function()
            local servers, ports = {}, {}
            for i = 1, 6 do
                servers[i] = echo_server()
                ports[i] = servers[i].port
            end
            local result = lines([[
                local clients = require "support.clients"
                local cafile, ports = %q, { %s }
                local order = { %q, %q, %q }
                for _ = 1, 2 do
                    local open = {}
                    for i, name in ipairs(order) do
                        open[i] = clients[name](table.remove(ports), cafile)
                    end
                    for round = 1, 20 do
                        for i, name in ipairs(order) do
                            local data = (name .. round):rep(500)
                            assert(open[i].echo(data) == data, name)
                        end
                        collectgarbage()
                    end
                    for i, name in ipairs(order) do
                        print(name, open[i].version)
                        open[i].close()
                    end
                end
                print(require "ssl"._VERSION ~= nil, require "ssl" ~= require "cleat.ssl")
                print((require "openssl".version(0):match("^OpenSSL")), (require "cleat.ssl".OPENSSL_VERSION:match("^BoringSSL")))
            ]], nil, pki.path("root.pem"), table.concat(ports, ", "), order[1], order[2], order[3])
            local expected = {}
            for i = 1, 6 do
                expected[i] = order[(i - 1) % 3 + 1] .. "\tTLSv1.3"
                servers[i]:finish()
            end
            expected[7], expected[8] = "true\ttrue", "OpenSSL\tBoringSSL"
            assert.are.same(expected, result)
        end)
    end

    it("each refuses an untrusted server, whichever other libraries are loaded", function()
        local servers, ports = {}, {}
        for i = 1, 3 do
            servers[i] = echo_server()
            ports[i] = servers[i].port
        end
        local result = lines([[
            local clients = require "support.clients"
            local cafile, ports = %q, { %s }
            for _, name in ipairs { "luasec", "cleat", "luaossl" } do
                local ok, failure = pcall(clients[name], table.remove(ports), cafile)
                print(name, ok, tostring(failure):lower():find("certificate verify failed", 1, true) ~= nil)
            end
        ]], nil, pki.path("unknown-root.pem"), table.concat(ports, ", "))
        assert.are.equal("luasec\tfalse\ttrue", result[1])
        assert.are.equal("cleat\tfalse\ttrue", result[2])
        assert.are.equal("luaossl\tfalse", result[3]:match("^luaossl\tfalse")) -- the message of cqueues differs
        for _, server in ipairs(servers) do
            assert.are.equal("error", server:finish()[1]:match("^error"))
        end
    end)

    it("LuaSec's client connects to cleat's server in one thread", function()
        local certfile, keyfile = pki.chain("server-ec")
        local result = lines([[
            local cleat_socket, cleat_ssl = require "cleat.socket", require "cleat.ssl"
            local socket, ssl = require "socket", require "ssl"
            local context = cleat_ssl.SSLContext(cleat_ssl.PROTOCOL_TLS)
            context:load_cert_chain(%q, %q)
            local listener = cleat_socket.socket()
            listener:bind { "127.0.0.1", 0 }
            listener:listen(1)
            local plain = assert(socket.connect("127.0.0.1", listener:getsockname()[2]))
            local accepted = listener:accept()
            accepted:settimeout(0)
            local server = context:wrap_socket(accepted, { server_side = true, do_handshake_on_connect = false })
            local client = assert(ssl.wrap(plain, { mode = "client", protocol = "any", cafile = %q, verify = "peer" }))
            client:settimeout(0)
            local ours, theirs = false, false
            for _ = 1, 1000 do
                theirs = theirs or client:dohandshake()
                ours = ours or pcall(server.do_handshake, server)
            end
            print(ours, theirs)
            server:settimeout(10)
            client:settimeout(10)
            assert(client:send("from OpenSSL"))
            print(server:recv(100))
            server:sendall("from BoringSSL\n")
            print((client:receive("*l")))
            server:close()
            client:close()
        ]], nil, certfile, keyfile, pki.path("root.pem"))
        assert.are.same({ "true\ttrue", "from OpenSSL", "from BoringSSL" }, result)
    end)
end)

describe("descriptors:", function()
    local server

    setup(function()
        server = serve {}
    end)
    teardown(process.cleanup)

    -- connect() -> a verified connection to the echo server.
    local CONNECT = [[
        local socket, ssl = require "cleat.socket", require "cleat.ssl"
        local port, cafile, certfile, keyfile = %d, %q, %q, %q
        local function connect()
            local context = ssl.create_default_context { cafile = cafile }
            return context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, 10), { server_hostname = "localhost" })
        end
    ]]

    local function connecting(code, words)
        local certfile, keyfile = pki.chain("server-ec")
        return lines(CONNECT .. code, words, server.port, pki.path("root.pem"), certfile, keyfile)
    end

    it("are not inherited by an executed program", function()
        local result = connecting([[
            local function inherited()
                local pipe = io.popen("ls /proc/self/fd")
                local list = pipe:read("*a")
                pipe:close()
                return list
            end
            local before = inherited()
            local kept = { connect(), socket.socket(), socket.socket(socket.AF_INET6), socket.socket(socket.AF_UNIX),
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socketpair() }
            local listener = socket.socket()
            listener:bind { "127.0.0.1", 0 }
            listener:listen(4)
            local client = socket.create_connection(listener:getsockname())
            local accepted = listener:accept()
            local file = client:makefile("rwb")
            local default = ssl.create_default_context()
            default:load_cert_chain(certfile, keyfile)
            ssl.RAND_bytes(16)
            -- the control: this process has many more than the three standard descriptors
            local own = 0
            for number = 3, 63 do
                local link = io.open("/proc/self/fdinfo/" .. number)
                if link then
                    own = own + 1
                    link:close()
                end
            end
            print(own >= 11 or own)
            print(inherited() == before and "as before" or inherited())
            assert(kept and accepted and file and default)
        ]])
        assert.are.same({ "true", "as before" }, result)
    end)

    it("can be 0, 1 and 2 for sockets if the process has no standard input, output and error", function()
        local name = process.directory() .. "/answer"
        local certfile, keyfile = pki.chain("server-ec")
        local code = CONNECT .. [[
            local answer = {}
            local function say(value)
                answer[#answer + 1] = tostring(value)
            end
            local ok, failure = pcall(function()
                local first = connect() -- takes descriptor 0
                local pair, other = socket.socketpair() -- 1 and 2
                say(first:fileno())
                say(pair:fileno())
                say(other:fileno())
                first:sendall("over descriptor 0")
                say(first:recv(100))
                -- a connection that is used by its descriptors' numbers alone
                local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
                context:load_cert_chain(certfile, keyfile)
                local trusting = ssl.create_default_context { cafile = cafile }
                local a = context:wrap_socket(1, { server_side = true, do_handshake_on_connect = false })
                local b = trusting:wrap_socket(2, { server_hostname = "localhost", do_handshake_on_connect = false })
                a:settimeout(0)
                b:settimeout(0)
                for _ = 1, 4 do
                    pcall(b.do_handshake, b)
                    pcall(a.do_handshake, a)
                end
                b:send("over 1 and 2")
                say(a:recv(100))
                -- error messages are not written to a connection whose descriptor is 1 or 2
                pcall(context.load_cert_chain, context, "/no/such/file")
                pcall(first.connect, first, { "127.0.0.1", port })
                b:send("undisturbed")
                say(a:recv(100))
                first:close()
                pair:close()
                other:close()
                local reused = socket.socket()
                say(reused:fileno())
            end)
            if not ok then
                say(failure)
            end
            local file = assert(io.open(%q, "wb"))
            file:write(table.concat(answer, "\n"), "\n")
            file:close()
        ]]
        local script = process.write_file(process.directory() .. "/closed.lua",
            code:format(server.port, pki.path("root.pem"), certfile, keyfile, name))
        local command = { "sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh" }
        for _, word in ipairs(process.lua { script }) do
            command[#command + 1] = word
        end
        local result = process.run(command)
        assert.are.equal(0, result.status)
        assert.are.equal("0\n1\n2\nover descriptor 0\nover 1 and 2\nundisturbed\n0\n", process.read_file(name))
    end)

    local EMFILE = 24

    -- used_up() opens sockets until the system refuses one, and returns them and the failure.
    local FULL = [[
        local function used_up()
            local kept = {}
            while true do
                local ok, sock = pcall(socket.socket)
                if not ok then
                    return kept, sock
                end
                kept[#kept + 1] = sock
            end
        end
        local function why(f, ...)
            local ok, failure = pcall(f, ...)
            if ok then
                return "success"
            end
            return table.concat({ failure.class.name, failure.errno, tostring(failure) }, " ")
        end
    ]]

    -- limited runs the code in a process that may have no more than count open descriptors.
    local function limited(code, words)
        local certfile, keyfile = pki.chain("server-ec")
        local script = process.write_file(process.directory() .. "/limited.lua",
            (CONNECT .. FULL .. code):format(server.port, pki.path("root.pem"), certfile, keyfile))
        local command = { "sh", "-c", 'ulimit -n 40; exec "$@"', "sh" }
        local lua = { script }
        for _, word in ipairs(words or {}) do
            table.insert(lua, 1, word)
        end
        for _, word in ipairs(process.lua(lua)) do
            command[#command + 1] = word
        end
        local result = process.run(command)
        assert(result.status == 0, result.output .. result.errors)
        local answer = {}
        for line in result.output:gmatch("[^\n]+") do
            answer[#answer + 1] = line
        end
        return answer
    end

    it("raise EMFILE in each call that needs one if there is none, and the call works later", function()
        local result = limited [[
            local context = ssl.create_default_context { cafile = cafile }
            local listener = socket.socket()
            listener:bind { "127.0.0.1", 0 }
            listener:listen(4)
            local caller = socket.create_connection(listener:getsockname())
            local conn = connect()
            local kept, failure = used_up()
            print(failure.class.name, failure.errno, tostring(failure))
            print(why(socket.socketpair))
            print(why(listener.accept, listener))
            print(why(socket.create_connection, { "127.0.0.1", port }))
            print(why(context.load_cert_chain, context, certfile, keyfile))
            print(why(context.load_verify_locations, context, cafile))
            print(why(ssl.create_default_context, { cafile = cafile }))
            print(why(ssl.get_server_certificate, { "127.0.0.1", port }))
            -- open connections continue to work
            conn:sendall("still there")
            print(conn:recv(100))
            conn:close()
            for _, sock in ipairs(kept) do
                sock:close()
            end
            -- and every call works again, also accept of the connection that waited in the backlog
            local accepted = listener:accept()
            caller:sendall("waited")
            print(accepted:recv(100))
            context:load_cert_chain(certfile, keyfile)
            context:load_verify_locations(cafile)
            local again = connect()
            again:sendall("recovered")
            print(again:recv(100))
            print(#used_up() < 40)
        ]]
        local plain = "socket.error 24 [Errno 24] Too many open files"
        local function file(name)
            return ("IOError 24 [Errno 24] Too many open files: '%s'"):format(name)
        end
        local certfile = pki.chain("server-ec")
        assert.are.same({
            "socket.error\t" .. EMFILE .. "\t[Errno 24] Too many open files", plain, plain, plain, file(certfile),
            file(pki.path("root.pem")), file(pki.path("root.pem")), plain, "still there", "waited", "recovered", "true",
        }, result)
    end)

    it("a temporary error in reading the system's CA certificates is not cached", function()
        local result = limited([[
            local kept = used_up()
            print(why(ssl.create_default_context))
            for _, sock in ipairs(kept) do
                sock:close()
            end
            -- the environment names the right CA certificate
            local context = ssl.create_default_context()
            local conn = context:wrap_socket(socket.create_connection({ "127.0.0.1", port }, 10), { server_hostname = "localhost" })
            conn:sendall("trusted")
            print(conn:recv(100))
        ]], { "SSL_CERT_FILE=" .. pki.path("root.pem"), "SSL_CERT_DIR=/nowhere" })
        assert.are.same({
            ("IOError 24 [Errno 24] Too many open files: '%s'"):format(pki.path("root.pem")), "trusted",
        }, result)
    end)
end)
