--- Groups, signature algorithms, GREASE and compliance policies: methods and fields of contexts, and the methods of
--- connections that return what was negotiated.

local C = require "cleat.backend"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"

local const = C.const

---@class cleat.ssl.SSLContext
local settings = {}

---@class cleat.ssl.Connection
local methods = {}

local functions = {}

local algorithms = { settings = settings, methods = methods, functions = functions, getters = {}, setters = {} }

-- split splits a list at its colons.
local function split(text)
    local names = {}
    for name in (text or ""):gmatch("[^:]+") do
        names[#names + 1] = name
    end
    return names
end

local parse_groups = keywords.parser("set_groups", { "groups" }, { required = 1 })

--- Sets the groups for the key exchange, best first: a list in OpenSSL's format, with names that get_groups lists,
--- their aliases, and "DEFAULT". A name with a "?" before it is ignored if this BoringSSL does not support it. The call
--- replaces the group of set_ecdh_curve. A server uses the first group in its list that the client supports.
---
---     local context = ssl.create_default_context()
---     context:set_groups("?X25519MLKEM768:x25519:secp256r1")
---     print(pcall(context.set_groups, context, "x448") == false) --> true
---
--- With TLS 1.2 the key of a server's ECDSA certificate must be on one of the groups, too. A client that allows TLS 1.2
--- and has no NIST curve in its list offers these curves for certificates only, and refuses a server that uses one for
--- the key exchange.
---
--- Raises: SSLError if a name is unknown (the message contains it), if no name remains, and if the context's
--- compliance_policy allows none of them; TypeError if the argument is not a string.
--- Python: 3.15.
---@param groups string
function settings:set_groups(groups, ...)
    errors.check(C.context_set_groups(self._id, check.string("set_groups", "groups", (parse_groups(groups, ...)))))
end

local parse_get = keywords.parser("get_groups", { "include_aliases" })

--- Lists the groups that set_groups accepts, best first: those that BoringSSL supports in the context's versions and
--- compliance_policy.
---
---     local context = ssl.create_default_context()
---     context.maximum_version = ssl.TLSVersion.TLSv1_2
---     print(table.concat(context:get_groups(), " ")) --> x25519 secp256r1 secp384r1 secp521r1
---
--- Raises: TypeError if `include_aliases` is not a boolean.
--- Python: 3.15.
---@param include_aliases boolean? whether the aliases of each group follow its name; false by default
---@return string[] # IANA's names
function settings:get_groups(include_aliases, ...)
    include_aliases = check.optional_boolean("get_groups", "include_aliases", (parse_get(include_aliases, ...)), false)
    local _, names = errors.check(C.context_groups(self._id, include_aliases and 1 or 0))
    return split(names)
end

local parse_server = keywords.parser("set_server_sigalgs", { "sigalgs" }, { required = 1 })

--- Sets the algorithms for signatures of servers, with TLS 1.2 and later, best first. A client's context accepts these
--- only. A server's context signs with these only, and presents only certificates whose key supports one of them. The
--- list is in OpenSSL's format: names that get_sigalgs lists, or keys and hashes ("ECDSA+SHA256"). A name with a "?"
--- before it is ignored if it is unknown.
---
---     local context = ssl.create_default_context()
---     context:set_server_sigalgs("ed25519:ecdsa_secp256r1_sha256:RSA-PSS+SHA256")
---
--- Raises: SSLError if a name is unknown (the message contains it), if no name remains, and if the context's
--- compliance_policy allows none of them; TypeError if the argument is not a string.
--- Python: 3.15.
---@param sigalgs string
function settings:set_server_sigalgs(sigalgs, ...)
    sigalgs = check.string("set_server_sigalgs", "sigalgs", (parse_server(sigalgs, ...)))
    errors.check(C.context_set_server_sigalgs(self._id, sigalgs))
end

local parse_client = keywords.parser("set_client_sigalgs", { "sigalgs" }, { required = 1 })

--- Sets the algorithms for signatures of clients that authenticate with a certificate, as set_server_sigalgs does for
--- those of servers: a server's context accepts these only, and a client's context signs with these only.
---
---     local context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
---     context:set_client_sigalgs("ecdsa_secp384r1_sha384")
---
--- Raises: the same errors as set_server_sigalgs.
--- Python: 3.15.
---@param sigalgs string
function settings:set_client_sigalgs(sigalgs, ...)
    sigalgs = check.string("set_client_sigalgs", "sigalgs", (parse_client(sigalgs, ...)))
    errors.check(C.context_set_client_sigalgs(self._id, sigalgs))
end

--- Lists the signature algorithms that BoringSSL supports, for SSLContext:set_server_sigalgs and set_client_sigalgs.
--- Not all of them are enabled by default.
---
---     local supported = {}
---     for _, name in ipairs(ssl.get_sigalgs()) do
---         supported[name] = true
---     end
---     print(supported.ed25519, supported.ed448) --> true	nil
---
--- Python: 3.15.
---@return string[] # IANA's names
function functions.get_sigalgs()
    local _, names = errors.check(C.signature_algorithms())
    return split(names)
end

function algorithms.getters:grease()
    return errors.check(C.context_grease(self._id)) == 1
end

function algorithms.setters:grease(value)
    if type(value) ~= "boolean" then
        errors.raise(errors.TypeError, "grease must be a boolean, not " .. check.kind(value))
    end
    errors.check(C.context_set_grease(self._id, value and 1 or 0))
end

local NAMES = {}
for name, value in pairs(const) do
    if name:find("^POLICY_") then
        NAMES[value] = name
    end
end

function algorithms.getters:compliance_policy()
    return errors.check(C.context_policy(self._id))
end

function algorithms.setters:compliance_policy(value)
    if type(value) ~= "number" then
        errors.raise(errors.TypeError, "compliance_policy must be a POLICY_*, not " .. check.kind(value))
    elseif not NAMES[value] then
        errors.raise(errors.ValueError, "compliance_policy must be a POLICY_*")
    elseif C.has_policy(value) ~= 1 then
        errors.raise(errors.NotImplementedError,
            ("BoringSSL is too old for %s: HAS_POLICY_CNSA is false"):format(NAMES[value]))
    end
    errors.check(C.context_set_policy(self._id, value))
end

local AES_256 = { TLS_AES_256_GCM_SHA384 = true }
local SUITES = {
    [const.POLICY_FIPS_202205] = { TLS_AES_128_GCM_SHA256 = true, TLS_AES_256_GCM_SHA384 = true },
    [const.POLICY_WPA3_192_202304] = AES_256,
    [const.POLICY_CNSA1_202603] = AES_256,
    [const.POLICY_CNSA2_202603] = AES_256,
}

--- Returns whether the compliance policy of a context allows a cipher suite of TLS 1.3.
---@param context cleat.ssl.SSLContext
---@param name string
---@return boolean
function algorithms.allows(context, name)
    local suites = SUITES[context.compliance_policy]
    return suites == nil or suites[name] == true
end

-- name_of returns the name of an algorithm that the handshake has used; nil before it is done, and after close() and
-- unwrap().
local function name_of(self, f)
    if self._tls == 0 then
        return nil
    end
    local length, name = f(self._tls)
    return length > 0 and name or nil
end

--- Returns the group that the key exchange has used.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     context:set_groups "x25519"
---     local sock = socket.create_connection({ "localhost", port })
---     print(context:wrap_socket(sock, { server_hostname = "localhost" }):group()) --> x25519
---
--- Python: 3.15.
---@return string? # IANA's name: "X25519MLKEM768", "x25519" …; nil before the handshake is done, and with an RSA key
--- exchange. A resumed session of TLS 1.2 returns the group of its first handshake
function methods:group()
    return name_of(self, C.connection_group)
end

--- Returns the algorithm of the server's signature in the handshake.
---
---     print(conn:server_sigalg()) --> ecdsa_secp256r1_sha256
---
--- Python: 3.15.
---@return string? # IANA's name; nil before the handshake is done, and if the server has signed nothing: in a resumed
--- session, with a pre-shared key, and with an RSA key exchange
function methods:server_sigalg()
    return name_of(self, C.connection_server_sigalg)
end

--- Returns the algorithm of the client's signature in the handshake.
---
---     print(conn:client_sigalg()) --> nil
---
--- Python: 3.15.
---@return string? # IANA's name; nil before the handshake is done, and if the client has sent no certificate
function methods:client_sigalg()
    return name_of(self, C.connection_client_sigalg)
end

return algorithms
