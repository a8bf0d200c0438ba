--- Contexts with good defaults (section 17.3.1.2), and where the system keeps its certification authorities (17.3.1.4).

local C = require "cleat.backend"
local SSLContext = require "cleat.ssl.context"
local check = require "cleat.check"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local purposes = require "cleat.ssl.purpose"
local roles = require "cleat.ssl.roles"

local const = C.const

local defaults = {}

local parse = keywords.parser("create_default_context", { "purpose", "cafile", "capath", "cadata" })

--- create_default_context(purpose, cafile, capath, cadata) makes a context with settings for today: TLS 1.2 and later,
--- strong suites. For Purpose.SERVER_AUTH (the default) it verifies the server and its name, against the authorities
--- given as for load_verify_locations, or else the system's. For Purpose.CLIENT_AUTH it asks clients for nothing. Later
--- versions may be stricter.
---@return cleat.ssl.SSLContext
function defaults.create_default_context(...)
    local purpose, cafile, capath, cadata = parse(...)
    purpose = purposes.check(purpose, type(purpose) == "string" and
        ": CA certificates are given by name, create_default_context{cafile = …}" or nil)
    local context = SSLContext(const.PROTOCOL_TLS)
    roles.harden(context._id)
    if purpose == purposes.Purpose.SERVER_AUTH then
        context.verify_mode = const.CERT_REQUIRED
        context.check_hostname = true
    end
    if cafile ~= nil or capath ~= nil or cadata ~= nil then
        context:load_verify_locations(cafile, capath, cadata)
    elseif context.verify_mode ~= const.CERT_NONE then
        context:load_default_certs(purpose)
    end
    return context
end

local parse_unverified = keywords.parser("_create_unverified_context", { "protocol", "cert_reqs", "check_hostname",
    "purpose", "certfile", "keyfile", "cafile", "capath", "cadata" })

--- _create_unverified_context(protocol, cert_reqs, check_hostname, purpose, certfile, keyfile, cafile, capath, cadata)
--- makes a context that verifies nothing unless it is told to: cert_reqs defaults to CERT_NONE, check_hostname to
--- false. DANGEROUS: anybody can pose as the server, read all and change it.
---@return cleat.ssl.SSLContext
function defaults._create_unverified_context(...)
    local protocol, cert_reqs, check_hostname, purpose, certfile, keyfile, cafile, capath, cadata =
        parse_unverified(...)
    purpose = purposes.check(purpose)
    check_hostname = check.optional_boolean("_create_unverified_context", "check_hostname", check_hostname, false)
    protocol = check.optional_integer("_create_unverified_context", "protocol", protocol, const.PROTOCOL_TLS)
    local context = SSLContext(protocol)
    context.check_hostname = false -- the protocol may be PROTOCOL_TLS_CLIENT
    context.verify_mode = check.optional_integer("_create_unverified_context", "cert_reqs", cert_reqs, const.CERT_NONE)
    context.check_hostname = check_hostname
    if certfile ~= nil then
        context:load_cert_chain(certfile, keyfile)
    elseif keyfile ~= nil then
        errors.raise(errors.ValueError, "certfile must be specified")
    end
    if cafile ~= nil or capath ~= nil or cadata ~= nil then
        context:load_verify_locations(cafile, capath, cadata)
    elseif context.verify_mode ~= const.CERT_NONE then
        context:load_default_certs(purpose)
    end
    return context
end

local parse_https = keywords.parser("_https_verify_certificates", { "enable" })

--- _https_verify_certificates(enable) decides what _create_default_https_context is: create_default_context (as at the
--- start), or with false the unverified one, which is DANGEROUS, for all of the process. It is for HTTPS clients that
--- are given no context; an explicit context is better (PEP 493). ssl: the module's table, whose field is set.
---@param ssl table
---@return fun(...)
function defaults.https_switch(ssl)
    return function(...)
        if check.optional_boolean("_https_verify_certificates", "enable", (parse_https(...)), true) then
            ssl._create_default_https_context = defaults.create_default_context
        else
            ssl._create_default_https_context = defaults._create_unverified_context
        end
    end
end

local PATHS = { "cafile", "capath", "openssl_cafile_env", "openssl_cafile", "openssl_capath_env", "openssl_capath" }
local WHICH = { const.DEFAULT_CAFILE, const.DEFAULT_CAPATH, const.DEFAULT_OPENSSL_CAFILE_ENV,
    const.DEFAULT_OPENSSL_CAFILE, const.DEFAULT_OPENSSL_CAPATH_ENV, const.DEFAULT_OPENSSL_CAPATH }

---@class cleat.ssl.DefaultVerifyPaths
---@field cafile string?
---@field capath string?
---@field openssl_cafile_env string
---@field openssl_cafile string
---@field openssl_capath_env string
---@field openssl_capath string

--- Where set_default_verify_paths looks: cafile and capath, nil if they do not exist; the environment variables that
--- override them, and the places that are built in. The fields are also at 1 to 6, in this order.
---@return cleat.ssl.DefaultVerifyPaths
function defaults.get_default_verify_paths()
    local paths = {}
    for index, name in ipairs(PATHS) do
        local _, path = errors.check(C.default_verify_path(WHICH[index]))
        if path ~= "" then
            paths[index] = path
            paths[name] = path
        end
    end
    return paths
end

return defaults
