--- Runs the benchmarks: see script/bench --help, and README.md beside this file.

local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path

local benchmarks = require "lib.benchmarks"
local chart = require "lib.chart"
local flame = require "lib.flame"
local json = require "lib.json"
local machine = require "lib.machine"
local process = require "lib.process"
local report = require "lib.report"

local CLIENT, SERVER = 0, 1 -- the cores
local build, folder = assert(os.getenv "CLEAT_BUILD_DIR"), assert(os.getenv "BENCH_FOLDER")
local pki = build .. "/pki/"

local terminal = os.execute "test -t 2"

local function say(...)
    io.stderr:write(string.format(...), "\n")
end

local function stop(...)
    say("bench: " .. string.format(...))
    os.exit(1)
end

-- The command line.
local options = { rounds = nil, quick = false, names = {} }
do
    local index = 1
    local function value()
        index = index + 1
        return arg[index] or stop("%s needs a value (see --help)", arg[index - 1])
    end
    while arg[index] do
        local word = arg[index]
        if word == "--quick" then
            options.quick = true
        elseif word == "--rounds" then
            options.rounds = math.tointeger(tonumber(value())) or stop "--rounds needs a number"
        elseif word == "--limit" then
            options.limit = math.tointeger(tonumber(value())) or stop "--limit needs a number"
        elseif word == "--write-docs" then
            options.write_docs = true
        elseif word == "--json" then
            options.json = value()
        elseif word == "--svg" then
            options.svg = value()
        elseif word == "--markdown" then
            options.markdown = value()
        elseif word == "--profile" then
            options.profile = true
        elseif word:sub(1, 1) == "-" then
            stop("unknown argument %s (see --help)", word)
        else
            options.names[#options.names + 1] = word
        end
        index = index + 1
    end
end
if options.profile then -- of cleat on Lua 5.4 if no peer is named
    local named = #options.names
    for _, peer in ipairs(benchmarks.peers) do
        for _, name in ipairs(options.names) do
            named = name == peer.name and 0 or named
        end
    end
    options.names[#options.names + 1] = named > 0 and "cleat" or nil
end
local rounds = math.max(1, options.rounds or (options.quick and 3 or 15))

-- The benchmarks and peers that were named, all if none were.
local api = machine.boringssl_api(build)
local chosen, peers = {}, {}
do
    local wanted, known = {}, {}
    for _, name in ipairs(options.names) do
        wanted[name] = true
    end
    local function choose(list, into)
        local named = false
        for _, item in ipairs(list) do
            known[item.name] = true
            named = named or wanted[item.name]
        end
        for _, item in ipairs(list) do
            if wanted[item.name] or item.name == "raw" or not named and item.kind ~= "growth" then
                into[#into + 1] = item
            end
        end
    end
    choose(benchmarks.list, chosen)
    choose(benchmarks.peers, peers)
    for _, name in ipairs(options.names) do
        if not known[name] then
            stop("there is neither a benchmark nor a peer %s (see --help)", name)
        end
    end
end

local function lacks(peer, benchmark)
    for _, name in ipairs(peer.lacks) do
        if name == benchmark.name then
            return true
        end
    end
    return benchmark.kind == "program" and peer.name ~= "cleat"
end

local recording -- the file into which the program that is measured is profiled

-- words: a program of a peer's, with its place.
local function words(program, ...)
    local list = {}
    for index, word in ipairs(program) do
        list[index] = word:gsub("^bench/", build .. "/bench/"):gsub("^peers/", here .. "/peers/")
    end
    for _, word in ipairs { ... } do
        list[#list + 1] = tostring(word)
    end
    return list
end

-- measured: the words of the program whose CPU time counts.
local function measured(program)
    if not recording then
        return program
    end
    local list = flame.recorder(recording)
    return table.move(program, 1, #program, #list + 1, list)
end

local function environment(benchmark, changes)
    local rsa, operation = benchmark.rsa and "rsa-" or "", benchmark.operation or benchmark.name
    local values = {
        BENCH_CA = pki .. rsa .. "root.pem", BENCH_NAME = "localhost",
        BENCH_CERT = pki .. (benchmark.rsa and "rsa-server.pem" or "server-ec.pem"),
        BENCH_KEY = pki .. (benchmark.rsa and "rsa-server.key" or "server-ec.key"),
        BENCH_ISSUER_KEY = pki .. rsa .. "intermediate.key", BENCH_NEW_CHAINS = benchmark.new_chains or "none",
        BENCH_CLIENT_CERT = operation == "accept-client" and pki .. "client.pem" or "", BENCH_CLIENT_KEY = pki .. "client.key",
        BENCH_BUNDLE = machine.bundle, BENCH_GROUPS = benchmark.groups or "X25519", BENCH_VERSION = benchmark.version or "1.3",
        BENCH_GREASE = benchmark.grease and "1" or "0",
        BENCH_EARLY_DATA = operation == "early-data" and "1" or "0",
    }
    for name, value in pairs(changes or {}) do
        values[name] = value
    end
    return values
end

-- For Python, which has no call to choose the suite and the group.
local function with_configuration(peer, values)
    if peer.name == "python" then
        values.OPENSSL_CONF = here .. "/peers/openssl.cnf"
    end
    return values
end

local server = {}

-- serve: the raw server as a benchmark needs it.
local function serve(benchmark)
    local values = environment(benchmark)
    local needs = {}
    for name, value in pairs(values) do
        needs[#needs + 1] = name .. "=" .. value
    end
    table.sort(needs)
    needs = table.concat(needs, "\n")
    if server.needs ~= needs then
        if server.pipe then
            server.pipe:close()
        end
        server.needs = needs
        server.port, server.pipe = process.serve(SERVER, words({ "bench/raw_server" }, "serve"), folder, values)
        if not server.port then
            stop "the raw server does not start"
        end
    end
    return server.port
end

local function client(peer, benchmark, operation, count, changes)
    local port = benchmark.kind == "alone" and 0 or serve(benchmark)
    return process.run(CLIENT, measured(words(peer.client, operation, port, count)),
        with_configuration(peer, environment(benchmark, changes)))
end

local VISITS = { ["accept-again"] = "visit-again", ["idle-server"] = "visit-idle" } -- what the client does with a server

-- A server of the peer's, and the raw client.
local function accept(peer, benchmark, count)
    local operation = benchmark.operation or benchmark.name
    local program = measured(words(peer.server or peer.client, operation, count))
    local values = environment(benchmark)
    local started = process.start(CLIENT, program, with_configuration(peer, values))
    local port, said = started.output "^port (%d+)"
    if not port then
        return nil, said
    end
    local visited, why = process.run(SERVER, words(peers[1].client, VISITS[operation] or "visit", port, count + count // 10 + 1), values)
    local answer, last = started.output "^(%l+ [%d.]+)"
    started.finish()
    if not visited then
        return nil, why
    end
    return answer, last
end

-- grow: the rows of a growth benchmark for a peer; nil and a message.
local function grow(peer, benchmark)
    local count = options.quick and benchmark.quick or benchmark.full
    count = math.min(count, options.limit or count)
    if benchmark.operation == "idle" then -- the server has one for each, too
        count = math.min(count, machine.descriptors() - 100)
    end
    local started = process.start(CLIENT, words({ peer.client[1], "peers/growth.lua" }, benchmark.operation, serve(benchmark), count,
        table.unpack(benchmark.steps)), environment(benchmark))
    local rows = {}
    while true do
        local row, why = started.output "^step (.*)"
        if not row then
            started.finish()
            if #rows == 0 then
                return nil, why
            end
            return rows
        end
        local number, bytes, seconds = row:match "^(%d+) (%d+) ([%d.]+)$"
        rows[#rows + 1] = { number = tonumber(number), bytes = tonumber(bytes), microseconds = tonumber(seconds) * 1e6 }
        if terminal then
            io.stderr:write(("\r\27[K%s, %s: %s of %d"):format(benchmark.name, peer.title, number, count))
        end
    end
end

-- measure returns a benchmark's number for a peer once, and what else it printed; or nil and a message.
local function measure(peer, benchmark)
    local count = options.quick and benchmark.quick or benchmark.full
    local operation = benchmark.operation or benchmark.name
    local output, why
    if benchmark.kind == "server" then
        output, why = accept(peer, benchmark, count)
    elseif benchmark.kind == "program" then
        local program = words(benchmark.program, count)
        output, why = process.run("0,1", program)
    else
        output, why = client(peer, benchmark, operation, count)
    end
    if not output then
        return nil, why
    end
    local bytes, seconds = output:match "bytes (%-?[%d.]+)", output:match "cpu ([%d.]+)"
    local number = bytes and tonumber(bytes) or seconds and benchmark.scale(tonumber(seconds), count)
    return number, output:match "allocated ([%d.]+)" or output
end

-- A peer that does not verify is not compared.
local CONTROLS = {
    { "a valid server", "^accepted TLSv1%.3 TLS_AES_128_GCM_SHA256%s*$", {} },
    { "an unknown CA", "^refused .", { BENCH_CA = pki .. "unknown-root.pem" } },
    { "another name", "^refused .", { BENCH_NAME = "other.example" } },
}

local function verified(peer)
    for _, control in ipairs(CONTROLS) do
        local output, why = client(peer, {}, "verify", 1, control[3])
        if not output or not output:match(control[2]) then
            return nil, ("%s: %s"):format(control[1], output and output:match "^[^\n]*" or why)
        end
    end
    return true
end

local function admit()
    local admitted, absent = {}, {}
    for _, peer in ipairs(peers) do
        local ok, why = not peer.needs or process.first_line(peer.needs) ~= nil, "it is not installed"
        if ok then
            ok, why = verified(peer)
        end
        if ok then
            admitted[#admitted + 1] = peer
            say("  %-18s accepts the right server, refuses an unknown CA and a wrong name", peer.title)
        else
            absent[peer.title] = why
            say("  %-18s LEFT OUT: %s", peer.title, why)
        end
    end
    return admitted, absent
end

if not process.pinning then
    say "bench: no two cores to pin to: the numbers will be less steady"
end
say "controls:"
local absent
peers, absent = admit()
if not peers[1] or peers[1].name ~= "raw" then
    stop "there is nothing to compare with"
end

-- The rounds. Peers take turns, each time another one is the first.
local results = {}
local started = os.time()

local function run_growth(benchmark)
    local result = { benchmark = benchmark, values = {}, failures = {}, allocated = {}, growth = {} }
    for _, peer in ipairs(peers) do
        if peer.name:find "^cleat" then
            result.growth[peer.name], result.failures[peer.name] = grow(peer, benchmark)
        end
    end
    results[#results + 1] = result
end

local function run_rounds(number, benchmark)
    local result = { benchmark = benchmark, values = {}, failures = {}, allocated = {} }
    local run = {}
    for _, peer in ipairs(peers) do
        if not lacks(peer, benchmark) and (benchmark.api or 0) <= api then
            run[#run + 1] = peer
            result.values[peer.name] = {}
        end
    end
    for round = 1, rounds do
        for turn = 0, #run - 1 do
            local peer = run[(round + turn - 1) % #run + 1]
            local value, more = measure(peer, benchmark)
            if value then
                result.values[peer.name][round] = value
                result.allocated[peer.name] = benchmark.name == "want-read" and tonumber(more) or nil
            else
                result.failures[peer.name] = more
            end
        end
        if terminal then
            io.stderr:write(("\r\27[K[%d/%d] %s, round %d of %d, %d s"):format(number, #chosen, benchmark.name, round, rounds,
                os.time() - started))
        end
    end
    if terminal then
        io.stderr:write "\r\27[K"
    end
    if #run > 0 then
        results[#results + 1] = result
        say("[%d/%d] %s", number, #chosen, report.line(result, peers))
    end
end

-- profile draws a flame graph of the one benchmark and peer that were named.
local function profile()
    local peer = peers[#peers] -- after raw C, which is always there
    local name = options.svg or ("%s/profile-%s-%s.svg"):format(build, chosen[1].name, peer.name)
    recording = folder .. "/perf.data"
    local value, why = measure(peer, chosen[1])
    if not value then
        stop("%s, %s: %s", chosen[1].name, peer.title, why)
    end
    local drawn, shares = flame.draw(recording, chosen[1].title .. ", " .. peer.title)
    local file = assert(io.open(name, "w"))
    file:write(drawn or stop("%s", shares))
    file:close()
    say("%s, %s: %s", chosen[1].title, peer.title, shares)
    say("wrote %s", name)
    os.exit(0)
end

if options.profile then
    if #chosen ~= 1 or #peers > 2 or chosen[1].kind == "growth" or chosen[1].kind == "program" then
        stop "--profile needs one benchmark, and at most one peer (see --help)"
    elseif not process.first_line "perf --version" then
        stop "--profile needs perf, which Debian's package linux-perf has"
    end
    profile()
end

for number, benchmark in ipairs(chosen) do
    if benchmark.kind == "growth" then
        run_growth(benchmark)
    else
        run_rounds(number, benchmark)
    end
end

local summary = report.summary(results, peers, {
    date = os.date "!%Y-%m-%d", rounds = rounds, quick = options.quick, absent = absent,
    machine = machine.describe(build),
})
io.stdout:write(report.table(summary))

local function write(name, content)
    if name then
        local file = assert(io.open(name, "w"))
        file:write(content)
        file:close()
    end
end
write(options.json, json(summary))
write(options.svg, options.svg and chart(summary))
write(options.markdown, options.markdown and report.markdown(summary))

-- The page keeps what is written around the tables, and the last tables of what was not measured now.
if options.write_docs then
    local page = here .. "/../docs/performance.md"
    local text = assert(process.read_file(page))
    local kind = #chosen > 0 and chosen[1].kind == "growth" and "growth" or "table"
    local first, last = "<!-- " .. kind .. ": script/bench --write-docs -->\n", "<!-- end of " .. kind .. " -->"
    local _, from = text:find(first, 1, true)
    local to = from and text:find(last, from, true)
    if not to then
        stop("docs/performance.md has no place for a %s", kind)
    end
    if kind == "table" then
        write(here .. "/../docs/performance.svg", chart(summary))
    end
    write(page, text:sub(1, from) .. "\n" .. report.markdown(summary) .. "\n" .. text:sub(to))
    say("wrote the %s of docs/performance.md", kind)
end
