-- Debian's Prosody, unchanged, over cleat.luasec and, as the control, over Debian's LuaSec: clients, other servers and
-- the log see the same. docs/luasec.md has the result.
local limits = require "support.limits"
local pki = require "support.pki"
local process = require "support.process"
local prosody = require "support.prosody"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local missing = prosody.missing()
local BACKENDS = { "epoll", "select", "event" } -- values of Prosody's network_backend
local NAMES = { epoll = "epoll", select = "select", event = "libevent epoll" } -- their names in Prosody's log
local LIBRARIES = { "cleat", "luasec" }

-- words returns a go-sendxmpp command for a user of a virtual host.
local function words(server, user, kind, service, ...)
    local list = {
        "env", "SSL_CERT_FILE=" .. pki.path "root.pem", "go-sendxmpp", "--username", user .. "@" .. server.hosts[kind],
        "--password", "secret", "--jserver", "127.0.0.1:" .. server.ports[service], "--timeout", "1500",
    }
    if service == "c2s_direct_tls" then
        list[#list + 1] = "--tls"
    end
    for _, word in ipairs { ... } do
        list[#list + 1] = word
    end
    list.timeout = 60
    return list
end

local function run(command)
    local result = process.run(command)
    if result.status ~= 0 then
        error(("%s ended with %d:\n%s%s"):format(command[3], result.status, result.output, result.errors), 2)
    end
    return result.output
end

-- fingerprint returns a certificate's SHA-1 fingerprint, by openssl.
local function fingerprint(name)
    return run { "openssl", "x509", "-in", name, "-noout", "-fingerprint", "-sha1" }:match "=(%S+)"
end

-- send sends a text from alice of a virtual host to each of the addresses.
local function send(server, kind, service, text, ...)
    local command = words(server, "alice", kind, service, ...)
    if kind ~= "good" then
        table.insert(command, 4, "--no-tls-verify") -- go-sendxmpp would refuse the certificate
    end
    command.stdin = text
    run(command)
end

-- starttls begins an XMPP stream, up to the start of TLS.
local function starttls(plain, host)
    local function exchange(text, pattern)
        plain:sendall(text)
        local got = ""
        repeat
            local more = plain:recv(4096)
            assert(more ~= "", got)
            got = got .. more
        until got:find(pattern)
    end
    exchange(("<stream:stream to='%s' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
        :format(host), "</stream:features>")
    exchange("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed[^>]*>")
end

-- certificate_of returns the name of the certificate that a server presents for a host name, or the error's reason.
local function certificate_of(server, service, name)
    local context = ssl.create_default_context { cafile = pki.path "root.pem" }
    context.check_hostname = false
    local plain = socket.create_connection { "127.0.0.1", server.ports[service] }
    plain:settimeout(limits.bound(20))
    if service == "c2s" then
        starttls(plain, name)
    end
    local ok, stream = pcall(context.wrap_socket, context, plain, { server_hostname = name })
    if not ok then
        plain:close()
        return stream.reason
    end
    local certificate = stream:getpeercert(true)
    stream:close()
    for _, known in ipairs { "server-ec", "server-rsa", "other" } do
        if certificate == ssl.PEM_cert_to_DER_cert(pki.read(known .. ".crt")) then
            return known
        end
    end
end

describe("Prosody", function()
    if missing then
        return pending(missing, function() end)
    end

    local servers, all = {}, {} -- by library and backend; in starting order
    local clients = {}

    setup(function()
        local list = {}
        for _, library in ipairs(LIBRARIES) do
            for _, backend in ipairs(BACKENDS) do
                list[#list + 1] = { library = library, backend = backend }
            end
        end
        all = prosody.start(list)
        for _, server in ipairs(all) do
            servers[server.library .. " " .. server.backend] = server
        end
        -- bob stays connected to each server during all tests
        for _, server in ipairs(all) do
            clients[server] = process.start(words(server, "bob", "good", "c2s", "--listen"))
        end
        for _, server in ipairs(all) do
            server:wait_for("(Resource bound: bob@)")
        end
    end)

    teardown(process.cleanup)

    -- of_each declares a test for each server, which must pass with both libraries.
    local function of_each(name, f, backends)
        for _, library in ipairs(LIBRARIES) do
            for _, backend in ipairs(backends or BACKENDS) do
                it(("over %s, with %s: %s"):format(library, backend, name), function()
                    local server = servers[library .. " " .. backend]
                    local ok, message = pcall(f, server)
                    if not ok then
                        if type(message) == "string" then
                            message = message .. "\n" .. server:log():sub(-8000)
                        end
            error(message, 0)
                    end
                end)
            end
        end
    end

    it("moves to cleat and back by the two commands of docs/luasec.md", function()
        local server = servers["cleat epoll"]
        local section = process.read_file(process.root .. "/docs/luasec.md"):match "\n## Prosody\n(.*)"
        local to, back = section:match "```sh\n(.-)\n```.-```sh\n(.-)\n```"
        local config = server.config
        server.config = process.write_file(server.directory .. "/moved.cfg.lua", process.read_file(config))
        local function run_here(command)
            command = command:gsub("sudo ", ""):gsub("/etc/prosody/prosody%.cfg%.lua", server.config)
            local count
            command, count = command:gsub("systemctl restart prosody", "echo restarted")
            assert.are.equal(1, count)
            local result = server:run("sh", "-c", command)
            assert.are.equal("restarted\n", result.output, result.errors)
        end
        local function version()
            return server:control "about":match "LuaSec:%s+(%S+)"
        end
        local of_cleat = server:run("lua5.4", "-e", 'print((require "cleat.luasec"._VERSION))').output:match "%S+"
        local of_luasec = server:run("lua5.4", "-e", 'print((require "ssl"._VERSION))').output:match "%S+"
        assert.are_not.equal(of_cleat, of_luasec)
        assert.are.equal(of_cleat, version())
        run_here(back)
        assert.are.equal(of_luasec, version())
        assert.are.equal(prosody.LINE .. "\n" .. process.read_file(server.config), process.read_file(config))
        run_here(to)
        assert.are.equal(of_cleat, version())
        assert.are.equal(process.read_file(server.config), process.read_file(config))
        -- without cleat the command changes nothing
        run_here(back)
        local text = process.read_file(server.config)
        local result = servers["luasec epoll"]:run("sh", "-c", (to:gsub("sudo ", ""):gsub("/etc/prosody/prosody%.cfg%.lua",
            server.config)))
        assert.are.equal(1, result.status)
        assert.are.equal(text, process.read_file(server.config))
        server.config = config
    end)

    it("prosodyctl reports the same over cleat and over LuaSec", function()
        local texts = {}
        for i, library in ipairs(LIBRARIES) do
            local server = servers[library .. " epoll"]
            local other = servers[library .. " event"]
            send(server, "good", "c2s", "for the console", "carol@" .. other.hosts.good)
            prosody.wait_until(function()
                return server:outcomes()[("out %s->%s"):format(server.hosts.good, other.hosts.good)]
            end, function()
                return server:log():sub(-8000)
            end)
            local parts = {}
            for line in server:control("check", "certs"):gmatch "[^\n]+" do
                parts[#parts + 1] = line
            end
            table.sort(parts) -- Prosody's order is random
            table.insert(parts, 1, server:control("shell", ("s2s:showcert(%q)"):format(other.hosts.good)))
            texts[i] = table.concat(parts, "\n"):gsub(process.directory() .. "/", ""):gsub("(%l+)%d+(%.wild)", "%1%2")
                :gsub("prosody%-%l+%d+", "prosody"):gsub("%-%l+%.wild", ".wild")
        end
        assert.are.equal(texts[2], texts[1])
        for _, line in ipairs {
            "Trusted certificate: Yes", "Valid for good.wild.cleat.test: Yes", 'commonName: "cleat test intermediate"',
            "Fingerprint (SHA1): " .. fingerprint(pki.path "server-ec.crt"), "Certificate has expired.",
            "Not valid for server-to-server connections to other.wild.cleat.test.",
        } do
            assert.is_truthy(texts[1]:find(line, 1, true), texts[1])
        end
    end)

    of_each("has loaded this library and no other", function(server)
        assert.are.equal(NAMES[server.backend], server:wait_for "Prosody is using the ([%a ]+) backend")
        local loaded = server:maps()
        assert.are.equal(server.library == "cleat", loaded:find("/libcleat.so", 1, true) ~= nil)
        assert.are.equal(server.library == "luasec", loaded:find("-sec.so", 1, true) ~= nil)
    end)

    of_each("delivers messages by STARTTLS and direct TLS", function(server)
        local alice, bob = "alice@" .. server.hosts.good, "bob@" .. server.hosts.good
        local position = #server:log() + 1
        for _, service in ipairs { "c2s", "c2s_direct_tls" } do
            send(server, "good", service, "hello by " .. service, bob)
            assert.are.equal(alice, clients[server]:wait_for("Z ([^: ]+): hello by " .. service .. "\n"))
        end
        local text = server:log():sub(position)
        local _, count = text:gsub("c2s%x+%s+info%s+Stream encrypted %(TLSv1%.3 with TLS_AES_128_GCM_SHA256%)", "")
        assert.are.equal(2, count)
    end)

    -- The log has the library's texts, which are the same for both.
    of_each("logs failed handshakes with their reasons, and leaks no descriptor", function(server)
        local port = server.ports.c2s_direct_tls
        local tls = { "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-servername", server.hosts.good, timeout = 60 }
        local function client(...)
            local command = { timeout = 60 }
            for _, word in ipairs(tls) do
                command[#command + 1] = word
            end
            for _, word in ipairs { ... } do
                command[#command + 1] = word
            end
            return command
        end
        local cases = {
            { "http request", { "curl", "--silent", "--max-time", "300", ("http://127.0.0.1:%d/"):format(port) } },
            { "tlsv1 alert unknown ca", { "curl", "--silent", "--max-time", "300", "--cacert", pki.path "unknown-root.pem",
                "--connect-to", "::127.0.0.1:", ("https://%s:%d/"):format(server.hosts.good, port) } },
            { "unsupported protocol", client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0") },
            { "no shared cipher", client("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256") },
        }
        local descriptors = server:descriptors()
        for _, case in ipairs(cases) do
            local position = #server:log() + 1
            process.run(case[2])
            prosody.wait_until(function()
                return server:log():find(" error: " .. case[1], position, true) or server.backend == "select"
            end, function()
                return case[1] .. " is not in: " .. server:log():sub(position)
            end)
        end
        for _ = 1, 5 do -- connections that end at once: before the handshake, and after it
            socket.create_connection({ "127.0.0.1", port }):close()
            certificate_of(server, "c2s_direct_tls", server.hosts.good)
            certificate_of(server, "c2s", server.hosts.good)
        end
        prosody.wait_until(function()
            return server:descriptors() == descriptors
        end, function()
            return ("%d descriptors, before it were %d"):format(server:descriptors(), descriptors)
        end)
    end)

    -- Servers that connect: each library and each backend in both roles, and LuaSec with itself as the control.
    local PAIRS = {
        { "cleat epoll", "luasec epoll" }, { "luasec epoll", "cleat epoll" }, { "cleat epoll", "cleat select" },
        { "cleat select", "cleat event" }, { "cleat event", "cleat epoll" }, { "luasec epoll", "luasec select" },
    }

    for _, pair in ipairs(PAIRS) do
        it(("%s to %s: servers accept each other by their certificates only"):format(pair[1], pair[2]), function()
            local one, other = servers[pair[1]], servers[pair[2]]
            local addresses = {}
            local accepted = { "good", "direct" }
            if one.backend == "select" then
                accepted[2] = nil -- with direct TLS it loses connections to servers that respond at once, with LuaSec too
            end
            for _, list in ipairs { accepted, { "expired", "other", "unknown" } } do
                for _, kind in ipairs(list) do
                    addresses[#addresses + 1] = "carol@" .. other.hosts[kind]
                end
            end
            local text = ("accepted: %s to %s"):format(one.name, other.name)
            local never = ("refused: %s to %s"):format(other.name, one.name)
            send(one, "good", "c2s", text, (table.unpack or unpack)(addresses))
            for _, kind in ipairs { "expired", "other", "unknown" } do
                send(other, kind, "c2s", never, "carol@" .. one.hosts.good)
            end

            local function outcome(server, direction, from, to)
                local key = ("%s %s->%s"):format(direction, from, to)
                local list = prosody.wait_until(function()
                    return server:outcomes()[key]
                end, function()
                    return "no " .. key .. ":\n" .. server:log():sub(-8000)
                end)
                assert.are.equal(1, #list)
                return list[1]
            end

            local GOOD = "TLSv1.3; chain valid; identity valid; complete"
            local refused = {
                expired = "TLSv1.3; chain invalid; error(s) at depth 0: certificate has expired; "
                    .. "Your server's certificate has expired",
                other = "TLSv1.3; chain valid; identity invalid; Your server's certificate is not valid for this name",
                unknown = "TLSv1.3; chain invalid; error(s) at depth 0: unable to get local issuer certificate, "
                    .. "unable to verify the first certificate; Your server's certificate is not trusted",
            }
            for _, kind in ipairs(accepted) do
                assert.are.equal(GOOD, outcome(one, "out", one.hosts.good, other.hosts[kind]))
                assert.are.equal(GOOD, outcome(other, "in", one.hosts.good, other.hosts[kind]))
                other:wait_for("Accepting SASL (EXTERNAL) identity from " .. one.hosts.good:gsub("%-", "%%-"))
                prosody.wait_until(function()
                    return other:offline("carol", kind):find(text, 1, true)
                end, function()
                    return "carol got: " .. other:offline("carol", kind)
                end)
            end
            for kind, expected in pairs(refused) do
                assert.are.equal(expected, outcome(one, "out", one.hosts.good, other.hosts[kind]))
                assert.are.equal(expected, outcome(one, "in", other.hosts[kind], one.hosts.good))
                assert.are.equal("", other:offline("carol", kind))
            end
            assert.is_nil(one:offline("carol", "good"):find(never, 1, true))
        end)
    end

    -- Prosody's network_backend "select" ignores SNI.
    of_each("chooses the certificate by SNI", function(server)
        for _, service in ipairs { "c2s_direct_tls", "s2s_direct_tls" } do
            assert.are.equal("server-ec", certificate_of(server, service, server.hosts.good))
            assert.are.equal("other", certificate_of(server, service, "other.example"))
            assert.are.equal("TLSV1_ALERT_UNRECOGNIZED_NAME", certificate_of(server, service, "unknown.example"))
            assert.are.equal("server-ec", certificate_of(server, service)) -- the port's default
        end
    end, { "epoll", "event" })

    of_each("serves HTTPS to curl", function(server)
        local body = run { "curl", "--silent", "--show-error", "--cacert", pki.path "root.pem",
            ("https://localhost:%d/http-bind"):format(server.ports.https), timeout = 60 }
        assert.is_truthy(body:find("Prosody BOSH endpoint", 1, true))
    end)

    it("authenticates slixmpp by SCRAM and SCRAM-PLUS, and delivers long messages", function()
        local command = { "/usr/bin/python3", "-I", process.root .. "/spec/support/xmpp.py", pki.path "root.pem", timeout = 60 }
        local expected = {}
        local function job(server, service, version, mechanism)
            local kind = service == "c2s" and "starttls" or "direct"
            command[#command + 1] = ("alice@%s:%d:%s:%s:%s:200000"):format(
                server.hosts.good, server.ports[service], kind, version:gsub("%.", "_"), mechanism)
            expected[#expected + 1] = ("%s %s 200000\n"):format(mechanism, version)
        end
        for _, server in ipairs(all) do
            job(server, "c2s", "TLSv1.3", "SCRAM-SHA-256")
            job(server, "c2s_direct_tls", "TLSv1.2", "SCRAM-SHA-1-PLUS")
            if server.backend == "epoll" then
                job(server, "c2s", "TLSv1.2", "SCRAM-SHA-256-PLUS")
            end
        end
        assert.are.equal(table.concat(expected), run(command))
    end)

    -- errors_of returns the errors in a server's log after a position, each once, without the server's name.
    local function errors_of(server, position)
        local list, seen = {}, {}
        for text in server:log():sub(position):gmatch "error\t([^\n]+)" do
            text = text:gsub("/%S+/prosody%-%w+/", ""):gsub(server.name, "NAME"):gsub("contexts? for %w+", "context")
            if not seen[text] then
                seen[text] = true
                list[#list + 1] = text
            end
        end
        return list
    end

    of_each("reloads certificates, and keeps connections", function(server)
        local name = server.hosts.good
        local function reload()
            local position = #server:log() + 1
            server:reload()
            prosody.wait_until(function()
                return server:log():find("Reloading configuration file", position, true)
            end, function()
                return "not reloaded:\n" .. server:log():sub(position)
            end)
            certificate_of(server, "c2s", name) -- returns once the server has reloaded everything
            return position
        end
        local function shows(expected)
            assert.are.equal(expected, certificate_of(server, "c2s", name))
            assert.are.equal(expected, certificate_of(server, "c2s_direct_tls", name))
        end
        shows "server-ec"
        server:certificate("server-rsa", "certs/server-ec")
        shows "server-ec"
        reload()
        shows "server-rsa"
        send(server, "good", "c2s", "after the reload", "bob@" .. name) -- bob has connected before the reload
        clients[server]:wait_for("(: after the reload)\n")

        -- files that cannot be loaded are reported, and the server keeps running
        process.write_file(server.directory .. "/unknown.crt", "this is no certificate\n")
        local position = reload()
        local unknown = server.hosts.unknown:gsub(server.name, "NAME")
        assert.are.same({
            "SSL/TLS: Failed to load 'unknown.crt': Check that the file contains a certificate (for " .. unknown .. ")",
            "Error creating context: error loading certificate (no start line)",
        }, errors_of(server, position))
        server:certificate("unknown", "unknown")
        process.write_file(server.directory .. "/unknown.key", pki.read "rsa.key")
        position = reload()
        assert.are.same({
            "SSL/TLS: Error initialising for " .. unknown .. ": private key does not match public key",
            "Error creating context: private key does not match public key",
        }, errors_of(server, position))
        server:certificate("unknown", "unknown")
        server:certificate("server-ec", "certs/server-ec")
        assert.are.same({}, errors_of(server, reload()))
        shows "server-ec"
        send(server, "good", "c2s_direct_tls", "at the end", "bob@" .. name)
        clients[server]:wait_for("(: at the end)\n")
    end, { "epoll", "event" }) -- with "select" Prosody 0.12.3 fails to reload if it has a direct TLS port
end)
