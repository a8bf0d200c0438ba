/* key_log.h: a file with the secrets of connections, with which a program such as Wireshark decrypts what was captured
 * of them. The format is NSS's (SSLKEYLOGFILE, RFC 9850).
 *
 * DANGEROUS: who can read the file can read the connections, now and later, whatever their forward secrecy; and can
 * change the data of those that are still open. It is for finding errors. */
#ifndef CLEAT_KEY_LOG_H
#define CLEAT_KEY_LOG_H

#include "cleat/base.h"

/* cleat_context_key_log_file returns the length of the path that cleat_context_set_key_log_file has set, and copies it
 * to output; 0 if there is none. */
CLEAT_API int32_t cleat_context_key_log_file(int32_t context, char *output, int32_t output_cap);

/* cleat_context_set_key_log_file returns CLEAT_OK and lets connections of the context append their secrets to a file.
 * keylogfile: its path; absent for none, as in a new context. A file that does not exist is made, for its owner only
 * (mode 0600), and an empty one gets a comment as its first line. It is opened here, and stays open as long as a
 * connection may write to it, also if it is renamed. Each line is written at once, so that lines of several threads
 * and processes never mix. What the disk does not take is missing in the file: connections do not fail for it.
 *
 * A connection keeps the file that the context had when it was made; a server that switches its context uses the
 * other's from then on. DANGEROUS: see above. CLEAT_SYS if the file cannot be opened, with EINVAL for what is no
 * regular file or character device. */
CLEAT_API int32_t cleat_context_set_key_log_file(int32_t context,
                                                 CLEAT_ABSENT const char *keylogfile,
                                                 int32_t keylogfile_len);

/* cleat_key_log_path returns the length of the path that the environment variable SSLKEYLOGFILE names, and copies it
 * to output; 0 if it is not set or empty, and in a process that has privileges of another user (setuid). The ABI uses
 * it nowhere by itself. */
CLEAT_API int32_t cleat_key_log_path(char *output, int32_t output_cap);

#endif
