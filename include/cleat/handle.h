/* handle.h: the life of ids.
 *
 * At least 4,000,000 ids can be open at once; making one more is CLEAT_NOMEM. An id that was
 * closed is not given to another object for at least 500,000 opens, whatever number is open. */
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

/* cleat_close returns CLEAT_OK and makes id invalid at once, whatever its kind. It does no TLS
 * I/O (close_notify is cleat_connection_shutdown's) and does not wait. A call that another
 * thread has under way in the object returns CLEAT_CLOSED; to wake it, the socket is shut down
 * in both directions. The object is freed when nothing uses it any more. An id that is not
 * open is CLEAT_HANDLE, and the thread's record of its last failure is left as it was. */
CLEAT_API int32_t cleat_close(CLEAT_CLOSES int32_t id);

/* cleat_kind returns the CLEAT_KIND_* of an open id. */
CLEAT_API int32_t cleat_kind(int32_t id);

/* cleat_handle_count returns how many ids are open in this process. */
CLEAT_API int32_t cleat_handle_count(void);

#endif
