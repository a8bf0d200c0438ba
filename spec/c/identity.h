/* identity.h: a certificate for "localhost" and its key, made for this run. */
#ifndef CLEAT_SPEC_IDENTITY_H
#define CLEAT_SPEC_IDENTITY_H

#include <stdint.h>

/* identity_contexts makes a server's context with the certificate and a client's that trusts and checks it. */
void identity_contexts(int32_t *server, int32_t *client);

#endif
