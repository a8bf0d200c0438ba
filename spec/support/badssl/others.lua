-- OpenSSL's and GnuTLS's verdicts on the chains, from openssl verify and certtool --verify, each at the level that it
-- uses for TLS (OpenSSL: security level 2, which Debian sets; GnuTLS: the profile "low", which is in NORMAL).
local badssl = require "support.badssl"
local process = require "support.process"

local others = {}

local function quote(words)
    for i, word in ipairs(words) do
        words[i] = process.quote(word)
    end
    return table.concat(words, " ")
end

local function openssl(files, role)
    local words = {
        "openssl", "verify", "-CAfile", files.trust, "-untrusted", files.chain, "-auth_level", "2",
        "-purpose", role == "server" and "sslserver" or "sslclient",
    }
    local function add(...)
        for _, word in ipairs { ... } do
            words[#words + 1] = word
        end
    end
    if role == "server" then
        add(files.host:match "^[%d.:]+$" and "-verify_ip" or "-verify_hostname", files.host)
    end
    local function has(flag)
        return math.floor(files.flags / flag) % 2 == 1
    end
    if has(0x4) then
        add(has(0x8) and "-crl_check_all" or "-crl_check")
    end
    if has(0x20) then
        add "-x509_strict"
    end
    if has(0x80000) then
        add "-partial_chain"
    end
    if files.crl then
        add("-CRLfile", files.crl)
    end
    add(files.leaf)
    return quote(words)
end

local function gnutls(files, role)
    local words = {
        "certtool", "--verify", "--verify-profile", "low", "--load-ca-certificate", files.trust, "--infile", files.chain,
        "--verify-purpose", role == "server" and "1.3.6.1.5.5.7.3.1" or "1.3.6.1.5.5.7.3.2",
    }
    if role == "server" then
        words[#words + 1] = "--verify-hostname=" .. files.host
    end
    if files.crl then
        words[#words + 1] = "--load-crl"
        words[#words + 1] = files.crl
    end
    return quote(words)
end

-- openssl_verdict: "accepted", the number of the first error, or "unreadable".
local function openssl_verdict(text)
    local number = text:match "error (%d+) at %d+ depth lookup"
    return number or text:find(": OK\n", 1, true) and "accepted" or "unreadable"
end

-- GnuTLS's findings, in short.
local PHRASES = {
    { "expired certificate", "expired" }, { "not yet valid certificate", "not yet valid" }, { "issuer is unknown", "issuer unknown" },
    { "issuer is not a CA", "issuer is no CA" }, { "signer's constraints", "constraints" }, { "intended purpose", "purpose" },
    { "chain is revoked", "revoked" }, { "insecure algorithm", "insecure" }, { "does not match", "name" },
    { "signature in the certificate is invalid", "signature" }, { "revocation data", "revocation data" },
    { "unknown critical", "critical" },
}

local function gnutls_verdict(text)
    local verdict = text:match "Chain verification output: ([^\n]*)"
    if not verdict then
        return "unreadable"
    elseif verdict:match "^Verified" then
        return "accepted"
    end
    for _, phrase in ipairs(PHRASES) do
        if verdict:find(phrase[1], 1, true) then
            return phrase[2]
        end
    end
    return "not trusted"
end

-- run returns { [case] = { server=, client=, control= } }, each { OpenSSL's verdict, GnuTLS's }: on the bad chain in
-- each role, and on the good one as a server's.
function others.run()
    local asked, lines = {}, {}
    for _, case in ipairs(badssl.cases) do
        for _, question in ipairs { { "server", "wrong", "server" }, { "client", "wrong", "client" }, { "control", "right", "server" } } do
            local files = badssl.files(case, question[2])
            local name = ("%s/%d"):format(process.directory(), #asked)
            asked[#asked + 1] = { case = case.name, question = question[1], file = name }
            lines[#lines + 1] = ("{ %s; } >%s.openssl 2>&1"):format(openssl(files, question[3]), name)
            lines[#lines + 1] = ("{ %s; } >%s.gnutls 2>&1"):format(gnutls(files, question[3]), name)
        end
    end
    local script = process.write_file(process.directory() .. "/commands", table.concat(lines, "\n") .. "\n")
    local result = process.run { "sh", "-c", ("tr '\\n' '\\0' <%s | xargs -0 -n 20 -P 2 sh -c 'for line; do eval \"$line\"; done' x")
        :format(process.quote(script)), timeout = 100 }
    assert(result.status == 0 or result.status == 123, result.errors)
    local answers = {}
    for _, one in ipairs(asked) do
        answers[one.case] = answers[one.case] or {}
        answers[one.case][one.question] = {
            openssl_verdict(process.read_file(one.file .. ".openssl")), gnutls_verdict(process.read_file(one.file .. ".gnutls")),
        }
    end
    return answers
end

-- versions returns the versions of the two programs.
function others.versions()
    return {
        openssl = process.run({ "openssl", "version" }).output:match "^OpenSSL (%S+)",
        gnutls = process.run({ "certtool", "--version" }).output:match "^certtool (%S+)",
    }
end

return others
