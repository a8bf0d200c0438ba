/* key_log.h: a log of the secrets of connections, with which a program such as Wireshark decrypts captured traffic.
 * The format is NSS's (SSLKEYLOGFILE, RFC 9850).
 *
 * DANGEROUS: an attacker who can read the file can decrypt the connections, at any time and despite forward secrecy,
 * and can modify those that are still open. Use it for debugging only. */
#ifndef CLEAT_KEY_LOG_H
#define CLEAT_KEY_LOG_H

#include "cleat/base.h"

/* cleat_context_key_log_file returns the length of the path that cleat_context_set_key_log_file has set, and copies it
 * to output; 0 if there is none. */
CLEAT_API int32_t cleat_context_key_log_file(int32_t context, char *output, int32_t output_cap);

/* cleat_context_set_key_log_file returns CLEAT_OK and makes connections of the context append their secrets to a
 * file. keylogfile: its path; absent for none, as in a new context. The call opens the file; it creates a missing
 * one with mode 0600, and writes a comment as the first line of an empty one. The file stays open as long as a
 * connection may write to it, also if it is renamed. Each line is a single write, so that lines of several threads
 * and processes are never interleaved. Lines that cannot be written, for example because the disk is full, are
 * omitted; connections do not fail because of that.
 *
 * A connection keeps the file that the context had when it was made; a server's connection that is switched to
 * another context uses that context's file from then on. DANGEROUS: see above. CLEAT_SYS if the file cannot be
 * opened, with EINVAL if it is neither a regular file nor a character device. */
CLEAT_API int32_t cleat_context_set_key_log_file(int32_t context,
                                                 CLEAT_ABSENT const char *keylogfile,
                                                 int32_t keylogfile_len);

/* cleat_key_log_path returns the length of the path that the environment variable SSLKEYLOGFILE names, and copies it
 * to output; 0 if it is unset or empty, and in a process that runs with another user's privileges (setuid). The core
 * never uses it by itself: pass it to cleat_context_set_key_log_file. */
CLEAT_API int32_t cleat_key_log_path(char *output, int32_t output_cap);

#endif
