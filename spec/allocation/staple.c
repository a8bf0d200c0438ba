/* staple.c: OCSP responses and timestamps. */
#include <string.h>

#include "../c/ca.h"
#include "../c/expect.h"
#include "../c/ocsp_made.h"
#include "scenario.h"
#include "tls/context.h"

static struct ca_certificate root;
static struct ca_certificate leaf;
static uint8_t *response;
static size_t response_len;
static int32_t context;
static int32_t ids[2];

void staple_scenarios_begin(void) {
    const struct ca_request ca = {.name = "root", .serial = 1, .ends = 100000, .is_ca = true};
    const struct ca_request host = {.name = "localhost", .serial = 2, .ends = 100000};
    root = ca_issue(&ca, NULL);
    leaf = ca_issue(&host, &root);
    response = ocsp_made(&root, leaf.x509, NULL, 0, &response_len);
}

void staple_scenarios_end(void) {
    OPENSSL_free(response);
    ca_free(&leaf);
    ca_free(&root);
}

static int32_t open_certificate(X509 *x509) {
    uint8_t *der = NULL;
    int len = i2d_X509(x509, &der);
    int32_t id = cleat_certificate_from_der((const char *)der, len);
    OPENSSL_free(der);
    EXPECT(id > 0);
    return id;
}

static void open_both(void) {
    ids[0] = open_certificate(leaf.x509);
    ids[1] = open_certificate(root.x509);
}

static void close_both(void) {
    EXPECT(cleat_close(ids[0]) == CLEAT_OK && cleat_close(ids[1]) == CLEAT_OK);
}

/* Whichever allocation fails, no invalid response is accepted, and no valid one is refused. */
static int32_t act_check(void) {
    double times[3];
    int32_t reason;
    return cleat_ocsp_check((const char *)response, (int32_t)response_len, ids[0], ids[1],
                            &times[0], &times[1], &times[2], &reason);
}

static void open_server(void) {
    context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(context > 0);
    ca_load(context, &leaf);
}

static void close_server(void) {
    EXPECT(cleat_close(context) == CLEAT_OK);
}

static int32_t act_set_response(void) {
    return cleat_context_set_ocsp_response(context, (const char *)response, (int32_t)response_len);
}

static int32_t act_set_scts(void) {
    return cleat_context_set_scts(context, "\0\5\0\3abc", 7);
}

/* This makes the configuration. */
static int32_t act_use(void) {
    int32_t status = act_set_response();
    if (status >= 0) status = act_set_scts();
    if (status >= 0) status = cleat_context_cipher_count(context);
    return status < 0 ? status : CLEAT_OK;
}

const struct scenario staple_scenarios[] = {
    {"ocsp_check", open_both, act_check, close_both, 0, true},
    {"context_set_ocsp_response", open_server, act_set_response, close_server, 0, true},
    {"context_set_scts", open_server, act_set_scts, close_server, 0, true},
    {"context_set_ocsp_response: used", open_server, act_use, close_server, 0, true},
    {NULL, NULL, NULL, NULL, 0, false},
};
