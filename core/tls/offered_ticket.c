/* offered_ticket.c: since most tickets are accepted, the offered ticket is stored encrypted, and decrypted only if
 * the handshake turns out to be a full one. */
#include "tls/offered_ticket.h"

#include <string.h>

#include "base/memory.h"

struct cleat_offered_ticket {
    size_t len;
    uint8_t bytes[];
};

/* BoringSSL only uses the first ticket. */
static bool find(const SSL_CLIENT_HELLO *hello, CBS *ticket) {
    const uint8_t *extension;
    size_t len;
    CBS list;
    CBS identities;
    if (SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_pre_shared_key, &extension, &len)) {
        CBS_init(&list, extension, len);
        return CBS_get_u16_length_prefixed(&list, &identities) == 1 &&
               CBS_get_u16_length_prefixed(&identities, ticket) == 1;
    }
    if (!SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_session_ticket, &extension,
                                              &len)) {
        return false;
    }
    CBS_init(ticket, extension, len);
    return true;
}

void cleat_offered_ticket_keep(struct cleat_connection *connection, const SSL_CLIENT_HELLO *hello) {
    struct cleat_offered_ticket *kept;
    CBS ticket;
    if (connection->offered_ticket != NULL || !find(hello, &ticket) || CBS_len(&ticket) == 0)
        return;
    kept = cleat_resize_public(NULL, sizeof *kept + CBS_len(&ticket));
    if (kept == NULL) return;
    kept->len = CBS_len(&ticket);
    memcpy(kept->bytes, CBS_data(&ticket), kept->len);
    connection->offered_ticket = kept;
}

void cleat_offered_ticket_forget(struct cleat_connection *connection) {
    cleat_release_public(connection->offered_ticket);
    connection->offered_ticket = NULL;
}

/* RFC 5077 section 4: name, IV, encrypted session, HMAC. session: a buffer of len bytes. */
static bool decrypt(struct cleat_sessions *sessions, const uint8_t *ticket, size_t len,
                    uint8_t *session, int *session_len) {
    const size_t head = SSL_TICKET_KEY_NAME_LEN + AES_BLOCK_SIZE;
    uint8_t name[SSL_TICKET_KEY_NAME_LEN];
    uint8_t iv[AES_BLOCK_SIZE];
    uint8_t mac[SHA256_DIGEST_LENGTH];
    EVP_CIPHER_CTX cipher;
    HMAC_CTX hmac;
    unsigned mac_len = 0;
    int first = 0;
    int last = 0;
    bool done;
    if (len <= head + sizeof mac) return false;
    len -= sizeof mac;
    memcpy(name, ticket, sizeof name);
    memcpy(iv, ticket + sizeof name, sizeof iv);
    EVP_CIPHER_CTX_init(&cipher);
    HMAC_CTX_init(&hmac);
    done = cleat_sessions_ticket_key(sessions, name, iv, &cipher, &hmac, false) > 0 &&
           HMAC_Update(&hmac, ticket, len) == 1 && HMAC_Final(&hmac, mac, &mac_len) == 1 &&
           CRYPTO_memcmp(mac, ticket + len, sizeof mac) == 0 &&
           EVP_DecryptUpdate(&cipher, session, &first, ticket + head, (int)(len - head)) == 1 &&
           EVP_DecryptFinal_ex(&cipher, session + first, &last) == 1;
    EVP_CIPHER_CTX_cleanup(&cipher);
    HMAC_CTX_cleanup(&hmac);
    *session_len = first + last;
    return done;
}

bool cleat_offered_ticket_has_expired(const struct cleat_connection *connection) {
    const struct cleat_offered_ticket *ticket = connection->offered_ticket;
    SSL_SESSION *session = NULL;
    uint8_t *bytes;
    int len;
    bool expired;
    if (ticket == NULL) return false;
    bytes = cleat_allocate(ticket->len);
    if (bytes == NULL) return false;
    if (decrypt(connection->initial->sessions, ticket->bytes, ticket->len, bytes, &len)) {
        session = SSL_SESSION_from_bytes(bytes, (size_t)len, connection->initial->ssl_ctx);
    }
    ERR_clear_error();
    cleat_release(bytes);
    expired = session != NULL && cleat_session_has_expired(session);
    SSL_SESSION_free(session);
    return expired;
}
