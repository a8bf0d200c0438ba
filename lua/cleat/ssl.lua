--- TLS for sockets: Python's ssl module (2.7.16, section 17.3, with the additions of later versions) over BoringSSL.
---
---     local context = ssl.create_default_context { cafile = "ca.pem" }
---     local conn = context:wrap_socket(socket.socket(), { server_hostname = "localhost" })
---     conn:connect { "localhost", port }
---     conn:sendall("hello")
---     print(conn:recv(1024)) --> hello
---     conn:close()
---
--- A program makes a context with create_default_context, and from it TLS sockets with SSLContext:wrap_socket.
--- docs/python-to-lua.md describes how Python's tuples, None, exceptions and keyword arguments are represented in Lua.

local C = require "cleat.backend"
local SSLContext = require "cleat.ssl.context"
local algorithms = require "cleat.ssl.algorithms"
local check = require "cleat.check"
local compat = require "cleat.compat"
local constants = require "cleat.ssl.constants"
local defaults = require "cleat.ssl.defaults"
local ech_key = require "cleat.ssl.ech_key"
local errors = require "cleat.errors"
local generate = require "cleat.ssl.generate"
local keywords = require "cleat.keywords"
local match_hostname = require "cleat.ssl.match_hostname"
local pem = require "cleat.ssl.pem"
local purpose = require "cleat.ssl.purpose"
local random = require "cleat.ssl.random"
local socket = require "cleat.socket"
local signature = require "cleat.ssl.signature"
local staple = require "cleat.ssl.staple"
local timestamps = require "cleat.ssl.sct"
local strict = require "cleat.strict"
local time = require "cleat.ssl.time"
local wrap = require("cleat.ssl.wrap").wrap
require "cleat.ssl.certificate_verify" -- a method of Certificate

local pcall = compat.pcall

local const = C.const

local ssl = {
    --- _create_default_https_context: the function that makes the context of HTTPS clients that are given none:
    --- create_default_context, or _create_unverified_context after _https_verify_certificates(false).
    --- Python: 2.7.9, 3.4.3.
    SSLContext = SSLContext,
    SSLSession = require "cleat.ssl.session",
    SSLSocket = require "cleat.ssl.socket",
    SSLObject = require("cleat.ssl.object").SSLObject,
    MemoryBIO = require "cleat.ssl.memory_bio",
    Purpose = purpose.Purpose,
    Certificate = require "cleat.ssl.certificate_object",
    ECHKey = require("cleat.ssl.ech_key").ECHKey,

    SSLError = errors.SSLError,
    SSLZeroReturnError = errors.SSLZeroReturnError,
    SSLWantReadError = errors.SSLWantReadError,
    SSLWantWriteError = errors.SSLWantWriteError,
    SSLSyscallError = errors.SSLSyscallError,
    SSLEOFError = errors.SSLEOFError,
    SSLCertVerificationError = errors.SSLCertVerificationError,
    SSLECHRejectedError = errors.SSLECHRejectedError,
    CertificateError = errors.CertificateError,

    create_default_context = defaults.create_default_context,
    _create_unverified_context = defaults._create_unverified_context,
    get_default_verify_paths = defaults.get_default_verify_paths,
    match_hostname = match_hostname.match_hostname,
    cert_time_to_seconds = time.cert_time_to_seconds,
}

for _, part in ipairs {
    algorithms.functions, constants, ech_key.functions, generate.functions, pem, random, signature.functions,
    staple.functions, timestamps.functions,
} do
    for name, value in pairs(part) do
        ssl[name] = value
    end
end

-- PEP 493: PYTHONHTTPSVERIFY=0 disables verification for HTTPS clients without a context of their program. DANGEROUS:
-- see _create_unverified_context.
ssl._https_verify_certificates = defaults.https_switch(ssl)
ssl._https_verify_certificates(os.getenv("PYTHONHTTPSVERIFY") ~= "0")

local parse_wrap = keywords.parser("wrap_socket", { "sock", "keyfile", "certfile", "server_side", "cert_reqs",
    "ssl_version", "ca_certs", "do_handshake_on_connect", "suppress_ragged_eofs", "ciphers" }, { required = 1 })

--- Makes a TLS socket with a new context, as Python programs before 2.7.9 did. It sends no server name, and does not
--- compare the certificate with one. Without `cert_reqs` it verifies nothing, which is DANGEROUS on a client: any
--- attacker can pose as the server. Use SSLContext:wrap_socket instead.
---
---     local sock = socket.create_connection({ "localhost", port })
---     local conn = ssl.wrap_socket(sock, { cert_reqs = ssl.CERT_REQUIRED, ca_certs = "ca.pem" })
---     print(conn:version()) --> TLSv1.3
---     conn:close()
---
--- Raises: IOError if a file cannot be read; SSLError for malformed files and unknown `ciphers`, and if the handshake
--- fails; ValueError on a server without `certfile`, for `keyfile` without `certfile`, and for `PROTOCOL_SSLv2` and
--- `PROTOCOL_SSLv3`.
--- Python: 2.6; removed in 3.12.
---@param sock cleat.Socket|integer|userdata|table see SSLContext:wrap_socket
---@param keyfile string? path of a PEM file with this side's private key; `certfile` by default
---@param certfile string? path of a PEM file with this side's certificate and its chain
---@param server_side boolean? false by default
---@param cert_reqs integer? `CERT_*`; `CERT_NONE` by default
---@param ssl_version integer? `PROTOCOL_*`; `PROTOCOL_TLS` by default
---@param ca_certs string? path of a PEM file with CA certificates
---@param do_handshake_on_connect boolean? true by default
---@param suppress_ragged_eofs boolean? true by default
---@param ciphers string? see SSLContext:set_ciphers
---@return cleat.ssl.SSLSocket
function ssl.wrap_socket(sock, keyfile, certfile, server_side, cert_reqs, ssl_version, ca_certs,
    do_handshake_on_connect, suppress_ragged_eofs, ciphers, ...)
    sock, keyfile, certfile, server_side, cert_reqs, ssl_version, ca_certs, do_handshake_on_connect, suppress_ragged_eofs,
        ciphers = parse_wrap(sock, keyfile, certfile, server_side, cert_reqs, ssl_version, ca_certs,
        do_handshake_on_connect, suppress_ragged_eofs, ciphers, ...)
    server_side = check.optional_boolean("wrap_socket", "server_side", server_side, false)
    check.optional_path("wrap_socket", "keyfile", keyfile)
    check.optional_path("wrap_socket", "certfile", certfile)
    check.optional_path("wrap_socket", "ca_certs", ca_certs)
    check.optional_string("wrap_socket", "ciphers", ciphers)
    cert_reqs = check.optional_integer("wrap_socket", "cert_reqs", cert_reqs, const.CERT_NONE)
    ssl_version = check.optional_integer("wrap_socket", "ssl_version", ssl_version, const.PROTOCOL_TLS)
    if server_side and (certfile == nil or certfile == "") then
        errors.raise(errors.ValueError, "certfile must be specified for server-side operations")
    elseif keyfile ~= nil and certfile == nil then
        errors.raise(errors.ValueError, "certfile must be specified")
    end
    if keyfile == nil then
        keyfile = certfile
    end

    local context = SSLContext(ssl_version)
    context.verify_mode = cert_reqs
    if ca_certs ~= nil then
        context:load_verify_locations(ca_certs)
    end
    if certfile ~= nil then
        context:load_cert_chain(certfile, keyfile)
    end
    if ciphers ~= nil then
        context:set_ciphers(ciphers)
    end
    return wrap(context, sock, {
        server_side = server_side,
        do_handshake_on_connect = do_handshake_on_connect,
        suppress_ragged_eofs = suppress_ragged_eofs,
    }, { keyfile = keyfile, certfile = certfile, cert_reqs = cert_reqs, ssl_version = ssl_version,
        ca_certs = ca_certs, ciphers = ciphers })
end

local parse_fetch = keywords.parser("get_server_certificate", { "addr", "ssl_version", "ca_certs", "timeout" }, { required = 1 })

--- Connects to a server, and returns its certificate as PEM text. The host is sent as the server name, unless it is an
--- IP address, but never compared with the certificate. Without `ca_certs` the certificate is not verified at all, and
--- it is DANGEROUS to trust it: an attacker may have sent it.
---
---     local text = ssl.get_server_certificate({ "localhost", port }, { ca_certs = "ca.pem" })
---     print(text:match("^[^\n]*")) --> -----BEGIN CERTIFICATE-----
---
--- Raises: SSLCertVerificationError if the certificate cannot be verified against `ca_certs`; SSLError if the handshake
--- fails; socket.error and socket.gaierror if the connection fails; socket.timeout; TypeError if `addr` is not an
--- address.
--- Python: 2.6; `timeout` 3.10.
---@param addr [string, integer|string] {host, port}; the port may also be a string of digits or the name of a service
---@param ssl_version integer? `PROTOCOL_*`; `PROTOCOL_TLS` by default
---@param ca_certs string? path of a PEM file with CA certificates
---@param timeout number? in seconds, for the connection and for each call of the handshake; nil for the default timeout
---@return string # PEM text of the certificate
function ssl.get_server_certificate(addr, ssl_version, ca_certs, timeout, ...)
    addr, ssl_version, ca_certs, timeout = parse_fetch(addr, ssl_version, ca_certs, timeout, ...)
    if type(addr) ~= "table" then
        check.fail("get_server_certificate", "addr", "{host, port}", addr)
    end
    ssl_version = check.optional_integer("get_server_certificate", "ssl_version", ssl_version, const.PROTOCOL_TLS)
    check.optional_file("get_server_certificate", "ca_certs", ca_certs)
    local context = defaults._create_unverified_context(ssl_version, {
        cert_reqs = ca_certs ~= nil and const.CERT_REQUIRED or const.CERT_NONE,
        cafile = ca_certs,
    })
    local plain = socket.create_connection(addr, timeout)
    local name = addr[1]
    if name == "" or name:find(":", 1, true) then -- this machine, or an IPv6 address
        name = nil
    end
    local ok, conn = pcall(context.wrap_socket, context, plain, { server_hostname = name })
    if not ok then
        plain:close()
        error(conn, 0)
    end
    local der = conn:getpeercert(true)
    conn:close()
    return pem.DER_cert_to_PEM_cert(der)
end

return strict(ssl, "module 'ssl'")
