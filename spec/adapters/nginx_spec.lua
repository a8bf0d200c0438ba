-- cleat in nginx (lua-nginx-module), which has its own OpenSSL: cosockets, workers, reloads.
local backend = require "cleat.backend"
local adapters = require "support.adapters"
local limits = require "support.limits"
local optional = require "support.optional"
local cleat_nginx = require "support.cleat_nginx"
local peer = require "support.peer"
local pki = require "support.pki"
local process = require "support.process"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local missing = cleat_nginx.missing()
local it = optional.tests(it, pending, missing)

local function open(port)
    return socket.create_connection({ "127.0.0.1", port }, 20)
end

local function ask(port, path)
    local sock = open(port)
    sock:sendall(("GET %s HTTP/1.0\r\n\r\n"):format(path))
    return sock
end

local function answer(sock)
    local page = adapters.receive(sock, math.huge)
    sock:close()
    return (page:match "\r\n\r\n(.*)$" or "no answer"):gsub("\n$", "")
end

-- get returns the body of a page, over plain HTTP.
local function get(port, path)
    return (answer(ask(port, path)))
end

describe("in nginx", function()
    local server, port
    setup(function()
        if not missing then
            server = cleat_nginx.start(1)
            port = server.ports[1]
        end
    end)
    teardown(function()
        process.cleanup()
    end)

    after_each(function()
        if server then
            cleat_nginx.check_log(server)
        end
    end)

    it("a cosocket carries TLS with verification, ALPN and a client certificate", function()
        local theirs, ours = get(port, "/fetch"):match "^(.-)|(.*)$"
        assert.is_truthy(theirs:find("CN=client", 1, true), theirs)
        assert.is_truthy(theirs:find("TLSv1.3 http/1.1 localhost", 1, true), theirs)
        assert.are.equal("TLSv1.3 http/1.1 localhost", ours)
    end)

    it("a wrong host name is refused, with the reason", function()
        assert.is_truthy(get(port, "/fetch?name=example.org"):find "^SSLError: .*CERTIFICATE_VERIFY_FAILED.*[Hh]ostname mismatch")
    end)

    it("cleat.https makes requests over cosockets", function()
        local text = get(port, "/request")
        assert.is_truthy(text:find "^1 200 CN=client,.*TLSv1.3 http/1.1", text)
    end)

    it("cleat uses BoringSSL and nginx uses OpenSSL, in the same process", function()
        local theirs, ours = get(port, "/libraries"):match "^(.-)|(.*)$"
        assert.is_truthy(theirs:find "^OpenSSL %d", theirs)
        assert.is_truthy(ours:find "BoringSSL", ours)
        assert.are.equal(ssl.OPENSSL_VERSION, ours)
        -- nginx serves TLS while its Lua does TLS with cleat
        local context = ssl.create_default_context { cafile = pki.path "root.pem" }
        context:load_cert_chain(pki.chain "client")
        local sock = context:wrap_socket(open(server.ports[2]), { server_hostname = "localhost" })
        sock:sendall "GET /who HTTP/1.0\r\n\r\n"
        assert.is_truthy(get(port, "/fetch"):find "CN=client")
        assert.is_truthy(adapters.receive(sock, 10000):find "CN=client")
        sock:close()
    end)

    it("a slow upstream does not delay the fast ones in the same worker", function()
        local slow = adapters.python("recv 3", "waiteof")
        local waiting = ask(port, "/line?port=" .. slow.port)
        local before = process.clock()
        for _ = 1, 20 do
            assert.is_truthy(get(port, "/fetch"):find "CN=client")
        end
        assert.are.equal("20", get(port, "/many?count=20"))
        local took = process.clock() - before
        -- the slow request has no response yet
        assert.are.equal(0, backend.poll({ waiting:fileno() }, { backend.const.POLLIN }, 1, 0))
        assert.is_true(took < limits.bound(15))
        waiting:close()
        slow:abandon()
        local job = adapters.python("recv 3", "send 736c6f770a", "waiteof")
        assert.are.equal("slow", get(port, "/line?port=" .. job.port))
        job:finish()
    end)

    it("one light thread reads 3.2 MB while another writes them", function()
        local job = adapters.python("echo", "unwrap")
        assert.are.equal("true", get(port, "/echo?size=3200000&port=" .. job.port))
        assert.are.equal("echo 3200000 end", job:finish()[2])
    end)

    it("the wrapper's and the cosocket's timeouts work", function()
        for _, query in ipairs { "timeout=0.1", "own=100" } do
            local job = adapters.python("recv 3", "waiteof")
            local before = process.clock()
            assert.is_truthy(get(port, "/line?" .. query .. "&port=" .. job.port):find "^SSLError: .*timed out", query)
            assert.is_true(process.clock() - before >= 0.09)
            job:finish()
        end
        local silent = peer.serve { "waiteof" }
        assert.is_truthy(get(port, "/line?timeout=0.1&port=" .. silent.port):find "^SSLError: .*timed out")
        silent:finish()
    end)

    it("an error has nginx's message", function()
        local unused = process.refusing_port()
        assert.is_truthy(get(port, "/line?port=" .. unused):find "^error: .*connect of the cosocket: connection refused")
        local job = adapters.python("recv 3", "reset")
        assert.is_truthy(get(port, "/line?port=" .. job.port):find "^error: .*receive of the cosocket: connection reset by peer")
        job:finish()
        job = peer.serve { "raw 485454502f312e3120343030204261640d0a0d0a", "waiteof" } -- plain HTTP
        local said = get(port, "/line?port=" .. job.port)
        assert.is_truthy(said:find "^SSLError: .*WRONG_VERSION_NUMBER" or said:find "^SSLError: .*HTTP", said)
        job:finish()
    end)

    it("the pool refuses TLS connections, and accepts what unwrap() returns", function()
        local job = adapters.python("unwrap", "waiteof")
        local refused, same, kept = get(port, "/pool?port=" .. job.port):match "^(.-)|(.-)|(.*)$"
        assert.is_truthy(refused:find("call unwrap()", 1, true))
        assert.are.equal("true", same)
        assert.are.equal("1", kept)
        job:abandon()
    end)

    it("the connection of a request can be wrapped, as the server", function()
        local sock = open(port)
        sock:sendall "GET /starttls HTTP/1.1\r\nHost: localhost\r\n\r\n"
        local line = adapters.receive(sock, 11)
        assert.are.equal("220 ready\r\n", line)
        sock = adapters.client():wrap_socket(sock, { server_hostname = "localhost" })
        assert.are.equal("TLSv1.3", sock:version())
        sock:sendall "shout"
        assert.are.equal("SHOUT", sock:recv(10))
        sock:unwrap():close()
        -- nginx's log has the alert of a client that does not trust the certificate
        sock = open(port)
        sock:sendall "GET /starttls HTTP/1.1\r\nHost: localhost\r\n\r\n"
        adapters.receive(sock, 11)
        assert.is_false(pcall(ssl.create_default_context { cafile = pki.path "unknown-root.pem" }.wrap_socket,
            ssl.create_default_context { cafile = pki.path "unknown-root.pem" }, sock, { server_hostname = "localhost" }))
        local deadline = process.clock() + limits.bound(10)
        repeat
            local log = process.read_file(server.directory .. "/error.log")
            process.sleep(0.01)
            assert(process.clock() < deadline, log)
        until log:find "starttls: .*TLSV1_ALERT_UNKNOWN_CA"
    end)

    it("wrong arguments raise errors before the workers start", function()
        assert.is_truthy(get(port, "/early"):find "nginx %(ngx.socket.tcp%)")
    end)

    it("a worker's memory and number of ids do not grow with its requests", function()
        for _ = 1, 100 do
            get(port, "/fetch")
        end
        local _, before, ids = get(port, "/garbage"):match "(%d+) (%d+) (%d+)"
        for _ = 1, 300 do
            get(port, "/fetch")
        end
        local _, after, ids_after = get(port, "/garbage"):match "(%d+) (%d+) (%d+)"
        assert.is_true(tonumber(ids_after) <= tonumber(ids), ("%s ids, then %s"):format(ids, ids_after))
        assert.is_true(tonumber(after) - tonumber(before) < 500, ("%s KiB, then %s KiB"):format(before, after))
    end)
end)

describe("nginx's workers", function()
    teardown(function()
        process.cleanup()
    end)

    it("use contexts made before the fork, and a hundred reloads leak no memory", function()
        local server = cleat_nginx.start(2, 120)
        local port = server.ports[1]
        local pid = process.read_file(server.directory .. "/nginx.pid"):match "%d+"
        local function resident()
            return tonumber(process.read_file("/proc/" .. pid .. "/status"):match "VmRSS:%s+(%d+) kB")
        end
        local function reloads()
            local _, count = process.read_file(server.directory .. "/error.log"):gsub("signal 1 %(SIGHUP%)", "")
            return count
        end
        local function workers_of_now()
            local _, count = process.read_file(server.directory .. "/error.log"):gsub("start worker process ", "")
            return count
        end
        local warm
        for i = 1, 100 do
            assert.is_truthy(get(port, "/fetch"):find "CN=client")
            local before = workers_of_now()
            os.execute("kill -HUP " .. pid)
            local deadline = process.clock() + limits.bound(10)
            while workers_of_now() < before + 2 do
                process.sleep(0.002)
                assert(process.clock() < deadline, "no new workers")
            end
            if i == 20 then
                warm = resident()
            end
        end
        assert.is_truthy(get(port, "/fetch"):find "CN=client")
        assert.are.equal(100, reloads())
        cleat_nginx.check_log(server)
        local grown = resident() - warm
        assert.is_true(grown < 2000, grown .. " kB in 80 reloads")
    end)
end)

describe("examples/nginx/nginx.conf", function()
    teardown(process.cleanup)

    it("makes a request to example.org, and reports why it refuses another server", function()
        local certfile, keyfile = process.directory() .. "/example.org.pem", pki.path "ec.key"
        local made = process.run { "openssl", "req", "-new", "-x509", "-key", keyfile, "-out", certfile, "-days", "2", "-subj",
            "/CN=example.org", "-addext", "subjectAltName=DNS:example.org" }
        assert.are.equal(0, made.status, made.errors)
        local text = process.read_file(process.root .. "/examples/nginx/nginx.conf")
        -- replace replaces a setting that must be in the text
        local function replace(old, new)
            local first, last = text:find(old, 1, true)
            assert(first, old)
            text = text:sub(1, first - 1) .. new .. text:sub(last + 1)
        end
        local build = os.getenv "CLEAT_BUILD_DIR" or process.root .. "/build/release"
        replace("lua/?.lua", process.root .. "/lua/?.lua")
        replace("build/release", build)
        replace("resolver 127.0.0.53 ipv6=off;", "")
        replace('{ "example.org", 443 }', '{ "127.0.0.1", tonumber(ngx.var.arg_port) }')
        replace("create_default_context()", ('create_default_context { cafile = "%s" }'):format(certfile))
        replace("access_log off;", "access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; " ..
            "uwsgi_temp_path uwsgi; scgi_temp_path scgi;")
        local directory = process.directory() .. "/example"
        os.execute("mkdir -p " .. directory .. "/logs")
        local server, port = process.on_free_port(function(port)
            local file = process.write_file(directory .. "/nginx.conf", (text:gsub("8080", tostring(port))))
            local program = process.start { "nginx", "-p", directory, "-e", "stderr", "-c", file, timeout = 30 }
            program:wait_for "(start worker process) "
            return program
        end)
        local cert = peer.serve { tls = true, cert = certfile, key = keyfile, alpn = "http/1.1", "handshake",
            "send 485454502f312e3120323034204e6f7468696e670d0a0d0a", "waiteof" }
        assert.are.equal("HTTP/1.1 204 Nothing\r", get(port, "/status?port=" .. cert.port))
        assert.is_truthy(cert:finish()[1]:find "http/1.1$")
        local other = adapters.python("waiteof")
        assert.is_truthy(get(port, "/status?port=" .. other.port):find "CERTIFICATE_VERIFY_FAILED")
        other:finish()
        server:stop()
    end)
end)
