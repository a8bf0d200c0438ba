#!/usr/bin/env bash
# lua.sh lua54|luajit [PART OF A NAME]: runs lua.lua in the interpreter of lua.c.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../script/common.sh"
lua_setup "$1"
export LUA_PATH="$ROOT/spec/?.lua;$ROOT/spec/allocation/?.lua;$LUA_PATH"
cd "$ROOT"
exec "$CLEAT_BUILD_DIR/spec/c/failing-$1" spec/allocation/lua.lua "${@:2}"
