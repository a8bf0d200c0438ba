-- prosody: CPU time and memory of Debian's Prosody over cleat.luasec, and over Debian's LuaSec.
--
-- usage: script/lua bench/prosody/run.lua [--rounds N] [--backend epoll|select|event] [--tls TLSv1_3|TLSv1_2]
--
-- One client, plain Lua over cleat, does the same with two servers, one after the other, and reads their CPU time (user
-- and system). The output has medians of all rounds, in microseconds, and half of the interquartile range; each ratio
-- is computed within a round. Memory is measured once, at the end. Debian's prosody, lua-sec and lua-event are needed.
local root = arg[0]:match "^(.*)/bench/prosody/" or "."
package.path = root .. "/bench/?.lua;" .. root .. "/spec/?.lua;" .. package.path
local command_line = require "lib.command_line"
local pki = require "support.pki"
local process = require "support.process"
local prosody = require "support.prosody"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"
local statistics = require "lib.statistics"

local options = { rounds = 9, backend = "epoll", tls = "TLSv1_3" }
command_line.read("prosody", options, {})

local context = ssl.create_default_context { cafile = pki.path "root.pem" }
context.minimum_version = ssl.TLSVersion[options.tls]
context.maximum_version = ssl.TLSVersion[options.tls]

-- until_got sends a text, and reads until it has received another text.
local function until_got(stream, text, piece)
    stream:sendall(text)
    local got = ""
    repeat
        local more = stream:recv(65536)
        if more == "" then
            error("closed after " .. got, 0)
        end
        got = got .. more
    until got:find(piece, 1, true)
    return got
end

local function header(server)
    return ("<stream:stream to='%s' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
        :format(server.hosts.good)
end

local function connect(server, service)
    local plain = socket.create_connection({ "127.0.0.1", server.ports[service] }, 60)
    if service == "c2s" then
        until_got(plain, header(server), "</stream:features>")
        until_got(plain, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed")
    end
    return context:wrap_socket(plain, { server_hostname = server.hosts.good })
end

-- login logs alice in with the password "secret", and returns the stream and the full address.
local function login(server, service)
    local stream = connect(server, service)
    until_got(stream, header(server), "</stream:features>")
    until_got(stream, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>", "<success")
    until_got(stream, header(server), "</stream:features>")
    local bound = until_got(stream, "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</iq>")
    return stream, bound:match "<jid>(.-)</jid>"
end

local function connections(count, open, service)
    return count, function(server)
        for _ = 1, count do
            open(server, service):close()
        end
    end
end

local function messages(count, size)
    return count, function(server)
        local stream, address = login(server, "c2s_direct_tls")
        local text = ("<message to='%s' type='chat'><body>%s</body></message>"):format(address, ("x"):rep(size))
        for _ = 1, count do
            until_got(stream, text, "</message>")
        end
        stream:close()
    end
end

-- Each row: a name, a count, and f(server), which does the operation so many times.
local rows = {
    { "direct TLS: connect, handshake, close", connections(200, connect, "c2s_direct_tls") },
    { "STARTTLS, SASL, bind, close", connections(100, login, "c2s") },
    { "a message of 100 bytes to oneself", messages(1000, 100) },
    { "a message of 100 KiB to oneself", messages(100, 102400) },
}

local function field(server, file, pattern)
    return process.read_file(("/proc/%d/%s"):format(server.pid, file)):match(pattern)
end

local function processor_time(server)
    return tonumber(field(server, "schedstat", "^(%d+)")) / 1e3
end

local servers = prosody.start {
    { library = "cleat", backend = options.backend, log = "info" }, { library = "luasec", backend = options.backend, log = "info" },
}

for _, row in ipairs(rows) do
    local name, count, run = (table.unpack or unpack)(row)
    local times = { {}, {} }
    for round = 0, options.rounds do -- 0 is a warm-up
        for turn = 0, 1 do
            local which = (round + turn) % 2 + 1
            local before = processor_time(servers[which])
            run(servers[which])
            times[which][round] = (processor_time(servers[which]) - before) / count
        end
    end
    times[1][0], times[2][0] = nil, nil
    local ratios = statistics.ratios(times[1], times[2])
    print(("%-40s cleat %8.1f ±%2.0f %%  LuaSec %8.1f ±%2.0f %%  ratio %.2f ±%.2f"):format(name,
        statistics.median(times[1]), 100 * statistics.spread(times[1]),
        statistics.median(times[2]), 100 * statistics.spread(times[2]),
        statistics.median(ratios), statistics.median(ratios) * statistics.spread(ratios)))
end

local function memory(server)
    return tonumber(field(server, "status", "VmRSS:%s*(%d+)"))
end

local COUNT = 300
local grown = {}
for i, server in ipairs(servers) do
    local before = memory(server)
    local open = {}
    for n = 1, COUNT do
        open[n] = login(server, "c2s_direct_tls")
    end
    grown[i] = (memory(server) - before) / COUNT
    for _, stream in ipairs(open) do
        stream:close()
    end
end
print(("%-40s cleat %8.1f        LuaSec %8.1f        ratio %.2f"):format("memory of a user's connection, KiB", grown[1], grown[2],
    grown[1] / grown[2]))
process.cleanup()
