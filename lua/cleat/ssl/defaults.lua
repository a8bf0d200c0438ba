--- Contexts with secure settings (section 17.3.1.2), and where the system's CA certificates are (17.3.1.4).

local C = require "cleat.backend"
local SSLContext = require "cleat.ssl.context"
local check = require "cleat.check"
local errors = require "cleat.errors"
local key_log = require "cleat.ssl.key_log"
local keywords = require "cleat.keywords"
local purposes = require "cleat.ssl.purpose"
local roles = require "cleat.ssl.roles"

local const = C.const

local defaults = {}

-- As in Python 3.13: chains must conform to RFC 5280, and may end at any trusted certificate.
local VERIFY_FLAGS = const.VERIFY_X509_TRUSTED_FIRST + const.VERIFY_X509_PARTIAL_CHAIN + const.VERIFY_X509_STRICT

-- How many sessions a client caches by default: a few for each of several servers.
local SESSIONS = 64

local parse = keywords.parser("create_default_context", { "purpose", "cafile", "capath", "cadata" })

--- Makes a context with secure settings: TLS 1.2 and later, and strong cipher suites. For `Purpose.SERVER_AUTH` it
--- verifies the server's chain and host name, against the given CA certificates or else the system's; it resumes
--- sessions (`session_cache_size`), and has `ech_grease`. For `Purpose.CLIENT_AUTH` it requests no client certificates.
--- Later versions of cleat may choose stricter settings. The environment variable SSLKEYLOGFILE sets the
--- `keylog_filename`, which is DANGEROUS, except in a setuid program.
---
---     local context = ssl.create_default_context()
---     print(context.verify_mode == ssl.CERT_REQUIRED, context.check_hostname) --> true	true
---
---     -- a server
---     local server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
---     server:load_cert_chain("cert.pem", "key.pem")
---
--- Raises: the errors of SSLContext:load_verify_locations; IOError if the file of SSLKEYLOGFILE cannot be opened;
--- TypeError if `purpose` is not a Purpose.
--- Python: 2.7.9, 3.4.
---@param purpose cleat.ssl.Purpose? `Purpose.SERVER_AUTH`, the default, for clients; `Purpose.CLIENT_AUTH` for servers
---@param cafile string? see SSLContext:load_verify_locations, also for the next two
---@param capath string?
---@param cadata string?
---@return cleat.ssl.SSLContext
function defaults.create_default_context(purpose, cafile, capath, cadata, ...)
    purpose, cafile, capath, cadata = parse(purpose, cafile, capath, cadata, ...)
    purpose = purposes.check(purpose, type(purpose) == "string" and
        ": pass the CA certificates as create_default_context{cafile = …}" or nil)
    local context = SSLContext(const.PROTOCOL_TLS)
    roles.harden(context._id)
    context._lowest = false
    context.verify_flags = VERIFY_FLAGS
    if purpose == purposes.Purpose.SERVER_AUTH then
        context.verify_mode = const.CERT_REQUIRED
        context.check_hostname = true
        context.session_cache_size = SESSIONS
        context.ech_grease = true
    end
    if cafile ~= nil or capath ~= nil or cadata ~= nil then
        context:load_verify_locations(cafile, capath, cadata)
    elseif context.verify_mode ~= const.CERT_NONE then
        context:load_default_certs(purpose)
    end
    key_log.from_environment(context)
    return context
end

local parse_unverified = keywords.parser("_create_unverified_context", { "protocol", "cert_reqs", "check_hostname",
    "purpose", "certfile", "keyfile", "cafile", "capath", "cadata" })

--- Makes a context that verifies nothing by default. DANGEROUS: an attacker between the two ends can pose as the
--- server, and read and modify all data.
---
---     local context = ssl._create_unverified_context()
---     print(context.verify_mode == ssl.CERT_NONE) --> true
---
--- Raises: ValueError if `keyfile` is given without `certfile`; the errors of SSLContext:load_cert_chain and
--- SSLContext:load_verify_locations.
--- Python: 2.7.9, 3.4.3.
---@param protocol integer? `PROTOCOL_*`; `PROTOCOL_TLS` by default
---@param cert_reqs integer? `CERT_*`; `CERT_NONE` by default
---@param check_hostname boolean? false by default
---@param purpose cleat.ssl.Purpose? `Purpose.SERVER_AUTH` by default
---@param certfile string? see SSLContext:load_cert_chain, also for the next one
---@param keyfile string?
---@param cafile string? see SSLContext:load_verify_locations, also for the next two
---@param capath string?
---@param cadata string?
---@return cleat.ssl.SSLContext
function defaults._create_unverified_context(protocol, cert_reqs, check_hostname, purpose, certfile, keyfile, cafile,
    capath, cadata, ...)
    protocol, cert_reqs, check_hostname, purpose, certfile, keyfile, cafile, capath, cadata =
        parse_unverified(protocol, cert_reqs, check_hostname, purpose, certfile, keyfile, cafile, capath, cadata, ...)
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
    key_log.from_environment(context)
    return context
end

local parse_https = keywords.parser("_https_verify_certificates", { "enable" })

--- https_switch returns the function ssl._https_verify_certificates.
---@param ssl table the module, whose field _create_default_https_context it sets
---@return fun(enable: boolean?)
function defaults.https_switch(ssl)
    --- Sets, for the whole process, whether HTTPS clients without a context of their program verify servers (PEP 493).
    --- It sets ssl._create_default_https_context to create_default_context, which is the initial value, or for false to
    --- _create_unverified_context, which is DANGEROUS: give the client a context instead. The environment variable
    --- PYTHONHTTPSVERIFY=0 has the effect of false.
    ---
    ---     ssl._https_verify_certificates(true)
    ---     print(ssl._create_default_https_context == ssl.create_default_context) --> true
    ---
    --- Raises: TypeError if the argument is not a boolean.
    --- Python: 2.7.12.
    ---@param enable boolean? true by default
    return function(enable, ...)
        if check.optional_boolean("_https_verify_certificates", "enable", (parse_https(enable, ...)), true) then
            ssl._create_default_https_context = defaults.create_default_context
        else
            ssl._create_default_https_context = defaults._create_unverified_context
        end
    end
end

local PATHS = { "cafile", "capath", "openssl_cafile_env", "openssl_cafile", "openssl_capath_env", "openssl_capath" }
local WHICH = { const.DEFAULT_CAFILE, const.DEFAULT_CAPATH, const.DEFAULT_OPENSSL_CAFILE_ENV,
    const.DEFAULT_OPENSSL_CAFILE, const.DEFAULT_OPENSSL_CAPATH_ENV, const.DEFAULT_OPENSSL_CAPATH }

--- Where the system's CA certificates are.
---@class cleat.ssl.DefaultVerifyPaths
---@field cafile string? the file that is used; nil if it does not exist
---@field capath string? the directory that is used; nil if it does not exist
---@field openssl_cafile_env string the environment variable that replaces the file: "SSL_CERT_FILE"
---@field openssl_cafile string the built-in file
---@field openssl_capath_env string the environment variable that replaces the directory: "SSL_CERT_DIR"
---@field openssl_capath string the built-in directory

--- Returns the file and the directory from which SSLContext:set_default_verify_paths loads the system's CA
--- certificates. The fields are also at the indices 1 to 6, in the order of the class DefaultVerifyPaths.
---
---     local paths = ssl.get_default_verify_paths()
---     print(paths.openssl_cafile_env, paths.openssl_capath_env) --> SSL_CERT_FILE	SSL_CERT_DIR
---
--- Python: 2.7.9, 3.4.
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
