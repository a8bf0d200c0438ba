/* certificate.c: all getters of certificates, and verifications as objects. */
#include <string.h>

#include "../c/expect.h"
#include "../c/full_certificate.h"
#include "../c/identity.h"
#include "../c/odd_certificate.h"
#include "scenario.h"

static int32_t certificate;
static int32_t context;
static int32_t verification;
static int32_t opened;

static void close_all(void) {
    if (certificate > 0) cleat_close(certificate);
    if (context > 0) cleat_close(context);
    if (verification > 0) cleat_close(verification);
    if (opened > 0) cleat_close(opened);
    certificate = context = verification = opened = 0;
}

static void open_text(const char *text) {
    certificate = cleat_certificate_from_pem(text, (int32_t)strlen(text));
    EXPECT(certificate > 0);
}

static void open_full(void) {
    open_text(full_certificate);
}

static void open_odd(void) {
    open_text(odd_certificate);
}

static int32_t act_read(void) {
    uint64_t digest = 0;
    int32_t status = full_certificate_read(certificate, &digest);
    if (status >= 0) note_text((const char *)&digest, sizeof digest);
    return status;
}

/* A context that trusts a server's certificate, and the certificate. */
static void open_trusted(void) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CERTIFICATE, &len);
    context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(context > 0 && cleat_context_load_verify_data(context, text, len) > 0);
    open_text(text);
}

static void open_untrusted(void) {
    open_trusted();
    cleat_close(certificate);
    open_text(full_certificate);
}

/* The first verification makes the trust store. */
static int32_t verify(const char *untrusted) {
    verification =
        cleat_verification_new(context, certificate, CLEAT_PURPOSE_SERVER_AUTH, "localhost", 9, -1,
                               untrusted, untrusted == NULL ? 0 : (int32_t)strlen(untrusted));
    return verification;
}

static int32_t act_verify(void) {
    int32_t status = verify(NULL);
    if (status < 0) return status;
    EXPECT(cleat_verification_result(verification) == CLEAT_OK);
    note(cleat_verification_chain_count(verification, CLEAT_CHAIN_VERIFIED));
    opened = cleat_verification_chain_certificate(verification, CLEAT_CHAIN_VERIFIED, 0);
    return opened;
}

/* The verification of a refused certificate fails only with its verify code, or because an allocation has failed. */
static int32_t act_refuse(void) {
    char text[256];
    int32_t code;
    int32_t depth;
    int32_t len;
    int32_t status = verify(odd_certificate);
    if (status < 0) return status;
    status = cleat_verification_result(verification);
    EXPECT(status < 0);
    if (CLEAT_CLASS(status) == CLEAT_NOMEM) return status;
    EXPECT(CLEAT_CLASS(status) == CLEAT_VERIFY);
    note(status);
    len = cleat_verification_error(verification, 0, text, sizeof text, &code, &depth);
    EXPECT(len > 0);
    note_text(text, len);
    note(depth);
    opened = cleat_verification_error_certificate(verification, 0);
    return opened;
}

const struct scenario certificate_scenarios[] = {
    {"certificate: all getters", open_full, act_read, close_all, 0, true},
    {"certificate: all getters, malformed", open_odd, act_read, close_all, 0, true},
    {"verification_new", open_trusted, act_verify, close_all, 0, false},
    {"verification_new: refused", open_untrusted, act_refuse, close_all, 0, false},
    {NULL, NULL, NULL, NULL, 0, false},
};
