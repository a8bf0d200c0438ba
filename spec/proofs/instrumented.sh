#!/usr/bin/env bash
# Usage: spec/proofs/instrumented.sh SYMBOL LIBRARY…
#
# Succeeds if most members of each static library refer to SYMBOL (a pattern of grep -E): the compiler has put the
# sanitizer's calls into it. Members of assembly and tables have none.
set -euo pipefail
symbol=$1
shift
for library; do
    members=$(ar t "$library" | grep -vc '\.S\.o$')
    instrumented=$(nm -A --undefined-only "$library" 2>/dev/null | grep -E "$symbol" | cut -d : -f 2 | sort -u | wc -l)
    printf '%s: %d of %d members refer to %s\n' "${library##*/}" "$instrumented" "$members" "$symbol"
    ((instrumented * 2 > members)) || exit 1
done
