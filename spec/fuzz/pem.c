/* pem.c: certificates, revocation lists and keys, as PEM and DER, are loaded; and everything that was loaded is decoded
 * to its last field. The first byte says as what the others are loaded. */
#include "../c/full_certificate.h"
#include "fuzz.h"

static void decode(int32_t certificate) {
    char room[256];
    int32_t which;
    int32_t i;
    int32_t count;
    checked(cleat_certificate_der(certificate, room, sizeof room));
    checked(cleat_certificate_version(certificate));
    checked(cleat_certificate_is_ca(certificate));
    checked(cleat_certificate_serial_number(certificate, room, sizeof room));
    checked(cleat_certificate_not_before(certificate, room, sizeof room));
    checked(cleat_certificate_not_after(certificate, room, sizeof room));
    count = checked(cleat_certificate_alt_name_count(certificate));
    for (i = 0; i < count; i++) {
        int32_t attributes = cleat_certificate_name_count(certificate, CLEAT_NAME_ALT + i);
        checked(cleat_certificate_alt_name_type(certificate, i, room, sizeof room));
        checked(cleat_certificate_alt_name_value(certificate, i, room, sizeof room));
        while (attributes-- > 0) {
            checked(cleat_certificate_name_value(certificate, CLEAT_NAME_ALT + i, attributes, room,
                                                 sizeof room));
        }
    }
    for (which = CLEAT_NAME_SUBJECT; which <= CLEAT_NAME_ISSUER; which++) {
        count = checked(cleat_certificate_name_count(certificate, which));
        for (i = 0; i < count; i++) {
            checked(cleat_certificate_name_rdn(certificate, which, i));
            checked(cleat_certificate_name_type(certificate, which, i, room, sizeof room));
            checked(cleat_certificate_name_value(certificate, which, i, room, sizeof room));
        }
    }
    for (which = CLEAT_URI_OCSP; which <= CLEAT_URI_CRL; which++) {
        count = checked(cleat_certificate_uri_count(certificate, which));
        for (i = 0; i < count; i++)
            checked(cleat_certificate_uri(certificate, which, i, room, sizeof room));
    }
}

/* A refused text loads nothing: no certificate is trusted. */
static void verify(int32_t certificate, const char *text, int32_t len) {
    char room[256];
    int32_t code = 0;
    int32_t depth = 0;
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    int32_t verification = checked(cleat_verification_new(
        context, certificate, CLEAT_PURPOSE_SERVER_AUTH, "localhost", 9, 1796000000, text, len));
    if (verification > 0) {
        DEMAND(CLEAT_CLASS(checked(cleat_verification_result(verification))) == CLEAT_VERIFY);
        DEMAND(cleat_verification_error(verification, 0, room, sizeof room, &code, &depth) > 0);
        cleat_close(checked(cleat_verification_error_certificate(verification, 0)));
        cleat_close(verification);
    }
    cleat_close(context);
}

/* A list of signed certificate timestamps as it is. */
static void read_timestamps(const char *list, int32_t len) {
    char sct[65536];
    char room[65536];
    double time = 0;
    int32_t hash = 0;
    int32_t signer = 0;
    int32_t count = checked(cleat_scts_count(list, len));
    int32_t i;
    for (i = 0; i < count && i < 8; i++) {
        int32_t sct_len = checked(cleat_scts_get(list, len, i, sct, sizeof sct));
        DEMAND(sct_len > 0 && sct_len < len);
        if (checked(cleat_sct_read(sct, sct_len, &time, &hash, &signer)) < 0) continue;
        DEMAND(cleat_sct_bytes(sct, sct_len, CLEAT_SCT_LOG_ID, room, sizeof room) % 32 == 0);
        DEMAND(cleat_sct_bytes(sct, sct_len, CLEAT_SCT_EXTENSIONS, room, sizeof room) < sct_len);
        DEMAND(cleat_sct_bytes(sct, sct_len, CLEAT_SCT_SIGNATURE, room, sizeof room) < sct_len);
    }
}

static void load_trust(const char *text, int32_t len) {
    int32_t counts[3];
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    int32_t loaded = checked(cleat_context_load_verify_data(context, text, len));
    int32_t i;
    DEMAND(cleat_context_cert_store_stats(context, &counts[0], &counts[1], &counts[2]) == CLEAT_OK);
    if (loaded < 0) DEMAND(counts[0] == 0 && counts[2] == 0); /* all or nothing */
    if (loaded > 0) DEMAND(counts[0] + counts[2] > 0 && counts[0] + counts[2] <= loaded);
    for (i = 0; i < counts[1]; i++) {
        int32_t certificate = cleat_context_ca_certificate(context, i);
        DEMAND(certificate > 0);
        decode(certificate);
        cleat_close(certificate);
    }
    cleat_close(context);
}

static void load_chain(const char *text, int32_t len, const char *password, int32_t password_len) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    checked(
        cleat_context_load_cert_chain_data(context, text, len, NULL, 0, password, password_len));
    cleat_close(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data + 1;
    int32_t len = (int32_t)size - 1;
    int32_t certificate = 0;
    if (size < 1) return 0;
    switch (data[0] % 6) {
        case 0: certificate = checked(cleat_certificate_from_pem(text, len)); break;
        case 1: certificate = checked(cleat_certificate_from_der(text, len)); break;
        case 2: load_trust(text, len); break;
        case 3: load_chain(text, len, NULL, 0); break;
        case 5: read_timestamps(text, len); break;
        default: load_chain(text, len, "secret", 6); break;
    }
    if (certificate > 0) {
        uint64_t first = 0;
        uint64_t second = 0;
        decode(certificate);
        DEMAND(full_certificate_read(certificate, &first) == CLEAT_OK);
        DEMAND(full_certificate_read(certificate, &second) == CLEAT_OK && first == second);
        verify(certificate, text, len);
        cleat_close(certificate);
    }
    DEMAND(cleat_handle_count() == 0);
    return 0;
}
