/* connection.h: connections, as the files of the core see them. */
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

/* What a handshake waits for: it returns the CLEAT_WANT_* of its pause until that is answered. */
enum cleat_pause {
    CLEAT_PAUSE_NONE,
    CLEAT_PAUSE_SERVER_NAME,
    CLEAT_PAUSE_VERIFY,
    CLEAT_PAUSE_SESSION,
    CLEAT_PAUSE_SIGNATURE,
    CLEAT_PAUSE_PSK
};

/* Of a connection that may need a pre-shared key: see psk.c. */
struct cleat_psk {
    struct cleat_handshake_tap tap;
    char identity[CLEAT_PSK_IDENTITY_MAX]; /* a client's answer */
    uint8_t identity_len;
    uint16_t key_len; /* 0 until the caller has answered */
    uint8_t key[CLEAT_PSK_KEY_MAX];
    bool was_used; /* BoringSSL has taken the key */
};

struct cleat_connection {
    struct cleat_object object;
    pthread_mutex_t lock; /* for all below; never held while waiting for the network */
    SSL *ssl;
    struct cleat_configuration *configuration; /* what it is negotiated with */
    struct cleat_configuration *initial; /* the one that it was made from; a server may switch */
    struct cleat_socket *socket; /* held open; NULL over a foreign descriptor or memory */
    struct cleat_turns turns;
    struct cleat_transport transport;
    struct cleat_unacknowledged unacknowledged; /* see connection_io.c */
    char *server_hostname; /* a client's, as given; NULL if none */
    uint8_t *ech_configs; /* the list that a client encrypts its ClientHello by; NULL if none */
    size_t ech_configs_len;
    char *ech_public_name; /* the name that its server answers under; NULL: the server's own */
    bool ech_rejected; /* the handshake has failed because of that */
    int32_t verify_mode; /* that of the configuration, or of a stricter one before it */
    int32_t verify_flags; /* likewise */
    struct cleat_verify_error verify_error; /* why the peer was refused */
    struct cleat_verify_faults *verify_faults; /* all reasons, if a caller may read them; or NULL */
    STACK_OF(CRYPTO_BUFFER) * refused_chain; /* the one that they are about; NULL if none */
    int32_t verify_events; /* those of the configurations: see connection.c */
    bool tolerates_refusals; /* likewise */
    bool was_verified; /* there is a verdict: verify_error */
    bool verify_answered; /* the caller has accepted, and BoringSSL has not asked again yet */
    bool resumed_verified; /* a server has accepted the client of a resumed session */
    enum cleat_ocsp_fault ocsp_fault; /* what was wrong with the OCSP response then */
    struct cleat_signature
        *signature; /* what is to be signed in the pause for it, or was; NULL if none */
    struct cleat_psk *psk; /* NULL once the handshake is done, and if it takes no key */
    STACK_OF(X509) * verified_chain; /* NULL until it is asked for: see connection_chain.c */
    SSL_SESSION *session; /* the newest that a client was given; NULL if none: see session.c */
    SSL_SESSION *given; /* the one that the caller has given to it; NULL if none */
    int64_t verified_until; /* when what was verified ends, in seconds of the wall clock */
    int32_t peer_port; /* of a client, known once the handshake has begun; 0 over memory */
    struct cleat_queue early; /* early data that a server has received and not returned yet */
    int32_t early_state; /* CLEAT_EARLY_DATA_* */
    int32_t early_sent; /* bytes of it that a client has sent */
    bool early_allowed; /* on a server, by all contexts that it has had */
    bool early_offered; /* a client has announced some */
    bool early_over; /* no more of it can be sent, or come */
    bool restricts_groups; /* a client offers more groups than it takes: see group.c */
    uint16_t signed_with; /* IANA's number of the own signature's algorithm; 0 if there was none */
    uint32_t shared_suites; /* of a server: see shared_cipher.c */
    const struct cleat_credential
        *credential; /* that was chosen; NULL if none: see credentials.h */
#if !CLEAT_HAS_SSL_CREDENTIAL
    uint32_t offered_groups; /* likewise: see credential_choice.c */
#endif
    int32_t alert_sent; /* the last one and 1; 0 if there was none: see alert.c */
    int32_t alert_received; /* likewise */
    bool server_side;
    bool begun; /* the handshake was counted */
    bool offered; /* a session was offered */
    bool knows_tickets; /* a server's client accepts tickets of TLS 1.2 */
    bool offered_expired; /* likewise, and the session's time was over */
    struct cleat_offered_ticket *offered_ticket; /* NULL if there is none: see offered_ticket.h */
    struct cleat_message_queue messages; /* empty unless the context has asked for them */
    struct cleat_session_talk *session_talk; /* NULL unless there is one: see session_store.c */
    struct cleat_alpn *offered_alpn; /* while the handshake stops there; NULL if none */
    struct cleat_alpn *own_alpn; /* in place of the configuration's, if chooses_alpn; NULL: none */
    bool chooses_alpn;
    bool asks_for_name; /* a server's handshake stops at the ClientHello */
    enum cleat_pause pause; /* what the handshake waits for */
    enum cleat_pause refused_at; /* the answer to this was an alert */
    bool has_hello; /* a server has read the ClientHello */
    bool gave_tickets; /* a TLS 1.3 server's session tickets are buffered */
    bool verified; /* the peer's certificate was accepted by a verification */
    bool established; /* the handshake is done and the peer verified */
    bool unread_tickets; /* a TLS 1.3 client has not read since the handshake */
    bool between_records; /* the last read left nothing but what is pending */
    bool closing; /* this side has sent close_notify */
    bool peer_closed; /* the peer's was received */
    bool over; /* both sides have sent close_notify */
    bool keeps_messages; /* see message_queue.h */
    bool failed; /* by a fatal alert, of this side or of the peer */
};

/* The frame of the exported functions: CLEAT_BEGIN declares self, the connection with the id,
 * locked; CLEAT_END unlocks it and returns result. */
#define CLEAT_BEGIN(connection)                                                                    \
    struct cleat_connection *self;                                                                 \
    CLEAT_FIND(self, (connection), CLEAT_KIND_CONNECTION);                                         \
    pthread_mutex_lock(&self->lock)

/* CLEAT_BEGIN_IN_MEMORY is the same for functions without a cancellation point, and for those that say
 * CLEAT_NO_CANCEL_IF afterwards. */
#define CLEAT_BEGIN_IN_MEMORY(connection)                                                          \
    struct cleat_connection *self;                                                                 \
    CLEAT_PIN(self, (connection), CLEAT_KIND_CONNECTION);                                          \
    pthread_mutex_lock(&self->lock)

#define CLEAT_END(result)                                                                          \
    do {                                                                                           \
        pthread_mutex_unlock(&self->lock);                                                         \
        CLEAT_DONE(self);                                                                          \
        return (result);                                                                           \
    } while (0)

/* cleat_connection_credential returns the credential that the handshake of the connection's ssl presents, NULL if there
 * is none (yet). It may be called in BoringSSL's callbacks. */
static inline const struct cleat_credential *
cleat_connection_credential(const struct cleat_connection *self, const SSL *ssl) {
    return cleat_credentials_selected(
        cleat_configuration_credentials(self->configuration, self->server_side), ssl);
}

/* cleat_cipher_name returns OpenSSL's name of a suite. */
const char *cleat_cipher_name(const SSL_CIPHER *cipher);

/* cleat_shared_suites returns the set of suites that a ClientHello and the server it came to
 * have in common, for shared_suites. */
uint32_t cleat_shared_suites(const SSL_CLIENT_HELLO *hello);

/* cleat_has_shared_suite returns whether there is one with this key exchange and authentication, by NID, for the
 * version that was negotiated. */
bool cleat_has_shared_suite(const struct cleat_connection *self, int key_exchange,
                            int authentication);

/* The functions below are called with the lock held, and for connection_*.c only. */

#define CLEAT_WANTS_READ CLEAT_STATUS(CLEAT_WANT_READ, 0)
#define CLEAT_WANTS_WRITE CLEAT_STATUS(CLEAT_WANT_WRITE, 0)
#define CLEAT_WANTS_SERVER_NAME CLEAT_STATUS(CLEAT_WANT_SERVER_NAME, 0)
#define CLEAT_WANTS_SESSION CLEAT_STATUS(CLEAT_WANT_SESSION, 0)
#define CLEAT_WANTS_VERIFY CLEAT_STATUS(CLEAT_WANT_VERIFY, 0)
#define CLEAT_WANTS_SIGNATURE CLEAT_STATUS(CLEAT_WANT_SIGNATURE, 0)
#define CLEAT_WANTS_PSK CLEAT_STATUS(CLEAT_WANT_PSK, 0)

/* cleat_connection_acquire waits until the call has the turns that it wants, or both if the
 * handshake is not done; *held is what it has then. CLEAT_OK; CLEAT_WANT_* if the turn is taken
 * and there is no waiting; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_NOMEM. */
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

/* cleat_connection_begin clears what a call of the library may leave behind. */
static inline void cleat_connection_begin(struct cleat_connection *self,
                                          enum cleat_transport_mode mode) {
    cleat_error_clear_queue();
    cleat_transport_begin(&self->transport, mode);
}

/* cleat_connection_map_error returns the status for a result of the library that is no success:
 * CLEAT_WANT_*, 0 for the peer's close_notify, or an error. what names the call. */
int32_t cleat_connection_map_error(const struct cleat_connection *self, int result,
                                   const char *what);

/* cleat_connection_fail_tls reports the library's error, and why a certificate was refused. */
int32_t cleat_connection_fail_tls(const struct cleat_connection *self, const char *what);

/* cleat_connection_is_want returns whether a status means that the call can go on later. */
bool cleat_connection_is_want(int32_t status);

/* cleat_connection_after_failure sends the alert that the library has buffered with the error that
 * status reports, and sees to it that it arrives. */
void cleat_connection_after_failure(struct cleat_connection *self, int32_t status);

/* cleat_connection_refuse sends a fatal alert and sees to it that it arrives. */
void cleat_connection_refuse(struct cleat_connection *self, uint8_t alert);

/* cleat_connection_is_pause returns whether a status means that the caller is to answer. */
bool cleat_connection_is_pause(int32_t status);

/* cleat_connection_wait waits for what the library wants. See cleat_transport_wait. */
int32_t cleat_connection_wait(struct cleat_connection *self, int32_t want, cleat_deadline deadline);

/* cleat_connection_flush sends what is buffered now. CLEAT_OK; CLEAT_WANT_WRITE; CLEAT_TIMEOUT;
 * CLEAT_CLOSED; CLEAT_SYS. */
int32_t cleat_connection_flush(struct cleat_connection *self, cleat_deadline deadline);

/* cleat_connection_step does a part of the handshake, which is not done, without waiting: up to its
 * end, the next bytes of the network, a client's early data or the end of a server's. CLEAT_OK,
 * CLEAT_WANT_*, or the handshake's error. */
int32_t cleat_connection_step(struct cleat_connection *self, enum cleat_transport_mode mode);

/* cleat_connection_establish does the handshake if it is not done. The caller has both turns, or
 * the handshake is done. */
int32_t cleat_connection_establish(struct cleat_connection *self, cleat_deadline deadline);

/* cleat_connection_closed_or returns CLEAT_CLOSED in place of a failure if the connection's id was
 * closed in the middle of the call: cleat_close shuts the socket down to wake the call, and the end
 * or error of the network that it sees then is not the peer's. */
static inline int32_t cleat_connection_closed_or(const struct cleat_connection *self,
                                                 int32_t status) {
    return status >= 0 || !cleat_object_is_closed(&self->object) ? status : cleat_fail_closed();
}

int32_t cleat_fail_shut_down(void); /* both sides have sent close_notify, or this one has */

#endif
