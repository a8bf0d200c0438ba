--- The result of a handshake, as a table for JSON and as a line of text.

local iso_time = require("cleat.cli.certificate").time
local output = require "cleat.cli.output"
local ssl = require "cleat.ssl"
local tls = require "cleat.cli.tls"

local facts = {}

--- certificate returns the peer's certificate, nil if there is none.
---@param conn any an SSLSocket or SSLObject
---@return cleat.ssl.CertificateObject?
function facts.certificate(conn)
    local ok, der = pcall(conn.getpeercert, conn, true)
    local parsed, certificate = pcall(ssl.Certificate, ok and der or "")
    return parsed and certificate or nil
end

--- of_connection returns the facts about a connection to a target.
---@param conn any
---@param to cleat.cli.Target
---@param verified boolean
---@return table
function facts.of_connection(conn, to, verified)
    local cipher = conn:cipher()
    local certificate = facts.certificate(conn)
    return {
        host = to.host,
        port = to.port,
        server_name = conn.server_hostname,
        version = conn:version(),
        cipher = cipher[1],
        cipher_bits = cipher[3],
        group = conn:group(),
        signature = conn:server_sigalg(),
        alpn = conn:selected_alpn_protocol(),
        ech = conn.ech_accepted,
        resumed = conn.session_reused,
        verified = verified,
        subject = certificate and tls.name(certificate.subject),
        issuer = certificate and tls.name(certificate.issuer),
        not_after = certificate and iso_time(certificate.not_after),
        sha256 = certificate and certificate:fingerprint(),
    }
end

--- line formats "connected to example.org port 443: TLSv1.3, TLS_AES_128_GCM_SHA256, verified: CN=example.org".
---@param of table
---@return string
function facts.line(of)
    local parts = { of.version, of.cipher }
    if of.group then
        parts[#parts + 1] = of.group
    end
    if of.ech then
        parts[#parts + 1] = "ECH"
    end
    if of.alpn then
        parts[#parts + 1] = "ALPN " .. output.safe(of.alpn)
    end
    parts[#parts + 1] = (of.verified and "verified: " or "NOT VERIFIED: ") .. (of.subject or "no certificate")
    return ("cleat: connected to %s port %d: %s"):format(of.host, of.port, table.concat(parts, ", "))
end

return facts
