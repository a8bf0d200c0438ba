-- Calls other projects' libraries over LuaSec or, with -lcleat.luasec.install, over cleat, and prints the results.
--
--   luasec_programs.lua NAME PORT DIRECTORY [COUNT]     DIRECTORY has the certificates of pki.sh
--
-- With COUNT the last step is repeated, to measure CPU time.
local name, port, directory, count = arg[1], arg[2], arg[3], tonumber(arg[4] or "1")

local unpack = table.unpack or unpack

local function show(label, ...)
    local out = { label .. ":" }
    for index = 1, select("#", ...) do
        local value = select(index, ...)
        if type(value) == "table" then
            value = ("{content-length=%s, location=%s}"):format(tostring(value["content-length"]), tostring(value.location))
        end
        out[#out + 1] = tostring(value)
    end
    print((table.concat(out, " "):gsub(port, "PORT")))
end

local programs = {}

-- LuaSocket's http through LuaSec's ssl.https.
function programs.http()
    local http, https, ltn12 = require "socket.http", require "ssl.https", require "ltn12"
    local base = "https://localhost:" .. port
    local function sunk(request)
        local parts = {}
        request.sink = ltn12.sink.table(parts)
        show("  returns", https.request(request))
        show("  body", table.concat(parts))
    end
    show("get", https.request(base .. "/hello"))
    show("post", https.request(base .. "/method", "a=b"))
    show("none", https.request(base .. "/missing"))
    show("redirect", https.request(base .. "/redirect"))
    show("redirect to http", https.request(base .. "/plain"))
    show("redirects", https.request(base .. "/loop"))
    show("table")
    sunk { url = base .. "/hello" }
    show("verified")
    sunk { url = base .. "/hello", verify = "peer", cafile = directory .. "/root.pem" }
    show("no redirect")
    sunk { url = base .. "/redirect", redirect = false }
    show("put")
    sunk { url = base .. "/method", method = "PUT", source = ltn12.source.string("body"), headers = { ["content-length"] = "4" } }
    show("head", https.request { url = base .. "/hello", method = "HEAD" })
    show("refused CA", https.request { url = base .. "/hello", verify = "peer", cafile = directory .. "/unknown-root.pem" })
    local _, message = https.request { url = base .. "/hello", verify = "peer", cafile = directory .. "/missing.pem" }
    show("no CA file", (message:gsub("%(.*", ""))) -- OpenSSL 3 says "(null)" here
    show("protocol", https.request { url = base .. "/hello", protocol = "tlsv9" })
    show("redirect = true", https.request { url = base .. "/hello", redirect = true })
    show("proxy", https.request { url = base .. "/hello", proxy = "http://localhost:1" })
    show("create", https.request { url = base .. "/hello", create = print })
    local request = { url = base .. "/hello" }
    show("first", https.request(request))
    show("again", https.request(request))
    show("by http", http.request(base .. "/hello"))
    show("no TLS", https.request("https://localhost:1/"))
    show("wrong host", https.request("https:///"))
    show("constants", https.PORT, https.TIMEOUT)
    https.PORT = tonumber(port)
    show("port", https.request("https://localhost/hello"))
    local silent = require("socket").bind("localhost", 0)
    https.TIMEOUT = 0.05
    show("silent", https.request(("https://localhost:%d/"):format((select(2, silent:getsockname())))))
    silent:close()
    https.TIMEOUT = 60
    for _ = 2, count do
        assert(https.request(base .. "/hello"))
    end
end

-- LuaSocket's smtp with a `create` function that adds TLS, as in its documentation and in many programs.
function programs.smtp()
    local smtp, socket, ssl = require "socket.smtp", require "socket", require "ssl"
    local function create()
        local sock = socket.tcp()
        return setmetatable({
            connect = function(_, host, number)
                local ok, message = sock:connect(host, number)
                if not ok then return nil, message end
                sock = assert(ssl.wrap(sock, { mode = "client", protocol = "any", verify = "peer", options = "all",
                    cafile = directory .. "/root.pem" }))
                ok, message = sock:dohandshake()
                return ok and 1 or nil, message
            end,
        }, {
            __index = function(_, key)
                return function(_, ...) return sock[key](sock, ...) end
            end,
        })
    end
    local function send(to, text)
        return smtp.send {
            from = "<a@example.org>", rcpt = to, server = "localhost", port = port, create = create, domain = "localhost",
            source = smtp.message { headers = { subject = "hello", to = "b" }, body = text },
        }
    end
    show("sent", send("<me@example.org>", "one\r\n.\r\nline"))
    show("refused", send("<not an address>", "text"))
    for _ = 2, count do
        assert(send("<me@example.org>", "text"))
    end
end

-- lua-redis over a connection that the caller makes.
function programs.redis()
    local redis, socket, ssl = require "redis", require "socket", require "ssl"
    local function connect()
        local sock = assert(socket.connect("127.0.0.1", port))
        sock = assert(ssl.wrap(sock, { mode = "client", protocol = "any", verify = "peer", cafile = directory .. "/root.pem" }))
        assert(sock:dohandshake())
        local client = redis.connect { socket = sock }
        show("auth", pcall(client.auth, client, "secret"))
        return client
    end
    local client = connect()
    show("set", client:set("key", ("value\r\n"):rep(20000)))
    show("get", client:get("key") == ("value\r\n"):rep(20000))
    client:del("list")
    show("list", client:rpush("list", "a", "b", "c"), unpack(client:lrange("list", 0, -1)))
    show("error", (pcall(client.lpop, client, "key")))
    client.network.socket:close() -- client:quit() calls shutdown(), which LuaSec's connections lack
    for _ = 2, count do
        client = connect()
        assert(client:ping())
        client.network.socket:close()
    end
end

programs[name]()
