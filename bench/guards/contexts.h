/* contexts.h: a client's and a server's context, and how these programs end when something fails. */
#ifndef CLEAT_BENCH_CONTEXTS_H
#define CLEAT_BENCH_CONTEXTS_H

#include <cleat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_ROOM = 512 };

static int32_t client_context;
static int32_t server_context;

static int32_t check(int32_t result, const char *what) {
    char text[512];
    int32_t len;
    if (result >= 0) return result;
    len = cleat_error_message(text, sizeof text);
    fprintf(stderr, "%s: %d: %.*s\n", what, (int)result, (int)(len < 512 ? len : 512), text);
    exit(1);
}

/* pki: the directory of the certificates. */
static void make_contexts(const char *pki) {
    char root[PATH_ROOM];
    char chain[PATH_ROOM];
    char key[PATH_ROOM];
    snprintf(root, sizeof root, "%s/root.pem", pki);
    snprintf(chain, sizeof chain, "%s/server-ec.pem", pki);
    snprintf(key, sizeof key, "%s/server-ec.key", pki);
    client_context = check(cleat_context_new(CLEAT_PROTOCOL_TLS), "context");
    server_context = check(cleat_context_new(CLEAT_PROTOCOL_TLS), "context");
    check(cleat_context_load_verify_file(client_context, root, (int32_t)strlen(root)), root);
    check(cleat_context_set_verify_mode(client_context, CLEAT_CERT_REQUIRED), "verify_mode");
    check(cleat_context_set_check_hostname(client_context, 1), "check_hostname");
    check(cleat_context_load_cert_chain(server_context, chain, (int32_t)strlen(chain), key,
                                        (int32_t)strlen(key), NULL, 0),
          chain);
    check(cleat_context_set_ecdh_curve(client_context, "X25519", 6), "curve");
    check(cleat_context_set_ecdh_curve(server_context, "X25519", 6), "curve");
}

#endif
