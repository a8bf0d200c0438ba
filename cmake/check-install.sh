#!/usr/bin/env bash
# What cmake --install installs works after it was moved: from each Lua and LuaJIT with LUA_PATH and LUA_CPATH alone,
# from C11 by pkg-config, from C++17 by find_package, and by FFI from what pkg-config says.
set -euo pipefail
work=$(mktemp -d)
server='' # the process to end
trap '[[ -z $server ]] || kill "$server"; rm -rf "$work"' EXIT
tree=${CLEAT_BUILD_DIR:?}
here=${CLEAT_SOURCE_DIR:?}/cmake

DESTDIR='' cmake --install "$tree" --prefix "$work/first" >"$work/log" || { cat "$work/log" && exit 1; }
prefix=$work/moved
mv "$work/first" "$prefix"
libdir=$(cd "$prefix" && find lib* -name 'libcleat.so.0' -printf '%h\n' | head -n 1)
unset CLEAT_BACKEND CLEAT_LIBRARY LUA_PATH LUA_CPATH LUA_PATH_5_{2..4} LUA_CPATH_5_{2..4}

# loads INTERPRETER VERSION BACKEND
loads() {
    CLEAT_BACKEND=$3 LUA_PATH="$prefix/share/lua/$2/?.lua" LUA_CPATH="$prefix/$libdir/lua/$2/?.so" \
        "$1" "$here/check-loaded.lua" "$prefix" "$3"
}
loads luajit 5.1 ffi
read -r -a versions <"$tree/lua-versions"
for version in "${versions[@]}"; do
    loads "lua$version" "$version" native
    [[ $version != 5.1 ]] || loads luajit 5.1 native
done

# The C examples are built as a user would.
strict=(-pedantic -Wall -Wextra -Wconversion -Werror)
examples=$CLEAT_SOURCE_DIR/examples
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
read -r -a flags <<<"$(pkg-config --cflags --libs cleat)"
mkdir "$work/c11"
for name in https_get echo_server; do
    gcc -std=c11 "${strict[@]}" "$examples/ffi/c/$name.c" -o "$work/c11/$name" "${flags[@]}"
done

cp -r "$examples/ffi/c" "$work/c++17"
sed -i 's/^project(.* C)$/project(user CXX)/' "$work/c++17/CMakeLists.txt"
cat >>"$work/c++17/CMakeLists.txt" <<'CMAKE'
set_source_files_properties(https_get.c echo_server.c PROPERTIES LANGUAGE CXX)
set_target_properties(https_get echo_server PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
CMAKE
{
    cmake -S "$work/c++17" -B "$work/c++17" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_FLAGS="${strict[*]}" &&
        cmake --build "$work/c++17"
} >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }

. "$here/serving.sh"
# The command, on each interpreter that is there; by a link, and with what a user has in LUA_PATH.
ln -s "$prefix/bin/cleat" "$work/link"
for interpreter in '' luajit "${versions[@]/#/lua}"; do
    said=$(LUA_PATH_5_4='/nowhere/?.lua;;' LUA_PATH='/nowhere/?.lua;;' CLEAT_LUA=$interpreter "$work/link" --version)
    [[ $said == "cleat "*"BoringSSL"* ]] || { echo "cleat --version on $interpreter: $said" && exit 1; }
    CLEAT_LUA=$interpreter "$work/link" cert "$CLEAT_SOURCE_DIR/build/spec-pki/root.pem" | grep '^  subject .*CN=cleat test root' >/dev/null ||
        { echo "cleat cert on $interpreter" && exit 1; }
done
! CLEAT_LUA=lua9.9 "$work/link" --version 2>/dev/null || exit 1
[[ -s $prefix/share/man/man1/cleat.1 ]] || { echo "no manual page" && exit 1; }

for programs in "$work/c11" "$work/c++17"; do
    # with pkg-config only the linker knows the folder; CMake's programs have an rpath
    [[ $programs == */c11 ]] && export LD_LIBRARY_PATH=$prefix/$libdir
    serves "$programs/echo_server"
    fetches "$programs/https_get" server-ec 'Made fast by TLSv1.3'
    fetches "$programs/https_get" other 'Hostname mismatch'
    unset LD_LIBRARY_PATH
    echo "${programs##*/}: ok"
done

# What an FFI opens, and the declarations for it
CLEAT_LIBRARY=$(pkg-config --variable=library cleat) CDEF=$(pkg-config --variable=cdef cleat) \
    JSON=$(pkg-config --variable=json cleat) python3 - <<'PYTHON'
import ctypes, json, os, re
library = ctypes.CDLL(os.environ["CLEAT_LIBRARY"])
with open(os.environ["CDEF"]) as cdef:
    names = re.findall(r"^int32_t (\w+)\(", cdef.read(), re.M)
assert len(names) > 100 and all(hasattr(library, name) for name in names)
with open(os.environ["JSON"]) as file:
    assert [function["name"] for function in json.load(file)["functions"]] == names
print("ffi: ok,", len(names), "functions")
PYTHON

for page in LICENSE boringssl/LICENSE README.md docs/recipes.md docs/lua/cleat.adapters.luv.md; do
    [[ -s $prefix/share/doc/cleat/$page ]] || { echo "no $page" && exit 1; }
done
[[ -s $prefix/share/lua/5.4/cleat/types/adapters/luv.lua ]] || { echo "no annotations for editors" && exit 1; }
