# The kinds that run Lua: specs and the Lua layer's allocation test on each interpreter, and the specs again under an
# aggressive collector.
find_package(PkgConfig)
pkg_check_modules(LUAJIT IMPORTED_TARGET luajit)
file(GLOB_RECURSE specs CONFIGURE_DEPENDS spec/*_spec.lua)

# cleat_spec_name(VARIABLE FILE): spec/ssl/wrap_spec.lua is ssl.wrap.
function(cleat_spec_name variable file)
    file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR}/spec ${file})
    string(REGEX REPLACE "_spec[.]lua$" "" name ${name})
    string(REPLACE "/" "." name ${name})
    set(${variable} ${name} PARENT_SCOPE)
endfunction()

# cleat_instrumented(KIND LIBRARY): the build's program KIND, which script/common.sh takes in the place of the
# interpreter in a build with a sanitizer or valgrind. (A sanitizer's runtime must be there before the library that it
# watches. Preloaded, it would reach every program that a spec starts.)
function(cleat_instrumented kind library)
    if(CLEAT_SANITIZE)
        add_executable(${kind} cmake/sanitized-lua.c)
        target_link_libraries(${kind} PRIVATE ${library} cleat_flags)
    elseif(CLEAT_MEMCHECK)
        list(JOIN cleat_memcheck "' '" command)
        string(REGEX REPLACE "^lua5" "lua5." interpreter ${kind})
        file(WRITE ${PROJECT_BINARY_DIR}/${kind} "#!/bin/sh\nexec '${command}' ${interpreter} \"$@\"\n")
        file(CHMOD ${PROJECT_BINARY_DIR}/${kind} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
    endif()
endfunction()

# cleat_allocation(KIND LIBRARY): the Lua layer in an interpreter whose allocator fails, see spec/allocation/lua.lua.
function(cleat_allocation kind library)
    if(NOT TARGET ${library})
        message(STATUS "No test ${kind}.allocation: pkg-config does not find the library of ${kind}")
        return()
    endif()
    set(program failing-${kind})
    add_executable(${program} EXCLUDE_FROM_ALL spec/allocation/lua.c)
    target_link_libraries(${program} PRIVATE ${library} cleat_flags)
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec/c)
    add_dependencies(tests ${program})
    cleat_test(${kind}.allocation bash spec/allocation/lua.sh ${kind})
endfunction()

# cleat_line_hook(KIND LIBRARY): the module that records which lines of Lua are executed, for script/coverage.
function(cleat_line_hook kind library)
    add_library(hook-${kind} MODULE spec/coverage/hook.c)
    target_include_directories(hook-${kind} SYSTEM PRIVATE $<TARGET_PROPERTY:${library},INTERFACE_INCLUDE_DIRECTORIES>)
    target_compile_definitions(hook-${kind} PRIVATE _GNU_SOURCE)
    target_link_libraries(hook-${kind} PRIVATE cleat_flags)
    set_target_properties(hook-${kind} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec/coverage)
endfunction()

# cleat_collected(KIND): under an aggressive collector, and the proof that it collects
function(cleat_collected kind)
    foreach(spec ${specs})
        cleat_spec_name(name ${spec})
        cleat_test(gc.${kind}.${name} script/busted --${kind} --gc ${spec})
    endforeach()
    cleat_test(proof.gc.${kind} spec/proofs/proof.sh "0 successes / 1 failure"
        script/busted --${kind} --gc spec/proofs/uncollected.lua)
endfunction()

# cleat_interpreter(KIND LIBRARY target [SPECS regex] [GC]), where CLEAT_TESTS has the kind: script/busted --KIND
#   LIBRARY  the target that a program links to embed this interpreter
#   SPECS    a regular expression of the names of those specs that it runs, such as "(ssl|socket)[.].*" (default: all)
#   GC       the kind gc includes this interpreter
function(cleat_interpreter kind)
    cmake_parse_arguments(PARSE_ARGV 1 row "GC" "LIBRARY;SPECS" "")
    if(NOT row_LIBRARY OR row_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "cleat_interpreter(${ARGV}): no LIBRARY, or ${row_UNPARSED_ARGUMENTS}")
    endif()
    if(NOT row_SPECS)
        set(row_SPECS ".*")
    endif()
    string(REGEX REPLACE "^lua5" "native5." module ${kind})
    if(NOT kind STREQUAL "luajit" AND NOT TARGET ${module})
        message(STATUS "No tests ${kind}.*: there is no native module for it (CLEAT_LUA_VERSIONS)")
        return()
    endif()
    if(kind IN_LIST CLEAT_TESTS)
        cleat_instrumented(${kind} ${row_LIBRARY})
        cleat_allocation(${kind} ${row_LIBRARY})
        if(CLEAT_COVERAGE)
            cleat_line_hook(${kind} ${row_LIBRARY})
        endif()
        foreach(spec ${specs})
            cleat_spec_name(name ${spec})
            if(name MATCHES "^(${row_SPECS})$")
                cleat_test(${kind}.${name} script/busted --${kind} ${spec})
            endif()
        endforeach()
    endif()
    if(row_GC AND "gc" IN_LIST CLEAT_TESTS)
        cleat_collected(${kind})
    endif()
endfunction()

# The specs of the layers that depend on the version of Lua; the others run on 5.4 and LuaJIT (docs/lua-versions.md).
set(layers "(ssl|socket)[.].*")
set(more "(ssl|socket|backend|https)[.].*|sessions[.](memory|redis|ticket_keys)|adapters[.](luasocket|copas|cqueues|cqueues_tls|luv|concurrency)")

#                 kind
cleat_interpreter(lua51  LIBRARY PkgConfig::LUA51 SPECS "${more}")
cleat_interpreter(lua52  LIBRARY PkgConfig::LUA52 SPECS "${layers}")
cleat_interpreter(lua53  LIBRARY PkgConfig::LUA53 SPECS "${layers}")
cleat_interpreter(lua54  LIBRARY PkgConfig::LUA54 GC)
cleat_interpreter(luajit LIBRARY PkgConfig::LUAJIT GC)
