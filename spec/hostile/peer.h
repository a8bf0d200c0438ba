/* peer.h: the other end of a connection of cleat's, over memory or a socket, which knows TLS well enough to misuse
 * it: BoringSSL does the handshake, and what comes after that are records of any type and content, encrypted with the
 * keys of this side. */
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
    EVP_AEAD_CTX *aead; /* seals this side's records */
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

/* peer_open_socket does so over a pair of sockets. */
void peer_open_socket(struct peer *self, int32_t version, bool is_server);

/* peer_shake_hands does the handshake of both. */
void peer_shake_hands(struct peer *self);

/* peer_step reads what has come and answers to it as is right. Returns the length of the answer, which it has put
 * into bytes: PEER_RECORD of them. */
int32_t peer_step(struct peer *self, uint8_t *bytes);

/* peer_seal returns the length of a record that it has put into record: PEER_RECORD bytes. */
int32_t peer_seal(struct peer *self, uint8_t type, const void *bytes, int32_t len, uint8_t *record);

/* peer_send lets cleat's connection have such a record, and peer_send_raw bytes as they are. */
void peer_send(struct peer *self, uint8_t type, const void *bytes, int32_t len);
void peer_send_raw(struct peer *self, const void *bytes, int32_t len);

/* peer_update_key is what follows a KeyUpdate that was sent. */
void peer_update_key(struct peer *self);

void peer_close(struct peer *self);

#endif
