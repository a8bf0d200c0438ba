#!/usr/bin/env bash
# abi: today's library keeps what the releases have promised (script/abi, spec/abi).
#   abidiff finds every function of every release in it, with the types that it had;
#   the constants of the oldest release have the values that they had;
#   a program built against the oldest release alone, its headers and its functions, runs with it.
# spec/abi/symbols.txt is held by script/generate: check.generated.
set -euo pipefail
: "${CLEAT_SOURCE_DIR:?}" "${CLEAT_BUILD_DIR:?}" "${CLEAT_LIBRARY:?}"
cd "$CLEAT_SOURCE_DIR"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CC=${CC:-gcc}
failures=0
fail() {
    printf 'check.abi: %s\n' "$*" >&2
    failures=$((failures + 1))
}

mapfile -t kept < <(find spec/abi -name libcleat.abi | sort -V)
((${#kept[@]})) || fail "spec/abi keeps no description"
for description in "${kept[@]}"; do
    if abidiff --no-added-syms --no-architecture --hd2 include "$description" "$CLEAT_LIBRARY" >"$work/diff" 2>&1; then
        echo "$description: $(grep -c '<function-decl ' "$description") functions as they were"
    else
        cat "$work/diff" >&2
        fail "programs built against $description would break: put back what is named above." \
            "A function that is to change keeps its name and types; the new one gets another name."
    fi
done

oldest=$(find spec/abi -path '*/include/cleat.h' | sort -V | head -n 1)
[[ $oldest ]] || { fail "spec/abi keeps no headers" && exit 1; }
oldest=${oldest%/cleat.h}

# constants FOLDER: the macros of the headers in it, but those of the language and the one that grows
constants() {
    echo '#include "cleat.h"' | "$CC" -E -dM -I"$1" - | grep '^#define CLEAT_' | grep -vE 'CLEAT_(ABI|ABI_VERSION|VERSION_[A-Z]+|API|[A-Z0-9_]*_H) ' |
        sort
}
constants "$oldest" >"$work/then"
constants include >"$work/now"
comm -23 "$work/then" "$work/now" >"$work/gone"
while read -r _ name value; do
    fail "$name was $value in $oldest, and is now $(sed -n "s/^#define $name //p" "$work/now" | grep . || echo "not there"):" \
        "programs have the old value in them. Put it back."
done <"$work/gone"
echo "$oldest: $(wc -l <"$work/then") constants and macros, $(wc -l <"$work/gone") of them changed"

# A library with the old functions, which do nothing, is all that the program is linked with: a function that went is
# missed when it is started with today's.
functions=$(cat "$oldest"/cleat/*.h | grep -oE '\bcleat_[a-z0-9_]+\(' | tr -d '(' | sort -u)
for function in $functions; do
    printf 'int %s(void);\nint %s(void) { return 0; }\n' "$function" "$function"
done >"$work/then.c"
mkdir "$work/lib"
"$CC" -shared -fPIC -Wl,-soname,libcleat.so.0 -o "$work/lib/libcleat.so" "$work/then.c"
{
    echo '#include "cleat.h"'
    echo 'typedef void (*function)(void);'
    echo 'extern const function every[];'
    echo 'const function every[] = {'
    for function in $functions; do
        printf '    (function)%s,\n' "$function"
    done
    echo '};'
} >"$work/every.c"
"$CC" -std=c11 -Wall -Wextra -Werror -I"$oldest" -o "$work/oldest" spec/abi/oldest.c "$work/every.c" -L"$work/lib" -lcleat
pki=$CLEAT_SOURCE_DIR/build/spec-pki
sh spec/support/pki.sh "$pki"
LD_BIND_NOW=1 LD_LIBRARY_PATH=${CLEAT_LIBRARY%/*} \
    timeout 600 "$work/oldest" "$pki/root.pem" "$pki/server-ec.pem" "$pki/ec.key" ||
    fail "a program built with $oldest does not run with $CLEAT_LIBRARY: see above"

echo "$failures faults"
((failures == 0))
