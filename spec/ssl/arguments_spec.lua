-- Mistakes of a program raise errors that name the mistake: misspelt names, arguments in the wrong position, contexts
-- for the other role.
local errno = require "cleat.errno"
local errors = require "cleat.errors"
local handles = require "support.handles"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local raises = require "support.raises"
local select = require "cleat.select"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local function read(of, name)
    return function()
        return of[name]
    end
end

describe("names:", function()
    it("that a module or an enumeration does not have raise, and the error suggests a similar name", function()
        for _, case in ipairs {
            { ssl, "CERT_REQIRED", "module 'ssl' has no attribute 'CERT_REQIRED'; did you mean 'CERT_REQUIRED'?" },
            { ssl, "cert_required", "did you mean 'CERT_REQUIRED'?" },
            { ssl, "PROTOCOL_TLS_CLEINT", "did you mean 'PROTOCOL_TLS_CLIENT'?" },
            { ssl, "OP_NO_TLS1_1", "did you mean 'OP_NO_TLSv1_1'?" },
            { ssl, "SSLContex", "did you mean 'SSLContext'?" },
            { ssl, "create_defualt_context", "did you mean 'create_default_context'?" },
            { ssl, "SSLWantReadErorr", "did you mean 'SSLWantReadError'?" },
            { ssl, "HAS_APLN", "did you mean 'HAS_ALPN'?" },
            { socket, "SOCK_STREM", "module 'socket' has no attribute 'SOCK_STREM'; did you mean 'SOCK_STREAM'?" },
            { socket, "creat_connection", "did you mean 'create_connection'?" },
            { socket, "AF_INET66", "did you mean 'AF_INET6'?" },
            { select, "selct", "module 'select' has no attribute 'selct'; did you mean 'select'?" },
            { errno, "EAGIAN", "module 'errno' has no attribute 'EAGIAN'; did you mean 'EAGAIN'?" },
            { errors, "ValueErorr", "module 'cleat.errors' has no attribute 'ValueErorr'; did you mean 'ValueError'?" },
            { require "cleat.https", "requst", "module 'cleat.https' has no attribute 'requst'; did you mean 'request'?" },
            { ssl.TLSVersion, "TLSv1_4", "type object 'TLSVersion' has no attribute 'TLSv1_4'; did you mean 'TLSv1_3'?" },
            { ssl.TLSVersion, "TLSv12", "did you mean 'TLSv1_2'?" },
            { ssl.Purpose, "CLIENT_AUHT", "type object 'Purpose' has no attribute 'CLIENT_AUHT'; did you mean 'CLIENT_AUTH'?" },
        } do
            raises("AttributeError", { match = case[3] }, read(case[1], case[2]))
            assert.is_nil(rawget(case[1], case[2]))
        end
    end)

    it("that are similar to no other raise without a suggestion", function()
        for _, name in ipairs { "X", "", "nothing_like_it", ("CERT_REQUIRED"):rep(100), "\0", "enum_certificates" } do
            local err = raises("AttributeError", {}, read(ssl, name))
            assert.are.equal(("module 'ssl' has no attribute '%s'"):format(name), tostring(err))
        end
        raises("AttributeError", {}, read(errno, "X"))
        raises("AttributeError", {}, read(socket, "X"))
    end)

    it("that exist are ordinary fields, also for pairs and rawget", function()
        local count = 0
        for name, value in pairs(ssl) do
            assert.are.equal(value, rawget(ssl, name))
            assert.are.equal(value, ssl[name])
            count = count + 1
        end
        assert.is_true(count > 100)
        assert.are.equal("function", type(rawget(ssl, "create_default_context")))
        count = 0
        for _ in pairs(ssl.TLSVersion) do
            count = count + 1
        end
        assert.are.equal(7, count)
        assert.is_nil(ssl[1]) -- # and ipairs read this field
        assert.are.equal(0, #ssl)
        assert.is_true(ssl.Purpose:is(ssl.Purpose.SERVER_AUTH))
        assert.are.equal("EAGAIN", errno.errorcode[errno.EAGAIN])
        assert.are.equal("ENOENT", errno.errorcode[errno.ENOENT]) -- EPOLLPRI has the same number
        assert.is_nil(errno.errorcode[100000])
        ssl.mine = 5 -- a program may add to a module
        assert.are.equal(5, ssl.mine)
        ssl.mine = nil
        raises("AttributeError", {}, read(ssl, "mine"))
    end)

    it("of features are booleans", function()
        for name, wanted in pairs {
            ALPN = true, ECDH = true, SNI = true, NPN = true, TLSv1 = true, TLSv1_1 = true, TLSv1_2 = true, TLSv1_3 = true, SSLv2 = false,
            SSLv3 = false, NEVER_CHECK_COMMON_NAME = true, PSK = true, PSK_TLS13 = false, PHA = false,
        } do
            assert.are.equal(wanted, ssl["HAS_" .. name])
        end
    end)

    it("a misspelt mode does not leave a connection unverified", function()
        local first, second = socket.socketpair()
        raises("AttributeError", {}, function()
            return ssl.wrap_socket(first, { cert_reqs = ssl.CERT_REQIRED, do_handshake_on_connect = false })
        end)
        first:close()
        second:close()
    end)
end)

describe("contexts for one role:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    local CLIENT, SERVER = ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER

    it("B-02 B-03 B-06 have Python's numbers, names and settings", function()
        assert.are.same({ 16, 17, 2 }, { CLIENT, SERVER, ssl.PROTOCOL_TLS })
        local client, server = ssl.SSLContext(CLIENT), ssl.SSLContext { protocol = SERVER }
        assert.are.same({ CLIENT, ssl.CERT_REQUIRED, true }, { client.protocol, client.verify_mode, client.check_hostname })
        assert.are.same({ SERVER, ssl.CERT_NONE, false }, { server.protocol, server.verify_mode, server.check_hostname })
        assert.are.equal("<ssl.SSLContext PROTOCOL_TLS_CLIENT>", tostring(client))
        assert.are.equal("PROTOCOL_TLS_SERVER", ssl.get_protocol_name(SERVER))
        local names = {}
        for _, suite in ipairs(ssl.create_default_context():get_ciphers()) do
            names[#names + 1] = suite.name
        end
        for _, context in ipairs { client, server } do
            assert.are.equal(ssl.TLSVersion.TLSv1_2, context.minimum_version)
            assert.are.equal(ssl.TLSVersion.MAXIMUM_SUPPORTED, context.maximum_version)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            assert.are.equal(ssl.TLSVersion.TLSv1_3, context.minimum_version)
            for index, suite in ipairs(context:get_ciphers()) do
                assert.are.equal(names[index], suite.name)
            end
        end
    end)

    it("B-01 without a protocol a context is PROTOCOL_TLS", function()
        local context = ssl.SSLContext()
        assert.are.same({ ssl.PROTOCOL_TLS, ssl.CERT_NONE, false }, { context.protocol, context.verify_mode, context.check_hostname })
        assert.are.equal(ssl.SSLContext(ssl.PROTOCOL_TLS).minimum_version, context.minimum_version)
        for _, number in ipairs { 15, 18, 16 * 65536, -16 } do
            raises("ValueError", { match = "invalid protocol version" }, ssl.SSLContext, number)
        end
    end)

    local function serve(name)
        local certfile, keyfile = pki.chain(name)
        return peer.serve { tls = true, cert = certfile, key = keyfile, "handshake" }
    end

    local function connect(context, job, name)
        local sock = socket.create_connection({ "127.0.0.1", job.port }, 10)
        local ok, result = pcall(context.wrap_socket, context, sock, { server_hostname = name })
        sock:close()
        if ok then
            result:close()
        end
        job:finish()
        return ok, result
    end

    it("a client's context verifies the chain and the name", function()
        local context = ssl.SSLContext(CLIENT)
        local ok, err = connect(context, serve("server-ec"), "localhost") -- no CA certificates are loaded yet
        assert.is_false(ok)
        raises.check(err, "SSLCertVerificationError", { verify_code = 20 })
        context:load_verify_locations(pki.path("root.pem"))
        assert.is_true((connect(context, serve("server-ec"), "localhost")))
        ok, err = connect(context, serve("server-ec"), "elsewhere.test")
        assert.is_false(ok)
        raises.check(err, "SSLCertVerificationError", { verify_code = 62 })
        ok, err = connect(context, serve("unknown"), "localhost")
        assert.is_false(ok)
        raises.check(err, "SSLCertVerificationError", { verify_code = 20 })
        local sock = socket.socket()
        raises("ValueError", { match = "check_hostname requires server_hostname" }, context.wrap_socket, context, sock)
        raises("ValueError", { match = "Cannot set verify_mode to CERT_NONE" }, function() context.verify_mode = ssl.CERT_NONE end)
        sock:close()
    end)

    it("B-02 B-03 for the other role they raise an error that is an SSLError and a ValueError", function()
        local wrong = { library = "SSL", reason = "CALLED_A_FUNCTION_YOU_SHOULD_NOT_CALL", errno = ssl.SSL_ERROR_SSL }
        local client, server = ssl.SSLContext(CLIENT), ssl.SSLContext(SERVER)
        client.check_hostname = false
        local first, second = socket.socketpair()
        for _, sock in ipairs { first, socket.socket() } do
            wrong.match = "Cannot create a server socket with a PROTOCOL_TLS_CLIENT context"
            raises({ "SSLError", "ValueError" }, wrong, client.wrap_socket, client, sock, { server_side = true })
            raises({ "SSLError", "ValueError" }, wrong, client.wrap_socket, client, sock, true)
            wrong.match = "Cannot create a client socket with a PROTOCOL_TLS_SERVER context"
            raises({ "SSLError", "ValueError" }, wrong, server.wrap_socket, server, sock)
            raises({ "SSLError", "ValueError" }, wrong, server.wrap_socket, server, sock, { server_hostname = "a" })
        end
        raises("SSLError", wrong, server.wrap_bio, server, ssl.MemoryBIO(), ssl.MemoryBIO())
        wrong.match = "Cannot create a server socket"
        raises("SSLError", wrong, client.wrap_bio, client, ssl.MemoryBIO(), ssl.MemoryBIO(), true)
        first:sendall("still plain")
        assert.are.equal("still plain", second:recv(100))
        first:close()
        second:close()
    end)

    it("a server's context accepts connections", function()
        local server = ssl.SSLContext(SERVER)
        server:load_cert_chain(pki.chain("server-ec"))
        local client = ssl.SSLContext(CLIENT)
        client:load_verify_locations(pki.path("root.pem"))
        local left, right = ssl.MemoryBIO(), ssl.MemoryBIO()
        local one = client:wrap_bio(left, right, { server_hostname = "localhost" })
        local two = server:wrap_bio(right, left, true)
        local done = {}
        for _ = 1, 10 do
            for _, side in ipairs { one, two } do
                if not done[side] then
                    local ok, err = pcall(side.do_handshake, side)
                    assert.is_true(ok or ssl.SSLWantReadError:is(err), tostring(err))
                    done[side] = ok
                end
            end
        end
        one:write("hello")
        assert.are.equal("hello", two:read(10))
    end)

    it("read returns at most the decrypted bytes that fit into a buffer, whatever the size", function()
        local certfile, keyfile = pki.chain("server-ec")
        local server = ssl.SSLContext(SERVER)
        server:load_cert_chain(certfile, keyfile)
        local context = ssl.SSLContext(CLIENT)
        context:load_verify_locations(pki.path("root.pem"))
        local job = peer.serve { tls = true, cert = certfile, key = keyfile, "handshake", "send " .. peer.hex("0123456789abcdefghij"),
            "notify" }
        local plain = socket.create_connection({ "127.0.0.1", job.port }, 10)
        local sock = context:wrap_socket(plain, { server_hostname = "localhost" })
        local buffer = socket.buffer(4)
        assert.are.equal(4, sock:read(5, buffer))
        assert.are.equal("0123", tostring(buffer))
        assert.are.equal(4, sock:recv_into(buffer, 2 ^ 31 - 1))
        assert.are.equal("4567", tostring(buffer))
        assert.are.equal(3, sock:recv_into(buffer, 3))
        assert.are.equal("89a7", tostring(buffer))
        assert.are.equal(0, sock:recv_into(socket.buffer(0), 5))
        assert.are.equal(4, sock:recv_into(buffer, 0))
        assert.are.equal("bcde", tostring(buffer))
        raises("ValueError", { match = "negative buffersize" }, sock.recv_into, sock, buffer, -1)
        raises("ValueError", { match = "negative buffersize" }, sock.read, sock, -1, buffer)
        raises("ValueError", { match = "must be between" }, sock.read, sock, 2 ^ 31, buffer)
        raises("TypeError", {}, sock.read, sock, "5", buffer)
        sock:close()
        job:finish()
        -- The same over memory.
        local left, right = ssl.MemoryBIO(), ssl.MemoryBIO()
        local one = context:wrap_bio(left, right, { server_hostname = "localhost" })
        local two = server:wrap_bio(right, left, true)
        for _ = 1, 3 do
            pcall(one.do_handshake, one)
            pcall(two.do_handshake, two)
        end
        two:write("0123456789")
        assert.are.equal(4, one:read(100, buffer))
        assert.are.equal("0123", tostring(buffer))
        assert.are.equal(4, one:read(nil, buffer))
        assert.are.equal("4567", tostring(buffer))
        -- Plain sockets raise, as in Python.
        local first, second = socket.socketpair()
        raises("ValueError", { match = "buffer too small for requested bytes" }, first.recv_into, first, buffer, 5)
        first:close()
        second:close()
    end)

    it("are accepted by the functions that take a protocol", function()
        local first, second = socket.socketpair()
        raises("ValueError", { match = "Cannot set verify_mode to CERT_NONE" }, ssl.wrap_socket, first, { ssl_version = CLIENT })
        raises("SSLError", { match = "Cannot create a client socket" }, ssl.wrap_socket, first, { ssl_version = SERVER })
        first:close()
        second:close()
        local context = ssl._create_unverified_context(CLIENT)
        assert.are.same({ ssl.CERT_NONE, false }, { context.verify_mode, context.check_hostname })
        context = ssl._create_unverified_context(CLIENT, { cert_reqs = ssl.CERT_REQUIRED, check_hostname = true,
            cafile = pki.path("root.pem") })
        assert.are.same({ ssl.CERT_REQUIRED, true }, { context.verify_mode, context.check_hostname })
        local job = serve("server-ec")
        local text = ssl.get_server_certificate({ "localhost", job.port }, CLIENT)
        assert.are.equal(ssl.PEM_HEADER, text:sub(1, #ssl.PEM_HEADER))
        job:finish()
    end)
end)

describe("arguments:", function()
    handles.watch(before_each, after_each)
    teardown(process.cleanup)

    it("of an address: the error names the wrong part", function()
        local sock = socket.socket()
        for _, case in ipairs {
            { { "localhost", "443" }, "port must be an integer, not the string '443'" },
            { { "localhost", "https" }, "port must be an integer, not the string 'https'" },
            { { "localhost" }, "port must be an integer, not nil" },
            { { "localhost", 1.5 }, "port must be an integer, not 1.5" },
            { { "localhost", {} }, "port must be an integer, not table" },
            { { 443, "localhost" }, "host must be a string, not 443" },
            { { nil, 443 }, "host must be a string, not nil" },
            { { "localhost", 443, 0 }, "{host, port}: it has a field [3]" },
            { { "localhost", 443, 0, 0 }, "{host, port}: it has a field" },
            { { "localhost", 443, timeout = 5 }, "{host, port}: it has a field 'timeout'" },
            { { host = "localhost", port = 443 }, "{host, port}: it has a field '" },
        } do
            for _, method in ipairs { "bind", "connect", "connect_ex" } do
                local err = raises("TypeError", { match = method .. "() takes an address {host, port" }, sock[method], sock, case[1])
                assert.is_truthy(tostring(err):find(case[2], 1, true), tostring(err))
            end
        end
        raises("ValueError", { match = "port must be 0-65535" }, sock.connect, sock, { "localhost", 65536 })
        raises("TypeError", { match = "must be an address {host, port}, not string" }, sock.connect, sock, "localhost")
        sock:close()
        sock = socket.socket(socket.AF_INET6)
        raises("TypeError", { match = "{host, port, flowinfo, scopeid}: it has a field [5]" }, sock.connect, sock, { "::1", 1, 0, 0, 0 })
        raises("TypeError", { match = "it has a field 'scope'" }, sock.connect, sock, { "::1", 1, scope = 0 })
        sock:bind { "::1", 0, 0, 0 }
        sock:close()
    end)

    it("create_connection, and no other function, accepts a port as a string, or a service", function()
        local listener = socket.socket()
        listener:bind { "127.0.0.1", 0 }
        listener:listen(5)
        local port = listener:getsockname()[2]
        for _, form in ipairs { port, port + 0.0, tostring(port), "000" .. port } do
            local sock = socket.create_connection({ "127.0.0.1", form }, 10)
            assert.are.equal(port, sock:getpeername()[2])
            sock:close()
        end
        -- The address of an IPv6 socket has four elements.
        local six = socket.socket(socket.AF_INET6)
        six:bind { "::1", 0 }
        six:listen(1)
        local sock = socket.create_connection(six:getsockname(), 10)
        assert.are.same(six:getsockname(), sock:getpeername())
        sock:close()
        six:close()
        raises("TypeError", { match = "it has a field [5]" }, socket.create_connection, { "::1", 1, 0, 0, 0 })
        -- The system knows the port of a service.
        local seen
        local resolve = require("cleat.socket.address").resolve
        require("cleat.socket.address").resolve = function(host, service, ...)
            seen = { host, service }
            return resolve("127.0.0.1", port, ...)
        end
        local ok
        ok, sock = pcall(socket.create_connection, { "localhost", "https" }, 10)
        require("cleat.socket.address").resolve = resolve
        assert.is_true(ok, tostring(sock))
        assert.are.same({ "localhost", "https" }, seen)
        sock:close()
        listener:close()
        assert.are.equal(443, socket.getaddrinfo("127.0.0.1", "https")[1][5][2])
        raises("gaierror", {}, socket.create_connection, { "127.0.0.1", "no-such-service" })
        for _, case in ipairs {
            { { "localhost", "65536" }, "ValueError", "port must be 0-65535" }, { { "localhost", 65536 }, "ValueError",
                "port must be 0-65535" },
            { { "localhost", ("9"):rep(400) }, "ValueError", "port must be 0-65535" }, { { "localhost", -1 }, "ValueError",
                "port must be 0-65535" },
            { { "localhost", "" }, "ValueError", "port must be a number or a service, not the string ''" },
            { { "localhost", "ht\0tp" }, "ValueError", "port must be a number or a service" },
            { { "localhost", 1.5 }, "TypeError", "port must be an integer or a string, not 1.5" },
            { { "localhost" }, "TypeError", "port must be an integer or a string, not nil" },
            { { "localhost", 443, 5 }, "TypeError", "it has a field [3]" },
            { { "localhost", 443, timeout = 5 }, "TypeError", "it has a field 'timeout'" },
            { { host = "localhost", port = 443 }, "TypeError", "unexpected keyword argument" },
            { { 5, 443 }, "TypeError", "host must be a string, not 5" },
            { "localhost:443", "TypeError", "must be an address {host, port}, not string" },
        } do
            raises(case[2], { match = case[3] }, socket.create_connection, case[1])
        end
    end)

    it("in the wrong position: the error shows how to pass them", function()
        raises("TypeError", { match = "not string: pass the CA certificates as create_default_context{cafile = …}" },
            ssl.create_default_context, "/etc/ssl/ca.pem")
        local context = ssl.create_default_context()
        local sock = socket.socket()
        raises("TypeError", { match = "'server_side' must be a boolean, not string: pass the server's name as " ..
            "wrap_socket(sock, {server_hostname = …})" }, context.wrap_socket, context, sock, "example.org")
        sock:close()
    end)

    it("out of a backend's range raise before the backend is called", function()
        for _, case in ipairs {
            { "ValueError", "file descriptor is out of range (2147483648)", select.select, { 2 ^ 31 }, {}, {}, 0 },
            { "ValueError", "file descriptor is out of range", select.select, {}, { 1e300 }, {}, 0 },
            { "ValueError", "file descriptor cannot be a negative integer", select.select, {}, {}, { -1 }, 0 },
            { "TypeError", "or have a fileno() method, not table", select.select, { {} }, {}, {}, 0 },
            { "TypeError", "or have a fileno() method, not ssl.SSLContext", select.select, { ssl.SSLContext() }, {}, {}, 0 },
            { "TypeError", "or have a fileno() method, not string", select.select, { "1" }, {}, {}, 0 },
            { "TypeError", "or have a fileno() method, not 1.5", select.select, { 1.5 }, {}, {}, 0 },
            { "TypeError", "or have a fileno() method, not", select.select, { io.stdout }, {}, {}, 0 },
            { "TypeError", "or have a fileno() method, not table", select.select, { { fileno = 5 } }, {}, {}, 0 },
        } do
            raises(case[1], { match = case[2] }, case[3], case[4], case[5], case[6], case[7])
        end
        local mine = {}
        local ok, err = pcall(select.select, { { fileno = function() error(mine) end } }, {}, {}, 0)
        assert.are.same({ false, mine }, { ok, err })
        local context = ssl.SSLContext()
        for _, name in ipairs { "set_alpn_protocols", "set_npn_protocols", "set_ticket_keys", "set_ticket_secret" } do
            raises("TypeError", { match = "must be an array of strings: [1] is nil" }, context[name], context, { nil, ("x"):rep(80) })
            raises("TypeError", { match = "must be an array of strings: [2] is nil" }, context[name], context,
                { ("x"):rep(80), nil, ("y"):rep(80) })
            raises("TypeError", { match = "not a table with the key 'x'" }, context[name], context, { ("x"):rep(80), x = 1 })
        end
        raises("TypeError", { match = "nil is in it" }, function()
            context.scts = { "a", nil, "b" }
        end)
        for _, fd in ipairs { 2 ^ 31, 2 ^ 53, 1e300, math.huge, 0 / 0, -1, 1.5 } do
            raises("TypeError", { match = "argument 'sock' must be a socket or a descriptor" }, context.wrap_socket, context, fd)
        end
    end)

    it("of any type, in any position, raise error objects only, and never a backend's messages", function()
        local function raising()
            return setmetatable({}, { __index = function() error("mine", 0) end })
        end
        local odd = {
            2 ^ 31, -2 ^ 31 - 1, 0, 1.5, 0 / 0, math.huge, 1e300, "", "a\0b", {}, { {} }, { 2 ^ 31 }, { "a", 2 ^ 31 }, true, print,
                io.stdout,
            raising(), socket.buffer(4), ssl.SSLContext(),
        }
        local path = process.directory() .. "/x" -- binding a Unix socket to it makes a file
        local texts = {}
        local function try(name, f, ...)
            local ok, err = pcall(f, ...)
            if not ok and type(err) == "string" and err ~= "mine" then
                texts[#texts + 1] = name .. ": " .. err
            end
        end
        local function try_all(name, f, self)
            for _, value in ipairs(odd) do
                try(name, f, self or value, self and value)
                try(name, f, self or path, self and path or value, self and value)
            end
        end
        -- These calls block, change state of the other specs, or close descriptors.
        local left_out = {
            ["socket.socket"] = true, ["socket.SocketType"] = true, ["socket.getaddrinfo"] = true, ["socket.setdefaulttimeout"] = true,
            ["socket.setdefaultwaiter"] = true, ["ssl._https_verify_certificates"] = true, close = true, detach = true, setwaiter = true,
            setblocking = true, settimeout = true, do_handshake = true,
        }
        for module, of in pairs { ssl = ssl, socket = socket, select = { select = select.select } } do
            for field, f in pairs(of) do
                local name = module .. "." .. field
                local is_class = type(f) == "table" and getmetatable(f) and getmetatable(f).__call
                if not left_out[name] and (type(f) == "function" or is_class) then
                    try_all(name, f)
                end
            end
        end
        local first, second = socket.socketpair()
        first:setblocking(false)
        local datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagram:setblocking(false)
        local context = ssl.SSLContext()
        local stream = context:wrap_socket(first, { do_handshake_on_connect = false })
        local plain, other = socket.socketpair()
        plain:setblocking(false)
        local file = other:makefile("r")
        for name, object in pairs {
            plain = plain, datagram = datagram, stream = stream, context = context, bio = ssl.MemoryBIO(), buffer = socket.buffer(8),
            object = context:wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO()),
        } do
            local of = getmetatable(object).class
            for method, f in pairs(getmetatable(of).__index) do
                if type(f) == "function" and method:sub(1, 1) ~= "_" and not left_out[method] then
                    try_all(name .. ":" .. method, f, object)
                end
            end
            for attribute in pairs(rawget(of, "setters") or {}) do
                for _, value in ipairs(odd) do
                    try(name .. "." .. attribute, function() object[attribute] = value end)
                end
            end
        end
        for _, object in ipairs { file, stream, plain, first, second, other, datagram } do
            object:close()
        end
        assert.are.same({}, texts)
    end)

    it("a file writes numbers as Lua's files do", function()
        local first, second = socket.socketpair()
        local file, same = first:makefile("w", 0), io.tmpfile()
        for _, number in ipairs { 0, 1, -1, 1.5, 3.0, 1e15, 1e100, 2 ^ 53, 0.1, 1 / 0, 12345678901234 } do
            file:write(number, " ")
            same:write(number, " ")
        end
        same:seek("set")
        assert.are.equal(same:read("*a"), second:recv(1000))
        same:close()
        raises("TypeError", { match = "write() takes strings, buffers or numbers, not nil" }, file.write, file, "a", nil)
        raises("TypeError", { match = "write() takes strings, buffers or numbers, not boolean" }, file.write, file, true)
        file:close()
        first:close()
        second:close()
    end)
end)

describe("an uncaught error shows", function()
    teardown(process.cleanup)

    -- failing returns the output of a script that does not catch an error of the code in its fourth line.
    local function failing(code)
        local script = process.write_file(process.directory() .. "/mistake.lua", table.concat({
            'local ssl, socket, errors = require "cleat.ssl", require "cleat.socket", require "cleat.errors"', "local function f(sock)",
            "    -- one line, and the next", "    " .. code, "end", "f(socket.socket())",
        }, "\n"))
        local result = process.run(process.lua { script })
        assert.are.equal(1, result.status)
        assert.are.equal("", result.output)
        return result.errors:match("^[^\n]*"), script
    end

    -- Lua 5.1's interpreter prints no other errors than strings.
    local shows_errors = _VERSION ~= "Lua 5.1" or rawget(_G, "jit")
    local it_shows = shows_errors and it or pending
    it_shows("the caller's position", function()
        for code, words in pairs {
            ["sock:settimeout('5')"] = "settimeout() argument 'timeout' must be a number or nil, not string",
            ["sock:settimeout(-1)"] = "Timeout value out of range",
            ["sock:connect { 'localhost', '443' }"] = "port must be an integer, not the string '443'",
            ["return ssl.CERT_REQIRED, 1"] = "module 'ssl' has no attribute 'CERT_REQIRED'; did you mean 'CERT_REQUIRED'?",
            ["sock.timeuot = 5"] = "'socket.socket' object has no attribute 'timeuot'",
            ["ssl.SSLContext(42)"] = "invalid protocol version",
            ["ssl.create_default_context { cafiel = 'x' }"] = "unexpected keyword argument 'cafiel'",
            ["select('#', pcall(error)) local x = ssl.create_default_context() x.verify_mode = 7"] = "invalid value for verify_mode",
            ["coroutine.wrap(function() sock:settimeout('5') end)()"] = "settimeout() argument 'timeout'",
            ["sock:makefile('w', 0):write(nil)"] = "write() takes strings, buffers or numbers, not nil",
        } do
            local line, script = failing(code)
            assert.is_truthy(line:find(script .. ":4: ", 1, true), line)
            assert.is_truthy(line:find(words, 1, true), line)
        end
    end)

    it("no position if the program converts the error to text or handles it", function()
        local ok, err = pcall(function() socket.socket():settimeout("5") end)
        assert.is_false(ok)
        local words = "settimeout() argument 'timeout' must be a number or nil, not string"
        assert.are.equal(words, tostring(err))
        assert.are.equal(words, ("%s"):format(tostring(err)))
        assert.are.equal("> " .. words .. " <", "> " .. err .. " <")
        assert.are.same({ true, words }, { pcall(tostring, err) })
        if not shows_errors then
            return
        end
        local line = failing("sock:connect { '127.0.0.1', " .. process.refusing_port() .. " }")
        assert.is_truthy(line:find("[Errno 111] Connection refused", 1, true), line)
        assert.is_nil(line:find("mistake.lua", 1, true))
    end)

    it("a traceback that begins at the caller", function()
        local code = [[
            local ssl, socket, errors = require "cleat.ssl", require "cleat.socket", require "cleat.errors"
            local function innermost(f, ...)
                local result = f(...) -- line 3
                return result
            end
            local function traceback_of(...)
                local _, err = pcall(innermost, ...)
                return err.traceback
            end
            local sock = socket.socket()
            sock:settimeout(0.01)
            local first, second = socket.socketpair()
            for _, case in ipairs {
                { sock.settimeout, sock, "5" }, { sock.connect, sock, { "127.0.0.1", %d } }, { ssl.create_default_context,
                    { cafile = "/none" } },
                { function() return ssl.NOTHING, 1 end }, { ssl.wrap_socket, first, { keyfile = "x" } },
                { ssl.create_default_context().wrap_socket, ssl.create_default_context(), first, { server_hostname = "." } },
                { socket.getaddrinfo, "127.0.0.1", "no-such-service" },
                { errors.raise, errors.ValueError, "mine" },
            } do
                local text = traceback_of((table.unpack or unpack)(case))
                print((text:match("^[^\n]*\nstack traceback:\n%%s*(%%S+:%%d+):") or text):match("[^/]*$"), text:find("lua/cleat/", 1,
                    true))
            end
        ]]
        local output = process.run_code(code:format(process.refusing_port()))
        local lines = {}
        for line in output:gmatch("[^\n]+") do
            lines[#lines + 1] = line:match("%.lua:(%d+)\tnil$") or line
        end
        assert.are.same({ "3", "3", "3", "16", "3", "3", "3", "3" }, lines)
    end)

    it("a traceback in xpcall", function()
        local output = process.run_code([[
            local socket = require "cleat.socket"
            local function main()
                socket.socket():settimeout("5")
            end
            xpcall(main, function(err)
                print(type(err) == "table" and err.traceback or debug.traceback(tostring(err), 2))
            end)
        ]])
        assert.is_truthy(output:find("^settimeout%(%) argument 'timeout' must be [^\n]*\nstack traceback:\n\t[^\n]*:3: in "), output)
    end)
end)
