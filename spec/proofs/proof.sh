#!/usr/bin/env bash
# Usage: spec/proofs/proof.sh REPORT COMMAND…
#
# Succeeds if the command fails and says REPORT (a pattern of grep -E): what watches it is on.
# With "none" for REPORT the command must succeed: what watches it does not cry wolf.
set -uo pipefail
report=$1
shift
output=$("$@" 2>&1)
status=$?
if [[ $report == none ]]; then
    ((status == 0)) && exit 0
    printf '%s\n\nended with %d, and should have succeeded\n' "$output" "$status" >&2
    exit 1
fi
if ((status == 0)); then
    printf '%s\n\nsucceeded, and should have failed with: %s\n' "$output" "$report" >&2
    exit 1
fi
if ! grep -Eq -- "$report" <<<"$output"; then
    printf '%s\n\nended with %d, but did not say: %s\n' "$output" "$status" "$report" >&2
    exit 1
fi
grep -Em1 -- "$report" <<<"$output"
