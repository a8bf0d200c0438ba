--- The constants of the ssl module (section 17.3.1.5), with Python's names and OpenSSL's numbers.

local C = require "cleat.backend"
local enumerations = require "cleat.ssl.enumerations"
local errors = require "cleat.errors"
local messages = require "cleat.ssl.messages"
local roles = require "cleat.ssl.roles"

local const = C.const

local constants = {
    --- CERT_*: values of SSLContext.verify_mode: CERT_NONE (nothing is verified), CERT_OPTIONAL (a client's certificate
    --- is verified if it sends one; the same as CERT_REQUIRED on a client) and CERT_REQUIRED (the peer must send a
    --- certificate, which is verified).
    --- Python: 2.6.
    CERT_NONE = const.CERT_NONE,
    CERT_OPTIONAL = const.CERT_OPTIONAL,
    CERT_REQUIRED = const.CERT_REQUIRED,

    --- VERIFY_*: flags of SSLContext.verify_flags. CRL_CHECK_LEAF and CRL_CHECK_CHAIN require revocation lists for the
    --- peer's certificate or the whole chain; X509_STRICT requires chains to conform to RFC 5280; X509_TRUSTED_FIRST
    --- prefers trusted certificates in the path search; X509_PARTIAL_CHAIN accepts trusted intermediates as the end of
    --- a chain; ALLOW_PROXY_CERTS has no effect, because proxy certificates are never accepted.
    --- Python: 2.7.9, 3.4; VERIFY_X509_PARTIAL_CHAIN and VERIFY_ALLOW_PROXY_CERTS 3.10.
    VERIFY_DEFAULT = const.VERIFY_DEFAULT,
    VERIFY_CRL_CHECK_LEAF = const.VERIFY_CRL_CHECK_LEAF,
    VERIFY_CRL_CHECK_CHAIN = const.VERIFY_CRL_CHECK_CHAIN,
    VERIFY_X509_STRICT = const.VERIFY_X509_STRICT,
    VERIFY_X509_TRUSTED_FIRST = const.VERIFY_X509_TRUSTED_FIRST,
    VERIFY_X509_PARTIAL_CHAIN = const.VERIFY_X509_PARTIAL_CHAIN, -- Python 3.10
    VERIFY_ALLOW_PROXY_CERTS = const.VERIFY_ALLOW_PROXY_CERTS,

    --- PROTOCOL_*: the argument of SSLContext(): PROTOCOL_TLS_CLIENT and PROTOCOL_TLS_SERVER for one role; PROTOCOL_TLS
    --- and its old name PROTOCOL_SSLv23 for both; the others for one version. PROTOCOL_SSLv2 and PROTOCOL_SSLv3 are
    --- refused.
    --- Python: 2.6; TLSv1_1 and TLSv1_2 2.7.9, TLS 2.7.13, TLS_CLIENT and TLS_SERVER 3.6.
    PROTOCOL_SSLv2 = const.PROTOCOL_SSLV2, -- SSLContext refuses them: BoringSSL has neither SSL 2 nor SSL 3
    PROTOCOL_SSLv3 = const.PROTOCOL_SSLV3,
    PROTOCOL_SSLv23 = const.PROTOCOL_TLS,
    PROTOCOL_TLS = const.PROTOCOL_TLS,
    PROTOCOL_TLS_CLIENT = roles.CLIENT, -- Python 3.6
    PROTOCOL_TLS_SERVER = roles.SERVER,
    PROTOCOL_TLSv1 = const.PROTOCOL_TLSV1,
    PROTOCOL_TLSv1_1 = const.PROTOCOL_TLSV1_1,
    PROTOCOL_TLSv1_2 = const.PROTOCOL_TLSV1_2,

    --- OP_*: flags of SSLContext.options. OP_NO_TLSv1 and its like disable a version, OP_NO_TICKET session tickets.
    --- With OP_CIPHER_SERVER_PREFERENCE the server's order of cipher suites counts. Without OP_LEGACY_SERVER_CONNECT,
    --- which is in OP_ALL, clients refuse servers that do not support RFC 5746 (up to TLS 1.2). The others are accepted
    --- for compatibility. OP_IGNORE_UNEXPECTED_EOF is DANGEROUS: the end of the connection counts as close_notify, so
    --- an attacker can truncate what the peer sends.
    --- Python: 2.7.9, 3.2; OP_NO_TLSv1_3 2.7.15, others up to OP_LEGACY_SERVER_CONNECT 3.12.
    OP_ALL = const.OP_ALL,
    OP_NO_SSLv2 = const.OP_NO_SSLV2,
    OP_NO_SSLv3 = const.OP_NO_SSLV3,
    OP_NO_TLSv1 = const.OP_NO_TLSV1,
    OP_NO_TLSv1_1 = const.OP_NO_TLSV1_1,
    OP_NO_TLSv1_2 = const.OP_NO_TLSV1_2,
    OP_NO_TLSv1_3 = const.OP_NO_TLSV1_3,
    OP_CIPHER_SERVER_PREFERENCE = const.OP_CIPHER_SERVER_PREFERENCE,
    OP_SINGLE_DH_USE = const.OP_SINGLE_DH_USE,
    OP_SINGLE_ECDH_USE = const.OP_SINGLE_ECDH_USE,
    OP_ENABLE_MIDDLEBOX_COMPAT = const.OP_ENABLE_MIDDLEBOX_COMPAT,
    OP_NO_COMPRESSION = const.OP_NO_COMPRESSION,
    OP_NO_TICKET = const.OP_NO_TICKET, -- Python 3.6
    OP_NO_RENEGOTIATION = const.OP_NO_RENEGOTIATION, -- BoringSSL never renegotiates
    OP_IGNORE_UNEXPECTED_EOF = const.OP_IGNORE_UNEXPECTED_EOF,
    OP_LEGACY_SERVER_CONNECT = const.OP_LEGACY_SERVER_CONNECT,

    --- HAS_*: whether this build supports a feature. HAS_SSLv2, HAS_SSLv3 and HAS_PHA are always false, and
    --- HAS_PSK_TLS13 too, because pre-shared keys are supported up to TLS 1.2 only. HAS_CERTIFICATE_COMPRESSION is
    --- false in a build without zlib, and HAS_POLICY_CNSA with a BoringSSL older than 2026.
    --- Python: 2.7.9, 3.2; HAS_TLSv1 and its like 3.7, HAS_PSK 3.13, HAS_PHA 3.14, HAS_PSK_TLS13 3.15.
    HAS_ALPN = true,
    HAS_ECDH = true,
    HAS_SNI = true,
    HAS_NPN = true,
    HAS_TLSv1_3 = true,
    HAS_SSLv2 = false, -- these are Python 3.7's
    HAS_SSLv3 = false,
    HAS_TLSv1 = true,
    HAS_TLSv1_1 = true,
    HAS_TLSv1_2 = true,
    HAS_NEVER_CHECK_COMMON_NAME = true, -- Python 3.7
    HAS_PSK = true, -- Python 3.13
    HAS_PSK_TLS13 = false, -- Python 3.15
    HAS_PHA = false, -- Python 3.14
    HAS_CERTIFICATE_COMPRESSION = C.has_certificate_compression() == 1,
    HAS_RAW_PUBLIC_KEYS = C.has_raw_public_keys() == 1,
    HAS_POLICY_CNSA = C.has_policy(const.POLICY_CNSA1_202603) == 1,

    --- POLICY_*: values of SSLContext.compliance_policy: POLICY_NONE; FIPS_202205 (NIST SP 800-52r2); WPA3_192_202304;
    --- CNSA_202407 (prefers AES-256-GCM in TLS 1.3, forbids nothing); CNSA1_202603 (RFC 9151); CNSA2_202603 (TLS 1.3
    --- with ML-KEM-1024).
    --- Python: none.
    POLICY_NONE = const.POLICY_NONE,
    POLICY_FIPS_202205 = const.POLICY_FIPS_202205,
    POLICY_WPA3_192_202304 = const.POLICY_WPA3_192_202304,
    POLICY_CNSA_202407 = const.POLICY_CNSA_202407,
    POLICY_CNSA1_202603 = const.POLICY_CNSA1_202603,
    POLICY_CNSA2_202603 = const.POLICY_CNSA2_202603,

    --- CHANNEL_BINDING_TYPES: an array of the types that SSLSocket:get_channel_binding accepts: {"tls-unique",
    --- "tls-exporter", "tls-server-end-point"}.
    --- Python: 2.7.9, 3.3.
    CHANNEL_BINDING_TYPES = { "tls-unique", "tls-exporter", "tls-server-end-point" },
}

--- ALERT_DESCRIPTION_*: the alerts of TLS: results of servername and verify callbacks, and values of the field `alert`
--- of errors.
--- Python: 2.7.9, 3.4.
for name, value in pairs(const) do
    if name:find("^ALERT_DESCRIPTION_") then
        constants[name] = value
    end
end

--- SSL_ERROR_*: values of the field `errno` of SSLError.
--- Python: 2.6.
for name, value in pairs(errors) do
    if name:find("^SSL_ERROR_") then
        constants[name] = value
    end
end

--- TLSVersion: an enumeration for SSLContext.minimum_version and maximum_version: MINIMUM_SUPPORTED, MAXIMUM_SUPPORTED,
--- SSLv3, TLSv1, TLSv1_1, TLSv1_2, TLSv1_3. `ssl.TLSVersion[0x304]` is the name.
--- Python: 3.7.
constants.TLSVersion = enumerations.both({
    MINIMUM_SUPPORTED = -2,
    MAXIMUM_SUPPORTED = -1,
    SSLv3 = 0x0300,
    TLSv1 = const.TLS1_VERSION,
    TLSv1_1 = const.TLS1_1_VERSION,
    TLSv1_2 = const.TLS1_2_VERSION,
    TLSv1_3 = const.TLS1_3_VERSION,
}, "TLSVersion")

enumerations.add(constants)

for name, enumeration in pairs(messages.enumerations) do
    constants[name] = enumeration
end

--- _TLSContentType: an enumeration of the content types for `_msg_callback`.
--- Python: 3.8, private.

--- _TLSMessageType: an enumeration of handshake messages, for `_msg_callback`.
--- Python: 3.8, private.

--- _TLSAlertType: an enumeration of alerts with their names in TLS, for `_msg_callback`.
--- Python: 3.8, private.

--- Options: an enumeration of the `OP_*`: `ssl.Options.OP_NO_TICKET` is the number, and `ssl.Options[0x4000]` the name,
--- or nil if no flag has this number.
--- Python: 3.6.

--- VerifyMode: an enumeration of the `CERT_*`, as Options.
--- Python: 3.6.

--- VerifyFlags: an enumeration of the `VERIFY_*`, as Options.
--- Python: 3.6.

--- AlertDescription: an enumeration of the `ALERT_DESCRIPTION_*`: `ssl.AlertDescription[40]` is the name.
--- Python: 3.6.

--- SSLErrorNumber: an enumeration of the `SSL_ERROR_*`, as Options.
--- Python: 3.6.

--- _SSLMethod: an enumeration of the `PROTOCOL_*`, as Options.
--- Python: 3.6.

local _, version = C.boringssl_version()
local number = C.openssl_version_number()
local function byte(shift)
    return math.floor(number / shift) % 256
end

--- OPENSSL_VERSION*: OPENSSL_VERSION is a text with the name BoringSSL; OPENSSL_VERSION_NUMBER and OPENSSL_VERSION_INFO
--- are the version of OpenSSL whose API BoringSSL claims to provide, as a number and as an array.
--- Python: 2.7, 3.2.
constants.OPENSSL_VERSION = version
constants.OPENSSL_VERSION_NUMBER = number
constants.OPENSSL_VERSION_INFO = { byte(0x10000000), byte(0x100000), byte(0x1000), byte(0x10), number % 16 }

local PROTOCOL_NAMES = { [const.PROTOCOL_TLS] = "PROTOCOL_TLS", [roles.CLIENT] = "PROTOCOL_TLS_CLIENT",
    [roles.SERVER] = "PROTOCOL_TLS_SERVER",
    [const.PROTOCOL_TLSV1] = "PROTOCOL_TLSv1",
    [const.PROTOCOL_TLSV1_1] = "PROTOCOL_TLSv1_1", [const.PROTOCOL_TLSV1_2] = "PROTOCOL_TLSv1_2" }

--- Returns the name of a `PROTOCOL_*` constant.
---
---     print(ssl.get_protocol_name(ssl.PROTOCOL_TLS)) --> PROTOCOL_TLS
---
--- Python: 2.6; removed in 3.13.
---@param protocol integer `PROTOCOL_*`
---@return string # the name; "<unknown>" for other values
function constants.get_protocol_name(protocol)
    return protocol ~= nil and PROTOCOL_NAMES[protocol] or "<unknown>"
end

return constants
