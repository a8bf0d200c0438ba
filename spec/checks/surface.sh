#!/usr/bin/env bash
# Each row of the contract has a spec, and docs/surface.md is what script/surface makes of them.
set -euo pipefail
exec "$CLEAT_SOURCE_DIR/script/surface" --check
