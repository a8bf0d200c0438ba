-- cleat's TLS with the cosocket's methods, in nginx: the same scripts run with nginx's cosockets and with cleat's. And
-- the pool of connections.
local adapters = require "support.adapters"
local cleat_nginx = require "support.cleat_nginx"
local nginx = require "support.nginx"
local optional = require "support.optional"
local pki = require "support.pki"
local limits = require "support.limits"
local process = require "support.process"
local redis = require "support.redis"
local socket = require "cleat.socket"

local missing = cleat_nginx.missing()
local it = optional.tests(it, pending, missing)

local CONTROL = [[
    lua_socket_log_errors off;
    lua_ssl_trusted_certificate %s; lua_ssl_verify_depth 3; lua_ssl_protocols TLSv1.2 TLSv1.3;
    set $upstream %d; set $plain %d;
    location = /both { content_by_lua_block { app.both() } }
    location = /kept { content_by_lua_block { app.kept() } }
    location = /early { content_by_lua_block { ngx.say(app.early) } }
    location = /who { return 200 "plain"; }
    location = /sweep { content_by_lua_block { app.sweep() } }
    location = /ids { content_by_lua_block { app.ids() } }
]]

local UPSTREAM = [[
    listen 127.0.0.1:%d ssl; keepalive_timeout 60; keepalive_requests 1000;
    ssl_verify_client optional; ssl_client_certificate %s; ssl_verify_depth 2;
    location = /who { return 200 "(%s $ssl_client_s_dn)"; }
    location = /websocket { content_by_lua_block { app.websocket() } }
    location = /serve { content_by_lua_block { app.serve() } }
]]

local function get(port, path)
    local sock = socket.create_connection({ "127.0.0.1", port }, 20)
    sock:sendall(("GET %s HTTP/1.0\r\n\r\n"):format(path))
    local page = adapters.receive(sock, math.huge)
    sock:close()
    return (page:match "\r\n\r\n(.*)$" or "no answer"):gsub("\n$", "")
end

describe("cosockets with cleat's TLS", function()
    local server, port
    setup(function()
        if not missing then
            local upstream, plain = process.free_port(), process.free_port()
            server = nginx.start(nginx.lua({
                { listen = "", lines = CONTROL:format(pki.path "root.pem", upstream, plain) .. ("listen 127.0.0.1:%d;"):format(plain) },
                { lines = UPSTREAM:format(upstream, pki.path "root.pem", "$connection_requests") },
                connections = 256,
            }, "support.nginx_cosocket_app"))
            port = server.ports[1]
        end
    end)
    teardown(process.cleanup)

    after_each(function()
        if server then
            cleat_nginx.check_log(server)
        end
    end)

    -- both returns the output of a script with nginx's cosockets, and with cleat's.
    local function both(script, more)
        local page = get(port, ("/both?script=%s&closed=%d%s"):format(script, process.refusing_port(), more or ""))
        local theirs, ours = page:match "^(.-)\n%-%-%-%-\n(.-)\n%-%-%-%-$"
        return theirs or page, ours
    end

    for _, script in ipairs { "lines", "sizes", "large", "any", "until", "timeouts", "sends", "arguments", "closed", "left",
        "handshakes", "certificate", "threads", "options", "timer", "plain", "backlog", "names", "mismatch", "numbers" } do
        it("behave as nginx's do: " .. script, function()
            local theirs, ours = both(script)
            assert.are.equal(theirs, ours)
        end)
    end

    it("can be used while a handshake waits as nginx's can, and after its light thread was killed", function()
        local silent = socket.socket()
        silent:bind { "127.0.0.1", 0 }
        silent:listen(5)
        local theirs, ours = both("shaking", "&silent=" .. silent:getsockname()[2])
        silent:close()
        assert.are.equal(theirs, ours)
    end)

    it("can be used after a handshake with a name that no server can have", function()
        local _, ours = both("refused", "&only=cleat")
        assert.are.equal(('1\ntrue nil "SSL_set_tlsext_host_name failed"\n1\n1\n1\ntrue session\n1\n1\n'):rep(5), ours .. "\n")
    end)

    it("end a handshake with a silent server after the timeout of connect()", function()
        local silent = socket.socket()
        silent:bind { "127.0.0.1", 0 }
        silent:listen(5)
        local theirs, ours = both("silent", "&silent=" .. silent:getsockname()[2])
        assert.are.equal('1\nnil "timeout"\nnil "closed"', theirs)
        assert.are.equal(theirs, ours)
        silent:close()
    end)

    local no_redis = redis.missing() or optional.file("/usr/share/lua/5.1/nginx/redis.lua", "lua-nginx-redis")
    optional.tests(it, pending, not missing and no_redis)("behave as nginx's do under lua-nginx-redis, which pools them", function()
        local tls_port = process.free_port()
        local chain, key = pki.chain "server-ec"
        local words = { "--tls-port", tostring(tls_port), "--tls-cert-file", chain, "--tls-key-file", key, "--tls-ca-cert-file",
            pki.path "root.pem", "--tls-auth-clients", "no" }
        local store = redis.start(words)
        local theirs, ours = both("redis", "&redis=" .. tls_port)
        store:stop()
        assert.are.equal(theirs, ours)
        assert.is_truthy(ours:find "\n2\ntrue\n\"OK\"\n25000 0 \"number\"\n", ours)
    end)

    local no_websocket = optional.file("/usr/share/lua/5.1/nginx/websocket/client.lua", "lua-nginx-websocket")
    optional.tests(it, pending, not missing and no_websocket)("behave as nginx's do under lua-nginx-websocket, which pools them", function()
        local theirs, ours = both "websocket"
        assert.are.equal(theirs, ours)
        assert.is_truthy(ours:find "70000 \"binary\"\n\"there%?\" \"pong\" nil\n1$", ours)
    end)

    -- kept returns the response of app.kept: how often the connection was used before, the server's count of its
    -- requests, and the client certificate.
    local function kept(query)
        return get(port, "/kept?" .. query)
    end

    it("are pooled with their TLS state, and used again", function()
        assert.are.equal("0(1 ) 1(2 ) 2(3 )", kept "n=3&pool=again")
        assert.are.equal("3(4 )", kept "pool=again&skip=1")
        assert.are.equal("0(1 )", kept "pool=another")
    end)

    it("are not pooled if they were not verified, unless the program allows it", function()
        assert.are.equal("0(1 ) 0(1 )", kept "n=2&pool=unverified&verify=no")
        assert.are.equal("0(1 )", kept "pool=unverified&verify=no&skip=1")
        assert.is_truthy(process.read_file(server.directory .. "/error.log"):find("was not verified, so it is closed", 1, true))
        assert.are.equal("0(1 ) 1(2 )", kept "n=2&pool=unverified&verify=no&tcp=unverified")
        assert.are.equal("0(1 ) 1(2 )", kept "n=2&pool=unverified&verify=no&tcp=always")
        assert.are.equal("2:certificate host mismatch", kept "pool=unverified&verify=no&tcp=always&name=example.org&size=1")
    end)

    it("with different settings share neither connections nor a pool", function()
        local function alternate(pool, ...)
            assert.are.equal("0(1 )", kept("pool=" .. pool), pool)
            assert.are.equal("1(2 )", kept("pool=" .. pool), pool)
            for _, case in ipairs { ... } do
                assert.are.equal(case[2], kept("pool=" .. pool .. case[1]), case[1])
            end
            -- the settings differ, so that no connection is kept
            assert.are.equal("0(1 ) 0(1 )", kept("n=2&pool=" .. pool), pool)
            assert.are.equal("0(1 )", kept("skip=1&pool=" .. pool), pool)
        end
        alternate("name", { "&name=example.org", "2:certificate host mismatch" }, { "&name=", "0(1 )" })
        alternate("verify", { "&verify=no", "0(1 )" }, { "", "0(1 )" })
        alternate("certificate", { "&certificate=1", "0(1 CN=client,O=cleat tests)" }, { "", "0(1 )" })
        assert.is_truthy(process.read_file(server.directory .. "/error.log"):find("have different settings", 1, true))
    end)

    it("made by different functions do not share a pool", function()
        assert.are.equal("0(1 ) 1(2 )", kept "n=2&pool=functions")
        assert.are.equal("0(1 ) 1(2 )", kept "n=2&pool=functions&tcp=other")
        assert.is_truthy(kept("pool=functions&tcp=unknown"):find "^0:20: unable to get local issuer certificate$")
        assert.are.equal("2(3 )", kept "pool=functions")
    end)

    it("of two requests at the same time are two connections, of which a full pool closes one", function()
        local hold = 0.1 -- seconds for which a request uses a connection: the second one has to begin before they are over
        local function two(pool, size)
            local query = ("/kept?hold=%g&pool=%s%g&size=%d"):format(hold, pool, hold, size)
            local first = socket.create_connection({ "127.0.0.1", port }, 20)
            first:sendall("GET " .. query .. " HTTP/1.0\r\n\r\n")
            local pages = { (get(port, query)), (adapters.receive(first, math.huge):match "\r\n\r\n(.-)\n$") }
            first:close()
            table.sort(pages)
            return table.concat(pages, " ")
        end
        local found
        for _ = 1, 4 do
            found = { two("two", 5), two("two", 5), two("full", 1), two("full", 1) }
            if found[1] == "0(1 ) 0(1 )" then
                break
            end
            hold = hold * 4 -- a busy machine
        end
        assert.are.same({ "0(1 ) 0(1 )", "1(2 ) 1(2 )", "0(1 ) 0(1 )", "0(1 ) 1(2 )" }, found)
    end)

    it("are replaced after the pool's timeout", function()
        assert.are.equal("0(1 ) 0(1 )", kept "n=2&pool=time&idle=1&after=0.03")
    end)

    it("are removed with their TLS state after the pool's timeout, and so are pools that are not used any more", function()
        local function sweep(times)
            return tonumber((get(port, "/sweep?times=" .. times)))
        end
        sweep(400) -- closes the connections of other tests
        local ids = tonumber((get(port, "/ids")))
        assert.are.equal("0(1 )", kept "pool=old&idle=5000")
        assert.are.equal(ids + 1, tonumber((get(port, "/ids"))))
        sweep(2)
        assert.are.equal("1(2 )", kept "pool=old&idle=5000")
        sweep(3)
        assert.are.equal(ids, tonumber((get(port, "/ids"))))
        assert.are.equal("0(1 )", kept "pool=old&idle=5000")
        assert.are.equal("0(1 )", kept "pool=old&name=") -- with other settings
        assert.are.equal(ids, tonumber((get(port, "/ids"))))
        assert.are.equal("0(1 )", kept "pool=old")
        sweep(359)
        assert.are.equal("0(1 ) 0(1 )", kept "pool=old&n=2")
        sweep(1)
        assert.are.equal("0(1 ) 1(2 )", kept "pool=old&n=2")
        assert.are.equal(1, sweep(6)) -- the pool is removed with its last connection, and no timer is left
        assert.are.equal(0, sweep(1))
        assert.are.equal("0(1 ) 1(2 )", kept "pool=old&n=2")
        sweep(20)
    end)

    it("accept settings that do not change the verification, and keep their own", function()
        local _, ours = both("settings", "&only=cleat")
        assert.are.equal(table.concat({
            "true nil", "session", '"(1 )"',
            'false " sslhandshake says what is verified, and the option always_verify"',
            'false " sslhandshake says what is verified, and the option always_verify"',
            'false " a mistake"',
            [[false "make_tcp() argument 'configure' must be a function, not 5"]],
            [[false "make_tcp() argument 'pool_size' must be positive"]],
            [[false "make_tcp() argument 'keepalive_timeout' must be positive"]],
            [[false "make_tcp() argument 'keepalive_timeout' must be a number, not string"]],
            'nil "closed"', "session", "session", "session", "session",
            'nil "the connection was made with other settings (verification, server name or client certificate)"',
            '"HTTP/1.1 200 OK"',
        }, "\n"), ours)
    end)

    it("are used or replaced if session tickets arrive while they are pooled", function()
        assert.are.equal("0", kept "pool=tickets&mute=1")
        local answer = kept "pool=tickets&skip=1"
        assert.is_truthy(answer == "0(1 )" or answer == "1(1 )", answer)
    end)

    it("are replaced if the server closes them while they are pooled", function()
        local upstream = process.free_port()
        for _, what in ipairs { "first", "restarted", "restarted" } do
            local other = nginx.start { { lines = UPSTREAM:format(upstream, pki.path "root.pem", "$connection_requests")
                :gsub("content_by_lua_block %b{}", "return 204;") } }
            assert.are.equal("0(1 ) 1(2 )", kept("n=2&skip=1&pool=restart&port=" .. upstream), what)
            other:stop()
            get(port, "/early") -- now the worker has received the event
        end
    end)

    it("are replaced if close_notify arrives while they are pooled", function()
        local answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
        local job = adapters.python("recv 38", "send " .. (answer:gsub(".", function(c) return ("%02x"):format(c:byte()) end)), "unwrap",
            "waiteof")
        local first = kept("pool=notify&port=" .. job.port)
        assert.is_truthy(first == "0one" or first == "0one,closed", first) -- it may have arrived before setkeepalive
        job:finish()
        get(port, "/early")
        assert.are.equal("connect: connection refused", kept("pool=notify&port=" .. job.port))
    end)

    it("are refused in phases in which nginx allows none", function()
        assert.is_truthy(get(port, "/early"):find "no request found")
    end)

    it("are closed when a worker exits, and do not leak", function()
        assert.are.equal("0(1 ) 1(2 )", kept "n=2&pool=worker")
        local ids = tonumber((get(port, "/ids")))
        for _ = 1, 50 do
            kept "n=2&pool=worker"
        end
        assert.are.equal(ids, tonumber((get(port, "/ids"))))
        os.execute("kill -HUP " .. process.read_file(server.directory .. "/nginx.pid"))
        local deadline = process.clock() + limits.bound(10)
        local answer
        repeat -- the old worker process may still respond
            answer = kept "pool=worker"
            assert(process.clock() < deadline, answer)
        until answer == "1(2 )"
    end)
end)
