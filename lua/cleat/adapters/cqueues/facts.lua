--- The result of checktls() of a TLS socket for cqueues: an object with those methods of luaossl's `SSL` that lua-http
--- and similar programs call, and with cleat's values.

local Certificate = require "cleat.ssl.certificate_object"

local Facts = {}
Facts.__index = Facts

local facts = {}

local VERSIONS = { TLSv1 = 0x301, ["TLSv1.1"] = 0x302, ["TLSv1.2"] = 0x303, ["TLSv1.3"] = 0x304 }

function Facts:getAlpnSelected()
    return self.connection:selected_alpn_protocol()
end

function Facts:getCipherInfo()
    local cipher = self.connection:cipher()
    return { name = cipher[1], bits = cipher[3], version = cipher[2] }
end

--- The version as a number: 0x304 for TLS 1.3.
function Facts:getVersion()
    return VERSIONS[self.connection:version()]
end

--- The server name that the client has sent.
function Facts:getHostName()
    return self.connection.server_hostname
end

--- 0 and "ok" if the verification has succeeded, or nothing was verified.
function Facts:getVerifyResult()
    local result = self.connection:get_verify_result()
    return result and result.verify_code or 0, result and result.verify_message or "ok"
end

--- The peer's certificate, as an ssl.Certificate.
function Facts:getPeerCertificate()
    local der = self.connection:getpeercert(true)
    return der and Certificate(der) or nil
end

--- of returns the facts of a socket; nil before the handshake is done, and after close().
function facts.of(self)
    local connection = self._connection
    return connection and connection:version() and setmetatable({ connection = connection }, Facts) or nil
end

return facts
