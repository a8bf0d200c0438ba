--- Settings and certificates that TLS sockets are made from: Python's ssl.SSLContext (section 17.3.3).
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS)
---     context.verify_mode = ssl.CERT_REQUIRED
---     context.check_hostname = true
---     context:load_default_certs()
---     local conn = context:wrap_socket(socket.socket(), {server_hostname = "example.org"})
---     conn:connect({"example.org", 443})
---
--- A socket takes the settings that its context has when TLS is set up; later changes are for later sockets. The bare
--- constructor, SSLContext(), verifies nothing, as in Python, which is DANGEROUS on a client: create_default_context is
--- what most programs want. SSLContext(PROTOCOL_TLS_CLIENT) verifies the server's chain and name, against the CA
--- certificates that are loaded into it.

local C = require "cleat.backend"
local certificate = require "cleat.ssl.certificate"
local check = require "cleat.check"
local class = require "cleat.class"
local constants = require "cleat.ssl.constants"
local credential = require "cleat.ssl.credential"
local errors = require "cleat.errors"
local handshake_settings = require "cleat.ssl.handshake_settings"
local keywords = require "cleat.keywords"
local purpose = require "cleat.ssl.purpose"
local objects = require "cleat.ssl.object"
local roles = require "cleat.ssl.roles"
local status = require "cleat.status"
local wrap = require("cleat.ssl.wrap").wrap

local const = C.const

---@class cleat.ssl.SSLContext
---@field protocol integer PROTOCOL_*; read-only
---@field options integer OP_*; TypeError for what is no integer
---@field verify_mode integer CERT_*; ValueError for other numbers, and for CERT_NONE while check_hostname is true.
--- CERT_NONE is
--- DANGEROUS on a client: anybody can pose as the server
---@field verify_flags integer VERIFY_*
---@field check_hostname boolean true makes a verify_mode of CERT_NONE CERT_REQUIRED (Python 3.7). check_hostname =
--- false is
--- DANGEROUS on a client: an attacker with any certificate can pose as the server
---@field minimum_version integer TLSVersion.* (Python 3.7); ValueError on a context for one version only. Below
--- TLSv1_2 DANGEROUS
---@field chain_cache_seconds integer for how long a peer's verified chain needs no other verification: 300 seconds;
--- 0: each chain is verified
---@field maximum_version integer
local SSLContext

local parse_new = keywords.parser("SSLContext", { "protocol" })

--- SSLContext(protocol) makes a context. protocol: PROTOCOL_TLS_CLIENT or PROTOCOL_TLS_SERVER, for one role, TLS 1.2
--- and later, strong suites; a client's verifies chain and name, and needs CA certificates: load_default_certs,
--- load_verify_locations. PROTOCOL_TLS (TLS 1.0 to 1.3, both roles, verifies nothing) is the default as in Python 3,
--- where leaving it out is deprecated. Or one version. ValueError for SSL 2, SSL 3 and other numbers.
SSLContext = class.new("ssl.SSLContext", function(_, ...)
    local protocol = check.optional_integer("SSLContext", "protocol", (parse_new(...)), const.PROTOCOL_TLS)
    local one_role = protocol == roles.CLIENT or protocol == roles.SERVER
    local id, guard = C.context_new_guarded(one_role and const.PROTOCOL_TLS or protocol)
    if id == status.UNSUPPORTED or (id < 0 and status.class(id) == const.USAGE) then
        errors.raise(errors.ValueError, id == status.UNSUPPORTED and "unsupported protocol version" or
            "invalid protocol version")
    end
    errors.check(id)
    roles.apply(id, protocol)
    return setmetatable({ _id = id, _guard = guard, _protocol = protocol, _servername_callback = false },
        SSLContext.instance)
end)

for _, methods in ipairs { credential, handshake_settings } do
    for name, method in pairs(methods) do
        SSLContext[name] = method
    end
end

local parse_locations = keywords.parser("load_verify_locations", { "cafile", "capath", "cadata" })

--- load_verify_locations(cafile, capath, cadata) adds CA certificates to verify peers with, and revocation lists.
--- cafile: a PEM file; capath: a directory as c_rehash leaves it, searched when a verification needs it; cadata: PEM
--- text, or DER certificates one after the other. At least one must be given: TypeError. Raises IOError for a file that
--- cannot be read, SSLError for one without certificates, ValueError for empty cadata; then nothing is added.
function SSLContext:load_verify_locations(...)
    local cafile, capath, cadata = parse_locations(...)
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

--- Adds the system's certification authorities: what get_default_verify_paths tells. What is not there is passed over.
function SSLContext:set_default_verify_paths()
    errors.check(C.context_set_default_verify_paths(self._id))
end

local parse_default = keywords.parser("load_default_certs", { "purpose" })

--- load_default_certs(purpose) does the same. purpose: Purpose.SERVER_AUTH (the default) or CLIENT_AUTH.
function SSLContext:load_default_certs(...)
    purpose.check((parse_default(...)))
    self:set_default_verify_paths()
end

--- How much is loaded to verify with: certificates, those of them that are authorities', revocation lists. What a
--- directory holds counts once it was used.
---@return {x509: integer, x509_ca: integer, crl: integer}
function SSLContext:cert_store_stats()
    local _, x509, x509_ca, crl = errors.check(C.context_cert_store_stats(self._id))
    return { x509 = x509, x509_ca = x509_ca, crl = crl }
end

--- The certificates and revocation lists of the system's bundle that could not be parsed, and are not trusted. The
--- others are. A cafile with such a one is an error.
---@return {ordinal: integer, line: integer, reason: string}[] # which of the file it is and where it begins, from 1;
--- why
function SSLContext:get_skipped_certs()
    local list = {}
    for index = 0, errors.check(C.context_skipped_count(self._id)) - 1 do
        local _, reason, ordinal, line = errors.check(C.context_skipped_reason(self._id, index))
        list[index + 1] = { ordinal = ordinal, line = line, reason = reason }
    end
    return list
end

local parse_ca_certs = keywords.parser("get_ca_certs", { "binary_form" })

--- get_ca_certs(binary_form) lists the certification authorities, as tables like getpeercert's or as DER strings.
---@return cleat.ssl.Certificate[]|string[]
function SSLContext:get_ca_certs(...)
    local binary_form = check.optional_boolean("get_ca_certs", "binary_form", (parse_ca_certs(...)), false)
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

--- What has happened in the connections of the context: handshakes begun and done, sessions resumed (hits), offered and
--- refused (misses), and how many are in the server's cache (number), where sessions with tickets are not. The
--- renegotiations, timeouts and cache_full are always 0, since BoringSSL has no such thing.
---@return table<string, integer>
function SSLContext:session_stats()
    local stats = {}
    for _, name in ipairs(STATS) do
        stats[name] = errors.check(C.context_session_stats(self._id, const["STAT_" .. name:upper()]))
    end
    return stats
end

--- Returns how many verifications of peers' chains, in the connections of the context, the cache of verified chains has
--- answered (hits), and how many it has not (misses). Verifications that do not use the cache are in neither: see
--- chain_cache_seconds.
---@return {hits: integer, misses: integer}
function SSLContext:chain_cache_stats()
    local _, hits, misses = errors.check(C.context_chain_cache_stats(self._id))
    return { hits = hits, misses = misses }
end

--- Sets the function that servers call once their client has said which server it wants: callback(sock, name, context),
--- with the socket of the connection, the name as it is written ("püthon.org"; nil if the client sent none), and this
--- context. It may set sock.context, so that the other context's certificate is presented; it may raise, and in a
--- coroutine it may yield. The handshake goes on if it returns nil. Otherwise the client gets the alert that it
--- returns, an ALERT_DESCRIPTION_*; INTERNAL_ERROR for other values and for a name that cannot be decoded;
--- HANDSHAKE_FAILURE if it raised. The handshake then raises SSLError, reason CALLBACK_FAILED, with the error as field
--- cause. nil takes the function away. TypeError "not a callable object".
---@param callback (fun(sock: cleat.ssl.SSLSocket, name: string?, context: cleat.ssl.SSLContext): integer?)?
function SSLContext:set_servername_callback(callback)
    if callback ~= nil and not check.callable(callback) then
        errors.raise(errors.TypeError, "not a callable object")
    end
    errors.check(C.context_set_server_name_events(self._id, callback and 1 or 0))
    self._servername_callback = callback or false
end

local parse_wrap = keywords.parser("wrap_socket", { "sock", "server_side", "do_handshake_on_connect",
    "suppress_ragged_eofs", "server_hostname" }, { required = 1 })

local OPTIONS = { server_side = true, do_handshake_on_connect = true, suppress_ragged_eofs = true, server_hostname = true }

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

--- wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname) makes a TLS socket of
--- a stream socket, a descriptor, or a socket object of the host's (see cleat.ssl.wrappable). server_side and the like
--- are booleans; the middle two default to true. If sock is connected the handshake is done here, unless
--- do_handshake_on_connect is false; otherwise connect() or, on a listening server, accept() does it. server_hostname:
--- for clients, the name that is sent and checked; an internationalised one may be given as it is written.
--- suppress_ragged_eofs, on as in Python, is DANGEROUS where the end of the data means something: anybody on the way
--- can cut a connection short, and recv() returns "" as after a goodbye. Raises SSLError, ValueError,
--- NotImplementedError for datagrams …
---@return cleat.ssl.SSLSocket
function SSLContext:wrap_socket(...)
    local first, options = ...
    if first ~= nil and plain(options) and select("#", ...) == 2 then -- the usual way to call it, without parsing
        return wrap(self, first, options)
    end
    local sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname = parse_wrap(...)
    if type(server_side) == "string" then
        check.fail("wrap_socket", "server_side", "a boolean", server_side,
            ": the server's name is given by name, wrap_socket(sock, {server_hostname = …})")
    end
    return wrap(self, sock, {
        server_side = server_side,
        do_handshake_on_connect = do_handshake_on_connect,
        suppress_ragged_eofs = suppress_ragged_eofs,
        server_hostname = server_hostname,
    })
end

local parse_wrap_bio = keywords.parser("wrap_bio", { "incoming", "outgoing", "server_side", "server_hostname" },
    { required = 2 })

--- wrap_bio(incoming, outgoing, server_side, server_hostname) makes a TLS connection that reads from one MemoryBIO and
--- writes to another, and does no I/O (Python 3.5). The arguments are those of wrap_socket.
---@return cleat.ssl.SSLObject
function SSLContext:wrap_bio(...)
    return objects.wrap(self, parse_wrap_bio(...))
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

local getters = {
    options = attribute(C.context_options),
    verify_mode = attribute(C.context_verify_mode),
    verify_flags = attribute(C.context_verify_flags),
    minimum_version = attribute(C.context_minimum_version),
    maximum_version = attribute(C.context_maximum_version),
    chain_cache_seconds = attribute(C.context_chain_cache_seconds),
}
local setters = {}

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

local TLSVersion = constants.TLSVersion

-- bound is a setter for one end of the range of versions.
local function bound(name, f)
    return function(self, value)
        if value == TLSVersion.MINIMUM_SUPPORTED then
            value = TLSVersion.TLSv1
        elseif value == TLSVersion.MAXIMUM_SUPPORTED then
            value = TLSVersion.TLSv1_3
        end
        value = integer(name, value)
        if value < TLSVersion.TLSv1 or value > TLSVersion.TLSv1_3 then
            errors.raise(errors.ValueError, ("Unsupported protocol version 0x%x"):format(value))
        elseif self._protocol ~= const.PROTOCOL_TLS and self._protocol ~= roles.CLIENT and self._protocol ~= roles.SERVER then
            errors.raise(errors.ValueError,
                "The context's protocol doesn't support modification of highest and lowest version.")
        end
        errors.check(f(self._id, value))
    end
end

setters.minimum_version = bound("minimum_version", C.context_set_minimum_version)
setters.maximum_version = bound("maximum_version", C.context_set_maximum_version)

class.properties(SSLContext, getters, setters)

--- "<ssl.SSLContext PROTOCOL_TLS>"
function SSLContext.instance:__tostring()
    return ("<ssl.SSLContext %s>"):format(constants.get_protocol_name(self._protocol))
end

--- Sockets made from the context live on without it.
function SSLContext.instance:__close()
    C.guard_close(self._guard)
end

return SSLContext
