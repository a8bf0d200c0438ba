#!/usr/bin/env bash
# docs/verdicts.md says what OpenSSL and GnuTLS say of the bad certificates, and explains each difference.
set -euo pipefail
exec "$CLEAT_SOURCE_DIR/script/verdicts" --check
