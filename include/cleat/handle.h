/* handle.h: the lifetime of ids.
 *
 * At least 4,000,000 ids can be open at once; when the table is full, functions that return a new id fail with
 * CLEAT_NOMEM. The number of a closed id is not reused for at least 500,000 opens, however many ids are open. */
#ifndef CLEAT_HANDLE_H
#define CLEAT_HANDLE_H

#include "cleat/base.h"

/* CLEAT_KIND_* name the kinds of objects. */
#define CLEAT_KIND_SOCKET 1
#define CLEAT_KIND_ADDRINFO 2
#define CLEAT_KIND_CONTEXT 3
#define CLEAT_KIND_CONNECTION 4
#define CLEAT_KIND_CERTIFICATE 5
#define CLEAT_KIND_RESOLUTION 6
#define CLEAT_KIND_WATCH 7
#define CLEAT_KIND_SESSION 8
#define CLEAT_KIND_VERIFICATION 9
#define CLEAT_KIND_ECH_KEY 10
#define CLEAT_KIND_EPOLL 13

/* cleat_close returns CLEAT_OK and makes id invalid at once, whatever its kind. It does no TLS I/O
 * (cleat_connection_shutdown sends close_notify) and does not wait. Calls of other threads that are waiting on the
 * object return CLEAT_CLOSED; to wake them, cleat shuts its socket down in both directions. The object is freed when
 * nothing uses it any more. CLEAT_HANDLE for an id that is not open, which does not change the thread's record of its
 * last failure. */
CLEAT_API int32_t cleat_close(CLEAT_CLOSES int32_t id);

/* cleat_kind returns the CLEAT_KIND_* of an open id. */
CLEAT_API int32_t cleat_kind(int32_t id);

/* cleat_handle_count returns how many ids are open in this process. */
CLEAT_API int32_t cleat_handle_count(void);

#endif
