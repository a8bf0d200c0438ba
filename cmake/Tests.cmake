# All tests go through ctest. CLEAT_TESTS says which kinds a build registers:
#   c       spec/c/test_X.c        -> c.X         programs that see the core's internals
#   lua54   spec/F/X_spec.lua      -> lua54.F.X   busted on lua5.4 with the native module
#   luajit  spec/F/X_spec.lua      -> luajit.F.X  the same on LuaJIT with the FFI backend
#   gc      the same under an aggressive collector -> gc.lua54.F.X, gc.luajit.F.X; most of them with ctest -C full only
#   soak    script/soak X, briefly -> soak.X
#   check   spec/checks/X.{sh,lua} -> check.X     rules about the sources and what is built;
#           cmake/check-X.sh       -> check.X     installing, as CMake and as a rock
#           bench/guards/run.lua X -> check.guard_X  what system calls, allocations and instructions there are
#   lint    script/lint X          -> lint.X
# and what watches them is shown to be on (spec/proofs) -> proof.X.
# Names are prefixed with the build's own where it is not the main one: asan.c.X.
set(CLEAT_TESTS "c;lua54;luajit;gc;soak;check;lint" CACHE STRING "Kinds of tests to register")
get_filename_component(prefix ${PROJECT_BINARY_DIR} NAME)
if(NOT prefix MATCHES "^(floor|asan|tsan|valgrind)$")
    set(prefix "")
else()
    set(prefix ${prefix}.)
endif()

# Types, for abidw (spec/checks/abi.sh) and for whoever looks into a failure; the code is the same.
target_compile_options(cleat_objects PRIVATE -g)

# It ends what hangs: no test takes nearly that long, on a machine that is busy either.
set(timeout 1800)
# How much slower than in a release build a test's upper bounds let things be: spec/support/limits.lua, spec/c/load.h.
set(slow 1)
if(CLEAT_MEMCHECK)
    set(slow 20)
elseif(CLEAT_SANITIZE)
    set(slow 4)
endif()
# What watches memory in this build, for the few specs in which others lose some.
set(watched ${CLEAT_SANITIZE})
if(CLEAT_MEMCHECK)
    set(watched memcheck)
endif()
set(environment CLEAT_WATCHED=${watched} CLEAT_SOURCE_DIR=${PROJECT_SOURCE_DIR} CLEAT_BUILD_DIR=${PROJECT_BINARY_DIR}
    CLEAT_LIBRARY=$<TARGET_FILE:cleat> CLEAT_TEST_SLOW=${slow}
    ASAN_OPTIONS=abort_on_error=0:detect_stack_use_after_return=1
    UBSAN_OPTIONS=print_stacktrace=1
    TSAN_OPTIONS=halt_on_error=1)

# cleat_test(NAME COMMAND… [CONFIGURATIONS full])
function(cleat_test name)
    add_test(NAME ${prefix}${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${prefix}${name} PROPERTIES TIMEOUT ${timeout} ENVIRONMENT "${environment}"
        # a spec file without a single test has not passed
        FAIL_REGULAR_EXPRESSION "(^|[^0-9])0 successes / 0 failures / 0 errors / 0 pending")
endfunction()

add_custom_target(tests)

# What C programs and Lua run under.
if(CLEAT_MEMCHECK)
    find_program(VALGRIND valgrind REQUIRED)
    set(memcheck ${VALGRIND} --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite
        --errors-for-leak-kinds=definite --num-callers=30 --suppressions=${PROJECT_SOURCE_DIR}/cmake/memcheck.supp)
    # found by script/common.sh in the place of an interpreter with a sanitizer
    list(JOIN memcheck "' '" command)
    file(WRITE ${PROJECT_BINARY_DIR}/lua54 "#!/bin/sh\nexec '${command}' lua5.4 \"$@\"\n")
    file(CHMOD ${PROJECT_BINARY_DIR}/lua54 PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
elseif(CMAKE_CROSSCOMPILING_EMULATOR) # script/cross: qemu-user
    set(memcheck ${CMAKE_CROSSCOMPILING_EMULATOR})
endif()

# A build whose sanitizer is not on passes everything: mistakes that are made on purpose must be found.
function(cleat_proof name mistake report)
    cleat_test(proof.${name} spec/proofs/proof.sh "${report}" ${memcheck} $<TARGET_FILE:proof> ${mistake})
endfunction()
# The same inside BoringSSL, unless BORINGSSL_ROOT names one that may be without.
function(cleat_proof_boringssl mistake report symbol)
    if(NOT CLEAT_BORINGSSL_SANITIZED)
        return()
    endif()
    add_executable(proof-boringssl EXCLUDE_FROM_ALL spec/proofs/boringssl.c)
    target_link_libraries(proof-boringssl PRIVATE boringssl cleat_flags)
    set_target_properties(proof-boringssl PROPERTIES LINKER_LANGUAGE CXX)
    add_dependencies(tests proof-boringssl)
    cleat_test(proof.boringssl_${mistake} spec/proofs/proof.sh "${report}" $<TARGET_FILE:proof-boringssl> ${mistake})
    cleat_test(proof.boringssl_instrumented bash spec/proofs/instrumented.sh "${symbol}"
        ${boringssl_prefix}/lib/libssl.a ${boringssl_prefix}/lib/libcrypto.a)
endfunction()
if((CLEAT_SANITIZE AND NOT CLEAT_SANITIZE STREQUAL "fuzzer") OR CLEAT_MEMCHECK)
    add_executable(proof EXCLUDE_FROM_ALL spec/proofs/proof.c)
    target_link_libraries(proof PRIVATE cleat cleat_flags Threads::Threads)
    set_target_properties(proof PROPERTIES LINKER_LANGUAGE CXX)
    add_dependencies(tests proof)
    cleat_proof(nothing nothing none)
endif()
if(CLEAT_SANITIZE STREQUAL "address")
    cleat_proof(use_after_free use_after_free "AddressSanitizer: heap-use-after-free")
    cleat_proof(overrun overrun "AddressSanitizer: heap-buffer-overflow")
    cleat_proof(overflow overflow "runtime error: signed integer overflow")
    cleat_proof(leak leak "LeakSanitizer: detected memory leaks")
    cleat_proof(cast cast "runtime error: 1e\\+10 is outside the range")
    cleat_proof_boringssl(use_after_free "#0 .* in BIO_number_read" "__asan_report_")
elseif(CLEAT_SANITIZE STREQUAL "thread")
    cleat_proof(race race "ThreadSanitizer: data race")
    cleat_proof_boringssl(race "#0 BIO_set_flags" "__tsan_")
elseif(CLEAT_MEMCHECK)
    cleat_proof(use_after_free use_after_free "Invalid write of size 8")
    cleat_proof(overrun overrun "0 bytes inside a block of size 1 alloc'd")
    cleat_proof(leak leak "1,000 bytes in 1 blocks are definitely lost")
    cleat_proof(uninitialised uninitialised "ninitialised value")
endif()

if("c" IN_LIST CLEAT_TESTS)
    file(GLOB sources CONFIGURE_DEPENDS spec/c/*.c)
    set(programs ${sources})
    list(FILTER programs INCLUDE REGEX "/test_[^/]*$")
    list(FILTER sources EXCLUDE REGEX "/test_[^/]*$") # helpers, for all of them
    if(sources)
        add_library(test_helpers OBJECT EXCLUDE_FROM_ALL ${sources})
        target_link_libraries(test_helpers PUBLIC cleat_objects PRIVATE cleat_flags)
        target_compile_definitions(test_helpers PRIVATE _GNU_SOURCE)
    endif()
    foreach(source ${programs})
        get_filename_component(target ${source} NAME_WE)
        string(REGEX REPLACE "^test_" "" name ${target})
        add_executable(${target} EXCLUDE_FROM_ALL ${source})
        target_link_libraries(${target} PRIVATE cleat_objects cleat_flags)
        if(sources)
            target_link_libraries(${target} PRIVATE test_helpers)
        endif()
        target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
        set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX
            RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec/c)
        add_dependencies(tests ${target})
        set(few) # every so manieth only: each takes its time there
        if(name STREQUAL "boundaries" AND CLEAT_MEMCHECK)
            set(few 997)
        elseif(name STREQUAL "setters" AND CLEAT_MEMCHECK)
            set(few 97)
        elseif(name STREQUAL "setters" AND CLEAT_SANITIZE STREQUAL "thread")
            set(few 13)
        elseif(name STREQUAL "setters" AND CLEAT_SANITIZE)
            set(few 5)
        endif()
        set(only)
        if(CLEAT_MEMCHECK AND name MATCHES "^(faults|secrets|states)$") # half a minute and more
            set(only CONFIGURATIONS full)
        endif()
        cleat_test(c.${name} ${memcheck} $<TARGET_FILE:${target}> ${few} ${only})
        if(name STREQUAL "secrets")
            # A frame that is kept after its function has returned keeps what the next one would have overwritten.
            set_property(TEST ${prefix}c.secrets APPEND PROPERTY ENVIRONMENT ASAN_OPTIONS=detect_stack_use_after_return=0)
        endif()
    endforeach()
endif()

# The same with an allocator that fails when it is told to: see spec/allocation/core.c.
if("c" IN_LIST CLEAT_TESTS)
    add_executable(allocation EXCLUDE_FROM_ALL spec/allocation/core.c spec/allocation/context.c
        spec/allocation/object.c spec/allocation/connection.c spec/allocation/verification.c
        spec/allocation/failing.c)
    target_link_libraries(allocation PRIVATE cleat_objects cleat_flags test_helpers)
    target_compile_definitions(allocation PRIVATE _GNU_SOURCE)
    target_link_options(allocation PRIVATE -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free,--wrap=strdup
        -Wl,--wrap=getaddrinfo,--wrap=_ZN4bssl14CBBFinishArrayEP6cbb_stPNS_5ArrayIhEE)
    set_target_properties(allocation PROPERTIES LINKER_LANGUAGE CXX
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec/c)
    add_dependencies(tests allocation)
    set(only "")
    if(CLEAT_MEMCHECK) # two minutes
        set(only CONFIGURATIONS full)
    endif()
    cleat_test(c.allocation ${memcheck} $<TARGET_FILE:allocation> ${only})
endif()

# Peers that do not play by the rules: see spec/hostile/hostile.c.
if("c" IN_LIST CLEAT_TESTS)
    file(GLOB hostile CONFIGURE_DEPENDS spec/hostile/*.c)
    add_executable(hostile EXCLUDE_FROM_ALL ${hostile})
    target_link_libraries(hostile PRIVATE cleat_objects cleat_flags test_helpers)
    target_compile_definitions(hostile PRIVATE _GNU_SOURCE)
    set_target_properties(hostile PROPERTIES LINKER_LANGUAGE CXX
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec/c)
    add_dependencies(tests hostile)
    cleat_test(c.hostile ${memcheck} $<TARGET_FILE:hostile> ${only}) # see above
endif()

# Random calls from several threads: see spec/schedule/schedule.c. A minute in all, and longer by script/fuzz schedule.
if("c" IN_LIST CLEAT_TESTS)
    file(GLOB schedule CONFIGURE_DEPENDS spec/schedule/*.c)
    add_executable(schedule EXCLUDE_FROM_ALL ${schedule})
    target_link_libraries(schedule PRIVATE cleat_objects cleat_flags test_helpers)
    target_compile_definitions(schedule PRIVATE _GNU_SOURCE)
    set_target_properties(schedule PROPERTIES LINKER_LANGUAGE CXX
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec/c)
    add_dependencies(tests schedule)
    set(seconds 20)
    if(CLEAT_MEMCHECK OR prefix STREQUAL "floor.")
        set(seconds 3)
    endif()
    cleat_test(c.schedule ${memcheck} $<TARGET_FILE:schedule> --seconds ${seconds})
    cleat_test(c.schedule_long ${memcheck} $<TARGET_FILE:schedule> --seconds 600 CONFIGURATIONS full)
endif()

# The Lua layer in an interpreter whose allocator fails: see spec/allocation/lua.lua.
find_package(PkgConfig)
pkg_check_modules(LUAJIT IMPORTED_TARGET luajit)
foreach(kind lua54 luajit)
    if(kind IN_LIST CLEAT_TESTS AND (kind STREQUAL "lua54" OR LUAJIT_FOUND))
        add_executable(failing-${kind} EXCLUDE_FROM_ALL spec/allocation/lua.c)
        target_link_libraries(failing-${kind} PRIVATE cleat_flags)
        if(kind STREQUAL "lua54")
            target_include_directories(failing-${kind} SYSTEM PRIVATE ${lua_include})
            target_link_libraries(failing-${kind} PRIVATE PkgConfig::LUA)
        else()
            target_link_libraries(failing-${kind} PRIVATE PkgConfig::LUAJIT)
        endif()
        add_dependencies(tests failing-${kind})
        set_target_properties(failing-${kind} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec/c)
        cleat_test(${kind}.allocation bash spec/allocation/lua.sh ${kind})
    endif()
endforeach()

# A sanitizer's runtime must be there before the library it watches: specs then run in an interpreter
# that carries it (preloading it would reach every program that a spec starts).
if(CLEAT_SANITIZE AND "lua54" IN_LIST CLEAT_TESTS)
    add_executable(lua54 cmake/sanitized-lua.c)
    target_link_libraries(lua54 PRIVATE PkgConfig::LUA cleat_flags)
endif()

set(only "")
if(CLEAT_MEMCHECK) # takes a quarter of an hour
    set(only CONFIGURATIONS full)
endif()
file(GLOB_RECURSE specs CONFIGURE_DEPENDS spec/*_spec.lua)

# cleat_spec_name(VARIABLE FILE): spec/ssl/wrap_spec.lua is ssl.wrap.
function(cleat_spec_name variable file)
    file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR}/spec ${file})
    string(REGEX REPLACE "_spec[.]lua$" "" name ${name})
    string(REPLACE "/" "." name ${name})
    set(${variable} ${name} PARENT_SCOPE)
endfunction()

foreach(kind lua54 luajit)
    if(kind IN_LIST CLEAT_TESTS)
        foreach(spec ${specs})
            cleat_spec_name(name ${spec})
            # the leaks of others, and valgrind's own descriptors, are what memcheck finds there
            if(CLEAT_MEMCHECK AND name STREQUAL "backend.living")
                continue()
            endif()
            cleat_test(${kind}.${name} script/busted --${kind} ${spec} ${only})
        endforeach()
    endif()
endforeach()

# Under an aggressive collector those specs run always that let go of most objects, the others with ctest -C full.
if("gc" IN_LIST CLEAT_TESTS)
    foreach(lua lua54 luajit)
        foreach(spec ${specs})
            cleat_spec_name(name ${spec})
            set(only CONFIGURATIONS full)
            if(name MATCHES "^(ssl.closing|socket.coroutine|ssl.wrap)$")
                set(only "")
            endif()
            cleat_test(gc.${lua}.${name} script/busted --${lua} --gc ${spec} ${only})
            set_tests_properties(gc.${lua}.${name} PROPERTIES LABELS gc)
        endforeach()
        cleat_test(proof.gc.${lua} spec/proofs/proof.sh "0 successes / 1 failure"
            script/busted --${lua} --gc spec/proofs/uncollected.lua)
        set_tests_properties(proof.gc.${lua} PROPERTIES LABELS gc)
    endforeach()
endif()

# The soaks (script/soak), briefly.
if("soak" IN_LIST CLEAT_TESTS AND CLEAT_NATIVE)
    add_library(soak_heap MODULE EXCLUDE_FROM_ALL spec/soak/heap.c)
    target_include_directories(soak_heap SYSTEM PRIVATE ${lua_include})
    target_compile_definitions(soak_heap PRIVATE _GNU_SOURCE)
    target_link_libraries(soak_heap PRIVATE cleat_flags)
    set_target_properties(soak_heap PROPERTIES PREFIX "" OUTPUT_NAME heap
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lua/soak)
    add_dependencies(tests soak_heap)
    cleat_test(soak.connections script/soak connections --count 100 10)
    cleat_test(soak.handshakes script/soak handshakes 2000)
endif()

if("check" IN_LIST CLEAT_TESTS)
    file(GLOB checks CONFIGURE_DEPENDS spec/checks/*.sh spec/checks/*.lua cmake/check-*.sh)
    foreach(check ${checks})
        get_filename_component(name ${check} NAME_WE)
        string(REGEX REPLACE "^check[_-]" "" name ${name})
        if(check MATCHES "lua$")
            cleat_test(check.${name} script/lua ${check})
        else()
            cleat_test(check.${name} bash ${check})
        endif()
    endforeach()
endif()

# What is counted: bench/README.md, "Guards". A sanitizer counts things of its own.
if(CLEAT_NATIVE AND "lua54" IN_LIST CLEAT_TESTS AND NOT CLEAT_SANITIZE)
    add_subdirectory(bench/guards)
    if("check" IN_LIST CLEAT_TESTS)
        foreach(guard syscalls allocations compiled instructions)
            cleat_test(check.guard_${guard} script/lua bench/guards/run.lua ${guard})
            set_tests_properties(check.guard_${guard} PROPERTIES SKIP_RETURN_CODE 77)
        endforeach()
    endif()
endif()

if("lint" IN_LIST CLEAT_TESTS)
    foreach(part format lua shell clang tidy)
        cleat_test(lint.${part} script/lint ${part})
    endforeach()
    set_tests_properties(lint.tidy PROPERTIES DEPENDS lint.clang) # reads the compile commands of the other
endif()
