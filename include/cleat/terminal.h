/* terminal.h: reads a password from the terminal. */
#ifndef CLEAT_TERMINAL_H
#define CLEAT_TERMINAL_H

#include "cleat/base.h"

/* cleat_terminal_password returns the length of the line that was typed at the process's controlling terminal after
 * prompt, at most buf_cap bytes, and stores it in buf without the newline. The line is read without echo. CLEAT_SYS:
 * ENXIO if the process has no terminal; ECANCELED if the input ended or was interrupted; ENAMETOOLONG if the line
 * did not fit. */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_terminal_password(const char *prompt, int32_t prompt_len,
                                                          char *buf, int32_t buf_cap);

#endif
