# The layout that luarocks' build type "cmake" takes: a folder of Lua modules and one of C modules.
# It moves each file of both to its place in the rocks tree by its name as a module, so libcleat is
# the module "libcleat", found along package.cpath by the FFI backend and by rpath from the other.
set(ROCK_LUADIR lua CACHE PATH "where the Lua files go")
set(ROCK_LIBDIR lib CACHE PATH "where the shared objects go")

install(DIRECTORY lua/ DESTINATION ${ROCK_LUADIR} FILES_MATCHING PATTERN "*.lua")
install(TARGETS cleat LIBRARY DESTINATION ${ROCK_LIBDIR})
foreach(version ${lua_versions}) # one: luarocks hands over the headers of the Lua it builds for
    install(TARGETS native${version} LIBRARY DESTINATION ${ROCK_LIBDIR}/cleat/backend)
    set_target_properties(native${version} PROPERTIES INSTALL_RPATH "\$ORIGIN/../..")
endforeach()
install(FILES LICENSE NOTICE.md DESTINATION doc)
install(FILES README.md CHANGELOG.md SECURITY.md DESTINATION doc)
install(DIRECTORY docs/ DESTINATION doc/docs FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "*.1")
install(DIRECTORY ${boringssl_prefix}/doc/ DESTINATION doc/boringssl OPTIONAL)
