#include "x509/verification.h"

#include "base/memory.h"

static void close_directories(struct cleat_trust *trust, struct cleat_chain_request *request) {
    size_t i;
    for (i = 0; i < request->directory_count; i++) {
        if (request->directories[i] == NULL) continue;
        cleat_trust_record_found(trust, request->directories[i]);
        X509_STORE_free(request->directories[i]);
    }
    cleat_release(request->directories);
    if (request->store != NULL) cleat_trust_record_found(trust, request->store);
    X509_STORE_free(request->store);
    request->store = NULL;
    request->directories = NULL;
    request->directory_count = 0;
}

static bool open_directories(struct cleat_trust *trust, struct cleat_chain_request *request) {
    size_t count = cleat_trust_directory_count(trust);
    bool opened;
    request->store = cleat_trust_open_directories(trust);
    request->directories = cleat_allocate(count * sizeof *request->directories);
    opened = request->store != NULL && request->directories != NULL;
    for (; opened && request->directory_count < count; request->directory_count++) {
        size_t index = request->directory_count;
        request->directories[index] = cleat_trust_open_directory(trust, index);
        if (request->directories[index] == NULL) return false;
    }
    return opened;
}

/* The error is that of this run: the first path may use a directory. */
static bool run_with_directories(struct cleat_trust *trust, struct cleat_chain_request *request,
                                 struct cleat_verify_error *error) {
    bool accepted = false;
    request->used_directories = true;
    if (open_directories(trust, request)) {
        accepted = cleat_path_verify(request, error);
    } else {
        *error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
    }
    close_directories(trust, request);
    return accepted;
}

bool cleat_verification_run(struct cleat_trust *trust, struct cleat_chain_request *request,
                            struct cleat_verify_error *error) {
    unsigned long flags = X509_VERIFY_PARAM_get_flags(request->param);
    request->store = cleat_trust_store(trust);
    request->directories = NULL;
    request->directory_count = 0;
    request->used_directories = false;
    if (cleat_trust_directory_count(trust) == 0) return cleat_path_verify(request, error);
    /* A revocation list in a directory may revoke a certificate of a chain that is valid without it. The path search
     * runs only once: with the directories. */
    if ((flags & X509_V_FLAG_CRL_CHECK) == 0) {
        if (cleat_chain_verify(request, NULL, NULL, error)) return true;
        if (cleat_path_is_final(error)) return false;
    }
    return run_with_directories(trust, request, error);
}

void cleat_verification_faults(struct cleat_trust *trust, struct cleat_chain_request *request,
                               struct cleat_verify_faults *faults) {
    struct cleat_verify_error ignored;
    request->faults = faults;
    if (cleat_trust_directory_count(trust) == 0) {
        request->store = cleat_trust_store(trust);
        (void)cleat_chain_verify(request, NULL, NULL, &ignored);
    } else {
        if (open_directories(trust, request)) {
            (void)cleat_chain_verify(request, NULL, NULL, &ignored);
        }
        close_directories(trust, request);
    }
    request->faults = NULL;
}
