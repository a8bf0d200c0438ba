#!/usr/bin/env bash
# generated: the generated files are what the headers say now.
set -euo pipefail
exec lua5.4 "${CLEAT_SOURCE_DIR:?}/script/generate" --check
