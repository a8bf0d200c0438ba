/* context.h: contexts, which are builders of configurations. */
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
    pthread_mutex_t lock; /* for the fields below */
    uint8_t number[CLEAT_CONTEXT_NUMBER]; /* random; identifies the context in its sessions */
    bool has_number; /* number is set; true from the first configuration on */
    struct cleat_settings settings;
    char *ciphers; /* NULL for the default list */
    struct cleat_alpn *alpn; /* NULL if none */
    struct cleat_alpn *npn; /* likewise */
    struct cleat_key_log *key_log; /* likewise */
    struct cleat_credentials *credentials; /* likewise */
    struct cleat_peer_keys *peer_keys; /* likewise */
    SSL_ECH_KEYS *ech_keys; /* likewise; never modified */
    struct cleat_trust_sources sources;
    struct cleat_trust *trust; /* made from sources; NULL if they have changed since */
    /* Made from all of the above; NULL if something has changed since. */
    struct cleat_configuration *configuration;
};

/* The frame of functions that read or change settings: CLEAT_CONTEXT_BEGIN declares self, finds the context by its
 * id and locks it; CLEAT_CONTEXT_END evaluates result, unlocks the context and returns result. */
#define CLEAT_CONTEXT_BEGIN(context)                                                               \
    struct cleat_context *self;                                                                    \
    CLEAT_FIND(self, (context), CLEAT_KIND_CONTEXT);                                               \
    pthread_mutex_lock(&self->lock)

#define CLEAT_CONTEXT_END(result)                                                                  \
    do {                                                                                           \
        const int32_t result_ = (result);                                                          \
        pthread_mutex_unlock(&self->lock);                                                         \
        CLEAT_DONE(self);                                                                          \
        return result_;                                                                            \
    } while (0)

/* cleat_context_check returns CLEAT_OK if the id is a context's. Functions that read files call it before. */
int32_t cleat_context_check(int32_t context);

/* cleat_context_change_credentials calls `change` to modify a copy of the context's credentials, and replaces them
 * by the copy. It acquires the lock. Returns CLEAT_OK, or CLEAT_NOMEM with the credentials unchanged. */
int32_t cleat_context_change_credentials(struct cleat_context *context,
                                         void (*change)(struct cleat_credentials *set,
                                                        void *argument),
                                         void *argument);

/* cleat_context_ref_configuration returns CLEAT_OK and a reference to the configuration of the present settings. It
 * acquires the lock. CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_context_ref_configuration(struct cleat_context *context,
                                        struct cleat_configuration **configuration);

/* The functions below must be called with the lock held. */

/* cleat_context_changed must be called after each change of a setting. */
void cleat_context_changed(struct cleat_context *context);

/* cleat_context_replace_credentials replaces the credentials, and takes over the caller's reference. */
void cleat_context_replace_credentials(struct cleat_context *context,
                                       struct cleat_credentials *credentials);

/* cleat_settings_replace returns CLEAT_OK and replaces the settings if cleat_settings_check accepts them. CLEAT_SSL. */
int32_t cleat_settings_replace(struct cleat_context *context,
                               const struct cleat_settings *settings);

/* cleat_context_sources_changed must be called after each change of the sources. */
void cleat_context_sources_changed(struct cleat_context *context);

/* cleat_context_trust returns CLEAT_OK and the trust object, which the context owns. CLEAT_NOMEM. */
int32_t cleat_context_trust(struct cleat_context *context, struct cleat_trust **trust);

/* cleat_context_configuration returns CLEAT_OK and the configuration of the present settings, which the context
 * owns. CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_context_configuration(struct cleat_context *context,
                                    struct cleat_configuration **configuration);

#endif
