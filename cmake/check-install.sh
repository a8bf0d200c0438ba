#!/usr/bin/env bash
# What cmake --install puts down works, after it was moved, from Lua 5.4, LuaJIT, C by pkg-config and
# C by find_package; with LUA_PATH and LUA_CPATH alone, and without LD_LIBRARY_PATH.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=${CLEAT_BUILD_DIR:?}
here=${CLEAT_SOURCE_DIR:?}/cmake

DESTDIR='' cmake --install "$tree" --prefix "$work/first" >"$work/log" || { cat "$work/log" && exit 1; }
prefix=$work/moved
mv "$work/first" "$prefix"
libdir=$(cd "$prefix" && find lib* -name 'libcleat.so.0' -printf '%h\n' | head -n 1)
unset CLEAT_LIBRARY LUA_PATH LUA_CPATH LUA_PATH_5_4 LUA_CPATH_5_4

for lua in lua5.4:5.4 luajit:5.1; do
    version=${lua#*:}
    LUA_PATH="$prefix/share/lua/$version/?.lua;$prefix/share/lua/$version/?/init.lua" \
        LUA_CPATH="$prefix/$libdir/lua/$version/?.so" "${lua%:*}" "$here/check-loaded.lua" "$prefix"
done

cat >"$work/main.c" <<'C'
#include <cleat.h>
int main(void) { return cleat_abi_version() == CLEAT_ABI_VERSION ? 0 : 1; }
C
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
read -r -a flags <<<"$(pkg-config --cflags --libs cleat)"
gcc "$work/main.c" -o "$work/main" "${flags[@]}"
LD_LIBRARY_PATH=$prefix/$libdir "$work/main"
echo "pkg-config $(pkg-config --modversion cleat): ok"

cat >"$work/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(cleat 0.1 REQUIRED)
add_executable(user main.c)
target_link_libraries(user PRIVATE cleat::cleat)
CMAKE
cmake -S "$work" -B "$work/user" -DCMAKE_PREFIX_PATH="$prefix"
cmake --build "$work/user"
"$work/user/user" # by the rpath that CMake gives it
echo "find_package: ok"

for notice in LICENSE boringssl/LICENSE; do
    [[ -s $prefix/share/doc/cleat/$notice ]] || { echo "no notice $notice" && exit 1; }
done
