-- Calls LuaSec's API, implemented by LuaSec or, with `cleat.luasec.install`, by cleat, and prints the results of each
-- call.
--
--   luasec_calls.lua DIRECTORY [MODULE]     DIRECTORY has the certificates of pki.sh; MODULE is required first
if arg[2] then
    require(arg[2])
end
local merge = require "support.merge"
local socket = require "socket"
local ssl = require "ssl"

local directory = arg[1]
io.stdout:setvbuf "line"

local function file(name)
    return directory .. "/" .. name
end

local function text_of(value)
    if type(value) == "string" then
        return #value > 60 and ("<%d bytes>"):format(#value) or ("%q"):format(value)
    elseif type(value) == "number" then
        return ("%g"):format(value)
    elseif type(value) ~= "table" then
        return (tostring(value):gsub("0x%x+", "…"))
    end
    local parts = {}
    for key, part in pairs(value) do
        parts[#parts + 1] = tostring(key) .. "=" .. text_of(part)
    end
    table.sort(parts)
    return "{" .. table.concat(parts, ", ") .. "}"
end

-- show prints a line without trailing nils, which LuaSec's io returns.
local function show(name, ...)
    local parts, last = {}, 0
    for index = 1, select("#", ...) do
        local value = select(index, ...)
        parts[index] = text_of(value)
        last = value ~= nil and index or last
    end
    print(name .. ": " .. table.concat(parts, " ", 1, last))
end

local EC = { key = file "server-ec.key", certificate = file "server-ec.pem" }

local function server(more)
    return merge({ mode = "server", protocol = "any", key = EC.key, certificate = EC.certificate }, more)
end

local function client(more)
    return merge({ mode = "client", protocol = "any" }, more)
end

local function sockets()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    local one = assert(socket.connect("127.0.0.1", port))
    local other = assert(listener:accept())
    listener:close()
    return one, other
end

local function wants(reason)
    return reason == nil or reason == "wantread" or reason == "wantwrite"
end

-- pair makes a client and a server, does the handshake, and returns both with their last results.
local function pair(of_client, of_server, prepare)
    local one, other = sockets()
    local c, s = assert(ssl.wrap(one, of_client)), assert(ssl.wrap(other, of_server))
    c:settimeout(0)
    s:settimeout(0)
    if prepare then
        prepare(c, s)
    end
    local done, accepted, why, reason
    repeat
        if not done then
            done, why = c:dohandshake()
        end
        if not accepted then
            accepted, reason = s:dohandshake()
        end
    until done and accepted or not wants(why) or not wants(reason)
    return c, s, why or "done", reason or "done"
end

-- arrived waits until data can be read.
local function arrived(conn)
    if not conn:dirty() then
        socket.select({ conn }, nil, 5)
    end
end

-- reason_of returns the text in parentheses of the error that a wrong argument raises.
local function reason_of(...)
    return select(2, pcall(...)):match "%((.*)%)"
end

local cases = {}
local function case(name, f)
    cases[#cases + 1] = { name, f }
end

case("newcontext", function()
    local function refuse(name, cfg)
        show(name, ssl.newcontext(cfg))
    end
    refuse("good", server())
    refuse("protocol", client { protocol = "sslv9" })
    refuse("any", client { protocol = "sslv23" })
    refuse("option", client { options = { "all", "no_such" } })
    refuse("verify", client { verify = { "peer", "no_such" } })
    refuse("verifyext", client { verifyext = "no_such" })
    refuse("options", server { options = { "all", "no_sslv2", "no_sslv3", "no_compression", "no_ticket", "cipher_server_preference",
        "single_dh_use", "single_ecdh_use", "no_renegotiation" }, verify = { "peer", "client_once", "fail_if_no_peer_cert" },
        verifyext = { "lsec_continue", "lsec_ignore_purpose", "crl_check", "crl_check_chain" }, depth = 9,
        dhparam = function() end, ciphersuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256" })
    refuse("curve", client { curve = "no_such" })
    refuse("curve P-256", client { curve = "prime256v1" })
    refuse("curves", client { curveslist = "P-384:no_such" })
    refuse("curves that are there", client { curveslist = "X25519:P-384:P-256:P-521" })
    refuse("dhparam", client { dhparam = "text" })
    refuse("mismatch", server { certificate = file "server-rsa.pem" })
    refuse("password", server { key = file "ec.pkcs8-encrypted.key", password = "somepass" })
    refuse("password's type", server { key = file "ec.pkcs8-encrypted.key", password = 1 })
    refuse("certificate", server { certificate = file "junk.pem" })
    refuse("alpn", client { alpn = 1 })
    refuse("alpn empty", client { alpn = {} })
    refuse("alpn name", client { alpn = { "" } })
    refuse("alpn long", client { alpn = { ("x"):rep(256) } })
    refuse("alpn server", server { alpn = "text" })
    refuse("suite", client { ciphersuites = "no_such" })
    show("wrap without a mode", pcall(ssl.wrap, (sockets()), require("ssl.context").create "any"))
end)

case("io", function()
    local c, s = pair(client(), server())
    show("sent", c:send("0123456789", 3, 5))
    arrived(s)
    show("partly", s:receive(10))
    show("want", s:want(), s:dirty())
    show("ranges", (c:send("abc", -2)), (c:send("abc", 2, -2)), (c:send("abc", 5)), (c:send("abc", 0, 0)), (c:send("", 1)), (c:send(12)))
    show("results", select("#", c:send("", 1)), select("#", c:send "3"))
    s:settimeout(5)
    show("prefix", s:receive(5, "xy"), s:receive(1, "z"))
    c:send("one\r\ntwo\n\nth\rree\nrest")
    show("results", select("#", s:receive(2)), select("#", s:receive(0, "x")))
    show("lines", s:receive(), s:receive "*l", s:receive "*l")
    show("dirty", s:dirty())
    show("line", s:receive())
    s:settimeout(0)
    show("no line", s:receive())
    show("patterns", reason_of(s.receive, s, -1), reason_of(s.receive, s, "*x"))
    show("stats", (select(1, s:getstats())), (select(2, c:getstats())))
    show("setstats", s:setstats(1, 2, 3), s:getstats() == 1)
    show("timeout's mode", reason_of(s.settimeout, s, 1, "q"))
    show("timeouts", s:settimeout(0.01), s:settimeout(0.01, "t"), s:receive())
    s:settimeout(nil, "t")
    s:settimeout(0)
    local block = ("x"):rep(100000)
    local at, got = 0, 0
    repeat
        local sent, _, last = c:send(block, at + 1)
        at = sent or last
        local data, _, rest = s:receive(16384)
        got = got + #(data or rest)
    until at == #block
    s:settimeout(5)
    show("a block", at, got == #block or got + #s:receive(#block - got) == #block)
    s:send "x"
    c:settimeout(5)
    c:receive(1) -- this also reads the session tickets: close() with unread data would reset the connection
    c:send "end"
    c:close()
    show("all", s:receive "*a")
    show("the end", s:receive "*a")
    show("after it", s:receive(1))
    s:close()
    show("closed", s:receive(), s:getfd(), tostring(s):match "%(closed%)")
    show("closed sends", s:send "x")
    show("closed is", s:want(), s:dirty(), s:info(), s:getpeercertificate(), s:getpeerverification())
end)

case("before", function()
    local one = sockets()
    local fd = one:getfd()
    local c = ssl.wrap(one, client())
    show("wrapped", one:getfd(), c:getfd() == fd)
    show("early", c:receive(), c:send "x")
    show("early facts", c:want(), c:dirty(), c:getpeercertificate())
    show("early chain", c:getpeerchain())
    show("early verification", c:getpeerverification())
    show("early finished", c:getfinished())
    show("early alpn", c:getalpn())
    show("methods", reason_of(c.receive))
    c:settimeout(0.01)
    show("no answer", c:dohandshake())
    show("wants", c:want())
end)

case("info", function()
    local c, s = pair(client { protocol = "tlsv1_2", ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256" }, server())
    show("info", c:info())
    show("cipher", c:info "cipher", s:info "bits", s:info "protocol", c:info "compression")
    show("finished", c:getfinished() == s:getpeerfinished(), #c:getfinished())
    c, s = pair(client(), server { protocol = "tlsv1_3" })
    show("tls 1.3", c:info "protocol", c:info "key", c:info "mac", s:getpeercertificate())
    show("chain", #c:getpeerchain(), c:getpeercertificate():digest "sha256", c:getpeercertificate(2):digest(), c:getpeercertificate(3))
    show("index", c:getpeercertificate(0))
    show("versions", select(3, pair(client { protocol = "tlsv1_3" }, server { protocol = "tlsv1_2" })))
    show("no_tlsv1_3", pair(client { options = { "no_tlsv1_3" } }, server()):info "protocol")
    show("suites", select(4, pair(client { protocol = "tlsv1_2", ciphers = "ECDHE-RSA-AES128-GCM-SHA256" }, server())))
end)

case("verification", function()
    local function verdict(name, of_client, of_server)
        local c, s, why, reason = pair(of_client, of_server or server())
        show(name, why, reason)
        show(name .. ", client", c:getpeerverification())
        show(name .. ", server", s:getpeerverification())
    end
    verdict("none", client())
    verdict("good", client { verify = "peer", cafile = file "root.pem" })
    verdict("none, good", client { cafile = file "root.pem" })
    verdict("bad", client { verify = "peer", cafile = file "unknown-root.pem" })
    verdict("bad, go on", client { verify = "peer", verifyext = "lsec_continue", cafile = file "unknown-root.pem" })
    verdict("expired, go on", client { verify = "peer", verifyext = "lsec_continue", cafile = file "root.pem" },
        server { key = file "expired.key", certificate = file "expired.pem" })
    local asks = { verify = "peer", cafile = file "root.pem" }
    verdict("no client certificate", client(), server(asks))
    verdict("none where it must", client { protocol = "tlsv1_2" }, server(merge(asks, { verify = { "peer", "fail_if_no_peer_cert" } })))
    local own = { key = file "client.key", certificate = file "client.pem", protocol = "tlsv1_2" }
    verdict("client certificate", client(own), server(asks))
    verdict("client certificate, bad", client(own), server { verify = "peer", cafile = file "unknown-root.pem" })
    verdict("client certificate, bad, go on", client(own), server { verify = { "peer", "client_once", "fail_if_no_peer_cert" },
        verifyext = { "lsec_continue" }, cafile = file "unknown-root.pem" })
    local wrong = { key = EC.key, certificate = EC.certificate, protocol = "tlsv1_2" }
    verdict("a server's as a client's", client(wrong), server(asks))
    verdict("a server's as a client's, ignored", client(wrong), server(merge(asks, { verifyext = "lsec_ignore_purpose" })))
    verdict("an unknown one, purpose ignored", client(wrong), server { verify = "peer", cafile = file "unknown-root.pem",
        verifyext = "lsec_ignore_purpose" })
end)

case("the end without close_notify", function()
    local one, other = sockets()
    local s = ssl.wrap(other, server())
    one:close()
    show("in the handshake", s:dohandshake())

    -- cut returns a server whose connection a relay has closed after "line\nrest".
    local function cut(more)
        local a, near = sockets()
        local far, b = sockets()
        near:settimeout(0)
        far:settimeout(0)
        local c
        -- TLS 1.2 sends no tickets after the handshake, which would reset the connection if they stayed unread.
        c, s = ssl.wrap(a, client { protocol = "tlsv1_2" }), ssl.wrap(b, server(more))
        c:settimeout(0)
        s:settimeout(0)
        local function pump(from, to)
            local data, _, rest = from:receive(65536)
            to:send(data or rest)
        end
        local done, accepted
        repeat
            done = done or c:dohandshake()
            pump(near, far)
            accepted = accepted or s:dohandshake()
            pump(far, near)
        until done and accepted
        c:send "line\nrest"
        repeat
            pump(near, far)
        until s:dirty() or socket.select({ s }, nil, 0)[1]
        far:close()
        s:settimeout(5)
        return s
    end
    s = cut()
    show("a line", s:receive())
    show("the rest", s:receive "*a")
    s = cut { options = "ignore_unexpected_eof" }
    show("ignored", s:receive "*a")
    show("ignored, at the end", s:receive "*a")
end)

case("names and protocols", function()
    local rsa = assert(ssl.newcontext(server { key = file "server-rsa.key", certificate = file "server-rsa.pem" }))
    local function visit(name, hosts, strict)
        local c, s, why, reason = pair(client(), server(), function(c, s)
            if name then
                c:sni(name)
            end
            s:sni(hosts, strict)
        end)
        local certificate = why == "done" and c:getpeercertificate()
        return certificate and certificate:pubkey() and select(2, certificate:pubkey()) or why, s:getsniname(), reason
    end
    show("known", visit("known.example", { ["known.example"] = rsa }, true))
    show("unknown", visit("other.example", { ["known.example"] = rsa }))
    show("unknown, strict", visit("other.example", { ["known.example"] = rsa }, true))
    local c, s = pair(client(), server(), function(one, other)
        one:sni "other.example"
        other:sni({}, true)
    end)
    show("its alert", c:dohandshake())
    s:close()
    show("nameless, strict", visit(nil, { ["known.example"] = rsa }, true))
    show("by a metatable", visit("any.example", setmetatable({}, { __index = function(_, name)
        return name == "any.example" and rsa or nil
    end }), true))
    c, s = pair(client(), server())
    show("arguments", (pcall(s.sni, s, { x = 1 })), (pcall(s.sni, s, "x")))
    local function agree(of_client, of_server)
        c, s = pair(client { alpn = of_client }, server { alpn = of_server })
        return c:getalpn(), s:getalpn()
    end
    show("lists", agree({ "a", "b" }, { "b", "a" }))
    show("one", agree("a", { "a" }))
    show("nothing common", agree("a", { "b" }))
    show("nothing offered", agree(nil, { "b" }))
    local seen
    show("function", agree({ "a", "b" }, function(list)
        seen = list
        return list[2]
    end), seen)
    show("function, list", agree({ "a", "b" }, function()
        return { "c", "b" }
    end))
    show("function, nothing", agree({ "a", "b" }, function() end))
end)

for _, each in ipairs(cases) do
    print("# " .. each[1])
    each[2]()
end
