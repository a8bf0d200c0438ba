--- LuaSec's contexts, and its module `ssl.context`.
---
--- The state of a context is a table with
---   cleat     the SSLContext
---   mode      "client", "server", or false before setmode
---   flags     the set of flags of setverify and setverifyext
---   key, certificate, password   the arguments for a pair that is not complete yet

local C = require "cleat.backend"
local config = require "cleat.luasec.config"
local errors = require "cleat.errors"
local message = require "cleat.luasec.message"
local passwords = require "cleat.ssl.password"
local proxy = require "cleat.luasec.proxy"
local ssl = require "cleat.ssl"
local trust = require "cleat.luasec.trust"

local const = C.const

local methods = {}
local new, states, check
new, states, check = proxy.define("SSL:Context", { __index = methods, __tostring = function(object)
    return "SSL context: " .. proxy.address(states[object])
end })

local context = { states = states }
local functions = {}
context.functions = functions

--- Returns the state of a context, nil for other values.
function context.state(object)
    return states[object]
end

local function text(name, position, value)
    if type(value) == "number" then
        return tostring(value)
    elseif type(value) ~= "string" then
        error(("bad argument #%d to '%s' (string expected, got %s)"):format(position, name, value == nil and "no value"
            or type(value)), 3)
    end
    return value
end

local SERVER_PREFERENCE = config.acting.cipher_server_preference
local VERSIONS = { tlsv1 = "TLSv1", tlsv1_1 = "TLSv1_1", tlsv1_2 = "TLSv1_2", tlsv1_3 = "TLSv1_3" }

--- create(protocol). "any" means TLS 1.2 and 1.3, as with the default security level of OpenSSL 3.
function functions.create(protocol)
    protocol = text("create", 1, protocol)
    local version = VERSIONS[protocol]
    if not version and protocol ~= "any" and protocol ~= "sslv23" then
        return nil, ("invalid protocol (%s)"):format(protocol)
    end
    local made = ssl.SSLContext(ssl.PROTOCOL_TLS)
    made.check_hostname = false
    if made.options % (2 * SERVER_PREFERENCE) >= SERVER_PREFERENCE then
        made.options = made.options - SERVER_PREFERENCE -- as in OpenSSL without the option cipher_server_preference
    end
    made.minimum_version = ssl.TLSVersion[version or "TLSv1_2"]
    if version then
        made.maximum_version = ssl.TLSVersion[version]
    end
    return new { cleat = made, mode = false, flags = {}, key = false, certificate = false, password = nil }
end

--- setmode(context, "client" | "server").
function functions.setmode(object, mode)
    local self = check(object, "setmode")
    mode = text("setmode", 2, mode)
    if mode ~= "client" and mode ~= "server" then
        return false, ("invalid mode (%s)"):format(mode)
    end
    self.mode = mode
    trust.apply(self)
    return true
end

-- attempt calls a method of the SSLContext. what: the beginning of the error message.
local function attempt(what, f, ...)
    local ok, err = pcall(f, ...)
    if ok then
        return true
    end
    return false, ("%s (%s)"):format(what, message.cause(err))
end

local function load_pair(self)
    local ok, err = pcall(self.cleat.load_cert_chain, self.cleat, self.certificate, self.key, self.password)
    if ok then
        self.key, self.certificate, self.password = false, false, nil
    end
    return ok, err
end

-- read_key reads a private key, by requesting a signature with an algorithm that most keys do not support, and returns
-- its password.
local function read_key(file, password)
    local given = password
    local asked = type(password) == "function" and function()
        given = password()
        return given
    end or password
    local result = passwords.call(asked, function(known)
        return C.sign(file, known, const.SIGNATURE_ED25519, "")
    end)
    if result < 0 and C.error_reason and select(2, C.error_reason()) ~= "WRONG_SIGNATURE_TYPE" then
        errors.check(result)
    end
    return type(given) == "string" and given or nil
end

--- loadkey(context, file, password). The key is used after its certificate was loaded.
function functions.loadkey(object, file, password)
    local self = check(object, "loadkey")
    file = text("loadkey", 2, file)
    local kind = type(password)
    if password ~= nil and kind ~= "string" and kind ~= "function" then
        error("invalid callback value", 2)
    end
    local ok, found = pcall(read_key, file, password)
    if not ok then
        return false, ("error loading private key (%s)"):format(message.cause(found))
    end
    self.key, self.password = file, found
    if self.certificate then
        local loaded, err = load_pair(self)
        if not loaded then
            return false, ("error loading private key (%s)"):format(message.cause(err))
        end
    end
    return true
end

local MISMATCH = { KEY_VALUES_MISMATCH = true, KEY_TYPE_MISMATCH = true }

--- loadcert(context, file).
function functions.loadcert(object, file)
    local self = check(object, "loadcert")
    self.certificate = text("loadcert", 2, file)
    self.mismatch = false
    if not self.key then
        local ok, err = trust.readable(self.certificate)
        if not ok then
            return false, ("error loading certificate (%s)"):format(err)
        end
        return true
    end
    local ok, err = load_pair(self)
    if not ok then
        self.mismatch = MISMATCH[err.reason] or false
        if not self.mismatch then -- otherwise checkkey reports it
            return false, ("error loading certificate (%s)"):format(message.cause(err))
        end
    end
    return true
end

--- checkkey(context).
function functions.checkkey(object)
    return not check(object, "checkkey").mismatch
end

--- locations(context, cafile, capath).
function functions.locations(object, cafile, capath)
    local self = check(object, "locations")
    local ok, err = attempt("error loading CA locations", self.cleat.load_verify_locations, self.cleat, cafile, capath)
    if ok then
        self.trusts = true
        trust.apply(self)
    end
    return ok, err
end

--- setcipher(context, list). OpenSSL's @SECLEVEL in the list is ignored.
function functions.setcipher(object, list)
    local self = check(object, "setcipher")
    list = text("setcipher", 2, list):gsub("[:, ]?@SECLEVEL=%d", ""):gsub("^[:, ]+", "")
    return attempt("error setting cipher list", self.cleat.set_ciphers, self.cleat, list == "" and "DEFAULT" or list)
end

local SUITES = { TLS_AES_128_GCM_SHA256 = true, TLS_AES_256_GCM_SHA384 = true, TLS_CHACHA20_POLY1305_SHA256 = true,
    TLS_AES_128_CCM_SHA256 = true, TLS_AES_128_CCM_8_SHA256 = true }

--- setciphersuites(context, list). The names are checked, and otherwise ignored: BoringSSL chooses the suites of TLS
--- 1.3 itself.
function functions.setciphersuites(object, list)
    check(object, "setciphersuites")
    for name in text("setciphersuites", 2, list):gmatch "[^:]+" do
        if not SUITES[name] then
            return false, "error setting cipher list (no cipher match)"
        end
    end
    return true
end

--- setdepth(context, depth).
function functions.setdepth(object, depth)
    local self = check(object, "setdepth")
    return attempt("error setting depth", function()
        self.cleat.verify_depth = depth
    end)
end

--- setdhparam(context, callback). It is ignored: BoringSSL has no finite-field Diffie-Hellman.
function functions.setdhparam(object)
    check(object, "setdhparam")
end

local VERIFY = { none = true, peer = true, client_once = true, fail_if_no_peer_cert = true }
local EXTRA = { lsec_continue = true, lsec_ignore_purpose = true, crl_check = true, crl_check_chain = true }

local function flags(name, known, self, ...)
    for index = 1, select("#", ...) do
        local flag = text(name, index + 1, (select(index, ...)))
        if not known[flag] then
            return false, ("invalid verify option (%s)"):format(flag)
        end
        self.flags[flag] = true
    end
    trust.apply(self)
    return true
end

--- setverify(context, flag …).
function functions.setverify(object, ...)
    local self = check(object, "setverify")
    for flag in pairs(VERIFY) do
        self.flags[flag] = nil
    end
    return flags("setverify", VERIFY, self, ...)
end

--- context:setverifyext(flag …).
function methods.setverifyext(object, ...)
    local self = check(object, "setverifyext")
    for flag in pairs(EXTRA) do
        self.flags[flag] = nil
    end
    return flags("setverifyext", EXTRA, self, ...)
end

--- setoptions(context, option …).
function functions.setoptions(object, ...)
    local self = check(object, "setoptions")
    local sum = self.cleat.options
    for index = 1, select("#", ...) do
        local name = text("setoptions", index + 1, (select(index, ...)))
        local bit = config.acting[name]
        if config.refused[name] then
            return false, ("option %s: %s"):format(name, config.refused[name])
        elseif bit then
            sum = sum % (bit * 2) < bit and sum + bit or sum
        elseif not config.idle[name] then
            return false, ("invalid option (%s)"):format(name)
        end
    end
    self.cleat.options = sum
    return true
end

--- setcurve(context, name).
function functions.setcurve(object, name)
    local self = check(object, "setcurve")
    name = text("setcurve", 2, name)
    if not config.public.curves[name] then
        return false, ("elliptic curve '%s' not supported"):format(name)
    end
    return attempt("error setting elliptic curve", self.cleat.set_groups, self.cleat, config.curves[name])
end

--- setcurveslist(context, list).
function functions.setcurveslist(object, list)
    local self = check(object, "setcurveslist")
    list = text("setcurveslist", 2, list)
    local groups = {}
    for name in list:gmatch "[^:]+" do
        groups[#groups + 1] = config.curves[name] or name
    end
    if not pcall(self.cleat.set_groups, self.cleat, table.concat(groups, ":")) then
        return false, ("unknown elliptic curve in \"%s\""):format(list)
    end
    return true
end

context.check, context.text, context.attempt = check, text, attempt
return context
