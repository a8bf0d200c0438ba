--- TLS for sockets: Python's ssl module (2.7.16, section 17.3) over BoringSSL.
---
---     local ssl = require "cleat.ssl"
---     local socket = require "cleat.socket"
---
---     local context = ssl.create_default_context()
---     local conn = context:wrap_socket(socket.socket(), {server_hostname = "example.org"})
---     conn:connect({"example.org", 443})
---     conn:sendall("HEAD / HTTP/1.0\r\nHost: example.org\r\n\r\n")
---     print(conn:recv(1024))
---
--- How Python's tuples, None, exceptions and keyword arguments look in Lua is on the page docs/python-to-lua.md.

local C = require "cleat.backend"
local SSLContext = require "cleat.ssl.context"
local check = require "cleat.check"
local compat = require "cleat.compat"
local constants = require "cleat.ssl.constants"
local defaults = require "cleat.ssl.defaults"
local errors = require "cleat.errors"
local keywords = require "cleat.keywords"
local match_hostname = require "cleat.ssl.match_hostname"
local pem = require "cleat.ssl.pem"
local purpose = require "cleat.ssl.purpose"
local random = require "cleat.ssl.random"
local socket = require "cleat.socket"
local strict = require "cleat.strict"
local time = require "cleat.ssl.time"
local wrap = require("cleat.ssl.wrap").wrap

local pcall = compat.pcall

local const = C.const

local ssl = {
    SSLContext = SSLContext,
    SSLSocket = require "cleat.ssl.socket",
    SSLObject = require("cleat.ssl.object").SSLObject,
    MemoryBIO = require "cleat.ssl.memory_bio",
    Purpose = purpose.Purpose,

    SSLError = errors.SSLError,
    SSLZeroReturnError = errors.SSLZeroReturnError,
    SSLWantReadError = errors.SSLWantReadError,
    SSLWantWriteError = errors.SSLWantWriteError,
    SSLSyscallError = errors.SSLSyscallError,
    SSLEOFError = errors.SSLEOFError,
    SSLCertVerificationError = errors.SSLCertVerificationError,
    CertificateError = errors.CertificateError,

    create_default_context = defaults.create_default_context,
    _create_unverified_context = defaults._create_unverified_context,
    get_default_verify_paths = defaults.get_default_verify_paths,
    match_hostname = match_hostname.match_hostname,
    cert_time_to_seconds = time.cert_time_to_seconds,
}

for _, part in ipairs { constants, pem, random } do
    for name, value in pairs(part) do
        ssl[name] = value
    end
end

-- PEP 493: PYTHONHTTPSVERIFY=0 speaks for whoever set it, and only for clients that ask for the default HTTPS context.
-- DANGEROUS: see _create_unverified_context.
ssl._https_verify_certificates = defaults.https_switch(ssl)
ssl._https_verify_certificates(os.getenv("PYTHONHTTPSVERIFY") ~= "0")

local parse_wrap = keywords.parser("wrap_socket", { "sock", "keyfile", "certfile", "server_side", "cert_reqs",
    "ssl_version", "ca_certs", "do_handshake_on_connect", "suppress_ragged_eofs", "ciphers" }, { required = 1 })

--- wrap_socket(sock, keyfile, certfile, server_side, cert_reqs, ssl_version, ca_certs, do_handshake_on_connect,
--- suppress_ragged_eofs, ciphers) makes a TLS socket with a context of its own (section 17.3.1.1). It sends no server
--- name and compares none, and verifies nothing unless cert_reqs says so, which is DANGEROUS on a client:
--- SSLContext.wrap_socket is better. Raises IOError, SSLError, ValueError …
---@return cleat.ssl.SSLSocket
function ssl.wrap_socket(...)
    local sock, keyfile, certfile, server_side, cert_reqs, ssl_version, ca_certs, do_handshake_on_connect,
        suppress_ragged_eofs, ciphers = parse_wrap(...)
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

local parse_fetch = keywords.parser("get_server_certificate", { "addr", "ssl_version", "ca_certs" }, { required = 1 })

--- get_server_certificate(addr, ssl_version, ca_certs) connects to {host, port} and returns the server's certificate as
--- PEM text. DANGEROUS to believe as it is: without ca_certs nobody has looked at it, and it may be anybody's. With
--- ca_certs, a PEM file, the certificate must be issued by one of its authorities (SSLError); its name is not compared.
--- The host is sent as the server name, unless it is an address.
---@return string
function ssl.get_server_certificate(...)
    local addr, ssl_version, ca_certs = parse_fetch(...)
    if type(addr) ~= "table" then
        check.fail("get_server_certificate", "addr", "{host, port}", addr)
    end
    ssl_version = check.optional_integer("get_server_certificate", "ssl_version", ssl_version, const.PROTOCOL_TLS)
    check.optional_file("get_server_certificate", "ca_certs", ca_certs)
    local context = defaults._create_unverified_context(ssl_version, {
        cert_reqs = ca_certs ~= nil and const.CERT_REQUIRED or const.CERT_NONE,
        cafile = ca_certs,
    })
    local plain = socket.create_connection(addr)
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
