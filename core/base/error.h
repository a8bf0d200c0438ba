/* error.h: how the core fails: each function below writes this thread's record and returns the
 * status.
 *
 * BoringSSL's errors come in by one funnel: clear its queue before a call
 * (cleat_error_clear_queue), ask cleat_fail_ssl after it. */
#ifndef CLEAT_CORE_ERROR_H
#define CLEAT_CORE_ERROR_H

#include <stdint.h>

#include "cleat/errno.h"
#include "cleat/status.h"

#define CLEAT_STATUS(class, value) (-(((class) << 16) | (value)))

/* CLEAT_OUT_TOO_LONG: no answer is longer than an int32_t can count. */
#define CLEAT_LENGTH_MAX INT32_MAX

int32_t cleat_fail(int32_t class, int32_t value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* cleat_fail_usage reports the argument at position, from 1; 0 blames the object's state. */
#define cleat_fail_usage(position, ...) cleat_fail(CLEAT_USAGE, (position), __VA_ARGS__)

int32_t cleat_fail_nomem(void);
int32_t cleat_fail_closed(void);

/* cleat_fail_errno reports an error number of the operating system. */
int32_t cleat_fail_errno(int number);

/* cleat_fail_file does so for a file. */
int32_t cleat_fail_file(int number, const char *filename);

/* cleat_fail_named reports an error of class CLEAT_SSL that cleat itself found, in BoringSSL's
 * terms. */
int32_t cleat_fail_named(const char *library, const char *reason, const char *words);

/* cleat_fail_ssl reports the first error of BoringSSL's queue, and empties it. If the queue is
 * empty it says what, which names the call that failed. */
int32_t cleat_fail_ssl(const char *what);

/* cleat_fail_tls does so for a connection, and passes over errors that are not the TLS part's
 * own: what went wrong is a bad record, not the cipher's failure that showed it. Where that is
 * a refused certificate, code and detail say why. */
int32_t cleat_fail_tls(const char *what, int32_t code, const char *detail);

/* cleat_fail_alert reports a fatal alert of the peer's that BoringSSL did not take for one. */
int32_t cleat_fail_alert(int32_t alert);

/* cleat_fail_where adds to the message of this thread's record, which has that status, where in its
 * input the fault is. */
int32_t cleat_fail_where(int32_t status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void cleat_error_clear_queue(void);

/* cleat_answer_text copies a text to the caller's buffer as the ABI's rule for text out says. */
int32_t cleat_answer_text(const char *text, int64_t len, char *out, int32_t out_cap);

#endif
