--- The text output of `cleat inspect`.

local certificate = require "cleat.cli.certificate"
local output = require "cleat.cli.output"

local report = {}

local COLOURS = { ok = "green", warning = "yellow", unknown = "yellow", critical = "red" }

-- accepted formats "TLSv1.3 yes, TLSv1.2 yes, TLSv1.1 no", in the given order.
local function accepted(found, order)
    local parts = {}
    for _, name in ipairs(order) do
        local value = found[name]
        parts[#parts + 1] = name .. (value == true and " yes" or value == false and " no" or " ?")
    end
    return table.concat(parts, ", ")
end

local function keys(found, reverse)
    local list = {}
    for name in pairs(found) do
        list[#list + 1] = name
    end
    table.sort(list, reverse and function(one, other) return one > other end or nil)
    return list
end

local function chain_rows(add, result, paint)
    for _, each in ipairs(result.chain) do
        local names = each.depth == 0 and certificate.list(each.names) or ""
        local ends = certificate.left(each.seconds_left, 0)
        add(("chain %d"):format(each.depth), ("%s; %s, %d bits, %s; %s%s"):format(each.subject, each.key.type, each.key.bits,
            each.signature, each.valid_now and ends or paint("red", ends), each.sent and "" or "; trusted, not sent"))
        add("", names ~= "" and "for " .. names or nil)
    end
    if result.chain[1] and not result.verified then
        add("", "issuer: " .. result.chain[#result.chain].issuer)
    end
end

local function ocsp(result)
    local of = result.ocsp
    if not of.stapled then
        return "no response stapled"
    elseif of.status then
        return ("stapled: %s%s"):format(of.status, of.next_update and ", until " .. of.next_update or "")
    end
    return "stapled: " .. (of.problem or "its issuer is not known")
end

local function rows(result, paint)
    local list = {}
    local function add(label, text)
        if text then
            list[#list + 1] = { label, text }
        end
    end
    for _, problem in ipairs(result.problems) do
        add(problem.status, paint(COLOURS[problem.status], problem.message))
    end
    if not result.version then
        return list
    end
    add("verified", result.verified and paint("green", "yes, for " .. output.safe(result.server_name)) or paint("red", "no"))
    add("negotiated", result.version .. ", " .. result.cipher .. (result.group and ", " .. result.group or "")
        .. (result.alpn and ", ALPN " .. output.safe(result.alpn) or ""))
    chain_rows(add, result, paint)
    add("OCSP", ocsp(result))
    add("SCTs", ("%d in the certificate, %d in the handshake"):format(result.scts.certificate, result.scts.handshake))
    add("resumption", result.resumption == nil and "unknown" or result.resumption and "yes" or "no")
    add("ECH", result.ech and (result.ech.supported and "yes" or "no") or nil)
    add("versions", result.versions and accepted(result.versions, keys(
        { ["TLSv1.3"] = 1, ["TLSv1.2"] = 1, ["TLSv1.1"] = 1, ["TLSv1"] = 1 }, true)))
    add("groups", result.groups and accepted(result.groups, keys(result.groups)))
    add("time", ("%.0f ms to connect, %.0f ms for the handshake"):format(result.seconds.connect * 1000,
        result.seconds.handshake * 1000))
    return list
end

--- Writes the results.
---@param results table[]
function report.write(results)
    local paint, width = output.painter(1), output.columns(1)
    for index, result in ipairs(results) do
        local address = result.address and result.address ~= result.host and " (" .. result.address .. ")" or ""
        output.write(index > 1 and "\n" or "", paint("bold", result.target .. address), "  ",
            paint(COLOURS[result.status], result.status:upper()), "\n", output.rows(rows(result, paint), width, 2))
    end
end

return report
