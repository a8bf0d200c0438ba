#include "cleat/random.h"

#include "base/argument.h"
#include "base/boringssl.h"

int32_t cleat_random_bytes(char *buf, int32_t buf_cap) {
    CLEAT_NO_CANCEL();
    CLEAT_CHECK_OUT(1, buf, buf_cap);
    RAND_bytes((uint8_t *)buf, (size_t)buf_cap);
    return buf_cap;
}
