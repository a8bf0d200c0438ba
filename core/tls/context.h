/* context.h: contexts: builders of configurations. */
#ifndef CLEAT_CORE_CONTEXT_H
#define CLEAT_CORE_CONTEXT_H

#include <pthread.h>

#include "base/boringssl.h"
#include "base/handle.h"
#include "cleat/context.h"
#include "tls/configuration.h"

struct cleat_context {
    struct cleat_object object;
    int32_t protocol;
    struct cleat_sessions *sessions;
    struct cleat_client_sessions *client_sessions;
    pthread_mutex_t lock; /* for what follows */
    uint8_t number[CLEAT_CONTEXT_NUMBER]; /* at random, for its sessions */
    bool has_number; /* since the first configuration */
    struct cleat_settings settings;
    char *ciphers; /* NULL for the default ones */
    struct cleat_alpn *alpn; /* NULL if none */
    struct cleat_alpn *npn; /* likewise */
    struct cleat_key_log *key_log; /* likewise */
    struct cleat_credentials *credentials; /* likewise */
    struct cleat_peer_keys *peer_keys; /* likewise */
    SSL_ECH_KEYS *ech_keys; /* likewise; never modified */
    struct cleat_trust_sources sources;
    struct cleat_trust *trust; /* made of sources; NULL: not made since they were changed */
    struct cleat_configuration *configuration; /* of all of it; NULL likewise */
};

/* The frame of functions that read or change settings: CLEAT_CONTEXT_BEGIN declares self, the context
 * with the id, locked; CLEAT_CONTEXT_END unlocks it and returns result. */
#define CLEAT_CONTEXT_BEGIN(context)                                                               \
    struct cleat_context *self;                                                                    \
    CLEAT_FIND(self, (context), CLEAT_KIND_CONTEXT);                                               \
    pthread_mutex_lock(&self->lock)

#define CLEAT_CONTEXT_END(result)                                                                  \
    do {                                                                                           \
        pthread_mutex_unlock(&self->lock);                                                         \
        CLEAT_DONE(self);                                                                          \
        return (result);                                                                           \
    } while (0)

/* cleat_context_change_credentials has `change` modify a copy of the context's credentials, which it makes the
 * context's. It takes the lock. Returns CLEAT_OK, or CLEAT_NOMEM with the credentials as they were. */
int32_t cleat_context_change_credentials(struct cleat_context *context,
                                         void (*change)(struct cleat_credentials *set,
                                                        void *argument),
                                         void *argument);

/* The functions below are called with the lock. */

/* cleat_context_changed is called after each change of a setting. */
void cleat_context_changed(struct cleat_context *context);

/* cleat_context_replace_credentials takes over a reference. */
void cleat_context_replace_credentials(struct cleat_context *context,
                                       struct cleat_credentials *credentials);

/* cleat_settings_replace returns CLEAT_OK and replaces the settings, if the policy leaves something of them: see
 * cleat_settings_check. CLEAT_SSL. */
int32_t cleat_settings_replace(struct cleat_context *context,
                               const struct cleat_settings *settings);

/* cleat_context_sources_changed is called after each change of the trust's sources. */
void cleat_context_sources_changed(struct cleat_context *context);

/* cleat_context_trust returns CLEAT_OK and the trust, which stays the context's. CLEAT_NOMEM. */
int32_t cleat_context_trust(struct cleat_context *context, struct cleat_trust **trust);

/* cleat_context_configuration returns CLEAT_OK and the configuration of the settings as they are,
 * which stays the context's. CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_context_configuration(struct cleat_context *context,
                                    struct cleat_configuration **configuration);

#endif
