#!/usr/bin/env bash
# coverage_counts: script/coverage counts what a C test and a spec execute, and nothing else. Builds build/coverage.
set -euo pipefail
cd "${CLEAT_SOURCE_DIR:?}"
unset CLEAT_BUILD_DIR CLEAT_LIBRARY
page=$(git hash-object docs/coverage.md)
table=$(script/coverage c.handle lua54.ssl.pem) || exit 1

# column FILE NUMBER: a cell of a file's row
column() { awk -F '|' -v file=" \`$1\` " -v number="$2" '$2 == file { print $(number + 1) + 0 }' <<<"$table"; }
# between FILE LEAST MOST: the percentage of the lines that were executed
between() {
    local percent
    percent=$(column "$1" 3)
    awk -v p="${percent:--1}" -v least="$2" -v most="$3" 'BEGIN { exit !(p >= least && p <= most) }' || {
        printf '%s: %s %% of the lines were executed, expected %s to %s\n%s\n' "$1" "$percent" "$2" "$3" "$table"
        exit 1
    }
}
between core/base/handle.c 60 100
between core/x509/bundle.c 0 0
between lua/cleat/ssl/pem.lua 90 100
between lua/cleat/https.lua 0 0
# grep -q would end with the first line, and the lister by SIGPIPE
script/coverage --missing '^core/x509/bundle.c$' | grep '^core/x509/bundle\.c:[0-9]*: ' >/dev/null || {
    echo "--missing lists no line of core/x509/bundle.c"
    exit 1
}
[[ $page == "$(git hash-object docs/coverage.md)" ]] || { echo "a part of the tests has changed docs/coverage.md" && exit 1; }
echo "coverage_counts: a C test and a spec are counted"
