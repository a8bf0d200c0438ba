/* staple.h: what a server sends with its certificate, and what it was sent. */
#ifndef CLEAT_CORE_STAPLE_H
#define CLEAT_CORE_STAPLE_H

#include <stdbool.h>

#include "base/boringssl.h"
#include "cleat/staple.h"

/* What is stapled to one credential. The buffers are immutable, and shared by the configurations. */
struct cleat_staples {
    CRYPTO_BUFFER *ocsp_response; /* NULL if none */
    CRYPTO_BUFFER *scts; /* likewise */
};

/* cleat_staples_clear frees what there is. */
void cleat_staples_clear(struct cleat_staples *staples);

/* cleat_staples_use returns whether servers of ssl_ctx, which has the credential, now send the staples. */
bool cleat_staples_use(const struct cleat_staples *staples, SSL_CTX *ssl_ctx);

#endif
