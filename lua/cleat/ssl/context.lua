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

--- A context holds the settings, CA certificates, certificates and keys for TLS connections.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---     context:load_verify_locations("ca.pem")
---     context.minimum_version = ssl.TLSVersion.TLSv1_3
---     print(context.check_hostname) --> true
---
--- A connection uses the settings that its context has when the connection is made. Changes affect later connections
--- only.
---
--- Python: 2.7.9, 3.2; `minimum_version` and `maximum_version` 3.7.
---@class cleat.ssl.SSLContext
---@field protocol integer the constructor's argument, a `PROTOCOL_*`; read-only
---@field options integer a sum of `OP_*`. Setting it raises TypeError, ValueError
---@field verify_mode integer whether the peer must send a certificate, and whether it is verified: a `CERT_*`.
--- CERT_NONE is DANGEROUS on a client: any attacker can pose as the server. Setting it raises ValueError for other
--- numbers, and for CERT_NONE while check_hostname is true
---@field verify_flags integer how chains are verified: a sum of `VERIFY_*`. Setting it raises TypeError, ValueError
---@field check_hostname boolean whether a client compares the server's certificate with server_hostname. Setting it to
--- true changes a verify_mode of CERT_NONE to CERT_REQUIRED. false is DANGEROUS on a client: an attacker with a
--- certificate for any other name can pose as the server. Setting it raises TypeError
---@field hostname_checks_common_name boolean whether the common name is compared if the certificate has no subject
--- alternative names; true by default. Setting it raises TypeError
---@field verify_callback (fun(conn: cleat.ssl.SSLSocket|cleat.ssl.SSLObject, chain: cleat.ssl.CertificateObject[],
--- verdict: table): boolean|integer|nil)? a function that may refuse a peer; nil by default. `callback(conn, chain,
--- verdict)` is called after the peer's chain was verified, and also when a session is resumed. At that time the peer
--- has not proved yet that it has the private key. chain: the verified chain, or the certificates that the peer has
--- sent if the verification failed; the peer's own is the first. verdict: as SSLSocket:get_verify_result returns it.
--- nil and true accept the peer; false and an error of the callback refuse it with the alert CERTIFICATE_UNKNOWN, an
--- `ALERT_DESCRIPTION_*` with that alert, and other results with INTERNAL_ERROR. The handshake then raises
--- SSLCertVerificationError, with the callback's error in `cause`. The callback may yield. It is not called with
--- CERT_NONE. Setting it raises TypeError
---@field verify_callback_may_accept boolean whether verify_callback is also called if the verification failed, and can
--- accept the peer by returning true (nil keeps the verdict); false by default. true is DANGEROUS: the callback alone
--- decides which peers are accepted. Setting it raises TypeError
---@field enforce_verification boolean whether the handshake fails if the verification does; true by default. false is
--- DANGEROUS: the handshake succeeds with any peer, and the program must look at SSLSocket:get_verify_result. Setting
--- it raises TypeError
---@field verify_depth integer the maximum number of intermediate certificates in a chain; 100 by default. Setting it
--- raises TypeError, ValueError
---@field verify_time number? the time at which peers' certificates must be valid, in seconds since 1970; nil, the
--- default, for the current time. DANGEROUS on a client: certificates that have expired since then, and stolen keys,
--- are accepted. Setting it raises TypeError, ValueError
---@field num_tickets integer how many session tickets a server sends after a handshake of TLS 1.3: 0 to 4, 2 by
--- default. With 0 no session of TLS 1.3 is resumed. Setting it raises ValueError for other numbers and on a client's
--- context, TypeError
---@field session_timeout integer? for how many seconds a server's sessions can be resumed, at most 604800. nil, the
--- default: two hours up to TLS 1.2, two days with TLS 1.3. Setting it raises ValueError, TypeError
---@field session_id_context string? an application's name for its sessions, 1 to 32 bytes; nil, the default, for none.
--- A server resumes a session only if its context has the same value, and verifies clients with the same trust, mode
--- and flags. Setting it raises ValueError, TypeError
---@field minimum_version integer the lowest version of TLS, a `TLSVersion.*`; read as it was set. MINIMUM_SUPPORTED,
--- which is TLS 1.0, by default, but TLSv1_2 in contexts of create_default_context and in those for one role. Below
--- TLSv1_2 is DANGEROUS. Setting it raises ValueError on a context for one version only
---@field keylog_filename string? a file to which connections append their secrets in NSS's format, so that Wireshark
--- can decrypt captured traffic; nil by default. The file is created if necessary, readable by its owner only.
--- DANGEROUS: an attacker who can read the file can decrypt and modify the connections. create_default_context sets it
--- to the environment variable SSLKEYLOGFILE, except in a setuid program. Setting it raises IOError if the file cannot
--- be opened, TypeError
---@field chain_cache_seconds integer for how many seconds the result of a successful verification is cached, so that
--- the same chain is not verified again: 0 to 86400, 300 by default; 0 disables the cache. Setting it raises TypeError,
--- ValueError
---@field maximum_version integer the highest version of TLS, a `TLSVersion.*`; MAXIMUM_SUPPORTED, which is TLS 1.3, by
--- default. Setting it raises ValueError on a context for one version only
---@field sni_callback (fun(sock: cleat.ssl.SSLSocket|cleat.ssl.SSLObject, name: string?, context:
--- cleat.ssl.SSLContext): integer?)? the function of set_servername_callback, but called with the name as the client
--- has sent it: internationalised names as A-labels. nil by default. Setting it raises TypeError
---@field post_handshake_auth boolean always false: BoringSSL does not support post-handshake authentication. Setting it
--- to true raises NotImplementedError; other values TypeError
---@field security_level integer always 0: BoringSSL has no security levels. docs/security.md lists what it refuses.
--- Read-only
---@field session_cache_size integer how many sessions a client's context caches, to resume them automatically in
--- connections with the same `server_hostname`: 0 to 65536; 0 by default, and 64 in a client's context of
--- create_default_context. Only sessions with verified servers are cached, and one of TLS 1.3 is used once. Setting
--- this or another field empties the cache. See docs/security.md. Setting it raises TypeError, ValueError
---@field ech_grease boolean whether clients without `ech_configs` send an extension that looks like Encrypted
--- ClientHello, so that an observer cannot tell which clients encrypt the name; servers ignore it. false by default,
--- and true in a client's context of create_default_context. Setting it raises TypeError
---@field ask_ocsp boolean whether clients request a stapled OCSP response; true by default. If the server's certificate
--- is verified, so is the response: a revoked certificate is refused. A response that is not valid is ignored, unless
--- `require_ocsp` is true or the certificate has the must-staple extension (RFC 7633). false is DANGEROUS: revoked
--- certificates, and must-staple ones without a response, are accepted. Setting it raises TypeError
---@field require_ocsp boolean whether the peer must send a valid OCSP response with its certificate; false by default.
--- Otherwise the verification fails with a verify_code of 73 (no response), 74 (not valid) or 75 (the responder does
--- not know the certificate). Servers cannot request responses from clients, so a server with true refuses all client
--- certificates. Setting it raises TypeError
---@field ocsp_response string? the OCSP response in DER that a server staples for clients that request one; nil, the
--- default, for none. Setting it attaches it to the loaded certificate that it is about, until that certificate is
--- replaced; nil removes the responses of all certificates. Reading it returns the response that was set last and is
--- still attached. Setting it raises ValueError if no certificate is loaded; SSLError if the response is malformed or
--- about another certificate; TypeError
---@field ask_scts boolean whether clients request signed certificate timestamps; false by default. Setting it raises
--- TypeError
---@field scts string[]? the signed certificate timestamps that a server sends to clients that request them, each as
--- bytes of RFC 6962; nil, the default, for none. They belong to the certificate that was loaded last, until it is
--- replaced. Setting it raises ValueError if no certificate is loaded, TypeError
---@field max_early_data integer on a server, whether early data (0-RTT) is accepted: 0, the default, for no, 1 to 14336
--- for yes; always up to 14336 bytes. On a client, the maximum number of bytes to send early, if it is not 0. DANGEROUS
--- on a server: an attacker can replay early data any number of times, unless set_session_store has a store with `add`.
--- Setting it raises TypeError, ValueError
---@field _msg_callback function? Python's private debugging hook; nil by default. `callback(conn, direction, version,
--- content_type, msg_type, data)` is called for each TLS message and each record header, in order, after the step of a
--- call that has sent or received it. direction: "read" or "write". content_type: an `ssl._TLSContentType`; 257 is
--- the inner ClientHello of Encrypted ClientHello, and 0 a ClientHello in the format of SSL 2. msg_type: an
--- `ssl._TLSMessageType`, or for alerts an `ssl._TLSAlertType`. data: the bytes. The callback may close the
--- connection, but not use it otherwise. An error of the callback is raised by the handshake or by the failed call that
--- the message belongs to, otherwise by the next call. The same holds for a MemoryError if messages were lost (more
--- than 1 MiB between two steps, or no memory). Setting it raises TypeError
---@field trace_handshake boolean whether connections record the `flights` of the handshake and their times for
--- SSLSocket:describe; false by default. Setting it raises TypeError
---@field sslsocket_class cleat.Class the class of the objects that wrap_socket returns: SSLSocket by default, or a
--- class made by `ssl.SSLSocket:extend(name, fields)`. `fields` has additional attributes of its objects, with their
--- initial values. Setting it raises TypeError
---@field sslobject_class cleat.Class the same for wrap_bio and SSLObject
---@field compliance_policy integer a `POLICY_*`: restricts versions, cipher suites, groups and signature algorithms of
--- handshakes to those of a standard; POLICY_NONE by default. Connections use what both the policy and the other
--- settings allow, in whatever order they were set. Chains of certificates are not restricted. Setting it raises
--- SSLError if nothing would be left, as the other setters do from then on; NotImplementedError for POLICY_CNSA*
--- without `HAS_POLICY_CNSA`; ValueError, TypeError
---@field grease boolean whether connections send GREASE (RFC 8701): random values that peers must ignore; false by
--- default. It shows which peers will fail with later versions of TLS: they fail the handshake. Setting it raises
--- TypeError
---@field certificate_compression boolean whether certificates are sent and accepted with zlib compression if the peer
--- supports it (RFC 8879, TLS 1.3); false by default. Setting it to true raises NotImplementedError without
--- `HAS_CERTIFICATE_COMPRESSION`; TypeError
---@overload fun(protocol?: integer): cleat.ssl.SSLContext
local SSLContext

local parse_new = keywords.parser("SSLContext", { "protocol" })

-- The usual protocols need no further checks. The values are of the integer subtype, even where 2.0 is given.
local USUAL = { [const.PROTOCOL_TLS] = const.PROTOCOL_TLS, [roles.CLIENT] = roles.CLIENT, [roles.SERVER] = roles.SERVER }

--- Makes a context. `PROTOCOL_TLS_CLIENT` and `PROTOCOL_TLS_SERVER` are for one role, with TLS 1.2 and later and strong
--- cipher suites. A client's context verifies the server's chain and host name, against the CA certificates that are
--- loaded into it; at first there are none. `PROTOCOL_TLS` (both roles, TLS 1.0 to 1.3) verifies nothing, which is
--- DANGEROUS on a client. The others allow one version only. Most programs use create_default_context instead.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---     context:load_verify_locations("ca.pem")
---     print(context.verify_mode == ssl.CERT_REQUIRED, context.check_hostname) --> true	true
---
--- Raises: ValueError for SSL 2, SSL 3 and numbers that are not a `PROTOCOL_*`; TypeError.
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
    local self = setmetatable({ _id = id, _guard = guard, _protocol = protocol, _has_inherited = false }, SSLContext.instance)
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

--- Adds CA certificates and certificate revocation lists, against which peers are verified. If it raises, nothing was
--- added.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
---     context:load_verify_locations { cafile = "ca.pem" }
---     print(context:cert_store_stats().x509_ca) --> 1
---
--- Raises: TypeError if all three are omitted; IOError if a file cannot be read; SSLError if a file contains no
--- certificate, or a malformed one; ValueError if `cadata` is empty.
--- Python: 2.7.9, 3.2; `cadata` 3.4.
---@param cafile string? path of a PEM file
---@param capath string? path of a directory with file names as `openssl rehash` makes them; files are read during
--- verifications
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

--- Adds the system's CA certificates, from the file and directory that ssl.get_default_verify_paths returns. Missing
--- files are ignored.
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
--- Raises: TypeError if `purpose` is not a Purpose.
--- Python: 2.7.9, 3.4.
---@param purpose cleat.ssl.Purpose? `Purpose.SERVER_AUTH` by default; both values load the same certificates
function SSLContext:load_default_certs(purpose, ...)
    purposes.check((parse_default(purpose, ...)))
    self:set_default_verify_paths()
end

--- Returns the numbers of loaded certificates, of CA certificates among them, and of revocation lists. Files of a
--- `capath` are counted after a verification has read them.
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

--- Lists the certificates and revocation lists in the system's bundle that BoringSSL cannot parse: they are skipped,
--- and not trusted. (For a malformed certificate in a `cafile`, load_verify_locations raises an error instead.)
---
---     local context = ssl.create_default_context()
---     for _, skipped in ipairs(context:get_skipped_certs()) do
---         print(skipped.ordinal, skipped.line, skipped.reason)
---     end
---
--- Python: none.
---@return {ordinal: integer, line: integer, reason: string}[] # for each: its number in the file and its first line,
--- both counted from 1, and the reason
function SSLContext:get_skipped_certs()
    local list = {}
    for index = 0, errors.check(C.context_skipped_count(self._id)) - 1 do
        local _, reason, ordinal, line = errors.check(C.context_skipped_reason(self._id, index))
        list[index + 1] = { ordinal = ordinal, line = line, reason = reason }
    end
    return list
end

local parse_ca_certs = keywords.parser("get_ca_certs", { "binary_form" })

--- Returns the loaded CA certificates.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     print(context:get_ca_certs()[1].version) --> 3
---
--- Raises: TypeError if `binary_form` is not a boolean.
--- Python: 2.7.9, 3.4.
---@param binary_form boolean? true returns DER strings; false, the default, tables as SSLSocket:getpeercert returns
--- them
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

-- The names in Python of CLEAT_STAT_*, by number.
local STATS = { "number", "connect", "connect_good", "connect_renegotiate", "accept", "accept_good", "accept_renegotiate",
    "hits", "misses", "timeouts", "cache_full" }

--- Returns counters of events in the connections of the context: `connect` and `accept` (handshakes begun as a client
--- and as a server), `connect_good` and `accept_good` (handshakes done), `hits` (sessions resumed), `misses` (sessions
--- that clients have offered and a server did not find or accept), `timeouts` (offered sessions that had expired; they
--- are not misses), `number` (sessions in the server's cache, which TLS 1.2 without tickets uses), `cache_full`
--- (sessions that were evicted from it), `store_errors` (errors of the functions of set_session_store).
--- `connect_renegotiate` and `accept_renegotiate` are always 0: BoringSSL does not renegotiate.
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

--- Returns how often the cache of verified chains was used: `hits` are verifications that it has answered, `misses`
--- those that it has not. Verifications that bypass the cache are not counted: see `chain_cache_seconds`.
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

-- integer checks the value of a property.
local function integer(name, value)
    if type(value) ~= "number" or value % 1 ~= 0 then
        errors.raise(errors.TypeError, ("%s must be an integer, not %s"):format(name, check.kind(value)))
    elseif value < 0 or value > check.INT_MAX then
        errors.raise(errors.ValueError, name .. " is out of range")
    end
    return value
end

-- attribute returns a getter that calls a function of the ABI.
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

--- Sets the function that a server calls when it has received a ClientHello: `callback(sock, name, context)` gets the
--- connection, the name that the client has sent (internationalised names decoded; nil if it has sent none) and this
--- context. The callback may set `sock.context`, so that the client gets another context's certificate. It may yield.
--- If it returns nil the handshake continues. Otherwise the client gets an alert: the `ALERT_DESCRIPTION_*` that the
--- callback returns; INTERNAL_ERROR for other results and for malformed names; HANDSHAKE_FAILURE if the callback
--- raises. The handshake then raises SSLError with the reason `CALLBACK_FAILED`, and with the callback's error in
--- `cause`.
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
---@param callback (fun(sock: cleat.ssl.SSLSocket|cleat.ssl.SSLObject, name: string?, context: cleat.ssl.SSLContext):
--- integer?)? nil for none
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

-- plain returns whether an argument is a table with keywords of wrap_socket only.
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
--- of LuaSocket, copas, cqueues, luv, nginx or haproxy. If the socket is connected, wrap_socket does the handshake,
--- unless `do_handshake_on_connect` is false. Otherwise SSLSocket:connect does it or, on a listening server,
--- SSLSocket:accept. The wrapper owns the socket until SSLSocket:unwrap returns it. If the handshake fails, the socket
--- is closed.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local conn = context:wrap_socket(socket.socket(), { server_hostname = "localhost" })
---     conn:connect { "localhost", port }
---     conn:sendall("hello")
---     print(conn:recv(5)) --> hello
---     conn:close()
---
--- Raises: SSLCertVerificationError if the peer's certificate is refused; SSLECHRejectedError if the server could not
--- decrypt the ClientHello; SSLError if the handshake fails otherwise; socket.error and socket.timeout for the network;
--- ValueError if `server_hostname` is malformed, given on a server, or missing while `check_hostname` is true, for a
--- `session` of another context, for `ech_configs` without TLS 1.3, and for a connected non-blocking socket unless
--- `do_handshake_on_connect` is false; SSLError with the reason INVALID_ECH_CONFIG_LIST or NO_SUPPORTED_ECH_CONFIG for
--- other `ech_configs`; NotImplementedError for datagram sockets; TypeError for other values, and for a socket that is
--- wrapped already.
--- Python: 2.7.9, 3.2; `session` 3.6.
---@param sock cleat.Socket|integer|userdata|table see above
---@param server_side boolean? false by default
---@param do_handshake_on_connect boolean? true by default
---@param suppress_ragged_eofs boolean? true, the default: an end of the connection without close_notify is read as the
--- end of the data, "". This is DANGEROUS if the end has a meaning: an attacker can truncate the data. false: it raises
--- SSLEOFError
---@param server_hostname string? clients only: the name that is sent to the server (SNI) and compared with its
--- certificate; internationalised names may be given in UTF-8
---@param session cleat.ssl.SSLSession? clients only: a session to resume, from the field `session` of an earlier
--- connection
---@param early_data string? clients only: the first bytes for the server. If the session allows it they are sent with
--- the client's first message (0-RTT), otherwise right after the handshake; also if the server refuses early data. So
--- the server receives them exactly once; `SSLSocket.early_data` says how. DANGEROUS: an attacker can replay what was
--- sent early, any number of times. Use it only for requests that may be repeated
---@param ech_configs string? clients only: the server's ECHConfigList (Encrypted ClientHello, RFC 9849), as bytes.
--- `server_hostname` and most of the ClientHello are encrypted; an observer sees the configuration's public name only.
--- If the server cannot decrypt, its certificate is verified for the public name, and SSLECHRejectedError has its
--- current configurations. The name is never sent in plaintext
---@return cleat.ssl.SSLSocket
function SSLContext:wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session,
    early_data, ech_configs, ...)
    if sock ~= nil and do_handshake_on_connect == nil and suppress_ragged_eofs == nil and server_hostname == nil and
        session == nil and early_data == nil and ech_configs == nil and plain(server_side) and select("#", ...) == 0 then
        -- the usual form of the call, which needs no parsing
        return wrap(self, sock, server_side)
    end
    sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session, early_data,
        ech_configs = parse_wrap(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session,
        early_data, ech_configs, ...)
    if type(server_side) == "string" then
        check.fail("wrap_socket", "server_side", "a boolean", server_side,
            ": pass the server's name as wrap_socket(sock, {server_hostname = …})")
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

--- Makes a TLS connection that reads from one MemoryBIO and writes to another one. The program moves the bytes between
--- them and the network.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
---     local object = context:wrap_bio(incoming, outgoing, { server_hostname = "localhost" })
---     print(pcall(object.do_handshake, object)) --> false	The operation did not complete (read)
---     print(outgoing.pending > 0) --> true
---
--- Raises: TypeError if a BIO is not a MemoryBIO; ValueError and SSLError for the arguments, as wrap_socket.
--- Python: 3.5.
---@param incoming cleat.ssl.MemoryBIO for bytes that were received from the network
---@param outgoing cleat.ssl.MemoryBIO for bytes to send to the network
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

-- Defaults of the fields that most contexts do not store.
local defaults = {
    _servername_callback = false, _sni_callback = false, -- see cleat.ssl.server_name
    _verify_callback = false, _verify_callback_may_accept = false, -- see cleat.ssl.verify_settings
    _store_errors = 0, -- see cleat.ssl.session_store
    _lowest = true, _highest = true, -- see cleat.ssl.version_range
    _on_message = false, _trace_handshake = false, -- see cleat.ssl.messages
}

-- The fields that connections copy from their context. _has_inherited is false as long as none of them is set, so that
-- making a connection checks one field only.
for _, name in ipairs { "_psk", "_session_store", "_signers", "_sslobject_class", "_sslsocket_class", "_traces", "_verifier" } do
    defaults[name] = false
    setters[name] = function(self, value)
        rawset(self, name, value)
        rawset(self, "_has_inherited", true)
    end
end

class.properties(SSLContext, getters, setters, defaults)

--- "<ssl.SSLContext PROTOCOL_TLS>"
function SSLContext.instance:__tostring()
    return ("<ssl.SSLContext %s>"):format(constants.get_protocol_name(self._protocol))
end

--- Connections do not need the context object after they were made.
function SSLContext.instance:__close()
    C.guard_close(self._guard)
end

return SSLContext
