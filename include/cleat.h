/* cleat.h: TLS and sockets behind integers, over BoringSSL.
 *
 * This header includes the whole public ABI. Each concept has its own header under cleat/; this comment has the
 * rules that hold for every function of every header.
 *
 * Results. Every function returns an int32_t. A result of 0 or more is the function's value: a count, a truth value,
 * a new id. A result below 0 is a status, -(class << 16 | value): the class (cleat/status.h) says what kind of
 * failure or wait it is, and the value says which one. cleat_error_message and its neighbours return the details of
 * the calling thread's last failure. Every function can return CLEAT_NOMEM, CLEAT_USAGE for an argument out of its
 * documented range, and, if it takes an id, CLEAT_HANDLE; each function's comment lists the other classes that it
 * can return.
 *
 * Ids. An object is identified by a positive int32_t, as a file is by its descriptor. Passing 0, -1, a closed id or
 * an id of another kind of object returns CLEAT_HANDLE and is never undefined behaviour. cleat_close closes an id of
 * any kind. Objects are reference-counted internally: a context may be closed while its connections are open.
 *
 * Bytes in. A parameter pair (const char *p, int32_t p_len) is p_len bytes that cleat reads during the call and does
 * not keep. They need no terminating zero. NULL with length 0 means "absent" where the comment allows it, and an
 * empty text elsewhere. NULL with another length, or a negative length, returns CLEAT_USAGE. File names, host names
 * and cipher strings must not contain a zero byte.
 *
 * Text out. A pair (char *output, int32_t output_cap) is the caller's buffer. The function writes at most output_cap
 * bytes and returns the full length, which may be greater than output_cap: call again with a larger buffer. NULL
 * with capacity 0 returns only the length. No terminating zero is written.
 *
 * Bytes out. A pair (char *buf, int32_t buf_cap) is the caller's buffer too, and the function returns the number of
 * bytes that it stored there, at most buf_cap.
 *
 * Other outputs. An int32_t or double pointer is written on success only, and may not be NULL.
 *
 * Time. A double named timeout is in seconds, measured on the monotonic clock: 0 does not wait, a negative one waits
 * without a limit, and NaN is CLEAT_USAGE. It limits the whole call, however many times the call waits internally.
 *
 * Threads. Any function may be called from any thread at any time. One thread may read a connection while another
 * writes it. Closing an id never blocks: a call of another thread that is waiting on the id returns CLEAT_CLOSED. A
 * call must run until it returns: do not leave it by longjmp or by stack unwinding. No function is a cancellation
 * point (pthread_cancel): a thread that is cancelled during a call ends after the call. Signals do not interrupt
 * calls, except in an interruptible thread: see cleat/interrupt.h.
 *
 * Processes. cleat raises no SIGPIPE, changes no signal handler, prints nothing, needs no initialisation and sets
 * the close-on-exec flag on each descriptor that it creates. After fork() both processes may continue to use the
 * library, provided that no other thread was inside a cleat call at that moment. Only one of the two processes may
 * use a connection or socket that was open then. */
#ifndef CLEAT_H
#define CLEAT_H

#include "cleat/address.h"
#include "cleat/algorithm.h"
#include "cleat/base.h"
#include "cleat/certificate.h"
#include "cleat/cipher.h"
#include "cleat/clock.h"
#include "cleat/compression.h"
#include "cleat/connection.h"
#include "cleat/context.h"
#include "cleat/credential.h"
#include "cleat/descriptor.h"
#include "cleat/early_data.h"
#include "cleat/ech.h"
#include "cleat/epoll.h"
#include "cleat/errno.h"
#include "cleat/exporter.h"
#include "cleat/generate.h"
#include "cleat/guarded.h"
#include "cleat/handle.h"
#include "cleat/interrupt.h"
#include "cleat/key_log.h"
#include "cleat/message.h"
#include "cleat/names.h"
#include "cleat/poll.h"
#include "cleat/psk.h"
#include "cleat/random.h"
#include "cleat/raw_public_key.h"
#include "cleat/sct.h"
#include "cleat/session.h"
#include "cleat/session_store.h"
#include "cleat/signature.h"
#include "cleat/socket.h"
#include "cleat/staple.h"
#include "cleat/status.h"
#include "cleat/terminal.h"
#include "cleat/trust.h"
#include "cleat/verification.h"
#include "cleat/verify.h"
#include "cleat/version.h"

#endif
