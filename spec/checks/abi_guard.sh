#!/usr/bin/env bash
# abi_guard: what keeps the ABI sees each kind of break. script/generate is run over headers with one thing changed,
# abi.sh over libraries with one thing changed, and both without a change first.
set -euo pipefail
: "${CLEAT_SOURCE_DIR:?}" "${CLEAT_BUILD_DIR:?}"
cd "$CLEAT_SOURCE_DIR"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# A copy of the sources, as the first release had them
release=$(find spec/abi -path '*/include' | sort -V | head -n 1)
mkdir -p "$work/pristine/spec/support" "$work/pristine/build"
cp -r script "$work/pristine/"
cp -r "$release" "$work/pristine/include"
cp -r spec/abi "$work/pristine/spec/"
mkdir "$work/pristine/spec/checks" && cp spec/checks/abi.sh "$work/pristine/spec/checks/"
cp spec/support/pki.sh "$work/pristine/spec/support/"
sh spec/support/pki.sh build/spec-pki
ln -s "$PWD/build/spec-pki" "$work/pristine/build/spec-pki"
# that knows the first release alone
list=spec/abi/symbols.txt
sed -i -e '/^release [^1]/d' -e '/^[0-9]/{ /^1 /!d }' "$work/pristine/$list"
find "$work/pristine/spec/abi" -mindepth 1 -maxdepth 1 -type d ! -path "*/${release%/include}" -exec rm -rf {} +

# expect WHAT PATTERN COMMAND…: what it says has the pattern
expect() {
    local what=$1 pattern=$2
    shift 2
    "$@" >"$work/said" 2>&1 || true
    if grep -q "$pattern" "$work/said"; then
        echo "$what: $(grep -m 1 "$pattern" "$work/said")"
    else
        echo "$what: does not say \"$pattern\" but:" >&2
        cat "$work/said" >&2
        failures=$((failures + 1))
    fi
}

# Today's headers, as if they were released
abi=$(sed -n 's/^#define CLEAT_ABI //p' include/cleat/version.h)
cp -r "$work/pristine" "$work/released"
rm -rf "$work/released/include"
cp -r include "$work/released/include"
sed -e "/^release $abi /d" -e "s/^release 1 .*/&\nrelease $abi is cleat next/" spec/abi/symbols.txt >"$work/released/$list"

# headers WHAT PATTERN FILE SED: script/generate over changed headers (or a changed list)
headers() {
    rm -rf "$work/tree"
    cp -r "$work/released" "$work/tree"
    sed -i "$4" "$work/tree/$3"
    [[ -z $4 ]] || ! cmp -s "$work/tree/$3" "$work/released/$3" || { echo "$1: nothing was changed" && exit 1; }
    expect "$1" "$2" lua5.4 "$work/tree/script/generate"
}
handle=include/cleat/handle.h status=include/cleat/status.h
headers 'no change' 'wrote core/cleat.map' "$handle" ''
headers 'a function goes' 'no cleat_kind any more' "$handle" '/cleat_kind returns/,/cleat_kind(/d'
headers 'a type changes' 'is now   int32_t cleat_kind(double id)' "$handle" 's/cleat_kind(int32_t id)/cleat_kind(double id)/'
headers 'a parameter comes' 'is now   int32_t cleat_kind(int32_t id, int32_t x)' "$handle" 's/cleat_kind(int32_t id)/cleat_kind(int32_t id, int32_t x)/'
headers 'a constant changes' 'is now   CLEAT_EOF = 19' "$status" 's/^#define CLEAT_EOF 17/#define CLEAT_EOF 19/'
headers 'a macro changes' 'is now   CLEAT_CLASS' "$status" 's/>> 16)$/>> 15)/'
headers 'a constant goes' 'no CLEAT_EOF any more' "$status" '/CLEAT_EOF is the class/,/#define CLEAT_EOF/d'
headers 'a constant comes' 'raise CLEAT_ABI' "$status" 's/^#define CLEAT_EOF 17/&\n\n\/* CLEAT_NEW is new. *\/\n#define CLEAT_NEW 19/'
headers 'a line of the list goes' 'raise CLEAT_ABI' "$list" '/CLEAT_EOF/d'

# library WHAT PATTERN SED: abi.sh over a library whose functions do nothing, changed so
sed -n 's/^1 \(int32_t .*\)$/CLEAT_API \1 { return 0; }/p' "$work/pristine/$list" >"$work/functions.c"
library() {
    mkdir -p "$work/lib"
    { echo '#include "cleat/base.h"' && sed "$3" "$work/functions.c"; } >"$work/lib/lib.c"
    gcc -g -w -shared -fPIC -I"$work/pristine/include" -Wl,-soname,libcleat.so.0 -o "$work/lib/libcleat.so.0" "$work/lib/lib.c"
    expect "$1" "$2" env CLEAT_SOURCE_DIR="$work/pristine" CLEAT_LIBRARY="$work/lib/libcleat.so.0" \
        bash "$work/pristine/spec/checks/abi.sh"
}
library 'no change' 'libcleat.abi: [0-9]* functions as they were' ''
library 'a function goes from the library' '\[D\] .function int32_t cleat_kind' '/ cleat_kind(/d'
library 'a type changes in the library' 'parameter 1 of type .* changed' 's/cleat_kind(int32_t id)/cleat_kind(double id)/'
library 'an old program misses a function' 'undefined symbol: cleat_kind' '/ cleat_kind(/d'
library 'an old program finds another meaning' 'oldest.c:[0-9]*: not so: ' ''
sed -i 's/^#define CLEAT_EOF 17/#define CLEAT_EOF 19/' "$work/pristine/$status"
library 'a constant changes under an old program' 'CLEAT_EOF was 17' ''

echo "$failures faults"
((failures == 0))
