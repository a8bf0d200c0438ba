/* peer.h: the other end of a cleat connection, over memory or a socket, which can misuse TLS: BoringSSL does the
 * handshake, and after it come records of any type and content, encrypted with this side's keys. */
#ifndef CLEAT_SPEC_PEER_H
#define CLEAT_SPEC_PEER_H

#include <openssl/aead.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

enum { PEER_RECORD = 40000 }; /* room for any record that is made here */

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23 };

struct peer {
    SSL_CTX *ctx;
    SSL *ssl;
    EVP_AEAD_CTX *aead; /* encrypts this side's records */
    const EVP_MD *md; /* of TLS 1.3's secrets */
    uint8_t secret[2][48]; /* of the client and of the server */
    size_t secret_len;
    uint8_t iv[12];
    uint64_t sequence;
    int32_t id; /* cleat's connection */
    int fd[2]; /* cleat's end of the socket and this one; -1 over memory */
    bool is_server;
    bool is_1_3;
};

/* peer_open makes both ends. version: CLEAT_TLS1_2_VERSION or CLEAT_TLS1_3_VERSION. */
void peer_open(struct peer *self, int32_t version, bool is_server);

/* peer_open_socket does the same over a pair of sockets. */
void peer_open_socket(struct peer *self, int32_t version, bool is_server);

/* peer_shake_hands does both handshakes. */
void peer_shake_hands(struct peer *self);

/* peer_step reads the received bytes and answers them correctly. Returns the length of the answer, which it stores in
 * bytes: PEER_RECORD of them. */
int32_t peer_step(struct peer *self, uint8_t *bytes);

/* peer_seal returns the length of a record that it stores in record: PEER_RECORD bytes. */
int32_t peer_seal(struct peer *self, uint8_t type, const void *bytes, int32_t len, uint8_t *record);

/* peer_send passes such a record to cleat's connection, and peer_send_raw passes bytes unchanged. */
void peer_send(struct peer *self, uint8_t type, const void *bytes, int32_t len);
void peer_send_raw(struct peer *self, const void *bytes, int32_t len);

/* peer_update_key changes the key after a KeyUpdate was sent. */
void peer_update_key(struct peer *self);

void peer_close(struct peer *self);

#endif
