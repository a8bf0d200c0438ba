--- What is derived from the secrets of a connection: channel bindings and keying material for other protocols; and new
--- keys for its data.

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

--- Returns bytes that only the two ends of this connection know, to bind an authentication to it, as SCRAM's -PLUS
--- mechanisms do: with an attacker in between, each end has others. The types are
---
--- * "tls-exporter" (RFC 9266), of 32 bytes: for TLS 1.3, and for earlier versions that have the extended master
---   secret; otherwise nil, because an attacker could make two connections have the same (RFC 7627).
--- * "tls-server-end-point" (RFC 5929): a digest of the server's certificate. It is the same for all connections with
---   this certificate, so a server behind a TLS proxy can verify it, if it has the certificate too. nil if the
---   certificate is signed without a separate digest (Ed25519), and if the server has none. On a server with
---   several certificates it is that of the one that the client has received; if a session is resumed, that of the
---   one that the client would receive. If that has been replaced since, the client has another value.
--- * "tls-unique" (RFC 5929): 12 bytes, up to TLS 1.2; nil if a session was resumed that lacks the
---   extended master secret.
---
---     print(#conn:get_channel_binding("tls-exporter")) --> 32
---     print(#conn:get_channel_binding("tls-server-end-point")) --> 32
---     print(conn:get_channel_binding("tls-unique")) --> nil
---
--- Raises: ValueError for types that are not in `CHANNEL_BINDING_TYPES`.
--- Python: 2.7.9, 3.3; "tls-exporter" and "tls-server-end-point" none.
---@param cb_type string? "tls-unique" by default, as in Python
---@return string? # nil before the handshake is done, and where there is none of this type
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

--- Returns keying material that only the two sides of the connection can derive, from its secrets (RFC 5705; RFC 8446
--- section 7.5): keys for another protocol, or a proof that two messages belong to one connection. Both sides
--- must give the same label, length and context.
---
---     local key = conn:export_keying_material("EXPERIMENTAL my protocol", 32)
---     print(#key, key == conn:export_keying_material("EXPERIMENTAL my protocol", 32, { context = "2" })) --> 32	false
---
--- Raises: ValueError before the handshake is done, also while there is early data; for a label that is empty, longer
--- than 249 bytes or used by TLS itself ("key expansion" …), a length that is not 1 to 8160, and a context of more than
--- 65535 bytes; SSLError with the reason `NO_EXTENDED_MASTER_SECRET` up to TLS 1.2, if the peer lacks that extension,
--- without which an attacker can make two connections have the same material (RFC 7627); TypeError.
--- Python: none.
---@param label string a name of IANA's registry of exporter labels, or one that begins with "EXPERIMENTAL"
---@param length integer the number of bytes
---@param context string? bytes; up to TLS 1.2 nil and "" give different results, with TLS 1.3 the same
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

--- Encrypts what is sent from now on with new keys (KeyUpdate, RFC 8446 section 4.6.3), for connections that live long:
--- an attacker who steals the keys of one period cannot decrypt those before it. It takes its turn among the calls that
--- write. After SSLWantWriteError or a timeout nothing has happened.
---
---     conn:key_update()
---     conn:key_update { request = true }
---     print(conn:version()) --> TLSv1.3
---
--- Peers may end a connection with many of them and no data in between: cleat, and others that use BoringSSL, at the
--- 33rd, with the alert unexpected_message.
---
--- Raises: ValueError before the handshake is done; SSLError with the reason `WRONG_SSL_VERSION` if the connection has
--- TLS 1.2 or earlier, which cannot change keys; otherwise as send.
--- Python: none.
---@param request boolean? whether to ask the peer to change its keys too, which it does before it sends its next
--- data: false
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
