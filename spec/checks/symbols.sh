#!/usr/bin/env bash
# symbols: what libcleat and the native module give and take as shared libraries. libcleat exports what the headers
# declare and nothing else, needs libc only, takes no symbol that anyone but libc could define, runs nothing when it is
# loaded, and has no more writable variables than are named below. A line of the lists that nothing matches is an error.
set -euo pipefail
: "${CLEAT_SOURCE_DIR:?}" "${CLEAT_BUILD_DIR:?}" "${CLEAT_LIBRARY:?}"

# Functions that may run when libcleat is loaded, or at the end.
RUNS='
frame_dummy              the compiler: registers frames where there is an old unwinder, does nothing otherwise
__do_global_dtors_aux    the compiler: its counterpart
'

# The core's variables that may be written.
WRITABLE='
handle.c first_segment   the first ids, which need no allocation
handle.c table           the table of ids
resolver.c once          whether fork is watched
resolver.c resolver      the names that wait to be looked up
queue.c spare            one block for large writes, while none uses it
transport.c shared_method  made once, for all transports
configuration.c shared   the pool of certificates, made once, for all configurations
trust_default.c shared   what the system trusts, parsed once
chain_cache.c sets       the cache of verified chains, of a fixed size
error.c last             of each thread: its last failure
interrupt.c is_interruptible  of each thread: cleat_set_interruptible
memory.c failed          of each thread: whether memory ran out
'

failures=0
fail() {
    printf '%s: %s\n' "$1" "$2" >&2
    failures=$((failures + 1))
}
# listed NAME LIST WORDS…: whether a line of the list begins with the words. The line is noted under the name.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
listed() {
    local name=$1 list=$2 line
    shift 2
    line=$(grep -m 1 -E "^$(printf '%s' "$*" | sed 's/[].[*$^]/\\&/g')( |$)" <<<"$list") && echo "$line" >>"$work/$name"
}
# unmatched NAME LIST: reports the lines of the list that were never needed.
unmatched() {
    local line
    touch "$work/$1"
    while read -r line; do
        [[ -z $line ]] || grep -qxF -- "$line" "$work/$1" || fail spec/checks/symbols.sh "$1: nothing matches: $line"
    done <<<"$2"
}

library=$(readlink -f "$CLEAT_LIBRARY")
dynamic=$(readelf -dW "$library")
needed() { sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

if grep -qE 'lib(asan|tsan|ubsan)|libclang_rt' <<<"$(needed <<<"$dynamic")"; then
    echo "$library has a sanitizer, which imports and exports symbols itself: nothing checked"
    exit 0
fi

# Exports
declared=$(echo '#include "cleat.h"' | ${CC:-cc} -E -P -I"$CLEAT_SOURCE_DIR/include" - |
    grep -oE '\bcleat_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u)
exported=$(nm -D --defined-only "$library" | awk '{ print $3 }' | sed 's/@.*//' | sort -u)
while read -r mark name; do
    case $mark in
    '<') fail "$library" "does not export $name" ;;
    '>') fail "$library" "exports $name, which no header declares" ;;
    esac
done < <(diff <(echo "$declared") <(echo "$exported") | grep '^[<>]' || true)
echo "$library: $(wc -l <<<"$exported") functions exported"

# Imports
imports=$(nm -D -u "$library" | awk '{ print $NF }')
while read -r name; do
    case $name in
    *@GLIBC_*) ;;
    *) fail "$library" "takes $name from any library that defines it: link with -z nodynamic-undefined-weak" ;;
    esac
done <<<"$imports"
echo "$library: $(wc -l <<<"$imports") symbols imported"

# What the dynamic section tells the loader
while read -r name; do
    case $name in
    libc.so.6 | ld-linux*.so.* | libpthread.so.0) ;;
    *) fail "$library" "needs $name" ;;
    esac
done < <(needed <<<"$dynamic")
for flag in SYMBOLIC NODELETE NOW; do
    grep -qE "\(FLAGS(_1)?\).*\b$flag\b" <<<"$dynamic" || fail "$library" "is not linked with $flag"
done
grep -q TEXTREL <<<"$dynamic" && fail "$library" "has relocations in its code"
grep -qE '\((RPATH|RUNPATH)\)' <<<"$dynamic" && fail "$library" "has its own search path"
readelf -lW "$library" | grep -E 'GNU_STACK.*RWE' && fail "$library" "wants a stack that can be executed"
echo "$library: needs $(needed <<<"$dynamic" | tr '\n' ' ')"

# Initialisers
symbols=$(nm "$library" 2>/dev/null || true)
sections=$(readelf -SW "$library")
relocations=$(readelf -rW "$library")
for section in preinit_array init_array fini_array; do
    read -r start size < <(sed -n "s/.* \.$section  *[A-Z_]*  *\([0-9a-f]*\) [0-9a-f]* \([0-9a-f]*\) .*/\1 \2/p" \
        <<<"$sections") || continue
    while read -r offset address; do
        ((16#$offset >= 16#$start && 16#$offset < 16#$start + 16#$size)) || continue
        name=$(awk -v address="$address" '{ at = $1; sub(/^0+/, "", at) } at == address { print $3; exit }' <<<"$symbols")
        if [[ -z $name ]]; then
            fail "$library" ".$section runs the code at 0x$address, which has no name (is the library stripped?)"
        elif ! listed RUNS "$RUNS" "$name"; then
            fail "$library" ".$section runs $name"
        else
            echo "$library: .$section runs $name"
        fi
    done < <(awk '/_RELATIVE/ { print $1, $NF }' <<<"$relocations")
done

# writable FOLDER: the writable variables of the objects in it, as "FILE NAME".
writable() {
    find "$1" -name '*.o' | sort | while read -r object; do
        nm -f sysv "$object" | awk -F'|' -v file="$(basename "$object" .o)" '
            { gsub(/ /, "", $1); gsub(/ /, "", $4); gsub(/ /, "", $7); sub(/\.[0-9]+$/, "", $1) }
            ($4 == "OBJECT" || $4 == "TLS") && $7 !~ /^\.(rodata|data\.rel\.ro|text)/ && $7 != "*UND*" { print file, $1 }'
    done
}
count=0
while read -r file name; do
    count=$((count + 1))
    listed WRITABLE "$WRITABLE" "$file" "$name" || fail "core/$file" "$name can be written: is a global variable needed?"
done < <(writable "$CLEAT_BUILD_DIR/CMakeFiles/cleat_objects.dir")
((count)) || fail "$CLEAT_BUILD_DIR" "has no objects of the core to look into"
echo "core: $count writable variables"
unmatched RUNS "$RUNS"
unmatched WRITABLE "$WRITABLE"

# The native module for each Lua
for module in "$CLEAT_BUILD_DIR"/lua/5.?/cleat/backend/native.so; do
    [[ -e $module ]] || continue
    version=${module#"$CLEAT_BUILD_DIR"/lua/} version=${version%%/*}
    exported=$(nm -D --defined-only "$module" | awk '{ print $3 }')
    [[ $exported == luaopen_cleat_backend_native ]] || fail "$module" "exports $exported"
    while read -r name; do
        case $name in
        libc.so.6 | ld-linux*.so.* | libcleat.so.*) ;;
        *) fail "$module" "needs $name" ;;
        esac
    done < <(readelf -dW "$module" | needed)
    while read -r file name; do
        fail "lua/cleat/backend/$file" "$name can be written: interpreters in other threads share it"
    done < <(writable "$CLEAT_BUILD_DIR/CMakeFiles/native$version.dir")
    echo "$module: exports $exported"
done

echo "$failures faults"
((failures == 0))
