/* error.c: the thread's record of its last failure, and how BoringSSL's error queue is converted
 * into it. */
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/argument.h"
#include "base/boringssl.h"
#include "base/memory.h"

static _Thread_local struct {
    int32_t status;
    char message[512];
    char library[32];
    char reason[80];
    char verify_message[256];
    char filename[1024];
} last;

static void clear(void) {
    last.message[0] = '\0';
    last.library[0] = '\0';
    last.reason[0] = '\0';
    last.verify_message[0] = '\0';
    last.filename[0] = '\0';
}

static int32_t finish(int32_t class, int32_t value) {
    if (value < 0 || value > 0xffff) value = 0xffff;
    last.status = CLEAT_STATUS(class, value);
    return last.status;
}

int32_t cleat_fail(int32_t class, int32_t value, const char *format, ...) {
    va_list arguments;
    clear();
    va_start(arguments, format);
    vsnprintf(last.message, sizeof last.message, format, arguments);
    va_end(arguments);
    return finish(class, value);
}

int32_t cleat_fail_where(int32_t status, const char *format, ...) {
    size_t used = strlen(last.message);
    va_list arguments;
    if (used + 3 < sizeof last.message) {
        memcpy(last.message + used, ": ", 3);
        va_start(arguments, format);
        vsnprintf(last.message + used + 2, sizeof last.message - used - 2, format, arguments);
        va_end(arguments);
    }
    return status;
}

int32_t cleat_fail_nomem(void) {
    ERR_clear_error();
    return cleat_fail(CLEAT_NOMEM, 0, "out of memory");
}

int32_t cleat_fail_closed(void) {
    return cleat_fail(CLEAT_CLOSED, 0, "closed by another thread");
}

int32_t cleat_fail_errno(int number) {
    return cleat_fail_file(number, "");
}

/* strerror_r is thread-safe in both forms: GNU's returns the text, which need not be in the buffer; POSIX's, which musl
 * has, writes it. */
static const char *errno_text(int number, char *buffer, size_t capacity) {
#ifdef __GLIBC__
    return strerror_r(number, buffer, capacity);
#else
    if (strerror_r(number, buffer, capacity) != 0)
        snprintf(buffer, capacity, "Unknown error %d", number);
    return buffer;
#endif
}

int32_t cleat_fail_file(int number, const char *filename) {
    char buffer[128];
    if (number == ENOMEM) return cleat_fail_nomem();
    clear();
    snprintf(last.message, sizeof last.message, "%s", errno_text(number, buffer, sizeof buffer));
    snprintf(last.filename, sizeof last.filename, "%s", filename);
    return finish(CLEAT_SYS, number);
}

/* BoringSSL of 2023 has no ERR_lib_symbol_name, so the mnemonics of its libraries are listed here. */
static const char *library_name(int library) {
    switch (library) {
        case ERR_LIB_SYS: return "SYS";
        case ERR_LIB_BN: return "BN";
        case ERR_LIB_RSA: return "RSA";
        case ERR_LIB_DH: return "DH";
        case ERR_LIB_EVP: return "EVP";
        case ERR_LIB_BUF: return "BUF";
        case ERR_LIB_OBJ: return "OBJ";
        case ERR_LIB_PEM: return "PEM";
        case ERR_LIB_DSA: return "DSA";
        case ERR_LIB_X509: return "X509";
        case ERR_LIB_ASN1: return "ASN1";
        case ERR_LIB_CONF: return "CONF";
        case ERR_LIB_CRYPTO: return "CRYPTO";
        case ERR_LIB_EC: return "EC";
        case ERR_LIB_SSL: return "SSL";
        case ERR_LIB_BIO: return "BIO";
        case ERR_LIB_PKCS7: return "PKCS7";
        case ERR_LIB_PKCS8: return "PKCS8";
        case ERR_LIB_X509V3: return "X509V3";
        case ERR_LIB_RAND: return "RAND";
        case ERR_LIB_ECDSA: return "ECDSA";
        case ERR_LIB_ECDH: return "ECDH";
        case ERR_LIB_HMAC: return "HMAC";
        case ERR_LIB_DIGEST: return "DIGEST";
        case ERR_LIB_CIPHER: return "CIPHER";
        case ERR_LIB_HKDF: return "HKDF";
        default: return "CRYPTO";
    }
}

/* Stores the reason's mnemonic. BoringSSL's text is the mnemonic, except that a few common reasons have a phrase. */
static void name_reason(uint32_t packed, char *name, size_t size) {
    const char *text = ERR_reason_error_string(packed);
    int reason = ERR_GET_REASON(packed);
    size_t i;
    if (text == NULL || text[0] == '\0' || strncmp(text, "unknown", 7) == 0) {
        if (ERR_GET_LIB(packed) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET) {
            snprintf(name, size, "TLS_ALERT_%d", reason - SSL_AD_REASON_OFFSET);
        } else {
            snprintf(name, size, "REASON_%d", reason);
        }
        return;
    }
    snprintf(name, size, "%s", text);
    for (i = 0; name[i] != '\0'; i++) {
        name[i] = name[i] == ' ' ? '_' : (char)toupper((unsigned char)name[i]);
    }
}

/* Writes the message: "[LIBRARY: REASON] " and the mnemonic as words. */
static void describe(const char *words, const char *detail, const char *file, int line) {
    char text[128];
    const char *base;
    size_t i;
    snprintf(text, sizeof text, "%s", words);
    for (i = 0; text[i] != '\0'; i++) {
        text[i] = text[i] == '_' ? ' ' : (char)tolower((unsigned char)text[i]);
    }
    base = strrchr(file, '/');
    base = base == NULL ? file : base + 1;
    snprintf(last.message, sizeof last.message, "[%s: %s] %s%s%s (%s:%d)", last.library,
             last.reason, text, detail[0] == '\0' ? "" : ": ", detail, base, line);
}

int32_t cleat_fail_named(const char *library, const char *reason, const char *words) {
    clear();
    snprintf(last.library, sizeof last.library, "%s", library);
    snprintf(last.reason, sizeof last.reason, "%s", reason);
    snprintf(last.message, sizeof last.message, "[%s: %s] %s", library, reason, words);
    return finish(CLEAT_SSL, 0);
}

/* One entry of BoringSSL's queue. */
struct entry {
    int library;
    int reason;
    uint32_t packed; /* both; 0 at the end of the queue */
    const char *file;
    int line;
    const char *data; /* "" if it has none; valid until the next pop */
};

static struct entry pop(void) {
    struct entry entry = {0, 0, 0, "", 0, ""};
    const char *data = NULL;
    int flags = 0;
    entry.packed = ERR_get_error_line_data(&entry.file, &entry.line, &data, &flags);
    entry.library = ERR_GET_LIB(entry.packed);
    entry.reason = ERR_GET_REASON(entry.packed);
    if (data != NULL && (flags & ERR_FLAG_STRING) != 0) entry.data = data;
    return entry;
}

static int32_t record(const struct entry *entry) {
    if (entry->library != ERR_LIB_SYS && entry->reason == ERR_R_MALLOC_FAILURE) {
        return cleat_fail(CLEAT_NOMEM, 0, "out of memory"); /* more than a size_t can count */
    }
    if (entry->library == ERR_LIB_SYS && entry->reason != 0) return cleat_fail_errno(entry->reason);
    clear();
    snprintf(last.library, sizeof last.library, "%s", library_name(entry->library));
    name_reason(entry->packed, last.reason, sizeof last.reason);
    describe(last.reason, entry->data, entry->file, entry->line);
    if (entry->library == ERR_LIB_SSL && entry->reason >= SSL_AD_REASON_OFFSET) {
        return finish(CLEAT_ALERT, entry->reason - SSL_AD_REASON_OFFSET);
    }
    return finish(CLEAT_SSL, entry->reason);
}

int32_t cleat_fail_alert(int32_t alert) {
    struct entry entry = {ERR_LIB_SSL, SSL_AD_REASON_OFFSET + alert, 0, __FILE__, __LINE__, ""};
    entry.packed = ERR_PACK(entry.library, entry.reason);
    ERR_clear_error();
    return record(&entry);
}

static int32_t record_nothing(const char *what) {
    clear();
    snprintf(last.library, sizeof last.library, "SSL");
    snprintf(last.reason, sizeof last.reason, "INTERNAL_ERROR");
    snprintf(last.message, sizeof last.message, "[SSL: INTERNAL_ERROR] %s failed", what);
    return finish(CLEAT_SSL, ERR_R_INTERNAL_ERROR);
}

static int32_t record_first(const struct entry *entry, const char *what) {
    return entry->packed == 0 ? record_nothing(what) : record(entry);
}

/* Empties BoringSSL's queue. If an allocation has failed, the status is CLEAT_NOMEM, whatever was queued. */
static int32_t finish_queue(int32_t status) {
    ERR_clear_error();
    return cleat_memory_failed() ? cleat_fail_nomem() : status;
}

int32_t cleat_fail_ssl(const char *what) {
    struct entry entry = pop();
    return finish_queue(record_first(&entry, what));
}

int32_t cleat_fail_tls(const char *what, int32_t code, const char *detail) {
    struct entry entry = pop();
    int32_t status = record_first(&entry, what);
    while (entry.packed != 0 && entry.library != ERR_LIB_SSL &&
           status != CLEAT_STATUS(CLEAT_NOMEM, 0)) {
        entry = pop();
        if (entry.library == ERR_LIB_SSL) status = record(&entry);
    }
    if (entry.library == ERR_LIB_SSL && entry.reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        snprintf(last.verify_message, sizeof last.verify_message, "%s", detail);
        describe(last.reason, detail, entry.file, entry.line);
        status = finish(CLEAT_VERIFY, code);
    }
    return finish_queue(status);
}

void cleat_error_clear_queue(void) {
    cleat_memory_forget();
    /* ERR_clear_error visits all 16 entries; ERR_peek_error is cheaper. */
    if (ERR_peek_error() != 0) ERR_clear_error();
}

int32_t cleat_copy_out(const char *text, int64_t len, char *output, int32_t output_cap) {
    int32_t room;
    if (len < 0 || len > CLEAT_LENGTH_MAX) {
        return cleat_fail(CLEAT_UNSUPPORTED, 0, "text of more than 2147483647 bytes");
    }
    room = len < output_cap ? (int32_t)len : output_cap;
    if (room > 0) memcpy(output, text, (size_t)room);
    return (int32_t)len;
}

/* The functions that read the record never change it, not even for an invalid argument. */
static int32_t copy_record(const char *text, char *output, int32_t output_cap) {
    if (output_cap < 0 || (output == NULL && output_cap > 0)) return CLEAT_STATUS(CLEAT_USAGE, 1);
    return cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
}

int32_t cleat_error_status(void) {
    return last.status;
}

int32_t cleat_error_message(char *output, int32_t output_cap) {
    return copy_record(last.message, output, output_cap);
}

int32_t cleat_error_library(char *output, int32_t output_cap) {
    return copy_record(last.library, output, output_cap);
}

int32_t cleat_error_reason(char *output, int32_t output_cap) {
    return copy_record(last.reason, output, output_cap);
}

int32_t cleat_error_verify_message(char *output, int32_t output_cap) {
    return copy_record(last.verify_message, output, output_cap);
}

int32_t cleat_error_filename(char *output, int32_t output_cap) {
    return copy_record(last.filename, output, output_cap);
}

int32_t cleat_strerror(int32_t number, char *output, int32_t output_cap) {
    char buffer[128];
    const char *text;
    CLEAT_CHECK_RANGE(1, number, 0, 0xffff);
    CLEAT_CHECK_OUT(2, output, output_cap);
    text = errno_text(number, buffer, sizeof buffer);
    return cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
}
