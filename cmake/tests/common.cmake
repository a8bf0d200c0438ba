# cleat_test registers a test with the properties of all tests; cleat_vary changes some of them.

# The kind of build: address, thread or fuzzer (CLEAT_SANITIZE), memcheck, coverage, floor, emulated (for another
# machine: tests run in an emulator), cross (for another libc or word size: tests run here), or release for all others.
set(cleat_build release)
set(cleat_prefix "")
get_filename_component(tree ${PROJECT_BINARY_DIR} NAME)
if(tree MATCHES "^(floor|asan|tsan|valgrind)$")
    set(cleat_prefix ${tree}.)
endif()
if(CLEAT_MEMCHECK)
    set(cleat_build memcheck)
elseif(CLEAT_SANITIZE)
    set(cleat_build ${CLEAT_SANITIZE})
elseif(CLEAT_COVERAGE)
    set(cleat_build coverage)
elseif(tree STREQUAL "floor")
    set(cleat_build floor)
elseif(CMAKE_CROSSCOMPILING AND "${CMAKE_CROSSCOMPILING_EMULATOR}" MATCHES "qemu")
    set(cleat_build emulated)
elseif(CMAKE_CROSSCOMPILING)
    set(cleat_build cross)
endif()
unset(tree)

# The factor by which tests multiply their upper bounds of time: spec/support/limits.lua, spec/c/load.h.
set(cleat_slow_release 1)
set(cleat_slow_floor 1)
set(cleat_slow_coverage 4)
set(cleat_slow_address 4)
set(cleat_slow_thread 4)
set(cleat_slow_fuzzer 4)
set(cleat_slow_memcheck 20)
set(cleat_slow_emulated 20)
set(cleat_slow_cross 1)

# The tool that watches memory in this build, for the few specs in which other programs leak.
set(cleat_watched "")
if(NOT cleat_build MATCHES "^(release|floor|coverage|emulated|cross)$")
    set(cleat_watched ${cleat_build})
endif()

set(cleat_environment
    CLEAT_WATCHED=${cleat_watched}
    CLEAT_SOURCE_DIR=${PROJECT_SOURCE_DIR}
    CLEAT_BUILD_DIR=${PROJECT_BINARY_DIR}
    CLEAT_LIBRARY=$<TARGET_FILE:cleat>
    CLEAT_TEST_SLOW=${cleat_slow_${cleat_build}}
    ASAN_OPTIONS=abort_on_error=0:detect_stack_use_after_return=1
    UBSAN_OPTIONS=print_stacktrace=1
    TSAN_OPTIONS=halt_on_error=1)

# Ends a test that hangs: no test takes nearly that long, even on a busy machine.
set(cleat_timeout 1800)

# The program that runs C programs and Lua: none, valgrind, or an emulator of another machine.
set(cleat_memcheck ${CMAKE_CROSSCOMPILING_EMULATOR})
if(CLEAT_MEMCHECK)
    find_program(VALGRIND valgrind REQUIRED)
    # Without a fair lock one busy thread may keep the others from running for minutes.
    set(cleat_memcheck ${VALGRIND} --quiet --fair-sched=try --error-exitcode=99 --leak-check=full --show-leak-kinds=definite
        --errors-for-leak-kinds=definite --num-callers=30)
endif()

# cleat_vary(BUILDS TESTS KEY VALUE): in the kinds of builds that the first regular expression matches, the tests whose
# names (without the build's prefix) the second one matches differ:
#   when always|full|never   in each run; by ctest -C full only; not registered
#   arguments "A B"          arguments to the test's command
#   environment NAME=VALUE   beside what all tests have, or instead of it
#   label NAME               a label, for ctest -L
#   cost N                   ctest starts the tests of the highest cost first: a long test begun last runs alone
#   fast yes|no              among those of script/test --fast (the label fast)
# Of several rows the last one counts; labels and environment variables add up.
function(cleat_vary builds tests key value)
    if(NOT "${key} ${value}" MATCHES "^(when (always|full|never)|fast (yes|no)|(arguments|environment|label) .+|cost [0-9]+)$")
        message(FATAL_ERROR "cleat_vary: no such variation: ${key} ${value}")
    endif()
    if(cleat_build MATCHES "^(${builds})$")
        set_property(GLOBAL APPEND PROPERTY cleat_variations "${tests}" "${key}" "${value}")
    endif()
endfunction()

# cleat_test(NAME COMMAND…)
function(cleat_test name)
    set(when always)
    set(arguments "")
    set(environment ${cleat_environment})
    set(label "")
    set(fast no)
    set(cost "")
    get_property(rows GLOBAL PROPERTY cleat_variations)
    while(rows)
        list(POP_FRONT rows tests key value)
        if(NOT name MATCHES "^(${tests})$")
            continue()
        elseif(key MATCHES "^(environment|label)$")
            list(APPEND ${key} ${value})
        else()
            set(${key} ${value})
        endif()
    endwhile()

    if(fast)
        list(APPEND label fast)
    endif()
    set(configurations "")
    if(when STREQUAL "never")
        return()
    elseif(when STREQUAL "full")
        set(configurations CONFIGURATIONS full)
    endif()
    separate_arguments(arguments)
    set(name ${cleat_prefix}${name})
    add_test(NAME ${name} ${configurations} COMMAND ${ARGN} ${arguments} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${cleat_timeout} ENVIRONMENT "${environment}"
        # a spec file without tests fails
        FAIL_REGULAR_EXPRESSION "(^|[^0-9])0 successes / 0 failures / 0 errors / 0 pending")
    if(cost)
        set_tests_properties(${name} PROPERTIES COST ${cost})
    endif()
    if(label)
        set_tests_properties(${name} PROPERTIES LABELS "${label}")
    endif()
endfunction()
