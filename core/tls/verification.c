#include "tls/verification.h"

#include <string.h>

#include "base/argument.h"
#include "base/memory.h"
#include "cleat/verification.h"
#include "tls/connection.h"
#include "tls/verify.h"
#include "x509/certificate.h"
#include "x509/chain_bytes.h"

static void verification_destroy(struct cleat_object *object) {
    struct cleat_verification *self = (void *)object; /* its first member */
    cleat_chain_bytes_free(self->sent);
    cleat_chain_bytes_free(self->verified);
    cleat_chain_bytes_free(self->refused);
    cleat_release(self->name);
    cleat_release(self);
}

struct cleat_verification *cleat_verification_make(const char *name, STACK_OF(CRYPTO_BUFFER) * sent,
                                                   STACK_OF(CRYPTO_BUFFER) * verified,
                                                   STACK_OF(CRYPTO_BUFFER) * refused) {
    struct cleat_verification *self = cleat_allocate(sizeof *self);
    size_t len = name == NULL ? 0 : strlen(name) + 1;
    if (self == NULL) {
        cleat_chain_bytes_free(sent);
        cleat_chain_bytes_free(verified);
        cleat_chain_bytes_free(refused);
        return NULL;
    }
    cleat_object_init(&self->object, CLEAT_KIND_VERIFICATION, verification_destroy);
    self->sent = sent;
    self->verified = verified;
    self->refused = refused;
    if (len > 0) self->name = cleat_allocate(len);
    if (sent != NULL && verified != NULL && refused != NULL && (len == 0 || self->name != NULL)) {
        if (len > 0) memcpy(self->name, name, len);
        return self;
    }
    cleat_object_unref(&self->object);
    return NULL;
}

static int32_t open_connection(const struct cleat_connection *connection) {
    struct cleat_verification *self;
    if (!connection->was_verified && connection->verify_error.error == X509_V_OK) {
        return cleat_fail_usage(0, "the peer was not verified");
    }
    cleat_error_clear_queue();
    self = cleat_verification_make(
        cleat_verify_name(connection),
        cleat_chain_bytes_ref(SSL_get0_peer_certificates(connection->ssl)),
        cleat_chain_bytes_ref(NULL), cleat_chain_bytes_ref(connection->refused_chain));
    if (self == NULL) return cleat_fail_nomem();
    self->error = connection->verify_error;
    self->ocsp_fault = connection->ocsp_fault;
    if (connection->verify_faults != NULL) self->faults = *connection->verify_faults;
    return cleat_handle_open(&self->object);
}

int32_t cleat_connection_verification(int32_t connection) {
    int32_t result;
    CLEAT_BEGIN(connection);
    result = open_connection(self);
    CLEAT_END(result);
}

int32_t cleat_verification_result(int32_t verification) {
    struct cleat_verification *self;
    int32_t result = CLEAT_OK;
    CLEAT_FIND(self, verification, CLEAT_KIND_VERIFICATION);
    if (self->error.error != X509_V_OK) {
        char text[256];
        cleat_verify_write(&self->error, self->name, self->ocsp_fault, text, sizeof text);
        cleat_error_clear_queue();
        ERR_put_error(ERR_LIB_SSL, 0, SSL_R_CERTIFICATE_VERIFY_FAILED, __FILE__, __LINE__);
        result = cleat_fail_tls("X509_verify_cert", cleat_verify_error_number(&self->error), text);
    }
    CLEAT_DONE(self);
    return result;
}

static int32_t count_of(const struct cleat_verification *self) {
    if (self->error.error == X509_V_OK) return 0;
    return self->faults.count > 0 ? self->faults.count : 1;
}

static const struct cleat_verify_error *fault_at(const struct cleat_verification *self,
                                                 int32_t index) {
    return index == 0 ? &self->error : &self->faults.list[index];
}

int32_t cleat_verification_error_count(int32_t verification) {
    struct cleat_verification *self;
    int32_t result;
    CLEAT_FIND(self, verification, CLEAT_KIND_VERIFICATION);
    result = count_of(self);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_verification_error(int32_t verification, int32_t index, char *output,
                                 int32_t output_cap, int32_t *code, int32_t *depth) {
    struct cleat_verification *self;
    int32_t result;
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_CHECK_POINTER(5, code);
    CLEAT_CHECK_POINTER(6, depth);
    CLEAT_FIND(self, verification, CLEAT_KIND_VERIFICATION);
    if (index < 0 || index >= count_of(self)) {
        result = cleat_fail_usage(2, "index out of range");
    } else {
        const struct cleat_verify_error *error = fault_at(self, index);
        char text[256];
        cleat_verify_write(error, self->name, self->ocsp_fault, text, sizeof text);
        *code = cleat_verify_error_number(error);
        *depth = error->depth;
        result = cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
    }
    CLEAT_DONE(self);
    return result;
}

/* NULL if there is none. If no chain was built, only the certificate that was verified is known. */
static CRYPTO_BUFFER *certificate_at(const struct cleat_verification *self, int depth) {
    const STACK_OF(CRYPTO_BUFFER) *chain = self->refused;
    if (sk_CRYPTO_BUFFER_num(chain) == 0 && depth == 0) chain = self->sent;
    return depth >= 0 ? sk_CRYPTO_BUFFER_value(chain, (size_t)depth) : NULL;
}

int32_t cleat_verification_error_certificate(int32_t verification, int32_t index) {
    struct cleat_verification *self;
    int32_t result = 0;
    CLEAT_FIND(self, verification, CLEAT_KIND_VERIFICATION);
    cleat_error_clear_queue();
    if (index < 0 || index >= count_of(self)) {
        result = cleat_fail_usage(2, "index out of range");
    } else {
        CRYPTO_BUFFER *certificate = certificate_at(self, fault_at(self, index)->depth);
        if (certificate != NULL) result = cleat_certificate_open_buffer(certificate);
    }
    CLEAT_DONE(self);
    return result;
}

static const STACK_OF(CRYPTO_BUFFER) *
    chain_of(const struct cleat_verification *self, int32_t which) {
    return which == CLEAT_CHAIN_SENT ? self->sent : self->verified;
}

int32_t cleat_verification_chain_count(int32_t verification, int32_t which) {
    struct cleat_verification *self;
    int32_t result;
    CLEAT_CHECK_RANGE(2, which, CLEAT_CHAIN_SENT, CLEAT_CHAIN_VERIFIED);
    CLEAT_FIND(self, verification, CLEAT_KIND_VERIFICATION);
    result = (int32_t)sk_CRYPTO_BUFFER_num(chain_of(self, which));
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_verification_chain_certificate(int32_t verification, int32_t which, int32_t index) {
    struct cleat_verification *self;
    const STACK_OF(CRYPTO_BUFFER) * chain;
    int32_t result;
    CLEAT_CHECK_RANGE(2, which, CLEAT_CHAIN_SENT, CLEAT_CHAIN_VERIFIED);
    CLEAT_FIND(self, verification, CLEAT_KIND_VERIFICATION);
    chain = chain_of(self, which);
    cleat_error_clear_queue();
    if (index < 0 || (size_t)index >= sk_CRYPTO_BUFFER_num(chain)) {
        result = cleat_fail_usage(3, "index out of range");
    } else {
        result = cleat_certificate_open_buffer(sk_CRYPTO_BUFFER_value(chain, (size_t)index));
    }
    CLEAT_DONE(self);
    return result;
}
