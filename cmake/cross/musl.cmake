# x86-64 with musl, by gcc and Debian's musl-tools. Debian has no C++ library for musl. BoringSSL needs its headers
# only: libc++'s know musl, and no code of libc++ or libstdc++ gets into libcleat (cmake/cxx-runtime.cc).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
# the kernel's headers, without glibc's that lie beside them
set(linux_headers ${CMAKE_BINARY_DIR}/linux-headers)
file(MAKE_DIRECTORY ${linux_headers})
file(CREATE_LINK /usr/include/linux ${linux_headers}/linux SYMBOLIC)
file(CREATE_LINK /usr/include/asm-generic ${linux_headers}/asm-generic SYMBOLIC)
file(CREATE_LINK /usr/include/x86_64-linux-gnu/asm ${linux_headers}/asm SYMBOLIC)
set(CMAKE_C_COMPILER musl-gcc -isystem ${linux_headers})
set(CMAKE_CXX_COMPILER g++ -isystem /usr/lib/llvm-14/include/c++/v1 -isystem ${linux_headers} -D_LIBCPP_HAS_MUSL_LIBC
    -specs=/usr/lib/x86_64-linux-musl/musl-gcc.specs -static-libstdc++)
