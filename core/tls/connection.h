/* connection.h: connections, for the files of core/tls. */
#ifndef CLEAT_CORE_CONNECTION_H
#define CLEAT_CORE_CONNECTION_H

#include <pthread.h>

#include "base/boringssl.h"
#include "base/clock.h"
#include "base/handle.h"
#include "cleat/connection.h"
#include "cleat/psk.h"
#include "net/socket.h"
#include "tls/configuration.h"
#include "tls/message_queue.h"
#include "tls/signature.h"
#include "tls/transport.h"
#include "tls/turn.h"
#include "tls/unacknowledged.h"
#include "x509/ocsp.h"
#include "x509/verify_error.h"

/* What a suspended handshake waits for. It returns the CLEAT_WANT_* of its pause until the caller has answered. */
enum cleat_pause {
    CLEAT_PAUSE_NONE,
    CLEAT_PAUSE_SERVER_NAME,
    CLEAT_PAUSE_VERIFY,
    CLEAT_PAUSE_SESSION,
    CLEAT_PAUSE_SIGNATURE,
    CLEAT_PAUSE_PSK
};

/* The state of a connection that may need a pre-shared key: see psk.c. */
struct cleat_psk {
    struct cleat_handshake_tap tap;
    char identity[CLEAT_PSK_IDENTITY_MAX]; /* a client's answer */
    uint8_t identity_len;
    uint16_t key_len; /* 0 until the caller has answered */
    uint8_t key[CLEAT_PSK_KEY_MAX];
};

struct cleat_connection {
    struct cleat_object object;
    pthread_mutex_t lock; /* for all fields below; never held while waiting for the network */
    SSL *ssl;
    struct cleat_configuration *configuration; /* the present one */
    struct cleat_configuration *initial; /* the one with which the connection was made */
    struct cleat_socket *socket; /* a reference; NULL over a caller's descriptor or memory */
    struct cleat_turns turns;
    struct cleat_transport transport;
    struct cleat_unacknowledged unacknowledged; /* see connection_io.c */
    char *server_hostname; /* on a client, the constructor's argument; NULL if none */
    /* The ECHConfigList with which a client encrypts its ClientHello; NULL if none. */
    uint8_t *ech_configs;
    size_t ech_configs_len;
    char *ech_public_name; /* verified in place of server_hostname if ECH was rejected; or NULL */
    bool ech_rejected; /* the handshake has failed with ECH_REJECTED */
    int32_t verify_mode; /* that of the configuration, or of a stricter one before a switch */
    int32_t verify_flags; /* likewise */
    struct cleat_verify_error verify_error; /* why the peer was refused */
    /* All faults, if the caller may read them; or NULL. */
    struct cleat_verify_faults *verify_faults;
    STACK_OF(CRYPTO_BUFFER) * refused_chain; /* the chain to which the faults refer; NULL if none */
    int32_t verify_events; /* combined from the configurations: see connection_context.c */
    bool tolerates_refusals; /* likewise */
    bool was_verified; /* verify_error has the result of a verification */
    /* The caller has accepted, and BoringSSL has not called the verify callback again yet. */
    bool verify_answered;
    bool resumed_verified; /* a server has accepted the client of a resumed session */
    enum cleat_ocsp_fault ocsp_fault; /* why the OCSP response was not accepted */
    /* The signature that the caller makes or has made; NULL if none. */
    struct cleat_signature *signature;
    struct cleat_psk *psk; /* NULL if pre-shared keys are off, and once the handshake is done */
    STACK_OF(X509) * verified_chain; /* NULL until the caller reads it: see connection_chain.c */
    SSL_SESSION *session; /* the newest that a client has received; NULL if none: see session.c */
    SSL_SESSION *caller_session; /* of cleat_connection_set_session; NULL if none */
    /* When the result of the verification expires, in seconds of the wall clock. */
    int64_t verified_until;
    int32_t peer_port; /* on a client, set when the handshake begins; 0 over memory */
    struct cleat_queue early; /* early data that a server has received and not returned yet */
    int32_t early_state; /* CLEAT_EARLY_DATA_* */
    int32_t early_sent; /* bytes of early data that a client has sent */
    bool early_allowed; /* on a server, whether all of its contexts allow early data */
    bool early_offered; /* a client has sent the early_data extension */
    bool early_over; /* no more early data can be sent or received */
    bool restricts_groups; /* a client offers more groups than it accepts: see group.c */
    /* IANA's number of the algorithm of this side's signature; 0 if there was none. */
    uint16_t signed_with;
    uint32_t shared_suites; /* on a server: see shared_cipher.c */
    /* The selected one; NULL if none: see credentials.h. */
    const struct cleat_credential *credential;
#if !CLEAT_HAS_SSL_CREDENTIAL
    uint32_t offered_groups; /* likewise: see credential_choice.c */
#endif
    /* The description of the last one plus 1; 0 if there was none: see alert.c. */
    int32_t alert_sent;
    int32_t alert_received; /* likewise */
    bool server_side;
    bool begun; /* the handshake has begun and was counted */
    bool offered; /* a session was offered */
    bool knows_tickets; /* on a server, the client accepts TLS 1.2 tickets */
    bool offered_expired; /* an expired session was offered */
    struct cleat_offered_ticket *offered_ticket; /* NULL if none: see offered_ticket.h */
    struct cleat_message_queue messages; /* empty unless the context enables message events */
    struct cleat_session_exchange *session_exchange; /* NULL if none: see session_store.c */
    /* The client's, while the handshake is suspended at the ClientHello; or NULL. */
    struct cleat_alpn *offered_alpn;
    /* Replaces the configuration's if chooses_alpn; NULL for no protocols. */
    struct cleat_alpn *own_alpn;
    bool chooses_alpn;
    /* A server's handshake returns CLEAT_WANT_SERVER_NAME at the ClientHello. */
    bool pauses_at_hello;
    enum cleat_pause pause; /* what the suspended handshake waits for */
    enum cleat_pause refused_at; /* the caller has answered this pause with a refusal */
    bool has_hello; /* a server has read the ClientHello */
    bool issued_tickets; /* a TLS 1.3 server's session tickets are buffered */
    bool verified; /* the peer's certificate was accepted by a verification */
    bool established; /* the handshake is done and the peer verified */
    bool unread_tickets; /* a TLS 1.3 client has not read since the handshake */
    bool between_records; /* the last read has left only what is pending */
    bool closing; /* this side has sent close_notify */
    bool peer_closed; /* the peer's close_notify was received */
    bool over; /* both sides have sent close_notify */
    bool keeps_messages; /* see message_queue.h */
    bool failed; /* this side or the peer has sent a fatal alert */
};

/* The frame of exported functions: CLEAT_BEGIN declares self, finds the connection by its id and locks it; CLEAT_END
 * evaluates result, unlocks the connection and returns result. */
#define CLEAT_BEGIN(connection)                                                                    \
    struct cleat_connection *self;                                                                 \
    CLEAT_FIND(self, (connection), CLEAT_KIND_CONNECTION);                                         \
    pthread_mutex_lock(&self->lock)

/* CLEAT_BEGIN_IN_MEMORY is the same for functions without a cancellation point, and for those that use
 * CLEAT_NO_CANCEL_IF afterwards. */
#define CLEAT_BEGIN_IN_MEMORY(connection)                                                          \
    struct cleat_connection *self;                                                                 \
    CLEAT_PIN(self, (connection), CLEAT_KIND_CONNECTION);                                          \
    pthread_mutex_lock(&self->lock)

#define CLEAT_END(result)                                                                          \
    do {                                                                                           \
        const int32_t result_ = (result);                                                          \
        pthread_mutex_unlock(&self->lock);                                                         \
        CLEAT_DONE(self);                                                                          \
        return result_;                                                                            \
    } while (0)

/* cleat_connection_credential returns the credential that the handshake presents, NULL if none has been selected
 * (yet). It may be called in BoringSSL's callbacks. */
static inline const struct cleat_credential *
cleat_connection_credential(const struct cleat_connection *self, const SSL *ssl) {
    return cleat_credentials_selected(
        cleat_configuration_credentials(self->configuration, self->server_side), ssl);
}

/* cleat_cipher_name returns OpenSSL's name of a suite. */
const char *cleat_cipher_name(const SSL_CIPHER *cipher);

/* cleat_shared_suites returns the set of suites that a ClientHello and its server have in common, for shared_suites. */
uint32_t cleat_shared_suites(const SSL_CLIENT_HELLO *hello);

/* cleat_has_shared_suite returns whether the set contains a suite with this key exchange and authentication (NIDs)
 * for the negotiated version. */
bool cleat_has_shared_suite(const struct cleat_connection *self, int key_exchange,
                            int authentication);

/* The functions below are for connection_*.c and their helpers. They must be called with the lock held. */

/* cleat_connection_set_up creates the connection's SSL from a configuration, in place of an earlier one, and takes
 * references to the configuration. CLEAT_OK; CLEAT_USAGE; CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_connection_set_up(struct cleat_connection *self,
                                struct cleat_configuration *configuration);

#define CLEAT_WANTS_READ CLEAT_STATUS(CLEAT_WANT_READ, 0)
#define CLEAT_WANTS_WRITE CLEAT_STATUS(CLEAT_WANT_WRITE, 0)
#define CLEAT_WANTS_SERVER_NAME CLEAT_STATUS(CLEAT_WANT_SERVER_NAME, 0)
#define CLEAT_WANTS_SESSION CLEAT_STATUS(CLEAT_WANT_SESSION, 0)
#define CLEAT_WANTS_VERIFY CLEAT_STATUS(CLEAT_WANT_VERIFY, 0)
#define CLEAT_WANTS_SIGNATURE CLEAT_STATUS(CLEAT_WANT_SIGNATURE, 0)
#define CLEAT_WANTS_PSK CLEAT_STATUS(CLEAT_WANT_PSK, 0)

/* cleat_connection_acquire waits for the turns that the call wants, or for both if the handshake is not done, and
 * stores those that it got in *held. CLEAT_OK; CLEAT_WANT_* if another call has the turn and this one must not wait;
 * CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_NOMEM. */
static inline int32_t cleat_connection_acquire(struct cleat_connection *self, unsigned wants,
                                               cleat_deadline deadline, unsigned *held) {
    unsigned now = self->established ? wants : (unsigned)CLEAT_TURN_BOTH;
    if ((self->turns.held & now) != 0 || self->turns.first != NULL) {
        return cleat_turn_wait(self, now, wants, deadline, held);
    }
    self->turns.held |= now;
    *held = now;
    return CLEAT_OK;
}

static inline void cleat_connection_release(struct cleat_connection *self, unsigned held) {
    cleat_turn_release(&self->turns, held);
}

/* cleat_connection_begin prepares a call of BoringSSL: it clears the error queue and the transport's error. */
static inline void cleat_connection_begin(struct cleat_connection *self,
                                          enum cleat_transport_mode mode) {
    cleat_error_clear_queue();
    cleat_transport_begin(&self->transport, mode);
}

/* cleat_connection_map_error maps a failed SSL_* result to a status: CLEAT_WANT_*, 0 for the peer's close_notify, or
 * an error. what: the name of the SSL_* function. */
int32_t cleat_connection_map_error(const struct cleat_connection *self, int result,
                                   const char *what);

/* cleat_connection_fail_tls reports BoringSSL's error and, if a certificate was refused, the verify code. */
int32_t cleat_connection_fail_tls(const struct cleat_connection *self, const char *what);

/* cleat_connection_is_want returns whether a status means that the call can be retried later. */
bool cleat_connection_is_want(int32_t status);

/* cleat_connection_after_failure sends the alert that BoringSSL has buffered because of the error that status
 * reports, and shuts down the sending direction so that the alert arrives. */
void cleat_connection_after_failure(struct cleat_connection *self, int32_t status);

/* cleat_connection_refuse sends a fatal alert in the same way. */
void cleat_connection_refuse(struct cleat_connection *self, uint8_t alert);

/* cleat_connection_is_pause returns whether a status means that the handshake waits for the caller's answer. */
bool cleat_connection_is_pause(int32_t status);

/* cleat_connection_wait waits until the transport is ready for BoringSSL to continue. See cleat_transport_wait. */
int32_t cleat_connection_wait(struct cleat_connection *self, int32_t want, cleat_deadline deadline);

/* cleat_connection_flush sends what is buffered at the time of the call. CLEAT_OK; CLEAT_WANT_WRITE; CLEAT_TIMEOUT;
 * CLEAT_CLOSED; CLEAT_SYS. */
int32_t cleat_connection_flush(struct cleat_connection *self, cleat_deadline deadline);

/* cleat_connection_step continues an unfinished handshake without waiting: until it is done, needs more input, can
 * send a client's early data, or has read all of it on a server. CLEAT_OK, CLEAT_WANT_*, or the handshake's error. */
int32_t cleat_connection_step(struct cleat_connection *self, enum cleat_transport_mode mode);

/* cleat_connection_establish performs the handshake if it is not done. The caller must have both turns unless the
 * handshake is done. */
int32_t cleat_connection_establish(struct cleat_connection *self, cleat_deadline deadline);

/* cleat_connection_closed_or replaces a failure by CLEAT_CLOSED if the connection's id was closed during the call:
 * cleat_close shuts the socket down to wake the call, which then sees an end or error of the transport that the peer
 * has not caused. */
static inline int32_t cleat_connection_closed_or(const struct cleat_connection *self,
                                                 int32_t status) {
    return status >= 0 || !cleat_object_is_closed(&self->object) ? status : cleat_fail_closed();
}

int32_t cleat_fail_shut_down(void); /* both sides have sent close_notify, or this one has */

#endif
