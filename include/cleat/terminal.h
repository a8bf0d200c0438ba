/* terminal.h: asking the person at the terminal for a password. */
#ifndef CLEAT_TERMINAL_H
#define CLEAT_TERMINAL_H

#include "cleat/base.h"

/* cleat_terminal_password returns the length of the line that was typed at the process's
 * controlling terminal after prompt, at most buf_cap bytes of which are in buf, without the
 * newline. It is not shown while it is typed. CLEAT_SYS: ENXIO if the process has no terminal;
 * ECANCELED if the input ended or was interrupted; ENAMETOOLONG if the line did not fit. */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_terminal_password(const char *prompt, int32_t prompt_len,
                                                          char *buf, int32_t buf_cap);

#endif
