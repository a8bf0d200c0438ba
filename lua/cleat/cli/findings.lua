--- The findings of `cleat inspect` about a server: its chain, its OCSP status, and what is wrong.

local certificate = require "cleat.cli.certificate"
local compat = require "cleat.compat"
local failure = require "cleat.cli.failure"
local json = require "cleat.cli.json"
local output = require "cleat.cli.output"
local ssl = require "cleat.ssl"
local tls = require "cleat.cli.tls"

local pcall = compat.pcall

local findings = {}

--- The statuses, in ascending order of severity.
findings.STATUSES = { "ok", "warning", "unknown", "critical" }
findings.EXITS = { ok = 0, warning = 1, critical = 2, unknown = 3 }

--- add_problem adds a problem to a result, and raises its status to at least the given one.
---@param result table
---@param status string
---@param message string
function findings.add_problem(result, status, message)
    result.problems[#result.problems + 1] = { status = status, message = message }
    result.status = findings.worst(result.status, status)
end

---@param one string
---@param other string
---@return string
function findings.worst(one, other)
    local rank = {}
    for index, status in ipairs(findings.STATUSES) do
        rank[status] = index
    end
    return rank[other] > rank[one] and other or one
end

local function chain_of(conn)
    local list = {}
    for _, der in ipairs(conn:get_unverified_chain()) do
        list[#list + 1] = ssl.Certificate(der)
    end
    return list
end

-- refused returns the certificate that the verification has refused. The handshake gives its depth only. Whether it was
-- sent or is a trusted one is known after another verification without the connection, which has the same faults except
-- those of OCSP.
local function refused(conn, sent, err)
    local ok, other = pcall(sent[1].verify, sent[1], conn.context, { hostname = conn.server_hostname, untrusted = sent })
    if not ok and ssl.SSLCertVerificationError:is(other) and other.depth == err.depth then
        return other.certificate
    end
    return sent[err.depth + 1]
end

--- verdict records whether the verification has succeeded, and which certificate was refused.
---@param result table
---@param conn cleat.ssl.SSLSocket
---@param sent cleat.ssl.CertificateObject[]
function findings.verdict(result, conn, sent)
    local found = conn:get_verify_result()
    local first = found.errors[1]
    result.verified = found.verify_code == 0
    result.verify = { code = found.verify_code, message = found.verify_message }
    if not result.verified and first then
        local blamed = refused(conn, sent, first)
        result.verify.depth = first.depth
        result.verify.subject = blamed and tls.subject(blamed)
        result.verify.errors = json.array {}
        for _, each in ipairs(found.errors) do
            table.insert(result.verify.errors, { code = each.code, depth = each.depth, message = each.message })
        end
        findings.add_problem(result, "critical", "refused: " .. found.verify_message .. (blamed
            and (": %s (%d in the chain)"):format(result.verify.subject, first.depth) or ""))
    elseif not result.verified then
        findings.add_problem(result, "critical", "refused: " .. tostring(found.verify_message))
    end
end

--- chain records the certificates that were sent, and the trusted certificate that the verification has added.
---@param result table
---@param conn cleat.ssl.SSLSocket
---@param sent cleat.ssl.CertificateObject[]
---@param now number
---@return cleat.ssl.CertificateObject[]
function findings.chain(result, conn, sent, now)
    local ok, verified = pcall(conn.get_verified_chain, conn)
    local chain, from_peer = sent, {}
    if ok and result.verified and verified[1] then
        chain = {}
        for _, der in ipairs(verified) do
            chain[#chain + 1] = ssl.Certificate(der)
        end
    end
    for _, each in ipairs(sent) do
        from_peer[each:fingerprint()] = true
    end
    result.chain = json.array {}
    for index, each in ipairs(chain) do
        local facts = certificate.facts(each, now)
        facts.sent, facts.depth = from_peer[facts.sha256] or false, index - 1
        result.chain[index] = facts
    end
    result.sent = #sent
    return chain
end

--- expiry checks the certificate of the chain that expires first.
---@param result table
---@param chain cleat.ssl.CertificateObject[]
---@param options table
---@param now number
function findings.expiry(result, chain, options, now)
    local first
    for _, each in ipairs(chain) do
        if not first or each.not_after < first.not_after then
            first = each
        end
    end
    if not first then
        return
    end
    result.expires = certificate.time(first.not_after)
    result.days_left = certificate.days(first, now)
    local left = (first.not_after - now) / 86400
    local status = left < options.critical_days and "critical" or left < options.warn_days and "warning" or nil
    if status then
        findings.add_problem(result, status, ("%s %s"):format(tls.subject(first), certificate.left(first.not_after, now)))
    end
end

-- issuer_of returns the issuer of the first certificate, from the chain.
local function issuer_of(chain)
    return chain[2] or tls.name(chain[1].subject) == tls.name(chain[1].issuer) and chain[1] or nil
end

--- ocsp records the status in the stapled OCSP response.
---@param result table
---@param conn cleat.ssl.SSLSocket
---@param chain cleat.ssl.CertificateObject[]
function findings.ocsp(result, conn, chain)
    local response = conn:ocsp_response()
    result.ocsp = { stapled = response ~= nil }
    local issuer = response and issuer_of(chain)
    if not issuer then
        return
    end
    local ok, status = pcall(ssl.check_ocsp_response, response, chain[1]:public_bytes(), issuer:public_bytes())
    if not ok then
        result.ocsp.problem = output.safe((tostring(status):gsub(" %([%w_]+%.cc?:%d+%)$", "")))
        findings.add_problem(result, "warning", "the stapled OCSP response is not valid: " .. result.ocsp.problem)
        return
    end
    result.ocsp.status = status.status
    result.ocsp.this_update = certificate.time(status.this_update)
    result.ocsp.next_update = status.next_update and certificate.time(status.next_update)
    result.ocsp.revoked_at = status.revoked_at and certificate.time(status.revoked_at)
end

local OLD = { ["TLSv1"] = true, ["TLSv1.1"] = true }

--- versions checks the accepted versions of TLS: no old ones, and at least one current one.
---@param result table
function findings.versions(result)
    local old = {}
    for version, accepted in pairs(result.versions) do
        if accepted and OLD[version] then
            old[#old + 1] = version
        end
    end
    table.sort(old)
    if old[1] then
        findings.add_problem(result, "warning", "accepts " .. table.concat(old, " and ") .. ", which RFC 8996 forbids")
    end
end

--- unreachable makes the result for a server that could not be inspected.
---@param result table
---@param err any
function findings.unreachable(result, err)
    if type(err) ~= "table" then
        error(err, 0)
    elseif failure.is(err) then
        findings.add_problem(result, err.status == 3 and "unknown" or "critical", tostring(err.message))
        return
    end
    local message, hint = tls.explain(err)
    local status = require("cleat.errors").gaierror:is(err) and "unknown" or "critical"
    findings.add_problem(result, status, message .. (hint and " (" .. hint .. ")" or ""))
end

--- scts counts the signed certificate timestamps in the certificate and in the handshake.
---@param result table
---@param conn cleat.ssl.SSLSocket
---@param chain cleat.ssl.CertificateObject[]
function findings.scts(result, conn, chain)
    local ok, inside = pcall(function()
        return chain[1].scts
    end)
    local sent = conn:scts()
    result.scts = { certificate = ok and inside and #inside or 0, handshake = sent and #sent or 0 }
end

findings.chain_of = chain_of

return findings
