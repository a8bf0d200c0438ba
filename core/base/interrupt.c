#include "base/interrupt.h"

#include "base/argument.h"
#include "cleat/interrupt.h"

static _Thread_local bool is_interruptible;

bool cleat_is_interruptible(void) {
    return is_interruptible;
}

int32_t cleat_set_interruptible(int32_t interruptible) {
    int32_t before = is_interruptible ? 1 : 0;
    CLEAT_CHECK_RANGE(1, interruptible, 0, 1);
    is_interruptible = interruptible == 1;
    return before;
}
