#!/usr/bin/env bash
# `luarocks make` installs cleat into a rocks tree, where Lua 5.4, Lua 5.1 and LuaJIT find it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
BORINGSSL_ROOT=$(cat "${CLEAT_BUILD_DIR:?}/boringssl-prefix")
CMAKE_BUILD_PARALLEL_LEVEL=$(nproc)
export BORINGSSL_ROOT CMAKE_BUILD_PARALLEL_LEVEL
unset CLEAT_LIBRARY LUA_PATH LUA_CPATH LUA_PATH_5_4 LUA_CPATH_5_4 CLEAT_BACKEND

# a copy of the sources: luarocks builds inside them
mkdir "$work/source"
cd "${CLEAT_SOURCE_DIR:?}"
find . -mindepth 1 -maxdepth 1 ! -name .git ! -name 'build*' -exec cp -r {} "$work/source/" \;
cd "$work/source"

for version in 5.4 5.1; do
    luarocks --lua-version="$version" --tree="$work/tree" make ./*.rockspec >"$work/log" 2>&1 ||
        { cat "$work/log" && exit 1; }
    for page in lua/cleat.ssl.md recipes.md; do
        [[ -s $(find "$work/tree" -path "*/rocks-$version/*/doc/docs/$page") ]] || { echo "no docs/$page in the rock" && exit 1; }
    done
    [[ -s $work/tree/share/lua/$version/cleat/types/adapters/luv.lua ]] || { echo "no annotations for editors" && exit 1; }
    # the command; argparse is Debian's here, where a user has the rock
    [[ $("$work/tree/bin/cleat" --version) == "cleat "*"BoringSSL"*"Lua $version)" ]] || { echo "no command" && exit 1; }
    for lua in "lua$version" luajit; do
        [[ $lua != luajit || $version == 5.1 ]] || continue
        LUA_PATH="$work/tree/share/lua/$version/?.lua" \
            LUA_CPATH="$work/tree/lib/lua/$version/?.so" "$lua" cmake/check-loaded.lua "$work/tree"
    done
done
