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
--- constructor verifies nothing, as in Python: create_default_context is what most programs want.

local C = require "cleat.backend"
local certificate = require "cleat.ssl.certificate"
local check = require "cleat.check"
local class = require "cleat.class"
local constants = require "cleat.ssl.constants"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local purpose = require "cleat.ssl.purpose"
local sockets = require "cleat.ssl.socket"
local status = require "cleat.status"

local const = C.const

local TLS13_CIPHERS = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" }

---@class cleat.ssl.SSLContext
---@field protocol integer PROTOCOL_*; read-only
---@field options integer OP_*; TypeError for what is no integer
---@field verify_mode integer CERT_*; ValueError for other numbers, and for CERT_NONE while check_hostname is true
---@field verify_flags integer VERIFY_*
---@field check_hostname boolean ValueError for true while verify_mode is CERT_NONE
---@field minimum_version integer TLSVersion.* (Python 3.7); ValueError on a context for one version only
---@field maximum_version integer
local SSLContext

local parse_new = keywords.parser("SSLContext", { "protocol" }, { required = 1 })

--- SSLContext(protocol) makes a context. protocol: PROTOCOL_TLS (TLS 1.0 to 1.3) or one version. ValueError for SSL 2, SSL 3 and
--- other numbers; TypeError if it is missing.
SSLContext = class.new("ssl.SSLContext", function(_, ...)
    local protocol = check.integer("SSLContext", "protocol", (parse_new(...)))
    local id = C.context_new(protocol)
    if id == status.UNSUPPORTED or (id < 0 and status.class(id) == const.USAGE) then
        errors.raise(errors.ValueError, id == status.UNSUPPORTED and "unsupported protocol version" or
            "invalid protocol version")
    end
    errors.check(id)
    local guard = C.guard_new(id)
    return setmetatable({ _id = id, _guard = guard, _protocol = protocol }, SSLContext.instance)
end)

local PASSWORD_MAX = const.PASSWORD_MAX

local function check_password(password)
    if #password > PASSWORD_MAX then
        errors.raise(errors.ValueError, ("password cannot be longer than %d bytes"):format(PASSWORD_MAX))
    end
    return password
end

local parse_chain = keywords.parser("load_cert_chain", { "certfile", "keyfile", "password" }, { required = 1 })

--- load_cert_chain(certfile, keyfile, password) loads the certificates and the private key to identify this side with. certfile:
--- PEM, the own certificate first, then its issuers; keyfile defaults to it. password: a string, or a function that returns one
--- and is called only if the key is encrypted; both are ignored if it is not. Raises IOError for a file that cannot be read, SSLError
--- for one that holds no certificate, no key, or a key that does not match, and for a wrong or missing password.
function SSLContext:load_cert_chain(...)
    local certfile, keyfile, password = parse_chain(...)
    check.optional_path("load_cert_chain", "certfile", certfile)
    check.optional_path("load_cert_chain", "keyfile", keyfile)
    local given
    if type(password) == "string" then
        given = check_password(password)
    elseif password ~= nil and not check.callable(password) then
        errors.raise(errors.TypeError, "password should be a string or callable")
    end
    local result = C.context_load_cert_chain(self._id, certfile, keyfile, given)
    if result == status.NEED_PASSWORD then
        if password == nil then
            local err = errors.SSLError(errors.SSL_ERROR_SSL,
                "[PEM: BAD_PASSWORD_READ] the private key is encrypted and no password was given")
            err.library, err.reason = "PEM", "BAD_PASSWORD_READ"
            errors.throw(err)
        end
        given = password()
        if type(given) ~= "string" then
            errors.raise(errors.TypeError, "password callback must return a string")
        end
        result = C.context_load_cert_chain(self._id, certfile, keyfile, check_password(given))
    end
    errors.check(result)
end

local parse_locations = keywords.parser("load_verify_locations", { "cafile", "capath", "cadata" })

--- load_verify_locations(cafile, capath, cadata) adds certification authorities to verify peers with, and revocation lists. cafile: a PEM
--- file; capath: a directory as c_rehash leaves it, searched when a verification needs it; cadata: PEM text, or DER
--- certificates one after the other. At least one must be given: TypeError. Raises IOError for a file that cannot be read, SSLError for
--- one without certificates, ValueError for empty cadata.
function SSLContext:load_verify_locations(...)
    local cafile, capath, cadata = parse_locations(...)
    check.optional_path("load_verify_locations", "cafile", cafile)
    check.optional_path("load_verify_locations", "capath", capath)
    if cafile == nil and capath == nil and cadata == nil then
        errors.raise(errors.TypeError, "cafile, capath and cadata cannot be all omitted")
    elseif cadata ~= nil and type(cadata) ~= "string" then
        errors.raise(errors.TypeError, "cadata should be an ASCII string or a bytes-like object")
    elseif cadata == "" then
        errors.raise(errors.ValueError, "Empty certificate data")
    end
    if cadata then
        errors.check(C.context_load_verify_data(self._id, cadata))
    end
    if cafile then
        errors.check(C.context_load_verify_file(self._id, cafile))
    end
    if capath then
        errors.check(C.context_load_verify_directory(self._id, capath))
    end
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

--- How much is loaded to verify with: certificates, those of them that are authorities', revocation lists. What a directory
--- holds counts once it was used.
---@return {x509: integer, x509_ca: integer, crl: integer}
function SSLContext:cert_store_stats()
    local _, x509, x509_ca, crl = errors.check(C.context_cert_store_stats(self._id))
    return { x509 = x509, x509_ca = x509_ca, crl = crl }
end

local parse_ca_certs = keywords.parser("get_ca_certs", { "binary_form" })

--- get_ca_certs(binary_form) lists the certification authorities, as tables like getpeercert's or as DER strings.
---@return cleat.ssl.Certificate[]|string[]
function SSLContext:get_ca_certs(...)
    local binary_form = check.optional_boolean("get_ca_certs", "binary_form", (parse_ca_certs(...)), false)
    local list = {}
    for index = 0, errors.check(C.context_ca_count(self._id)) - 1 do
        local id = errors.check(C.context_ca_certificate(self._id, index))
        list[index + 1] = certificate.consume(id, binary_form and certificate.der or certificate.decode)
    end
    return list
end

local parse_ciphers = keywords.parser("set_ciphers", { "ciphers" }, { required = 1 })

--- set_ciphers(ciphers) sets the cipher suites for TLS 1.2 and earlier, a list in OpenSSL's format as BoringSSL reads it. Those of
--- TLS 1.3 are always there. Raises SSLError "No cipher can be selected."
function SSLContext:set_ciphers(...)
    local ciphers = check.string("set_ciphers", "ciphers", (parse_ciphers(...)))
    local result = C.context_set_ciphers(self._id, ciphers)
    if result < 0 then
        local found = errors.from_status(result)
        if errors.SSLError:is(found) or errors.ValueError:is(found) then
            local err = errors.SSLError(errors.SSL_ERROR_SSL, "No cipher can be selected.")
            err.library, err.reason = found.library, found.reason
            errors.throw(err)
        end
        errors.throw(found)
    end
end

--- The suites that may be agreed on, in order of preference (Python 3.6): first those of TLS 1.3.
---@return {name: string, protocol: string}[] # protocol only of TLS 1.3's
function SSLContext:get_ciphers()
    local list = {}
    local may_use_13 = errors.check(C.context_maximum_version(self._id)) >= const.TLS1_3_VERSION and
        self.options % (const.OP_NO_TLSV1_3 * 2) < const.OP_NO_TLSV1_3
    for _, name in ipairs(may_use_13 and TLS13_CIPHERS or {}) do
        list[#list + 1] = { name = name, protocol = "TLSv1.3" }
    end
    for index = 0, errors.check(C.context_cipher_count(self._id)) - 1 do
        local _, name = errors.check(C.context_cipher_name(self._id, index))
        list[#list + 1] = { name = name }
    end
    return list
end

local parse_alpn = keywords.parser("set_alpn_protocols", { "alpn_protocols" },
    { required = 1, tables = { alpn_protocols = true } })

--- set_alpn_protocols(protocols) sets the application protocols to offer or to choose from, in order of preference:
--- {"h2", "http/1.1"}. Each has 1 to 255 bytes: SSLError. A server's order decides; without a common protocol the handshake goes on.
function SSLContext:set_alpn_protocols(...)
    local protocols = parse_alpn(...)
    if type(protocols) ~= "table" then
        check.fail("set_alpn_protocols", "alpn_protocols", "an array of strings", protocols)
    end
    local parts = {}
    for _, protocol in ipairs(protocols) do
        check.string("set_alpn_protocols", "alpn_protocols", protocol)
        if #protocol < 1 or #protocol > 255 then
            errors.raise(errors.SSLError, errors.SSL_ERROR_SSL, "ALPN protocols must be 1 to 255 in length")
        end
        parts[#parts + 1] = string.char(#protocol) .. protocol
    end
    errors.check(C.context_set_alpn_protocols(self._id, table.concat(parts)))
end

--- NPN is not there: HAS_NPN is false.
function SSLContext:set_npn_protocols()
    return errors.raise(errors.NotImplementedError, "The NPN extension requires HAS_NPN")
end

local parse_wrap = keywords.parser("wrap_socket", { "sock", "server_side", "do_handshake_on_connect",
    "suppress_ragged_eofs", "server_hostname" }, { required = 1 })

--- wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname) makes a TLS socket of a stream
--- socket or of a descriptor (see cleat.ssl.transport). server_side and the like are booleans; the middle two default to true.
--- If sock is connected the handshake is done here, unless do_handshake_on_connect is false; otherwise connect() or, on a
--- listening server, accept() does it. server_hostname: for clients, the name that is sent and checked; an
--- internationalised one may be given as it is written. Raises SSLError, ValueError, NotImplementedError for datagrams …
---@return cleat.ssl.SSLSocket
function SSLContext:wrap_socket(...)
    local sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname = parse_wrap(...)
    return sockets.wrap(self, sock, {
        server_side = server_side,
        do_handshake_on_connect = do_handshake_on_connect,
        suppress_ragged_eofs = suppress_ragged_eofs,
        server_hostname = server_hostname,
    })
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
        errors.raise(errors.ValueError,
            "check_hostname needs a SSL context with either CERT_OPTIONAL or CERT_REQUIRED")
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
        elseif self._protocol ~= const.PROTOCOL_TLS then
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
