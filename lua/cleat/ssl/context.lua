--- Settings and certificates for TLS sockets: Python's ssl.SSLContext (section 17.3.3).

local C = require "cleat.backend"
local algorithms = require "cleat.ssl.algorithms"
local certificate = require "cleat.ssl.certificate"
local check = require "cleat.check"
local class = require "cleat.class"
local connection_class = require "cleat.ssl.connection_class"
local constants = require "cleat.ssl.constants"
local credential = require "cleat.ssl.credential"
local early_setting = require "cleat.ssl.early_data"
local ech = require "cleat.ssl.ech"
local ech_keys = require("cleat.ssl.ech_key").methods
local errors = require "cleat.errors"
local handshake_settings = require "cleat.ssl.handshake_settings"
local key_log = require "cleat.ssl.key_log"
local keywords = require "cleat.keywords"
local psk = require "cleat.ssl.psk"
local purposes = require "cleat.ssl.purpose"
local messages = require "cleat.ssl.messages"
local objects = require "cleat.ssl.object"
local raw_public_key = require "cleat.ssl.raw_public_key"
local resumption = require "cleat.ssl.resumption"
local roles = require "cleat.ssl.roles"
local session_store = require "cleat.ssl.session_store"
local staple = require "cleat.ssl.staple"
local status = require "cleat.status"
local verify_settings = require "cleat.ssl.verify_settings"
local version_range = require "cleat.ssl.version_range"
local wrap = require("cleat.ssl.wrap").wrap

local const = C.const
local context_new_guarded = C.context_new_guarded
local rawset, select = rawset, select

--- A context has the settings, certificates and keys for TLS connections.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---     context:load_verify_locations("ca.pem")
---     context.minimum_version = ssl.TLSVersion.TLSv1_3
---     print(context.check_hostname) --> true
---
--- A connection takes the settings that its context has when it is made; later changes are for later connections.
---
--- Python: 2.7.9, 3.2; `minimum_version` and `maximum_version` 3.7.
---@class cleat.ssl.SSLContext
---@field protocol integer `PROTOCOL_*`, the constructor's argument; read-only
---@field options integer a sum of `OP_*`. Raises TypeError, ValueError
---@field verify_mode integer `CERT_*`. Raises ValueError for other numbers, and for CERT_NONE while check_hostname is
--- true. CERT_NONE is DANGEROUS on a client: any attacker can pose as the server
---@field verify_flags integer a sum of `VERIFY_*`
---@field check_hostname boolean whether the server's certificate must match server_hostname. true changes a
--- verify_mode of CERT_NONE to CERT_REQUIRED. false is DANGEROUS on a client: an attacker with any certificate can pose
--- as the server
---@field hostname_checks_common_name boolean whether a certificate without alternative names is compared by its common
--- name: true
---@field verify_callback function? `callback(conn, chain, verdict)`, called once a peer's chain was verified, also when a
--- session is resumed; the peer has not shown yet that it has the key. chain: a list of ssl.Certificate, the peer's own
--- first: the verified chain if it is good, what the peer has sent if not. verdict: as SSLSocket:get_verify_result
--- returns. The peer is refused if the callback returns false (CERTIFICATE_UNKNOWN) or an `ALERT_DESCRIPTION_*`, or
--- raises: the handshake raises SSLCertVerificationError, with the callback's error in `cause`. nil and true accept. In
--- a coroutine it may yield. With CERT_NONE it is not called. Connections keep the one that the context had when they
--- were made. Raises TypeError
---@field verify_callback_may_accept boolean whether verify_callback is called for bad chains too, and accepts them by
--- true (nil keeps the verdict): false. true is DANGEROUS: the callback alone decides who the peer may be
---@field enforce_verification boolean whether a peer that the verification refuses is refused: true. false is DANGEROUS:
--- the handshake succeeds with any peer, and the program must look at SSLSocket:get_verify_result
---@field verify_depth integer how many intermediate certificates a chain may have: 100. Raises TypeError, ValueError
---@field verify_time number? the time for which peers are verified, in seconds since 1970; nil for the present. DANGEROUS
--- on a client: certificates that have expired, and keys that were stolen since, are accepted. Raises TypeError,
--- ValueError
---@field num_tickets integer how many session tickets a server sends after a handshake with TLS 1.3: 2. At most 4; with 0
--- no session of TLS 1.3 is resumed. Raises ValueError for other numbers and on a client's context, TypeError
---@field session_timeout integer? for how many seconds a server's session can be resumed, at most 604800; nil, the default:
--- two hours with TLS 1.2 and earlier, two days with TLS 1.3. Raises ValueError, TypeError
---@field session_id_context string? 1 to 32 bytes; a server's sessions resume only where they are the same, and clients
--- are verified with the same trust, mode and flags. nil for none. Raises ValueError, TypeError
---@field minimum_version integer `TLSVersion.*`, as it was set: MINIMUM_SUPPORTED, which is TLS 1.0, at first, TLSv1_2 in
--- default contexts and those for one role. Raises ValueError on a context for one version only. Below TLSv1_2 is
--- DANGEROUS
---@field keylog_filename string? a file to which connections append their secrets, in the format of NSS, so that
--- Wireshark can decrypt what was captured of them: nil. It is made if need be, for its owner only. DANGEROUS: who can
--- read the file can read and change the connections. Connections keep the one that the context had when they were
--- made. create_default_context sets it to the environment variable SSLKEYLOGFILE, if it is set, but not in a setuid
--- program. Raises IOError if the file cannot be opened, TypeError
---@field chain_cache_seconds integer how long a verified chain of a peer needs no other verification, in seconds: 300;
--- 0: each chain is verified. At most 86400. Raises TypeError, ValueError
---@field maximum_version integer `TLSVersion.*`, as minimum_version: MAXIMUM_SUPPORTED at first
---@field sni_callback function? the function of set_servername_callback, which is called with the name as it was sent: of
--- an internationalised name the A-label. Raises TypeError
---@field post_handshake_auth boolean false: BoringSSL has no post-handshake authentication. Raises NotImplementedError for
--- true, TypeError
---@field security_level integer 0: BoringSSL has no security levels; docs/security.md says what is refused; read-only
---@field session_cache_size integer how many sessions the context keeps for its clients, which resume them by themselves:
--- 0, and 64 in a context of create_default_context for clients; at most 65536. Setting it empties the cache, as does
--- each change of another setting. Only sessions with a `server_hostname` are kept, and whose server was verified; one
--- of TLS 1.3 is resumed once. See docs/security.md. Raises TypeError, ValueError
---@field ech_grease boolean whether clients without `ech_configs` send an extension that looks like Encrypted
--- ClientHello, so that an observer cannot tell by it which clients hide a name: false, and true in a context of
--- create_default_context for clients. Servers ignore it. Raises TypeError
---@field ask_ocsp boolean whether clients ask the server for an OCSP response: true. It is verified, if the server is: a
--- certificate that it revokes is refused; a response that is not good is ignored, unless `require_ocsp` is true or the
--- certificate says that it must be stapled (RFC 7633). false is DANGEROUS: such certificates are accepted without
---@field require_ocsp boolean whether the peer must send a good OCSP response with its certificate: false. Without one,
--- the verification fails with a verify_code of 73 (none), 74 (not good) or 75 (the responder does not know the
--- certificate). Servers cannot ask clients for one, and refuse all client certificates then
---@field ocsp_response string? the OCSP response, in DER, that servers send to clients that ask for it; it belongs to
--- the loaded certificate that it is about, and is discarded with it. Of several it is the last one that was set, of
--- those that are still there. nil for none, to no certificate. Raises ValueError if no certificate is loaded; SSLError
--- if the response is malformed or for another certificate; TypeError
---@field ask_scts boolean whether clients ask for signed certificate timestamps: false
---@field scts string[]? the signed certificate timestamps that servers send to clients that ask for them, each in the
--- form of RFC 6962; they belong to the certificate that was loaded last, and are discarded with it. Raises ValueError
--- if no certificate is loaded, TypeError
---@field max_early_data integer whether servers accept early data (0-RTT), 0 to 14336: 0, which is no. DANGEROUS: an
--- attacker can send it to the server again, any number of times, unless set_session_store has a store with `add`; it
--- may be set where that does no harm. Servers accept 14336 bytes of a connection, whatever the number; clients send no
--- more than it early, if it is not 0. Raises TypeError, ValueError
---@field _msg_callback function? Python's private hook: `callback(conn, direction, version, content_type, msg_type,
--- data)` for each message of TLS and each header of a record, in their order, after the step of a call that has sent
--- or received them: direction is "read" or "write"; content_type one of `ssl._TLSContentType`; msg_type one of
--- `ssl._TLSMessageType`, or of an alert `ssl._TLSAlertType`; data its bytes. The connection can be closed in it, not
--- used. What it raises is raised by the handshake or by the failed call that it belongs to, otherwise by the next
--- call; so is a MemoryError if messages were lost (more than 1 MiB between two steps, or no memory). Connections keep
--- the one that the context had when they were made. Raises TypeError
---@field trace_handshake boolean whether SSLSocket:describe has the `flights` of the handshake with their times: false
---@field sslsocket_class cleat.Class the class of what wrap_socket returns: SSLSocket, or one that
--- `ssl.SSLSocket:extend(name, fields)` has made. `fields` are additional attributes, with their values in new objects.
--- Raises TypeError
---@field sslobject_class cleat.Class the same for wrap_bio and SSLObject
---@field compliance_policy integer `POLICY_*`, a restriction of versions, suites, groups and signature algorithms to
--- what a standard allows: POLICY_NONE. Connections use what it and the other settings have in common, in any order of
--- setting; chains of certificates are not restricted. Raises SSLError if nothing would be left, as the other setters
--- do from then on; NotImplementedError for POLICY_CNSA* without `HAS_POLICY_CNSA`; ValueError, TypeError
---@field grease boolean whether connections send GREASE (RFC 8701), random values that a peer has to ignore: false. It
--- shows which peers will not understand a later version of TLS: they refuse the handshake. Raises TypeError
---@field certificate_compression boolean whether certificates are sent compressed, by zlib, to peers that accept that, and
--- accepted so (RFC 8879, TLS 1.3): false. Raises NotImplementedError without `HAS_CERTIFICATE_COMPRESSION`
---@overload fun(protocol?: integer): cleat.ssl.SSLContext
local SSLContext

local parse_new = keywords.parser("SSLContext", { "protocol" })

-- The usual protocols, which need no other check; of the integer subtype also where 2.0 is given.
local USUAL = { [const.PROTOCOL_TLS] = const.PROTOCOL_TLS, [roles.CLIENT] = roles.CLIENT, [roles.SERVER] = roles.SERVER }

--- Makes a context. `PROTOCOL_TLS_CLIENT` and `PROTOCOL_TLS_SERVER` are for one role, with TLS 1.2 and later and strong
--- cipher suites; a client's verifies chain and host name, against the CA certificates that are loaded into it.
--- `PROTOCOL_TLS` (TLS 1.0 to 1.3, both roles) verifies nothing, which is DANGEROUS on a client. The other `PROTOCOL_*`
--- allow one version.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---     context:load_verify_locations("ca.pem")
---     print(context.verify_mode == ssl.CERT_REQUIRED, context.check_hostname) --> true	true
---
--- Raises: ValueError for SSL 2, SSL 3 and numbers that are no `PROTOCOL_*`.
--- Python: 2.7.9, 3.2.
---@param protocol integer? `PROTOCOL_*`; `PROTOCOL_TLS` by default
---@return cleat.ssl.SSLContext
SSLContext = class.new("ssl.SSLContext", function(_, protocol, ...)
    local usual = protocol ~= nil and select("#", ...) == 0 and USUAL[protocol]
    protocol = usual or check.optional_integer("SSLContext", "protocol", (parse_new(protocol, ...)), const.PROTOCOL_TLS)
    local one_role = protocol == roles.CLIENT or protocol == roles.SERVER
    local id, guard = context_new_guarded(one_role and const.PROTOCOL_TLS or protocol)
    if id == status.UNSUPPORTED or (id < 0 and status.class(id) == const.USAGE) then
        errors.raise(errors.ValueError, id == status.UNSUPPORTED and "unsupported protocol version" or
            "invalid protocol version")
    elseif id < 0 then
        errors.check(id)
    end
    local self = setmetatable({ _id = id, _guard = guard, _protocol = protocol, _hands_on = false }, SSLContext.instance)
    if one_role then
        self._lowest = false
        roles.apply(id, protocol)
    end
    return self
end)

for _, methods in ipairs { algorithms.settings, credential, ech_keys, handshake_settings, psk.methods,
    raw_public_key.methods, resumption.methods, session_store.methods } do
    for name, method in pairs(methods) do
        SSLContext[name] = method
    end
end

local parse_locations = keywords.parser("load_verify_locations", { "cafile", "capath", "cadata" })

--- Adds CA certificates and revocation lists, against which peers are verified. After an error nothing was added.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---     context:load_verify_locations { cafile = "ca.pem" }
---     print(context:cert_store_stats().x509_ca) --> 1
---
--- Raises: TypeError if all three are omitted; IOError if a file cannot be read; SSLError if a file holds no
--- certificate or a malformed one; ValueError if `cadata` is empty.
--- Python: 2.7.9, 3.2; `cadata` 3.4.
---@param cafile string? path of a PEM file
---@param capath string? path of a directory with names as `openssl rehash` makes them; it is searched during
--- verification
---@param cadata string? PEM text, or one or more DER certificates
function SSLContext:load_verify_locations(cafile, capath, cadata, ...)
    cafile, capath, cadata = parse_locations(cafile, capath, cadata, ...)
    check.optional_file("load_verify_locations", "cafile", cafile)
    check.optional_path("load_verify_locations", "capath", capath)
    if cafile == nil and capath == nil and cadata == nil then
        errors.raise(errors.TypeError, "cafile, capath and cadata cannot be all omitted")
    elseif cadata ~= nil and type(cadata) ~= "string" then
        errors.raise(errors.TypeError, "cadata should be an ASCII string or a bytes-like object")
    elseif cadata == "" then
        errors.raise(errors.ValueError, "Empty certificate data")
    end
    errors.check(C.context_load_verify_locations(self._id, cafile, capath, cadata))
end

--- Adds the system's CA certificates: those that ssl.get_default_verify_paths names. Missing files are ignored.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---     context:set_default_verify_paths()
---
--- Raises: MemoryError.
--- Python: 2.7.9, 3.2.
function SSLContext:set_default_verify_paths()
    errors.check(C.context_set_default_verify_paths(self._id))
end

local parse_default = keywords.parser("load_default_certs", { "purpose" })

--- Adds the system's CA certificates, as set_default_verify_paths does.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---     context:load_default_certs(ssl.Purpose.SERVER_AUTH)
---
--- Raises: TypeError if `purpose` is no Purpose.
--- Python: 2.7.9, 3.4.
---@param purpose cleat.ssl.Purpose? `Purpose.SERVER_AUTH` by default; both load the same
function SSLContext:load_default_certs(purpose, ...)
    purposes.check((parse_default(purpose, ...)))
    self:set_default_verify_paths()
end

--- Counts the loaded certificates, the CA certificates among them, and the revocation lists. Files of a directory count
--- once they were used.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local stats = context:cert_store_stats()
---     print(stats.x509, stats.x509_ca, stats.crl) --> 1	1	0
---
--- Python: 2.7.9, 3.4.
---@return {x509: integer, x509_ca: integer, crl: integer}
function SSLContext:cert_store_stats()
    local _, x509, x509_ca, crl = errors.check(C.context_cert_store_stats(self._id))
    return { x509 = x509, x509_ca = x509_ca, crl = crl }
end

--- Lists the certificates and revocation lists of the system's bundle that BoringSSL cannot parse, and which are
--- therefore not trusted. A malformed one in a `cafile` is an error of load_verify_locations instead.
---
---     local context = ssl.create_default_context()
---     for _, skipped in ipairs(context:get_skipped_certs()) do
---         print(skipped.ordinal, skipped.line, skipped.reason)
---     end
---
--- Python: none.
---@return {ordinal: integer, line: integer, reason: string}[] # its number in the file and its first line, from 1; the
--- reason
function SSLContext:get_skipped_certs()
    local list = {}
    for index = 0, errors.check(C.context_skipped_count(self._id)) - 1 do
        local _, reason, ordinal, line = errors.check(C.context_skipped_reason(self._id, index))
        list[index + 1] = { ordinal = ordinal, line = line, reason = reason }
    end
    return list
end

local parse_ca_certs = keywords.parser("get_ca_certs", { "binary_form" })

--- Lists the loaded CA certificates.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     print(context:get_ca_certs()[1].version) --> 3
---
--- Raises: TypeError if `binary_form` is no boolean.
--- Python: 2.7.9, 3.4.
---@param binary_form boolean? true for DER strings; false, the default, for tables as SSLSocket:getpeercert returns
---@return cleat.ssl.Certificate[]|string[]
function SSLContext:get_ca_certs(binary_form, ...)
    binary_form = check.optional_boolean("get_ca_certs", "binary_form", (parse_ca_certs(binary_form, ...)), false)
    local list = {}
    for index = 0, errors.check(C.context_ca_count(self._id)) - 1 do
        local id, guard = errors.check(C.context_ca_certificate_guarded(self._id, index))
        list[index + 1] = certificate.consume(id, guard, binary_form and certificate.der or certificate.decode)
    end
    return list
end

-- Each of CLEAT_STAT_*, under Python's name.
local STATS = { "number", "connect", "connect_good", "connect_renegotiate", "accept", "accept_good", "accept_renegotiate",
    "hits", "misses", "timeouts", "cache_full" }

--- Counts events in the context's connections: `connect`, `connect_good`, `accept`, `accept_good` (handshakes begun and
--- done), `hits` (sessions resumed), `misses` (sessions that clients have offered and servers did not resume),
--- `timeouts` (those whose time was over, which are no misses), `number` (sessions in the server's cache, for clients
--- of TLS 1.2 without tickets), `cache_full` (sessions that gave way to others in it), `store_errors` (errors of the
--- functions of set_session_store). `connect_renegotiate` and `accept_renegotiate` are always 0: there is none.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local sock = socket.create_connection({ "localhost", port })
---     local conn = context:wrap_socket(sock, { server_hostname = "localhost" })
---     print(context:session_stats().connect_good) --> 1
---     conn:close()
---
--- Python: 2.7.9, 3.2.
---@return table<string, integer>
function SSLContext:session_stats()
    local stats = {}
    for _, name in ipairs(STATS) do
        stats[name] = errors.check(C.context_session_stats(self._id, const["STAT_" .. name:upper()]))
    end
    stats.store_errors = self._store_errors
    return stats
end

--- Returns how many verifications of peers' chains, in the connections of the context, the cache of verified chains has
--- answered (hits), and how many it has not (misses). Verifications that do not use the cache are in neither: see
--- chain_cache_seconds.
---
---     local context = ssl.create_default_context()
---     print(context:chain_cache_stats().hits) --> 0
---
--- Python: none.
---@return {hits: integer, misses: integer}
function SSLContext:chain_cache_stats()
    local _, hits, misses = errors.check(C.context_chain_cache_stats(self._id))
    return { hits = hits, misses = misses }
end

-- integer checks a value for a property.
local function integer(name, value)
    if type(value) ~= "number" or value % 1 ~= 0 then
        errors.raise(errors.TypeError, ("%s must be an integer, not %s"):format(name, check.kind(value)))
    elseif value < 0 or value > check.INT_MAX then
        errors.raise(errors.ValueError, name .. " is out of range")
    end
    return value
end

-- attribute is a getter that asks a function of the ABI.
local function attribute(f)
    return function(self)
        return errors.check(f(self._id))
    end
end

local getters = class.merged(verify_settings.getters, {
    options = attribute(C.context_options),
    verify_mode = attribute(C.context_verify_mode),
    verify_flags = attribute(C.context_verify_flags),
    chain_cache_seconds = attribute(C.context_chain_cache_seconds),
})
local setters = class.merged(verify_settings.setters, {})

--- Sets the function that a server calls when a client has sent its ClientHello: `callback(sock, name, context)` with
--- the connection, the name that the client wants (internationalised names decoded; nil if it sent none) and this
--- context. The callback may set `sock.context`, so that the client gets the other context's certificate. In a
--- coroutine it may yield. The handshake continues if it returns nil. Otherwise the client gets an alert: the
--- `ALERT_DESCRIPTION_*` that the callback returns; INTERNAL_ERROR for other results and for malformed names;
--- HANDSHAKE_FAILURE if the callback raises. The handshake then raises SSLError with the reason `CALLBACK_FAILED` and
--- the callback's error in the field `cause`.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     local other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     context:set_servername_callback(function(sock, name)
---         if name == "other.example" then
---             sock.context = other
---         elseif name == nil then
---             return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
---         end
---     end)
---
--- Raises: TypeError "not a callable object".
--- Python: 2.7.9, 3.4; `sni_callback` since 3.7.
---@param callback (fun(sock: cleat.ssl.SSLSocket, name: string?, context: cleat.ssl.SSLContext): integer?)? nil for
--- none
function SSLContext:set_servername_callback(callback)
    if callback ~= nil and not check.callable(callback) then
        errors.raise(errors.TypeError, "not a callable object")
    end
    errors.check(C.context_set_server_name_events(self._id, callback and 1 or 0))
    self._servername_callback, self._sni_callback = callback or false, false
end

function getters:sni_callback()
    return self._sni_callback or self._servername_callback or nil
end

function setters:sni_callback(value)
    if value ~= nil and not check.callable(value) then
        errors.raise(errors.TypeError, "not a callable object")
    end
    self:set_servername_callback(value)
    self._sni_callback = value or false
end

function getters.post_handshake_auth()
    return false
end

function setters.post_handshake_auth(_, value)
    if type(value) ~= "boolean" then
        errors.raise(errors.TypeError, "post_handshake_auth must be a boolean, not " .. check.kind(value))
    elseif value then
        errors.raise(errors.NotImplementedError,
            "BoringSSL has no post-handshake authentication: ask for the client's certificate in the handshake")
    end
end

function getters.security_level()
    return 0
end

local parse_wrap = keywords.parser("wrap_socket", { "sock", "server_side", "do_handshake_on_connect",
    "suppress_ragged_eofs", "server_hostname", "session", "early_data", "ech_configs" },
    { required = 1 })

local OPTIONS = { server_side = true, do_handshake_on_connect = true, suppress_ragged_eofs = true, server_hostname = true,
    session = true, early_data = true, ech_configs = true }

-- plain: whether an argument is a table of wrap_socket's keywords and nothing else.
local function plain(options)
    if type(options) ~= "table" or getmetatable(options) ~= nil then
        return false
    end
    for name in next, options do
        if not OPTIONS[name] then
            return false
        end
    end
    return true
end

--- Makes a TLS socket over a stream socket: a cleat socket, a descriptor (an integer, which is duplicated), or a socket
--- of LuaSocket, copas, cqueues, luv, nginx or haproxy. If it is connected, the handshake is done here, unless
--- `do_handshake_on_connect` is false; otherwise SSLSocket:connect or, on a listening server, SSLSocket:accept does it.
--- The wrapper owns the socket until SSLSocket:unwrap returns it.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local conn = context:wrap_socket(socket.socket(), { server_hostname = "localhost" })
---     conn:connect { "localhost", port }
---     conn:sendall("hello")
---     print(conn:recv(5)) --> hello
---     conn:close()
---
--- Raises: SSLError if the handshake fails (SSLCertVerificationError if the peer's certificate is refused); ValueError
--- if `server_hostname` is missing although `check_hostname` is true, is malformed, or is given on a server, for a
--- `session` of another context, for `ech_configs` where TLS 1.3 is disabled, and for a non-blocking connected socket
--- unless `do_handshake_on_connect` is false; SSLECHRejectedError if the server could not decrypt; SSLError for other
--- `ech_configs` than a list (INVALID_ECH_CONFIG_LIST), and for a list of which BoringSSL supports nothing
--- (NO_SUPPORTED_ECH_CONFIG); NotImplementedError for datagram sockets; TypeError for other values and for a socket
--- that is wrapped already. If the handshake fails the socket is closed.
--- Python: 2.7.9, 3.2; `session` 3.6.
---@param sock any see above
---@param server_side boolean? false by default
---@param do_handshake_on_connect boolean? true by default
---@param suppress_ragged_eofs boolean? true by default: an end of the connection without close_notify looks like the
--- end of the data. This is DANGEROUS where the end means something: an attacker can cut the data short. false raises
--- SSLEOFError instead
---@param server_hostname string? clients only: the name that is sent (SNI) and that the certificate must match;
--- internationalised names may be given in UTF-8
---@param session cleat.ssl.SSLSession? clients only: is offered to the server, see SSLSession
---@param early_data string? clients only: the first bytes for the server. Where a session allows it they are sent
--- with the client's first message (0-RTT); what the server refuses, or does not allow, is sent right after the
--- handshake. So it has them once in any case; `SSLSocket.early_data` says how. DANGEROUS: an attacker can repeat what
--- was sent early, any number of times. Only a request that may be repeated belongs into it
---@param ech_configs string? clients only: the server's list of configurations for Encrypted ClientHello (ECH, RFC
--- 9849), as bytes: `server_hostname` and most of the client's first message are encrypted, and an observer sees the
--- public name of the configuration. A server that cannot decrypt must have a certificate for the public name; then
--- SSLECHRejectedError has its present configurations. The name is never sent in plaintext
---@return cleat.ssl.SSLSocket
function SSLContext:wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session,
    early_data, ech_configs, ...)
    if sock ~= nil and do_handshake_on_connect == nil and suppress_ragged_eofs == nil and server_hostname == nil and
        session == nil and early_data == nil and ech_configs == nil and plain(server_side) and select("#", ...) == 0 then
        -- the usual way to call it, without parsing
        return wrap(self, sock, server_side)
    end
    sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session, early_data,
        ech_configs = parse_wrap(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session,
        early_data, ech_configs, ...)
    if type(server_side) == "string" then
        check.fail("wrap_socket", "server_side", "a boolean", server_side,
            ": the server's name is given by name, wrap_socket(sock, {server_hostname = …})")
    end
    return wrap(self, sock, {
        server_side = server_side,
        do_handshake_on_connect = do_handshake_on_connect,
        suppress_ragged_eofs = suppress_ragged_eofs,
        server_hostname = server_hostname,
        session = session,
        early_data = early_data,
        ech_configs = ech_configs,
    })
end

local parse_wrap_bio = keywords.parser("wrap_bio", { "incoming", "outgoing", "server_side", "server_hostname", "session",
    "early_data", "ech_configs" }, { required = 2 })

--- Makes a TLS connection that reads from one MemoryBIO, writes to another, and does no input or output itself.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
---     local object = context:wrap_bio(incoming, outgoing, { server_hostname = "localhost" })
---     print(pcall(object.do_handshake, object)) --> false	The operation did not complete (read)
---     print(outgoing.pending > 0) --> true
---
--- Raises: TypeError if a BIO is no MemoryBIO; ValueError as wrap_socket.
--- Python: 3.5.
---@param incoming cleat.ssl.MemoryBIO bytes from the network
---@param outgoing cleat.ssl.MemoryBIO bytes for the network
---@param server_side boolean? false by default
---@param server_hostname string? as in wrap_socket
---@param session cleat.ssl.SSLSession? as in wrap_socket
---@param early_data string? as in wrap_socket
---@param ech_configs string? as in wrap_socket
---@return cleat.ssl.SSLObject
function SSLContext:wrap_bio(incoming, outgoing, server_side, server_hostname, session, early_data, ech_configs,
    ...)
    return objects.wrap(self, parse_wrap_bio(incoming, outgoing, server_side, server_hostname, session, early_data,
        ech_configs, ...))
end


function getters:protocol()
    return self._protocol
end

function setters:options(value)
    errors.check(C.context_set_options(self._id, integer("options", value)))
end

function setters:verify_flags(value)
    errors.check(C.context_set_verify_flags(self._id, integer("verify_flags", value)))
end

function setters:chain_cache_seconds(value)
    value = integer("chain_cache_seconds", value)
    if value > const.CHAIN_CACHE_MAX then
        errors.raise(errors.ValueError, ("chain_cache_seconds is at most %d"):format(const.CHAIN_CACHE_MAX))
    end
    errors.check(C.context_set_chain_cache_seconds(self._id, value))
end

function setters:verify_mode(value)
    value = integer("verify_mode", value)
    if value ~= const.CERT_NONE and value ~= const.CERT_OPTIONAL and value ~= const.CERT_REQUIRED then
        errors.raise(errors.ValueError, "invalid value for verify_mode")
    elseif value == const.CERT_NONE and self.check_hostname then
        errors.raise(errors.ValueError, "Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
    end
    errors.check(C.context_set_verify_mode(self._id, value))
end

function getters:check_hostname()
    return errors.check(C.context_check_hostname(self._id)) == 1
end

function setters:check_hostname(value)
    if type(value) ~= "boolean" then
        errors.raise(errors.TypeError, "check_hostname must be a boolean, not " .. check.kind(value))
    elseif value and self.verify_mode == const.CERT_NONE then
        errors.check(C.context_set_verify_mode(self._id, const.CERT_REQUIRED))
    end
    errors.check(C.context_set_check_hostname(self._id, value and 1 or 0))
end

version_range.add(getters, setters)

for _, part in ipairs { algorithms, connection_class, early_setting, key_log, messages, session_store, staple } do
    for name, get in pairs(part.getters) do
        getters[name], setters[name] = get, part.setters[name]
    end
end
for _, part in ipairs { resumption, ech } do
    for name, get in pairs(part.context_getters) do
        getters[name], setters[name] = get, part.context_setters[name]
    end
end

-- The fields that most contexts do not store.
local defaults = {
    _servername_callback = false, _sni_callback = false, -- see cleat.ssl.server_name
    _verify_callback = false, _verify_callback_may_accept = false, -- see cleat.ssl.verify_settings
    _store_errors = 0, -- see cleat.ssl.session_store
    _lowest = true, _highest = true, -- see cleat.ssl.version_range
    _on_message = false, _trace_handshake = false, -- see cleat.ssl.messages
}

-- What a context hands on to its connections. They ask one field, _hands_on, whether there is any.
for _, name in ipairs { "_psk", "_session_store", "_signers", "_sslobject_class", "_sslsocket_class", "_traces", "_verifier" } do
    defaults[name] = false
    setters[name] = function(self, value)
        rawset(self, name, value)
        rawset(self, "_hands_on", true)
    end
end

class.properties(SSLContext, getters, setters, defaults)

--- "<ssl.SSLContext PROTOCOL_TLS>"
function SSLContext.instance:__tostring()
    return ("<ssl.SSLContext %s>"):format(constants.get_protocol_name(self._protocol))
end

--- Sockets made from the context live on without it.
function SSLContext.instance:__close()
    C.guard_close(self._guard)
end

return SSLContext
