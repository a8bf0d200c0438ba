/* key_log.h: files with the secrets of connections. */
#ifndef CLEAT_CORE_KEY_LOG_H
#define CLEAT_CORE_KEY_LOG_H

#include "base/boringssl.h"
#include "cleat/key_log.h"

/* An open file. Contexts and their configurations share it; it is closed with its last reference. */
struct cleat_key_log;

struct cleat_key_log *cleat_key_log_ref(struct cleat_key_log *key_log); /* NULL is none */
void cleat_key_log_unref(struct cleat_key_log *key_log); /* likewise */

/* cleat_key_log_set_up lets connections of ssl_ctx write to the key log of their configuration, which must have one. */
void cleat_key_log_set_up(SSL_CTX *ssl_ctx);

#endif
