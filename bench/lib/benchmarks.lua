--- The benchmarks, and the peers that can run them.
---
--- A benchmark has a name, which is the operation that the programs in peers/ get as argument; title; unit and
--- scale, which make of what a program printed ("cpu" seconds for count operations, or "bytes") the number that is
--- shown; quick and full, the counts. operation: where that is another. kind: "server" for those whose CPU is the
--- server's, "alone" for those that need no server, "program" for those that are one program, "growth" for those
--- that run only when they are named, and have a separate table; steps: where they report, columns: what. groups:
--- other groups than X25519. version: other than 1.3; below it the group is that of the certificates, too. rsa: all
--- certificates are RSA's. new_chains: which end shows another certificate on each connection, so that its peer has
--- not verified it before. grease: cleat's client sends ECH GREASE, which only cleat can. chart: it is in the chart.

local function per_operation(scale)
    return function(seconds, count)
        return seconds / count * scale
    end
end

local function per_gib(seconds, count)
    return seconds / count * 1024
end

local micro, milli, nano = per_operation(1e6), per_operation(1e3), per_operation(1e9)

local benchmarks = {
    { name = "handshake", title = "handshake, ECDSA, known server", unit = "µs", scale = micro, quick = 150, full = 600 },
    { name = "handshake-default", operation = "handshake", title = "the same with ECH GREASE, as by default", unit = "µs", scale = micro,
        quick = 150, full = 600, grease = true },
    { name = "handshake-new", operation = "handshake", title = "handshake, ECDSA, unknown server", unit = "µs", scale = micro,
        quick = 150, full = 600, new_chains = "server" },
    { name = "handshake-rsa", operation = "handshake", title = "handshake, RSA, known server", unit = "µs", scale = micro, quick = 150,
        full = 600, rsa = true },
    { name = "handshake-rsa-new", operation = "handshake", title = "handshake, RSA, unknown server", unit = "µs", scale = micro,
        quick = 150, full = 600, rsa = true, new_chains = "server" },
    { name = "handshake-pq", operation = "handshake", title = "handshake, X25519MLKEM768, known server", unit = "µs", scale = micro,
        quick = 100, full = 600, groups = "X25519MLKEM768", api = 40 },
    { name = "resume", title = "resumed, TLS 1.3", unit = "µs", scale = micro, quick = 150, full = 600 },
    { name = "resume-tls12", operation = "resume", title = "resumed, TLS 1.2", unit = "µs", scale = micro, quick = 150, full = 600,
        version = "1.2", groups = "prime256v1" },
    { name = "early-data", title = "resumed, with early data", unit = "µs", scale = micro, quick = 150, full = 600 },
    { name = "accept", title = "accept", unit = "µs", scale = micro, quick = 150, full = 600, kind = "server" },
    { name = "accept-client", title = "accept, known client certificate", unit = "µs", scale = micro, quick = 150, full = 600,
        kind = "server" },
    { name = "accept-client-new", operation = "accept-client", title = "accept, unknown client certificate", unit = "µs", scale = micro,
        quick = 150, full = 600, kind = "server", new_chains = "client" },
    { name = "accept-again", title = "accept, resumed, TLS 1.3", unit = "µs", scale = micro, quick = 150, full = 600, kind = "server" },
    { name = "accept-again-tls12", operation = "accept-again", title = "accept, resumed, TLS 1.2", unit = "µs", scale = micro,
        quick = 150, full = 600, kind = "server", version = "1.2", groups = "prime256v1" },
    { name = "receive", title = "receive, 16 KiB", unit = "s/GiB", scale = per_gib, quick = 64, full = 256 },
    { name = "receive-into", title = "receive into a buffer, 16 KiB", unit = "s/GiB", scale = per_gib, quick = 64, full = 256 },
    { name = "send", title = "send, 64 KiB", unit = "s/GiB", scale = per_gib, quick = 64, full = 256 },
    { name = "sendall", title = "send one large string", unit = "s/GiB", scale = per_gib, quick = 64, full = 256 },
    { name = "echo", title = "echo, 64 bytes", unit = "µs", scale = micro, quick = 2000, full = 6000 },
    { name = "want-read", title = "would block, raised and caught", unit = "ns", scale = nano, quick = 20000, full = 200000 },
    { name = "try-recv", title = "would block, returned", unit = "ns", scale = nano, quick = 20000, full = 200000 },
    { name = "idle", title = "idle client connection, memory", unit = "bytes", quick = 200, full = 1000 },
    { name = "idle-server", title = "idle server connection, memory", unit = "bytes", quick = 200, full = 300, kind = "server" },
    { name = "bundle-first", title = "context with the system's bundle", unit = "ms", scale = milli, quick = 1, full = 1,
        kind = "alone" },
    { name = "bundle-again", title = "the same again in the process", unit = "ms", scale = milli, quick = 20, full = 50,
        kind = "alone" },
    { name = "context", title = "empty context", unit = "µs", scale = micro, quick = 500, full = 2000, kind = "alone" },
    { name = "lookup", title = "id lookup, one thread", unit = "ns", scale = nano, quick = 5000000, full = 50000000,
        kind = "program", program = { "bench/lookup", "1", "own" } },
    { name = "lookup-2", title = "id lookup, two threads", unit = "ns", scale = nano, quick = 5000000, full = 50000000,
        kind = "program", program = { "bench/lookup", "2", "own" } },
    { name = "lookup-shared", title = "id lookup, two threads, one id", unit = "ns", scale = nano, quick = 5000000, full = 50000000,
        kind = "program", program = { "bench/lookup", "2", "same" } },
    { name = "growth-idle", operation = "idle", title = "idle connections", kind = "growth", quick = 1000, full = 100000,
        steps = { 100, 1000, 10000, 50000, 100000 }, columns = { "bytes each", "µs CPU for a handshake" } },
    { name = "growth-objects", operation = "objects", title = "idle connections over memory", kind = "growth", quick = 1000, full = 100000,
        steps = { 100, 1000, 10000, 50000, 100000 }, columns = { "bytes each", "µs CPU for a connection" } },
    { name = "growth-handshakes", operation = "handshakes", title = "handshakes, one after the other", kind = "growth", quick = 5000,
        full = 1000000, steps = { 100, 1000, 10000, 100000, 1000000 }, columns = { "bytes in all", "µs CPU for a handshake" } },
    { name = "growth-received", operation = "received", title = "MB received through one connection", kind = "growth", quick = 256,
        full = 10240, steps = { 64, 256, 1024, 4096, 10240 }, columns = { "bytes in all", "µs CPU for a MB" } },
    { name = "growth-sent", operation = "sent", title = "MB sent through one connection", kind = "growth", quick = 256,
        full = 10240, steps = { 64, 256, 1024, 4096, 10240 }, columns = { "bytes in all", "µs CPU for a MB" } },
    { name = "growth-contexts", operation = "contexts", title = "contexts", kind = "growth", quick = 500, full = 10000,
        steps = { 100, 500, 1000, 5000, 10000 }, columns = { "bytes each", "µs CPU for a context" } },
}

local CHART = { "handshake", "handshake-rsa", "resume", "accept", "receive", "send", "echo", "idle", "idle-server", "bundle-first" }

for _, benchmark in ipairs(benchmarks) do
    benchmark.chart = (" " .. table.concat(CHART, " ") .. " "):find(" " .. benchmark.name .. " ", 1, true) ~= nil
end

-- Operations that no other peer in Lua supports.
local function lacking(more)
    local list = { "handshake-default", "resume", "resume-tls12", "early-data", "accept-again", "accept-again-tls12", "receive-into",
        "try-recv", "handshake-pq" }
    return table.move(more, 1, #more, #list + 1, list)
end

--- The peers, in the order of the table; the others are compared with the first. lacks: operations that a peer does
--- not support.
local peers = {
    { name = "raw", title = "raw C", client = { "bench/raw_client" }, server = { "bench/raw_server" }, lacks = {} },
    { name = "cleat", title = "cleat, Lua 5.4", client = { "lua5.4", "peers/cleat.lua" }, lacks = {} },
    { name = "cleat-luajit", title = "cleat, LuaJIT", client = { "luajit", "peers/cleat.lua" },
        lacks = {} },
    { name = "luasec", title = "LuaSec", client = { "lua5.4", "peers/luasec.lua" }, needs = "lua5.4 -e 'require [[ssl]] print(1)'",
        lacks = lacking {} },
    { name = "cqueues", title = "cqueues, luaossl", client = { "lua5.4", "peers/cqueues.lua" },
        needs = "lua5.4 -e 'require [[openssl.ssl]] require [[cqueues.socket]] print(1)'", lacks = lacking { "want-read" } },
    { name = "python", title = "Python", client = { "/usr/bin/python3", "peers/python.py" },
        needs = "/usr/bin/python3 -c 'import ssl; print(1)'", lacks = { "early-data", "handshake-default", "handshake-pq", "try-recv" } },
}

return { list = benchmarks, peers = peers }
