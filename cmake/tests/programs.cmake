# Kind c: C programs that are linked with the core's objects, so that they see its internals.
if(NOT "c" IN_LIST CLEAT_TESTS)
    return()
endif()

# spec/c/test_X.c are programs; the other files there help all programs.
file(GLOB programs CONFIGURE_DEPENDS spec/c/test_*.c)
file(GLOB helpers CONFIGURE_DEPENDS spec/c/*.c)
list(REMOVE_ITEM helpers ${programs})
add_library(test_helpers OBJECT EXCLUDE_FROM_ALL ${helpers})
target_link_libraries(test_helpers PUBLIC cleat_objects PRIVATE cleat_flags)
target_compile_definitions(test_helpers PRIVATE _GNU_SOURCE)

# cleat_program(NAME SOURCE…): a program spec/c/NAME of the build, and a test c.NAME that runs it
function(cleat_program name)
    add_executable(${name} EXCLUDE_FROM_ALL ${ARGN})
    target_link_libraries(${name} PRIVATE cleat_objects cleat_flags test_helpers)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec/c)
    add_dependencies(tests ${name})
    string(REGEX REPLACE "^test_" "" test ${name})
    cleat_test(c.${test} ${cleat_memcheck} $<TARGET_FILE:${name}>)
endfunction()

foreach(source ${programs})
    get_filename_component(name ${source} NAME_WE)
    cleat_program(${name} ${source})
endforeach()
# Counts what BoringSSL verifies.
target_link_options(test_path_search PRIVATE -Wl,--wrap=X509_verify,--wrap=X509_verify_cert)

# Each allocation of each operation fails once: see spec/allocation/core.c. (lua.c there is for tests/specs.cmake.)
file(GLOB sources CONFIGURE_DEPENDS spec/allocation/*.c)
list(FILTER sources EXCLUDE REGEX "/lua[.]c$")
cleat_program(allocation ${sources})
target_link_options(allocation PRIVATE -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free,--wrap=strdup
    -Wl,--wrap=getaddrinfo,--wrap=_ZN4bssl14CBBFinishArrayEP6cbb_stPNS_5ArrayIhEE)

# Peers that break the protocol: see spec/hostile/hostile.c.
file(GLOB sources CONFIGURE_DEPENDS spec/hostile/*.c)
cleat_program(hostile ${sources})

# Random calls from several threads: see spec/schedule/schedule.c.
file(GLOB sources CONFIGURE_DEPENDS spec/schedule/*.c)
cleat_program(schedule ${sources})
cleat_test(c.schedule_long ${cleat_memcheck} $<TARGET_FILE:schedule>)
