/* file.h: reading a file whole. */
#ifndef CLEAT_CORE_FILE_H
#define CLEAT_CORE_FILE_H

#include <stdint.h>

/* cleat_file_read returns CLEAT_OK and the bytes of a file, with a zero byte behind them, to
 * be freed with cleat_release. CLEAT_SYS with the file's name. */
int32_t cleat_file_read(const char *name, char **bytes, int32_t *len);

#endif
