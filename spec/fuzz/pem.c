/* pem.c: certificates, revocation lists and keys, as PEM and DER, are loaded; and what could be loaded is decoded to
 * its last field. The first byte says as what the others are loaded. */
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
    switch (data[0] % 5) {
        case 0: certificate = checked(cleat_certificate_from_pem(text, len)); break;
        case 1: certificate = checked(cleat_certificate_from_der(text, len)); break;
        case 2: load_trust(text, len); break;
        case 3: load_chain(text, len, NULL, 0); break;
        default: load_chain(text, len, "secret", 6); break;
    }
    if (certificate > 0) {
        decode(certificate);
        cleat_close(certificate);
    }
    DEMAND(cleat_handle_count() == 0);
    return 0;
}
