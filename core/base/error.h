/* error.h: error reporting. Each cleat_fail function writes this thread's record of its last failure and returns the
 * status.
 *
 * A function that calls BoringSSL clears BoringSSL's error queue before the call (cleat_error_clear_queue) and
 * reports a failure with cleat_fail_ssl or cleat_fail_tls. */
#ifndef CLEAT_CORE_ERROR_H
#define CLEAT_CORE_ERROR_H

#include <stdint.h>

#include "cleat/errno.h"
#include "cleat/status.h"

#define CLEAT_STATUS(class, value) (-(((class) << 16) | (value)))

/* The length of the longest text or data that a function can return. */
#define CLEAT_LENGTH_MAX INT32_MAX

int32_t cleat_fail(int32_t class, int32_t value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* cleat_fail_usage reports the argument at position, from 1; position 0 is the object's state. */
#define cleat_fail_usage(position, ...) cleat_fail(CLEAT_USAGE, (position), __VA_ARGS__)

int32_t cleat_fail_nomem(void);
int32_t cleat_fail_closed(void);

/* cleat_fail_errno reports an error number of the operating system. */
int32_t cleat_fail_errno(int number);

/* cleat_fail_file reports an error number of the operating system and records the file's name. */
int32_t cleat_fail_file(int number, const char *filename);

/* cleat_fail_named reports an error of class CLEAT_SSL that cleat itself detected, with the names of a BoringSSL
 * library and reason. */
int32_t cleat_fail_named(const char *library, const char *reason, const char *words);

/* cleat_fail_ssl reports the first error in BoringSSL's queue, and empties the queue. If the queue is empty, the
 * message contains what, the name of the function that failed. */
int32_t cleat_fail_ssl(const char *what);

/* cleat_fail_tls does the same for a connection, and prefers the first error of the sub-library SSL: a bad record,
 * not the failed decryption that caused it. If that error is CERTIFICATE_VERIFY_FAILED, it reports CLEAT_VERIFY with
 * the verify code and its text, detail. */
int32_t cleat_fail_tls(const char *what, int32_t code, const char *detail);

/* cleat_fail_alert reports a fatal alert of the peer that is not in BoringSSL's error queue. */
int32_t cleat_fail_alert(int32_t alert);

/* cleat_fail_where appends the position of the fault in the input to the message of this thread's record, and
 * returns status. */
int32_t cleat_fail_where(int32_t status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void cleat_error_clear_queue(void);

/* cleat_copy_out copies a text to the caller's buffer by the rule "Text out" of cleat.h. */
int32_t cleat_copy_out(const char *text, int64_t len, char *output, int32_t output_cap);

#endif
