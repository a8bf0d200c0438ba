# What cmake --install installs. All paths are relative, so that the prefix may be moved; Lua needs
# LUA_PATH and LUA_CPATH only.
include(CMakePackageConfigHelpers)

set(doc_dir ${CMAKE_INSTALL_DATADIR}/doc/cleat)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cleat)

install(TARGETS cleat EXPORT cleatTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

install(FILES examples/ffi/cleat.cdef examples/ffi/cleat.json DESTINATION ${CMAKE_INSTALL_DATADIR}/cleat)

# find_package(cleat) and pkg-config
install(EXPORT cleatTargets NAMESPACE cleat:: DESTINATION ${package_dir})
file(WRITE ${PROJECT_BINARY_DIR}/cleatConfig.cmake
    "include(\${CMAKE_CURRENT_LIST_DIR}/cleatTargets.cmake)\n")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cleatConfigVersion.cmake COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH package_to_lib /${package_dir} /${CMAKE_INSTALL_LIBDIR})
if(CLEAT_STATIC)
    include(Static)
endif()
install(FILES ${PROJECT_BINARY_DIR}/cleatConfig.cmake ${PROJECT_BINARY_DIR}/cleatConfigVersion.cmake
    DESTINATION ${package_dir})
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/cleat.pc.in cleat.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cleat.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The same Lua files for each Lua that there is a native module for, and for LuaJIT, which looks in 5.1.
set(versions ${lua_versions} 5.1)
list(REMOVE_DUPLICATES versions)
foreach(version ${versions})
    install(DIRECTORY lua/ DESTINATION ${CMAKE_INSTALL_DATADIR}/lua/${version} FILES_MATCHING PATTERN "*.lua")
endforeach()
foreach(version ${lua_versions})
    set(native_dir ${CMAKE_INSTALL_LIBDIR}/lua/${version}/cleat/backend)
    install(TARGETS native${version} LIBRARY DESTINATION ${native_dir})
    file(RELATIVE_PATH native_to_lib /${native_dir} /${CMAKE_INSTALL_LIBDIR})
    set_target_properties(native${version} PROPERTIES INSTALL_RPATH "\$ORIGIN/${native_to_lib}")
endforeach()
# The FFI backend looks for libcleat along package.cpath.
install(CODE "
    set(dir \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/lua/5.1\")
    file(MAKE_DIRECTORY \"\${dir}\")
    file(CREATE_LINK ../../libcleat.so.0 \"\${dir}/libcleat.so\" SYMBOLIC)")

# The command, and its manual page
set(lua_candidates luajit)
foreach(version ${lua_versions})
    list(PREPEND lua_candidates lua${version})
endforeach()
list(APPEND lua_candidates lua)
list(JOIN lua_candidates " " lua_candidates)
file(RELATIVE_PATH bin_to_prefix /${CMAKE_INSTALL_BINDIR} /)
configure_file(cmake/cleat.sh.in cleat.sh @ONLY)
install(PROGRAMS ${PROJECT_BINARY_DIR}/cleat.sh DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME cleat)
install(FILES bin/cleat DESTINATION ${CMAKE_INSTALL_DATADIR}/cleat RENAME cleat.lua)
install(FILES docs/cleat.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# Notices: ours, and those of BoringSSL, which is linked in.
install(FILES LICENSE NOTICE.md DESTINATION ${doc_dir})
# Every page and example, since they link to each other.
install(FILES README.md CHANGELOG.md SECURITY.md DESTINATION ${doc_dir})
install(DIRECTORY docs/ DESTINATION ${doc_dir}/docs FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
install(DIRECTORY examples DESTINATION ${doc_dir} PATTERN node_modules EXCLUDE PATTERN __pycache__ EXCLUDE)
install(DIRECTORY ${boringssl_prefix}/doc/ DESTINATION ${doc_dir}/boringssl OPTIONAL)
install(FILES ${boringssl_prefix}/LICENSE DESTINATION ${doc_dir}/boringssl OPTIONAL)
