--- The methods of a connection that report what the handshake agreed on, and the peer's certificate (section 17.3.2).

local C = require "cleat.backend"
local certificate = require "cleat.ssl.certificate"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local const = C.const

---@class cleat.ssl.Connection
local info = {}

local parse_peer = keywords.parser("getpeercert", { "binary_form" })

--- getpeercert(binary_form) returns the peer's certificate: a table if it was verified, an empty one if the context
--- verifies nothing; its DER bytes with binary_form; nil if the peer sent none. ValueError before the handshake is
--- done.
---@return cleat.ssl.Certificate|string|nil
function info:getpeercert(...)
    local binary_form = check.optional_boolean("getpeercert", "binary_form", (parse_peer(...)), false)
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
    elseif C.connection_verify_mode(self._tls) == const.CERT_NONE then
        C.guard_close(guard)
        return {}
    end
    return certificate.consume(id, guard, certificate.decode)
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

--- The cipher suite.
---@return table? # {name, version that defines it, secret bits}
function info:cipher()
    local name, bits = agreed(self, C.connection_cipher)
    return name and { name, agreed(self, C.connection_cipher_version), bits } or nil
end

local DEFINED_BY = { [const.TLS1_3_VERSION] = "TLSv1.3", [const.TLS1_2_VERSION] = "TLSv1.2" }

--- The suites that a server's client has offered and that the server would take too (Python 3.5).
---@return table[]? # of {name, version that defines it, secret bits}; nil for clients, and before the handshake is done
function info:shared_ciphers()
    local count = self._tls ~= 0 and errors.check(C.connection_shared_cipher_count(self._tls)) or 0
    local list = {}
    for index = 0, count - 1 do
        local _, name, bits, version = errors.check(C.connection_shared_cipher(self._tls, index))
        list[index + 1] = { name, DEFINED_BY[version] or "TLSv1/SSLv3", bits }
    end
    return count > 0 and list or nil
end

--- The compression method: TLS over BoringSSL is never compressed.
---@return nil
function info:compression()
    return nil
end

--- The version of TLS: "TLSv1.2", "TLSv1.3" …
---@return string?
function info:version()
    return (agreed(self, C.connection_version))
end

--- The application protocol, see SSLContext.set_alpn_protocols.
---@return string?
function info:selected_alpn_protocol()
    return (agreed(self, C.connection_alpn_protocol))
end

--- The same by NPN, see SSLContext.set_npn_protocols. Never with TLS 1.3.
---@return string?
function info:selected_npn_protocol()
    return (agreed(self, C.connection_npn_protocol))
end

local BINDINGS = { ["tls-unique"] = const.BINDING_TLS_UNIQUE }

local parse_binding = keywords.parser("get_channel_binding", { "cb_type" })

--- get_channel_binding(cb_type) returns bytes that only the two ends of this connection know, to bind an authentication
--- to it. cb_type: one of CHANNEL_BINDING_TYPES, "tls-unique" (RFC 5929) by default; ValueError for others. nil before
--- the handshake is done, and with TLS 1.3, for which "tls-unique" is not defined.
---@return string?
function info:get_channel_binding(...)
    local cb_type = check.optional_string("get_channel_binding", "cb_type", (parse_binding(...))) or "tls-unique"
    local binding = BINDINGS[cb_type]
    if not binding then
        errors.raise(errors.ValueError, "Unsupported channel binding type")
    end
    return (agreed(self, C.connection_channel_binding, binding))
end

return info
