/* connection.h: connections, as the files of the core see them. */
#ifndef CLEAT_CORE_CONNECTION_H
#define CLEAT_CORE_CONNECTION_H

#include <pthread.h>

#include "base/boringssl.h"
#include "base/clock.h"
#include "base/handle.h"
#include "cleat/connection.h"
#include "net/socket.h"
#include "tls/context.h"
#include "tls/transport.h"
#include "x509/verify_error.h"

struct cleat_connection {
    struct cleat_object object;
    pthread_mutex_t lock; /* for all below; never held while waiting for the network */
    SSL *ssl;
    struct cleat_context *context;
    struct cleat_context *maker; /* the one that it was made from, and that counts it */
    struct cleat_socket *socket; /* held open; NULL over a foreign descriptor or memory */
    struct cleat_alpn *alpn;
    struct cleat_alpn *npn;
    struct cleat_transport transport;
    char *server_hostname; /* a client's, as given; NULL if none */
    int32_t verify_mode;
    struct cleat_verify_error verify_error; /* why the peer was refused */
    int32_t sealed; /* bytes that a write encrypted and has not counted yet: see connection_io.c */
    uint16_t group; /* the only one that a client takes for the key exchange; 0 for any */
    uint32_t shared_suites; /* of a server: see shared_cipher.c */
    bool server_side;
    bool begun; /* the handshake was counted */
    bool offered; /* a server's client offered a session */
    bool asks_for_name; /* a server's handshake stops at the ClientHello */
    bool waits_for_name; /* it has stopped there */
    bool refused; /* the answer was an alert */
    bool established; /* the handshake is done and the peer verified */
    bool between_records; /* the last read left nothing but what is pending */
    bool closing; /* this side has sent close_notify, or is about to */
    bool over; /* both sides have sent close_notify */
};

/* cleat_connection_trust returns whether the connection now verifies with what the context
 * trusts. Called with the context's lock. */
bool cleat_connection_trust(struct cleat_connection *connection, struct cleat_context *context);

/* cleat_cipher_name returns OpenSSL's name of a suite. */
const char *cleat_cipher_name(const SSL_CIPHER *cipher);

/* cleat_shared_suites returns the set of suites that a ClientHello and the server it came to
 * have in common, for shared_suites. */
uint32_t cleat_shared_suites(const SSL_CLIENT_HELLO *hello);

/* cleat_connection_await waits for what the library wants (CLEAT_WANT_*), or for the network to take
 * what is gathered. Called and left with the lock held. CLEAT_OK; what it was given if there is no
 * waiting; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS. */
int32_t cleat_connection_await(struct cleat_connection *self, int32_t want,
                               cleat_deadline deadline);

/* cleat_connection_receive_ahead is for a read that may wait for ever. Where the last one has left
 * nothing, neither in the library nor on its way to it, a record begins with the next byte: its
 * header is received, and waited for, before the library asks. CLEAT_OK; CLEAT_CLOSED; CLEAT_SYS. */
int32_t cleat_connection_receive_ahead(struct cleat_connection *self);

#endif
