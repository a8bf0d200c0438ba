--- The methods of connections that return the results of the handshake and the peer's certificate (section 17.3.2).

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

--- Returns the peer's certificate as a table, or with `binary_form` as DER bytes. The table is empty if the certificate
--- was not verified (CERT_NONE), or was accepted although the verification failed.
---
---     local cert = conn:getpeercert()
---     print(cert.subjectAltName[1][1], cert.subjectAltName[1][2]) --> DNS	localhost
---     print(#conn:getpeercert(true) > 100) --> true
---
--- Raises: ValueError before the handshake is done; TypeError if `binary_form` is not a boolean.
--- Python: 2.6.
---@param binary_form boolean? false by default
---@return cleat.ssl.Certificate|string|nil # nil if the peer has sent no certificate
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

--- Returns the identity of the pre-shared key that the handshake has used: see SSLContext:set_psk_server_callback.
---
---     local function user_of(server_connection)
---         return server_connection:psk_identity() or "anonymous"
---     end
---     print(user_of(conn)) --> anonymous
---
--- Python: none.
---@return string? # nil if the identity is empty, if no pre-shared key was used, and before the handshake is done
function info:psk_identity()
    if self._tls == 0 or C.connection_established(self._tls) ~= 1 then
        return nil
    end
    local length, identity = errors.check(C.connection_psk_identity(self._tls))
    return length > 0 and identity or nil
end

-- chain returns the DER bytes of the certificates of a chain.
local function chain(self, which)
    local list = {}
    for index = 0, errors.check(C.connection_chain_count(self._tls, which)) - 1 do
        local id, guard = errors.check(C.connection_chain_certificate_guarded(self._tls, which, index))
        list[index + 1] = certificate.consume(id, guard, certificate.der)
    end
    return list
end

--- Returns the certificates that the peer has sent, its own first. They are not verified: an attacker can add any.
---
---     local sent = conn:get_unverified_chain()
---     print(sent[1] == conn:getpeercert(true)) --> true
---     print(#sent, ssl.Certificate(sent[1]).version) --> 2	3
---
--- Raises: SSLError if BoringSSL cannot parse one of them.
--- Python: 3.13.
---@return string[] # DER bytes, for ssl.Certificate; empty before the peer has sent them
function info:get_unverified_chain()
    return self._tls ~= 0 and chain(self, const.CHAIN_SENT) or {}
end

--- Returns the verified chain: the peer's certificate is the first, and the trusted certificate the last one. With
--- CERT_NONE it returns the same as get_unverified_chain. The core does not keep verified chains, so the first call
--- verifies again.
---
---     local chain = conn:get_verified_chain()
---     print(ssl.Certificate(chain[#chain]).is_ca) --> true
---
--- Raises: SSLError if a certificate has expired or was revoked since the handshake.
--- Python: 3.13.
---@return string[] # DER bytes, for ssl.Certificate; empty before the handshake is done
function info:get_verified_chain()
    if self._tls == 0 or errors.check(C.connection_established(self._tls)) ~= 1 then
        return {}
    elseif C.connection_verify_mode(self._tls) == const.CERT_NONE then
        return chain(self, const.CHAIN_SENT)
    end
    return chain(self, const.CHAIN_VERIFIED)
end

--- Returns the result of the verification of the peer. `verify_code` is 0 if the chain is valid, otherwise one of
--- OpenSSL's X509_V_ERR_*, and `verify_message` is its text. `errors` lists the faults, each with the depth of its
--- certificate: 0 is the peer's own. The list is complete if `enforce_verification` is false or
--- `verify_callback_may_accept` is true. Otherwise the verification has stopped at the first fault.
---
---     local result = conn:get_verify_result()
---     print(result.verify_code, result.verify_message, #result.errors) --> 0	ok	0
---
--- Python: none.
---@return {verify_code: integer, verify_message: string, errors: {depth: integer, code: integer, message: string}[]}? #
--- nil before the verification, with CERT_NONE, if the peer has no certificate, and after close()
function info:get_verify_result()
    return self._tls ~= 0 and verdict.of(self._tls) or nil
end

-- negotiated returns a result of the handshake; nil before the handshake is done, and after close() and unwrap().
local function negotiated(self, f, ...)
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
---@return [string, string, integer]? # {name, the TLS version that defines it, secret bits}; nil before the handshake
--- is done
function info:cipher()
    local name, bits = negotiated(self, C.connection_cipher)
    return name and { name, negotiated(self, C.connection_cipher_version), bits } or nil
end

local DEFINED_BY = { [const.TLS1_3_VERSION] = "TLSv1.3", [const.TLS1_2_VERSION] = "TLSv1.2" }

--- Returns the cipher suites that both sides support: those that the client has offered and the server has enabled.
---
---     local function print_shared(server)
---         for _, cipher in ipairs(server:shared_ciphers() or {}) do
---             print(unpack(cipher))
---         end
---     end
---     print_shared(conn) -- prints nothing: this is a client
---
--- Python: 3.5.
---@return [string, string, integer][]? # each as cipher() returns it; nil on clients, and before the handshake is done
function info:shared_ciphers()
    local count = self._tls ~= 0 and errors.check(C.connection_shared_cipher_count(self._tls)) or 0
    local list = {}
    for index = 0, count - 1 do
        local _, name, bits, version = errors.check(C.connection_shared_cipher(self._tls, index))
        list[index + 1] = { name, DEFINED_BY[version] or "TLSv1/SSLv3", bits }
    end
    return count > 0 and list or nil
end

--- Returns nil: BoringSSL does not support compression.
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
    return (negotiated(self, C.connection_version))
end

--- Returns the application protocol that ALPN has selected: see SSLContext:set_alpn_protocols.
---
---     local function is_http2(connection)
---         return connection:selected_alpn_protocol() == "h2"
---     end
---     print(is_http2(conn)) --> false
---
--- Python: 2.7.10, 3.5.
---@return string? # "h2", "http/1.1" …; nil if none was selected, and before the handshake is done
function info:selected_alpn_protocol()
    return (negotiated(self, C.connection_alpn_protocol))
end

--- Returns the application protocol that NPN has selected: see SSLContext:set_npn_protocols. It is always nil with TLS
--- 1.3.
---
---     print(conn:selected_npn_protocol()) --> nil
---
--- Python: 2.7.9, 3.3; deprecated in 3.10.
---@return string?
function info:selected_npn_protocol()
    return (negotiated(self, C.connection_npn_protocol))
end

--- Returns the OCSP response that the server has stapled to its certificate. If the context verifies the server, it has
--- checked the response too: see `require_ocsp` of SSLContext. Otherwise an attacker may have made it.
---
---     local function stapled_status(connection)
---         local chain, response = connection:get_verified_chain(), connection:ocsp_response()
---         return response and ssl.check_ocsp_response(response, chain[1], chain[2]).status
---     end
---     print(stapled_status(conn)) --> nil
---
--- Python: none.
---@return string? # in DER; nil if the server has sent none, on servers, and before the handshake is done
function info:ocsp_response()
    return (negotiated(self, C.connection_ocsp_response))
end

--- Returns the signed certificate timestamps that the server has sent in the handshake, if the context requests them:
--- see `ask_scts` of SSLContext. They are not verified. Those that are embedded in the certificate are in its field
--- `scts`.
---
---     for _, bytes in ipairs(conn:scts() or {}) do
---         local timestamp = ssl.parse_sct(bytes)
---         print(timestamp.log_id, timestamp.timestamp)
---     end
---
--- Python: none.
---@return string[]? # each is a SignedCertificateTimestamp of RFC 6962, for ssl.parse_sct; nil if the server has sent
--- none, on servers, and before the handshake is done
function info:scts()
    local list = negotiated(self, C.connection_scts)
    return list and timestamps.split(list)
end

--- Raises NotImplementedError: BoringSSL does not support post-handshake authentication (`HAS_PHA` is false).
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
