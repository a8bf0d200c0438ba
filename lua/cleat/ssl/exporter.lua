--- The methods that derive bytes from the secrets of a connection, for channel bindings and other protocols; and key
--- updates.

local C = require "cleat.backend"
local check = require "cleat.check"
local connection = require "cleat.ssl.connection"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local status = require "cleat.status"

local const = C.const
local WRITE = connection.WRITE

---@class cleat.ssl.Connection
local methods = {}

local exporter = { methods = methods }

local BINDINGS = {
    ["tls-unique"] = const.BINDING_TLS_UNIQUE, ["tls-exporter"] = const.BINDING_TLS_EXPORTER,
    ["tls-server-end-point"] = const.BINDING_TLS_SERVER_END_POINT,
}

local parse_binding = keywords.parser("get_channel_binding", { "cb_type" })

--- Returns a channel binding: bytes that identify this connection, to bind another authentication to it, as SCRAM's
--- -PLUS mechanisms do. With an attacker in between, the two ends have different values. The types are
---
--- * "tls-exporter" (RFC 9266), 32 bytes: with TLS 1.3, and with earlier versions if the extended master secret is
---   used; otherwise nil, because an attacker could make two connections have the same value (RFC 7627).
--- * "tls-server-end-point" (RFC 5929): a digest of the server's certificate. It is the same for all connections with
---   this certificate, so a server behind a TLS proxy can verify it if it has the certificate. nil if the server has no
---   certificate, or one whose signature has no separate digest (Ed25519). A server with several certificates uses the
---   one that it has sent; for a resumed session the one that it would send now, which differs from the client's if the
---   certificate was replaced since.
--- * "tls-unique" (RFC 5929): 12 bytes, up to TLS 1.2; nil with TLS 1.3, and if a resumed session lacks the extended
---   master secret.
---
---     print(#conn:get_channel_binding("tls-exporter")) --> 32
---     print(#conn:get_channel_binding("tls-server-end-point")) --> 32
---     print(conn:get_channel_binding("tls-unique")) --> nil
---
--- Raises: ValueError for types that are not in `CHANNEL_BINDING_TYPES`.
--- Python: 2.7.9, 3.3; "tls-exporter" and "tls-server-end-point" none.
---@param cb_type string? "tls-unique" by default, as in Python
---@return string? # nil before the handshake is done, and if the connection has no binding of this type
function methods:get_channel_binding(cb_type, ...)
    cb_type = check.optional_string("get_channel_binding", "cb_type", (parse_binding(cb_type, ...))) or "tls-unique"
    local binding = BINDINGS[cb_type]
    if not binding then
        errors.raise(errors.ValueError, "Unsupported channel binding type")
    elseif self._tls == 0 then
        return nil
    end
    local length, bytes = C.connection_channel_binding(self._tls, binding)
    if length < 0 and length ~= status.HANDLE then
        errors.check(length)
    end
    return length > 0 and bytes or nil
end

local parse_export = keywords.parser("export_keying_material", { "label", "length", "context" }, { required = 2 })

--- Derives keying material that only the two ends of the connection know from its secrets (RFC 5705; RFC 8446 section
--- 7.5): keys for another protocol, or a proof that two messages belong to one connection. Both ends get the same bytes
--- for the same label, length and context.
---
---     local key = conn:export_keying_material("EXPERIMENTAL my protocol", 32)
---     print(#key, key == conn:export_keying_material("EXPERIMENTAL my protocol", 32, { context = "2" })) --> 32	false
---
--- Raises: ValueError before the handshake is done, and while there is unread early data; for a label that is empty,
--- longer than 249 bytes or used by TLS itself ("key expansion" …), a length that is not 1 to 8160, and a context of
--- more than 65535 bytes; SSLError with the reason `NO_EXTENDED_MASTER_SECRET` up to TLS 1.2 if the peer does not
--- support that extension, because an attacker could then make two connections have the same material (RFC 7627);
--- TypeError.
--- Python: none.
---@param label string a label of IANA's registry of exporter labels, or one that begins with "EXPERIMENTAL"
---@param length integer the number of bytes
---@param context string? any bytes; nil and "" give different results up to TLS 1.2, and the same with TLS 1.3
---@return string
function methods:export_keying_material(label, length, context, ...)
    label, length, context = parse_export(label, length, context, ...)
    label = check.string("export_keying_material", "label", label)
    length = check.integer("export_keying_material", "length", length, 1, const.EXPORT_MAX)
    context = check.optional_string("export_keying_material", "context", context)
    if #label < 1 or #label > const.EXPORT_LABEL_MAX then
        errors.raise(errors.ValueError, ("label must have 1 to %d bytes, not %d"):format(const.EXPORT_LABEL_MAX, #label))
    elseif context and #context > const.EXPORT_CONTEXT_MAX then
        errors.raise(errors.ValueError, ("context must have at most %d bytes"):format(const.EXPORT_CONTEXT_MAX))
    elseif self._tls == 0 then
        self:_prepare("export_keying_material")
    end
    local _, bytes = errors.check(C.connection_export_keying_material(self._tls, label, context, length))
    return bytes
end

local parse_update = keywords.parser("key_update", { "request" })

local function update_call(id, wait, requested)
    return C.connection_key_update(id, requested, wait)
end

--- Changes the keys of the sending direction (KeyUpdate, RFC 8446 section 4.6.3), for long-lived connections: an
--- attacker who steals the current keys cannot decrypt earlier data. The call waits for its turn among calls that
--- write. After SSLWantWriteError or a timeout the keys are unchanged.
---
---     conn:key_update()
---     conn:key_update { request = true }
---     print(conn:version()) --> TLSv1.3
---
--- Peers may close a connection after many key updates without data in between: BoringSSL, and so cleat, sends the
--- alert unexpected_message at the 33rd.
---
--- Raises: the same errors as send; ValueError before the handshake is done; SSLError with the reason
--- `WRONG_SSL_VERSION` up to TLS 1.2, which has no key updates.
--- Python: none.
---@param request boolean? whether to request that the peer changes its sending keys too, before its next data; false by
--- default
function methods:key_update(request, ...)
    request = check.optional_boolean("key_update", "request", (parse_update(request, ...)), false)
    if self._tls == 0 then
        self:_prepare("key_update")
    end
    if errors.check(C.connection_established(self._tls)) ~= 1 then
        errors.raise(errors.ValueError, "handshake not done yet")
    end
    connection.finish(self, WRITE, "key_update", nil, nil, update_call, request and 1 or 0)
end

return exporter
