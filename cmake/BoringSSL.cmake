# boringssl: the static BoringSSL that is linked in; BORINGSSL_SOURCE: what it was made from.
#
# BORINGSSL_ROOT (variable or environment) names an installed one. Where it is not given,
# script/boringssl says where the one from the Debian archive is, and builds it the first time: for a
# build with a sanitizer one that has the same sanitizer inside.
set(BORINGSSL_ROOT "$ENV{BORINGSSL_ROOT}" CACHE PATH "Prefix of an installed, position-independent BoringSSL")

set(boringssl_prefix ${BORINGSSL_ROOT})
set(CLEAT_BORINGSSL_SANITIZED OFF) # spec/proofs shows it
if(NOT boringssl_prefix)
    set(sanitize)
    if(CLEAT_SANITIZE)
        set(CLEAT_BORINGSSL_SANITIZED ON)
        set(kind_address asan)
        set(kind_thread tsan)
        set(kind_fuzzer fuzz)
        set(sanitize --sanitize ${kind_${CLEAT_SANITIZE}})
    endif()
    execute_process(COMMAND ${PROJECT_SOURCE_DIR}/script/boringssl ${sanitize}
        OUTPUT_VARIABLE boringssl_prefix OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
    if(failed)
        message(FATAL_ERROR "No BoringSSL: see above, or give -DBORINGSSL_ROOT=<prefix>")
    endif()
endif()

foreach(part include/openssl/ssl.h lib/libssl.a lib/libcrypto.a)
    if(NOT EXISTS ${boringssl_prefix}/${part})
        message(FATAL_ERROR "BORINGSSL_ROOT=${boringssl_prefix} has no ${part}")
    endif()
endforeach()

# Its API version and, if script/boringssl has built it, the source package.
foreach(header base.h opensslv.h)
    if(EXISTS ${boringssl_prefix}/include/openssl/${header})
        file(STRINGS ${boringssl_prefix}/include/openssl/${header} line REGEX "^#define BORINGSSL_API_VERSION ")
        string(REGEX MATCH "[0-9]+" found "${line}")
        string(APPEND boringssl_api "${found}")
    endif()
endforeach()
set(BORINGSSL_SOURCE "BORINGSSL_ROOT")
if(EXISTS ${boringssl_prefix}/version.txt)
    file(STRINGS ${boringssl_prefix}/version.txt BORINGSSL_SOURCE LIMIT_COUNT 1)
endif()
message(STATUS "BoringSSL: API ${boringssl_api}, ${BORINGSSL_SOURCE}, in ${boringssl_prefix}")
# for script/build, which configures again if another prefix is to be used
file(WRITE ${PROJECT_BINARY_DIR}/boringssl-prefix "${boringssl_prefix}\n")

# BoringSSL is C++ inside. What it needs of the runtime comes from cxx-runtime.cc, and what another
# build of it may need beyond that from the static libstdc++, so that a program that loads libcleat
# needs no libstdc++. --as-needed drops the libm that g++ adds.
add_library(cxx_runtime STATIC ${CMAKE_CURRENT_LIST_DIR}/cxx-runtime.cc)
target_compile_options(cxx_runtime PRIVATE -fno-exceptions -fno-rtti -fvisibility=hidden)

find_package(Threads REQUIRED)
add_library(boringssl INTERFACE)
target_include_directories(boringssl SYSTEM INTERFACE ${boringssl_prefix}/include)
target_link_libraries(boringssl INTERFACE
    ${boringssl_prefix}/lib/libssl.a ${boringssl_prefix}/lib/libcrypto.a cxx_runtime Threads::Threads)
target_link_options(boringssl INTERFACE -static-libstdc++ -static-libgcc -Wl,--as-needed)
