--- The methods of a connection that report what the handshake agreed on, and the peer's certificate (section 17.3.2).

local C = require "cleat.backend"
local certificate = require "cleat.ssl.certificate"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local timestamps = require "cleat.ssl.sct"
local verdict = require "cleat.ssl.verdict"

local const = C.const

---@class cleat.ssl.Connection
local info = {}

local parse_peer = keywords.parser("getpeercert", { "binary_form" })

--- Returns the peer's certificate: a table, which is empty if the context verifies nothing, and for a certificate that
--- was accepted although the verification refuses it; with `binary_form` its DER bytes; nil if the peer has sent none.
---
---     local cert = conn:getpeercert()
---     print(cert.subjectAltName[1][1], cert.subjectAltName[1][2]) --> DNS	localhost
---     print(#conn:getpeercert(true) > 100) --> true
---
--- Raises: ValueError before the handshake is done; TypeError if `binary_form` is no boolean.
--- Python: 2.6.
---@param binary_form boolean? false by default
---@return cleat.ssl.Certificate|string|nil
function info:getpeercert(binary_form, ...)
    binary_form = check.optional_boolean("getpeercert", "binary_form", (parse_peer(binary_form, ...)), false)
    if self._tls == 0 then
        self:_prepare("getpeercert")
    end
    if errors.check(C.connection_established(self._tls)) ~= 1 then
        errors.raise(errors.ValueError, "handshake not done yet")
    end
    local id, guard = errors.check(C.connection_peer_certificate_guarded(self._tls))
    if id == 0 then
        return nil
    elseif binary_form then
        return certificate.consume(id, guard, certificate.der)
    elseif C.connection_verify_mode(self._tls) == const.CERT_NONE or C.connection_verify_result(self._tls) ~= 0 then
        C.guard_close(guard)
        return {}
    end
    return certificate.consume(id, guard, certificate.decode)
end

--- Returns the identity whose pre-shared key the handshake has used: see SSLContext:set_psk_server_callback.
---
---     print(conn:psk_identity()) --> nil
---
--- Python: none.
---@return string? # nil if it was empty, if no such key was used, and before the handshake is done
function info:psk_identity()
    if self._tls == 0 or C.connection_established(self._tls) ~= 1 then
        return nil
    end
    local length, identity = errors.check(C.connection_psk_identity(self._tls))
    return length > 0 and identity or nil
end

-- chain: the DER bytes of a list of certificates.
local function chain(self, which)
    local list = {}
    for index = 0, errors.check(C.connection_chain_count(self._tls, which)) - 1 do
        local id, guard = errors.check(C.connection_chain_certificate_guarded(self._tls, which, index))
        list[index + 1] = certificate.consume(id, guard, certificate.der)
    end
    return list
end

--- Returns the certificates that the peer has sent, its own first. They are not verified.
---
---     print(conn:get_unverified_chain()[1] == conn:getpeercert(true)) --> true
---
--- Raises: SSLError if BoringSSL cannot parse one of them.
--- Python: 3.13.
---@return string[] # of DER bytes; empty before the peer has sent them: see Certificate
function info:get_unverified_chain()
    return self._tls ~= 0 and chain(self, const.CHAIN_SENT) or {}
end

--- Returns the chain that was verified, the peer's certificate first and the trusted certificate last. With CERT_NONE
--- nothing is verified, and it is what get_unverified_chain returns. The first call verifies the chain again.
---
---     local chain = conn:get_verified_chain()
---     print(ssl.Certificate(chain[#chain]).is_ca) --> true
---
--- Raises: SSLError if a certificate has ended or been revoked since the handshake.
--- Python: 3.13.
---@return string[] # of DER bytes; empty before the handshake is done
function info:get_verified_chain()
    if self._tls == 0 or errors.check(C.connection_established(self._tls)) ~= 1 then
        return {}
    elseif C.connection_verify_mode(self._tls) == const.CERT_NONE then
        return chain(self, const.CHAIN_SENT)
    end
    return chain(self, const.CHAIN_VERIFIED)
end

--- Returns what the verification of the peer has found. `verify_code` is 0 for a chain that is good, otherwise
--- OpenSSL's X509_V_ERR_*; `verify_message` is the same in words. `errors` lists what is wrong, each with the depth of
--- its certificate: 0 is the peer's own. It has all faults if `enforce_verification` is false or
--- `verify_callback_may_accept` true; otherwise the first one has ended the verification.
---
---     local result = conn:get_verify_result()
---     print(result.verify_code, result.verify_message, #result.errors) --> 0	ok	0
---
--- Python: none.
---@return {verify_code: integer, verify_message: string, errors: table[]}? # of errors {depth =, code =, message =}; nil
--- before the verification, with CERT_NONE, if the peer has no certificate, and after close()
function info:get_verify_result()
    return self._tls ~= 0 and verdict.of(self._tls) or nil
end

-- agreed: what the handshake agreed on; nil before it is done, and once TLS is gone.
local function agreed(self, f, ...)
    if self._tls == 0 then
        return nil
    end
    local length, text, more = f(self._tls, ...)
    if length <= 0 then
        return nil
    end
    return text, more
end

--- Returns the negotiated cipher suite.
---
---     local name, version, bits = unpack(conn:cipher())
---     print(version, bits >= 128) --> TLSv1.3	true
---
--- Python: 2.6.
---@return table? # {name, version that defines it, secret bits}; nil before the handshake is done
function info:cipher()
    local name, bits = agreed(self, C.connection_cipher)
    return name and { name, agreed(self, C.connection_cipher_version), bits } or nil
end

local DEFINED_BY = { [const.TLS1_3_VERSION] = "TLSv1.3", [const.TLS1_2_VERSION] = "TLSv1.2" }

--- Returns the cipher suites that the client has offered and the server has enabled.
---
---     print(conn:shared_ciphers()) --> nil
---
--- Python: 3.5.
---@return table[]? # of {name, version that defines it, secret bits}; nil on clients, and before the handshake is done
function info:shared_ciphers()
    local count = self._tls ~= 0 and errors.check(C.connection_shared_cipher_count(self._tls)) or 0
    local list = {}
    for index = 0, count - 1 do
        local _, name, bits, version = errors.check(C.connection_shared_cipher(self._tls, index))
        list[index + 1] = { name, DEFINED_BY[version] or "TLSv1/SSLv3", bits }
    end
    return count > 0 and list or nil
end

--- Returns nil: BoringSSL has no compression.
---
---     print(conn:compression()) --> nil
---
--- Python: 2.7.9, 3.3.
---@return nil
function info:compression()
    return nil
end

--- Returns the negotiated TLS version.
---
---     print(conn:version()) --> TLSv1.3
---
--- Python: 2.7.9, 3.5.
---@return string? # "TLSv1.2", "TLSv1.3" …; nil before the handshake is done
function info:version()
    return (agreed(self, C.connection_version))
end

--- Returns the application protocol that was negotiated by ALPN: see SSLContext:set_alpn_protocols.
---
---     print(conn:selected_alpn_protocol()) --> nil
---
--- Python: 2.7.10, 3.5.
---@return string? # nil if none was
function info:selected_alpn_protocol()
    return (agreed(self, C.connection_alpn_protocol))
end

--- Returns the application protocol that was negotiated by NPN: see SSLContext:set_npn_protocols. Always nil with TLS
--- 1.3.
---
---     print(conn:selected_npn_protocol()) --> nil
---
--- Python: 2.7.9, 3.3; deprecated in 3.10.
---@return string?
function info:selected_npn_protocol()
    return (agreed(self, C.connection_npn_protocol))
end

--- Returns the OCSP response that the server has sent with its certificate, in DER. If the context verifies the server,
--- then it has looked at the response: see SSLContext's `require_ocsp`; otherwise it may say anything.
---
---     print(conn:ocsp_response()) --> nil
---
--- Python: none.
---@return string? # nil if the server has sent none, on servers, and before the handshake is done
function info:ocsp_response()
    return (agreed(self, C.connection_ocsp_response))
end

--- Returns the signed certificate timestamps that the server has sent in the handshake, if the context asks for them:
--- see SSLContext's `ask_scts`. They are not verified, and those that are in the certificate are not among them.
---
---     print(conn:scts()) --> nil
---
--- Python: none.
---@return string[]? # each a SignedCertificateTimestamp of RFC 6962, see parse_sct; nil if the server has sent none, on servers, and
--- before the handshake is done
function info:scts()
    local list = agreed(self, C.connection_scts)
    return list and timestamps.split(list)
end

--- Raises NotImplementedError: BoringSSL has no post-handshake authentication (`HAS_PHA`).
---
---     print(pcall(conn.verify_client_post_handshake, conn))
---     --> false	BoringSSL has no post-handshake authentication
---
--- Raises: NotImplementedError.
--- Python: 3.8.
function info:verify_client_post_handshake()
    errors.raise(errors.NotImplementedError, "BoringSSL has no post-handshake authentication")
end

return info
