/* alert.h: the alerts that a connection has sent and received. */
#ifndef CLEAT_CORE_ALERT_H
#define CLEAT_CORE_ALERT_H

#include "base/boringssl.h"

/* cleat_alert_set_up makes connections of ssl_ctx record their alerts. */
void cleat_alert_set_up(SSL_CTX *ssl_ctx);

#endif
