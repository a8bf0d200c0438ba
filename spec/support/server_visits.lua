-- Connections of CPython to servers in this process. Each may offer the session of an earlier one. For specs about the
-- sessions that servers resume.
local limits = require "support.limits"
local peer = require "support.peer"
local pki = require "support.pki"
local socket = require "cleat.socket"
local ssl = require "cleat.ssl"

local visits = {}

local VERSIONS = { ["1.2"] = ssl.TLSVersion.TLSv1_2, ["1.3"] = ssl.TLSVersion.TLSv1_3 }

visits.VARIANTS = {
    { name = "TLS 1.2, ticket", version = "1.2" }, { name = "TLS 1.2, session id", version = "1.2", no_ticket = true },
    { name = "TLS 1.3", version = "1.3" },
}

-- server returns a server's context. options: cafile (of pki), verify (CERT_NONE), cert (server-ec).
function visits.server(variant, options)
    options = options or {}
    local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context.minimum_version, context.maximum_version = VERSIONS[variant.version], VERSIONS[variant.version]
    if variant.no_ticket then
        context.options = context.options + ssl.OP_NO_TICKET
    end
    context:load_cert_chain(pki.chain(options.cert or "server-ec"))
    if options.cafile then
        context:load_verify_locations(pki.path(options.cafile))
    end
    context.verify_mode = options.verify or ssl.CERT_NONE
    return context
end

-- visit makes one connection to a server of the context. client: cert (of pki), hostname (a.example), resume (the name
-- of the session to offer, that of an earlier visit), save (the name for the session of this one), meanwhile (called
-- once the server's connection has been made, before its handshake), max ("1.3" for a client that offers more than the
-- server's version). It returns failure (the server's), subject (of the client's certificate), resumed (by both ends),
-- and the client's lines.
function visits.visit(variant, context, client)
    client = client or {}
    local listener = socket.socket()
    listener:settimeout(limits.bound(30))
    listener:bind { "127.0.0.1", 0 }
    listener:listen(1)
    local options = {
        port = listener:getsockname()[2], tls = true, min = variant.version, max = client.max or variant.version,
        hostname = client.hostname or "a.example", resume = client.resume,
        "handshake", "reused", "recv 5", "save " .. (client.save or "visit"), "notify",
    }
    if client.cert then
        options.cert, options.key = pki.chain(client.cert)
    end
    local job = peer.connect(options)
    local plain = listener:accept()
    listener:close()
    plain:settimeout(limits.bound(30))
    local hits = context:session_stats().hits
    local ok, result = pcall(function()
        local sock = context:wrap_socket(plain, { server_side = true, do_handshake_on_connect = false })
        plain = sock
        if client.meanwhile then
            client.meanwhile(sock)
        end
        sock:do_handshake()
        return sock
    end)
    local outcome = {}
    if ok then
        local certificate = result:getpeercert()
        outcome.subject = certificate and certificate.subject[2][1][2]
        outcome.resumed = context:session_stats().hits == hits + 1
        result:sendall("hello")
        assert(result:recv(1) == "")
        result:close()
    else
        outcome.failure = result
        plain:close()
    end
    outcome.lines = job:finish()
    if ok then
        assert(outcome.lines[2] == "reused " .. (outcome.resumed and "yes" or "no") and outcome.lines[3] == "recv 68656c6c6f",
            table.concat(outcome.lines, "\n"))
    end
    return outcome
end

-- resumes returns whether a visit resumes the session of the last visit; a failure of the server is an error.
function visits.resumes(variant, context, client)
    client = client or {}
    client.resume = client.resume or "visit"
    local outcome = visits.visit(variant, context, client)
    assert(not outcome.failure, tostring(outcome.failure))
    return outcome.resumed
end

return visits
