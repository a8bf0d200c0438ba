# libcleat.a (CLEAT_STATIC): one object that holds the core and what it needs of BoringSSL, in which only the functions
# of the ABI are global, so that it can be linked beside another OpenSSL, BoringSSL or C++ runtime. It needs GNU
# binutils.
file(STRINGS ${map} names REGEX "^ +cleat_[a-z0-9_]+;")
list(TRANSFORM names REPLACE "[ ;]" "")
list(JOIN names "\n" lines)
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/static/global CONTENT "${lines}\n")
list(TRANSFORM names PREPEND "-Wl,-u," OUTPUT_VARIABLE roots)
list(JOIN roots "\n" lines)
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/static/roots CONTENT "${lines}\n")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${map})

set(static_target)
if(CMAKE_C_COMPILER_TARGET) # clang's
    set(static_target --target=${CMAKE_C_COMPILER_TARGET})
endif()
set(static_library ${PROJECT_BINARY_DIR}/libcleat.a)
set(static_object ${PROJECT_BINARY_DIR}/static/cleat.o)
set(boringssl_archives ${boringssl_prefix}/lib/libssl.a ${boringssl_prefix}/lib/libcrypto.a ${zlib_archives})
add_custom_command(OUTPUT ${static_library}
    # Without its groups a section is never dropped in favour of the program's, which has the same C++ template.
    COMMAND ${CMAKE_C_COMPILER} ${CMAKE_C_COMPILER_ARG1} ${static_target} -r -nostdlib -Wl,--force-group-allocation -Wl,--gc-sections
        -o ${static_object}.all @${PROJECT_BINARY_DIR}/static/roots $<TARGET_OBJECTS:cleat_objects>
        ${boringssl_archives} $<TARGET_FILE:cxx_runtime> -lgcc
    # "unique" symbols cannot be made local, weak ones can
    COMMAND ${CMAKE_OBJCOPY} --wildcard --weaken-symbol=_Z* ${static_object}.all
    COMMAND ${CMAKE_OBJCOPY} --keep-global-symbols=${PROJECT_BINARY_DIR}/static/global
        ${static_object}.all ${static_object}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${static_library}
    COMMAND ${CMAKE_AR} rcD ${static_library} ${static_object}
    DEPENDS cleat_objects $<TARGET_OBJECTS:cleat_objects> cxx_runtime ${boringssl_archives} ${map}
    COMMAND_EXPAND_LISTS VERBATIM COMMENT "Linking libcleat.a")
add_custom_target(cleat_static_library ALL DEPENDS ${static_library})

install(FILES ${static_library} DESTINATION ${CMAKE_INSTALL_LIBDIR})
# cleat::cleat_static
file(APPEND ${PROJECT_BINARY_DIR}/cleatConfig.cmake "
include(CMakeFindDependencyMacro)
find_dependency(Threads)
if(NOT TARGET cleat::cleat_static)
    get_target_property(include cleat::cleat INTERFACE_INCLUDE_DIRECTORIES)
    add_library(cleat::cleat_static STATIC IMPORTED)
    set_target_properties(cleat::cleat_static PROPERTIES INTERFACE_INCLUDE_DIRECTORIES \"\${include}\"
        IMPORTED_LOCATION \"\${CMAKE_CURRENT_LIST_DIR}/${package_to_lib}/libcleat.a\" INTERFACE_LINK_LIBRARIES Threads::Threads)
    unset(include)
endif()
")
