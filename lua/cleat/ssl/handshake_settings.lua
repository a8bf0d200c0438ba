--- The methods of SSLContext that set what handshakes may negotiate (section 17.3.3).

local C = require "cleat.backend"
local algorithms = require "cleat.ssl.algorithms"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local const = C.const

local TLS13_CIPHERS = { 0x1301, 0x1302, 0x1303 }

--- A cipher suite, as SSLContext:get_ciphers returns it.
---@class cleat.ssl.CipherSuite
---@field id integer 0x3000000 plus IANA's number, as in OpenSSL
---@field name string OpenSSL's name
---@field protocol string the version of TLS that introduced it: "TLSv1.2", "TLSv1.3", "TLSv1.0", "SSLv3"
---@field description string the other fields in one line, as OpenSSL writes them
---@field strength_bits integer the security in bits
---@field alg_bits integer the size of the key in bits
---@field aead boolean whether it is an AEAD (authenticated encryption)
---@field symmetric string the cipher: "aes-128-gcm" …
---@field digest string? the digest of the MAC: "sha1", "sha256"; nil for an AEAD
---@field kea string the key exchange: "kx-ecdhe" …
---@field auth string the authentication: "auth-rsa" …

---@class cleat.ssl.SSLContext
local settings = {}

local parse_ciphers = keywords.parser("set_ciphers", { "ciphers" }, { required = 1 })

--- Sets the cipher suites for TLS 1.2 and earlier. The suites of TLS 1.3 are always enabled.
---
---     local context = ssl.create_default_context()
---     context:set_ciphers("ECDHE+AESGCM")
---     print(context:get_ciphers()[4].name) --> ECDHE-ECDSA-AES128-GCM-SHA256
---
--- Raises: SSLError if the list contains no suite that BoringSSL supports, or is malformed; TypeError if it is not a
--- string.
--- Python: 2.7.9, 3.2.
---@param ciphers string a list in the format of OpenSSL's ciphers(1), best first
function settings:set_ciphers(ciphers, ...)
    ciphers = check.string("set_ciphers", "ciphers", (parse_ciphers(ciphers, ...)))
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

--- Raises NotImplementedError: BoringSSL chooses the cipher suites of TLS 1.3 itself. It prefers AES if the processor
--- has instructions for it, otherwise ChaCha20.
---
---     local context = ssl.create_default_context()
---     local ok, err = pcall(context.set_ciphersuites, context, "TLS_AES_256_GCM_SHA384")
---     print(ok, require("cleat.errors").NotImplementedError:is(err)) --> false	true
---
--- Raises: NotImplementedError.
--- Python: 3.15.
---@param ciphersuites string
function settings:set_ciphersuites(ciphersuites) -- luacheck: ignore 212
    errors.raise(errors.NotImplementedError, "the cipher suites of TLS 1.3 cannot be set: BoringSSL chooses them")
end

-- suite describes the cipher suite with a number of IANA's.
local function suite(number)
    local function part(which)
        local _, found = errors.check(C.cipher_text(number, which))
        return found
    end
    local strength, bits = errors.check(C.cipher_bits(number))
    local digest = part(const.CIPHER_DIGEST)
    return {
        id = 0x3000000 + number, name = part(const.CIPHER_NAME), protocol = part(const.CIPHER_VERSION),
        description = part(const.CIPHER_DESCRIPTION), strength_bits = strength, alg_bits = bits, aead = digest == "",
        symmetric = part(const.CIPHER_SYMMETRIC), digest = digest ~= "" and digest or nil,
        kea = part(const.CIPHER_KEY_EXCHANGE), auth = part(const.CIPHER_AUTHENTICATION),
    }
end

--- Lists the enabled cipher suites in order of preference, those of TLS 1.3 first. The fields and their texts are the
--- same as in Python.
---
---     for _, suite in ipairs(ssl.create_default_context():get_ciphers()) do
---         io.write(suite.name, " ", suite.strength_bits, "\n")
---     end
---
--- Python: 3.6.
---@return cleat.ssl.CipherSuite[]
function settings:get_ciphers()
    local list = {}
    local may_use_13 = errors.check(C.context_maximum_version(self._id)) >= const.TLS1_3_VERSION and
        self.options % (const.OP_NO_TLSV1_3 * 2) < const.OP_NO_TLSV1_3
    for _, number in ipairs(may_use_13 and TLS13_CIPHERS or {}) do
        local found = suite(number)
        if algorithms.allows(self, found.name) then
            list[#list + 1] = found
        end
    end
    for index = 0, errors.check(C.context_cipher_count(self._id)) - 1 do
        list[#list + 1] = suite(errors.check(C.context_cipher_id(self._id, index)))
    end
    return list
end

-- wire encodes a list of protocols for the extensions: each is preceded by a byte with its length.
local function wire(method, argument, protocols)
    if type(protocols) ~= "table" then
        check.fail(method, argument, "an array of strings", protocols)
    end
    check.array(method, argument, protocols)
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

--- Sets the application protocols for ALPN, in order of preference: a client offers them, and a server selects the
--- first protocol in its list that the client offers. Without a common protocol the handshake continues, and
--- SSLSocket:selected_alpn_protocol returns nil.
---
---     local context = ssl.create_default_context()
---     context:set_alpn_protocols { "h2", "http/1.1" }
---
--- Raises: SSLError if a protocol is empty or longer than 255 bytes; TypeError if the argument is not an array of
--- strings.
--- Python: 2.7.10, 3.5.
---@param alpn_protocols string[]
function settings:set_alpn_protocols(alpn_protocols, ...)
    errors.check(C.context_set_alpn_protocols(self._id, wire("set_alpn_protocols", "alpn_protocols", (parse_alpn(alpn_protocols, ...)))))
end

local parse_npn = keywords.parser("set_npn_protocols", { "npn_protocols" },
    { required = 1, tables = { npn_protocols = true } })

--- Sets the application protocols for NPN, the predecessor of ALPN, in order of preference. NPN is used up to TLS 1.2,
--- and only if not both sides use ALPN. The client selects the first of the server's protocols that it supports too, or
--- else its own first protocol.
---
---     local context = ssl.create_default_context()
---     context:set_npn_protocols { "spdy/2", "http/1.1" }
---
--- Raises: SSLError if a protocol is empty or longer than 255 bytes; TypeError if the argument is not an array of
--- strings.
--- Python: 2.7.9, 3.3; deprecated in 3.10.
---@param npn_protocols string[]
function settings:set_npn_protocols(npn_protocols, ...)
    errors.check(C.context_set_npn_protocols(self._id, wire("set_npn_protocols", "npn_protocols", (parse_npn(npn_protocols, ...)))))
end

local parse_curve = keywords.parser("set_ecdh_curve", { "curve_name" }, { required = 1 })

--- Allows one group only for the key exchange, on servers and on clients. set_groups sets a list of groups.
---
---     local context = ssl.create_default_context()
---     context:set_ecdh_curve("X25519")
---
--- Raises: ValueError for unknown names; SSLError for a group that BoringSSL does not support in TLS; TypeError.
--- Python: 2.7.9, 3.3.
---@param curve_name string "prime256v1", "secp384r1", "secp521r1" or "X25519"
function settings:set_ecdh_curve(curve_name, ...)
    errors.check(C.context_set_ecdh_curve(self._id, check.string("set_ecdh_curve", "curve_name", (parse_curve(curve_name, ...)))))
end

local parse_dh = keywords.parser("load_dh_params", { "dhfile" }, { required = 1 })

--- Checks that a file contains Diffie-Hellman parameters, and ignores them: BoringSSL has no cipher suites with
--- finite-field Diffie-Hellman.
---
---     local context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
---     local ok, err = pcall(context.load_dh_params, context, "missing.pem")
---     print(err) --> [Errno 2] No such file or directory: 'missing.pem'
---
--- Raises: IOError if the file cannot be read; SSLError if it contains no parameters; TypeError.
--- Python: 2.7.9, 3.3.
---@param dhfile string path of a PEM file
function settings:load_dh_params(dhfile, ...)
    errors.check(C.context_load_dh_params(self._id, check.optional_file("load_dh_params", "dhfile", (parse_dh(dhfile, ...)))))
end

return settings
