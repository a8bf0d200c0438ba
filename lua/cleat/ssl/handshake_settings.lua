--- The methods of an SSLContext that say what a handshake may agree on (section 17.3.3).

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local const = C.const

local TLS13_CIPHERS = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" }

---@class cleat.ssl.SSLContext
local settings = {}

local parse_ciphers = keywords.parser("set_ciphers", { "ciphers" }, { required = 1 })

--- set_ciphers(ciphers) sets the cipher suites for TLS 1.2 and earlier, a list in OpenSSL's format as BoringSSL reads
--- it. Those of TLS 1.3 are always there. Raises SSLError "No cipher can be selected."
function settings:set_ciphers(...)
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
function settings:get_ciphers()
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

-- wire returns a list of protocols as it stands in the extensions: each behind a byte with its length.
local function wire(method, argument, protocols)
    if type(protocols) ~= "table" then
        check.fail(method, argument, "an array of strings", protocols)
    end
    for key in pairs(protocols) do
        if type(key) ~= "number" then -- such as {protocols = {"h2"}}
            errors.raise(errors.TypeError, ("%s() argument '%s' must be an array of strings, not a table with the key '%s'"):format(
                method, argument, tostring(key)))
        end
    end
    local parts = {}
    for _, protocol in ipairs(protocols) do
        check.string(method, argument, protocol)
        if #protocol < 1 or #protocol > 255 then
            errors.raise(errors.SSLError, errors.SSL_ERROR_SSL, ("%s protocols must be 1 to 255 in length"):format(
                method:match("_(%w+)_"):upper()))
        end
        parts[#parts + 1] = string.char(#protocol) .. protocol
    end
    return table.concat(parts)
end

local parse_alpn = keywords.parser("set_alpn_protocols", { "alpn_protocols" },
    { required = 1, tables = { alpn_protocols = true } })

--- set_alpn_protocols(protocols) sets the application protocols to offer or to choose from, in order of preference:
--- {"h2", "http/1.1"}. Each has 1 to 255 bytes: SSLError. A server's order decides; without a common protocol the
--- handshake goes on.
function settings:set_alpn_protocols(...)
    errors.check(C.context_set_alpn_protocols(self._id, wire("set_alpn_protocols", "alpn_protocols", (parse_alpn(...)))))
end

local parse_npn = keywords.parser("set_npn_protocols", { "npn_protocols" },
    { required = 1, tables = { npn_protocols = true } })

--- set_npn_protocols(protocols) does the same for NPN, the forerunner of ALPN: up to TLS 1.2, and not between a client
--- and a server that both have ALPN. A client takes the first of the server's protocols that it has too, or else its
--- own first.
function settings:set_npn_protocols(...)
    errors.check(C.context_set_npn_protocols(self._id, wire("set_npn_protocols", "npn_protocols", (parse_npn(...)))))
end

local parse_curve = keywords.parser("set_ecdh_curve", { "curve_name" }, { required = 1 })

--- set_ecdh_curve(curve_name) allows one group only for the key exchange, of servers and of clients: "prime256v1",
--- "secp384r1", "secp521r1", "X25519". ValueError for an unknown name, SSLError for one that TLS does not have here.
function settings:set_ecdh_curve(...)
    errors.check(C.context_set_ecdh_curve(self._id, check.string("set_ecdh_curve", "curve_name", (parse_curve(...)))))
end

local parse_dh = keywords.parser("load_dh_params", { "dhfile" }, { required = 1 })

--- load_dh_params(dhfile) checks that a PEM file holds Diffie-Hellman parameters, and does nothing with them: BoringSSL
--- has no suite with finite-field Diffie-Hellman. Raises IOError for a file that cannot be read, SSLError for one
--- without parameters.
function settings:load_dh_params(...)
    errors.check(C.context_load_dh_params(self._id, check.optional_file("load_dh_params", "dhfile", (parse_dh(...)))))
end

return settings
