--- `cleat inspect`: shows the certificates and settings of servers, and their problems.

local compat = require "cleat.compat"
local facts = require "cleat.cli.facts"
local findings = require "cleat.cli.findings"
local json = require "cleat.cli.json"
local loop = require "cleat.cli.loop"
local output = require "cleat.cli.output"
local probe = require "cleat.cli.probe"
local report = require "cleat.cli.report"
local target = require "cleat.cli.target"

local pcall = compat.pcall

local AT_ONCE = 16
local UNKNOWN = 3
local OFFERED = { "h2", "http/1.1" }

-- describe records the facts about a connection and its chain.
local function describe(result, of, options)
    local context = of:context()
    context.ask_scts = true
    if not options.alpn and not options.starttls then
        context:set_alpn_protocols(OFFERED)
    end
    local conn, times = of:open(context)
    local now = os.time()
    for name, value in pairs(facts.of_connection(conn, of.to, true)) do
        result[name] = value
    end
    result.address = conn:getpeername()[1]
    result.seconds = times
    local sent = findings.chain_of(conn)
    findings.verdict(result, conn, sent)
    local chain = findings.chain(result, conn, sent, now)
    findings.expiry(result, chain, options, now)
    findings.ocsp(result, conn, chain)
    findings.scts(result, conn, chain)
    return context, conn
end

local function inspect(to, options)
    local result = { target = to.name, host = to.host, port = to.port, status = "ok", problems = json.array {},
        starttls = options.starttls }
    local of = probe.new(to, options)
    local ok, context, conn = pcall(describe, result, of, options)
    if not ok then
        findings.unreachable(result, context)
        return result
    end
    result.resumption = of:resumes(context, conn)
    if not options.brief then
        result.versions = of:versions()
        result.groups = of:groups()
        findings.versions(result)
        if result.verified and result.versions["TLSv1.3"] then
            result.ech = of:ech()
        end
    end
    return result
end

return function(options)
    local targets = {}
    for index, text in ipairs(options.targets) do
        targets[index] = target.parse(text, UNKNOWN, options.starttls)
    end
    probe.new(targets[1], options):context() -- fails here if a file cannot be used
    local results = loop.all(targets, AT_ONCE, function(to)
        local ok, result = pcall(inspect, to, options)
        return ok and result or { failed = result }
    end)
    local worst = "ok"
    for _, result in ipairs(results) do
        if result.failed then
            error(result.failed, 0)
        end
        worst = findings.worst(worst, result.status)
    end
    if options.json then
        output.write(json.encode(json.array(results)), "\n")
    else
        report.write(results)
    end
    return findings.EXITS[worst]
end
