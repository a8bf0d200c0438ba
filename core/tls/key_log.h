/* key_log.h: key log files. */
#ifndef CLEAT_CORE_KEY_LOG_H
#define CLEAT_CORE_KEY_LOG_H

#include "base/boringssl.h"
#include "cleat/key_log.h"

/* An open key log file, which contexts and their configurations share. It is closed with its last reference. */
struct cleat_key_log;

struct cleat_key_log *cleat_key_log_ref(struct cleat_key_log *key_log); /* does nothing for NULL */
void cleat_key_log_unref(struct cleat_key_log *key_log); /* likewise */

/* cleat_key_log_set_up makes connections of ssl_ctx write to the key log of their configuration, which must have
 * one. */
void cleat_key_log_set_up(SSL_CTX *ssl_ctx);

#endif
