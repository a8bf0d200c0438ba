# cleat_flags: flags to compile and link all C of this repository.
add_library(cleat_flags INTERFACE)

target_compile_options(cleat_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual -Wcast-align -Wundef -Wvla
    -Wformat=2 -Wwrite-strings -Wnull-dereference -Wdouble-promotion -Wswitch-enum
    -Wimplicit-fallthrough -Werror=implicit-function-declaration)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(cleat_flags INTERFACE
        -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init -Wtrampolines)
endif()
if(CLEAT_WERROR)
    target_compile_options(cleat_flags INTERFACE -Werror)
endif()

target_compile_options(cleat_flags INTERFACE -fstack-protector-strong -fno-common)
target_link_options(cleat_flags INTERFACE -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack)

if(CLEAT_SANITIZE STREQUAL "address")
    # float-cast-overflow is not part of undefined: every timeout is a double
    set(sanitize -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(CLEAT_SANITIZE STREQUAL "thread")
    set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
elseif(CLEAT_SANITIZE STREQUAL "fuzzer") # clang's, with the address sanitizer: see spec/fuzz
    set(sanitize -fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
elseif(CLEAT_SANITIZE)
    message(FATAL_ERROR "CLEAT_SANITIZE is address, thread, fuzzer or empty, not ${CLEAT_SANITIZE}")
else()
    # separate checks, which the sanitizers would have to go through
    target_compile_options(cleat_flags INTERFACE $<$<CONFIG:Release>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
endif()
target_compile_options(cleat_flags INTERFACE ${sanitize})
target_link_options(cleat_flags INTERFACE ${sanitize})
