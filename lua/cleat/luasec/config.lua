--- `ssl.config`: the values that newcontext accepts.

local ssl = require "cleat.ssl"

-- Options with an effect, and the constants that they set.
local ACTING = {
    cipher_server_preference = ssl.OP_CIPHER_SERVER_PREFERENCE,
    ignore_unexpected_eof = ssl.OP_IGNORE_UNEXPECTED_EOF, legacy_server_connect = ssl.OP_LEGACY_SERVER_CONNECT,
    no_ticket = ssl.OP_NO_TICKET, no_tlsv1 = ssl.OP_NO_TLSv1, no_tlsv1_1 = ssl.OP_NO_TLSv1_1,
    no_tlsv1_2 = ssl.OP_NO_TLSv1_2, no_tlsv1_3 = ssl.OP_NO_TLSv1_3,
}

-- Options whose effect is permanent, or that concern features that BoringSSL does not have: accepted, without an
-- effect.
local IDLE = {
    "all", "allow_no_dhe_kex", "cisco_anyconnect", "cookie_exchange", "cryptopro_tlsext_bug", "disable_tlsext_ca_names",
    "dont_insert_empty_fragments", "enable_ktls", "enable_middlebox_compat", "ephemeral_rsa",
    "microsoft_big_sslv3_buffer", "microsoft_sess_id_bug", "msie_sslv2_rsa_padding", "netscape_ca_dn_bug",
    "netscape_challenge_bug", "netscape_demo_cipher_change_bug", "netscape_reuse_cipher_change_bug", "no_anti_replay",
    "no_compression", "no_dtls_mask", "no_dtlsv1", "no_dtlsv1_2", "no_encrypt_then_mac", "no_extended_master_secret",
    "no_query_mtu", "no_renegotiation", "no_session_resumption_on_renegotiation", "no_ssl_mask", "no_sslv2", "no_sslv3",
    "pkcs1_check_1", "pkcs1_check_2", "prioritize_chacha", "safari_ecdhe_ecdsa_bug", "single_dh_use", "single_ecdh_use",
    "ssleay_080_client_dh_bug", "sslref2_reuse_cert_type_bug", "tls_block_padding_bug", "tls_d5_bug", "tls_rollback_bug",
    "tlsext_padding",
}

-- Options that would lower security, and are not supported: errors.
local REFUSED = {
    allow_client_renegotiation = "BoringSSL has no renegotiation",
    allow_unsafe_legacy_renegotiation = "BoringSSL has no renegotiation",
}

-- OpenSSL's names of groups, and cleat's.
local CURVES = {
    prime256v1 = "secp256r1", secp256r1 = "secp256r1", ["P-256"] = "secp256r1", secp384r1 = "secp384r1",
    ["P-384"] = "secp384r1", secp521r1 = "secp521r1", ["P-521"] = "secp521r1", X25519 = "x25519", x25519 = "x25519",
}

-- Groups that OpenSSL has, and BoringSSL possibly not: ignored in lists if they are not supported.
for _, name in ipairs { "X448", "x448", "secp224r1", "P-224", "secp256k1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1",
    "brainpoolP256r1tls13", "brainpoolP384r1tls13", "brainpoolP512r1tls13", "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144",
    "ffdhe8192", "X25519MLKEM768" } do
    CURVES[name] = "?" .. name
end

local function names(...)
    local set = {}
    for _, list in ipairs { ... } do
        for key, value in pairs(list) do
            set[type(key) == "number" and value or key] = true
        end
    end
    return set
end

return {
    --- What require "ssl.config" returns.
    public = {
        algorithms = { ec = true },
        capabilities = { alpn = true, curves_list = true, ecdh_auto = true, psk = true },
        curves = { prime256v1 = true, secp384r1 = true, secp521r1 = true, X25519 = true, ["P-256"] = true, ["P-384"] = true,
            ["P-521"] = true },
        options = names(ACTING, IDLE),
        protocols = { tlsv1 = true, tlsv1_1 = true, tlsv1_2 = true, tlsv1_3 = true },
    },
    acting = ACTING, idle = names(IDLE), refused = REFUSED, curves = CURVES,
}
