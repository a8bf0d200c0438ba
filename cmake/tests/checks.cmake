# Kinds soak, check and lint.

# The soaks (script/soak), briefly.
if("soak" IN_LIST CLEAT_TESTS AND CLEAT_NATIVE)
    add_library(soak_heap MODULE EXCLUDE_FROM_ALL spec/soak/heap.c)
    target_include_directories(soak_heap SYSTEM PRIVATE ${LUA54_INCLUDE_DIRS})
    target_compile_definitions(soak_heap PRIVATE _GNU_SOURCE)
    target_link_libraries(soak_heap PRIVATE cleat_flags)
    set_target_properties(soak_heap PROPERTIES PREFIX "" OUTPUT_NAME heap
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lua/5.4/soak)
    add_dependencies(tests soak_heap)
    cleat_test(soak.connections script/soak connections --count 100 10)
    cleat_test(soak.handshakes script/soak handshakes 2000)
endif()

if("check" IN_LIST CLEAT_TESTS)
    file(GLOB checks CONFIGURE_DEPENDS spec/checks/*.sh spec/checks/*.lua cmake/check-*.sh)
    list(FILTER checks EXCLUDE REGEX "_spec[.]lua$") # busted runs those: specs.cmake
    foreach(check ${checks})
        get_filename_component(name ${check} NAME_WE)
        string(REGEX REPLACE "^check-" "" name ${name})
        set(run bash)
        if(check MATCHES "[.]lua$")
            set(run script/lua)
        endif()
        cleat_test(check.${name} ${run} ${check})
    endforeach()
endif()

# The guards count system calls and so on: bench/README.md. A sanitizer would add its own.
if(CLEAT_NATIVE AND "lua54" IN_LIST CLEAT_TESTS AND NOT CLEAT_SANITIZE)
    add_subdirectory(bench/guards)
    if("check" IN_LIST CLEAT_TESTS)
        foreach(guard syscalls allocations compiled instructions memory)
            cleat_test(check.guard_${guard} script/lua bench/guards/run.lua ${guard})
            set_tests_properties(${cleat_prefix}check.guard_${guard} PROPERTIES SKIP_RETURN_CODE 77)
        endforeach()
    endif()
endif()

if("lint" IN_LIST CLEAT_TESTS)
    foreach(part format lua shell prose clang tidy)
        cleat_test(lint.${part} script/lint ${part})
    endforeach()
    # lint.tidy reads the compile commands that lint.clang writes
    set_tests_properties(${cleat_prefix}lint.tidy PROPERTIES DEPENDS ${cleat_prefix}lint.clang)
endif()
