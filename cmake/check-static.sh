#!/usr/bin/env bash
# libcleat.a: only the functions of the ABI are global in it, it needs nothing but libc, and static programs work that
# have functions of the same names as BoringSSL's, the core's and the C++ runtime's: in C by pkg-config, in C++ by
# find_package.
set -euo pipefail
work=$(mktemp -d)
server='' # the process to end
trap '[[ -z $server ]] || kill "$server"; rm -rf "$work"' EXIT
tree=${CLEAT_BUILD_DIR:?}
archive=$tree/libcleat.a
[[ -f $archive ]] || { echo "no libcleat.a: configure with -DCLEAT_STATIC=ON" && exit 1; }

# symbols(): the names of those that nm lists, without the line that names the file, whose path may have blanks
symbols() { nm -P "$@" "$archive" 2>/dev/null | awk 'length($2) == 1 { print $1 }' | sort; }
diff <(symbols -g --defined-only) <(grep -oE '^ +cleat_[a-z0-9_]+' "${CLEAT_SOURCE_DIR:?}/core/cleat.map" | tr -d ' ' | sort) ||
    { echo "libcleat.a and core/cleat.map differ in the functions above" && exit 1; }
if symbols -u | grep -E '^(_Z|__cxa|__gxx|_Unwind|cleat_|OPENSSL_|SSL_|CRYPTO_)'; then
    echo "libcleat.a needs the functions above" && exit 1
fi

DESTDIR='' cmake --install "$tree" --prefix "$work/first" >"$work/log" || { cat "$work/log" && exit 1; }
prefix=$work/moved
mv "$work/first" "$prefix"
libdir=$(cd "$prefix" && find lib* -name libcleat.a -printf '%h\n' | head -n 1)

# A program's own functions of these names, none of which is called. Those with an underscore are C++'s: operator
# delete, what std::string_view calls, BoringSSL's.
names=(SSL_new SSL_read SSL_CTX_new ERR_clear_error BIO_new CRYPTO_memcmp RAND_bytes X509_verify_cert EVP_PKEY_new
    OPENSSL_malloc OPENSSL_free OPENSSL_memory_alloc OPENSSL_memory_free OPENSSL_memory_get_size OPENSSL_cleanse
    _ZSt24__throw_out_of_range_fmtPKcz _ZN4bssl13kAllCertTypesE _ZN4bssl16ssl_send_finishedEPNS_13SSL_HANDSHAKEE
    cleat_handle_find cleat_fail cleat_object_init cleat_deadline)
{
    echo '#include <stdlib.h>'
    for name in "${names[@]}"; do printf 'void %s(void);\nvoid %s(void) { abort(); }\n' "$name" "$name"; done
} >"$work/hostile.c"
gcc -std=c11 -O2 -fPIE -c "$work/hostile.c" -o "$work/hostile.o"

export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
read -r -a flags <<<"$(pkg-config --static --cflags --libs cleat)"
examples=$CLEAT_SOURCE_DIR/examples
mkdir "$work/c"
for name in https_get echo_server; do
    # that a static program's getaddrinfo needs glibc's shared libraries is known
    gcc -std=c11 -fPIE -static-pie "$examples/ffi/c/$name.c" "$work/hostile.o" -o "$work/c/$name" "${flags[@]}" 2>"$work/log" ||
        { cat "$work/log" && exit 1; }
done

# C++ with exceptions, and templates that BoringSSL has too; libcleat in a shared library of the program's, hidden.
mkdir "$work/c++"
cat >"$work/c++/main.cc" <<'CXX'
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>
#include <cleat.h>
extern "C" int32_t inside();
int main() {
    std::vector<uint16_t> numbers(1000);
    for (auto &number : numbers) number = static_cast<uint16_t>(&number - numbers.data()) ^ 0x155;
    std::sort(numbers.begin(), numbers.end());
    std::string text = "x";
    try {
        (void)text.substr(2);
        return 1;
    } catch (const std::out_of_range &) {
    }
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    return context > 0 && numbers[1] == 1 && inside() > 0 && cleat_close(context) == CLEAT_OK && cleat_handle_count() == 0 ? 0
                                                                                                                           : 1;
}
CXX
cat >"$work/c++/inside.cc" <<'CXX'
#include <cleat.h>
extern "C" int32_t inside();
int32_t inside() { return cleat_abi_version(); }
CXX
cat >"$work/c++/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(user CXX)
find_package(cleat REQUIRED)
add_library(inside SHARED inside.cc)
add_executable(main main.cc)
foreach(target inside main)
    target_link_libraries(${target} PRIVATE cleat::cleat_static)
endforeach()
target_link_libraries(main PRIVATE inside)
CMAKE
{
    cmake -S "$work/c++" -B "$work/c++/build" -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "$work/c++/build"
} >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
"$work/c++/build/main" || { echo "the C++ program failed" && exit 1; }
echo "c++: ok"

. "$CLEAT_SOURCE_DIR/cmake/serving.sh"
serves "$work/c/echo_server"
fetches "$work/c/https_get" server-ec 'Made fast by TLSv1.3'
fetches "$work/c/https_get" other 'Hostname mismatch'
echo "static-pie: ok"
