/* signing.c: signatures for ends whose keys are remote. */
#include <pthread.h>
#include <string.h>

#include "../c/identity.h"
#include "schedule.h"

enum { ROOM = 512, MOST_INPUT = 65536 };

static const enum identity_part parts[2] = {IDENTITY_CHAIN_AND_KEY, IDENTITY_OTHER};
static char public_keys[2][ROOM];
static int32_t public_lens[2];

static void read_keys(void) {
    for (int i = 0; i < 2; i++) {
        int32_t len;
        const char *text = identity_text(parts[i], &len);
        int32_t certificate = cleat_certificate_from_pem(text, len);
        EXPECT(certificate > 0);
        public_lens[i] = cleat_certificate_public_key_der(certificate, public_keys[i], ROOM);
        EXPECT(public_lens[i] > 0 && cleat_close(certificate) == 0);
    }
}

/* Another thread may have answered meanwhile, and the handshake may have continued. */
static bool is_over(struct end *end, const char *call, int32_t status) {
    if (status >= 0) return false;
    if (class_of(status) != CLEAT_USAGE) accept_status(end, call, -1, 0, status);
    return true;
}

void answer_signature(struct end *end, bool refuse) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static _Thread_local char input[MOST_INPUT];
    char key[ROOM];
    char signature[ROOM];
    int32_t len = cleat_connection_signature_input(end->id, input, sizeof input);
    int32_t key_len = cleat_connection_signature_public_key(end->id, key, sizeof key);
    int32_t algorithm = cleat_connection_signature_algorithm(end->id);
    int32_t text_len;
    const char *text;
    bool other;
    EXPECT(pthread_once(&once, read_keys) == 0);
    if (is_over(end, "signature_input", len) || is_over(end, "signature_public_key", key_len) ||
        is_over(end, "signature_algorithm", algorithm) || algorithm == 0) {
        return;
    }
    EXPECT(len <= MOST_INPUT && key_len <= ROOM);
    other = key_len != public_lens[0] || memcmp(key, public_keys[0], (size_t)key_len) != 0;
    EXPECT(!other ||
           (key_len == public_lens[1] && memcmp(key, public_keys[1], (size_t)key_len) == 0));
    text = identity_text(parts[other ? 1 : 0], &text_len);
    len = cleat_sign_data(text, text_len, NULL, 0, algorithm, input, len, signature,
                          sizeof signature);
    EXPECT(len > 0 && len <= ROOM);
    len = cleat_connection_answer_signature(end->id, refuse ? NULL : signature, refuse ? 0 : len);
    (void)is_over(end, "answer_signature", len);
}
